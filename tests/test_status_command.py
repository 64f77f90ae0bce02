"""`kabarkota status`: over a database as cycles leave it."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from newsroom import add_alarm, add_channel, add_poll
from portals import Answer, make_setup, serve_portal
from typer.testing import CliRunner
from warm import run_warm

from aggregator.store import Store
from schedules.cli import app
from schedules.commands.context import CommandContext
from schedules.commands.figures import format_bytes, format_span
from schedules.commands.status import show_status
from schedules.errors import RunFailure, UsageFailure
from schedules.lock import hold_writer_lock

NOW = datetime(2026, 10, 5, 8, 0, tzinfo=UTC)


class Desk:
    """A data folder, and the command over it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.setup = make_setup(folder)
        self.database = self.setup.database
        self._capsys = capsys

    def show(self, source_id: str | None = None, *, only_failing: bool = False, as_json: bool = False) -> str:
        context = CommandContext(data_folder=self.setup.data_folder, resolved=self.setup)
        self._capsys.readouterr()
        show_status(context, now=NOW, source_id=source_id, only_failing=only_failing, as_json=as_json)
        return self._capsys.readouterr().out

    def tell(self, source_id: str | None = None, **options: bool) -> Any:
        return json.loads(self.show(source_id, as_json=True, **options))


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    """Four channels: one works and is late, one fails, one is retired and has a stand-in, one was never asked."""
    desk = Desk(tmp_path, capsys)
    add_channel(desk.database, 1, due=NOW - timedelta(hours=3), last_success_at="2026-10-05T04:00:00Z")
    add_channel(desk.database, 2, due=NOW + timedelta(hours=4), failures=2, last_success_at="2026-10-03T00:00:00Z")
    stand_in = json.dumps({"kind": "sitemap", "url": "https://sumber3.example/sitemap.xml"})
    add_channel(
        desk.database, 3, due=NOW + timedelta(days=9), failures=9, retired_at="2026-09-01T00:00:00Z", stand_in=stand_in
    )
    add_channel(desk.database, 4, due=None)
    add_poll(desk.database, 1, NOW - timedelta(hours=4), links=30, articles=1, bytes=2_000)
    add_poll(desk.database, 2, NOW - timedelta(days=1), reason="HTTP 404", http_status=404, code="missing")
    add_poll(desk.database, 2, NOW - timedelta(hours=5), reason="HTTP 404", http_status=404, code="missing")
    add_poll(desk.database, 3, NOW - timedelta(days=40), reason="DNSLookupError: no such host", code="dns")
    add_alarm(desk.database, "sumber-1", "quiet", NOW - timedelta(days=2), detail="2 posts where 40 are usual")
    add_alarm(desk.database, "sumber-1", "dns", NOW - timedelta(days=9), until="2026-09-27T00:00:00Z")
    return desk


def test_figures_come_first(desk: Desk) -> None:
    lines = desk.show().splitlines()
    assert "1 working, 1 failing, 1 retired, 1 never asked; of 4 sources." in lines[1]
    assert lines[2] == "Due: 2, the first for 3 h; 1 for over an hour."
    assert "Alarms: 1 quiet." in lines


@pytest.mark.parametrize(
    ("title", "cells"),
    [
        pytest.param("Late (1):", ("sumber-1", "3 h", "no cycle has come to it"), id="late"),
        pytest.param(
            "Failing (1):",
            ("sumber-2", "There is nothing at this address", "`kabarkota sources probe sumber-2`", "in 4 h"),
            id="failing",
        ),
        pytest.param("Failing (1):", ("sumber-2", "2026-10-04 15:00 WIB"), id="failing since the first failed poll"),
        pytest.param("Retired (1):", ("sumber-3", "2026-09-01 07:00 WIB", "does not exist", "in 9 days"), id="retired"),
        pytest.param("Alarms (1):", ("sumber-1", "quiet", "2 posts where 40 are usual"), id="alarms"),
        pytest.param(
            "Stand-ins, found in place of dead channels (1):",
            ("sumber-3", "feed", "https://sumber3.example/feed"),
            id="stand-ins",
        ),
    ],
)
def test_what_needs_looking_at_is_listed_with_why_and_what_to_do(
    desk: Desk, title: str, cells: tuple[str, ...]
) -> None:
    rows = desk.show().partition(f"\n{title}\n")[2].partition("\n\n")[0].splitlines()[1:]
    assert len(rows) == 1
    assert all(cell in rows[0] for cell in cells), rows


def test_only_failing_channels_when_asked_for_them(desk: Desk) -> None:
    shown = desk.show(only_failing=True)
    assert "sumber-2" in shown
    assert "sumber-1" not in shown
    (told,) = desk.tell(only_failing=True)
    assert (told["source_id"], told["code"], told["state"]) == ("sumber-2", "missing", "failing")
    assert told["failing_since"] == "2026-10-04T08:00:00+00:00"


def test_nothing_fails(desk: Desk) -> None:
    with Store.open_writer(desk.database) as store, store.transaction():
        store._connection.execute("UPDATE channels SET failures = 0")
    assert desk.show(only_failing=True) == "No channel is failing.\n"


def test_json_holds_all_of_it(desk: Desk) -> None:
    told = desk.tell()
    assert (told["working"], told["failing"], told["retired"], told["unasked"], told["off"]) == (1, 1, 1, 1, 0)
    assert told["lateness"] == 3 * 3600
    assert told["last_cycle"]["finished_at"].startswith("2026-08-26T08:00:00")
    assert {name: len(rows) for name, rows in told["channels"].items()} == {
        "late": 1,
        "failing": 1,
        "retired": 1,
        "stand_ins": 1,
    }
    assert told["channels"]["failing"][0]["try"].startswith("`kabarkota sources probe sumber-2`")
    assert [alarm["code"] for alarm in told["open_alarms"]] == ["quiet"]


def test_a_cycle_that_is_not_finished_is_told(desk: Desk) -> None:
    with Store.open_writer(desk.database) as store:
        store.start_cycle(NOW - timedelta(minutes=5))
    assert "A cycle began 5 min ago" in desk.show()


def test_all_about_one_source(desk: Desk) -> None:
    with Store.open_writer(desk.database) as store, store.transaction():
        store._connection.execute(
            "INSERT INTO source_days (source_id, day_wib, polls, pages, bodied, dated, authored)"
            " VALUES ('sumber-1', '2026-10-05', 8, 10, 10, 9, 4)"
        )
        store._connection.execute("INSERT INTO host_days VALUES ('sumber1.example', '2026-10-05', 7, 0, '')")
    shown = desk.show("sumber-1")
    assert "sumber-1: Sumber 1, sumber1.example; on" in shown
    assert "Today (UTC): 7 of 2000 requests to its host." in shown
    assert "2026-10\t10\t1.0\t0.9\t0.4" in shown
    assert "until 2026-09-27 07:00 WIB" in shown
    assert "\n2026-10-05T04:00:00Z\tfeed\tchanged\t0\t\t\t30\t0\t1\t1\t2000\n" in shown
    told = desk.tell("sumber-1")
    assert [alarm["code"] for alarm in told["alarms"]] == ["quiet", "dns"]
    assert told["channels"][0]["state"] == "working"
    assert told["polls"][0]["links"] == 30


def test_only_the_last_ten_polls_of_a_source_are_shown(desk: Desk) -> None:
    for minute in range(12):
        add_poll(desk.database, 4, NOW + timedelta(minutes=minute))
    polls = desk.tell("sumber-4")["polls"]
    assert [poll["started_at"] for poll in polls] == [f"2026-10-05T08:{minute:02}:00Z" for minute in range(11, 1, -1)]


def test_unknown_source_is_named(desk: Desk) -> None:
    with pytest.raises(UsageFailure, match="no source 'tidak-ada'"):
        desk.show("tidak-ada")


def test_source_that_no_cycle_has_seen_is_told(desk: Desk) -> None:
    (desk.setup.data_folder / "sources.toml").write_text(
        '[sources.baru]\nname = "Baru"\ndomain = "baru.example"\n'
        'channels = [{ kind = "feed", url = "https://baru.example/feed" }]\n',
        encoding="utf-8",
    )
    with pytest.raises(RunFailure, match="baru: no cycle has been run since"):
        desk.show("baru")


def test_without_a_database_it_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    desk = Desk(tmp_path, capsys)
    assert "there is no database yet.\n`kabarkota run`" in desk.show()
    assert desk.tell()["exists"] is False
    assert not desk.database.exists()


def test_database_of_an_older_version_is_told(desk: Desk) -> None:
    with sqlite3.connect(desk.database) as connection:
        connection.execute("DELETE FROM _sqlite_migrations WHERE name = 'm007_operation'")
    connection.close()
    with pytest.raises(RunFailure, match="older version"):
        desk.show()


def test_asks_for_no_lock(desk: Desk) -> None:
    with hold_writer_lock(desk.setup.data_folder), Store.open_writer(desk.database) as store, store.transaction():
        assert "Channels:" in desk.show()


def test_the_command_after_a_real_cycle(tmp_path: Path) -> None:
    with serve_portal() as portal:
        portal.answers["/feed"] = Answer(b"rusak", 503)
        catalogue = (
            '[sources.uji]\nname = "Kabar Uji"\ndomain = "kabaruji.example"\n'
            f'channels = [{{ kind = "feed", url = "{portal.base}/feed" }}]\n'
        )
        setup = make_setup(tmp_path, catalogue)
        run_warm(setup, now=NOW)
    options = ["--data", str(setup.data_folder), "--catalogue", str(setup.catalogue_path)]
    result = CliRunner().invoke(app, [*options, "status", "--failing"])
    assert result.exit_code == 0, result.output
    assert "broken or overloaded" in result.output


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(seconds=-5), "0 s"),
        (timedelta(seconds=119), "119 s"),
        (timedelta(minutes=119), "119 min"),
        (timedelta(hours=47), "47 h"),
        (timedelta(days=400), "400 days"),
    ],
)
def test_spans_are_told_in_one_unit(span: timedelta, text: str) -> None:
    assert format_span(span) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (999, "999 B"), (1_500, "1.5 kB"), (3e12, "3000.0 GB")])
def test_sizes_are_told_in_one_unit(count: float, text: str) -> None:
    assert format_bytes(count) == text
