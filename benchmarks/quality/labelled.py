"""The labelled pages: our own in the repository, and the development sets where they are at hand.

tests/extraction_pages/NAME.html, NAME.json          pages written by us
DEVELOPMENT/extraction/SET/gold.json, html/*.html.gz  real pages; they are their publishers' and stay there
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parent.parent.parent
OWN_PAGES = ROOT / "tests" / "extraction_pages"
OWN = "own"
DEVELOPMENT_SETS = ("aeb-dev", "id-dev", "wcxb-dev")
SETS = (OWN, *DEVELOPMENT_SETS)


@dataclass(frozen=True, kw_only=True)
class LabelledPage:
    """A page and what it holds. None stands for what nobody labelled; an empty tuple for what is known to be absent."""

    name: str
    html: bytes
    url: str
    body: str
    title: str | None = None
    authors: tuple[str, ...] | None = None
    published: datetime | date | None = None  # a date where the page shows no clock
    is_undated: bool = False  # known to show no date
    has_image: bool = False
    absent: tuple[str, ...] | None = None  # furniture: phrases that are not the article's
    is_absent_as_written: bool = False  # case and signs of those phrases count
    zone: tzinfo | None = None  # of the source, where the label depends on it
    now: datetime | None = None


def load_set(name: str, development: Path | None) -> tuple[LabelledPage, ...] | str:
    """The pages of a set in the order of their names, or the reason why they cannot be had."""
    if name == OWN:
        return _load_own(OWN_PAGES)
    folder = find_development_data(development) / "extraction" / name
    if not (folder / "gold.json").is_file():
        return f"no development data at {folder} (set KABARKOTA_DEV_DATA)"
    return _load_development(folder)


def find_development_data(named: Path | None = None) -> Path:
    """Where the development data are, or would be."""
    return named or Path(os.environ.get("KABARKOTA_DEV_DATA", ROOT.parent / "shared" / "data"))


def _load_own(folder: Path) -> tuple[LabelledPage, ...]:
    return tuple(_read_own(path) for path in sorted(folder.glob("*.html"), key=lambda path: path.stem))


def _read_own(path: Path) -> LabelledPage:
    label = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    return LabelledPage(
        name=path.stem,
        html=path.read_bytes(),
        url=label["url"],
        body="\n".join(label["paragraphs"]),
        title=label.get("title") or None,
        authors=tuple(label["authors"]) if "authors" in label else None,
        published=_read_date(label.get("published"), label.get("precision")),
        is_undated="published" in label and label["published"] is None,
        has_image=bool(label.get("image")),
        absent=tuple(label["absent"]) if "absent" in label else None,
        is_absent_as_written=True,  # "Sumber" labels a credit, "sumber" is a word like others
        zone=ZoneInfo(label["zone"]),
        now=datetime.fromisoformat(label["now"]),
    )


def _load_development(folder: Path) -> tuple[LabelledPage, ...]:
    gold = json.loads((folder / "gold.json").read_text(encoding="utf-8"))
    # Only one of the sets labels dates; there, a page without one shows none.
    dated = any("date" in label for label in gold.values())
    return tuple(_read_development(folder, name, label, dated=dated) for name, label in sorted(gold.items()))


def _read_development(folder: Path, name: str, label: Mapping[str, Any], *, dated: bool) -> LabelledPage:
    return LabelledPage(
        name=name,
        html=gzip.decompress((folder / "html" / f"{name}.html.gz").read_bytes()),
        url=label.get("url") or "",
        body=label["body"],
        title=label.get("title") or None,
        authors=(label["author"],) if label.get("author") else None,
        published=_read_date(label.get("date")),
        is_undated=dated and not label.get("date"),
        has_image=bool(label.get("image")),
        absent=tuple(label["absent"]) if "absent" in label else None,
    )


def _read_date(value: str | None, precision: str | None = None) -> datetime | date | None:
    """An ISO string; without a clock, or with one that does not count, it is a calendar day."""
    if not value:
        return None
    at = datetime.fromisoformat(value)
    return at.date() if precision == "day" or len(value) == len("2026-11-24") else at
