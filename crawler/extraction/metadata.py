"""What the head of a page says: meta tags, links, JSON-LD, merged into one record. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from urllib.parse import urljoin

from lxml import etree

from crawler.characters import unescape
from crawler.extraction.index import ElementIndex
from crawler.extraction.jsonld import LinkedArticle, read_linked_article
from crawler.extraction.outline import fold_text
from crawler.robots_tags import AGENTS, RobotsTags, parse_robots_tags

MAX_SCRIPTS = 50
MAX_VALUE_CHARS = 2_000
MAX_TAGS = 30

_BREAKS = re.compile(r"[\t\r\n]")  # browsers drop these inside an address
_OTHER_SCHEME = re.compile(r"(?!https?:)[a-z][a-z0-9+.-]*:(?!\d)", re.IGNORECASE)  # "host:8000/path" has none
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?=$|[-_])")

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
# fmt: on
_OTHERS = ("og:type", "og:url", "og:locale", "language")
_NAMES = frozenset((*_TITLE, *_SITE_NAME, *_IMAGE, *_DESCRIPTION, *_AUTHOR, *_PUBLISHED, *_MODIFIED, *_TAGS, *_OTHERS))


@dataclass(frozen=True, kw_only=True, slots=True)
class Metadata:
    """The head of a page. Addresses are absolute; strings are as written but for spaces."""

    linked: LinkedArticle = field(default_factory=LinkedArticle)
    document_title: str = ""
    share_title: str = ""  # og:title, twitter:title
    site_name: str = ""
    owners: tuple[
        str, ...
    ] = ()  # what the publisher is called, unless JSON-LD calls a person so, too: a blog of one's own
    description: str = ""
    image: str = ""
    canonical_url: str = ""
    amp_url: str = ""
    language: str = ""
    author: str = ""
    published: tuple[str, ...] = ()
    modified: str = ""
    tags: tuple[str, ...] = ()
    robots: RobotsTags = RobotsTags()  # noqa: RUF009 - frozen
    describes_article: bool = False  # says that the page is one, or when it was published


def read_metadata(root: etree._Element, index: ElementIndex, url: str) -> Metadata:
    """What the page at `url` says of itself outside its body."""
    said = _collect_meta(index.list_tag("meta"))
    scripts = (script for script in index.list_tag("script") if "ld+json" in (script.get("type") or ""))
    linked = read_linked_article([script.text or "" for script in islice(scripts, MAX_SCRIPTS)])
    links = _collect_links(index.list_tag("link"))
    title = next(filter(_is_of_page, index.list_tag("title")), None)
    published = tuple(said[name][0] for name in _PUBLISHED if name in said)
    says_article = bool(linked.headline or linked.published or published or _first(said, ("og:type",)) == "article")
    return Metadata(
        linked=linked,
        document_title=" ".join("".join(title.itertext()).split())[:MAX_VALUE_CHARS] if title is not None else "",
        share_title=_first(said, _TITLE),
        site_name=_first(said, _SITE_NAME) or linked.publisher,
        owners=(_first(said, _SITE_NAME), "" if linked.publisher in linked.persons else linked.publisher),
        description=_first(said, _DESCRIPTION) or linked.description,
        image=join_url(url, _first(said, _IMAGE) or linked.image),
        canonical_url=join_url(url, links.get("canonical") or _first(said, ("og:url",))),
        amp_url=join_url(url, links.get("amphtml", "")),
        language=_read_language(root.get("lang") or linked.language or _first(said, ("og:locale", "language"))),
        author=_first(said, _AUTHOR),
        published=published,
        modified=linked.modified or _first(said, _MODIFIED),
        tags=_collect_tags(said, linked),
        robots=parse_robots_tags(meta.get("content", "") for meta in index.list_metas(AGENTS)),
        describes_article=says_article,
    )


def join_url(base: str, address: str) -> str:
    """`address` made absolute; "" when it is empty, of another scheme (data:, javascript:) or no address."""
    address = _BREAKS.sub("", address.strip())
    if not address or _OTHER_SCHEME.match(address):
        return ""
    try:
        return urljoin(base, address)
    except ValueError:  # an unclosed bracket in the host
        return ""


def _is_of_page(title: etree._Element) -> bool:
    """Whether a <title> is not a picture's."""
    return next(title.iterancestors("svg"), None) is None


def _collect_meta(elements: Iterable[etree._Element]) -> dict[str, list[str]]:
    """Values by lower-case property, name or itemprop; in the order of the page."""
    said: dict[str, list[str]] = {}
    for meta in elements:
        get = meta.get
        name = (get("property") or get("name") or get("itemprop") or "").strip().lower()
        if name not in _NAMES:
            continue
        # read twice: portals escape what is escaped already
        value = fold_text(unescape(get("content", "")[:MAX_VALUE_CHARS]))
        if value:
            said.setdefault(name, []).append(value)
    return said


def _collect_links(elements: Iterable[etree._Element]) -> dict[str, str]:
    """Addresses by relation; the first of each."""
    links: dict[str, str] = {}
    for link in elements:
        for relation in (link.get("rel") or "").lower().split():
            if address := (link.get("href") or "").strip():
                links.setdefault(relation, address)
    return links


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
