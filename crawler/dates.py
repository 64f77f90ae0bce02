"""Dates as Indonesian portals write them. PURE; no date is better than a wrong one.

    "Jumat (24/2/2023) 14.05 WITA"  "Rabu, 7 Agu 2024 | 08.30 WIT"  "Mei 4, 2020 @ 4:25 PM"  "10 jam lalu"

A zone that is named is believed; otherwise the outlet's counts. Day comes before month unless that is impossible.
Dates more than a day ahead of `now`, before 1995, or that do not exist are none.
"""

from __future__ import annotations

import calendar
import re
import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from aggregator.models import DatePrecision, ParsedDate
from crawler.characters import unescape

MAX_CHARS = 300  # a date stands at the beginning; the rest of a longer string is something else
DATELINE_CHARS = 1_500
EARLIEST_YEAR = 1995  # there was no Indonesian news on the web before
MAX_AHEAD = timedelta(hours=24)

_MONTH_NAMES = (
    "januari january jan januwari",
    "februari pebruari february febuari feb peb pebr febr",
    "maret march mar mrt",
    "april apr",
    "mei may",
    "juni june jun",
    "juli july jul",
    "agustus august agu agt agst agust ags aug agus",
    "september sep sept",
    "oktober october okt oct",
    "november nopember nov nop",
    "desember december des dec",
)
MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, 1) for name in names.split()}
# Hours ahead of UTC: Indonesia's, RFC 822's (section 5.1), and neighbours whose agencies portals quote.
# fmt: off
ZONES = {
    "wib": 7, "wita": 8, "wit": 9, "gmt": 0, "utc": 0, "ut": 0, "z": 0,
    "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
    "aedt": 11, "aest": 10, "bst": 1, "cest": 2, "cet": 1, "hkt": 8, "ict": 7, "ist": 5.5, "jst": 9, "kst": 9,
    "myt": 8, "sgt": 8,
}
# fmt: on

_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_WEEKDAY = (
    r"(?:senin|selasa|rabu|kamis|jum'?at|sabtu|minggu|ahad|sen|sel|rab|kam|jum|sab|min|mon|tue|wed|thu|fri|sat|sun)"
)
# By their first three letters, Monday 0.
WEEKDAYS = {
    name: number
    for number, names in enumerate(("sen mon", "sel tue", "rab wed", "kam thu", "jum fri", "sab sat", "min aha sun"))
    for name in names.split()
}
_CLOCK = (
    r"(?P<hour>[01]?\d|2[0-3])(?:[:.]|\s:\s)(?P<minute>[0-5]\d)(?:[:.](?P<second>[0-5]\d)(?:(?<=:\d\d)[.,]\d{1,9})?)?(?![\d/]|\.\d)"
    r"\s?(?P<half>[ap]\.?m\b\.?|pagi|siang|sore|petang|malam)?"
)
_ZONE = "|".join(sorted(ZONES, key=len, reverse=True))
_OFFSET = rf"\(?(?P<zone>{_ZONE})?\s?(?P<offset>[+-]\d{{1,2}}(?::?\d{{2}})?)?\)?(?![\d\w])"
# A clock does not begin inside a number or behind half of one ("1.09.15", "25:15:00").
_CLOCK_START = r"(?<![\d/.-])(?<!\d[:,])"

_ISO = re.compile(
    r"(?<![\d.-])(?P<year>\d{4})([-/.])(?P<month>\d{1,2})\2(?P<day>\d{1,2})"
    r"(?:(?:\s{0,3}|t|wib|wita|wit|,\s?)(?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d)(?:\.\d{1,9})?)?"
    rf"\s?{_OFFSET})?(?![\d-]|\.\d)"
)
_COMPACT = re.compile(
    r"(?P<year>(?:19|20)\d\d)(?P<month>0[1-9]|1[0-2])(?P<day>[0-3]\d)"
    rf"(?:t?(?P<hour>[01]\d|2[0-3])(?P<minute>[0-5]\d)(?P<second>[0-5]\d)?{_OFFSET})?"
)
_EPOCH = re.compile(r"\d{10}(?:\d{3})?")
_NAMED = re.compile(
    rf"(?<![\w/.-])(?P<day>[0-3]?\d)(?:st|nd|rd|th)?[\s.-]{{0,3}}(?P<name>{_MONTH})\b\.?[\s,.-]{{0,3}}(?P<year>(?:19|20)\d\d)(?!\d)"
)
_NAMED_US = re.compile(
    rf"(?<![\w/.-])(?P<name>{_MONTH})\b\.?\s{{1,3}}(?P<day>[0-3]?\d)(?:st|nd|rd|th)?,?\s{{1,3}}(?P<year>(?:19|20)\d\d)(?!\d)"
)
_NAMED_ISO = re.compile(
    rf"(?:(?<![\w/.-])|^)(?P<year>(?:19|20)\d\d)(?:-|(?<=^\d{{4}})\s)(?P<name>{_MONTH})[\s-](?P<day>[0-3]?\d)(?!\d)"
)
_NAMED_SHORT = re.compile(
    rf"(?<![\w/.-])(?P<day>[0-3]?\d)[\s-](?P<name>{_MONTH})\b\.?[\s-]'?(?P<year>\d\d)(?!\d|\s?[:.]\s?\d)"
)
# C's ctime and Java's Date: the year stands last.
_CTIME = re.compile(
    rf"\b(?P<name>{_MONTH})\s(?P<day>[0-3]?\d)\s(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?"
    rf"\s(?:{_OFFSET}\s)?(?P<year>(?:19|20)\d\d)(?!\d)"
)
# Two digits of a year are not read behind dots: "8.1.12" is a version, "09.15.33" a clock.
_NUMERIC = re.compile(
    r"(?<![\d/.\-(+])\(?(?P<day>\d{1,2})(\s?[/.-]\s?)(?P<month>\d{1,2})\2"
    r"(?:(?P<year>(?:19|20)\d\d)(?!\.\d)|(?<=[/-])(?P<short>\d\d))(?![\d/-])"
)
# Unless nothing else is a date, and both other parts have two digits or a weekday stands before them.
_DOTTED_SHORT = re.compile(
    rf"(?<![\w/.\-+])(?:(?P<weekday>{_WEEKDAY})\s?[,|]?\s?\(?)?(?P<day>\d{{1,2}})\.(?P<month>\d{{1,2}})\.(?P<year>\d\d)"
    rf"(?![\d/-]|\.\d|\s?\(?(?:{_ZONE}|[ap]\.?m)\b)"
)
_VERSION_WORD = re.compile(r"(?:\b(?:ip|no|nomor|rp|v|ver|versi|version)\.?|[a-z]+\d*[/-])\s?$")
_CLOCK_WORD = re.compile(r"\b(?:jam|pkl|pukul)\.?\s?$")
_NO_YEAR = re.compile(
    rf"(?P<weekday>{_WEEKDAY})\s?(?:pagi|siang|sore|malam)?\s?,?\s?\((?P<day>\d{{1,2}})/(?P<month>\d{{1,2}})\)"
)
_NO_YEAR_NAMED = re.compile(
    rf"(?P<weekday>{_WEEKDAY})(?:\s?,\s?|\s)(?P<day>[0-3]?\d)\s(?P<name>{_MONTH})\b(?!\.?\s?[-']?\d{{2,}}(?!\d*\s?[:.]\s?\d))"
)
_TIME = re.compile(rf"{_CLOCK_START}{_CLOCK}\s?{_OFFSET}")
_ZONE_BEFORE = re.compile(r"\b(?:(?P<zone>wib|wita|wit)|(?:gmt|utc)\s?(?P<offset>[+-]\d{1,2}(?::?\d{2})?))\)?\s?$")
_CLOCK_BEFORE = re.compile(
    rf"{_CLOCK_START}{_CLOCK}\s?{_OFFSET}\s?(?:[,|/·•∙@-]|on\b|pada\b|tanggal\b|tgl\b)?\s?(?:{_WEEKDAY}\s?,?\s?)?$"
)
_WEEKDAY_BEFORE = re.compile(rf"({_WEEKDAY})\s?,?\s?\(?$")
_UPDATE_LABEL = re.compile(
    r"(?:terakhir )?(?:diperbarui|diperbaharui|diupdate|di-update|dimutakhirkan"
    r"|updated?|last (?:updated|modified)|modified)(?: pada)?\s?:?"
)
_COUNT_UNIT = (
    r"(?P<count>\d{1,3}(?:[.,]5)?|setengah|se|satu|dua|tiga|empat|lima|enam|tujuh|delapan|sembilan|sepuluh|a|an)\s?"
    r"(?P<unit>detik|dtk|menit|mnt|jam|hari|hr|minggu|pekan|mgg|bulan|bln|tahun|thn"
    r"|seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?|months?|years?)"
)
_STEP = re.compile(_COUNT_UNIT)
_PLAIN_STEP = re.sub(r"\?P<\w+>", "?:", _COUNT_UNIT)
_RELATIVE = re.compile(
    rf"(?<![\w.,])(?P<steps>{_PLAIN_STEP}(?:,?\s(?:dan\s|and\s)?{_PLAIN_STEP}){{0,3}})\s(?:yang\s|yg\s)?(?:lalu|ago)\b"
)
_DAY_WORD = re.compile(r"\b(?P<word>hari ini|today|kemarin lusa|kemarin|yesterday)\b")
_NOW = re.compile(r"\b(?:baru saja|barusan|just now)\b")
_COUNTS = {
    **dict.fromkeys(("se", "satu", "a", "an"), 1.0),
    "setengah": 0.5,
    "dua": 2,
    "tiga": 3,
    "empat": 4,
    "lima": 5,
    "enam": 6,
    "tujuh": 7,
    "delapan": 8,
    "sembilan": 9,
    "sepuluh": 10,
}
_UNITS = {
    **dict.fromkeys(("detik", "dtk", "second", "sec"), "second"),
    **dict.fromkeys(("menit", "mnt", "minute", "min"), "minute"),
    **dict.fromkeys(("jam", "hour"), "hour"),
    **dict.fromkeys(("hari", "hr", "day"), "day"),
    **dict.fromkeys(("minggu", "pekan", "mgg", "week"), "week"),
    **dict.fromkeys(("bulan", "bln", "month"), "month"),
    **dict.fromkeys(("tahun", "thn", "year"), "year"),
}
_CALENDAR = (_ISO, _CTIME, _NAMED, _NAMED_US, _NAMED_ISO, _NUMERIC, _NAMED_SHORT)
_MARKS = str.maketrans({**dict.fromkeys("‐‑‒–—―−", "-"), **dict.fromkeys("’‘`´ʼ", "'")})
# fmt: off
_ZONE_NAMES = {
    "waktu indonesia barat": "wib", "waktu indonesia tengah": "wita", "waktu indonesia timur": "wit",
    "asia/jakarta": "wib", "asia/pontianak": "wib", "asia/makassar": "wita", "asia/jayapura": "wit",
    "[wib]": "wib", "[wita]": "wita", "[wit]": "wit",  # Java's ZonedDateTime, its name replaced already
}
# fmt: on
_DATELINES = (
    re.compile(
        rf"\b{_WEEKDAY}\s?(?:pagi|siang|sore|malam|dini hari)?\s?,?\s?\(\d{{1,2}}[/.-]\d{{1,2}}(?:[/.-]\d{{2,4}})?\)"
    ),
    re.compile(rf"\b{_WEEKDAY}\s?,\s?\d{{1,2}}(?:[/-]\d{{1,2}}[/-]\d{{4}}|\s(?:{_MONTH})\s\d{{4}})"),
    re.compile(rf"\(\d{{1,2}}/\d{{1,2}}/\d{{4}}\)|\(\d{{1,2}}\s(?:{_MONTH})\s\d{{4}}\)"),
)


def parse_date(
    text: str, *, zone: tzinfo | str, now: datetime | None = None, utc_is_local: bool = False
) -> ParsedDate | None:
    """The moment of publication that a string names, with the offset it was written in, or None.

    `zone`: the outlet's (IANA name or tzinfo), for strings that name none. `now` (aware): relative dates and dates
    without a year count from it; without it they are None. Where publication and update both stand, publication is
    meant. "n jam lalu" counts to the minute, "n hari lalu" to the day. `utc_is_local`: the outlet labels its own clock
    GMT or UTC, so an offset of zero is not believed.
    """
    place = _load_zone(zone) if isinstance(zone, str) else zone
    folded = _fold(text)
    if not folded or (not any(character.isdigit() for character in folded) and not _may_be_words(folded)):
        return None
    try:
        found = _read_epoch(folded, place)
        if found is None:
            found = _read_calendar(folded, place, now)
            if found is not None and utc_is_local and not found.at.utcoffset():
                found = ParsedDate(found.at.replace(tzinfo=place), found.precision)
        if found is None and now is not None:
            found = _read_relative(folded, place, now)
        return found if found is not None and _is_believable(found.at, now) else None
    except OverflowError:  # a `now` at either end of time, in another zone
        return None


def find_dateline(text: str, *, zone: tzinfo | str, now: datetime | None = None) -> ParsedDate | None:
    """The first calendar date in the beginning of running text that stands as datelines do, to the day.

    Only forms with a weekday or in brackets count: "Jumat (24/2/2023)", "(24 Februari 2023)".
    """
    place = _load_zone(zone) if isinstance(zone, str) else zone
    folded = _fold(text[:DATELINE_CHARS], limit=DATELINE_CHARS)
    hits = sorted((match.start(), match[0]) for pattern in _DATELINES for match in [pattern.search(folded)] if match)
    for _, hit in hits:
        found = _read_calendar(hit, place, now)
        if found is not None and _is_believable(found.at, now):
            return found
    return None


def _fold(text: str, limit: int = MAX_CHARS) -> str:
    text = text[:limit]
    text = unescape(text)  # portals escape twice
    folded = " ".join(unicodedata.normalize("NFKC", text.translate(_MARKS)).casefold().split())
    if "waktu indonesia" in folded or "asia/" in folded:
        for name, zone in _ZONE_NAMES.items():
            folded = folded.replace(name, zone)
    return folded


def _may_be_words(folded: str) -> bool:
    return bool(_NOW.search(folded) or _DAY_WORD.search(folded) or "lalu" in folded or "ago" in folded)


@lru_cache(maxsize=64)
def _load_zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return timezone(timedelta(hours=7))


def _is_believable(at: datetime, now: datetime | None) -> bool:
    if at.year < EARLIEST_YEAR:
        return False
    return at - now <= MAX_AHEAD if now is not None else at.year <= 2100


def _read_epoch(folded: str, place: tzinfo) -> ParsedDate | None:
    if _EPOCH.fullmatch(folded):
        return ParsedDate(datetime.fromtimestamp(int(folded[:10]), UTC), DatePrecision.SECOND)
    compact = _COMPACT.fullmatch(folded)
    if compact is None:
        return None
    year, month, day = int(compact["year"]), int(compact["month"]), int(compact["day"])
    return (
        _build_with_clock((year, month, day), compact, place)
        if compact["hour"]
        else _build(year, month, day, "", place)
    )


def _read_calendar(folded: str, place: tzinfo, now: datetime | None) -> ParsedDate | None:
    """The first calendar date that is not labelled as an update; an update where there is nothing else."""
    updates = [match.end() for match in _UPDATE_LABEL.finditer(folded)]
    matches = sorted(
        (m for pattern in _CALENDAR for m in pattern.finditer(folded)), key=lambda m: (m.start(), -m.end())
    )
    second_choice = None
    end = -1
    for match in matches:
        if match.start() < end:
            continue  # a part of the date before
        end = match.end()
        found = _read_match(match, folded, matches, place)
        if found is None:
            continue
        if any(-1 <= match.start() - label <= 25 for label in updates):
            second_choice = second_choice or found
        else:
            return found
    if second_choice is not None:
        return second_choice
    if matches:
        return None
    short = _read_dotted_short(folded, place)
    return short or (_read_without_year(folded, place, now) if now is not None else None)


def _read_dotted_short(folded: str, place: tzinfo) -> ParsedDate | None:
    """ "26.02.23" and "Senin, 6.2.23", but not "PHP 8.1.12" and "pukul 09.12.10"."""
    match = _DOTTED_SHORT.search(folded)
    if match is None or not (match["weekday"] or len(match["day"]) == len(match["month"]) == 2):
        return None
    before = folded[: match.start()]
    if not match["weekday"] and (_VERSION_WORD.search(before) or _CLOCK_WORD.search(before)):
        return None
    return _build(2000 + int(match["year"]), int(match["month"]), int(match["day"]), folded[match.end() :], place)


def _read_match(match: re.Match[str], folded: str, matches: list[re.Match[str]], place: tzinfo) -> ParsedDate | None:
    groups = match.groupdict()
    if match.re is _CTIME:
        return _build_with_clock((int(groups["year"]), MONTHS[groups["name"]], int(groups["day"])), match, place)
    if match.re is _ISO:
        year, month, day = int(groups["year"]), int(groups["month"]), int(groups["day"])
        if groups["hour"]:
            return _build_with_clock((year, month, day), match, place)
        return _build(year, month, day, folded[match.end() :], place)
    if "name" in groups:
        month, day = MONTHS[groups["name"]], int(groups["day"])
    else:
        month, day = int(groups["month"]), int(groups["day"])
        if month > 12 >= day:
            month, day = day, month  # American order is the only one possible
    year = int(groups["year"] or groups["short"])
    year += 2000 if year < 100 else 0
    following = [other.start() for other in matches if other.start() >= match.end()]
    rest = folded[match.end() : min(following, default=len(folded))]
    found = _build(year, month, day, rest, place)
    if match.re is _NUMERIC and _has_other_weekday(folded[: match.start()], year, month, day):
        month, day = day, month  # Drupal writes "Sel, 08/04/2026" for the 4th of August
        found = _build(year, month, day, rest, place)
    if found is not None and found.precision is DatePrecision.DAY:
        ahead = _CLOCK_BEFORE.search(folded, max(0, match.start() - 40), match.start())
        if ahead is not None and not _VERSION_WORD.search(folded[: ahead.start()]):
            return _build_with_clock((year, month, day), ahead, place)
    return found


def _has_other_weekday(before: str, year: int, month: int, day: int) -> bool:
    """Whether the weekday before a date is that of the other order of day and month, and not that of this one."""
    said = _WEEKDAY_BEFORE.search(before)
    if said is None:
        return False
    try:
        here, other = date(year, month, day), date(year, day, month)
    except ValueError:
        return False
    return here.weekday() != WEEKDAYS[said[1][:3]] == other.weekday()


def _read_without_year(folded: str, place: tzinfo, now: datetime) -> ParsedDate | None:
    """ "Jumat (24/2)": the year that puts it last before tomorrow, if the weekday is right in it."""
    match = _NO_YEAR.search(folded) or _NO_YEAR_NAMED.search(folded)
    if match is None:
        return None
    month = MONTHS[match["name"]] if "name" in match.groupdict() else int(match["month"])
    for year in (now.astimezone(place).year + 1, now.astimezone(place).year, now.astimezone(place).year - 1):
        found = _build(year, month, int(match["day"]), folded[match.end() :], place)
        if found is not None and found.at - now <= MAX_AHEAD:
            return found if found.at.weekday() == WEEKDAYS[match["weekday"][:3]] else None
    return None


def _build(year: int, month: int, day: int, rest: str, place: tzinfo) -> ParsedDate | None:
    """A date with the clock that follows it, if one does."""
    clock = _TIME.search(rest[:40])
    if clock is not None:
        return _build_with_clock((year, month, day), clock, place, before=rest[: clock.start()])
    try:
        return ParsedDate(datetime(year, month, day, tzinfo=place), DatePrecision.DAY)
    except ValueError:
        return None


def _build_with_clock(
    day: tuple[int, int, int], clock: re.Match[str], place: tzinfo, *, before: str = ""
) -> ParsedDate | None:
    hour, second = int(clock["hour"]), clock["second"]
    half = clock.groupdict().get("half") or ""
    if half and hour <= 12:
        hour = _read_half(hour, half)
    zone = _read_zone(clock, before) or place
    try:
        at = datetime(*day, hour, int(clock["minute"]), int(second or 0), tzinfo=zone)
    except ValueError:
        return None
    return ParsedDate(at, DatePrecision.SECOND if second else DatePrecision.MINUTE)


def _read_half(hour: int, half: str) -> int:
    """The hour of a clock of twelve: "am", "pm", or the part of the day."""
    if half in ("pagi", "siang"):
        return hour + 12 if half == "siang" and hour < 6 else hour  # "11.30 siang" is before noon
    is_late = half in ("sore", "petang", "malam") or half.startswith("p")
    if half == "malam" and hour == 12:
        return 0
    return hour % 12 + (12 if is_late else 0)


def _read_zone(clock: re.Match[str], before: str) -> tzinfo | None:
    """The zone that stands behind the clock, or else right before it."""
    said: re.Match[str] | None = clock
    if clock["offset"] is None and clock["zone"] is None:
        said = _ZONE_BEFORE.search(before)
    if said is None:
        return None
    return _read_offset(said["offset"]) if said["offset"] else timezone(timedelta(hours=ZONES[said["zone"]]))


def _read_offset(text: str) -> tzinfo | None:
    """`+07`, `+0700`, `-3:30`; None for what no place on earth has."""
    digits = text[1:].replace(":", "")
    hours, minutes = (int(digits), 0) if len(digits) <= 2 else (int(digits[:-2]), int(digits[-2:]))
    if hours > 14 or minutes > 59:
        return None
    return timezone((-1 if text[0] == "-" else 1) * timedelta(hours=hours, minutes=minutes))


def _read_relative(folded: str, place: tzinfo, now: datetime) -> ParsedDate | None:
    here = now.astimezone(place)
    if _NOW.search(folded):
        return ParsedDate(_cut_to_minute(here), DatePrecision.MINUTE)
    match = _RELATIVE.search(folded)
    if match:
        return _subtract(here, match)
    word = _DAY_WORD.search(folded)
    if word is None:
        return None
    days = {"hari ini": 0, "today": 0, "kemarin lusa": 2}.get(word["word"], 1)
    day = here - timedelta(days=days)
    return _build(day.year, day.month, day.day, folded[word.end() :], place)


def _subtract(here: datetime, match: re.Match[str]) -> ParsedDate | None:
    """The moment before `here` by all steps: "2 jam 30 menit lalu". Days and longer count from midnight."""
    months, days, clock = 0.0, 0.0, timedelta()
    for step in _STEP.finditer(match["steps"]):
        count, unit = _read_step(step, is_english="ago" in match[0])
        if unit in ("second", "minute", "hour"):
            clock += timedelta(**{f"{unit}s": count})
        elif count % 1:
            return None  # "setengah hari lalu"
        elif unit in ("day", "week"):
            days += count * (7 if unit == "week" else 1)
        else:
            months += count * (12 if unit == "year" else 1)
    base = here if clock else here.replace(hour=0, minute=0)
    try:
        earlier = _subtract_months(base, int(months)) - timedelta(days=days) - clock
    except (ValueError, OverflowError):  # before the year 1
        return None
    return ParsedDate(_cut_to_minute(earlier), DatePrecision.MINUTE if clock else DatePrecision.DAY)


def _cut_to_minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _read_step(step: re.Match[str], *, is_english: bool) -> tuple[float, str]:
    count, unit = step["count"], step["unit"]
    number = float(count.replace(",", ".")) if count[0].isdigit() else float(_COUNTS[count])
    if is_english and unit in ("hr", "hrs"):
        return number, "hour"  # in Indonesian, "hr" is a day
    return number, _UNITS[unit if unit in _UNITS else unit.rstrip("s")]


def _subtract_months(at: datetime, months: int) -> datetime:
    if not months:
        return at
    count = at.year * 12 + at.month - 1 - months
    year, month = count // 12, count % 12 + 1
    last = calendar.monthrange(year, month)[1]  # the 31st of a shorter month is its last day
    return at.replace(year=year, month=month, day=min(at.day, last))
