"""What follows from an answer of an archive: the articles to read, and where the step stands then. PURE.

    Step + ArchiveReport ─▶ Walk: the step moved on, wanted links, further sitemaps

A step ends where the archive does, where everything new on a page is older than was asked for, where it repeats
itself, and at a number of pages: a hostile archive has no end.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import urlsplit

from aggregator.archives import Position, Step, StepState, Way
from aggregator.models import ArticleLink, ChannelPage
from aggregator.urls import make_url_key
from crawler.backfilling.dating import Span, find_latest, find_latest_in_file, find_published
from crawler.backfilling.report import ArchiveFailure, ArchiveReport

MAX_PAGES = 5_000  # of one step
MAX_SITEMAPS = 5_000  # in one index
MAX_DEPTH = 3  # indexes above a sitemap; the protocol has one
MAX_LAST_KEYS = 300
MAX_ATTEMPTS = 6  # failures of the same page, a few in each run, before its way is given up
LISTED = (Way.SEARCH_PAGE, Way.TAG_PAGE, Way.LISTING)  # by pages for people, each of which names the next one
# lists of a site's lists and people: what they lead to is no article
_NOT_ARTICLES = re.compile(
    r"(?:categor|taxonom|(?:post_)?tags?\b|author|users?\b|pages?[-_]?sitemap|posts-page|image|video)", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True)
class Walk:
    """What a page of an archive came to."""

    step: Step
    wanted: tuple[ArticleLink, ...] = ()  # to be read, where they are not known
    sitemaps: tuple[Step, ...] = ()


def walk(step: Step, report: ArchiveReport, span: Span, *, names_topic: Callable[[str], bool]) -> Walk:
    """Takes in the answer to the step's next page. `names_topic` tells it of a title that a sitemap gives."""
    if report.page is None:
        failure = report.failure or ArchiveFailure(reason="no answer")
        return Walk(step=_take_failure(step, failure))
    if step.way is Way.SITEMAP:
        return _walk_sitemap(step, report.page, span, names_topic)
    return _walk_list(step, report, report.page, span)


def settle(step: Step) -> Step:
    """The step after the articles on its last page were read: where the list has no dates, theirs tell the end."""
    position = step.position
    if step.state is StepState.WAITING and position.is_undated and position.read_before and not position.read_within:
        return replace(step, state=StepState.DONE, position=replace(position, has_reached=True))
    return step


def list_keys(links: Iterable[ArticleLink]) -> list[str]:
    """The URL keys of links, without those that are no address."""
    return [key for link in links if (key := make_url_key(link.url))]


# ── failures ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _take_failure(step: Step, failure: ArchiveFailure) -> Step:
    is_past_the_end = step.position.page > 0 and failure.status in (400, 404, 410)
    if is_past_the_end and not failure.is_refusal:
        return replace(step, state=_end(step), attempts=0, reason="")
    is_empty = failure.is_unreadable and failure.status == 200 and step.way in LISTED  # "nothing found", as a page
    if is_empty and step.position.page > 0:
        return replace(step, state=_end(step), attempts=0, reason="")
    if failure.may_pass and step.attempts + 1 < MAX_ATTEMPTS:
        return replace(step, attempts=step.attempts + 1, reason=failure.reason)
    state = StepState.PARTIAL if step.position.page else StepState.FAILED
    position = replace(step.position, is_empty=is_empty)
    return replace(step, state=state, attempts=step.attempts + 1, reason=failure.reason, position=position)


def _end(step: Step) -> StepState:
    return StepState.PARTIAL if step.way in (Way.TAG_FEED, Way.TAG_PAGE) and not step.links else StepState.DONE


# ── lists ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _walk_list(step: Step, report: ArchiveReport, page: ChannelPage, span: Span) -> Walk:
    position = step.position
    keys = list_keys(page.links)
    digest = _digest(keys)
    if keys and digest in position.seen:
        return Walk(step=_take_repetition(step))
    fresh = [link for link in page.links if make_url_key(link.url) not in position.last_keys]
    published = [day for link in fresh if (day := find_published(link, span))]
    latest = [day for link in fresh if (day := find_latest(link, span))]
    moved = replace(
        step,
        attempts=0,
        reason="",
        links=step.links + len(fresh),
        position=replace(
            position,
            page=position.page + 1,
            next_url=page.next_page or "",
            total_pages=report.total_pages or position.total_pages,
            oldest=_find_oldest(position.oldest, published),
            has_reached=position.has_reached or _are_before(latest, span),
            seen=(*position.seen, digest),
            last_keys=tuple(keys[:MAX_LAST_KEYS]),
            is_undated=not latest,
            read_before=0,
            read_within=0,
        ),
    )
    return Walk(step=_find_end(moved, page, fresh, latest, span), wanted=tuple(choose_links(fresh, span)))


def _find_end(
    step: Step, page: ChannelPage, fresh: Collection[ArticleLink], latest: Sequence[date], span: Span
) -> Step:
    position = step.position
    is_paged_by_links = step.way in LISTED
    if not fresh:
        return replace(step, state=_end(step))
    if step.way is not Way.REST and _are_before(latest, span):  # the API was told the days
        return replace(step, state=StepState.DONE)
    if step.way is Way.SEARCH_PAGE and not any(_names(link, step.term) for link in fresh) and position.page == 1:
        return replace(step, state=StepState.PARTIAL, reason="what it shows does not name the term")
    if is_paged_by_links and not page.next_page:
        is_all = position.page > 1 or step.way is not Way.LISTING
        reason = "" if is_all else "no page after the first one was found"
        return replace(step, state=StepState.DONE if is_all else StepState.PARTIAL, reason=reason)
    if position.page >= MAX_PAGES:
        return replace(step, state=StepState.PARTIAL, reason=f"stopped after {MAX_PAGES} pages")
    return step


def _take_repetition(step: Step) -> Step:
    """A page that was there before: behind the last one many a site shows the first or the last again."""
    if step.position.page == 1:
        return replace(step, state=StepState.PARTIAL, reason="it answers every page number with the same page")
    return replace(step, state=_end(step), reason="")


def choose_links(links: Iterable[ArticleLink], span: Span) -> list[ArticleLink]:
    """Those that may have been published in the days asked for."""
    kept = []
    for link in links:
        latest, published = find_latest(link, span), find_published(link, span)
        is_outside = (latest and span.is_before(latest)) or (published and span.is_after(published))
        if make_url_key(link.url) and not is_outside:
            kept.append(link)
    return kept


def _are_before(latest: Sequence[date], span: Span) -> bool:
    """Whether all that has a date is older than was asked for: one old article among others is a pinned one."""
    return bool(latest) and all(span.is_before(day) for day in latest)


def _find_oldest(known: str, days: Iterable[date]) -> str:
    return min(filter(None, (known, *(day.isoformat() for day in days))), default="")


def _names(link: ArticleLink, term: str) -> bool:
    said = f"{link.title} {link.summary} {urlsplit(link.url).path.replace('-', ' ')}".lower()
    return term in said


def _digest(keys: Iterable[str]) -> str:
    return hashlib.blake2b("".join(sorted(keys)).encode(), digest_size=6).hexdigest()


# ── sitemaps ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _walk_sitemap(step: Step, page: ChannelPage, span: Span, names_topic: Callable[[str], bool]) -> Walk:
    children = _choose_children(step, page.sitemaps, span)
    links = choose_links(page.links, span)
    wanted = [link for link in links if _is_article(link) and (not link.title or names_topic(_describe(link)))]
    latest = [day for link in page.links if (day := find_latest(link, span))]
    has_old_file = any((day := find_latest_in_file(child, span)) and span.is_before(day) for child in page.sitemaps)
    has_old_entry = any(span.is_before(day) for day in latest)
    moved = replace(
        step,
        state=StepState.DONE,
        reason=page.fault,
        attempts=0,
        links=step.links + len(page.links) + len(page.sitemaps),
        position=replace(
            step.position,
            page=step.position.page + 1,
            oldest=_find_oldest(step.position.oldest, latest),
            has_reached=has_old_file or has_old_entry,
        ),
    )
    if page.sitemaps and step.position.depth >= MAX_DEPTH:
        moved = replace(moved, state=StepState.PARTIAL, reason=f"an index below {MAX_DEPTH} others")
    elif len(children) > MAX_SITEMAPS:
        moved = replace(moved, state=StepState.PARTIAL, reason=f"stopped after {MAX_SITEMAPS} of its sitemaps")
    return Walk(step=moved, wanted=tuple(wanted), sitemaps=tuple(children[:MAX_SITEMAPS]))


def _choose_children(step: Step, children: Iterable[ArticleLink], span: Span) -> list[Step]:
    """The sitemaps of an index that may hold what was asked for."""
    if step.position.depth >= MAX_DEPTH:
        return []
    kept: dict[str, Step] = {}
    below = Position(depth=step.position.depth + 1)
    for child in children:
        latest = find_latest_in_file(child, span)
        name = urlsplit(child.url).path.rpartition("/")[2]
        if child.url != step.url and not (latest and span.is_before(latest)) and not _NOT_ARTICLES.search(name):
            kept.setdefault(child.url, Step(way=Way.SITEMAP, url=child.url, position=below))
    return list(kept.values())


def _is_article(link: ArticleLink) -> bool:
    return urlsplit(link.url).path not in ("", "/")


def _describe(link: ArticleLink) -> str:
    return "\n".join((link.title, *link.tags, urlsplit(link.url).path.replace("-", " ")))
