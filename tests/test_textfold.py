"""Words, phrases and passages: what counts as a gap, and that every match knows where it stood."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.passages import TEXT_MOST, lay_out
from aggregator.textfold import PhraseIndex, Words, expand_phrase, fold_letters


def found(text: str, *phrases: str) -> list[str]:
    words = Words(text)
    return [words.slice(first, last) for first, last, _ in PhraseIndex(dict.fromkeys(phrases, True)).find(words)]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("Wali Kota, Bogor!", ["wali", "kota", "bogor"]),
        ("#RakernasAPEKSI2026", ["rakernas", "apeksi", "2026"]),
        ("di BandungSiapa pun", ["di", "bandung", "siapa", "pun"]),
        ("Ap\u00adek\u200bsi", ["apeksi"]),
        ("snake_case", ["snake", "case"]),
        ("KOTA Kédiri", ["kota", "kédiri"]),
        ("", []),
    ],
)
def test_text_is_cut_into_words(text: str, keys: list[str]) -> None:
    assert Words(text).keys == keys


@pytest.mark.parametrize(
    "text",
    [
        "smart city",
        "Smart-City",
        "SmartCity",
        "SMARTCITY",
        "smart  \n city",
        "smart\u2011city",
        "smart “city”",
        "smart\u00a0city",
    ],
)
def test_blank_in_a_phrase_is_any_gap_or_none(text: str) -> None:
    assert len(found(text, "smart city")) == 1


@pytest.mark.parametrize(
    "text", ["smart. City", "smart, city", "smart: city", "smart (city)", "smarty city", "smart cityx"]
)
def test_phrase_does_not_cross_a_stop(text: str) -> None:
    assert found(text, "smart city") == []


def test_comma_counts_where_the_phrase_has_one() -> None:
    assert found("di Depok, Sleman", "Depok, Sleman") == ["Depok, Sleman"]


def test_longest_phrase_wins_and_no_word_counts_twice() -> None:
    assert found("Kota Padang Panjang dan Padang", "padang", "padang panjang") == ["Padang Panjang", "Padang"]


def test_pattern_stands_for_its_phrases() -> None:
    assert expand_phrase("{youth,young} city changer{,s}") == [
        "youth city changer",
        "youth city changers",
        "young city changer",
        "young city changers",
    ]


def test_pattern_for_too_many_phrases_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 10"):
        expand_phrase("{a,b,c,d}{a,b,c,d}", 10)


def test_folded_letters_have_no_gaps() -> None:
    assert fold_letters("Kota Cerdas-é 2") == b"kotacerdas2"


@given(st.text())
def test_words_stand_where_they_say(text: str) -> None:
    words = Words(text)
    assert words.keys == [key.lower() for key in words.keys]
    for index in range(len(words)):
        assert text[words.offset(index)] in {words.text[words.starts[index]], "\u0130", "\u212a"}


@given(st.text(alphabet="ab \n", max_size=4000))
def test_passages_are_the_text_in_order(text: str) -> None:
    passages = [passage for passage in lay_out("", text, "", ()) if passage.place in {"lead", "body", "tail"}]
    assert [char for passage in passages for char in passage.text if char.strip()] == [
        char for char in text if char.strip()
    ]
    for passage in passages:
        assert text[passage.start :].startswith(passage.text)


@pytest.mark.parametrize("text", ["a" * 300_000, "\n" * 300_000, "ab \n" * 60_000, "a\n" * 100_000])
def test_huge_text_is_cut_into_few_passages(text: str) -> None:
    passages = lay_out("", text, "", ())
    assert len(passages) < TEXT_MOST / 30
    assert sum(len(passage.text) for passage in passages) <= TEXT_MOST


def test_short_text_is_all_lead_and_a_long_one_has_a_tail() -> None:
    paragraph = "Satu paragraf yang cukup panjang untuk dihitung sendiri. " * 4
    assert [passage.place for passage in lay_out("Judul", "Satu kalimat.", "", ())] == ["title", "lead"]
    long = "\n".join([paragraph] * 8)
    assert [passage.place for passage in lay_out("", long, "", ("tag",))] == ["lead", *["body"] * 6, "tail", "tags"]


@given(st.text(alphabet="abAB09_ -’\u00e9\u03a3\u0130\u200b", max_size=60))
def test_words_are_cut_as_their_definition_says(text: str) -> None:
    """Runs of letters, or of digits, cut between a small letter and a capital."""
    words = Words(text)
    runs = [found.group() for found in re.finditer(r"[^\W\d_]+|\d+", words.text)]
    cut = [part for run in runs for part in re.sub(r"(?<=[a-z])(?=[A-Z])", " ", run).split(" ")]
    assert [words.text[start:end] for start, end in zip(words.starts, words.ends, strict=True)] == cut
    assert len(words.keys) == len(cut)
