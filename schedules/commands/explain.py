"""`kabarkota explain`: why an article is in, or why it is not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import typer

from aggregator.article_building import judge
from aggregator.article_json import unpack_row
from aggregator.diagnosis import diagnose
from aggregator.models import Evidence
from aggregator.pages import PageFolder
from aggregator.passages import TAG_GAP
from aggregator.store import Store
from aggregator.takedown_rows import TAKEN_DOWN
from aggregator.topic_tables import TopicTable, load_topics
from aggregator.urls import canonicalize, make_url_key
from schedules.commands.explain_provenance import describe_provenance, tell_provenance
from schedules.commands.opening import check_database, check_schema
from schedules.commands.output import print_json
from schedules.config import Setup
from schedules.errors import RunFailure

_ROLES = {"event": "happened in", "participant": "takes part", "mention": "is named"}
_STATES = {
    "kept": "in: an article",
    "off-topic": "out: off topic",
    "spam": "out: spam, set aside",
    "pending": "waits to be read",
    "failed": "out: could not be read",
    "refused": "out: not to be read",
}
ID_DIGITS = 18  # of the largest integer that SQLite holds
CONTEXT = 40  # characters around a term


def explain(setup: Setup, url: str, *, as_json: bool) -> None:
    """Tells what became of an address. Raises UsageFailure, RunFailure (never seen), StoreError, TableError."""
    check_database(setup.database)
    table = load_topics(setup.topics_overlay)
    with Store.open_reader(setup.database) as store:
        check_schema(store)
        found = find(store, url)
        takedown = store.find_takedown(make_url_key(found["link"]["url"] if found else canonicalize(url) or url))
        if found is not None:
            told = tell(store, found, table, PageFolder(setup.data_folder / "pages"))
        elif takedown is not None:
            told = {"url": takedown.url, "state": "refused", "reason": TAKEN_DOWN, "source": None, "title": ""}
        else:
            raise RunFailure(f"{url}: was never seen on a channel")
        if takedown is not None:
            told["taken_down"] = {"asked_at": _name(takedown.asked_at), "done_at": _name(takedown.done_at)}
            told["taken_down"]["reason"] = takedown.reason
    if as_json:
        print_json(told)
        return
    for line in describe(told):
        typer.echo(line)


def find(store: Store, url: str) -> dict[str, Any] | None:
    """What is known of an address, or of the id of an article."""
    if url.isascii() and url.isdigit():
        key = store.get_url_key(int(url)) if len(url) <= ID_DIGITS else None
        if key is None:
            raise RunFailure(f"{url[:40]}: there is no article with this id")
        return store.find_page(key)
    return store.find_page(make_url_key(canonicalize(url) or url))


def tell(store: Store, found: Mapping[str, Any], table: TopicTable, pages: PageFolder) -> dict[str, Any]:
    """The explanation as data."""
    link, article, rejected = found["link"], found["article"], found["rejected"]
    row = article or (unpack_row(rejected["article"]) if rejected else None)
    told: dict[str, Any] = {
        "url": (row or link)["url"],
        "state": link["state"],
        "reason": link["reason"],
        "source": link["source_id"],
        "title": row["title"] if row else "",
    }
    if link["reason"].startswith(TAKEN_DOWN):
        pass  # it says all that there is to say
    elif link["state"] in ("failed", "refused") or (link["state"] == "pending" and link["reason"]):
        said = diagnose(link["reason"])
        told["problem"], told["try"] = said.says, said.advice
    if article and article["text_dropped_at"]:
        told["text_dropped_at"] = article["text_dropped_at"]
        told["topics"] = _recall_topics(store, article, table)
    elif row:
        told |= _judge_now(row, table)
    if row:
        told |= tell_provenance(store, row, (article or rejected)["page_file"], pages)
    if rejected:
        told["rejected"] = {"verdict": rejected["verdict"], "scores": json.loads(rejected["scores"])}
    if article:
        _, regions = store.get_matches(article["id"])
        told["article"] = article["id"]
        told["group"] = article["group_id"]
        told["regions"] = [
            {
                "name": region["name"],
                "role": region["role"],
                "score": region["score"],
                "evidence": json.loads(region["evidence"]),
            }
            for region in regions
        ]
    return told


def _judge_now(row: Mapping[str, Any], table: TopicTable) -> dict[str, Any]:
    """Topics and spam as they come out today."""
    verdict = judge(row, tuple(json.loads(row["tags"])), table)
    thresholds = {topic.id: topic.threshold for topic in table.topics}
    return {
        "table_version": table.version,
        "topics": [
            {
                "topic": match.topic,
                "score": match.score,
                "threshold": thresholds[match.topic],
                "evidence": [_cite(item, row) for item in match.evidence],
            }
            for match in verdict.nearly
        ],
        "spam": {
            "score": verdict.spam.score,
            "evidence": [
                {"term": item.term, "place": item.place, "weight": item.weight} for item in verdict.spam.evidence
            ],
        },
    }


def _recall_topics(store: Store, article: Mapping[str, Any], table: TopicTable) -> list[dict[str, Any]]:
    """Topics as they were found while the full text was there."""
    thresholds = {topic.id: topic.threshold for topic in table.topics}
    topics, _ = store.get_matches(article["id"])
    return [
        {
            "topic": match["topic"],
            "score": match["score"],
            "threshold": thresholds.get(match["topic"], 0.0),
            "evidence": [_cite(Evidence(**item), article) for item in json.loads(match["evidence"])],
        }
        for match in topics
    ]


def describe(told: Mapping[str, Any]) -> list[str]:
    """The explanation for people."""
    lines = [told["url"], f"  {_STATES.get(told['state'], told['state'])}" + _bracket(told["reason"])]
    lines += [f"  {told['title']}"] if told["title"] else []
    if taken := told.get("taken_down"):
        lines.append(f"  taken down: asked {taken['asked_at']}, done {taken['done_at']}, because: {taken['reason']}")
    if told.get("problem"):
        lines += [f"  {told['problem']}", f"  Try: {told['try']}"]
    if told.get("text_dropped_at"):
        lines.append(
            f"  its full text is no longer kept since {told['text_dropped_at'][:10]}; as it was judged before:"
        )
    for match in told.get("topics", ()):
        sign = "reaches" if match["score"] >= match["threshold"] else "does not reach"
        lines.append(f"  topic {match['topic']}: {match['score']:g} {sign} {match['threshold']:g}")
        lines += [f"    {item['weight']:+.2f}  {item['place']:<8} …{item['context']}…" for item in match["evidence"]]
    if told.get("topics") and not any(match["evidence"] for match in told["topics"]):
        lines.append("  the page names a topic, and its article does not: in a menu, a teaser, an advertisement")
    spam = told.get("spam", {"evidence": ()})
    if spam["evidence"]:
        lines.append(f"  spam: {spam['score']:g}, 1 is spam")
        lines += [f"    {item['weight']:+.2f}  {item['place']:<8} {item['term']}" for item in spam["evidence"]]
    for region in told.get("regions", ()):
        terms = ", ".join(f"{item['term']} ({item['place']} {item['weight']:+g})" for item in region["evidence"])
        lines.append(f"  {region['name']} {_ROLES[region['role']]}: {region['score']:g} = {terms}")
    if told.get("rejected", {}).get("verdict") == "spam":
        lines.append("  as judged when it was read, its page included:")
        lines += [
            f"    {item['weight']:+.2f}  {item['place']:<8} {item['term']}" for item in told["rejected"]["scores"]
        ]
    if told.get("provenance"):
        lines += describe_provenance(told)
    return lines


def _cite(item: Any, row: Mapping[str, Any]) -> dict[str, Any]:
    """A piece of evidence with the words around it."""
    texts = {"title": row["title"], "summary": row["summary"], "tags": TAG_GAP.join(json.loads(row["tags"]))}
    text = texts.get(item.place, row["text"])
    around = text[max(item.offset - CONTEXT, 0) : item.offset + len(item.term) + CONTEXT]
    return {
        "term": item.term,
        "place": item.place,
        "offset": item.offset,
        "weight": item.weight,
        "context": " ".join(around.split()) or item.term,  # of a text that is no longer kept
    }


def _name(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _bracket(reason: str) -> str:
    return f" ({reason})" if reason else ""
