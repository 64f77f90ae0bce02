"""What changed in articles and news, in an order that copies of them can follow. A part of `Store`.

    all, by id ─▶ what changed since the copy began, by seq ─▶ what changed since then ─▶ …

Triggers number the changes (`article_changes`, `news_changes`): later ones have higher numbers, whatever the clock, and
a reader sees either all changes of a transaction or none. So what was told once need not be told again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from aggregator.rule_rows import LIVE
from aggregator.store_base import StoreBase


class Told(StrEnum):
    """What changes are told of."""

    ARTICLES = "articles"
    NEWS = "news"


_HEAD = {
    Told.ARTICLES: "SELECT max(seq) FROM article_changes",
    Told.NEWS: "SELECT max(seq) FROM news_changes",
}
_CHANGED = {
    Told.ARTICLES: "SELECT seq, article_id AS id FROM article_changes WHERE seq > :after ORDER BY seq LIMIT :most",
    Told.NEWS: "SELECT seq, group_id AS id FROM news_changes WHERE seq > :after ORDER BY seq LIMIT :most",
}
_ALL = {
    Told.ARTICLES: "SELECT id FROM articles WHERE id > :after ORDER BY id LIMIT :most",
    Told.NEWS: f"""
        SELECT g.id FROM duplicate_groups AS g WHERE g.id > :after AND g.guid IS NOT NULL AND {LIVE}
        ORDER BY g.id LIMIT :most
    """,  # noqa: S608 - our own words
}


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """The life of the database that its changes are of, and how far it has come."""

    mark: str
    began: int  # seq: what was before is not known
    head: int  # seq of the last change


class ChangeRows(StoreBase):
    """Changes; belongs into a `snapshot`."""

    def get_history(self, told: Told) -> History:
        (row,) = self._rows("SELECT mark, began FROM change_history")
        head = self._value(_HEAD[told])
        return History(mark=row["mark"], began=row["began"], head=max(head or 0, row["began"]))

    def list_changed(self, told: Told, *, after: int, most: int) -> list[tuple[int, int]]:
        """(seq, id) of what changed after `after` and has not changed again since, in that order."""
        return [(row["seq"], row["id"]) for row in self._rows(_CHANGED[told], after=after, most=most)]

    def list_all(self, told: Told, *, after: int, most: int) -> list[int]:
        """The ids of all there is, from the one after `after` on."""
        return [row["id"] for row in self._rows(_ALL[told], after=after, most=most)]

    def begin_history(self) -> None:
        """Says that the database is not what it was: copies of it have to begin anew. Belongs into a transaction."""
        self._connection.execute(
            "UPDATE change_history SET mark = lower(hex(randomblob(8))),"
            " began = max((SELECT coalesce(max(seq), 0) FROM article_changes),"
            " (SELECT coalesce(max(seq), 0) FROM news_changes), began)"
        )
