"""An excerpt ends where a sentence ends, and Indonesian full stops often end none."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.excerpt import EXCERPT_LIMIT, make_excerpt

FILLER = " Warga menunggu kelanjutan rencana itu sambil membaca berita di ponsel masing-masing setiap pagi tanpa henti"


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        pytest.param("Singkat saja", 300, "Singkat saja", id="short text stays as it is"),
        pytest.param("Dua baris.\n\nJadi  satu.", 300, "Dua baris. Jadi satu.", id="one line"),
        pytest.param("Kota siap. Warga siap. Semua bersiap menyambut.", 30, "Kota siap. Warga siap.", id="sentence"),
        pytest.param("Apakah siap? Warga bersiap menyambut tamu.", 30, "Apakah siap?", id="question"),
        pytest.param("Ya. Warga kota bersiap menyambut tamu dari jauh", 30, "Ya. Warga kota bersiap…", id="too early"),
        pytest.param("Tanpa akhir kalimat sama sekali di sini", 20, "Tanpa akhir kalimat…", id="word"),
        pytest.param("Satu dua tiga, empat lima", 17, "Satu dua tiga…", id="no comma before the ellipsis"),
        pytest.param("", 300, "", id="empty"),
    ],
)
def test_excerpt(text: str, limit: int, expected: str) -> None:
    assert make_excerpt(text, limit) == expected


@pytest.mark.parametrize(
    "sentence",
    [
        "Rapat dipimpin Wali Kota H. Marten di Gorontalo.",
        "Rapat dipimpin Drs. Yusuf dan dr. Rina di Gorontalo.",
        "Aturan itu termuat dalam Perwali No. 12 Tahun 2026.",
        "Wali Kota Siti Aminah, S.E., M.Si. Menyambut tamu di balai kota.",
        "Biayanya Rp1.000 per warga di kota itu.",
        "Nama lengkapnya A. B. Yusuf dari kota itu.",
        "Kantornya di Jl. Merdeka dekat pasar kota.",
        "Laman detik.com Memuat kabar itu lebih dulu.",
        "Langkahnya ada dua: 1. Mendata warga kota itu.",
        "Ia menulis “Kota kami siap. Warga kami siap” di papan.",
        'Ia berkata, "Kota kami siap. Warga kami juga" kepada pers.',
        "Ia bertanya “Kapan jadi?” lalu pergi dari kota.",
        "Sidang digelar Kamis (3/9) pukul 09.30 Wita di kota.",
    ],
)
def test_full_stops_inside_a_sentence_do_not_end_it(sentence: str) -> None:
    assert make_excerpt(sentence + FILLER, len(sentence) + 20) == sentence
    assert make_excerpt(sentence + FILLER, len(sentence) - 2).endswith("…")


@pytest.mark.parametrize(
    "sentence",
    [
        "Setiap warga kota membayar Rp1.000.",
        "Kota itu akan selesai membangun pada 2027.",
        "Wali kota menjawab, “Kota kami sudah siap.”",
        'Wali kota menjawab, "Kota kami sudah siap!"',
        "Hadir para camat, lurah, ketua RT, dll.",
        "Kota itu (yang terkecil di provinsi ini.)",
        "Wali kota tidak mau menjawab pertanyaan...",
    ],
)
def test_sentence_ends_are_seen(sentence: str) -> None:
    assert make_excerpt(f"{sentence} “Besok” lain lagi." + FILLER, len(sentence) + 8) == sentence


@given(st.text(st.sampled_from("ab .!?…“”\"'\nA1H,")), st.integers(1, 80))
def test_excerpt_is_the_beginning_of_the_text_within_the_limit(text: str, limit: int) -> None:
    excerpt = make_excerpt(text, limit)
    line = " ".join(text.split())
    assert len(excerpt) <= limit
    assert excerpt == line or line.startswith(excerpt) or (excerpt[-1] == "…" and line.startswith(excerpt[:-1]))


@given(st.text(), st.integers(1, 80))
def test_excerpt_of_an_excerpt_is_itself(text: str, limit: int) -> None:
    assert make_excerpt(make_excerpt(text, limit), limit) == make_excerpt(text, limit)


@pytest.mark.parametrize("unit", [". ", "A. ", "“. A", "a", " ", "!!!! "])
def test_huge_text_takes_no_time(unit: str) -> None:
    text = unit * (2_000_000 // len(unit))
    started = time.perf_counter()
    assert len(make_excerpt(text)) <= EXCERPT_LIMIT
    assert time.perf_counter() - started < 0.5
