"""`kill -9` of each process of the service, at any moment: see `crash_loop`."""

from __future__ import annotations

from pathlib import Path

import pytest
from crash_loop import KINDS, describe, run_crash_loop


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(1800)
def test_nothing_is_lost_twice_or_torn(tmp_path: Path) -> None:
    record = run_crash_loop(tmp_path, kills=4, seed=8)
    assert record.faults == [], describe(record)
    assert {target: record.count(target) for target in KINDS} == dict.fromkeys(KINDS, 4), describe(record)
