"""One machine, one worker, four workers, workers that die: the same feeds and the same tables."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from cluster_room import (
    CYCLE,
    NO_POSTGRES,
    TESTS,
    Cable,
    Machine,
    Portals,
    Postgres,
    end_process,
    find_postgres,
    name_dsn,
    run_portals,
    run_postgres,
    wait_until,
    write_catalogue,
)

from schedules.cluster.postgres import SCHEMA

pytestmark = [
    pytest.mark.skipif(find_postgres() is None, reason=NO_POSTGRES),
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.timeout(1200),
]

PORTALS = 300
EVENTS = Counter(kill=6, freeze=4, cut=4, restart=3, crash=3)  # of workers, but the last two: PostgreSQL's
KILLS = 8  # of the store node
# What differs from run to run also on one machine: when something was done by the machine's clock, marks of chance.
OWN_TIMES = {
    "_sqlite_migrations": {"applied_at"},
    "channels": {"last_success_at"},
    "cycles": {"summary"},  # has its seconds
    "polls": {"started_at", "finished_at"},
    "hosts": {"robots_fetched_at"},
    "links": {"read_at"},
    "foreign_links": {"read_at"},
    "host_days": {"free_at", "requests", "bytes"},  # robots.txt of strangers is read by each worker
    "publishing_state": {"mark"},
    "article_changes": {"seq"},
    "news_changes": {"seq"},
    "change_history": {"mark", "began"},
}
OWN_TABLES = {"jobs", "taken_harvests", "cluster_figures"}  # what was done when; what came by a queue


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with run_postgres() as postgres:
        yield postgres


@pytest.fixture(scope="module")
def portals() -> Iterator[Portals]:
    with run_portals(PORTALS) as portals:
        yield portals


def make_store_node(folder: Path, dsn: str, portals: Portals, **options: Any) -> Machine:
    machine = Machine(folder, dsn, **options)
    write_catalogue(machine.folder / "catalogue.toml", portals.bases)
    if dsn:
        machine.run("cluster", "init")
    return machine


@pytest.fixture(scope="module")
def one_machine(tmp_path_factory: pytest.TempPathFactory, portals: Portals) -> Machine:
    """What one process makes of the portals, which takes its harvests in together, too, in the order of sources."""
    machine = make_store_node(tmp_path_factory.mktemp("one") / "store", "", portals)
    done = subprocess.run(
        [sys.executable, str(TESTS / "gathered_cycle.py"), "catalogue.toml", CYCLE[3]],
        cwd=machine.folder,
        env={**machine.environment, "PYTHONPATH": str(TESTS.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return machine


def read_tables(machine: Machine) -> dict[str, list[dict[str, Any]]]:
    """All rows, but for what may differ."""
    tables: dict[str, list[dict[str, Any]]] = {}
    with closing(sqlite3.connect(machine.database)) as connection:
        connection.row_factory = sqlite3.Row
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        for name in names:
            if name.startswith("sqlite_") or "_fts" in name or name in OWN_TABLES:
                continue
            rows = connection.execute(f"SELECT * FROM {name}").fetchall()
            own = OWN_TIMES.get(name, set())
            kept = [{column: row[column] for column in row.keys() if column not in own} for row in rows]  # noqa: SIM118 - a Row
            tables[name] = sorted(kept, key=repr) if name == "hosts" else kept  # robots.txt, as it was read
    return tables


def read_published(machine: Machine) -> dict[str, bytes]:
    public = machine.folder / "data" / "public"
    suffixes = {".xml", ".atom", ".json"}
    return {str(path.relative_to(public)): path.read_bytes() for path in public.rglob("*") if path.suffix in suffixes}


def check_equal(machine: Machine, one_machine: Machine) -> None:
    ours, theirs = read_tables(machine), read_tables(one_machine)
    assert len(theirs["articles"]) == PORTALS * 3 - PORTALS // 10
    assert len(theirs["duplicate_groups"]) < len(theirs["articles"])
    assert len(theirs["stories"]) > 1
    assert {name for name in theirs if ours[name] != theirs[name]} == set()
    published = read_published(one_machine)
    assert len(published) > 50
    assert read_published(machine) == published


def name_address(number: int) -> str:
    """Each worker asks portals from another."""
    return f"127.1.0.{1 + number}"


def start_workers(folder: Path, dsn: str, count: int, **options: Any) -> list[subprocess.Popen[bytes]]:
    """Returns when all are there."""
    machines = [
        Machine(folder / f"worker{number}", dsn, address=name_address(number), **options) for number in range(count)
    ]
    workers = [machine.start("worker") for machine in machines]
    if not wait_until(lambda: ask(dsn, "SELECT count(*) FROM workers") == count):
        raise RuntimeError("".join(machine.read_log() for machine in machines))
    return workers


@pytest.mark.parametrize("count", [1, 4])
def test_workers_give_what_one_machine_gives(
    count: int, tmp_path: Path, postgres: Postgres, portals: Portals, one_machine: Machine
) -> None:
    dsn = postgres.make_database(f"equal{count}")
    store_node = make_store_node(tmp_path / "store", dsn, portals)
    portals.tell_seen()
    workers = start_workers(tmp_path, dsn, count)
    try:
        store_node.run("--catalogue", "catalogue.toml", *CYCLE)
    finally:
        assert [end_process(worker) for worker in workers] == [0] * count
    check_equal(store_node, one_machine)
    assert set(portals.tell_seen()["askers"]) <= {name_address(number) for number in range(count)}


class Chaos:
    """Workers that are killed, frozen, cut off and started anew, and a PostgreSQL that is, too."""

    def __init__(self, folder: Path, postgres: Postgres, count: int) -> None:
        self._folder, self._postgres = folder, postgres
        self._chance = random.Random(12)
        self._kinds = [kind for kind, count in EVENTS.items() for _ in range(count)]
        self._chance.shuffle(self._kinds)
        self._started = 0
        self.workers: list[tuple[subprocess.Popen[bytes], Cable]] = []
        self.events: list[str] = []
        for _ in range(count):
            self._start()

    def _start(self) -> None:
        self._started += 1
        cable = Cable(self._postgres.port)
        folder = self._folder / f"worker{self._started}"
        machine = Machine(folder, name_dsn(cable.port), polls=5, address=name_address(self._started))
        self.workers.append((machine.start("worker"), cable))

    def strike(self) -> None:
        kind = self._kinds.pop()
        victim = self._chance.randrange(len(self.workers))
        worker, cable = self.workers[victim]
        self.events.append(kind)
        if kind == "kill":
            del self.workers[victim]
            worker.kill()
            worker.wait()
            cable.close()
            self._start()
        elif kind == "freeze":  # longer than the others believe in it
            worker.send_signal(signal.SIGSTOP)
            time.sleep(4)
            worker.send_signal(signal.SIGCONT)
        elif kind == "cut":
            cable.cut()
            time.sleep(4)
            cable.mend()
        else:
            self._postgres.restart(signal.SIGINT if kind == "restart" else signal.SIGQUIT)

    def end(self) -> None:
        for worker, cable in self.workers:
            end_process(worker)
            cable.close()

    def read_logs(self) -> str:
        return "".join(path.read_text(errors="replace") for path in self._folder.glob("worker*/log"))


def test_workers_that_die_and_a_postgresql_that_does_change_nothing(
    tmp_path: Path, one_machine: Machine, portals: Portals
) -> None:
    with run_postgres() as own:
        store_node = make_store_node(tmp_path / "store", own.dsn, portals, delay=0.5)
        portals.tell_seen()
        chaos = Chaos(tmp_path, own, 3)
        cycle = store_node.start("--catalogue", "catalogue.toml", *CYCLE)
        try:
            for event in range(EVENTS.total()):  # all along
                share = event / (EVENTS.total() + 1)
                assert wait_until(lambda share=share: count_harvests(own.dsn) > share * PORTALS, 240)
                assert cycle.poll() is None
                chaos.strike()
            assert cycle.wait(600) == 0, store_node.read_log()
        finally:
            cycle.kill()
            cycle.wait()
            chaos.end()
        print(chaos.events)
        check_equal(store_node, one_machine)
        seen = portals.tell_seen()
        assert seen["at_once"] == 1
        assert seen["closest"] > 0.45
        assert "Traceback" not in chaos.read_logs()


def test_a_store_node_that_is_killed_loses_nothing_and_takes_nothing_twice(
    tmp_path: Path, one_machine: Machine, portals: Portals
) -> None:
    chance = random.Random(5)
    with run_postgres() as own:
        store_node = make_store_node(tmp_path / "store", own.dsn, portals)
        workers = start_workers(tmp_path, own.dsn, 2)
        kills = 0
        try:
            while True:
                cycle = store_node.start("--catalogue", "catalogue.toml", *CYCLE, "--due")
                with suppress(subprocess.TimeoutExpired):
                    if kills < KILLS:
                        cycle.wait(chance.uniform(1, 12))
                    else:
                        assert cycle.wait(300) == 0, store_node.read_log()
                if cycle.poll() is None:
                    cycle.kill()
                    cycle.wait()
                    kills += 1
                elif kills >= KILLS or is_whole(store_node):
                    break
        finally:
            for worker in workers:
                end_process(worker)
        print(kills)
        assert kills > 2
        ours, theirs = (
            read_rows(machine, "SELECT url, title, text, published_at FROM articles ORDER BY url")
            for machine in (store_node, one_machine)
        )
        assert ours == theirs
        polls = "SELECT source_id, count(*) FROM polls JOIN channels AS c ON c.id = channel_id GROUP BY 1"
        assert read_rows(store_node, polls) == read_rows(one_machine, polls)
        assert count_harvests(own.dsn) == 0


def is_whole(machine: Machine) -> bool:
    return read_rows(machine, "SELECT count(*) FROM polls") == [(PORTALS,)]


def read_rows(machine: Machine, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(machine.database)) as connection:
        return connection.execute(sql).fetchall()


def count_harvests(dsn: str) -> int:
    return ask(dsn, "SELECT count(*) FROM harvests")


def ask(dsn: str, sql: LiteralString) -> int:
    """0 also while PostgreSQL is away."""
    with suppress(psycopg.OperationalError), psycopg.connect(dsn, options=f"-c search_path={SCHEMA}") as connection:
        row = connection.execute(sql).fetchone()
        return int(row[0]) if row else 0
    return 0


def test_no_host_is_asked_by_two_at_once_or_too_soon(tmp_path: Path, postgres: Postgres) -> None:
    """Also where one source leads to the pages of another, and robots.txt wants more than we do."""
    dsn = postgres.make_database("polite")
    with run_portals(40, latency=0.1, delay=1.5) as portals:
        store_node = make_store_node(tmp_path / "store", dsn, portals, delay=0.4)
        workers = start_workers(tmp_path, dsn, 4, polls=5)
        try:
            store_node.run("--catalogue", "catalogue.toml", *CYCLE)
        finally:
            for worker in workers:
                end_process(worker)
        seen = portals.tell_seen()
        assert seen["askers"] == [name_address(number) for number in range(4)]
        assert seen["paths"]["berita"] == 76
        assert seen["at_once"] == 1
        assert seen["closest"] > 0.35
        assert seen["closest_slow"] > 1.4
