"""The feed keeps to the RSS 2.0 rules whatever is in the items, and says who wrote what."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import feedparser
import pytest
from feed_rules import CONTENT, DC, HISTORY, find_faults
from feed_samples import HOSTILE, make_archive, make_feed, make_hostile
from lxml import etree, html
from newsroom import NEWEST, make_item, make_news

from aggregator.models import Language
from aggregator.publish.feed_info import FeedInfo
from aggregator.publish.item_content import ALSO_AT_LIMIT, TITLE_LIMIT
from aggregator.publish.rss import ATOM, render_rss
from aggregator.publish.times import format_rfc822

FEED = make_feed()
CHANNEL_ORDER = ["title", "link", "description", "language", "lastBuildDate", "generator", "docs", "ttl"]
ITEM_ORDER = ["title", "link", "description", f"{{{DC}}}creator", "category", "guid", "pubDate", "source"]
ITEM_ORDER += [f"{{{CONTENT}}}encoded", f"{{{ATOM}}}updated"]


def check_rss(body: bytes, feed: FeedInfo = FEED) -> etree._Element:
    """The channel of `body`, which must keep every rule of feeds, and our own order."""
    assert find_faults(body, url=feed.self_url) == []
    (channel,) = etree.fromstring(body)
    heads = [child.tag for child in channel if child.tag in CHANNEL_ORDER]
    assert heads == [tag for tag in CHANNEL_ORDER if tag in heads]
    for item in channel.findall("item"):
        tags = [child.tag for child in item]
        assert tags == sorted(tags, key=ITEM_ORDER.index)
    return channel


def read_item(body: bytes) -> etree._Element:
    (item,) = check_rss(body).findall("item")
    return item


def render_one(**changes: Any) -> etree._Element:
    return read_item(render_rss([make_item(**changes)], FEED))


def read_description(item: etree._Element) -> str:
    return item.findtext("description") or ""


def test_the_news_of_a_good_day_keeps_the_rules() -> None:
    news = make_news()
    channel = check_rss(render_rss(news, FEED))
    assert [item.findtext("guid") for item in channel.findall("item")] == [item.guid for item in news]


def test_feedparser_reads_back_what_went_in() -> None:
    news = make_news()
    parsed = feedparser.parse(render_rss(news, FEED))
    assert not parsed.bozo
    assert parsed.version == "rss20"
    assert (parsed.feed.title, parsed.feed.link, parsed.feed.language) == ("Kabar Kota", FEED.site_url, "id")
    assert [link.href for link in parsed.feed.links if link.rel == "self"] == [FEED.self_url]
    for entry, item in zip(parsed.entries, news, strict=True):
        assert (entry.title, entry.link, entry.id, entry.guidislink) == (item.title, item.url, item.guid, False)
        assert datetime(*entry.published_parsed[:6], tzinfo=UTC) == item.published
        assert datetime(*entry.updated_parsed[:6], tzinfo=UTC) == item.updated
        assert entry.get("author", "") == item.author
        assert (entry.source.title, entry.source.href) == (item.source_name, item.source_url)
        assert [tag.term for tag in entry.tags] == [*item.topics, *item.regions]


def test_the_same_items_give_the_same_bytes() -> None:
    assert render_rss(make_news(), FEED) == render_rss(make_news(), FEED)


def test_last_build_date_is_the_newest_update_wherever_it_stands() -> None:
    corrected = make_item(2, updated=NEWEST + timedelta(minutes=5))
    channel = check_rss(render_rss([make_item(1), corrected], FEED))
    assert channel.findtext("lastBuildDate") == "Mon, 05 Oct 2026 07:45:00 +0000"


def test_an_empty_feed_is_a_feed() -> None:
    body = render_rss([], FEED)
    assert check_rss(body).find("lastBuildDate") is None
    assert not feedparser.parse(body).bozo
    began = check_rss(render_rss([], make_feed(began=NEWEST)))
    assert began.findtext("lastBuildDate") == "Mon, 05 Oct 2026 07:40:00 +0000"


def test_the_channel_leads_to_itself_its_hubs_and_its_other_formats() -> None:
    links = check_rss(render_rss([], FEED)).findall(f"{{{ATOM}}}link")
    assert [(link.get("rel"), link.get("href"), link.get("type")) for link in links] == [
        ("self", "https://kabarkota.example/feed.xml", "application/rss+xml"),
        ("hub", "https://hub.example/", None),
        ("alternate", "https://kabarkota.example/feed.atom", "application/atom+xml"),
        ("alternate", "https://kabarkota.example/feed.json", "application/feed+json"),
    ]


def test_an_archive_is_marked_and_leads_to_its_neighbours() -> None:
    feed = make_archive()
    channel = check_rss(render_rss([make_item()], feed), feed)
    assert channel.find(f"{{{HISTORY}}}archive") is not None
    links = {link.get("rel"): link.get("href") for link in channel.findall(f"{{{ATOM}}}link")}
    assert links["prev-archive"] == "https://kabarkota.example/feeds/archive/all/1.xml"
    assert links["current"] == "https://kabarkota.example/feed.xml"
    assert check_rss(render_rss([], FEED)).find(f"{{{HISTORY}}}archive") is None


def test_an_english_feed_speaks_english() -> None:
    feed = make_feed(language=Language.ENGLISH)
    channel = check_rss(render_rss([make_item(also_at=(("C", "https://c.example/"),))], feed))
    assert channel.findtext("language") == "en"
    description = channel.findtext("item/description") or ""
    assert "<p>Source: <a" in description
    assert "<p>Also reported by: <a" in description


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (datetime(2026, 10, 5, 14, 5, tzinfo=timezone(timedelta(hours=8))), "Mon, 05 Oct 2026 14:05:00 +0800"),
        (datetime(2026, 3, 1, 0, 0, 7, tzinfo=UTC), "Sun, 01 Mar 2026 00:00:07 +0000"),
        (datetime(2026, 3, 1, tzinfo=timezone(-timedelta(hours=3, minutes=30))), "Sun, 01 Mar 2026 00:00:00 -0330"),
        (datetime(2026, 3, 1, 7, 7, 12, tzinfo=timezone(timedelta(0, 25632))), "Sun, 01 Mar 2026 00:00:00 +0000"),
        (
            datetime(2026, 3, 1, 5, 45, tzinfo=timezone(timedelta(hours=5, minutes=45))),
            "Sun, 01 Mar 2026 00:00:00 +0000",
        ),
    ],
    ids=["WITA", "UTC", "half an hour west", "offset with seconds", "offset that readers do not know"],
)
def test_dates_keep_the_offset_of_the_source(at: datetime, expected: str) -> None:
    assert format_rfc822(at) == expected


def test_description_holds_excerpt_and_credit() -> None:
    assert read_description(render_one(excerpt="Rapat <dibuka> & ditutup.")) == (
        "<p>Rapat &lt;dibuka&gt; &amp; ditutup.</p>"
        '<p>Sumber: <a href="https://suaragorontalo.example/berita/1">Suara Gorontalo</a></p>'
    )


def test_description_names_the_other_portals() -> None:
    item = render_one(excerpt="", also_at=(("A & B", "https://a.example/?x=1&y=2"), ("C", "https://c.example/")))
    assert read_description(item).endswith(
        '<p>Juga diberitakan: <a href="https://a.example/?x=1&amp;y=2">A &amp; B</a>, <a href="https://c.example/">C</a></p>'
    )


def test_a_release_that_went_everywhere_names_some_portals_and_counts_the_rest() -> None:
    also_at = tuple((f"P{number}", f"https://p{number}.example/") for number in range(ALSO_AT_LIMIT + 7))
    description = read_description(render_one(also_at=also_at))
    assert description.count("<a ") == 1 + ALSO_AT_LIMIT
    assert description.endswith("</a>, dan 7 portal lain</p>")


def test_categories_say_which_list_they_come_from() -> None:
    item = render_one(topics=("apeksi",), regions=("Kota Palu", "Sulawesi Tengah"))
    assert [(each.get("domain"), each.text) for each in item.findall("category")] == [
        ("https://kabarkota.example/feeds/topic", "apeksi"),
        ("https://kabarkota.example/feeds/region", "Kota Palu"),
        ("https://kabarkota.example/feeds/region", "Sulawesi Tengah"),
    ]


def test_an_excerpt_never_grows_into_the_full_text() -> None:
    description = read_description(render_one(excerpt="Kalimat pertama cukup panjang untuk berdiri. " * 200))
    assert len(html.fromstring(description).findtext(".//p") or "") <= 300


def test_full_text_goes_out_only_where_the_source_allows_it() -> None:
    assert render_one().find(f"{{{CONTENT}}}encoded") is None
    item = render_one(full_text="<p onclick=x>Isi ]]> <script>x</script>lengkap.</p>")
    assert item.findtext(f"{{{CONTENT}}}encoded") == (
        '<p>Isi ]]&gt; lengkap.</p><p>Sumber: <a href="https://suaragorontalo.example/berita/1">Suara Gorontalo</a></p>'
    )


@pytest.mark.parametrize("url", ["javascript:alert(1)", "", "https://u:p@x.example/"])
def test_an_address_that_is_none_leaves_no_link(url: str) -> None:
    item = render_one(url=url, source_url=url, also_at=(("Portal", url),))
    assert item.find("link") is None
    assert item.find("source") is None
    assert "href" not in read_description(item)
    assert "Portal" in read_description(item)


def test_a_title_is_read_back_as_it_was_and_never_taken_for_html() -> None:
    title = "S&P500 & R&D: <b> atau &copy;, 5 < 6"
    body = render_rss([make_item(title=title)], FEED)
    assert read_item(body).findtext("title") == title.replace("<b", "< b")
    assert b"<title>S&#x26;P500 &#x26; R&#x26;D: &#x3C; b&gt; atau &#x26;copy;, 5 &#x3C; 6</title>" in body


def test_news_from_the_future_is_dated_when_we_published_it() -> None:
    item = make_item()
    ahead = (item.first_published + timedelta(hours=9)).astimezone(timezone(timedelta(hours=8)))
    assert render_one(published=ahead).findtext("pubDate") == "Mon, 05 Oct 2026 15:40:00 +0800"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_anywhere_leaves_the_feed_valid(text: str) -> None:
    feed = make_feed(title=f"Kabar {text}", description=text, publisher=text)
    body = render_rss([make_hostile(text), make_item(2)], feed)
    titles = [item.findtext("title") or "" for item in check_rss(body).findall("item")]
    parsed = feedparser.parse(body)
    assert not parsed.bozo
    assert len(parsed.entries) == 2
    assert len(titles[0]) <= TITLE_LIMIT
    assert not re.search(rb"<(?:script|b)>", body)
