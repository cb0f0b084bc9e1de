"""A simulated annotation: articles are chosen, learnt from, chosen again, and each round is written down at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from hadath.batch.storage import append_from
from training.annotations.suggestions.beliefs import Belief
from training.learning_curves.learners import Learner, Learnt
from training.script import ScriptError

FILE = "rounds.jsonl"

Choose = Callable[[Sequence[Belief], int, Sequence[int], int], Sequence[int]]
"""Beliefs about the articles that are left, how many to choose, the chosen ones before, a seed; in: places among the
articles that are left, out."""


@dataclass(frozen=True)
class Round:
    """What was learnt from the articles annotated so far.

    Attributes:
        strategy: How they were chosen.
        seed: Of the first articles and of the learner.
        articles: Names of the articles, those chosen last at the end.
        words: Their length.
        scores: Scores on dev.
        chosen: Names of the articles to annotate next; empty where all are annotated.
    """

    strategy: str
    seed: int
    articles: Sequence[str]
    words: int
    scores: Mapping[str, float]
    chosen: Sequence[str]


@dataclass(frozen=True)
class Plan:
    """How an annotation is simulated.

    Attributes:
        strategies: Ways of choosing, by name.
        seeds: Each is a simulation of its own, with other first articles, the same for all strategies.
        start: Number of the first articles, drawn by lot.
        step: Number of articles chosen in each round.
        most: Articles after which a simulation ends; None for all.
    """

    strategies: Mapping[str, Choose]
    seeds: Sequence[int]
    start: int
    step: int
    most: int | None


def rounds(plan: Plan, learner: Learner, names: Sequence[str], lengths: Sequence[int], path: Path) -> Iterator[Round]:
    """Simulates annotations, one seed after the other.

    Args:
        plan: What is simulated.
        learner: What learns.
        names: Names of the articles of the pool.
        lengths: Their lengths in words.
        path: The file in which rounds are written down. Those that stand there are not learnt again.

    Yields:
        Each round, and those that stood there, in the same order.

    Raises:
        ScriptError: If the file holds rounds of another simulation.
    """
    done = {(each.strategy, each.seed, len(each.articles)): each for each in written_rounds(path)}
    places = {name: place for place, name in enumerate(names)}
    for seed in plan.seeds:
        first = np.random.default_rng(seed).permutation(len(names))[: plan.start].tolist()
        # the first articles and all articles are the same for every strategy
        shared: dict[tuple[int, ...], Learnt] = {}
        for strategy, choose in plan.strategies.items():
            chosen = list(first)
            while True:
                known = done.get((strategy, seed, len(chosen)))
                if known is None:
                    known = _round(plan, learner, strategy, choose, seed, chosen, names, lengths, shared)
                    _write(path, known)
                elif list(known.articles) != [names[place] for place in chosen]:
                    raise ScriptError(f"{path} holds rounds of another simulation; begin anew in another output_dir")
                yield known
                if not known.chosen:
                    break
                chosen += [places[name] for name in known.chosen]


def _round(
    plan: Plan,
    learner: Learner,
    strategy: str,
    choose: Choose,
    seed: int,
    chosen: Sequence[int],
    names: Sequence[str],
    lengths: Sequence[int],
    shared: dict[tuple[int, ...], Learnt],
) -> Round:
    learnt_from = tuple(sorted(chosen))
    learnt = shared.get(learnt_from) or learner.learn(learnt_from, seed)
    if len(chosen) in (plan.start, len(names)):
        shared[learnt_from] = learnt
    left = sorted(set(range(len(names))) - set(chosen))
    wanted = min(plan.step, min(plan.most or len(names), len(names)) - len(chosen))
    taken = choose(learnt.beliefs(left), wanted, chosen, seed + len(chosen)) if wanted > 0 else []
    return Round(
        strategy,
        seed,
        [names[place] for place in chosen],
        sum(lengths[place] for place in chosen),
        dict(learnt.scores),
        [names[left[place]] for place in taken],
    )


def written_rounds(path: Path) -> list[Round]:
    """Returns the rounds that a file holds; a line that was cut off when its process died is none."""
    if not path.is_file():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]
    return [Round(**json.loads(line)) for line in lines]


def _write(path: Path, each: Round) -> None:
    whole = path.read_bytes().rfind(b"\n") + 1 if path.is_file() else 0
    append_from(path, whole, json.dumps(asdict(each), ensure_ascii=False).encode("utf-8") + b"\n")
