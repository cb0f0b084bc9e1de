from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadath.document import Argument, Document, Entity, Event
from hadath.html import tagged_page
from hadath.html.colours import hue
from hadath.html.page import embedded
from hadath.html.spans import Names, utf16_offsets
from hadath.html.wording import DIRECTIONS, WORDING

TEXT = "🚀 زار الوزير تونس"
MINISTER, TUNIS = Entity(6, 12, "OCC", "الوزير", 0.98765), Entity(13, 17, "GPE", "تونس")
VISIT = Event(2, 5, "CONSULT", "زار", 0.5, "Planned", (Argument("Place", TUNIS, 0.25), Argument("Actor", MINISTER)))
DOCUMENT = Document(TEXT, (MINISTER, TUNIS), (VISIT,), "d1")


class Elements(HTMLParser):
    """The elements of a page, and what stands in its data element."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.data = ""
        self.titles: list[str] = []
        self._in: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._in = "data" if dict(attrs).get("id") == "data" else tag

    def handle_endtag(self, tag: str) -> None:
        self._in = None

    def handle_data(self, data: str) -> None:
        if self._in == "data":
            self.data += data
        elif self._in == "title":
            self.titles.append(data)


def data_of(html: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(Elements(html).data)
    return values


def test_a_page_holds_spans_in_utf16_units_with_types_modalities_and_roles_by_index() -> None:
    data = data_of(tagged_page([DOCUMENT], captions=["2025-01-02"]))
    [document] = data["documents"]
    assert (document["id"], document["caption"], document["text"]) == ("d1", "2025-01-02", TEXT)
    units = TEXT.encode("utf-16-le")
    for (start, end, *_), entity in zip(document["entities"], DOCUMENT.entities, strict=True):
        assert units[2 * start : 2 * end].decode("utf-16-le") == entity.text
    assert [type_["name"] for type_ in data["entityTypes"]] == ["GPE", "OCC"]
    assert document["entities"][0][2:] == [1, 0.9877]
    [[start, end, type_, score, modality, arguments]] = document["events"]
    assert (start, end, data["eventTypes"][type_]["name"], score) == (3, 6, "CONSULT", 0.5)
    assert data["modalities"][modality] == "Planned"
    assert [(data["roles"][role], entity, of) for role, entity, of in arguments] == [
        ("Place", 1, 0.25),
        ("Actor", 0, 1),
    ]


def test_a_name_stands_with_an_entity_where_it_is_not_the_mention_itself() -> None:
    text = "شكرا للأمم المتحدة وتونس"
    entities = (Entity(5, 18, "ORG", "للأمم المتحدة", 0.5, "الأمم المتحدة"), Entity(20, 24, "GPE", "تونس", 1.0, "تونس"))
    [document] = data_of(tagged_page([Document(text, entities)]))["documents"]
    assert [values[4:] for values in document["entities"]] == [["الأمم المتحدة"], []]


def test_who_to_whom_where_when_stand_first_and_other_roles_after_them() -> None:
    arguments = tuple(Argument(role, TUNIS) for role in ("Date", "أداة", "Cause", "Actor"))
    event = Event(2, 5, "CONSULT", "زار", arguments=arguments)
    assert data_of(tagged_page([Document(TEXT, (TUNIS,), (event,))]))["roles"] == ["Actor", "Date", "Cause", "أداة"]


def test_a_page_is_one_file_whose_policy_lets_nothing_in() -> None:
    html = tagged_page([DOCUMENT])
    elements = Elements(html).elements
    assert [tag for tag, attributes in elements if {"src", "href"} & attributes.keys()] == []
    assert "://" not in html
    assert "url(" not in html
    policy = next(a["content"] for _, a in elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


@pytest.mark.parametrize("language", WORDING)
def test_a_page_says_its_language_and_direction(language: str) -> None:
    _, attributes = Elements(tagged_page([DOCUMENT], language=language)).elements[0]
    assert attributes == {"lang": language, "dir": DIRECTIONS[language]}


def test_every_language_words_everything() -> None:
    assert WORDING.keys() == DIRECTIONS.keys()
    assert len({frozenset(words) for words in WORDING.values()}) == 1


def test_the_title_is_what_was_asked_for_or_the_single_documents_name() -> None:
    assert Elements(tagged_page([DOCUMENT], title="<b>&")).titles == ["<b>&"]
    assert Elements(tagged_page([DOCUMENT])).titles == ["d1"]
    assert Elements(tagged_page([DOCUMENT, DOCUMENT])).titles == [WORDING["ar"]["title"]]
    assert Elements(DOCUMENT.to_html(title="خبر", language="en")).titles == ["خبر"]


def test_wrong_options_are_refused() -> None:
    with pytest.raises(ValueError, match="2 captions for 1 documents; expected one for each"):
        tagged_page([DOCUMENT], captions=[None, None])
    with pytest.raises(ValueError, match="language 'fr': expected ar or en"):
        DOCUMENT.to_html(language="fr")


ANY_TEXT = st.text(
    st.one_of(st.characters(), st.sampled_from("<>&\"'/\u2028\u2029\ufeff\ud83d\ude80\r\n")), max_size=40
) | st.sampled_from(["</script>", "<!--<script>", "]]>", "</title>"])


@given(ANY_TEXT)
def test_no_text_leaves_its_element_or_is_lost(text: str) -> None:
    html = tagged_page([Document(text, id=text)], title=text)
    html.encode("utf-8")
    assert [tag for tag, _ in Elements(html).elements].count("script") == 2
    assert not re.search("[\u2028\u2029]", html)
    [document] = data_of(html)["documents"]
    # a pair of halves is what JSON and JavaScript take for one character
    assert document["text"].encode("utf-16-le", "surrogatepass") == text.encode("utf-16-le", "surrogatepass")
    assert document["id"].encode("utf-16-le", "surrogatepass") == text.encode("utf-16-le", "surrogatepass")


@given(ANY_TEXT)
def test_embedded_json_has_no_character_that_markup_could_take_up(text: str) -> None:
    assert not set("<>&\u2028\u2029") & set(embedded([text, {text: None}]))


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_offsets_are_those_of_utf16(text: str) -> None:
    offset = utf16_offsets(text)
    for place in range(len(text) + 1):
        assert offset(place) == len(text[:place].encode("utf-16-le")) // 2


def test_names_keep_the_order_that_was_given_and_leave_out_what_is_not_used() -> None:
    names = Names(["B", "A", "unused"], ["z", "A", "B", "c", "A"])
    assert names.names == ["B", "A", "c", "z"]
    assert [names.index[name] for name in names.names] == [0, 1, 2, 3]


@given(st.text())
def test_a_colour_depends_on_the_name_alone(name: str) -> None:
    assert 0 <= hue(name, "entities") < 360
    assert hue(name, "events") == hue(name, "events")


def test_the_colours_of_a_kind_are_told_apart() -> None:
    assert len({hue(name, "entities") for name in ("PER", "OCC", "NORP", "ORG", "GPE", "LOC", "FAC", "DATE")}) == 8
