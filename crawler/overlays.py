"""The operator's tables that the parser workers read. A leaf."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Overlays:
    """Paths of the tables in the data folder that lie over the built-in ones; None where there is none."""

    topics: str | None = None
    profiles: str | None = None
