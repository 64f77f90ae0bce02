"""`kabarkota extract --explain`, pages that are refused, and the operator's own profiles."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crawler.extraction import ProfileError, explain_page, extract_article, load_profiles, read_page
from schedules.cli import app
from schedules.errors import UsageFailure

URL = "https://portal.example/berita/halte"
NOW = datetime(2026, 8, 10, 5, 0, tzinfo=UTC)
PROSE = (
    "Pemerintah kota menambah delapan halte di jalur utara supaya pekerja pabrik tidak lagi berjalan jauh saat malam.",
    "Halte dibangun dari bahan daur ulang, dan setiap halte dilengkapi lampu serta papan jadwal yang mudah dibaca.",
    "Warga diminta memberi masukan mengenai letak halte berikutnya lewat kantor kelurahan sampai akhir bulan ini.",
)
BODY = "".join(f"<p>{text}</p>" for text in PROSE)
PAGE = f"""<html><head><title>Delapan Halte Baru | Portal</title><meta property="og:site_name" content="Portal"></head>
<body><h1>Delapan Halte Baru</h1><div class="author">Oleh: Rina Wati</div>
<div class="tanggal">Senin, 3 Agustus 2026 08.30 WITA</div>
<div class="teks">{BODY}<div class="related"><p>Pos terkait di sini</p></div><p><a href="/x">Jalan Baru</a></p>
<p>Baca juga: Pasar Baru</p></div></body></html>""".encode()


def list_won(html: bytes, field: str) -> list[tuple[str, str]]:
    page = read_page(html, URL)
    assert page is not None
    return [(finding.way, finding.value) for finding in explain_page(page) if finding.field == field and finding.won]


def test_what_won_is_what_the_article_has() -> None:
    article = extract_article(PAGE, URL)
    assert list_won(PAGE, "title") == [(article.title_method, article.title)] == [("h1", "Delapan Halte Baru")]
    assert list_won(PAGE, "authors") == [(article.author_method, "Rina Wati (from 'Rina Wati')")]
    assert article.author_method == "label"
    assert [way for way, _ in list_won(PAGE, "body")] == [article.method] == ["column"]
    assert article.published is not None
    (date,) = list_won(PAGE, "published")
    assert date[0] == article.published_method
    assert date[1].startswith(article.published.isoformat())


def test_what_was_dropped_is_told_with_the_reason() -> None:
    page = read_page(PAGE, URL)
    assert page is not None
    dropped = {finding.value: finding.way for finding in explain_page(page) if finding.field == "dropped"}
    assert dropped == {"Jalan Baru": "a link", "Baca juga: Pasar Baru": "a line that is no text"}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(f"<article><h1>Delapan Halte Baru</h1>{BODY}</article>", id="article"),
        pytest.param(f'<div class="entry-content">{BODY}</div>', id="name"),
        pytest.param(f'<div class="iklan">{BODY[:190]}</div>', id="open"),
        pytest.param("", id="nothing"),
        pytest.param("<article><a href='/1'>x</a></article>" * 9, id="links"),
    ],
)
def test_at_most_one_body_wins_and_it_is_the_article_s(body: str) -> None:
    html = f"<html><title>Delapan Halte Baru</title><body>{body}".encode()
    article = extract_article(html, URL)
    won = [way for way, _ in list_won(html, "body")]
    assert won == ([article.method] if article.text else [])


def test_the_command_shows_what_each_stage_found(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_bytes(PAGE)
    command = ["--data", str(tmp_path), "extract", str(tmp_path / "page.html"), "--url", URL, "--explain"]
    shown = CliRunner().invoke(app, command)
    assert shown.exit_code == 0, shown.output
    assert "✓ label: Rina Wati" in shown.output
    as_json = json.loads(CliRunner().invoke(app, [*command, "--json"]).output)
    assert {finding["field"] for finding in as_json["explain"]} == {
        "profile",
        "title",
        "authors",
        "published",
        "body",
        "dropped",
    }


# ── no article ──


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        pytest.param(b"", "no markup", id="empty"),
        pytest.param(b"\x00\x01\x02", "no markup", id="control characters"),
        pytest.param(
            b"<title>Just a moment...</title><body><h1>portal.example</h1><p>Checking your browser.</p>",
            "a challenge page",
            id="challenge",
        ),
        pytest.param(
            b"<title>Halaman Tidak Ditemukan - Portal</title><body><h1>404</h1><p>Maaf, coba cari.</p>",
            "the page says that it was not found",
            id="soft 404",
        ),
        pytest.param(
            b"<title>Portal</title><body class='error404 wp'><h1>Oops</h1><p>Maaf, coba cari yang lain di sini.</p>",
            "the page says that it was not found",
            id="WordPress 404",
        ),
        pytest.param(
            b"<title>Masuk</title><body><form><input name=u><input type=password></form><p>Silakan isi.</p>",
            "a login page",
            id="login",
        ),
        pytest.param(
            b"<title>Berita</title><body class='archive'><article><a href='/1'>Delapan halte baru</a></article>",
            "a list of articles",
            id="list",
        ),
    ],
)
def test_what_is_no_article_is_told_with_the_reason(html: bytes, reason: str) -> None:
    article = extract_article(html, URL)
    assert (article.refusal, article.text) == (reason, "")


@pytest.mark.parametrize(
    "html",
    [
        pytest.param(f"<title>Halaman Tidak Ditemukan</title><h1>Halaman Tidak Ditemukan</h1>{BODY}{BODY}", id="novel"),
        pytest.param(f"<title>Masuk</title><form><input type=password></form>{BODY}{BODY}", id="with a login form"),
        pytest.param("<title>Berita video</title><h1>Berita video</h1>", id="no text"),
    ],
)
def test_an_article_is_not_taken_for_an_error_page(html: str) -> None:
    assert extract_article(html.encode(), URL).refusal is None


# ── the operator's profiles ──


def test_an_operator_s_profile_comes_before_the_built_in_ones(tmp_path: Path) -> None:
    table = tmp_path / "profiles.toml"
    table.write_text(
        '[own]\nhosts = ["portal.example"]\ncontainer = [".teks"]\ntitle = [".author"]\n', encoding="utf-8"
    )
    profiles = load_profiles(table)
    assert next(iter(profiles)) == "own"
    assert set(load_profiles()) < set(profiles)
    article = extract_article(PAGE, URL, profiles=profiles.values())
    assert (article.method, article.title) == ("profile", "Oleh: Rina Wati")


def test_a_changed_profile_is_read_again(tmp_path: Path) -> None:
    table = tmp_path / "profiles.toml"
    table.write_text('[own]\nhosts = ["a.example"]\n', encoding="utf-8")
    assert load_profiles(table)["own"].hosts == ("a.example",)
    table.write_text('[own]\nhosts = ["other.example"]\n', encoding="utf-8")
    assert load_profiles(table)["own"].hosts == ("other.example",)


@pytest.mark.parametrize(
    ("content", "blamed"),
    [
        (b"[own\n", "profiles.toml"),
        (b"\xff", "profiles.toml"),
        (b'[own]\ncontainers = ["a"]\n', "'containers'"),
        (b'[own]\ncontainer = [":::"]\n', "':::'"),
    ],
    ids=["not-toml", "not-utf-8", "unknown-key", "no-selector"],
)
def test_a_broken_table_of_profiles_is_one_clear_line(tmp_path: Path, content: bytes, blamed: str) -> None:
    (tmp_path / "profiles.toml").write_bytes(content)
    (tmp_path / "page.html").write_bytes(PAGE)
    with pytest.raises(ProfileError, match=r"profiles\.toml"):
        load_profiles(tmp_path / "profiles.toml")
    shown = CliRunner().invoke(app, ["--data", str(tmp_path), "extract", str(tmp_path / "page.html")])
    assert isinstance(shown.exception, UsageFailure)
    assert blamed in str(shown.exception)
