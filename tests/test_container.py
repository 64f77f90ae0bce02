"""The container file, and `kabarkota serve` as the first process of a container."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT
from portals import LoopbackPortal
from test_serve import PATIENCE, portal, serve, wait_for

from aggregator.processes import list_descendants, list_zombies

__all__ = ["portal"]

CONTAINERFILE = (ROOT / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
STEPS = [line.split(None, 1) for line in CONTAINERFILE.splitlines() if line and not line.startswith("#")]
LAST_STAGE = STEPS[max(number for number, (word, _) in enumerate(STEPS) if word == "FROM") :]

# What a grandchild of ours leaves behind, when its parent is killed: it becomes ours, for we take in orphans.
ORPHAN = """
import ctypes, os, sys, time
from aggregator.processes import list_zombies
from schedules.orphans import Orphans
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
if os.fork() == 0:
    if os.fork() == 0:
        os._exit(0)
    os._exit(0)
os.wait()
while not list_zombies(os.getpid()):
    time.sleep(0.01)
elsewhere = Orphans(is_init=False, pause=0)
elsewhere.watch(), elsewhere.watch()
orphans = Orphans(is_init=True, pause=0)
orphans.watch()
assert list_zombies(os.getpid())  # it might be waited for by somebody
orphans.watch()
assert not list_zombies(os.getpid())
"""


def list_values(steps: list[list[str]], word: str) -> list[str]:
    return [rest for each, rest in steps if each == word]


def test_the_container_is_run_by_nobody_in_particular() -> None:
    assert list_values(LAST_STAGE, "USER") == ["10001:10001"]
    assert list_values(LAST_STAGE, "VOLUME") == ["/data"]
    assert "/healthz" in "".join(list_values(LAST_STAGE, "HEALTHCHECK"))
    assert list_values(LAST_STAGE, "ENTRYPOINT") == ['["kabarkota"]']
    assert not re.search(r"(?i)password|secret|token", CONTAINERFILE)


def test_the_container_is_built_of_pins_by_their_hashes_alone() -> None:
    assert not list_values(STEPS, "ADD")  # which would fetch
    installs = re.findall(r"pip install [^&|]*", CONTAINERFILE)
    assert len(installs) == 3
    for install in installs:
        assert "--require-hashes" in install or "--no-deps --no-index" in install
    assert "latest" not in CONTAINERFILE


def test_nothing_else_goes_into_the_container() -> None:
    first, *rules = [
        line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line and line[0] != "#"
    ]
    assert first == "*"
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {name for rest in list_values(STEPS, "COPY") if "--from" not in rest for name in rest.split()[:-1]}
    assert copied == let_in
    assert all((ROOT / name).exists() for name in let_in)


def test_orphans_are_waited_for() -> None:
    result = subprocess.run([sys.executable, "-c", ORPHAN], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.slow
def test_as_first_process_it_ends_within_ten_seconds_and_leaves_nobody(tmp_path: Path, portal: LoopbackPortal) -> None:
    unshare = ("unshare", "--pid", "--fork", "--mount-proc")
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no process namespaces for this user")
    with serve(tmp_path, portal, through=unshare) as serving:
        wait_for(serving.has_news)
        (init,) = [pid for pid in list_descendants(serving.process.pid) if is_first(pid)]
        assert len(list_descendants(init)) >= 2
        began = time.monotonic()
        subprocess.run(["kill", f"-{signal.SIGTERM.value}", str(init)], check=True)
        assert serving.process.wait(PATIENCE) == 0
        assert time.monotonic() - began < 10
        assert not list_zombies(serving.process.pid)


def is_first(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return bool(re.search(r"^NSpid:.*\s1$", status, re.MULTILINE))
