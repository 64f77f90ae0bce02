"""How each field was found, from the bytes of a page to the columns of its article; which decision gave its group."""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from newsdesk import OTHER, RELEASE, Newsroom

from aggregator.grouping import Grouper
from aggregator.models import ArticleLink, FetchedPage
from aggregator.pages import PageFolder
from aggregator.topics import load_topics
from crawler.reading import Reading, read_link, read_page

URL = "https://mula.example/kunjungan"
BODY = "".join(f"<p>{text}</p>" for text in RELEASE)
THEME = Path(__file__).with_name("extraction_pages") / "newspaper.html"


def read(newsroom: Newsroom, link: ArticleLink, html: bytes = b"") -> FetchedPage:
    """A page as the crawler hands it over."""
    reading = Reading(zone="Asia/Jakarta", now=newsroom.now, keep_all=True)
    found = read_page(html, link, link.url, reading, True) if html else read_link(link, reading, True)
    return FetchedPage(
        url=link.url,
        link=link,
        article=found.article,
        fetched_at=newsroom.now,
        raw=found.raw,
        page_hash=found.page_hash,
        from_channel=not html,
    )


def make_page(heading: str = "<h1>APEKSI di Gorontalo</h1>", *, more: str = "") -> bytes:
    return f"<html><body><article>{heading}{BODY}{more}</article></body></html>".encode()


# ── how a field was found ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("html", "said", "expected"),
    [
        (make_page(more="<p>Penulis: Rina Wati</p>"), {"title": "Di kanal"}, ("h1", "label", "", "article")),
        (
            THEME.read_bytes().replace(b"Kota Tegal", b"APEKSI Tegal"),
            {},
            ("h1", "profile", "newspaper", "profile"),
        ),
        (make_page(""), {"title": "APEKSI"}, ("channel", "", "", "prose")),
        (make_page(""), {}, ("text", "", "", "prose")),
        (b"", {"title": "APEKSI", "author": "Redaksi"}, ("channel", "channel", "", "channel")),
        (b"", {}, ("text", "", "", "channel")),
    ],
    ids=["page", "theme", "untitled page", "no title anywhere", "channel", "untitled in the channel"],
)
def test_an_article_keeps_how_its_fields_were_found(
    newsroom: Newsroom, html: bytes, said: dict[str, str], expected: tuple[str, ...]
) -> None:
    content = "" if html else BODY
    newsroom.bring("mula", read(newsroom, ArticleLink(url=URL, content_html=content, **said), html))
    columns = "title_method, author_method, profile, extraction_method, page_hash"
    assert newsroom.ask(f"SELECT {columns} FROM articles") == [(*expected, sha256(html or content.encode()).digest())]
    assert newsroom.ask("SELECT DISTINCT table_version FROM article_topics") == [(load_topics().version,)]


def test_a_revised_article_has_the_page_that_it_was_revised_by(newsroom: Newsroom) -> None:
    pages = {
        "first": make_page(),
        "other bytes": make_page() + b"<!-- 5 readers -->",
        "revised": make_page("<h2>Ralat: APEKSI di Gorontalo</h2>"),
    }
    kept = []
    for html in pages.values():
        newsroom.bring("mula", read(newsroom, ArticleLink(url=URL), html))
        ((page_hash, file, method),) = newsroom.ask("SELECT page_hash, page_file, title_method FROM articles")
        kept.append((page_hash, PageFolder(newsroom.folder / "pages").read(file), method))
        newsroom.minutes += 2 * 24 * 60
    first, revised = pages["first"], pages["revised"]
    assert kept == [
        (sha256(first).digest(), first, "h1"),
        (sha256(first).digest(), first, "h1"),
        (sha256(revised).digest(), revised, "heading"),
    ]


def test_the_same_bytes_have_the_same_hash_wherever_they_were_read(newsroom: Newsroom) -> None:
    for source in ("mula", "salin"):
        newsroom.bring(source, read(newsroom, ArticleLink(url=f"https://{source}.example/a"), make_page()))
    assert newsroom.ask("SELECT count(*), count(DISTINCT page_hash) FROM articles") == [(2, 1)]


def test_what_a_worker_of_an_older_version_read_is_kept_without(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kunjungan", RELEASE)
    columns = "title_method, author_method, profile, page_hash"
    assert newsroom.ask(f"SELECT {columns} FROM articles") == [("", "", "", None)]


# ── which table gave a topic ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("one", "other", "are_same"),
    [
        ("", "# nothing but a comment\n", True),
        ("[topics.apeksi]\nthreshold = 0.9\n", "[topics.apeksi] # a\nthreshold=0.90\n", True),
        ("", "[topics.apeksi]\nthreshold = 0.9\n", False),
        ('[topics.apeksi.terms]\n"rakor kota" = 0.5\n', '[topics.apeksi.terms]\n"rakor kota" = 0.6\n', False),
        ('no_articles.titles = ["^Indeks"]\n', 'no_articles.titles = ["^Arsip"]\n', False),
    ],
    ids=["comment", "written otherwise", "threshold", "weight", "titles"],
)
def test_a_table_has_another_version_when_it_says_something_else(
    tmp_path: Path, one: str, other: str, are_same: bool
) -> None:
    table = tmp_path / "topics.toml"
    versions = []
    for number, text in enumerate((one, other)):
        table.write_text(text, encoding="utf-8")
        os.utime(table, (number, number))
        versions.append(load_topics(table).version)
    assert (versions[0] == versions[1]) is are_same
    assert (versions[0] == load_topics().version) is (not one)
    assert [len(version) for version in versions] == [10, 10]


# ── which decision gave a group ────────────────────────────────────────────────────────────────────────────────────


def publish(*articles: tuple[str, list[str], int]) -> Callable[[Newsroom], None]:
    def go(newsroom: Newsroom) -> None:
        for source, paragraphs, hour in articles:
            newsroom.publish_at(source, "a", paragraphs, hour=hour)

    return go


def lose_the_whole(newsroom: Newsroom) -> None:
    """The article that held two parts together leaves."""
    publish(("awal", RELEASE[:3], 5), ("akhir", RELEASE[3:], 6), ("utuh", RELEASE, 4), ("salin", RELEASE[3:], 7))(
        newsroom
    )
    ((article, group),) = newsroom.ask("SELECT id, group_id FROM articles WHERE source_id = 'utuh'")
    with newsroom.store.transaction():
        Grouper(newsroom.store, newsroom.now).leave(article, group)
        newsroom.store.delete_article(article)


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        (publish(("mula", RELEASE, 5), ("niaga", OTHER, 5)), {}),
        (publish(("mula", RELEASE, 5), ("salin", RELEASE, 6)), {"salin": ("mula", "exact")}),
        (publish(("salin", RELEASE[:4], 6), ("mula", RELEASE, 5)), {"salin": ("mula", "containment")}),
        (
            publish(("awal", RELEASE[:3], 5), ("akhir", RELEASE[3:], 6), ("utuh", RELEASE, 4)),
            {"awal": ("utuh", "containment"), "akhir": ("utuh", "containment")},
        ),
        (
            publish(("mula", RELEASE, 5), ("salin", RELEASE, 6), ("petik", RELEASE[:4], 7), ("salin", OTHER, 6)),
            {"petik": ("mula", "containment")},
        ),
        (lose_the_whole, {"salin": ("akhir", "exact")}),
        (
            publish(("mula", RELEASE[:4], 3), ("dua", RELEASE, 5), ("tiga", RELEASE, 5), ("ekor", RELEASE[3:], 6)),
            {"dua": ("mula", "containment"), "tiga": ("mula", "containment"), "ekor": ("dua", "containment")},
        ),
    ],
    ids=["alone", "copy", "canonical moved", "merged", "revised", "split", "by others than the canonical"],
)
def test_the_decision_that_an_article_is_in_its_group_by_can_be_told(
    newsroom: Newsroom, history: Callable[[Newsroom], None], expected: dict[str, tuple[str, str]]
) -> None:
    history(newsroom)
    sources = dict(newsroom.ask("SELECT id, source_id FROM articles"))
    found = {source: newsroom.store.find_joining(article) for article, source in sources.items()}
    assert {source: (sources[edge["other"]], edge["rule"]) for source, edge in found.items() if edge} == expected
    copies = newsroom.ask("SELECT source_id FROM articles WHERE id NOT IN (SELECT canonical_id FROM duplicate_groups)")
    assert {source for (source,) in copies} == set(expected)
