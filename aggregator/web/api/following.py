"""Changes: how a copy of our articles or news is made, and kept equal to ours.

    start ─▶ everything, by number ─▶ what changed since then ─▶ …        a token says how far a copy has come

What changed is told as it is now, what is here no more as a tombstone; whoever has taken in all of it has what we have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aggregator.change_rows import History, Told
from aggregator.feed_rows import make_place
from aggregator.instants import to_text
from aggregator.search import read_since
from aggregator.search_terms import QueryError
from aggregator.store import Store
from aggregator.web.api.cursors import CursorError, read_cursor, write_cursor
from aggregator.web.api.problems import ProblemError, ProblemKind

START = "start"
PARAMETER = "changed_since"
_PREFIX = "c."
_CHANGES = -1


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a copy has come."""

    mark: str  # of the database's life
    head: int  # what changed up to then is in it, or will be when all is walked
    walked: int  # number up to which everything was taken in; _CHANGES: all of it was


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What a copy takes in next."""

    ids: Sequence[int]
    progress: Progress  # after it
    has_more: bool


def read_progress(text: str, told: Told, history: History, now: datetime) -> Progress:
    """What is asked for: all, what came after a token, or after an instant. Raises ProblemError."""
    if text == START:
        return Progress(mark=history.mark, head=history.head, walked=0)
    if text.startswith(_PREFIX):
        return _read_token(text, told, history)
    try:
        since = read_since(text, now).at
    except QueryError as error:
        raise ProblemError(ProblemKind.BAD_PARAMETER, "changed_since", parameter=PARAMETER) from error
    head = make_place(since) - 1
    if head < history.began - 1:
        began = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=history.began)
        raise ProblemError(
            ProblemKind.BAD_PARAMETER,
            "before_history",
            parameter=PARAMETER,
            began=to_text(began + timedelta(seconds=1)),
        )
    return Progress(mark=history.mark, head=min(head, history.head), walked=_CHANGES)


def write_progress(told: Told, progress: Progress) -> str:
    return _PREFIX + write_cursor(_name(told), (progress.mark, progress.head, progress.walked))


def take_step(store: Store, told: Told, progress: Progress, history: History, *, limit: int) -> Step:
    """The next `limit` articles or pieces of news."""
    if progress.walked != _CHANGES:
        ids = store.list_all(told, after=progress.walked, most=limit + 1)
        is_all = len(ids) <= limit
        ids = ids[:limit]
        walked = _CHANGES if is_all else ids[-1]
        after = Progress(mark=progress.mark, head=progress.head, walked=walked)
        return Step(ids=ids, progress=after, has_more=not is_all or history.head > progress.head)
    changed = store.list_changed(told, after=progress.head, most=limit + 1)
    shown = changed[:limit]
    head = shown[-1][0] if shown else progress.head
    return Step(
        ids=[number for _, number in shown],
        progress=Progress(mark=progress.mark, head=head, walked=_CHANGES),
        has_more=len(changed) > limit,
    )


def _read_token(text: str, told: Told, history: History) -> Progress:
    try:
        mark, head, walked = read_cursor(_name(told), text.removeprefix(_PREFIX), (str, int, int))
    except CursorError as error:
        raise ProblemError(ProblemKind.BAD_PARAMETER, "changed_since", parameter=PARAMETER) from error
    assert isinstance(head, int)
    assert isinstance(walked, int)
    if mark != history.mark or head > history.head:
        raise ProblemError(ProblemKind.STALE_COPY, parameter=PARAMETER)
    return Progress(mark=str(mark), head=head, walked=walked)


def _name(told: Told) -> str:
    return f"changes of {told.value}"
