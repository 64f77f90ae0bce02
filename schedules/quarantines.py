"""Quarantines as operators meet them: looked at beside the service, and lifted through a file that it reads.

`kabarkota sources enable ID` ─▶ lifted/ID in the data folder ─▶ the writer, at its next look (a minute): lifted
"""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path

from aggregator.quarantine import Quarantine
from aggregator.store import Store
from schedules.config import DATABASE, Setup

logger = logging.getLogger(__name__)

FOLDER = "lifted"


def find_quarantine(data_folder: Path, source_id: str, now: datetime) -> Quarantine | None:
    """The quarantine that a source is in; None as well where the database is none, or of an older version.

    Raises StoreError.
    """
    database = data_folder / DATABASE
    if not database.is_file():
        return None
    with Store.open_reader(database) as store:
        if store.is_foreign() or any(store.compare_schema()):
            return None
        held = store.find_quarantine(source_id)
    return held if held is not None and held.lasts(now) else None


def ask_to_lift(data_folder: Path, source_id: str) -> None:
    """Has the writer lift it. Raises OSError."""
    folder = data_folder / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    (folder / source_id).touch()


def lift_quarantines(setup: Setup, store: Store, now: datetime) -> None:
    """Lifts what is asked for; what else is in the folder is told, and passed over. Raises StoreError."""
    folder = setup.data_folder / FOLDER
    try:
        files = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        logger.warning("%s cannot be read: %s", folder, error.strerror)
        return
    for file in files:
        try:
            file.unlink(missing_ok=True)  # first: what cannot be removed would be heeded for ever
        except OSError as error:
            logger.warning("%s cannot be removed, and lifts nothing: %s", file, error.strerror)
            continue
        with store.transaction():
            if file.name.isprintable() and store.end_quarantine(file.name, now):
                logger.warning("%s: its quarantine is lifted", file.name)
