"""The stages of a replay, apart from it: who only names them need not load it."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    """What can be done over."""

    EXTRACTION = "extraction"
    SPAM = "spam"
    TOPICS = "topics"
    REGIONS = "regions"
