"""Judging anew what was kept: `replay`, `topics test` and `explain`, over a database that real cycles wrote."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import feedparser
import pytest
import zstandard
from portals import Answer, LoopbackPortal, make_setup, serve_portal
from typer.testing import CliRunner, Result
from warm import run_warm

from aggregator.topics import load_topics
from schedules.cli import app
from schedules.errors import WriterBusy
from schedules.lock import hold_writer_lock

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
RELEASE = (
    "BALIKPAPAN – Wali kota dari 30 kota menghadiri Rapat Kerja Nasional APEKSI di Kota Balikpapan. Sidang membahas "
    "dana kelurahan, angkutan umum, dan kerja sama pengelolaan sampah antarkota."
)
NEWS = {
    "rakernas": ("Rakernas APEKSI Dibuka di Balikpapan", RELEASE),
    "salinan": ("Tiga Puluh Wali Kota Berkumpul, APEKSI Bahas Sampah", RELEASE),
    "dasbor": (
        "Pemkot Bogor Luncurkan Dasbor Smart City",
        (
            "Pemerintah Kota Bogor meluncurkan dasbor smart city yang menyatukan data kemacetan dan banjir. Kepala "
            "dinas menyebut warga dapat memantau titik genangan melalui telepon genggam."
        ),
    ),
    "klaster": (
        "Pengembang Tawarkan Hunian Berkonsep Smart City",
        "Pengembang membuka klaster hunian berkonsep smart city di pinggir tol. Ruko dan apartemen menyusul.",
    ),
}
WITHOUT_SMART_CITY = "[topics.smart-city]\nenabled = false\n"
WITH_RUBBISH = (
    '[topics.sampah]\nname = "Sampah"\nexplanation = "Pengelolaan sampah."\n[topics.sampah.terms]\n"sampah" = 3.0\n'
)

Run = Callable[..., Result]


def write_page(title: str, text: str) -> bytes:
    paragraphs = "".join(f"<p>{sentence.strip()}.</p>" for sentence in (text * 2).split(". ") if sentence.strip())
    return (
        f"<!DOCTYPE html><html lang=id><head><meta charset=utf-8><title>{title}</title></head>"
        f"<body><article><h1>{title}</h1><div class=entry-content>{paragraphs}</div></article></body></html>"
    ).encode()


def write_feed(portal: LoopbackPortal) -> bytes:
    items = "".join(
        f"<item><title>{title}</title><link>{portal.base}/{name}/</link>"
        f"<pubDate>{format_datetime(NOW - timedelta(hours=3))}</pubDate></item>"
        for name, (title, _) in NEWS.items()
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>Portal</title>{items}</channel></rss>'.encode()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A data folder after one cycle, and the portal's address."""
    folder = tmp_path_factory.mktemp("replay")
    with serve_portal() as portal:
        portal.answers["/feed.xml"] = Answer(write_feed(portal), content_type="application/rss+xml")
        for name, (title, text) in NEWS.items():
            portal.answers[f"/{name}/"] = Answer(write_page(title, text))
        catalogue = (
            f'[sources.uji]\nname = "Portal Uji"\ndomain = "uji.example"\ncity = "kota-bogor"\n'
            f'channels = [{{ kind = "feed", url = "{portal.base}/feed.xml" }}]\n'
        )
        summary = run_warm(make_setup(folder, catalogue), now=NOW)
    assert (summary.articles, summary.off_topic, summary.new_items) == (3, 1, 2)
    return folder, portal.base


@pytest.fixture
def data(filled: tuple[Path, str], tmp_path: Path) -> Path:
    """A copy of that folder, for a test to change."""
    import shutil

    folder = filled[0]
    shutil.copytree(folder / "data", tmp_path / "data")
    shutil.copy(folder / "catalogue.toml", tmp_path / "catalogue.toml")
    return tmp_path / "data"


@pytest.fixture
def run(data: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(data.parent)
    options = ["--data", str(data), "--catalogue", str(data.parent / "catalogue.toml")]
    return lambda *arguments: CliRunner().invoke(app, [*options, *arguments])


def read(result: Result) -> str:
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.stdout


def query(data: Path, sql: str) -> list[tuple[Any, ...]]:
    database = sqlite3.connect(data / "news.db")
    try:
        return database.execute(sql).fetchall()
    finally:
        database.close()


ORIGINS = "SELECT url, title_method, author_method, profile, page_hash FROM articles ORDER BY url"


def forget_origins(data: Path) -> None:
    """Makes the articles as if a version had read them that did not keep how."""
    database = sqlite3.connect(data / "news.db")
    with database:
        database.execute("UPDATE articles SET title_method = '', author_method = '', profile = '', page_hash = NULL")
        database.execute("UPDATE article_topics SET table_version = ''")
    database.close()


def read_guids(data: Path) -> dict[str, str]:
    return dict(query(data, "SELECT guid, title FROM news ORDER BY guid"))


def read_feed(data: Path) -> set[str]:
    return {entry.id for entry in feedparser.parse((data / "public" / "feed.xml").read_bytes()).entries}


# ── replay ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_replay_without_a_change_changes_nothing(data: Path, run: Run) -> None:
    before = query(data, "SELECT * FROM articles"), query(data, "SELECT * FROM article_topics ORDER BY 1, 2")
    assert {row[-1] for row in before[1]} == {load_topics().version}
    assert read(run("replay")) == "no change\n"
    assert (query(data, "SELECT * FROM articles"), query(data, "SELECT * FROM article_topics ORDER BY 1, 2")) == before


def test_dry_run_shows_the_differences_and_keeps_everything(data: Path, run: Run) -> None:
    (data / "topics.toml").write_text(WITHOUT_SMART_CITY)
    guids = read_guids(data)
    shown = read(run("replay", "--dry-run"))
    assert "- smart-city → off-topic  Pemkot Bogor Luncurkan Dasbor Smart City" in shown
    assert "nothing was changed" in shown
    assert read_guids(data) == guids
    assert query(data, "SELECT count(*) FROM articles") == [(3,)]


def test_dry_run_needs_no_lock(data: Path, run: Run) -> None:
    with hold_writer_lock(data):
        assert "nothing was changed" in read(run("replay", "--dry-run"))
        assert isinstance(run("replay").exception, WriterBusy)


@pytest.mark.slow
def test_article_leaves_and_comes_back_under_its_guid(data: Path, run: Run) -> None:
    guids, origins = read_guids(data), query(data, ORIGINS)
    (data / "topics.toml").write_text(WITHOUT_SMART_CITY)
    read(run("replay", "--stage", "topics"))
    left = read_guids(data)
    assert set(guids) - set(left) == {guid for guid, title in guids.items() if "Dasbor" in title}
    assert read_feed(data) == set(left)
    assert query(data, "SELECT state FROM links WHERE url LIKE '%dasbor%'") == [("off-topic",)]
    (data / "topics.toml").unlink()
    assert "+ off-topic → smart-city" in read(run("replay"))
    assert read_guids(data) == guids
    assert query(data, ORIGINS) == origins
    assert read_feed(data) == set(guids)
    assert query(data, "SELECT count(*) FROM duplicate_groups") == [(2,)]
    assert query(data, "PRAGMA foreign_key_check") == []


def test_group_keeps_its_guid_when_its_canonical_article_leaves(data: Path, run: Run) -> None:
    guids = read_guids(data)
    canonical = query(data, "SELECT a.id, a.title FROM news JOIN articles AS a ON a.id = article_id WHERE copies = 2")
    database = sqlite3.connect(data / "news.db")
    with database:  # the copy that is shown turns out to be about something else
        database.execute(
            "UPDATE articles SET title = 'Panen Cabai', text = 'Cabai dipanen.' WHERE id = ?", canonical[0][:1]
        )
    database.close()
    read(run("replay", "--stage", "topics"))
    assert set(read_guids(data)) == set(guids)
    assert query(data, "SELECT count(*) FROM news WHERE copies = 2") == [(0,)]


def test_other_topics_are_written_with_their_evidence(data: Path, run: Run) -> None:
    (data / "topics.toml").write_text(WITH_RUBBISH)
    built_in, own = load_topics().version, load_topics(data / "topics.toml").version
    assert "regions" not in read(run("replay", "--stage", "regions"))
    assert query(data, "SELECT DISTINCT table_version FROM article_topics") == [(built_in,)]
    assert "~ topics: apeksi → apeksi, sampah" in read(run("replay", "--stage", "topics"))
    assert query(data, "SELECT DISTINCT table_version FROM article_topics") == [(own,)]
    evidence = query(data, "SELECT evidence FROM article_subjects WHERE topic = 'sampah' LIMIT 1")[0][0]
    assert {"term", "place", "offset", "weight"} == set(json.loads(evidence)[0])


def test_spam_is_set_aside(data: Path, run: Run) -> None:
    database = sqlite3.connect(data / "news.db")
    with database:
        database.execute("UPDATE articles SET title = 'Situs Slot Gacor Maxwin Smart City' WHERE title LIKE '%Dasbor%'")
    database.close()
    assert "- smart-city → spam" in read(run("replay", "--stage", "spam"))
    assert query(data, "SELECT verdict FROM rejected_pages WHERE title LIKE 'Situs%'") == [("spam",)]


def test_regions_are_tagged_anew(data: Path, run: Run) -> None:
    database = sqlite3.connect(data / "news.db")
    with database:
        database.execute("DELETE FROM article_regions")
    database.close()
    shown = read(run("replay", "--stage", "regions", "--json"))
    changes = json.loads(shown)["changes"]
    assert {change["what"] for change in changes} == {"regions"}
    assert {change["after"] for change in changes} == {"32, 32.71", "64, 64.71"}


def test_text_is_extracted_anew_from_the_kept_page(data: Path, run: Run) -> None:
    database = sqlite3.connect(data / "news.db")
    with database:
        database.execute("UPDATE articles SET text = 'Baca juga: smart city' WHERE title LIKE '%Dasbor%'")
    database.close()
    assert "~ text: 21 → " in read(run("replay", "--stage", "extraction"))
    assert query(data, "SELECT text FROM articles WHERE title LIKE '%Dasbor%'")[0][0].startswith(
        "Pemerintah Kota Bogor"
    )
    assert query(data, "SELECT count(*) FROM articles_fts WHERE articles_fts MATCH 'genangan'") == [(1,)]


@pytest.mark.slow
def test_how_fields_were_found_is_added_to_what_an_older_version_read(data: Path, run: Run) -> None:
    origins = query(data, ORIGINS)
    forget_origins(data)
    assert query(data, ORIGINS) != origins
    assert read(run("replay", "--stage", "extraction")) == "no change\n"
    assert query(data, ORIGINS) == origins


def test_page_that_is_gone_leaves_the_text_alone(data: Path, run: Run) -> None:
    for page in (data / "pages").rglob("*.zst"):
        page.write_bytes(b"torn")
    assert read(run("replay", "--stage", "extraction")) == "no change\n"


@pytest.mark.slow
def test_only_what_is_asked_for_is_judged(data: Path, run: Run) -> None:
    (data / "topics.toml").write_text(WITHOUT_SMART_CITY)
    assert "no change" in read(run("replay", "--since", "2026-11-24", "--dry-run"))
    assert "removed" in read(run("replay", "--since", "2026-11-23", "--dry-run", "--stage", "topics"))
    assert "removed" in read(run("replay", "--source", "uji", "--dry-run", "--stage", "topics"))


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--source", "nobody"], "--source nobody: no such source"),
        (["--since", "yesterday"], "--since 'yesterday': not a day such as"),
        (["--since", "2026-11-23T25:00"], "--since '2026-11-23T25:00': not a day such as"),
    ],
    ids=["source", "day", "hour"],
)
def test_wrong_option_is_told_in_a_line(run: Run, arguments: list[str], problem: str) -> None:
    assert str(run("replay", *arguments).exception).startswith(problem)


def test_bad_table_is_told_and_nothing_changed(data: Path, run: Run) -> None:
    (data / "topics.toml").write_text('[no_articles]\ntitles = ["(tag"]\n')
    before = query(data, "SELECT count(*), sum(length(text)) FROM articles")
    error = str(run("replay").exception)
    assert "topics.toml: no_articles.titles[" in error
    assert "bad pattern '(tag'" in error
    assert query(data, "SELECT count(*), sum(length(text)) FROM articles") == before


def test_without_a_database_there_is_nothing_to_judge(tmp_path: Path) -> None:
    for command in (["replay"], ["topics", "test"], ["explain", "https://x.example/"]):
        result = CliRunner().invoke(app, ["--data", str(tmp_path), *command])
        assert "there is no database yet" in str(result.exception)


# ── topics test ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_table_is_tried_before_it_is_applied(data: Path, run: Run) -> None:
    table = data.parent / "mine.toml"
    table.write_text(WITHOUT_SMART_CITY + WITH_RUBBISH)
    shown = read(run("topics", "test", str(table)))
    assert "- smart-city → none  Pemkot Bogor" in shown
    assert "~ topics: apeksi → apeksi, sampah  Rakernas APEKSI" in shown
    assert "sampah 1.5 = 'sampah' in " in shown
    assert "1 removed, 2 topics" in shown
    assert query(data, "SELECT DISTINCT topic FROM article_topics ORDER BY 1") == [("apeksi",), ("smart-city",)]


def test_table_shows_what_it_would_let_in(data: Path, run: Run) -> None:
    table = data.parent / "mine.toml"
    table.write_text('[topics.smart-city.exclusions]\n"{perumahan,hunian,klaster,cluster,apartemen,apartment,ruko,kpr,'
                     'kondominium,residence,residensial,rumah tapak}" = 0\n"hunian" = 0\n'
                     '[topics.smart-city]\nthreshold = 0.5\n')  # fmt: skip
    told = json.loads(read(run("topics", "test", str(table), "--json")))
    assert [(change["what"], change["after"]) for change in told] == [("added", "smart-city")]
    assert told[0]["matches"][0]["evidence"]


def test_missing_table_is_told(run: Run) -> None:
    assert "nowhere.toml" in str(run("topics", "test", "nowhere.toml").exception)


# ── explain ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_article_explains_why_it_is_in(filled: tuple[Path, str], run: Run) -> None:
    shown = read(run("explain", f"{filled[1]}/rakernas/?utm_source=x"))
    assert "in: an article" in shown
    assert "topic apeksi: " in shown
    assert "+1.00  title    …Rakernas APEKSI Dibuka di Balikpapan…" in shown
    assert "Kota Balikpapan happened in" in shown


def test_rejected_page_explains_why_it_is_out(filled: tuple[Path, str], run: Run) -> None:
    told = json.loads(read(run("explain", f"{filled[1]}/klaster/", "--json")))
    smart = next(topic for topic in told["topics"] if topic["topic"] == "smart-city")
    assert told["state"] == "off-topic"
    assert smart["score"] < smart["threshold"]
    assert any(item["weight"] < 0 for item in smart["evidence"])


def test_article_is_explained_by_its_id(run: Run) -> None:
    assert json.loads(read(run("explain", "1", "--json")))["article"] == 1


def test_unknown_address_was_never_seen(run: Run) -> None:
    assert "was never seen" in str(run("explain", "https://uji.example/x").exception)
    assert "no article with this id" in str(run("explain", "999").exception)
    assert "no article with this id" in str(run("explain", "9" * 30).exception)


def test_explanation_tells_where_each_field_comes_from(filled: tuple[Path, str], data: Path, run: Run) -> None:
    told = [json.loads(read(run("explain", f"{filled[1]}/{name}/", "--json"))) for name in ("rakernas", "salinan")]
    copy, canonical = sorted(told, key=lambda each: "canonical" in str(each["provenance"]))
    found = {entry["field"]: entry for entry in copy["provenance"]}
    assert list(found) == ["title", "author", "published", "body", "topic", "group"]
    assert found["title"] == {"field": "title", "value": copy["title"], "method": "h1", "detail": "", "raw": ""}
    assert found["published"]["method"] == "channel"
    assert found["published"]["raw"] == format_datetime(NOW - timedelta(hours=3))
    assert "APEKSI" in found["topic"]["method"]
    assert found["topic"]["detail"] == copy["table_version"] == load_topics().version
    assert (found["group"]["method"], found["group"]["raw"]) == ("exact", canonical["url"])
    assert found["group"]["detail"] == f"article {canonical['article']}, score 1"
    (page_hash,) = query(data, f"SELECT lower(hex(page_hash)) FROM articles WHERE id = {copy['article']}")[0]
    assert (copy["page"]["sha256"], copy["page"]["kept"]) == (page_hash, "same")
    shown = read(run("explain", copy["url"]))
    assert "title      by h1\n" in shown
    assert f"by exact with article {canonical['article']}, score 1: {canonical['url']}" in shown
    assert "for which it stands" in read(run("explain", canonical["url"]))


def test_explanation_tells_what_is_not_known_and_what_is_not_kept(
    filled: tuple[Path, str], data: Path, run: Run
) -> None:
    def tell(name: str) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(read(run("explain", f"{filled[1]}/{name}/", "--json")))
        return told

    out = tell("klaster")
    assert (out["page"]["kept"], len(out["page"]["sha256"])) == ("same", 64)
    assert [entry["method"] for entry in out["provenance"]] == ["h1", "", "channel", "name"]
    (data / "pages" / out["page"]["file"]).write_bytes(zstandard.compress(b"of another reading"))
    assert tell("klaster")["page"]["kept"] == "other"
    forget_origins(data)
    old = tell("dasbor")
    assert (old["page"]["sha256"], old["page"]["kept"]) == (None, "unknown")
    assert "title      not known: it was read by an earlier version" in read(run("explain", f"{filled[1]}/dasbor/"))
    (data / "pages" / old["page"]["file"]).unlink()
    assert tell("dasbor")["page"] == {"sha256": None, "file": "", "kept": "no"}
