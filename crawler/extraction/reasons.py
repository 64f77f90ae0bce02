"""Reasons for which a page is no article, for who does not read pages."""

from __future__ import annotations

# What may be gone when the page is asked for again.
PASSING_REASONS = frozenset(("the page says that it was not found", "a login page", "a challenge page"))
