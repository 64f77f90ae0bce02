"""`python -m crawler`: the crawl process, started by `crawler.crawl_child.CrawlChild`."""

from __future__ import annotations

import sys

from aggregator.heap import begin_loading


def main() -> None:
    begin_loading()
    from crawler.child import main as serve_batches

    serve_batches(*sys.argv[1:3])


if __name__ == "__main__":
    main()
