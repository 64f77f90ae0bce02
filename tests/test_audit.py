"""`make audit` never takes silence for success."""

from __future__ import annotations

import json

import pytest
from audit import Audit, judge, read_report

CLEAN = {"name": "lxml", "version": "6.1.3", "vulns": []}
BAD = {"name": "lxml", "version": "6.0", "vulns": [{"id": "CVE-2026-41066", "fix_versions": ["6.1.0"]}]}
HOPELESS = {"name": "lxml", "version": "6.0", "vulns": [{"id": "CVE-1", "fix_versions": []}]}
UNKNOWN = {"name": "nh3", "skip_reason": "Dependency not found on PyPI and could not be audited: nh3 (0.3.8)"}


@pytest.mark.parametrize(
    ("dependencies", "code"),
    [
        ([CLEAN], 0),
        ([CLEAN, BAD], 1),
        ([HOPELESS], 1),
        ([CLEAN, UNKNOWN], 2),
        ([UNKNOWN], 2),
        ([], 2),
        ([UNKNOWN, BAD], 1),
    ],
)
def test_only_what_was_looked_at_and_is_sound_is_a_success(dependencies: list[object], code: int) -> None:
    assert judge([read_report(json.dumps({"dependencies": dependencies}), "")]) == code


def test_findings_say_where_they_are_mended() -> None:
    told = json.dumps({"dependencies": [BAD, HOPELESS]})
    assert read_report(told, "").found == (
        "lxml 6.0: CVE-2026-41066, mended in 6.1.0",
        "lxml 6.0: CVE-1, mended in no version",
    )


@pytest.mark.parametrize(
    ("said", "complained", "trouble"),
    [
        ("", "Traceback …\nConnectionError: no name\n", "ConnectionError: no name"),
        ("[]", "", "it said nothing"),
        ("<html>", "", "it said nothing"),
    ],
)
def test_a_service_out_of_reach_is_no_success(said: str, complained: str, trouble: str) -> None:
    answer = read_report(said, complained)
    assert answer == Audit(trouble=trouble)
    assert judge([answer]) == 2
