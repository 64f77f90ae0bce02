"""A crawl without an end: sources come one by one, and the process may die of one."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from portals import Answer, LoopbackPortal, make_setup, serve_portal

from aggregator.models import Channel, ChannelJob, ChannelKind, CrawlJob, Harvest, PollOutcome, Source
from crawler.batch import CrawlBatch
from crawler.incoming import Incoming
from crawler.permits import PermitAnswer, PermitCall, Permits, PermitWaitError
from crawler.process import CrawlInterrupted, CrawlProcess

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
ODD_CRAWLER = (sys.executable, str(Path(__file__).parent / "odd_crawler.py"))
FEED = b'<rss version="2.0"><channel><title>Kabar</title></channel></rss>'


def make_batch(folder: Path, portal: LoopbackPortal, *numbers: int, path: str = "/feed") -> CrawlBatch:
    """Sources at names of their own, so that none waits for another's host."""
    jobs = []
    for number in numbers:
        base = f"http://127.0.{1 + number // 200}.{1 + number % 200}:{portal.port}"
        channel = Channel(kind=ChannelKind.FEED, url=f"{base}{path}")
        source = Source(id=f"s{number}", name="s", domain=base.removeprefix("http://"), channels=(channel,))
        jobs.append(CrawlJob(source=source, channels=(ChannelJob(channel_id=number, channel=channel),), now=NOW))
    return CrawlBatch(settings=make_setup(folder, obey_robots=False).crawl, jobs=tuple(jobs))


@pytest.fixture
def everywhere() -> Iterator[LoopbackPortal]:
    """At all addresses of loopback."""
    with serve_portal("0.0.0.0") as portal:
        portal.answers["/feed"] = Answer(FEED, content_type="application/rss+xml")
        yield portal


class Following(threading.Thread):
    """What comes of it, as it comes."""

    def __init__(self, process: CrawlProcess, incoming: Incoming) -> None:
        super().__init__(daemon=True)
        self._process, self._incoming = process, incoming
        self.harvests: list[Harvest] = []
        self.failure: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            for harvest in self._process.follow(self._incoming):
                self.harvests.append(harvest)
        except Exception as error:
            self.failure = error

    def wait_for(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, (self.failure, len(self.harvests))
            assert self.failure is None or self.is_alive(), self.failure
            time.sleep(0.02)


def test_sources_are_polled_as_they_come_until_it_is_closed(tmp_path: Path, everywhere: LoopbackPortal) -> None:
    with closing(CrawlProcess()) as process:
        incoming = Incoming(make_batch(tmp_path, everywhere))
        following = Following(process, incoming)
        incoming.add(make_batch(tmp_path, everywhere, 1))
        following.wait_for(lambda: len(following.harvests) == 1)
        incoming.add(make_batch(tmp_path, everywhere, 2, 3))
        following.wait_for(lambda: len(following.harvests) == 3)
        incoming.add(make_batch(tmp_path, everywhere, 1))  # once more, later
        incoming.close()
        following.join(60)
        assert following.failure is None
        assert [harvest.source_id for harvest in following.harvests[:1]] == ["s1"]
        assert sorted(harvest.source_id for harvest in following.harvests) == ["s1", "s1", "s2", "s3"]
        assert {harvest.poll.outcome for harvest in following.harvests} == {PollOutcome.CHANGED}
        (again,) = process.crawl(make_batch(tmp_path, everywhere, 4))  # the process goes on
        assert again.source_id == "s4"


def test_it_goes_on_when_the_process_dies(tmp_path: Path, everywhere: LoopbackPortal) -> None:
    gate = threading.Event()
    everywhere.answers["/slow"] = Answer(FEED, content_type="application/rss+xml", gate=gate)
    with closing(CrawlProcess()) as process:
        incoming = Incoming(make_batch(tmp_path, everywhere))
        following = Following(process, incoming)
        incoming.add(make_batch(tmp_path, everywhere, 1))
        following.wait_for(lambda: len(following.harvests) == 1)
        incoming.add(make_batch(tmp_path, everywhere, 2, 3, path="/slow"))
        following.wait_for(lambda: everywhere.asked["/slow"] == 2)
        os.kill(process.pid, signal.SIGKILL)
        gate.set()
        incoming.add(make_batch(tmp_path, everywhere, 4))
        incoming.close()
        following.join(120)
        assert following.failure is None
        assert sorted(harvest.source_id for harvest in following.harvests) == ["s1", "s2", "s3", "s4"]
        assert {harvest.poll.outcome for harvest in following.harvests} == {PollOutcome.CHANGED}
        assert process.deaths == 1


def test_it_can_be_broken_off(tmp_path: Path, everywhere: LoopbackPortal) -> None:
    gate = threading.Event()
    everywhere.answers["/slow"] = Answer(FEED, gate=gate)
    with closing(CrawlProcess()) as process:
        incoming = Incoming(make_batch(tmp_path, everywhere))
        following = Following(process, incoming)
        incoming.add(make_batch(tmp_path, everywhere, 1, path="/slow"))
        following.wait_for(lambda: everywhere.asked["/slow"] == 1)
        process.interrupt()
        following.join(60)
        gate.set()
        assert isinstance(following.failure, CrawlInterrupted)
        assert following.harvests == []


def test_what_takes_too_long_is_noticed(
    tmp_path: Path, everywhere: LoopbackPortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = make_batch(tmp_path, everywhere, 1)
    incoming = Incoming(replace(batch, jobs=()))
    sent: list[CrawlBatch] = []
    incoming.add(batch)
    incoming.close()
    assert incoming.send_all(sent.append, lambda: True)
    assert sent == [batch]
    assert not incoming.is_stuck()
    begun = time.monotonic()
    monkeypatch.setattr("crawler.incoming.time.monotonic", lambda: begun + 10_000)
    assert incoming.is_stuck()
    assert incoming.take_left().jobs == batch.jobs
    assert not incoming.is_stuck()


def test_each_visit_may_end_as_many_parsers_as_one_in_a_batch(
    tmp_path: Path, everywhere: LoopbackPortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))  # of the parsers
    links = "".join(f"<item><title>Kota {n}</title><link>/parah/{n}</link></item>" for n in range(3))
    everywhere.answers["/feed"] = Answer(FEED.replace(b"</channel>", f"{links}</channel>".encode()))
    for number in range(3):
        everywhere.answers[f"/parah/{number}"] = Answer(b"<html><body><article>Kota</article></body></html>")
    with closing(CrawlProcess(log_level="ERROR", command=ODD_CRAWLER)) as process:
        incoming = Incoming(make_batch(tmp_path, everywhere))
        following = Following(process, incoming)
        for visit in (1, 2):
            incoming.add(make_batch(tmp_path, everywhere, 1))
            following.wait_for(lambda visit=visit: len(following.harvests) == visit, 120)
        incoming.close()
        following.join(60)
    assert [harvest.poll.outcome for harvest in following.harvests] == [PollOutcome.CHANGED] * 2
    assert [harvest.poll.kills for harvest in following.harvests] == [3, 3]


# ── permits, as the crawl process sees them ────────────────────────────────────────────────────────────────────────


class Keeper:
    """Answers calls by a table: seconds to wait, host by host, one after the other."""

    def __init__(self, waits: dict[str, list[float]]) -> None:
        self._waits = waits
        self.calls: list[PermitCall] = []
        self.permits = Permits(self.take, 60)

    async def take(self, call: PermitCall) -> None:
        self.calls.append(call)
        answers = [
            PermitAnswer(host=host, wait_seconds=self._waits[host].pop(0)) for host in call.wanted if self._waits[host]
        ]
        self.permits.heed(answers)


async def take(keeper: Keeper, *hosts: str) -> None:
    async with asyncio.TaskGroup() as group:
        for host in hosts:
            group.create_task(keeper.permits.take(host))


def test_what_is_wanted_at_once_goes_in_one_call() -> None:
    keeper = Keeper({"a": [0], "b": [0]})
    asyncio.run(take(keeper, "a", "b"))
    assert [call.wanted for call in keeper.calls] == [("a", "b")]


def test_a_permit_is_wanted_again_after_the_wait() -> None:
    keeper = Keeper({"a": [0.01, 0.01, 0]})
    asyncio.run(take(keeper, "a"))
    assert [call.wanted for call in keeper.calls] == [("a",)] * 3


def test_nobody_waits_longer_than_a_crawl_has_patience() -> None:
    keeper = Keeper({"a": [61]})
    with pytest.raises(ExceptionGroup) as raised:
        asyncio.run(take(keeper, "a"))
    assert isinstance(raised.value.exceptions[0], PermitWaitError)


def test_where_nobody_answers_it_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawler.permits.LONGEST_WAIT", 0.05)
    with pytest.raises(ExceptionGroup) as raised:
        asyncio.run(take(Keeper({"a": []}), "a"))
    assert isinstance(raised.value.exceptions[0], PermitWaitError)


def test_a_permit_that_is_told_twice_is_given_back_when_it_was_used() -> None:
    keeper = Keeper({"a": [0]})

    async def hear_twice() -> None:
        await keeper.permits.take("a")
        keeper.permits.heed([PermitAnswer(host="a")])
        await keeper.permits.settle()
        assert [call.returned for call in keeper.calls] == [()]
        keeper.permits.give_back("a", 2)
        await keeper.permits.settle()

    asyncio.run(hear_twice())
    assert [call.returned for call in keeper.calls] == [(), (("a", 2),)]


def test_a_permit_that_comes_too_late_is_given_back() -> None:
    keeper = Keeper({})

    async def come_late() -> None:
        keeper.permits.heed([PermitAnswer(host="a")])
        await keeper.permits.settle()

    asyncio.run(come_late())
    assert [call.returned for call in keeper.calls] == [(("a", 0),)]
