"""Which articles report the same event. PURE: `chronicle` remembers what this module finds.

    title, text ─▶ terms ─▶ vectors ─▶ similarities ─▶ neighbourhoods ─▶ average linkage ─▶ stories
                    words, names, dates   time, cities    who is alike to whom

Duplicates share their text; articles on one event share rare words, names and days. How alike two such articles are
depends on the event, so no cut of the similarity holds for all events. How alike their neighbourhoods are does: two
articles are of one story when they are near to the same others. One setting serves English and Indonesian events, three
or a hundred of them (figures in docs/decisions.md).
"""

from __future__ import annotations

import heapq
import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Generic, TypeVar

from aggregator.plain_words import CALENDAR, NUMERALS

Id = TypeVar("Id", bound=Hashable)

CUT = 0.18  # average likeness of neighbourhoods that makes a story; .15 to .25 do about as well
WORDS_MOST = 1_500  # of a text
TITLE_WEIGHT = 3.0  # a word of the title counts as so many of the text
SATURATION = 1.0  # BM25's k1: a word's tenth occurrence says little more than its third
ARTICLES_MOST = 1_000  # a term of more reports tells no story, and would compare each with each
RARENESS_LEAST = 1.0  # what is subtracted from log(articles / articles with the term): "kota" tells nothing
BACKGROUND = 300  # common_words.tsv counts as so many articles seen before, so that a first day knows common words
TERMS_MOST = 100  # of a vector, the weightiest
OWN_REPORTS = 3  # from so many reports of a source on …
OWN_SHARE = 0.5  # … a term in such a share of them …
OWN_TERM = 0.5  # … that has such a share of all its reports there is the source's own
DAYS_FREE = 4.0  # an event is in the news for days; articles further apart …
DAYS_DECAY = 8.0  # … are less alike by 1/e for so many days more
SAME_CITY = 1.3  # both name the city where it happened, and it is the same
OTHER_CITY = 0.25  # it is not, and neither names the other's city at all
OTHER_CITY_NAMED = 0.9  # one does: which of the two it happened in is not so sure then
SIMILARITY_LEAST = 0.015
SIMILARITY_PLAIN = 0.07  # articles less alike than this are hardly of one story, whoever their neighbours are: …
PLAINNESS = 3  # … their likeness counts by this power of what they have of it
NEIGHBOURS_MOST = 50
NEAR = 0.5  # neighbours are at least so alike as a share of the nearest ones' likeness …
NEAREST = 3  # … the mean of so many
REASONS = 8  # terms that a story's members share, for people
COMMON_WORD = 0.06  # share of articles that hold a word from which on it tells people nothing, …
COMMON_NAME = 0.09  # … and a word with a capital: names of large cities are below it

_TOKEN = re.compile(r"\d{1,2}[/-]\d{1,2}(?:[/-]\d{2,4})?|[^\W\d_]+(?:['’][^\W\d_]{1,2}\b)?|\d+(?:[.,]\d+)*")
_DAY = re.compile(r"(\d{1,2})[/-](\d{1,2})(?:[/-]\d{2,4})?")
_SENTENCE_END = re.compile(r"[.!?…:]['\"”’)]{0,2}\s+[\"'“‘(]{0,2}|\n+[\"'“‘(]{0,2}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Report(Generic[Id]):
    """An article (or the canonical one of a group) as stories see it."""

    id: Id
    terms: Mapping[str, float]  # of `read_terms`
    published: datetime | None = None  # None: not known, and no reason to tell it from others
    cities: frozenset[str] = frozenset()  # codes of the cities where it happened
    named: frozenset[str] = frozenset()  # of all cities that it names
    source: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Story(Generic[Id]):
    """Reports of one event, first published first."""

    members: tuple[Id, ...]
    central: Id  # the member most like the others: its title is the story's
    why: tuple[str, ...]  # the rarest terms that most of them share; () for one alone


def read_terms(title: str, text: str) -> dict[str, float]:
    """term → how often it stands in an article, the title's words weighted.

    A term is a word in lower case ("rakernas"), a name ("Gorontalo": capitalised within a sentence of the text; it
    counts beside its word) or a day ("19/6"). Numbers count from three digits on.
    """
    terms: defaultdict[str, float] = defaultdict(float)
    for token in _TOKEN.findall(unicodedata.normalize("NFKC", title)):
        term = _name_term(token)
        if term:
            terms[term] += TITLE_WEIGHT
    text = unicodedata.normalize("NFKC", text)
    starts = {0, *(match.end() for match in _SENTENCE_END.finditer(text))}
    for count, match in enumerate(_TOKEN.finditer(text)):
        if count >= WORDS_MOST:
            break
        token = match[0]
        term = _name_term(token)
        if not term:
            continue
        terms[term] += 1
        if token[0].isupper() and match.start() not in starts:
            terms[token.capitalize()] += 1
    return dict(terms)


def tell_stories(reports: Iterable[Report[Id]]) -> list[Story[Id]]:
    """The stories among these reports, whatever order they come in; a report without likes is one by itself."""
    window = Window(reports)
    return window.tell(window.compare())


class Window(Generic[Id]):
    """Reports that are looked at together: those of the last weeks, or of a file."""

    def __init__(self, reports: Iterable[Report[Id]]) -> None:
        self._reports = {report.id: report for report in sorted(reports, key=_order)}
        self._vectors = _weigh(_drop_own_words(list(self._reports.values())))

    def compare(self, ids: Collection[Id] | None = None) -> dict[tuple[Id, Id], float]:
        """(earlier, later) → likeness above 0 and up to 1, of all pairs, or of those with one of `ids` in them."""
        wanted = None if ids is None else set(ids)
        postings: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
        reports = list(self._reports.values())
        if wanted is not None:  # the others are looked up, not compared with each other
            for index, vector in enumerate(self._vectors):
                for term, weight in vector.items():
                    postings[term].append((index, weight))
        found: dict[tuple[Id, Id], float] = {}
        for index, vector in enumerate(self._vectors):
            if wanted is not None and reports[index].id not in wanted:
                continue
            products: defaultdict[int, float] = defaultdict(float)
            for term, weight in vector.items():
                for other, other_weight in postings[term]:
                    products[other] += weight * other_weight
                if wanted is None:
                    postings[term].append((index, weight))
            likes: list[tuple[float, Id, Id]] = []
            for other, product in products.items():
                if other != index and product >= SIMILARITY_LEAST:
                    a, b = reports[min(index, other)], reports[max(index, other)]
                    likes.append((_temper(product, a, b), a.id, b.id))
            for similarity, a_id, b_id in heapq.nlargest(NEIGHBOURS_MOST, likes, key=_rank):
                if similarity >= SIMILARITY_LEAST:
                    found[a_id, b_id] = similarity
        return found

    def tell(self, similarities: Mapping[tuple[Id, Id], float]) -> list[Story[Id]]:
        """The stories that these similarities make."""
        alike: defaultdict[Id, dict[Id, float]] = defaultdict(dict)
        for (a, b), value in similarities.items():
            if a in self._reports and b in self._reports:
                alike[a][b] = alike[b][a] = value
        hoods = {key: _find_neighbourhood(key, alike[key]) for key in self._reports}
        shared = {}
        for key, others in alike.items():
            for other in others:
                if _order(self._reports[key]) < _order(self._reports[other]):
                    likeness = _dot(hoods[key], hoods[other]) * min(1.0, others[other] / SIMILARITY_PLAIN) ** PLAINNESS
                    if likeness:
                        shared[key, other] = likeness
        return [self._describe(members, alike) for members in _link(list(self._reports), shared)]

    def _describe(self, members: list[Id], alike: Mapping[Id, Mapping[Id, float]]) -> Story[Id]:
        members = sorted(members, key=lambda key: _order(self._reports[key]))
        if len(members) == 1:
            return Story(members=tuple(members), central=members[0], why=())
        central = max(members, key=lambda key: sum(alike[key].get(other, 0.0) for other in members))
        positions = {key: index for index, key in enumerate(self._reports)}
        vectors = [self._vectors[positions[key]] for key in members]
        counts = Counter(term for vector in vectors for term in vector)
        weights: defaultdict[str, float] = defaultdict(float)
        for vector in vectors:
            for term, weight in vector.items():
                if counts[term] > len(members) / 2:
                    weights[term] += weight
        return Story(members=tuple(members), central=central, why=tuple(_choose_reasons(weights)))


# ── terms and vectors ─────────────────────────────────────────────────────────────────────────────────────────────


def _name_term(token: str) -> str:
    if token[0].isdigit():
        day = _DAY.fullmatch(token)
        if day:
            return f"{int(day[1])}/{int(day[2])}"
        return token if len(token) > 2 else ""
    return token.lower()


def _drop_own_words(reports: list[Report[Id]]) -> list[Mapping[str, float]]:
    """The terms of each report, less those by which its source tells itself: its name, its column, its signature."""
    totals = Counter(report.source for report in reports)
    by_source: defaultdict[str, Counter[str]] = defaultdict(Counter)
    everywhere: Counter[str] = Counter()
    for report in reports:
        everywhere.update(report.terms.keys())
        if report.source and totals[report.source] >= OWN_REPORTS:
            by_source[report.source].update(report.terms.keys())
    own = {
        source: {
            term
            for term, count in counts.items()
            if count >= OWN_SHARE * totals[source] and count >= OWN_TERM * everywhere[term]
        }
        for source, counts in by_source.items()
    }
    return [
        {term: count for term, count in report.terms.items() if term not in own[report.source]}
        if own.get(report.source)
        else report.terms
        for report in reports
    ]


def _weigh(counts: list[Mapping[str, float]]) -> list[dict[str, float]]:
    """Vectors of tf-idf weights, of length 1 before the terms of one report alone are left out: they match nothing."""
    in_reports = Counter(term for terms in counts for term in terms)
    common = load_common_words()
    total = len(counts) + BACKGROUND
    rareness = {
        term: math.log(total / (count + BACKGROUND * common.get(term, 0.0))) - RARENESS_LEAST
        for term, count in in_reports.items()
        if count <= ARTICLES_MOST
    }
    vectors = []
    for terms in counts:
        weights = {
            term: count * (SATURATION + 1) / (count + SATURATION) * rareness[term]
            for term, count in terms.items()
            if rareness.get(term, 0.0) > 0
        }
        length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
        shared = {term: weight / length for term, weight in weights.items() if in_reports[term] > 1}
        if len(shared) > TERMS_MOST:
            shared = dict(heapq.nlargest(TERMS_MOST, shared.items(), key=lambda item: (item[1], item[0])))
        vectors.append(shared)
    return vectors


@cache
def load_common_words() -> Mapping[str, float]:
    """term → share of articles that hold it."""
    lines = (files("aggregator") / "reference" / "common_words.tsv").read_text("utf-8").splitlines()
    rows = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return {term: float(share) for term, share in rows}


def is_telling(term: str) -> bool:
    """Whether people see in it what an event is about: it is rare, and neither a day nor a number."""
    most = COMMON_NAME if term[:1].isupper() else COMMON_WORD
    is_plain = term.lower() in CALENDAR | NUMERALS or term[:1].isdigit()
    return not is_plain and load_common_words().get(term, 0.0) < most


def _choose_reasons(weights: Mapping[str, float]) -> Iterator[str]:
    """The weightiest terms, a name and its word counted once."""
    named: set[str] = set()
    for term in sorted(weights, key=lambda term: (-weights[term], term)):
        if is_telling(term) and term.lower() not in named:
            named.add(term.lower())
            yield term if term[0].isupper() or term.capitalize() not in weights else term.capitalize()
        if len(named) == REASONS:
            return


# ── similarity ────────────────────────────────────────────────────────────────────────────────────────────────────


def _order(report: Report[Id]) -> tuple[bool, float, str]:
    return report.published is None, report.published.timestamp() if report.published else 0.0, str(report.id)


def _temper(product: float, a: Report[Id], b: Report[Id]) -> float:
    """Likeness of words, less what time and place say against it."""
    if a.published is not None and b.published is not None:
        days = abs((a.published - b.published).total_seconds()) / 86_400
        if days > DAYS_FREE:
            product *= math.exp((DAYS_FREE - days) / DAYS_DECAY)
    if a.cities and b.cities:
        if a.cities & b.cities:
            product *= SAME_CITY
        else:
            product *= OTHER_CITY_NAMED if a.cities & b.named or b.cities & a.named else OTHER_CITY
    return min(product, 1.0)


def _rank(like: tuple[float, Id, Id]) -> tuple[float, str, str]:
    return like[0], str(like[1]), str(like[2])


def _find_neighbourhood(key: Id, others: Mapping[Id, float]) -> dict[Id, float]:
    """Unit vector of whom a report is near to, itself included."""
    nearest = heapq.nlargest(NEIGHBOURS_MOST, others.items(), key=lambda item: (item[1], str(item[0])))
    if not nearest:
        return {key: 1.0}
    least = NEAR * sum(value for _, value in nearest[:NEAREST]) / min(NEAREST, len(nearest))
    near = {other: value for other, value in nearest if value >= least}
    near[key] = max(near.values())
    length = math.sqrt(sum(value * value for value in near.values()))
    return {other: value / length for other, value in near.items()}


def _dot(a: Mapping[Id, float], b: Mapping[Id, float]) -> float:
    if len(b) < len(a):
        a, b = b, a
    return sum(value * b[key] for key, value in a.items() if key in b)


# ── linkage ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _link(keys: list[Id], likeness: Mapping[tuple[Id, Id], float]) -> list[list[Id]]:
    """Average linkage: the two clusters most alike on average are joined, as long as that is `CUT`.

    Pairs that are not in `likeness` count as 0, so a bridge between two stories cannot hold them together.
    """
    clusters: dict[int, list[Id]] = {index: [key] for index, key in enumerate(keys)}
    places = {key: index for index, key in enumerate(keys)}
    sums: defaultdict[int, dict[int, float]] = defaultdict(dict)
    for (key, other_key), value in likeness.items():
        sums[places[key]][places[other_key]] = sums[places[other_key]][places[key]] = value
    heap = [(-value, a, b, 1, 1) for a, others in sums.items() for b, value in others.items() if a < b and value >= CUT]
    heapq.heapify(heap)
    while heap:
        _, a, b, size_a, size_b = heapq.heappop(heap)
        if len(clusters.get(a, ())) != size_a or len(clusters.get(b, ())) != size_b:
            continue  # one of them has grown or gone since
        clusters[a] += clusters.pop(b)
        del sums[a][b]
        for other, value in sums.pop(b).items():
            if other != a:
                del sums[other][b]
                sums[a][other] = sums[other][a] = sums[a].get(other, 0.0) + value
        size = len(clusters[a])
        for other, value in sums[a].items():
            average = value / (size * len(clusters[other]))
            if average >= CUT:
                first, second = min(a, other), max(a, other)
                heapq.heappush(heap, (-average, first, second, len(clusters[first]), len(clusters[second])))
    return list(clusters.values())
