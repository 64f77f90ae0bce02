"""Datasette over our database: only read, shown as `metadata` says, within limits that are fit for strangers."""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

import uvicorn
from datasette.app import Datasette
from datasette.database import Database
from datasette.plugins import pm

from aggregator.analysis import plugin
from aggregator.analysis.guard import is_impostor
from aggregator.analysis.metadata import DATABASE, Withheld
from aggregator.web.server import Server

END_SECONDS = 2  # for answers under way when it is ended
STUCK_SECONDS = 2  # and for statements after that: there are functions that nothing ends
CONNECTIONS_MOST = 200
COUNT_MS = 200  # for the number of all rows of a view, which is only told if that is quick
FIRST_QUESTION = "select * from news limit 20"
_SUGGESTED = re.compile(r'(<textarea id="sql-editor" name="sql">)select \* from [^<\s]+(</textarea>)')
_MEANINGS = re.compile(r'<dl class="column-descriptions">.*?</dl>', re.DOTALL)
_FOLD = '<details class="meanings"><summary><span lang="id">Arti kolom</span> / What the columns mean</summary>'
_LIMITS = {
    "sql_time_limit_ms": 2000,
    "max_returned_rows": 1000,
    "num_sql_threads": 3,
    "default_page_size": 50,
    "facet_time_limit_ms": 200,
    "suggest_facets": False,  # it tries every column of a view: seconds
    "allow_csv_stream": False,  # page by page with ever larger offsets; there are exports and snapshots for that
    "max_csv_mb": 20,
    "truncate_cells_html": 400,
    "cache_size_kb": 8192,
}


@dataclass(frozen=True, kw_only=True)
class SitePlan:
    """What is opened, and how."""

    file: Path
    metadata: Mapping[str, Any]
    withheld: Withheld
    is_snapshot: bool  # nobody writes it
    may_download: bool
    base_url: str = "/"


class NewsDatabase(Database):  # type: ignore[misc]  # Datasette has no types
    """Never opened for writing; a snapshot is not even locked."""

    def __init__(self, site: Datasette, plan: SitePlan) -> None:
        super().__init__(site, path=str(plan.file), is_mutable=not plan.is_snapshot)
        tables = plan.metadata["databases"][DATABASE]["tables"]
        self._described = frozenset(name for name, about in tables.items() if "columns" in about)
        self._listed = frozenset(name for name in self._described if not tables[name].get("hidden"))
        if plan.is_snapshot:  # instead of a hash of all its bytes
            status = plan.file.stat()
            self.cached_hash = sha256(f"{plan.file.name} {status.st_size} {status.st_mtime_ns}".encode()).hexdigest()

    def connect(self, write: bool = False) -> sqlite3.Connection:
        if write:
            raise sqlite3.OperationalError("this database is only read here")
        mode = "mode=ro" if self.is_mutable else "immutable=1"
        connection = sqlite3.connect(f"{Path(self.path).absolute().as_uri()}?{mode}", uri=True, check_same_thread=False)
        self._all_file_connections.append(connection)
        return connection

    async def execute(self, sql: str, params: Any = None, **options: Any) -> Any:
        """As Datasette does it; what strangers ask wrongly is not told to the log."""
        if self.ds.withheld.columns and is_impostor(sql):
            raise sqlite3.OperationalError("a table of a WITH clause cannot be named as one of our views here")
        if sql.startswith("select count(*) from"):
            options.setdefault("custom_time_limit", COUNT_MS)
        return await super().execute(sql, params, **{**options, "log_sql_errors": False})

    async def table_names(self) -> list[str]:
        """Not those of libraries and of our working memory: each costs the list of tables ten milliseconds."""
        return [name for name in await super().table_names() if name in self._described]

    async def get_all_foreign_keys(self) -> dict[str, dict[str, list[dict[str, str]]]]:
        """Not those from or to what is withheld: Datasette would count its rows."""
        found = await super().get_all_foreign_keys()
        return {
            name: {way: [key for key in keys if not self._is_withheld(key)] for way, keys in ways.items()}
            for name, ways in found.items()
        }

    async def foreign_keys_for_table(self, table: str) -> list[dict[str, str]]:
        return [key for key in await super().foreign_keys_for_table(table) if not self._is_withheld(key)]

    def _is_withheld(self, key: Mapping[str, str]) -> bool:
        return bool(self.ds.withheld.has_table(key["other_table"]))

    async def table_counts(self, limit: int = COUNT_MS) -> dict[str, int | None]:
        """Of the tables on the first list alone. SQLite counts a table in one step, which no time limit ends."""
        counts: dict[str, int | None] = dict.fromkeys(await self.table_names())
        for name in self._listed & counts.keys():
            counts[name] = (await self.execute(f"SELECT count(*) FROM [{name}]")).single_value()  # noqa: S608 - our own names
        return counts


class NewsDatasette(Datasette):  # type: ignore[misc]  # Datasette has no types
    """Datasette with one database, `news`."""

    def __init__(self, plan: SitePlan) -> None:
        static = {name: str(files(package) / "static") for name, package in _STATIC.items()}
        super().__init__(
            [],
            metadata=dict(plan.metadata),
            settings={**_LIMITS, "allow_download": plan.may_download, "base_url": plan.base_url},
            static_mounts=list(static.items()),
        )
        self.withheld = plan.withheld
        self.remove_database("_memory")
        self.add_database(NewsDatabase(self, plan), name=DATABASE)

    async def render_template(self, *given: Any, **options: Any) -> str:
        """With what its pages lack: that they are in English (what is ours says if it is not), their main part, a first
        question to our views, and room for rows above the meanings of their columns."""
        page: str = await super().render_template(*given, **options)
        page = page.replace("<html>", '<html lang="en">', 1)
        page = page.replace('<section class="content">', '<section class="content" role="main">', 1)
        page = _SUGGESTED.sub(rf"\1{FIRST_QUESTION}\2", page, count=1)
        return _MEANINGS.sub(rf"{_FOLD}\g<0></details>", page, count=1)

    def _connected_databases(self) -> list[dict[str, Any]]:
        """Not where the file lies on this machine."""
        return [{**each, "path": Path(each["path"]).name} for each in super()._connected_databases()]


_STATIC = {plugin.PAGES_STATIC: "aggregator.web", plugin.OWN_STATIC: "aggregator.analysis"}


def serve_site(plan: SitePlan, *, host: str, port: int) -> bool:
    """Serves until it is told to stop (SIGINT, SIGTERM); says whether it came to serving."""
    pm.get_plugin("datasette.handle_exception").rich = None  # it would print every refused question, with all variables
    if not pm.is_registered(plugin):
        pm.register(plugin)
    server = Server(
        uvicorn.Config(
            NewsDatasette(plan).app(),
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            ws="none",
            server_header=False,
            limit_concurrency=CONNECTIONS_MOST,
            timeout_graceful_shutdown=END_SECONDS,
        )
    )
    with suppress(KeyboardInterrupt):
        server.run()
    end_soon()
    return bool(server.started)


def end_soon() -> None:
    """Python waits for all threads when it ends; one that is stuck within SQLite would keep it for ever."""
    timer = threading.Timer(STUCK_SECONDS, os._exit, [0])
    timer.daemon = True
    timer.start()
