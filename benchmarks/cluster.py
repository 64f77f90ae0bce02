"""What a cluster costs and how it grows: `python -m benchmarks.cluster [--json]`; needs PostgreSQL.

    scaling    1, 2 and 4 workers over portals that take their time, so that waiting and not this machine's cores
               decides: articles a second, beside as many times what one worker does
    overhead   CPU of an article for what one machine does not do: the queue, permits, packing; beside crawl and ingest;
               where a poll brings three articles and where it brings ten
    recovery   a worker is killed with polls under way, all settings as they come: until others have begun them
    sizing     100,000 channels and a million pages a day from these figures: machines, rows, bytes

PostgreSQL, portals and machines are those of the tests.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

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
from pydantic import SecretStr

from aggregator.models import Channel, ChannelJob, ChannelKind, CrawlJob, Source
from benchmarks.tree import TICKS, read_tree_cpu
from schedules.cluster.messages import PollOrder
from schedules.cluster.postgres import connect
from schedules.cluster.queue import OutgoingPoll, Queue
from schedules.cluster.settings import ClusterSettings

WORKERS = (1, 2, 4)
LATENCY, SCALED_PORTALS, POLLS_AT_ONCE = 0.5, 192, 4  # a worker waits most of the time
WARMING = 8  # portals, so that crawl processes have started
MEASURED_PORTALS, IDLE_SECONDS = 300, 10.0
ARTICLES = (3, 10)  # that a poll brings
KNOWN_LINKS = 300  # of a portal, as they are sent with its poll
CHANNELS, PAGES_A_DAY, ON_TOPIC = 100_000, 1_000_000, 0.01
POLLS_A_DAY = 8  # of a channel, in the mean
VISIT_SECONDS = 10.0  # a feed and a few pages, two seconds apart
DAY_SECONDS = 86_400
HANGING_SECONDS = 100.0
DOING = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'"
PARTS = ("worker", "postgres", "store")
BUSY = 0.7  # of a core, that one plans with


def ask(dsn: str, sql: str) -> list[tuple[Any, ...]]:
    with connect(SecretStr(dsn)) as connection:
        return connection.execute(sql).fetchall()  # type: ignore[arg-type]


@contextmanager
def run_workers(folder: Path, dsn: str, count: int, *, polls: int) -> Iterator[list[int]]:
    """Their process ids."""
    machines = [Machine(folder / f"worker{number}", dsn, polls=polls) for number in range(count)]
    processes = [machine.start("worker") for machine in machines]
    try:
        if not wait_until(lambda: ask(dsn, "SELECT count(*) FROM workers") == [(count,)]):
            raise RuntimeError(machines[0].read_log())
        yield [process.pid for process in processes]
    finally:
        for process in processes:
            end_process(process)


def run_cycle(store_node: Machine, portals: Portals) -> dict[str, Any]:
    write_catalogue(store_node.folder / "catalogue.toml", portals.bases)
    told: dict[str, Any] = json.loads(store_node.run("--catalogue", "catalogue.toml", *CYCLE))
    return told


def measure_scaling(folder: Path, postgres: Postgres, count: int) -> dict[str, float]:
    """Articles a second, from the first question that a portal heard to its last answer."""
    dsn = postgres.make_database(f"scaling{count}")
    store_node = Machine(folder / f"scaling{count}", dsn)
    store_node.run("cluster", "init")
    with (
        run_workers(folder / f"of{count}", dsn, count, polls=POLLS_AT_ONCE),
        run_portals(WARMING * count) as warming,
        run_portals(SCALED_PORTALS, latency=LATENCY) as portals,
    ):
        run_cycle(store_node, warming)
        portals.tell_seen()
        told = run_cycle(store_node, portals)
        seen = portals.tell_seen()
    return {"workers": count, "articles": told["articles"], "seconds": seen["seconds"]}


def measure_recovery(folder: Path, postgres: Postgres) -> dict[str, float]:
    """Seconds from a worker's `kill -9` until the last of its polls is begun by another."""
    dsn = postgres.make_database("recovery")
    store_node = Machine(folder / "recovery", dsn)
    store_node.run("cluster", "init")
    store_node.environment["KABARKOTA_CRAWL__DEADLINE_SECONDS"] = "0"
    with run_portals(SCALED_PORTALS, latency=HANGING_SECONDS) as portals:
        machines = [Machine(folder / f"recovery{number}", dsn, polls=SCALED_PORTALS) for number in range(2)]
        for machine in machines:
            for name in ("HEARTBEAT", "STALLED"):
                usual = ClusterSettings.model_fields[f"{name.lower()}_seconds"].default
                machine.environment[f"KABARKOTA_CLUSTER__{name}_SECONDS"] = str(usual)
        victim = machines[0].start("worker")
        run_cycle(store_node, portals)
        if not wait_until(lambda: ask(dsn, DOING) == [(SCALED_PORTALS,)]):
            raise RuntimeError(machines[0].read_log())
        other = machines[1].start("worker")
        try:
            wait_until(lambda: ask(dsn, "SELECT count(*) FROM workers") == [(2,)])
            ((ours,),) = ask(dsn, "SELECT min(worker_id) FROM procrastinate_jobs")
            victim.kill()
            victim.wait()
            killed = time.monotonic()
            if not wait_until(lambda: ask(dsn, f"{DOING} AND worker_id > {ours}") == [(SCALED_PORTALS,)], 120, 0.25):
                raise RuntimeError("they were not given to the other")
            return {"polls": SCALED_PORTALS, "seconds": time.monotonic() - killed}
        finally:
            other.kill()
            other.wait()


def measure_overhead(folder: Path, postgres: Postgres, articles: int) -> dict[str, Any]:
    """CPU of what one machine does not do, in milliseconds an article, with its share of its source's poll, which
    brings so many.

    Of the worker it is its first process: crawl process and parsers are those of one machine. What worker and
    PostgreSQL take where nothing is to do is not counted. Of the store node: sending the polls, reading the harvests.
    """
    name = f"overhead{articles}"
    dsn, other = postgres.make_database(name), postgres.make_database(f"other{articles}")
    store_node = Machine(folder / name, dsn)
    store_node.run("cluster", "init")
    Machine(folder / f"other{articles}", other).run("cluster", "init")
    with (
        run_workers(folder / f"of-{name}", dsn, 1, polls=200) as (worker,),
        run_portals(WARMING) as warming,
        run_portals(MEASURED_PORTALS, articles=articles) as portals,
    ):
        run_cycle(store_node, warming)
        idle = Meter(worker, postgres.pid)
        time.sleep(IDLE_SECONDS)
        idle_worker, idle_postgres, _ = idle.read()
        store_node.environment["KABARKOTA_CRAWL__DEADLINE_SECONDS"] = "0"
        meter = Meter(worker, postgres.pid)
        crawled = read_tree_cpu(worker) - read_own_cpu(worker)
        run_cycle(store_node, portals)  # which sends them
        with connect(SecretStr(dsn)) as watching:  # a connection for each look would be most of what PostgreSQL does
            count = "SELECT count(*) FROM harvests"
            if not wait_until(lambda: watching.execute(count).fetchone() == (MEASURED_PORTALS,), 300, 1.0):
                raise RuntimeError("not all was brought")
        busy_worker, busy_postgres, seconds = meter.read()
        crawled = read_tree_cpu(worker) - read_own_cpu(worker) - crawled
        store = measure_store_node(dsn, other)
        whole = Meter(worker, postgres.pid)
        told, ingested = run_and_meter(store_node)
        taking_in = whole.read()[1]
        _, empty = run_and_meter(store_node)
    with closing(sqlite3.connect(store_node.database)) as connection:
        (pages,), (size,) = (connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size"))
    brought = told["articles"]
    share = seconds / IDLE_SECONDS
    parts = {
        "worker": busy_worker - share * idle_worker,
        "postgres": busy_postgres - share * idle_postgres + taking_in,
        "store": store,
    }
    return {
        "articles": brought,
        "polls": MEASURED_PORTALS,
        "crawl_ms": crawled * 1000 / brought,
        "ingest_ms": (ingested - empty) * 1000 / brought - store * 1000 / brought,
        "overhead_ms": {part: cpu * 1000 / brought for part, cpu in parts.items()},
        "database_bytes_an_article": pages * size / brought,
    }


def run_and_meter(store_node: Machine) -> tuple[dict[str, Any], float]:
    """What a cycle over what is due says, and the CPU seconds of its processes."""
    out = store_node.folder / "meter.json"
    meter = Path(__file__).with_name("meter.py")
    said = store_node.run("--catalogue", "catalogue.toml", *CYCLE, "--due", through=("-I", str(meter), str(out)))
    told: dict[str, Any] = json.loads(said)
    cpu: float = json.loads(out.read_text(encoding="utf-8"))["cpu_seconds"]
    return told, cpu


def read_own_cpu(pid: int) -> float:
    """Seconds of the process alone."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def measure_store_node(dsn: str, other: str) -> float:
    """CPU seconds of this process for sending as many polls, to another database, and reading the harvests."""
    with (
        Queue.open(ClusterSettings(dsn=SecretStr(dsn))) as queue,
        Queue.open(ClusterSettings(dsn=SecretStr(other))) as to,
    ):
        brought = queue.list_brought()
        orders = [make_order(each.source_id) for each in brought]
        began = time.process_time()
        to.send(OutgoingPoll(order=order, host=order.job.source.id, priority=0) for order in orders)
        for each in queue.list_brought():
            queue.read(each.id)
        return time.process_time() - began


def make_order(source_id: str) -> PollOrder:
    """With as many known links as a portal has after some weeks."""
    now = datetime.now(UTC)
    channel = Channel(kind=ChannelKind.FEED, url=f"https://{source_id}.example/feed")
    source = Source(id=source_id, name=source_id, domain=f"{source_id}.example", channels=(channel,))
    known = {f"https://{source_id}.example/berita/{number}": 1_795_000_000 + number for number in range(KNOWN_LINKS)}
    job = CrawlJob(source=source, channels=(ChannelJob(channel_id=1, channel=channel),), now=now, known=known)
    return PollOrder(kit="kit", cycle=1, deadline=now, job=job)


class Meter:
    """CPU seconds of a worker's first process and of PostgreSQL, since it was made."""

    def __init__(self, worker: int, postgres: int) -> None:
        self._worker, self._postgres = worker, postgres
        self._begun = self._take()

    def read(self) -> tuple[float, float, float]:
        """Worker, PostgreSQL, and the seconds that went by."""
        worker, postgres, seconds = (now - then for now, then in zip(self._take(), self._begun, strict=True))
        return worker, postgres, seconds

    def _take(self) -> tuple[float, float, float]:
        return read_own_cpu(self._worker), read_tree_cpu(self._postgres), time.monotonic()


def split_overhead(few: dict[str, Any], many: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """Of each part, milliseconds of a poll, and more for each article that it brings."""
    small, large = (found["articles"] / found["polls"] for found in (few, many))
    split = {}
    for part in few["overhead_ms"]:
        of_few, of_many = few["overhead_ms"][part] * small, many["overhead_ms"][part] * large
        an_article = (of_many - of_few) / (large - small)
        split[part] = (of_few - an_article * small, an_article)
    return split


def calculate_size(few: dict[str, Any], many: dict[str, Any]) -> dict[str, float]:
    """100,000 channels and a million pages a day: cores, rows, bytes.

    Assumed: a channel is polled eight times a day; a poll costs what a page costs, beside what the queue costs; one
    page in a hundred is on topic, and is all that is taken in; cores are planned to be busy for 70 % of the time.
    """
    pages, polls = PAGES_A_DAY / DAY_SECONDS, CHANNELS * POLLS_A_DAY / DAY_SECONDS
    split = split_overhead(few, many)
    worker, postgres, store = (
        polls * a_poll + pages * an_article for a_poll, an_article in (split[part] for part in PARTS)
    )
    return {
        "pages_a_second": pages,
        "polls_a_second": polls,
        "polls_under_way": polls * VISIT_SECONDS,
        "worker_cores": ((pages + polls) * few["crawl_ms"] + worker) / 1000 / BUSY,
        "postgres_cores": postgres / 1000 / BUSY,
        "postgres_rows_a_second": polls * 3 + (pages + 2 * polls) * 2,
        "store_cores": (pages * ON_TOPIC * few["ingest_ms"] + store) / 1000 / BUSY,
        "database_megabytes_a_day": PAGES_A_DAY * ON_TOPIC * few["database_bytes_an_article"] / 1e6,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON document")
    options = parser.parse_args()
    if find_postgres() is None:
        print(NO_POSTGRES, file=sys.stderr)
        return 1
    folder = Path(tempfile.mkdtemp(prefix="kabarkota-cluster-"))
    began = time.monotonic()
    try:
        with run_postgres() as postgres:
            scaling = [measure_scaling(folder, postgres, count) for count in WORKERS]
            recovery = measure_recovery(folder, postgres)
            overheads = [measure_overhead(folder, postgres, articles) for articles in ARTICLES]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    rates = [each["articles"] / each["seconds"] for each in scaling]
    rows = [
        {**each, "rate": rate, "share": rate / (each["workers"] * rates[0])}
        for each, rate in zip(scaling, rates, strict=True)
    ]
    found = {
        "scaling": rows,
        "recovery": recovery,
        "overheads": overheads,
        "sizing": calculate_size(*overheads),
        "took": time.monotonic() - began,
    }
    if options.json:
        print(json.dumps(found))
        return 0
    print(f"{'workers':>8}{'articles':>10}{'seconds':>9}{'a second':>10}{'of N times one':>16}")
    for row in rows:
        print(
            f"{row['workers']:>8}{row['articles']:>10}{row['seconds']:>9.1f}{row['rate']:>10.2f}{row['share']:>16.2f}"
        )
    print(f"recovery: {recovery['polls']} polls of a killed worker begun by another after {recovery['seconds']:.1f} s")
    print("CPU of an article, ms:")
    print(f"{'a poll brings':>15}{''.join(f'{part:>10}' for part in (*PARTS, 'overhead', 'crawl', 'ingest'))}")
    for told in overheads:
        parts = [told["overhead_ms"][part] for part in PARTS]
        costs = (*parts, sum(parts), told["crawl_ms"], told["ingest_ms"])
        print(f"{told['articles'] / told['polls']:>15.1f}{''.join(f'{cost:>10.2f}' for cost in costs)}")
    for part, (a_poll, an_article) in split_overhead(*overheads).items():
        print(f"  {part}: {a_poll:.2f} a poll, and {an_article:.2f} an article")
    for name, value in found["sizing"].items():
        print(f"{name}: {value:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
