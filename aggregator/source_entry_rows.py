"""Sources as the API lists them, by id. A part of `Store`; reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.feeds import FeedKind, make_name
from aggregator.store_base import StoreBase

_COLUMNS = """
    s.id, s.name, s.domain, s.kind, coalesce(s.province, '') AS province, coalesce(s.city, '') AS city, s.timezone,
    s.language, s.enabled, s.full_text, coalesce((SELECT f.items FROM feeds AS f WHERE f.name = :prefix || s.id), 0)
        AS news,
    (SELECT max(a.published_at) FROM articles AS a WHERE a.source_id = s.id) AS newest_at
"""
_LIST = f"""
    SELECT {_COLUMNS} FROM sources AS s WHERE s.id > :after AND (:kind = '' OR s.kind = :kind)
    AND (:province = '' OR s.province = :province) AND (:city = '' OR s.city = :city) ORDER BY s.id LIMIT :most
"""  # noqa: S608 - our own words
_ONE = f"SELECT {_COLUMNS} FROM sources AS s WHERE s.id = :id"  # noqa: S608 - our own words
_CHANNELS = """
    SELECT kind, url, enabled, retired_at, last_success_at, failures FROM channels WHERE source_id = :id ORDER BY id
"""
_FEEDS = """
    SELECT substr(name, :cut) AS slug, title, items FROM feeds WHERE name >= :first AND name < :end ORDER BY name
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceEntry:
    """A source, and how much of it is here."""

    id: str
    name: str
    domain: str
    kind: str
    province: str  # name; ""
    city: str  # slug; ""
    timezone: str
    language: str
    is_enabled: bool
    allows_full_text: bool
    news: int  # pieces of news that it carries
    newest_at: str | None  # publication of its newest article


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelEntry:
    """A way into a source."""

    kind: str
    url: str
    is_enabled: bool
    retired_at: str | None
    last_success_at: str | None
    failures: int


class SourceEntryRows(StoreBase):
    """Sources; belongs into a `snapshot`."""

    def list_source_entries(
        self, *, after: str = "", kind: str = "", province: str = "", city: str = "", limit: int
    ) -> tuple[list[SourceEntry], str]:
        """The first after an id; and the id to go on after, "" at the end."""
        asked = {"after": after, "kind": kind, "province": province, "city": city}
        rows = self._rows(_LIST, prefix=make_name(FeedKind.SOURCE, ""), most=limit + 1, **asked)
        found = [_make_entry(dict(row)) for row in rows[:limit]]
        return found, found[-1].id if len(rows) > limit else ""

    def get_source_entry(self, source_id: str) -> SourceEntry | None:
        rows = self._rows(_ONE, prefix=make_name(FeedKind.SOURCE, ""), id=source_id)
        return _make_entry(dict(rows[0])) if rows else None

    def list_channels_of(self, source_id: str) -> Sequence[ChannelEntry]:
        return [
            ChannelEntry(
                kind=row["kind"],
                url=row["url"],
                is_enabled=bool(row["enabled"]),
                retired_at=row["retired_at"],
                last_success_at=row["last_success_at"],
                failures=row["failures"],
            )
            for row in self._rows(_CHANNELS, id=source_id)
        ]

    def count_feed_items(self, kind: FeedKind) -> dict[str, tuple[str, int]]:
        """slug → title and pieces of news of each feed of a kind."""
        prefix = make_name(kind, "")
        rows = self._rows(_FEEDS, cut=len(prefix) + 1, first=prefix, end=prefix[:-1] + chr(ord("/") + 1))
        return {row["slug"]: (row["title"], row["items"]) for row in rows}

    def count_everything(self) -> tuple[int, int, int]:
        """Pieces of news, articles, sources that are on; as they were last counted."""
        news = self._value("SELECT coalesce(sum(items), 0) FROM feeds WHERE name = 'all'")
        articles = self._value("SELECT coalesce(sum(articles), 0) FROM coverage_days WHERE region = '' AND topic = ''")
        sources = self._value("SELECT count(*) FROM sources WHERE enabled")
        return int(news), int(articles), int(sources)


def _make_entry(row: dict[str, object]) -> SourceEntry:
    flags = {"is_enabled": bool(row.pop("enabled")), "allows_full_text": bool(row.pop("full_text"))}
    return SourceEntry(**row, **flags)  # type: ignore[arg-type]
