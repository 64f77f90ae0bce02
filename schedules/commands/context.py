"""What the commands are given: the configuration, already read and resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from schedules.config import Setup


@dataclass(frozen=True, kw_only=True)
class CommandContext:
    """Set as `ctx.obj` by the callback of the main application."""

    data_folder: Path
    catalogue_path: Path | None = None  # None: the built-in catalogue
    resolved: Setup | None = None  # the whole configuration; the sources commands need only the two paths
    config: Path | None = None  # as given, with the flags, so that a command's own flags can be laid over them
    flags: Mapping[str, Any] = field(default_factory=dict)
    debug: bool = False

    @property
    def setup(self) -> Setup:
        assert self.resolved is not None
        return self.resolved

    @property
    def source_overlay(self) -> Path:
        """The operator's own sources, laid over the catalogue. The file need not exist."""
        return self.data_folder / "sources.toml"


def get_context(ctx: typer.Context) -> CommandContext:
    """The CommandContext of this command or of one it was called through.

    Raises RuntimeError when there is none: the command was mounted in an application that does not set one.
    """
    found = ctx.find_object(CommandContext)
    if found is None:
        raise RuntimeError(f"{ctx.command_path}: no CommandContext was set")
    return found
