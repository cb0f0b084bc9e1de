"""Articles divided into train, dev and test, by story: ``python -m training.annotations split corpus.path=FOLDER``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hadath.batch.storage import locked
from hadath.document import Document
from training.annotations.near_duplicates import Likeness, groups, near_duplicates
from training.annotations.split_files import finish_pending, write_splits
from training.annotations.stratification import stratified
from training.brat import Problem, ProblemKind
from training.corpus import Corpus, CorpusError, ExaminedCorpus, examine_corpus
from training.script import script
from training.settings import SettingsError, settings

LEAKS = ("report", "move")


@dataclass
class Division:
    """How a corpus is divided; each field is explained in configs/annotations_split.yaml."""

    sizes: dict[str, float]
    allot: list[str]
    fixed: list[str]
    leaks: str
    fields: list[str]
    near_duplicates: Likeness
    seed: int
    dry_run: bool

    def __post_init__(self) -> None:
        if not self.sizes or any(size < 0 for size in self.sizes.values()) or not sum(self.sizes.values()) > 0:
            raise ValueError(
                f"sizes is {dict(self.sizes)}; expected a share for each split, such as {{train: 0.8, test: 0.2}}"
            )
        if self.leaks not in LEAKS:
            raise ValueError(f"leaks is {self.leaks!r}; expected {' or '.join(LEAKS)}")
        strangers = [name for name in self.fixed if name not in self.sizes]
        if strangers:
            raise ValueError(f"fixed names {', '.join(strangers)}, which sizes does not; expected splits of sizes")


@dataclass(frozen=True)
class Leak:
    """A story that stands in two splits.

    Attributes:
        article: An article.
        split: Its split.
        other: Another article of the story.
        held_out: The other one's split, which is a fixed one.
        moved: Whether the article was moved there.
    """

    article: str
    split: str
    other: str
    held_out: str
    moved: bool


@dataclass(frozen=True)
class DividedCorpus:
    """What came of dividing a corpus.

    Attributes:
        splits: Names of the articles of each split.
        before: The split that each article was in; articles that were in none are missing.
        joined: New articles that joined a fixed split because their story is there, with that split.
        leaks: Stories that stand in a fixed split and in another one.
    """

    splits: Mapping[str, Sequence[str]]
    before: Mapping[str, str]
    joined: Mapping[str, str]
    leaks: Sequence[Leak]


def divide(corpus: Corpus, unsplit: Sequence[Document], division: Division) -> DividedCorpus:
    """Divides the articles that are in no split yet; the others stay where they are.

    Near-duplicates, and what is like one of them, are one story and go together: where one of them is in a split
    already, to that one, the fixed splits before the others; otherwise to the split that lacks most of what is rarest
    in them.

    Args:
        corpus: The articles that are in a split.
        unsplit: Those that are in none.
        division: Sizes and what else is wanted.

    Returns:
        The new splits. Names that were there keep their order, new ones follow in theirs.
    """
    before = {
        str(document.id): split
        for split, documents in corpus.splits.items()
        if split not in division.allot
        for document in documents
    }
    documents = sorted((*corpus.documents, *unsplit), key=lambda document: str(document.id))
    names = [str(document.id) for document in documents]
    alike = division.near_duplicates
    pairs = near_duplicates([document.text for document in documents], alike.threshold, words=alike.shingle_words)
    stories = groups(len(documents), pairs)
    order = [*division.fixed, *(split for split in division.sizes if split not in division.fixed)]
    # splits that sizes does not name are left as they are
    order += [split for split in corpus.splits if split not in order and split not in division.allot]
    after = dict(before)
    joined: dict[str, str] = {}
    leaks: list[Leak] = []
    open_stories: list[list[int]] = []
    for story in stories:
        places = {before[names[index]] for index in story if names[index] in before}
        if not places:
            open_stories.append(story)
            continue
        home = min(places, key=order.index)
        for index in story:
            name = names[index]
            if name not in before:
                after[name] = home
                if home in division.fixed:
                    joined[name] = home
        if home in division.fixed and len(places) > 1:
            leaks += _leaks(story, names, before, after, home, division)
    labels = [_labels(document, corpus, division.fields) for document in documents]
    position = {name: index for index, name in enumerate(names)}
    placed = {
        split: [labels[position[name]] for name, where in after.items() if where == split] for split in division.sizes
    }
    chosen = stratified(
        [[labels[index] for index in story] for story in open_stories], placed, division.sizes, seed=division.seed
    )
    for story, split in zip(open_stories, chosen, strict=True):
        after.update((names[index], split) for index in story)
    return DividedCorpus(_ordered(corpus, after, division), before, joined, leaks)


def _leaks(
    story: Sequence[int],
    names: Sequence[str],
    before: Mapping[str, str],
    after: dict[str, str],
    home: str,
    division: Division,
) -> list[Leak]:
    """What of a story stands outside of its home; moved there where that is wanted and it is in no fixed split."""
    other = next(names[index] for index in story if before.get(names[index]) == home)
    found = []
    for index in story:
        name = names[index]
        where = before.get(name, home)
        if where == home:
            continue
        moved = division.leaks == "move" and where not in division.fixed
        if moved:
            after[name] = home
        found.append(Leak(name, where, other, home, moved))
    return found


def _labels(document: Document, corpus: Corpus, fields: Sequence[str]) -> dict[str, int]:
    """What the splits are to have alike, with how often an article has it."""
    counts: dict[str, int] = {}
    for event in document.events:
        counts[f"event {event.type}"] = counts.get(f"event {event.type}", 0) + 1
    metadata = corpus.metadata.get(str(document.id), {})
    counts.update((f"{field} {metadata[field]}", 1) for field in fields if field in metadata)
    return counts


def _ordered(corpus: Corpus, after: Mapping[str, str], division: Division) -> dict[str, list[str]]:
    splits: dict[str, list[str]] = {split: [] for split in division.sizes}
    there = [str(document.id) for documents in corpus.splits.values() for document in documents]
    kept = [name for name in there if name in after]
    for name in dict.fromkeys([*kept, *sorted(after)]):
        splits.setdefault(after[name], []).append(name)
    return splits


def split_corpus(config: DictConfig) -> DividedCorpus:
    """Divides a corpus as configs/annotations_split.yaml says, writes the splits and reports.

    Args:
        config: The composed configuration.

    Returns:
        What was done, or with ``dry_run`` would be.

    Raises:
        CorpusError: If anything but the splits is wrong in the corpus.
        SettingsError: If a setting has a wrong name, type or value.
        HadathError: If another process is writing into the splits.
        OSError: If the disk is full or fails; the splits are then as they were.
    """
    division = settings(
        Division, OmegaConf.masked_copy(config, [name for name in config if name in Division.__dataclass_fields__]), ""
    )
    root = Path(config.corpus.path)
    folder = root / config.corpus.splits_folder
    if not root.is_dir():
        raise CorpusError(root, examine_corpus(**config.corpus).problems)
    with locked(root):
        finish_pending(folder)
        examined = _readable(examine_corpus(**config.corpus), root)
        assert examined.corpus is not None
        _check_allot(division, examined.corpus)
        divided = divide(examined.corpus, examined.unsplit, division)
        if not division.dry_run:
            folder.mkdir(parents=True, exist_ok=True)
            emptied = [name for name in division.allot if name not in divided.splits]
            write_splits(folder, divided.splits, remove=emptied)
    _report(divided, examined.corpus, division, folder)
    return divided


def _check_allot(division: Division, corpus: Corpus) -> None:
    strangers = [name for name in division.allot if name not in corpus.splits and name not in division.sizes]
    if strangers:
        raise SettingsError(
            f"allot names {', '.join(strangers)}, which is no split; expected some of {', '.join(corpus.splits)}"
        )


def _readable(examined: ExaminedCorpus, root: Path) -> ExaminedCorpus:
    """The corpus, if nothing is wrong with it that a division into splits does not mend."""
    wrong = [problem for problem in examined.problems if not _mended(problem)]
    if examined.corpus is None or wrong:
        raise CorpusError(root, wrong or examined.problems)
    return examined


def _mended(problem: Problem) -> bool:
    return problem.kind is ProblemKind.UNSPLIT


def _report(divided: DividedCorpus, corpus: Corpus, division: Division, folder: Path) -> None:
    console = Console(soft_wrap=True, highlight=False)
    articles = sum(len(names) for names in divided.splits.values())
    wanted = sum(division.sizes.values())
    table = Table("", *divided.splits, box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    table.add_row("articles", *(f"{len(names):,}" for names in divided.splits.values()))
    table.add_row(
        "new", *(f"{sum(name not in divided.before for name in names):,}" for names in divided.splits.values())
    )
    table.add_row("share", *(f"{len(names) / max(articles, 1):.1%}" for names in divided.splits.values()))
    table.add_row(
        "wanted", *(f"{division.sizes[name] / wanted:.1%}" if name in division.sizes else "" for name in divided.splits)
    )
    console.print(table)
    for name, split in sorted(divided.joined.items()):
        console.print(Text(f"{name} joined {split}: its story is there"))
    for leak in divided.leaks:
        what = f"was moved from {leak.split} to {leak.held_out}" if leak.moved else f"is in {leak.split}"
        advice = (
            ""
            if leak.moved
            else "; remove one of them"
            if leak.split in division.fixed
            else "; leaks=move moves it, or remove one of them"
        )
        console.print(
            Text.assemble(
                ("leak ", "yellow"), f"{leak.article} {what}, its story is in {leak.held_out} ({leak.other}){advice}"
            )
        )
    new = sum(name not in divided.before for names in divided.splits.values() for name in names)
    moved = sum(leak.moved for leak in divided.leaks)
    done = "would be" if division.dry_run else "were"
    console.print(
        Text(f"{new:,} articles {done} divided, {moved:,} moved, the others stay where they were; in {folder}")
    )


@script("annotations_split", CorpusError, OSError)
def main(config: DictConfig) -> None:
    """Divides a corpus."""
    split_corpus(config)


if __name__ == "__main__":
    main()
