"""Backups: whole, few, and never at the cost of those made before."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from command_line import run_here
from fresh_database import open_fresh
from portals import make_setup
from test_lost import NOTHING_ON
from test_migrations import LEVELS, make_old
from test_obstacles import mount, needs_root

from aggregator.backups import list_backups, sweep
from aggregator.store import Store, StoreError
from schedules.backups import back_up, take_backup
from schedules.lock import hold_backup_lock

NOW = datetime(2026, 11, 23, 20, 10, tzinfo=UTC)


def fill(store: Store, kilobytes: int) -> None:
    store._connection.execute("CREATE TABLE ballast (body BLOB)")
    with store.transaction():
        store._connection.executemany("INSERT INTO ballast VALUES (zeroblob(1024))", [()] * kilobytes)


def test_backup_is_a_whole_database_in_one_file(tmp_path: Path) -> None:
    setup = make_setup(tmp_path)
    with open_fresh(setup.database) as store:
        store.start_cycle(NOW)  # in the WAL still
        path = back_up(setup, store, NOW)
        assert store.get_last_job("backup") == NOW
    assert path == setup.data_folder / "backups/news-20261123T201000Z.db"
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    with sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("SELECT count(*) FROM cycles").fetchone() == (1,)
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    copy.close()


def test_newest_are_kept_and_what_is_not_ours_stays(tmp_path: Path) -> None:
    setup = make_setup(tmp_path)
    setup = type(setup)(
        data_folder=setup.data_folder,
        catalogue_path=None,
        crawl=setup.crawl,
        aggregator=setup.aggregator.model_copy(update={"backups_kept": 2}),
    )
    setup.backups.mkdir(parents=True)
    (setup.backups / "news-before-upgrade.db").touch()
    (setup.backups / ".news-20261101T000000Z.db.tmp").write_text("left by a killed process", encoding="utf-8")
    for name in ("news-20261101T000000Z.files", "news-2026.files"):  # of a killed process, and of somebody else
        (setup.backups / name).mkdir()
        (setup.backups / name / "alerts.toml").touch()
    with open_fresh(setup.database) as store:
        made = [back_up(setup, store, NOW + timedelta(days=day)) for day in range(4)]
    assert [each.path for each in list_backups(setup.backups, NOW + timedelta(days=9))] == [made[3], made[2]]
    others = {"news-before-upgrade.db", "news-2026.files"}
    assert {path.name for path in setup.backups.iterdir()} == {made[2].name, made[3].name, *others}


def test_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    setup = make_setup(tmp_path)
    with open_fresh(setup.database) as store:
        setup.backups.write_text("a file in its place", encoding="utf-8")
        with pytest.raises(StoreError, match=r"data/backups: File exists"):
            back_up(setup, store, NOW)


def test_backup_that_is_cut_short_leaves_the_old_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    setup = make_setup(tmp_path)
    with open_fresh(setup.database) as store:
        fill(store, 64)
        old = back_up(setup, store, NOW)
        monkeypatch.setattr("aggregator.backup_rows.PAGES", 1)
        copied = store.copy_to

        def cut_and_copy(path: Path, **options: Any) -> None:
            copied(path, **options | {"progress": lambda *_: store.cut_short()})

        monkeypatch.setattr(store, "copy_to", cut_and_copy)
        with pytest.raises(StoreError):
            back_up(setup, store, NOW + timedelta(days=1))
    assert list(setup.backups.iterdir()) == [old]


def test_damage_is_found_before_the_old_copies_go(tmp_path: Path) -> None:
    setup = make_setup(tmp_path)
    with open_fresh(setup.database) as store:
        fill(store, 64)
        store._connection.execute("CREATE INDEX by_body ON ballast (body)")
        old = back_up(setup, store, NOW)
        root = store._value("SELECT rootpage FROM sqlite_master WHERE name = 'by_body'")
        size = store._value("PRAGMA page_size")
    with setup.database.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\x0d" * 64)
    with (
        Store.open_writer(setup.database) as store,
        pytest.raises(StoreError, match=r"backups/\.news-\S+\.db\.tmp: .*(damaged|malformed)"),
    ):
        back_up(setup, store, NOW + timedelta(days=1))
    assert list(setup.backups.iterdir()) == [old]


@pytest.mark.slow
def test_full_disk_is_one_error_and_the_old_copies_stay(tmp_path: Path) -> None:
    setup = make_setup(tmp_path)
    with open_fresh(setup.database) as store:
        old = back_up(setup, store, NOW)
        fill(store, 2_000)
    script = (
        "import sys; from datetime import UTC, datetime; from pathlib import Path\n"
        "from aggregator.settings import AggregatorSettings; from aggregator.store import Store, StoreError\n"
        "from crawler.settings import CrawlSettings\n"
        "from schedules.backups import back_up; from schedules.config import Setup\n"
        "setup = Setup(data_folder=Path(sys.argv[1]), catalogue_path=None, crawl=CrawlSettings(),\n"
        "    aggregator=AggregatorSettings())\n"
        "with Store.open_writer(setup.database) as store:\n"
        "    try: back_up(setup, store, datetime.now(UTC))\n"
        "    except StoreError as error: sys.exit(f'error: {error}')\n"
    )
    result = subprocess.run(
        ["sh", "-c", 'ulimit -f 2000; exec "$@"', "sh", sys.executable, "-c", script, str(setup.data_folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert re.match(rf"error: {setup.backups}/\.news-\S+\.db\.tmp: ", result.stderr), result.stderr
    assert list(setup.backups.iterdir()) == [old]


@needs_root
def test_a_disk_that_is_too_full_for_the_operators_files_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    setup = make_setup(tmp_path)
    open_fresh(setup.database).close()
    (setup.data_folder / "sources.toml").write_bytes(b"#" * 100_000)
    setup.backups.mkdir()
    with mount(setup.backups, "-t", "tmpfs", "-o", "size=64k", "none"):
        with Store.open_reader(setup.database) as store, pytest.raises(StoreError) as caught:
            take_backup(setup, store, NOW)
        left = list(setup.backups.iterdir())
    beside = setup.backups / ".news-20261123T201000Z.files.tmp/sources.toml"
    assert str(caught.value) == f"{beside}: No space left on device"
    assert left == []


def test_what_is_no_file_is_no_backup(tmp_path: Path) -> None:
    """Each would be opened by `restore --list`; from a pipe it would read for ever."""
    setup = make_setup(tmp_path)
    with open_fresh(setup.database) as store:
        made = back_up(setup, store, NOW)
    elsewhere = tmp_path / "elsewhere.db"
    made.rename(elsewhere)
    made.symlink_to(elsewhere)  # such as on another disk
    os.mkfifo(setup.backups / "news-20261124T201000Z.db")
    (setup.backups / "news-20261125T201000Z.db").mkdir()
    (setup.backups / "news-20261126T201000Z.db").symlink_to(setup.backups / "news-20261124T201000Z.db")
    (setup.backups / "news-20261127T201000Z.db").symlink_to("nowhere")
    (setup.backups / "news-20261128T201000Z.db").symlink_to("/dev/zero")
    assert [each.path for each in list_backups(setup.backups, NOW + timedelta(days=9))] == [made]
    listed = run_here(tmp_path, "--data", str(setup.data_folder), "restore", "--list", "--json")
    assert [each["state"] for each in json.loads(listed.stdout)] == [""]


def test_a_link_among_the_leftovers_does_not_keep_backups_from_being_made(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / ".news-20261124T201000Z.files.tmp").symlink_to(tmp_path / "kept")
    os.mkfifo(tmp_path / ".news-20261125T201000Z.db.tmp")
    sweep(tmp_path, before_migration=False)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_backups_are_their_owners_alone(tmp_path: Path, umask: int) -> None:
    setup = make_setup(tmp_path)
    before = os.umask(umask)
    try:
        open_fresh(setup.database).close()
        (setup.data_folder / "sources.toml").touch(mode=0o644)
        with Store.open_reader(setup.database) as store:
            made = take_backup(setup, store, NOW)
            (tmp_path / "copies").mkdir(mode=0o755)
            other = take_backup(setup, store, NOW, to=tmp_path / "copies")
        make_old(tmp_path / "old.db", LEVELS[-3])
        (tmp_path / "old").mkdir()
        (tmp_path / "old.db").rename(tmp_path / "old/news.db")
        Store.open_writer(tmp_path / "old/news.db").close()
    finally:
        os.umask(before)
    (migrated,) = (tmp_path / "old/backups").iterdir()
    files = (made.path, other.path, migrated)
    assert [oct(path.stat().st_mode & 0o777) for path in files] == ["0o600"] * 3
    folders = (setup.backups, made.path.with_suffix(".files"), migrated.parent)
    assert [oct(path.stat().st_mode & 0o777) for path in folders] == ["0o700"] * 3


# ── with cron ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Cron:
    """Calls `run` over a catalogue of which nothing is on."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.backups = folder, folder / "data/backups"
        self._catalogue = folder / "catalogue.toml"
        self._catalogue.write_text(NOTHING_ON, encoding="utf-8")

    def run(self, days: float, *options: str) -> tuple[list[str], list[str]]:
        """A cycle so many days after the first; returns its warnings, and the backups that are there then."""
        moment = (NOW + timedelta(days=days)).isoformat()
        options = ("--catalogue", str(self._catalogue), "run", "--json", "--now", moment, *options)
        result = run_here(self.folder, "--data", str(self.folder / "data"), *options)
        assert result.returncode == 0, result.stderr
        there = sorted(path.name for path in self.backups.glob("news-*.db")) if self.backups.is_dir() else []
        return json.loads(result.stdout)["warnings"], there


def test_run_makes_a_backup_once_a_day(tmp_path: Path) -> None:
    cron = Cron(tmp_path)
    assert cron.run(0) == ([], [])  # nothing to lose yet
    assert cron.run(0.9) == ([], [])
    assert cron.run(1.1, "--no-backup") == ([], [])
    first = "news-20261124T223400Z.db"
    assert cron.run(1.1) == ([], [first])
    assert cron.run(2.0) == ([], [first])
    assert cron.run(2.2) == ([], [first, "news-20261126T005800Z.db"])
    with Store.open_reader(tmp_path / "data/news.db") as store:
        assert store.get_last_job("backup") == NOW + timedelta(days=2.2)
    assert len(cron.run(1.0)[1]) == 3  # the clock was turned back: those of a time to come may be of a wrong one
    assert len(cron.run(1.5)[1]) == 3  # once a day all the same


@pytest.mark.slow
def test_run_keeps_as_many_as_are_wanted_and_heeds_the_timetable(tmp_path: Path) -> None:
    cron = Cron(tmp_path)
    (tmp_path / "kabarkota.toml").write_text("[aggregator]\nbackups_kept = 2\n", encoding="utf-8")
    found = [cron.run(days)[1] for days in range(5)]
    assert [len(names) for names in found] == [0, 1, 2, 2, 2]
    (tmp_path / "data/timetable.toml").write_text("[backup]\nenabled = false\n", encoding="utf-8")
    assert cron.run(9) == ([], found[-1])


@pytest.mark.slow
def test_who_finds_another_backup_being_made_says_nothing(tmp_path: Path) -> None:
    cron = Cron(tmp_path)
    cron.run(0)
    with hold_backup_lock(tmp_path / "data"):
        assert cron.run(2) == ([], [])


@pytest.mark.slow
def test_a_backup_that_fails_is_a_warning_and_no_failure_of_the_run(tmp_path: Path) -> None:
    cron = Cron(tmp_path)
    cron.run(0)
    cron.backups.write_text("a file in its place", encoding="utf-8")
    (warning,), _ = cron.run(2)
    assert warning == f"no backup was made: {cron.backups}: File exists"
    options = ("--catalogue", str(tmp_path / "catalogue.toml"), "run", "--now", (NOW + timedelta(days=3)).isoformat())
    result = run_here(tmp_path, "--data", str(tmp_path / "data"), *options)
    assert (result.returncode, f"warning: {warning}" in result.stderr) == (0, True)
