"""What is asked for together after a crawl process has died, so that one unit's bytes cost no other a thing. PURE.

all units ─▶ it dies ─┬─ busy with one: the others go on; that one alone, last
                      └─ nobody knows: those not begun go on; those under way in halves, last
a suspect dies alone ─▶ it is given up; whoever was alone from the beginning is tried once more
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

U = TypeVar("U", bound=Hashable)


class Regrouping(Generic[U]):
    """The groups that are left, as deaths shape them."""

    def __init__(self, units: Iterable[U]) -> None:
        self._groups: deque[tuple[U, ...]] = deque([tuple(units)])
        self._suspects: set[U] = set()
        self._left: dict[U, None] = {}  # of the group under way
        self._was_alone = False

    def begin_next(self) -> tuple[U, ...]:
        """The next group; () when there is none."""
        while self._groups:
            if group := self._groups.popleft():
                self._left = dict.fromkeys(group)
                self._was_alone = len(group) == 1
                return group
        return ()

    def is_left(self, unit: U) -> bool:
        """Whether the group under way still waits for it."""
        return unit in self._left

    def note_done(self, unit: U) -> None:
        self._left.pop(unit, None)

    def list_left(self) -> list[U]:
        """All that was not done, of all groups."""
        return [*self._left, *(unit for group in self._groups for unit in group)]

    def put_back(self) -> None:
        """Nothing in the group is to blame: what is left of it comes next once more."""
        self._groups.appendleft(tuple(self._left))
        self._left = {}

    def note_death(self, busy: U | None, has_begun: Callable[[U], bool]) -> U | None:
        """Shapes the groups anew; returns the unit that is given up, if one is.

        `busy`: the unit whose bytes were looked at then.
        """
        left, self._left = tuple(self._left), {}
        if not left:
            return None
        if self._was_alone and left[0] in self._suspects:
            return left[0]
        under_way = (busy,) if busy in left else tuple(filter(has_begun, left)) or left
        waiting = tuple(unit for unit in left if unit not in under_way)
        if len(under_way) == 1:
            self._suspects.update(under_way)
        half = (len(under_way) + 1) // 2
        self._groups.extend((under_way[:half], under_way[half:]))
        self._groups.appendleft(waiting)
        return None
