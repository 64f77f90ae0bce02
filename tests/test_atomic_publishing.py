"""Whoever reads while it is published gets a document that was published, whole; and a kill or a full disk in the
middle of it is made good by the next publish."""

from __future__ import annotations

import gzip
import hashlib
import itertools
import os
import random
import resource
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import brotli
import httpx
import pytest
from feed_room import FeedRoom
from ports import find_port
from press_loop import OPTIONS
from test_feeds import read_all, report
from test_serve import wait_for

from aggregator.feeds import make_feed_path
from aggregator.publish.feed_info import Format
from aggregator.publish.files import PublishError
from aggregator.web.order import WebOrder
from aggregator.web.site import SiteInfo

PRESSES = 25
KILLS = 20
DECOMPRESS: dict[str, Callable[[bytes], bytes]] = {"": bytes, "gzip": gzip.decompress, "br": brotli.decompress}
SUFFIXES = {"": "", "gzip": ".gz", "br": ".br"}
PATHS = [make_feed_path(name, ending) for name in ("all", "topic/apeksi", "source/kabar-1") for ending in Format]


@contextmanager
def pressing(folder: Path, number: int, presses: int) -> Iterator[subprocess.Popen[str]]:
    """A process that publishes so many times; it is killed in the end."""
    script = Path(__file__).with_name("press_loop.py")
    command = [sys.executable, str(script), str(folder), str(number), str(presses)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def press_first(folder: Path, presses: int) -> None:
    with pressing(folder, 0, presses) as process:
        assert process.wait(60) == 0


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """The web server's process over the folder's database and public files; gives its address."""
    port = find_port()
    site = SiteInfo(url="https://kabarkota.example/")
    order = WebOrder(database=folder / "news.db", public=folder / "public", host="127.0.0.1", port=port, site=site)
    process = subprocess.Popen([sys.executable, "-P", "-m", "aggregator.web"], stdin=subprocess.PIPE)
    assert process.stdin is not None
    with process.stdin as told:
        told.write(order.to_json())
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: is_up(address))
        yield address
    finally:
        process.kill()
        process.wait()


def is_up(address: str) -> bool:
    try:
        return httpx.get(f"{address}/feed.xml", trust_env=False, timeout=60).status_code == 200
    except httpx.TransportError:
        return False


def print_anew(room: FeedRoom, folder: Path) -> dict[str, bytes]:
    """path → bytes of all files as they are when nothing was there before."""
    public, room.public = room.public, folder
    try:
        room.press(minutes=0)
        return {path: body for path, (_, body) in room.list_files().items()}
    finally:
        room.public = public


def check_files(room: FeedRoom, folder: Path) -> None:
    """That the published files are those that belong there, no less and no more."""
    found = {path: body for path, (_, body) in room.list_files().items()}
    expected = print_anew(room, folder)
    assert sorted(found) == sorted(expected)
    assert [path for path in found if found[path] != expected[path]] == []


# ── readers beside a publisher ─────────────────────────────────────────────────────────────────────────────────────


class Watch:
    """Reads as fast as it can until it is told to stop, and keeps the digests of what it got."""

    def __init__(self) -> None:
        self.seen: Counter[tuple[str, str]] = Counter()  # (coding, digest of the body)
        self.faults: list[str] = []
        self._is_over = threading.Event()

    @contextmanager
    def run(self, *looks: Callable[[str, str], None]) -> Iterator[None]:
        threads = [threading.Thread(target=self._repeat, args=(look,), daemon=True) for look in looks]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            for thread in threads:
                thread.join(60)

    def _repeat(self, look: Callable[[str, str], None]) -> None:
        for path, coding in itertools.cycle(itertools.product(PATHS, DECOMPRESS)):
            try:
                look(path, coding)
            except Exception as error:  # whatever it is, the test shall tell it
                self.faults.append(f"{path} {coding}: {error!r}")
            if self._is_over.is_set() or self.faults:
                return

    def note(self, coding: str, content: bytes) -> None:
        body = DECOMPRESS[coding](content)
        self.seen[coding, hashlib.sha256(body).hexdigest()] += 1


@pytest.mark.slow
def test_a_reader_gets_what_was_published_and_nothing_else(tmp_path: Path) -> None:
    press_first(tmp_path, 1)
    watch = Watch()
    with serve(tmp_path) as address, httpx.Client(base_url=address, trust_env=False, timeout=60) as client:

        def read_file(path: str, coding: str) -> None:
            file = tmp_path / "public" / f"{path}{SUFFIXES[coding]}"
            watch.note(coding, file.read_bytes())

        def ask(path: str, coding: str) -> None:
            with client.stream("GET", f"/{path}", headers={"Accept-Encoding": coding or "identity"}) as answer:
                content = b"".join(answer.iter_raw())
            assert answer.status_code == 200
            assert answer.headers.get("content-encoding", "") == coding
            digest = hashlib.sha256(content).hexdigest()[:32]
            assert answer.headers["etag"] == (f'"{digest}-{coding}"' if coding else f'"{digest}"')
            watch.note(coding, content)

        with watch.run(read_file, ask), pressing(tmp_path, 1, PRESSES) as process:
            assert process.wait(120) == 0
    assert watch.faults == []
    published = set((tmp_path / "published").read_text().split())
    assert {digest for _, digest in watch.seen} <= published
    for coding in DECOMPRESS:
        assert len([digest for each, digest in watch.seen if each == coding]) > PRESSES, "it did not see much"


# ── kills ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_the_next_publish_makes_good_what_a_kill_left(tmp_path: Path) -> None:
    press_first(tmp_path, 3)
    chance = random.Random(7)
    leftovers = 0
    for number in range(1, KILLS + 1):
        with pressing(tmp_path, number, 1_000) as process, pytest.raises(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0, 0.6))
        leftovers += len(list((tmp_path / "public").rglob(".*.tmp")))
        room = FeedRoom(tmp_path, **OPTIONS)
        room.minutes = number * 10_000 + 9_000
        report(room, number * 1_000 + 999)  # one more publish, as the next cycle brings it
        room.press()
        assert list((tmp_path / "public").rglob(".*.tmp")) == []
        check_files(room, tmp_path / f"anew-{number}")
        assert set(read_all(room, "feed.atom")) == room.list_published()
        room.store.close()
    assert leftovers, "no kill fell into a write: the test is not worth much"


# ── a full disk ────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def limit_file_size(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond `size` bytes: what a full disk looks like to `write`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def room(tmp_path: Path) -> Iterator[FeedRoom]:
    """Some news published, and some more to publish, of which one text is too long for a full disk."""
    room = FeedRoom(tmp_path)
    for number in range(3):
        report(room, number)
    room.press()
    report(room, 3, source="kabar-lengkap")
    with room.store.transaction():
        execute = room.store._connection.execute
        execute("UPDATE sources SET full_text = 1 WHERE id = 'kabar-lengkap'")
        execute("UPDATE articles SET text = ? WHERE title = 'APEKSI urusan 3'", ("kata panjang " * 20_000,))
    room.store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    yield room
    room.store.close()


def check_after_failure(room: FeedRoom, before: dict[str, tuple[int, bytes]], folder: Path) -> None:
    """That each file is the old or the new one, and that the next publish brings all that was to be published."""
    left = {path: body for path, (_, body) in room.list_files().items()}
    assert [path for path in left if path.endswith(".tmp")] == []
    assert set(before) <= set(left)
    room.press()
    after = {path: body for path, (_, body) in room.list_files().items()}
    assert [path for path, body in left.items() if body not in {before.get(path, (0, b""))[1], after[path]}] == []
    assert "APEKSI urusan 3" in room.read_titles("feed.json")
    assert set(room.read("feeds/source/kabar-lengkap.xml")) <= room.list_published()
    check_files(room, folder / "anew")


@pytest.mark.slow
def test_a_full_disk_leaves_old_files_and_the_next_publish_works(room: FeedRoom, tmp_path: Path) -> None:
    before = room.list_files()
    with limit_file_size(150_000), pytest.raises(PublishError) as failure:
        room.press()
    assert "cannot publish" in str(failure.value)
    assert "File too large" in str(failure.value)
    check_after_failure(room, before, tmp_path)


def test_a_place_that_cannot_be_written_to_leaves_old_files(room: FeedRoom, tmp_path: Path) -> None:
    before = room.list_files()
    obstacle = room.public / "feeds" / "topic" / ".apeksi.atom.tmp"
    obstacle.mkdir()  # stands where the new file is to be written, whoever runs this
    (obstacle / "x").touch()
    with pytest.raises(PublishError) as failure:
        room.press()
    assert str(failure.value) == f"cannot publish {room.public / 'feeds/topic/apeksi.atom'}: {os.strerror(21)}"
    (obstacle / "x").unlink()
    obstacle.rmdir()
    check_after_failure(room, before, tmp_path)
