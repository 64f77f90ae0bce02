"""What an item says in every format: title, author, excerpt, credit, categories. Pure.

News is told in its own language, what we say of it in the language of the feed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from lxml import etree

from aggregator.cleaning import clean_html
from aggregator.excerpt import EXCERPT_LIMIT, EXCERPT_READ, make_excerpt
from aggregator.models import FeedItem, Language
from aggregator.publish.characters import fit_line, fit_name, fit_text, fit_url
from aggregator.publish.guids import fit_guid
from aggregator.publish.times import get_published
from aggregator.publish.wording import get_wording

TITLE_LIMIT = 500  # characters; ingest cuts earlier, this keeps one odd row from filling a reader's screen
ALSO_AT_LIMIT = 20  # portals named in the credit of one item
_MADE_TITLE_LIMIT = 100
_FIT_LIMIT = EXCERPT_LIMIT + 60  # of these, so many when they are one line: more than is shown, as `make_excerpt` wants
_CLEANINGS = 5  # two are the rule; of 100,000 scrambled fragments 33 took four, none more
_LANGUAGES = frozenset({"id", "en", "ms", "jv", "su"})  # others are a page's mistake more often than its tongue


class Category(NamedTuple):
    """A topic or region of an item."""

    taxonomy: str  # topic, region
    term: str
    label: str  # for people


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemContent:
    """An item as feeds show it. Every text is fit for XML, JSON and HTML; "" stands for what there is not."""

    guid: str
    title: str  # one line, never empty: readers cannot open an item without a title
    link: str
    author: str  # the persons' names, without mail addresses
    excerpt: str  # plain text
    summary: str  # excerpt and credit as HTML
    whole: str  # the whole article and credit as HTML, where the source allows it
    categories: tuple[Category, ...]  # topics, then regions, each once
    source_name: str
    source_url: str
    source_feed: str  # its feed, or its address where we know of none
    published: datetime  # in the source's zone
    language: str  # of the news; "" if its page names none that we know


@lru_cache(maxsize=2048)  # an item stands in several feeds, each in three formats
def make_content(item: FeedItem, language: Language) -> ItemContent:
    """`item` with our own words in `language`."""
    words = get_wording(language)
    excerpt = make_item_excerpt(item.excerpt)
    source_name = fit_name(item.source_name, TITLE_LIMIT)
    link = fit_url(item.url)
    body = etree.Element("div")
    if excerpt:
        etree.SubElement(body, "p").text = excerpt
    _add_credit(body, item, source_name, link, words)
    return ItemContent(
        guid=fit_guid(item.guid),
        title=fit_line(item.title, TITLE_LIMIT)
        or fit_line(make_item_excerpt(item.excerpt, _MADE_TITLE_LIMIT))
        or source_name
        or words["untitled"],
        link=link,
        author=fit_name(item.author, TITLE_LIMIT),
        excerpt=excerpt,
        summary=_render_inside(body),
        whole=_make_whole(item, body) if item.full_text else "",
        categories=tuple(_make_categories(item, words["topics"])),
        source_name=source_name,
        source_url=fit_url(item.source_url),
        source_feed=fit_url(item.source_feed) or fit_url(item.source_url),
        published=get_published(item),
        language=item.language if item.language in _LANGUAGES else "",
    )


def make_item_excerpt(text: str, limit: int = EXCERPT_LIMIT) -> str:
    """The beginning of an article as items show it."""
    line = " ".join(text[:EXCERPT_READ].split())
    return make_excerpt(fit_text(line[:_FIT_LIMIT]), limit)


def _make_categories(item: FeedItem, topic_names: dict[str, str]) -> list[Category]:
    topics = [("topic", fit_line(topic)) for topic in item.topics]
    regions = [("region", fit_line(region)) for region in item.regions]
    found = dict.fromkeys(category for category in (*topics, *regions) if category[1])
    return [Category(taxonomy, term, topic_names.get(term, term)) for taxonomy, term in found]


def _make_whole(item: FeedItem, body: etree._Element) -> str:
    """The article, then the credit that ends `body`, whose excerpt goes."""
    for excerpt in body[: -2 if item.also_at else -1]:
        body.remove(excerpt)
    return fit_text(_clean_whole(item.full_text)) + _render_inside(body)


def _clean_whole(fragment: str) -> str:
    """Cleaned until nothing changes: what is taken out at first may leave links or headings within one another."""
    for _ in range(_CLEANINGS):
        cleaned = clean_html(fragment)
        if cleaned == fragment:
            break
        fragment = cleaned
    return fragment


def _add_credit(body: etree._Element, item: FeedItem, source_name: str, link: str, words: dict[str, Any]) -> None:
    """Who wrote it and who else carries it, as paragraphs with links."""
    credit = etree.SubElement(body, "p")
    credit.text = f"{words['source']}: "
    _add_link(credit, source_name, link)
    if not item.also_at:
        return
    others = etree.SubElement(body, "p")
    others.text = f"{words['also']}: "
    for name, url in item.also_at[:ALSO_AT_LIMIT]:
        if len(others):
            others[-1].tail = ", "
        _add_link(others, fit_line(name, TITLE_LIMIT), fit_url(url))
    if len(item.also_at) > ALSO_AT_LIMIT:
        others[-1].tail = f", {words['more_portals'].format(count=len(item.also_at) - ALSO_AT_LIMIT)}"


def _add_link(parent: etree._Element, name: str, address: str) -> None:
    if address:
        etree.SubElement(parent, "a", href=address).text = name or address
    else:
        etree.SubElement(parent, "span").text = name


def _render_inside(body: etree._Element) -> str:
    return etree.tostring(body, method="html", encoding="unicode").removeprefix("<div>").removesuffix("</div>")
