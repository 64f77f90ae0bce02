"""The schema as analysts see it: every view works, every column is described, and the writer keeps them up to date."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from aggregator.reference import read_toml
from aggregator.schema import VERSION
from aggregator.schema.describing import read_table_comments, read_view_comments
from aggregator.schema.labels import list_labels
from aggregator.schema.views import load_views
from aggregator.store import Store


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("schema") / "news.db"
    Store.open_writer(path).close()
    return path


def ask(database: Path, sql: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.parametrize("view", load_views())
def test_view_answers_and_has_the_name_of_its_file(database: Path, view: str) -> None:
    assert ask(database, f"SELECT * FROM {view} LIMIT 1") == []


def test_every_table_view_and_column_is_described(database: Path) -> None:
    assert ask(database, "SELECT relation, name FROM schema_docs WHERE description = ''") == []
    described = ask(database, "SELECT relation, name FROM schema_docs WHERE place > 0 ORDER BY relation, place")
    there = ask(
        database,
        "SELECT m.name, p.name FROM sqlite_schema AS m CROSS JOIN pragma_table_info(m.name) AS p"
        " WHERE m.type IN ('table', 'view') AND m.name NOT GLOB '[_]*' AND m.name NOT GLOB 'articles_fts_*'"
        " ORDER BY m.name, p.cid",
    )
    assert described == there


def test_no_description_is_of_a_column_that_is_not_there(database: Path) -> None:
    with Store.open_reader(database) as store:
        relations = {each.name: {name for name, _ in each.columns} for each in store.list_relations()}
    columns = set().union(*relations.values())
    told = read_toml("columns.toml")
    assert set(told["columns"]) - columns == set()
    for name, own in told["relations"].items():
        assert set(own) - relations[name] == set(), name


def test_every_row_of_the_table_of_columns_is_used(database: Path) -> None:
    told = read_toml("columns.toml")
    with Store.open_reader(database) as store:
        relations = store.list_relations()
    general: set[str] = set()
    for each in relations:
        _, comments = (read_view_comments if each.kind == "view" else read_table_comments)(each.sql)
        own = told["relations"].get(each.name, {})
        for name, text in own.items():
            assert text not in (comments.get(name), told["columns"].get(name)), (each.name, name)
        general |= {name for name, _ in each.columns} - set(own) - {name for name, said in comments.items() if said}
    assert set(told["columns"]) - general == set()


def test_what_the_table_says_of_a_relation_goes_before_its_sql(database: Path) -> None:
    ((said,),) = ask(database, "SELECT description FROM schema_docs WHERE relation = 'articles' AND name = 'page_hash'")
    assert said == read_toml("columns.toml")["relations"]["articles"]["page_hash"]


def test_names_of_values_are_there_in_both_languages(database: Path) -> None:
    labels = ask(database, "SELECT kind, value, name_id, name_en FROM labels")
    assert set(list_labels()) <= set(labels)
    assert all(all(label) for label in labels)
    assert ("weekday", "0", "Minggu", "Sunday") in labels
    assert ("topic", "smart-city", "Kota cerdas", "Smart city") in labels


def test_database_tells_the_version_of_its_views(database: Path) -> None:
    assert ask(database, "SELECT value FROM database_info WHERE key = 'schema_version'") == [(VERSION,)]


def test_views_of_another_version_are_replaced_and_only_then(database: Path) -> None:
    with sqlite3.connect(database) as connection:
        connection.executescript(
            "DROP VIEW news; CREATE VIEW of_yesterday AS SELECT 1 AS one;"
            "UPDATE database_info SET value = 'other' WHERE key = 'schema_digest'"
        )
    Store.open_writer(database).close()
    views = {name for (name,) in ask(database, "SELECT name FROM sqlite_schema WHERE type = 'view'")}
    assert views == set(load_views())
    (changes,) = ask(database, "PRAGMA schema_version")
    Store.open_writer(database).close()
    assert ask(database, "PRAGMA schema_version") == [changes]


@pytest.mark.parametrize(
    "harm",
    [
        "DROP VIEW news; CREATE VIEW news AS SELECT 1 AS x",
        "DROP VIEW news",
        "DELETE FROM schema_docs",
        "DELETE FROM labels",
        "UPDATE database_info SET value = '9.9' WHERE key = 'schema_version'",
    ],
)
def test_what_somebody_changed_is_put_back(tmp_path: Path, harm: str) -> None:
    path = tmp_path / "news.db"
    Store.open_writer(path).close()
    whole = "SELECT name, sql FROM sqlite_schema ORDER BY name", "SELECT * FROM schema_docs", "SELECT * FROM labels"
    before = [sorted(ask(path, sql)) for sql in whole]
    with sqlite3.connect(path) as connection:
        connection.executescript(harm)
    Store.open_writer(path).close()
    assert [sorted(ask(path, sql)) for sql in whole] == before
    assert ask(path, "SELECT value FROM database_info WHERE key = 'schema_version'") == [(VERSION,)]


def test_views_are_told_of_first(database: Path) -> None:
    with Store.open_reader(database) as store:
        kinds = [each.kind for each in store.get_schema_docs()]
    assert kinds == sorted(kinds, key=["view", "table", "working"].index)


def test_topics_of_the_operator_are_called_by_their_name(database: Path) -> None:
    with Store.open_writer(database) as store, store.transaction():
        store.name_topics({"banjir": "Banjir kota", "apeksi": "Lain"})
    topics = ask(database, "SELECT value, name_id FROM labels WHERE kind = 'topic' ORDER BY value")
    assert topics == [("apeksi", "APEKSI"), ("banjir", "Banjir kota"), ("smart-city", "Kota cerdas")]
