"""What state a source is in, why, and how its figures are told. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from aggregator.cleaning import cut_text, xml_safe
from aggregator.diagnosis import diagnose, explain
from aggregator.operation_rows import LATE_AFTER
from aggregator.quarantine import Quarantine, part_reason
from aggregator.quarantine_rows import CODE as QUARANTINED
from aggregator.source_rows import RECENT_DAYS, SourceDays, SourceFacts, Trouble
from aggregator.web.story_times import tell_span
from aggregator.web.texts import WIB, Language, Texts

QUIET_CODE = "quiet"
SILENT_FROM = 7.0  # posts a week that are usual: where there are fewer, a week without any is no wonder
KNOWN_DAYS = 7  # on which a source was asked, before anything is called usual
DETAIL_LIMIT = 300  # characters
FEWEST_PAGES = 5  # of which shares are told


class SourceState(StrEnum):
    """One for each source; in the order of the list."""

    QUARANTINED = "quarantined"  # left alone for a while: our processes died of it
    TROUBLE = "trouble"  # an open alarm, or a channel that did not answer the last time
    SILENT = "silent"  # it answers, and posts far less than usual
    RETIRED = "retired"  # all its channels: gone, or with a dealer in domains
    WAITING = "waiting"  # nobody looked at it yet
    GOOD = "good"
    OFF = "off"  # by the operator


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """Something that is wrong, in plain words."""

    says: str
    advice: str
    detail: str  # the figures, or the crawler's own words; safe to encode
    detail_language: str  # of these
    since: str  # "" where it is not known


def judge_source(facts: SourceFacts) -> SourceState:
    if facts.is_unprobed:
        return SourceState.WAITING
    if not facts.enabled or not facts.channels:
        return SourceState.OFF
    if facts.quarantine is not None:
        return SourceState.QUARANTINED
    if facts.retired == facts.channels:
        return SourceState.RETIRED
    if facts.failing or any(trouble.code != QUIET_CODE for trouble in facts.troubles):
        return SourceState.TROUBLE
    if facts.troubles or _has_fallen_silent(facts):
        return SourceState.SILENT
    return SourceState.GOOD if facts.asked else SourceState.WAITING


def tell_reason(trouble: Trouble, source_id: str, texts: Texts, *, detail: str = "") -> Reason:
    said = explain(trouble.code, trouble.detail, trouble.http_status, indonesian=texts.language is Language.INDONESIAN)
    return Reason(
        says=said.says,
        advice=said.advice.replace(" ID`", f" {source_id}`"),
        detail=detail,
        detail_language=find_detail_language(trouble.code, texts),
        since=tell_moment(trouble.since, texts),
    )


def show_detail(code: str, detail: str, texts: Texts) -> str:
    """The detail of an alarm: as it is, but that of a quarantine, our last kill, in plain words. Safe to encode."""
    if code == QUARANTINED:
        address, how = part_reason(detail)
        says = diagnose(how, indonesian=texts.language is Language.INDONESIAN).says
        detail = f"{address}: {says}" if address else says
    return cut_text(xml_safe(detail), DETAIL_LIMIT)


def find_detail_language(code: str, texts: Texts) -> str:
    """That of `show_detail`."""
    return texts.language.value if code == QUARANTINED else Language.ENGLISH.value


def tell_quarantine(quarantine: Quarantine, texts: Texts) -> str:
    """E.g. "Tidak dibaca sampai 30 Nov 2026, 15.00 WIB; sejauh ini 3 proses pembaca kami mati karena halamannya." """
    return str(texts["quarantine"].format(until=tell_moment(quarantine.until, texts), kills=quarantine.kills))


def tell_why(facts: SourceFacts, texts: Texts) -> str:
    """Why it is in its state, in a sentence; "" where there is nothing to say."""
    if facts.quarantine is not None:
        return tell_quarantine(facts.quarantine, texts)
    if facts.troubles:
        says = tell_reason(facts.troubles[0], facts.id, texts).says
        some = texts["some_channels"].format(failing=facts.failing, channels=facts.channels)
        return f"{says} ({some})" if 0 < facts.failing < facts.channels else says
    if facts.enabled and facts.channels and _has_fallen_silent(facts):
        return str(texts["why_silent"])
    return ""


def tell_delay(facts: SourceFacts, now: datetime, texts: Texts) -> str:
    """How long the channel that waits for longest has been due; "" while all is in time."""
    late = now - facts.due_at if facts.enabled and facts.due_at else timedelta()
    return tell_wait(late, texts) if late > LATE_AFTER else ""


def tell_rate(facts: SourceFacts, texts: Texts) -> str:
    """The posts of the last days, and what is usual."""
    usual = get_usual_rate(facts)
    if not facts.recent.days and usual is None:
        return ""
    told = texts["rate"] if usual is not None else texts["rate_unknown"]
    return str(told).format(posts=facts.recent.posts, usual=round(usual or 0))


def get_usual_rate(facts: SourceFacts) -> float | None:
    """Posts in RECENT_DAYS, by the weeks before; None: it was watched for too short a time."""
    if facts.usual.days < KNOWN_DAYS:
        return None
    return facts.usual.posts / facts.usual.days * RECENT_DAYS


def tell_fields(facts: SourceFacts, texts: Texts) -> str:
    """The shares of its pages with a text, a date, an author; "" where there were too few."""
    recent, usual = facts.recent, facts.usual
    both = SourceDays(
        pages=recent.pages + usual.pages,
        bodied=recent.bodied + usual.bodied,
        dated=recent.dated + usual.dated,
        authored=recent.authored + usual.authored,
    )
    if both.pages < FEWEST_PAGES:
        return ""
    shares = {name: round(100 * getattr(both, name) / both.pages) for name in ("bodied", "dated", "authored")}
    return str(texts["fields"]).format(**shares)


def tell_wait(span: timedelta, texts: Texts) -> str:
    """In its two largest units: "1 hari 6 jam"; at least "0 menit"."""
    minutes = int(span.total_seconds() // 60)
    return tell_span(minutes, texts) or str(texts["minutes"]).format(count=0)


def tell_ago(span: timedelta, texts: Texts) -> str:
    """ "1 hari 6 jam lalu", "baru saja"."""
    return str(texts["ago"].format(span=tell_wait(span, texts)) if span >= timedelta(minutes=1) else texts["just_now"])


def tell_moment(at: datetime | None, texts: Texts) -> str:
    """Shortly, in WIB: "5 Okt, 14.05 WIB"; "" for None."""
    if at is None:
        return ""
    local = at.astimezone(WIB)
    return f"{texts.format_short_day(local)} {local.year}, {texts.format_hour(local)} WIB"


def _has_fallen_silent(facts: SourceFacts) -> bool:
    usual = get_usual_rate(facts)
    return usual is not None and usual >= SILENT_FROM and facts.recent.days > 2 and not facts.recent.posts
