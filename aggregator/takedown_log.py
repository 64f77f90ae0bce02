"""The log of takedowns: `takedowns.jsonl` in the data folder, an order a line, only ever appended to.

It lies beside the database, so that what was taken down stays out also when an older database is restored.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import AwareDatetime, ValidationError

from aggregator.adapters import get_adapter
from aggregator.publish.files import sync_folder
from aggregator.store_base import wrap_errors
from aggregator.urls import make_url_key

LOG_FILE = "takedowns.jsonl"


class Action(StrEnum):
    TAKEDOWN = "takedown"
    UNDO = "undo"


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """A line of the log."""

    asked_at: AwareDatetime
    action: Action
    url: str
    reason: str
    article: int | None = None  # its id, where it was in the database
    source: str | None = None  # … and its source
    text_hash: str = ""  # … and that of its text, as in `sketches`; "": none, or too short to tell it by
    sketch: str = ""  # … and what a text that is nearly the same is known by: sampled hashes, in hexadecimal
    copies: bool = False  # its copies were asked for, too; each has a line of its own
    copy_of: str = ""  # the address with which it was asked for

    @property
    def key(self) -> str:
        return make_url_key(self.url)


@dataclass(frozen=True, kw_only=True, slots=True)
class TakedownLog:
    """What the log says."""

    orders: Mapping[str, Order]  # URL key → the last word on it
    faults: tuple[str, ...]  # lines that are no orders, each with file, line and reason


def read_log(path: Path) -> TakedownLog:
    """The log; an empty one where there is no file. Raises StoreError when it cannot be read."""
    with wrap_errors(path):
        lines = path.read_bytes().split(b"\n") if path.exists() else []
    orders: dict[str, Order] = {}
    faults: list[str] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            order = get_adapter(Order).validate_json(line)
            fault = "" if order.key else "url: not a web address"
        except ValidationError as error:
            first = error.errors()[0]
            fault = f"{'.'.join(map(str, first['loc'])) or 'not an order'}: {first['msg']}"
        if fault:
            faults.append(f"{path}, line {number}: {fault}; the other lines count")
        else:
            orders.pop(order.key, None)  # so that they stand in the order of their last words
            orders[order.key] = order
    return TakedownLog(orders=orders, faults=tuple(faults))


def append_orders(path: Path, orders: Iterable[Order]) -> None:
    """Adds to the log, durably; the caller holds its lock. Raises StoreError.

    After a line that was cut off (a full disk, a kill) it begins a new one, so that only that line is spoilt.
    """
    lines = "".join(f"{json.dumps(_to_json(order), ensure_ascii=False)}\n" for order in orders)
    with wrap_errors(path):
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            size = os.fstat(descriptor).st_size
            is_torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            body = ("\n" if is_torn else "").encode() + lines.encode("utf-8", "replace")
            if os.write(descriptor, body) != len(body):
                raise OSError(0, "not all of it could be written; is the disk full?")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sync_folder(path.parent)


def make_stamp(path: Path) -> str | None:
    """Tells one state of the log from another; None where there is none. Raises StoreError."""
    with wrap_errors(path):
        try:
            found = path.stat()
        except FileNotFoundError:
            return None
    return f"{found.st_size}-{found.st_mtime_ns}-{found.st_ino}"


def _to_json(order: Order) -> dict[str, object]:
    told = {name: value for name, value in asdict(order).items() if value not in (None, "", False) or name == "reason"}
    return told | {"asked_at": order.asked_at.isoformat(timespec="seconds")}
