"""The command ``hadath``: tag texts, tabulate events, look into a model."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from hadath.commands import html, info, records, serve, tag
from hadath.errors import HadathError
from hadath.terminal import say
from hadath.version import __version__

COMMANDS = (tag, records, html, serve, info)
"""Modules with ``add_parser(subparsers)``, which sets the default ``run``: parsed arguments in, exit status out."""

FAILED = 2
INTERRUPTED = 130
BROKEN_PIPE = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: What stands behind ``hadath``; by default the arguments of the process.

    Returns:
        The exit status: 0 done; 1 done but for rejected records, with ``--strict``; 2 not done, the reason on
        standard error; 130 interrupted by the user; 141 the reader of standard output went away.
    """
    for stream, errors in ((sys.stdout, "strict"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors)
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
        sys.stdout.flush()
        return status
    except HadathError as error:
        say(str(error))
        return FAILED
    except KeyboardInterrupt:
        say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # so that Python does not complain when it closes standard output at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        say(f"{where}{error.strerror or error}")
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hadath",
        description="Arabic event tagger: who did what to whom, where and when, with exact character offsets.",
    )
    parser.add_argument("--version", action="version", version=f"hadath {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_parser(subparsers)
    return parser
