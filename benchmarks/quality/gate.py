"""Runs readers over the sets, and holds the figures of ours against their floors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from benchmarks.quality.floors import Figures, FloorError, is_below
from benchmarks.quality.labelled import SETS, LabelledPage, load_set
from benchmarks.quality.measure import PageScore, score_page, sum_up
from benchmarks.quality.readers import OURS, Reader
from benchmarks.quality.speed import Speed

TABLES = tuple(name + suffix for name in SETS for suffix in OURS)  # of floors


class Verdict(StrEnum):
    """Of one figure."""

    OK = "ok"
    BELOW = "BELOW"
    NO_FLOOR = "no floor"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure: its floor, what was measured, and what others reach."""

    table: str  # the set, "-unprofiled" for the measure without profiles
    figure: str
    floor: float | None
    measured: float | None
    peers: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        if self.floor is None:
            return Verdict.NO_FLOOR
        return Verdict.BELOW if is_below(self.measured, self.floor) else Verdict.OK


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """All that one run found out."""

    rows: tuple[Row, ...] = ()
    pages: Mapping[str, int] = field(default_factory=dict)  # by set
    skipped: Mapping[str, str] = field(default_factory=dict)  # set → reason
    speeds: Mapping[str, Speed] = field(default_factory=dict)  # by set
    missing_peers: tuple[str, ...] = ()

    @property
    def has_passed(self) -> bool:
        return all(row.verdict is not Verdict.BELOW for row in self.rows)

    @property
    def measured(self) -> Figures:
        """The figures of ours by table."""
        figures: dict[str, dict[str, float]] = {row.table: {} for row in self.rows}
        for row in self.rows:
            if row.measured is not None:
                figures[row.table][row.figure] = row.measured
        return figures


def load_sets(
    names: Iterable[str], development: Path | None
) -> tuple[dict[str, tuple[LabelledPage, ...]], dict[str, str]]:
    """The pages by set, and the reasons why other sets are skipped."""
    loaded = {name: load_set(name, development) for name in names}
    return (
        {name: pages for name, pages in loaded.items() if not isinstance(pages, str)},
        {name: reason for name, reason in loaded.items() if isinstance(reason, str)},
    )


def score_pages(pages: Iterable[LabelledPage], read: Reader) -> tuple[PageScore, ...]:
    """How a reader does on each page."""
    return tuple(score_page(page, read(page)) for page in pages)


def judge_set(name: str, pages: Sequence[LabelledPage], floors: Figures, peers: Mapping[str, Reader]) -> Iterator[Row]:
    """The figures of one set, with profiles and without. Others know no profiles and are compared in the first."""
    others = {peer: sum_up(score_pages(pages, read)) for peer, read in peers.items()}
    for suffix, read in OURS.items():
        table = name + suffix
        measured, pinned = sum_up(score_pages(pages, read)), floors.get(table, {})
        for figure in dict.fromkeys((*measured, *pinned)):
            yield Row(
                table=table,
                figure=figure,
                floor=pinned.get(figure),
                measured=measured.get(figure),
                peers={} if suffix else {peer: figures.get(figure) for peer, figures in others.items()},
            )


def check_tables(floors: Figures) -> None:
    """Raises FloorError for floors under a name that nothing is measured by: they would hold nothing."""
    if unknown := sorted(set(floors) - set(TABLES)):
        raise FloorError(f"floors for {unknown[0]!r}, which is no set; sets are {', '.join(TABLES)}")
