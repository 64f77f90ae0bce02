"""What every process loads when it starts, and what it does not: the extra `analysis` is for those that ask for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

ANALYSIS = {"pandas", "numpy", "pyarrow", "matplotlib", "datasette"}


def list_loaded(code: str) -> set[str]:
    """The modules of a Python of its own after `code`."""
    command = [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"]
    return set(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())


LIBRARY_OF_SUFFIXES = {"tldextract", "requests"}
READERS = {"bs4", "feedparser", "trafilatura", "crawler.channels.parsing", "crawler.extraction.article"}
HELP = """
from contextlib import suppress
from schedules.cli import app
with suppress(SystemExit):
    app([*{arguments}, "--help"])
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "others"),
    [
        ("aggregator.web.app", {"fastapi", "tomlkit", *LIBRARY_OF_SUFFIXES}),
        ("schedules.cli", {"fastapi", "scrapy", "aggregator.exports.exporting"}),
        ("schedules.commands.run", {"fastapi", "scrapy", "tomlkit", *LIBRARY_OF_SUFFIXES, *READERS}),
        (
            "crawler.child",
            {"fastapi", "aggregator.store", "tomlkit", "crawler.catalogue", *LIBRARY_OF_SUFFIXES, *READERS},
        ),
        ("crawler.parser_serving", {"scrapy", "pydantic", *LIBRARY_OF_SUFFIXES}),
    ],
)
def test_what_few_need_is_loaded_by_nobody_else(module: str, others: set[str]) -> None:
    assert list_loaded(f"import {module}") & (ANALYSIS | others) == set()


def test_help_loads_neither_configuration_nor_what_commands_work_with() -> None:
    loaded = list_loaded(HELP.format(arguments=[]))
    unwanted = {
        "pydantic",
        "lxml",
        "sqlite3",
        "schedules.config",
        "schedules.commands.sources",
        "schedules.commands.alerts",
    }
    unwanted |= {"aggregator.models", "typer.rich_utils", "rich", "pygments"}
    assert loaded & unwanted == set()
    assert "schedules.cli" in loaded


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sources", "alerts"])
def test_a_group_that_is_loaded_late_has_its_commands(name: str) -> None:
    loaded = list_loaded(HELP.format(arguments=[name]))
    assert f"schedules.commands.{name}" in loaded


FIRST_CALLS = """
import sys
from datetime import UTC, datetime
from aggregator.models import ArticleLink, ChannelKind
from crawler import reading
reading.load_readers()
before = set(sys.modules)
text = "Wali kota membuka rapat APEKSI tentang kota cerdas di balai kota pada hari Senin. " * 3
page = "<html><head><title>Rapat APEKSI</title></head><body><article><h1>Rapat APEKSI dibuka</h1><p>Senin, 3 Maret 2025"
page += f"</p><p>{text}</p><p>{text}</p><a href='?page=2'>2</a></article></body></html>"
item = f"<item><title>Rapat</title><link>https://kabar.example/rapat</link><description>{text}</description></item>"
headline = "<h2><a href='/berita/2025/03/rapat-apeksi-dibuka-di-{}'>Rapat APEKSI dibuka wali kota di {}</a></h2>"
home = "".join(headline.format(city, city) for city in ("bogor", "bandung", "cirebon", "tegal", "solo", "madiun"))
feed = f"<channel>{item}</channel></rss>"
for body in (f"<rss version='2.0'>{feed}", f"<rss><b>{feed}", f"<html><body>{home}</body></html>", "[]"):
    reading.read_channel(body.encode(), "https://kabar.example/", "", None, None)
link = ArticleLink(url="https://kabar.example/rapat", title="Rapat APEKSI", content_html=f"<p>{text}</p>")
how = reading.Reading(zone="Asia/Jakarta", now=datetime(2025, 3, 4, tzinfo=UTC))
first = reading.read_page(page.encode(), link, link.url, how, False)
assert first.article.text, first
reading.read_further_page(page.encode(), link.url + "?page=2", first, link.url, how)
assert reading.read_link(link, how, False).article.text
rare = {"rapidfuzz", "heapq", "_heapq", "xml", "pyexpat", "encodings"}  # what few bodies need, 20 ms in all
late = {name for name in set(sys.modules) - before if name.partition(".")[0] not in rare}
assert not late, late
"""


@pytest.mark.slow
def test_a_worker_has_loaded_all_that_its_first_calls_need() -> None:
    assert READERS - {"trafilatura"} <= list_loaded(FIRST_CALLS)


@pytest.mark.slow
def test_opening_the_database_runs_no_plugins_and_makes_no_adapter(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from aggregator.store import Store
Store.open_writer(Path({str(tmp_path / "news.db")!r})).close()
from aggregator.adapters import _make_adapter
from sqlite_utils import plugins
assert not plugins._plugins_loaded and not _make_adapter.cache_info().currsize
"""
    assert "aggregator.store" in list_loaded(code)


@pytest.mark.slow
def test_libraries_of_analysts_can_be_loaded_afterwards() -> None:
    for name in ("numpy", "pandas"):
        pytest.importorskip(name, reason="the extra `analysis`")
    code = "import aggregator.store, numpy, pandas\nassert pandas.DataFrame({'a': [1]}).a.sum() == numpy.int64(1)"
    assert {"numpy", "pandas"} <= list_loaded(code)
