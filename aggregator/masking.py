"""Phone numbers, e-mail addresses and population numbers (NIK) in text, put out of sight. Pure.

    text ─▶ read plainly ─▶ mail addresses ─▶ numbers (aggregator.personal_numbers) ─▶ the text, with marks

Read plainly: digits and signs of every script and width are ASCII's, and what nobody sees is not there.

A mark is no word: it finds nothing in a search, is counted in no comparison, and reads alike in every language. It
tells nothing of what it stands for, neither the last digits nor the domain.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from aggregator.article_json import pack_row, unpack_row
from aggregator.personal_numbers import find_personal_numbers
from aggregator.textfold import INVISIBLE

MARK = "•••"
MAIL_MARK = "•••@•••"

# Beyond Latin-1, curly quotes and dashes, what stands here may be a digit, a sign in another width, or unseen.
_ODD = re.compile("[^\x00-\xac\xae-\xff\u2010-\u201f\u2022\u2026]")
_SIGNS = dict(zip("＋（）［］－．。․／＿＊～：＠﹫＃，\u3000", "+()[]-.../_*~:@@#, ", strict=True))
_SPACES = "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a\u205f"
_MADE_PLAIN = re.compile(
    rf"[\d\xb9\xb2\xb3\u2070-\u2089\u2460-\u249b\u24ea-\u24ff\u2776-\u2793{_SPACES}{re.escape(''.join(_SIGNS))}]"
)
# Besides what is invisible: marks upon digits, the frame of a key, fillers of Hangul.
_UNSEEN = re.compile(rf"{INVISIBLE.pattern}|[\u0300-\u036f\u20d0-\u20ff\u115f\u1160\u3164\uffa0]")

# What stands before the sign is looked for from there backwards; so the signs, which are rare, are found first.
_LOCAL_REVERSED = re.compile(r"(?P<gap>\s?)[\w.%+'-]+")
_LOCAL_MOST = 200
_LABEL = r"[^\W_](?:[\w-]{0,62}[^\W_])?"
_DOT = r"(?:\.|\s?[\[({<]\s?(?:dot|titik|\.)\s?[\])}>]\s?|\s(?:dot|titik)\s)"
# Of what is written in another way, only what ends as addresses here do: "rapat @ balai" is none.
_ENDING = r"(?:com|net|org|info|biz|id|co|gov|edu|io|me|xyz|online|site|asia|news|tv|sg|my|au|uk|us|jp|nl|de)\b"
# And where even less tells it ("akun @kota.id" is none), only of those who give addresses to anybody.
_PROVIDER = r"(?:gmail|googlemail|yahoo|ymail|rocketmail|hotmail|outlook|live|icloud|proton(?:mail)?|aol|zoho)"
_MAIL = re.compile(rf"@(?:{_LABEL}\.){{1,8}}(?P<ending>[^\W\d_]{{2,24}})")
_SPACED_MAIL = re.compile(
    rf"@(?:\s?{_PROVIDER}(?:\s?[.,]\s?{_LABEL}){{0,2}}\s?[.,]\s?{_ENDING}"  # budi @gmail . com
    rf"|\s{_LABEL}(?:\.{_LABEL}){{0,4}}\.{_ENDING})",  # budi @ kota.go.id
    re.IGNORECASE,
)
_WRITTEN_MAIL = re.compile(  # budi [at] kota [dot] go.id; "stay-at-home.com" is none
    r"(?:[\[({<*~|]|(?<=\s)-)\s?(?:@|at|et|a)\s?[\])}>*~|-]"
    rf"\s?{_LABEL}(?:{_DOT}{_LABEL}){{0,4}}{_DOT}{_ENDING}",
    re.IGNORECASE,
)
_SPOKEN_MAIL = re.compile(  # budi at kota dot go dot id
    rf"\sat\s{_LABEL}(?:{_DOT}{_LABEL}){{0,4}}\s(?:dot|titik)\s{_ENDING}", re.IGNORECASE
)
_TOLD_MAIL = re.compile(rf"\sat\s{_PROVIDER}\.(?:{_LABEL}\.)?{_ENDING}", re.IGNORECASE)  # email: budi at gmail.com
_TELLS_MAIL = re.compile(r"mail:? ?$", re.IGNORECASE)
_ENCODED_MAIL = re.compile(rf"(?:%40|&#0?64;|&#x40;|&commat;)(?:{_LABEL}\.){{1,8}}{_ENDING}", re.IGNORECASE)
_WITH_GAP = frozenset({_SPACED_MAIL, _WRITTEN_MAIL})  # there may be a blank before the sign
_MAYBE_WRITTEN = re.compile(r"[\[({<*~|-]\s?(?:@|[aA][tT]?|[eE][tT])\s?[\])}>*~|-]")
_MAYBE_SPOKEN = re.compile(r"\s[aA][tT]\s")
_IS_ENDING = re.compile(_ENDING, re.IGNORECASE)
_IMAGES = frozenset({"png", "jpg", "jpeg", "gif", "webp", "svg", "avif"})
_PLATFORMS = frozenset(
    {"instagram", "ig", "tiktok", "twitter", "x", "facebook", "fb", "threads", "youtube", "telegram"}
)
_ADDRESS_PARTS = re.compile(r"([/?&=#]+)")
_MARKS = re.compile(rf"[\s,;:|/–-]*[(<\[]?\s*(?:{MAIL_MARK}|{MARK})\s*[)>\]]?")


def mask_personal(text: str) -> str:
    """`text` with a mark for each number or address by which a person can be reached, or told from all others."""
    plain, places = _read_plainly(text)
    marks: list[tuple[int, int, str]] = []
    for pattern in _list_patterns(plain):
        spans = list(_find_mails(pattern, plain))
        marks += [(start, end, MAIL_MARK) for start, end in spans]
        plain = _blank(plain, spans)  # no other pattern, and no number, is looked for in it
    marks += [(start, end, MARK) for start, end in find_personal_numbers(plain)]
    if not marks:
        return text
    parts: list[str] = []
    at = 0
    for start, end, mark in sorted(marks):
        parts += text[at : places[start]], mark
        at = places[end] if end < len(places) else len(text)
    return "".join((*parts, text[at:]))


def _read_plainly(text: str) -> tuple[str, Sequence[int]]:
    """The text in plain digits and signs, without what is unseen; and where each of its characters was."""
    if text.isascii() or not _ODD.search(text):
        return text, range(len(text))
    plain = _MADE_PLAIN.sub(_make_plain, text)
    places: list[int] = []
    at = 0
    for unseen in _UNSEEN.finditer(plain):
        places += range(at, unseen.start())
        at = unseen.end()
    return _UNSEEN.sub("", plain), [*places, *range(at, len(plain))]


def _make_plain(odd: re.Match[str]) -> str:
    """The digit or the sign that a character stands for, or itself. One character for each: places stay."""
    digit = unicodedata.digit(odd[0], None)
    if digit is not None:
        return str(digit)
    return " " if odd[0] in _SPACES else _SIGNS.get(odd[0], odd[0])


def _list_patterns(plain: str) -> Iterator[re.Pattern[str]]:
    """Those of which the text holds what they cannot do without."""
    if "@" in plain:
        yield from (_MAIL, _SPACED_MAIL)
    if _MAYBE_WRITTEN.search(plain):
        yield _WRITTEN_MAIL
    if _MAYBE_SPOKEN.search(plain) and any(word in plain.lower() for word in ("dot", "titik", "mail")):
        yield from (_SPOKEN_MAIL, _TOLD_MAIL)
    if "%40" in plain or ("&" in plain and any(sign in plain.lower() for sign in ("&#", "&commat"))):
        yield _ENCODED_MAIL


def _find_mails(pattern: re.Pattern[str], plain: str) -> Iterator[tuple[int, int]]:
    """(start, end) of each address, in order."""
    at = 0
    for found in pattern.finditer(plain):
        before = plain[max(at, found.start() - _LOCAL_MOST) : found.start()]
        local = _LOCAL_REVERSED.match(before[::-1])
        if not local or (local["gap"] and pattern not in _WITH_GAP):
            continue
        start = found.start() - local.end()
        if pattern is _MAIL and _is_other(plain[start : found.start()].lower(), found["ending"].lower()):
            continue
        if pattern is not _TOLD_MAIL or _TELLS_MAIL.search(plain[max(start - 6, 0) : start]):
            at = found.end()
            yield start, at


def _blank(plain: str, spans: Sequence[tuple[int, int]]) -> str:
    """The text with nothing to be found in these spans; all else stays where it is."""
    parts: list[str] = []
    at = 0
    for start, end in spans:
        parts += plain[at:start], MARK[0] * (end - start)
        at = end
    return "".join((*parts, plain[at:]))


def _is_other(local: str, ending: str) -> bool:
    """Whether it is an image ("logo@2x.png") or an account, set close to where it is ("Instagram@kota.terkini")."""
    return ending in _IMAGES or (local in _PLATFORMS and not _IS_ENDING.fullmatch(ending))


def mask_name(text: str) -> str:
    """The same of persons' names, which need no mark: "Budi (budi@kota.go.id)" is Budi."""
    masked = mask_personal(text)
    return text if masked == text else _MARKS.sub("", masked).strip()


def mask_address(url: str) -> str:
    """An article's address as it is shown beside its link: what may be somebody's number or address in it is masked,
    sooner than in text. Nobody can follow it then, so it is no link itself."""
    return "".join(mask_personal(part) for part in _ADDRESS_PARTS.split(url))


def mask_columns(row: Mapping[str, Any]) -> dict[str, Any]:
    """Of the columns that hold a portal's words, those that change by masking. What is JSON stays JSON."""
    masked = {name: mask(row[name]) for name, mask in _MASKS.items() if name in row}
    return {name: text for name, text in masked.items() if text != row[name]}


def _mask_packed(text: str) -> str:
    row = unpack_row(text)
    changes = mask_columns(row)
    return pack_row(row | changes) if changes else text


_MASKS: Mapping[str, Callable[[str], str]] = {
    **dict.fromkeys(("title", "text", "summary", "tags", "published_raw", "difference"), mask_personal),
    **dict.fromkeys(("author", "byline"), mask_name),
    "article": _mask_packed,  # of a rejected page
}
