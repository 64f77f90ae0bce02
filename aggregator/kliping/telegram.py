"""A kliping for Telegram. PURE."""

from __future__ import annotations

from aggregator.kliping.model import Kliping


def render_telegram(kliping: Kliping) -> tuple[str, ...]:
    """Messages in Telegram's HTML of at most 4,096 characters, parted between stories."""
    raise NotImplementedError
