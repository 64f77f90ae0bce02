"""What the `sources` commands share: their options, and looking things up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Annotated

import typer

from aggregator.models import Source
from crawler.catalogue import Catalogue, CatalogueError, load_catalogue
from schedules.commands.context import CommandContext
from schedules.errors import RunFailure, UsageFailure

SourceId = Annotated[str, typer.Argument(metavar="ID", help="the source's id, such as antara-gorontalo")]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON document")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="say what would change, and change nothing")]


@contextmanager
def report_faults(context: CommandContext) -> Iterator[None]:
    """A fault in a catalogue is the operator's to mend; a file that cannot be written is a failure of the command."""
    try:
        yield
    except CatalogueError as error:
        raise UsageFailure(str(error)) from error
    except OSError as error:
        raise RunFailure(f"{context.source_overlay}: cannot be written: {error.strerror or error}") from error


def load(context: CommandContext) -> Catalogue:
    with report_faults(context):
        return load_catalogue(context.catalogue_path, overlay=context.source_overlay)


def find(catalogue: Catalogue, source_id: str) -> Source:
    """Raises UsageFailure, with the id that may have been meant."""
    if source := catalogue.get(source_id):
        return source
    meant = get_close_matches(source_id, [source.id for source in catalogue.sources], n=1)
    raise UsageFailure(f"no source {source_id!r}" + (f"; did you mean {meant[0]}?" if meant else ""))


def check_option(option: str, check: Callable[[str], str], value: str) -> str:
    """What `check` makes of the value. Raises UsageFailure naming the option."""
    try:
        return check(value)
    except ValueError as error:
        raise UsageFailure(f"{option} {value!r}: {error}") from error
