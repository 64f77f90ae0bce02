"""Asks portals for the ways into them, as politely as everything else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote_plus, urljoin, urlsplit

from aggregator.models import Channel, ChannelKind, ChannelPage, CrawlJob
from crawler.characters import clean_reason
from crawler.parsing import ParseFailedError
from crawler.politeness import host_of
from crawler.probing.assessment import assess_channel, choose_zone, read_clock
from crawler.probing.candidates import Candidate, list_candidates
from crawler.probing.hints import SiteHints, read_hints
from crawler.probing.report import Finding, ProbeJob, ProbeReport, State
from crawler.spiders.portal import Answer, OutOfBudgetError, PollError, PortalSpider, Talk
from crawler.visit import Visit

logger = logging.getLogger(__name__)

MAX_REQUESTS = 24
SAME_SHARE = 0.9


@dataclass(kw_only=True)
class ProbeTalk(Talk):
    """What one probe has brought so far."""

    job: ProbeJob
    findings: list[Finding] = field(default_factory=list)
    zone: str = ""
    home: Answer | None = None
    general: set[str] = field(default_factory=set)  # what a live channel that brings everything new had

    def compare(self, finding: Finding, urls: set[str], *, is_search: bool) -> Finding:
        """A search that gives what the feed gives does not search, unless all of that names the term."""
        if not is_search and finding.state is State.LIVE:
            self.general |= urls
        is_same = bool(urls) and len(urls & self.general) >= SAME_SHARE * len(urls)
        if is_search and finding.state is State.LIVE and is_same and finding.on_topic < finding.links:
            return replace(finding, state=State.UNFILTERED)
        return finding


class ProbeSpider(PortalSpider):
    """Probes portals side by side, each one step after another."""

    def __init__(
        self, *, jobs: Sequence[ProbeJob], hand_over: Callable[[ProbeReport], Awaitable[None]], **portal: Any
    ) -> None:
        super().__init__(name="probe", **portal)
        self.jobs = jobs
        self.hand_over = hand_over

    async def start(self) -> AsyncIterator[Any]:
        """Probes everything and hands each report over as it is done. Yields nothing, as `ChannelSpider.start`."""
        probes = [asyncio.ensure_future(self.probe(job, unit)) for unit, job in enumerate(self.jobs)]
        for report in asyncio.as_completed(probes):
            await self.hand_over(await report)
        nothing: tuple[Any, ...] = ()
        for request in nothing:
            yield request

    async def probe(self, job: ProbeJob, unit: int) -> ProbeReport:
        """home page ─▶ hints ─▶ candidates, best first ─▶ findings. Never raises."""
        talk = self._start_talk(job, unit)
        report = await self._find_out(talk)
        traffic = talk.traffic.report(self.manners.pace, self.manners.clock())
        return replace(report, requests=talk.requests, traffic=traffic, kills=talk.kills)

    def _start_talk(self, job: ProbeJob, unit: int) -> ProbeTalk:
        settings = self.manners.settings
        limits = {"max_requests": min(MAX_REQUESTS, settings.max_requests), "visit_seconds": settings.deadline_seconds}
        settings = settings.model_copy(update=limits)
        visit = Visit(job=CrawlJob(source=job.source, channels=(), now=job.now), settings=settings)
        return ProbeTalk(visit=visit, unit=unit, job=job)

    async def _find_out(self, talk: ProbeTalk) -> ProbeReport:
        job = talk.job
        report = ProbeReport(source_id=job.source.id, url=job.url, probed_at=job.now)
        try:
            home = talk.home = await self._ask_home(talk)
            hints = await self.use_body(talk, home, read_hints, home.body, home.url)
            report = replace(
                report, url=home.url, site_name=hints.name, generator=hints.generator, language=hints.language
            )
            if hints.is_hijacked:
                return replace(report, is_hijacked=True)
            await self._try_all(talk, home, hints)
        except (PollError, ParseFailedError) as error:
            return replace(report, reason=clean_reason(str(error)), status=getattr(error, "status", 0))
        except OutOfBudgetError as error:
            logger.info("%s: probe cut short: %s", job.url, error)
        except Exception as error:  # a bug here must cost this probe only
            logger.exception("probe of %s failed", job.url)
            return replace(report, reason=f"internal error: {error!r}")
        findings = tuple(talk.findings)
        zone = choose_zone(findings) or talk.zone
        return replace(report, findings=findings, timezone=zone)

    async def _ask_home(self, talk: ProbeTalk) -> Answer:
        """The home page, by the given address, else over plain HTTP. Raises PollError with the first reason."""
        try:
            return await self._ask(talk, talk.job.url)
        except PollError as error:
            parts = urlsplit(talk.job.url)
            if error.refused or error.status or parts.scheme != "https":
                raise
            self.manners.robots.forget(host_of(talk.job.url))
            try:
                return await self._ask(talk, parts._replace(scheme="http").geturl())
            except PollError as over_http:
                # what answers over http alone says more than the silence over https
                raise (over_http if over_http.refused or over_http.status else error) from None

    async def _ask(self, talk: ProbeTalk, url: str) -> Answer:
        answer = await self.fetch(talk, url)
        if not 200 <= answer.status < 300:
            raise PollError(f"HTTP {answer.status}", status=answer.status)
        if answer.is_truncated:
            raise PollError("the answer was cut off", status=answer.status)
        return answer

    async def _try_all(self, talk: ProbeTalk, home: Answer, hints: SiteHints) -> None:
        job, root = talk.job, urljoin(home.url, "/")
        record = self.manners.robots.get(host_of(home.url))
        candidates = list_candidates(
            root, hints, robots=record.body if record else b"", own=job.source.channels, terms=job.terms
        )
        if hints.is_wordpress:
            talk.zone = await self._ask_clock(talk, root)
        done: set[str] = set()
        for candidate in candidates:
            if candidate.ways & done:
                continue
            finding = await self._try(talk, candidate)
            talk.findings.append(finding)
            if finding.state is State.LIVE:
                done.add(_name_way(candidate.channel))

    async def _try(self, talk: ProbeTalk, candidate: Candidate) -> Finding:
        channel, source = candidate.channel, talk.job.source
        try:
            answer, page, term = await self._read(talk, candidate)
            if channel.kind is not ChannelKind.WORDPRESS:
                channel = replace(channel, url=_choose_address(channel.url, answer.url))
            zone = talk.zone or source.timezone
            finding = await self.run_parser(
                talk,
                answer.url,
                assess_channel,
                page,
                channel,
                found_by=candidate.found_by,
                term=term,
                zone=zone,
                now=talk.job.now,
            )
            return talk.compare(finding, {link.url for link in page.links}, is_search=bool(term))
        except PollError as error:
            state = State.REFUSED if error.refused else State.FAILED
            status = error.status
            reason = str(error)
        except ParseFailedError as error:
            state, status, reason = State.FAILED, 0, str(error)
        return Finding(channel=channel, state=state, found_by=candidate.found_by, reason=reason, status=status)

    async def _read(self, talk: ProbeTalk, candidate: Candidate) -> tuple[Answer, ChannelPage, str]:
        """(answer, what it holds, the term that was searched for). Raises PollError."""
        channel = candidate.channel
        if channel.kind is not ChannelKind.WORDPRESS:
            return *await self._read_at(talk, channel.url, channel), candidate.term
        term = (channel.terms or talk.job.terms)[0]
        try:
            url = urljoin(channel.url, f"?s={quote_plus(term)}&feed=rss2")
            return *await self._read_at(talk, url, Channel(kind=ChannelKind.FEED, url=url)), term
        except PollError as error:
            if error.refused:
                raise
            url = urljoin(channel.url, f"wp-json/wp/v2/posts?per_page=10&search={quote_plus(term)}")
            return *await self._read_at(talk, url, channel), term

    async def _read_at(self, talk: ProbeTalk, url: str, channel: Channel) -> tuple[Answer, ChannelPage]:
        is_home = talk.home is not None and url in (talk.home.url, urljoin(talk.home.url, "/"))
        answer = talk.home if is_home and talk.home is not None else await self._ask(talk, url)
        try:
            page = await self.read_as_channel(talk, answer, channel.kind, channel.selectors)
        except ParseFailedError as error:
            raise PollError(str(error), status=answer.status) from error
        return answer, page

    async def _ask_clock(self, talk: ProbeTalk, root: str) -> str:
        """The zone in which a WordPress site writes; "" where it does not tell. Its feeds are in UTC."""
        try:
            answer = await self._ask(talk, urljoin(root, "wp-json/wp/v2/posts?per_page=1&_fields=date,date_gmt"))
            return await self.use_body(talk, answer, read_clock, answer.body)
        except (PollError, ParseFailedError) as error:
            logger.info("%s: the REST API tells no clock: %s", root, error)
            return ""


def _name_way(channel: Channel) -> str:
    """What a channel that works spares the probe."""
    if channel.kind is ChannelKind.FEED and "?q=" not in channel.url:
        return "feed"
    return "sitemap" if channel.kind is ChannelKind.SITEMAP else "search"


def _choose_address(asked: str, answered: str) -> str:
    """Where the channel answered after redirects; the address asked for where that is only a session's or is cut."""
    return answered if len(answered) <= len(asked) + 40 and urlsplit(answered).path not in ("", "/") else asked
