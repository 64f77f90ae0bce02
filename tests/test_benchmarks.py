"""The benchmarks run and print what they promise. No figure is held against the clock."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from conftest import ROOT


@pytest.mark.slow
def test_last_line_is_json_keyed_by_id() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--portals", "1", "--times", "1", "--pages", "3"],
        cwd=ROOT,
        env={**os.environ, "KABARKOTA_DEV_DATA": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    figures = json.loads(result.stdout.splitlines()[-1])
    assert {"fetch_to_row_all", "fetch_to_row_topics", "parse_extract"} <= set(figures)
    for figure in figures.values():
        assert figure["ratio"] > 0
        assert {"ours_ms", "peer_ms", "unit", "units"} <= set(figure)
