"""Feeds, sitemaps and answers of an API that are broken, huge, deep, or built to make a parser reach out."""

from __future__ import annotations

import json
from collections.abc import Callable

from battery.case import Expect, case
from battery.visitor import Visitor
from battery.writing import RSS, write_item

BROKEN = Expect(codes=(), articles_most=3, seconds_most=60)
NO_CHANNEL = Expect(codes=("not-a-channel", "html-not-feed", "empty-feed", "parser", "too-large"), seconds_most=60)
SPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
JSON_FEED = "application/feed+json"


Make = Callable[[Visitor], bytes]


def add(
    name: str, expect: Expect, *, kind: str = "feed", path: str = "/feed", content_type: str = RSS
) -> Callable[[Make], Make]:
    """A case whose channel's body is what is decorated makes; news 1, 2 and 3 have their pages."""

    def register(make: Make) -> Make:
        async def answer(visitor: Visitor) -> None:
            if visitor.path.partition("?")[0] == path.partition("?")[0]:
                return await visitor.send(make(visitor), content_type)
            return await visitor.answer_plainly(1, 2, 3)

        answer.__doc__ = make.__doc__
        case(name, "formats", expect, kind=kind, path=path)(answer)
        return make

    return register


def with_type(visitor: Visitor, declarations: str, **fields: str) -> bytes:
    return visitor.feed(1, 2, prolog=f"<!DOCTYPE rss [{declarations}]>", **fields)


@add("entities-laughing", BROKEN)
def entities_laughing(visitor: Visitor) -> bytes:
    """Entities that double themselves a hundred times."""
    more = "".join(f'<!ENTITY a{n} "&a{n - 1};&a{n - 1};&a{n - 1};&a{n - 1};">' for n in range(1, 40))
    return with_type(visitor, f'<!ENTITY a0 "ha">{more}', description="&a39;")


@add("entities-quadratic", BROKEN)
def entities_quadratic(visitor: Visitor) -> bytes:
    """One long entity, told thousands of times."""
    return with_type(visitor, f'<!ENTITY a "{"x" * 100_000}">', description="&a;" * 20_000)


@add("entity-of-a-file", Expect(codes=(), articles_most=2, absent=("root:x:0:0",)))
def entity_of_a_file(visitor: Visitor) -> bytes:
    """An entity that stands for a file of the machine."""
    return with_type(visitor, '<!ENTITY a SYSTEM "file:///etc/passwd">', title="&a;", description="&a;")


@add("entity-of-the-network", BROKEN)
def entity_of_the_network(visitor: Visitor) -> bytes:
    """Entities, a parameter entity and a document type from a private address."""
    at = visitor.canary
    prolog = f'<!DOCTYPE rss SYSTEM "{at}/a.dtd" [<!ENTITY a SYSTEM "{at}/a"><!ENTITY % p SYSTEM "{at}/p">%p;]>'
    return visitor.feed(1, 2, prolog=prolog, description="&a;")


@add("inclusion", BROKEN)
def inclusion(visitor: Visitor) -> bytes:
    """XInclude of a file and of a private address."""
    xi = 'xmlns:xi="http://www.w3.org/2001/XInclude"'
    head = f'<xi:include {xi} href="file:///etc/passwd" parse="text"/><xi:include {xi} href="{visitor.canary}/x"/>'
    return visitor.feed(1, 2, head=head)


@add("body-is-an-address", NO_CHANNEL)
def body_is_an_address(visitor: Visitor) -> bytes:
    """The whole body is a private address, which some parsers open."""
    return f"{visitor.canary}/feed".encode()


@add("body-is-a-path", NO_CHANNEL)
def body_is_a_path(visitor: Visitor) -> bytes:
    """The whole body is the name of a file."""
    return b"/etc/passwd"


@add("deep", BROKEN)
def deep(visitor: Visitor) -> bytes:
    """Elements two hundred thousand deep."""
    return visitor.feed(1, head="<a>" * 200_000 + "</a>" * 200_000)


@add("wide", BROKEN)
def wide(visitor: Visitor) -> bytes:
    """Three hundred thousand empty items before two honest ones."""
    return visitor.feed(1, 2, head="<item/>" * 300_000)


@add("many-attributes", BROKEN)
def many_attributes(visitor: Visitor) -> bytes:
    """An element of a hundred thousand attributes."""
    return visitor.feed(1, head="<a " + " ".join(f'a{n}="1"' for n in range(100_000)) + "/>")


@add("many-namespaces", BROKEN)
def many_namespaces(visitor: Visitor) -> bytes:
    """An element of twenty thousand namespaces."""
    return visitor.feed(1, head="<a " + " ".join(f'xmlns:n{n}="u:{n}"' for n in range(20_000)) + "/>")


@add("long-author", Expect(stores=(1, 2), codes=("",)))
def long_author(visitor: Visitor) -> bytes:
    """An author of 64 kB, quadratic for some parsers."""
    return visitor.feed(1, 2, author="(" * 32_000 + "a@b " * 8_000)


@add("long-title", Expect(codes=(), articles_most=2))
def long_title(visitor: Visitor) -> bytes:
    """Titles of two megabytes."""
    return visitor.feed(1, 2, title="Wali Kota " * 200_000)


@add("long-comment", Expect(stores=(1,), codes=("",)))
def long_comment(visitor: Visitor) -> bytes:
    """A comment of eight megabytes."""
    return visitor.feed(1, head=f"<!-- {'x' * 8_000_000} -->")


@add("long-text", Expect(codes=(), articles_most=1))
def long_text(visitor: Visitor) -> bytes:
    """An item with eight megabytes of text."""
    return visitor.feed(1, **{"content:encoded": "<![CDATA[" + visitor.news(1).html + "<p>kata " * 1_300_000 + "]]>"})


@add("brackets", NO_CHANNEL)
def brackets(visitor: Visitor) -> bytes:
    """Nine megabytes of an opening bracket."""
    return b"<" * 9_000_000


@add("unclosed", BROKEN)
def unclosed(visitor: Visitor) -> bytes:
    """Nothing is ever closed."""
    return visitor.feed(1, 2).replace(b"</", b"<x")


@add("control-characters", Expect(stores=(1, 2), codes=("",)))
def control_characters(visitor: Visitor) -> bytes:
    """Control characters, NUL and half a surrogate amid sound items."""
    return visitor.feed(1, 2).replace(b"<description>", b"<description>\x00\x08\x1b[31m\xed\xa0\x80")


ENCODINGS = ("utf-16", "utf-7", "ibm037", "utf-32", "x-user-defined", "rot13", "base64", "'><script>")


def add_encoding(name: str) -> None:
    @add(f"says-{''.join(each for each in name if each.isalnum())}", Expect(codes=(), articles_most=2))
    def says(visitor: Visitor) -> bytes:
        """Declares an encoding that it is not in."""
        return visitor.feed(1, 2).replace(b'encoding="utf-8"', f'encoding="{name}"'.encode())


for each in ENCODINGS:
    add_encoding(each)


@add("really-utf-16", Expect(stores=(1, 2), codes=("",)))
def really_utf_16(visitor: Visitor) -> bytes:
    """Honest UTF-16 with its mark."""
    return visitor.feed(1, 2).decode().replace('encoding="utf-8"', 'encoding="utf-16"').encode("utf-16")


@add("binary", NO_CHANNEL)
def binary(visitor: Visitor) -> bytes:
    """A picture."""
    return b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 400


# ── JSON ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def write_json(visitor: Visitor, **more: object) -> str:
    items = [
        {"id": str(n), "url": f"{visitor.base}/news/{n}", "title": visitor.news(n).title, "content_text": "x"}
        for n in (1, 2)
    ]
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "Kabar", "items": items, **more})


@add("json-honest", Expect(stores=(1, 2)), content_type=JSON_FEED)
def json_honest(visitor: Visitor) -> bytes:
    """A JSON Feed."""
    return write_json(visitor).encode()


@add("json-deep", BROKEN, content_type=JSON_FEED)
def json_deep(visitor: Visitor) -> bytes:
    """Arrays a million deep."""
    return write_json(visitor, _deep=0).replace('"_deep": 0', '"_deep": ' + "[" * 1_000_000).encode()


@add("json-numbers", BROKEN, content_type=JSON_FEED)
def json_numbers(visitor: Visitor) -> bytes:
    """Numbers of a hundred thousand digits, infinities and no numbers."""
    numbers = f"[{'9' * 100_000}, 1e999999, -1e999999, NaN, Infinity, -0, 1.{'0' * 50_000}1]"
    return write_json(visitor, _n=0).replace('"_n": 0', f'"_n": {numbers}').encode()


@add("json-odd-types", Expect(codes=(), articles_most=2), content_type=JSON_FEED)
def json_odd_types(visitor: Visitor) -> bytes:
    """Fields of other types than they should have, keys twice, half surrogates."""
    body = json.loads(write_json(visitor))
    body["items"] += [None, 5, [], "a", {"url": []}, {"url": {"a": 1}, "title": True}, {"id": 1e400, "url": "\ud800"}]
    body["items"][0]["authors"] = {"name": ["a"] * 5_000}
    return json.dumps(body).replace('"title": "Kabar"', '"title": 1, "title": null').encode()


@add("json-wide", BROKEN, content_type=JSON_FEED)
def json_wide(visitor: Visitor) -> bytes:
    """A million empty items."""
    return write_json(visitor).replace('"items": [', '"items": [' + "{}," * 1_000_000).encode()


@add(
    "rest-honest", Expect(stores=(1, 2)), kind="wordpress", path="/wp-json/wp/v2/posts", content_type="application/json"
)
def rest_honest(visitor: Visitor) -> bytes:
    """The posts of a WordPress with their texts."""
    return json.dumps([post(visitor, 1), post(visitor, 2)]).encode()


@add(
    "rest-hostile",
    Expect(codes=(), articles_most=3),
    kind="wordpress",
    path="/wp-json/wp/v2/posts",
    content_type="application/json",
)
def rest_hostile(visitor: Visitor) -> bytes:
    """Posts of odd shapes beside sound ones."""
    odd = [None, 1, "a", [], {}, {"title": "x"}, {"title": {"rendered": []}, "link": {}}, {"link": "javascript:1"}]
    return json.dumps([*odd, post(visitor, 1), {**post(visitor, 2), "date_gmt": 10**30, "id": "x" * 70_000}]).encode()


@add(
    "rest-error",
    Expect(codes=(), articles_most=0),
    kind="wordpress",
    path="/wp-json/wp/v2/posts",
    content_type="application/json",
)
def rest_error(visitor: Visitor) -> bytes:
    """An error with status 200."""
    return b'{"code":"rest_no_route","message":"No route","data":{"status":404}}'


def post(visitor: Visitor, number: int) -> dict[str, object]:
    news = visitor.news(number)
    return {
        "id": number,
        "date": "2026-11-20T08:00:00",
        "date_gmt": "2026-11-20T01:00:00",
        "link": f"{visitor.base}/news/{number}",
        "title": {"rendered": news.title},
        "excerpt": {"rendered": f"<p>{news.paragraphs[0]}</p>"},
        "content": {"rendered": news.html},
    }


# ── sitemaps and lists ─────────────────────────────────────────────────────────────────────────────────────────────


@add("sitemap-honest", Expect(stores=(1, 2)), kind="sitemap", path="/sitemap.xml", content_type="application/xml")
def sitemap_honest(visitor: Visitor) -> bytes:
    """A plain sitemap."""
    inner = "".join(f"<url><loc>{visitor.base}/news/{n}</loc></url>" for n in (1, 2))
    return f"<urlset {SPACE}>{inner}</urlset>".encode()


@add(
    "sitemap-huge",
    Expect(codes=(), articles_most=3, requests_most=60),
    kind="sitemap",
    path="/sitemap.xml",
    content_type="application/xml",
)
def sitemap_huge(visitor: Visitor) -> bytes:
    """A hundred thousand addresses that are not there."""
    inner = "".join(f"<url><loc>{visitor.base}/tak-ada/{n}</loc></url>" for n in range(100_000))
    return f"<urlset {SPACE}>{inner}</urlset>".encode()


@add("sitemap-entities", BROKEN, kind="sitemap", path="/sitemap.xml", content_type="application/xml")
def sitemap_entities(visitor: Visitor) -> bytes:
    """Entities that reach out, in a sitemap."""
    kind = f'<!DOCTYPE urlset [<!ENTITY a SYSTEM "file:///etc/passwd"><!ENTITY b SYSTEM "{visitor.canary}/b">]>'
    return f"{kind}<urlset {SPACE}><url><loc>{visitor.base}/news/1</loc><x>&a;&b;</x></url></urlset>".encode()


@add("items-hundredfold", Expect(stores=(1,), codes=("",), requests_most=8))
def items_hundredfold(visitor: Visitor) -> bytes:
    """The same item a hundred times."""
    body = visitor.feed(1).decode()
    item = write_item(visitor.news(1), visitor.base)
    return body.replace(item, item * 100).encode()


# ── pages ──────────────────────────────────────────────────────────────────────────────────────────────────────────

HOSTILE_PAGES = {
    "attributes": "<p " + " ".join(f"a{n}=1" for n in range(100_000)) + ">x</p>",
    "nesting": "<div>" * 100_000,
    "tables": "<table><tr><td>" * 30_000,
    "inline": "<b><a href=x>" * 50_000,
    "comments": "<!-- " * 200_000,
    "quotes": '<a "' * 200_000,
    "scripts": '<script type="application/ld+json">' + "[" * 400_000 + "</script>",
    "entities": "&lt;" * 500_000,
    "styles": "<style>" + "a{}" * 500_000 + "</style>",
    "marks": "e" + "\u0301" * 400_000,
}


def add_page(name: str, markup: str) -> None:
    @case(f"page-of-{name}", "formats", Expect(stores=(1, 3), articles_most=3, seconds_most=90))
    async def answer(visitor: Visitor) -> None:
        """A page before whose article stands what parsers choke on, between two sound ones."""
        if visitor.number == 2:
            return await visitor.send(visitor.page(2, before=markup))
        return await visitor.answer_plainly(1, 2, 3)


for called, text in HOSTILE_PAGES.items():
    add_page(called, text)
