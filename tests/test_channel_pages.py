"""Real listing pages, feeds and a REST post, from the development data. Twins: test_channels, test_listings."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

import pytest
from lxml import etree

from aggregator.models import ChannelKind, ChannelPage
from crawler.challenges import is_challenge
from crawler.channels import ChannelError, parse_channel
from crawler.dates import parse_date
from crawler.extraction import link_to_article

WIB = ZoneInfo("Asia/Jakarta")
NOW = datetime(2026, 3, 2, tzinfo=UTC)
LISTINGS = {
    "harianfajar-index.html": "https://harianfajar.example/index.html",
    "harianfajar-category_parepare_index.html": "https://harianfajar.example/category/parepare/index.html",
}
FEEDS = {"batikjibb": (10, 10), "citiasia": (10, 10), "harianfajar": (5, 0), "koni": (8, 8)}  # entries, full texts
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
CREATOR = "{http://purl.org/dc/elements/1.1/}creator"


def load(dev_data: Path, name: str) -> bytes:
    path = dev_data / "channels" / f"{name}.gz"
    if not path.is_file():
        pytest.skip(f"no {path}")
    return gzip.decompress(path.read_bytes())


@pytest.fixture(params=LISTINGS, ids=["index", "category"])
def listing(request: pytest.FixtureRequest, dev_data: Path) -> tuple[ChannelPage, list[dict[str, str]], str]:
    """A listing page as read, the rows that must be on it, and its address."""
    url = LISTINGS[request.param]
    page = parse_channel(load(dev_data, request.param), url, kind=ChannelKind.LISTING)
    expected = json.loads((dev_data / "channels" / "expected.json").read_text(encoding="utf-8"))
    return page, expected[request.param], url


def test_every_row_of_a_listing_is_found_with_all_that_it_says(
    listing: tuple[ChannelPage, list[dict[str, str]], str],
) -> None:
    page, rows, url = listing
    found = {link.url: (link.title, link.author, link.modified_raw) for link in page}
    assert found == {urljoin(url, row["url"]): (row["title"], row["author"], row["updated"]) for row in rows}


def test_dates_and_next_page_of_a_listing_can_be_read(listing: tuple[ChannelPage, list[dict[str, str]], str]) -> None:
    page = listing[0]
    assert all(parse_date(link.published_raw, zone=WIB, now=NOW) for link in page)
    assert page.next_page is not None
    assert "page/2" in page.next_page


@pytest.mark.parametrize("name", FEEDS)
def test_wordpress_feed_is_read_whole(dev_data: Path, name: str) -> None:
    body = load(dev_data, f"{name}-feed.xml")
    page = parse_channel(body, "https://portal.example/feed/", "application/rss+xml", kind=ChannelKind.FEED)
    items = etree.fromstring(body).findall("channel/item")
    assert (len(page), sum(bool(link.content_html) for link in page), page.fault) == (*FEEDS[name], "")
    for link, item in zip(page, items, strict=True):
        assert link.url == item.findtext("link")
        assert link.published_raw == item.findtext("pubDate")
        assert link.author == item.findtext(CREATOR)
        assert link.guid == item.findtext("guid")
        assert link.content_html == (item.findtext(CONTENT) or "").strip()
        assert link.title
        assert parse_date(link.published_raw, zone=WIB, now=NOW)


def test_wordpress_post_is_read_whole(dev_data: Path) -> None:
    body = load(dev_data, "telurdesa-wp-post.json")
    (link,) = parse_channel(body, "https://telurdesa.example/wp-json/wp/v2/posts", kind=ChannelKind.WORDPRESS)
    post = json.loads(body)
    assert (link.url, link.content_html) == (post["link"], post["content"]["rendered"])
    assert (link.published_raw, link.modified_raw) == (f"{post['date_gmt']}Z", f"{post['modified_gmt']}Z")
    article = link_to_article(link, zone=WIB, now=NOW)
    assert article.published == datetime.fromisoformat(post["date_gmt"]).replace(tzinfo=UTC)
    assert article.text.count("\n") >= 5


@pytest.mark.parametrize("kind", [*ChannelKind, None])
def test_hacked_page_shows_no_news(dev_data: Path, kind: ChannelKind | None) -> None:
    """A shop page for gambling that someone has put on a city office's site: not one of its links is news."""
    with pytest.raises(ChannelError):
        parse_channel(
            load(dev_data, "hacked-go-id.html"), "https://dkp.kotacontoh.go.id/berita", "text/html", kind=kind
        )


def test_no_real_page_is_taken_for_a_guard_against_robots(dev_data: Path) -> None:
    pages = sorted((dev_data / "extraction").glob("*/html/*.html.gz"))
    assert len(pages) > 200
    assert [page.name for page in pages if is_challenge(gzip.decompress(page.read_bytes()))] == []
