"""Parsers that die, hang, starve or were broken into: it costs their page, and nothing of other sources."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import hostile_calls as calls
import pytest
from test_watchdog import read_state, wait_for

from aggregator.models import ArticleLink
from crawler.parser_lanes import Lanes
from crawler.parser_process import ParserProcess
from crawler.parsing import MOST_KILLS, ParseFailedError, ParserBusyError, ParserPool, choose_light_memory
from crawler.settings import MEBIBYTE, CrawlSettings

Work = Callable[[ParserPool], Coroutine[Any, Any, None]]


@pytest.fixture(autouse=True)
def workers_know_the_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


def work(do: Work, **settings: Any) -> None:
    options = {"parser_workers": 2, "parse_cpu_seconds": 1, "parse_memory_bytes": 128 * MEBIBYTE}

    async def main() -> None:
        pool = ParserPool(CrawlSettings(**{**options, **settings}))
        try:
            await do(pool)
        finally:
            pool.close()

    asyncio.run(main())


async def wait_until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_so():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


async def check_death(pool: ParserPool, call: Callable[[], object], reason: str, kills: int = 1) -> None:
    with pytest.raises(ParseFailedError, match=reason) as caught:
        await pool.run(call.__name__, call)
    assert caught.value.kills == kills
    assert await pool.run("healthy", calls.add, 1, b=2) == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (calls.leave, "left with exit code 0"),
        (calls.end_itself, "SIGKILL"),
        (calls.talk_nonsense, "talked nonsense"),
        (calls.answer_too_soon, "talked nonsense"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_worker_that_leaves_costs_its_page(call: Callable[[], object], reason: str) -> None:
    work(lambda pool: check_death(pool, call, reason))


@pytest.mark.slow
def test_call_that_ends_badly_costs_its_page() -> None:
    async def do(pool: ParserPool) -> None:
        await check_death(pool, calls.answer_something_else, "failed", 0)
        await check_death(pool, calls.answer_what_cannot_be_read, "failed at something", 0)
        await check_death(pool, calls.fail, "failed at something", 0)
        await check_death(pool, calls.give_up, r"gave up after 0\.2 CPU s", 0)
        await check_death(pool, calls.crash, "SIGSEGV")
        await check_death(pool, calls.eat, "ran out of its memory")

    work(do)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("call", "reason"),
    [(calls.spin, "more than 1 CPU s"), (calls.spin_on, "not finish in time"), (calls.sleep, "not finish in time")],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_worker_that_hangs_is_ended(call: Callable[[], object], reason: str) -> None:
    work(lambda pool: check_death(pool, call, reason))


@pytest.mark.slow
def test_answer_over_the_limit_is_refused() -> None:
    work(lambda pool: check_death(pool, calls.answer_much, "over the limit", 0), parse_memory_bytes=512 * MEBIBYTE)


def test_what_is_asked_and_answered_arrives_as_it_was() -> None:
    link = ArticleLink(url="https://kabar.example/a", title="Wali kota\n“buka”\x00\ud800", tags=("😀",))

    async def do(pool: ParserPool) -> None:
        raw = bytes(range(256)) * 10_000
        told, same = await pool.run("a", calls.echo, link, raw)
        assert (told.url, told.tags, same) == (link.url, link.tags, raw)
        assert told.title == "Wali kota\n“buka”\x00?"

    work(do)


@pytest.mark.slow
def test_owner_that_has_ended_three_is_not_parsed_in_this_batch() -> None:
    async def do(pool: ParserPool) -> None:
        for _ in range(MOST_KILLS):
            with pytest.raises(ParseFailedError):
                await pool.run("bad", calls.leave)
        with pytest.raises(ParserBusyError):
            await pool.run("bad", calls.add, 1)
        assert await pool.run("good", calls.add, 1) == 2
        pool.begin_batch()
        assert await pool.run("bad", calls.add, 1) == 2

    work(do)


@pytest.mark.parametrize(("few", "workers"), [(100, 1), (0, 2)])
def test_few_calls_share_a_worker_and_many_have_several(
    monkeypatch: pytest.MonkeyPatch, few: int, workers: int
) -> None:
    monkeypatch.setattr("crawler.parsing.FEW_CALLS", few)
    monkeypatch.setattr("crawler.parsing.MOMENT", 60)

    async def do(pool: ParserPool) -> None:
        asked = [pool.run(str(number), calls.name_own_process) for number in range(10)]
        assert len({*await asyncio.gather(*asked)}) <= workers
        assert len(pool._idle) == workers

    work(do)


def test_a_call_waits_a_moment_for_a_busy_worker_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawler.parsing.MOMENT", 0.01)

    async def do(pool: ParserPool) -> None:
        await pool.run("a", calls.add, 1)
        busy = asyncio.ensure_future(pool.run("a", calls.sleep))
        await wait_until(lambda: bool(pool._busy))
        assert await pool.run("b", calls.add, 1) == 2
        assert not busy.done()
        busy.cancel()
        with pytest.raises(asyncio.CancelledError):
            await busy

    work(do)


def test_worker_that_somebody_ends_costs_nothing() -> None:
    async def do(pool: ParserPool) -> None:
        idle = await pool.run("a", calls.name_own_process)
        os.kill(idle, signal.SIGKILL)
        wait_for(lambda: read_state(idle) == "Z")
        busy = asyncio.ensure_future(pool.run("a", calls.name_own_process))
        assert await busy != idle
        (worker,) = pool._idle
        slow = asyncio.ensure_future(pool.run("a", calls.sleep))
        await wait_until(lambda: worker in pool._busy)
        os.kill(worker.pid, signal.SIGKILL)  # the try is repeated, and sleeps again
        await wait_until(lambda: bool(pool._busy) and worker not in pool._busy)
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow

    work(do)


@pytest.mark.slow
def test_source_whose_pages_hang_keeps_nobody_waiting() -> None:
    async def do(pool: ParserPool) -> None:
        hanging = [asyncio.ensure_future(pool.run("bad", calls.sleep)) for _ in range(10)]
        for number in range(20):
            assert await pool.run(f"good {number % 3}", calls.add, number) == number + 1
        assert not any(task.done() for task in hanging)
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
        assert not pool._busy

    work(do, parse_cpu_seconds=30)


def test_process_of_a_worker_ends_with_it() -> None:
    children: list[int] = []

    async def do(pool: ParserPool) -> None:
        children.append(await pool.run("a", calls.fork))

    work(do)
    (child,) = children
    if child:  # as root, whom no limit binds
        wait_for(lambda: read_state(child) == "Z")


def test_no_worker_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")

    async def do(pool: ParserPool) -> None:
        with pytest.raises(ParserBusyError):
            await pool.run("a", calls.add, 1)

    work(do)


@pytest.mark.parametrize("trouble", [OSError("no"), asyncio.CancelledError()], ids=["fails", "is broken off"])
def test_worker_that_cannot_be_reached_is_ended(monkeypatch: pytest.MonkeyPatch, trouble: BaseException) -> None:
    started: list[subprocess.Popen[bytes]] = []

    async def connect(**_: object) -> None:
        raise trouble

    def start(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(*arguments, **options))
        return started[-1]

    async def do(pool: ParserPool) -> None:
        with pytest.raises(ParserBusyError if isinstance(trouble, OSError) else asyncio.CancelledError):
            await pool.run("a", calls.add, 1)

    monkeypatch.setattr("crawler.parser_process.asyncio.open_unix_connection", connect)
    monkeypatch.setattr("crawler.parser_process.subprocess", SimpleNamespace(Popen=start, DEVNULL=subprocess.DEVNULL))
    work(do)
    (process,) = started
    assert process.returncode == -signal.SIGKILL


def test_no_socket_is_left_for_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OSError(errno.EMFILE, "too many open files")

    async def do(pool: ParserPool) -> None:
        with monkeypatch.context() as patch:
            patch.setattr("crawler.parser_process.socket", SimpleNamespace(socketpair=fail))
            with pytest.raises(ParserBusyError):
                await pool.run("a", calls.add, 1)
        assert await pool.run("a", calls.add, 1) == 2

    work(do)


def test_nobody_waits_for_the_end_of_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawler.parser_process.END_LOOKS", 5_000)

    async def main() -> None:
        worker = await ParserProcess.start(128 * MEBIBYTE)
        ending = asyncio.ensure_future(worker._wait())
        await asyncio.sleep(0.02)
        assert not ending.done()
        os.kill(worker.pid, signal.SIGTERM)
        assert await ending == -signal.SIGTERM

    asyncio.run(main())


@pytest.mark.slow
def test_arguments_that_cannot_be_sent_cost_no_worker() -> None:
    async def do(pool: ParserPool) -> None:
        first = await pool.run("a", calls.name_own_process)
        with pytest.raises(TypeError, match="a object cannot be sent"):
            await pool.run("a", calls.add, object())  # type: ignore[arg-type]
        assert (len(pool._idle), len(pool._busy)) == (1, 0)
        assert await pool.run("a", calls.name_own_process) == first

    work(do)


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 8])
def test_workers_share_their_memory(workers: int) -> None:
    light = choose_light_memory(workers, 512 * MEBIBYTE)
    assert (workers - 1) * light + 512 * MEBIBYTE <= max(768, 512 + 96 * (workers - 1)) * MEBIBYTE


# ── lanes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def enter(stack: AsyncExitStack, lanes: Lanes, owner: str, *, is_heavy: bool = False) -> bool:
    """Whether there is a place at once."""
    try:
        await stack.enter_async_context(lanes.take(owner, is_heavy=is_heavy, patience=0.02))
    except TimeoutError:
        return False
    return True


def test_owner_has_a_share_and_the_heavy_have_one_place() -> None:
    async def main() -> None:
        lanes = Lanes(4)
        async with AsyncExitStack() as stack:
            assert [await enter(stack, lanes, "a") for _ in range(3)] == [True, True, False]
            assert [await enter(stack, lanes, owner, is_heavy=True) for owner in "bc"] == [True, False]
            assert [await enter(stack, lanes, owner) for owner in "de"] == [True, False]
        async with AsyncExitStack() as stack:
            assert [await enter(stack, lanes, owner) for owner in "abcde"] == [True, True, True, True, False]

    asyncio.run(main())


def test_light_goes_before_heavy_and_nobody_is_forgotten() -> None:
    order: list[str] = []

    async def take(lanes: Lanes, name: str, is_heavy: bool) -> None:
        async with lanes.take(name, is_heavy=is_heavy):
            order.append(name)
            await asyncio.sleep(0)

    async def main() -> None:
        lanes = Lanes(1)
        async with lanes.take("first"):
            tasks = [asyncio.ensure_future(take(lanes, name, name.isupper())) for name in ("A", "b", "C", "d")]
            await asyncio.sleep(0)
        tasks[1].cancel()  # at the moment in which its turn comes
        await asyncio.gather(*tasks, return_exceptions=True)
        assert await enter(AsyncExitStack(), lanes, "last")

    asyncio.run(main())
    assert order in (["b", "d", "A", "C"], ["d", "A", "C"])


def test_those_whose_patience_ends_harm_nobody() -> None:
    async def hold(lanes: Lanes, number: int) -> None:
        async with lanes.take(f"owner {number % 50}", is_heavy=number % 7 == 0, patience=0.0005 * (number % 20)):
            await asyncio.sleep(0.001)

    async def main() -> None:
        lanes = Lanes(4)
        for _ in range(5):
            ended = await asyncio.gather(*(hold(lanes, number) for number in range(200)), return_exceptions=True)
            assert {type(each) for each in ended} == {TimeoutError, type(None)}
        async with AsyncExitStack() as stack:
            assert [await enter(stack, lanes, owner) for owner in "abcde"] == [True, True, True, True, False]

    asyncio.run(main())


def test_a_place_is_not_given_to_whose_patience_has_just_ended() -> None:
    async def wait(lanes: Lanes) -> None:
        async with lanes.take("late"):
            raise AssertionError("it was cancelled")

    async def main() -> None:
        lanes = Lanes(1)
        async with lanes.take("first"):
            late = asyncio.ensure_future(wait(lanes))
            await asyncio.sleep(0)
            late.cancel()  # it hears of it when this task pauses, after the place was given back
        assert await enter(AsyncExitStack(), lanes, "next")
        with pytest.raises(asyncio.CancelledError):
            await late

    asyncio.run(main())
