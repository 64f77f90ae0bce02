"""Which words and which people stand out in news. PURE.

    words    those in more pieces of news than is usual, by the table of common words; names of places are left out
    people   who is named with an office: "Wali Kota Bogor Bima Arya", "Gubernur Bali, Wayan Koster"

Headlines capitalise every word, so names are learnt from the leads, which do not, and counted in both. An office
without a name, and a name without an office anywhere, is nobody. "Wali Kota Surabaya Eri" is left out too: what follows
a place must be two words to be surely a name. A person missed is a smaller error than a place taken for one.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import log

from aggregator.plain_words import CALENDAR, NUMERALS
from aggregator.reference import load_cities, load_city_namings, load_provinces
from aggregator.stories import load_common_words

WORD_LEAST = 3  # pieces of news that a word is in …
PERSON_LEAST = 2  # … and a person
UNCOMMON = 0.005  # share of articles that hold a word that the table does not know
LIFT_LEAST = 2.0  # how much more often than usual
NAME_MOST = 4  # words of a name
LEAD_LIMIT = 220  # characters of a text that are its lead

_WORD = re.compile(r"[^\W\d_]{3,}")
_DATELINE = re.compile(r"(?:[^\sa-z]\S{0,40}\s+){1,6}[-–—]\s+")  # of capitalised words
_OFFICES = (
    "penjabat wali kota", "wakil wali kota", "wakil walikota", "wali kota", "walikota", "wakil bupati", "bupati",
    "wakil gubernur", "gubernur", "wakil presiden", "presiden", "sekretaris daerah", "sekda", "sekretaris kota",
    "direktur eksekutif", "wakil ketua umum", "ketua umum", "wakil ketua", "ketua", "wakil menteri", "menteri",
    "mendagri", "wamendagri", "menkeu", "menkomdigi", "menkominfo", "mensos", "menkes",
)  # fmt: skip
_INITIALS = "".join(sorted({initial for office in _OFFICES for initial in (office[0], office[0].upper())}))
# The look at the first letter spares the others; ignoring case in all of it would cost three times as much.
_OFFICE = re.compile(
    rf"\b(?=[{_INITIALS}])("
    + "|".join(
        "[ ]".join(f"[{word[0]}{word[0].upper()}]{word[1:]}" for word in office.split(" ")) for office in _OFFICES
    )
    + r")[ ]+"
)
_OF_WHAT = frozenset(
    {"ketua", "wakil ketua", "ketua umum", "wakil ketua umum"}
)  # a name may be a club's, but for: DPRD
_SHORT = {"walikota": "wali kota", "wakil walikota": "wakil wali kota"}
# A capitalised word, an initial or a degree before the name; "’" and "-" may be in it.
_NAME_WORD = re.compile(
    r"(?:(?:Hj|H|[Dd]r|Drs|Ir|Prof|KH|M|Moh|Muh)\.[ ]?|[A-Z]\.[ ]?|[A-Z][a-z’'-]*[a-z])(?:[ ]+|$|(?=\W))"
)
_ACRONYM = re.compile(r"[A-Z]{2,}(?:[ ]+|,[ ]*)")
_DEGREES = frozenset({"hj", "h", "dr", "drs", "ir", "prof", "kh"})
_NO_NAMES = frozenset(
    {
        "Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu", "Kota", "Kabupaten", "Provinsi", "Dewan",
        "Pengurus", "Komisi", "Fraksi", "Dinas", "Badan", "Umum", "Nasional", "Republik", "Indonesia", "Asosiasi",
        "Pemerintah", "Seluruh", "Dalam", "Negeri", "Luar", "Daerah", "Pusat", "Komisariat", "Wilayah", "Tim", "Bidang",
        "Partai", "Forum", "Ikatan", "Perencanaan", "Pembangunan", "Keuangan", "Kesehatan", "Sosial", "Se",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Opening:
    """The beginning of a piece of news."""

    title: str
    lead: str
    source: str = ""  # its name, which stands in many leads: "Harian Mandala, Bandung – …"


def read_opening(title: str, text: str, source: str) -> Opening:
    """The title and the lead, without the dateline."""
    start = _DATELINE.match(text[:100])
    return Opening(title, text[start.end() if start else 0 :][:LEAD_LIMIT], source)


@dataclass(frozen=True, slots=True)
class Prominent:
    """A word or a person, and in how many pieces of news; `office` is "" for a word."""

    name: str
    news: int
    office: str = ""


def find_words(openings: Sequence[Opening], *, most: int, people: Iterable[Prominent] = ()) -> list[Prominent]:
    """The words that stand out, the most telling first; those in the names of `people` are left out."""
    common = load_common_words()
    names = {word for each in people for word in _WORD.findall(each.name.lower())}
    unwanted = _load_place_words() | CALENDAR | NUMERALS | names
    counts: Counter[str] = Counter()
    for opening in openings:
        own = opening.source.lower().replace(" ", "")
        words = set(_WORD.findall(f"{opening.title} {opening.lead}".lower()))
        counts.update(word for word in words if word not in own)
    found = []
    for word, count in counts.items():
        lift = count / len(openings) / common.get(word, UNCOMMON)
        if count >= WORD_LEAST and lift >= LIFT_LEAST and word not in unwanted:
            found.append((count * log(lift), word))
    found.sort(key=lambda each: (-each[0], each[1]))
    return [Prominent(word, counts[word]) for _, word in found[:most]]


def find_people(openings: Sequence[Opening], *, most: int) -> list[Prominent]:
    """Those who are named with an office, the most often named first; each with the office that is named most."""
    offices: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for opening in openings:
        for office, name in set(_read_people(opening.lead)):
            offices[name][office] += 1
    forms = _join_forms({name: counts.total() for name, counts in offices.items()})
    texts = [f"{opening.title}\n{opening.lead}".lower() for opening in openings]
    people = []
    for name, others in forms.items():
        spellings = [each.lower() for each in (name, *others)]
        count = sum(any(spelling in text for spelling in spellings) for text in texts)
        if count >= PERSON_LEAST:
            held = sum((offices[each] for each in (name, *others)), Counter[str]())
            people.append(Prominent(name, count, max(held, key=lambda office: (held[office], office))))
    return sorted(people, key=lambda person: (-person.news, person.name))[:most]


def _read_people(text: str) -> Iterator[tuple[str, str]]:
    """(office, name)"""
    for match in _OFFICE.finditer(text):
        office = match[1].lower()
        acronym = _ACRONYM.match(text, match.end())
        if acronym or office not in _OF_WHAT:
            name = _read_name(text, acronym.end() if acronym else match.end())
            if name:
                yield _SHORT.get(office, office), name


def _read_name(text: str, start: int) -> str:
    """The name after an office, with or without the place that it is of; "" for none that is sure."""
    words = list(_read_run(text, start))
    if place := _count_place(words):
        end = words[place - 1][1]
        words = words[place:] or list(_read_run(text, end + (2 if text[end : end + 2] == ", " else 1)))
    names = [word for word, _ in words]
    while names and names[0].rstrip(".").lower() in _DEGREES:
        del names[0]
    cut = next((index for index, name in enumerate(names) if name in _NO_NAMES), len(names))
    names = names[: min(cut, NAME_MOST)]
    return " ".join(names) if sum(len(name.rstrip(".")) > 1 for name in names) >= 2 else ""


def _read_run(text: str, start: int) -> Iterator[tuple[str, int]]:
    """The capitalised words from there on, each with its end."""
    while match := _NAME_WORD.match(text, start):
        word = match[0].rstrip()
        start = match.end()
        yield word, match.start() + len(word)
        if text[match.start() + len(word) : match.end()].strip(" "):
            return


def _count_place(words: Sequence[tuple[str, int]]) -> int:
    """How many of the words, from the first on, name a place; a person called like one is none."""
    names = [word for word, _ in words]
    cued = 1 if names and names[0] in {"Kota", "Kabupaten", "Provinsi"} else 0
    for length in range(min(3, len(names) - cued), 0, -1):
        place = " ".join(names[cued : cued + length]).lower()
        if place in _load_places() and not any(
            " ".join(names[cued : cued + longer]).lower() in _load_namesakes() for longer in (length + 1, length + 2)
        ):
            return cued + length
    return 0


def _join_forms(counts: Mapping[str, int]) -> dict[str, list[str]]:
    """name → longer forms of it: "Bima Arya Sugiarto" is Bima Arya. The form that is used most stands for all."""
    joined: dict[str, list[str]] = {}
    for name in sorted(counts, key=len):
        shorter = [each for each in joined if name.startswith(f"{each} ")]
        if len(shorter) == 1:
            joined[shorter[0]].append(name)
        else:
            joined[name] = []
    forms = ((name, *others) for name, others in joined.items())
    return {best: [form for form in each if form != best] for each in forms for best in [_choose_form(each, counts)]}


def _choose_form(forms: Sequence[str], counts: Mapping[str, int]) -> str:
    return max(forms, key=lambda form: (counts[form], -len(form)))


@cache
def _load_places() -> frozenset[str]:
    """Names of cities, provinces and regencies, in lower case."""
    return frozenset(name.lower() for name in _list_places())


@cache
def _load_place_words() -> frozenset[str]:
    return frozenset(word for name in _load_places() for word in _WORD.findall(name))


@cache
def _load_namesakes() -> frozenset[str]:
    """What holds the name of a city and means something else: "bima arya"."""
    return frozenset(name.lower() for naming in load_city_namings().values() for name in naming.not_in)


def _list_places() -> Iterable[str]:
    for city in load_cities():
        yield from (city.name, *city.aliases)
    for province in load_provinces():
        yield from (province.name, *province.aliases, *province.regencies)
