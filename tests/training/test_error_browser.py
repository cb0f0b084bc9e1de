from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings

from hadath.document import Argument, Document, Entity, Event
from tests.fixtures.browser import chromium, opened
from tests.fixtures.predictions import SCHEMA, any_documents
from training.alignment import align
from training.error_analysis import find_errors
from training.error_browser import error_page, write_error_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

TEXT = "🚚 أغاث الهلال الأحمر أهالي سبها.\n\nوهاجم مسلحون مراد ليلا"


def entity(part: str, type_: str) -> Entity:
    start = TEXT.index(part)
    return Entity(start, start + len(part), type_, part)


HILAL, RED, SABHA, MURAD = (
    entity("الهلال", "ORG"),
    entity("الهلال الأحمر", "ORG"),
    entity("سبها", "GPE"),
    entity("مراد", "PER"),
)
AID = Event(2, 6, "AID", "أغاث", 1.0, "Asserted", (Argument("Place", SABHA),))
ASSAULT = Event(TEXT.index("وهاجم"), TEXT.index("وهاجم") + 5, "ASSAULT", "وهاجم")
GOLD = Document(TEXT, (RED, SABHA, MURAD), (AID, ASSAULT), "a1")
FOUND = Document(
    TEXT,
    (HILAL, SABHA, replace(MURAD, type="ORG")),
    (replace(AID, modality="Planned", score=0.5, arguments=(Argument("Actor", SABHA),)),),
    "a1",
)
RIGHT = Document("لا شيء هنا", id="a0")


def page_of(*pairs: tuple[Document, Document]) -> str:
    documents = align([gold for gold, _ in pairs], [found for _, found in pairs], SCHEMA)
    return error_page(documents, find_errors(documents), "tiny on dev")


def data_of(html: str) -> dict[str, Any]:
    start = html.index('id="data">') + len('id="data">')
    values: dict[str, Any] = json.loads(html[start : html.index("</script>", start)])
    return values


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def test_only_articles_with_errors_are_kept_and_every_error_points_to_its_spans() -> None:
    data = data_of(page_of((RIGHT, RIGHT), (GOLD, FOUND)))
    assert data["tagged"] == 2
    [article] = data["documents"]
    assert article["id"] == "a1"
    assert [(error["kind"], error["error"], error["gold"], error["predicted"]) for error in article["errors"]] == [
        ("entities", "wrong_span", 0, 0),
        ("entities", "wrong_type", 2, 2),
        ("events", "wrong_modality", 0, 0),
        ("events", "missed", 1, None),
        ("arguments", "wrong_role", 0, 0),
    ]
    assert article["errors"][-1]["goldArgument"] == ["Place", 1]
    assert article["errors"][-1]["predictedArgument"] == ["Actor", 1]


def test_a_model_without_arguments_is_not_blamed_for_each() -> None:
    found = replace(FOUND, events=(replace(AID, arguments=()),))
    kinds = {error["kind"] for article in data_of(page_of((GOLD, found)))["documents"] for error in article["errors"]}
    assert kinds == {"entities", "events"}


@given(any_documents())
@settings(max_examples=30)
def test_a_page_is_made_of_any_spans(documents: tuple[Document, Document]) -> None:
    for article in data_of(page_of(documents))["documents"]:
        for error in article["errors"]:
            kind = "entities" if error["kind"] == "entities" else "events"
            for side in ("gold", "predicted"):
                assert error[side] is None or error[side] < len(article[side][kind])


def test_the_page_is_written(tmp_path: Path) -> None:
    documents = align([GOLD], [FOUND], SCHEMA)
    write_error_browser(documents, find_errors(documents), tmp_path / "errors.html", "tiny on dev")
    assert (tmp_path / "errors.html").read_text(encoding="utf-8") == page_of((GOLD, FOUND))


def labels(page: Page, side: str) -> list[str]:
    found: list[str] = page.locator(f".{side} .label").evaluate_all("all => all.map(one => one.dataset.label)")
    return found


def test_annotated_and_predicted_stand_side_by_side_with_what_is_wrong(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, page_of((RIGHT, RIGHT), (GOLD, FOUND)), tmp_path) as page:
        page.locator(".mark").first.wait_for()
        assert labels(page, "gold") == [
            "AID ✗ wrong modality, Place wrong role",
            "ORG ✗ wrong span",
            "GPE",
            "ASSAULT ✗ missed",
            "PER ✗ wrong type",
        ]
        assert labels(page, "predicted") == [
            "AID · Planned ✗ wrong modality, Actor wrong role",
            "ORG ✗ wrong span",
            "GPE",
            "ORG ✗ wrong type",
        ]
        gold, predicted = (page.locator(f".{side} .line").first.bounding_box() for side in ("gold", "predicted"))
        assert gold is not None
        assert predicted is not None
        assert gold["y"] == predicted["y"]
        assert gold["x"] + gold["width"] <= predicted["x"]
        assert page.locator(".status").inner_text().split() == ["Errors:", "5", "Articles:", "1", "/", "2"]
        counts = {text.rsplit(maxsplit=1)[0]: text.split()[-1] for text in page.locator(".chip").all_inner_texts()}
        kinds = {"missed": "1", "wrong modality": "1", "wrong role": "1", "wrong span": "1", "wrong type": "1"}
        assert counts.items() >= {**kinds, "entities": "2", "AID": "2", "ORG": "2", "Place": "1", "Actor": "1"}.items()
        assert len(page.locator("tbody tr").all()) == 5
        page.locator(".gold .mark.wrong").nth(1).hover()
        said = page.locator("#card").inner_text()
        assert "wrong span" in said
        assert "predicted: ORG" in said.replace("\n", " ")
        assert page.locator(".badge").all_inner_texts() == ["predicted"]


def test_errors_are_filtered_by_kind_and_type(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, page_of((GOLD, FOUND)), tmp_path) as page:
        page.get_by_label("wrong type").first.check()
        assert page.locator("tbody tr").count() == 1
        assert [label for label in labels(page, "gold") if "✗" in label] == ["PER ✗ wrong type"]
        page.get_by_label("AID").first.check()
        assert page.locator("article:visible").count() == 0
        page.get_by_label("wrong type").first.uncheck()
        assert page.locator("tbody tr").count() == 2


def test_n_and_p_walk_through_the_errors_and_each_has_an_address(browser: Browser, tmp_path: Path) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    html = page_of((GOLD, FOUND), *((replace(GOLD, id=f"b{n}"), replace(FOUND, id=f"b{n}")) for n in range(30)))
    with opened(browser, html, tmp_path) as page:
        page.locator(".mark").first.wait_for()
        count, current = page.locator(".count"), page.locator("[aria-current]")
        for key, place in (("n", "1"), ("n", "2"), ("p", "1"), ("p", "155")):
            page.keyboard.press(key)
            assert count.inner_text() == f"{place} / 155"
        assert current.get_attribute("data-error") == f"entities/wrong_type/{MURAD.start + 1}-{MURAD.end + 1}"
        assert page.evaluate("document.activeElement.textContent") == "مراد"
        address = page.url
        page.get_by_role("button", name="Previous").click()
        assert count.inner_text() == "154 / 155"
        # a letter that is searched for is no key
        page.locator("#search").press("n")
        page.wait_for_url(re.compile("q=n"))
        assert count.inner_text() == "– / 0"
    with opened(browser, html, tmp_path, f"#{address.partition('#')[2]}") as page:
        assert page.locator(".count").inner_text() == "155 / 155"
        assert page.evaluate("document.activeElement.closest('article').querySelector('h2').textContent") == "b29"
        sync_api.expect(page.locator(".mark.active")).to_be_in_viewport()


def test_lines_without_errors_can_be_left_out(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, page_of((GOLD, FOUND)), tmp_path) as page:
        page.get_by_label("missed").first.check()
        assert page.locator(".gold .line:visible").count() == 3
        page.locator("#only").check()
        assert page.locator(".gold .line:visible").count() == 1


def test_on_a_narrow_screen_the_sides_follow_each_other(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, page_of((GOLD, FOUND)), tmp_path, viewport={"width": 360, "height": 700}) as page:
        page.locator(".mark").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        gold, predicted = (page.locator(f".text.{side}").first.bounding_box() for side in ("gold", "predicted"))
        assert gold is not None
        assert predicted is not None
        assert gold["y"] + gold["height"] <= predicted["y"]
