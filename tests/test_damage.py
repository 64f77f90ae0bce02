"""Database files that are damaged, of something else, or out of reach: `doctor` names each, with what to do; every
command ends with one clear line; nothing is made worse."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from command_line import run_here
from conftest import ROOT
from newsdesk import NOW, OTHER, RELEASE, Newsroom
from portals import make_setup
from test_command_errors import SOURCE, check

from aggregator.store import Store, StoreError
from schedules.backups import back_up
from schedules.config import Setup
from schedules.doctor import database
from schedules.doctor.check import Check, Level

LATER = NOW + timedelta(days=1)


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    """A database with two articles, and two backups of it."""
    setup = make_setup(tmp_path, SOURCE)
    newsroom = Newsroom(setup.data_folder)
    newsroom.publish_at("pemkot", "rilis", RELEASE)
    newsroom.publish_at("kabar", "lain", OTHER)
    back_up(setup, newsroom.store, NOW)
    back_up(setup, newsroom.store, NOW + timedelta(hours=1))
    newsroom.store.close()
    return setup


def find_page(path: Path, name: str) -> int:
    """Where the root page of a table begins."""
    connection = sqlite3.connect(path)
    (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()
    connection.close()
    return int(page - 1) * 4_096


def overwrite(path: Path, begin: int) -> None:
    with path.open("r+b") as file:
        file.seek(begin)
        file.write(b"\xff" * 4_096)


def replace_by(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


def make_another(path: Path) -> None:
    path.unlink()
    change(path, "CREATE TABLE hewan (nama TEXT)")


def change(path: Path, *statements: str) -> None:
    """As somebody with another tool might."""
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def bring_a_log(path: Path) -> None:
    """The write-ahead log of another database is laid beside this one."""
    other = path.parent / "other.db"
    connection = sqlite3.connect(other)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript("CREATE TABLE hewan (nama TEXT); INSERT INTO hewan VALUES ('komodo');")
    shutil.copy(f"{other}-wal", f"{path}-wal")
    connection.close()
    other.unlink()


RESTORE = " restore --yes news-20261005T090000Z.db"
DAMAGES: dict[str, tuple[Callable[[Path], None], str, str, str]] = {
    # what happened → (it, name of the check, what it finds, what to do)
    "first page": (lambda path: overwrite(path, 0), "database", "file is not a database", RESTORE),
    "a page": (
        lambda path: overwrite(path, find_page(path, "sources")),
        "integrity",
        "sources|malformed|page",
        RESTORE,
    ),
    "truncated": (lambda path: os.truncate(path, 80_000), "database|integrity", "malformed", RESTORE),
    "a text file": (lambda path: replace_by(path, b"bukan basis data" * 300), "database", "not a database", RESTORE),
    "empty": (lambda path: replace_by(path, b""), "database", "is an empty file, and there are backups", RESTORE),
    "missing": (Path.unlink, "database", "is not there, and there are backups", RESTORE),
    "of something else": (make_another, "database", "is a database of something else", "mv "),
    "another's log": (bring_a_log, "database|integrity|references", "", "without news.db-wal the file is sound"),
}


def obey(folder: Path, commands: str) -> None:
    """As whoever copies them from the screen."""
    if commands.startswith("kabarkota "):
        result = run_here(folder, *shlex.split(commands)[1:])
        assert result.returncode == 0, result.stderr
    else:
        subprocess.run(["sh", "-c", commands], check=True)


def look(path: Path) -> dict[str, Check]:
    checks = list(database.check_database(path, LATER, timedelta(days=9)))
    assert all(check.advice for check in checks if check.level is not Level.OK)
    return {check.name: check for check in checks}


def list_faults(path: Path) -> list[Check]:
    return [check for check in look(path).values() if check.level is Level.FAULT]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named_and_what_is_advised_mends_it(setup: Setup, tmp_path: Path, damage: str) -> None:
    harm, name, found, advice = DAMAGES[damage]
    harm(setup.database)
    faults = list_faults(setup.database)
    assert any(re.fullmatch(name, each.name) for each in faults)
    assert any(re.search(found, each.found) and advice in each.advice for each in faults), faults
    (commands,) = {re.split(r"then: |away: ", each.advice)[1].partition("  (")[0] for each in faults}
    obey(tmp_path, commands)
    if damage == "of something else":
        assert look(setup.database)["database"].found.endswith("there are backups of it")
        return
    assert list_faults(setup.database) == []
    with Store.open_reader(setup.database) as store:
        assert store.get_health().articles == 2


@pytest.mark.parametrize("damage", [name for name in DAMAGES if name != "another's log"])
def test_commands_end_with_one_clear_line_and_make_nothing_worse(setup: Setup, tmp_path: Path, damage: str) -> None:
    DAMAGES[damage][0](setup.database)
    before = setup.database.read_bytes() if setup.database.exists() else None
    data = ["--data", str(setup.data_folder), "--catalogue", str(setup.catalogue_path)]
    commands = [["run"], ["serve", "--port", "0"]]
    if damage not in ("a page", "missing", "empty"):  # it is not looked at by these
        commands += [["status"]]
        commands += [["serve", "--no-crawl", "--port", "0"], ["prune", "--dry-run"]]
    for command in commands:
        result = run_here(tmp_path, *data, *command)
        check(result, 1, "news.db")
        if damage in ("missing", "empty"):
            assert "`kabarkota restore` puts the newest in place" in result.stderr
        elif damage != "a page":
            assert result.stderr.strip().endswith("`kabarkota doctor` says what to do"), command
    assert (setup.database.read_bytes() if setup.database.exists() else None) == before


def test_backups_that_are_damaged_are_passed_over(setup: Setup) -> None:
    older, newer = sorted(setup.backups.glob("news-*.db"))
    overwrite(newer, find_page(newer, "links"))
    overwrite(setup.database, 0)
    (fault,) = list_faults(setup.database)
    assert f" restore --yes {older.name} " in fault.advice
    assert "(the newest sound backup, of 2026-10-05 15:00 WIB, 1 newer ones are damaged;" in fault.advice
    overwrite(older, 0)
    (fault,) = list_faults(setup.database)
    assert "there is no sound backup" in fault.advice
    assert ".recover | sqlite3" in fault.advice


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        (
            ("DROP TRIGGER articles_fts_update", "UPDATE articles SET title = 'Judul yang tidak ada'"),
            "articles are not found by their own words: 1, 2",
        ),
        (("DELETE FROM articles_fts_docsize WHERE id = 1",), "1 articles are not in it"),
        (("INSERT INTO articles_fts_docsize VALUES (99, x'00')",), "1 articles in it are not there"),
        (
            ("INSERT INTO articles_fts (articles_fts, rowid, title, text) VALUES ('delete', 1, 'Lain', 'isi')",),
            "it holds",
        ),
        (("UPDATE articles_fts_data SET block = x'00000011' WHERE id > 100",), "malformed"),
    ],
    ids=["stale", "missing", "too many", "miscounted", "broken"],
)
def test_a_search_index_that_is_off_is_named_and_made_anew(setup: Setup, harm: tuple[str, ...], found: str) -> None:
    change(setup.database, *harm)
    faults = list_faults(setup.database)
    assert [each.name for each in faults] == ["search index"]
    assert found in faults[0].found
    subprocess.run(["sh", "-c", faults[0].advice.partition("then: ")[2].partition("  (")[0]], check=True)
    assert list_faults(setup.database) == []


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can ask as somebody else")
def test_a_folder_that_may_not_be_written(setup: Setup) -> None:
    """Even a reader needs the files beside a database with a write-ahead log."""
    script = (
        "import os, sys; from datetime import datetime, timedelta, UTC; from pathlib import Path\n"
        "sys.path.insert(0, sys.argv[2]); from schedules.doctor.database import check_database\n"
        "import schedules.commands.status; os.setuid(65534)\n"
        "for each in check_database(Path(sys.argv[1]), datetime.now(UTC), timedelta(days=9)):\n"
        "    print(each.level, each.name, each.found, '→', each.advice)\n"
    )
    with TemporaryDirectory() as folder:  # others may come in there, unlike where tests have their files
        Path(folder).chmod(0o755)
        path = shutil.copy(setup.database, folder)
        command = [sys.executable, "-c", script, path, str(ROOT)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "fault database" in result.stdout, result.stderr
    assert re.search("unable to open|readonly database", result.stdout)
    assert "must be able to write its folder" in result.stdout


def test_a_log_that_is_missing_leaves_what_was_checkpointed(setup: Setup) -> None:
    """As where only news.db was copied from a running service: it is sound, and older."""
    with Store.open_writer(setup.database) as store:
        store.start_cycle(LATER)
        copy = setup.data_folder / "copy/news.db"
        copy.parent.mkdir()
        shutil.copy(setup.database, copy)
    assert list_faults(copy) == []
    with Store.open_reader(copy) as store:
        assert store.get_cycle_number() == 2


def test_a_damaged_database_is_never_taken_for_a_sound_backup(setup: Setup) -> None:
    newest = max(setup.backups.glob("news-*.db"))
    make_another(newest)
    overwrite(setup.database, 0)
    (fault,) = list_faults(setup.database)
    assert newest.name not in fault.advice


def test_what_is_not_ours_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "news.db"
    change(path, "CREATE TABLE hewan (nama TEXT)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="a database of something else"):
        Store.open_writer(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["news.db"]
