"""What a feed's document says of itself, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from aggregator.models import Language

GENERATOR = "Kabar Kota"


class Format(StrEnum):
    """The formats of feeds, by the ending of their addresses."""

    RSS = "xml"
    ATOM = "atom"
    JSON = "json"

    @property
    def media_type(self) -> str:
        return {Format.RSS: "application/rss+xml", Format.ATOM: "application/atom+xml"}.get(
            self, "application/feed+json"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedInfo:
    """One document of a feed. Addresses are absolute where the configuration has a `site_url`, else begin with "/"."""

    id: str  # a tag URI, for life, the same for all formats, pages and archives of the feed
    title: str
    description: str
    site_url: str  # the front page, ending in a slash
    page_url: str  # the page for people that shows what the feed holds
    self_url: str  # the very address that this document is served at
    format_urls: tuple[tuple[Format, str], ...] = ()  # the same in the other formats
    language: Language = Language.INDONESIAN
    publisher: str = "Kabar Kota"  # name of the installation
    began: datetime | None = None  # stands in for the last update of a feed without items; aware
    ttl_minutes: int = 30  # how long readers should keep it before asking again
    hubs: tuple[str, ...] = ()  # WebSub
    is_archive: bool = False  # a document of RFC 5005, section 4, whose set of items does not change
    links: tuple[tuple[str, str], ...] = ()  # (relation of RFC 5005, address): prev-archive, current, first, next …
    style_url: str = ""  # feed.xsl, which shows it in a browser, with feed.css beside it; "" for none
