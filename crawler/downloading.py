"""Scrapy's downloader, kept from asking twice behind the back of our pace."""

from __future__ import annotations

from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.crawler import Crawler
from scrapy.exceptions import DownloadFailedError
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.web.client import ResponseNeverReceived


class PacedDownloadHandler(HTTP11DownloadHandler):
    """Without Twisted's own second attempt when a kept connection breaks: it follows within a millisecond."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._pool.retryAutomatically = False


def is_broken_off(error: Exception) -> bool:
    """Whether the connection broke before anything was answered: a kept one that the server had just closed, mostly."""
    cause = error.__cause__
    if not isinstance(error, DownloadFailedError) or not isinstance(cause, ResponseNeverReceived):
        return False
    return any(reason.check(ConnectionDone, ConnectionLost) for reason in cause.reasons)
