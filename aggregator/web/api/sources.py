"""Sources, and how they are doing where the operator does not keep that private."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from aggregator.feeds import FeedKind
from aggregator.instants import to_text
from aggregator.publish.characters import fit_name, fit_url
from aggregator.publish.item_content import TITLE_LIMIT
from aggregator.reference import load_provinces
from aggregator.source_entry_rows import ChannelEntry, SourceEntry
from aggregator.source_rows import SourceFacts
from aggregator.web.api import parameters as given
from aggregator.web.api.desk import ApiDesk
from aggregator.web.api.problems import ProblemError, ProblemKind
from aggregator.web.api.source_models import Channel, Health, Source, SourceDetail, SourcePage, Trouble
from aggregator.web.places import find_place, suggest_places
from aggregator.web.source_states import judge_source


class SourceEndpoints:
    def __init__(self, desk: ApiDesk) -> None:
        self._desk = desk

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/sources", self.list_sources, response_model=SourcePage, operation_id="list_sources")
        router.add_api_route("/sources/{id}", self.get_source, response_model=SourceDetail, operation_id="get_source")

    def list_sources(
        self,
        request: Request,
        *,
        kind: given.Kind = None,
        province: given.Slug = None,
        city: given.Slug = None,
        limit: given.Limit = given.LIMIT_USUAL,
        cursor: given.Cursor = None,
        lang: given.Lang = "id",
    ) -> Response:
        """All of them by id."""
        key = self._desk.read_cursor(request, cursor, str)
        home = check_place(FeedKind.CITY, city) if city else ""
        region = check_place(FeedKind.PROVINCE, province) if province else ""
        with self._desk.read() as store:
            sources, last = store.list_source_entries(
                after=str(key[0]) if key else "",
                kind=kind.value if kind else "",
                province=next((each.name for each in load_provinces() if each.slug == region), ""),
                city=home,
                limit=limit,
            )
            health = self._get_health(request, store.list_sources) if sources else {}
        page = SourcePage(
            items=[Source(**_describe(source, health.get(source.id))) for source in sources],
            next=self._desk.link_next(request, (last,) if last else None),
        )
        return self._desk.answer(request, page)

    def get_source(self, request: Request, id: given.SourceId, lang: given.Lang = "id") -> Response:  # noqa: A002 - its name in the address
        """One, with the ways into it."""
        with self._desk.read() as store:
            source = store.get_source_entry(id)
            if source is None:
                raise ProblemError(ProblemKind.NOT_FOUND)
            health = self._get_health(request, store.list_sources, id)
            channels = store.list_channels_of(id) if self._desk.shows_health(request) else None
        detail = SourceDetail(
            **_describe(source, health.get(id)),
            channels=None if channels is None else [_tell_channel(channel) for channel in channels],
        )
        return self._desk.answer(request, detail)

    def _get_health(self, request: Request, list_sources: Any, *only: str) -> dict[str, Health]:
        if not self._desk.shows_health(request):
            return {}
        return {facts.id: _tell_health(facts) for facts in list_sources(self._desk.context.clock(), *only)}


def check_place(kind: FeedKind, slug: str) -> str:
    """The slug of a place. Raises ProblemError where there is none of that name."""
    found = find_place(kind, slug.lower())
    if found is None:
        near = [place.slug for place in suggest_places(kind, slug)]
        raise ProblemError(
            ProblemKind.UNKNOWN_NAME, "unknown", parameter=kind.value, suggestions=near, key=kind.value, value=slug
        )
    return found.slug


def _describe(source: SourceEntry, health: Health | None) -> dict[str, Any]:
    return {
        "id": source.id,
        "name": fit_name(source.name, TITLE_LIMIT),
        "domain": source.domain,
        "kind": source.kind,
        "province": next((each.slug for each in load_provinces() if each.name == source.province), None),
        "city": source.city or None,
        "timezone": source.timezone,
        "language": source.language,
        "is_enabled": source.is_enabled,
        "allows_full_text": source.allows_full_text,
        "news": source.news,
        "newest_at": source.newest_at,
        "health": health,
    }


def _tell_health(facts: SourceFacts) -> Health:
    held = facts.quarantine
    return Health(
        state=judge_source(facts).value,
        quarantined_until=to_text(held.until) if held is not None and held.until else None,
        last_success_at=to_text(facts.last_success_at) if facts.last_success_at else None,
        channels=facts.channels,
        failing=facts.failing,
        retired=facts.retired,
        days_asked=facts.recent.days,
        posts=facts.recent.posts,
        troubles=[
            Trouble(code=each.code, since=to_text(each.since) if each.since else None, http_status=each.http_status)
            for each in facts.troubles
        ],
    )


def _tell_channel(channel: ChannelEntry) -> Channel:
    return Channel(
        kind=channel.kind,
        url=fit_url(channel.url) or None,
        is_enabled=channel.is_enabled,
        retired_at=channel.retired_at,
        last_success_at=channel.last_success_at,
        failures=channel.failures,
    )
