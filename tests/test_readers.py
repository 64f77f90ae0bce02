"""Readers that people use, and one of our own, subscribe over HTTP to what is published: all of it, once, unchanged
where nothing changed.

reader and newsboat follow a feed through its life (`feed_life`); feedparser and fastfeedparser read single documents.
"""

from __future__ import annotations

import calendar
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import fastfeedparser
import feedparser
import feedparser_sgmllib
import httpx
import pytest
from feed_life import HOURS, ITEMS, Step, live
from feed_site import FeedSite, Stage, run_stage
from lxml import etree
from newsdesk import OTHER, RELEASE
from test_feeds import publish_old, report

from aggregator.publish.feed_info import Format

sys.modules.setdefault("sgmllib", feedparser_sgmllib)  # reader imports it by the name that it had once
from reader import Entry, Reader, make_reader  # noqa: E402

ATOM = "{http://www.w3.org/2005/Atom}"
HUB = "https://hub.example/"

every_format = pytest.mark.parametrize("ending", list(Format))
xml_formats = pytest.mark.parametrize("ending", [Format.RSS, Format.ATOM])


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with run_stage() as stage:
        yield stage


@pytest.fixture
def open_site(stage: Stage, tmp_path: Path) -> Iterator[Callable[..., FeedSite]]:
    opened: list[FeedSite] = []

    def open_one(**settings: Any) -> FeedSite:
        opened.append(FeedSite(tmp_path, stage, **settings))
        return opened[-1]

    yield open_one
    for site in opened:
        site.store.close()


@pytest.fixture
def site(open_site: Callable[..., FeedSite]) -> FeedSite:
    return fill(open_site(websub_hubs=(HUB,)))


@pytest.fixture(scope="module")
def filled(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeedSite]:
    site = fill(FeedSite(tmp_path_factory.mktemp("filled"), stage, websub_hubs=(HUB,)))
    yield site
    site.store.close()


@pytest.fixture
def same_site(filled: FeedSite) -> FeedSite:
    """As `site`, for tests that change nothing."""
    filled.appear()
    return filled


def fill(site: FeedSite) -> FeedSite:
    """Two items, one of them with a copy and an author."""
    site.publish_at("kabar-satu", "rilis", RELEASE, title="Kunjungan APEKSI & <b>R&D</b> “kota cerdas”")
    site.publish_at("kabar-dua", "rilis", RELEASE, hour=7)
    site.publish_at("pemkot", "lain", OTHER, hour=5)
    with site.store.transaction():
        site.store._connection.execute("UPDATE articles SET author = 'Rina Ahmad' WHERE source_id = 'kabar-satu'")
    site.press()
    return site


def at(hour: int) -> datetime:
    return datetime.fromisoformat(f"2026-10-05T{hour:02}:00:00+00:00")


# ── reader ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def reader() -> Iterator[Reader]:
    with make_reader(":memory:") as reader:
        yield reader


def read_text(entry: Entry) -> str:
    return " ".join([entry.summary or "", *(content.value for content in entry.content)])


@every_format
def test_reader_has_all_that_an_item_tells(same_site: FeedSite, reader: Reader, ending: str) -> None:
    url = same_site.locate(f"feed.{ending}")
    reader.add_feed(url)
    reader.update_feed(url)
    feed = reader.get_feed(url)
    assert feed.version == {"xml": "rss20", "atom": "atom10", "json": "json11"}[ending]
    assert feed.title == "Kabar Kota: APEKSI dan kota cerdas"
    assert feed.link == f"{same_site.address}/"
    assert (feed.subtitle or "").startswith("Berita daerah")
    items = {item.guid: item for item in same_site.store.get_feed_items()}
    entries = {entry.id: entry for entry in reader.get_entries()}
    assert list(entries) == same_site.read(f"feed.{ending}")
    for guid, entry in entries.items():
        item = items[guid]
        assert (entry.title, entry.link, entry.published) == (item.title, item.url, item.published)
        assert entry.updated is not None
        assert entry.updated.replace(microsecond=0) == item.updated.replace(microsecond=0)
        assert item.excerpt.partition("\n")[0] in read_text(entry)
        if ending is Format.JSON:
            assert entry.authors_str == (item.author or item.source_name)
            assert f">{item.source_name}</a>" in read_text(entry)  # it has no member for the source
        else:
            assert entry.source is not None
            assert entry.source.title == item.source_name
            assert {item.source_url, item.source_feed} & {entry.source.url, entry.source.link}
            alone = item.source_name if ending is Format.ATOM else None
            assert entry.authors_str == (item.author or alone)
    (copied,) = [entry for entry in entries.values() if "Juga diberitakan" in read_text(entry)]
    assert copied.title == "Kunjungan APEKSI & R&D “kota cerdas”"
    assert copied.published == at(6)
    assert 'href="https://kabar-dua.example/rilis"' in read_text(copied)


@pytest.mark.slow
@every_format
def test_reader_follows_a_feed_through_its_life(
    open_site: Callable[..., FeedSite], reader: Reader, ending: Format
) -> None:
    site = open_site(feed_items=ITEMS, feed_hours=HOURS)
    url = site.locate(f"feed.{ending}")
    reader.add_feed(url)
    order: list[str] = []
    texts: dict[str, str] = {}
    happened = []
    for step in live(site):
        site.take_answered()
        reader.update_feed(url)
        if step.name == "nothing":  # it keeps the tag of an answer that brought something
            assert site.take_statuses(f"feed.{ending}") == [304]
        entries = {entry.id: entry for entry in reader.get_entries(sort="recent")}
        assert {guid for guid, entry in entries.items() if not entry.read} == step.new, step.name
        assert set(step.shown) <= set(entries)
        assert set(order) <= set(entries), "what leaves the feed stays with the reader"
        assert [guid for guid in entries if guid in order] == order, "what changed does not come up again"
        happened.append((step, {guid for guid in texts if texts[guid] != read_text(entries[guid])}))
        texts = {guid: read_text(entry) for guid, entry in entries.items()}
        order = list(entries)
        for entry in entries.values():
            reader.mark_entry_as_read(entry)
    check_changes(happened)
    assert set(order) == set[str]().union(*(step.new for step, _ in happened))


def check_changes(happened: list[tuple[Step, set[str]]]) -> None:
    """That the reader saw the right items change."""
    changed = {step.name: (step, guids) for step, guids in happened}
    assert len(changed["a copy"][1]) == len(changed["a merge"][1]) == 1
    assert changed["a merge"][1] <= changed["a split"][1]
    assert not changed["nothing"][1] | changed["nothing at all"][1] | changed["a takedown"][1]


@every_format
def test_reader_sees_a_new_copy_as_an_update(site: FeedSite, reader: Reader, ending: str) -> None:
    url = site.locate(f"feed.{ending}")
    reader.add_feed(url)
    first = reader.update_feed(url)
    assert first is not None
    assert (first.new, first.modified) == (2, 0)
    assert reader.update_feed(url) is None
    assert site.take_statuses(f"feed.{ending}") == [200, 304]
    (before,) = [entry for entry in reader.get_entries() if entry.link == "https://pemkot.example/lain"]
    site.publish_at("kabar-tiga", "lain", OTHER, hour=7)
    site.press(minutes=5)
    second = reader.update_feed(url)
    assert second is not None
    assert (second.new, second.modified) == (0, 1)
    after = reader.get_entry((url, before.id))
    assert "Juga diberitakan" in read_text(after)
    assert "https://kabar-tiga.example/lain" in read_text(after)
    assert (after.published, after.link, after.title) == (before.published, before.link, before.title)
    assert after.updated is not None
    assert before.updated is not None
    assert after.updated >= before.updated


# ── feedparser and fastfeedparser ──────────────────────────────────────────────────────────────────────────────────


@xml_formats
def test_feedparser_asks_again_only_for_what_changed(site: FeedSite, ending: str) -> None:
    url = site.locate(f"feed.{ending}")
    first = feedparser.parse(url)
    assert (first.status, first.bozo, len(first.entries)) == (200, False, 2)
    assert first.href == url == next(link.href for link in first.feed.links if link.rel == "self")
    assert [link.href for link in first.feed.links if link.rel == "hub"] == [HUB]
    assert feedparser.parse(url, etag=first.etag).status == 304
    assert feedparser.parse(url, modified=first.modified).status == 304
    assert feedparser.parse(url, etag=first.etag, modified=first.modified).status == 304
    assert [(each.status, each.coding) for each in site.take_answered()] == [(200, "gzip"), *[(304, "")] * 3]
    report(site, 1)
    site.press()
    again = feedparser.parse(url, etag=first.etag, modified=first.modified)
    assert (again.status, len(again.entries)) == (200, 3)
    assert again.etag != first.etag
    assert [entry.id for entry in again.entries] == site.read(f"feed.{ending}")


@xml_formats
def test_feedparser_and_fastfeedparser_read_the_same(same_site: FeedSite, ending: str) -> None:
    url = same_site.locate(f"feed.{ending}")
    slow, fast = feedparser.parse(url), fastfeedparser.parse(url)
    assert [(each.status, each.coding) for each in same_site.take_answered()] == [(200, "gzip"), (200, "br")]
    assert [entry.id for entry in fast.entries] == [entry.id for entry in slow.entries]
    assert fast.feed.title == slow.feed.title
    for one, other in zip(slow.entries, fast.entries, strict=True):
        assert (one.title, one.link) == (other.title, other.link)
        assert calendar.timegm(one.published_parsed) == datetime.fromisoformat(other.published).timestamp()
        assert {tag.term for tag in one.tags} == {tag["term"] for tag in other.tags}
        assert one.summary == other.description


def test_fastfeedparser_reads_the_json_feed(same_site: FeedSite) -> None:
    feed = fastfeedparser.parse(same_site.locate("feed.json"))
    assert [entry.id for entry in feed.entries] == same_site.read("feed.json")


@every_format
def test_every_coding_holds_the_same(same_site: FeedSite, ending: str) -> None:
    url = same_site.locate(f"feed.{ending}")
    published = (same_site.public / f"feed.{ending}").read_bytes()
    tags = set()
    with httpx.Client(trust_env=False, timeout=60) as client:
        for coding in ("identity", "gzip", "br", "gzip, deflate, br, zstd"):
            answer = client.get(url, headers={"Accept-Encoding": coding})
            assert answer.content == published
            tags.add(answer.headers["etag"])
            again = client.get(url, headers={"Accept-Encoding": coding, "If-None-Match": answer.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
    assert len(tags) == 3
    assert [each.coding for each in same_site.take_answered() if each.status == 200] == ["", "gzip", "br", "br"]


# ── newsboat ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Newsboat:
    """Debian's newsboat with a home of its own; what it keeps is in its database."""

    def __init__(self, home: Path, url: str) -> None:
        program = shutil.which("newsboat")
        if program is None:
            pytest.skip("newsboat is not installed (apt-get install newsboat)")
        home.mkdir()
        (home / "urls").write_text(f"{url}\n")
        (home / "config").touch()
        self._cache = home / "cache.db"
        files = ["-u", str(home / "urls"), "-C", str(home / "config"), "-c", str(self._cache), "-x", "reload"]
        self._command = [program, *files]
        self._environ = {"HOME": str(home), "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"}

    def reload(self) -> None:
        done = subprocess.run(self._command, env=self._environ, capture_output=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr

    def list_items(self) -> list[dict[str, Any]]:
        return self._ask("SELECT * FROM rss_item ORDER BY id")

    def read_all(self) -> None:
        self._ask("UPDATE rss_item SET unread = 0")

    def _ask(self, sql: str) -> list[dict[str, Any]]:
        connection = sqlite3.connect(self._cache)
        connection.row_factory = sqlite3.Row
        try:
            with connection:
                return [dict(row) for row in connection.execute(sql)]
        finally:
            connection.close()


@xml_formats
def test_newsboat_has_all_that_an_item_tells(same_site: FeedSite, tmp_path: Path, ending: str) -> None:
    newsboat = Newsboat(tmp_path / "home", same_site.locate(f"feed.{ending}"))
    newsboat.reload()
    items = {item.guid: item for item in same_site.store.get_feed_items()}
    kept = newsboat.list_items()
    assert {row["guid"] for row in kept} == set(items)
    for row in kept:
        item = items[row["guid"]]
        assert (row["title"], row["url"], row["unread"]) == (item.title, item.url, 1)
        assert row["pubDate"] == item.published.timestamp()
        assert item.excerpt.partition("\n")[0] in row["content"]
        assert row["author"] == (item.author or (item.source_name if ending is Format.ATOM else ""))
    assert sum("Juga diberitakan" in row["content"] for row in kept) == 1


@pytest.mark.slow
@xml_formats
def test_newsboat_follows_a_feed_through_its_life(
    open_site: Callable[..., FeedSite], tmp_path: Path, ending: Format
) -> None:
    site = open_site(feed_items=ITEMS, feed_hours=HOURS)
    newsboat = Newsboat(tmp_path / "home", site.locate(f"feed.{ending}"))
    texts: dict[str, str] = {}
    happened = []
    for step in live(site):
        site.take_answered()
        newsboat.reload()
        is_first = step.name == "nothing"  # it keeps the tag from the second answer on
        assert site.take_statuses(f"feed.{ending}") == [200 if step.changed or is_first else 304], step.name
        kept = newsboat.list_items()
        now = {row["guid"]: row["content"] for row in kept}
        assert len(now) == len(kept), f"{step.name}: an item twice"
        assert {row["guid"] for row in kept if row["unread"]} == step.new, step.name
        assert set(step.shown) | set(texts) <= set(now), step.name
        happened.append((step, {guid for guid in texts if texts[guid] != now[guid]}))
        texts = now
        newsboat.read_all()
    check_changes(happened)
    assert set(texts) == set[str]().union(*(step.new for step, _ in happened))


# ── archives: a reader of RFC 5005 ─────────────────────────────────────────────────────────────────────────────────


class Walker:
    """Follows a feed from document to document, by what each says of the one before it."""

    def __init__(self) -> None:
        self.documents: dict[str, list[str]] = {}  # address → guids
        self.tags: dict[str, str] = {}  # address → ETag

    def walk(self, url: str, relation: str = "prev-archive") -> list[str]:
        """The guids of all documents from that one on."""
        found: list[str] = []
        while url:
            assert url not in self.documents, "it goes round in circles"
            guids, following = self.step(url, relation)
            found += guids
            url = following
        return found

    def step(self, url: str, relation: str) -> tuple[list[str], str]:
        """(guids of the document, address of the one that it leads to)"""
        answer = httpx.get(url, trust_env=False, timeout=60)
        assert answer.status_code == 200
        if url.partition("?")[0].endswith(".json"):
            document = json.loads(answer.content)
            own, following = document["feed_url"], document.get("next_url", "")
            guids = [item["id"] for item in document["items"]]
        else:
            root = etree.fromstring(answer.content)
            links = {link.get("rel"): link.get("href", "") for link in root.iter(f"{ATOM}link")}
            own, following = links["self"], links.get(relation, "")
            tag = f"{ATOM}entry/{ATOM}id" if root.tag == f"{ATOM}feed" else "channel/item/guid"
            guids = [element.text or "" for element in root.findall(tag)]
        assert own == url
        self.documents[url], self.tags[url] = guids, answer.headers["etag"]
        return guids, following


@pytest.fixture(scope="module")
def archived(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeedSite]:
    """140 items over some days, among them late ones that the feed itself never held; each city has some."""
    site = FeedSite(tmp_path_factory.mktemp("archive"), stage, feed_items=20)
    for number in range(140):
        if number in {30, 31, 90, 139}:
            publish_old(site, number)
        else:
            report(site, number)
        if number % 7 == 0:
            text = [
                f"Wali Kota Makassar membuka rapat APEKSI nomor {number} di Makassar.",
                *OTHER[:1],
                f"x{number}y " * 9,
            ]
            site.publish_at("kabar-timur", f"makassar-{number}", text, title=f"APEKSI di Kota Makassar {number}")
        if number % 20 == 0:
            site.press(minutes=300)
    site.press()
    site.press(minutes=80 * 60)
    yield site
    site.store.close()


@pytest.mark.slow
@every_format
@pytest.mark.parametrize("name", ["feed", "feeds/topic/apeksi", "feeds/city/kota-gorontalo", "feeds/source/kabar-satu"])
def test_archives_lead_to_every_item_ever_published(archived: FeedSite, stage: Stage, name: str, ending: str) -> None:
    archived.appear()
    walker = Walker()
    found = walker.walk(archived.locate(f"{name}.{ending}"))
    assert set(found) == find_published(archived, name)
    assert len(found) > 130
    first, *archives = walker.documents.values()
    in_archives = [guid for guids in archives for guid in guids]
    assert len(in_archives) == len(set(in_archives))
    assert len(first) < len(set(found)) / 2, "the subscription document stays small"


def find_published(site: FeedSite, name: str) -> set[str]:
    """The guids that belong there, by the articles themselves."""
    conditions = {
        "feed": "1",
        "feeds/topic/apeksi": "a.id IN (SELECT article_id FROM article_topics WHERE topic = 'apeksi')",
        "feeds/city/kota-gorontalo": "a.id IN"
        " (SELECT article_id FROM article_regions WHERE code = '75.71' AND role = 'event')",
        "feeds/source/kabar-satu": "a.source_id = 'kabar-satu'",
    }
    rows = site.ask(
        "SELECT g.guid FROM duplicate_groups AS g JOIN articles AS a ON a.id = g.canonical_id"
        f" WHERE g.guid NOT NULL AND g.merged_into IS NULL AND {conditions[name]}"
    )
    return {guid for (guid,) in rows}


@pytest.mark.slow
def test_archived_documents_stay_as_they_are_while_news_comes(open_site: Callable[..., FeedSite]) -> None:
    site = open_site()
    for number in range(110):
        report(site, number)
    site.press()
    walkers = {ending: Walker() for ending in Format}
    for ending, walker in walkers.items():
        walker.walk(site.locate(f"feed.{ending}"))
        assert len(walker.documents) == 3
    for number in range(110, 145):
        report(site, number)
        if number % 9 == 0:
            site.press(minutes=24 * 60)
    publish_old(site, 145)
    site.press()
    for ending, walker in walkers.items():
        later = Walker()
        assert set(later.walk(site.locate(f"feed.{ending}"))) == site.list_published()
        for url, tag in walker.tags.items():
            is_feed = url == site.locate(f"feed.{ending}")
            answer = httpx.get(url, headers={"If-None-Match": tag}, trust_env=False, timeout=60)
            assert answer.status_code == (200 if is_feed else 304)


@pytest.mark.slow
@every_format
def test_a_reader_in_the_middle_of_an_archive_finds_its_way_on(open_site: Callable[..., FeedSite], ending: str) -> None:
    """It was told of a short document, which is superseded before it comes there."""
    site = open_site()
    publish_old(site, *range(60))
    site.press()
    walker = Walker()
    _, told = walker.step(site.locate(f"feed.{ending}"), "prev-archive")
    before = site.list_published()
    publish_old(site, *range(60, 75))
    site.press()
    assert set(walker.walk(told)) == before
    assert set(Walker().walk(site.locate(f"feed.{ending}"))) == site.list_published()


@pytest.mark.slow
@every_format
def test_pages_of_a_search_hold_each_item_once_while_news_comes(
    open_site: Callable[..., FeedSite], ending: str
) -> None:
    site = open_site()
    for number in range(105):
        report(site, number)
        if number % 60 == 0:
            site.press()
    site.press()
    site.press(minutes=96 * 60)
    expected = site.list_published()
    walker = Walker()
    found: list[str] = []
    url = site.locate(f"feeds/search.{ending}?q=apeksi&city=kota-gorontalo")
    pages = 0
    while url:
        guids, url = walker.step(url, "next")
        found += guids
        pages += 1
        for number in range(200 + 10 * pages, 203 + 10 * pages):
            report(site, number)
        report(site, 5, source=f"kabar-{pages}")  # a copy changes an item, and nothing else
        with site.store.transaction():  # the very item that the next page begins after
            ((group,),) = site.ask(f"SELECT id FROM duplicate_groups WHERE guid = '{guids[-1]}'")
            site.store.withdraw_group(group, site.now)
        site.press()
    assert pages == 3
    assert len(found) == len(set(found))
    assert set(found) == expected
