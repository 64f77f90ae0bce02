"""Backups: whole, few, and never at the cost of those made before."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fresh_database import open_fresh
from portals import make_setup

from aggregator.backups import list_backups
from aggregator.store import Store, StoreError
from schedules.backups import back_up

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
