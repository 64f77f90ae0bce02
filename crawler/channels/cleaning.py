"""What a feed said, made into links: absolute addresses, plain titles, bounded texts."""

from __future__ import annotations

import re

from aggregator.models import ArticleLink, ChannelPage
from aggregator.urls import is_front_page
from crawler.channels.fulltexts import choose_full_texts
from crawler.channels.links import LIMITS, MAX_LINKS, resolve, to_plain
from crawler.channels.raw import RawEntry, RawFeed
from crawler.channels.search_engines import drop_publisher, find_publisher_url

MAX_TAGS = 30
MAX_PUBLISHER = 200
_PERSON = re.compile(r"^\s*\S{1,100}@\S{1,100}\s+\((.{1,200})\)\s*$")  # RSS 2.0: "lawyer@boyer.net (Lawyer Boyer)"
_MINUTES = {"hourly": 60, "daily": 1440, "weekly": 10_080, "monthly": 43_200, "yearly": 525_600}


def clean_feed(feed: RawFeed, url: str) -> ChannelPage:
    """The feed's links, absolute and bounded; entries without a usable address are left out. Those of a search
    engine lead to the publisher."""
    entries = feed.entries[:MAX_LINKS]
    texts = choose_full_texts(entries)
    links = [_clean_entry(entry, text, url) for entry, text in zip(entries, texts, strict=True)]
    return ChannelPage(
        links=tuple(link for link in links if link.url),
        title=to_plain(feed.title, 300),
        ttl_minutes=_read_ttl(feed),
        fault=feed.fault,
    )


def _clean_entry(entry: RawEntry, full_text: str, url: str) -> ArticleLink:
    summary = "" if entry.summary == entry.content else entry.summary
    address = _choose_address(entry, url)
    behind = resolve(find_publisher_url(address), url) if address else ""
    title, publisher = to_plain(entry.title, LIMITS["title"]), to_plain(entry.publisher, MAX_PUBLISHER)
    return ArticleLink(
        url=behind,
        title=title if behind == address else drop_publisher(title, publisher),
        published_raw=(entry.published or entry.updated).strip()[:100],
        modified_raw=entry.updated.strip()[:100] if entry.published and entry.updated != entry.published else "",
        author=_join_authors(entry.authors),
        summary=summary[: LIMITS["summary"]],
        content_html=full_text,
        tags=tuple(filter(None, (to_plain(tag, 100) for tag in entry.tags[:MAX_TAGS]))),
        guid=entry.guid.strip()[:500],
        image=_choose_image(entry, url),
        publisher=publisher,
    )


def _choose_address(entry: RawEntry, url: str) -> str:
    """The entry's link, or its guid where that is an address and the link leads nowhere: to the site as a whole, or to
    the feed itself ("#", "")."""
    guid = entry.guid.strip()
    candidates = (entry.link, guid if guid.startswith(("http://", "https://")) else "")
    found = (resolve(candidate, url) for candidate in candidates)
    own = url.partition("#")[0]
    return next((each for each in found if each.partition("#")[0] not in ("", own) and not is_front_page(each)), "")


def _join_authors(authors: tuple[str, ...]) -> str:
    names = []
    for author in authors[:10]:
        person = _PERSON.match(author[: LIMITS["author"]])
        name = to_plain(person[1] if person else author, LIMITS["author"])
        if name and "@" not in name:
            names.append(name)
    return ", ".join(dict.fromkeys(names))[: LIMITS["author"]]


def _choose_image(entry: RawEntry, url: str) -> str:
    for address, kind in entry.media:
        if address and (kind or "image").startswith("image"):
            return resolve(address, url)
    return ""


def _read_ttl(feed: RawFeed) -> int | None:
    """Minutes for which the feed asks to be left alone; None where it does not say, or not in numbers."""
    if feed.ttl.isascii() and feed.ttl.isdigit():
        return int(feed.ttl[:6]) or None
    period, frequency = _MINUTES.get(feed.period.lower()), feed.frequency or "1"
    if not period or not (frequency.isascii() and frequency.isdigit()):
        return None
    return period // max(1, int(frequency[:4])) or None
