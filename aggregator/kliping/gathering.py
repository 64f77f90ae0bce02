"""Gathers a kliping from the store."""

from __future__ import annotations

from datetime import datetime, tzinfo

from aggregator.kliping.model import Kliping
from aggregator.models import Language
from aggregator.publish.describing import Publisher
from aggregator.search import NewsQuery
from aggregator.store import Store

NEWS_MOST = 200


class UnknownFeedError(LookupError):
    """The filter names a city, topic, source … that there is not: `name` as of its feed, "city/kota-x"."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def gather_kliping(
    store: Store,
    query: NewsQuery,
    *,
    office: str,
    zone: tzinfo,
    since: datetime,
    until: datetime,
    language: Language,
    publisher: Publisher,
    most: int = NEWS_MOST,
) -> Kliping:
    """What entered the feeds after `since` and up to `until`, and answers the query's filter.

    By story, the most important first; belongs into a `snapshot`. Of the query its words, feeds, `since` (publication)
    and archive count; its order, place and language do not. Raises UnknownFeedError, StoreError.
    """
    raise NotImplementedError
