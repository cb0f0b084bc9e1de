"""hadath in Spark: ``articles.mapInPandas(tagging(), tagged_schema(articles.schema))``.

Example:
    >>> from hadath.spark import tagged_schema, tagging  # doctest: +SKIP
    >>> articles = spark.read.parquet("articles/")  # doctest: +SKIP
    >>> tagged = articles.mapInPandas(tagging(), tagged_schema(articles.schema))  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from hadath.batch.articles import Columns, kept_name, text_column
from hadath.batch.readers import no_text_column
from hadath.batch.workers import TaggerSpec
from hadath.model_directory import find
from hadath.tagger import BATCH_TOKENS, Tagger

if TYPE_CHECKING:
    import pandas as pd

_SPAN = "start: int, end: int, type: string, text: string, score: float"
_ARGUMENT = "role: string, entity: int, score: float"
_TAGGED = f"""
    id string,
    text string,
    entities array<struct<{_SPAN}, name: string>>,
    events array<struct<{_SPAN}, modality: string, arguments: array<struct<{_ARGUMENT}>>>>
"""


def tagging(
    model: str | None = None,
    *,
    text_column: str | None = None,
    id_column: str | None = None,
    max_chars: int = Columns.max_chars,
    threads: int = 1,
    min_scores: Mapping[str, float] | None = None,
    providers: Sequence[str] | None = None,
    batch_tokens: int = BATCH_TOKENS,
) -> Callable[[Iterable[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """Returns what ``pyspark.sql.DataFrame.mapInPandas`` runs over the parts of a data frame.

    Each Python process of an executor loads the model once, however many partitions it reads.

    Args:
        model: As ``hadath.load`` takes it. A directory must be there on every machine of the cluster.
        text_column: The column of texts; by default the first of ``hadath.batch.articles.TEXT_COLUMNS``.
        id_column: The column of names; by default ``id``, if there is one.
        max_chars: Texts of more characters are rejected.
        threads: CPU cores of each process; that of ``spark.task.cpus``.
        min_scores: As ``hadath.load`` takes them.
        providers: Likewise.
        batch_tokens: Likewise.

    Returns:
        A function from data frames of pandas to as many, with the columns of ``tagged_schema``.
    """
    columns = Columns(text_column, id_column, max_chars)
    scores = tuple(sorted((min_scores or {}).items()))

    def tag(frames: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        from hadath.batch.arrow_tables import pa, tagged_table  # needs pyarrow, as Spark does here

        tagger = _tagger(model, batch_tokens, tuple(providers or ()), scores, threads)
        for frame in frames:
            yield tagged_table(tagger, pa.Table.from_pandas(frame, preserve_index=False), columns).to_pandas()

    return tag


def tagged_schema(schema: Any, *, text_column: str | None = None, id_column: str | None = None) -> Any:
    """Returns the schema of the data frame that ``tagging`` makes of one.

    Args:
        schema: Its ``pyspark.sql.types.StructType``.
        text_column: As ``tagging`` is given it.
        id_column: Likewise.

    Returns:
        A ``StructType``: ``id``, ``text``, ``entities``, ``events``, the other columns, and ``rejected``, null or why
        the row could not be tagged.

    Raises:
        InputError: If there is no column of texts.
    """
    types: Any = import_module("pyspark.sql.types")
    text = _text_column(schema.names, text_column)
    kept = [
        types.StructField(kept_name(field.name), field.dataType, field.nullable)
        for field in schema
        if field.name not in (text, id_column or "id")
    ]
    tagged = types.StructType.fromDDL(_TAGGED)
    return types.StructType([*tagged, *kept, types.StructField("rejected", types.StringType())])


def _text_column(names: list[str], wanted: str | None) -> str:
    found = text_column(names, Columns(wanted))
    if found is None:
        raise no_text_column("the data frame", names, Columns(wanted))
    return found


@cache
def _tagger(
    model: str | None,
    batch_tokens: int,
    providers: tuple[str, ...],
    min_scores: tuple[tuple[str, float], ...],
    threads: int,
) -> Tagger:
    return TaggerSpec(find(model), batch_tokens, providers, min_scores).load(threads)
