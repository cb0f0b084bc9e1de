"""A page that is one file: style, script and data inside, nothing fetched, and no text of an article ever executed."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from hadath.html.wording import DIRECTIONS, WORDING
from hadath.version import __version__

PARTS = ("marks.js", "spans.js", "inspector.js", "page.js")
"""Scripts that every page needs, in their order."""

# what could end the script element, or be taken for markup or a line's end by anything that reads the page
_UNSAFE = re.compile("[<>&\u2028\u2029\x7f\ufeff\ufffe\uffff\ud800-\udfff]")


def part(name: str, package: str = "hadath.html") -> str:
    """Returns a style sheet, script or template that lies in a package."""
    return files(package).joinpath(name).read_text(encoding="utf-8")


def page(data: dict[str, Any], title: str, language: str, script: str, styles: Sequence[str] = ()) -> str:
    """Puts a page together.

    Its content security policy lets only its own script run and forbids every connection, so that not even a mistake
    in the script would make an article's text do anything.

    Args:
        data: What the script shows, plain JSON values; ``title`` is added, and the wording, under ``words``,
            beside what stands there.
        title: The page's title.
        language: Language of the labels, one of ``WORDING``.
        script: The script that shows the data, after those in ``PARTS``.
        styles: Style sheets after the shared one.

    Returns:
        The HTML, valid Unicode whatever the data hold.

    Raises:
        ValueError: If there is no wording in the language.
    """
    if language not in WORDING:
        raise ValueError(f"language {language!r}: expected {' or '.join(WORDING)}")
    words = WORDING[language]
    style = "\n".join([part("page.css"), *styles])
    scripts = "\n".join(['"use strict";', *map(part, PARTS), script])
    policy = (
        f"default-src 'none'; style-src {_source(style)}; script-src {_source(scripts)}; "
        "base-uri 'none'; form-action 'none'"
    )
    return Template(part("page.html")).substitute(
        language=language,
        direction=DIRECTIONS[language],
        policy=policy,
        version=__version__,
        title=escape(_UNSAFE_SURROGATES.sub("\ufffd", title)),
        style=style,
        noscript=escape(words["noscript"]),
        data=embedded({**data, "title": title, "words": {**words, **data.get("words", {})}}),
        script=scripts,
    )


_UNSAFE_SURROGATES = re.compile("[\ud800-\udfff]")


def embedded(value: Any) -> str:
    r"""Returns a value as JSON that can stand inside a script element.

    Example:
        >>> embedded("</script>")
        '"\\u003c/script\\u003e"'
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _source(content: str) -> str:
    digest = base64.b64encode(hashlib.sha256(content.encode("utf-8")).digest()).decode("ascii")
    return f"'sha256-{digest}'"
