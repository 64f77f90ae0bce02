"""Search engines lead to publishers: the address behind a link, who gets the credit, and what is dropped."""

from __future__ import annotations

import base64
import sqlite3
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from fresh_database import open_fresh
from portals import Answer, make_setup, serve_portal
from warm import run_warm

from aggregator.catalogue_rows import Publishers
from aggregator.ingest import find_source
from aggregator.models import Source
from crawler.channels import parse_channel
from crawler.channels.search_engines import drop_publisher, find_publisher_url

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
PORTAL = "https://kabarteluk.example/berita/rakernas-apeksi"


def write_google(url: str) -> str:
    """As the older links are made: a protocol buffer with the address, and often a second one for phones."""
    message = b'\x08\x13"' + bytes([len(url)]) + url.encode() + b"\xd2\x01\x00"
    return "https://news.google.com/rss/articles/" + base64.urlsafe_b64encode(message).decode().rstrip("=") + "?oc=5"


@pytest.mark.parametrize(
    ("url", "behind"),
    [
        (write_google(PORTAL), PORTAL),
        (write_google(PORTAL).replace("/rss/articles", "/articles"), PORTAL),
        ("https://news.google.com/rss/articles/CBMiVkFVX3lxTE5sZ0ZKbW9wYkZ2c2l1", ""),
        ("https://news.google.com/rss/articles/%%%", ""),
        ("https://news.google.com/topstories?hl=id", ""),
        (f"http://www.bing.com/news/apiclick.aspx?ref=FexRss&aid=&url={quote(PORTAL, safe='')}&c=1&mkt=id-id", PORTAL),
        ("http://www.bing.com/news/apiclick.aspx?url=javascript%3aalert(1)", ""),
        (PORTAL, PORTAL),
        ("https://kabar.example/google.html", "https://kabar.example/google.html"),
    ],
    ids=["Google", "Google, page", "encrypted", "broken", "no article", "Bing", "no address", "portal", "of Google"],
)
def test_link_of_a_search_engine_leads_to_the_publisher(url: str, behind: str) -> None:
    assert find_publisher_url(url) == behind


@pytest.mark.parametrize(
    ("title", "publisher", "headline"),
    [
        ("Rakernas Dibuka - Kabar Teluk", "Kabar Teluk", "Rakernas Dibuka"),
        ("Kota A - Kota B Bersaing - Kabar Teluk", "Kabar Teluk", "Kota A - Kota B Bersaing"),
        ("Kota A - Kota B", "Kabar Teluk", "Kota A - Kota B"),
        ("Rakernas Dibuka", "", "Rakernas Dibuka"),
    ],
)
def test_headline_goes_without_the_publishers_name(title: str, publisher: str, headline: str) -> None:
    assert drop_publisher(title, publisher) == headline


def write_feed(*items: tuple[str, str, str]) -> bytes:
    entries = "".join(
        f'<item><title>{title} - {name}</title><link>{link}</link><source url="https://x.example">{name}</source>'
        f"<pubDate>{format_datetime(NOW - timedelta(hours=2))}</pubDate></item>"
        for title, link, name in items
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>Cari</title>{entries}</channel></rss>'.encode()


def test_entries_that_lead_nowhere_are_dropped() -> None:
    hidden = "https://news.google.com/rss/articles/CBMiVkFVX3lxTE5sZ0ZKbW9wYkZ2c2l1"
    page = parse_channel(
        write_feed(("Rakernas", write_google(PORTAL), "Kabar Teluk"), ("Rahasia", hidden, "Entah")),
        "https://news.google.com/rss/search?q=apeksi",
    )
    assert [(link.url, link.title, link.publisher) for link in page] == [(PORTAL, "Rakernas", "Kabar Teluk")]


# ── the credit ────────────────────────────────────────────────────────────────────────────────────────────────────


def make_source(source_id: str, domain: str, *, discovery: bool = False) -> Source:
    return Source(id=source_id, name=source_id, domain=domain, discovery=discovery)


NETWORK = [
    make_source("suara", "suara.example"),
    make_source("suara-jogja", "jogja.suara.example"),
    make_source("detik-jateng", "www.detik.example"),
    make_source("detik-jatim", "detik.example"),
    make_source("cari", "cari.example", discovery=True),
]


@pytest.mark.parametrize(
    ("host", "polled", "credited"),
    [
        ("jogja.suara.example", "suara", "suara-jogja"),
        ("bali.suara.example", "suara", "suara"),
        ("suara.example", "suara-jogja", "suara"),
        ("detik.example", "detik-jatim", "detik-jatim"),
        ("detik.example", "detik-jateng", "detik-jateng"),
        ("detik.example", "suara", "detik-jateng"),
        ("cari.example", "suara", None),
        ("lain.example", "suara", None),
    ],
)
def test_source_at_the_host_gets_the_credit(tmp_path: Path, host: str, polled: str, credited: str | None) -> None:
    with open_fresh(tmp_path / "news.db") as store:
        store.write_catalogue(NETWORK)
        found = find_source(host, Publishers(store), store.get_sources([polled])[polled])
    assert (found.id if found else None) == credited


def test_publisher_outside_the_catalogue_becomes_a_source_that_is_not_polled(tmp_path: Path) -> None:
    text = "Wali kota dari berbagai daerah menghadiri Rapat Kerja Nasional APEKSI di Surabaya pada pekan ini. " * 6
    body = f"<html><body><article><h1>Rakernas APEKSI</h1><div class=entry-content><p>{text}</p></div></article></html>"
    with serve_portal() as portal, serve_portal() as engine:
        portal.answers["/rakernas/"] = Answer(body.encode())
        feed = write_feed(("Rakernas APEKSI", f"{portal.base}/rakernas/", "Kabar Teluk"))
        engine.answers["/feed"] = Answer(feed, content_type="application/rss+xml")
        catalogue = (
            '[sources.cari]\nname = "Cari"\ndomain = "cari.example"\nkind = "other"\ndiscovery = true\n'
            f'channels = [{{ kind = "feed", url = "{engine.base}/feed" }}]\n'
        )
        summary = run_warm(make_setup(tmp_path, catalogue), now=NOW)
        assert summary.articles == 1
        again = run_warm(make_setup(tmp_path, catalogue), now=NOW + timedelta(hours=1))
        assert again.articles == 0
    database = sqlite3.connect(tmp_path / "data" / "news.db")
    rows = database.execute(
        "SELECT s.id, s.name, s.enabled, s.discovered_by FROM articles AS a JOIN sources AS s ON s.id = a.source_id"
    ).fetchall()
    database.close()
    assert rows == [("via-127-0-0-1", "Kabar Teluk", 0, "cari")]
