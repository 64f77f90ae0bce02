"""The questions of reference/queries.toml: for the page of data, and for Datasette. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from aggregator.reference import read_toml
from aggregator.times import WIB

_NAMED = re.compile(r"(?<![:\w]):([a-z]+)\b")


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """What `:name` stands for: a text, or a day so many `days` from today."""

    name: str
    says: str
    kata: str
    default: str = ""
    days: int | None = None

    def tell_default(self, today: date) -> str:
        """As it is written into a form."""
        return self.default if self.days is None else (today + timedelta(days=self.days)).isoformat()

    @property
    def as_sql(self) -> str:
        """The default as an expression, so that a query can be run wherever it is pasted."""
        if self.days is None:
            return "'" + self.default.replace("'", "''") + "'"
        return f"date('now', '+7 hours', '{self.days} days')" if self.days else "date('now', '+7 hours')"


@dataclass(frozen=True, kw_only=True, slots=True)
class ChartPlan:
    """Which columns are drawn: see the head of queries.toml."""

    y: tuple[str, ...]
    x: str = ""
    label: str = ""
    series: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleQuery:
    name: str
    title: str
    judul: str
    says: str
    kata: str
    sql: str  # without a semicolon
    parameters: tuple[Parameter, ...]
    chart: ChartPlan | None

    @property
    def filled(self) -> str:
        """The statement with its defaults, to be pasted."""
        defaults = {each.name: each.as_sql for each in self.parameters}
        return _NAMED.sub(lambda found: defaults[found[1]], self.sql) + ";"


@cache
def load_queries() -> tuple[SampleQuery, ...]:
    """All of them, in the order of the table."""
    table = read_toml("queries.toml")
    known = {name: Parameter(name=name, **row) for name, row in table["parameters"].items()}
    return tuple(_make_query(row, known) for row in table["queries"])


def find_today(now: datetime) -> date:
    """The day by which `days` are counted."""
    return now.astimezone(WIB).date()


def _make_query(row: dict[str, Any], known: dict[str, Parameter]) -> SampleQuery:
    sql = row["sql"].strip().removesuffix(";")
    chart = row.get("chart")
    return SampleQuery(
        **{key: row[key] for key in ("name", "title", "judul", "says", "kata")},
        sql=sql,
        parameters=tuple(known[name] for name in dict.fromkeys(_NAMED.findall(sql))),
        chart=ChartPlan(**{**chart, "y": tuple(chart["y"])}) if chart else None,
    )
