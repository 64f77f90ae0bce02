"""Scrapy's settings, a reason beside each that differs from the default."""

from __future__ import annotations

from typing import Any

from crawler.settings import CrawlSettings

REACTOR = "twisted.internet.asyncioreactor.AsyncioSelectorReactor"
EVENT_LOOP = "uvloop.Loop"  # a tenth less CPU a request than asyncio's own

_LOCAL_SCHEMES_OFF = dict.fromkeys(("file", "ftp", "s3", "data"))  # a redirect or link must not reach local files
_HANDLER = "crawler.downloading.BoundedDownloadHandler"


def build_scrapy_settings(settings: CrawlSettings) -> dict[str, Any]:
    """The settings of one crawl, in Scrapy's own names."""
    return {
        "BOT_NAME": "kabarkota",
        "USER_AGENT": settings.user_agent,
        "DEFAULT_REQUEST_HEADERS": {
            "Accept": "text/html,application/xhtml+xml,application/rss+xml,application/xml;q=0.9,*/*;q=0.8",
            "Accept-Language": "id,en;q=0.5",
            "Accept-Encoding": "gzip, deflate, br, zstd",
        },
        # doors that Scrapy leaves open
        "TELNETCONSOLE_ENABLED": False,
        "REMOTE_CONTROL_ENABLED": False,
        "DOWNLOAD_HANDLERS": _LOCAL_SCHEMES_OFF | dict.fromkeys(("http", "https"), _HANDLER),
        # no component for these is among the middlewares below; said for the day on which somebody adds one
        "DOWNLOAD_VERIFY_CERTIFICATES": True,  # Scrapy takes any certificate
        "HTTPPROXY_ENABLED": False,  # a proxy from the environment would get round the address guard
        "COOKIES_ENABLED": False,  # readers without a session get the public page, and nothing to leak
        "REFERER_ENABLED": False,
        "METAREFRESH_ENABLED": False,
        "RETRY_ENABLED": False,  # the next cycle is the retry, and it knows about Retry-After
        "ROBOTSTXT_OBEY": False,  # obeyed by our own middleware: 5xx means disallow, and records outlive the crawl
        # limits; time is kept by crawler.middlewares, over all hops of a request
        "DOWNLOAD_MAXSIZE": settings.max_body_bytes,
        "CONCURRENT_REQUESTS": settings.concurrency,
        "DOWNLOAD_BIND_ADDRESS": str(settings.source_address) if settings.source_address else None,
        # manners: crawler.middlewares paces hosts over all spiders of the process, which Scrapy's slots cannot
        "DOWNLOAD_DELAY": 0,
        # Only these: several of Scrapy's others send what is nobody's business, and each costs a request 1.5 %. The
        # handler adds the headers above.
        "DOWNLOADER_MIDDLEWARES_BASE": {
            "crawler.middlewares.RobotsMiddleware": 100,
            "crawler.answers.RedirectMiddleware": 590,
            "crawler.answers.DecodingMiddleware": 600,
            "crawler.middlewares.PaceMiddleware": 890,
        },
        # work that nothing here needs
        "CONCURRENT_ITEMS": 1,  # 100 tasks a response cost a quarter of the CPU, should a callback ever be used
        "DUPEFILTER_CLASS": "scrapy.dupefilters.BaseDupeFilter",
        "SPIDER_MIDDLEWARES_BASE": {},
        "EXTENSIONS_BASE": {},  # what is counted is counted by host and source, in the harvest
        "TWISTED_REACTOR": REACTOR,  # checked by Scrapy, installed by crawler.child
        "ASYNCIO_EVENT_LOOP": EVENT_LOOP,
        "LOG_ENABLED": False,  # logging is set up once, by the process
        "STATS_DUMP": False,
    }
