"""The demo in a real browser, as a communications officer uses it: on a phone, at a desk, with and without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import httpx
import pytest
from browser_room import BYTES_MOST, CITY, CITY_NAME, DESK, PAGES, PHONE, Demo, Visitor, visit
from lxml import html
from playwright.sync_api import Browser, Locator, expect

pytestmark = pytest.mark.slow

MODES: dict[str, dict[str, Any]] = {
    "phone": {"viewport": PHONE, "has_touch": True},
    "desk": {"viewport": DESK},
    "English": {"viewport": DESK, "color_scheme": "dark", "language": "en"},
    "without scripts": {"viewport": PHONE, "java_script_enabled": False},
}
NARROWEST = {"width": 320, "height": 640}  # WCAG 1.4.10: a desk's window at 400 %


@pytest.fixture(params=MODES)
def visitor(request: pytest.FixtureRequest, browser: Browser, demo_site: Demo) -> Iterator[Visitor]:
    with visit(browser, demo_site, **MODES[request.param]) as visitor:
        yield visitor
        assert visitor.list_faults() == []


# ── every page ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_page_is_quiet_fits_and_asks_nobody_else(demo_site: Demo, visitor: Visitor) -> None:
    for name in PAGES:
        for language in ("id", "en"):
            visitor.open_page(name, language)
            assert visitor.list_faults() == [], (name, language)


def test_every_page_fits_into_the_narrowest_window(demo_site: Demo, browser: Browser) -> None:
    with visit(browser, demo_site, viewport=NARROWEST) as visitor:
        for name in PAGES:
            visitor.open_page(name)
            assert visitor.list_faults() == [], name


def test_every_page_is_light_to_carry(demo_site: Demo, browser: Browser) -> None:
    """As a first visit transfers it, with its styles and scripts."""
    weights = {}
    for name in PAGES:
        with visit(browser, demo_site) as visitor:
            requests: list[Any] = []
            visitor.page.on("requestfinished", lambda request, kept=requests: kept.append(request))
            visitor.open_page(name)
            visitor.page.wait_for_load_state("networkidle")
            sizes = [request.sizes() for request in requests]
            weights[name] = sum(each["responseBodySize"] + each["responseHeadersSize"] for each in sizes)
    assert {name: weight for name, weight in weights.items() if not 1_000 < weight <= BYTES_MOST} == {}


def test_every_page_can_be_printed(demo_site: Demo, browser: Browser) -> None:
    with visit(browser, demo_site, color_scheme="dark") as visitor:
        visitor.page.emulate_media(media="print")
        for name in PAGES:
            visitor.open_page(name)
            assert not visitor.page.locator("header.masthead nav").is_visible(), name
            assert visitor.page.locator("h1").is_visible(), name
            ink = visitor.page.evaluate("getComputedStyle(document.body).color")
            assert max(map(int, re.findall(r"\d+", ink)[:3])) < 100, f"{name}: light ink on paper"
        sheet = visitor.page.pdf(format="A4")
        assert sheet.startswith(b"%PDF-")
        assert len(sheet) > 5_000


def test_other_language_is_one_click_away_and_back(demo_site: Demo, browser: Browser) -> None:
    with visit(browser, demo_site) as visitor:
        for name in PAGES:
            if name == "missing":  # it speaks both
                continue
            path = visitor.open_page(name)
            for language in ("en", "id"):
                visitor.page.locator("header .language a").click()
                expect(visitor.page.locator("html")).to_have_attribute("lang", language)
                assert ask_of(visitor.page.url) == ask_of(path)
            assert visitor.list_faults() == [], name


def ask_of(url: str) -> tuple[str, dict[str, list[str]]]:
    """Path and question of an address, without the language."""
    parts = urlsplit(url)
    return parts.path, {key: value for key, value in parse_qs(parts.query).items() if key != "lang"}


def test_no_link_of_ours_leads_nowhere(demo_site: Demo) -> None:
    with httpx.Client(base_url=demo_site.address, trust_env=False, timeout=60) as client:
        links: dict[str, str] = {}
        for name in PAGES:
            for language in ("id", "en"):
                path = demo_site.locate(name, language)
                page = html.fromstring(client.get(path).text)
                page.make_links_absolute(demo_site.address + path)
                links |= {url.partition("#")[0]: path for _, _, url, _ in page.iterlinks()}
        ours = {url: path for url, path in links.items() if url.startswith(demo_site.address + "/")}
        assert len(ours) > 100
        dead = {url: path for url, path in ours.items() if client.get(url, follow_redirects=True).status_code != 200}
    assert {url: path for url, path in dead.items() if urlsplit(url).path != PAGES["missing"]} == {}


# ── what people do ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_news_is_filtered_by_city_and_the_address_keeps_it(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open_page("front")
    everything = page.locator("article").count()
    page.locator("main #city").select_option(CITY)
    page.get_by_role("button", name=visitor.texts["show"]).first.click()
    expect(page.locator("h1")).to_contain_text(CITY_NAME)
    assert parse_qs(urlsplit(page.url).query)["city"] == [CITY]
    assert 0 < page.locator("article").count() < everything
    shown = page.locator("article h3").all_text_contents()
    page.reload()
    assert page.locator("article h3").all_text_contents() == shown
    expect(page.locator("#city")).to_have_value(CITY)
    page.locator(".chips a").click()
    expect(page.locator("article")).to_have_count(everything)


def test_a_story_is_read_and_left_again(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open_page("front")
    headline = page.locator("article h3 a[href^='/story/']").first
    headline.click()
    assert urlsplit(page.url).path.startswith("/story/")
    expect(page.locator("main time").first).to_be_visible()
    assert visitor.list_faults() == []
    page.go_back()
    expect(headline).to_be_visible()


def test_a_search_is_made_and_saved_as_a_feed(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open_page("search")
    page.locator("main #q").fill('"wali kota" apeksi')
    page.locator("main #q").press("Enter")
    expect(page.locator("article").first).to_be_visible()
    found = page.locator("article h4").all_text_contents()
    page.get_by_role("link", name=visitor.texts["save_as_feed"]).click()
    assert urlsplit(page.url).path == "/feeds"
    feed = visitor.download(page.locator(".addresses a[type='application/rss+xml']"))
    assert feed.status == 200
    titles = [item.findtext("title") for item in ElementTree.fromstring(feed.text()).iter("item")]
    assert titles[: len(found)] == found


def test_the_map_is_used_by_keyboard(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open_page("map")
    city = page.locator(f"svg a[href^='/city/{CITY}']:not([tabindex='-1'])")
    assert press_tab_until(visitor, city)
    name = (city.get_attribute("aria-label") or "").partition(":")[0]
    assert name in CITY_NAME
    if visitor.texts.language == "id" and page.locator("#told").text_content():  # a script tells the figures, too
        assert name in (page.locator("#told").text_content() or "")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text(CITY_NAME)
    assert urlsplit(page.url).path == f"/city/{CITY}"


def test_the_map_has_a_table_that_says_the_same(visitor: Visitor) -> None:
    visitor.open_page("map")
    row = visitor.page.locator("table tr", has=visitor.page.locator(f"a[href^='/city/{CITY}']"))
    label = visitor.page.locator(f"svg a[href^='/city/{CITY}'][aria-label]").get_attribute("aria-label") or ""
    figure = re.findall(r"\d+", label)[0]
    assert row.locator("td").first.text_content() == figure
    assert visitor.page.locator("main table tbody tr").count() == 98


def test_a_chart_has_its_table_and_its_file(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open_page("trends")
    chart = page.locator("figure.chart").first
    expect(chart.locator("svg[role=img]")).to_be_visible()
    assert press_tab_until(visitor, chart.locator("summary"))
    page.keyboard.press("Enter")
    rows = chart.locator("details tbody tr")
    expect(rows.first).to_be_visible()
    file = visitor.download(page.locator("a[href*='.csv']").first)
    assert (file.status, file.headers["content-type"].partition(";")[0]) == (200, "text/csv")
    assert len(file.text().strip().splitlines()) >= rows.count()


def test_a_city_is_found_by_its_name(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open_page("cities")
    page.locator("main input[type=search]").fill("banjar")
    page.locator("main input[type=search]").press("Enter")
    page.locator(f"main a[href^='/city/{CITY}']").first.click()
    expect(page.locator("h1")).to_contain_text(CITY_NAME)


def test_a_search_becomes_a_kliping_to_keep_and_to_print(visitor: Visitor) -> None:
    page = visitor.page
    visitor.open_page("search-found")
    page.get_by_role("link", name=visitor.texts["send_kliping"]).click()
    assert urlsplit(page.url).path == "/kliping"
    document = visitor.download(page.locator("main a[href*='docx']").first)
    assert (document.status, document.body()[:2]) == (200, b"PK")
    page.locator("#whatsapp summary").click()  # there are several messages
    message = page.locator("textarea").first
    expect(message).to_be_visible()
    assert "http" in message.input_value()
    page.emulate_media(media="print")
    expect(page.locator(".kliping .event").first).to_be_visible()
    expect(message).to_be_hidden()


def press_tab_until(visitor: Visitor, target: Locator, most: int = 200) -> bool:
    """Whether the tab key leads there."""
    for _ in range(most):
        visitor.page.keyboard.press("Tab")
        if target.evaluate("each => each === document.activeElement"):
            return True
    return False
