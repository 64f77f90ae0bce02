"""What the head of a page says: meta tags, links, JSON-LD, merged into one record. Pure."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from urllib.parse import urljoin

from lxml import etree

from crawler.extraction.jsonld import LinkedArticle, read_linked_article
from crawler.extraction.outline import fold_text

MAX_META_TAGS = 500
MAX_VALUE_CHARS = 2_000
MAX_TAGS = 30

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?=$|[-_])")
_FIND_META = etree.XPath("//meta[@content]")
_FIND_LINKED_DATA = etree.XPath("//script[contains(@type, 'ld+json')]")
_FIND_CANONICAL = etree.XPath("//link[contains(concat(' ', normalize-space(@rel), ' '), ' canonical ')]/@href")
_FIND_AMP = etree.XPath("//link[@rel='amphtml']/@href")
_FIND_DOCUMENT_TITLE = etree.XPath("string(//title[not(ancestor::svg)])")

# Names under which pages give one fact, the most reliable first (OpenGraph, Twitter, Dublin Core, Parsely, Sailthru,
# and what Indonesian CMSes made up).
# fmt: off
_TITLE = ("og:title", "twitter:title", "dc.title", "title")
_SITE_NAME = ("og:site_name", "application-name", "twitter:site:name")
_IMAGE = (
    "og:image", "og:image:url", "og:image:secure_url", "twitter:image", "twitter:image:src", "thumbnailurl", "image",
)
_DESCRIPTION = ("og:description", "description", "twitter:description", "dc.description")
_AUTHOR = (
    "author", "article:author_name", "dc.creator", "dcterms.creator", "content_author", "parsely-author",
    "sailthru.author", "byl", "jpnncom_news_author",
)
_PUBLISHED = (
    "article:published_time", "og:article:published_time", "datepublished", "publishdate", "pubdate", "publish-date",
    "publish_date", "content_publisheddate", "content_publishedtime", "dc.date.issued", "dcterms.issued", "dc.date",
    "dcterms.created", "dc.date.created", "parsely-pub-date", "sailthru.date", "date", "originalpublicationdate",
)
_MODIFIED = ("article:modified_time", "og:updated_time", "datemodified", "last-modified", "dcterms.modified", "lastmod")
_TAGS = ("article:tag", "news_keywords", "keywords")
_ROBOTS = ("robots", "googlebot", "googlebot-news")
# fmt: on


@dataclass(frozen=True, kw_only=True, slots=True)
class Metadata:
    """The head of a page. Addresses are absolute; strings are as written but for spaces."""

    linked: LinkedArticle = field(default_factory=LinkedArticle)
    document_title: str = ""
    share_title: str = ""  # og:title, twitter:title
    site_name: str = ""
    description: str = ""
    image: str = ""
    canonical_url: str = ""
    amp_url: str = ""
    language: str = ""
    author: str = ""
    published: tuple[str, ...] = ()
    modified: str = ""
    tags: tuple[str, ...] = ()
    noindex: bool = False
    describes_article: bool = False  # says that the page is one, or when it was published


def read_metadata(root: etree._Element, url: str) -> Metadata:
    """What the page at `url` says of itself outside its body."""
    said = _collect_meta(root)
    linked = read_linked_article([script.text or "" for script in _FIND_LINKED_DATA(root)[:50]])
    canonical, amp = _FIND_CANONICAL(root), _FIND_AMP(root)
    published = tuple(said[name][0] for name in _PUBLISHED if name in said)
    says_article = bool(linked.headline or linked.published or published or _first(said, ("og:type",)) == "article")
    return Metadata(
        linked=linked,
        document_title=" ".join(str(_FIND_DOCUMENT_TITLE(root)).split())[:MAX_VALUE_CHARS],
        share_title=_first(said, _TITLE),
        site_name=_first(said, _SITE_NAME) or linked.publisher,
        description=_first(said, _DESCRIPTION) or linked.description,
        image=join_url(url, _first(said, _IMAGE) or linked.image),
        canonical_url=join_url(url, str(canonical[0]) if canonical else _first(said, ("og:url",))),
        amp_url=join_url(url, str(amp[0])) if amp else "",
        language=_read_language(root.get("lang") or linked.language or _first(said, ("og:locale", "language"))),
        author=_first(said, _AUTHOR),
        published=published,
        modified=linked.modified or _first(said, _MODIFIED),
        tags=_collect_tags(said, linked),
        noindex=any("noindex" in value.lower() for name in _ROBOTS for value in said.get(name, ())),
        describes_article=says_article,
    )


def join_url(base: str, address: str) -> str:
    """`address` made absolute; "" when it is empty, a data: URI or no address at all."""
    address = address.strip()
    if not address or address.startswith(("data:", "javascript:")):
        return ""
    try:
        return urljoin(base, address)
    except ValueError:  # an unclosed bracket in the host
        return ""


def _collect_meta(root: etree._Element) -> dict[str, list[str]]:
    """Values by lower-case property, name or itemprop; in the order of the page."""
    said: dict[str, list[str]] = {}
    for meta in _FIND_META(root)[:MAX_META_TAGS]:
        name = meta.get("property") or meta.get("name") or meta.get("itemprop")
        # read twice: portals escape what is escaped already
        value = fold_text(html.unescape(meta.get("content", "")[:MAX_VALUE_CHARS]))
        if name and value:
            said.setdefault(name.strip().lower(), []).append(value)
    return said


def _first(said: dict[str, list[str]], names: tuple[str, ...]) -> str:
    return next((said[name][0] for name in names if name in said), "")


def _read_language(value: str) -> str:
    found = _LANGUAGE.match(value.strip())
    return found[0].lower() if found else ""


def _collect_tags(said: dict[str, list[str]], linked: LinkedArticle) -> tuple[str, ...]:
    """The tags of the first way of saying them, each once."""
    values = next((said[name] for name in _TAGS if name in said), list(linked.keywords))
    words = (word.strip() for value in values for word in value.split(","))
    return tuple(dict.fromkeys(word for word in words if word))[:MAX_TAGS]
