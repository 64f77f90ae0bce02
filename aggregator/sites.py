"""Where a source speaks for itself. PURE."""

from __future__ import annotations

from collections.abc import Iterable

from aggregator.models import Channel, Source
from aggregator.urls import get_site


def list_sites(source: Source, stand_ins: Iterable[Channel] = ()) -> frozenset[str]:
    """The sites (`aggregator.urls.get_site`) of a source: that of its domain, and those at which its channels are."""
    addresses = (f"https://{source.domain}/", *(channel.url for channel in (*source.channels, *stand_ins)))
    return frozenset(map(get_site, addresses)) - {""}
