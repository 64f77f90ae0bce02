"""What the page of a copy's edits shows, worked out before any HTML is written. Pure.

Only the changed places are shown, with a few words around each and never more than either portal lets be quoted.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from aggregator.cleaning import safe_url, xml_safe
from aggregator.copy_rows import CopyText
from aggregator.edits import QUOTED_MOST, Edits, Excerpt, find_edits
from aggregator.models import City
from aggregator.web.links import make_story_link
from aggregator.web.story_times import ShownTime, choose_zone, has_hour, show_time, show_title, tell_delay
from aggregator.web.texts import Texts

TITLE_ROOM = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownText:
    """One of the two articles."""

    portal: str
    url: str  # "" when it is not a web address
    title: str
    language: str
    time: ShownTime
    is_government: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class EditsPage:
    story_url: str
    original: ShownText
    copy: ShownText
    delay: str  # how late the copy is; "" where the order is not certain
    title: tuple[Excerpt, ...]  # what was changed in the headline
    excerpts: tuple[Excerpt, ...]
    kept: int  # words
    removed: int
    added: int
    skipped_after: int
    note: str  # what is not shown, and why; "" where all is
    has_both: bool  # False: there is nothing to compare but the headlines
    is_cut: bool  # only the beginnings of the texts were compared


def build_edits_page(
    story_id: int, original: CopyText, copy: CopyText, cities: Collection[City], texts: Texts
) -> EditsPage:
    """The page; `cities`: where the story happened."""
    zone = choose_zone(cities)
    limits = [text.snippet_limit for text in (original, copy) if text.snippet_limit is not None]
    has_both = bool(original.text and copy.text)
    both = (xml_safe(original.text), xml_safe(copy.text)) if has_both else ("", "")
    edits = find_edits(*both, room=max(min([QUOTED_MOST, *limits]), 0))
    minutes = int((copy.published.at - original.published.at).total_seconds() // 60)
    is_order_sure = has_hour(original.published) and has_hour(copy.published) and minutes >= 0
    return EditsPage(
        story_url=make_story_link(story_id, texts.language),
        original=_show_text(original, show_time(original.published, texts, zone)),
        copy=_show_text(copy, show_time(copy.published, texts, zone)),
        delay=tell_delay(minutes, texts) if is_order_sure else "",
        title=find_edits(show_title(original.title), show_title(copy.title), room=TITLE_ROOM).excerpts,
        excerpts=edits.excerpts,
        kept=edits.kept,
        removed=edits.removed,
        added=edits.added,
        skipped_after=edits.skipped_after,
        note=_tell_note(edits, texts, is_limited=bool(limits)) if has_both else _tell_missing(original, copy, texts),
        has_both=has_both,
        is_cut=edits.is_cut,
    )


def _show_text(text: CopyText, time: ShownTime) -> ShownText:
    return ShownText(
        portal=xml_safe(text.source_name),
        url=safe_url(text.url),
        title=show_title(text.title),
        language=text.language,
        time=time,
        is_government=text.is_government,
    )


def _tell_missing(original: CopyText, copy: CopyText, texts: Texts) -> str:
    return str(texts["edits_dropped" if original.is_dropped or copy.is_dropped else "edits_missing"])


def _tell_note(edits: Edits, texts: Texts, *, is_limited: bool) -> str:
    if not edits.unshown:
        return "" if edits.excerpts else str(texts["edits_none"])
    return str(texts["edits_forbidden" if is_limited else "edits_unshown"].format(count=edits.unshown))
