"""Tries targets of alerts.toml: sends them a message that is clearly a test."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from aggregator.alert_rows import Address, Delivery, Message, State
from schedules.alerts.attempts import Parcel
from schedules.alerts.bureau import COMMAND_SECONDS
from schedules.alerts.configuration import Alerts
from schedules.alerts.courier import Courier
from schedules.alerts.posting import make_means
from schedules.alerts.writing import write_test
from schedules.config import Setup


def try_targets(setup: Setup, alerts: Alerts, name: str) -> list[dict[str, Any]]:
    """Sends the test to each target; a row for each recipient. The database has no part in it."""
    entry = alerts.digests.get(name) or alerts.alerts.get(name)
    now = datetime.now(UTC)
    parcels: list[Parcel] = []
    for target_name in dict.fromkeys(entry.to if entry is not None else (name,)):
        target = alerts.targets[target_name]
        letter = write_test(setup, alerts, name, target)
        for address in target.addresses:
            delivery = _make_delivery(len(parcels), name, address, now)
            parcels.append(Parcel(delivery=delivery, target=target, letter=letter))
    courier = Courier()
    courier.send(parcels, make_means(setup))
    courier.wait(COMMAND_SECONDS)
    outcomes = {each.delivery_id: each for each in (courier.outcomes.get() for _ in range(courier.outcomes.qsize()))}
    return [
        {
            "target": parcel.target.name,
            "shown": parcel.target.shown,
            "state": (State.SENT if outcome.state is State.SENT else State.FAILED) if outcome else State.UNKNOWN,
            "reason": outcome.reason if outcome else f"no answer within {COMMAND_SECONDS:.12g} s",
        }
        for parcel in parcels
        for outcome in [outcomes.get(parcel.delivery.id)]
    ]


def _make_delivery(number: int, name: str, address: Address, now: datetime) -> Delivery:
    message = Message(kind="test", name=name, key="", content={})
    uid = secrets.token_hex(16)
    return Delivery(
        id=number, uid=uid, message=message, address=address, created_at=now.replace(microsecond=0), attempts=1, done=0
    )
