"""From the database to the courier, and back.

    waiting ─▶ claim (trying) ─▶ write its words ─▶ courier, in threads of its own
                                                        │ outcomes
    sent, failed, unknown, waiting again ◀── record ────┘

Claiming and recording is the writer's, and quick; nothing here waits for a receiver.
"""

from __future__ import annotations

import logging
from collections import Counter
from datetime import datetime
from queue import SimpleQueue

from aggregator.alert_rows import Delivery, Outcome, State
from aggregator.alerts.letters import Letter
from crawler.address_guard import AddressGuard
from schedules.alerts.attempts import Parcel
from schedules.alerts.context import FilterFault, Work
from schedules.alerts.courier import Courier, Means
from schedules.alerts.writing import write_letter
from schedules.config import Setup

logger = logging.getLogger(__name__)


def make_means(setup: Setup) -> Means:
    return Means(guard=AddressGuard(setup.crawl.allow_networks), sender=setup.aggregator.site_name)


def post_due(work: Work, courier: Courier) -> list[int]:
    """Hands what is due to the courier. Returns the deliveries that were due. Raises StoreError."""
    if not work.store.has_deliveries_due(work.now):
        return []
    webhooks = {name for name, target in work.alerts.targets.items() if target.is_webhook}
    claimed = work.store.claim_deliveries(work.now, but=courier.busy, again=webhooks)
    letters: dict[tuple[object, ...], Letter | None] = {}
    parcels, settled = [], []
    for delivery in claimed:
        quiet = _find_quiet_end(work, delivery)
        if quiet is not None:
            work.store.put_off([delivery.id], quiet)
            continue
        made = _make_parcel(work, delivery, letters)
        if isinstance(made, Parcel):
            parcels.append(made)
        else:
            settled.append(made)
    if settled:
        _record(work, settled)
    courier.send(parcels, make_means(work.setup))
    return [delivery.id for delivery in claimed]


def _find_quiet_end(work: Work, delivery: Delivery) -> datetime | None:
    """When the quiet ends that an alert keeps now; None: it keeps none."""
    entry = work.alerts.alerts.get(delivery.message.name)
    quiet = entry.make_quiet() if entry is not None else None
    return quiet.find_end(work.now) if quiet is not None else None


def _make_parcel(work: Work, delivery: Delivery, letters: dict[tuple[object, ...], Letter | None]) -> Parcel | Outcome:
    """What is to be sent, or why it is not. What is told to several in one form is written once, into `letters`."""
    message, target = delivery.message, work.alerts.targets.get(delivery.address.target)
    letter = None
    try:
        if target is not None:
            form = (message.kind, message.name, message.key, target.is_webhook, target.format, target.attach_docx)
            if form not in letters:
                letters[form] = write_letter(work, message, target)
            letter = letters[form]
    except (KeyError, FilterFault) as error:
        reason = str(error) if isinstance(error, FilterFault) else f"{message.name} is not in alerts.toml any more"
        return Outcome(delivery_id=delivery.id, state=State.FAILED, reason=reason)
    if target is None:
        return Outcome(delivery_id=delivery.id, state=State.FAILED, reason="the target is not in alerts.toml any more")
    if letter is None:
        return Outcome(delivery_id=delivery.id, state=State.NOTHING)
    return Parcel(delivery=delivery, target=target, letter=letter)


def record(work: Work, outcomes: SimpleQueue[Outcome]) -> None:
    """Writes how attempts went. Raises StoreError; then it is all still there to be written."""
    taken = [outcomes.get() for _ in range(outcomes.qsize())]
    try:
        _record(work, taken)
    except BaseException:
        for outcome in taken:
            outcomes.put(outcome)
        raise


def _record(work: Work, outcomes: list[Outcome]) -> None:
    failed = work.store.record_outcomes(outcomes, work.now)
    counted = Counter((delivery.address.target, outcome.state, outcome.reason) for delivery, outcome in failed)
    for (target, state, reason), count in counted.items():
        if state is not State.NOTHING:
            level = logging.INFO if state is State.WAITING else logging.WARNING
            logger.log(level, "alerts.toml: target %s: %s messages %s: %s", target, count, _SAID[state], reason)


_SAID = {
    State.WAITING: "wait for another attempt",
    State.FAILED: "were refused or given up",
    State.UNKNOWN: "may have arrived or not, and are not sent again",
}
