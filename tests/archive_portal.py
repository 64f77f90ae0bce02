"""A portal with an archive of years, on loopback, that can be entered by as many or as few ways as a test wants."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from portals import Answer

FIRST_MONTH, LAST_MONTH = (2022, 9), (2026, 11)
FEED_SIZE, LISTING_SIZE = 5, 6
RSS, XML, JSON = "application/rss+xml", "application/xml", "application/json"
SUBJECTS = {  # slug, title, sentence
    "apeksi": ("Wali kota bahas layanan di rapat APEKSI", "Para wali kota anggota APEKSI membahas {what} di {place}."),
    "smart": ("Smart city hemat anggaran", "Pemerintah kota menjalankan program smart city untuk {what} di {place}."),
    "panen": ("Panen raya di kecamatan", "Petani memanen {what} bersama penyuluh dari {place}."),
}
THINGS = ("air bersih", "sampah", "trotoar", "penerangan", "pasar", "terminal", "taman", "sungai", "parkir", "sekolah")


@dataclass(frozen=True)
class Post:
    """An article of the portal."""

    number: int
    slug: str
    at: datetime
    subject: str
    is_dated: bool = True

    @property
    def path(self) -> str:
        return f"/berita/{self.slug}"

    @property
    def title(self) -> str:
        return f"{SUBJECTS[self.subject][0]} ({self.number})"

    @property
    def paragraphs(self) -> list[str]:
        sentence = SUBJECTS[self.subject][1]
        chosen = [(self.number * 7 + step * step * 3) for step in range(8)]
        return [
            sentence.format(what=THINGS[n % 10], place=f"wilayah {n * 31 % 997} tahap {n * 17 % 89}") + f" Catatan {n}."
            for n in chosen
        ]

    @property
    def html(self) -> str:
        return "".join(f"<p>{text}</p>" for text in self.paragraphs)


def make_posts() -> list[Post]:
    """One post a month, by turns on each subject, newest last."""
    posts = []
    year, month = FIRST_MONTH
    while (year, month) <= LAST_MONTH:
        number = len(posts) + 1
        subject = tuple(SUBJECTS)[number % 3]
        at = datetime(year, month, 14, 3, number % 60, tzinfo=UTC)
        posts.append(Post(number, f"{subject}-{year}-{month:02}-kabar-{number}", at, subject))
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return posts


@dataclass
class ArchivePortal:
    """What it has, what it offers, and what it was asked."""

    ways: frozenset[str] = frozenset(("rest", "search", "tag", "sitemap", "listing"))
    posts: list[Post] = field(default_factory=make_posts)
    asked: Counter[str] = field(default_factory=Counter)
    robots: str = ""
    full_text: bool = True  # in REST and feeds
    ignores_paged: bool = False
    lists_dates: bool = True
    tells_total: bool = True  # in the headers of REST
    told_pages: int = 0  # in place of the pages that there are
    pinned: Post | None = None
    is_endless: bool = False
    interfere: Callable[[str, int], Answer | None] | None = None  # path, requests so far → another answer
    base: str = ""

    def answer(self, target: str) -> Answer:
        self.asked[target] += 1
        if self.interfere and (other := self.interfere(target, self.asked.total())):
            return other
        path, query = urlsplit(target).path, dict(parse_qsl(urlsplit(target).query))
        if path == "/robots.txt":
            return Answer(self.robots.encode(), content_type="text/plain") if self.robots else _missing()
        for way, handle in (
            ("rest", self._answer_rest),
            ("search", self._answer_search),
            ("search-page", self._answer_search_page),
            ("tag", self._answer_tag),
            ("sitemap", self._answer_sitemap),
            ("listing", self._answer_listing),
        ):
            if way in self.ways and (found := handle(path, query)):
                return found
        post = next((post for post in self.posts if post.path == path), None)
        return Answer(self._write_article(post).encode()) if post else _missing()

    # ── the ways ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _answer_rest(self, path: str, query: dict[str, str]) -> Answer | None:
        if path != "/wp-json/wp/v2/posts":
            return None
        found = [post for post in self._search(query["search"]) if _local(post) > query.get("after", "")]
        found = [post for post in found if "before" not in query or _local(post) < query["before"]]
        found.sort(key=lambda post: post.at, reverse=query["order"] == "desc")
        size, number = 7, int(query["page"])  # a site that gives fewer than was asked for
        pages = -(-len(found) // size)
        if number > max(pages, 1):
            return Answer(b'{"code": "rest_post_invalid_page_number"}', 400, JSON)
        body = json.dumps([self._write_post(post) for post in found[(number - 1) * size : number * size]])
        headers = {"X-WP-Total": str(len(found)), "X-WP-TotalPages": str(self.told_pages or pages)}
        return Answer(body.encode(), content_type=JSON, headers=headers if self.tells_total else {})

    def _answer_search(self, path: str, query: dict[str, str]) -> Answer | None:
        if path != "/" or "s" not in query or query.get("feed") != "rss2":
            return None
        return self._write_feed(self._search(query["s"]), query)

    def _answer_search_page(self, path: str, query: dict[str, str]) -> Answer | None:
        match = re.fullmatch(r"/(?:page/(\d+)/)?", path)
        if match is None or "s" not in query or "feed" in query:
            return None
        found = self._search(query["s"])
        if not found:
            return Answer(b"<!DOCTYPE html><html><head><title>Cari</title></head><body>Tidak ada hasil</body></html>")
        return self._write_listing(found, int(match[1] or 1), "/", f"?s={query['s'].replace(' ', '+')}")

    def _answer_tag(self, path: str, query: dict[str, str]) -> Answer | None:
        match = re.fullmatch(r"/tag/([a-z-]+)/(feed/)?(?:page/(\d+)/)?", path)
        if match is None:
            return None
        subject = {"apeksi": "apeksi", "smart-city": "smart"}.get(match[1])
        found = [post for post in self.posts if post.subject == subject]
        if not found:
            return _missing()
        if match[2]:
            return self._write_feed(found, query) if "tag-page" not in self.ways else _missing()
        return self._write_listing(found, int(match[3] or 1), f"/tag/{match[1]}/")

    def _answer_sitemap(self, path: str, query: dict[str, str]) -> Answer | None:
        del query
        months = sorted({f"{post.at:%Y-%m}" for post in self.posts})
        if path == "/sitemap_index.xml":
            files = "".join(f"<sitemap><loc>{self.base}/sitemap-{month}.xml</loc></sitemap>" for month in months)
            files += f"<sitemap><loc>{self.base}/category-sitemap.xml</loc></sitemap>"
            return Answer(f'<?xml version="1.0"?><sitemapindex>{files}</sitemapindex>'.encode(), content_type=XML)
        match = re.fullmatch(r"/sitemap-(\d{4}-\d\d)\.xml", path)
        if match is None:
            return None
        entries = "".join(
            f"<url><loc>{self.base}{post.path}</loc><lastmod>{post.at.isoformat()}</lastmod></url>"
            for post in self.posts
            if f"{post.at:%Y-%m}" == match[1]
        )
        return Answer(f'<?xml version="1.0"?><urlset>{entries}</urlset>'.encode(), content_type=XML)

    def _answer_listing(self, path: str, query: dict[str, str]) -> Answer | None:
        match = re.fullmatch(r"/indeks/(?:page/(\d+)/)?", path)
        return self._write_listing(self.posts, int(match[1] or 1), "/indeks/") if match else None

    # ── writing ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _search(self, term: str) -> list[Post]:
        return [post for post in self.posts if term in f"{post.title} {post.html}".lower()]

    def _write_post(self, post: Post) -> dict[str, Any]:
        content = post.html if self.full_text else ""
        return {
            "link": self.base + post.path,
            "date": _local(post),
            "date_gmt": f"{post.at:%Y-%m-%dT%H:%M:%S}",
            "title": {"rendered": post.title},
            "content": {"rendered": content},
            "excerpt": {"rendered": ""},
        }

    def _write_feed(self, posts: Sequence[Post], query: dict[str, str]) -> Answer:
        number = 1 if self.ignores_paged else int(query.get("paged", "1"))
        newest = sorted(posts, key=lambda post: post.at, reverse=True)
        part = newest[(number - 1) * FEED_SIZE : number * FEED_SIZE]
        if number > 1 and not part:
            return _missing()
        items = "".join(
            f"<item><title>{post.title}</title><link>{self.base}{post.path}</link>"
            f"<pubDate>{format_datetime(post.at)}</pubDate>"
            + (f"<content:encoded><![CDATA[{post.html}]]></content:encoded>" if self.full_text else "")
            + "</item>"
            for post in part
        )
        space = 'xmlns:content="http://purl.org/rss/1.0/modules/content/"'
        body = f'<?xml version="1.0"?><rss version="2.0" {space}><channel><title>Cari</title>{items}</channel></rss>'
        return Answer(body.encode(), content_type=RSS)

    def _write_listing(self, posts: Sequence[Post], number: int, path: str, query: str = "") -> Answer:
        newest = sorted(posts, key=lambda post: post.at, reverse=True)
        shown = 1 if self.ignores_paged else number
        part = newest[(shown - 1) * LISTING_SIZE : shown * LISTING_SIZE]
        if self.is_endless:
            at = max(post.at for post in posts)
            part = [Post(n, f"palsu-{number}-{n}-kabar-hari-ini", at, "panen") for n in range(LISTING_SIZE)]
        elif not part:
            return _missing()
        items = "".join(self._write_item(post) for post in ([self.pinned] if self.pinned else []) + part)
        has_more = self.is_endless or self.ignores_paged or number * LISTING_SIZE < len(newest)
        following = f'<a rel="next" href="{path}page/{number + 1}/{query}">Berikutnya</a>' if has_more else ""
        head = "<!DOCTYPE html><html><head><title>Indeks</title></head>"
        body = f"{head}<body><main>{items}</main>{following}</body></html>"
        return Answer(body.encode())

    def _write_item(self, post: Post) -> str:
        when = f"<time datetime='{post.at.isoformat()}'>{post.at:%d/%m/%Y}</time>" if self.lists_dates else ""
        return f"<article><h2><a href='{post.path}'>{post.title}</a></h2>{when}<p>Ringkasan berita.</p></article>"

    def _write_article(self, post: Post) -> str:
        when = f'<meta property="article:published_time" content="{post.at.isoformat()}">' if post.is_dated else ""
        return (
            f"<!DOCTYPE html><html lang='id'><head><title>{post.title}</title>{when}</head>"
            f"<body><article><h1>{post.title}</h1>{post.html}</article></body></html>"
        )

    # ── for tests ──────────────────────────────────────────────────────────────────────────────────────────────────

    def list_on_topic(self, since: date, until: date = date(9999, 1, 1)) -> set[str]:
        """Addresses of what a backfill should keep."""
        return {
            self.base + post.path
            for post in self.posts
            if post.subject != "panen" and since <= (post.at + timedelta(hours=7)).date() <= until
        }

    def write_catalogue(self, *channels: str, source: str = "arsip") -> str:
        port = urlsplit(self.base).port
        listed = ", ".join(channels or (f'{{ kind = "wordpress", url = "{self.base}/", terms = ["apeksi"] }}',))
        return (
            f'[sources.{source}]\nname = "Arsip Kota"\ndomain = "127.0.0.1:{port}"\n'
            f'timezone = "Asia/Jakarta"\nchannels = [{listed}]\n'
        )


def _local(post: Post) -> str:
    return f"{post.at + timedelta(hours=7):%Y-%m-%dT%H:%M:%S}"


def _missing() -> Answer:
    return Answer(b"tidak ditemukan", 404)


@contextmanager
def serve_archive(**facts: Any) -> Iterator[ArchivePortal]:
    portal = ArchivePortal(**facts)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            with lock:
                answer = portal.answer(self.path)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    portal.base = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.05), daemon=True)
    thread.start()
    try:
        yield portal
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
