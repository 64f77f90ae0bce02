"""When channels are asked: what is learnt of their rhythm, and what a portal or a failure changes."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from newsdesk import RELEASE, Newsroom

from aggregator.models import ArticleLink, ChannelKind, HostTraffic, PollOutcome, SourceKind
from aggregator.polling import (
    BOUNDS,
    HARD,
    LONGEST_WAIT,
    SOFT,
    TEMPORARY,
    Rhythm,
    leave_blackout,
    plan_page_retry,
    plan_poll,
    plan_retry,
    weigh_failure,
)

sys.path.insert(0, str(ROOT))  # the benchmarks are not installed

from benchmarks import scheduling
from benchmarks.polling import compare

ZONE = ZoneInfo("Asia/Makassar")
MONDAY = datetime(2026, 10, 5, 0, 0, tzinfo=ZONE)
USUAL = timedelta(minutes=15)
HOUR = timedelta(hours=1)


def plan(rhythm: Rhythm, now: datetime = MONDAY, kind: ChannelKind = ChannelKind.FEED, chance: float = 0.5) -> float:
    """In usual intervals."""
    return (plan_poll(rhythm, now, kind=kind, usual=USUAL, zone=ZONE, chance=chance) - now) / USUAL


def watch(posts_at: list[int], *, weeks: int = 4, weekdays: range = range(7)) -> Rhythm:
    """A channel that posts once in each of these hours, on these weekdays, and is asked every hour."""
    rhythm = Rhythm(seen_until=MONDAY)
    for hours in range(1, weeks * 7 * 24 + 1):
        before = MONDAY + (hours - 1) * HOUR
        rhythm = rhythm.observe(before + HOUR, before.hour in posts_at and before.weekday() in weekdays, ZONE)
    return rhythm


def test_a_new_channel_is_asked_at_the_usual_interval() -> None:
    assert plan(Rhythm()) == pytest.approx(1)
    assert plan(Rhythm().observe(MONDAY, 50, ZONE)) == pytest.approx(1)  # a first poll's posts have any age


def test_who_posts_four_times_as_often_is_asked_twice_as_often() -> None:
    often, usual, seldom = (Rhythm(posts=1_000 * rate, hours=1_000) for rate in (4, 1, 0.25))
    assert plan(usual) == pytest.approx(1)
    assert plan(often) == pytest.approx(1 / 2, rel=0.01)
    assert plan(seldom) == pytest.approx(2, rel=0.01)


def test_hours_and_weekdays_are_learnt() -> None:
    office = watch([9, 10, 11, 13, 14, 15], weekdays=range(5))
    at_ten, at_midnight = plan(office, MONDAY + 10 * HOUR), plan(office, MONDAY + 23 * HOUR)
    assert at_ten < at_midnight / 2
    assert plan(office, MONDAY + timedelta(days=6, hours=10)) > 1.5 * at_ten  # Sunday
    early = plan(office, MONDAY + 7.9 * HOUR)
    assert early < timedelta(hours=3) / USUAL  # the wait ends soon after the office opens, whatever the night was like


def test_old_habits_are_forgotten() -> None:
    rhythm = watch(list(range(24)))
    busy = plan(rhythm)
    for days in range(29, 29 + 120):
        rhythm = rhythm.observe(MONDAY + timedelta(days=days), 0, ZONE)
    assert plan(rhythm) > 4 * busy


def test_posts_after_a_long_gap_count_without_telling_their_hour() -> None:
    rhythm = Rhythm(seen_until=MONDAY).observe(MONDAY + timedelta(days=3), 30, ZONE)
    assert rhythm.posts == 30
    assert sum(rhythm.by_hour) == sum(rhythm.by_day) == 0


def test_a_clock_that_went_back_is_survived() -> None:
    rhythm = watch([9])
    assert rhythm.seen_until is not None
    assert rhythm.observe(rhythm.seen_until - HOUR, 5, ZONE) == rhythm
    back = rhythm.observe(MONDAY, 5, ZONE)  # by weeks: it had been ahead, and learning goes on from here
    assert (back.posts, back.seen_until) == (rhythm.posts, MONDAY)
    assert back.observe(MONDAY + HOUR, 5, ZONE).posts > back.posts


@given(
    posts=st.floats(0, 1e9),
    hours=st.floats(0, 1e6),
    chance=st.floats(0, 1),
    kind=st.sampled_from(ChannelKind),
    minute=st.integers(0, 7 * 24 * 60),
)
@settings(deadline=None)
def test_every_interval_is_within_the_bounds_of_its_kind(
    posts: float, hours: float, chance: float, kind: ChannelKind, minute: int
) -> None:
    wait = plan(Rhythm(posts=posts, hours=hours), MONDAY + timedelta(minutes=minute), kind, chance)
    least, most = BOUNDS[kind]
    assert 0.899 * least <= wait <= 1.101 * most


def test_intervals_are_shaken_apart() -> None:
    assert plan(Rhythm(), chance=0.0) == pytest.approx(0.9)
    assert plan(Rhythm(), chance=1.0) == pytest.approx(1.1)


def test_a_rhythm_is_kept_as_it_is() -> None:
    rhythm = watch([9, 15], weeks=1)
    kept = Rhythm.from_json(rhythm.to_json())
    assert kept.seen_until == rhythm.seen_until
    assert kept.by_hour == pytest.approx(rhythm.by_hour, abs=0.001)
    assert kept.rate == pytest.approx(rhythm.rate, rel=0.001)
    assert Rhythm.from_json("") == Rhythm()
    assert Rhythm.from_json(Rhythm().to_json()) == Rhythm()


@pytest.mark.parametrize(
    ("status", "weight"),
    [
        (503, TEMPORARY),
        (429, TEMPORARY),
        (522, TEMPORARY),
        (0, SOFT),
        (404, HARD),
        (403, HARD),
        (200, HARD),  # something else than a feed
    ],
)
def test_failures_weigh_differently(status: int, weight: float) -> None:
    assert weigh_failure(status) == weight


def test_a_failing_channel_is_asked_ever_less_often_but_for_ever() -> None:
    waits = [(plan_retry(strikes, MONDAY, usual=USUAL, chance=0.5) - MONDAY) / USUAL for strikes in range(12)]
    assert waits[:4] == pytest.approx([1, 2, 4, 8])
    assert waits[-1] == LONGEST_WAIT / USUAL
    assert plan_retry(10_000_000, MONDAY, usual=USUAL, chance=1.0) == MONDAY + LONGEST_WAIT


@pytest.mark.slow
def test_posts_are_seen_far_earlier_than_with_even_intervals_at_equal_requests() -> None:
    figures = compare(channels=60)
    assert figures["adaptive"].mean <= 0.7 * figures["uniform"].mean
    assert figures["proportional"].requests == pytest.approx(figures["adaptive"].requests, rel=0.01)


def test_no_channel_of_a_thousand_is_missed_in_a_minute() -> None:
    figures = scheduling.run(1_000)
    assert figures["missed"] == 0
    assert figures["due"] == 67


# ── in the database ────────────────────────────────────────────────────────────────────────────────────────────────


def read_wait(newsroom: Newsroom) -> timedelta:
    """From the last poll of the only channel to its next one."""
    ((at,),) = newsroom.ask("SELECT next_poll_at FROM channels")
    return datetime.fromisoformat(at).astimezone(UTC) - newsroom.now


def read_rhythm(newsroom: Newsroom) -> Rhythm:
    (row,) = newsroom.store.get_due_channels(None)
    return Rhythm.from_json(row.rhythm)


def test_a_channel_learns_from_what_was_never_seen_before(newsroom: Newsroom) -> None:
    for number in range(30):
        newsroom.publish_at("ramai", f"kabar-{number}", [*RELEASE[:3], f"Kabar {number}."], title=f"APEKSI {number}")
        newsroom.minutes += 10
    assert read_rhythm(newsroom).posts == pytest.approx(29, rel=0.01)
    assert read_rhythm(newsroom).hours == pytest.approx(29 / 6, rel=0.01)
    newsroom.minutes -= 10
    assert read_wait(newsroom) < timedelta(minutes=10)
    newsroom.minutes += 10
    newsroom.publish_at("ramai", "kabar-0", [*RELEASE[:3], "Kabar 0."], title="APEKSI 0")  # seen before
    assert read_rhythm(newsroom).posts == pytest.approx(29, rel=0.01)
    assert newsroom.ask("SELECT posts FROM polls ORDER BY id DESC LIMIT 2") == [(0,), (1,)]


def test_failures_lengthen_the_wait_and_an_answer_ends_it(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kabar", RELEASE)
    for _ in range(4):
        newsroom.fail("mula", status=404)
    assert read_wait(newsroom) > timedelta(hours=3)
    (row,) = newsroom.store.get_due_channels(None)
    assert (row.failures, row.strikes) == (4, 4 * HARD)
    newsroom.publish_at("mula", "lagi", RELEASE[:4])
    (row,) = newsroom.store.get_due_channels(None)
    assert (row.failures, row.strikes) == (0, 0)
    assert read_wait(newsroom) < timedelta(minutes=30)


def make_traffic(newsroom: Newsroom, requests: int, *, rest: timedelta = timedelta(0)) -> tuple[HostTraffic, ...]:
    return (HostTraffic(host="mula.example", requests=requests, bytes=0, free_at=newsroom.now + rest),)


def test_a_host_whose_requests_of_the_day_are_used_up_is_left_alone_until_the_next(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kabar", RELEASE)
    newsroom.answer("mula", traffic=make_traffic(newsroom, 1_998))
    assert read_wait(newsroom) < timedelta(hours=2)
    newsroom.answer("mula", traffic=make_traffic(newsroom, 2))
    midnight = newsroom.now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    assert midnight <= newsroom.now + read_wait(newsroom) <= midnight + timedelta(hours=1)
    newsroom.minutes += 24 * 60
    newsroom.answer("mula", traffic=make_traffic(newsroom, 1))
    assert read_wait(newsroom) < timedelta(hours=2)


def test_what_the_portal_asks_for_is_kept(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kabar", RELEASE)
    newsroom.fail("mula", status=503, retry_after_seconds=7_200)
    assert read_wait(newsroom) == timedelta(hours=2)
    newsroom.answer("mula", ttl_minutes=180)
    assert read_wait(newsroom) == timedelta(hours=3)
    newsroom.answer("mula", ttl_minutes=999_999)
    assert read_wait(newsroom) == LONGEST_WAIT
    newsroom.answer("mula", fresh_seconds=3 * 3600)
    assert read_wait(newsroom) == timedelta(hours=3)
    newsroom.answer("mula", fresh_seconds=24 * 3600)  # longer than any interval of a feed
    assert read_wait(newsroom) == timedelta(hours=6)


# ── hosts, blackouts, pages ────────────────────────────────────────────────────────────────────────────────────────


def test_a_crawl_delay_of_an_hour_is_kept_between_polls(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kabar", RELEASE)
    newsroom.answer("mula", traffic=make_traffic(newsroom, 1, rest=timedelta(hours=1)))
    assert read_wait(newsroom) >= timedelta(hours=1)
    assert newsroom.store.get_held_hosts(newsroom.now) == (("mula.example", newsroom.now + timedelta(hours=1)),)
    assert newsroom.store.get_held_hosts(newsroom.now + timedelta(hours=1)) == ()


WIB = ZoneInfo("Asia/Jakarta")


@pytest.mark.parametrize(
    ("clock", "blackout", "expected"),
    [
        ("10:00", [], "10:00"),
        ("10:00", ["07:00-09:00"], "10:00"),
        ("08:15", ["07:00-09:00"], "09:00"),
        ("07:00", ["07:00-09:00"], "09:00"),
        ("09:00", ["07:00-09:00"], "09:00"),
        ("23:30", ["22:00-05:00"], "05:00"),
        ("04:59", ["22:00-05:00"], "05:00"),
        ("08:00", ["07:00-09:00", "09:00-11:00"], "11:00"),
        ("08:00", ["09:00-11:00", "07:00-09:30"], "11:00"),
        ("08:00", ["00:00-12:00", "12:00-00:00"], "08:00"),  # a day later, but not never
    ],
)
def test_blackouts_are_left_at_their_end(clock: str, blackout: list[str], expected: str) -> None:
    hour, minute = map(int, clock.split(":"))
    due = datetime(2026, 10, 5, hour, minute, tzinfo=WIB).astimezone(UTC)
    left = leave_blackout(due, blackout, WIB)
    assert left.astimezone(WIB).strftime("%H:%M") == expected
    assert due <= left <= due + timedelta(days=1)


def test_a_page_that_fails_is_asked_ever_later(newsroom: Newsroom) -> None:
    waits = [plan_page_retry(attempts, newsroom.now) - newsroom.now for attempts in range(1, 9)]
    assert waits[:3] == [timedelta(minutes=15), timedelta(minutes=30), timedelta(hours=1)]
    assert sum(waits, timedelta(0)) > timedelta(days=2)  # an outage of a day loses no article


def test_a_page_that_failed_waits_its_time(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kabar", RELEASE)
    newsroom.lose("mula", "sibuk", status=503)
    assert newsroom.store.get_pending_links("mula", newsroom.now) == ()
    (waiting,) = newsroom.store.get_pending_links("mula", newsroom.now + timedelta(minutes=15))
    assert waiting.attempts == 1


def test_what_a_limit_left_unread_is_read_soon(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kabar", RELEASE)
    newsroom.minutes += 30 * 24 * 60
    newsroom.answer("mula")
    assert read_wait(newsroom) > timedelta(hours=1)  # it posts next to nothing
    left = ArticleLink(url="https://mula.example/panjang")
    newsroom._ingest("mula", SourceKind.REGIONAL, {"outcome": PollOutcome.CHANGED}, deferred=(left,))
    assert read_wait(newsroom) <= timedelta(minutes=5)
