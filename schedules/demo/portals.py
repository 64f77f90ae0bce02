"""The sample portals: what the catalogue says of them, and how they are made."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from schedules.demo.articles import CONTENT

PORT = "{port}"  # in the catalogue's URLs
CLOSED_PORT = "{closed_port}"  # the same for the portal that is down
ROBOTS = "User-agent: *\nDisallow: /wp-admin/\nAllow: /wp-admin/admin-ajax.php\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Portal:
    """How one portal publishes. Date patterns are those of `dialects.write_date`."""

    slug: str
    name: str
    zone: ZoneInfo
    theme: str  # templates/themes/<theme>.html.j2
    tagline: str
    colour: str
    permalink: str  # with {slug}, {number}, and the date parts of `dialects`
    place_line: str = ""  # before the first paragraph, with {PLACE} or {place}
    page_date: str
    feed_date: str = "{rfc822_utc}"  # WordPress writes UTC whatever the zone of its readers
    closing: str = ""  # the portal's own last words under every article
    charset: str = "utf-8"
    topic_in_menu: bool = False  # "Smart City" is then on every page, whatever the page is about
    delay_seconds: float = 0  # before a channel answers, on the day of the demo
    outages: tuple[tuple[float, float], ...] = ()  # from and to, in hours before the demo: it answers 503
    robots: str = ROBOTS
    routes: dict[str, str] = field(default_factory=dict)  # path → name of a channel in `channels.CHANNELS`

    @property
    def host(self) -> str:
        return f"{self.slug}.localhost"

    def get_origin(self, port: int) -> str:
        return f"http://{self.host}:{port}"


@cache
def load_portals() -> dict[str, Portal]:
    """Every portal that answers, by slug. The one that is down is in the catalogue only."""
    sources = tomllib.loads(read_catalogue())["sources"]
    makes = tomllib.loads((CONTENT / "portals.toml").read_text(encoding="utf-8"))
    return {slug: _make_portal(slug, sources[slug], make) for slug, make in makes.items()}


def read_catalogue() -> str:
    """The demo's catalogue, its ports still to be filled in."""
    return (CONTENT / "catalogue.toml").read_text(encoding="utf-8")


def _make_portal(slug: str, source: dict[str, Any], make: dict[str, Any]) -> Portal:
    return Portal(slug=slug, name=source["name"], zone=ZoneInfo(source["timezone"]), **make)
