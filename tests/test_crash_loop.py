"""`kill -9` of each process of the service, at any moment: see `crash_loop`."""

from __future__ import annotations

from pathlib import Path

import pytest
from crash_loop import describe, run_crash_loop


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_nothing_is_lost_twice_or_torn(tmp_path: Path) -> None:
    record = run_crash_loop(tmp_path / "loop", kills=16, seed=8)
    assert record.faults == [], describe(record)
    assert {target for target, _ in record.kills} >= {"service", "crawl"}
