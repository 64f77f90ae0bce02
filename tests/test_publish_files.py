"""Published files are replaced whole or not at all."""

from __future__ import annotations

import gzip
import os
import resource
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import brotli
import pytest

from aggregator.publish.files import PublishError, remove_public, sweep_leftovers, write_public
from aggregator.publish.twins import TWIN_FROM_BYTES

OLD, NEW = b"lama " * 400, b"baru " * 400  # long enough to have twins
NAMES = {"feed.xml", "feed.xml.gz", "feed.xml.br"}


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


def read_all(path: Path) -> set[bytes]:
    """What readers of the file and of its twins get."""
    return {
        path.read_bytes(),
        gzip.decompress(path.with_name(f"{path.name}.gz").read_bytes()),
        brotli.decompress(path.with_name(f"{path.name}.br").read_bytes()),
    }


def test_a_new_file_and_its_twins_are_written_in_a_new_folder(tmp_path: Path) -> None:
    path = tmp_path / "public" / "feeds" / "feed.xml"
    assert write_public(path, NEW)
    assert read_all(path) == {NEW}
    assert list_names(path.parent) == NAMES


def test_a_short_file_has_no_twins_and_loses_those_it_had(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    write_public(path, b"x" * TWIN_FROM_BYTES)
    assert list_names(tmp_path) == NAMES
    assert write_public(path, b"x" * (TWIN_FROM_BYTES - 1))
    assert list_names(tmp_path) == {"feed.xml"}
    (tmp_path / "feed.xml.br").write_bytes(b"left by an older release")
    assert not write_public(path, b"x" * (TWIN_FROM_BYTES - 1))
    assert list_names(tmp_path) == {"feed.xml"}


def test_files_are_readable_by_a_web_server_as_the_umask_allows(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    for umask, mode in ((0o022, 0o644), (0o002, 0o644), (0o027, 0o640)):
        before = os.umask(umask)
        try:
            write_public(path, NEW + bytes([umask]))
        finally:
            os.umask(before)
        assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in NAMES} == {mode}


def test_unchanged_bytes_leave_file_and_time_alone(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    for body in (b"pendek", OLD):
        write_public(path, body)
        os.utime(path, (1_000_000, 1_000_000))
        before = {name: (tmp_path / name).stat() for name in list_names(tmp_path)}
        folder = tmp_path.stat()
        assert not write_public(path, body)
        after = {name: (tmp_path / name).stat() for name in list_names(tmp_path)}
        for name, status in before.items():
            assert (after[name].st_mtime_ns, after[name].st_ino) == (status.st_mtime_ns, status.st_ino)
        assert tmp_path.stat().st_mtime_ns == folder.st_mtime_ns  # no file came or went, not even for a moment


def test_changed_bytes_replace_all(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    write_public(path, OLD)
    inode = path.stat().st_ino
    assert write_public(path, NEW)
    assert read_all(path) == {NEW}
    assert path.stat().st_ino != inode


@pytest.mark.parametrize(
    ("before", "step"),
    [(-10.0, None), (0.0, 1), (5.0, 1), (3_600.0, None)],
    ids=["long ago", "just now", "soon after others", "by a wrong clock"],
)
def test_changed_bytes_have_a_later_date_as_http_tells_it(tmp_path: Path, before: float, step: int | None) -> None:
    path = tmp_path / "feed.xml"
    write_public(path, OLD)
    now = int(time.time())
    os.utime(path, (now + before, now + before))
    write_public(path, NEW)
    after = path.stat().st_mtime
    if step is None:
        assert now <= after < now + 60
    else:
        assert int(after) >= now + int(before) + step
        assert int(after) <= max(time.time(), now + before + step)
    assert {(tmp_path / name).stat().st_mtime for name in NAMES} == {after}


@pytest.mark.parametrize("suffix", [".gz", ".br"])
def test_twin_has_the_time_of_its_file_and_the_same_bytes_every_time(tmp_path: Path, suffix: str) -> None:
    write_public(tmp_path / "a.xml", OLD)
    write_public(tmp_path / "b.xml", OLD)
    twin = tmp_path / f"a.xml{suffix}"
    assert twin.read_bytes() == (tmp_path / f"b.xml{suffix}").read_bytes()
    assert twin.stat().st_mtime_ns == (tmp_path / "a.xml").stat().st_mtime_ns


@pytest.mark.parametrize("suffix", [".gz", ".br"])
@pytest.mark.parametrize(
    "twin",
    [None, b"", b"rusak", gzip.compress(OLD), brotli.compress(OLD), gzip.compress(NEW)[:-9], brotli.compress(NEW)[:-1]],
    ids=["missing", "empty", "broken", "old gzip", "old br", "short gzip", "short br"],
)
def test_a_wrong_twin_is_made_good_without_touching_the_file(tmp_path: Path, suffix: str, twin: bytes | None) -> None:
    path, twin_path = tmp_path / "feed.xml", tmp_path / f"feed.xml{suffix}"
    write_public(path, NEW)
    os.utime(path, (1_000_000, 1_000_000))
    twin_path.unlink()
    if twin is not None:
        twin_path.write_bytes(twin)
    assert not write_public(path, NEW)
    assert read_all(path) == {NEW}
    assert twin_path.stat().st_mtime == path.stat().st_mtime == 1_000_000


def test_a_twin_by_another_release_of_the_compressor_stays(tmp_path: Path) -> None:
    path, twin = tmp_path / "feed.xml", tmp_path / "feed.xml.gz"
    write_public(path, NEW)
    twin.write_bytes(gzip.compress(NEW, compresslevel=1, mtime=0))
    before = twin.read_bytes()
    assert not write_public(path, NEW)
    assert twin.read_bytes() == before


@pytest.mark.parametrize("old", [OLD, None], ids=["with an old file", "first time"])
def test_without_space_the_old_pair_stays_whole_and_the_error_names_the_file(tmp_path: Path, old: bytes | None) -> None:
    path = tmp_path / "feed.xml"
    if old:
        write_public(path, old)
    with limit_file_size(10_000), pytest.raises(PublishError, match=r"feed\.xml: File too large") as caught:
        write_public(path, b"baru" * 10_000)
    assert caught.value.path == path
    assert list_names(tmp_path) == (NAMES if old else set())
    if old:
        assert read_all(path) == {old}


def test_space_for_the_file_but_not_for_its_twin_changes_neither(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    write_public(path, OLD)
    body = os.urandom(10_000)  # compressed, it is longer
    with limit_file_size(len(body)), pytest.raises(PublishError):
        write_public(path, body)
    assert read_all(path) == {OLD}
    assert list_names(tmp_path) == NAMES


def test_a_folder_that_cannot_be_made_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "public").write_bytes(b"a file where the folder should be")
    with pytest.raises(PublishError, match=r"public/feed\.xml"):
        write_public(tmp_path / "public" / "feed.xml", b"x")


def test_what_a_killed_process_left_behind_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    write_public(path, OLD)
    (tmp_path / ".feed.xml.tmp").write_bytes(b"setengah jadi dan jauh lebih panjang" * 400)
    assert write_public(path, NEW)
    assert read_all(path) == {NEW}
    assert list_names(tmp_path) == NAMES


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    bodies = [bytes([letter]) * 200_000 for letter in b"ab"]
    write_public(path, bodies[0])
    seen: set[bytes] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.update(read_all(path))

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(60):
        write_public(path, bodies[turn % 2])
    done.set()
    reader.join()
    assert seen <= set(bodies)
    assert len(seen) == 2


@pytest.mark.parametrize("renamed", range(4))
def test_a_crash_between_renames_is_made_good_by_the_next_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renamed: int
) -> None:
    path = tmp_path / "feed.xml"
    write_public(path, OLD)
    rename, done = Path.replace, []

    def stop(source: Path, target: Path) -> Path:
        if len(done) == renamed:
            raise KeyboardInterrupt
        done.append(target)
        return rename(source, target)

    with monkeypatch.context() as context:
        context.setattr(Path, "replace", stop)
        if renamed < 3:
            with pytest.raises(KeyboardInterrupt):
                write_public(path, NEW)
        else:
            write_public(path, NEW)
    assert path.read_bytes() == (OLD if renamed < 3 else NEW)
    assert write_public(path, NEW) is (renamed < 3)
    assert read_all(path) == {NEW}
    assert list_names(tmp_path) == NAMES


def test_every_byte_is_on_the_disk_before_its_name_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    renamed: list[tuple[int, bool]] = []
    fsync, rename = os.fsync, Path.replace

    def note_sync(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    def note_rename(source: Path, target: Path) -> Path:
        renamed.append((source.stat().st_ino, source.stat().st_ino in synced))
        return rename(source, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "replace", note_rename)
    write_public(tmp_path / "feed.xml", NEW)
    assert [was_synced for _, was_synced in renamed] == [True] * 3
    assert synced[-1] == tmp_path.stat().st_ino
    assert renamed[-1][0] == (tmp_path / "feed.xml").stat().st_ino


def test_a_file_is_removed_with_its_twins_and_the_folder_stays(tmp_path: Path) -> None:
    path = tmp_path / "feeds" / "feed.xml"
    write_public(path, NEW)
    write_public(path.with_name("other.xml"), NEW)
    assert remove_public(path)
    assert list_names(path.parent) == {"other.xml", "other.xml.gz", "other.xml.br"}
    remove_public(path.with_name("other.xml"))
    assert list_names(path.parent) == set()
    assert not remove_public(path)
    assert not remove_public(tmp_path / "no-folder" / "feed.xml")
    path.with_name("feed.xml.gz").write_bytes(b"left by a crash")
    assert remove_public(path)


def test_what_cannot_be_removed_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "feed.xml").mkdir()
    with pytest.raises(PublishError, match=r"feed\.xml"):
        remove_public(tmp_path / "feed.xml")


def test_leftovers_are_swept_in_the_whole_tree_and_nothing_else(tmp_path: Path) -> None:
    deep = tmp_path / "feeds" / "archive" / "all"
    write_public(deep / "1.xml", NEW)
    write_public(tmp_path / "feed.xml", NEW)
    for leftover in (deep / ".1.xml.tmp", tmp_path / ".feed.xml.br.tmp", tmp_path / ".feed.xml.gz.tmp"):
        leftover.write_bytes(b"half")
    (tmp_path / "notes.tmp").write_bytes(b"the operator's")
    (tmp_path / ".well-known").mkdir()
    assert sweep_leftovers(tmp_path) == 3
    assert list_names(tmp_path) == {"feeds", "notes.tmp", ".well-known", *NAMES}
    assert list_names(deep) == {"1.xml", "1.xml.gz", "1.xml.br"}
    assert sweep_leftovers(tmp_path) == 0
    assert sweep_leftovers(tmp_path / "not-yet") == 0
