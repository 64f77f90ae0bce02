"""How good a way in is, judged by what it answered. PURE."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from aggregator.models import ArticleLink, Channel, ChannelKind, ChannelPage, DatePrecision
from aggregator.topics import load_topics, scan_bytes
from crawler.dates import parse_date
from crawler.probing.report import Finding, State

STALE_AFTER = timedelta(days=60)
AHEAD_LEAST = timedelta(minutes=15)  # clocks of servers are less wrong than that
LINKS_MOST = 200
FILTER_LEAST = 5  # entries from which on a search that never names its term does not search
ZONES = {7: "Asia/Jakarta", 8: "Asia/Makassar", 9: "Asia/Jayapura"}


_CLOCK = re.compile(r"\d{1,2}[.:]\d{2}")


class _Dated(NamedTuple):
    at: datetime
    has_clock: bool


def assess_channel(
    page: ChannelPage, channel: Channel, *, found_by: str, term: str, zone: str, now: datetime
) -> Finding:
    """What `page`, read from `channel`, tells. `term`: what a search was asked for; `zone`: of clocks without one."""
    links = _choose_links(page.links)
    dated = [date for date in (_read_date(link, zone, now) for link in links) if date is not None]
    moments = sorted(date.at for date in dated)
    newest = moments[-1] if moments else None
    entries = len(page.links) or (len(page.sitemaps) if channel.kind is ChannelKind.SITEMAP else 0)
    state = State.LIVE
    if not entries:
        state = State.EMPTY
    elif term and entries >= FILTER_LEAST and sum(_names(link, term) for link in links) * 2 < len(links):
        state = State.UNFILTERED
    elif newest is not None and not term and now - newest > STALE_AFTER:
        state = State.STALE
    return Finding(
        channel=channel,
        state=state,
        found_by=found_by,
        status=200,
        links=entries,
        dated=len(dated),
        newest=newest,
        per_day=_count_per_day(moments),
        on_topic=sum(map(_is_on_topic, links)),
        offsets=_read_offsets(links, now),
        is_ahead=any(
            date.has_clock and not date.at.utcoffset() and date.at - now > AHEAD_LEAST
            for date in (_read_date(link, "UTC", now) for link in links if _has_label(link, now))
            if date is not None
        ),
    )


def _choose_links(links: Sequence[ArticleLink]) -> Sequence[ArticleLink]:
    """All, or of a long sitemap both ends: portals add at either."""
    return links if len(links) <= LINKS_MOST else (*links[: LINKS_MOST // 2], *links[-LINKS_MOST // 2 :])


def choose_zone(findings: Iterable[Finding]) -> str:
    """The Indonesian zone that the offsets of live channels name; "" where they name none, or more than one."""
    named = {offset for finding in findings if finding.state is State.LIVE for offset in finding.offsets}
    zones = {ZONES[hours] for hours in ZONES if f"+{hours:02}:00" in named}
    return zones.pop() if len(zones) == 1 else ""


def is_general(channel: Channel) -> bool:
    """Whether a channel brings everything new, not only what it was searched for."""
    return channel.kind in (ChannelKind.FEED, ChannelKind.SITEMAP) and "?q=" not in channel.url


def _read_date(link: ArticleLink, zone: str, now: datetime) -> _Dated | None:
    raw = link.published_raw or link.modified_raw
    parsed = parse_date(raw, zone=zone, now=now) if raw else None
    return _Dated(parsed.at, parsed.precision is not DatePrecision.DAY) if parsed else None


def _count_per_day(moments: Sequence[datetime]) -> float | None:
    """Posts a day between the oldest and the newest; None where nothing can be said."""
    if len(moments) < 3:
        return None
    days = (moments[-1] - moments[0]) / timedelta(days=1)
    return round((len(moments) - 1) / max(days, 1 / 24), 1)


def _read_offsets(links: Iterable[ArticleLink], now: datetime) -> tuple[str, ...]:
    """The offsets as the dates are written: read in two zones, a date with an offset of its own is the same moment."""
    found = set()
    for link in links:
        if not _CLOCK.search(link.published_raw or link.modified_raw):
            continue  # "3 jam lalu", an epoch: the same moment in every zone
        near, far = (_read_date(link, zone, now) for zone in ("Asia/Jakarta", "Pacific/Auckland"))
        if near is None or far is None or not near.has_clock:
            continue
        found.add(_format_offset(near.at) if near.at == far.at else "none")
    return tuple(sorted(found))


def _has_label(link: ArticleLink, now: datetime) -> bool:
    return _read_offsets((link,), now) == ("UTC",)


def _format_offset(moment: datetime) -> str:
    offset = moment.utcoffset()
    return f"{moment:%z}"[:3] + ":" + f"{moment:%z}"[3:5] if offset else "UTC"


def _names(link: ArticleLink, term: str) -> bool:
    said = " ".join((link.title, link.summary, link.content_html, link.url, *link.tags)).lower().replace("-", " ")
    return term.lower() in said


def _is_on_topic(link: ArticleLink) -> bool:
    said = "\n".join((link.title, link.summary, link.content_html, *link.tags))
    return scan_bytes(said.encode("utf-8", "replace"), load_topics())


def read_clock(body: bytes) -> str:
    """The zone of a WordPress site, from a post's `date` and `date_gmt` in an answer; "" where it does not tell."""
    try:
        post = json.loads(body)[0]
        local, utc = (datetime.fromisoformat(post[name]).replace(tzinfo=UTC) for name in ("date", "date_gmt"))
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        return ""
    hours, rest = divmod(local - utc, timedelta(hours=1))
    return ZONES.get(hours, "") if not rest else ""
