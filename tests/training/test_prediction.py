from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hadath.document import Document
from hadath.reading import Batch, batches, read
from hadath.schema import Schema
from hadath.tokens import WordTokenizer
from training import provenance as provenance_module
from training.corpus import read_corpus
from training.encoders import load_encoder
from training.heads import BETWEEN_FEATURES, HeadSpec
from training.model import JointTagger, new_tagger
from training.prediction import FloatArray, TorchNetwork, tag_and_link, tag_documents, tag_link_and_list, torch_tagger
from training.provenance import git_state, provenance, read_provenance, write_provenance


@pytest.fixture(scope="module")
def network(tiny_encoder: Path, tiny_schema: Schema) -> tuple[JointTagger, WordTokenizer]:
    encoder, tokenizer = load_encoder(str(tiny_encoder), hidden_dropout=0.5, attention_dropout=0.5, max_length=64)
    heads = {
        "entities": HeadSpec("spans", "entity_types", dropout=0.5),
        "events": HeadSpec("spans", "event_types"),
        "modality": HeadSpec("trigger", "modalities"),
        "arguments": HeadSpec("arguments", "roles", hidden=8),
    }
    windowing = {"max_length": 64, "overlap": 8, "pieces_per_word": 8}
    torch.manual_seed(3)
    model = new_tagger(encoder, tiny_schema, heads, windowing, input_masking=0.5, mask_id=5)
    for head in model.heads.values():  # so sure of something that spans and arguments are found
        torch.nn.init.normal_(head.output.weight, std=2.0)
    torch.nn.init.normal_(model.heads["arguments"].sentences.weight, std=2.0)
    return model, WordTokenizer(tokenizer, 8)


@pytest.fixture(scope="module")
def articles(tiny_corpus: Path) -> tuple[Document, ...]:
    return read_corpus(tiny_corpus, ("train",)).splits["train"]


@pytest.mark.parametrize("training", [True, False])
def test_a_network_in_training_is_asked_without_dropout_and_masking(
    network: tuple[JointTagger, WordTokenizer], articles: tuple[Document, ...], training: bool
) -> None:
    model, tokenizer = network
    model.train(training)
    tagger = torch_tagger(model, tokenizer)
    assert tagger.tag([articles[0].text]) == tagger.tag([articles[0].text])
    assert model.training is training
    assert not any(parameter.grad is not None for parameter in model.parameters())


def test_documents_are_tagged_in_their_order_and_keep_their_ids(
    network: tuple[JointTagger, WordTokenizer], articles: tuple[Document, ...]
) -> None:
    model, tokenizer = network
    tagger = torch_tagger(model, tokenizer, batch_tokens=128)
    found = tag_documents(tagger, articles, chunk=2)
    assert [(document.id, document.text) for document in found] == [(one.id, one.text) for one in articles]
    assert any(document.entities for document in found)
    for document, article in zip(found, articles, strict=True):
        alone = tagger(article.text)
        assert [(e.start, e.end, e.type) for e in document.entities] == [
            (e.start, e.end, e.type) for e in alone.entities
        ]


def test_arguments_are_found_among_what_is_found_and_among_what_is_annotated(
    network: tuple[JointTagger, WordTokenizer], articles: tuple[Document, ...]
) -> None:
    tagger = torch_tagger(*network)
    found, linked = tag_and_link(tagger, articles, chunk=2)
    assert found == tag_documents(tagger, articles, chunk=2)
    assert any(event.arguments for document in found for event in document.events)
    for document, article in zip(linked, articles, strict=True):
        assert (document.text, document.entities, document.id) == (article.text, article.entities, article.id)
        assert [replace(event, arguments=()) for event in document.events] == [
            replace(event, arguments=()) for event in article.events
        ]
    assert linked != list(articles)
    assert any(event.arguments for document in linked for event in document.events)


def test_what_no_least_score_leaves_out_costs_no_second_run_of_the_network(
    network: tuple[JointTagger, WordTokenizer], tiny_corpus: Path
) -> None:
    documents = read_corpus(tiny_corpus, ("train",)).splits["train"]
    plain = torch_tagger(*network)
    runs = 0

    def counted(batch: Batch) -> Mapping[str, FloatArray]:
        nonlocal runs
        runs += 1
        return plain.run(batch)

    scores = sorted(entity.score for document in tag_documents(plain, documents) for entity in document.entities)
    strict = replace(plain, run=counted, min_scores={"entities": scores[len(scores) // 2]})
    tag_documents(strict, documents)
    once, runs = runs, 0
    found, linked, everything = tag_link_and_list(strict, documents)
    assert runs == once > 0
    assert (found, linked) == tag_and_link(strict, documents)
    assert everything == tag_documents(plain, documents) != found


def test_scores_are_float32_whatever_they_are_computed_in(
    network: tuple[JointTagger, WordTokenizer], articles: tuple[Document, ...]
) -> None:
    model, tokenizer = network
    tagger = torch_tagger(model, tokenizer)
    readings = [read(articles[1].text, tokenizer, tagger.windowing)]
    batch = next(batches(readings, tokenizer, 4096))
    exact, rounded = (TorchNetwork(model, bfloat16)(batch) for bfloat16 in (False, True))
    for name, logits in exact.items():
        assert logits.dtype == rounded[name].dtype == np.float32
        head = model.heads[name]
        size = 2 * 8 + BETWEEN_FEATURES if name == "arguments" else head.output.out_features
        assert logits.shape == (len(batch.targets), size)
        assert not np.array_equal(logits, rounded[name])
        np.testing.assert_allclose(logits, rounded[name], atol=0.05 * np.abs(logits).max())


def test_a_tokenizer_may_be_given_as_it_was_saved(
    network: tuple[JointTagger, WordTokenizer], tiny_encoder: Path, articles: tuple[Document, ...]
) -> None:
    model, tokenizer = network
    _, saved = load_encoder(str(tiny_encoder), hidden_dropout=0.0, attention_dropout=0.0, max_length=64)
    one, other = (torch_tagger(model, given)(articles[0].text) for given in (saved, tokenizer))
    assert one == other


def test_provenance_is_kept_beside_a_network(tmp_path: Path) -> None:
    assert read_provenance(tmp_path) == {}
    values = provenance(encoder="mini", corpus_fingerprint="abc", articles={"train": 3, "dev": 1}, seed=7, run_id="123")
    write_provenance(tmp_path, values)
    assert read_provenance(tmp_path) == values
    assert values["articles"] == {"train": 3, "dev": 1}
    assert set(values["versions"]) == {"hadath", "python", "torch", "transformers"}
    assert values["created"].endswith("+00:00")


def test_the_state_of_the_checkout_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*words: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True)

    monkeypatch.setattr(provenance_module, "FOLDER", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_state() == {}
    (tmp_path / "code.py").write_text("1", encoding="utf-8")
    git("init")
    git("add", "code.py")
    git("commit", "-m", "first")
    clean = git_state()
    assert len(clean["git.commit"]) == 40
    assert clean["git.dirty"] == "false"
    (tmp_path / "code.py").write_text("2", encoding="utf-8")
    assert git_state() == {**clean, "git.dirty": "true"}
