"""Where this machine has several addresses, the operator chooses the one that portals are asked from."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from portals import Answer, make_setup, serve_portal

from aggregator.models import Channel, ChannelJob, ChannelKind, CrawlJob, PollOutcome, Source
from crawler.batch import CrawlBatch
from crawler.process import CrawlProcess
from crawler.settings import CrawlSettings
from crawler.source_address import find_fault
from schedules.crawling import start_crawler
from schedules.doctor.check import Level
from schedules.doctor.network import Portal, Step, check_source_address, visit_portals
from schedules.errors import UsageFailure

FEED = b"<rss version='2.0'><channel><title>Kabar</title></channel></rss>"
OURS, NOBODYS = "127.0.0.77", "192.0.2.9"


def crawl_from(address: str | None) -> tuple[PollOutcome, set[str]]:
    """How the poll of a portal ended, and the addresses that the portal was asked from."""
    with serve_portal() as portal, closing(CrawlProcess()) as process:
        portal.answers["/feed"] = Answer(FEED, content_type="application/rss+xml")
        channel = Channel(kind=ChannelKind.FEED, url=f"{portal.base}/feed")
        source = Source(id="kabar", name="Kabar", domain="kabar.example", channels=(channel,))
        jobs = (CrawlJob(source=source, channels=(ChannelJob(channel_id=1, channel=channel),), now=datetime.now(UTC)),)
        settings = CrawlSettings(
            source_address=ip_address(address) if address else None,
            allow_networks=(ip_network("127.0.0.0/8"),),
            delay_seconds=0,
        )
        (harvest,) = process.crawl(CrawlBatch(settings=settings, jobs=jobs))
        return harvest.poll.outcome, portal.askers


@pytest.mark.parametrize(("address", "asker"), [(None, "127.0.0.1"), (OURS, OURS)])
def test_portals_are_asked_from_it(address: str | None, asker: str) -> None:
    assert crawl_from(address) == (PollOutcome.CHANGED, {asker})


def test_an_address_of_another_machine_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    assert find_fault(CrawlSettings()) == ""
    assert find_fault(CrawlSettings(source_address=ip_address(OURS))) == ""
    setup = make_setup(tmp_path, source_address=ip_address(NOBODYS))
    with pytest.raises(UsageFailure, match=rf"^crawl\.source_address: {NOBODYS} cannot be asked from: "):
        start_crawler(setup)


def test_a_command_says_so_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "schedules", "--data", str(tmp_path), "run"],
        env={**os.environ, "KABARKOTA_CRAWL__SOURCE_ADDRESS": NOBODYS},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(f"kabarkota: crawl.source_address: {NOBODYS} cannot be asked from: ")
    assert "Traceback" not in done.stderr


def test_the_doctor_asks_from_it_too() -> None:
    assert list(check_source_address(CrawlSettings())) == []
    (wrong,) = check_source_address(CrawlSettings(source_address=ip_address(NOBODYS)))
    assert (wrong.level, NOBODYS in wrong.found) == (Level.FAULT, True)
    settings = CrawlSettings(source_address=ip_address(OURS), allow_networks=(ip_network("127.0.0.0/8"),))
    (right,) = check_source_address(settings)
    assert (right.level, right.found) == (Level.OK, OURS)
    with serve_portal() as portal:
        asked = Portal(host="127.0.0.1", port=portal.port, is_secure=False)
        (visit,) = visit_portals([asked], settings, ssl.create_default_context())
        assert (visit.failed, portal.askers) == (Step.ALL, {OURS})
