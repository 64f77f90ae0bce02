"""A kliping as the HTML part of an e-mail. PURE."""

from __future__ import annotations

from aggregator.kliping.model import Kliping


def render_email_html(kliping: Kliping) -> str:
    """A document of at most 100 kB that needs nothing from elsewhere."""
    raise NotImplementedError
