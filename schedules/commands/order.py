"""In which order `kabarkota --help` names the commands: as they are needed, from a first look to single stages.

Groups of commands that load much are loaded when one of them is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from typer.core import TyperGroup
from typer.main import get_group

ORDER = (
    *("run", "serve", "demo"),
    *("status", "doctor", "sources"),
    *("search", "export", "datasette", "explain"),
    *("publish", "digest", "alerts", "takedown"),
    *("backfill", "replay", "prune", "backup", "restore"),
    *("extract", "classify", "dedup", "topics"),
)
LOADED_LATE = {"sources": "schedules.commands.sources"}  # command → the module of its `app`


class OrderedGroup(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        """Names; what is not in the table stands at the end."""
        names = [*super().list_commands(ctx), *LOADED_LATE]
        return [*(name for name in ORDER if name in names), *(name for name in names if name not in ORDER)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in LOADED_LATE:
            return super().get_command(ctx, cmd_name)
        group = get_group(import_module(LOADED_LATE[cmd_name]).app)
        group.name = cmd_name
        return group
