"""Conditional requests and content negotiation, as RFC 9110 has them. Pure."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import formatdate, parsedate_to_datetime
from functools import lru_cache

_ENTITY_TAG = re.compile(r'(?:W/)?("[^"]*")')
_NO_QUALITY = re.compile(r";\s*q\s*=\s*0(?:\.0{0,3})?\s*$", re.IGNORECASE)


def is_not_modified(*, etag: str, modified: int, if_none_match: str | None, if_modified_since: str | None) -> bool:
    """Whether 304 is the answer (RFC 9110, 13.2.2): entity tags decide, the date only where none were sent.

    `etag` is the current one with its quotes; `modified` the Unix time told as Last-Modified. Tags are compared weakly
    (13.1.2). A date that cannot be read is no condition.
    """
    if if_none_match is not None:
        return if_none_match.strip() == "*" or etag.removeprefix("W/") in _ENTITY_TAG.findall(if_none_match)
    return if_modified_since is not None and _is_since(modified, if_modified_since)


@lru_cache(maxsize=256)  # a handful of readers send the same few values all day
def accepts_gzip(accept_encoding: str) -> bool:
    """Whether the client takes gzip (RFC 9110, 12.5.3): named, or covered by `*`, and not with a quality of zero."""
    offers = {}
    for offer in accept_encoding.lower().split(","):
        coding = offer.partition(";")[0].strip()
        offers["gzip" if coding == "x-gzip" else coding] = not _NO_QUALITY.search(offer)
    return offers.get("gzip", offers.get("*", False))


def format_http_date(unix_time: int) -> str:
    """E.g. `Mon, 05 Oct 2026 06:05:00 GMT`."""
    return formatdate(unix_time, usegmt=True)


def _is_since(modified: int, http_date: str) -> bool:
    if http_date == format_http_date(modified):  # what nearly every reader sends back
        return True
    try:
        since = parsedate_to_datetime(http_date)
        return modified <= (since if since.tzinfo else since.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return False
