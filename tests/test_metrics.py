"""`/metrics`: read by Prometheus' own parser."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from newsroom import NEWEST, add_alarm, add_channel, add_poll, make_news, write_news
from page_room import Stage
from portals import Answer, LoopbackPortal, serve_portal
from prometheus_client.parser import text_string_to_metric_families
from test_serve import serve, wait_for

from aggregator import operation_rows
from aggregator.processes import find_writer, list_descendants, read_memory
from aggregator.quarantine import MOST_KILLS
from aggregator.store import Store, StoreError
from aggregator.web.app import create_app
from aggregator.web.metrics import KEPT
from aggregator.web.site import SiteInfo
from schedules.lock import hold_writer_lock

Figures = dict[str, float]


class World:
    """An application over a database, its clock and its failures for a test to set."""

    def __init__(self, folder: Path, client: httpx.Client) -> None:
        self.client = client
        self.database = folder / "news.db"
        self.now = NEWEST + timedelta(hours=1)
        self.failure: Exception | None = None
        self.reads = 0
        write_news(self.database, make_news())
        self.app = create_app(
            database=self.database,
            public=folder / "public",
            site=SiteInfo(url="https://kabarkota.example/"),
            open_store=self.open_store,
            clock=lambda: self.now,
        )

    def open_store(self, path: Path) -> Store:
        self.reads += 1
        if self.failure:
            raise self.failure
        return Store.open_reader(path)

    def read(self) -> Figures:
        """The figures, a while after the last time."""
        self.now += KEPT
        answer = self.client.get("/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain; version=")
        return parse(answer.text)


def parse(text: str) -> Figures:
    """name{label} → value; the labels' values only."""
    return {
        sample.name + "".join(f"{{{value}}}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def world(tmp_path: Path, stage: Stage) -> Iterator[World]:
    with httpx.Client(base_url=stage.address, trust_env=False, timeout=60) as client:
        world = World(tmp_path, client)
        stage.app = world.app
        yield world


def test_every_figure_is_there_with_a_help_and_no_name_twice(world: World) -> None:
    world.read()
    families = list(text_string_to_metric_families(world.client.get("/metrics").text))
    assert all(family.documentation for family in families)
    names = Counter(family.name for family in families)
    assert max(names.values()) == 1
    assert all(name.startswith(("kabarkota_", "process_")) for name in names)


def test_polls_are_counted_by_outcome_and_failures_by_reason(world: World) -> None:
    add_channel(world.database, 1, due=world.now)
    add_poll(world.database, 1, NEWEST, articles=3, bytes=5_000, posts=4)
    add_poll(world.database, 1, NEWEST, reason="HTTP 404", code="missing")
    figures = world.read()
    assert figures["kabarkota_polls_total{changed}"] == 1
    assert figures["kabarkota_polls_total{failed}"] == 1
    assert figures["kabarkota_polls_total{refused}"] == 0
    assert figures["kabarkota_poll_failures_total{missing}"] == 1
    assert figures["kabarkota_new_articles_total"] == 3
    assert figures["kabarkota_received_bytes_total"] == 5_000
    assert figures["kabarkota_requests_total"] == 2
    assert figures["kabarkota_posts_total"] == 4
    assert figures["kabarkota_cycles_total"] == 2
    assert figures["kabarkota_last_cycle_finished_timestamp_seconds"] == NEWEST.timestamp()


def test_counters_grow_with_each_poll_and_lose_nothing_when_old_ones_are_pruned(world: World) -> None:
    add_channel(world.database, 1, due=world.now)
    for _ in range(3):
        add_poll(world.database, 1, NEWEST, reason="odd", outcome="refused")
    assert world.read()["kabarkota_poll_failures_total{unknown}"] == 3
    with Store.open_writer(world.database) as store, store.transaction():
        store._connection.execute("DELETE FROM polls WHERE id < 3")
    add_poll(world.database, 1, NEWEST)
    figures = world.read()
    assert figures["kabarkota_polls_total{refused}"] == 3
    assert figures["kabarkota_polls_total{changed}"] == 1


def test_counters_begin_with_the_newest_polls_and_anew_with_another_database(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operation_rows, "TALLY_START", 2)
    add_channel(world.database, 1, due=world.now)
    for _ in range(5):
        add_poll(world.database, 1, NEWEST)
    assert world.read()["kabarkota_polls_total{changed}"] == 2
    write_news(world.database, [])
    add_channel(world.database, 1, due=world.now)
    add_poll(world.database, 1, NEWEST)
    assert world.read()["kabarkota_polls_total{changed}"] == 1


def test_every_channel_is_in_one_state(world: World) -> None:
    now = world.now
    add_channel(world.database, 1, due=now + timedelta(hours=1))
    add_channel(world.database, 2, due=now - timedelta(hours=2), failures=3)
    add_channel(world.database, 3, due=now + timedelta(days=9), failures=30, retired_at="2026-09-01T00:00:00Z")
    add_channel(world.database, 4, due=None)
    add_channel(world.database, 5, due=now - timedelta(days=9), enabled=0)
    add_channel(world.database, 6, due=now + timedelta(days=7))
    with Store.open_writer(world.database) as store, store.transaction():
        store.write_kills("sumber-6", MOST_KILLS, "the parser left", now)
    figures = world.read()
    states = {name: value for name, value in figures.items() if name.startswith("kabarkota_channels{")}
    assert set(states.values()) == {1}
    assert len(states) == 6
    assert "kabarkota_channels{quarantined}" in states
    assert figures["kabarkota_channels_due"] == 2
    assert figures["kabarkota_channels_late"] == 1
    assert figures["kabarkota_lateness_seconds"] == 2 * 3600 + KEPT.total_seconds()


def test_alarms_queue_sizes_and_the_day_so_far(world: World) -> None:
    add_channel(world.database, 1, due=world.now)
    add_alarm(world.database, "sumber-1", "quiet", NEWEST)
    add_alarm(world.database, "sumber-1", "dns", NEWEST, until="2026-10-05T08:00:00Z")
    with Store.open_writer(world.database) as store, store.transaction():
        store._connection.execute("INSERT INTO host_days VALUES ('a:443', '2026-10-05', 7, 900, '')")
        store._connection.execute("INSERT INTO host_days VALUES ('a:443', '2026-10-04', 1, 1, '')")
        store._connection.execute(
            "INSERT INTO links (key, url, source_id, state, first_seen_at) VALUES ('k', 'u', 'sumber-1', 'pending', '')"
        )
    figures = world.read()
    assert figures["kabarkota_alarms{quiet}"] == 1
    assert "kabarkota_alarms{dns}" not in figures
    assert figures["kabarkota_links_pending"] == 1
    assert figures["kabarkota_today_requests"] == 7
    assert figures["kabarkota_today_received_bytes"] == 900
    assert figures["kabarkota_articles"] == 31
    assert figures["kabarkota_database_bytes"] > 100_000
    assert figures["kabarkota_healthy"] == 1
    assert "kabarkota_feed_age_seconds" not in figures


def test_cycles_that_stopped_are_told(world: World) -> None:
    add_channel(world.database, 1, due=NEWEST - timedelta(days=1))
    add_poll(world.database, 1, NEWEST - timedelta(days=1))
    assert world.read()["kabarkota_healthy"] == 0


def test_many_who_ask_cost_one_reading(world: World) -> None:
    add_channel(world.database, 1, due=world.now)
    first = world.client.get("/metrics").text
    add_poll(world.database, 1, NEWEST)
    assert {world.client.get("/metrics").text for _ in range(20)} == {first}
    assert world.reads == 1
    world.now += KEPT
    assert world.client.get("/metrics").text != first


def test_a_database_that_cannot_be_read_is_said_without_its_path(world: World) -> None:
    world.failure = StoreError(f"unable to open database file {world.database}")
    answer = world.client.get("/metrics")
    assert (answer.status_code, answer.text) == (503, "the database cannot be read\n")
    world.failure = None
    assert world.client.get("/metrics").status_code == 200


def test_writer_is_found_by_its_lock(tmp_path: Path) -> None:
    assert find_writer(tmp_path) is None
    with hold_writer_lock(tmp_path):
        assert find_writer(tmp_path) == os.getpid()
    assert find_writer(tmp_path) is None
    assert read_memory(os.getpid()) > 1_000_000


def test_processes_below_one_are_found() -> None:
    nested = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    with subprocess.Popen([sys.executable, "-c", nested], stdin=subprocess.PIPE) as process:
        wait_for(lambda: list_descendants(process.pid))
        assert process.pid not in list_descendants(process.pid)
        process.communicate(b"\n")
    assert list_descendants(process.pid) == set()
    assert read_memory(process.pid) == 0


@pytest.fixture(scope="module")
def portal() -> Iterator[LoopbackPortal]:
    with serve_portal() as portal:
        portal.answers["/feed"] = Answer(b"rusak", 500)
        yield portal


@pytest.mark.slow
def test_a_running_service_tells_its_polls_and_its_memory(tmp_path: Path, portal: LoopbackPortal) -> None:
    with serve(tmp_path, portal) as serving:
        wait_for(lambda: (answer := serving.ask("/healthz")) and answer.json()["last_cycle"])
        figures = parse(httpx.get(f"{serving.base}/metrics", trust_env=False, timeout=60).text)
        assert figures["kabarkota_polls_total{failed}"] == 1
        assert figures["kabarkota_channels{failing}"] == 1
        assert figures["kabarkota_resident_memory_bytes{writer}"] > 10_000_000
        assert figures["kabarkota_resident_memory_bytes{web}"] > 10_000_000
        assert figures["kabarkota_resident_memory_bytes{crawl}"] > 10_000_000


def test_neither_polls_nor_cycles_are_ever_read_whole(world: World) -> None:
    asked: list[str] = []

    def open_traced(path: Path) -> Store:
        store = Store.open_reader(path)
        store._connection.set_trace_callback(asked.append)
        return store

    add_channel(world.database, 1, due=NEWEST - timedelta(days=2), failures=1)
    add_poll(world.database, 1, NEWEST, reason="HTTP 404")
    with open_traced(world.database) as store:
        store.get_operation(NEWEST)
        store.get_source_operation("sumber-1", NEWEST)
        store.get_pulse(NEWEST)
        store.get_health()
        store.count_polls()
        store.get_newest_instant()
    with Store.open_reader(world.database) as store:
        plans = {
            sql: [row["detail"] for row in store._connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
            for sql in asked
            if sql.lstrip().startswith("SELECT")
        }
    assert len(plans) > 15
    unbounded = {
        sql: plan
        for sql, plan in plans.items()
        if "LIMIT 1" not in sql and "max(id)" not in sql
        for step in plan
        if step.startswith("SCAN") and step.split()[1] in ("polls", "p", "f", "cycles")
    }
    assert unbounded == {}
