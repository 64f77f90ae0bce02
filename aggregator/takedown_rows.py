"""The rows of takedowns. A part of `Store`; writes belong into its transaction."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.instants import from_text, to_text
from aggregator.store_base import StoreBase, wrap_errors

TAKEN_DOWN = "taken down"  # the reason of a link, or its beginning
KEPT_OUT = f"{TAKEN_DOWN}: "  # … where it was not its address that was taken down, but the text of another
JOB = "takedowns"  # in `jobs`: which state of the log was applied. It goes with the database into backups and back

_ARTICLE = (
    "SELECT a.id, a.url, a.url_key, a.source_id, a.group_id, a.title, a.text, a.summary, a.page_file FROM articles AS a"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Takedown:
    """An address that was taken down."""

    key: str
    url: str
    source_id: str | None  # None: no such article was here
    text_hash: bytes | None
    reason: str
    asked_at: datetime
    done_at: datetime
    copies: bool = False  # its text stays out whichever source has it
    sketch: bytes | None = None  # as in `sketches`: by it a text is known that is nearly the same


class TakedownRows(StoreBase):
    """What was taken down, and the traces that it leaves in other tables."""

    @contextmanager
    def scrubbing(self) -> Iterator[None]:
        """What is deleted meanwhile leaves no trace in the file: freed pages are overwritten, and the WAL is emptied
        where no reader needs it. Outside of a transaction."""
        with wrap_errors(self.path):
            self._connection.execute("PRAGMA secure_delete = ON")
            try:
                yield
            finally:
                self._connection.execute("PRAGMA secure_delete = OFF")
            (patience,) = self._connection.execute("PRAGMA busy_timeout").fetchone()
            self._connection.execute("PRAGMA busy_timeout = 0")  # a reader in the middle of something is not waited for
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._connection.execute(f"PRAGMA busy_timeout = {patience}")

    def scrub_index(self) -> None:
        """Takes the words of deleted articles out of the full-text index, which else only marks them as deleted."""
        self._connection.execute("INSERT INTO articles_fts (articles_fts) VALUES ('optimize')")

    # ── what was taken down ────────────────────────────────────────────────────────────────────────────────────────

    def get_takedowns(self) -> list[Takedown]:
        return [_make_takedown(dict(row)) for row in self._rows("SELECT * FROM takedowns ORDER BY asked_at, key")]

    def find_takedown(self, key: str) -> Takedown | None:
        """The takedown of the address of that key."""
        rows = self._rows("SELECT * FROM takedowns WHERE key = :key", key=key)
        return _make_takedown(dict(rows[0])) if rows else None

    def write_takedown(self, takedown: Takedown) -> None:
        """Records a takedown. What an earlier record knew of its source and text, and when it was done, stays."""
        self._connection.execute(
            """
            INSERT INTO takedowns (key, url, source_id, text_hash, reason, asked_at, done_at, copies, sketch)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET
                url = excluded.url, reason = excluded.reason, asked_at = excluded.asked_at,
                copies = excluded.copies,
                source_id = coalesce(excluded.source_id, source_id),
                text_hash = coalesce(excluded.text_hash, text_hash),
                sketch = coalesce(excluded.sketch, sketch)
            """,
            (
                *(takedown.key, takedown.url, takedown.source_id, takedown.text_hash, takedown.reason),
                *(to_text(takedown.asked_at), to_text(takedown.done_at), takedown.copies, takedown.sketch),
            ),
        )
        self._connection.execute("DELETE FROM takedown_exceptions WHERE key = ?", (takedown.key,))

    def delete_takedown(self, key: str) -> None:
        self._connection.execute("DELETE FROM takedowns WHERE key = ?", (key,))

    def add_exception(self, key: str, url: str, asked_at: datetime) -> bool:
        """Lets an address in, whatever text it has that was taken down elsewhere; says whether that is new."""
        done = self._connection.execute(
            "INSERT INTO takedown_exceptions VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (key, url, to_text(asked_at))
        )
        return done.rowcount > 0

    def get_exceptions(self) -> set[str]:
        """The keys of the addresses that are let in, whatever text they have."""
        return {row["key"] for row in self._rows("SELECT key FROM takedown_exceptions")}

    def list_kept_out(self) -> list[tuple[str, str]]:
        """(address, reason) of the links that led to a text that was taken down at another address, by address."""
        rows = self._rows(
            f"SELECT url, reason FROM links WHERE state = 'refused' AND reason GLOB '{KEPT_OUT}*' ORDER BY url"  # noqa: S608 - our own words
        )
        return [(row["url"], row["reason"]) for row in rows]

    def is_log_applied(self, stamp: str) -> bool:
        """Whether this state of the log is what the table holds."""
        summary = self._value("SELECT summary FROM jobs WHERE name = :job ORDER BY done_at DESC, id DESC", job=JOB)
        return bool(summary) and json.loads(summary) == {"log": stamp, "taken_down": self._count()}

    def write_applied_log(self, stamp: str, now: datetime) -> None:
        """Records which state of the log the table holds."""
        self._connection.execute("DELETE FROM jobs WHERE name = ?", (JOB,))
        self._connection.execute(
            "INSERT INTO jobs (name, done_at, summary) VALUES (?, ?, ?)",
            (JOB, to_text(now), json.dumps({"log": stamp, "taken_down": self._count()})),
        )

    def _count(self) -> int:
        return int(self._value("SELECT count(*) FROM takedowns"))

    # ── what is there of an address ────────────────────────────────────────────────────────────────────────────────

    def find_whole_article(self, key: str) -> dict[str, Any] | None:
        """The article of a URL key: id, url, url_key, source_id, group_id, title, text, summary, page_file."""
        return next(iter(self._find_articles("WHERE a.url_key = :key", key=key)), None)

    def find_article_by_id(self, article_id: int) -> dict[str, Any] | None:
        """The same of an article's id."""
        return next(iter(self._find_articles("WHERE a.id = :id", id=article_id)), None)

    def find_article_read_as(self, source_id: str, key: str) -> dict[str, Any] | None:
        """The article of a source that was read at the address of that key, and is kept under another."""
        like = "WHERE a.source_id = :source AND a.page_file LIKE '%/' || :key || '.%'"
        return next(iter(self._find_articles(like, source=source_id, key=key)), None)

    def find_group(self, group_id: int | None) -> list[dict[str, Any]]:
        """The articles of a duplicate group."""
        return self._find_articles("WHERE a.group_id = :group ORDER BY a.id", group=group_id)

    def find_same_text(self, source_id: str | None, text_hash: bytes) -> list[dict[str, Any]]:
        """The articles of a source, or of all (None), with the very same text."""
        return self._find_articles(
            "JOIN sketches AS s ON s.article_id = a.id"
            " WHERE s.text_hash = :hash AND (:source IS NULL OR a.source_id = :source)",
            hash=text_hash,
            source=source_id,
        )

    def find_same_rejected(self, source_id: str, text: str) -> list[str]:
        """The URL keys of a source's rejected pages with the very same text."""
        rows = self._rows(
            "SELECT key FROM rejected_pages WHERE source_id = :source AND text = :text", source=source_id, text=text
        )
        return [row["key"] for row in rows]

    def get_text_hash(self, article_id: int) -> bytes | None:
        """Of an article's words, as it was last compared."""
        found = self._value("SELECT text_hash FROM sketches WHERE article_id = :id", id=article_id)
        return bytes(found) if found else None

    def has_trace(self, key: str, reason: str) -> bool:
        """Whether something of a URL key is here other than a link that is refused for that reason."""
        sql = """
            SELECT EXISTS (SELECT 1 FROM articles WHERE url_key = :key)
                OR EXISTS (SELECT 1 FROM rejected_pages WHERE key = :key)
                OR EXISTS (SELECT 1 FROM links WHERE key = :key
                    AND (state, reason, link) IS NOT ('refused', :reason, NULL))
                OR EXISTS (SELECT 1 FROM backfill_links WHERE key = :key)
        """
        return bool(self._value(sql, key=key, reason=reason))

    def _find_articles(self, clause: str, **parameters: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in self._rows(f"{_ARTICLE} {clause}", **parameters)]

    # ── taking out ─────────────────────────────────────────────────────────────────────────────────────────────────

    def refuse_link(self, key: str, reason: str) -> None:
        """Has an address not read again, and forgets what channels and archives said of it."""
        self._connection.execute(
            "UPDATE links SET state = 'refused', reason = ?, link = NULL, retry_at = NULL WHERE key = ?", (reason, key)
        )
        self._connection.execute("DELETE FROM backfill_links WHERE key = ?", (key,))

    def list_refused(self, source_id: str | None, reason: str) -> list[str]:
        """The keys of the links of a source, or of all (None), that were refused for that reason."""
        rows = self._rows(
            "SELECT key FROM links WHERE (:source IS NULL OR source_id = :source)"
            " AND state = 'refused' AND reason = :reason",
            source=source_id,
            reason=reason,
        )
        return [row["key"] for row in rows]

    def forget_link(self, key: str) -> None:
        """Makes an address as if it had never been seen."""
        self._connection.execute("DELETE FROM links WHERE key = ?", (key,))

    def get_titles(self, article_id: int) -> set[str]:
        """All titles that an article has had."""
        rows = self._rows(
            "SELECT title FROM articles WHERE id = :id"
            " UNION SELECT title FROM article_revisions WHERE article_id = :id",
            id=article_id,
        )
        return {row["title"] for row in rows}

    def forget_in_stories(self, article_id: int, group_id: int, titles: Collection[str], now: datetime) -> None:
        """Takes an article's words out of its story, which the next look describes anew by what is left of it.

        For an article that has left that group.
        """
        self._connection.execute("DELETE FROM story_terms WHERE article_id = ?", (article_id,))
        self._connection.execute(  # its id may be given to another article
            "UPDATE duplicate_groups SET first_canonical_id = NULL"
            " WHERE first_canonical_id = :article AND (id = :group OR merged_into = :group)",
            {"article": article_id, "group": group_id},
        )
        story = self._value("SELECT story_id FROM duplicate_groups WHERE id = :id", id=group_id)
        self._connection.execute(
            "UPDATE duplicate_groups SET is_told = 0"
            " WHERE story_id = ? AND merged_into IS NULL AND withdrawn_at IS NULL",
            (story,),
        )
        self._connection.execute(
            "UPDATE stories SET title = '', why = '[]', updated_at = :now"
            " WHERE id = :id OR (merged_into IS NOT NULL AND title IN (SELECT value FROM json_each(:titles)))",
            {"now": to_text(now), "id": story, "titles": json.dumps([*titles])},
        )


def _make_takedown(row: dict[str, Any]) -> Takedown:
    moments = {name: from_text(row[name]) for name in ("asked_at", "done_at")}
    return Takedown(**{**row, **moments, "copies": bool(row["copies"])})
