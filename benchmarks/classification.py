"""`python -m benchmarks.classification`: topics, places and spam against labelled material, counts behind every share.

    own          tests/labelled: articles, places, titles, spam, written for this project
    unseen       articles of it that nothing was tuned on
    development  topics/dev.tsv, titles of real articles (skipped without KABARKOTA_DEV_DATA)
    peer         what key words alone give
    scan         whether the scan of bytes lets every on-topic article through, over all pages there are

`--wrong` lists what was judged wrongly.

Exit codes: 0 · 1 a figure is below its floor (`FLOORS`).
"""

from __future__ import annotations

import csv
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from aggregator.reference import load_cities
from aggregator.regions import tag_regions
from aggregator.spam import judge_spam
from aggregator.topics import classify_topics, scan_bytes
from benchmarks.quality.labelled import SETS, find_development_data, load_set
from crawler.extraction import extract_article
from schedules.demo.pages import render_post
from schedules.demo.posts import make_editions

LABELLED = Path(__file__).resolve().parent.parent / "tests" / "labelled"
TOPICS = ("apeksi", "smart-city")
KEY_WORDS = {
    "apeksi": re.compile(r"\bapeksi\b", re.IGNORECASE),
    "smart-city": re.compile(r"smart ?city|kota (?:cerdas|pintar)", re.IGNORECASE),
}
_LABELS = {"both": set(TOPICS), "apeksi": {"apeksi"}, "smart-city": {"smart-city"}}
# What a change may not sink below. Own material was tuned on; it is a floor against slips, no promise.
FLOORS = {
    "articles apeksi precision": 0.99,
    "articles apeksi recall": 0.99,
    "articles smart-city precision": 0.98,
    "articles smart-city recall": 0.97,
    "titles apeksi precision": 0.97,
    "titles apeksi recall": 0.97,
    "titles smart-city precision": 0.97,
    "titles smart-city recall": 0.97,
    "articles city": 0.96,
    "articles province": 0.96,
    "articles participants found": 0.87,
    "places city": 0.94,
    "places province": 0.97,
    "unseen city": 0.93,
    "unseen province": 0.93,
    "spam caught": 0.97,
    "news kept": 0.99,
    "texts spam caught": 0.92,
    "texts news kept": 0.99,
    "injected spam caught": 0.84,
    "added news kept": 0.98,
    "scan": 1.0,
}


class Article(NamedTuple):
    """A labelled article."""

    id: str
    title: str
    text: str
    tags: tuple[str, ...]
    home: str | None
    topics: frozenset[str] | None  # None: its topics are not labelled
    city: str | None
    also: tuple[str, ...]
    province: str | None
    participants: frozenset[str]


@dataclass
class Count:
    """A share, as a fraction that is counted up."""

    right: int = 0
    all: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, is_right: bool, what: str) -> None:
        self.right += is_right
        self.all += 1
        if not is_right:
            self.wrong.append(what)

    @property
    def share(self) -> float:
        return self.right / self.all if self.all else 1.0

    def __str__(self) -> str:
        return f"{self.share:.3f} ({self.right} of {self.all})"


Judge = Callable[[str, str, Sequence[str]], set[str]]  # (title, text, tags) → topics


def classify(title: str, text: str, tags: Sequence[str]) -> set[str]:
    return {match.topic for match in classify_topics(title, text, tags=tags)}


def find_key_words(title: str, text: str, tags: Sequence[str]) -> set[str]:
    """The peer: a topic is what its name stands for, wherever it stands."""
    said = "\n".join((title, text, *tags))
    return {topic for topic, words in KEY_WORDS.items() if words.search(said)}


# ── material ──────────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def load_articles(name: str) -> tuple[Article, ...]:
    """The labelled articles in tests/labelled/<name>.toml."""
    table = tomllib.loads((LABELLED / f"{name}.toml").read_text("utf-8"))
    return tuple(
        Article(
            id=row["id"],
            title=row["title"],
            text=row["text"],
            tags=tuple(row.get("tags", ())),
            home=row.get("home"),
            topics=frozenset(row["topics"]) if "topics" in row else None,
            city=row.get("city"),
            also=tuple(row.get("also", ())),
            province=row.get("province"),
            participants=frozenset(row.get("participants", ())),
        )
        for row in table["article"]
    )


def list_texts(articles: Iterable[Article]) -> list[tuple[str, str, Sequence[str], Iterable[str]]]:
    """(title, text, tags, topics) of the articles whose topics are labelled."""
    return [(a.title, a.text, a.tags, a.topics) for a in articles if a.topics is not None]


def load_titles(path: Path) -> list[tuple[str, set[str]]]:
    """(title, topics) of a table of labelled titles."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [(row["title"], _LABELS.get(row["label"], set())) for row in rows]


def load_spam(name: str = "spam") -> Iterator[tuple[dict[str, Any], bytes]]:
    """(case, its page's bytes) of tests/labelled/<name>.toml."""
    for case in tomllib.loads((LABELLED / f"{name}.toml").read_text("utf-8"))["case"]:
        yield case, (LABELLED / "spam_pages" / case["page"]).read_bytes() if "page" in case else b""


# ── measures ──────────────────────────────────────────────────────────────────────────────────────────────────────


def score_topics(rows: Iterable[tuple[str, str, Sequence[str], Iterable[str]]], judge: Judge) -> dict[str, Count]:
    """Precision and recall of each topic over (title, text, tags, topics)."""
    counts = {f"{topic} {figure}": Count() for topic in TOPICS for figure in ("precision", "recall")}
    for title, text, tags, wanted in rows:
        given = judge(title, text, tags)
        for topic in TOPICS:
            if topic in given:
                counts[f"{topic} precision"].add(topic in wanted, title)
            if topic in wanted:
                counts[f"{topic} recall"].add(topic in given, title)
    return counts


def score_places(articles: Iterable[Article]) -> dict[str, Count]:
    """The first city and province of the event; "no city" counts the articles that have none."""
    figures = ("city", "city where there is one", "no city where there is none", "province", "participants found")
    counts = {name: Count() for name in (*figures, "participants named that are")}
    names = {city.code: city.name for city in load_cities()}
    for article in articles:
        matches = tag_regions(article.title, article.text, tags=article.tags, home_city=article.home)
        events = [match for match in matches if match.role == "event"]
        city = next((names[match.code] for match in events if match.kind == "city"), None)
        province = next((match.name for match in events if match.kind == "province"), None)
        what = f"{article.id}: {article.title}: {city} instead of {article.city}"
        counts["city"].add(city == article.city, what)
        kind = "city where there is one" if article.city else "no city where there is none"
        counts[kind].add(city == article.city, what)
        counts["province"].add(province == article.province, f"{article.id}: {article.title}: {province}")
        given = {names[match.code] for match in matches if match.role == "participant" and match.kind == "city"}
        for name in article.participants:
            counts["participants found"].add(name in given, f"{article.id}: {name}")
        for name in given:
            counts["participants named that are"].add(name in article.participants, f"{article.id}: {name}")
    return counts


def score_spam() -> dict[str, Count]:
    """Spam and news by themselves; and below, or as the title of, an article on topic."""
    hosts = [article for article in load_articles("articles") if article.topics]
    counts = {f"{kind}{name}": Count() for kind in ("", "texts ") for name in ("spam caught", "news kept")}
    counts |= {"injected spam caught": Count(), "added news kept": Count()}
    for file, prefix in (("spam", ""), ("spam_texts", "texts ")):
        for number, (case, page) in enumerate(load_spam(file)):
            title, text, is_wanted = case["title"], case.get("text", ""), case["is_spam"]
            verdict = judge_spam(title, text, url=case["url"], html=page)
            what = f"{case['id']}: {title} ({verdict.score:g})"
            counts[prefix + ("spam caught" if is_wanted else "news kept")].add(verdict.is_spam == is_wanted, what)
            for mixed_title, mixed_text in mix_article(case, hosts[number * 7 % len(hosts)]):
                verdict = judge_spam(mixed_title, mixed_text, url=case["url"])
                name = "injected spam caught" if is_wanted else "added news kept"
                counts[name].add(verdict.is_spam == is_wanted, f"{case['id']}: {mixed_title} ({verdict.score:g})")
    return counts


def mix_article(case: dict[str, Any], host: Article) -> Iterator[tuple[str, str]]:
    """(title, text) of an article on topic with the case's text below its own, or under the case's title.

    Only with what makes the case spam; and where it stays on topic, for nothing else reaches a feed.
    """
    ordinary = case.get("ordinary", ())
    if case["is_spam"] and "title" not in ordinary and classify(case["title"], host.text, ()):
        yield case["title"], host.text
    if "text" in case and "text" not in ordinary and classify(host.title, f"{host.text}\n{case['text']}", ()):
        yield host.title, f"{host.text}\n{case['text']}"


def score_scan(articles: Iterable[Article]) -> Count:
    """How many of the articles that are given a topic would have passed the scan as pages."""
    count = Count()
    for article in articles:
        if classify(article.title, article.text, article.tags):
            paragraphs = "".join(f"<p>{escape(line)}</p>" for line in article.text.split("\n"))
            page = f"<html><head><title>{escape(article.title)}</title></head><body>{paragraphs}</body></html>"
            count.add(scan_bytes(page.encode()), article.id)
    return count


def score_scan_of_pages(name: str) -> Count:
    """How many pages of a set that are on topic when they are extracted would have passed the scan."""
    count, pages = Count(), load_set(name, None)
    for page in () if isinstance(pages, str) else pages:
        article = extract_article(page.html, page.url, zone=page.zone)
        if article.text and classify(article.title, article.text, article.tags):
            count.add(scan_bytes(page.html), page.name)
    return count


def score_scan_of_demo() -> Count:
    """The same over the pages of the demo's portals."""
    count, now = Count(), datetime.now(UTC)
    for edition in make_editions(now, 80).values():
        for post in edition.posts:
            html = render_post(edition, post, 1)
            article = extract_article(html, f"http://portal.example{post.path}", zone=edition.portal.zone, now=now)
            if classify(article.title, article.text, article.tags):
                count.add(scan_bytes(html), post.path)
    return count


def measure() -> dict[str, Count]:
    """Every figure of the own material, by name."""
    articles, places, unseen = map(load_articles, ("articles", "places", "unseen"))
    titles = [(title, "", (), topics) for title, topics in load_titles(LABELLED / "titles.tsv")]
    return {
        **{f"articles {name}": count for name, count in score_topics(list_texts(articles), classify).items()},
        **{f"unseen {name}": count for name, count in score_topics(list_texts(unseen), classify).items()},
        **{f"titles {name}": count for name, count in score_topics(titles, classify).items()},
        **{f"articles {name}": count for name, count in score_places(articles).items()},
        **{f"places {name}": count for name, count in score_places(places).items()},
        **{f"unseen {name}": count for name, count in score_places(unseen).items()},
        **score_spam(),
        "scan": score_scan((*articles, *unseen)),
    }


def find_below(counts: Mapping[str, Count]) -> list[str]:
    """The figures below their floors."""
    return [f"{name}: {counts[name]}, floor {floor}" for name, floor in FLOORS.items() if counts[name].share < floor]


def main() -> int:
    """Prints what was measured; returns the exit code."""
    counts = measure()
    _print("own", counts)
    texts = list_texts((*load_articles("articles"), *load_articles("unseen")))
    _print("key words alone, own articles", score_topics(texts, find_key_words))
    scans = {name: score_scan_of_pages(name) for name in SETS} | {"demo": score_scan_of_demo()}
    _print("the scan of bytes, over pages", scans)
    development = find_development_data() / "topics" / "dev.tsv"
    if not development.is_file():
        print(f"\ndevelopment titles: skipped, no {development} (set KABARKOTA_DEV_DATA)")
    else:
        titles = [(title, "", (), topics) for title, topics in load_titles(development)]
        _print("development titles", score_topics(titles, classify))
        _print("key words alone, development titles", score_topics(titles, find_key_words))
    if "--wrong" in sys.argv:
        for name, count in counts.items():
            print("\n".join([f"\n{name}", *(f"  {what}" for what in count.wrong)]))
    below = find_below(counts)
    print("\n".join(["", *below]) if below else "\nno figure is below its floor")
    return 1 if below else 0


def _print(title: str, counts: Mapping[str, Count]) -> None:
    print(f"\n{title}")
    for name, count in counts.items():
        print(f"  {name:<40} {count}")


if __name__ == "__main__":
    sys.exit(main())
