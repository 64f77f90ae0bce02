"""The feed keeps to the RSS 2.0 rules whatever is in the items, and says who wrote what."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree, html
from newsroom import NEWEST, make_item, make_news

from aggregator.publish.rss import ALSO_AT_LIMIT, ATOM, CONTENT, DC, TITLE_LIMIT, FeedInfo, format_rfc822, render_rss

FEED = FeedInfo(
    title="Kabar Kota",
    site_url="https://kabarkota.example/",
    self_url="https://kabarkota.example/feed.xml",
    description="Berita APEKSI dan kota cerdas",
)
RFC_822 = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} "
    r"\d\d:\d\d:\d\d [+-]\d{4}"
)
CHANNEL_ORDER = ["title", "link", "description", "language", "lastBuildDate", "generator", "docs", "ttl"]
ITEM_ORDER = ["title", "link", "description", f"{{{DC}}}creator", "category", "guid", "pubDate", "source"]
ITEM_ORDER += [f"{{{CONTENT}}}encoded", f"{{{ATOM}}}updated"]

HOSTILE = [
    pytest.param("a\x00b\x0bc\x1fd", id="controls"),
    pytest.param("]]> <![CDATA[ &nbsp; &#x0; <x>", id="CDATA and entities"),
    pytest.param("lone \ud83d surrogate \udc00", id="surrogates"),
    pytest.param("panjang " * 1250, id="10 kB"),
    pytest.param("x" * 10_000, id="10 kB without a space"),
    pytest.param("\u202eterbalik\u202c שלום مرحبا", id="right to left"),
    pytest.param("<script>alert(1)</script>", id="script"),
    pytest.param("\ufffe\uffff\U0001ffff", id="noncharacters"),
    pytest.param("\n\t \r\n", id="only whitespace"),
]


def check_rss(body: bytes) -> etree._Element:
    """The channel of `body`, which must keep every rule of the RSS 2.0 specification and profile that we rely on."""
    root = etree.fromstring(body)
    assert root.tag == "rss"
    assert root.get("version") == "2.0"
    (channel,) = root
    heads = [child.tag for child in channel if child.tag not in {"item", f"{{{ATOM}}}link"}]
    assert heads == [tag for tag in CHANNEL_ORDER if tag in heads]
    assert {"title", "link", "description"} <= set(heads)
    (self_link,) = channel.findall(f"{{{ATOM}}}link")
    assert (self_link.get("rel"), self_link.get("type")) == ("self", "application/rss+xml")
    for item in channel.findall("item"):
        check_item(item)
    guids = [guid.text for guid in channel.iter("guid")]
    assert len(guids) == len(set(guids)) == len(channel.findall("item"))
    return channel


def check_item(item: etree._Element) -> None:
    tags = [child.tag for child in item]
    assert tags == sorted(tags, key=ITEM_ORDER.index)
    assert not [tag for tag in set(tags) - {"category"} if tags.count(tag) > 1]
    assert {"title", "description", "guid", "pubDate", f"{{{ATOM}}}updated"} <= set(tags)
    assert RFC_822.fullmatch(item.findtext("pubDate") or "")
    assert item.find("guid").get("isPermaLink") == "false"  # type: ignore[union-attr]
    for source in item.findall("source"):
        assert (source.get("url") or "").startswith("http")


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


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (datetime(2026, 10, 5, 14, 5, tzinfo=timezone(timedelta(hours=8))), "Mon, 05 Oct 2026 14:05:00 +0800"),
        (datetime(2026, 3, 1, 0, 0, 7, tzinfo=UTC), "Sun, 01 Mar 2026 00:00:07 +0000"),
        (datetime(2026, 3, 1, tzinfo=timezone(-timedelta(hours=3, minutes=30))), "Sun, 01 Mar 2026 00:00:00 -0330"),
        (datetime(2026, 3, 1, 7, 7, 12, tzinfo=timezone(timedelta(0, 25632))), "Sun, 01 Mar 2026 00:00:00 +0000"),
    ],
    ids=["WITA", "UTC", "half an hour west", "offset with seconds"],
)
def test_dates_keep_the_offset_of_the_source(at: datetime, expected: str) -> None:
    assert format_rfc822(at) == expected
    assert RFC_822.fullmatch(expected)


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


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_anywhere_leaves_the_feed_valid(text: str) -> None:
    strange = make_item(
        title=text, excerpt=text, author=text, source_name=text, topics=(text,), regions=(text,), full_text=text,
        also_at=((text, "https://a.example/"), ("B", text)), url=f"https://x.example/{text}", guid=f"g{text}",
    )  # fmt: skip
    body = render_rss([strange, make_item(2)], replace(FEED, title=f"Kabar {text}", description=text))
    titles = [item.findtext("title") or "" for item in check_rss(body).findall("item")]
    parsed = feedparser.parse(body)
    assert not parsed.bozo
    assert len(parsed.entries) == 2
    assert len(titles[0]) <= TITLE_LIMIT
    assert b"<script>" not in body


@settings(max_examples=60)
@given(st.lists(st.text(st.characters(exclude_categories=())), min_size=1, max_size=4))
def test_any_text_makes_a_valid_feed(texts: list[str]) -> None:
    items = [
        make_item(number, title=text, excerpt=text, author=text, source_name=text, full_text=text)
        for number, text in enumerate(texts, start=1)
    ]
    check_rss(render_rss(items, FEED))
