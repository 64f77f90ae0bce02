"""The built wheel, installed elsewhere, is complete."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from conftest import ROOT


def run(*command: str | Path, folder: Path) -> str:
    home = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    return subprocess.run(
        list(map(str, command)), cwd=folder, env=home, check=True, capture_output=True, text=True
    ).stdout


@pytest.mark.slow
def test_installed_wheel_runs_the_demo(tmp_path: Path) -> None:
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "dist", folder=ROOT)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    run(sys.executable, "-m", "venv", "--without-pip", "venv", folder=tmp_path)
    python = tmp_path / "venv/bin/python"
    run(
        sys.executable,
        "-m",
        "uv",
        "pip",
        "install",
        "--offline",
        "--no-deps",
        "--python",
        python,
        wheel,
        folder=tmp_path,
    )
    # the dependencies of the environment that runs the tests, but not its editable install of the project:
    # .pth files there are not read again
    (site,) = (tmp_path / "venv/lib").glob("python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"], encoding="utf-8")
    place = run(python, "-P", "-c", "import schedules; print(schedules.__file__)", folder=tmp_path)
    assert Path(place.strip()).is_relative_to(site)
    for name in ("timetable.toml", "crontab.example", "systemd/kabarkota.service", "systemd/kabarkota-run.timer"):
        assert (site / "schedules" / name).is_file(), name
    summary = json.loads(run(tmp_path / "venv/bin/kabarkota", "demo", "--once", "--json", folder=tmp_path))
    assert summary["feed_items"] >= 40
    assert len(summary["failed_sources"]) == 2
    assert (tmp_path / ".local/share/kabarkota/demo/public/feed.xml").is_file()
