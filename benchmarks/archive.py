"""A year of a newsroom, made up, as pages find it after a year of service: `make_year(folder / "news.db", 100_000)`.

Releases that up to forty portals carry, with what each changed; stories of up to thirty pieces of news; revisions;
564 sources with their days, polls and alarms; coverage counted, feeds filled.
"""
# ruff: noqa: SLF001 - the rows are made up

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from aggregator.differences import find_revision
from aggregator.feeds import list_feeds
from aggregator.instants import to_text
from aggregator.models import Channel, ChannelKind, City, Source, SourceKind
from aggregator.store import Store
from aggregator.times import WIB
from benchmarks.publishing import NOW, TOPICS, Maker

SOURCES = 564
YEAR, DAYS = timedelta(days=365), 400
POLL_DAYS, POLLS_A_DAY = 90, 6
COPIES = {1: 80, 2: 9, 3: 4, 5: 3, 8: 2, 15: 1, 40: 0.2}  # articles of a piece of news → how many of a hundred
STORIES = {1: 70, 2: 15, 3: 8, 6: 5, 12: 1.5, 30: 0.5}  # pieces of news of a story
RELEASES_AT_ONCE = 50
REVISED = 50  # one article of so many
ALARMS = ("dns", "challenge", "layout-changed", "dates-missing", "quiet")


class YearMaker(Maker):
    """Its articles carry the text of `release`, where there is one, with a paragraph of their own."""

    def __init__(self) -> None:
        super().__init__(SOURCES)
        self.dice = random.Random(13)
        self.release = ""

    def make_text(self) -> str:
        text = super().make_text()
        if not self.release:
            return text
        paragraphs = self.release.split("\n")
        paragraphs[self.dice.randrange(len(paragraphs))] = text.partition("\n")[0]
        return "\n".join(paragraphs)

    def draw(self, sizes: dict[int, float]) -> int:
        return self.dice.choices(list(sizes), list(sizes.values()))[0]


def make_year(database: Path, articles: int) -> None:
    """Writes the database: so many articles in the year before `NOW`, and all that goes with them."""
    maker = YearMaker()
    with Store.open_writer(database) as store:
        store.write_catalogue([make_source(number, maker.cities) for number in range(SOURCES)])
        _write_news(store, maker, articles)
        cycle = store.start_cycle(NOW - timedelta(minutes=10))
        with store.transaction():
            _tell_stories(store, maker)
            _revise(store, maker)
            write_days(store, maker.dice, DAYS)
            write_polls(store, maker.dice, cycle, POLL_DAYS)
            store.write_feeds(list_feeds(TOPICS, store.get_published_sources()), NOW)
            while ids := store.take_changed_groups(most=500):
                store.place_groups(ids, NOW)
        store.finish_cycle(cycle, NOW - timedelta(minutes=5), {})
        store.refresh_coverage(NOW)


def make_source(number: int, cities: Sequence[City]) -> Source:
    city = cities[number % len(cities)]
    return Source(
        id=f"portal-{number}",
        name=f"Portal {number}",
        domain=f"p{number}.example",
        kind=SourceKind.REGIONAL if number % 5 else SourceKind.CITY_GOVERNMENT,
        city=city.slug if number % 3 else None,
        channels=(Channel(kind=ChannelKind.FEED, url=f"https://p{number}.example/feed"),),
    )


def _write_news(store: Store, maker: YearMaker, articles: int) -> None:
    number = 0
    while number < articles:
        with store.transaction():
            for _ in range(RELEASES_AT_ONCE):
                size = min(maker.draw(COPIES), articles - number)
                if size:
                    _write_release(store, maker, range(number, number + size), NOW - YEAR * (1 - number / articles))
                number += size
        at = NOW - YEAR * (1 - number / articles)
        store.publish_groups(at + timedelta(minutes=1), archive_older_than=timedelta(days=36_500))


def _write_release(store: Store, maker: YearMaker, numbers: range, at: datetime) -> None:
    """A piece of news, in articles of these numbers; the first of them is what it is shown through."""
    group = store.add_group(0, at)
    members = [maker.add_article(store, numbers.start, at, group)]
    maker.release = store._value("SELECT text FROM articles WHERE id = :id", id=members[0])
    for number in numbers[1:]:
        members.append(maker.add_article(store, number, at, group))
        store._connection.execute(
            "INSERT INTO duplicate_edges VALUES (?, ?, 1, 'containment', 0.93, 0, 0.93, 0.88, ?)",
            (members[-1], members[0], to_text(at)),
        )
    maker.release = ""
    store.set_group(group, members[0], [], at)


def _tell_stories(store: Store, maker: YearMaker) -> None:
    """Pieces of news that follow one another are made stories."""
    groups = [row["id"] for row in store._rows("SELECT id FROM duplicate_groups ORDER BY id")]
    start = 0
    while start < len(groups):
        members = groups[start : start + maker.draw(STORIES)]
        start += len(members)
        cursor = store._connection.execute(
            """
            INSERT INTO stories (title, first_seen_at, last_seen_at, why, updated_at)
            SELECT min(title), min(published_at), max(published_at), '["wali","kota"]', max(published_at)
            FROM articles WHERE group_id BETWEEN ? AND ?
            """,
            (members[0], members[-1]),
        )
        store._connection.execute(
            "UPDATE duplicate_groups SET story_id = ?, is_told = 1 WHERE id BETWEEN ? AND ?",
            (cursor.lastrowid, members[0], members[-1]),
        )


def _revise(store: Store, maker: YearMaker) -> None:
    """Gives some articles a text that they had before."""
    for row in store._rows("SELECT id, title, text, published_at FROM articles WHERE id % :step = 0", step=REVISED):
        paragraphs = row["text"].split("\n")
        before = "\n".join([*paragraphs[:-1], maker.make_title()])
        difference = find_revision(row["title"], before, row["title"], row["text"])
        at = datetime.fromisoformat(row["published_at"])
        store.add_revision(row["id"], row["title"], before, difference.to_json(), at)


def write_days(store: Store, dice: random.Random, days: int) -> None:
    """What each source gave on each day, and what was wrong with some."""
    today = NOW.astimezone(WIB).date()
    store._connection.executemany(
        """
        INSERT INTO source_days (source_id, day_wib, polls, answered, requests, bytes, posts, articles, pages, bodied,
            dated, authored) VALUES (?, ?, ?, ?, 20, 300000, ?, ?, ?, ?, ?, ?)
        """,
        (
            (f"portal-{source}", (today - timedelta(days=day)).isoformat(), *_draw_day(dice))
            for day in reversed(range(days))
            for source in range(SOURCES)
        ),
    )
    alarms = []
    for number in range(SOURCES):
        for ago in range(number % 7 * 30 + 5, days, 120):
            since = NOW - timedelta(days=ago)
            until = None if number % 11 == 0 and ago < 30 else to_text(since + timedelta(days=4))
            alarms.append((f"portal-{number}", ALARMS[number % len(ALARMS)], to_text(since), until, "0 dari 12"))
    store._connection.executemany(
        "INSERT INTO alarms (source_id, code, since, until, detail) VALUES (?, ?, ?, ?, ?)", alarms
    )


def _draw_day(dice: random.Random) -> tuple[int, ...]:
    answered = POLLS_A_DAY if dice.random() < 0.95 else 0
    posts = dice.randrange(30) if answered else 0
    return (POLLS_A_DAY, answered, posts, posts // 12, posts // 4, posts // 4, posts // 4, posts // 6)


def write_polls(store: Store, dice: random.Random, cycle: int, days: int) -> None:
    channels = [row["id"] for row in store._rows("SELECT id FROM channels ORDER BY id")]
    store._connection.executemany(
        """
        INSERT INTO polls (cycle_id, channel_id, started_at, finished_at, outcome, http_status, reason, links, requests,
            articles, posts, bytes, code) VALUES (?, ?, ?, ?, ?, ?, ?, 20, 3, ?, ?, 30000, ?)
        """,
        (
            (cycle, channel, to_text(at), to_text(at + timedelta(seconds=4)), *_draw_poll(dice))
            for at in _list_polls(days)
            for channel in channels
        ),
    )
    store._connection.execute(
        "UPDATE channels SET last_success_at = ?, next_poll_at = ?, failures = (id % 20 = 0) * 9",
        (to_text(NOW - timedelta(minutes=20)), to_text(NOW + timedelta(hours=2))),
    )


def _list_polls(days: int) -> Iterator[datetime]:
    """Moments, the oldest first."""
    for number in range(days * POLLS_A_DAY, 0, -1):
        yield NOW - timedelta(days=1) * number / POLLS_A_DAY


def _draw_poll(dice: random.Random) -> tuple[object, ...]:
    """(outcome, status, reason, articles, posts, code)"""
    chance = dice.random()
    if chance < 0.03:
        return ("failed", 503, "HTTP 503", 0, 0, "server")
    return ("changed", 200, "", 1, 3, "") if chance < 0.4 else ("unchanged", 304, "", 0, 0, "")
