"""What every process loads when it starts, and what it does not: the extra `analysis` is for those that ask for it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from conftest import ROOT

ANALYSIS = {"pandas", "numpy", "pyarrow", "matplotlib", "datasette"}


def list_loaded(code: str) -> set[str]:
    """The modules of a Python of its own after `code`."""
    command = [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"]
    return set(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize(
    ("module", "others"),
    [("aggregator.web.app", {"fastapi"}), ("schedules.cli", {"fastapi", "scrapy", "aggregator.exports.exporting"})],
)
def test_what_few_need_is_loaded_by_nobody_else(module: str, others: set[str]) -> None:
    assert list_loaded(f"import {module}") & (ANALYSIS | others) == set()


def test_libraries_of_analysts_can_be_loaded_afterwards() -> None:
    for name in ("numpy", "pandas"):
        pytest.importorskip(name, reason="the extra `analysis`")
    code = "import aggregator.store, numpy, pandas\nassert pandas.DataFrame({'a': [1]}).a.sum() == numpy.int64(1)"
    assert {"numpy", "pandas"} <= list_loaded(code)
