"""Log lines for people and programs: a time, a level, a word, then ``name=value``; never an article's text."""

from __future__ import annotations

import json
import logging
import re
import sys
import time

_LOGGER = logging.getLogger("hadath.serve")
_PLAIN = re.compile(r"[\w.:/@+*-]+", re.ASCII)


def log(event: str, level: int = logging.INFO, *, exc_info: bool = False, **values: object) -> None:
    """Writes a line.

    Args:
        event: What happened, a word.
        level: How grave it is.
        exc_info: Whether the exception that is being handled stands on the lines after it.
        **values: What is known of it.
    """
    if _LOGGER.isEnabledFor(level):
        _LOGGER.log(level, "%s", line(event, **values), exc_info=exc_info)


def line(event: str, **values: object) -> str:
    r"""Returns what happened with what is known of it; a value that is not plain stands quoted, on one line always.

    Example:
        >>> line("request", path="/tag", status=200, agent='a "b"\n')
        'request path=/tag status=200 agent="a \\"b\\"\\n"'
    """
    return " ".join([event, *(f"{name}={_shown(str(value))}" for name, value in values.items())])


def _shown(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else json.dumps(value)


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        if record.name != _LOGGER.name:
            message = line("server", message=message)
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        head = f"{moment}.{int(record.msecs):03d}Z {record.levelname} {message}"
        return head if not record.exc_info else f"{head}\n{self.formatException(record.exc_info)}"


def configure() -> None:
    """Sends the service's lines, and uvicorn's warnings, to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter())
    for logger, least in ((_LOGGER, logging.INFO), (logging.getLogger("uvicorn"), logging.WARNING)):
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(least)
