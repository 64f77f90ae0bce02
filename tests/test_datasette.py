"""`kabarkota datasette`: the real Datasette over a database that is written meanwhile, asked by strangers."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from lxml import html
from newsdesk import OTHER, RELEASE, Newsroom
from ports import find_port
from test_serve import wait_for
from typer.testing import CliRunner

from aggregator.chronicle import Chronicle
from aggregator.models import SourceKind
from aggregator.questions import find_today, load_queries
from aggregator.schema.views import load_views
from schedules.cli import app

pytestmark = pytest.mark.skipif(find_spec("datasette") is None, reason="needs Datasette: the extra `analysis`")

HOME = ["KOTA GORONTALO - Para wali kota dan pengurus APEKSI bertemu di Kota Gorontalo."]
ROAD = [
    "Jalan lingkar timur ditutup tiga malam untuk pengaspalan, kata kepala dinas pekerjaan umum.",
    "Angkutan barang dialihkan melewati jembatan lama sampai Sabtu pukul lima pagi.",
    "Pedagang di tepi jalan mendapat tempat sementara di halaman terminal.",
]
ATTEMPTS = 5  # at a port that nobody took since it was found free
TAKEN = "Address already in use"
SINCE = {"since": "2026-10-01", "until": "2026-10-31"}
# What is asked of each of our questions, and how many rows come.
ASKED: dict[str, tuple[dict[str, str], int]] = {
    "newest": ({}, 3),
    "newest-of-city": ({"city": "kota-gorontalo", "topic": "apeksi"}, 3),
    "search": ({"words": '"wali kota" NOT bursa'}, 3),
    "city-by-day": ({"city": "kota-gorontalo", **SINCE}, 2),
    "by-day": (SINCE, 2),
    "topics-by-day": (SINCE, 1),
    "cities": (SINCE, 1),
    "two-cities": ({"city": "kota-gorontalo", "other": "kota-ambon"}, 1),
    "komwil-by-month": ({"komwil": "6"}, 1),
    "copies": (SINCE, 1),
    "copied-most": ({}, 1),
    "releases-carried": ({"city": "kota-gorontalo", "since": "2026-10-01"}, 1),
    "first-sources": (SINCE, 4),
    "stories-of-a-time": (SINCE, 2),
    "terms": ({"topic": "apeksi"}, 3),
    "changes-by-portals": ({}, 1),
    "down": (SINCE, 1),
    "column-meanings": ({"relation": "labels"}, 5),
}


class Site:
    """A running `kabarkota datasette`."""

    def __init__(self, folder: Path, *options: str) -> None:
        for _ in range(ATTEMPTS):
            self._start(folder, find_port(), *options)
            wait_for(lambda: self.process.poll() is not None or self._answers())
            if self.process.poll() is None or TAKEN not in self.log.read_text():
                break

    def _start(self, folder: Path, port: int, *options: str) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.log = folder.parent / f"datasette-{port}.log"
        command = [sys.executable, "-m", "schedules", "--data", str(folder), "datasette", "--port", str(port), *options]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def ask(self, path: str, **query: str) -> httpx.Response:
        return httpx.get(self.base + path, params=query or None, trust_env=False, timeout=30)

    def read(self, path: str, **query: str) -> Any:
        answer = self.ask(path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ask_sql(self, sql: str) -> httpx.Response:
        return self.ask("/news.json", sql=sql, _shape="arrays")

    def stop(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)

    def _answers(self) -> bool:
        try:
            return self.ask("/-/databases.json").status_code == 200
        except httpx.TransportError:
            return False


@pytest.fixture(scope="module")
def newsroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsroom]:
    """Releases, a copy, a change by a portal, a source that was down; the writer stays."""
    room = Newsroom(tmp_path_factory.mktemp("datasette") / "data?")  # a name that is no plain part of an address
    room.publish_at("pemkot", "rilis", [*HOME, *RELEASE], kind=SourceKind.CITY_GOVERNMENT)
    room.publish_at("portal", "salinan", [*HOME, *RELEASE], hour=7)
    room.publish_at("bursa", "obligasi", OTHER)
    room.publish_at("harian", "jalan", [*HOME, *ROAD], hour=5)
    room.publish_at("harian", "jalan", [*HOME, *ROAD, "Ralat: jalan itu belum diaspal."], hour=5, title="APEKSI: ralat")
    room.minutes += 60 * 24
    room.fail("bursa", status=500)
    room.minutes -= 60 * 24
    room.read_feed()
    with room.store.transaction():
        room.store._connection.execute("UPDATE sources SET city = 'kota-gorontalo' WHERE id = 'pemkot'")
    with room.store.transaction():
        Chronicle(room.store, room.now).look()
    room.store.refresh_coverage(room.now)
    yield room
    room.store.close()


@pytest.fixture(scope="module")
def site(newsroom: Newsroom) -> Iterator[Site]:
    site = Site(newsroom.folder)
    yield site
    assert site.stop(signal.SIGTERM) == 0
    assert site.log.read_text().count("\n") == 1, site.log.read_text()  # where it serves, and no error of any test


@pytest.mark.slow
def test_the_live_database_is_open_for_reading_and_no_download(site: Site) -> None:
    (shown,) = site.read("/-/databases.json")
    assert (shown["name"], shown["path"], shown["is_mutable"]) == ("news", "news.db", True)
    assert site.ask("/news.db").status_code == 403
    assert "Disallow: /\n" in site.ask("/robots.txt").text
    assert site.log.read_text().startswith(f"kabarkota: serving {site.base}/ from ")


def test_every_view_and_question_is_there_and_answers(site: Site) -> None:
    listed = site.read("/news.json")
    assert {each["name"] for each in listed["views"]} == set(load_views())
    assert {each["name"] for each in listed["tables"] if not each["hidden"]} == {
        *("articles", "sources", "regions", "schema_docs", "labels"),
    }
    assert [each["name"] for each in listed["queries"]] == [query.name for query in load_queries()] == list(ASKED)
    assert not {each["name"] for each in listed["queries"]} & {*load_views(), *(t["name"] for t in listed["tables"])}
    for view in load_views():
        assert isinstance(site.read(f"/news/{view}.json", _shape="array"), list), view
    found = {name: len(site.read(f"/news/{name}.json", _shape="array", **asked)) for name, (asked, _) in ASKED.items()}
    assert found == {name: rows for name, (_, rows) in ASKED.items()}


def test_parameters_have_defaults_and_strange_ones_find_nothing(site: Site) -> None:
    before = find_today(datetime.now(UTC))
    days = site.read("/news/by-day.json", until="")["query"]["params"]
    after = find_today(datetime.now(UTC))  # another day, around midnight
    assert date.fromisoformat(days["until"]) in (before, after)
    assert date.fromisoformat(days["since"]) == date.fromisoformat(days["until"]) - timedelta(days=30)
    asked = site.read("/news/newest-of-city.json", topic="smart-city")["query"]["params"]
    assert asked == {"topic": "smart-city", "city": "kota-gorontalo"}
    for strange in ("'; DROP TABLE articles; --", "<script>", "9" * 400):
        for name, (given, _) in ASKED.items():
            answer = site.ask(f"/news/{name}.json", _shape="array", **dict.fromkeys(given, strange))
            assert answer.status_code == 200 or name == "search", (name, strange, answer.text)
    assert site.ask("/news/search.json", words='"').status_code == 400
    assert site.ask("/news/news.json", _sort="\0").status_code == 400
    assert site.ask("/news/news.json?" + "&".join(["_facet=source"] * 11)).status_code == 400
    for name in ("threads.json", "versions.json", "messages", "allow-debug", "patterns", "thre%61ds", "plugins.json"):
        assert site.ask(f"/-/{name}").status_code == 404


def test_tables_in_csv_hold_no_formulas(site: Site) -> None:
    sql = "SELECT '=1+1' AS a, -5 AS b"
    for path in ("/news.csv?", "/news.csv?_dl=1&"):
        assert site.ask(f"{path}sql={quote(sql)}").text == "a,b\r\n'=1+1,-5\r\n"
    assert site.read("/news.json", sql=sql, _shape="arrays")["rows"] == [["=1+1", -5]]


def test_facets_search_and_meanings(site: Site) -> None:
    news = site.read("/news/news.json", _search="bursa")
    assert [row[news["columns"].index("source_id")] for row in news["rows"]] == ["bursa"]
    kinds = site.read("/news/news.json")["facet_results"]["source_kind"]["results"]
    assert {(each["value"], each["count"]) for each in kinds} == {("regional", 2), ("city-government", 1)}
    page = html.fromstring(site.ask("/news/news").text)
    assert page.cssselect("input[name=_search]")
    meanings = dict(
        zip(
            (each.text for each in page.cssselect("dl.column-descriptions dt")),
            (each.text for each in page.cssselect("dl.column-descriptions dd")),
            strict=True,
        )
    )
    assert meanings["published_wib"].startswith("the same in WIB (UTC+7)")
    assert all(meanings.values())
    assert page.cssselect("details.meanings:not([open]) > dl.column-descriptions")  # the rows come first
    (suggested,) = html.fromstring(site.ask("/news").text).cssselect("#sql-editor")
    assert len(site.read("/news.json", sql=suggested.text, _shape="array")) == 3
    own = html.fromstring(site.ask("/news?sql=select+*+from+labels").text).cssselect("#sql-editor")
    assert own[0].text == "select * from labels"


@pytest.mark.parametrize(
    "sql",
    [
        *("INSERT INTO regions VALUES (1)", "DELETE FROM articles", "PRAGMA journal_mode = DELETE", "VACUUM"),
        *(
            "ATTACH DATABASE ':memory:' AS other",
            "WITH x AS (SELECT 1) DELETE FROM articles",
            "SELECT 1; DROP TABLE links",
            *("SELECT printf('%.*c', 1000000000, 'x')", "SELECT length(randomblob(1000000000))"),
            "SELECT instr(zeroblob(300000000), zeroblob(150000000) || 'x')",
            "WITH RECURSIVE t (x) AS (SELECT 'ab' UNION ALL SELECT x || x FROM t) SELECT max(length(x)) FROM t",
            *("SELECT term FROM story_terms", "SELECT reason FROM links", "SELECT * FROM jobs"),
        ),
        *("SELECT load_extension('x')", "SELECT * FROM takedowns", "SELECT * FROM pragma_journal_mode"),
        "WITH revisions AS (SELECT difference AS x FROM article_revisions) SELECT x FROM revisions",
        "SELECT x FROM pragma_database_list",
    ],
)
def test_what_is_no_reading_is_refused(site: Site, sql: str) -> None:
    answer = site.ask_sql(sql)
    assert (answer.status_code, answer.json()["ok"]) == (400, False)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT text FROM articles WHERE text NOT NULL",
        "SELECT highlight(articles_fts, 0, '', '') AS x FROM articles_fts WHERE articles_fts MATCH 'bursa' AND x <> ''",
        "SELECT difference FROM (SELECT difference FROM article_revisions) AS revisions WHERE difference NOT NULL",
        "SELECT block FROM articles_fts_data WHERE block NOT NULL",
        "SELECT file FROM pragma_database_list WHERE file NOT NULL",
        "SELECT summary FROM articles WHERE summary NOT NULL",
        "SELECT definition FROM sources WHERE definition NOT NULL UNION SELECT etag FROM channels WHERE etag NOT NULL",
    ],
)
def test_full_texts_and_where_the_file_lies_are_not_shown(site: Site, sql: str) -> None:
    assert site.ask_sql(sql).json()["rows"] == []


def test_what_is_withheld_is_still_counted(site: Site) -> None:
    (row,) = site.read("/news/revisions.json", _shape="array")
    assert (row["is_title_changed"], row["paragraphs_added"]) == (1, 1)
    assert "takedowns" not in {each["name"] for each in site.read("/news.json", _show_hidden="1")["tables"]}
    assert site.ask("/news/takedowns.json").status_code == 403


def test_charts_are_drawn_in_both_languages_without_anything_from_elsewhere(site: Site) -> None:
    for path, label, drawn in (
        ("/news/first-sources?since=2026-10-01&until=2026-10-31", "Grafik", ".bars rect"),
        ("/news?sql=SELECT+name,komwil+FROM+regions+WHERE+komwil+LIMIT+3&_lang=en", "Chart", ".bars rect"),
        (f"/news?sql={DAYS}&_lang=en", "Chart", "svg[role=img] .columns"),
    ):
        answer = site.ask(path)
        page = html.fromstring(answer.text)
        assert page.cssselect(f"section.figure[aria-label={label}] {drawn}"), path
        loaded = page.xpath("//script/@src | //link[@rel='stylesheet']/@href | //img/@src")
        assert loaded
        assert all(each.startswith("/-/") and site.ask(each).status_code == 200 for each in loaded)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "set-cookie" not in answer.headers
    assert "28" in page.cssselect("desc")[0].text
    assert not html.fromstring(site.ask("/news?sql=SELECT+'<b>'+AS+a,+'x'+AS+b").text).cssselect(".figure, b")


DAYS = "SELECT+'2026-10-27'+AS+day,+1+AS+n+UNION+SELECT+'2026-10-28',+4"


def test_the_writer_goes_on_and_nothing_is_written_by_reading(site: Site, newsroom: Newsroom) -> None:
    connection = newsroom.store._connection
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = look(newsroom.folder)
    for path in (
        "/news",
        "/news/news",
        "/news/article_overview.csv",
        "/news/articles/1",
        "/news.json?sql=SELECT+*+FROM+polls",
    ):
        assert site.ask(path).status_code == 200
    assert look(newsroom.folder) == before
    newsroom.publish_at("bursa", "lelang", [*HOME, OTHER[0]])
    assert site.read("/news/search.json", words="bursa", _shape="array")[0]["url"] == "https://bursa.example/lelang"
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()  # no answer holds the past open
    assert not busy


def look(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file but those that readers share with the writer."""
    found = [path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(("-wal", "-shm"))]
    return {path.name: (path.stat().st_size, path.stat().st_mtime_ns) for path in found}


@pytest.mark.slow
def test_a_snapshot_is_immutable_may_be_downloaded_and_stands_below_a_path(newsroom: Newsroom) -> None:
    files = newsroom.folder / "public" / "data"
    files.mkdir(parents=True)
    for name, at in (("news-2026-10-05.db", 2_000), ("news-2026-10-04.db", 1_000)):
        newsroom.store._connection.execute("VACUUM INTO ?", (str(files / name),))
        os.utime(files / name, (at, at))
    before = look(newsroom.folder)
    site = Site(newsroom.folder, "--snapshot", "latest", "--base-url", "/datasette/")
    (shown,) = site.read("/datasette/-/databases.json")
    assert (shown["path"], shown["is_mutable"]) == ("news-2026-10-05.db", False)
    assert site.ask("/datasette/").headers["location"] == "/datasette/news"
    answer = site.ask("/datasette/news.db")
    assert answer.content == (files / "news-2026-10-05.db").read_bytes()
    given = site.read("/datasette/news.json", sql="SELECT text FROM articles WHERE text NOT NULL", _shape="array")
    assert given  # what the file gives away need not be withheld
    page = html.fromstring(site.ask("/datasette/news/by-day").text)
    since, until = (page.cssselect(f"input[name={name}]")[0].get("value") for name in ("since", "until"))
    assert date.fromisoformat(since) == date.fromisoformat(until) - timedelta(days=30)
    assert all(each.startswith("/datasette/-/") for each in page.xpath("//link[@rel='stylesheet']/@href"))
    assert site.stop(signal.SIGINT) == 0
    assert look(newsroom.folder) == before
    assert {path.suffix for path in files.iterdir()} == {".db"}


def test_what_cannot_be_served_is_told_in_one_line(
    site: Site, newsroom: Newsroom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty, old, broken = (tmp_path / name for name in ("empty", "old", "broken"))
    for folder in (empty, old, broken):
        folder.mkdir()
    with sqlite3.connect(old / "news.db") as connection:
        newsroom.store._connection.backup(connection)
        connection.execute("DELETE FROM _sqlite_migrations WHERE name = 'm013_analysts'")
    connection.close()
    (broken / "news.db").write_text("no database " * 99)
    live, taken = str(newsroom.folder / "news.db"), site.base.rpartition(":")[2]
    for folder, options, told in (
        (empty, [], f"{empty / 'news.db'}: there is no database yet; `kabarkota run` makes it"),
        (empty, ["--snapshot", "latest"], f"{empty / 'public/data'}: there is no snapshot yet"),
        (empty, ["--snapshot", str(tmp_path / "x.db")], "x.db: no such file"),
        (newsroom.folder, ["--snapshot", live], "it is written to, and no snapshot"),
        (old, [], "of an older version of Kabar Kota; the next `kabarkota run` or `serve` brings it up to date"),
        (broken, [], "file is not a database"),
        (newsroom.folder, ["--port", taken], f"--port {taken}: cannot listen on 127.0.0.1: {TAKEN}"),
        (newsroom.folder, ["--host", "0.0.0.0", "--private"], "--private: full texts are not to be published"),
        (newsroom.folder, ["--base-url", "datasette"], "--base-url datasette: must be a path"),
    ):
        assert told in fail(folder, *options)
    for name in ("aggregator.analysis.site", "aggregator.analysis.plugin"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    for name in ("datasette", "datasette.app", "datasette.utils"):
        monkeypatch.setitem(sys.modules, name, None)
    assert "pip install 'kabarkota[analysis]'" in fail(newsroom.folder)


@pytest.mark.slow
def test_a_thread_that_is_stuck_does_not_keep_it() -> None:
    code = (
        "import threading; from aggregator.analysis.site import end_soon;"
        "threading.Thread(target=threading.Event().wait).start(); end_soon()"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=30, check=False).returncode == 0


def fail(folder: Path, *options: str) -> str:
    result = CliRunner().invoke(app, ["--data", str(folder), "datasette", *options])
    assert result.exception is not None
    assert "\n" not in str(result.exception)
    return str(result.exception)
