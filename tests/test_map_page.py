"""The map: every city with its coverage, for a pointer, a keyboard, and as a table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from feed_room import SITE_URL, FeedRoom, PlainRoom
from lxml import html
from newsdesk import OTHER, RELEASE
from page_room import Stage

from aggregator.coverage_rows import CoverageSum
from aggregator.models import Language
from aggregator.periods import Period
from aggregator.reference import load_cities
from aggregator.web.app import create_app
from aggregator.web.map_page import Picture, build_picture
from aggregator.web.selection import Count
from aggregator.web.site import SiteInfo
from aggregator.web.texts import get_texts

TODAY = date(2026, 10, 5)
COUNTS = {"kota-surabaya": 100, "kota-malang": 25, "kota-kediri": 1}
SLUGS = {city.slug for city in load_cities()}


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeedRoom]:
    room = PlainRoom(tmp_path_factory.mktemp("map"))
    room.publish_at("satu", "kunjungan", RELEASE)
    room.publish_at("dua", "salinan", RELEASE)
    room.publish_at("tiga", "bursa", OTHER)
    room.press()
    yield room
    room.store.close()


@pytest.fixture
def app(room: FeedRoom) -> Any:
    return create_app(
        database=room.folder / "news.db", public=room.public, site=SiteInfo(url=SITE_URL), clock=lambda: room.now
    )


def read_page(client: httpx.Client, query: str = "", *, status: int = 200) -> html.HtmlElement:
    answer = client.get(f"/map?{query}")
    assert answer.status_code == status, answer.text
    assert len(answer.content) < 110_000
    return html.fromstring(answer.text)


def tell(element: html.HtmlElement) -> str:
    return " ".join(" ".join(map(str, element.itertext())).split())


def test_every_city_is_once_on_a_panel_and_once_in_the_table(client: httpx.Client) -> None:
    page = read_page(client)
    links = page.cssselect("figure svg a")
    assert sorted(link.get("href") for link in links) == sorted(f"/city/{slug}" for slug in SLUGS)
    assert {link.get("aria-label") for link in links} >= {"Gorontalo: 1 berita", "Ambon: 0 berita"}
    assert sorted(page.xpath("//tbody//a/@href")) == sorted(f"/city/{slug}" for slug in SLUGS)
    assert not page.cssselect("svg.whole a:not([tabindex='-1'])")
    first, second = page.cssselect("tbody tr")[:2]
    assert tell(first) == "Gorontalo Gorontalo · Komwil VI 1 2"
    assert tell(second) == "Ambon Maluku · Komwil VI 0 0"
    assert "2 berita. 1 kota diliput, 97 kota tidak." in tell(page)
    assert "6 Sep 2026 – 5 Okt 2026" in tell(page.cssselect("h2")[0])


def test_what_is_counted_and_when_can_be_chosen(client: httpx.Client) -> None:
    page = read_page(client, "count=articles&topic=apeksi&days=7")
    assert page.cssselect("figure svg a[href='/city/kota-gorontalo']")[0].get("aria-label") == "Gorontalo: 2 artikel"
    assert tell(page.cssselect("h2")[0]) == "APEKSI, 29 Sep 2026 – 5 Okt 2026"
    assert page.xpath("//option[@selected]/text()") == ["7 hari terakhir", "APEKSI", "Artikel"]
    assert page.xpath("//a[text()='Lihat perkembangannya dari hari ke hari']/@href") == [
        "/trends?count=articles&topic=apeksi&days=7"
    ]
    assert "0 berita. 0 kota diliput" in tell(read_page(client, "topic=smart-city"))
    english = read_page(client, "count=articles&lang=en")
    assert english.cssselect("figure a")[0].get("href").endswith("?lang=en")
    assert english.xpath("//a[@hreflang='id']/@href") == ["/map?count=articles"]


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("since=2026-10-05&until=2026-10-01", 400, "sesudah hari akhir"),
        ("since=9999-01-01&until=9999-12-31", 400, "di luar waktu"),
        ("until=0001-01-01", 400, "di luar waktu"),
        ("since=kemarin", 400, "bukan tanggal"),
        ("days=12", 400, "bukan pilihan"),
        ("days=" + "9" * 5000, 400, "bukan pilihan"),
        ("count=all", 400, "bukan pilihan"),
        ("topic=bola", 404, "Topik: “bola” tidak ada dalam daftar"),
        ("topic=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", 404, "<script>alert(1)</script>"),
        ("since=0001-01-01&until=9999-12-31", 200, "2 berita"),
        ("days=&since=&until=&topic=&count=&x=%00%ff", 200, "2 berita"),
    ],
)
def test_bad_selections_are_refused_in_words(client: httpx.Client, query: str, status: int, words: str) -> None:
    page = read_page(client, query, status=status)
    assert words in tell(page)
    assert len(page.cssselect("form")) == 1
    assert len(page.cssselect("script")) == 1  # ours


@pytest.mark.parametrize("is_empty", [True, False])
def test_without_news_the_page_says_how_to_start(stage: Stage, tmp_path: Path, is_empty: bool) -> None:
    room = PlainRoom(tmp_path) if is_empty else None
    stage.app = create_app(database=tmp_path / "news.db", public=tmp_path, site=SiteInfo(url=""))
    with httpx.Client(base_url=stage.address, trust_env=False, timeout=60) as client:
        assert "kabarkota run" in tell(read_page(client))
    if room:
        room.store.close()


def draw(sums: dict[str, CoverageSum]) -> Picture:
    return build_picture(
        sums,
        get_texts(Language.INDONESIAN),
        period=Period(since=TODAY, until=TODAY),
        topic="",
        count=Count.NEWS,
    )


def test_areas_grow_with_counts() -> None:
    sums = {f"city/{slug}": CoverageSum(news=count, articles=count) for slug, count in COUNTS.items()}
    picture = draw(sums)
    sizes = {point.city.name: (point.city.level, point.radius) for panel in picture.panels for point in panel.points}
    assert [sizes[name][0] for name in ("Surabaya", "Malang", "Kediri", "Madiun")] == [4, 2, 1, 0]
    assert sizes["Surabaya"][1] > sizes["Malang"][1] > sizes["Kediri"][1] > sizes["Madiun"][1]
    assert [level.words for level in picture.levels] == ["0", "1–6", "7–25", "26–56", "57–100"]
    assert picture.cities[0].news == "100"


def test_a_map_without_any_coverage_is_a_map_still() -> None:
    picture = draw({})
    assert [level.words for level in picture.levels] == ["0"]
    assert {city.level for city in picture.cities} == {0}
    assert sum(len(panel.points) for panel in picture.panels) == 98
    named = sum(point.label is not None for panel in picture.panels for point in panel.points)
    assert named > 85
