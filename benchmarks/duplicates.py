"""What it costs to find duplicates as the store grows: `python -m benchmarks.duplicates [--million] [--json]`.

Articles are made from our own material with a fixed seed: a quarter of them perturbed copies of recent ones. Up to each
size most are filled in with the rows that grouping would leave; the last 2,000 are grouped through the real path
(`Grouper.group`: fingerprint, look-up, comparison, writes), and their CPU time counts. rensa's MinHash LSH is fed the
same documents in the same run.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice
from pathlib import Path
from typing import Any, NamedTuple

from aggregator.dedup import fingerprint
from aggregator.grouping import Grouper
from aggregator.instants import to_text
from aggregator.models import LinkState, Source
from aggregator.store import Store
from benchmarks.classification import load_articles
from benchmarks.clusters import load_own_stories

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SOURCES = 500
WORDS = (480, 560)  # of a text: about 3.7 kB
COPIES = 0.25
PHRASES_WHOLE = 0.3  # of our own sentences' phrases; so runs of three and four words recur as often as in real news
RECENT = 2_000  # originals that copies are made of
MEASURED = 2_000  # articles whose costs a figure is the median of; of a small store half
UNSORTED = 0.1  # of what is filled in: postings that come in order leave full pages, in operation they are not
POINTS = (1_000, 10_000, 100_000)
BATCH = 50  # articles in a transaction
FILLED_AT_ONCE = 5_000  # of those that are only filled in


class Made(NamedTuple):
    """An article made for the benchmark; `original` is the number of what it copies, its own for an original."""

    number: int
    original: int
    source: str
    title: str
    text: str


class Cost(NamedTuple):
    """Milliseconds of CPU an article at a size of the store."""

    articles: int
    median: float
    mean: float
    commit: float  # its share of the end of its transaction, search index and all
    fingerprint: float  # alone: the same work at every size, so that it tells how fast the machine was just then
    peer_median: float | None

    @property
    def relative(self) -> float:
        """The median in fingerprints, so that costs at two sizes can be compared though the machine's speed varies."""
        return self.median / self.fingerprint


def make_articles(count: int, seed: int = 1) -> Iterator[Made]:
    """Articles in the order of arrival. Words are as frequent as Zipf has it, in phrases of our own sentences."""
    chance = random.Random(seed)
    texts = [article.text for name in ("articles", "places", "unseen") for article in load_articles(name)]
    texts += [record.text for record in load_own_stories()[0]]
    phrases = [words[at : at + 4] for words in map(str.split, texts) for at in range(0, len(words) - 4, 4)]
    vocabulary = list(dict.fromkeys(word for text in texts for word in text.split()))
    weights = list(accumulate(1 / (rank + 50) for rank in range(len(vocabulary))))
    recent: list[tuple[int, list[str]]] = []
    for number in range(count):
        original = number
        if recent and chance.random() < COPIES:
            original, words = chance.choice(recent)
            words = _perturb(words, vocabulary, chance)
        else:
            words = []
            size = chance.randint(*WORDS)
            while len(words) < size:
                words += chance.choice(phrases)[: 4 if chance.random() < PHRASES_WHOLE else 3]
                words += chance.choices(vocabulary, cum_weights=weights, k=2)
            recent.append((number, words))
            del recent[:-RECENT]
        lines = (" ".join(words[at : at + 45]) for at in range(0, len(words), 45))
        yield Made(number, original, f"s{chance.randrange(SOURCES)}", " ".join(words[5:12]), "\n".join(lines))


def _perturb(words: list[str], vocabulary: list[str], chance: random.Random) -> list[str]:
    kind = chance.randrange(5)
    if kind < 2:  # 5 or 15 % of the words are others
        share = (0.05, 0.15)[kind]
        return [chance.choice(vocabulary) if chance.random() < share else word for word in words]
    if kind == 2:
        return words[: len(words) // 2]
    if kind == 3:  # boilerplate around it
        extra = chance.choices(vocabulary, k=len(words) * 3 // 20)
        return [*extra, *words, *reversed(extra)]
    middle = len(words) // 2 // 45 * 45
    return ["KOTA,", "PORTAL", "–", *words[middle:], *words[:middle], "Editor:", "Sri"]


class Fill:
    """A store that is filled, and what it costs."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._grouper = Grouper(store, NOW)
        self._groups: dict[int, int] = {}  # number of a recent original → its group
        store.write_catalogue(
            Source(id=f"s{number}", name=f"s{number}", domain=f"s{number}.example") for number in range(SOURCES)
        )

    def fill(self, articles: Iterable[Made], *, is_sorted: bool) -> None:
        """Adds articles known to be copies or not; their postings in the order of pages, or as they come."""
        connection = self._store._connection  # noqa: SLF001 - no part of the product fills a store like this
        if is_sorted:  # a temporary table is found before one of the same name in the file
            connection.execute("CREATE TEMP TABLE postings (hash INTEGER, article_id INTEGER)")
        articles = iter(articles)
        while batch := list(islice(articles, FILLED_AT_ONCE)):
            with self._store.transaction():
                for made in batch:
                    self._add(made)
        if is_sorted:
            with self._store.transaction():
                connection.execute("INSERT INTO main.postings SELECT * FROM temp.postings ORDER BY hash, article_id")
            connection.execute("DROP TABLE temp.postings")

    def _add(self, made: Made) -> None:
        article_id = self._insert(_make_row(made), made.source)
        found = fingerprint(made.title, made.text)
        self._store.write_sketch(article_id, found.text_hash, found.sketch)
        if made.original not in self._groups:
            self._groups[made.original] = self._store.add_group(article_id, NOW)
            if len(self._groups) > 2 * RECENT:  # the oldest; no copy is made of it any more
                del self._groups[next(iter(self._groups))]
        self._store.join_group(article_id, self._groups[made.original], NOW)

    def measure(self, batch: list[Made]) -> tuple[list[float], float]:
        """(CPU seconds of grouping each article, of committing them all), in one transaction as in operation."""
        spent = []
        with self._store.transaction():
            for made in batch:
                row = _make_row(made)
                article_id = self._insert(row, made.source)
                started = time.process_time()
                self._grouper.group(article_id, {**row, "id": article_id, "group_id": None})
                spent.append(time.process_time() - started)
            started = time.process_time()
        return spent, time.process_time() - started

    def _insert(self, row: dict[str, Any], source_id: str) -> int:
        self._store.write_link(key=row["url_key"], url=row["url"], source_id=source_id, state=LinkState.KEPT, now=NOW)
        return self._store.add_article(row)


def _make_row(made: Made) -> dict[str, Any]:
    plain = ("author", "published_raw", "summary", "image", "declared_url", "extraction_method")
    published = NOW - timedelta(days=90) + timedelta(seconds=made.number)
    return {
        **dict.fromkeys(plain, ""),
        "url": f"https://{made.source}.example/{made.number}",
        "url_key": f"{made.source}.example/{made.number}",
        "source_id": made.source,
        "title": made.title,
        "text": made.text,
        "published_at": to_text(published),
        "published_offset": 420,
        "published_precision": "minute",
        "published_method": "meta",
        "language": "id",
        "tags": "[]",
        "first_seen_at": to_text(NOW),
    }


class Peer:
    """rensa's MinHash LSH over shingles of three words, threshold .5: the copies that it nominates."""

    def __init__(self) -> None:
        import rensa

        self._rensa = rensa
        self._index = rensa.RMinHashLSH(0.5, 128, 32)
        self.found = self.copies = 0

    def add(self, made: Made) -> float:
        """CPU seconds to look one document up and insert it."""
        started = time.process_time()
        words = made.text.casefold().split()
        minhash = self._rensa.RMinHash(128, 42)
        minhash.update([" ".join(words[at : at + 3]) for at in range(len(words) - 2)])
        alike = self._index.query(minhash)
        self._index.insert(made.number, minhash)
        spent = time.process_time() - started
        if made.original != made.number:
            self.copies += 1
            self.found += made.original in alike
        return spent


def measure(count: int, folder: Path) -> dict[str, Any]:
    """All figures, for a store that grows to `count` articles."""
    try:
        peer = Peer()
    except ImportError:
        peer = None
    articles = make_articles(count)
    costs: list[Cost] = []
    measured: list[Made] = []
    filled = 0
    with Store.open_writer(folder / "news.db") as store:
        fill = Fill(store)
        for point in sorted({*(point for point in POINTS if point < count), count}):
            rest = point - filled - min(MEASURED, (point - filled) // 2)
            unsorted = int(rest * UNSORTED)
            for size, is_sorted in ((rest - unsorted, True), (unsorted, False)):
                fill.fill(_tee(islice(articles, size), peer), is_sorted=is_sorted)
            batches = [list(islice(articles, BATCH)) for _ in range(0, point - filled - rest, BATCH)]
            costs.append(_measure_point(point, fill, batches, peer))
            measured += [made for batch in batches for made in batch]
            print(costs[-1], file=sys.stderr, flush=True)
            filled = point
    with closing(sqlite3.connect(folder / "news.db")) as database:
        groups = dict(database.execute("SELECT id, group_id FROM articles"))
        ((size,),) = database.execute(
            "SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'postings%' OR name LIKE 'sketches%'"
        )
    copies = [made for made in measured if made.original != made.number]
    members: dict[int, set[int]] = {}
    for made in measured:
        members.setdefault(groups[made.number + 1], set()).add(made.original)
    return {
        "articles": count,
        "costs": [cost._asdict() for cost in costs],
        "growth": costs[-1].relative / costs[-2].relative if len(costs) > 1 else None,
        "ratio": costs[-1].median / costs[-1].peer_median if costs[-1].peer_median else None,
        "recall": sum(groups[made.number + 1] == groups[made.original + 1] for made in copies) / max(1, len(copies)),
        "peer_recall": peer.found / max(1, peer.copies) if peer else None,
        "wrongly_joined": sum(len(found) - 1 for found in members.values()),
        "posting_bytes": size / count,
    }


def _tee(articles: Iterable[Made], peer: Peer | None) -> Iterator[Made]:
    """The articles; the peer gets each, too."""
    for made in articles:
        if peer:
            peer.add(made)
        yield made


def _measure_point(point: int, fill: Fill, batches: list[list[Made]], peer: Peer | None) -> Cost:
    ours: list[float] = []
    theirs: list[float] = []
    alone: list[float] = []
    commits = 0.0
    for batch in batches:
        spent, commit = fill.measure(batch)
        ours += spent
        commits += commit
        theirs += [peer.add(made) for made in batch] if peer else []
        alone += map(_time_fingerprint, batch)
    return Cost(
        articles=point,
        median=statistics.median(ours) * 1000,
        mean=statistics.mean(ours) * 1000,
        commit=commits / len(ours) * 1000,
        fingerprint=statistics.median(alone) * 1000,
        peer_median=statistics.median(theirs) * 1000 if theirs else None,
    )


def _time_fingerprint(made: Made) -> float:
    started = time.process_time()
    found = fingerprint(made.title, made.text)
    _ = found.sketch, found.text_hash
    return time.process_time() - started


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.duplicates", description=__doc__)
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--million", action="store_true", help="fill a million: most of an hour, 12 GB of disk")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="kabarkota-bench-") as name:
        figures = measure(1_000_000 if options.million else options.articles, Path(name))
    if options.json:
        print(json.dumps(figures))
        return 0
    print("articles in store   ms an article: median   mean   commit   fingerprint alone   rensa")
    for cost in figures["costs"]:
        peer = f"{cost['peer_median']:.3f}" if cost["peer_median"] is not None else "not installed"
        ours = f"{cost['median']:>22.3f} {cost['mean']:>6.3f} {cost['commit']:>8.3f} {cost['fingerprint']:>19.3f}"
        print(f"{cost['articles']:>17,}   {ours}   {peer}")
    for name in ("growth", "ratio", "recall", "peer_recall", "wrongly_joined", "posting_bytes"):
        value = figures[name]
        print(f"{name:<16} {'–' if value is None else f'{value:.4g}'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
