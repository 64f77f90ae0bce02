"""A bar for what takes minutes with a large database, on a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from aggregator.backup_rows import Progress


@contextmanager
def show_copying(*, quiet: bool) -> Iterator[Progress | None]:
    """To be told of the pages that are left to copy; the check that follows cannot tell how far it is."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("copying")

        def show(left: int, all_pages: int) -> None:
            told = "copying" if left else "looking it through"
            bar.update(task, completed=all_pages - left, total=all_pages, description=told)

        yield show
