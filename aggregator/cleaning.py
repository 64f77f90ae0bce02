"""Text, HTML and addresses from portals made safe, once, at ingest. Pure.

Nothing here raises: a portal may send half an emoji, a NUL, ten thousand open `<div>` or a megabyte of accents on one
letter. Whatever goes out can be put into XML and SQLite as it is; escaping for HTML stays with those who render.
"""

from __future__ import annotations

import html
import re
import unicodedata

import nh3

from aggregator.textfold import blank_typography

# Bounds for what goes to the HTML parser. nh3 0.3 needs time in the square of the nesting depth: 16,000 nested `<div>`
# take 0.45 s, 8,000 tags of the worst kind (`<ul><li>` in turn) 0.12 s. A long article has a few hundred tags.
MAX_MARKUP_CHARS = 200_000
MAX_MARKUP_TAGS = 8_000
# Of what becomes one line of some length, as much is read: portals put a few tags and addresses around it.
MARKUP_PER_CHARACTER = 20
MAX_URL_LENGTH = 2000
# NFC, too, is quadratic in a run of combining marks (32,000 pairs: 3 s). Real words carry two or three; the run is cut.
MAX_MARK_RUN = 32

ELLIPSIS = "…"

# What XML 1.0 forbids (section 2.2, Char) or advises against there (C1 controls, U+FDD0 to U+FDEF), and every space and
# line break but the plain ones.
_STRANGE = re.compile(
    "\r\n|[\x00-\x08\x0b-\x1f\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
_LINE_BREAKS = frozenset({"\r\n", "\r", "\x85", "\u2028", "\u2029"})
# No combining mark is a word character for `re`, so a long run of marks is a long run of these.
_MARK_RUN = re.compile(rf"[^\w\s\x21-\x7e]{{{MAX_MARK_RUN + 1},}}")
_LONG_RUN = re.compile(rf"[^\x00-\x7f]{{{MAX_MARK_RUN + 1}}}")  # quickly says that there is no such run

# Soft hyphen, zero-width characters, bidirectional marks and overrides, invisible operators, byte order mark, tags:
# they hide words from the topic tables and turn the rest of a subscriber's line around.
_INVISIBLE = re.compile("[\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")

# Only with the semicolon: HTML also reads "&region" as "®ion".
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_TAG = re.compile(r"<[/!?]?[A-Za-z!\-][^<>]*>")
_BARE_LESS_THAN = re.compile(r"<(?!!--|[/!?]?[A-Za-z!\-][^<>]*>)")
_BLOCK_TAG = re.compile(
    r"</?(?:address|article|aside|blockquote|br|dd|div|dl|dt|figcaption|figure|footer|h[1-6]|header|hr|li|main|ol|p|pre"
    r"|section|table|td|th|tr|ul)\b",
    re.IGNORECASE,
)

_WEB_ADDRESS = re.compile(r"(https?)://([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)
_AUTHORITY = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?\.?|\[[0-9a-f:.]+\])(?::\d{1,5})?", re.IGNORECASE)
_NOT_IN_URL = re.compile(r"[^A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]")
_C0_AND_SPACE = "".join(map(chr, range(0x21)))


def xml_safe(text: str) -> str:
    """`text` in NFC without the characters XML 1.0 forbids (controls, lone surrogates, U+FFFE).

    Typographic spaces become plain ones, every kind of line break becomes a newline; nothing is collapsed.
    """
    if not text.isprintable():  # nothing strange is printable
        text = _STRANGE.sub(_replace_strange, text)
    if blank_typography(text).isascii():
        return text
    if _LONG_RUN.search(text):
        text = _MARK_RUN.sub(lambda run: run[0][:MAX_MARK_RUN], text)
    return unicodedata.normalize("NFC", text)


def clean_text(value: str, *, limit: int) -> str:
    """One line of plain text of at most `limit` characters, cut at a word.

    Titles, names and summaries should arrive as plain text, yet feeds escape them twice and bylines carry markup. So
    one level of entities is read and tags are stripped; "Luas < 5 km" stays. The error that remains, a title about
    `<b>` that loses its `<b>`, is rarer and milder than subscribers reading "&#8211;".
    """
    markup_chars = min(MAX_MARKUP_CHARS, 2_000 + limit * MARKUP_PER_CHARACTER)
    return cut_text(" ".join(_read_plain(value, markup_chars=markup_chars).split()), limit)


def clean_paragraphs(text: str, *, limit: int) -> str:
    """The same for text of several lines: one paragraph a line, empty ones dropped, `limit` characters in all."""
    lines = (
        " ".join(line.split()) for line in _read_plain(text, markup_chars=max(limit, MAX_MARKUP_CHARS)).split("\n")
    )
    return cut_text("\n".join(line for line in lines if line), limit)


def drop_invisible(text: str) -> str:
    """`text` without characters that nobody sees, those that turn a line around among them."""
    return text if blank_typography(text).isascii() else _INVISIBLE.sub("", text)


def clean_html(fragment: str) -> str:
    """`fragment` with nothing left but paragraphs, headings, lists, quotations, emphasis and links to the web."""
    cleaned = _HTML_CLEANER.clean(_bound_markup(xml_safe(fragment[:MAX_MARKUP_CHARS])))
    return _INVISIBLE.sub("", xml_safe(cleaned)).strip()  # again: "&#1;" was innocent before it was read


def safe_url(url: str) -> str:
    """`url` as an ASCII http(s) address, or "" for anything else.

    Refused: other schemes, no host, credentials, over 2,000 characters. Spaces, controls and letters beyond ASCII are
    percent-encoded, a host beyond ASCII becomes its IDNA form.
    """
    found = _WEB_ADDRESS.fullmatch(url.strip(_C0_AND_SPACE)) if len(url) <= MAX_URL_LENGTH else None
    if not found:
        return ""
    authority = _encode_host(found[2])
    if not _AUTHORITY.fullmatch(authority):
        return ""
    address = f"{found[1].lower()}://{authority}{_NOT_IN_URL.sub(_percent_encode, found[3])}"
    return address if len(address) <= MAX_URL_LENGTH else ""


def cut_quote(text: str, limit: int | None) -> str:
    """What may be quoted of a text whose page allows `limit` characters; None: all of it."""
    if limit is None:
        return text
    return cut_text(text, limit) if limit > 0 else ""


def cut_text(text: str, limit: int) -> str:
    """`text` in at most `limit` characters, the ellipsis included; cut between words where the last third has a gap."""
    if len(text) <= limit:
        return text
    room = max(limit - len(ELLIPSIS), 0)
    gap = max(text.rfind(" ", 0, room + 1), text.rfind("\n", 0, room + 1))
    head = text[: gap if gap > room * 2 // 3 else room]
    return (head.rstrip(" \n,;:–—-(“‘") + ELLIPSIS)[:limit]


def _replace_strange(found: re.Match[str]) -> str:
    if found[0] in _LINE_BREAKS:
        return "\n"
    return " " if found[0].isspace() else ""


def _read_plain(value: str, *, markup_chars: int = MAX_MARKUP_CHARS) -> str:
    """`value` without tags, entities and invisible characters; block tags leave a newline."""
    text = value[:markup_chars]
    if "&" in text:
        text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    text = xml_safe(text)
    if "<" in text and _TAG.search(text):
        text = _strip_tags(text)
    return drop_invisible(text)


def _strip_tags(text: str) -> str:
    """`text` without tags and comments, and without what scripts and styles hold; "&" and a lone "<" are text."""
    text = _BARE_LESS_THAN.sub("&lt;", text.replace("&", "&amp;"))
    text = _BLOCK_TAG.sub(r"\n\g<0>", _bound_markup(text))
    return html.unescape(_TAG_STRIPPER.clean(text))


def _bound_markup(text: str) -> str:
    if text.count("<") <= MAX_MARKUP_TAGS:
        return text
    return "<".join(text.split("<", MAX_MARKUP_TAGS)[:MAX_MARKUP_TAGS])


def _filter_attribute(_tag: str, name: str, value: str) -> str | None:
    return safe_url(value) or None if name == "href" else value  # the other one is nh3's own rel


def _encode_host(authority: str) -> str:
    if authority.isascii():
        return authority
    try:
        return authority.encode("idna").decode("ascii")
    except UnicodeError:  # a label that is empty, too long, or holds what IDNA forbids
        return ""


def _percent_encode(unsafe: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in unsafe[0].encode("utf-8", errors="ignore"))


_TAG_STRIPPER = nh3.Cleaner(tags=set())
_HTML_CLEANER = nh3.Cleaner(
    tags={"a", "blockquote", "br", "em", "h2", "h3", "h4", "li", "ol", "p", "strong", "ul"},
    attributes={"a": {"href"}},
    attribute_filter=_filter_attribute,
    clean_content_tags={
        "button",
        "form",
        "iframe",
        "math",
        "noscript",
        "object",
        "script",
        "select",
        "style",
        "svg",
        "template",
        "textarea",
        "title",
    },
    link_rel="nofollow noopener noreferrer",
    url_schemes={"http", "https"},
)
