"""Hundreds of portals on loopback, each at an address of its own, that say the same whenever they are asked, and that
watch who asks: is any host asked by two at once, or too soon?

A process of its own (`python tests/cluster_portals.py --portals N`). It prints the portals' addresses as JSON on one
line, and serves until its standard input closes; at `/_seen` it says what it has seen.

Of five portals, two have the full text in the feed; one in four reposts a press release under a title of its own; each
tenth leads to an article of the next portal, a stranger's; each seventh has a robots.txt with a Crawl-delay.
"""

from __future__ import annotations

import argparse
import asyncio
import html
import json
import random
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from soak_portals import CITIES, WORDS, answer

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)  # the cycle's clock; news is of the day before
ARTICLES = 3  # of a portal, unless told otherwise
TOLD = "/_seen"  # answers what was seen since it was last asked


def make_address(number: int) -> str:
    return f"127.{20 + number // 200}.{1 + number % 200}.1"


@dataclass
class Seen:
    """What was seen at one host."""

    asked: int = 0
    under_way: int = 0
    at_once: int = 0  # the most
    last_end: float = 0.0
    last_path: str = ""
    closest: float = float("inf")  # seconds between an answer's end and the next question
    closest_known: float = float("inf")  # of those after robots.txt was read: what it says is known from then on


@dataclass
class Origin:
    count: int
    articles: int = ARTICLES
    port: int = 0
    latency: float = 0.0
    delay: float = 0.0  # seconds that robots.txt of each seventh asks for
    hosts: defaultdict[str, Seen] = field(default_factory=lambda: defaultdict(Seen))
    paths: Counter[str] = field(default_factory=Counter)
    askers: set[str] = field(default_factory=set)  # addresses
    first: float = 0.0  # question, since it was last told
    last: float = 0.0  # answer

    def base(self, number: int) -> str:
        return f"http://{make_address(number % self.count)}:{self.port}"

    def write_article(self, number: int, serial: int) -> tuple[str, list[str]]:
        """Title and paragraphs."""
        city = CITIES[(number + serial) % len(CITIES)]
        if serial == 0 and number % 4 == 0:  # a press release that others have, too
            release = number // 4 % 7
            title = f"Versi {number}: Wali Kota {CITIES[release]} hadiri rapat APEKSI soal kota cerdas"
            return title, self._write_paragraphs(10_000 + release, CITIES[release])
        word = WORDS[(number * 7 + serial * 3) % len(WORDS)]
        return f"Kota {city} dan APEKSI bahas {word} kota cerdas {number}-{serial}", self._write_paragraphs(
            number * self.articles + serial, city
        )

    @staticmethod
    def _write_paragraphs(seed: int, city: str) -> list[str]:
        chance = random.Random(seed)
        return [
            f"Pemerintah Kota {city} dan APEKSI {chance.choice(WORDS)} kota cerdas {seed * 7 + line}: "
            f"{' '.join(chance.choices(WORDS, k=30))}."
            for line in range(6)
        ]

    def write_feed(self, number: int) -> str:
        items = []
        for serial in range(self.articles):
            owner = number + 1 if number % 10 == 0 and serial == 2 else number
            title, paragraphs = self.write_article(owner % self.count, serial)
            published = NOW - timedelta(hours=2 + serial, minutes=number % 60)
            full = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs) if number % 5 < 2 else ""
            items.append(
                f"<item><title>{html.escape(title)}</title><link>{self.base(owner)}/berita/{serial}</link>"
                f"<pubDate>{format_datetime(published)}</pubDate><description>{html.escape(title)}</description>"
                + (f"<content:encoded><![CDATA[{full}]]></content:encoded>" if full else "")
                + "</item>"
            )
        return (
            '<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
            f"<title>Kabar {number}</title><link>{self.base(number)}/</link>{''.join(items)}</channel></rss>"
        )

    def write_page(self, number: int, serial: int) -> str:
        title, paragraphs = self.write_article(number, serial)
        published = NOW - timedelta(hours=2 + serial, minutes=number % 60)
        body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
        return (
            f"<html><head><title>{title}</title><meta property='article:published_time' "
            f"content='{published.isoformat()}'></head><body><article><h1>{title}</h1>{body}</article></body></html>"
        )

    def respond(self, number: int, path: str) -> bytes:
        if path == TOLD:
            told = json.dumps(self.tell()).encode()
            self.hosts.clear()
            self.paths.clear()
            self.askers.clear()
            self.first = self.last = 0.0
            return answer("200 OK", "application/json", told)
        if path == "/robots.txt":
            if number % 7 or not self.delay:
                return answer("404 Not Found", "text/plain", b"")
            return answer("200 OK", "text/plain", f"User-agent: *\nCrawl-delay: {self.delay}\n".encode())
        if path == "/feed":
            return answer("200 OK", "application/rss+xml", self.write_feed(number).encode())
        serial = path.removeprefix("/berita/")
        if serial.isdigit() and int(serial) < self.articles:
            return answer("200 OK", "text/html; charset=utf-8", self.write_page(number, int(serial)).encode())
        return answer("404 Not Found", "text/plain", b"")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = writer.get_extra_info("sockname")[0]
        numbers = {make_address(number): number for number in range(self.count)}
        seen = self.hosts[address]
        try:
            request = await reader.readline()
            while (await reader.readline()).strip():
                pass
            path = request.split()[1].decode("latin-1") if len(request.split()) > 1 else "/"
            if path == TOLD:
                writer.write(self.respond(0, path))
                await writer.drain()
                return
            seen.asked += 1
            self.askers.add(writer.get_extra_info("peername")[0])
            self.first = self.first or time.monotonic()
            self.paths[path.split("/")[1]] += 1
            if seen.last_end:
                gap = time.monotonic() - seen.last_end
                seen.closest = min(seen.closest, gap)
                if seen.last_path != "/robots.txt":
                    seen.closest_known = min(seen.closest_known, gap)
            seen.last_path = path
            seen.under_way += 1
            seen.at_once = max(seen.at_once, seen.under_way)
            try:
                if self.latency:
                    await asyncio.sleep(self.latency)
                writer.write(self.respond(numbers.get(address, 0), path))
                await writer.drain()
            finally:
                seen.under_way -= 1
                seen.last_end = self.last = time.monotonic()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def tell(self) -> dict[str, object]:
        hosts = self.hosts.values()
        return {
            "seconds": self.last - self.first,
            "asked": sum(host.asked for host in hosts),
            "paths": dict(self.paths),
            "askers": sorted(self.askers),
            "at_once": max((host.at_once for host in hosts), default=0),
            "closest": min((host.closest for host in hosts), default=0.0),
            "closest_slow": min(
                (self.hosts[make_address(number)].closest_known for number in range(0, self.count, 7)), default=0.0
            ),
        }


async def main(origin: Origin) -> None:
    server = await asyncio.start_server(origin.serve, "0.0.0.0", 0, backlog=1024)
    origin.port = server.sockets[0].getsockname()[1]
    print(json.dumps([origin.base(number) for number in range(origin.count)]), flush=True)
    async with server:
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--portals", type=int, default=300)
    parser.add_argument("--articles", type=int, default=ARTICLES)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--delay", type=float, default=0.0)
    options = parser.parse_args()
    asyncio.run(main(Origin(options.portals, options.articles, latency=options.latency, delay=options.delay)))
