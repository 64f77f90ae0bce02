"""Rules that many questions to the database share, as SQL: `a` is an article, `s` its source, `g` its group."""

from __future__ import annotations

from aggregator.bounds import Bound
from aggregator.instants import to_text

LIVE = "g.merged_into IS NULL AND g.withdrawn_at IS NULL"  # a group that is shown

# Its publisher allows that what it says is republished whole, and its page does not hinder it.
MAY_BE_PASSED_ON = "(s.full_text AND a.snippet_limit IS NULL)"
# The same, and the text is whole: one that was let go is its opening, whatever was allowed afterwards.
WHOLE_TEXT_MAY_BE_PASSED_ON = f"({MAY_BE_PASSED_ON} AND a.text_dropped_at IS NULL)"

# The day (WIB) an article counts on: of a page without an hour the day that it tells, as the views say it.
PUBLISHED_DAY_SHIFT = "CASE a.published_precision WHEN 'day' THEN a.published_offset ELSE 420 END || ' minutes'"
PUBLISHED_DAY = f"date(a.published_at, {PUBLISHED_DAY_SHIFT})"
# `+`: found by the instant, for whether the question is one of days is not known when SQLite plans.
IN_TIME = f"a.published_at >= :since AND a.published_at < :until AND +{PUBLISHED_DAY} BETWEEN :since_day AND :until_day"
EARLIEST_TEXT, LATEST_TEXT = "", "9999"  # before and after every instant and day


def make_time(since: Bound | None, until: Bound | None) -> dict[str, str]:
    """The values of IN_TIME; None: no matter when."""
    return {
        "since": to_text(since.earliest) if since else EARLIEST_TEXT,
        "until": to_text(until.at) if until else LATEST_TEXT,
        "since_day": str(since.day) if since and since.is_day else EARLIEST_TEXT,
        "until_day": str(until.day) if until and until.is_day else LATEST_TEXT,
    }
