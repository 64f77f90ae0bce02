"""Digests and alerts: what alerts.toml may say, who is told what and when, and that nobody is told twice."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from alert_room import open_room
from newsroom import add_alarm
from post_office import SECRET, Mailbox, run_mail_server, run_silent_server

from aggregator.alert_rows import DEAD_AFTER, GIVEN_UP_AFTER
from aggregator.alerts.hours import Hours, LastRun, Quiet, find_due
from aggregator.alerts.letters import Format, pack, set_html, set_markdown, set_telegram, set_whatsapp, write_notice
from aggregator.alerts.notices import Entry, Notice
from aggregator.alerts.planning import Piece, plan_news
from aggregator.models import Language
from schedules.alerts.attempts import clean_reason
from schedules.alerts.bureau import tell_after_cycle
from schedules.alerts.configuration import load_alerts
from schedules.alerts.services import judge
from schedules.alerts.targets import make_target
from schedules.errors import UsageFailure

NOW = datetime(2026, 10, 5, 8, 0, tzinfo=UTC)  # a Monday, 15.00 WIB
HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
NEWS = """
[targets.humas]
url = "{url}"
[alerts.apeksi]
topic = "apeksi"
to = "humas"
"""
DIGEST = """
[targets.humas]
url = "{url}"
[digests.harian]
office = "Kominfo Gorontalo"
topic = "apeksi"
at = "16:00"
to = "humas"
"""
PASSWORD = "s3mb4rang-rahasia"


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with run_mail_server() as box:
        yield box


def read_mail(box: Mailbox, number: int = -1, kind: str = "plain") -> str:
    body = box.mails[number][1].get_body((kind,))
    assert body is not None
    return str(body.get_content())


# ── alerts.toml ────────────────────────────────────────────────────────────────────────────────────────────────────

TARGET = '[targets.a]\nurl = "json://127.0.0.1/"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{TARGET}[digest.x]\n", "digest: unknown key; did you mean digests?"),
        (f'{TARGET}[digests.x]\nto = "a"\noffise = "x"\n', "digests.x.offise: unknown key; did you mean office?"),
        (f'{TARGET}[digests.x]\nto = "b"\n', "digests.x.to: there is no target b; write [targets.b]"),
        (f'{TARGET}[digests.x]\nto = "a"\nat = "6:30"\n', "digests.x.at[0]: '6:30': not an hour"),
        (f'{TARGET}[digests.x]\nto = "a"\ndays = "lundi"\n', "digests.x.days[0]: 'lundi': not a day"),
        (f'{TARGET}[digests.x]\nto = "a"\nzone = "WITA"\n', "digests.x.zone: 'WITA': no such time zone"),
        (f'{TARGET}[digests.x]\nto = "a"\ncity = "gorontalo"\n', "did you mean kota-gorontalo?"),
        (f'{TARGET}[digests.x]\nto = "a"\nq = "-x"\n', "digests.x: q: only_unwanted"),
        (f'{TARGET}[digests.X]\nto = "a"\n', "digests.X: not a slug"),
        (f'{TARGET}[digests.x]\nto = "a"\n[alerts.x]\nto = "a"\n', "alerts.x: a digest has that name, too"),
        (f'{TARGET}[alerts.x]\nto = "a"\nquiet = "22-5"\n', "alerts.x.quiet: '22-5': not two hours"),
        (f'{TARGET}[alerts.x]\nto = "a"\nfactor = 3.0\n', 'alerts.x: factor is for kind = "spike"'),
        (f'{TARGET}[alerts.x]\nto = "a"\nkind = "spike"\nq = "x"\n', 'alerts.x: q is not for kind = "spike"'),
        (f'{TARGET}[alerts.x]\nto = "a"\nkind = "noise"\n', "alerts.x.kind: "),
        ("[targets.a]\nattach_docx = true\n", "targets.a: needs one of url, url_env, url_file and webhook"),
        ('[targets.a]\nurl_env = "TIDAK_ADA"\n', "targets.a.url_env: the variable TIDAK_ADA is not set"),
        ('[targets.a]\nurl_file = "tiada"\n', "tiada: no such file"),
        ('[targets.a]\nwebhook = "https://a.example/"\n', "a webhook needs one of secret_env and secret_file"),
        ('[targets.a]\nwebhook = "ftp://a.example/"\nsecret_env = "KUNCI"\n', "webhook is not an http(s) address"),
        ('[targets.a]\nwebhook = "https://a.example/"\nsecret_env = "PENDEK"\n', "shorter than 16 characters"),
        (f'[targets.a]\nurl = ["mailto://u:{PASSWORD}@x.example"]\n', "targets.a.url: must be text in quotes"),
        (f'[targets.a]\nurl = "hantu://u:{PASSWORD}@x.example"\n', "hantu://… is not an address that Apprise"),
        (f'[targets]\na = "mailto://u:{PASSWORD}@x.example"\n', "targets.a: must be a table"),
        (f'[targets.a]\nurl_env = "mailto://u:{PASSWORD}@x.example"\n', "url_env: is not the name of a variable"),
        (f'[targets.a]\nurl_env = ["mailto://u:{PASSWORD}@x.example"]\n', "url_env: must be text in quotes"),
        (f'[targets.a]\nurl_file = "mailto://u:{PASSWORD}@x.example"\n', "targets.a.url_file: no such file"),
        ('[targets.a]\nurl_file = "~tiadaorang/x"\n', "targets.a.url_file: there is no such user"),
        (f'{TARGET}[alerts.x]\nto = "mailto://u:{PASSWORD}@x.example"\n', "alerts.x.to: must be names of targets"),
        (f'{TARGET}[alerts.x]\nto = [["mailto://u:{PASSWORD}@x.example"]]\n', "alerts.x.to[0]: must be names of targ"),
        (f'{TARGET}[alerts.x]\nto = "a\\u001b[31m"\n', "alerts.x.to: must be names of targets"),
        (f'{TARGET}[targets."mailto://u:{PASSWORD}@x.example"]\nurl = "x"\n', "targets.…: not a slug"),
        (f'{TARGET}[targets."mailto://u:{PASSWORD}@x.example"]\nurl = 3\n', "targets.….url: must be text"),
        (f'[targets.a]\nurls = "mailto://u:{PASSWORD}@x.example"\n', "targets.a.urls: unknown key; did you mean url"),
    ],
)
def test_fault_is_told_with_file_and_key_and_without_secrets(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "alerts.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageFailure) as caught:
        load_alerts(path, {"KUNCI": SECRET, "PENDEK": "x"})
    assert str(caught.value).startswith(f"{path}: ")
    assert words in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_example_is_right_as_it_is_and_without_its_marks(tmp_path: Path) -> None:
    from schedules.alerts import configuration

    example = Path(configuration.__file__).with_name("example.toml").read_text(encoding="utf-8")
    path = tmp_path / "alerts.toml"
    assert not load_alerts(path)
    path.write_text(example, encoding="utf-8")
    alerts = load_alerts(path, {})
    assert alerts.targets["humas"].shown == "humas@kota.example.org, walikota@kota.example.org via mail.example.org"
    assert alerts.digests["komwil-mingguan"].make_hours().period == 7 * DAY
    path.write_text(re.sub(r"(?m)^# (?=\[targets|url_|webhook|secret_)", "", example), encoding="utf-8")
    with pytest.raises(UsageFailure) as caught:
        load_alerts(path, {})
    for fault in ("redaksi.url_env: the variable KLIPING_MAIL", "grup.secret: no such file", "sistem.secret_env: the"):
        assert f"targets.{fault}" in str(caught.value).replace(f"grup.url_file: {tmp_path}/", "")
    shown = [target.shown for target in load_alerts(path, {}, needed=["humas"]).targets.values()]
    assert shown[1] == "the variable KLIPING_MAIL is not set"
    (tmp_path / "grup.secret").write_text("tgram://123456789:abcdefghijklmnopqrstuvwxyzABCDEFGHI/-100123456\n")
    mail = f"mailtos://redaksi:{PASSWORD}@mail.example.org/humas@kota.example.org"
    alerts = load_alerts(path, {"KLIPING_MAIL": mail, "KLIPING_SECRET": SECRET})
    assert [target.format for target in alerts.targets.values()][1:3] == [Format.HTML, Format.TELEGRAM]
    told = f"{alerts} {[target.shown for target in alerts.targets.values()]}"
    for secret in (PASSWORD, SECRET, "abcdefghijklmnop"):
        assert secret not in told


# ── hours ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def make_hours(at: str, zone: str = "Asia/Jakarta", days: frozenset[int] = frozenset(range(7))) -> Hours:
    return Hours(times=(time.fromisoformat(at),), zone=ZoneInfo(zone), days=days)


@pytest.mark.parametrize(
    ("zone", "hour"), [("Asia/Jayapura", "2026-10-04T21:30"), ("Asia/Makassar", "2026-10-04T22:30")]
)
def test_hour_is_of_the_recipients_zone(zone: str, hour: str) -> None:
    slot = datetime.fromisoformat(f"{hour}+00:00")
    hours = make_hours("06:30", zone)
    assert hours.find_last(slot) == slot
    assert hours.find_last(slot - MINUTE) == slot - DAY
    assert hours.find_next(slot) == slot + DAY


def test_day_of_the_week_is_of_the_recipients_zone() -> None:
    monday = make_hours("06:30", "Asia/Jayapura", frozenset({0}))
    assert monday.find_last(NOW) == datetime(2026, 10, 4, 21, 30, tzinfo=UTC)  # a Sunday elsewhere
    assert monday.find_next(NOW) == datetime(2026, 10, 11, 21, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("late", "is_due"), [(timedelta(0), True), (12 * HOUR, True), (12 * HOUR + MINUTE, False), (-MINUTE, False)]
)
def test_hour_missed_for_long_is_left_to_the_next(late: timedelta, is_due: bool) -> None:
    slot = datetime(2026, 10, 4, 23, 30, tzinfo=UTC)
    last = LastRun(slot=slot - DAY, until=slot - DAY + MINUTE)
    due = find_due(make_hours("06:30"), last, slot + late)
    assert (due is not None) is is_due
    assert due is None or (due.slot, due.since) == (slot, slot - DAY + MINUTE)


@pytest.mark.parametrize(
    ("quiet", "clock", "end"),
    [
        ("22:00-05:30", "2026-10-05T21:59", ""),
        ("22:00-05:30", "2026-10-05T22:00", "2026-10-06T05:30"),
        ("22:00-05:30", "2026-10-06T05:29", "2026-10-06T05:30"),
        ("22:00-05:30", "2026-10-06T05:30", ""),
        ("12:00-13:00", "2026-10-05T12:30", "2026-10-05T13:00"),
        ("12:00-13:00", "2026-10-05T22:30", ""),
    ],
)
def test_quiet_may_pass_midnight(quiet: str, clock: str, end: str) -> None:
    zone = ZoneInfo("Asia/Makassar")
    begins, ends = (time.fromisoformat(each) for each in quiet.split("-"))
    found = Quiet(begins=begins, ends=ends, zone=zone).find_end(datetime.fromisoformat(clock).replace(tzinfo=zone))
    assert found == (datetime.fromisoformat(end).replace(tzinfo=zone) if end else None)


# ── digests ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_digest_is_sent_once_at_its_hour_whatever_restarts(tmp_path: Path, box: Mailbox) -> None:
    with open_room(tmp_path, DIGEST.format(url=box.url("humas@kota.example"))) as room:
        room.bring("satu", "Wali kota anggota APEKSI bertemu")
        room.turn(NOW + 30 * MINUTE)  # it is new: its first hour is the next one
        assert box.mails == []
        for _ in range(3):
            room.restart()
            room.turn(NOW + HOUR)
            room.turn(NOW + HOUR + MINUTE)
        assert box.recipients == ["humas@kota.example"]
        mail = box.mails[0][1]
        assert "kominfo gorontalo" in read_mail(box).lower()
        assert "Wali kota anggota APEKSI bertemu" in read_mail(box)
        assert "Wali kota anggota APEKSI bertemu" in read_mail(box, kind="html")
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail["From"].addresses[0].addr_spec == "redaksi@kabar.example"
        room.turn(NOW + HOUR + DAY)  # nothing is new
        assert len(box.mails) == 1
        room.minutes += 60 * 30
        room.bring("dua", "Rapat APEKSI di Gorontalo", text=1)
        room.turn(NOW + HOUR + 2 * DAY)
        assert len(box.mails) == 2
        assert "Rapat APEKSI" in read_mail(box)
        assert "bertemu" not in read_mail(box)


def test_digest_of_nothing_says_so_where_it_is_wanted(tmp_path: Path, box: Mailbox) -> None:
    alerts = DIGEST.format(url=box.url("humas@kota.example")) + "empty = true\nattach_docx = true\n"
    with open_room(tmp_path, alerts) as room:
        room.bring("lain", "Bukan minggu ini", text=1)
        room.turn(NOW + 30 * MINUTE)
        room.turn(NOW + HOUR)
        room.turn(NOW + HOUR + DAY)
        assert len(box.mails) == 2
        (file,) = box.mails[1][1].iter_attachments()
        assert str(file.get_filename()).endswith(".docx")
        assert file.get_payload(decode=True).startswith(b"PK")  # type: ignore[union-attr]


def test_digest_missed_for_long_is_in_the_next(tmp_path: Path, box: Mailbox) -> None:
    with open_room(tmp_path, DIGEST.format(url=box.url("humas@kota.example"))) as room:
        room.turn(NOW)
        room.bring("satu")
        room.turn(NOW + HOUR + 13 * HOUR)
        assert box.mails == []
        room.turn(NOW + HOUR + DAY)
        assert "kabar satu" in read_mail(box)


def test_what_is_taken_down_before_a_digest_is_tried_again_is_not_in_it(tmp_path: Path, box: Mailbox) -> None:
    box.refused["humas@kota.example"] = "450 later"
    with open_room(tmp_path, DIGEST.format(url=box.url("humas@kota.example"))) as room:
        room.bring("satu")
        room.turn(NOW + 30 * MINUTE)
        room.turn(NOW + HOUR)
        assert room.states == ["waiting"]
        with room.store.transaction():
            room.store._connection.execute("UPDATE duplicate_groups SET withdrawn_at = '2026-10-05T09:00:00Z'")
        room.press()
        box.refused.clear()
        room.turn(NOW + HOUR + 2 * MINUTE)
        assert (room.states, box.mails) == (["nothing"], [])


# ── sending ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_recipient_that_is_refused_keeps_it_from_nobody_else(tmp_path: Path, box: Mailbox) -> None:
    box.refused["b@kota.example"] = "550 no such user b@kota.example"
    url = box.url("a@kota.example", "b@kota.example", "c@kota.example")
    with open_room(tmp_path, NEWS.format(url=url)) as room:
        room.turn()
        room.bring("satu")
        room.turn()
        room.turn(after=2 * HOUR)
        assert sorted(box.recipients) == ["a@kota.example", "c@kota.example"]
        assert sorted(room.states) == ["failed", "sent", "sent"]
        ((reason,),) = room.ask("SELECT reason FROM deliveries WHERE state = 'failed'")
        assert reason.startswith("recipient: 550")
        dump = "\n".join(room.store._connection.iterdump())
        assert "kota.example" not in dump.replace("kabarkota.example", "")


@pytest.mark.parametrize(
    ("answer", "state", "attempts"),
    [("451 try later", "sent", 2), ("554 spam", "failed", 1), ("hang up", "unknown", 1)],
)
def test_only_what_has_certainly_not_arrived_is_sent_again(
    tmp_path: Path, box: Mailbox, answer: str, state: str, attempts: int
) -> None:
    box.answers = [answer]
    with open_room(tmp_path, NEWS.format(url=box.url("a@kota.example"))) as room:
        room.turn()
        room.bring("satu")
        room.turn()
        room.turn(after=MINUTE)
        room.turn(after=2 * HOUR)
        assert room.ask("SELECT state, attempts FROM deliveries") == [(state, attempts)]
        assert len(box.mails) == (answer != "554 spam")


def test_who_died_while_sending_tells_people_at_most_once(tmp_path: Path, box: Mailbox) -> None:
    with open_room(tmp_path, NEWS.format(url=box.url("a@kota.example"))) as room:
        room.turn()
        room.bring("satu")
        room.bureau.tell(room.setup, room.store, room.now)  # and never came to record it
        room.bureau.courier.wait(30)
        room.restart()
        room.turn(after=DEAD_AFTER - MINUTE)
        assert room.states == ["trying"]
        (troubled,) = room.store.get_troubled_targets(room.now - DAY, room.now + DEAD_AFTER)
        assert troubled.state == "trying"
        room.turn(after=DEAD_AFTER + MINUTE)
        assert (room.states, len(box.mails)) == (["unknown"], 1)


@pytest.mark.slow
def test_server_that_says_nothing_delays_nobody_and_is_given_up(
    tmp_path: Path, box: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    with run_silent_server() as port, run_silent_server() as dead:
        silent = f"mailto://u:{PASSWORD}@kabar.example:{port}/a@kota.example?smtp=127.0.0.1&mode=insecure&cto=0.05"
        telegram = f"json://u:{PASSWORD}@127.0.0.1:{dead}/?rto=0.05&cto=0.2"
        alerts = NEWS.format(url=box.url("a@kota.example")).replace('to = "humas"', 'to = ["bisu", "humas", "kait"]')
        alerts += f'[targets.bisu]\nurl = "{silent}"\n[targets.kait]\nurl = "{telegram}"\n'
        with caplog.at_level(logging.DEBUG), open_room(tmp_path, alerts) as room:
            room.turn()
            room.bring("satu")
            room.turn()
            assert len(box.mails) == 1
            states = dict(room.ask("SELECT target, state FROM deliveries"))
            assert states == {"humas": "sent", "bisu": "waiting", "kait": "unknown"}
            ((reason,),) = room.ask("SELECT reason FROM deliveries WHERE target = 'bisu'")
            assert reason == "the mail server does not answer"
            for step in range(40):
                room.turn(after=step * HOUR)
            assert dict(room.ask("SELECT target, state FROM deliveries"))["bisu"] == "failed"
            ((attempts,),) = room.ask("SELECT attempts FROM deliveries WHERE target = 'bisu'")
            assert attempts < 30
            assert room.store.get_troubled_targets(room.now - DAY, room.now)[0].target == "bisu"
            told = caplog.text + "\n".join(room.store._connection.iterdump())
    assert "target bisu: 1 messages were refused or given up" in caplog.text
    assert PASSWORD not in told
    assert GIVEN_UP_AFTER == DAY


def test_reasons_hold_nothing_of_an_address() -> None:
    url = "tgram://123456789:abcdefghijklmnopqrstuvwxyzABCDEFGHI/-100123456"
    target = make_target("grup", url, secret="", is_webhook=False, chosen=None, attach_docx=None)
    reason = "Failed: https://api.telegram.org/bot/123456789:abcdefghijklmnopqrstuvwxyzABCDEFGHI/send\nx"
    assert clean_reason(reason, target) == "Failed: https://api.telegram.org/bot/****:****/send x"
    assert "abcdefghij" not in f"{target!r} {target.shown}"


@pytest.mark.parametrize(
    ("heard", "state"),
    [
        ((logging.WARNING, "Failed to send Telegram notification: Forbidden, error=403."), "failed"),
        ((logging.WARNING, "Failed to send: Too many, error=429."), "waiting"),
        ((logging.WARNING, "Failed to send: Bad gateway, error=502."), "waiting"),
        ((logging.DEBUG, "Socket Exception: Read timed out."), "unknown"),
        ((logging.DEBUG, "Socket Exception: Connection refused"), "waiting"),
    ],
)
def test_what_apprise_says_of_a_failure(heard: tuple[int, str], state: str) -> None:
    assert judge([heard]).state == state


# ── instant alerts ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_news_is_told_once_and_what_was_there_before_is_none(tmp_path: Path, box: Mailbox) -> None:
    with open_room(tmp_path, NEWS.format(url=box.url("a@kota.example"))) as room:
        room.bring("lama")
        room.turn()
        room.turn(after=MINUTE)
        assert box.mails == []
        room.bring("baru", "Bursa APEKSI di Jakarta", text=1, portals=3)
        room.turn()
        room.restart()
        room.turn(after=MINUTE)
        assert len(box.mails) == 1
        assert box.mails[0][1]["Subject"] == "apeksi: Bursa APEKSI di Jakarta"
        assert "juga di 2 portal lain" in read_mail(box)
        assert "https://portal1.example/baru" in read_mail(box)
        assert 'href="https://portal1.example/baru"' in read_mail(box, kind="html")


def test_cron_tells_after_its_cycle_and_needs_no_luck(
    tmp_path: Path, box: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    with open_room(tmp_path, NEWS.format(url=box.url("a@kota.example"))) as room:
        tell_after_cycle(room.setup, room.now)
        room.bring("satu")
        for _ in range(2):
            tell_after_cycle(room.setup, room.now)
        assert (len(box.mails), room.states) == (1, ["sent"])
        (tmp_path / "alerts.toml").write_text("[alerts]\nx = 1\n")
        tell_after_cycle(room.setup, room.now)  # the cycle was done, and its exit code says so
    assert "alerts were not told: " in caplog.text


def test_what_comes_in_quiet_hours_is_one_message_at_their_end(tmp_path: Path, box: Mailbox) -> None:
    alerts = NEWS.format(url=box.url("a@kota.example")) + 'quiet = "15:30-17:00"\nzone = "Asia/Jakarta"\n'
    with open_room(tmp_path, alerts) as room:
        room.turn()
        room.minutes = 40
        room.bring("satu")
        room.turn()
        room.bring("dua", text=1)
        room.turn()
        assert box.mails == []
        room.turn(NOW + 2 * HOUR)
        assert len(box.mails) == 1
        assert {f"kabar {slug}" in read_mail(box) for slug in ("satu", "dua")} == {True}


def test_failed_message_keeps_quiet_too(tmp_path: Path, box: Mailbox) -> None:
    box.answers = ["451 later"]
    alerts = NEWS.format(url=box.url("a@kota.example")) + 'quiet = "15:30-17:00"\n'
    with open_room(tmp_path, alerts) as room:
        room.turn()
        room.minutes = 28
        room.bring("satu")
        room.turn()
        room.turn(NOW + 40 * MINUTE)
        assert (room.states, box.mails) == (["waiting"], [])
        room.turn(NOW + 2 * HOUR)
        assert (room.states, len(box.mails)) == (["sent"], 1)


def test_no_flood_and_follow_ups_once_an_hour() -> None:
    plan = plan_news([Piece(group_id=each, story_id=each, carriers=1) for each in range(14)], {}, NOW)
    assert (len(plan.groups), plan.more, len(plan.told)) == (10, 4, 14)
    more = [Piece(group_id=100 + each, story_id=1, carriers=1) for each in range(3)]
    plan = plan_news(more, plan.told, NOW + 30 * MINUTE)
    assert plan.is_empty
    assert plan.told == {1: (NOW, 3)}
    plan = plan_news([], plan.told, NOW + HOUR)
    assert plan.follow_ups == ((1, 3),)
    assert plan_news([], plan.told, NOW + 3 * HOUR).is_empty
    alone = [Piece(group_id=each, story_id=None, carriers=1) for each in (1, 2)]
    assert plan_news(alone, {}, NOW).groups == (1, 2)
    one = [Piece(group_id=1, story_id=7, carriers=2), Piece(group_id=2, story_id=7, carriers=5)]
    assert plan_news(one, {}, NOW).groups == (2,)


def test_spike_is_told_once_a_day_with_its_figures(tmp_path: Path, box: Mailbox) -> None:
    alerts = NEWS.format(url=box.url("a@kota.example")) + 'kind = "spike"\n'
    with open_room(tmp_path, alerts) as room:
        room.bring("satu", "Wali kota anggota APEKSI bertemu", portals=2)
        with room.store.transaction():
            room.store._connection.execute("DELETE FROM coverage_due")
            room.store._connection.executemany(
                "INSERT OR REPLACE INTO coverage_days (day_wib, topic, region, news, articles)"
                " VALUES (?, 'apeksi', '', ?, ?)",
                [((NOW - each * DAY).date().isoformat(), 40 if each == 0 else 3, 50) for each in range(29)],
            )
        room.turn()
        room.restart()
        room.turn(after=HOUR)
        assert len(box.mails) == 1
        text = read_mail(box)
        assert "40 berita pada 5 Oktober 2026, biasanya 3 sehari." in text
        assert "Wali kota anggota APEKSI bertemu" in text
        assert box.mails[0][1]["Subject"] == "apeksi: lonjakan berita APEKSI"


def test_silence_is_told_when_it_begins_and_when_it_ends(tmp_path: Path, box: Mailbox) -> None:
    alerts = NEWS.format(url=box.url("a@kota.example")).replace('topic = "apeksi"', 'kind = "silence"')
    with open_room(tmp_path, alerts) as room:
        room.bring("satu")
        room.turn()
        assert box.mails == []
        add_alarm(tmp_path / "news.db", "portal0", "quiet", room.now)
        for step in range(3):
            room.turn(after=10 * MINUTE + step * HOUR)
        assert len(box.mails) == 1
        assert box.mails[0][1]["Subject"] == "apeksi: 1 sumber diam"
        assert "Portal0" in read_mail(box)
        with room.store.transaction():
            room.store._connection.execute("UPDATE alarms SET until = '2026-10-05T12:00:00Z'")
            room.store._connection.execute("UPDATE polls SET posts = 3")
        for step in range(3):
            room.turn(after=4 * HOUR + step * HOUR)
        assert len(box.mails) == 2
        assert box.mails[1][1]["Subject"] == "apeksi: 1 sumber kembali memuat berita"


def test_silence_by_hours_needs_to_have_listened(tmp_path: Path, box: Mailbox) -> None:
    alerts = NEWS.format(url=box.url("a@kota.example")).replace('topic = "apeksi"', 'kind = "silence"\nhours = 6')
    with open_room(tmp_path, alerts) as room:
        room.bring("satu")
        room.minutes = 60 * 8
        room.turn()
        assert box.mails == []  # nobody asked since
        room.answer("portal0")
        room.turn(after=10 * MINUTE)
        assert "selama 6 jam" in read_mail(box)


def test_filter_of_what_is_not_there_is_told_once(
    tmp_path: Path, box: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    alerts = NEWS.format(url=box.url("a@kota.example")) + '[alerts.lain]\ntopic = "hantu"\nto = "humas"\n'
    with open_room(tmp_path, alerts) as room:
        room.turn()
        room.bring("satu")
        room.turn()
        room.bring("dua", text=1)
        room.turn()
        assert len(box.mails) == 2  # of the other one
    assert caplog.text.count("alerts.lain: there is no topic/hantu") == 1


# ── words ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_marks_in_titles_are_only_text() -> None:
    notice = Notice(
        language=Language.ENGLISH,
        subject="<b>*Judul* [x](y)",
        intro="",
        entries=(Entry(title="_a_ <script> & *b*", detail="", url='https://x.example/?a="b"&c'),),
    )
    assert "<script>" not in set_html(notice) + set_telegram(notice)
    assert "&lt;script&gt; &amp;" in set_telegram(notice)
    assert set_whatsapp(notice).splitlines()[0] == "*<b>∗Judul∗ [x](y)*"
    assert r"\_a\_ \<script\> & \*b\*" in set_markdown(notice)
    assert '<html lang="en">' in set_html(notice)
    assert "prefers-color-scheme: dark" in set_html(notice)
    assert pack("a\n\nbb\n\nccc", 5) == ("a\n\nbb", "ccc")
    letter = write_notice(notice, Format.MARKDOWN, kind="news", name="x")
    assert json.dumps(dict(letter.data)) == '{"alert": "x"}'
