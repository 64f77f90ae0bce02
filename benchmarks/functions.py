"""Contests of single functions, each run in a fresh process of `loops`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.contests import Contest, Figure, Run
from benchmarks.material import read_index

ROOT = Path(__file__).resolve().parent.parent

FIGURES = {
    "channel_parse": Figure(
        id="channel_parse",
        what="a feed into links (`parse_channel`)",
        peer="feedparser",
        unit="feed",
        ours="ours",
        theirs="peer",
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
    runs = {side: _run(name, side, material, count) for side in ("ours", "peer")}
    return Contest(runs=runs, figures=(FIGURES[name],))


def _run(name: str, side: str, material: Path, count: int) -> Run:
    # `-m` looks in the current folder, which is not ours while we measure
    start = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from benchmarks.loops import main; main(*sys.argv[1:])"
    return Run(
        command=(sys.executable, "-c", start, name, side, str(material), str(count)),
        read_units=lambda printed: int(json.loads(printed)["units"]),
        is_self_timed=True,
    )
