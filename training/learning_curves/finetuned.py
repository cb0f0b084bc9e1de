"""A learner that is the real thing: ``training.finetune`` on the chosen articles, a training of its own each time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from omegaconf import DictConfig

from training.annotations.suggestions.beliefs import Belief, text_beliefs
from training.corpus import Corpus
from training.folds import write_fold
from training.learning_curves.learners import KIND, Learnt
from training.networks import load_tagger
from training.resumption import NETWORK
from training.script import ScriptError
from training.sweeps.child import Child, trained_child


class FinetunedLearner:
    """Fine-tunes on articles of the train split; a training that was killed goes on, one that is done is taken.

    Args:
        corpus: The corpus, whose train split is the pool.
        config: The configuration of ``training.finetune``; its splits and its seed are set for each training.
        output: Where the trainings are written.
    """

    def __init__(self, corpus: Corpus, config: DictConfig, output: Path) -> None:
        self._pool = corpus.splits["train"]
        self._dev = [str(document.id) for document in corpus.splits["dev"]]
        self._config = config
        self._output = output
        splits = Path(config.corpus.path) / config.corpus.splits_folder
        # the articles of the test split are left where they are, and not opened
        self._others = {
            path.name: path.read_text(encoding="utf-8")
            for path in sorted(splits.glob("*.txt"))
            if path.stem not in ("train", "dev")
        }

    def learn(self, articles: Sequence[int], seed: int) -> Learnt:
        """Fine-tunes from the encoder; see ``learners.Learner``."""
        names = [str(self._pool[place].id) for place in articles]
        digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]
        child = Child(
            f"articles-{len(names)}-{digest}-seed-{seed}",
            {"corpus.splits_folder": str(self._splits(names, digest)), "seed": seed},
        )
        done = trained_child(self._config, child, self._output)
        return Learnt(done.scores, lambda asked: self._beliefs(done.directory / NETWORK, asked))

    def _splits(self, names: Sequence[str], digest: str) -> Path:
        chosen = set(names)
        waiting = [str(document.id) for document in self._pool if str(document.id) not in chosen]
        folder = (self._output / "splits" / f"{len(names)}-{digest}").absolute()
        others: Mapping[str, str] = {**self._others, "waiting.txt": "".join(f"{name}\n" for name in waiting)}
        if not write_fold(folder, self._dev, [self._dev, names], others):
            raise ScriptError(f"{folder} holds another division of the corpus; begin anew in another output_dir")
        return folder

    def _beliefs(self, network: Path, asked: Sequence[int]) -> list[Belief]:
        return text_beliefs(load_tagger(network), [self._pool[place].text for place in asked], [KIND])
