"""A kliping as plain text. PURE."""

from __future__ import annotations

from aggregator.kliping.model import Kliping


def render_text(kliping: Kliping) -> str:
    """The plain part of an e-mail, and a file of its own."""
    raise NotImplementedError
