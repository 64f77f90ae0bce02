"""What pages cost: `python -m benchmarks.pages [--articles N] [--keep FOLDER] [--json]`.

A year of made-up news (`benchmarks.archive`). Each kind of page is asked for with many different questions, from the
application itself; measured are CPU time from the request to the bytes, and what a first visit transfers, compressed,
with its style sheets, scripts and pictures. Both are held against the bounds of the design.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import random
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import quote_plus, urljoin

import httpx

from aggregator.models import City
from aggregator.reference import load_provinces
from aggregator.store import Store
from aggregator.web.app import create_app
from aggregator.web.site import SiteInfo
from benchmarks.archive import SOURCES, make_year
from benchmarks.publishing import ARTICLES, NOW, SITE, Maker, measure

CPU_MS_MOST, KILOBYTES_MOST = 60, 150
QUESTIONS = 30  # of each kind
HALF_A_YEAR_AGO = (NOW - timedelta(days=182)).date()
_PARTS = re.compile(r"""<(?:link rel="(?:stylesheet|icon)"|script|img)[^>]*?(?:href|src)="([^"]+)\"""")
Get = Callable[[str], httpx.Response]


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Of one kind of page."""

    spent: Sequence[float]  # milliseconds of CPU, of each question
    kilobytes: float  # the heaviest

    @property
    def p95(self) -> float:
        return quantiles(self.spent, n=20)[-1] if len(self.spent) > 1 else self.spent[0]

    @property
    def is_within(self) -> bool:
        return self.p95 <= CPU_MS_MOST and self.kilobytes <= KILOBYTES_MOST

    def to_json(self) -> dict[str, float | int | bool]:
        return {
            "p50_ms": round(median(self.spent), 2),
            "p95_ms": round(self.p95, 2),
            "max_ms": round(max(self.spent), 2),
            "kb": round(self.kilobytes, 1),
            "questions": len(self.spent),
            "within": self.is_within,
        }


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is in the database, for addresses."""

    stories: Sequence[int]  # the largest ones, then others
    copies: Sequence[tuple[int, int]]  # (story, article that copies another)
    guids: Sequence[str]


def list_questions(maker: Maker, known: Known) -> Iterator[tuple[str, str]]:
    """(kind of page, path with its question)"""
    choose, provinces = random.Random(11), load_provinces()
    for number in range(QUESTIONS):
        common, middling = choose.choice(maker.words[:20]), choose.choice(maker.words[100:1_000])
        rare, city = choose.choice(maker.words[5_000:]), choose.choice(maker.cities)
        topic, days = choose.choice(("apeksi", "smart-city")), choose.choice((7, 30, 90, 365))
        language = "" if number % 2 else "lang=en"
        yield "front", f"/?{language}"
        yield "front, older", f"/?before={quote_plus(choose.choice(known.guids))}"
        yield "front, filtered", f"/?{_choose_filter(choose, city, topic)}"
        yield "story", f"/story/{choose.choice(known.stories)}?{language}"
        yield "edits of a copy", "/story/{}/diff/{}".format(*choose.choice(known.copies))
        yield "cities", f"/cities?{language}"
        yield "city", f"/city/{city.slug}?{language}"
        yield "komwil", f"/komwil/{number % 6 + 1}?{language}"
        yield "province", f"/province/{choose.choice(provinces).slug}?{language}"
        yield "map", f"/map?topic={topic}&days={days}"
        yield "trends", f"/trends?days={days}{choose.choice(('', f'&topic={topic}', f'&city={city.slug}&per=sources'))}"
        four = "&".join(f"city={each.slug}" for each in choose.sample(maker.cities, 4))
        yield "trends, four lines", f"/trends?{four}&since={HALF_A_YEAR_AGO}&step=day"
        yield "search, common", f"/search?q={common}"
        yield "search, words", f"/search?q={common}+{middling}&city={city.slug}"
        yield "search, rare", f"/search?q={rare}"
        yield "search, phrase", f'/search?q="{"+".join(maker.make_title().split()[2:4])}"'
        yield "sources", f"/sources?{language}"
        yield "source", f"/source/portal-{choose.randrange(SOURCES)}?{language}"
        yield "status", f"/status?{language}"
        yield "data", f"/data?{language}"
        yield "api", f"/api?{language}"
        yield "feeds", f"/feeds?{language}"
        yield "feeds, found", f"/feeds?q={middling}&topic={topic}"
        yield "kliping", f"/kliping?city={city.slug}&{language}"
        yield "kliping, a week", f"/kliping?q={common}&days=7&{language}"
        yield "missing", f"/tidak/{number}"
    yield from (("largest stories", f"/story/{story}") for story in known.stories[:QUESTIONS])


def _choose_filter(choose: random.Random, city: City, topic: str) -> str:
    slug = city.slug
    return choose.choice((f"city={slug}", f"topic={topic}", f"city={slug}&topic={topic}", "komwil=4&since=7d"))


def measure_pages(database: Path) -> dict[str, Figures]:
    """kind → figures. What the client of the test costs is not in them."""
    with Store.open_reader(database) as store:
        known = Known(
            stories=[row["id"] for row in store._rows(_STORIES)],  # noqa: SLF001
            copies=[(row["story_id"], row["id"]) for row in store._rows(_COPIES)],  # noqa: SLF001
            guids=[row["guid"] for row in store._rows(_GUIDS)],  # noqa: SLF001
        )
    app = create_app(database=database, public=database.parent / "public", site=SiteInfo(url=SITE), clock=lambda: NOW)
    gc.freeze()  # as the server does
    with asyncio.Runner() as runner:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=SITE)
        return time_pages(lambda path: runner.run(client.get(path)), list_questions(Maker(), known))


_GUIDS = "SELECT guid FROM duplicate_groups ORDER BY id % 101, id LIMIT 500"
_COPIES = """
    SELECT g.story_id, a.id FROM duplicate_groups AS g
    JOIN articles AS a ON a.group_id = g.id AND a.id <> g.canonical_id
    ORDER BY a.id % 101, a.id LIMIT 500
"""
_STORIES = """
    SELECT g.story_id AS id FROM duplicate_groups AS g JOIN articles AS a ON a.group_id = g.id
    GROUP BY g.story_id ORDER BY count(*) DESC LIMIT 500
"""


def time_pages(get: Get, questions: Iterable[tuple[str, str]]) -> dict[str, Figures]:
    spent: dict[str, list[float]] = {}
    weights: dict[str, float] = {}

    @cache
    def weigh_part(url: str) -> int:
        return get(url).num_bytes_downloaded

    overhead = measure(lambda: get("/static/icon.svg"))
    for kind, path in questions:
        if kind not in spent:  # the first visitor of a fresh process has templates and words read
            get(path)
        began = time.process_time()
        answer = get(path)
        ms = (time.process_time() - began) * 1000 - overhead
        if answer.status_code != (404 if kind == "missing" else 200):
            raise SystemExit(f"{path}: {answer.status_code}")
        spent.setdefault(kind, []).append(ms)
        parts = {urljoin(path, url) for url in _PARTS.findall(answer.text)}
        kilobytes = (answer.num_bytes_downloaded + sum(map(weigh_part, parts))) / 1000
        weights[kind] = max(weights.get(kind, 0), kilobytes)
    return {kind: Figures(spent=found, kilobytes=weights[kind]) for kind, found in spent.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a line for each kind of page, and at the end all as JSON. Returns 1 where one is beyond its bounds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--articles", type=int, default=ARTICLES, help=f"in the year ({ARTICLES})")
    parser.add_argument("--keep", type=Path, help="a folder for the database: made there once, used again")
    parser.add_argument("--json", action="store_true", help="the figures alone, as JSON")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="kabarkota-bench-") as name:
        database = (options.keep or Path(name)) / f"{options.articles}" / "news.db"
        if not database.exists():
            unfinished = Path(name) / "unfinished" / "news.db"
            unfinished.parent.mkdir()
            make_year(unfinished, options.articles)
            database.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(unfinished, database)
        figures = measure_pages(database)
    if not options.json:
        print(
            f"{'page':<18}{'p50 ms':>9}{'p95 ms':>9}{'max ms':>9}{'kB':>8}   <= {CPU_MS_MOST} ms, {KILOBYTES_MOST} kB"
        )
        for kind, found in figures.items():
            row = found.to_json()
            cells = f"{row['p50_ms']:>9.1f}{row['p95_ms']:>9.1f}{row['max_ms']:>9.1f}{row['kb']:>8.1f}"
            print(f"{kind:<18}{cells}   {'met' if found.is_within else 'missed'}")
    print(json.dumps({"articles": options.articles, **{kind: found.to_json() for kind, found in figures.items()}}))
    return 0 if all(found.is_within for found in figures.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
