"""What can go wrong: the kinds of problem, and the error that says that there is no answer. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from aggregator.cleaning import cut_text, xml_safe

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 60
_SHOWN = 80  # characters of what was asked for
SAID = 400  # of what is said of a problem


class ProblemKind(StrEnum):
    """The end of a problem's `type`, which leads to what the page of the API says of it."""

    BAD_PARAMETER = "bad-parameter"
    UNKNOWN_NAME = "unknown-name"
    BAD_CURSOR = "bad-cursor"
    STALE_COPY = "stale-copy"
    NOT_FOUND = "not-found"
    GONE = "gone"
    NOT_ALLOWED = "not-allowed"
    NOT_YET = "not-yet"
    CROWDED = "crowded"
    TROUBLE = "trouble"
    FAILURE = "failure"


STATUSES = {
    ProblemKind.BAD_PARAMETER: 400,
    ProblemKind.UNKNOWN_NAME: 400,
    ProblemKind.BAD_CURSOR: 400,
    ProblemKind.NOT_FOUND: 404,
    ProblemKind.NOT_ALLOWED: 405,
    ProblemKind.GONE: 410,
    ProblemKind.STALE_COPY: 410,
    ProblemKind.FAILURE: 500,
    ProblemKind.NOT_YET: 503,
    ProblemKind.CROWDED: 503,
    ProblemKind.TROUBLE: 503,
}


class ProblemError(Exception):
    """There is no answer. `detail`: key of our words in api_details, which take `values`; "" for the kind's own."""

    def __init__(
        self,
        kind: ProblemKind,
        detail: str = "",
        *,
        parameter: str | None = None,
        suggestions: Sequence[str] = (),
        **values: object,
    ) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail
        self.parameter = parameter
        self.suggestions = suggestions
        self.values = {name: show_part(str(value), SAID) for name, value in values.items()}


def show_part(text: str, limit: int = _SHOWN) -> str:
    """What was asked for or told, short enough to be repeated."""
    return cut_text(xml_safe(text), limit)
