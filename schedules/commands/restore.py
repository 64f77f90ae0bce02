"""`kabarkota restore`: a backup in the place of the database."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from aggregator.backups import list_backups
from aggregator.store import NewerDatabaseError
from schedules.commands.figures import format_bytes, format_moment
from schedules.commands.output import print_json, print_table
from schedules.commands.progress import show_copying
from schedules.config import Setup
from schedules.errors import RunFailure, UsageFailure
from schedules.lock import hold_alone
from schedules.restoring import (
    DamagedBackup,
    Found,
    Restored,
    check_backup,
    describe_backup,
    find_backup,
    find_sound,
    restore,
)
from schedules.signals import heed_end

NEXT = (
    "Next: start the service again, or `kabarkota run`. It reads again what portals still list, and writes all"
    " published files anew; what is in the feeds now stays there until then. Copies that follow the API begin anew."
)


def show_backups(setup: Setup, now: datetime, *, as_json: bool) -> None:
    """Prints the backups of the folder, the newest first; none of them is looked through."""
    backups = [(each, describe_backup(each.path)) for each in list_backups(setup.backups, now)]
    if as_json:
        print_json([{**_tell(found), "made_at": _show(each.made_at), "before": each.level} for each, found in backups])
    elif not backups:
        typer.echo(f"{setup.backups}: there are no backups.")
    else:
        rows = [
            (
                each.path.name,
                format_moment(each.made_at),
                format_bytes(found.bytes),
                f"{found.articles:,}",
                _judge(found),
            )
            for each, found in backups
        ]
        print_table(("name", "made", "size", "articles", ""), rows)


def run_restore(setup: Setup, name: str | None, now: datetime, *, dry_run: bool, is_sure: bool, as_json: bool) -> None:
    """Restores, after asking; or looks the backup through, and says what would be done.

    Raises UsageFailure (no such file, nobody to ask), WriterBusy, NewerDatabaseError, RunFailure (no backups, a damaged
    one), StoreError.
    """
    path = find_backup(setup, name, now)
    try:
        if dry_run:
            check_backup(path)
            _report_plan(setup, describe_backup(path), as_json=as_json)
            return
        with hold_alone(setup.data_folder):  # before anybody is asked
            pass
        if not is_sure:
            _ask(setup, describe_backup(path))
        with heed_end(), show_copying(quiet=as_json) as show:
            done = restore(setup, path, now, progress=show)
    except (DamagedBackup, NewerDatabaseError) as error:
        raise type(error)(f"{error}; {_suggest(setup, path, now)}") from error
    _report(done, as_json=as_json)


def _ask(setup: Setup, found: Found) -> None:
    """Raises UsageFailure where nobody can be asked, RunFailure for a no."""
    if found.state:
        return  # what is wrong with it will be said
    if not sys.stdin.isatty():
        raise UsageFailure("restore: replaces the database, which is set aside; say --yes where nobody can be asked")
    typer.echo(f"{found.path}: {found.articles:,} articles, last written {format_moment(found.newest)}")
    if not typer.confirm(f"Put it in the place of {setup.database}?", err=True):
        raise RunFailure("restore: nothing was changed")


def _suggest(setup: Setup, but: Path, now: datetime) -> str:
    sound = find_sound(setup, but, now)
    if sound is None:
        return "there is no other sound backup"
    return f"the next sound one: `kabarkota restore {sound.path.name}`, of {format_moment(sound.made_at)}"


def _report_plan(setup: Setup, found: Found, *, as_json: bool) -> None:
    present = describe_backup(setup.database) if setup.database.exists() else None
    if as_json:
        print_json({"dry_run": True, "backup": _tell(found), "database": _tell(present) if present else None})
        return
    typer.echo(f"{found.path}: sound, {found.articles:,} articles, last written {format_moment(found.newest)}")
    if found.migrations:
        typer.echo(f"It is of an older version, and would be brought up to date ({found.migrations} migrations).")
    if present:
        lasts = present.state or f"{present.articles:,} articles, last written {format_moment(present.newest)}"
        typer.echo(f"{setup.database} would be set aside: {lasts}")
    typer.echo("Nothing was changed (--dry-run).")


def _report(done: Restored, *, as_json: bool) -> None:
    if as_json:
        told = asdict(done) | {"backup": str(done.backup), "aside": str(done.aside) if done.aside else None}
        print_json(told | {"next": NEXT})
        return
    more = f", {done.migrated} migrations applied" if done.migrated else ""
    more += f", {done.taken_down} addresses taken down since" if done.taken_down else ""
    typer.echo(f"restored: {done.backup}, {done.articles:,} articles{more}")
    if done.aside:
        typer.echo(f"The database before lies in {done.aside}; remove it when it is not needed any more.")
    if done.files:
        typer.echo(f"Put back: {', '.join(done.files)}.")
    if done.kept:
        typer.echo(f"Left as they are, though they were others then: {', '.join(done.kept)}.")
    typer.echo(NEXT)


def _judge(found: Found) -> str:
    if found.state:
        return f"cannot be restored: {found.state.removeprefix(f'{found.path}: ')}"
    return f"of an older version, {found.migrations} migrations to come" if found.migrations else ""


def _tell(found: Found) -> dict[str, Any]:
    return {**asdict(found), "path": str(found.path), "newest": _show(found.newest)}


def _show(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat(timespec="seconds") if at else None
