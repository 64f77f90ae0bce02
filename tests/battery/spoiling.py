"""Cases of one shape: the item and the page of news 1 are spoiled, news 2 is honest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from battery.case import Expect, Play, case
from battery.visitor import Visitor
from battery.writing import HTML, write_feed

BOTH = Expect(stores=(1, 2))  # spoiled or not, it is news


@dataclass(frozen=True, kw_only=True)
class Spoil:
    """What stands in place of the item's fields and the page's places (see `writing`), or of the whole page."""

    item: Mapping[str, str] = field(default_factory=dict)
    page: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None  # of the page, in place of all
    content_type: str = HTML
    headers: tuple[tuple[str, str], ...] = ()  # of the page


Recipe = Callable[[Visitor], Spoil]


def make_spoiled(name: str, family: str, recipe: Recipe, expect: Expect = BOTH, finish: bytes = b"") -> None:
    """Registers it. `finish`: raw bytes that stand for each § of the feed and of page 1, where Python has no text."""

    async def play(visitor: Visitor) -> None:
        spoil = recipe(visitor)
        if visitor.path == "/feed":
            items = [visitor.item(1, **spoil.item), visitor.item(2)]
            await visitor.answer_feed(write_feed(items, base=visitor.base).replace("§".encode(), finish))
        elif visitor.number == 1:
            page = visitor.page(1, **spoil.page) if spoil.body is None else spoil.body
            await visitor.send(page.replace("§".encode(), finish), spoil.content_type, headers=spoil.headers)
        else:
            await visitor.answer_plainly(2)

    play.__doc__ = recipe.__doc__
    case(name, family, expect)(play)


def spoiled(name: str, family: str, expect: Expect = BOTH, finish: bytes = b"") -> Callable[[Recipe], Recipe]:
    def register(recipe: Recipe) -> Recipe:
        make_spoiled(name, family, recipe, expect, finish)
        return recipe

    return register


def on_feed(name: str, family: str, expect: Expect) -> Callable[[Play], Play]:
    """A case whose channel is answered by what is decorated, and all else plainly, with news 1 to 3."""

    def register(play: Play) -> Play:
        async def answer(visitor: Visitor) -> None:
            if visitor.path == "/feed":
                await play(visitor)
            else:
                await visitor.answer_plainly(1, 2, 3)

        answer.__doc__ = play.__doc__
        return case(name, family, expect)(answer)

    return register
