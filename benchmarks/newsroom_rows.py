"""The rows of a made-up newsroom: stories, the pieces of news that they are told in, the articles that carry each.

What is kept for a time in service is kept for that time before `NOW` here; what is kept for ever is all there.
"""
# ruff: noqa: SLF001 - the rows are made up

from __future__ import annotations

import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from hashlib import blake2b
from typing import Any

from aggregator.differences import find_revision
from aggregator.feed_rows import make_place
from aggregator.feeds import GroupFacts, name_feeds
from aggregator.group_rows import make_guid
from aggregator.instants import to_text, to_text_exactly
from aggregator.models import City
from aggregator.store import Store
from aggregator.stories import read_terms
from aggregator.times import WIB
from benchmarks.archive import COPIES, SOURCES, STORIES
from benchmarks.prose import Prose
from benchmarks.publishing import NOW, TOPICS

ARTICLES_A_DAY = 600
BATCH = 5_000  # articles in a transaction
OTHER_LINKS = 8  # for each article so many posts of the same channels are not on topic …
LINK_DAYS = 365  # … and are remembered for so long
REJECTED, REJECTED_DAYS = 0.5, 180  # pages that named a topic and are off topic: so many for each article
CANDIDATE_DAYS, STORY_DAYS, PAGE_DAYS = 90, 35, 30  # postings; terms and likeness; pages kept as files
BACKFILLED, REVISED, GONE = 0.02, 0.02, 0.01
PARAGRAPHS_OF_PAGE, PAGES_REMEMBERED = 25, 150  # boilerplate that each source's pages leave behind
ROLES = (("participant", 0.5), ("mention", 0.25))  # places beside the event's, in so many articles
METHODS = ("name", "article", "profile", "channel", "prose", "trafilatura")
PUBLISHED_METHODS = ("json-ld", "meta", "time", "text", "channel")
PRECISIONS = ("minute",) * 34 + ("second",) * 3 + ("day",) * 2 + ("none",)
NOTHING = (("refused", "the page asks not to be indexed"), ("failed", "HTTP 404"))
TERMS = {
    "apeksi": ("APEKSI", "Asosiasi Pemerintah Kota", "Wali Kota", "Dewan Pengurus", "Komisariat Wilayah", "Raker"),
    "smart-city": ("smart city", "kota cerdas", "Wali Kota", "layanan digital", "command center", "Diskominfo"),
}
_COLUMNS = """
    id, url, url_key, source_id, group_id, title, author, published_at, published_offset, published_precision,
    published_raw, published_method, modified_at, text, summary, image, language, tags, declared_url, extraction_method,
    first_seen_at, revised_at, page_file, byline, gone_at, checked_at, backfilled, title_method, author_method, profile,
    page_hash
"""


@dataclass(kw_only=True)
class Rows:
    """Rows by table, of a batch."""

    tables: defaultdict[str, list[tuple[Any, ...]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, table: str, *row: Any) -> None:
        self.tables[table].append(row)

    def write(self, store: Store) -> None:
        with store.transaction():
            for table, rows in self.tables.items():
                columns = f" ({_COLUMNS})" if table == "articles" else ""
                marks = ", ".join("?" * len(rows[0]))
                store._connection.executemany(f"INSERT INTO {table}{columns} VALUES ({marks})", rows)
        self.tables.clear()


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """A piece of news, of which articles are made."""

    group: int
    city: City
    at: datetime  # when its first article is found
    published: datetime
    is_backfilled: bool
    is_placed: bool  # it happened in the city; else in its province
    topics: Sequence[str]
    text: str
    title: str


class Newsroom:
    """Writes the articles, and what goes with each."""

    def __init__(self, store: Store, articles: int) -> None:
        self.store, self.articles = store, articles
        self.prose = Prose()
        self.dice = self.prose.dice
        self.rows = Rows()
        self.number = self.group = self.story = 0
        self.feeds = {feed.name: feed.id for feed in store.get_feeds().values()}
        self.items: Counter[int] = Counter()  # of each feed
        self.paragraphs: Counter[str] = Counter()

    @property
    def days(self) -> int:
        return self.articles // ARTICLES_A_DAY + 1

    def write(self) -> None:
        written = 0
        while self.number < self.articles:
            self._tell_story()
            if self.number - written >= BATCH or self.number >= self.articles:
                self.rows.write(self.store)
                written = self.number
                if written % 50_000 < BATCH:
                    print(f"{written} articles", file=sys.stderr, flush=True)
        with self.store.transaction():
            self.store._connection.executemany(
                "UPDATE sources SET pages_read = ? WHERE id = ?",
                [(count, source) for source, count in self.paragraphs.items()],
            )
            self.store._connection.executemany(
                "UPDATE feeds SET items = ? WHERE id = ?", [(count, feed) for feed, count in self.items.items()]
            )

    def _get_time(self) -> datetime:
        return NOW - timedelta(days=(self.articles - self.number) / ARTICLES_A_DAY)

    def _draw(self, sizes: dict[int, float]) -> int:
        return self.dice.choices(list(sizes), list(sizes.values()))[0]

    # ── stories and pieces of news ─────────────────────────────────────────────────────────────────────────────────

    def _tell_story(self) -> None:
        """Pieces of news that follow one another, on one city."""
        self.story += 1
        city, first, title = self.prose.draw_city(), "", ""
        last = first
        for _ in range(self._draw(STORIES)):
            if self.number >= self.articles:
                break
            piece = self._write_piece(city)
            published = to_text(piece.published)
            first, last, title = min(first or published, published), max(last, published), title or piece.title
        why = json.dumps(self.prose.cut_words(8) if first != last else [])
        self.rows.add("stories", self.story, title, first, last, why, last, None)

    def _write_piece(self, city: City) -> Piece:
        self.group += 1
        at, dice = self._get_time(), self.dice.random
        is_backfilled = dice() < BACKFILLED
        delay = timedelta(days=30 + dice() * 870) if is_backfilled else timedelta(minutes=dice() * 300)
        piece = Piece(
            group=self.group,
            city=city,
            at=at,
            published=at - delay,
            is_backfilled=is_backfilled,
            is_placed=dice() < 0.9,
            topics=[topic for topic in TOPICS if dice() < 0.6] or ["apeksi"],
            text=self.prose.make_text(city, "Portal", at),
            title=self.prose.make_title(city),
        )
        size = 1 if is_backfilled else min(self._draw(COPIES), self.articles - self.number)
        start = int(dice() * SOURCES)
        sources = [(start + step * 37) % SOURCES for step in range(size)]
        members: list[int] = []
        key = self._write_article(piece, sources[0], members)
        for source in sources[1:]:
            self._write_article(piece, source, members)
        place = at + timedelta(minutes=1, microseconds=self.group)
        self.rows.add(
            "duplicate_groups", self.group, make_guid(key), members[0], to_text_exactly(place), to_text(at),
            int(is_backfilled), None, None, members[0], self.story, 1,
        )  # fmt: skip
        self._place(piece, members[0], sources, make_place(place))
        if at > NOW - timedelta(days=STORY_DAYS):
            self._write_terms(piece, members[0])
        return piece

    def _place(self, piece: Piece, canonical: int, sources: Sequence[int], place: int) -> None:
        regions = _list_events(piece)
        facts = GroupFacts(topics=piece.topics, regions=regions, sources=[_name_source(number) for number in sources])
        for name in name_feeds(facts):
            feed = self.feeds[name]
            self.rows.add("feed_items", feed, int(piece.is_backfilled), place, piece.group, canonical)
            self.items[feed] += 1

    def _write_terms(self, piece: Piece, canonical: int) -> None:
        terms = json.dumps(read_terms(piece.title, piece.text), ensure_ascii=False, separators=(",", ":"))
        self.rows.add("story_terms", piece.group, canonical, to_text(piece.at), terms)
        for back in {int(self.dice.random() * 200) + 1 for _ in range(8)}:
            if back < piece.group:
                self.rows.add("story_likeness", piece.group - back, piece.group, round(self.dice.random() * 0.3, 4))

    # ── articles ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _write_article(self, piece: Piece, source: int, members: list[int]) -> str:
        """Appends its number to `members`; returns its URL key."""
        self.number += 1
        dice, name, seen = self.dice.random, _name_source(source)[0], piece.at
        is_first = not members
        title = piece.title if is_first or dice() < 0.3 else self.prose.make_title(piece.city)
        text = piece.text if is_first else self.prose.edit(piece.text)
        published = piece.published + (timedelta(0) if is_first else timedelta(minutes=1 + dice() * 120))
        url, key = _make_url(source, published, title, self.number)
        precision, method = self.dice.choice(PRECISIONS), self.dice.choice(METHODS)
        byline = self.prose.make_name()
        is_revised, seen_text = dice() < REVISED, to_text(seen)
        page = f"{seen:%Y-%m-%d}/{key}.html.zst" if seen > NOW - timedelta(days=PAGE_DAYS) else ""
        self.rows.add(
            "articles", self.number, url, key, name, piece.group, title,
            byline if dice() < 0.8 else "", to_text(published), 420, precision, _write_date(published, precision),
            self.dice.choice(PUBLISHED_METHODS), to_text(published + timedelta(minutes=9)) if dice() < 0.4 else None,
            text, text[:180], f"https://p{source}.example/wp-content/uploads/{published:%Y/%m}/{key}-{self.number}.jpg",
            "id", json.dumps([piece.city.name, "APEKSI", *self.prose.cut_words(2)]), url if dice() < 0.7 else "",
            method, seen_text, to_text(seen + timedelta(hours=9)) if is_revised else None, page,
            f"Penulis: {byline}", to_text(seen + timedelta(days=20)) if dice() < GONE else None,
            to_text(seen + timedelta(days=13)), int(piece.is_backfilled), self.dice.choice(("h1", "og", "channel")),
            self.dice.choice(("byline", "json-ld", "channel", "")), "wordpress" if method == "profile" else "",
            self.dice.randbytes(32) if method != "channel" else None,
        )  # fmt: skip
        self.rows.add("links", key, url, name, "kept", "", 0, seen_text, seen_text, None, None, None)
        self._write_evidence(piece, self.number)
        self._write_sketch(piece, len(text))
        self._write_edges(members, seen_text)
        self._write_others(source, seen)
        if is_revised:
            self._write_revision(piece, title, text)
        self._count_paragraphs(name)
        members.append(self.number)
        return key

    def _write_evidence(self, piece: Piece, article: int) -> None:
        for topic in piece.topics:
            evidence = self._make_evidence(TERMS[topic], ("title", "lead", "summary", "body"), 4)
            self.rows.add("article_topics", article, topic, 1.0 + len(evidence) % 10 / 10, evidence, "9f8e7d6c5b4a")
        names = (piece.city.name, f"Kota {piece.city.name}", piece.city.name.upper())
        used = set(_list_events(piece))
        for code in sorted(used):
            evidence = self._make_evidence(names, ("title", "summary", "dateline", "lead", "body"), 4)
            self.rows.add("article_regions", article, code, "event", 2.1, evidence)
        for role, share in ROLES:
            other = self.prose.draw_city()
            if self.dice.random() < share and other.code not in used:
                used.add(other.code)
                evidence = self._make_evidence((other.name, f"Kota {other.name}"), ("body", "tail"), 1)
                self.rows.add("article_regions", article, other.code, role, 0.24, evidence)

    def _make_evidence(self, terms: Sequence[str], places: Sequence[str], count: int) -> str:
        dice = self.dice.random
        size = count + (1 if dice() < 0.4 else 0)
        found = (
            f'["{terms[int(dice() * len(terms))]}","{places[at % len(places)]}",{int(dice() * 900)},{round(dice(), 2)}]'
            for at in range(size)
        )
        return f"[{','.join(found)}]"

    def _write_sketch(self, piece: Piece, length: int) -> None:
        hashes = b""
        if piece.at > NOW - timedelta(days=CANDIDATE_DAYS):
            found = sorted(self.dice.getrandbits(47) for _ in range(length // 84 + 15))
            hashes = b"".join(value.to_bytes(6, "little") for value in found)
            for value in found:
                self.rows.add("postings", value, self.number)
        self.rows.add("sketches", self.number, self.dice.randbytes(16), hashes)

    def _write_edges(self, members: Sequence[int], decided: str) -> None:
        for other in members[-20:]:
            score = round(0.6 + self.dice.random() * 0.4, 4)
            self.rows.add(
                "duplicate_edges",
                self.number,
                other,
                1,
                "containment",
                score,
                0,
                score,
                round(score - 0.05, 4),
                decided,
            )
        if self.number > 500 and self.dice.random() < 0.5:  # looked alike, and is something else
            other = self.number - 100 - int(self.dice.random() * 400)
            self.rows.add("duplicate_edges", self.number, other, 0, "other-text", 0.14, 0.31, 0.14, 0.12, decided)

    def _write_revision(self, piece: Piece, title: str, text: str) -> None:
        paragraphs = text.split("\n")
        before = "\n".join([*paragraphs[:-1], " ".join(self.prose.cut_words(14))])
        difference = json.dumps(find_revision(title, before, title, text).to_json(), ensure_ascii=False)
        at = to_text(piece.at + timedelta(hours=9))
        self.rows.add("article_revisions", None, self.number, at, title, before, difference)

    def _write_others(self, source: int, seen: datetime) -> None:
        """The posts of the same channels that came to nothing."""
        if seen <= NOW - timedelta(days=LINK_DAYS):
            return
        dice, moment = self.dice.random, to_text(seen)
        for _ in range(OTHER_LINKS):
            other = (source + int(dice() * 40)) % SOURCES
            title, chance = " ".join(self.prose.cut_words(8)), dice()
            url, key = _make_url(other, seen, title, int(dice() * 10**8))
            state, reason = "off-topic", "no topic is named"
            if chance < 0.03:
                state, reason = NOTHING[chance < 0.02]
            elif chance < 0.03 + REJECTED / OTHER_LINKS:
                reason = ""
                if seen > NOW - timedelta(days=REJECTED_DAYS):
                    self._write_rejected(key, url, other, title, seen)
            self.rows.add("links", key, url, _name_source(other)[0], state, reason, 0, moment, moment, None, None, None)

    def _write_rejected(self, key: str, url: str, source: int, title: str, seen: datetime) -> None:
        name, text = _name_source(source)[0], self.prose.make_text(self.prose.draw_city(), "Portal", seen)
        row = {
            "author": "", "byline": "", "published_at": to_text(seen), "published_offset": 420,
            "published_precision": "minute", "published_raw": "", "published_method": "meta", "modified_at": None,
            "summary": text[:180], "image": "", "snippet_limit": None, "language": "id", "tags": "[]",
            "declared_url": url, "extraction_method": "name", "first_seen_at": to_text(seen), "backfilled": 0,
        }  # fmt: skip
        page = f"{seen:%Y-%m-%d}/{key}.html.zst" if seen > NOW - timedelta(days=PAGE_DAYS) else ""
        scores = '[{"topic":"apeksi","score":0.0,"evidence":[]},{"topic":"smart-city","score":0.4,"evidence":[]}]'
        article = json.dumps(row, ensure_ascii=False)
        self.rows.add("rejected_pages", key, name, url, title, text, "off-topic", scores, to_text(seen), page, article)

    def _count_paragraphs(self, source: str) -> None:
        if self.paragraphs[source] < PAGES_REMEMBERED:
            self.paragraphs[source] += 1
            for _ in range(PARAGRAPHS_OF_PAGE):
                self.rows.add("boilerplate", source, self.dice.getrandbits(63), 1)


def _list_events(piece: Piece) -> list[str]:
    province = piece.city.code[:2]
    return [piece.city.code, province] if piece.is_placed else [province]


@cache
def _name_source(number: int) -> tuple[str, str]:
    """(id, kind)"""
    return f"portal-{number}", "regional" if number % 5 else "city-government"


def _make_url(source: int, at: datetime, title: str, number: int) -> tuple[str, str]:
    """(address, its key) as `make_url_key` would make it, without its thoroughness."""
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    path = f"/{at:%Y/%m/%d}/{slug}-{number}"
    host = f"p{source}.example"
    key = blake2b(f"{host}{path}?".encode(), digest_size=8).hexdigest()
    return f"https://{host}{path}/", key


def _write_date(at: datetime, precision: str) -> str:
    local = at.astimezone(WIB)
    return f"{local:%d/%m/%Y}" if precision == "day" else f"{local:%Y-%m-%dT%H:%M:%S}+07:00"
