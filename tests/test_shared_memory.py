"""Memory that processes share is there from the start, wherever temporary files are kept."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

import pytest

from aggregator.bulletin import SIZE, Bulletin, read_bulletin
from aggregator.shared_memory import make_shared_memory
from crawler.vitals import Vitals


def forbid_memfd(*_: object) -> int:
    raise PermissionError


@pytest.mark.parametrize("has_memfd", [True, False])
def test_all_of_it_is_there_and_zero(monkeypatch: pytest.MonkeyPatch, has_memfd: bool) -> None:
    if not has_memfd:
        monkeypatch.setattr(os, "memfd_create", forbid_memfd, raising=False)
    descriptor = make_shared_memory(100_000)
    status = os.fstat(descriptor)
    assert (status.st_size, status.st_blocks * 512 >= 100_000) == (100_000, True)
    assert os.pread(descriptor, 100_001, 0) == bytes(100_000)
    os.close(descriptor)


def test_no_temporary_file_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.TemporaryFile", forbid_memfd)
    vitals, descriptor = Vitals.create()
    vitals.beat()
    vitals.close()
    os.close(descriptor)
    bulletin = Bulletin()
    assert (os.fstat(bulletin.descriptor).st_size, read_bulletin(bulletin.descriptor)) == (SIZE, ())
    bulletin.close()


def test_a_lack_of_room_is_told_at_once_and_leaves_nothing_open(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "memfd_create", forbid_memfd, raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = len(list(Path("/dev/fd").iterdir()))
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
        with pytest.raises(OSError):  # noqa: PT011 - of whatever kind
            Vitals.create()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert len(list(Path("/dev/fd").iterdir())) == before
