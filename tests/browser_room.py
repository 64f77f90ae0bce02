"""A demo on loopback, and a real browser to look at it with; `make screenshots` uses both, too."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from page_room import Stage, serve
from playwright.sync_api import (
    APIResponse,
    Browser,
    BrowserContext,
    Locator,
    Page,
    Response,
    ViewportSize,
    sync_playwright,
)

from aggregator.instants import to_text
from aggregator.store import Store
from aggregator.web.app import create_app
from aggregator.web.site import SiteInfo
from aggregator.web.texts import Language, get_texts
from schedules.commands.demo import make_demo_setup
from schedules.commands.run import run_once
from schedules.demo import serve_portals

NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)  # Monday noon, WIB: the demo is the same on every day
GATHERED = NOW - timedelta(minutes=15)
PHONE = ViewportSize(width=390, height=844)
DESK = ViewportSize(width=1280, height=900)
CITY, CITY_NAME, SOURCE = "kota-banjarmasin", "Kota Banjarmasin", "kapuas-kini"
FLAGS = (
    "--no-sandbox",  # its own needs rights that root in a container does not have
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
)
NO_CHROMIUM = "Chromium is not installed (Debian: apt-get install chromium)"
BYTES_MOST = 150_000  # of a page with all that belongs to it, as it is transferred
# Every kind of page, with the question that shows most of it.
PAGES = {
    "front": "/",
    "front-filtered": f"/?city={CITY}",
    "story": "/story/{story}",
    "edits": "/story/{story}/diff/{copy}",
    "cities": "/cities",
    "city": f"/city/{CITY}",
    "komwil": "/komwil/5",
    "province": "/province/kalimantan-selatan",
    "map": "/map",
    "trends": "/trends",
    "search": "/search",
    "search-found": "/search?q=kota",
    "sources": "/sources",
    "source": f"/source/{SOURCE}",
    "status": "/status",
    "data": "/data",
    "api": "/api",
    "feeds": "/feeds",
    "feeds-found": f"/feeds?q=kota&city={CITY}",
    "kliping": "/kliping",
    "missing": "/tidak/ada",
}


@dataclass(frozen=True, kw_only=True)
class Demo:
    """The demo while it is served: at `address`, without a slash at its end."""

    address: str
    database: Path
    story: int  # the one with the most articles
    copy: int  # one of them that copies another

    def locate(self, name: str, language: str = "id") -> str:
        """The path of a page of `PAGES`."""
        path = PAGES[name].format(story=self.story, copy=self.copy)
        return path if language == "id" else f"{path}{'&' if '?' in path else '?'}lang={language}"


@contextmanager
def serve_demo(folder: Path, site_url: str = "") -> Iterator[Demo]:
    """One cycle over the sample portals at `GATHERED`, and the pages of it, whose clock stands still at `NOW`.

    `site_url`: in the addresses that pages show; "" for where they are.
    """
    stage = Stage()
    with serve(stage) as address:
        with serve_portals(GATHERED) as portals:
            portals.write_catalogue(folder / "catalogue.toml")
            url = site_url or f"{address}/"
            setup = make_demo_setup(folder / "data", folder / "catalogue.toml", site_url=url)
            run_once(setup, now=GATHERED, quiet=True)
        _set_polls(setup.database)
        site = SiteInfo(url=url, operator="Redaksi", contact="redaksi@kabarkota.example")
        stage.app = create_app(database=setup.database, public=setup.public, site=site, clock=lambda: NOW)
        story, copy = _find_largest_story(setup.database)
        yield Demo(address=address, database=setup.database, story=story, copy=copy)


def _set_polls(database: Path) -> None:
    """Only the crawler knows no clock but the machine's: it was at work then, too."""
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("UPDATE polls SET started_at = :now, finished_at = :now", {"now": to_text(GATHERED)})
        db.execute("UPDATE channels SET last_success_at = ? WHERE last_success_at IS NOT NULL", [to_text(GATHERED)])


def _find_largest_story(database: Path) -> tuple[int, int]:
    """The story with the most articles, and the last of them that copies another."""
    with Store.open_reader(database) as store:
        (story, copy) = store._connection.execute(
            "SELECT g.story_id, max(a.id) FILTER (WHERE a.id <> g.canonical_id)"
            " FROM duplicate_groups AS g JOIN articles AS a ON a.group_id = g.id"
            " GROUP BY g.story_id ORDER BY count(*) DESC, count(DISTINCT g.id) DESC, g.story_id LIMIT 1"
        ).fetchone()
    return int(story), int(copy)


def find_chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Chromium as the system has it. While it is open its thread has a running event loop, so close it soon."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=[*FLAGS])
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """Somebody before a window of the browser, who remembers what no page of ours may do."""

    def __init__(self, context: BrowserContext, demo: Demo, language: str) -> None:
        self.context, self.demo, self.address = context, demo, demo.address
        self.language, self.texts = language, get_texts(Language(language))
        self.page: Page = context.new_page()
        self.asked: list[str] = []
        self._faults: list[str] = []
        self.page.on("console", lambda message: self._hear(message.type, message.text))
        self.page.on("pageerror", lambda error: self._faults.append(f"script: {error}"))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def _hear(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"} and "status of 404" not in text:  # a page that is missing on purpose
            self._faults.append(f"console: {text}")

    def open(self, path: str, *, status: int = 200) -> Response:
        answer = self.page.goto(self.address + path)
        assert answer is not None
        assert answer.status == status, path
        return answer

    def open_page(self, name: str, language: str = "") -> str:
        """Opens a page of `PAGES` in that language, else in the visitor's own; returns its path."""
        path = self.demo.locate(name, language or self.language)
        self.open(path, status=404 if name == "missing" else 200)
        return path

    def download(self, link: Locator) -> APIResponse:
        """What the link leads to, where a browser would not show it."""
        url = link.get_attribute("href")
        assert url is not None
        return self.context.request.get(urljoin(self.page.url, url))

    def list_faults(self) -> list[str]:
        """So far, and of the page as it is now: complaints, addresses elsewhere, cookies, what sticks out sideways."""
        elsewhere = [url for url in self.asked if not url.startswith((self.address, "data:", "blob:"))]
        faults = [*self._faults, *(f"asks {url}" for url in elsewhere)]
        faults += [f"sets the cookie {each['name']}" for each in self.context.cookies()]
        return faults + [f"wider than the window: {each}" for each in self.page.evaluate(_FIND_WIDE)]


# What sticks out to the right, where the page can be scrolled sideways at all.
_FIND_WIDE = """() => {
  const root = document.documentElement;
  if (root.scrollWidth <= innerWidth) return [];
  const wide = [...document.querySelectorAll('body *')].filter(each => each.getBoundingClientRect().right > innerWidth);
  return [...wide.slice(0, 3).map(each => each.outerHTML.slice(0, 120)), `${root.scrollWidth} px`];
}"""


@contextmanager
def visit(browser: Browser, demo: Demo, *, language: str = "id", **options: Any) -> Iterator[Visitor]:
    """A window of its own, with nothing remembered; `options` of `Browser.new_context`."""
    context = browser.new_context(**{"viewport": DESK, "locale": "id-ID", "reduced_motion": "reduce", **options})
    context.set_default_timeout(10_000)
    try:
        yield Visitor(context, demo, language)
    finally:
        context.close()
