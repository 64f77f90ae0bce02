"""What was taken down leaves every table and file, and stays out: read again, or in a backup that is restored."""

from __future__ import annotations

import json
import logging
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import feedparser
import pytest
from newsdesk import NOW, OTHER, RELEASE, Newsroom

from aggregator.chronicle import Chronicle
from aggregator.ingest import Ingest
from aggregator.models import ArticleLink, ExtractedArticle, FetchedPage, LinkFailure, LinkState
from aggregator.pages import PageFolder
from aggregator.publish.publishing import publish_feeds
from aggregator.replay import Replay
from aggregator.replay_stages import Stage
from aggregator.settings import AggregatorSettings
from aggregator.store import Store, StoreError
from aggregator.takedown_log import LOG_FILE, Action, Order, append_orders, read_log
from aggregator.takedown_rows import TAKEN_DOWN
from aggregator.takedowns import apply_takedowns, find_sketch, is_due
from aggregator.topics import load_topics
from aggregator.urls import make_url_key

MARK = "zamrudkelabu"  # a word that stands in what is taken down, and nowhere else
SECRET = [f"Sengketa {MARK} disidangkan, kata pengurus APEKSI, di Kota Gorontalo pada Senin pagi.", *OTHER]
URL = "https://pertama.example/sengketa"


class Desk(Newsroom):
    """A newsroom with a log of takedowns."""

    def order(self, url: str = URL, action: Action = Action.TAKEDOWN, **facts: Any) -> None:
        self.minutes += 1
        facts = {"reason": "putusan pengadilan", **facts}
        append_orders(self.folder / LOG_FILE, [Order(asked_at=self.now, action=action, url=url, **facts)])

    def publish(self) -> list[str]:
        """Publishes; the titles in the feed's file, newest first."""
        self.minutes += 1
        publish_feeds(self.store, self.folder / "public", AggregatorSettings(empty_feeds=False), self.now, topics={})
        feed = feedparser.parse((self.folder / "public/feed.xml").read_bytes())
        assert not feed.bozo
        return [entry.title for entry in feed.entries]

    def look(self) -> None:
        with self.store.transaction():
            Chronicle(self.store, self.now).look()

    def read(self, source_id: str, url: str, text: list[str], *, title: str = "Sengketa APEKSI", **facts: Any) -> None:
        """A page of a source that published before is read at any address."""
        article = ExtractedArticle(title=title, text="\n".join(text), published=self.now, **facts)
        link = ArticleLink(url=url)
        self.write(
            source_id,
            FetchedPage(url=url, link=link, article=article, fetched_at=self.now, raw=b"x", passed_scan=True),
        )

    def write(self, source_id: str, *pages: FetchedPage, failures: tuple[LinkFailure, ...] = (), **facts: Any) -> None:
        source = replace(self.sources[source_id], **facts)
        ingest = Ingest(
            self.store,
            sources=self.sources,
            settings=AggregatorSettings(),
            topics=load_topics(None),
            pages=PageFolder(self.folder / "pages"),
            keep_all=False,
            now=self.now,
        )
        with self.store.transaction():
            ingest.write_read(source, pages, failures)

    def get_link(self, url: str) -> tuple[Any, ...]:
        (row,) = self.ask(f"SELECT state, reason, link FROM links WHERE key = '{make_url_key(url)}'")
        return row

    def list_urls(self) -> list[str]:
        return [url for (url,) in self.ask("SELECT url FROM articles ORDER BY id")]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """One article, published."""
    desk = Desk(tmp_path)
    desk.publish_at("pertama", "sengketa", SECRET, title=f"Sengketa {MARK} di APEKSI")
    desk.look()
    desk.publish()
    yield desk
    desk.store.close()


def find_traces(desk: Desk, word: str) -> set[str]:
    """Tables that hold a word anywhere, and files that do."""
    tables = desk.ask("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'articles_fts%'")
    found = {name for (name,) in tables if any(word in str(row).lower() for row in desk.ask(f"SELECT * FROM {name}"))}
    if desk.ask(f"SELECT rowid FROM articles_fts WHERE articles_fts MATCH '\"{word}\"'"):
        found.add("articles_fts")
    files = [path for path in desk.folder.rglob("*") if path.is_file() and not path.name.startswith("news.db")]
    return found | {path.name for path in files if word in path.read_bytes().decode("utf-8", "replace").lower()}


def make_replay(desk: Desk) -> Replay:
    return Replay(
        desk.store,
        stages=tuple(Stage),
        topics=load_topics(None),
        pages=PageFolder(desk.folder / "pages"),
        keep_all=False,
        now=desk.now,
    )


# ── what goes ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_of_it_is_left_in_any_table_or_file(desk: Desk) -> None:
    desk.publish_at("pertama", "sengketa", [*SECRET, f"Kasus {MARK} berlanjut."], title=f"Sidang {MARK} APEKSI")
    desk.publish_at("kedua", "kunjungan", RELEASE)
    desk.look()
    assert len(desk.publish()) == 2
    assert {"articles", "articles_fts", "article_revisions", "stories", "story_terms", "feed.xml"} <= find_traces(
        desk, MARK
    )
    desk.order()
    assert desk.publish() == ["APEKSI: kunjungan menurut kedua"]
    assert find_traces(desk, MARK) == set()
    assert find_traces(desk, "pertama.example/sengketa") == {"links", "takedowns", LOG_FILE}
    assert desk.get_link(URL) == ("refused", TAKEN_DOWN, None)
    for table in ("article_topics", "article_regions", "sketches", "article_revisions", "postings", "duplicate_edges"):
        names = ("a", "b") if table == "duplicate_edges" else ("article_id",)
        for name in names:
            assert desk.ask(f"SELECT * FROM {table} WHERE {name} NOT IN (SELECT id FROM articles)") == []
    assert desk.ask("PRAGMA foreign_key_check") == []
    assert desk.ask("PRAGMA integrity_check") == [("ok",)]


def test_its_words_leave_the_database_file(desk: Desk) -> None:
    desk.publish_at("kedua", "kunjungan", RELEASE)
    desk.order()
    desk.publish()
    desk.store.close()
    assert [path.name for path in desk.folder.glob("news.db*") if MARK.encode() in path.read_bytes().lower()] == []


def test_copy_takes_its_place_under_the_same_guid(desk: Desk) -> None:
    desk.publish_at("kedua", "salinan", SECRET, hour=7, title="Salinan APEKSI")
    desk.publish()
    ((guid,),) = desk.ask("SELECT guid FROM duplicate_groups WHERE guid IS NOT NULL")
    desk.order()
    assert desk.publish() == ["Salinan APEKSI"]
    assert desk.ask("SELECT guid FROM news") == [(guid,)]
    assert find_traces(desk, "sengketa " + MARK + " di apeksi") == set()
    assert desk.ask("SELECT title FROM stories") == [("Salinan APEKSI",)]


def test_story_is_told_by_what_is_left_of_it(desk: Desk) -> None:
    more = [f"Sengketa {MARK} disidangkan di Gorontalo, kata APEKSI; para bendahara kota hadir.", *SECRET[2:4]]
    desk.publish_at("ketiga", "lanjutan", [*more, "Sidang berikutnya digelar pekan depan."], title="Sidang APEKSI")
    desk.look()
    desk.publish()
    with desk.store.transaction():  # whatever words say: one story
        (first,) = desk.store._connection.execute("SELECT min(id) FROM stories").fetchone()
        desk.store.move_groups([row[0] for row in desk.ask("SELECT id FROM duplicate_groups")], first)
        desk.store.describe_story(first, f"Sengketa {MARK} di APEKSI", [MARK], desk.now)
    desk.order()
    desk.publish()
    story = desk.store.get_story_page(first, news=10, articles=10)
    assert story is not None
    assert story.title == "Sidang APEKSI"
    assert [news.first.title for news in story.news] == ["Sidang APEKSI"]


def test_story_without_any_other_news_is_gone(desk: Desk) -> None:
    ((story,),) = desk.ask("SELECT id FROM stories")
    assert desk.store.get_story_page(story, news=10, articles=10) is not None
    desk.order()
    desk.publish()
    assert desk.store.get_story_page(story, news=10, articles=10) is None
    assert desk.ask("SELECT title, why FROM stories") == [("", "[]")]


def test_rejected_page_link_that_waits_and_link_of_an_archive_go(desk: Desk) -> None:
    desk.read(
        "pertama", "https://pertama.example/panen", [f"Petani {MARK} memanen cabai di lereng gunung."], title="Panen"
    )
    link = ArticleLink(url="https://pertama.example/nanti", title=f"Nanti {MARK}", summary=MARK)
    with desk.store.transaction():
        desk.store.write_link(
            key=make_url_key(link.url),
            url=link.url,
            source_id="pertama",
            state=LinkState.PENDING,
            now=desk.now,
            link=link,
        )
        backfill = desk.store.add_backfill("pertama", NOW.date(), None, desk.now)
        desk.store.queue_links(backfill, [link])
    assert {"rejected_pages", "links", "backfill_links"} <= find_traces(desk, MARK)
    for url in (URL, "https://pertama.example/panen", link.url):
        desk.order(url)
    desk.publish()
    assert find_traces(desk, MARK) == set()
    assert desk.store.find_known([make_url_key(link.url)], "lain") == {make_url_key(link.url)}


def test_nothing_is_done_while_the_log_is_as_it_was(desk: Desk) -> None:
    assert not is_due(desk.store)
    desk.order()
    assert is_due(desk.store)
    assert apply_takedowns(desk.store, desk.now) == 1
    assert not is_due(desk.store)
    changes = desk.store._connection.total_changes
    assert apply_takedowns(desk.store, desk.now) == 0
    assert desk.store._connection.total_changes == changes


# ── what stays out ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("url", "facts"),
    [
        pytest.param(URL, {}, id="same"),
        pytest.param("http://www.pertama.example/sengketa/?utm_source=x", {}, id="variant"),
        pytest.param(
            "https://pertama.example/baca/1", {"canonical_url": URL, "title": "Lain"}, id="names it as canonical"
        ),
        pytest.param("https://pertama.example/nasional/sengketa", {}, id="another address, same text"),
        pytest.param("https://pertama.example/2", {"title": "Judul Baru APEKSI"}, id="another title, same text"),
    ],
)
def test_it_is_kept_out_when_it_is_read_again(desk: Desk, url: str, facts: dict[str, Any]) -> None:
    desk.order()
    desk.publish()
    text = SECRET if "canonical_url" not in facts else [*SECRET, "Kalimat baru."]
    desk.read("pertama", url, text, **facts)
    assert desk.list_urls() == []
    assert desk.publish() == []
    state, reason, link = desk.get_link(url)
    assert (state, link) == ("refused", None)
    assert reason.startswith(TAKEN_DOWN)
    assert not list((desk.folder / "pages").rglob("*.zst"))


def test_other_news_of_that_source_comes_in(desk: Desk) -> None:
    desk.order()
    desk.publish()
    desk.publish_at("pertama", "kunjungan", RELEASE)
    assert desk.publish() == ["APEKSI: kunjungan menurut pertama"]


def test_same_text_of_another_source_is_another_article(desk: Desk) -> None:
    desk.order()
    desk.publish()
    desk.publish_at("kedua", "salinan", SECRET, title="Salinan APEKSI")
    assert desk.publish() == ["Salinan APEKSI"]


def test_what_the_source_repeats_may_be_learnt_in_between(desk: Desk) -> None:
    desk.order()
    desk.publish()
    for number in range(5):
        desk.publish_at("pertama", f"lain-{number}", [f"APEKSI nomor {number}.", *RELEASE], boilerplate=OTHER[:1])
    desk.read("pertama", "https://pertama.example/lagi", SECRET)
    assert desk.get_link("https://pertama.example/lagi")[0] == "refused"


def test_second_address_at_the_same_source_goes_along(desk: Desk) -> None:
    second = "https://pertama.example/nasional/sengketa"
    desk.read("pertama", second, SECRET)
    desk.publish()
    assert desk.list_urls() == [URL, second]
    assert len(list((desk.folder / "pages").rglob("*.zst"))) == 1
    desk.order()
    assert desk.publish() == []
    assert find_traces(desk, MARK) == set()
    assert desk.get_link(second) == ("refused", f"{TAKEN_DOWN}: the text of {URL}", None)
    assert not list((desk.folder / "pages").rglob("*.zst"))


def test_a_text_taken_down_with_its_copies_stays_out_of_every_source(desk: Desk) -> None:
    desk.publish_at("kedua", "kunjungan", RELEASE)
    copy = "https://kedua.example/salinan"
    desk.order(copies=True)
    desk.publish()
    desk.read("kedua", copy, SECRET)
    assert desk.get_link(copy)[:2] == ("refused", f"{TAKEN_DOWN}: the text of {URL}")
    assert MARK not in str(desk.ask("SELECT title, text FROM articles"))
    desk.order(action=Action.UNDO)
    desk.publish()
    desk.read("kedua", copy, SECRET)
    assert copy in desk.list_urls()


def test_address_that_was_never_here_is_kept_out(desk: Desk) -> None:
    url = "https://pertama.example/besok"
    desk.order(url)
    desk.publish()
    assert desk.ask("SELECT source_id, text_hash FROM takedowns") == [(None, None)]
    desk.read("pertama", url, [*RELEASE])
    assert desk.list_urls() == [URL]
    assert desk.get_link(url) == ("refused", TAKEN_DOWN, None)


def test_search_engine_does_not_bring_it_back(desk: Desk) -> None:
    desk.order()
    desk.publish()
    desk.publish_at("mesin", "apa", RELEASE)
    article = ExtractedArticle(title="Sengketa APEKSI", text="\n".join(SECRET), published=desk.now)
    for url in (URL, "https://pertama.example/lain"):
        link = ArticleLink(url=url, title="Sengketa", publisher="Pertama")
        page = FetchedPage(url=url, link=link, article=article, fetched_at=desk.now)
        desk.write("mesin", page, discovery=True)
        assert desk.get_link(url)[0] == "refused"
    assert [url for url in desk.list_urls() if "pertama" in url] == []


def test_its_link_neither_fails_nor_waits(desk: Desk) -> None:
    desk.order()
    desk.publish()
    link = ArticleLink(url=URL, title=f"Sengketa {MARK}")
    desk.write("pertama", failures=(LinkFailure(url=URL, link=link, reason="HTTP 500"),))
    assert desk.get_link(URL) == ("refused", TAKEN_DOWN, None)
    assert find_traces(desk, MARK) == set()


def test_replay_does_not_bring_it_back(desk: Desk) -> None:
    """Its text was rejected at another address, of which the takedown knew nothing."""
    desk.read(
        "pertama", "https://pertama.example/panen", [f"Petani {MARK} memanen cabai di lereng gunung."], title="Panen"
    )
    row = desk.ask("SELECT key, article FROM rejected_pages")[0]
    article = {**json.loads(row[1]), "title": "Sengketa APEKSI", "text": "\n".join(SECRET)}
    desk.order()
    desk.publish()
    with desk.store.transaction():
        desk.store._connection.execute("UPDATE rejected_pages SET article = ?", (json.dumps(article),))
    assert make_replay(desk).run(since=None, source_id=None, dry_run=False) == []
    assert desk.list_urls() == []


# ── nearly the same text ───────────────────────────────────────────────────────────────────────────────────────────

LONG = [SECRET[0], *RELEASE, *OTHER[1:]]
RATES = [
    "Dewan APEKSI meminta tarif retribusi parkir disamakan mulai tahun depan agar warga tidak bingung.",
    "Usul itu lahir dari survei di sebelas kota yang menemukan selisih tarif hingga empat kali lipat.",
    "Pengelola terminal menyatakan siap memasang papan tarif baru dan melatih juru parkir secara bergelombang.",
    "Pembahasan dilanjutkan dalam rapat bulan Desember bersama dinas perhubungan setempat.",
]
MOVED = "https://pertama.example/arsip/sengketa-baru"
EDITS = {
    "another lead": [f"Perkara {MARK} mulai disidangkan, ujar pengurus APEKSI, Selasa pagi.", *LONG[1:]],
    "a paragraph more": [*LONG, "Redaksi memperbarui berita ini pada pukul 15.00 WITA tanggal 7 Oktober 2026."],
    "cut after five paragraphs": LONG[:5],
    "in another order": [LONG[0], *LONG[5:], *LONG[1:5]],
    "some words changed": [line.replace("para", "segenap").replace("yang", "nan") for line in LONG],
    "between texts of others": ["Rangkuman berita APEKSI pekan ini di seluruh kota.", *LONG, "Demikian rangkuman."],
}


@pytest.fixture
def long_desk(tmp_path: Path) -> Iterator[Desk]:
    """One article of some length, published; a second source is known."""
    desk = Desk(tmp_path)
    desk.publish_at("pertama", "sengketa", LONG, title=f"Sengketa {MARK} di APEKSI")
    desk.publish_at("kedua", "lain", ["APEKSI membuka pendaftaran lomba foto kota bagi pelajar se-Sulawesi."])
    desk.publish()
    yield desk
    desk.store.close()


@pytest.mark.parametrize("text", EDITS.values(), ids=EDITS)
@pytest.mark.parametrize(
    ("source", "url", "copies"),
    [
        pytest.param("pertama", MOVED, False, id="moved"),
        pytest.param("kedua", "https://kedua.example/salinan", True, id="copied"),
    ],
)
def test_what_is_nearly_the_text_is_kept_out(
    long_desk: Desk, caplog: pytest.LogCaptureFixture, *, source: str, url: str, copies: bool, text: list[str]
) -> None:
    long_desk.order(copies=copies)
    before = long_desk.publish()
    with caplog.at_level(logging.WARNING):
        long_desk.read(source, url, text, title="Kabar APEKSI Terbaru")
    assert long_desk.publish() == before
    assert long_desk.get_link(url) == ("refused", f"{TAKEN_DOWN}: nearly the text of {URL}", None)
    assert caplog.messages == [f"{url}: kept out; {TAKEN_DOWN}: nearly the text of {URL}"]
    assert long_desk.store.list_kept_out() == [(url, f"{TAKEN_DOWN}: nearly the text of {URL}")]
    assert find_traces(long_desk, MARK) == set()


def test_excerpt_of_the_text_is_kept_out_though_there_is_no_text(long_desk: Desk) -> None:
    long_desk.order()
    long_desk.publish()
    long_desk.read("pertama", MOVED, [], summary=" ".join(LONG[:3]))
    assert long_desk.get_link(MOVED)[:2] == ("refused", f"{TAKEN_DOWN}: nearly the text of {URL}")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        pytest.param("kedua", EDITS["a paragraph more"], id="a copy elsewhere, where copies were not asked for"),
        pytest.param("pertama", [*RATES, *LONG[:2]], id="the same background"),
        pytest.param("pertama", [RATES[0], f"Juru bicara mengutip: {LONG[1]}", *RATES[1:]], id="a quotation"),
        pytest.param("pertama", RATES, id="other news"),
    ],
)
def test_other_texts_come_in(long_desk: Desk, source: str, text: list[str]) -> None:
    long_desk.order()
    long_desk.publish()
    url = f"https://{source}.example/tanggapan"
    long_desk.read(source, url, text)
    assert url in long_desk.list_urls()


def test_article_that_is_changed_into_the_text_stays_as_it_was(long_desk: Desk) -> None:
    harmless = "https://pertama.example/lomba"
    long_desk.read("pertama", harmless, OTHER, title="Bursa APEKSI")
    long_desk.order()
    long_desk.publish()
    long_desk.read("pertama", harmless, EDITS["another lead"], title="Bursa APEKSI")
    assert long_desk.get_link(harmless)[0] == "kept"
    assert long_desk.ask(f"SELECT text FROM articles WHERE url = '{harmless}'") == [("\n".join(OTHER),)]
    assert find_traces(long_desk, MARK) == set()


def test_operator_lets_it_in_and_it_stays(long_desk: Desk) -> None:
    long_desk.order()
    long_desk.publish()
    text = EDITS["a paragraph more"]
    long_desk.read("pertama", MOVED, text)
    long_desk.order(MOVED, Action.UNDO)
    long_desk.publish()
    assert long_desk.get_link(MOVED)[0] == "pending"
    long_desk.read("pertama", MOVED, text)
    long_desk.read("pertama", MOVED, [*text, "Ralat: nama kota diperbaiki."])
    assert long_desk.ask(f"SELECT text FROM articles WHERE url = '{MOVED}'") == [
        ("\n".join([*text, "Ralat: nama kota diperbaiki."]),)
    ]
    long_desk.read("pertama", URL, LONG)
    long_desk.read("pertama", f"{MOVED}-2", text)
    assert URL not in long_desk.list_urls()
    assert f"{MOVED}-2" not in long_desk.list_urls()
    long_desk.order(MOVED)
    long_desk.publish()
    long_desk.read("pertama", MOVED, text)
    assert MOVED not in long_desk.list_urls()


def test_undo_lets_what_is_nearly_the_text_in(long_desk: Desk) -> None:
    long_desk.order()
    long_desk.publish()
    long_desk.read("pertama", MOVED, EDITS["another lead"])
    long_desk.order(action=Action.UNDO)
    long_desk.publish()
    assert long_desk.ask(f"SELECT * FROM links WHERE key = '{make_url_key(MOVED)}'") == []
    long_desk.read("pertama", MOVED, EDITS["another lead"])
    assert MOVED in long_desk.list_urls()


def test_backup_older_than_the_article_still_knows_what_is_nearly_its_text(long_desk: Desk, tmp_path: Path) -> None:
    """The log tells it: no words, a part of their hashes."""
    article = long_desk.store.find_whole_article(make_url_key(URL))
    assert article is not None
    sketch = find_sketch(long_desk.store, article)
    assert sketch is not None
    assert len(sketch) / 6 < len(" ".join(LONG).split()) / 3
    other = Desk(tmp_path / "older")
    other.publish_at("pertama", "kunjungan", ["APEKSI membuka pendaftaran lomba foto kota bagi pelajar."])
    other.order(sketch=sketch.hex(), source="pertama")
    other.order("https://pertama.example/lain", sketch="zz")
    other.publish()
    other.read("pertama", MOVED, EDITS["another lead"])
    assert other.get_link(MOVED)[0] == "refused"
    other.store.close()


def test_replay_does_not_bring_back_what_is_nearly_the_text(long_desk: Desk) -> None:
    long_desk.read("pertama", MOVED, [f"Petani {MARK} memanen cabai di lereng gunung."], title="Panen")
    ((article,),) = long_desk.ask("SELECT article FROM rejected_pages")
    changed = {**json.loads(article), "title": "Sengketa APEKSI", "text": "\n".join(EDITS["another lead"])}
    long_desk.order()
    long_desk.publish()
    with long_desk.store.transaction():
        long_desk.store._connection.execute("UPDATE rejected_pages SET article = ?", (json.dumps(changed),))
    assert make_replay(long_desk).run(since=None, source_id=None, dry_run=False) == []


# ── undo ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_undo_has_it_read_again_in_its_old_place(desk: Desk) -> None:
    before = desk.ask("SELECT guid, story_id, first_published_at FROM news")
    desk.order()
    assert desk.publish() == []
    desk.order(action=Action.UNDO)
    desk.publish()
    state, reason, link = desk.get_link(URL)
    assert (state, reason) == ("pending", "")
    assert json.loads(link)["url"] == URL
    assert [each.link.url for each in desk.store.get_pending_links("pertama", desk.now)] == [URL]
    desk.read("pertama", URL, SECRET, title=f"Sengketa {MARK} di APEKSI")
    desk.look()
    assert desk.publish() == [f"Sengketa {MARK} di APEKSI"]
    assert desk.ask("SELECT guid, story_id, first_published_at FROM news") == before
    assert desk.ask("SELECT title FROM stories") == [(f"Sengketa {MARK} di APEKSI",)]


def test_undo_lets_the_same_text_in_at_other_addresses(desk: Desk) -> None:
    second = "https://pertama.example/nasional/sengketa"
    desk.order()
    desk.publish()
    desk.read("pertama", second, SECRET)
    desk.order(action=Action.UNDO)
    desk.publish()
    assert desk.ask(f"SELECT * FROM links WHERE key = '{make_url_key(second)}'") == []
    desk.read("pertama", second, SECRET)
    assert desk.list_urls() == [second]


def test_what_came_back_with_another_text_leaves_the_guid_to_the_copy(desk: Desk) -> None:
    desk.publish_at("kedua", "salinan", SECRET, hour=7, title="Salinan APEKSI")
    desk.publish()
    ((guid,),) = desk.ask("SELECT guid FROM news")
    desk.order()
    desk.order(action=Action.UNDO)
    desk.order()
    desk.publish()
    desk.order(action=Action.UNDO)
    desk.publish()
    desk.read("pertama", URL, RELEASE, title="Ralat APEKSI")
    assert sorted(desk.publish()) == ["Ralat APEKSI", "Salinan APEKSI"]
    guids = dict(desk.ask("SELECT title, guid FROM news"))
    assert guids["Salinan APEKSI"] == guid
    assert guids["Ralat APEKSI"] != guid


def test_undo_of_what_was_never_here_leaves_no_trace(desk: Desk) -> None:
    url = "https://pertama.example/besok"
    desk.order(url)
    desk.publish()
    desk.order(url, Action.UNDO)
    desk.publish()
    assert desk.ask("SELECT * FROM takedowns") == []
    desk.publish_at("pertama", "besok", RELEASE)
    assert url in desk.list_urls()


# ── the log and the database ───────────────────────────────────────────────────────────────────────────────────────


def test_restored_backup_is_brought_in_line(desk: Desk) -> None:
    desk.store.copy_to(desk.folder / "backup.db")
    desk.order()
    desk.publish()
    desk.store.close()
    for path in desk.folder.glob("news.db*"):
        path.unlink()
    shutil.copy(desk.folder / "backup.db", desk.folder / "news.db")
    (desk.folder / "backup.db").unlink()
    desk.store = Store.open_writer(desk.folder / "news.db")
    assert desk.list_urls() == [URL]
    assert desk.publish() == []
    assert find_traces(desk, MARK) == set()


def test_backup_older_than_the_article_still_knows_its_text(desk: Desk, tmp_path: Path) -> None:
    """The log tells it, as the command wrote it."""
    (hashed,) = desk.ask("SELECT s.text_hash, a.source_id FROM sketches AS s JOIN articles AS a ON a.id = s.article_id")
    other = Desk(tmp_path / "older")
    other.publish_at("pertama", "kunjungan", RELEASE)
    other.order(text_hash=hashed[0].hex(), source=hashed[1])
    other.publish()
    other.read("pertama", "https://pertama.example/nasional/sengketa", SECRET)
    assert other.list_urls() == ["https://pertama.example/kunjungan"]
    other.store.close()


def test_log_that_was_lost_or_cut_releases_nothing(desk: Desk) -> None:
    desk.order()
    desk.publish()
    (desk.folder / LOG_FILE).unlink()
    desk.publish()
    desk.read("pertama", URL, SECRET)
    desk.order("https://pertama.example/lain")
    desk.publish()
    desk.read("pertama", URL, SECRET)
    assert desk.list_urls() == []
    assert desk.ask("SELECT count(*) FROM takedowns") == [(2,)]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        pytest.param(b"{", "not an order", id="no JSON"),
        pytest.param(b'"https://pertama.example/sengketa"', "not an order", id="no object"),
        pytest.param(b"\xff\xfe", "not an order", id="no text"),
        pytest.param(b'{"asked_at": "2026-10-05T08:00:00Z", "action": "takedown", "reason": "x"}', "url", id="no url"),
        pytest.param(
            b'{"asked_at": "2026-10-05T08:00:00Z", "action": "takedown", "url": "x", "reason": "x"}',
            "url: not a web address",
            id="no address",
        ),
        pytest.param(
            b'{"asked_at": "2026-10-05T08:00:00", "action": "takedown", "url": "https://a.example/x", "reason": "x"}',
            "asked_at",
            id="no offset",
        ),
        pytest.param(
            b'{"asked_at": "2026-10-05T08:00:00Z", "action": "erase", "url": "https://a.example/x", "reason": "x"}',
            "action",
            id="no such action",
        ),
    ],
)
def test_bad_line_is_named_and_the_good_ones_count(
    desk: Desk, caplog: pytest.LogCaptureFixture, line: bytes, fault: str
) -> None:
    path = desk.folder / LOG_FILE
    path.write_bytes(b"\n" + line)  # and cut off
    desk.order()
    with caplog.at_level(logging.ERROR):
        assert desk.publish() == []
        desk.publish()
    (message,) = caplog.messages  # once
    assert message.startswith(f"{path}, line 2: {fault}")
    assert path.read_bytes().startswith(b"\n" + line + b"\n{")
    assert [order.url for order in read_log(path).orders.values()] == [URL]


def test_log_that_cannot_be_read_is_an_error(desk: Desk) -> None:
    (desk.folder / LOG_FILE).mkdir()
    with pytest.raises(StoreError, match=LOG_FILE):
        apply_takedowns(desk.store, desk.now)


@pytest.mark.slow
def test_a_thousand_takedowns_cost_little(desk: Desk) -> None:
    """Counted in statements, not in seconds: a page that is read costs none of its own."""
    orders = [
        Order(asked_at=desk.now, action=Action.TAKEDOWN, url=f"https://pertama.example/{number}", reason="x")
        for number in range(1_000)
    ]
    append_orders(desk.folder / LOG_FILE, orders)
    desk.publish()
    asked: list[str] = []
    desk.store._connection.set_trace_callback(asked.append)
    for number in range(3):
        desk.publish_at("pertama", f"baru-{number}", [f"APEKSI nomor {number}.", *RELEASE])
    desk.publish()
    desk.store._connection.set_trace_callback(None)
    assert sum(" takedowns" in sql for sql in asked) == 4  # three harvests, one publish


def test_half_done_takedown_is_not_done(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object, *_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    desk.order()
    with monkeypatch.context() as patch:
        patch.setattr(Store, "write_applied_log", fail)
        with pytest.raises(StoreError):
            apply_takedowns(desk.store, desk.now)
    assert desk.list_urls() == [URL]
    assert is_due(desk.store)
    assert desk.publish() == []


def test_taking_down_again_changes_the_reason_alone(desk: Desk) -> None:
    desk.order()
    desk.publish()
    done = desk.ask("SELECT done_at, text_hash FROM takedowns")
    desk.order(reason="permintaan penerbit")
    desk.publish()
    assert desk.ask("SELECT reason FROM takedowns") == [("permintaan penerbit",)]
    assert desk.ask("SELECT done_at, text_hash FROM takedowns") == done


def test_reader_may_be_reading_meanwhile(desk: Desk) -> None:
    with closing(sqlite3.connect(f"file:{desk.folder / 'news.db'}?mode=ro", uri=True)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM articles").fetchone() == (1,)
        desk.order()
        desk.publish()
        assert reader.execute("SELECT count(*) FROM articles").fetchone() == (1,)
    assert desk.list_urls() == []


def test_clock_of_the_log_is_kept_in_utc(tmp_path: Path) -> None:
    path = tmp_path / LOG_FILE
    at = datetime(2026, 10, 5, 15, tzinfo=UTC) + timedelta(minutes=1)
    append_orders(path, [Order(asked_at=at, action=Action.TAKEDOWN, url=URL, reason="x\ny", article=7, copies=True)])
    (line,) = path.read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == {
        "asked_at": "2026-10-05T15:01:00+00:00",
        "action": "takedown",
        "url": URL,
        "reason": "x\ny",
        "article": 7,
        "copies": True,
    }
