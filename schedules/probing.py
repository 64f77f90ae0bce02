"""Probes of portals: which, how, and what becomes of the reports.

`sources probe`, `sources add URL` ─┐
the service, a few a day ───────────┴─▶ crawl process ─▶ ProbeReport ─▶ the operator's sources.toml
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from aggregator.diagnosis import Diagnosis
from aggregator.models import Channel, ChannelKind, RobotsRecord, Source, SourceEvidence
from aggregator.store import Store
from crawler.batch import CrawlBatch
from crawler.catalogue import Catalogue, describe_channels, load_catalogue, set_keys
from crawler.catalogue.addresses import read_host
from crawler.catalogue.naming import make_slug
from crawler.clock import system_clock
from crawler.overlays import Overlays
from crawler.politeness import ROBOTS_MAX_AGE
from crawler.probing.conclusion import choose_channels, explain_failure, revise_source
from crawler.probing.report import Finding, ProbeJob, ProbeReport
from crawler.process import CrawlProcess
from schedules.config import Setup
from schedules.crawling import start_crawler

PROBE_AGAIN = timedelta(days=30)
_NEVER = datetime.min.replace(tzinfo=UTC)
TERMS = ("apeksi", "smart city", "kota cerdas")
_REVISED_KEYS = ("enabled", "evidence", "timezone", "utc_is_local")


def make_job(source: Source, now: datetime, *, url: str = "", robots: Iterable[RobotsRecord] = ()) -> ProbeJob:
    """The job that probes a source, from its home page on (`url`, else where its channels are)."""
    return ProbeJob(source=source, url=url or _find_home(source), now=now, terms=TERMS, robots=tuple(robots))


def _find_home(source: Source) -> str:
    """Many a site answers below www alone, or without TLS alone; its channels tell."""
    for channel in source.channels:
        parts = urlsplit(channel.url)
        if parts.netloc.removeprefix("www.") == source.domain:
            return urlunsplit((parts.scheme, parts.netloc, "/", "", ""))
    return f"https://{source.domain}/"


def make_job_for_address(url: str, catalogue: Catalogue, now: datetime, *, taken: Collection[str] = ()) -> ProbeJob:
    """The job for an address (which has passed `check_address`): of the source at that host, else of a new one.

    `taken`: ids given to other new ones. An address below the site's root is a channel to check first.
    """
    parts = urlsplit(url)
    home = urlunsplit((parts.scheme, parts.netloc, "/", "", ""))
    domain = read_host(url).removeprefix("www.")
    port = f":{parts.port}" if parts.port else ""
    at_host = [source for source in catalogue.sources if source.domain == domain + port]
    own = (_guess_channel(url),) if parts.path.strip("/") or parts.query else ()
    if len(at_host) == 1:
        source = at_host[0]
        return make_job(source, now, url=home)
    source_id = make_slug(domain, domain + port, {source.id for source in catalogue.sources} | set(taken))
    return make_job(Source(id=source_id, name=domain, domain=domain + port, channels=own), now, url=home)


def run_probes(
    jobs: Iterable[ProbeJob],
    setup: Setup,
    process: CrawlProcess | None = None,
    *,
    held: Iterable[tuple[str, datetime]] = (),
) -> Iterator[ProbeReport]:
    """The reports as they come. `process` is a warm crawl process; `held`: hosts that may be asked only from then on.

    Raises CrawlProcessError.
    """
    crawler = process or start_crawler(setup)
    try:
        overlays = Overlays(data_folder=str(setup.data_folder))
        batch = CrawlBatch(settings=setup.crawl, probes=tuple(jobs), overlays=overlays, held=tuple(held))
        yield from crawler.probe(batch)
    finally:
        if process is None:
            crawler.close()


def write_outcome(overlay: Path, source: Source, report: ProbeReport) -> bool:
    """Writes what a successful probe found into the operator's file; False where nothing would change.

    Raises CatalogueError, OSError.
    """
    revised = revise_source(source, report)
    if revised == source:
        return False
    before, after = asdict(source), asdict(revised)
    changes: dict[str, Any] = {key: after[key] for key in _REVISED_KEYS if after[key] != before[key]}
    if revised.channels != source.channels:
        changes["channels"] = describe_channels(revised)
    set_keys(overlay, source.id, changes)
    return True


def choose_unprobed(
    sources: Iterable[Source], last_probes: Mapping[str, datetime], now: datetime, *, most: int
) -> list[Source]:
    """The sources that nobody looked at, whose turn it is: never probed first, then the longest ago; once a month."""
    waiting = [
        source
        for source in sources
        if is_unprobed(source) and (source.id not in last_probes or now - last_probes[source.id] >= PROBE_AGAIN)
    ]
    # The digest spreads them over the country: the catalogue is sorted by name, and names by network.
    waiting.sort(key=lambda source: (last_probes.get(source.id, _NEVER), zlib.crc32(source.id.encode())))
    return waiting[:most]


def probe_unprobed(setup: Setup, store: Store, now: datetime, process: CrawlProcess) -> list[ProbeReport]:
    """What the service does a few times a day: probes, writes down how it went, switches on what works.

    Raises StoreError, CatalogueError, CrawlProcessError, OSError.
    """
    overlay = setup.data_folder / "sources.toml"
    catalogue = load_catalogue(setup.catalogue_path, overlay=overlay)
    chosen = choose_unprobed(catalogue.sources, store.get_last_probes(), now, most=setup.crawl.probes_at_once)
    if not chosen:
        return []
    store.write_catalogue(catalogue.sources)
    robots = group_robots(store.get_robots(now - ROBOTS_MAX_AGE))
    jobs = [make_job(source, now, robots=robots.get(source.domain, ())) for source in chosen]
    reports = []
    held = store.get_held_hosts(system_clock())
    for report in run_probes(jobs, setup, process, held=held):
        failure = record_probe(store, report, now)
        source = catalogue.get(report.source_id)
        if failure is None and source is not None:
            write_outcome(overlay, source, report)
        reports.append(report)
    return reports


def record_probe(store: Store, report: ProbeReport, now: datetime) -> Diagnosis | None:
    """Writes down how a probe went; returns why nothing is worth watching, None where something is."""
    failure = explain_failure(report)
    problem = failure.says if failure else ""
    store.write_probe(report.source_id, now, problem=problem, report=report_to_json(report), traffic=report.traffic)
    if report.kills:
        with store.transaction():
            store.write_kills(report.source_id, report.kills, f"{report.url}: {report.reason or 'a probe'}", now)
    return failure


def group_robots(records: Iterable[RobotsRecord]) -> dict[str, list[RobotsRecord]]:
    """The records by domain, without `www.`."""
    by_host: defaultdict[str, list[RobotsRecord]] = defaultdict(list)
    for record in records:
        by_host[record.host.removeprefix("www.")].append(record)
    return by_host


def report_to_json(report: ProbeReport) -> dict[str, Any]:
    """What `sources probe --json` prints of one portal, and what the service records."""
    failure = explain_failure(report)
    return {
        "source": report.source_id,
        "url": report.url,
        "probed_at": report.probed_at.isoformat(),
        "site_name": report.site_name,
        "generator": report.generator,
        "language": report.language,
        "timezone": report.timezone,
        "requests": report.requests,
        "problem": failure.says if failure else "",
        "try": failure.advice if failure else "",
        "reason": report.reason,
        "channels": [asdict(channel) for channel in choose_channels(report)] if not failure else [],
        "findings": [_finding_to_json(finding) for finding in report.findings],
    }


def is_unprobed(source: Source) -> bool:
    """Whether nobody has looked yet whether the source answers."""
    return source.evidence is SourceEvidence.UNPROBED and not source.enabled


def _finding_to_json(finding: Finding) -> dict[str, Any]:
    values = asdict(finding)
    del values["channel"]
    values["newest"] = finding.newest.isoformat() if finding.newest else None
    return {"kind": finding.channel.kind.value, "url": finding.channel.url, **values}


def _guess_channel(url: str) -> Channel:
    """The kind of channel that an address looks like; its body has the last word when it is read."""
    parts = urlsplit(url.lower())
    low = f"{parts.path}?{parts.query}"
    if "wp-json" in low:
        return Channel(kind=ChannelKind.WORDPRESS, url=url, terms=TERMS)
    if "sitemap" in low:
        return Channel(kind=ChannelKind.SITEMAP, url=url)
    is_feed = any(piece in low for piece in ("feed", "rss", "atom"))
    return Channel(kind=ChannelKind.FEED if is_feed else ChannelKind.LISTING, url=url)
