"""`kabarkota explain A B`: whether two articles carry the same text, and where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import typer

from aggregator import dedup
from aggregator.differences import compare_passages
from aggregator.store import Store
from schedules.commands.explain import find
from schedules.commands.opening import check_database, check_schema
from schedules.commands.output import print_json
from schedules.config import Setup
from schedules.errors import RunFailure

_TOLD = ("id", "url", "source_id", "title", "published_at", "group_id", "text_dropped_at")
PASSAGE_MOST = 160  # characters of a passage shown to people
_RULES = {
    "exact": "the very same words",
    "containment": "enough of the shorter text's runs of three words are in the other",
    "alignment": "an edited copy: its words follow the other's",
    "same-source": "of one source, nearly the same, with the same numbers",
    "other-text": "too little in common",
    "other-numbers": "alike, but with other numbers: a template filled in anew",
    "other-title": "the same few words under another title",
    "other-title-number": "of one source, with another number in the title",
    "same-source-template": "of one source, and alike as its templates are",
    "text-dropped": "never held against each other while both had their full text",
}


def explain_pair(setup: Setup, first: str, second: str, *, as_json: bool) -> None:
    """Compares two articles that were kept. Raises UsageFailure, RunFailure (not kept), StoreError."""
    check_database(setup.database)
    with Store.open_reader(setup.database) as store:
        check_schema(store)
        a, b = _find_article(store, first), _find_article(store, second)
        told = tell_pair(store, a, b)
    if as_json:
        print_json(told)
        return
    for line in describe_pair(told):
        typer.echo(line)


def tell_pair(store: Store, a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    """The comparison as data: as it comes out now, if both have their full text, and as it was decided."""
    is_whole = not (a["text_dropped_at"] or b["text_dropped_at"])
    verdict = dedup.compare(
        _fingerprint(store, a), _fingerprint(store, b), same_source=a["source_id"] == b["source_id"]
    )
    stories = {row["group_id"]: row["story_id"] for row in store.get_stories_of_groups({a["group_id"], b["group_id"]})}
    return {
        "articles": [
            {
                **{key: row[key] for key in _TOLD},
                "story_id": stories.get(row["group_id"]),
            }
            for row in (a, b)
        ],
        "verdict": asdict(verdict) if is_whole else None,
        "thresholds": {
            "containment": dedup.CONTAINMENT_SURE,
            "containment_with_alignment": dedup.CONTAINMENT_MAYBE,
            "alignment": dedup.get_least_alignment(verdict.containment),
            "same_source": dedup.CONTAINMENT_SAME_SOURCE,
        },
        "decision": store.get_decision(a["id"], b["id"]),
        "passages": [passage._asdict() for passage in compare_passages(a["text"], b["text"])] if is_whole else [],
    }


def describe_pair(told: Mapping[str, Any]) -> Iterator[str]:
    """The comparison for people."""
    one, other = told["articles"]
    for name, article in (("A", one), ("B", other)):
        yield f"{name}  {article['title']}"
        yield f"   {article['source_id']}, {article['published_at']}, {article['url']}"
    yield from _describe_verdict(told)
    decision = told["decision"]
    if decision is None:
        yield "   never held against each other: they share too few sampled runs, or came too far apart"
    else:
        accepted = "accepted" if decision["accepted"] else "refused"
        yield f"   {accepted} on {decision['decided_at']} by {decision['rule']}, {decision['score']:.0%}"
    yield _place("group", one["group_id"], other["group_id"])
    yield _place("story", one["story_id"], other["story_id"])
    for passage in told["passages"]:
        if passage["is_shared"]:
            yield f"  = {_shorten(passage['a'])}"
        else:
            yield from (f"  A {_shorten(passage['a'])}" for _ in (1,) if passage["a"])
            yield from (f"  B {_shorten(passage['b'])}" for _ in (1,) if passage["b"])


def _describe_verdict(told: Mapping[str, Any]) -> Iterator[str]:
    verdict = told["verdict"]
    if verdict is None:
        yield "their full texts are no longer both kept, so they cannot be compared any more; while they were:"
        return
    same = "the same text" if verdict["is_duplicate"] else "not the same text"
    yield f"{same}: {_RULES.get(verdict['rule'], verdict['rule'])} ({verdict['rule']})"
    least = told["thresholds"]
    yield (
        f"   {verdict['containment']:.0%} of the shorter one's runs of three words are in both"
        f" ({least['containment']:.0%} is enough, {least['containment_with_alignment']:.0%} with alignment)"
    )
    if verdict["alignment"]:
        yield f"   alignment {verdict['alignment']:.0%} ({least['alignment']:.0%} is enough)"
    yield f"   B has {verdict['of_a']:.0%} of A; {1 - verdict['of_b']:.0%} of B is its own"


def _place(what: str, a: int | None, b: int | None) -> str:
    return f"   both in {what} {a}" if a == b else f"   {what} {a} and {what} {b}"


def _shorten(text: str) -> str:
    count = len(text.split())
    if len(text) <= PASSAGE_MOST:
        return text
    half = PASSAGE_MOST // 2
    return f"{text[:half].rstrip()} … {text[-half:].lstrip()} ({count} words)"


def _fingerprint(store: Store, row: Mapping[str, Any]) -> dedup.Fingerprint:
    return dedup.fingerprint(row["title"], row["text"], boilerplate=store.get_boilerplate(row["source_id"]))


def _find_article(store: Store, address: str) -> dict[str, Any]:
    found = find(store, address)
    if found is None or found["article"] is None:
        raise RunFailure(f"{address}: no article was kept under this address; `kabarkota explain {address}` says why")
    article: dict[str, Any] = found["article"]
    return article
