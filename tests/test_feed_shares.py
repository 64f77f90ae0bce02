"""A source that floods a feed does not crowd out the news of others: of the places it is sure of its share alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import feedparser
import httpx
import pytest
from feed_room import FeedRoom, PlainRoom
from feed_rules import find_faults
from feed_site import FeedSite, run_stage
from hypothesis import given
from hypothesis import strategies as st
from test_feeds import read_all, report, withdraw
from test_readers import Newsboat

from aggregator import feed_rows
from aggregator.feed_shares import share_out

MOST, SHARE, LEAST = 30, 6, 5
FLOOD = range(100, 160)


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FeedRoom]:
    """A crowded feed of 30 places, of which a source is sure of six."""
    monkeypatch.setattr(feed_rows, "FEED_MOST", MOST)
    room = PlainRoom(tmp_path, feed_items=LEAST)
    yield room
    room.store.close()


def tell(room: FeedRoom, *numbers: int, by: str = "banjir") -> None:
    for number in numbers:
        report(room, number, source=by)
    room.press()


def tell_of_others(room: FeedRoom, *, sources: int, news: int) -> None:
    for number in range(sources * news):
        report(room, number, source=f"kabar-{number % sources}")
    room.press()


def list_numbers(room: FeedRoom) -> list[int]:
    return [int(title.rpartition(" ")[2]) for title in room.read_titles("feed.json")]


def count_sources(room: FeedRoom, path: str = "feed.json") -> Counter[str]:
    """How many items of a document each source has."""
    told = dict(
        room.ask(
            "SELECT g.guid, a.source_id FROM duplicate_groups AS g JOIN articles AS a ON a.id = g.canonical_id"
            " WHERE g.guid NOT NULL"
        )
    )
    return Counter(told[guid] for guid in room.read(path))


# ── others keep their places ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_a_flood_takes_no_place_from_others(room: FeedRoom) -> None:
    tell_of_others(room, sources=3, news=4)
    before = room.read("feed.xml")
    tell(room, *FLOOD[:40])
    tell(room, *FLOOD[40:])
    after = room.read("feed.xml")
    assert set(before) <= set(after)
    assert count_sources(room) == {"banjir": 18, "kabar-0": 4, "kabar-1": 4, "kabar-2": 4}  # the places that are left
    assert set(list_numbers(room)[:18]) <= set(FLOOD[40:])
    assert [guid for guid in after if guid in before] == before
    assert room.read("feed.json") == after == room.read("feed.atom")


def test_where_others_need_the_places_it_has_its_share(room: FeedRoom) -> None:
    tell_of_others(room, sources=7, news=4)
    tell(room, *FLOOD)
    assert count_sources(room)["banjir"] == SHARE
    assert sum(count_sources(room).values()) == MOST
    assert set(list_numbers(room)[:SHARE]) <= set(FLOOD)
    assert count_sources(room, "feeds/topic/apeksi.json") == count_sources(room)


@pytest.mark.slow
def test_its_own_feed_and_the_archives_hold_all(room: FeedRoom) -> None:
    tell_of_others(room, sources=7, news=4)
    for start in range(100, 160, 20):
        tell(room, *range(start, start + 20))
        assert set(read_all(room, "feed.atom")) == room.list_published()
    assert count_sources(room, "feeds/source/banjir.json") == {"banjir": MOST}
    assert len(set(read_all(room, "feeds/source/banjir.atom"))) == 60


@pytest.mark.slow
def test_a_source_alone_may_have_them_all(room: FeedRoom) -> None:
    tell(room, *FLOOD)
    assert count_sources(room) == {"banjir": MOST}


def test_what_is_not_crowded_is_as_ever(room: FeedRoom) -> None:
    tell(room, 1, 2, by="kabar-0")
    tell(room, *FLOOD[:28])
    assert count_sources(room) == {"banjir": 28, "kabar-0": 2}
    assert room.ask("SELECT max(left_out_until) FROM feeds") == [(0,)]


# ── what left does not come back ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_what_was_left_out_does_not_come_back(room: FeedRoom) -> None:
    seen: dict[str, bool] = {}  # guid → whether it was in the last document

    def look() -> None:
        shown = set(room.read("feed.xml"))
        back = [guid for guid in shown if seen.get(guid) is False]
        assert not back
        seen.update({guid: guid in shown for guid in {*seen, *shown}})

    tell_of_others(room, sources=2, news=5)
    look()
    for start in range(0, 40, 4):
        tell(room, *FLOOD[start : start + 4])
        look()
    assert count_sources(room) == {"banjir": 20, "kabar-0": 5, "kabar-1": 5}
    room.press(minutes=30 * 60)
    tell(room, *range(20, 30), by="kabar-2")  # gets places
    look()
    assert count_sources(room) == {"banjir": 10, "kabar-0": 5, "kabar-1": 5, "kabar-2": 10}
    for _ in range(4):  # what is left gets too old by and by, and the feed emptier
        room.press(minutes=15 * 60)
        look()
    assert count_sources(room) == {"kabar-2": 10}
    tell(room, 50, by="kabar-0")
    look()


@pytest.mark.slow
def test_nothing_is_written_over_and_over(room: FeedRoom) -> None:
    tell_of_others(room, sources=3, news=4)
    tell(room, *FLOOD)
    assert room.press().files == 0
    assert room.ask("SELECT count(*) FROM feeds WHERE is_due") == [(0,)]
    assert room.press(everything=True).files == 0


@pytest.mark.slow
def test_old_news_leaves_in_time_beside_a_flood(room: FeedRoom) -> None:
    tell_of_others(room, sources=3, news=4)
    room.press(minutes=40 * 60)
    tell(room, *FLOOD)
    assert count_sources(room)["kabar-0"] == 4
    room.press(minutes=33 * 60)
    assert count_sources(room) == {"banjir": 18}  # what was left out is not told late
    assert room.press().files == 0


@pytest.mark.slow
def test_one_that_is_withdrawn_makes_room(room: FeedRoom) -> None:
    tell_of_others(room, sources=7, news=4)
    tell(room, *FLOOD)
    first = room.read("feed.json")[0]
    withdraw(room, first)
    room.press()
    assert first not in room.read("feed.json")
    assert count_sources(room)["banjir"] == SHARE


_NEWS = st.lists(st.tuples(st.sampled_from("aaaabcd"), st.integers(0, 20)), max_size=150)


@pytest.mark.slow
@given(history=_NEWS, looks=st.integers(1, 7))
def test_news_enters_once_and_leaves_once(history: list[tuple[str, int]], looks: int) -> None:
    """Whatever comes from whom, and when: no more than the places, others' newest first, nothing back."""
    places, share, least, span = 20, 5, 5, 60
    clock, until, left = 0, 0, set[int]()
    news: list[tuple[int, int, str]] = []
    shown: set[int] = set()
    for step, (source, pause) in enumerate(history):
        clock += 1 + pause // 8
        news.insert(0, (clock, clock, source))
        if step % looks:
            continue
        since = clock - span
        recent = sum(place >= since for place, *_ in news)
        window = share_out(
            news,
            places=max(least, min(places, recent)),
            share=share,
            least=least,
            since=since,
            left_out_until=until,
        )
        now = [place for place, _ in window.news]
        assert now == sorted(now, reverse=True)
        assert min(least, len(news)) <= len(now) <= places
        assert window.left_out_until >= until
        assert not left & set(now)
        by_source: dict[str, list[int]] = {}
        for place, _, who in news:
            by_source.setdefault(who, []).append(place)
        sure = sorted((place for each in by_source.values() for place in each[:share]), reverse=True)
        assert {place for place in sure[:places] if place >= since} <= set(now)
        left |= shown - set(now)
        shown, until = set(now), window.left_out_until


# ── readers ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_readers_follow_a_full_feed_with_a_flood(tmp_path: Path) -> None:
    """As it is in earnest: 500 places, of which a source is sure of a hundred."""
    with run_stage() as stage:
        site = FeedSite(tmp_path, stage)
        newsboats = {ending: Newsboat(tmp_path / ending, site.locate(f"feed.{ending}")) for ending in ("xml", "atom")}
        for number in range(40):
            report(site, number, source=f"kabar-{number % 4}")
        site.press()
        known = set(site.read("feed.xml"))
        for newsboat in newsboats.values():
            newsboat.reload()
        for start in (1_000, 1_240):
            for number in range(start, start + 240):
                report(site, number, source="banjir")
            site.press()
            for ending, newsboat in newsboats.items():
                newsboat.reload()
                kept = [row["guid"] for row in newsboat.list_items()]
                assert len(kept) == len(set(kept))
                assert set(site.read(f"feed.{ending}")) <= set(kept)
        assert count_sources(site) == {"banjir": 460, **{f"kabar-{number}": 10 for number in range(4)}}
        assert known <= set(site.read("feed.xml"))
        for ending in ("xml", "atom"):
            answer = httpx.get(site.locate(f"feed.{ending}"), trust_env=False, timeout=60)
            feed = feedparser.parse(answer.content)
            assert not feed.bozo
            assert [entry.id for entry in feed.entries] == site.read(f"feed.{ending}")
            assert find_faults(answer.content, url=site.locate(f"feed.{ending}")) == []
            again = httpx.get(
                site.locate(f"feed.{ending}"),
                headers={"if-none-match": answer.headers["etag"]},
                trust_env=False,
                timeout=60,
            )
            assert again.status_code == 304
        site.store.close()
