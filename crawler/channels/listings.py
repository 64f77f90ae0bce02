"""Listing pages: index, tag and search pages, by selectors or by themselves.

Automatic reading rests on this: on a listing, the links to articles stand in blocks of one make (same tags and classes
from the root down), their texts are headlines, and no other group of links on the page has as much headline text.
Known exception: pages whose headlines are pictures.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from lxml import etree, html

from aggregator.models import ArticleLink, ChannelPage, Selectors
from crawler.channels.errors import ChannelError
from crawler.channels.links import LIMITS, MAX_LINKS, resolve, to_plain

LEAST_HEADLINE = 20  # characters: "Wirausaha Makassar" is short, menu entries are shorter
LEAST_LINKS = 3
MAX_ANCHORS = 5_000
_FURNITURE = re.compile(
    r"\b(?:nav|menu|footer|sidebar|widget|breadcrumb|related|popular|trending|share|comment|secondary|topbar|copyright)",
    re.IGNORECASE,
)
_NO_ARTICLE = re.compile(
    r"/(?:tags?|topik|topic|category|kategori|rubrik|author|penulis|page|halaman|search|login|register|feed|wp-login)(?:/|$)"
    r"|\.(?:jpe?g|png|gif|pdf|webp|mp4)$|[?&](?:s|q|share|replytocom)=",
    re.IGNORECASE,
)
_NEXT = re.compile(r"^(?:selanjutnya|berikutnya|next|older(?: posts)?|lebih lama|›|»|→|next page)\W*$", re.IGNORECASE)
_BLOCKS = ("article", "li", "tr", "section")


def parse_listing(body: bytes, url: str, selectors: Selectors | None = None) -> ChannelPage:
    """The article links of a listing page. Raises ChannelError when there are none."""
    root = _parse(body)
    links = _select(root, url, selectors) if selectors else _find(root, url)
    if not links:
        raise ChannelError("no article links on the page")
    title = root.findtext(".//title") or ""
    return ChannelPage(
        links=tuple(links[:MAX_LINKS]),
        title=to_plain(title, 300),
        next_page=_find_next(root, url, selectors.next if selectors else None),
    )


def _parse(body: bytes) -> etree._Element:
    match = re.search(rb"charset\s{0,3}=\s{0,3}[\"']?([\w-]{2,20})", body[:4096])
    encoding = match[1].decode("ascii") if match else "utf-8"
    try:
        root: etree._Element | None = html.document_fromstring(body, parser=html.HTMLParser(encoding=encoding))
    except (etree.ParserError, ValueError, LookupError):
        try:
            root = html.document_fromstring(body, parser=html.HTMLParser(encoding="utf-8"))
        except (etree.ParserError, ValueError) as error:
            raise ChannelError(f"not an HTML page: {error}"[:200]) from error
    if root is None:
        raise ChannelError("not an HTML page")
    return root


# ── by selectors ───────────────────────────────────────────────────────────────────────────────────────────────────


def _select(root: etree._Element, url: str, selectors: Selectors) -> list[ArticleLink]:
    links: dict[str, ArticleLink] = {}
    for item in root.cssselect(selectors.item):
        anchor = next(iter(item.cssselect(selectors.link)), item if item.tag == "a" else None)
        if anchor is None:
            continue
        heading = next(iter(item.cssselect(selectors.title)), None) if selectors.title else None
        link = _make_link(item, anchor, url, heading=heading, date=selectors.date, author=selectors.author)
        if link.url:
            links.setdefault(link.url, link)
    return list(links.values())


# ── by themselves ──────────────────────────────────────────────────────────────────────────────────────────────────


def _find(root: etree._Element, url: str) -> list[ArticleLink]:
    groups: defaultdict[tuple[str, ...], dict[str, etree._Element]] = defaultdict(dict)
    here = urlsplit(url)
    for anchor in list(root.iter("a"))[:MAX_ANCHORS]:
        address = resolve(anchor.get("href") or "", url)
        if not address or not _may_be_article(address, here.netloc, url) or _is_furniture(anchor):
            continue
        if len(_read_headline(anchor)) >= LEAST_HEADLINE:
            groups[_describe_path(anchor)].setdefault(address.partition("#")[0], anchor)
    best = max(groups.values(), key=_weigh, default={})
    if len(best) < LEAST_LINKS:
        merged = {address: anchor for group in groups.values() for address, anchor in group.items()}
        best = merged if len(merged) >= LEAST_LINKS else {}
    return [_make_link(_find_block(anchor, best.values()), anchor, url) for anchor in best.values()]


def _may_be_article(address: str, netloc: str, page: str) -> bool:
    parts = urlsplit(address)
    same_host = parts.netloc.removeprefix("www.") == netloc.removeprefix("www.")
    return same_host and len(parts.path) > 1 and not _NO_ARTICLE.search(address) and address.partition("#")[0] != page


def _is_furniture(anchor: etree._Element) -> bool:
    for element in anchor.iterancestors():
        if element.tag in ("nav", "footer", "aside", "header") and element.find(".//h1") is None:
            return element.tag != "header" or element.getparent() is None or element.getparent().tag == "body"
        names = f"{element.get('class') or ''} {element.get('id') or ''}"
        if element.tag not in ("body", "html", "main") and _FURNITURE.search(names):
            return True
    return False


def _describe_path(anchor: etree._Element) -> tuple[str, ...]:
    """Tags and first classes of the nearest ancestors: what links of one make share."""
    path = [anchor.tag]
    for element in list(anchor.iterancestors())[:5]:
        path.append(f"{element.tag}.{(element.get('class') or '').split(' ')[0].rstrip('0123456789-')}")
    return tuple(path)


def _weigh(group: dict[str, etree._Element]) -> int:
    return sum(min(len(_read_headline(anchor)), 150) for anchor in group.values()) if len(group) >= LEAST_LINKS else 0


def _read_headline(anchor: etree._Element) -> str:
    text = to_plain(" ".join(anchor.itertext()), LIMITS["title"])
    return text or to_plain(anchor.get("title") or "", LIMITS["title"])


def _find_block(anchor: etree._Element, anchors: Iterable[etree._Element]) -> etree._Element:
    """The largest element around the anchor that holds no other link of its make."""
    others = {id(other) for other in anchors} - {id(anchor)}
    block = anchor
    for element in list(anchor.iterancestors())[:8]:
        if any(id(inner) in others for inner in element.iter("a")):
            break
        block = element
        if element.tag in _BLOCKS:
            break
    return block


# ── one entry ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _make_link(
    block: etree._Element,
    anchor: etree._Element,
    url: str,
    *,
    heading: etree._Element | None = None,
    date: str | None = None,
    author: str | None = None,
) -> ArticleLink:
    title = to_plain(" ".join((heading if heading is not None else anchor).itertext()), LIMITS["title"])
    published, modified = _read_dates(block, date)
    return ArticleLink(
        url=resolve(anchor.get("href") or "", url),
        title=title or to_plain(anchor.get("title") or "", LIMITS["title"]),
        published_raw=published,
        modified_raw=modified,
        author=_read_author(block, author),
    )


def _read_dates(block: etree._Element, selector: str | None) -> tuple[str, str]:
    """(published, modified) as written: machine-readable where the attribute is one, else the visible text."""
    found: Sequence[etree._Element] = block.cssselect(selector) if selector else list(block.iter("time"))
    published = modified = ""
    for element in found:
        machine = (element.get("datetime") or "").strip()
        value = machine if machine[:2].isdigit() and "T" in machine else to_plain(" ".join(element.itertext()), 100)
        if "updated" in (element.get("class") or "").split() and "published" not in (element.get("class") or ""):
            modified = modified or (machine or value)[:100]
        else:
            published = published or (value or machine)[:100]
    return published or modified, modified


def _read_author(block: etree._Element, selector: str | None) -> str:
    found = block.cssselect(selector or ".author a, .author .fn, .vcard .fn, [rel=author], .author")
    return to_plain(" ".join(found[0].itertext()), LIMITS["author"]) if found else ""


def _find_next(root: etree._Element, url: str, selector: str | None) -> str | None:
    found = root.cssselect(selector or "a[rel~=next], link[rel~=next], a.next, .next > a, .nav-previous > a")
    if not found and not selector:
        found = [anchor for anchor in root.iter("a") if _NEXT.match(to_plain(" ".join(anchor.itertext()), 40))]
    return (resolve(found[0].get("href") or "", url) or None) if found else None
