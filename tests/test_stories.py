"""Stories: articles on one event in other words, whatever order they come in."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(ROOT))  # the benchmarks are not installed

from aggregator.dedup import DedupRecord
from aggregator.stories import Report, Window, is_telling, load_common_words, read_terms, tell_stories
from benchmarks.clusters import (
    count_alone,
    find_stories,
    load_gold,
    load_own_stories,
    load_records,
    pick_one_of_each,
    score_articles,
)

NOON = datetime(2026, 6, 19, 5, 0, tzinfo=UTC)
OPENING = (
    "Rapat kerja nasional APEKSI dibuka di Lapangan Karebosi, Makassar, Jumat (19/6). Sebanyak 98 wali kota hadir."
)
ANGLE = "Hotel di sekitar Karebosi penuh sejak rakernas APEKSI dimulai. Pedagang Makassar melayani tamu 98 kota (19/6)."
ELSEWHERE = "Pasar ikan di Ambon terbakar sebelum subuh. Pemadam kebakaran menurunkan enam mobil dari Teluk Ambon."


def make_report(key: str, text: str, *, days: float = 0, city: str = "", named: str = "") -> Report:
    cities = frozenset({city} - {""})
    return Report(
        id=key,
        terms=read_terms("", text),
        published=NOON + timedelta(days=days),
        cities=cities,
        named=cities | {named} - {""},
    )


def gather(*reports: Report) -> set[frozenset[object]]:
    return {frozenset(story.members) for story in tell_stories(reports)}


def test_articles_in_other_words_are_one_story_and_other_news_is_not() -> None:
    reports = [make_report("a", OPENING), make_report("b", ANGLE, days=1), make_report("c", ELSEWHERE)]
    assert gather(*reports) == {frozenset("ab"), frozenset("c")}


def test_common_words_days_and_numbers_say_no_why() -> None:
    terms = ("Jumat", "kali", "kami", "tersebut", "belas", "400", "5/10", "rapat", "Makassar", "Karebosi", "gerai")
    assert [term for term in terms if is_telling(term)] == ["Makassar", "Karebosi", "gerai"]


def test_story_says_why_it_is_one() -> None:
    (story,) = tell_stories([make_report("a", OPENING), make_report("b", ANGLE, days=1)])
    assert story.members == ("a", "b")
    assert {"Karebosi", "Makassar"} <= set(story.why)
    assert not [term for term in story.why if term.lower() in ("wali", "kota", "di")]


def test_time_and_place_tell_events_apart() -> None:
    text = "Aplikasi layanan warga diluncurkan wali kota. Aplikasi layanan warga itu memuat 12 menu pengaduan."
    other = "Wali kota meluncurkan aplikasi pengaduan. Layanan warga dalam aplikasi ada 12 menu, kata wali kota."

    def like(days: float, city: str, named: str = "") -> float:
        a = make_report("a", text, city="73.71")
        b = make_report("b", other, days=days, city=city, named=named)
        return Window([a, b]).compare().get(("a", "b"), 0.0)

    assert like(0, "73.71") == like(3, "73.71") > like(6, "73.71") > 0
    assert like(60, "73.71") == 0
    assert like(0, "81.71") < like(0, "73.71") / 2
    assert like(0, "81.71") < like(0, "81.71", named="73.71") < like(0, "73.71")


def test_terms_are_words_names_and_days() -> None:
    terms = read_terms("Rakernas Dibuka", "Wali Kota Makassar datang 19/06/2026. Bersama 98 orang dan 1.200 tamu.")
    assert terms["rakernas"] > terms["datang"]
    assert "Kota" in terms
    assert "Makassar" in terms
    assert "Wali" not in terms  # a sentence begins with it
    assert "19/6" in terms
    assert "98" not in terms
    assert "1.200" in terms


def test_common_words_are_known_before_the_first_article() -> None:
    common = load_common_words()
    assert common["kota"] > 0.5
    assert all(0 < share <= 1 for share in common.values())


@pytest.mark.parametrize("text", ["", "satu dua tiga empat lima", "城市 新闻 " * 50, "x" * 100_000, "a " * 500_000])
def test_odd_texts_are_stories_of_their_own(text: str) -> None:
    reports = [make_report(str(number), text) for number in range(3)] + [make_report("z", OPENING)]
    assert frozenset("z") in gather(*reports)


def test_nothing_makes_no_story() -> None:
    assert tell_stories([]) == []


def test_the_same_text_in_ten_thousand_reports_is_compared_with_nobody() -> None:
    terms = read_terms("", OPENING)
    window = Window(Report(id=number, terms=terms) for number in range(10_000))
    assert window.compare() == {}


def test_what_a_look_at_some_finds_is_what_a_look_at_all_finds() -> None:
    records, _ = load_own_stories()
    window = Window(
        Report(id=record.id, terms=read_terms(record.title, record.text), published=record.published)
        for record in records[:60]
    )
    everything = window.compare()
    some = window.compare({records[0].id, records[7].id})
    assert some == {
        pair: pytest.approx(value) for pair, value in everything.items() if {records[0].id, records[7].id} & set(pair)
    }


@pytest.mark.slow
@given(st.randoms(use_true_random=False))
@settings(max_examples=10, deadline=None)
def test_stories_do_not_depend_on_the_order_of_arrival(random: object) -> None:
    records = list(load_own_stories()[0][:80])
    expected = find_stories(records)
    random.shuffle(records)  # type: ignore[attr-defined]
    assert find_stories(records) == expected


@pytest.mark.slow
def test_own_events_are_told_apart() -> None:
    records, events = load_own_stories()
    assert len(set(events.values())) >= 60
    score = score_articles(events, find_stories(records))
    assert score.f1 >= 0.92, score
    alone = {record.id: record.id for record in records}
    assert score_articles(events, alone).f1 < 0.6


def test_events_that_nothing_was_tuned_on_are_told_apart() -> None:
    records, events = load_own_stories("stories_unseen")
    assert len(set(events.values())) >= 60
    score = score_articles(events, find_stories(records))
    assert score.f1 >= 0.92, score


def test_events_told_by_the_way_are_told_apart_less_well() -> None:
    """Many of these articles name neither the place nor the thing."""
    records, events = load_own_stories("stories_hard")
    score = score_articles(events, find_stories(records))
    assert score.f1 >= 0.85, score


def test_articles_on_one_event_each_mostly_stay_alone() -> None:
    """The events are picked to be taken for one another; alone they have nobody else to be near to."""
    records, events = load_own_stories()
    assert count_alone(find_stories(pick_one_of_each(records, events))) > 0.6


@pytest.mark.slow
def test_reposts_are_in_the_story_of_their_original() -> None:
    records, _ = load_own_stories()
    original = records[0]
    copy = DedupRecord(
        id="copy", source="elsewhere", title="Judul lain", text=original.text, published=original.published
    )
    found = find_stories([*records, copy])
    assert found["copy"] == found[original.id]


@pytest.mark.slow
def test_english_events_of_the_development_data(dev_data: Path) -> None:
    gold = load_gold(dev_data / "stories/dev_gold.csv")
    found = find_stories(load_records(dev_data / "stories/dev.jsonl.gz"))
    assert score_articles({key: row["cluster"] for key, row in gold.items()}, found).f1 >= 0.9
