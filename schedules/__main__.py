"""The command `kabarkota`, also as `python -m schedules`."""

from __future__ import annotations

import sys

from aggregator.heap import begin_loading
from schedules.early_web import begin_early, end_begun


def main() -> None:
    """As `schedules.cli.main`, which is loaded while the web server loads its part."""
    begin_early(sys.argv[1:])
    begin_loading()
    try:
        from schedules.cli import main as run_command

        run_command()
    finally:
        end_begun()


if __name__ == "__main__":
    main()
