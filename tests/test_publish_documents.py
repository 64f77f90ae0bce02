"""What holds in every format: no item breaks it, strict rules and schemas accept it, readers read it back."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import fastfeedparser
import feedparser
import pytest
from feed_rules import ATOM_SCHEMA, JSON_SCHEMA, find_faults
from feed_samples import HOSTILE, make_archive, make_feed, make_hostile
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from newsroom import NEWEST, make_item, make_news

from aggregator.models import FeedItem, Language
from aggregator.publish.documents import render_feed
from aggregator.publish.feed_info import FeedInfo, Format
from aggregator.publish.item_content import make_content

LONG_AGO = datetime(1995, 1, 1, tzinfo=UTC)
ANY_TEXT = st.text(st.characters(exclude_categories=()))

every_format = pytest.mark.parametrize("form", list(Format))


def check_document(body: bytes, feed: FeedInfo, form: Format) -> None:
    """That `body` keeps all rules of its format."""
    if form is Format.JSON:
        JSON_SCHEMA.validate(json.loads(body))
        return
    assert find_faults(body, url=feed.self_url) == []
    if form is Format.ATOM:
        ATOM_SCHEMA.assertValid(etree.fromstring(body))


def read_titles(body: bytes) -> list[str]:
    if body.startswith(b"{"):
        return [item["title"] for item in json.loads(body)["items"]]
    return [entry.title for entry in feedparser.parse(body).entries]


@every_format
def test_the_news_of_a_good_day_keeps_the_rules(form: Format) -> None:
    news, feed = make_news(), make_feed(form)
    body = render_feed(news, feed, form)
    check_document(body, feed, form)
    assert read_titles(body) == [item.title for item in news]


@every_format
def test_archives_and_english_feeds_and_empty_feeds_keep_the_rules(form: Format) -> None:
    alone = make_archive(form, links=(("current", "https://kabarkota.example/feed.xml"),))
    for feed in (make_archive(form), alone, make_feed(form, language=Language.ENGLISH), make_feed(form, style_url="")):
        check_document(render_feed(make_news(), feed, form), feed, form)
        check_document(render_feed([], feed, form), feed, form)


@every_format
def test_the_same_items_give_the_same_bytes(form: Format) -> None:
    first = render_feed(make_news(), make_feed(form), form)
    make_content.cache_clear()
    assert render_feed(make_news(), make_feed(form), form) == first


@every_format
def test_an_item_is_the_same_whatever_stands_beside_it(form: Format) -> None:
    def read(items: list[FeedItem]) -> str:
        body = render_feed(items, make_feed(form, title="x"), form)
        if form is Format.JSON:
            return str(json.loads(body)["items"][0])
        tags = ("item", "{http://www.w3.org/2005/Atom}entry")
        return etree.tostring(next(etree.fromstring(body).iter(*tags)), encoding="unicode").strip()

    news = make_news()
    assert read(news) == read(news[:1]) == read([news[0], *news[5:]])


@every_format
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_anywhere_leaves_every_format_valid(text: str, form: Format) -> None:
    feed = make_feed(form, title=text, description=text, publisher=text)
    body = render_feed([make_hostile(text), make_item(2)], feed, form)
    check_document(body, feed, form)
    titles = read_titles(body)
    assert len(titles) == 2
    assert 0 < len(titles[0]) <= 500


@settings(max_examples=60)
@given(st.lists(ANY_TEXT, min_size=1, max_size=4), st.sampled_from(Format))
def test_any_text_makes_a_valid_document(texts: list[str], form: Format) -> None:
    feed = make_feed(form)
    body = render_feed([make_hostile(text, number) for number, text in enumerate(texts, start=1)], feed, form)
    check_document(body, feed, form)


_PIECES = (
    *("<p>", "</p>", "<a href='https://a.example/?x=1&y=2'>", "<a href='/dalam'>", "</a>", "<b>", "</b>", "<br>"),
    *("<table>", "<td>", "<ul>", "<li>", "</ul>", "<h2>", "</h2>", "<h3>", "<object>", "<script>", "</script>"),
    *("&", "&amp;", "&lt;", "teks", "<", ">"),
)
_MARKUP = st.lists(st.sampled_from(_PIECES), max_size=14).map(" ".join)


@pytest.mark.slow
@settings(max_examples=120)
@given(_MARKUP)
def test_any_markup_in_a_full_text_makes_valid_html(markup: str) -> None:
    for form in Format:
        feed = make_feed(form)
        check_document(render_feed([make_item(full_text=markup)], feed, form), feed, form)


@settings(max_examples=60)
@given(
    st.integers(0, 40 * 365 * 24 * 60).map(
        lambda minutes: datetime(1995, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    st.timedeltas(timedelta(hours=-12), timedelta(hours=14)),
    st.sampled_from(Format),
)
def test_any_date_and_offset_is_told_in_a_way_that_readers_know(at: datetime, offset: timedelta, form: Format) -> None:
    feed = make_feed(form)
    item = make_item(published=at.astimezone(timezone(offset)))
    body = render_feed([item], feed, form)
    check_document(body, feed, form)
    if form is not Format.JSON:
        assert find_faults(body, url=feed.self_url, now=NEWEST) == []


@every_format
def test_without_a_site_address_documents_are_still_sound(form: Format) -> None:
    links = {"site_url": "/", "page_url": "/", "self_url": f"/feed.{form}", "style_url": "/feed.xsl"}
    feed = make_feed(form, **links, format_urls=tuple((other, f"/feed.{other}") for other in Format))
    news = make_news()
    body = render_feed(news, feed, form)
    assert read_titles(body) == [item.title for item in news]
    if form is Format.JSON:
        check_document(body, feed, form)
        return
    parsed = feedparser.parse(body)
    assert not parsed.bozo
    assert [link.href for link in parsed.feed.links if link.rel == "self"] == [f"/feed.{form}"]
    faults = find_faults(body, url=feed.self_url)
    assert {fault.partition(" ")[0] for fault in faults} <= {"href", "link"}  # only that addresses are not full


@pytest.mark.parametrize("form", [Format.RSS, Format.ATOM])
def test_feedparser_reads_back_what_went_in(form: Format) -> None:
    news, feed = make_news(), make_feed(form)
    parsed = feedparser.parse(render_feed(news, feed, form))
    assert not parsed.bozo
    assert (parsed.feed.title, parsed.feed.link, parsed.feed.language) == ("Kabar Kota", feed.page_url, "id")
    for entry, item in zip(parsed.entries, news, strict=True):
        assert (entry.title, entry.link, entry.id) == (item.title, item.url, item.guid)
        assert datetime(*entry.published_parsed[:6], tzinfo=UTC) == item.published
        assert datetime(*entry.updated_parsed[:6], tzinfo=UTC) == item.updated
        assert [tag.term for tag in entry.tags] == [*item.topics, *item.regions]
        assert entry.source.title == item.source_name
        assert item.excerpt[:40] in entry.summary


@every_format
def test_fastfeedparser_reads_back_what_went_in(form: Format) -> None:
    news, feed = make_news(), make_feed(form)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own
        parsed = fastfeedparser.parse(render_feed(news, feed, form))
    assert parsed.feed.title == "Kabar Kota"
    for entry, item in zip(parsed.entries, news, strict=True):
        assert (entry.title, entry.link, entry.id) == (item.title, item.url, item.guid)
        assert datetime.fromisoformat(entry.published) == item.published
        assert datetime.fromisoformat(entry.updated).replace(microsecond=0) == item.updated


@every_format
@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"title": " \n"}, "Pemerintah Kota Gorontalo menyiapkan pertemuan para wali kota."),
        ({"title": "", "excerpt": ""}, "Suara Gorontalo"),
        ({"title": "", "excerpt": "", "source_name": ""}, "Tanpa judul"),
        ({"title": "rusak Ã© \ufffd\x85ini"}, "rusak é ini"),
    ],
    ids=["excerpt", "source", "nothing", "damaged"],
)
def test_every_item_has_a_title(changes: dict[str, Any], title: str, form: Format) -> None:
    assert read_titles(render_feed([replace(make_item(), **changes)], make_feed(form), form)) == [title]
