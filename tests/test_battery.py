"""The hostile origin: every case holds, healthy sources are hardly later, nothing forbidden is reached or published."""

from __future__ import annotations

from pathlib import Path

import pytest
from battery.case import load_cases
from battery.stage import Outcome, run_battery
from battery.verdicts import describe, judge_all, judge_cases


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(1_800)
def test_every_case_of_the_battery_holds(tmp_path: Path) -> None:
    cases = load_cases()
    calm = run_battery(tmp_path / "calm", cases, {name for name, case in cases.items() if case.family == "controls"})
    outcome: Outcome = run_battery(tmp_path / "all", cases)
    verdicts = judge_cases(cases, outcome)
    table = describe(verdicts)
    print(table)
    assert not [verdict for verdict in verdicts if verdict.faults], table
    assert judge_all(outcome, calm) == []
