"""The whole pipeline over the sample portals, held against what their authors meant."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256

import feedparser
import httpx
import pytest
from feed_rules import find_all_faults, find_faults
from warm import run_warm

from aggregator.pages import PageFolder
from aggregator.publish.feed_info import Format
from aggregator.store import Store
from aggregator.web.app import create_app
from aggregator.web.site import SiteInfo
from schedules.commands.demo import make_demo_setup
from schedules.config import Setup
from schedules.cycle import CycleSummary
from schedules.demo import Post, serve_portals

SITE = "http://127.0.0.1:8000/"


class Run:
    """One cycle over the portals, then another."""

    def __init__(self, setup: Setup, first: CycleSummary, second: CycleSummary, posts: tuple[Post, ...]) -> None:
        self.setup, self.first, self.second, self.posts = setup, first, second, posts
        self.feed = (setup.public / "feed.xml").read_bytes()
        with sqlite3.connect(setup.database) as db:
            db.row_factory = sqlite3.Row
            self.articles = {row["url"]: dict(row) for row in db.execute("SELECT * FROM articles")}
            self.cities = defaultdict(set)
            for url, slug in db.execute(
                "SELECT a.url, r.slug FROM articles a JOIN article_regions ar ON ar.article_id = a.id"
                " JOIN regions r ON r.code = ar.code WHERE ar.role = 'event' AND r.kind = 'city'"
            ):
                self.cities[url].add(slug)
        db.close()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("demo")
    now = datetime.now(UTC)
    with serve_portals(now) as portals:
        portals.write_catalogue(folder / "catalogue.toml")
        setup = make_demo_setup(folder / "data", folder / "catalogue.toml", site_url=SITE)
        first = run_warm(setup, now=now)
        second = run_warm(setup, now=now)
        yield Run(setup, first, second, portals.expectations)


def test_on_topic_articles_are_kept_and_others_are_not(demo: Run) -> None:
    wanted = {p.url for p in demo.posts if p.article.topics and not p.article.spam and not p.article.archived}
    kept = set(demo.articles)
    assert len(wanted & kept) / len(wanted) >= 0.95
    assert len(kept - wanted) / len(kept) <= 0.05


def test_only_the_portals_that_are_down_or_answer_a_challenge_fail(demo: Run) -> None:
    assert {failed["source"] for failed in demo.first.failed_sources} == {"radar-senyap", "gerbang-timur"}


def test_an_article_over_two_pages_is_kept_whole(demo: Run) -> None:
    (post,) = (post for post in demo.posts if post.page_count > 1)
    text = demo.articles[post.url]["text"]
    assert [paragraph for paragraph in post.paragraphs[1:] if paragraph not in text] == []  # the first has a place line
    assert text.count("\n") == len(post.paragraphs) - 1


def test_reposts_of_a_release_are_one_group_and_different_releases_are_not(demo: Run) -> None:
    groups = defaultdict(set)
    for post in demo.posts:
        if post.article.release and post.url in demo.articles:
            groups[post.article.release].add(demo.articles[post.url]["group_id"])
    assert len(groups) >= 4
    assert all(len(group_ids) == 1 for group_ids in groups.values()), dict(groups)
    assert len({min(group_ids) for group_ids in groups.values()}) == len(groups)


def test_dates_of_all_zones_and_dialects_are_right(demo: Run) -> None:
    wrong = []
    for post in demo.posts:
        row = demo.articles.get(post.url)
        if row is not None:
            got = datetime.fromisoformat(row["published_at"])
            slack = 3600 if "jam lalu" in row["published_raw"] else 60  # "5 jam lalu" is all that the portal says
            if abs((got - post.published).total_seconds()) >= slack and row["published_precision"] != "day":
                wrong.append((post.url, row["published_raw"], row["published_at"], post.published.isoformat()))
    assert not wrong


def test_every_article_says_how_it_was_read_and_from_which_bytes(demo: Run) -> None:
    pages = PageFolder(demo.setup.data_folder / "pages")
    for url, row in demo.articles.items():
        assert row["title_method"] in {"h1", "heading", "profile", "channel"}, url
        assert bool(row["author_method"]) == bool(row["byline"]), url
        assert row["page_hash"] == sha256(pages.read(row["page_file"]) or b"").digest(), url
    assert {"", "promedia", "idtheme", "newspaper", "drupal"} == {row["profile"] for row in demo.articles.values()}


def test_event_cities_are_found(demo: Run) -> None:
    expected = [post for post in demo.posts if post.article.city and post.url in demo.articles]
    right = [post for post in expected if post.article.city in demo.cities[post.url]]
    assert len(right) / len(expected) >= 0.9


def test_the_feed_is_well_formed_and_complete(demo: Run) -> None:
    feed = feedparser.parse(demo.feed)
    assert feed.bozo is False or feed.bozo == 0
    assert len(feed.entries) >= 40
    assert len({entry.id for entry in feed.entries}) == len(feed.entries)
    for entry in feed.entries:
        assert entry.title
        assert entry.link.startswith("http")
        assert entry.published[-5] in "+-"
        assert entry.source.title
        assert entry.tags


def test_a_second_cycle_brings_nothing_new_and_leaves_the_feed_alone(demo: Run) -> None:
    assert demo.second.articles == 0
    assert demo.second.revised == 0
    assert demo.second.new_items == 0
    assert demo.second.feed_items == demo.first.feed_items


def test_readers_see_the_items_in_the_order_of_the_feed(demo: Run) -> None:
    with Store.open_reader(demo.setup.database) as store:
        items = store.get_feed_items(limit=10)
        more = store.get_feed_items(limit=10, before=items[-1].guid)
    published = [item.first_published for item in [*items, *more]]
    assert published == sorted(published, reverse=True)
    assert len({item.guid for item in [*items, *more]}) == 20


def test_all_that_is_published_keeps_the_rules(demo: Run) -> None:
    public = demo.setup.public
    paths = [path.relative_to(public) for path in public.rglob("*") if path.suffix[1:] in list(Format)]
    assert len([path for path in paths if path.parts[:2] == ("feeds", "archive")]) >= 3
    assert len(paths) > 450
    now = datetime.now(UTC)
    faults = {
        (str(path), fault)
        for path in paths
        for fault in (find_faults if path.name.startswith("opml") else find_all_faults)(
            (public / path).read_bytes(), url=f"{SITE}{path}", now=now
        )
    }
    assert faults == set()


@pytest.mark.parametrize("ending", list(Format))
@pytest.mark.parametrize(
    "query",
    [
        *("", "q=apeksi", "q=%22wali+kota%22+-jakarta&lang=en", "topic=smart-city&group=story", "since=2d&archive=yes"),
        *("komwil=6&komwil=1&q=kota*", "kind=city-government&lang=en&group=story", "province=jawa-barat"),
    ],
)
def test_answers_to_questions_keep_the_rules(demo: Run, query: str, ending: str) -> None:
    app = create_app(database=demo.setup.database, public=demo.setup.public, site=SiteInfo(url=SITE))

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            return await client.get(f"{SITE}feeds/search.{ending}" + (f"?{query}" if query else ""))

    answer = asyncio.run(ask())
    assert answer.status_code == 200
    assert find_all_faults(answer.content, url=str(answer.request.url), now=datetime.now(UTC)) == []
