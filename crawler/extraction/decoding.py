"""Bytes of a page into one lxml tree. Pure.

Nothing here raises on junk: whatever comes in, a tree goes out, or None where there is no element at all.

    bytes ──cap──▶ ──charset──▶ UTF-8 without control characters ──▶ too many and over-long tags cut ──▶ lxml tree
"""

from __future__ import annotations

import codecs
import re

from lxml import etree

from crawler.bounds import cut_marks

# A page the crawler fetched has at most 3 MiB; articles end long before the cap.
MAX_PAGE_BYTES = 4 * 1024 * 1024
# libxml2 checks each attribute against all earlier ones of its tag: 100,000 on one tag take 13 s, 2,700 (what fits in
# such a tag) 10 ms. Tags of real pages that are longer hold data: URIs or JSON, which nobody reads here.
MAX_TAG_BYTES = 8_000
# A page of nothing but tags costs 1 s a million; of 276 development pages the one with most has 9,770.
MAX_TAGS = 100_000
UNCHECKED_BYTES = 64 * 1024  # a page of one tag and this size costs .3 s, which is not worth looking for
# Attributes of a tag of some length that is read; pages have been seen with 60.
MAX_ATTRIBUTES = 200
LONG_TAG_BYTES = 1_000
# Where so much of the first 64 KiB, or of all, is not UTF-8, it is some other encoding throughout, and is not mended
# byte by byte, which takes 1 s for a million.
MAX_STRAY_BYTES = 2_000
SAMPLE_BYTES = 65_536
MAX_ALL_STRAY_BYTES = 50_000

_BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_DECLARED_CHARSET = re.compile(
    rb"<(?:meta|\?xml)\b[^>]{0,200}?(?:charset|encoding)\s*=\s*[\"']?\s*([\w:.\-]{2,30})", re.IGNORECASE
)
# What browsers read (WHATWG Encoding Standard); Python's registry also holds punycode, unicode_escape and the like.
_KNOWN_CHARSET = re.compile(
    r"cp125\d|cp8(?:66|74)|iso8859-\d+|koi8-[ru]|gb18030|gbk|gb2312|big5|euc_(?:jp|kr)|shift_jis|mac-\w+"
)
# All of C0 but tab and line breaks, and DEL. Deleted from UTF-8, where no other character contains these bytes.
_CONTROLS = bytes(set(range(0x20)) - {0x09, 0x0A, 0x0D} | {0x7F})
# Scripts and styles come first, so that "a<b" in them is not taken for a tag. Possessive throughout: linear time.
_START_TAG = re.compile(
    rb"""<script\b(?:[^<]++|<(?!/script))*+ | <style\b(?:[^<]++|<(?!/style))*+
    | <([a-z][^\s/>]{0,40}+)(?:[^>=]++|=\s*+(?:"[^"]*+"|'[^']*+')?+)*+""",
    re.IGNORECASE | re.VERBOSE,
)
_QUOTED = re.compile(rb"""\"[^"]*+"|'[^']*+'""")
# A page of nothing but tags that surely are within the limit: text, scripts, styles and short tags. All in one match,
# for to look at each tag costs as much as half of the parsing.
_SHORT_TAGS = re.compile(
    rb"""(?:[^<]++
    | <[sS][cC][rR][iI][pP][tT]\b(?:[^<]++|<(?!/[sS][cC][rR][iI][pP][tT]))*+
    | <[sS][tT][yY][lL][eE]\b(?:[^<]++|<(?!/[sS][tT][yY][lL][eE]))*+
    | <[a-zA-Z][^\s/>]{0,40}+(?:[^>=]{0,40}+(?:=\s{0,20}+(?:"[^"]*+"|'[^']*+')?+)?+){0,60}+>
    | <(?![a-zA-Z]))*+""",
    re.VERBOSE,
)
_PAGE_END = re.compile(rb"</(?:body|html)\s{0,20}>", re.IGNORECASE)


def read_markup(html: bytes) -> bytes:
    """A page in any encoding as UTF-8 that lxml can be trusted with: 4 MiB, 100,000 tags, no control characters, no
    endless tags.

    The ends of body and html go: browsers read on after them, libxml2 loses what follows (templates that close the
    page after their header).
    """
    return _PAGE_END.sub(b"", cut_long_tags(cut_marks(read_utf8(html), b"<", MAX_TAGS)))


def parse_markup(data: bytes, *, deep: bool = True) -> etree._Element | None:
    """The root element of what `read_markup` gave, without comments; None where there is no element at all.

    Elements nested deeper than libxml2 allows (2,048, or 256 where not `deep`) are lost with their text, and so is what
    follows them. The deepest of 276 development pages has 45.
    """
    if not data.strip():
        return None
    # A parser of its own for each page: lxml's are not safe to share between threads.
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=deep)
    try:
        return etree.fromstring(data, parser)
    except (etree.LxmlError, ValueError):  # no element in the whole document
        return None


def read_utf8(html: bytes) -> bytes:
    """The first 4 MiB of `html` in UTF-8, without control characters.

    Valid UTF-8 is taken for UTF-8 whatever the page declares (a wrong declaration is common, an accident of bytes that
    looks like UTF-8 is not). Else the declared charset counts; without one, what is not UTF-8 is read as windows-1252,
    which also mends pages that mix the two.
    """
    data = html[:MAX_PAGE_BYTES]
    for mark, name in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return _encode(data[len(mark) :].decode(name, "replace"))
    if (wide := _guess_utf16(data)) is not None:
        return _encode(data.decode(wide, "replace"))
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return _encode(_decode_legacy(data))
    return data.translate(None, _CONTROLS)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "replace").translate(None, _CONTROLS)


def _guess_utf16(data: bytes) -> str | None:
    """UTF-16 without a byte order mark shows in markup: every other byte is NUL."""
    start = data[:200]
    if start.count(0) < len(start) * 0.4:
        return None
    odd, even = start[1::2].count(0), start[::2].count(0)
    return "utf-16-le" if odd > 4 * even else "utf-16-be" if even > 4 * odd else None


def _decode_legacy(data: bytes) -> str:
    charset = _find_charset(data)
    if charset:
        return data.decode(charset, "replace")
    if _count_strays(data[:SAMPLE_BYTES]) > MAX_STRAY_BYTES or _count_strays(data) > MAX_ALL_STRAY_BYTES:
        return data.decode("cp1252", "replace")
    return data.decode("utf-8", "windows-1252-strays")


def _count_strays(data: bytes) -> int:
    """Runs of bytes that are not UTF-8."""
    return data.decode("utf-8", "replace").count("\ufffd")


def _find_charset(data: bytes) -> str | None:
    """The declared charset, if browsers know it and it is not UTF-8."""
    declared = _DECLARED_CHARSET.search(data[:4096])
    if not declared:
        return None
    try:
        name = codecs.lookup(declared[1].decode("ascii")).name
    except LookupError:
        return None
    if name == "iso8859-1":  # browsers read Latin-1 as windows-1252
        return "cp1252"
    return name if _KNOWN_CHARSET.fullmatch(name) else None


def _read_stray(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("windows-1252-strays", _read_stray)


def cut_long_tags(data: bytes) -> bytes:
    """Start tags that are longer than the limit, or have more attributes, are reduced to their names."""
    if len(data) <= UNCHECKED_BYTES:
        return data
    found = _SHORT_TAGS.match(data)
    if found is not None and found.end() == len(data):
        return data
    return _START_TAG.sub(_cut_tag, data)


def _cut_tag(found: re.Match[bytes]) -> bytes:
    length = found.end() - found.start()
    if found[1] is None or length <= LONG_TAG_BYTES:
        return found[0]
    is_long = length > MAX_TAG_BYTES or len(_QUOTED.sub(b"", found[0]).split()) > MAX_ATTRIBUTES
    return b"<" + found[1] if is_long else found[0]
