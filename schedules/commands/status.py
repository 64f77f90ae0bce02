"""`kabarkota status`: what is polled, late, failing, retired, and why. It only reads, and holds no lock."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import typer

from aggregator.alert_rows import State, TroubledTarget
from aggregator.diagnosis import explain
from aggregator.operation import Alarm, ChannelState, Operation, SourceOperation
from aggregator.ping_rows import WaitingPings
from aggregator.publish.files import try_to_write
from aggregator.quarantine import Quarantine, announce
from aggregator.quarantine_rows import CODE as QUARANTINED
from aggregator.store import Store
from crawler.politeness import host_of
from schedules.commands.context import CommandContext
from schedules.commands.figures import format_ahead, format_bytes, format_moment, format_span
from schedules.commands.opening import check_schema, check_whereabouts
from schedules.commands.output import print_json, print_table
from schedules.commands.sources_common import find, load
from schedules.errors import RunFailure

TROUBLED_DAYS = timedelta(days=7)
Table = tuple[str, Sequence[str], list[Sequence[str]]]  # title, columns, rows


def show_status(
    context: CommandContext, *, now: datetime, source_id: str | None, only_failing: bool, as_json: bool
) -> None:
    """Prints it. Raises UsageFailure (no such source), RunFailure (older database), StoreError (also of a lost one)."""
    database = context.setup.database
    check_whereabouts(database)
    if not database.exists():
        if as_json:
            print_json({"database": str(database), "exists": False})
        else:
            typer.echo(f"{database}: there is no database yet.")
            typer.echo("`kabarkota run` makes it; `kabarkota doctor` says whether it can.")
        return
    with Store.open_reader(database) as store, store.snapshot():
        check_schema(store)
        if source_id is not None:
            shown = store.get_source_operation(source_id, now)
            if shown is None:
                find(load(context), source_id)
                raise RunFailure(f"{source_id}: no cycle has been run since it is in the catalogue; `kabarkota run`")
            today = store.count_requests({host_of(row.url) for row in shown.channels}, now)
            told: Any
            told, tables = tell_source(shown, now, requests_today=today), tabulate_source(shown, now)
            summary = summarize_source(shown, today, context.setup.aggregator.requests_per_day)
        else:
            operation = store.get_operation(now)
            failing = tabulate_failing(operation.failing, operation.counts.failing, now)
            told = [tell_channel(row) for row in operation.failing] if only_failing else tell(operation)
            tables = [failing] if only_failing else tabulate(operation)
            summary = [] if only_failing else summarize(operation)
            if not only_failing:
                waiting = store.get_waiting_pings()
                summary += summarize_pings(waiting, now)
                troubled = store.get_troubled_targets(now - TROUBLED_DAYS, now)
                summary += summarize_targets(troubled, now)
                told["troubled_targets"] = [_plain(asdict(each)) for each in troubled]
                told["waiting_pings"] = [_plain(asdict(each)) for each in waiting]
    obstacle = find_obstacle(context.data_folder)
    if obstacle and source_id is None and not only_failing:
        told["obstacle"] = obstacle
        summary = [obstacle, *summary]
    if as_json:
        print_json(told)
        return
    for line in summary:
        typer.echo(line)
    print_tables(tables)
    if only_failing and not failing[2]:
        typer.echo("No channel is failing.")


def find_obstacle(folder: Path) -> str:
    """Why nothing can be written, of what is the disk's fault; "" where it can, or only whoever asks may not."""
    try:
        try_to_write(folder)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM):
            return f"Nothing can be written to {folder}: {error.strerror}. `kabarkota doctor` says what to do."
    return ""


# ── for people ─────────────────────────────────────────────────────────────────────────────────────────────────────


def summarize(operation: Operation) -> list[str]:
    """The figures in a few lines."""
    counts, now = operation.counts, operation.now
    lines = ["No cycle has been finished yet."]
    if operation.last_cycle:
        last = operation.last_cycle[1]
        lines = [f"Last cycle: {format_moment(last)}, {format_span(now - last)} ago."]
    if operation.unfinished_since:
        lines += [f"A cycle began {format_span(now - operation.unfinished_since)} ago: it is running, or was killed."]
    off = f", {counts.off} off" if counts.off else ""
    never = f"{counts.unasked} never asked{off}; of {counts.sources} sources"
    held = f"{counts.quarantined} quarantined, " if counts.quarantined else ""
    due = f"{counts.due}, the first for {format_span(counts.lateness)}; {counts.late} for over an hour"
    today = f"{counts.requests_today} requests, {format_bytes(counts.bytes_today)}"
    alarms = ", ".join(f"{count} {code}" for code, count in counts.alarms.items())
    return [
        *lines,
        f"Channels: {counts.working} working, {counts.failing} failing, {counts.retired} retired, {held}{never}.",
        f"Due: {due if counts.due else 'none'}.",
        f"To be read: {counts.pending_links} links. Sources never looked at: {counts.unprobed}.",
        f"Today (UTC): {today}. Database: {format_bytes(counts.database_bytes)}.",
        f"Alarms: {alarms or 'none'}.",
    ]


def summarize_pings(waiting: Iterable[WaitingPings], now: datetime) -> list[str]:
    """A line for each hub that was not told all."""
    return [
        f"Hub {each.hub}: {each.pings} pings wait, the first for {format_span(now - each.since)}; "
        + (f"next try {format_ahead(each.due_at, now)}" if each.due_at else "refused for good")
        + (f": {each.reason}" if each.reason else "")
        for each in waiting
    ]


def summarize_targets(troubled: Iterable[TroubledTarget], now: datetime) -> list[str]:
    """A line for each target of alerts.toml that did not get all, and why."""
    return [
        f"Target {each.target}: {each.deliveries} messages "
        + (f"wait, next try {format_ahead(each.due_at, now)}" if each.due_at else _LOST[each.state])
        + (f": {each.reason}" if each.reason else "")
        for each in troubled
    ]


_LOST = {
    State.FAILED: "were refused or given up",
    State.UNKNOWN: "may not have arrived, and are not sent again",
    State.TRYING: "are under way for far too long",
}


def tabulate(operation: Operation) -> list[Table]:
    now, counts = operation.now, operation.counts
    return [
        _tabulate_quarantined(operation.quarantined),
        (
            _title("Late", operation.late, counts.late),
            ("source", "channel", "due since", "why"),
            [
                (
                    row.source_id,
                    row.url,
                    format_span(now - row.next_poll_at) if row.next_poll_at else "",
                    _why_late(row),
                )
                for row in operation.late
            ],
        ),
        tabulate_failing(operation.failing, counts.failing, now),
        (
            _title("Retired", operation.retired, counts.retired),
            ("source", "channel", "since", "why", "what to do", "next try"),
            [
                (row.source_id, row.url, format_moment(row.retired_at), *_explain_channel(row), _next(row, now))
                for row in operation.retired
            ],
        ),
        _tabulate_alarms(operation.alarms, sum(counts.alarms.values())),
        (
            _title("Stand-ins, found in place of dead channels", operation.stand_ins, counts.stand_ins),
            ("source", "kind", "channel"),
            [(row.source_id, row.kind, row.url) for row in operation.stand_ins],
        ),
    ]


def _tabulate_quarantined(held: Sequence[Quarantine]) -> Table:
    rows: list[Sequence[str]] = [
        (
            each.source_id,
            format_moment(each.until),
            f"{each.kills} parsers died, the last of {each.reason}",
            _lift(each),
        )
        for each in held
    ]
    return _title("Quarantined", held, len(held)), ("source", "until", "why", "what to do"), rows


def _lift(held: Quarantine) -> str:
    return explain(QUARANTINED, held.reason).advice.replace(" ID`", f" {held.source_id}`")


def tabulate_failing(channels: Sequence[ChannelState], count: int, now: datetime) -> Table:
    return (
        _title("Failing", channels, count),
        ("source", "channel", "why", "what to do", "since", "failures", "next try"),
        [
            (
                *(row.source_id, row.url, *_explain_channel(row)),
                *(format_moment(row.failing_since or row.last_success_at), str(row.failures), _next(row, now)),
            )
            for row in channels
        ],
    )


def summarize_source(shown: SourceOperation, today: int, budget: int) -> list[str]:
    held = shown.quarantine
    return [
        *([f"{held.source_id}: {announce(held)}."] if held else []),
        f"{shown.id}: {shown.name}, {shown.domain}; {'on' if shown.enabled else 'off'} (evidence: {shown.evidence})",
        f"Today (UTC): {today} of {budget} requests to its host. To be read: {shown.pending_links} links.",
    ]


def tabulate_source(shown: SourceOperation, now: datetime) -> list[Table]:
    channels: list[Sequence[str]] = [
        (
            *(
                f"{row.kind} (stand-in)" if row.is_stand_in else row.kind,
                row.url,
                name_state(row),
                _explain_channel(row)[0] if row.failures else "",
            ),
            *(format_moment(row.last_success_at), _next(row, now) if row.enabled else ""),
        )
        for row in shown.channels
    ]
    return [
        ("Channels", ("kind", "address", "state", "why", "last success", "next try"), channels),
        ("Last polls", *_tabulate_rows(shown.polls, but=("finished_at", "url"))),
        ("Days (WIB)", *_tabulate_rows(shown.days)),
        ("Of the pages read in a month, the shares with a text, a date, an author", *_tabulate_rows(shown.coverage)),
        _tabulate_alarms(shown.alarms, len(shown.alarms)),
    ]


def print_tables(tables: Iterable[Table]) -> None:
    """Each with its title, those without rows left out."""
    for title, columns, rows in tables:
        if rows:
            typer.echo(f"\n{title}:")
            print_table(columns, rows)


def name_state(row: ChannelState) -> str:
    """As `Counts` has them."""
    if not row.enabled:
        return "off"
    if row.quarantined_until:
        return "quarantined"
    if row.retired_at:
        return "retired"
    if row.failures:
        return "failing"
    return "working" if row.next_poll_at else "never asked"


def _tabulate_alarms(alarms: Sequence[Alarm], count: int) -> Table:
    rows: list[Sequence[str]] = []
    for alarm in alarms:
        said = explain(alarm.code, alarm.detail)
        until = f"until {format_moment(alarm.until)}" if alarm.until else ""
        rows.append((alarm.source_id, alarm.code, format_moment(alarm.since), until, alarm.detail, said.advice))
    return _title("Alarms", alarms, count), ("source", "alarm", "since", "until", "why", "what to do"), rows


def _tabulate_rows(rows: Sequence[Mapping[str, Any]], but: Sequence[str] = ()) -> tuple[list[str], list[Sequence[str]]]:
    """Rows of the database as they are."""
    columns = [name for name in (rows[0] if rows else ()) if name not in but]
    return columns, [["" if row[name] is None else str(row[name]) for name in columns] for row in rows]


def _title(name: str, shown: Sequence[object], count: int) -> str:
    return f"{name} ({count})" if len(shown) >= count else f"{name} ({count}, these are the first {len(shown)})"


def _explain_channel(row: ChannelState) -> tuple[str, str]:
    said = explain(row.code, row.reason, row.http_status)
    return said.says, said.advice.replace(" ID`", f" {row.source_id}`")


def _why_late(row: ChannelState) -> str:
    """A channel that fails waits for its turn, too, and is late when that has passed."""
    return f"{row.failures} failures before" if row.failures else "no cycle has come to it"


def _next(row: ChannelState, now: datetime) -> str:
    return format_ahead(row.next_poll_at, now)


# ── for programs ───────────────────────────────────────────────────────────────────────────────────────────────────


def tell(operation: Operation) -> dict[str, Any]:
    """All of it, as `--json` prints it."""
    cycle = operation.last_cycle
    channels = {name: [tell_channel(row) for row in getattr(operation, name)] for name in _LISTS}
    return {
        "now": operation.now.isoformat(),
        "last_cycle": {"started_at": cycle[0].isoformat(), "finished_at": cycle[1].isoformat()} if cycle else None,
        "unfinished_since": operation.unfinished_since.isoformat() if operation.unfinished_since else None,
        **_plain(asdict(operation.counts)),
        "channels": channels,
        "quarantined_sources": [{**_plain(asdict(each)), "try": _lift(each)} for each in operation.quarantined],
        "open_alarms": [_tell_alarm(alarm) for alarm in operation.alarms],
    }


def tell_channel(row: ChannelState) -> dict[str, Any]:
    told: dict[str, Any] = {**_plain(asdict(row)), "state": name_state(row)}
    if row.failures or row.retired_at:
        told["problem"], told["try"] = _explain_channel(row)
    return told


def tell_source(shown: SourceOperation, now: datetime, *, requests_today: int) -> dict[str, Any]:
    return {
        "now": now.isoformat(),
        **_plain(asdict(shown)),
        "quarantine": _plain(asdict(shown.quarantine)) if shown.quarantine else None,
        "requests_today": requests_today,
        "channels": [tell_channel(row) for row in shown.channels],
        "alarms": [_tell_alarm(alarm) for alarm in shown.alarms],
    }


_LISTS = ("late", "failing", "retired", "stand_ins")


def _tell_alarm(alarm: Alarm) -> dict[str, Any]:
    return {**_plain(asdict(alarm)), "try": explain(alarm.code, alarm.detail).advice}


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Moments as ISO 8601, spans as seconds."""
    return {name: _plain_value(value) for name, value in values.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.total_seconds() if isinstance(value, timedelta) else value
