"""The catalogue as the database has it: who publishes, and the ways in."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence

from aggregator.adapters import get_adapter
from aggregator.models import Channel, Source
from aggregator.store_base import StoreBase

_COLUMNS = (
    *("id", "name", "domain", "kind", "province", "city"),
    *("timezone", "language", "full_text", "enabled", "evidence"),
)

# What a channel's answers were asked for with holds for the same channel of the same source only: with other selectors
# the same page holds other links, and another source has read none of them.
_WRITE_CHANNEL = """
    INSERT INTO channels (source_id, kind, url, definition) VALUES (:source, :kind, :url, :definition)
    ON CONFLICT (url) DO UPDATE SET source_id = :source, kind = :kind, definition = :definition, enabled = 1,
        stand_in = NULL,
        etag = CASE WHEN source_id = :source AND definition = :definition THEN etag ELSE '' END,
        last_modified = CASE WHEN source_id = :source AND definition = :definition THEN last_modified ELSE '' END,
        body_hash = CASE WHEN source_id = :source AND definition = :definition THEN body_hash ELSE '' END,
        validator_parts = CASE WHEN source_id = :source AND definition = :definition THEN validator_parts ELSE '' END,
        next_poll_at = CASE WHEN source_id = :source AND definition = :definition THEN next_poll_at ELSE '' END
"""


class CatalogueRows(StoreBase):
    """The part of the store that knows the catalogue.

    With 100,000 sources their files take many seconds to read: they are read when they change, and a cycle takes from
    here the few that it needs.
    """

    def write_catalogue(self, sources: Iterable[Source], *, stamp: str = "") -> None:
        """Makes sources and channels those of the catalogue. What is no longer in it is switched off, never deleted.

        `stamp` tells this state of its files from others.
        """
        with self.transaction():
            self._connection.execute("UPDATE sources SET enabled = 0, definition = ''")
            self._connection.execute("UPDATE channels SET enabled = stand_in IS NOT NULL")
            for source in sources:
                self._connection.execute(
                    """
                    INSERT INTO sources (id, name, domain, host, kind, province, city, timezone, language, full_text,
                        enabled, evidence, definition)
                    VALUES (:id, :name, :domain, :host, :kind, :province, :city, :timezone, :language, :full_text,
                        :enabled, :evidence, :definition)
                    ON CONFLICT (id) DO UPDATE SET name = :name, domain = :domain, host = :host, kind = :kind,
                        province = :province, city = :city, timezone = :timezone, language = :language,
                        full_text = :full_text, enabled = :enabled, evidence = :evidence, definition = :definition,
                        discovered_by = NULL, discovered_at = NULL
                    """,
                    {
                        **{name: getattr(source, name) for name in _COLUMNS},
                        "host": get_publishing_host(source),
                        "definition": get_adapter(Source).dump_json(source, exclude_defaults=True).decode(),
                    },
                )
                self._connection.executemany(
                    _WRITE_CHANNEL,
                    [
                        {
                            "source": source.id,
                            "kind": channel.kind.value,
                            "url": channel.url,
                            "definition": get_adapter(Channel).dump_json(channel, exclude_defaults=True).decode(),
                        }
                        for channel in source.channels
                    ],
                )
            self._connection.execute("INSERT OR REPLACE INTO catalogue_state VALUES (1, ?)", (stamp,))

    def get_catalogue_stamp(self) -> str:
        """The stamp of the catalogue that was written last; "" before any."""
        return str(self._value("SELECT stamp FROM catalogue_state") or "")

    def get_ca_bundles(self) -> list[str]:
        """Of all sources of the catalogue, each once."""
        rows = self._rows(
            "SELECT DISTINCT definition ->> 'ca_bundle' AS bundle FROM sources WHERE definition <> ''"
            " AND bundle IS NOT NULL ORDER BY bundle"
        )
        return [row["bundle"] for row in rows]

    def get_sources(self, ids: Collection[str]) -> dict[str, Source]:
        """Sources of the catalogue by id."""
        rows = self._rows(
            "SELECT s.definition FROM json_each(:ids) AS k CROSS JOIN sources AS s ON s.id = k.value"
            " WHERE s.definition <> ''",
            ids=json.dumps(sorted(ids)),
        )
        found = (get_adapter(Source).validate_json(row["definition"]) for row in rows)
        return {source.id: source for source in found}


class Publishers:
    """The sources by the host they publish at, looked up as they are needed; search engines publish nothing."""

    def __init__(self, store: CatalogueRows) -> None:
        self._store = store
        self._known: dict[str, Sequence[Source]] = {}

    def get(self, host: str, default: Sequence[Source] = ()) -> Sequence[Source]:
        """Those at a host, `default` where there are none."""
        if host not in self._known:
            rows = self._store._rows(  # noqa: SLF001 - its own module
                "SELECT definition FROM sources WHERE host = :host AND definition <> '' ORDER BY id", host=host
            )
            found = (get_adapter(Source).validate_json(row["definition"]) for row in rows)
            self._known[host] = tuple(source for source in found if not source.discovery)
        return self._known[host] or default


def get_publishing_host(source: Source) -> str:
    """The host of a source's domain: no port, no `www.`."""
    return source.domain.partition(":")[0].removeprefix("www.")
