"""`kabarkota serve` as its operator meets it: started, asked, refused a rival, stopped and killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import feedparser
import httpx
import pytest
from portals import Answer, LoopbackPortal, make_setup, serve_portal
from ports import find_port

from schedules.web_server import AGAIN_SECONDS, REVIVE_SECONDS, WebServer

PATIENCE = 60  # seconds; a busy machine may need many

CONFIGURATION = """
allow_networks = ["127.0.0.0/8"]
contact = "test@example.org"
[crawl]
delay_seconds = 0
"""
CATALOGUE = """[sources.uji]
name = "Kabar Uji"
domain = "kabaruji.example"
channels = [{{ kind = "feed", url = "{base}/feed" }}]
"""
TEXT = (
    "Pemerintah kota anggota APEKSI membahas kota cerdas dalam rapat kerja di Kota Gorontalo. "
    "Para wali kota sepakat memakai satu format data layanan. Uji coba dimulai bulan depan di tiga kota."
)


@pytest.fixture(scope="module")
def portal() -> Iterator[LoopbackPortal]:
    with serve_portal() as portal:
        item = (
            f"<item><title>Rapat APEKSI bahas kota cerdas</title><link>{portal.base}/berita/rapat-apeksi</link>"
            f"<pubDate>{format_datetime(datetime.now(UTC))}</pubDate>"
            f"<content:encoded><![CDATA[{f'<p>{TEXT}</p>' * 4}]]></content:encoded></item>"
        )
        portal.answers["/feed"] = Answer(
            '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
            f"<title>Kabar Uji</title>{item}</channel></rss>".encode(),
            content_type="application/rss+xml",
        )
        yield portal


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


class Serving:
    """A running `kabarkota serve`."""

    def __init__(
        self,
        folder: Path,
        portal: LoopbackPortal,
        *options: str,
        configuration: str = CONFIGURATION,
        environ: Mapping[str, str] | None = None,
        start: Sequence[str] = ("-m", "schedules"),
        through: Sequence[str] = (),
    ) -> None:
        (folder / "kabarkota.toml").write_text(configuration, encoding="utf-8")
        (folder / "catalogue.toml").write_text(CATALOGUE.format(base=portal.base), encoding="utf-8")
        self.folder = folder
        self.start = start
        self.port = find_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.log = folder / "serve.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*through, *self.command("serve"), "--port", str(self.port), *options],
                stderr=log,
                env={**os.environ, **(environ or {})},
            )

    @property
    def errors(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def command(self, name: str) -> list[str]:
        return [
            *(sys.executable, *self.start, "--config", str(self.folder / "kabarkota.toml")),
            *("--data", str(self.folder / "data"), "--catalogue", str(self.folder / "catalogue.toml"), name),
        ]

    def ask(self, path: str) -> httpx.Response | None:
        try:
            return httpx.get(self.base + path, trust_env=False, timeout=60)
        except httpx.TransportError:
            return None

    def has_news(self) -> bool:
        """Whether there is news in the file of the feed: until that is written, the feed is made for who asks."""
        answer = self.ask("/feed.xml")
        return answer is not None and "last-modified" in answer.headers and b"<item>" in answer.content

    def list_children(self) -> set[int]:
        """All processes below this one."""
        found, queue = set(), [self.process.pid]
        while queue:
            tasks = Path(f"/proc/{queue.pop()}/task")
            names = [int(pid) for task in tasks.glob("*/children") for pid in task.read_text().split()]
            found |= set(names)
            queue += names
        return found

    def find_web(self) -> int | None:
        """The web server's process."""
        for pid in self.list_children():
            with suppress(OSError):
                if b"aggregator.web" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return pid
        return None


@contextmanager
def serve(folder: Path, portal: LoopbackPortal, *options: str, **more: Any) -> Iterator[Serving]:
    serving = Serving(folder, portal, *options, **more)
    try:
        yield serving
    finally:
        serving.process.kill()
        serving.process.wait()


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory, portal: LoopbackPortal) -> Iterator[Serving]:
    with serve(tmp_path_factory.mktemp("serve"), portal) as serving:
        wait_for(serving.has_news)
        yield serving


@pytest.mark.slow
def test_what_portals_publish_is_on_the_page_and_in_the_feed(serving: Serving) -> None:
    feed = feedparser.parse(f"{serving.base}/feed.xml")
    assert not feed.bozo
    assert [entry.title for entry in feed.entries] == ["Rapat APEKSI bahas kota cerdas"]
    page = serving.ask("/")
    assert page is not None
    assert "Rapat APEKSI bahas kota cerdas" in page.text
    assert "/feed.xml" in page.text


def test_subscribers_who_have_the_feed_get_304(serving: Serving) -> None:
    feed = feedparser.parse(f"{serving.base}/feed.xml")
    assert feedparser.parse(f"{serving.base}/feed.xml", etag=feed.etag).status == 304
    assert feedparser.parse(f"{serving.base}/feed.xml", modified=feed.modified).status == 304


def test_health_tells_of_the_last_cycle(serving: Serving) -> None:
    answer = serving.ask("/healthz")
    assert answer is not None
    assert answer.status_code == 200
    assert answer.json()["articles"] == 1


def test_cron_beside_it_is_refused_and_told_why(serving: Serving) -> None:
    rival = subprocess.run(serving.command("run"), capture_output=True, text=True, check=False)
    assert rival.returncode == 3
    assert "another kabarkota process" in rival.stderr


@pytest.mark.slow
def test_web_server_that_dies_is_started_again(serving: Serving) -> None:
    web = serving.find_web()
    assert web is not None
    os.kill(web, signal.SIGKILL)
    wait_for(lambda: Path(f"/proc/{web}/cmdline").exists() is False or not Path(f"/proc/{web}/cmdline").read_bytes())
    wait_for(serving.has_news)


@pytest.mark.slow
def test_the_end_of_a_web_server_is_told_at_once_and_one_that_has_answered_does_not_wait_long(tmp_path: Path) -> None:
    ended = threading.Event()
    with WebServer(make_setup(tmp_path), host="127.0.0.1", port=find_port()) as server:
        server.on_end = ended.set
        wait_for(lambda: server.watch() and server.has_answered)
        for longest in (AGAIN_SECONDS, REVIVE_SECONDS):  # the second has not answered yet
            first = server._process
            assert first is not None
            first.kill()
            assert ended.wait(PATIENCE)
            ended.clear()
            server._started = time.monotonic() - longest + 0.5
            server.watch()
            assert server._process is first
            server._started -= 0.5
            server.watch()
            assert server._process is not first


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_stops_when_told_to_and_leaves_nobody_behind(
    tmp_path: Path, portal: LoopbackPortal, number: signal.Signals
) -> None:
    with serve(tmp_path, portal) as serving:
        wait_for(serving.has_news)
        children = serving.list_children()
        assert len(children) >= 2  # the crawl process and the web server at least
        serving.process.send_signal(number)
        assert serving.process.wait(PATIENCE) == 0, serving.errors
        assert "Traceback" not in serving.errors
        wait_for(lambda: not any(is_running(pid) for pid in children))
    again = subprocess.run([*serving.command("run"), "--json"], capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["articles"] == 0


@pytest.mark.slow
def test_children_die_with_a_killed_service(tmp_path: Path, portal: LoopbackPortal) -> None:
    with serve(tmp_path, portal) as serving:
        wait_for(serving.has_news)
        children = serving.list_children()
        serving.process.kill()
        serving.process.wait()
        wait_for(lambda: not any(is_running(pid) for pid in children))


def test_serves_what_is_there_without_crawling(tmp_path: Path, portal: LoopbackPortal) -> None:
    asked = portal.asked["/feed"]
    with serve(tmp_path, portal, "--no-crawl") as serving:
        wait_for(lambda: serving.ask("/"))
        answer = serving.ask("/")
        assert answer is not None
        assert "Belum ada berita" in answer.text
        serving.process.terminate()
        assert serving.process.wait(PATIENCE) == 0
    assert portal.asked["/feed"] == asked


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
