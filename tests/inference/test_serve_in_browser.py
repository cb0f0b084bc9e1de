"""The page of ``hadath serve`` in a real browser: by keyboard alone, right to left, without anything from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("fastapi", reason="needs the extra serve")
pytest.importorskip("uvicorn", reason="needs the extra serve")

from hadath.document import Document
from tests.fixtures.browser import chromium
from tests.fixtures.served import Server, server

if TYPE_CHECKING:
    from playwright.sync_api import Page

TEXT = "زار وزير الخارجية مدينة تونس أمس. <script>alert(1)</script>\nوقال إن القوات على الطريق."


@pytest.fixture(scope="module")
def service(tiny_model_directory: Path) -> Iterator[Server]:
    with server(tiny_model_directory, "--max-chars", "1000") as running:
        yield running


@pytest.fixture
def page(service: Server) -> Iterator[Page]:
    address = f"http://127.0.0.1:{service.port}/"
    with chromium() as browser:
        opened = browser.new_page(viewport={"width": 1000, "height": 800})
        problems: list[str] = []
        opened.on("pageerror", lambda error: problems.append(str(error)))
        opened.on("dialog", lambda dialog: (problems.append(dialog.message), dialog.dismiss()))
        opened.on("request", lambda asked: None if asked.url.startswith(address) else problems.append(asked.url))
        opened.goto(address)
        yield opened
        assert [problem for problem in problems if problem != "about:srcdoc"] == []


def test_an_article_is_pasted_and_seen_by_keyboard_alone(page: Page, service: Server) -> None:
    assert page.locator("html").evaluate("root => [root.lang, root.dir, getComputedStyle(root).direction]") == [
        "ar", "rtl", "rtl",
    ]  # fmt: skip
    page.keyboard.press("Tab")
    page.keyboard.insert_text(TEXT)
    page.keyboard.press("Control+Enter")
    view = page.frame_locator("#view")
    view.locator(".mark").first.wait_for()
    found = Document.from_dict(service.ask("POST", "/tag", {"text": TEXT}).json())
    assert len(view.locator(".mark.event").all()) == len(found.events)
    assert "<script>" in view.locator("body").inner_text()
    assert page.locator("#status").inner_text() != ""
    assert page.locator("#problem").is_hidden()
    # the other way to send it, and into the view
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "tag"
    with page.expect_response("**/html"):
        page.keyboard.press("Enter")
    view.locator(".mark").first.wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "view"


def test_what_goes_wrong_is_said_in_words(page: Page) -> None:
    problem = page.locator("#problem")
    page.locator("#tag").click()
    assert problem.inner_text() == "الصق نصًا أولًا."
    assert page.evaluate("document.activeElement.id") == "text"
    page.locator("#text").fill("نص " * 400)
    page.locator("#tag").click()
    problem.get_by_text("/text").wait_for()
    assert "1,200 characters; expected at most 1,000" in problem.inner_text()
    assert problem.get_attribute("role") == "alert"
    assert page.locator("#view").is_hidden()
    page.route("**/html", lambda route: route.fulfill(status=503, headers={"Retry-After": "7"}, json={"code": "busy"}))
    page.locator("#tag").click()
    problem.get_by_text("7").wait_for()
    page.unroute("**/html")
    page.route("**/html", lambda route: route.abort())
    page.locator("#tag").click()
    problem.get_by_text("لا تجيب الخدمة").wait_for()
    page.unroute("**/html")
    page.locator("#text").fill(TEXT)
    page.locator("#tag").click()
    page.frame_locator("#view").locator(".mark").first.wait_for()
    assert problem.is_hidden()


def test_it_fits_a_telephone(page: Page) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    page.locator("#example").click()
    # the view marks what is in sight, so it must have been brought there
    page.frame_locator("#view").locator(".line").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
