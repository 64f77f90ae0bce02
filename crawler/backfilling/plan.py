"""Which ways into an archive to go, the cheapest first. PURE.

    for each term:  REST ─▶ search feed ─▶ search page ─▶ tag feed ─▶ tag page       each where the one before failed
    then            sitemaps, where a search did not have everything
    then            the listings and the pages after them, where the sitemaps did not reach back far enough

A search is asked with our terms and gives the articles on them; a sitemap or a listing names every article of the
portal, each of which costs a request. A tag is what an editor thought of: it never has everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from aggregator.archives import Step, StepState, Way
from aggregator.models import ChannelKind, Source
from crawler.backfilling.address import find_site
from crawler.probing.candidates import find_sitemaps

ROBOTS = "robots.txt"  # a sitemap step with this address stands for the sitemaps that are named there
USUAL_SITEMAPS = ("sitemap_index.xml", "wp-sitemap.xml", "sitemap.xml")
SEARCHES = (Way.REST, Way.SEARCH, Way.SEARCH_PAGE)
BY_TERM = (*SEARCHES, Way.TAG_FEED, Way.TAG_PAGE)


class Choice(NamedTuple):
    """The step whose turn it is, and those before it that are not needed."""

    step: Step | None
    spared: list[Step]


def list_steps(source: Source, terms: Iterable[str]) -> list[Step]:
    """All the ways into a source's archive, in the order in which they are to be gone."""
    site = find_site(source)
    own = [term for channel in source.channels for term in channel.terms]
    steps = [
        Step(way=way, url=site, term=term)
        for term in dict.fromkeys(term.lower() for term in (*own, *terms))
        for way in BY_TERM
    ]
    sitemaps = [channel.url for channel in source.channels if channel.kind is ChannelKind.SITEMAP]
    steps += [Step(way=Way.SITEMAP, url=url) for url in (*sitemaps, urljoin(site, ROBOTS))]
    listings = [channel.url for channel in source.channels if channel.kind is ChannelKind.LISTING]
    return steps + [Step(way=Way.LISTING, url=url) for url in listings]


def choose_step(steps: Sequence[Step], *, may_wait: Iterable[int] = ()) -> Choice:
    """The first step that waits and is needed; `may_wait`: ids of steps that are not to be gone now."""
    resting = set(may_wait)
    spared: list[Step] = []
    for step in steps:
        if step.state is not StepState.WAITING or step.id in resting:
            continue
        if is_needed(step, steps):
            return Choice(step, spared)
        spared.append(step)
    return Choice(None, spared)


def is_needed(step: Step, steps: Sequence[Step]) -> bool:
    """Whether what stands before the step in the plan has left something to it."""
    if step.position.page or step.position.depth:
        return True  # it was begun, or is part of an index that was
    before = steps[: steps.index(step)]
    if step.way in BY_TERM:
        if _has_everything(step.term, steps):
            return False
        if step.way in SEARCHES:  # one term has told that the site has no such thing
            return not any(other.way is step.way and _is_broken(other) for other in before)
        if step.way is Way.TAG_PAGE:
            return not any(
                other.way is Way.TAG_FEED and other.term == step.term and other.state is StepState.DONE
                for other in before
            )
        return True
    if has_searched(steps):
        return False
    if is_guess(step):  # the first guess that answers is the site's sitemap
        return not _have_sitemaps_reached(before) and not any(is_guess(other) and other.links for other in before)
    return step.way is Way.SITEMAP or not _have_sitemaps_reached(before)


def has_searched(steps: Sequence[Step]) -> bool:
    """Whether searches brought everything on every term. Where a search page found one term, the others that it found
    nothing for are nowhere."""
    terms = {step.term for step in steps if step.way in BY_TERM}
    finds = any(step.way is Way.SEARCH_PAGE and step.state is StepState.DONE for step in steps)
    nowhere = {step.term for step in steps if finds and step.way is Way.SEARCH_PAGE and step.state is StepState.FAILED}
    return bool(terms) and all(term in nowhere or _has_everything(term, steps) for term in terms)


def find_sitemap_steps(step: Step, robots: bytes, steps: Iterable[Step]) -> list[Step]:
    """The sitemaps that a site's robots.txt names, else those at the usual addresses; none that is planned already."""
    root = urljoin(step.url, "/")
    planned = {other.url for other in steps if other.way is Way.SITEMAP}
    found = find_sitemaps(robots, root) or [urljoin(root, name) for name in USUAL_SITEMAPS]
    return [Step(way=Way.SITEMAP, url=url) for url in found if url not in planned]


def is_for_robots(step: Step) -> bool:
    return step.way is Way.SITEMAP and urlsplit(step.url).path == f"/{ROBOTS}"


def is_guess(step: Step) -> bool:
    """Whether it is a sitemap where sites usually have one."""
    is_root = step.way is Way.SITEMAP and step.position.depth == 0
    return is_root and urlsplit(step.url).path.lstrip("/") in USUAL_SITEMAPS


def _is_broken(step: Step) -> bool:
    return step.state is StepState.FAILED and not step.position.is_empty


def _has_everything(term: str, steps: Iterable[Step]) -> bool:
    return any(step.term == term and step.way in SEARCHES and step.state is StepState.DONE for step in steps)


def _have_sitemaps_reached(steps: Iterable[Step]) -> bool:
    """Whether a sitemap went back to what is older than was asked for: one that does not may name the newest alone."""
    return any(step.way is Way.SITEMAP and step.position.has_reached for step in steps)
