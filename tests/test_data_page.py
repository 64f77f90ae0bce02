"""The page of data: what can be downloaded, the schema as its comments tell it, examples, whom to write to."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import html
from newsdesk import OTHER, RELEASE, Newsroom
from page_room import Stage
from test_web import check_security_headers

from aggregator.models import SourceKind
from aggregator.schema.describing import Relation, describe_schema, read_table_comments, read_view_comments
from aggregator.store import Store
from aggregator.web.app import create_app
from aggregator.web.data_page import load_queries
from aggregator.web.site import SiteInfo
from aggregator.web.texts import Language

SITE = SiteInfo(url="", operator="Dinas Kominfo", contact="redaksi@kabar.example")
WHOLE = "id,title\n1,Rapat\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Published news with a copy, and files beside it that may and may not be given away."""
    folder = tmp_path_factory.mktemp("data")
    room = Newsroom(folder)
    where = ["KOTA GORONTALO - Para wali kota dan pengurus APEKSI bertemu di Kota Gorontalo."]
    room.publish_at("pemkot", "rilis", [*where, *RELEASE], kind=SourceKind.CITY_GOVERNMENT)
    room.publish_at("portal", "salinan", [*where, *RELEASE], hour=7)
    room.publish_at("bursa", "obligasi", OTHER)
    room.publish_at("bursa", "obligasi", [*OTHER, "Ralat: pelatihan itu berlangsung tiga hari."])
    room.read_feed()
    room.store.refresh_coverage(room.now)
    room.store.close()
    files = folder / "public" / "data"
    (files / "sub.csv").mkdir(parents=True)
    (files / "articles.csv").write_text(WHOLE, encoding="utf-8")
    (files / "news-2026-10-05.db.zst").write_bytes(b"\x28\xb5\x2f\xfd" * 500)
    (files / "news-2026-10-06.db").write_bytes(b"SQLite")
    (files / "news.db").write_bytes(b"SQLite")
    for name in (".news.db.tmp", "a b.csv", "<b>.csv", "no-ending", "news.db.tmp", "x.part", "news.db-wal"):
        (files / name).write_text("rahasia", encoding="utf-8")
    (files / "link.csv").symlink_to(folder / "news.db")
    return folder


@pytest.fixture
def app(folder: Path) -> Any:
    return create_app(database=folder / "news.db", public=folder / "public", site=SITE)


def read(client: httpx.Client, path: str) -> html.HtmlElement:
    answer = client.get(path)
    assert answer.status_code == 200
    return html.fromstring(answer.text)


def test_files_are_listed_with_size_and_day_and_nothing_else_is(client: httpx.Client) -> None:
    page = read(client, "/data")
    rows = page.cssselect("#unduhan tbody tr")
    names = ["news.db", "news-2026-10-06.db", "news-2026-10-05.db.zst", "articles.csv"]
    assert [row.cssselect("a")[0].get("href") for row in rows] == [f"/data/{name}" for name in names]
    assert [row.cssselect(".number")[0].text for row in rows] == ["6 B", "6 B", "2,0 kB", "17 B"]
    assert "tanpa teks lengkap" in page.cssselect("#unduhan h3 + p")[0].text_content()
    assert {"/feed.xml", "/feed.atom", "/feed.json", "/opml.xml", "/opml-sources.xml"} <= set(page.xpath("//a/@href"))


def test_a_file_comes_whole_in_part_and_not_again(client: httpx.Client) -> None:
    whole = client.get("/data/articles.csv")
    assert (whole.status_code, whole.text) == (200, WHOLE)
    assert whole.headers["content-type"] == "text/csv; charset=utf-8"
    assert whole.headers["content-disposition"] == 'attachment; filename="articles.csv"'
    check_security_headers(whole)
    part = client.get("/data/articles.csv", headers={"Range": "bytes=3-7"})
    assert (part.status_code, part.text) == (206, "title")
    again = client.get("/data/articles.csv", headers={"If-None-Match": whole.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    check_security_headers(again)
    head = client.head("/data/articles.csv", headers={"Range": "bytes=3-7"})
    assert (head.status_code, head.headers["content-length"], head.content) == (200, "17", b"")


@pytest.mark.parametrize(
    ("asked", "status", "body"),
    [
        ("bytes=0-1", 206, "id"),
        ("bytes=9-", 206, "1,Rapat\n"),
        ("bytes=-6", 206, "Rapat\n"),
        ("bytes=0-999999999999999999", 206, WHOLE),
        ("bytes=17-", 416, ""),
        ("bytes=-0", 416, ""),
        ("bytes=0-1,3-4", 200, WHOLE),  # several: the whole, too, is an answer
        ("bytes=" + ",".join(["0-"] * 1_000), 200, WHOLE),
        ("bytes=0-" + "9" * 5_000, 200, WHOLE),
        ("bytes=+0-1_0", 200, WHOLE),
        ("items=0-1", 200, WHOLE),
        ("rubbish", 200, WHOLE),
    ],
    ids=lambda value: str(value)[:30],
)
def test_one_range_is_a_part_and_any_other_is_the_whole(
    client: httpx.Client, asked: str, status: int, body: str
) -> None:
    answer = client.get("/data/articles.csv", headers={"Range": asked})
    assert (answer.status_code, answer.text) == (status, body)
    check_security_headers(answer)
    stale = client.get("/data/articles.csv", headers={"Range": asked, "If-Range": '"another"'})
    assert (stale.status_code, stale.text) == (200, WHOLE)


@pytest.mark.parametrize(
    "name",
    [
        *(".news.db.tmp", "a%20b.csv", "%3Cb%3E.csv", "no-ending", "link.csv", "sub.csv", "tidak-ada.csv"),
        *("news.db.tmp", "x.part", "news.db-wal"),
        *("..%2fnews.db", "%2e%2e", "..%2f..%2fnews.db", "articles.csv%00", "x" * 5_000 + ".csv", "News.db"),
    ],
)
def test_what_is_not_listed_is_not_given(client: httpx.Client, name: str) -> None:
    answer = client.get(f"/data/{name}")
    assert answer.status_code == 404
    assert "rahasia" not in answer.text


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_cannot_be_read_is_not_listed(folder: Path, client: httpx.Client) -> None:
    closed = folder / "public" / "data" / "closed.csv"
    closed.write_text("rahasia", encoding="utf-8")
    closed.chmod(0)
    try:
        assert client.get("/data/closed.csv").status_code == 404
        assert "closed.csv" not in client.get("/data").text
    finally:
        closed.unlink()


def test_schema_is_told_as_the_database_tells_it(client: httpx.Client) -> None:
    page = read(client, "/data")
    told = {each.cssselect("summary code")[0].text: each for each in page.cssselect("#skema details")}
    assert "Siapa menyalin siapa" in told["provenance"].cssselect("summary")[0].text_content()
    assert "`" not in page.cssselect("#skema")[0].text_content()
    assert "postings" in {each.text for each in page.cssselect("#skema > p code")} - told.keys()
    assert {"news", "provenance", "articles", "articles_fts", "alarms"} <= told.keys()
    assert not {name for name in told if name.startswith(("sqlite_", "_", "articles_fts_"))}
    assert next(iter(told)) == "article_overview"  # views first
    assert not [name for name, each in told.items() if not each.cssselect("summary span")[0].text]
    assert "rel=canonical as the page says" in told["articles"].text_content()
    assert "as written, also where a desk signs" in told["articles"].text_content()  # a column of a later version


def test_comments_are_found_wherever_they_stand() -> None:
    sql = """CREATE TABLE kabar (
        -- Satu baris, "dengan, koma (dan kurung".
        id INTEGER PRIMARY KEY, -- nomor
        nama TEXT NOT NULL DEFAULT '-- bukan, ' CHECK (nama IN ('a', 'b')), -- satu
        -- dua
        akhir REAL -- tanpa koma
    , "baru" TEXT /* kemudian */ NOT NULL DEFAULT '') STRICT"""
    about, columns = read_table_comments(sql)
    assert about == 'Satu baris, "dengan, koma (dan kurung".'
    assert columns == {"id": "nomor", "nama": "satu dua", "akhir": "tanpa koma", "baru": "kemudian"}
    view = (
        "CREATE VIEW v AS\n    -- Satu\n    -- lagi.\n    SELECT a AS x, -- iks\n    round(b, 2) AS y -- ye\n    FROM t"
    )
    assert read_view_comments(view) == ("Satu lagi.", {"x": "iks", "y": "ye"})
    assert read_table_comments("CREATE TABLE x (") == ("", {})
    described = describe_schema([Relation("t", "table", "", (("a", "TEXT"),)), Relation("v", "view", view, ())])
    assert [each.name for each in described] == ["v", "t"]


@pytest.mark.parametrize("number", range(len(load_queries(Language.ENGLISH))))
def test_example_is_shown_and_answers(folder: Path, client: httpx.Client, number: int) -> None:
    query = load_queries(Language.INDONESIAN)[number]
    shown = [code.text for code in read(client, "/data").cssselect("#contoh code")]
    assert shown[number] == query.sql
    connection = sqlite3.connect(f"{(folder / 'news.db').as_uri()}?mode=ro", uri=True)
    try:
        rows = connection.execute(query.sql).fetchall()
    finally:
        connection.close()
    # What is of the last days by the machine's clock has nothing in news of another year.
    assert rows or "'now'" in query.sql


def test_whom_to_write_to_is_said_in_both_languages(client: httpx.Client, folder: Path, stage: Stage) -> None:
    for path in ("/data", "/data?lang=en"):
        section = read(client, path).cssselect("#penghapusan")[0]
        assert section.xpath(".//a/@href") == ["mailto:redaksi@kabar.example"]
        assert "Dinas Kominfo" in section.text_content()
    for contact, href in (("", []), ("https://kabar.example/kontak?a=1&b=2", ["https://kabar.example/kontak?a=1&b=2"])):
        stage.app = create_app(
            database=folder / "news.db", public=folder / "public", site=SiteInfo(url="", contact=contact)
        )
        section = read(client, "/data").cssselect("#penghapusan")[0]
        assert section.xpath(".//a/@href") == href
        assert ("belum mencantumkan" in section.text_content()) is (not contact)


def test_without_a_database_and_files_the_page_is_there(tmp_path: Path, stage: Stage) -> None:
    stage.app = create_app(database=tmp_path / "news.db", public=tmp_path / "public", site=SITE)
    with httpx.Client(base_url=stage.address, trust_env=False, timeout=60) as client:
        text = read(client, "/data").text_content()
        assert "Belum ada salinan" in text
        assert "Skema tampil di sini" in text
        Store.open_writer(tmp_path / "news.db").close()
        assert "articles_fts" in read(client, "/data").text_content()
