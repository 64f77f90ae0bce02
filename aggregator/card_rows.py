"""Stories as cards: which answer a question, and what a card tells of each. A part of `Store`; reads only.

    search ─▶ walk down the feed, newest first ─▶ each story once, at the newest of its news that answers ─▶ figures

A search by story (`search_rows`) stands at the first piece of news, for a feed must not bring a story up again; a card
stands at the newest, for what moves is what people look for. All figures of a page come of a handful of questions.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aggregator.instants import to_text
from aggregator.item_rows import ItemRows
from aggregator.models import FeedItem
from aggregator.reach_rows import Place
from aggregator.search_rows import Search, SearchRows

GROWTH_HOURS = 24
ROUNDS = 4  # of a walk for a page: where a story has more news than those bring, the page is short and leads on
_STRIDE = 3  # pieces of news that are looked at for each card wanted, in a round

_STORIES = """
    SELECT g.id, g.story_id FROM json_each(:groups) AS k CROSS JOIN duplicate_groups AS g ON g.id = k.value
"""
_NEWS = """
    SELECT g.story_id, g.id, g.canonical_id
    FROM json_each(:stories) AS k CROSS JOIN duplicate_groups AS g ON g.story_id = k.value
    WHERE g.guid IS NOT NULL AND g.merged_into IS NULL AND g.withdrawn_at IS NULL
"""
# `members` are pairs of a card and one of its groups. CROSS JOIN: the tables in the order in which they are named.
_MEMBERS = """
    (SELECT json_extract(value, '$[0]') AS card, json_extract(value, '$[1]') AS group_id FROM json_each(:members)) AS m
"""
_TOTALS = f"""
    SELECT m.card, count(DISTINCT a.group_id) AS news, count(*) AS articles, count(DISTINCT a.source_id) AS portals
    FROM {_MEMBERS} CROSS JOIN articles AS a ON a.group_id = m.group_id GROUP BY m.card
"""  # noqa: S608 - our own words
_HEADS = f"""
    SELECT card, max(CASE first WHEN 1 THEN group_id END) AS first, max(CASE lead WHEN 1 THEN group_id END) AS lead
    FROM (
        SELECT m.card, m.group_id,
            row_number() OVER (PARTITION BY m.card ORDER BY a.published_at, g.id) AS first,
            row_number() OVER (PARTITION BY m.card ORDER BY a.title IS NOT s.title, a.published_at, g.id) AS lead
        FROM {_MEMBERS} CROSS JOIN duplicate_groups AS g ON g.id = m.group_id
        CROSS JOIN articles AS a ON a.id = g.canonical_id LEFT JOIN stories AS s ON s.id = g.story_id
    ) GROUP BY card
"""  # noqa: S608 - our own words
_SUBJECTS = f"""
    SELECT m.card, r.kind, r.slug, r.name FROM {_MEMBERS} CROSS JOIN duplicate_groups AS g ON g.id = m.group_id
    CROSS JOIN article_regions AS ar ON ar.article_id = g.canonical_id AND ar.role = 'event'
    CROSS JOIN regions AS r ON r.code = ar.code GROUP BY m.card, r.code ORDER BY r.kind, count(*) DESC, r.name
"""  # noqa: S608 - our own words
_TOPICS = f"""
    SELECT m.card, 'topic' AS kind, t.topic AS slug, '' AS name
    FROM {_MEMBERS} CROSS JOIN duplicate_groups AS g ON g.id = m.group_id
    CROSS JOIN article_topics AS t ON t.article_id = g.canonical_id
    GROUP BY m.card, t.topic ORDER BY count(*) DESC, t.topic
"""  # noqa: S608 - our own words
# When an article joined: when it was published; of one that tells no hour, when it was found, but not on a later day.
_GROWTH = f"""
    SELECT card, (strftime('%s', :now) - strftime('%s', joined)) / 3600 AS hours_ago, count(*) AS articles
    FROM (
        SELECT m.card, CASE a.published_precision
            WHEN 'day' THEN min(a.first_seen_at, strftime('%Y-%m-%dT%H:%M:%SZ', a.published_at, '+1 day'))
            ELSE a.published_at END AS joined
        FROM {_MEMBERS} CROSS JOIN articles AS a ON a.group_id = m.group_id WHERE a.published_at >= :since_day
    ) WHERE joined > :since AND joined <= :now GROUP BY card, hours_ago
"""  # noqa: S608 - our own words


@dataclass(frozen=True, kw_only=True, slots=True)
class CardPlaces:
    """A page of cards: for each the place of the piece of news that it stands at."""

    places: tuple[Place, ...]
    last: int  # the group that the next page begins after; 0 on the last page


@dataclass(frozen=True, slots=True)
class CardSubject:
    """What a card is about: a city, a province, a topic."""

    kind: str
    slug: str
    name: str  # "" for topics


@dataclass(frozen=True, kw_only=True, slots=True)
class CardRecord:
    """A story as its card tells it; or a piece of news that no look at stories has seen yet."""

    story_id: int | None
    lead: FeedItem  # the piece of news whose title the story has
    first: FeedItem  # the one published first
    newest: FeedItem  # that answers the question: where the card stands
    news: int
    articles: int
    portals: int
    subjects: tuple[CardSubject, ...]  # cities, provinces, topics; of each the one that most news names first
    growth: tuple[int, ...]  # articles that joined in each of the last hours, the oldest hour first


_Key = tuple[str, int]  # a story; a group that has none


class CardRows(ItemRows, SearchRows):
    """Cards."""

    def list_cards(self, search: Search, *, limit: int) -> CardPlaces:
        """The stories that answer it, by the newest piece of news that does, each once on all pages together.

        Belongs into a `snapshot`.
        """
        found: dict[_Key, Place] = {}
        step = replace(search, by_story=False)
        stride = _STRIDE * (limit + 1)
        for _ in range(ROUNDS):
            places = self.walk(step, limit=stride)
            keys = self._get_keys(group for _, group in places)
            come: dict[_Key, Place] = {}
            for place, group in places:
                come.setdefault(keys[group], (place, group))
            shown = self._find_shown(come.keys() - found.keys(), search) if search.before else set()
            found |= {key: place for key, place in come.items() if key not in found and key not in shown}
            if len(places) < stride or len(found) > limit:
                break
            step = replace(step, before=places[-1])
        cards = tuple(found.values())[:limit]
        if len(found) > limit:
            return CardPlaces(places=cards, last=cards[-1][1])
        return CardPlaces(places=cards, last=places[-1][1] if len(places) == stride else 0)

    def get_cards(self, places: Sequence[Place], now: datetime) -> list[CardRecord]:
        """The cards at these places, in their order."""
        keys = self._get_keys(group for _, group in places)
        members = json.dumps(self._list_members(keys))
        totals = {row["card"]: row for row in self._rows(_TOTALS, members=members)}
        heads = {row["card"]: row for row in self._rows(_HEADS, members=members)}
        subjects: defaultdict[int, list[CardSubject]] = defaultdict(list)
        for card, *subject in (*self._rows(_SUBJECTS, members=members), *self._rows(_TOPICS, members=members)):
            subjects[card].append(CardSubject(*subject))
        growth = self._count_growth(members, now)
        shown = {group for row in heads.values() for group in (row["card"], row["first"], row["lead"])}
        items = self.get_items([*shown], with_reasons=True)
        return [
            CardRecord(
                story_id=keys[card][1] if keys[card][0] == "story" else None,
                lead=items[heads[card]["lead"]],
                first=items[heads[card]["first"]],
                newest=items[card],
                news=totals[card]["news"],
                articles=totals[card]["articles"],
                portals=totals[card]["portals"],
                subjects=tuple(subjects[card]),
                growth=growth[card],
            )
            for _, card in places
            if card in heads
        ]

    def get_guid(self, group_id: int) -> str:
        """The guid of an item; "" where there is none."""
        return str(self._value("SELECT guid FROM duplicate_groups WHERE id = :id", id=group_id) or "")

    def _get_keys(self, groups: Iterable[int]) -> dict[int, _Key]:
        """group → what it is shown as."""
        rows = self._rows(_STORIES, groups=json.dumps([*groups]))
        return {
            row["id"]: ("group", row["id"]) if row["story_id"] is None else ("story", row["story_id"]) for row in rows
        }

    def _find_shown(self, keys: Collection[_Key], search: Search) -> set[_Key]:
        """Which of these stories have news that answers the question before the page begins."""
        stories = json.dumps([number for kind, number in keys if kind == "story"])
        articles = {row["canonical_id"]: row for row in self._rows(_NEWS, stories=stories)}
        answers = self.find_among([*articles], replace(search, by_story=False, before=None))
        before = {group for place, group in answers if search.before and (place, group) >= search.before}
        return {("story", row["story_id"]) for row in articles.values() if row["id"] in before}

    def _list_members(self, keys: Mapping[int, _Key]) -> list[tuple[int, int]]:
        """(card, group): all that a card tells of."""
        cards = {number: card for card, (kind, number) in keys.items() if kind == "story"}
        alone = [(card, card) for card, (kind, _) in keys.items() if kind == "group"]
        rows = self._rows(_NEWS, stories=json.dumps([*cards]))
        return [*alone, *((cards[row["story_id"]], row["id"]) for row in rows)]

    def _count_growth(self, members: str, now: datetime) -> defaultdict[int, tuple[int, ...]]:
        """card → articles that joined in each of the last hours."""
        since = now - timedelta(hours=GROWTH_HOURS)
        counts: defaultdict[int, list[int]] = defaultdict(lambda: [0] * GROWTH_HOURS)
        bounds = {"now": to_text(now), "since": to_text(since), "since_day": to_text(since - timedelta(days=1))}
        for row in self._rows(_GROWTH, members=members, **bounds):
            counts[row["card"]][GROWTH_HOURS - 1 - row["hours_ago"]] = row["articles"]
        growth: defaultdict[int, tuple[int, ...]] = defaultdict(lambda: (0,) * GROWTH_HOURS)
        growth.update({card: tuple(hours) for card, hours in counts.items()})
        return growth
