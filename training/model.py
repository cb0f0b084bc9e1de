"""The joint tagger: one encoder, heads that score words, and one that scores pairs of words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import CONFIG_MAPPING, AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import ModelOutput

from hadath.arguments import BETWEEN, EXCLUDED, SENTENCES, ArgumentWeights, allowed_roles
from hadath.schema import Schema, bio_labels

IGNORED = -100
"""Label of a word that a head does not learn from."""

BERT_SHAPED = ("bert", "roberta", "xlm-roberta", "camembert")

SOURCES = {"spans": ("entity_types", "event_types"), "trigger": ("modalities",), "arguments": ("roles",)}
"""Where the labels of each kind of head may come from in the schema."""

NO_ROLE = "none"
"""Label of a trigger and an entity that have nothing to do with each other."""

BETWEEN_FEATURES = 32
"""Features of the words between a trigger and an entity that are added up."""

EXACT_DISTANCES, BUCKETS_PER_DOUBLING = 6, 4
"""Distances up to so many words are learnt one by one; beyond, so many steps from one to its double are."""


@dataclass(frozen=True)
class HeadSpec:
    """A head as a configuration declares it.

    Attributes:
        kind: ``spans``: BIO tags over the words; ``trigger``: one class, read at a trigger's first word;
            ``arguments``: a role or none for each pair of a trigger and an entity.
        source: Where its labels come from in the schema: ``entity_types``, ``event_types``, ``modalities`` or
            ``roles``.
        hidden: Width of a hidden layer before the scores, 0 for none; ``arguments`` cannot do without.
        dropout: Share of features dropped before the scores, 0 to 1.
        loss_weight: Weight of its loss in the sum.
        label_smoothing: Share of the target spread over all labels, 0 to 1.
        balance: How far rare labels count more: the weight of a label is its frequency to the power of minus this,
            0 (all alike) to 1 (inverse frequency).
        reach: For ``arguments`` only: most words from a trigger to an entity that may be its argument.
    """

    kind: str
    source: str
    hidden: int = 0
    dropout: float = 0.1
    loss_weight: float = 1.0
    label_smoothing: float = 0.0
    balance: float = 0.0
    reach: int = 50

    def __post_init__(self) -> None:
        known_sources = [source for sources in SOURCES.values() for source in sources]
        for name, known in (("kind", list(SOURCES)), ("source", known_sources)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is {getattr(self, name)}; expected one of {', '.join(known)}")
        if self.source not in SOURCES[self.kind]:
            raise ValueError(
                f"a head of kind {self.kind} cannot have the source {self.source}; expected spans of entity_types or "
                "event_types, trigger with modalities, or arguments of roles"
            )
        if self.kind == "arguments":
            for name in ("hidden", "reach"):
                if getattr(self, name) < 1:
                    raise ValueError(f"{name} is {getattr(self, name)}; expected 1 or more for a head of arguments")
        for name in ("dropout", "label_smoothing", "balance"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; expected a number from 0 to 1")

    def labels(self, schema: Schema) -> tuple[str, ...]:
        """Returns the head's labels in the order of their ids; empty where the schema has none."""
        if self.kind == "arguments":
            return (NO_ROLE, *schema.role_names) if schema.role_names and schema.entity_types else ()
        names: tuple[str, ...] = getattr(schema, self.source)
        return bio_labels(names) if self.kind == "spans" and names else names


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


class WordHead(nn.Module):
    """Scores words: dropout, an optional hidden layer, a linear layer."""

    def __init__(self, width: int, labels: int, spec: HeadSpec) -> None:
        super().__init__()
        self.dropout = nn.Dropout(spec.dropout)
        self.hidden = nn.Linear(width, spec.hidden) if spec.hidden else None
        self.output = nn.Linear(spec.hidden or width, labels)

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        """Returns the scores of words, [N, width] to [N, labels]."""
        words = self.dropout(words)
        if self.hidden is not None:
            words = self.dropout(nn.functional.gelu(self.hidden(words)))
        return self.output(words)


class ArgumentHead(nn.Module):
    """Scores pairs of a trigger and an entity, as ``hadath.arguments.ArgumentWeights`` does in use.

    Args:
        width: Features of a word.
        schema: Types and roles.
        spec: The head.
    """

    def __init__(self, width: int, schema: Schema, spec: HeadSpec) -> None:
        super().__init__()
        roles = len(schema.role_names)
        self.reach = spec.reach
        self.dropout = nn.Dropout(spec.dropout)
        self.trigger = nn.Linear(width, spec.hidden)
        # one bias is enough for what is added up
        self.entity = nn.Linear(width, spec.hidden, bias=False)
        self.between = nn.Linear(width, BETWEEN_FEATURES)
        buckets = distance_buckets(spec.reach)
        self.register_buffer("buckets", torch.from_numpy(buckets))
        self.register_buffer("allowed", torch.from_numpy(allowed_roles(schema)))
        self.distance = nn.Embedding(int(buckets.max()) + 1, spec.hidden)
        self.sentences = nn.Embedding(SENTENCES, spec.hidden)
        self.triggers = nn.Embedding(BETWEEN, spec.hidden)
        self.entities = nn.Embedding(BETWEEN, spec.hidden)
        self.words = nn.Linear(2 * BETWEEN_FEATURES, spec.hidden, bias=False)
        self.output = nn.Linear(spec.hidden, roles)
        self.others = nn.Linear(3 * roles, spec.hidden, bias=False)
        self.final_output = nn.Linear(spec.hidden, roles)

    @property
    def descriptions(self) -> tuple[nn.Linear, ...]:
        """The layers that describe words, in the order of their outputs."""
        return self.trigger, self.entity, self.between

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        """Describes words as triggers, as entities and as words between, [N, width] to [N, 2 H + Z]."""
        return torch.cat([layer(self.dropout(words)) for layer in self.descriptions], dim=-1)

    def pair_logits(self, words: torch.Tensor, pairs: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Scores pairs.

        Args:
            words: Descriptions of words, [N, 2 H + Z].
            pairs: ``trigger`` and ``entity``, the places of the two's first words among the words; their types
                ``event_type`` and ``entity_type``; and the other fields of ``hadath.arguments.Pairs``, [P] each.

        Returns:
            Scores of no role and of each role after the first pass and after the second, [P, 1 + R] each.
        """
        trigger, entity = pairs["trigger"], pairs["entity"]
        as_trigger, as_entity, as_between = words.split([layer.out_features for layer in self.descriptions], dim=-1)
        hidden = (
            as_trigger[trigger]
            + as_entity[entity]
            + self.distance(self.buckets[pairs["distance"] + self.reach])
            + self.sentences(pairs["sentences"])
            + self.triggers(pairs["triggers"])
            + self.entities(pairs["entities"])
            + self.words(_sums_between(nn.functional.relu(as_between), trigger, entity))
        )
        excluded = ~self.allowed[pairs["event_type"], pairs["entity_type"]]
        first = self._scores(self.output, hidden, excluded)
        likely = first.softmax(dim=-1)[:, 1:]
        others = [_sum_of_others(likely, group, len(words)) for group in (trigger, entity)]
        hidden = hidden + self.others(torch.cat([*others, likely], dim=-1))
        return first, self._scores(self.final_output, hidden, excluded)

    def _scores(self, output: nn.Linear, hidden: torch.Tensor, excluded: torch.Tensor) -> torch.Tensor:
        roles = output(self.dropout(nn.functional.relu(hidden))).float()
        return nn.functional.pad(roles.masked_fill(excluded, EXCLUDED), (1, 0))

    def weights(self) -> ArgumentWeights:
        """Returns what scores pairs outside of torch."""
        tables = {name: getattr(self, name).weight for name in ("sentences", "triggers", "entities")}
        tables |= {name: getattr(self, name).weight.T for name in ("words", "output", "others", "final_output")}
        tables |= {"bias": self.output.bias, "final_bias": self.final_output.bias}
        tables["distance"] = self.distance.weight[self.buckets]
        return ArgumentWeights(**{name: table.detach().float().cpu().numpy() for name, table in tables.items()})


def _sums_between(words: torch.Tensor, trigger: torch.Tensor, entity: torch.Tensor) -> torch.Tensor:
    """Logarithms of the sums over the words between, by the side on which the entity stands, [N, Z] to [P, 2 Z]."""
    places = torch.arange(len(words), device=words.device)
    low, high = torch.minimum(trigger, entity)[:, None], torch.maximum(trigger, entity)[:, None]
    # a product with ones and zeros: running sums have no deterministic kernel on GPUs
    sums = torch.log1p(((places > low) & (places < high)).to(words.dtype) @ words)
    behind = (entity > trigger)[:, None]
    return torch.cat([sums * behind, sums * ~behind], dim=-1)


def _sum_of_others(values: torch.Tensor, groups: torch.Tensor, count: int) -> torch.Tensor:
    """The sum of each row's group without the row itself, [P, R]."""
    sums = values.new_zeros((count, values.shape[1])).index_add(0, groups, values)
    return sums[groups] - values


def distance_buckets(reach: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Returns in which bucket each distance from ``-reach`` to ``reach`` is learnt, [2 reach + 1].

    Example:
        >>> distance_buckets(9).tolist()
        [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 16]
    """
    distances = np.arange(-reach, reach + 1)
    size = np.abs(distances)
    steps = np.round(np.log2(np.maximum(size, EXACT_DISTANCES) / EXACT_DISTANCES) * BUCKETS_PER_DOUBLING)
    signed = np.sign(distances) * (np.minimum(size, EXACT_DISTANCES) + steps.astype(np.int64))
    return np.unique(signed, return_inverse=True)[1].astype(np.int64)


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
