"""How Indonesian portals write a moment: one pattern per portal, filled from one table of words. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

DAYS = ("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu")
MONTHS = (
    *("Januari", "Februari", "Maret", "April", "Mei", "Juni"),
    *("Juli", "Agustus", "September", "Oktober", "November", "Desember"),
)
ENGLISH_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
ZONES = {7: "WIB", 8: "WITA", 9: "WIT"}  # hours ahead of UTC

_DAY_IN_TEXT = re.compile(r"\{(hari|nama|tanggal)([+-]\d+)?\}")
_DAY_FORMS = {"hari": "{hari} ({tgl}/{bln_angka}/{tahun})", "nama": "{hari}", "tanggal": "{tgl} {bulan} {tahun}"}


def write_date(at: datetime, pattern: str, now: datetime) -> str:
    """Fills `pattern`, e.g. `{hari}, {tgl} {bulan} {tahun} | {jam}.{menit} {zona}`, with an aware `at` as its zone
    reads it. `now` is for `{lalu}`, the human "3 jam lalu"."""
    return pattern.format_map(_name_parts(at, now))


def fill_days(text: str, day: datetime) -> str:
    """Replaces `{hari}` by "Senin (23/11/2026)", `{nama}` by "Senin", `{tanggal}` by "23 November 2026".

    They mean `day`; `{hari+2}` and `{hari-1}` count from it.
    """

    def fill(match: re.Match[str]) -> str:
        meant = day + timedelta(days=int(match[2] or 0))
        return write_date(meant, _DAY_FORMS[match[1]], meant)

    return _DAY_IN_TEXT.sub(fill, text)


def _name_parts(at: datetime, now: datetime) -> dict[str, str]:
    offset = at.utcoffset()
    assert offset is not None, "a date without a zone says nothing"
    return {
        "hari": DAYS[at.weekday()],
        "hr": DAYS[at.weekday()][:3],
        "tgl": f"{at.day}",
        "tgl_dua": f"{at.day:02}",
        "bulan": MONTHS[at.month - 1],
        "bln": MONTHS[at.month - 1][:3],
        "bln_angka": f"{at.month}",
        "bln_dua": f"{at.month:02}",
        "month": ENGLISH_MONTHS[at.month - 1],
        "tahun": f"{at.year}",
        "jam": f"{at.hour:02}",
        "menit": f"{at.minute:02}",
        "detik": f"{at.second:02}",
        "zona": ZONES.get(offset // timedelta(hours=1), "UTC"),
        "iso": at.isoformat(),
        "rfc822": format_datetime(at),
        "rfc822_utc": format_datetime(at.astimezone(UTC)),
        "lalu": _count_back(now - at),
    }


def _count_back(age: timedelta) -> str:
    minutes = age // timedelta(minutes=1)
    for unit, size in (("hari", 24 * 60), ("jam", 60)):
        if minutes >= size:
            return f"{minutes // size} {unit} lalu"
    return f"{minutes} menit lalu"
