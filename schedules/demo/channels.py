"""The ways into a portal, as the common makes answer them. Pure: an Edition and a query in, a Content out."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any

from schedules.demo.pages import make_body, make_teaser, render, render_list
from schedules.demo.posts import Edition, Post

LISTING_SIZE = 4  # small, so that a listing of few articles has next pages
NEWS_AGE = timedelta(hours=48)  # what a Google News sitemap may hold
RSS = "application/rss+xml"
XML = "application/xml"
HTML = "text/html"
GZIP = "application/gzip"


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """What a portal answers, in its charset where it is text."""

    body: bytes
    media_type: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Query = Mapping[str, str]
Channel = Callable[[Edition, Query], Content]


def answer_full_feed(edition: Edition, query: Query) -> Content:
    return _answer_rss(edition, edition.posts, full=True)


def answer_excerpt_feed(edition: Edition, query: Query) -> Content:
    return _answer_rss(edition, edition.posts)


def answer_search_feed(edition: Edition, query: Query) -> Content:
    """`/?s=…&feed=rss2`: WordPress's feed of a search, or of everything where nothing is searched for."""
    return _answer_rss(edition, search_posts(edition, query.get("s", "")))


def answer_dublin_core_feed(edition: Edition, query: Query) -> Content:
    return _answer_rss(edition, edition.posts, date_tag="dc:date")


def answer_atom(edition: Edition, query: Query) -> Content:
    return Content(body=render("atom.xml.j2", edition), media_type="application/atom+xml")


def answer_rest(edition: Edition, query: Query) -> Content:
    """WordPress's `/wp-json/wp/v2/posts?search=&per_page=&page=`, its errors included."""
    try:
        size, page = int(query.get("per_page", "10")), int(query.get("page", "1"))
    except ValueError:
        size = page = 0
    if not (1 <= size <= 100 and page >= 1):
        return _answer_json({"code": "rest_invalid_param", "data": {"status": 400}}, status=400)
    found = search_posts(edition, query.get("search", ""))
    pages = -(-len(found) // size)
    if page > max(pages, 1):
        return _answer_json({"code": "rest_post_invalid_page_number", "data": {"status": 400}}, status=400)
    posts = [_describe_post(post, embed="_embed" in query) for post in found[(page - 1) * size : page * size]]
    return _answer_json(posts, headers={"X-WP-Total": str(len(found)), "X-WP-TotalPages": str(pages)})


def answer_sitemap_index(edition: Edition, query: Query) -> Content:
    return Content(body=render("sitemap_index.xml.j2", edition), media_type=XML)


def answer_news_sitemap(edition: Edition, query: Query) -> Content:
    fresh = [post for post in edition.posts if edition.now - post.published < NEWS_AGE]
    return Content(body=render("sitemap.xml.j2", edition, posts=fresh, news=True), media_type=XML)


def answer_gzipped_sitemap(edition: Edition, query: Query) -> Content:
    """Everything, in a file that is itself gzip (not a Content-Encoding)."""
    body = render("sitemap.xml.j2", edition, posts=edition.posts, news=False)
    return Content(body=gzip.compress(body, mtime=0), media_type=GZIP)


def answer_listing(edition: Edition, query: Query) -> Content:
    """An index page; `?hal=2` is the next one."""
    number = query.get("hal", "1")
    first = (max(1, int(number)) - 1) * LISTING_SIZE if number.isascii() and number.isdigit() else 0
    has_next = first + LISTING_SIZE < len(edition.posts)
    next_url = f"?hal={first // LISTING_SIZE + 2}" if has_next else ""
    return Content(body=render_list(edition, edition.posts[first : first + LISTING_SIZE], next_url), media_type=HTML)


def answer_home(edition: Edition, query: Query) -> Content:
    return Content(body=render_list(edition, edition.posts), media_type=HTML)


def answer_forbidden(edition: Edition, query: Query) -> Content:
    return Content(body=render("forbidden.html.j2", edition), media_type=HTML, status=403)


def answer_challenge(edition: Edition, query: Query) -> Content:
    """What a guard against robots shows instead of the content, with a status that says all is well."""
    return Content(body=render("challenge.html.j2", edition), media_type=HTML)


CHANNELS: dict[str, Channel] = {
    "atom": answer_atom,
    "challenge": answer_challenge,
    "forbidden": answer_forbidden,
    "listing": answer_listing,
    "rest": answer_rest,
    "rss-dc": answer_dublin_core_feed,
    "rss-excerpt": answer_excerpt_feed,
    "rss-full": answer_full_feed,
    "search-feed": answer_search_feed,
    "sitemap-gzip": answer_gzipped_sitemap,
    "sitemap-index": answer_sitemap_index,
    "sitemap-news": answer_news_sitemap,
}


def search_posts(edition: Edition, terms: str) -> Sequence[Post]:
    """The posts whose headline or text holds every word, as WordPress searches: anywhere, inside words too."""
    words = terms.casefold().split()
    return [post for post in edition.posts if all(word in _fold(post) for word in words)]


def _fold(post: Post) -> str:
    return "\n".join((post.headline, *post.paragraphs)).casefold()


def _answer_rss(edition: Edition, posts: Sequence[Post], *, full: bool = False, date_tag: str = "pubDate") -> Content:
    return Content(body=render("rss.xml.j2", edition, posts=posts, full=full, date_tag=date_tag), media_type=RSS)


def _answer_json(value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Content:
    body = json.dumps(value, ensure_ascii=False).encode()
    return Content(body=body, media_type="application/json", status=status, headers=headers or {})


def _describe_post(post: Post, *, embed: bool) -> dict[str, Any]:
    def tell(at: datetime) -> str:
        return f"{at:%Y-%m-%dT%H:%M:%S}"  # WordPress names no zone: one field is local, its twin is UTC

    described: dict[str, Any] = {
        "id": post.number,
        "date": tell(post.published),
        "date_gmt": tell(post.published.astimezone(UTC)),
        "modified": tell(post.changed),
        "modified_gmt": tell(post.changed.astimezone(UTC)),
        "guid": {"rendered": f"{post.url.removesuffix(post.path)}/?p={post.number}"},
        "slug": post.path.strip("/").rpartition("/")[2],
        "status": "publish",
        "type": "post",
        "link": post.url,
        "title": {"rendered": escape(post.headline, quote=False)},
        "content": {"rendered": make_body(post), "protected": False},
        "excerpt": {"rendered": f"<p>{escape(make_teaser(post))}</p>\n", "protected": False},
    }
    if embed:
        described["_embedded"] = {"author": [{"name": post.article.byline or "Redaksi"}]}
    return described
