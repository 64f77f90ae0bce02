"""A crawl process that hangs, dies or talks nonsense is replaced, and nobody but its culprit is affected."""

from __future__ import annotations

import ipaddress
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from portals import Answer, LoopbackPortal, serve_portal

from aggregator.diagnosis import diagnose
from aggregator.models import ArticleLink, Channel, ChannelJob, ChannelKind, CrawlJob, Harvest, PollOutcome, Source
from aggregator.processes import list_descendants
from crawler.backfilling.report import ArchiveJob, ArchivePage
from crawler.batch import REPORT, CrawlBatch, Report
from crawler.crawl_child import ChildDied, CrawlChild, Watch
from crawler.line_reader import LineReader
from crawler.probing.report import ProbeJob
from crawler.process import CrawlInterrupted, CrawlProcess, CrawlProcessError
from crawler.regrouping import Regrouping
from crawler.settings import CrawlSettings
from crawler.units import join_reports
from crawler.vitals import Vitals

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
COMMAND = (sys.executable, str(Path(__file__).parent / "odd_crawler.py"))
FEED = (
    '<rss version="2.0"><channel><title>Uji</title><item><title>Pasar</title><link>{}/a/</link></item></channel></rss>'
)
SETTINGS = CrawlSettings(
    allow_networks=(ipaddress.ip_network("127.0.0.0/8"),),
    delay_seconds=0,
    requests_per_domain=50,
    timeout_seconds=60,
    parser_workers=1,
)


@pytest.fixture
def portal() -> Iterator[LoopbackPortal]:
    with serve_portal() as served:
        served.answers["/a/"] = Answer(b"<p>Tentang pasar.")
        yield served


@pytest.fixture
def slow() -> Iterator[LoopbackPortal]:
    with serve_portal() as served:
        yield served


@pytest.fixture(scope="module")
def process() -> Iterator[CrawlProcess]:
    """It begins anew by itself."""
    with start() as crawl:
        yield crawl


@contextmanager
def start(patience: float = 1.5) -> Iterator[CrawlProcess]:
    process = CrawlProcess(log_level="ERROR", command=COMMAND, patience=patience)
    try:
        yield process
    finally:
        process.close()


def make_source(portal: LoopbackPortal, name: str) -> Source:
    portal.answers[f"/{name}.xml"] = Answer(FEED.format(portal.base).encode(), content_type="application/rss+xml")
    channel = Channel(kind=ChannelKind.FEED, url=f"{portal.base}/{name}.xml")
    return Source(id=name, name=name, domain="uji.example", channels=(channel,))


def make_batch(portal: LoopbackPortal, names: Sequence[str], slow: LoopbackPortal | None = None) -> CrawlBatch:
    """All but the first at `slow`, where it is given: of one host they wait for each other."""
    sources = [make_source(portal if name == names[0] else slow or portal, name) for name in names]
    return CrawlBatch(
        settings=SETTINGS,
        jobs=tuple(
            CrawlJob(source=source, channels=(ChannelJob(channel_id=number, channel=source.channels[0]),), now=NOW)
            for number, source in enumerate(sources, start=1)
        ),
    )


def check_only_failed(harvests: Sequence[Harvest], names: Sequence[str], culprits: Sequence[str]) -> None:
    assert Counter(harvest.source_id for harvest in harvests) == Counter(names)
    failed = {harvest.source_id: harvest.poll for harvest in harvests if harvest.poll.outcome is PollOutcome.FAILED}
    assert set(failed) == set(culprits), [poll.reason for poll in failed.values()]
    for poll in failed.values():
        assert (poll.kills, diagnose(poll.reason).code, poll.is_silent) == (1, "crawler-killed", False)


@pytest.mark.slow
def test_channel_that_hangs_the_crawl_fails_alone(process: CrawlProcess, portal: LoopbackPortal) -> None:
    names = ["satu", "hang", "dua", "tiga"]
    deaths = process.deaths
    harvests = list(process.crawl(make_batch(portal, names)))
    check_only_failed(harvests, names, ["hang"])
    assert process.deaths - deaths == 2
    assert portal.asked["/hang.xml"] == 2
    again = list(process.crawl(make_batch(portal, ["empat"])))  # warm again
    check_only_failed(again, ["empat"], [])


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["sleep", "stop", "killed", "left", "nonsense", "foreign", "endless"])
def test_whatever_ends_the_crawl_is_survived(process: CrawlProcess, portal: LoopbackPortal, fault: str) -> None:
    names = ["satu", fault, "dua", "tiga"]
    harvests = list(process.crawl(make_batch(portal, names)))
    culprits = [] if fault == "foreign" else [fault]  # its harvest was good, the first time
    check_only_failed(harvests, names, culprits)


@pytest.mark.parametrize("end", [signal.SIGKILL, pytest.param(signal.SIGSTOP, marks=pytest.mark.slow)])
def test_crawl_that_somebody_ends_goes_on(
    process: CrawlProcess, portal: LoopbackPortal, slow: LoopbackPortal, end: signal.Signals
) -> None:
    names = ["satu", "dua", "tiga", "empat"]
    batch = make_batch(portal, names, slow)
    gate = threading.Event()
    slow.answers[f"/{names[1]}.xml"].gate = gate
    deaths = process.deaths
    harvests = process.crawl(batch)
    first = next(harvests)
    os.kill(process.pid, end)
    gate.set()
    rest = list(harvests)
    check_only_failed([first, *rest], names, [])
    assert process.deaths - deaths == 1


def test_crawl_that_cannot_begin_blames_no_channel(portal: LoopbackPortal) -> None:
    process = CrawlProcess(command=(sys.executable, "-c", "raise SystemExit(3)"))
    with pytest.raises(CrawlProcessError, match=r"no crawl process can be started: .*exit code 3"):
        list(process.crawl(make_batch(portal, ["satu", "dua"])))
    assert not portal.asked
    process.close()


@pytest.mark.slow
def test_interrupted_crawl_is_not_begun_anew(portal: LoopbackPortal, slow: LoopbackPortal) -> None:
    batch = make_batch(portal, ["satu", "dua"], slow)
    slow.answers["/dua.xml"].gate = gate = threading.Event()
    with start() as process:
        harvests = process.crawl(batch)
        next(harvests)
        process.interrupt()
        with pytest.raises(CrawlInterrupted):
            next(harvests)
        assert process.deaths == 0
    gate.set()


@pytest.mark.slow
def test_crawl_that_nobody_reads_on_does_not_answer_the_next_batch(
    process: CrawlProcess, portal: LoopbackPortal
) -> None:
    harvests = process.crawl(make_batch(portal, ["satu", "dua"]))
    next(harvests)
    harvests.close()
    check_only_failed(list(process.crawl(make_batch(portal, ["tiga"]))), ["tiga"], [])


@pytest.mark.slow
def test_probe_and_archive_that_end_the_crawl_are_told(process: CrawlProcess, portal: LoopbackPortal) -> None:
    hung, good = make_source(portal, "hang"), make_source(portal, "satu")
    probes = tuple(
        ProbeJob(source=source, url=source.channels[0].url, now=NOW, terms=("apeksi",)) for source in (hung, good)
    )
    reports = {report.source_id: report for report in process.probe(CrawlBatch(settings=SETTINGS, probes=probes))}
    assert (reports["hang"].kills, reports["satu"].kills) == (1, 0)
    assert diagnose(reports["hang"].reason).code == "crawler-killed"
    page = ArchiveJob(source=hung, now=NOW, page=ArchivePage(url=hung.channels[0].url, kind=ChannelKind.FEED))
    (report,) = process.read_archive(CrawlBatch(settings=SETTINGS, archives=(page,)))
    assert report.failure is not None
    assert report.failure.is_unreadable
    links = tuple(ArticleLink(url=f"{portal.base}{path}") for path in ("/a/", "/hang.xml", "/a/?2"))
    portal.answers["/a/?2"] = portal.answers["/a/"]
    articles = ArchiveJob(source=hung, now=NOW, links=links, max_requests=3)
    joined = join_reports(process.read_archive(CrawlBatch(settings=SETTINGS, archives=(articles,))))
    assert joined is not None
    assert [failure.url for failure in joined.failures] == [links[1].url]
    assert {page.link.url for page in joined.pages} == {links[0].url, links[2].url}


def test_workers_end_with_their_crawl_process(process: CrawlProcess, portal: LoopbackPortal) -> None:
    list(process.crawl(make_batch(portal, ["satu"])))
    workers = list_descendants(process.pid)
    assert workers
    os.kill(process.pid, signal.SIGKILL)
    wait_for(lambda: not any(Path(f"/proc/{pid}/cmdline").exists() and read_state(pid) != "Z" for pid in workers))


def read_state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def wait_for(is_so: Callable[[], bool], seconds: float = 60) -> None:
    ends_at = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < ends_at
        time.sleep(0.02)


# ── the parts ──────────────────────────────────────────────────────────────────────────────────────────────────────


def play(count: int, killers: set[int], *, is_known: bool, begun: Callable[[int], bool]) -> tuple[Counter[int], int]:
    """(how often each unit was done, deaths), where units below `killers` in a group are done before it dies."""
    groups, done, given_up, deaths = Regrouping(range(count)), Counter[int](), set(), 0
    while group := groups.begin_next():
        killer = next((unit for unit in group if unit in killers), None)
        for unit in group:
            if unit == killer:
                break
            groups.note_done(unit)
            done[unit] += 1
        if killer is not None:
            deaths += 1
            lost = groups.note_death(killer if is_known else None, begun)
            given_up |= {lost} - {None}
    assert given_up == killers
    assert groups.list_left() == []
    return done, deaths


@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize("killers", [set(), {0}, {499}, {3, 250, 251}])
@pytest.mark.parametrize("begun", [lambda unit: False, lambda unit: unit % 2 == 0, lambda unit: True])
def test_units_that_kill_are_given_up_and_no_others(
    killers: set[int], is_known: bool, begun: Callable[[int], bool]
) -> None:
    done, deaths = play(500, killers, is_known=is_known, begun=begun)
    assert set(done) == set(range(500)) - killers
    assert set(done.values()) == {1}
    assert deaths <= len(killers) * (2 if is_known else 12)


def test_line_without_an_end_takes_no_more_than_the_longest() -> None:
    ours, theirs = os.pipe()
    reader = LineReader(os.fdopen(ours, "rb"), longest=1 << 16, ahead=1 << 16)
    os.write(theirs, b"satu\n")
    assert reader.get(5) == b"satu\n"
    for _ in range(2):
        os.write(theirs, b"x" * (1 << 15))
    assert reader.get(5) == b""
    assert reader.is_broken
    os.close(theirs)
    reader.close()


def test_lines_are_read_ahead_only_so_far() -> None:
    ours, theirs = os.pipe()
    reader = LineReader(os.fdopen(ours, "rb"), longest=1 << 20, ahead=10_000)
    line = b"x" * 999 + b"\n"
    writing = threading.Thread(target=lambda: [os.write(theirs, line) for _ in range(500)] and os.close(theirs))
    writing.start()
    assert reader.get(5) == line
    assert reader._bytes <= 10_000
    assert sum(reader.get(5) == line for _ in range(499)) == 499
    assert (reader.get(5), reader.get(5), reader.is_broken) == (b"", b"", False)
    writing.join()
    reader.close()


@dataclass
class Sleeper:
    vitals: Vitals
    patience: float = 15
    pid: int = 0


def test_time_in_which_nobody_looked_is_no_silence() -> None:
    vitals = Vitals()
    watch = Watch(Sleeper(vitals), 100)
    assert watch.look(3600) == ""  # it is still being started
    vitals.beat()
    assert watch.look(0.5) == ""
    assert watch.look(3600) == ""  # the machine slept, or the service was stopped
    assert [watch.look(0.5) for _ in range(27)] == [""] * 27
    assert watch.look(0.5).startswith("the crawl process hung")
    for _ in range(200):
        vitals.beat()
        told = watch.look(0.5)
    assert told.startswith("the crawl process did not come to an end")


TALKATIVE = """
import sys, time
for _ in range(1200):
    print(sys.argv[1], flush=True)
    time.sleep(0.05)
"""


def test_a_process_that_is_never_silent_is_looked_at_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    line = REPORT.encode(Report()).decode()
    child = CrawlChild([sys.executable, "-c", TALKATIVE, line], patience=60)
    looks: list[int] = []
    try:
        reports = child.work(lambda send: None, float("inf"), lambda: looks.append(len(heard)))
        heard = [next(reports)]
        while len(looks) < 3:
            heard.append(next(reports))
        monkeypatch.setattr("crawler.crawl_child.MOST_MEMORY", 1)
        with pytest.raises(ChildDied, match="of memory"):
            heard.extend(reports)
        assert len(heard) < 1200
    finally:
        child.close(1)


def test_vitals_bear_whatever_the_other_side_writes() -> None:
    vitals, descriptor = Vitals.create()
    other = Vitals(descriptor)
    os.close(descriptor)
    other.beat()
    for unit in (-(2**63), 2**63 - 1, 5):
        other.take_up(unit)
        assert vitals.busy == unit
    assert (vitals.beats, vitals.has_begun(5), vitals.has_begun(2**63), vitals.has_begun(6)) == (1, True, False, False)
    vitals.reset()
    assert (vitals.busy, vitals.has_begun(5)) == (-1, False)
