"""Suggestions as the tools take them in: accepted by an annotator, they come back by an import as they went out."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.annotation_runs import configured, facts
from tests.fixtures.tiny_model import write_tiny_model
from training.annotations.articles import SourceError
from training.annotations.importing import Imported, import_annotations
from training.annotations.suggesting import Suggested, suggest
from training.annotations.suggestions.reasons import COLUMNS
from training.corpus import read_corpus
from training.networks import NetworkError
from training.script import ScriptError
from training.settings import SettingsError

CORPUS = Path(__file__).parents[2] / "fixtures" / "corpus"

TEXTS = (
    "زار رئيس تونس مدينة سوسة اليوم 😀 وقال وزير إن اجتماع اليوم كان طويلا.",
    "هجوم قوات على مدينة غدامس في الجنوب\r\nقال رئيس البلدية: لا ضحايا من المدنيين.",
    "اجتماع في تونس من أجل المياه، زار خلاله الوزير محطّة التحلية الجديدة.",
    "قال وزير النقل إن اجتماع القاهرة ينعقد في موعده على الرغم من الأزمة.",
    "على قوات الحدود صد أي هجوم، قال رئيس الأركان من مدينة صفاقس أمس.",
    "زار وزير الصحة مستشفى طرابلس، وقال إن قوات الأمن لن تدخل إلى المستشفى.",
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("runs") / "package", seed=2, arguments=True)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "news.jsonl"
    records = [
        {"id": f"n/{n}", "text": text, "label": "سياسة", "date": "2026-03-01"} for n, text in enumerate(TEXTS, start=1)
    ]
    path.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in records), encoding="utf-8")
    return path


def run(source: Path, model: Path, into: Path, *more: str) -> Suggested:
    return suggest(
        configured(
            "annotations_suggest", f"source={source}", f"model={model}", f"into={into}", f"corpus.path={CORPUS}", *more
        )
    )


def imported(form: str, source: Path, into: Path) -> Imported:
    return import_annotations(
        configured("annotations_import", f"format={form}", f"source={source}", f"into={into}", f"corpus.path={CORPUS}")
    )


def accept_in_label_studio(path: Path) -> None:
    """What Label Studio exports when an annotator submits each prediction as it is."""
    tasks: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    for number, task in enumerate(tasks, start=70):
        [prediction] = task["predictions"]
        results = [
            each if each["type"] == "relation" else {**each, "origin": "prediction"} for each in prediction["result"]
        ]
        task |= {
            "id": number,
            "annotations": [
                {
                    "id": number + 1,
                    "completed_by": 1,
                    "result": results,
                    "was_cancelled": False,
                    "ground_truth": False,
                    "lead_time": 31.2,
                    "prediction": {"id": number, **prediction},
                    "parent_prediction": number,
                }
            ],
            "predictions": [{"id": number, "task": number, **prediction}],
            "meta": {},
        }
    path.write_text(json.dumps(tasks, ensure_ascii=False), encoding="utf-8")


def accept_in_doccano(path: Path) -> None:
    """What doccano exports of a project that the file was imported into: new numbers, other fields beside."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for number, line in enumerate(lines, start=300):
        ids = {entity["id"]: 1000 * number + entity["id"] for entity in line["entities"]}
        line["entities"] = [{**entity, "id": ids[entity["id"]]} for entity in line["entities"]]
        line["relations"] = [
            {**each, "from_id": ids[each["from_id"]], "to_id": ids[each["to_id"]]} for each in line["relations"]
        ]
        line |= {"id": number, "Comments": []}
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")


@pytest.mark.parametrize(
    ("form", "name", "accept"),
    [
        ("label_studio", "round.json", accept_in_label_studio),
        ("doccano", "round.jsonl", accept_in_doccano),
        ("brat", "round", lambda path: None),
    ],
)
def test_accepted_suggestions_are_imported_without_a_hand_s_touch(
    form: str, name: str, accept: Any, source: Path, model: Path, tmp_path: Path
) -> None:
    suggested = run(source, model, tmp_path / name, f"format={form}", "count=5")
    assert len(suggested.articles) == 5
    assert sum(len(article.document.events) for article in suggested.articles) > 0
    assert any(event.arguments for article in suggested.articles for event in article.document.events)
    accept(tmp_path / name)
    corpus = tmp_path / "corpus"
    shutil.copytree(CORPUS, corpus)
    done = imported(form, tmp_path / name, corpus)
    assert done.added is not None
    assert sorted(done.added.new) == sorted(article.id for article in suggested.articles)
    grown = read_corpus(corpus, ["train"])
    back = {document.id: document for document in grown.splits["train"]}
    for article in suggested.articles:
        assert facts(back[article.id]) == facts(article.document)
        assert grown.metadata[article.id] == {"input_label": "سياسة", "date": "2026-03-01"}


def test_label_studio_gets_predictions_of_a_named_model_with_their_certainty(
    source: Path, model: Path, tmp_path: Path
) -> None:
    suggested = run(source, model, tmp_path / "round.json", "count=3")
    tasks = json.loads((tmp_path / "round.json").read_text(encoding="utf-8"))
    for task, article in zip(tasks, suggested.articles, strict=True):
        assert task["annotations"] == []
        [prediction] = task["predictions"]
        scores = [span.score for span in (*article.document.entities, *article.document.events)]
        assert prediction["model_version"] == str(model)
        assert prediction["score"] == pytest.approx(sum(scores) / len(scores), abs=1e-4)
        shown = [result["score"] for result in prediction["result"] if result["type"] == "labels"]
        assert shown == pytest.approx(scores, abs=1e-4)
    named = run(source, model, tmp_path / "named.json", "count=1", "format.model_version=v7")
    assert len(named.articles) == 1
    assert json.loads((tmp_path / "named.json").read_text())[0]["predictions"][0]["model_version"] == "v7"


def test_the_table_says_why_in_the_order_of_the_tasks(source: Path, model: Path, tmp_path: Path) -> None:
    suggested = run(source, model, tmp_path / "round.json", "count=4")
    with open(tmp_path / "round.csv", encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    assert tuple(header) == COLUMNS
    assert [row[1] for row in rows] == [article.id for article in suggested.articles]
    scores = [float(row[2]) for row in rows]
    assert scores == sorted(scores, reverse=True)


def test_what_is_in_the_corpus_is_not_suggested_again(source: Path, model: Path, tmp_path: Path) -> None:
    first = run(source, model, tmp_path / "a.jsonl", "format=doccano", "count=2")
    corpus = tmp_path / "corpus"
    shutil.copytree(CORPUS, corpus)
    imported("doccano", tmp_path / "a.jsonl", corpus)
    second = run(source, model, tmp_path / "b.jsonl", "format=doccano", f"corpus.path={corpus}")
    texts = {article.document.text for article in first.articles}
    assert len(second.articles) == len(TEXTS) - 2
    assert not texts & {article.document.text for article in second.articles}
    assert second.notes["articles that tell a story of the corpus"] == 2


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["count=0"], "count is 0; expected a number above 0"),
        (["pool=10"], "pool is 10; expected at least count, which is 50"),
        (["kinds=[triggers]"], "kinds is ['triggers']; expected entities, events or one of them"),
        (["strategy=entropy"], "strategy is entropy; expected one of random, uncertainty, diverse"),
        (["near_duplicates.threshold=0"], "threshold is 0.0; expected a share above 0"),
        (["split=a/b"], "split is a/b; expected a name such as train"),
    ],
)
def test_settings_are_checked_before_anything_is_read(more: list[str], said: str, source: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        run(source, tmp_path / "no-model", tmp_path / "round.json", *more)
    assert said in str(raised.value)


def test_what_cannot_be_done_is_said(source: Path, model: Path, tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="no-model is no folder"):
        run(source, tmp_path / "no-model", tmp_path / "round.json")
    (tmp_path / "round.csv").write_text("a person's own table")
    with pytest.raises(SourceError, match=r"round\.csv is there already"):
        run(source, model, tmp_path / "round.json")
    empty = tmp_path / "empty.jsonl"
    empty.write_text('{"text": "."}\n')
    with pytest.raises(ScriptError, match="no article is left to choose from") as raised:
        run(empty, model, tmp_path / "other.json")
    assert "articles without a word" in str(raised.value)


def test_what_is_not_given_is_asked_for() -> None:
    with pytest.raises(SettingsError, match="source is missing; add source=VALUE"):
        suggest(configured("annotations_suggest", f"corpus.path={CORPUS}"))


def test_a_model_of_other_types_is_refused(source: Path, model: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    for split in ("train", "dev", "test"):
        (corpus / "splits").mkdir(parents=True, exist_ok=True)
        (corpus / "splits" / f"{split}.txt").write_text(f"{split}\n")
        (corpus / "articles").mkdir(exist_ok=True)
        (corpus / "articles" / f"{split}.txt").write_text(f"خبر {split}")
        (corpus / "articles" / f"{split}.ann").write_text("")
    (corpus / "articles.jsonl").write_text("")
    (corpus / "annotation.conf").write_text("[entities]\nPLACE\n[relations]\n[events]\nMEET\n[attributes]\n")
    with pytest.raises(ScriptError, match="which the schema of the corpus does not have"):
        run(source, model, tmp_path / "round.json", f"corpus.path={corpus}")
