"""Where a portal may send the crawler, whom the crawler believes, and what it tells anybody."""

from __future__ import annotations

import ssl
import threading
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from certificates import Authority, make_authority
from hostile_answers import FEED, ITEMS
from hostile_poll import crawl, make_job, poll_all, read_code
from raw_portal import Connection, Talk, answer, head, serve_raw, whole
from warm import get_process

from aggregator.models import PollOutcome
from crawler.process import CrawlProcess


@pytest.fixture
def process() -> CrawlProcess:
    return get_process()


# ── redirects ──────────────────────────────────────────────────────────────────────────────────────────────────────


def redirect(location: bytes | None, status: str = "302 Found") -> Talk:
    """Sends readers of /feed elsewhere; the rest of the portal is sound."""
    said = b"" if location is None else b"Location: " + location + b"\r\n"
    sent = head(status, "Content-Length: 0", "Set-Cookie: sesi=rahasia").removesuffix(b"\r\n") + said + b"\r\n"
    return lambda connection: connection.send(sent if connection.path == "/feed" else whole(FEED))


def go_round(connection: Connection) -> None:
    connection.send(
        head("302 Found", f"Location: {'/b' if connection.path == '/feed' else '/feed'}", "Content-Length: 0")
    )


def go_on(connection: Connection) -> None:
    hop = int(connection.path.rpartition("-")[2]) if "-" in connection.path else 0
    connection.send(head("302 Found", f"Location: /hop-{hop + 1}", "Content-Length: 0"))


FOLLOWED: dict[str, Talk] = {
    "301": redirect(b"/lain", "301 Moved Permanently"),
    "302": redirect(b"/lain"),
    "303": redirect(b"/lain", "303 See Other"),
    "307": redirect(b"/lain", "307 Temporary Redirect"),
    "308": redirect(b"/lain", "308 Permanent Redirect"),
    "relative": redirect(b"lain?a=1#jangkar"),
    "with spaces": redirect(b"  /lain dengan spasi  "),
    "bytes of no charset": redirect(b"/\xff\xfe"),
    "international": redirect("/berita-é".encode()),
    "other port's name": redirect(b"./../../lain"),
}
NOT_FOLLOWED: dict[str, Talk] = {
    "nowhere": redirect(None),
    "to nothing": redirect(b""),
    "file": redirect(b"file:///etc/passwd"),
    "ftp": redirect(b"ftp://127.0.0.1/feed"),
    "data": redirect(b"data:text/xml,<rss/>"),
    "javascript": redirect(b"javascript:alert(1)"),
    "gopher": redirect(b"gopher://127.0.0.1:6379/_FLUSHALL"),
    "no port": redirect(b"http://127.0.0.1:abc/"),
    "half an address": redirect(b"http://[::1"),
    "NUL": redirect(b"/a\0b"),
    "too long": redirect(b"/" + b"a" * 9000),
    "circle": go_round,
    "itself": redirect(b"/feed"),
    "on and on": go_on,
}


@pytest.mark.slow
def test_redirects_are_followed_within_the_web_and_a_few_times(process: CrawlProcess) -> None:
    harvests = poll_all(process, FOLLOWED | NOT_FOLLOWED)
    for name in FOLLOWED:
        assert harvests[name].poll.links == len(ITEMS), (name, harvests[name].poll.reason)
    for name in NOT_FOLLOWED:
        assert (harvests[name].poll.outcome, read_code(harvests[name])) == (PollOutcome.FAILED, "redirects"), name
    assert harvests["on and on"].poll.reason == "more than 5 redirects"


def test_line_breaks_never_get_into_a_request(process: CrawlProcess) -> None:
    """Neither from a redirect, whose header they would end, nor from a link."""
    evil = b"/a%0d%0aX-Evil:1/b\tc"
    feed = whole(FEED.replace(b"/0<", b"/a&#13;&#10;X-Evil: 1<").replace(b"/1<", b"/b\nX-Evil: 1<"))

    def talk(connection: Connection) -> None:
        connection.send(
            head("302 Found", "Content-Length: 0").removesuffix(b"\r\n") + b"Location: " + evil + b"\r\n\r\n"
        )

    with serve_raw(talk) as one, serve_raw(answer(feed)) as two:
        crawl(process, [make_job("redirect", f"{one.base}/feed"), make_job("links", f"{two.base}/feed")])
        requests = one.requests + two.requests
    assert len(requests) > 4
    for request in requests:
        assert b"\r\nX-Evil" not in request.replace(b"\n", b"\r\n")
        assert request.count(b"HTTP/1.1\r\n") == 1


def test_redirect_is_a_request_of_the_source(process: CrawlProcess) -> None:
    """A portal cannot have more asked of others than the limit, by sending every request on."""

    def talk(connection: Connection) -> None:
        if connection.path == "/feed":
            connection.send(whole(FEED))
        else:
            go_on(connection)

    with serve_raw(talk) as portal:
        (harvest,) = crawl(process, [make_job("uji", f"{portal.base}/feed")], max_requests=8).values()
        assert portal.asked.total() - portal.asked["/robots.txt"] <= 8
    assert harvest.deferred


# ── what is told ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_every_request_says_who_asks_and_what_is_understood(process: CrawlProcess) -> None:
    with serve_raw(redirect(b"/lain")) as portal:
        crawl(process, [make_job("uji", f"{portal.base}/feed")])
        assert portal.asked.keys() > {"/robots.txt", "/feed", "/lain"}
        for request in portal.requests:
            lines = request.split(b"\r\n")
            assert sum(line.startswith(b"User-Agent: KabarKota/") for line in lines) == 1, request
            assert {b"Accept-Language: id,en;q=0.5", b"Accept-Encoding: gzip, deflate, br, zstd"} <= set(lines)


@pytest.mark.slow
def test_nothing_secret_is_sent_or_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No proxy, no password, no cookie, no referrer: not from the address, the environment, a file, nor an answer."""
    (tmp_path / ".netrc").write_text("default login saya password rahasia\n", encoding="ascii")
    with ExitStack() as stack:
        proxy = stack.enter_context(serve_raw(answer(whole(FEED))))

        def send_on(connection: Connection) -> None:
            redirect(b"//saya:rahasia@127.0.0.1:%d/lain" % portal.port)(connection)

        portal = stack.enter_context(serve_raw(send_on))
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.base)
        monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
        monkeypatch.setenv("HOME", str(tmp_path))
        process = CrawlProcess(log_level="ERROR")
        try:
            (harvest,) = crawl(process, [make_job("uji", f"http://saya:rahasia@127.0.0.1:{portal.port}/feed")]).values()
        finally:
            process.close()
        assert proxy.requests == []
        assert portal.asked["/lain"] == 1
        for request in portal.requests:
            low = request.lower()
            assert not any(
                word in low for word in (b"authorization", b"cookie", b"referer", b"rahasia", b"saya", b"c2f5")
            )
    assert harvest.poll.links == len(ITEMS)
    assert "rahasia" not in repr((harvest.pages, harvest.failures, harvest.poll))


LISTENING = "0A"


def count_listening_sockets(pid: int) -> int:
    """TCP sockets in the state LISTEN, and UDP sockets, that the process or a child of it holds."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    held: set[str] = set()
    for number in (str(pid), *children):
        for link in Path(f"/proc/{number}/fd").iterdir():
            target = str(link.readlink()) if link.is_symlink() else ""
            if target.startswith("socket:["):
                held.add(target[8:-1])
    count = 0
    for table, states in (("tcp", {LISTENING}), ("tcp6", {LISTENING}), ("udp", None), ("udp6", None)):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            count += columns[9] in held and (states is None or columns[3] in states)
    return count


def test_crawl_process_listens_nowhere(process: CrawlProcess) -> None:
    asked, counted = threading.Event(), threading.Event()

    def talk(connection: Connection) -> None:
        asked.set()
        counted.wait(30)
        connection.send(whole(FEED))

    counts = []

    def count() -> None:
        asked.wait(30)
        counts.append(count_listening_sockets(process.pid))
        counted.set()

    watcher = threading.Thread(target=count)
    watcher.start()
    poll_all(process, {"uji": talk})
    watcher.join()
    assert counts == [0]


# ── TLS ────────────────────────────────────────────────────────────────────────────────────────────────────────────

HOST = "portal.localhost"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return make_authority()


def make_old_server(context: ssl.SSLContext) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_only_who_proves_to_be_the_site_is_believed(
    process: CrawlProcess, authority: Authority, tmp_path: Path
) -> None:
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    (tmp_path / "other.pem").write_bytes(make_authority("Lain").pem)
    (tmp_path / "empty.pem").write_text("bukan sertifikat\n", encoding="ascii")
    sound = authority.make_server(tmp_path, HOST)
    servers = {
        "sound": (sound, "ca.pem", ""),
        "unknown authority": (sound, None, "tls"),
        "another authority": (sound, "other.pem", "tls"),
        "another name": (authority.make_server(tmp_path, "lain.localhost"), "ca.pem", "tls"),
        "expired": (authority.make_server(tmp_path, HOST, ends=timedelta(days=-1)), "ca.pem", "tls"),
        "old protocol": (make_old_server(authority.make_server(tmp_path, HOST)), "ca.pem", "tls"),
        "no file": (sound, "tidak-ada.pem", "ca-bundle"),
        "no certificates": (sound, "empty.pem", "ca-bundle"),
    }
    with ExitStack() as stack:
        jobs = []
        for name, (context, bundle, _) in servers.items():
            portal = stack.enter_context(serve_raw(answer(whole(FEED)), tls=context))
            jobs.append(make_job(name, f"https://{HOST}:{portal.port}/feed", ca_bundle=bundle))
        harvests = crawl(process, jobs, data_folder=str(tmp_path))
        again = crawl(process, [job for job in jobs if job.source.id == "sound"], data_folder=str(tmp_path))
    codes = {name: read_code(harvest) for name, harvest in harvests.items()}
    assert codes == {name: code for name, (_, _, code) in servers.items()}
    assert harvests["sound"].poll.links == again["sound"].poll.links == len(ITEMS)
    assert "ca_bundle 'tidak-ada.pem': there is no such file" in harvests["no file"].poll.reason


def test_what_one_source_trusts_no_other_does(process: CrawlProcess, authority: Authority, tmp_path: Path) -> None:
    """Not even over the connection that the other has open."""
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    kept_open = whole(FEED).replace(b"Connection: close\r\n", b"")
    with serve_raw(answer(kept_open), tls=authority.make_server(tmp_path, HOST)) as portal:
        jobs = [
            make_job("trusting", f"https://{HOST}:{portal.port}/feed", ca_bundle="ca.pem"),
            make_job("other", f"https://{HOST}:{portal.port}/lain"),
        ]
        harvests = crawl(process, jobs, data_folder=str(tmp_path))
    assert harvests["trusting"].poll.outcome is PollOutcome.CHANGED
    assert read_code(harvests["other"]) == "tls"
