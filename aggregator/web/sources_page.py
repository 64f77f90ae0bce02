"""What the page of sources shows, worked out before any HTML is written. Pure.

query of the address ─▶ Asked       all sources ─▶ those asked for, trouble first ─▶ a page of them
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from aggregator.cleaning import xml_safe
from aggregator.models import SourceKind
from aggregator.publish.wording import get_wording
from aggregator.reference import get_city
from aggregator.source_rows import SourceFacts
from aggregator.web.links import make_link, make_query_link
from aggregator.web.source_states import (
    SourceState,
    judge_source,
    tell_ago,
    tell_delay,
    tell_fields,
    tell_rate,
    tell_why,
)
from aggregator.web.texts import Texts

PAGE_SIZE = 60
NAME_LIMIT = 100  # characters of a name that is looked for
_KEYS = ("q", "state", "kind", "province")
_PAGE = re.compile(r"[1-9][0-9]{0,4}")
_ORDER = {state: place for place, state in enumerate(SourceState)}


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedSources:
    """Which sources are asked for; texts are safe to encode, "" is any."""

    q: str = ""
    state: str = ""
    kind: str = ""
    province: str = ""
    page: str = ""

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The query that asks for the same, from its first page on."""
        return [(key, getattr(self, key)) for key in _KEYS if getattr(self, key)]


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceLine:
    """A source in the list."""

    name: str
    url: str
    about: str  # kind and city
    state: str  # a class of the style sheet, too
    state_name: str
    why: str
    last_success: str
    delay: str
    rate: str
    fields: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StateCount:
    name: str
    url: str
    count: int
    is_chosen: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SourcesPage:
    asked: AskedSources
    kinds: tuple[tuple[str, str], ...]  # value, name
    states: tuple[tuple[str, str], ...]
    provinces: tuple[tuple[str, str], ...]
    counts: tuple[StateCount, ...]
    lines: tuple[SourceLine, ...]
    found: int
    first: int  # number of the first line
    earlier_url: str
    later_url: str
    all_url: str
    problem: str  # why nothing is shown


def read_asked_sources(query: Mapping[str, str]) -> AskedSources:
    """The query of an address, cut to what can be meant."""
    values = {key: " ".join(xml_safe(query.get(key, "")).split())[:NAME_LIMIT] for key in (*_KEYS, "page")}
    return AskedSources(**values)


def build_sources_page(sources: Sequence[SourceFacts], asked: AskedSources, now: datetime, texts: Texts) -> SourcesPage:
    states = {facts.id: judge_source(facts) for facts in sources}
    kinds = get_wording(texts.language)["kinds"]
    provinces = sorted({xml_safe(facts.province) for facts in sources if facts.province})
    problem = _find_problem(asked, provinces, texts)
    others = [facts for facts in sources if not problem and _fits(facts, asked)]
    found = [facts for facts in others if asked.state in ("", states[facts.id])]
    found.sort(key=lambda facts: (_ORDER[states[facts.id]], facts.name.casefold(), facts.id))
    number = int(asked.page) if asked.page and not problem else 1
    first = (number - 1) * PAGE_SIZE
    if not problem and number > 1 and first >= len(found):
        problem = texts["no_such_page"]
    shown = [] if problem else found[first : first + PAGE_SIZE]
    return SourcesPage(
        asked=asked,
        kinds=tuple((kind.value, kinds[kind.value]) for kind in SourceKind),
        states=tuple((state.value, texts["states"][state.value]) for state in SourceState),
        provinces=tuple((name, name) for name in provinces),
        counts=_count_states(others, states, asked, texts),
        lines=tuple(_describe(facts, states[facts.id], now, texts) for facts in shown),
        found=len(found),
        first=first + 1,
        earlier_url=_locate(asked, number - 1, texts) if shown and number > 1 else "",
        later_url=_locate(asked, number + 1, texts) if shown and first + PAGE_SIZE < len(found) else "",
        all_url=make_link("/sources", texts.language),
        problem=problem,
    )


def _find_problem(asked: AskedSources, provinces: Sequence[str], texts: Texts) -> str:
    known = {"state": tuple(SourceState), "kind": tuple(SourceKind), "province": tuple(provinces)}
    for key, values in known.items():
        value = getattr(asked, key)
        if value and value not in values:
            return str(texts["no_such_choice"]).format(label=texts["source_keys"][key], value=value)
    if asked.page and not _PAGE.fullmatch(asked.page):
        return str(texts["no_such_page"])
    return ""


def _fits(facts: SourceFacts, asked: AskedSources) -> bool:
    if asked.kind not in ("", facts.kind) or asked.province not in ("", facts.province):
        return False
    words = asked.q.casefold().split()
    text = f"{facts.name} {facts.domain} {facts.id}".casefold()
    return all(word in text for word in words)


def _count_states(
    sources: Sequence[SourceFacts], states: Mapping[str, SourceState], asked: AskedSources, texts: Texts
) -> tuple[StateCount, ...]:
    """How many are in each state, of those that fit in other respects."""
    counts = Counter(states[facts.id] for facts in sources)
    others = [pair for pair in asked.pairs if pair[0] != "state"]
    return tuple(
        StateCount(
            name=texts["states"][state.value],
            url=make_query_link("/sources", [*others, ("state", state.value)], texts.language),
            count=counts[state],
            is_chosen=asked.state == state,
        )
        for state in SourceState
        if counts[state]
    )


def _describe(facts: SourceFacts, state: SourceState, now: datetime, texts: Texts) -> SourceLine:
    is_asked = facts.enabled and bool(facts.channels)
    success = facts.last_success_at
    ago = tell_ago(now - success, texts) if success else ""
    return SourceLine(
        name=xml_safe(facts.name),
        url=make_link(f"/source/{facts.id}", texts.language),
        about=" · ".join(filter(None, (name_kind(facts.kind, texts), name_place(facts)))),
        state=state.value,
        state_name=texts["states"][state.value],
        why=tell_why(facts, texts) if state is not SourceState.OFF else "",
        last_success=ago or (texts["never"] if is_asked else ""),
        delay=tell_delay(facts, now, texts),
        rate=tell_rate(facts, texts),
        fields=tell_fields(facts, texts),
    )


def name_kind(kind: str, texts: Texts) -> str:
    """What a single source of that kind is called."""
    return str(texts["source_kinds"].get(kind, kind))


def name_place(facts: SourceFacts) -> str:
    """The city that it is at home in, or its province; "" for neither."""
    city = get_city(facts.city)
    return city.full_name if city else xml_safe(facts.province)


def _locate(asked: AskedSources, number: int, texts: Texts) -> str:
    page = [("page", str(number))] if number > 1 else []
    return make_query_link("/sources", [*asked.pairs, *page], texts.language)
