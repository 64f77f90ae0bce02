"""What a backfill would ask for: the first page of each way, and an estimate from it. Writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from aggregator.archives import Step, StepState, Way
from aggregator.models import RobotsRecord
from aggregator.store import Store
from aggregator.topics import load_topics, scan_bytes
from crawler.backfilling.address import make_page
from crawler.backfilling.dating import Span, make_span
from crawler.backfilling.estimate import count_pages_left
from crawler.backfilling.plan import choose_step, find_sitemap_steps, is_for_robots, list_steps
from crawler.backfilling.report import ArchiveJob, ArchiveReport
from crawler.backfilling.walking import Walk, list_keys, walk
from crawler.batch import CrawlBatch
from crawler.politeness import host_of
from schedules.backfilling import Request, step_to_json
from schedules.config import Setup
from schedules.crawling import start_crawler
from schedules.cycle import find_overlays
from schedules.probing import TERMS


@dataclass(kw_only=True)
class Preview:
    """What `backfill --dry-run --json` prints."""

    source: str
    since: str
    requests: int = 0
    requests_left: int = 0
    seconds_left: float = 0
    ways: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def preview(setup: Setup, request: Request, now: datetime) -> Preview:
    """Asks for the first page of each way that would be needed. Raises CrawlProcessError, ProfileError, TableError."""
    source, topics = request.source, load_topics(setup.topics_overlay)
    span = make_span(source, request.since, request.until, now)
    found = Preview(source=source.id, since=request.since.isoformat())
    robots: dict[str, RobotsRecord] = {}
    steps = [replace(step, id=number) for number, step in enumerate(list_steps(source, TERMS), start=1)]
    overlays = find_overlays(setup)
    crawler = start_crawler(setup)
    try:
        while (choice := choose_step(steps)).step is not None:
            step = choice.step
            steps = [replace(other, state=StepState.SPARED) if other in choice.spared else other for other in steps]
            if is_for_robots(step):
                record = robots.get(host_of(step.url))
                more = find_sitemap_steps(step, record.body if record else b"", steps)
                steps = _insert(steps, step, [replace(new, id=len(steps) + n) for n, new in enumerate(more, start=1)])
                continue
            page = make_page(step, source, request.since, request.until)
            job = ArchiveJob(source=source, now=now, page=page, robots=tuple(robots.values()))
            batch = CrawlBatch(settings=setup.crawl, archives=(job,), overlays=overlays)
            for report in crawler.read_archive(batch):
                robots |= {record.host: record for record in report.robots}
                walked = walk(step, report, span, names_topic=lambda text: scan_bytes(text.encode(), topics))
                found.requests += report.requests
                steps = [_assume_end(walked.step) if other.id == step.id else other for other in steps]
                _take_in(
                    found,
                    walked,
                    report,
                    pages_left=_count_left(walked, span),
                    new=_count_new(setup, walked, source.id),
                )
    finally:
        crawler.close()
    found.seconds_left = round(found.requests_left * setup.crawl.delay_seconds, 1)
    return found


def _take_in(found: Preview, walked: Walk, report: ArchiveReport, *, pages_left: int, new: int) -> None:
    """Adds a way: on its other pages there is as much to read as on the first."""
    found.ways.append(step_to_json(walked.step) | {"pages_left": pages_left, "new_on_first_page": new})
    if report.page is not None:
        is_map = walked.step.way is Way.SITEMAP
        found.requests_left += 1 + pages_left + (new if is_map else new * (1 + pages_left))


def _count_left(walked: Walk, span: Span) -> int:
    if walked.step.way is Way.SITEMAP:
        return len(walked.sitemaps)
    return count_pages_left(walked.step, span) if walked.step.state is StepState.WAITING else 0


def _count_new(setup: Setup, walked: Walk, source_id: str) -> int:
    """Articles on the page whose own pages would have to be asked for."""
    links = [link for link in walked.wanted if not link.content_html]
    if not setup.database.is_file():
        return len(links)
    with Store.open_reader(setup.database) as store:
        return len(links) - len(store.find_known(list_keys(links), source_id))


def _assume_end(step: Step) -> Step:
    """A way that answers is taken to have what it promises."""
    if step.state is not StepState.WAITING:
        return step
    return replace(step, state=StepState.DONE if step.position.page else StepState.FAILED)


def _insert(steps: Sequence[Step], after: Step, new: Sequence[Step]) -> list[Step]:
    place = next(number for number, step in enumerate(steps) if step.id == after.id)
    return [*steps[:place], replace(after, state=StepState.SPARED), *new, *steps[place + 1 :]]
