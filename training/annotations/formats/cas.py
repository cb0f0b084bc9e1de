"""UIMA CAS as XMI, as INCEpTION exports and imports it (https://inception-project.github.io/), by DKPro Cassis.

Entities are of the layer NamedEntity; events are of a span layer of one's own, with features for type and modality and
a link feature (slots) for the arguments. Offsets in the file count UTF-16 units, which Cassis converts.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from hadath.batch.storage import write_whole
from hadath.document import Document
from hadath.errors import HadathError
from hadath.schema import DEFAULT_MODALITY, Schema
from training.annotations.articles import CorpusArticle, Findings, Kind, Link, SourceArticle, Span
from training.annotations.formats import source_files
from training.annotations.formats.tokens import token_sentences

SUFFIXES = (".xmi", ".zip")
TYPE_SYSTEM = "TypeSystem.xml"

_DKPRO = "de.tudarmstadt.ukp.dkpro.core.api"
_METADATA = f"{_DKPRO}.metadata.type.DocumentMetaData"
_FIELD = f"{_DKPRO}.metadata.type.MetaDataStringField"
_SENTENCE = f"{_DKPRO}.segmentation.type.Sentence"
_TOKEN = f"{_DKPRO}.segmentation.type.Token"
_ANNOTATION = "uima.tcas.Annotation"
_STRING = "uima.cas.String"
_SPLIT = "split"


@dataclass
class Options:
    """What can be set; explained in configs/format/cas.yaml."""

    entity_layer: str = f"{_DKPRO}.ner.type.NamedEntity"
    entity_feature: str = "value"
    event_layer: str | None = "webanno.custom.Event"
    event_feature: str = "value"
    modality_feature: str | None = "modality"
    arguments_feature: str | None = "arguments"

    def __post_init__(self) -> None:
        for name in ("entity_layer", "event_layer"):
            layer = getattr(self, name)
            if layer is not None and "." not in layer.strip("."):
                raise ValueError(
                    f"{name} is {layer}; expected the full name of a UIMA type, such as webanno.custom.Event"
                )


def _cassis() -> Any:
    try:
        return import_module("cassis")
    except ModuleNotFoundError as error:
        raise HadathError(f"UIMA CAS needs {error.name}; install it with: pip install 'hadath[annotations]'") from None


def read(source: Path, options: Options, findings: Findings) -> list[SourceArticle]:
    """Reads ``.xmi`` files with the ``TypeSystem.xml`` beside them, or the ``.zip`` files that INCEpTION makes of both.

    Args:
        source: A file, or a folder of them.
        options: Which layers and features hold what.
        findings: Gets what is wrong.

    Returns:
        An article for each CAS.
    """
    cassis = _cassis()
    articles = []
    systems: dict[bytes, Any] = {}
    for path in source_files(source, SUFFIXES):
        for name, content, types in _members(path, findings):
            article = SourceArticle(path, "", place=name)
            if types is None:
                findings.problem(article, f"there is no {TYPE_SYSTEM} beside it; export it from INCEpTION once more")
                continue
            try:
                with warnings.catch_warnings():
                    # Cassis only warns of offsets outside of the text, and keeps them as they are
                    warnings.simplefilter("error")
                    if types not in systems:
                        systems[types] = cassis.load_typesystem(io.BytesIO(types))
                    cas = cassis.load_cas_from_xmi(io.BytesIO(content), systems[types])
                    _take(article, cas, options, findings)
            except _LayerError as error:
                findings.problem(article, str(error))
            except Exception as error:  # Cassis raises whatever a damaged file makes it stumble over
                what = " ".join(f"{type(error).__name__}: {error}".split())
                findings.problem(article, f"is no CAS as XMI that fits its {TYPE_SYSTEM} ({what}); export it once more")
            else:
                articles.append(article)
    return articles


class _LayerError(ValueError):
    """A layer or feature that is not as the options say."""


def _members(path: Path, findings: Findings) -> Iterator[tuple[str, bytes, bytes | None]]:
    """Name, content and type system of each CAS in a file."""
    try:
        if path.suffix.lower() != ".zip":
            beside = path.with_name(TYPE_SYSTEM)
            yield "", path.read_bytes(), beside.read_bytes() if beside.is_file() else None
            return
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            types = next((name for name in names if name.lower().rsplit("/", 1)[-1] == TYPE_SYSTEM.lower()), None)
            found = [name for name in names if name.lower().endswith(".xmi")]
            if not found:
                findings.problem_at(path, 0, "holds no .xmi; expected a document exported as UIMA CAS XMI")
            for name in found:
                yield name, archive.read(name), archive.read(types) if types else None
    except OSError as error:
        findings.problem_at(path, 0, f"cannot be read: {error.strerror}")
    except Exception as error:  # zipfile has no common error for what a damaged archive makes it stumble over
        findings.problem_at(path, 0, f"is no sound .zip archive ({error}); export it once more")


def _take(article: SourceArticle, cas: Any, options: Options, findings: Findings) -> None:
    article.text = cas.sofa_string or ""
    article.id = article.path.stem if not article.place else Path(article.place).stem
    for data in _selected(cas, _METADATA):
        article.id = data.documentId or data.documentTitle or article.id
    for found in _selected(cas, _FIELD):
        if found.key == _SPLIT:
            article.split = found.value
        elif found.key:
            article.metadata[found.key] = found.value or ""
    if not _known(cas, options.entity_layer) and not _known(cas, options.event_layer):
        raise _LayerError(
            f"has neither the layer {options.entity_layer} nor {options.event_layer}; "
            "name those of your project in format.entity_layer and format.event_layer"
        )
    index_of: dict[int, int] = {}
    for annotation in _selected(cas, options.entity_layer):
        _add(article, annotation, options.entity_feature, Kind.ENTITY, index_of, findings)
    events = _selected(cas, options.event_layer)
    for annotation in events:
        index = _add(article, annotation, options.event_feature, Kind.EVENT, index_of, findings)
        modality = _value(annotation, options.modality_feature)
        if modality is not None and index is not None:
            article.modality[index] = str(modality)
    for annotation in events:
        arguments = _value(annotation, options.arguments_feature)
        for link in (arguments.elements if arguments is not None else None) or ():
            _link(article, annotation, link, index_of, findings)


def _known(cas: Any, layer: str | None) -> bool:
    return layer is not None and bool(cas.typesystem.contains_type(layer))


def _selected(cas: Any, layer: str | None) -> list[Any]:
    return list(cas.select(layer)) if _known(cas, layer) else []


def _value(annotation: Any, feature: str | None) -> Any:
    """The value of a feature, which the layer may be without."""
    if feature is None or annotation.type.get_feature(feature) is None:
        return None
    return annotation[feature]


def _add(
    article: SourceArticle, annotation: Any, feature: str, kind: Kind, index_of: dict[int, int], findings: Findings
) -> int | None:
    layer = annotation.type.name
    if annotation.type.get_feature(feature) is None:
        raise _LayerError(
            f"the layer {layer} has no feature {feature!r}; see format.entity_feature, format.event_feature"
        )
    label = annotation[feature]
    if not label:
        findings.note(f"annotations of {layer} without a {feature}, left out")
        return None
    if annotation.begin is None or annotation.end is None:
        raise _LayerError(f"{layer} {annotation.xmiID} has no begin or no end; export it once more")
    index_of[annotation.xmiID] = len(article.spans)
    article.spans.append(Span(annotation.begin, annotation.end, str(label), f"annotation {annotation.xmiID}", kind))
    return index_of[annotation.xmiID]


def _link(article: SourceArticle, event: Any, link: Any, index_of: dict[int, int], findings: Findings) -> None:
    if link.type.get_feature("role") is None or link.type.get_feature("target") is None:
        raise _LayerError(f"the slots of {event.type.name} are {link.type.name}; expected the features role and target")
    if event.xmiID not in index_of or link.target is None or not link.role:
        findings.note("slots without a role, a target or an event type, left out")
    elif link.target.xmiID not in index_of:
        raise _LayerError(f"slot {link.role} of event {event.xmiID} is {link.target.type.name}; expected an entity")
    else:
        head, target = index_of[event.xmiID], index_of[link.target.xmiID]
        article.links.append(Link(str(link.role), head, target, f"slot {link.role} of {event.xmiID}"))


def write(articles: Sequence[CorpusArticle], schema: Schema, to: Path, options: Options, findings: Findings) -> None:
    """Writes a folder with ``NAME.xmi`` for each article and the ``TypeSystem.xml`` of all.

    Args:
        articles: The articles.
        schema: The schema of the corpus.
        to: The folder.
        options: Which layers and features hold what.
        findings: Gets what has no room, and texts that XML cannot hold.
    """
    cassis = _cassis()
    types = _type_system(cassis, options)
    if options.event_layer is None:
        count = sum(len(article.document.events) for article in articles)
        findings.note("events, for which format.event_layer names no layer, left out", count)
    contents = {}
    for article in articles:
        try:
            contents[article.id] = _cas(cassis, types, article, options, findings).to_xmi().encode("utf-8")
        except ValueError as error:  # lxml, of characters that no XML may hold
            path = Path(f"{article.id}.txt")
            findings.problem_at(path, 0, f"cannot be written as XML ({error}); mend its text, or use another format")
    findings.refuse("the export")
    to.mkdir(parents=True, exist_ok=True)
    write_whole(to / TYPE_SYSTEM, lambda stream: stream.write(types.to_xml().encode("utf-8")))
    for name, content in contents.items():
        write_whole(to / f"{name}.xmi", lambda stream, content=content: stream.write(content))


def _type_system(cassis: Any, options: Options) -> Any:
    types = cassis.TypeSystem()

    def add(name: str, features: Sequence[str], supertype: str = _ANNOTATION) -> Any:
        if types.contains_type(name):
            return types.get_type(name)
        made = types.create_type(name, supertypeName=supertype)
        for feature in features:
            types.create_feature(made, feature, _STRING)
        return made

    add(_METADATA, ("documentTitle", "documentId"), "uima.tcas.DocumentAnnotation")
    add(_FIELD, ("key", "value"))
    add(_SENTENCE, ())
    add(_TOKEN, ())
    add(options.entity_layer, (options.entity_feature,))
    if options.event_layer is not None:
        event = add(options.event_layer, [f for f in (options.event_feature, options.modality_feature) if f])
        if options.arguments_feature is not None:
            link = add(f"{options.event_layer}{options.arguments_feature.title()}Link", ("role",), "uima.cas.TOP")
            types.create_feature(link, "target", _ANNOTATION)
            types.create_feature(
                event,
                options.arguments_feature,
                "uima.cas.FSArray",
                elementType=link.name,
                multipleReferencesAllowed=False,
            )
    return types


def _cas(cassis: Any, types: Any, article: CorpusArticle, options: Options, findings: Findings) -> Any:
    document = article.document
    cas = cassis.Cas(types)
    cas.sofa_string = document.text
    cas.sofa_mime = "text/plain"
    length = len(document.text)
    cas.add(types.get_type(_METADATA)(begin=0, end=length, documentTitle=article.id, documentId=article.id))
    for key, value in {**article.metadata, _SPLIT: article.split}.items():
        cas.add(types.get_type(_FIELD)(begin=0, end=length, key=key, value=value))
    for sentence in token_sentences(article):
        cas.add(types.get_type(_SENTENCE)(begin=sentence[0].start, end=sentence[-1].end))
        for token in sentence:
            cas.add(types.get_type(_TOKEN)(begin=token.start, end=token.end))
    _annotate(cas, types, document, options, findings)
    return cas


def _annotate(cas: Any, types: Any, document: Document, options: Options, findings: Findings) -> None:
    made = {}
    for entity in document.entities:
        values = {"begin": entity.start, "end": entity.end, options.entity_feature: entity.type}
        made[entity] = types.get_type(options.entity_layer)(**values)
        cas.add(made[entity])
    if options.event_layer is None:
        return
    for event in document.events:
        values = {"begin": event.start, "end": event.end, options.event_feature: event.type}
        if event.modality != DEFAULT_MODALITY:
            if options.modality_feature is None:
                findings.note("modalities, for which format.modality_feature names no feature, left out")
            else:
                values[options.modality_feature] = event.modality
        if event.arguments and options.arguments_feature is None:
            findings.note(
                "arguments, for which format.arguments_feature names no feature, left out", len(event.arguments)
            )
        elif event.arguments:
            link = types.get_type(f"{options.event_layer}{str(options.arguments_feature).title()}Link")
            slots = [link(role=argument.role, target=made[argument.entity]) for argument in event.arguments]
            values[str(options.arguments_feature)] = types.get_type("uima.cas.FSArray")(elements=slots)
        cas.add(types.get_type(options.event_layer)(**values))
