"""Listing pages in the shapes that Indonesian portals and city sites have. Portals and news are invented."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from html import escape

import pytest

from aggregator.models import ArticleLink, ChannelKind, ChannelPage, Selectors
from crawler.channels import ChannelError, parse_channel

URL = "https://kabarteluk.example/berita"
HEADLINES = (
    "Wali Kota Resmikan Pusat Kendali Kota Cerdas di Balai Kota",
    "Rakernas APEKSI Bahas Pendanaan Layanan Dasar Perkotaan",
    "Pasar Ikan",  # a short one belongs to the list all the same
    "Dinas Perhubungan Uji Coba Bus Listrik di Dua Koridor",
    "Warga Kampung Teluk Terima Bantuan Perahu dari Pemerintah Kota",
    "DPRD Setujui Perubahan Anggaran Tahun Berjalan dengan Catatan",
)
PATHS = tuple(f"/berita/{number + 41}/{'-'.join(title.lower().split())}" for number, title in enumerate(HEADLINES))
NEWS = tuple(zip(HEADLINES, PATHS, strict=True))
MENU = "".join(f"<li><a href=/{name}>{name.title()}</a></li>" for name in ("beranda", "daerah", "ekonomi", "olahraga"))
OLD_NEWS = tuple(
    f"<a href=/berita/{number}/berita-lama-nomor-{number}>Berita lama yang banyak dibaca nomor {number}</a>"
    for number in range(1, 6)
)
TEASER = "Kegiatan itu dihadiri para lurah dan perwakilan warga, demikian keterangan tertulis pemerintah kota."


def make_page(main: str, *, head: str = "", beside: str = "", menu: str = MENU) -> bytes:
    return (
        f"<!DOCTYPE html><html lang=id><head><meta charset=utf-8><title>Berita | Kabar Teluk</title>{head}</head><body>"
        f"<header><a href=/><img src=/logo.png alt='Kabar Teluk, suara warga pesisir'></a><nav><ul>{menu}</ul></nav>"
        f"</header><div class=container><div class=row>{main}{beside}</div></div>"
        "<footer><p><a href=/pedoman>Pedoman Pemberitaan Media Siber</a> <a href=/tentang-kami>Tentang Kami dan Redaksi"
        "</a> <a href=/kontak>Hubungi Bagian Iklan Kami</a></p></footer></body></html>"
    ).encode()


def repeat(write: Callable[[str, str], str]) -> str:
    return "".join(write(escape(title), path) for title, path in NEWS)


def write_card_grid() -> bytes:
    cards = repeat(
        lambda title, path: (
            f"<div class=col-md-4><div class='card h-100'><a href={path}><img class=card-img-top src=/i.jpg alt=''></a>"
            f"<div class=card-body><a class=badge href=/kategori/pemerintahan-dan-pembangunan>Pemerintahan dan "
            f"Pembangunan"
            f"</a><h5 class=card-title><a href={path}>{title}</a></h5><p class=card-text>{TEASER}</p>"
            f"<small class=text-secondary>Senin, 2 Maret 2026 10:15 WIB</small></div></div></div>"
        )
    )
    pages = (
        "<ul class=pagination><li class='page-item active'><span class=page-link>1</span></li><li class=page-item>"
        "<a class=page-link href='?page=2'>2</a></li><li class=page-item><a class=page-link href='?page=9'>»</a></li>"
        "</ul>"
    )
    return make_page(f"<div class=row>{cards}</div>{pages}")


def write_linked_cards() -> bytes:
    cards = repeat(
        lambda title, path: (
            f"<a class=kartu href={path}><img src=/i.jpg alt=foto><h3>{title}</h3><p>{TEASER}</p><span>2 Maret "
            f"2026</span></a>"
        )
    )
    return make_page(f"<section class=kisi>{cards}</section><a class=btn href='/berita?page=2'>Selanjutnya</a>")


def write_media_objects() -> bytes:
    items = repeat(
        lambda title, path: (
            f"<div class='media mb-3'><a class=media-left href={path}><img src=/i.jpg></a><div class=media-body>"
            f"<h4 class=media-heading><a href={path}>{title}</a></h4>"
            f"<p class=text-muted>Diposting oleh Rina Malik | 02-03-2026</p><p>{TEASER} "
            f"<a href={path}>Baca berita selengkapnya &raquo;</a></p></div></div>"
        )
    )
    return make_page(f"<div class=col-lg-8>{items}<a href='/berita/page/2'>Halaman Berikutnya ›</a></div>")


def write_table() -> bytes:
    rows = repeat(lambda title, path: f"<tr><td>1</td><td>02/03/2026</td><td><a href={path}>{title}</a></td></tr>")
    return make_page(
        f"<table class=table><thead><tr><th>No<th>Tanggal<th>Judul</thead><tbody>{rows}</tbody></table>"
        "<a href='index.php?hal=1'>1</a> <a href='index.php?hal=2'>2</a> <a href='index.php?hal=3'>3</a>"
    )


def write_lead_list_and_popular_box() -> bytes:
    (lead, lead_path), *rest = NEWS
    items = "".join(
        f"<div class=item><div class=txt><h3><a href={path}>{title}</a></h3><span class=waktu>2 Maret 2026 | 10.15 "
        f"WIB</span>"
        "</div></div>"
        for title, path in rest
    )
    main = (
        f"<div class=col-8><div class=utama><a href={lead_path}><img src=/i.jpg></a><h1><a href={lead_path}>"
        f"{lead}</a></h1>"
        f"<span class=waktu>2 Maret 2026 | 11.00 WIB</span></div><div class=daftar>{items}</div>"
        "<a href='/berita/2'>Berikutnya »</a></div>"
    )
    popular = "".join(f"<div class=item><div class=txt><h3>{link}</h3></div></div>" for link in OLD_NEWS)
    return make_page(main, beside=f"<div class=col-4><h2>Terpopuler</h2>{popular}</div>")


def write_flat_sequence() -> bytes:
    flow = repeat(lambda title, path: f"<h3><a href={path}>{title}</a></h3><p><i>2 Maret 2026</i></p><p>{TEASER}</p>")
    return make_page(f"<div id=content>{flow}<p><a href='/berita?start=10'>Next</a></p></div>")


def write_page_builder() -> bytes:
    posts = repeat(
        lambda title, path: (
            f"<article class='elementor-post elementor-grid-item post-{len(title)} post'><div "
            f"class=elementor-post__text>"
            f"<h3 class=elementor-post__title><a href={path}> {title} </a></h3><div class=elementor-post__meta-data>"
            "<span class=elementor-post-author>Rina Malik</span><span class=elementor-post-date>2 Maret 2026</span>"
            "</div>"
            f"<div class=elementor-post__excerpt><p>{TEASER}</p></div><a class=elementor-post__read-more href={path}>"
            "Baca Selengkapnya »</a></div></article>"
        )
    )
    return make_page(
        "<div class='elementor-element elementor-widget elementor-widget-posts'><div class=elementor-widget-container>"
        f"<div class='elementor-posts-container elementor-posts'>{posts}</div><nav class=elementor-pagination>"
        "<span class='page-numbers current'>1</span><a class=page-numbers href='/berita?page=2'>2</a></nav></div></div>"
    )


def write_blog() -> bytes:
    posts = repeat(
        lambda title, path: (
            f"<div class=date-outer><h2 class=date-header><span>Senin, 02 Maret 2026</span></h2><div class='post "
            f"hentry'>"
            f"<h3 class='post-title entry-title'><a href={path}>{title}</a></h3><div class=post-body>{TEASER}</div>"
            "<span class='post-author vcard'>Diposting oleh <span class=fn>Rina Malik</span></span></div></div>"
        )
    )
    return make_page(
        f"<div class='main section' id=main><div class='widget Blog' id=Blog1><div class=blog-posts>{posts}</div>"
        "<div class=blog-pager><a class=blog-pager-older-link href='/berita?updated-max=2026'>Posting Lama</a></div>"
        "</div></div>",
        beside="<div class='sidebar section'><div class='widget PopularPosts'>"
        + "".join(f"<div class=item-title>{link}</div>" for link in OLD_NEWS)
        + "</div></div>",
    )


def write_truncated_titles() -> bytes:
    items = repeat(
        lambda title, path: (
            f"<div class='td_module_10 td_module_wrap'><h3 class='entry-title td-module-title'><a href={path} "
            f"title='{title}'>"
            f"{title[:28] + '...' if len(title) > 28 else title}</a></h3><div class=td-module-meta-info>"
            "<span class=td-post-author-name><a href=/author/rina>Rina Malik</a></span>"
            "<time class='entry-date updated' datetime=2026-03-02T10:15:00+07:00>2 Maret 2026</time></div></div>"
        )
    )
    return make_page(f"<div class=td-ss-main-content>{items}</div>", head="<link rel=next href=/berita/page/2/>")


def write_titles_beside_links() -> bytes:
    items = repeat(
        lambda title, path: (
            f"<div class=kotak><a href={path}><img src=/i.jpg alt=''></a><h4>{title}</h4><div class=tgl>2 Mar "
            f"2026</div>"
            f"<p>{TEASER}</p><a class='btn btn-primary' href={path}>Baca Selengkapnya</a></div>"
        )
    )
    return make_page(f"<div class=col-md-9>{items}</div>")


def write_form_around_everything() -> bytes:
    """Old ASP.NET sites; the mega menu has more links, and long ones, than the list."""
    offices = "".join(
        f"<li><a href=/opd/{number}>Dinas Pekerjaan Umum dan Penataan Ruang Bidang {number}</a></li>"
        for number in range(40)
    )
    items = repeat(
        lambda title, path: f"<li><a href={path}>{title}</a> <span>(2 Maret 2026)</span></li>",
    )
    page = make_page(
        f"<div id=isi><ul class=berita>{items}</ul></div>", menu=f"{MENU}<li><ul class=mega>{offices}</ul></li>"
    )
    return page.replace(b"<body>", b"<body><form method=post action=/berita.aspx>").replace(
        b"</body>", b"</form></body>"
    )


def write_menu_without_markup() -> bytes:
    """No nav, no telling class: only weight tells the list from the menu."""
    offices = "".join(
        f"<li><a href=/opd/{number}>Dinas Komunikasi dan Informatika {number}</a></li>" for number in range(14)
    )
    items = repeat(
        lambda title, path: f"<div class=kolom><h4><a href={path}>{title}</a></h4><p>2 Maret 2026</p></div>",
    )
    return make_page(f"<div class=kiri><ul>{offices}</ul></div><div class=kanan>{items}</div>")


def write_pictures_with_words() -> bytes:
    items = repeat(lambda title, path: f"<div class=foto><a href={path}><img src=/i.jpg alt='{title}'></a></div>")
    return make_page(f"<div class=galeri>{items}</div>")


def write_first_and_last_marked() -> bytes:
    marks = ("first odd", "even", "odd", "even", "odd", "last even")
    items = "".join(
        f"<li class='{mark} views-row-{number}'><span class=field><a href={path}>{title}</a></span> - 2 Maret 2026</li>"
        for number, (mark, (title, path)) in enumerate(zip(marks, NEWS, strict=True))
    )
    return make_page(f"<div class=view-content><ul>{items}</ul></div>")


SHAPES = {
    "card-grid": write_card_grid,
    "linked-cards": write_linked_cards,
    "media-objects": write_media_objects,
    "table": write_table,
    "lead-list-popular": write_lead_list_and_popular_box,
    "flat": write_flat_sequence,
    "page-builder": write_page_builder,
    "blog": write_blog,
    "truncated-titles": write_truncated_titles,
    "titles-beside-links": write_titles_beside_links,
    "form-around": write_form_around_everything,
    "menu-without-markup": write_menu_without_markup,
    "pictures": write_pictures_with_words,
    "first-and-last": write_first_and_last_marked,
}
WITHOUT_DATES = {"pictures"}
NEXT_PAGES = {
    "card-grid": "/berita?page=2",
    "linked-cards": "/berita?page=2",
    "media-objects": "/berita/page/2",
    "table": "/index.php?hal=2",
    "lead-list-popular": "/berita/2",
    "flat": "/berita?start=10",
    "page-builder": "/berita?page=2",
    "blog": "/berita?updated-max=2026",
    "truncated-titles": "/berita/page/2/",
}
WITH_AUTHORS = ("media-objects", "page-builder", "blog", "truncated-titles")


def read(body: bytes, url: str = URL, selectors: Selectors | None = None) -> ChannelPage:
    return parse_channel(body, url, "text/html", kind=ChannelKind.LISTING, selectors=selectors)


@pytest.mark.parametrize("shape", SHAPES)
def test_entries_are_found_in_every_shape_and_nothing_else(shape: str) -> None:
    page = read(SHAPES[shape]())
    assert [(link.title, link.url) for link in page] == [
        (title, f"https://kabarteluk.example{path}") for title, path in NEWS
    ]


@pytest.mark.parametrize("shape", SHAPES)
def test_dates_of_entries_are_read_as_written(shape: str) -> None:
    dates = {link.published_raw for link in read(SHAPES[shape]())}
    if shape in WITHOUT_DATES:
        assert dates == {""}
    else:
        assert all("2026" in date and len(date) < 60 for date in dates), dates


@pytest.mark.parametrize("shape", SHAPES)
def test_next_page_is_found(shape: str) -> None:
    found = read(SHAPES[shape]()).next_page
    assert found == (f"https://kabarteluk.example{NEXT_PAGES[shape]}" if shape in NEXT_PAGES else None)


@pytest.mark.parametrize("shape", WITH_AUTHORS)
def test_authors_are_read_without_their_label(shape: str) -> None:
    assert {link.author for link in read(SHAPES[shape]())} == {"Rina Malik"}


def test_update_time_is_kept_apart_from_publication() -> None:
    item = (
        "<article><h2><a href=/b/{0}/kabar-kota-hari-ini-{0}>Kabar kota dan warganya nomor {0}</a></h2>"
        "<time class='entry-date published' datetime='10 jam lalu'>10 jam lalu</time>"
        "<time class=updated datetime=2026-03-02T10:15:00+08:00>2 Maret</time></article>"
    )
    link = read(make_page("".join(item.format(number) for number in range(1, 5)))).links[0]
    assert (link.published_raw, link.modified_raw) == ("10 jam lalu", "2026-03-02T10:15:00+08:00")


def test_full_date_behind_a_relative_one_is_preferred() -> None:
    item = (
        "<div class=media__text><h3><a href=/b/{0}/kabar-kota-hari-ini-{0}>Kabar kota dan warganya nomor {0}</a></h3>"
        "<div class=media__date><span title='Senin, 02 Mar 2026 10:15 WIB'>1 jam yang lalu</span></div></div>"
    )
    page = read(make_page("".join(item.format(number) for number in range(1, 5))))
    assert {link.published_raw for link in page} == {"Senin, 02 Mar 2026 10:15 WIB"}


def test_date_in_an_excerpt_or_headline_is_not_the_date_of_the_entry() -> None:
    item = (
        "<li><h3><a href=/b/{0}/lomba-{0}>Lomba perahu 17 Agustus 2025 jilid {0} digelar meriah</a></h3>"
        "<p>Lomba yang semula dijadwalkan pada Minggu (3/8/2025) itu diundur karena gelombang tinggi di perairan "
        "teluk, kata "
        "ketua panitia seusai rapat persiapan.</p></li>"
    )
    page = read(make_page(f"<ul>{''.join(item.format(number) for number in range(1, 5))}</ul>"))
    assert {link.published_raw for link in page} == {""}


def test_headline_of_a_card_without_headings_is_its_first_long_part() -> None:
    """Cards of utility classes, as frameworks for single-page sites make them."""
    item = (
        "<a class=flex href=/b/{0}/kabar-{0}><div class=w-full><img src=/i.jpg alt=''></div><div class=p-4>"
        "<span class=text-xs>Pemerintahan</span><p class=text-xs>Senin, 2 Maret 2026 10:15 WIB</p>"
        "<p class=font-bold>Kabar <b>kota</b> dan warganya nomor {0}</p>"
        f"<p class=line-clamp-3>{TEASER}</p></div></a>"
    )
    page = read(make_page("".join(item.format(number) for number in range(1, 5))))
    assert [link.title for link in page] == [f"Kabar kota dan warganya nomor {number}" for number in range(1, 5)]
    assert {link.published_raw for link in page} == {"Senin, 2 Maret 2026 10:15 WIB"}


def test_words_behind_a_link_are_not_its_date() -> None:
    item = (
        "<li><a href=/b/{0}/jadwal-{0} title='Jadwal Siaran 4 Mei 2020 jilid {0}'><img src=/i.jpg></a>"
        "<h3><a href=/b/{0}/jadwal-{0}>Jadwal Siaran 4 Mei 2020 jilid {0}</a></h3></li>"
    )
    page = read(make_page(f"<ul>{''.join(item.format(number) for number in range(1, 5))}</ul>"))
    assert {link.published_raw for link in page} == {""}


def test_links_to_subdomains_of_the_portal_are_its_articles() -> None:
    body = write_table().replace(b"href=/berita", b"href=https://sulut.example.com/berita")
    page = read(body, "https://www.example.com/tag/apeksi")
    assert [link.url for link in page] == [f"https://sulut.example.com{path}" for path in PATHS]


def test_links_to_other_sites_are_left_out() -> None:
    with pytest.raises(ChannelError, match="no article links"):
        read(write_table().replace(b"href=/berita", b"href=https://lain.example/berita"))


def test_page_under_an_old_name_may_link_to_the_name_it_declares() -> None:
    body = write_table().replace(b"href=/berita", b"href=https://baru.example/berita")
    body = body.replace(b"</head>", b"<link rel=canonical href=https://baru.example/berita></head>")
    assert len(read(body)) == len(NEWS)


def test_base_element_counts_for_relative_links() -> None:
    body = write_table().replace(b"</head>", b"<base href=/portal/></head>").replace(b"href=/berita", b"href=berita")
    assert read(body).links[0].url == f"https://kabarteluk.example/portal{PATHS[0]}"


def test_same_article_is_listed_once() -> None:
    page = read(
        make_page(f"<ul>{''.join(f'<li><a href={path}#komentar>{title}</a></li>' for title, path in NEWS * 2)}</ul>")
    )
    assert [link.title for link in page] == list(HEADLINES)


@pytest.mark.parametrize("count", [1, 2])
def test_page_with_few_results_is_a_listing_too(count: int) -> None:
    items = "".join(
        f"<article class=post><h2><a href={path}>{title}</a></h2><time>2 Maret 2026</time></article>"
        for title, path in NEWS[:count]
    )
    beside = "".join(f"<li>{link}</li>" for link in OLD_NEWS)
    page = read(make_page(f"<main>{items}</main>", beside=f"<aside><h3>Terpopuler</h3><ul>{beside}</ul></aside>"))
    assert [link.url for link in page] == [f"https://kabarteluk.example{path}" for path in PATHS[:count]]


def test_listing_of_popular_news_is_read_although_it_is_called_so() -> None:
    body = write_table().replace(b"<table", b"<h1>Berita Terpopuler</h1><table")
    assert len(read(body)) == len(NEWS)


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "windows-1252", "utf-16"], ids=["byte-order-mark", "windows-1252", "utf-16"]
)
def test_encodings_of_pages(encoding: str) -> None:
    title = "Wali Kota: “Smart City” Bukan Sekadar Aplikasi – Tetapi Layanan"
    body = write_table().decode().replace(HEADLINES[0], title).replace("<meta charset=utf-8>", "")
    assert read(body.encode(encoding)).links[0].title == title


# ── next pages ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("pager", "url", "expected"),
    [
        ("<a rel='nofollow next' href=/b?page=2>x</a>", URL, "/b?page=2"),
        ("<li class='next'><a href=/b/page/2><i class=panah></i></a></li>", URL, "/b/page/2"),
        ("<a aria-label=Selanjutnya href=/b?page=2><i class=fa></i></a>", URL, "/b?page=2"),
        ("<div class=nav-previous><a href=/page/2/>Pos-pos lama</a></div>", URL, "/page/2/"),
        ("<a href=/b?p=2>→</a><a href=/b?p=9>»</a>", URL, "/b?p=2"),
        ("<a href=/b?p=2>&gt;</a><a href=/b?p=9>&gt;&gt;</a>", URL, "/b?p=2"),
        ("<a href=/b?p=2>»</a>", URL, "/b?p=2"),
        ("<a href=/b?page=1>1</a><b class=active>2</b><a href=/b?page=3>3</a>", URL, "/b?page=3"),
        ("<a href=/b>1</a><strong>2</strong><a href=/b/20>3</a>", f"{URL}/10", "/b/20"),
        ("<ul><li><a href=/b>1</a><li><span>2</span><li><a href=/b/20>3</a></ul>", f"{URL}/10", "/b/20"),
        ("<a href=/b?page=1>1</a> 2 <a href=/b?page=3>3</a>", f"{URL}?page=2", "/b?page=3"),
        ("<a href=/b/page/2/>2</a><a href=/b/page/4/>4</a>", f"{URL}/page/3/", "/b/page/4/"),
        ("<a href=/b?page=1>1</a><a href=/b?page=2>2</a>", f"{URL}?page=2", None),
        ("<a class=next href=#>Selanjutnya</a>", URL, None),
        ("<a class=next href='javascript:lanjut()'>Selanjutnya</a><a href=/b?page=2>2</a>", URL, "/b?page=2"),
        ("<a rel=next href=https://lain.example/2>Next</a>", URL, None),
        ("<a rel=next href=/berita>Next</a>", URL, None),
        ("<button>Muat lebih banyak</button>", URL, None),
        ("<a href=/b?page=2>Muat Lebih Banyak</a>", URL, "/b?page=2"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_next_page_in_every_form(pager: str, url: str, expected: str | None) -> None:
    page = read(make_page(f"<table>{''.join(f'<tr><td><a href={p}>{t}</a>' for t, p in NEWS)}</table>{pager}"), url)
    assert page.next_page == (f"https://kabarteluk.example{expected}" if expected else None)


# ── selectors ──────────────────────────────────────────────────────────────────────────────────────────────────────

ODD_PAGE = make_page(
    "".join(
        f"<div class=x><b class=j>{title}</b><i data-a>oleh: Rina</i><u>2/3/2026</u><a href=/lain>x</a>"
        f"<a class=y href={path}>ke sana</a></div>"
        for title, path in NEWS
    )
    + "<a id=n href=/berita/lanjut>lagi</a>"
)


def test_selectors_say_what_an_entry_is() -> None:
    page = read(ODD_PAGE, selectors=Selectors(item=".x", link="a.y", title=".j", date="u", author="i", next="#n"))
    assert len(page) == len(NEWS)
    assert page.next_page == "https://kabarteluk.example/berita/lanjut"
    assert page.links[0] == ArticleLink(
        url=f"https://kabarteluk.example{PATHS[0]}", title=HEADLINES[0], published_raw="2/3/2026", author="Rina"
    )


def test_item_may_be_the_link_itself() -> None:
    assert [link.url for link in read(ODD_PAGE, selectors=Selectors(item="a.y"))] == [
        f"https://kabarteluk.example{path}" for path in PATHS
    ]


@pytest.mark.parametrize(
    ("selectors", "message"),
    [
        (Selectors(item="div["), "bad selector"),
        (Selectors(item=".x", link="a:::"), "bad selector"),
        (Selectors(item=".x", date="p:has-been(1)"), "bad selector"),
        (Selectors(item=".x", author="ns|a"), "selector"),
        (Selectors(item=".x", next="{"), "bad selector"),
        (Selectors(item=""), "bad selector"),
        (Selectors(item=".tidak-ada"), r"match '\.tidak-ada'"),
    ],
    ids=["item", "link", "pseudo-class", "namespace", "next", "empty", "nothing"],
)
def test_bad_selector_is_told(selectors: Selectors, message: str) -> None:
    with pytest.raises(ChannelError, match=message):
        read(ODD_PAGE, selectors=selectors)


# ── what is no listing ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "body",
    [
        b"<html><head><title>Tunggu sebentar...</title></head><body><h2>Memeriksa koneksi</h2></body></html>",
        b"%PDF-1.7\n1 0 obj",
        b"<!-- -->",
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4,
        make_page("<p>Tidak ditemukan hasil untuk pencarian Anda.</p>"),
    ],
    ids=["challenge", "pdf", "comment", "png", "no-results"],
)
def test_page_without_entries_is_an_error(body: bytes) -> None:
    with pytest.raises(ChannelError):
        read(body)


def test_error_names_the_page() -> None:
    with pytest.raises(ChannelError, match="Tunggu sebentar"):
        read(b"<html><title>Tunggu sebentar...</title><body>x</body></html>")


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [
        b"<div>" * 100_000 + b"<a href=/x/y>teks yang cukup panjang</a>",
        b"<ul>" + b"<li><a href=/b/1/x>teks judul yang cukup panjang sekali</a>" * 20_000,
        b"<p>" + b"<a href=/b/%d>" * 5_000 + b"judul yang cukup panjang",
        b"<div class='" + b"sidebar " * 100_000 + b"'><a href=/b/1/x-y-z>judul yang cukup panjang</a>",
        b"<h3 class=title>" * 3_000 + b"Terpopuler<a href=/b/1/x-y-z>judul yang cukup panjang</a>",
        b"<table>"
        + b"".join(b"<tr><td><a href=/b/%d/a-b-c>judul nomor %d yang panjang</a>" % (n, n) for n in range(9_000)),
    ],
    ids=["deep", "repeated", "nested-links", "long-class", "nested-titles", "huge"],
)
@pytest.mark.timeout(20)
def test_hostile_pages_end(body: bytes) -> None:
    links = 0
    with contextlib.suppress(ChannelError):
        links = len(read(body))
    assert links <= 5_000
