"""What an instant alert tells of what is new: each story once, and what follows at most once an hour. PURE."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.alerts.notices import NAMED_MOST

FOLLOW_UP_AFTER = timedelta(hours=1)

Told = Mapping[int, tuple[datetime, int]]  # story → when it was last told, and how many pieces of news wait since


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """A piece of news that is new."""

    group_id: int
    story_id: int | None
    carriers: int


@dataclass(frozen=True, kw_only=True, slots=True)
class NewsPlan:
    """What is told now."""

    groups: tuple[int, ...]  # named, one for each story
    follow_ups: tuple[tuple[int, int], ...]  # (story, pieces of news since it was told)
    more: int  # stories that are not named
    told: Told  # as it is afterwards, of those that change

    @property
    def is_empty(self) -> bool:
        return not (self.groups or self.follow_ups)


def plan_news(pieces: Sequence[Piece], told: Told, now: datetime) -> NewsPlan:
    """What to tell of these, newest first. Of a story the piece stands for all that most portals carry."""
    fresh: defaultdict[int | str, list[Piece]] = defaultdict(list)
    waiting = Counter({story_id: count for story_id, (_, count) in told.items()})
    for piece in pieces:
        if piece.story_id is not None and piece.story_id in told:
            waiting[piece.story_id] += 1
        else:
            fresh[f"group {piece.group_id}" if piece.story_id is None else piece.story_id].append(piece)
    heads = [max(of_story, key=lambda each: each.carriers).group_id for of_story in fresh.values()]
    due = [
        (story_id, count) for story_id, count in waiting.items() if count and now - told[story_id][0] >= FOLLOW_UP_AFTER
    ]
    room = max(0, NAMED_MOST - len(heads))
    follow_ups = due[:room]  # others stay due
    after = {story_id: (told[story_id][0], count) for story_id, count in waiting.items() if count}
    after |= {story_id: (now, 0) for story_id, _ in follow_ups}
    after |= {story_id: (now, 0) for story_id in fresh if isinstance(story_id, int)}
    return NewsPlan(
        groups=tuple(heads[:NAMED_MOST]),
        follow_ups=tuple(follow_ups),
        more=max(0, len(heads) - NAMED_MOST),
        told=after,
    )
