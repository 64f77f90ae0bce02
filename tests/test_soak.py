"""What `make soak` calls well and what not. The soak itself takes half an hour, and is run by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from soak_judging import Sample, Use, judge


def sample(number: int, **uses: Use) -> Sample:
    steady = {
        "scheduler": Use(megabytes=110, descriptors=20, processes=1),
        "web": Use(megabytes=120, descriptors=30, processes=1),
    }
    return Sample(minutes=number / 6, uses={**steady, "crawl": Use(megabytes=200, descriptors=60, processes=1), **uses})


def use(megabytes: float = 120, descriptors: int = 30, processes: int = 1) -> Use:
    return Use(megabytes=megabytes, descriptors=descriptors, processes=processes)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        pytest.param(sample, "", id="steady"),
        pytest.param(lambda number: sample(number, web=use(90 + min(number, 30))), "", id="fills its caches at first"),
        pytest.param(
            lambda number: sample(number, web=use(80 + number * 0.4)), "web: memory grew", id="a leak of memory"
        ),
        pytest.param(
            lambda number: sample(number, crawl=use(100 + number % 40 * 9)), "", id="a crawl that is replaced"
        ),
        pytest.param(
            lambda number: sample(number, crawl=use(200, 60 + number)), "crawl: 2", id="a leak of descriptors"
        ),
        pytest.param(
            lambda number: sample(number, parsers=use(9, 9, number // 9)), "parsers: 1", id="processes left over"
        ),
        pytest.param(lambda number: sample(number, web=use(200)), "scheduler and web server took 310", id="too large"),
        pytest.param(lambda number: sample(number, crawl=use(1_100)), "all processes took 1330", id="too large in all"),
    ],
)
def test_what_grows_is_told_from_what_varies(make: Callable[[int], Sample], problem: str) -> None:
    problems = judge([make(number) for number in range(180)])
    assert bool(problems) == bool(problem)
    assert all(each.startswith(problem) for each in problems)


def test_one_bad_answer_is_enough() -> None:
    bad = Sample(minutes=1, uses=sample(6).uses, faults=("/feed.xml answers 500",))
    assert judge([*(sample(number) for number in range(20)), bad]) == ["at 1.0 min: /feed.xml answers 500"]


def test_who_measured_little_knows_nothing() -> None:
    assert judge([]) == judge([sample(1)]) == ["too few samples to judge by"]
