"""Counts what the event records of annotated articles tell, and scores their groups of mentions against judged ones.

python -m training.record_figures --judged tests/fixtures/mention_groups.json
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from hadath.document import Document
from hadath.records import EventRecord
from hadath.records.mentions import group_mentions
from training.corpus import read_corpus
from training.mention_grouping import b_cubed_scores, pairwise_scores

JUDGED_TYPES = frozenset({"PER", "OCC", "ORG", "GPE", "LOC", "FAC", "NORP"})
"""Entity types whose mentions were judged."""

Judged = Mapping[str, Sequence[Mapping[str, str]]]
"""For each article groups of mentions: the text of each by the offset of its first character."""


def counts(records: Iterable[EventRecord]) -> Counter[str]:
    """Counts records, the mentions in them, participants by role and how many of these have a code or days.

    Example:
        >>> from hadath.document import Document, Event
        >>> counts(Document("تظاهر المئات", events=(Event(0, 5, "PROTEST", "تظاهر"),)).records())
        Counter({'records': 1, 'mentions': 1})
    """
    found: Counter[str] = Counter()
    for record in records:
        found["records"] += 1
        found["mentions"] += len(record.triggers)
        found["folded"] += record.code != record.type
        for participant in record.participants:
            found[participant.role] += 1
            found[f"{participant.role} country"] += participant.country is not None
            found[f"{participant.role} sector"] += participant.sector is not None
            found[f"{participant.role} country or sector"] += bool(participant.country or participant.sector)
            found[f"{participant.role} days"] += bool(participant.first_day or participant.last_day)
    return +found


def grouping_scores(documents: Iterable[Document], judged: Judged) -> dict[str, tuple[float, float, float]]:
    """Returns precision, recall and F1 of the groups of mentions, by pairs and B-cubed.

    Args:
        documents: Annotated articles; those that were not judged are left out.
        judged: Groups that a person made; mentions that are in none are alone.

    Raises:
        ValueError: If a judged mention is none of the article's.
    """
    gold, found, mentions = [], [], []
    for document in documents:
        texts = {str(entity.start): entity.text for entity in document.entities}
        for group in judged.get(str(document.id), ()):
            if not group.items() <= texts.items():
                raise ValueError(
                    f"{document.id}: {group} is judged to be one, but the article has other mentions there"
                )
            gold.append([(document.id, int(start)) for start in group])
        if document.id in judged:
            own = [entity for entity in document.entities if entity.type in JUDGED_TYPES]
            mentions += [(document.id, entity.start) for entity in own]
            groups = (group for group in group_mentions(document) if group.type in JUDGED_TYPES)
            found += [[(document.id, mention.start) for mention in group.mentions] for group in groups]
    return {"pairs": pairwise_scores(gold, found), "B-cubed": b_cubed_scores(gold, found, mentions)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(prog="python -m training.record_figures", description=__doc__)
    parser.add_argument("--corpus", default="data", metavar="FOLDER", help="the corpus (default: %(default)s)")
    parser.add_argument("--splits", nargs="+", default=["train", "dev"], metavar="SPLIT", help="(default: train dev)")
    parser.add_argument("--judged", type=Path, metavar="FILE", help="groups of mentions that a person made, JSON")
    options = parser.parse_args(arguments)
    corpus = read_corpus(options.corpus, options.splits)
    dates = {name: fields.get("date") for name, fields in corpus.metadata.items()}
    found = counts(record for document in corpus.documents for record in document.records(dates.get(str(document.id))))
    print(
        f"{found['mentions']:,} mentions of events in {found['records']:,} records, {found['folded']:,} of them folded"
    )
    for role in ("Actor", "Recipient", "Place", "Date"):
        told = ("country or sector", "country", "sector") if role in ("Actor", "Recipient") else ("country", "days")
        shares = [f"{what} {found[f'{role} {what}'] / found[role]:.1%}" for what in told if found[f"{role} {what}"]]
        print(f"{role}: {found[role]:,}, of them with {', '.join(shares)}")
    if options.judged is not None:
        judged = json.loads(options.judged.read_text(encoding="utf-8"))
        read = [document.id for document in corpus.documents if document.id in judged]
        for name, scores in grouping_scores(corpus.documents, judged).items():
            precision, recall, f1 = scores
            print(
                f"groups in {len(read)} articles, {name}: precision {precision:.3f}, recall {recall:.3f}, F1 {f1:.3f}"
            )


if __name__ == "__main__":
    main()
