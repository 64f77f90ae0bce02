"""The one error of the catalogue."""

from __future__ import annotations


class CatalogueError(ValueError):
    """What is wrong with a catalogue, in one line: `file: sources.<id>.<key>: <problem>`."""
