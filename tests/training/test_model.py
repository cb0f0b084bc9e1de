from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from transformers import AutoModel

from hadath.arguments import BETWEEN, SENTENCES, allowed_roles, candidate_pairs
from hadath.decode import Spans
from hadath.schema import Schema
from tests.fixtures.tiny_encoder import write_tiny_encoder
from training.encoders import load_encoder
from training.heads import HeadSpec, distance_buckets
from training.model import IGNORED, JointTagger, new_tagger

HEADS = {
    "entities": HeadSpec("spans", "entity_types", hidden=8, dropout=0.2),
    "events": HeadSpec("spans", "event_types", balance=0.5, label_smoothing=0.1),
    "modality": HeadSpec("trigger", "modalities", loss_weight=0.3),
}
ARGUMENTS = HeadSpec("arguments", "roles", hidden=8, dropout=0.2, balance=0.3, reach=9)
WINDOWING = {"max_length": 64, "overlap": 8, "pieces_per_word": 8}


def tagger_of(
    encoder: Path, schema: Schema, heads: dict[str, HeadSpec] = HEADS, *, dropout: float = 0.1, **fields: Any
) -> JointTagger:
    torch.manual_seed(0)
    network, _ = load_encoder(encoder.as_posix(), hidden_dropout=dropout, attention_dropout=dropout, max_length=64)
    return new_tagger(network, schema, heads, WINDOWING, **fields)


def batch(vocabulary: int = 100) -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(1)
    mask = torch.ones((3, 16), dtype=torch.long)
    mask[1, 9:] = 0
    return {
        "input_ids": torch.randint(5, vocabulary, (3, 16), generator=draw),
        "attention_mask": mask,
        "word_starts": torch.tensor([1, 2, 5, 17, 20, 33, 40]),
        "word_ends": torch.tensor([1, 4, 5, 18, 22, 34, 40]),
    }


def labels(modality: tuple[int, ...] = (IGNORED, 1, IGNORED, IGNORED, 0, IGNORED, 2)) -> dict[str, torch.Tensor]:
    return {
        "entities": torch.tensor([0, 1, 5, 0, 4, 8, 0]),
        "events": torch.tensor([0, 1, 0, 0, 3, 6, 0]),
        "modality": torch.tensor(modality),
    }


@pytest.mark.parametrize("architecture", ["bert", "xlm-roberta"])
def test_a_saved_network_is_loaded_as_it_was(tmp_path: Path, tiny_schema: Schema, architecture: str) -> None:
    encoder = write_tiny_encoder(tmp_path / "encoder", architecture=architecture)
    model = tagger_of(encoder, tiny_schema, input_masking=0.2, mask_id=7).eval()
    model.balance_labels({name: torch.arange(1, 20)[: len(s.labels(tiny_schema))] for name, s in model.specs.items()})
    model.save_pretrained(tmp_path / "model")
    loaded = JointTagger.from_pretrained(tmp_path / "model")
    assert not loaded.training
    with torch.no_grad():
        expected, found = model(**batch(), labels=labels()), loaded(**batch(), labels=labels())
    assert list(found.logits) == list(expected.logits) == ["entities", "events", "modality"]
    for name, logits in expected.logits.items():
        assert torch.equal(found.logits[name], logits)
    assert torch.equal(found.loss, expected.loss)
    assert loaded.specs == model.specs == HEADS
    assert loaded.config.encoder_config().to_dict() == model.config.encoder_config().to_dict()
    for field in ("schema", "heads", "windowing", "input_masking", "mask_id"):
        assert getattr(loaded.config, field) == getattr(model.config, field)


def test_auto_model_loads_a_saved_network(tmp_path: Path, tiny_encoder: Path, tiny_schema: Schema) -> None:
    tagger_of(tiny_encoder, tiny_schema).save_pretrained(tmp_path)
    assert isinstance(AutoModel.from_pretrained(tmp_path), JointTagger)


def test_a_saved_config_keeps_the_order_of_the_schema_and_names_no_place(
    tmp_path: Path, tiny_encoder: Path, tiny_schema: Schema
) -> None:
    tagger_of(tiny_encoder, tiny_schema).save_pretrained(tmp_path)
    written = (tmp_path / "config.json").read_text(encoding="utf-8")
    assert Schema.from_dict(json.loads(written)["schema"]).role_names == tiny_schema.role_names
    assert str(tiny_encoder) not in written


def test_a_pretrained_encoder_keeps_its_weights(tiny_encoder: Path, tiny_schema: Schema) -> None:
    pretrained = AutoModel.from_pretrained(tiny_encoder).state_dict()
    model = tagger_of(tiny_encoder, tiny_schema)
    found = model.encoder.state_dict()
    assert {name for name in pretrained if not name.startswith("pooler")} == set(found)
    assert all(torch.equal(weights, pretrained[name]) for name, weights in found.items())


def test_heads_start_afresh(tiny_encoder: Path, tiny_schema: Schema) -> None:
    for head in tagger_of(tiny_encoder, tiny_schema).heads.values():
        layers = [layer for layer in head.modules() if isinstance(layer, nn.Linear)]
        assert all(0.01 < layer.weight.std() < 0.03 and not layer.bias.any() for layer in layers)


def test_heads_are_those_that_the_config_declares(tiny_encoder: Path, tiny_schema: Schema) -> None:
    model = tagger_of(tiny_encoder, tiny_schema)
    assert list(model.heads) == list(HEADS)
    widths = {name: (head.output.in_features, head.output.out_features) for name, head in model.heads.items()}
    assert widths == {"entities": (8, 9), "events": (64, 7), "modality": (64, 3)}
    assert model.heads["entities"].dropout.p == 0.2
    assert model.config.heads == {name: asdict(spec) for name, spec in HEADS.items()}
    assert list(tagger_of(tiny_encoder, tiny_schema, {"events": HEADS["events"]}).heads) == ["events"]


@pytest.mark.parametrize(
    ("schema", "heads"),
    [
        (Schema(("PER",), (), {}), ["entities"]),
        (Schema((), ("MEET",), {}), ["events"]),
        (Schema(("PER",), ("MEET",), {}), ["entities", "events"]),
    ],
)
def test_a_schema_without_a_part_has_no_head_for_it(
    tmp_path: Path, tiny_encoder: Path, schema: Schema, heads: list[str]
) -> None:
    model = tagger_of(tiny_encoder, schema)
    assert list(model.heads) == heads
    targets = {name: torch.tensor([0, 1, 2, 0, 0, 1, 2]) for name in heads}
    output = model(**batch(), labels=targets)
    assert {name: tuple(logits.shape) for name, logits in output.logits.items()} == dict.fromkeys(heads, (7, 3))
    output.loss.backward()
    model.save_pretrained(tmp_path)
    assert list(JointTagger.from_pretrained(tmp_path).heads) == heads


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "words"}, "kind is words; expected one of spans, trigger, arguments"),
        ({"source": "sides"}, "source is sides; expected one of entity_types, event_types, modalities, roles"),
        ({"source": "roles"}, "a head of kind spans cannot have the source roles"),
        ({"kind": "arguments"}, "a head of kind arguments cannot have the source entity_types"),
        ({"kind": "arguments", "source": "roles"}, "hidden is 0; expected 1 or more for a head of arguments"),
        ({"kind": "arguments", "source": "roles", "hidden": 8, "reach": 0}, "reach is 0; expected 1 or more"),
        ({"kind": "trigger"}, "a head of kind trigger cannot have the source entity_types"),
        ({"source": "modalities"}, "a head of kind spans cannot have the source modalities"),
        ({"dropout": 1.5}, "dropout is 1.5; expected a number from 0 to 1"),
        ({"balance": -1}, "balance is -1; expected a number from 0 to 1"),
        ({"label_smoothing": 2}, "label_smoothing is 2"),
    ],
)
def test_a_head_that_cannot_be_built_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HeadSpec(**{"kind": "spans", "source": "entity_types", **fields})


@pytest.mark.parametrize("balance", [0.0, 0.2, 0.5, 1.0])
def test_balanced_labels_weigh_1_on_average_and_rare_ones_more(
    tiny_encoder: Path, tiny_schema: Schema, balance: float
) -> None:
    model = tagger_of(tiny_encoder, tiny_schema, {"events": HeadSpec("spans", "event_types", balance=balance)})
    counts = torch.tensor([1000, 40, 10, 0, 60, 5, 1])
    model.balance_labels({"events": counts})
    weights = model.get_buffer("events_label_weights")
    seen = counts.clamp(min=1)
    assert float((weights * seen).sum() / seen.sum()) == pytest.approx(1, abs=1e-5)
    assert float(weights[2] / weights[0]) == pytest.approx(100**balance, rel=1e-4)
    assert weights.isfinite().all()


def test_label_weights_and_loss_weights_enter_the_loss(tiny_encoder: Path, tiny_schema: Schema) -> None:
    heads = {
        "entities": HeadSpec("spans", "entity_types"),
        "events": HeadSpec("spans", "event_types", balance=0.5, loss_weight=2.0),
    }
    model = tagger_of(tiny_encoder, tiny_schema, heads).eval()
    model.balance_labels({"entities": torch.ones(9), "events": torch.tensor([50, 9, 9, 9, 9, 9, 9])})
    output = model(**batch(), labels=labels())
    per_word = {
        name: nn.functional.cross_entropy(output.logits[name], labels()[name], reduction="none") for name in heads
    }
    weights = model.get_buffer("events_label_weights")[labels()["events"]]
    expected = per_word["entities"].mean() + 2 * (weights * per_word["events"]).mean()
    assert output.loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_ignored_words_teach_nothing(tiny_encoder: Path, tiny_schema: Schema) -> None:
    model = tagger_of(tiny_encoder, tiny_schema, {"modality": HEADS["modality"]}).eval()
    output = model(**batch(), labels={"modality": labels()["modality"]})
    kept = labels()["modality"] != IGNORED
    expected = nn.functional.cross_entropy(output.logits["modality"][kept], labels()["modality"][kept])
    assert output.loss.item() == pytest.approx(0.3 * expected.item(), rel=1e-5)


def test_a_batch_without_a_trigger_can_be_learnt_from(tiny_encoder: Path, tiny_schema: Schema) -> None:
    model = tagger_of(tiny_encoder, tiny_schema)
    loss = model(**batch(), labels=labels(modality=(IGNORED,) * 7)).loss
    assert loss.isfinite()
    loss.backward()
    assert not model.heads["modality"].output.weight.grad.any()


def test_heads_read_the_first_and_the_last_subword_of_a_word(tiny_encoder: Path, tiny_schema: Schema) -> None:
    model = tagger_of(tiny_encoder, tiny_schema).eval()
    given = batch()
    expected = model(**given).logits["events"]
    for side in ("word_starts", "word_ends"):
        moved = given[side].clone()
        moved[1] = 3
        found = model(**{**given, side: moved}).logits["events"]
        changed = (found - expected).abs().amax(dim=-1) > 1e-4
        assert changed.tolist() == [False, True, False, False, False, False, False]


def test_padding_changes_no_score(tiny_encoder: Path, tiny_schema: Schema) -> None:
    model = tagger_of(tiny_encoder, tiny_schema).eval()
    given = batch()
    alone = model(
        given["input_ids"][1:2, :9], given["attention_mask"][1:2, :9], torch.tensor([1, 4]), torch.tensor([2, 6])
    )
    together = model(**given)
    for name, logits in alone.logits.items():
        torch.testing.assert_close(logits, together.logits[name][3:5], rtol=1e-4, atol=1e-5)


def seen_by_encoder(model: JointTagger, given: dict[str, torch.Tensor]) -> torch.Tensor:
    seen = []
    hook = model.encoder.register_forward_pre_hook(
        lambda _module, _positional, named: seen.append(named["input_ids"]), with_kwargs=True
    )
    model(**given)
    hook.remove()
    return seen[0]


def test_subwords_are_hidden_while_training_and_only_then(tiny_encoder: Path, tiny_schema: Schema) -> None:
    model = tagger_of(tiny_encoder, tiny_schema, input_masking=0.3, mask_id=2)
    given = {
        "input_ids": torch.full((40, 64), 9),
        "attention_mask": torch.ones((40, 64), dtype=torch.long),
        "word_starts": torch.tensor([1]),
        "word_ends": torch.tensor([1]),
    }
    given["attention_mask"][:, 32:] = 0
    hidden = seen_by_encoder(model.train(), given) == 2
    assert 0.2 < hidden[:, :32].float().mean() < 0.4
    assert not hidden[:, 32:].any()
    assert torch.equal(given["input_ids"], torch.full((40, 64), 9))  # the batch itself stays as it was
    assert torch.equal(seen_by_encoder(model.eval(), given), given["input_ids"])


@pytest.mark.parametrize("fields", [{"input_masking": 0.0, "mask_id": 2}, {"input_masking": 0.5, "mask_id": None}])
def test_nothing_is_hidden_where_masking_is_off_or_there_is_no_mask(
    tiny_encoder: Path, tiny_schema: Schema, fields: dict[str, Any]
) -> None:
    model = tagger_of(tiny_encoder, tiny_schema, **fields).train()
    assert torch.equal(seen_by_encoder(model, batch()), batch()["input_ids"])


def pairs_of(schema: Schema, reach: int = 9, count: int = 40) -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(4)
    limits = {
        "trigger": (0, 7),
        "entity": (0, 7),
        "distance": (-reach, reach + 1),
        "sentences": (0, SENTENCES),
        "triggers": (0, BETWEEN),
        "entities": (0, BETWEEN),
        "event_type": (0, len(schema.event_types)),
        "entity_type": (0, len(schema.entity_types)),
    }
    return {name: torch.randint(*ends, (count,), generator=draw) for name, ends in limits.items()}


def with_arguments(encoder: Path, schema: Schema) -> JointTagger:
    model = tagger_of(encoder, schema, {**HEADS, "arguments": ARGUMENTS}).eval()
    with torch.no_grad():
        for parameter in model.heads["arguments"].parameters():
            parameter.normal_(std=0.5)
    return model


def test_pairs_are_scored_in_training_as_in_use(tiny_encoder: Path, tiny_schema: Schema) -> None:
    model = with_arguments(tiny_encoder, tiny_schema)
    described = model(**batch()).logits["arguments"].detach()
    weights = model.argument_weights()
    assert weights is not None
    assert weights.reach == 9
    assert described.shape == (7, weights.width)
    # spans begin at every word, of any types
    places, draw = torch.arange(7), np.random.default_rng(2)
    triggers, entities = (
        Spans(places.numpy(), places.numpy() + 1, draw.integers(0, count, 7), np.ones(7, np.float32))
        for count in (len(tiny_schema.event_types), len(tiny_schema.entity_types))
    )
    pairs = candidate_pairs(triggers, entities, np.array([0, 0, 1, 1, 1, 2, 2]), [7], 9, allowed_roles(tiny_schema))
    assert len(pairs) > 20
    expected = weights.logits(described.numpy(), triggers, entities, pairs, allowed_roles(tiny_schema))
    given = {name: torch.from_numpy(values) for name, values in vars(pairs).items()}
    given["event_type"] = torch.from_numpy(triggers.type[pairs.trigger])
    given["entity_type"] = torch.from_numpy(entities.type[pairs.entity])
    first, found = model.heads["arguments"].pair_logits(described, given)
    np.testing.assert_allclose(found.detach(), expected, rtol=1e-3, atol=1e-4)
    assert not torch.allclose(first, found)


def test_arguments_are_learnt_from_pairs(tmp_path: Path, tiny_encoder: Path, tiny_schema: Schema) -> None:
    model = with_arguments(tiny_encoder, tiny_schema)
    given = pairs_of(tiny_schema)
    roles = torch.zeros(40, dtype=torch.long)
    allowed = torch.from_numpy(allowed_roles(tiny_schema))[given["event_type"], given["entity_type"]]
    filled = allowed.any(dim=1)
    roles[filled] = 1 + allowed[filled].float().argmax(dim=1)
    model.balance_labels({name: torch.arange(1, 20)[: len(s.labels(tiny_schema))] for name, s in model.specs.items()})
    taught = {**labels(), "arguments": roles}
    output = model(**batch(), labels=taught, pairs=given)
    without = model(**batch(), labels={**taught, "arguments": torch.full_like(roles, IGNORED)}, pairs=given)
    passes = model.heads["arguments"].pair_logits(output.logits["arguments"], given)
    weights = model.get_buffer("arguments_label_weights")
    losses = [weights[roles] * nn.functional.cross_entropy(scores, roles, reduction="none") for scores in passes]
    expected = sum(loss.mean() for loss in losses)
    assert (output.loss - without.loss).item() == pytest.approx(expected.item(), rel=1e-4)
    output.loss.backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.heads["arguments"].parameters())
    assert model.heads["arguments"].distance.weight.grad.any()
    model.save_pretrained(tmp_path)
    loaded = JointTagger.from_pretrained(tmp_path)
    assert loaded.specs["arguments"] == ARGUMENTS
    assert torch.equal(loaded(**batch(), labels=taught, pairs=given).loss, output.loss)


def test_a_batch_without_pairs_can_be_learnt_from(tiny_encoder: Path, tiny_schema: Schema) -> None:
    model = with_arguments(tiny_encoder, tiny_schema)
    none = {name: values[:0] for name, values in pairs_of(tiny_schema).items()}
    loss = model(**batch(), labels={**labels(), "arguments": torch.zeros(0, dtype=torch.long)}, pairs=none).loss
    assert loss.isfinite()
    loss.backward()
    assert not model.heads["arguments"].output.weight.grad.any()


@pytest.mark.parametrize("schema", [Schema(("PER",), ("MEET",), {}), Schema((), ("MEET",), {"MEET": {"Who": ()}})])
def test_a_schema_without_roles_has_no_head_of_arguments(tiny_encoder: Path, schema: Schema) -> None:
    model = tagger_of(tiny_encoder, schema, {**HEADS, "arguments": ARGUMENTS})
    assert "arguments" not in model.heads
    assert model.argument_weights() is None


@pytest.mark.parametrize("reach", [1, 5, 7, 50])
def test_distances_are_learnt_exactly_near_by_and_by_buckets_further_off(reach: int) -> None:
    buckets = distance_buckets(reach)
    assert len(buckets) == 2 * reach + 1
    steps = np.diff(buckets)
    assert buckets[0] == 0
    assert set(steps.tolist()) <= {0, 1}
    near = min(reach, 6)
    assert (steps[reach - near : reach + near] == 1).all()
    assert (buckets + buckets[::-1] == buckets[-1]).all()
