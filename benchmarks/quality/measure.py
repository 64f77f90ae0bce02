"""How near a reading of a page comes to its label.

The body is measured as in scrapinghub/article-extraction-benchmark: runs of four words, each as often as it occurs.
Precision is the share of the read runs that are the article's, recall the share of the article's that were read; both
are averaged over the pages that have any, and F1 is that of the two averages. Long pages do not outweigh short ones.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import fmean

from benchmarks.quality.labelled import LabelledPage

RUN_WORDS = 4
# What is judged beside the body, where a page's label tells it.
FACTS = ("title", "author", "no_invented_author", "day", "minute", "no_invented_date", "image", "no_leak")
DIGITS = 6  # of a figure: what sums of floats add beyond is noise
_WORD = re.compile(r"\w+")
_NO_WORD = re.compile(r"\W+")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a reader made of a page. `published` is a day where it tells no clock."""

    text: str = ""
    title: str = ""
    authors: tuple[str, ...] = ()
    published: datetime | date | None = None
    image: str = ""
    method: str = ""


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """Runs of words that a label and a reading share, and those that only one has."""

    shared: int
    extra: int
    missed: int

    @property
    def precision(self) -> float | None:
        """None where nothing was read."""
        read = self.shared + self.extra
        return self.shared / read if read else None

    @property
    def recall(self) -> float | None:
        """None where there was nothing to read."""
        wanted = self.shared + self.missed
        return self.shared / wanted if wanted else None


@dataclass(frozen=True, kw_only=True)
class PageScore:
    """How one page was read. `right` holds a verdict for each of FACTS that its label tells."""

    name: str
    body: Overlap
    right: dict[str, bool]
    leaks: tuple[str, ...] = ()  # furniture that is in the text
    method: str = ""

    @property
    def f1(self) -> float:
        """Of the body; a page that holds none and gave none is read well."""
        if self.body.precision is None and self.body.recall is None:
            return 1.0
        return combine(self.body.precision or 0.0, self.body.recall or 0.0)


def score_page(page: LabelledPage, reading: Reading) -> PageScore:
    """Holds a reading against the page's label."""
    leaks = find_leaks(page, reading.text)
    right: dict[str, bool] = {}
    if page.title:
        right["title"] = fold(reading.title) == fold(page.title)
    if page.authors is not None:
        given = set(map(fold, reading.authors))
        if page.authors:
            right["author"] = given.issuperset(map(fold, page.authors))
        else:
            right["no_invented_author"] = not given
    if page.published is not None:
        right |= judge_date(reading.published, page.published)
    if page.is_undated:
        right["no_invented_date"] = reading.published is None
    if page.has_image:
        right["image"] = bool(reading.image)
    if page.absent is not None:
        right["no_leak"] = not leaks
    body = compare_texts(page.body, reading.text)
    return PageScore(name=page.name, body=body, right=right, leaks=leaks, method=reading.method)


def find_leaks(page: LabelledPage, text: str) -> tuple[str, ...]:
    """The phrases of furniture that are in what was read."""
    if page.is_absent_as_written:
        return tuple(phrase for phrase in page.absent or () if phrase in text)
    folded = fold(text)
    return tuple(phrase for phrase in page.absent or () if fold(phrase) in folded)


def compare_texts(wanted: str, read: str) -> Overlap:
    """Counts runs of words in the article and in what was read of it."""
    ours, theirs = count_runs(read), count_runs(wanted)
    shared = (ours & theirs).total()
    return Overlap(shared=shared, extra=ours.total() - shared, missed=theirs.total() - shared)


def count_runs(text: str) -> Counter[tuple[str, ...]]:
    """Every run of four words, case kept; a shorter text is one run."""
    words = _WORD.findall(text)
    if len(words) < RUN_WORDS:
        return Counter([tuple(words)] if words else [])
    return Counter(zip(*(words[start:] for start in range(RUN_WORDS)), strict=False))


def judge_date(given: datetime | date | None, wanted: datetime | date) -> dict[str, bool]:
    """Whether the day is right, and where the label has a clock, the minute; seen from the label's offset."""
    has_clock = isinstance(wanted, datetime)
    if isinstance(given, datetime) and given.tzinfo and isinstance(wanted, datetime) and wanted.tzinfo:
        given = given.astimezone(wanted.tzinfo)
        minute = given.replace(second=0, microsecond=0) == wanted.replace(second=0, microsecond=0)
    else:
        minute = False
    verdict = {"day": given is not None and _read_day(given) == _read_day(wanted)}
    return verdict | {"minute": minute} if has_clock else verdict


def _read_day(at: datetime | date) -> date:
    return at.date() if isinstance(at, datetime) else at


def sum_up(scores: Sequence[PageScore]) -> dict[str, float]:
    """The figures of a set, each a share; facts that no page's label tells have none."""
    precision = average(score.body.precision for score in scores)
    recall = average(score.body.recall for score in scores)
    figures = {"body_f1": combine(precision, recall), "body_precision": precision, "body_recall": recall}
    for fact in FACTS:
        if any(fact in score.right for score in scores):
            figures[fact] = average(score.right.get(fact) for score in scores)
    return {name: round(value, DIGITS) for name, value in figures.items()}


def average(values: Iterable[float | None]) -> float:
    """The mean of those that are there; 0 without any."""
    known = [value for value in values if value is not None]
    return fmean(known) if known else 0.0


def combine(precision: float, recall: float) -> float:
    """F1: the harmonic mean."""
    return 2 * precision * recall / (precision + recall) if precision and recall else 0.0


def fold(text: str) -> str:
    """Words in lower case with single spaces: what is left of a text when case and punctuation do not count."""
    return _NO_WORD.sub(" ", text).strip().lower()
