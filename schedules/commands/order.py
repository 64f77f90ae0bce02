"""In which order `kabarkota --help` names the commands: as they are needed, from a first look to single stages.

Groups of commands that load much are loaded when one of them is asked for.
"""

from __future__ import annotations

from collections import UserDict
from functools import cached_property
from importlib import import_module
from inspect import cleandoc, getdoc
from typing import Any, ClassVar, NamedTuple

from typer import Typer
from typer.core import TyperGroup
from typer.main import get_command_from_info, get_command_name, get_group
from typer.models import CommandInfo

ORDER = (
    *("run", "serve", "demo"),
    *("status", "doctor", "sources"),
    *("search", "export", "datasette", "explain"),
    *("publish", "digest", "alerts", "takedown"),
    *("backfill", "replay", "prune", "backup", "restore"),
    *("extract", "classify", "dedup", "topics"),
    *("cluster", "worker"),
)


class LateGroup(NamedTuple):
    module: str  # of its `app`
    help: str


LOADED_LATE = {
    name: LateGroup(f"schedules.commands.{name}", text)
    for name, text in (
        ("alerts", "Look at digests, alerts and their targets (alerts.toml), and try them."),
        ("cluster", "Prepare and look at the PostgreSQL between store node and workers."),
        ("sources", "Look at the sources, probe, add, switch, import and export them."),
    )
}


class LateCommands(UserDict[str, Any]):
    """The commands of a group whose module is loaded when one looks."""

    def __init__(self, module: str) -> None:
        self._module = module

    @cached_property
    def data(self) -> Any:  # type: ignore[override] # where UserDict keeps what it holds
        return get_group(import_module(self._module).app).commands


class OneByOne(UserDict[str, Any]):
    """Commands by name, each made when it is asked for: to make all of them takes as long as to load them."""

    def __getitem__(self, name: str) -> Any:
        found = super().__getitem__(name)
        if isinstance(found, CommandInfo):
            return get_command_from_info(found, pretty_exceptions_short=True, rich_markup_mode=None)
        if isinstance(found, LateGroup):
            commands: Any = LateCommands(found.module)
            return PlainGroup(
                name=name, commands=commands, help=found.help, no_args_is_help=True, rich_markup_mode=None
            )
        return found

    def find_help(self, name: str) -> str:
        """Without making the command."""
        found = self.data[name]
        return (getdoc(found.callback) if isinstance(found, CommandInfo) else found.help) or ""


class PlainGroup(TyperGroup):
    """Help says of each command the first paragraph of its own; what typer inherits cuts that at half a line."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        helps = [(name, self.find_help(name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, cleandoc(text).partition("\n\n")[0]) for name, text in helps])

    def find_help(self, name: str) -> str:
        return self.commands[name].help or ""


class OrderedGroup(PlainGroup):
    registered: ClassVar[dict[str, CommandInfo]] = {}

    def __init__(self, **group: Any) -> None:
        super().__init__(**group)
        self._one_by_one = OneByOne({**self.commands, **self.registered, **LOADED_LATE})
        self.commands: Any = self._one_by_one

    @classmethod
    def take_over(cls, app: Typer) -> None:
        """Has the app's commands made one by one."""
        for info in app.registered_commands:
            cls.registered[info.name or get_command_name(info.callback.__name__)] = info  # type: ignore[union-attr]
        app.registered_commands.clear()

    def list_commands(self, ctx: Any) -> list[str]:
        """Names; what is not in the table stands at the end."""
        return [
            *(name for name in ORDER if name in self.commands),
            *(name for name in self.commands if name not in ORDER),
        ]

    def find_help(self, name: str) -> str:
        return self._one_by_one.find_help(name)
