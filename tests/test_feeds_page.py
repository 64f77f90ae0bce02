"""The page of feeds: what can be asked there, what it answers, and that nothing on it leads nowhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import httpx
import pytest
from feed_room import SITE_URL, FeedRoom, PlainRoom
from lxml import html
from newsdesk import OTHER, RELEASE
from page_room import Stage
from test_feeds import publish_old, report

from aggregator.models import Language, SourceKind
from aggregator.publish.feed_info import Format
from aggregator.search import KEYS
from aggregator.web.app import create_app
from aggregator.web.feeds_form import TYPED_LIMIT, read_asked
from aggregator.web.site import SiteInfo
from aggregator.web.texts import get_texts

EVIL = "\"><script>alert(1)</script> &amp; <img src=x onerror=alert(2)> '"
ENDINGS = {ending.media_type: ending.value for ending in Format}


@pytest.fixture(scope="module")
def full_room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeedRoom]:
    """A newsroom that no test changes."""
    room = PlainRoom(tmp_path_factory.mktemp("feeds"))
    for number in range(14):
        report(room, number, source=f"kabar-{number % 3}")
        room.press(minutes=30)
    room.publish_at("kabar-satu", "rilis", RELEASE)
    room.publish_at("kabar-dua", "rilis", RELEASE, hour=7)
    room.publish_at("pemkot", "lain", OTHER, kind=SourceKind.CITY_GOVERNMENT)
    publish_old(room, 40, 41)
    room.press()
    yield room
    room.store.close()


def build_site(room: FeedRoom, *, url: str = SITE_URL) -> Any:
    return create_app(
        database=room.folder / "news.db", public=room.public, site=SiteInfo(url=url), clock=lambda: room.now
    )


@pytest.fixture
def app(full_room: FeedRoom) -> Any:
    return build_site(full_room)


def read_page(client: httpx.Client, query: str = "", *, status: int = 200) -> html.HtmlElement:
    answer = client.get(f"/feeds?{query}" if query else "/feeds")
    assert answer.status_code == status, answer.text
    return html.fromstring(answer.text)


def tell(element: html.HtmlElement) -> str:
    return " ".join(str(element.text_content()).split())


def read_form(page: html.HtmlElement) -> list[tuple[str, str]]:
    """What a browser sends when nothing is changed."""
    (form,) = page.cssselect("form")
    assert (form.method, form.action) == ("GET", "/feeds")
    return [(key, value) for key, value in form.form_values() if value]


def read_addresses(page: html.HtmlElement) -> list[str]:
    assert page.xpath("//dl//dt/a/@href") == [code.text for code in page.cssselect("dl code.address")]
    return list(page.xpath("//dl//dt/a/@href"))


def read_titles(page: html.HtmlElement) -> list[str]:
    return [tell(heading) for heading in page.cssselect("article h4")]


# ── the form ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "query",
    [
        "q=lampu+jalan",
        "q=%22wali+kota%22+smart*+-lomba&topic=apeksi",
        "city=kota-gorontalo&city=kota-bandung&city=kota-manado",
        "topic=apeksi&topic=smart-city&province=gorontalo&komwil=6&komwil=5&kind=regional&source=kabar-0&source=kabar-1",
        "since=7d",
        "since=90d",
        "since=2026-10-01",
        "since=2026-10-01T08%3A00%3A00%2B08%3A00",
        "group=story&archive=yes",
        "q=apeksi&city=kota-gorontalo&since=30d&group=story&archive=yes&lang=en",
    ],
)
def test_form_keeps_what_was_asked(client: httpx.Client, query: str) -> None:
    page = read_page(client, query)
    kept = read_form(page)
    assert sorted(kept) == sorted(parse_qsl(query))
    assert read_titles(read_page(client, urlencode(kept))) == read_titles(page)


def test_a_form_without_a_choice_asks_for_everything(client: httpx.Client) -> None:
    page = read_page(client, "q=&topic=&city=&province=&komwil=&kind=&source=&since=&since=&group=")
    assert tell(page.cssselect("h1")[0]) == "Semua berita"
    assert read_addresses(page) == [f"{SITE_URL}feed.{ending}" for ending in Format]
    assert read_form(page) == []


def test_a_day_outweighs_a_period(client: httpx.Client) -> None:
    page = read_page(client, "since=7d&since=2026-10-01")
    assert read_form(page) == [("since", "2026-10-01")]
    assert read_addresses(page)[0].endswith("?since=2026-10-01")


def test_every_field_has_a_label(client: httpx.Client) -> None:
    page = read_page(client, "city=kota-gorontalo&city=kota-bandung&lang=en")
    fields = page.xpath("//form//*[self::input or self::select][not(@type='hidden')]")
    assert {field.get("name") for field in fields} == set(KEYS) - {"before", "lang", "order"}
    for field in fields:
        label = field.label if field.label is not None else next(field.iterancestors("label"), None)
        assert field.get("aria-label") or tell(label), field.get("name")
    identifiers = page.xpath("//@id")
    assert len(identifiers) == len(set(identifiers))
    levels = [int(heading.tag[1]) for heading in page.xpath("//main//*[self::h1 or self::h2 or self::h3 or self::h4]")]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_choices_are_what_can_be_found(client: httpx.Client) -> None:
    page = read_page(client)
    counts = {field.get("name"): len(field.value_options) - 1 for field in page.cssselect("form select")}
    assert counts == {
        "topic": 2,
        "city": 98,
        "province": 38,
        "komwil": 6,
        "kind": len(SourceKind),
        "source": 6,
        "since": 3,
        "group": 1,
    }
    cities = [option.text for option in page.cssselect("select[name=city] option")][1:]
    assert cities == sorted(cities, key=str.casefold)
    assert "Jakarta Barat" in cities


# ── addresses and preview ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("city=kota-gorontalo", "feeds/city/kota-gorontalo.{}"),
        ("q=&city=Kota-Gorontalo&utm_source=x", "feeds/city/kota-gorontalo.{}"),
        ("source=kabar-0", "feeds/source/kabar-0.{}"),
        ("city=kota-gorontalo&city=kota-batu", "feeds/search.{}?city=kota-batu&city=kota-gorontalo"),
        ("since=7d&q=wali+kota&topic=apeksi", "feeds/search.{}?q=wali+kota&topic=apeksi&since=7d"),
        ("city=kota-gorontalo&lang=en", "feeds/search.{}?city=kota-gorontalo&lang=en"),
        ("topic=apeksi&group=story", "feeds/search.{}?topic=apeksi&group=story"),
    ],
)
def test_addresses_lead_to_what_is_shown(client: httpx.Client, query: str, path: str) -> None:
    page = read_page(client, query)
    addresses = read_addresses(page)
    assert addresses == [SITE_URL + path.format(ending) for ending in Format]
    alternates = page.xpath("//link[@rel='alternate'][@type]")
    assert [(ENDINGS[link.get("type")], link.get("href")) for link in alternates] == [
        (ending, address) for ending, address in zip(Format, addresses, strict=True)
    ]
    feed = client.get(addresses[2].removeprefix(SITE_URL)).json()
    assert read_titles(page) == [item["title"] for item in feed["items"]][:10]
    assert read_titles(page)


def test_every_feed_names_a_page_that_shows_what_it_holds(full_room: FeedRoom, client: httpx.Client) -> None:
    for name in ("topic/apeksi", "city/kota-gorontalo", "province/gorontalo", "komwil/6", "kind/regional"):
        feed = json.loads((full_room.public / f"feeds/{name}.json").read_bytes())
        page = html.fromstring(client.get(feed["home_page_url"].removeprefix(SITE_URL[:-1])).text)
        assert read_titles(page) == [item["title"] for item in feed["items"]][:10], name
    assert json.loads((full_room.public / "feed.json").read_bytes())["home_page_url"] == SITE_URL


@pytest.mark.parametrize("query", ["", "lang=en"])
def test_a_search_for_everything_names_the_front_page(client: httpx.Client, query: str) -> None:
    home = client.get(f"/feeds/search.json?{query}").json()["home_page_url"]
    assert home == SITE_URL + (f"?{query}" if query else "")


def test_pages_of_a_search_lead_to_their_preview(client: httpx.Client) -> None:
    feed = client.get("/feeds/search.json?q=apeksi&archive=yes").json()
    page = read_page(client, urlsplit(feed["home_page_url"]).query)
    seen = read_titles(page)
    while older := page.cssselect("a[rel=next]"):
        page = read_page(client, urlsplit(older[0].get("href")).query)
        assert read_addresses(page)[0] == f"{SITE_URL}feeds/search.xml?q=apeksi&archive=yes"
        assert page.cssselect("a[rel=first]")[0].get("href") == "/feeds?q=apeksi&archive=yes"
        seen += read_titles(page)
    assert seen == [item["title"] for item in feed["items"]]
    assert len(seen) > 10


def test_without_a_base_url_addresses_are_of_the_host(full_room: FeedRoom, stage: Stage, client: httpx.Client) -> None:
    stage.app = build_site(full_room, url="")
    page = read_page(client, "city=kota-gorontalo")
    assert read_addresses(page)[0] == "/feeds/city/kota-gorontalo.xml"
    assert "salin tautannya" in tell(page)


def test_no_news_yet_is_no_error(client: httpx.Client) -> None:
    page = read_page(client, "city=kota-sorong")
    assert page.cssselect(".note h3")[0].text == "Belum ada berita untuk pilihan ini"
    assert read_addresses(page)


# ── what cannot be answered ────────────────────────────────────────────────────────────────────────────────────────


def test_an_unknown_city_is_told_with_the_one_that_was_meant(client: httpx.Client) -> None:
    page = read_page(client, "q=apeksi&city=gorontalo&city=kota-batu&archive=yes", status=404)
    (problem,) = page.cssselect("[role=alert]")
    assert "Kota: “gorontalo” tidak ada dalam daftar." in tell(problem)
    (meant,) = problem.cssselect("a")
    assert tell(meant) == "Kota Gorontalo"
    assert meant.get("href") == "/feeds?q=apeksi&city=kota-gorontalo&city=kota-batu&archive=yes"
    assert sorted(read_form(page)) == sorted(parse_qsl("q=apeksi&city=gorontalo&city=kota-batu&archive=yes"))
    assert not page.cssselect("dl, article")
    assert len(page.xpath("//link[@rel='alternate'][@type]")) == 3


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("q=" + "x" * 10_000, 400, "Kata: lebih panjang dari 300 karakter."),
        ("q=-lomba", 400, "Kata: hanya menyebut yang tidak dicari"),
        ("q=ko*", 400, "Kata: ko*: paling sedikit 3 huruf"),
        ("since=kemarin", 400, "Terbit: harus tanggal seperti 2026-11-01"),
        ("group=portal", 400, "Satu berita untuk: hanya boleh story."),
        ("citty=kota-batu", 400, "citty: bukan kunci pencarian; yang ada: q, topic, city"),
        ("q=a&lang=fr", 400, "Bahasa: hanya boleh id / en."),
        ("&".join(f"city=kota-{number}" for number in range(60)), 400, "Pertanyaan: lebih dari 50 nilai."),
        ("source=tidak-ada", 404, "Sumber: “tidak-ada” tidak ada dalam daftar."),
        ("city=" + "y" * 5_000, 404, "tidak ada dalam daftar."),
        ("topic=%00%ff%F0%9F&city=%ed%a0%80", 404, "tidak ada dalam daftar."),
        ("q=apeksi&order=relevance", 400, "Urutan: feed selalu berurutan dari yang terbaru"),
        ("q=apeksi&before=tag:tidak-ada", 404, "Tidak ada berita dengan guid ini"),
        ("q=ko*&lang=en", 400, "Words: ko*: at least 3 letters before the asterisk."),
        ("city=kota-bndung&lang=en", 404, "Cities: there is no “kota-bndung”. Did you mean Kota Bandung, Kota"),
    ],
)
def test_faulty_questions_are_told(client: httpx.Client, query: str, status: int, says: str) -> None:
    answer = client.get(f"/feeds?{query}")
    assert answer.status_code == status
    assert answer.headers["cache-control"] == "no-store"
    page = html.fromstring(answer.text)
    assert says in tell(page.cssselect("[role=alert]")[0])
    assert page.cssselect("form")
    assert len(answer.content) < 250_000


def test_a_faulty_question_stays_in_the_form(client: httpx.Client) -> None:
    assert read_form(read_page(client, "q=ko*&since=kemarin", status=400)) == [("q", "ko*"), ("since", "kemarin")]
    (words,) = read_page(client, "q=" + "x" * 10_000, status=400).cssselect("#q")
    assert words.get("value") == "x" * TYPED_LIMIT


def test_syntax_in_words_is_no_syntax(client: httpx.Client) -> None:
    for words in ('" OR 1=1 --', "title:apeksi NEAR(x y)", "{a b}:c^2", "<b>", "apeksi\x00\x07", "'"):
        assert client.get("/feeds", params={"q": words}).status_code in {200, 400}, words


@pytest.mark.parametrize("path", ["/feeds", "/feeds?city=kota-gorontalo", "/feeds?q=-a"])
def test_before_the_first_publish_the_page_says_so(
    room: FeedRoom, stage: Stage, client: httpx.Client, path: str
) -> None:
    stage.app = build_site(room)
    for has_database in (True, False):
        if not has_database:
            room.store.close()
            for file in room.folder.glob("news.db*"):
                file.unlink()
        answer = client.get(path)
        assert answer.status_code == {"/feeds": 200, "/feeds?q=-a": 400}.get(path, 503) or not has_database
        assert (answer.status_code == 503) == ("retry-after" in answer.headers)
        page = html.fromstring(answer.text)
        assert "Belum ada berita" in tell(page.cssselect(".ready")[0])
        assert not page.cssselect("a[href='/opml.xml']")


# ── the list of feeds ──────────────────────────────────────────────────────────────────────────────────────────────


def test_all_feeds_are_listed_in_groups_with_what_they_hold(full_room: FeedRoom, client: httpx.Client) -> None:
    groups = {tell(each.cssselect("h3")[0]): each for each in read_page(client).cssselect(".ready details")}
    assert {name: len(each.cssselect("li")) for name, each in groups.items()} == {
        "Umum": 1,
        "Topik": 2,
        "Kota": 98,
        "Provinsi": 38,
        "Komwil APEKSI": 6,
        "Jenis sumber": len(SourceKind),
        "Sumber": 6,
    }
    assert [name for name, each in groups.items() if each.get("open") is not None] == ["Umum", "Topik"]
    held = dict(full_room.ask("SELECT name, items FROM feeds"))
    (row,) = [row for row in groups["Kota"].cssselect("li") if tell(row).startswith("Gorontalo ")]
    assert tell(row) == f"Gorontalo {held['city/kota-gorontalo']} RSS Atom JSON"
    assert row.xpath(".//@href") == [
        "/feeds?city=kota-gorontalo",
        *(f"/feeds/city/kota-gorontalo.{ending}" for ending in Format),
    ]


def test_of_very_many_sources_those_with_most_news_are_named(
    full_room: FeedRoom, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aggregator.web.asking.SOURCES_MOST", 3)
    page = read_page(client, "source=pemkot")
    group = page.cssselect(".ready details")[-1]
    assert [tell(each) for each in group.cssselect("li bdi")] == ["Kabar-0", "Kabar-1", "Kabar-2"]
    assert tell(group.cssselect("li")[-1]) == "dan 3 lainnya, semuanya ada di daftar OPML"
    assert page.cssselect("#source option[selected]")[0].text == "Pemkot"


@pytest.mark.slow
def test_nothing_on_the_pages_leads_nowhere(client: httpx.Client) -> None:
    seen = set[str]()
    for path in ("/", "/status", "/feeds", "/feeds?lang=en", "/feeds?city=kota-gorontalo", "/feeds?q=apeksi&lang=en"):
        for address in html.fromstring(client.get(path).text).xpath("//@href | //@src | //@action"):
            url = urljoin(SITE_URL + path.lstrip("/"), address)
            if url.startswith(SITE_URL):
                seen.add(url.partition("#")[0].removeprefix(SITE_URL[:-1]))
    assert len([path for path in seen if path.startswith("/feeds/")]) > 450
    # of previews in English one of each kind will do
    seen = {path for path in seen if "lang=en" not in path or not re.search(r"\?(city|province)=", path)}
    assert {path: status for path in seen if (status := client.get(path).status_code) != 200} == {}


# ── around it ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["/", "/status", "/story/1", "/feeds", "/tidak-ada", "/?lang=en"])
def test_every_page_leads_to_the_feeds(client: httpx.Client, full_room: FeedRoom, path: str) -> None:
    page = html.fromstring(client.get(path).text)
    assert ("/feeds?lang=en" if "lang=en" in path else "/feeds") in page.xpath("//header//nav//a/@href")
    alternates = page.xpath("//link[@rel='alternate'][@type]")
    assert [link.get("type") for link in alternates] == [ending.media_type for ending in Format]
    assert [link.get("href") for link in alternates] == [f"{SITE_URL}feed.{ending}" for ending in Format]


def test_english_is_one_click_away_and_keeps_the_question(client: httpx.Client) -> None:
    page = read_page(client, "city=kota-gorontalo&city=kota-batu&since=7d")
    (toggle,) = page.cssselect("nav a[hreflang=en]")
    english = html.fromstring(client.get(toggle.get("href")).text)
    assert english.get("lang") == "en"
    assert tell(english.cssselect("h1")[0]) == "Kota Batu or Kota Gorontalo, last 7 days"
    assert read_titles(english) == read_titles(page)
    assert sorted(read_form(english)) == sorted([*read_form(page), ("lang", "en")])
    (back,) = english.cssselect("nav a[hreflang=id]")
    assert back.get("href") == "/feeds?city=kota-gorontalo&city=kota-batu&since=7d"


def test_hostile_names_and_titles_cannot_leave_their_place(room: FeedRoom, stage: Stage, client: httpx.Client) -> None:
    report(room, 1)
    room.press()
    room.store._connection.execute("UPDATE sources SET name = ?", (EVIL,))
    room.store._connection.execute("UPDATE articles SET title = ?, url = 'javascript:alert(3)'", (EVIL + "\x07",))
    room.store._connection.commit()
    room.press()
    stage.app = build_site(room)
    for query in ("", "source=kabar-satu", urlencode({"q": EVIL}), urlencode({"source": EVIL}), f"{EVIL}=1"):
        page = html.fromstring(client.get(f"/feeds?{query}").text)
        assert not page.cssselect("script, style, [style], [onerror], [onclick], main img")
        assert not page.xpath("//@href[starts-with(., 'javascript')]")
        assert EVIL in [each.text for each in page.cssselect("#source option")]
        assert EVIL in [each.text for each in page.cssselect(".ready bdi")]
    assert tell(read_page(client, "source=kabar-satu").cssselect("article h4")[0]) == " ".join(EVIL.split())


def test_page_needs_nothing_from_elsewhere_and_may_send_its_form(client: httpx.Client) -> None:
    answer = client.get("/feeds?city=kota-gorontalo")
    page = html.fromstring(answer.text)
    assert not page.cssselect("script, style, [style], [onclick]")
    assert all(path.startswith("/static/") for path in page.xpath("//link[@rel='stylesheet']/@href | //@src"))
    assert "form-action 'self'" in answer.headers["content-security-policy"]
    assert client.head("/feeds").status_code == 200
    assert client.post("/feeds").status_code == 405


def test_page_is_revalidated_and_compressed(client: httpx.Client) -> None:
    first = client.get("/feeds?city=kota-gorontalo", headers={"accept-encoding": "gzip"})
    assert first.headers["content-encoding"] == "gzip"
    again = client.get("/feeds?city=kota-gorontalo", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["vary"] == again.headers["vary"] == "Accept-Encoding"


def test_only_the_page_without_a_question_is_for_search_engines(client: httpx.Client) -> None:
    assert read_page(client).xpath("//link[@rel='canonical']/@href") == [f"{SITE_URL}feeds"]
    assert read_page(client, "q=apeksi").xpath("//meta[@name='robots']/@content") == ["noindex, follow"]


def test_a_language_or_a_mark_of_others_is_no_question() -> None:
    assert not read_asked([("lang", "en"), ("utm_source", "x"), ("citty", "")]).has_question
    assert read_asked([("q", "")]).has_question


def test_every_key_of_a_question_has_a_name_for_people() -> None:
    for language in Language:
        keys = get_texts(language)["keys"]
        assert keys.keys() == {"q", "since", "group", "order", "archive", "lang", "query"}
