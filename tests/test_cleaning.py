"""Whatever a portal sends comes out as text that XML, SQLite and HTML can hold."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree, html

from aggregator.cleaning import (
    _STRANGE,
    MAX_MARKUP_TAGS,
    MAX_URL_LENGTH,
    clean_html,
    clean_paragraphs,
    clean_text,
    cut_text,
    safe_url,
    xml_safe,
)

# Hypothesis leaves lone surrogates out of text() unless they are asked for.
ANY_TEXT = st.text(st.characters(exclude_categories=()) | st.sampled_from("<>&;\"'\n\r\t\x00\u200b\u202e\ud800\u0301"))
PIECES = (
    *(
        "<p>",
        "</p>",
        "<script>",
        "</script>",
        "<!--",
        "-->",
        "<a href='javascript:x'>",
        "<a href=//x>",
        "<svg onload=x>",
    ),
    *("<", "<b", ">", "&amp;", "&lt;", "&#0;", "&#55357;", "]]>", "<![CDATA[", "kota", " ", "\n", "\ud83d", "é"),
)
MARKUP = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param("Kota Palu", "Kota Palu", id="plain"),
        pytest.param("a\x00b\x08c\x1bd\x9fe", "abcde", id="controls"),
        pytest.param("a\ud800b\udfffc", "abc", id="lone surrogates"),
        pytest.param("a\ufffeb\uffffc\ufdd0d", "abcd", id="noncharacters"),
        pytest.param("a\r\nb\rc\u2028d\u2029e\x85f", "a\nb\nc\nd\ne\nf", id="line breaks"),
        pytest.param("a\xa0b\u2009c\u3000d\x0be\x1ff", "a b c d e f", id="spaces"),
        pytest.param("Cafe\u0301", "Café", id="NFC"),
        pytest.param("tab\tdan\nbaris", "tab\tdan\nbaris", id="tab and newline stay"),
        pytest.param("🏙 kota", "🏙 kota", id="beyond the BMP"),
    ],
)
def test_xml_safe(raw: str, expected: str) -> None:
    assert xml_safe(raw) == expected


@given(ANY_TEXT)
def test_xml_safe_text_is_accepted_by_lxml_and_unchanged_by_a_round_trip(raw: str) -> None:
    element = etree.Element("a")
    element.text = xml_safe(raw)
    assert (etree.fromstring(etree.tostring(element, encoding="utf-8")).text or "") == xml_safe(raw)


@given(ANY_TEXT)
def test_xml_safe_is_stable(raw: str) -> None:
    assert xml_safe(xml_safe(raw)) == xml_safe(raw)


def test_a_mountain_of_accents_does_not_stall_normalisation() -> None:
    started = time.perf_counter()
    assert len(xml_safe("a" + "\u0327\u0301" * 100_000)) <= 64
    assert time.perf_counter() - started < 1


def test_no_combining_mark_is_a_word_character_so_that_runs_of_them_are_seen() -> None:
    marks = (chr(code) for code in range(0x110000) if unicodedata.combining(chr(code)))
    assert not [mark for mark in marks if mark.isalnum() or mark.isspace()]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param("  Wali\tKota \n Palu ", "Wali Kota Palu", id="whitespace"),
        pytest.param("Wali Kota &#8211; DPRD &amp; warga", "Wali Kota – DPRD & warga", id="entities left by a feed"),
        pytest.param("APEKSI &lt;b&gt;Rakernas&lt;/b&gt;", "APEKSI Rakernas", id="markup escaped twice"),
        pytest.param("Tarif &region naik &copy", "Tarif &region naik &copy", id="no entity without semicolon"),
        pytest.param("<b>Tarif</b> &region naik", "Tarif &region naik", id="no entity without semicolon beside tags"),
        pytest.param("R&D kota", "R&D kota", id="ampersand"),
        pytest.param("<b>Ko</b>ta <i>Palu</i>", "Kota Palu", id="inline tags join"),
        pytest.param("<p>Satu</p><p>Dua</p>tiga<br>empat", "Satu Dua tiga empat", id="block tags part"),
        pytest.param("Luas < 5 km dan > 3 km", "Luas < 5 km dan > 3 km", id="comparison"),
        pytest.param("Harga <Rp10.000 per kg", "Harga <Rp10.000 per kg", id="less-than glued to a word"),
        pytest.param("<script>alert(1)</script>Judul<style>p{}</style>", "Judul", id="scripts and styles"),
        pytest.param("a <!-- catatan <b>x</b> --> b", "a b", id="comment"),
        pytest.param("<img src=x onerror=alert(1)>Judul", "Judul", id="attribute with code"),
        pytest.param("Ko\u200bta\u00ad\ufeff \u202eilup\u202c \u2066x\u2069", "Kota ilup x", id="invisible and bidi"),
        pytest.param("AT&amp;amp;T", "AT&amp;T", id="one level only"),
        pytest.param("", "", id="empty"),
        pytest.param("\ud800<b>\x00", "", id="nothing left"),
    ],
)
def test_clean_text(raw: str, expected: str) -> None:
    assert clean_text(raw, limit=200) == expected


@given(ANY_TEXT | MARKUP, st.integers(1, 60))
def test_clean_text_is_one_safe_line_within_the_limit(raw: str, limit: int) -> None:
    cleaned = clean_text(raw, limit=limit)
    assert len(cleaned) <= limit
    assert cleaned == " ".join(cleaned.split())
    assert not set(cleaned) & set("\x00\ud800\u200b\u202e\ufeff")
    cleaned.encode()


def test_clean_paragraphs_keeps_one_paragraph_a_line() -> None:
    raw = "Paragraf  satu.\r\n\r\n \xa0\n<p>Dua.</p><p>Tiga &amp; empat.</p>\nlima"
    assert clean_paragraphs(raw, limit=1000) == "Paragraf satu.\nDua.\nTiga & empat.\nlima"


def test_clean_paragraphs_cuts_the_whole_text_at_the_limit() -> None:
    cleaned = clean_paragraphs("satu dua tiga\n" * 100, limit=40)
    assert cleaned == "satu dua tiga\nsatu dua tiga\nsatu dua…"


def test_clean_paragraphs_reads_as_much_as_its_limit_allows() -> None:
    text = "kata " * 100_000
    assert len(clean_paragraphs(text, limit=450_000)) > 449_000


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("pendek", 10, "pendek"),
        ("satu dua tiga empat", 14, "satu dua tiga…"),
        ("satu dua, tiga empat", 10, "satu dua…"),
        ("tanpaspasisamasekali", 10, "tanpaspas…"),
        ("a panjangsekalitanpaspasi", 12, "a panjangse…"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
    ],
)
def test_cut_text(text: str, limit: int, expected: str) -> None:
    assert cut_text(text, limit) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param("<p onclick=x class=y>Isi</p>", "<p>Isi</p>", id="attributes go"),
        pytest.param("<div><h1>A</h1><h2>B</h2></div>", "A<h2>B</h2>", id="unknown tags leave their text"),
        pytest.param(
            '<a href="https://x.example/a b" target=_blank>x</a>',
            '<a href="https://x.example/a%20b" rel="nofollow noopener noreferrer">x</a>',
            id="link",
        ),
        pytest.param('<a href="javascript:alert(1)">x</a>', '<a rel="nofollow noopener noreferrer">x</a>', id="script"),
        pytest.param('<a href="/lokal">x</a>', '<a rel="nofollow noopener noreferrer">x</a>', id="relative"),
        pytest.param("<iframe src=//x>dalam</iframe><form>f</form>Isi", "Isi", id="frames and forms with content"),
        pytest.param("<svg><script>x</script></svg><math>m</math>Isi", "Isi", id="foreign content"),
        pytest.param("a&#1;b\x00c\ud800d", "abcd", id="controls, also as entities"),
        pytest.param("Ko\u200bta \u202ex", "Kota x", id="invisible"),
        pytest.param("<p>buka", "<p>buka</p>", id="closed again"),
    ],
)
def test_clean_html(raw: str, expected: str) -> None:
    assert clean_html(raw) == expected


@given(MARKUP)
def test_clean_html_leaves_only_what_is_allowed(raw: str) -> None:
    cleaned = clean_html(raw)
    assert xml_safe(cleaned) == cleaned
    for element in html.fragment_fromstring(cleaned, create_parent="body").iterdescendants():
        assert element.tag in {"a", "blockquote", "br", "em", "h2", "h3", "h4", "li", "ol", "p", "strong", "ul"}
        assert set(element.attrib) <= {"href", "rel"}


@pytest.mark.parametrize("clean", [clean_html, lambda raw: clean_text(raw, limit=300)], ids=["html", "text"])
@pytest.mark.parametrize(
    "unit",
    [
        "<div>",
        "<ul><li>",
        "<nobr><b><i><u>",
        "<a><div>",
        "<",
        "<!--",
        "&",
        "&#",
        "<a ",
        "<p title='",
        "\u0301<b>",
        "</",
    ],
)
def test_hostile_repetition_is_bounded(clean: object, unit: str) -> None:
    started = time.perf_counter()
    assert callable(clean)
    clean(unit * (4_000_000 // len(unit)))
    assert time.perf_counter() - started < 2


def test_markup_beyond_the_bound_is_cut_not_refused() -> None:
    cleaned = clean_html("<p>a</p>" * MAX_MARKUP_TAGS)
    assert cleaned.count("<p>") == MAX_MARKUP_TAGS // 2


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("https://kota.example/a?b=1&c=2#d", "https://kota.example/a?b=1&c=2#d"),
        ("  HTTPS://Kota.example/x\n", "https://Kota.example/x"),
        ("http://127.0.0.1:8900/x", "http://127.0.0.1:8900/x"),
        ("http://[::1]:8900/x", "http://[::1]:8900/x"),
        ("https://kota.example/a b\tc\x00d", "https://kota.example/a%20b%09c%00d"),
        ("https://kota.example/bérita/\"<>'", "https://kota.example/b%C3%A9rita/%22%3C%3E'"),
        ("https://kota.example/%E2%80%93/100%25", "https://kota.example/%E2%80%93/100%25"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://kota.example/\ud800x", "https://kota.example/x"),
        ("https://kota.example", "https://kota.example"),
    ],
)
def test_safe_url_keeps_web_addresses(raw: str, expected: str) -> None:
    assert safe_url(raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://kota.example/",
        "//kota.example/",
        "/berita/1",
        "kota.example/berita",
        "https://",
        "https:///x",
        "https://?x",
        "https://user:pass@kota.example/",
        "https://kota.example@jahat.example/",
        "https://kota.example\\@jahat.example/",
        "https:\\\\jahat.example/",
        "https://kota example/",
        "https://kota.example\n.jahat.example/",
        "https://kota\x00.example/",
        "https://kota.example:port/",
        "https://kota.example:/",
        "https://..bücher.example/",
        "https://%6bota.example/",
        "java\nscript:alert(1)//https://x",
        "https://kota.example/" + "a" * MAX_URL_LENGTH,
        "https://kota.example/" + "é" * 1000,
    ],
)
def test_safe_url_refuses(raw: str) -> None:
    assert safe_url(raw) == ""


def test_nothing_strange_is_printable() -> None:
    assert not [hex(point) for point in range(0x110000) if chr(point).isprintable() and _STRANGE.match(chr(point))]


@settings(max_examples=200)
@given(st.sampled_from(["", "http://", "https://", "https://x.example/", "https://x@"]), ANY_TEXT)
def test_safe_url_is_ascii_stable_and_without_markup(start: str, rest: str) -> None:
    url = safe_url(start + rest)
    assert url.isascii()
    assert not set(url) & set('"<>\\ \n\t\x00')
    assert safe_url(url) == url
