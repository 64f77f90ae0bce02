"""What the status page shows, worked out before any HTML is written. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.cleaning import cut_text, safe_url, xml_safe
from aggregator.diagnosis import diagnose
from aggregator.instants import from_text
from aggregator.marked import TITLE_LIMIT
from aggregator.obstacles import Notice
from aggregator.quarantine import Quarantine
from aggregator.quarantine_rows import CODE as QUARANTINED
from aggregator.source_rows import Trouble
from aggregator.store import Status
from aggregator.web.links import make_link, make_story_link
from aggregator.web.shown_item import tell_staleness
from aggregator.web.source_states import SourceState, show_detail, tell_quarantine, tell_reason
from aggregator.web.texts import WIB, Language, Texts

BACKUP_JOB = "backup"


@dataclass(frozen=True, kw_only=True, slots=True)
class HijackedSite:
    """A site on whose pages gambling spam was found."""

    name: str
    page_url: str  # of the source
    domain: str
    found: str
    pages: int


@dataclass(frozen=True, kw_only=True, slots=True)
class QuarantinedSource:
    """A source that is left alone because our processes died of it."""

    name: str
    page_url: str
    why: str  # with its end
    last: str  # where the last died, and how
    advice: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FailingChannel:
    """A channel whose last poll failed, in plain words."""

    name: str
    page_url: str  # of its source
    url: str
    failures: int
    last_success: str  # "" when it never worked
    says: str
    advice: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LargeGroup:
    """A piece of news that suspiciously many portals carry."""

    title: str
    copies: int
    story_url: str  # "" before a look at stories
    command: str  # that shows why it is one


@dataclass(frozen=True, kw_only=True, slots=True)
class DoneJob:
    """A job of the timetable, when it was last done."""

    name: str
    done: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusPage:
    version: str
    database_size: str
    backup: str  # when the last one was made, and its size; "" before the first
    notices: tuple[str, ...]  # what keeps the service from its work
    jobs: tuple[DoneJob, ...]
    sources_url: str  # of the list of sources, …
    trouble_url: str  # … and of those in trouble
    last_cycle: str  # "" before the first
    stale: str  # as on the front page
    sources: int
    channels: int
    unprobed: int
    quarantined: tuple[QuarantinedSource, ...]
    quarantined_url: str  # of the list of these
    hijacked: tuple[HijackedSite, ...]
    failing: tuple[FailingChannel, ...]
    large: tuple[LargeGroup, ...]
    more_large: int
    skipped: int
    checked: int
    missed: int


def build_status_page(
    status: Status,
    texts: Texts,
    *,
    version: str,
    database_bytes: int,
    jobs: Sequence[Mapping[str, Any]] = (),
    stale_since: datetime | None = None,
    notices: Iterable[Notice] = (),
    backup: tuple[datetime, int] | None = None,
) -> StatusPage:
    """The page for what the database tells; every text is safe to encode, none is escaped yet.

    `jobs`: rows of jobs; `notices`: jobs that fail; `backup`: the newest in the folder, and its size.
    """
    cycle = status.last_cycle
    return StatusPage(
        version=version,
        database_size=texts.format_size(database_bytes),
        backup=_tell_backup(jobs, backup, texts),
        notices=tuple(tell_notice(each, texts) for each in notices),
        jobs=_list_jobs(jobs, texts),
        sources_url=make_link("/sources", texts.language),
        trouble_url=make_link("/sources", texts.language, state=SourceState.TROUBLE),
        last_cycle=_format(cycle["finished_at"], texts) if cycle else "",
        stale=tell_staleness(stale_since, texts),
        sources=status.sources,
        channels=status.channels,
        unprobed=status.unprobed,
        quarantined=tuple(_describe_quarantined(name, held, texts) for name, held in status.quarantined),
        quarantined_url=make_link("/sources", texts.language, state=SourceState.QUARANTINED),
        hijacked=tuple(_describe_site(row, texts) for row in status.hijacked),
        failing=tuple(_describe_channel(row, texts) for row in status.failing),
        large=tuple(_describe_large(row, texts) for row in status.large),
        more_large=status.large_count - len(status.large),
        skipped=status.scans["skipped"],
        checked=status.scans["checked"],
        missed=status.scans["missed"],
    )


def tell_notice(notice: Notice, texts: Texts) -> str:
    """E.g. "The disk is full: since 14.55 WIB polling fails." """
    what, job = texts["obstacles"][notice.obstacle.value], texts["failing_jobs"].get(notice.job, notice.job)
    return str(texts["obstacle"].format(what=what, job=job, since=texts.format_moment(notice.since.astimezone(WIB))))


def _tell_backup(jobs: Sequence[Mapping[str, Any]], newest: tuple[datetime, int] | None, texts: Texts) -> str:
    """The last: made by hand beside the service it is in the folder alone, moved elsewhere among the jobs alone."""
    made = [
        (from_text(job["done_at"]), json.loads(job["summary"]).get("bytes", 0))
        for job in jobs
        if job["name"] == BACKUP_JOB
    ]
    made += [newest] if newest else []
    if not made:
        return ""
    at, size = max(made)
    return f"{texts.format_moment(at.astimezone(WIB))} ({texts.format_size(size)})"


def _list_jobs(jobs: Sequence[Mapping[str, Any]], texts: Texts) -> tuple[DoneJob, ...]:
    """Those that have a name for people."""
    names = texts["jobs"]
    return tuple(
        DoneJob(name=names[job["name"]], done=_format(job["done_at"], texts)) for job in jobs if job["name"] in names
    )


def _describe_site(row: dict[str, Any], texts: Texts) -> HijackedSite:
    return HijackedSite(
        name=xml_safe(row["name"]),
        page_url=make_link(f"/source/{row['source_id']}", texts.language),
        domain=xml_safe(row["domain"]),
        found=_format(row["hijacked_at"], texts),
        pages=row["pages"],
    )


def _describe_quarantined(name: str, held: Quarantine, texts: Texts) -> QuarantinedSource:
    trouble = Trouble(code=QUARANTINED, detail=held.reason)
    return QuarantinedSource(
        name=xml_safe(name),
        page_url=make_link(f"/source/{held.source_id}", texts.language),
        why=tell_quarantine(held, texts),
        last=show_detail(QUARANTINED, held.reason, texts),
        advice=tell_reason(trouble, held.source_id, texts).advice,
    )


def _describe_large(row: dict[str, Any], texts: Texts) -> LargeGroup:
    return LargeGroup(
        title=cut_text(xml_safe(row["title"]), TITLE_LIMIT),
        copies=row["members"],
        story_url=make_story_link(row["story_id"], texts.language),
        command=f"kabarkota explain {' '.join(map(str, row['suspects']))}",
    )


def _describe_channel(row: dict[str, object], texts: Texts) -> FailingChannel:
    is_indonesian = texts.language is Language.INDONESIAN
    said = diagnose(str(row["reason"] or ""), int(str(row["http_status"] or 0)), indonesian=is_indonesian)
    return FailingChannel(
        name=xml_safe(str(row["name"])),
        page_url=make_link(f"/source/{row['source_id']}", texts.language),
        url=safe_url(str(row["url"])),
        failures=int(str(row["failures"])),
        last_success=_format(str(row["last_success_at"]), texts) if row["last_success_at"] else "",
        says=said.says,
        advice=said.advice.replace(" ID`", f" {row['source_id']}`"),
    )


def _format(instant: str, texts: Texts) -> str:
    return texts.format_moment(from_text(instant).astimezone(WIB))
