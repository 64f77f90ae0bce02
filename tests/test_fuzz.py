"""Properties of whatever reads bytes and texts of portals: they hold for samples that are torn, and for junk.

Always the same examples, a few in each run; with `-m slow` many more.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.cleaning import clean_html, clean_paragraphs, clean_text, safe_url, xml_safe
from aggregator.disguise import undisguise
from aggregator.models import ChannelKind, RobotsRecord
from aggregator.regions import tag_regions
from aggregator.spam import judge_spam
from aggregator.topics import classify_topics, match_topics, scan_bytes
from aggregator.urls import canonicalize, get_host, get_registrable_domain, is_same_site, make_url_key
from crawler.challenges import is_challenge
from crawler.channels import ChannelError, parse_channel
from crawler.channels.links import MAX_URL, resolve
from crawler.freshness import parse_freshness
from crawler.parking import is_parked
from crawler.politeness import cut_robots, get_crawl_delay, host_of, is_allowed, select_groups
from crawler.retry_after import parse_retry_after
from crawler.robots_tags import parse_robots_tags

NOW = datetime(2026, 8, 10, 5, 0, tzinfo=UTC)
URL = "https://portal.example/feed/"
PAGES = sorted((Path(__file__).parent / "extraction_pages").glob("*.html"))

FEED_HEAD = b'<?xml version="1.0" encoding="UTF-8"?>'
CHANNELS = [
    FEED_HEAD + b"<rss version='2.0' xmlns:dc='http://purl.org/dc/elements/1.1/'><channel><title>Kabar</title><item>"
    b"<title>Wali kota</title><link>https://portal.example/a</link><pubDate>Senin, 2 Maret 2026 10:11 WITA</pubDate>"
    b"<dc:creator><![CDATA[Rina]]></dc:creator><description>&lt;p&gt;Isi&lt;/p&gt;</description></item></channel></rss>",
    FEED_HEAD + b"<feed xmlns='http://www.w3.org/2005/Atom'><title>Kabar</title><entry><title type='html'>Kota</title>"
    b"<link rel='alternate' href='/a'/><id>a</id><author><name>Rina</name></author><content type='xhtml'><div>"
    b"<p>Isi</p></div></content><updated>2026-03-02T10:00:00Z</updated></entry></feed>",
    FEED_HEAD + b"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'>"
    b"<channel><title>Kabar</title></channel><item rdf:about='x'><title>Kota</title><link>/a</link></item></rdf:RDF>",
    FEED_HEAD + b"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'><url><loc>https://portal.example/a</loc>"
    b"<lastmod>2026-03-02</lastmod></url></urlset>",
    FEED_HEAD + b"<sitemapindex><sitemap><loc>https://portal.example/a.xml</loc></sitemap></sitemapindex>",
    (
        b'[{"link":"https://portal.example/a","date_gmt":"2026-03-02T10:00:00","title":{"rendered":"Kota &amp; warga"},'
        b'"content":{"rendered":"<p>Isi</p>"},"_embedded":{"author":[{"name":"Rina"}]}}]'
    ),
    (
        b'{"version":"https://jsonfeed.org/version/1.1","title":"Kabar","items":[{"id":"a","url":"/a","title":"Kota",'
        b'"content_html":"<p>Isi</p>","authors":[{"name":"Rina"}],"tags":["kota"]}]}'
    ),
    (
        b"<!doctype html><html><title>x</title><article><h2><a href='/2026/03/02/wali-kota-buka-pasar'>Wali kota "
        b"membuka pasar baru</a></h2><time datetime='2026-03-02'>2 Maret</time></article><a rel=next href='?p=2'>"
    ),
]
PIECES = [
    *(b"<", b">", b"&", b";", b'"', b"'", b"]]>", b"<![CDATA[", b"<!--", b"-->", b"<!DOCTYPE x [", b"<?xml ", b"/>"),
    *(b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc0\xbc", b"\xe9", b"\r", b"\x85", b"\\ud800", b"{", b"}", b"[", b","),
    *(
        b"&#0;",
        b"&#xD800;",
        b"&#99999999999;",
        b"&#55357;&#56842;",
        b"&nope;",
        b"xmlns:a='b' ",
        b"xml:base='//x' ",
        b"encoding='utf-7'",
    ),
    *(b"<item>", b"</item>", b"<entry>", b"<url>", b"http://[", b"1e999", b"-0", b"null", b"\x1f\x8b\x08\0"),
]
LETTERS = st.text(st.characters() | st.sampled_from("\ud800\udfff\x00\x85\u202e\ufffe\u0301<>&;\"'"), max_size=60)
WORDS = st.lists(
    st.sampled_from(
        [
            *(
                "APEKSI",
                "Smart City",
                "Wali Kota",
                "Kota",
                "Batu",
                "Gorontalo",
                "GORONTALO, PORTAL -",
                "Komwil VI",
                "\n",
            ),
            *("slot gacor", "SLOT88", "s l o t", "polisi", "Kabupaten", "Tag:", "baca juga", "2026", "{{ x }}", "<p>"),
            *("\u0301", "\ud800", "\u200b", "İ", "\u212a", "ﬃ", "ѕlоt", "สล็อต", "&amp;", "”", "-", "\0"),
        ]
    )
    | LETTERS,
    max_size=30,
).map(" ".join)
URL_PIECES = [
    *(
        "http://",
        "https://",
        "HTTP:",
        "//",
        "/",
        "\\",
        "@",
        ":",
        "?",
        "#",
        "%",
        "%41",
        "%2f",
        "%00",
        "&",
        "=",
        ";",
        ".",
    ),
    *(
        "..",
        "amp.",
        "m.",
        "www.",
        "portal.example",
        "xn--",
        "é",
        "。",
        "ß",
        "[::1]",
        "[",
        "]",
        "127.0.0.1",
        "0x7f",
        ":80",
    ),
    *(
        "/amp",
        ".amp.html",
        "/2",
        "a-b-c-d",
        "page=2",
        "utm_source=x",
        "\t",
        "\n",
        " ",
        "\0",
        "\ud800",
        "\u202e",
        "-",
        "_",
    ),
]
URLS = st.lists(st.sampled_from(URL_PIECES), max_size=12).map("".join) | st.tuples(
    st.sampled_from(["http://portal.example", "https://amp.m.www.portal.example/"]),
    st.lists(st.sampled_from(URL_PIECES), max_size=10).map("".join),
).map("".join)


@st.composite
def tear(draw: st.DrawFn, samples: list[bytes]) -> bytes:
    """A sample with some of its bytes cut out, doubled or replaced by what parsers stumble over."""
    body = draw(st.sampled_from(samples))
    for _ in range(draw(st.integers(0, 5))):
        start = draw(st.integers(0, len(body)))
        end = draw(st.integers(start, min(len(body), start + 40)))
        new = draw(st.sampled_from(PIECES) | st.binary(max_size=8) | st.just(body[start:end] * 2))
        body = body[:start] + new + body[end:]
    return body


def check_channel(body: bytes) -> None:
    for kind in (None, ChannelKind.SITEMAP, ChannelKind.LISTING):
        try:
            page = parse_channel(body, URL, kind=kind)
        except ChannelError:
            continue
        assert page == parse_channel(body, URL, kind=kind)
        for link in (*page.links, *page.sitemaps):
            assert resolve(link.url, URL)
            assert not set(link.url) & set("\x00\n\ud800")


def check_page(body: bytes) -> None:
    assert is_challenge(body) in (True, False)
    assert is_parked(body, URL) in (True, False)
    assert scan_bytes(body) in (True, False)
    for title in (body.decode("latin-1"), body.decode("utf-8", "surrogateescape")):
        assert judge_spam(title[:200], title, url=URL, html=body) == judge_spam(title[:200], title, url=URL, html=body)


def check_text(text: str) -> None:
    assert xml_safe(xml_safe(text)) == xml_safe(text)
    for clean in (clean_html(text), clean_text(text, limit=100), clean_paragraphs(text, limit=1_000)):
        assert xml_safe(clean) == clean
        assert clean.encode().decode() == clean
    undisguise(text)


def check_classes(text: str) -> None:
    assert classify_topics(text, text) == classify_topics(text, text)
    for match in match_topics(text, text, summary=text, tags=(text, text)):
        assert all(0 <= evidence.offset <= len(text) * 2 + 3 for evidence in match.evidence)
    for city in ("", "kota-gorontalo"):
        found = tag_regions(text, text, summary=text, tags=(text,), home_city=city)
        assert found == tag_regions(text, text, summary=text, tags=(text,), home_city=city)


def check_url(url: str) -> None:
    kept = canonicalize(url)
    assert canonicalize(kept) == kept
    assert make_url_key(kept) == make_url_key(url)
    assert safe_url(safe_url(url)) == safe_url(url)
    if kept:
        assert kept == safe_url(kept)
        assert is_same_site(kept, kept)
        assert get_host(kept)
    absolute = resolve(url, URL)
    assert absolute == "" or (absolute.lower().startswith(("http://", "https://")) and len(absolute) <= MAX_URL)
    assert bool(resolve(absolute, URL)) == bool(absolute)
    host = host_of(url)
    assert host == host_of(url)
    get_registrable_domain(host)


def check_robots(body: bytes) -> None:
    record = RobotsRecord(host="portal.example", status=200, body=body, fetched_at=NOW)
    for url in (URL, "https://portal.example/%zz?*$", "https://portal.example/" + "a" * 500, "http://["):
        assert is_allowed(record, url) == is_allowed(record, url)
    assert 0 <= get_crawl_delay(record) <= 24 * 3600
    text = cut_robots(body).decode("utf-8", "replace")
    assert select_groups(select_groups(text)) == select_groups(text)


def check_header(value: bytes) -> None:
    waits = parse_retry_after(value, NOW)
    assert waits is None or 0 <= waits <= timedelta(days=7).total_seconds()
    for one, other in ((value, None), (b"max-age=" + value, value), (b"max-age=99999", value)):
        assert 0 <= parse_freshness(one, other) <= timedelta(days=1).total_seconds()
    tags = parse_robots_tags([value.decode("latin-1")])
    assert tags.join(tags) == tags


class Property(NamedTuple):
    """What holds, and for what."""

    check: Callable[[Any], None]
    inputs: st.SearchStrategy[Any]


HEADER_PIECES = [b"99", b"max-age=", b"no-store", b", ", b"=", b'"', b"noindex", b"otherbot:", b"max-snippet:", b"-1"]
HEADER_PIECES += [
    b"Mon, 02 Mar 2026 10:00:00 GMT",
    b"Mon, 99 Foo 99999 10:00:00 +9999",
    b"0" * 50,
    b"\xb2",
    b" ",
    b"\0",
]
ROBOTS_PIECES = [b"User-agent: *\n", b"User-agent: KabarKota\r\n", b"Disallow: /", b"Allow: *a*a$", b"\n", b"%zz", b"*"]
ROBOTS_PIECES += [
    b"Crawl-delay: ",
    b"nan",
    b"1e999",
    b"-1",
    b"#",
    b"\xef\xbb\xbf",
    b"Request-rate: 1/0\n",
    b"\0",
    b"\xff",
]
PROPERTIES = {
    "channel": Property(check_channel, tear(CHANNELS) | st.binary(max_size=300)),
    "page": Property(check_page, tear([page.read_bytes()[:20_000] for page in PAGES[:8]]) | st.binary(max_size=300)),
    "text": Property(check_text, WORDS | LETTERS | tear(CHANNELS).map(lambda body: body.decode("latin-1"))),
    "classes": Property(check_classes, WORDS),
    "url": Property(check_url, URLS | LETTERS),
    "robots": Property(check_robots, st.lists(st.sampled_from(ROBOTS_PIECES), max_size=30).map(b"".join) | st.binary()),
    "header": Property(check_header, st.lists(st.sampled_from(HEADER_PIECES), max_size=8).map(b"".join) | st.binary()),
}


def run(name: str, examples: int) -> None:
    check, inputs = PROPERTIES[name]
    usual = settings(max_examples=examples, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
    usual(given(inputs)(check))()


@pytest.mark.parametrize("name", PROPERTIES)
def test_property_holds(name: str) -> None:
    run(name, 60)


@pytest.mark.slow
@pytest.mark.parametrize("name", PROPERTIES)
def test_property_holds_for_many_examples(name: str) -> None:
    run(name, 1_000)
