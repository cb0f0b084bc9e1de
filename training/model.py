"""The joint tagger: one encoder, and heads that score words and pairs of words."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn
from transformers import CONFIG_MAPPING, AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import ModelOutput

from hadath.arguments import ArgumentWeights
from hadath.schema import Schema
from training.heads import ArgumentHead, HeadSpec, WordHead

IGNORED = -100
"""Label of a word that a head does not learn from."""

BERT_SHAPED = ("bert", "roberta", "xlm-roberta", "camembert")


class JointTaggerConfig(PretrainedConfig):  # type: ignore[misc]
    """What a ``JointTagger`` is built from.

    Args:
        encoder: The encoder's own configuration as a dict.
        schema: ``Schema.to_dict()``.
        heads: For each head's name, a ``HeadSpec`` as a dict.
        windowing: ``hadath.reading.Windowing`` as a dict.
        input_masking: Share of the subwords that are replaced by the mask while training, 0 to 1.
        mask_id: The mask's subword id.
    """

    model_type = "hadath_joint_tagger"
    has_no_defaults_at_init = True

    def __init__(
        self,
        encoder: dict[str, Any] | None = None,
        schema: dict[str, Any] | None = None,
        heads: dict[str, Any] | None = None,
        windowing: dict[str, Any] | None = None,
        input_masking: float = 0.0,
        mask_id: int | None = None,
        **kwargs: Any,
    ) -> None:
        self.encoder = encoder or {}
        self.schema = schema or {}
        self.heads = heads or {}
        self.windowing = windowing or {}
        self.input_masking = input_masking
        self.mask_id = mask_id
        super().__init__(**kwargs)

    def to_json_string(self, use_diff: bool = True) -> str:
        """Returns the config as it is written to config.json; the order of types and roles is kept."""
        values = self.to_diff_dict() if use_diff else self.to_dict()
        return json.dumps(values, ensure_ascii=False, indent=2) + "\n"

    def encoder_config(self) -> PretrainedConfig:
        """Returns the encoder's configuration."""
        values = dict(self.encoder)
        return CONFIG_MAPPING[values.pop("model_type")](**values)

    def head_specs(self) -> dict[str, HeadSpec]:
        """Returns the declared heads."""
        return {name: HeadSpec(**values) for name, values in self.heads.items()}


@dataclass
class JointTaggerOutput(ModelOutput):  # type: ignore[misc]
    """What the network returns.

    Attributes:
        loss: Weighted sum of the heads' losses, where labels were given.
        logits: For each head, [N, labels]; for the head of arguments the descriptions of words, [N, 2 H + Z].
    """

    loss: torch.Tensor | None = None
    logits: dict[str, torch.Tensor] | None = None


class JointTagger(PreTrainedModel):  # type: ignore[misc]
    """An encoder with heads over the first and the last subword of each word.

    Args:
        config: What to build.
        encoder: A pre-trained encoder to start from; by default one with fresh weights of the config's shape.
    """

    config_class = JointTaggerConfig
    base_model_prefix = "encoder"
    supports_gradient_checkpointing = True
    _supports_sdpa = True

    def __init__(self, config: JointTaggerConfig, encoder: nn.Module | None = None) -> None:
        super().__init__(config)
        if encoder is None:
            shape = config.encoder_config()
            encoder = AutoModel.from_config(shape, **without_pooler(shape))
        self.encoder = encoder
        schema = Schema.from_dict(config.schema)
        width = 2 * encoder.config.hidden_size
        self.specs = {name: spec for name, spec in config.head_specs().items() if spec.labels(schema)}
        self.heads = nn.ModuleDict(
            {
                name: ArgumentHead(width, schema, spec)
                if spec.kind == "arguments"
                else WordHead(width, len(spec.labels(schema)), spec)
                for name, spec in self.specs.items()
            }
        )
        self.pair_heads = {name for name, spec in self.specs.items() if spec.kind == "arguments"}
        for name, spec in self.specs.items():
            self.register_buffer(f"{name}_label_weights", torch.ones(len(spec.labels(schema))))
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        word_starts: torch.Tensor,
        word_ends: torch.Tensor,
        labels: dict[str, torch.Tensor] | None = None,
        pairs: dict[str, torch.Tensor] | None = None,
    ) -> JointTaggerOutput:
        """Scores words.

        Args:
            input_ids: Subword ids, [B, S].
            attention_mask: 1 for a subword, 0 for padding, [B, S].
            word_starts: Place of each word's first subword in the flattened [B * S], [N].
            word_ends: Place of its last subword, [N].
            labels: For each head the words' label ids, [N]; ``IGNORED`` where it learns nothing. For the head of
                arguments those of the pairs, [P].
            pairs: With labels, the pairs that the head of arguments learns from: see ``ArgumentHead.pair_logits``.

        Returns:
            The logits and, with labels, the loss.
        """
        if self.training and self.config.input_masking and self.config.mask_id is not None:
            hidden_pieces = torch.rand(input_ids.shape, device=input_ids.device) < self.config.input_masking
            input_ids = torch.where(hidden_pieces & attention_mask.bool(), self.config.mask_id, input_ids)
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        pieces = states.flatten(0, 1)
        # proclitics stand first, the ending last: a word's meaning is not in its first subword alone
        words = torch.cat([pieces[word_starts], pieces[word_ends]], dim=-1)
        logits = {name: head(words).float() for name, head in self.heads.items()}
        loss = None
        if labels is not None:
            scored = [
                (name, scores)
                for name, head in self.heads.items()
                for scores in (head.pair_logits(logits[name], pairs) if name in self.pair_heads else (logits[name],))
            ]
            loss = sum(
                (self._loss(name, scores, labels[name]) for name, scores in scored),
                start=torch.zeros((), device=words.device),
            )
        return JointTaggerOutput(loss=loss, logits=logits)

    def _loss(self, name: str, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        spec = self.specs[name]
        losses = nn.functional.cross_entropy(
            logits,
            labels,
            weight=self.get_buffer(f"{name}_label_weights"),
            ignore_index=IGNORED,
            label_smoothing=spec.label_smoothing,
            reduction="sum",
        )
        # per word or pair that the head learns from; a batch may hold no trigger at all
        return spec.loss_weight * losses / (labels != IGNORED).sum().clamp(min=1)

    def balance_labels(self, counts: dict[str, torch.Tensor]) -> None:
        """Sets the label weights of the losses from how often each label occurs in the training data.

        Args:
            counts: For each head, occurrences of each label, [labels].
        """
        for name, spec in self.specs.items():
            frequency = counts[name].double().clamp(min=1)
            weights = frequency.pow(-spec.balance)
            # the mean weight of a training word stays 1, so the learning rate keeps its meaning
            weights = weights * frequency.sum() / (weights * frequency).sum()
            self.get_buffer(f"{name}_label_weights").copy_(weights.float())

    def argument_weights(self) -> ArgumentWeights | None:
        """Returns what scores pairs of described words, as it is now; None where there is no head of arguments."""
        return next((head.weights() for head in self.heads.values() if isinstance(head, ArgumentHead)), None)


def without_pooler(encoder: PretrainedConfig) -> dict[str, bool]:
    """Returns the argument that keeps a BERT-shaped encoder from having a pooler, which nothing here reads."""
    return {"add_pooling_layer": False} if encoder.model_type in BERT_SHAPED else {}


AutoConfig.register(JointTaggerConfig.model_type, JointTaggerConfig)
AutoModel.register(JointTaggerConfig, JointTagger)


def new_tagger(
    encoder: PreTrainedModel, schema: Schema, heads: dict[str, HeadSpec], windowing: dict[str, Any], **kwargs: Any
) -> JointTagger:
    """Returns a tagger with a pre-trained encoder and fresh heads.

    Args:
        encoder: The encoder.
        schema: Types, roles and modalities.
        heads: The heads to build.
        windowing: ``hadath.reading.Windowing`` as a dict.
        **kwargs: Further fields of ``JointTaggerConfig``.
    """
    shape = encoder.config.to_dict()
    # a place on this machine means nothing on another one
    shape.pop("_name_or_path", None)
    config = JointTaggerConfig(
        encoder=shape,
        schema=schema.to_dict(),
        heads={name: asdict(spec) for name, spec in heads.items()},
        windowing=windowing,
        **kwargs,
    )
    return JointTagger(config, encoder)
