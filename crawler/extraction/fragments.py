"""Full text that a channel carries (a feed's content:encoded, WordPress's content.rendered) into paragraphs. Pure.

BeautifulSoup reads the fragments, which have no head, and often half a tag at the end; what then is text and what
furniture is judged as on a page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from typing import cast

from aggregator.dedup import hash_paragraph
from aggregator.models import ArticleLink, ExtractedArticle
from crawler.bounds import cut_marks
from crawler.characters import drop_unsafe, unescape
from crawler.extraction.authors import read_names
from crawler.extraction.decoding import read_markup
from crawler.extraction.furniture import Strength, is_pointer
from crawler.extraction.metadata import join_url
from crawler.extraction.outline import BLOCK_TAGS, POINTING_TAGS, SILENT_TAGS, Outline, OutlineWriter, fold_text
from crawler.extraction.paragraphs import keep_paragraphs
from crawler.extraction.prose import ProseMap
from crawler.extraction.publication import DateReader
from crawler.lean_soup import BeautifulSoup, NavigableString, PreformattedString, Tag

# Ten times the longest article; BeautifulSoup needs 0.4 s for so much of nothing but tags.
MAX_FRAGMENT_CHARS = 200_000
MAX_FRAGMENT_TAGS = 20_000  # each costs BeautifulSoup as much as a whole line of text
MAX_BOILERPLATE = 400
MAX_BYLINE_CHARS = 200


def clean_fragment(fragment: str, url: str = "") -> str:
    """The paragraphs of an HTML fragment, one newline between two, furniture dropped. Never raises.

    Plain text comes back as it is, one paragraph a line. `url`, the article's, is not needed to read its text; it is
    taken so that pages and fragments are read by calls of one form.
    """
    return drop_unsafe("\n".join(_read_paragraphs(_outline_fragment(_parse_fragment(fragment)), "")))


def link_to_article(
    link: ArticleLink, *, zone: tzinfo | None, now: datetime | None, utc_is_local: bool = False
) -> ExtractedArticle:
    """The article of a link whose channel carries the full text; nothing is fetched. All else is as for a page."""
    soup = _parse_fragment(link.content_html)
    outline = _outline_fragment(soup)
    title = drop_unsafe(fold_text(unescape(link.title)))
    reader = DateReader(zone=zone, now=now, utc_is_local=utc_is_local)
    published, modified = reader.parse(link.published_raw), reader.parse(link.modified_raw)
    byline = drop_unsafe(fold_text(unescape(link.author)))[:MAX_BYLINE_CHARS]
    return ExtractedArticle(
        title=title,
        title_method="channel" if title else "",
        authors=read_names(drop_unsafe(unescape(link.author)), url=link.url),
        author_method="channel" if byline else "",
        byline=byline,
        published=published.at if published else None,
        published_precision=published.precision if published else None,
        published_raw=drop_unsafe(link.published_raw),
        published_method="channel" if published else "",
        modified=modified.at if modified else None,
        text=drop_unsafe("\n".join(_read_paragraphs(outline, title))),
        summary=clean_fragment(link.summary).replace("\n", " "),
        image=drop_unsafe(join_url(link.url, link.image or _find_image(soup))),
        canonical_url=drop_unsafe(link.url),
        tags=tuple(dict.fromkeys(filter(None, (drop_unsafe(fold_text(unescape(tag))) for tag in link.tags)))),
        method="channel",
        boilerplate=tuple(map(hash_paragraph, dict.fromkeys(block.text for block in outline.blocks[:MAX_BOILERPLATE]))),
    )


def _parse_fragment(fragment: str) -> BeautifulSoup:
    data = cut_marks(read_markup(fragment[:MAX_FRAGMENT_CHARS].encode("utf-8", "replace")), b"<", MAX_FRAGMENT_TAGS)
    # The <div> keeps text that looks like a file name or an XML declaration from being taken for one.
    return BeautifulSoup(f"<div>{data.decode('utf-8')}</div>", "lxml", multi_valued_attributes=None)


def _read_paragraphs(outline: Outline, title: str) -> tuple[str, ...]:
    return keep_paragraphs(outline, list(ProseMap(outline).list_blocks(0)), title) if outline.nodes else ()


def _outline_fragment(soup: BeautifulSoup) -> Outline:
    """Walks without recursion: a fragment may open a hundred thousand elements inside one another."""
    writer = OutlineWriter()
    writer.open_node("div", {})
    waiting: list[tuple[Tag, Iterator[object]]] = [(soup, iter(soup.contents))]
    while waiting and not writer.is_full:
        parent, children = waiting[-1]
        child = next(children, None)
        if child is None:
            waiting.pop()
            _leave(writer, parent)
        elif isinstance(child, Tag):
            if child.name not in SILENT_TAGS:
                waiting.append((child, iter(() if _enter(writer, child) else child.contents)))
        elif isinstance(child, NavigableString) and not isinstance(child, PreformattedString):  # comments, CDATA
            writer.add_text(str(child))
    return writer.finish()


def _enter(writer: OutlineWriter, tag: Tag) -> bool:
    """True: nothing inside is worth reading."""
    if tag.name in BLOCK_TAGS:
        return writer.open_node(tag.name, cast("Mapping[str, str]", tag.attrs)) is Strength.STRONG
    writer.open_inline(tag.name)
    return tag.name in POINTING_TAGS and (tag is writer.pointed_at or _is_inner_pointer(tag, writer))


def _is_inner_pointer(tag: Tag, writer: OutlineWriter) -> bool:
    """As in the outline of a page."""
    first, after = next(iter(tag.contents), None), tag.next_sibling
    if isinstance(first, Tag):  # <span><b>Baca Juga:
        first = next(iter(first.contents), None)
    if not isinstance(first, NavigableString) or not is_pointer(first):
        return False
    text_after = str(after).strip() if isinstance(after, NavigableString) else ""
    if not (writer.is_in_text or text_after):
        return False
    if tag.name == "a" or tag.find("a") is not None:
        return True
    link = tag.find_next_sibling()
    if link is None or link.name != "a" or text_after:
        return False
    writer.pointed_at = link
    return True


def _leave(writer: OutlineWriter, tag: Tag) -> None:
    if tag.name in BLOCK_TAGS:
        writer.close_node()
    elif tag.name == "a":
        writer.close_link()


def _find_image(soup: BeautifulSoup) -> str:
    image = soup.find("img", src=True)
    return str(image["src"]) if isinstance(image, Tag) else ""
