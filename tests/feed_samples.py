"""A feed to render, and items that try to break it."""

from __future__ import annotations

from typing import Any

import pytest
from newsroom import make_item

from aggregator.models import FeedItem
from aggregator.publish.feed_info import FeedInfo, Format

SITE = "https://kabarkota.example/"

HOSTILE = [
    pytest.param("a\x00b\x0bc\x1fd", id="controls"),
    pytest.param("]]> <![CDATA[ &nbsp; &#x0; <x>", id="CDATA and entities"),
    pytest.param("lone \ud83d surrogate \udc00", id="surrogates"),
    pytest.param("panjang " * 1250, id="10 kB"),
    pytest.param("x" * 10_000, id="10 kB without a space"),
    pytest.param("\u202eterbalik\u202c שלום مرحبا", id="right to left"),
    pytest.param("<script>alert(1)</script>", id="script"),
    pytest.param("</title></item></channel></rss>", id="end tags"),
    pytest.param("R&D &copy; &#60; S&P500 <b>tebal</b>", id="half HTML"),
    pytest.param("\ufffe\uffff\U0001ffff", id="noncharacters"),
    pytest.param("rusak \ufffd, Ã©, Â», ÃÂ¡, \x93kutip\x94", id="damaged"),
    pytest.param("😀 👨‍👩‍👧‍👦 🇮🇩", id="emoji"),
    pytest.param("Redaksi <redaksi@portal.example>", id="a mail address"),
    pytest.param("\n\t \r\n", id="only whitespace"),
    pytest.param("", id="nothing"),
]


def make_feed(form: Format = Format.RSS, **changes: Any) -> FeedInfo:
    """The feed of everything."""
    defaults: dict[str, Any] = {
        "id": "tag:kabarkota.example,2026:feed/all",
        "title": "Kabar Kota",
        "description": "Berita APEKSI dan kota cerdas",
        "site_url": SITE,
        "page_url": SITE,
        "self_url": f"{SITE}feed.{form}",
        "format_urls": tuple((other, f"{SITE}feed.{other}") for other in Format),
        "hubs": ("https://hub.example/",),
        "style_url": f"{SITE}feed.xsl",
    }
    return FeedInfo(**(defaults | changes))


def make_archive(form: Format = Format.RSS, **changes: Any) -> FeedInfo:
    """One of its archives."""
    name = f"{SITE}feeds/archive/all/2.{form}"
    links = (("current", f"{SITE}feed.{form}"), ("prev-archive", f"{SITE}feeds/archive/all/1.{form}"))
    return make_feed(form, **({"self_url": name, "is_archive": True, "links": links, "format_urls": ()} | changes))


def make_hostile(text: str, number: int = 1, **changes: Any) -> FeedItem:
    """An item that holds `text` wherever text goes."""
    return make_item(
        number,
        **({
            "title": text, "excerpt": text, "author": text, "source_name": text, "full_text": text, "language": text,
            "topics": (text, text), "regions": (text,), "also_at": ((text, "https://a.example/[1]"), ("B", text)),
            "url": f"https://x.example/{text}"[:1000], "guid": f"g{number}{text}",
        } | changes),
    )  # fmt: skip
