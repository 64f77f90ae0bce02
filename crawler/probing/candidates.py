"""Which addresses of a portal are worth trying, best first. PURE."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote_plus, urljoin

from aggregator.models import Channel, ChannelKind
from aggregator.urls import is_same_site
from crawler.catalogue.addresses import check_address, make_address_key
from crawler.probing.hints import SiteHints

MAX_SITEMAPS = 3
# Where the systems that Indonesian portals run on put their feeds: WordPress, the Promedia and Tribun networks, ANTARA,
# Blogger, hand-made ones. In the order of how many sources of the catalogue use them.
USUAL_FEEDS = ("feed/", "rss", "rss.xml", "feed.xml", "rss/terkini.xml", "atom.xml", "feeds/posts/default?alt=rss")
USUAL_SITEMAPS = ("sitemap-news.xml", "news-sitemap.xml", "sitemap.xml")
FEED, SITEMAP, SEARCH = (frozenset((way,)) for way in ("feed", "sitemap", "search"))
GENERAL = FEED | SITEMAP  # whatever brings everything new
_SITEMAP_LINE = re.compile(
    rb"^[ \t]{0,20}sitemap[ \t]{0,20}:[ \t]{0,20}(\S{8,2000})[ \t\r]{0,20}$", re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """An address to try. It is not tried once another one of its `ways` is live: a portal is not asked for more than
    is needed."""

    channel: Channel
    found_by: str
    ways: frozenset[str]  # feed, sitemap, search; none for the entry's own channels, which are all checked
    term: str = ""  # what a search asks for


def list_candidates(
    root: str, hints: SiteHints, *, robots: bytes, own: Sequence[Channel], terms: Sequence[str]
) -> list[Candidate]:
    """What to try at the site whose home is `root`, each address once."""
    everything = (
        *(Candidate(channel=channel, found_by="entry", ways=frozenset()) for channel in own),
        *_list_feeds(root, hints),
        *_list_searches(root, hints, terms),
        *_list_sitemaps(root, robots),
        Candidate(channel=Channel(kind=ChannelKind.LISTING, url=root), found_by="home page", ways=GENERAL),
    )
    kept: dict[tuple[str, bool], Candidate] = {}
    for found in everything:  # a WordPress search has the address of the home page, and is another thing
        is_search = found.channel.kind is ChannelKind.WORDPRESS
        kept.setdefault((make_address_key(found.channel.url), is_search), found)
    return list(kept.values())


def find_sitemaps(robots: bytes, root: str) -> list[str]:
    """The site's own sitemaps that a robots.txt names, those of news first; what is no address is passed over."""
    found = (match[1].decode("utf-8", "replace") for match in _SITEMAP_LINE.finditer(robots))
    own = [url for url in dict.fromkeys(found) if _is_usable(url) and is_same_site(url, root)]
    return sorted(own, key=lambda url: "news" not in url.lower())[:MAX_SITEMAPS]


def _list_feeds(root: str, hints: SiteHints) -> Iterator[Candidate]:
    usual = USUAL_FEEDS[-1:] + USUAL_FEEDS[:-1] if hints.is_blogger else USUAL_FEEDS
    declared = [url for url in hints.feeds if _is_usable(url)]
    for urls, found_by in ((declared, "home page"), ((urljoin(root, path) for path in usual), "usual path")):
        for url in urls:
            yield Candidate(channel=Channel(kind=ChannelKind.FEED, url=url), found_by=found_by, ways=FEED)


def _list_searches(root: str, hints: SiteHints, terms: Sequence[str]) -> Iterator[Candidate]:
    if hints.is_wordpress:
        channel = Channel(kind=ChannelKind.WORDPRESS, url=root, terms=tuple(terms))
        yield Candidate(channel=channel, found_by="WordPress", ways=SEARCH, term=terms[0])
        return
    if hints.is_blogger:
        url = urljoin(root, f"feeds/posts/default?q={quote_plus(terms[0])}&alt=rss")
        yield Candidate(channel=Channel(kind=ChannelKind.FEED, url=url), found_by="Blogger", ways=SEARCH, term=terms[0])
    for path in ("tag/{slug}", "search?q={query}"):
        url = urljoin(root, path.format(slug="-".join(terms[0].lower().split()), query=quote_plus(terms[0])))
        channel = Channel(kind=ChannelKind.LISTING, url=url)
        yield Candidate(channel=channel, found_by="usual path", ways=SEARCH, term=terms[0])
    # Some WordPress sites hide what they run on, and close their feeds, and still answer the REST API.
    channel = Channel(kind=ChannelKind.WORDPRESS, url=root, terms=tuple(terms))
    yield Candidate(channel=channel, found_by="usual path", ways=SEARCH | FEED, term=terms[0])


def _list_sitemaps(root: str, robots: bytes) -> Iterable[Candidate]:
    named = find_sitemaps(robots, root)
    for url in named or (urljoin(root, path) for path in USUAL_SITEMAPS):
        found_by, ways = ("robots.txt", SITEMAP) if named else ("usual path", GENERAL)
        yield Candidate(channel=Channel(kind=ChannelKind.SITEMAP, url=url), found_by=found_by, ways=ways)


def _is_usable(url: str) -> bool:
    try:
        check_address(url)
    except ValueError:
        return False
    return True
