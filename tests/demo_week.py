"""The demo with the week behind it, by a clock that stands still: for the notebook, and for tests of it."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

from fresh_database import lay_database
from warm import get_process

from schedules.commands.demo import make_demo_setup, play_days
from schedules.commands.run import run_once
from schedules.config import Setup
from schedules.demo import serve_portals

NOW = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)  # Monday afternoon, 17.30 WIB


def make_demo_week(folder: Path) -> Setup:
    """Gathers the week, as `kabarkota demo` does; the database is `Setup.database`.

    It waits neither for the disk, for nobody cuts the power, nor for the portal that is slow on the day of the demo.
    """
    with serve_portals(NOW) as portals, patch.object(os, "fsync"):
        portals.write_catalogue(folder / "catalogue.toml")
        setup = make_demo_setup(folder / "data", folder / "catalogue.toml", site_url="http://127.0.0.1:8000/")
        lay_database(setup.database)
        process = get_process()
        play_days(setup, portals, NOW, process)
        portals.stand_at(NOW - timedelta(seconds=1))
        run_once(setup, now=NOW, quiet=True, process=process)
    return setup
