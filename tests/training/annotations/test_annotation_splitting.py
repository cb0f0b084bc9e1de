from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hypothesis import given, settings
from hypothesis import strategies as st

from hadath.document import Document, Event
from hadath.schema import Schema
from training.annotations.near_duplicates import Likeness
from training.annotations.split_files import finish_pending, write_splits
from training.annotations.splitting import DividedCorpus, Division, divide, split_corpus
from training.annotations.stratification import stratified
from training.corpus import Corpus, CorpusError, read_corpus
from training.script import CONFIGS
from training.settings import SettingsError

SCHEMA = Schema((), ("MEET", "HELP", "QUIT"), {})
SIZES = {"train": 0.7, "dev": 0.15, "test": 0.15}
WORDS = ["وصل", "الوفد", "إلى", "صنعاء", "مساء", "أمس", "قادما", "من", "مسقط", "في", "زيارة", "تدوم", "ثلاثة", "أيام"]


def division(**changed: Any) -> Division:
    values: dict[str, Any] = {
        "sizes": SIZES, "allot": [], "fixed": ["test", "dev"], "leaks": "report", "fields": ["country"],
        "near_duplicates": Likeness(0.5, 2), "seed": 1, "dry_run": False,
    }  # fmt: skip
    return Division(**{**values, **changed})


def story(number: int) -> str:
    return " ".join(random.Random(number).sample(WORDS, len(WORDS))) + f" {number}"


def article(name: str, told: int, type_name: str | None = None) -> Document:
    text = f"{story(told)} {name}"
    end = text.index(" ")
    events = (Event(0, end, type_name, text[:end]),) if type_name else ()
    return Document(text, (), events, name)


def corpus_of(splits: dict[str, list[Document]]) -> Corpus:
    return Corpus(SCHEMA, {name: tuple(documents) for name, documents in splits.items()}, {})


def place_of(divided: DividedCorpus) -> dict[str, str]:
    return {name: split for split, names in divided.splits.items() for name in names}


stories = st.lists(st.integers(0, 12), min_size=1, max_size=25)


@given(stories, stories, st.integers(0, 5))
@settings(max_examples=20, deadline=None)
def test_stories_stay_together_and_articles_stay_where_they_are(old: list[int], new: list[int], seed: int) -> None:
    first = divide(corpus_of({}), [article(f"old-{i}", told) for i, told in enumerate(old)], division(seed=seed))
    before = place_of(first)
    told = {f"old-{i}": number for i, number in enumerate(old)}
    for number in set(old):
        assert len({before[name] for name in before if told[name] == number}) == 1
    documents = {name: article(name, told[name]) for name in before}
    grown = divide(
        corpus_of({split: [documents[name] for name in names] for split, names in first.splits.items()}),
        [article(f"new-{i}", number) for i, number in enumerate(new)],
        division(seed=seed),
    )
    after = place_of(grown)
    assert {name: after[name] for name in before} == before
    assert set(after) == {*before, *(f"new-{i}" for i in range(len(new)))}
    told |= {f"new-{i}": number for i, number in enumerate(new)}
    for number in told.values():
        assert len({after[name] for name in after if told[name] == number}) == 1


@given(st.randoms(use_true_random=False))
@settings(max_examples=8, deadline=None)
def test_the_order_of_the_articles_makes_no_difference(draw: random.Random) -> None:
    documents = [article(f"a-{i}", i // 2, draw.choice(SCHEMA.event_types)) for i in range(20)]
    shuffled = draw.sample(documents, len(documents))
    assert divide(corpus_of({}), documents, division()) == divide(corpus_of({}), shuffled, division())


def test_every_split_gets_its_share_of_rare_labels() -> None:
    labels = [{"event QUIT": 1} if index % 20 == 0 else {"event MEET": 2} for index in range(200)]
    parts = stratified([[label] for label in labels], {}, SIZES, seed=3)
    assert {name: round(number / 200, 2) for name, number in Counter(parts).items()} == pytest.approx(SIZES, abs=0.02)
    rare = Counter(part for part, label in zip(parts, labels, strict=True) if "event QUIT" in label)
    assert rare["train"] in (6, 7, 8)
    assert rare["dev"] in (1, 2)
    assert rare["test"] in (1, 2)


def test_a_part_of_no_share_gets_nothing() -> None:
    assert set(stratified([[{"a": 1}]] * 9, {}, {"train": 1, "dev": 0}, seed=1)) == {"train"}


def test_a_new_telling_of_a_test_story_joins_test_and_a_leak_is_told_or_moved() -> None:
    corpus = corpus_of(
        {"train": [article("a", 1), article("leak", 2)], "dev": [article("d", 3)], "test": [article("t", 2)]}
    )
    told = divide(corpus, [article("new", 2)], division())
    assert told.joined == {"new": "test"}
    assert place_of(told)["leak"] == "train"
    assert [(leak.article, leak.split, leak.held_out, leak.moved) for leak in told.leaks] == [
        ("leak", "train", "test", False)
    ]
    moved = divide(corpus, [article("new", 2)], division(leaks="move"))
    assert place_of(moved)["leak"] == "test"
    assert moved.leaks[0].moved


def test_a_story_in_two_held_out_splits_is_told_and_never_moved() -> None:
    corpus = corpus_of({"train": [], "dev": [article("d", 2)], "test": [article("t", 2)]})
    divided = divide(corpus, [], division(leaks="move"))
    assert place_of(divided) == {"d": "dev", "t": "test"}
    assert [leak.moved for leak in divided.leaks] == [False]


def config(folder: Path, *overrides: str) -> Any:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return compose("annotations_split", [f"corpus.path='{folder}'", *overrides])


@pytest.fixture
def folder(tiny_corpus: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_corpus, tmp_path / "corpus"))


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "splits").iterdir()}


def test_the_command_divides_what_is_in_no_split(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = read_corpus(folder, ("train", "dev", "test"))
    train = folder / "splits" / "train.txt"
    train.write_text("tiny-01\ntiny-02\n", encoding="utf-8")
    split_corpus(config(folder, "dry_run=true"))
    assert train.read_text(encoding="utf-8") == "tiny-01\ntiny-02\n"
    assert "4 articles would be divided" in capsys.readouterr().out
    split_corpus(config(folder))
    assert "4 articles were divided" in capsys.readouterr().out
    after = read_corpus(folder, ("train", "dev", "test"))
    assert len(after.documents) == 10
    for split in ("dev", "test"):
        assert after.splits[split][: len(before.splits[split])] == before.splits[split]
    assert not list((folder / "splits").glob(".pending*"))


def test_a_split_to_allot_is_emptied_and_a_folder_without_splits_is_filled(folder: Path) -> None:
    (folder / "splits" / "train.txt").rename(folder / "splits" / "new.txt")
    split_corpus(config(folder, "allot=[new]"))
    assert {path.name for path in (folder / "splits").iterdir()} == {"train.txt", "dev.txt", "test.txt"}
    shutil.rmtree(folder / "splits")
    divided = split_corpus(config(folder))
    assert sum(map(len, divided.splits.values())) == 10


def test_a_corpus_in_which_anything_else_is_wrong_is_not_divided(folder: Path) -> None:
    (folder / "articles" / "tiny-03.ann").write_text("T1\tPER 0 400\tسالم\n", encoding="utf-8")
    (folder / "splits" / "train.txt").write_text("tiny-01\n", encoding="utf-8")
    before = files(folder)
    with pytest.raises(CorpusError, match="has 1 problem and") as caught:
        split_corpus(config(folder))
    assert "tiny-03.ann:1" in str(caught.value)
    assert files(folder) == before


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("leaks=hide", "leaks is 'hide'; expected report or move"),
        ("fixed=[exam]", "fixed names exam, which sizes does not"),
        ("sizes={train: -1}", "expected a share for each split"),
        ("near_duplicates.threshold=0", "threshold is 0.0; expected a share above 0"),
        ("allot=[exam]", "allot names exam, which is no split; expected some of dev, test, train"),
        ("seed=many", "seed: "),
    ],
)
def test_wrong_settings_are_refused(folder: Path, override: str, message: str) -> None:
    wanted = config(folder)
    from omegaconf import OmegaConf

    if override.startswith("sizes"):
        wanted.sizes = {"train": -1}
    else:
        wanted = OmegaConf.merge(wanted, OmegaConf.from_dotlist([override]))
    with pytest.raises(SettingsError, match=message):
        split_corpus(wanted)


def test_a_change_is_made_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_splits(tmp_path, {"train": ["a", "b"], "new": ["c"]})
    replace = os.replace

    def failing_at(stop: int) -> Callable[[Any, Any], None]:
        calls = iter(range(1, 100))

        def failing(source: Any, target: Any) -> None:
            if next(calls) == stop:
                raise OSError("no space left")
            replace(source, target)

        return failing

    def content() -> dict[str, str]:
        return {path.name: path.read_text(encoding="utf-8") for path in tmp_path.glob("*.txt")}

    old, new = content(), {"train.txt": "a\n", "test.txt": "b\nc\n"}
    for stop in range(1, 9):
        shutil.rmtree(tmp_path)
        tmp_path.mkdir()
        write_splits(tmp_path, {"train": ["a", "b"], "new": ["c"]})
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", failing_at(stop))
            with suppress(OSError):
                write_splits(tmp_path, {"train": ["a"], "test": ["b", "c"]}, remove=["new"])
        finish_pending(tmp_path)
        assert content() in (old, new)
    assert content() == new
