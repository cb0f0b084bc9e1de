from __future__ import annotations

import json
from pathlib import Path

import pytest

from hadath.records.mentions import group_mentions
from training.corpus import read_corpus
from training.mention_grouping import b_cubed_scores, pairwise_scores

ROOT = Path(__file__).parents[2]
TYPES = frozenset({"PER", "OCC", "ORG", "GPE", "LOC", "FAC", "NORP"})


def test_scores_by_hand() -> None:
    gold, found = [[1, 2, 3], [4, 5]], [[1, 2], [3, 4, 5]]
    # pairs: 12, 45 of 12, 34, 35, 45 and of 12, 13, 23, 45
    assert pairwise_scores(gold, found) == (0.5, 0.5, 0.5)
    precision, recall, f1 = b_cubed_scores(gold, found, [1, 2, 3, 4, 5, 6])
    assert precision == pytest.approx((1 + 1 + 1 / 3 + 2 / 3 + 2 / 3 + 1) / 6)
    assert recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1 + 1) / 6)
    assert f1 == pytest.approx(2 * precision * recall / (precision + recall))
    assert pairwise_scores([], []) == b_cubed_scores([], [], []) == (1.0, 1.0, 1.0)
    assert pairwise_scores([[1, 2]], [[1, 3]])[2] == 0.0


def test_groups_of_articles_are_those_that_a_person_made() -> None:
    judged = json.loads((ROOT / "tests" / "fixtures" / "mention_groups.json").read_text(encoding="utf-8"))
    gold, found, mentions = [], [], []
    for document in read_corpus(ROOT / "data", ["train", "dev"]).documents:
        if document.id not in judged:
            continue
        places = {str(entity.start): entity.text for entity in document.entities}
        for group in judged[document.id]:
            assert group.items() <= places.items()
            gold.append([(document.id, int(start)) for start in group])
        mentions += [(document.id, entity.start) for entity in document.entities if entity.type in TYPES]
        found += [
            [(document.id, mention.start) for mention in group.mentions]
            for group in group_mentions(document)
            if group.type in TYPES
        ]
    assert len(judged) == 25
    precision, recall, _ = pairwise_scores(gold, found)
    assert precision >= 0.97
    assert recall >= 0.90
    assert b_cubed_scores(gold, found, mentions)[2] >= 0.97
