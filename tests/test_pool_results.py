"""What the parser pool's functions may return arrives as the types that it was."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_type_hints

import pytest
from test_wire import AT, LINK, PAGE

from aggregator.models import ChannelPage, DatePrecision, ExtractedArticle, FetchedPage
from aggregator.wire import Codec
from crawler.extraction.page_links import PageLinks
from crawler.parser_calls import get_call
from crawler.probing.assessment import assess_channel, read_clock
from crawler.probing.hints import read_hints
from crawler.reading import PageReading, read_channel, read_further_page, read_link, read_page

FUNCTIONS = (read_channel, read_page, read_further_page, read_link, read_hints, read_clock, assess_channel)
NO_ARTICLE = ExtractedArticle(
    refusal="a login", title="Masuk", published=AT, published_precision=DatePrecision.MINUTE, noindex=True
)
READINGS = (
    PageReading(article=None),
    PageReading(article=PAGE.article, raw=b"\x00\xff", page_hash=b"\xfe", links=PageLinks(next="b", number=2)),
    PageReading(article=ExtractedArticle(), passed_scan=False),
    PageReading(article=NO_ARTICLE),
    PageReading(article=ExtractedArticle(refusal="")),
    PageReading(article=dataclasses.replace(NO_ARTICLE, title="\ud800")),
)


def list_types(value: Any) -> list[type]:
    """Of the value and all within it."""
    found = [type(value)]
    if isinstance(value, tuple):
        inner = list(value)
    elif dataclasses.is_dataclass(value):
        inner = [getattr(value, field.name) for field in dataclasses.fields(value)]
    else:
        inner = []
    return found + [each for part in inner for each in list_types(part)]


@pytest.mark.parametrize("function", [read_page, read_further_page, read_link], ids=lambda each: each.__name__)
@pytest.mark.parametrize("reading", READINGS)
def test_readings_arrive_as_they_were(function: Callable[..., Any], reading: PageReading) -> None:
    call = get_call(function)
    arrived = call.decode(call._result.encode(reading))
    assert list_types(arrived) == list_types(reading)
    if arrived.article is not None and arrived.article.title != "?":
        assert arrived == reading


@pytest.mark.parametrize("reading", READINGS)
def test_a_fetched_page_arrives_with_what_it_was_read_as(reading: PageReading) -> None:
    page, codec = dataclasses.replace(PAGE, article=reading.article), Codec(FetchedPage)
    assert list_types(codec.decode(codec.encode(page))) == list_types(page)


def test_links_of_a_channel_arrive_as_they_were() -> None:
    call, page = get_call(read_channel), ChannelPage(links=(LINK,), ttl_minutes=5, sitemaps=(LINK,))
    arrived = call.decode(call._result.encode(page))
    assert (arrived, list_types(arrived)) == (page, list_types(page))


def walk_types(hint: Any, seen: set[Any]) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """(type, all that may stand in its place) of every dataclass that the annotation reaches."""
    choices = get_args(hint) or (hint,)
    for each in choices:
        if get_args(each):
            yield from walk_types(each, seen)
        elif dataclasses.is_dataclass(each):
            yield each, choices
            if each not in seen:
                seen.add(each)
                for inner in get_type_hints(each).values():
                    yield from walk_types(inner, seen)


def list_heirs(kind: type) -> set[str]:
    return {name for child in kind.__subclasses__() for name in (child.__name__, *list_heirs(child))}


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda each: each.__name__)
def test_nothing_that_travels_loses_its_type(function: Callable[..., Any]) -> None:
    """What a type's heirs have more is lost on the way, unless they are named beside it, and before it."""
    for hint in get_type_hints(function).values():
        for kind, choices in walk_types(hint, set()):
            heirs = list_heirs(kind)
            before = {each.__name__ for each in choices[: choices.index(kind)]}
            assert heirs <= before, f"{kind.__name__} stands for {heirs - before}, too"
