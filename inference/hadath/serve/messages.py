"""What is sent to the service and what it sends back, as OpenAPI describes it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from hadath.records.record import EventRecord
from hadath.schema import DEFAULT_MODALITY

EXAMPLE_TEXT = "زار وزير الخارجية التونسي بنغازي أمس."


def _day(value: Any) -> Any:
    # pydantic would also take a number, as seconds since 1970
    if value is not None and not (isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII)):
        raise ValueError("expected a day as YYYY-MM-DD")
    return value


Identifier = Annotated[str, StringConstraints(max_length=1000)]
Day = Annotated[datetime.date, BeforeValidator(_day)]


class _Strict(BaseModel):
    # a misspelt field is an error, not something to pass over
    model_config = ConfigDict(extra="forbid", strict=True)


class Article(_Strict):
    """An article to tag."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": EXAMPLE_TEXT, "id": "a1"}]})

    text: str = Field(description="the text as published; nothing needs to be cleaned")
    id: Identifier | None = Field(default=None, description="the article's name, given back with the answer")


class Articles(_Strict):
    """Several articles to tag."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"articles": [{"text": EXAMPLE_TEXT, "id": "a1"}]}]})

    articles: list[Article] = Field(min_length=1)


class DatedArticle(Article):
    """An article to make event records of."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": EXAMPLE_TEXT, "date": "2025-11-18", "id": "a1"}]}
    )

    date: Day | None = Field(
        default=None,
        strict=False,
        description="the day it was published, which the dates in it are resolved against",
        examples=["2025-11-18"],
    )


class DatedArticles(_Strict):
    """Several articles to make event records of."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"articles": [{"text": EXAMPLE_TEXT, "date": "2025-11-18"}]}]}
    )

    articles: list[DatedArticle] = Field(min_length=1)


class TaggedSpan(BaseModel):
    """A stretch of the text; ``text[start:end]`` counts characters (code points) of the text as it was sent."""

    start: int = Field(ge=0)
    end: int = Field(ge=1)
    type: str = Field(examples=["GPE"])
    text: str
    score: float = Field(ge=0, le=1, description="the model's probability")


class TaggedEntity(TaggedSpan):
    """A mention of an entity."""

    name: str = Field(description="the mention without proclitics, diacritics and tatweel", examples=["تونس"])


class TaggedArgument(BaseModel):
    """An entity that takes part in an event."""

    role: str = Field(examples=["Actor"])
    entity: int = Field(ge=0, description="its index among the document's entities")
    score: float = Field(ge=0, le=1, description="the model's probability")


class TaggedEvent(TaggedSpan):
    """An event: the span is its trigger."""

    modality: str = Field(examples=[DEFAULT_MODALITY])
    arguments: list[TaggedArgument]


class TaggedDocument(BaseModel):
    """An article with what was found in it, in the form of ``Document.to_dict``."""

    id: str | None
    text: str
    entities: list[TaggedEntity]
    events: list[TaggedEvent]


class TaggedDocuments(BaseModel):
    """The documents of several articles, in the order of the request."""

    documents: list[TaggedDocument]


class Records(BaseModel):
    """The event records of one article, in the form of ``EventRecord.to_dict``."""

    id: str | None
    records: Sequence[EventRecord]


class RecordsOfDocuments(BaseModel):
    """The event records of several articles, in the order of the request."""

    documents: list[Records]


class Load(BaseModel):
    """What one process of the service has to do."""

    requests: int = Field(ge=0, description="requests in progress")
    waiting_articles: int = Field(ge=0)
    waiting_characters: int = Field(ge=0)
    threads: int = Field(ge=1, description="articles that are tagged side by side")


class Health(BaseModel):
    """How the service is."""

    status: str = Field(examples=["ready"])
    model: str = Field(description="the model's name", examples=["hadath"])
    version: str = Field(description="of hadath", examples=["0.1.0"])
    seconds: float = Field(ge=0, description="how long it has been up")
    load: Load
