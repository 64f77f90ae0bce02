"""What a look at one thing finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"  # it works, and may not for long or not as it should
    FAULT = "fault"  # it does not work


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at: what was found, and what to do about it ("": nothing)."""

    name: str
    level: Level
    found: str
    advice: str = ""


def ok(name: str, found: str, advice: str = "") -> Check:
    return Check(name=name, level=Level.OK, found=found, advice=advice)


def warn(name: str, found: str, advice: str) -> Check:
    return Check(name=name, level=Level.WARNING, found=found, advice=advice)


def fault(name: str, found: str, advice: str) -> Check:
    return Check(name=name, level=Level.FAULT, found=found, advice=advice)
