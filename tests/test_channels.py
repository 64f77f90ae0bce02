"""Feeds, sitemaps and REST answers, whole and broken. Portals and news are invented; listings: test_listings.py."""

from __future__ import annotations

import gzip
import html
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.models import ArticleLink, ChannelKind, ChannelPage
from crawler.channels import ChannelError, parse_channel
from crawler.channels.cleaning import clean_feed
from crawler.channels.oddfeeds import read_any_feed
from crawler.channels.plainfeeds import read_plain_feed

URL = "https://kabarteluk.example/feed/"
TEXT = "".join(
    f"<p>Pemerintah kota meresmikan pusat kendali nomor {number} yang menyatukan data banjir, kemacetan dan "
    f"pengaduan warga "
    "dalam satu layar, kata kepala dinas kepada wartawan seusai acara.</p>"
    for number in range(1, 6)
)
EXCERPT = "Pemerintah kota meresmikan pusat kendali yang menyatukan data banjir dan kemacetan [&hellip;]"
NAMESPACES = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:atom="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/" '
    'xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"'
)


def write_item(number: int = 1, *, more: str = "", title: str = "Kota cerdas &amp; warga") -> str:
    return (
        f"<item><title>{title}</title><link>https://kabarteluk.example/berita/{number}/</link>"
        f"<pubDate>Senin, 2 Maret 2026 10:1{number} WITA</pubDate><guid isPermaLink='false'>kt-{number}</guid>"
        f"{more}</item>\n"
    )


def write_rss(*items: str, channel: str = "", declaration: str = '<?xml version="1.0" encoding="UTF-8"?>') -> bytes:
    return (
        f'{declaration}\n<rss version="2.0" {NAMESPACES}><channel><title>Kabar Teluk</title>'
        f"<link>https://kabarteluk.example</link>{channel}{''.join(items)}</channel></rss>"
    ).encode()


def read(body: bytes, content_type: str = "application/rss+xml", url: str = URL) -> ChannelPage:
    return parse_channel(body, url, content_type, kind=ChannelKind.FEED)


# ── what an entry says ─────────────────────────────────────────────────────────────────────────────────────────────


def test_rss_item_is_read_whole() -> None:
    more = (
        "<dc:creator><![CDATA[Rina Malik]]></dc:creator><category><![CDATA[Smart City]]></category><category>"
        "Kota</category>"
        f"<description><![CDATA[{EXCERPT}]]></description><content:encoded><![CDATA[{TEXT}]]></content:encoded>"
        '<media:content url="/gambar/1.jpg" medium="image"/><atom:updated>2026-03-02T12:00:00+08:00</atom:updated>'
    )
    page = read(write_rss(write_item(more=more)))
    assert page == ChannelPage(
        title="Kabar Teluk",
        links=(
            ArticleLink(
                url="https://kabarteluk.example/berita/1/",
                title="Kota cerdas & warga",
                published_raw="Senin, 2 Maret 2026 10:11 WITA",
                modified_raw="2026-03-02T12:00:00+08:00",
                author="Rina Malik",
                summary=EXCERPT,
                content_html=TEXT,
                tags=("Smart City", "Kota"),
                guid="kt-1",
                image="https://kabarteluk.example/gambar/1.jpg",
            ),
        ),
    )


def test_atom_entry_is_read_whole() -> None:
    feed = f"""<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://kabarteluk.example/b/">
    <title>Kabar Teluk</title><entry xml:base="2026/"><id>urn:1</id>
    <title type="html">Kota &amp;quot;cerdas&amp;quot;</title><link rel="enclosure" type="image/jpeg" href="/g/1.jpg"/>
    <link href="rakernas.html"/><author><name>Rina</name></author>
    <author><name>Budi</name></author><category term="APEKSI"/><summary>{EXCERPT.replace("&", "&amp;")}</summary>
    <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">{TEXT}</div></content>
    <published>2026-03-02T10:15:00+08:00</published><updated>2026-03-02T11:00:00+08:00</updated></entry></feed>"""
    page = read(feed.encode(), "application/atom+xml")
    (link,) = page
    assert (link.url, link.title) == ("https://kabarteluk.example/b/2026/rakernas.html", 'Kota "cerdas"')
    assert (link.author, link.tags, link.guid) == ("Rina, Budi", ("APEKSI",), "urn:1")
    assert (link.published_raw, link.modified_raw) == ("2026-03-02T10:15:00+08:00", "2026-03-02T11:00:00+08:00")
    assert link.image == "https://kabarteluk.example/g/1.jpg"
    assert link.content_html.count("<p>") == 5
    assert page.fault == ""


ITEM = "<item><title>Kabar</title><link>/b/1</link></item>"
RDF = "xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'"
OLD_FEEDS = {
    "rss-0.91": f"<rss version='0.91'><channel><title>K</title>{ITEM}</channel></rss>",
    "rss-0.90": f"<rdf:RDF {RDF} xmlns='http://my.netscape.com/rdf/simple/0.9/'><channel/>{ITEM}</rdf:RDF>",
    "rss-1.0": f"<rdf:RDF {RDF} xmlns='http://purl.org/rss/1.0/'><channel rdf:about='/'/>{ITEM}</rdf:RDF>",
    "atom-0.3": "<feed version='0.3' xmlns='http://purl.org/atom/ns#'><title>K</title><entry><title>Kabar</title>"
    "<link rel='alternate' href='/b/1'/></entry></feed>",
    "no-namespaces": f"<rss><channel>{ITEM.replace('</item>', '<dc:creator>Rina</dc:creator></item>')}</channel></rss>",
    "upper-case": f"<rss><channel>{ITEM}</channel></rss>".upper().replace("KABAR", "Kabar").replace("/B/1", "/b/1"),
    "atom-link": f"<rss version='2.0' {NAMESPACES}><channel><item><title>Kabar</title><atom:link href='/b/1'/></item>"
    "</channel></rss>",
    "permalink-guid": "<rss version='2.0'><channel><item><title>Kabar</title>"
    "<guid>https://kabarteluk.example/b/1</guid></item></channel></rss>",
}


@pytest.mark.parametrize("version", OLD_FEEDS)
def test_every_version_of_feeds_is_read(version: str) -> None:
    page = read(OLD_FEEDS[version].encode())
    assert [(link.url, link.title) for link in page] == [("https://kabarteluk.example/b/1", "Kabar")]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("<dc:creator>Rina Malik</dc:creator>", "Rina Malik"),
        ("<dc:creator>Rina</dc:creator><dc:creator>Budi</dc:creator>", "Rina, Budi"),
        ("<author>redaksi@kabarteluk.example (Rina Malik)</author>", "Rina Malik"),
        ("<author>redaksi@kabarteluk.example</author>", ""),
        ("<author>Rina &amp;amp; Budi</author>", "Rina & Budi"),
        ("<dc:creator><![CDATA[<b>Rina</b>]]></dc:creator>", "Rina"),
        ("", ""),
    ],
    ids=["creator", "two", "mail-and-name", "mail", "escaped-twice", "markup", "none"],
)
def test_authors_are_names(more: str, expected: str) -> None:
    assert read(write_rss(write_item(more=more))).links[0].author == expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("<![CDATA[Wali Kota: &quot;Siap&quot;]]>", 'Wali Kota: "Siap"'),
        ("Anggaran 5 &lt; 6 dan 8 &gt; 7 miliar", "Anggaran 5 < 6 dan 8 > 7 miliar"),
        ("Kota &amp;#8220;Cerdas&amp;#8221;", "Kota “Cerdas”"),
        ("<![CDATA[<b>Kota</b><br/>Cerdas]]>", "Kota Cerdas"),
        ("  Kota \n\t Cerdas ", "Kota Cerdas"),
        ("&amp;#" + "9" * 5_000 + ";", "\ufffd"),
        ("x" * 5_000, "x" * 1_000),
    ],
    ids=["cdata", "less-than", "escaped-twice", "markup", "white-space", "endless-reference", "endless"],
)
def test_titles_are_plain(title: str, expected: str) -> None:
    assert read(write_rss(write_item(title=title))).links[0].title == expected


@pytest.mark.parametrize("half", ["&#xD83D;", "&#55357;", "&#x0000dfff", "&#xDE00;&#xD83D;"])
def test_half_a_character_costs_no_feed(half: str) -> None:
    page = read(write_rss(write_item(title=f"Rapat {half}APEKSI &#x1F600;")))
    assert page.links[0].title == "Rapat APEKSI \U0001f600"


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("/berita/1", "https://kabarteluk.example/berita/1"),
        ("//cdn.example/1", "https://cdn.example/1"),
        (" https://kabarteluk.example/1?a=1&amp;b=2\n", "https://kabarteluk.example/1?a=1&b=2"),
        ("<![CDATA[https://kabarteluk.example/1]]>", "https://kabarteluk.example/1"),
        ("https://kabar\tteluk.example/\n1", "https://kabarteluk.example/1"),
        ("javascript:alert(1)", None),
        ("file:///etc/passwd", None),
        ("mailto:redaksi@kabarteluk.example", None),
        ("http://[::1", None),
        ("https://" + "a" * 3_000, None),
        ("", None),
    ],
    ids=["relative", "no-scheme", "spaces", "cdata", "breaks", "script", "file", "mail", "no-host", "endless", "none"],
)
def test_links_are_absolute_web_addresses_or_left_out(link: str, expected: str | None) -> None:
    body = write_rss(f"<item><title>Satu</title><link>{link}</link></item>", write_item(2))
    urls = [found.url for found in read(body)]
    assert urls == ([expected] if expected else []) + ["https://kabarteluk.example/berita/2/"]


@pytest.mark.parametrize(
    "date", ["Sen, 2 Mar 2026 10:15:00 WIB", "2026-03-02 10:15", "kemarin", "2 Maret 2026 | 10.15"]
)
def test_dates_stay_as_written(date: str) -> None:
    item = f"<item><title>Satu</title><link>/b/1</link><pubDate>{date}</pubDate></item>"
    assert read(write_rss(item)).links[0].published_raw == date


def test_date_of_dublin_core_stands_in() -> None:
    item = "<item><title>Satu</title><link>/b/1</link><dc:date>2026-03-02T10:15:00+08:00</dc:date></item>"
    link = read(write_rss(item)).links[0]
    assert (link.published_raw, link.modified_raw) == ("2026-03-02T10:15:00+08:00", "")


@pytest.mark.parametrize(
    ("channel", "minutes"),
    [
        ("<ttl>60</ttl>", 60),
        ("<sy:updatePeriod>\n hourly </sy:updatePeriod><sy:updateFrequency>\n 2 </sy:updateFrequency>", 30),
        ("<sy:updatePeriod>daily</sy:updatePeriod>", 1440),
        ("<sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>999</sy:updateFrequency>", None),
        ("<ttl>sering</ttl>", None),
        ("<ttl>0</ttl>", None),
        ("<ttl>²</ttl>", None),
        ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>٣</sy:updateFrequency>", None),
        ("", None),
    ],
    ids=["ttl", "syndication", "no-frequency", "too-often", "words", "zero", "superscript", "other-digits", "none"],
)
def test_how_long_a_feed_asks_to_be_left_alone(channel: str, minutes: int | None) -> None:
    assert read(write_rss(write_item(), channel=channel)).ttl_minutes == minutes


# ── full text or excerpt ───────────────────────────────────────────────────────────────────────────────────────────


def carry(content: str, summary: str = EXCERPT) -> str:
    return f"<description><![CDATA[{summary}]]></description><content:encoded><![CDATA[{content}]]></content:encoded>"


@pytest.mark.parametrize(
    ("content", "summary", "is_full"),
    [
        (TEXT, EXCERPT, True),
        (TEXT, "", True),
        (TEXT, TEXT, True),
        (EXCERPT, EXCERPT, False),
        ("<p>Pendek saja.</p>", "", False),
        (TEXT.replace("<p>", "").replace("</p>", " ") + " ... Baca selengkapnya", EXCERPT, False),
        ("Berita dibuka begini. " * 40 + "[&hellip;]", "", False),
        ("<div><span>" * 2_000 + "</span></div>" * 2_000, "", False),
    ],
    ids=["full", "no-summary", "same", "excerpt", "short", "read-more", "cut", "only-markup"],
)
def test_content_counts_as_the_text_only_when_it_is_whole(content: str, summary: str, is_full: bool) -> None:
    link = read(write_rss(write_item(more=carry(content, summary)))).links[0]
    assert bool(link.content_html) is is_full


def test_short_news_among_full_texts_is_whole_too() -> None:
    short = "<p>Pasar ikan di dermaga lama ditutup sementara mulai Senin untuk perbaikan lantai dan saluran air.</p>"
    page = read(write_rss(write_item(1, more=carry(TEXT)), write_item(2, more=carry(short, short))))
    assert [bool(link.content_html) for link in page] == [True, True]


def test_short_contents_alone_are_excerpts() -> None:
    short = "<p>Pasar ikan di dermaga lama ditutup sementara mulai Senin untuk perbaikan lantai dan saluran air.</p>"
    page = read(write_rss(*(write_item(number, more=carry(short, "")) for number in range(1, 4))))
    assert [link.content_html for link in page] == ["", "", ""]


# ── encodings ──────────────────────────────────────────────────────────────────────────────────────────────────────

QUOTED = "Wali Kota: “Smart City” – bukan sekadar aplikasi"


@pytest.mark.parametrize(
    ("encoding", "declared", "content_type"),
    [
        ("utf-8", "UTF-8", "application/rss+xml; charset=UTF-8"),
        ("utf-8", "UTF-8", "text/xml; charset=iso-8859-1"),
        ("utf-8", "iso-8859-1", "application/rss+xml"),
        ("utf-8", None, "text/html"),
        ("utf-8-sig", "UTF-8", "application/rss+xml"),
        ("windows-1252", "windows-1252", "application/rss+xml"),
        ("windows-1252", "iso-8859-1", "application/rss+xml"),
        ("windows-1252", "UTF-8", "application/rss+xml; charset=utf-8"),
        ("windows-1252", None, "application/rss+xml"),
        ("utf-16", "utf-16", "application/rss+xml"),
        ("utf-16-le", "utf-16", "application/rss+xml"),
        ("utf-16-be", "UTF-8", "application/rss+xml"),
    ],
    ids=lambda value: str(value).replace("application/rss+xml", "rss"),
)
def test_encodings(encoding: str, declared: str | None, content_type: str) -> None:
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else '<?xml version="1.0"?>'
    body = write_rss(write_item(title=QUOTED), declaration=declaration).decode().encode(encoding)
    page = read(body, content_type)
    assert page.links[0].title == QUOTED
    assert page.fault == ""


@pytest.mark.parametrize("name", ["zlib", "unicode_escape", "punycode", "tidak-ada", "utf-7"])
def test_declared_encodings_that_are_none_do_no_harm(name: str) -> None:
    body = write_rss(write_item(title=QUOTED), declaration=f'<?xml version="1.0" encoding="{name}"?>')
    assert read(body).links[0].title == QUOTED


# ── broken ─────────────────────────────────────────────────────────────────────────────────────────────────────────

WHOLE = write_rss(*(write_item(number) for number in range(1, 9))).decode()
BREAKS = {
    "bare-ampersand": lambda body: body.replace("Kota cerdas &amp; warga", "Kota cerdas & warga", 1),
    "html-entity": lambda body: body.replace("&amp;", "&nbsp;", 1),
    "less-than": lambda body: body.replace("&amp;", "< 5", 1),
    "open-break": lambda body: body.replace("&amp;", "<br>", 1),
    "undeclared-prefix": lambda body: body.replace("</item>", "<g:x>1</g:x></item>", 1),
    "unclosed-item": lambda body: body.replace("</item>", "", 1),
    "stray-end": lambda body: body.replace("<item>", "</b><item>", 1),
    "same-attribute-twice": lambda body: body.replace("<item>", "<item a='1' a='2'>", 1),
}


@pytest.mark.parametrize("how", BREAKS)
def test_broken_feed_is_read_and_the_fault_told(how: str) -> None:
    page = read(BREAKS[how](WHOLE).encode())
    assert [link.url for link in page] == [f"https://kabarteluk.example/berita/{number}/" for number in range(1, 9)]
    assert page.fault


@pytest.mark.parametrize(
    "wrap",
    [
        lambda body: b"\n\n  " + body,
        lambda body: b"<br />\n<b>Warning</b>: foreach() in <b>/srv/x.php</b> on line 3<br />" + body,
        lambda body: b"\xef\xbb\xbf\n" + body,
        lambda body: body.replace(b"Kota", b"Ko\x0bt\x00a\x1f"),
        lambda body: body + b"\n<!-- Cached in 0.2 s -->\n",
    ],
    ids=["blank-lines", "php-warning", "byte-order-mark", "control-characters", "trailing-comment"],
)
def test_what_stands_around_a_feed_does_not_hide_it(wrap: Any) -> None:
    page = read(wrap(WHOLE.encode()))
    assert len(page) == 8
    assert (page.links[0].title, page.fault) == ("Kota cerdas & warga", "")


@pytest.mark.parametrize("cut_at", ["<title>Kota cer", "<link>https://kabar", "<pubDate>Senin", "berita/6", "</item>"])
def test_of_a_feed_that_is_cut_off_only_whole_entries_count(cut_at: str) -> None:
    start = WHOLE.index("berita/5/")
    end = WHOLE.index(cut_at, start) + len(cut_at) - 3
    page = read(WHOLE[:end].encode())
    assert [link.url[-2] for link in page] == list("12345" if "</item>" in WHOLE[start:end] else "1234")
    assert "cut off" in page.fault


def test_full_text_that_is_cut_off_is_not_taken_for_the_text() -> None:
    body = write_rss(write_item(1, more=carry(TEXT)), write_item(2, more=carry(TEXT)))
    page = read(body[: body.rindex(b"nomor 5")])
    assert [link.content_html for link in page] == [TEXT]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "empty body"),
        (b" \n\t ", "empty body"),
        (b"\x00\x00\x00", "empty body"),
        (b"<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>", "HTML page .'Just a moment"),
        (b"<html><head><title>404</title></head><body>rss</body></html>", "HTML page .'404'"),
        (b"<script>document.location='/x'</script>", "HTML page instead of a feed"),
        (b"Forbidden", "unknown content .'Forbidden'"),
        (b"%PDF-1.4 \xff\xfe\xfd", r"a file \(PDF\)"),
        (bytes(range(256)) * 40, "binary content"),
        (b"<?xml version='1.0'?><opml><body/></opml>", r"list of feeds \(OPML\) instead of a feed"),
        (b"<?xml version='1.0'?><galat><kode/></galat>", "XML of another kind .'galat'. instead of a feed"),
        (b"%PDF-1.7 <a href='/x'>", r"a file \(PDF\) instead of a feed"),
        (bytes(range(128, 256)) + b"<a href='/x'>\xff", "binary content instead of a feed"),
        (WHOLE[: WHOLE.index("<link>https://kabarteluk.example/berita")].encode(), "cut off"),
        (b"\x1f\x8b\x08\x00abc", "broken gzip"),
        (b"{'x': 1}", "broken JSON"),
        (b"[]]", "broken JSON"),
        (b"[1, 2]", "no posts"),
        (b"[" * 100_000, "broken JSON"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_no_feed_is_told_in_words(body: bytes, message: str) -> None:
    with pytest.raises(ChannelError, match=message):
        read(body)


def test_feed_without_entries_is_a_feed() -> None:
    assert read(write_rss()) == ChannelPage(title="Kabar Teluk")


@pytest.mark.parametrize("end", range(0, len(WHOLE), 37))
def test_feed_cut_anywhere_is_read_or_refused(end: int) -> None:
    try:
        page = read(WHOLE[:end].encode())
    except ChannelError:
        page = ChannelPage()
    assert {link.url for link in page} <= {f"https://kabarteluk.example/berita/{number}/" for number in range(1, 9)}


# ── hostile ────────────────────────────────────────────────────────────────────────────────────────────────────────


def declare(entities: str, use: str) -> bytes:
    return (
        f"<?xml version='1.0'?><!DOCTYPE rss [{entities}]><rss version='2.0'><channel><item><title>awal {use} "
        f"akhir</title>"
        "<link>https://kabarteluk.example/1</link></item></channel></rss>"
    ).encode()


LAUGHS = '<!ENTITY l0 "ha">' + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
QUADRATIC = f'<!ENTITY a "{"x" * 50_000}">'


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [declare(LAUGHS, "&l9;"), declare(QUADRATIC, "&a;" * 50_000), declare('<!ENTITY % p "x"> %p; %p;', "x")],
    ids=["billion-laughs", "quadratic", "parameter"],
)
@pytest.mark.timeout(20)
def test_entity_bombs_stay_small(body: bytes) -> None:
    page = read_or_nothing(body)
    assert sum(len(link.title) for link in page) < 10_000


def test_external_entities_read_no_file(tmp_path: Path) -> None:
    secret = tmp_path / "rahasia.txt"
    secret.write_text("kata-sandi", encoding="utf-8")
    for kind in (f'SYSTEM "{secret}"', f'SYSTEM "{secret.as_uri()}"', f'PUBLIC "x" "{secret.as_uri()}"'):
        for body in (
            declare(f"<!ENTITY x {kind}>", "&x;"),
            declare(f"<!ENTITY % x {kind}> %x;", "y"),
            declare(f"<!ENTITY x {kind}>", "&x;").replace(b"rss", b"urlset"),
        ):
            assert "kata-sandi" not in repr(read_or_nothing(body))


def read_or_nothing(body: bytes) -> ChannelPage:
    try:
        return parse_channel(body, URL)
    except ChannelError:
        return ChannelPage()


@pytest.mark.parametrize(
    "body",
    [
        b"<rss version='2.0'><channel>" + b"<item>" * 50_000,
        b"<rss version='2.0'><channel><item><title>" + b"<b>" * 50_000,
        write_rss(*(write_item(1) for _ in range(4_000))),
        write_rss(write_item(more="<category>x</category>" * 20_000)),
        b"<rss " + b"a='1' " * 2_000 + b"><channel><item></item></channel></rss>",
        write_rss(write_item(title="&lt;" * 50_000)),
        write_rss(write_item(more=carry("&amp;lt;p&amp;gt;" * 40_000))),
        write_rss(write_item(more=carry("&#" + "9" * 10_000 + ";"))),
        b"<rss>" + b"<!--" * 50_000,
        b"<?xml " * 30_000,
    ],
    ids=["items", "deep", "many", "categories", "attributes", "brackets", "entities", "digits", "comments", "prologs"],
)
@pytest.mark.timeout(20)
def test_hostile_feeds_end(body: bytes) -> None:
    page = read_or_nothing(body)
    assert len(page) <= 2_000
    assert all(len(link.tags) <= 30 and len(link.title) <= 1_000 for link in page)


def test_gzip_bomb_is_refused() -> None:
    with pytest.raises(ChannelError, match="20 MiB"):
        read(gzip.compress(b" " * (21 * 1024 * 1024), compresslevel=1))


def test_body_that_is_gzip_itself_is_unpacked() -> None:
    assert len(read(gzip.compress(WHOLE.encode()))) == 8


# ── both readers of feeds agree ────────────────────────────────────────────────────────────────────────────────────


def test_fast_reader_says_what_feedparser_says() -> None:
    more = (
        carry(TEXT) + "<author>x@y.example (Budi)</author><dc:subject>Kota</dc:subject><dc:date>2026-03-02</dc:date>"
        "<enclosure url='/a.jpg' type='image/jpeg'/>"
        "<media:group><media:content url='/b.jpg' medium='image'/></media:group>"
    )
    body = write_rss(write_item(1, more=more), write_item(2), channel="<ttl>15</ttl>")
    fast = read_plain_feed(body)
    assert fast is not None
    assert clean_feed(fast, URL) == clean_feed(read_any_feed(body), URL)


ATOM_ONCE = ("id", "title", "content", "summary")  # of these there are several below
ATOM_PIECES = [
    *("<id>https://kabarteluk.example/b/1</id>", "<id>tag:kabarteluk.example,2026:1</id>"),
    "<link href='/b/1.html'/>",
    "<link rel='alternate' type='text/html' href='https://kabarteluk.example/b/2.html' title='Kabar'/>",
    "<link rel='replies' type='application/atom+xml' href='/b/1/komentar'/><link rel='self' href='/b/1.atom'/>",
    "<link rel='enclosure' type='image/jpeg' href='/a.jpg'/><link rel='alternate' type='text/x-lain' href='/lain'/>",
    *("<title>Kota &amp; warga</title>", "<title type='text'> Kabar </title>", "<title/>"),
    "<title type='html'>Kota &amp;lt;b&gt; &amp;amp; &lt;i&gt;warga&lt;/i&gt;</title>",
    *("<published>2026-03-02T10:15:00+08:00</published>", "<updated>2026-03-03T10:15:00.001+08:00</updated>"),
    f"<content type='html'>{html.escape(TEXT)}</content>",
    *(f"<summary type='html'>{html.escape(TEXT)}</summary>", "<summary type='text'>Ringkas.</summary>"),
    "<author><name>Rina</name><uri>/u</uri><email>rina@kabarteluk.example</email></author>",
    *("<author><name>Budi</name></author>", "<author/>"),
    "<category scheme='x' term='Kota'/><category term='Apeksi' label='APEKSI'/><category/>",
    "<m:group><m:content url='/c.jpg' medium='image'/></m:group><m:thumbnail url='/t.jpg'/><x:total>1</x:total>",
]


def write_atom(*entries: str) -> bytes:
    spaces = "xmlns='http://www.w3.org/2005/Atom' xmlns:m='http://search.yahoo.com/mrss/' xmlns:x='urn:x'"
    return f"<feed {spaces}><title>Kabar</title>{''.join(map('<entry>{}</entry>'.format, entries))}</feed>".encode()


@given(st.lists(st.lists(st.sampled_from(ATOM_PIECES), unique=True), min_size=1, max_size=2))
def test_fast_reader_says_of_atom_what_feedparser_says(entries: list[list[str]]) -> None:
    body = write_atom(*map("".join, entries))
    fast = read_plain_feed(body)
    is_twice = any(
        sum(piece.startswith(f"<{name}") for piece in pieces) > 1 for pieces in entries for name in ATOM_ONCE
    )
    assert (fast is None) == is_twice
    if fast is not None:
        assert clean_feed(fast, URL) == clean_feed(read_any_feed(body), URL)


@pytest.mark.parametrize(
    "body",
    [
        b"<rss version='2.0' xml:base='https://x.example/'><channel><item><link>1</link></item></channel></rss>",
        b"<rss version='2.0'><channel><item><title>a<b>b</b></title></item></channel></rss>",
        b"<rss version='2.0'><channel></channel></rss>",
        b"<feed xmlns='http://www.w3.org/2005/Atom'/>",
        write_atom("<title type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>Kota</div></title>"),
        write_atom("<title type='application/octet-stream'>S290YQ==</title>"),
        write_atom("<author><email>x@y.example</email></author>"),
        write_atom("<source><title>Kabar Lain</title></source>"),
        declare('<!ENTITY a "x">', "&a;"),
    ],
    ids=["base", "markup", "no-items", "atom", "atom-markup", "atom-base64", "atom-mail", "atom-source", "doctype"],
)
def test_fast_reader_leaves_the_unusual_to_feedparser(body: bytes) -> None:
    assert read_plain_feed(body) is None


# ── JSON Feed ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_json_feed_is_read() -> None:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Kabar Teluk",
        "items": [
            {
                "id": "1",
                "url": "/b/1",
                "title": "Kota &amp; warga",
                "content_html": TEXT,
                "date_published": "2026-03-02T10:15:00+08:00",
                "authors": [{"name": "Rina"}],
                "tags": ["Kota", 7],
                "image": "/g.jpg",
            },
            {"id": "2", "url": 5},
            "x",
            {"id": "3", "url": "/b/3", "authors": "Budi", "author": {"name": "Budi"}, "tags": "x"},
        ],
    }
    page = read(json.dumps(feed).encode(), "application/feed+json")
    assert [link.url for link in page] == ["https://kabarteluk.example/b/1", "https://kabarteluk.example/b/3"]
    assert page.links[0].content_html == TEXT
    assert (page.links[0].author, page.links[0].tags, page.links[1].author) == ("Rina", ("Kota",), "Budi")


@pytest.mark.parametrize("body", [b'{"v": "jsonfeed.org"}', b'{"items": 5, "x": "jsonfeed.org"}', b'{"jsonfeed.org'])
def test_broken_json_feed_is_an_error(body: bytes) -> None:
    with pytest.raises(ChannelError, match="broken JSON"):
        read(body)


# ── sitemaps ───────────────────────────────────────────────────────────────────────────────────────────────────────

SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
NEWS_SITEMAP = f"""<?xml version="1.0"?><!-- dibuat otomatis --><urlset xmlns="{SITEMAP}"
 xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"
 xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
<url><loc> https://kabarteluk.example/1 </loc>
<image:image><image:loc>/g/1.jpg</image:loc><image:title>Foto</image:title></image:image>
<news:news><news:publication><news:name>Kabar Teluk</news:name></news:publication>
<news:publication_date>2026-03-02T10:15:00+08:00</news:publication_date><news:title>Kota &amp; warga</news:title>
<news:keywords>kota, smart city,,</news:keywords></news:news><lastmod>2026-03-02T11:00:00+08:00</lastmod></url>
<url><loc>/2</loc><lastmod>2026-03-01</lastmod></url><url><loc>ftp://x/3</loc></url><url/></urlset>""".encode()
INDEX = (
    f'<sitemapindex xmlns="{SITEMAP}"><sitemap><loc>/a.xml.gz</loc><lastmod>2026-03-01</lastmod></sitemap>'
    "<sitemap><loc>/b.xml</loc></sitemap></sitemapindex>"
).encode()


def read_sitemap(body: bytes) -> ChannelPage:
    return parse_channel(body, URL, "application/xml", kind=ChannelKind.SITEMAP)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_news_sitemap_is_read_whole(pack: Any) -> None:
    first, second = read_sitemap(pack(NEWS_SITEMAP)).links
    assert first == ArticleLink(
        url="https://kabarteluk.example/1",
        title="Kota & warga",
        published_raw="2026-03-02T10:15:00+08:00",
        modified_raw="2026-03-02T11:00:00+08:00",
        tags=("kota", "smart city"),
        image="https://kabarteluk.example/g/1.jpg",
    )
    assert (second.url, second.modified_raw) == ("https://kabarteluk.example/2", "2026-03-01")


def test_index_names_its_children() -> None:
    page = read_sitemap(INDEX)
    assert page.links == ()
    assert [(child.url, child.modified_raw) for child in page.sitemaps] == [
        ("https://kabarteluk.example/a.xml.gz", "2026-03-01"),
        ("https://kabarteluk.example/b.xml", ""),
    ]


def test_title_of_a_video_is_not_the_articles() -> None:
    body = f"""<urlset xmlns="{SITEMAP}" xmlns:video="http://www.google.com/schemas/sitemap-video/1.1"><url><loc>/1</loc>
    <video:video><video:title>Siaran</video:title></video:video></url></urlset>"""
    assert read_sitemap(body.encode()).links[0].title == ""


def test_text_sitemap_is_a_list_of_addresses() -> None:
    body = "\ufeffhttps://kabarteluk.example/1\r\nhttps://kabarteluk.example/2\n\nsampah\n".encode()
    assert [link.url for link in read_sitemap(body)] == [f"https://kabarteluk.example/{number}" for number in (1, 2)]


def test_feed_may_serve_as_sitemap() -> None:
    assert len(read_sitemap(WHOLE.encode())) == 8


@pytest.mark.parametrize(
    "mend",
    [
        lambda body: body.replace(b"&amp;", b"&"),
        lambda body: body.replace(b"</urlset>", b""),
        lambda body: body.replace(b"xmlns:news=", b"xmlns:n="),
    ],
    ids=["bare-ampersand", "cut-off", "undeclared-prefix"],
)
def test_broken_sitemap_is_read_and_the_fault_told(mend: Any) -> None:
    page = read_sitemap(mend(NEWS_SITEMAP))
    assert len(page) == 2
    assert page.links[0].published_raw.startswith("2026-03-02")
    assert page.fault


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html><title>Ups</title></html>", "HTML page .'Ups'. instead of a sitemap"),
        (b"tidak ada apa-apa", "not a sitemap"),
        (b"<urlset", "broken sitemap"),
        (declare(LAUGHS, "&l9;").replace(b"rss", b"urlse"), "instead of a sitemap"),
    ],
    ids=["html", "text", "cut-off", "other-root"],
)
def test_what_is_no_sitemap_is_told_in_words(body: bytes, message: str) -> None:
    with pytest.raises(ChannelError, match=message):
        read_sitemap(body)


@pytest.mark.slow
@pytest.mark.timeout(20)
def test_sitemap_of_the_largest_size_is_read() -> None:
    entry = b"<url><loc>/berita/%d</loc><lastmod>2026-03-02</lastmod></url>"
    entries = b"".join(entry % number for number in range(50_001))
    assert len(read_sitemap(b"<urlset>" + entries + b"</urlset>")) == 50_000


# ── WordPress REST ─────────────────────────────────────────────────────────────────────────────────────────────────


def make_post(**changes: Any) -> dict[str, Any]:
    post = {
        "id": 7,
        "date": "2026-03-02T18:15:00",
        "date_gmt": "2026-03-02T10:15:00",
        "modified": "2026-03-02T19:00:00",
        "modified_gmt": "2026-03-02T11:00:00",
        "guid": {"rendered": "https://kabarteluk.example/?p=7"},
        "link": "https://kabarteluk.example/rakernas/",
        "title": {"rendered": "Rakernas &#8220;APEKSI&#8221;"},
        "excerpt": {"rendered": "<p>Ringkas</p>"},
        "content": {"rendered": TEXT, "protected": False},
        "jetpack_featured_media_url": "https://kabarteluk.example/g.jpg",
        "_embedded": {"author": [{"name": "Rina Malik"}]},
    }
    return post | changes


def read_posts(answer: Any) -> ChannelPage:
    return parse_channel(json.dumps(answer).encode(), URL, "application/json", kind=ChannelKind.WORDPRESS)


@pytest.mark.parametrize("wrap", [lambda post: [post], lambda post: post], ids=["list", "single"])
def test_rest_post_is_read_whole(wrap: Any) -> None:
    assert read_posts(wrap(make_post())).links == (
        ArticleLink(
            url="https://kabarteluk.example/rakernas/",
            title="Rakernas “APEKSI”",
            published_raw="2026-03-02T10:15:00Z",
            modified_raw="2026-03-02T11:00:00Z",
            author="Rina Malik",
            summary="<p>Ringkas</p>",
            content_html=TEXT,
            guid="https://kabarteluk.example/?p=7",
            image="https://kabarteluk.example/g.jpg",
        ),
    )


def test_empty_list_of_posts_is_an_answer() -> None:
    assert read_posts([]).links == ()


@pytest.mark.parametrize(
    ("changes", "name", "expected"),
    [
        ({"date_gmt": "0000-00-00T00:00:00"}, "published_raw", "2026-03-02T18:15:00"),
        ({"date_gmt": None}, "published_raw", "2026-03-02T18:15:00"),
        ({"_embedded": {"author": [{"code": "rest_user"}]}, "yoast_head_json": {"author": "Budi"}}, "author", "Budi"),
        ({"_embedded": None}, "author", ""),
        ({"_embedded": {"author": "Rina"}}, "author", ""),
        ({"content": {"rendered": "<div></div>"}}, "content_html", ""),
        ({"content": None}, "content_html", ""),
        ({"title": "Rakernas"}, "title", ""),
        ({"jetpack_featured_media_url": 5, "yoast_head_json": {"og_image": [{"url": f"{URL}y"}]}}, "image", f"{URL}y"),
    ],
    ids=[
        "zero-date",
        "no-date",
        "hidden-author",
        "no-author",
        "odd-author",
        "page-builder",
        "no-content",
        "odd-title",
        "image",
    ],
)
def test_odd_fields_of_a_post(changes: dict[str, Any], name: str, expected: str) -> None:
    assert getattr(read_posts([make_post(**changes)]).links[0], name) == expected


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"code": "rest_no_route", "data": {"status": 404}}, "WordPress says rest_no_route"),
        ({"code": {"x": 1}}, "WordPress says"),
        ([{"id": 1}], "no posts"),
        ({"name": "Kabar Teluk", "routes": {}}, "no posts"),
        ("teks", "instead of a wordpress"),
        ([[[[make_post()]]]], "no posts"),
    ],
    ids=["error", "odd-error", "no-links", "root", "string", "nested"],
)
def test_rest_answer_without_posts_is_an_error(answer: Any, message: str) -> None:
    with pytest.raises(ChannelError, match=message):
        read_posts(answer)


def test_number_of_thousands_of_digits_is_an_error() -> None:
    with pytest.raises(ChannelError, match="broken JSON"):
        parse_channel(b'[{"id": ' + b"9" * 10_000 + b"}]", URL)


# ── without being told the kind ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "links", "children"),
    [
        (WHOLE.encode(), 8, 0),
        (NEWS_SITEMAP, 2, 0),
        (INDEX, 0, 2),
        (json.dumps([make_post()]).encode(), 1, 0),
        (b"<a:feed xmlns:a='http://www.w3.org/2005/Atom'></a:feed>", 0, 0),
        (b"".join(b"<li><a href=/b/%d/x-y-z>Judul berita yang panjang %d</a>" % (n, n) for n in range(5)), 5, 0),
    ],
    ids=["feed", "sitemap", "index", "rest", "prefixed-atom", "listing"],
)
def test_the_body_tells_what_it_is(body: bytes, links: int, children: int) -> None:
    page = parse_channel(body, URL)
    assert (len(page), len(page.sitemaps)) == (links, children)
