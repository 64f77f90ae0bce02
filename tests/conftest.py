"""Fixtures that several test modules share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

# How long an example takes says more of the machine than of the code.
settings.register_profile("default", deadline=None)
settings.load_profile("default")

# Hundreds of files for each database would take a fifth of the time of all tests; tests of feeds have them.
os.environ.setdefault("KABARKOTA_AGGREGATOR__EMPTY_FEEDS", "false")


@pytest.fixture(scope="session")
def dev_data() -> Path:
    """The folder of development data (real pages, labelled sets), which is not part of the project."""
    folder = Path(os.environ.get("KABARKOTA_DEV_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no development data at {folder} (set KABARKOTA_DEV_DATA)")
    return folder
