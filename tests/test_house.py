"""The house rules that a command can check."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

PACKAGES = ("aggregator", "crawler", "schedules")
PINS = ("requirements.txt", "requirements-dev.txt", "requirements-build.txt", "requirements-bench.txt")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

# What turns bytes into code, or a text into a command; what reads XML without lxml's bounds; what fetches without the
# guard against private addresses.
FORBIDDEN_MODULES = (
    *("pickle", "_pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "code", "codeop", "yaml"),
    *("xml.etree", "xml.dom", "xml.sax", "xml.parsers", "pyexpat", "xmlrpc", "html5lib"),
    *("requests", "urllib3", "httpx", "aiohttp", "pycurl", "urllib.request", "http.client", "ftplib", "telnetlib"),
    *("pty", "commands", "popen2", "crypt"),
)
# module → what it may import all the same, and why
ALLOWED_MODULES = {
    "aggregator/publish/websub.py": {"urllib.request", "http.client"},  # hubs that the operator names; no redirects
    "schedules/alerts/webhook.py": {"http.client"},  # connects through the guard
    "schedules/doctor/network.py": {"http.client"},  # the answer to a connection that was made through the guard
    "schedules/web_server.py": {"http.client"},  # asks our own web server whether it answers
}
FORBIDDEN_CALLS = {
    *(
        "eval",
        "exec",
        "compile",
        "__import__",
        "os.system",
        "os.popen",
        "os.execl",
        "os.execv",
        "os.execvp",
        "os.spawnl",
    ),
    *("subprocess.getoutput", "subprocess.getstatusoutput", "asyncio.create_subprocess_shell", "tempfile.mktemp"),
    *("ssl._create_unverified_context", "ssl._create_default_https_context", "feedparser.parse"),
}
ALLOWED_CALLS = {
    "crawler/channels/oddfeeds.py": {"feedparser.parse"},  # of bytes in BytesIO, which is no address
}
ANY_CERTIFICATE = {"schedules/alerts/mail.py"}  # the operator's own mail server, where its address has verify=no
STARTS_PROCESS = re.compile(r"(?:subprocess\.)?(?:run|Popen|call|check_call|check_output)")


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def list_modules() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def list_imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def list_calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def find_faults(path: Path) -> list[str]:
    """What the module does that none of ours may."""
    tree, name = parse(path), path.relative_to(ROOT).as_posix()
    faults = []
    for imported in list_imports(tree):
        (found, *_) = [each for each in FORBIDDEN_MODULES if f"{imported}.".startswith(f"{each}.")] or [""]
        if found and found not in ALLOWED_MODULES.get(name, ()):
            faults.append(f"imports {imported}")
    for called, call in list_calls(tree):
        if called in FORBIDDEN_CALLS and called not in ALLOWED_CALLS.get(name, ()):
            faults.append(f"calls {called}")
        for keyword in call.keywords:
            told = f"{keyword.arg}={ast.unparse(keyword.value)}"
            if told in {"shell=True", "verify=False", "resolve_entities=True"}:
                faults.append(f"{called}({told})")
        if STARTS_PROCESS.fullmatch(called) and "subprocess" in called and (not call.args or is_text(call.args[0])):
            faults.append(f"{called} of a text")
        if called.endswith("XMLParser") and not {"resolve_entities=False", "no_network=True"} <= {
            f"{keyword.arg}={ast.unparse(keyword.value)}" for keyword in call.keywords
        }:
            faults.append(f"{called} that may resolve entities or use the network")
    if "CERT_NONE" in path.read_text(encoding="utf-8") and name not in ANY_CERTIFICATE:
        faults.append("takes any certificate")
    return faults


def test_imports_point_one_way() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_nothing_makes_code_of_data_or_fetches_past_the_guard() -> None:
    faults = {path.relative_to(ROOT).as_posix(): found for path in list_modules() if (found := find_faults(path))}
    assert faults == {}


def test_what_is_allowed_is_done() -> None:
    """Else the exception has outlived its reason."""
    for name, modules in ALLOWED_MODULES.items():
        imports = set(list_imports(parse(ROOT / name)))
        assert all(any(f"{each}.".startswith(f"{module}.") for each in imports) for module in modules), name
    for name, calls in ALLOWED_CALLS.items():
        assert calls <= {called for called, _ in list_calls(parse(ROOT / name))}, name


# ── pins ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def read_pins(name: str) -> dict[str, list[Version]]:
    """Of each project its versions: several where they differ by platform."""
    pins: dict[str, list[Version]] = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if match := re.match(r"([a-z0-9-]+)==(\S+)", line):
            pins.setdefault(match[1], []).append(Version(match[2]))
    return pins


@pytest.mark.parametrize("name", PINS)
def test_all_is_pinned_by_hashes_and_no_index_is_named(name: str) -> None:
    entries = re.split(
        r"\n(?=\S)", re.sub(r"^\s*#.*\n", "", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
    )
    assert len(entries) > 5
    for entry in filter(None, map(str.strip, entries)):
        assert re.match(r"[a-z0-9-]+==\S+", entry), entry[:80]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry[:80]
    for word in ("://", "--index", "--extra-index", "--find-links", "--trusted-host", " @ "):
        assert not any(word in entry for entry in entries), word


@pytest.mark.parametrize(
    ("declared", "names"),
    [
        ("dependencies", ("requirements.txt", "requirements-dev.txt")),
        ("analysis", ("requirements-dev.txt",)),
        ("dev", ("requirements-dev.txt",)),
        ("audit", ("requirements-dev.txt",)),
        ("build", ("requirements-build.txt", "requirements-dev.txt")),
        ("bench", ("requirements-bench.txt",)),
    ],
)
def test_pins_are_of_what_is_declared(declared: str, names: tuple[str, ...]) -> None:
    project, groups = PROJECT["project"], PROJECT["dependency-groups"]
    lists = {"dependencies": project["dependencies"], **project["optional-dependencies"], **groups}
    for requirement in map(Requirement, (each for each in lists[declared] if isinstance(each, str))):
        for name in names:
            versions = read_pins(name)[canonicalize_name(requirement.name)]
            assert all(version in requirement.specifier for version in versions), (name, str(requirement))


def test_no_pin_is_older_than_what_advisories_name() -> None:
    wanted = list(map(Requirement, PROJECT["tool"]["uv"]["constraint-dependencies"]))
    pinned = {name: read_pins(name) for name in PINS}
    for requirement in wanted:
        found = [each for pins in pinned.values() for each in pins.get(canonicalize_name(requirement.name), ())]
        assert found, f"{requirement}: is not pinned any more"
        assert all(version in requirement.specifier for version in found), str(requirement)
    for name, pins in pinned.items():
        for project, versions in pins.items():
            wanted = pinned["requirements-dev.txt"].get(project)
            if name == "requirements-bench.txt" and wanted is None:
                continue  # of a peer alone
            assert all(version in (wanted or ()) for version in versions), (name, project)
