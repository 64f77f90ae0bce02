"""What is lost on no way between database and courier: bites, errors, the end of a process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alert_room import AlertRoom, open_room
from post_office import SECRET, Mailbox, run_mail_server, run_receiver

from aggregator import alert_rows
from aggregator.store import StoreError
from schedules.alerts import posting
from schedules.alerts.bureau import work_and_wait
from schedules.alerts.courier import Courier

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
NEWS = """
[targets.humas]
url = "{url}"
[alerts.apeksi]
topic = "apeksi"
to = "humas"
[alerts.lain]
topic = "apeksi"
to = "humas"
"""


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with run_mail_server() as box:
        yield box


def tell(room: AlertRoom, seconds: float) -> list[int]:
    """As `kabarkota run` does at its end."""
    bureau, now = room.bureau, room.now
    return work_and_wait(room.setup, bureau, now, lambda store: bureau.tell(room.setup, store, now), seconds=seconds)


def test_what_was_not_begun_when_a_command_ends_is_sent_by_the_next(tmp_path: Path, box: Mailbox) -> None:
    box.gate = threading.Event()
    url = box.url("a@k.example", "b@k.example")
    with open_room(tmp_path, NEWS.format(url=url)) as room:
        room.turn()
        room.bring("satu")
        assert len(tell(room, 0.2)) == 4
        rows = room.ask("SELECT state, attempts FROM deliveries ORDER BY id")
        assert rows == [("trying", 1), *[("waiting", 0)] * 3]
        box.gate.set()
        room.bureau.courier.wait(30)
        room.bureau.record(room.setup, room.store, room.now)
        room.restart()
        room.turn()
        assert (room.states, len(box.mails)) == (["sent"] * 4, 4)


def test_bites_of_one_target_are_all_sent_in_a_command(
    tmp_path: Path, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alert_rows, "CLAIMED_MOST", 2)
    url = box.url("a@k.example", "b@k.example", "c@k.example")
    with open_room(tmp_path, NEWS.format(url=url).partition("[alerts.lain]")[0]) as room:
        room.turn()
        room.bring("satu")
        assert len(tell(room, 30)) == 3
        assert (room.states, len(box.mails)) == (["sent"] * 3, 3)


def test_writer_is_asked_once_more_when_a_target_is_free(tmp_path: Path, box: Mailbox) -> None:
    with open_room(tmp_path, NEWS.format(url=box.url("a@k.example"))) as room:
        asked: list[set[str]] = []
        courier = Courier(lambda: asked.append(courier.busy))
        room.turn()
        room.bring("satu")
        room.bureau.courier = courier
        room.turn()
        assert asked == [{"humas"}, {"humas"}, set()]


@pytest.mark.parametrize(
    ("error", "states"), [(StoreError("cut"), ["sent", "sent"]), (ValueError("x"), ["sent", "waiting"])]
)
def test_error_while_words_are_set_loses_nothing(
    tmp_path: Path, box: Mailbox, monkeypatch: pytest.MonkeyPatch, error: Exception, states: list[str]
) -> None:
    write, calls = posting.write_letter, [0]

    def fail_once(*arguments: Any) -> Any:
        calls[0] += 1
        if calls[0] == 2:
            raise error
        return write(*arguments)

    with open_room(tmp_path, NEWS.format(url=box.url("a@k.example"))) as room:
        room.turn()
        room.bring("satu")
        monkeypatch.setattr(posting, "write_letter", fail_once)
        if isinstance(error, StoreError):
            with pytest.raises(StoreError):
                room.turn()
        room.turn()
        assert (room.states, len(box.mails)) == (states, states.count("sent"))
        room.turn(after=2 * MINUTE)
        assert (room.states, len(box.mails)) == (["sent", "sent"], 2)


def test_outcome_that_could_not_be_recorded_is_by_the_next_turn(tmp_path: Path, box: Mailbox) -> None:
    box.answers = ["451 later"]
    with open_room(tmp_path, NEWS.format(url=box.url("a@k.example")).partition("[alerts.lain]")[0]) as room:
        room.turn()
        room.bring("satu")
        for minutes in (0, 1, 3):
            room.bureau.tell(room.setup, room.store, room.now + minutes * MINUTE)
            room.bureau.courier.wait(30)
        assert (room.states, len(box.mails)) == (["trying"], 1)
        room.bureau.tell(room.setup, room.store, room.now + 4 * MINUTE)
        assert room.states == ["sent"]


def test_receiver_that_asks_for_days_is_asked_once_more_within_one(tmp_path: Path) -> None:
    with run_receiver() as receiver:
        (tmp_path / "kunci").write_text(SECRET)
        receiver.answers = [(429, {"Retry-After": "172800"})]
        target = f'[targets.humas]\nwebhook = "{receiver.url}"\nsecret_file = "kunci"\n[alerts.apeksi]\nto = "humas"\n'
        with open_room(tmp_path, target) as room:
            room.turn()
            room.bring("satu")
            room.turn()
            room.turn(after=DAY - MINUTE)
            assert (room.states, len(receiver.posts)) == (["waiting"], 1)
            room.turn(after=DAY)
            assert room.states == ["sent"]
