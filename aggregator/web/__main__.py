"""The web server, a process of its own: `python -m aggregator.web DATABASE PUBLIC HOST PORT URL NAME LATE_HOURS`.

There may follow what a feed holds at least, in items and in hours, and the addresses of hubs.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

from aggregator.lifeline import die_with_parent
from aggregator.web.app import create_app
from aggregator.web.public_file import PublicFiles
from aggregator.web.server import run_server
from aggregator.web.site import SiteInfo


def main(database: str, public: str, host: str, port: str, *about: str) -> int:
    """Serves until it is told to stop; returns the exit code. Without a URL ("") addresses are those of the host."""
    die_with_parent()
    url, name, late_hours, *more = about
    feed_items, feed_hours, *hubs = more or ("50", "72")
    site = SiteInfo(
        url=url,
        name=name,
        late_after=timedelta(hours=int(late_hours)),
        feed_items=int(feed_items),
        feed_hours=int(feed_hours),
        hubs=tuple(hubs),
    )
    files = PublicFiles(Path(public))
    app = create_app(database=Path(database), public=Path(public), site=site, files=files)
    return run_server(app, host=host, port=int(port), files=files)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
