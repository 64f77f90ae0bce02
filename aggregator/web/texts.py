"""The words of the pages, in both languages. Pure."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from aggregator.models import Language
from aggregator.times import WIB, TimeWords, get_time_words, name_zone

__all__ = ["WIB", "Language", "Texts", "get_texts", "name_zone"]


@dataclass(frozen=True, slots=True)
class Texts(TimeWords):
    """The texts of one language: `texts["about"]`, and the forms that take a value. The table: words/, and times."""

    def __getitem__(self, key: str) -> Any:
        return self.table[key]

    def name_topic(self, topic: str) -> str:
        """The topic's name for people; a topic added by the operator is read from its slug."""
        return str(self.table["topics"].get(topic) or topic.replace("-", " ").capitalize())

    def format_size(self, count: int) -> str:
        """Bytes in their unit: "12 MB", "1,5 kB"."""
        for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
            if count >= size:
                number = f"{count / size:.0f}" if count >= 10 * size else f"{count / size:.1f}"
                return f"{number.replace('.', self.table['decimal_mark'])} {unit}"
        return f"{count} B"


@cache
def get_texts(language: Language) -> Texts:
    """The texts of `language`, read once: those of all files in words/ together."""
    table = dict(get_time_words(language).table)
    for file in files("aggregator.web").joinpath("words").iterdir():
        if file.name.endswith(".toml"):
            table |= tomllib.loads(file.read_text(encoding="utf-8"))[language.value]
    return Texts(language, table)
