"""Channels that are bombs: each ends soon, within the memory of a worker, with what could be read or with a reason.

Nothing in a body makes anybody open a file or a connection.
"""

from __future__ import annotations

import gzip
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from aggregator.models import ChannelKind
from crawler.bounds import cut_marks
from crawler.channels import ChannelError, parse_channel
from crawler.channels.jsons import MAX_VALUES
from crawler.cpu_limit import TooCostlyError, limit_cpu
from crawler.reading import read_channel

URL = "https://portal.example/feed/"
MEGABYTE = 1_000_000
DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>'
WRAPPINGS = {  # by kind: the start and the end of a channel, and an entry around a title
    "rss": (
        b"<rss version='2.0'><channel><title>Kabar</title>",
        b"</channel></rss>",
        b"<item><title>%s</title><link>https://portal.example/a</link></item>",
    ),
    "atom": (
        b"<feed xmlns='http://www.w3.org/2005/Atom' xmlns:media='http://search.yahoo.com/mrss/'><title>Kabar</title>",
        b"</feed>",
        b"<entry><title>%s</title><link href='https://portal.example/a'/><id>a</id></entry>",
    ),
    "rdf": (
        b"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'>",
        b"</rdf:RDF>",
        b"<item><title>%s</title><link>https://portal.example/a</link></item>",
    ),
    "sitemap": (
        b"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>",
        b"</urlset>",
        b"<url><loc>https://portal.example/a</loc><title>%s</title></url>",
    ),
    "index": (
        b"<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>",
        b"</sitemapindex>",
        b"<sitemap><loc>https://portal.example/a.xml</loc><lastmod>%s</lastmod></sitemap>",
    ),
    "listing": (
        b"<html><body>",
        b"</body></html>",
        b"<article><h2><a href='/2026/berita-kota-hari-ini'>Wali kota membuka pasar baru %s</a></h2></article>",
    ),
}


def wrap(kind: str, inner: bytes = b"", *, title: bytes = b"Wali kota", declaration: bytes = DECLARATION) -> bytes:
    """A channel of one entry, and `inner` behind it."""
    start, end, entry = WRAPPINGS[kind]
    return declaration + start + entry % title + inner + end


BOMBS: dict[str, Callable[[], bytes]] = {
    "elements-in-atom": lambda: wrap("atom", b"<a/>" * 1_250_000),
    "elements-in-rss": lambda: wrap("rss", b"<a>x</a> " * 510_000),
    "elements-in-a-sitemap": lambda: wrap("sitemap", b"<url/>" * 1_600_000),
    "elements-in-a-listing": lambda: wrap("listing", b"<p>x" * 1_250_000),
    "packed-elements": lambda: gzip.compress(wrap("index", b"<a/>" * 2_500_000)),
    "nested-in-atom": lambda: wrap("atom", b"<entry>" * 500_000),
    "nested-in-rss": lambda: wrap("rss", b"<a>" * 100_000 + b"</a>" * 100_000),
    "nested-links": lambda: wrap("listing", b"<div>" * 1_500 + WRAPPINGS["listing"][2] * 5_000),
    "entries": lambda: wrap("atom", (WRAPPINGS["atom"][2] % b"x") * 50_000),
    "attributes": lambda: wrap("atom", b"<a " + b" ".join(b"a%d=''" % i for i in range(250_000)) + b"/>"),
    "attributes-of-one-name": lambda: wrap("atom", b"<a " + b"a='1' " * 500_000 + b"/>"),
    "prefixes": lambda: wrap("rdf", b"<a " + b"".join(b"xmlns:a%d='u' " % i for i in range(100_000)) + b"/>"),
    "signs": lambda: wrap("atom", b"<" * 5 * MEGABYTE),
    "ampersands": lambda: wrap("atom", title=b"&" * 5 * MEGABYTE),
    "open-quotes": lambda: wrap("rdf", b"<a b='" * 750_000),
    "a-tag-without-end": lambda: wrap("rdf", b"<" + b"a" * 5 * MEGABYTE),
    "section-ends": lambda: wrap("atom", title=b"<![CDATA[" + b"]]" * 2_250_000 + b"]]>"),
    "lines": lambda: wrap("atom", title=b"a\n" * 2_250_000),
    "author": lambda: wrap("atom", b"<entry><author>" + b"a" * 65_536 + b"</author></entry>"),
    "keywords": lambda: wrap(
        "rss", b"<nope></x><item><media:keywords>" + b",".join(b"a%d" % i for i in range(90_000)) + b"</media:keywords>"
    ),
    "gzip-members": lambda: gzip.compress(b"") * 200_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_bomb_costs_little(name: str) -> None:
    """Far from the limit on a call (TooCostlyError): the worst needs a third of a second; half of them needed 6."""
    body = BOMBS[name]()
    reason: ChannelError | None = None
    try:
        read_channel(body[: 10 * 1024 * 1024], URL, "", ChannelKind.LISTING if "listing" in name else None, None)
    except ChannelError as error:
        reason = error
    assert not isinstance(reason, TooCostlyError)
    assert reason is None or str(reason)


@pytest.mark.parametrize("name", ["signs", "elements-in-atom"])
def test_what_came_before_the_bomb_is_read(name: str) -> None:
    page = parse_channel(BOMBS[name](), URL)
    assert page.links
    assert page.links[0].title == "Wali kota"
    assert "monstrous" in page.fault


# ── entities, files, connections ──


@pytest.fixture
def canary() -> Iterator[tuple[bytes, list[object]]]:
    """An address on which nobody may call, and who did."""
    calls: list[object] = []
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def listen() -> None:
            while True:
                try:
                    connection, caller = server.accept()
                except OSError:
                    return
                connection.close()
                calls.append(caller)

        threading.Thread(target=listen, daemon=True).start()
        yield b"http://127.0.0.1:%d/" % server.getsockname()[1], calls


@pytest.mark.parametrize("kind", WRAPPINGS)
def test_nothing_is_opened_for_a_channel(kind: str, canary: tuple[bytes, list[object]]) -> None:
    address, calls = canary
    root = WRAPPINGS[kind][0].partition(b" ")[0].strip(b"<>")
    doctypes = (
        b"<!DOCTYPE %s [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>",
        b"<!DOCTYPE %s [<!ENTITY x SYSTEM '" + address + b"'>]>",
        b"<!DOCTYPE %s [<!ENTITY %% p SYSTEM '" + address + b"'> %%p; <!ENTITY x 'y'>]>",
        b"<!DOCTYPE %s SYSTEM '" + address + b"'>",
        b"<!DOCTYPE %s [<!ENTITY a '" + b"lol" * 9_000 + b"'><!ENTITY x '" + b"&a;" * 9_000 + b"'>]>",
        b"<?xml-stylesheet type='text/xsl' href='" + address + b"'?>",
    )
    inner = (
        b"<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='" + address + b"' parse='text'/>"
        b"<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='/etc/passwd' parse='text'/>"
    )
    for doctype in doctypes:
        prolog = DECLARATION + (doctype % root if b"%s" in doctype else doctype)
        body = wrap(kind, inner, title=b"Wali &x; kota", declaration=prolog)
        try:
            said = repr(parse_channel(body, URL))
        except ChannelError as error:
            said = str(error)
        assert "root:" not in said
        assert said.count("lol") < 30_000
    for body in (address, b"file:///etc/passwd", b"/etc/passwd"):
        with pytest.raises(ChannelError):
            parse_channel(body, URL)
    assert parse_channel(b"<rss>/etc/passwd", URL).links == ()
    assert calls == []


# ── encodings ──


@pytest.mark.parametrize("kind", WRAPPINGS)
@pytest.mark.parametrize("charset", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_wide_channels_are_read(kind: str, charset: str) -> None:
    body = wrap(kind, title="Wali kota é".encode()).decode().encode(charset)
    page = parse_channel(body, URL, kind=ChannelKind.LISTING if kind == "listing" else None)
    assert page.links or page.sitemaps


@pytest.mark.parametrize("kind", WRAPPINGS)
@pytest.mark.parametrize(
    "name", ["utf-16", "utf-7", "ebcdic-cp-us", "x-nonsense", "idna", "zlib", "rot13", "unicode_escape", "a" * 5_000]
)
def test_declared_charset_is_no_trap(kind: str, name: str) -> None:
    declaration = b'<?xml version="1.0" encoding="%s"?>' % name.encode()
    for title in (b"Wali kota", b"Wali \xe9\xff kota", b"Wali \xc0\xbckota", b"Wali \0k\0ota"):
        try:
            page = parse_channel(wrap(kind, title=title, declaration=declaration), URL)
        except ChannelError:
            continue
        assert all("<" not in link.title for link in page.links)


@pytest.mark.parametrize("kind", ["rss", "atom", "rdf", "sitemap", "listing"])
@pytest.mark.parametrize(
    "reference", ["&#55357;&#56842;", "&#xD800;", "&#x000dfff;", "&#0;", "&#x1f;", "&#1114112;", "&#99999999999;", "&#"]
)
def test_reference_to_no_character_costs_no_other_entry(kind: str, reference: str) -> None:
    page = parse_channel(wrap(kind, title=f"Wali {reference}kota &#128512;&#x1F600;&#65;".encode()), URL)
    assert len(page.links) == 1
    if page.links[0].title and reference != "&#":
        assert page.links[0].title.endswith("Wali kota 😀😀A") or page.links[0].title.endswith("😀😀A")


# ── JSON ──


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"[" * MEGABYTE, "nested too deeply"),
        (b'{"a":' * MEGABYTE, "nested too deeply"),
        (b'[{"id":' + b"9" * 100_000 + b"}]", "digits"),
        (b"[" + b"[]," * MEGABYTE + b"[]]", f"more than {MAX_VALUES:,} values"),
        (gzip.compress(b"[" + b"{}," * 6_000_000 + b"{}]"), "values"),
        (b'{"version":"https://jsonfeed.org/version/1.1","items":{}}', "no list"),
        (b'["https://jsonfeed.org/version/1.1"]', "no list"),
    ],
    ids=["lists", "objects", "digits", "values", "packed-values", "items", "no-feed"],
)
def test_monstrous_json_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(ChannelError, match=reason):
        parse_channel(body, URL)


def test_odd_numbers_and_keys_of_json_do_not_matter() -> None:
    post = b'"link":"https://portal.example/a","link":"https://portal.example/b","title":{"rendered":"Kota\\ud800"}'
    page = parse_channel(b'[{"id":1e400,"x":-0,"y":NaN,"z":-Infinity,' + post + b"}]", URL)
    assert [link.url for link in page.links] == ["https://portal.example/b"]


# ── the limit on a call ──


def test_marks_are_cut() -> None:
    assert cut_marks(b"<a><b><c>", b"<", 2) == b"<a><b>"
    assert cut_marks(b"<a><b><c>", b"<", 3) == b"<a><b><c>"


@limit_cpu(0.2)
def hang() -> object:
    try:
        return re.match(r"(a+)+$", "a" * 60 + "b")
    except Exception:
        return None


def test_call_is_broken_off() -> None:
    with pytest.raises(TooCostlyError, match=r"after 0\.2 CPU s"):
        hang()
    assert limit_cpu(5)(len)("abc") == 3


def test_threads_have_no_limit() -> None:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(limit_cpu(0.01)(len)("abc")))
    thread.start()
    thread.join()
    assert found == [3]
