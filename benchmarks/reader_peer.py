"""The other side of B2 and B3: the library `reader` over the same feeds: `python reader_peer.py ORDER.json`.

Its own loop, in this process: conditional requests, feedparser, its database. The order is that of `warm_cycles`, with
"feeds": [url, …]. Prints {"costs": {name: {"cpu_seconds", "units"}}}, without start and imports.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import feedparser_sgmllib

sys.modules.setdefault("sgmllib", feedparser_sgmllib)  # reader imports it by the name that it had once
from reader import Reader, make_reader  # noqa: E402

LEAST_HANDLED = 0.98


def update(reader: Reader) -> dict[str, int]:
    """How many feeds were unchanged, and new entries there were. Raises what a feed that cannot be read raises."""
    unchanged = entries = 0
    for _, told in reader.update_feeds_iter(scheduled=False):
        if isinstance(told, Exception):
            raise told
        unchanged += told is None
        entries += told.new if told is not None else 0
    return {"polls_unchanged": unchanged, "articles": entries}


def tell(order: dict[str, Any], what: str) -> None:
    with urlopen(order["control"] + what, timeout=30) as answer:
        answer.read()


def main(file: str) -> None:
    order = json.loads(Path(file).read_text(encoding="utf-8"))
    database = Path(file).with_name("reader.db")
    for old in database.parent.glob("reader.db*"):
        old.unlink()
    reader = make_reader(str(database))
    tell(order, "reset")
    for feed in order["feeds"]:
        reader.add_feed(feed)
    update(reader)
    costs = {}
    for step in order["steps"]:
        spent = 0.0
        for _ in range(step["times"]):
            if step["publish"]:
                tell(order, step["publish"])
            before = time.process_time()
            done = update(reader)
            spent += time.process_time() - before
            for name, wanted in step["expect"].items():
                if done[name] < LEAST_HANDLED * wanted:
                    raise SystemExit(f"reader, {step['name']}: {name} is {done[name]}, not {wanted}")
        if step["name"]:
            costs[step["name"]] = {"cpu_seconds": spent, "units": step["units"] * step["times"]}
    print(json.dumps({"costs": costs}))


if __name__ == "__main__":
    main(*sys.argv[1:])
