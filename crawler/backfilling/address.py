"""What to ask for at a position of an archive. PURE."""

from __future__ import annotations

from datetime import date, timedelta
from urllib.parse import quote_plus, urljoin, urlsplit, urlunsplit

from aggregator.archives import Step, Way
from aggregator.models import ChannelKind, Source
from crawler.backfilling.report import ArchivePage
from crawler.channels.wordpress import find_root

REST_PAGE_SIZE = 50  # posts; WordPress allows 100, and a portal on a small machine should not have to give them

KINDS = {
    Way.REST: ChannelKind.WORDPRESS,
    Way.SEARCH: ChannelKind.FEED,
    Way.TAG_FEED: ChannelKind.FEED,
    Way.SITEMAP: ChannelKind.SITEMAP,
    Way.SEARCH_PAGE: ChannelKind.LISTING,
    Way.TAG_PAGE: ChannelKind.LISTING,
    Way.LISTING: ChannelKind.LISTING,
}


def make_page(step: Step, source: Source, since: date, until: date | None) -> ArchivePage:
    """The page of the step that comes next."""
    url = step.position.next_url or _make_address(step, since, until)
    channel = next((c for c in source.channels if c.url == step.url), None) if step.way is Way.LISTING else None
    return ArchivePage(url=url, kind=KINDS[step.way], selectors=channel.selectors if channel else None)


def _make_address(step: Step, since: date, until: date | None) -> str:
    number = step.position.page + 1
    term, slug = quote_plus(step.term), "-".join(step.term.lower().split())
    if step.way is Way.REST:
        return urljoin(step.url, _make_query(term, number, since, until))
    paged = f"paged={number}" if number > 1 else ""
    if step.way is Way.SEARCH:
        return urljoin(step.url, f"?s={term}&{paged + '&' if paged else ''}feed=rss2")
    if step.way is Way.SEARCH_PAGE:
        return urljoin(step.url, f"?s={term}")
    if step.way is Way.TAG_FEED:
        return urljoin(step.url, f"tag/{slug}/feed/{'?' + paged if paged else ''}")
    if step.way is Way.TAG_PAGE:
        return urljoin(step.url, f"tag/{slug}/")
    return step.url


def _make_query(term: str, number: int, since: date, until: date | None) -> str:
    """Oldest first: what is posted meanwhile moves nothing. A time without a zone is read by the site's clock."""
    after = f"{since - timedelta(days=1)}T23:59:59"
    before = f"&before={until + timedelta(days=1)}T00:00:00" if until else ""
    return (
        f"wp-json/wp/v2/posts?per_page={REST_PAGE_SIZE}&page={number}&_embed=author&search={term}"
        f"&after={after}{before}&orderby=date&order=asc"
    )


def find_site(source: Source) -> str:
    """The root of the source's site, as its own channels have it: many answer below www alone, or over plain HTTP."""
    for channel in source.channels:
        if channel.kind is ChannelKind.WORDPRESS:
            return find_root(channel.url)
    domain = source.domain.removeprefix("www.")
    for channel in source.channels:
        parts = urlsplit(channel.url)
        if domain in (parts.netloc.removeprefix("www."), (parts.hostname or "").removeprefix("www.")):
            return urlunsplit((parts.scheme, parts.netloc, "/", "", ""))
    return f"https://{source.domain}/"
