"""docs/analysis.ipynb: its cells run over a fresh demo, and what it says holds against the tables themselves.

What is stored is looked at by the fast suite; to gather the week and run the cells is slow.
"""

from __future__ import annotations

import ast
import base64
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from demo_week import make_demo_week

from aggregator.schema.views import load_views

REASON = "the notebook needs the extra `analysis`"
for needed in ("ipykernel", "matplotlib", "pandas", "nbclient"):
    pytest.importorskip(needed, reason=REASON)
notebook_room = pytest.importorskip("notebook_room", reason=REASON)

EXPLAINING = {"schema_docs", "labels", "database_info"}
LATEST = "run `make notebook`"


executed = pytest.mark.slow  # uses `room`


class Room:
    """The notebook as it runs now, and the database under it."""

    def __init__(self, folder: Path) -> None:
        self.database = make_demo_week(folder).database
        self.fresh = notebook_room.execute(notebook_room.read_notebook(), self.database)
        self.sentences = notebook_room.list_outputs(self.fresh, "text/markdown")
        with closing(sqlite3.connect(f"{self.database.as_uri()}?mode=ro", uri=True)) as db:
            db.row_factory = sqlite3.Row
            self.articles = self._read_articles(db)
            polled = db.execute("SELECT DISTINCT day_wib, source_id, answered FROM source_days WHERE polls > 0")
            self.polled = [tuple(row) for row in polled]
            self.days = {day for day, _, _ in self.polled}
            self.cities = db.execute(
                "SELECT ar.article_id, r.slug FROM article_regions AS ar JOIN regions AS r ON r.code = ar.code"
                " WHERE ar.role = 'event' AND r.kind = 'city'"
            ).fetchall()
            (self.revisions,) = db.execute("SELECT count(*) FROM article_revisions").fetchone()

    def _read_articles(self, db: sqlite3.Connection) -> dict[int, dict[str, Any]]:
        """By id, with the day of WIB, whether it stands for its group, and its source's kind; all groups are told."""
        rows = db.execute(
            "SELECT a.*, g.canonical_id = a.id AS is_news, s.kind FROM articles AS a JOIN sources AS s"
            " ON s.id = a.source_id JOIN duplicate_groups AS g ON g.id = a.group_id WHERE g.withdrawn_at IS NULL"
        )
        return {row["id"]: {**dict(row), "day": to_wib(row["published_at"])} for row in rows}

    def says(self, sentence: str) -> bool:
        return any(sentence in said for said in self.sentences)


def tell_day(day: str) -> str:
    return f"{date.fromisoformat(day).day} {date.fromisoformat(day):%b}"


def to_wib(instant: str) -> str:
    return (datetime.fromisoformat(instant) + timedelta(hours=7)).date().isoformat()


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    return Room(tmp_path_factory.mktemp("notebook"))


@pytest.fixture(scope="module")
def stored() -> Any:
    return notebook_room.read_notebook()


@executed
def test_every_cell_runs_and_complains_of_nothing(room: Room) -> None:
    outputs = [output for cell in room.fresh.cells for output in cell.get("outputs", ())]
    assert {output.output_type for output in outputs} <= {"display_data", "execute_result"}
    assert len(notebook_room.list_outputs(room.fresh, "text/html")) >= 5


def test_outputs_are_stored(stored: Any) -> None:
    cells = [cell for cell in stored.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1)), LATEST
    outputs = [output for cell in cells for output in cell.outputs]
    assert {output.output_type for output in outputs} <= {"display_data", "execute_result"}
    assert len(notebook_room.list_outputs(stored, "text/html")) >= 5
    told = "\n".join(notebook_room.list_outputs(stored, "text/markdown"))
    for sentence in (
        r"\*\*\d+ pieces of news\*\* in \d+ articles were published",
        r"\*\*\d+ of 98\*\* member cities were in the news",
        r"\*\*\d+ of \d+\*\* articles on the sites of city governments were carried",
        r"\*\*\d+ of \d+\*\* articles \(\d+%\) are copies",
        r"\*\*\d+ of \d+\*\* articles tell the hour",
    ):
        assert re.search(sentence, told), sentence


def test_pictures_are_small_and_told_in_words(stored: Any) -> None:
    pictures = [base64.b64decode(picture) for picture in notebook_room.list_outputs(stored, "image/png")]
    assert len(pictures) >= 5
    assert max(map(len, pictures)) <= 60_000
    assert notebook_room.NOTEBOOK.stat().st_size <= 500_000
    shown = [o for cell in stored.cells for o in cell.get("outputs", ()) if "image/png" in o.data]
    assert all(len(output.metadata["image/png"]["alt"]) > 40 for output in shown)


@executed
def test_what_is_stored_is_what_the_cells_give(room: Room, stored: Any) -> None:
    assert notebook_room.list_outputs(stored, "text/markdown") == room.sentences, LATEST
    for kept, fresh in zip(stored.cells, room.fresh.cells, strict=True):
        kinds = [[sorted(output.data) for output in cell.get("outputs", ())] for cell in (kept, fresh)]
        assert kinds[0] == kinds[1], (kept.id, LATEST)


def test_no_machine_and_no_time_is_told_of(stored: Any) -> None:
    assert stored.metadata == notebook_room.METADATA
    assert all(cell.metadata == {} for cell in stored.cells)
    assert not re.search(
        r"/(?:home|root|tmp|work|Users)/|[A-Z]:\\\\", notebook_room.NOTEBOOK.read_text(encoding="utf-8")
    )


def test_questions_are_asked_of_views_alone(stored: Any) -> None:
    questions = list(find_questions(stored))
    assert len(questions) >= 12
    told = [question for question in questions if not re.search(r"FROM (?:schema_docs|database_info)", question)]
    assert [question for question in told if ":since" not in question and ":most_days" not in question] == []
    for question in questions:
        bare = re.sub(r"'[^']*'", "''", question)
        own = set(re.findall(r"(?:WITH|,)\s+(\w+) AS \(", bare))
        asked = set(re.findall(r"\b(?:FROM|JOIN)\s+(\w+)", bare))
        assert asked <= {*load_views(), *EXPLAINING, *own}
        assert not re.search(r"\bFROM\s+\w+(?:\s+AS\s+\w+)?\s*,", bare)  # no further table behind a comma


def find_questions(notebook: Any) -> Iterator[str]:
    """The SQL that its cells hand to `ask`."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "ask":
                    assert isinstance(node.args[0], ast.Constant)
                    yield str(node.args[0].value)


@executed
def test_the_first_answer_holds(room: Room) -> None:
    told = [article for article in room.articles.values() if article["day"] in room.days]
    news = Counter(article["day"] for article in told if article["is_news"])
    assert room.says(f"**{news.total()} pieces of news** in {len(told)} articles were published")
    quiet = min(room.days, key=lambda day: (news[day], day))
    working = sum(answered > 0 for day, _, answered in room.polled if day == quiet)
    asked = sum(day == quiet for day, _, _ in room.polled)
    assert room.says(f"{tell_day(quiet)} with **{news[quiet]}**; {working} of {asked} sources answered on it")
    found = Counter(to_wib(article["first_seen_at"]) for article in room.articles.values())
    (busy, count), *_ = found.most_common(1)
    same = sum(a["day"] == busy == to_wib(a["first_seen_at"]) for a in room.articles.values())
    assert room.says(f"{tell_day(busy)} had **{count}** articles; only **{same}** of them were published on it")
    assert room.says(f"backfill brought **{sum(a['backfilled'] for a in room.articles.values())}** articles")


@executed
def test_the_second_answer_holds(room: Room) -> None:
    news: defaultdict[str, set[int]] = defaultdict(set)
    for article_id, city in room.cities:
        if article_id in room.articles and room.articles[article_id]["day"] in room.days:
            news[city].add(article_id)
    assert room.says(f"**{len(news)} of 98** member cities were in the news")
    most = max(sum(room.articles[article]["is_news"] for article in found) for found in news.values())
    assert room.says(f"leads with {most} pieces of news")


@executed
def test_the_third_and_the_fourth_answer_hold(room: Room) -> None:
    articles = [article for article in room.articles.values() if article["day"] in room.days]
    releases = [article for article in articles if article["kind"] == "city-government"]
    taken = [
        (release, other)
        for release in releases
        for other in articles
        if other["group_id"] == release["group_id"] and other["source_id"] != release["source_id"]
    ]
    carried = {release["id"] for release, _ in taken}
    assert len(carried) >= 2
    assert room.says(f"**{len(carried)} of {len(releases)}** articles on the sites of city governments were carried")
    own = sum(release["title"].lower() != other["title"].lower() for release, other in taken)
    assert room.says(f"**{own} of {len(taken)}** wrote their own headline")
    copies = sum(not article["is_news"] for article in articles)
    assert room.says(f"**{copies} of {len(articles)}** articles ({copies / len(articles):.0%}) are copies")


@executed
def test_the_fifth_answer_holds(room: Room) -> None:
    articles = [article for article in room.articles.values() if article["day"] >= min(room.days)]
    with_hour = sum(article["published_precision"] in ("second", "minute") for article in articles)
    assert room.says(f"**{with_hour} of {len(articles)}** articles tell the hour")
    assert room.says(f"**{sum(bool(article['author']) for article in articles)}** are signed by an author")
    assert room.revisions == 3
    assert room.says(f"**{room.revisions}** articles were found changed by their portals")
