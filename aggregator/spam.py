"""Pages that are no articles: hacked pages, challenges, parked domains, empty shells. Pure.

    title, text, page ──▶ gambling │ hidden links │ kits │ pages instead │ shell ──▶ evidence ──sum──▶ SpamVerdict

Words and weights are data: `reference/spam.toml`, which also says how a report about gambling is told from the bait.
The worse error is to drop an article, so every single trace stays below the threshold, except for pages with next to
no text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache, cached_property
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from aggregator.models import Evidence, SpamVerdict
from aggregator.page_scan import read_shown
from aggregator.reference import read_toml
from aggregator.textfold import PhraseIndex, Words, expand_phrase

TEXT_MOST = 20_000  # characters of the article that are read; bait comes early
PAGE_MOST = 1_000_000  # bytes of the page that are read
HIDDEN_MOST = 50  # hidden elements looked into
HIDDEN_REACH = 4_000  # bytes after the start of a hidden element that are taken to be in it

_META = re.compile(rb"<title[^>]{0,200}>[^<]{1,500}|<meta[^<>]{1,2000}")
_PLACEHOLDER = re.compile(r"\{\{ ?\w{1,30} ?\}\}")
_PRICE = re.compile(rb"<meta[^<>]{0,200}product:price")
_AMP = re.compile(rb"<link[^<>]{0,200}amphtml[^<>]{0,500}")
_HIDING = re.compile(
    rb"<(?:div|span|p|ul|td|font|section|marquee)\b[^<>]{0,300}style\s{0,3}=[^<>]{0,200}"
    rb"(?:display\s{0,3}:\s{0,3}none|visibility\s{0,3}:\s{0,3}hidden|(?:left|top|text-indent)\s{0,3}:\s{0,3}-\d{3}"
    rb"|font-size\s{0,3}:\s{0,3}0|opacity\s{0,3}:\s{0,3}0(?![.\d]))"
)
_LINK = re.compile(rb"""href\s{0,3}=\s{0,3}["']?(https?://[^\s"'<>]{4,300})""")
_GAMBLING_ADDRESS = re.compile(
    r"gacor|togel|sbobet|maxwin|pragmatic-?play|judi-?(?:online|slot|bola)|\bslots?\b|slot-?(?:\d|gacor|online|dana|pulsa)"
    r"|casino|rtp-?(?:live|slot)|bandar-?(?:qq|togel|judi|slot)|toto-?(?:macau|slot|\d)|poker-?(?:online|qq)|jackpot"
)


class _Tables(NamedTuple):
    """`spam.toml`, ready for looking up. Phrases stand for their pattern, so that its spellings count once."""

    bait: PhraseIndex[str]
    names: PhraseIndex[str]
    reporting: PhraseIndex[str]
    calls: frozenset[str]
    instead: dict[str, PhraseIndex[str]]
    raw: dict[str, Any]


class _Page:
    """The bytes of a page, read no more than once in each way."""

    def __init__(self, html: bytes, url: str) -> None:
        self.html = html[:PAGE_MOST]
        self.host = _read_host(url)
        self.url = url.lower()

    @cached_property
    def lowered(self) -> bytes:
        return self.html.lower()

    @cached_property
    def shown(self) -> str:
        return " ".join(read_shown(self.html).split())

    @cached_property
    def meta(self) -> str:
        return b"\n".join(_META.findall(self.html[: PAGE_MOST // 10])).decode("utf-8", "replace")


def judge_spam(title: str, text: str, *, url: str = "", html: bytes = b"") -> SpamVerdict:
    """Whether an article (plain text, and the page's bytes where they are at hand) is spam, and why.

    `url` tells links to the page's own site from others, and governments from shops.
    """
    tables = _load_tables()
    page = _Page(html, url)
    text = text[:TEXT_MOST]
    evidence = [
        *_find_gambling(title, text, page, tables),
        *_find_hidden_links(page, tables.raw["hidden"]),
        *_find_kits(title, page, tables.raw["kits"]),
        *_find_pages_instead(title, text, page, tables),
        *_find_shell(title, text, page, tables.raw["shell"]),
    ]
    score = round(sum(item.weight for item in evidence), 3)
    return SpamVerdict(is_spam=score >= tables.raw["threshold"], score=score, evidence=tuple(evidence))


# ── hacked pages ──────────────────────────────────────────────────────────────────────────────────────────────────


def _find_gambling(title: str, text: str, page: _Page, tables: _Tables) -> list[Evidence]:
    weights = tables.raw["gambling"]["weights"]
    places = {"title": Words(title), "meta": Words(page.meta), "text": Words(text)}
    found: dict[str, Evidence] = {}
    for place, words in places.items():
        for kind, index in (("bait", tables.bait), ("name", tables.names)):
            for evidence in _cite_phrases(index, words, place, weights[f"{kind}_{place}"]):
                found.setdefault(evidence.term.lower(), evidence)
    if not found:
        return []
    if any(item.place != "text" for item in found.values()):
        found.update(_count_calls((places["title"], places["meta"]), tables))
    if _GAMBLING_ADDRESS.search(page.url):
        found["url"] = Evidence(term="url", place="url", offset=0, weight=weights["url"])
    traces = _limit(found.values(), tables.raw["gambling"]["most"])
    return [*traces, *_forgive(traces, places, tables)]


def _count_calls(places: Iterable[Words], tables: _Tables) -> dict[str, Evidence]:
    calls = sorted({key for words in places for key in words.keys if key in tables.calls})
    if len(calls) < tables.raw["gambling"]["calls_least"]:
        return {}
    weight = tables.raw["gambling"]["weights"]["calls"]
    return {"calls": Evidence(term=", ".join(calls), place="meta", offset=0, weight=weight)}


def _forgive(evidence: Iterable[Evidence], places: dict[str, Words], tables: _Tables) -> list[Evidence]:
    """Words of reporting, up to the weight of what stands in title and text: they excuse nothing beside the article."""
    weights = tables.raw["gambling"]["weights"]
    room = min(-weights["reporting_most"], sum(item.weight for item in evidence if item.place in {"title", "text"}))
    reports: dict[str, Evidence] = {}
    for place in ("title", "text"):
        for item in _cite_phrases(tables.reporting, places[place], place, weights["reporting"]):
            reports.setdefault(item.term.lower(), item)
    return _limit(reports.values(), room)


def _find_hidden_links(page: _Page, table: dict[str, Any]) -> list[Evidence]:
    """Links to gambling on other sites, after elements that their style hides. Offsets count bytes of the page."""
    if not any(stem.encode() in page.lowered for stem in table["stems"]):
        return []
    links: dict[str, Evidence] = {}
    for hiding in islice(_HIDING.finditer(page.lowered), HIDDEN_MOST):
        for link in _LINK.finditer(page.lowered, hiding.end(), hiding.end() + HIDDEN_REACH):
            address = link[1].decode("ascii", "ignore")
            if _GAMBLING_ADDRESS.search(address) and _read_host(address) != page.host:
                links[address] = Evidence(term=address, place="hidden", offset=link.start(1), weight=table["link"])
    return _limit(links.values(), table["most"])


def _find_kits(title: str, page: _Page, table: dict[str, Any]) -> Iterator[Evidence]:
    placeholder = _PLACEHOLDER.search(title)
    if placeholder:
        yield Evidence(term=placeholder[0], place="title", offset=placeholder.start(), weight=table["placeholder"])
    price = _PRICE.search(page.lowered)
    if price and page.host.endswith(tuple(table["government"])):
        yield Evidence(term="product:price", place="meta", offset=price.start(), weight=table["shop"])
    amp = _AMP.search(page.lowered)
    if amp and any(host.encode() in amp[0] for host in table["hosts"]):
        yield Evidence(term="amphtml", place="meta", offset=amp.start(), weight=table["foreign_amp"])


# ── pages instead of the article ──────────────────────────────────────────────────────────────────────────────────


def _find_pages_instead(title: str, text: str, page: _Page, tables: _Tables) -> Iterator[Evidence]:
    """The first sign of a challenge, a parked domain or an error, where there is little else."""
    table = tables.raw["instead"]
    for name, index in tables.instead.items():
        most = table[name]["text_most"]
        if len(text) > most:
            continue
        for place, content in (("title", title), ("text", text), ("page", page.shown)):
            found = (
                next(_cite_phrases(index, Words(content), place, table["weight"]), None)
                if len(content) <= most
                else None
            )
            if found:
                yield found
                return
    yield from islice(_find_markers(text, page, table["markers"], table["weight"]), 1)


def _find_markers(text: str, page: _Page, table: dict[str, Any], weight: float) -> Iterator[Evidence]:
    if not page.html or len(text) > table["text_most"] or len(page.shown) > table["text_most"]:
        return
    for marker in table["bytes"]:
        offset = page.lowered.find(marker.encode())
        if offset >= 0:
            yield Evidence(term=marker, place="page", offset=offset, weight=weight)


def _find_shell(title: str, text: str, page: _Page, table: dict[str, Any]) -> Iterator[Evidence]:
    """A page without an article in it; or nothing at all."""
    if not page.html:
        is_empty = not title.strip() and not text.strip()
    else:
        is_empty = len(text.split()) <= table["words_most"] and len(page.shown) <= table["shown_most"]
    if is_empty:
        yield Evidence(term="", place="page", offset=0, weight=table["weight"])


# ── shared ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _cite_phrases(index: PhraseIndex[str], words: Words, place: str, weight: float) -> Iterator[Evidence]:
    for match in index.find(words):
        yield Evidence(term=match.value, place=place, offset=words.offset(match.first), weight=weight)


def _limit(evidence: Iterable[Evidence], most: float) -> list[Evidence]:
    """The evidence in its order until `most` is used up, the last piece cut to what is left."""
    taken = []
    for item in evidence:
        weight = round(max(-most, min(item.weight, most)), 3)
        if not weight:
            break
        taken.append(replace(item, weight=weight))
        most -= abs(weight)
    return taken


def _read_host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


@cache
def _load_tables() -> _Tables:
    raw = read_toml("spam.toml")
    gambling = raw["gambling"]
    return _Tables(
        bait=_index_phrases(gambling["bait"]),
        names=_index_phrases(gambling["names"]),
        reporting=_index_phrases(gambling["reporting"]),
        calls=frozenset(gambling["calls"]),
        instead={name: _index_phrases(raw["instead"][name]["phrases"]) for name in ("challenge", "parked", "notice")},
        raw=raw,
    )


def _index_phrases(patterns: Iterable[str]) -> PhraseIndex[str]:
    return PhraseIndex({phrase: pattern for pattern in patterns for phrase in expand_phrase(pattern)})
