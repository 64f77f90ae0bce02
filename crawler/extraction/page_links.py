"""Articles spread over several pages: where the rest of an article is. Pure.

A link leads to another page of the same article when its address, less what says the number, is the article's own.
What the link is called does not matter then: "Berita selanjutnya" and `rel=next` lead to other articles as often as to
the next page. The error to avoid is another article's text; a page that is not found costs a part of one text only.

Forms of pages seen: `?page=2` (Tribunnews, Kompas, Promedia, JPNN), `/2` (detik, CNN Indonesia, WordPress's nextpage),
`/page/2`, offsets as `/10` and `/15` (Sindonews, Disway), `?start=1` for the second page (Joomla's page breaks). All on
one page: `?page=all`, `?showpage=all`, `?view=all`, `?single=1` (detik), `/all` (iNews), `?showall=1` (Joomla).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urldefrag, urlsplit, urlunsplit

from lxml import etree

from aggregator.urls import MAX_URL_LENGTH, canonicalize, get_host, is_same_site, make_url_key

MAX_LINKS = 5_000
MAX_WORDS_CHARS = 60
_FIND_BASE = etree.XPath("/html/head/base[@href]")
_UNNUMBERED, _WHOLE = 0, -1  # beside the numbers of pages, which begin at 1

_PATH_TAIL = re.compile(r"/(?:(?:page|halaman|hal|laman)[/-])?(?:([0-9]{1,3})|all|semua)/?$", re.IGNORECASE)
_NUMBER_NAMES = frozenset(("page", "paged", "halaman", "hal", "laman", "pg", "page_num", "view", "showpage"))
_OFFSET_NAMES = frozenset(("start", "limitstart"))  # the first page has 0, or nothing
_WHOLE_NAMES = frozenset(("single", "singlepage", "onepage", "showall", "fullpage"))
_WHOLE_VALUES = frozenset(("all", "semua", "full"))
_YES = frozenset(("1", "true", "yes", "ya", "all"))
_NAMES = "|".join(sorted(_NUMBER_NAMES | _OFFSET_NAMES | _WHOLE_NAMES))
_MARKED = re.compile(rf"[?&](?:{_NAMES})=\w|(?:^|[/-])(?:[0-9]{{1,3}}|all|semua)/?(?:[?#]|$)", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,3}")
_WHOLE_WORDS = re.compile(
    r"(?:tampilkan|lihat|baca|buka|tampilan|selengkapnya)?\W*(?:di|dalam)?\W*"
    r"(?:(?:semua|seluruh|satu|1) (?:halaman|laman)(?: penuh)?|(?:halaman|laman) (?:penuh|lengkap))"
    r"|(?:tampilkan|lihat|baca|buka) semua|(?:show|view|read) all(?: pages)?|all pages"
    r"|(?:view )?(?:as )?(?:a )?single page",
    re.IGNORECASE,
)
_HEADLINE = re.compile(r"/(?:[^/-]+-){3}[^/]*/?$")  # the same measure as in aggregator.urls
_LIST = re.compile(
    r"/(?:tags?|topi[ck]s?|category|categories|kategori|rubrik|authors?|penulis|search|cari|indeks?)/", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True, slots=True)
class PageLinks:
    """Where the rest of an article is: absolute addresses on the article's own host, "" for none."""

    whole: str = ""  # all of it on one page
    next: str = ""
    number: int = 1  # of the next page as its address says it, larger than that of the page just read


def find_page_links(root: etree._Element, url: str, *, article: Collection[str], after: int = 0) -> PageLinks:
    """The links in the page `root`, fetched from `url`, to other pages of the article `article` (see `list_addresses`).

    `after` is the number of the page, where the caller knows it; else it is read from `url`. Numbers only grow from
    page to page, so that a pager cannot lead in circles.
    """
    homes = _list_homes(article)
    unmarked, number = _read_mark(url)
    number = number if make_url_key(unmarked) in homes else _UNNUMBERED
    if not homes or number == _WHOLE:
        return PageLinks()
    after = after or number or 1
    whole, following = "", dict[int, str]()
    for address, number in _list_pages(root, url, homes):
        if number == _WHOLE:
            whole = whole or address
        elif number > after:
            following.setdefault(number, address)
    number = min(following, default=after)
    return PageLinks(whole=whole, next=following.get(number, ""), number=number)


def list_addresses(url: str, canonical: str) -> tuple[str, ...]:
    """The addresses of the article that came from `url` and names `canonical` as its address.

    A theme that names the front page, or a copy that names another site, says nothing of this article's pages.
    """
    says_something = canonical and is_same_site(url, canonical) and _list_homes([canonical])
    return (url, canonical) if says_something else (url,)


def find_first_page(url: str) -> str:
    """The address of an article's first page where `url` is that of a further one, else `url` itself.

    Only behind a headline: `index.php?page=12` may be an article.
    """
    unmarked, number = _read_mark(url)
    is_further = number > 1 and _HEADLINE.search(_read_path(unmarked)) and make_url_key(unmarked) == make_url_key(url)
    return unmarked if is_further else url


def is_page_of(url: str, article: Collection[str]) -> bool:
    """Whether `url` is one of the addresses `article` with or without a page's number, or lies below one of them.

    It may be on another host of the same registrable domain.
    """
    key, path = make_url_key(_read_mark(url)[0]), f"{_read_path(url)}/"
    return any(
        is_same_site(url, home) and (key == home_key or (home_path != "" and path.startswith(f"{home_path}/")))
        for home in article
        for home_key, home_path in _list_homes([home]).items()
    )


def _list_homes(article: Collection[str]) -> dict[str, str]:
    """Key → path of the addresses that can have further pages of text: those of front pages and lists hold others."""
    homes = {}
    for address in filter(None, map(canonicalize, article)):
        path = _read_path(address)
        if (path or urlsplit(address).query) and (not _LIST.search(address) or _HEADLINE.search(path)):
            homes[make_url_key(address)] = path
    return homes


def _list_pages(root: etree._Element, url: str, homes: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    """The addresses of pages of the article that are linked, and their numbers."""
    from crawler.extraction.metadata import join_url
    from crawler.extraction.page import read_element

    base = join_url(url, next((element.get("href", "") for element in _FIND_BASE(root)), "")) or url
    host = _read_host(url)
    tails = tuple(path.rpartition("/")[2] for path in homes.values() if path)
    for link in islice(root.iter("a", "link"), MAX_LINKS):
        href = link.get("href", "").strip()
        is_marked = _MARKED.search(href) is not None
        # a cheap look before words are read: whether the link leads to the article in another form
        is_form = not is_marked and "?" in href and (href[0] == "?" or any(tail in href for tail in tails))
        if not (is_marked or is_form) or len(href) > MAX_URL_LENGTH:
            continue
        address = _resolve(href, base)
        if _read_host(address) != host:
            continue
        unmarked, number = _read_mark(address)
        if number and make_url_key(unmarked) in homes:
            yield address, number
        elif is_form and _read_path(address) in homes.values() and _says_whole(read_element(link)):
            yield address, _WHOLE


def _says_whole(words: str) -> bool:
    return len(words) <= MAX_WORDS_CHARS and _WHOLE_WORDS.fullmatch(words) is not None


def _resolve(href: str, base: str) -> str:
    from crawler.extraction.metadata import join_url

    try:
        return urldefrag(join_url(base, href)).url
    except ValueError:
        return ""


def _read_mark(address: str) -> tuple[str, int]:
    """The address without what says which page it is, and the number: _WHOLE for all on one, _UNNUMBERED for none."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "", _UNNUMBERED
    kept, number = [], _UNNUMBERED
    for pair in parts.query.split("&"):
        name, _, value = pair.lower().partition("=")
        said = _read_parameter(name, value)
        if said is None:
            kept.append(pair)
        elif number != _WHOLE:
            number = said or number
    path = parts.path
    tail = _PATH_TAIL.search(path) if not number else None
    # `/all` is as often a list of everything
    if tail and (tail[1] or _HEADLINE.search(path[: tail.start()])):
        number = int(tail[1]) if tail[1] else _WHOLE
        path = path[: tail.start()] + ("/" if path.endswith("/") else "")
    return urlunsplit((parts.scheme, parts.netloc, path, "&".join(kept), "")), number


def _read_parameter(name: str, value: str) -> int | None:
    """The number that a parameter says (an empty one says none); None where it is about something else."""
    if name in _WHOLE_NAMES:
        return _WHOLE if value in _YES else None if value else _UNNUMBERED
    if name not in _NUMBER_NAMES and name not in _OFFSET_NAMES:
        return None
    if value in _WHOLE_VALUES:
        return _WHOLE
    if _NUMBER.fullmatch(value):
        return int(value) + (name in _OFFSET_NAMES)
    return None if value else _UNNUMBERED


def _read_path(url: str) -> str:
    try:
        return urlsplit(url).path.rstrip("/")
    except ValueError:
        return ""


def _read_host(url: str) -> str:
    return get_host(url).removeprefix("www.")
