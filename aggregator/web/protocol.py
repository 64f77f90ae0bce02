"""Published files answered by the protocol itself, ahead of the framework; and bounds that uvicorn's has not.

Readers ask for little but feeds, and mostly to hear that nothing is new. A request that is as plain as theirs is
answered in the parser's callback, by writing bytes that were made when the file was read:

    bytes ─▶ parser ─▶ headers complete ─▶ plain GET or HEAD of a published file? ── yes ─▶ answer to the transport
                                                   └── no ─▶ uvicorn: a task, the application, its middleware

That needs no task, no ASGI messages and no event objects. Whatever is not plain takes the usual way, and finds the
same files there (`PublicFilesMiddleware`): a request with a body, one behind another that is still being answered, one
whose client does not read.

What a client sends is fed to the parser in small pieces, and no further while a request waits behind another: each that
waits costs a hundred times its bytes. Heads and bodies have a size and a time; nothing here reads a body.
"""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from aggregator.web.crowd import Crowd
from aggregator.web.headers import SECURITY_HEADERS
from aggregator.web.public_file import PublicFile, PublicFiles

HEAD_BYTES = 32 * 1024  # of one request; nginx takes as many
BODY_BYTES = 64 * 1024  # of one request, with all that its coding adds
HEAD_SECONDS = 20.0  # from its first byte, or from connecting, to its last; as many again for a body
PIECE_BYTES = 512  # most requests are two or three
UNREAD_BYTES = 256 * 1024  # of what came while earlier requests are answered; the connection ends where it is more
UNSENT_BYTES = 16 * 1024  # of an answer that is made bit by bit; the rest is made when the client has read so far
_NOT_PLAIN = frozenset({b"content-length", b"transfer-encoding", b"expect"})
_VERSIONS = frozenset({"1.0", "1.1"})
_HOST = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-f:.]+\])(?::\d*)?")  # RFC 9110, 7.2
_REFUSAL = (
    b"content-length: 0\r\nconnection: close\r\n"
    + b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in SECURITY_HEADERS.items())
    + b"\r\n"
)


def make_protocol(
    files: PublicFiles, *, head_seconds: float = HEAD_SECONDS, crowd: Crowd | None = None
) -> type[HttpToolsProtocol]:
    """The protocol over these files, as uvicorn's `http` wants it."""
    bound = {"files": files, "head_seconds": head_seconds, "crowd": Crowd() if crowd is None else crowd}
    return type("BoundProtocol", (PublicFilesProtocol,), bound)


class PublicFilesProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which answers plain requests for published files without it."""

    files: PublicFiles
    head_seconds: float
    crowd: Crowd = Crowd()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=UNSENT_BYTES)
        self._is_answered = False  # the request under way; its end is of no interest then
        self._worked_on: RequestResponseCycle | None = None
        self._unread = b""
        self._is_reading = self._is_over = False  # over: nothing that comes is read any more
        self._heads = 0  # that began
        self._is_in_head = self._is_in_body = False
        self._size = 0  # of the head, or of the body
        self._timer: asyncio.TimerHandle | None = None
        self._await_rest()
        self.crowd.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.crowd.leave(self)
        self._unread = b""
        self._end_part()
        self.pipeline.clear()
        if self._worked_on is not None:  # what it still says would be an error, with a traceback in the log
            self._worked_on.disconnected = True
            self._worked_on.message_event.set()
        super().connection_lost(exc)

    def part(self) -> None:
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._is_over:
            return
        if len(self._unread) > UNREAD_BYTES:
            self._finish()
            return
        self._unread += data
        self._read_on()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_answered = False
        self._is_in_head = True
        self._heads += 1

    def on_headers_complete(self) -> None:
        self._end_part()
        fault = self._find_fault()
        if fault is not None:
            self._refuse(fault)
        if self._is_over or self.transport.is_closing():  # after a request that was to be the last, or is refused
            self._is_answered = True
            return
        self.crowd.begin(self)
        found = self._find_file()
        if found is None:
            self._unset_keepalive_if_required()  # set by an answer to an earlier request of the same piece
            super().on_headers_complete()  # raises where the address is none
            self._is_in_body = True
            if self.parser.should_upgrade():  # to nothing that is spoken here: what follows cannot be read
                self._finish()
            return
        self._is_answered = True
        self._answer(found)

    def on_body(self, body: bytes) -> None:
        if not self._is_answered:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._end_part()
        if not self._is_answered:
            super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._worked_on = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._is_free:
            self.crowd.end(self)
        if self._unread and not self._is_reading and not self.transport.is_closing():
            self._read_on()

    def send_400_response(self, _msg: str) -> None:
        self._refuse(HTTPStatus.BAD_REQUEST)

    def _unsupported_upgrade_warning(self) -> None:
        """Anybody could fill the log with it."""

    @property
    def _is_free(self) -> bool:
        """Whether all that was asked before is answered: answers go out in the order of the requests."""
        return self.cycle is None or self.cycle.response_complete

    def _read_on(self) -> None:
        """Parses what came, as far as no request waits behind another."""
        data, at = self._unread, 0
        self._is_reading = True
        while at < len(data) and not (self.pipeline or self._is_over or self.transport.is_closing()):
            piece = data[at : at + PIECE_BYTES]
            at += len(piece)
            heads = self._heads
            super().data_received(piece)
            # Of the piece in which a head begins nothing is counted, for other requests may come before it.
            self._weigh(0 if heads != self._heads else len(piece))
        self._is_reading = False
        self._unread = b"" if self._is_over else data[at:]
        if self._unread:
            self.flow.pause_reading()

    def _weigh(self, size: int) -> None:
        """Bounds in size and time what is under way."""
        if self.transport.is_closing():
            return
        self._size += size
        if self._is_in_head and self._size > HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif self._is_in_body and self._size > BODY_BYTES:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        elif self._timer is None and (self._is_in_head or self._is_in_body or self._is_forgotten):
            self._await_rest()

    @property
    def _is_forgotten(self) -> bool:
        """Whether nothing would ever end the connection: after an empty line between two requests."""
        return self._is_free and self.timeout_keep_alive_task is None

    def _find_fault(self) -> HTTPStatus | None:
        """Why the request cannot be answered, whatever it asks for; None: it can."""
        size, hosts = len(self.url), 0
        for name, value in self.headers:  # each request pays for it: one loop
            size += len(name) + len(value)
            if name == b"host":
                hosts += 1 if _HOST.fullmatch(value) else 2
        version = self.parser.get_http_version()
        if size > HEAD_BYTES:
            return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        if version not in _VERSIONS:
            return HTTPStatus.HTTP_VERSION_NOT_SUPPORTED
        if hosts > 1 or (not hosts and version == "1.1"):
            return HTTPStatus.BAD_REQUEST
        return None

    def _find_file(self) -> PublicFile | None:
        """The file that the request asks for; None: there is none, or this is for the application."""
        if self.parser.get_method() not in (b"GET", b"HEAD") or self.parser.should_upgrade():
            return None
        if not self._is_free or self.flow.write_paused:
            return None
        if any(name in _NOT_PLAIN for name, _ in self.headers):
            return None
        path, _, query = self.url.partition(b"?")
        return self.files.find(path.decode("latin-1"), query)

    def _answer(self, found: PublicFile) -> None:
        answer = found.choose(self.headers)
        is_last = not self.parser.should_keep_alive()
        date = b"".join([b"%b: %b\r\n" % header for header in self.server_state.default_headers])
        if is_last:
            end = b"connection: close\r\n\r\n"
        else:
            end = b"connection: keep-alive\r\n\r\n" if self.parser.get_http_version() == "1.0" else b"\r\n"
        head = b"".join((STATUS_LINE[answer.status], date, answer.head, end))
        if answer.body and self.parser.get_method() == b"GET":
            self.transport.writelines((head, answer.body))
        else:
            self.transport.write(head)
        if is_last:
            self.transport.close()
        self.on_response_complete()

    def _await_rest(self) -> None:
        self._timer = self.loop.call_later(self.head_seconds, self._give_up)

    def _end_part(self) -> None:
        """A head or a body has ended."""
        self._is_in_head = self._is_in_body = False
        self._size = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        self._timer = None
        if self._unread or self.pipeline:
            self._await_rest()  # it is we who do not read
        elif self._is_in_head or self._is_in_body:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _refuse(self, status: HTTPStatus) -> None:
        """Ends the connection: tells why, where that is the next thing to be told, else after what is to come first."""
        if self.transport.is_closing():
            return
        if self._is_free:
            is_next = not self._is_in_body  # whose request is answered already
        else:
            is_next = self._is_in_body and not self.cycle.response_started and not self.pipeline
            if not is_next:
                self._finish()
                return
            self.cycle.disconnected = True
        if is_next:
            date = b"".join([b"%b: %b\r\n" % header for header in self.server_state.default_headers])
            self.transport.write(STATUS_LINE[status] + date + _REFUSAL)
        self._is_over = True
        self.transport.close()

    def _finish(self) -> None:
        """Reads no more; the connection ends with the answer to what was asked last."""
        self._is_over = True
        self._unread = b""
        if self._is_free:
            self.transport.close()
        else:
            self.cycle.keep_alive = False
