"""The crawler stays off private networks: by address, by name and by redirect."""

from __future__ import annotations

import ipaddress
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from portals import Answer, LoopbackPortal, make_setup, serve_portal
from raw_portal import answer, head, serve_raw
from warm import run_warm

from aggregator.models import Channel, ChannelJob, ChannelKind, CrawlJob, Harvest, PollOutcome, Source
from crawler.address_guard import AddressGuard, AddressRefusedError, install_guard, is_public
from crawler.batch import ORDER, REPORT, CrawlBatch, Order
from crawler.process import CrawlProcess
from crawler.resolving import Resolver
from crawler.settings import CrawlSettings

FEED = (
    b"<rss version='2.0'><channel><title>Dalam</title><item><title>Rahasia</title><link>/rahasia</link></item>"
    b"</channel></rss>"
)

# ── addresses ──────────────────────────────────────────────────────────────────────────────────────────────────────

PUBLIC = ["8.8.8.8", "103.28.12.1", "172.32.0.1", "192.167.255.255", "2606:4700::1111", "2001:4860:4860::8888"]
PUBLIC_IN_IPV6 = ["64:ff9b::808:808", "2002:808:808::1"]
PRIVATE = {
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "unspecified": ["0.0.0.0", "0.1.2.3", "::"],
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12:3456::1", "fec0::1"],
    "carrier-grade-nat": ["100.64.0.1", "100.127.255.255"],
    "link-local": ["169.254.169.254", "fe80::1", "fe80::1%eth0"],
    "multicast": ["224.0.0.1", "239.255.255.250", "ff02::1", "ff0e::1"],
    "broadcast": ["255.255.255.255"],
    "reserved": ["240.0.0.1", "192.0.0.1", "198.18.0.1", "4000::1", "5f00::1", "100::1"],
    "documentation": ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"],
    "ipv4-mapped": ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:7f00:1"],
    "ipv4-compatible": ["::127.0.0.1", "::7f00:1"],
    "nat64": ["64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1"],
    "6to4": ["2002:7f00:1::", "2002:c0a8:101::1"],
    "teredo": ["2001:0:4136:e378:8000:63bf:80ff:fffe"],
}
NO_ADDRESSES = [
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "127.1",
    "localhost",
    "",
    "127.0.0.1\n",
    "１２７.0.0.1",
    "[::1]",
]


@pytest.mark.parametrize("address", PUBLIC + PUBLIC_IN_IPV6)
def test_public_addresses_may_be_connected_to(address: str) -> None:
    AddressGuard().check(address)


@pytest.mark.parametrize("address", [address for addresses in PRIVATE.values() for address in addresses])
def test_other_addresses_are_refused(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address.partition("%")[0]))
    with pytest.raises(AddressRefusedError, match="private address"):
        AddressGuard().check(address)


@pytest.mark.parametrize("spelling", NO_ADDRESSES)
def test_what_is_not_plainly_an_address_is_refused(spelling: str) -> None:
    with pytest.raises(AddressRefusedError):
        AddressGuard([ipaddress.ip_network("0.0.0.0/0")]).check(spelling)


@pytest.mark.parametrize(
    ("network", "address", "is_open"),
    [
        ("127.0.0.0/8", "127.0.0.1", True),
        ("127.0.0.1/32", "127.0.0.2", False),
        ("10.1.0.0/16", "10.2.0.1", False),
        ("127.0.0.0/8", "::1", False),
        ("127.0.0.0/8", "::ffff:127.0.0.1", False),
        ("::1/128", "::1", True),
        ("fd00::/8", "fd12::1", True),
    ],
)
def test_allowed_networks_open_what_they_name_and_nothing_else(network: str, address: str, is_open: bool) -> None:
    guard = AddressGuard([ipaddress.ip_network(network)])
    if is_open:
        guard.check(address)
    else:
        with pytest.raises(AddressRefusedError):
            guard.check(address)


# ── where the socket is opened ─────────────────────────────────────────────────────────────────────────────────────


class Switchboard:
    """Stands for a reactor: it notes who would have been connected to."""

    def __init__(self) -> None:
        self.connected: list[tuple[str, int]] = []

    def connectTCP(self, host: str, port: int, *args: Any, **kwargs: Any) -> str:  # noqa: N802 - Twisted's name
        self.connected.append((host, port))
        return "connector"


def test_guard_sits_under_every_connection_and_follows_new_settings() -> None:
    reactor, guards = Switchboard(), [AddressGuard()]
    install_guard(reactor, lambda: guards[0])
    assert reactor.connectTCP("8.8.8.8", 443, "factory") == "connector"
    with pytest.raises(AddressRefusedError):
        reactor.connectTCP("127.0.0.1", 80, "factory")
    guards[0] = AddressGuard([ipaddress.ip_network("127.0.0.0/8")])
    reactor.connectTCP("127.0.0.1", 80, "factory")
    assert reactor.connected == [("8.8.8.8", 443), ("127.0.0.1", 80)]


class Receiver:
    """Takes what a resolver tells."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.is_complete = False

    def resolutionBegan(self, resolution: object) -> None:  # noqa: N802 - Twisted's name
        pass

    def addressResolved(self, address: Any) -> None:  # noqa: N802
        self.found.append(address.host)

    def resolutionComplete(self) -> None:  # noqa: N802
        self.is_complete = True


@pytest.mark.parametrize("name", ["localhost", "portal.localhost", "a.b.localhost"])
def test_names_under_localhost_are_this_machine_without_asking_anyone(name: str) -> None:
    receiver = Receiver()
    Resolver(SimpleNamespace(suggestThreadPoolSize=lambda size: None)).resolveHostName(receiver, name)
    assert (receiver.found, receiver.is_complete) == (["127.0.0.1"], True)


# ── through the crawl ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def process() -> Iterator[CrawlProcess]:
    crawl = CrawlProcess(log_level="ERROR")
    yield crawl
    crawl.close()


def make_batch(urls: list[str], *networks: str) -> CrawlBatch:
    return CrawlBatch(
        settings=CrawlSettings(
            allow_networks=tuple(ipaddress.ip_network(network) for network in networks),
            delay_seconds=0,
            requests_per_domain=50,
            timeout_seconds=10,
        ),
        jobs=tuple(make_job(number, url) for number, url in enumerate(urls)),
    )


def make_job(number: int, url: str) -> CrawlJob:
    channel = Channel(kind=ChannelKind.FEED, url=url)
    return CrawlJob(
        source=Source(id=f"s{number}", name="S", domain="s.example", channels=(channel,)),
        channels=(ChannelJob(channel_id=number, channel=channel),),
        now=datetime.now(UTC),
    )


def fill(portal: LoopbackPortal) -> None:
    portal.answers["/feed.xml"] = Answer(FEED, content_type="application/rss+xml")


def check_refused(harvest: Harvest) -> None:
    assert harvest.poll.outcome is PollOutcome.REFUSED
    assert "is a private address (allow_networks opens one)" in harvest.poll.reason
    assert (harvest.poll.http_status, harvest.pages) == (0, ())


def test_private_feed_is_refused_under_every_name_and_spelling(process: CrawlProcess) -> None:
    names = ["127.0.0.1", "localhost", "kabar.localhost", "LocalHost", "127.0.0.1.", "saya:rahasia@127.0.0.1"]
    numbers = ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "0.0.0.0", "１２７.0.0.1", "127。0。0。1", "0x7f000001"]
    version_6 = ["[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]"]
    unreachable = ["%31%32%37.0.0.1", f"{'a' * 64}.example"]  # no names
    hosts = names + numbers + version_6 + unreachable
    with serve_portal() as portal:
        fill(portal)
        harvests = list(process.crawl(make_batch([f"http://{host}:{portal.port}/feed.xml" for host in hosts])))
    assert portal.asked.total() == 0
    assert len(harvests) == len(hosts)
    for harvest in harvests:
        if hosts[harvest.poll.channel_id] not in unreachable:
            check_refused(harvest)


def test_redirect_to_a_private_address_is_refused_on_the_second_hop(process: CrawlProcess) -> None:
    with serve_portal() as portal, serve_portal() as inner:
        fill(inner)
        targets = {
            "address": "127.0.0.2",
            "decimal": "2130706434",
            "octal": "0177.0.0.2",
            "credentials": "saya:rahasia@127.0.0.2",
            "loopback6": "[::1]",
            "short": "127.2",
            "mapped": "[::ffff:127.0.0.2]",
            "metadata": "169.254.169.254",
        }
        for number, (name, host) in enumerate(targets.items()):
            location = f"http://{host}:{inner.port}/feed.xml"
            status = (301, 302, 303, 307, 308)[number % 5]
            portal.answers[f"/{name}"] = Answer(status=status, headers={"Location": location})
        urls = [f"{portal.base}/{name}" for name in targets]
        harvests = {harvest.source_id: harvest for harvest in process.crawl(make_batch(urls, "127.0.0.1/32"))}
    assert len(harvests) == len(urls)
    assert all(portal.asked[f"/{name}"] == 1 for name in targets)
    assert inner.asked.total() == 0
    for harvest in harvests.values():
        check_refused(harvest)


@pytest.mark.parametrize("location", ["file:///etc/hostname", "data:text/xml,<rss/>", "ftp://127.0.0.1/feed.xml"])
def test_redirect_out_of_the_web_is_not_followed(process: CrawlProcess, location: str) -> None:
    with serve_portal() as portal:
        portal.answers["/feed.xml"] = Answer(status=302, headers={"Location": location})
        (harvest,) = process.crawl(make_batch([f"{portal.base}/feed.xml"], "127.0.0.0/8"))
    assert harvest.poll.outcome is PollOutcome.FAILED
    assert harvest.poll.reason.startswith("a redirect out of the web")


@pytest.mark.slow
def test_article_link_to_a_private_address_is_refused(process: CrawlProcess) -> None:
    with serve_portal() as portal, serve_portal() as inner:
        link = f"http://127.0.0.2:{inner.port}/admin"
        portal.answers["/feed.xml"] = Answer(FEED.replace(b"/rahasia", link.encode()))
        (harvest,) = process.crawl(make_batch([f"{portal.base}/feed.xml"], "127.0.0.1/32"))
    assert harvest.poll.outcome is PollOutcome.CHANGED
    assert [(failure.url, failure.refused) for failure in harvest.failures] == [(link, True)]
    assert inner.asked.total() == 0


def test_robots_txt_that_leads_to_a_private_address_is_refused(process: CrawlProcess) -> None:
    with serve_portal() as portal, serve_portal() as inner:
        fill(portal)
        location = f"http://127.0.0.2:{inner.port}/robots.txt"
        portal.answers["/robots.txt"] = Answer(status=301, headers={"Location": location})
        (harvest,) = process.crawl(make_batch([f"{portal.base}/feed.xml"], "127.0.0.1/32"))
    check_refused(harvest)
    assert inner.asked.total() == 0


DNS_OF_AN_ATTACKER = """
import itertools, socket
TIMES = itertools.count()
FOUND = {
    "v4.example.com": ["127.0.0.2"],
    "v6.example.com": ["::1"],
    "mapped.example.com": ["::ffff:127.0.0.2"],
    "private-first.example.com": ["127.0.0.2", "127.0.0.1"],
    "private-last.example.com": ["127.0.0.1", "127.0.0.2"],
    "private-6.example.com": ["::1", "127.0.0.1"],
    "many.example.com": [f"127.0.1.{number}" for number in range(200)],
}
def getaddrinfo(name, port, family=0, type=0, *more):
    found = FOUND.get(name) or [("127.0.0.1", "127.0.0.2")[next(TIMES) % 2]]  # the last rebinds
    def describe(address):
        if ":" in address:
            return socket.AF_INET6, type, 6, "", (address, 0, 0, 0)
        return socket.AF_INET, type, 6, "", (address, 0)
    return [describe(address) for address in found]
socket.getaddrinfo = getaddrinfo
from crawler import resolving
resolving.KEPT_SECONDS = 0
from crawler.child import main
main("ERROR")
"""


def test_name_is_connected_to_at_its_public_addresses_alone() -> None:
    """127.0.0.1 is opened, so it stands for a public address; only the answers of DNS are made up."""
    names = {
        "v4": False,
        "v6": False,
        "mapped": False,
        "many": False,
        "private-first": True,
        "private-last": True,
        "private-6": True,
        "rebinding": True,
    }
    with serve_portal() as portal:
        portal.answers["/feed.xml"] = Answer(FEED.replace(b"/rahasia", b"http://rebinding.example.com/rahasia"))
        canary = socket.create_server(("127.0.0.2", portal.port))
        urls = [f"http://{name}.example.com:{portal.port}/feed.xml" for name in names]
        result = subprocess.run(
            [sys.executable, "-c", DNS_OF_AN_ATTACKER],
            input=ORDER.encode(Order(batch=make_batch(urls, "127.0.0.1/32"))) + b"\n",
            stdout=subprocess.PIPE,
            check=True,
            timeout=60,
        )
        canary.setblocking(False)
        with canary, pytest.raises(BlockingIOError):
            canary.accept()
    harvests = [report.harvest for line in result.stdout.splitlines() if (report := REPORT.decode(line)).harvest]
    assert len(harvests) == len(names)
    for harvest in harvests:
        if names[list(names)[harvest.poll.channel_id]]:
            assert harvest.poll.outcome is PollOutcome.CHANGED, harvest.poll.reason
        else:
            check_refused(harvest)


@pytest.mark.slow
def test_what_is_stored_of_a_refusal_and_of_a_cut_answer_has_its_code(tmp_path: Path) -> None:
    catalogue = ""
    with serve_raw(answer(head("200 OK", "Content-Length: 9999"), FEED)) as cut:
        for name, url in (("dalam", "http://10.0.0.1/feed"), ("potong", f"{cut.base}/feed")):
            channel = f'channels = [{{ kind = "feed", url = "{url}" }}]\n'
            catalogue += f'[sources.{name}]\nname = "Uji"\ndomain = "{name}.example"\n{channel}'
        run_warm(make_setup(tmp_path, catalogue), now=datetime.now(UTC))
    db = sqlite3.connect(tmp_path / "data" / "news.db")
    try:
        rows = db.execute(
            "SELECT channels.source_id, outcome, code, channels.etag FROM polls"
            " JOIN channels ON channels.id = channel_id ORDER BY source_id"
        ).fetchall()
    finally:
        db.close()
    assert [row[:3] for row in rows] == [("dalam", "refused", "private-address"), ("potong", "changed", "truncated")]
