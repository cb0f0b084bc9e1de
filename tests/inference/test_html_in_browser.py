"""The page in a real browser: what is seen, found, reached by keyboard, and what hostile text may not do."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hadath.document import Argument, Document, Entity, Event
from hadath.html import tagged_page
from tests.fixtures.browser import chromium, opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def span(text: str, part: str, type_: str, score: float = 1.0) -> Entity:
    start = text.index(part)
    return Entity(start, start + len(part), type_, part, score)


def visit(name: str = "a1", modality: str = "Asserted", type_: str = "CONSULT", before: str = "") -> Document:
    text = f"{before}زار وزير الخارجية مدينة غدامس أمس.\n\nولم يعلن شيئا."
    who, where, when = span(text, "وزير الخارجية", "OCC", 0.91), span(text, "غدامس", "GPE"), span(text, "أمس", "DATE")
    start = len(before)
    arguments = (Argument("Actor", who, 0.8), Argument("Place", where, 0.7), Argument("Date", when, 0.6))
    event = Event(start, start + 3, type_, "زار", 0.75, modality, arguments)
    return Document(text, (who, where, when), (event,), name)


def test_an_article_is_shown_with_labels_direction_and_a_table(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, tagged_page([visit()], captions=["2025-03-04"]), tmp_path) as page:
        assert page.locator("html").evaluate("root => [root.lang, root.dir]") == ["ar", "rtl"]
        assert page.locator(".line").all_inner_texts()[0].split() == visit().text.split("\n")[0].split()
        assert len(page.locator(".line").all()) == 3
        labels = page.locator(".label").evaluate_all("all => all.map(one => getComputedStyle(one, '::after').content)")
        assert labels == ['"CONSULT"', '"OCC"', '"GPE"', '"DATE"']
        rows = [row.split("\t") for row in page.locator("table").inner_text().splitlines() if "\t" in row]
        assert [cell.strip() for cell in rows[0]] == ["اللفظ", "الحدث", "الوقوع", "Actor", "Place", "Date"]
        cells = page.locator("tbody tr > *").all_inner_texts()
        assert cells == ["زار", "CONSULT", "Asserted", "وزير الخارجية", "غدامس", "أمس"]
        assert "2025-03-04" in page.locator("h2").inner_text()
        assert page.locator(".status").inner_text().split() == ["المقالات:", "1", "الأحداث:", "1", "الكيانات:", "3"]


def test_what_did_not_happen_says_so_in_words_and_in_form(browser: Browser, tmp_path: Path) -> None:
    documents = [visit("a1"), visit("a2", "Negated")]
    with opened(browser, tagged_page(documents), tmp_path) as page:
        styles = page.locator(".mark.event").evaluate_all(
            "all => all.map(one => [getComputedStyle(one).borderTopStyle, one.querySelector('.label').dataset.label])"
        )
        assert styles == [["none", "CONSULT"], ["dashed", "CONSULT · Negated"]]


def test_a_trigger_that_is_pointed_at_shows_its_arguments_with_their_roles(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, tagged_page([visit()]), tmp_path) as page:
        page.locator(".mark.event").hover()
        assert sorted(page.locator(".badge").all_inner_texts()) == ["Actor", "Date", "Place"]
        for badge, entity in zip(page.locator(".badge").all(), page.locator(".mark.entity").all(), strict=True):
            above, below = badge.bounding_box(), entity.bounding_box()
            assert above is not None
            assert below is not None
            assert abs(above["x"] + above["width"] - below["x"] - below["width"]) < 2
            assert above["y"] < below["y"]
        card = page.locator("#card")
        assert card.is_visible()
        assert {"0.75", "Asserted", "Actor", "0–3"} <= set(card.inner_text().split())
        page.mouse.move(5, 790)
        assert card.is_hidden()
        assert page.locator(".badge").count() == 0
        page.locator(".mark.entity").first.hover()
        assert page.locator(".badge").all_inner_texts() == ["Actor"]
        assert page.locator(".mark.event").get_attribute("class") == "mark event related"
        assert "0.91" in card.inner_text()


def focused(page: Page) -> str:
    text: str = page.evaluate("document.activeElement.textContent")
    return text


def test_all_can_be_reached_and_left_by_keyboard(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, tagged_page([visit("a1"), visit("a2", before="ثم ")]), tmp_path) as page:
        page.locator(".hint").click()
        page.keyboard.press("Tab")
        assert focused(page) == "زار"
        assert page.locator("#card").is_visible()
        for key, text in (
            ("ArrowLeft", "وزير الخارجية"),
            ("ArrowLeft", "غدامس"),
            ("ArrowRight", "وزير الخارجية"),
            ("ArrowUp", "زار"),
            ("ArrowUp", "زار"),
            ("End", "أمس"),
            ("ArrowLeft", "أمس"),
            ("Home", "زار"),
        ):
            page.keyboard.press(key)
            assert focused(page) == text
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
        page.mouse.move(5, 790)
        assert page.locator("#card").is_visible()
        page.keyboard.press("Escape")
        assert page.locator("#card").is_hidden()
        assert focused(page) == "زار"
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")  # the table's row, then the next article
        assert page.evaluate("document.activeElement.closest('article').querySelector('h2').textContent") == "a2"


def test_what_is_heard_names_type_modality_and_roles(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, tagged_page([visit(modality="Planned")]), tmp_path) as page:
        name = "زار, CONSULT, Planned, Actor: وزير الخارجية, Place: غدامس, Date: أمس"
        assert page.get_by_role("button", name=name, exact=True).count() == 1
        name = "غدامس, GPE, Place: زار (CONSULT)"
        assert page.get_by_role("button", name=name, exact=True).count() == 1
        assert page.get_by_role("article", name="a1").count() == 1
        assert page.get_by_role("searchbox", name="بحث في النصوص").count() == 1
        page.locator(".mark.event").focus()
        assert page.locator(".mark.event").get_attribute("aria-describedby") == "card"


def test_a_row_of_the_table_leads_to_its_trigger(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, tagged_page([visit()]), tmp_path) as page:
        page.locator(".jump").click()
        assert focused(page) == "زار"
        assert page.locator("tr.active").count() == 1
        assert page.locator(".badge").count() == 3


def shown(page: Page) -> list[str]:
    return [heading for heading in page.locator("article:visible h2").all_inner_texts() if heading]


def test_articles_are_filtered_by_type_and_modality_and_counted(browser: Browser, tmp_path: Path) -> None:
    other = Document("في بيت", (Entity(3, 6, "FAC", "بيت"),), id="a4")
    documents = [visit("a1"), visit("a2", "Planned"), visit("a3", "Planned", "AID"), other]
    with opened(browser, tagged_page(documents), tmp_path) as page:
        counts = dict(text.split() for text in page.locator(".chip").all_inner_texts())
        events = {"AID": "1", "CONSULT": "2", "Asserted": "1", "Planned": "2"}
        assert counts == {**events, "DATE": "3", "FAC": "1", "GPE": "3", "OCC": "3"}
        page.get_by_label("CONSULT", exact=False).first.check()
        assert shown(page) == ["a1", "a2"]
        page.get_by_label("Planned", exact=False).first.check()
        assert shown(page) == ["a2"]
        assert "Planned" in page.url
        counts = dict(text.split() for text in page.locator(".chip").all_inner_texts())
        # what choosing it as well would leave
        assert (counts["AID"], counts["Asserted"], counts["FAC"], counts["GPE"]) == ("1", "1", "0", "1")
        page.reload()
        assert shown(page) == ["a2"]
        page.locator(".bar button:visible").first.click()
        assert len(shown(page)) == 4
        page.get_by_label("FAC", exact=False).first.check()
        assert shown(page) == ["a4"]
        page.get_by_label("AID", exact=False).first.check()
        assert shown(page) == []
        assert page.locator(".nothing").is_visible()


def test_what_a_filter_leaves_out_is_not_marked(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, tagged_page([visit(), visit("a2")]), tmp_path) as page:
        page.get_by_label("OCC", exact=False).first.check()
        assert page.locator("article").first.locator(".mark").all_inner_texts() == ["زار", "وزير الخارجية"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("الخارجيه", 1),
        ("وَزِير", 1),
        ("وزيـر  الخارجية", 1),
        ("٢٠٢٥", 1),
        ("(a+b", 1),
        ("f-١٦", 1),
        ("nato", 1),
        ("لا يوجد", 0),
    ],
)
def test_search_finds_words_however_they_are_spelt(browser: Browser, tmp_path: Path, query: str, found: int) -> None:
    documents = [visit("a1", before="NATO في 2025 (a+b) F-16 "), Document("نص آخر", id="a2")]
    with opened(browser, tagged_page(documents), tmp_path) as page:
        page.locator("#search").fill(query)
        page.wait_for_url(re.compile("q="))
        assert len(shown(page)) == found
        ranges = page.evaluate("[...CSS.highlights.get('found') ?? []].map(range => range.toString()).length")
        assert ranges == found


def test_many_articles_are_marked_only_when_they_come_near(browser: Browser, tmp_path: Path) -> None:
    documents = [visit(f"a{number}") for number in range(600)]
    with opened(browser, tagged_page(documents), tmp_path) as page:
        assert page.locator("article").count() == 600
        assert 0 < page.locator("article:has(.mark)").count() < 100
        last = page.locator("article").last
        assert "وزير الخارجية" in (last.locator(".plain").text_content() or "")
        last.scroll_into_view_if_needed()
        last.locator(".mark").first.wait_for()
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.locator("article:has(.mark)").count() == 600


def test_the_table_of_very_many_events_is_made_when_it_is_opened(browser: Browser, tmp_path: Path) -> None:
    text = "زار\n" * 501
    document = Document(
        text, (), tuple(Event(4 * place, 4 * place + 3, "CONSULT", "زار") for place in range(501)), "a1"
    )
    with opened(browser, tagged_page([document]), tmp_path) as page:
        page.locator(".mark").first.wait_for()
        assert page.locator("table").count() == 0
        page.locator("article summary").click()
        page.locator("tbody tr").last.wait_for()
        assert page.locator("tbody tr").count() == 501
        page.locator(".jump").last.click()
        assert page.locator(".mark").last.evaluate("mark => mark === document.activeElement")


HOSTILE = (
    "قال </script><script>document.title='pwned'</script> <img src=x onerror=\"document.title='pwned'\">\u2028"
    "و<b>غامق</b> &amp; \\u003c \u202eمقلوب\u202c ${7*7} 🚀🚀 وصل."
)


def test_hostile_text_is_text(browser: Browser, tmp_path: Path) -> None:
    type_ = '"><script>document.title="pwned"</script>'
    image, arrived = span(HOSTILE, "<img src=x", type_), HOSTILE.index("وصل")
    event = Event(arrived, arrived + 3, type_, "وصل", 1.0, "<b>maybe</b>", (Argument("<i>role</i>", image),))
    document = Document(HOSTILE, (image, span(HOSTILE, "🚀 وصل"[0], "OBJ")), (event,), "</title><script>alert(1)")
    with opened(browser, tagged_page([document, document], captions=["<u>", None]), tmp_path) as page:
        assert page.title() != "pwned"
        assert page.locator("article b, article img, article script, article u, .chip script").count() == 0
        assert "".join(page.locator("article").first.locator(".line").evaluate_all(TEXTS)) == LINE_BREAK.sub(
            "", HOSTILE
        )
        page.locator(".mark.event").first.hover()
        assert "<b>maybe</b>" in page.locator("#card").inner_text()
        assert page.locator(".badge").all_inner_texts() == ["<i>role</i>"]
        assert page.locator("#card b, #card script").count() == 0


TEXTS = "all => all.map(one => one.textContent)"

_PIECES = st.sampled_from(
    ["رئيس", "ها", "وبال", "تونس", "مُحَمَّد", "NATO", "F-16", "Inc.", "5,000", "٣٫٥", " ", "  ", "،", "(", ")", "🚀", "\n",
     "\r\n", "\u2028", "\u200f", "\u202b", "\u202c", "ـ", "\u200d", "\u200c", "é", "x", "<", "&", "𞸀"]
)  # fmt: skip


@st.composite
def marked_texts(draw: st.DrawFn) -> tuple[str, list[tuple[int, int]]]:
    """A text of several scripts and lines, and any spans: inside words, nested, crossing, over lines."""
    text = "".join(draw(st.lists(_PIECES, min_size=1, max_size=14)))
    place = st.integers(0, len(text))
    drawn = draw(st.lists(st.tuples(place, place), max_size=5))
    return text, sorted({(min(span), max(span)) for span in drawn if span[0] != span[1]})


_MARKED = """
([text, spans]) => {
  const units = [...text];
  const at = (place) => units.slice(0, place).join("").length;
  const marks = spans.map(([start, end], index) => ({
    start: at(start), end: at(end), key: `e${index}`, classes: ["entity"], hue: 10, label: "X", description: "",
  }));
  const lines = markedLines(text, marks);
  const before = (line, node, atEnd) => {
    const range = new Range();
    range.setStart(line, 0);
    if (atEnd) range.setEndAfter(node); else range.setEndBefore(node);
    return [...range.toString()].length;
  };
  return {
    lines: lines.map((line) => line.textContent),
    spans: spans.map((_, index) => lines.flatMap((line) =>
      [...line.querySelectorAll(`[data-key="e${index}"]`)].map((piece) => piece.textContent)).join("")),
    focusable: lines.flatMap((line) => [...line.querySelectorAll("[role]")]).length,
    labels: lines.flatMap((line) => [...line.querySelectorAll(".label")]).length,
    gaps: lines.map((line) => [...line.querySelectorAll("bdi, .label")].flatMap((node) =>
      node.matches("bdi[dir=ltr]:not(.mark)") ? [] : [before(line, node, false), before(line, node, true)])),
  };
}
"""


def is_word_character(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN" or character in "_\u200c\u200d"


@given(marked_texts())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_marking_keeps_every_character_and_tears_no_word(
    blank: Page, marked: tuple[str, list[tuple[int, int]]]
) -> None:
    text, spans = marked
    found: dict[str, Any] = blank.evaluate(_MARKED, [text, spans])
    assert found["lines"] == LINE_BREAK.split(text)
    assert found["spans"] == [LINE_BREAK.sub("", text[start:end]) for start, end in spans]
    # one label and one stop of the keyboard each, in whatever lines and pieces it lies
    visible = [span for span in spans if LINE_BREAK.sub("", text[slice(*span)])]
    assert found["labels"] == found["focusable"] == len(visible)
    for line, gaps in zip(found["lines"], found["gaps"], strict=True):
        for gap in gaps:
            inside = 0 < gap < len(line) and is_word_character(line[gap - 1]) and is_word_character(line[gap])
            assert not inside, (line, gap)


@pytest.fixture(scope="module")
def blank(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with opened(browser, tagged_page([]), tmp_path_factory.mktemp("blank")) as page:
        yield page


_WIDTH = """
([text, start, end]) => {
  const host = document.createElement("div");
  host.className = "text";
  host.style.inlineSize = "max-content";
  const mark = { start, end, key: "e0", classes: ["entity"], hue: 10, label: "X", description: "" };
  const width = (marks) => {
    host.replaceChildren(markedLine(text, 0, text.length, marks));
    document.body.append(host);
    let sum = 0;
    for (let walker = document.createTreeWalker(host, NodeFilter.SHOW_TEXT); walker.nextNode(); ) {
      const range = new Range();
      range.selectNodeContents(walker.currentNode);
      sum += range.getBoundingClientRect().width;
    }
    return sum;
  };
  return [width([]), width([mark])];
}
"""


@pytest.mark.parametrize(("start", "end"), [(3, 7), (0, 3), (3, 9), (2, 5)])
def test_letters_stay_joined_where_a_span_begins_or_ends_inside_a_word(blank: Page, start: int, end: int) -> None:
    plain, marked = blank.evaluate(_WIDTH, ["وبالرئيسها", start, end])
    # forms that stand alone are wider
    assert abs(plain - marked) < 0.5


def test_numbers_and_latin_names_stay_where_they_are_read(browser: Browser, tmp_path: Path) -> None:
    text = "اشترت Apple Inc. 5 طائرات 16-F من NATO Response Force."
    entities = (span(text, "Apple Inc.", "ORG"), span(text, "5", "CARDINAL"), span(text, "NATO", "ORG"))
    with opened(browser, tagged_page([Document(text, entities, id="a1")]), tmp_path) as page:
        page.locator(".mark").first.wait_for()
        place = """word => {
          const line = document.querySelector(".line");
          for (let walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT); walker.nextNode(); ) {
            const at = walker.currentNode.data.indexOf(word);
            if (at < 0) continue;
            const range = new Range();
            range.setStart(walker.currentNode, at);
            range.setEnd(walker.currentNode, at + word.length);
            return range.getBoundingClientRect().left;
          }
        }"""
        order = ["اشترت", "Apple", "5", "طائرات", "16", "من"]
        lefts = [page.evaluate(place, word) for word in order]
        assert lefts == sorted(lefts, reverse=True)
        for first, second in (
            ("Apple", "Inc"),
            ("Inc", "."),
            ("16", "-F"),
            ("NATO", "Response"),
            ("Response", "Force"),
        ):
            assert page.evaluate(place, first) < page.evaluate(place, second)


_CONTRASTS = """
() => {
  const context = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
  const luminance = (colour) => {
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (colour !== "rgba(0, 0, 0, 0)") return luminance(colour);
    }
  };
  const contrast = (node) => {
    const [one, other] = [luminance(getComputedStyle(node).color), behind(node)];
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  };
  const names = [".mark", ".label", ".type", ".chip", ".badge", ".status", ".hint", "summary", "thead th", "caption"];
  const least = (name) => Math.min(...[...document.querySelectorAll(name)].map(contrast));
  return Object.fromEntries(names.map((name) => [name, least(name)]));
}
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_hue_can_be_read_in_both_themes(browser: Browser, tmp_path: Path, theme: str) -> None:
    text = " ".join(["كلمة"] * 240)
    spans = [(5 * place, 5 * place + 4) for place in range(240)]
    entities = tuple(Entity(start, end, f"T{start}", "كلمة") for start, end in spans[:80])
    asserted = [Event(start, end, f"T{start}", "كلمة") for start, end in spans[80:160]]
    planned = [
        Event(start, end, f"T{start}", "كلمة", 1.0, "Planned", (Argument("Actor", entities[0]),))
        for start, end in spans[160:]
    ]
    document = Document(text, entities, (*asserted, *planned), "a1")
    with opened(browser, tagged_page([document]), tmp_path, color_scheme=theme) as page:
        page.locator(".mark.unreal").first.hover()
        hues = page.evaluate(
            "new Set([...document.querySelectorAll('.mark')].map(m => m.style.getPropertyValue('--hue'))).size"
        )
        assert hues > 120
        least = page.evaluate(_CONTRASTS)
        assert min(least.values()) >= 4.5, least
        page.locator("#theme").click()
        page.locator("#theme").click()
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(25, 24, 23)"


def test_a_narrow_screen_needs_no_sideways_scrolling(browser: Browser, tmp_path: Path) -> None:
    html = tagged_page([visit(), visit("a2", "Hypothetical", "COOPERATE")])
    with opened(browser, html, tmp_path, viewport={"width": 320, "height": 600}) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        assert page.locator("thead").first.evaluate("head => head.getBoundingClientRect().width") <= 1
        before = page.locator("tbody td").first.evaluate("cell => getComputedStyle(cell, '::before').content")
        assert before == '"الحدث"'


def test_a_print_has_every_article_and_no_controls(browser: Browser, tmp_path: Path) -> None:
    documents = [visit(f"a{number}") for number in range(40)]
    with opened(browser, tagged_page(documents), tmp_path, color_scheme="dark") as page:
        assert page.pdf(format="A4").startswith(b"%PDF")
        assert page.locator("article:has(.mark)").count() == 40
        page.emulate_media(media="print", color_scheme="dark")
        assert page.locator(".bar").is_hidden()
        assert page.locator(".panel").is_hidden()
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_a_page_works_inside_a_sandbox(browser: Browser, tmp_path: Path) -> None:
    """As MLflow and notebooks show it: no storage, no address of its own."""
    quoted = tagged_page([visit(), visit("a2", "Planned")]).replace("&", "&amp;").replace('"', "&quot;")
    outer = f'<!doctype html><iframe sandbox="allow-scripts" width="900" height="700" srcdoc="{quoted}"></iframe>'
    with opened(browser, outer, tmp_path) as page:
        frame = page.frame_locator("iframe")
        frame.locator("#theme").click()
        frame.get_by_label("Planned", exact=False).first.check()
        frame.locator(".mark.event:visible").last.hover()
        assert frame.locator("article:visible h2").all_inner_texts() == ["a2"]
        assert frame.locator(".badge").count() == 3
