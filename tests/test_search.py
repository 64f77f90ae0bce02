"""Searches: what may be asked, what answers it, in which order, and at what cost."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from feed_room import FeedRoom
from hypothesis import given
from hypothesis import strategies as st
from test_feeds import publish_old, report

from aggregator.bounds import bind_instant
from aggregator.instants import to_text_exactly
from aggregator.models import Language
from aggregator.passage_rows import split_runs
from aggregator.publish.describing import tell_problem
from aggregator.search import NewsQuery, read_query
from aggregator.search_rows import Search
from aggregator.search_terms import QueryError, read_terms, write_match
from aggregator.store import Store

NOW = datetime(2026, 10, 5, 8, 0, tzinfo=UTC)


def read(query: str) -> NewsQuery:
    return read_query(parse_qsl(query, keep_blank_values=True), NOW)


# ── what may be asked ──────────────────────────────────────────────────────────────────────────────────────────────


def build_match(words: str) -> str:
    return write_match(read_terms(words))


@pytest.mark.parametrize(
    ("words", "match"),
    [
        pytest.param("apeksi gorontalo", '"apeksi" AND "gorontalo"', id="words"),
        pytest.param('"wali kota" apeksi', '"wali kota" AND "apeksi"', id="phrase"),
        pytest.param("apek*", '"apek"*', id="beginning"),
        pytest.param('"wali kot*"', '"wali kot"', id="asterisk inside a phrase"),
        pytest.param("apeksi -jakarta", '"apeksi" NOT "jakarta"', id="without"),
        pytest.param("smart-city", '"smart city"', id="hyphen"),
        pytest.param('url:apeksi OR (kota NEAR "x', '"url apeksi" AND "OR" AND "kota" AND "NEAR" AND "x"', id="syntax"),
        pytest.param("judul:apeksi TITLE:kota", 'title : "apeksi" AND title : "kota"', id="title"),
        pytest.param('isi:"kota cerdas" text:apek*', 'text : "kota cerdas" AND text : "apek"*', id="text"),
        pytest.param('"balai kota" -judul:"a b" isi:-c', '"balai kota" NOT title : "a b" NOT text : "c"', id="neither"),
        pytest.param("judul:isi:x subjudul:y", 'title : "isi x" AND "subjudul y"', id="one column"),
        pytest.param("judul:21:30 21:30", 'title : "21 30" AND "21 30"', id="colons"),
        pytest.param("a AND b", '"a" AND "AND" AND "b"', id="operators are words"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_words_are_quoted(words: str, match: str) -> None:
    assert build_match(words) == match


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("q=" + "x" * 10_000, "300 characters"),
        ("q=" + "a+" * 40, "20 words"),
        ("q=kota " + "-lomba " * 7, "6 phrases, beginnings, words of a column and words that are not wanted"),
        ("q=" + "kota* " * 7, "6 phrases"),
        ("q=***", "no word"),
        ("q=-jakarta", "only what is not wanted"),
        ("q=ko*", "3 letters"),
        ("q=apeksi judul:", "judul: needs a word right behind it"),
        ('q=TEXT:"" apeksi', "TEXT: needs a word"),
        ("q=-isi: apeksi", "isi: needs a word"),
        ("q=" + "judul:kota " * 7, "words of a column"),
        ("order=bm25", "order: can be newest / relevance only"),
        ("since=kemarin", "since: is a day"),
        ("since=2026-13-45", "since: is a day"),
        ("group=portal", "group: can be story only"),
        ("lang=fr", "lang: can be id / en only"),
        ("archive=1", "archive: can be yes only"),
        ("citty=kota-batu", "citty: is no key of a search; there are q, topic, city"),
        ("page=3", "page: is no key"),
        ("&".join(f"city=kota-{number}" for number in range(60)), "more than 50 values"),
    ],
)
def test_what_cannot_be_read_is_told(query: str, says: str) -> None:
    with pytest.raises(QueryError) as error:
        read(query)
    for language in Language:
        told = f"{error.value.key}: {tell_problem(error.value, language)}"
        assert says in told or language is Language.INDONESIAN
        assert "{" not in told


@pytest.mark.parametrize("query", ["utm_source=x&fbclid=y", "q=&topic=&since=", ""])
def test_what_says_nothing_asks_for_everything(query: str) -> None:
    assert read(query) == NewsQuery()


def test_filters_are_names_of_feeds() -> None:
    query = read("topic=apeksi&topic=smart-city&city=Kota-Gorontalo&komwil=6&q=wali+kota&lang=en&group=story")
    assert query.feeds == (("topic/apeksi", "topic/smart-city"), ("city/kota-gorontalo",), ("komwil/6",))
    assert (query.words, query.language, query.by_story) == ("wali kota", Language.ENGLISH, True)


@pytest.mark.parametrize(
    ("since", "at"),
    [
        ("2026-10-01", "2026-09-30T17:00:00+00:00"),
        ("2026-10-01T08:00:00+08:00", "2026-10-01T00:00:00+00:00"),
        ("2026-10-01T08:00:00 08:00", "2026-10-01T00:00:00+00:00"),
        ("7d", "2026-09-28T08:00:00+00:00"),
        ("0001-01-01", "1970-01-01T00:00:00+00:00"),
        ("9999-12-31", "2026-10-06T08:00:00+00:00"),
        ("999999d", "1970-01-01T00:00:00+00:00"),
    ],
)
def test_since(since: str, at: str) -> None:
    found = read(f"since={since.replace('+', '%2B')}").since
    assert found is not None
    assert found.at.isoformat() == at


def test_a_question_has_one_address() -> None:
    query = read("lang=en&q=wali kota&source=b&source=a&topic=apeksi&since=7d&archive=yes&group=story")
    assert query.encode() == "q=wali+kota&topic=apeksi&source=a&source=b&since=7d&group=story&archive=yes&lang=en"
    assert read(query.encode()) == query
    assert "before=tag%3Ax" in query.encode(before="tag:x")


PARTS = (
    "judul:",
    "ISI:",
    "text:",
    "title:",
    '"',
    "*",
    "-",
    " ",
    "apeksi",
    "kota",
    "NEAR",
    "{",
    "}",
    "(",
    ")",
    ":",
    "^",
    "+",
    "²",
)


@pytest.fixture(scope="module")
def empty_store() -> Iterator[Store]:
    with Store.open_writer(Path(":memory:")) as store:
        yield store


@given(words=st.text(max_size=300) | st.lists(st.sampled_from(PARTS), max_size=30).map("".join))
def test_no_words_are_an_error_of_the_database(empty_store: Store, words: str) -> None:
    try:
        match = build_match(words.strip())
    except QueryError:
        return
    empty_store.search(make_search(match=match), limit=5)


# ── what answers it ────────────────────────────────────────────────────────────────────────────────────────────────


def make_search(**facts: Any) -> Search:
    nothing: dict[str, Any] = {"feeds": (), "match": "", "since": None, "with_archive": False, "by_story": False}
    return Search(**{**nothing, "before": None, **facts})


def set_looks(monkeypatch: pytest.MonkeyPatch, first: int, few: int, longest: int, dense: float) -> None:
    values = {"FIRST_LOOK": first, "FEW_ARTICLES": few, "LONGEST_STRETCH": longest, "FAR": longest, "DENSE": dense}
    for name, value in values.items():
        monkeypatch.setattr(f"aggregator.search_rows.{name}", value)
    monkeypatch.setattr("aggregator.search_rows.SHORTEST_STRETCH", min(longest, 4))


class Reading:
    """A newsroom with news, and what a slow but certain reader finds in it."""

    def __init__(self, room: FeedRoom) -> None:
        self.room = room

    def ask(self, words: str = "", *names: str, limit: int = 1_000, **facts: Any) -> list[int]:
        feeds = tuple((feed.id,) for name in names if (feed := self.room.store.find_feed(name)))
        assert len(feeds) == len(names)
        search = make_search(match=build_match(words), feeds=feeds, **facts)
        return self.room.store.search(search, limit=limit)

    def expect(self, condition: str = "1", *, with_archive: bool = False) -> list[int]:
        rows = self.room.ask(
            "SELECT g.id FROM duplicate_groups AS g JOIN articles AS a ON a.id = g.canonical_id"
            f" WHERE g.guid NOT NULL AND g.archived <= {int(with_archive)} AND {condition}"
            " ORDER BY g.first_published_at DESC"
        )
        return [group_id for (group_id,) in rows]


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reading]:
    room = FeedRoom(tmp_path_factory.mktemp("search"))
    for number in range(40):
        report(room, number, source=f"kabar-{number % 3}")
        if number % 7 == 0:
            room.press(minutes=30)
    publish_old(room, 40, 41, 42)
    room.press()
    yield Reading(room)
    room.store.close()


LOOKS = [  # first, few, longest, dense
    (1_000, 0, 3, 0),
    (5, 0, 3, 0),
    (5, 0, 99, 0),
    (1_000, 0, 3, 9),
    (5, 1_000, 3, 9),
    (5, 10, 3, 9),
    (5, 1_000, 99, 9),
    (5, 0, 99, 9),
]


@pytest.mark.parametrize("looks", LOOKS, ids=str)
@pytest.mark.parametrize(
    ("words", "names", "condition"),
    [
        ("", (), "1"),
        ("APEKSI", (), "1"),
        ('"urusan 7"', (), "a.title LIKE '% 7'"),
        ('apeksi -"urusan 7"', (), "a.title NOT LIKE '% 7'"),
        ("judul:urusan", (), "1"),
        ("judul:bertemu", (), "0"),
        ('isi:"urusan 7" judul:apeksi', (), "a.title LIKE '% 7'"),
        ("isi:bertemu -judul:7", (), "a.title NOT LIKE '% 7'"),
        ("bertemu", ("source/kabar-1",), "a.source_id = 'kabar-1'"),
        ("", ("source/kabar-1", "topic/apeksi"), "a.source_id = 'kabar-1'"),
        ("tidak ada kata ini", (), "0"),
        ("", ("city/kota-bandung",), "0"),
    ],
)
def test_all_ways_find_the_same(  # noqa: PLR0917
    reading: Reading,
    words: str,
    names: tuple[str, ...],
    condition: str,
    looks: tuple[int, int, int, float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_looks(monkeypatch, *looks)
    assert reading.ask(words, *names) == reading.expect(condition)
    assert reading.ask(words, *names, with_archive=True) == reading.expect(condition, with_archive=True)
    for limit in (2, 12):
        assert reading.ask(words, *names, limit=limit) == reading.expect(condition)[:limit]


@pytest.mark.parametrize("looks", LOOKS, ids=str)
def test_pages_neither_repeat_nor_leave_out(
    reading: Reading, looks: tuple[int, int, int, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_looks(monkeypatch, *looks)
    store = reading.room.store
    found: list[int] = []
    before = None
    while places := store.walk(make_search(match='"apeksi"', before=before, with_archive=True), limit=7):
        found += [group_id for _, group_id in places]
        before = places[-1]
    assert found == reading.expect(with_archive=True)


def test_of_several_feeds_of_a_kind_any_will_do(reading: Reading) -> None:
    ids = tuple(feed.id for name in ("kabar-0", "kabar-1") if (feed := reading.room.store.find_feed(f"source/{name}")))
    found = reading.room.store.search(make_search(feeds=(ids,)), limit=100)
    assert found == reading.expect("a.source_id IN ('kabar-0', 'kabar-1')")


def test_since_is_the_day_of_publication(reading: Reading) -> None:
    since = bind_instant(datetime(2026, 10, 1, tzinfo=UTC))
    assert reading.ask(since=since, with_archive=True) == reading.expect("a.published_at >= '2026-10-01'")
    assert len(reading.ask(since=bind_instant(datetime(2026, 8, 1, tzinfo=UTC)), with_archive=True)) == 43
    assert reading.ask(until=since, with_archive=True) == reading.expect(
        "a.published_at < '2026-10-01'", with_archive=True
    )


def test_a_story_is_found_once_by_its_first_news(reading: Reading) -> None:
    room = reading.room
    room.store._connection.execute("UPDATE duplicate_groups SET story_id = 900 + id % 5")
    room.store._connection.commit()
    found = reading.ask("apeksi", by_story=True)
    assert len(found) == 5
    assert found == sorted(found, key=reading.expect().index)
    items = room.store.get_story_items(found)
    assert {item.guid for item in items.values()} == {
        f"tag:kabarkota,2026:story/{number}" for number in range(900, 905)
    }
    assert sum(1 + len(item.also_at) for item in items.values()) == 43
    room.store._connection.execute("UPDATE duplicate_groups SET story_id = NULL")
    room.store._connection.commit()


def test_no_table_is_read_from_end_to_end(reading: Reading) -> None:
    connection, asked = reading.room.store._connection, list[str]()
    connection.set_trace_callback(asked.append)
    reading.ask("urusan 7", "source/kabar-1", limit=5)
    reading.ask("", "source/kabar-1", "topic/apeksi", limit=5)
    connection.set_trace_callback(None)
    for sql in (sql for sql in asked if "feed_items" in sql):
        plan = [row["detail"] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
        assert not [
            step
            for step in plan
            if step.startswith("SCAN") and "json_each" not in step and step != "SCAN k VIRTUAL TABLE INDEX 1:"
        ], json.dumps(plan)


@pytest.mark.parametrize(
    ("numbers", "gap", "runs"),
    [
        ([], 5, []),
        ([7], 5, [[7]]),
        ([1, 6, 7, 13], 5, [[1, 6, 7], [13]]),
        ([1, 2_000, 4_000], 10**9, [[1, 2_000, 4_000]]),
    ],
)
def test_articles_are_asked_for_in_runs(numbers: list[int], gap: int, runs: list[list[int]]) -> None:
    assert split_runs(numbers, gap) == runs


@pytest.mark.parametrize("gap", [-200, 0, 10**6])
@pytest.mark.parametrize("words", ["apeksi", '"urusan 7"', "urus*", "judul:apeksi -bertemu", "tidak ada"])
def test_runs_find_the_same(reading: Reading, words: str, gap: int, monkeypatch: pytest.MonkeyPatch) -> None:
    store = reading.room.store
    groups = reading.expect(with_archive=True)
    expected = store.get_passages(groups, build_match(words))
    monkeypatch.setattr("aggregator.passage_rows.GAP", gap)
    assert store.get_passages(groups, build_match(words)) == expected
    assert set(expected) == set(reading.ask(words, with_archive=True))


# ── what is published in another order than it was found ───────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def shuffled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeedRoom]:
    """Forty pieces of news, of which some were published long after they were found."""
    room = FeedRoom(tmp_path_factory.mktemp("shuffled"))
    for number in range(40):
        report(room, number, source=f"kabar-{number % 2}")
    room.press()
    yield room
    room.store.close()


def shuffle(room: FeedRoom, dice: random.Random, strays: int) -> dict[int, int]:
    """Puts the news at places in the order in which it was found, but for some; group → place."""
    groups = [group for (group,) in room.ask("SELECT id FROM duplicate_groups ORDER BY canonical_id")]
    for _ in range(strays):
        groups.insert(dice.randrange(40), groups.pop(dice.randrange(40)))
    places = {group: 10**15 + number * 1_000_000 for number, group in enumerate(groups)}
    connection = room.store._connection
    for group, place in places.items():
        connection.execute("UPDATE feed_items SET place = ? WHERE group_id = ?", (place, group))
        at = to_text_exactly(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=place))
        connection.execute("UPDATE duplicate_groups SET first_published_at = ? WHERE id = ?", (at, group))
    connection.commit()
    return places


@pytest.mark.parametrize("strays_most", [0, 3, 1_000])
@pytest.mark.parametrize("looks", LOOKS, ids=str)
def test_strays_are_found_in_their_place(
    shuffled: FeedRoom, looks: tuple[int, int, int, float], strays_most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_looks(monkeypatch, *looks)
    monkeypatch.setattr("aggregator.reach_rows.STRAYS_MOST", strays_most)
    monkeypatch.setattr("aggregator.reach_rows.DISORDER", 1)
    dice = random.Random(7)
    for strays in (0, 2, 15):
        places = shuffle(shuffled, dice, strays)
        ((seventh,),) = shuffled.ask("SELECT group_id FROM articles WHERE title LIKE '% 7'")
        newest = sorted(((place, group) for group, place in places.items()), reverse=True)
        for oldest, before in ((-1, None), (newest[25][0], None), (-1, newest[6]), (newest[20][0], newest[3])):
            answer = [at for at in newest if at[0] >= oldest and (before is None or at < before)]
            for words, kept in (
                ("apeksi", answer),
                ('"urusan 7"', [at for at in answer if at[1] == seventh]),
            ):
                search = make_search(match=build_match(words), from_place=oldest, before=before)
                for limit in (3, 50):
                    assert shuffled.store.walk(search, limit=limit) == kept[:limit]


def test_letters_in_parts_and_wide_ones_are_read_as_usual() -> None:
    assert read_terms("kafe\N{COMBINING ACUTE ACCENT}s ａｐｅｋｓｉ") == read_terms("kafés apeksi")
