"""What an operator can set about deciding, keeping and publishing."""

from __future__ import annotations

import re
from enum import StrEnum
from ipaddress import ip_network
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, SecretStr, field_validator

from aggregator.retention import RetentionSettings

PASSWORD_CHARS_LEAST = 12
_MAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,63}")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")


class PrivatePages(StrEnum):
    """What can be kept for the operator."""

    STATUS = "status"  # /status, and the details of /healthz
    SOURCES = "sources"  # /sources and /source/…
    METRICS = "metrics"  # /metrics


class AggregatorSettings(BaseModel):
    """Section `[aggregator]` of the configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    poll_minutes: int = Field(
        15, ge=1, description="between two polls of a channel that posts once an hour; others by the root of their rate"
    )
    requests_per_day: int = Field(
        2_000, ge=1, description="to one host; when they are used up it is left alone until the next day (UTC)"
    )
    max_attempts: int = Field(
        8, ge=1, description="times that a failing page is tried: after 15 minutes, and each time twice as late"
    )
    site_url: str = Field("", description="where pages and feeds are served; without it, feeds hold relative links")
    site_name: str = "Kabar Kota"
    feed_items: int = Field(50, ge=1, description="items of the main feed, at least")
    feed_hours: int = Field(72, ge=1, description="and all items first published in so many hours")
    websub_hubs: tuple[str, ...] = Field((), description="hubs that are told of each change of a feed (WebSub)")
    empty_feeds: bool = Field(
        True,
        description="feeds are files before there is anything in them, for a static host; `serve` has them in any case",
    )
    candidate_days: int = Field(
        90, ge=7, description="for so long articles are compared with new ones; the very same text is found for ever"
    )
    late_hours: int = Field(
        6,
        ge=1,
        description="a channel that waits so long for its poll makes /healthz fail; with cron, twice its pause or more",
    )
    archive_days: int = Field(7, ge=1, description="what was older when found never enters the main feed")
    operator: str = Field("", max_length=200, description="who runs this installation, for the foot of its pages")
    contact: str = Field(
        "", max_length=254, description="for publishers and readers: an e-mail address, or the address of a page"
    )
    private_pages: tuple[PrivatePages, ...] = Field((), description="for whom the password or the header lets in")
    operator_password: SecretStr | None = Field(
        None,
        description="by HTTP Basic, with any name; KABARKOTA_AGGREGATOR__OPERATOR_PASSWORD_FILE names its file",
    )
    operator_header: str = Field(
        "", description="with which a reverse proxy names whom it let in; it has to take it off what comes from outside"
    )
    trusted_proxies: tuple[IPvAnyNetwork, ...] = Field(
        (ip_network("127.0.0.0/8"), ip_network("::1/128")), description="whose operator_header is believed"
    )
    snapshots_kept: int = Field(
        3, ge=0, description="copies of the database for everybody in public/data, the newest; 0: none"
    )
    backups_kept: int = Field(7, ge=1, description="copies of the database that `serve` keeps, the newest")
    retention: RetentionSettings = RetentionSettings()

    @field_validator("websub_hubs")
    @classmethod
    def check_websub_hubs(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for hub in value:
            parts = urlsplit(hub)
            if parts.scheme not in {"http", "https"} or not parts.hostname or parts.fragment or not hub.isascii():
                raise ValueError(f"{hub!r} is not the http(s) address of a hub")
        return tuple(dict.fromkeys(value))

    @field_validator("contact")
    @classmethod
    def check_contact(cls, value: str) -> str:
        if value and not _MAIL.fullmatch(value) and not _is_web_address(value):
            raise ValueError("must be an e-mail address, or the http(s) address of a page")
        return value

    @field_validator("operator_header")
    @classmethod
    def check_operator_header(cls, value: str) -> str:
        if value and not _HEADER.fullmatch(value):
            raise ValueError("must be the name of a header, such as X-Remote-User")
        return value.lower()

    @field_validator("operator_password")
    @classmethod
    def check_operator_password(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < PASSWORD_CHARS_LEAST:
            raise ValueError(f"must have at least {PASSWORD_CHARS_LEAST} characters")
        return value

    @property
    def told_hubs(self) -> tuple[str, ...]:
        """Hubs that feeds name: one cannot ask for a relative address."""
        return self.websub_hubs if self.site_url else ()

    @property
    def has_operator(self) -> bool:
        """Whether there is a way to tell the operator from others."""
        return self.operator_password is not None or bool(self.operator_header)

    @field_validator("site_url")
    @classmethod
    def check_site_url(cls, value: str) -> str:
        """Ends in a slash, so that paths can be joined to it."""
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment):
            raise ValueError("must be the http(s) address of the front page")
        return value if not value or value.endswith("/") else f"{value}/"


def _is_web_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and value.isascii() and " " not in value
