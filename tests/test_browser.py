"""The demo in a real browser, as a communications officer uses it: on a phone, at a desk, with and without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from browser_room import BYTES_MOST, DESK, PAGES, PHONE, Demo, Visitor, visit
from lxml import html
from playwright.sync_api import Browser, expect

pytestmark = pytest.mark.slow

MODES: dict[str, dict[str, Any]] = {
    "phone": {"viewport": PHONE, "has_touch": True},
    "desk": {"viewport": DESK},
    "dark": {"viewport": PHONE, "color_scheme": "dark"},
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
    with httpx.Client(base_url=demo_site.address, trust_env=False) as client:
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
