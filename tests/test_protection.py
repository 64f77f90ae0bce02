"""The operator's pages: who is let in, who is not, and how often one may guess."""

from __future__ import annotations

import base64
import subprocess
import sys
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import html
from newsroom import finish_cycle, make_news, write_news
from page_room import Stage
from portals import make_setup
from ports import find_port
from test_serve import wait_for
from test_web import check_security_headers

from aggregator.processes import read_command
from aggregator.settings import AggregatorSettings, PrivatePages
from aggregator.web.app import create_app
from aggregator.web.guesses import MOST, REFILL_SECONDS, Guesses
from aggregator.web.order import WebOrder, read_order
from aggregator.web.protection import Entry, Gate, Protection
from aggregator.web.site import SiteInfo
from schedules.web_server import WebServer

PASSWORD = "kata sandi: rahasia é"
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
ALL_PAGES = frozenset(PrivatePages)
PRIVATE = ("/status", "/sources", "/sources?state=trouble", "/source/suara-gorontalo", "/source/tidak-ada", "/metrics")
OPEN = ("/", "/feeds", "/data", "/healthz", "/static/style.css")


def credentials(password: str, name: str = "siapa-saja") -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("protection")
    items = make_news()
    write_news(folder / "news.db", items)
    finish_cycle(folder / "news.db", items[0].updated)
    return folder


class Door:
    """Pages behind a protection, to be asked for."""

    def __init__(self, folder: Path, stage: Stage) -> None:
        self._folder, self._stage = folder, stage

    def put_up(self, **protection: Any) -> None:
        settings: dict[str, Any] = {"private": ALL_PAGES, "proxies": LOOPBACK, **protection}
        self._stage.app = create_app(
            database=self._folder / "news.db",
            public=self._folder / "public",
            site=SiteInfo(url=""),
            protection=Protection(**settings),
        )

    def ask(self, path: str, **headers: str) -> httpx.Response:
        wanted = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.get(self._stage.address + path, headers=wanted, trust_env=False, timeout=60)


@pytest.fixture
def door(folder: Path, stage: Stage) -> Door:
    return Door(folder, stage)


def test_by_default_all_is_public(door: Door) -> None:
    door.put_up(private=frozenset())
    assert {door.ask(path).status_code for path in (*PRIVATE, *OPEN)} == {200, 404}  # 404: no such source
    assert "articles" in door.ask("/healthz").json()


def test_strangers_are_told_in_both_languages_and_nothing_is_kept(door: Door) -> None:
    door.put_up(password=PASSWORD)
    for path in PRIVATE:
        answer = door.ask(path)
        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"] == 'Basic realm="Kabar Kota", charset="UTF-8"'
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
        check_security_headers(answer)
    headings = [each.text for each in html.fromstring(door.ask("/status?lang=en").text).cssselect("main h1, main h2")]
    assert headings == ["This page is for the operator", "Halaman ini untuk pengelola"]
    assert {door.ask(path).status_code for path in OPEN} == {200}


def test_the_password_opens_with_any_name_and_what_it_opens_is_not_kept(door: Door) -> None:
    door.put_up(password=PASSWORD)
    for path in PRIVATE:
        answer = door.ask(path, authorization=credentials(PASSWORD))
        assert answer.status_code == (404 if path.endswith("tidak-ada") else 200), path
        assert answer.headers.get_list("cache-control") == ["no-store"]
        assert "etag" not in answer.headers
    assert door.ask("/status", authorization=credentials(PASSWORD, name="")).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(credentials("salah"), id="wrong"),
        pytest.param(credentials(PASSWORD[:-1]), id="nearly"),
        pytest.param(credentials(""), id="empty"),
        pytest.param("Basic", id="no credentials"),
        pytest.param("Basic %%%", id="no base64"),
        pytest.param("Basic " + "QQ" * 4_000, id="very long"),
        pytest.param("Bearer " + credentials(PASSWORD)[6:], id="another scheme"),
    ],
)
def test_what_is_not_the_password_opens_nothing(door: Door, header: str) -> None:
    door.put_up(password=PASSWORD)
    assert door.ask("/status", authorization=header).status_code == 401


def test_pages_are_private_one_by_one(door: Door) -> None:
    door.put_up(private=frozenset({PrivatePages.METRICS}), password=PASSWORD)
    assert [door.ask(path).status_code for path in ("/metrics", "/status", "/sources")] == [401, 200, 200]


def test_health_is_open_and_tells_strangers_nothing_more(door: Door) -> None:
    door.put_up(password=PASSWORD)
    stranger = door.ask("/healthz")
    assert (stranger.status_code, stranger.json()) == (200, {"status": "ok"})
    assert "articles" in door.ask("/healthz", authorization=credentials(PASSWORD)).json()


def test_a_proxy_says_whom_it_let_in(door: Door) -> None:
    door.put_up(header="x-remote-user")
    assert door.ask("/status", x_remote_user="siti").status_code == 200
    assert door.ask("/status").status_code == 403
    assert "www-authenticate" not in door.ask("/status").headers
    assert door.ask("/status", x_remote_user="").status_code == 403
    assert door.ask("/status", x_other="siti").status_code == 403
    twice = [("x-remote-user", "siti"), ("x-remote-user", "tamu")]
    assert httpx.get(f"{door._stage.address}/status", headers=twice, trust_env=False, timeout=60).status_code == 403
    door.put_up(header="x-remote-user", proxies=(ip_network("10.0.0.0/8"),))
    assert door.ask("/status", x_remote_user="siti").status_code == 403  # from elsewhere anybody can write it
    door.put_up(header="x-remote-user", password=PASSWORD, proxies=())
    assert door.ask("/status", x_remote_user="siti").status_code == 401
    assert door.ask("/status", authorization=credentials(PASSWORD)).status_code == 200


def test_after_many_wrong_guesses_the_right_one_does_not_help(door: Door) -> None:
    door.put_up(password=PASSWORD)
    for _ in range(MOST):
        assert door.ask("/metrics", authorization=credentials("salah")).status_code == 401
    answer = door.ask("/status", authorization=credentials(PASSWORD))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    assert door.ask("/healthz", authorization=credentials(PASSWORD)).json() == {"status": "ok"}  # it is no way around
    assert door.ask("/status").status_code == 401
    elsewhere = {"x_forwarded_for": "203.0.113.9, 198.51.100.7"}  # the proxy's own entry is the last
    assert door.ask("/status", authorization=credentials(PASSWORD), **elsewhere).status_code == 200


def test_guesses_come_back_with_time_and_take_no_memory() -> None:
    now = 0.0
    guesses = Guesses(clock=lambda: now)
    for number in range(100_000):
        guesses.count_wrong(f"10.0.{number // 250}.{number % 250}")
    assert len(guesses._spent) == len(guesses._counted_at) == 1_024
    guesses = Guesses(clock=lambda: now)
    for _ in range(MOST):
        assert guesses.may_guess("a")
        guesses.count_wrong("a")
    assert not guesses.may_guess("a")
    now += REFILL_SECONDS
    assert guesses.may_guess("a")
    guesses.count_wrong("a")
    assert not guesses.may_guess("a")


@pytest.mark.parametrize(
    ("peer", "forwarded", "counted", "logged"),
    [
        pytest.param("198.51.100.1", b"203.0.113.1", "198.51.100.1", "198.51.100.0/24", id="no proxy of ours"),
        pytest.param("127.0.0.1", b"", "127.0.0.1", "127.0.0.0/24", id="a proxy that says nothing"),
        pytest.param(
            *("127.0.0.1", b"203.0.113.1, 198.51.100.1, 127.0.0.2", "198.51.100.1", "198.51.100.0/24"),
            id="two proxies of ours",
        ),
        pytest.param(
            *("::ffff:127.0.0.1", b"2001:db8:1:2:3::4", "2001:db8:1:2::/64", "2001:db8:1::/48"), id="a household"
        ),
        pytest.param("127.0.0.1", b"rumah", "127.0.0.1", "127.0.0.0/24", id="rubbish"),
        pytest.param(None, b"203.0.113.1", "an unknown address", "an unknown address", id="a socket without addresses"),
    ],
)
def test_clients_are_counted_by_the_address_that_our_proxy_saw_and_the_log_has_their_network(
    caplog: pytest.LogCaptureFixture, peer: str | None, forwarded: bytes, counted: str, logged: str
) -> None:
    wrong: list[str] = []

    class Noted(Guesses):
        def count_wrong(self, address: str) -> None:
            wrong.append(address)

    gate = Gate(Protection(private=ALL_PAGES, password=PASSWORD, proxies=LOOPBACK), Noted())
    headers = [(b"authorization", credentials("salah").encode()), (b"x-forwarded-for", forwarded)]
    assert gate.judge({"client": (peer, 1) if peer else None, "headers": headers}) is Entry.STRANGER
    assert wrong == [counted]
    assert caplog.messages == [f"wrong password for the operator's pages from {logged}"]
    assert PASSWORD not in caplog.text


# ── the process ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_order_is_read_as_it_was_given_and_shows_no_password(tmp_path: Path) -> None:
    protection = Protection(private=ALL_PAGES, password=PASSWORD, header="x-remote-user", proxies=LOOPBACK)
    site = SiteInfo(url="https://kabar.example/", operator="Redaksi", hubs=("https://hub.example/",))
    order = WebOrder(
        database=tmp_path / "news.db", public=tmp_path, host="::1", port=1, site=site, protection=protection
    )
    assert read_order(order.to_json()) == order
    assert PASSWORD not in repr(order)


@pytest.mark.slow
def test_the_process_is_told_of_the_operator_and_no_command_line_has_the_password(tmp_path: Path) -> None:
    settings = AggregatorSettings(
        operator="Dinas Kominfo",
        contact="https://kabar.example/kontak",
        private_pages=(PrivatePages.STATUS,),
        operator_password=PASSWORD,
    )
    assert PASSWORD not in repr(settings)
    setup = replace(make_setup(tmp_path), aggregator=settings)
    with WebServer(setup, host="127.0.0.1", port=find_port()) as server:
        wait_for(lambda: server.watch() and server.has_answered)
        base = f"http://127.0.0.1:{server._port}"
        assert server._process is not None
        command = read_command(server._process.pid)
        assert "aggregator.web" in command
        assert PASSWORD not in command
        page = httpx.get(f"{base}/data", trust_env=False, timeout=60).text
        assert "Dinas Kominfo" in page
        assert 'href="https://kabar.example/kontak"' in page
        assert httpx.get(f"{base}/status", trust_env=False, timeout=60).status_code == 401
        assert httpx.get(f"{base}/status", auth=("", PASSWORD), trust_env=False, timeout=60).status_code == 200
        assert not server.apply(setup)


@pytest.mark.parametrize("document", [b"", b"{}", b'{"password": "kata sandi: rahasia"}'])
def test_an_order_that_is_none_is_refused(document: bytes) -> None:
    with pytest.raises(ValueError, match="WebOrder"):
        read_order(document)


@pytest.mark.slow
def test_an_order_that_cannot_be_read_is_a_line_without_its_words() -> None:
    command = [sys.executable, "-P", "-m", "aggregator.web"]
    document = b'{"password": "kata sandi: rahasia"}'
    done = subprocess.run(command, input=document, capture_output=True, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert b"rahasia" not in done.stderr


@pytest.mark.parametrize("named", ["status", "sources"])
def test_what_tells_the_same_is_private_together(named: str) -> None:
    settings = AggregatorSettings(private_pages=(PrivatePages(named),), operator_header="X-Remote-User")
    assert Protection.from_settings(settings).private == {PrivatePages.STATUS, PrivatePages.SOURCES}
