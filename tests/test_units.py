"""The units for systemd and the example for cron: as an administrator copies them, they must hold what they say."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from conftest import ROOT

from schedules.crontab import parse_crontab
from schedules.gathering import END_SECONDS

UNITS = ROOT / "schedules/systemd"
SERVICES = ("kabarkota.service", "kabarkota-run.service")
COMMAND = "/usr/local/bin/kabarkota"
CRONTAB = (ROOT / "schedules/crontab.example").read_text(encoding="utf-8")


def read_unit(name: str) -> dict[str, list[str]]:
    """The values of each key, in order; a key may be given several times."""
    unit: dict[str, list[str]] = {}
    for line in (UNITS / name).read_text(encoding="utf-8").splitlines():
        if match := re.match(r"(\w+)=(.*)", line):
            unit.setdefault(match[1], []).append(match[2])
    return unit


def test_service_tells_systemd_how_it_is() -> None:
    unit = read_unit("kabarkota.service")
    assert unit["Type"] == ["notify"]
    assert unit["ExecReload"] == ["/bin/kill -HUP $MAINPID"]
    assert unit["WatchdogSec"] == ["2min"]
    assert unit["Restart"] == ["on-failure"]
    assert unit["KillMode"] == ["mixed"]
    assert float(unit["TimeoutStopSec"][0]) > END_SECONDS


@pytest.mark.parametrize("name", SERVICES)
def test_services_are_locked_in(name: str) -> None:
    unit = read_unit(name)
    for key in ("NoNewPrivileges", "PrivateTmp", "ProtectHome", "PrivateDevices", "MemoryDenyWriteExecute"):
        assert unit[key] == ["yes"], key
    assert unit["ProtectSystem"] == ["strict"]
    assert unit["CapabilityBoundingSet"] == [""]
    assert unit["StateDirectory"] == ["kabarkota"]
    assert unit["User"] == ["kabarkota"]
    assert unit["RestrictAddressFamilies"] == ["AF_INET AF_INET6 AF_UNIX"]
    assert unit["SystemCallFilter"][0] == "@system-service"
    assert "MemoryMax" in unit


@pytest.mark.slow
@pytest.mark.parametrize("name", SERVICES)
def test_commands_of_the_units_exist(name: str) -> None:
    (command,) = read_unit(name)["ExecStart"]
    program, *arguments = command.split()
    assert program == COMMAND
    result = subprocess.run(
        [sys.executable, "-m", "schedules", *arguments, "--help"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


def test_timer_makes_up_for_what_it_missed() -> None:
    assert read_unit("kabarkota-run.service")["Type"] == ["oneshot"]
    assert read_unit("kabarkota-run.service")["SuccessExitStatus"] == ["3"]  # another writer does the work
    assert read_unit("kabarkota-run.timer")["Persistent"] == ["true"]


@pytest.fixture
def copied(tmp_path: Path) -> list[Path]:
    """The units with a command that is there."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze on this machine")
    paths = [Path(shutil.copy(path, tmp_path)) for path in sorted(UNITS.iterdir())]
    for path in paths:
        path.write_text(path.read_text(encoding="utf-8").replace(COMMAND, sys.executable), encoding="utf-8")
    return paths


def test_systemd_finds_no_fault(copied: list[Path]) -> None:
    result = subprocess.run(["systemd-analyze", "verify", *copied], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_systemd_finds_little_exposed(copied: list[Path]) -> None:
    for path in copied:
        if path.name in SERVICES:
            result = subprocess.run(
                ["systemd-analyze", "security", "--offline=true", "--threshold=15", path],
                capture_output=True,
                text=True,
                check=False,
            )
            if "unrecognized option" in result.stderr:
                pytest.skip("this systemd-analyze cannot judge a file")
            assert result.returncode == 0, result.stdout[-200:]


@pytest.mark.parametrize(
    ("code", "told"), [(0, ""), (3, ""), (4, "what it said\n")], ids=["done", "another-writer", "failed"]
)
def test_cron_mails_failures_only(tmp_path: Path, code: int, told: str) -> None:
    (line,) = [line for line in CRONTAB.splitlines() if line and line[0] in "*0123456789"]
    *fields, command = line.split(None, 5)
    parse_crontab(" ".join(fields), ZoneInfo("Asia/Jakarta"))
    assert "%" not in command  # a line break to cron
    stand_in = tmp_path / "kabarkota"
    stand_in.write_text(f'#!/bin/sh\n[ "$*" = "run --due" ] || exit 99\necho what it said\nexit {code}\n')
    stand_in.chmod(0o755)
    result = subprocess.run(
        ["sh", "-c", command.replace(COMMAND, str(stand_in))], capture_output=True, text=True, check=False
    )
    assert (result.stdout, result.stderr) == (told, "")
