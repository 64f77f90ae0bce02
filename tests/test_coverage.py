"""Coverage by day, topic and place, as the writer counts it; and what counts as a spike."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from newsdesk import NOW, OTHER, RELEASE, Newsroom

from aggregator.coverage_rows import CoverageSum
from aggregator.spikes import Spike, find_spikes

TODAY = date(2026, 10, 5)
RECOUNTED = """
    SELECT date(a.published_at, '+7 hours'), t.topic, count(*), sum(a.id = g.canonical_id)
    FROM articles AS a JOIN duplicate_groups AS g ON g.id = a.group_id JOIN article_topics AS t ON t.article_id = a.id
    WHERE g.merged_into IS NULL AND g.withdrawn_at IS NULL GROUP BY 1, 2
"""


def count(newsroom: Newsroom, region: str = "", topic: str = "", day: date = TODAY) -> tuple[int, int]:
    newsroom.store.refresh_coverage(NOW)
    (found,) = newsroom.store.get_coverage(topic, region, since=day, until=day)
    return found.news, found.articles


def test_copies_are_articles_and_one_piece_of_news(newsroom: Newsroom) -> None:
    newsroom.publish_at("satu", "kunjungan", RELEASE)
    newsroom.publish_at("dua", "salinan", RELEASE)
    newsroom.publish_at("tiga", "bursa", OTHER)
    assert count(newsroom) == (2, 3)
    for region in ("city/kota-gorontalo", "province/gorontalo", "komwil/6"):
        assert count(newsroom, region) == (1, 2), region
    assert count(newsroom, "city/kota-ambon") == (0, 0)
    assert count(newsroom, topic="apeksi") == (2, 3)


def test_what_goes_is_counted_no_more(newsroom: Newsroom) -> None:
    newsroom.publish_at("satu", "kunjungan", RELEASE)
    newsroom.publish_at("tiga", "bursa", OTHER)
    assert count(newsroom) == (2, 2)
    change(newsroom, "UPDATE duplicate_groups SET withdrawn_at = '2026-10-05T09:00:00Z' WHERE canonical_id = 1")
    assert count(newsroom, "city/kota-gorontalo") == (0, 0)
    assert count(newsroom) == (1, 1)
    change(newsroom, "DELETE FROM articles")
    assert count(newsroom) == (0, 0)
    assert newsroom.store.get_coverage_span() is None


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE articles SET published_at = '2026-10-03T17:00:00Z' WHERE id = 1",  # midnight of the 4th in Jakarta
        "DELETE FROM article_topics WHERE article_id = 2",
        "DELETE FROM article_regions",
        "UPDATE duplicate_groups SET canonical_id = 2",
        "DELETE FROM articles WHERE id = 2",
    ],
)
def test_counts_follow_what_changes(newsroom: Newsroom, sql: str) -> None:
    newsroom.publish_at("satu", "kunjungan", RELEASE)
    newsroom.publish_at("dua", "salinan", RELEASE)
    count(newsroom)
    change(newsroom, sql)
    newsroom.store.refresh_coverage(NOW)
    stored = "SELECT day_wib, topic, articles, news FROM coverage_days WHERE topic <> '' AND region = ''"
    assert read(newsroom, stored) == read(newsroom, RECOUNTED)
    assert newsroom.store.refresh_coverage(NOW) == 0


def test_days_on_which_nobody_was_asked_are_told_apart(newsroom: Newsroom) -> None:
    newsroom.publish_at("satu", "kunjungan", RELEASE)
    newsroom.fail("satu", status=500)
    newsroom.store.refresh_coverage(NOW)
    yesterday, today = newsroom.store.get_coverage(since=TODAY - timedelta(days=1), until=TODAY)
    assert (yesterday.day, yesterday.news, yesterday.working) == (TODAY - timedelta(days=1), 0, None)
    assert (today.news, today.working) == (1, 1)


def test_a_time_is_summed_by_place(newsroom: Newsroom) -> None:
    newsroom.publish_at("satu", "kunjungan", RELEASE)
    newsroom.publish_at("tiga", "bursa", OTHER)
    newsroom.store.refresh_coverage(NOW)
    sums = newsroom.store.sum_coverage(since=TODAY - timedelta(days=6), until=TODAY)
    assert (sums[""], sums["komwil/6"]) == (CoverageSum(news=2, articles=2), CoverageSum(news=1, articles=1))
    assert newsroom.store.sum_coverage(since=TODAY - timedelta(days=6), until=TODAY - timedelta(days=1)) == {}
    assert newsroom.store.get_coverage_span() == (TODAY, TODAY)


def change(newsroom: Newsroom, sql: str) -> None:
    with newsroom.store.transaction():
        newsroom.store._connection.execute(sql)


def read(newsroom: Newsroom, sql: str) -> list[tuple[Any, ...]]:
    return sorted(map(tuple, newsroom.store._rows(sql)))


QUIET = [2, 3, 1, 2, 4, 2, 3] * 4


@pytest.mark.parametrize(
    ("counts", "spikes"),
    [
        pytest.param([*QUIET, 14], [Spike(28, 14, 2.0)], id="far above"),
        pytest.param([*QUIET, 6], [], id="high, as chance has it"),
        pytest.param([0] * 28 + [4], [], id="too few to wake anybody"),
        pytest.param([0] * 28 + [6], [Spike(28, 6, 0.0)], id="where there was nothing"),
        pytest.param([2, 3, 1, 40], [], id="no history yet"),
        pytest.param([*QUIET, 14, 15], [Spike(28, 14, 2.0), Spike(29, 15, 2.0)], id="one spike does not hide the next"),
        pytest.param([100, 180, 20, 140, 60] * 5 + [230], [], id="it scatters that much"),
        pytest.param([None] * 30 + [50], [], id="nobody could have told"),
        pytest.param([None] * 10 + QUIET + [14], [Spike(38, 14, 2.0)], id="unknown days are left out"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_spikes(counts: list[int | None], spikes: list[Spike]) -> None:
    assert find_spikes(counts) == spikes
