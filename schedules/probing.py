"""Probes of portals: which, how, and what becomes of the reports.

`sources probe`, `sources add URL` ─┐
the service, a few a day ───────────┴─▶ crawl process ─▶ ProbeReport ─▶ the operator's sources.toml
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from aggregator.models import Channel, ChannelKind, RobotsRecord, Source, SourceEvidence
from crawler.batch import CrawlBatch
from crawler.catalogue import Catalogue, describe_channels, set_keys
from crawler.catalogue.addresses import read_host
from crawler.catalogue.naming import make_slug
from crawler.probing.conclusion import choose_channels, explain_failure, revise_source
from crawler.probing.report import Finding, ProbeJob, ProbeReport
from crawler.process import CrawlProcess
from crawler.settings import CrawlSettings

TERMS = ("apeksi", "smart city", "kota cerdas")
_REVISED_KEYS = ("enabled", "evidence", "timezone", "utc_is_local")


def make_job(source: Source, now: datetime, *, url: str = "", robots: Iterable[RobotsRecord] = ()) -> ProbeJob:
    """The job that probes a source, from its home page on."""
    return ProbeJob(source=source, url=url or f"https://{source.domain}/", now=now, terms=TERMS, robots=tuple(robots))


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
    jobs: Iterable[ProbeJob], settings: CrawlSettings, process: CrawlProcess | None = None
) -> Iterator[ProbeReport]:
    """The reports as they come. `process` is a warm crawl process. Raises CrawlProcessError."""
    crawler = process or CrawlProcess()
    try:
        yield from crawler.probe(CrawlBatch(settings=settings, probes=tuple(jobs)))
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
