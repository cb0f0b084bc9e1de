from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hadath import Document, Event, Tagger, load
from hadath.decode import log_softmax
from hadath.reading import read
from training.heads import HeadSpec
from training.soft_labels import SoftCollator, beginnings, richest_in_events, soft_windows

HEADS = {
    "entities": HeadSpec("spans", "entity_types"),
    "events": HeadSpec("spans", "event_types"),
    "modality": HeadSpec("trigger", "modalities"),
}
TEXTS = ["زار الوزير تونس أمس", "قال الرئيس إن الوفد غادر بيروت " * 20, "سقط المطر"]


@pytest.fixture(scope="module")
def teacher(tiny_model_directory: Path) -> Tagger:
    return load(tiny_model_directory)


def test_windows_hold_what_the_teacher_says_of_each_word(teacher: Tagger) -> None:
    readings = [read(text, teacher.tokenizer, teacher.windowing) for text in TEXTS]
    said = np.exp(log_softmax(teacher.logits(readings)["events"]))
    rows = soft_windows(TEXTS, [teacher], teacher.tokenizer, teacher.windowing, HEADS)
    assert len(rows) > len(TEXTS)
    np.testing.assert_allclose(np.concatenate([row["soft_events"] for row in rows]), said, atol=1e-3)
    for row in rows:
        assert len(row["soft_events"]) == len(row["word_starts"]) == len(row["word_ends"])
        assert row["length"] == len(row["input_ids"])


def test_several_teachers_are_averaged_and_reported_scores_play_no_part(teacher: Tagger) -> None:
    def flat(batch: object) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
        return {name: np.zeros_like(values) for name, values in teacher.run(batch).items()}  # type: ignore[arg-type]

    undecided = replace(teacher, run=flat, temperatures={"entities": 9.0}, min_scores={"events": 1.0})
    one, both, none = (
        soft_windows(TEXTS[:1], teachers, teacher.tokenizer, teacher.windowing, HEADS)[0]["soft_entities"]
        for teachers in ([teacher], [teacher, undecided], [undecided])
    )
    np.testing.assert_allclose(none, 1 / none.shape[1], atol=1e-3)
    np.testing.assert_allclose(both, (one.astype(float) + none) / 2, atol=2e-3)


def test_a_batch_has_the_probabilities_of_all_its_words(teacher: Tagger) -> None:
    rows = soft_windows(TEXTS, [teacher], teacher.tokenizer, teacher.windowing, HEADS)
    batch = SoftCollator(teacher.tokenizer.pad_id, list(HEADS), teacher.windowing.max_length)(rows)
    assert "labels" not in batch
    for name in HEADS:
        assert len(batch["soft"][name]) == len(batch["word_starts"])
        torch.testing.assert_close(
            batch["soft"][name].sum(dim=1), torch.ones(len(batch["word_starts"])), atol=5e-3, rtol=0
        )


def test_how_likely_a_word_begins_a_span() -> None:
    # O, B-X, B-Y, I-X, I-Y
    assert beginnings(torch.tensor([[0.4, 0.2, 0.1, 0.2, 0.1]])).tolist() == pytest.approx([0.3])


def test_articles_with_many_triggers_are_chosen_in_their_order() -> None:
    annotated = [Document("قصف الجيش المدينة", (), (Event(0, 3, "ASSAULT", "قصف"),))] * 2
    rich, richer, poor = "أمس قصف الجيش " + "كلمة " * 9, "قصف ثم قصف", "سقط المطر على المدينة"
    assert richest_in_events([rich, poor, richer], annotated, 2) == [rich, richer]
    assert richest_in_events([rich, poor, richer], annotated, 1) == [richer]
    assert richest_in_events([poor], annotated, 5) == [poor]
