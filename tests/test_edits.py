"""Which words a copy changed, told in excerpts that stay excerpts."""

from __future__ import annotations

import random
import time

import pytest

from aggregator.edits import QUOTED_AT_ONCE, QUOTED_MOST, Edits, find_edits

WORDS = [f"kata{number}" for number in range(40)]
TEXT = " ".join(WORDS)


def tell(edits: Edits) -> list[tuple[str, str]]:
    return [(excerpt.removed, excerpt.added) for excerpt in edits.excerpts]


@pytest.mark.parametrize(
    ("a", "b", "told"),
    [
        ("satu dua tiga", "satu dua tiga", []),
        ("“Satu, dua” tiga.", "SATU dua – tiga", [("", "–")]),
        ("satu dua tiga", "satu dua empat tiga", [("", "empat")]),
        ("satu dua tiga", "satu tiga", [("dua", "")]),
        ("satu dua tiga", "satu dua empat", [("tiga", "empat")]),
        ("satu\ndua\n\ntiga", "satu dua tiga", []),
        ("", "satu dua", [("", "satu dua")]),
        ("satu dua", "", [("satu dua", "")]),
        ("", "", []),
        ("mulai a b yang c d akhir", "mulai e f yang g h akhir", [("a b yang c d", "e f yang g h")]),  # a chance
        ("mulai a di balai kota akhir", "mulai di balai kota b akhir", [("a", ""), ("", "b")]),
    ],
)
def test_changes_are_told_in_words(a: str, b: str, told: list[tuple[str, str]]) -> None:
    assert tell(find_edits(a, b)) == told


def test_a_change_stands_between_a_few_words_that_both_have() -> None:
    edits = find_edits(TEXT, TEXT.replace("kata20 ", "baru "))
    (excerpt,) = edits.excerpts
    assert (excerpt.skipped, excerpt.before) == (14, " ".join(WORDS[14:20]))
    assert (excerpt.removed, excerpt.added, excerpt.after) == ("kata20", "baru", " ".join(WORDS[21:27]))
    assert (edits.kept, edits.removed, edits.added, edits.skipped_after) == (39, 1, 1, 13)
    assert not edits.is_cut


def test_no_word_is_shown_twice_and_none_is_lost() -> None:
    generator = random.Random(5)
    for _ in range(200):
        changed = [word for word in WORDS if generator.random() > 0.15]
        edits = find_edits(TEXT, " ".join(changed))
        counted = sum(
            excerpt.skipped + sum(len(part.split()) for part in (excerpt.before, excerpt.removed, excerpt.after))
            for excerpt in edits.excerpts
        )
        assert counted + edits.skipped_after == len(WORDS)


@pytest.mark.parametrize("room", [0, 1, 60, 160, QUOTED_MOST])
def test_no_more_is_quoted_than_there_is_room_for(room: int) -> None:
    words = [f"panjang{number}" for number in range(2_000)]
    changed = [word if place % 20 else f"lain{place}" for place, word in enumerate(words)]
    edits = find_edits(" ".join(words), " ".join(changed), room=room)
    parts = [part for each in edits.excerpts for part in (each.before, each.removed, each.added, each.after)]
    assert sum(map(len, parts)) <= room
    assert len(edits.excerpts) + edits.unshown == 100
    assert bool(edits.excerpts) == (room > 100)


def test_another_text_is_not_quoted_at_length() -> None:
    (excerpt,) = find_edits(TEXT * 30, TEXT.replace("kata", "lain") * 30).excerpts
    assert len(excerpt.removed) <= QUOTED_AT_ONCE
    assert len(excerpt.added) <= QUOTED_AT_ONCE


@pytest.mark.parametrize(
    "make",
    [
        lambda words: (" ".join(words), " ".join(reversed(words))),
        lambda words: ("a " * 500_000, "b a " * 250_000),
        lambda words: ("x" * 1_000_000, " ".join(words)),
        lambda words: ("\n" * 1_000_000, "\u0301" * 1_000_000),
    ],
)
def test_a_megabyte_takes_a_moment(make: object) -> None:
    generator = random.Random(1)
    words = [str(generator.random()) for _ in range(50_000)]
    a, b = make(words)  # type: ignore[operator]
    began = time.process_time()
    edits = find_edits(a, b)
    assert time.process_time() - began < 0.2  # a tenth of it where nothing else is at work
    assert edits.is_cut
    assert sum(len(each.removed + each.added) for each in edits.excerpts) <= QUOTED_MOST
