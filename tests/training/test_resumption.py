"""What a training may be gone on with, and what not."""

from __future__ import annotations

from pathlib import Path

import pytest
from omegaconf import OmegaConf
from transformers import TrainerState, TrainingArguments

from training.resumption import (
    ARTICLES,
    CHECKPOINTS,
    check_same_articles,
    checkpoint_with_settings,
    early_stopping,
    keep_settings,
)
from training.script import ScriptError
from training.tracking import RUN_ID_FILE

CONFIG = OmegaConf.create({"seed": 1, "log_steps": 10})


def write_checkpoint(output: Path, step: int, unimproved: int = 0) -> Path:
    checkpoint = output / CHECKPOINTS / f"checkpoint-{step}"
    checkpoint.mkdir(parents=True)
    stopping = {"args": {}, "attributes": {"early_stopping_patience_counter": unimproved}}
    state = TrainerState(epoch=float(step), global_step=step, stateful_callbacks={"EarlyStoppingCallback": stopping})
    state.save_to_json(str(checkpoint / "trainer_state.json"))
    return checkpoint


def test_a_training_that_begins_leaves_the_run_of_a_killed_one_alone(tmp_path: Path) -> None:
    keep_settings(CONFIG, tmp_path, "f1")
    (tmp_path / RUN_ID_FILE).write_text("0123\n", encoding="utf-8")
    assert checkpoint_with_settings(OmegaConf.create({"seed": 2}), tmp_path, resume=False) is None
    assert not (tmp_path / RUN_ID_FILE).exists()


def test_a_training_goes_on_with_what_it_was_begun_with(tmp_path: Path) -> None:
    keep_settings(CONFIG, tmp_path, "f1")
    (tmp_path / RUN_ID_FILE).write_text("0123\n", encoding="utf-8")
    checkpoint = write_checkpoint(tmp_path, 3)
    assert checkpoint_with_settings(OmegaConf.merge(CONFIG, {"log_steps": 5}), tmp_path, resume=True) == checkpoint
    assert (tmp_path / RUN_ID_FILE).exists()
    with pytest.raises(ScriptError, match="begun with other settings:\n  seed: was 1, is 2\n"):
        checkpoint_with_settings(OmegaConf.merge(CONFIG, {"seed": 2}), tmp_path, resume=True)
    check_same_articles("f1", tmp_path)
    with pytest.raises(ScriptError, match="the articles or annotations have changed since"):
        check_same_articles("f2", tmp_path)


def test_a_training_without_annotated_articles_goes_on_whatever_they_are(tmp_path: Path) -> None:
    keep_settings(CONFIG, tmp_path)
    assert not (tmp_path / ARTICLES).exists()
    check_same_articles("f1", tmp_path)


@pytest.mark.parametrize(("unimproved", "epochs"), [(1, 9), (2, 4)])
def test_epochs_without_progress_are_counted_from_before(tmp_path: Path, unimproved: int, epochs: int) -> None:
    arguments = TrainingArguments(output_dir=str(tmp_path), num_train_epochs=9, use_cpu=True, report_to=[])
    checkpoint = write_checkpoint(tmp_path, 4, unimproved)
    assert early_stopping(2, checkpoint, arguments).early_stopping_patience_counter == unimproved
    assert arguments.num_train_epochs == epochs
    assert early_stopping(2, None, arguments).early_stopping_patience_counter == 0
