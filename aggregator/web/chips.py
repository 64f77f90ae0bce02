"""What a page is filtered by, each to be taken away by itself. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from aggregator.cleaning import cut_text, xml_safe
from aggregator.publish.describing import name_period
from aggregator.web.feeds_form import Asked
from aggregator.web.links import make_query_link
from aggregator.web.texts import WIB, Texts

NAME_LIMIT = 80  # characters


@dataclass(frozen=True, kw_only=True, slots=True)
class Chip:
    name: str
    url: str  # of the page without it


def list_chips(
    asked: Asked, names: Mapping[str, Mapping[str, str]], texts: Texts, path: str, *, entered: datetime | None = None
) -> tuple[Chip, ...]:
    """A chip for each value of the question to the page at `path`; `names` as the form has them.

    entered: what `new` asks for, where the page knows it.
    """
    pairs = [pair for pair in dict.fromkeys(asked.pairs) if pair[0] != "before"]
    chips = []
    for pair in pairs:
        name = _name(pair, names, texts, entered)
        if name:
            left = [other for other in pairs if other != pair]
            url = make_query_link(path, left, texts.language)
            chips.append(Chip(name=cut_text(xml_safe(name), NAME_LIMIT), url=url))
    return tuple(chips)


def _name(pair: tuple[str, str], names: Mapping[str, Mapping[str, str]], texts: Texts, entered: datetime | None) -> str:
    key, value = pair
    if key in names:
        return names[key].get(value.lower(), value)
    if key == "q":
        return f"“{value}”"
    if key == "since":
        return name_period(value, texts.language)
    if key == "new" and entered:
        return str(texts["entered_since"]).format(moment=texts.format_moment(entered.astimezone(WIB)))
    if key == "archive":
        return str(texts["with_archive"])
    return ""
