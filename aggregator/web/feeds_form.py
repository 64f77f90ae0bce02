"""The form in which a question to the news is put together, filled with what was asked, right or wrong. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from aggregator.bounds import TODAY, read_days
from aggregator.cleaning import xml_safe
from aggregator.feeds import FeedKind
from aggregator.finding import SLUG_SHOWN
from aggregator.publish.describing import name_period
from aggregator.publish.wording import get_wording
from aggregator.search import GUID_LIMIT, KEYS, is_tracking
from aggregator.web.texts import Texts

TYPED_LIMIT = GUID_LIMIT  # characters of a value that are shown again
VALUES_SHOWN = 50  # of a key; a question has no more of all
PERIODS = ("1d", "7d", "30d")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """The query of an address as it was written."""

    pairs: tuple[tuple[str, str], ...]  # those with a value, but for the language
    has_question: bool  # whether one was sent, be it for everything

    def get_all(self, key: str) -> list[str]:
        return list(dict.fromkeys(value for name, value in self.pairs if name == key))[:VALUES_SHOWN]

    def get_last(self, key: str) -> str:
        return next((value for name, value in reversed(self.pairs) if name == key), "")

    def replace(self, key: str, value: str, new: str) -> list[tuple[str, str]]:
        """The pairs of the same question with another value; `value` as a refusal tells it."""
        return [(name, new if (name, old.lower()[:SLUG_SHOWN]) == (key, value) else old) for name, old in self.pairs]

    def leave_out(self, *keys: str) -> list[tuple[str, str]]:
        return [(name, value) for name, value in self.pairs if name not in keys]

    def take(self, *keys: str) -> list[tuple[str, str]]:
        """The pairs with these keys alone."""
        return [(name, value) for name, value in self.pairs if name in keys]


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    value: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """A field that takes several values: the first in a list to choose from, the others each with a tick."""

    key: str
    label: str
    choices: tuple[Choice, ...]
    chosen: str  # "" for none
    others: tuple[Choice, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    words: str
    filters: tuple[Filter, ...]
    since: str  # one of `periods`; "" for none
    periods: tuple[Choice, ...]
    since_date: str  # ISO; "" for none
    by_story: bool
    with_archive: bool
    by_relevance: bool


def read_asked(pairs: Iterable[tuple[str, str]]) -> Asked:
    """The decoded query of an address; its texts are safe to encode."""
    given = [(xml_safe(key)[:TYPED_LIMIT], xml_safe(value).strip()[:TYPED_LIMIT]) for key, value in pairs]
    ours = [(key, value) for key, value in given if key != "lang" and not is_tracking(key)]
    return Asked(
        pairs=tuple((key, value) for key, value in ours if value),
        has_question=any(value or key in KEYS for key, value in ours),
    )


def build_form(
    asked: Asked,
    choices: Mapping[str, Sequence[Choice]],
    names: Mapping[str, Mapping[str, str]],
    texts: Texts,
    *,
    periods: Sequence[str] = PERIODS,
) -> Form:
    """`choices` and `names` (value → name) by key; there may be more names than choices."""
    since, since_date = _split_since(asked.get_last("since"))
    return Form(
        words=" ".join(asked.get_all("q"))[:TYPED_LIMIT],
        filters=tuple(
            _build_filter(kind, asked.get_all(kind), choices.get(kind, ()), names.get(kind, {}), texts)
            for kind in FeedKind
        ),
        since=since,
        periods=_list_periods(since, periods, texts),
        since_date=since_date,
        by_story=asked.get_last("group").lower() == "story",
        with_archive=asked.get_last("archive").lower() == "yes",
        by_relevance=asked.get_last("order").lower() == "relevance",
    )


def _build_filter(
    kind: FeedKind, given: Sequence[str], choices: Sequence[Choice], names: Mapping[str, str], texts: Texts
) -> Filter:
    """A value that is no choice becomes one; that nobody knows stands there as it was written."""
    values = list(dict.fromkeys(value.lower() for value in given))
    chosen = [Choice(value=value, name=names.get(value, value)) for value in values]
    strange = [choice for choice in chosen[:1] if choice not in choices]
    return Filter(
        key=kind.value,
        label=get_wording(texts.language)["groups"][kind],
        choices=(*strange, *choices),
        chosen=values[0] if values else "",
        others=tuple(chosen[1:]),
    )


def _split_since(text: str) -> tuple[str, str]:
    """(period, day): a day has a field of its own, anything else is one of the periods."""
    try:
        return "", date.fromisoformat(text).isoformat()
    except ValueError:
        return text.lower() if is_period(text) else text, ""


def is_period(since: str) -> bool:
    """Whether it is a time that goes along with the clock, not a day or an instant."""
    return since.lower() == TODAY or read_days(since) is not None


def _list_periods(since: str, periods: Sequence[str], texts: Texts) -> tuple[Choice, ...]:
    values = [*periods, *([since] if since and since not in periods else [])]
    return tuple(
        Choice(value=value, name=name_period(value, texts.language) if is_period(value) else value) for value in values
    )
