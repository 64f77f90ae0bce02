"""What searches of an archive cost: the newest on a topic and a city; phrases of all kinds, newest first."""
# ruff: noqa: SLF001 - a benchmark looks inside

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from aggregator.models import City
from aggregator.reference import load_cities
from aggregator.search_rows import Search
from aggregator.search_terms import read_terms, write_match
from aggregator.store import Store
from aggregator.web.app import create_app
from aggregator.web.site import SiteInfo
from benchmarks.publishing import NOW, SITE, TOPICS
from benchmarks.spending import TURNS, Spent, spend

NEWEST = 50
PHRASES = 60  # of each kind
_WORD = re.compile(r"\w+")


def measure_newest(database: Path) -> dict[str, dict[str, Spent]]:
    """way → city → what its newest 50 cost, of each topic; only where there are so many."""
    found: dict[str, dict[str, Spent]] = {"feed": {}, "api news": {}, "api articles": {}}
    app = create_app(database=database, public=database.parent / "public", site=SiteInfo(url=SITE), clock=lambda: NOW)
    with Store.open_reader(database) as store, asyncio.Runner() as runner:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=SITE)
        for city in load_cities():
            asked = [_ask_newest(store, topic, city) for topic in TOPICS]
            if all(len(ask()) == NEWEST for ask in asked):
                found["feed"][city.slug] = spend([ask for _ in range(TURNS) for ask in asked])
                for kind in ("news", "articles"):
                    paths = [f"/api/v1/{kind}?topic={topic}&city={city.slug}&limit={NEWEST}" for topic in TOPICS]
                    found[f"api {kind}"][city.slug] = spend([_ask_api(runner, client, path) for path in paths])
    return found


def _ask_newest(store: Store, topic: str, city: City) -> Callable[[], list[Any]]:
    feeds = [
        tuple(feed.id for feed in either) for either in store.find_feeds([[f"topic/{topic}"], [f"city/{city.slug}"]])
    ]
    search = Search(feeds=tuple(feeds), match="", since=None, with_archive=False, by_story=False, before=None)
    return lambda: store.walk(search, limit=NEWEST)


def _ask_api(runner: asyncio.Runner, client: httpx.AsyncClient, path: str) -> Callable[[], None]:
    def ask() -> None:
        answer = runner.run(client.get(path))
        if answer.status_code != 200 or len(answer.json()["items"]) != NEWEST:
            raise SystemExit(f"{path}: {answer.status_code} {answer.text[:200]}")

    return ask


def compare_newest(sizes: Sequence[Mapping[str, Mapping[str, Spent]]]) -> dict[str, float]:
    """way → how many times longer it takes in the last than in the first, the median over the cities in both."""
    first, last = sizes[0], sizes[-1]
    return {
        way: median(
            median(last[way][city].cpu) / median(first[way][city].cpu) for city in first[way].keys() & last[way].keys()
        )
        for way in first
    }


def list_phrases(store: Store) -> dict[str, list[str]]:
    """kind → phrases by how many articles hold them. They are cut from sentences, two to four words long, or put
    together from words of two articles: of these most are in none."""
    chance = random.Random(5)
    kinds: dict[str, list[str]] = {"absent": [], "rare": [], "middling": [], "frequent": []}
    last = int(store._value("SELECT max(id) FROM articles"))
    count = "SELECT count(*) FROM (SELECT 1 FROM articles_fts WHERE articles_fts MATCH :match LIMIT 20000)"
    for turn in range(PHRASES * 10):
        if all(len(phrases) == PHRASES for phrases in kinds.values()):
            break
        one, other = (_cut_sentence(store, chance, last) for _ in range(2))
        at = chance.randrange(len(one) - 3)
        phrase = " ".join(one[at : at + chance.choice((2, 2, 3, 4))]) if turn % 3 else f"{one[at]} {other[0]}"
        hits = int(store._value(count, match=write_match(read_terms(f'"{phrase}"'))))
        kind = "absent" if not hits else "rare" if hits < 20 else "middling" if hits < last / 200 else "frequent"
        if len(kinds[kind]) < PHRASES:
            kinds[kind].append(phrase)
    kinds["frequent"] += ["wali kota", "smart city", "kota cerdas", "pemerintah kota", "rapat kerja nasional apeksi"]
    return kinds


def _cut_sentence(store: Store, chance: random.Random, last: int) -> list[str]:
    """The words of a sentence of some article."""
    text = str(store._value("SELECT text FROM articles WHERE id = :id", id=chance.randrange(last) + 1))
    sentences = [words for sentence in re.split(r"[.,\n]", text) if len(words := _WORD.findall(sentence)) > 3]
    return chance.choice(sentences)


def measure_phrases(store: Store) -> dict[str, Spent]:
    """kind → what it costs to find the newest 50 that hold a phrase."""
    return {
        kind: spend([_ask_phrase(store, phrase) for phrase in phrases])
        for kind, phrases in list_phrases(store).items()
        if phrases
    }


def _ask_phrase(store: Store, phrase: str) -> Callable[[], object]:
    match = write_match(read_terms(f'"{phrase}"'))
    search = Search(feeds=(), match=match, since=None, with_archive=False, by_story=False, before=None)
    return lambda: store.walk(search, limit=NEWEST)
