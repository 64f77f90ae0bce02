"""Disguised spelling: what is meant is read, and ordinary text stays what it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator import disguise
from aggregator.disguise import is_plain, is_straight, undisguise
from aggregator.spam import judge_spam
from aggregator.textfold import Words


@pytest.mark.parametrize(
    "text",
    [
        "Slot Gacor",
        "SL0T G4C0R",
        "ѕlоt gасоr",
        "ＳＬＯＴ ＧＡＣＯＲ",
        "𝐒𝐥𝐨𝐭 𝐆𝐚𝐜𝐨𝐫",
        "Slót Gäcór",
        "S L O T  G A C O R",
        "S.L.O.T  G.A.C.O.R",
        "sl\u200bot ga\u00adcor",
        "$l0t g@c0r",
        "ꜱʟᴏᴛ ɢᴀᴄᴏʀ",
        "🆂🅻🅾🆃 🅶🅰🅲🅾🆁",
        "słøŧ gacɵя",
        "s/l/o/t  g/a/c/o/r",
        "s̶l̶o̶t̶ g̶a̶c̶o̶r̶",
    ],
    ids=[
        "plain",
        "digits",
        "Cyrillic",
        "full width",
        "bold",
        "accents",
        "spaced",
        "dots",
        "invisible",
        "signs",
        "small",
        "framed",
        "strokes",
        "slashes",
        "struck out",
    ],
)
def test_disguise_is_read_through(text: str) -> None:
    assert undisguise(text) == "slot gacor"


@pytest.mark.parametrize(
    "text",
    [
        "wali kota buka rapat",
        "harga naik 1.200 rupiah per kilo",
        "kamboja99 dan slot88",
        "pukul 14.05 wita",
        "rt 01 rw 02",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert undisguise(text) == text


def test_plain_text_needs_no_second_look() -> None:
    assert is_plain("Wali Kota Buka Rapat pada 12 Mei")
    assert not is_plain("SL0T")
    assert not is_plain("ѕlоt")


def test_disguise_is_evidence_by_itself() -> None:
    verdict = judge_spam("𝐒𝐥𝐨𝐭 𝐆𝐚𝐜𝐨𝐫 𝐇𝐚𝐫𝐢 𝐈𝐧𝐢", "")
    assert verdict.is_hijacked
    assert any("disguised" in item.term for item in verdict.evidence)


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    assert isinstance(undisguise(text), str)


@pytest.mark.parametrize("text", ["a " * 50_000, "a.b" * 50_000, "0a" * 50_000, "\u0301" * 50_000])
def test_hostile_text_is_read(text: str) -> None:
    undisguise(text)


SPELLINGS = st.text(alphabet="asltASLT_047@$! .-*/’–é\u0130\u0660\n", max_size=60)


@given(SPELLINGS)
def test_a_straight_text_means_the_words_that_it_has(text: str) -> None:
    if is_straight(text):
        assert Words(undisguise(text)).keys == Words(text).keys


@given(SPELLINGS)
def test_no_disguise_is_missed_by_the_quick_looks(text: str) -> None:
    lowered = text.lower()
    assert not disguise._SPACED.search(text) or disguise._MAYBE_SPACED.search(text)
    assert not disguise._MIXED.search(lowered) or (
        disguise._MAYBE_MIXED.search(lowered) and disguise._MAYBE_MIXED.search(text)
    )


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("Wali Kota membuka “pelatihan” – 2026", True),
        ("MaxWin", False),
        ("sl0t", False),
        ("s l o t", False),
        ("slót", False),
        ("slot…", False),
    ],
)
def test_straight_text_is_told(text: str, is_one: bool) -> None:
    assert is_straight(text) is is_one
