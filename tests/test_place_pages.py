"""The list of the 98 cities, and the pages of cities, provinces and Komwil."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest
from lxml import html
from newsdesk import NOW, OTHER, RELEASE, Newsroom
from test_web import check_security_headers

from aggregator.feeds import ALL, list_feeds
from aggregator.models import DatePrecision, SourceKind
from aggregator.publish.describing import Publisher, locate_preview
from aggregator.reference import load_cities
from aggregator.web.app import create_app
from aggregator.web.places import correct_slug, load_places
from aggregator.web.site import SiteInfo

SITE_URL = "https://kabarkota.example/"
EVIL = '"><script>alert(1)</script>\x00 <img src=x onerror=alert(2)>'


@pytest.fixture
def app(newsroom: Newsroom) -> Any:
    return create_app(
        database=newsroom.folder / "news.db",
        public=newsroom.folder / "public",
        site=SiteInfo(url=SITE_URL),
        clock=lambda: newsroom.now,
    )


def publish(newsroom: Newsroom) -> None:
    """Puts what was read into the feeds, and counts it."""
    newsroom.read_feed()
    store = newsroom.store
    with store.transaction():
        store.write_feeds(list_feeds({"apeksi": "APEKSI"}, store.get_published_sources()), newsroom.now)
        store.place_groups(store.take_changed_groups(most=1_000), newsroom.now)
    store.refresh_coverage(newsroom.now)


def release(newsroom: Newsroom) -> None:
    """Two releases of the city's government: one is carried twice by one portal, once by another, one by nobody."""
    newsroom.publish_at("pemkot", "rilis", RELEASE, hour=1, kind=SourceKind.CITY_GOVERNMENT, title="Rilis satu")
    newsroom.publish_at("pemkot", "lain", OTHER, hour=2, kind=SourceKind.CITY_GOVERNMENT, title="Rilis dua")
    newsroom.publish_at("harian", "utuh", RELEASE, hour=3)
    newsroom.publish_at("harian", "lagi", RELEASE, hour=4)
    newsroom.publish_at("pagi", "dulu", RELEASE, hour=0)
    newsroom.publish_at("hari", "tanpa-jam", RELEASE, hour=0, precision=DatePrecision.DAY)
    write(newsroom, "UPDATE sources SET city = 'kota-gorontalo' WHERE id = 'pemkot'")
    publish(newsroom)


def write(newsroom: Newsroom, sql: str, *values: object) -> None:
    with newsroom.store.transaction():
        newsroom.store._connection.execute(sql, values)


def read(client: httpx.Client, path: str, *, status: int = 200) -> html.HtmlElement:
    answer = client.get(path)
    assert answer.status_code == status, path
    return html.fromstring(answer.text)


def tell(element: html.HtmlElement) -> str:
    return " ".join(str(element.text_content()).split())


def read_facts(page: html.HtmlElement) -> dict[str, str]:
    return {tell(each[0]): tell(each[1]) for each in page.cssselect(".facts div")}


def find_section(page: html.HtmlElement, title: str) -> html.HtmlElement:
    (section,) = [each for each in page.cssselect("section") if each.cssselect("h2") and title in tell(each[0])]
    return section


# ── the list ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_all_cities_are_listed_by_komwil_and_province_with_their_news(newsroom: Newsroom, client: httpx.Client) -> None:
    release(newsroom)
    page = read(client, "/cities")
    links = page.cssselect(".lines li > a")
    assert {link.get("href") for link in links} == {f"/city/{city.slug}" for city in load_cities()}
    assert len(links) == 98
    komwils = page.cssselect(".komwil h2 a")
    assert [link.get("href") for link in komwils] == [f"/komwil/{number}" for number in range(1, 7)]
    (gorontalo,) = [each for each in page.cssselect(".lines li") if "Gorontalo" in tell(each)]
    assert tell(gorontalo) == "Kota Gorontalo 1 kabar hari ini"
    (ambon,) = [each for each in page.cssselect(".lines li") if "Ambon" in tell(each)]
    assert tell(ambon) == "Kota Ambon 0 kabar belum pernah ada kabar–"
    assert tell(page.cssselect("#komwil-6 > p")[0]) == "17 kota; 1 kabar dalam 30 hari terakhir"
    assert page.cssselect("nav [aria-current]")[0].get("href") == "/cities"


FOUND = [
    ("gorontalo", ["Kota Gorontalo"]),
    ("GORON talo", ["Kota Gorontalo"]),
    ("siantar", ["Kota Pematangsiantar"]),  # another name
    ("komwil VI maluku", ["Kota Ambon", "Kota Tual", "Kota Ternate", "Kota Tidore Kepulauan"]),
    ("gorontlo", []),
    ("<script>", []),
    ("!!!", []),
]


def test_cities_are_found_by_name_province_and_komwil(client: httpx.Client) -> None:
    for asked, found in FOUND:
        answer = client.get("/cities", params={"q": asked})
        page = html.fromstring(answer.text)
        assert [tell(link) for link in page.cssselect(".lines li > a")] == found, asked
        assert page.cssselect("#q")[0].get("value") == asked
        assert not page.cssselect("script")
        assert tell(page.cssselect("[role=status] p")[0]).startswith(
            f"{len(found)} kota cocok dengan “{asked}”" if found else f"Tidak ada kota yang cocok dengan “{asked}”"
        )
        near = [link.get("href") for link in page.cssselect("[role=status] p + p a")]
        assert near == (["/city/kota-gorontalo"] if asked == "gorontlo" else [])


def test_rubbish_in_the_query_is_borne(client: httpx.Client) -> None:
    for query in ("q=", "q=%20", f"q={'a' * 5_000}", "q=%00%ff", "q=a&q=b", "x=1&lang=xx", "q=" + "a+" * 900):
        assert client.get(f"/cities?{query}").status_code == 200, query
    (toggle,) = read(client, "/cities?q=Bandung").cssselect("nav a[hreflang=en]")
    assert toggle.get("href") == "/cities?q=Bandung&lang=en"
    (hidden,) = read(client, "/cities?lang=en").cssselect(".finder input[name=lang]")
    assert hidden.get("value") == "en"


# ── a city ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_city_tells_its_figures_and_its_news_in_its_own_zone(newsroom: Newsroom, client: httpx.Client) -> None:
    release(newsroom)
    page = read(client, "/city/kota-gorontalo")
    assert [tell(each) for each in page.cssselect("h1")] == ["Kota Gorontalo"]
    assert [link.get("href") for link in page.cssselect(".kicker a")] == ["/province/gorontalo", "/komwil/6"]
    assert read_facts(page) == {
        "Kabar, 30 hari": "1",
        "Kabar dalam feed": "1",
        "Kabar terakhir": "hari ini",
        "Zona waktu": "WITA (UTC+8)",
    }
    (item,) = page.cssselect("article")
    assert tell(item.cssselect(".when")[0]) == "08.00 WITA"
    links = page.xpath("//link[@rel='alternate'][@type]/@href")
    assert links == [f"{SITE_URL}feeds/city/kota-gorontalo.{ending}" for ending in ("xml", "atom", "json")]
    assert page.xpath("//aside//a/@href")[:3] == links
    assert page.xpath("//aside//a/@href")[3:5] == ["/feeds?city=kota-gorontalo", "/kliping?city=kota-gorontalo"]
    assert client.get("/kliping?city=kota-gorontalo").status_code == 200
    assert tell(page.cssselect(".day h3")[0]) == "Masuk Senin, 5 Oktober 2026"
    months = find_section(page, "Bulan demi bulan").cssselect("tbody tr")
    assert [[tell(cell) for cell in row] for row in months] == [["Okt 2026", "1", "5"]]
    levels = [int(each.tag[1]) for each in page.cssselect("main h1, main h2, main h3, main h4")]
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.parametrize(("first_asked", "days"), [("2026-10-01", 14), ("2026-09-01", 35), ("2026-01-01", 90)])
def test_the_chart_of_a_new_installation_has_no_long_gap(
    newsroom: Newsroom, client: httpx.Client, first_asked: str, days: int
) -> None:
    release(newsroom)
    write(newsroom, "DELETE FROM working_days")
    write(newsroom, "INSERT INTO working_days (day_wib, sources, polled) VALUES (?, 3, 3)", first_asked)
    page = read(client, "/city/kota-gorontalo")
    assert len(find_section(page, f"Kabar per hari, {days} hari terakhir").cssselect("tbody tr")) == days


def test_releases_are_followed_to_the_portals_that_carry_them(newsroom: Newsroom, client: httpx.Client) -> None:
    release(newsroom)
    section = find_section(read(client, "/city/kota-gorontalo"), "Rilis pemerintah kota")
    assert tell(section.cssselect("p")[0]).startswith(
        "2 rilis dalam 90 hari terakhir, 1 di antaranya dimuat portal lain (50%)."
    )
    dua, satu = section.cssselect(".releases > li")
    assert tell(dua) == "Rilis dua 5 Okt, 10.00 WITA Belum dimuat portal lain."
    assert [tell(each) for each in satu.cssselect(".pickups li")] == [
        "Pagi · 1 jam lebih dulu",
        "Hari · urutan tidak pasti",
        "Harian · 2 jam kemudian",
    ]
    english = find_section(read(client, "/city/kota-gorontalo?lang=en"), "The city government’s releases")
    assert "Harian · 2 h later" in tell(english)


def test_those_who_write_most_are_told_with_what_they_had_first(newsroom: Newsroom, client: httpx.Client) -> None:
    release(newsroom)
    rows = find_section(read(client, "/city/kota-gorontalo"), "Portal yang paling banyak memuat").cssselect("tbody tr")
    assert [[tell(cell) for cell in row] for row in rows] == [
        ["Harian", "2", "0"],
        ["Pagi", "1", "1"],
        ["Hari", "1", "0"],
        ["Pemkot pemerintah kota", "1", "0"],
    ]
    assert rows[0].cssselect("a")[0].get("href") == "/feeds?source=harian"


def test_a_city_without_news_says_so_and_gives_its_feed(newsroom: Newsroom, client: httpx.Client) -> None:
    for prepare in (lambda: None, lambda: release(newsroom)):
        prepare()
        page = read(client, "/city/kota-ambon")
        assert "Belum ada kabar dari Kota Ambon" in tell(page)
        assert page.xpath("//aside//a/@href")[0] == f"{SITE_URL}feeds/city/kota-ambon.xml"
        assert not page.cssselect(".chart, table")
        assert read_facts(page)["Kabar terakhir"] == "–"


def test_without_a_database_every_place_has_its_page(newsroom: Newsroom, client: httpx.Client) -> None:
    for file in newsroom.folder.glob("news.db*"):
        file.unlink()
    assert "kabarkota run" in tell(read(client, "/cities"))
    for path in ("/city/kota-ambon", "/komwil/6", "/province/bali?lang=en"):
        read(client, path)


def test_old_news_is_shown_where_there_is_no_other(newsroom: Newsroom, client: httpx.Client) -> None:
    newsroom.publish_at("harian", "lama", RELEASE, title="Kabar lama")
    write(newsroom, "UPDATE articles SET published_at = '2026-03-01T00:00:00Z'")
    publish(newsroom)
    page = read(client, "/city/kota-gorontalo")
    assert [tell(each) for each in page.cssselect("article h4")] == ["Kabar lama"]
    assert read_facts(page)["Kabar terakhir"] == "1 Mar"
    assert read_facts(page)["Kabar, 30 hari"] == "0"
    months = find_section(page, "Bulan demi bulan").cssselect("tbody tr")
    assert [tell(cell) for cell in months[-1]] == ["Mar 2026", "1", "1"]


# ── other places ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_komwil_and_a_province_list_their_cities(newsroom: Newsroom, client: httpx.Client) -> None:
    release(newsroom)
    for path, cities, name in (
        ("/komwil/6", 17, "Komisariat Wilayah VI"),
        ("/province/gorontalo", 1, "Provinsi Gorontalo"),
        ("/province/papua-tengah", 0, "Provinsi Papua Tengah"),
    ):
        page = read(client, path)
        assert tell(page.cssselect("h1")[0]) == name
        assert len(page.cssselect(".lines li")) == cities
        assert read_facts(page)["Kota anggota"] == str(cities)
        assert len(page.cssselect("article")) == bool(cities)
        assert len(page.cssselect(".chart")) == bool(cities)
    assert "Tidak ada kota anggota APEKSI di provinsi ini." in tell(page)
    assert tell(read(client, "/komwil/6").cssselect(".lines li a")[0]) == "Kota Manado"


def test_every_place_has_a_page_and_its_feed_leads_there(client: httpx.Client) -> None:
    places = load_places()
    assert len(places) == 98 + 38 + 6
    publisher = Publisher(site_url=SITE_URL, name="Kabar Kota")
    for place in places.values():
        assert locate_preview(place.feed, publisher) == SITE_URL[:-1] + place.path
    for path in list(places)[::9]:
        read(client, path)
    assert locate_preview(ALL, publisher) == SITE_URL
    assert locate_preview("topic/apeksi", publisher) == f"{SITE_URL}feeds?topic=apeksi"


# ── addresses ──────────────────────────────────────────────────────────────────────────────────────────────────────


LED = [
    ("/city/gorontalo", "/city/kota-gorontalo"),
    ("/city/Kota-Gorontalo", "/city/kota-gorontalo"),
    ("/city/kota_gorontalo", "/city/kota-gorontalo"),
    ("/city/kota%20gorontalo?lang=en&next=https://evil.example/", "/city/kota-gorontalo?lang=en"),
    ("/city/siantar", "/city/kota-pematangsiantar"),
    ("/city/kota-administrasi-jakarta-pusat", "/city/kota-jakarta-pusat"),
    ("/komwil/VI", "/komwil/6"),
    ("/komwil/komwil-3", "/komwil/3"),
    ("/province/BALI", "/province/bali"),
]


def test_other_spellings_lead_to_the_one_address(client: httpx.Client) -> None:
    for path, target in LED:
        answer = client.get(path)
        assert (answer.status_code, answer.headers.get("location")) == (308, target), path
        check_security_headers(answer)


MISSED = [
    ("/city/kota-gorontlo", ["/city/kota-gorontalo"]),
    ("/city/malag", ["/city/kota-malang"]),
    ("/city/jakarta", [f"/city/kota-jakarta-{side}" for side in ("barat", "pusat", "selatan", "timur", "utara")]),
    ("/city/xyzzyx", []),
    ("/city/%3Cscript%3E", []),
    ("/city/" + "a" * 3_000, []),
    ("/city/%00", []),
    ("/komwil/7", [f"/komwil/{number}" for number in range(1, 7)]),
    ("/province/jawa-tengh", ["/province/jawa-tengah"]),
]


def test_what_is_no_place_is_not_found_and_names_what_is_near(client: httpx.Client) -> None:
    for path, near in MISSED:
        answer = client.get(path)
        assert answer.status_code == 404, path
        assert answer.headers["cache-control"] == "no-store"
        check_security_headers(answer)
        page = html.fromstring(answer.text)
        links = [link for link in page.xpath("//main//a/@href") if re.match(r"/(city|komwil|province)/", link)]
        assert sorted(links[: len(near) or 9]) == sorted(near), path
        assert page.cssselect(".finder input[name=q]")
        assert not page.cssselect("script")


def test_no_two_places_are_called_the_same() -> None:
    for place in load_places().values():
        assert correct_slug(place.kind, place.slug) == place.slug


# ── hostile portals, caches, cost ──────────────────────────────────────────────────────────────────────────────────


def test_hostile_texts_cannot_leave_their_place(newsroom: Newsroom, client: httpx.Client) -> None:
    release(newsroom)
    write(newsroom, "UPDATE articles SET title = ?, text = ?, language = ?", *[EVIL] * 3)
    write(newsroom, "UPDATE articles SET url = 'javascript:alert(' || id || ')'")
    write(newsroom, "UPDATE sources SET name = ?", EVIL)
    for path in ("/city/kota-gorontalo", "/komwil/6?lang=en", "/province/gorontalo", "/cities"):
        page = read(client, path)
        assert not page.cssselect("script, style, main img, [onerror], [style]")
        assert not page.xpath("//@href[starts-with(., 'javascript')]")
        assert not re.search(r"[\x00-\x08\x0b-\x1f]", page.text_content())
    assert page.cssselect("main")


@pytest.mark.slow
def test_pages_are_revalidated_and_compressed(newsroom: Newsroom, client: httpx.Client) -> None:
    release(newsroom)
    for path in ("/cities", "/city/kota-gorontalo", "/komwil/6"):
        first = client.get(path, headers={"accept-encoding": "gzip"})
        assert first.headers["content-encoding"] == "gzip"
        assert len(first.content) < 150_000
        check_security_headers(first)
        assert client.get(path, headers={"if-none-match": first.headers["etag"]}).status_code == 304
        assert client.head(path).headers["etag"] == first.headers["etag"]
        assert client.post(path).status_code == 405


def test_no_table_of_articles_is_read_from_end_to_end(newsroom: Newsroom) -> None:
    release(newsroom)
    store, asked = newsroom.store, list[str]()
    feed = store.find_feed("city/kota-gorontalo")
    assert feed is not None
    store._connection.set_trace_callback(asked.append)
    store.get_last_days(["city/kota-gorontalo"])
    store.get_releases("kota-gorontalo", NOW - timedelta(days=90))
    store.get_writers(feed.id, NOW - timedelta(days=90), most=10)
    store.get_coverage(region="city/kota-gorontalo", since=date(2026, 9, 1), until=date(2026, 10, 5))
    store._connection.set_trace_callback(None)
    queries = [sql for sql in asked if sql.split()[0] in ("SELECT", "WITH")]
    assert len(queries) >= 5
    for sql in queries:
        plan = [row["detail"] for row in store._connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
        assert any(step.startswith("SEARCH") for step in plan), json.dumps(plan)
        assert not [step for step in plan if re.match(r"SCAN (a|o|r|g|c|articles|feed_items)\b", step)], plan
