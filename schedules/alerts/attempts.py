"""How an attempt to send something went."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import unquote

from aggregator.alert_rows import Delivery, State
from aggregator.alerts.letters import Letter
from schedules.alerts.targets import Target

REASON_MOST = 300
_SECRET_LEAST = 4  # characters: shorter pieces of an address are words


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """A message, and whom it goes to."""

    delivery: Delivery
    target: Target
    letter: Letter


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """WAITING: it has certainly not arrived, and may the next time; UNKNOWN: it may have arrived."""

    state: State
    reason: str = ""
    done: int = 0  # messages of it that are through
    is_dead: bool = False  # nobody answers: whatever else is for the same target need not be tried now
    retry_after: timedelta | None = None


def sent(done: int = 1) -> Attempt:
    return Attempt(state=State.SENT, done=done)


def again(reason: str, *, is_dead: bool = False, retry_after: timedelta | None = None) -> Attempt:
    return Attempt(state=State.WAITING, reason=reason, is_dead=is_dead, retry_after=retry_after)


def refused(reason: str) -> Attempt:
    return Attempt(state=State.FAILED, reason=reason)


def uncertain(reason: str) -> Attempt:
    return Attempt(state=State.UNKNOWN, reason=reason)


def clean_reason(reason: str, target: Target) -> str:
    """In one line, and without anything that the target's address holds: tokens, passwords, recipients."""
    address = target.url.partition("://")[2]
    pieces = {piece for text in (address, unquote(address)) for piece in re.split(r"[:/@?&=,;]+", text)}
    said = " ".join("".join(each if each.isprintable() else " " for each in reason).split())
    for piece in sorted({*pieces, target.secret}, key=len, reverse=True):
        if len(piece) >= _SECRET_LEAST:
            said = re.sub(rf"(?i)(?<![a-z0-9]){re.escape(piece)}(?![a-z0-9])", "****", said)
    return said[:REASON_MOST]
