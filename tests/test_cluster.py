"""Store node and workers with a real PostgreSQL: what goes through, what is refused, who may ask a host."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from cluster_room import (
    CYCLE,
    NO_POSTGRES,
    Machine,
    Portals,
    Postgres,
    end_process,
    find_postgres,
    run_portals,
    run_postgres,
    wait_until,
    write_catalogue,
)
from portals import make_setup
from ports import find_port
from procrastinate import PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from pydantic import SecretStr

from aggregator.models import Channel, ChannelJob, ChannelKind, CrawlJob, Harvest, Poll, PollOutcome, Source
from aggregator.store import Store
from aggregator.wire import WireError
from crawler.permits import PermitAnswer, PermitCall
from crawler.settings import CrawlSettings
from schedules.cluster.cycle import make_kit, run_cluster_cycle
from schedules.cluster.lane import Lane, unpack_kit
from schedules.cluster.listener import Listener
from schedules.cluster.messages import HARVEST, KIT, ORDER, QUEUE, Kit, PollOrder, name_kit
from schedules.cluster.permit_office import NEVER, PermitOffice
from schedules.cluster.postgres import SCHEMA, ClusterUnreachable, connect, init_schema, make_dsn
from schedules.cluster.queue import OutgoingPoll, Queue
from schedules.cluster.settings import ClusterSettings
from schedules.cluster.status import read_status
from schedules.cluster.worker import run_worker
from schedules.cluster.worker_jobs import BYTES_AT_ONCE, PackedHarvest, WorkerJobs
from schedules.errors import RunFailure, UsageFailure, WriterBusy

pytestmark = pytest.mark.skipif(find_postgres() is None, reason=NO_POSTGRES)

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with run_postgres() as postgres:
        yield postgres


@pytest.fixture
def dsn(postgres: Postgres, request: pytest.FixtureRequest) -> str:
    """Of a database of the test's own, with the schema."""
    dsn = postgres.make_database(f"t{abs(hash(request.node.name))}")
    with connect(SecretStr(dsn)) as connection:
        init_schema(connection)
    return dsn


@pytest.fixture(scope="module")
def portals() -> Iterator[Portals]:
    with run_portals(6) as portals:
        yield portals


@pytest.fixture
def store_node(tmp_path: Path, dsn: str, portals: Portals) -> Machine:
    machine = Machine(tmp_path / "store", dsn)
    write_catalogue(machine.folder / "catalogue.toml", portals.bases)
    return machine


def ask(dsn: str, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn, autocommit=True, options=f"-c search_path={SCHEMA}") as connection:
        cursor = connection.execute(sql, arguments)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []


def ask_database(machine: Machine, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{machine.database}?mode=ro", uri=True)) as connection:
        return connection.execute(sql).fetchall()


def make_settings(dsn: str, **changes: Any) -> ClusterSettings:
    return ClusterSettings(dsn=SecretStr(dsn), **changes)


def make_order(source_id: str = "portal-000", kit: str = "none", url: str = "http://127.20.1.1:1/feed") -> PollOrder:
    channel = Channel(kind=ChannelKind.FEED, url=url)
    source = Source(id=source_id, name=source_id, domain="x.example", channels=(channel,))
    job = CrawlJob(source=source, channels=(ChannelJob(channel_id=1, channel=channel),), now=NOW)
    return PollOrder(kit=kit, cycle=1, deadline=datetime(2099, 1, 1, tzinfo=UTC), job=job)


# ── messages ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_messages_come_back_as_they_were() -> None:
    kit = Kit(settings=CrawlSettings(), requests_per_day=7, topics="[x]", certificates=(("a/b.pem", "c"),))
    assert KIT.unpack(KIT.pack(kit)) == kit
    assert name_kit(KIT.pack(kit)) == name_kit(KIT.pack(kit))
    order = make_order()
    assert ORDER.unpack(ORDER.pack(order)) == order


@pytest.mark.parametrize(
    ("packed", "why"),
    [
        (b"", "truncated"),
        (b"no zstd", "not compressed"),
        (ORDER.pack(make_order())[:-9], "truncated"),
        (KIT.pack(Kit(settings=CrawlSettings(), requests_per_day=1)), "missing required field"),
    ],
)
def test_what_is_no_poll_is_refused_as_such(packed: bytes, why: str) -> None:
    with pytest.raises(WireError, match=why):
        ORDER.unpack(packed)


def test_a_message_of_another_version_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schedules.cluster.messages.WIRE_VERSION", 99)
    packed = ORDER.pack(make_order())
    monkeypatch.undo()
    with pytest.raises(WireError, match="of version 99; this program reads version 1"):
        ORDER.unpack(packed)


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = ORDER.pack(make_order())
    monkeypatch.setattr("schedules.cluster.messages.MOST_BYTES", 100)
    with pytest.raises(WireError, match="larger than 100 bytes"):
        ORDER.unpack(packed)


@pytest.mark.parametrize("name", ["/etc/passwd", "../x.pem", "a/../../x.pem"])
def test_a_kit_writes_nothing_outside_of_its_folder(name: str, tmp_path: Path) -> None:
    kit = Kit(settings=CrawlSettings(), requests_per_day=1, certificates=((name, "x"),))
    with pytest.raises(WireError, match="outside of its folder"):
        unpack_kit(kit, tmp_path / "kit")


def test_a_kit_is_the_operators_tables(tmp_path: Path) -> None:
    kit = Kit(settings=CrawlSettings(), requests_per_day=1, topics="[t]", certificates=(("ca/x.pem", "PEM"),))
    overlays = unpack_kit(kit, tmp_path)
    assert overlays.topics is not None
    assert Path(overlays.topics).read_text() == "[t]"
    assert overlays.profiles is None
    assert Path(overlays.data_folder, "ca/x.pem").read_text() == "PEM"


def test_all_polls_have_one_kit_whoever_is_due(tmp_path: Path) -> None:
    """Of CA bundles those that are there: of the others each poll tells."""
    setup = make_setup(tmp_path)
    (setup.data_folder / "ca").mkdir(parents=True)
    (setup.data_folder / "ca" / "b.pem").write_text("PEM")
    sources = [
        Source(
            id=f"s{number}",
            name=f"S{number}",
            domain=f"s{number}.example",
            channels=(Channel(kind=ChannelKind.FEED, url=f"https://s{number}.example/feed"),),
            ca_bundle=bundle,
        )
        for number, bundle in enumerate([None, "ca/b.pem", "ca/b.pem", "ca/missing.pem"])
    ]
    with Store.open_writer(setup.database) as store:
        store.write_catalogue(sources)
        assert store.get_ca_bundles() == ["ca/b.pem", "ca/missing.pem"]
        assert make_kit(setup, store.get_ca_bundles()).certificates == (("ca/b.pem", "PEM"),)


# ── what cannot work says so ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("command", [("cluster", "init"), ("cluster", "status"), ("worker",)])
def test_without_a_dsn_commands_of_the_cluster_say_where_it_goes(command: tuple[str, ...], tmp_path: Path) -> None:
    said = Machine(tmp_path, "").run(*command, code=2)
    assert "cluster.dsn: is not set" in said
    assert "KABARKOTA_CLUSTER__DSN" in said


@pytest.mark.parametrize("command", [("cluster", "status"), ("worker",), ("run",)])
def test_without_postgresql_one_line_says_so(command: tuple[str, ...], tmp_path: Path) -> None:
    machine = Machine(tmp_path, f"postgresql://postgres@127.0.0.1:{find_port()}/postgres")
    said = machine.run(*command, code=1).strip().splitlines()[-1]
    assert said.startswith("kabarkota: cluster.dsn: PostgreSQL cannot be reached: ")


def test_a_wrong_dsn_is_a_mistake_of_the_configuration_and_is_not_repeated(tmp_path: Path) -> None:
    said = Machine(tmp_path, "rahasia-sekali host").run("cluster", "status", code=2)
    assert "cluster.dsn: is no connection string of PostgreSQL" in said
    assert "rahasia-sekali" not in said


@pytest.mark.slow
@pytest.mark.parametrize("command", [("cluster", "status"), ("worker",), ("run",)])
def test_a_database_without_the_schema_is_told_how_to_get_it(
    command: tuple[str, ...], tmp_path: Path, postgres: Postgres
) -> None:
    dsn = postgres.make_database(f"empty{abs(hash(command))}")
    said = Machine(tmp_path, dsn).run(*command, code=1)
    assert "no schema of Kabar Kota; `kabarkota cluster init` makes it" in said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("UPDATE cluster SET schema_version = 99", "bring Kabar Kota on this machine up to date"),
        ("UPDATE cluster SET schema_version = 0", "drop the schema"),
        ("UPDATE cluster SET procrastinate = '2.9'", "the schema is of Procrastinate 2.9"),
        ("DELETE FROM cluster", "is not whole"),
    ],
)
def test_a_schema_of_another_version_is_refused_by_all(change: str, why: str, tmp_path: Path, dsn: str) -> None:
    ask(dsn, change)
    machine = Machine(tmp_path, dsn)
    for command in (("worker",), ("run",), ("cluster", "init"), ("cluster", "status")):
        assert why in machine.run(*command, code=1)


@pytest.mark.slow
def test_a_worker_of_another_version_than_the_store_node_is_refused(tmp_path: Path, dsn: str) -> None:
    ask(dsn, "UPDATE cluster SET program = '9.9/1'")
    said = Machine(tmp_path, dsn).run("worker", code=1)
    assert "the store node is 9.9/1: all machines of a cluster need the same version" in said


@pytest.mark.slow
def test_a_worker_ends_when_the_store_node_is_of_another_version(tmp_path: Path, dsn: str) -> None:
    worker = Machine(tmp_path, dsn)
    process = worker.start("worker")
    try:
        assert wait_until(lambda: bool(ask(dsn, "SELECT 1 FROM workers")))
        ask(dsn, "UPDATE cluster SET program = '9.9/1'")
        assert process.wait(30) == 1
    finally:
        process.kill()
        process.wait()
    assert "need the same version" in worker.read_log()


@pytest.mark.parametrize(("hours", "said"), [(1, "3600 s ahead of"), (-2, "7200 s behind")])
def test_a_machine_with_another_time_is_refused(
    hours: int, said: str, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = replace(make_setup(tmp_path), cluster=make_settings(dsn))
    send(dsn, ("portal-000", "h", 0))
    wrong = datetime.now(UTC) + timedelta(hours=hours)

    async def do(jobs: WorkerJobs, _: Forgetful) -> None:
        assert await jobs.beat(0, is_leaving=False) == ""
        monkeypatch.setattr("schedules.cluster.postgres.system_clock", lambda: wrong)
        if hours > 0:
            assert await jobs.beat(0, is_leaving=False) == ""  # it was frozen between question and answer
        monkeypatch.setattr("schedules.cluster.worker_jobs.system_clock", lambda: wrong)
        assert said in await jobs.beat(0, is_leaving=False)

    work(dsn, do)
    with pytest.raises(RunFailure, match=f"this machine's clock is {said} PostgreSQL's"):
        run_worker(setup)
    with pytest.raises(RunFailure, match=said):
        Queue.open(setup.cluster)


@pytest.mark.slow
def test_init_is_done_once(tmp_path: Path, postgres: Postgres) -> None:
    machine = Machine(tmp_path, postgres.make_database("init"))
    assert "is made" in machine.run("cluster", "init")
    assert "is there" in machine.run("cluster", "init")


def test_nothing_of_postgresql_is_loaded_without_the_setting(tmp_path: Path) -> None:
    code = (
        "import sys, schedules.cli, schedules.service, schedules.commands.run, schedules.jobs, schedules.gathering;"
        "print([name for name in sys.modules if name.split('.')[0] in ('procrastinate', 'psycopg')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_dead_machine_is_noticed_on_the_other_side_too(dsn: str) -> None:
    """Else a store node that lost power would keep the next one out for two hours."""
    with connect(SecretStr(dsn)) as connection:
        told = [connection.execute(f"SHOW tcp_{name}").fetchone() for name in ("keepalives_idle", "user_timeout")]
    assert told == [("5",), ("15000",)]


def test_a_second_store_node_is_refused(dsn: str) -> None:
    with Queue.open(make_settings(dsn)), pytest.raises(WriterBusy, match="another store node"):
        Queue.open(make_settings(dsn))


def test_without_the_library_the_setting_is_refused(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schedules.cluster.installed.find_spec", lambda _: None)
    with pytest.raises(UsageFailure, match=r"pip install 'kabarkota\[cluster\]'"):
        Queue.open(make_settings(dsn))


# ── permits ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Asker:
    """A crawl process, as the keeper of permits sees it."""

    def __init__(self, office: PermitOffice, holder: str) -> None:
        self._office, self._holder = office, holder
        self._told: dict[str, float] = {}
        self._changed = threading.Condition()

    def call(self, *wanted: str, returned: tuple[tuple[str, float], ...] = ()) -> dict[str, float]:
        """What it is told of the hosts that it wants: seconds to wait, 0 for a permit."""
        self._told = {}
        self._office.handle(self._holder, PermitCall(wanted=wanted, returned=returned), self._note)
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._told) == len(wanted), 30)
        return self._told

    def _note(self, answers: tuple[PermitAnswer, ...]) -> None:
        with self._changed:
            self._told |= {answer.host: answer.wait_seconds for answer in answers}
            self._changed.notify_all()


@pytest.fixture
def office(dsn: str) -> Iterator[PermitOffice]:
    office = PermitOffice(SecretStr(dsn), CrawlSettings(requests_per_domain=2, delay_seconds=0))
    yield office
    office.close()


def test_a_host_is_asked_by_one_at_a_time(office: PermitOffice) -> None:
    first, second = Asker(office, "first"), Asker(office, "second")
    assert first.call("a.example") == {"a.example": 0}
    assert second.call("a.example")["a.example"] > 0
    first.call(returned=(("a.example", 0),))
    assert wait_until(lambda: second.call("a.example") == {"a.example": 0}, 5)
    assert first.call("a.example")["a.example"] > 0


def test_a_host_is_left_alone_for_as_long_as_it_is_said(office: PermitOffice) -> None:
    first, second = Asker(office, "first"), Asker(office, "second")
    first.call("a.example")
    first.call(returned=(("a.example", 50),))
    assert 40 < second.call("a.example")["a.example"] <= 50
    assert 40 < first.call("a.example")["a.example"] <= 50


def test_two_hosts_of_a_domain_are_asked_at_once_and_no_third(office: PermitOffice) -> None:
    hosts = ("satu.tribun.example.com", "dua.tribun.example.com", "tiga.tribun.example.com")
    told = [Asker(office, host).call(host)[host] for host in hosts]
    assert told[:2] == [0, 0]
    assert told[2] > 0
    assert Asker(office, "other").call("lain.example") == {"lain.example": 0}


def test_what_a_dead_process_held_is_free_again(office: PermitOffice) -> None:
    Asker(office, "first").call("a.example")
    office.take_back("first")
    assert wait_until(lambda: Asker(office, "second").call("a.example") == {"a.example": 0}, 5)


def test_a_permit_whose_answer_took_long_is_asked_for_again(
    office: PermitOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Most of the time that it is held for may be over."""
    first = Asker(office, "first")
    with monkeypatch.context() as patched:
        patched.setattr("schedules.cluster.permit_office.MARGIN_SECONDS", 0.0)
        assert 0 < first.call("a.example")["a.example"] < 1
    assert Asker(office, "second").call("a.example")["a.example"] > 0
    assert first.call("a.example") == {"a.example": 0}


def test_an_office_ends_also_while_there_is_something_to_say(office: PermitOffice, dsn: str) -> None:
    Asker(office, "first").call("a.example")
    before = threading.active_count()
    office.take_back("first")
    office.close()
    assert wait_until(lambda: threading.active_count() < before)
    assert ask(dsn, "SELECT holder FROM hosts") == [(None,)]


def test_a_permit_of_a_holder_that_never_says_ends_by_itself(office: PermitOffice, dsn: str) -> None:
    Asker(office, "first").call("a.example")
    ask(dsn, "UPDATE hosts SET held_until = now() - interval '1 second'")
    assert Asker(office, "second").call("a.example") == {"a.example": 0}


@pytest.mark.parametrize("host", ["a\0b", "\ud800", "x" * 400, "a\nb"])
def test_what_is_no_host_gets_no_permit_and_disturbs_nobody(host: str, office: PermitOffice) -> None:
    assert Asker(office, "first").call(host, "a.example") == {host: NEVER, "a.example": 0}


def test_whatever_is_asked_together_a_host_has_one_holder_and_a_domain_two(dsn: str) -> None:
    """Each call of a random history, beside what is known from the answers before."""
    chance = random.Random(3)
    hosts = [f"h{number}.d{number % 4}.example" for number in range(12)]
    held: dict[str, str] = {}
    with connect(SecretStr(dsn)) as connection:
        for _ in range(300):
            returned = [host for host in held if chance.random() < 0.4]
            wanted = [(chance.choice("abc"), host) for host in chance.sample(hosts, chance.randrange(7))]
            wanted = list(dict.fromkeys([*wanted, *[(chance.choice("abc"), host) for _, host in wanted[:2]]]))
            rows = connection.execute(
                "SELECT holder, host, wait_seconds FROM exchange_permits(%s, %s, %s::float8[], %s, %s, %s, 60, 2)",
                [
                    [held[host] for host in returned],
                    returned,
                    [0.0] * len(returned),
                    [asker for asker, _ in wanted],
                    [host for _, host in wanted],
                    [host.partition(".")[2] for _, host in wanted],
                ],
            ).fetchall()
            for host in returned:
                del held[host]
            assert sorted((asker, host) for asker, host, _ in rows) == sorted(wanted)
            for asker, host, wait in rows:
                assert wait >= 0
                if wait == 0:
                    assert held.setdefault(host, asker) == asker
            domains = Counter(host.partition(".")[2] for host in held)
            assert all(count <= 2 for count in domains.values())
            for _, host, _ in rows:  # nobody waits where nothing is in the way
                assert host in held or domains[host.partition(".")[2]] == 2


def test_permits_wait_for_a_postgresql_that_is_away(tmp_path: Path) -> None:
    with run_postgres() as own:
        with connect(SecretStr(own.dsn)) as connection:
            init_schema(connection)
        office = PermitOffice(SecretStr(own.dsn), CrawlSettings(delay_seconds=0))
        asker = Asker(office, "first")
        assert asker.call("a.example") == {"a.example": 0}
        own.stop(signal.SIGQUIT)
        starting = threading.Timer(1, own.start)
        starting.start()
        assert asker.call("b.example") == {"b.example": 0}
        starting.join()
        office.close()


# ── polls and harvests ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_source_is_sent_once_and_is_out_until_its_harvest_is_taken_in(dsn: str) -> None:
    with Queue.open(make_settings(dsn)) as queue:
        polls = [OutgoingPoll(order=make_order(f"s{number}"), host=f"h{number}", priority=0) for number in range(3)]
        assert queue.send(polls) == 3
        queue.send(polls[:1])  # as after an answer that was lost
        assert queue.list_out() == {"s0", "s1", "s2"}
        assert queue.count_out() == 3


def test_the_lag_is_that_of_the_poll_that_waits_longest(dsn: str) -> None:
    send(dsn, ("a", "h1", 0), ("b", "h2", 9), ("c", "h3", 0))
    ask(dsn, "UPDATE procrastinate_jobs SET sent_at = now() - interval '100 seconds' WHERE queueing_lock = 'a'")
    ask(dsn, "UPDATE procrastinate_jobs SET sent_at = now() - interval '1 hour', status = 'doing' WHERE lock = 'h3'")
    with connect(SecretStr(dsn)) as connection:
        status = read_status(connection, stalled_seconds=12)
    assert (status.waiting, status.under_way) == (2, 1)
    assert 99 < status.lag_seconds < 200


def test_polls_of_another_version_are_dropped(dsn: str) -> None:
    with Queue.open(make_settings(dsn)) as queue:
        queue.send([OutgoingPoll(order=make_order(), host="h", priority=0)])
    ask(dsn, "UPDATE procrastinate_jobs SET queue_name = 'polls-0'")
    with Queue.open(make_settings(dsn)) as queue:
        assert queue.list_out() == set()


def test_a_poll_of_a_silent_worker_goes_to_others_and_fails_in_the_end(dsn: str) -> None:
    settings = make_settings(dsn, stalled_seconds=5, max_attempts=3)
    with Queue.open(settings) as queue:
        queue.send([OutgoingPoll(order=make_order(), host="h", priority=0)])
        for _ in range(3):
            ask(dsn, "INSERT INTO procrastinate_workers DEFAULT VALUES")
            ask(dsn, "SELECT id FROM procrastinate_fetch_job_v2(NULL, (SELECT max(id) FROM procrastinate_workers))")
            assert queue.sweep() == []
            ask(dsn, "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '6 seconds'")
            ask(dsn, "UPDATE cluster SET swept_at = now() - interval '3 seconds'")  # nobody could say anything
            assert queue.sweep() == []
            ask(dsn, "UPDATE cluster SET quiet_until = now()")
            assert len(queue.sweep()) == 1
        (failed,) = queue.list_failed()
        assert failed.attempts == 3
        assert failed.order == make_order()
        assert queue.list_out() == {"portal-000"}
        queue.forget_failed(failed.job_id)
        assert queue.list_out() == set()


class Forgetful(PsycopgConnector):
    """A connection that can be watched, and that breaks off before the answer comes when it is told to."""

    loses = is_away = False
    watch: Callable[[dict[str, Any]], object] = staticmethod(lambda arguments: None)

    async def execute_query_all_async(self, query: Any, **arguments: Any) -> list[dict[str, Any]]:
        self.watch(arguments)
        rows = await super().execute_query_all_async(query, **arguments)
        if self.loses:
            self.loses = False
            raise ConnectorException from psycopg.OperationalError("the connection is lost")
        return rows

    async def execute_query_one_async(self, query: Any, **arguments: Any) -> dict[str, Any]:
        if self.is_away:
            raise ConnectorException from psycopg.OperationalError("nobody is there")
        return await super().execute_query_one_async(query, **arguments)


def work(dsn: str, do: Callable[[WorkerJobs, Forgetful], Awaitable[None]], polls_at_once: int = 20) -> None:
    """Has a worker's manager of jobs do something."""

    async def run() -> None:
        connector = Forgetful(conninfo=make_dsn(SecretStr(dsn)))
        await connector.open_async()
        try:
            jobs = WorkerJobs(connector, "w", polls_at_once)
            await jobs.register_worker()
            await do(jobs, connector)
        finally:
            await connector.close_async()

    asyncio.run(run())


async def fetch(jobs: WorkerJobs) -> Job | None:
    return await jobs.fetch_job([QUEUE], jobs.worker_id)


async def complete(jobs: WorkerJobs, job: Job, channel_id: int = 1) -> None:
    jobs.bring(job, [PackedHarvest(channel_id=channel_id, pages=1, body=b"\x00x")])
    await jobs.finish_job(job, Status.SUCCEEDED, delete_job=False)


def send(dsn: str, *polls: tuple[str, str, int]) -> None:
    """Source, host, priority."""
    with Queue.open(make_settings(dsn)) as queue:
        queue.send(
            OutgoingPoll(order=make_order(source), host=host, priority=priority) for source, host, priority in polls
        )


def test_the_latest_polls_are_fetched_first_and_of_a_host_one_at_a_time(dsn: str) -> None:
    send(dsn, ("a", "h1", 0), ("b", "h1", 5), ("c", "h2", 9), ("d", "h3", 0), ("e", "h1", 5))

    async def do(jobs: WorkerJobs, _: Forgetful) -> None:
        fetched = [await fetch(jobs) for _ in range(4)]
        assert [job and job.queueing_lock for job in fetched] == ["c", "b", "d", None]
        for expected in ("e", "a", None):
            assert fetched[1] is not None
            await complete(jobs, fetched[1])
            fetched[1] = await fetch(jobs)
            assert (fetched[1] and fetched[1].queueing_lock) == expected

    work(dsn, do)
    assert ask(dsn, "SELECT source_id, body FROM harvests ORDER BY number") == [(name, b"\x00x") for name in "bea"]


def test_a_long_queue_costs_a_fetch_no_more_than_a_short_one(dsn: str) -> None:
    ask(dsn, "INSERT INTO procrastinate_workers DEFAULT VALUES")

    def fetch_ten() -> int:
        """The pages of PostgreSQL's that it looks into."""
        sql = "SELECT id FROM fetch_polls(%s, (SELECT max(id) FROM procrastinate_workers), 10, NULL)"
        (((plan,),),) = ask(dsn, f"EXPLAIN (ANALYZE, BUFFERS, FORMAT json) {sql}", QUEUE)
        assert plan["Plan"]["Actual Rows"] == 10
        return int(plan["Plan"]["Shared Hit Blocks"])

    send(dsn, *((f"s{number}", f"h{number}", number % 7) for number in range(100)))
    short = fetch_ten()
    send(dsn, *((f"s{number}", f"h{number}", number % 7) for number in range(100, 3000)))
    assert fetch_ten() < 3 * short


def test_a_worker_has_no_more_polls_than_it_does_at_once_and_leaves_none_unbegun(dsn: str) -> None:
    send(dsn, *((f"s{number}", f"h{number}", 0) for number in range(30)))
    doing = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'"

    async def do(jobs: WorkerJobs, _: Forgetful) -> None:
        begun = [await fetch(jobs) for _ in range(3)]
        assert ask(dsn, doing) == [(4,)]
        await asyncio.gather(*(complete(jobs, job) for job in begun if job))
        await fetch(jobs)  # the fourth: it was fetched before
        await fetch(jobs)
        assert ask(dsn, doing) == [(4,)]
        await jobs.leave_off()
        assert ask(dsn, doing) == [(2,)]
        assert await fetch(jobs) is None
        assert ask(dsn, doing) == [(2,)]

    work(dsn, do, polls_at_once=4)
    assert ask(dsn, "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'") == [(25,)]


def test_a_worker_that_is_told_to_end_while_it_fetches_hands_all_of_it_back(dsn: str) -> None:
    send(dsn, ("a", "h1", 0), ("b", "h2", 0))

    async def do(jobs: WorkerJobs, _: Forgetful) -> None:
        fetched, _nothing = await asyncio.gather(fetch(jobs), jobs.leave_off())
        assert fetched is None

    work(dsn, do)
    assert ask(dsn, "SELECT status::text, attempts FROM procrastinate_jobs") == [("todo", 1)] * 2


def test_a_worker_that_is_told_to_end_while_postgresql_is_away_does_not_wait_for_it(
    dsn: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    send(dsn, ("a", "h1", 0), ("b", "h2", 0))
    monkeypatch.setattr("schedules.cluster.worker_jobs.LEAVING_PATIENCE_SECONDS", 0.1)

    async def do(jobs: WorkerJobs, connector: Forgetful) -> None:
        assert await fetch(jobs) is not None
        connector.is_away = True
        await jobs.leave_off()

    work(dsn, do)
    assert "PostgreSQL does not answer" in caplog.text


def test_a_poll_that_waits_already_is_handed_back_and_swept_all_the_same(dsn: str) -> None:
    send(dsn, ("a", "h1", 0), ("b", "h2", 0), ("c", "h3", 0))
    copies = (
        "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args)"
        " SELECT queue_name, task_name, lock, queueing_lock, args FROM procrastinate_jobs WHERE id < 3"
    )
    rows = [("a", "todo"), ("b", "todo"), ("c", "doing")]

    async def do(jobs: WorkerJobs, _: Forgetful) -> None:
        first, *_rest = [await fetch(jobs) for _ in range(3)]
        ask(dsn, copies)
        assert first is not None
        await jobs.retry_job(first)
        ask(dsn, "UPDATE procrastinate_jobs SET worker_id = NULL WHERE queueing_lock = 'b'")
        await jobs.sweep(10, 5)
        assert ask(dsn, "SELECT queueing_lock, status::text FROM procrastinate_jobs ORDER BY 1") == rows

    work(dsn, do)


def test_what_was_sent_before_an_answer_was_lost_is_not_sent_again(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    polls = [OutgoingPoll(order=make_order(name), host=name, priority=0) for name in "abc"]
    with Queue.open(make_settings(dsn), patience=30) as queue:
        defer = JobManager.batch_defer_jobs

        def lose(self: JobManager, jobs: list[Job], connection: Any) -> Any:
            defer(self, jobs, connection=connection)
            monkeypatch.setattr(JobManager, "batch_defer_jobs", defer)
            ask(dsn, "UPDATE procrastinate_jobs SET status = 'doing' WHERE lock = 'a'")  # a worker is quick
            raise psycopg.OperationalError("the connection is lost")

        monkeypatch.setattr(JobManager, "batch_defer_jobs", lose)
        queue.send(polls)
    assert ask(dsn, "SELECT queueing_lock FROM procrastinate_jobs ORDER BY 1") == [("a",), ("b",), ("c",)]


def test_many_notifications_are_one_look(dsn: str) -> None:
    asked: list[None] = []
    listener = Listener(SecretStr(dsn), lambda: asked.append(None))
    listening = (
        "SELECT 1 FROM pg_stat_activity WHERE query = 'LISTEN kabarkota_harvests' AND state = 'idle'"
        " AND datname = current_database()"
    )
    assert wait_until(lambda: bool(ask(dsn, listening)))
    ask(dsn, "SELECT pg_notify('kabarkota_harvests', n::text) FROM generate_series(1, 50) AS n")
    assert wait_until(lambda: bool(asked))
    listener.end()
    assert wait_until(lambda: not ask(dsn, listening))
    assert len(asked) == 1


def test_large_harvests_are_brought_a_few_at_a_time(dsn: str) -> None:
    send(dsn, *((f"s{number}", f"h{number}", 0) for number in range(5)))
    sizes: list[int] = []

    async def do(jobs: WorkerJobs, connector: Forgetful) -> None:
        fetched = [await fetch(jobs) for _ in range(5)]
        body = b"x" * (BYTES_AT_ONCE // 2)
        for job in fetched[:4]:
            assert job is not None
            jobs.bring(job, [PackedHarvest(channel_id=1, pages=1, body=body)])
        connector.watch = lambda arguments: sizes.append(sum(map(len, arguments.get("bodies", ()))))
        await asyncio.gather(*(jobs.finish_job(job, Status.SUCCEEDED, delete_job=False) for job in fetched if job))

    work(dsn, do)
    assert sizes == [BYTES_AT_ONCE, BYTES_AT_ONCE]
    assert ask(dsn, "SELECT count(*) FROM harvests") == [(4,)]
    assert ask(dsn, "SELECT count(*) FROM procrastinate_jobs") == [(0,)]


def test_polls_of_an_answer_that_was_lost_are_done_all_the_same(dsn: str) -> None:
    send(dsn, *((f"s{number}", f"h{number}", 0) for number in range(5)))

    async def do(jobs: WorkerJobs, connector: Forgetful) -> None:
        first = await fetch(jobs)
        assert first is not None
        connector.loses = True
        rest = [await fetch(jobs) for _ in range(4)]
        assert all(rest)
        connector.loses = True
        assert await fetch(jobs) is None
        send(dsn, ("late", "h9", 0))
        connector.loses = True
        assert await fetch(jobs) is None  # PostgreSQL has given it to us
        late = await fetch(jobs)
        assert late is not None
        assert late.queueing_lock == "late"
        assert await fetch(jobs) is None
        connector.loses = True
        await asyncio.gather(*(complete(jobs, job) for job in [first, *rest, late] if job))

    work(dsn, do)
    assert ask(dsn, "SELECT count(*), count(DISTINCT source_id) FROM harvests") == [(6, 6)]
    assert ask(dsn, "SELECT count(*) FROM procrastinate_jobs") == [(0,)]


def test_a_harvest_that_postgresql_refuses_is_no_others_fault(dsn: str, caplog: pytest.LogCaptureFixture) -> None:
    send(dsn, *((f"s{number}", f"h{number}", 0) for number in range(3)))
    ask(dsn, "ALTER TABLE harvests ADD CONSTRAINT odd CHECK (channel_id <> 13)")

    async def do(jobs: WorkerJobs, _: Forgetful) -> None:
        fetched = [await fetch(jobs) for _ in range(3)]
        await asyncio.gather(
            *(complete(jobs, job, channel_id=12 + number) for number, job in enumerate(fetched) if job)
        )

    work(dsn, do)
    assert ask(dsn, "SELECT channel_id FROM harvests ORDER BY 1") == [(12,), (14,)]
    assert ask(dsn, "SELECT queueing_lock, status::text FROM procrastinate_jobs") == [("s1", "failed")]
    assert "s1: PostgreSQL refuses what was brought" in caplog.text


def run_cycle(store_node: Machine, *options: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(store_node.run("--catalogue", "catalogue.toml", *CYCLE, *options))
    return told


def test_a_cycle_through_a_worker(store_node: Machine, dsn: str, tmp_path: Path) -> None:
    worker = Machine(tmp_path / "worker", dsn)
    process = worker.start("worker")
    try:
        first = run_cycle(store_node)
        assert first["polls"] == {"changed": 6}
        assert first["articles"] == 17  # one of 18 is a stranger's, and waits for its own source
        assert first["failed_sources"] == first["warnings"] == []
        again = run_cycle(store_node)
        assert again["polls"] == {"unchanged": 6}
        assert again["articles"] == 0
        status = json.loads(store_node.run("cluster", "status", "--json"))
        assert (status["waiting"], status["under_way"], status["harvests"], status["aside"]) == (0, 0, 0, 0)
        assert status["workers_alive"] == 1
        told = store_node.run("cluster", "status")
        assert "workers: 1 alive" in told
    finally:
        assert end_process(process) == 0
    assert ask(dsn, "SELECT count(*) FROM procrastinate_jobs") == [(0,)]
    assert ask(dsn, "SELECT count(*) FROM procrastinate_workers") == [(0,)]
    assert ask(dsn, "SELECT count(*) FROM workers") == [(0,)]
    assert ask_database(store_node, "SELECT count(*) FROM taken_harvests") == [(12,)]
    assert not (worker.folder / "data" / "news.db").exists()  # a worker has no database
    assert "Traceback" not in worker.read_log()


@pytest.mark.slow
def test_without_a_worker_a_cycle_says_so_and_the_polls_wait(store_node: Machine, dsn: str) -> None:
    store_node.environment["KABARKOTA_CRAWL__DEADLINE_SECONDS"] = "2"
    told = run_cycle(store_node)
    assert told["polls"] == {}
    assert len(told["failed_sources"]) == 6
    assert "no worker is running" in told["warnings"][0]
    assert ask(dsn, "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'") == [(6,)]
    assert run_cycle(store_node)["failed_sources"] == []  # nothing is sent twice
    assert ask(dsn, "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'") == [(6,)]


def bring(dsn: str, source_id: str, channel_id: int, body: bytes) -> str:
    ((harvest_id,),) = ask(
        dsn,
        "INSERT INTO harvests (id, job_id, source_id, channel_id, body, worker)"
        " VALUES (gen_random_uuid(), 1, %s, %s, %s, 'test') RETURNING id::text",
        source_id,
        channel_id,
        body,
    )
    return str(harvest_id)


def make_harvest(source_id: str, channel_id: int) -> bytes:
    poll = Poll(channel_id=channel_id, outcome=PollOutcome.UNCHANGED, started_at=NOW, finished_at=NOW, http_status=304)
    return HARVEST.pack(Harvest(source_id=source_id, poll=poll))


@pytest.fixture
def filled(store_node: Machine) -> Machine:
    """A store node that knows its sources, and waits for nothing."""
    store_node.environment["KABARKOTA_CRAWL__DEADLINE_SECONDS"] = "0"
    run_cycle(store_node)
    return store_node


@pytest.mark.slow
def test_what_cannot_be_read_is_set_aside_with_the_reason_and_others_go_on(filled: Machine, dsn: str) -> None:
    channels = dict(ask_database(filled, "SELECT source_id, id FROM channels"))
    bad = bring(dsn, "portal-000", channels["portal-000"], b"no harvest")
    other = bring(dsn, "portal-001", channels["portal-001"], make_harvest("portal-002", channels["portal-002"]))
    good = bring(dsn, "portal-002", channels["portal-002"], make_harvest("portal-002", channels["portal-002"]))
    told = run_cycle(filled)
    assert told["polls"] == {"unchanged": 1}
    assert len([warning for warning in told["warnings"] if "set aside" in warning]) == 2
    aside = dict(ask(dsn, "SELECT id::text, refused FROM harvests"))
    assert set(aside) == {bad, other}
    assert "not compressed" in aside[bad]
    assert "of another channel" in aside[other]
    assert ask_database(filled, "SELECT id FROM taken_harvests") == [(good,)]
    soon = "SELECT count(*) FROM channels WHERE source_id < 'portal-002' AND next_poll_at < '2026-11-20T03:10'"
    assert ask_database(filled, soon) == [(0,)]  # else they would be asked at each look
    assert run_cycle(filled)["polls"] == {}  # they are looked at once
    assert "2 set aside" in filled.run("cluster", "status")


@pytest.mark.slow
def test_a_harvest_that_was_taken_in_is_not_taken_in_again(filled: Machine, dsn: str) -> None:
    """The store node was killed between its commit and letting go."""
    ((source_id, channel_id),) = ask_database(filled, "SELECT source_id, id FROM channels LIMIT 1")
    harvest_id = bring(dsn, source_id, channel_id, make_harvest(source_id, channel_id))
    assert run_cycle(filled)["polls"] == {"unchanged": 1}
    ask(
        dsn,
        "INSERT INTO harvests (id, job_id, source_id, channel_id, body, worker) VALUES (%s, 1, %s, %s, %s, 'test')",
        harvest_id,
        source_id,
        channel_id,
        make_harvest(source_id, channel_id),
    )
    assert run_cycle(filled)["polls"] == {}
    assert ask(dsn, "SELECT count(*) FROM harvests") == [(0,)]
    assert ask_database(filled, "SELECT count(*) FROM polls") == [(1,)]


@pytest.mark.slow
def test_a_harvest_of_a_source_that_is_gone_is_dropped(filled: Machine, dsn: str) -> None:
    bring(dsn, "nobody", 4711, make_harvest("nobody", 4711))
    assert run_cycle(filled)["polls"] == {}
    assert ask(dsn, "SELECT count(*) FROM harvests") == [(0,)]


@pytest.mark.slow
def test_a_poll_that_nobody_can_do_counts_as_failed(filled: Machine, dsn: str) -> None:
    ask(dsn, "UPDATE procrastinate_jobs SET status = 'failed', attempts = 5 WHERE queueing_lock = 'portal-003'")
    ask(dsn, "UPDATE procrastinate_jobs SET status = 'failed', args = '{}' WHERE queueing_lock = 'portal-004'")
    told = run_cycle(filled, "--due")
    assert told["polls"] == {"failed": 1}
    assert told["failed_sources"][0]["source"] == "portal-003"
    assert "no worker could do it, 5 times" in told["failed_sources"][0]["reason"]
    assert ask(dsn, "SELECT count(*) FROM procrastinate_jobs WHERE status = 'failed'") == [(0,)]
    assert ask_database(filled, "SELECT failures FROM channels WHERE source_id = 'portal-003'") == [(1,)]


@pytest.mark.slow
def test_an_order_that_cannot_be_read_is_refused_by_the_worker(filled: Machine, dsn: str, tmp_path: Path) -> None:
    ask(dsn, """UPDATE procrastinate_jobs SET args = '{"order": "AAAA"}' WHERE queueing_lock = 'portal-000'""")
    worker = Machine(tmp_path / "worker", dsn)
    process = worker.start("worker")
    try:
        assert wait_until(lambda: ask(dsn, "SELECT count(*) FROM harvests") == [(5,)])
        assert wait_until(lambda: ask(dsn, "SELECT status::text FROM procrastinate_jobs") == [("failed",)])
    finally:
        assert end_process(process) == 0
    assert "portal-000: not polled: poll: not compressed" in worker.read_log()
    assert "Traceback" not in worker.read_log()


@pytest.mark.slow
def test_a_poll_that_is_too_late_is_not_done(dsn: str, tmp_path: Path) -> None:
    order = make_order()
    late = PollOrder(kit="x", cycle=1, deadline=NOW, job=order.job)
    with Queue.open(make_settings(dsn)) as queue:
        queue.send([OutgoingPoll(order=late, host="h", priority=0)])
        process = Machine(tmp_path / "worker", dsn).start("worker")
        try:
            assert wait_until(lambda: queue.count_out() == 0)
        finally:
            assert end_process(process) == 0
        assert queue.list_brought() == []
        assert queue.list_out() == set()


@contextmanager
def work_at_a_slow_portal(folder: Path, dsn: str, latency: float) -> Iterator[tuple[Machine, subprocess.Popen[bytes]]]:
    """A store node, and a worker that is asking a portal."""
    with run_portals(1, latency=latency) as slow:
        store_node = Machine(folder / "store", dsn)
        write_catalogue(store_node.folder / "catalogue.toml", slow.bases)
        store_node.environment["KABARKOTA_CRAWL__DEADLINE_SECONDS"] = "0"
        run_cycle(store_node)
        process = Machine(folder / "worker", dsn).start("worker")
        try:
            assert wait_until(lambda: bool(ask(dsn, "SELECT 1 FROM hosts WHERE holder IS NOT NULL")))
            yield store_node, process
        finally:
            process.kill()
            process.wait()


@pytest.mark.slow
def test_a_worker_that_is_told_to_end_finishes_what_it_has_begun(dsn: str, tmp_path: Path) -> None:
    with work_at_a_slow_portal(tmp_path, dsn, 1.5) as (store_node, process):
        assert end_process(process) == 0
        assert ask(dsn, "SELECT count(*) FROM harvests") == [(1,)]
        assert run_cycle(store_node)["articles"] == 3


@pytest.mark.slow
def test_an_outage_takes_no_worker_for_dead(tmp_path: Path) -> None:
    """PostgreSQL is away for longer than a worker may be silent; the first who is back looks for the dead."""
    with run_postgres() as own:
        with connect(SecretStr(own.dsn)) as connection:
            init_schema(connection)
        with work_at_a_slow_portal(tmp_path, own.dsn, 6) as (store_node, process):
            own.stop()
            time.sleep(4)
            own.start()
            ask(own.dsn, "SELECT sweep(3, 5)")
            assert ask(own.dsn, "SELECT status::text, worker_id IS NOT NULL FROM procrastinate_jobs") == [
                ("doing", True)
            ]
            assert wait_until(lambda: ask(own.dsn, "SELECT count(*) FROM harvests") == [(1,)])
            assert end_process(process) == 0
            assert "took this worker for dead" not in Machine(tmp_path / "worker", own.dsn).read_log()
            assert run_cycle(store_node)["articles"] == 3


@pytest.mark.slow
def test_a_worker_that_is_told_twice_hands_back_what_it_has_begun(dsn: str, tmp_path: Path) -> None:
    with work_at_a_slow_portal(tmp_path, dsn, 60) as (_, process):
        process.terminate()
        assert wait_until(lambda: ask(dsn, "SELECT is_leaving FROM workers") == [(True,)])
        assert end_process(process) == 0
        assert ask(dsn, "SELECT status::text, attempts FROM procrastinate_jobs") == [("todo", 1)]


@pytest.mark.slow
def test_the_service_sends_and_takes_in_by_itself_and_tells_how_the_queue_is(
    store_node: Machine, dsn: str, tmp_path: Path
) -> None:
    (store_node.folder / "data" / "timetable.toml").write_text("[poll]\nevery_seconds = 3600\n", encoding="utf-8")
    port = find_port()
    process = Machine(tmp_path / "worker", dsn).start("worker")
    service = store_node.start("--catalogue", "catalogue.toml", "serve", "--port", str(port))

    def read_metrics() -> str:
        return httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False, timeout=10).text

    def has_all() -> bool:
        try:
            return ask_database(store_node, "SELECT count(*) FROM polls") == [(6,)]
        except sqlite3.OperationalError:  # it is not made yet
            return False

    try:  # the next turn of the timetable is an hour away: what is brought is heard of
        assert wait_until(has_all, 90, pause=0.5), store_node.read_log()
        assert ask_database(store_node, "SELECT count(*) FROM articles") == [(17,)]
        assert wait_until(lambda: "kabarkota_cluster_harvests_waiting 0.0" in read_metrics(), 60, pause=1)
        assert "kabarkota_cluster_workers 1.0" in read_metrics()
        assert ask(dsn, "SELECT count(*) FROM harvests") == [(0,)]
    finally:
        assert end_process(service) == 0
        assert end_process(process) == 0
    assert "Traceback" not in store_node.read_log()


@pytest.mark.slow
def test_the_doctor_says_how_the_cluster_is(dsn: str, tmp_path: Path) -> None:
    def look(machine: Machine) -> dict[str, str]:
        checks = json.loads(machine.run("doctor", "--json", code=None))["checks"]
        return next(check for check in checks if check["name"] == "cluster")

    machine = Machine(tmp_path, dsn)
    machine.environment["KABARKOTA_CATALOGUE"] = str(tmp_path / "catalogue.toml")  # no portals
    write_catalogue(tmp_path / "catalogue.toml", [])
    found = look(machine)
    assert found["level"] == "warning"
    assert found["found"] == "0 workers, 0 polls wait, 0 harvests wait"
    ask(dsn, "DROP SCHEMA kabarkota CASCADE")
    assert look(machine)["level"] == "fault"
    assert "cluster init" in look(machine)["found"]


@pytest.mark.slow
def test_a_postgresql_that_breaks_off_is_no_fault_of_a_harvest(
    filled: Machine, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ((source_id, channel_id),) = ask_database(filled, "SELECT source_id, id FROM channels LIMIT 1")
    bring(dsn, source_id, channel_id, make_harvest(source_id, channel_id))
    setup = make_setup(filled.folder)
    setup = replace(setup, catalogue_path=filled.folder / "catalogue.toml", cluster=make_settings(dsn))

    def break_off(self: Queue, harvest_id: str) -> Harvest:
        raise ClusterUnreachable("the cable is cut")

    with Store.open_writer(filled.database) as store, Queue.open(setup.cluster) as queue:
        with monkeypatch.context() as patched:
            patched.setattr(Queue, "read", break_off)
            with pytest.raises(ClusterUnreachable):
                run_cluster_cycle(setup, store, queue, now=NOW, due_only=True, waits=False)
        assert ask(dsn, "SELECT refused FROM harvests") == [(None,)]
        told = run_cluster_cycle(setup, store, queue, now=NOW, due_only=True, waits=False)
    assert told.polls == {"unchanged": 1}
    assert ask(dsn, "SELECT count(*) FROM harvests") == [(0,)]


def test_a_lane_is_of_one_day(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It counts down what is left of a host's requests, and tomorrow there are others."""

    async def look() -> tuple[bool, bool]:
        lane = Lane(
            "kit", Kit(settings=CrawlSettings(), requests_per_day=7), SecretStr(dsn), CrawlSettings(parser_workers=1)
        )
        today = lane.is_usable
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        monkeypatch.setattr("schedules.cluster.lane.system_clock", lambda: tomorrow)
        usable = lane.is_usable
        lane.close()
        await lane.join()
        return today, usable

    assert asyncio.run(look()) == (True, False)
