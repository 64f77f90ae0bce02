"""Keeps count of jobs that fail turn after turn: said once, then once an hour, and when it is over."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.obstacles import Notice, Obstacle, classify_obstacle
from aggregator.reference import TableError
from crawler.catalogue import CatalogueError
from crawler.extraction.profiles import ProfileError
from schedules.errors import UsageFailure

logger = logging.getLogger(__name__)

SAID_EVERY = timedelta(hours=1)
_FIGURES = re.compile(r"\d[\d.,]*")
_OPERATORS = (CatalogueError, ProfileError, TableError, UsageFailure)
Post = Callable[[tuple[Notice, ...]], object]


@dataclass
class _Failing:
    notice: Notice
    text: str
    times: int


class Obstacles:
    """For one thread. `post` is told whenever something begins or ends."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._failing: dict[str, _Failing] = {}
        self._said: dict[str, datetime] = {}  # text but for its figures → when
        self._has_told = False  # before that, what was told at the start stands

    def note_failure(self, job: str, error: BaseException, now: datetime) -> None:
        """Says it in one line, unless another job, or an earlier turn, has said the same within the hour."""
        text, obstacle = str(error), classify(error)
        known = self._failing.get(job)
        since = known.notice.since if known else now
        times = known.times + 1 if known else 1
        self._failing[job] = _Failing(Notice(job=job, obstacle=obstacle, since=since), text, times)
        said = self._said.get(_drop_figures(text))
        if said is None or not timedelta(0) <= now - said < SAID_EVERY:
            self._said[_drop_figures(text)] = now
            logger.error("%s failed: %s%s", job, text, f" ({times} times since {since:%H:%M:%S} UTC)" * (times > 1))
        else:
            logger.debug("%s failed: %s", job, text)
        if known is None or known.notice != self._failing[job].notice:
            self._tell()

    def note_success(self, job: str) -> None:
        known = self._failing.pop(job, None)
        if known is None:
            if not self._has_told:
                self._tell()
            return
        since = known.notice.since
        level = logging.WARNING if known.times > 1 else logging.INFO  # a single failure was said, and is no state
        logger.log(level, "%s works again; it had failed %d times since %s UTC", job, known.times, f"{since:%H:%M:%S}")
        still = {_drop_figures(each.text) for each in self._failing.values()}
        self._said = {text: at for text, at in self._said.items() if text in still}
        self._tell()

    def _tell(self) -> None:
        self._has_told = True
        self._post(tuple(each.notice for each in self._failing.values()))


def _drop_figures(text: str) -> str:
    """What is the same of one failure at each turn: how many MB are free is not."""
    return _FIGURES.sub("#", text)


def classify(error: BaseException) -> Obstacle:
    return Obstacle.OPERATOR if isinstance(error, _OPERATORS) else classify_obstacle(error)
