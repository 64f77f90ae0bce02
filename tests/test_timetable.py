"""The timetable: what an operator may write, what is refused and in which words, and when jobs then run."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from schedules.crontab import parse_crontab
from schedules.errors import UsageFailure
from schedules.jobs import JOBS
from schedules.timetable import JobTimes, load_timetable

WIB = ZoneInfo("Asia/Jakarta")
SUNDAY = datetime(2026, 11, 22, 0, 0, tzinfo=WIB)


def load(folder: Path, text: str) -> dict[str, JobTimes]:
    path = folder / "timetable.toml"
    path.write_text(text, encoding="utf-8")
    return dict(load_timetable(path))


def list_turns(cron: str, count: int, start: datetime = SUNDAY) -> list[str]:
    trigger, turns, at = parse_crontab(cron, WIB), [], start - timedelta(microseconds=1)
    for _ in range(count):
        at = trigger.get_next_fire_time(at, at)
        turns.append(f"{at:%a %d %H:%M}")
        at += timedelta(microseconds=1)
    return turns


def test_each_job_has_its_times_and_each_time_its_job() -> None:
    assert set(load_timetable()) == set(JOBS)


def test_no_file_of_the_operator_changes_nothing(tmp_path: Path) -> None:
    assert load_timetable(tmp_path / "timetable.toml") == load_timetable()


def test_operators_file_lies_over_the_built_in_one(tmp_path: Path) -> None:
    built_in = load_timetable()
    own = load(tmp_path, "[poll]\ndeadline_seconds = 60\n[backup]\nenabled = false\n")
    assert own["poll"] == built_in["poll"].model_copy(update={"deadline_seconds": 60})
    assert own["backup"] == built_in["backup"].model_copy(update={"enabled": False})
    assert own["tend"] == built_in["tend"]


@pytest.mark.parametrize(
    ("text", "job", "trigger"),
    [
        pytest.param('[poll]\ncron = "*/5 * * * *"\n', "poll", {"cron": "*/5 * * * *"}, id="cron-for-an-interval"),
        pytest.param("[tend]\nevery_seconds = 7200\n", "tend", {"every_seconds": 7200}, id="interval-for-an-hour"),
        pytest.param('\ufeff[backup]\nat = "23:59"\n', "backup", {"at": "23:59"}, id="another-hour-after-a-bom"),
    ],
)
def test_another_trigger_replaces_the_built_in_one(
    tmp_path: Path, text: str, job: str, trigger: dict[str, object]
) -> None:
    times = load(tmp_path, text)[job]
    assert times.model_dump(include={"every_seconds", "cron", "at"}, exclude_none=True) == trigger
    assert times.deadline_seconds == load_timetable()[job].deadline_seconds


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("[pol]\n", "pol: unknown job; did you mean poll?", id="misspelt-job"),
        pytest.param("[dance]\n", "dance: unknown job; there are alerts, backup, digest, ", id="unknown-job"),
        pytest.param("[poll]\nevery_second = 5\n", "poll.every_second: unknown key; did you mean every_s", id="key"),
        pytest.param('[tend]\ncron = "0 1 * * *"\nat = "01:00"\n', "tend: needs one of every_seconds, cron", id="two"),
        pytest.param("[poll]\nevery_seconds = -5\n", "poll.every_seconds: must be at least 1, not -5", id="negative"),
        pytest.param("[poll]\nevery_seconds = 0\n", "poll.every_seconds: must be at least 1, not 0", id="zero"),
        pytest.param("[poll]\nevery_seconds = inf\n", "poll.every_seconds: must be a number, not inf", id="inf"),
        pytest.param("[poll]\nevery_seconds = nan\n", "poll.every_seconds: must be a number, not nan", id="nan"),
        pytest.param("[poll]\nevery_seconds = 1e12\n", "poll.every_seconds: must be at most 31622400", id="ages"),
        pytest.param('[poll]\nevery_seconds = "60"\n', "poll.every_seconds: must be a number, not '60'", id="text"),
        pytest.param("[poll]\njitter_seconds = -1\n", "poll.jitter_seconds: must be at least 0, not -1", id="jitter"),
        pytest.param("[poll]\ndeadline_seconds = 0\n", "poll.deadline_seconds: must be at least 1, not 0", id="end"),
        pytest.param('[poll]\nenabled = "no"\n', "poll.enabled: must be true or false, not 'no'", id="enabled"),
        pytest.param('[tend]\nzone = "WIB"\n', "tend.zone: 'WIB': no such time zone; Indonesia's are Asia", id="zone"),
        pytest.param('[tend]\nzone = "../passwd"\n', "tend.zone: '../passwd': no such time zone", id="zone-of-a-path"),
        pytest.param('[tend]\nat = "25:00"\n', "tend.at: '25:00': not an hour and a minute", id="hour"),
        pytest.param('[tend]\nat = "2:20"\n', "tend.at: '2:20': not an hour and a minute", id="hour-of-one-digit"),
        pytest.param("[tend]\nat = 02:20:00\n", "tend.at: must be text in quotes", id="hour-without-quotes"),
        pytest.param('[tend]\ncron = "* * *"\n', "tend: cron '* * *': needs five fields", id="three-fields"),
        pytest.param('[tend]\ncron = "@daily"\n', "tend: cron '@daily': needs five fields", id="macro"),
        pytest.param('[tend]\ncron = "61 0 * * *"\n', "tend: cron '61 0 * * *': ", id="minute-61"),
        pytest.param('[tend]\ncron = "0 0 last * *"\n', "day 'last' is no field of crontab", id="not-of-crontab"),
        pytest.param('[tend]\ncron = "0 0 * foo *"\n', "month 'foo' is no field of crontab", id="month"),
        pytest.param('[tend]\ncron = "0 0 * * 8"\n', "day_of_week '8' is neither 0 to 7", id="day-8"),
        pytest.param('[tend]\ncron = "0 0 * * 6-1"\n', "day_of_week '6-1' names no day", id="days-backwards"),
        pytest.param('[tend]\ncron = "0 0 * * 1/0"\n', "day_of_week '1/0' names no day", id="step-0"),
        pytest.param('[tend]\ncron = "0 0 * * mon-"\n', "day_of_week 'mon-' is no field of crontab", id="open-range"),
        pytest.param('[tend]\ncron = "0 0 30 2 *"\n', "that day never comes", id="30-february"),
        pytest.param("[tend]\ncron = 5\n", "tend.cron: must be text in quotes, not 5", id="cron-number"),
        pytest.param("poll = 60\n", "poll: must be a table, not 60", id="no-table"),
        pytest.param("[poll\n", "not valid TOML", id="not-toml"),
        pytest.param("a = " + "[" * 5000, "timetable.toml: ", id="nested"),
    ],
)
def test_fault_is_named_with_file_and_key(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageFailure) as caught:
        load(tmp_path, text)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'timetable.toml'}: ")
    assert words in message
    assert "\n" not in message


def test_folder_in_the_files_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "timetable.toml").mkdir()
    with pytest.raises(UsageFailure, match=r"timetable\.toml: is not a file"):
        load_timetable(tmp_path / "timetable.toml")


def test_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "timetable.toml").write_bytes(b"\xff\xfe[poll]")
    with pytest.raises(UsageFailure, match=r"timetable\.toml: not valid TOML"):
        load_timetable(tmp_path / "timetable.toml")


@pytest.mark.parametrize(
    ("cron", "turns"),
    [
        pytest.param("0 6 * * 0", ["Sun 22 06:00", "Sun 29 06:00"], id="0-is-sunday"),
        pytest.param("0 6 * * 7", ["Sun 22 06:00", "Sun 29 06:00"], id="7-is-sunday"),
        pytest.param("0 6 * * 1", ["Mon 23 06:00", "Mon 30 06:00"], id="1-is-monday"),
        pytest.param("0 6 * * 5-7", ["Sun 22 06:00", "Fri 27 06:00", "Sat 28 06:00", "Sun 29 06:00"], id="5-7"),
        pytest.param("0 6 * * SAT-sun", ["Sun 22 06:00", "Sat 28 06:00", "Sun 29 06:00"], id="names"),
        pytest.param("0 6 * * 1-5/2", ["Mon 23 06:00", "Wed 25 06:00", "Fri 27 06:00", "Mon 30 06:00"], id="steps"),
        pytest.param("0 6 * * */3", ["Sun 22 06:00", "Wed 25 06:00", "Sat 28 06:00", "Sun 29 06:00"], id="star-steps"),
        pytest.param("0 6 * * 4/2", ["Thu 26 06:00", "Sat 28 06:00"], id="steps-from-a-day"),
        pytest.param("30 4 25 * 1", ["Mon 23 04:30", "Wed 25 04:30", "Mon 30 04:30"], id="either-day-is-enough"),
        pytest.param("30 4 */2 * 1", ["Mon 23 04:30", "Mon 07 04:30"], id="both-days-where-one-has-a-star"),
        pytest.param("*/20 22-23 * nov sun", ["Sun 22 22:00", "Sun 22 22:20", "Sun 22 22:40", "Sun 22 23:00"], id="x"),
    ],
)
def test_crontab_means_what_cron_means(cron: str, turns: list[str]) -> None:
    assert list_turns(cron, len(turns)) == turns


def test_hours_are_those_of_the_zone() -> None:
    noon = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    for zone, hour in (("Asia/Jakarta", 19), ("Asia/Makassar", 18), ("Asia/Jayapura", 17)):
        for times in (JobTimes(at="02:20", zone=zone), JobTimes(cron="20 2 * * *", zone=zone)):
            assert times.make_trigger().get_next_fire_time(None, noon) == noon.replace(hour=hour, minute=20)


@pytest.mark.parametrize(
    "times",
    [
        pytest.param(JobTimes(every_seconds=60, jitter_seconds=30), id="interval"),
        pytest.param(JobTimes(cron="* * * * *", jitter_seconds=30), id="cron"),
        pytest.param(JobTimes(cron="* * 1-31 * 0-6", jitter_seconds=30), id="cron-on-either-day"),
        pytest.param(JobTimes(at="02:20", jitter_seconds=30), id="at"),
    ],
)
def test_jitter_delays_by_no_more_than_it_says(times: JobTimes) -> None:
    plain = times.model_copy(update={"jitter_seconds": 0}).make_trigger()
    now = plain.get_next_fire_time(None, SUNDAY)
    on_time = plain.get_next_fire_time(now, now)
    delays = {(times.make_trigger().get_next_fire_time(now, now) - on_time).total_seconds() for _ in range(20)}
    assert all(0 <= delay <= 30 for delay in delays)
    assert len(delays) > 1


def test_jitter_skips_no_turn() -> None:
    trigger = JobTimes(at="02:20", jitter_seconds=600).make_trigger()
    turns = [trigger.get_next_fire_time(None, SUNDAY)]
    for _ in range(10):
        turns.append(trigger.get_next_fire_time(turns[-1], turns[-1]))
    assert {later.date() - earlier.date() for earlier, later in pairwise(turns)} == {timedelta(days=1)}


def test_turn_that_was_missed_is_overdue() -> None:
    times = JobTimes(at="02:20")
    done = SUNDAY.replace(hour=2, minute=21)
    assert not times.is_overdue(done, SUNDAY.replace(hour=23))
    assert times.is_overdue(done, SUNDAY + timedelta(days=1, hours=3))
    assert JobTimes(every_seconds=60).is_overdue(done, done + timedelta(seconds=60))
    assert not JobTimes(every_seconds=60).is_overdue(done, done + timedelta(seconds=59))


def test_pipe_in_the_files_place_is_named_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "timetable.toml")
    with pytest.raises(UsageFailure, match=r"timetable\.toml: is not a file"):
        load_timetable(tmp_path / "timetable.toml")
