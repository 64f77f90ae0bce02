"""One attack: a host of its own, how it answers, and what must come of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from importlib import import_module

from battery.visitor import Visitor

FAMILIES = ("transport", "formats", "addresses", "metadata", "content", "traps", "gambling", "controls")
FIRST_NETWORK = "127.20"  # hosts are 127.20.X.Y; the crawler may go nowhere else
NETWORK = f"{FIRST_NETWORK}.0.0/16"
Play = Callable[[Visitor], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Expect:
    """What must come of a case. Numbers are those of its news."""

    stores: tuple[int, ...] = ()  # all of them must be articles of this source
    never: tuple[int, ...] = ()  # none of them may be, at whatever source
    codes: tuple[str, ...] = ("",)  # of the channel's poll one of these; "": it worked. Empty: whatever
    articles_most: int | None = None  # of this source; None: as many as `stores`
    articles_least: int = 0
    requests_most: int = 60
    seconds_most: float = 180.0  # that its poll may take
    absent: tuple[str, ...] = ()  # strings that nothing published may hold
    never_asked: tuple[str, ...] = ()  # beginnings of paths
    hours_off: float | None = None  # that the dates kept for `stores` may be from the true ones


@dataclass(frozen=True, kw_only=True)
class Case:
    name: str  # a slug: the id of its source
    family: str
    play: Play
    expect: Expect
    kind: str = "feed"  # of its channel
    path: str = "/feed"
    tls: str = ""  # a kind of certificate, see `certificates`; "": plain HTTP
    entry: str = ""  # further lines of its catalogue entry (TOML)


@dataclass
class Registry:
    cases: dict[str, Case] = field(default_factory=dict)

    def add(self, case: Case) -> None:
        if case.name in self.cases:
            raise ValueError(f"two cases are called {case.name}")
        self.cases[case.name] = case


REGISTRY = Registry()


def case(name: str, family: str, expect: Expect, **facts: object) -> Callable[[Play], Play]:
    """Registers what it decorates: the coroutine that answers each request of the case's host."""

    def register(play: Play) -> Play:
        REGISTRY.add(Case(name=name, family=family, play=play, expect=expect, **facts))  # type: ignore[arg-type]
        return play

    return register


def load_cases() -> dict[str, Case]:
    """name → case, of all families, in order; the position of a case gives its address."""
    for family in FAMILIES:
        import_module(f"battery.cases.{family}")
    return REGISTRY.cases


def address_of(position: int) -> str:
    return f"{FIRST_NETWORK}.{1 + position // 250}.{1 + position % 250}"
