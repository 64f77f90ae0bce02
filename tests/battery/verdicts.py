"""What was expected beside what came, case by case and over all."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import feedparser
import lxml.html
from lxml import etree

from battery.case import FAMILIES, Case, Expect
from battery.news import make_news
from battery.stage import Outcome
from battery.writing import date_of

LATE_MOST = 60.0  # seconds that a healthy source may come later for the attacks
STEADY_MOST, ALL_MOST = 300 << 20, 1300 << 20  # bytes: scheduler and web; all processes

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\u202a-\u202e\u2066-\u2069]")
FORGED = re.compile(r"\W{0,3}(?:[\d-]{10} )?terpalsu")  # what cases put behind a line break
PACKED = (".db", ".gz", ".br")  # a twin in plain stands beside each
WEB = re.compile(r"https?://[!-~]+\Z")
HTML_FIELDS = ("description", "{*}encoded", "{*}content", "{*}summary")
LIVE_TAGS = {
    "script",
    "iframe",
    "object",
    "embed",
    "form",
    "svg",
    "math",
    "base",
    "meta",
    "link",
    "style",
    "input",
    "button",
}


@dataclass(frozen=True)
class Verdict:
    """Of a case: what did not hold."""

    case: Case
    faults: tuple[str, ...]


def judge_cases(cases: Mapping[str, Case], outcome: Outcome) -> list[Verdict]:
    polls = {
        row["source_id"]: row
        for row in outcome.rows(
            "SELECT c.source_id, p.outcome, p.code, p.reason, p.started_at, p.finished_at FROM polls AS p"
            " JOIN channels AS c ON c.id = p.channel_id ORDER BY p.id"
        )
    }
    articles: defaultdict[str, list[str]] = defaultdict(list)
    for row in outcome.rows("SELECT source_id, title, text FROM articles"):
        articles[row["source_id"]].append(_fold(f"{row['title']} {row['text'][:20_000]}"))
    published = read_published(outcome.public)
    return [
        Verdict(case, tuple(_judge(case, polls.get(case.name), articles, published, outcome)))
        for case in cases.values()
    ]


def _judge(
    case: Case,
    poll: Mapping[str, str] | None,
    articles: Mapping[str, Sequence[str]],
    published: Mapping[Path, bytes],
    outcome: Outcome,
) -> Iterable[str]:
    expect = case.expect
    yield from _judge_articles(case, articles)
    if expect.hours_off is not None:
        yield from _judge_dates(case, expect.hours_off, outcome)
    if poll is None:
        yield "was not polled"
        return
    yield from _judge_poll(expect, poll, outcome.asked.get(case.name, {}))
    for piece in expect.absent:
        places = [path.name for path, body in published.items() if piece.encode() in body]
        if places:
            yield f"{piece!r} is published in {', '.join(places[:3])}"


def _judge_articles(case: Case, articles: Mapping[str, Sequence[str]]) -> Iterable[str]:
    expect = case.expect
    own = articles.get(case.name, ())
    for number in expect.stores:
        if not any(_holds(text, case, number) for text in own):
            yield f"news {number} is not stored"
    for number in expect.never:
        if any(_holds(text, case, number) for texts in articles.values() for text in texts):
            yield f"news {number} is stored"
    most = len(expect.stores) if expect.articles_most is None else expect.articles_most
    if len(own) > most:
        yield f"{len(own)} articles in place of {most}"
    if len(own) < expect.articles_least:
        yield f"{len(own)} articles, at least {expect.articles_least} were to be had"


def _judge_poll(expect: Expect, poll: Mapping[str, str], asked: Mapping[str, int]) -> Iterable[str]:
    if expect.codes and poll["code"] not in expect.codes:
        yield f"code {poll['code']!r} ({poll['reason']}) in place of {' or '.join(map(repr, expect.codes))}"
    seconds = (datetime.fromisoformat(poll["finished_at"]) - datetime.fromisoformat(poll["started_at"])).total_seconds()
    if seconds > expect.seconds_most:
        yield f"took {seconds:.0f} s"
    if sum(asked.values()) > expect.requests_most:
        yield f"was asked {sum(asked.values())} times"
    for start in expect.never_asked:
        if any(path.startswith(start) for path in asked):
            yield f"was asked for {start}"


def _judge_dates(case: Case, hours_off: float, outcome: Outcome) -> Iterable[str]:
    rows = outcome.rows("SELECT title, text, published_at FROM articles WHERE source_id = ?", case.name)
    for row, number in product(rows, case.expect.stores):
        if _holds(_fold(f"{row['title']} {row['text'][:20_000]}"), case, number):
            true = date_of(make_news(case.name, number))
            if abs(datetime.fromisoformat(row["published_at"]) - true) > timedelta(hours=hours_off):
                yield f"news {number} is dated {row['published_at']} in place of {true:%Y-%m-%dT%H:%MZ}"


def judge_all(outcome: Outcome, calm: Outcome | None = None) -> list[str]:
    """What must hold over all cases; `calm`: a cycle over the controls alone."""
    faults = [f"the origin: {fault}" for fault in outcome.faults]
    if outcome.canary:
        faults.append(f"connected to {dict(Counter(outcome.canary))}")
    for name, most in (("steady", STEADY_MOST), ("all", ALL_MOST)):
        if outcome.peak[name] > most:
            faults.append(f"memory {name}: {outcome.peak[name] >> 20} MiB of {most >> 20}")
    faults += [
        f"{path.name}: {fault}"
        for path, body in read_published(outcome.public).items()
        for check in (check_file, check_payloads)
        for fault in check(path, body)
    ]
    faults += [fault for check in (check_log, check_rows) for fault in check(outcome)]
    if "Traceback" in outcome.log:
        faults.append("a traceback in the log")
    if calm is not None:
        late = measure_lateness(outcome, calm)
        faults += [f"{name} came {seconds:.0f} s later" for name, seconds in late.items() if seconds > LATE_MOST]
    return faults


def measure_lateness(outcome: Outcome, calm: Outcome) -> dict[str, float]:
    """How much later, in seconds, each control was done than without the attacks."""
    sql = """
        SELECT c.source_id, max(unixepoch(p.finished_at, 'subsec')) - (SELECT min(unixepoch(started_at, 'subsec'))
            FROM polls) AS seconds FROM polls AS p JOIN channels AS c ON c.id = p.channel_id GROUP BY c.source_id
    """
    sql = sql.replace("unixepoch(p.finished_at, 'subsec')", "(julianday(p.finished_at) * 86400)").replace(
        "unixepoch(started_at, 'subsec')", "(julianday(started_at) * 86400)"
    )
    before = {row["source_id"]: row["seconds"] for row in calm.rows(sql)}
    return {
        row["source_id"]: row["seconds"] - before[row["source_id"]]
        for row in outcome.rows(sql)
        if row["source_id"] in before
    }


def read_published(public: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in public.rglob("*") if path.is_file() and path.suffix not in PACKED}


def check_file(path: Path, body: bytes) -> Iterable[str]:
    """Whether a published feed is well-formed, for a strict parser and for feedparser."""
    if path.suffix in (".xml", ".atom") and not path.name.endswith(".gz"):
        try:
            etree.fromstring(body, etree.XMLParser(resolve_entities=False))
        except etree.XMLSyntaxError as error:
            yield f"is not well-formed: {error}"
        if path.stem == "feed" and feedparser.parse(body).bozo:
            yield "feedparser complains"


def check_payloads(path: Path, body: bytes) -> Iterable[str]:
    """Whether what a feed calls HTML holds anything but words and links to the web."""
    if path.suffix not in (".xml", ".atom"):
        return
    for element in etree.fromstring(body, etree.XMLParser(resolve_entities=False, recover=True)).iter(*HTML_FIELDS):
        if not (element.text or "").strip():
            continue
        for node in lxml.html.fragment_fromstring(element.text, create_parent=True).iter(etree.Element):
            yield from _check_node(node)


def _check_node(node: lxml.html.HtmlElement) -> Iterable[str]:
    if node.tag in LIVE_TAGS:
        yield f"a live <{node.tag}>: {lxml.html.tostring(node)[:100]!r}"
    for name, value in node.attrib.items():
        is_script = name in ("href", "src") and not value.startswith(("http://", "https://"))
        if name.startswith("on") or name == "style" or is_script:
            yield f"{name}={value[:60]!r} in <{node.tag}>"


def check_log(outcome: Outcome) -> Iterable[str]:
    """Whether what portals say has got into the log as more than words of a line."""
    if found := CONTROL.search(outcome.log):
        yield f"{found[0]!r} in the log"
    yield from (f"a forged line in the log: {line[:80]!r}" for line in outcome.log.splitlines() if FORGED.match(line))


def check_rows(outcome: Outcome) -> Iterable[str]:
    """Whether what is kept is text, at addresses of the web, at a time that can be."""
    rows = outcome.rows("SELECT source_id, url, title, author, text, published_at FROM articles")
    latest, earliest = datetime.now(UTC) + timedelta(hours=1), datetime(1995, 1, 1, tzinfo=UTC)
    for row in rows:
        if any(CONTROL.search(row[name] or "") for name in ("url", "title", "author", "text")):
            yield f"control characters in an article of {row['source_id']}"
        if not WEB.match(row["url"]):
            yield f"an article of {row['source_id']} is at {row['url'][:80]!r}"
        if not earliest < datetime.fromisoformat(row["published_at"]) < latest:
            yield f"an article of {row['source_id']} is dated {row['published_at']}"


def describe(verdicts: Iterable[Verdict]) -> str:
    """The table by class, and each case that failed."""
    by_family: defaultdict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        by_family[verdict.case.family].append(verdict)
    lines = [
        f"{family:<12}{sum(not each.faults for each in by_family[family]):>4} of {len(by_family[family])} hold"
        for family in FAMILIES
    ]
    lines += [
        f"  {each.case.family}/{each.case.name}: {'; '.join(each.faults)}"
        for family in FAMILIES
        for each in by_family[family]
        if each.faults
    ]
    return "\n".join(lines)


def _holds(text: str, case: Case, number: int) -> bool:
    """Whether the article is that news: its title, or a paragraph of its body that no trap touched."""
    news = make_news(case.name, number)
    return _fold(news.title) in text or _fold(news.paragraphs[2])[:80] in text


def _fold(text: str) -> str:
    return " ".join(text.casefold().split())
