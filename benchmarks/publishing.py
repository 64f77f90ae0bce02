"""What feeds cost: `python -m benchmarks.publishing [--articles N] [--json]`.

A database of made-up articles: words by Zipf's law, a topic or two, cities, sources, a copy of every fifth. Measured in
CPU time are the rendering of 50 items in each format, a publish that changes five feeds of many beside one that
changes none, and searches as feeds over all the articles, from the request to the bytes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx

from aggregator.feeds import list_feeds
from aggregator.models import Evidence, RegionMatch, TopicMatch
from aggregator.publish.describing import Publisher, Subject, describe_feed
from aggregator.publish.documents import render_feed
from aggregator.publish.feed_info import Format
from aggregator.publish.publishing import publish_feeds
from aggregator.reference import load_cities
from aggregator.settings import AggregatorSettings
from aggregator.store import Store
from aggregator.web.app import create_app
from aggregator.web.site import SiteInfo

ARTICLES = 100_000
SOURCES = 300
SMALL = 2_000  # articles of the database that is published as files
VOCABULARY = 20_000
WORDS = 250
NOW = datetime(2026, 6, 1, 3, 0, tzinfo=UTC)
SITE = "https://kabarkota.example/"
TOPICS = {"apeksi": "APEKSI", "smart-city": "Kota cerdas"}
AT_ONCE = 20  # articles of a publish
SEARCHES = 40  # of each kind
_SAID = (Evidence(term="wali kota", place="title", offset=0, weight=1),)


class Maker:
    """Makes articles; the same ones each time."""

    def __init__(self, sources: int = SOURCES) -> None:
        self.random, self.sources = random.Random(7), sources
        syllables = [a + b for a in "bcdghjklmnprst" for b in "aeiou"]
        self.words = ["".join(self.random.choices(syllables, k=2 + n % 3)) for n in range(VOCABULARY)]
        self.weights = [1 / (place + 1) for place in range(VOCABULARY)]
        self.cities = load_cities()

    def make_text(self) -> str:
        words = self.random.choices(self.words, self.weights, k=WORDS)
        return "\n".join(" ".join(words[start : start + 30]).capitalize() + "." for start in range(0, WORDS, 30))

    def make_title(self) -> str:
        return " ".join(self.random.choices(self.words, self.weights, k=9)).capitalize()

    def fill(self, store: Store, articles: int, *, apart: timedelta) -> None:
        """Writes articles, each a group of its own but for the copies, so far apart; publishes some at a time."""
        with store.transaction():
            store._connection.executemany(  # noqa: SLF001 - made-up rows
                "INSERT INTO sources (id, name, domain, kind, timezone, language) VALUES (?, ?, ?, ?, ?, 'id')",
                [
                    (f"portal-{n}", f"Portal {n}", f"p{n}.example", "regional" if n % 5 else "city-government", "UTC")
                    for n in range(self.sources)
                ],
            )
        for start in range(0, articles, AT_ONCE):
            at = NOW - apart * (articles - start)
            with store.transaction():
                group = 0
                for number in range(start, min(start + AT_ONCE, articles)):
                    is_copy = number % 5 == 4 and group
                    group = group if is_copy else store.add_group(0, at)
                    article_id = self.add_article(store, number, at, group)
                    if not is_copy:
                        store.set_group(group, article_id, [], at)
            store.publish_groups(at + timedelta(minutes=1), archive_older_than=timedelta(days=36_500))

    def add_article(self, store: Store, number: int, at: datetime, group: int) -> int:
        source, host = f"portal-{number % self.sources}", f"p{number % self.sources}.example"
        url, text = f"https://{host}/{number}", self.make_text()
        store._connection.execute(  # noqa: SLF001 - made-up rows
            "INSERT INTO links (key, url, source_id, state, first_seen_at) VALUES (?, ?, ?, 'kept', ?)",
            (f"k{number}", url, source, at.isoformat()),
        )
        moment = (at - timedelta(minutes=self.random.random() * 300)).strftime("%Y-%m-%dT%H:%M:%SZ")
        article_id = store.add_article(
            {
                "url": url,
                "url_key": f"k{number}",
                "source_id": source,
                "group_id": group,
                "title": self.make_title(),
                "author": "Rina Datau",
                "text": text,
                "summary": "",
                "image": "",
                "published_at": moment,
                "published_offset": 420,
                "published_precision": "minute",
                "published_raw": "",
                "published_method": "meta",
                "language": "id",
                "tags": "[]",
                "declared_url": "",
                "extraction_method": "",
                "first_seen_at": moment,
            }
        )
        chosen = [topic for topic in TOPICS if self.random.random() < 0.6] or ["apeksi"]
        city = self.random.choices(self.cities, [1 / (n + 1) for n in range(len(self.cities))])[0]
        regions = [RegionMatch(code=city.code, name=city.full_name, kind="city", role="event", score=1)]
        store.write_matches(article_id, [TopicMatch(topic=topic, score=1, evidence=_SAID) for topic in chosen], regions)
        return article_id


def measure_rendering(store: Store) -> dict[str, float]:
    """Milliseconds for 50 items, by format."""
    feed = store.find_feed("all")
    assert feed is not None
    ids = [group_id for _, group_id in store.list_newest(feed.id, limit=50)]
    items = list(store.get_items(ids).values())
    publisher = Publisher(site_url=SITE, name="Kabar Kota", hubs=("https://hub.example/",))
    subject = Subject(name="all", title="", began=NOW)
    figures = {"read_ms": measure(lambda: store.get_items(ids))}
    for ending in Format:
        info = describe_feed(subject, publisher, ending, last_page="7")
        figures[f"render_{ending}_ms"] = measure(lambda info=info, ending=ending: render_feed(items, info, ending))
    return figures


def measure_publishing(store: Store, public: Path, maker: Maker) -> dict[str, float]:
    """Milliseconds of a publish that changes nothing, and of one with a new article."""
    settings = AggregatorSettings(site_url=SITE)
    clock = iter(NOW + timedelta(minutes=number) for number in range(1, 1_000))

    def publish() -> Any:
        return publish_feeds(store, public, settings, next(clock), topics=TOPICS)

    first = time.process_time()
    publish()
    figures = {"first_publish_ms": (time.process_time() - first) * 1000, "feeds": float(len(store.get_feeds()))}
    figures["unchanged_publish_ms"] = measure(publish)
    spent, changed = [], []
    for number in range(9):
        with store.transaction():
            at = next(clock)
            group = store.add_group(0, at)
            article_id = maker.add_article(store, 10**7 + number, at, group)
            store.set_group(group, article_id, [], at)
        began = time.process_time()
        changed.append(len({url.rpartition(".")[0] for url in publish().changed}))
        spent.append((time.process_time() - began) * 1000)
    return figures | {"changed_publish_ms": median(spent), "changed_feeds": median(changed)}


def measure_searches(database: Path, maker: Maker) -> dict[str, float]:
    """Milliseconds of a search, from the request to the bytes: by kind with what the client of the test costs, its
    quantiles without. At the moment of the newest article, for then feeds are longest."""
    site = SiteInfo(url=SITE)
    app = create_app(database=database, public=database.parent / "public", site=site, clock=lambda: NOW)
    with asyncio.Runner() as runner:
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url=SITE, headers={"accept-encoding": "identity"}
        )
        return time_searches(lambda path: runner.run(client.get(path)), maker)


def time_searches(get: Callable[[str], httpx.Response], maker: Maker) -> dict[str, float]:
    kinds: dict[str, list[float]] = {}
    for name, query in list_searches(maker):
        ending = list(Format)[len(kinds.get(name, ())) % 3]
        began = time.process_time()
        answer = get(f"/feeds/search.{ending}?{query}")
        kinds.setdefault(name, []).append((time.process_time() - began) * 1000)
        assert answer.status_code == 200, (query, answer.text)
    overhead = measure(lambda: get("/static/icon.svg"))
    every = [spent for found in kinds.values() for spent in found]
    figures = {f"search_{name}_ms": median(found) for name, found in kinds.items()}
    p95 = quantiles(every, n=20)[-1]
    return figures | {"search_p95_ms": p95 - overhead, "search_max_ms": max(every) - overhead, "client_ms": overhead}


def list_searches(maker: Maker) -> Iterator[tuple[str, str]]:
    choose = random.Random(11)
    for _ in range(SEARCHES):
        common, middling = choose.choice(maker.words[:20]), choose.choice(maker.words[100:1_000])
        rare, city = choose.choice(maker.words[5_000:]), choose.choice(maker.cities).slug
        portal = f"portal-{choose.randrange(SOURCES)}"
        yield "rare", f"q={rare}"
        yield "middling", f"q={middling}"
        yield "common", f"q={common}"
        yield "two_words", f"q={common}+{middling}"
        yield "phrase", f'q="{"+".join(maker.make_title().split()[2:4])}"'
        yield "word_and_city", f"q={common}&city={city}"
        yield "topic_and_city", f"topic=apeksi&city={city}"
        yield "source", f"source={portal}"
        yield "word_and_source", f"q={middling}&source={portal}"
        yield "old", f"since=3650d&city={city}&kind=city-government"
        yield "by_story", f"group=story&topic=smart-city&city={city}"


def measure(work: Callable[[], object], *, turns: int = 15) -> float:
    """Milliseconds of CPU, the median of some turns."""
    spent = []
    for _ in range(turns):
        began = time.process_time()
        work()
        spent.append((time.process_time() - began) * 1000)
    return median(spent)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.publishing", description=__doc__.partition("\n")[0])
    parser.add_argument("--articles", type=int, default=ARTICLES, help=f"that are searched ({ARTICLES})")
    parser.add_argument("--json", action="store_true", help="the figures alone, as JSON")
    options = parser.parse_args(arguments)
    figures: dict[str, float] = {"articles": options.articles}
    with tempfile.TemporaryDirectory(prefix="kabarkota-bench-") as name:
        folder = Path(name)
        maker = Maker()
        with Store.open_writer(folder / "small" / "news.db") as store:
            maker.fill(store, SMALL, apart=timedelta(hours=2))
            figures |= measure_publishing(store, folder / "small" / "public", maker)
            figures |= measure_rendering(store)
        maker = Maker()
        with Store.open_writer(folder / "large" / "news.db") as store:
            maker.fill(store, options.articles, apart=timedelta(minutes=10))
            began = time.process_time()
            with store.transaction():
                store.write_feeds(list_feeds(TOPICS, store.get_published_sources()), NOW)
                while ids := store.take_changed_groups(most=500):
                    store.place_groups(ids, NOW)
            figures["place_ms"] = (time.process_time() - began) * 1000 / options.articles
        figures |= measure_searches(folder / "large" / "news.db", maker)
    if not options.json:
        for figure, value in figures.items():
            print(f"{figure:<24}{value:>12.3f}")
    print(json.dumps({figure: round(value, 4) for figure, value in figures.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
