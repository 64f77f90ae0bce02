"""What of Twisted's, Scrapy's and uvicorn's we use under names that they promise nobody: a release may rename it, and
the bounds would be gone without a word."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from scrapy.core.downloader import _idna_patch
from scrapy.settings import Settings
from twisted.internet import endpoints
from twisted.internet.protocol import Factory
from twisted.internet.ssl import CertificateOptions
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.web._newclient import Request, ResponseFailed
from twisted.web.http_headers import Headers
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from aggregator.web.protocol import PublicFilesProtocol
from crawler.answer_errors import TooLargeError
from crawler.ballast import Ballast
from crawler.downloading import BoundedDownloadHandler, TrustRoot
from crawler.http_client import BoundedParser, BoundedPool, BoundedProtocol, _BoundedFactory
from crawler.scrapy_settings import build_scrapy_settings
from crawler.settings import CrawlSettings


class Transport(StringTransport):
    """Tells whether a connection was cut."""

    is_cut = False

    def abortConnection(self) -> None:  # noqa: N802 - Twisted's name
        self.is_cut = True


class Conversation:
    """A connection on which one page was asked for."""

    def __init__(self) -> None:
        self.protocol = BoundedProtocol(lambda _: None)  # type: ignore[no-untyped-call]
        self.transport = Transport()  # type: ignore[no-untyped-call]
        self.protocol.makeConnection(self.transport)
        request = Request(b"GET", b"/", Headers({b"Host": [b"kabar.example"]}), None)
        self.told: list[Any] = []
        self.protocol.request(request).addBoth(self.told.append)

    def hear(self, data: bytes) -> None:
        self.protocol.dataReceived(data)


def test_an_answer_is_read_by_our_parser() -> None:
    talk = Conversation()
    assert type(talk.protocol._parser) is BoundedParser
    talk.hear(b"HTTP/1.1 200 OK\r\nno header\r\nContent-Length: 0\r\n\r\n")
    (response,) = talk.told
    assert (response.code, callable(response.hang_up), response.was_reset) == (200, True, False)


@pytest.mark.parametrize("piece", [b"a: b\r\n", b"x" * 1_000], ids=["many lines", "a long line"])
def test_a_bound_that_is_broken_cuts_the_connection(piece: bytes) -> None:
    talk = Conversation()
    talk.hear(b"HTTP/1.1 200 OK\r\n" + piece * 3_000)
    (failure,) = talk.told
    assert failure.check(ResponseFailed)
    assert isinstance(failure.value.reasons[0].value, TooLargeError)
    assert talk.transport.is_cut
    assert not talk.transport.disconnecting


def test_the_pool_makes_our_connections() -> None:
    made: list[Factory] = []

    class Endpoint:
        connect = staticmethod(made.append)

    BoundedPool(MemoryReactorClock())._newConnection("key", Endpoint())  # type: ignore[no-untyped-call, arg-type]
    (factory,) = made
    assert type(factory) is _BoundedFactory
    assert type(factory.buildProtocol(None)) is BoundedProtocol


def test_our_certificates_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(TrustRoot.__base__, "_addCACertsToContext", lambda _, context: asked.append(context))
    CertificateOptions(trustRoot=TrustRoot()).getContext()  # type: ignore[no-untyped-call]
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("ours", "own"),
    [
        (BoundedParser, {"_head_bytes", "_head_lines", "_is_passing", "_check_framing"}),
        (BoundedProtocol, set()),
        (_BoundedFactory, set()),
        (BoundedPool, set()),
        (TrustRoot, {"_ca_bundle"}),
        (BoundedDownloadHandler, {"_download", "_begin_body", "_read_body", "_get_agent"}),
    ],
)
def test_all_else_overrides_something(ours: type, own: set[str]) -> None:
    names = {name for name in vars(ours) if not name.startswith("__")}
    assert {name for name in names if not hasattr(ours.__base__, name)} <= own


@pytest.mark.parametrize(
    ("host", "wire"), [("kota_cerdas.example", b"kota_cerdas.example"), ("😀.example", b"xn--e28h.example")]
)
def test_hosts_with_odd_names_can_be_asked(host: str, wire: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of Scrapy's own handler ours has kept this alone: Twisted refuses such names."""
    monkeypatch.setattr(endpoints, "_idnaBytes", _idna_patch._original_idna_bytes)
    with pytest.raises(UnicodeError):
        endpoints._idnaBytes(host)
    spider = SimpleNamespace(manners=SimpleNamespace(ballast=Ballast()))
    crawler: Any = SimpleNamespace(settings=Settings(build_scrapy_settings(CrawlSettings())), spider=spider)
    BoundedDownloadHandler(crawler)
    assert endpoints._idnaBytes(host) == wire


CALLED_BY_PARSER = ("on_message_begin", "on_headers_complete", "on_body", "on_message_complete")  # httptools'
CALLED_BY_LOOP = ("connection_made", "connection_lost", "data_received")
CALLED_BY_UVICORN = ("_start_asgi_task", "on_response_complete", "send_400_response", "_unsupported_upgrade_warning")
USED = (
    *("_unset_keepalive_if_required", "cycle", "flow", "headers", "loop", "parser", "pipeline", "server_state"),
    *("timeout_keep_alive_task", "transport", "url"),
)
USED_OF_CYCLE = ("disconnected", "keep_alive", "message_event", "response_complete", "response_started")


@pytest.mark.parametrize("name", [*CALLED_BY_PARSER, *CALLED_BY_LOOP, *CALLED_BY_UVICORN])
def test_uvicorn_has_what_our_protocol_overrides(name: str) -> None:
    assert name in vars(PublicFilesProtocol)
    ours, theirs = (inspect.signature(vars(each)[name]) for each in (PublicFilesProtocol, HttpToolsProtocol))
    assert len(ours.parameters) == len(theirs.parameters)
    if name in CALLED_BY_UVICORN:
        assert f"self.{name}" in inspect.getsource(HttpToolsProtocol)


def test_uvicorn_has_what_our_server_uses() -> None:
    assert inspect.iscoroutinefunction(uvicorn.Server.startup)
    assert "self.servers = " in inspect.getsource(uvicorn.Server.startup)
    assert STATUS_LINE[200] == b"HTTP/1.1 200 OK\r\n"


def test_uvicorn_has_what_our_protocol_uses() -> None:
    theirs, cycle = inspect.getsource(HttpToolsProtocol), inspect.getsource(RequestResponseCycle)
    assert [name for name in USED if f"self.{name}" not in theirs] == []
    assert [name for name in USED_OF_CYCLE if f"self.{name}" not in cycle] == []
