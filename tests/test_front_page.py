"""The front page: stories as cards, what they tell, what they are filtered by."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
import pytest
from feed_room import SITE_URL, FeedRoom, PlainRoom
from lxml import html
from newsdesk import OTHER, RELEASE
from page_room import Stage
from test_feeds import report
from test_feeds_page import EVIL, tell

from aggregator.card_rows import GROWTH_HOURS
from aggregator.instants import to_text
from aggregator.models import Language, SourceKind
from aggregator.publish.describing import Publisher
from aggregator.search import NewsQuery
from aggregator.search_rows import Search
from aggregator.web.app import create_app
from aggregator.web.feeds_form import read_asked
from aggregator.web.front_page import Cards, build_front_page
from aggregator.web.site import SiteInfo
from aggregator.web.sparkline import HEIGHT, draw_bars
from aggregator.web.templating import PageRenderer
from aggregator.web.texts import get_texts

STORIES = 9  # of the full room, the one with three pieces of news among them


def make_story(room: FeedRoom, *titles: str) -> int:
    """Has the news with these titles be one story, named as the first of them."""
    with room.store.transaction():
        connection = room.store._connection
        story = connection.execute(
            "INSERT INTO stories (title, first_seen_at, last_seen_at, why, updated_at) VALUES (?, '', '', '[]', '')",
            (titles[0],),
        ).lastrowid
        for title in titles:
            connection.execute(
                "UPDATE duplicate_groups SET story_id = ?"
                " WHERE canonical_id IN (SELECT id FROM articles WHERE title = ?)",
                (story, title),
            )
    assert story is not None
    return story


@pytest.fixture(scope="module")
def full_room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeedRoom]:
    """A newsroom that no test changes: nine stories, of which one has three pieces of news, one of them copied."""
    room = PlainRoom(tmp_path_factory.mktemp("front"))
    for number in range(8):
        report(room, number, source=f"kabar-{number % 3}")
    room.press()
    room.publish_at("kabar-satu", "rilis", RELEASE, title="Gorontalo menerima APEKSI")
    room.publish_at("kabar-dua", "rilis", RELEASE, hour=7)
    room.press()
    report(room, 8, source="kabar-0")
    room.press()
    room.publish_at("pemkot", "lain", OTHER, hour=8, title="Bursa dan APEKSI", kind=SourceKind.CITY_GOVERNMENT)
    room.press()
    make_story(room, "Gorontalo menerima APEKSI", "Bursa dan APEKSI", "APEKSI urusan 2")
    yield room
    room.store.close()


def build_site(room: FeedRoom, *, size: int = 20) -> Any:
    site = SiteInfo(url=SITE_URL, page_size=size)
    return create_app(database=room.folder / "news.db", public=room.public, site=site, clock=lambda: room.now)


@pytest.fixture
def app(full_room: FeedRoom) -> Any:
    return build_site(full_room)


def read_page(client: httpx.Client, query: str = "", *, status: int = 200) -> html.HtmlElement:
    answer = client.get(query if query.startswith("/") else f"/?{query}" if query else "/")
    assert answer.status_code == status, answer.text
    return html.fromstring(answer.text)


def read_titles(page: html.HtmlElement) -> list[str]:
    return [tell(heading) for heading in page.cssselect("article h3")]


def read_form(page: html.HtmlElement) -> list[tuple[str, str]]:
    """What a browser sends when nothing is changed."""
    (form,) = page.cssselect("form")
    assert (form.method, form.action) == ("GET", "/")
    return [(key, value) for key, value in form.form_values() if value]


def read_chips(page: html.HtmlElement) -> dict[str, str]:
    return {tell(each.cssselect("bdi")[0]): each.get("href") for each in page.cssselect(".chips li:not(.all) a")}


# ── cards ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_story_is_one_card_at_its_newest_news(client: httpx.Client) -> None:
    page = read_page(client)
    titles = read_titles(page)
    assert len(titles) == STORIES
    assert titles[:2] == ["Gorontalo menerima APEKSI", "APEKSI urusan 8"]
    assert tell(page.cssselect("h1")[0]) == "Berita terbaru"
    assert tell(page.cssselect("section.day h2")[0]) == "Masuk hari ini, Senin, 5 Oktober 2026"


def test_a_card_tells_who_was_first_and_who_else_carries_it(client: httpx.Client) -> None:
    first, second, *_ = read_page(client).cssselect("article")
    (headline,) = first.cssselect("h3 a")
    assert headline.get("href") == "/story/1"
    assert tell(first.cssselect(".excerpt")[0]).startswith(RELEASE[0])
    assert tell(first.cssselect(".source")[0]).startswith("Pertama terbit di ")
    also, newest = first.cssselect(".also")
    assert tell(also) == "Juga diberitakan oleh 3 portal · 3 kabar tentang peristiwa ini"
    assert tell(newest) == "Terbaru: Bursa dan APEKSI · Pemkot 15.00 WIB"
    assert newest.xpath(".//a/@href") == ["https://pemkot.example/lain"] * 2
    labels = {tell(each): each.get("href") for each in first.cssselect(".labels a")}
    assert labels["Kota Gorontalo"] == "/?city=kota-gorontalo"
    assert labels["APEKSI"] == "/?topic=apeksi"
    assert first.cssselect("details.why")
    assert tell(second.cssselect(".source")[0]) == "Kabar-0 13.00 WIB"
    assert not second.cssselect(".also, .growth")
    assert second.cssselect("h3 a")[0].get("href") == "https://kabar-0.example/berita-8"  # no look has seen it yet


def test_growth_is_told_in_words_and_bars(client: httpx.Client) -> None:
    (growth,) = read_page(client).cssselect(".growth")
    assert tell(growth.cssselect(".sum")[0]) == "+4 artikel dalam 24 jam"
    assert len(growth.cssselect("rect")) == GROWTH_HOURS
    (picture,) = growth.cssselect("svg")
    assert picture.get("role") == "img"
    assert "paling banyak 2" in picture.get("aria-label")
    english = read_page(client, "lang=en").cssselect(".growth")[0]
    assert tell(english.cssselect(".sum")[0]) == "+4 articles in 24 hours"


def test_growth_goes_by_publication_or_where_no_hour_is_told_by_discovery(room: FeedRoom) -> None:
    for source, hour in (("a", 6), ("b", 6), ("c", 2)):
        room.publish_at(source, "rilis", RELEASE, hour=hour)
    room.press()
    record = room.store._connection
    long_ago = to_text(room.now - timedelta(days=2))
    record.execute("UPDATE articles SET published_at = ? WHERE source_id = 'c'", (long_ago,))
    midnight = to_text(room.now.replace(hour=0, minute=0))
    record.execute(
        "UPDATE articles SET published_precision = 'day', published_at = ? WHERE source_id = 'b'", (midnight,)
    )
    record.commit()
    search = Search(feeds=(), match="", since=None, with_archive=False, by_story=False, before=None)
    (card,) = room.store.get_cards(room.store.list_cards(search, limit=5).places, room.now)
    assert (card.articles, card.portals) == (3, 3)
    assert {hours: count for hours, count in enumerate(reversed(card.growth)) if count} == {0: 1, 2: 1}


@pytest.mark.parametrize(
    ("counts", "heights"),
    [((), []), ((0, 0), [1, 1]), ((1, 2, 4), [6, 12, 24]), ((1, 1000), [2, 24])],
)
def test_bars(counts: tuple[int, ...], heights: list[int]) -> None:
    bars = draw_bars(counts)
    assert [bar.height for bar in bars] == heights
    assert all(bar.y + bar.height == HEIGHT for bar in bars)


# ── pages ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("query", ["", "city=kota-gorontalo", "q=apeksi", "q=apeksi&topic=apeksi&kind=regional"])
@pytest.mark.parametrize("size", [1, 4])
def test_pages_show_every_story_once(
    full_room: FeedRoom, stage: Stage, client: httpx.Client, query: str, size: int
) -> None:
    whole = read_titles(read_page(client, query))
    stage.app = build_site(full_room, size=size)
    seen, path = [], f"/?{query}"
    while path:
        page = read_page(client, path)
        assert len(read_titles(page)) <= size
        seen += read_titles(page)
        path = "".join(page.xpath("//a[@rel='next']/@href"))
    assert seen == whole
    assert len(seen) >= STORIES - 1


def test_a_story_that_has_more_news_than_is_looked_at_leads_on(
    room: FeedRoom, stage: Stage, client: httpx.Client
) -> None:
    for number in range(30):
        report(room, number)
    room.press()
    make_story(room, *(f"APEKSI urusan {number}" for number in range(1, 30)))
    stage.app = build_site(room, size=1)
    first = read_page(client)
    assert read_titles(first) == ["APEKSI urusan 1"]
    second = read_page(client, first.xpath("//a[@rel='next']/@href")[0])
    while not read_titles(second):
        second = read_page(client, second.xpath("//a[@rel='next']/@href")[0])
    assert read_titles(second) == ["APEKSI urusan 0"]


@pytest.mark.parametrize(("next_before", "says"), [("guid", "Tidak ada peristiwa lain"), ("", "Tidak ada berita yang")])
def test_a_part_of_follow_ups_is_told_from_the_end(room: FeedRoom, next_before: str, says: str) -> None:
    texts = get_texts(Language.INDONESIAN)
    cards = Cards(query=NewsQuery(language=texts.language), subjects=(), records=(), next_before=next_before)
    publisher = Publisher(name="Kabar Kota", site_url=SITE_URL)
    page = build_front_page(read_asked([("before", "x")]), {}, texts, publisher, now=room.now, cards=cards)
    told = PageRenderer(SiteInfo(name="Kabar Kota", url=SITE_URL)).render("front.html", page, texts, path="/")
    assert tell(html.fromstring(told).cssselect(".note h2")[0]).startswith(says)


@pytest.mark.parametrize("before", ["tidak-ada", "'; DROP TABLE articles; --", "x" * 5000, "%00%ff%F0%9F"])
def test_beyond_the_end_there_is_nothing_older(client: httpx.Client, before: str) -> None:
    page = read_page(client, f"before={before}")
    assert not page.cssselect("article")
    assert tell(page.cssselect(".note h2")[0]) == "Tidak ada berita yang lebih lama"
    assert page.xpath("//a[@rel='first']/@href") == ["/"]


# ── filters ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("city=kota-gorontalo", STORIES),
        ("city=kota-batu", 0),
        ("city=kota-gorontalo&city=kota-batu&since=7d", STORIES),
        ("topic=apeksi&province=gorontalo&komwil=6", STORIES),
        ("kind=city-government", 1),
        ("source=pemkot&kind=city-government&since=today", 1),
        ("since=2026-10-01", STORIES),
        ("since=2026-10-06", 0),
        ("since=90d&archive=yes", STORIES),
        ("q=bursa", 1),
        ("q=bursa&source=kabar-satu&lang=en", 0),
        ("new=2026-10-05T08:00:00Z&since=1d", STORIES),
    ],
)
def test_filters_stay_in_the_form_and_each_can_be_taken_away(client: httpx.Client, query: str, count: int) -> None:
    page = read_page(client, query)
    asked = sorted(parse_qsl(query))
    assert len(read_titles(page)) == count
    assert sorted(read_form(page)) == asked
    chips = read_chips(page)
    assert len(chips) == len([key for key, _ in asked if key != "lang"])
    for url in chips.values():
        left = parse_qsl(url.partition("?")[2])
        assert len(left) == len(asked) - 1
        assert read_titles(read_page(client, url)) or url.startswith("/?city=kota-batu")
    assert page.xpath("//meta[@name='robots']/@content") == ["noindex, follow"]
    if not count:
        assert tell(page.cssselect(".note h2")[0]) in {"Belum ada berita untuk pilihan ini", "No news for this yet"}
        assert page.cssselect("#pilihan code")


def test_every_field_has_a_label_and_headings_are_in_order(client: httpx.Client) -> None:
    page = read_page(client, "city=kota-gorontalo&city=kota-bandung&topic=apeksi")
    for field in page.xpath("//form//*[self::input or self::select][not(@type='hidden')]"):
        label = field.label if field.label is not None else next(field.iterancestors("label"), None)
        assert field.get("aria-label") or tell(label), field.get("name")
    levels = [int(heading.tag[1]) for heading in page.xpath("//main//*[self::h1 or self::h2 or self::h3 or self::h4]")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    identifiers = page.xpath("//@id")
    assert len(identifiers) == len(set(identifiers))


@pytest.mark.parametrize(
    ("query", "feed"),
    [
        ("city=kota-gorontalo", "feeds/city/kota-gorontalo.xml"),
        ("city=kota-gorontalo&since=7d", "feeds/search.xml?city=kota-gorontalo&since=7d"),
        ("q=bursa&new=2026-10-05T08:00:00Z", "feeds/search.xml?q=bursa"),
    ],
)
def test_the_selection_has_a_feed(client: httpx.Client, query: str, feed: str) -> None:
    page = read_page(client, query)
    assert tell(page.cssselect("#pilihan code")[0]) == SITE_URL + feed
    assert page.xpath("//link[@type='application/rss+xml']/@href") == [SITE_URL + feed]
    assert client.get("/" + feed).status_code == 200
    asked = urlencode([pair for pair in parse_qsl(query) if pair[0] != "new"])
    for link in page.cssselect("#pilihan li a"):
        assert link.get("href") in {f"/feeds?{asked}", f"/search?{asked}", f"/kliping?{asked}"}
        assert client.get(link.get("href")).status_code == 200


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("city=gorontalo", 404, "Kota: “gorontalo” tidak ada dalam daftar. Mungkin maksudnya Kota Gorontalo?"),
        ("topic=%3Cscript%3E", 404, "“<script>” tidak ada dalam daftar."),
        ("source=" + "y" * 5_000, 404, "tidak ada dalam daftar."),
        ("since=kemarin", 400, "Terbit: harus tanggal seperti 2026-11-01"),
        ("new=kapan", 400, "new: harus tanggal seperti 2026-11-01"),
        ("q=ko*&lang=en", 400, "Words: ko*: at least 3 letters"),
        ("&".join(f"city=kota-{number}" for number in range(60)), 400, "Pertanyaan: lebih dari 50 nilai."),
    ],
)
def test_faulty_questions_are_told(client: httpx.Client, query: str, status: int, says: str) -> None:
    page = read_page(client, query, status=status)
    assert says in tell(page.cssselect("[role=alert]")[0])
    assert page.cssselect("form.sieve")
    assert not page.cssselect("article, script:not([src])")


@pytest.mark.parametrize("query", ["citty=x", "utm_source=x&fbclid=y", "group=story", "lang=fr", "%ff=%00", "city="])
def test_what_is_not_ours_is_passed_over(client: httpx.Client, query: str) -> None:
    assert len(read_titles(read_page(client, query))) == STORIES


# ── what is new ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_came_in_since_an_instant(client: httpx.Client) -> None:
    page = read_page(client)
    cards = {each.get("data-entered"): tell(each.cssselect("h3")[0]) for each in page.cssselect("article")}
    assert list(cards) == sorted(cards, reverse=True)
    third = list(cards)[2]
    newer = read_page(client, urlencode({"new": third}))
    assert read_titles(newer) == list(cards.values())[:2]
    assert list(read_chips(newer)) == ["masuk sejak Senin, 5 Oktober 2026, 15.01 WIB"]
    assert not newer.cssselect("[data-visit]")
    (note,) = page.cssselect("[data-visit]")
    assert note.get("hidden") is not None
    assert all(each.get("hidden") is not None for each in page.cssselect(".fresh"))


@pytest.mark.slow
def test_a_browser_remembers_what_it_saw(client: httpx.Client, stage: Stage) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    newest = [each.get("data-entered") for each in read_page(client).cssselect("article")]
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page()
        for kept, marked in (
            (None, 0),
            ({"at": 1, "newest": newest[3], "since": ""}, 3),
            ({"at": 1, "newest": 5}, 0),
            ("rubbish", 0),
        ):
            tab.goto(stage.address)
            tab.evaluate("kept => localStorage.setItem('kabarkota.visit?', kept)", json.dumps(kept))
            tab.reload()
            assert tab.locator(".fresh:visible").count() == marked, kept
            assert tab.locator(".visit").is_visible() is bool(marked)
        tab.evaluate(
            "kept => localStorage.setItem('kabarkota.visit?', kept)", json.dumps({"at": 1, "newest": newest[2]})
        )
        tab.reload()
        tab.click(".visit a")
        assert tab.locator("article").count() == 2
        tab.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new Error('blocked') }})")
        tab.goto(stage.address)
        assert tab.locator("article").count() == STORIES
        browser.close()


# ── around it ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("has_database", [True, False])
@pytest.mark.parametrize("language", ["id", "en"])
def test_without_news_the_page_says_how_to_start(
    room: FeedRoom, stage: Stage, client: httpx.Client, has_database: bool, language: str
) -> None:
    stage.app = build_site(room)
    if not has_database:
        room.store.close()
        for file in room.folder.glob("news.db*"):
            file.unlink()
    page = read_page(client, f"lang={language}")
    commands = [tell(each) for each in page.cssselect(".note dt")]
    assert commands == ["kabarkota run", "kabarkota serve", "kabarkota demo"]
    assert not page.cssselect("form, article")


def test_hostile_names_and_titles_cannot_leave_their_place(room: FeedRoom, stage: Stage, client: httpx.Client) -> None:
    report(room, 1)
    report(room, 2)
    room.press()
    make_story(room, "APEKSI urusan 1", "APEKSI urusan 2")
    for statement in (
        "UPDATE sources SET name = ?",
        "UPDATE articles SET url = 'javascript:alert(3)' || id, title = ?",
        "UPDATE regions SET name = ?",
        "UPDATE article_topics SET topic = ? WHERE topic = 'apeksi'",
    ):
        room.store._connection.execute(statement, (EVIL + "\x07",))
    room.store._connection.commit()
    stage.app = build_site(room)
    page = read_page(client)
    assert not page.cssselect("script:not([src]), style, [style], [onerror], [onclick], main img")
    assert not page.xpath("//@href[starts-with(., 'javascript')]")
    assert read_titles(page) == [" ".join(EVIL.split())]
