"""`kill -9` of each process, over and over, in every phase; afterwards nothing is lost, twice or torn.

    portals that publish more and more ─▶ `serve`, something due each second
        ─▶ wait for a phase ─▶ kill -9 of crawl, parser, web, `kabarkota backup` ─▶ does it go on? is all whole?
        ─▶ kill -9 of the service ─▶ is all whole? ─▶ start again
    … every few lives one calm cycle, and the database is compared with what the portals have
    databases of older versions ─▶ `serve` ─▶ kill -9 as it copies or migrates ─▶ old or new, whole? ─▶ start again

`python crash_loop.py --kills 200` in this folder kills each kind of process 200 times, and prints what was killed in
which phase, and how soon it went on.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path

from crash_checks import Checks
from crash_migrations import Migrating
from crash_room import LIFE, LOOK, Record, Room, Service, kill, read_cpu, wait_for
from portals import serve_portal
from post_office import Receiver, run_receiver

CHILDREN = ("crawl", "parser", "web", "backup")
KINDS = ("service", *CHILDREN, "migration")
LIVES = 20  # of a service with one data folder
# in which a service is killed
PHASES = ("fetch", "parse", "ingest", "publish", "backup", "tend", "prune", "snapshot", "alerts")
MOST_WAIT = 12.0  # seconds for the phase that is wanted; then it is killed in another
TARGET_SECONDS = 3.0  # until it goes on
READY = "service: start to first answer"


class Lives:
    """A service that is started, loses processes, is killed, and is started again, in one data folder."""

    def __init__(self, room: Room, receiver: Receiver, chance: random.Random) -> None:
        self._room, self._receiver, self._chance, self._record = room, receiver, chance, room.record
        self._checks = Checks(room)

    def run(self, left: dict[str, int], until: float) -> None:
        """Up to so many kills of each kind, in LIVES lives; then the comparison."""
        self._begin()
        for _ in range(LIVES):
            if not any(self._is_wanted(kind, left) for kind in left) or time.monotonic() > until:
                break
            if self._is_wanted("service", left) and self._chance.random() < 0.12:
                self._kill_at_start()
            self._live(left)
        self._end_calmly()

    def _is_wanted(self, kind: str, left: dict[str, int]) -> bool:
        return self._record.count(kind) < left.get(kind, 0)

    def _begin(self) -> None:
        """A first cycle, so that there is a database, and alerts know what is no news."""
        self._room.write_timetable()
        self._room.publish_more(0, ahead=5)
        self._room.run("run", "--json")
        self._checks.known = int(str(self._room.read("SELECT count(*) FROM duplicate_groups")[0][0]))

    def _live(self, left: dict[str, int]) -> None:
        phase = self._chance.choice(PHASES)
        kinds = [kind for kind in CHILDREN if kind in left] * (1 if "service" in left else 3)
        self._chance.shuffle(kinds)
        self._room.make_due()
        self._room.write_timetable(phase)
        self._room.publish_more(0)
        with Service(self._room) as service:
            if not wait_for(lambda: self._room.has_answered() or service.has_ended):
                self._room.complain("the feed was not answered after a start")
            if service.has_ended:
                raise RuntimeError(
                    f"the service ended with {service.process.returncode}; see the log in {self._room.folder}"
                )
            self._record.seconds[READY].append(service.age)
            self._record.seconds[f"{READY}, CPU of service"].append(read_cpu(service.process.pid))
            self._record.seconds[f"{READY}, CPU of web server"].append(read_cpu(service.find("web")))
            for kind in kinds:
                if self._is_wanted(kind, left) and service.age < LIFE and not service.has_ended:
                    self._kill_child(kind, service)
            self._room.publish_more(service.age)
            self._wait_for_phase(phase, service)
            told = service.tell_phase()
            if service.has_ended:
                self._room.complain(f"the service ended with {service.process.returncode}")
            elif self._is_wanted("service", left) and kill(service.process.pid):
                self._record.note("service", told)
        self._checks.look_through(f"service killed at {told}")

    def _wait_for_phase(self, phase: str, service: Service) -> None:
        wait_for(lambda: service.tell_phase() == phase or service.has_ended, MOST_WAIT, look=LOOK)
        time.sleep(self._chance.choice((0, 0, self._chance.uniform(0, 0.03))))

    def _kill_at_start(self) -> None:
        self._room.make_due()
        with Service(self._room) as service:
            time.sleep(self._chance.uniform(0.05, 2))
            phase = service.tell_phase()
            if kill(service.process.pid):
                self._record.note("service", phase)
        self._checks.look_through("service killed as it started")

    def _kill_child(self, kind: str, service: Service) -> None:
        self._room.publish_more(service.age)
        if kind == "backup":
            self._kill_backup()
        else:
            self._kill_worker(kind, service)
        if service.has_ended:
            self._room.complain(f"the service ended with its {kind}")
        self._checks.look_through(f"{kind} killed")

    def _kill_worker(self, kind: str, service: Service) -> None:
        """Of the service's own; then it must go on."""
        self._wait_for_phase(self._chance.choice(("fetch", "parse", "ingest", "publish", "waiting")), service)
        if not wait_for(lambda: service.find(kind)):
            self._room.complain(f"no {kind} was ever there")
            return
        articles, phase, pid = self._room.count_articles(), service.tell_phase(), service.find(kind)
        if pid is None or not kill(pid):
            return
        killed = time.monotonic()
        self._record.note(kind, phase)

        def goes_on() -> bool:
            if kind == "web":
                return self._room.has_answered()
            self._room.publish_more(service.age)
            return self._room.count_articles() > articles

        if not wait_for(lambda: goes_on() or service.has_ended):
            self._room.complain(f"it did not go on without its {kind}")
        name = "web: kill to answer" if kind == "web" else f"{kind}: kill to next article kept"
        self._record.seconds[name].append(time.monotonic() - killed)
        self._record.seconds[f"{name}, CPU of the new one"].append(read_cpu(service.find(kind)))

    def _kill_backup(self) -> None:
        """`kabarkota backup` beside the service."""
        half, whole = self._room.watch_for("backups/.news-*.tmp"), self._room.watch_for("backups/news-*.db")
        process = self._room.start("backup", "--json")
        if self._chance.random() < 0.15:
            time.sleep(self._chance.uniform(0, 1.5))
        else:
            wait_for(lambda: half() or process.poll() is not None, look=LOOK)
            time.sleep(self._chance.uniform(0, 0.06))
        phase = "backup" if half() else "after the backup" if whole() else "start"
        if process.poll() is None and kill(process.pid):
            self._record.note("backup", phase)
        process.wait()

    def _end_calmly(self) -> None:
        """Cycles without kills until nothing waits; then the comparison."""
        for _ in range(12):
            self._room.make_due(at_once=True)
            self._room.run("run", "--json")
            states = self._room.read("SELECT 1 FROM deliveries WHERE state <> 'sent'")
            if self._room.count_articles() >= len(self._room.expected()) and not states:
                break
        self._room.run("backup", "--json")
        self._checks.check_all(self._receiver)


def run_crash_loop(
    folder: Path, kills: int, seed: int = 1, kinds: Collection[str] = KINDS, seconds: float = 86_400
) -> Record:
    """So many kills of each kind, or as many as can be done in the time. Where something was wrong the data folder
    stays."""
    record, until = Record(), time.monotonic() + seconds
    lived = [kind for kind in kinds if kind != "migration"]
    with serve_portal() as portal:
        for epoch in range(kills):
            left = {kind: kills - record.count(kind) for kind in lived}
            if any(count > 0 for count in left.values()):
                with run_receiver() as receiver:
                    room = Room(folder / f"s{seed}e{epoch}", portal, receiver.url, Record())
                    Lives(room, receiver, random.Random(f"{seed} {epoch}")).run(left, until)
                _take(record, room)
            missing = kills - record.count("migration")
            if "migration" in kinds and missing > 0:
                room = Room(folder / f"s{seed}m{epoch}", portal, "http://127.0.0.1:9/", Record())
                Migrating(room, random.Random(f"{seed} {epoch}")).run(min(missing, LIVES) if lived else missing, until)
                _take(record, room)
            if min(map(record.count, kinds)) >= kills or time.monotonic() > until:
                break
    return record


def _take(record: Record, room: Room) -> None:
    record.add(room.record)
    counts = " ".join(f"{kind} {record.count(kind)}" for kind in KINDS)
    print(
        f"{time.strftime('%H:%M:%S')} {room.folder.name} load {os.getloadavg()[0]:.1f}: {counts}",
        file=sys.stderr,
        flush=True,
    )
    if not room.record.faults:
        shutil.rmtree(room.folder)
        for path in [path for path in room.portal.answers if path.startswith(f"/{room.folder.name}/")]:
            del room.portal.answers[path]


def describe(record: Record) -> str:
    """A table of targets and phases, how soon it went on, what was looked at, and every fault."""
    phases = list(
        dict.fromkeys([*("start", "fetch", "parse", "ingest", "publish"), *sorted({p for _, p in record.kills})])
    )
    lines = [f"{'kills':<10}{'':>6}" + "".join(f"{phase:>{len(phase) + 2}}" for phase in phases)]
    for kind in KINDS:
        cells = [f"{record.kills[kind, phase] or '·':>{len(phase) + 2}}" for phase in phases]
        lines.append(f"{kind:<10}{record.count(kind):>6}" + "".join(cells))
    lines += [_describe_seconds(name, sorted(found)) for name, found in sorted(record.seconds.items()) if found]
    lines += [f"{count:>7} {name}" for name, count in sorted(record.seen.items())]
    lines.append(f"{len(record.faults)} faults")
    return "\n".join([*lines, *(f"FAULT {fault}" for fault in record.faults)])


def _describe_seconds(name: str, found: Sequence[float]) -> str:
    late = sum(seconds > TARGET_SECONDS for seconds in found)
    return (
        f"{name}: median {found[len(found) // 2]:.2f} s, 95th {found[len(found) * 95 // 100]:.2f} s,"
        f" longest {found[-1]:.2f} s, of {len(found)}; {late} over {TARGET_SECONDS:g} s"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, help="of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", action="append", choices=KINDS, help="this one alone; may be repeated")
    parser.add_argument("--minutes", type=float, default=1_440, help="no further kill after so many")
    parser.add_argument("--lanes", type=int, default=1, help="side by side, each with its part of the kills")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="crash-loop-"))
    started, record = time.monotonic(), Record()
    shares = [options.kills // options.lanes + (lane < options.kills % options.lanes) for lane in range(options.lanes)]
    with ProcessPoolExecutor(options.lanes, mp_context=get_context("spawn")) as pool:
        seeds = [options.seed * 100 + lane for lane in range(options.lanes)]
        kinds = [options.kind or KINDS] * options.lanes
        seconds = [options.minutes * 60] * options.lanes
        for part in pool.map(run_crash_loop, [folder] * options.lanes, shares, seeds, kinds, seconds):
            record.add(part)
    print(describe(record))
    print(f"{sum(record.kills.values())} kills in {(time.monotonic() - started) / 60:.0f} minutes")
    if record.faults:
        print(f"what they left is in {folder}")
    with suppress(OSError):
        folder.rmdir()
    return int(bool(record.faults))


if __name__ == "__main__":
    sys.exit(main())
