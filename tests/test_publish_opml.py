"""Lists of feeds that readers import, whatever the feeds are called."""

from __future__ import annotations

import pytest
from feed_rules import find_faults
from feed_samples import HOSTILE
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from newsroom import NEWEST

from aggregator.models import Language
from aggregator.publish.opml import Outline, OutlineInfo, render_feeds_opml, render_sources_opml

INFO = OutlineInfo(title="Semua feed", owner="Kabar Kota", modified=NEWEST, style_url="https://k.example/feed.xsl")
SITE = "https://kabarkota.example/"


def make_outline(name: str, group: str, title: str = "") -> Outline:
    url = f"{SITE}feeds/{name}"
    return Outline(title=title or name, group=group, xml_url=f"{url}.xml", html_url=url)


def check_opml(body: bytes) -> etree._Element:
    assert find_faults(body, url="") == []
    return etree.fromstring(body)


def read_groups(body: bytes) -> list[tuple[str, list[str]]]:
    groups = check_opml(body).findall("body/outline")
    return [(group.get("text") or "", [str(each.get("text")) for each in group]) for group in groups]


def test_feeds_stand_in_their_groups_in_the_order_given() -> None:
    feeds = [make_outline("b", "Topik"), make_outline("z", "Kota"), make_outline("a", "Topik")]
    assert read_groups(render_feeds_opml(feeds, INFO)) == [("Topik", ["b", "a"]), ("Kota", ["z"])]


def test_an_outline_holds_what_readers_ask_for() -> None:
    root = check_opml(render_feeds_opml([make_outline("all", "", "Semua")], INFO))
    assert dict(root.findall("body/outline")[0].attrib) == {
        "text": "Semua",
        "title": "Semua",
        "type": "rss",
        "xmlUrl": f"{SITE}feeds/all.xml",
        "htmlUrl": f"{SITE}feeds/all",
        "language": "id",
    }
    assert root.findtext("head/dateModified") == "Mon, 05 Oct 2026 07:40:00 +0000"
    assert root.findtext("head/ownerName") == "Kabar Kota"


def test_sources_are_sorted_and_each_address_stands_once() -> None:
    sources = [
        Outline(title="Zeta", group="Gorontalo", xml_url="https://zeta.example/feed"),
        Outline(title="alfa", group="Gorontalo", xml_url="https://alfa.example/feed"),
        Outline(title="Alfa lagi", group="Gorontalo", xml_url="https://alfa.example/feed"),
        Outline(title="Bukan", group="Gorontalo", xml_url="javascript:alert(1)"),
        Outline(title="Mata", group="Aceh", xml_url="https://mata.example/feed", html_url="ftp://mata.example/"),
    ]
    body = render_sources_opml(sources, INFO)
    assert read_groups(body) == [("Aceh", ["Mata"]), ("Gorontalo", ["alfa", "Zeta"])]
    assert render_sources_opml(sources[::-1], INFO) == body


def test_no_feeds_make_a_list_that_says_so() -> None:
    assert read_groups(render_feeds_opml([], INFO)) == [("Belum ada feed", [])]
    english = OutlineInfo(title="All feeds", owner="Kabar Kota", language=Language.ENGLISH)
    assert read_groups(render_sources_opml([], english)) == [("No feeds yet", [])]


def test_names_read_the_same_as_text_and_as_html() -> None:
    body = render_feeds_opml([make_outline("x", "A & B", "R&D <Kota> S&P")], INFO)
    assert read_groups(body) == [("A & B", ["R & D ‹ Kota› S & P"])]


def test_addresses_of_a_site_without_an_address_begin_with_a_slash() -> None:
    body = render_feeds_opml([Outline(title="Semua", xml_url="/feed.xml", html_url="/")], INFO)
    (outline,) = etree.fromstring(body).findall("body/outline")
    assert (outline.get("xmlUrl"), outline.get("htmlUrl")) == ("/feed.xml", "/")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_leave_the_list_valid(text: str) -> None:
    outline = Outline(
        title=text, group=text, xml_url="https://a.example/", description=text, html_url=f"https://{text}"
    )
    check_opml(render_sources_opml([outline], OutlineInfo(title=text, owner=text)))


@given(st.text(st.characters(exclude_categories=())))
def test_any_name_leaves_the_list_valid(text: str) -> None:
    outline = Outline(title=text, group=text, xml_url="https://a.example/", description=text)
    check_opml(render_feeds_opml([outline], OutlineInfo(title=text, owner=text)))
