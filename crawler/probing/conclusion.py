"""What a probe's findings come to: the channels worth having, or the reason why there are none. PURE."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from aggregator.diagnosis import Diagnosis, diagnose
from aggregator.models import Channel, ChannelKind, Source, SourceEvidence
from crawler.probing.assessment import is_general
from crawler.probing.report import Finding, ProbeReport, State

_HIJACKED = Diagnosis(
    "The home page carries gambling spam: the site has been hijacked.",
    "Tell the publisher (for go.id: csirt of BSSN). Probe again when it is clean.",
)
_NOTHING_FOUND = Diagnosis(
    "The site answers, but no feed, sitemap, search or list of articles was found on it.",
    "Open it in a browser; if it has an index page, add that by hand: `sources add … --listing URL`.",
)
_CUT_SHORT = Diagnosis("There was no time for the probe.", "Probe again; `crawl.deadline_seconds` is the limit.")
_NOTHING_USABLE = {
    State.STALE: Diagnosis(
        "The site answers, but has published nothing for two months.",
        "Look whether the portal goes on under another name. `sources enable ID` watches it all the same.",
    ),
    State.EMPTY: Diagnosis("The site's channels answer, and hold nothing.", "Probe again in a few weeks."),
    State.UNFILTERED: Diagnosis(
        "The site has no feed, and its search gives whatever is new.",
        "Add its index page by hand: `sources add … --listing URL`.",
    ),
}


def choose_channels(report: ProbeReport) -> tuple[Channel, ...]:
    """The channels to watch: one that brings everything new (a feed, else a news sitemap, else a listing), and the
    search, which still shows what a busy feed has dropped. A source's own channels stay while they are live."""
    live = [finding for finding in report.findings if finding.state is State.LIVE]
    own = [finding.channel for finding in live if finding.found_by == "entry"]
    chosen = list(own)
    if not any(is_general(channel) for channel in own):
        chosen += _first(live, lambda finding: is_general(finding.channel) and finding.channel.kind is ChannelKind.FEED)
    if not any(is_general(channel) for channel in chosen):
        chosen += _first(live, lambda finding: finding.channel.kind is ChannelKind.SITEMAP)
    if not any(_is_search(channel) for channel in chosen):
        chosen += _first(live, lambda finding: _is_search(finding.channel) and finding.found_by != "home page")
    if not chosen:
        chosen += _first(live, lambda finding: finding.found_by == "home page")
    return tuple(dict.fromkeys(chosen))


def explain_failure(report: ProbeReport) -> Diagnosis | None:
    """Why nothing is worth watching, and what to try; None where something is."""
    if report.is_hijacked:
        return _HIJACKED
    if report.reason:
        return diagnose(report.reason, report.status)
    if choose_channels(report):
        return None
    states = {finding.state for finding in report.findings}
    for state, diagnosis in _NOTHING_USABLE.items():
        if state in states:
            return diagnosis
    refused = next((finding for finding in report.findings if finding.state is State.REFUSED), None)
    if refused is not None:
        return diagnose(refused.reason, refused.status)
    return _NOTHING_FOUND if report.findings else _CUT_SHORT


def revise_source(source: Source, report: ProbeReport) -> Source:
    """The source as the probe found it: its channels, its zone and clock, switched on. Only after a success."""
    general = [finding for finding in report.findings if finding.state is State.LIVE and is_general(finding.channel)]
    return replace(
        source,
        channels=choose_channels(report),
        enabled=True,
        evidence=SourceEvidence.PROBED,
        timezone=source.timezone if source.province else report.timezone or source.timezone,
        utc_is_local=source.utc_is_local or any(finding.is_ahead for finding in general),
    )


def _is_search(channel: Channel) -> bool:
    return channel.kind in (ChannelKind.WORDPRESS, ChannelKind.LISTING) or "?q=" in channel.url


def _first(findings: Sequence[Finding], fits: Callable[[Finding], bool]) -> list[Channel]:
    return [finding.channel for finding in findings if fits(finding)][:1]
