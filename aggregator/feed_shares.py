"""How the places of a crowded feed are shared out, so that a source that floods it crowds nobody else out. PURE.

    news, newest first ─┬─ within its source's share ─▶ has a place
                        └─ beyond it ─▶ gets what places are left over, the newest first; the rest is left out for good

What was left out does not come back when it gets emptier: it was in a document, or beside it in the archive, and a
reader must not be told of it again. So a piece of news enters once, and leaves once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

SHARES = 5  # a source is sure of one place in so many


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """What a feed's own document shows."""

    news: list[tuple[int, int]]  # (place, group), newest first
    is_full: bool  # older news is not in it
    left_out_until: int  # up to this place, news beyond its source's share is left out; 0: none is


def share_out(
    news: Iterable[tuple[int, int, str]], *, places: int, share: int, least: int, since: int, left_out_until: int
) -> Window:
    """The window of a feed of `news`: (place, group, source), newest first.

    It has all from the place `since` on, or the newest `least`, up to `places`; of each source the newest `share` come
    first. `left_out_until` is what it was before.
    """
    held: Counter[str] = Counter()
    own: list[tuple[int, int]] = []
    beyond: list[tuple[int, int]] = []
    for place, group, source in news:
        if len(own) == places or (place < since and len(own) + len(beyond) >= least):
            break
        held[source] += 1
        if held[source] <= share:
            own.append((place, group))
        elif place > left_out_until:
            beyond.append((place, group))
    room = places - len(own)
    if len(beyond) > room:
        left_out_until = beyond[room][0]
    shown = sorted(own + beyond[:room], reverse=True)
    return Window(news=shown, is_full=len(shown) >= least, left_out_until=left_out_until)
