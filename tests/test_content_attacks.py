"""Hostile words in every field of feeds, WordPress and pages: nothing of them is alive in what we publish or print.

A portal on loopback ─▶ a cycle ─▶ files, pages, API, klipings, tables, terminals: all read by `live_payloads`.
"""

from __future__ import annotations

import io
import json
import logging
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

import httpx
import pytest
from command_line import run_here
from kliping_room import PUBLISHER, WITA
from live_payloads import (
    find_formulas,
    find_live_html,
    find_live_markdown,
    find_live_payloads,
    find_unprintable,
)
from page_room import serve
from portals import Answer, make_setup, serve_portal
from warm import run_warm

from aggregator.kliping.gathering import gather_kliping
from aggregator.kliping.mail import render_email_html
from aggregator.kliping.markdown import render_markdown
from aggregator.kliping.print_page import render_print_html
from aggregator.kliping.telegram import render_telegram
from aggregator.kliping.text import render_text
from aggregator.kliping.whatsapp import render_whatsapp
from aggregator.kliping.word_file import render_docx
from aggregator.models import Language
from aggregator.printable import PrintableFormatter, make_printable
from aggregator.publish.characters import fit_line
from aggregator.search import read_query
from aggregator.store import Store
from aggregator.web.app import create_app
from aggregator.web.site import SiteInfo

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
ESCAPES = "a\x00b\x08c\x1b[31mred\x1b]8;;http://evil.example\x07link\x1b]8;;\x07\x1b]0;owned\x07\x9b2J"
PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "<img src=x onerror=alert(1) ",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "]]><script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;",
    "&#60;svg/onload=alert(1)&#62;",
    "\u202e\u2066txt.exe\u200b\u200f",
    ESCAPES,
    "\ud800 separuh \udfff",
    "A" * 65_536,
    "satu\r\nSet-Cookie: x=1\r\n\r\n<h1>x",
    "=cmd|'/C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\t=1+1",
    '" OR NEAR(',
    "a* ^b title:c 50%_x",
    "../../etc/passwd",
    "%s%n{0}${jndi:ldap://x}{{7*7}}{%x%}",
    "[klik](javascript:alert(1)) *tebal* _miring_ `y` ```z```",
    "To: a\nBcc: korban@evil.example",
    "<!--",
    "</title><style>@import url(javascript:1)</style>",
    "<svg><animate onbegin=alert(1)><math><mi xlink:href=javascript:alert(1)>",
    "<a href='java\tscript:alert(1)'>x</a><base href=//evil.example>",
    "<iframe srcdoc='<script>alert(1)</script>'><form action=javascript:1><input>",
    "<meta http-equiv=refresh content='0;url=javascript:1'>",
    "\u2028</script><script>alert(1)//",
    "<![CDATA[<script>1</script>]]>",
)
WORDS = (
    *("kota", "layanan", "warga", "jalan", "taman", "lampu", "pasar", "sekolah", "halte", "sungai", "banjir", "data"),
    *("aplikasi", "anggaran", "dinas", "kelurahan", "camat", "jembatan", "trotoar", "puskesmas", "terminal", "kantor"),
)
HOSTILE_LINKS = ("javascript:alert(1)", "data:text/html,x", "http://a:b@127.0.0.1/x", "//evil.example\r\nX: 1", "\x00")


def write_text(number: int) -> list[str]:
    """Paragraphs on topic, others for each number."""
    pick = random.Random(number)
    return [f"APEKSI nomor {number}: {' '.join(pick.choice(WORDS) for _ in range(25))}." for _ in range(4)]


def write_html(number: int, payload: str) -> str:
    paragraphs = "".join(f"<p>{line}</p>" for line in write_text(number))
    link = payload[:2_000].replace('"', "&quot;")
    return f'{paragraphs}<p>{payload}</p><a href="{link}">klik</a><img src="{link}"><p onclick=alert(1)>x</p>'


def write_feed(base: str) -> bytes:
    items = []
    for number, payload in enumerate(PAYLOADS):
        word = escape(_drop_halves(payload))
        at = format_datetime(NOW - timedelta(hours=2, minutes=number))
        items.append(
            f"<item><title>{word} APEKSI rilis {number}</title><link>{base}/rilis/{number}/</link><guid>{word}</guid>"
            f"<author>{word[:300]}</author><dc:creator>{word[:300]}</dc:creator><category>{word}</category>"
            f"<description>{word}</description><enclosure url={quoteattr(word[:500])} type='image/jpeg'/>"
            f"<content:encoded>{escape(_drop_halves(write_html(number, payload)))}</content:encoded>"
            f"<pubDate>{at}</pubDate></item>"
        )
    items += [f"<item><title>APEKSI {escape(link)}</title><link>{escape(link)}</link></item>" for link in HOSTILE_LINKS]
    namespaces = 'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    return f"<rss version='2.0' {namespaces}><channel><title>x</title>{''.join(items)}</channel></rss>".encode()


def write_posts(base: str) -> bytes:
    return json.dumps(
        [
            {
                "id": number,
                "date_gmt": f"2026-11-23T03:{number:02}:00",
                "link": f"{base}/pos/{number}/",
                "slug": payload[:100],
                "guid": {"rendered": payload[:500]},
                "title": {"rendered": f"{payload} APEKSI pos {number}"},
                "content": {"rendered": write_html(100 + number, payload)},
                "excerpt": {"rendered": payload},
                "_embedded": {"author": [{"name": payload}], "wp:featuredmedia": [{"source_url": payload[:999]}]},
            }
            for number, payload in enumerate(PAYLOADS)
        ]
    ).encode()


def write_page(number: int, payload: str) -> bytes:
    attribute = quoteattr(_drop_halves(payload[:999]))
    linked = {"@type": "NewsArticle", "headline": f"{payload} APEKSI", "author": {"name": payload}}
    linked |= {"keywords": [payload], "image": payload[:999], "datePublished": "2026-11-23T06:00:00Z"}
    return (
        f"<!DOCTYPE html><html lang=id><head><meta charset=utf-8><title>{payload} APEKSI {number}</title>"
        f"<meta property='og:title' content={attribute}><meta property='og:image' content={attribute}>"
        f"<meta name=author content={attribute}><link rel=canonical href={attribute}>"
        f"<script type='application/ld+json'>{json.dumps(linked)}</script></head><body><article>"
        f"<h1>{payload} APEKSI halaman {number}</h1><span class=author>Oleh {payload}</span>"
        f"<div class=entry-content>{write_html(200 + number, payload)}</div></article></body></html>"
    ).encode("utf-8", "replace")


def _drop_halves(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


class _Answers(dict[str, Answer]):
    """The first page of WordPress's posts, whatever is asked of it."""

    posts = b"[]"

    def get(self, path: str, default: Any = None) -> Any:
        if path.startswith("/wp-json/wp/v2/posts"):
            return Answer(self.posts if "page=1" in path else b"[]", content_type="application/json")
        return super().get(path, default)


@dataclass(frozen=True)
class Attacked:
    """What a cycle over the hostile portals left."""

    folder: Path
    public: Path
    database: Path

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.database)) as database:
            return database.execute(sql).fetchall()

    def run(self, *command: str) -> Any:
        options = ("--data", str(self.database.parent), "--catalogue", str(self.folder / "catalogue.toml"))
        return run_here(self.folder, *options, *command)


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    folder = tmp_path_factory.mktemp("attacked")
    with serve_portal() as portal:
        portal.answers = answers = _Answers()
        answers.posts = write_posts(portal.base)
        pages = dict(enumerate(PAYLOADS[::5]))
        listed = "".join(
            f"<item><title>x</title><link>{portal.base}/halaman/{number}/</link></item>" for number in pages
        )
        answers["/halaman.xml"] = Answer(f"<rss version='2.0'><channel>{listed}</channel></rss>".encode())
        answers["/rilis.xml"] = Answer(write_feed(portal.base), content_type="application/rss+xml")
        answers |= {f"/halaman/{number}/": Answer(write_page(number, payload)) for number, payload in pages.items()}
        catalogue = "".join(
            f'[sources.{name}]\nname = "Portal {name}"\ndomain = "{name}.example"\nfull_text = true\n'
            f'channels = [{{ kind = "{kind}", url = "{portal.base}/{path}"{more} }}]\n'
            for name, kind, path, more in (
                ("rilis", "feed", "rilis.xml", ""),
                ("pos", "wordpress", "", ', terms = ["apeksi"]'),
                ("halaman", "feed", "halaman.xml", ""),
            )
        )
        setup = make_setup(folder, catalogue)
        run_warm(setup, now=NOW)
    return Attacked(folder=folder, public=setup.public, database=setup.database)


@pytest.mark.slow
def test_every_attack_is_kept_as_an_article_and_none_of_it_is_alive_in_any_file(attacked: Attacked) -> None:
    (counts,) = [dict(attacked.ask("SELECT source_id, count(*) FROM articles GROUP BY 1"))]
    assert (counts["rilis"], counts["pos"]) == (len(PAYLOADS), len(PAYLOADS))
    assert counts["halaman"] >= 5
    attacked.run("export", "snapshot")
    assert len([*attacked.public.rglob("*")]) > 20
    assert find_live_payloads(attacked.public) == []


@pytest.mark.slow
def test_addresses_of_articles_are_on_the_web_and_on_one_line(attacked: Attacked) -> None:
    for (url,) in attacked.ask("SELECT url FROM articles UNION SELECT image FROM articles WHERE image <> ''"):
        assert url.startswith(("http://", "https://"))
        assert url.isprintable()
        assert "@" not in url.partition("://")[2].partition("/")[0]


@pytest.mark.slow
def test_what_is_asked_of_pages_and_feeds_comes_back_harmless(attacked: Attacked) -> None:
    app = create_app(
        database=attacked.database,
        public=attacked.public,
        site=SiteInfo(url="https://kabar.example/"),
        clock=lambda: NOW,
    )
    stories = [f"/story/{number}" for (number,) in attacked.ask("SELECT id FROM stories LIMIT 3")]
    pages = ["/", "/cities", "/map", "/trends", "/trends.csv", "/sources", "/source/rilis", "/feeds", "/data", "/api"]
    pages += [*stories, "/api/v1/articles", "/api/v1/news", "/api/v1/stories", "/status", "/kliping", "/kliping.docx"]
    asking = ("/search?q={}", "/feeds/search.xml?q={}", "/kliping.txt?office={0}&q={0}", "/kliping?office={}")
    asking += ("/source/{}", "/data/{}", "/feeds/source/{}.xml")
    for number, payload in enumerate(PAYLOADS):  # each at two of the addresses by turns
        word = quote(_drop_halves(payload[:600]))
        pages += [asking[(number + turn) % len(asking)].format(word) for turn in (0, 3)]
    with serve(app) as base, httpx.Client(base_url=base, trust_env=False, timeout=60) as client:
        for page in pages:
            answer = client.get(page)
            kind = answer.headers.get("content-type", "").partition(";")[0]
            assert answer.status_code < 500, page
            suffix = {"text/plain": ".txt", "text/csv": ".csv"}.get(kind, "")
            assert find_live_payloads(answer.content, suffix=suffix) == [], page
            assert [value for value in answer.headers.values() if find_unprintable(value) or "\n" in value] == [], page
            assert "set-cookie" not in answer.headers


def test_klipings_of_every_form_are_harmless(attacked: Attacked) -> None:
    with Store.open_reader(attacked.database) as store, store.snapshot():
        kliping = gather_kliping(
            store,
            read_query([], NOW),
            office="<script>\r\nBcc: x\x1b[31m",
            zone=WITA,
            since=NOW - timedelta(days=900),
            until=NOW + timedelta(days=9_000),  # when it came in is the machine's own time
            language=Language.INDONESIAN,
            publisher=PUBLISHER,
        )
    assert kliping.news > len(PAYLOADS)
    assert kliping.file_name.replace("-", "").isalnum()
    for letter in (render_email_html(kliping), render_print_html(kliping, "p {}")):
        assert find_live_payloads(letter.encode(), styles=1) == []
    for text in (render_text(kliping), *render_whatsapp(kliping)):
        assert find_unprintable(text) == []
    for text in render_telegram(kliping):
        assert find_unprintable(text) + find_live_html(text) == []
    markdown = render_markdown(kliping)
    assert find_unprintable(markdown) + find_live_markdown(markdown) == []
    assert find_live_payloads(render_docx(kliping)) == []


@pytest.mark.slow
def test_no_command_prints_what_a_terminal_obeys_nor_a_table_what_runs(attacked: Attacked) -> None:
    urls = [url for (url,) in attacked.ask("SELECT url FROM articles WHERE source_id <> 'pos' ORDER BY id LIMIT 40")]
    commands = [
        ["status"],
        ["search", "apeksi"],
        ["search", "apeksi", "--json"],
        ["sources", "list"],
        ["takedown", "--list"],
    ]
    commands += [["explain", url] for url in urls[::10]] + [
        ["explain", urls[0], urls[1]],
        ["explain", f"https://x/{ESCAPES}"],
    ]
    page = attacked.folder / "page.html"
    page.write_bytes(write_page(1, ESCAPES + " &#27;[2J &#155;31m"))
    extract = ["extract", str(page), "--url", "https://uji.example/a", "--explain"]
    for command in (*commands, extract, [*extract, "--json"]):
        done = attacked.run(*command)
        assert find_unprintable(done.stdout) + find_unprintable(done.stderr) == [], command
    for name in ("articles", "stories", "field-provenance", "sources"):
        for options in ((), ("--excel",)):
            table = attacked.run("export", name, *options).stdout
            assert find_formulas(table.encode(), ";" if options else ",") == []
            assert find_unprintable(table.replace("\r\n", "\n")) == []


# ── what stands at the edges ───────────────────────────────────────────────────────────────────────────────────────


def test_an_entry_of_the_log_is_one_line_that_no_terminal_obeys() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(PrintableFormatter("%(levelname)s %(message)s"))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    logger.warning("judul %s", f"satu\nERROR palsu {ESCAPES} \u202e%s")
    (line,) = stream.getvalue().splitlines()
    assert line.startswith("WARNING judul satu\\nERROR palsu a\\u0000b")
    try:
        raise ValueError(ESCAPES)
    except ValueError:
        logger.exception("gagal")
    assert find_unprintable(stream.getvalue()) == []


def test_json_with_escapes_is_the_same_json() -> None:
    value = {"a": ESCAPES + "\u202e é ✓"}
    assert json.loads(make_printable(json.dumps(value, ensure_ascii=False))) == value


@pytest.mark.parametrize(
    ("line", "fitted"),
    [
        ("<img src=x onerror=alert(1) ", "< img src=x onerror=alert(1)"),
        ("a <b>tebal</b> <!-- x", "a < b>tebal< /b> < !-- x"),
        ("Luas < 5 km, <5, 3 <> 4", "Luas < 5 km, <5, 3 <> 4"),
        ("\u202etxt.exe\u200b", "txt.exe"),
    ],
)
def test_no_tag_begins_in_a_line_of_a_feed(line: str, fitted: str) -> None:
    assert fit_line(line) == fitted == fit_line(fitted)


ALIVE = {
    "script": b"<!doctype html><html><body><script>alert(1)</script>",
    "foreign script": b"<!doctype html><html><body><script src=//evil.example/x.js></script>",
    "handler": b"<!doctype html><html><body><img src=x onerror=alert(1)>",
    "scheme": b"<!doctype html><html><body><a href='java\tscript:alert(1)'>x</a>",
    "entities in a scheme": b"<!doctype html><html><body><a href='&#106;avascript&colon;1'>x</a>",
    "refresh": b"<!doctype html><html><meta http-equiv=refresh content=0><body>",
    "title of a feed": b"<feed><title type='html'>&lt;img src=x onerror=alert(1)&gt;</title></feed>",
    "description": b"<rss><channel><item><description>&lt;iframe src='x'&gt;</description></item></channel></rss>",
    "link of a feed": b"<rss><channel><item><link>javascript:alert(1)</link></item></channel></rss>",
    "ill-formed": b"<rss><channel>",
    "document type": b"<!DOCTYPE rss [<!ENTITY a 'b'>]><rss/>",
    "control": b"<rss><title>\xc2\x9b31m</title></rss>",
    "turned around": "<rss><title>\u202etxt</title></rss>".encode(),
    "JSON": b'{"items": [{"content_html": "<p onclick=x>"}]}',
    "address in JSON": b'{"items": [{"url": "data:text/html,x"}]}',
    "no JSON": b'{"a": NaN}',
    "not UTF-8": b"<rss>\xff</rss>",
}


@pytest.mark.parametrize("name", ALIVE)
def test_the_reader_of_documents_sees_what_is_alive(name: str) -> None:
    assert find_live_payloads(ALIVE[name]) != []


def test_the_reader_of_folders_sees_names_tables_and_links(tmp_path: Path) -> None:
    (tmp_path / "a b;c.xml").write_bytes(b"<rss/>")
    (tmp_path / "tabel.csv").write_text("judul\n=1+1\n-5\n")
    (tmp_path / "keluar.txt").symlink_to("/etc/hostname")
    faults = find_live_payloads(tmp_path)
    assert [fault.partition(":")[0] for fault in faults] == ["'a b;c.xml'", "keluar.txt", "tabel.csv"]
    assert find_live_markdown("[x](javascript:1)") != []
    assert find_live_markdown("\\[x\\](javascript:1) <https://a.example>") == []
