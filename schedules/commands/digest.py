"""`kabarkota digest`: shows digests, and sends those that are due."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any

import typer

from aggregator.alerts.letters import Format, tell_kliping, write_kliping
from aggregator.kliping.model import Kliping
from aggregator.kliping.print_page import render_print_html
from aggregator.kliping.word_file import render_docx
from aggregator.publish.files import PublishError
from aggregator.store import Store
from aggregator.web.templating import STATIC_FOLDER
from schedules.alerts.bureau import COMMAND_SECONDS, Bureau, work_and_wait
from schedules.alerts.configuration import FILE_NAME, Alerts, find_alerts_file, load_alerts
from schedules.alerts.context import Work
from schedules.alerts.courier import Courier
from schedules.alerts.digests import gather, list_due, plan_run, queue_digest
from schedules.alerts.posting import post_due
from schedules.commands.figures import format_moment
from schedules.commands.opening import check_database, check_schema
from schedules.commands.output import print_json
from schedules.commands.time_options import read_since
from schedules.config import Setup
from schedules.errors import UsageFailure


@dataclass(frozen=True, kw_only=True)
class DigestRequest:
    """What the command line asks for."""

    name: str | None
    dry_run: bool
    send: bool
    form: StrEnum | None
    since: str | None
    output: Path | None


def run_digest(setup: Setup, request: DigestRequest, now: datetime, *, as_json: bool) -> int:
    """Shows or sends; returns the exit code. Raises UsageFailure, RunFailure, WriterBusy, StoreError."""
    _check(request)
    alerts = load_alerts(find_alerts_file(setup), needed=() if request.dry_run else None)
    if not alerts.digests:
        raise UsageFailure(f"{find_alerts_file(setup)}: no digest is there; `kabarkota alerts example` shows how")
    if request.name is not None:
        check_name(request.name, alerts.digests, "digest")
    check_database(setup.database)
    if not request.dry_run:
        return _send(setup, alerts, request, now, as_json=as_json)
    with Store.open_reader(setup.database) as store, store.snapshot():
        check_schema(store)
        work = Work(setup=setup, alerts=alerts, store=store, now=now)
        if request.name is None:
            _list(work, as_json=as_json)
        else:
            _show(work, request.name, request, as_json=as_json)
    return 0


def check_name(name: str, names: Mapping[str, object], what: str) -> None:
    """Raises UsageFailure where there is none."""
    if name not in names:
        meant = get_close_matches(name, names, n=1)
        hint = f"did you mean {meant[0]}?" if meant else f"there are {', '.join(names) or 'none'}"
        raise UsageFailure(f"{FILE_NAME} has no {what} {name!r:.60}; {hint}")


def _check(request: DigestRequest) -> None:
    """Raises UsageFailure for options that do not go together."""
    if request.dry_run and request.send:
        raise UsageFailure("digest: --dry-run or --send, not both")
    if request.since is not None and (request.name is None or not (request.dry_run or request.send)):
        raise UsageFailure("digest: --since is for NAME --dry-run or NAME --send")
    if request.send and request.name is None:
        raise UsageFailure("digest: --send needs the NAME of a digest")
    if (request.form is not None or request.output is not None) and not (request.dry_run and request.name):
        raise UsageFailure("digest: --format and --output are for NAME --dry-run")
    if request.form == "docx" and request.output is None:
        raise UsageFailure("digest: --format docx needs --output FILE")


def _read_since(text: str | None, now: datetime) -> datetime | None:
    """Raises UsageFailure."""
    since = read_since(text, now)
    if since is not None and since.at > now:
        raise UsageFailure(f"--since {text}: is yet to come")
    return since.at if since else None


# ── showing ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _list(work: Work, *, as_json: bool) -> None:
    due = dict(list_due(work, at_once=True))
    rows: list[dict[str, Any]] = []
    for name, entry in work.alerts.digests.items():
        run = due.get(name) or plan_run(work, name)
        kliping = gather(work, name, entry, since=run.since, until=work.now)
        rows.append(
            {
                "digest": name,
                "due": name in due,
                "next": entry.make_hours().find_next(work.now).isoformat(),
                "since": run.since.isoformat(),
                "news": kliping.news,
                "to": _name_targets(work.alerts, entry.to),
            }
        )
    if as_json:
        print_json(rows)
        return
    for row in rows:
        when = "due now" if row["due"] else f"next {format_moment(datetime.fromisoformat(row['next']))}"
        typer.echo(f"{row['digest']}: {when}; {row['news']} news since {row['since']}; to {'; '.join(row['to'])}")


def _show(work: Work, name: str, request: DigestRequest, *, as_json: bool) -> None:
    entry = work.alerts.digests[name]
    run = plan_run(work, name, _read_since(request.since, work.now))
    kliping = gather(work, name, entry, since=run.since, until=work.now)
    is_sent = bool(kliping.news) or entry.empty
    print(f"to {'; '.join(_name_targets(work.alerts, entry.to))}", file=sys.stderr)
    if not is_sent:
        print("nothing is new: it would not be sent (empty = true would)", file=sys.stderr)
    content = _render(kliping, name, "json" if as_json else str(request.form or "text"))
    if request.output is None:
        typer.echo(content.decode().rstrip("\n"))
        return
    try:
        request.output.write_bytes(content)
    except OSError as error:
        raise PublishError(request.output, error.strerror or str(error)) from error


def _render(kliping: Kliping, name: str, form: str) -> bytes:
    if form == "docx":
        return render_docx(kliping)
    if form == "print":
        style = (STATIC_FOLDER / "kliping-sheet.css").read_text(encoding="utf-8")
        return render_print_html(kliping, style).encode()
    if form == "json":
        return json.dumps({"digest": name, **tell_kliping(kliping)}, ensure_ascii=False, indent=2).encode()
    letter = write_kliping(kliping, Format(form), name=name)
    return "\n\n".join(letter.bodies).encode()


def _name_targets(alerts: Alerts, names: Sequence[str]) -> list[str]:
    return [f"{name} ({alerts.targets[name].shown})" for name in names]


# ── sending ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _send(setup: Setup, alerts: Alerts, request: DigestRequest, now: datetime, *, as_json: bool) -> int:
    bureau = Bureau(alerts, Courier())
    queued: list[str] = []

    def work_on(store: Store) -> None:
        queued.extend(_queue(bureau, setup, store, request, now))

    claimed = work_and_wait(setup, bureau, now, work_on, seconds=COMMAND_SECONDS)
    with Store.open_reader(setup.database) as store:
        told = store.describe_deliveries(claimed)
    if as_json:
        print_json({"digests": queued, "deliveries": told})
    else:
        for name in queued or ["nothing is due, or nothing is new"]:
            typer.echo(name)
        for row in told:
            reason = f": {row['reason']}" if row["reason"] else ""
            typer.echo(f"  {row['name']} to {row['target']}: {row['state']}{reason}", err=row["state"] != "sent")
    is_well = not bureau.faults and all(row["state"] in {"sent", "nothing"} for row in told)
    return 0 if is_well else 1


def _queue(bureau: Bureau, setup: Setup, store: Store, request: DigestRequest, now: datetime) -> list[str]:
    if request.name is None:
        return bureau.send_digests(setup, store, now, at_once=True)
    work = Work(setup=setup, alerts=bureau.alerts, store=store, now=now)
    due = dict(list_due(work, at_once=True)).get(request.name)
    run = plan_run(work, request.name, _read_since(request.since, now)) if request.send else due
    is_queued = run is not None and queue_digest(work, request.name, run)
    bureau.claimed = post_due(work, bureau.courier)
    return [request.name] if is_queued else []
