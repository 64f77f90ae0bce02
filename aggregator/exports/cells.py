"""Texts as cells of a table that a program of tables opens. Pure."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # some programs take wide signs for the same


def make_cell(text: str) -> str:
    """A text that no program of tables takes for a formula. Spaces before the sign help nobody: some trim them."""
    if text.startswith(_FORMULA) or (text[:1].isspace() and text.lstrip().startswith(_FORMULA)):
        return f"'{text}"
    return text
