"""Thousands of damaged files: each is refused with a sentence, or imported as what it says."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from pathlib import Path

import pytest

from hadath.errors import HadathError
from hadath.schema import Schema
from tests.fixtures.annotation_mutations import claims, mutated, same_characters
from tests.fixtures.annotation_runs import ANNOTATIONS, SCHEMA, facts, read_back, written
from training.annotations.articles import CorpusArticle, SourceError
from training.annotations.assembling import Rules

TYPES = Schema.from_brat(SCHEMA.read_text(encoding="utf-8"))
TARGETS = {
    "label_studio": ("label_studio.json",),
    "doccano": ("doccano.jsonl", "doccano_labels.jsonl"),
    "prodigy": ("prodigy.jsonl",),
    "hadath": ("hadath.jsonl",),
    "conll": ("bio2.conll",),
    "anercorp": ("anercorp/train.txt",),
    "wojood": ("wojood/train.txt",),
    "brat": ("brat/lsn-0001.ann", "brat/lsn-0002.txt"),
    "cas": ("cas/lsn-0001.xmi", "cas/TypeSystem.xml"),
}
FEW = 25
MANY = 5000
FILES = {"label_studio": "again.json", "doccano": "again.jsonl", "prodigy": "again.jsonl", "hadath": "again.jsonl"}
# the labels of the files, which the label maps of the configurations would map
_WOJOOD = ("CARDINAL", "CURR", "GPE", "LOC", "MONEY", "OCC", "ORDINAL", "ORG", "TIME")
PLAIN = {"anercorp": Schema(("LOC", "MISC", "ORG", "PERS"), (), {}), "wojood": Schema(_WOJOOD, (), {})}


def try_file(form: str, name: str, seed: int, folder: Path) -> str:
    """Imports a damaged file; returns how it ended."""
    draw = random.Random(f"{form} {name} {seed}")
    source = ANNOTATIONS / name
    content = mutated(source.read_bytes(), draw, source.suffix in (".json", ".jsonl"), source.suffix == ".jsonl")
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    if source.parent == ANNOTATIONS:
        work.mkdir(parents=True)
    else:
        shutil.copytree(source.parent, work)
    path = work / source.name
    path.write_bytes(content)
    schema = PLAIN.get(form, TYPES)
    target = path if form != "cas" else work / "lsn-0001.xmi"
    refusal: HadathError | None = None
    articles: list[CorpusArticle] = []
    try:
        articles = read_back(form, target, schema, rules=Rules(overlaps="longest" if form == "wojood" else "refuse"))
    except HadathError as error:
        refusal = error
    if refusal is not None:
        # it says where: by problems that name file and line, or by the file as a whole
        assert getattr(refusal, "problems", ()) or str(target) in str(refusal)
        return "refused"
    check_claims(form, target, articles)
    check_round_trip(form, articles, schema, folder / FILES.get(form, "again"))
    return "imported"


def check_claims(form: str, path: Path, articles: list[CorpusArticle]) -> None:
    """What was imported is what the file says; less only where spans repeat each other or nest."""
    said = Counter({(same_characters(shown), label): 1 for shown, label in claims(form, path)})
    found = Counter(
        {
            (same_characters(span.text), span.type): 1
            for article in articles
            for span in (*article.document.entities, *article.document.events)
        }
    )
    if form == "wojood":
        return  # nested spans: what is kept of them is tested by example
    assert found == said


def check_round_trip(form: str, articles: list[CorpusArticle], schema: Schema, to: Path) -> None:
    shutil.rmtree(to, ignore_errors=True)
    if to.is_file():
        to.unlink()
    articles = [article for article in articles if form != "brat" or "/" not in article.id]
    if not articles or len({article.id for article in articles}) < len(articles):
        return  # two of one name, which an import refuses
    named = [
        CorpusArticle(article.document, article.metadata, article.split if article.split.isidentifier() else "train")
        for article in articles
    ]
    refusal = ""
    try:
        written(form, named, schema, to)
    except SourceError as error:
        refusal = str(error)
    if refusal:
        assert "cannot be written as XML" in refusal or "read back as another" in refusal
        return
    back = read_back(form, to, schema)
    keep = form not in ("conll", "anercorp", "wojood")
    first = sorted(facts(article.document, arguments=keep) for article in named)
    assert sorted(facts(article.document, arguments=keep) for article in back) == first


@pytest.mark.parametrize("form", sorted(TARGETS))
def test_damaged_files(form: str, tmp_path: Path) -> None:
    ends = Counter(try_file(form, TARGETS[form][seed % len(TARGETS[form])], seed, tmp_path) for seed in range(FEW))
    assert ends["refused"]


@pytest.mark.slow
@pytest.mark.parametrize("form", sorted(TARGETS))
def test_thousands_of_damaged_files(form: str, tmp_path: Path) -> None:
    names = TARGETS[form]
    ends = Counter(try_file(form, names[seed % len(names)], FEW + seed, tmp_path) for seed in range(MANY))
    assert ends["refused"] > MANY / 20
    assert ends["imported"] > MANY / 20
