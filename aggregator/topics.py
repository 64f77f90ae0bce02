"""Which topics an article is about, and on what evidence. Pure.

    article ──lay_out──▶ passages ──phrases of the topic──▶ hits ──weigh──▶ score, evidence ──threshold──▶ TopicMatch

The words, weights and rules are data: `reference/topics.toml` says what each does, `topic_tables` reads it. A score is
the sum of the weights in its evidence, so an explanation can show the sum. The theory: a topic is what the title or the
lead names, or what several paragraphs do; one name in passing is nothing. Known to fail: an article that tells of an
APEKSI event and names neither it nor its programmes (a headline "Selamat Datang di Kota Rempah" without its text).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from aggregator.models import Evidence, TopicMatch
from aggregator.passages import TITLE_MOST, Passage, read_article
from aggregator.textfold import PhraseIndex, PhraseMatch
from aggregator.topic_tables import Part, Rule, Topic, TopicTable, Where, load_topics

__all__ = ["TopicTable", "classify_topics", "load_topics", "match_topics", "scan_bytes"]

# A summary usually repeats the lead: the two count as one place.
_SHARED_SLOT = {"summary": "lead"}


NO_ARTICLE = -5.0  # more than any article can be worth


class _Hit(NamedTuple):
    rule: Rule
    slot: tuple[str, int]
    evidence: Evidence  # with the weight it would have alone


def classify_topics(
    title: str, text: str = "", *, summary: str = "", tags: Sequence[str] = (), table: TopicTable | None = None
) -> tuple[TopicMatch, ...]:
    """The topics of an article, best first. Plain text in, paragraphs of `text` separated by newlines."""
    table = table or load_topics()
    thresholds = {topic.id: topic.threshold for topic in table.topics}
    matches = match_topics(title, text, summary=summary, tags=tags, table=table)
    return tuple(match for match in matches if match.score >= thresholds[match.topic])


def match_topics(
    title: str, text: str = "", *, summary: str = "", tags: Sequence[str] = (), table: TopicTable | None = None
) -> tuple[TopicMatch, ...]:
    """Every topic of the table with its score and evidence, also below its threshold: what `explain` shows."""
    table = table or load_topics()
    passages = read_article(title, text, summary, tags)
    matches = (_match_topic(topic, passages, table) for topic in table.topics)
    listed = _find_list(title, table)
    if listed is not None:
        matches = (_add_evidence(match, listed) for match in matches)
    return tuple(sorted(matches, key=lambda match: -match.score))


def scan_bytes(html: bytes, table: TopicTable | None = None) -> bool:
    """Whether a page may be about any topic: what `classify_topics` could find in its text, this finds in its bytes."""
    return (table or load_topics()).scan.matches(html)


def _find_list(title: str, table: TopicTable) -> Evidence | None:
    """What in a title says that the page is no article: "Tag: APEKSI", "Arsip Berita - Halaman 3"."""
    for pattern in table.no_articles:
        found = pattern.search(title[:TITLE_MOST])
        if found:
            return Evidence(term=found[0].strip(), place="title", offset=found.start(), weight=NO_ARTICLE)
    return None


def _add_evidence(match: TopicMatch, evidence: Evidence) -> TopicMatch:
    if not match.score:
        return match
    together = (*match.evidence, evidence)
    return TopicMatch(topic=match.topic, score=_sum(together), evidence=together)


def _match_topic(topic: Topic, passages: tuple[Passage, ...], table: TopicTable) -> TopicMatch:
    hits = [hit for passage in passages for hit in _find_hits(topic, passage, passages, table.places[passage.place])]
    terms = _pick_terms(hits, table.body_paragraphs)
    if not terms:  # what looks like a term and is none tells an explanation why
        return TopicMatch(topic=topic.id, score=0.0, evidence=tuple(_pick_once(hits, Part.MASK)))
    supports = _take(_pick_once(hits, Part.SUPPORT), table.most_supports)
    exclusions = _take(_pick_once(hits, Part.EXCLUSION), table.most_exclusions)
    is_supported = _sum(supports) >= table.least_support or not topic.needs_support
    terms = _take(terms, table.most_terms if is_supported else min(topic.threshold, table.most_terms))
    evidence = (*terms, *supports, *exclusions)
    return TopicMatch(topic=topic.id, score=_sum(evidence), evidence=evidence)


def _find_hits(topic: Topic, passage: Passage, passages: tuple[Passage, ...], factor: float) -> Iterable[_Hit]:
    slot = (_SHARED_SLOT.get(passage.place, passage.place), passage.slot)
    for match in topic.phrases.find(passage.words):
        if match.value.where is not None and not _is_there(match, match.value.where, passage, passages):
            continue
        evidence = Evidence(
            term=passage.words.slice(match.first, match.last),
            place=passage.place,
            offset=passage.offset(match.first),
            weight=round(match.value.weight * factor, 3),
        )
        yield _Hit(match.value, slot, evidence)


def _is_there(match: PhraseMatch[Rule], where: Where, passage: Passage, passages: tuple[Passage, ...]) -> bool:
    """Whether a phrase stands in the company that its rule asks for."""
    if where.places and passage.place not in where.places:
        return False
    if where.near is not None and not _is_near(where.near, match, passage, where.within):
        return False
    if where.not_near is not None and _is_near(where.not_near, match, passage, where.within):
        return False
    if where.with_ is not None and not _is_anywhere(where.with_, passages):
        return False
    return where.without is None or not _is_anywhere(where.without, passages)


def _is_near(phrases: PhraseIndex[bool], match: PhraseMatch[Rule], passage: Passage, within: int) -> bool:
    return any(
        match.first - within <= other.last and other.first <= match.last + within
        for other in phrases.find(passage.words)
        if other.last < match.first or other.first > match.last
    )


@lru_cache(maxsize=32)  # the same is asked for each of a thousand matches in one article
def _is_anywhere(phrases: PhraseIndex[bool], passages: tuple[Passage, ...]) -> bool:
    return any(phrases.is_in(passage.words) for passage in passages)


def _pick_terms(hits: Iterable[_Hit], body_paragraphs: int) -> list[Evidence]:
    """The best term of every place, and of the best paragraphs of the body."""
    best: dict[tuple[str, int], Evidence] = {}
    for rule, slot, evidence in hits:
        if rule.part is Part.TERM and (slot not in best or evidence.weight > best[slot].weight):
            best[slot] = evidence
    body = sorted((item for (place, _), item in best.items() if place == "body"), key=_by_weight)
    return [*(item for (place, _), item in best.items() if place != "body"), *body[:body_paragraphs]]


def _pick_once(hits: Iterable[_Hit], part: Part) -> list[Evidence]:
    """Every phrase of `part` once, at the place where it weighs most."""
    best: dict[str, Evidence] = {}
    for rule, _, evidence in hits:
        known = best.get(rule.pattern)
        if rule.part is part and (known is None or abs(evidence.weight) > abs(known.weight)):
            best[rule.pattern] = evidence
    return list(best.values())


def _take(evidence: list[Evidence], most: float) -> list[Evidence]:
    """The strongest evidence until `most` is used up, the last piece cut to what is left."""
    taken = []
    for item in sorted(evidence, key=_by_weight):
        weight = round(max(-most, min(item.weight, most)), 3)
        if not weight:
            break
        taken.append(Evidence(term=item.term, place=item.place, offset=item.offset, weight=weight))
        most = round(most - abs(weight), 3)
    return taken


def _by_weight(evidence: Evidence) -> float:
    return -abs(evidence.weight)


def _sum(evidence: Iterable[Evidence]) -> float:
    return round(sum(item.weight for item in evidence), 3)
