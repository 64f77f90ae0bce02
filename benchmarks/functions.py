"""Contests of single functions, each run in a fresh process of `loops`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.contests import Contest, Figure, Run
from benchmarks.material import read_index

ROOT = Path(__file__).resolve().parent.parent

# `-m` looks in the current folder, which is not ours while we measure.
RUN_MODULE = (
    *(sys.executable, "-P", "-c"),
    f"""import sys; sys.path.insert(0, {str(ROOT)!r})
from importlib import import_module; import_module(sys.argv[1]).main(*sys.argv[2:])""",
)

FIGURES = {
    "channel_parse": Figure(
        id="B4",
        what="a feed into links (`parse_channel`), with the same addresses, titles, guids and dates",
        peer="feedparser",
        unit="feed",
        ours="ours",
        theirs="peer",
        floor="floor",
        target=0.1,
    ),
    "extract": Figure(
        id="extract",
        what="a page into an article with title, authors and dates (`extract_article`)",
        peer="trafilatura with metadata",
        unit="page",
        ours="ours",
        theirs="peer",
    ),
    "dates": Figure(
        id="dates",
        what="a printed date into an instant (`parse_date`)",
        peer="dateparser",
        unit="date",
        ours="ours",
        theirs="peer",
    ),
}
_MATERIAL = {"channel_parse": "channels", "extract": "pages", "dates": "dates"}


def make_function_contest(name: str, material: Path, *, most: int) -> Contest:
    """Ours against the peer over (at most so many of) the material's pages, feeds or dates."""
    count = min(most, len(read_index(material)[_MATERIAL[name]]))
    sides = ("ours", "peer", "floor") if FIGURES[name].floor else ("ours", "peer")
    runs = {side: _run(name, side, material, count) for side in sides}
    return Contest(runs=runs, figures=(FIGURES[name],))


def _run(name: str, side: str, material: Path, count: int) -> Run:
    return Run(
        command=(*RUN_MODULE, "benchmarks.loops", name, side, str(material), str(count)),
        read_units=lambda printed: int(json.loads(printed)["units"]),
        is_self_timed=True,
    )
