"""A small database with something of everything that analysts ask for: copies, stories, changes, polls."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from newsdesk import OTHER, RELEASE, Newsroom

from aggregator.chronicle import Chronicle
from aggregator.models import SourceKind

GORONTALO = "KOTA GORONTALO - Para wali kota dan pengurus APEKSI bertemu di Kota Gorontalo, Senin."
BANDUNG = "BANDUNG - Wali Kota Bandung menerima pengurus APEKSI di Kota Bandung, Selasa, soal kota cerdas."
FORMULAS = ("=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\tx", " \t=1", "＝1")
WASTE = [
    "KOTA GORONTALO - Enam truk pengangkut sampah baru mulai bekerja di Kota Gorontalo, kata pengurus APEKSI.",
    "Truk itu dibeli dengan uang retribusi pasar yang terkumpul selama dua tahun di tiga puluh kelurahan.",
    "Sopirnya dilatih sebulan, dan setiap truk membawa alat yang mencatat berat muatan serta jalan yang dilalui.",
    "Warga dapat melihat jadwal pengangkutan di papan pengumuman, dan melapor bila sampahnya tidak diambil.",
]
STRANGE = 'baris satu\r\nbaris dua; "kutip", ekor \x00 dan ' + "aksara ꦗꦮ 😀 é " * 2_000


def fill(folder: Path) -> Path:
    """Makes `news.db` in that folder, published and counted; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    room = Newsroom(folder)
    room.publish_at("pemkot", "rilis", [GORONTALO, *RELEASE], kind=SourceKind.CITY_GOVERNMENT)
    room.publish_at("portal", "salinan", [GORONTALO, *RELEASE], hour=7, title="APEKSI bertemu di Gorontalo")
    room.publish_at("bandung", "kunjungan", [BANDUNG, *OTHER])
    room.minutes += 60 * 24 * 2
    room.publish_at("bursa", "sampah", WASTE)
    room.publish_at("portal", "salinan", [GORONTALO, *RELEASE, "Lalu mereka berdoa."], title="Apeksi berubah")
    room.fail("bandung", status=500, reason="HTTP 500")
    with room.store.transaction():
        Chronicle(room.store, room.now).look()
    room.read_feed()
    room.store.refresh_coverage(room.now)
    path = room.store.path
    room.store.close()
    return path


def change(database: Path, *statements: str | tuple[str, Sequence[Any]]) -> None:
    """Writes by hand, past everything that would refuse it."""
    connection = sqlite3.connect(database)
    try:
        with connection:
            for each in statements:
                connection.execute(*((each,) if isinstance(each, str) else each))
    finally:
        connection.close()


@contextmanager
def read(database: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
    try:
        yield connection
    finally:
        connection.close()


def ask(database: Path, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with read(database) as connection:
        return connection.execute(sql, values).fetchall()
