"""When a source that ends our processes is left alone. PURE: the store remembers, this module decides.

kills, counted for a week ─▶ three: quarantined for a week ─▶ one careful try ─┬─ a kill: another week
                                                                               └─ an answer and none: forgiven
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aggregator.times import WIB

MOST_KILLS = 3
COUNTED_FOR = timedelta(days=7)
LASTS = timedelta(days=7)


@dataclass(frozen=True, kw_only=True, slots=True)
class Quarantine:
    """What is held against a source; quarantined it is only `until` then."""

    source_id: str
    kills: int
    counted_from: datetime
    last_kill_at: datetime
    reason: str  # of the last kill: an address, and how it went
    until: datetime | None = None  # None: it was never so bad

    def lasts(self, now: datetime) -> bool:
        """What ends later than any quarantine was written by a clock that was wrong."""
        return self.until is not None and now < self.until <= now + LASTS


def note_kills(known: Quarantine | None, source_id: str, kills: int, reason: str, now: datetime) -> Quarantine:
    """What is held against a source after so many more."""
    if known is None or (known.until is None and not timedelta(0) <= now - known.counted_from <= COUNTED_FOR):
        known = Quarantine(source_id=source_id, kills=0, counted_from=now, last_kill_at=now, reason=reason)
    total = known.kills + kills
    until = now + LASTS if total >= MOST_KILLS else known.until
    return replace(known, kills=total, last_kill_at=now, reason=reason, until=until)


def is_forgiven(known: Quarantine, now: datetime) -> bool:
    """Whether an answer that has killed nothing ends it all."""
    return known.until is not None and not known.lasts(now)


def describe(quarantine: Quarantine) -> str:
    """One line for people, without what it means."""
    until = f"until {quarantine.until.astimezone(WIB):%Y-%m-%d %H:%M} WIB; " if quarantine.until else ""
    return f"{until}{quarantine.kills} parsers died, the last of {quarantine.reason}"


def announce(quarantine: Quarantine) -> str:
    """What it is, why, until when, and what ends it before, in a sentence that the source begins."""
    return f"quarantined {describe(quarantine)}; `kabarkota sources enable {quarantine.source_id}` lifts it"


def part_reason(reason: str) -> tuple[str, str]:
    """(address, how it went) of a kill; the address is "" where none is known."""
    address, colon, how = reason.partition(": ")
    return (address, how) if colon and address.startswith(("http://", "https://")) else ("", reason)
