from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hadath import Tagger, load
from hadath.batch import workers
from hadath.batch.arrow_tables import tagged_table
from hadath.batch.articles import Columns
from hadath.batch.job import Settings, tag_corpus
from hadath.document import Document
from hadath.errors import InputError

TEXT = "زار الوزير مدينة تونس أمس ."


@pytest.fixture(scope="module")
def tagger(tiny_model_directory: Path) -> Tagger:
    return load(tiny_model_directory, threads=1)


def articles(count: int) -> pa.Table:
    texts = [None if number % 5 == 3 else " ".join([TEXT] * (number % 4)) for number in range(count)]
    return pa.table(
        {
            "n": pa.array(range(count), pa.int16()),
            "body": pa.array(texts, pa.large_string()),
            "id": [f"a{number}" for number in range(count)],
            "date": [date(2024, 5, 1)] * count,
            "events": [[number] for number in range(count)],
            "topic": pa.array(["x"] * count).dictionary_encode(),
        }
    )


def test_rows_are_those_of_hadath_tag(
    tmp_path: Path, tagger: Tagger, tiny_model_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "load", lru_cache(load))
    table = articles(30)
    pq.write_table(table, tmp_path / "articles.parquet")
    tag_corpus([str(tmp_path / "articles.parquet")], tmp_path / "out", tiny_model_directory, Settings(), processes=1)
    expected = pq.read_table(tmp_path / "out" / "part-00000.parquet")
    found = tagged_table(tagger, table, Columns())
    assert found.schema.names == [*expected.schema.names, "rejected"]
    tagged = found.filter(pa.compute.is_null(found["rejected"])).drop_columns("rejected")
    assert tagged.to_pylist() == expected.to_pylist()
    for field in expected.schema:
        if field.name != "topic":  # kept as it is, where a part has no dictionaries
            assert found.schema.field(field.name).type == field.type


def test_a_bad_row_is_marked_and_the_others_are_tagged(tagger: Tagger) -> None:
    texts = pa.array([TEXT.encode(), b"\xff\xfe", None, b"x" * 200, b""], pa.binary())
    found = tagged_table(tagger, pa.table({"text": texts, "id": [1, 2, 3, 4, None]}), Columns(max_chars=100))
    rows = found.to_pylist()
    assert [row["rejected"] for row in rows] == [
        None,
        "'text' is not valid UTF-8",
        "'text' is null, expected a string",
        "the text has 200 characters, more than the 100 allowed; see --max-chars",
        None,
    ]
    assert [row["entities"] is None for row in rows] == [False, True, True, True, False]
    assert [row["events"] is None for row in rows] == [False, True, True, True, False]
    assert [row["text"] for row in rows] == [TEXT, None, None, "x" * 200, ""]
    assert [row["id"] for row in rows] == ["1", "2", "3", "4", None]


def test_a_block_without_any_text_is_rejected_row_by_row(tagger: Tagger) -> None:
    found = tagged_table(tagger, pa.table({"text": pa.nulls(3)}), Columns())
    assert found["rejected"].to_pylist() == ["'text' is null, expected a string"] * 3
    assert found.schema.field("text").type == pa.string()
    assert found["id"].to_pylist() == [None] * 3


def test_an_empty_table_has_the_columns_of_any_other(tagger: Tagger) -> None:
    empty = tagged_table(tagger, articles(5).slice(0, 0), Columns())
    assert empty.num_rows == 0
    assert empty.schema == tagged_table(tagger, articles(5), Columns()).schema


def test_texts_in_several_chunks_and_in_a_dictionary(tagger: Tagger) -> None:
    texts = [TEXT, "", f"{TEXT} {TEXT}", TEXT]
    once = tagged_table(tagger, pa.table({"text": texts}), Columns())
    chunks = pa.chunked_array([pa.array(texts[:1]), pa.array(texts[1:])])
    assert tagged_table(tagger, pa.table({"text": chunks}), Columns()).to_pylist() == once.to_pylist()
    coded = tagged_table(tagger, pa.table({"text": pa.array(texts).dictionary_encode()}), Columns())
    assert coded.to_pylist() == once.to_pylist()


@pytest.mark.parametrize(
    ("table", "columns", "said"),
    [
        ({"x": ["a"]}, Columns(), r"the table: no column looks like the text .*it has 'x'"),
        ({"text": ["a"]}, Columns(text="y"), r"the table: no column 'y' \(--text-column\)"),
        ({"text": ["a"]}, Columns(id="y"), r"the table: no column 'y' \(--id-column\)"),
        ({"text": [1.5]}, Columns(), r"the table: column 'text' is double, expected string"),
    ],
)
def test_a_table_without_texts_is_refused(tagger: Tagger, table: dict[str, Any], columns: Columns, said: str) -> None:
    with pytest.raises(InputError, match=said):
        tagged_table(tagger, pa.table(table), columns)


def test_what_was_tagged_before_can_be_tagged_again(tagger: Tagger) -> None:
    once = tagged_table(tagger, articles(6), Columns())
    twice = tagged_table(tagger, once, Columns())
    assert twice["entities"].to_pylist() == once["entities"].to_pylist()
    assert twice["input_entities"].to_pylist() == once["entities"].to_pylist()
    assert twice["input_rejected"].to_pylist() == once["rejected"].to_pylist()


@settings(max_examples=25)
@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=8))
def test_rows_stay_in_their_places(tagger: Tagger, texts: list[str | None]) -> None:
    rows = tagged_table(tagger, pa.table({"text": pa.array(texts, pa.string())}), Columns()).to_pylist()
    assert [row["text"] for row in rows] == texts
    for row in rows:
        assert (row["rejected"] is None) == (row["text"] is not None)
        if row["rejected"] is None:
            Document.from_dict(row)  # refuses spans that are not where they say
