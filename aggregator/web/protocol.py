"""Published files answered by the protocol itself, ahead of the framework; and bounds that uvicorn's has not.

Readers ask for little but feeds, and mostly to hear that nothing is new. A request that is as plain as theirs is
answered in the parser's callback, by writing bytes that were made when the file was read:

    bytes ─▶ parser ─▶ headers complete ─▶ plain GET or HEAD of a published file? ── yes ─▶ answer to the transport
                                                   └── no ─▶ uvicorn: a task, the application, its middleware

That needs no task, no ASGI messages and no event objects. Whatever is not plain takes the usual way, and finds the
same files there (`PublicFilesMiddleware`): a request with a body, one behind another that is still being answered, one
whose client does not read.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from aggregator.web.public_file import PublicFile, PublicFiles

HEAD_BYTES = 32 * 1024  # of one request; nginx takes as many
HEAD_SECONDS = 20.0  # from its first byte, or from connecting, to its last
_NOT_PLAIN = frozenset({b"content-length", b"transfer-encoding", b"expect"})


def make_protocol(files: PublicFiles, *, head_seconds: float = HEAD_SECONDS) -> type[HttpToolsProtocol]:
    """The protocol over these files, as uvicorn's `http` wants it."""
    return type("BoundProtocol", (PublicFilesProtocol,), {"files": files, "head_seconds": head_seconds})


class PublicFilesProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which answers plain requests for published files without it."""

    files: PublicFiles
    head_seconds: float

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        super().connection_made(transport)
        self._is_answered = False  # the request under way; its end is of no interest then
        self._heads = 0  # that began
        self._is_in_head = False
        self._head_size = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        heads = self._heads
        super().data_received(data)
        if not self._is_in_head:
            return
        # Of the piece in which a head begins nothing is counted, for other requests may come before it.
        self._head_size = self._head_size + len(data) if heads == self._heads else 0
        if self._head_size > HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif self._head_timer is None:
            self._await_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_answered = False
        self._is_in_head = True
        self._heads += 1

    def on_headers_complete(self) -> None:
        self._end_head()
        found = self._find_file()
        if found is None:
            self._unset_keepalive_if_required()  # set by an answer to an earlier request of the same piece
            super().on_headers_complete()
            return
        self._is_answered = True
        if not self.transport.is_closing():  # after a request that was to be the last
            self._answer(found)

    def on_body(self, body: bytes) -> None:
        if not self._is_answered:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._is_answered:
            super().on_message_complete()

    @property
    def _is_free(self) -> bool:
        """Whether all that was asked before is answered: answers go out in the order of the requests."""
        return self.cycle is None or self.cycle.response_complete

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

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self.head_seconds, self._give_up)

    def _end_head(self) -> None:
        self._is_in_head = False
        self._head_size = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        if self._is_in_head:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _refuse(self, status: HTTPStatus) -> None:
        if not self.transport.is_closing():
            if self._is_free:
                self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
            self.transport.close()
