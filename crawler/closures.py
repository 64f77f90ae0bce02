"""Telling the page of a site that is closed, or wants a login, from the page that was asked for. PURE.

They come with status 200 for every address, and say so in their title. Taken for the article they would hide it for
ever. The worse error is to take an article for one of them, so only short pages count whose whole title is known.
"""

from __future__ import annotations

import re

from crawler.challenges import read_title

LARGEST_BYTES = 64 * 1024
_SITE = r"(?:situs|website|web|site|halaman|server|sistem|system)(?: (?:web|kami|ini))?"
_WORK = r"(?:maintenance|perbaikan|pemeliharaan)"
_CLOSED = re.compile(
    rf"(?:maaf,? )?(?:{_SITE} )?(?:is )?(?:currently )?(?:(?:sedang|masih)(?: dalam)?|dalam|under(?:going)?|down for)"
    rf" (?:scheduled )?{_WORK}|{_SITE} {_WORK}|maintenance(?: mode)?"
    rf"|{_SITE} (?:temporarily unavailable|tidak tersedia sementara)|service unavailable",
    re.IGNORECASE,
)
_LOGIN = re.compile(
    r"(?:silakan |halaman |user |member |wi-?fi |hotspot )?(?:log ?in|masuk)(?: (?:page|akun|anggota|required))?"
    r"|sign in|anda harus (?:login|masuk)",
    re.IGNORECASE,
)
_PARTS = re.compile(r"\s+[|•·»–—-]\s+")


def find_closure(body: bytes) -> str:
    """What answered in the site's place: "a maintenance page", "a login page"; "" where the site itself did."""
    if len(body) > LARGEST_BYTES:
        return ""
    title = " ".join(read_title(body).split())
    if not title:
        return ""
    for part in (title, _PARTS.split(title, maxsplit=1)[0]):  # the site's name stands behind
        if _CLOSED.fullmatch(part):
            return "a maintenance page"
        if _LOGIN.fullmatch(part):
            return "a login page"
    return ""
