"""What a model gets wrong about the arguments of the events that it finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hadath.document import Argument, Event
from training.alignment import AlignedDocument, WordRange

WRONG_ROLE = "wrong_role"


@dataclass(frozen=True)
class ArgumentError:
    """An argument that is wrong, of an event whose trigger has the right words and type.

    Attributes:
        error: ``missed``, ``spurious``, ``wrong_role`` (the same entity) or ``wrong_span`` (the same role, an entity of
            overlapping words).
        gold_event: The annotated event.
        predicted_event: The predicted one.
        gold: The annotated argument; None where the predicted one is spurious.
        predicted: The predicted argument; None where the annotated one is missed.
    """

    error: str
    gold_event: Event
    predicted_event: Event
    gold: Argument | None
    predicted: Argument | None


def argument_errors(document: AlignedDocument) -> list[ArgumentError]:
    """Lists the wrong arguments of right triggers; each argument is in at most one error.

    The arguments of a trigger that is missed, spurious or of a wrong type are left out: their error is the trigger's.

    Args:
        document: A text as annotated and as tagged.

    Returns:
        The errors, in the order of the triggers, what is annotated before what is spurious.

    Example:
        >>> from hadath.document import Argument, Document, Entity, Event
        >>> from hadath.schema import Schema
        >>> from training.alignment import align
        >>> text, envoy = "وصل المبعوث", Entity(4, 11, "OCC", "المبعوث")
        >>> gold = Document(text, (envoy,), (Event(0, 3, "CONSULT", "وصل", arguments=(Argument("Actor", envoy),)),))
        >>> found = Document(text, (envoy,), (Event(0, 3, "CONSULT", "وصل"),))
        >>> schema = Schema(("OCC",), ("CONSULT",), {"CONSULT": {"Actor": ("OCC",)}})
        >>> [error.error for error in argument_errors(align([gold], [found], schema)[0])]
        ['missed']
    """
    answers = document.predicted_spans["events"].tagged
    gold_words = document.gold_spans["entities"].located
    predicted_words = document.predicted_spans["entities"].located
    errors = []
    for words, trigger in document.gold_spans["events"].tagged.items():
        answer = answers.get(words)
        if isinstance(trigger, Event) and isinstance(answer, Event) and trigger.type == answer.type:
            compared = _compared(_located(trigger, gold_words), _located(answer, predicted_words))
            errors += [ArgumentError(error, trigger, answer, gold, found) for error, gold, found in compared]
    return errors


_Located = list[tuple[Argument, WordRange | None]]


def _located(event: Event, words: Mapping[tuple[int, int, str], WordRange]) -> _Located:
    """Arguments with the words of their entities, None where tags of words cannot express one."""
    entities = ((argument, argument.entity) for argument in event.arguments)
    return [(argument, words.get((entity.start, entity.end, entity.type))) for argument, entity in entities]


def _compared(gold: _Located, predicted: _Located) -> Iterator[tuple[str, Argument | None, Argument | None]]:
    """The errors of one event; an argument is right if its role and its entity's words are."""
    open_gold, open_predicted = list(gold), list(predicted)
    for error in (None, WRONG_ROLE, "wrong_span"):
        for one in list(open_gold):
            answer = next((other for other in open_predicted if _answers(one, other, error)), None)
            if answer is not None:
                open_gold.remove(one)
                open_predicted.remove(answer)
                if error is not None:
                    yield error, one[0], answer[0]
    yield from (("missed", argument, None) for argument, _ in open_gold)
    yield from (("spurious", None, argument) for argument, _ in open_predicted)


def _answers(
    gold: tuple[Argument, WordRange | None], predicted: tuple[Argument, WordRange | None], error: str | None
) -> bool:
    (one, words), (other, found) = gold, predicted
    if words is None or found is None:
        return False
    if error is None:
        return one.role == other.role and words == found
    if error == WRONG_ROLE:
        return words == found
    return one.role == other.role and words[0] < found[1] and found[0] < words[1]
