"""The tables the aggregator decides by, and their loaders.

Rows of the CSV tables follow comment lines that start with "#" and say what each column is and where it comes from.
Each built-in table is read once. A fault in a table raises TableError with the file and the key: in a built-in one it
is a bug, in an operator's own one it is what `kabarkota doctor` shows.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from aggregator.models import City


class TableError(ValueError):
    """A table that cannot be read, with its file and, where one is to blame, the key."""

    def __init__(self, file: str, key: str, problem: str) -> None:
        super().__init__(f"{file}: {key}: {problem}" if key else f"{file}: {problem}")
        self.file = file
        self.key = key


@dataclass(frozen=True, kw_only=True, slots=True)
class Province:
    """A province, and the regencies (kabupaten) in it: their names keep "Bandung Barat" from being read as Bandung."""

    code: str  # Kemendagri, "75"
    name: str  # "Gorontalo"
    slug: str  # "gorontalo"
    timezone: str  # "Asia/Makassar"
    aliases: tuple[str, ...] = ()
    regencies: tuple[str, ...] = ()
    seats: tuple[tuple[str, str], ...] = ()  # (town or short name, the regency it stands for)


@dataclass(frozen=True, kw_only=True, slots=True)
class CityNaming:
    """How a city's names are to be read, beyond what `City` tells everyone."""

    nicknames: tuple[str, ...] = ()  # "Kota Pahlawan"
    needs_cue: tuple[str, ...] = ()  # names that are also everyday words
    not_in: tuple[str, ...] = ()  # longer names that hold this one and mean something else


@cache
def load_cities() -> tuple[City, ...]:
    """The 98 members of APEKSI, by code: 93 autonomous cities and the five administrative cities of Jakarta."""
    return tuple(_build_city(row) for row in _read_csv("cities.csv"))


@cache
def load_city_namings() -> dict[str, CityNaming]:
    """How the names of each city are read, by code."""
    columns = ("nicknames", "needs_cue", "not_in")
    return {
        row["code"]: CityNaming(**{key: _split_list(row[key]) for key in columns}) for row in _read_csv("cities.csv")
    }


@cache
def load_provinces() -> tuple[Province, ...]:
    """The 38 provinces, by code."""
    return tuple(
        Province(
            code=row["code"],
            name=row["name"],
            slug=row["slug"],
            timezone=row["timezone"],
            aliases=_split_list(row["aliases"]),
            regencies=_split_list(row["regencies"]),
            seats=tuple(_split_seat(item) for item in _split_list(row["seats"])),
        )
        for row in _read_csv("provinces.csv")
    )


def get_city(slug: str) -> City | None:
    """The city with this slug ("kota-gorontalo"), or None."""
    return _cities_by_slug().get(slug)


def get_province(code: str) -> Province | None:
    """The province with this Kemendagri code ("75"), or None."""
    return _provinces_by_code().get(code)


@cache
def read_toml(name: str) -> dict[str, Any]:
    """A built-in TOML table. Callers must not change what they get."""
    return _parse_toml(files(__name__).joinpath(name).read_bytes(), name)


def read_toml_file(path: Path) -> dict[str, Any]:
    """An operator's TOML table. Raises TableError, also when the file cannot be read."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TableError(str(path), "", error.strerror or str(error)) from error
    return _parse_toml(content, str(path))


def _parse_toml(content: bytes, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except RecursionError as error:
        raise TableError(name, "", "nested too deeply") from error
    except ValueError as error:  # TOMLDecodeError and UnicodeDecodeError
        raise TableError(name, "", str(error)) from error


def _read_csv(name: str) -> Iterator[dict[str, str]]:
    text = files(__name__).joinpath(name).read_text("utf-8")
    return csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))


def _split_list(value: str) -> tuple[str, ...]:
    return tuple(item for item in value.split("|") if item)


def _split_seat(item: str) -> tuple[str, str]:
    seat, _, regency = item.partition(">")
    return seat, regency


def _build_city(row: dict[str, str]) -> City:
    province = _provinces_by_code()[row["province_code"]]
    return City(
        code=row["code"],
        bps_code=row["bps_code"],
        name=row["name"],
        full_name=f"Kota {'Administrasi ' if row['administrative'] else ''}{row['name']}",
        slug="kota-" + row["name"].lower().replace(" ", "-"),
        province=province.name,
        province_code=province.code,
        komwil=int(row["komwil"]),
        timezone=row["timezone"],
        latitude=float(row["latitude"]),
        longitude=float(row["longitude"]),
        government=row["government"],
        aliases=_split_list(row["aliases"]),
        ambiguity=row["ambiguity"],
    )


@cache
def _cities_by_slug() -> dict[str, City]:
    return {city.slug: city for city in load_cities()}


@cache
def _provinces_by_code() -> dict[str, Province]:
    return {province.code: province for province in load_provinces()}
