"""From the database to the courier, and back.

    waiting ─▶ claim (trying) ─▶ write its words ─▶ courier, in threads of its own
                                                        │ outcomes
    sent, failed, unknown, waiting again ◀── record ────┘

Claiming and recording is the writer's, and quick; nothing here waits for a receiver.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from datetime import datetime
from queue import SimpleQueue

from aggregator.alert_rows import Delivery, Outcome, State
from aggregator.alerts.letters import Letter
from aggregator.store import StoreError
from crawler.address_guard import AddressGuard
from schedules.alerts.attempts import Parcel
from schedules.alerts.context import FilterFault, Work
from schedules.alerts.courier import Courier, Means, put_back
from schedules.alerts.writing import write_letter
from schedules.config import Setup

logger = logging.getLogger(__name__)

TURN_SECONDS = 10.0  # of setting words; the rest is for the next turn
Letters = dict[tuple[object, ...], Letter | None]


def make_means(setup: Setup) -> Means:
    return Means(guard=AddressGuard(setup.crawl.allow_networks), sender=setup.aggregator.site_name)


def post_due(work: Work, courier: Courier) -> list[int]:
    """Records what went out, and hands what is due to the courier, in bites. Returns the deliveries. Raises StoreError.

    What is due for a target that is busy, or after a while of this, is left to the next turn.
    """
    record(work, courier.outcomes)
    webhooks = {name for name, target in work.alerts.targets.items() if target.is_webhook}
    letters: Letters = {}
    handed: list[int] = []
    ends = time.monotonic() + TURN_SECONDS
    while work.store.has_deliveries_due(work.now) and time.monotonic() < ends:
        claimed = work.store.claim_deliveries(work.now, but=courier.busy, again=webhooks)
        if not claimed:
            break
        handed += _hand_over(work, courier, claimed, letters)
    return handed


def _hand_over(work: Work, courier: Courier, claimed: list[Delivery], letters: Letters) -> list[int]:
    """Returns those that do not keep quiet. What an error leaves behind is put back."""
    left = {delivery.id: delivery for delivery in claimed}
    parcels, settled = [], []
    try:
        for delivery in claimed:
            quiet = _find_quiet_end(work, delivery)
            if quiet is not None:
                work.store.put_off([delivery.id], quiet)
                del left[delivery.id]
                continue
            made = _make_parcel(work, delivery, letters)
            if isinstance(made, Parcel):
                parcels.append(made)
            else:
                settled.append(made)
        if settled:
            _record(work, settled)
    except BaseException:  # a turn that is cut short cannot write: the next one does
        for delivery in left.values():
            courier.outcomes.put(put_back(delivery))
        raise
    courier.send(parcels, make_means(work.setup))
    return [*left]


def _find_quiet_end(work: Work, delivery: Delivery) -> datetime | None:
    """When the quiet ends that an alert keeps now; None: it keeps none."""
    entry = work.alerts.alerts.get(delivery.message.name)
    quiet = entry.make_quiet() if entry is not None else None
    return quiet.find_end(work.now) if quiet is not None else None


def _make_parcel(work: Work, delivery: Delivery, letters: Letters) -> Parcel | Outcome:
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
    except StoreError:
        raise
    except Exception as error:  # one that cannot be written keeps no other from being sent
        logger.exception("%s cannot be written", message.name, exc_info=logger.isEnabledFor(logging.DEBUG))
        reason = f"it cannot be written: {type(error).__name__}"
        return Outcome(delivery_id=delivery.id, state=State.WAITING, reason=reason)
    if target is None:
        return Outcome(delivery_id=delivery.id, state=State.FAILED, reason="the target is not in alerts.toml any more")
    if letter is None:
        return Outcome(delivery_id=delivery.id, state=State.NOTHING)
    return Parcel(delivery=delivery, target=target, letter=letter)


def record(work: Work, outcomes: SimpleQueue[Outcome]) -> None:
    """Writes how attempts went. Raises StoreError; then it is all still there to be written."""
    taken = [outcomes.get() for _ in range(outcomes.qsize())]
    if not taken:
        return
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
