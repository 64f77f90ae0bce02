"""`python -m crawler`: the crawl process, started by `crawler.crawl_child.CrawlChild`."""

import sys

if __name__ == "__main__":  # parser workers are spawned: they import this file and must not start a crawl
    from crawler.child import main

    main(*sys.argv[1:3])
