"""What the pages need to know about the installation they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote, urljoin


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteInfo:
    """Set by the operator; nothing of it is read from a request, for a Host header is anybody's to write."""

    url: str  # public address of the front page, ending in a slash; "" when it is not known: addresses are of the host
    name: str = "Kabar Kota"
    operator: str = ""  # who runs this installation
    contact: str = ""  # e-mail address or page, for corrections and takedowns
    page_size: int = 20
    late_after: timedelta = timedelta(hours=6)  # a channel that has been due for so long makes /healthz answer 503
    feed_items: int = 50  # that a feed holds at least, …
    feed_hours: int = 72  # … and all that came in so many hours
    hubs: tuple[str, ...] = ()  # WebSub

    @property
    def contact_url(self) -> str:
        """Where a click on the contact leads; "" without one."""
        is_mail = "@" in self.contact and ":" not in self.contact
        return f"mailto:{quote(self.contact, safe='@')}" if is_mail else self.contact

    @property
    def feed_url(self) -> str:
        return self.locate("feed.xml")

    def locate(self, path: str) -> str:
        """The address of what is at `path` below the front page."""
        return urljoin(self.url or "/", path)
