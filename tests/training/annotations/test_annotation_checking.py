from __future__ import annotations

import csv
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from hadath.document import Document, Entity, Event
from hadath.schema import Schema
from hadath.tagger import Tagger
from hadath.text import segment
from training.annotations import checking
from training.annotations.checking import CheckedCorpus, check, check_corpus
from training.annotations.checks.composition import outlying_densities
from training.annotations.checks.consistency import Thresholds, inconsistencies
from training.annotations.checks.finding import ArticleFiles, Finding, Level, sentence_pieces
from training.annotations.checks.folds import fold_models
from training.annotations.checks.label_errors import confident_disagreements, given_labels, word_probabilities
from training.annotations.checks.page import findings_page
from training.corpus import read_corpus
from training.networks import load_tagger
from training.script import CONFIGS, ScriptError
from training.settings import SettingsError

FILES = ArticleFiles(Path("articles"))


@pytest.fixture
def folder(tiny_corpus: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_corpus, tmp_path / "corpus"))


def config(folder: Path, *overrides: str) -> Any:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return compose("annotations_check", [f"corpus.path='{folder}'", *overrides])


def kinds(checked: CheckedCorpus, level: Level) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for finding in checked.findings:
        if finding.level is level:
            found.setdefault(finding.kind, []).append(finding)
    return found


def test_a_good_corpus_has_no_errors(folder: Path) -> None:
    checked = check_corpus(config(folder))
    assert checked.errors == 0
    assert checked.articles == {"dev": 2, "test": 2, "train": 6}
    assert checked.counts is not None
    assert checked.counts.groups["event type"]["ATTACK"] == (1, 1, 4)


def annotate(folder: Path, name: str, text: str, *lines: str) -> None:
    (folder / "articles" / f"{name}.txt").write_bytes(text.encode("utf-8"))
    (folder / "articles" / f"{name}.ann").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def test_everything_that_is_wrong_is_found_with_its_sentence(folder: Path) -> None:
    text = "عاد الوفد. التقى سالم القروي أمس وفد المزارعين في القيروان.\n"
    annotate(
        folder, "tiny-01", text,
        "T1\tPER 18 29\tسالم القروي",  # one character too far
        "T2\tORG 33 46\tوفد المزارعين",
        "T3\tORG 37 46\tالمزارعين",  # overlaps T2
        "T4\tPLACE 50 57\tالقيروا",  # cuts the word
        "T5\tNONE 0 3\tعاد",
        "T6\tMEET 11 16\tالتقى",
        "E1\tMEET:T6 Who:T9 Target:T2 Where:T2",  # no T9, no such role, no such filler
        "A1\tModality E1 Perhaps",
    )  # fmt: skip
    (folder / "splits" / "dev.txt").write_text("tiny-06\ntiny-07\ntiny-01\ngone\n", encoding="utf-8")
    annotate(folder, "new", "لا شيء.")
    found = kinds(check_corpus(config(folder)), Level.ERROR)
    assert {kind: len(findings) for kind, findings in found.items()} == {
        "misaligned": 1, "overlap": 1, "partial word": 1, "unknown label": 2, "dangling": 1, "role": 2, "split": 2,
        "unsplit": 1,
    }  # fmt: skip
    (misaligned,) = found["misaligned"]
    assert (Path(misaligned.path).name, misaligned.line, misaligned.span) == ("tiny-01.ann", 1, (18, 29))
    assert misaligned.marked_sentence == "التقى س⟦الم القروي ⟧أمس وفد المزارعين في القيروان."
    (cut,) = found["partial word"]
    assert (cut.document, cut.span) == ("tiny-01", (50, 57))
    assert kinds(check_corpus(config(folder, "unsplit=doubt")), Level.DOUBT)["unsplit"][0].document == "new"


def test_a_folder_that_is_none_is_one_finding(tmp_path: Path) -> None:
    checked = check_corpus(config(tmp_path / "none"))
    assert [(finding.kind, finding.level) for finding in checked.findings] == [("file", Level.ERROR)]


def test_copies_across_splits_are_errors_and_within_one_doubts(folder: Path) -> None:
    articles = folder / "articles"
    for name, copied in (("copy-a", "tiny-06"), ("copy-b", "tiny-02")):
        for ending in ("txt", "ann"):
            shutil.copy(articles / f"{copied}.{ending}", articles / f"{name}.{ending}")
    with (folder / "splits" / "train.txt").open("a", encoding="utf-8") as file:
        file.write("copy-a\ncopy-b\n")
    checked = check_corpus(config(folder))
    (leak,) = kinds(checked, Level.ERROR)["duplicate across splits"]
    assert leak.message.startswith("copy-a (train) has the same text as tiny-06 (dev)")
    (double,) = kinds(checked, Level.DOUBT)["duplicate"]
    assert "copy-b (train) has the same text as tiny-02 (train)" in double.message or "tiny-02" in double.message


def repeated(count: int, bare: int, other: int = 0) -> list[Document]:
    documents = []
    for number in range(count):
        text = f"زار الوفد {'وسوق' if number % 2 else 'سوق'} الخضار في اليوم {number}."
        start = 10
        end = text.index("ر في") + 1
        kind = "ORG" if number < other else "PLACE"
        entities = () if number < bare else (Entity(start, end, kind, text[start:end]),)
        documents.append(Document(text, entities, id=f"a-{number}"))
    return documents


def inconsistent(documents: list[Document], thresholds: Thresholds) -> list[Finding]:
    words = [segment(document.text) for document in documents]
    return inconsistencies(documents, words, FILES, thresholds)


def test_a_name_left_bare_and_one_of_another_type_are_doubted() -> None:
    (bare,) = inconsistent(repeated(9, bare=1), Thresholds(0.9, 0.3))
    assert (bare.kind, bare.document, bare.path) == ("left bare", "a-0", str(Path("articles/a-0.txt")))
    assert bare.marked_sentence == "زار الوفد ⟦سوق الخضار⟧ في اليوم 0."
    assert "in 8 of 9 places it is (PLACE)" in bare.message
    (other,) = inconsistent(repeated(9, bare=0, other=1), Thresholds(0.9, 0.3))
    assert (other.kind, other.document) == ("two types", "a-0")
    assert "is ORG here and PLACE in 8 of 9 places" in other.message


def test_what_is_annotated_now_so_now_so_says_nothing() -> None:
    assert inconsistent(repeated(9, bare=7), Thresholds(0.9, 0.3)) == []
    assert inconsistent(repeated(9, bare=1), Thresholds(0.9, 0.9)) == []


def test_articles_without_annotations_among_annotated_ones_are_outliers() -> None:
    schema = Schema(("PLACE",), (), {})
    text = " ".join(f"مدينة{number} قرب النهر" for number in range(30))
    places = [match.span() for match in re.finditer(r"مدينة\d+", text)]
    full = tuple(Entity(start, end, "PLACE", text[start:end]) for start, end in places)
    documents = [Document(text, full[: 30 - number % 3], id=f"a-{number}") for number in range(20)]
    documents.append(Document(text, (), id="empty"))
    words = [segment(document.text) for document in documents]
    (found,) = outlying_densities(documents, words, schema, FILES, deviations=4)
    assert found.document == "empty"
    assert "has 0 entities where articles of its length have about" in found.message


def test_the_command_writes_page_and_table_and_its_status_tells(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    annotate(folder, "tiny-01", "عاد </script> الوفد.\n", "T1\tNONE 0 3\tعاد")
    page, table = tmp_path / "out" / "page.html", tmp_path / "out" / "table.csv"
    checked = check(config(folder, f"html='{page}'", f"table='{table}'"))
    assert checked.errors == 1
    assert "1 errors" in capsys.readouterr().out
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(checked.findings)
    assert (rows[0]["level"], rows[0]["kind"], rows[0]["sentence"]) == (
        "error", "unknown label", "⟦عاد⟧ </script> الوفد.",
    )  # fmt: skip
    html = page.read_text(encoding="utf-8")
    assert html.count("</script>") == 2
    assert "Content-Security-Policy" in html
    assert not re.search(r"(src|href)=[\"']?https?:", html)
    monkeypatch.setattr(sys, "argv", ["check", f"corpus.path='{folder}'", "show=0"])
    with pytest.raises(SystemExit) as stopped:
        checking.main()
    assert stopped.value.code == 1


def test_doubts_alone_are_no_failure_unless_strict(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(folder / "articles" / "tiny-02.txt", folder / "articles" / "copy.txt")
    shutil.copy(folder / "articles" / "tiny-02.ann", folder / "articles" / "copy.ann")
    with (folder / "splits" / "train.txt").open("a", encoding="utf-8") as file:
        file.write("copy\n")
    monkeypatch.setattr(sys, "argv", ["check", f"corpus.path='{folder}'", "show=1"])
    checking.main()
    assert "0 errors" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["check", f"corpus.path='{folder}'", "strict=true"])
    with pytest.raises(SystemExit) as stopped:
        checking.main()
    assert stopped.value.code == 1


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("unsplit", "maybe", "unsplit is 'maybe'; expected error or doubt"),
        ("near_duplicates.threshold", 2, "threshold is 2.0; expected a share"),
        ("density_deviations", 0, "density_deviations is 0.0; expected a number above 0"),
        ("label_errors.folds", 1, "folds is 1; expected 2 or more"),
    ],
)
def test_wrong_settings_are_refused(folder: Path, name: str, value: Any, message: str) -> None:
    wanted = config(folder)
    OmegaConf.update(wanted, name, value)
    with pytest.raises(SettingsError, match=re.escape(message)):
        check_corpus(wanted)


def test_the_page_keeps_right_to_left_text_apart() -> None:
    text = "زار الوزير 🚢 تونس."
    finding = Finding(
        "overlap", Level.ERROR, "'تونس' is wrong", "a.ann", 3, "a", (13, 17), sentence_pieces(text, [(13, 17, "here")])
    )
    html = findings_page([finding], "Check", tables=[("labels", [["type", "train"], ["PER", "3"]])])
    data = json.loads(re.search(r'id="data">(.*?)</script>', html, re.S)[1])  # type: ignore[index]
    assert data["findings"][0]["sentence"] == [["زار الوزير 🚢 ", ""], ["تونس", "here"], [".", ""]]
    assert 'dir: "rtl"' in html
    assert "light-dark(" in html


def test_confident_learning_finds_the_labels_that_were_changed() -> None:
    draw = np.random.default_rng(1)
    true = draw.integers(0, 3, 600)
    given = true.copy()
    changed = draw.choice(600, 30, replace=False)
    given[changed] = (given[changed] + 1) % 3
    probabilities = np.full((600, 3), 0.08)
    probabilities[np.arange(600), true] = 0.84
    probabilities += draw.normal(0, 0.02, probabilities.shape)
    found = confident_disagreements(probabilities, given)
    assert {one.word for one in found} <= set(changed.tolist())
    assert len(found) >= 25
    assert all(one.seen == true[one.word] for one in found)


def test_words_have_the_label_of_their_span_and_probabilities_that_sum_to_one(
    tiny_model_directory: Path, tiny_schema: Schema
) -> None:
    text = "التقى سالم القروي أمس."
    document = Document(text, (Entity(6, 17, "PER", "سالم القروي"),), (Event(0, 5, "MEET", "التقى"),), "a")
    assert given_labels(document, tiny_schema).tolist() == [5, 1, 1, 0, 0]
    tagger: Tagger = load_tagger(tiny_model_directory)
    probabilities = word_probabilities(tagger, document, tiny_schema)
    assert probabilities.shape == (5, 1 + 4 + 3)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(5), abs=1e-4)


def test_models_judge_what_they_have_not_learnt(folder: Path, tiny_model_directory: Path) -> None:
    overrides = ["disagreement=true", f"label_errors.models=['{tiny_model_directory}']", "label_errors.least_margin=0"]
    told = kinds(check_corpus(config(folder, *overrides)), Level.DOUBT)["label"]
    assert {finding.document for finding in told} <= {"tiny-06", "tiny-07", "tiny-09", "tiny-10"}
    limited = check_corpus(config(folder, *overrides, "label_errors.most=1"))
    assert len(kinds(limited, Level.DOUBT)["label"]) == 1


def test_models_are_not_asked_about_a_corpus_with_errors(folder: Path, tiny_model_directory: Path) -> None:
    annotate(folder, "tiny-01", "عاد الوفد.\n", "T1\tNONE 0 3\tعاد")
    with pytest.raises(ScriptError, match="mend the errors"):
        check_corpus(config(folder, "disagreement=true", f"label_errors.models=['{tiny_model_directory}']"))


def test_each_fold_is_a_training_without_it_that_never_reads_test(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []

    def run(command: list[str]) -> Any:
        commands.append(command)
        target = next(value for value in command if value.startswith("output_dir=")).split("=")[1].strip("'")
        (Path(target) / "model").mkdir(exist_ok=True)
        (Path(target) / "model" / "provenance.json").write_text("{}", encoding="utf-8")
        return type("Done", (), {"returncode": 0})

    monkeypatch.setattr("training.annotations.checks.folds.subprocess.run", run)
    corpus = read_corpus(folder, ("train", "dev", "test"))
    settings = config(folder).corpus
    models = fold_models(corpus, 3, tmp_path / "folds", ["optimization.epochs=1"], settings)
    assert len(models) == len(commands) == 3
    held_out = []
    for number in range(3):
        splits = tmp_path / "folds" / f"fold-{number}" / "splits"
        parts = {path.stem: path.read_text(encoding="utf-8").split() for path in splits.iterdir()}
        assert set(parts["test"]) == {"tiny-09", "tiny-10"}
        assert not set(parts["train"]) & set(parts["held_out"])
        held_out += parts["held_out"]
        read_corpus(folder, ("train", "dev"), splits_folder=str(splits))
    assert sorted(held_out) == sorted(str(document.id) for document in corpus.splits["train"])
    fold_models(corpus, 3, tmp_path / "folds", ["optimization.epochs=1"], settings)
    assert len(commands) == 3
    # killed while it was saving
    (tmp_path / "folds" / "fold-1" / "model" / "provenance.json").unlink()
    fold_models(corpus, 3, tmp_path / "folds", ["optimization.epochs=1"], settings)
    assert len(commands) == 4
    for folds, training in ((2, ["optimization.epochs=1"]), (3, ["optimization.epochs=2"])):
        with pytest.raises(ScriptError, match="other folds or other settings"):
            fold_models(corpus, folds, tmp_path / "folds", training, settings)
    (folder / "articles" / "tiny-01.ann").write_text("", encoding="utf-8")
    changed = read_corpus(folder, ("train", "dev", "test"))
    with pytest.raises(ScriptError, match="another state of the corpus"):
        fold_models(changed, 3, tmp_path / "folds", ["optimization.epochs=1"], settings)
