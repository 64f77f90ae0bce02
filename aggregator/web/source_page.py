"""What the page of one source shows, worked out before any HTML is written. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aggregator.cleaning import cut_text, safe_url, xml_safe
from aggregator.marked import TITLE_LIMIT
from aggregator.operation import Alarm, ChannelState, SourceOperation
from aggregator.source_rows import SourceArticle, SourceFacts, Trouble
from aggregator.web.links import make_feeds_link, make_link, make_story_link
from aggregator.web.source_history import History, build_history
from aggregator.web.source_states import (
    Reason,
    SourceState,
    find_detail_language,
    judge_source,
    show_detail,
    tell_delay,
    tell_fields,
    tell_moment,
    tell_rate,
    tell_reason,
    tell_why,
)
from aggregator.web.sources_page import name_kind, name_place
from aggregator.web.texts import Texts

ARTICLES_MOST = 10
MONTHS_MOST = 12
ALARMS_MOST = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownChannel:
    kind: str
    url: str  # "" where it is no web address
    address: str  # for people
    is_stand_in: bool
    state: str  # a class of the style sheet
    state_name: str
    why: str
    last_success: str
    next_poll: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownAlarm:
    says: str
    detail: str
    detail_language: str
    since: str
    until: str  # "" while it lasts


@dataclass(frozen=True, kw_only=True, slots=True)
class MonthCoverage:
    month: str
    pages: int
    bodies: int  # per cent
    dates: int
    authors: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownArticle:
    title: str
    url: str
    language: str
    published: str
    story_url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SourcePage:
    name: str
    site_url: str
    domain: str
    kind: str
    place: str
    place_url: str  # of its city
    state: str
    state_name: str
    why: str
    reasons: tuple[Reason, ...]
    last_success: str
    delay: str
    rate: str
    fields: str
    waiting_links: int
    channels: tuple[ShownChannel, ...]
    history: History | None
    alarms: tuple[ShownAlarm, ...]
    coverage: tuple[MonthCoverage, ...]
    articles: tuple[ShownArticle, ...]
    feed_url: str  # of the page that previews it; "" when it has none yet
    list_url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MissingSourcePage:
    """There is no such source; `near` (name, address) was most likely meant."""

    asked: str
    near: tuple[tuple[str, str], ...]
    list_url: str


def build_source_page(
    facts: SourceFacts,
    operation: SourceOperation,
    articles: Sequence[SourceArticle],
    now: datetime,
    texts: Texts,
    *,
    has_feed: bool,
) -> SourcePage:
    state = judge_source(facts)
    is_watched = state not in (SourceState.OFF, SourceState.WAITING)
    return SourcePage(
        name=xml_safe(facts.name),
        site_url=safe_url(f"https://{facts.domain}/"),
        domain=xml_safe(facts.domain),
        kind=name_kind(facts.kind, texts),
        place=name_place(facts),
        place_url=make_link(f"/city/{facts.city}", texts.language) if facts.city else "",
        state=state.value,
        state_name=texts["states"][state.value],
        why=texts["state_notes"][state.value] or tell_why(facts, texts),
        reasons=tuple(_tell(trouble, facts, texts) for trouble in facts.troubles) if is_watched else (),
        last_success=tell_moment(facts.last_success_at, texts),
        delay=tell_delay(facts, now, texts),
        rate=tell_rate(facts, texts),
        fields=tell_fields(facts, texts),
        waiting_links=operation.pending_links,
        channels=tuple(_show_channel(channel, facts, now, texts) for channel in operation.channels),
        history=build_history(operation.days, now, texts),
        alarms=tuple(_show_alarm(alarm, facts, texts) for alarm in operation.alarms[:ALARMS_MOST]),
        coverage=tuple(
            MonthCoverage(
                month=f"{texts['short_months'][int(row['month'][5:]) - 1]} {row['month'][:4]}",
                pages=row["pages"],
                **{name: round(100 * (row[name] or 0)) for name in ("bodies", "dates", "authors")},
            )
            for row in operation.coverage[:MONTHS_MOST]
        ),
        articles=tuple(_show_article(article, texts) for article in articles),
        feed_url=make_feeds_link([("source", facts.id)], texts.language) if has_feed else "",
        list_url=make_link("/sources", texts.language),
    )


def build_missing_page(asked: str, near: Sequence[str], texts: Texts) -> MissingSourcePage:
    return MissingSourcePage(
        asked=xml_safe(asked),
        near=tuple((xml_safe(each), make_link(f"/source/{each}", texts.language)) for each in near),
        list_url=make_link("/sources", texts.language),
    )


def _tell(trouble: Trouble, facts: SourceFacts, texts: Texts) -> Reason:
    return tell_reason(trouble, facts.id, texts, detail=show_detail(trouble.code, trouble.detail, texts))


def _show_channel(channel: ChannelState, facts: SourceFacts, now: datetime, texts: Texts) -> ShownChannel:
    state = _name_state(channel)
    trouble = Trouble(code=channel.code, detail=channel.reason, http_status=channel.http_status)
    is_due = channel.next_poll_at is not None and channel.next_poll_at <= now
    return ShownChannel(
        kind=texts["channel_kinds"].get(channel.kind, channel.kind),
        url=safe_url(channel.url),
        address=xml_safe(channel.url),
        is_stand_in=channel.is_stand_in,
        state=state,
        state_name=texts["channel_states"][state],
        why=tell_reason(trouble, facts.id, texts).says if state in ("failing", "retired") and channel.reason else "",
        last_success=tell_moment(channel.last_success_at, texts),
        next_poll="" if state == "off" else texts["due_now"] if is_due else tell_moment(channel.next_poll_at, texts),
    )


def _name_state(channel: ChannelState) -> str:
    """As /metrics counts them."""
    if not channel.enabled:
        return "off"
    if channel.quarantined_until:
        return "quarantined"
    if channel.retired_at:
        return "retired"
    if channel.failures:
        return "failing"
    return "working" if channel.next_poll_at else "unasked"


def _show_alarm(alarm: Alarm, facts: SourceFacts, texts: Texts) -> ShownAlarm:
    said = tell_reason(Trouble(code=alarm.code, detail=alarm.detail), facts.id, texts)
    return ShownAlarm(
        says=said.says,
        detail=show_detail(alarm.code, alarm.detail, texts),
        detail_language=find_detail_language(alarm.code, texts),
        since=tell_moment(alarm.since, texts),
        until=tell_moment(alarm.until, texts),
    )


def _show_article(article: SourceArticle, texts: Texts) -> ShownArticle:
    at = article.published
    day = f"{texts.format_short_day(at)} {at.year}"
    return ShownArticle(
        title=cut_text(xml_safe(article.title), TITLE_LIMIT),
        url=safe_url(article.url),
        language=article.language,
        published=tell_moment(at, texts) if article.has_hour else day,
        story_url=make_story_link(article.story_id, texts.language),
    )
