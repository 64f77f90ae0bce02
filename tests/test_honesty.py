"""What the views count is true: by publication and by discovery, over the sources that could tell, whatever happens."""

from __future__ import annotations

import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from newsdesk import NOW, OTHER, RELEASE, Newsroom

from aggregator.models import (
    ArticleLink,
    DatePrecision,
    ExtractedArticle,
    FetchedPage,
    PollOutcome,
    SourceKind,
)
from aggregator.takedown_log import LOG_FILE
from aggregator.takedowns import apply_takedowns

WIB, WITA, WIT = (timezone(timedelta(hours=hours)) for hours in (7, 8, 9))
TWO_CITIES = [
    "Pemerintah Kota Ambon dan Pemerintah Kota Ternate membuka ruang kendali smart city bersama pada awal pekan.",
    "Wali Kota Ambon dan Wali Kota Ternate menandatangani kerja sama itu di hadapan pengurus APEKSI di Kota Ambon.",
    "Program smart city Kota Ternate memantau dermaga, sedangkan program smart city Kota Ambon memantau muara sungai.",
    "Kedua kota akan bertukar data sampah laut setiap pagi, dan warga dapat melihatnya melalui dasbor yang sama.",
]
BOTH = "Ruang Kendali Smart City Dibuka di Ambon dan Ternate"  # its title


class Desk(Newsroom):
    """A newsroom whose clock is set, and whose portals print any date, or none."""

    def at(self, moment: datetime) -> Desk:
        self.minutes = round((moment - NOW) / timedelta(minutes=1))
        return self

    def find(
        self,
        source_id: str,
        slug: str,
        paragraphs: Sequence[str],
        *,
        published: datetime | None,
        precision: DatePrecision | None = DatePrecision.MINUTE,
        title: str = "",
        backfilled: bool = False,
    ) -> None:
        """An article is read now, in a cycle or by a backfill. Without `published` its page tells no date."""
        article = ExtractedArticle(
            title=title or f"APEKSI: {slug} menurut {source_id}",
            text="\n".join(paragraphs),
            published=published,
            published_precision=precision if published else None,
        )
        url = f"https://{source_id}.example/{slug}"
        page = FetchedPage(url=url, link=ArticleLink(url=url), article=article, fetched_at=self.now)
        if backfilled:
            self._enlist(source_id, SourceKind.REGIONAL)
            with self.store.transaction():
                self.store.count_day(source_id, self.now, requests=1)
                self._make_ingest(is_backfill=True).write_read(self.sources[source_id], (page,), ())
        else:
            self._ingest(source_id, SourceKind.REGIONAL, pages=(page,))

    def poll(self, source_id: str, outcome: PollOutcome) -> None:
        self._ingest(
            source_id, SourceKind.REGIONAL, {"outcome": outcome, "http_status": 503 if outcome == "failed" else 200}
        )

    def count(self) -> None:
        self.store.refresh_coverage(self.now)

    def look(self, view: str, columns: str, where: str = "TRUE") -> list[tuple[Any, ...]]:
        self.count()
        return self.ask(f"SELECT {columns} FROM {view} WHERE {where} ORDER BY 1")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.store.close()


def wib(day: int, hour: int = 9, minute: int = 0, zone: timezone = WIB) -> datetime:
    """A time of October 2026."""
    return datetime(2026, 10, day, hour, minute, tzinfo=zone)


# ── two clocks ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_found_late_counts_on_its_day_and_is_marked(desk: Desk) -> None:
    desk.at(wib(1)).poll("mula", PollOutcome.FAILED)
    desk.at(wib(1)).poll("lain", PollOutcome.UNCHANGED)
    desk.at(wib(2)).poll("mula", PollOutcome.FAILED)
    desk.at(wib(3)).find("mula", "kunjungan", RELEASE, published=wib(1, 8))
    days = "day_wib, news, articles, found_news, found_articles, sources_polled, sources_working, sources_down"
    assert desk.look("coverage_by_day", days) == [
        ("2026-10-01", 1, 1, 0, 0, 2, 1, 1),
        ("2026-10-02", 0, 0, 0, 0, 1, 0, 1),
        ("2026-10-03", 0, 0, 1, 1, 1, 1, 0),
    ]
    assert desk.look("coverage_by_topic", "day_wib, topic, news, sources_working") == [("2026-10-01", "apeksi", 1, 1)]
    assert desk.look("discovery_by_topic", "day_wib, topic, found_news") == [("2026-10-03", "apeksi", 1)]
    late = desk.look("article_overview", "published_day_wib, first_seen_day_wib, days_late, is_backfilled")
    assert late == [("2026-10-01", "2026-10-03", 2, 0)]


def test_source_that_was_down_is_named_and_lowers_the_denominator(desk: Desk) -> None:
    for day, outcomes in (
        (1, "failed unchanged"),
        (2, "failed failed"),
        (3, "unchanged refused"),
        (4, "failed changed"),
    ):
        for hour, outcome in zip((6, 18), outcomes.split(), strict=True):
            desk.at(wib(day, hour)).poll("mula", PollOutcome(outcome))
            desk.poll("lain", PollOutcome.UNCHANGED)
    assert desk.look("sources_down", "day_wib, source_id, polls") == [("2026-10-02", "mula", 2)]
    denominators = "day_wib, sources_polled, sources_working, sources_down"
    told = [(f"2026-10-0{day}", 2, 2 - (day == 2), int(day == 2)) for day in (1, 2, 3, 4)]
    assert desk.look("polls_by_day", denominators) == desk.look("coverage_by_day", denominators) == told
    assert desk.look("coverage_by_day", "news, articles, found_articles") == [(0, 0, 0)] * 4


def test_backfilled_article_is_marked_wherever_it_is_counted(desk: Desk) -> None:
    desk.at(wib(1)).find("lain", "bursa", OTHER, published=wib(1, 8))
    desk.at(wib(20)).find("mula", "kunjungan", RELEASE, published=wib(1, 7), backfilled=True)
    assert desk.look("article_overview", "source_id, is_backfilled, days_late") == [("lain", 0, 0), ("mula", 1, 19)]
    assert desk.look("news", "source_id, is_backfilled") == [("lain", 0), ("mula", 1)]
    assert desk.look("coverage_by_day", "day_wib, articles, backfilled, found_articles, found_backfilled") == [
        ("2026-10-01", 2, 1, 1, 0),
        ("2026-10-20", 0, 0, 1, 1),
    ]
    counted = {
        "coverage_by_topic": ("topic", [("apeksi", 2, 1)]),
        "coverage_by_city": ("city", [("kota-gorontalo", 1, 1)]),
        "coverage_by_province": ("province", [("dki-jakarta", 1, 0), ("gorontalo", 1, 1)]),
        "coverage_by_komwil": ("komwil", [(6, 1, 1)]),
        "coverage_by_source": ("source_id", [("lain", 1, 0), ("mula", 1, 1)]),
    }
    for view, (column, told) in counted.items():
        assert desk.look(view, f"{column}, articles, backfilled") == told, view
    assert desk.look("discovery_by_topic", "day_wib, found_articles, found_backfilled") == [
        ("2026-10-01", 1, 0),
        ("2026-10-20", 1, 1),
    ]


def test_a_day_on_which_nobody_was_asked_has_no_denominator(desk: Desk) -> None:
    desk.at(wib(9)).find("mula", "kunjungan", RELEASE, published=wib(1, 7), backfilled=True)
    asked = "sources_polled, sources_working, sources_down"
    assert desk.look("coverage_by_day", f"day_wib, {asked}") == [
        ("2026-10-01", None, None, None),
        ("2026-10-09", None, None, None),  # a backfill asks for what was, it cannot tell of what is
    ]
    assert desk.look("polls_by_day", "day_wib, polls") == desk.look("sources_down", "day_wib, polls") == []
    assert desk.look("coverage_by_topic", "topic, sources_working") == [("apeksi", None)]
    desk.at(wib(9, 20)).find("mula", "bursa", OTHER, published=wib(9, 19), backfilled=True)
    assert desk.look("coverage_by_source", "day_wib, polls, answered", "day_wib = '2026-10-09'") == [
        ("2026-10-09", None, None)
    ]


# ── days ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("published", "precision", "day", "weekday"),
    [
        pytest.param(wib(4, 23, 59), DatePrecision.MINUTE, "2026-10-04", "Sunday", id="the end of a day of Jakarta"),
        pytest.param(wib(5, 0, 0), DatePrecision.MINUTE, "2026-10-05", "Monday", id="the beginning of the next"),
        pytest.param(wib(4, 23, 30, WITA), DatePrecision.MINUTE, "2026-10-04", "Sunday", id="late in Makassar"),
        pytest.param(wib(5, 0, 30, WITA), DatePrecision.MINUTE, "2026-10-04", "Sunday", id="tomorrow in Makassar"),
        pytest.param(wib(5, 1, 59, WIT), DatePrecision.SECOND, "2026-10-04", "Sunday", id="tomorrow in Jayapura"),
        pytest.param(wib(5, 2, 0, WIT), DatePrecision.SECOND, "2026-10-05", "Monday", id="a new day for both"),
        pytest.param(wib(5, 0, 0, WIB), DatePrecision.DAY, "2026-10-05", "Monday", id="a day of Jakarta"),
        pytest.param(wib(5, 0, 0, WITA), DatePrecision.DAY, "2026-10-05", "Monday", id="a day of Makassar"),
        pytest.param(wib(5, 0, 0, WIT), DatePrecision.DAY, "2026-10-05", "Monday", id="a day of Jayapura"),
        pytest.param(
            datetime(2026, 10, 5, tzinfo=UTC), DatePrecision.DAY, "2026-10-05", "Monday", id="a day of a portal in UTC"
        ),
        pytest.param(None, None, "2026-10-06", "Tuesday", id="no date: the day on which it was found"),
    ],
)
def test_day_of_publication(
    desk: Desk, published: datetime | None, precision: DatePrecision | None, day: str, weekday: str
) -> None:
    desk.at(wib(6, 12)).find("mula", "kunjungan", RELEASE, published=published, precision=precision)
    desk.find("salin", "salinan", RELEASE, published=wib(6, 11))
    told = "published_day_wib, published_weekday_en, published_month, substr(published_wib, 1, 10)"
    assert desk.look("article_overview", told, "source_id = 'mula'") == [(day, weekday, "2026-10", day)]
    (late,) = desk.look("article_overview", "days_late", "source_id = 'mula'")
    assert late == (6 - int(day[-2:]),)
    counted = [row for row in desk.look("coverage_by_source", "source_id, day_wib, weekday_en") if row[0] == "mula"]
    assert counted == [("mula", day, weekday)]
    cube = desk.look("coverage", "day_wib, sum(articles)", "topic = '' AND place_kind = '' GROUP BY day_wib")
    assert dict(cube) == Counter([day, "2026-10-06"])
    expected = "none" if published is None else str(precision)
    assert desk.look("article_overview", "published_precision", "source_id = 'mula'") == [(expected,)]


# ── what counts once, twice, and no more ───────────────────────────────────────────────────────────────────────────


def test_news_on_two_cities_and_topics_counts_in_both_and_once_in_all(desk: Desk) -> None:
    desk.at(wib(1)).find("mula", "kerja-sama", TWO_CITIES, published=wib(1, 8), title=BOTH)
    desk.find("salin", "salinan", TWO_CITIES, published=wib(1, 9), title=BOTH)
    assert desk.look("coverage_by_day", "news, articles, sources") == [(1, 2, 2)]
    assert desk.look("coverage_by_topic", "topic, news, articles") == [("apeksi", 1, 2), ("smart-city", 1, 2)]
    assert desk.look("coverage_by_city", "city, news") == [("kota-ambon", 1), ("kota-ternate", 1)]
    assert desk.look("coverage_by_province", "province, news") == [("maluku", 1), ("maluku-utara", 1)]
    assert desk.look("coverage_by_komwil", "komwil, news, articles") == [(6, 1, 2)]
    assert desk.look("coverage", "topic, news", "place_kind = '' AND topic = ''") == [("", 1)]
    assert desk.look("coverage_by_source", "source_id, news, articles") == [("mula", 1, 1), ("salin", 0, 1)]


def test_what_was_taken_down_merged_or_withdrawn_leaves_every_count(desk: Desk) -> None:
    desk.at(wib(1)).find("mula", "kunjungan", RELEASE, published=wib(1, 8))
    desk.find("lain", "bursa", OTHER, published=wib(1, 8))
    desk.find("tiga", "kerja-sama", TWO_CITIES, published=wib(1, 8))
    assert desk.look("coverage_by_day", "news, found_news") == [(3, 3)]
    order = {"action": "takedown", "url": "https://mula.example/kunjungan", "reason": "uji"}
    order["asked_at"] = "2026-10-01T03:00:00Z"
    (desk.folder / LOG_FILE).write_text(json.dumps(order) + "\n", encoding="utf-8")
    assert apply_takedowns(desk.store, desk.now) == 1
    assert desk.look("coverage_by_day", "news, articles, found_news") == [(2, 2, 2)]
    assert desk.look("coverage_by_city", "city, news", "city = 'kota-gorontalo'") == []
    with desk.store.transaction():
        desk.store._connection.execute("UPDATE duplicate_groups SET withdrawn_at = '2026-10-01T03:00:00Z' WHERE id = 2")
    assert desk.look("coverage_by_day", "news, articles, found_news") == [(1, 1, 1)]
    assert desk.look("coverage_by_source", "source_id, news") == [("tiga", 1)]
    assert desk.look("news", "source_id, copies") == [("tiga", 1)]
    assert desk.look("discovery_by_topic", "topic, found_news") == [("apeksi", 1), ("smart-city", 1)]


# ── whatever happens ───────────────────────────────────────────────────────────────────────────────────────────────

TEXTS = (RELEASE, RELEASE[:4], OTHER, TWO_CITIES, [*TWO_CITIES[:3], *OTHER[:2]])
FINDS = st.fixed_dictionaries(
    {
        "source": st.sampled_from(("mula", "salin", "tiga")),
        "text": st.sampled_from(TEXTS),
        "age": st.one_of(st.none(), st.integers(0, 3 * 24 * 60)),  # minutes, at discovery
        "zone": st.sampled_from((WIB, WITA, WIT, UTC)),
        "precision": st.sampled_from((DatePrecision.MINUTE, DatePrecision.DAY)),
        "backfilled": st.booleans(),
    }
)
POLLS = st.fixed_dictionaries(
    {
        "source": st.sampled_from(("mula", "salin", "tiga")),
        "outcome": st.sampled_from((PollOutcome.FAILED, PollOutcome.UNCHANGED, PollOutcome.REFUSED)),
    }
)
STEPS = st.lists(st.tuples(st.integers(0, 2 * 24 * 60), st.one_of(FINDS, FINDS, POLLS)), min_size=1, max_size=7)
LEAVING = (
    "DELETE FROM articles WHERE id = 1",
    "UPDATE duplicate_groups SET withdrawn_at = '2026-10-30T00:00:00Z' WHERE id = 1",
    "UPDATE articles SET published_at = '2026-10-02T17:30:00Z', published_precision = 'minute' WHERE id = 1",
    "UPDATE articles SET published_at = published_at, published_precision = 'day', published_offset = 540",
    "DELETE FROM article_topics WHERE topic = 'smart-city'",
    "DELETE FROM article_regions WHERE article_id = 1",
)


@pytest.mark.slow
@settings(max_examples=40, derandomize=True)
@given(steps=STEPS, leaving=st.lists(st.sampled_from(LEAVING), max_size=2))
def test_views_are_what_a_recount_of_the_tables_gives(
    steps: list[tuple[int, dict[str, Any]]], leaving: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        try:
            moment = wib(1, 6)
            for number, (minutes, step) in enumerate(steps):
                moment += timedelta(minutes=minutes)
                take(desk.at(moment), number, step)
                if number % 3 == 2:
                    desk.count()
            for sql in leaving:
                with desk.store.transaction():
                    desk.store._connection.execute(sql)
            desk.count()
            check(desk)
        finally:
            desk.store.close()


def take(desk: Desk, number: int, step: dict[str, Any]) -> None:
    if "outcome" in step:
        desk.poll(step["source"], step["outcome"])
        return
    published = None
    if step["age"] is not None:
        published = (desk.now - timedelta(minutes=step["age"])).astimezone(step["zone"])
        if step["precision"] is DatePrecision.DAY:
            published = published.replace(hour=0, minute=0)
    facts = {name: step[name] for name in ("precision", "backfilled")}
    title = BOTH if step["text"] is TWO_CITIES else ""
    desk.find(step["source"], f"berita-{number}", step["text"], published=published, title=title, **facts)


class Recount:
    """Every count anew, from the tables, by nothing but Python."""

    def __init__(self, desk: Desk) -> None:
        groups = {
            row[0]: row for row in desk.ask("SELECT id, canonical_id, merged_into, withdrawn_at FROM duplicate_groups")
        }
        self.topics, self.places = defaultdict(set), defaultdict(set)
        for article, topic in desk.ask("SELECT article_id, topic FROM article_topics"):
            self.topics[article].add(topic)
        provinces = dict(desk.ask("SELECT code, slug FROM regions WHERE kind = 'province'"))
        for article, code, kind, slug, komwil in desk.ask(
            "SELECT ar.article_id, r.code, r.kind, r.slug, r.komwil FROM article_regions AS ar"
            " JOIN regions AS r ON r.code = ar.code WHERE ar.role = 'event'"
        ):
            if kind == "city":
                self.places[article] |= {("city", slug), ("komwil", str(komwil))}
            self.places[article].add(("province", provinces[code[:2]]))
        self.rows = []
        for number, source, at, precision, offset, seen, backfilled, group in desk.ask(
            "SELECT id, source_id, published_at, published_precision, published_offset, first_seen_at, backfilled,"
            " group_id FROM articles"
        ):
            _, canonical, merged, withdrawn = groups[group]
            if merged is None and withdrawn is None:
                published = find_day(at, offset if precision == "day" else 420)
                self.rows.append((number, source, published, find_day(seen, 420), backfilled, canonical == number))
        self.polls = defaultdict(dict)
        for day, source, polls, answered in desk.ask("SELECT day_wib, source_id, polls, answered FROM source_days"):
            if polls:
                self.polls[day][source] = (polls, answered)

    def working(self, day: str) -> int | None:
        return sum(answered > 0 for _, answered in self.polls[day].values()) if day in self.polls else None

    def count(self, keys: Callable[[int, str], set[Any]], *, by_discovery: bool = False) -> dict[tuple[Any, ...], Any]:
        """(day, *key) → news, articles, backfilled, sources."""
        counted: dict[tuple[Any, ...], list[Any]] = {}
        for number, source, published, found, backfilled, is_news in self.rows:
            for key in keys(number, source):
                cell = counted.setdefault((found if by_discovery else published, *key), [0, 0, 0, set()])
                cell[0] += is_news
                cell[1] += 1
                cell[2] += backfilled
                cell[3].add(source)
        return {key: (news, articles, old, len(sources)) for key, (news, articles, old, sources) in counted.items()}


def find_day(instant: str, offset: int) -> str:
    at: date = (datetime.fromisoformat(instant) + timedelta(minutes=offset)).date()
    return at.isoformat()


def check(desk: Desk) -> None:
    told = Recount(desk)

    def read(view: str, key: str, numbers: str, where: str = "TRUE") -> dict[tuple[Any, ...], tuple[Any, ...]]:
        width = len(key.split(","))
        rows = desk.ask(f"SELECT {key}, {numbers} FROM {view} WHERE {where}")
        found = {tuple(row[:width]): tuple(row[width:]) for row in rows}
        assert len(found) == len(rows), f"{view}: two rows of one {key}"
        return found

    def add_working(counted: dict[tuple[Any, ...], Any]) -> dict[tuple[Any, ...], Any]:
        return {key: (*numbers, told.working(key[0])) for key, numbers in counted.items()}

    numbers = "news, articles, backfilled, sources, sources_working"
    cube = told.count(
        lambda n, _: {(t, *p) for t in {"", *told.topics[n]} for p in {("", ""), *told.places[n]}},
    )
    assert read("coverage", "day_wib, topic, place_kind, place", numbers) == add_working(cube)
    topics = told.count(lambda n, _: {(topic,) for topic in told.topics[n]})
    assert read("coverage_by_topic", "day_wib, topic", numbers) == add_working(topics)
    for kind, key in (("city", "city"), ("province", "province"), ("komwil", "CAST(komwil AS TEXT)")):
        counted = told.count(lambda n, _, kind=kind: {(place,) for of, place in told.places[n] if of == kind})
        assert read(f"coverage_by_{kind}", f"day_wib, {key}", numbers) == add_working(counted)
    asked = {
        key: (*numbers[:3], *told.polls.get(key[0], {}).get(key[1], (None, None)))
        for key, numbers in told.count(lambda _, source: {(source,)}).items()
    }
    assert read("coverage_by_source", "day_wib, source_id", "news, articles, backfilled, polls, answered") == asked
    found = told.count(lambda n, _: {(topic,) for topic in told.topics[n]}, by_discovery=True)
    assert read(
        "discovery_by_topic", "day_wib, topic", "found_news, found_articles, found_backfilled, sources_working"
    ) == {key: (*numbers[:3], told.working(key[0])) for key, numbers in found.items()}
    check_days(told, read)


def check_days(told: Recount, read: Callable[..., dict[tuple[Any, ...], tuple[Any, ...]]]) -> None:
    published, found = told.count(lambda *_: {()}), told.count(lambda *_: {()}, by_discovery=True)
    days = {}
    for day in {key[0] for key in (*published, *found)} | set(told.polls):
        working, polled = told.working(day), len(told.polls[day]) if day in told.polls else None
        down = polled - working if polled is not None and working is not None else None
        nothing = (0, 0, 0, 0)
        days[(day,)] = (*published.get((day,), nothing), *found.get((day,), nothing)[:3], polled, working, down)
    columns = "news, articles, backfilled, sources, found_news, found_articles, found_backfilled"
    denominators = "sources_polled, sources_working, sources_down"
    assert read("coverage_by_day", "day_wib", f"{columns}, {denominators}") == days
    asked = {key: numbers[-3:] for key, numbers in days.items() if numbers[-1] is not None}
    assert read("polls_by_day", "day_wib", denominators) == asked
    silent = {(d, s): (p,) for d, polls in told.polls.items() for s, (p, answered) in polls.items() if not answered}
    assert read("sources_down", "day_wib, source_id", "polls") == silent
