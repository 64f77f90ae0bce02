"""What alerts.toml may hold, as pydantic checks it. An unknown key is an error; secrets are read elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, time
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from aggregator.alerts.hours import ALL_DAYS, Hours, Quiet
from aggregator.alerts.letters import Format
from aggregator.feeds import KOMWILS, FeedKind
from aggregator.models import Language, SourceKind
from aggregator.reference import load_cities, load_provinces
from aggregator.search import NewsQuery, read_query
from aggregator.search_terms import QueryError
from crawler.catalogue.entries import check_slug, check_timezone

NAMES_MOST = 50
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HARI = ("senin", "selasa", "rabu", "kamis", "jumat", "sabtu", "minggu")
_AT = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)


def _make_tuple(value: Any) -> Any:
    """One value or a list of them."""
    if isinstance(value, list):
        return tuple(value)
    return (value,) if isinstance(value, str | int) and not isinstance(value, bool) else value


def _make_names(value: Any) -> Any:
    """The same; komwil = 6 may be a number."""
    values = _make_tuple(value)
    return tuple(str(each) if type(each) is int else each for each in values) if isinstance(values, tuple) else values


def _check_time(text: str) -> str:
    if not _AT.fullmatch(text):
        raise ValueError('not an hour and a minute of the day, such as "06:30"')
    return text


def _check_quiet(text: str) -> str:
    begins, _, ends = text.partition("-")
    if not (_AT.fullmatch(begins) and _AT.fullmatch(ends)) or begins == ends:
        raise ValueError('not two hours of the day, such as "22:00-05:30"')
    return text


def _check_day(text: str) -> str:
    if text.lower() not in {*DAYS, *HARI}:
        raise ValueError(f"not a day; there are {', '.join(DAYS)}, and {', '.join(HARI)}")
    return text.lower()


def _check_known(value: str, known: Iterable[str]) -> None:
    names = [*known]
    if value not in names:
        meant = get_close_matches(value, names, n=1) or [name for name in names if name.endswith(f"-{value}")][:1]
        raise ValueError(f"there is no {value!r:.60}" + (f"; did you mean {meant[0]}?" if meant else ""))


Names = Annotated[tuple[str, ...], BeforeValidator(_make_names), Field(max_length=NAMES_MOST)]
Clock = Annotated[str, AfterValidator(_check_time)]
Zone = Annotated[str, AfterValidator(check_timezone)]
To = Annotated[tuple[str, ...], BeforeValidator(_make_tuple), Field(min_length=1, max_length=NAMES_MOST)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Filter(_Model):
    """Which news: as the query of a feed asks for them."""

    q: str = ""
    topic: Names = ()
    city: Names = ()
    province: Names = ()
    komwil: Names = ()
    source: Names = ()

    @property
    def source_kinds(self) -> tuple[str, ...]:
        """Of whom the news is: the key for it differs."""
        return ()

    @property
    def asked(self) -> dict[str, tuple[str, ...]]:
        """What is asked for, by the keys of a query."""
        places = {key: getattr(self, key) for key in ("topic", "city", "province", "komwil", "source")}
        return {key: values for key, values in {**places, "kind": self.source_kinds}.items() if values}

    @model_validator(mode="after")
    def _check_filter(self) -> Self:
        for key, values in self.asked.items():
            known = _KNOWN[key]() if key in _KNOWN else None
            for value in values:
                try:
                    check_slug(value) if known is None else _check_known(value, known)
                except ValueError as error:
                    raise ValueError(f"{key}: {error}") from error
        self.make_query()
        return self

    def make_query(self) -> NewsQuery:
        """The question that it asks. Raises ValueError."""
        pairs = [("q", self.q)] if self.q else []
        return ask((*pairs, *((key, value) for key, values in self.asked.items() for value in values)))


def ask(pairs: Iterable[tuple[str, str]]) -> NewsQuery:
    """The question of these keys and values. Raises ValueError."""
    try:
        return read_query(pairs, _NO_TIME)
    except QueryError as error:
        raise ValueError(str(error)) from error


_KNOWN: dict[str, Callable[[], list[str]]] = {
    "city": lambda: [city.slug for city in load_cities()],
    "province": lambda: [province.slug for province in load_provinces()],
    "komwil": lambda: [str(number) for number in KOMWILS],
    "kind": lambda: [kind.value for kind in SourceKind],
}


class DigestEntry(Filter):
    """`[digests.NAME]`"""

    kind: Names = ()  # of source, as in the query of a feed
    source_kind: Names = ()  # the same, as alerts have it
    to: To
    at: Annotated[tuple[Clock, ...], BeforeValidator(_make_tuple), Field(min_length=1, max_length=24)] = ("06:30",)
    days: Annotated[
        tuple[Annotated[str, AfterValidator(_check_day)], ...], BeforeValidator(_make_tuple), Field(min_length=1)
    ] = DAYS
    zone: Zone = "Asia/Jakarta"
    office: str = ""
    language: Literal["id", "en"] = "id"
    empty: bool = False
    attach_docx: bool = False

    @property
    def source_kinds(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.kind, *self.source_kind)))

    def make_hours(self) -> Hours:
        days = {(DAYS if day in DAYS else HARI).index(day) for day in self.days}
        return Hours(
            times=tuple(sorted({time.fromisoformat(each) for each in self.at})),
            days=frozenset(days) or ALL_DAYS,
            zone=ZoneInfo(self.zone),
        )

    @property
    def spoken(self) -> Language:
        return Language(self.language)


class AlertEntry(Filter):
    """`[alerts.NAME]`"""

    kind: Literal["news", "spike", "silence"] = "news"
    to: To
    title: str = ""
    source_kind: Names = ()
    factor: Annotated[float, Field(ge=1.1, le=100)] | None = None
    hours: Annotated[float, Field(ge=1, le=24 * 60)] | None = None
    quiet: Annotated[str, AfterValidator(_check_quiet)] = ""
    zone: Zone = "Asia/Jakarta"
    language: Literal["id", "en"] = "id"

    @property
    def source_kinds(self) -> tuple[str, ...]:
        return self.source_kind

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        if self.factor is not None and self.kind != "spike":
            raise ValueError('factor is for kind = "spike"')
        if self.hours is not None and self.kind != "silence":
            raise ValueError('hours is for kind = "silence"')
        asked = {*self.asked, *(["q"] if self.q else [])}
        if wrong := sorted(asked - _ALLOWED[self.kind]):
            name = "source_kind" if wrong[0] == "kind" else wrong[0]
            raise ValueError(f'{name} is not for kind = "{self.kind}"')
        return self

    def make_quiet(self) -> Quiet | None:
        if not self.quiet:
            return None
        begins, ends = (time.fromisoformat(each) for each in self.quiet.split("-"))
        return Quiet(begins=begins, ends=ends, zone=ZoneInfo(self.zone))

    @property
    def spoken(self) -> Language:
        return Language(self.language)


_ALLOWED = {
    "news": {"q", *(kind.value for kind in FeedKind)},
    "spike": {"topic", "city", "province", "komwil"},
    "silence": {"source", "kind"},
}


class TargetEntry(_Model):
    """`[targets.NAME]`"""

    url: str = ""
    url_env: str = ""
    url_file: str = ""
    webhook: str = ""
    secret_env: str = ""
    secret_file: str = ""
    format: Literal["html", "text", "whatsapp", "telegram", "markdown"] | None = None
    attach_docx: bool | None = None

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        ways = [name for name in ("url", "url_env", "url_file", "webhook") if getattr(self, name)]
        if len(ways) != 1:
            found = f"not {' and '.join(ways)}" if ways else "and none is there"
            raise ValueError(f"needs one of url, url_env, url_file and webhook, {found}")
        secrets = [name for name in ("secret_env", "secret_file") if getattr(self, name)]
        if self.webhook and len(secrets) != 1:
            raise ValueError("a webhook needs one of secret_env and secret_file: what it signs with")
        if secrets and not self.webhook:
            raise ValueError(f"{secrets[0]} is for a webhook")
        if self.webhook and self.format is not None:
            raise ValueError("format is not for a webhook, which is always sent JSON")
        return self

    @property
    def chosen_format(self) -> Format | None:
        return Format(self.format) if self.format else None


class AlertsFile(_Model):
    """The whole file."""

    digests: dict[str, DigestEntry] = {}
    alerts: dict[str, AlertEntry] = {}
    targets: dict[str, TargetEntry] = {}
