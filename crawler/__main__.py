"""`python -m crawler`: the crawl process, started by `crawler.crawl_child.CrawlChild`."""

import sys

if __name__ == "__main__":  # parser workers are spawned: they import this file and must not start a crawl
    # For each old name of its own Scrapy looks through the whole stack, with the source of every module in it: 0.2 s
    # less where the stack is short.
    import scrapy.core.downloader.contextfactory  # noqa: F401

    from crawler.child import main

    main(*sys.argv[1:3])
