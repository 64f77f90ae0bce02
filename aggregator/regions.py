"""Which cities and provinces an article is about, and which it only names. Pure.

    passages ──placenames──▶ mentions ──settle──▶ (place, mention) ──weigh──▶ scores ──▶ event, mention

The event's city is where the news happened: not the portal's home, and not the city a visitor came from. The theory:
the title, the dateline and "di …" in the lead say where; a delegation's city gives way when a host is named; a name
shared by a city, a regency and a province means what its cues elsewhere in the article say, else the city; a name that
is also a word (batu, palu, serang) counts only where a cue confirms it. The worse error is a wrong city, so an article
about a regency, or one that only says "Jakarta", has no city.

Known to fail: an article that names no place but a mayor, unless the portal's home city is given.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from aggregator.models import City, Evidence, RegionMatch
from aggregator.passages import Passage, read_article
from aggregator.placenames import (
    Kind,
    Mention,
    Reading,
    Relation,
    find_mentions,
    find_unnamed_office,
    names_gathering,
)
from aggregator.reference import get_city, get_province, load_cities, load_provinces

__all__ = ["get_city", "load_cities", "load_provinces", "tag_regions"]

# Set on own-written articles; only their order is certain. A title or a dateline carries an event alone, a lead does,
# and so do three paragraphs; a tag or a last line does not.
PLACE_WEIGHTS = {"title": 1.0, "dateline": 0.9, "summary": 0.6, "lead": 0.6, "body": 0.2, "tail": 0.1, "tags": 0.3}
OPENING = frozenset({"title", "summary", "lead"})
RELATION_FACTORS = {Relation.AT: 1.5, Relation.PLAIN: 1.0, Relation.VISITOR: 0.4, Relation.ASIDE: 0.2}
NON_HOST = 0.4  # where the opening says that it happened somewhere else
BODY_SLOTS = 4
EVENT_LEAST = 0.5
EVENT_SHARE = 0.75  # of the best score: two cities that sign an agreement are both the event's
EVENT_MOST = 3  # more places than this with like scores are a list, and the event is in none of them
PROVINCE_OUTWEIGHS = 1.75  # a province named so much more than any city outside it is where it happened
OPEN_FACTOR = 0.8  # a shared name that no cue settles
HOME_BONUS = 0.1
HOME_ALONE = 0.5  # "Pemkot Gelar Bimtek" in the city's own portal, no place named
# National desks write "JAKARTA -" over news from anywhere.
CAPITAL_CODE = "31"
CAPITAL_DATELINE = 0.3
# Mayors travel to meetings: then the dateline says more than whose mayor the title names.
GATHERING_DATELINE = 1.5
FILED_NON_HOST = 0.75  # the place of the dateline alone speaks against another one
AT_CUE = 2.0


@dataclass(slots=True)
class _Tally:
    """What speaks for one place. `score` is the sum of its evidence."""

    reading: Reading
    evidence: list[Evidence] = field(default_factory=list)
    takes_part: bool = False  # it is named as a visitor's home, or by an office

    @property
    def score(self) -> float:
        return round(sum(item.weight for item in self.evidence), 3)

    @property
    def places(self) -> set[str]:
        return {item.place for item in self.evidence}


class _Named(NamedTuple):
    """A mention and the place it means; settled by a cue, or because it can mean no other."""

    reading: Reading
    mention: Mention
    is_settled: bool

    @property
    def is_host(self) -> bool:
        return self.mention.relation is Relation.AT and self.mention.place in OPENING


class _Hosts(NamedTuple):
    """Where the opening of an article says that it happened, by code."""

    settlements: frozenset[str]
    provinces: frozenset[str]  # also those of the settlements
    visitors: frozenset[str]  # who is away from home
    is_said: bool  # in the title or lead, not by a dateline alone
    is_gathering: bool  # an event to which officials travel
    venue: _Named | None  # of a meeting whose place only the body names


def tag_regions(
    title: str, text: str = "", *, summary: str = "", tags: Sequence[str] = (), home_city: str | None = None
) -> tuple[RegionMatch, ...]:
    """The event's cities, their provinces, then what is only named: each group by score.

    Plain text in, paragraphs of `text` separated by newlines. `home_city` is the slug of the portal's city: it settles
    what a name means, and stands in where an article names no place but a city's office.
    """
    home = get_city(home_city) if home_city else None
    passages = read_article(title, text, summary, tags)
    mentions = [mention for passage in passages for mention in find_mentions(passage)]
    settled = list(_settle_mentions(mentions, home))
    hosts = _find_hosts(settled, is_gathering=_names_gathering(passages))
    tallies = _weigh(settled, hosts, home, RELATION_FACTORS)
    events = _pick_events(tallies, hosts)
    if not events and not (hosts.settlements or hosts.provinces):
        # Nobody is host: then the news is the visitor's own.
        own = dict.fromkeys(Relation, 1.0) | {Relation.ASIDE: RELATION_FACTORS[Relation.ASIDE]}
        events = _pick_events(_weigh(settled, hosts, home, own), hosts)
        if not events and home:
            events = _stand_in(passages, tallies, home)
    return _build_matches(events, tallies)


def pick_event_cities(matches: Iterable[RegionMatch]) -> frozenset[str]:
    """The codes of the cities where it happened."""
    return frozenset(match.code for match in matches if match.role == "event" and match.kind == "city")


def pick_cities(matches: Iterable[RegionMatch]) -> frozenset[str]:
    """The codes of all cities that are named."""
    return frozenset(match.code for match in matches if match.kind == "city")


# ── what a name means ─────────────────────────────────────────────────────────────────────────────────────────────


def _settle_mentions(mentions: Sequence[Mention], home: City | None) -> Iterator[_Named]:
    """The place that each mention means, for those that mean one."""
    confirmed = {reading.code for mention in mentions if mention.is_cued for reading in _read(mention)}
    cued_kinds = _count_cues(mentions)
    villages = {reading.code for mention in mentions if mention.is_village for reading in mention.readings}
    villages -= set(cued_kinds)
    for mention in mentions:
        readings = tuple(reading for reading in _read(mention) if _is_believed(reading, mention, confirmed, home))
        readings = tuple(reading for reading in readings if reading.code not in villages)
        if readings and not mention.is_village:
            best = max(readings, key=lambda reading: cued_kinds[reading.code])
            is_open = len(readings) > 1 and not cued_kinds[best.code] and not (home and home.code == best.code)
            yield _Named(best, mention, not is_open)


def _read(mention: Mention) -> tuple[Reading, ...]:
    """The readings its cue leaves; all of them where none is of that kind ("Kota Jakarta" is a province)."""
    return tuple(reading for reading in mention.readings if reading.kind is mention.kind) or mention.readings


def _count_cues(mentions: Iterable[Mention]) -> dict[str, float]:
    """How much the cues of the whole article speak for each place."""
    counts: dict[str, float] = defaultdict(float)
    for mention in mentions:
        if mention.kind:
            for reading in _read(mention):
                is_at = mention.relation is Relation.AT
                counts[reading.code] += PLACE_WEIGHTS[mention.place] * (AT_CUE if is_at else 1.0)
    return counts


def _is_believed(reading: Reading, mention: Mention, confirmed: set[str], home: City | None) -> bool:
    """Whether a name that may be a mere word means this place here."""
    if reading.needs_kind and mention.place != "dateline":
        return mention.kind is reading.kind
    if mention.is_cued:
        return True
    if reading.needs_cue:
        is_home = home is not None and home.code == reading.code and mention.place in {"title", "tags"}
        return mention.is_capital and (reading.code in confirmed or is_home)
    return mention.is_capital or mention.place in {"title", "tags"} or reading.kind is Kind.CITY


# ── how much speaks for it ────────────────────────────────────────────────────────────────────────────────────────


def _names_gathering(passages: Iterable[Passage]) -> bool:
    return any(names_gathering(passage) for passage in passages if passage.place in OPENING)


def _find_hosts(settled: Sequence[_Named], *, is_gathering: bool) -> _Hosts:
    """A dateline is where the news was filed: a visitor's own says little, and a national desk's nothing at all."""
    opening = [named for named in settled if named.mention.place in OPENING]
    said = {named.reading for named in opening if named.is_host}
    visitors = {named.reading.code for named in opening if named.mention.relation is Relation.VISITOR}
    visitors -= {reading.code for reading in said}
    filed = {named.reading for named in settled if named.mention.place == "dateline"}
    is_said = any(reading.kind is not Kind.PROVINCE for reading in said)
    if is_said:
        filed = {reading for reading in filed if reading.code not in visitors}
    venue = _find_venue(settled) if is_gathering and not is_said else None
    if is_gathering:
        said |= {venue.reading} if venue else set()
        if any(reading.kind is not Kind.PROVINCE for reading in said):
            # The paper of the mayor who travelled wrote from home.
            actors = {named.reading.code for named in opening if named.mention.is_office}
            filed = {reading for reading in filed if reading in said or reading.code not in actors}
            visitors |= actors - {reading.code for reading in said}
    hosts = said | {reading for reading in filed if reading.code != CAPITAL_CODE}
    return _Hosts(
        settlements=frozenset(reading.code for reading in hosts if reading.kind is not Kind.PROVINCE),
        provinces=frozenset(reading.province_code for reading in hosts),
        visitors=frozenset(visitors if said else ()),
        is_said=any(reading.kind is not Kind.PROVINCE for reading in said),
        is_gathering=is_gathering,
        venue=venue,
    )


def _find_venue(settled: Sequence[_Named]) -> _Named | None:
    """Where the body says that the meeting is held: the first such place."""
    for named in settled:
        mention = named.mention
        is_later = mention.place in {"body", "tail"} and mention.relation is Relation.AT and mention.is_venue
        if is_later and named.reading.kind is not Kind.PROVINCE:
            return named
    return None


def _weigh(
    settled: Sequence[_Named], hosts: _Hosts, home: City | None, factors: Mapping[Relation, float]
) -> list[_Tally]:
    """Every place named, best first; a place counts once a passage."""
    best: dict[str, dict[tuple[str, int], Evidence]] = defaultdict(dict)
    tallies: dict[str, _Tally] = {}
    for named in settled:
        code, mention = named.reading.code, named.mention
        tally = tallies.setdefault(code, _Tally(named.reading))
        # Whom the report of a meeting names came to it; what lies on the way, or was the place before, is said so.
        came = hosts.is_gathering and mention.relation is Relation.PLAIN and mention.place != "tags"
        tally.takes_part |= came or mention.is_office or mention.relation is Relation.VISITOR
        weight = _weigh_mention(named, factors[Relation.VISITOR if code in hosts.visitors else mention.relation])
        weight *= _discount(named.reading, hosts)
        if named is hosts.venue:
            weight = PLACE_WEIGHTS["lead"] * factors[Relation.AT]
        if hosts.is_gathering and mention.place == "dateline" and code != CAPITAL_CODE:
            weight *= GATHERING_DATELINE
        slot = ("lead" if mention.place == "summary" else mention.place, mention.slot)
        if slot not in best[code] or weight > best[code][slot].weight:
            best[code][slot] = _cite(mention, weight)
    for code, tally in tallies.items():
        tally.evidence = _limit_body(best[code])
        if home and home.code == code:
            tally.evidence.append(Evidence(term=home.slug, place="source", offset=0, weight=HOME_BONUS))
    return sorted(tallies.values(), key=lambda tally: -tally.score)


def _discount(reading: Reading, hosts: _Hosts) -> float:
    """What is left of a place's weight when the opening says that it happened somewhere else."""
    if reading.kind is Kind.ABROAD and reading.code not in hosts.settlements:
        return 0.0
    if hosts.settlements:
        is_elsewhere = reading.code not in hosts.settlements | hosts.provinces
    else:
        is_elsewhere = bool(hosts.provinces) and reading.province_code not in hosts.provinces
    if not is_elsewhere:
        return 1.0
    return NON_HOST if hosts.is_said or hosts.is_gathering or not hosts.settlements else FILED_NON_HOST


def _weigh_mention(named: _Named, factor: float) -> float:
    reading, mention = named.reading, named.mention
    weight = PLACE_WEIGHTS[mention.place] * reading.factor * (1.0 if named.is_settled else OPEN_FACTOR)
    if mention.place == "dateline":  # being "at" is what a dateline says: it does not count on top
        return (CAPITAL_DATELINE if reading.code == CAPITAL_CODE else weight) * min(factor, 1.0)
    return weight * factor


def _limit_body(slots: dict[tuple[str, int], Evidence]) -> list[Evidence]:
    body = sorted((item for (place, _), item in slots.items() if place == "body"), key=lambda item: -item.weight)
    return [*(item for (place, _), item in slots.items() if place != "body"), *body[:BODY_SLOTS]]


def _cite(mention: Mention, weight: float) -> Evidence:
    return Evidence(term=mention.term, place=mention.place, offset=mention.offset, weight=round(weight, 3))


# ── event or mention ──────────────────────────────────────────────────────────────────────────────────────────────


def _pick_events(tallies: Sequence[_Tally], hosts: _Hosts) -> list[_Tally]:
    """The cities and the province of the event; an event in a regency has a province only, one abroad has none."""
    settlements = [tally for tally in tallies if tally.reading.kind is not Kind.PROVINCE]
    provinces = [tally for tally in tallies if tally.reading.kind is Kind.PROVINCE and tally.score >= EVENT_LEAST]
    top = settlements[0] if settlements and settlements[0].score >= EVENT_LEAST else None
    if top is not None and top.reading.kind is Kind.ABROAD:
        return []
    if top is None or _outweighs(provinces[:1], top, hosts):
        return provinces[:1]
    if top.reading.kind is not Kind.CITY:
        return [top]
    near = [tally for tally in settlements if tally.score >= max(EVENT_LEAST, top.score * EVENT_SHARE)]
    if len(near) > EVENT_MOST and not hosts.settlements:
        return provinces[:1]
    events = [tally for tally in near if tally is top or _is_at_par(tally, top, hosts)]
    return events if len(events) < EVENT_MOST else []


def _is_at_par(tally: _Tally, top: _Tally, hosts: _Hosts) -> bool:
    """Whether an event has a second city: both are its place in the same sentence, or both act and neither is."""
    if tally.reading.kind is not Kind.CITY:
        return False
    shared = tally.places & top.places
    if top.reading.code in hosts.settlements:
        return tally.reading.code in hosts.settlements and bool(shared & {"title", "lead"})
    return "title" in shared or ("lead" in shared and tally.takes_part and top.takes_part)


def _outweighs(provinces: Iterable[_Tally], settlement: _Tally, hosts: _Hosts) -> bool:
    return any(
        province.reading.code != settlement.reading.province_code
        and province.score >= settlement.score * (1.0 if _is_host(province, hosts) else PROVINCE_OUTWEIGHS)
        for province in provinces
    )


def _is_host(province: _Tally, hosts: _Hosts) -> bool:
    return province.reading.code in hosts.provinces and not hosts.settlements


def _stand_in(passages: Iterable[Passage], tallies: Sequence[_Tally], home: City) -> list[_Tally]:
    """The portal's own city, where the title or lead speaks of "Pemkot" or "Wali Kota" and nothing names a city."""
    if any(tally.reading.kind is not Kind.PROVINCE and tally.score for tally in tallies if not _is_of(tally, home)):
        return []
    for passage in passages:
        office = find_unnamed_office(passage) if passage.place in OPENING else None
        if office:
            cited = Evidence(term=office[0], place=passage.place, offset=office[1], weight=HOME_ALONE)
            return [_Tally(Reading(Kind.CITY, home.code, home.province_code), [cited])]
    return []


def _is_of(tally: _Tally, home: City) -> bool:
    return tally.reading.code == home.code


def _build_matches(events: Sequence[_Tally], tallies: Sequence[_Tally]) -> tuple[RegionMatch, ...]:
    cities = [tally for tally in events if tally.reading.kind is Kind.CITY]
    event_codes = {tally.reading.code for tally in events}
    provinces: dict[str, _Tally] = {}
    for tally in events:
        provinces.setdefault(tally.reading.province_code, tally)
    rest = [tally for tally in tallies if tally.reading.code not in event_codes | set(provinces)]
    rest_cities = [tally for tally in rest if tally.reading.kind is Kind.CITY]
    rest_cities.sort(key=lambda tally: not tally.takes_part)
    rest_provinces = [tally for tally in rest if tally.reading.kind is Kind.PROVINCE]
    return tuple(
        chain(
            (_build_match(tally, tally.reading.code, "event") for tally in cities),
            (_build_match(tally, code, "event") for code, tally in provinces.items()),
            (
                _build_match(tally, tally.reading.code, "participant" if tally.takes_part else "mention")
                for tally in rest_cities
            ),
            (_build_match(tally, tally.reading.code, "mention") for tally in rest_provinces),
        )
    )


def _build_match(tally: _Tally, code: str, role: str) -> RegionMatch:
    province = get_province(code)
    name = province.name if province else _name_city(code)
    kind = Kind.PROVINCE if province else Kind.CITY
    return RegionMatch(
        code=code, name=name, kind=str(kind), role=role, score=tally.score, evidence=tuple(tally.evidence)
    )


def _name_city(code: str) -> str:
    return next(city.full_name for city in load_cities() if city.code == code)
