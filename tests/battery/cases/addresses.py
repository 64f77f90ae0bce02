"""Address games: links and redirects into private networks, other schemes, circles, other people's hosts."""

from __future__ import annotations

from battery.case import Expect, case
from battery.visitor import Visitor
from battery.writing import HTML, RSS, write_item

REFUSED = Expect(codes=("private-address",), seconds_most=60)
NEVER_REACHED = Expect(
    codes=("private-address", "dns", "connection", "redirects", "invalid-address", "unknown"), seconds_most=70
)
PAGE_REFUSED = Expect(stores=(1, 3), never=(2,), seconds_most=90)
# name → host, as it stands in a URL; whether it is plainly an address
PRIVATE_HOSTS: dict[str, tuple[str, bool]] = {
    "loopback": ("127.0.0.1", True),
    "loopback-other": ("127.99.7.1", True),
    "loopback-ipv6": ("[::1]", True),
    "mapped": ("[::ffff:127.0.0.1]", True),
    "unspecified": ("0.0.0.0", True),
    "unspecified-ipv6": ("[::]", True),
    "link-local": ("169.254.169.254", True),
    "link-local-ipv6": ("[fe80::1]", True),
    "ten": ("10.0.0.1", True),
    "home": ("192.168.1.1", True),
    "carrier": ("100.64.0.1", True),
    "multicast": ("224.0.0.1", True),
    "six-to-four": ("[2002:7f00:1::]", True),
    "nat64": ("[64:ff9b::7f00:1]", True),
    "unique-local": ("[fd00::1]", True),
    "number": ("2130706433", False),
    "hexadecimal": ("0x7f000001", False),
    "octal": ("0177.0.0.1", False),
    "short": ("127.1", False),
    "full-width": ("１２７.0.0.1", False),
    "trailing-dot": ("127.0.0.1.", False),
    "named": ("localhost", False),
    "named-below": ("metadata.localhost", False),
    "named-upper": ("LOCALHOST", False),
}


def canary(visitor: Visitor, host: str, path: str = "/feed") -> str:
    return f"http://{host}:{visitor.canary.rpartition(':')[2]}{path}"


def add_redirect(name: str, host: str, is_plain: bool) -> None:
    @case(f"redirect-{name}", "addresses", REFUSED if is_plain else NEVER_REACHED)
    async def answer(visitor: Visitor) -> None:
        """The channel is redirected to a private address."""
        if visitor.path == "/feed":
            return await visitor.redirect(canary(visitor, host))
        return await visitor.answer_plainly(1)


for called, (at, plain) in PRIVATE_HOSTS.items():
    add_redirect(called, at, plain)


@case("links-private", "addresses", PAGE_REFUSED)
async def links_private(visitor: Visitor) -> None:
    """Every private address as the link of an item, beside two honest ones."""
    if visitor.path != "/feed":
        return await visitor.answer_plainly(1, 3)
    items = [
        write_item(visitor.news(2), visitor.base, link=canary(visitor, host, f"/news/2?{name}"), guid=name)
        for name, (host, _) in PRIVATE_HOSTS.items()
    ]
    honest = "".join(write_item(visitor.news(number), visitor.base) for number in (1, 3))
    body = visitor.feed(1).decode()
    start, end = body.index("<item>"), body.rindex("</item>") + len("</item>")
    return await visitor.send(f"{body[:start]}{''.join(items)}{honest}{body[end:]}".encode(), RSS)


def add_page_redirect(status: int) -> None:
    @case(f"page-redirect-{status}", "addresses", PAGE_REFUSED)
    async def answer(visitor: Visitor) -> None:
        """A page is redirected to a private address, by way of its own host."""
        if visitor.number == 2:
            return await visitor.redirect("/hop", status)
        if visitor.path == "/hop":
            return await visitor.redirect(canary(visitor, "127.0.0.1", "/news/2"), status)
        return await visitor.answer_plainly(1, 2, 3)


for code in (301, 302, 303, 307, 308):
    add_page_redirect(code)


@case("robots-redirect", "addresses", Expect(codes=("private-address", "robots-unreadable"), never=(1,)))
async def robots_redirect(visitor: Visitor) -> None:
    """robots.txt is redirected to a private address."""
    if visitor.path == "/robots.txt":
        return await visitor.redirect(canary(visitor, "127.0.0.1", "/robots.txt"))
    return await visitor.answer_plainly(1)


@case("refresh-header", "addresses", Expect(stores=(1,)))
async def refresh_header(visitor: Visitor) -> None:
    """Refresh, Link, Alt-Svc and Content-Location name a private address."""
    to = canary(visitor, "127.0.0.1")
    headers = (
        ("Refresh", f"0; url={to}"),
        ("Link", f'<{to}>; rel="next", <{to}>; rel=preload'),
        ("Alt-Svc", f'h2="127.0.0.1:{to.rpartition(":")[2].partition("/")[0]}"'),
        ("Content-Location", to),
    )
    if visitor.path == "/feed":
        return await visitor.send(visitor.feed(1), RSS, headers=headers)
    return (
        await visitor.send(visitor.page(1), HTML, headers=headers) if visitor.number else await visitor.answer_plainly()
    )


@case("page-names-private", "addresses", Expect(stores=(1,)))
async def page_names_private(visitor: Visitor) -> None:
    """A page whose base, refresh, picture, frame, next page, AMP page and oEmbed lead to a private address."""
    if visitor.number != 1:
        return await visitor.answer_plainly(1)
    to = canary(visitor, "127.0.0.1")
    head = (
        f'<base href="{to}"><meta http-equiv="refresh" content="0;url={to}"><link rel="next" href="{to}">'
        f'<link rel="amphtml" href="{to}"><link rel="alternate" type="application/json+oembed" href="{to}">'
        f'<meta property="og:image" content="{to}/a.jpg"><link rel="stylesheet" href="{to}/a.css">'
    )
    after = f'<img src="{to}"><iframe src="{to}"></iframe><a href="{to}/?page=2" class="page-numbers">2</a>'
    return await visitor.send(visitor.page(1, head=head, after=after))


@case("feed-names-private", "addresses", Expect(stores=(1,)))
async def feed_names_private(visitor: Visitor) -> None:
    """A feed whose style, document type, cloud, picture, next page, hub and enclosures lead to a private address."""
    if visitor.path != "/feed":
        return await visitor.answer_plainly(1)
    to = canary(visitor, "127.0.0.1")
    prolog = f'<?xml-stylesheet href="{to}/a.xsl"?>'
    head = (
        f"<image><url>{to}/a.png</url><title>a</title><link>{to}</link></image>"
        f'<cloud domain="127.0.0.1" port="80" path="/" registerProcedure="" protocol="http-post"/>'
        f'<atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="next" href="{to}"/>'
        f'<atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="hub" href="{to}"/>'
    )
    return await visitor.send(visitor.feed(1, head=head, prolog=prolog, comments=to), RSS)


@case(
    "sitemap-children-private",
    "addresses",
    Expect(codes=("", "private-address"), stores=(1,)),
    kind="sitemap",
    path="/sitemap.xml",
)
async def sitemap_children_private(visitor: Visitor) -> None:
    """A sitemap index whose children are at private addresses, but for one."""
    space = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
    if visitor.path == "/sitemap.xml":
        places = [canary(visitor, host, "/map.xml") for host, _ in PRIVATE_HOSTS.values()]
        places.append(visitor.base + "/own.xml")  # the newest stand last
        inner = "".join(f"<sitemap><loc>{place}</loc></sitemap>" for place in places)
        return await visitor.send(f"<sitemapindex {space}>{inner}</sitemapindex>".encode(), "application/xml")
    if visitor.path == "/own.xml":
        inner = f"<url><loc>{visitor.base}/news/1</loc></url>"
        return await visitor.send(f"<urlset {space}>{inner}</urlset>".encode(), "application/xml")
    return await visitor.answer_plainly(1)


# ── other schemes, circles, malformed ──────────────────────────────────────────────────────────────────────────────

LOCATIONS: dict[str, tuple[str, Expect]] = {
    "file": ("file:///etc/passwd", Expect(codes=(), absent=("root:x:0",))),
    "ftp": ("ftp://127.0.0.1/feed", Expect(codes=())),
    "data": ("data:application/rss+xml,%3Crss%3E", Expect(codes=())),
    "javascript": ("javascript:alert(1)", Expect(codes=())),
    "gopher": ("gopher://127.0.0.1:25/_HELO", Expect(codes=())),
    "empty": ("", Expect(codes=())),
    "spaces": ("   ", Expect(codes=())),
    "long": ("/" + "a" * 60_000, Expect(codes=())),
    "no-host": ("http:///feed", Expect(codes=())),
    "bad-port": ("http://127.20.1.1:99999/feed", Expect(codes=())),
    "bad-ipv6": ("http://[::1/feed", Expect(codes=())),
    "userinfo": ("http://127.20.1.1@127.0.0.1/feed", REFUSED),
    "backslash": ("http:\\\\127.0.0.1\\feed", Expect(codes=())),
    "tabs": ("ht\ttp://127.0.0.1/feed", Expect(codes=())),
    "itself": ("/feed", Expect(codes=("redirects",), requests_most=12)),
}


def add_location(name: str, location: str, expect: Expect) -> None:
    @case(f"location-{name}", "addresses", expect)
    async def answer(visitor: Visitor) -> None:
        """The channel is redirected there."""
        if visitor.path == "/feed":
            return await visitor.redirect(location)
        return await visitor.answer_plainly(1)


for called, (to, wanted) in LOCATIONS.items():
    add_location(called, to, wanted)


@case("location-missing", "addresses", Expect(codes=()))
async def location_missing(visitor: Visitor) -> None:
    """A redirect to nowhere."""
    if visitor.path == "/feed":
        return await visitor.send(b"", status=302)
    return await visitor.answer_plainly(1)


@case("redirect-endless", "addresses", Expect(codes=("redirects",), requests_most=12))
async def redirect_endless(visitor: Visitor) -> None:
    """Each redirect leads to another address of the host."""
    if visitor.path.startswith("/feed"):
        return await visitor.redirect(f"/feed{len(visitor.path)}{visitor.path[5:]}")
    return await visitor.answer_plainly(1)


@case("redirect-honest", "addresses", Expect(stores=(1, 2)))
async def redirect_honest(visitor: Visitor) -> None:
    """A feed that has moved twice, relatively and by its whole address, and pages that add a slash."""
    if visitor.path == "/feed":
        return await visitor.redirect("feed/", 301)
    if visitor.path == "/feed/":
        return await visitor.redirect(f"{visitor.base}/rss.xml", 308)
    if visitor.path == "/rss.xml":
        return await visitor.send(visitor.feed(1, 2), RSS)
    if visitor.number and not visitor.path.endswith("/"):
        return await visitor.redirect(f"//{visitor.base.partition('//')[2]}{visitor.path}/", 301)
    if visitor.path in ("/news/1/", "/news/2/"):
        return await visitor.send(visitor.page(int(visitor.path[6])))
    return await visitor.answer_plainly()


@case("secrets-asked-for", "addresses", Expect(stores=(1, 3), articles_most=3))
async def secrets_asked_for(visitor: Visitor) -> None:
    """Cookies are set, a password is asked for, and links carry one: none of it may come back."""
    headers = (("Set-Cookie", "sesi=rahasia; Path=/"), ("Accept-CH", "Sec-CH-UA-Model"))
    if visitor.path == "/feed":
        body = visitor.feed(1, 2, 3).replace(
            f"<link>{visitor.base}/news/2<".encode(),
            f"<link>{visitor.base.replace('//', '//budi:kunci@')}/news/2<".encode(),
        )
        return await visitor.send(body, RSS, headers=headers)
    if visitor.number == 2:
        return await visitor.send(b"", status=401, headers=(("WWW-Authenticate", 'Basic realm="a"'), *headers))
    if visitor.number:
        return await visitor.send(visitor.page(visitor.number), headers=headers)
    return await visitor.answer_plainly()


@case("proxy-asked-for", "addresses", Expect(codes=(), never=(1,)))
async def proxy_asked_for(visitor: Visitor) -> None:
    """407 and a proxy to use."""
    if visitor.path == "/feed":
        return await visitor.send(
            b"", status=407, headers=(("Proxy-Authenticate", "Basic"), ("Location", canary(visitor, "127.0.0.1")))
        )
    return await visitor.answer_plainly(1)
