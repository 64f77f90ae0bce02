"""Phone numbers, mail addresses and NIK are masked once, where texts come in: nothing made of a row tells them."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path

import pytest
from newsdesk import NOW, OTHER, RELEASE, Newsroom
from test_migrations import LEVELS, make_old

from aggregator.masking import mask_address, mask_name, mask_personal
from aggregator.migrations import MIGRATIONS
from aggregator.models import ArticleLink, ExtractedArticle, FetchedPage
from aggregator.store import Store

LABELLED = Path(__file__).parent / "labelled" / "personal.tsv"
PHONE, MAIL, NIK = "0812-3456-7890", "budi.santoso@kota.go.id", "3201011203900001"
ALL_OF_THEM = f"Hubungi Budi di {PHONE}, {MAIL}, NIK {NIK}."
MASKED = "Hubungi Budi di •••, •••@•••, NIK •••."


def read_labelled() -> list[dict[str, str]]:
    with LABELLED.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def test_labelled_texts_are_masked_as_they_should_be_and_no_others() -> None:
    rows = read_labelled()
    assert len(rows) >= 150
    assert sum(row["kind"] == "stays" for row in rows) >= 70
    wrong = [(row["text"], got) for row in rows if (got := mask_personal(row["text"])) != row["expected"]]
    assert wrong == []


def test_what_is_masked_stays_as_it_is_when_it_is_masked_again() -> None:
    for row in read_labelled():
        assert mask_personal(row["expected"]) == row["expected"]
    paragraph = "\n".join(row["text"] for row in read_labelled())
    assert paragraph.count("\n") == mask_personal(paragraph).count("\n")


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("Budi Santoso", "Budi Santoso"),
        (f"Budi ({MAIL})", "Budi"),
        (f"Budi - {MAIL}", "Budi"),
        (f"Budi <{MAIL}>, Ani", "Budi, Ani"),
        (MAIL, ""),
        (f"Ani / {PHONE}", "Ani"),
    ],
)
def test_a_name_loses_an_address_without_a_mark(name: str, masked: str) -> None:
    assert mask_name(name) == masked


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://x.example/hubungi-0812-3456-7890", "https://x.example/hubungi-•••"),
        (
            "https://x.example/2026/11/02/wa/6281234567890?tel=081234567890",
            "https://x.example/2026/11/02/wa/•••?tel=•••",
        ),
        ("https://x.example/tulis?ke=budi%40gmail.com#budi@kota.go.id", "https://x.example/tulis?ke=•••@•••#•••@•••"),
        *[(same, same) for same in ("https://x.example/2026/11/02/rapat-12-kota", "http://x.example:8080/?p=123", "")],
    ],
)
def test_an_address_that_is_shown_beside_its_link_tells_nobody(url: str, shown: str) -> None:
    assert mask_address(url) == shown


@pytest.mark.parametrize(
    "piece",
    [
        *("a at ", "a@", "[at]a.", "1", "1 ", "08 ", "62 ", "+62 ", "0812-", "telp. 2", "３２０１", "(", "at a dot "),
        *(
            "@",
            "%40",
            "-at-",
            "0812*3456*",
            "nol delapan ",
            "٠",
            "1\u200b",
            "0812-3456-7890, 7891",
            "hotline 0811-1500-112 ",
        ),
        *("08 12 34 56 78 90 ", "budi@kota.go.id ", "a @ ", "mail: a at "),
        *("a[at]" + ("b" * 63 + ".") * 5, "https://x/" + "a" * 280 + "/081234567890 "),
    ],
)
def test_its_cost_grows_with_the_text_and_not_faster(piece: str) -> None:
    began = time.process_time()
    mask_personal(piece * (100_000 // len(piece)))
    assert time.process_time() - began < 2  # the worst takes a third of a second; in the square it would be minutes


@pytest.fixture
def room(tmp_path: Path) -> Newsroom:
    return Newsroom(tmp_path)


def test_nothing_of_an_article_tells_them(room: Newsroom) -> None:
    url = "https://radar.example/1"
    article = ExtractedArticle(
        title=f"APEKSI: {ALL_OF_THEM}",
        text="\n".join([*RELEASE, ALL_OF_THEM]),
        summary=ALL_OF_THEM,
        authors=(f"Budi ({MAIL})",),
        byline=f"Oleh Budi <{MAIL}>",
        tags=("apeksi", PHONE, MAIL),
        published_raw=f"Senin | {MAIL}",
    )
    room.bring("radar", FetchedPage(url=url, link=ArticleLink(url=url), article=article, fetched_at=NOW))
    (stored,) = room.ask("SELECT title, text, summary, author, byline, tags, published_raw FROM articles")
    assert stored[0] == f"APEKSI: {MASKED}"
    assert stored[1].endswith(f"\n{MASKED}")
    assert stored[2:6] == (MASKED, "Budi", "Oleh Budi", '["apeksi", "•••", "•••@•••"]')
    everything = "\n".join(room.store._connection.iterdump())
    for secret in (PHONE, MAIL, NIK, PHONE.replace("-", ""), "kota.go.id"):
        assert secret not in everything
    for words in ("3456", "7890", f'"{NIK}"', "santoso"):
        assert room.ask(f"SELECT rowid FROM articles_fts WHERE articles_fts MATCH '{words}'") == []


def test_copies_and_readings_with_numbers_are_told_as_the_same(room: Newsroom) -> None:
    room.publish_at("radar", "a", [*RELEASE, f"Narahubung: {PHONE}"])
    room.publish_at("warta", "b", [*RELEASE, "Narahubung: 0813 9999 1111"])
    room.publish_at("radar", "c", [*OTHER, f"Narahubung: {PHONE}"])
    room.publish_at("radar", "a", [*RELEASE, f"Narahubung: {PHONE}"])  # read again
    assert sorted(map(len, room.list_groups().values())) == [1, 2]
    assert room.ask("SELECT count(*) FROM article_revisions") == [(0,)]


def test_what_an_older_version_kept_is_masked_and_its_feeds_are_due(tmp_path: Path) -> None:
    path = tmp_path / "news.db"
    (at,) = [at for at, level in enumerate(LEVELS) if level.endswith("_masked")]
    make_old(path, LEVELS[at - 1])
    with Store.open_writer(path) as store, store.transaction():
        run = store._connection.execute
        packed = json.dumps({"title": PHONE, "page_hash": "0812345678901234", "author": MAIL}, separators=(",", ":"))
        run("UPDATE articles SET title = ?, text = ?, author = ?", (PHONE, ALL_OF_THEM, f"Budi ({MAIL})"))
        run("INSERT INTO article_revisions VALUES (1, 1, '2026-11-02T00:00:00Z', 'a', ?, ?)", (MAIL, f'["{NIK}"]'))
        run("UPDATE rejected_pages SET article = ?", (packed,))
        run("DELETE FROM changed_groups")
        migration = MIGRATIONS._migrations[at]
        migration.fn(store._db)
        migration.fn(store._db)  # nothing is left to do
        assert [*map(tuple, run("SELECT title, text, author FROM articles"))] == [("•••", MASKED, "Budi")]
        assert [*map(tuple, run("SELECT text, difference FROM article_revisions"))] == [("•••@•••", '["•••"]')]
        rejected = json.loads(run("SELECT article FROM rejected_pages").fetchone()[0])
        assert rejected == {"title": "•••", "page_hash": "0812345678901234", "author": ""}
        assert [*map(tuple, run("SELECT group_id FROM changed_groups"))] == [(1,)]
        assert run("SELECT count(*) FROM articles_fts WHERE articles_fts MATCH '3456'").fetchone()[0] == 0
        assert store.check_search() == []


def test_what_is_kept_is_masked_a_piece_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aggregator.migrations._PIECE", 2)
    path = tmp_path / "news.db"
    (at,) = [at for at, level in enumerate(LEVELS) if level.endswith("_masked")]
    make_old(path, LEVELS[at])
    with Store.open_writer(path, keep_old=False) as store, store.transaction():
        run = store._connection.execute
        for revision in range(1, 6):
            run(
                "INSERT INTO article_revisions VALUES (?, 1, '2026-11-02T00:00:00Z', ?, ?, '')", (revision, PHONE, MAIL)
            )
            run(
                "INSERT INTO links (key, url, source_id, state, first_seen_at) VALUES (?, ?, 'uji', 'off-topic', '')",
                (f"-{revision}", f"https://uji.example/r{revision}"),
            )
            run(
                "INSERT INTO rejected_pages (key, source_id, url, title, text, verdict, scores, read_at)"
                " VALUES (?, 'uji', '', ?, '', 'spam', '[]', '')",
                (f"-{revision}", NIK),
            )
        MIGRATIONS._migrations[at].fn(store._db)
        assert {*map(tuple, run("SELECT title, text FROM article_revisions"))} == {("•••", "•••@•••")}
        assert run("SELECT count(*) FROM rejected_pages WHERE title = '•••'").fetchone()[0] == 5
