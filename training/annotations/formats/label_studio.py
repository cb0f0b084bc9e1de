"""Label Studio: the JSON that a project of text labelling exports (https://labelstud.io/guide/task_format).

Entities and triggers are regions of ``labels``, arguments are relations, modality is a choice per region. Since 1.4
the offsets count code points, before they counted UTF-16 units, and a line break of two characters may count as one:
each region's ``text`` tells which it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from hadath.batch.storage import write_whole
from hadath.document import Document, Entity, Event
from hadath.schema import DEFAULT_MODALITY, Schema
from training.annotations.articles import CorpusArticle, Findings, Kind, Link, SourceArticle, Span
from training.annotations.formats import no_folder, source_files
from training.annotations.formats.json_records import Fields, RecordError, json_document, metadata_of
from training.annotations.formats.offsets import code_points, occurrences, unit_offsets

_OWN = frozenset({"id", "text", "split"})
_RESULTS = ("annotations", "predictions")
_COUNTS = {"codepoints": (False,), "utf16": (True,), "auto": (False, True)}
_KINDS = {"entities": Kind.ENTITY, "events": Kind.EVENT}
_BREAKS = str.maketrans({"\n": "\\n", "\r": "\\n"})
_SPACES = str.maketrans("\r\n", "  ")


@dataclass
class Options:
    """What can be set; explained in configs/format/label_studio.yaml."""

    text_field: str = "text"
    results: str = "annotations"
    offsets: str = "auto"
    model_version: str | None = None

    def __post_init__(self) -> None:
        if self.results not in _RESULTS:
            raise ValueError(f"results is {self.results}; expected one of {', '.join(_RESULTS)}")
        if self.offsets not in _COUNTS:
            raise ValueError(f"offsets is {self.offsets}; expected one of {', '.join(_COUNTS)}")


def read(source: Path, options: Options, findings: Findings) -> list[SourceArticle]:
    """Reads an export, or all exports in a folder.

    Args:
        source: The file or folder.
        options: Where the text is and whose annotations count.
        findings: Gets what is wrong.

    Returns:
        An article for each annotated task.
    """
    articles = []
    for path in source_files(source, (".json",)):
        before = len(findings.problems)
        tasks = json_document(path, findings)
        if len(findings.problems) > before:
            continue
        if not isinstance(tasks, list) or not tasks:
            findings.problem_at(path, 0, "is no list of tasks; expected Label Studio's export as JSON (not JSON-MIN)")
            continue
        for number, task in enumerate(tasks, start=1):
            article = _Task(path, number, task, options, findings).article()
            if article is not None:
                articles.append(article)
    return articles


@dataclass(frozen=True)
class _Region:
    id: str
    start: int
    end: int
    shown: str | None
    labels: Sequence[str]
    kind: Kind | None


class _Task:
    """A task of an export, on its way to an article."""

    def __init__(self, path: Path, number: int, task: Any, options: Options, findings: Findings) -> None:
        self.source = SourceArticle(path, "", place=f"task {number}")
        self.task = task
        self.options = options
        self.findings = findings

    def article(self) -> SourceArticle | None:
        try:
            task = Fields(self.task, "the task")
            identifier = task.values.get("id")
            if isinstance(identifier, int):
                self.source.place = f"task {identifier}"
            results = self._results(task)
            data = Fields(task.values.get("data"), "'data'")
            self.source.text = data.text(self.options.text_field)
            name = data.values.get("id", identifier)
            if name is not None:
                self.source.id = name if isinstance(name, str) else f"task-{name}"
            self.source.split = data.optional_text("split")
            self.source.metadata = metadata_of(data.values, {*_OWN, self.options.text_field}, self.findings)
            if results is None:
                return None
            self._take(results)
        except RecordError as error:
            self.findings.problem(self.source, str(error))
            return None
        return self.source

    def _results(self, task: Fields) -> list[Any] | None:
        """The results that count: of the ground truth, or of the one annotation that was not skipped."""
        if "annotations" not in task.values and "completions" not in task.values and "predictions" not in task.values:
            raise RecordError("has no 'annotations'; expected Label Studio's export as JSON (not JSON-MIN or CSV)")
        done = [Fields(each, "an annotation") for each in task.list(self.options.results)]
        done = [each for each in done if not each.values.get("was_cancelled")]
        chosen = [each for each in done if each.values.get("ground_truth")] or done
        if not chosen:
            self.findings.note(f"tasks without {self.options.results}, left out")
            return None
        if len(chosen) > 1:
            who = ", ".join(str(each.values.get("id")) for each in chosen)
            raise RecordError(
                f"has {len(chosen)} {self.options.results} ({who}); mark one as ground truth, export again"
            )
        return chosen[0].list("result")

    def _take(self, results: Sequence[Any]) -> None:
        items = [Fields(each, f"result {number}") for number, each in enumerate(results, start=1)]
        regions: dict[str, _Region] = {}
        for item in items:
            kind = item.values.get("type")
            if kind == "labels":
                region = self._region(item)
                same = regions.get(region.id, region)
                if (same.start, same.end) != (region.start, region.end):
                    raise RecordError(f"{item.where} has the id {region.id!r} of another region; expected one each")
                # two controls that label one region give two results of one id
                regions[region.id if same is region else f"{region.id} ({len(regions)})"] = region
            elif kind not in ("relation", "choices"):
                self.findings.note(f"results of type {kind}, left out")
        places = self._places(list(regions.values()))
        first: dict[str, int] = {}
        for (name, region), place in zip(regions.items(), places, strict=True):
            if not region.labels:
                self.findings.note("regions without a label, left out")
            for label in region.labels:
                if place is not None:
                    first.setdefault(name, len(self.source.spans))
                    self.source.spans.append(Span(*place, label, f"region {region.id}", region.kind))
        if None in places:
            return
        for item in items:
            if item.values.get("type") == "relation":
                self._take_relation(item, regions, first)
            elif item.values.get("type") == "choices":
                self._take_choice(item, regions, first)

    def _region(self, item: Fields) -> _Region:
        value = Fields(item.values.get("value"), f"{item.where}: 'value'")
        return _Region(
            item.text("id"),
            value.number("start"),
            value.number("end"),
            value.optional_text("text"),
            value.names("labels"),
            _KINDS.get(str(item.values.get("from_name"))),
        )

    def _take_relation(self, item: Fields, regions: Mapping[str, _Region], first: Mapping[str, int]) -> None:
        ends = [item.text(name) for name in ("from_id", "to_id")]
        for name in ends:
            if name not in regions:
                raise RecordError(f"{item.where} is a relation with {name!r}, which is no region")
        labels = item.names("labels")
        if not labels or not all(name in first for name in ends):
            self.findings.note("relations without a label, or with a region that has none, left out")
            return
        if item.values.get("direction") == "left":
            ends.reverse()
        for label in labels:
            self.source.links.append(Link(label, first[ends[0]], first[ends[1]], item.where))

    def _take_choice(self, item: Fields, regions: Mapping[str, _Region], first: Mapping[str, int]) -> None:
        value = Fields(item.values.get("value"), f"{item.where}: 'value'")
        if "start" not in value.values:
            self.findings.note(f"choices of whole tasks ({item.values.get('from_name')}), left out")
            return
        region, choices = item.text("id"), value.names("choices")
        if region not in regions:
            raise RecordError(f"{item.where} is a choice for {region!r}, which is no region")
        if len(choices) != 1:
            raise RecordError(f"{item.where} has {len(choices)} choices for a region; expected one")
        if region in first:
            if self.source.modality.setdefault(first[region], choices[0]) != choices[0]:
                raise RecordError(f"{item.where} is a second choice for {region!r}; expected one")
        else:
            self.findings.note("choices for a region without a label, left out")

    def _places(self, regions: Sequence[_Region]) -> list[tuple[int, int] | None]:
        """Where the regions stand, in code points, by the way of counting under which all show their text."""
        text = self.source.text
        shown = [region for region in regions if region.shown is not None]
        counts = _COUNTS[self.options.offsets]
        beyond = any(character > "\uffff" for character in text)
        ways = [(utf16, breaks) for breaks in (False, True) for utf16 in counts]
        if not shown and regions and len(counts) > 1 and (beyond or "\r\n" in text):
            raise RecordError(
                "its regions do not show their text, and it holds emoji or line breaks of two characters, so that "
                "nothing tells how offsets are counted; say it with format.offsets=codepoints or format.offsets=utf16"
            )
        for utf16, breaks in ways:
            back = code_points(unit_offsets(text, utf16, breaks))
            places = [self._place(region, back) for region in regions]
            if None not in places:
                if (utf16 and beyond) or (breaks and "\r\n" in text):
                    self.findings.note("tasks whose offsets were counted in UTF-16 units or with CR LF as one")
                return places
        # no one way of counting holds for all: those that show their text nearby, and only once, are moved there
        back = code_points(unit_offsets(text, counts[0]))
        return [self._place(region, back) or self._nearby(region) for region in regions]

    def _place(self, region: _Region, back: Mapping[int, int]) -> tuple[int, int] | None:
        start, end = back.get(region.start), back.get(region.end)
        if start is None or end is None or start >= end:
            return None
        found = self.source.text[start:end]
        if region.shown is None or region.shown in (found, found.translate(_BREAKS), found.translate(_SPACES)):
            return start, end
        return None

    def _nearby(self, region: _Region) -> tuple[int, int] | None:
        text, shown = self.source.text, region.shown
        slack = 2 + sum(character > "\uffff" for character in text) + text.count("\r\n")
        found = occurrences(text, shown, region.start, slack) if shown else []
        if shown and len(found) == 1:
            self.findings.note("regions moved to where their text stands, a few characters away")
            return found[0], found[0] + len(shown)
        how = f"{len(found)} places nearby hold it" if found else "it stands nowhere nearby"
        is_at = text[max(0, region.start) : max(0, region.end)]
        self.findings.problem(
            self.source,
            f"region {region.id} shows {shown!r}, but the text at {region.start}-{region.end} is {is_at!r}, and {how}; "
            "mend the region in Label Studio",
        )
        return None


def write(articles: Sequence[CorpusArticle], schema: Schema, to: Path, options: Options, findings: Findings) -> None:
    """Writes a file of tasks to import, and beside it NAME.xml, the labelling configuration that fits them.

    Args:
        articles: The articles.
        schema: The schema of the corpus.
        to: The file of the tasks.
        options: Whether they are annotations or predictions.
        findings: Not used: all has room.
    """
    no_folder(to, "the tasks")
    tasks = [_task(number, article, options) for number, article in enumerate(articles, start=1)]
    content = json.dumps(tasks, ensure_ascii=False, indent=1)
    to.parent.mkdir(parents=True, exist_ok=True)
    write_whole(to.with_suffix(".xml"), lambda stream: stream.write(labelling_config(schema, options).encode("utf-8")))
    write_whole(to, lambda stream: stream.write(content.encode("utf-8")))


def _task(number: int, article: CorpusArticle, options: Options) -> dict[str, Any]:
    document = article.document
    data = {**article.metadata, "id": article.id, "split": article.split, options.text_field: document.text}
    done: dict[str, Any] = {"result": _written(document, scores=options.results == "predictions")}
    if options.results == "annotations":
        done = {"id": number, "was_cancelled": False, "ground_truth": False, **done}
    else:
        done |= _confidence(document, options)
    other = next(name for name in _RESULTS if name != options.results)
    return {"id": number, "data": data, options.results: [done], other: []}


def _confidence(document: Document, options: Options) -> dict[str, Any]:
    """What Label Studio shows of a prediction: which model it is of, and how sure, by which tasks can be sorted."""
    scores = [span.score for span in (*document.entities, *document.events)]
    version = {} if options.model_version is None else {"model_version": options.model_version}
    return {**version, **({"score": round(sum(scores) / len(scores), 4)} if scores else {})}


def _written(document: Document, scores: bool) -> list[dict[str, Any]]:
    ids = {entity: f"T{number}" for number, entity in enumerate(document.entities, start=1)}
    results: list[dict[str, Any]] = []

    def region(identifier: str, name: str, kind: str, span: Entity | Event, value: str) -> dict[str, Any]:
        shown = {"start": span.start, "end": span.end, "text": span.text, kind: [value]}
        score = {"score": round(span.score, 4)} if scores else {}
        return {"id": identifier, "from_name": name, "to_name": "text", "type": kind, "value": shown, **score}

    for entity, identifier in ids.items():
        results.append(region(identifier, "entities", "labels", entity, entity.type))
    for number, event in enumerate(document.events, start=1):
        identifier = f"E{number}"
        results.append(region(identifier, "events", "labels", event, event.type))
        if event.modality != DEFAULT_MODALITY:
            results.append(region(identifier, "modality", "choices", event, event.modality))
        for argument in event.arguments:
            results.append(
                {
                    "from_id": identifier,
                    "to_id": ids[argument.entity],
                    "type": "relation",
                    "direction": "right",
                    "labels": [argument.role],
                }
            )
    return results


def labelling_config(schema: Schema, options: Options) -> str:
    """Returns the labelling configuration of a project in which a schema's articles are annotated."""

    def labels(tag: str, inner: str, name: str, values: Sequence[str], more: str = "") -> list[str]:
        if not values:
            return []
        begin = f'  <{tag} name="{name}" toName="text"{more}>' if name else f"  <{tag}>"
        return [begin, *(f"    <{inner} value={quoteattr(value)}/>" for value in values), f"  </{tag}>"]

    per_region = ' perRegion="true" choice="single-radio" whenTagName="events"'
    return "\n".join(
        [
            "<View>",
            *labels("Labels", "Label", "entities", schema.entity_types),
            *labels("Labels", "Label", "events", schema.event_types),
            *labels("Choices", "Choice", "modality", schema.modalities[1:], per_region),
            *labels("Relations", "Relation", "", schema.role_names),
            f'  <Text name="text" value={quoteattr("$" + options.text_field)} granularity="word"/>',
            "</View>",
            "",
        ]
    )
