"""What an instant alert says: built from what the store knows, set in any format elsewhere. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from aggregator.alerts.wording import format_day, format_moment, get_words
from aggregator.cleaning import cut_text, drop_invisible, safe_url, xml_safe
from aggregator.models import DatePrecision, FeedItem, Language
from aggregator.publish.describing import Publisher

NAMED_MOST = 10  # in one message
TITLE_MOST = 200
SUBJECT_MOST = 150


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One thing that is told."""

    title: str
    detail: str
    url: str  # "" for none


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """A message to people, and the same for programs. Its texts are plain, each on one line."""

    language: Language
    subject: str
    intro: str
    entries: tuple[Entry, ...] = ()
    more: str = ""
    link: tuple[str, str] | None = None  # (what is there, address)
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Teller:
    """Who tells, and to whom in what words."""

    label: str  # what the alert is called
    language: Language
    zone: ZoneInfo
    publisher: Publisher

    @property
    def words(self) -> dict[str, Any]:
        return get_words(self.language)

    def link(self, word: str, path: str) -> tuple[str, str] | None:
        """A link to a page of ours; without an address of the site there is none that would work in a message."""
        return (self.words[word], self.publisher.locate(path)) if self.publisher.site_url else None


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowUp:
    """More of a story that was told."""

    story_id: int
    title: str
    count: int  # pieces of news that came since


def tell_news(
    teller: Teller, items: Sequence[FeedItem], follow_ups: Sequence[FollowUp], *, more: int, path: str
) -> Notice:
    """New pieces of news. `more`: of those that are not named; `path`: of the page that shows all."""
    words = teller.words
    count = len(items) + len(follow_ups) + more
    entries = [_make_entry(teller, item) for item in items] + [_make_follow_up(teller, each) for each in follow_ups]
    first = entries[0].title if entries else ""
    subject = words["news_subject"].format(label=teller.label, title=first)
    if count != 1:
        subject = words["news_subject_many"].format(label=teller.label, count=count)
    fresh = len(items) + more
    return Notice(
        language=teller.language,
        subject=_line(subject, SUBJECT_MOST),
        intro=words["news_intro"].format(count=fresh, label=teller.label) if fresh else words["follow_ups_intro"],
        entries=tuple(entries),
        more=words["more"].format(count=more) if more else "",
        link=teller.link("all_news", path),
        data={
            "news": [_tell_item(item) for item in items],
            "follow_ups": [
                {"story": each.story_id, "title": _line(each.title), "news": each.count} for each in follow_ups
            ],
            "more": more,
        },
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class SpikeFacts:
    """A day far above its usual."""

    day: date
    subject: str  # "APEKSI, Kota Gorontalo"; "" for everything
    topic: str
    region: str
    found: int
    usual: float


def tell_spike(teller: Teller, facts: SpikeFacts, story: FeedItem | None, *, path: str) -> Notice:
    """A day far above its usual, and what most of it was about."""
    words = teller.words
    subject = facts.subject or words["everywhere"]
    usual = f"{facts.usual:.3g}"
    usual = usual.replace(".", ",") if teller.language is Language.INDONESIAN else usual
    entries: tuple[Entry, ...] = ()
    if story is not None:
        entry = _make_entry(teller, story)
        entries = (Entry(title=entry.title, detail=f"{words['spike_story']} · {entry.detail}", url=entry.url),)
    return Notice(
        language=teller.language,
        subject=_line(words["spike_subject"].format(label=teller.label, subject=subject), SUBJECT_MOST),
        intro=words["spike_intro"].format(found=facts.found, day=format_day(facts.day, teller.language), usual=usual),
        entries=entries,
        link=teller.link("all_news", path),
        data={
            "day": facts.day.isoformat(),
            "topic": facts.topic,
            "region": facts.region,
            "found": facts.found,
            "usual": facts.usual,
            "story": _tell_item(story) if story is not None else None,
        },
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class SilentSource:
    """A source that fell silent, or is back."""

    id: str
    name: str
    last_day: str  # on which anything new came, ISO; "": never
    has_ended: bool


def tell_silence(teller: Teller, sources: Sequence[SilentSource], *, hours: float | None) -> Notice:
    """Sources that fell silent, and those that are back. `hours`: what counts as silence; None: by their usual."""
    words = teller.words
    began = [source for source in sources if not source.has_ended]
    subject = words["silence_subject" if began else "silence_end_subject"]
    intro = words["silence_intro"] if hours is None else words["silence_hours_intro"].format(hours=f"{hours:.12g}")
    named = [*began, *(source for source in sources if source.has_ended)]
    more = len(named) - NAMED_MOST
    return Notice(
        language=teller.language,
        subject=_line(subject.format(label=teller.label, count=len(began) or len(sources)), SUBJECT_MOST),
        intro=intro if began else "",
        entries=tuple(_make_source_entry(teller, source) for source in named[:NAMED_MOST]),
        more=words["more"].format(count=more) if more > 0 else "",
        link=teller.link("status", "status"),
        data={
            "began": [_tell_source(source) for source in began],
            "ended": [_tell_source(source) for source in sources if source.has_ended],
            "hours": hours,
        },
    )


def tell_test(teller: Teller, target: str) -> Notice:
    """A message that says that it is none."""
    words = teller.words
    return Notice(
        language=teller.language,
        subject=_line(words["test_subject"].format(label=teller.label), SUBJECT_MOST),
        intro=words["test_intro"].format(site=teller.publisher.name, label=teller.label, target=target),
        data={"for": teller.label, "target": target},
    )


def _make_entry(teller: Teller, item: FeedItem) -> Entry:
    if item.published_precision is DatePrecision.DAY:
        moment = format_day(item.published.date(), teller.language)
    else:
        moment = format_moment(item.published, teller.zone, teller.language)
    parts = [_line(item.source_name), moment, ", ".join(map(_line, item.regions))]
    copies = len(item.also_at)
    parts += [teller.words["copies"].format(count=copies)] if copies else []
    return Entry(title=_line(item.title), detail=" · ".join(filter(None, parts)), url=safe_url(item.url))


def _make_follow_up(teller: Teller, follow_up: FollowUp) -> Entry:
    link = teller.link("all_news", f"story/{follow_up.story_id}")
    return Entry(
        title=teller.words["follow_up"].format(title=_line(follow_up.title)),
        detail=teller.words["follow_up_detail"].format(count=follow_up.count),
        url=link[1] if link else "",
    )


def _make_source_entry(teller: Teller, source: SilentSource) -> Entry:
    words = teller.words
    detail = words["silence_never"]
    if source.has_ended:
        detail = words["silence_ended"]
    elif source.last_day:
        detail = words["silence_began"].format(day=format_day(date.fromisoformat(source.last_day), teller.language))
    return Entry(title=_line(source.name), detail=detail, url="")


def _tell_item(item: FeedItem) -> dict[str, Any]:
    return {
        "guid": item.guid,
        "title": _line(item.title),
        "url": safe_url(item.url),
        "source": item.source_id,
        "medium": _line(item.source_name),
        "published": item.published.isoformat(),
        "has_hour": item.published_precision not in {None, DatePrecision.DAY},
        "extract": cut_text(xml_safe(item.excerpt), 300),
        "topics": [*item.topics],
        "places": [*item.regions],
        "copies": len(item.also_at),
        "story": item.story_id,
    }


def _tell_source(source: SilentSource) -> dict[str, str]:
    return {"id": source.id, "name": _line(source.name), "last_day": source.last_day}


def _line(text: str, limit: int = TITLE_MOST) -> str:
    return cut_text(" ".join(drop_invisible(xml_safe(text)).split()), limit)
