"""What reading a channel may raise."""

from __future__ import annotations


class ChannelError(ValueError):
    """Nothing of the expected kind can be read from the body; the message says what it looks like."""
