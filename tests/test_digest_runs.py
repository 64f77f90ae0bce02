"""Where a digest begins: nothing that was new is left out, whatever happened to the ones before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alert_room import open_room
from post_office import Mailbox, run_mail_server

from aggregator.alert_rows import Address, Message, Outcome, State
from aggregator.alerts.planning import Piece, plan_news
from aggregator.instants import to_text_exactly
from aggregator.store import Store
from schedules.alerts.context import Work
from schedules.alerts.digests import plan_run, queue_digest

NOW = datetime(2026, 10, 5, 8, 0, tzinfo=UTC)  # 15.00 WIB
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DIGEST = """
[targets.humas]
url = "{url}"
[digests.harian]
topic = "apeksi"
at = "16:00"
to = "humas"
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open_writer(tmp_path / "news.db") as store:
        yield store


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with run_mail_server() as box:
        yield box


def write_runs(store: Store, *states: str) -> None:
    """One a day, of the day before, the last one now; of the queued ones also what became of them."""
    for number, state in enumerate(states):
        until = NOW - (len(states) - 1 - number) * DAY
        with store.transaction():
            kind = state if state in {"begun", "nothing"} else "queued"
            store.write_run("harian", slot=until, since=until - DAY, until=until, state=kind)
            if kind == "queued":
                message = Message(kind="digest", name="harian", key=to_text_exactly(until), content={})
                store.add_deliveries(message, [Address(target=each) for each in ("a", "b")], until)
        if kind == "queued":
            first, second = store.claim_deliveries(until)
            settled = [(first, State(state)), (second, State.FAILED)]
            store.record_outcomes([Outcome(delivery_id=each.id, state=to) for each, to in settled], until)


@pytest.mark.parametrize(
    ("states", "days_ago"),
    [
        (("begun", "sent", "sent"), 0),
        (("begun", "sent", "nothing"), 0),
        (("begun", "sent", "unknown"), 0),  # it may have been told
        (("begun", "sent", "failed"), 1),
        (("begun", "sent", "failed", "failed"), 2),
        (("begun", "sent", "failed", "nothing"), 2),
        (("begun", "sent", "nothing", "failed"), 1),
        (("begun", "failed", "sent"), 0),
        (("begun", "failed"), 1),
        (("begun",), None),
    ],
)
def test_digest_goes_on_where_somebody_was_last_told(
    store: Store, states: tuple[str, ...], days_ago: int | None
) -> None:
    write_runs(store, *states)
    last = store.get_last_run("harian", NOW)
    assert last is not None
    assert last.slot == NOW
    assert last.until == (None if days_ago is None else NOW - days_ago * DAY)


def test_clock_that_was_once_ahead_ends_no_digest(store: Store) -> None:
    write_runs(store, "begun", "sent")
    ahead = NOW + 80 * DAY
    with store.transaction():
        store.write_run("harian", slot=ahead, since=NOW, until=ahead, state="queued")
    last = store.get_last_run("harian", NOW)
    assert last is not None
    assert (last.slot, last.until) == (NOW, NOW)
    assert store.get_last_run("harian", NOW - 9 * DAY) is None


def test_digest_sent_for_a_shorter_time_eats_no_news(tmp_path: Path, box: Mailbox) -> None:
    with open_room(tmp_path, DIGEST.format(url=box.url("a@k.example"))) as room:
        room.turn(NOW)
        room.bring("satu")
        moment = room.now + HOUR / 2
        work = Work(setup=room.setup, alerts=room.bureau.alerts, store=room.store, now=moment)
        queue_digest(work, "harian", plan_run(work, "harian", moment - timedelta(minutes=1)))
        assert len(room.ask("SELECT * FROM digest_runs")) == 1
        room.turn(NOW + HOUR)
        assert len(box.mails) == 1


def test_piece_that_was_told_before_it_was_a_story_is_told_once(tmp_path: Path, box: Mailbox) -> None:
    alerts = DIGEST.format(url=box.url("a@k.example")).partition("[digests")[0]
    with open_room(tmp_path, alerts + '[alerts.apeksi]\ntopic = "apeksi"\nto = "humas"\n') as room:
        room.turn()
        room.bring("satu")
        room.turn()
        assert len(box.mails) == 1
        (group,) = room.store.get_told_groups("apeksi")
        assert room.store.get_told_stories("apeksi", room.now) == {}
        with room.store.transaction():
            room.store._connection.execute(
                "INSERT INTO stories VALUES (7, 'Judul', '2026-10-05', '2026-10-05', '[]', '2026-10-05', NULL)"
            )
            room.store._connection.execute("UPDATE duplicate_groups SET story_id = 7 WHERE id = ?", (group,))
        told = room.store.get_told_stories("apeksi", room.now)
        assert {story: count for story, (_, count) in told.items()} == {7: 0}
    second = Piece(group_id=99, story_id=7, carriers=1)
    assert plan_news([second], told, NOW).groups == ()


def test_follow_ups_without_room_are_told_later() -> None:
    told = dict.fromkeys(range(12), (NOW, 1))
    plan = plan_news([Piece(group_id=90, story_id=90, carriers=1)], told, NOW + HOUR)
    assert (len(plan.groups), len(plan.follow_ups), plan.more) == (1, 9, 0)
    plan = plan_news([], {**told, **plan.told}, NOW + HOUR)
    assert len(plan.follow_ups) == 3
