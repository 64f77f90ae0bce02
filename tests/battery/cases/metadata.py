"""Dates, guids, links, titles and names that lie, and answers that are no feed of the portal's."""

from __future__ import annotations

import html
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import format_datetime

from battery.case import Expect, case
from battery.spoiling import Spoil, make_spoiled, on_feed, spoiled
from battery.visitor import Visitor
from battery.writing import HTML, RSS, date_of, write_feed, write_item

WIB = timedelta(hours=7)
FEW = Expect(stores=(1, 2), requests_most=8)
MONTHS = (
    *("Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli"),
    *("Agustus", "September", "Oktober", "November", "Desember"),
)
NOTHING = ("html-not-feed", "not-a-channel", "login")

# ── dates: whatever they say, the news is kept, under a time that can be true ───────────────────────────────────────


def lying_date(
    name: str, says: str, write: Callable[[datetime], tuple[str, str]], *, hours_off: float = 4, stores: int = 2
) -> None:
    """News 1 has the written date in its item and on its page (ISO 8601 mostly)."""

    def recipe(visitor: Visitor) -> Spoil:
        in_item, on_page = write(date_of(visitor.news(1)))
        return Spoil(item={"pubDate": in_item}, page={"date": on_page})

    recipe.__doc__ = says
    make_spoiled(name, "metadata", recipe, Expect(stores=tuple(range(1, stores + 1)), hours_off=hours_off))


def shift(delta: timedelta) -> Callable[[datetime], tuple[str, str]]:
    return lambda true: (format_datetime(true + delta), (true + delta).isoformat(timespec="seconds"))


def say(in_item: str, on_page: str = "") -> Callable[[datetime], tuple[str, str]]:
    return lambda true: (in_item, on_page or in_item)


lying_date("date-next-day", "A date 27 hours ahead of now.", shift(timedelta(hours=29)))
lying_date("date-next-years", "A date two years ahead.", shift(timedelta(days=730)))
lying_date("date-1970", "The epoch.", say("Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00Z"))
lying_date("date-year-one", "The first day of all.", say("Mon, 01 Jan 0001 00:00:00 GMT", "0001-01-01T00:00:00+14:00"))
lying_date("date-negative", "A number below zero.", say("-1", "-62135596801"))
lying_date("date-99999", "A year of five digits.", say("Sat, 01 Jan 99999 00:00:00 GMT", "99999-01-01T00:00:00Z"))
lying_date("date-zeros", "What an empty column of a database says.", say("0000-00-00 00:00:00"))
lying_date("date-megabyte", "A date of a megabyte of digits.", say("20" + "1" * 1_000_000))
lying_date(
    "date-impossible", "The thirty-first of February.", say("Sat, 31 Feb 2026 25:61:61 +9999", "2026-02-31T25:61")
)
lying_date("date-markup", "A date that is markup.", say("&lt;b&gt;entah&lt;/b&gt;", "&lt;script&gt;1&lt;/script&gt;"))
lying_date(
    "date-zoneless",
    "The clock of Jakarta, and no zone.",
    lambda true: (f"{true + WIB:%Y-%m-%d %H:%M:%S}", f"{true + WIB:%Y-%m-%dT%H:%M:%S}"),
    hours_off=0.2,
)
lying_date(
    "date-local-as-utc",
    "The clock of Jakarta, called UTC: five hours ahead of now, which no news can be.",
    lambda true: (f"{true + WIB:%a, %d %b %Y %H:%M:%S} +0000", f"{true + WIB:%Y-%m-%dT%H:%M:%SZ}"),
)
lying_date(
    "date-indonesian",
    "Names of days and months in Indonesian, and WIB.",
    lambda true: (
        f"{true + WIB:%d} {MONTHS[(true + WIB).month - 1]} {true + WIB:%Y | %H:%M} WIB",
        "",
    ),
    hours_off=0.2,
)


# ── guids ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@case("guid-changes", "metadata", Expect(stores=(1,), requests_most=5))
async def guid_changes(visitor: Visitor) -> None:
    """One article ten times in a feed, each time under another guid."""
    await visitor.answer_items((visitor.item(1, guid=f"tag:{number}") for number in range(10)), 1)


@case("guid-shared", "metadata", Expect(stores=(1, 2, 3)))
async def guid_shared(visitor: Visitor) -> None:
    """Three articles under one guid."""
    await visitor.answer_items((visitor.item(number, guid="1") for number in (1, 2, 3)), 1, 2, 3)


@spoiled("guid-huge", "metadata")
def guid_huge(_visitor: Visitor) -> Spoil:
    """A guid of 64 kB with markup in it."""
    return Spoil(item={"guid": html.escape("<img src=x onerror=alert(1)>" + "g" * 65_536)})


@spoiled("guid-elsewhere", "metadata")
def guid_elsewhere(visitor: Visitor) -> Spoil:
    """A guid that is another portal's article, and calls itself a permanent link."""
    return Spoil(item={"guid": f"{visitor.bases['control-01']}/news/1"})


# ── links ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@case("links-relative", "metadata", Expect(stores=(1, 2, 3)))
async def links_relative(visitor: Visitor) -> None:
    """Links relative to the host, to the folder and to the scheme."""
    host = visitor.base.partition("//")[2]
    links = {1: "/news/1", 2: "news/2", 3: f"//{host}/news/3"}
    await visitor.answer_items((visitor.item(n, link=link, guid=link) for n, link in links.items()), 1, 2, 3)


@case("links-fragment-only", "metadata", Expect(stores=(1,), never=(2, 3), requests_most=6))
async def links_fragment_only(visitor: Visitor) -> None:
    """Links that are a fragment, or empty: they lead to no article."""
    items = [visitor.item(2, link="#2", guid="#2"), visitor.item(1), visitor.item(3, link="", guid="")]
    await visitor.answer_items(items, 1, 2, 3)


@case("links-bad-schemes", "metadata", Expect(stores=(1,), never=(2,), requests_most=6, absent=("bahaya-skema",)))
async def links_bad_schemes(visitor: Visitor) -> None:
    """Links to scripts, data, files and mail."""
    bad = [
        "javascript:alert('bahaya-skema')",
        "data:text/html,bahaya-skema",
        "file:///etc/passwd?bahaya-skema",
        "vbscript:bahaya-skema",
        "ftp://127.0.0.1/bahaya-skema",
        "mailto:bahaya-skema@contoh.example",
        "JaVaScRiPt&#9;:bahaya-skema",
        "view-source:http://contoh.example/bahaya-skema",
        "//",
        "http://",
        "http:///bahaya-skema",
        "http://[::1/bahaya-skema",
        "http://bahaya-skema:99999999/",
    ]
    items = [visitor.item(2, link=link, guid=link) for link in bad]
    await visitor.answer_items([*items, visitor.item(1)], 1)


@case("links-userinfo", "metadata", Expect(stores=(1,), articles_most=2, absent=("rahasia-sandi",)))
async def links_userinfo(visitor: Visitor) -> None:
    """A link with a name and a password in it, which are no business of subscribers."""
    link = visitor.base.replace("//", "//admin:rahasia-sandi@") + "/news/2"
    await visitor.answer_items([visitor.item(1), visitor.item(2, link=link, guid=link)], 1, 2)


@case("links-uppercase", "metadata", Expect(stores=(1, 2)))
async def links_uppercase(visitor: Visitor) -> None:
    """A scheme in capitals, and a path with letters escaped that need it not."""
    await visitor.answer_items(
        [
            visitor.item(1, link=visitor.base.replace("http", "HTTP") + "/news/1"),
            visitor.item(2, link=visitor.base + "/%6eews/2"),
        ],
        1,
        2,
    )


@case("links-whitespace", "metadata", Expect(stores=(1, 2)))
async def links_whitespace(visitor: Visitor) -> None:
    """Links with spaces and line breaks around and within them, as browsers forgive them."""
    await visitor.answer_items(
        [
            visitor.item(1, link=f"\r\n\t {visitor.base}/news/1 \n", guid="1"),
            visitor.item(2, link=f"{visitor.base}/ne\n\t\tws/2", guid="2"),
        ],
        1,
        2,
    )


@case("links-long", "metadata", Expect(stores=(1,), articles_most=2, requests_most=6))
async def links_long(visitor: Visitor) -> None:
    """A link of 10 kB, and one of a megabyte."""
    links = [f"{visitor.base}/news/2?{'a' * 10_000}", f"{visitor.base}/news/2?{'b' * 1_000_000}"]
    await visitor.answer_items([visitor.item(1), *(visitor.item(2, link=link, guid=link) for link in links)], 1, 2)


@case("links-idn", "metadata", Expect(stores=(1,), never=(2,), requests_most=6))
async def links_idn(visitor: Visitor) -> None:
    """Links to names beyond ASCII, whole and broken, that nobody answers for."""
    hosts = (
        "b\u00fccher.invalid",
        "xn--a.invalid",
        "\u0430pple.invalid",
        "a\u200db.invalid",
        "\u3002invalid",
        f"{'k' * 300}.invalid",
    )
    items = [visitor.item(2, link=f"http://{host}/news/2", guid=host) for host in hosts]
    await visitor.answer_items([visitor.item(1), *items], 1)


@case("links-tracked", "metadata", Expect(stores=(1,), requests_most=5))
async def links_tracked(visitor: Visitor) -> None:
    """One article under fifty addresses that differ in what follows their reader."""
    parameters = ("utm_source", "fbclid", "gclid", "utm_campaign", "igshid")
    links = [f"{visitor.base}/news/1?{parameters[n % 5]}=x{n:03}" for n in range(50)]
    items = (visitor.item(1, link=link, guid=link) for link in links)
    await visitor.answer_items(items, 1)


@case("item-hundred-times", "metadata", Expect(stores=(1, 2), requests_most=6))
async def item_hundred_times(visitor: Visitor) -> None:
    """The same item a hundred times."""
    await visitor.answer_items([*[visitor.item(1)] * 100, visitor.item(2)], 1, 2)


@case("item-bare", "metadata", Expect(stores=(1, 2), requests_most=8))
async def item_bare(visitor: Visitor) -> None:
    """Items without anything, or with a title alone, among honest ones."""
    bare = [
        "<item/>",
        "<item><title>Wali Kota di APEKSI</title></item>",
        "<item><link/><guid/></item>",
        "<item>APEKSI</item>",
    ]
    await visitor.answer_items([bare[0], visitor.item(1), *bare[1:], visitor.item(2)], 1, 2)


@case("item-flood", "metadata", Expect(articles_least=20, articles_most=60, seconds_most=150))
async def item_flood(visitor: Visitor) -> None:
    """Five thousand items, each with a page: a cycle reads its share, the rest waits."""
    if visitor.path == "/feed":
        links = (f"{visitor.base}/news/{n}" for n in range(1, 5_000))
        await visitor.answer_items(visitor.item(1, link=link, guid=link) for link in links)
    else:
        await visitor.answer_plainly(visitor.number)


# ── canonical addresses, and other portals' articles ───────────────────────────────────────────────────────────────


@spoiled("canonical-abroad", "metadata", Expect(stores=(1, 2), absent=("penadah.example",)))
def canonical_abroad(_visitor: Visitor) -> Spoil:
    """A page whose canonical address and og:url are at another site: we link to where we read it."""
    address = "https://penadah.example/berita/9"
    head = f'<link rel="canonical" href="{address}"><meta property="og:url" content="{address}">'
    return Spoil(page={"head": head})


@case("canonical-home", "metadata", Expect(stores=(1, 2, 3)))
async def canonical_home(visitor: Visitor) -> None:
    """Every page calls the home page its canonical address: they stay three articles."""
    if visitor.number:
        head = f'<link rel="canonical" href="{visitor.base}/"><meta property="og:url" content="{visitor.base}">'
        await visitor.send(visitor.page(visitor.number, head=head))
    else:
        await visitor.answer_plainly(1, 2, 3)


@case("canonical-first", "metadata", Expect(stores=(1, 2, 3)))
async def canonical_first(visitor: Visitor) -> None:
    """Every page calls the first article its canonical address: none takes another's place."""
    if visitor.number:
        head = f'<link rel="canonical" href="{visitor.base}/news/1">'
        await visitor.send(visitor.page(visitor.number, head=head))
    else:
        await visitor.answer_plainly(1, 2, 3)


@spoiled("canonical-poisoner", "metadata")
def canonical_poisoner(visitor: Visitor) -> Spoil:
    """A page that calls the first article of canonical-victim its canonical address."""
    address = f"{visitor.bases['canonical-victim']}/news/1"
    head = f'<link rel="canonical" href="{address}"><meta property="og:url" content="{address}">'
    return Spoil(page={"head": head})


@case("canonical-victim", "metadata", Expect(stores=(1, 2, 3)))
async def canonical_victim(visitor: Visitor) -> None:
    """A healthy portal whose article canonical-poisoner wants to replace."""
    await visitor.answer_plainly(1, 2, 3)


@case("feed-of-another", "metadata", Expect(codes=(), requests_most=4))
async def feed_of_another(visitor: Visitor) -> None:
    """Its feed is feed-victim's, with other titles: those articles are the other's, under their own titles."""
    base = visitor.bases["feed-victim"]
    if visitor.path == "/feed":
        items = (write_item(visitor.news(n), base) for n in (1, 2, 3))
        await visitor.send(write_feed(items, base=base), RSS)
    else:
        await visitor.send(b"", status=404)


@case("feed-victim", "metadata", Expect(stores=(1, 2, 3)))
async def feed_victim(visitor: Visitor) -> None:
    """A healthy portal whose addresses feed-of-another gives for its own."""
    await visitor.answer_plainly(1, 2, 3)


# ── answers that are no feed ───────────────────────────────────────────────────────────────────────────────────────


def no_feed(
    name: str, says: str, body: str, codes: tuple[str, ...], *, content_type: str = HTML, status: int = 200
) -> None:
    async def play(visitor: Visitor) -> None:
        await visitor.send(body.encode(), content_type, status)

    play.__doc__ = says
    on_feed(name, "metadata", Expect(codes=codes, requests_most=3))(play)


def write_plain_page(title: str, content: str) -> str:
    return f"<!doctype html><html><head><title>{title}</title></head><body>{content}</body></html>"


LOGIN = '<form method="post"><input name="u"><input type="password" name="p"></form><a href="/news/1">APEKSI</a>'
GUARD = (
    "<h1>Sebentar</h1><p>Kami memeriksa apakah Anda manusia. Aktifkan JavaScript.</p><script src='/jaga.js'></script>"
)
no_feed("feed-login", "A login page answers.", write_plain_page("Masuk", LOGIN), NOTHING)
no_feed("feed-guard", "A guard asks for JavaScript.", write_plain_page("Tunggu", GUARD), (*NOTHING, "challenge"))
no_feed(
    "feed-guard-403",
    "A guard, with its own status.",
    write_plain_page("Tunggu", GUARD),
    ("forbidden", "challenge"),
    status=403,
)
no_feed("feed-repairs", "A page on maintenance.", write_plain_page("Perbaikan", "<p>Situs sedang diperbaiki."), NOTHING)
no_feed(
    "feed-login-as-rss",
    "A login page that calls itself RSS.",
    write_plain_page("Masuk", LOGIN),
    NOTHING,
    content_type=RSS,
)
no_feed("feed-null", "JSON that says null.", "null", ("not-a-channel", "empty-feed"), content_type="application/json")
no_feed("feed-blank", "An empty body.", "", ("empty-feed",), content_type=RSS)
no_feed(
    "feed-bare",
    "A feed without items.",
    write_feed([], base="http://kosong.example").decode(),
    ("empty-feed",),
    content_type=RSS,
)


# ── titles, authors, categories ────────────────────────────────────────────────────────────────────────────────────


@case("titles-odd", "metadata", Expect(stores=(1, 2, 3, 4)))
async def titles_odd(visitor: Visitor) -> None:
    """Titles in the feed that are empty, markup alone, an emoji, and dots; the pages have honest ones."""
    titles = {1: " ", 2: "&lt;b&gt;&lt;/b&gt;", 3: "\U0001f468\u200d\U0001f469\u200d\U0001f467", 4: "&#8230;"}
    await visitor.answer_items((visitor.item(n, title=title) for n, title in titles.items()), 1, 2, 3, 4)


@spoiled("title-huge", "metadata")
def title_huge(visitor: Visitor) -> Spoil:
    """A title of 64 kB."""
    title = visitor.news(1).title + " kota" * 13_000
    return Spoil(item={"title": title}, page={"title": title})


@spoiled("title-reversed", "metadata", Expect(stores=(1, 2), absent=("\u202e", "\u2067", "\u200f")))
def title_reversed(visitor: Visitor) -> Spoil:
    """Marks that turn a line around: they would turn the reader's."""
    title = "\u202e\u2067\u200f" + visitor.news(1).title
    return Spoil(item={"title": title}, page={"title": title, "author": "\u202eSari\u202e Dewi"})


@spoiled("title-surrogates", "metadata", finish=b"\xed\xa0\x80\x00\xff")
def title_surrogates(visitor: Visitor) -> Spoil:
    """Half an emoji, a NUL and a byte that is none of UTF-8, raw and as references, in title and author."""
    title = "§&#xD83D;&#0;&#x1F;&#xFFFE;" + visitor.news(1).title
    return Spoil(item={"title": title, "dc:creator": title}, page={"title": title, "author": title})


@spoiled("title-twice-escaped", "metadata", Expect(stores=(1, 2), absent=("<script>judul", "&lt;script&gt;judul")))
def title_twice_escaped(visitor: Visitor) -> Spoil:
    """A script in the title, escaped twice in the feed and on the page: readers unescape once more."""
    script = html.escape(html.escape("<script>judul-ganda()</script>"))
    title = script + html.escape(visitor.news(1).title)
    return Spoil(item={"title": title, "description": title}, page={"title": title})


@spoiled("authors-many", "metadata")
def authors_many(visitor: Visitor) -> Spoil:
    """An author of 64 kB and a thousand others."""
    many = "Sari " * 13_000 + "".join(f"</dc:creator><dc:creator>Penulis {n}" for n in range(1_000))
    metas = "".join(f'<meta name="author" content="Penulis {n}">' for n in range(1_000))
    return Spoil(item={"dc:creator": many}, page={"author": "Sari " * 13_000, "head": metas})


@spoiled("categories-many", "metadata")
def categories_many(_visitor: Visitor) -> Spoil:
    """Ten thousand categories, one of them of 100 kB."""
    many = "</category><category>".join(f"Rubrik {n}" for n in range(10_000)) + "</category><category>" + "r" * 100_000
    tags = "".join(f'<meta property="article:tag" content="Rubrik {n}">' for n in range(10_000))
    return Spoil(item={"category": many}, page={"head": tags})
