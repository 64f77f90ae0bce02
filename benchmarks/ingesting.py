"""B7: what the ingest of an article costs, against a bare insert by sqlite-utils; `main` is one side, in a process.

    harvests.jsonl   harvests of three articles each, as they come from the crawl process
    rows.jsonl       the same articles, one a line, as rows that only have to be written

The first third fills the database and is not measured.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aggregator.heap import end_loading
from aggregator.ingest import Ingest, build_row
from aggregator.models import ArticleLink, Channel, ChannelKind, FetchedPage, Harvest, Poll, PollOutcome, Source
from aggregator.pages import PageFolder
from aggregator.settings import AggregatorSettings
from aggregator.store import Store
from aggregator.topics import load_topics
from aggregator.wire import Codec
from benchmarks.contests import Contest, Figure, Limit, Run, check_done
from benchmarks.functions import RUN_MODULE
from crawler.reading import Reading, read_page

TOGETHER = 3
SOURCES = 20
FIGURE = Figure(
    id="B7",
    what="an article from the harvest to the row: cleaned, judged, compared, indexed, and its share of the commit",
    peer="sqlite-utils, an insert with its defaults",
    unit="article",
    ours="ours",
    theirs="peer",
    floor="floor",
    limits={"ms": Limit(2.5, "ms")},
)
NOW = datetime.now(UTC)


def make_source(number: int) -> Source:
    return Source(
        id=f"portal-{number}",
        name=f"Portal {number}",
        domain=f"portal-{number}.example",
        channels=(Channel(kind=ChannelKind.FEED, url=f"https://portal-{number}.example/feed/"),),
    )


def prepare(material: Path, folder: Path, pages: Sequence[Mapping[str, Any]]) -> None:
    """Reads the pages as a crawl does, and writes the files."""
    folder.mkdir(parents=True)
    reading = Reading(zone="Asia/Jakarta", now=NOW, keep_all=True)
    codec = Codec(Harvest)
    with (folder / "harvests.jsonl").open("wb") as harvests, (folder / "rows.jsonl").open("w") as rows:
        for number, first in enumerate(range(0, len(pages), TOGETHER)):
            chosen = pages[first : first + TOGETHER]
            source = make_source(number % SOURCES)
            read = tuple(_read(material, page, source, reading) for page in chosen)
            poll = Poll(channel_id=1, outcome=PollOutcome.CHANGED, started_at=NOW, finished_at=NOW, requests=len(read))
            harvests.write(codec.encode(Harvest(source_id=source.id, poll=poll, pages=read)) + b"\n")
            rows.writelines(json.dumps(_to_plain(build_row(page, source, NOW))) + "\n" for page in read)


def _to_plain(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "page_hash": row["page_hash"].hex()}


def _read(material: Path, page: Mapping[str, Any], source: Source, reading: Reading) -> FetchedPage:
    url = f"https://{source.domain}/berita/{Path(page['file']).name}.html"
    link = ArticleLink(url=url, title=page["title"], summary=page["summary"])
    found = read_page((material / page["file"]).read_bytes(), link, url, reading, False)
    article, raw, page_hash = found.article, found.raw, found.page_hash
    return FetchedPage(url=url, link=link, article=article, raw=raw, page_hash=page_hash, fetched_at=NOW)


def make_contest(folder: Path, articles: int) -> Contest:
    """Over what `prepare` has written."""

    def run(side: str) -> Run:
        return Run(
            command=(*RUN_MODULE, "benchmarks.ingesting", side, str(folder)),
            read_units=lambda printed: check_done(side, *_read_counts(printed, articles)),
            is_self_timed=True,
        )

    return Contest(runs={side: run(side) for side in SIDES}, figures=(FIGURE,))


def _read_counts(printed: str, articles: int) -> tuple[int, int]:
    done = json.loads(printed)["done"]
    return done, articles - articles // 3


# ── one side, in a process ─────────────────────────────────────────────────────────────────────────────────────────


def ingest(folder: Path) -> Iterator[int]:
    database = folder / "ours" / "news.db"
    _clear(database)
    codec = Codec(Harvest)
    harvests = [codec.decode(line) for line in (folder / "harvests.jsonl").read_bytes().splitlines()]
    with Store.open_writer(database) as store:
        store.write_catalogue([make_source(number) for number in range(SOURCES)])
        rows = {row.source_id: row for row in store.get_due_channels(None)}
        desk = Ingest(
            store,
            sources=store.get_sources(set(rows)),
            settings=AggregatorSettings(),
            topics=load_topics(None),
            pages=PageFolder(database.parent / "pages"),
            keep_all=True,
            now=NOW,
        )
        cycle = store.start_cycle(NOW)
        for harvest in harvests:
            yield desk.write(harvest, cycle, rows[harvest.source_id]).articles


def insert(folder: Path) -> Iterator[int]:
    import sqlite_utils

    database = folder / "peer" / "news.db"
    _clear(database)
    table = sqlite_utils.Database(database).table("articles")
    for row in _load_rows(folder):
        table.insert(row, pk="url")
        yield 1


def insert_many(folder: Path) -> Iterator[int]:
    """The first row makes the table; the others are written at once."""
    database = folder / "floor" / "news.db"
    _clear(database)
    first, *rest = _load_rows(folder)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"CREATE TABLE articles ({', '.join(first)}, PRIMARY KEY (url))")
        sql = f"INSERT INTO articles VALUES ({', '.join(map(':{}'.format, first))})"
        third = len(rest) // 3
        for rows in (rest[:third], rest[third:]):
            with connection:
                connection.executemany(sql, rows)
            yield len(rows)


def _load_rows(folder: Path) -> list[dict[str, Any]]:
    hexed = [json.loads(line) for line in (folder / "rows.jsonl").read_text(encoding="utf-8").splitlines()]
    return [{**row, "page_hash": bytes.fromhex(row["page_hash"])} for row in hexed]


def _clear(database: Path) -> None:
    """With its pages: a database that is missing beside them is taken for lost."""
    shutil.rmtree(database.parent, ignore_errors=True)
    database.parent.mkdir()


SIDES = {"ours": ingest, "peer": insert, "floor": insert_many}


def time_last(steps: Iterable[int], whole: int) -> tuple[float, int]:
    """CPU seconds of what comes after the first third, and how many articles that was."""
    done, began, before = 0, time.process_time(), 0
    for count in steps:
        done += count
        if done <= whole // 3:
            began, before = time.process_time(), done
    return time.process_time() - began, done - before


def main(side: str, name: str) -> None:
    end_loading()  # as the service
    folder = Path(name)
    whole = sum(1 for _ in (folder / "rows.jsonl").open(encoding="utf-8"))
    seconds, done = time_last(SIDES[side](folder), whole)
    print(json.dumps({"cpu_seconds": seconds, "done": done}))
