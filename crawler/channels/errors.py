"""What reading a channel may raise."""

from __future__ import annotations


class ChannelError(ValueError):
    """Nothing of the expected kind can be read from the body; the message says what it looks like."""


def describe_broken_xml(line: int | None) -> str:
    """In plain words, which those of XML parsers are not."""
    return f"its XML is broken in line {line}" if line else "its XML is broken"
