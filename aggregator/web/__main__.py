"""The web server, a process of its own: `python -m aggregator.web`, with a `WebOrder` as JSON on its standard input."""

from __future__ import annotations

import sys

from aggregator.heap import begin_loading
from aggregator.lifeline import die_with_parent


def main() -> int:
    """Serves until it is told to stop; returns the exit code."""
    die_with_parent()  # before all that takes its time to load
    begin_loading()
    from aggregator.bulletin import read_bulletin
    from aggregator.log import set_up_log
    from aggregator.web.app import create_app
    from aggregator.web.order import read_order
    from aggregator.web.public_file import PublicFiles
    from aggregator.web.server import run_server

    set_up_log()
    try:
        order = read_order(sys.stdin.buffer.read())
    except ValueError:  # whose message may have the password in it
        print("aggregator.web: wants its order as JSON on standard input; `kabarkota serve` gives it", file=sys.stderr)
        return 2
    files = PublicFiles(order.public)
    bulletin = order.bulletin
    app = create_app(
        database=order.database,
        public=order.public,
        site=order.site,
        files=files,
        protection=order.protection,
        read_notices=(lambda: read_bulletin(bulletin)) if bulletin is not None else lambda: (),
    )
    return run_server(app, host=order.host, port=order.port, files=files)


if __name__ == "__main__":
    sys.exit(main())
