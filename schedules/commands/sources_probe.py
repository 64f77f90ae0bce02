"""`kabarkota sources probe`: find the ways into portals, and whether they are any good."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from aggregator.printable import make_printable
from crawler.catalogue import Catalogue, describe_channels
from crawler.catalogue.addresses import check_address
from crawler.catalogue.naming import make_slug
from crawler.probing.conclusion import explain_failure, revise_source
from crawler.probing.report import Finding, ProbeJob, ProbeReport, State
from crawler.process import CrawlProcessError
from schedules.commands.context import CommandContext, get_context
from schedules.commands.hints import warn_without_contact
from schedules.commands.output import print_json
from schedules.commands.sources_common import AsJson, DryRun, check_option, find, load, report_faults
from schedules.errors import RunFailure, UsageFailure
from schedules.probing import is_unprobed, make_job, make_job_for_address, report_to_json, run_probes, write_outcome


def probe(
    ctx: typer.Context,
    what: Annotated[list[str] | None, typer.Argument(metavar="[URL|ID]...", help="portals, or sources by id")] = None,
    *,
    unprobed: Annotated[int, typer.Option(min=0, metavar="N", help="and the first N that nobody looked at yet")] = 0,
    dry_run: DryRun = False,
    json: AsJson = False,
) -> None:
    """Find and check the channels of portals, politely; a source of the catalogue is updated with what works.

    The exit code is 1 when one of them has nothing that works.
    """
    context = get_context(ctx)
    catalogue = load(context)
    now = datetime.now(UTC)
    jobs: list[ProbeJob] = []
    for item in dict.fromkeys(what or ()):
        jobs.append(_make_job(item, catalogue, now, taken={job.source.id for job in jobs}))
    jobs += [make_job(source, now) for source in catalogue.sources if is_unprobed(source)][:unprobed]
    jobs = list({job.source.id: job for job in reversed(jobs)}.values())[::-1]  # each source once
    if not jobs:
        raise UsageFailure("sources probe: give an address, an id, or --unprobed N")
    reports = []
    for report in probe_all(context, jobs):
        reports.append(report)
        if not json:
            print_report(report, now)
            _write(context, catalogue, report, dry_run=dry_run)
        elif not dry_run:
            _write(context, catalogue, report, dry_run=False, quiet=True)
    if json:
        print_json([report_to_json(report) for report in reports])
    if any(explain_failure(report) for report in reports):
        raise typer.Exit(1)


def probe_new(context: CommandContext, catalogue: Catalogue, url: str) -> dict[str, Any]:
    """Probes a portal that is not in the catalogue; the keys of its entry, and "id".

    Raises UsageFailure, RunFailure.
    """
    job = _make_job(url, catalogue, datetime.now(UTC))
    if catalogue.get(job.source.id):
        raise UsageFailure(f"{url}: is {job.source.id} already; `kabarkota sources probe {job.source.id}` looks again")
    for report in probe_all(context, [job]):
        failure = explain_failure(report)
        print_report(report, job.now, with_failure=False)
        if failure:
            raise RunFailure(f"{url}: {failure.says} {failure.advice}")
        return describe_entry(job, report, catalogue)
    raise RunFailure(f"{url}: the probe brought no report")


def describe_entry(job: ProbeJob, report: ProbeReport, catalogue: Catalogue) -> dict[str, Any]:
    """The keys of the entry that a probe found for a new portal, and "id"."""
    source = revise_source(job.source, report)
    name = report.site_name or source.domain
    return {
        "id": make_slug(name, source.domain, {known.id for known in catalogue.sources}),
        "name": name,
        "domain": source.domain,
        "language": report.language if report.language in ("id", "en") else "id",
        "timezone": source.timezone,
        "evidence": source.evidence.value,
        **({"utc_is_local": True} if source.utc_is_local else {}),
        "channels": describe_channels(source),
    }


def probe_all(context: CommandContext, jobs: Sequence[ProbeJob]) -> list[ProbeReport]:
    """The reports in the order of the jobs. Raises RunFailure."""
    warn_without_contact(context.setup)
    if sys.stderr.isatty():
        print(f"probing {len(jobs)} portals; a polite probe takes about a minute", file=sys.stderr)
    try:
        probes = run_probes(jobs, context.setup)
        reports = {report.source_id: report for report in probes}
    except CrawlProcessError as error:
        raise RunFailure(str(error)) from error
    return [reports[job.source.id] for job in jobs if job.source.id in reports]


def print_report(report: ProbeReport, now: datetime, *, with_failure: bool = True) -> None:
    about = ", ".join(filter(None, (report.site_name, report.generator, report.timezone)))
    typer.echo(make_printable(f"{report.source_id}: {report.url}" + (f" ({about})" if about else "")))
    nothing_there = [finding for finding in report.findings if finding.found_by == "usual path" and finding.status]
    for finding in report.findings:
        if finding.state is State.FAILED and finding in nothing_there:
            continue
        found = f"{finding.state.value:<10} {finding.channel.kind.value:<9} {finding.channel.url}"
        typer.echo(make_printable(f"  {found}  {describe_finding(finding, now)}"))
    missed = sum(finding.state is State.FAILED for finding in nothing_there)
    if missed:
        typer.echo(f"  nothing at {missed} more of the usual addresses")
    failure = explain_failure(report) if with_failure else None
    if failure:
        typer.echo(f"  {failure.says}\n  Try: {failure.advice}")


def describe_finding(finding: Finding, now: datetime) -> str:
    """How good a channel is, in a few words."""
    if finding.reason:
        return finding.reason
    said = [f"{finding.links} entries"]
    if finding.newest:
        said.append(f"newest {format_age(now - finding.newest)}")
    if finding.per_day is not None:
        said.append(f"{finding.per_day:g} a day")
    if finding.offsets:
        said.append(f"dates in {' and '.join(finding.offsets)}" + (" (a wrong label)" if finding.is_ahead else ""))
    said.append(f"{finding.on_topic} on topic")
    return ", ".join(said)


def format_age(age: timedelta) -> str:
    """ "3 h ago"; a clock that is ahead of ours counts as now."""
    minutes = max(0, int(age.total_seconds() // 60))
    for unit, length in (("d", 1440), ("h", 60)):
        if minutes >= 2 * length:
            return f"{minutes // length} {unit} ago"
    return f"{minutes} min ago"


def _make_job(item: str, catalogue: Catalogue, now: datetime, *, taken: Collection[str] = ()) -> ProbeJob:
    if "/" in item or "." in item:
        url = item if "://" in item else f"https://{item}"
        url = url if urlsplit(url).path else f"{url}/"
        return make_job_for_address(check_option("sources probe:", check_address, url), catalogue, now, taken=taken)
    return make_job(find(catalogue, item), now)


def _write(
    context: CommandContext, catalogue: Catalogue, report: ProbeReport, *, dry_run: bool, quiet: bool = False
) -> None:
    if explain_failure(report):
        return
    source = catalogue.get(report.source_id)
    if source is None:
        said = f"`kabarkota sources add {report.url}` writes the entry"
    elif dry_run:
        said = f"would write {source.id} to {context.source_overlay}"
    else:
        with report_faults(context):
            is_changed = write_outcome(context.source_overlay, source, report)
        said = f"{'updated' if is_changed else 'no change for'} {source.id} in {context.source_overlay}"
    if not quiet:
        typer.echo(f"  {said}")
