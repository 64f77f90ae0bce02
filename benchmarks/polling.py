"""How late posts are seen at equal requests: `python -m benchmarks.polling [--json]`.

A simulation of a month on 500 channels with a fixed seed. Rates are log-normal, as those of portals are; posts come by
day more than by night, on weekdays more than at weekends, each portal by hours of its own. After two weeks of learning,
`aggregator.polling` is measured for two more, beside uniform polling and polling in proportion to the rate, both with
as many requests as it needed and the second with the true rates.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from aggregator.models import ChannelKind
from aggregator.polling import Rhythm, plan_poll

CHANNELS = 500
MEDIAN_A_DAY, SIGMA = 4.0, 1.3
USUAL = timedelta(minutes=15)
BEGIN = datetime(2026, 6, 1, tzinfo=UTC)
LEARNING, MEASURED = timedelta(days=14), timedelta(days=14)
ZONE = ZoneInfo("Asia/Jakarta")
NIGHT, WEEKEND = 0.15, 0.5  # of the rate by day, of that on weekdays


class Channel(NamedTuple):
    """A channel and its posts, hours since `BEGIN` in order."""

    rate: float  # posts an hour, the whole week's mean
    posts: list[float]


class Delays(NamedTuple):
    """Hours until a post is seen, over all posts, and the requests that it took."""

    requests: int
    mean: float
    p95: float


def make_channels(count: int, seed: int = 1) -> list[Channel]:
    """Channels with the posts of the whole time."""
    chance = random.Random(seed)
    end = (LEARNING + MEASURED) / timedelta(hours=1)
    channels = []
    for _ in range(count):
        rate = min(200.0, MEDIAN_A_DAY * math.exp(chance.gauss(0, SIGMA))) / 24
        first, hours = chance.uniform(5, 9), chance.uniform(8, 14)  # of its working day
        weights = [1.0 if (hour - first) % 24 < hours else NIGHT for hour in range(24)]
        mean = sum(weights) / 24 * (5 + 2 * WEEKEND) / 7
        posts = []
        at = chance.expovariate(rate / mean)
        while at < end:  # thinned: as often as on a weekday at noon, then as many left out as the hour wants
            local = (BEGIN + timedelta(hours=at)).astimezone(ZONE)
            if chance.random() < weights[local.hour] * (WEEKEND if local.weekday() >= 5 else 1):
                posts.append(at)
            at += chance.expovariate(rate / mean)
        channels.append(Channel(rate, posts))
    return channels


def poll_adaptively(channel: Channel, chance: random.Random) -> Iterator[float]:
    """Hours since `BEGIN` at which the channel is asked, as the pipeline would."""
    rhythm = Rhythm()
    now, seen = BEGIN + USUAL * chance.random(), 0
    while now < BEGIN + LEARNING + MEASURED:
        hours = (now - BEGIN) / timedelta(hours=1)
        yield hours
        found = bisect_right(channel.posts, hours)
        rhythm = rhythm.observe(now, found - seen, ZONE)
        seen = found
        now = plan_poll(rhythm, now, kind=ChannelKind.FEED, usual=USUAL, zone=ZONE, chance=chance.random())


def poll_evenly(interval: float, chance: random.Random) -> Iterator[float]:
    """The same in fixed intervals (hours)."""
    at = interval * chance.random()
    while at < (LEARNING + MEASURED) / timedelta(hours=1):
        yield at
        at += interval


def measure(channels: list[Channel], polls_of: Callable[[Channel], Iterator[float]]) -> Delays:
    """The delays of the measured weeks."""
    begin, end = LEARNING / timedelta(hours=1), (LEARNING + MEASURED) / timedelta(hours=1)
    delays: list[float] = []
    requests = 0
    for channel in channels:
        polls = list(polls_of(channel))
        requests += sum(begin <= poll < end for poll in polls)
        for post in channel.posts:
            if post >= begin:
                following = bisect_right(polls, post)
                delays.append((polls[following] if following < len(polls) else end) - post)
    return Delays(requests, statistics.mean(delays), statistics.quantiles(delays, n=20)[-1])


def compare(channels: int = CHANNELS) -> dict[str, Delays]:
    """All three ways over the same channels, with as many requests."""
    made = make_channels(channels)
    hours = MEASURED / timedelta(hours=1)
    ours = measure(made, lambda channel: poll_adaptively(channel, random.Random(channel.rate)))
    uniform = hours * channels / ours.requests
    polls_a_post = ours.requests / (hours * sum(channel.rate for channel in made))
    return {
        "adaptive": ours,
        "uniform": measure(made, lambda channel: poll_evenly(uniform, random.Random(channel.rate))),
        "proportional": measure(
            made, lambda channel: poll_evenly(1 / (channel.rate * polls_a_post), random.Random(channel.rate))
        ),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.polling", description=__doc__)
    parser.add_argument("--json", action="store_true")
    figures = compare()
    if parser.parse_args().json:
        print(json.dumps({name: delays._asdict() for name, delays in figures.items()}))
        return 0
    uniform = figures["uniform"]
    print("polling          requests   mean delay (min)   p95 (min)   mean, of uniform")
    for name, delays in figures.items():
        minutes = f"{delays.mean * 60:>18.1f} {delays.p95 * 60:>11.1f}"
        print(f"{name:<15} {delays.requests:>9,} {minutes} {delays.mean / uniform.mean:>18.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
