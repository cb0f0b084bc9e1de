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
_ROLE = re.compile(r"^(?P<name>[^\s:*?+{}]+)(?P<count>[*?+]|\{[\d,-]+\})?$")


@dataclass(frozen=True)
class Schema:
    """What a corpus annotates and a model predicts.

    Attributes:
        entity_types: Names of the entity types, in the order of the label ids.
        event_types: Names of the event types, in the order of the label ids.
        roles: For each event type, its roles, and for each role the entity types allowed to fill it.
        modalities: Modality values, the unmarked default first; empty where the corpus marks none.

    Example:
        >>> schema = Schema.from_brat("[entities]\\nPER\\n[events]\\nMEET\\tWho*:PER\\n[relations]\\n[attributes]\\n")
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
                entity_types=tuple(values["entity_types"]),
                event_types=tuple(values["event_types"]),
                roles={
                    event_type: {role: tuple(allowed) for role, allowed in roles.items()}
                    for event_type, roles in values["roles"].items()
                },
                modalities=tuple(values["modalities"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise SchemaError(f"not a schema: {error!r}; expected the form that Schema.to_dict writes") from error

    @classmethod
    def from_brat(cls, text: str, source: str = "annotation.conf") -> Schema:
        """Reads a brat annotation configuration.

        Macros (``<NAME>=A|B``) are expanded. An attribute called ``Modality`` gives the modality values, with
        ``Asserted`` before them as the unmarked default.

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


class _BratConfiguration:
    def __init__(self, source: str) -> None:
        self.source = source
        self.problems: list[str] = []
        self.macros: dict[str, str] = {}
        self.entity_types: list[str] = []
        self.events: dict[str, dict[str, tuple[str, ...]]] = {}
        self.role_lines: list[tuple[int, str, str, tuple[str, ...]]] = []
        self.modalities: tuple[str, ...] = ()

    def read(self, text: str) -> Schema:
        section = None
        for number, raw in enumerate(text.splitlines(), start=1):
            line = raw.split("#", 1)[0].strip()
            if not line:
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
                self.entity_types.append(line.lstrip("-! ").split()[0])
            elif section == "events":
                self._read_event(number, line)
            elif section == "attributes":
                self._read_attribute(number, line)
        known = set(self.entity_types)
        for number, event_type, role, allowed in self.role_lines:
            unknown = [name for name in allowed if name not in known]
            if unknown:
                self._problem(
                    number, f"role {role} of {event_type} allows {', '.join(unknown)}, which [entities] does not name"
                )
        if not self.entity_types and not self.events:
            self._problem(1, "names neither entity nor event types; expected [entities] and [events]")
        if self.problems:
            raise SchemaError("\n".join(self.problems))
        return Schema(tuple(self.entity_types), tuple(self.events), self.events, self.modalities)

    def _read_event(self, number: int, line: str) -> None:
        name, _, rest = line.lstrip("-! ").partition("\t")
        if not rest:
            name, _, rest = line.lstrip("-! ").partition(" ")
        name = name.strip()
        if name in self.events:
            self._problem(number, f"event type {name} is named twice")
        self.events[name] = {}
        for part in filter(None, (part.strip() for part in rest.split(","))):
            role, colon, allowed = part.partition(":")
            match = _ROLE.match(role.strip())
            if not colon or not match:
                self._problem(number, f"{part!r} is no role; expected NAME*:TYPE|TYPE")
                continue
            types = tuple(self._expand(number, allowed.strip()).split("|"))
            if types == ("<ANY>",):
                types = tuple(self.entity_types)
            self.events[name][match["name"]] = types
            self.role_lines.append((number, name, match["name"], types))

    def _read_attribute(self, number: int, line: str) -> None:
        name, *rest = re.split(r"[\t ]+", line, maxsplit=1)
        if name != "Modality":
            return
        values = re.search(r"Value:(\S+)", rest[0] if rest else "")
        if not values:
            self._problem(number, "Modality has no values; expected Modality\tArg:<EVENT>, Value:A|B")
            return
        marked = tuple(value for value in values[1].split("|") if value != DEFAULT_MODALITY)
        self.modalities = (DEFAULT_MODALITY, *marked)

    def _expand(self, number: int, types: str) -> str:
        def replacement(match: re.Match[str]) -> str:
            name = match[1]
            if name in ("ANY", "ENTITY"):
                return "<ANY>"
            if name not in self.macros:
                self._problem(number, f"macro <{name}> is not defined above")
                return ""
            return self.macros[name]

        return re.sub(r"<([^>]+)>", replacement, types)

    def _problem(self, number: int, what: str) -> None:
        self.problems.append(f"{self.source}:{number}: {what}")
