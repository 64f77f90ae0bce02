"""The page of a kliping: what can be asked, its files, what can be copied from it, and what is refused."""

from __future__ import annotations

import re
import tomllib
from datetime import timedelta
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest
from docx import Document
from kliping_room import write_placed_news
from lxml import html
from newsroom import NEWEST, make_item, make_news
from page_room import Stage

from aggregator.web.app import create_app
from aggregator.web.site import SiteInfo

SITE_URL = "https://kabarkota.example/"
NOW = NEWEST + timedelta(hours=1)
EVIL = "\"><script>alert(1)</script> & <img src=x onerror=alert(2)> ' *tebal*"


def build_site(folder: Path, *, url: str = SITE_URL) -> Any:
    site = SiteInfo(url=url)
    return create_app(database=folder / "news.db", public=folder / "public", site=site, clock=lambda: NOW)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that no test changes."""
    folder = tmp_path_factory.mktemp("kliping")
    news = make_news()
    evil = make_item(40, title=EVIL, source_name=EVIL, excerpt=EVIL, first_published=NEWEST - timedelta(minutes=1))
    write_placed_news(folder / "news.db", [*news, evil], {news[0].guid: 1, news[1].guid: 1})
    return folder


@pytest.fixture
def app(folder: Path) -> Any:
    return build_site(folder)


def read_page(client: httpx.Client, query: str = "", *, status: int = 200) -> html.HtmlElement:
    answer = client.get(f"/kliping?{query}")
    assert answer.status_code == status, answer.text
    return html.fromstring(answer.text)


def tell(element: html.HtmlElement) -> str:
    return " ".join(str(element.text_content()).split())


def read_form(page: html.HtmlElement) -> dict[str, str]:
    (form,) = page.cssselect("form")
    return {key: value for key, value in form.form_values() if value}


def read_numbers(page: html.HtmlElement) -> list[int]:
    return [int(item.get("value", "0")) for item in page.cssselect(".kliping li")]


# ── what is asked ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("query", "period"),
    [
        ("zone=wita", "Masuk Minggu, 4 Oktober 2026, 16.41 WITA sampai Senin, 5 Oktober 2026, 16.41 WITA"),
        ("city=kota-jayapura", "Masuk Minggu, 4 Oktober 2026, 17.41 WIT sampai Senin, 5 Oktober 2026, 17.41 WIT"),
        ("city=kota-jayapura&city=kota-batu", "Masuk Minggu, 4 Oktober 2026, 15.41 WIB sampai Senin, 5"),
        ("days=7", "Masuk Senin, 28 September 2026, 15.41 WIB sampai Senin, 5 Oktober 2026, 15.41 WIB"),
        ("since=7d", "Masuk Senin, 28 September 2026, 15.41 WIB sampai"),
        ("since=today", "Masuk Senin, 5 Oktober 2026, 00.00 WIB sampai Senin, 5 Oktober 2026, 15.41 WIB"),
        ("since=2020-01-01", "Masuk Jumat, 4 September 2026, 15.41 WIB sampai Senin, 5 Oktober 2026, 15.41 WIB"),
        ("since=2026-10-04", "Masuk Minggu, 4 Oktober 2026, 00.00 WIB sampai Senin, 5 Oktober 2026, 15.41 WIB"),
        ("from=2026-10-04&to=2026-10-04&days=7&zone=Asia/Makassar", "Minggu, 4 Oktober 2026"),
        ("to=2026-10-04", "Minggu, 4 Oktober 2026"),
        ("from=2026-10-01&to=2026-10-05", "Kamis, 1 Oktober 2026 sampai Senin, 5 Oktober 2026"),
        (
            "from=2026-10-04T06:30:00+08:00&to=2026-10-05T06:30:00%2B08:00&zone=WITA",
            "Masuk Minggu, 4 Oktober 2026, 06.30 WITA",
        ),
    ],
)
def test_periods_and_zones(client: httpx.Client, query: str, period: str) -> None:
    page = read_page(client, query)
    assert tell(page.cssselect(".kliping .period")[0]).startswith(period)
    again = read_page(client, f"lang=en&{query}")
    assert again.get("lang") == "en"


def test_the_form_asks_the_same_again(client: httpx.Client) -> None:
    query = "q=apeksi&city=kota-gorontalo&topic=apeksi&office=Humas&zone=wit&days=3"
    assert read_form(read_page(client, query)) == dict(parse_qsl(query))
    kept = read_form(read_page(client, "city=kota-gorontalo&from=2026-10-01&to=2026-10-05"))
    assert kept == {"city": "kota-gorontalo", "from": "2026-10-01", "to": "2026-10-05", "days": "1", "zone": "wita"}
    page = read_page(client, "office=Humas")
    for field in page.xpath("//form//*[self::input or self::select][not(@type='hidden')]"):
        assert field.label is not None, field.get("name")


def test_the_page_shows_all_in_order_with_sound_headings(client: httpx.Client) -> None:
    for query in ("days=2&office=Humas", "days=2&lang=en", "city=kota-sorong", "city=x"):
        page = html.fromstring(client.get(f"/kliping?{query}").text)
        levels = [int(each.tag[1]) for each in page.xpath("//main//*[self::h1 or self::h2 or self::h3]")]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))
        identifiers = page.xpath("//@id")
        assert len(identifiers) == len(set(identifiers))
        assert not page.cssselect("[style], style, script:not([src]), [onclick], [onerror], main img")
    page = read_page(client, "days=2&office=Humas+Kota")
    assert read_numbers(page) == list(range(1, 17))
    assert tell(page.cssselect(".kliping .office")[0]) == "Humas Kota"
    (several,) = page.cssselect(".kliping .several")
    assert len(several.cssselect("li")) == 2
    assert "/story/1" in several.xpath(".//@href")


# ── what can be done with it ───────────────────────────────────────────────────────────────────────────────────────


def test_files_hold_the_same_and_have_safe_names(client: httpx.Client) -> None:
    query = "city=kota-gorontalo&office=Humas+%22%0d%0aX-Evil:1&days=7"
    page = read_page(client, query)
    links = [each for each in page.xpath("//main//a/@href") if each.startswith(("/kliping.docx", "/kliping.txt"))]
    titles = [tell(each) for each in page.cssselect(".kliping li > :is(h2, h3)")]
    assert titles
    docx, text = (client.get(link) for link in links)
    name = "kliping-kota-gorontalo-2026-10-05"
    assert docx.headers["content-disposition"] == f'attachment; filename="{name}.docx"'
    assert text.headers["content-disposition"] == f'inline; filename="{name}.txt"'
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    assert "x-evil" not in docx.headers
    told = "\n".join(paragraph.text for paragraph in Document(BytesIO(docx.content)).paragraphs)
    for title in titles:
        assert title in told
        assert title in " ".join(text.text.split())


def test_messages_can_be_copied_or_sent(client: httpx.Client) -> None:
    page = read_page(client, "days=7")
    areas = page.cssselect("textarea[readonly]")
    assert [tell(area.label) for area in areas] == [f"Pesan {n} dari {len(areas)}" for n in range(1, len(areas) + 1)]
    assert all(len(area.text.lstrip("\n")) <= 4_000 for area in areas)
    assert sorted(page.xpath("//@data-copy")) == sorted([*(area.get("id") for area in areas), "digest"])
    assert not page.xpath("//a[starts-with(@href, 'https://wa.me')]")  # too long for a link
    (mail,) = page.xpath("//a[starts-with(@href, 'mailto:')]/@href")
    parts = parse_qs(urlsplit(mail).query)
    assert parts["subject"] == ["Kliping berita, Senin, 5 Oktober 2026 (16 berita)"]
    assert len(mail) < 4_500
    short = read_page(client, "from=2026-10-05T07:30:00Z&to=2026-10-05T07:39:30Z")
    (link,) = short.xpath("//a[starts-with(@href, 'https://wa.me')]/@href")
    assert parse_qs(urlsplit(link).query)["text"] == [short.cssselect("textarea")[0].text.lstrip("\n")]


def test_form_is_open_until_something_is_asked_for(client: httpx.Client) -> None:
    page = read_page(client)
    assert tell(page.cssselect("nav [aria-current]")[0]) == "Kliping"
    (change,) = page.cssselect("details.kliping-change")
    assert "open" in change.attrib
    order = page.xpath("//h1 | //ul[@class='kliping-buttons'] | //details[@class='kliping-change'] | //ol/li[@value]")
    assert [each.tag for each in order[:4]] == ["h1", "ul", "details", "li"]
    assert "open" not in read_page(client, "city=kota-gorontalo").cssselect("details.kliping-change")[0].attrib


def test_lines_for_a_daily_one_are_toml(client: httpx.Client) -> None:
    table = tomllib.loads(tell_digest(client, "days=7&office=Humas+%22A%22%5D"))
    assert table == {
        "digests": {"humas-a": {"office": 'Humas "A"]', "zone": "Asia/Jakarta", "at": "06:30", "to": ["humas"]}}
    }
    table = tomllib.loads(tell_digest(client, "topic=apeksi&topic=smart-city&city=kota-gorontalo&days=7"))
    (digest,) = table["digests"].values()
    assert digest == {
        "office": "APEKSI atau Kota cerdas, Kota Gorontalo",
        "zone": "Asia/Makassar",
        "at": "06:30",
        "topic": ["apeksi", "smart-city"],
        "city": "kota-gorontalo",
        "to": ["humas"],
    }


def tell_digest(client: httpx.Client, query: str) -> str:
    (lines,) = read_page(client, query).cssselect("pre#digest")
    return str(lines.text)


def test_nothing_found_leads_on(client: httpx.Client) -> None:
    page = read_page(client, "city=kota-sorong&office=Humas")
    assert "Nihil" in tell(page.cssselect(".kliping .nothing")[0])
    assert not page.cssselect(".kliping-tools, .kliping-buttons")
    links = page.xpath("//*[contains(@class, 'kliping-next')]//a/@href")
    assert links == [
        "/kliping?city=kota-sorong&office=Humas&days=3",
        "/kliping?city=kota-sorong&office=Humas&days=7",
        "/kliping?city=kota-sorong&office=Humas&days=30",
        "/feeds?city=kota-sorong",
    ]
    for link in links:
        assert client.get(link).status_code == 200
    assert client.get("/kliping.txt?city=kota-sorong").text.count("Nihil") == 1


# ── what is refused ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("zone=utc", 400, "Zona waktu “utc” tidak dikenal; pilih wib, wita, atau wit."),
        ("zone=" + "z" * 9_000, 400, "tidak dikenal"),
        ("days=0", 400, "Periode harus 1 sampai 31 hari."),
        ("days=%D9%A1", 400, "Periode harus 1 sampai 31 hari."),
        ("days=-1e9", 400, "Periode harus 1 sampai 31 hari."),
        ("from=kemarin", 400, "Tanggal “kemarin” (from) tidak dapat dibaca"),
        ("from=2026-02-30", 400, "tidak dapat dibaca"),
        ("to=9999-12-31", 400, "tidak dapat dibaca"),
        ("from=0001-01-01&to=0001-01-02", 400, "sebelum dimulai"),
        ("from=2026-10-05&to=2026-10-01", 400, "sebelum dimulai"),
        ("from=2026-10-09", 400, "sebelum dimulai"),
        ("from=2026-08-01&to=2026-10-01", 400, "paling lama 31 hari"),
        ("since=kemarin", 400, "tidak dapat dibaca"),
        ("citty=x", 400, "citty: bukan kunci pencarian; yang ada: q, topic"),
        ("q=-a", 400, "hanya menyebut yang tidak dicari"),
        ("q=" + "x" * 9_000, 400, "lebih panjang dari 300 karakter"),
        ("lang=fr", 400, "hanya boleh id / en"),
        ("source=%00%ff%ed%a0%80", 404, "tidak ada dalam daftar."),
        ("zone=x&lang=en", 400, "There is no time zone “x”"),
    ],
)
def test_faulty_questions_are_told(client: httpx.Client, query: str, status: int, says: str) -> None:
    page = read_page(client, query, status=status)
    assert says in tell(page.cssselect("[role=alert]")[0])
    assert page.cssselect("form")
    for ending in ("docx", "txt"):
        answer = client.get(f"/kliping.{ending}?{query}")
        assert (answer.status_code, answer.headers["cache-control"]) == (status, "no-store")
        assert answer.headers["content-type"].startswith("text/html")


def test_a_city_misspelt_is_told_with_the_one_that_was_meant(client: httpx.Client) -> None:
    page = read_page(client, "city=Gorontalo&office=Humas&days=7", status=404)
    assert "Kota: “gorontalo” tidak ada dalam daftar." in tell(page.cssselect("[role=alert]")[0])
    (meant,) = page.cssselect("[role=alert] a")
    assert tell(meant) == "Kota Gorontalo"
    assert meant.get("href") == "/kliping?city=kota-gorontalo&office=Humas&days=7"


def test_titles_and_offices_stay_text(client: httpx.Client) -> None:
    answer = client.get("/kliping", params={"office": EVIL, "q": "script", "days": 2})
    page = html.fromstring(answer.text)
    assert not page.cssselect("main script, main img, [onerror]")
    shown = EVIL.replace("<", "< ")
    assert shown in [tell(each) for each in page.cssselect(".kliping li > h2")]
    assert tell(page.cssselect(".kliping .office")[0]) == shown
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert not re.search(r"<script(?! src=\"/static/)", answer.text)


def test_before_the_first_cycle_the_page_says_how_to_start(client: httpx.Client, stage: Stage, tmp_path: Path) -> None:
    stage.app = build_site(tmp_path)
    page = read_page(client, "city=kota-gorontalo", status=503)
    assert "kabarkota run" in tell(page.cssselect("[role=alert]")[0])
    write_placed_news(tmp_path / "news.db", [])
    assert "Nihil" in tell(read_page(client))


def test_without_an_address_of_its_own_the_page_works(client: httpx.Client, stage: Stage, folder: Path) -> None:
    stage.app = build_site(folder, url="")
    page = read_page(client, "days=7")
    assert "/story/1" in page.xpath("//main//a/@href")
    assert "/kliping?" not in page.cssselect("textarea")[-1].text


def test_a_full_page_is_short_enough(client: httpx.Client, stage: Stage, tmp_path: Path) -> None:
    items = [
        make_item(n, first_published=NEWEST - timedelta(minutes=n), title=f"Rapat {n} " + "kota " * 15)
        for n in range(400)
    ]
    write_placed_news(tmp_path / "news.db", items)
    stage.app = build_site(tmp_path)
    answer = client.get("/kliping", headers={"accept-encoding": "gzip"})
    assert int(answer.headers.get("content-length", "0") or len(answer.content)) < 150_000
    page = html.fromstring(answer.text)
    assert read_numbers(page) == list(range(1, 101))
    assert tell(page.cssselect(".kliping .rest")[0]) == "…dan 300 berita lagi"
