"""`python -m battery [NAME …]` in the folder of the tests: plays the cases (all) and prints what held."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from battery.case import load_cases
from battery.stage import run_battery
from battery.verdicts import describe, judge_all, judge_cases


def main(names: list[str]) -> int:
    cases = load_cases()
    wanted = {name for name, case in cases.items() if not names or name in names or case.family in names}
    with tempfile.TemporaryDirectory(prefix="battery-") as folder:
        outcome = run_battery(Path(folder) / "all", cases, wanted)
        verdicts = judge_cases({name: case for name, case in cases.items() if name in wanted}, outcome)
        print(describe(verdicts))
        for fault in judge_all(outcome):
            print("over all:", fault)
        peak = ", ".join(f"{name} {size >> 20} MiB" for name, size in outcome.peak.items())
        waited = max(outcome.feed_waits, default=0)
        print(f"cycle {outcome.seconds:.0f} s; memory {peak}; the web answered within {waited:.2f} s")
        print(outcome.log[-3000:])
    return int(any(verdict.faults for verdict in verdicts))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
