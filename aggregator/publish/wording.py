"""Our own words in feeds, in the language that was asked for. Pure."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from aggregator.models import Language


@cache
def get_wording(language: Language) -> dict[str, Any]:
    """The words of wording.toml in `language`."""
    table: dict[str, Any] = tomllib.loads(
        files("aggregator.publish").joinpath("wording.toml").read_text(encoding="utf-8")
    )[language.value]
    return table
