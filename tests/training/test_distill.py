"""A whole distillation of a tiny tagger into a tiny encoder."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pytest
import torch

from tests.fixtures.tiny_training import composed, options_of
from training.corpus import read_corpus
from training.distill import ENCODER, distill
from training.encoders import load_encoder
from training.finetune import finetune
from training.networks import load_network
from training.resumption import NETWORK
from training.script import ScriptError
from training.seen_articles import LEARNT, UNRECORDED, digest, read_seen_articles


@pytest.fixture
def options(tiny_corpus: Path, tiny_encoder: Path, tiny_model_directory: Path, mlflow_store: str) -> list[str]:
    return [
        *options_of(tiny_corpus, tiny_encoder, mlflow_store),
        f"teachers=[{tiny_model_directory}]",
        f"texts=[{tiny_corpus / 'articles'}]",
        "exclude=[]",
        "articles=8",
        "deterministic=false",
    ]


def test_a_student_learns_and_can_be_fine_tuned_from(
    options: list[str], tiny_corpus: Path, tiny_encoder: Path, mlflow_store: str, tmp_path: Path
) -> None:
    result = distill(composed("distill", *options, f"output_dir={tmp_path / 'student'}", "optimization.epochs=6"))
    assert result.run_id is not None
    losses = [metric.value for metric in mlflow.MlflowClient().get_metric_history(result.run_id, "train/loss")]
    assert losses[-1] < losses[0]
    model, _ = load_network(result.directory / NETWORK)
    assert set(model.specs) == {"entities", "events", "modality"}
    encoder, _ = load_encoder(str(result.directory / ENCODER), hidden_dropout=0.1, attention_dropout=0.1, max_length=64)
    for (name, whole), half in zip(model.encoder.state_dict().items(), encoder.state_dict().values(), strict=True):
        torch.testing.assert_close(whole, half, atol=2e-3, rtol=2e-3, msg=name)

    # what is recorded: the unlabelled articles, those it was chosen by, and that the teacher's are not known
    corpus = read_corpus(tiny_corpus, ("train", "dev"))
    seen = read_seen_articles(result.directory / NETWORK)
    assert seen is not None
    assert list(seen.values()).count(LEARNT) == 8
    assert all(digest(document.text) in seen for document in corpus.splits["dev"])
    assert UNRECORDED in seen

    tuned = finetune(
        composed(
            "finetune",
            *options_of(tiny_corpus, tiny_encoder, mlflow_store),
            f"start_from={result.directory}",
            f"output_dir={tmp_path / 'tuned'}",
            "optimization.epochs=1",
            "deterministic=false",
        )
    )
    again = read_seen_articles(tuned.directory)
    assert again is not None
    assert {place for place, how in seen.items() if how == LEARNT} < set(again)
    assert UNRECORDED in again


def test_a_teacher_of_other_types_is_refused(options: list[str], tmp_path: Path, tiny_corpus: Path) -> None:
    other = tmp_path / "corpus"
    other.mkdir()
    for name in ("articles", "splits", "articles.jsonl"):
        (other / name).symlink_to(tiny_corpus / name)
    schema = (tiny_corpus / "annotation.conf").read_text(encoding="utf-8")
    (other / "annotation.conf").write_text(schema.replace("[entities]", "[entities]\nPLANET"), encoding="utf-8")
    with pytest.raises(ScriptError, match="other types"):
        distill(composed("distill", *options, f"corpus.path={other}", f"output_dir={tmp_path / 'student'}"))


def test_without_text_nothing_is_learnt(options: list[str], tmp_path: Path, tiny_corpus: Path) -> None:
    excluded = f"exclude=[{tiny_corpus / 'articles'}]"
    with pytest.raises(ScriptError, match="no article to learn from"):
        distill(composed("distill", *options, excluded, f"output_dir={tmp_path / 'student'}"))
