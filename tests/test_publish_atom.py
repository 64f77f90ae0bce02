"""What Atom alone asks for: moments that differ, whose text it is, where it came from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import feedparser
from feed_rules import HISTORY
from feed_samples import make_archive, make_feed
from lxml import etree
from newsroom import NEWEST, WITA, make_item, make_news

from aggregator.models import FeedItem
from aggregator.publish.atom import ATOM, render_atom
from aggregator.publish.feed_info import Format

FEED = make_feed(Format.ATOM)
NAMES = {"a": ATOM, "fh": HISTORY}


def render_one(**changes: Any) -> etree._Element:
    (entry,) = find(render_atom([make_item(**changes)], FEED), "a:entry")
    return entry


def find(body: bytes, path: str) -> list[Any]:
    return etree.fromstring(body).xpath(path, namespaces=NAMES)


def read(parent: etree._Element, path: str) -> list[str]:
    return [str(found) for found in parent.xpath(path, namespaces=NAMES)]


def test_a_feed_is_as_new_as_its_newest_update() -> None:
    corrected = make_item(2, updated=NEWEST + timedelta(minutes=5))
    body = render_atom([make_item(1), corrected], FEED)
    assert find(body, "string(a:updated)").startswith("2026-10-05T07:45:00.")
    assert find(body, "string(a:updated)") == find(body, "string(a:entry[2]/a:updated)")


def test_an_empty_feed_is_as_new_as_its_beginning() -> None:
    assert read(etree.fromstring(render_atom([], make_feed(Format.ATOM, began=NEWEST))), "a:updated/text()") == [
        "2026-10-05T07:40:00Z"
    ]
    assert read(etree.fromstring(render_atom([], FEED)), "a:updated/text()") == ["2026-01-01T00:00:00Z"]


def test_entries_of_the_same_second_are_told_apart_the_same_way_in_every_document() -> None:
    def read_updates(items: list[FeedItem]) -> dict[str, str]:
        entries = find(render_atom(items, FEED), "a:entry")
        return {entry.findtext(f"{{{ATOM}}}id"): entry.findtext(f"{{{ATOM}}}updated") for entry in entries}

    items = [make_item(number, updated=NEWEST) for number in range(1, 300)]
    updates = read_updates(items)
    assert len(set(updates.values())) == len(items)
    assert {datetime.fromisoformat(text).replace(microsecond=0) for text in updates.values()} == {NEWEST}
    for guid, updated in read_updates(items[100:110]).items():
        assert updates[guid] == updated


def test_published_keeps_the_zone_of_the_source() -> None:
    entry = render_one(published=datetime(2026, 10, 5, 14, 5, tzinfo=WITA))
    assert read(entry, "a:published/text()") == ["2026-10-05T14:05:00+08:00"]


def test_the_author_is_the_person_else_the_portal_and_never_us() -> None:
    assert read(render_one(author="Rina Datau"), "a:author/a:name/text()") == ["Rina Datau"]
    assert read(render_one(), "a:author/a:name/text()") == ["Suara Gorontalo"]
    assert read(render_one(author="Rina <rina@portal.example>"), "a:author/a:name/text()") == ["Rina"]


def test_the_source_is_the_portal() -> None:
    (source,) = render_one().findall(f"{{{ATOM}}}source")
    assert read(source, "a:id/text()") == ["https://suaragorontalo.example/"]
    assert read(source, "a:title/text()") == ["Suara Gorontalo"]
    assert read(source, "a:link/@href") == ["https://suaragorontalo.example/"]
    shouted = render_one(source_url="HTTPS://Portal.example:443")
    assert read(shouted, "a:source/a:id/text()") == ["https://portal.example/"]
    assert render_one(source_url="javascript:alert(1)").find(f"{{{ATOM}}}source") is None


def test_categories_say_which_list_they_come_from_and_how_they_are_called() -> None:
    entry = render_one(topics=("smart-city",), regions=("Kota Palu", "Kota Palu"))
    categories = entry.findall(f"{{{ATOM}}}category")
    assert [dict(category.attrib) for category in categories] == [
        {"term": "smart-city", "scheme": "https://kabarkota.example/feeds/topic", "label": "Kota cerdas"},
        {"term": "Kota Palu", "scheme": "https://kabarkota.example/feeds/region", "label": "Kota Palu"},
    ]


def test_an_entry_that_leads_nowhere_holds_its_content() -> None:
    entry = render_one(url="ftp://x.example/")
    assert not read(entry, "a:link")
    assert read(entry, "a:content/text()") == read(entry, "a:summary/text()")
    assert not read(render_one(), "a:content/text()")


def test_full_text_goes_out_beside_the_summary_where_the_source_allows_it() -> None:
    entry = render_one(full_text="<p>Isi lengkap.</p>")
    (content,) = read(entry, "a:content/text()")
    assert content.startswith("<p>Isi lengkap.</p><p>Sumber: <a ")
    assert read(entry, "a:summary/text()")[0].startswith("<p>Pemerintah Kota")


def test_news_in_another_language_says_so() -> None:
    lang = "@xml:lang"
    assert read(render_one(language="en"), lang) == ["en"]
    assert read(render_one(language="id"), lang) == []
    assert read(render_one(language="<xx>"), lang) == []


def test_an_archive_leads_to_its_neighbours() -> None:
    root = etree.fromstring(render_atom(make_news(), make_archive(Format.ATOM)))
    assert len(read(root, "fh:archive")) == 1
    assert read(root, "a:link[@rel='prev-archive']/@href") == ["https://kabarkota.example/feeds/archive/all/1.atom"]
    assert read(root, "a:link[@rel='hub']/@href") == ["https://hub.example/"]


def test_the_only_archive_is_followed_by_the_feed_itself() -> None:
    current = "https://kabarkota.example/feed.atom"
    root = etree.fromstring(render_atom(make_news(), make_archive(Format.ATOM, links=(("current", current),))))
    assert read(root, "a:link[@rel='next-archive']/@href") == [current]


def test_feedparser_shows_the_portal_and_the_person() -> None:
    news = make_news()
    parsed = feedparser.parse(render_atom(news, FEED))
    assert parsed.version == "atom10"
    assert parsed.feed.author == "Kabar Kota"
    assert parsed.feed.updated_parsed[:6] == NEWEST.astimezone(UTC).timetuple()[:6]
    for entry, item in zip(parsed.entries, news, strict=True):
        assert entry.author == (item.author or item.source_name)
