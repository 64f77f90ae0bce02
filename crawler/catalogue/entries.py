"""What an entry of a catalogue may hold, and the Source it becomes.

The models repeat no default: what an entry leaves out is left to `aggregator.models`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from cssselect import HTMLTranslator, SelectorError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from aggregator.models import Channel, ChannelKind, Selectors, Source, SourceEvidence, SourceKind
from aggregator.reference import get_city
from crawler.catalogue.addresses import check_address
from crawler.catalogue.errors import CatalogueError
from crawler.catalogue.faults import describe_fault
from crawler.catalogue.places import check_city, check_province

MAX_PAGES = 50  # as many requests as the crawler's default for one source and cycle
MAX_LINE_LENGTH = 200
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_HOURS = re.compile(r"((?:[01]\d|2[0-3]):[0-5]\d)-((?:[01]\d|2[0-3]):[0-5]\d)")
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?")


def check_slug(slug: str) -> str:
    """Return `slug` as it is. Raises ValueError unless it can stand in an address, a file name and a query."""
    if len(slug) > 64 or not _SLUG.fullmatch(slug):
        raise ValueError("not a slug: up to 64 lowercase letters, digits and single hyphens, such as antara-gorontalo")
    return slug


def _check_domain(domain: str) -> str:
    if not _DOMAIN.fullmatch(domain):
        raise ValueError("not a domain: a host name in lower case, such as gorontalo.antaranews.com")
    return domain


def check_timezone(name: str) -> str:
    """An IANA zone, for pydantic. Raises ValueError."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # unknown, malformed, a folder of the database
        raise ValueError("no such time zone; Indonesia's are Asia/Jakarta, Asia/Makassar and Asia/Jayapura") from error
    return name


def _check_selector(selector: str) -> str:
    try:
        HTMLTranslator().css_to_xpath(selector)
    except SelectorError as error:
        raise ValueError(f"not a CSS selector: {error}") from error
    return selector


def _check_line(text: str) -> str:
    if not text.strip() or not text.isprintable() or len(text) > MAX_LINE_LENGTH:
        raise ValueError(f"must be one line of 1 to {MAX_LINE_LENGTH} characters")
    return text


def _check_note(text: str) -> str:
    if any(not (character.isprintable() or character in "\n\t") for character in text):
        raise ValueError("holds a control character")
    return text


def _check_hours(span: str) -> str:
    match = _HOURS.fullmatch(span)
    if match is None or match[1] == match[2]:
        raise ValueError('not hours of the day, such as "07:00-09:00" or "22:30-05:00"')
    return span


def _check_language(code: str) -> str:
    if not _LANGUAGE.fullmatch(code):
        raise ValueError("not a language code of ISO 639, such as id or en")
    return code


Line = Annotated[str, AfterValidator(_check_line)]
Slug = Annotated[str, AfterValidator(check_slug)]
Selector = Annotated[str, AfterValidator(_check_selector)]


class _Entry(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class SelectorsEntry(_Entry):
    item: Selector
    link: Selector | None = None
    title: Selector | None = None
    date: Selector | None = None
    author: Selector | None = None
    next: Selector | None = None


class ChannelEntry(_Entry):
    kind: Annotated[ChannelKind, Field(strict=False)]  # strict would ask for the member of the enum, not its word
    url: Annotated[str, AfterValidator(check_address)]
    terms: list[Line] | None = None
    selectors: SelectorsEntry | None = None
    max_pages: Annotated[int, Field(ge=1, le=MAX_PAGES)] | None = None

    @model_validator(mode="after")
    def _check_that_keys_fit_the_kind(self) -> Self:
        if self.terms is not None and self.kind is not ChannelKind.WORDPRESS:
            raise ValueError(f"only a wordpress channel takes terms, not a {self.kind} channel")
        if self.selectors is not None and self.kind is not ChannelKind.LISTING:
            raise ValueError(f"only a listing channel takes selectors, not a {self.kind} channel")
        return self


class SourceEntry(_Entry):
    name: Line
    domain: Annotated[str, AfterValidator(_check_domain)]
    channels: list[ChannelEntry]
    kind: Annotated[SourceKind, Field(strict=False)] | None = None
    province: Annotated[str, AfterValidator(check_province)] | None = None
    city: Annotated[str, AfterValidator(check_city)] | None = None
    timezone: Annotated[str, AfterValidator(check_timezone)] | None = None
    language: Annotated[str, AfterValidator(_check_language)] | None = None
    enabled: bool | None = None
    full_text: bool | None = None
    profile: Slug | None = None
    utc_is_local: bool | None = None
    discovery: bool | None = None
    ca_bundle: Line | None = None
    blackout: list[Annotated[str, AfterValidator(_check_hours)]] | None = None
    evidence: Annotated[SourceEvidence, Field(strict=False)] | None = None
    note: Annotated[str, AfterValidator(_check_note)] | None = None

    @model_validator(mode="after")
    def _check_that_the_city_lies_in_the_province(self) -> Self:
        home = get_city(self.city) if self.city else None
        if home and self.province and home.province != self.province:
            raise ValueError(f"{home.slug} lies in {home.province}, not in {self.province}")
        return self

    @model_validator(mode="after")
    def _check_that_there_is_a_way_in(self) -> Self:
        if self.channels or (self.evidence is SourceEvidence.UNPROBED and self.enabled is False):
            return self
        raise ValueError("no channels; only a source that is off and unprobed may have none")


_KEYS = sorted({key for model in (SourceEntry, ChannelEntry, SelectorsEntry) for key in model.model_fields})


def parse_source(source_id: str, table: object, *, origin: str) -> Source:
    """The source that a table describes; `origin` names the table's file in errors.

    A home city brings its province and its time zone, where the table does not name them. Raises CatalogueError.
    """
    try:
        check_slug(source_id)
        entry = SourceEntry.model_validate(table)
    except ValidationError as error:
        path, problem = describe_fault(error, _KEYS)
        raise CatalogueError(f"{origin}: sources.{source_id}{path}: {problem}") from error
    except ValueError as error:
        raise CatalogueError(f"{origin}: sources.{source_id!r}: {error}") from error
    return _build_source(source_id, entry)


def _build_source(source_id: str, entry: SourceEntry) -> Source:
    values: dict[str, Any] = entry.model_dump(exclude_none=True)
    if home := get_city(entry.city) if entry.city else None:
        values = {"province": home.province, "timezone": home.timezone} | values
    channels = tuple(_build_channel(channel) for channel in values.pop("channels"))
    blackout = tuple(values.pop("blackout", ()))
    return Source(id=source_id, channels=channels, blackout=blackout, **values)


def _build_channel(values: dict[str, Any]) -> Channel:
    terms, selectors = tuple(values.pop("terms", ())), values.pop("selectors", None)
    return Channel(**values, terms=terms, selectors=Selectors(**selectors) if selectors else None)
