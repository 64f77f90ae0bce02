"""Reading channels: bytes in, links out. PURE.

    feeds ── plainfeeds, oddfeeds, jsonfeeds ──▶ raw ──▶ cleaning, fulltexts
    sitemaps   wordpress
    listings ── headlines, boxes ──▶ entries, paging

`parsing.parse_channel` chooses by what the body is, and by kind where that does not decide. What reads is loaded when
it is asked for: of the processes that name channels, few read any.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from crawler.channels.errors import ChannelError

if TYPE_CHECKING:
    from crawler.channels.parsing import parse_channel

__all__ = ["ChannelError", "parse_channel"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("crawler.channels.parsing"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
