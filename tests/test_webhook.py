"""The webhook of our own: signed, versioned, tried again where that helps, and never led astray."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alert_room import AlertRoom, open_room
from conftest import ROOT
from post_office import SECRET, Receiver, run_receiver

from aggregator.alert_rows import BACK_OFF, State
from crawler.address_guard import AddressGuard
from schedules.alerts.webhook import judge, make_headers, post, sign

NOW = datetime(2026, 10, 5, 8, 0, tzinfo=UTC)
ALERTS = """
[targets.sistem]
webhook = "{url}"
secret_file = "kait.secret"
[alerts.apeksi]
topic = "apeksi"
to = "sistem"
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with run_receiver() as receiver:
        yield receiver


@pytest.fixture
def room(tmp_path: Path, receiver: Receiver) -> Iterator[AlertRoom]:
    (tmp_path / "kait.secret").write_text(f"{SECRET}\n")
    with open_room(tmp_path, ALERTS.format(url=receiver.url)) as room:
        room.turn()
        yield room


def read_example() -> str:
    """The receiver of docs/alerts.md."""
    found = re.search(r"```python\n(.+?)```", (ROOT / "docs/alerts.md").read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return found[1]


def test_receiver_of_the_documentation_takes_what_is_sent_and_nothing_else(room: AlertRoom, receiver: Receiver) -> None:
    room.bring("satu", "Wali kota anggota APEKSI “R&D” 1 < 2", portals=2)
    room.turn()
    assert room.states == ["sent"]
    ((headers, body),) = receiver.posts
    names: dict[str, object] = {"secret": SECRET}
    exec(read_example(), names)
    is_genuine = names["is_genuine"]
    assert callable(is_genuine)
    assert is_genuine(headers, body)
    assert not is_genuine(headers, body + b" ")
    assert not is_genuine({**headers, "X-KabarKota-Timestamp": "1"}, body)
    (message,) = receiver.messages
    assert (message["version"], message["type"]) == (1, "news")
    assert message["id"] == headers["X-KabarKota-Delivery"]
    assert headers["X-KabarKota-Event"] == "news"
    assert headers["Content-Type"].startswith("application/json")
    (news,) = message["data"]["news"]
    assert news["title"] == "Wali kota anggota APEKSI “R&D” 1 < 2"
    assert (news["copies"], news["topics"], message["data"]["alert"]) == (1, ["apeksi"], "apeksi")


def test_500_is_tried_again_with_the_same_id_and_429_when_it_says(room: AlertRoom, receiver: Receiver) -> None:
    receiver.answers = [(500, {}), (429, {"Retry-After": "3000"})]
    room.bring("satu")
    began = room.now
    room.turn()
    assert room.states == ["waiting"]
    room.turn(began + BACK_OFF[0] - timedelta(seconds=1))
    assert len(receiver.posts) == 1
    room.restart()
    room.turn(began + BACK_OFF[0])
    assert [reason for (reason,) in room.ask("SELECT reason FROM deliveries")] == ["HTTP 429"]
    room.turn(began + BACK_OFF[0] + timedelta(seconds=2_999))
    assert len(receiver.posts) == 2
    room.turn(began + BACK_OFF[0] + timedelta(seconds=3_000))
    assert room.states == ["sent"]
    assert len({headers["X-KabarKota-Delivery"] for headers, _ in receiver.posts}) == 1
    assert len(receiver.posts) == 3


def test_who_died_while_sending_tells_a_webhook_again(room: AlertRoom, receiver: Receiver) -> None:
    room.bring("satu")
    room.turn()
    with room.store.transaction():
        room.store._connection.execute("UPDATE deliveries SET state = 'trying', sent_at = NULL")
    room.restart()
    room.turn(after=timedelta(minutes=5))  # it may still be at it
    assert len(receiver.posts) == 1
    room.turn(after=timedelta(minutes=20))
    assert room.states == ["sent"]
    assert receiver.messages[0]["id"] == receiver.messages[1]["id"]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (200, State.SENT),
        (301, State.FAILED),
        (404, State.FAILED),
        (410, State.FAILED),
        (408, State.WAITING),
        (429, State.WAITING),
        (500, State.WAITING),
        (503, State.WAITING),
    ],
)
def test_what_answers_mean(status: int, state: State) -> None:
    assert judge(status, None, NOW).state is state


def test_redirects_are_not_followed(receiver: Receiver) -> None:
    receiver.answers = [(307, {"Location": receiver.url})]
    attempt = post(receiver.url, b"{}", {}, AddressGuard(), NOW)
    assert (attempt.state, receiver.posts) == (State.FAILED, [])  # loopback is private
    attempt = post(receiver.url, b"{}", {}, room_guard(), NOW)
    assert (attempt.state, len(receiver.posts)) == (State.FAILED, 1)


def test_nobody_there_is_tried_again() -> None:
    attempt = post("http://127.0.0.1:9/", b"{}", {}, room_guard(), NOW)
    assert (attempt.state, attempt.is_dead) == (State.WAITING, True)


def room_guard() -> AddressGuard:
    import ipaddress

    return AddressGuard([ipaddress.ip_network("127.0.0.0/8")])


def test_signature_is_of_timestamp_and_body() -> None:
    headers = make_headers("kunci", b'{"a":1}', event="test", uid="u", now=NOW)
    assert headers["X-KabarKota-Signature"] == sign("kunci", str(int(NOW.timestamp())), b'{"a":1}')
    assert headers["X-KabarKota-Signature"] != sign("kunci", "0", b'{"a":1}')
