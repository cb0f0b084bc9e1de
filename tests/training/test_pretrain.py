"""Whole pretrainings of a tiny encoder, and that a resumed one gives the same."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pytest
import torch

from hadath.batch.files import find_files
from tests.fixtures.tiny_training import composed
from training.encoders import EncoderError, load_encoder
from training.pretrain import ENCODER, PACKED, pretrain
from training.pretraining.throughput import operations_per_subword
from training.resumption import CHECKPOINTS
from training.script import ScriptError
from training.settings import SettingsError

VERBS, PEOPLE, PLACES = ("زار", "غادر", "استقبل"), ("الوزير", "الرئيس", "السفير"), ("تونس", "بيروت", "الرباط")


@pytest.fixture
def news(tmp_path: Path) -> Path:
    """Two hundred short articles in which the words foretell each other."""
    path = tmp_path / "news.txt"
    lines = [f"{VERBS[n % 3]} {PEOPLE[n % 3]} {PLACES[n % 3]} {PLACES[n % 3]} رقم {n}" for n in range(200)]
    path.write_text("\n\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def options(news: Path, tiny_encoder: Path, mlflow_store: str) -> list[str]:
    return [
        f"texts=[{news}]",
        "exclude=[]",
        f"encoder.source={tiny_encoder}",
        "encoder.hidden_dropout=0.1",
        "length=32",
        "short_length=16",
        "batch_rows=16",
        "device_rows=8",
        "held_out=0.1",
        "learning_rate=5e-3",
        "max_steps=8",
        "log_steps=1",
        "eval_steps=4",
        "precision=float32",
        f"tracking.uri={mlflow_store}",
    ]


def weights(directory: Path) -> dict[str, torch.Tensor]:
    encoder, _ = load_encoder(str(directory), hidden_dropout=0.0, attention_dropout=0.0, max_length=32)
    return dict(encoder.state_dict())


def test_an_encoder_learns_and_can_be_fine_tuned_from(options: list[str], tmp_path: Path) -> None:
    result = pretrain(composed("pretrain", *options, f"output_dir={tmp_path / 'run'}"))
    assert result.directory == tmp_path / "run" / ENCODER
    assert result.run_id is not None
    client = mlflow.MlflowClient()
    losses = [metric.value for metric in client.get_metric_history(result.run_id, "dev/loss")]
    assert losses[-1] < losses[0]
    assert losses[-1] == pytest.approx(result.loss)
    recorded = client.get_run(result.run_id).data.metrics
    assert recorded["train/subwords_per_second"] > 0
    assert recorded["train/mfu"] > 0
    assert recorded["dev/perplexity"] > 1
    # float16 weights, read as float32
    assert {value.dtype for value in weights(result.directory).values() if value.is_floating_point()} == {torch.float32}


def test_a_pretraining_that_ran_out_of_time_goes_on_as_if_it_had_not(options: list[str], tmp_path: Path) -> None:
    straight = pretrain(composed("pretrain", *options, f"output_dir={tmp_path / 'straight'}"))
    broken = [*options, f"output_dir={tmp_path / 'broken'}"]
    first = pretrain(composed("pretrain", *broken, "max_minutes=1e-9"))
    assert first.directory is None
    second = pretrain(composed("pretrain", *broken, "resume=true"))
    assert second.run_id == first.run_id
    assert second.directory is not None
    assert straight.directory is not None
    begun, whole = weights(second.directory), weights(straight.directory)
    assert all(torch.equal(begun[name], whole[name]) for name in whole)
    assert second.loss == straight.loss


def test_what_cannot_be_done_is_said(options: list[str], tmp_path: Path, tiny_corpus: Path) -> None:
    with pytest.raises(ScriptError, match=r"fills \d+ rows"):
        pretrain(composed("pretrain", *options, f"output_dir={tmp_path / 'a'}", "batch_rows=800", "device_rows=8"))
    with pytest.raises(SettingsError, match="short_length"):
        pretrain(composed("pretrain", *options, f"output_dir={tmp_path / 'b'}", "short_length=12"))
    with pytest.raises(EncoderError, match="reads at most"):
        pretrain(composed("pretrain", *options, f"output_dir={tmp_path / 'c'}", "length=512"))
    with pytest.raises(ScriptError, match="nothing to resume"):
        pretrain(composed("pretrain", *options, f"output_dir={tmp_path / 'd'}", "resume=true"))
    assert not (tmp_path / "a" / CHECKPOINTS).exists()


def test_rows_packed_of_other_texts_are_not_used_again(options: list[str], news: Path, tmp_path: Path) -> None:
    def rows(*more: str) -> int:
        with pytest.raises(ScriptError, match=r"fills \d+ rows") as raised:
            pretrain(composed("pretrain", *options, f"output_dir={tmp_path / 'run'}", "batch_rows=800", *more))
        return int(str(raised.value).split()[3])

    first = rows()
    packed = (tmp_path / "run" / PACKED).stat().st_mtime_ns
    assert rows() == first
    assert (tmp_path / "run" / PACKED).stat().st_mtime_ns == packed
    shorter = tmp_path / "shorter.txt"
    shorter.write_text(news.read_text(encoding="utf-8")[:2000], encoding="utf-8")
    assert rows(f"texts=[{shorter}]") < first


def test_the_corpus_is_not_trained_on(options: list[str], tmp_path: Path, tiny_corpus: Path) -> None:
    articles = tiny_corpus / "articles"
    assert list(find_files([str(articles)]))
    with pytest.raises(ScriptError, match="fills 0 rows"):
        pretrain(
            composed(
                "pretrain", *options, f"output_dir={tmp_path / 'run'}", f"texts=[{articles}]", f"exclude=[{articles}]"
            )
        )


def test_the_operations_of_a_subword(tiny_encoder: Path) -> None:
    encoder, _ = load_encoder(str(tiny_encoder), hidden_dropout=0.1, attention_dropout=0.1, max_length=32)
    width, inner, layers, vocabulary = 32, 64, 2, encoder.config.vocab_size
    products = layers * (4 * width * width + 2 * width * inner)
    attention = 4 * layers * width * 16
    head = 2 * (width * width + width * vocabulary) * 0.2
    assert operations_per_subword(encoder, 16, 0.2) == 3 * (2 * products + attention + head)
