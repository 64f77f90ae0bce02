"""What values in the database are called, in Indonesian and in English. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aggregator.diagnosis import list_codes
from aggregator.models import Language
from aggregator.publish.wording import get_wording
from aggregator.reference import read_toml
from aggregator.times import get_time_words

Label = tuple[str, str, str, str]  # kind, value, Indonesian, English


def list_labels() -> tuple[Label, ...]:
    """Every value that has a name, by kind."""
    return (*_list_times(), *_list_published(), *_list_reasons(), *_list_others())


def _list_times() -> Iterator[Label]:
    tables = [get_time_words(language).table for language in (Language.INDONESIAN, Language.ENGLISH)]
    for place, names in enumerate(zip(*(table["weekdays"] for table in tables), strict=True), start=1):
        yield ("weekday", str(place % 7), *names)  # as strftime('%w') has them: 0 is Sunday
    for place, names in enumerate(zip(*(table["months"] for table in tables), strict=True), start=1):
        yield ("month", f"{place:02}", *names)


def _list_published() -> Iterator[Label]:
    """Topics and kinds of source are called as in feeds."""
    indonesian, english = get_wording(Language.INDONESIAN), get_wording(Language.ENGLISH)
    for kind, key in (("topic", "topics"), ("source-kind", "kinds")):
        for value, name in indonesian[key].items():
            yield (kind, value, name, english[key][value])


def _list_reasons() -> Iterator[Label]:
    for code, (indonesian, english) in list_codes().items():
        yield ("reason", code, indonesian, english)


def _list_others() -> Iterator[Label]:
    tables: Mapping[str, Mapping[str, Mapping[str, str]]] = read_toml("labels.toml")
    for kind, values in tables.items():
        for value, names in values.items():
            yield (kind, value, names["id"], names["en"])
