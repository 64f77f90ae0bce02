"""What searches of an archive cost: the newest on a topic and a city; phrases of all kinds, newest first."""
# ruff: noqa: SLF001 - a benchmark looks inside

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

from aggregator.models import City
from aggregator.reference import load_cities
from aggregator.search import build_match
from aggregator.search_rows import Search
from aggregator.store import Store
from benchmarks.publishing import TOPICS
from benchmarks.spending import TURNS, Spent, spend

NEWEST = 50
PHRASES = 60  # of each kind


def measure_newest(store: Store) -> dict[str, Spent]:
    """city → what its newest 50 cost, of each topic; only where there are so many."""
    found: dict[str, Spent] = {}
    for city in load_cities():
        asked = [_ask_newest(store, topic, city) for topic in TOPICS]
        if all(len(ask()) == NEWEST for ask in asked):
            found[city.slug] = spend([ask for _ in range(TURNS) for ask in asked])
    return found


def _ask_newest(store: Store, topic: str, city: City) -> Callable[[], list[Any]]:
    feeds = [
        tuple(feed.id for feed in either) for either in store.find_feeds([[f"topic/{topic}"], [f"city/{city.slug}"]])
    ]
    search = Search(feeds=tuple(feeds), match="", since=None, with_archive=False, by_story=False, before=None)
    return lambda: store.walk(search, limit=NEWEST)


def compare_newest(sizes: Mapping[int, Mapping[str, Spent]]) -> float:
    """How many times longer it takes in the largest than in the smallest, of the cities that have enough in both."""
    small, large = sizes[min(sizes)], sizes[max(sizes)]
    both = small.keys() & large.keys()
    return median(median(large[city].cpu) / median(small[city].cpu) for city in both)


def list_phrases(store: Store) -> dict[str, list[str]]:
    """kind → phrases of two to four words, cut from the articles, by how many hold them; and some that none holds."""
    chance = random.Random(5)
    kinds: dict[str, list[str]] = {"absent": [], "rare": [], "middling": [], "frequent": []}
    last = int(store._value("SELECT max(id) FROM articles"))
    count = "SELECT count(*) FROM (SELECT 1 FROM articles_fts WHERE articles_fts MATCH :match LIMIT 20000)"
    for _ in range(PHRASES * 10):
        if all(len(phrases) == PHRASES for phrases in kinds.values()):
            break
        words = str(store._value("SELECT text FROM articles WHERE id = :id", id=chance.randrange(last) + 1)).split()
        at, size = chance.randrange(len(words) - 4), chance.choice((2, 2, 3, 4))
        phrase = " ".join(words[at : at + size])
        try:
            hits = int(store._value(count, match=build_match(f'"{phrase}"')))
        except ValueError:
            continue
        kind = "rare" if hits < 20 else "middling" if hits < last / 200 else "frequent"
        if len(kinds[kind]) < PHRASES:
            kinds[kind].append(phrase)
        if len(kinds["absent"]) < PHRASES:
            kinds["absent"].append(f"{words[at]} {words[-1 - at]} {words[at]}")
    kinds["frequent"] += ["wali kota", "smart city", "kota cerdas", "pemerintah kota", "rapat kerja nasional apeksi"]
    return kinds


def measure_phrases(store: Store) -> dict[str, Spent]:
    """kind → what it costs to find the newest 50 that hold a phrase."""
    return {
        kind: spend([_ask_phrase(store, phrase) for phrase in phrases])
        for kind, phrases in list_phrases(store).items()
        if phrases
    }


def _ask_phrase(store: Store, phrase: str) -> Callable[[], object]:
    match = build_match(f'"{phrase}"')
    search = Search(feeds=(), match=match, since=None, with_archive=False, by_story=False, before=None)
    return lambda: store.walk(search, limit=NEWEST)
