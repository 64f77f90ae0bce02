"""The style sheets that show a feed in a browser, by the names under which they are published."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

STYLE_FILE = "feed.xsl"  # what `FeedInfo.style_url` leads to
_NAMES = (STYLE_FILE, "feed.css")


@cache
def get_style_files() -> dict[str, bytes]:
    """`feed.xsl` makes a page of a feed; `feed.css`, beside it, dresses that page and, where a browser knows no XSLT,
    the feed itself."""
    return {name: files("aggregator.publish").joinpath(name).read_bytes() for name in _NAMES}
