"""The web server, a process of its own: `python -m aggregator.web DATABASE PUBLIC HOST PORT URL NAME LATE_HOURS`."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import uvicorn

from aggregator.lifeline import die_with_parent
from aggregator.web.app import create_app
from aggregator.web.site import SiteInfo


def main(*, database: str, public: str, host: str, port: str, url: str, name: str, late_hours: str) -> None:
    """Serves until it is told to stop."""
    die_with_parent()
    site = SiteInfo(url=url, name=name, late_after=timedelta(hours=int(late_hours)))
    app = create_app(database=Path(database), public=Path(public), site=site)
    uvicorn.run(
        app, host=host, port=int(port), log_level="warning", access_log=False, proxy_headers=False, server_header=False
    )


if __name__ == "__main__":
    main(**dict(zip(("database", "public", "host", "port", "url", "name", "late_hours"), sys.argv[1:], strict=True)))
