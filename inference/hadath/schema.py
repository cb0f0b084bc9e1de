"""The label schema: entity types, event types, roles with their allowed entity types, modality values.

It is read from a brat ``annotation.conf`` at training time and travels inside the model's ``config.json``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hadath.errors import SchemaError

DEFAULT_MODALITY = "Asserted"
"""The modality of an event that carries no mark."""

_SECTIONS = ("entities", "relations", "events", "attributes")
_ANY = "<ANY>"
_NO_NAME = re.compile(r"[:|,*<>]")
_ROLE = re.compile(r"^(?P<name>[^\s:*?+{}]+)(?P<count>[*?+]|\{[\d-]+\})?$")


@dataclass(frozen=True)
class Schema:
    r"""What a corpus annotates and a model predicts.

    Attributes:
        entity_types: Names of the entity types, in the order of the label ids.
        event_types: Names of the event types, in the order of the label ids.
        roles: For each event type, its roles, and for each role the entity types allowed to fill it.
        modalities: Modality values, the unmarked default first; empty where the corpus marks none.

    Example:
        >>> schema = Schema.from_brat("[entities]\nPER\n[events]\nMEET\tWho*:PER\n[relations]\n[attributes]\n")
        >>> schema.event_types, dict(schema.roles["MEET"])
        (('MEET',), {'Who': ('PER',)})
    """

    entity_types: tuple[str, ...]
    event_types: tuple[str, ...]
    roles: Mapping[str, Mapping[str, tuple[str, ...]]]
    modalities: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for kind, types in (("entity", self.entity_types), ("event", self.event_types)):
            twice = sorted({name for name in types if types.count(name) > 1})
            if twice:
                raise SchemaError(f"{kind} types named twice: {', '.join(twice)}; name each type once")
        strangers = sorted(set(self.roles) - set(self.event_types))
        if strangers:
            raise SchemaError(f"roles of {', '.join(strangers)}, which is no event type; expected roles of event types")
        if self.modalities and (
            self.modalities[0] != DEFAULT_MODALITY or len(set(self.modalities)) < len(self.modalities)
        ):
            raise SchemaError(
                f"modalities {', '.join(self.modalities)}: expected {DEFAULT_MODALITY} first, and each value once"
            )
        for event_type, roles in self.roles.items():
            for role, allowed in roles.items():
                unknown = sorted(set(allowed) - set(self.entity_types))
                if unknown:
                    raise SchemaError(
                        f"role {role} of {event_type} allows {', '.join(unknown)}, which is no entity type "
                        f"(expected one of {', '.join(self.entity_types)})"
                    )

    @property
    def role_names(self) -> tuple[str, ...]:
        """All roles of all event types, in the order of their first appearance."""
        return tuple(dict.fromkeys(role for roles in self.roles.values() for role in roles))

    def to_dict(self) -> dict[str, Any]:
        """Returns the schema as plain JSON values, as kept in a model's ``config.json``."""
        return {
            "entity_types": list(self.entity_types),
            "event_types": list(self.event_types),
            "roles": {
                event_type: {role: list(allowed) for role, allowed in roles.items()}
                for event_type, roles in self.roles.items()
            },
            "modalities": list(self.modalities),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Schema:
        """Makes a schema of what ``to_dict`` returned.

        Raises:
            SchemaError: If a field is missing or contradicts another.
        """
        try:
            return cls(
                entity_types=_names(values["entity_types"]),
                event_types=_names(values["event_types"]),
                roles={
                    event_type: {role: _names(allowed) for role, allowed in roles.items()}
                    for event_type, roles in values["roles"].items()
                },
                modalities=_names(values["modalities"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise SchemaError(f"not a schema: {error!r}; expected the form that Schema.to_dict writes") from error

    @classmethod
    def from_brat(cls, text: str, source: str = "annotation.conf") -> Schema:
        """Reads a brat annotation configuration.

        Macros (``<NAME>=A|B``) are expanded. An attribute called ``Modality`` gives the modality values, with
        ``Asserted`` before them as the unmarked default. Types marked ``!``, which brat shows but does not annotate,
        are left out.

        Args:
            text: The content of an ``annotation.conf``.
            source: Its name, for messages.

        Returns:
            The schema.

        Raises:
            SchemaError: With the file and line of everything that does not parse.
        """
        return _BratConfiguration(source).read(text)


def bio_labels(types: Sequence[str]) -> tuple[str, ...]:
    """Returns the BIO tags over some types: ``O``, then all ``B-``, then all ``I-``.

    Example:
        >>> bio_labels(["PER", "GPE"])
        ('O', 'B-PER', 'B-GPE', 'I-PER', 'I-GPE')
    """
    return ("O", *(f"B-{name}" for name in types), *(f"I-{name}" for name in types))


def _names(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list | tuple) or not all(isinstance(name, str) and name for name in values):
        raise TypeError(f"{values!r} is no list of names")
    return tuple(values)


class _BratConfiguration:
    def __init__(self, source: str) -> None:
        self.source = source
        self.problems: list[tuple[int, str]] = []
        self.macros: dict[str, str] = {}
        self.line_of: dict[tuple[str, str], int] = {}
        self.entity_types: list[str] = []
        self.events: dict[str, dict[str, tuple[str, ...]]] = {}
        self.role_lines: list[tuple[int, str, str, str]] = []
        self.modalities: tuple[str, ...] = ()

    def read(self, text: str) -> Schema:
        section = None
        # not splitlines: it would also end a line where no editor does, and the numbers would not be the editor's
        for number, raw in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
            line = raw.split("#", 1)[0].strip()
            if not line.strip("- "):  # empty, or the line that brat draws between types
                continue
            if line.startswith("[") and line.endswith("]"):
                section = line[1:-1]
                if section not in _SECTIONS:
                    self._problem(number, f"unknown section [{section}]; expected {', '.join(_SECTIONS)}")
            elif section is None:
                self._problem(number, f"{line!r} stands before the first section; expected [entities]")
            elif macro := re.match(r"^<([^>]+)>=(.*)$", line):
                self.macros[macro[1]] = self._expand(number, macro[2])
            elif section == "entities":
                self._read_entity(number, line)
            elif section == "events":
                self._read_event(number, line)
            elif section == "attributes":
                self._read_attribute(number, line)
        for number, event_type, role, allowed in self.role_lines:
            self._allow(number, event_type, role, allowed)
        if not self.entity_types and not self.events:
            self._problem(1, "names neither entity nor event types; expected [entities] and [events]")
        if self.problems:
            raise SchemaError("\n".join(f"{self.source}:{number}: {what}" for number, what in sorted(self.problems)))
        return Schema(tuple(self.entity_types), tuple(self.events), self.events, self.modalities)

    def _read_entity(self, number: int, line: str) -> None:
        name, *rest = line.lstrip("- ").split()
        if name.startswith("!"):
            return
        if rest:
            self._problem(number, f"{line!r} is no entity type; expected one name without spaces")
        if self._is_new(number, "entity", name):
            self.entity_types.append(name)

    def _read_event(self, number: int, line: str) -> None:
        name, _, rest = re.sub(r"\s+", " ", line.lstrip("- ")).partition(" ")
        if name.startswith("!") or not self._is_new(number, "event", name):
            return
        self.events[name] = {}
        for part in filter(None, (part.strip() for part in rest.split(","))):
            role, _, allowed = part.partition(":")
            match = _ROLE.match(role.strip())
            if not match or not allowed.strip(" |"):
                self._problem(number, f"{part!r} is no role of {name}; expected NAME*:TYPE|TYPE")
            elif match["name"] in self.events[name]:
                self._problem(number, f"role {match['name']} of {name} is named twice; join its types with |")
            else:
                self.events[name][match["name"]] = ()
                self.role_lines.append((number, name, match["name"], self._expand(number, allowed)))

    def _allow(self, number: int, event_type: str, role: str, allowed: str) -> None:
        """Notes the entity types of a role, known only when all sections are read."""
        names = [name.strip() for name in allowed.split("|")]
        if _ANY in names:
            names = self.entity_types
        unknown = [name for name in names if name and name not in self.entity_types]
        if unknown:
            self._problem(
                number, f"role {role} of {event_type} allows {', '.join(unknown)}, which [entities] does not name"
            )
        self.events[event_type][role] = tuple(dict.fromkeys(filter(None, names)))

    def _is_new(self, number: int, kind: str, name: str) -> bool:
        if _NO_NAME.search(name):
            self._problem(number, f"{name!r} is no name of an {kind} type; expected one without any of : | , * < >")
            return False
        first = self.line_of.setdefault((kind, name), number)
        if first != number:
            self._problem(number, f"{kind} type {name} is named in line {first} already; name each type once")
        return first == number

    def _read_attribute(self, number: int, line: str) -> None:
        name, *rest = re.split(r"[\t ]+", line, maxsplit=1)
        if name != "Modality":
            return
        values = re.search(r"Value:([^,]*)", rest[0] if rest else "")
        marked = [value.strip() for value in values[1].split("|")] if values else []
        if not marked or not all(marked):
            self._problem(number, "Modality has no values; expected Modality<tab>Arg:<EVENT>, Value:A|B")
        elif self.modalities:
            self._problem(number, "Modality is named twice; expected all its values in one line")
        else:
            self.modalities = tuple(dict.fromkeys([DEFAULT_MODALITY, *marked]))

    def _expand(self, number: int, types: str) -> str:
        def replacement(match: re.Match[str]) -> str:
            name = match[1]
            if name in ("ANY", "ENTITY"):
                return _ANY
            if name == "EVENT":
                self._problem(number, "<EVENT> fills a role; expected entity types: events of events are not read")
                return ""
            if name not in self.macros:
                self._problem(number, f"macro <{name}> is not defined above; expected a line <{name}>=TYPE|TYPE")
                return ""
            return self.macros[name]

        return re.sub(r"<([^>]+)>", replacement, types)

    def _problem(self, number: int, what: str) -> None:
        self.problems.append((number, what))
