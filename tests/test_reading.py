"""Stores are opened once, and never shown to two at a time, nor over a file that is there no more."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from newsroom import make_news, write_news

from aggregator.store import Store, StoreError
from aggregator.web.reading import IDLE_MOST, Reading


class Opener:
    """Opens stores, and counts how many."""

    def __init__(self) -> None:
        self.opened: list[Store] = []

    def __call__(self, path: Path) -> Store:
        self.opened.append(Store.open_reader(path))
        return self.opened[-1]

    def count_open(self) -> int:
        return sum(map(is_open, self.opened))


def is_open(store: Store) -> bool:
    try:
        store._connection.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        return False
    return True


@pytest.fixture
def database(tmp_path: Path) -> Path:
    write_news(tmp_path / "news.db", make_news())
    return tmp_path / "news.db"


def test_one_is_enough_for_one_reader_after_the_other(database: Path) -> None:
    opener = Opener()
    reading = Reading(opener)
    for _ in range(5):
        with reading(database) as store:
            assert len(store.get_feed_items()) == 15
    assert len(opener.opened) == 1


def test_what_is_written_meanwhile_is_seen(database: Path) -> None:
    reading = Reading(Store.open_reader)
    with reading(database) as store:
        before = store.get_feed_items()
    with Store.open_writer(database) as writer, writer.transaction():
        writer._connection.execute("UPDATE duplicate_groups SET withdrawn_at = 'x' WHERE guid = ?", (before[0].guid,))
    with reading(database) as store:
        assert store.get_feed_items() == before[1:]


def test_two_at_a_time_have_two(database: Path) -> None:
    opener = Opener()
    reading = Reading(opener)
    with reading(database) as one, reading(database) as other:
        assert one is not other


def test_many_threads_share_a_few(database: Path) -> None:
    opener = Opener()
    reading = Reading(opener)

    def read(_: int) -> int:
        with reading(database) as store, store.snapshot():
            return len(store.get_feed_items())

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(read, range(200))) == {15}
    assert 1 <= opener.count_open() <= IDLE_MOST


def test_a_file_that_was_replaced_is_opened_anew(database: Path) -> None:
    opener = Opener()
    reading = Reading(opener)
    with reading(database):
        pass
    write_news(database, make_news()[:3])
    with reading(database) as store:
        assert len(store.get_feed_items()) == 3
    assert opener.count_open() == 1


def test_one_that_failed_is_not_used_again(database: Path) -> None:
    opener = Opener()
    reading = Reading(opener)
    with pytest.raises(StoreError), reading(database) as store:
        store._rows("SELECT * FROM nothing")
    with reading(database):
        pass
    assert (len(opener.opened), opener.count_open()) == (2, 1)


def test_without_a_file_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError), Reading(Store.open_reader)(tmp_path / "news.db"):
        pass
