"""What digests and alerts are worked out with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from aggregator.alert_rows import Address
from aggregator.alerts.notices import Teller
from aggregator.kliping.model import Kliping
from aggregator.models import Language
from aggregator.publish.press import make_publisher
from aggregator.store import Store
from schedules.alerts.configuration import FILE_NAME, Alerts
from schedules.config import Setup
from schedules.errors import RunFailure


class FilterFault(RunFailure):
    """A filter of alerts.toml asks for a topic or source that there is not (any more)."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """The configuration, the database and the clock."""

    setup: Setup
    alerts: Alerts
    store: Store
    now: datetime
    klipings: dict[tuple[str, datetime, datetime], Kliping] = field(default_factory=dict)  # that it has gathered

    def list_addresses(self, names: Sequence[str]) -> list[Address]:
        """Of these targets."""
        return [address for name in dict.fromkeys(names) for address in self.alerts.targets[name].addresses]

    def refuse_filter(self, section: str, name: str, feed: str) -> FilterFault:
        """The error of a filter that names a feed that there is not."""
        path = self.setup.data_folder / FILE_NAME
        return FilterFault(f"{path}: {section}.{name}: there is no {feed}")


def make_teller(setup: Setup, label: str, language: Language, zone: str) -> Teller:
    """Who tells what an alert has to say."""
    publisher = make_publisher(setup.aggregator)
    return Teller(label=label, language=language, zone=ZoneInfo(zone), publisher=publisher)
