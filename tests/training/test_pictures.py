from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from hadath.document import Document, Entity, Event
from hadath.schema import Schema
from tests.fixtures.predictions import SCHEMA
from training.alignment import align
from training.calibration import reliability
from training.pictures import confusion_figure, reliability_figure, write_pictures, write_reliability

MATRIX = np.array([[90, 10, 0], [1, 3, 0], [0, 0, 0]])
LABELS = ("PER", "ORG", "none")


def test_cells_show_counts_and_the_share_of_the_row() -> None:
    axes = confusion_figure(MATRIX, LABELS, "Entities").axes[0]
    texts = {(text.get_position()[1], text.get_position()[0]): text for text in axes.texts}
    assert {place: text.get_text() for place, text in texts.items()} == {
        (0, 0): "90",
        (0, 1): "10",
        (1, 0): "1",
        (1, 1): "3",
    }
    shares = axes.images[0].get_array()
    assert shares is not None
    assert shares.tolist() == [[0.9, 0.1, 0.0], [0.25, 0.75, 0.0], [0.0, 0.0, 0.0]]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == list(LABELS)
    assert [tick.get_text() for tick in axes.get_yticklabels()] == list(LABELS)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "annotated")


def test_numbers_stand_out_from_their_cells() -> None:
    axes = confusion_figure(MATRIX, LABELS, "Entities").axes[0]
    image = axes.images[0]
    for text in axes.texts:
        column, row = (int(place) for place in text.get_position())
        cell = image.cmap(image.norm(image.get_array()[row, column]))
        assert abs(np.mean(to_rgba(text.get_color())[:3]) - np.mean(cell[:3])) > 0.4


@pytest.mark.parametrize("size", [1, 4, 17, 30])
def test_labels_do_not_overlap_at_any_number_of_types(size: int) -> None:
    labels = [f"TYPE_{number}_{'X' * (number % 9)}" for number in range(size)]
    figure = confusion_figure(np.full((size, size), 123), labels, "Events")
    figure.canvas.draw()
    axes = figure.axes[0]
    boxes = [tick.get_window_extent() for tick in axes.get_yticklabels()]
    assert all(upper.y0 >= lower.y1 for upper, lower in pairwise(boxes))
    cell = axes.get_window_extent().width / size
    assert all(text.get_window_extent().width < cell for text in axes.texts)
    assert min(box.x0 for box in boxes) >= 0
    assert min(tick.get_window_extent().y0 for tick in axes.get_xticklabels()) >= 0


def test_labels_with_dollar_signs_and_of_great_length_are_drawn_as_they_are() -> None:
    figure = confusion_figure(np.eye(2, dtype=np.int64), [r"US$ \and A$", "مكان_" * 50], "Money")
    figure.canvas.draw()
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == [
        r"US$ \and A$",
        ("مكان_" * 50)[:23] + "…",
    ]


def test_a_picture_is_written_for_each_thing_that_the_schema_has(tmp_path: Path) -> None:
    text = "هاجم مسلحون سبها"
    gold = Document(text, (Entity(12, 16, "GPE", "سبها"),), (Event(0, 4, "ASSAULT", "هاجم"),))
    written = write_pictures(align([gold], [gold], SCHEMA), SCHEMA, tmp_path / "new")
    assert [path.name for path in written] == [
        "confusion_entities.png",
        "confusion_events.png",
        "confusion_modality.png",
    ]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written)
    only_entities = Schema(("GPE",), (), {})
    documents = align([Document(text)], [Document(text)], only_entities)
    assert [path.name for path in write_pictures(documents, only_entities, tmp_path)] == ["confusion_entities.png"]


def test_a_reliability_diagram_has_a_bar_for_each_filled_bin(tmp_path: Path) -> None:
    found = reliability(np.array([0.15, 0.15, 0.95]), np.array([True, False, True]))
    figure = reliability_figure({"entities": found, "events": found})
    first, second = figure.axes
    assert [round(bar.get_height(), 2) for bar in first.patches] == [0.5, 1.0]
    assert first.get_title(loc="left") == "Entities: calibration error 0.250"
    assert second.get_title(loc="left").startswith("Events")
    path = write_reliability({"entities": found}, tmp_path / "new" / "reliability.png")
    assert path.read_bytes().startswith(b"\x89PNG")
