"""`kabarkota replay` and `topics test`: what changed rules and tables do to what is kept."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from aggregator.models import TopicMatch
from aggregator.pages import PageFolder
from aggregator.replay import Change, Replay, compare_topics
from aggregator.replay_stages import Stage
from aggregator.store import Store
from aggregator.topic_tables import load_topics
from crawler.catalogue import load_catalogue
from crawler.extraction.profiles import load_profiles
from schedules.commands.opening import check_database, check_schema
from schedules.commands.output import print_json
from schedules.commands.time_options import read_since
from schedules.config import Setup
from schedules.errors import UsageFailure
from schedules.lock import hold_writer_lock
from schedules.publishing import publish
from schedules.rereading import Rereader

SIGNS = {"added": "+", "removed": "-"}


def replay(
    setup: Setup, *, stages: Sequence[Stage], since: str | None, source: str | None, dry_run: bool, as_json: bool
) -> None:
    """Judges anew and says what changed.

    Raises UsageFailure, RunFailure, WriterBusy, StoreError, TableError, ProfileError.
    """
    catalogue = load_catalogue(setup.catalogue_path, overlay=setup.data_folder / "sources.toml")
    now = datetime.now(UTC)
    begins = read_since(since, now)
    check_source(source, [known.id for known in catalogue.sources])
    check_database(setup.database)
    table = load_topics(setup.topics_overlay)
    load_profiles(setup.profiles_overlay)
    sources = {known.id: known for known in catalogue.sources}
    with (
        _open_copy(setup) if dry_run else _open_locked(setup) as store,
        Rereader(setup.crawl, sources, setup.profiles_overlay) as rereader,
    ):
        replayed = Replay(
            store,
            stages=stages or tuple(Stage),
            topics=table,
            pages=PageFolder(setup.data_folder / "pages"),
            keep_all=setup.crawl.keep == "all",
            now=now,
            reread=rereader.reread,
        )
        changes = replayed.run(since=begins.at if begins else None, source_id=source, dry_run=dry_run)
        if not dry_run:
            publish(setup, store, now)
    if as_json:
        print_json(
            {
                "applied": not dry_run,
                "changes": [_shorten(change) for change in changes],
                "failed": rereader.failed,
                "without_text": replayed.passed_over,
            }
        )
        return
    for change in changes:
        typer.echo(describe(change))
    for url in rereader.failed:
        typer.echo(f"{url}: its page could not be read again; left as it was", err=True)
    typer.echo(f"{summarise(changes)}{'; nothing was changed (--dry-run)' if dry_run else ''}")
    _tell_passed_over(replayed.passed_over)


@contextmanager
def _open_locked(setup: Setup) -> Iterator[Store]:
    with hold_writer_lock(setup.data_folder), Store.open_writer(setup.database) as store:
        yield store


@contextmanager
def _open_copy(setup: Setup) -> Iterator[Store]:
    """A copy of the database, so that a dry run neither waits for the service nor makes it wait."""
    with tempfile.TemporaryDirectory(prefix="kabarkota-") as folder:
        copy = Path(folder) / setup.database.name
        with Store.open_reader(setup.database) as store:
            store.copy_to(copy)
        with Store.open_writer(copy, keep_old=False) as store:
            yield store


def test_topics(setup: Setup, table_path: Path | None, *, since: str | None, source: str | None, as_json: bool) -> None:
    """What a table of topics would change. Raises UsageFailure, RunFailure, StoreError, TableError."""
    begins = read_since(since, datetime.now(UTC))
    table = load_topics(table_path or setup.topics_overlay)
    check_database(setup.database)
    with Store.open_reader(setup.database) as store:
        check_schema(store)
        first = begins.at if begins else None
        found = list(compare_topics(store, table, since=first, source_id=source))
        passed_over = store.count_dropped(first, source)
    if as_json:
        print_json([{**_shorten(change), "matches": [asdict(match) for match in nearly]} for change, nearly in found])
        return
    for change, nearly in found:
        typer.echo(describe(change))
        for match in nearly:
            if match.evidence:
                typer.echo(f"    {describe_match(match)}")
    typer.echo(f"{summarise([change for change, _ in found])} (table {table.version})")
    if found:
        own = setup.data_folder / "topics.toml"
        copy = "" if table_path is None or table_path == own else f"save the table as {own}, then "
        typer.echo(f"To apply it: {copy}`kabarkota replay --stage topics`.")
    _tell_passed_over(passed_over)
    typer.echo("Pages in which the scan found no topic were not kept: a new term finds more from now on than here.")


def _tell_passed_over(count: int) -> None:
    if count:
        typer.echo(f"{count:,} articles stay as they were judged: their full text is no longer kept.")


def describe(change: Change) -> str:
    """One line for people."""
    sign = SIGNS.get(change.what, "~")
    what = "" if change.what in SIGNS else f"{change.what}: "
    if change.what == "text":
        return f"{sign} text: {len(change.before)} → {len(change.after)} characters  {change.title[:90]}  {change.url}"
    return f"{sign} {what}{change.before or 'none'} → {change.after or 'none'}  {change.title[:90]}  {change.url}"


def describe_match(match: TopicMatch) -> str:
    """A topic's score as the sum of its evidence."""
    terms = ", ".join(f"{item.term!r} in {item.place} {item.weight:+g}" for item in match.evidence)
    return f"{match.topic} {match.score:g} = {terms}"


def summarise(changes: Iterable[Change]) -> str:
    counts = Counter(change.what for change in changes)
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items())) or "no change"


def check_source(source: str | None, known: Sequence[str]) -> None:
    if source is not None and source not in known and not source.startswith("via-"):
        raise UsageFailure(f"--source {source}: no such source")


def _shorten(change: Change) -> dict[str, Any]:
    """Without the texts themselves, which nobody reads in JSON."""
    values = asdict(change)
    if change.what == "text":
        values |= {"before": f"{len(change.before)} characters", "after": f"{len(change.after)} characters"}
    return values
