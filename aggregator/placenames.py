"""Names of cities, regencies and provinces in a passage, each with the words around it that say what it means. Pure.

    "Wali Kota Bogor hadiri Rakernas di Makassar"
     └ cue ──┘ name  └ travels ┘      at └ name

A name is found by the longest match ("Padang Panjang" before "Padang"). What it names is still open where a city shares
it with a regency or a province, and whether it names anything where it is also a word (batu, palu, serang): that is
decided over the whole article, in `regions`. The words are data: `reference/region_cues.toml`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from aggregator.passages import Passage
from aggregator.reference import load_cities, load_city_namings, load_provinces, read_toml
from aggregator.textfold import PhraseIndex, PhraseMatch, Words

NICKNAME_FACTOR = 0.5
DATELINE_CHARS = 120
DATELINE_WORDS = 9
DOMAIN_WORDS = 5
CLAUSE_WORDS = 8  # how far behind a name its verb may stand
HOST_WORDS = 3  # a host's verb stands close: "Surabaya Sambut", "Batam Jadi Tuan Rumah"
EVENT_WORDS = 4
VENUE_WORDS = 14  # how far before a place its event may be named: "Munas berlangsung di Gedung Daerah, Kota Batam"
ABBREVIATION_CHARS = 4
APPOSITION_WORDS = 14  # "di Hotel Claro, Jalan Pettarani, Makassar"
APPOSITION_COMMON = 4  # words in lower case among them: "di galangan kapal Kali Baru, Cilincing, Jakarta Utara"
PURPOSE_WORDS = 4  # how far before "ke" the verb of a journey may stand
LINE_LEAST = 60  # characters: a shorter first line is a dateline, and the lead goes on

# The last form is a link glued to the text after it: "JAKARTA-Pemerintah".
_DASH = re.compile(r"\s*[–—|]|\s-+|-+\s|(?<=[A-Z]{3})-(?=[A-Z][a-z])")
# A station's: "KBRN, Bandung: …".
_COLON = re.compile(r"(?<=\w)\s?:\s(?=[A-Z\"“])")
_DOMAIN_ENDS = frozenset({"com", "id", "co", "net", "news"})
_SEPARATORS = frozenset(",(|/-–—:")
_VERB_BEGINNINGS = ("meng", "meny", "mem", "di", "ber")
_CLAUSE_ENDS = frozenset(".;:!?\n")


class Kind(StrEnum):
    CITY = "city"
    REGENCY = "regency"
    PROVINCE = "province"
    ABROAD = "abroad"


class Relation(StrEnum):
    """What part a place plays where it is named."""

    AT = "at"  # it happened there
    VISITOR = "visitor"  # somebody from there was elsewhere
    ASIDE = "aside"  # a route, a market, a comparison: it happened elsewhere
    PLAIN = "plain"


_KINDS = (Kind.CITY, Kind.REGENCY, Kind.PROVINCE)  # that a word beside a name can say


class Reading(NamedTuple):
    """One place that a name can mean."""

    kind: Kind
    code: str  # Kemendagri; a regency has its province's code and its name, for it is never given out
    province_code: str
    needs_cue: bool = False
    needs_kind: bool = False  # counts only beside "Kabupaten" and the like, or in a dateline
    factor: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Mention:
    """A name in a passage."""

    readings: tuple[Reading, ...]  # never empty
    kind: Kind | None  # what the cue before or after it says
    is_cued: bool  # it stands where only a place can stand
    is_office: bool  # an office of the place is named ("Pemkot Bogor", "DPRD Kota Bogor"): who acts, not where
    is_venue: bool  # a meeting, or something held, is named right before it
    is_village: bool  # it is the name of a district or village there ("Kecamatan Kediri")
    is_capital: bool
    relation: Relation
    place: str  # the passage's, or "dateline"; later lines of a lead are "body"
    slot: int
    words: tuple[int, int]  # of the passage: the first (with its office) and the last
    term: str
    offset: int


class _Cues(NamedTuple):
    """`region_cues.toml`, ready for looking up."""

    kinds: dict[str, Kind]
    kinds_after: dict[str, Kind]
    plain_kinds: frozenset[str]  # of `kinds`: words that say what a place is, not who acts for it
    office: frozenset[str]
    elsewhere: frozenset[str]
    village: frozenset[str]  # of `elsewhere`
    vessel: frozenset[str]  # of `elsewhere`: may stand before "Kota" and a name, too
    chain: frozenset[str]  # all words that may stand between a relation word and the name
    relations: dict[str, Relation]
    journey: frozenset[str]  # makes "ke" a place where it happened
    aside: frozenset[str]
    received: frozenset[str]
    verbs: dict[str, Relation]
    events: frozenset[str]
    gatherings: frozenset[str]
    venues: frozenset[str]  # gatherings, and words for holding one
    acts: frozenset[str]
    clause: frozenset[str]  # words that no name of a place goes over
    links: frozenset[str]  # between names of one list


def find_mentions(passage: Passage) -> list[Mention]:
    """The places a passage names, in order. Masks ("Bima Arya", "Jalan Surabaya") are left out.

    In a list ("Wali Kota Palu, Kendari, dan Ambon", "di Bogor dan Depok") every name has the part of the first.
    """
    words = passage.words
    dateline_end = _end_dateline(words) if passage.place == "lead" else 0
    lines = _find_lines(words.text) if passage.place == "lead" else []
    matches = [match for match in _load_names().find(words) if match.value]
    routes = _find_routes(words, matches, dateline_end)
    mentions: list[Mention] = []
    for match in matches:
        mention = _build_mention(passage, match, dateline_end, lines)
        if mention is None:
            continue
        if match.first in routes:
            mention = replace(mention, relation=Relation.ASIDE)
        elif mentions and _is_listed_after(words, mentions[-1], mention):
            mention = _inherit(mentions[-1], mention)
        mentions.append(mention)
    return mentions


def find_unnamed_office(passage: Passage) -> tuple[str, int] | None:
    """(word, offset) of a city's office without the city: "Pemkot Gelar Bimtek", as the city's own portals write."""
    words = passage.words
    kinds = _load_cues().kinds
    for index, key in enumerate(words.keys):
        if kinds.get(key) is Kind.CITY and (key != "kota" or words.keys[max(index - 1, 0)] == "wali"):
            return words.slice(index, index), passage.offset(index)
    return None


def names_gathering(passage: Passage) -> bool:
    """Whether a passage names an event to which officials travel: a national meeting, a forum, a fair."""
    return not _load_cues().gatherings.isdisjoint(passage.words.keys)


def _find_lines(text: str) -> list[int]:
    """Where the lines after the lead's own first line begin."""
    starts = [match.end() for match in re.finditer("\n", text)]
    return [start for start in starts if start > LINE_LEAST]


def _find_routes(words: Words, matches: Sequence[PhraseMatch[tuple[Reading, ...]]], dateline_end: int) -> set[int]:
    """The names of roads and lines, by their first words: "tol Solo-Ngawi", "rute Baubau–Kendari"."""
    routes = set()
    for one, other in pairwise(matches):
        is_joined = one.last + 1 == other.first and words.gap_before(other.first) in {"-", "–", " – "}
        if is_joined and words.starts[one.first] >= dateline_end:
            routes |= {one.first, other.first}
    return routes


def _is_listed_after(words: Words, before: Mention, mention: Mention) -> bool:
    first, last = before.words[1] + 1, mention.words[0]
    if mention.relation is not Relation.PLAIN or mention.is_office or before.place != mention.place:
        return False
    links = _load_cues().links
    if last - first > 2 or any(words.keys[index] not in links for index in range(first, last)):
        return False
    gaps = {words.gap_before(index).strip() for index in range(first, last + 1)}
    return gaps <= {"", ","} and (first < last or gaps == {","})


def _inherit(before: Mention, mention: Mention) -> Mention:
    return replace(
        mention,
        relation=before.relation,
        is_office=before.is_office,
        is_cued=mention.is_cued or before.is_cued,
        kind=mention.kind or (before.kind if before.is_office else None),
    )


def _build_mention(
    passage: Passage, match: PhraseMatch[tuple[Reading, ...]], dateline_end: int, lines: Sequence[int]
) -> Mention | None:
    """None for what only looks like a place: a street, a ship, a dish of that name."""
    words, first, last, cues = passage.words, match.first, match.last, _load_cues()
    start = _start_chain(words, first)
    is_village = False
    for index in {first, start}:
        before = words.keys[index - 1] if index and _is_beside(words, index) else ""
        if before in (cues.elsewhere if index == first else cues.vessel):
            is_village = before in cues.village and not _goes_on(words, last)
            if not is_village:
                return None
    in_dateline = passage.place == "lead" and _is_dateline(words, start, last, dateline_end)
    kind, by_office = _read_cue(words, start, first, last)
    place, slot = ("dateline" if in_dateline else passage.place), passage.slot
    if lines and not in_dateline and (line := bisect_right(lines, words.starts[first])):
        place, slot = "body", -line
    return Mention(
        readings=match.value,
        kind=kind,
        is_cued=kind is not None or by_office or in_dateline or _has_place_position(passage, start, first, last),
        is_office=by_office or _names_office(words, start, first),
        is_venue=not cues.venues.isdisjoint(words.keys[max(start - VENUE_WORDS, 0) : start]),
        is_village=is_village,
        is_capital=words.is_capital(first),
        relation=Relation.AT if in_dateline else _read_relation(words, start, first, last, passage.place),
        place=place,
        slot=slot,
        words=(start, last),
        term=words.slice(start, last),
        offset=passage.offset(start),
    )


def _names_office(words: Words, start: int, first: int) -> bool:
    """Whether one of the words before a name is an office's: "Pemkot", "Wali Kota", "DPRD Kota"."""
    cues = _load_cues()
    keys = words.keys[start:first]
    return any(key in cues.office or (key in cues.kinds and key not in cues.plain_kinds) for key in keys) or bool(
        {"wali", "pemerintah"} & set(keys)
    )


def _has_place_position(passage: Passage, start: int, first: int, last: int) -> bool:
    """Whether a capital name stands behind "di", "ke", "dari", or before what places do ("Palu Raih Penghargaan").

    In running text a capital after it ("di Batu Caves") makes it a part of another name; headlines are all capitals.
    """
    words, cues = passage.words, _load_cues()
    is_behind = start > 0 and words.keys[start - 1] in cues.relations
    if passage.place != "title":
        is_behind = is_behind or _read_apposition(words, start, allow_commas=True) is not None
    is_before = last + 1 < len(words) and words.keys[last + 1] in cues.acts
    return (
        words.is_capital(first) and (is_behind or is_before) and (passage.place == "title" or not _goes_on(words, last))
    )


def _start_chain(words: Words, first: int) -> int:
    """Where the name begins with its office: at "Ketua" in "Ketua DPRD Kota Metro"."""
    chain = _load_cues().chain
    start = first
    while start and words.keys[start - 1] in chain and _is_beside(words, start):
        start -= 1
    return start


def _is_beside(words: Words, index: int) -> bool:
    """Whether only a blank, or the full stop of "Kab." and "Jl.", stands before a word."""
    is_short = len(words.keys[index - 1]) <= ABBREVIATION_CHARS
    return words.are_joined(index - 1, index) or (is_short and words.gap_before(index) in {". ", "."})


def _read_cue(words: Words, start: int, first: int, last: int) -> tuple[Kind | None, bool]:
    """(kind that the neighbouring words give the name, whether an office without a kind stands before it)."""
    cues = _load_cues()
    before = words.keys[first - 1] if start < first else ""
    after = words.keys[last + 1] if last + 1 < len(words) and words.are_joined(last, last + 1) else ""
    kind = cues.kinds.get(before) or cues.kinds_after.get(after)
    return kind, before in cues.office


def _read_relation(words: Words, start: int, first: int, last: int, place: str) -> Relation:
    cues = _load_cues()
    before = words.keys[start - 1] if start else ""
    if before in cues.relations:
        return _read_preposition(words, start - 1)
    if before in cues.aside:
        return Relation.ASIDE
    if any(key in cues.received for key in words.keys[max(start - 3, 0) : start]):
        return Relation.VISITOR
    if not _names_office(words, start, first):  # an office acts, whatever place was named before it
        apposition = _read_apposition(words, start, allow_commas=place != "title")
        if apposition is not None:
            return apposition
    if start == first and _is_of_event(words, first):
        return Relation.AT
    relation = _read_verb(words, last, place)
    # "Batam ditunjuk" is the host to be; "Ketua DPRD Kota Batam ditunjuk" may be anywhere.
    return Relation.PLAIN if relation is Relation.AT and _names_office(words, start, first) else relation


def _read_preposition(words: Words, index: int) -> Relation:
    """What the preposition at `index` says: "lahir di", "seperti di" and "dijual ke" name no place of the event."""
    cues = _load_cues()
    before = words.keys[index - 1] if index else ""
    relation = cues.relations[words.keys[index]]
    if relation is Relation.AT and before in cues.aside:
        return Relation.ASIDE
    if words.keys[index] == "ke":
        is_journey = not cues.journey.isdisjoint(words.keys[max(index - PURPOSE_WORDS, 0) : index])
        return Relation.AT if is_journey else Relation.ASIDE
    return relation


def _read_apposition(words: Words, start: int, *, allow_commas: bool) -> Relation | None:
    """What a preposition before a longer name of the place says: "di Hotel Claro, Makassar", "Desa Koka, Minahasa".

    Between the two stand proper names, numbers and few other words; a district or village does for "di".
    """
    cues = _load_cues()
    common = 0
    for index in range(start - 1, max(start - 1 - APPOSITION_WORDS, -1), -1):
        gap, key = words.gap_before(index + 1), words.keys[index]
        if not _CLAUSE_ENDS.isdisjoint(gap) or ("," in gap and not allow_commas):
            return None
        if key in cues.relations:
            relation = _read_preposition(words, index)
            return None if relation is Relation.VISITOR and common > 1 else relation
        if key in cues.village and allow_commas:
            return Relation.AT if common <= 1 else None
        if not (words.is_capital(index) or key.isdigit()):
            common += 1
            is_clause = key in cues.verbs or key in cues.clause or key.startswith(_VERB_BEGINNINGS)
            if is_clause or common > (APPOSITION_COMMON if allow_commas else 1):
                return None
    return None


def _is_of_event(words: Words, first: int) -> bool:
    """Whether a name closes an event's: "Rakernas APEKSI Balikpapan", "Forum Kota Cerdas Bandung"."""
    events = _load_cues().events
    for index in range(first - 1, max(first - 1 - EVENT_WORDS, -1), -1):
        if words.gap_before(index + 1) != " " or not (words.is_capital(index) or words.keys[index].isdigit()):
            return False
        if words.keys[index] in events:
            return True
    return False


def _read_verb(words: Words, last: int, place: str) -> Relation:
    verbs = _load_cues().verbs
    for index in range(last + 1, min(last + 1 + CLAUSE_WORDS, len(words))):
        gap = words.gap_before(index)
        if not _CLAUSE_ENDS.isdisjoint(gap) or ("," in gap and place == "title"):
            break
        relation = verbs.get(words.keys[index], Relation.PLAIN)
        if relation is Relation.VISITOR or (relation is Relation.AT and index <= last + HOST_WORDS):
            return relation
    return Relation.PLAIN


def _goes_on(words: Words, last: int) -> bool:
    """Whether a capital follows, so that the name is the beginning of a longer one: "di Batu Caves"."""
    return last + 1 < len(words) and words.gap_before(last + 1) == " " and words.is_capital(last + 1)


def _end_dateline(words: Words) -> int:
    """Where the dateline of a text ends ("MEDAN, Kabar Kota – "), 0 when it has none."""
    dash = _DASH.search(words.text, 0, DATELINE_CHARS) or _COLON.search(words.text, 0, DATELINE_CHARS)
    if dash is None:
        return 0
    for index in range(min(len(words), DATELINE_WORDS)):
        if words.starts[index] >= dash.start():
            return dash.start()
        # A sentence has small words; in a dateline only addresses do ("kabarkota.example").
        if not words.is_capital(index) and "." not in words.text[words.starts[index] - 1 : words.ends[index] + 1]:
            return 0
    return 0


def _is_dateline(words: Words, start: int, last: int, dateline_end: int) -> bool:
    """Whether words `start` to `last` of an opening are the place of its dateline, which ends at `dateline_end`."""
    if words.ends[last] <= dateline_end:
        return _is_set_off(words, start, last)
    # "Kabar.com, JakartaPemerintah …": where a bold dateline was glued to the text, its dash is lost.
    return 0 < start <= DOMAIN_WORDS and words.keys[start - 1] in _DOMAIN_ENDS and "," in words.gap_before(start)


def _is_set_off(words: Words, start: int, last: int) -> bool:
    """Whether commas, brackets or the dateline's dash stand on both sides of a name."""
    after = words.gap_before(last + 1) if last + 1 < len(words) else "-"
    before = words.gap_before(start)
    return not _SEPARATORS.isdisjoint(after) and (start == 0 or not _SEPARATORS.isdisjoint(before))


@cache
def _load_cues() -> _Cues:
    table = read_toml("region_cues.toml")
    before, relation, after = table["before"], table["relation"], table["after"]
    kinds = {word: kind for kind in _KINDS for word in before[kind]}
    relations = dict.fromkeys((*relation["at"], *relation["to"]), Relation.AT)
    relations.update(dict.fromkeys(relation["from"], Relation.VISITOR))
    relations.update(dict.fromkeys(relation["towards"], Relation.ASIDE))
    verbs = dict.fromkeys(relation["travels"], Relation.VISITOR)
    verbs.update(dict.fromkeys(relation["at_home"], Relation.AT))
    return _Cues(
        kinds=kinds,
        kinds_after={word: kind for kind in _KINDS for word in after[kind]},
        plain_kinds=frozenset(before["plain"]),
        office=frozenset(before["office"]),
        elsewhere=frozenset((*before["elsewhere"], *before["village"], *before["vessel"])),
        village=frozenset(before["village"]),
        vessel=frozenset(before["vessel"]),
        chain=frozenset((*kinds, *before["office"], *before["title"])),
        relations=relations,
        journey=frozenset(relation["journey"]),
        aside=frozenset(relation["aside"]),
        received=frozenset(relation["received"]),
        verbs=verbs,
        events=frozenset(relation["events"]),
        gatherings=frozenset(relation["gatherings"]),
        venues=frozenset((*relation["gatherings"], *relation["held"])),
        acts=frozenset(relation["acts"]),
        clause=frozenset(relation["clause"]),
        links=frozenset(relation["links"]),
    )


@cache
def _load_names() -> PhraseIndex[tuple[Reading, ...]]:
    """Every name with all it can mean; masks mean nothing."""
    names: dict[str, list[Reading]] = {}
    for name, reading in (*_read_cities(), *_read_provinces(), *_read_abroad()):
        names.setdefault(name.lower(), []).append(reading)
    for readings in names.values():  # "Iran Serang Israel" is about the regency no more than about the city
        if any(reading.needs_cue for reading in readings):
            readings[:] = [reading._replace(needs_cue=True) for reading in readings]
    masks = [mask for naming in load_city_namings().values() for mask in naming.not_in]
    masks += read_toml("region_cues.toml")["names"]["masks"]
    return PhraseIndex({name: tuple(readings) for name, readings in names.items()} | dict.fromkeys(masks, ()))


def _read_cities() -> Iterator[tuple[str, Reading]]:
    for city in load_cities():
        naming = load_city_namings()[city.code]
        reading = Reading(Kind.CITY, city.code, city.province_code)
        for name in (city.name, *city.aliases):
            yield name, reading._replace(needs_cue=name in naming.needs_cue)
        for name in naming.nicknames:
            yield name, reading._replace(factor=NICKNAME_FACTOR)


def _read_provinces() -> Iterator[tuple[str, Reading]]:
    table = read_toml("region_cues.toml")["names"]
    needs_cue, needs_kind = set(table["regencies"]), set(table["needs_kind"])
    for province in load_provinces():
        for name in (province.name, *province.aliases):
            yield name, Reading(Kind.PROVINCE, province.code, province.code)
        for name in province.regencies:
            code = f"{province.code}/{name}"
            yield name, Reading(Kind.REGENCY, code, province.code, name in needs_cue, name in needs_kind)
        for name, regency in province.seats:
            yield name, Reading(Kind.REGENCY, f"{province.code}/{regency}", province.code)


def _read_abroad() -> Iterator[tuple[str, Reading]]:
    for name in read_toml("region_cues.toml")["names"]["abroad"]:
        yield name, Reading(Kind.ABROAD, f"abroad/{name}", "abroad")
