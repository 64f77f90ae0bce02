"""Published files are replaced whole or not at all."""

from __future__ import annotations

import gzip
import os
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aggregator.publish.files import PublishError, write_public


@contextmanager
def limit_file_size(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond `size` bytes: what a full disk looks like to `write`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def list_names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_new_file_and_its_twin_are_written_in_a_new_folder(tmp_path: Path) -> None:
    path = tmp_path / "public" / "feeds" / "feed.xml"
    assert write_public(path, b"<rss/>")
    assert path.read_bytes() == b"<rss/>"
    assert gzip.decompress((path.parent / "feed.xml.gz").read_bytes()) == b"<rss/>"
    assert list_names(path.parent) == {"feed.xml", "feed.xml.gz"}


def test_files_are_readable_by_a_web_server_as_the_umask_allows(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    before = os.umask(0o022)
    try:
        write_public(path, b"x")
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777, (tmp_path / "feed.xml.gz").stat().st_mode & 0o777} == {0o644}


def test_unchanged_bytes_leave_file_and_time_alone(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    write_public(path, b"satu")
    os.utime(path, (1_000_000, 1_000_000))
    before = path.stat()
    assert not write_public(path, b"satu")
    assert (path.stat().st_mtime, path.stat().st_ino) == (before.st_mtime, before.st_ino)


def test_changed_bytes_replace_both(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    write_public(path, b"satu")
    inode = path.stat().st_ino
    assert write_public(path, b"dua!")
    assert path.read_bytes() == gzip.decompress((tmp_path / "feed.xml.gz").read_bytes()) == b"dua!"
    assert path.stat().st_ino != inode


def test_twin_has_the_time_of_its_file_and_the_same_bytes_every_time(tmp_path: Path) -> None:
    write_public(tmp_path / "a.xml", b"satu" * 100)
    write_public(tmp_path / "b.xml", b"satu" * 100)
    twin = tmp_path / "a.xml.gz"
    assert twin.read_bytes() == (tmp_path / "b.xml.gz").read_bytes()
    assert twin.stat().st_mtime_ns == (tmp_path / "a.xml").stat().st_mtime_ns


@pytest.mark.parametrize("twin", [None, b"bukan gzip", gzip.compress(b"lama")], ids=["missing", "broken", "stale"])
def test_a_wrong_twin_is_made_good_without_touching_the_file(tmp_path: Path, twin: bytes | None) -> None:
    path, twin_path = tmp_path / "feed.xml", tmp_path / "feed.xml.gz"
    write_public(path, b"satu")
    os.utime(path, (1_000_000, 1_000_000))
    twin_path.unlink()
    if twin is not None:
        twin_path.write_bytes(twin)
    assert not write_public(path, b"satu")
    assert gzip.decompress(twin_path.read_bytes()) == b"satu"
    assert twin_path.stat().st_mtime == path.stat().st_mtime == 1_000_000


@pytest.mark.parametrize("old", [b"lama", None], ids=["with an old file", "first time"])
def test_without_space_the_old_pair_stays_whole_and_the_error_names_the_file(tmp_path: Path, old: bytes | None) -> None:
    path = tmp_path / "feed.xml"
    if old:
        write_public(path, old)
    with limit_file_size(10_000), pytest.raises(PublishError, match=r"feed\.xml: File too large") as caught:
        write_public(path, b"baru" * 10_000)
    assert caught.value.path == path
    assert list_names(tmp_path) == ({"feed.xml", "feed.xml.gz"} if old else set())
    if old:
        assert path.read_bytes() == gzip.decompress((tmp_path / "feed.xml.gz").read_bytes()) == old


def test_space_for_the_file_but_not_for_its_twin_changes_neither(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    write_public(path, b"lama")
    body = os.urandom(10_000)  # compressed, it is longer
    with limit_file_size(len(body)), pytest.raises(PublishError):
        write_public(path, body)
    assert path.read_bytes() == gzip.decompress((tmp_path / "feed.xml.gz").read_bytes()) == b"lama"


def test_a_folder_that_cannot_be_made_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "public").write_bytes(b"a file where the folder should be")
    with pytest.raises(PublishError, match=r"public/feed\.xml"):
        write_public(tmp_path / "public" / "feed.xml", b"x")


def test_what_a_killed_process_left_behind_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    write_public(path, b"lama")
    (tmp_path / ".feed.xml.tmp").write_bytes(b"setengah jadi dan jauh lebih panjang")
    assert write_public(path, b"baru")
    assert path.read_bytes() == b"baru"
    assert list_names(tmp_path) == {"feed.xml", "feed.xml.gz"}


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    bodies = [bytes([letter]) * 200_000 for letter in b"ab"]
    write_public(path, bodies[0])
    seen: set[bytes] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(path.read_bytes())
            seen.add(gzip.decompress((tmp_path / "feed.xml.gz").read_bytes()))

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(60):
        write_public(path, bodies[turn % 2])
    done.set()
    reader.join()
    assert seen <= set(bodies)
    assert len(seen) == 2
