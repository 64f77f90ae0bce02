"""WebSub: which hub is told of what, when again, and that a hub that hangs delays nothing."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from fresh_database import open_fresh
from portals import LoopbackPortal, make_setup, serve_portal
from ports import find_port
from test_serve import CATALOGUE, CONFIGURATION, wait_for
from test_service import ask_database, keep_time, make_due, make_feed
from typer.testing import CliRunner
from warm import run_warm

from aggregator.ping_rows import BACK_OFF, Ping, PingOutcome
from aggregator.publish.websub import Messenger, build_bodies, is_permanent, send_pings
from aggregator.settings import AggregatorSettings
from aggregator.store import Store
from schedules.cli import app
from schedules.config import load_setup
from schedules.errors import RunFailure, UsageFailure
from schedules.lock import hold_writer_lock
from schedules.pinging import ping_and_record

NOW = datetime(2026, 10, 5, 8, 0, tzinfo=UTC)
SITE = "https://kabar.example/"
FEED = f"{SITE}feed.xml"


class Hub:
    """Notes what it is told, and answers as it is set to."""

    def __init__(self) -> None:
        self.told: list[list[str]] = []
        self.statuses = [204]  # one after the other; the last one for ever
        self.headers: dict[str, str] = {}
        self.body = b""
        self.gate: threading.Event | None = None
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                fields = parse_qsl(body, strict_parsing=True)
                assert fields[0] == ("hub.mode", "publish")
                assert self.headers["Content-Type"] == "application/x-www-form-urlencoded"
                hub.told.append([value for name, value in fields[1:] if name == "hub.url"])
                if hub.gate is not None:
                    hub.gate.wait(120)
                status = hub.statuses.pop(0) if len(hub.statuses) > 1 else hub.statuses[0]
                self.send_response(status)
                for name, value in hub.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(hub.body) if status != 204 else 0))
                self.end_headers()
                if status != 204:
                    self.wfile.write(hub.body)

            def do_GET(self) -> None:
                raise AssertionError("a hub is never asked by GET")

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hub"


@contextmanager
def serve_hub() -> Iterator[Hub]:
    hub = Hub()
    thread = threading.Thread(target=hub.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        if hub.gate is not None:
            hub.gate.set()
        hub.server.shutdown()
        hub.server.server_close()
        thread.join()


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serve_hub() as hub:
        yield hub


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_fresh(tmp_path / "news.db") as store:
        yield store


def make_pings(hub: str, *names: str) -> list[Ping]:
    return [Ping(hub=hub, url=f"{SITE}{name}", changed_at="") for name in names or ("feed.xml",)]


def tell(hub: Hub, *names: str) -> set[tuple[str, bool]]:
    return {(each.reason, each.is_refusal) for each in send_pings(hub.url, make_pings(hub.url, *names))}


# ── what is sent ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_form_tells_a_hundred_feeds_at_a_time() -> None:
    urls = [f"{SITE}feeds/city/kota-{number}.xml?a=b&c=ü" for number in range(250)]
    batches = list(build_bodies(urls))
    assert [len(batch) for batch, _ in batches] == [100, 100, 50]
    fields = [parse_qsl(body.decode("ascii"), strict_parsing=True) for _, body in batches]
    assert {part[0] for part in fields} == {("hub.mode", "publish")}
    assert [value for part in fields for name, value in part[1:] if name == "hub.url"] == urls
    assert list(build_bodies([])) == []


def test_hub_is_told_once_of_each_feed(hub: Hub) -> None:
    assert tell(hub, "feed.xml", "feed.atom") == {("", False)}
    assert hub.told == [[f"{SITE}feed.xml", f"{SITE}feed.atom"]]


@pytest.mark.parametrize("status", [200, 202, 204])
def test_every_success_is_one(hub: Hub, status: int) -> None:
    hub.statuses = [status]
    assert tell(hub) == {("", False)}


@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        *((status, True) for status in (301, 302, 307, 308, 400, 401, 403, 404, 405, 410, 501)),
        *((status, False) for status in (408, 425, 429, 500, 502, 503, 504)),
    ],
)
def test_refusals_that_pass_and_those_that_do_not(hub: Hub, status: int, permanent: bool) -> None:
    hub.statuses, hub.headers = [status], {"Location": "file:///etc/hostname"} if status < 400 else {}
    ((reason, is_refusal),) = tell(hub)
    assert (is_refusal, is_permanent(status)) == (permanent, permanent)
    assert reason.startswith(f"HTTP {status}")
    assert ("it has moved to file:" in reason) == (status < 400)


def test_what_the_hub_says_is_told_shortly(hub: Hub) -> None:
    hub.statuses, hub.body = [400], b"unknown\n topic\x1b[31m " + b"x" * 100_000
    ((reason, _),) = tell(hub)
    assert reason.startswith("HTTP 400: unknown topic")
    assert len(reason) <= 200
    assert "\x1b" not in reason
    hub.body = b"<html>Bad Request</html>"
    assert tell(hub) == {("HTTP 400", True)}


def test_nobody_there() -> None:
    url = f"http://127.0.0.1:{find_port()}/"
    (outcome,) = send_pings(url, make_pings(url))
    assert "refused" in outcome.reason
    assert not outcome.is_refusal


def test_hub_that_talks_nonsense() -> None:
    def answer() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(b"\x00\x01\x02 nonsense\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        (outcome,) = send_pings(url, make_pings(url))
        thread.join()
    assert outcome.reason
    assert not outcome.is_refusal


def test_proxies_of_the_environment_are_not_asked(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{find_port()}")
    assert tell(hub) == {("", False)}


def test_silent_hub_costs_its_timeout_once(hub: Hub) -> None:
    hub.gate = threading.Event()
    names = [f"feeds/{number}.xml" for number in range(250)]
    outcomes = list(send_pings(hub.url, make_pings(hub.url, *names), timeout=0.2))
    assert len(outcomes) == 250
    assert {(each.reason, each.is_refusal) for each in outcomes} == {("timed out", False)}
    assert len(hub.told) == 1


def test_hub_that_hangs_neither_delays_another_nor_is_asked_twice(hub: Hub) -> None:
    with serve_hub() as silent:
        silent.gate = threading.Event()
        pings = make_pings(silent.url) + make_pings(hub.url)
        messenger = Messenger()
        first = messenger.send(pings, 0.3)
        assert [bool(each.reason) for each in first] == [True, False]
        assert "no answer within 0.3 s" in first[0].reason
        messenger.send(pings, 0.3)
        assert (len(silent.told), len(hub.told)) == (1, 2)


# ── what waits ─────────────────────────────────────────────────────────────────────────────────────────────────────


def show_due(store: Store, now: datetime) -> list[tuple[str, str]]:
    return [(ping.hub, ping.url.removeprefix(SITE)) for ping in store.get_due_pings(now)]


def record(store: Store, now: datetime, reason: str = "", *, is_refusal: bool = False) -> None:
    due = store.get_due_pings(now)
    store.record_pings([PingOutcome(ping=ping, reason=reason, is_refusal=is_refusal) for ping in due], now)


def test_changed_feeds_wait_for_each_hub(store: Store) -> None:
    store.queue_pings(["http://a.example/", "http://b.example/"], [FEED, "/feed.xml", "feed.xml"], NOW)
    assert show_due(store, NOW) == [("http://a.example/", "feed.xml"), ("http://b.example/", "feed.xml")]
    record(store, NOW)
    assert show_due(store, NOW) == []
    assert store.get_waiting_pings() == []


def test_queue_is_written_within_a_transaction_or_without(store: Store) -> None:
    def fail() -> None:
        with store.transaction():
            store.queue_pings(["http://a.example/"], [FEED], NOW)
            raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        fail()
    assert show_due(store, NOW) == []
    with store.transaction():
        store.queue_pings(["http://a.example/"], [FEED], NOW)
    store.queue_pings(["http://a.example/"], [f"{SITE}feed.atom"], NOW)
    assert len(show_due(store, NOW)) == 2


def test_failures_are_tried_again_ever_later_and_then_dropped(store: Store) -> None:
    store.queue_pings(["http://a.example/"], [FEED], NOW)
    now = NOW
    for pause in (*BACK_OFF, BACK_OFF[-1]):
        assert len(show_due(store, now)) == 1
        record(store, now, "HTTP 500")
        if not store.get_waiting_pings():
            break
        assert show_due(store, now + pause - timedelta(seconds=1)) == []
        now += pause
    (waiting,) = store.get_waiting_pings()
    assert (waiting.pings, waiting.refused, waiting.reason) == (1, 0, "HTTP 500")
    record(store, NOW + timedelta(days=3, hours=4), "HTTP 500")
    assert store.get_waiting_pings() == []


def test_feed_that_changes_again_begins_anew(store: Store) -> None:
    store.queue_pings(["http://a.example/"], [FEED], NOW)
    record(store, NOW, "HTTP 500")
    later = NOW + timedelta(seconds=20)
    store.queue_pings(["http://a.example/"], [FEED], later)
    assert len(show_due(store, later)) == 1
    assert store.get_waiting_pings()[0].reason == ""


def test_change_while_it_is_being_told_is_told_again(store: Store) -> None:
    store.queue_pings(["http://a.example/"], [FEED], NOW)
    sent = store.get_due_pings(NOW)
    store.queue_pings(["http://a.example/"], [FEED], NOW + timedelta(milliseconds=1))
    store.record_pings([PingOutcome(ping=ping) for ping in sent], NOW)
    assert len(show_due(store, NOW + timedelta(seconds=1))) == 1


def test_refused_for_good_is_not_tried_again_and_stays_visible(store: Store) -> None:
    store.queue_pings(["http://a.example/"], [FEED], NOW)
    record(store, NOW, "HTTP 410", is_refusal=True)
    assert show_due(store, NOW + timedelta(days=2)) == []
    (waiting,) = store.get_waiting_pings()
    assert (waiting.refused, waiting.due_at, waiting.reason) == (1, None, "HTTP 410")
    store.queue_pings(["http://a.example/"], [FEED], NOW + timedelta(days=1))
    assert len(show_due(store, NOW + timedelta(days=1))) == 1


def test_hub_that_left_the_configuration_is_forgotten(store: Store) -> None:
    store.queue_pings(["http://a.example/", "http://b.example/"], [FEED], NOW)
    store.queue_pings(["http://b.example/"], [], NOW)
    assert show_due(store, NOW) == [("http://b.example/", "feed.xml")]
    store.queue_pings((), [], NOW)
    assert show_due(store, NOW) == []


# ── settings ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("hub", ["ftp://hub.example/", "hub.example", "", "https://", "https://hub.example/#x", "/hub"])
def test_hub_must_be_a_web_address(tmp_path: Path, hub: str) -> None:
    file = tmp_path / "kabarkota.toml"
    file.write_text(f"[aggregator]\nwebsub_hubs = [{json.dumps(hub)}]\n", encoding="utf-8")
    with pytest.raises(UsageFailure, match=r"kabarkota\.toml.*websub_hubs.*is not the http\(s\) address of a hub"):
        load_setup(config=file, flags={})


def test_hubs_in_the_environment_have_commas_between(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KABARKOTA_AGGREGATOR__WEBSUB_HUBS", "https://a.example/, https://b.example/")
    assert load_setup(config=None, flags={}).aggregator.websub_hubs == ("https://a.example/", "https://b.example/")
    assert AggregatorSettings(websub_hubs=("http://a.example", "http://a.example")).websub_hubs == ("http://a.example",)


# ── commands ───────────────────────────────────────────────────────────────────────────────────────────────────────


def write_configuration(folder: Path, portal: LoopbackPortal, *hubs: str, site: str = SITE) -> str:
    configuration = f'{CONFIGURATION}\n[aggregator]\nsite_url = "{site}"\nwebsub_hubs = {json.dumps(hubs)}\n'
    (folder / "kabarkota.toml").write_text(configuration, encoding="utf-8")
    (folder / "catalogue.toml").write_text(CATALOGUE.format(base=portal.base), encoding="utf-8")
    return configuration


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    options = ("--config", folder / "kabarkota.toml", "--data", folder / "data")
    catalogue = ("--catalogue", folder / "catalogue.toml")
    return subprocess.Popen(
        [sys.executable, "-m", "schedules", *map(str, (*options, *catalogue)), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(folder: Path, *words: str) -> str:
    process = start(folder, *words)
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return out


@pytest.fixture
def portal() -> Iterator[LoopbackPortal]:
    with serve_portal() as portal:
        portal.answers["/feed"] = make_feed(portal)
        yield portal


@pytest.mark.slow
def test_run_tells_of_what_changed_and_of_nothing_else(tmp_path: Path, portal: LoopbackPortal, hub: Hub) -> None:
    write_configuration(tmp_path, portal, hub.url)
    run(tmp_path, "run")
    assert len(hub.told) == 1
    assert FEED in hub.told[0]
    run(tmp_path, "run")
    run(tmp_path, "publish")
    assert len(hub.told) == 1
    assert ask_database(tmp_path, "SELECT * FROM pings") == []


def test_without_a_site_nobody_is_told(tmp_path: Path, portal: LoopbackPortal, hub: Hub) -> None:
    write_configuration(tmp_path, portal, hub.url, site="")
    flags = {"data": tmp_path / "data", "catalogue": tmp_path / "catalogue.toml"}
    assert run_warm(load_setup(config=tmp_path / "kabarkota.toml", flags=flags), now=datetime.now(UTC)).new_items
    assert hub.told == []
    assert ask_database(tmp_path, "SELECT * FROM pings") == []


@pytest.mark.slow
def test_killed_between_publishing_and_telling(tmp_path: Path, portal: LoopbackPortal, hub: Hub) -> None:
    write_configuration(tmp_path, portal, hub.url)
    hub.gate = threading.Event()
    process = start(tmp_path, "run")
    wait_for(lambda: hub.told)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    hub.gate.set()
    hub.gate = None
    assert (tmp_path / "data/public/feed.xml").exists()
    told = len(hub.told)
    run(tmp_path, "publish", "--json")
    assert len(hub.told) == told + 1
    assert FEED in hub.told[-1]
    assert ask_database(tmp_path, "SELECT * FROM pings") == []


@pytest.mark.slow
def test_dead_hub_is_visible_and_told_when_it_is_back(
    tmp_path: Path, portal: LoopbackPortal, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_configuration(tmp_path, portal, hub.url)
    hub.statuses = [500, 204]
    run(tmp_path, "run")
    shown = run(tmp_path, "status")
    assert f"Hub {hub.url}: " in shown
    assert "pings wait" in shown
    assert "HTTP 500" in shown
    (waiting,) = json.loads(run(tmp_path, "status", "--json"))["waiting_pings"]
    assert (waiting["hub"], waiting["reason"]) == (hub.url, "HTTP 500")
    run(tmp_path, "publish")
    assert len(hub.told) == 1  # not yet
    ask_database(tmp_path, "UPDATE pings SET due_at = '2000-01-01T00:00:00Z'")
    run(tmp_path, "publish")
    assert len(hub.told) == 2
    assert "Hub " not in run(tmp_path, "status")


def test_lock_is_free_while_hubs_are_told_and_outcomes_may_be_lost(tmp_path: Path, hub: Hub) -> None:
    base = make_setup(tmp_path)
    settings = AggregatorSettings(site_url=SITE, websub_hubs=(hub.url,))
    setup = type(base)(**{**vars(base), "aggregator": settings})
    with open_fresh(setup.database) as store:
        store.queue_pings([hub.url, "http://left.example/"], [FEED], NOW)
    with hold_writer_lock(setup.data_folder):
        ping_and_record(setup, NOW)
    assert hub.told == [[FEED]]
    ping_and_record(setup, NOW)
    assert hub.told == [[FEED], [FEED]]  # a ping too many does no harm
    with Store.open_reader(setup.database) as store:
        assert [ping.hub for ping in store.get_due_pings(NOW)] == ["http://left.example/"]


@pytest.mark.slow
def test_takedown_is_told(tmp_path: Path, portal: LoopbackPortal, hub: Hub) -> None:
    write_configuration(tmp_path, portal, hub.url)
    run(tmp_path, "run")
    ((url,),) = ask_database(tmp_path, "SELECT url FROM news")
    run(tmp_path, "takedown", url, "--reason", "x")
    assert len(hub.told) == 2


def test_publish_needs_a_database(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--data", str(tmp_path), "publish"])
    assert isinstance(result.exception, RunFailure)


# ── the service ────────────────────────────────────────────────────────────────────────────────────────────────────


def poll_until(folder: Path, condition: Callable[[], object]) -> None:
    """Has the service poll until then: a poll under way may plan the next one after it was made due."""

    def look() -> object:
        make_due(folder)
        return condition()

    wait_for(look)


@pytest.mark.slow
def test_service_tells_hubs_and_a_refusal_is_a_warning(tmp_path: Path, portal: LoopbackPortal, hub: Hub) -> None:
    with serve_hub() as gone:
        gone.statuses = [410]
        configuration = write_configuration(tmp_path, portal, hub.url, gone.url)
        with keep_time(tmp_path, portal, configuration=configuration) as serving:
            wait_for(lambda: hub.told and gone.told)
            wait_for(lambda: f"hub {gone.url}: " in serving.errors)
            wait_for(lambda: {row[0] for row in ask_database(tmp_path, "SELECT hub FROM pings")} == {gone.url})
            told = len(gone.told)
            portal.answers["/feed"] = make_feed(portal, "Walikota anggota APEKSI bertemu lagi")
            poll_until(tmp_path, lambda: len(gone.told) > told)  # of a new change it is told anew
            wait_for(lambda: len(hub.told) >= 2)
    assert " ERROR" not in serving.errors


@pytest.mark.slow
def test_hub_that_hangs_delays_neither_polls_nor_the_end(tmp_path: Path, portal: LoopbackPortal, hub: Hub) -> None:
    hub.gate = threading.Event()
    configuration = write_configuration(tmp_path, portal, hub.url)
    with keep_time(tmp_path, portal, configuration=configuration) as serving:
        wait_for(lambda: hub.told)
        poll_until(tmp_path, lambda: portal.asked["/feed"] >= 3)
        portal.answers["/feed"] = make_feed(portal, "Walikota anggota APEKSI bertemu lagi")
        poll_until(tmp_path, lambda: b"bertemu-lagi" in serving.ask("/feed.xml").content)  # type: ignore[union-attr]
        assert len(hub.told) == 1  # all the while
        started = time.monotonic()
        serving.process.terminate()
        assert serving.process.wait(60) == 0, serving.errors
        assert time.monotonic() - started < 10
    assert (FEED,) in ask_database(tmp_path, "SELECT url FROM pings")
