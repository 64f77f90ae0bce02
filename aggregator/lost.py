"""Whether a database that is not there was lost: then it must not be begun anew unasked.

What a database leaves beside it tells: backups, feeds with news that were published from it, pages that were kept.
Feeds without any news tell of nothing that could be missed.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aggregator.backups import FOLDER, list_backups
from aggregator.feeds import ALL, make_feed_path
from aggregator.publish.feed_info import Format
from aggregator.publish.files import MARK_FILE
from aggregator.store_base import LostDatabaseError, wrap_errors

PUBLIC, PAGES = "public", "pages"  # beside the database
_ITEM = b"<item"  # of the main feed; a text in it has no bare <


@dataclass(frozen=True, kw_only=True)
class Loss:
    """A database that was lost."""

    found: str  # such as "is not there, and there are backups of it"
    advice: str
    last_resort: str  # the same where no backup is sound


def find_loss(database: Path) -> Loss | None:
    """None: it is there, or there never was one. Raises OSError."""
    if database.exists() and (database.stat().st_size or not database.is_file()):
        return None
    what = "is an empty file" if database.exists() else "is not there"
    folder = database.parent
    backups, public, pages = folder / FOLDER, folder / PUBLIC, folder / PAGES
    is_backed_up = bool(list_backups(backups, datetime.now(UTC)))
    shows = {backups: is_backed_up, public: _has_news(public), pages: _has_pages(pages)}
    witnesses = [str(place) for place, is_one in shows.items() if is_one]
    if not witnesses:
        return None
    anew = f"to begin anew, move {' and '.join(witnesses)} away"
    last_resort = f"`kabarkota restore FILE` puts a copy from elsewhere in place ({anew})"
    if is_backed_up:
        found, advice = f"{what}, and there are backups of it", f"`kabarkota restore` puts the newest in place ({anew})"
    else:
        found, advice = f"{what}, though {witnesses[0]} is of one, and there is no backup of it", last_resort
    return Loss(found=found, advice=advice, last_resort=last_resort)


def check_not_lost(database: Path) -> None:
    """Raises LostDatabaseError saying what to do where the database has vanished or was emptied, StoreError.

    Whoever begins anew then would take everything for new, and the backups would be rotated away.
    """
    with wrap_errors(database):
        loss = find_loss(database)
    if loss is not None:
        raise LostDatabaseError(f"{database}: {loss.found}: {loss.advice}")


def has_database(database: Path) -> bool:
    """Whether there is one; before the first cycle there is not. Raises as `check_not_lost`."""
    check_not_lost(database)
    return database.exists()


def _has_news(public: Path) -> bool:
    """Whether we have published news there; not a feed that somebody else has put there."""
    with suppress(OSError):
        if (public / MARK_FILE).stat().st_size:
            return _ITEM in (public / make_feed_path(ALL, Format.RSS)).read_bytes()
    return False


def _has_pages(pages: Path) -> bool:
    with suppress(OSError):
        return next(pages.glob("????-??-??/*.html.zst"), None) is not None
    return False
