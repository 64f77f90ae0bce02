"""A newsroom with an alerts.toml, whose messages go out as the service sends them, at hours that tests choose."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from feed_room import SITE_URL, PlainRoom
from newsdesk import OTHER, RELEASE

from aggregator.settings import AggregatorSettings
from crawler.settings import CrawlSettings
from schedules.alerts.bureau import Bureau
from schedules.alerts.configuration import find_alerts_file, load_alerts
from schedules.alerts.courier import Courier
from schedules.config import Setup

PATIENCE = 30.0
TEXTS = (RELEASE, OTHER)


class AlertRoom(PlainRoom):
    """`turn()` does what the service does each minute: look, send, and record what became of it."""

    def __init__(self, folder: Path, alerts: str) -> None:
        super().__init__(folder)
        self.setup = Setup(
            data_folder=folder,
            catalogue_path=None,
            crawl=CrawlSettings(allow_networks=(ipaddress.ip_network("127.0.0.0/8"),)),
            aggregator=AggregatorSettings(empty_feeds=False, site_url=SITE_URL),
        )
        find_alerts_file(self.setup).write_text(alerts, encoding="utf-8")
        self.restart()

    def restart(self) -> None:
        """As after a restart of the service: what only memory knows is gone."""
        self.bureau = Bureau(load_alerts(find_alerts_file(self.setup)), Courier())

    def bring(self, slug: str, title: str = "", *, portals: int = 1, text: int = 0) -> None:
        """A release at so many portals, published; each slug another text."""
        lines = [f"{line} ({slug})" for line in TEXTS[text]]
        for number in range(portals):
            self.publish_at(f"portal{number}", slug, lines, title=title or f"APEKSI: kabar {slug}")
        self.press()

    def turn(self, at: datetime | None = None, *, after: timedelta | None = None) -> None:
        """What is due then; by default now."""
        now = at or self.now + (after or timedelta(0))
        self.bureau.send_digests(self.setup, self.store, now)
        self.bureau.tell(self.setup, self.store, now)
        self.bureau.courier.wait(PATIENCE)
        self.bureau.record(self.setup, self.store, now)

    @property
    def states(self) -> list[Any]:
        return [state for (state,) in self.ask("SELECT state FROM deliveries ORDER BY id")]


@contextmanager
def open_room(folder: Path, alerts: str) -> Iterator[AlertRoom]:
    room = AlertRoom(folder, alerts)
    try:
        yield room
    finally:
        room.store.close()
