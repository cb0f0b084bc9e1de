"""``hadath serve``: the tagger as an HTTP service."""

from __future__ import annotations

import argparse
import re
from typing import Any

from hadath.commands.options import add_model
from hadath.errors import InputError
from hadath.machine import cores
from hadath.model_directory import find
from hadath.serve.limits import Limits

# what the numbers of bytes and characters may end in
_MULTIPLES = {"": 1, "k": 1_000, "m": 1_000_000}

_EXAMPLES = """\
examples:
  hadath serve                                  http://127.0.0.1:8000/, a page to try it, and the paths below
  curl http://127.0.0.1:8000/tag -H 'Content-Type: application/json' -d '{"text": "زار الوزير تونس أمس."}'
  hadath serve --host 0.0.0.0 --workers 4       a machine with many cores, behind a proxy that lets in whom it may

paths: POST /tag (documents), POST /records (event records), POST /html (a page), GET /health, GET /openapi.json.
Articles of requests that come at the same time are tagged together. Who asks for too much is told so: 413 and 422
for what is too large, 408 for what comes too slowly, 503 with Retry-After where too much is waiting; every problem
has the form of RFC 9457. There is no authentication. On SIGTERM or Ctrl-C what is in progress is ended first.

exit status: 0 stopped by SIGTERM or Ctrl-C; 2 not started, the reason on standard error
"""


def add_parser(subparsers: Any) -> None:
    """Adds the command."""
    default = Limits()
    parser = subparsers.add_parser(
        "serve",
        help="answer over HTTP",
        description="Serves the tagger over HTTP, with a page to try it.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_model(parser)
    where = parser.add_argument_group("address")
    where.add_argument(
        "--host", default="127.0.0.1", metavar="HOST", help="address to listen on (default: %(default)s)"
    )
    where.add_argument(
        "--port", type=_port, default=8000, metavar="PORT", help="0 for any that is free (default: %(default)s)"
    )
    limits = parser.add_argument_group("limits")
    limits.add_argument(
        "--max-body",
        type=_amount,
        default=default.max_body,
        metavar="BYTES",
        help="of a request, such as 500k (default: %(default)s)",
    )
    limits.add_argument(
        "--max-chars",
        type=_amount,
        default=default.max_characters,
        metavar="N",
        help="characters of an article (default: %(default)s)",
    )
    limits.add_argument(
        "--max-articles",
        type=_amount,
        default=default.max_articles,
        metavar="N",
        help="articles of a request (default: %(default)s)",
    )
    limits.add_argument(
        "--max-requests",
        type=_amount,
        default=default.max_requests,
        metavar="N",
        help="requests at once (default: %(default)s)",
    )
    limits.add_argument(
        "--max-waiting",
        type=_amount,
        default=default.max_waiting,
        metavar="N",
        help="characters of articles that wait to be tagged (default: %(default)s)",
    )
    limits.add_argument(
        "--body-timeout",
        type=_seconds,
        default=default.body_seconds,
        metavar="S",
        help="seconds for a client to send its request (default: %(default)g)",
    )
    limits.add_argument(
        "--shutdown-timeout",
        type=_amount,
        default=default.shutdown_seconds,
        metavar="S",
        help="seconds for what is in progress to end on SIGTERM (default: %(default)s)",
    )
    speed = parser.add_argument_group("speed")
    speed.add_argument(
        "--workers",
        type=_amount,
        default=1,
        metavar="N",
        help="processes, each with a model of its own and its share of the cores (default: 1)",
    )
    speed.add_argument(
        "--threads", type=_amount, metavar="N", help="cores that each process uses (default: its share of all)"
    )
    parser.add_argument("--quiet", action="store_true", help="no log line for a request unless the service failed")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serves until it is told to stop."""
    model = find(options.model)
    try:
        from hadath.serve.server import Settings, serve
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("fastapi", "pydantic", "starlette", "uvicorn", "h11"):
            raise
        raise InputError(f"hadath serve needs {error.name}; install it with: pip install 'hadath[serve]'") from None
    serve(
        Settings(
            model=model,
            host=options.host,
            port=options.port,
            workers=options.workers,
            threads=options.threads or max(1, cores() // options.workers),
            quiet=options.quiet,
            limits=Limits(
                max_body=options.max_body,
                max_characters=options.max_chars,
                max_articles=options.max_articles,
                max_requests=options.max_requests,
                max_waiting=options.max_waiting,
                body_seconds=options.body_timeout,
                shutdown_seconds=options.shutdown_timeout,
            ),
        )
    )
    return 0


def _amount(value: str) -> int:
    match = re.fullmatch(r"(\d+)([kM]?)", value, re.ASCII)
    amount = int(match[1]) * _MULTIPLES[match[2].lower()] if match else 0
    if amount < 1:
        raise argparse.ArgumentTypeError(f"{value!r} is no number above 0, such as 500, 500k or 2M")
    return amount


def _seconds(value: str) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?", value, re.ASCII) or not float(value):
        raise argparse.ArgumentTypeError(f"{value!r} is no number of seconds above 0")
    return float(value)


def _port(value: str) -> int:
    if not re.fullmatch(r"\d{1,5}", value, re.ASCII) or int(value) > 65_535:
        raise argparse.ArgumentTypeError(f"{value!r} is no port; expected 0 to 65535")
    return int(value)
