"""Conditional requests and content negotiation, as RFC 9110 has them. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import formatdate, parsedate_to_datetime
from functools import lru_cache

from starlette.requests import Request
from starlette.responses import Response

from aggregator.publish.twins import CODINGS

_ENTITY_TAG = re.compile(r'(?:W/)?("[^"]*")')
_LIST_CHARS = 1_000  # of a header that is ranked: what is ranked is remembered
_QUALITY = re.compile(r"\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*")


def make_etag(content: bytes) -> str:
    """A strong entity tag, with its quotes."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def answer_content(request: Request, content: bytes, media_type: str, headers: Mapping[str, str]) -> Response:
    """Content of a route that compresses: itself with these headers, or 304. The ETag is weak, for each coding has it.

    Compression adds the `Vary` of a body; a 304 must tell the same (RFC 9110, 15.4.5).
    """
    marked = {"etag": f"W/{make_etag(content)}", **headers}
    unchanged = answer_unchanged(request, {**marked, "vary": "Accept-Encoding"})
    return unchanged or Response(content, headers=marked, media_type=media_type)


def answer_unchanged(request: Request, headers: Mapping[str, str]) -> Response | None:
    """304 with these headers for a client that has what the ETag among them names, else None."""
    tags = ", ".join(request.headers.getlist("if-none-match"))
    if tags and is_not_modified(etag=headers["etag"], modified=0, if_none_match=tags, if_modified_since=None):
        return Response(status_code=304, headers=headers)
    return None


def is_not_modified(*, etag: str, modified: int, if_none_match: str | None, if_modified_since: str | None) -> bool:
    """Whether 304 is the answer (RFC 9110, 13.2.2): entity tags decide, the date only where none were sent.

    `etag` is the current one with its quotes; `modified` the Unix time told as Last-Modified. Tags are compared weakly
    (13.1.2). A date that cannot be read is no condition.
    """
    if if_none_match is not None:
        if if_none_match == etag:  # what nearly every reader sends back
            return True
        return if_none_match.strip() == "*" or etag.removeprefix("W/") in _ENTITY_TAG.findall(if_none_match)
    return if_modified_since is not None and _is_since(modified, if_modified_since)


def rank_codings(accept_encoding: str) -> tuple[str, ...]:
    """Those of `CODINGS` that the client takes, the best first (RFC 9110, 12.5.3); none: it gets the plain body.

    A coding is taken when it is named, or covered by `*`, with a quality above zero that is no lower than the plain
    body's, if that was named. Of equals the one that compresses better comes first. What cannot be read is not taken,
    nor what is longer than any client's list.
    """
    return _rank_codings(accept_encoding) if len(accept_encoding) <= _LIST_CHARS else ()


@lru_cache(maxsize=256)  # a handful of readers send the same few values all day
def _rank_codings(accept_encoding: str) -> tuple[str, ...]:
    offers = {}
    for offer in accept_encoding.lower().split(","):
        name, _, parameter = offer.partition(";")
        name = name.strip()
        offers["gzip" if name == "x-gzip" else name] = _read_quality(parameter)
    rest = offers.get("*", 0.0)
    qualities = {coding.name: offers.get(coding.name, rest) for coding in CODINGS}
    least = offers.get("identity", 0.0)
    taken = [name for name, quality in qualities.items() if quality > 0 and quality >= least]
    return tuple(sorted(taken, key=lambda name: -qualities[name]))


def _read_quality(parameter: str) -> float:
    found = _QUALITY.fullmatch(parameter)
    return float(found[1]) if found else 0.0 if parameter.strip() else 1.0


def is_browser(accept: str) -> bool:
    """Whether the client shows pages: it names HTML among what it takes, as feed readers do not."""
    return len(accept) <= _LIST_CHARS and _is_browser(accept)


@lru_cache(maxsize=256)
def _is_browser(accept: str) -> bool:
    offers = (offer.partition(";") for offer in accept.lower().split(","))
    return any(name.strip() == "text/html" and _read_quality(parameter) > 0 for name, _, parameter in offers)


def format_http_date(unix_time: int) -> str:
    """E.g. `Mon, 05 Oct 2026 06:05:00 GMT`."""
    return formatdate(unix_time, usegmt=True)


def _is_since(modified: int, http_date: str) -> bool:
    if http_date == format_http_date(modified):  # and what nearly every one sends back
        return True
    try:
        since = parsedate_to_datetime(http_date)
        return modified <= (since if since.tzinfo else since.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return False
