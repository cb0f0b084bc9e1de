"""PLOVER's codes: which an event gets once its modality is taken into account, and which of four classes it is in."""

from __future__ import annotations

from collections.abc import Mapping

VERBAL_COOPERATION = "verbal cooperation"
MATERIAL_COOPERATION = "material cooperation"
VERBAL_CONFLICT = "verbal conflict"
MATERIAL_CONFLICT = "material conflict"

QUAD_CLASSES: Mapping[str, str] = {
    **dict.fromkeys(("AGREE", "CONSULT", "SUPPORT", "CONCEDE"), VERBAL_COOPERATION),
    **dict.fromkeys(("COOPERATE", "AID", "RETREAT"), MATERIAL_COOPERATION),
    **dict.fromkeys(("REQUEST", "ACCUSE", "REJECT", "THREATEN"), VERBAL_CONFLICT),
    **dict.fromkeys(("PROTEST", "SANCTION", "MOBILIZE", "COERCE", "ASSAULT"), MATERIAL_CONFLICT),
}
"""The class of each event type; the classes are those of PLOVER and, before it, of CAMEO's quad counts."""

PLANNED = "Planned"

_PLANNED_CODES = {**dict.fromkeys(("CONSULT", "SUPPORT", "COOPERATE", "AID"), "AGREE"), "RETREAT": "CONCEDE"}


def plover_code(type: str, modality: str) -> str:
    """Returns the PLOVER code of an event.

    PLOVER takes a cooperative act that is still to come for the intent to cooperate: a planned CONSULT, SUPPORT,
    COOPERATE or AID is AGREE, a planned RETREAT is CONCEDE. All other events, the negated and hypothetical ones too,
    keep their type; a type that PLOVER does not know is returned as it is.

    Args:
        type: Event type as tagged.
        modality: The event's modality.

    Example:
        >>> plover_code("CONSULT", "Planned"), plover_code("CONSULT", "Negated"), plover_code("ASSAULT", "Planned")
        ('AGREE', 'CONSULT', 'ASSAULT')
    """
    return _PLANNED_CODES.get(type, type) if modality == PLANNED else type


def quad_class(code: str) -> str | None:
    """Returns the class of a PLOVER code: verbal or material, cooperation or conflict; ``None`` for other codes.

    Example:
        >>> quad_class("SANCTION"), quad_class("MARRIAGE")
        ('material conflict', None)
    """
    return QUAD_CLASSES.get(code)
