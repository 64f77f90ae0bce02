"""B2, B3, B5, B6: polls and pages in a service that runs (`warm_cycles`), and the peers over the same portals."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.contests import BenchmarkError, Contest, Figure, Run, check_done
from benchmarks.crawls import CRAWL_PEER, Sides
from benchmarks.fetching import HERE, run_floor
from benchmarks.functions import RUN_MODULE
from benchmarks.loops import ZONE
from benchmarks.material import NOW, read_index
from benchmarks.origin import Item, Portal, make_item, serve_plan
from benchmarks.quality.measure import combine, compare_texts
from benchmarks.topical import WORD, list_texts, write_full_text
from crawler.extraction import extract_article

WINDOW = 30  # entries of a feed
WARM_UP = 2  # articles of each portal before it counts
FEED_FIGURES = (
    Figure(
        id="B2",
        what="an unchanged feed, from the poll to its next date",
        peer="reader",
        unit="feed",
        ours="ours.unchanged",
        theirs="peer.unchanged",
        floor="floor, unchanged",
        target=0.6,
    ),
    Figure(
        id="B3",
        what="a changed feed of 30 entries, one new and on topic with its full text, from the poll to the row",
        peer="reader",
        unit="feed",
        ours="ours.changed",
        theirs="peer.changed",
        floor="floor, changed",
        target=0.25,
        also={"published_ms": "ours.changed, published"},
    ),
)
ON_TOPIC = Figure(
    id="B5",
    what="a page on topic, from the network to the row",
    peer=CRAWL_PEER,
    unit="page",
    ours="ours.on_topic",
    theirs="peer",
    floor="floor",
    target=0.25,
    also={"published_ms": "ours.on_topic, published"},
)
OFF_TOPIC = Figure(
    id="B6",
    what="a page off topic, from the network to the record",
    peer="ours of B5",
    unit="page",
    ours="off.off_topic",
    theirs="ours.on_topic",
    floor="floor",
    target=0.4,
)


# ── feeds ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def make_feed_items(texts: Sequence[Mapping[str, Any]], feed: int, *, feeds: int, known: int, fresh: int) -> list[Item]:
    """The entries of one of the feeds, each with its full text: so many that are known, then those that come. What
    comes is on topic, and another text at every feed for as long as there are enough."""
    now = datetime.now(UTC)
    items = []
    for number in range(known + fresh):
        is_fresh = number >= known
        place = feed + (number - known) * feeds if is_fresh else feed * 7 + number
        page = texts[place % len(texts)]
        items.append(
            Item(
                path=f"/berita/{number}-{place}.html",
                title=WORD + page["title"] if is_fresh else page["title"],
                summary=page["summary"],
                published=(now - timedelta(minutes=10 * (known + fresh - number))).isoformat(timespec="seconds"),
                content=write_full_text(page),
            )
        )
    return items


@contextmanager
def contest_feeds(folder: Path, material: Path, *, feeds: int, times: int, has_floor: bool) -> Iterator[Contest]:
    """The contest, while its portals run."""
    texts = list_texts(read_index(material)["pages"])
    dealt = [make_feed_items(texts, feed, feeds=feeds, known=WINDOW, fresh=times) for feed in range(feeds)]
    with serve_plan(material, dealt, shown=WINDOW, window=WINDOW) as portals:
        steps = [
            {
                "name": "unchanged",
                "publish": "",
                "times": times * 2,
                "units": feeds,
                "expect": {"polls_unchanged": feeds},
            },
            {
                "name": "changed",
                "publish": "publish?count=1&step=1",
                "times": times,
                "units": feeds,
                "expect": {"articles": feeds},
            },
        ]
        order = write_order(folder / "feeds", portals, dealt, steps)
        runs = {
            "ours": run_cycles(order),
            "peer": Run(
                command=(sys.executable, "-P", str(HERE / "reader_peer.py"), str(order)),
                read_units=lambda printed: feeds,
                is_self_timed=True,
            ),
        }
        if has_floor:
            for name, kind, step in (("unchanged", "polls", steps[0]), ("changed", "changes", steps[1])):
                runs[f"floor, {name}"] = run_floor(kind, _add(order, name, step), feeds * step["times"])
        yield Contest(runs=runs, figures=FEED_FIGURES)


def _add(order: Path, name: str, step: Mapping[str, Any]) -> Path:
    """The order with a step's publishing and times in it, for the floor."""
    file = order.with_name(f"floor-{name}.json")
    asked = json.loads(order.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**asked, "publish": step["publish"], "times": step["times"]}), encoding="utf-8")
    return file


# ── pages ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def contest_pages(
    folder: Path,
    material: Path,
    *,
    topical: Sequence[Mapping[str, Any]],
    plain: Sequence[Mapping[str, Any]],
    portals: int,
    has_floor: bool,
) -> Iterator[Contest]:
    """The contest, while its portals run: those of pages on topic, and those of others.

    Raises BenchmarkError where there are too few.
    """
    each = min(len(topical), len(plain)) // portals - WARM_UP
    if each < 1:
        raise BenchmarkError(f"{len(topical)} pages on topic and {len(plain)} others are too few")
    dealt = [[list(map(make_item, chosen[n::portals])) for n in range(portals)] for chosen in (topical, plain)]
    with (
        serve_plan(material, [items[: WARM_UP + each] for items in dealt[0]], shown=0, window=WINDOW * 10) as on,
        serve_plan(material, [items[: WARM_UP + each] for items in dealt[1]], shown=0, window=WINDOW * 10) as off,
    ):
        count = each * portals
        orders = {
            name: write_order(folder / name, running, (), _page_steps(name, each, portals, expect))
            for name, running, expect in (("on_topic", on, "articles"), ("off_topic", off, "off_topic"))
        }
        fresh = [items[WARM_UP : WARM_UP + each] for items in dealt[0]]
        urls = [[portal.base + item.path for item in items] for portal, items in zip(on, fresh, strict=True)]
        (folder / "floor.json").write_text(json.dumps({"hosts": urls}), encoding="utf-8")
        sides = Sides(folder / "peer", on)
        ready = f"publish?count={WARM_UP + each}&step=1"
        runs = {
            "ours": run_cycles(orders["on_topic"]),
            "peer": sides.run_peer(
                "pages",
                expect=lambda printed: check_done("the peer", json.loads(printed)["rows"], count + WARM_UP * portals),
                told=(on[0], ready),
                is_self_timed=True,
            ),
            "off": run_cycles(orders["off_topic"]),
        }
        if has_floor:
            runs["floor"] = run_floor("pages", folder / "floor.json", count)
        yield Contest(runs=runs, figures=(ON_TOPIC, OFF_TOPIC))


def _page_steps(name: str, each: int, portals: int, expect: str) -> list[dict[str, Any]]:
    return [
        {
            "name": "",
            "publish": f"publish?count={WARM_UP}&step=1",
            "times": 1,
            "units": 1,
            "expect": {expect: WARM_UP * portals},
        },
        {
            "name": name,
            "publish": f"publish?count={each}&step=1",
            "times": 1,
            "units": each * portals,
            "expect": {expect: each * portals},
        },
    ]


def measure_body_f1(material: Path, pages: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """How well both sides read the bodies of pages with a label."""
    import trafilatura

    ours, theirs = [], []
    for page in pages:
        if not page["text"]:
            continue
        body = (material / page["file"]).read_bytes()
        ours.append(compare_texts(page["text"], extract_article(body, page["url"], zone=ZONE, now=NOW).text))
        found = trafilatura.bare_extraction(body, url=page["url"], with_metadata=True)
        theirs.append(compare_texts(page["text"], getattr(found, "text", None) or ""))
    return {"body_f1": _average(ours), "peer_body_f1": _average(theirs)}


def _average(overlaps: Sequence[Any]) -> float:
    precision = fmean(each.precision for each in overlaps if each.precision is not None)
    return combine(precision, fmean(each.recall for each in overlaps if each.recall is not None))


# ── orders ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def write_order(
    folder: Path, portals: Sequence[Portal], known: Sequence[Sequence[Item]], steps: Sequence[Mapping[str, Any]]
) -> Path:
    """The order of `warm_cycles`, with all that it needs, in the folder."""
    sides = Sides(folder, portals)
    order = {
        "data": str(folder / "data"),
        "catalogue": str(sides.catalogue),
        "configuration": str(sides.configuration),
        "control": f"{portals[0].base}/-/",
        "feeds": [portal.feed for portal in portals],
        "known": [
            (portal.slug, portal.base + item.path)
            for portal, items in zip(portals, known, strict=False)
            for item in items[: portal.entries]
        ],
        "steps": steps,
    }
    file = folder / "order.json"
    file.write_text(json.dumps(order), encoding="utf-8")
    return file


def run_cycles(order: Path) -> Run:
    return Run(
        command=(*RUN_MODULE, "benchmarks.warm_cycles", str(order)),
        prepare=partial(shutil.rmtree, order.with_name("data"), ignore_errors=True),
        read_units=lambda printed: 1,
        is_self_timed=True,
    )
