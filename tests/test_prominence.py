"""Which words and people stand out in news."""

from __future__ import annotations

import pytest

from aggregator.prominence import Opening, Prominent, find_people, find_words, read_opening


def name(*leads: str, titles: tuple[str, ...] = ()) -> list[tuple[str, int, str]]:
    """Each lead is that of two pieces of news: what is in one alone does not stand out."""
    openings = [Opening(title="", lead=lead) for lead in leads for _ in range(2)]
    openings += [Opening(title=title, lead="") for title in titles]
    return [(each.name, each.news, each.office) for each in find_people(openings, most=9)]


@pytest.mark.parametrize(
    ("lead", "person"),
    [
        ("Wali Kota Bogor Bima Arya Sugiarto menyampaikan hal itu.", "Bima Arya Sugiarto"),
        ("Wali Kota Bima Arya hadir.", "Bima Arya"),  # not the mayor of Bima
        ("Wali Kota Bima Rahman Abidin hadir.", "Rahman Abidin"),
        ("Ketua Umum APEKSI, Eri Cahyadi, mengatakan demikian.", "Eri Cahyadi"),
        ("Wakil Wali Kota Tangerang Selatan Pilar Saga Ichsan, Senin (5/10)", "Pilar Saga Ichsan"),
        ("Gubernur Bali, Wayan Koster, membuka rapat.", "Wayan Koster"),
        ("Gubernur Jawa Barat Dedi Mulyadi Senin pagi meninjau pasar.", "Dedi Mulyadi"),
        ("Wali Kota Ambon, Bodewin M. Wattimena menegaskan.", "Bodewin M. Wattimena"),
        ("Walikota Medan H. Rico Tri Putra Bayu Waas berkata.", "Rico Tri Putra Bayu"),
        ("Wali Kota Kota Kupang dr. Christian Widodo.", "Christian Widodo"),
        ("menurut Mendagri Tito Karnavian kemarin", "Tito Karnavian"),
        ("Wali Kota Surabaya Eri hadir.", None),
        ("Wali Kota Gorontalo menerima tamu.", None),
        ("Wali Kota Gorontalo Senin pagi menerima tamu.", None),
        ("Ketua Kelompok Nelayan Bina Samudra berterima kasih.", None),
        ("wali kota se-Indonesia berkumpul di Balai Kota Malang.", None),
        ("Kepala Dinas Komunikasi Kota Solo bertemu Bupati Kabupaten Malang.", None),
        ("Eri Cahyadi hadir tanpa jabatan.", None),
    ],
)
def test_names_are_told_from_places(lead: str, person: str | None) -> None:
    assert [each for each, *_ in name(lead)] == ([person] if person else [])


def test_headlines_count_and_teach_no_names() -> None:
    lead = "Wali Kota Surabaya Eri Cahyadi meninjau pasar."
    titles = ("Eri Cahyadi Lantik Pejabat", "Wali Kota Bogor Dedie Rachim Tinjau Pasar")
    assert name(lead, titles=titles) == [("Eri Cahyadi", 3, "wali kota")]


def test_longer_forms_of_a_name_are_one_person() -> None:
    leads = ["Wali Kota Bogor Bima Arya Sugiarto hadir."] + ["Ketua APEKSI Bima Arya membuka rapat."] * 2
    assert name(*leads) == [("Bima Arya", 6, "ketua")]


def test_words_stand_out_against_their_usual() -> None:
    openings = [
        Opening("Banjir di Kota Gorontalo", "Banjir merendam pompa, dua belas ribu, Harian Teluk.", "Harian Teluk"),
        Opening("Pompa dikirim", "Wali kota mengirim dua belas ribu pompa untuk banjir di Gorontalo.", "Harian Teluk"),
        Opening("Banjir surut", "Pompa dipakai dua belas ribu kali."),
        Opening("Rapat", "Wali kota dan para camat bertemu."),
    ]  # fmt: skip
    assert find_words(openings, most=9) == [Prominent("pompa", 3), Prominent("banjir", 3)]
    assert find_words([], most=9) == find_people([], most=9) == []


@pytest.mark.parametrize(
    ("text", "lead"),
    [
        ("GORONTALO – Wali kota hadir.", "Wali kota hadir."),
        ("Jakarta, Harian.Com - Wali kota hadir.", "Wali kota hadir."),
        ("Wali kota hadir - lalu pulang.", "Wali kota hadir - lalu pulang."),
        ("", ""),
    ],
)
def test_datelines_are_no_lead(text: str, lead: str) -> None:
    assert read_opening("", text, "").lead == lead


def test_hostile_texts_take_no_time() -> None:
    evil = "Wali Kota " + "A. " * 50_000 + "Kota " * 10_000 + "H." * 10_000
    assert find_people([Opening(evil[:5000], evil[:5000])] * 5, most=5) == []
    assert len(read_opening("", "A" * 100_000, "").lead) < 300
