"""Bad input gets one clear line and an exit code, never a traceback."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import run_here
from portals import Answer, LoopbackPortal, serve_portal
from typer import Context
from typer.main import get_command

from aggregator.diagnosis import diagnose
from aggregator.store import Store
from crawler.politeness import HostHeldError
from crawler.spiders.portal import PollError
from schedules.cli import app
from schedules.commands.order import ORDER, OrderedGroup
from schedules.commands.output import print_table
from schedules.lock import hold_writer_lock

SOURCE = """[sources.uji]
name = "Uji"
domain = "uji.example"
channels = [{ kind = "feed", url = "http://127.0.0.1:9/f" }]
"""


def run(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KABARKOTA_")}
    return subprocess.run(
        [sys.executable, "-m", "schedules", *arguments],
        cwd=folder,
        env={**clean, "HOME": str(folder), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def check(result: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    line = [line for line in result.stderr.splitlines() if line.startswith("kabarkota:")][-1]
    assert all(word in line for word in words), line


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("colour = 1\n", ("kabarkota.toml", "colour", "unknown key"), id="unknown-key"),
        pytest.param(
            "[crawl]\ndelay = 1\n", ("kabarkota.toml", "crawl.delay", "unknown key"), id="unknown-key-in-section"
        ),
        pytest.param("contact = \n", ("kabarkota.toml", "not valid TOML"), id="broken-toml"),
        pytest.param("[crawl]\nconcurrency = 0\n", ("kabarkota.toml", "crawl.concurrency"), id="value-out-of-range"),
    ],
)
def test_faulty_configuration_is_named(tmp_path: Path, content: str, words: tuple[str, ...]) -> None:
    (tmp_path / "kabarkota.toml").write_text(content, encoding="utf-8")
    check(run_here(tmp_path, "run"), 2, *words)


def test_unknown_variable_is_named(tmp_path: Path) -> None:
    check(run(tmp_path, "run", KABARKOTA_COLOUR="1"), 2, "KABARKOTA_COLOUR", "unknown key")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(None, ("missing.toml",), id="missing"),
        pytest.param("[sources.uji]\nname = \n", ("catalogue.toml",), id="broken-toml"),
        pytest.param(SOURCE + SOURCE, ("catalogue.toml", "uji"), id="duplicate-source"),
        pytest.param(
            SOURCE + SOURCE.replace("sources.uji", "sources.lain"),
            ("catalogue.toml", "127.0.0.1:9"),
            id="duplicate-channel",
        ),
    ],
)
def test_faulty_catalogue_is_named(tmp_path: Path, content: str | None, words: tuple[str, ...]) -> None:
    path = tmp_path / ("catalogue.toml" if content else "missing.toml")
    if content:
        path.write_text(content, encoding="utf-8")
    check(run_here(tmp_path, "--data", "d", "run", "--catalogue", str(path)), 2, *words)


def test_data_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    check(run_here(tmp_path, "--data", "file/data", "run"), 2, "file/data")


def test_database_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    Store.open_writer(tmp_path / "d/news.db").close()
    db = sqlite3.connect(tmp_path / "d/news.db")
    db.execute("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('kabarkota', 'm999', 'later')")
    db.commit()
    db.close()
    check(run_here(tmp_path, "--data", "d", "run"), 2, "news.db", "newer version", "m999")


def test_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/news.db").write_text("bukan basis data" * 100, encoding="utf-8")
    check(run_here(tmp_path, "--data", "d", "run"), 1, "news.db", "not a database")


def test_second_writer_is_refused(tmp_path: Path) -> None:
    with hold_writer_lock(tmp_path / "d"):
        check(run(tmp_path, "--data", "d", "run"), 3, "another kabarkota process")


def test_port_that_is_taken_is_named(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        check(run(tmp_path, "--data", "d", "serve", "--no-crawl", "--port", port), 2, port)


@pytest.mark.slow
def test_no_source_reachable_has_a_code_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "catalogue.toml").write_text(SOURCE, encoding="utf-8")
    (tmp_path / "kabarkota.toml").write_text('allow_networks = ["127.0.0.0/8"]\n', encoding="utf-8")
    check(run(tmp_path, "--data", "d", "run", "--catalogue", "catalogue.toml"), 4, "no source could be reached")


@pytest.fixture(scope="module")
def portal() -> Iterator[LoopbackPortal]:
    """A feed with a quarter of a megabyte of news."""
    with serve_portal() as portal:
        paragraph = "<p>Wali kota anggota APEKSI membahas kota cerdas: " + "satu format data layanan, " * 200 + "</p>"
        items = "".join(
            f"<item><title>Rapat APEKSI {n}</title><link>{portal.base}/berita/rapat-{n}</link>"
            f"<content:encoded><![CDATA[{paragraph.replace('satu', str(n))}]]></content:encoded></item>"
            for n in range(50)
        )
        portal.answers["/f"] = Answer(
            '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>Uji</title>'
            f"{items}</channel></rss>".encode(),
            content_type="application/rss+xml",
        )
        yield portal


def write_operator_files(folder: Path, portal: LoopbackPortal) -> None:
    (folder / "kabarkota.toml").write_text(
        'allow_networks = ["127.0.0.0/8"]\ncontact = "test@example.org"\n', encoding="utf-8"
    )
    (folder / "catalogue.toml").write_text(SOURCE.replace("http://127.0.0.1:9", portal.base), encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("size", ["100k", "400k", "900k"], ids=["no-room-for-a-database", "early", "late"])
def test_disk_that_is_full_is_named_and_costs_nothing_that_was_kept(
    tmp_path: Path, portal: LoopbackPortal, size: str
) -> None:
    """A file system of that size, in a mount namespace of its own."""
    write_operator_files(tmp_path, portal)
    (tmp_path / "d").mkdir()
    script = 'mount -t tmpfs -o size=$1 tmpfs d || exit 77; shift; "$@"; code=$?; cp -r d kept; exit $code'
    command = [sys.executable, "-m", "schedules", "--data", "d", "run", "--catalogue", "catalogue.toml"]
    if shutil.which("unshare") is None:
        pytest.skip("no unshare on this machine")
    result = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", size, *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode == 77 or "unshare" in result.stderr:
        pytest.skip(f"no mount namespaces here: {result.stderr.strip()}")
    assert "full" in result.stderr or "No space left" in result.stderr
    check(result, 1, "d/")
    if size != "100k":
        db = sqlite3.connect(tmp_path / "kept/news.db")
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        db.close()


def test_file_size_limit_is_one_clear_line(tmp_path: Path, portal: LoopbackPortal) -> None:
    write_operator_files(tmp_path, portal)
    command = [sys.executable, "-m", "schedules", "--data", "d", "run", "--catalogue", "catalogue.toml"]
    result = subprocess.run(
        ["sh", "-c", 'ulimit -f 600; exec "$@"', "sh", *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    check(result, 1, "d/")


def test_what_a_portal_says_does_not_speak_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("a", "b"), [("satu\x1b[2J\x1b]0;x\x07", "dua\ttiga\nempat\u202e")])
    assert capsys.readouterr().out == "a\tb\nsatu [2J ]0;x \tdua tiga empat \n"
    assert str(PollError("WordPress says \x1b[2J\nx\ty")) == "WordPress says [2J x y"


@pytest.mark.parametrize("host", ["rsslamet.go.id", "kabartls.id", "privateer.id", "redirect.id", "timeoutnews.id"])
def test_name_of_a_host_is_not_taken_for_the_reason(host: str) -> None:
    assert diagnose(str(HostHeldError(host, 300))).code == "held"


def test_help_names_every_command_in_the_order_in_which_they_are_needed() -> None:
    group = get_command(app)
    assert isinstance(group, OrderedGroup)
    names = group.list_commands(Context(group))
    assert set(names) == set(ORDER)
    assert names == list(ORDER)
    commands = {name: group.get_command(Context(group), name) for name in names}
    summaries = {name: command.get_short_help_str(limit=200) for name, command in commands.items()}
    assert all(summaries.values())
    assert len(summaries["search"]) < 70
