"""Regions: where the news happened, which names are only mentioned, and which are no places at all.

All titles and texts are written for the tests.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aggregator.models import City, RegionMatch
from aggregator.regions import load_cities, tag_regions

FILLER = "Kegiatan itu berlangsung sejak pagi dan diikuti puluhan warga dari berbagai kelurahan di pusat kota. " * 3


def write_article(*paragraphs: str) -> str:
    return "\n".join(part for paragraph in paragraphs for part in (paragraph, FILLER))[: -len(FILLER) - 1]


def names(matches: tuple[RegionMatch, ...], role: str = "event", kind: str = "city") -> list[str]:
    return [match.name.removeprefix("Kota ") for match in matches if match.role == role and match.kind == kind]


def event_cities(title: str, text: str = "", **more: object) -> list[str]:
    return names(tag_regions(title, text, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        # ── plain names
        ("Banda Aceh Luncurkan Aplikasi Parkir", ["Banda Aceh"]),
        ("Pemko Lhokseumawe Tata Pasar", ["Lhokseumawe"]),
        ("Wali Kota Pangkal Pinang Buka Festival", ["Pangkalpinang"]),
        ("Wawali Tangsel Resmikan Taman", ["Tangerang Selatan"]),
        ("Pemkot Bau-Bau Gelar Bimtek", ["Baubau"]),
        ("Diskominfo Pare-Pare Latih Operator", ["Parepare"]),
        ("Kotamobagu Raih Penghargaan", ["Kotamobagu"]),
        ("Jogja Siapkan Jalur Pedestrian", ["Yogyakarta"]),
        ("Warga Jaksel Keluhkan Banjir", ["Administrasi Jakarta Selatan"]),
        ("#KotaGorontalo Bersolek", ["Gorontalo"]),
        ("Surabaya Mayor Opens Smart City Forum", ["Surabaya"]),
        ("Ambon City Prepares Digital Services", ["Ambon"]),
        # ── longest name first
        ("Wali Kota Padang Panjang Lantik Pejabat", ["Padang Panjang"]),
        ("Pemko Padangsidimpuan Bahas Anggaran", ["Padangsidimpuan"]),
        ("Pemkot Tangerang Selatan Tertibkan Reklame", ["Tangerang Selatan"]),
        ("Kota Bandar Lampung Bangun Trotoar", ["Bandar Lampung"]),
        ("Kota Banjarmasin Gelar Pasar Terapung", ["Banjarmasin"]),
        # ── names that are also words, with a cue
        ("Wali Kota Batu Resmikan Alun-alun", ["Batu"]),
        ("Pemkot Metro Gelar Pelatihan", ["Metro"]),
        ("DPRD Metro Sahkan Perda", ["Metro"]),
        ("Rapat Koordinasi Digelar di Palu", ["Palu"]),
        ("Palu Raih Penghargaan Kota Cerdas", ["Palu"]),
        ("Pj Wali Kota Serang Lantik Camat", ["Serang"]),
        ("Pemko Medan Siapkan Bus Listrik", ["Medan"]),
        ("Rombongan Tiba di Malang", ["Malang"]),
        ("Gibran Hadir di Solo", ["Surakarta"]),
        ("Wawako Padang Tinjau Pasar Raya", ["Padang"]),
        ("Wali Kota Bima Serahkan Bantuan", ["Bima"]),
        ("Pemkot Banjar Gandeng Kampus", ["Banjar"]),
        ("Wali Kota Tual Buka Musrenbang", ["Tual"]),
        ("Pemko Sabang Benahi Dermaga", ["Sabang"]),
        ("Kota Wisata Batu Padat Pengunjung", ["Batu"]),
        # ── shared with a regency or a province
        ("Wali Kota Bogor Tinjau Trem", ["Bogor"]),
        ("Pemkot Kediri Perbaiki Drainase", ["Kediri"]),
        ("Madiun Gelar Karnaval", ["Madiun"]),
        ("Kota Jambi Tambah CCTV", ["Jambi"]),
        ("Pemkot Sorong Bangun Command Center", ["Sorong"]),
        ("Pemkot Bengkulu Uji Coba E-Parking", ["Bengkulu"]),
    ],
)
def test_title_names_the_city_of_the_event(title: str, expected: list[str]) -> None:
    assert event_cities(title) == expected


@pytest.mark.parametrize(
    "title",
    [
        pytest.param("Warga Temukan Batu Besar di Sungai", id="batu, stone"),
        pytest.param("Peletakan Batu Pertama Masjid Raya", id="batu, foundation"),
        pytest.param("Bupati Batu Bara Tinjau Pabrik", id="Batu Bara, a regency"),
        pytest.param("Ekspor Batu Bara Naik", id="batu bara, coal"),
        pytest.param("Kapolda Metro Jaya Pimpin Apel", id="Metro Jaya"),
        pytest.param("Wawancara di Metro TV", id="Metro TV"),
        pytest.param("Polres Metro Ungkap Kasus Curanmor", id="Polres Metro"),
        pytest.param("Ketuk Palu, APBD Disahkan", id="palu, gavel"),
        pytest.param("Iran Serang Balik Pangkalan", id="serang, attack"),
        pytest.param("Iran Serang Israel", id="serang between names"),
        pytest.param("Nasib Malang Pedagang Kaki Lima", id="malang, unlucky"),
        pytest.param("Penyanyi Solo Itu Rilis Album", id="solo, alone"),
        pytest.param("Terjun ke Medan Perang", id="medan, field"),
        pytest.param("Demo di Medan Merdeka Barat", id="a street in Jakarta"),
        pytest.param("Warung Nasi Padang Laris Manis", id="a dish"),
        pytest.param("Bima Arya Pimpin Rapat", id="a person"),
        pytest.param("Kereta Anjlok, Bima Sakti Selamat", id="another person"),
        pytest.param("Kisah Bima dalam Wayang", id="a hero"),
        pytest.param("Orang Banjar dan Budayanya", id="a people"),
        pytest.param("Berita Aktual dan Faktual", id="tual inside words"),
        pytest.param("Dari Sabang sampai Merauke", id="an idiom"),
        pytest.param("Kerja Sama dengan Universitas Terbuka", id="no place"),
        pytest.param("Kecelakaan di Jalan Surabaya", id="a street"),
        pytest.param("Kapal Melintas di Selat Makassar", id="a strait"),
        pytest.param("Bupati Bogor Buka Turnamen", id="Kabupaten Bogor"),
        pytest.param("Pemkab Kediri Bangun Bandara", id="Kabupaten Kediri"),
        pytest.param("Kabupaten Madiun Panen Raya", id="Kabupaten Madiun"),
        pytest.param("Kab. Sorong Bentuk Tim", id="Kab. Sorong"),
        pytest.param("Profil Kabupaten Sorong Selatan", id="Sorong Selatan"),
        pytest.param("Pemkab Bandung Barat Relokasi Warga", id="Bandung Barat"),
        pytest.param("Bupati Padang Pariaman Panen Jagung", id="Padang Pariaman"),
        pytest.param("Gorontalo Utara Siapkan Pelabuhan", id="Gorontalo Utara"),
        pytest.param("Gubernur Gorontalo Lantik Pejabat", id="Provinsi Gorontalo"),
        pytest.param("Pemprov Jambi Perbaiki Jalan", id="Provinsi Jambi"),
        pytest.param("Muaro Jambi Tetapkan Cagar Budaya", id="Muaro Jambi"),
        pytest.param("Feri ke Tanjung Balai Karimun Tertunda", id="Tanjung Balai Karimun"),
        pytest.param("Aceh Besar Gelar Pasar Murah", id="Aceh Besar"),
        pytest.param("Regional Sumatera Rapat di Jakarta", id="Jakarta, a province"),
        pytest.param("RSUD Tarakan Tambah Layanan", id="a hospital in Jakarta"),
        pytest.param("Kemacetan di Gerbang Tol Bitung", id="a toll gate in Banten"),
        pytest.param("Pameran Digelar di Jenewa", id="abroad"),
        pytest.param("Bank Sampah Terbaik Diumumkan", id="nothing at all"),
    ],
)
def test_title_without_a_city_has_none(title: str) -> None:
    assert event_cities(title) == []


@pytest.mark.parametrize(
    ("title", "expected", "visitor"),
    [
        ("Wali Kota Kendari Hadiri Rakernas APEKSI di Makassar", ["Makassar"], "Kendari"),
        ("Pj Wali Kota Bima Ikuti Munas di Balikpapan", ["Balikpapan"], "Bima"),
        ("Pemko Banda Aceh Kunjungi Medan, Bahas Raker", ["Medan"], "Banda Aceh"),
        ("DPRD Kota Metro Studi Banding ke Bandung", ["Bandung"], "Metro"),
        ("Delegasi Kota Padang Meriahkan Karnaval di Surabaya", ["Surabaya"], "Padang"),
        ("Pemkot Kupang Belajar Kelola Sampah ke Denpasar", ["Denpasar"], "Kupang"),
        ("Pemkot Ambon Terima Kunjungan DPRD Ternate", ["Ambon"], "Ternate"),
        ("Surabaya Sambut Wali Kota Samarinda", ["Surabaya"], "Samarinda"),
        ("Wali Kota Tarakan Datangi Pameran di Hotel Claro Makassar", ["Makassar"], "Tarakan"),
        ("Rombongan dari Kota Langsa Tiba di Binjai", ["Binjai"], "Langsa"),
        ("Wali Kota Mojokerto Hadiri Rakernas APEKSI Balikpapan", ["Balikpapan"], "Mojokerto"),
        ("Kota Bekasi Kirim Delegasi ke Youth City Changers Makassar", ["Makassar"], "Bekasi"),
        ("Singkawang Jadi Tuan Rumah, Wali Kota Pontianak Hadir", ["Singkawang"], "Pontianak"),
    ],
)
def test_host_goes_before_visitor(title: str, expected: list[str], visitor: str) -> None:
    matches = tag_regions(title)
    assert names(matches) == expected
    assert visitor in names(matches, role="participant")


def test_visitor_is_the_event_where_no_host_is_named() -> None:
    assert event_cities("Delegasi Kota Padang Meriahkan Karnaval Budaya") == ["Padang"]


def test_visitor_gives_way_to_a_province() -> None:
    matches = tag_regions("Wali Kota Singkawang Datangi HUT APEKSI di Lampung")
    assert names(matches) == []
    assert names(matches, kind="province") == ["Lampung"]
    assert names(matches, role="participant") == ["Singkawang"]


@pytest.mark.parametrize(
    ("lead", "expected"),
    [
        ("PALANGKA RAYA – Pelaksana harian sekretaris daerah membuka pelatihan.", ["Palangka Raya"]),
        ("PALU, KABAR CONTOH - Pelatihan pengelola aplikasi dibuka pagi ini.", ["Palu"]),
        ("KabarContoh.com, Medan - Pelatihan pengelola aplikasi dibuka.", ["Medan"]),
        ("Serang (KabarContoh) – Pelatihan pengelola aplikasi dibuka.", ["Serang"]),
        ("Bandarlampung, Lampung (Kabar Contoh) - Pelatihan dibuka.", ["Bandar Lampung"]),
        ("JEJAKCONTOH, Samarinda - Pelatihan dibuka.", ["Samarinda"]),
        ("KBRN, Bandung: Pelatihan dibuka pagi ini.", ["Bandung"]),
        ("KBRN, Gorontalo : Pelatihan dibuka pagi ini.", ["Gorontalo"]),
        ("BONTANG: Pelatihan dibuka pagi ini.", ["Bontang"]),
        ("Makassar, 12 November 2026 – Pelatihan dibuka.", ["Makassar"]),
        ("LUBUKLINGGAU-Pelatihan dibuka pagi ini.", ["Lubuklinggau"]),
        ("kabarcontoh.id | KOTA BATU – Pelatihan dibuka.", ["Batu"]),
        ("(Kabar Contoh), Ambon - Pelatihan dibuka.", ["Ambon"]),
        ("Wali Kota Palu: Pelatihan Perlu Diulang.", ["Palu"]),
        ("BATU | Pelatihan dibuka pagi ini.", ["Batu"]),
        ("Kota Gorontalo — Pelatihan dibuka pagi ini.", ["Gorontalo"]),
        ("KabarContoh.com, BandungPelatihan pengelola aplikasi dibuka.", ["Bandung"]),
        ("SLEMAN – Pelatihan dibuka, dihadiri warga Yogyakarta.", []),
        ("JAKARTA - Pelatihan pengelola aplikasi dibuka pagi ini.", []),
        ("KABUPATEN BOGOR - Pelatihan dibuka pagi ini.", []),
        ("Metro yang padat - begitu kesan pertama tentang kereta itu.", []),
    ],
)
def test_dateline_names_the_city(lead: str, expected: list[str]) -> None:
    assert event_cities("Pelatihan Pengelola Aplikasi Dibuka", lead + "\n" + FILLER) == expected


def test_dateline_goes_before_the_portals_city() -> None:
    text = "MANADO, Kabar Contoh – Pemkot membuka layanan baru bagi warga.\n" + FILLER
    assert event_cities("Layanan Baru Dibuka", text, home_city="kota-gorontalo") == ["Manado"]


def test_title_goes_before_the_dateline_of_a_bureau() -> None:
    text = write_article("SEMARANG - Wali Kota Salatiga membuka layanan baru.", "Warga Salatiga menyambut gembira.")
    matches = tag_regions("Wali Kota Salatiga Buka Layanan Baru", text)
    assert names(matches) == ["Salatiga"]
    assert names(matches, role="mention") == ["Semarang"]


def test_national_dateline_is_no_event() -> None:
    text = write_article("JAKARTA - Wali Kota Depok meninjau jalur sepeda.", "Jalur itu berada di Depok.")
    matches = tag_regions("Jalur Sepeda Ditinjau", text)
    assert names(matches) == ["Depok"]
    assert names(matches, kind="province") == ["Jawa Barat"]
    assert names(matches, role="mention", kind="province") == ["DKI Jakarta"]


@pytest.mark.parametrize(
    ("title", "text", "expected"),
    [
        pytest.param(
            "Layanan Aduan Diluncurkan",
            write_article("Pemkot Malang meluncurkan layanan aduan.", "Warga Malang dapat melapor lewat ponsel."),
            ["Malang"],
            id="one cue confirms the bare name",
        ),
        pytest.param(
            "Pasar Lama Ditata",
            write_article("Pedagang bernasib malang karena pasar terbakar.", "Mereka memecah batu untuk hidup."),
            [],
            id="words in lower case are words",
        ),
        pytest.param(
            "Bogor Perbaiki Jalan Rusak",
            write_article("Bupati Bogor meninjau jalan rusak di Cibinong.", "Pemkab Bogor menyiapkan anggaran."),
            [],
            id="cues in the text make it the regency",
        ),
        pytest.param(
            "Bogor Perbaiki Trotoar",
            write_article("Wali Kota Bogor meninjau trotoar.", "Pemkot Bogor menyiapkan anggaran."),
            ["Bogor"],
            id="cues in the text make it the city",
        ),
        pytest.param(
            "Gorontalo Panen Jagung",
            write_article("Gubernur Gorontalo memanen jagung.", "Pemprov Gorontalo menjaga harga."),
            [],
            id="cues in the text make it the province",
        ),
        pytest.param(
            "Bandung Barat Siaga Longsor",
            write_article("Warga Bandung Barat diminta siaga.", "Jalan menuju Kota Bandung sempat tertutup."),
            [],
            id="event in a regency beside a city",
        ),
        pytest.param(
            "Forum Kota Digelar",
            write_article(
                "Forum itu digelar di Hotel Claro, Jalan Pettarani, Makassar.",
                "Wali Kota Parepare dan Wali Kota Palopo menghadiri forum itu.",
            ),
            ["Makassar"],
            id="place after a hotel and a street",
        ),
        pytest.param(
            "Rombongan Belanja Batik",
            write_article("Rombongan istri wali kota berbelanja di Kampung Batik Solo."),
            ["Surakarta"],
            id="a word that closes the name of a place",
        ),
        pytest.param(
            "Hadiri Munas, Pemkot Ambon Bawa Tiga Usulan",
            write_article(
                "AMBON, Kabar Contoh – Pemkot Ambon menghadiri munas yang digelar di Surabaya.",
                "Munas di Surabaya itu berlangsung tiga hari.",
                "Surabaya menjadi tuan rumah untuk kedua kalinya.",
            ),
            ["Surabaya"],
            id="dateline of the visitor",
        ),
        pytest.param(
            "Dua Kota Teken Kerja Sama",
            write_article("Wali Kota Bekasi dan Wali Kota Depok menandatangani kerja sama pengelolaan sampah."),
            ["Bekasi", "Depok"],
            id="two cities at par",
        ),
        pytest.param(
            "Sepuluh Kota Terima Penghargaan",
            write_article("Penerima adalah Surabaya, Makassar, Balikpapan, Denpasar, dan Banjarmasin."),
            [],
            id="a list is no place",
        ),
        pytest.param(
            "Warga Gelar Kerja Bakti",
            write_article(
                "Warga membersihkan selokan.", "Mereka bekerja sejak pagi.", "Kegiatan serupa ada di Cimahi."
            ),
            [],
            id="a name in the last line",
        ),
    ],
)
def test_article_tells_the_city_of_the_event(title: str, text: str, expected: list[str]) -> None:
    assert event_cities(title, text) == expected


# ── the portal's own city ─────────────────────────────────────────────────────────────────────────────────────────


def test_office_without_a_city_is_the_portals() -> None:
    text = write_article("Wali kota membuka pelatihan bagi operator.", "Pelatihan berlangsung dua hari.")
    assert event_cities("Pemkot Gelar Pelatihan", text, home_city="kota-gorontalo") == ["Gorontalo"]
    assert event_cities("Pemkot Gelar Pelatihan", text) == []


def test_portals_city_is_no_evidence_by_itself() -> None:
    assert event_cities("Harga Beras Naik", FILLER, home_city="kota-gorontalo") == []
    assert event_cities("Bupati Bangka Tinjau Pasar", "Pemkot ikut hadir.", home_city="kota-gorontalo") == []


def test_portals_city_settles_a_name_that_is_also_a_word() -> None:
    assert event_cities("Metro Makin Tertata", home_city="kota-metro") == ["Metro"]
    assert event_cities("Metro Makin Tertata", home_city="kota-batam") == []


@pytest.mark.parametrize("home_city", [None, "", "kota-atlantis"])
def test_unknown_home_city_is_no_matter(home_city: str | None) -> None:
    assert event_cities("Pemkot Manado Tata Pasar", home_city=home_city) == ["Manado"]


# ── the answer ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_event_cities_come_first_then_their_provinces_then_mentions() -> None:
    matches = tag_regions("Wali Kota Kendari Hadiri Rakernas di Makassar, Gubernur Bali Absen")
    assert [(match.role, match.kind, match.code) for match in matches] == [
        ("event", "city", "73.71"),
        ("event", "province", "73"),
        ("participant", "city", "74.71"),
        ("mention", "province", "51"),
    ]


def test_codes_are_kemendagris() -> None:
    by_code = {match.code: match.name for match in tag_regions("Kota Jayapura dan Kota Sorong Teken Kerja Sama")}
    assert by_code == {"91.71": "Kota Jayapura", "96.71": "Kota Sorong", "91": "Papua", "96": "Papua Barat Daya"}


def test_event_in_a_regency_has_its_province() -> None:
    matches = tag_regions("Kabupaten Sleman Gelar Pelatihan")
    assert [(match.role, match.kind, match.name) for match in matches] == [("event", "province", "DI Yogyakarta")]


def test_evidence_says_what_was_read_where() -> None:
    title = "Rakernas Dibuka di Kota Makassar"
    text = "MAKASSAR, Kabar Contoh – Rakernas dibuka pagi ini."
    city = tag_regions(title, text)[0]
    assert [(item.term, item.place) for item in city.evidence] == [("Kota Makassar", "title"), ("MAKASSAR", "dateline")]
    assert title[city.evidence[0].offset :].startswith(city.evidence[0].term)
    assert text[city.evidence[1].offset :].startswith(city.evidence[1].term)
    assert city.score == pytest.approx(sum(item.weight for item in city.evidence))


@pytest.mark.parametrize("city", load_cities(), ids=lambda city: city.slug)
def test_every_city_is_found_by_its_government_and_full_name(city: City) -> None:
    for title in (f"{city.government} Gelar Pelatihan", f"Pelatihan Digelar di {city.full_name}"):
        matches = tag_regions(title)
        assert (matches[0].code, matches[0].role) == (city.code, "event"), title
        assert (matches[1].code, matches[1].kind) == (city.province_code, "province"), title


@pytest.mark.parametrize(
    "text", ["", "\n" * 5000, "\x00", "\ud800", "di " * 30_000, "Kota " * 20_000, "Makassar, " * 10_000]
)
def test_hostile_text_is_read_without_complaint(text: str) -> None:
    assert isinstance(tag_regions(text, text, summary=text, tags=(text,), home_city="kota-batu"), tuple)


# ── the development data ──────────────────────────────────────────────────────────────────────────────────────────


def test_seed_happened_to_kota_gorontalo(dev_data: Path) -> None:
    expected = json.loads((dev_data / "seed" / "expected.json").read_text("utf-8"))
    matches = tag_regions(expected["title"], "\n".join(expected["paragraphs"]))
    assert [(match.code, match.name) for match in matches if match.role == "event" and match.kind == "city"] == [
        (expected["city"]["kemendagri_code"], expected["city"]["name"])
    ]


# ── hosts, participants, and where nothing happened ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("title", "text", "expected"),
    [
        pytest.param(
            "Wali Kota Sibolga Nakhodai APEKSI",
            "PADANG – Wali Kota Sibolga terpilih menjadi ketua dalam musyawarah nasional APEKSI.",
            ["Padang"],
            id="dateline of a meeting",
        ),
        pytest.param(
            "Wali Kota Dumai Bicara di Rakernas APEKSI",
            write_article(
                "DUMAI, Kabar Contoh – Pengalaman mengelola pelabuhan dipaparkan Wali Kota Dumai.",
                "Rakernas berlangsung di Gedung Pertemuan, Kota Tarakan.",
            ),
            ["Tarakan"],
            id="venue in the body, dateline of the visitor",
        ),
        pytest.param(
            "Pelajar Tegal Juara Debat",
            "Tim debat asal Tegal menjuarai lomba yang digelar di kampus Universitas Contoh, Depok, Sabtu.",
            ["Depok"],
            id="a campus and its city",
        ),
        pytest.param(
            "Kapal Terbakar",
            "Kapal kargo KM Kota Makassar terbakar di galangan Kali Baru, Cilincing, Jakarta Utara.",
            ["Administrasi Jakarta Utara"],
            id="ship that is called after a city",
        ),
        pytest.param(
            "Bus Terguling", "Bus terguling di jalan Medan-Binjai, Desa Contoh, Kabupaten Deli Serdang.", [], id="road"
        ),
        pytest.param(
            "Padang Sabana Terbakar",
            "Oelamasi, Kabar Contoh – Padang sabana di Kabupaten Kupang terbakar.\nDua mobil bantuan Kota Kupang tiba.",
            [],
            id="regency beside the city of its name",
        ),
        pytest.param(
            "Warga Tolak Vila", "Warga Desa Nyitdah, Kecamatan Kediri, Tabanan, menolak vila.", [], id="district"
        ),
        pytest.param(
            "Wali Kota Makassar Pelajari Sampah",
            "Wali Kota Makassar mengunjungi pabrik pemilahan sampah di Kitakyushu, Jepang, Selasa.",
            [],
            id="abroad",
        ),
        pytest.param(
            "Hujan di Delapan Kota",
            "Hujan diprakirakan turun di Medan, Palembang, dan Pekanbaru pada Kamis.",
            [],
            id="a list of places",
        ),
        pytest.param(
            "Wali Kota Kendari Terima Penghargaan",
            "Wali Kota Kendari menerima penghargaan dari menteri di Jakarta, Selasa malam.",
            [],
            id="honoured in the capital",
        ),
        pytest.param(
            "Kebun Terbakar", "SRAGEN – Lahan tebu terbakar. Asap terlihat sampai Surakarta.", [], id="regency dateline"
        ),
    ],
)
def test_where_it_happened_goes_before_who_is_named(title: str, text: str, expected: list[str]) -> None:
    assert event_cities(title, text) == expected


def test_who_takes_part_is_told_from_who_is_only_named() -> None:
    text = write_article(
        "BALIKPAPAN, Kabar Contoh – Rakernas APEKSI dibuka di Balikpapan.",
        "Hadir Wali Kota Palu, Kendari, dan Ternate, serta delegasi dari Kota Ambon.",
        "Kemiskinan di Bitung disinggung pula.",
    )
    matches = tag_regions("Rakernas Dibuka di Balikpapan", text)
    assert names(matches) == ["Balikpapan"]
    assert set(names(matches, role="participant")) == {"Palu", "Kendari", "Ternate", "Ambon"}
    assert names(matches, role="mention") == ["Bitung"]


@pytest.mark.parametrize(
    ("text", "province"),
    [
        ("LIMBOTO – Jembatan ambruk.", "Gorontalo"),
        ("Labuan Bajo, Kabar Contoh – Kapal karam.", "Nusa Tenggara Timur"),
        ("WAMENA | Harga beras naik.", "Papua Pegunungan"),
    ],
)
def test_seat_of_a_regency_names_its_province(text: str, province: str) -> None:
    matches = tag_regions("Kabar Hari Ini", text)
    assert [match.name for match in matches if match.role == "event"] == [province]
