"""Scrapy's door to our HTTP client: a request goes in, a whole answer or an AnswerError comes out.

No proxy, no cookies, no credentials: there is no code for them here, whatever the environment says.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag

from OpenSSL import SSL
from scrapy import Request
from scrapy.core.downloader._idna_patch import _install_twisted_idna_fallbacks
from scrapy.core.downloader.handlers.base import BaseDownloadHandler
from scrapy.crawler import Crawler
from scrapy.http import Headers, Response
from service_identity import VerificationError
from twisted.internet._sslverify import ClientTLSOptions, OpenSSLDefaultPaths
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectionClosed
from twisted.internet.ssl import CertificateOptions
from twisted.web.client import URI, Agent, ResponseFailed, ResponseNeverReceived
from twisted.web.http_headers import Headers as WireHeaders

from crawler.answer_errors import (
    AnswerError,
    BrokenAnswerError,
    BrokenOffError,
    SlowAnswerError,
    TlsError,
    TooLargeError,
)
from crawler.ballast import LONGEST_WAIT, Ballast
from crawler.http_client import Body, BodyReader, BoundedPool

logger = logging.getLogger(__name__)

MAX_REFUSAL_BYTES = 64 * 1024  # of the body of an answer that is no page: an error's, a redirect's
TRUNCATED = "truncated"  # the flag of a response that was cut off, or is but a part
PARTIAL = 206
MOST_ENDPOINTS = 1_000  # that are kept: hosts of a crawl
CLOSING_SECONDS = 1  # that kept connections have to close in good manners


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What an answer may cost. `may_cut`: of a larger body the beginning will do."""

    max_bytes: int
    may_cut: bool = False


class TrustRoot(OpenSSLDefaultPaths):
    """Who is believed about who a server is: whom the system believes, and the certificates of a source's own file."""

    def __init__(self, ca_bundle: str = "") -> None:
        self._ca_bundle = ca_bundle
        if ca_bundle:
            check_ca_bundle(Path(ca_bundle))

    def _addCACertsToContext(self, context: SSL.Context) -> None:  # noqa: N802 - Twisted's name
        super()._addCACertsToContext(context)  # type: ignore[no-untyped-call]
        if self._ca_bundle:
            context.load_verify_locations(self._ca_bundle)


def check_ca_bundle(path: Path) -> None:
    """Raises TlsError unless there are certificates in the file."""
    try:
        SSL.Context(SSL.TLS_CLIENT_METHOD).load_verify_locations(str(path))
        path.read_bytes()  # tells why, where OpenSSL does not
    except OSError as error:
        raise TlsError(f"ca_bundle {path.name!r}: {error.strerror}") from error
    except SSL.Error as error:
        why = "no certificates in it (PEM)" if path.is_file() else "there is no such file"
        raise TlsError(f"ca_bundle {path.name!r}: {why}") from error


class Endpoints:
    """How hosts are connected to: each is made once, and all have one TLS context. An IAgentEndpointFactory.

    Twisted's own reads whom the system trusts anew for every host, which takes longer than to ask it.
    """

    def __init__(self, reactor: Any, trust_root: TrustRoot, source_address: str | None = None) -> None:
        """`source_address`: of this machine, to ask from; None: whichever the system chooses."""
        self._reactor, self._source_address = reactor, source_address
        self._tls = CertificateOptions(trustRoot=trust_root)  # type: ignore[arg-type]  # mypy knows no interfaces of zope
        self._find = lru_cache(maxsize=MOST_ENDPOINTS)(self._make)

    def endpointForURI(self, uri: URI) -> Any:  # noqa: N802 - Twisted's name
        return self._find(uri.scheme, uri.host.decode("ascii"), uri.port)

    def _make(self, scheme: bytes, host: str, port: int) -> Any:
        endpoint: Any = HostnameEndpoint(self._reactor, host, port, bindAddress=self._source_address)
        if scheme == b"http":
            return endpoint
        creator: Any = ClientTLSOptions(self._tls.clientConnectionForTLS, host)
        return wrapClientTLS(creator, endpoint)


class BoundedDownloadHandler(BaseDownloadHandler):
    """Downloads with `http_client`; of Scrapy's own there remains what it does about odd international names: to
    import the rest of it takes as long as thirty requests.

    Of `request.meta` it heeds `limits` (Limits), `download_timeout` (seconds) and `ca_bundle` (path, or ""); where the
    body is large, its place is added to `places`, for whoever asked to give back.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        _install_twisted_idna_fallbacks()
        self._max_bytes = crawler.settings.getint("DOWNLOAD_MAXSIZE")
        self._source_address: str | None = crawler.settings.get("DOWNLOAD_BIND_ADDRESS")
        own = {**crawler.settings.getdict("DEFAULT_REQUEST_HEADERS"), "User-Agent": crawler.settings["USER_AGENT"]}
        self._headers = {name.encode(): [value.encode()] for name, value in own.items()}
        self._ballast: Ballast = crawler.spider.manners.ballast  # type: ignore[union-attr]  # our spiders have them
        self._agents: dict[str, Agent] = {}  # by CA bundle, so that none shares another's connections
        self._pools: list[BoundedPool] = []

    async def download_request(self, request: Request) -> Response:
        """Raises AnswerError, AddressRefusedError, and Twisted's errors where there was no connection."""
        seconds = request.meta["download_timeout"]
        try:
            async with asyncio.timeout(seconds) as clock:
                return await self._download(request, clock)
        except TimeoutError as error:
            raise SlowAnswerError(seconds) from error
        except ResponseFailed as error:
            raise explain(error) from error

    async def _download(self, request: Request, clock: asyncio.Timeout) -> Response:
        loop = asyncio.get_running_loop()
        agent = self._get_agent(request.meta.get("ca_bundle") or "")
        url = urldefrag(request.url)[0].encode("ascii")
        headers = WireHeaders({**self._headers, **dict(request.headers.items())})
        answered = agent.request(request.method.encode(), url, headers)
        answer: Any = await answered.asFuture(loop)
        limits: Limits = request.meta.get("limits") or Limits(max_bytes=self._max_bytes)
        if not 200 <= answer.code < 300:
            limits = Limits(max_bytes=MAX_REFUSAL_BYTES, may_cut=True)
        reader = self._begin_body(answer, limits)
        body = await self._read_body(reader, request, clock) if reader else Body()
        told = Headers(answer.headers.getAllRawHeaders())
        # nobody asked for a part
        is_part = 200 <= answer.code < 300 and (answer.code == PARTIAL or b"Content-Range" in told)
        flags = [TRUNCATED] if body.is_truncated or is_part else []
        return Response(request.url, status=answer.code, headers=told, body=body.content, flags=flags)

    @staticmethod
    def _begin_body(answer: Any, limits: Limits) -> BodyReader | None:
        """The reader of the body; None where there is none, or none that anybody wants. Raises TooLargeError."""
        if answer.length == 0:
            return None  # a reader would wait for ever
        if isinstance(answer.length, int) and answer.length > limits.max_bytes:
            if not limits.may_cut:
                answer.hang_up()
                raise TooLargeError("the answer", limits.max_bytes)
            if not 200 <= answer.code < 300:
                answer.hang_up()
                return None
        reader = BodyReader(limits.max_bytes, answer.hang_up, answer, may_cut=limits.may_cut)
        answer.deliverBody(reader)
        return reader

    async def _read_body(self, reader: BodyReader, request: Request, clock: asyncio.Timeout) -> Body:
        """The body. A large one waits for its place first, for which it has time of its own."""
        try:
            await reader.turned
            if not reader.done.done():
                loop = asyncio.get_running_loop()
                left = (clock.when() or 0) - loop.time()
                clock.reschedule(loop.time() + left + LONGEST_WAIT)
                request.meta.setdefault("places", []).append(await self._ballast.take())
                clock.reschedule(loop.time() + left)
                reader.go_on()
            return await reader.done
        finally:
            reader.give_up()

    def _get_agent(self, ca_bundle: str) -> Agent:
        """Raises TlsError when the bundle cannot be used."""
        if ca_bundle not in self._agents:
            from twisted.internet import reactor

            endpoints = Endpoints(reactor, TrustRoot(ca_bundle), self._source_address)
            self._pools.append(BoundedPool(reactor))  # type: ignore[no-untyped-call]
            self._agents[ca_bundle] = Agent.usingEndpointFactory(reactor, endpoints, self._pools[-1])  # type: ignore[no-untyped-call]
        return self._agents[ca_bundle]

    async def close(self) -> None:
        """Closes the connections that are kept."""
        loop = asyncio.get_running_loop()
        closing = [pool.closeCachedConnections().asFuture(loop) for pool in self._pools]  # type: ignore[no-untyped-call]
        if closing:
            await asyncio.wait(closing, timeout=CLOSING_SECONDS)


def explain(error: ResponseFailed) -> AnswerError:
    """The reason behind a conversation that failed."""
    reasons = [reason.value for reason in error.reasons]
    for reason in reasons:
        if isinstance(reason, AnswerError):
            return reason
        if isinstance(reason, VerificationError):
            return TlsError("the certificate is for another name")
        if isinstance(reason, SSL.Error):
            said = [part for each in reason.args[:1] if isinstance(each, list) for part in each]
            return TlsError("; ".join(str(each[-1]) for each in said) or "broken off")
    for reason in reasons:
        if isinstance(reason, ConnectionClosed):
            return BrokenOffError(f"{type(reason).__name__}")
    return BrokenAnswerError("; ".join(map(_describe, reasons)))


def _describe(reason: Exception) -> str:
    """In plain words, without the server's or Python's."""
    logger.info("an answer could not be read: %r", reason)
    return "it cannot be understood"


def is_broken_off(error: Exception) -> bool:
    """Whether the connection broke before anything was answered: a kept one that the server had just closed, mostly."""
    return isinstance(error, BrokenOffError) and isinstance(error.__cause__, ResponseNeverReceived)
