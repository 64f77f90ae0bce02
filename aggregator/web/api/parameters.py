"""The parameters of the API, as FastAPI reads them. What they mean is told in words/api.toml."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import Field

from aggregator.counted_rows import Moment
from aggregator.models import SourceKind
from aggregator.periods import Step
from aggregator.search import GUID_LIMIT, WORDS_LIMIT

LIMIT_MOST = 200
LIMIT_USUAL = 50
_LARGEST = 2**63 - 1
_SLUG_MOST = 100

_Slugs = Annotated[list[Annotated[str, Field(max_length=_SLUG_MOST)]] | None, Query()]

Limit = Annotated[int, Query(ge=1, le=LIMIT_MOST)]
Cursor = Annotated[str | None, Query(max_length=1_000)]
ChangedSince = Annotated[str | None, Query(max_length=1_000)]
Lang = Annotated[Literal["id", "en"], Query()]
Words = Annotated[str | None, Query(max_length=WORDS_LIMIT)]
Topics = _Slugs
Cities = _Slugs
Provinces = _Slugs
Komwils = _Slugs
Sources = _Slugs
Kinds = Annotated[list[SourceKind] | None, Query()]
Since = Annotated[str | None, Query(max_length=40)]
Day = Annotated[str | None, Query(max_length=10)]
Slug = Annotated[str | None, Query(max_length=_SLUG_MOST)]
Kind = Annotated[SourceKind | None, Query()]
Group = Annotated[Literal["story"] | None, Query()]
Archive = Annotated[Literal["yes"] | None, Query()]
Highlight = Annotated[Literal["yes"] | None, Query()]
Number = Annotated[int, Path(ge=1, le=_LARGEST)]
NewsKey = Annotated[str, Path(min_length=1, max_length=GUID_LIMIT)]
SourceId = Annotated[str, Path(min_length=1, max_length=_SLUG_MOST)]
By = Annotated[Moment, Query()]
StepOf = Annotated[Step, Query()]
LabelKind = Annotated[str | None, Query(max_length=_SLUG_MOST)]
