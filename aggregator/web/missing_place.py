"""The page for a place that there is none of, with those that may have been meant. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.cleaning import cut_text, xml_safe
from aggregator.feeds import FeedKind
from aggregator.publish.wording import get_wording
from aggregator.web.links import make_link
from aggregator.web.places import KINDS, load_places, suggest_places
from aggregator.web.texts import Texts

ASKED_LIMIT = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class MissingPlace:
    problem: str
    suggestions: tuple[tuple[str, str], ...]  # (name, address)
    cities_url: str


def build_missing_place(kind: FeedKind, slug: str, texts: Texts) -> MissingPlace:
    """Of Komwil there are so few that all are named."""
    assert kind in KINDS
    near = suggest_places(kind, slug)
    if kind == FeedKind.KOMWIL:
        near = [place for place in load_places().values() if place.kind == kind]
    group = get_wording(texts.language)["groups"][kind]
    return MissingPlace(
        problem=texts["unknown_name"].format(group=group, value=cut_text(xml_safe(slug), ASKED_LIMIT)),
        suggestions=tuple((place.name_for(texts.language), place.link_for(texts.language)) for place in near),
        cities_url=make_link("/cities", texts.language),
    )
