"""Twisted's HTTP client, with bounds on all that a server may send.

bytes ─▶ BoundedProtocol ─▶ BoundedParser: status line, headers (bounded) ─▶ BodyReader: body (bounded) ─▶ Body
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web._newclient import (
    HEADER,
    HTTP11ClientProtocol,
    HTTPClientParser,
    ParseError,
    Request,
    _contentLength,
)
from twisted.web.client import HTTPConnectionPool, ResponseDone, _HTTP11ClientFactory
from twisted.web.http import SWITCHING, PotentialDataLoss, _ChunkedTransferDecoder, _MalformedChunkedDataError

from crawler.answer_errors import BrokenAnswerError, BrokenOffError, TooLargeError
from crawler.ballast import LARGE_BYTES

MAX_HEAD_BYTES = 64 * 1024  # of status line and headers, those of 1xx answers before it included
MAX_HEAD_LINES = 2_000
# A body may come in chunks of any size, and each costs the same work: one of crumbs is an attack on that.
MANY_PIECES = 20_000
SMALLEST_PIECE = 64  # bytes on average, once there are many

_HEADER_NAME = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]++)[ \t]*+(?=:)")
_PADDED_SIZE = re.compile(rb"([0-9A-Fa-f]++)[ \t]++(?=[;\r])")


class _Chunks(_ChunkedTransferDecoder):
    """Chunks, also of servers that fill up their sizes with blanks."""

    def _dataReceived_CHUNK_LENGTH(self) -> bool:  # noqa: N802 - Twisted's name
        if padded := _PADDED_SIZE.match(self._buffer):
            del self._buffer[padded.end(1) : padded.end()]
            self._start = 0
        return super()._dataReceived_CHUNK_LENGTH()


class BoundedParser(HTTPClientParser):
    """Reads one answer. What breaks a bound ends the connection; header lines without a colon or with an odd name are
    passed over, as in browsers."""

    _transferDecoders = {b"chunked": _Chunks}  # noqa: N815, RUF012 - Twisted's name
    _head_bytes = _head_lines = 0
    _is_passing = False  # over a header and the lines that continue it

    def lineReceived(self, line: bytes) -> None:  # noqa: N802 - Twisted's name
        self._head_bytes += len(line) + 1
        self._head_lines += 1
        if self._head_bytes > MAX_HEAD_BYTES:
            raise TooLargeError("the head of the answer", MAX_HEAD_BYTES)
        if self._head_lines > MAX_HEAD_LINES:
            raise TooLargeError("the head of the answer", MAX_HEAD_LINES, "lines")
        line = line.removesuffix(b"\r")
        if self.state == HEADER and line:
            if line[:1] not in (b" ", b"\t"):
                name = _HEADER_NAME.match(line)
                self._is_passing = name is None
                line = name[1] + line[name.end() :] if name else line
            if self._is_passing or (self._partialHeader is None and line[:1] in (b" ", b"\t")):
                return
        super().lineReceived(line)  # type: ignore[no-untyped-call]

    def lineLengthExceeded(self, line: bytes) -> None:  # noqa: N802 - Twisted's name
        raise TooLargeError("a line in the head of the answer", self.MAX_LENGTH)

    def statusReceived(self, status: bytes) -> None:  # noqa: N802 - Twisted's name
        first = f"its first line is {status[:60].decode('latin-1')!r}"
        try:
            super().statusReceived(status)  # type: ignore[no-untyped-call]
        except (ParseError, ValueError) as error:
            raise BrokenAnswerError(first) from error
        protocol, major, _ = self.response.version
        if protocol != b"HTTP" or major != 1 or not 100 <= self.response.code <= 999:
            raise BrokenAnswerError(first)
        if self.response.code == SWITCHING:  # what follows would be no HTTP, and we did not ask for it
            raise BrokenAnswerError("it wants to speak another protocol")

    def allHeadersReceived(self) -> None:  # noqa: N802 - Twisted's name
        if self.response.code >= 200 and self.response.code not in self.NO_BODY_CODES:
            self._check_framing()
        super().allHeadersReceived()  # type: ignore[no-untyped-call]

    def _check_framing(self) -> None:
        """Raises BrokenAnswerError where nobody can tell where the body ends."""
        said = b",".join(self.connHeaders.getRawHeaders(b"Transfer-Encoding", ())).lower()
        encodings = [each for part in said.split(b",") if (each := part.strip()) not in (b"", b"identity")]
        self.connHeaders.removeHeader(b"Transfer-Encoding")
        if encodings:
            if encodings != [b"chunked"]:
                names = b", ".join(encodings)[:60].decode("latin-1")
                raise BrokenAnswerError(f"its transfer encoding is {names!r}, which nobody asked for")
            self.connHeaders.setRawHeaders(b"Transfer-Encoding", encodings)
            return
        try:
            _contentLength(self.connHeaders)
        except ValueError as error:
            raise BrokenAnswerError("its Content-Length is none") from error

    def connectionLost(self, reason: Failure | None = None) -> None:  # noqa: N802 - Twisted's name
        response: Any = getattr(self, "response", None)
        if response is not None:
            # after a whole answer over a connection that is kept, Twisted gives the bare exception
            response.was_reset = isinstance(getattr(reason, "value", reason), ConnectionLost)
        super().connectionLost(reason)


class BoundedProtocol(HTTP11ClientProtocol):
    """A connection that is cut, rather than closed in good manners, when the other side breaks a bound."""

    def request(self, request: Request) -> Deferred[Any]:
        answered: Deferred[Any] = super().request(request)
        if self._parser is not None:
            self._parser.__class__ = BoundedParser  # the class is fixed in `request`; ours adds no state to be made
        assert self.transport is not None
        hang_up = self.transport.abortConnection

        def equip(response: Any) -> Any:
            response.hang_up = hang_up
            return response

        return answered.addCallback(equip)

    def _giveUp(self, reason: Failure) -> None:  # noqa: N802 - Twisted's name
        # to close a TLS connection in good manners is to read on until the other side does so, too
        assert self.transport is not None
        self.transport.abortConnection()
        self._disconnectParser(reason)  # type: ignore[no-untyped-call]


class _BoundedFactory(_HTTP11ClientFactory):
    """Makes the connections of a pool."""

    noisy = False

    def buildProtocol(self, addr: object) -> BoundedProtocol:  # noqa: N802 - Twisted's name
        return BoundedProtocol(self._quiescentCallback)  # type: ignore[no-untyped-call]


class BoundedPool(HTTPConnectionPool):
    """Connections that are kept for the next request to their host."""

    _factory = _BoundedFactory
    retryAutomatically = False  # noqa: N815 - Twisted's name; its second attempt follows within a millisecond
    cachedConnectionTimeout = 60  # noqa: N815


@dataclass(frozen=True, kw_only=True)
class Body:
    """What came of a body: all of it, or what there was when the connection broke or enough was read."""

    content: bytes = b""
    is_truncated: bool = False


class BodyReader(Protocol):
    """Collects the body of one answer. `done` gets a Body, or fails with an AnswerError.

    Over `limit` bytes it fails; with `may_cut`, it is content with those. After a megabyte it pauses, once.
    `turned` gets a result at either: one future to wait for costs less than two.
    """

    def __init__(self, limit: int, hang_up: Callable[[], None], response: Any, *, may_cut: bool = False) -> None:
        loop = asyncio.get_running_loop()
        self.done: asyncio.Future[Body] = loop.create_future()
        self.turned: asyncio.Future[None] = loop.create_future()
        self._limit, self._may_cut = limit, may_cut
        self._hang_up = hang_up
        self._response = response
        self._content = bytearray()
        self._pieces = 0

    def go_on(self) -> None:
        """Takes the rest of a large body."""
        if not self.done.done():
            assert self.transport is not None
            self.transport.resumeProducing()

    def give_up(self) -> None:
        """Hangs up, if the body has not come to its end."""
        if self.done.cancel() or self.done.cancelled():
            self._let_go()
        else:
            self.done.exception()  # which nobody may have asked for

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        if self.done.done():
            return
        self._content += data
        self._pieces += 1
        if len(self._content) > self._limit:
            if self._may_cut:
                self._end(Body(content=bytes(self._content[: self._limit])))
            else:
                self._end(TooLargeError("the answer", self._limit))
        elif self._pieces > MANY_PIECES and len(self._content) < self._pieces * SMALLEST_PIECE:
            self._end(BrokenAnswerError("it comes in crumbs"))
        elif len(self._content) > LARGE_BYTES and not self.turned.done():
            assert self.transport is not None
            self.transport.pauseProducing()
            self.turned.set_result(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: N802 - Twisted's name
        if self.done.done():
            return
        # without a length, the end of the connection is the end of the body: a sound one, unless it was cut
        ended_well = isinstance(reason.value, ResponseDone)
        is_whole = ended_well or (isinstance(reason.value, PotentialDataLoss) and not self._response.was_reset)
        content = bytes(self._content)
        if any(isinstance(each.value, _MalformedChunkedDataError) for each in getattr(reason.value, "reasons", ())):
            self._tell(BrokenAnswerError("its chunks are none"))
        elif is_whole or content:
            self._content = bytearray()
            self._tell(Body(content=content, is_truncated=not is_whole))
        else:
            self._tell(BrokenOffError("there was no body"))

    def _end(self, result: Body | Exception) -> None:
        """Wants no more of the body."""
        self._tell(result)
        self._let_go()

    def _tell(self, result: Body | Exception) -> None:
        if isinstance(result, Body):
            self.done.set_result(result)
        else:
            self.done.set_exception(result)
        if not self.turned.done():
            self.turned.set_result(None)

    def _let_go(self) -> None:
        """Forgets what came: what is left of the connection may keep us for a while."""
        self._content = bytearray()
        self._hang_up()
