"""`make audit`: whether advisories name a version that is pinned. Exit code 0: none; 1: some do; 2: nobody could tell.

pip-audit by itself says "No known vulnerabilities found" and exits with 0 where the service of advisories knows none of
the projects, as a mirror that has no advisories does. Here what was not looked at is no success.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SERVICES = ("pypi", "osv")
PINS = ("requirements.txt", "requirements-dev.txt", "requirements-build.txt", "requirements-bench.txt")


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What a service said of a file of pins."""

    looked_at: int = 0
    skipped: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    trouble: str = ""  # why it said nothing


def ask(service: str, pins: Path) -> Audit:
    command = (sys.executable, "-m", "pip_audit", "--vulnerability-service", service, "--format", "json")
    options = ("--progress-spinner", "off", "--timeout", "30", "--disable-pip", "--require-hashes", "-r", str(pins))
    result = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    return read_report(result.stdout, result.stderr)


def read_report(said: str, complained: str) -> Audit:
    """PURE."""
    try:
        dependencies: list[dict[str, Any]] = json.loads(said)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Audit(trouble=(complained.strip().splitlines() or ["it said nothing"])[-1][:300])
    found = [
        f"{each['name']} {each['version']}: {one['id']}, mended in {', '.join(one['fix_versions']) or 'no version'}"
        for each in dependencies
        for one in each.get("vulns", ())
    ]
    skipped = [each["name"] for each in dependencies if "skip_reason" in each]
    return Audit(looked_at=len(dependencies) - len(skipped), skipped=tuple(skipped), found=tuple(found))


def audit(pins: Path, services: Sequence[str] = SERVICES) -> Audit:
    """What the first service says that knows something, else why the last says nothing."""
    answer = Audit()
    for service in services:
        answer = ask(service, pins)
        if answer.looked_at:
            return answer
    return answer


def judge(audits: Sequence[Audit]) -> int:
    """The exit code. PURE."""
    if any(each.found for each in audits):
        return 1
    return 2 if any(each.skipped or each.trouble or not each.looked_at for each in audits) else 0


def main() -> int:
    audits = []
    for name in PINS:
        audits.append(answer := audit(ROOT / name))
        print(f"{name}: {answer.looked_at} looked at, {len(answer.found)} known vulnerabilities")
        for line in answer.found:
            print(f"  {line}")
        if answer.looked_at and answer.skipped:
            print(f"  NOT LOOKED AT: {', '.join(answer.skipped)}")
        elif not answer.looked_at:
            why = answer.trouble or "it knows none of the projects"
            print(f"  NOT AUDITED: no service of advisories could be reached ({why})")
    code = judge(audits)
    print(("no known vulnerabilities", "VULNERABLE: see above", "UNKNOWN: not everything was audited")[code])
    return code


if __name__ == "__main__":
    sys.exit(main())
