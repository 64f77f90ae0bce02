"""What an address of a kliping asks for. Pure.

The keys of a search (see `aggregator.search`), and
office  whose kliping it is, in any words
zone    wib, wita, wit, or Asia/Jakarta … : in which hours are told; that of the city, else WIB
days    of the last so many days: 1 (as long as nothing is said), 3, 7, up to 31
from, to
        days (2026-11-27: from its beginning, to its end in the zone) or instants; more than `days`
since   as in a search, for links from there: published since then, and what came in from then on (31 days at most)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from aggregator.bounds import EARLIEST, Bound, read_days
from aggregator.feeds import FeedKind, split_name
from aggregator.instants import to_text
from aggregator.kliping.gathering import fit_office
from aggregator.models import Language
from aggregator.reference import get_city
from aggregator.search import KEYS, NewsQuery, is_tracking, read_query
from aggregator.search_terms import QueryError
from aggregator.web.finding import BadQueryError, RefusalError
from aggregator.web.texts import Texts

OWN_KEYS = ("office", "zone", "days", "from", "to")
ZONES = {"wib": "Asia/Jakarta", "wita": "Asia/Makassar", "wit": "Asia/Jayapura"}
DAYS_OFFERED = (1, 3, 7, 30)  # 3: on Mondays
DAYS_MOST = 31
_IGNORED = ("before", "group", "order")  # of a search: an order of its own
_SHOWN = 60  # characters of a wrong value


@dataclass(frozen=True, kw_only=True, slots=True)
class KlipingQuery:
    """A kliping that is asked for."""

    news: NewsQuery
    office: str
    zone_key: str  # one of ZONES
    days: int  # 0: from … to
    since: datetime
    until: datetime
    from_day: str  # ISO, of a period of whole days; else ""
    to_day: str
    pairs: tuple[tuple[str, str], ...]  # the query of its address, without the language

    @property
    def zone(self) -> ZoneInfo:
        return load_zone(self.zone_key)

    @property
    def filters(self) -> list[tuple[str, str]]:
        """The pairs that say which news."""
        return [(key, value) for key, value in self.pairs if key not in OWN_KEYS]


def read_kliping_query(pairs: Iterable[tuple[str, str]], now: datetime, texts: Texts) -> KlipingQuery:
    """The kliping that the decoded query of an address asks for. Raises RefusalError in words."""
    given = [(key, value.strip()) for key, value in pairs if value.strip() and not is_tracking(key)]
    last = dict(given)
    _check_keys(last, texts.language)
    try:
        searched = [(key, value) for key, value in given if key not in (*OWN_KEYS, *_IGNORED)]
        news = _fix_since(replace(read_query(searched, now), language=texts.language))
    except QueryError as error:
        raise BadQueryError(error, texts.language) from error
    zone_key = _read_zone(last.get("zone", ""), news, texts)
    office = fit_office(last.get("office", ""))
    ends = (now + timedelta(minutes=1)).replace(second=0, microsecond=0)  # a page is the same for a minute
    period = _read_period(last, load_zone(zone_key), ends, news.since, texts)
    own = [("office", office), ("zone", zone_key if "zone" in last else "")]
    own += [("days", str(period["days"]) if period["days"] > 1 else "")]
    own += [(key, last.get(key, "")) for key in ("from", "to") if not period["days"]]
    kept = [(key, value) for key, value in searched if key != "lang"]
    return KlipingQuery(
        news=news,
        office=office,
        zone_key=zone_key,
        pairs=(*kept, *((key, value) for key, value in own if value)),
        **period,
    )


def _fix_since(news: NewsQuery) -> NewsQuery:
    """What was published since a moment, not since so long ago: the kliping may be opened again later."""
    since = news.since
    if since is None:
        return news
    text = str(since.day) if since.is_day else to_text(since.at)
    return replace(news, since=replace(since, text=text))


@cache
def load_zone(key: str) -> ZoneInfo:
    """wib, wita or wit."""
    return ZoneInfo(ZONES[key])


def _check_keys(given: dict[str, str], language: Language) -> None:
    known = (*KEYS, *OWN_KEYS)
    if unknown := [key for key in given if key not in known]:
        error = QueryError(unknown[0][:40], "unknown_key", keys=", ".join(key for key in known if key not in _IGNORED))
        raise BadQueryError(error, language)


def _read_zone(text: str, news: NewsQuery, texts: Texts) -> str:
    """Given, or that of the cities where they agree, or WIB."""
    names = {name.casefold(): key for key, zone in ZONES.items() for name in (key, zone)}
    if text:
        if text.casefold() not in names:
            raise RefusalError(400, texts["kliping_no_zone"].format(value=text[:_SHOWN]))
        return names[text.casefold()]
    slugs = [split_name(name)[1] for either in news.feeds for name in either if split_name(name)[0] == FeedKind.CITY]
    zones = {names[city.timezone.casefold()] for slug in slugs if (city := get_city(slug))}
    return zones.pop() if len(zones) == 1 else "wib"


# ── the period ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _read_period(
    given: dict[str, str], zone: ZoneInfo, now: datetime, published_since: Bound | None, texts: Texts
) -> dict[str, Any]:
    """days, since, until, from_day, to_day."""
    first, last = given.get("from", ""), given.get("to", "")
    whole = {"until": now, "from_day": "", "to_day": ""}
    if not first and not last:
        if published_since is not None and "days" not in given and read_days(given["since"]) is None:
            since = min(max(published_since.at, now - timedelta(days=DAYS_MOST)), now)
            return {"days": 0, "since": since.astimezone(zone), **whole}
        days = _read_days(given.get("days", ""), read_days(given.get("since", "")), texts)
        return {"days": days, "since": now - timedelta(days=days), **whole}
    until = _read_moment("to", last, zone, texts, at_end=True) if last else now
    since = _read_moment("from", first, zone, texts) if first else until - timedelta(days=1)
    if since >= until:
        raise RefusalError(400, texts["kliping_reversed"])
    if until - since > timedelta(days=DAYS_MOST):
        raise RefusalError(400, texts["kliping_long"].format(most=DAYS_MOST))
    return {"days": 0, "since": since, "until": until, "from_day": _get_day(first), "to_day": _get_day(last)}


def _read_days(text: str, since_days: int | None, texts: Texts) -> int:
    if not text and since_days is not None:
        return min(max(since_days, 1), DAYS_MOST)
    if not text:
        return 1
    if not (text.isascii() and text.isdecimal() and len(text) < 4 and 1 <= int(text) <= DAYS_MOST):
        raise RefusalError(400, texts["kliping_no_days"].format(most=DAYS_MOST))
    return int(text)


def _read_moment(key: str, text: str, zone: ZoneInfo, texts: Texts, *, at_end: bool = False) -> datetime:
    """A day, from its beginning or to its end, or an instant."""
    try:
        at = datetime.fromisoformat(text.replace(" ", "+"))  # a plus that nobody encoded
        at = at if at.tzinfo else at.replace(tzinfo=zone)
        return max(at + timedelta(days=1) if at_end and _get_day(text) else at, EARLIEST).astimezone(zone)
    except (ValueError, OverflowError) as error:
        raise RefusalError(400, texts["kliping_no_date"].format(key=key, value=text[:_SHOWN])) from error


def _get_day(text: str) -> str:
    """The text where it is a day, else ""."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""
