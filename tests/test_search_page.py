"""The page of searches: what is found, where the words stand, and what is said where nothing can be."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
import pytest
from feed_room import FeedRoom, PlainRoom
from lxml import html
from newsdesk import OTHER, RELEASE
from page_room import Stage
from test_feeds import publish_old, report
from test_feeds_page import EVIL, build_site, tell

from aggregator.marked import Piece, split_marked
from aggregator.models import SourceKind


@pytest.fixture(scope="module")
def full_room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeedRoom]:
    """A newsroom that no test changes."""
    room = PlainRoom(tmp_path_factory.mktemp("search"))
    for number in range(22):
        report(room, number, source=f"kabar-{number % 2}")
    room.publish_at("kabar-satu", "rilis", RELEASE, title="Lampu jalan di Gorontalo")
    room.publish_at("pemkot", "lain", OTHER, kind=SourceKind.CITY_GOVERNMENT)
    publish_old(room, 40)
    room.press()
    yield room
    room.store.close()


@pytest.fixture
def app(full_room: FeedRoom) -> Any:
    return build_site(full_room)


def read_page(client: httpx.Client, query: str = "", *, status: int = 200) -> html.HtmlElement:
    answer = client.get(f"/search?{query}" if query else "/search")
    assert answer.status_code == status, answer.text
    return html.fromstring(answer.text)


def read_titles(page: html.HtmlElement) -> list[str]:
    return [tell(heading) for heading in page.cssselect("article h4")]


def read_form(page: html.HtmlElement) -> list[tuple[str, str]]:
    (form,) = page.cssselect("form[role=search]")
    assert (form.method, form.action) == ("GET", "/search")
    return [(key, value) for key, value in form.form_values() if value]


# ── what is found ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "marked"),
    [
        ("lampu pintar", {"Lampu", "lampu", "pintar"}),
        ('"lampu jalan"', {"Lampu jalan", "lampu jalan"}),
        ("tagih*", {"Tagihan"}),
        ("obligasi -lampu", {"obligasi"}),
        ("judul:lampu", {"Lampu"}),
        ('isi:"lampu jalan"', {"lampu jalan"}),
    ],
)
def test_words_are_marked_where_they_stand(client: httpx.Client, words: str, marked: set[str]) -> None:
    page = read_page(client, urlencode({"q": words}))
    (article,) = page.cssselect("article")
    assert {tell(mark) for mark in article.cssselect("mark")} == marked
    assert tell(page.cssselect("h1")[0]) == f"“{words}”"
    assert tell(page.cssselect("[role=status]")[0]) == "Ditampilkan 1, yang terbaru di atas."


def test_pages_follow_one_another(client: httpx.Client) -> None:
    page = read_page(client, "q=apeksi&archive=yes")
    assert tell(page.cssselect("[role=status]")[0]) == "Ditampilkan 20 yang terbaru; masih ada yang lebih lama."
    seen = read_titles(page)
    while older := page.xpath("//a[@rel='next']/@href"):
        page = read_page(client, older[0].partition("?")[2])
        assert page.xpath("//a[@rel='first']/@href") == ["/search?q=apeksi&archive=yes"]
        seen += read_titles(page)
    assert len(seen) == len(set(seen)) == 25
    feed = client.get("/feeds/search.json?q=apeksi&archive=yes").json()
    assert seen == [item["title"] for item in feed["items"]]


def test_the_most_fitting_stand_first_where_that_is_asked(client: httpx.Client) -> None:
    page = read_page(client, "q=gorontalo&order=relevance&archive=yes")
    assert tell(page.cssselect("[role=status]")[0]) == "Ditampilkan 20 yang paling sesuai dari 24 berita yang cocok."
    headings = [tell(heading) for heading in page.cssselect("article h3")]
    assert headings[0] == "Lampu jalan di Gorontalo"
    assert page.cssselect("article h3 mark")
    assert all(time.cssselect(".date") for time in page.cssselect("article time"))
    (form,) = page.cssselect("form[role=search]")
    assert dict(form.form_values())["order"] == "relevance"
    assert not any("order" in link for link in page.xpath("//ul[@class='actions']//a/@href"))
    (older,) = page.xpath("//a[@rel='next']/@href")
    rest = read_page(client, older.partition("?")[2])
    assert len({*headings, *map(tell, rest.cssselect("article h3"))}) == 24
    assert rest.xpath("//a[@rel='first']/@href") == ["/search?q=gorontalo&order=relevance&archive=yes"]


def test_only_the_newest_are_ranked(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    last = html.fromstring(client.get("/search?q=gorontalo&archive=yes").text).xpath("//a[@rel='next']/@href")[0]
    monkeypatch.setattr("aggregator.finding.CANDIDATES_MOST", 5)
    page = read_page(client, "q=gorontalo&order=relevance&lang=en")
    assert "the most relevant of the newest 5 that fit" in tell(page.cssselect("[role=status]")[0])
    page = read_page(client, f"{last.partition('?')[2]}&order=relevance", status=404)
    assert "tidak ada di antara 5 berita terbaru" in tell(page.cssselect("[role=alert]")[0])


@pytest.mark.parametrize(
    "query", ["q=lampu", "q=apeksi&city=kota-gorontalo&since=7d&lang=en", "topic=apeksi&group=story", "q=tidak-ada"]
)
def test_a_search_leads_to_its_feed_its_kliping_and_its_cards(client: httpx.Client, query: str) -> None:
    page = read_page(client, query)
    links = page.xpath("//ul[@class='actions']//a/@href")
    assert [link.partition("?")[0] for link in links] == ["/feeds", "/kliping", "/"]
    assert all(parse_qsl(link.partition("?")[2]) == parse_qsl(query) for link in links)
    assert sorted(read_form(page)) == sorted(parse_qsl(query))
    assert client.get(links[0]).status_code == client.get(links[2]).status_code == 200
    for chip in page.cssselect(".chips li:not(.all) a"):
        assert client.get(chip.get("href")).status_code == 200


def test_a_search_without_result_says_what_to_do(client: httpx.Client) -> None:
    page = read_page(client, "q=zzzz&kind=regional")
    assert tell(page.cssselect("[role=status]")[0]) == "Tidak ada yang cocok."
    assert page.cssselect("details.change")[0].get("open") is not None
    assert page.cssselect(".note")


def test_without_a_question_the_page_says_how_to_search(client: httpx.Client) -> None:
    page = read_page(client)
    assert not page.cssselect("article, [role=status], [role=alert]")
    for example in page.cssselect("aside dt a"):
        assert client.get(example.get("href")).status_code == 200
    assert page.xpath("//link[@rel='canonical']")
    assert tell(html.fromstring(client.get("/search?lang=en").text).cssselect("h1")[0]) == "Search the news"


def test_headings_are_in_order_and_fields_have_labels(client: httpx.Client) -> None:
    page = read_page(client, "q=apeksi&city=kota-gorontalo")
    levels = [int(heading.tag[1]) for heading in page.xpath("//main//*[self::h1 or self::h2 or self::h3 or self::h4]")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    for field in page.xpath("//form//*[self::input or self::select][not(@type='hidden')]"):
        label = field.label if field.label is not None else next(field.iterancestors("label"), None)
        assert field.get("aria-label") or tell(label), field.get("name")


# ── what may be quoted ─────────────────────────────────────────────────────────────────────────────────────────────


def test_no_more_is_quoted_than_a_page_allows(room: FeedRoom, stage: Stage, client: httpx.Client) -> None:
    room.publish_at("kabar-satu", "rilis", RELEASE)
    room.press()
    stage.app = build_site(room)
    for limit, has_passage in ((None, True), (1_000, True), (20, False), (0, False)):
        room.store._connection.execute("UPDATE articles SET snippet_limit = ?", (limit,))
        room.store._connection.commit()
        (article,) = read_page(client, "q=tagihan").cssselect("article")
        assert bool(article.cssselect(".excerpt mark")) is has_passage, limit
        shown = "".join(map(tell, article.cssselect(".excerpt")))
        assert limit is None or len(shown) <= limit


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("tanpa tanda", [("tanpa tanda", False)]),
        ("a \x02b\x03 c\n d", [("a ", False), ("b", True), (" c d", False)]),
        ("\x02a\x03\x02b\x03", [("a", True), ("b", True)]),
        ("x\x03y\x02z", [("xy", False), ("z", True)]),
        ("\x02<b>\x07\x03&", [("<b>", True), ("&", False)]),
    ],
)
def test_marked_text_is_split_and_made_safe(text: str, pieces: list[tuple[str, bool]]) -> None:
    assert list(split_marked(text)) == [Piece(*piece) for piece in pieces]


# ── what cannot be answered ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("q=" + "x" * 10_000, 400, "Kata: lebih panjang dari 300 karakter."),
        ("q=-lomba", 400, "Kata: hanya menyebut yang tidak dicari"),
        ("since=kemarin", 400, "Terbit: harus tanggal seperti 2026-11-01"),
        ("citty=kota-batu", 400, "citty: bukan kunci pencarian"),
        ("q=apeksi&city=gorontalo", 404, "Mungkin maksudnya Kota Gorontalo?"),
        ("topic=%00%ff%F0%9F&city=%ed%a0%80", 404, "tidak ada dalam daftar."),
        ("q=apeksi&before=tag:tidak-ada", 404, "Tidak ada berita dengan guid ini"),
        ("q=judul:", 400, "Kata: judul: butuh kata langsung di belakangnya"),
        ("q=apeksi&order=bm25", 400, "Urutan: hanya boleh newest / relevance."),
        ("q=ko*&lang=en", 400, "Words: ko*: at least 3 letters before the asterisk."),
    ],
)
def test_faulty_questions_are_told(client: httpx.Client, query: str, status: int, says: str) -> None:
    page = read_page(client, query, status=status)
    assert says in tell(page.cssselect("[role=alert]")[0])
    assert page.cssselect("form[role=search]")
    assert not page.cssselect("article")
    for url in page.xpath("//*[@role='alert']//a/@href"):
        assert url == "/search?q=apeksi&city=kota-gorontalo"
        assert client.get(url).status_code == 200


def test_syntax_in_words_is_no_syntax(client: httpx.Client) -> None:
    for words in (
        '" OR 1=1 --',
        "title:apeksi NEAR(x y)",
        "{a b}:c^2",
        "isi:{a} : b",
        "<b>",
        "apeksi\x00\x02\x07",
        "'",
        "\x02\x03",
    ):
        assert client.get("/search", params={"q": words}).status_code in {200, 400}, words


def test_hostile_text_cannot_leave_its_place(room: FeedRoom, stage: Stage, client: httpx.Client) -> None:
    report(room, 1)
    room.press()
    change = "UPDATE articles SET title = ?, text = ?, url = 'javascript:alert(3)'"
    room.store._connection.execute(change, (EVIL + "\x03\x02", f"\x02{EVIL} onerror \x03\x02"))
    room.store._connection.commit()
    stage.app = build_site(room)
    page = read_page(client, "q=alert+onerror")
    assert not page.cssselect("script, style, [style], [onerror], main img")
    assert not page.xpath("//@href[starts-with(., 'javascript')]")
    assert read_titles(page) == [" ".join(EVIL.split())]
    assert page.cssselect("mark")


@pytest.mark.parametrize("has_database", [True, False])
def test_before_the_first_publish_the_page_says_so(
    room: FeedRoom, stage: Stage, client: httpx.Client, has_database: bool
) -> None:
    stage.app = build_site(room)
    if not has_database:
        room.store.close()
        for file in room.folder.glob("news.db*"):
            file.unlink()
    assert read_page(client).cssselect("form[role=search]")
    answer = client.get("/search?city=kota-gorontalo")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "60"
    assert "belum ada siklus yang selesai" in tell(html.fromstring(answer.text).cssselect("[role=alert]")[0])


def test_page_is_revalidated_and_for_reading_only(client: httpx.Client) -> None:
    first = client.get("/search?q=apeksi", headers={"accept-encoding": "gzip"})
    assert first.headers["content-encoding"] == "gzip"
    again = client.get("/search?q=apeksi", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.post("/search").status_code == 405
    assert client.head("/search?q=apeksi").status_code == 200
