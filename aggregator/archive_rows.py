"""The rows of archives (RFC 5005, section 4): documents of a feed whose items do not change. A part of `Store`."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.instants import to_text
from aggregator.store_base import StoreBase

PAGE_ITEMS = 50  # of a document, at most
SUPERSEDED_HOURS = 24  # that a superseded one is kept for readers who were told of it

# What an archive has still to take in: not archived ones are in the feed's own document meanwhile.
_PENDING = """
    SELECT place, archived FROM (
        SELECT place, archived FROM (
            SELECT place, archived FROM feed_items WHERE feed_id = :feed AND archived = 0 AND place > :after
            ORDER BY place LIMIT :most)
        UNION ALL
        SELECT place, archived FROM (
            SELECT place, archived FROM feed_items WHERE feed_id = :feed AND archived = 1 AND place > :after
            ORDER BY place LIMIT :most)
    ) ORDER BY place LIMIT :most
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchivePage:
    """A document of a feed's archive: the items after one place, up to another."""

    feed_id: int
    number: int
    label: str
    after_place: int
    until_place: int
    is_due: bool = True

    @property
    def is_short(self) -> bool:
        return self.label != str(self.number)


class ArchiveRows(StoreBase):
    """Documents of archives; writes belong into the caller's transaction."""

    def get_due_pages(self) -> list[ArchivePage]:
        rows = self._rows("SELECT * FROM archive_pages WHERE is_due ORDER BY feed_id, number, label")
        return [_make_page(row) for row in rows]

    def list_page(self, page: ArchivePage) -> list[int]:
        """The groups of a document of an archive, newest first."""
        rows = self._rows(
            """
            SELECT group_id FROM feed_items
            WHERE feed_id = :feed AND archived IN (0, 1) AND place > :after AND place <= :until
            ORDER BY place DESC, group_id DESC
            """,
            feed=page.feed_id,
            after=page.after_place,
            until=page.until_place,
        )
        return [row["group_id"] for row in rows]

    def get_last_page(self, feed_id: int) -> ArchivePage | None:
        """The newest document of a feed's archive."""
        return self._find_page(feed_id, "")

    def get_page_before(self, page: ArchivePage) -> ArchivePage | None:
        return self._find_page(page.feed_id, "AND number < :number", number=page.number)

    def get_page_after(self, page: ArchivePage) -> ArchivePage | None:
        return self._find_page(page.feed_id, "AND number = :number + 1", number=page.number)

    def get_pages(self) -> list[tuple[str, ArchivePage]]:
        """Every document of every archive, with the name of its feed."""
        rows = self._rows("SELECT f.name, p.* FROM archive_pages AS p JOIN feeds AS f ON f.id = p.feed_id")
        return [(row["name"], _make_page(row)) for row in rows]

    def mark_page_due(self, page: ArchivePage) -> None:
        self._connection.execute(
            "UPDATE archive_pages SET is_due = 1 WHERE feed_id = ? AND number = ? AND label = ?",
            (page.feed_id, page.number, page.label),
        )

    def _find_page(self, feed_id: int, condition: str, **parameters: int) -> ArchivePage | None:
        rows = self._rows(
            f"SELECT * FROM archive_pages WHERE feed_id = :feed AND superseded_at IS NULL {condition}"  # noqa: S608 - our own words
            " ORDER BY number DESC LIMIT 1",
            feed=feed_id,
            **parameters,
        )
        return _make_page(rows[0]) if rows else None

    def close_pages(self, feed_id: int, now: datetime, *, least: int) -> None:
        """Takes what came into a feed into its archive, in documents that will not change.

        A full one as soon as there are so many items: until then the feed's own document has them, which shows the
        newest `least` (a full one is no longer than that). What is in archives alone cannot wait: a short one takes it
        in, and is superseded by the next.
        """
        last = self.get_last_page(feed_id)
        closed = self._plan_pages(feed_id, last, min(PAGE_ITEMS, least))
        if not closed:
            return
        if last is not None and last.is_short:
            self._connection.execute(
                "UPDATE archive_pages SET superseded_at = ? WHERE feed_id = ? AND number = ? AND label = ?",
                (to_text(now), feed_id, last.number, last.label),
            )
        self._connection.executemany(
            "INSERT OR REPLACE INTO archive_pages (feed_id, number, label, after_place, until_place)"
            " VALUES (?, ?, ?, ?, ?)",
            [(page.feed_id, page.number, page.label, page.after_place, page.until_place) for page in closed],
        )
        self._connection.execute("UPDATE feeds SET is_due = 1 WHERE id = ?", (feed_id,))  # it tells of the last one
        if closed[-1].number > 1:  # the first one tells of the second, for it has none before it
            self._connection.execute("UPDATE archive_pages SET is_due = 1 WHERE feed_id = ? AND number = 1", (feed_id,))

    def _plan_pages(self, feed_id: int, last: ArchivePage | None, full: int) -> list[ArchivePage]:
        """The documents that follow the last one, or take its place where it is short."""
        taken = last.until_place if last else -1
        number, after = (last.number + 1, taken) if last else (1, taken)
        if last is not None and last.is_short:
            number, after = last.number, last.after_place
        pages = []
        while len(pending := self._rows(_PENDING, feed=feed_id, after=after, most=full)) == full:
            until = pending[-1]["place"]
            pages.append(_build_page(feed_id, number, str(number), after, until))
            number, after = number + 1, until
        late = max((count for count, row in enumerate(pending, start=1) if row["archived"]), default=0)
        if late and pending[late - 1]["place"] > max(taken, after):
            until = pending[late - 1]["place"]
            pages.append(_build_page(feed_id, number, f"{number}-{until:x}", after, until))
        return pages

    def get_superseded_pages(self, now: datetime) -> list[tuple[str, str]]:
        """The feeds' names, and the labels of the documents that were superseded a day ago."""
        rows = self._rows(
            "SELECT f.name, p.label FROM archive_pages AS p JOIN feeds AS f ON f.id = p.feed_id"
            " WHERE p.superseded_at < :before",
            before=_end_of_grace(now),
        )
        return [(row["name"], row["label"]) for row in rows]

    def drop_superseded_pages(self, now: datetime) -> None:
        """Forgets them, once their files are gone."""
        self._connection.execute("DELETE FROM archive_pages WHERE superseded_at < ?", (_end_of_grace(now),))

    def settle_page(self, page: ArchivePage) -> None:
        """Records that a document of an archive is written."""
        self._connection.execute(
            "UPDATE archive_pages SET is_due = 0 WHERE feed_id = ? AND number = ? AND label = ?",
            (page.feed_id, page.number, page.label),
        )


def _end_of_grace(now: datetime) -> str:
    return to_text(now - timedelta(hours=SUPERSEDED_HOURS))


def _build_page(feed_id: int, number: int, label: str, after: int, until: int) -> ArchivePage:
    return ArchivePage(feed_id=feed_id, number=number, label=label, after_place=after, until_place=until)


def _make_page(row: sqlite3.Row) -> ArchivePage:
    return ArchivePage(
        feed_id=row["feed_id"],
        number=row["number"],
        label=row["label"],
        after_place=row["after_place"],
        until_place=row["until_place"],
        is_due=bool(row["is_due"]),
    )
