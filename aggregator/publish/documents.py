"""A feed's document in any of its formats. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.models import FeedItem
from aggregator.publish.atom import render_atom
from aggregator.publish.feed_info import FeedInfo, Format
from aggregator.publish.json_feed import render_json
from aggregator.publish.rss import render_rss

_RENDERERS = {Format.RSS: render_rss, Format.ATOM: render_atom, Format.JSON: render_json}


def render_feed(items: Sequence[FeedItem], feed: FeedInfo, format: Format) -> bytes:  # noqa: A002  the plain word
    """The document of `items`, in the order given: the same items give the same bytes. `feed` is about this format:
    its `self_url` is where these bytes will be served."""
    return _RENDERERS[format](items, feed)
