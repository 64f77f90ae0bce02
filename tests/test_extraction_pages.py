"""Whole pages against their expected JSON, side by side in extraction_pages/: themes, sites and odd makes.

The JSON says what is right. `"profile": null`: the general way reads the page.
"""

from __future__ import annotations

import gzip
import json
import re
import tomllib
from datetime import datetime
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from conftest import ROOT

from aggregator.dedup import hash_paragraph
from aggregator.models import ExtractedArticle
from crawler.extraction import extract_article, load_profiles
from crawler.extraction.page import read_page
from crawler.extraction.profiles import read_profiles

PAGES = Path(__file__).parent / "extraction_pages"
GUIDE = (ROOT / "docs" / "when-a-portal-changes.md").read_text(encoding="utf-8")
NAMES = sorted(path.stem for path in PAGES.glob("*.html"))
INLINE_TAG = re.compile(r"</?(?:a|abbr|b|em|font|i|span|strong|u)\b[^>]*>", re.IGNORECASE)
TAG = re.compile(r"<[^>]*>")


@cache
def read_expected(name: str) -> dict[str, Any]:
    expected: dict[str, Any] = json.loads((PAGES / f"{name}.json").read_text(encoding="utf-8"))
    return expected


@cache
def extract_page(name: str) -> tuple[ExtractedArticle, dict[str, Any]]:
    expected = read_expected(name)
    article = extract_article(
        (PAGES / f"{name}.html").read_bytes(),
        expected["url"],
        zone=ZoneInfo(expected["zone"]),
        now=datetime.fromisoformat(expected["now"]),
    )
    return article, expected


def list_paragraphs(article: ExtractedArticle) -> list[str]:
    return article.text.split("\n") if article.text else []


@pytest.mark.parametrize("name", NAMES)
def test_body_is_exactly_the_article(name: str) -> None:
    article, expected = extract_page(name)
    assert list_paragraphs(article) == expected["paragraphs"]
    assert [phrase for phrase in expected.get("absent", ()) if phrase in article.text] == []
    assert (article.refusal or "") == expected.get("reason", "")


@pytest.mark.parametrize("name", NAMES)
def test_publication_date_is_the_article_s_own(name: str) -> None:
    article, expected = extract_page(name)
    if "published" in expected:
        want = expected["published"] and datetime.fromisoformat(expected["published"])
        assert article.published == want
        if want:
            assert article.published is not None
            assert article.published.utcoffset() == want.utcoffset()
            assert article.published_precision == expected["precision"]
            assert article.published_raw
    if "date_method" in expected:
        assert article.published_method == expected["date_method"]
    if "modified" in expected:
        assert article.modified == datetime.fromisoformat(expected["modified"])


@pytest.mark.parametrize("name", NAMES)
def test_metadata_is_read(name: str) -> None:
    article, expected = extract_page(name)
    for key in ("title", "image", "canonical_url", "site_name", "language", "noindex", "method"):
        if key in expected:
            assert getattr(article, key) == expected[key], key
    for key in ("authors", "tags"):
        if key in expected:
            assert list(getattr(article, key)) == expected[key], key


@pytest.mark.parametrize(
    ("name", "title_method", "author_method"),
    [
        ("antaranews", "h1", "label"),
        ("amp", "h1", "json-ld"),
        ("blogspot", "profile", "profile"),
        ("portal-balipost", "h1", "signature"),
        ("site-name-in-h1", "heading", ""),
        ("jawapos-data-page", "meta", "data"),
        ("betheme", "h1", "byline"),
        ("table-layout", "emphasis", ""),
        ("tag-page", "title", ""),
        ("two-versions", "h1", "meta"),
        ("empty", "", ""),
    ],
)
def test_title_and_author_say_which_way_they_were_found(name: str, title_method: str, author_method: str) -> None:
    article, _ = extract_page(name)
    assert (article.title_method, article.author_method) == (title_method, author_method)


def test_what_was_read_names_its_way_and_its_profile_and_nothing_else_does() -> None:
    for article, expected in map(extract_page, NAMES):
        assert bool(article.title_method) == bool(article.title), expected["url"]
        assert bool(article.author_method) == bool(article.byline), expected["url"]
        assert article.profile == (expected["profile"] or ""), expected["url"]


@pytest.mark.parametrize("name", NAMES)
def test_expected_profile_is_chosen(name: str) -> None:
    expected = read_expected(name)
    page = read_page((PAGES / f"{name}.html").read_bytes(), expected["url"])
    assert (page.profile.name if page else "") == (expected["profile"] or "")


def test_every_built_in_profile_has_a_page() -> None:
    assert {read_expected(name)["profile"] for name in NAMES} - {None} == set(load_profiles())


def test_every_page_has_its_json_and_the_other_way_round() -> None:
    assert sorted(path.stem for path in PAGES.glob("*.json")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_what_is_expected_agrees_with_the_page(name: str) -> None:
    """A paragraph that is not on the page, or that holds a forbidden phrase, is a slip of whoever wrote the JSON."""
    expected = read_expected(name)
    page, text = read_words(PAGES / f"{name}.html"), "\n".join(expected["paragraphs"])
    assert [line for line in expected["paragraphs"] if fold(line) and " ".join(fold(line)) not in page] == []
    assert [phrase for phrase in expected.get("absent", ()) if phrase in text] == []


@pytest.mark.parametrize("name", NAMES)
def test_boilerplate_covers_every_paragraph_kept_and_more(name: str) -> None:
    article, expected = extract_page(name)
    kept = [line for line in expected["paragraphs"] if len(line.split()) >= 3]
    assert set(map(hash_paragraph, kept)) <= set(article.boilerplate)
    assert len(article.boilerplate) == len(set(article.boilerplate)) <= 400


def test_example_of_the_guide_for_repairers_reads_its_page() -> None:
    html, table = (re.search(rf"```{kind}\n(.*?)```", GUIDE, re.DOTALL) for kind in ("html", "toml"))
    assert html
    assert table
    profiles = read_profiles(tomllib.loads(table[1])).values()
    page, url = f"<title>Kabar Teluk</title>{html[1]}".encode(), "https://www.kabarteluk.example/kota/881"
    article = extract_article(page, url, zone=ZoneInfo("Asia/Makassar"), profiles=profiles)
    assert article.title == "Kota Teluk Buka Taman Baca"
    assert article.authors == ("Rina Mokodompit",)
    assert article.published == datetime.fromisoformat("2026-08-05T09:30:00+08:00")
    assert [line[:9] for line in list_paragraphs(article)] == ["Kota Telu", "Taman itu"]
    assert extract_article(page, url, zone=ZoneInfo("Asia/Makassar")).text != article.text


def test_boilerplate_holds_what_was_dropped() -> None:
    article, _ = extract_page("idtheme")
    assert hash_paragraph("Ikuti kabar terbaru kami di Google News") in article.boilerplate


@pytest.mark.parametrize("file", ["seed.html", "seed-dated.html"])
def test_seed_page(dev_data: Path, file: str) -> None:
    expected = json.loads((dev_data / "seed" / "expected.json").read_text(encoding="utf-8"))
    article = extract_article(
        (dev_data / "seed" / file).read_bytes(),
        expected["url"],
        zone=ZoneInfo(expected["zone"]),
        now=datetime.fromisoformat(expected["now"]),
    )
    published = expected["published"][file]
    assert list_paragraphs(article) == expected["paragraphs"]
    assert article.title == expected["title"]
    assert list(article.authors) == expected["authors"]
    assert article.image == expected["image"]
    assert article.published == datetime.fromisoformat(published["value"])
    assert article.published_precision == published["precision"]
    assert [phrase for phrase in expected["absent"] if phrase in article.text] == []


LEAKS_ALLOWED = 0
INDONESIAN_FLOOR = 0.95


def test_indonesian_development_pages_keep_their_words_and_no_furniture(dev_data: Path) -> None:
    """A quick guard; the real measure is the benchmark of the README."""
    folder = dev_data / "extraction" / "id-dev"
    gold = json.loads((folder / "gold.json").read_text(encoding="utf-8"))
    leaks, shares = 0, []
    for name, want in gold.items():
        article = extract_article(read_gzip(folder / "html" / f"{name}.html.gz"), want["url"])
        words, kept = fold(want["body"]), fold(article.text)
        leaks += any(" ".join(fold(phrase)) in " ".join(kept) for phrase in want["absent"])
        shares.append(2 * len(set(words) & set(kept)) / (len(set(words)) + len(set(kept))))
    assert leaks <= LEAKS_ALLOWED
    assert sum(shares) / len(shares) >= INDONESIAN_FLOOR


def read_words(path: Path) -> str:
    """The words of a page, folded; those of attributes, too: some pages keep their text in one."""
    html = unescape(path.read_bytes().decode("windows-1252" if path.stem == "windows-1252" else "utf-8", "replace"))
    return " ".join(fold(unescape(TAG.sub(" ", INLINE_TAG.sub("", html))).replace("\N{SOFT HYPHEN}", "")))


def read_gzip(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())


def fold(text: str) -> list[str]:
    return "".join(char if char.isalnum() else " " for char in text.casefold()).split()
