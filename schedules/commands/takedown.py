"""`kabarkota takedown`: takes an article out of all that is published, and keeps it out.

address ─▶ orders, a line of takedowns.jsonl each ─┬─ nobody is writing: applied and published at once
                                                   └─ else by whoever is
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import typer

from aggregator.backups import list_older_copies
from aggregator.cleaning import xml_safe
from aggregator.lost import find_loss
from aggregator.processes import find_writer, read_command
from aggregator.store import Store
from aggregator.takedown_log import LOG_FILE, Action, Order, TakedownLog, append_orders, read_log
from aggregator.takedown_rows import KEPT_OUT
from aggregator.takedowns import find_sketch, find_text_hash
from aggregator.urls import canonicalize, make_url_key
from schedules.commands.explain import ID_DIGITS
from schedules.commands.opening import check_schema
from schedules.commands.output import print_json, print_table
from schedules.config import Setup
from schedules.errors import UsageFailure, WriterBusy
from schedules.lock import hold_takedown_lock, hold_writer_lock
from schedules.pinging import ping_and_record
from schedules.publishing import publish

REASON_MOST = 1_000
OLDER_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the command was given."""

    address: str  # URL or id
    reason: str
    copies: bool = False
    undo: bool = False
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True)
class _Desk:
    """What is at hand: the log as it was, and the database, where there is one."""

    setup: Setup
    log: TakedownLog
    store: Store | None
    is_writer: bool

    def publish(self, now: datetime) -> None:
        if self.store is not None:
            publish(self.setup, self.store, now)


def take_down(setup: Setup, request: Request, now: datetime, *, as_json: bool) -> None:
    """Does what is asked, and says what becomes of it.

    Raises UsageFailure (no such article, no address, no reason), StoreError, PublishError.
    """
    reason = " ".join(xml_safe(request.reason).split())[:REASON_MOST]
    if not reason and not request.undo:
        raise UsageFailure("--reason: why it is taken down; the log keeps it")
    request = replace(request, reason=reason)
    with ExitStack() as stack:
        if not request.dry_run:
            stack.enter_context(hold_takedown_lock(setup.data_folder))
        desk = stack.enter_context(_open(setup, reads_only=request.dry_run))
        for fault in desk.log.faults:
            typer.echo(f"kabarkota: {fault}", err=True)
        orders, titles = (_order_undo if request.undo else _order_takedown)(desk, request, now)
        if not request.dry_run:
            if orders:
                append_orders(setup.data_folder / LOG_FILE, orders)
            if desk.is_writer:
                desk.publish(now)
    if desk.is_writer:
        ping_and_record(setup, now)
    _report(desk, request, orders, titles, as_json=as_json)


@contextmanager
def _open(setup: Setup, *, reads_only: bool) -> Iterator[_Desk]:
    """The database for writing, where nobody else writes; else for reading."""
    with ExitStack() as stack:
        is_writer, store = False, None
        if setup.database.exists():
            is_writer = not reads_only and _takes_lock(setup, stack)
            store = stack.enter_context((Store.open_writer if is_writer else Store.open_reader)(setup.database))
            check_schema(store)
        log = read_log(setup.data_folder / LOG_FILE)
        yield _Desk(setup=setup, log=log, store=store, is_writer=is_writer)


def _takes_lock(setup: Setup, stack: ExitStack) -> bool:
    try:
        stack.enter_context(hold_writer_lock(setup.data_folder))
    except WriterBusy:
        return False
    return True


# ── what is asked for ──────────────────────────────────────────────────────────────────────────────────────────────


def _order_takedown(desk: _Desk, request: Request, now: datetime) -> tuple[list[Order], dict[str, str]]:
    """(orders, address → title); no orders where it is taken down already."""
    article = _find_article(desk, request.address)
    url = article["url"] if article else _read_address(request.address)
    known = desk.log.orders.get(make_url_key(url))
    if known is not None and known.action is Action.TAKEDOWN and article is None:
        return [], {}
    order = Order(asked_at=now, action=Action.TAKEDOWN, url=url, reason=request.reason, copies=request.copies)
    if article is None or desk.store is None:
        return [order], {}
    members = [article]
    if request.copies and article["group_id"] is not None:
        members += (row for row in desk.store.find_group(article["group_id"]) if row["id"] != article["id"])
    orders = []
    for row in members:
        text_hash, sketch = find_text_hash(desk.store, row), find_sketch(desk.store, row)
        facts: dict[str, Any] = {"url": row["url"], "article": row["id"], "source": row["source_id"]}
        facts |= {"text_hash": (text_hash or b"").hex(), "sketch": (sketch or b"").hex()}
        orders.append(replace(order, **facts, copy_of=url if row is not article else ""))
    return orders, {row["url"]: row["title"] for row in members}


def _find_article(desk: _Desk, address: str) -> dict[str, Any] | None:
    """The article of an address or id; None: that address is not here as an article. Raises UsageFailure."""
    if _is_id(address):
        found = desk.store.find_article_by_id(int(address)) if desk.store and len(address) <= ID_DIGITS else None
        if found is None:
            raise UsageFailure(f"{address[:40]}: there is no article with this id")
        return found
    key = make_url_key(_read_address(address))
    if desk.store is None:
        return None
    article = desk.store.find_whole_article(key)
    page = desk.store.find_page(key)
    if article is not None or page is None or page["link"]["state"] != "kept":
        return article
    article = desk.store.find_article_read_as(page["link"]["source_id"], key)
    if article is None:
        raise UsageFailure(f"{address}: its article is kept under another address; give that one, or the article's id")
    return article


def _order_undo(desk: _Desk, request: Request, now: datetime) -> tuple[list[Order], dict[str, str]]:
    in_effect = {each["key"]: each for each in list_in_effect(desk.log, desk.store)}
    if _is_id(request.address):
        asked = next(
            (each for each in reversed([*in_effect.values()]) if str(each["article"]) == request.address), None
        )
    else:
        asked = in_effect.get(make_url_key(_read_address(request.address)))
    facts: dict[str, Any] = {"asked_at": now, "action": Action.UNDO, "reason": request.reason, "copies": request.copies}
    if asked is None and (kept_out := _find_kept_out(desk, request.address)):
        return [Order(url=kept_out, **facts)], {}
    if asked is None:
        raise UsageFailure(f"{request.address[:200]}: is not taken down; `kabarkota takedown --list` shows what is")
    chosen = [asked]
    if request.copies:
        chosen += (each for each in in_effect.values() if each["copy_of"] == asked["url"])
    return [Order(url=each["url"], **facts) for each in chosen], {}


def _find_kept_out(desk: _Desk, address: str) -> str:
    """The address, if it is kept out for its text alone; else ""."""
    found = desk.store.find_page(make_url_key(canonicalize(address))) if desk.store else None
    return str(found["link"]["url"]) if found and found["link"]["reason"].startswith(KEPT_OUT) else ""


def _read_address(address: str) -> str:
    url = canonicalize(address)
    if not url:
        raise UsageFailure(f"{address[:200]!r}: neither an http(s) address nor the id of an article")
    return url


def _is_id(address: str) -> bool:
    return address.isascii() and address.isdigit()


# ── telling ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _report(
    desk: _Desk, request: Request, orders: Sequence[Order], titles: Mapping[str, str], *, as_json: bool
) -> None:
    waits = "" if request.dry_run else _describe_wait(desk)
    folder = desk.setup.data_folder
    older = [] if request.undo else [str(each) for each in list_older_copies(folder, datetime.now(UTC))]
    if as_json:
        print_json(
            {
                "applied": desk.is_writer and not request.dry_run,
                "dry_run": request.dry_run,
                "waits_for": waits,
                "older_copies": older,
                "orders": [_tell(order, titles) for order in orders],
            }
        )
        return
    if not orders:
        typer.echo(f"{request.address}: is taken down already")
    would = "would be " if request.dry_run else ""
    done = f"{would}let in again" if request.undo else f"{would}taken down"
    for order in orders:
        title = f"  {titles[order.url]}" if order.url in titles else ""
        never = "" if title or request.undo else "  (no such article is here; it is kept out)"
        typer.echo(f"{done}: {order.url}{title}{never}")
    if orders and older:
        more = f" and {len(older) - OLDER_SHOWN} more" if len(older) > OLDER_SHOWN else ""
        typer.echo(
            f"Older copies of the database may still hold it: {', '.join(older[:OLDER_SHOWN])}{more}. A backup goes as"
            " newer ones take its place; what was set aside, or made before a new version, stays until you remove it."
        )
    if waits:
        typer.echo(f"noted in {folder / LOG_FILE}; {waits}")


def _describe_wait(desk: _Desk) -> str:
    """Who does it, where it is not done; "" where it is."""
    if desk.is_writer:
        return ""
    if desk.store is None:
        loss = find_loss(desk.setup.database)
        if loss is not None:
            return f"the database {loss.found}: {loss.advice}; whoever writes next heeds it"
        return "there is no database yet; the first `kabarkota run` or `serve` heeds it"
    pid = find_writer(desk.setup.data_folder)
    if pid is not None and " serve" in read_command(pid):
        return f"the running service (process {pid}) does it within a minute"
    return "whoever is writing now does it: `serve` within a minute, `run` when it publishes, or the next one"


def _tell(order: Order, titles: Mapping[str, str]) -> dict[str, Any]:
    return {
        "action": order.action.value,
        "url": order.url,
        "article": order.article,
        "source": order.source,
        "title": titles.get(order.url, ""),
        "copy_of": order.copy_of,
        "reason": order.reason,
    }


def list_in_effect(log: TakedownLog, store: Store | None) -> list[dict[str, Any]]:
    """What is taken down, by the log and, where the log was lost, by the database; in the order of asking."""
    done = {each.key: each for each in store.get_takedowns()} if store else {}
    told = [
        {
            "key": key,
            "url": order.url,
            "reason": order.reason,
            "asked_at": order.asked_at,
            "article": order.article,
            "source": order.source,
            "copy_of": order.copy_of,
            "done_at": done[key].done_at if key in done else None,
        }
        for key, order in log.orders.items()
        if order.action is Action.TAKEDOWN
    ]
    told += (
        {
            "key": key,
            "url": each.url,
            "reason": each.reason,
            "asked_at": each.asked_at,
            "article": None,
            "source": each.source_id,
            "copy_of": "",
            "done_at": each.done_at,
        }
        for key, each in done.items()
        if key not in log.orders
    )
    return sorted(told, key=lambda each: each["asked_at"])


def show_takedowns(setup: Setup, *, as_json: bool) -> None:
    """Prints what is taken down. Raises StoreError."""
    with _open(setup, reads_only=True) as desk:
        told = list_in_effect(desk.log, desk.store)
        kept_out = desk.store.list_kept_out() if desk.store else []
    for fault in desk.log.faults:
        typer.echo(f"kabarkota: {fault}", err=True)
    rows = [
        {
            **each,
            **{name: _show(each[name]) for name in ("asked_at", "done_at")},
            "kept_out": [url for url, reason in kept_out if reason.endswith(f" {each['url']}")],
        }
        for each in told
    ]
    if as_json:
        print_json([{name: value for name, value in row.items() if name != "key"} for row in rows])
    elif rows:
        print_table(
            ("asked", "done", "address", "reason"),
            [(row["asked_at"], row["done_at"] or "not yet", row["url"], row["reason"]) for row in rows],
        )
    else:
        typer.echo("Nothing is taken down.")
    for url, reason in () if as_json else kept_out:
        typer.echo(f"kept out: {url}  ({reason.removeprefix(KEPT_OUT)}; `--undo` lets it in)")


def _show(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat(timespec="seconds") if at else None
