"""An article without an hour counts on the day that its page tells, whoever asks for days; instants stay instants."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from feed_room import FeedRoom
from newsdesk import NOW, OTHER, RELEASE

from aggregator.article_building import build_row
from aggregator.article_rows import ArticleSearch
from aggregator.article_walk_rows import ArticleFilter
from aggregator.bounds import Bound, read_since, read_until
from aggregator.exports.question import Question
from aggregator.exports.table import find_export
from aggregator.models import ArticleLink, DatePrecision, ExtractedArticle, FetchedPage, Source
from aggregator.periods import Period
from aggregator.rule_rows import PUBLISHED_DAY
from aggregator.search_rows import Search
from aggregator.search_terms import read_terms, write_match
from aggregator.store import Store
from aggregator.trend_rows import Subject

Ask = Callable[[Store, Bound, Bound], set[int]]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """1 tells the 5th in Jayapura without an hour, 2 was published at that midnight, the 4th in Jakarta."""
    room = FeedRoom(tmp_path_factory.mktemp("days"))
    room.publish_at("tanpa", "kunjungan", RELEASE)
    room.publish_at("dengan", "bursa", OTHER)
    room.store._connection.execute("UPDATE articles SET published_at = '2026-10-04T15:00:00Z', published_offset = 540")
    room.store._connection.execute("UPDATE articles SET published_precision = 'day' WHERE id = 1")
    room.store._connection.commit()
    room.press()
    room.store.refresh_coverage(NOW)
    return room.store


def _search(store: Store, since: Bound, until: Bound) -> set[int]:
    search = Search(feeds=(), match="", since=since, until=until, with_archive=True, by_story=False, before=None)
    return {*store.get_canonicals(store.search(search, limit=9)).values()}


def _search_words(store: Store, since: Bound, until: Bound) -> set[int]:
    match = write_match(read_terms("apeksi"))
    search = Search(feeds=(), match=match, since=since, until=until, with_archive=True, by_story=False, before=None)
    return {*store.get_canonicals(store.search(search, limit=9)).values()}


def _search_copies(store: Store, since: Bound, until: Bound) -> set[int]:
    match = write_match(read_terms("apeksi"))
    return {*store.search_articles(ArticleSearch(match=match, since=since, until=until), limit=9)}


def _export(store: Store, since: Bound, until: Bound) -> set[int]:
    question = Question(since=since, until=until)
    with store.snapshot():
        found = store.iterate_export(find_export("articles"), ["article_id"], question)
        return {number for (numbers,) in found for number in numbers}


@pytest.mark.parametrize("ask", [_search, _search_words, _search_copies, _export])
@pytest.mark.parametrize(
    ("since", "until", "found"),
    [
        ("2026-10-05", "2026-10-05", {1}),
        ("2026-10-04", "2026-10-04", {2}),
        ("2026-10-04", "today", {1, 2}),
        ("2026-10-06", "2026-10-06", set()),
        ("2026-10-05", "2026-10-04T15:00:01Z", {1}),
        ("2026-10-04T22:00", "2026-10-04T22:00:01+07:00", {1, 2}),
        ("2026-10-04T15:00:01Z", "today", set()),
        ("2026-10-04T00:00Z", "2026-10-04", {2}),
    ],
)
def test_days_are_those_that_pages_tell(store: Store, ask: Ask, since: str, until: str, found: set[int]) -> None:
    assert ask(store, read_since(since, NOW), read_until(until, NOW)) == found


@pytest.mark.parametrize(("day", "found"), [(4, {2}), (5, {1}), (6, set())])
def test_what_is_behind_a_chart_is_what_it_counts(store: Store, day: int, found: set[int]) -> None:
    wanted = date(2026, 10, day)
    news = store.list_recent_news([Subject()], Period(since=wanted, until=wanted), most=9)
    assert {each.article_id for each in news} == found
    assert len(store.get_stories_of_day(Subject(), wanted, most=9)) == len(found)
    (counted,) = store.get_coverage(since=wanted, until=wanted)
    assert counted.news == len(found)


def test_the_api_begins_with_the_day(store: Store) -> None:
    for since, found in (("2026-10-05", [1]), ("2026-10-04", [2, 1]), ("2026-10-06", [])):
        asked = ArticleFilter(since=read_since(since, NOW))
        assert store.find_articles(asked, None, limit=9)[0] == found, since


def test_the_rule_is_that_of_the_views(store: Store) -> None:
    for (sql,) in store._connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'articles_by_day'"):
        assert PUBLISHED_DAY.replace("a.", "") in " ".join(sql.split())
    differing = f"""
        SELECT o.article_id FROM article_overview AS o JOIN articles AS a ON a.id = o.article_id
        WHERE o.published_day_wib <> {PUBLISHED_DAY}
    """
    assert store._connection.execute(differing).fetchall() == []


def test_days_are_found_by_an_index(store: Store) -> None:
    question = Question(since=read_since("2026-10-05", NOW), until=read_until("2026-10-05", NOW))
    where, values = store._make_where(find_export("articles"), question)
    plan = store._connection.execute(f"EXPLAIN QUERY PLAN SELECT * FROM article_overview {where}", values).fetchall()
    assert any("published_at>? AND published_at<?" in row["detail"] for row in plan), [row["detail"] for row in plan]


@pytest.mark.parametrize(
    ("text", "at", "day", "is_day"),
    [
        ("2026-10-01", "2026-09-30T17:00", "2026-10-01", True),
        ("Today", "2026-10-04T17:00", "2026-10-05", True),
        ("7d", "2026-09-28T08:00", "2026-09-28", False),
        ("2026-10-01T08:00", "2026-10-01T01:00", None, False),
        ("2026-10-01 08:00", "2026-10-01T01:00", None, False),
        ("9999-12-31T23:59:59-23:59", "9999-12-30T00:00", None, False),
        ("0001-01-01T00:00+14:00", "1970-01-01T00:00", None, False),
        ("999999d", "1970-01-01T00:00", "1970-01-01", False),
    ],
)
def test_what_a_time_means(text: str, at: str, day: str | None, is_day: bool) -> None:
    found = read_since(text, NOW)
    assert found.at == datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert (found.day and str(found.day), found.is_day, found.text) == (day, is_day, text)


def test_a_place_has_the_same_codes_everywhere(store: Store) -> None:
    ((komwil, code),) = store._connection.execute("SELECT komwil, code FROM regions WHERE slug = 'kota-gorontalo'")
    assert store.list_codes("city", "kota-gorontalo") == [code]
    for kind, slug in (("province", "gorontalo"), ("komwil", str(komwil))):
        assert code in store.list_codes(kind, slug)


@pytest.mark.parametrize(
    ("read_at", "told", "precision", "kept"),
    [
        ("2026-10-05T16:20Z", "2026-10-06T00:00+07:00", DatePrecision.DAY, ("2026-10-05T17:00:00Z", 420, "day")),
        ("2026-10-05T14:01Z", "2026-10-06T00:00+09:00", DatePrecision.DAY, ("2026-10-05T15:00:00Z", 540, "day")),
        ("2026-10-05T16:20Z", "2026-10-06T00:00+07:00", DatePrecision.MINUTE, ("2026-10-05T16:20:00Z", 420, "minute")),
        ("2026-10-05T15:20Z", "2026-10-06T00:00+07:00", DatePrecision.DAY, ("2026-10-05T15:20:00Z", 0, "none")),
        ("2026-10-05T18:00Z", "2026-10-06T00:00+07:00", DatePrecision.DAY, ("2026-10-05T17:00:00Z", 420, "day")),
    ],
    ids=["ahead", "ahead in Jayapura", "instant", "too far ahead", "come"],
)
def test_a_day_that_a_portals_clock_is_ahead_with_stays_a_day(
    read_at: str, told: str, precision: DatePrecision, kept: tuple[str, int, str]
) -> None:
    now = datetime.fromisoformat(read_at)
    article = ExtractedArticle(title="Rakernas", published=datetime.fromisoformat(told), published_precision=precision)
    link = ArticleLink(url="https://uji.example/rakernas")
    page = FetchedPage(url=link.url, link=link, article=article, fetched_at=now)
    row = build_row(page, Source(id="uji", name="Uji", domain="uji.example"), now)
    assert (row["published_at"], row["published_offset"], row["published_precision"]) == kept
