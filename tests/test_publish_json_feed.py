"""What JSON Feed alone holds: a place for what programs want to know of an item."""

from __future__ import annotations

import json
from typing import Any

from feed_samples import make_archive, make_feed
from newsroom import make_item

from aggregator.models import FeedItem, Language
from aggregator.publish.feed_info import FeedInfo, Format
from aggregator.publish.json_feed import render_json

FEED = make_feed(Format.JSON)


def read(items: list[FeedItem], feed: FeedInfo = FEED) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(render_json(items, feed))
    return document


def read_one(**changes: Any) -> dict[str, Any]:
    (item,) = read([make_item(**changes)])["items"]
    assert isinstance(item, dict)
    return item


def test_the_feed_says_what_it_is() -> None:
    document = read([])
    assert document["version"] == "https://jsonfeed.org/version/1.1"
    assert (document["home_page_url"], document["feed_url"]) == (FEED.page_url, FEED.self_url)
    assert document["authors"] == [{"name": "Kabar Kota", "url": "https://kabarkota.example/"}]
    assert document["hubs"] == [{"type": "WebSub", "url": "https://hub.example/"}]
    assert document["items"] == []
    assert "next_url" not in document


def test_next_leads_to_the_next_page_or_to_the_archive_before() -> None:
    links = (("prev-archive", "https://kabarkota.example/a.json"), ("next", "https://kabarkota.example/p2.json"))
    assert read([], make_feed(links=links))["next_url"] == "https://kabarkota.example/p2.json"
    assert read([], make_archive(Format.JSON))["next_url"] == "https://kabarkota.example/feeds/archive/all/1.json"


def test_an_item_holds_all_that_the_other_formats_say() -> None:
    item = read_one(author="Rina", topics=("apeksi",), regions=("Kota Palu",), also_at=(("B", "https://b.example/1"),))
    extension = item.pop("_kabarkota")
    assert item == {
        "id": "tag:kabar.example,2026:0001",
        "url": "https://suaragorontalo.example/berita/1",
        "title": "Pemkot Gorontalo siapkan rapat APEKSI ke-1",
        "content_html": "<p>Pemerintah Kota Gorontalo menyiapkan pertemuan para wali kota.</p>"
        '<p>Sumber: <a href="https://suaragorontalo.example/berita/1">Suara Gorontalo</a></p>'
        '<p>Juga diberitakan: <a href="https://b.example/1">B</a></p>',
        "summary": "Pemerintah Kota Gorontalo menyiapkan pertemuan para wali kota.",
        "date_published": "2026-10-05T15:05:00+08:00",
        "date_modified": "2026-10-05T07:40:00Z",
        "authors": [{"name": "Rina"}],
        "tags": ["apeksi", "Kota Palu"],
        "language": "id",
    }
    assert extension == {
        "about": "https://kabarkota.example/feeds",
        "source": {"name": "Suara Gorontalo", "url": "https://suaragorontalo.example/"},
        "topics": ["apeksi"],
        "regions": ["Kota Palu"],
        "also_at": [{"name": "B", "url": "https://b.example/1"}],
        "first_published": "2026-10-05T07:40:00Z",
    }


def test_what_is_not_known_is_left_out() -> None:
    item = read_one(url="javascript:alert(1)", source_url="", source_name="", excerpt="", language="?")
    assert {"url", "authors", "summary", "language", "tags"}.isdisjoint(item)
    assert item["content_html"] == "<p>Sumber: <span></span></p>"


def test_full_text_is_the_content_where_the_source_allows_it() -> None:
    assert read_one(full_text="<p>Isi.</p>")["content_html"].startswith("<p>Isi.</p><p>Sumber: ")


def test_letters_stay_letters() -> None:
    body = render_json([make_item(title="“Kota” – Ternate é")], make_feed(language=Language.ENGLISH))
    assert "“Kota” – Ternate é".encode() in body
    assert json.loads(body)["user_comment"].startswith("This address is a JSON Feed")
