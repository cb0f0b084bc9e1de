"""Heads of the joint tagger: as a configuration declares them, those that score words, and one that scores pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from omegaconf import DictConfig
from torch import nn

from hadath.arguments import BETWEEN, EXCLUDED, SENTENCES, ArgumentWeights, allowed_roles
from hadath.schema import Schema, bio_labels
from training.settings import settings

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


def head_specs(config: DictConfig) -> dict[str, HeadSpec]:
    """Returns the heads that the group ``heads`` of a configuration declares, by their names.

    Raises:
        SettingsError: If one has a wrong name, type or value.
    """
    return {str(name): settings(HeadSpec, head, f"heads.{name}") for name, head in config.items() if head is not None}


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
