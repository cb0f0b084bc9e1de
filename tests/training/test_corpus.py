from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from hadath.document import Argument, Document, Entity, Event
from training.corpus import CorpusError, fingerprint, read_corpus, to_dataset

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests" / "fixtures" / "corpus"
ALL = ("train", "dev", "test")


@pytest.fixture
def corpus_folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TINY, tmp_path / "corpus"))


def problems_of(folder: Path, splits: tuple[str, ...] = ALL) -> list[tuple[str, int, str]]:
    with pytest.raises(CorpusError) as caught:
        read_corpus(folder, splits)
    return [
        (problem.path.relative_to(folder).as_posix(), problem.line, problem.message)
        for problem in caught.value.problems
    ]


def test_reads_schema_articles_and_metadata() -> None:
    corpus = read_corpus(TINY, ALL)
    assert corpus.schema.entity_types == ("PER", "ORG", "PLACE", "DATE")
    assert corpus.schema.modalities == ("Asserted", "Planned", "Negated")
    assert {split: len(documents) for split, documents in corpus.splits.items()} == {
        "train": 6,
        "dev": 2,
        "test": 2,
    }
    assert [document.id for document in corpus.splits["dev"]] == ["tiny-06", "tiny-07"]
    assert corpus.metadata["tiny-06"] == {"date": "2024-04-07", "country": "Tunisia", "genre": "wire"}
    (meeting,) = corpus.splits["dev"][1].events
    assert (meeting.text, meeting.type, meeting.modality) == ("يلتقي", "MEET", "Negated")
    assert [(argument.role, argument.entity.text) for argument in meeting.arguments] == [
        ("Who", "ناجي العريبي"),
        ("With", "مجلس الواحة"),
        ("When", "الجمعة"),
    ]


def test_keeps_the_text_as_published() -> None:
    article = next(document for document in read_corpus(TINY, ["train"]).documents if document.id == "tiny-04")
    assert article.text.encode() == (TINY / "articles" / "tiny-04.txt").read_bytes()
    assert "\r\n" in article.text
    assert article.events[0].text == "اِجتَمَعَ"


def test_the_committed_corpus_is_read_without_a_problem_and_matches_its_config() -> None:
    config = OmegaConf.load(ROOT / "configs" / "corpus" / "default.yaml")
    config.path = str(ROOT / config.path)
    corpus = read_corpus(**config, splits=ALL)
    assert {split: len(documents) for split, documents in corpus.splits.items()} == {
        "train": 324,
        "dev": 52,
        "test": 64,
    }
    assert len(corpus.metadata) == 440


def test_articles_of_other_splits_are_not_opened(corpus_folder: Path) -> None:
    # bytes that every reader would stumble over
    for name in ("tiny-09", "tiny-10"):
        (corpus_folder / "articles" / f"{name}.txt").write_bytes(b"\xff")
        (corpus_folder / "articles" / f"{name}.ann").write_bytes(b"\xff")
    corpus = read_corpus(corpus_folder, ("train", "dev"))
    assert list(corpus.splits) == ["train", "dev"]
    assert not {"tiny-09", "tiny-10"} & {document.id for document in corpus.documents}
    assert not {"tiny-09", "tiny-10"} & corpus.metadata.keys()
    assert {path for path, _, _ in problems_of(corpus_folder)} == {
        f"articles/{name}.{suffix}" for name in ("tiny-09", "tiny-10") for suffix in ("txt", "ann")
    }


def test_other_types_need_no_code(corpus_folder: Path) -> None:
    schema = corpus_folder / "annotation.conf"
    schema.write_text(schema.read_text(encoding="utf-8").replace("PLACE", "SPOT"), encoding="utf-8")
    for path in (corpus_folder / "articles").glob("*.ann"):
        path.write_bytes(path.read_bytes().replace(b"PLACE", b"SPOT"))
    corpus = read_corpus(corpus_folder, ALL)
    assert corpus.schema.entity_types == ("PER", "ORG", "SPOT", "DATE")
    assert any(entity.type == "SPOT" for document in corpus.documents for entity in document.entities)


def test_files_may_have_other_names(corpus_folder: Path) -> None:
    (corpus_folder / "annotation.conf").rename(corpus_folder / "types.conf")
    (corpus_folder / "articles").rename(corpus_folder / "brat")
    (corpus_folder / "splits").rename(corpus_folder / "parts")
    (corpus_folder / "articles.jsonl").unlink()
    corpus = read_corpus(
        corpus_folder,
        ["dev"],
        schema_file="types.conf",
        articles_folder="brat",
        splits_folder="parts",
        metadata_file=None,
    )
    assert len(corpus.documents) == 2
    assert corpus.metadata == {}


def test_all_problems_are_told_in_one_error_by_file_and_line(corpus_folder: Path) -> None:
    articles = corpus_folder / "articles"
    spoiled = (articles / "tiny-01.ann").read_text(encoding="utf-8").replace("PER", "MAN").replace("Where", "Near")
    (articles / "tiny-01.ann").write_text(spoiled, encoding="utf-8")
    (articles / "tiny-07.ann").unlink()
    with (corpus_folder / "splits" / "dev.txt").open("a", encoding="utf-8") as file:
        file.write("nobody\n")
    with (corpus_folder / "articles.jsonl").open("a", encoding="utf-8") as file:
        file.write("{broken\n")
    with pytest.raises(CorpusError) as caught:
        read_corpus(corpus_folder, ALL)
    first, *lines = str(caught.value).splitlines()
    assert first == f"the corpus in {corpus_folder} has 5 problems and is not used before they are mended:"
    starts = [
        f"  {corpus_folder / 'articles.jsonl'}:11: is not JSON",
        f"  {articles / 'tiny-01.ann'}:1: T1 has the unknown type 'MAN'",
        f"  {articles / 'tiny-01.ann'}:5: E1 has the role 'Near'",
        f"  {articles / 'tiny-07.ann'}: is missing; tiny-07.txt needs it",
        f"  {corpus_folder / 'splits' / 'dev.txt'}:3: 'nobody' is no article",
    ]
    assert [line[: len(start)] for line, start in zip(lines, starts, strict=True)] == starts


def test_thousands_of_problems_are_counted_and_the_first_shown(corpus_folder: Path) -> None:
    broken = "".join(f"T{number}\tPER 0 1\n" for number in range(1, 2001))
    (corpus_folder / "articles" / "tiny-01.ann").write_text(broken, encoding="utf-8")
    with pytest.raises(CorpusError) as caught:
        read_corpus(corpus_folder, ["train"])
    lines = str(caught.value).splitlines()
    assert len(caught.value.problems) == 2000
    assert len(lines) == 52
    assert "tiny-01.ann:50: " in lines[50]
    assert lines[51] == "  … and 1950 more"


def test_partial_words_and_overlaps_are_refused(corpus_folder: Path) -> None:
    path = corpus_folder / "articles" / "tiny-05.ann"
    path.write_text("T1\tPER 0 1\tل\n", encoding="utf-8")
    assert [(file, line) for file, line, _ in problems_of(corpus_folder)] == [("articles/tiny-05.ann", 1)]


@pytest.mark.parametrize(
    ("file", "added", "line", "message"),
    [
        ("splits/dev.txt", "tiny-06\n", 3, "'tiny-06' stands in dev.txt:1 already"),
        (
            "splits/dev.txt",
            "\ntiny-99 \n",
            4,
            "'tiny-99' is no article; expected articles/tiny-99.txt and .ann",
        ),
        ("articles.jsonl", "not json\n", 11, "is not JSON (Expecting value"),
        ("articles.jsonl", "[1]\n", 11, 'expected {"id": "NAME", …}'),
        ("articles.jsonl", '{"id": 3}\n', 11, 'expected {"id": "NAME", …}'),
        ("articles.jsonl", '{"id": "tiny-99"}\n', 11, "'tiny-99' is no article"),
        ("articles.jsonl", '{"id": "tiny-01"}\n', 11, "'tiny-01' is described on an earlier line already"),
        ("articles.jsonl", '{"id": "x", "words": 3}\n', 11, "the field 'words' is 3; expected a text"),
        ("articles.jsonl", '{"id": "x", "text": "y"}\n', 11, "the field 'text' belongs to the article"),
        ("articles.jsonl", '{"id": "x", "y": "\\ud800"}\n', 11, "holds half a character"),
        ("annotation.conf", "Modality\n", 19, "Modality has no values"),
    ],
)
def test_each_line_of_each_file_is_checked(corpus_folder: Path, file: str, added: str, line: int, message: str) -> None:
    with (corpus_folder / file).open("a", encoding="utf-8") as stream:
        stream.write(added)
    ((where, number, found),) = problems_of(corpus_folder)
    assert (where, number) == (file, line)
    assert message in found


def test_an_article_in_two_splits_is_told(corpus_folder: Path) -> None:
    with (corpus_folder / "splits" / "test.txt").open("a", encoding="utf-8") as stream:
        stream.write("tiny-06\ntiny-06\n")
    message = "'tiny-06' stands in dev.txt:1 already; expected each article in one split, once"
    assert problems_of(corpus_folder, ("train",)) == [
        ("splits/test.txt", 3, message),
        ("splits/test.txt", 4, message),
    ]


def test_an_empty_split_is_told(corpus_folder: Path) -> None:
    (corpus_folder / "splits" / "dev.txt").write_text("\n", encoding="utf-8")
    message = "names no article; expected one article name a line"
    assert ("splits/dev.txt", 0, message) in problems_of(corpus_folder)


def test_an_empty_schema_is_told(corpus_folder: Path) -> None:
    (corpus_folder / "annotation.conf").write_text("", encoding="utf-8")
    assert [(file, line) for file, line, _ in problems_of(corpus_folder)] == [("annotation.conf", 1)]


def test_an_article_in_no_split_is_told(corpus_folder: Path) -> None:
    for suffix in ("txt", "ann"):
        (corpus_folder / "articles" / f"new.{suffix}").touch()
    assert problems_of(corpus_folder, ("train", "dev")) == [
        (
            "articles/new.txt",
            0,
            f"is in no split; add 'new' to one of dev.txt, test.txt, train.txt in {corpus_folder / 'splits'}",
        )
    ]


def test_an_unknown_split_is_told(corpus_folder: Path) -> None:
    ((file, line, message),) = problems_of(corpus_folder, ("train", "valid"))
    assert (file, line) == ("splits/valid.txt", 0)
    assert "is missing; expected the article names of the split valid" in message


def test_a_split_file_that_cannot_be_read_is_one_problem(corpus_folder: Path) -> None:
    (corpus_folder / "splits" / "train.txt").write_bytes(b"tiny-01\n\xff\n")
    assert [(file, line) for file, line, _ in problems_of(corpus_folder)] == [("splits/train.txt", 2)]


@pytest.mark.parametrize("missing", ["annotation.conf", "articles", "splits", "articles.jsonl", "."])
def test_a_missing_part_is_told(corpus_folder: Path, missing: str) -> None:
    path = corpus_folder / missing
    path.unlink() if path.is_file() else shutil.rmtree(path)
    problems = problems_of(corpus_folder)
    assert [(file, line) for file, line, _ in problems] == [(missing, 0)]


def test_a_folder_without_articles_is_told(corpus_folder: Path) -> None:
    shutil.rmtree(corpus_folder / "articles")
    (corpus_folder / "articles").mkdir()
    # what an editor or a file manager leaves behind is no article
    (corpus_folder / "articles" / "._tiny-01.txt").touch()
    assert [message for _, _, message in problems_of(corpus_folder)] == [
        "holds no article; expected NAME.txt and NAME.ann for each"
    ]


def test_byte_order_marks_are_passed_over(corpus_folder: Path) -> None:
    for path in (corpus_folder / "splits" / "dev.txt", corpus_folder / "articles.jsonl"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_corpus(corpus_folder, ALL).metadata == read_corpus(TINY, ALL).metadata


def test_the_fingerprint_is_that_of_the_content(corpus_folder: Path) -> None:
    tiny = fingerprint(read_corpus(TINY, ALL).documents)
    assert len(tiny) == 64
    # neither the order of the articles nor the numbers of the lines make another corpus
    path = corpus_folder / "articles" / "tiny-03.ann"
    path.write_bytes(path.read_bytes().replace(b"E1", b"E7").replace(b"A1", b"A9"))
    assert fingerprint(reversed(read_corpus(corpus_folder, ALL).documents)) == tiny
    path.write_bytes(path.read_bytes().replace(b"Planned", b"Negated"))
    assert fingerprint(read_corpus(corpus_folder, ALL).documents) != tiny


def test_the_fingerprint_is_the_same_on_every_machine() -> None:
    tunis = Entity(3, 7, "GPE", "تونس")
    document = Document("في تونس", (tunis,), (Event(0, 2, "E", "في", arguments=(Argument("R", tunis),)),), "a")
    assert fingerprint([document]) == "1eca94107d112b2d402a70430bf0f4b659a2c378dcd3b68e72aa5759388575ce"


@settings(deadline=None)  # the first text builds tables, and machines pause
@given(st.text(), st.text(), st.text(), st.text())
def test_different_articles_have_different_fingerprints(id_a: str, text_a: str, id_b: str, text_b: str) -> None:
    first, second = Document(text_a, id=id_a), Document(text_b, id=id_b)
    assert (fingerprint([first]) == fingerprint([second])) == (first == second)


def test_the_dataset_has_a_split_for_each_split_and_gives_the_articles_back() -> None:
    corpus = read_corpus(TINY, ALL)
    dataset = to_dataset(corpus)
    assert dict(dataset.num_rows) == {"train": 6, "dev": 2, "test": 2}
    for split, documents in corpus.splits.items():
        assert tuple(Document.from_dict(row) for row in dataset[split]) == documents
    row = dataset["dev"][0]
    assert (row["id"], row["date"], row["country"]) == ("tiny-06", "2024-04-07", "Tunisia")
    assert row["events"][0]["arguments"][0] == {"role": "Target", "entity": 0, "score": 1.0}
    assert dataset["train"].features == dataset["test"].features


def test_an_article_without_a_description_has_empty_columns(corpus_folder: Path) -> None:
    path = corpus_folder / "articles.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    described = [json.loads(line) for line in lines if json.loads(line)["id"] != "tiny-06"]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in described), encoding="utf-8")
    rows = to_dataset(read_corpus(corpus_folder, ALL))["dev"]
    assert [(row["id"], row["country"]) for row in rows] == [("tiny-06", None), ("tiny-07", "Libya")]
