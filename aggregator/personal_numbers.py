"""Phone numbers and population numbers (NIK) in text. Pure.

    text ─▶ runs of digits ─▶ groups ─▶ at each group: a NIK? a mobile? a fixed line? another country's? ─▶ spans
         └▶ mobiles in odd signs or in words ──────────────────────────────────────────────────────────┘

A number is told by what it is made of, and hardly by the words around it: the prefix of a network or an area and a
length that fits; of a NIK the district and the day of birth. Much only looks so: amounts, dates, letters' numbers,
ISBNs, coordinates, addresses of articles. A figure that is lost makes news wrong and a number that is missed can still
be masked, so what is doubtful stays, unless a word before it says what it is.

Left alone on purpose: short numbers for emergencies (112) and call centres (1500-123, 0800-1-…), which are there to be
called, as is a longer number right after words that say so ("call center", "layanan pengaduan") unless somebody's name
is beside it; staff numbers (NIP) of officials, tax numbers, and accounts, for those of relief funds are what readers
need; what carries a parcel (resi) or names a paper (DOI, ISBN).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter

_GAP = r" \t\xa0\u2007\u202f.\xb7_()/\-\u2010-\u2015\u2212"
_RUN = re.compile(rf"[0-9](?:[{_GAP}]{{0,3}}[0-9]){{5,}}")
_MAY_BEGIN = re.compile(r"(?:^|[\s(/])(?:0|62)")  # a group of a run
_GROUP = re.compile(r"\d+")

# Kemendagri's codes: province, regency or city, district; day of birth (a woman's + 40), month, year; serial number.
_NIK = re.compile(
    r"(?:1[1-9]|21|3[1-6]|5[1-3]|6[1-5]|7[1-6]|8[12]|9[1-7])(?:0[1-9]|[1-7]\d)(?!00)\d\d"
    r"(?:0[1-9]|[12]\d|3[01]|4[1-9]|[56]\d|7[01])(?:0[1-9]|1[0-2])\d\d(?!0000)\d{4}"
)
_NIK_LENGTH = 16
_NIK_CUTS = frozenset({2, 4, 6, 8, 10, 12, _NIK_LENGTH})  # where its groups may end
# What stands before the number of a subscriber, without the 0 or 62.
_NETWORK = re.compile(r"8[1-35-9]\d")
_AREA = re.compile(r"2[124]|31|61|(?:2[5-9]|3[2-8]|4[0-8]|5[1-6]|6[2-5]|7[0-7]|9[0-8])\d")
# Countries from which Indonesians are called; of others a "+" before figures is mostly an increase.
_COUNTRY = re.compile(r"62|1|20|27|3[0-469]|4[0-9]|60|61|6[3-6]|67[03]|7|8[1246]|85[2356]|88[06]|9[0-58]|96\d|97\d")
_PAIRED = 11
_MOBILE = range(9, 13)  # digits, the network's included
_FIXED = range(6, 9)  # digits, the area's left out
_FIXED_AFTER_BRACKET = range(5, 9)
_WITH_OWN_COUNTRY = range(9, 16)
_WITH_COUNTRY = range(9, 16)
_TOLD = range(6, 13)  # after a word for it
_FIRST = "23456789"  # of a subscriber's digits
_JOINING = frozenset("-.\u2010\u2011\u2012\u2013")
_GROUPS_MOST = 16  # of a number that is written digit by digit

_CUE_WORDS = (
    *("telp", "telpon", "telepon", "tlp", "telf", "tel", "fax", "faks", "faksimile", "phone", "hp", "handphone"),
    *("wa", "whatsapp", "cp", "hub", "hubungi"),
)
_CUE = re.compile(
    rf"(?<![a-z])(?:{'|'.join(_CUE_WORDS)})(?P<mark>\s?[.:]{{0,2}}\s?:?)\s?\(?\+?$",
    re.IGNORECASE,
)
_AFTER_CUE = " \t\n\xa0.:(+"
_ACCOUNT = re.compile(
    r"\b(?:rek(?:ening)?|bca|bri|bni|bsi|btn|mandiri|npsn|npwp|nip|nib|isbn|issn|resi|awb|invoice|faktur"
    r"|(?:kode|no(?:mor)?\.?) (?:pesanan|order|booking|tiket))\b[^\d\n]{0,20}$",
    re.IGNORECASE,
)
# A line that an institution keeps, and that no person is named beside.
_PUBLIC_LINE = re.compile(
    r"\b(?:(?:call|contact) ?cent(?:er|re)|hot ?line|pusat (?:panggilan|layanan|pengaduan)|(?:nomor|telepon) darurat"
    r"|layanan (?:pengaduan|aduan|darurat|pelanggan|konsumen|informasi)|(?-i:Halo [A-Z]{2,8}))\b"
    r"(?!.*\b(?:bapak|ibu|pak|bu|sdri?|saudara|saudari|kak|mas|mbak|admin|panitia|pribadi|ketua|a\.?n)\b)"
    r"[^\d\n.;!?]{0,30}(?:[\d .()+-]{9,20}(?:[/,&]|dan|atau)\s?)?$",
    re.IGNORECASE,
)
_SOMEBODY = re.compile(
    r"[ (\[,/\u2010-\u2015-]{0,4}(?:[aA]\.?[nN]\b|bapak|ibu|pak|bu|(?!W(?:A|hatsApp)|SMS|Telegram|Senin|Setiap)[A-Z])"
)
_UNIT = re.compile(
    r"\s?(?:hektare?|ha|jiwa|orang|warga|penduduk|pemilih|suara|rupiah|dolar|ton|kg|kilogram|liter|km|kilometer|meter"
    r"|unit|batang|ekor|kwh|mwh)\b",
    re.IGNORECASE,
)
_MONEY = re.compile(r"(?:\brp\.?|\bidr|\$)\s?$", re.IGNORECASE)
_MORE = re.compile(r"(?P<gap>\s?(?:[/,&\u2010-\u2015-]|dan|atau)\s?)(?P<digits>\d{2,8})(?!\d|[-.]\d)", re.IGNORECASE)
_LAST_GROUP = re.compile(r"\d+$")
_MORE_SHORT = range(2, 6)  # digits of the end of another number of the same house: 0812-3456-7890, 7891
_WORD = re.compile(r"\w{1,64}")
_HASH = re.compile(r"[a-f]{3,}")
_BEFORE = 40  # characters that are looked at before a run
_AFTER = 14  # and after it
_LINE_BEFORE = 80
_ODDLY_BEFORE = 8
_ADDRESS = re.compile(r"https?://|www\.|\w\.[a-z]{2,10}/|\b10\.\d{4,9}/", re.IGNORECASE)  # the last is a paper's (DOI)
_TO_CALL = re.compile(
    r"(?:wa\.me/|t\.me/|signal\.me/(?:#p/)?|whatsapp\.com/|[?&](?:phone|tel|wa|number)=|tel:)[^/\s]*$", re.IGNORECASE
)
# Mobiles that only filters do not read: 0812*3456*7890, [0812] 3456 7890, "nol delapan satu dua …".
_ODD_GAP = r"(?:\s?[*~=+'#^]{1,3}\s?|[,:;|]|\]\s?)"
_ODDLY = re.compile(  # begins with a digit that is quickly found; what must be before it is looked for from there
    rf"8(?<=[02\s]8)[1-35-9]\d{{1,2}}{_ODD_GAP}\d{{3,4}}(?:{_ODD_GAP}|[ -])\d{{2,5}}(?!\d)"
)
_BEFORE_ODDLY = re.compile(r"(?<![\w.,])(?<!\d:)\[?(?:\+?62\s?|0)$")
_SPOKEN_DIGIT = r"(?:e?nol|kosong|satu|dua|tiga|empat|lima|enam|tujuh|delapan|sembilan|\d)"
_SPOKEN = re.compile(
    r"\b(?:(?:e?nol|kosong) 8|(?:e?nol|kosong|0|enam[^\w\n]{1,3}dua)[^\w\n]{1,3}delapan)"
    rf"(?:[^\w\n]{{1,3}}{_SPOKEN_DIGIT}){{7,11}}\b",
    re.IGNORECASE,
)
_IN_SPOKEN = ("delapan", "nol 8", "kosong 8")  # one of them at least
_ADDRESS_MOST = 300


@dataclass(frozen=True, slots=True)
class _Run:
    """Groups of digits that stand close together."""

    groups: tuple[str, ...]
    gaps: tuple[str, ...]  # after each group; "" after the last
    before: str  # what stands before the first
    after: str  # and after the last

    def get_before(self, at: int) -> str:
        """What stands before a group."""
        return self.gaps[at - 1] if at else self.before

    def may_begin(self, at: int) -> bool:
        """Not within a figure, a date or a longer number: "1.0435", "2023-0812"."""
        gap = self.gaps[at - 1] if at else " "
        return any(each.isspace() or each in "(/" for each in gap)

    def are_pairs(self, at: int) -> bool:
        """Whether it goes on by twos with the same between them, longer than a date and a time: 08 12 34 56 78 90."""
        after = self.groups[at : at + 6]
        is_long = sum(map(len, after)) >= _PAIRED and {*map(len, after[:5])} == {2}
        return is_long and len({*self.gaps[at : at + len(after) - 1]}) == 1

    def follow(self, at: int, lengths: range, skip: int = 0) -> int:
        """The group after those that make a number of such a length; 0 if none do. `skip`: digits that do not count."""
        total, end = -skip, 0
        for group in range(at, min(at + _GROUPS_MOST, len(self.groups))):
            if group > at and self._is_apart(group, is_whole=total in lengths):
                break
            total += len(self.groups[group])
            if total in lengths:
                end = group + 1
        return end

    def is_amount(self, at: int, end: int) -> bool:
        """Whether these groups are thousands: 62.812.345.678; or 62 812 345 678 of something."""
        rest = range(at + 1, end)
        gaps = {self.gaps[each - 1] for each in rest}
        is_of = end == len(self.groups) and len(gaps) == 1 and _UNIT.match(self.after) is not None
        return len(rest) > 1 and (gaps == {"."} or is_of) and all(len(self.groups[each]) == 3 for each in rest)

    def _is_apart(self, group: int, *, is_whole: bool) -> bool:
        """Whether a number ends before a group that it could take in: 0812-3456-7890 12 orang."""
        gap, length = self.gaps[group - 1], len(self.groups[group])
        if "/" in gap or "\t" in gap or ("." in gap and gap != "."):  # " . " ends a sentence
            return True
        return is_whole and gap.isspace() and (length > 4 or length < 3 <= len(self.groups[group - 1]))


@dataclass(frozen=True, slots=True)
class _Own:
    """Where a number begins that is a subscriber's own: after the 0 or the country's 62."""

    at: int  # the group
    skip: int  # digits of it that come before
    is_abroad_form: bool  # 62 before it


def find_personal_numbers(text: str) -> list[tuple[int, int]]:
    """(start, end) of each, in order; in text whose digits are 0 to 9."""
    spans: list[tuple[int, int]] = []
    for found in _RUN.finditer(text):
        _search_run(text, found, spans)
    oddly = [span for span in _find_oddly(text) if not _is_in_address(text, span[0]) and not _overlaps(span, spans)]
    return sorted((*spans, *oddly)) if oddly else spans


def _find_oddly(text: str) -> Iterator[tuple[int, int]]:
    for found in _ODDLY.finditer(text):
        before = text[max(found.start() - _ODDLY_BEFORE, 0) : found.start()]
        if begun := _BEFORE_ODDLY.search(before):
            yield found.start() - len(begun[0]), found.end()
    lowered = text.lower()
    if any(word in lowered for word in _IN_SPOKEN):
        yield from (found.span() for found in _SPOKEN.finditer(text))


def _overlaps(span: tuple[int, int], spans: list[tuple[int, int]]) -> bool:
    """Whether it meets any of some that are in order."""
    before = bisect_left(spans, span[1], key=itemgetter(0))
    return before > 0 and spans[before - 1][1] > span[0]


def _search_run(text: str, found: re.Match[str], spans: list[tuple[int, int]]) -> None:
    """Adds what a run holds to `spans`."""
    before = text[max(found.start() - _BEFORE, 0) : found.start()]
    is_long = len(found[0]) >= _NIK_LENGTH
    if not (is_long or _MAY_BEGIN.search(found[0]) or before.endswith(("+", "O", "o")) or _may_tell(before)):
        return  # most figures and dates
    places = [(found.start() + group.start(), found.start() + group.end()) for group in _GROUP.finditer(found[0])]
    ends = [*(start for start, _ in places[1:]), places[-1][1]]
    run = _Run(
        groups=tuple(text[start:end] for start, end in places),
        gaps=tuple(text[end:after] for (_, end), after in zip(places, ends, strict=True)),
        before=before,
        after=text[found.end() : found.end() + _AFTER],
    )
    at, last = 0, spans[-1][1] if spans else 0
    while at < len(places):
        start = places[at][0]
        end = _measure(run, at, is_next=at > 0 and last == places[at - 1][1]) if start >= last else 0
        if end and _is_personal(text, start, places[end - 1][1]):
            spans.append((_reach_back(text, start, places[end - 1][1]), places[end - 1][1]))
            while more := _find_more(text, *spans[-1]):
                spans.append(more)
            last = spans[-1][1]
        at = max(end, at + 1)


def _may_tell(before: str) -> bool:
    """Whether a cue may end it, by a quicker look."""
    return before.rstrip(_AFTER_CUE).lower().endswith(_CUE_WORDS)


def _is_personal(text: str, start: int, end: int) -> bool:
    """Whether a number stands by itself in words, and not for an institution's line."""
    if _is_in_word(text, end) or _is_in_address(text, start):
        return False
    is_public = _PUBLIC_LINE.search(text[max(start - _LINE_BEFORE, 0) : start].rstrip("(+"))
    return not is_public or _SOMEBODY.match(text, end) is not None


def _measure(run: _Run, at: int, *, is_next: bool) -> int:
    """The group after the number that begins at one; 0 if none does. `is_next`: right after another number."""
    before = run.get_before(at)
    if (
        not (is_next or run.may_begin(at))
        or (before and before[-1] in "_,.:" and before[-2:-1].isdigit())
        or _MONEY.search(before)
    ):
        return 0
    if end := _measure_nik(run, at):
        return end
    if before.endswith("+") and (end := _measure_abroad(run, at)):
        return end
    own = _find_own(run, at)
    if own and (end := _measure_mobile(run, at, own) or _measure_fixed(run, at, own)):
        return end
    return _measure_bare(run, at)


def _measure_nik(run: _Run, at: int) -> int:
    digits = ""
    for group in range(at, min(at + _GROUPS_MOST, len(run.groups))):
        digits += run.groups[group]
        if len(digits) not in _NIK_CUTS or "/" in run.get_before(group)[-1:] * (group > at):
            return 0
        if len(digits) == _NIK_LENGTH:
            return group + 1 if _NIK.fullmatch(digits) else 0
    return 0


def _measure_abroad(run: _Run, at: int) -> int:
    """A number with its country's; our own country's, too."""
    lengths = _WITH_OWN_COUNTRY if run.groups[at].startswith("62") else _WITH_COUNTRY
    end = run.follow(at, lengths) if _COUNTRY.match(run.groups[at]) else 0
    return end if run.groups[at].startswith("62") or not run.is_amount(at, end) else 0


def _find_own(run: _Run, at: int) -> _Own | None:
    group = run.groups[at]
    after = run.groups[at + 1] if at + 1 < len(run.groups) else ""
    if group == "62" and after:
        skip = int(after.startswith("0"))
        return _Own(at + 2, 0, True) if after == "0" and at + 2 < len(run.groups) else _Own(at + 1, skip, True)
    if group.startswith("62"):
        return _Own(at, 3 if group.startswith("620") else 2, True)
    if group == "0" and len(after) == 1:  # digit by digit
        return _Own(at + 1, 0, False)
    if _ends_in_letter_o(run.get_before(at)):
        return _Own(at, 0, False)
    return _Own(at, 1, False) if group.startswith("0") else None


def _measure_mobile(run: _Run, at: int, own: _Own) -> int:
    first = run.groups[own.at][own.skip :]
    if len(first) == 1 and (own.skip == 0 or run.are_pairs(own.at)):
        first = "".join(run.groups[own.at : own.at + 3])[own.skip :]
    elif len(first) == 2 and len("".join(run.groups[own.at + 1 : own.at + 2])) > 2:  # in threes: 081 234 567 890
        first += run.groups[own.at + 1]
    before = run.get_before(at)
    if not _NETWORK.match(first) or (_ACCOUNT.search(before) and not _CUE.search(before)):
        return 0
    end = run.follow(own.at, _MOBILE, own.skip)
    return 0 if own.is_abroad_form and run.is_amount(at, end) else end


def _measure_fixed(run: _Run, at: int, own: _Own) -> int:
    first, next_at = run.groups[own.at][own.skip :], own.at + 1
    area = _AREA.match(first)
    if not area:
        return 0
    rest, gap, before = first[area.end() :], run.gaps[own.at], run.get_before(at)
    if rest:
        is_ended = next_at == len(run.groups) or gap[:1] not in _JOINING
        is_number = len(rest) in _FIXED and rest[0] in _FIRST and is_ended and not _ACCOUNT.search(before)
        return next_at if is_number and not own.is_abroad_form else 0
    if next_at == len(run.groups) or run.groups[next_at].startswith("0"):
        return 0
    if ")" in gap and before[-2:].rstrip("+ ").endswith("("):
        return run.follow(next_at, _FIXED_AFTER_BRACKET)
    is_told = _CUE.search(before) is not None
    if ("/" in gap or own.is_abroad_form) and not is_told:
        return 0
    is_split = len(run.groups[next_at]) not in _FIXED
    return 0 if is_split and run.groups[next_at][0] not in _FIRST else run.follow(next_at, _FIXED)


def _measure_bare(run: _Run, at: int) -> int:
    """A number without what should stand before it; only a word tells that it is one."""
    cue = _CUE.search(run.get_before(at))
    if not cue:
        return 0
    if _NETWORK.match(run.groups[at]) and (end := run.follow(at, _MOBILE)):
        return end
    if not cue["mark"].strip() or run.groups[at][0] not in _FIRST:
        return 0
    end = run.follow(at, _TOLD)
    return 0 if run.is_amount(at, end) else end


def _find_more(text: str, start: int, end: int) -> tuple[int, int] | None:
    """(start, end) of another subscriber beside a number: (0435) 821234, 821235; 0812-3456-7890/91."""
    more, last = _MORE.match(text, end), _LAST_GROUP.search(text[start:end])
    if not more or not last or _is_in_word(text, more.end()) or _UNIT.match(text, more.end()):
        return None
    digits, length = more["digits"], len(last[0])
    is_alike = len(digits) == length and digits[: (length + 1) // 2] == last[0][: (length + 1) // 2]
    is_end = len(digits) < length and len(more["gap"]) == 1 and more["gap"] in "/-"
    is_fixed = len(digits) == length and length in _FIXED and digits[0] in _FIRST
    is_more = is_fixed or (len(digits) in _MORE_SHORT and (is_alike or is_end))
    return more.span("digits") if is_more else None


def _is_in_word(text: str, end: int) -> bool:
    """Whether it goes on as a hash does. Other words that follow at once were set close to it."""
    after = _WORD.match(text, end)
    return after is not None and (_HASH.fullmatch(after[0]) is not None or any(map(str.isdigit, after[0])))


def _is_in_address(text: str, start: int) -> bool:
    """Whether it is a part of an article's address, and not of one that calls somebody."""
    before = text[max(start - _ADDRESS_MOST, 0) : start]
    token = before.split()[-1] if before and not before[-1].isspace() else ""
    return bool(_ADDRESS.search(token)) and not _TO_CALL.search(token)


def _ends_in_letter_o(before: str) -> bool:
    """Whether it stands for a 0: O812-3456-7890."""
    return before[-1:] in {"O", "o"} and not before[-2:-1].isalnum()


def _reach_back(text: str, start: int, end: int) -> int:
    """Where a number begins whose country's "+" or bracket stands before it."""
    start -= text[start - 1 : start] == "+" or (
        text[start] == "8" and _ends_in_letter_o(text[max(start - 2, 0) : start])
    )
    opened = text.rfind("(", max(start - 2, 0), start)
    return opened if opened >= 0 and not text[opened + 1 : start].strip() and ")" in text[start:end] else start
