"""Lines that are safe to print: portals' words reach terminals and logs through reasons, titles and addresses.

A terminal obeys controls among them (colours, its title, links, the screen), a log takes a line break for the next
entry, and marks of direction turn a line around. All of them are shown as escapes: what was there can still be read.
"""

from __future__ import annotations

import logging
import re

_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"  # not tab, not line feed
)


def make_printable(text: str) -> str:
    """`text` in which nothing speaks to a terminal; its lines stay lines, and JSON the same JSON."""
    return text if text.isprintable() else _CONTROL.sub(_escape, text)


class PrintableFormatter(logging.Formatter):
    """An entry is one line, whatever is in it; only a traceback below it has more."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        return super().formatMessage(record).replace("\n", "\\n")

    def format(self, record: logging.LogRecord) -> str:
        return make_printable(super().format(record))


def _escape(control: re.Match[str]) -> str:
    return f"\\u{ord(control[0]):04x}"
