"""A kliping: what was written on an office's subjects in a period, ready to be set in any format. A leaf.

Every text is plain, on one line, and fit for XML; addresses are http(s) or, of our own pages where the installation
does not know its address, begin with a slash. "" stands for what there is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo

from aggregator.masking import mask_address
from aggregator.models import Language

DOCX_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@dataclass(frozen=True, kw_only=True, slots=True)
class Clipping:
    """A piece of news: one text, shown by who was first with it, and who else carries it."""

    number: int  # through the whole kliping, from 1
    title: str
    medium: str
    kind: str  # of source, for people
    url: str
    language: str
    published: datetime  # aware, in the office's zone
    has_hour: bool  # False: only the day is known
    is_first_seen: bool  # its page gives no date; it was found then
    extract: str
    copies: tuple[tuple[str, str], ...]  # (medium, address) of the first others
    more_copies: int  # that are not among them

    @property
    def spelled_url(self) -> str:
        """The address as it is shown where the title is the link."""
        return mask_address(self.url)


@dataclass(frozen=True, kw_only=True, slots=True)
class KlipingStory:
    """What was written on one event."""

    title: str
    url: str  # of its page
    cities: tuple[str, ...]  # and provinces, where it happened
    topics: tuple[str, ...]
    clippings: tuple[Clipping, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Kliping:
    """A digest.

    `events`, `news`, `articles`, `portals` count all that came in, `left_out` the news of it that is not shown.
    """

    title: str
    office: str
    subject: str  # what it is about: "Kota Gorontalo, APEKSI"
    zone: tzinfo  # the office's
    since: datetime  # aware; what came in after that …
    until: datetime  # … and up to then
    language: Language
    stories: tuple[KlipingStory, ...]  # the most important first
    events: int
    news: int
    articles: int
    portals: int
    left_out: int
    page_url: str  # the same in the browser
    feed_url: str  # the same as a feed
    publisher: str  # name of the installation
    file_name: str  # for a file, without its ending: "kliping-kota-gorontalo-2026-11-27"

    @property
    def shown(self) -> int:
        """Pieces of news that are shown."""
        return self.news - self.left_out
