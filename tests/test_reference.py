"""The built-in tables: complete, consistent, and faults named with their file."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from aggregator.models import City
from aggregator.reference import (
    TableError,
    get_city,
    get_province,
    load_cities,
    load_city_namings,
    load_provinces,
    read_toml,
    read_toml_file,
)
from aggregator.textfold import Words


def test_all_member_cities_are_there() -> None:
    cities = load_cities()
    administrative = [city for city in cities if city.full_name.startswith("Kota Administrasi ")]
    assert len(cities) == 98
    assert [city.province_code for city in administrative] == ["31"] * 5
    assert [city.code for city in cities] == sorted(city.code for city in cities)


@pytest.mark.parametrize("field", ["code", "bps_code", "slug", "full_name", "government"])
def test_cities_differ_in(field: str) -> None:
    assert max(Counter(getattr(city, field) for city in load_cities()).values()) == 1


@pytest.mark.parametrize("city", load_cities(), ids=lambda city: city.slug)
def test_city_is_consistent(city: City) -> None:
    province = get_province(city.province_code)
    assert province is not None
    assert city.province == province.name
    assert city.code.startswith(city.province_code + ".7")
    assert len(city.bps_code) == 4
    assert city.komwil in range(1, 7)
    assert ZoneInfo(city.timezone).key in {"Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"}
    assert -11 < city.latitude < 6.1
    assert 95 < city.longitude < 141.1
    assert city.government.startswith(("Pemkot ", "Pemko "))


def test_a_province_lies_in_one_komwil() -> None:
    komwils = {(city.province_code, city.komwil) for city in load_cities()}
    assert len(komwils) == len({province for province, _ in komwils})


def test_city_is_found_by_slug() -> None:
    city = get_city("kota-gorontalo")
    assert city is not None
    assert (city.code, city.bps_code, city.komwil, city.timezone) == ("75.71", "7571", 6, "Asia/Makassar")
    assert city.full_name == "Kota Gorontalo"
    assert get_city("kota-tidore-kepulauan") is not None
    assert get_city("gorontalo") is None


def test_provinces_are_complete() -> None:
    provinces = load_provinces()
    assert len(provinces) == 38
    assert {"gorontalo", "dki-jakarta", "di-yogyakarta", "papua-barat-daya"} <= {
        province.slug for province in provinces
    }
    assert max(Counter(province.slug for province in provinces).values()) == 1
    assert [province.code for province in provinces] == sorted(province.code for province in provinces)
    assert get_province("99") is None


def test_every_province_has_regencies() -> None:
    counts = [len(province.regencies) for province in load_provinces()]
    assert min(counts) >= 1
    assert 416 <= sum(counts) <= 430  # 415 regencies and an administrative one, some under two names


def test_names_that_need_a_cue_are_names_of_their_city() -> None:
    for city in load_cities():
        assert set(load_city_namings()[city.code].needs_cue) <= {city.name, *city.aliases}, city.slug


def test_longer_names_hold_a_name_of_their_city() -> None:
    for city in load_cities():
        known = ["".join(Words(name).keys) for name in (city.name, *city.aliases)]
        for name in load_city_namings()[city.code].not_in:
            folded = "".join(Words(name).keys)
            assert any(part in folded for part in known) or folded.startswith("muara"), (city.slug, name)


def test_regencies_that_need_a_cue_exist() -> None:
    known = {name for province in load_provinces() for name in province.regencies}
    assert set(read_toml("region_cues.toml")["names"]["regencies"]) <= known


def test_words_around_names_are_single_lower_case_words() -> None:
    table = read_toml("region_cues.toml")
    for section in ("before", "relation", "after"):
        for key, words in table[section].items():
            assert [word for word in words if Words(word).keys != [word]] == [], f"{section}.{key}"
            assert max(Counter(words).values()) == 1, f"{section}.{key}"


def test_built_in_table_is_read_once() -> None:
    assert load_cities() is load_cities()
    assert read_toml("topics.toml") is read_toml("topics.toml")


@pytest.mark.parametrize("content", [b"[topics", b"a = 1\na = 2\n", b"\xff\xfe"], ids=["cut off", "twice", "no UTF-8"])
def test_broken_table_names_its_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "topics.toml"
    path.write_bytes(content)
    with pytest.raises(TableError) as caught:
        read_toml_file(path)
    assert caught.value.file == str(path)
    assert str(path) in str(caught.value)


def test_table_that_is_not_there_names_its_file(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"none\.toml"):
        read_toml_file(tmp_path / "none.toml")


def test_cities_are_those_of_the_development_table(dev_data: Path) -> None:
    with (dev_data / "cities.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    numerals = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6}
    assert [(city.code, city.bps_code, city.name, city.province, city.komwil) for city in load_cities()] == [
        (row["kemendagri_code"], row["bps_code"], row["city"], row["province"], numerals[row["apeksi_komwil"]])
        for row in rows
    ]
