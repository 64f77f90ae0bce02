"""A process that gathers news and publishes it, again and again: `python press_loop.py FOLDER ROUND PRESSES`.

Beside the database, `published` says which bodies it was about to publish, by their digests.
"""

from __future__ import annotations

import hashlib
import random
import sys
from pathlib import Path

from feed_room import FeedRoom
from test_feeds import publish_old, report

from aggregator.publish import press

OPTIONS = {"feed_items": 20, "feed_hours": 1}


def main(folder: Path, number: int, presses: int) -> None:
    note_bodies(folder / "published")
    room = FeedRoom(folder, **OPTIONS)
    room.minutes = number * 10_000
    chance = random.Random(number)
    print("ready", flush=True)
    for turn in range(presses):
        news = number * 1_000 + turn * 10
        for one in range(news, news + chance.randint(1, 6)):
            report(room, one, source=f"kabar-{one % 3}")
        if chance.random() < 0.5:
            report(room, news, source="kabar-salin")
        if chance.random() < 0.3:
            publish_old(room, news + 9)
        room.press(minutes=chance.randint(1, 2_000))
    room.store.close()


def note_bodies(file: Path) -> None:
    """Has each body's digest written down before it is published."""
    write = press.write_public
    log = file.open("a")

    def note(path: Path, body: bytes, *, sync: bool) -> bool:
        log.write(f"{hashlib.sha256(body).hexdigest()}\n")
        log.flush()
        return write(path, body, sync=sync)

    press.write_public = note


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
