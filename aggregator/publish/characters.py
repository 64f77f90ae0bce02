"""Characters that subscribers' programs can all show. Pure.

Ingest cleans what arrives; rows written before a rule was tightened, names in the catalogue and words of a query pass
here once more, so that none of them can break or blemish a whole feed.
"""

from __future__ import annotations

import re

from aggregator.cleaning import cut_text, drop_invisible, safe_url, xml_safe

_DAMAGE = "\ufffd"  # stands for what was lost before the text came to us
# The last two code points of each plane are no characters; those of the first plane are gone already.
_BEYOND = re.compile("[\U00010000-\U0010ffff]+")
# A letter of UTF-8 that was read as two of Latin-1: "Ã©" for "é", "Â»" for "»". No Indonesian word holds such a pair.
_TWICE_ENCODED = re.compile("([\xc2\xc3])([\xa1-\xbf])")
_TAG_BEGINS = re.compile(r"<(?=[A-Za-z/!?])")
_MAIL_ADDRESS = re.compile(r" ?<[^<>]*@[^<>]*>")
_BARE_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")


def fit_text(text: str) -> str:
    """`text` with nothing in it that XML, HTML or a feed's readers refuse or take for damage."""
    text = xml_safe(text)
    if text.isascii():
        return text
    text = _BEYOND.sub(_drop_noncharacters, text).replace(_DAMAGE, "")
    while ("\xc2" in text or "\xc3" in text) and _TWICE_ENCODED.search(text):
        text = _TWICE_ENCODED.sub(_decode_pair, text)
    return text


def fit_line(text: str, limit: int = 0) -> str:
    """`text` on one line, in at most `limit` characters if there is one.

    It is plain text, and some readers show plain text as HTML: what a tag could begin with is pulled apart, also
    where the tag never ends. Nothing in it hides, or turns the line around.
    """
    line = " ".join(drop_invisible(fit_text(text)).split())
    if "<" in line:
        line = _TAG_BEGINS.sub("< ", line)
    return cut_text(line, limit) if limit else line


def fit_name(text: str, limit: int = 0) -> str:
    """The same of a person's or publisher's name: without mail addresses, which are not for a feed to spread."""
    return fit_line(_MAIL_ADDRESS.sub("", fit_text(text)) if "@" in text else text, limit)


def fit_url(url: str) -> str:
    """A portal's address as RFC 2396 wants it, where brackets belong to a host, "%" begins an escape and "#" stands
    once; "" for what is none."""
    url = safe_url(url)
    if "%" in url:
        url = _BARE_PERCENT.sub("%25", url)
    if "[" in url or "]" in url:
        start = url.find("/", url.find("//") + 2)
        url = url if start < 0 else url[:start] + url[start:].replace("[", "%5B").replace("]", "%5D")
    if url.count("#") > 1:
        address, _, fragment = url.partition("#")
        url = f"{address}#{fragment.replace('#', '%23')}"
    return url


def _decode_pair(pair: re.Match[str]) -> str:
    return pair[0].encode("latin-1").decode("utf-8")


def _drop_noncharacters(run: re.Match[str]) -> str:
    return "".join(character for character in run[0] if ord(character) & 0xFFFE != 0xFFFE)
