"""Models of different types on one corpus: what differs, and the articles with what all of them know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hadath.document import Document, Event
from hadath.schema import DEFAULT_MODALITY, Schema


def type_differences(schemas: Mapping[str, Schema]) -> list[str]:
    """Tells in which types schemas differ.

    Args:
        schemas: Schemas by the name of what has them.

    Returns:
        A sentence for each type, role or modality that not all have; empty where all have the same.

    Example:
        >>> type_differences({"a": Schema(("PER", "SHIP"), (), {}), "b": Schema(("PER",), (), {})})
        ['entity type SHIP: in a, not in b']
    """
    kinds = {
        "entity type": lambda schema: schema.entity_types,
        "event type": lambda schema: schema.event_types,
        "role": lambda schema: schema.role_names,
        "modality": lambda schema: schema.modalities,
    }
    found = []
    for kind, names_of in kinds.items():
        named = {place: names_of(schema) for place, schema in schemas.items()}
        for name in dict.fromkeys(name for names in named.values() for name in names):
            having = [place for place, names in named.items() if name in names]
            if len(having) < len(named):
                lacking = [place for place in named if place not in having]
                found.append(f"{kind} {name}: in {', '.join(having)}, not in {', '.join(lacking)}")
    return found


def shared_schema(schemas: Sequence[Schema]) -> Schema:
    """Returns the types and roles that all schemas have; modality only where all have the same values.

    Example:
        >>> shared_schema([Schema(("PER", "SHIP"), (), {}), Schema(("GPE", "PER"), (), {})]).entity_types
        ('PER',)
    """
    first, *others = schemas
    entities = tuple(name for name in first.entity_types if all(name in each.entity_types for each in others))
    events = tuple(name for name in first.event_types if all(name in each.event_types for each in others))
    roles = {
        event: {
            role: tuple(name for name in fillers if name in entities)
            for role, fillers in first.roles.get(event, {}).items()
            if all(role in each.roles.get(event, {}) for each in others)
        }
        for event in events
    }
    same = all(set(each.modalities) == set(first.modalities) for each in others)
    return Schema(entities, events, roles, first.modalities if same else ())


def restricted(document: Document, schema: Schema) -> Document:
    """Returns a document with the entities, events and arguments alone whose types a schema has.

    Example:
        >>> from hadath.document import Entity
        >>> document = Document("سبها", (Entity(0, 4, "GPE", "سبها"),))
        >>> restricted(document, Schema(("PER",), (), {})).entities
        ()
    """
    events = tuple(_restricted(event, schema) for event in document.events if event.type in schema.event_types)
    entities = tuple(entity for entity in document.entities if entity.type in schema.entity_types)
    return replace(document, entities=entities, events=events)


def _restricted(event: Event, schema: Schema) -> Event:
    roles = schema.roles.get(event.type, {})
    arguments = tuple(
        argument
        for argument in event.arguments
        if argument.role in roles and argument.entity.type in schema.entity_types
    )
    modality = event.modality if schema.modalities else DEFAULT_MODALITY
    return replace(event, modality=modality, arguments=arguments)
