"""A kliping as a DOCX file. PURE."""

from __future__ import annotations

from aggregator.kliping.model import Kliping


def render_docx(kliping: Kliping) -> bytes:
    """The bytes of the file."""
    raise NotImplementedError
