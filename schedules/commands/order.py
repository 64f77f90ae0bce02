"""In which order `kabarkota --help` names the commands: as they are needed, from a first look to single stages."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

ORDER = (
    *("run", "serve", "demo"),
    *("status", "doctor", "sources"),
    *("search", "export", "datasette", "explain"),
    *("publish", "digest", "alerts", "takedown"),
    *("backfill", "replay", "prune", "backup", "restore"),
    *("extract", "classify", "dedup", "topics"),
)


class OrderedGroup(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        """Names; what is not in the table stands at the end."""
        names = super().list_commands(ctx)
        return [*(name for name in ORDER if name in names), *(name for name in names if name not in ORDER)]
