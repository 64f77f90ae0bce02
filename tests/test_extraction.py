"""The steps of extraction one by one, and hostile bytes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from aggregator.dedup import hash_paragraph
from aggregator.models import ArticleLink, DatePrecision
from crawler.extraction import (
    Profile,
    ProfileError,
    clean_fragment,
    extract_article,
    link_to_article,
    load_profiles,
)
from crawler.extraction.authors import read_names
from crawler.extraction.decoding import read_utf8
from crawler.extraction.furniture import Strength, is_furniture_line, judge_element, judge_ending
from crawler.extraction.jsonld import read_linked_article
from crawler.extraction.outline import outline_page
from crawler.extraction.page import read_page
from crawler.extraction.profiles import read_profiles

WIB = ZoneInfo("Asia/Jakarta")
NOW = datetime(2026, 8, 10, 5, 0, tzinfo=UTC)
URL = "https://portal.example/berita"
PROSE = (
    "Pemerintah kota menambah delapan halte di jalur utara supaya pekerja pabrik tidak lagi berjalan jauh saat malam.",
    "Halte dibangun dari bahan daur ulang, dan setiap halte dilengkapi lampu serta papan jadwal yang mudah dibaca.",
    "Warga diminta memberi masukan mengenai letak halte berikutnya lewat kantor kelurahan sampai akhir bulan ini.",
)
BODY = "".join(f"<p>{text}</p>" for text in PROSE)


def make_page(body: str, head: str = "") -> bytes:
    return f"<html><head><title>Delapan Halte Baru</title>{head}</head><body>{body}</body></html>".encode()


def read_text(body: str) -> list[str]:
    return extract_article(make_page(body), URL).text.split("\n")


# ── decoding ──


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        pytest.param("kafé".encode(), "kafé", id="utf-8"),
        pytest.param(b'<meta charset="iso-8859-1">' + "kafé".encode(), "kafé", id="utf-8-declared-latin-1"),
        pytest.param(b'<meta charset="utf-8">kaf\xe9 \x93kota\x94', "kafé “kota”", id="windows-1252-declared-utf-8"),
        pytest.param("kafé".encode() + b" \x96 kaf\xe9", "kafé – kafé", id="both-mixed"),
        pytest.param(b"\xef\xbb\xbfkota", "kota", id="byte-order-mark"),
        pytest.param("kafé kota pintar".encode("utf-16"), "kafé kota pintar", id="utf-16"),
        pytest.param("<p>kota pintar</p>".encode("utf-16-be"), "<p>kota pintar</p>", id="utf-16-without-mark"),
        pytest.param(b'<meta charset="shift_jis">' + "都市".encode("shift_jis"), "都市", id="declared-shift-jis"),
        pytest.param(b'<meta charset="unicode_escape">\\u0041\xe9', "\\u0041é", id="python-codec-is-not-a-charset"),
        pytest.param(b'<meta charset="no-such-thing">kaf\xe9', "kafé", id="unknown-charset"),
        pytest.param(b"ko\x00ta\x0b", "kota", id="control-characters"),
    ],
)
def test_page_is_decoded(raw: bytes, text: str) -> None:
    assert read_utf8(raw).decode("utf-8").removeprefix(_declaration(raw)) == text


def _declaration(raw: bytes) -> str:
    return raw[: raw.index(b">") + 1].decode("ascii") if raw.startswith(b"<meta") else ""


def test_script_with_a_less_than_sign_does_not_swallow_the_page() -> None:
    script = "<script>if (a<b && '" + "x" * 9_000 + "') {}</script>"
    page = make_page(script + "<!-- " + "y" * 70_000 + " -->" + BODY)
    assert extract_article(page, URL).text.split("\n") == list(PROSE)


# ── what is text and what is not ──


def test_line_breaks_divide_paragraphs() -> None:
    assert read_text("<div>" + "<br><br>".join(PROSE) + "</div>") == list(PROSE)


def test_inline_elements_do_not_divide_words() -> None:
    words = PROSE[0].replace("kota", "k<b>o</b>ta")
    assert read_text(f"<p>{words}</p>{BODY}")[0] == PROSE[0]


@pytest.mark.parametrize(
    "line",
    [
        "Baca juga: Jalan Baru Dibuka",
        "BACA JUGA :\u00a0Jalan Baru Dibuka",
        "Editor: Rina Kartika",
        "Pewarta : Rina Kartika",
        "Kontributor Rina Kartika",
        "Sumber: Diskominfo",
        "Ikuti berita terbaru kami di Google News",
        "Dapatkan kabar pilihan lewat saluran WhatsApp kami",
        "Artikel ini telah tayang di Portal Contoh dengan judul Halte",
        "SCROLL TO CONTINUE WITH CONTENT",
        "ADVERTISEMENT",
        ": Rina Kartika",
        "- Iklan -",
        "Halaman: 1 2 3",
        "Pilihan Redaksi",
        "Saksikan video di bawah ini",
    ],
)
def test_furniture_line(line: str) -> None:
    assert is_furniture_line(" ".join(line.split()))
    assert read_text(f"{BODY}<p>{line}</p>{BODY}") == [*PROSE, *PROSE]


@pytest.mark.parametrize(
    "line",
    [
        "Bacaan anak di perpustakaan kota bertambah seribu judul.",
        "Editor surat kabar itu hadir dalam pelantikan.",
        "Sumber air di tiga kelurahan mengering sejak Juli.",
        "Ikuti aturan lalu lintas, kata kepala dinas perhubungan.",
        "Iklan rokok dilarang di jalan protokol.",
        "Oleh sebab itu, pemerintah kota menunda pembangunan.",
        "Foto udara menunjukkan sawah yang menyusut.",
    ],
)
def test_prose_that_begins_like_furniture(line: str) -> None:
    assert not is_furniture_line(line)


@pytest.mark.parametrize("initials", ["lg", "mk/el", "*an-", "(rs)", "(Fyk/ash)", "[red/02]"])
def test_initials_at_the_end_go(initials: str) -> None:
    assert read_text(f"{BODY}<p>{initials}</p>") == list(PROSE)


@pytest.mark.parametrize(
    ("end", "kept"),
    [(" (rs)", ""), ("(fyk/ash)", ""), (" [red]", ""), (" (lihat tabel)", " (lihat tabel)"), (" (2026)", " (2026)")],
)
def test_initials_after_the_last_sentence_go(end: str, kept: str) -> None:
    assert read_text(f"{BODY[:-4]}{end}</p>") == [*PROSE[:-1], PROSE[-1] + kept]


@pytest.mark.parametrize(
    ("tag", "attributes", "strength"),
    [
        pytest.param("div", {"class": "relatedPosts"}, Strength.STRONG, id="camel-case"),
        pytest.param("div", {"class": "td_block_related_posts"}, Strength.STRONG, id="underscores"),
        pytest.param("div", {"id": "comments"}, Strength.STRONG, id="id"),
        pytest.param("div", {"class": "content-with-sidebar"}, Strength.WEAK, id="wrapper-maybe"),
        pytest.param("nav", {}, Strength.STRONG, id="tag"),
        pytest.param("div", {"role": "navigation"}, Strength.WEAK, id="role"),
        pytest.param("div", {"style": "DISPLAY : none"}, Strength.WEAK, id="unseen"),
        pytest.param("div", {"class": "post type-post tag-share hentry"}, Strength.NONE, id="post-classes"),
        pytest.param("body", {"class": "has-sidebar"}, Strength.NONE, id="body"),
        pytest.param("div", {"class": "elementor-widget-container"}, Strength.NONE, id="builder"),
        pytest.param("div", {"class": "unrelated commentary"}, Strength.NONE, id="longer-words"),
        pytest.param("div", {}, Strength.NONE, id="nothing"),
    ],
)
def test_element_is_judged_by_its_names(tag: str, attributes: dict[str, str], strength: Strength) -> None:
    assert judge_element(tag, attributes) == (strength, "")


def test_container_is_known_by_its_names() -> None:
    assert judge_element("div", {"class": "td-post-content tagdiv-type"}) == (
        Strength.NONE,
        "td-post-content tagdiv-type",
    )
    assert judge_element("div", {"itemprop": "articleBody"}) == (Strength.NONE, "articleBody")
    assert judge_element("div", {"class": "ArticleBody__text", "id": "a"})[1] == "ArticleBody__text a"


def test_wrapper_named_like_furniture_keeps_the_article() -> None:
    assert read_text(f'<div class="layout-sidebar">{BODY}</div><div class="sidebar"><p>{PROSE[0][:60]}.</p></div>') == [
        *PROSE
    ]


def test_inline_related_heading_does_not_cut_the_article() -> None:
    assert judge_ending("Berita Terkait") is Strength.WEAK
    assert read_text(f"{BODY}<h3>Berita Terkait</h3><ul><li><a href='/x'>Lain</a></li></ul>{BODY}") == [*PROSE, *PROSE]


def test_nothing_follows_the_heading_of_the_comments() -> None:
    assert judge_ending("Tinggalkan Balasan") is Strength.STRONG
    assert read_text(f"{BODY}{BODY}<h3>Tinggalkan Balasan</h3><p>{PROSE[0]}</p>") == [*PROSE, *PROSE]


COMMENT = f"<b>Warga</b><p>{PROSE[2]}</p><a href='#'>Balas</a>"


@pytest.mark.parametrize(
    "comments",
    [
        pytest.param(f"<div class=x><h3>3 tanggapan</h3><ol>{f'<li>{COMMENT}</li>' * 9}</ol></div>", id="in-a-box"),
        pytest.param(f"<h3>12 Comments</h3>{f'<div>{COMMENT}</div>' * 9}", id="beside-the-text"),
    ],
)
def test_readers_comments_are_no_text_however_long(comments: str) -> None:
    assert read_text(f"<article><h1>Delapan Halte Baru</h1>{BODY}{comments}</article>") == list(PROSE)


def test_count_of_comments_above_the_text_ends_nothing() -> None:
    assert read_text(f"<article><h1>Delapan Halte Baru</h1><a>3 komentar</a>{BODY}</article>") == list(PROSE)


@pytest.mark.parametrize("make", ["<article class=isi><h1>{}</h1>{}</article>", "<h1>{}</h1><div class=isi>{}</div>"])
def test_of_articles_below_each_other_the_one_of_the_title_counts(make: str) -> None:
    other = make.format("Pasar Malam Dibuka Kembali", f"<p>{PROSE[0].replace('halte', 'kios')}</p>" * 6)
    assert read_text(f"<main>{make.format('Delapan Halte Baru', BODY)}<hr>{other}</main>") == list(PROSE)


def test_headings_of_the_first_rank_inside_the_text_do_not_end_it() -> None:
    inside = f"<h1>Delapan Halte Baru</h1><div class=entry-content>{BODY}<h1>Tahap Kedua</h1>{BODY}</div>"
    assert read_text(inside) == [*PROSE, "Tahap Kedua", *PROSE]


@pytest.mark.parametrize(
    ("end", "kept"),
    [
        (" Baca Juga: <a href='/x'>Jalan Lingkar Dibuka</a>", ""),
        (" (Lihat juga : <a href='/x'>Jalan Lingkar Dibuka</a>)", ""),
        (" Baca juga: perda nomor 3 yang baru.", " Baca juga: perda nomor 3 yang baru."),
    ],
)
def test_pointer_at_the_end_of_a_paragraph_goes_if_it_is_linked(end: str, kept: str) -> None:
    assert read_text(f"<p>{PROSE[0]}{end}</p>{BODY}") == [PROSE[0] + kept, *PROSE]


@pytest.mark.parametrize(
    "pointer", ["<b>Baca Juga: <a href='/x'>Pasar</a></b>", "<b>Baca juga:</b> <a href='/x'>Pasar</a>"]
)
def test_pointer_inside_a_sentence_goes(pointer: str) -> None:
    start, end = PROSE[0].split(" di jalur ")
    assert read_text(f"<p>{start} {pointer} di jalur {end}</p>{BODY}") == [*PROSE[:1], *PROSE]
    assert clean_fragment(f"<p>{start} {pointer} di jalur {end}</p>") == PROSE[0]


def test_dateline_in_an_element_of_its_own_is_of_the_first_paragraph() -> None:
    assert read_text(f"<div><b>GORONTALO -</b>{BODY}</div>") == [f"GORONTALO - {PROSE[0]}", *PROSE[1:]]


@pytest.mark.parametrize("end", ["(Rina Kartika/portal)", "(mcr23/jpnn)", "(H-2)", "(*)", "(LB01)", "(adv/diskominfo)"])
def test_signature_behind_the_last_sentence_goes(end: str) -> None:
    assert read_text(f"{BODY[:-4]} {end}</p>") == [*PROSE]


def test_signature_with_the_portal_names_the_writer() -> None:
    page = make_page(
        f"<span class=author>rinak</span><p>Foto. (BUDI SETIADI/portal)</p>{BODY[:-4]} (Rina Kartika/Portal)</p>"
    )
    assert extract_article(page, URL).authors == ("Rina Kartika",)


def test_nothing_follows_the_initials_of_who_typed_it() -> None:
    assert read_text(f"{BODY}{BODY}<p><b>(mij/mij)</b></p><p>{PROSE[0]}</p>") == [*PROSE, *PROSE]


def test_paragraph_after_a_box_of_pointers_stays() -> None:
    box = "<div class=kotak><p>Baca Juga:</p><a href='/x'>Jalan Lingkar Dibuka Pekan Ini</a></div>"
    assert read_text(f"<article>{BODY}{box}<p>{PROSE[1]}</p></article>") == [*PROSE, PROSE[1]]


def test_linked_sentence_stays_and_linked_title_goes() -> None:
    sentence = "Jumlah penumpang naik dua kali lipat dalam setahun menurut catatan dinas."
    linked = f'<p><a href="/a">{sentence}</a></p><p><a href="/b">Jalan Lingkar Dibuka Akhir Pekan Ini</a></p>'
    assert read_text(f"<div>{BODY}{linked}{BODY}</div>") == [*PROSE, sentence, *PROSE]


def test_article_in_several_pieces_is_taken_whole() -> None:
    piece = f'<div class="row"><div class="article-body">{BODY}</div></div>'
    assert read_text(f"<main><h1>Delapan Halte Baru</h1>{piece * 3}</main>") == list(PROSE) * 3


def test_long_caption_is_text_and_short_one_is_not() -> None:
    long = " ".join(PROSE)
    captions = f"<figure><figcaption>Halte di jalur utara</figcaption></figure><figure><figcaption>{long}</figcaption>"
    assert read_text(f'<div class="entry-content">{BODY}{captions}</figure></div>') == [*PROSE, long]


def test_outline_nodes_hold_the_blocks_under_them() -> None:
    page = read_page(make_page('<div id="a"><p>Satu</p><div>Dua<p>Tiga</p>Empat</div></div>'), URL)
    assert page is not None
    outline = page.outline
    texts = {
        (node.tag, element.get("id")): [block.text for block in outline.blocks[node.first : node.end]]
        for node, element in zip(outline.nodes, outline.elements, strict=True)
    }
    assert texts["div", "a"] == ["Satu", "Dua", "Tiga", "Empat"]
    assert texts["div", None] == ["Dua", "Tiga", "Empat"]


def test_outline_counts_linked_characters() -> None:
    page = read_page(make_page('<p>abcd <a href="/x">efgh</a></p>'), URL)
    assert page is not None
    (block,) = outline_page(page.root).blocks
    assert (block.text, block.link_chars) == ("abcd efgh", 4)


# ── metadata, authors, titles ──


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("Rina Kartika", ("Rina Kartika",)),
        ("Oleh: Rina Kartika", ("Rina Kartika",)),
        ("By Rina Kartika on 16 Feb 2026 at 09:10 WIB", ("Rina Kartika",)),
        ("Posted by rinakartika", ("rinakartika",)),
        ("Rina Kartika - portalNews", ("Rina Kartika",)),
        ("By Rina Kartika Updated: Dec 19, 2025 1:06 PM EST", ("Rina Kartika",)),
        ("Rina Kartika, Agustus 7, 2026", ("Rina Kartika",)),
        ("Rina Kartika | Diperbarui 7/8/2026", ("Rina Kartika",)),
        ("Published on 7 August 2026 by Rina Kartika", ("Rina Kartika",)),
        ("Telah diterbitkan 7 Agustus 2026", ()),
        ("7 Agu 2026", ()),
        ("Rina Kartika Monday, August 7, 2026", ("Rina Kartika",)),
        ("FRI Universitas Contoh", ("FRI Universitas Contoh",)),
        ("Rina Kartika @rinakartika", ("Rina Kartika",)),
        ("Rina Kartika Rina Kartika", ("Rina Kartika",)),
        ("Analysis by Rina Kartika", ("Rina Kartika",)),
        ("View all posts by Rina Kartika", ("Rina Kartika",)),
        ("Reviewed by Rina Kartika", ()),
        ("The Associated Press", ()),
        ("Tentang Penulis", ()),
        ("Rina Kartika Jurnalis", ("Rina Kartika",)),
        ("Rina Kartika dan Budi Setiadi", ("Rina Kartika", "Budi Setiadi")),
        ("Rina Kartika, S.Sos., M.Si", ("Rina Kartika, S.Sos., M.Si",)),
        ("Rina Kartika, Budi Setiadi", ("Rina Kartika", "Budi Setiadi")),
        ("Kontributor Bima, Rina Kartika", ("Rina Kartika",)),
        ("Redaksi", ()),
        ("Tim Redaksi", ()),
        ("Admin", ()),
        ("admin_kota", ()),
        ("Humas Pemkot", ()),
        ("Portal", ()),
        ("Portal Cyber Media", ()),
        ("portal.example", ()),
        ("https://portal.example/rina", ()),
        ("redaksi@portal.co.id", ()),
        ("", ()),
        ("12345", ()),
        ("x" * 5_000, ()),
    ],
    ids=lambda value: str(value)[:30] or "empty",
)
def test_byline_names_persons_only(said: str, names: tuple[str, ...]) -> None:
    assert read_names(said, url=URL) == names


def test_label_in_the_text_beats_the_account_that_posted() -> None:
    page = make_page(
        f'<span class="author vcard"><a rel="author">petugas7</a></span>{BODY}<p>Penulis: Rina Kartika</p>'
    )
    assert extract_article(page, URL).authors == ("Rina Kartika",)


def test_commenter_and_photographer_are_no_authors() -> None:
    page = make_page(
        f'{BODY}<figure><span class="author">Rina Kartika</span></figure>'
        f'<ol class="commentlist"><li><cite class="author">Budi Setiadi</cite></li></ol>'
    )
    assert extract_article(page, URL).authors == ()


@pytest.mark.parametrize(
    ("head", "body", "title"),
    [
        pytest.param(
            '<meta property="og:title" content="Kota Contoh Tambah Halte di Portal Utara">',
            "<h1>Kota Contoh Tambah Halte di Portal Utara</h1>",
            "Kota Contoh Tambah Halte di Portal Utara",
            id="the-host-s-name-in-a-headline",
        ),
        pytest.param(
            '<meta property="og:title" content="Delapan Halte Baru di Utara | Portal">',
            "<h1>Berita</h1><h2>Delapan Halte Baru di Utara</h2>",
            "Delapan Halte Baru di Utara",
            id="h1-is-the-rubric",
        ),
        pytest.param(
            '<meta property="og:title" content="Delapan Halte Baru di Utara | Portal">'
            '<meta property="og:site_name" content="Portal">',
            "",
            "Delapan Halte Baru di Utara",
            id="no-heading",
        ),
        pytest.param("", "<h1>Delapan<br>Halte <b>Baru</b></h1>", "Delapan Halte Baru", id="line-break-inside"),
        pytest.param("", "<h1>Portal</h1>", "Delapan Halte Baru", id="logo-in-h1"),
        pytest.param(
            '<meta property="og:title" content="Halte &amp;quot;Utara&amp;quot; Dibuka">',
            "",
            'Halte "Utara" Dibuka',
            id="escaped-twice",
        ),
    ],
)
def test_title(head: str, body: str, title: str) -> None:
    assert extract_article(make_page(body + BODY, head), URL).title == title


@pytest.mark.parametrize(
    "script",
    [
        '{"@type":"NewsArticle","headline":"Halte","author":{"name":"Rina"}}',
        '[{"@type":"WebSite"},{"@type":"NewsArticle","headline":"Halte","author":["Rina"]}]',
        '{"@graph":[{"@type":"BlogPosting","headline":["Halte"],"author":{"@id":"#r"}},{"@id":"#r","name":"Rina"}]}',
        '<!-- {"@type":["Thing","Article"],"headline":"Halte","author":[{"name":"Rina"}],} -->',
        '{"@type":"NewsArticle","headline":"Hal\nte ","author":{"@type":"Person","name":"Rina"},}'.replace(
            "\nte", "te"
        ),
    ],
    ids=["object", "list", "graph", "comment-and-comma", "person"],
)
def test_linked_data_in_its_many_forms(script: str) -> None:
    linked = read_linked_article([script])
    assert (linked.headline, linked.authors) == ("Halte", ("Rina",))


@pytest.mark.parametrize(
    "script",
    ["", "{", "null", "3", '"x"', "[" * 100_000, '{"@type":"Article","headline":' + "9" * 10_000 + "}"],
    ids=["empty", "open", "null", "number", "string", "deep", "long-number"],
)
def test_broken_linked_data_is_skipped(script: str) -> None:
    assert read_linked_article([script, '{"@type":"Article","headline":"Halte"}']).headline == "Halte"


@pytest.mark.parametrize(
    "script",
    [
        pytest.param('{%s, "headline": "Program "Halte Baru" Dimulai", %s, %s}', id="quotes-in-the-headline"),
        pytest.param('{%s "headline": "Program \\"Halte Baru\\" Dimulai", %s, %s}', id="missing-comma"),
        pytest.param('{%s, "headline": "Program \\"Halte Baru\\" Dimulai", %s, %s', id="cut-off"),
        pytest.param('{%s, "headline": "Program \\"Halte Baru\\" Dimulai", %s, %s,}}}', id="one-brace-too-many"),
    ],
)
def test_broken_linked_data_is_read_as_far_as_possible(script: str) -> None:
    parts = (
        '"@type": "NewsArticle"',
        '"datePublished": "2026-08-10T09:15:00+07:00"',
        '"author": {"name": "Rina Kartika"}',
    )
    linked = read_linked_article([script % parts])
    assert linked.headline == 'Program "Halte Baru" Dimulai'
    assert linked.published == "2026-08-10T09:15:00+07:00"
    assert linked.authors == ("Rina Kartika",)


def test_address_for_phones_is_absolute() -> None:
    assert (
        extract_article(make_page(BODY, "<link rel=amphtml href=/amp/1>"), URL).amp_url
        == "https://portal.example/amp/1"
    )


@pytest.mark.parametrize(("kind", "authors"), [("Person", ("kedaikata",)), ("Thing", ())])
def test_writer_after_whom_a_blog_is_named_is_a_person(kind: str, authors: tuple[str, ...]) -> None:
    script = (
        '{"@type":"Article","headline":"Halte","author":{"@type":"%s","name":"kedaikata"},'
        '"publisher":{"@type":"Organization","name":"kedaikata"}}'
    )
    page = make_page(
        f"<div class=author>By kedaikata</div>{BODY}<script type=application/ld+json>{script % kind}</script>"
    )
    assert extract_article(page, URL).authors == authors
    named = page.replace(b"<title>", b"<meta property=og:site_name content=KedaiKata><title>")
    assert extract_article(named, URL).authors == ()


def test_organization_is_no_author() -> None:
    script = '{"@type":"Article","headline":"Halte","author":{"@type":"NewsMediaOrganization","name":"Portal"}}'
    assert read_linked_article([script]).authors == ()


# ── dates ──


@pytest.mark.parametrize(
    ("body", "published", "method"),
    [
        pytest.param(
            '<time datetime="2026-08-09T10:11:12+07:00">x</time>', "2026-08-09T10:11:12+07:00", "time", id="time"
        ),
        pytest.param(
            '<aside><time datetime="2020-01-01T00:00:01+07:00">x</time></aside>'
            '<span class="tanggal">Minggu, 9 Agustus 2026 10:11 WIB</span>',
            "2026-08-09T10:11:00+07:00",
            "text",
            id="widget-is-not-asked",
        ),
        pytest.param(
            '<time class="updated" datetime="2026-08-09T12:00:00+07:00">x</time>'
            '<time class="published" datetime="2026-08-09T10:11:12+07:00">x</time>',
            "2026-08-09T10:11:12+07:00",
            "time",
            id="publication-before-update",
        ),
        pytest.param(
            '<meta itemprop="datePublished" content="2026-08-09"><p class="date">Minggu, 9 Agustus 2026 10:11 WIB</p>',
            "2026-08-09T10:11:00+07:00",
            "text",
            id="clock-of-the-same-day",
        ),
        pytest.param(
            '<meta itemprop="datePublished" content="2026-08-09T10:11:30Z"><p class="date">9/8/2026 10:11 WIB</p>',
            "2026-08-09T10:11:30+07:00",
            "itemprop",
            id="local-time-labelled-utc",
        ),
        pytest.param(
            '<meta itemprop="datePublished" content="2026-08-09T03:11:30Z"><p class="date">9/8/2026 10:11 WIB</p>',
            "2026-08-09T03:11:30+00:00",
            "itemprop",
            id="utc-that-is-utc",
        ),
        pytest.param(
            '<time class="updated" datetime="2026-08-09T12:00:00+07:00">x</time>',
            "2026-08-09T12:00:00+07:00",
            "modified",
            id="only-an-update",
        ),
    ],
)
def test_date_of_publication(body: str, published: str, method: str) -> None:
    article = extract_article(make_page(f"<h1>Delapan Halte Baru</h1>{body}{BODY}"), URL, zone=WIB, now=NOW)
    want = datetime.fromisoformat(published)
    assert article.published == want
    assert article.published is not None
    assert article.published.utcoffset() == want.utcoffset()
    assert article.published_method == method


def test_page_without_a_date_has_none() -> None:
    article = extract_article(make_page(BODY), URL, zone=WIB, now=NOW)
    assert (article.published, article.published_precision, article.published_method) == (None, None, "")


# ── profiles ──


def test_profile_names_the_container_and_what_to_drop() -> None:
    profile = Profile(
        name="x", container=("#isi",), drop=(".kotak", "span.promo"), title=("b.judul",), author=("i.siapa",)
    )
    page = make_page(
        f'<b class="judul">Halte Utara</b><i class="siapa">Rina Kartika</i><div>{BODY}</div>'
        f'<div id="isi"><p>{PROSE[0]}<span class="promo"> Klik sekarang!</span></p><p>{PROSE[2]}</p>'
        f'<div class="kotak"><p>{PROSE[1]}</p></div></div>'
    )
    article = extract_article(page, URL, profile=profile)
    assert (article.title, article.authors, article.text) == (
        "Halte Utara",
        ("Rina Kartika",),
        f"{PROSE[0]}\n{PROSE[2]}",
    )


def test_profile_container_without_text_is_passed_over() -> None:
    article = extract_article(
        make_page(f'<div id="isi"></div>{BODY}'), URL, profile=Profile(name="x", container=("#isi",))
    )
    assert article.text.split("\n") == list(PROSE)


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({"x": {"container": [":::"]}}, "'x': 'container' holds ':::'"),
        ({"x": {"contaner": ["a"]}}, "'x': unknown key 'contaner'"),
        ({"x": {"drop": "a"}}, "'x': 'drop' is a list"),
        ({"x": 3}, "'x': a table"),
    ],
    ids=["selector", "key", "type", "table"],
)
def test_unusable_profile_is_refused(table: dict[str, object], complaint: str) -> None:
    with pytest.raises(ProfileError, match=complaint):
        read_profiles(table)


def test_operator_s_profiles_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "profiles.toml"
    path.write_text('[portal]\nhosts = ["portal.example"]\ncontainer = ["#isi"]\n', encoding="utf-8")
    assert load_profiles(path)["portal"] == Profile(name="portal", hosts=("portal.example",), container=("#isi",))
    path.write_text("[portal", encoding="utf-8")
    with pytest.raises(ProfileError, match=r"profiles\.toml"):
        load_profiles(path)


# ── fragments ──


def test_fragment_keeps_paragraphs_and_drops_furniture() -> None:
    fragment = (
        f"{BODY}<figure><img src='/a.jpg'><figcaption>Halte</figcaption></figure><p>Baca juga: Halte Lain</p>"
        "<script>var a;</script><!-- catatan --><div class='sharedaddy'>Bagikan</div><p>lg</p>"
    )
    assert clean_fragment(fragment, URL).split("\n") == list(PROSE)


@pytest.mark.parametrize(
    ("fragment", "text"),
    [
        ("", ""),
        ("Teks polos saja tanpa penanda apa pun di dalamnya.", "Teks polos saja tanpa penanda apa pun di dalamnya."),
        ("Harga &lt; 5 ribu &amp; stok banyak, kata pedagang.", "Harga < 5 ribu & stok banyak, kata pedagang."),
        ("https://portal.example/halaman", "https://portal.example/halaman"),
        ('<?xml version="1.0"?><p>Isi berita kota hari ini.</p>', "Isi berita kota hari ini."),
        (
            "<p>Isi berita kota hari ini.<br>Baris kedua juga ada.</p",
            "Isi berita kota hari ini.\nBaris kedua juga ada.",
        ),
    ],
    ids=["empty", "plain", "entities", "address", "xml-declaration", "half-a-tag"],
)
def test_fragment_of_any_form(fragment: str, text: str) -> None:
    assert clean_fragment(fragment) == text


def test_link_with_full_text_becomes_an_article() -> None:
    link = ArticleLink(
        url=URL,
        title="Halte &#8220;Utara&#8221; Dibuka",
        published_raw="2026-08-09T10:11:12+07:00",
        author="Oleh Rina Kartika",
        summary="<p>Ringkasan singkat dari berita.</p>",
        content_html=f"<h2>Halte</h2>{BODY}<img src='/a.jpg'>",
        tags=("Halte", "Angkutan &amp; Jalan", "Halte"),
    )
    article = link_to_article(link, zone=WIB, now=NOW)
    assert article.title == "Halte “Utara” Dibuka"
    assert article.authors == ("Rina Kartika",)
    assert article.published == datetime.fromisoformat("2026-08-09T10:11:12+07:00")
    assert article.published_precision is DatePrecision.SECOND
    assert (article.published_method, article.method) == ("channel", "channel")
    assert article.text.split("\n")[-3:] == list(PROSE)
    assert article.summary == "Ringkasan singkat dari berita."
    assert article.image == "https://portal.example/a.jpg"
    assert article.tags == ("Halte", "Angkutan & Jalan")
    assert set(map(hash_paragraph, PROSE)) <= set(article.boilerplate)


def test_bare_link_becomes_an_empty_article() -> None:
    article = link_to_article(ArticleLink(url=URL), zone=None, now=None)
    assert (article.text, article.title, article.published) == ("", "", None)


# ── a page that says little in its head ──


@pytest.mark.parametrize("window", ["", "Kabar Uji", "Kabar Uji Portal Berita Nusantara"])
def test_only_heading_is_the_title_where_the_window_says_the_sites_name(window: str) -> None:
    body = "".join(f"<p>{paragraph}</p>" for paragraph in PROSE)
    page = f"<title>{window}</title><body><article><h1>Halte baru dibuka di tiga kelurahan</h1>{body}</article>"
    assert extract_article(page.encode(), URL).title == "Halte baru dibuka di tiga kelurahan"


# ── hashes ──


def test_hash_ignores_case_spaces_and_signs() -> None:
    same = [
        hash_paragraph(text) for text in ("Baca juga: KOTA Pintar!", "baca  juga kota pintar", "ﬁle kota", "file kota")
    ]
    assert same[0] == same[1]
    assert same[2] == same[3]
    assert same[0] != same[2]


def test_hashes_are_signed_64_bit_and_never_change() -> None:
    assert (hash_paragraph("kota pintar"), hash_paragraph("")) == (HASH_OF_KOTA_PINTAR, HASH_OF_NOTHING)
    assert all(-(2**63) <= number < 2**63 for number in map(hash_paragraph, map(str, range(200))))


HASH_OF_KOTA_PINTAR = 9050768923931023757
HASH_OF_NOTHING = -1970711489451281740
