"""What the web server's process is told: one JSON document on its standard input.

Not in its command line, which every process of the machine may read: there is a password among it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from aggregator.web.protection import Protection
from aggregator.web.site import SiteInfo


@dataclass(frozen=True, kw_only=True)
class WebOrder:
    """See above."""

    database: Path
    public: Path
    host: str
    port: int
    site: SiteInfo
    protection: Protection = field(default_factory=Protection)
    bulletin: int | None = None  # a descriptor that was inherited: what the service tells of itself

    def to_json(self) -> bytes:
        return _ORDER.dump_json(self)


def read_order(document: bytes) -> WebOrder:
    """Raises ValueError where it cannot be read."""
    return _ORDER.validate_json(document)


_ORDER: TypeAdapter[WebOrder] = TypeAdapter(WebOrder)
