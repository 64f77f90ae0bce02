"""In which order `kabarkota --help` names the commands: as they are needed, from a first look to single stages.

Groups of commands that load much are loaded when one of them is asked for.
"""

from __future__ import annotations

from collections import UserDict
from functools import cached_property
from importlib import import_module
from inspect import cleandoc
from typing import Any, NamedTuple

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


class LateGroup(NamedTuple):
    module: str  # of its `app`
    help: str


LOADED_LATE = {
    name: LateGroup(f"schedules.commands.{name}", text)
    for name, text in (
        ("alerts", "Look at digests, alerts and their targets (alerts.toml), and try them."),
        ("sources", "Look at the sources, probe, add, switch, import and export them."),
    )
}


class LateCommands(UserDict[str, Any]):
    """The commands of a group, which is loaded when one looks."""

    def __init__(self, module: str) -> None:
        self._module = module

    @cached_property
    def data(self) -> Any:  # type: ignore[override] # where UserDict keeps what it holds
        return get_group(import_module(self._module).app).commands


class PlainGroup(TyperGroup):
    """Help says of each command the first paragraph of its own; what typer inherits cuts that at half a line."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        commands: Any = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, cleandoc(of.help or "").partition("\n\n")[0]) for name, of in commands])


class OrderedGroup(PlainGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        """Names; what is not in the table stands at the end."""
        names = [*super().list_commands(ctx), *LOADED_LATE]
        return [*(name for name in ORDER if name in names), *(name for name in names if name not in ORDER)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in LOADED_LATE:
            return super().get_command(ctx, cmd_name)
        late = LOADED_LATE[cmd_name]
        commands: Any = LateCommands(late.module)
        return PlainGroup(name=cmd_name, commands=commands, help=late.help, no_args_is_help=True, rich_markup_mode=None)
