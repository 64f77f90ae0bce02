"""What a soak measured, and whether it is good. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

MEBIBYTE = 2**20
GROWTH_MOST = 12.0  # MB between the second and the last quarter, whatever the length: buffers and caches that fill
SLOPE_MOST = 0.5  # MB a minute beside that
DESCRIPTORS_MORE = 24  # in the last quarter than in the second, by the median, for connections come and go
OWN_MOST = 300.0  # MB, scheduler and web server
ALL_MOST = 1_300.0  # MB, all processes
ROLES = ("scheduler", "web", "crawl", "parsers")
STEADY = ("scheduler", "web")  # one process each, from the beginning to the end; the others are replaced now and then


@dataclass(frozen=True, kw_only=True)
class Use:
    """Of the processes in one role."""

    megabytes: float = 0.0
    descriptors: int = 0
    processes: int = 0


@dataclass(frozen=True, kw_only=True)
class Sample:
    """How things were at one moment."""

    minutes: float
    uses: dict[str, Use]
    faults: tuple[str, ...] = field(default=())  # what was wrong with what was served

    def get(self, role: str) -> Use:
        return self.uses.get(role, Use())

    @property
    def own(self) -> float:
        return sum(self.get(role).megabytes for role in STEADY)

    @property
    def total(self) -> float:
        return sum(use.megabytes for use in self.uses.values())


def judge(samples: Sequence[Sample]) -> list[str]:
    """What is wrong; [] where all is well."""
    if len(samples) < 8:
        return ["too few samples to judge by"]
    problems = [f"at {sample.minutes:.1f} min: {fault}" for sample in samples for fault in sample.faults]
    quarter = len(samples) // 4
    early, late = samples[quarter : 2 * quarter], samples[-quarter:]
    minutes = late[0].minutes - early[0].minutes
    for role in STEADY:
        grown = median(each.get(role).megabytes for each in late) - median(each.get(role).megabytes for each in early)
        if grown > GROWTH_MOST + SLOPE_MOST * minutes:
            problems.append(f"{role}: memory grew by {grown:.0f} MB in {minutes:.0f} min")
    for role in ROLES:
        usual = [median(each.get(role).descriptors for each in part) for part in (early, late)]
        if usual[1] > usual[0] + DESCRIPTORS_MORE:
            problems.append(f"{role}: {usual[1]:.0f} descriptors, {usual[0]:.0f} before")
        processes = [max(each.get(role).processes for each in part) for part in (early, late)]
        if processes[1] > processes[0] + 2:
            problems.append(f"{role}: {processes[1]} processes, {processes[0]} before")
    own, total = max(each.own for each in samples), max(each.total for each in samples)
    if own > OWN_MOST:
        problems.append(f"scheduler and web server took {own:.0f} MB, {OWN_MOST:.0f} are allowed")
    if total > ALL_MOST:
        problems.append(f"all processes took {total:.0f} MB, {ALL_MOST:.0f} are allowed")
    return problems


def tell(sample: Sample) -> str:
    """A row of the table."""
    uses = " │ ".join(
        f"{use.megabytes:6.0f} MB {use.descriptors:4d} fd ×{use.processes}" for use in map(sample.get, ROLES)
    )
    return f"{sample.minutes:6.1f} │ {uses} │ {sample.total:6.0f} │ {', '.join(sample.faults) or 'well'}"


HEAD = f"{'min':>6} │ " + " │ ".join(f"{role:^20}" for role in ROLES) + f" │ {'MB':>6} │ feeds and pages"
