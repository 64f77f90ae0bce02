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
from functools import cache, cached_property, lru_cache
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from aggregator.disguise import is_plain, is_straight, undisguise
from aggregator.models import Evidence, SpamVerdict
from aggregator.page_scan import read_shown
from aggregator.reference import read_toml
from aggregator.textfold import PhraseIndex, PhraseMatch, Words, blank_typography, expand_phrase
from aggregator.urls import get_registrable_domain

TEXT_MOST = 20_000  # characters of the article that are read; bait comes early
PAGE_MOST = 1_000_000  # bytes of the page that are read
LINKS_MOST = 5_000  # links of a page looked at
LINK_MOST = 2_200  # bytes of a link that `_LINK` can reach
HOUSES_CACHED = 2_000  # names that were judged; a portal has few writers
WORD_LEAST = 4  # letters of a title's words that are looked for in the text; shorter ones are everywhere

_META = re.compile(rb"<title[^>]{0,200}>[^<]{1,500}|<meta[^<>]{1,2000}")
_PLACEHOLDER = re.compile(r"\{\{ ?\w{1,30} ?\}\}")
_PRICE = re.compile(rb"<meta[^<>]{0,200}product:price")
_AMP = re.compile(rb"<link[^<>]{0,200}amphtml[^<>]{0,500}")
_LINK_START = re.compile(rb"<a\s")
# The look ahead says that the tag ends, so that nothing is tried twice.
_LINK = re.compile(
    rb"""<a\s(?=[^<>]{0,1300}+>)[^<>]{0,500}?href\s{0,3}=\s{0,3}["']?(https?://[^\s"'<>]{4,300}+)[^<>]*+>"""
    rb"""((?:[^<]|<(?!/a)){0,300})"""
)
_TAGS = re.compile(rb"<[^<>]{0,300}>")
_BRAND = re.compile(
    r"\b[A-Za-z]{3,18}(?:(?!20[12]\d)\d{2,4}|4[Dd])\b(?!\s*(?:persen|orang|tahun|%))"
    r"|\b[A-Za-z]{4,15}(?i:spin|casino|kasino|poker|hoki)\b|\b[A-Z]{4,15}(?:SLOT|BET|TOTO|QQ|WIN|JP)\b|\bQQ[A-Z]{4,12}\b"
)
# Of these, what hardly is anything else: "PELANGI4D", "GARUDASPIN", "WINGACOR88".
_TELLING_BRAND = re.compile(
    r"\b[A-Z]{4,15}(?:4D|TOTO|SPIN|QQ|SLOT|POKER|CASINO|GACOR)\b"
    r"|\b(?i:[a-z]{0,12}(?:slot|toto|spin|gacor|hoki|bet|maxwin|jp|casino|poker)[a-z]{0,8})(?!20[12]\d)\d{2,4}\b"
)
_HOUSE = re.compile(
    _BRAND.pattern + r"|\b[a-z0-9-]{4,40}\.(?:com|net|org|id|xyz|site|online|vip|live|pro|app|example|test)\b"
)
_GAMBLING_ADDRESS = re.compile(
    r"gacor|togel|sbobet|maxwin|pragmatic-?play|judi-?(?:online|slot|bola)|\bslots?\b|slot-?(?:\d|gacor|online|dana|pulsa)"
    r"|casino|rtp-?(?:live|slot)|bandar-?(?:qq|togel|judi|slot)|toto-?(?:macau|slot|\d)|poker-?(?:online|qq)|jackpot"
)

# The words of a link; "slot" alone is also a place in a queue.
_GAMBLING_WORDS = re.compile(
    r"gacor|togel|maxwin|sbobet|\bslots?\b.{0,20}(?:online|demo|thailand|resmi|dana|pulsa|qris|88|77)|judi|casino|kasino"
    r"|mahjong ways|rtp (?:slot|live)|bandar ?(?:qq|toto|bola)|toto (?:macau|slot)|scatter|jackpot|pragmatic play"
)


class _Tables(NamedTuple):
    """`spam.toml`, ready for looking up. Phrases stand for their pattern, so that its spellings count once."""

    gambling: dict[str, PhraseIndex[str]]  # bait, names, promises, reporting
    speaking: PhraseIndex[str]  # bait and names
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
    def links(self) -> list[tuple[int, bytes]]:
        """Where a link begins, in bytes of the page, and its tag and words, lower-cased: a tenth of the page."""
        starts = [match.start() for match in islice(_LINK_START.finditer(self.lowered), LINKS_MOST)]
        return [(start, self.lowered[start : start + LINK_MOST].partition(b"</a")[0]) for start in starts]

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
    hijacked = [
        *_find_gambling(title, text, page, tables),
        *_find_links(page, tables.raw["links"]),
        *_find_kits(title, page, tables.raw["kits"]),
    ]
    instead = [
        *_find_pages_instead(title, text, page, tables),
        *_find_shell(title, text, page, tables.raw["shell"]),
    ]
    evidence = (*hijacked, *instead)
    threshold = tables.raw["threshold"]
    score = _sum(evidence)
    return SpamVerdict(
        is_spam=score >= threshold, score=score, evidence=evidence, is_hijacked=_sum(hijacked) >= threshold
    )


@lru_cache(maxsize=HOUSES_CACHED)
def is_house(name: str) -> bool:
    """Whether what is said to be somebody's name is that of a gambling house, or bait. A report is not written so."""
    return _TELLING_BRAND.search(name) is not None or _read_part(name, "title", 0, _load_tables()).has("bait")


# ── hacked pages ──────────────────────────────────────────────────────────────────────────────────────────────────

# title, meta, paragraphs ─▶ bait, names, promises, houses ─┐
#                            disguised spelling ────────────┤
#                            a title over another text ─────┼─▶ less what reporting excuses
#                            promotional paragraphs ────────┘


class _Trace(NamedTuple):
    kind: str  # bait, name, promise
    evidence: Evidence


class _Part(NamedTuple):
    """What speaks of gambling in the title, the metadata or one paragraph."""

    content: str
    offset: int  # in the title or the text
    traces: list[_Trace]
    reports: list[Evidence]

    def has(self, *kinds: str) -> bool:
        return any(trace.kind in kinds for trace in self.traces)


def _find_gambling(title: str, text: str, page: _Page, tables: _Tables) -> list[Evidence]:
    table = tables.raw["gambling"]
    foreign = _find_foreign(title, text, table)
    if not foreign and not _may_speak(title, text, page, tables):
        return []
    head, meta = _read_part(title, "title", 0, tables), _read_part(page.meta, "meta", 0, tables)
    paragraphs = list(_read_paragraphs(text, tables))
    is_bait = _sells(head, text, table) or meta.has("bait") or any(item.place == "title" for item in foreign)
    if not is_bait and not any(part.has("bait", "name") for part in (head, *paragraphs, meta)):
        return foreign
    evidence: dict[str, Evidence] = {}
    for part in (head, meta, *paragraphs):
        for trace in part.traces:
            evidence.setdefault(trace.evidence.term, trace.evidence)
    for place, content in (("title", title), ("meta", page.meta)):
        evidence.update(_find_brand(content, place, table["weights"]))
    if _GAMBLING_ADDRESS.search(page.url):
        evidence["url"] = Evidence(term="url", place="url", offset=0, weight=table["weights"]["url"])
    if is_bait and not head.reports and len(text) >= table["text_least"]:
        evidence.update(_find_other_title(title, text, paragraphs, table))
    found_evidence = _limit(evidence.values(), table["most"])
    reports = _find_reports(head, paragraphs)
    promotion = _limit(_find_promotion(paragraphs, table, is_report=len(reports) > 1), table["paragraphs_most"])
    # Metadata and promotion among other paragraphs are no quotation of a report.
    room = sum(item.weight for item in found_evidence if item.place in {"title", "text"})
    return [*foreign, *found_evidence, *promotion, *_limit(reports, min(room, table["reporting_most"]))]


def _may_speak(title: str, text: str, page: _Page, tables: _Tables) -> bool:
    """Whether gambling may be spoken of anywhere, by one look at all there is: most articles need no other.

    No part holds a phrase that all of them, one a line, do not hold; a house's name makes bait of a title alone.
    """
    if _BRAND.search(title) or _TELLING_BRAND.search(title):
        return True
    if tables.speaking.is_in(Words(f"{title}\n{page.meta}\n{text}")):
        return True
    odd = [part for part in (title, *text.split("\n")) if not (is_plain(part) or is_straight(part))]
    odd += [tag for tag in page.meta.split("\n<") if not is_straight(tag)]  # no phrase goes over its beginning
    return bool(odd) and tables.speaking.is_in(Words(undisguise("\n".join(odd))))


def _sells(head: _Part, text: str, table: dict[str, Any]) -> bool:
    """Whether a title is bait: by its words, or as a house's name with promises beside it or over another text."""
    if head.has("bait") or _TELLING_BRAND.search(head.content):
        return True
    promises = sum(trace.kind == "promise" for trace in head.traces)
    is_house = _BRAND.search(head.content) is not None
    return is_house and (promises >= table["promises_alone"] or _is_of_another_text(head.content, text, table))


def _find_foreign(title: str, text: str, table: dict[str, Any]) -> list[Evidence]:
    """Words of gambling in other languages, each once."""
    found: dict[str, Evidence] = {}
    for place, content in (("title", title.lower()), ("text", text.lower())):
        is_latin = blank_typography(content).isascii()
        for word in table["foreign"]:
            offset = content.find(word) if word.isascii() or not is_latin else -1
            if offset >= 0 and _is_foreign(content, offset, table["foreign_least"]):
                evidence = Evidence(term=word, place=place, offset=offset, weight=table["weights"]["foreign"])
                found.setdefault(word, evidence)
    return _limit(found.values(), table["most"])


def _is_foreign(content: str, offset: int, least: float) -> bool:
    """Whether the paragraph around it is written in such letters; a report may quote a word or two."""
    paragraph = content[content.rfind("\n", 0, offset) + 1 :].partition("\n")[0]
    return sum(char > "\x7f" for char in paragraph) >= least * len(paragraph)


def _read_paragraphs(text: str, tables: _Tables) -> Iterator[_Part]:
    start = 0
    for line in text.split("\n"):
        if line.strip():
            yield _read_part(line, "text", start, tables)
        start += len(line) + 1


def _read_part(content: str, place: str, start: int, tables: _Tables) -> _Part:
    weights = tables.raw["gambling"]["weights"]
    traces = []
    plain = Words(content)
    meant = None if is_plain(content) else Words(undisguise(content))
    told: set[int] = set()  # the words of bait and promises; in "klaim bonus" and "anti blokir" nobody reports
    for kind in ("bait", "name", "promise"):
        matches = list(tables.gambling[kind].find(plain))
        if kind != "name":
            told.update(index for match in matches for index in range(match.first, match.last + 1))
        found = list(_cite(matches, plain, place, weights[f"{kind}_{place}"], start))
        traces += [_Trace(kind, evidence) for evidence in found]
        if meant is not None:
            known = {evidence.term for evidence in found}
            weight = weights[f"{'promise' if kind == 'promise' else 'disguised'}_{place}"]
            traces += [
                _Trace(kind, Evidence(term=f"{term}, disguised", place=place, offset=start, weight=weight))
                for term in sorted({match.value for match in tables.gambling[kind].find(meant)} - known)
            ]
    reports: list[Evidence] = []
    if place != "meta":  # what is hidden there was put there to be found by machines
        matches = [match for match in tables.gambling["reporting"].find(plain) if match.first not in told]
        reports = list(_cite(matches, plain, place, weights[f"reporting_{place}"], start))
    return _Part(content, start, traces, reports)


def _find_brand(content: str, place: str, weights: dict[str, float]) -> dict[str, Evidence]:
    """A house's name, as they are made: "KAMBOJA99", "Jagoslot88"."""
    found = _TELLING_BRAND.search(content) or _BRAND.search(content)
    if found is None:
        return {}
    weight = weights["telling_brand" if found.re is _TELLING_BRAND else "brand"]
    return {"brand": Evidence(term=found[0], place=place, offset=found.start(), weight=weight)}


def _find_other_title(title: str, text: str, paragraphs: Iterable[_Part], table: dict[str, Any]) -> dict[str, Evidence]:
    """Bait over a text that never speaks of it; the more so where the two have hardly a word in common."""
    if any(part.has("bait", "name") for part in paragraphs):
        return {}
    weight = table["weights"]["other_title" if _is_of_another_text(title, text, table) else "title_only"]
    return {"title over another text": Evidence(term="title", place="title", offset=0, weight=weight)}


def _is_of_another_text(title: str, text: str, table: dict[str, Any]) -> bool:
    words = {word for word in Words(title).keys if len(word) >= WORD_LEAST and not word.isdigit()}
    shared = words.intersection(Words(text).keys)
    return len(shared) < float(table["words_shared"]) * len(words)


def _find_reports(head: _Part, paragraphs: list[_Part]) -> list[Evidence]:
    """Words of reporting, each once.

    Under a title that speaks of gambling, all of a text that does so, too, may excuse it; under another title only its
    section on gambling: the article around an injected paragraph reports on something else.
    """
    speaking = [index for index, part in enumerate(paragraphs) if part.has("bait", "name")]
    section = paragraphs[max(0, speaking[0] - 1) : speaking[-1] + 2] if speaking else []
    if speaking and head.has("bait", "name"):
        section = paragraphs
    reports: dict[str, Evidence] = {}
    for part in (head, *section):
        for item in part.reports:
            reports.setdefault(item.term.lower(), item)
    return list(reports.values())


def _find_promotion(paragraphs: list[_Part], table: dict[str, Any], *, is_report: bool) -> Iterator[Evidence]:
    """Runs of up to `run_most` paragraphs with bait and promises, and without a word of reporting.

    A report quotes such words, too, but neither a house nor its address.
    """
    first = 0
    while first < len(paragraphs):
        length = 1
        for length in range(1, table["run_most"] + 1):
            run = paragraphs[first : first + length]
            if any(part.reports for part in run):
                break
            if _is_promotion(run, table, is_report=is_report):
                yield Evidence(
                    term=run[0].content[:60], place="text", offset=run[0].offset, weight=table["weights"]["paragraph"]
                )
                break
        else:
            length = 1
        first += length


def _is_promotion(run: list[_Part], table: dict[str, Any], *, is_report: bool) -> bool:
    bait = {trace.evidence.term for part in run for trace in part.traces if trace.kind != "promise"}
    promises = {trace.evidence.term for part in run for trace in part.traces if trace.kind == "promise"}
    count = len(bait) + len(promises)
    if not bait:
        return False
    if not is_report and count >= table["house_least"] and any(_BRAND.search(part.content) for part in run):
        return True
    if not promises or count < table["paragraph_least"]:
        return False
    return not is_report or any(_HOUSE.search(part.content) for part in run)


def _find_links(page: _Page, table: dict[str, Any]) -> list[Evidence]:
    """Links to gambling on other sites, by their address or their words: hidden or not, a portal has none of them.

    Offsets count bytes of the page.
    """
    together = b"".join(link for _, link in page.links)
    if not any(stem.encode() in together for stem in table["stems"]):
        return []
    links: dict[str, Evidence] = {}
    for start, written in page.links:
        link = _LINK.match(written)
        if link is None:
            continue
        address = link[1].decode("ascii", "ignore")
        words = " ".join(_TAGS.sub(b" ", link[2]).decode("utf-8", "replace").split())
        # Not in its query: links to share a report on gambling hold that report's address and title.
        if not (_GAMBLING_ADDRESS.search(address.partition("?")[0]) or _GAMBLING_WORDS.search(words)):
            continue
        host = _read_host(address)
        if host and get_registrable_domain(host) != get_registrable_domain(page.host):
            links.setdefault(
                host, Evidence(term=address, place="links", offset=start + link.start(1), weight=table["link"])
            )
    return _limit(links.values(), table["most"])


def _find_kits(title: str, page: _Page, table: dict[str, Any]) -> Iterator[Evidence]:
    placeholder = _PLACEHOLDER.search(title)
    if placeholder:
        yield Evidence(term=placeholder[0], place="title", offset=placeholder.start(), weight=table["placeholder"])
    is_government = page.host.endswith(tuple(table["government"]))
    if is_government and (price := _PRICE.search(page.lowered)):
        yield Evidence(term="product:price", place="meta", offset=price.start(), weight=table["shop"])
    amp = _AMP.search(page.lowered) if b"amphtml" in page.lowered else None
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
                next(_cite(index.find(words := Words(content)), words, place, table["weight"]), None)
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


def _cite(
    matches: Iterable[PhraseMatch[str]], words: Words, place: str, weight: float, start: int = 0
) -> Iterator[Evidence]:
    """Evidence for each match; `start` is where the words begin in the title or text."""
    for match in matches:
        yield Evidence(term=match.value, place=place, offset=start + words.offset(match.first), weight=weight)


def _sum(evidence: Iterable[Evidence]) -> float:
    return round(sum(item.weight for item in evidence), 3)


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
    kinds = {"bait": "bait", "name": "names", "promise": "promises", "reporting": "reporting"}
    return _Tables(
        gambling={kind: _index_phrases(raw["gambling"][key]) for kind, key in kinds.items()},
        speaking=_index_phrases((*raw["gambling"]["bait"], *raw["gambling"]["names"])),
        instead={name: _index_phrases(raw["instead"][name]["phrases"]) for name in ("challenge", "parked", "notice")},
        raw=raw,
    )


def _index_phrases(patterns: Iterable[str]) -> PhraseIndex[str]:
    return PhraseIndex({phrase: pattern for pattern in patterns for phrase in expand_phrase(pattern)})
