"""What the crawl process and its parsers read of the operator's data folder. A leaf."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Overlays:
    """Paths of the tables in the data folder that lie over the built-in ones; None where there is none. And the data
    folder itself, where the CA bundles of sources lie; "" where no source has one."""

    topics: str | None = None
    profiles: str | None = None
    data_folder: str = ""
