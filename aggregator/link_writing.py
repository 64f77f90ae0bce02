"""What became of the links that a source's channels led to, into rows."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from enum import Enum, auto
from typing import Any

from aggregator.article_building import Candidate
from aggregator.article_json import pack_row
from aggregator.instants import to_text
from aggregator.models import MOST_WAITING, ArticleLink, FetchedPage, LinkFailure, LinkState, Source
from aggregator.polling import plan_page_retry
from aggregator.publishers import PublisherFinder
from aggregator.store import Store
from aggregator.takedown_rows import TAKEN_DOWN
from aggregator.takedowns import KeptOut
from aggregator.urls import make_url_key

logger = logging.getLogger(__name__)


class Loss(Enum):
    """What the failure of a page comes to."""

    NONE = auto()  # its article, if there is one, is kept as it was
    UNREAD = auto()
    GONE = auto()  # of an article that was there at the last look


class LinkWriter:
    """Works inside the caller's transaction, on links that the channels of `polled` led to; `now` is the cycle's clock.

    `max_attempts`: so often a page is asked for.
    """

    def __init__(
        self,
        store: Store,
        polled: Source,
        *,
        publishers: PublisherFinder,
        kept_out: KeptOut,
        max_attempts: int,
        now: datetime,
    ) -> None:
        self._store = store
        self._polled = polled
        self._publishers = publishers
        self._kept_out = kept_out
        self._max_attempts = max_attempts
        self._now = now

    def write_read(self, source: Source, page: FetchedPage, state: LinkState, reason: str) -> None:
        """A page that was read; `source` published it."""
        self._write_read(source, page, url=page.link.url, key=make_url_key(page.link.url), state=state, reason=reason)

    def write_address(self, key: str, url: str, candidate: Candidate) -> None:
        """The address that an article is kept under, where another one led to it."""
        self._write_read(candidate.source, candidate.page, url=url, key=key, state=LinkState.KEPT, reason="")

    def _write_read(self, source: Source, page: FetchedPage, **facts: Any) -> None:
        self._store.write_link(
            **facts,
            source_id=source.id,
            now=self._now,
            read_at=page.fetched_at,
            found_by=self._polled.id if self._polled.id != source.id else None,
        )

    def reject(self, candidate: Candidate, state: LinkState, scores: str) -> None:
        """A page that was read and judged; it is kept for a replay."""
        page, row = candidate.page, candidate.row
        self.write_read(candidate.source, page, state, "")
        self._store.write_rejected(
            {
                "key": make_url_key(page.link.url),
                "source_id": candidate.source.id,
                "url": row["url"],
                "title": row["title"],
                "text": row["text"],
                "verdict": state.value,
                "scores": scores,
                "read_at": to_text(page.fetched_at),
                "page_file": candidate.page_file,
                "article": pack_row(row),
            }
        )

    def write_failure(self, failure: LinkFailure, *, retry_at: datetime | None = None) -> Loss:
        """A page that could not be read. `retry_at`: when it is asked again; None: the sooner, the fewer times it
        failed."""
        key, source = make_url_key(failure.url), self._polled
        if not key:
            return Loss.NONE
        if self._kept_out.has_key(key):
            self._refuse(failure.link, key)
            return Loss.NONE
        if not self._publishers.is_publisher(source, failure.url) and self._store.is_link_of_another(key, source.id):
            self._store.remember_foreign_link(source.id, key, self._now)  # it may never have been an address of theirs
            return Loss.NONE
        known = self._store.find_article(key)
        if known is not None:  # what was read once is kept, whatever became of its page
            was_gone, is_gone = known["gone_at"] is not None, failure.gone and failure.url == known["url"]
            self._store.mark_checked(known["id"], self._now, is_gone=is_gone or was_gone)
            return Loss.GONE if is_gone and not was_gone else Loss.NONE
        attempts = self._store.get_attempts(key, source.id) + 1
        if failure.refused or failure.permanent or attempts >= self._max_attempts:
            self._store.write_link(
                key=key,
                url=failure.url,
                source_id=source.id,
                state=LinkState.REFUSED if failure.refused else LinkState.FAILED,
                now=self._now,
                reason=failure.reason,
                attempts=attempts,
                yields=not self._publishers.is_publisher(source, failure.url),
            )
        else:
            retry_at = retry_at or plan_page_retry(attempts, self._now)
            self._write_waiting(failure.link, attempts=attempts, reason=failure.reason, retry_at=retry_at)
        return Loss.UNREAD

    def write_deferred(self, links: Sequence[ArticleLink]) -> int:
        """Writes those for which there is room among the links that wait, newest first; returns how many are left out.

        The channel must be read again for them, changed or not.
        """
        source = self._polled
        room = MOST_WAITING - self._store.count_waiting_links(source.id)
        dropped = 0
        for link in reversed(links):
            if not self._store.is_waiting(make_url_key(link.url)):
                room -= 1
                if room < 0:
                    dropped += 1
                    continue
            self.put_off(link)
        if dropped:
            logger.warning("%s: %d links are not kept: %d wait already", source.id, dropped, MOST_WAITING)
        return dropped

    def put_off(self, link: ArticleLink) -> None:
        """A link for a later cycle."""
        self._write_waiting(link, attempts=self._store.get_attempts(make_url_key(link.url), self._polled.id))

    def _write_waiting(self, link: ArticleLink, *, attempts: int, **facts: Any) -> None:
        """`facts`: reason and retry_at, where its page failed."""
        key = make_url_key(link.url)
        if self._kept_out.has_key(key):
            self._refuse(link, key)
        elif key:
            self._store.write_link(
                key=key,
                url=link.url,
                source_id=self._polled.id,
                state=LinkState.PENDING,
                now=self._now,
                attempts=attempts,
                link=link.shorten(),
                yields=not self._publishers.is_publisher(self._polled, link.url),
                **facts,
            )

    def _refuse(self, link: ArticleLink, key: str) -> None:
        """A link that was taken down: what the channel says of it is not kept."""
        self._store.write_link(
            key=key,
            url=link.url,
            source_id=self._polled.id,
            state=LinkState.REFUSED,
            now=self._now,
            reason=TAKEN_DOWN,
            yields=not self._publishers.is_publisher(self._polled, link.url),
        )
