"""A feed opened in a browser is a page, and nothing in an item becomes markup of it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from feed_samples import HOSTILE, make_feed, make_hostile
from lxml import etree, html
from newsroom import make_item, make_news

from aggregator.models import Language
from aggregator.publish.documents import render_feed
from aggregator.publish.feed_info import FeedInfo, Format
from aggregator.publish.opml import Outline, OutlineInfo, render_feeds_opml
from aggregator.publish.styles import STYLE_FILE, get_style_files

TRANSFORM = etree.XSLT(etree.fromstring(get_style_files()[STYLE_FILE]))
xml_formats = pytest.mark.parametrize("form", [Format.RSS, Format.ATOM])


def show(items: list[Any], feed: FeedInfo, form: Format) -> html.HtmlElement:
    return show_document(render_feed(items, feed, form))


def show_document(body: bytes) -> html.HtmlElement:
    page = str(TRANSFORM(etree.fromstring(body).getroottree()))
    assert page.lower().startswith("<!doctype html")
    return html.document_fromstring(page.encode(), parser=html.HTMLParser(encoding="utf-8"))


@xml_formats
def test_a_feed_becomes_a_page_that_says_how_to_subscribe(form: Format) -> None:
    news, feed = make_news(), make_feed(form)
    page = show(news, feed, form)
    assert page.get("lang") == "id"
    assert page.findtext(".//title") == page.findtext(".//h1") == feed.title
    assert page.xpath("//link[@rel='stylesheet']/@href") == ["https://kabarkota.example/feed.css"]
    assert page.xpath("//code/text()") == [feed.self_url]
    assert page.xpath("//h2/text()") == ["Cara berlangganan", "How to subscribe"]
    assert page.xpath("//article//h3/a/@href") == [item.url for item in news]
    assert page.xpath("//article//h3/a/text()") == [item.title for item in news]
    assert [item.excerpt for item in news] == page.xpath("//p[@class='excerpt']/text()")


@xml_formats
def test_dates_and_credit_are_told_in_the_language_of_the_feed(form: Format) -> None:
    item = make_item(author="Rina Datau")
    (line,) = show([item], make_feed(form), form).xpath("//p[@class='when']")
    assert line.text_content() == "5 Okt 2026, 15:05 · Suara Gorontalo · Rina Datau"
    (line,) = show([make_item()], make_feed(form, language=Language.ENGLISH), form).xpath("//p[@class='when']")
    assert line.text_content() == "5 Oct 2026, 15:05 · Suara Gorontalo"


@xml_formats
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_as_text(text: str, form: Format) -> None:
    page = show([make_hostile(text), make_item(2)], make_feed(form, title=text, description=text), form)
    allowed = {"html", "head", "meta", "title", "link", "body", "header", "div", "p", "h1", "h2", "h3", "a", "section"}
    assert {element.tag for element in page.iter()} <= allowed | {"code", "main", "article", "span"}
    assert not page.xpath("//@*[starts-with(name(), 'on')] | //script | //style")
    assert all(re.match(r"https?://", str(href)) for href in page.xpath("//@href"))


@xml_formats
def test_escapes_of_an_excerpt_are_read_once(form: Format) -> None:
    excerpt = "Kurang dari < 5 & lebih &lt;b&gt; dari > 3."
    page = show([make_item(excerpt=excerpt)], make_feed(form), form)
    assert page.xpath("string(//p[@class='excerpt'])") == excerpt
    assert not show([make_item(excerpt="")], make_feed(form), form).xpath("//p[@class='excerpt']")


@xml_formats
def test_an_empty_feed_says_so(form: Format) -> None:
    assert "Belum ada berita." in show([], make_feed(form), form).text_content()


def test_a_list_of_feeds_becomes_a_page_with_links() -> None:
    feeds = [Outline(title="Kota <Palu>", group="Kota", xml_url="https://k.example/feeds/city/kota-palu.xml")]
    info = OutlineInfo(title="Semua feed", owner="Kabar Kota", style_url="/feed.xsl")
    page = show_document(render_feeds_opml(feeds, info))
    assert page.xpath("//section[h2='Kota']//a/@href") == ["https://k.example/feeds/city/kota-palu.xml"]
    assert page.xpath("//link/@href") == ["/feed.css"]


def test_the_page_loads_nothing_but_its_own_style() -> None:
    sheet = get_style_files()["feed.css"].decode()
    assert "url(" not in sheet
    assert "@import" not in sheet
    assert b"disable-output-escaping" not in get_style_files()[STYLE_FILE]
