"""Which articles carry the same text. PURE: the store looks candidates up and writes, this module decides.

    fingerprint ─▶ candidates that share ≥ 2 sampled shingles ─▶ compare each ─▶ edges ─▶ groups, each with a canonical

Why so: portals repost a release with another headline, a byline, cut after two paragraphs, inside their own
boilerplate. Jaccard and SimHash fail on these; containment of 3-word shingles finds them, and where it is low the
alignment of the words tells an edited copy from another text on the same event. The worse error is to merge two
different pieces of news: one of them is then lost to subscribers.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b

from rapidfuzz.distance import LCSseq

# Measured on the development half (planted and labelled pairs):
CONTAINMENT_SURE = 0.45  # alone enough: no labelled pair of different texts is this alike
CONTAINMENT_MAYBE = 0.20  # with alignment: a 30 % edited copy keeps so many shingles
ALIGNMENT = 0.66  # share of the shorter text in the longest common subsequence of words
CONTAINMENT_SAME_SOURCE = 0.80  # a site repeats its own templates (weather, prices) with other numbers
NUMBERS_LEAST = 8  # with fewer numbers in a text, edits alone may change half of them
NUMBERS_SHARED = 0.45  # of many numbers, copies keep more (planted pairs: .44 and up), another day's prices fewer
LEAST_SHINGLES = 8  # very short texts are judged as if they had so many
MIN_SHARED = 2  # sampled shingles that make a candidate
SAMPLE = 8  # one shingle in so many goes into the sketch …
SAMPLE_LEAD = 2  # … and one in so few of the first LEAD_SHINGLES, for excerpts are cut from the lead
LEAD_SHINGLES = 48
MAX_WORDS = 6_000  # the rest of a longer text adds work, not evidence

BOILERPLATE_ARTICLES = 3  # for `cluster`: a paragraph in so many articles of a source …
BOILERPLATE_SHARE = 0.1  # … and in such a share of them is the source's own

_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+")
_TYPOGRAPHY = "“”‘’–—…\xa0"  # no word holds these, nor what NFKC makes of them
_ASCII_GAPS = {code: " " for code in range(128) if not _WORD.match(chr(code))}
_MASK = (1 << 64) - 1
_FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F  # odd 64-bit constants, so that word order counts


@dataclass(frozen=True, kw_only=True, slots=True)
class Fingerprint:
    """What of a text is compared."""

    shingles: frozenset[int]  # signed 64-bit hashes of runs of three words
    sketch: frozenset[int]  # a fixed sample of them, for looking up
    words: tuple[str, ...]
    numbers: frozenset[str]
    title_numbers: frozenset[str]
    text_hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """An article as deduplication sees it."""

    id: int | str
    source_id: str
    fingerprint: Fingerprint
    published: datetime | None = None
    url: str = ""
    length: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Edge:
    """The decision that `a` and `b` carry the same text, and why."""

    a: int | str
    b: int | str
    rule: str
    score: float
    alignment: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """How two texts compare. `rule` is empty when they are not the same."""

    rule: str
    containment: float
    alignment: float

    @property
    def is_duplicate(self) -> bool:
        return bool(self.rule)


@dataclass(frozen=True, kw_only=True, slots=True)
class DedupRecord:
    """One article of a file to be clustered."""

    id: str
    source: str
    title: str
    text: str
    published: datetime | None = None
    url: str = ""


def hash_paragraph(text: str) -> int:
    """Signed 64-bit hash (SQLite's integers are) of a paragraph's words, whatever its case, spaces or punctuation.

    Hashes are kept in the database: what goes into them must not change. A long paragraph is told by its beginning.
    """
    words = " ".join(_split_words(text[:4_000]))
    return int.from_bytes(blake2b(words.encode("utf-8", "replace"), digest_size=8).digest(), "big", signed=True)


def fingerprint(title: str, text: str, *, boilerplate: Collection[int] = ()) -> Fingerprint:
    """The fingerprint of an article, paragraphs in `boilerplate` (their hashes) left out.

    The title counts only where there is no text: portals rewrite it.
    """
    kept = [line for line in text.split("\n") if line and (not boilerplate or hash_paragraph(line) not in boilerplate)]
    words = _WORD.findall(_fold("\n".join(kept) or title))[:MAX_WORDS]
    hashes = [_hash_word(word) for word in words]
    runs = [
        _sign((a * _FIRST + b * _SECOND + c) & _MASK) for a, b, c in zip(hashes, hashes[1:], hashes[2:], strict=False)
    ] or list(map(_sign, hashes))
    shingles = frozenset(runs)
    return Fingerprint(
        shingles=shingles,
        sketch=_sample(shingles, SAMPLE) | _sample(runs[:LEAD_SHINGLES], SAMPLE_LEAD),
        words=tuple(words),
        numbers=frozenset(word for word in words if word.isdigit()),
        title_numbers=frozenset(_NUMBER.findall(title)),
        text_hash=blake2b(" ".join(words).encode("utf-8", "replace"), digest_size=16).hexdigest(),
    )


def compare(a: Fingerprint, b: Fingerprint, *, same_source: bool) -> Verdict:
    """Whether two texts are the same piece of news. Symmetric.

    Templates (weather, prices, match schedules) are more alike than reposts: what tells two days apart are numbers.
    """
    if same_source and _titles_differ_by_number(a, b):
        return Verdict(rule="", containment=0.0, alignment=0.0)
    if a.words and a.text_hash == b.text_hash:
        return Verdict(rule="exact", containment=1.0, alignment=1.0)
    shorter = max(LEAST_SHINGLES, min(len(a.shingles), len(b.shingles)))
    containment = len(a.shingles & b.shingles) / shorter
    if same_source:
        alike = containment >= CONTAINMENT_SAME_SOURCE and a.numbers == b.numbers
        return Verdict(rule="same-source" if alike else "", containment=containment, alignment=0.0)
    if containment < CONTAINMENT_MAYBE or _hold_other_numbers(a, b):
        return Verdict(rule="", containment=containment, alignment=0.0)
    if containment >= CONTAINMENT_SURE:
        return Verdict(rule="containment", containment=containment, alignment=0.0)
    alignment = _align(a.words, b.words)
    return Verdict(rule="alignment" if alignment >= ALIGNMENT else "", containment=containment, alignment=alignment)


def decide(new: Member, candidates: Sequence[Member]) -> tuple[Edge, ...]:
    """The edges from `new` to those candidates that carry its text."""
    edges = []
    for candidate in candidates:
        same_source = bool(new.source_id) and new.source_id == candidate.source_id
        verdict = compare(new.fingerprint, candidate.fingerprint, same_source=same_source)
        if verdict.is_duplicate:
            edges.append(
                Edge(
                    a=new.id, b=candidate.id, rule=verdict.rule, score=verdict.containment, alignment=verdict.alignment
                )
            )
    return tuple(edges)


def choose_canonical(members: Collection[Member]) -> int | str:
    """The member that stands for all: published first, then the fullest, then by address. A function of the set."""
    latest = datetime.max.replace(tzinfo=UTC)
    return min(members, key=lambda m: (m.published or latest, -m.length, m.url, str(m.id))).id


def build_groups(
    ids: Iterable[int | str], edges: Iterable[Edge], members: Mapping[int | str, Member]
) -> list[frozenset[int | str]]:
    """The groups among `ids`: connected by edges, and each member agreeing with the canonical or with two others.

    Without that check a round-up that quotes two releases would glue them together. Members that fail it are grouped
    again among themselves.
    """
    neighbours: defaultdict[int | str, set[int | str]] = defaultdict(set)
    for edge in edges:
        neighbours[edge.a].add(edge.b)
        neighbours[edge.b].add(edge.a)
    left = set(ids)
    groups: list[frozenset[int | str]] = []
    while left:
        component = _find_component(min(left, key=str), left, neighbours)
        canonical = choose_canonical([members[key] for key in component])
        loyal = {canonical} | {
            key for key in component if canonical in neighbours[key] or len(neighbours[key] & component) >= 2
        }
        loyal = _find_component(canonical, loyal, neighbours)
        groups.append(frozenset(loyal))
        left -= loyal
    return groups


def cluster(records: Iterable[DedupRecord]) -> dict[str, str]:
    """id → cluster id (the canonical's id) over a whole file in memory, by the very rules of the pipeline."""
    articles = sorted(records, key=lambda record: record.id)
    boilerplate = learn_boilerplate(articles)
    members: dict[int | str, Member] = {}
    postings: defaultdict[int, list[int | str]] = defaultdict(list)
    edges: list[Edge] = []
    for article in articles:
        member = Member(
            id=article.id,
            source_id=article.source,
            fingerprint=fingerprint(article.title, article.text, boilerplate=boilerplate[article.source]),
            published=article.published,
            url=article.url,
            length=len(article.text),
        )
        shared = Counter(key for value in member.fingerprint.sketch for key in postings[value])
        edges += decide(member, [members[key] for key, count in shared.items() if count >= MIN_SHARED])
        members[article.id] = member
        for value in member.fingerprint.sketch:
            postings[value].append(article.id)
    clusters: dict[str, str] = {}
    for group in build_groups(members, edges, members):
        canonical = choose_canonical([members[key] for key in group])
        clusters |= {str(key): str(canonical) for key in group}
    return clusters


def learn_boilerplate(articles: Iterable[DedupRecord]) -> defaultdict[str, frozenset[int]]:
    """Hashes of the paragraphs that are each source's own: those on many of its articles."""
    counts: defaultdict[str, Counter[int]] = defaultdict(Counter)
    totals: Counter[str] = Counter()
    for article in articles:
        totals[article.source] += 1
        counts[article.source].update({hash_paragraph(line) for line in article.text.split("\n") if line})
    learnt: defaultdict[str, frozenset[int]] = defaultdict(frozenset)
    for source, seen in counts.items():
        if not source:  # nobody knows whose these are
            continue
        least = max(BOILERPLATE_ARTICLES, BOILERPLATE_SHARE * totals[source])
        learnt[source] = frozenset(value for value, count in seen.items() if count >= least)
    return learnt


def _find_component(
    start: int | str, among: Collection[int | str], neighbours: Mapping[int | str, set[int | str]]
) -> set[int | str]:
    found, queue = {start}, [start]
    while queue:
        fresh = {key for key in neighbours[queue.pop()] if key in among} - found
        found |= fresh
        queue += fresh
    return found


def _titles_differ_by_number(a: Fingerprint, b: Fingerprint) -> bool:
    return bool(a.title_numbers and b.title_numbers and a.title_numbers != b.title_numbers)


def _hold_other_numbers(a: Fingerprint, b: Fingerprint) -> bool:
    fewer = min(len(a.numbers), len(b.numbers))
    return fewer >= NUMBERS_LEAST and len(a.numbers & b.numbers) < NUMBERS_SHARED * fewer


def _align(a: tuple[str, ...], b: tuple[str, ...]) -> float:
    return LCSseq.similarity(a, b) / max(1, min(len(a), len(b)))


def _fold(text: str) -> str:
    return (text if text.isascii() else unicodedata.normalize("NFKC", text)).casefold()


def _split_words(text: str) -> list[str]:
    """The words of a text, folded; what `_WORD` finds, at a third of its cost for what is ASCII but for quotes."""
    if not text.isascii():
        for mark in _TYPOGRAPHY:
            if mark in text:
                text = text.replace(mark, " ")
    if text.isascii():
        return text.casefold().translate(_ASCII_GAPS).split()
    return _WORD.findall(_fold(text))


@lru_cache(maxsize=200_000)
def _hash_word(word: str) -> int:
    return int.from_bytes(blake2b(word.encode("utf-8", "replace"), digest_size=8).digest(), "big")


def _sign(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _sample(shingles: Iterable[int], one_in: int) -> frozenset[int]:
    return frozenset(value for value in shingles if _mix(value) % one_in == 0)


def _mix(value: int) -> int:
    """High bits, which the sums above mix best."""
    return (value & _MASK) >> 40
