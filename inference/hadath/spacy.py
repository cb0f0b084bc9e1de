"""hadath in a spaCy pipeline: ``nlp.add_pipe("hadath")`` fills ``doc.ents``, ``doc.spans`` and extensions.

What is stored in a ``Doc`` is plain data, so it goes through ``DocBin``, ``Doc.to_bytes`` and processes. The extensions
read it; where no pipeline is made with hadath, as where a ``DocBin`` is only read, ``import hadath.spacy`` brings them.

* ``doc._.hadath``: the ``hadath.Document``, with exact offsets into ``doc.text`` whatever the tokens.
* ``span._.hadath``: the ``hadath.Entity`` or ``hadath.Event`` that a span of ``doc.ents`` or ``doc.spans`` stands for.
* ``span._.score``, ``span._.modality``, ``span._.arguments``: of that entity or event.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple

from spacy.language import Language
from spacy.pipeline import Pipe
from spacy.tokens import Doc, Span

from hadath.document import Document, Entity, Event
from hadath.errors import ModelError
from hadath.model_directory import ModelConfig, find, load
from hadath.tagger import Tagger

AlignmentMode = Literal["strict", "contract", "expand"]

_KEY = "hadath"
_MODE = "hadath_alignment_mode"


class SpanArgument(NamedTuple):
    """An argument of an event.

    Attributes:
        role: What the entity does there, such as ``Actor``.
        span: The tokens of the entity; None where it is aligned to none.
        entity: The entity, with its exact offsets.
        score: The model's probability, 0 to 1.
    """

    role: str
    span: Span | None
    entity: Entity
    score: float


@Language.factory(
    "hadath",
    assigns=["doc.ents", "doc.spans", "token.ent_iob", "token.ent_type", "doc._.hadath"],
    default_config={
        "model": None,
        "threads": None,
        "min_scores": {},
        "alignment_mode": "expand",
        "spans_key": "events",
    },
)
def make_hadath(
    nlp: Language,
    name: str,
    model: str | None,
    threads: int | None,
    min_scores: dict[str, float],
    alignment_mode: AlignmentMode,
    spans_key: str,
) -> HadathPipe:
    """Makes the component.

    Args:
        nlp: The pipeline.
        name: The component's name in it.
        model: A model directory or the name of an installed model package; by default the one that comes with hadath.
        threads: CPU cores to use; by default all.
        min_scores: For ``entities`` and ``events``, the least score of a span that is reported.
        alignment_mode: What becomes of a span that begins or ends inside a token: ``expand`` takes the whole token,
            ``contract`` leaves it out, ``strict`` drops the span from ``doc.ents`` and ``doc.spans``. In
            ``doc._.hadath`` it is exact with each of them.
        spans_key: Under which key of ``doc.spans`` the triggers of events stand.
    """
    return HadathPipe(name, model, threads, min_scores, alignment_mode, spans_key)


class HadathPipe(Pipe):
    """The component; ``nlp.add_pipe("hadath")`` makes it. The model is loaded when it is first needed.

    Example:
        >>> import spacy
        >>> nlp = spacy.blank("ar")
        >>> component = nlp.add_pipe("hadath", config={"threads": 1})
        >>> doc = nlp("زار وزير الخارجية التونسي بنغازي أمس.")  # doctest: +SKIP
        >>> [(event.text, event.label_, event._.modality) for event in doc.spans["events"]]  # doctest: +SKIP
        [('زار', 'CONSULT', 'Asserted')]
    """

    def __init__(
        self,
        name: str = "hadath",
        model: str | Path | None = None,
        threads: int | None = None,
        min_scores: Mapping[str, float] | None = None,
        alignment_mode: AlignmentMode = "expand",
        spans_key: str = "events",
    ) -> None:
        if alignment_mode not in ("strict", "contract", "expand"):
            raise ValueError(f"alignment_mode is {alignment_mode!r}; expected 'strict', 'contract' or 'expand'")
        self.name = name
        self.alignment_mode = alignment_mode
        self.spans_key = spans_key
        self._model = model
        self._threads = threads
        self._min_scores = dict(min_scores or {})
        self._tagger: Tagger | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        # for another process, which loads the model itself
        settings = (self._model, self._threads, self._min_scores, self.alignment_mode, self.spans_key)
        return HadathPipe, (self.name, *settings)

    @property
    def tagger(self) -> Tagger:
        """The tagger.

        Raises:
            ModelError: If the model is missing, damaged, or of another version.
        """
        if self._tagger is None:
            self._tagger = load(self._model, threads=self._threads, min_scores=self._min_scores)
        return self._tagger

    @property
    def labels(self) -> tuple[str, ...]:
        """The model's entity and event types."""
        try:
            schema = ModelConfig.read(find(self._model)).schema
        except ModelError:
            # spaCy asks while it loads a saved pipeline, before ``from_disk`` has said where the model lies now
            return ()
        return (*schema.entity_types, *schema.event_types)

    def __call__(self, doc: Doc) -> Doc:
        """Tags a Doc."""
        return self._annotated(doc, self.tagger(doc.text))

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 64) -> Iterator[Doc]:
        """Tags a stream of Docs, many at a time.

        Args:
            stream: The Docs.
            batch_size: Number of Docs tagged together.
        """
        docs = iter(stream)
        while batch := list(islice(docs, batch_size)):
            try:
                documents = self.tagger.tag([doc.text for doc in batch])
            except ModelError:
                raise
            except Exception:  # that of one Doc is handed to the pipeline's error handler with it alone
                yield from super().pipe(batch, batch_size=batch_size)
                continue
            for doc, document in zip(batch, documents, strict=True):
                yield self._annotated(doc, document)

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Writes the model into a folder, so that the saved pipeline needs no other."""
        source, folder = find(self._model), Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        if source.resolve() != folder.resolve():
            for file in source.iterdir():
                if file.is_file():
                    shutil.copyfile(file, folder / file.name)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> HadathPipe:
        """Reads the model that ``to_disk`` wrote."""
        self._model = Path(path)
        self._tagger = None
        return self

    def _annotated(self, doc: Doc, document: Document) -> Doc:
        doc.user_data[_KEY] = document.to_dict()
        doc.user_data[_MODE] = self.alignment_mode
        taken: set[int] = set()
        entities = []
        for entity in document.entities:
            span = doc.char_span(entity.start, entity.end, label=entity.type, alignment_mode=self.alignment_mode)
            # two entities may be parts of one token: the first has it
            if span is not None and taken.isdisjoint(range(span.start, span.end)):
                taken.update(range(span.start, span.end))
                entities.append(span)
        others = [span for span in doc.ents if taken.isdisjoint(range(span.start, span.end))]
        doc.set_ents([*entities, *others])
        triggers = (
            doc.char_span(event.start, event.end, label=event.type, alignment_mode=self.alignment_mode)
            for event in document.events
        )
        doc.spans[self.spans_key] = [span for span in triggers if span is not None]
        return doc


def _document(doc: Doc) -> Document | None:
    values = doc.user_data.get(_KEY)
    return None if values is None else Document.from_dict(values)


def _found(span: Span) -> Entity | Event | None:
    """What a span stands for: that with its own characters, or that which is aligned to its tokens."""
    document = _document(span.doc)
    if document is None:
        return None
    everything: tuple[Entity | Event, ...] = (*document.entities, *document.events)
    near = [
        found
        for found in everything
        if found.start < span.end_char and span.start_char < found.end and found.type == span.label_
    ]
    for found in near:
        if (found.start, found.end) == (span.start_char, span.end_char):
            return found
    return next((found for found in near if _aligned(span.doc, found) == (span.start, span.end)), None)


def _aligned(doc: Doc, found: Entity | Event) -> tuple[int, int] | None:
    span = doc.char_span(found.start, found.end, alignment_mode=doc.user_data[_MODE])
    return None if span is None else (span.start, span.end)


def _score(span: Span) -> float | None:
    found = _found(span)
    return None if found is None else found.score


def _modality(span: Span) -> str | None:
    found = _found(span)
    return found.modality if isinstance(found, Event) else None


def _arguments(span: Span) -> tuple[SpanArgument, ...]:
    found = _found(span)
    if not isinstance(found, Event):
        return ()
    mode = span.doc.user_data[_MODE]
    return tuple(
        SpanArgument(
            argument.role,
            span.doc.char_span(
                argument.entity.start, argument.entity.end, label=argument.entity.type, alignment_mode=mode
            ),
            argument.entity,
            argument.score,
        )
        for argument in found.arguments
    )


def _register(holder: type[Doc] | type[Span], name: str, getter: Any) -> None:
    # a second import of this module, as after a reload, finds its own
    own = holder.has_extension(name) and getattr(holder.get_extension(name)[2], "__module__", None) == __name__
    holder.set_extension(name, getter=getter, force=own)


_register(Doc, "hadath", _document)
_register(Span, "hadath", _found)
_register(Span, "score", _score)
_register(Span, "modality", _modality)
_register(Span, "arguments", _arguments)
