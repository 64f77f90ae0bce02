"""What Datasette is told and shows, worked out without it: questions, metadata, charts, what may be read."""

from __future__ import annotations

import json
import re
import sqlite3
from datetime import UTC, date, datetime
from typing import Any

import pytest
from newsdesk import Newsroom

from aggregator.analysis.csv_cells import disarm
from aggregator.analysis.figures import BARS_MOST, STEPS_MOST, Bars, draw_figure
from aggregator.analysis.guard import is_impostor, make_authorizer
from aggregator.analysis.metadata import DATABASE, SMALL, Withheld, build_metadata, list_withheld
from aggregator.models import Language
from aggregator.publish.describing import Publisher
from aggregator.questions import ChartPlan, find_today, load_queries
from aggregator.reference import read_toml
from aggregator.schema.describing import DescribedRelation
from aggregator.schema.views import load_views
from aggregator.snapshot_rows import PARTS
from aggregator.store import Store
from aggregator.web.charts import Chart
from aggregator.web.texts import get_texts

TEXTS = get_texts(Language.ENGLISH)


# ── questions ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_questions_have_what_their_places_need() -> None:
    queries = load_queries()
    assert len({query.name for query in queries}) == len({query.title for query in queries}) == len(queries)
    assert len([query for query in queries if query.parameters]) >= 10
    for query in queries:
        assert re.fullmatch(r"[a-z-]+", query.name)
        assert "LIMIT" in query.sql
        assert ";" not in query.sql
        assert not re.search(r":[a-z]", query.filled)
    used = {each.name for query in queries for each in query.parameters}
    assert used == set(read_toml("queries.toml")["parameters"])


def test_defaults_are_days_of_today_in_jakarta_and_quoted_texts() -> None:
    known = {each.name: each for query in load_queries() for each in query.parameters}
    today = find_today(datetime(2026, 11, 27, 17, 30, tzinfo=UTC))
    assert today == date(2026, 11, 28)
    assert known["since"].tell_default(today) == "2026-10-29"
    assert known["words"].tell_default(today) == '"wali kota" AND apeksi'
    assert (known["until"].as_sql, known["since"].as_sql) == (
        "date('now', '+7 hours')",
        "date('now', '+7 hours', '-30 days')",
    )
    assert known["city"].as_sql == "'kota-gorontalo'"


# ── metadata ───────────────────────────────────────────────────────────────────────────────────────────────────────


def build(schema: tuple[DescribedRelation, ...], *, articles: int = 10, withheld: Withheld | None = None) -> Any:
    publisher = Publisher(site_url="https://kabar.example/", name="Kabar <Kota>")
    return build_metadata(
        schema,
        load_queries(),
        publisher,
        articles=articles,
        withheld=list_withheld() if withheld is None else withheld,
    )


def test_everything_that_is_shown_is_in_the_database(newsroom: Newsroom) -> None:
    schema = newsroom.store.get_schema_docs()
    columns = {each.name: {column.name for column in each.columns} for each in schema}
    shown: dict[str, dict[str, Any]] = read_toml("datasette.toml")["relations"]
    assert set(load_views()) <= set(shown) <= set(columns)
    for name, row in shown.items():
        used = {*row.get("facets", []), *row.get("small_facets", [])} | {
            row[key] for key in ("sort_desc", "search", "label") if key in row
        }
        assert used <= columns[name], name
    withheld = list_withheld()
    assert withheld.open is not None
    assert {name for name in withheld.open if not name.startswith("articles_fts_")} <= set(columns)
    assert {pair for pair in withheld.columns if pair[0] != "articles_fts_data"} <= {
        (name, column) for name in columns for column in columns[name]
    }


def test_metadata_is_plain_json_and_hides_what_is_of_no_use(newsroom: Newsroom) -> None:
    schema = newsroom.store.get_schema_docs()
    told = json.loads(json.dumps(build(schema)))
    tables = told["databases"][DATABASE]["tables"]
    assert (told["title"], told["about_url"]) == ("Kabar <Kota>: basis data / database", "https://kabar.example/data")
    assert tables["news"]["columns"]["published_wib"].startswith("the same in WIB (UTC+7)")
    assert tables["news"]["facets"]
    assert "facets" not in build(schema, articles=SMALL + 1)["databases"][DATABASE]["tables"]["news"]
    assert tables["boilerplate"] == tables["story_terms"] == {"hidden": True, "allow": False}
    assert tables["takedowns"] == {"hidden": True, "allow": False}
    assert not {name for name, row in tables.items() if row.get("hidden")} & set(load_views())
    everything = build(schema, withheld=Withheld())["databases"][DATABASE]
    assert "allow" not in everything["tables"]["takedowns"]
    assert "Full texts are not shown" not in everything["description_html"]


# ── charts ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def draw(columns: str, *rows: tuple[Any, ...], plan: ChartPlan | None = None) -> Chart | Bars | None:
    return draw_figure(columns.split(), rows, TEXTS, title="T\x00", plan=plan)


def test_days_are_drawn_with_gaps_where_a_day_is_not_known() -> None:
    chart = draw("day news articles", ("2026-11-03", 4, 5), ("2026-11-01", 1, None))
    assert isinstance(chart, Chart)
    unknown = TEXTS["chart_no_data"]
    assert [row.iso for row in chart.rows] == ["2026-11-01", "2026-11-02", "2026-11-03"]
    assert [row.cells for row in chart.rows] == [("1", unknown), (unknown, unknown), ("4", "5")]
    assert [series.name for series in chart.series] == ["news", "articles"]
    assert chart.blanks
    assert not chart.gaps  # nothing is said of sources


@pytest.mark.parametrize("working", ["sources_working", "other"])
def test_only_an_answer_that_counts_sources_says_that_there_were_none(working: str) -> None:
    plan = ChartPlan(x="day", y=("news",), series="name")
    days = [
        ("2026-11-01", "A", 4, 3),
        ("2026-11-01", "B", None, 3),
        ("2026-11-02", "A", 0, None),
        ("2026-11-03", "A", 0, 0),
    ]
    chart = draw(f"day name news {working}", *days, ("2026-11-04", "A", 2, None), ("2026-11-06", "B", 1, 2), plan=plan)
    assert isinstance(chart, Chart)
    cells = [row.cells for row in chart.rows]
    unknown = TEXTS["chart_no_data"]
    assert cells[4:] == [(unknown, unknown), ("0", "1")]
    if working == "other":
        assert cells[:4] == [("4", unknown), ("0", "0"), ("0", "0"), ("2", "0")]
        assert (chart.gaps, len(chart.blanks)) == ((), 1)
    else:
        assert cells[:4] == [("4", "0"), (unknown, unknown), (unknown, unknown), ("2", unknown)]
        assert [gap for gap, _ in chart.gaps] == [16.667]
        assert [blank for blank, _ in chart.blanks] == [66.667]


def test_lines_of_one_column_are_told_apart_in_the_reader_s_language() -> None:
    plan = ChartPlan(x="month", y=("news",), series="name_id")
    rows = [("2025-12", "Kota cerdas", "Smart city", 3), ("2026-02", "Kota cerdas", "Smart city", 1)]
    rows += [("2026-02", f"T{number}", f"E{number}", 5 - number) for number in range(5)]
    chart = draw("month name_id name_en news", *rows, plan=plan)
    assert isinstance(chart, Chart)
    assert [row.iso for row in chart.rows] == ["2025-12-01", "2026-01-01", "2026-02-01"]
    assert [series.name for series in chart.series] == ["E0", "Smart city", "E1", "E2"]  # the four that say most


def test_names_are_drawn_as_bars() -> None:
    bars = draw("name news", ("Kota <b>Ambon\x00", 1200), ("Batu", 300), *((f"x{number}", 1) for number in range(40)))
    assert isinstance(bars, Bars)
    assert [(bar.name, bar.value, bar.width) for bar in bars.bars[:2]] == [
        ("Kota <b>Ambon", "1,200", 100),
        ("Batu", "300", 25),
    ]
    assert len(bars.bars) == BARS_MOST


@pytest.mark.parametrize(
    ("columns", "rows"),
    [
        ("name news", []),
        ("name news", [("a", 0)]),
        ("name news", [("a", "1")]),
        ("name news", [("a", -1)]),
        ("name news", [("a", float("inf"))]),
        ("name news", [(None, 1), ("b", 2)]),
        ("name news articles", [("a", 1, 2)]),
        ("news", [(1,)]),
        ("day day", [("2026-11-01", 1), ("2026-11-02", 1)]),
        ("day news", [("2026-11-01", 1)]),
        ("day news", [("2026-02-30", b"x"), ("2026-11-02", 1)]),
        ("day a b c d e", [("2026-11-01", 1, 1, 1, 1, 1), ("2026-11-02", 1, 1, 1, 1, 1)]),
        ("day news", [("0001-01-01", 1), ("9999-12-31", 1)]),
        ("month news", [("0001-01", 1), ("9999-12", 1)]),
        ("day news", [("2026-11-01", 1e308), ("2026-11-02", 1)]),
    ],
)
def test_what_is_no_chart_is_not_drawn(columns: str, rows: list[tuple[Any, ...]]) -> None:
    assert STEPS_MOST < 365 * 9998
    assert draw(columns, *rows) is None


# ── what a stranger may read ───────────────────────────────────────────────────────────────────────────────────────


def test_with_nothing_withheld_texts_are_read_and_writing_is_not(newsroom: Newsroom) -> None:
    newsroom.publish_at("portal", "kabar", ["APEKSI dan wali kota bertemu di Gorontalo untuk kota cerdas."])
    with Store.open_reader(newsroom.folder / "news.db") as store:
        connection = store._connection
        connection.set_authorizer(make_authorizer(Withheld()))
        assert connection.execute("SELECT text FROM articles WHERE text NOT NULL").fetchall()
        assert connection.execute("SELECT count(*) FROM takedowns").fetchall()
        for sql in (
            "ATTACH ':memory:' AS x",
            "PRAGMA user_version",
            "CREATE TEMP VIEW x AS SELECT 1",
            "BEGIN",
            "ANALYZE",
        ):
            with pytest.raises(sqlite3.DatabaseError, match=r"not authorized|prohibited"):
                connection.execute(sql)


def test_a_new_table_is_closed_until_somebody_lists_it(newsroom: Newsroom) -> None:
    newsroom.publish_at("portal", "kabar", ["APEKSI dan wali kota bertemu di Gorontalo untuk kota cerdas."])
    newsroom.store._connection.execute("CREATE TABLE brand_new (word TEXT)")
    with Store.open_reader(newsroom.folder / "news.db") as store:
        connection = store._connection
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        connection.set_authorizer(make_authorizer(list_withheld()))
        closed = set()
        for name in names:
            try:
                connection.execute(f"SELECT * FROM {name}").fetchone()
            except sqlite3.DatabaseError:
                closed.add(name)
        assert {"brand_new", "story_terms", "links", "takedowns", "postings"} <= closed
        assert closed.isdisjoint(PARTS)
        for view in load_views():
            connection.execute(f"SELECT * FROM {view}").fetchone()
        assert connection.execute("SELECT summary FROM article_overview").fetchone()[0] is not None
        assert connection.execute("SELECT summary FROM articles").fetchone()[0] is None


def test_tables_in_csv_hold_no_formulas() -> None:
    told = disarm(b'name,n\r\n=1+1,-5\r\n"a\n""b""",@x\r\n-1e3,+62 811\r\n')
    assert told.decode() == 'name,n\r\n\'=1+1,-5\r\n"a\n""b""",\'@x\r\n-1e3,\'+62 811\r\n'


@pytest.mark.parametrize(
    ("sql", "is_one"),
    [
        ("SELECT * FROM revisions", False),
        ("WITH x AS (SELECT 1) SELECT * FROM news", False),
        ("SELECT width FROM revisions", False),
        ('wItH "Revisions" AS (SELECT 1) SELECT 1', True),
        ("SELECT * FROM (WITH/**/[revisions](a) AS (SELECT 1) SELECT * FROM revisions)", True),
        ("SELECT * FROM revisions, (with\nx as (select 1) select * from x)", False),
        ("WITH x AS (SELECT * FROM article_overview AS a) SELECT * FROM article_overview", False),
        ("WITH x AS (SELECT 1), `article_overview`\n(a, b) as (SELECT 1) SELECT 1", True),
        ("WITH article_overview/* */AS (SELECT 1) SELECT 1", True),
        ("WITH article_overview AS NOT MATERIALIZED (SELECT 1) SELECT 1", True),
    ],
)
def test_an_impostor_is_found(sql: str, is_one: bool) -> None:
    assert is_impostor(sql) is is_one
