"""A kliping for WhatsApp. PURE."""

from __future__ import annotations

from aggregator.kliping.model import Kliping


def render_whatsapp(kliping: Kliping) -> tuple[str, ...]:
    """Messages of at most 4,000 characters, parted between stories."""
    raise NotImplementedError
