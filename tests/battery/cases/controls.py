"""Healthy portals: whatever the others do, theirs comes, and in time."""

from __future__ import annotations

from battery.case import Expect, case
from battery.visitor import Visitor

COUNT = 12


async def answer(visitor: Visitor) -> None:
    await visitor.answer_plainly(1, 2, 3)


for number in range(1, COUNT + 1):
    case(f"control-{number:02}", "controls", Expect(stores=(1, 2, 3), seconds_most=60))(answer)
