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


LIBRARY_OF_SUFFIXES = {"tldextract", "requests"}
HELP = """
from contextlib import suppress
from schedules.cli import app
with suppress(SystemExit):
    app([*{arguments}, "--help"])
"""


@pytest.mark.parametrize(
    ("module", "others"),
    [
        ("aggregator.web.app", {"fastapi", *LIBRARY_OF_SUFFIXES}),
        ("schedules.cli", {"fastapi", "scrapy", "aggregator.exports.exporting"}),
    ],
)
def test_what_few_need_is_loaded_by_nobody_else(module: str, others: set[str]) -> None:
    assert list_loaded(f"import {module}") & (ANALYSIS | others) == set()


def test_help_loads_neither_configuration_nor_what_commands_work_with() -> None:
    loaded = list_loaded(HELP.format(arguments=[]))
    unwanted = {
        "pydantic",
        "lxml",
        "sqlite3",
        "schedules.config",
        "schedules.commands.sources",
        "schedules.commands.alerts",
    }
    unwanted |= {"aggregator.models", "rich.markdown", "rich.traceback", "pygments"}
    assert loaded & unwanted == set()
    assert {"schedules.cli", "typer.rich_utils"} <= loaded


@pytest.mark.parametrize("name", ["sources", "alerts"])
def test_a_group_that_is_loaded_late_has_its_commands(name: str) -> None:
    loaded = list_loaded(HELP.format(arguments=[name]))
    assert f"schedules.commands.{name}" in loaded


def test_libraries_of_analysts_can_be_loaded_afterwards() -> None:
    for name in ("numpy", "pandas"):
        pytest.importorskip(name, reason="the extra `analysis`")
    code = "import aggregator.store, numpy, pandas\nassert pandas.DataFrame({'a': [1]}).a.sum() == numpy.int64(1)"
    assert {"numpy", "pandas"} <= list_loaded(code)
