"""How many requests a backfill still needs, as far as one can tell. PURE."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import date

from aggregator.archives import Step, StepState, Way
from crawler.backfilling.dating import Span
from crawler.backfilling.plan import BY_TERM, is_needed
from crawler.backfilling.walking import MAX_PAGES


def count_requests_left(steps: Sequence[Step], pages_waiting: int, span: Span) -> int:
    """Pages of archives, and of the articles that wait; those that the archives have still to name are guessed at by
    what they named so far."""
    return pages_waiting + sum(count_pages_left(step, span) for step in _list_likely(steps))


def _list_likely(steps: Sequence[Step]) -> Iterator[Step]:
    """The steps that will be gone if the ways at hand hold: one for each term, and what is planned after all terms."""
    terms: set[str] = set()
    for step in steps:
        if step.state is not StepState.WAITING or not is_needed(step, steps):
            continue
        if step.way in BY_TERM and step.term not in terms:
            terms.add(step.term)
            yield step
        elif step.way not in BY_TERM and not terms:
            yield step


def count_pages_left(step: Step, span: Span) -> int:
    """Pages of one way that are still to be asked for. Newest first, an archive tells by its dates how far it is."""
    position = step.position
    if position.page == 0 or step.way is Way.SITEMAP:
        return 1
    if position.total_pages:
        return max(0, position.total_pages - position.page)
    if not position.oldest:
        return 1
    today, oldest = span.until or span.now.date(), date.fromisoformat(position.oldest)
    gone, ahead = (today - oldest).days, (oldest - span.since).days
    return min(MAX_PAGES, math.ceil(position.page * max(0, ahead) / max(1, gone)))
