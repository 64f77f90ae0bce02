"""How well duplicates and stories are put together: `python -m benchmarks.clusters [--wrong]`.

Own events always; planted reposts, labelled pairs and ECB+ where the development data are (KABARKOTA_DEV_DATA).
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from math import comb
from pathlib import Path
from typing import Any, NamedTuple

from aggregator.dedup import DedupRecord, cluster
from aggregator.times import WIB
from benchmarks.classification import LABELLED, find_development_data
from crawler.dates import parse_date
from schedules.commands.dedup import gather_stories

Clusters = Mapping[str, str]


class Score(NamedTuple):
    """Precision, recall and their harmonic mean."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0

    def __str__(self) -> str:
        return f"P {self.precision:.4f}  R {self.recall:.4f}  F1 {self.f1:.4f}"


# ── measures ──────────────────────────────────────────────────────────────────────────────────────────────────────


def score_articles(gold: Clusters, found: Clusters) -> Score:
    """BCubed: averaged over articles (Bagga and Baldwin 1998)."""
    both = Counter((gold[key], found[key]) for key in gold)
    in_gold, in_found = Counter(gold.values()), Counter(found[key] for key in gold)
    return Score(
        sum(count * count / in_found[pair[1]] for pair, count in both.items()) / len(gold),
        sum(count * count / in_gold[pair[0]] for pair, count in both.items()) / len(gold),
    )


def score_pairs(gold: Clusters, found: Clusters) -> Score:
    """Averaged over pairs of articles."""
    together = _count_pairs(Counter((gold[key], found[key]) for key in gold).values())
    in_found = _count_pairs(Counter(found[key] for key in gold).values())
    in_gold = _count_pairs(Counter(gold.values()).values())
    return Score(together / in_found if in_found else 1.0, together / in_gold if in_gold else 1.0)


def score_kinds(rows: Mapping[str, Mapping[str, str]], found: Clusters) -> dict[str, tuple[int, int]]:
    """Distortion → (copies found with their original, copies); template → (articles wrongly merged, articles)."""
    originals = {row["cluster"]: key for key, row in rows.items() if row["kind"] == "orig"}
    clusters = defaultdict(set)
    for key, row in rows.items():
        clusters[found[key]].add(row["cluster"])
    counts: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for key, row in rows.items():
        kind = row["kind"]
        if kind in ("orig", "single"):
            continue
        is_counted = len(clusters[found[key]]) > 1
        if not kind.startswith("template"):
            is_counted = found[key] == found[originals[row["cluster"]]]
        counts[kind][0] += is_counted
        counts[kind][1] += 1
    return {kind: (count, total) for kind, (count, total) in sorted(counts.items())}


def _count_pairs(sizes: Iterable[int]) -> int:
    return sum(comb(size, 2) for size in sizes)


# ── material ──────────────────────────────────────────────────────────────────────────────────────────────────────


def load_own_stories(name: str = "stories") -> tuple[list[DedupRecord], dict[str, str]]:
    """(articles, id → event) of tests/labelled/<name>.toml."""
    rows = tomllib.loads((LABELLED / f"{name}.toml").read_text("utf-8"))["article"]
    return [_make_record(row) for row in rows], {row["id"]: row["event"] for row in rows}


def load_records(path: Path) -> list[DedupRecord]:
    """The articles of a gzip-compressed JSON lines file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [_make_record(json.loads(line)) for line in lines]


def load_gold(path: Path) -> dict[str, dict[str, str]]:
    """id → its row of a CSV table."""
    with path.open(encoding="utf-8", newline="") as lines:
        return {row["id"]: row for row in csv.DictReader(lines)}


def load_pairs(path: Path) -> list[tuple[str, str, str]]:
    """(a, b, label) of labelled pairs."""
    with path.open(encoding="utf-8", newline="") as lines:
        return [(row["a"], row["b"], row["label"]) for row in csv.DictReader(lines)]


def _make_record(row: Mapping[str, Any]) -> DedupRecord:
    published = parse_date(row.get("published") or "", zone=WIB, now=datetime.now(UTC))
    return DedupRecord(
        id=str(row["id"]),
        source=row.get("source", ""),
        title=row["title"],
        text=row["text"],
        published=published.at if published else None,
    )


def pick_one_of_each(records: Iterable[DedupRecord], events: Clusters) -> list[DedupRecord]:
    """The first article on each event, so that none belongs to another's story, however near it comes."""
    first: dict[str, DedupRecord] = {}
    for record in records:
        first.setdefault(events[record.id], record)
    return list(first.values())


def count_alone(found: Clusters) -> float:
    """The share of articles that are stories by themselves."""
    sizes = Counter(found.values())
    return sum(count == 1 for count in sizes.values()) / len(found)


def find_stories(records: list[DedupRecord]) -> dict[str, str]:
    """id → story, as `kabarkota dedup --stories` has it."""
    return gather_stories(records, cluster(records))


# ── the command ───────────────────────────────────────────────────────────────────────────────────────────────────


def main() -> int:
    for name, title in (
        ("stories", "own stories"),
        ("stories_hard", "own stories, harder"),
        ("stories_unseen", "own stories, unseen"),
    ):
        records, events = load_own_stories(name)
        found = find_stories(records)
        print(f"{title:<24} BCubed {score_articles(events, found)}")
        _tell_wrong(records, events, found)
        print(f"  one article of each    alone  {count_alone(find_stories(pick_one_of_each(records, events))):.3f}")
    development = find_development_data()
    if not (development / "dedup").is_dir():
        print(f"development data: skipped, no {development / 'dedup'} (set KABARKOTA_DEV_DATA)")
        return 0
    gold = load_gold(development / "stories" / "dev_gold.csv")
    records = load_records(development / "stories" / "dev.jsonl.gz")
    events = {key: row["cluster"] for key, row in gold.items()}
    found = find_stories(records)
    print(f"ECB+ stories             BCubed {score_articles(events, found)}")
    _tell_wrong(records, events, found)
    planted = load_gold(development / "dedup" / "dev_gold.csv")
    records = load_records(development / "dedup" / "dev.jsonl.gz")
    gold_clusters = {key: row["cluster"] for key, row in planted.items()}
    found = cluster(records)
    print(f"planted reposts          pairs  {score_pairs(gold_clusters, found)}")
    _tell_wrong(records, gold_clusters, found)
    for kind, (count, total) in score_kinds(planted, found).items():
        what = "wrongly merged" if kind.startswith("template") else "found"
        print(f"  {kind:<28} {what} {count} of {total}")
    pairs = load_pairs(development / "dedup" / "natural_dev_pairs.csv")
    natural = load_records(development / "dedup" / "natural_dev.jsonl.gz")
    for name, among in (("alone", natural), ("among the planted ones", [*records, *natural])):
        found = cluster(among)
        together = Counter(label for a, b, label in pairs if found[a] == found[b])
        total = Counter(label for _, _, label in pairs)
        told = ", ".join(
            f"{what} {together[label]} of {total[label]}"
            for label, what in (("1", "same release"), ("2", "same event"), ("0", "different"))
        )
        print(f"labelled pairs, {name}: {told} put together")
    return 0


def _tell_wrong(records: Iterable[DedupRecord], gold: Clusters, found: Clusters) -> None:
    """With --wrong: the clusters that hold several of the gold ones, and the gold ones that were split."""
    if "--wrong" not in sys.argv:
        return
    titles = {record.id: record.title for record in records}
    for name, one, other in (("holds several", found, gold), ("is split", gold, found)):
        parts: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for key in gold:
            parts[one[key]][other[key]].append(key)
        for cluster_id, members in parts.items():
            if len(members) > 1:
                print(f"  {cluster_id} {name}:")
                for part, keys in sorted(members.items(), key=lambda item: -len(item[1])):
                    print(f"    {part} ({len(keys)}): " + " | ".join(titles[key][:70] for key in keys[:3]))


if __name__ == "__main__":
    sys.exit(main())
