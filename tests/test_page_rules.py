"""Every page keeps the rules of HTML, whatever stands in the database, or in the address."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from browser_room import PAGES
from newsdesk import OTHER, RELEASE, Newsroom
from page_rules import find_page_faults

from aggregator.chronicle import Chronicle
from aggregator.feeds import list_feeds
from aggregator.web.app import create_app
from aggregator.web.site import SiteInfo

HOSTILE = "<script>alert(1)</script> Kota Banjarmasin ]]> \u202e&amp; \"'"
RUBBISH = {
    "nothing": "",
    "empty": urlencode(dict.fromkeys(("q", "city", "topic", "since", "until", "days", "before", "lang", "count"), "")),
    "names": urlencode({"city": HOSTILE, "topic": "../../etc", "source": "%00", "province": "–", "komwil": "99"}),
    "numbers": urlencode(
        {"days": "-1", "before": "9" * 40, "page": "10000000", "since": "99999d", "until": "0000-00-00"}
    ),
    "words": urlencode(
        {"q": f'"(( NOT * {HOSTILE}', "per": "x", "step": "\0", "count": "\ud800".encode("utf-8", "replace")}
    ),
    "long": urlencode({"q": "kota " * 3_000, "office": "x" * 5_000}),
    "twice": urlencode([("city", "kota-banjarmasin"), ("city", "kota-gorontalo"), ("lang", "en"), ("lang", "xx")]),
}


@pytest.fixture(scope="module")
def newsroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsroom]:
    """News whose titles, texts and sources are markup."""
    room = Newsroom(tmp_path_factory.mktemp("hostile"))
    room.publish_at("kapuas-kini", "rilis", [HOSTILE, *RELEASE], title=HOSTILE)
    room.publish_at("suara-kota", "rilis", [HOSTILE, *RELEASE, HOSTILE], title=f"{HOSTILE} lagi", hour=7)
    room.publish_at("suara-kota", "lain", [*OTHER, HOSTILE], title=f"Wali kota: {HOSTILE * 9}", hour=8)
    room.read_feed()
    with room.store.transaction():
        room.store._connection.execute("UPDATE sources SET name = ?", [HOSTILE])
        room.store.write_feeds(list_feeds({"apeksi": "APEKSI"}, room.store.get_published_sources()), room.now)
        room.store.place_groups(room.store.take_changed_groups(most=100), room.now)
        Chronicle(room.store, room.now).look()
    room.store.refresh_coverage(room.now)
    yield room
    room.store.close()


def ask(database: Path, newsroom: Newsroom, *paths: str) -> list[httpx.Response]:
    site = SiteInfo(url="https://kabarkota.example/")
    app = create_app(database=database, public=database.parent / "public", site=site, clock=lambda: newsroom.now)

    async def get() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app)  # what goes wrong in a page is raised here
        async with httpx.AsyncClient(transport=transport, base_url=site.url) as client:
            return [await client.get(path) for path in paths]

    return asyncio.run(get())


def list_paths(query: str) -> list[str]:
    paths = (path.format(story=1, copy=2) for path in PAGES.values())
    return [f"{path}{'&' if '?' in path else '?'}{query}" for path in paths]


@pytest.mark.parametrize("query", RUBBISH.values(), ids=RUBBISH)
def test_pages_keep_the_rules_over_hostile_news_and_questions(newsroom: Newsroom, query: str) -> None:
    for name, answer in zip(PAGES, ask(newsroom.folder / "news.db", newsroom, *list_paths(query)), strict=True):
        path = answer.request.url.raw_path.decode()[:200]
        assert answer.status_code in ({200, 400, 404} if query else {404 if name == "missing" else 200}), path
        assert find_page_faults(answer.text) == [], path
        assert "<script>alert" not in answer.text


@pytest.mark.parametrize("query", ["", "lang=en"])
def test_pages_keep_the_rules_before_there_is_a_database(newsroom: Newsroom, tmp_path: Path, query: str) -> None:
    for answer in ask(tmp_path / "news.db", newsroom, *list_paths(query)):
        assert answer.status_code in {200, 404, 503}, answer.request.url
        assert find_page_faults(answer.text) == [], answer.request.url
