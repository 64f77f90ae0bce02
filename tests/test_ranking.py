"""Which of the news that has the words of a search fits it best."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from feed_room import PlainRoom
from hypothesis import given
from hypothesis import strategies as st
from newsdesk import RELEASE

from aggregator.finding import Found, NoSuchItemError, NotRankedError, find_news
from aggregator.models import Language
from aggregator.ranking import Candidate, fold_words, list_words, rank
from aggregator.search import NewsQuery
from aggregator.search_terms import Column, QueryError, Term, read_terms

DAY = 86_400 * 1_000_000
SHARES = {"kota": 0.9, "wali": 0.5, "apeksi": 0.1, "kartini": 0.001}


def make(group: int, title: str, lead: str = "", *, days_ago: int = 0) -> Candidate:
    return Candidate(group=group, place=1_000 * DAY - days_ago * DAY, title=title, lead=lead)


@pytest.mark.parametrize(
    ("words", "candidates"),  # in the order in which they shall stand
    [
        pytest.param(
            "apeksi", [make(2, "Rapat APEKSI"), make(1, "Rapat", "APEKSI rapat"), make(3, "Rapat")], id="place"
        ),
        pytest.param("apeksi", [make(1, "APEKSI", days_ago=9), make(2, "Rapat", "APEKSI")], id="place before time"),
        pytest.param("apeksi", [make(1, "APEKSI"), make(2, "APEKSI", days_ago=1)], id="newer"),
        pytest.param("kota kartini", [make(1, "Kartini", "kota"), make(2, "Kota", "kartini")], id="the rarer word"),
        pytest.param(
            "wali kota",
            [make(1, "Wali kota datang"), make(2, "Kota baru punya wali"), make(3, "Wali murid", "di kota")],
            id="closeness",
        ),
        pytest.param('"wali kota"', [make(1, "Wali Kota"), make(2, "Kota Wali", "wali kota")], id="phrase"),
        pytest.param("penghar*", [make(1, "Tiga penghargaan"), make(2, "Tiga harga")], id="beginning"),
        pytest.param('"kota penghar"*', [make(1, "Kota Penghargaan"), make(2, "Penghargaan kota")], id="its beginning"),
        pytest.param("isi:apeksi", [make(1, "Rapat", "APEKSI"), make(2, "APEKSI", "rapat")], id="text alone"),
        pytest.param("judul:apeksi", [make(1, "APEKSI", days_ago=1), make(2, "x", "APEKSI")], id="title alone"),
        pytest.param("kafe -kota", [make(1, "CAFÉ Kafé"), make(2, "Kota", "kota")], id="accents; unwanted words"),
        pytest.param("²", [make(1, "a"), make(2, "b", days_ago=1)], id="no word that is known"),
    ],
)
def test_the_most_fitting_stands_first(words: str, candidates: list[Candidate]) -> None:
    expected = [candidate.group for candidate in candidates]
    terms = read_terms(words)
    assert rank(candidates, terms, SHARES) == expected
    assert rank(reversed(candidates), terms, SHARES) == expected


def test_words_are_read_as_the_index_reads_them() -> None:
    assert fold_words("Wali_Kota “São-Paulo”, Ç! 21:30") == ["wali", "kota", "sao", "paulo", "c", "21", "30"]
    assert list_words(read_terms('kota "wali kota" apek* "smart cit"* -jakarta judul:x')) == [
        "kota",
        "wali",
        "smart",
        "x",
    ]


@given(
    st.lists(st.tuples(st.text(max_size=40), st.text(max_size=60), st.integers(0, 10**16)), max_size=8),
    st.lists(
        st.builds(
            Term,
            words=st.lists(st.text("abİßé²٣-", min_size=1, max_size=3), min_size=1, max_size=3).map(tuple),
            is_beginning=st.booleans(),
            column=st.sampled_from([None, *Column]),
            is_unwanted=st.booleans(),
        ),
        max_size=4,
    ),
)
def test_nobody_is_lost(news: list[tuple[str, str, int]], terms: list[Term]) -> None:
    candidates = [
        Candidate(group=group, place=place, title=title, lead=lead) for group, (title, lead, place) in enumerate(news)
    ]
    assert sorted(rank(candidates, terms, {"a": 1.0, "b": 0.0})) == list(range(len(candidates)))


# ── over a database ────────────────────────────────────────────────────────────────────────────────────────────────


def ask(room: PlainRoom, words: str, *, before: str = "", limit: int = 10, by_story: bool = False) -> Found:
    query = NewsQuery(
        words=words, terms=read_terms(words), by_relevance=True, before=before, by_story=by_story, with_archive=True
    )
    with room.store.snapshot():
        return find_news(room.store, query, limit=limit)


@pytest.fixture
def room(tmp_path: Path) -> PlainRoom:
    """Six pieces of news on street lamps, from the least to the most fitting."""
    room = PlainRoom(tmp_path)
    for number, (title, first) in enumerate(
        [
            ("Rapat APEKSI di Gorontalo", "Wali kota membuka rapat."),
            ("APEKSI dan penerangan", "Jalan diperbaiki, lalu lampu dipasang di kota."),
            ("APEKSI bahas jalan", "Sebuah lampu jalan padam di kota."),
            ("APEKSI: lampu di tepi jalan", "Lampu itu dipasang di jalan."),
            ("APEKSI puji lampu jalan pintar", "Lampu jalan menyala di kota."),
        ]
    ):
        own = [f"Kata{number}x{place} membahas urusan ke-{number * 37 + place} hari itu." for place in range(12)]
        text = [first, *own, f"Lampu ke-{number} di tepi jalan itu baru."]
        room.publish_at(f"kabar-{number}", f"berita-{number}", text, title=title)
        room.press()
    room.publish_at("kabar-9", "rilis", RELEASE, title="Kunjungan APEKSI")
    room.press()
    yield room
    room.store.close()


def test_title_before_lead_before_text(room: PlainRoom) -> None:
    found = ask(room, "lampu jalan")
    assert [item.title for item in found.items] == [
        "APEKSI puji lampu jalan pintar",
        "APEKSI: lampu di tepi jalan",
        "APEKSI bahas jalan",
        "Kunjungan APEKSI",
        "APEKSI dan penerangan",
        "Rapat APEKSI di Gorontalo",
    ]
    assert (found.ranked, found.is_capped, found.next_before) == (6, False, "")
    assert [item.title for item in ask(room, "judul:lampu").items] == [item.title for item in found.items[:2]]


def test_pages_of_a_ranking_neither_repeat_nor_leave_out(room: PlainRoom) -> None:
    whole = [item.guid for item in ask(room, "lampu jalan").items]
    first = ask(room, "lampu jalan", limit=4)
    rest = ask(room, "lampu jalan", limit=4, before=first.next_before)
    assert [item.guid for item in (*first.items, *rest.items)] == whole
    assert (first.next_before, rest.next_before) == (whole[3], "")
    assert len(ask(room, "lampu", by_story=True).items) == 6


def test_only_the_newest_are_ranked(room: PlainRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = ask(room, "lampu jalan")
    monkeypatch.setattr("aggregator.finding.CANDIDATES_MOST", 3)
    found = ask(room, "lampu jalan")
    assert (len(found.items), found.ranked, found.is_capped, found.next_before) == (3, 3, True, "")
    assert all(after.first_published <= room.now for _, after in pairwise(found.items))
    with pytest.raises(NotRankedError) as error:
        ask(room, "lampu jalan", before=everything.items[-1].guid)
    assert "newest 3" in error.value.tell(Language.ENGLISH)
    with pytest.raises(NoSuchItemError):
        ask(room, "lampu jalan", before="tag:nobody")


def test_shares_are_those_of_the_newest(room: PlainRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    assert room.store.estimate_shares(["lampu", "pintar", "zzz"]) == {"lampu": 1.0, "pintar": 2 / 6, "zzz": 0.0}
    monkeypatch.setattr("aggregator.reach_rows.SHARE_FROM", 2)
    assert room.store.estimate_shares(["lampu"]) == {"lampu": 1.0}


def test_no_words_no_ranking(room: PlainRoom) -> None:
    found = find_news(room.store, NewsQuery(by_relevance=True), limit=2)
    assert (found.ranked, found.items[0].title) == (0, "Kunjungan APEKSI")
    with pytest.raises(QueryError):
        read_terms("judul:")
