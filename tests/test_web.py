"""The web server over a real socket: what subscribers, readers and monitors get."""

from __future__ import annotations

import gzip
import os
import socket
import tomllib
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email.utils import formatdate
from pathlib import Path
from typing import Any

import feedparser
import httpx
import pytest
from lxml import html
from newsroom import NEWEST, add_channel, finish_cycle, make_item, make_news, write_news
from page_room import Stage

from aggregator.instants import to_text
from aggregator.models import FeedItem
from aggregator.publish.feed_info import FeedInfo
from aggregator.publish.files import write_public
from aggregator.publish.rss import render_rss
from aggregator.store import Store, StoreError
from aggregator.web.app import create_app
from aggregator.web.conditional import is_browser, is_not_modified, rank_codings
from aggregator.web.headers import SECURITY_HEADERS
from aggregator.web.shown_item import build_days
from aggregator.web.site import SiteInfo
from aggregator.web.texts import WIB, Language, get_texts, name_zone

WEB = Path(create_app.__code__.co_filename).parent
TIMES = WEB.parent / "times.toml"
WORDS = [TIMES, *WEB.glob("words/*.toml")]
SITE = SiteInfo(url="https://kabarkota.example/", operator="Redaksi", contact="redaksi@kabarkota.example", page_size=6)
FEED = FeedInfo(
    id="tag:kabarkota.example,2026:feed/all",
    title="Kabar Kota",
    site_url=SITE.url,
    page_url=SITE.url,
    self_url=SITE.feed_url,
    description="Berita",
)


class World:
    """A running server, and what it stands on, for a test to change."""

    def __init__(self, folder: Path) -> None:
        self.items: list[FeedItem] = []
        self.failure: Exception | None = None
        self.now = NEWEST + timedelta(hours=1)
        self.database = folder / "news.db"
        self.show(make_news())
        finish_cycle(self.database, NEWEST)
        self.feed = folder / "public" / "feed.xml"
        self.app = create_app(
            database=self.database,
            public=folder / "public",
            site=SITE,
            open_store=self.open_store,
            clock=lambda: self.now,
        )

    def open_store(self, path: Path) -> Store:
        assert path == self.database
        if self.failure:
            raise self.failure
        return Store.open_reader(path)

    def show(self, items: list[FeedItem]) -> None:
        """Makes these the news in the database."""
        self.items = items
        write_news(self.database, items)

    def publish(self, body: bytes | None = None) -> bytes:
        body = render_rss(self.items, FEED) if body is None else body
        write_public(self.feed, body)
        return body


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def app(world: World) -> Any:
    return world.app


def ask(client: httpx.Client, path: str, **headers: str) -> httpx.Response:
    """A GET that sends only the headers named (httpx accepts gzip of its own accord)."""
    wanted = {"Accept-Encoding": "identity"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get(path, headers=wanted)


def read_page(client: httpx.Client, path: str = "/") -> html.HtmlElement:
    answer = client.get(path)
    assert answer.status_code == 200
    return html.fromstring(answer.text)


# ── the feed ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_feed_is_served_byte_for_byte_and_read_by_feedparser(world: World, client: httpx.Client) -> None:
    body = world.publish()
    answer = ask(client, "/feed.xml")
    assert answer.status_code == 200
    assert answer.content == body
    assert answer.headers["content-type"] == "application/rss+xml; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.headers["last-modified"] == formatdate(world.feed.stat().st_mtime, usegmt=True)
    parsed = feedparser.parse(str(client.base_url.join("/feed.xml")))
    assert not parsed.bozo
    assert [entry.id for entry in parsed.entries] == [item.guid for item in world.items]


def test_feedparser_is_told_that_nothing_changed(world: World, client: httpx.Client) -> None:
    world.publish()
    address = str(client.base_url.join("/feed.xml"))
    first = feedparser.parse(address)
    assert feedparser.parse(address, etag=first.etag).status == 304
    assert feedparser.parse(address, modified=first.modified).status == 304
    write_public(world.feed, render_rss(world.items[1:], FEED))
    assert feedparser.parse(address, etag=first.etag).status == 200


def test_feed_is_read_again_when_it_was_replaced(world: World, client: httpx.Client) -> None:
    world.publish(b"satu")
    first = ask(client, "/feed.xml")
    world.publish(b"dua!")
    second = ask(client, "/feed.xml", If_None_Match=first.headers["etag"])
    assert (second.status_code, second.content) == (200, b"dua!")
    assert second.headers["etag"] != first.headers["etag"]


def test_etag_belongs_to_the_content_not_to_the_time_of_the_file(world: World, client: httpx.Client) -> None:
    world.publish(b"satu")
    first = ask(client, "/feed.xml").headers["etag"]
    os.utime(world.feed, (1, 1))
    assert ask(client, "/feed.xml").headers["etag"] == first
    assert not first.startswith("W/")


def test_unchanged_feed_is_not_read_again(world: World, client: httpx.Client) -> None:
    world.publish(b"satu")
    ask(client, "/feed.xml")
    status = world.feed.stat()
    with world.feed.open("r+b") as file:  # same inode, size and time: only a reader of the bytes could tell
        file.write(b"SATU")
    os.utime(world.feed, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert ask(client, "/feed.xml").content == b"satu"


def test_feed_comes_compressed_from_the_twin_with_a_tag_of_its_own(world: World, client: httpx.Client) -> None:
    body = world.publish()
    plain = ask(client, "/feed.xml")
    with client.stream("GET", "/feed.xml", headers={"Accept-Encoding": "gzip"}) as answer:
        raw = b"".join(answer.iter_raw())
    assert raw == world.feed.with_name("feed.xml.gz").read_bytes()
    assert gzip.decompress(raw) == body
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) == len(raw)
    assert answer.headers["etag"] != plain.headers["etag"]
    assert answer.headers["vary"] == plain.headers["vary"] == "Accept, Accept-Encoding"
    again = ask(client, "/feed.xml", Accept_Encoding="gzip", If_None_Match=answer.headers["etag"])
    assert again.status_code == 304
    assert ask(client, "/feed.xml", If_None_Match=answer.headers["etag"]).status_code == 200


@pytest.mark.parametrize(
    "twin",
    [None, b"\x1f\x8bbroken", gzip.compress(b"another body" * 200, mtime=0)],
    ids=["missing", "broken", "of another body"],
)
def test_a_twin_that_does_not_match_is_not_served(world: World, client: httpx.Client, twin: bytes | None) -> None:
    body = world.publish(b"satu" * 500)
    twin_path = world.feed.with_name("feed.xml.gz")
    twin_path.unlink()
    if twin is not None:
        twin_path.write_bytes(twin)
    answer = ask(client, "/feed.xml", Accept_Encoding="gzip")
    assert (answer.status_code, answer.content) == (200, body)
    assert "content-encoding" not in answer.headers
    write_public(world.feed, body)  # makes the twin good, and leaves the file alone
    assert ask(client, "/feed.xml", Accept_Encoding="gzip").headers["content-encoding"] == "gzip"


def test_not_modified_carries_validators_and_no_body(world: World, client: httpx.Client) -> None:
    world.publish()
    first = ask(client, "/feed.xml")
    answer = ask(client, "/feed.xml", If_None_Match=first.headers["etag"])
    assert (answer.status_code, answer.content) == (304, b"")
    for name in ("etag", "last-modified", "cache-control", "vary"):
        assert answer.headers[name] == first.headers[name]
    assert "content-type" not in answer.headers
    assert "content-length" not in answer.headers


def test_an_entity_tag_that_differs_outweighs_a_date_that_agrees(world: World, client: httpx.Client) -> None:
    world.publish()
    date = ask(client, "/feed.xml").headers["last-modified"]
    assert ask(client, "/feed.xml", If_Modified_Since=date).status_code == 304
    assert ask(client, "/feed.xml", If_Modified_Since=date, If_None_Match='"lain"').status_code == 200


def test_entity_tags_sent_in_two_headers_are_one_list(world: World, client: httpx.Client) -> None:
    world.publish()
    etag = ask(client, "/feed.xml").headers["etag"]
    headers = [("If-None-Match", '"a"'), ("If-None-Match", etag), ("Accept-Encoding", "identity")]
    assert client.get("/feed.xml", headers=headers).status_code == 304


def test_head_tells_the_length_and_sends_nothing(world: World, client: httpx.Client) -> None:
    body = world.publish()
    answer = client.head("/feed.xml", headers={"Accept-Encoding": "identity"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) == len(body)
    assert client.head("/feed.xml", headers={"If-None-Match": "*"}).status_code == 304


def test_without_a_feed_the_answer_is_503_until_there_is_one(world: World, client: httpx.Client) -> None:
    world.show([])
    for ending in ("xml", "atom", "json"):
        answer = ask(client, f"/feed.{ending}")
        assert answer.status_code == 503
        assert answer.headers["content-type"].startswith("application/")
        assert answer.headers["retry-after"] == "60"
        assert "Feed belum tersedia" in answer.text
    world.publish()
    assert ask(client, "/feed.xml").status_code == 200
    world.feed.unlink()
    assert ask(client, "/feed.xml").status_code == 503


def test_feed_needs_no_database(world: World, client: httpx.Client) -> None:
    world.publish()
    world.failure = StoreError("disk I/O error")
    assert ask(client, "/feed.xml").status_code == 200


# ── conditions, pure ───────────────────────────────────────────────────────────────────────────────────────────────

NOON = 1_780_000_000


@pytest.mark.parametrize(
    ("if_none_match", "if_modified_since", "expected"),
    [
        pytest.param(None, None, False, id="no condition"),
        pytest.param('"abc"', None, True, id="same tag"),
        pytest.param('W/"abc"', None, True, id="weak tag"),
        pytest.param('"x", W/"y" ,"abc"', None, True, id="list"),
        pytest.param('"a,b","abc"', None, True, id="comma inside a tag"),
        pytest.param("*", None, True, id="any"),
        pytest.param('"abcd"', None, False, id="longer tag"),
        pytest.param("abc", None, False, id="without quotes"),
        pytest.param('"*"', None, False, id="quoted star"),
        pytest.param("", formatdate(NOON, usegmt=True), False, id="empty tag header still decides"),
        pytest.param(None, formatdate(NOON, usegmt=True), True, id="same date"),
        pytest.param(None, formatdate(NOON + 60, usegmt=True), True, id="later date"),
        pytest.param(None, formatdate(NOON - 1, usegmt=True), False, id="earlier date"),
        pytest.param(None, formatdate(NOON), True, id="date with -0000"),
        pytest.param(None, "Thursday, 28-May-26 20:26:40 GMT", True, id="RFC 850 date"),
        pytest.param(None, "Thu May 28 20:26:40 2026", True, id="asctime date"),
        pytest.param(None, "kemarin", False, id="no date"),
        pytest.param(None, "Thu, 99 May 99999 99:99:99 GMT", False, id="impossible date"),
        pytest.param(None, "", False, id="empty date"),
    ],
)
def test_conditions(if_none_match: str | None, if_modified_since: str | None, expected: bool) -> None:
    asked = {"if_none_match": if_none_match, "if_modified_since": if_modified_since}
    assert is_not_modified(etag='"abc"', modified=NOON, **asked) is expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", ""),
        ("gzip", "gzip"),
        ("gzip, deflate, br, zstd", "br gzip"),
        ("br, GZIP;q=0.5", "br gzip"),
        ("br;q=0.5, gzip", "gzip br"),
        ("br; q = 0.5 , gzip ;q=1.0", "gzip br"),
        ("x-gzip", "gzip"),
        ("deflate", ""),
        ("gzip;q=0", ""),
        ("gzip; q=0.000, *", "br"),
        ("br;q=0, *;q=0.1", "gzip"),
        ("gzip;q=0.001", "gzip"),
        ("*", "br gzip"),
        ("*;q=0", ""),
        ("identity", ""),
        ("identity;q=0.5, gzip;q=0.4", ""),
        ("identity, gzip", "gzip"),
        ("gzipped", ""),
        ("gzip;q=2", ""),
        ("gzip;q=viel", ""),
        ("gzip;", "gzip"),
        (",,;;,=", ""),
    ],
)
def test_compressed_is_sent_to_those_who_take_it(header: str, expected: str) -> None:
    assert " ".join(rank_codings(header)) == expected


# ── the front page ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        pytest.param("text/html,application/xml;q=0.9,*/*;q=0.8", True, id="browser"),
        pytest.param("application/xml, Text/HTML ; q=0.5", True, id="any order and case"),
        pytest.param("application/rss+xml, text/html;q=0", False, id="refused"),
        pytest.param("*/*", False, id="anything"),
        pytest.param("text/htmlx, text/x-html", False, id="other names"),
        pytest.param("text/html;level=1", False, id="what cannot be read"),
        pytest.param("", False, id="none"),
    ],
)
def test_browsers_name_html_among_what_they_take(accept: str, expected: bool) -> None:
    assert is_browser(accept) is expected


def test_pages_follow_one_another_without_gap_or_repetition(world: World, client: httpx.Client) -> None:
    seen, path = [], "/"
    while path:
        page = read_page(client, path)
        seen += page.xpath("//article//h3/a/@href")
        path = "".join(page.cssselect("a[rel=next]")[0].get("href") if page.cssselect("a[rel=next]") else "")
    assert seen == [item.url for item in world.items]


def test_older_pages_lead_back_and_stay_out_of_search_engines(client: httpx.Client) -> None:
    page = read_page(client, "/?before=tag:kabar.example,2026:0006&lang=en")
    assert page.cssselect("a[rel=first]")[0].get("href") == "/?lang=en"
    assert page.cssselect("meta[name=robots]")[0].get("content") == "noindex, follow"
    assert page.cssselect("a[rel=next]")[0].get("href") == "/?before=tag%3Akabar.example%2C2026%3A0012&lang=en"


@pytest.mark.parametrize("before", ["tidak-ada", "'; DROP TABLE articles; --", "x" * 5000, "%00%ff%F0%9F"])
def test_an_unknown_place_to_go_on_from_is_the_end_of_the_list(client: httpx.Client, before: str) -> None:
    page = read_page(client, f"/?before={before}")
    assert not page.cssselect("article")
    assert page.cssselect(".note h2")[0].text == "Tidak ada berita yang lebih lama"


def test_english_is_one_click_away_and_keeps_the_page(client: httpx.Client) -> None:
    page = read_page(client, "/?before=tag:kabar.example,2026:0006")
    (toggle,) = page.cssselect("nav a[hreflang=en]")
    english = read_page(client, toggle.get("href"))
    assert english.get("lang") == "en"
    assert english.xpath("//h3/a/@href") == page.xpath("//h3/a/@href")
    assert english.cssselect("article h3")[0].get("lang") == "id"
    (back,) = english.cssselect("nav a[hreflang=id]")
    assert read_page(client, back.get("href")).get("lang") == "id"


@pytest.mark.parametrize("lang", ["fr", "", "e n", "<script>"])
def test_an_unknown_language_is_indonesian(client: httpx.Client, lang: str) -> None:
    assert read_page(client, f"/?lang={lang}").get("lang") == "id"


def test_page_says_how_to_subscribe(client: httpx.Client) -> None:
    page = read_page(client)
    assert page.cssselect("code.address")[0].text == "https://kabarkota.example/feed.xml"
    assert page.cssselect("link[type='application/rss+xml']")[0].get("href") == "https://kabarkota.example/feed.xml"
    assert len(page.cssselect("#langganan ol li")) == 3


@pytest.mark.parametrize("has_database", [True, False])
def test_before_the_first_cycle_the_page_says_so(world: World, client: httpx.Client, has_database: bool) -> None:
    world.show([])
    if not has_database:
        world.database.unlink()
    assert read_page(client).cssselect(".note h2")[0].text == "Belum ada berita"


def test_hostile_items_cannot_leave_their_place(world: World, client: httpx.Client) -> None:
    evil = '"><script>alert(1)</script>\x00\x07'
    world.show([
        make_item(
            title=evil, excerpt=evil, source_name=evil, topics=(evil,), regions=(evil,), url="javascript:alert(1)",
            source_url="javascript:alert(1)", also_at=((evil, "javascript:alert(2)"), (evil, "https://b.example/")),
        ),
        make_item(2, title="x" * 10_000),
    ])  # fmt: skip
    page = read_page(client)
    assert not page.cssselect("script:not([src])")
    assert not page.xpath("//@href[starts-with(., 'javascript')]")
    assert page.cssselect("h3")[0].text == '"><script>alert(1)</script>'
    assert len(page.cssselect("h3")[1].text_content()) == 300


def test_page_is_revalidated_and_compressed(world: World, client: httpx.Client) -> None:
    first = client.get("/", headers={"Accept-Encoding": "gzip"})
    assert first.headers["content-encoding"] == "gzip"
    assert first.headers["cache-control"] == "public, max-age=60"
    answer = client.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert (answer.status_code, answer.content) == (304, b"")
    world.show(world.items[1:])
    assert client.get("/", headers={"If-None-Match": first.headers["etag"]}).status_code == 200


@pytest.mark.parametrize(
    ("asked", "coding"),
    [("gzip", "gzip"), ("br, gzip;q=0.5", "gzip"), ("gzip;q=0", None), ("*;q=0", None), ("x" * 10_000, None)],
    ids=lambda value: str(value)[:20],
)
def test_page_is_compressed_for_those_who_take_it(client: httpx.Client, asked: str, coding: str | None) -> None:
    for path in ("/", "/api/v1/articles"):
        answer = client.get(path, headers={"Accept-Encoding": asked})
        assert answer.headers.get("content-encoding") == coding
        assert answer.headers["vary"] == "Accept-Encoding"


def test_page_needs_nothing_from_elsewhere(client: httpx.Client) -> None:
    page = read_page(client)
    loaded = page.xpath("//link[@rel='stylesheet' or @rel='icon']/@href | //@src")
    assert len(loaded) == 5
    for path in loaded:
        assert path.startswith("/static/")
        assert client.get(path).status_code == 200
    assert not page.cssselect("script:not([src]), style, [style], [onclick]")
    for path in loaded:
        if ".css" in path:
            style = client.get(path).text
            assert "url(" not in style
            assert "@import" not in style


def test_what_pages_load_is_compressed_and_kept_for_a_year_under_the_address_of_its_content(
    client: httpx.Client,
) -> None:
    (path, *_) = read_page(client).xpath("//link[@rel='stylesheet']/@href")
    plain = ask(client, path)
    assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert plain.headers["content-type"] == "text/css; charset=utf-8"
    for other in ("/static/style.css", "/static/style.css?v=lama"):
        assert ask(client, other).headers["cache-control"] == "no-cache"
        assert ask(client, other).content == plain.content
    for coding in ("br", "gzip"):
        packed = ask(client, path, Accept_Encoding=coding)
        assert packed.headers["content-encoding"] == coding
        assert packed.headers["etag"] != plain.headers["etag"]
        assert int(packed.headers["content-length"]) < len(plain.content) / 2
        assert packed.content == plain.content
        assert ask(client, path, Accept_Encoding=coding, If_None_Match=packed.headers["etag"]).status_code == 304


def test_days_are_days_in_jakarta() -> None:
    late = datetime(2026, 10, 4, 16, 59, tzinfo=UTC)
    items = [make_item(1, first_published=late + timedelta(minutes=1)), make_item(2, first_published=late)]
    days = build_days(items, get_texts(Language.INDONESIAN))
    assert [day.label for day in days] == ["Masuk Senin, 5 Oktober 2026", "Masuk Minggu, 4 Oktober 2026"]


@pytest.mark.parametrize(
    ("hours", "name"), [(7, "WIB"), (8, "WITA"), (9, "WIT"), (0, "UTC"), (-3.5, "UTC-03:30"), (5.5, "UTC+05:30")]
)
def test_zones_have_their_indonesian_names(hours: float, name: str) -> None:
    assert name_zone(datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=hours)))) == name


def test_both_languages_have_the_same_texts() -> None:
    texts = {language: get_texts(language).table for language in Language}
    assert set(texts) == {Language.INDONESIAN, Language.ENGLISH}
    indonesian, english = texts[Language.INDONESIAN], texts[Language.ENGLISH]
    assert indonesian.keys() == english.keys()
    assert indonesian["topics"].keys() == english["topics"].keys()
    for key, value in indonesian.items():
        assert type(value) is type(english[key]), key
        assert len(value) == len(english[key]) or isinstance(value, str), key


def test_no_text_is_written_twice() -> None:
    tables = [tomllib.loads(path.read_text(encoding="utf-8"))["id"] for path in WORDS]
    keys = [key for table in tables for key in table]
    assert len(keys) == len(set(keys))


def test_no_text_is_left_unused() -> None:
    table = get_texts(Language.INDONESIAN).table
    sources = [*WEB.rglob("*.py"), *WEB.glob("templates/*.html"), TIMES.with_suffix(".py")]
    used = "".join(path.read_text(encoding="utf-8") for path in sources)
    assert not [key for key in table if f'"{key}"' not in used and f"'{key}'" not in used and key[:6] != "error_"]


def test_a_topic_of_the_operator_is_named_from_its_slug() -> None:
    texts = get_texts(Language.INDONESIAN)
    assert (texts.name_topic("smart-city"), texts.name_topic("air-bersih")) == ("Kota cerdas", "Air bersih")


# ── health, errors, headers ────────────────────────────────────────────────────────────────────────────────────────


def test_health_of_a_running_installation(world: World, client: httpx.Client) -> None:
    world.publish()
    os.utime(world.feed, (world.now.timestamp() - 90, world.now.timestamp() - 90))
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "status": "ok",
        "last_cycle": "2026-10-05T07:40:00+00:00",
        "lateness_seconds": 0,
        "stale_since": None,
        "articles": 31,
        "feed_age_seconds": 90,
        "reason": None,
        "failing": {},
    }


LONG_AGO = NEWEST + timedelta(hours=1) - SITE.late_after - timedelta(seconds=1)
IN_TIME = NEWEST + timedelta(hours=1) - SITE.late_after
SOON = NEWEST + timedelta(hours=9)


@pytest.mark.parametrize(
    ("last_cycle", "due", "says"),
    [
        pytest.param(None, None, "ok", id="no cycle yet"),
        pytest.param(IN_TIME, IN_TIME, "ok", id="just in time"),
        pytest.param(LONG_AGO, SOON, "ok", id="nothing is due"),
        pytest.param(LONG_AGO, LONG_AGO, "cycles have stopped", id="no cycle since"),
        pytest.param(LONG_AGO, None, "cycles have stopped", id="no cycle for a new channel"),
        pytest.param(NEWEST, LONG_AGO, "channels are overdue although cycles run", id="left out of cycles"),
        pytest.param(NEWEST, None, "ok", id="new channel waits for its first cycle"),
    ],
)
def test_health_fails_when_channels_wait_too_long(
    world: World, client: httpx.Client, last_cycle: datetime | None, due: datetime | None, says: str
) -> None:
    world.show([])
    add_channel(world.database, 1, due=due)
    if last_cycle:
        finish_cycle(world.database, last_cycle)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (200 if says == "ok" else 503, says)
    assert answer.json()["last_cycle"] == (last_cycle.isoformat() if last_cycle else None)
    assert answer.json()["feed_age_seconds"] is None


def test_health_tells_of_the_channel_that_waits_for_longest(world: World, client: httpx.Client) -> None:
    add_channel(world.database, 1, due=world.now - timedelta(minutes=2))
    add_channel(world.database, 2, due=world.now - timedelta(minutes=3))
    assert client.get("/healthz").json()["lateness_seconds"] == 180


def test_health_fails_when_the_first_cycle_does_not_end(world: World, client: httpx.Client) -> None:
    world.show([])
    add_channel(world.database, 1, due=None)
    with Store.open_writer(world.database) as store:
        store.start_cycle(LONG_AGO)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (503, "the first cycle does not end")


@pytest.mark.parametrize(
    ("answered", "failures", "is_stale"),
    [
        pytest.param(timedelta(hours=2), (0, 3), False, id="one of two works"),
        pytest.param(timedelta(hours=2), (2, 3), True, id="none works"),
        pytest.param(timedelta(minutes=29), (1, 1), False, id="a hiccup"),
    ],
)
def test_news_is_shown_as_stale_when_no_portal_answers(
    world: World, client: httpx.Client, answered: timedelta, failures: tuple[int, int], is_stale: bool
) -> None:
    at = to_text(world.now - answered)
    for number, failed in enumerate(failures, start=1):
        add_channel(world.database, number, due=world.now, failures=failed, last_success_at=at)
    moment = (world.now - answered).astimezone(WIB)
    for path, words in (("/", "Tidak ada portal yang terbaca sejak"), ("/status?lang=en", "No portal could be read")):
        page = client.get(path)
        assert page.status_code == 200
        assert (words in page.text) is is_stale
        assert not is_stale or f"{moment:%H.%M}" in page.text or f"{moment:%H:%M}" in page.text
    assert (client.get("/healthz").json()["stale_since"] is not None) is is_stale


@pytest.mark.parametrize("table", ["channels", "sources"])
def test_health_does_not_depend_on_what_is_switched_off(world: World, client: httpx.Client, table: str) -> None:
    world.show([])
    finish_cycle(world.database, LONG_AGO)
    add_channel(world.database, 1, due=LONG_AGO)
    add_channel(world.database, 2, due=None)
    with Store.open_writer(world.database) as store, store.transaction():
        store._connection.execute(f"UPDATE {table} SET enabled = 0")
    assert client.get("/healthz").status_code == 200


def test_health_is_bad_and_tells_no_secrets_when_the_database_cannot_be_read(
    world: World, client: httpx.Client
) -> None:
    world.failure = StoreError(f"unable to open database file {world.database}")
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "database unreadable"
    assert "news.db" not in answer.text


@pytest.mark.parametrize(
    ("path", "first", "second"),
    [
        ("/tidak-ada", "Halaman tidak ditemukan", "Page not found"),
        ("/tidak-ada?lang=en", "Page not found", "Halaman tidak ditemukan"),
        ("/static/tidak-ada.css", "Halaman tidak ditemukan", "Page not found"),
        ("/static/%2e%2e/app.py", "Halaman tidak ditemukan", "Page not found"),
    ],
)
def test_missing_pages_say_so_in_both_languages(client: httpx.Client, path: str, first: str, second: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    page = html.fromstring(answer.text)
    assert [heading.text for heading in page.cssselect("h1, h2")] == [first, second]
    assert [form.get("action") for form in page.cssselect("form[role=search]")] == ["/search", "/search"]


def test_trouble_with_the_database_is_a_page_in_both_languages(world: World, client: httpx.Client) -> None:
    world.failure = StoreError("database disk image is malformed")
    answer = client.get("/")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    headings = [heading.text for heading in html.fromstring(answer.text).cssselect("h1, h2")]
    assert headings == ["Terjadi kesalahan di pihak kami", "Something went wrong on our side"]
    assert "malformed" not in answer.text
    check_security_headers(answer)


def test_a_failure_of_ours_is_a_page_with_all_headers(world: World, client: httpx.Client) -> None:
    world.failure = ZeroDivisionError("by nothing")
    answer = client.get("/")
    assert answer.status_code == 500
    assert "by nothing" not in answer.text
    check_security_headers(answer)


def test_a_database_of_an_older_version_waits_for_its_writer(
    world: World, stage: Stage, client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    with Store.open_writer(world.database) as store, store.transaction():
        store._connection.execute("DELETE FROM _sqlite_migrations WHERE name = 'm010_coverage'")
    stage.app = create_app(database=world.database, public=world.feed.parent, site=SITE)
    for path in ("/", "/map", "/cities", "/trends.csv", "/healthz", "/metrics", "/feeds/search.xml?q=kota"):
        assert client.get(path).status_code == 503, path
    assert all("older version" in record.getMessage() and not record.exc_info for record in caplog.records)
    assert len(caplog.records) == 7


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/feed.xml", "/healthz", "/metrics", "/static/style.css"])
def test_only_reading_is_allowed(client: httpx.Client, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert answer.status_code == 405
    check_security_headers(answer)


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/feed.xml", "/feed.atom", "/feeds/search.json?q=a", "/feeds/city/lain.xml", "/opml.xml", "/healthz"),
        *("/metrics", "/static/style.css", "/tidak-ada", "/feeds", "/sources", "/source/a", "/data", "/data/a.csv"),
    ],
)
def test_every_answer_carries_the_security_headers_and_answers_head(
    world: World, client: httpx.Client, path: str
) -> None:
    world.publish()
    answer = client.get(path)
    check_security_headers(answer)
    head = client.head(path)
    assert (head.status_code, head.content) == (answer.status_code, b"")
    if answer.status_code == 200 and "etag" in answer.headers:
        again = client.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304
        check_security_headers(again)


def check_security_headers(answer: httpx.Response) -> None:
    (policy,) = answer.headers.get_list("content-security-policy")
    assert policy == SECURITY_HEADERS["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "strict-origin-when-cross-origin"


def test_operator_and_contact_are_optional(world: World, stage: Stage, client: httpx.Client) -> None:
    assert "mailto:redaksi@kabarkota.example" in client.get("/").text
    stage.app = create_app(
        database=world.database,
        public=world.feed.parent,
        site=replace(SITE, operator="", contact=""),
        open_store=world.open_store,
    )
    answer = client.get("/")
    assert answer.status_code == 200
    assert "mailto:" not in answer.text


@pytest.mark.parametrize(
    "request_line",
    [
        pytest.param(b"GET /feed.xml HTTP/1.1\r\nIf-None-Match: " + b'"' * 9999, id="endless quotes"),
        pytest.param(b"GET /feed.xml HTTP/1.1\r\nAccept-Encoding: \xff\xfe;q=\xff", id="bytes beyond ASCII"),
        pytest.param(b"GET /feed.xml HTTP/1.1\r\nIf-Modified-Since: \xe9\xa0", id="a date beyond ASCII"),
        pytest.param(b"GET /%ff%00?before=%ff&lang=%00 HTTP/1.1", id="percent-encoded rubbish in the path"),
        pytest.param(b"GET /?before=%ff%00%ed%a0%80 HTTP/1.1", id="percent-encoded rubbish in the query"),
    ],
)
def test_requests_no_client_would_send_get_an_answer(world: World, client: httpx.Client, request_line: bytes) -> None:
    world.publish(b"satu")
    with socket.create_connection((client.base_url.host, client.base_url.port or 0), timeout=5) as connection:
        connection.sendall(request_line + b"\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.split()[1] in {b"200", b"400", b"404"}
    assert ask(client, "/feed.xml").content == b"satu"


# ── the status page ───────────────────────────────────────────────────────────────────────────────────────────────


def test_status_tells_hijacked_sites_and_failing_channels_in_plain_words(world: World, client: httpx.Client) -> None:
    with Store.open_writer(world.database) as store:
        store._connection.executescript(
            """
            INSERT INTO sources (id, name, domain, kind, timezone, language, hijacked_at) VALUES
                ('dinas', 'Dinas <b>Pertanian</b>', 'dinas.example', 'regional', '', 'id', '2100-01-01T00:00:00Z'),
                ('mati', 'Kabar Mati', 'mati.example', 'regional', '', 'id', NULL);
            INSERT INTO channels (id, source_id, kind, url, failures)
                VALUES (901, 'mati', 'feed', 'https://mati.example/feed', 4);
            INSERT INTO cycles (id, started_at) VALUES (901, '2026-10-05T00:00:00Z');
            INSERT INTO polls (id, cycle_id, channel_id, started_at, finished_at, outcome, http_status, reason,
                links, requests, articles, posts)
                VALUES (901, 901, 901, '2026-10-05T00:00:00Z', '2026-10-05T00:00:01Z', 'failed', 404,
                'HTTP 404', 0, 1, 0, 0);
            INSERT INTO scans VALUES ('2100-01-01', 4321, 43, 2);
            """
        )
    page = client.get("/status")
    assert page.status_code == 200
    assert '<a href="/source/dinas"><bdi>Dinas &lt;b&gt;Pertanian' in page.text
    assert "Tidak ada apa-apa (lagi) di alamat ini." in page.text
    assert "4321 halaman" in page.text
    assert "There is nothing at this address" in client.get("/status?lang=en").text


def test_without_a_database_status_says_how_to_start(world: World, client: httpx.Client) -> None:
    for file in world.database.parent.glob(f"{world.database.name}*"):
        file.unlink()
    page = client.get("/status")  # 404 would say that there is no such page
    assert page.status_code == 200
    assert "Belum ada basis data" in page.text
    assert "kabarkota run" in page.text
