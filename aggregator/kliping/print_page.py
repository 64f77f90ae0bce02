"""A kliping as a page to print. PURE."""

from __future__ import annotations

from aggregator.kliping.model import Kliping


def render_print_html(kliping: Kliping) -> str:
    """A document of its own that needs nothing from elsewhere."""
    raise NotImplementedError
