"""The catalogue of sources: data, and what reads and edits it.

sources.toml   the built-in sources, sorted by id (README.md beside it explains the keys)
entries        a table of TOML ─▶ Source, every fault told in one line
loading        files ─▶ Catalogue
editing        changes the operator's own file
"""

from __future__ import annotations

from crawler.catalogue.editing import (
    add_source,
    add_sources,
    describe_channels,
    format_source,
    set_enabled,
    set_keys,
)
from crawler.catalogue.entries import parse_source
from crawler.catalogue.errors import CatalogueError
from crawler.catalogue.loading import BUILT_IN, Catalogue, extend_catalogue, load_catalogue, make_stamp

__all__ = [
    "BUILT_IN",
    "Catalogue",
    "CatalogueError",
    "add_source",
    "add_sources",
    "describe_channels",
    "extend_catalogue",
    "format_source",
    "load_catalogue",
    "make_stamp",
    "parse_source",
    "set_enabled",
    "set_keys",
]
