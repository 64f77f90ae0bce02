"""For how long what is kept: the settings, and what is left of a text that is let go. PURE.

What of which table goes by which of them, and what of it stays: `aggregator.policy_rows`.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

FOR_EVER = 0
DAYS_MOST = 36_500
OPENING = 600  # characters of a text that stay: excerpts of 300 and the leads of trends are cut from them
_OPENING_LEAST = 500  # a long word is cut in two rather than so much is lost


def _keep(days: int, about: str, *, least: int) -> Any:
    description = f"{about}; 0: for ever, else at least {least}"
    return Field(days, ge=0, le=DAYS_MOST, description=description, json_schema_extra={"least": least})


class RetentionSettings(BaseModel):
    """Section `[aggregator.retention]`: for so many days it is kept; 0: for ever."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text_days: int = _keep(
        FOR_EVER, "the full text of articles; never less than candidate_days, for copies are found by it", least=60
    )
    revisions_days: int = _keep(FOR_EVER, "what articles said before their portals changed them", least=7)
    pages_days: int = _keep(30, "the bytes of pages, on which later rules can be tried", least=1)
    rejected_days: int = _keep(180, "pages that named a topic and are off topic, or spam", least=30)
    links_days: int = _keep(
        365, "addresses that became nothing; what is forgotten and still listed is read again", least=180
    )
    polls_days: int = _keep(90, "each poll; what they came to by day stays", least=7)
    cycles_days: int = _keep(90, "each cycle", least=7)
    jobs_days: int = _keep(365, "when jobs of the timetable were done", least=30)
    probes_days: int = _keep(180, "looks at sources that nobody had looked at yet", least=30)
    alarms_days: int = _keep(FOR_EVER, "alarms that have ended", least=30)
    regroupings_days: int = _keep(FOR_EVER, "which articles a later look put into another group", least=30)
    deliveries_days: int = _keep(90, "what was sent by digests and alerts", least=30)
    backfills_days: int = _keep(365, "the ways that finished backfills went; their figures stay", least=30)
    hosts_days: int = _keep(14, "what each host was asked by day", least=9)
    sources_days: int = _keep(FOR_EVER, "what each source gave by day, the denominator of charts", least=60)

    @field_validator("*")
    @classmethod
    def check_least(cls, value: int, info: ValidationInfo) -> int:
        least = get_least(str(info.field_name))
        if FOR_EVER < value < least:
            raise ValueError(f"must be 0 (for ever) or at least {least} days")
        return value


def get_least(setting: str) -> int:
    """The fewest days that a setting takes, other than 0."""
    extra = RetentionSettings.model_fields[setting].json_schema_extra
    assert isinstance(extra, dict)
    return int(str(extra["least"]))


def find_conflict(settings: RetentionSettings, candidate_days: int) -> str:
    """What is wrong with `text_days`; "" if nothing is."""
    if settings.text_days == FOR_EVER or settings.text_days >= candidate_days:
        return ""
    return (
        f"{settings.text_days} days are fewer than candidate_days ({candidate_days}), for which articles are compared"
        " by their text"
    )


def cut_opening(text: str) -> str:
    """The beginning of a text that stays when the rest is let go, cut between words: what is published of the article
    is made from it, and must come out as it did from the whole."""
    if len(text) <= OPENING:
        return text
    gap = max(text.rfind(" ", 0, OPENING + 1), text.rfind("\n", 0, OPENING + 1))
    return text[: gap if gap >= _OPENING_LEAST else OPENING]
