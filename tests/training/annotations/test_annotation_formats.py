"""Each format on a file as its tool writes it."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from hadath.document import Document
from hadath.schema import Schema
from tests.fixtures.annotation_runs import ANNOTATIONS, SCHEMA, expected_documents, facts, run_export, run_import
from training.annotations.articles import SourceError
from training.annotations.formats.label_studio import Options, labelling_config
from training.annotations.importing import Imported

METADATA = {
    "lsn-0001": {"date": "2026-01-05", "country": "Libya"},
    "lsn-0002": {"date": "2026-01-06", "country": "Libya"},
}


def documents(imported: Imported) -> list[Document]:
    return sorted((article.document for article in imported.articles), key=lambda document: str(document.id))


def spans(document: Document) -> list[tuple[str, str]]:
    return [(entity.type, entity.text) for entity in document.entities]


@pytest.mark.parametrize(
    ("form", "source", "settings"),
    [
        ("label_studio", "label_studio.json", ()),
        ("label_studio", "label_studio_utf16.json", ()),
        ("label_studio", "label_studio_utf16.json", ("format.offsets=utf16",)),
        ("doccano", "doccano.jsonl", ()),
        ("doccano", "doccano_graphemes.jsonl", ("format.characters=graphemes",)),
        ("prodigy", "prodigy.jsonl", ()),
        ("hadath", "hadath.jsonl", ()),
        ("brat", "brat", ()),
        ("cas", "cas", ()),
    ],
)
def test_a_real_export_says_what_was_annotated(form: str, source: str, settings: tuple[str, ...]) -> None:
    imported = run_import(form, ANNOTATIONS / source, *settings)
    assert [facts(found) for found in documents(imported)] == [facts(document) for document in expected_documents()]
    assert [document.id for document in documents(imported)] == ["lsn-0001", "lsn-0002"]
    if form != "brat":
        assert {article.id: dict(article.metadata) for article in imported.articles} == METADATA


def test_the_wrong_way_of_counting_is_refused() -> None:
    with pytest.raises(SourceError, match=r"annotation|region|begin and end where words do"):
        run_import("doccano", ANNOTATIONS / "doccano_graphemes.jsonl")
    with pytest.raises(SourceError, match=r"begin and end where words do|lies outside"):
        run_import("doccano", ANNOTATIONS / "doccano.jsonl", "format.characters=graphemes")


def test_what_a_tool_left_out_is_told() -> None:
    assert run_import("label_studio", ANNOTATIONS / "label_studio.json").notes == {
        "tasks without annotations, left out": 1
    }
    assert run_import("label_studio", ANNOTATIONS / "label_studio_utf16.json").notes == {
        "tasks whose offsets were counted in UTF-16 units or with CR LF as one": 2
    }
    assert run_import("prodigy", ANNOTATIONS / "prodigy.jsonl").notes == {"lines with the answer ignore, left out": 1}
    assert run_import("brat", ANNOTATIONS / "brat").notes == {
        "brat attributes Factuality, left out": 2,
        "brat notes, left out": 2,
        "brat relations, left out": 2,
    }


def test_doccano_without_relations() -> None:
    imported = run_import("doccano", ANNOTATIONS / "doccano_labels.jsonl")
    assert [facts(found) for found in documents(imported)] == [
        facts(document, arguments=False) for document in expected_documents()
    ]
    assert {article.id: dict(article.metadata) for article in imported.articles} == METADATA


def test_a_zip_of_inception(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "lsn-0001.zip", "w") as archive:
        archive.write(ANNOTATIONS / "cas" / "lsn-0001.xmi", "lsn-0001.xmi")
        archive.write(ANNOTATIONS / "cas" / "TypeSystem.xml", "TypeSystem.xml")
    imported = run_import("cas", tmp_path / "lsn-0001.zip")
    assert facts(documents(imported)[0]) == facts(expected_documents()[0])


def test_a_cas_needs_its_type_system(tmp_path: Path) -> None:
    shutil.copy(ANNOTATIONS / "cas" / "lsn-0001.xmi", tmp_path)
    with pytest.raises(SourceError, match=r"lsn-0001.xmi: there is no TypeSystem.xml beside it"):
        run_import("cas", tmp_path)


def test_a_layer_of_another_name() -> None:
    with pytest.raises(SourceError, match=r"has neither the layer my.Entity nor my.Event"):
        run_import("cas", ANNOTATIONS / "cas", "format.entity_layer=my.Entity", "format.event_layer=my.Event")
    entities = run_import("cas", ANNOTATIONS / "cas", "format.event_layer=null")
    assert [len(document.events) for document in documents(entities)] == [0, 0]


@pytest.mark.parametrize("scheme", ["bio2", "iob1", "bilou"])
def test_conll_in_each_scheme(scheme: str) -> None:
    imported = run_import("conll", ANNOTATIONS / f"{scheme}.conll", f"format.scheme={scheme}")
    found = documents(imported)
    assert [spans(document) for document in found] == [spans(document) for document in expected_documents()]
    assert [document.id for document in found] == ["lsn-0001", "lsn-0002"]
    # an emoji, a vowelled word and a line break in a text that is made of tokens
    assert found[0].text.startswith("🚨 عاجل : زارَ وزيرُ")
    assert "الاتفاق 🤝\nقال" in found[1].text


@pytest.mark.parametrize(
    ("lines", "settings", "message"),
    [
        ("تونس B-GPE\nثم I-PER\n", (), r"test.conll:2: 'I-PER' follows no B-PER"),
        ("تونس B-GPE\nثم\n", (), r"test.conll:2: has 1 field; expected 2 \(token, entities\), with a space"),
        ("تونس GPE\n", (), r"test.conll:1: the tag 'GPE' is none; expected O, B-TYPE, I-TYPE"),
        ("تونس N _ B-GPE\n", (), r"test.conll:1: has 4 columns, and nothing says which is which"),
        ("تونس B-GPE\n. O\n", ("format.scheme=bilou",), r"GPE is not closed before 'O'"),
        ("تونس L-GPE\n", ("format.scheme=bilou",), r"'L-GPE' follows no B-GPE"),
        ("", (), r"test.conll: holds no token"),
        (" O\n", (), r"test.conll:1: has an empty token"),
    ],
)
def test_conll_that_does_not_parse(tmp_path: Path, lines: str, settings: tuple[str, ...], message: str) -> None:
    (tmp_path / "test.conll").write_text(lines, encoding="utf-8")
    with pytest.raises(SourceError, match=message):
        run_import("conll", tmp_path / "test.conll", *settings)


def test_conll_with_columns_to_skip(tmp_path: Path) -> None:
    (tmp_path / "news.conll").write_text("زار VB O O\nتونس NNP I-NP I-GPE\n", encoding="utf-8")
    columns = "format.columns=[token,_,_,entities]"
    imported = run_import("conll", tmp_path / "news.conll", columns, "format.scheme=iob1")
    assert spans(documents(imported)[0]) == [("GPE", "تونس")]


def test_conll_carries_events_and_modality_but_no_arguments(tmp_path: Path) -> None:
    run_import("label_studio", ANNOTATIONS / "label_studio.json", f"into={tmp_path / 'corpus'}")
    exported = run_export("conll", tmp_path / "corpus", tmp_path / "out")
    assert exported.notes == {"arguments of events, for which CoNLL has no room, left out": 6}
    imported = run_import("conll", tmp_path / "out")
    assert [facts(found) for found in documents(imported)] == [
        facts(document, arguments=False) for document in expected_documents()
    ]
    assert {article.id: dict(article.metadata) for article in imported.articles} == METADATA


def test_anercorp(tmp_path: Path) -> None:
    into = tmp_path / "corpus"
    imported = run_import("anercorp", ANNOTATIONS / "anercorp", f"into={into}", schema="found")
    assert imported.schema == Schema(("LOC", "MISC", "ORG", "PER"), (), {})
    assert {article.split for article in imported.articles} == {"train", "test_as_released", "test_restored"}
    by_id = {article.id: article.document for article in imported.articles}
    # as conlleval reads it, and so as the published figures were made
    assert ("PER", "ليلى الحداد") in spans(by_id["train-0001"])
    assert imported.notes == {"I-PERS without B-PERS read as the beginning of a span": 1}
    run_export("anercorp", into, tmp_path / "out")
    sources = sorted(path.name for path in (ANNOTATIONS / "anercorp").iterdir())
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sources
    written = (tmp_path / "out" / "test_restored.txt").read_text(encoding="utf-8")
    original = (ANNOTATIONS / "anercorp" / "test_restored.txt").read_text(encoding="utf-8")
    assert written.strip() == original.strip().replace("PERS", "PER")


def test_wojood_keeps_the_longest_of_nested_spans() -> None:
    imported = run_import("wojood", ANNOTATIONS / "wojood")
    train, dev = sorted(imported.articles, key=lambda article: article.split, reverse=True)
    assert (train.split, dev.split) == ("train", "dev")
    assert spans(train.document) == [
        ("OCC", "وزير خارجية الجزائر"),
        ("DATE", "مساء الأحد"),
        ("ORG", "جامعة بيروت العربية"),
        ("ORG", "هيئة الإغاثة فرع الشمال"),
        ("MONEY", "ثلاثة ملايين دينار"),
    ]
    assert imported.notes == {
        "separators $#$ left out": 1,
        "ORG nested in OCC: the longest kept, ORG left out": 1,
        "GPE nested in OCC: the longest kept, GPE left out": 1,
        "GPE nested in ORG: the longest kept, GPE left out": 1,
        "ORG nested in ORG: the longest kept, ORG left out": 1,
        "LOC nested in ORG: the longest kept, LOC left out": 1,
        "CARDINAL nested in MONEY: the longest kept, CARDINAL left out": 1,
        "spans labelled CURR dropped, as the label map says": 1,
        "spans labelled ORDINAL dropped, as the label map says": 1,
    }
    with pytest.raises(SourceError, match=r"line 4 GPE 'الجزائر' .* overlaps line 2 OCC"):
        run_import("wojood", ANNOTATIONS / "wojood", "overlaps=refuse")


def label_studio(tmp_path: Path, change: Any) -> Path:
    tasks = json.loads((ANNOTATIONS / "label_studio.json").read_text(encoding="utf-8"))
    change(tasks)
    path = tmp_path / "export.json"
    path.write_text(json.dumps(tasks), encoding="utf-8")
    return path


def shift(task: Any, number: int, by: int) -> None:
    value = task["annotations"][0]["result"][number]["value"]
    value["start"] += by
    value["end"] += by


def test_label_studio_mends_an_offset_that_its_text_shows(tmp_path: Path) -> None:
    source = label_studio(tmp_path, lambda tasks: shift(tasks[0], 1, -1))
    imported = run_import("label_studio", source)
    assert facts(documents(imported)[0]) == facts(expected_documents()[0])
    assert imported.notes["regions moved to where their text stands, a few characters away"] == 1


def test_label_studio_refuses_an_offset_far_from_its_text(tmp_path: Path) -> None:
    source = label_studio(tmp_path, lambda tasks: shift(tasks[0], 1, 9))
    with pytest.raises(SourceError, match=r"task 101: region b101Xk01Qz7w shows 'بنغازي', but the text at 45-51 is"):
        run_import("label_studio", source)


def test_label_studio_without_texts_must_be_told_how_to_count(tmp_path: Path) -> None:
    def forget(tasks: Any) -> None:
        for result in tasks[0]["annotations"][0]["result"]:
            result.get("value", {}).pop("text", None)

    source = label_studio(tmp_path, forget)
    with pytest.raises(SourceError, match=r"say it with format.offsets=codepoints or format.offsets=utf16"):
        run_import("label_studio", source)
    imported = run_import("label_studio", source, "format.offsets=codepoints")
    assert facts(documents(imported)[0]) == facts(expected_documents()[0])


def test_label_studio_with_line_breaks_of_two_characters(tmp_path: Path) -> None:
    # a browser counts CR LF as one character
    source = label_studio(
        tmp_path, lambda tasks: tasks[1]["data"].update(text=tasks[1]["data"]["text"].replace("\n", "\r\n"))
    )
    document = documents(run_import("label_studio", source))[1]
    assert spans(document) == spans(expected_documents()[1])
    assert "\r\n" in document.text


def test_label_studio_with_two_annotators_needs_a_ground_truth(tmp_path: Path) -> None:
    def second(tasks: Any) -> None:
        tasks[0]["annotations"].append({**tasks[0]["annotations"][0], "id": 99, "result": []})

    with pytest.raises(SourceError, match=r"task 101: has 2 annotations \(151, 99\); mark one as ground truth"):
        run_import("label_studio", label_studio(tmp_path, second))

    def truth(tasks: Any) -> None:
        second(tasks)
        tasks[0]["annotations"][0]["ground_truth"] = True

    imported = run_import("label_studio", label_studio(tmp_path, truth))
    assert facts(documents(imported)[0]) == facts(expected_documents()[0])


def test_label_studio_minimal_json_is_refused_with_advice(tmp_path: Path) -> None:
    (tmp_path / "min.json").write_text('[{"id": 1, "text": "في تونس", "label": []}]', encoding="utf-8")
    with pytest.raises(SourceError, match=r"task 1: has no 'annotations'; expected .* as JSON \(not JSON-MIN or CSV\)"):
        run_import("label_studio", tmp_path / "min.json")


def test_the_labelling_configuration_offers_every_type(tmp_path: Path) -> None:
    schema = Schema.from_brat(SCHEMA.read_text(encoding="utf-8"))
    config = labelling_config(schema, Options())
    for name in (*schema.entity_types, *schema.event_types):
        assert f'<Label value="{name}"/>' in config
    for name in schema.role_names:
        assert f'<Relation value="{name}"/>' in config
    assert '<Choice value="Planned"/>' in config
    assert 'perRegion="true"' in config


def test_predictions_are_written_and_read(tmp_path: Path) -> None:
    run_import("hadath", ANNOTATIONS / "hadath.jsonl", f"into={tmp_path / 'corpus'}")
    run_export("label_studio", tmp_path / "corpus", tmp_path / "tasks.json", "format.results=predictions")
    tasks = json.loads((tmp_path / "tasks.json").read_text(encoding="utf-8"))
    assert [len(task["annotations"]) for task in tasks] == [0, 0]
    imported = run_import("label_studio", tmp_path / "tasks.json", "format.results=predictions")
    assert [facts(found) for found in documents(imported)] == [facts(document) for document in expected_documents()]


def test_prodigy_relations_without_spans_of_their_own(tmp_path: Path) -> None:
    lines = []
    for line in (ANNOTATIONS / "prodigy.jsonl").read_text(encoding="utf-8").splitlines():
        task = json.loads(line)
        for relation in task["relations"]:
            del relation["head_span"], relation["child_span"]
        lines.append(json.dumps(task))
    (tmp_path / "relations.jsonl").write_text("\n".join(lines), encoding="utf-8")
    imported = run_import("prodigy", tmp_path / "relations.jsonl")
    assert [facts(found) for found in documents(imported)] == [facts(document) for document in expected_documents()]


def test_tagged_articles_by_their_scores() -> None:
    imported = run_import(
        "hadath", ANNOTATIONS / "hadath.jsonl", "format.min_entity_score=0.8", "format.min_event_score=0.7"
    )
    first = documents(imported)[0]
    assert [entity.type for entity in first.entities] == ["OCC", "GPE", "DATE"]
    assert [event.type for event in first.events] == ["CONSULT", "AGREE"]
    assert imported.notes["entities below format.min_entity_score, left out"] == 3
    assert imported.notes["events below format.min_event_score, left out"] == 1


def test_the_folder_of_a_batch_job(tmp_path: Path, tiny_model_directory: Path) -> None:
    from hadath.batch.job import Settings, tag_corpus

    (tmp_path / "news.jsonl").write_text(
        '{"id": "n1", "text": "زار الوزير تونس أمس", "country": "Tunisia"}\n{"id": "n2", "text": null}\n',
        encoding="utf-8",
    )
    tag_corpus([str(tmp_path / "news.jsonl")], tmp_path / "tagged", tiny_model_directory, Settings())
    imported = run_import("hadath", tmp_path / "tagged", "overlaps=longest", schema="found")
    assert [(article.id, dict(article.metadata)) for article in imported.articles] == [("n1", {"country": "Tunisia"})]


def test_brat_in_the_layout_of_a_corpus(tiny_corpus: Path) -> None:
    imported = run_import("brat", tiny_corpus, schema=tiny_corpus / "annotation.conf")
    assert {article.split for article in imported.articles} == {"train", "dev", "test"}
    assert imported.notes == {"brat notes, left out": 1}
    assert len(imported.articles) == 10


@pytest.mark.parametrize("form", ["doccano", "prodigy", "hadath"])
def test_lines_that_are_no_json_are_named(tmp_path: Path, form: str) -> None:
    (tmp_path / "broken.jsonl").write_text('{"text": "في تونس"\n[1]\n', encoding="utf-8")
    with pytest.raises(SourceError, match=r"has 2 problems") as raised:
        run_import(form, tmp_path / "broken.jsonl")
    assert [problem.line for problem in raised.value.problems] == [1, 2]


def test_scores_that_are_none(tmp_path: Path) -> None:
    lines = (ANNOTATIONS / "hadath.jsonl").read_text(encoding="utf-8").replace('"score": 0.92', '"score": -0.92')
    (tmp_path / "tagged.jsonl").write_text(lines, encoding="utf-8")
    with pytest.raises(
        SourceError, match=r"tagged.jsonl:1: GPE at 36-42 has the score -0.92; expected one from 0 to 1"
    ):
        run_import("hadath", tmp_path / "tagged.jsonl")


def sentences(count: int) -> str:
    """Sentences of four tokens, each with a town of its own."""
    return "\n".join(f"وصل O\nإلى O\nمدينة{number} B-LOC\n. O\n" for number in range(count))


def test_the_end_of_a_training_file_becomes_dev(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "train.txt").write_text(sentences(20), encoding="utf-8")
    small = ("format.words_per_article=9", "format.dev_share=0.3")
    first = run_import("anercorp", tmp_path / "source", f"into={tmp_path / 'one'}", *small, schema="found")
    assert [article.split for article in first.articles] == ["train"] * 7 + ["dev"] * 3
    assert first.articles[0].document.text.count("\n") == 1
    # a second time the dev file is there, and nothing more is set aside
    run_export("anercorp", tmp_path / "one", tmp_path / "out")
    second = run_import("anercorp", tmp_path / "out", *small, schema="found")
    assert sorted((a.split, facts(a.document)) for a in second.articles) == sorted(
        (a.split, facts(a.document)) for a in first.articles
    )


def test_one_sentence_an_article(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text(sentences(3), encoding="utf-8")
    imported = run_import("anercorp", tmp_path / "train.txt", "format.words_per_article=0", schema="found")
    assert [article.id for article in imported.articles] == ["train-0001", "train-0002", "train-0003"]
