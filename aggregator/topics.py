"""Which topics an article is about, and on what evidence. Pure.

    article ──lay_out──▶ passages ──phrases of the topic──▶ hits ──weigh──▶ score, evidence ──threshold──▶ TopicMatch

The words, weights and rules are data: `reference/topics.toml` says what each does, `topic_tables` reads it. A score is
the sum of the weights in its evidence, so an explanation can show the sum. The theory: a topic is what the title or the
lead names, or what several paragraphs do; one name in passing is nothing. Known to fail: an article that tells of an
APEKSI event and names neither it nor its programmes (a headline "Selamat Datang di Kota Rempah" without its text).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from aggregator.models import Evidence, TopicMatch
from aggregator.passages import Passage, read_article
from aggregator.topic_tables import Part, Rule, Topic, TopicTable, load_topics

__all__ = ["TopicTable", "classify_topics", "load_topics", "match_topics", "scan_bytes"]

# A summary usually repeats the lead: the two count as one place.
_SHARED_SLOT = {"summary": "lead"}


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
    return tuple(sorted(matches, key=lambda match: -match.score))


def scan_bytes(html: bytes, table: TopicTable | None = None) -> bool:
    """Whether a page may be about any topic: what `classify_topics` could find in its text, this finds in its bytes."""
    return (table or load_topics()).scan.matches(html)


def _match_topic(topic: Topic, passages: Iterable[Passage], table: TopicTable) -> TopicMatch:
    hits = [hit for passage in passages for hit in _find_hits(topic, passage, table.places[passage.place])]
    terms = _pick_terms(hits, table.body_paragraphs)
    if not terms:
        return TopicMatch(topic=topic.id, score=0.0)
    supports = _take(_pick_once(hits, Part.SUPPORT), table.most_supports)
    exclusions = _take(_pick_once(hits, Part.EXCLUSION), table.most_exclusions)
    is_supported = _sum(supports) >= table.least_support or not topic.needs_support
    terms = _take(terms, table.most_terms if is_supported else min(topic.threshold, table.most_terms))
    evidence = (*terms, *supports, *exclusions)
    return TopicMatch(topic=topic.id, score=_sum(evidence), evidence=evidence)


def _find_hits(topic: Topic, passage: Passage, factor: float) -> Iterable[_Hit]:
    slot = (_SHARED_SLOT.get(passage.place, passage.place), passage.slot)
    for first, last, rule in topic.phrases.find(passage.words):
        evidence = Evidence(
            term=passage.words.slice(first, last),
            place=passage.place,
            offset=passage.offset(first),
            weight=round(rule.weight * factor, 3),
        )
        yield _Hit(rule, slot, evidence)


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
