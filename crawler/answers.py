"""Downloader middlewares for what every answer needs before anybody reads it: to be unpacked, and to be followed."""

from __future__ import annotations

import asyncio
import contextlib
import re
from urllib.parse import SplitResult, urljoin, urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response

from crawler.answer_errors import BrokenOffError, RedirectError, TooLargeError
from crawler.ballast import LARGE_BYTES, Ballast, Place
from crawler.decoding import Decoded, decode, list_encodings
from crawler.downloading import TRUNCATED, Limits
from crawler.settings import CrawlSettings

SMALL_BYTES = 64 * 1024  # packed: what is unpacked in the event loop, for it takes milliseconds whatever it is
LONGEST_ADDRESS = 8_000  # of a redirect; servers refuse longer ones
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NO_HOST = re.compile(r"[\x00-\x20\x7f%<>\\^`{|}\"]")


class DecodingMiddleware:
    """Undoes Content-Encoding, within the limits of the request; see `crawler.decoding`."""

    def __init__(self, max_bytes: int, ballast: Ballast) -> None:
        self._limits = Limits(max_bytes=max_bytes)
        self._ballast = ballast

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> DecodingMiddleware:
        manners = crawler.spider.manners  # type: ignore[union-attr]  # our spiders have them
        return cls(manners.settings.max_body_bytes, manners.ballast)

    async def process_response(self, request: Request, response: Response) -> Response:
        """Raises AnswerError."""
        encodings = list_encodings(response.headers.getlist("Content-Encoding"))
        if not encodings or not response.body or not 200 <= response.status < 300:
            return response  # nobody reads what else comes with a redirect or a failure
        decoded = await self._decode(request, response.body, encodings)
        if not decoded.is_whole and not decoded.content:
            raise BrokenOffError("nothing of the body could be unpacked")
        flags = response.flags if decoded.is_whole or TRUNCATED in response.flags else [*response.flags, TRUNCATED]
        return response.replace(body=decoded.content, flags=flags)

    async def _decode(self, request: Request, body: bytes, encodings: list[str]) -> Decoded:
        """What becomes large needs a place as what comes large does."""
        limits: Limits = request.meta.get("limits") or self._limits
        places: list[Place] = request.meta.setdefault("places", [])
        if not places and not limits.may_cut and limits.max_bytes > LARGE_BYTES:
            with contextlib.suppress(TooLargeError):
                return await self._unpack(body, encodings, Limits(max_bytes=LARGE_BYTES))
            places.append(await self._ballast.take())
        return await self._unpack(body, encodings, limits)

    async def _unpack(self, body: bytes, encodings: list[str], limits: Limits) -> Decoded:
        if len(body) <= SMALL_BYTES:
            return decode(body, encodings, limits.max_bytes, may_cut=limits.may_cut)
        async with self._ballast.unpacking:
            return await asyncio.to_thread(decode, body, encodings, limits.max_bytes, may_cut=limits.may_cut)


class RedirectMiddleware:
    """Follows redirects to addresses of the web, a few times. Each hop passes robots.txt, pace and address guard anew.

    Scrapy's own raises what `urljoin` does about a broken address, and follows circles to the last round. A redirect
    from https to http is followed as browsers do: what comes is as public as what was asked for.
    """

    def __init__(self, settings: CrawlSettings) -> None:
        self._settings = settings

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RedirectMiddleware:
        return cls(crawler.spider.manners.settings)  # type: ignore[union-attr]  # our spiders have them

    async def process_response(self, request: Request, response: Response) -> Request | Response:
        """Raises RedirectError, and what `on_redirect` of the request raises."""
        if response.status not in REDIRECTS:
            return response
        visited = (*request.meta.get("visited", ()), request.url)
        meta = {**request.meta, "visited": visited, "is_second": False}
        redirected = request.replace(url=find_target(response.headers.get("Location"), request.url), meta=meta)
        if redirected.url in visited:
            raise RedirectError("a redirect in a circle")
        if len(visited) > self._settings.max_redirects:
            raise RedirectError(f"more than {self._settings.max_redirects} redirects")
        if on_redirect := request.meta.get("on_redirect"):
            on_redirect()
        return redirected


def find_target(location: bytes | None, base: str) -> str:
    """The address that a redirect leads to, without credentials. Raises RedirectError where it is none of the web."""
    if not location:
        raise RedirectError("a redirect that does not say where to")
    if len(location) > LONGEST_ADDRESS:
        raise RedirectError(f"a redirect to an address of {len(location)} bytes")
    text = location.decode("utf-8", "replace").strip()
    try:
        target = urlsplit(urljoin(base, text))
        if target.scheme in ("http", "https"):
            if not text.isprintable():
                raise RedirectError("a redirect to an address with control characters")
            return clean_address(target)
    except ValueError as error:
        raise RedirectError("a redirect to what is no address") from error
    raise RedirectError(f"a redirect out of the web, to {target.scheme[:20]!r}")


def clean_address(parts: SplitResult) -> str:
    """An address of the web without user name and password, which are neither sent nor kept.

    Raises ValueError for what is none.
    """
    host = parts.hostname or ""
    _ = parts.port  # read for its check
    if parts.scheme not in ("http", "https") or not host or _NO_HOST.search(host):
        raise ValueError("no address of the web")
    if not host.isascii():
        host.encode("idna")
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
