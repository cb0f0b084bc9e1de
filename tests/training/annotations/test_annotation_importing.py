"""What an import does with labels, overlaps, names and the corpus that it comes into."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hadath.errors import HadathError
from hadath.schema import Schema
from tests.fixtures.annotation_runs import ANNOTATIONS, SCHEMA, expected_documents, facts, run_export, run_import
from training.annotations.__main__ import COMMANDS
from training.annotations.__main__ import main as dispatch
from training.annotations.articles import SourceError
from training.annotations.corpus_folder import write_whole
from training.annotations.identifiers import article_id
from training.annotations.import_report import report
from training.annotations.label_map import annotation_conf
from training.corpus import read_corpus
from training.settings import SettingsError


def doccano(path: Path, *records: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
    return path


def record(text: str, *spans: tuple[str, str], name: str = "a1", **fields: Any) -> dict[str, Any]:
    """A line of doccano: each span by its characters, the relations by the numbers of the spans."""
    entities = [
        {"id": number, "label": label, "start_offset": text.index(shown), "end_offset": text.index(shown) + len(shown)}
        for number, (label, shown) in enumerate(spans, start=1)
    ]
    return {"id": 1, "article_id": name, "text": text, "entities": entities, "relations": [], **fields}


TEXT = "زار وزير الخارجية التونسي بنغازي أمس"
VISIT = (("CONSULT", "زار"), ("OCC", "وزير الخارجية التونسي"), ("GPE", "بنغازي"))


def test_unmapped_labels_are_listed_with_counts_and_refused(tmp_path: Path) -> None:
    source = doccano(
        tmp_path / "a.jsonl",
        record(TEXT, ("PERS", "وزير"), ("PERS", "أمس"), ("gpe", "بنغازي"), name="a1"),
        record(
            TEXT,
            ("CONSULT", "زار"),
            ("GPE", "بنغازي"),
            name="a2",
            relations=[{"from_id": 1, "to_id": 2, "type": "where"}],
        ),
    )
    with pytest.raises(SourceError) as raised:
        run_import("doccano", source)
    message = str(raised.value)
    assert "the label 'PERS', 2 in all, is not in the schema (did you mean PER?)" in message
    assert "the label 'gpe', 1 in all, is not in the schema (did you mean GPE?)" in message
    assert "the role 'where', 1 in all, is not in the schema" in message
    assert "map it with 'labels={PERS: NAME}', drop it with 'labels={PERS: null}'" in message


def test_labels_roles_and_modalities_are_mapped(tmp_path: Path) -> None:
    relation = {"id": 1, "from_id": 1, "to_id": 3, "type": "where"}
    source = doccano(
        tmp_path / "a.jsonl",
        record(TEXT, ("MEET:future", "زار"), ("JOB", "وزير"), ("CITY", "بنغازي"), relations=[relation]),
    )
    imported = run_import(
        "doccano",
        source,
        "labels={MEET: CONSULT, CITY: GPE, JOB: null}",
        "roles={where: Place}",
        "modalities={future: Planned}",
    )
    document = imported.articles[0].document
    event = document.events[0]
    assert (event.type, event.modality) == ("CONSULT", "Planned")
    assert [(a.role, a.entity.type, a.entity.text) for a in event.arguments] == [("Place", "GPE", "بنغازي")]
    assert imported.notes == {"spans labelled JOB dropped, as the label map says": 1}
    assert "       1  spans labelled JOB dropped" in report(imported, "a.jsonl", None)


def test_unmapped_labels_are_dropped_by_choice(tmp_path: Path) -> None:
    relations = [
        {"id": 1, "from_id": 1, "to_id": 3, "type": "Place"},
        {"id": 2, "from_id": 1, "to_id": 2, "type": "Actor"},
    ]
    spans = (("CONSULT:Sure", "زار"), ("JOB", "وزير"), ("GPE", "بنغازي"))
    imported = run_import(
        "doccano", doccano(tmp_path / "a.jsonl", record(TEXT, *spans, relations=relations)), "unmapped=drop"
    )
    assert [len(event.arguments) for event in imported.articles[0].document.events] == [1]
    assert imported.notes == {
        "label JOB: not in the schema, dropped": 1,
        "modality Sure: not in the schema, dropped": 1,
        "relations dropped with a span that they link": 1,
    }


def test_arguments_that_the_schema_forbids(tmp_path: Path) -> None:
    relations = [
        {"id": 1, "from_id": 1, "to_id": 3, "type": "Date"},
        {"id": 2, "from_id": 2, "to_id": 3, "type": "Place"},
    ]
    source = doccano(tmp_path / "a.jsonl", record(TEXT, *VISIT, relations=relations))
    with pytest.raises(SourceError) as raised:
        run_import("doccano", source)
    assert "Date of CONSULT is a GPE, which the schema forbids; expected DATE" in str(raised.value)
    assert "relation Place between two entities is no argument of an event" in str(raised.value)
    imported = run_import("doccano", source, "unmapped=drop")
    assert sum(imported.notes.values()) == 2


def test_spans_that_cut_words_are_refused_or_snapped(tmp_path: Path) -> None:
    source = doccano(tmp_path / "a.jsonl", record(TEXT, ("GPE", "نغاز"), ("DATE", " أمس")))
    with pytest.raises(
        SourceError, match=r"'نغاز' \(27-31\) does not begin and end where words do; .* 'بنغازي', with mis"
    ):
        run_import("doccano", source)
    imported = run_import("doccano", source, "misaligned=snap")
    assert [entity.text for entity in imported.articles[0].document.entities] == ["بنغازي", "أمس"]
    assert imported.notes == {"spans moved to the edges of the words that they touch": 2}


def test_overlaps_are_refused_or_the_longest_kept(tmp_path: Path) -> None:
    spans = (("NORP", "التونسي"), ("OCC", "وزير الخارجية التونسي"), ("ORG", "الخارجية"), ("GPE", "بنغازي"))
    source = doccano(tmp_path / "a.jsonl", record(TEXT, *spans))
    with pytest.raises(
        SourceError, match=r"NORP 'التونسي' \(18-25\) overlaps span 2 OCC 'وزير الخارجية التونسي' \(4-25\)"
    ):
        run_import("doccano", source)
    imported = run_import("doccano", source, "overlaps=longest")
    assert [entity.type for entity in imported.articles[0].document.entities] == ["OCC", "GPE"]
    assert imported.notes == {
        "NORP nested in OCC: the longest kept, NORP left out": 1,
        "ORG nested in OCC: the longest kept, ORG left out": 1,
    }


def test_a_new_corpus_is_one_that_is_read(tmp_path: Path) -> None:
    imported = run_import("label_studio", ANNOTATIONS / "label_studio.json", f"into={tmp_path / 'new'}")
    assert imported.added is not None
    assert imported.added.new == ("lsn-0001", "lsn-0002")
    corpus = read_corpus(tmp_path / "new", ["train"])
    assert [facts(document) for document in corpus.splits["train"]] == [facts(d) for d in expected_documents()]
    assert corpus.metadata["lsn-0002"] == {"date": "2026-01-06", "country": "Libya"}
    assert (tmp_path / "new" / "annotation.conf").read_text(encoding="utf-8") == SCHEMA.read_text(encoding="utf-8")
    # nothing of the work is left beside it
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    assert oct((tmp_path / "new").stat().st_mode & 0o777) == oct(0o777 & ~umask())


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_merging_adds_and_repeats_nothing(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    run_import(
        "doccano", doccano(tmp_path / "a.jsonl", record(TEXT, *VISIT, name="old")), f"into={corpus}", "split=dev"
    )
    before = {path: path.read_bytes() for path in corpus.rglob("old.*")}
    imported = run_import("label_studio", ANNOTATIONS / "label_studio.json", f"into={corpus}")
    assert imported.added is not None
    assert imported.added.present == ()
    again = run_import("label_studio", ANNOTATIONS / "label_studio.json", f"into={corpus}")
    assert again.added is not None
    assert (again.added.new, again.added.present) == ((), ("lsn-0001", "lsn-0002"))
    read = read_corpus(corpus, ["train", "dev"])
    assert [document.id for document in read.documents] == ["lsn-0001", "lsn-0002", "old"]
    assert before == {path: path.read_bytes() for path in corpus.rglob("old.*")}


def test_an_article_that_is_there_with_other_content_stops_the_whole_import(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    source = doccano(tmp_path / "a.jsonl", record(TEXT, *VISIT, name="a1"), record(TEXT, name="a2"))
    run_import("doccano", source, f"into={corpus}")
    before = contents(corpus)
    doccano(
        source, record(TEXT, *VISIT[:2], name="a1"), record(TEXT, ("GPE", "بنغازي"), name="a2"), record(TEXT, name="a3")
    )
    with pytest.raises(SourceError, match=r"has 2 problems") as raised:
        run_import("doccano", source, f"into={corpus}")
    assert "a1.txt: is there already with other content; rename the new article with prefix=NAME-" in str(raised.value)
    assert contents(corpus) == before
    imported = run_import("doccano", source, f"into={corpus}", "prefix=b-")
    assert imported.added is not None
    assert imported.added.new == ("b-a1", "b-a2", "b-a3")


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}


def test_other_metadata_of_the_same_article_is_told(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    run_import("doccano", doccano(tmp_path / "a.jsonl", record(TEXT, *VISIT, date="2026-01-05")), f"into={corpus}")
    with pytest.raises(SourceError, match=r"a1.txt: is there already, but articles.jsonl says otherwise of it"):
        run_import("doccano", doccano(tmp_path / "a.jsonl", record(TEXT, *VISIT, date="2026-01-06")), f"into={corpus}")


@pytest.mark.parametrize("failing", ["articles.jsonl", "train.txt"])
def test_a_full_disk_leaves_the_corpus_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    corpus = tmp_path / "corpus"
    run_import("doccano", doccano(tmp_path / "a.jsonl", record(TEXT, *VISIT, name="old", date="x")), f"into={corpus}")
    before = contents(corpus)
    failed = []

    def full(path: Path, write: Any) -> int:
        if path.name == failing and not failed:
            failed.append(path)
            raise OSError(28, "No space left on device")
        return write_whole(path, write)

    monkeypatch.setattr("training.annotations.corpus_folder.write_whole", full)
    with pytest.raises(OSError, match="No space left"):
        run_import("label_studio", ANNOTATIONS / "label_studio.json", f"into={corpus}")
    assert contents(corpus) == before


def test_an_import_that_was_killed_is_completed_by_running_it_again(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    run_import("label_studio", ANNOTATIONS / "label_studio.json", f"into={corpus}")
    whole = contents(corpus)
    # killed after the articles were there, and before the lists named them
    (corpus / "articles.jsonl").unlink()
    (corpus / "splits" / "train.txt").write_text("lsn-0001\n", encoding="utf-8")
    run_import("label_studio", ANNOTATIONS / "label_studio.json", f"into={corpus}")
    assert {path.name for path in contents(corpus)} == {path.name for path in whole}
    assert read_corpus(corpus, ["train"]).documents[1].id == "lsn-0002"


def test_two_articles_of_one_name(tmp_path: Path) -> None:
    source = doccano(tmp_path / "a.jsonl", record(TEXT, name="a1"), record(TEXT, name="A1"))
    with pytest.raises(SourceError, match=r"a.jsonl:2: has the name of .*a.jsonl:1, A1; expected one article of each"):
        run_import("doccano", source)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lby-0001", "lby-0001"),
        ("خبر_١", "خبر_١"),
        ("a/b", "a-b-c14cddc0"),
        ("../../etc", "etc-56b4d51d"),
        (".hidden", "hidden-1a5b8c2f"),
        ("", "article-e3b0c442"),
        ("nul", "nul-2d0f5f2b"),
    ],
)
def test_names_are_safe_as_names_of_files(name: str, expected: str) -> None:
    found = article_id(name)
    assert found.rsplit("-", 1)[0] == expected.rsplit("-", 1)[0]
    assert article_id(found) == found


def test_names_stay_apart_and_short() -> None:
    names = ["a b", "a  b", "a/b", "a-b", "ا" * 300, "ا" * 301]
    ids = [article_id(name) for name in names]
    assert len(set(ids)) == len(names)
    assert all(len(f"{name}.ann".encode()) < 255 for name in ids)


def test_the_schema_of_what_is_found(tmp_path: Path) -> None:
    relation = {"id": 1, "from_id": 1, "to_id": 3, "type": "Place"}
    source = doccano(tmp_path / "a.jsonl", record(TEXT, *VISIT, ("DATE", "أمس"), relations=[relation]))
    imported = run_import("doccano", source, f"into={tmp_path / 'new'}", schema="found")
    assert imported.schema == Schema(("DATE", "GPE", "OCC"), ("CONSULT",), {"CONSULT": {"Place": ("GPE",)}})
    assert read_corpus(tmp_path / "new", ["train"]).schema == imported.schema
    told = run_import("doccano", doccano(source, record(TEXT, *VISIT)), "events=[CONSULT]", schema="found")
    assert told.schema.event_types == ("CONSULT",)


def test_labels_that_brat_cannot_say(tmp_path: Path) -> None:
    source = doccano(tmp_path / "a.jsonl", record(TEXT, ("Person name", "وزير")))
    with pytest.raises(SourceError, match=r"'Person name': brat cannot call a type, role or value so"):
        run_import("doccano", source, schema="found")


def test_roles_that_brat_cannot_tell_apart(tmp_path: Path) -> None:
    relations = [
        {"id": number, "from_id": 1, "to_id": target, "type": role}
        for number, (target, role) in enumerate([(2, "Arg"), (3, "Arg"), (2, "Arg2")], start=1)
    ]
    source = doccano(tmp_path / "a.jsonl", record(TEXT, *VISIT, relations=relations))
    with pytest.raises(SourceError, match=r"would be read back as another article.*rename one of the roles Arg, Arg2"):
        run_import("doccano", source, f"into={tmp_path / 'new'}", schema="found")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("schema", "message"),
    [("nowhere.conf", r"nowhere.conf: is missing"), ("broken.conf", r"the schema does not parse")],
)
def test_a_schema_that_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, schema: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken.conf").write_text("[entity]\nPER\n", encoding="utf-8")
    with pytest.raises(SourceError, match=message):
        run_import("doccano", doccano(tmp_path / "a.jsonl", record(TEXT)), schema=schema)


def test_the_schema_of_a_corpus_stays(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    source = doccano(tmp_path / "a.jsonl", record(TEXT, *VISIT))
    run_import("doccano", source, f"into={corpus}", schema=SCHEMA)
    with pytest.raises(SourceError, match="is the schema of the corpus; leave schema out"):
        run_import("doccano", source, f"into={corpus}", schema="found")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(SourceError, match=r"holds something else than a corpus: it has no annotation.conf"):
        run_import("doccano", source, f"into={tmp_path / 'other'}")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("overlaps=shortest", "overlaps is shortest; expected one of refuse, longest"),
        ("format.characters=bytes", "format.characters is bytes; expected codepoints or graphemes"),
        ("+format.colour=red", "colour"),
    ],
)
def test_settings_that_are_wrong(tmp_path: Path, setting: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        run_import("doccano", doccano(tmp_path / "a.jsonl", record(TEXT)), setting)


def test_a_source_that_is_not_there(tmp_path: Path) -> None:
    for form in ("brat", "cas", "conll", "doccano", "hadath", "label_studio", "prodigy", "wojood"):
        with pytest.raises(SourceError, match="no such"):
            run_import(form, tmp_path / "nothing")
        with pytest.raises(HadathError, match="holds no"):
            run_import(form, tmp_path)


def test_an_export_writes_over_nothing(tmp_path: Path) -> None:
    run_import("doccano", doccano(tmp_path / "a.jsonl", record(TEXT, *VISIT)), f"into={tmp_path / 'corpus'}")
    with pytest.raises(SourceError, match="is there already; expected a new name"):
        run_export("doccano", tmp_path / "corpus", tmp_path / "a.jsonl")
    run_export("doccano", tmp_path / "corpus", tmp_path / "b.jsonl", "splits=[train]")


def test_text_that_no_xml_can_hold_is_refused(tmp_path: Path) -> None:
    run_import("doccano", doccano(tmp_path / "a.jsonl", record("في\x0bتونس")), f"into={tmp_path / 'corpus'}")
    with pytest.raises(SourceError, match=r"a1.txt: cannot be written as XML"):
        run_export("cas", tmp_path / "corpus", tmp_path / "cas")
    assert not (tmp_path / "cas").exists()


def test_half_characters_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(
        '{"id": 1, "text": "\\ud83d x", "label": []}\n{"id": 2, "text": "x", "label": [], "date": "\\ud83d"}\n',
        encoding="utf-8",
    )
    with pytest.raises(SourceError, match="half a character") as raised:
        run_import("doccano", tmp_path / "a.jsonl")
    assert len(raised.value.problems) == 2


def test_a_schema_as_brat_writes_it(tiny_schema: Schema) -> None:
    assert Schema.from_brat(annotation_conf(tiny_schema)) == tiny_schema
    assert Schema.from_brat(annotation_conf(Schema(("A",), (), {}))) == Schema(("A",), (), {})
    odd = Schema((), ("E",), {"E": {}}, ("Asserted",))
    assert Schema.from_brat(annotation_conf(odd)) == odd


def test_the_commands_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert dispatch(["--help"]) == 0
    assert dispatch([]) == 2
    assert dispatch(["improt"]) == 2
    shown = capsys.readouterr()
    assert "'improt' is no command" in shown.err
    for name, command in COMMANDS.items():
        assert f"  {name}" in shown.out
        assert command.purpose in shown.out


def test_the_command_line(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "training.annotations", *arguments], capture_output=True, text=True, check=False
        )

    into = f"into={tmp_path / 'corpus'}"
    done = run("import", "format=prodigy", f"source={ANNOTATIONS / 'prodigy.jsonl'}", into)
    assert done.returncode == 0, done.stderr
    assert "2 articles, 29 words, 9 entities, 5 events, 6 arguments" in done.stdout
    assert "2 new articles, 0 there already" in done.stdout
    broken = doccano(tmp_path / "a.jsonl", record(TEXT, ("PERS", "وزير")))
    forgotten = run("import", "format=doccano", into)
    assert forgotten.returncode == 2
    assert forgotten.stderr.strip() == "error: source is missing; add source=VALUE, see configs/annotations_import.yaml"
    failed = run("import", "format=doccano", f"source={broken}", into)
    assert failed.returncode == 2
    assert "error: " in failed.stderr
    assert "the label 'PERS', 1 in all, is not in the schema" in failed.stderr
    assert "Traceback" not in failed.stderr
