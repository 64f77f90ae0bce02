"""`kabarkota search`: what it finds, prints and refuses."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import run_here
from feed_room import PlainRoom
from newsdesk import OTHER, RELEASE
from test_feeds import publish_old, report

from aggregator.models import SourceKind
from schedules.lock import hold_writer_lock

EVIL = "<script>alert(1)</script>\x1b[31m [bold]lampu[/bold]\tjalan"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a release and its copy, other news, and three pieces in the archive."""
    folder = tmp_path_factory.mktemp("found")
    room = PlainRoom(folder / "data")
    (folder / "data" / "pages").mkdir(parents=True, exist_ok=True)
    for number in range(5):
        report(room, number, source=f"kabar-{number % 2}")
    room.publish_at("kabar-satu", "rilis", RELEASE, title="Lampu jalan di Gorontalo", hour=5)
    room.publish_at("kabar-dua", "rilis", RELEASE, title="Lampu jalan pintar, kata APEKSI", hour=7)
    room.publish_at("pemkot", "lain", OTHER, title="Obligasi daerah", kind=SourceKind.CITY_GOVERNMENT)
    publish_old(room, 40, 41, 42)
    room.press()
    room.store.close()
    return folder


def search(folder: Path, *arguments: str) -> tuple[list[list[str]], str]:
    """The rows of the table without its head, and what is on standard error."""
    done = run_here(folder, "--data", str(folder / "data"), "search", *arguments)
    assert done.returncode == 0, done.stderr
    head, *rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert head[:3] == ["published (WIB)", "source", "title"]
    assert all(len(row) == len(head) for row in rows)
    return rows, done.stderr


def tell(folder: Path, *arguments: str) -> dict[str, Any]:
    done = run_here(folder, "--data", str(folder / "data"), "search", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize(
    ("arguments", "titles"),
    [
        (["lampu", "jalan"], {"Lampu jalan di Gorontalo"}),
        (["lampu jalan"], {"Lampu jalan di Gorontalo"}),
        (["jalan lampu"], set()),
        (["judul:lampu jalan"], {"Lampu jalan di Gorontalo"}),
        (["isi:lampu jalan pin*", "--limit", "3"], {"Lampu jalan di Gorontalo"}),
        (["apeksi", "-urusan"], {"Lampu jalan di Gorontalo", "Obligasi daerah"}),
        (["-urusan", "apeksi", "--kind", "city-government"], {"Obligasi daerah"}),
        (["urusan", "--source", "kabar-1"], {"APEKSI urusan 1", "APEKSI urusan 3"}),
        (
            ["urusan", "--source", "kabar-1", "--source", "kabar-0", "--limit", "9"],
            {f"APEKSI urusan {n}" for n in range(5)},
        ),
        (["urusan", "--until", "2026-09-30"], {f"APEKSI urusan {n}" for n in (40, 41, 42)}),
        (["urusan", "--since", "2026-10-01", "--city", "kota-bandung"], set()),
        (["urusan", "--no-archive"], {f"APEKSI urusan {n}" for n in range(5)}),
        (["urusan", "--order", "relevance", "--limit", "1", "4"], {"APEKSI urusan 4"}),
        (["--topic", "apeksi", "--since", "2026-10-05", "--until", "2026-10-05", "--limit", "1"], {"Obligasi daerah"}),
    ],
)
def test_news_is_found(folder: Path, arguments: list[str], titles: set[str]) -> None:
    rows, said = search(folder, *arguments)
    assert {row[2] for row in rows} == titles
    assert ("Nothing found." in said) is (not titles)


def test_lines_tell_time_source_places_and_copies(folder: Path) -> None:
    ((time, source, title, places, topics, copies, url, guid, passage),), said = search(folder, "lampu")
    assert (time, source, title) == ("2026-10-05 12:00", "Kabar-Satu", "Lampu jalan di Gorontalo")
    assert (places, topics, copies, url) == ("Kota Gorontalo", "apeksi", "2", "https://kabar-satu.example/rilis")
    assert guid.startswith("tag:kabarkota,2026:")
    assert "lampu jalan pintar sudah terpasang" in passage
    assert said == ""


def test_pages_follow_one_another(folder: Path) -> None:
    seen: list[str] = []
    more: list[str] = []
    while True:
        told = tell(folder, "apeksi", "--limit", "4", *more)
        seen += [each["url"] for each in told["found"]]
        if told["next_before"] is None:
            break
        more = ["--before", told["next_before"]]
    assert len(seen) == len(set(seen)) == 10
    rows, said = search(folder, "apeksi", "--limit", "4")
    assert [row[6] for row in rows] == seen[:4]
    assert said == f"There is more: --before {rows[-1][7]}\n"


def test_json_has_all_and_marks_what_was_found(folder: Path) -> None:
    told = tell(folder, "lampu jalan", "tagihan")
    (found,) = told.pop("found")
    assert told == {"next_before": None, "ranked": None, "ranked_all": None}
    assert found["marked_title"] is None or "<mark>" in found["marked_title"]
    assert "<mark>Tagihan</mark>" in found["marked_passage"]
    assert (found["published"], found["published_wib"]) == ("2026-10-05T05:00:00Z", "2026-10-05T12:00:00+07:00")
    assert found["cities"] == [{"slug": "kota-gorontalo", "name": "Kota Gorontalo"}]
    assert found["source"] == {"id": "kabar-satu", "name": "Kabar-Satu"}
    assert (found["copies"], found["also_at"]) == (
        2,  # as in the views: itself included
        [{"source": "Kabar-Dua", "url": "https://kabar-dua.example/rilis"}],
    )
    assert tell(folder, "judul:lampu", "--order", "relevance")["ranked_all"] is True


def test_copies_are_articles_that_have_the_words(folder: Path) -> None:
    rows, said = search(folder, "judul:lampu jalan", "--copies", "--limit", "1")
    assert [(row[1], row[5]) for row in rows] == [("Kabar-Dua", "copy")]
    before = said.split()[-1]
    rows, said = search(folder, "judul:lampu jalan", "--copies", "--before", before)
    assert [(row[1], row[5]) for row in rows] == [("Kabar-Satu", "")]
    assert said == ""
    for options, count in (
        (["--city", "kota-gorontalo"], 2),
        (["--city", "kota-bandung"], 0),
        (["--province", "gorontalo", "--komwil", "6", "--topic", "apeksi"], 2),
        (["--source", "kabar-dua", "--kind", "regional", "--kind", "ministry"], 1),
        (["--since", "2026-10-05", "--until", "today"], 2),
        (["--until", "2026-10-04"], 0),
    ):
        assert len(tell(folder, "lampu", "--copies", *options)["found"]) == count, options
    assert [each["is_copy"] for each in tell(folder, "lampu", "--copies")["found"]] == [True, False]


def test_addresses_alone(folder: Path) -> None:
    done = run_here(folder, "--data", str(folder / "data"), "search", "lampu", "--copies", "--urls")
    assert done.stdout.splitlines() == ["https://kabar-dua.example/rilis", "https://kabar-satu.example/rilis"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["judul:"], "search: q: judul: needs a word right behind it"),
        (["-urusan"], "only what is not wanted"),
        (["ko*"], "at least 3 letters"),
        (["x" * 400], "longer than 300 characters"),
        (["apeksi", "--since", "kemarin"], "search: since: is a day such as"),
        (["apeksi", "--until", "2026-13-01"], "--until '2026-13-01': not a day such as"),
        (["apeksi", "--since", "2026-10-02", "--until", "2026-10-01"], "is not before --until"),
        (["--order", "relevance"], "needs words"),
        (["apeksi", "--city", "gorontalo"], "There is no city “gorontalo”. Perhaps kota-gorontalo was meant."),
        (["apeksi", "--city", "gorontalo", "--copies"], "Perhaps kota-gorontalo was meant."),
        (["apeksi", "--kind", "\x1b[2J"], "There is no kind"),
        (["apeksi", "--before", "tag:nobody"], "There is no news with this guid"),
        (["apeksi", "--before", "tag:x", "--copies"], "the id of an article"),
        (["apeksi", "--copies", "--by-story"], "by time alone"),
        (["--copies"], "needs words"),
        (["apeksi", "--citty", "x"], "there is no option --citty"),
        (["apeksi", "--urls", "--json"], "not both"),
    ],
)
def test_bad_questions_are_one_line(folder: Path, arguments: list[str], says: str) -> None:
    done = run_here(folder, "--data", str(folder / "data"), "search", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert says in done.stderr
    assert "\x1b" not in done.stderr


def test_it_reads_only_and_beside_a_writer(folder: Path) -> None:
    before = (folder / "data" / "news.db").read_bytes()
    with hold_writer_lock(folder / "data"):
        assert search(folder, "lampu")[0]
    assert (folder / "data" / "news.db").read_bytes() == before


def test_without_a_database_it_says_how_to_begin(tmp_path: Path) -> None:
    done = run_here(tmp_path, "--data", str(tmp_path), "search", "apeksi")
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no database yet; `kabarkota run` makes it (or `--data FOLDER`" in done.stderr
    (tmp_path / "news.db").write_bytes(b"no database" * 500)
    done = run_here(tmp_path, "--data", str(tmp_path), "search", "apeksi")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "news.db" in done.stderr


def test_no_more_is_quoted_than_a_page_allows_and_nothing_breaks_out(tmp_path: Path) -> None:
    room = PlainRoom(tmp_path / "data")
    room.publish_at("kabar-satu", "rilis", RELEASE)
    room.press()
    room.store._connection.execute("UPDATE articles SET title = ?, snippet_limit = 0", (EVIL,))
    room.store._connection.commit()
    room.store.close()
    (row,), _ = search(tmp_path, "lampu")
    assert (row[2], row[-1]) == (" ".join(EVIL.replace("\x1b", " ").split()).replace("[31m", "[31m"), "")
    (found,) = tell(tmp_path, "lampu")["found"]
    assert found["marked_passage"] is None
    assert "&lt;script&gt;" in found["marked_title"]
    assert "<mark>lampu</mark>" in found["marked_title"]


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t=", "\r-", "＝"])
def test_no_cell_that_is_piped_is_a_formula(sign: str, tmp_path: Path) -> None:
    room = PlainRoom(tmp_path / "data")
    room.publish_at("kabar-satu", "rilis", RELEASE)
    room.press()
    room.store._connection.execute("UPDATE articles SET title = ?", (f"{sign}HYPERLINK(1) lampu",))
    room.store._connection.commit()
    room.store.close()
    (row,), _ = search(tmp_path, "lampu")
    assert row[2].startswith("'")
    assert row[2].endswith("HYPERLINK(1) lampu")


@pytest.mark.slow
def test_a_terminal_gets_a_table_with_the_words_in_bold(folder: Path) -> None:
    shown, leader = _run_on_terminal(folder, "lampu")
    assert leader == 0
    assert "\x1b[1mlampu\x1b[0m" in shown or "\x1b[1mLampu\x1b[0m" in shown
    assert "https://kabar-satu.example/rilis" in shown
    assert "Kabar-Satu · Kota Gorontalo · apeksi · 2 copies" in shown


def _run_on_terminal(folder: Path, *words: str) -> tuple[str, int]:
    """What a process says that has a terminal, and its exit code."""
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "HOME": str(folder)}
    command = [sys.executable, "-m", "schedules", "--data", str(folder / "data"), "search", *words]
    with subprocess.Popen(command, stdout=theirs, stdin=subprocess.DEVNULL, env=environ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 65_536)
            except OSError:  # the end, on Linux
                break
            if not part:
                break
            shown += part
    os.close(ours)
    return shown.decode(), process.returncode
