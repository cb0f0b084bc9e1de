from __future__ import annotations

import datetime
import os
import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from hadath import load
from hadath.document import Document
from hadath.errors import InputError
from hadath.spark import tagged_schema, tagging

pd: Any = pytest.importorskip("pandas", reason="Spark's mapInPandas needs pandas")

TEXTS = ["زار الوزير مدينة تونس .", None, "", "زار الوزير مدينة تونس . وقال إن القوات على الطريق ."]
COLUMNS = ["id", "text", "entities", "events", "n", "rejected"]

needs_spark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("pyspark") is None, reason="needs Spark: pip install pyspark"),
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs a Java run-time"),
    pytest.mark.filterwarnings("default"),  # Spark's own, of itself and of what it uses
]


def test_each_frame_is_tagged_in_turn(tiny_model_directory: Path) -> None:
    frames = [
        pd.DataFrame({"id": ["a", "b"], "body": TEXTS[:2], "n": [1, 2]}),
        pd.DataFrame({"id": [], "body": [], "n": []}).astype({"id": str, "body": str, "n": int}),
        pd.DataFrame({"id": ["c", "d"], "body": TEXTS[2:], "n": [3, 4]}),
    ]
    tagged = list(tagging(str(tiny_model_directory))(iter(frames)))
    assert [list(frame.columns) for frame in tagged] == [COLUMNS] * 3
    assert [len(frame) for frame in tagged] == [2, 0, 2]
    tagger = load(tiny_model_directory, threads=1)
    rows = [row for frame in tagged for row in frame.to_dict("records")]
    for row, text in zip(rows, TEXTS, strict=True):
        if text is None:
            assert row["rejected"] == "'body' is null, expected a string"
            assert row["entities"] is None
            continue
        expected = tagger(text)
        assert [(span["start"], span["end"], span["type"]) for span in row["entities"]] == [
            (entity.start, entity.end, entity.type) for entity in expected.entities
        ]
        assert [(span["start"], span["end"], span["type"]) for span in row["events"]] == [
            (event.start, event.end, event.type) for event in expected.events
        ]


def test_frames_are_read_as_they_are_asked_for(tiny_model_directory: Path) -> None:
    read = 0

    def endless() -> Iterator[Any]:
        nonlocal read
        while True:
            read += 1
            yield pd.DataFrame({"text": TEXTS})

    tagged = tagging(str(tiny_model_directory))(endless())
    for expected in range(1, 4):
        next(tagged)
        assert read == expected


def test_a_process_loads_the_model_once(tiny_model_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hadath.batch import workers

    loaded: list[Any] = []
    monkeypatch.setattr(workers, "load", lambda *given, **options: loaded.append(given) or load(*given, **options))
    for _ in range(3):  # partitions
        tag = tagging(str(tiny_model_directory), min_scores={"events": 0.123})
        list(tag(iter([pd.DataFrame({"text": TEXTS})])))
    assert len(loaded) == 1


def test_a_frame_without_texts_is_refused(tiny_model_directory: Path) -> None:
    with pytest.raises(InputError, match="no column looks like the text"):
        list(tagging(str(tiny_model_directory))(iter([pd.DataFrame({"x": TEXTS})])))


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    from pyspark.sql import SparkSession

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
        session = (
            SparkSession.builder.master("local[1]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.sql.execution.arrow.maxRecordsPerBatch", "3")
            .getOrCreate()
        )
        yield session
        session.stop()


class TestInSpark:
    pytestmark = needs_spark

    def test_a_data_frame_is_tagged(self, spark: Any, tiny_model_directory: Path, tmp_path: Path) -> None:
        day = datetime.date(2025, 3, 1)
        rows = [(f"a{n}", TEXTS[n % 4], n if n % 3 else None, day, ["x", "y"]) for n in range(20)]
        articles = spark.createDataFrame(rows, "id string, body string, n int, date date, topics array<string>")
        tagged = articles.mapInPandas(tagging(str(tiny_model_directory)), tagged_schema(articles.schema))
        assert tagged.columns == ["id", "text", "entities", "events", "n", "date", "topics", "rejected"]
        tagged.write.parquet(str(tmp_path / "tagged"))
        found = spark.read.parquet(str(tmp_path / "tagged")).orderBy("id").collect()
        for row, (name, text, number, _, topics) in zip(found, sorted(rows), strict=True):
            assert (row.id, row.text, row.n, row.date, row.topics) == (name, text, number, day, topics)
            assert (row.rejected is None) == (text is not None)
            if text is not None:
                Document.from_dict(row.asDict(recursive=True))
        assert any(row.events for row in found)

    def test_names_of_columns_that_the_tagger_fills(self, spark: Any) -> None:
        from pyspark.sql.types import StructType

        schema = StructType.fromDDL("key int, article string, events int, rejected string")
        names = ["id", "text", "entities", "events", "input_events", "input_rejected", "rejected"]
        assert tagged_schema(schema, text_column="article", id_column="key").names == names
        with pytest.raises(InputError, match="the data frame: no column 'body'"):
            tagged_schema(schema, text_column="body")
