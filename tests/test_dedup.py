"""What counts as the same text, and what does not; groups as a function of the set."""

from __future__ import annotations

import csv
import gzip
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from math import comb
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.dedup import DedupRecord, cluster, compare, fingerprint, hash_paragraph

RELEASE = [
    "Pemerintah Kota Gorontalo meresmikan pusat kendali kota cerdas di lantai dua balai kota, Senin pagi.",
    "Pusat kendali itu menyatukan pantauan genangan, antrean puskesmas, lampu jalan, dan laporan dari 50 kelurahan.",
    "Wali kota mengatakan pembangunan selesai dua bulan lebih cepat dan menghemat seperlima dari pagu semula.",
    "Warga dapat melapor lewat telepon, pesan singkat, atau datang ke kantor kelurahan tanpa harus memasang aplikasi.",
    "Dinas komunikasi menempatkan empat belas petugas yang bergiliran menjawab laporan selama dua puluh empat jam.",
    "Laporan yang belum ditangani dalam tiga hari akan tampil di laman terbuka supaya warga dapat menagihnya.",
    "Tahun depan data itu dibagi dengan kabupaten tetangga agar banjir kiriman dapat diperkirakan lebih dini.",
]
SAME_EVENT = [
    "Balai kota Gorontalo kini memiliki ruang kendali. Wali kota membukanya pada hari Senin di depan para camat.",
    "Di ruang itu dinding layar menampilkan peta hujan. Seorang petugas memperagakan cara menutup laporan jalan rusak.",
    "Anggota dewan meminta biaya langganan perangkat diumumkan, sebab kontrak lama habis pada bulan Desember.",
    "Aktivis mengingatkan bahwa kamera di persimpangan belum memiliki aturan tentang lama penyimpanan rekaman.",
]
PRICES = (
    "Harga cabai rawit di pasar induk hari ini {} rupiah, bawang merah {} rupiah, bawang putih {} rupiah, telur {} "
    "rupiah, beras medium {} rupiah, gula pasir {} rupiah, minyak goreng {} rupiah, dan daging ayam {} rupiah "
    "per kilogram. Dinas perdagangan mencatat pasokan cukup dan meminta warga berbelanja seperlunya hingga hari raya."
)


def alike(a: Iterable[str], b: Iterable[str], *, same_source: bool = False, titles: tuple[str, str] = ("", "")) -> bool:
    first, second = fingerprint(titles[0], "\n".join(a)), fingerprint(titles[1], "\n".join(b))
    verdict, reverse = (
        compare(first, second, same_source=same_source),
        compare(second, first, same_source=same_source),
    )
    assert verdict == replace(reverse, of_a=reverse.of_b, of_b=reverse.of_a)
    return verdict.is_duplicate


def edit(paragraphs: list[str], share: float) -> list[str]:
    """So many of the words replaced."""
    chance = random.Random(7)
    return [
        " ".join("kata" + str(chance.randrange(999)) if chance.random() < share else word for word in line.split())
        for line in paragraphs
    ]


REPOSTS = {
    "same text": RELEASE,
    "byline and dateline": ["GORONTALO, PORTAL KAMI – Pewarta: Sri", *RELEASE, "Editor: Budi"],
    "cut after two paragraphs": RELEASE[:2],
    "boilerplate around and between": [
        *("Baca juga: Jadwal pemadaman listrik pekan ini di sejumlah kelurahan", *RELEASE[:3]),
        *("Ikuti saluran kami dan dapatkan kabar setiap pagi langsung di gawai Anda tanpa biaya", *RELEASE[3:]),
        "Pos terkait: Sepuluh tempat sarapan yang layak dicoba bersama keluarga pada akhir pekan",
    ],
    "paragraphs in another order": [*RELEASE[4:], *RELEASE[:4]],
    "a fifth of the words changed": edit(RELEASE, 0.2),
    "capitals and typographic signs": [line.upper().replace(",", " –") for line in RELEASE],
}


@pytest.mark.parametrize("copy", [pytest.param(copy, id=name) for name, copy in REPOSTS.items()])
def test_a_repost_is_recognised(copy: list[str]) -> None:
    assert alike(RELEASE, copy)


OTHERS = {
    "another text on the same event": SAME_EVENT,
    "half of the words changed": edit(RELEASE, 0.5),
    "nothing in common": ["Pertandingan ditunda karena hujan lebat.", "Penonton pulang dengan tertib."],
    "no text": [],
}


@pytest.mark.parametrize("other", [pytest.param(other, id=name) for name, other in OTHERS.items()])
def test_another_text_is_not_taken_for_a_copy(other: list[str]) -> None:
    assert not alike(RELEASE, other)


@pytest.mark.parametrize("same_source", [True, False], ids=["one source", "two sources"])
def test_a_template_with_other_numbers_is_other_news(same_source: bool) -> None:
    monday = PRICES.format(*range(31_000, 39_000, 1_000))
    tuesday = PRICES.format(*range(31_500, 39_500, 1_000))
    assert not alike([monday], [tuesday], same_source=same_source)
    assert alike([monday], [monday], same_source=same_source)


PRAYERS = (
    "Umat Islam di Kota {} dapat memakai jadwal salat hari ini sebagai acuan: imsak {}, subuh {}, terbit {}, duha {}, "
    "zuhur {}, asar {}, magrib {}, dan isya {}. Jadwal disusun kantor urusan agama setempat, dan waktu bergeser satu "
    "sampai dua menit menurut letak tempat. Warga diminta menyiapkan diri sebelum azan berkumandang dari masjid."
)


@pytest.mark.parametrize("same_source", [True, False], ids=["one portal", "sister portals"])
def test_prayer_times_of_two_cities_are_not_one_piece_of_news(same_source: bool) -> None:
    hours = ("04", "04", "05", "06", "11", "15", "17", "19")
    bandung = PRAYERS.format(
        "Bandung", *(f"{hour}:{minute}" for hour, minute in zip(hours, range(11, 51, 5), strict=True))
    )
    bogor = PRAYERS.format("Bogor", *(f"{hour}:{minute}" for hour, minute in zip(hours, range(14, 54, 5), strict=True)))
    assert not alike([bandung], [bogor], same_source=same_source)
    assert alike(["BANDUNG, SUARA PAGI.", bandung], [bandung, "Editor: Rina"])


def test_a_template_of_one_source_under_the_headline_of_another_day_is_other_news() -> None:
    text = ["Arah angin dari tenggara, langit cerah sepanjang hari, dan suhu udara seperti hari sebelumnya."] * 2
    assert not alike(text, text, same_source=True, titles=("Cuaca Jumat 20 Juni", "Cuaca Sabtu 21 Juni"))
    assert not alike(text, text, same_source=True, titles=("Cuaca Hari Jumat", "Cuaca Hari Sabtu"))
    assert alike(text, text, same_source=True, titles=("Cuaca Jumat 20 Juni", "Prakiraan cuaca"))


def test_the_headline_counts_only_where_there_is_no_text() -> None:
    assert not alike(
        ["Isi pertama yang pendek saja."], ["Kalimat kedua berbeda sama sekali."], titles=("Judul", "Judul")
    )
    assert alike([], [], titles=("Wali kota buka pameran", "WALI KOTA BUKA PAMERAN"))
    assert not alike([], [])


def test_a_sources_own_paragraphs_are_left_out() -> None:
    own = "Portal kami didirikan untuk mengabarkan kegiatan warga di seluruh kecamatan dan kelurahan setiap hari."
    print_ = fingerprint("", f"{RELEASE[0]}\n{own}", boilerplate={hash_paragraph(own)})
    assert print_.shingles == fingerprint("", RELEASE[0]).shingles


def test_compatibility_characters_do_not_hide_a_copy() -> None:
    assert alike(RELEASE, [line.replace("fi", "ﬁ") for line in RELEASE])


def test_monstrous_texts_are_bounded() -> None:
    print_ = fingerprint("x", " ".join(str(number) for number in range(300_000)))
    assert len(print_.words) == 6_000
    assert len(print_.shingles) < 6_000


@settings(max_examples=150)
@given(st.text(), st.text())
def test_any_two_texts_can_be_compared(a: str, b: str) -> None:
    assert alike([a], [b]) in (True, False)
    assert all(-(2**63) <= value < 2**63 for value in fingerprint(a, b).shingles)


def make_records() -> list[DedupRecord]:
    """Four copies of a release, one other text, a round-up that quotes both."""
    hours = iter(range(6, 23))
    texts = [*[*REPOSTS.values()][:4], SAME_EVENT, [*RELEASE, *SAME_EVENT]]
    return [
        DedupRecord(
            id=f"a{number}",
            source=f"portal-{number}",
            title="",
            text="\n".join(text),
            published=datetime(2026, 10, 5, next(hours), tzinfo=UTC),
        )
        for number, text in enumerate(texts)
    ]


def test_copies_are_named_after_the_first_and_other_news_stays_alone() -> None:
    clusters = cluster(make_records())
    assert {clusters[f"a{number}"] for number in range(4)} == {"a0"}
    assert clusters["a4"] == "a4"


@given(st.permutations(make_records()))
@settings(max_examples=30, deadline=None)
def test_groups_do_not_depend_on_the_order_of_arrival(records: list[DedupRecord]) -> None:
    assert cluster(records) == cluster(make_records())


# ── the development data ───────────────────────────────────────────────────────────────────────────────────────────


def read_records(path: Path) -> list[DedupRecord]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [DedupRecord(id=str(row["id"]), source=row["source"], title=row["title"], text=row["text"]) for row in rows]


def count_pairs(groups: Iterable[int]) -> int:
    return sum(comb(size, 2) for size in groups)


@pytest.mark.slow
def test_planted_copies_are_found_and_templates_stay_apart(dev_data: Path) -> None:
    with (dev_data / "dedup/dev_gold.csv").open(encoding="utf-8") as lines:
        gold = {row["id"]: row for row in csv.DictReader(lines)}
    found = cluster(read_records(dev_data / "dedup/dev.jsonl.gz"))
    together = count_pairs(Counter((gold[key]["cluster"], found[key]) for key in gold).values())
    precision = together / count_pairs(Counter(found.values()).values())
    recall = together / count_pairs(Counter(row["cluster"] for row in gold.values()).values())
    assert 2 * precision * recall / (precision + recall) >= 0.992
    members = defaultdict(set)
    for key, group in found.items():
        members[group].add(gold[key]["cluster"])
    templates = [key for key, row in gold.items() if row["kind"].startswith("template")]
    assert sum(len(members[found[key]]) > 1 for key in templates) / len(templates) <= 0.02


def test_labelled_releases_are_put_together_and_other_news_is_not(dev_data: Path) -> None:
    found = cluster(read_records(dev_data / "dedup/natural_dev.jsonl.gz"))
    with (dev_data / "dedup/natural_dev_pairs.csv").open(encoding="utf-8") as lines:
        pairs = list(csv.DictReader(lines))
    merged = Counter(pair["label"] for pair in pairs if found[pair["a"]] == found[pair["b"]])
    total = Counter(pair["label"] for pair in pairs)
    assert merged["1"] / total["1"] >= 0.95
    assert merged["0"] == 0
