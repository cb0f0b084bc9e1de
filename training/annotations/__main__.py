"""The commands on annotations: ``python -m training.annotations COMMAND key=value …``."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass

PROGRAM = "python -m training.annotations"

EXIT_USAGE = 2


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        module: The module whose ``main``, made by ``training.script.script``, runs it; loaded when it is asked for.
        purpose: What it does, in a line.
    """

    module: str
    purpose: str


COMMANDS = {
    "import": Command("training.annotations.importing", "annotations of another tool or format become a corpus"),
    "export": Command("training.annotations.exporting", "a corpus in the form of another tool or format"),
    "suggest": Command(
        "training.annotations.suggesting", "raw articles most worth annotating, annotated beforehand by a model"
    ),
    "check": Command("training.annotations.checking", "everything wrong or doubtful in a corpus"),
    "split": Command("training.annotations.splitting", "articles divided into train, dev and test, by story"),
    "agree": Command(
        "training.annotations.agreement", "how far two annotators of the same articles agree, and where not"
    ),
}


def usage() -> str:
    """Returns what the commands are and how each is called."""
    width = max(map(len, COMMANDS))
    listed = "\n".join(f"  {name:<{width}}  {command.purpose}" for name, command in COMMANDS.items())
    return (
        f"usage: {PROGRAM} COMMAND key=value …\n\n{listed}\n\n"
        f"{PROGRAM} COMMAND --help shows the settings of a command; configs/annotations_COMMAND.yaml explains each."
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command that the first argument names; returns the exit status.

    Args:
        arguments: The command and its settings; by default those of the command line.
    """
    name, *rest = [*(sys.argv[1:] if arguments is None else arguments)] or [""]
    if name in ("-h", "--help"):
        sys.stdout.write(usage() + "\n")
        return 0
    command = COMMANDS.get(name)
    if command is None:
        found = f"{name!r} is no command" if name else "a command is missing"
        sys.stderr.write(f"error: {found}\n{usage()}\n")
        return EXIT_USAGE
    # Hydra reads the command line itself
    sys.argv = [f"{PROGRAM} {name}", *rest]
    importlib.import_module(command.module).main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
