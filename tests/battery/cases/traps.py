"""Addresses without an end, robots.txt that does harm, and answers that would keep us waiting."""

from __future__ import annotations

import asyncio
import gzip
import random
from collections.abc import Iterable
from functools import cache

from battery.case import Expect, case
from battery.spoiling import on_feed
from battery.visitor import Visitor
from battery.writing import HTML

SITEMAP = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
XML = "application/xml"


def write_listing(links: Iterable[str], following: str = "") -> bytes:
    """A listing of links to news, and to the page that follows."""
    items = "".join(
        f'<article><h2><a href="{link}">Wali Kota membahas program APEKSI dan kota cerdas nomor {n}</a></h2></article>'
        for n, link in enumerate(links)
    )
    after = f'<a rel="next" class="next page-numbers" href="{following}">Berikutnya</a>' if following else ""
    head = "<!doctype html><html><head><title>Indeks</title></head>"
    return f"{head}<body><main>{items}</main><nav>{after}</nav></body></html>".encode()


def write_sitemap(links: Iterable[str]) -> bytes:
    return f"<urlset {SITEMAP}>{''.join(f'<url><loc>{link}</loc></url>' for link in links)}</urlset>".encode()


def write_index(links: Iterable[str]) -> bytes:
    children = "".join(f"<sitemap><loc>{link}</loc></sitemap>" for link in links)
    return f"<sitemapindex {SITEMAP}>{children}</sitemapindex>".encode()


def list_news(visitor: Visitor, *numbers: int) -> list[str]:
    return [f"{visitor.base}/news/{number}" for number in numbers]


# ── without an end ─────────────────────────────────────────────────────────────────────────────────────────────────


@case("calendar", "traps", Expect(stores=(1, 2, 3), requests_most=20), kind="listing", path="/kalender/2026-11")
async def calendar(visitor: Visitor) -> None:
    """A calendar that leads from month to month for ever; the present one lists three articles."""
    if visitor.path.startswith("/kalender/"):
        year, month = map(int, visitor.path.removeprefix("/kalender/").split("-")[:2])
        following = f"/kalender/{year + month // 12}-{month % 12 + 1:02}"
        news = list_news(visitor, 1, 2, 3) if (year, month) == (2026, 11) else []
        days = [f"{visitor.base}{visitor.path}-{day:02}" for day in range(1, 31)]
        grid = "".join(f'<td><a href="{day}">{n}</a></td>' for n, day in enumerate(days, 1)).encode()
        await visitor.send(write_listing(news, following).replace(b"</nav>", b"<table>" + grid + b"</table></nav>"))
    else:
        await visitor.answer_plainly(1, 2, 3)


@case(
    "listing-endless",
    "traps",
    Expect(stores=(1, 2, 3), articles_most=60, seconds_most=90),
    kind="listing",
    path="/indeks",
)
async def listing_endless(visitor: Visitor) -> None:
    """Listing after listing, each with twenty new links that work; the first begins with three articles."""
    path, _, query = visitor.path.partition("?")
    if path == "/indeks":
        page = int(query.removeprefix("page=") or 1)
        endless = [f"{visitor.base}/arsip/{page}/{n}" for n in range(20)]
        first = list_news(visitor, 1, 2, 3) if page == 1 else []
        await visitor.send(write_listing([*first, *endless], f"/indeks?page={page + 1}"))
    elif path.startswith("/arsip/"):
        await visitor.send(b"<html><body><article><h1>Arsip</h1><p>Kosong.</p></article></body></html>")
    else:
        await visitor.answer_plainly(1, 2, 3)


@case(
    "listing-huge",
    "traps",
    Expect(codes=("", "too-large", "unparsable", "timeout"), articles_most=60, seconds_most=90),
    kind="listing",
    path="/indeks",
)
async def listing_huge(visitor: Visitor) -> None:
    """A listing of sixty thousand links, nine megabytes."""
    if visitor.path == "/indeks":
        await visitor.send(write_listing(f"{visitor.base}/arsip/2026/11/{n}" for n in range(60_000)))
    else:
        await visitor.send(b"<html><body><article><h1>Arsip</h1><p>Kosong.</p></article></body></html>")


@case("sitemap-itself", "traps", Expect(stores=(1, 2), requests_most=10, codes=()), kind="sitemap", path="/sitemap.xml")
async def sitemap_itself(visitor: Visitor) -> None:
    """An index that lists itself three times beside one honest sitemap."""
    if visitor.path.startswith("/sitemap.xml"):
        own = [f"{visitor.base}/sitemap.xml", f"{visitor.base}/sitemap.xml?a=1", f"{visitor.base}/sitemap.xml#b"]
        await visitor.send(write_index([*own, f"{visitor.base}/berita.xml"]), XML)
    elif visitor.path == "/berita.xml":
        await visitor.send(write_sitemap(list_news(visitor, 1, 2)), XML)
    else:
        await visitor.answer_plainly(1, 2)


@case(
    "sitemap-children", "traps", Expect(stores=(1, 2), requests_most=20, codes=()), kind="sitemap", path="/sitemap.xml"
)
async def sitemap_children(visitor: Visitor) -> None:
    """An index of ten thousand sitemaps, the last of them honest."""
    if visitor.path == "/sitemap.xml":
        children = [f"{visitor.base}/anak-{n}.xml" for n in range(10_000)]
        await visitor.send(write_index([*children, f"{visitor.base}/berita.xml"]), XML)
    elif visitor.path.endswith(".xml"):
        honest = visitor.path == "/berita.xml"
        await visitor.send(write_sitemap(list_news(visitor, 1, 2) if honest else [f"{visitor.base}/tak-ada"]), XML)
    else:
        await visitor.answer_plainly(1, 2)


@case(
    "sitemap-children-elsewhere",
    "traps",
    Expect(stores=(1, 2), requests_most=8, codes=()),
    kind="sitemap",
    path="/sitemap.xml",
)
async def sitemap_children_elsewhere(visitor: Visitor) -> None:
    """An index whose other sitemaps are at forbidden addresses, and at another portal."""
    if visitor.path == "/sitemap.xml":
        port = visitor.base.rpartition(":")[2]
        elsewhere = [
            f"{visitor.canary}/sitemap.xml",
            f"http://localhost:{port}/sitemap.xml",
            "http://169.254.169.254/latest/meta-data/",
            "file:///etc/passwd",
        ]
        await visitor.send(write_index([f"{visitor.base}/berita.xml", *elsewhere]), XML)
    elif visitor.path == "/berita.xml":
        await visitor.send(write_sitemap(list_news(visitor, 1, 2)), XML)
    else:
        await visitor.answer_plainly(1, 2)


@case("sitemap-chain", "traps", Expect(codes=(), requests_most=10), kind="sitemap", path="/sitemap-0.xml")
async def sitemap_chain(visitor: Visitor) -> None:
    """An index that lists an index that lists an index, for ever."""
    if visitor.path.startswith("/sitemap-"):
        number = int(visitor.path.removeprefix("/sitemap-").removesuffix(".xml"))
        await visitor.send(write_index(f"{visitor.base}/sitemap-{number * 5 + n}.xml" for n in range(1, 6)), XML)
    else:
        await visitor.send(b"", status=404)


@case("sitemap-elsewhere", "traps", Expect(stores=(1,), requests_most=6), kind="sitemap", path="/sitemap.xml")
async def sitemap_elsewhere(visitor: Visitor) -> None:
    """A sitemap whose entries are forbidden addresses, but for one."""
    if visitor.path == "/sitemap.xml":
        await visitor.send(
            write_sitemap([*(f"{visitor.canary}/news/{n}" for n in range(50)), *list_news(visitor, 1)]), XML
        )
    else:
        await visitor.answer_plainly(1)


@case("feed-paged", "traps", Expect(stores=(1, 2, 3), requests_most=10))
async def feed_paged(visitor: Visitor) -> None:
    """A feed whose next page (RFC 5005) has a next page, for ever."""
    path, _, query = visitor.path.partition("?")
    if path == "/feed":
        page = int(query.removeprefix("paged=") or 1)
        link = f'rel="next" href="{visitor.base}/feed?paged={page + 1}"'
        head = f'<atom:link xmlns:atom="http://www.w3.org/2005/Atom" {link}/>'
        await visitor.send(visitor.feed(1, 2, 3, head=head), XML)
    else:
        await visitor.answer_plainly(1, 2, 3)


@case("wordpress-endless", "traps", Expect(stores=(1, 2), articles_most=60), kind="wordpress", path="/")
async def wordpress_endless(visitor: Visitor) -> None:
    """A search feed that finds the same two articles for whatever is asked, and claims ten million pages."""
    path = visitor.path.partition("?")[0]
    if path == "/" and "feed=rss2" in visitor.path:
        await visitor.send(visitor.feed(1, 2), XML, headers=(("X-WP-TotalPages", "10000000"), ("X-WP-Total", "9" * 40)))
    else:
        await visitor.answer_plainly(1, 2)


def write_next(visitor: Visitor, address: str, number: int = 1) -> bytes:
    return visitor.page(
        number,
        head=f'<link rel="next" href="{address}">',
        after=f'<div class="pagination"><a rel="next" href="{address}">Selanjutnya</a></div>',
    )


@case("article-endless", "traps", Expect(stores=(1, 2), requests_most=16))
async def article_endless(visitor: Visitor) -> None:
    """An article whose pages have no end, each with another text."""
    path, _, query = visitor.path.partition("?")
    if path == "/news/1":
        page = int(query.removeprefix("page=") or 1)
        await visitor.send(write_next(visitor, f"/news/1?page={page + 1}", 1 if page == 1 else 100 + page))
    else:
        await visitor.answer_plainly(1, 2)


@case("article-of-itself", "traps", Expect(stores=(1, 2), requests_most=8))
async def article_of_itself(visitor: Visitor) -> None:
    """An article that is its own next page, under other spellings."""
    if visitor.number == 1:
        await visitor.send(write_next(visitor, f"{visitor.base}/news/1?page=1&p={visitor.count}#isi"))
    else:
        await visitor.answer_plainly(1, 2)


@case("redirects-in-circles", "traps", Expect(stores=(1,), never=(2, 3), requests_most=24))
async def redirects_in_circles(visitor: Visitor) -> None:
    """Two pages that send us to each other, and one to itself with a longer address each time."""
    if visitor.number in (2, 3) and "?" not in visitor.path:
        await visitor.redirect(f"/news/{5 - visitor.number}")
    elif visitor.path.startswith("/putar"):
        await visitor.redirect(visitor.path + "/putar")
    elif visitor.path == "/feed":
        await visitor.answer_items(
            [visitor.item(1), visitor.item(2), visitor.item(3), visitor.item(4, link=f"{visitor.base}/putar")]
        )
    else:
        await visitor.answer_plainly(1)


@case("redirects-on-each", "traps", Expect(articles_least=8, articles_most=40, requests_most=60, seconds_most=90))
async def redirects_on_each(visitor: Visitor) -> None:
    """Each of forty articles is four redirects away: those are requests, too, and a cycle has its share of them."""
    if visitor.path == "/feed":
        links = (f"{visitor.base}/lompat/4/{n}" for n in range(1, 41))
        await visitor.answer_items(visitor.item(n, link=link, guid=link) for n, link in enumerate(links, 1))
    elif visitor.path.startswith("/lompat/"):
        left, number = map(int, visitor.path.removeprefix("/lompat/").split("/"))
        await visitor.redirect(f"/lompat/{left - 1}/{number}" if left > 1 else f"/news/{number}")
    else:
        await visitor.answer_plainly(visitor.number)


@case("sessions", "traps", Expect(stores=(1,), articles_most=1, requests_most=40))
async def sessions(visitor: Visitor) -> None:
    """One article under thirty addresses that hold a session, and redirect to a new one."""
    path, _, query = visitor.path.partition("?")
    if path == "/feed":
        links = [f"{visitor.base}/news/1?PHPSESSID={random.Random(n).getrandbits(128):032x}" for n in range(30)]
        await visitor.answer_items(visitor.item(1, link=link, guid=link) for link in links)
    elif path == "/news/1" and "PHPSESSID" in query and not query.endswith("&baru=1"):
        await visitor.redirect(f"/news/1?PHPSESSID={random.getrandbits(128):032x}&baru=1")
    else:
        await visitor.send(visitor.page(1))


@case("link-variants", "traps", Expect(stores=(1,), requests_most=10))
async def link_variants(visitor: Visitor) -> None:
    """One article under addresses that differ by fragment, slashes and the default page."""
    tails = ("#a", "#b", "?", "/", "?page=1", "#:~:text=kota", "?utm_medium=x", "/#komentar", "?m=1", "?amp=1")
    links = [f"{visitor.base}/news/1{tail}" for tail in tails] + [f"{visitor.base}//news//1"]
    if visitor.path.replace("//", "/").startswith("/news/1"):
        await visitor.send(visitor.page(1))
    elif visitor.path == "/feed":
        await visitor.answer_items(visitor.item(1, link=link, guid=link) for link in links)
    else:
        await visitor.answer_plainly()


# ── robots.txt ─────────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def make_bomb() -> bytes:
    """200 MB in 200 kB."""
    return gzip.compress(bytes(200 << 20), 5)


async def answer_robots(visitor: Visitor, body: bytes, content_type: str = "text/plain") -> None:
    if visitor.path == "/robots.txt":
        await visitor.send(body, content_type)
    else:
        await visitor.answer_plainly(1, 2)


@case("robots-closed", "traps", Expect(codes=("robots-forbidden",), requests_most=1, never_asked=("/feed", "/news")))
async def robots_closed(visitor: Visitor) -> None:
    """robots.txt forbids everything."""
    await answer_robots(visitor, b"\xef\xbb\xbfUSER-AGENT:*\rDISALLOW:/\r")


@case(
    "robots-closed-to-us", "traps", Expect(codes=("robots-forbidden",), requests_most=1, never_asked=("/feed", "/news"))
)
async def robots_closed_to_us(visitor: Visitor) -> None:
    """robots.txt forbids it to us alone."""
    await answer_robots(visitor, b"User-agent: *\nAllow: /\n\nUser-agent: kabarkota\nDisallow: /\n")


@case("robots-honeypot", "traps", Expect(stores=(1,), never=(2,), never_asked=("/jebakan", "/news/2"), requests_most=4))
async def robots_honeypot(visitor: Visitor) -> None:
    """The feed leads to addresses that robots.txt forbids, and whose asking is held against us."""
    if visitor.path == "/robots.txt":
        await visitor.send(b"User-agent: *\nDisallow: /jebakan\nDisallow: /news/2\n", "text/plain")
    elif visitor.path == "/feed":
        trap = (
            visitor.item(9, link=f"{visitor.base}/{path}/{n}")
            for n, path in enumerate(("jebakan", "%6Aebakan", "x/../jebakan"))
        )
        await visitor.answer_items([*trap, visitor.item(2), visitor.item(1)])
    else:
        await visitor.answer_plainly(1)


@case("robots-redirected-into", "traps", Expect(stores=(1,), never=(2,), never_asked=("/jebakan",), requests_most=5))
async def robots_redirected_into(visitor: Visitor) -> None:
    """A page that may be asked sends us to one that robots.txt forbids."""
    if visitor.path == "/robots.txt":
        await visitor.send(b"User-agent: *\nDisallow: /jebakan\n", "text/plain")
    elif visitor.number == 2:
        await visitor.redirect("/jebakan/2")
    elif visitor.path.startswith("/jebakan"):
        await visitor.send(visitor.page(2))
    else:
        await visitor.answer_plainly(1, 2)


@case("robots-large", "traps", Expect(stores=(1, 2), seconds_most=90))
async def robots_large(visitor: Visitor) -> None:
    """Twenty thousand rules, none against our addresses, each with wildcards."""
    rules = b"".join(b"Disallow: /*%d*a*b*c*$\n" % n for n in range(20_000))
    await answer_robots(visitor, b"User-agent: *\n" + rules)


@case("robots-agents", "traps", Expect(stores=(1, 2), seconds_most=90))
async def robots_agents(visitor: Visitor) -> None:
    """Twenty thousand agents before one rule."""
    agents = b"".join(b"User-agent: robot-%d\n" % n for n in range(20_000))
    await answer_robots(visitor, agents + b"User-agent: *\nDisallow: /lain\n")


@case("robots-stars", "traps", Expect(codes=(), articles_most=2, seconds_most=90))
async def robots_stars(visitor: Visitor) -> None:
    """A rule of a hundred thousand stars."""
    await answer_robots(
        visitor, b"User-agent: *\nDisallow: /" + b"*a" * 100_000 + b"$\nDisallow: /" + b"*" * 100_000 + b"x\n"
    )


@case("robots-broken", "traps", Expect(codes=("robots-unreadable",), requests_most=3, never_asked=("/feed", "/news")))
async def robots_broken(visitor: Visitor) -> None:
    """robots.txt is a server's fault: nothing may be asked (RFC 9309)."""
    if visitor.path == "/robots.txt":
        await visitor.send(b"", status=500)
    else:
        await visitor.answer_plainly(1, 2)


@case(
    "robots-in-circles",
    "traps",
    Expect(codes=("robots-unreadable", "redirects"), requests_most=10, never_asked=("/news",)),
)
async def robots_in_circles(visitor: Visitor) -> None:
    """robots.txt sends us to itself."""
    if visitor.path.startswith("/robots.txt"):
        await visitor.redirect(f"/robots.txt?{visitor.path.count('x')}")
    else:
        await visitor.answer_plainly(1, 2)


@case(
    "robots-at-forbidden",
    "traps",
    Expect(codes=("robots-unreadable", "private-address"), requests_most=3, never_asked=("/news",)),
)
async def robots_at_forbidden(visitor: Visitor) -> None:
    """robots.txt sends us to a forbidden address."""
    if visitor.path == "/robots.txt":
        await visitor.redirect(f"{visitor.canary}/robots.txt")
    else:
        await visitor.answer_plainly(1, 2)


@case("robots-noise", "traps", Expect(stores=(1, 2)))
async def robots_noise(visitor: Visitor) -> None:
    """robots.txt is noise, and holds no rule."""
    await answer_robots(visitor, random.Random(1).randbytes(100_000), "application/octet-stream")


@case("robots-page", "traps", Expect(stores=(1, 2)))
async def robots_page(visitor: Visitor) -> None:
    """robots.txt is an ordinary page."""
    await answer_robots(visitor, b"<!doctype html><html><body><h1>Tidak ada</h1></body></html>", HTML)


@case("robots-patience", "traps", Expect(codes=("", "held"), articles_most=2, requests_most=3, seconds_most=70))
async def robots_patience(visitor: Visitor) -> None:
    """A Crawl-delay of thirty years."""
    await answer_robots(visitor, b"User-agent: *\nCrawl-delay: 1000000000\n")


@case("robots-numbers", "traps", Expect(stores=(1, 2), seconds_most=90))
async def robots_numbers(visitor: Visitor) -> None:
    """Delays and rates that are no numbers, or below zero."""
    await answer_robots(
        visitor,
        b"User-agent: *\nCrawl-delay: -5\nCrawl-delay: nan\nCrawl-delay: 1e999\nRequest-rate: 1/0\n",
    )


@case("robots-silent", "traps", Expect(codes=("robots-unreadable", "timeout"), requests_most=2, seconds_most=60))
async def robots_silent(visitor: Visitor) -> None:
    """robots.txt is never answered."""
    if visitor.path == "/robots.txt":
        await visitor.hang()
    await visitor.answer_plainly(1, 2)


@case("robots-bomb", "traps", Expect(codes=(), articles_most=2, requests_most=5, seconds_most=60))
async def robots_bomb(visitor: Visitor) -> None:
    """robots.txt unpacks to two hundred megabytes."""
    if visitor.path == "/robots.txt":
        await visitor.send(await asyncio.to_thread(make_bomb), "text/plain", headers=(("Content-Encoding", "gzip"),))
    else:
        await visitor.answer_plainly(1, 2)


# ── waiting ────────────────────────────────────────────────────────────────────────────────────────────────────────


@case("tar-pit", "traps", Expect(stores=(1, 2, 3), seconds_most=90))
async def tar_pit(visitor: Visitor) -> None:
    """Each page takes twelve seconds: slow is not hostile, and others do not wait."""
    if visitor.number:
        await asyncio.sleep(12)
    await visitor.answer_plainly(1, 2, 3)


@on_feed("come-back-in-years", "traps", Expect(codes=("rate-limited",), requests_most=2))
async def come_back_in_years(visitor: Visitor) -> None:
    """429, and a Retry-After of thirty years."""
    await visitor.send(b"", status=429, headers=(("Retry-After", "1000000000"),))


@on_feed("come-back-never", "traps", Expect(codes=("rate-limited", "server-error"), requests_most=2))
async def come_back_never(visitor: Visitor) -> None:
    """503, and a Retry-After of so many digits that it is no date and no number."""
    await visitor.send(b"", status=503, headers=(("Retry-After", "9" * 5_000),))


@case("come-back-to-pages", "traps", Expect(requests_most=3))
async def come_back_to_pages(visitor: Visitor) -> None:
    """The feed answers; the first page says 429 and wants an hour: no other page is asked."""
    if visitor.number:
        await visitor.send(b"", status=429, headers=(("Retry-After", "3600"),))
    else:
        await visitor.answer_plainly(1, 2, 3)


@on_feed("out-of-order", "traps", Expect(codes=("server-error",), requests_most=3))
async def out_of_order(visitor: Visitor) -> None:
    """503 for ever."""
    await visitor.send(b"", status=503)
