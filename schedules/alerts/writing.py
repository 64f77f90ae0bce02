"""Sets the words of what is sent, as late as can be: what was taken down meanwhile is not in them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from aggregator.alert_rows import Message
from aggregator.alerts.letters import Format, Letter, write_kliping, write_notice
from aggregator.alerts.notices import (
    FollowUp,
    Notice,
    SilentSource,
    SpikeFacts,
    Teller,
    tell_news,
    tell_silence,
    tell_spike,
    tell_test,
)
from aggregator.feeds import split_name
from aggregator.models import Language
from aggregator.publish.describing import name_subject
from aggregator.search import NewsQuery
from schedules.alerts.configuration import Alerts
from schedules.alerts.context import Work, make_teller
from schedules.alerts.digests import gather, read_period
from schedules.alerts.models import AlertEntry, ask
from schedules.alerts.targets import Target
from schedules.alerts.watching import find_biggest_story
from schedules.config import Setup


def write_letter(work: Work, message: Message, target: Target) -> Letter | None:
    """What is sent; None: nothing is left of it. Raises KeyError when it is not configured any more, FilterFault."""
    form = Format.TEXT if target.is_webhook else target.format
    if message.kind == "digest":
        return _write_digest(work, message, target, form)
    alert = work.alerts.alerts[message.name]
    notice = _TELLERS[message.kind](work, message.name, alert, message.content)
    return write_notice(notice, form, kind=message.kind, name=message.name) if notice is not None else None


def write_test(setup: Setup, alerts: Alerts, name: str, target: Target) -> Letter:
    """A message that is clearly a test; `name` is a digest's, an alert's or the target's."""
    entry = alerts.alerts.get(name) or alerts.digests.get(name)
    label = (entry.title if isinstance(entry, AlertEntry) else entry.office) if entry is not None else ""
    language = entry.spoken if entry is not None else Language.INDONESIAN
    teller = make_teller(setup, label or name, language, entry.zone if entry is not None else "Asia/Jakarta")
    form = Format.TEXT if target.is_webhook else target.format
    return write_notice(tell_test(teller, target.name), form, kind="test", name=name)


def _write_digest(work: Work, message: Message, target: Target, form: Format) -> Letter | None:
    name, entry = message.name, work.alerts.digests[message.name]
    since, until = read_period(message)
    kliping = gather(work, name, entry, since=since, until=until)
    if not kliping.news and not entry.empty:
        return None
    with_file = entry.attach_docx if target.attach_docx is None else target.attach_docx
    return write_kliping(kliping, form, name=name, with_file=with_file and not target.is_webhook)


def _tell_news(work: Work, name: str, entry: AlertEntry, content: dict[str, Any]) -> Notice | None:
    items = work.store.get_items(content["groups"])
    counts = dict(content["follow_ups"])
    titles = {row["id"]: row["title"] for row in work.store.get_stories([*counts])}
    follow_ups = [
        FollowUp(story_id=each, title=titles[each], count=counts[each]) for each in counts if titles.get(each)
    ]
    if not items and not follow_ups:
        return None
    return tell_news(
        _make_teller(work, name, entry),
        [items[each] for each in content["groups"] if each in items],
        follow_ups,
        more=content["more"],
        path=make_path(entry.make_query()),
    )


def _tell_spike(work: Work, name: str, entry: AlertEntry, content: dict[str, Any]) -> Notice | None:
    topic, region = content["topic"], content["region"]
    feeds = [feed for feed in (f"topic/{topic}" if topic else "", region) if feed]
    query, day = ask(split_name(feed) for feed in feeds), date.fromisoformat(content["day"])
    facts = SpikeFacts(
        day=day,
        subject=", ".join(_name(work, feed, entry.spoken) for feed in feeds),
        topic=topic,
        region=region,
        found=content["found"],
        usual=content["usual"],
    )
    story = find_biggest_story(work, name, query, day)
    return tell_spike(_make_teller(work, name, entry), facts, story, path=make_path(query))


def _tell_silence(work: Work, name: str, entry: AlertEntry, content: dict[str, Any]) -> Notice | None:
    rows = work.store.describe_sources([*content["began"], *content["ended"]])
    sources = [
        SilentSource(id=row["id"], name=row["name"], last_day=row["last_at"], has_ended=row["id"] in content["ended"])
        for row in rows
    ]
    return tell_silence(_make_teller(work, name, entry), sources, hours=content["hours"]) if sources else None


def _make_teller(work: Work, name: str, entry: AlertEntry) -> Teller:
    return make_teller(work.setup, entry.title or name, entry.spoken, entry.zone)


def make_path(query: NewsQuery) -> str:
    """The page that shows what answers a query."""
    encoded = query.encode()
    return f"feeds?{encoded}" if encoded else ""


def _name(work: Work, feed: str, language: Language) -> str:
    found = work.store.find_feed(feed)
    return name_subject(feed, found.title if found is not None else "", language)


_TELLERS: dict[str, Callable[[Work, str, AlertEntry, Any], Notice | None]] = {
    "news": _tell_news,
    "spike": _tell_spike,
    "silence": _tell_silence,
}
