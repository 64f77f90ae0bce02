"""What a strict validator of feeds asks of RSS 2.0, Atom 1.0 and OPML 2.0, warnings and hints included.

`find_faults` tells what is wrong with a document as it was served; an empty list is a feed that validates. The rules
are those of the specifications (RSS 2.0 and its best practices profile, RFC 4287, RFC 5005, RFC 4151, OPML 2.0) and
what is known to trouble readers.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
from lxml import etree

ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
DC = "http://purl.org/dc/elements/1.1/"
HISTORY = "http://purl.org/syndication/history/1.0"
XML = "http://www.w3.org/XML/1998/namespace"
_PREFIXES = {ATOM: "atom", CONTENT: "content", DC: "dc", HISTORY: "fh", XML: "xml"}

MAX_BYTES = 5_000_000
_LANGUAGES = {"id", "en", "ms", "jv", "su"}  # of ISO 639, as many as we use
_RELATIONS = {"self", "alternate", "hub", "via", "related", "enclosure", "license"}
_HISTORY_RELATIONS = {"current", "first", "last", "next", "previous", "next-archive", "prev-archive"}
_FEED_TYPES = {"application/rss+xml", "application/atom+xml"}
_HTML_TAGS = {"a", "blockquote", "br", "em", "h2", "h3", "h4", "li", "ol", "p", "span", "strong", "ul"}
_HTML_ATTRIBUTES = {"href", "rel"}

_URI = re.compile(r"[a-zA-Z][0-9a-zA-Z+.-]*:(?://)?[0-9a-zA-Z;/?:@&=+$.\-_!~*'()%,#]+", re.ASCII)
_TAG_URI = re.compile(r"tag:(?:[a-z0-9._-]+@)?[a-z0-9.-]+,\d{4}(?:-\d\d(?:-\d\d)?)?:[0-9a-zA-Z;/?:@&=+$.\-_!~*'(),%]*")
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(?:; ?[\w-]+=[\w-]+)?")
_RFC_822 = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} "
    r"\d\d:\d\d:\d\d [+-]\d\d[03]0"
)
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_REFERENCE = re.compile(r"&(#?\w+)")
_MAIL = re.compile(r"<[\w.+'-]+@[\w.-]+>")

_CHANNEL = {
    *("title", "link", "description", "language", "lastBuildDate", "generator", "docs", "ttl", "item"),
    *(f"{{{ATOM}}}link", f"{{{HISTORY}}}archive"),
}
_ITEM = {
    *("title", "link", "description", "category", "guid", "pubDate", "source"),
    *(f"{{{DC}}}creator", f"{{{CONTENT}}}encoded", f"{{{ATOM}}}updated"),
}
_FEED = {"id", "title", "subtitle", "updated", "author", "generator", "link", "entry"}
_ENTRY = {"id", "title", "link", "published", "updated", "author", "category", "source", "summary", "content"}
_OUTLINE = {"text", "title", "type", "xmlUrl", "htmlUrl", "description", "language"}


HERE = Path(__file__).parent
ATOM_SCHEMA = etree.RelaxNG(etree.parse(HERE / "atom.rng"))
JSON_SCHEMA = jsonschema.Draft202012Validator(json.loads((HERE / "json_feed.schema.json").read_text(encoding="utf-8")))


def find_all_faults(body: bytes, *, url: str, now: datetime | None = None) -> list[str]:
    """The same of a document in any format, schemas included."""
    if url.partition("?")[0].endswith(".json"):
        document = json.loads(body)
        faults = [error.message for error in JSON_SCHEMA.iter_errors(document)]
        return faults if document["feed_url"] == url else [*faults, "feed_url is not where it is served"]
    faults = find_faults(body, url=url, now=now)
    root = etree.fromstring(body)
    if root.tag == f"{{{ATOM}}}feed" and not ATOM_SCHEMA.validate(root):
        faults += [error.message for error in ATOM_SCHEMA.error_log]
    return faults


def find_faults(body: bytes, *, url: str, now: datetime | None = None) -> list[str]:
    """What a validator would say of `body`, served at `url`, at the moment `now` (the default: any time to come)."""
    root = etree.fromstring(body)
    rules = {"rss": _check_rss, f"{{{ATOM}}}feed": _check_atom, "opml": _check_opml}
    document = _Document(body, root, url, now or datetime(9999, 1, 1, tzinfo=UTC))
    return [*_check_document(document), *rules[root.tag](document)]


class _Document:
    def __init__(self, body: bytes, root: etree._Element, url: str, now: datetime) -> None:
        self.body, self.root, self.url, self.now = body, root, url, now
        self.lines = body.decode().split("\n")

    def get_line(self, element: etree._Element) -> str:
        return self.lines[(element.sourceline or 1) - 1]


def _check_document(document: _Document) -> Iterator[str]:
    head = document.body[:512]
    if not re.match(rb"<\?xml version=['\"]1\.0['\"] encoding=['\"]utf-8['\"]\?>", head):
        yield "no declaration of UTF-8"
    if not re.search(rb"<(?:rss|feed|opml)[ >]", head):
        yield "the beginning does not tell what it is"
    if b"<!DOCTYPE" in document.body or b"<![CDATA[" in document.body:
        yield "a document type, or CDATA"
    if len(document.body) > MAX_BYTES:
        yield "too long"
    for element in document.root.iter("*"):
        for prefix, namespace in element.nsmap.items():
            if _PREFIXES.get(namespace) != prefix and not (namespace == ATOM and prefix is None):
                yield f"prefix {prefix} of {namespace}"
        for text in (element.text or "", element.tail or "", *map(str, element.attrib.values())):
            if fault := _find_bad_characters(text):
                yield f"{element.tag}: {fault}"


def _find_bad_characters(text: str) -> str:
    if re.search("[\x80-\x9f\ufffd]", text):
        return "damaged characters"
    if re.search("[\xc2\xc3][\x80-\xbf]", text):
        return "UTF-8 encoded twice"
    return ""


# ── RSS ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _check_rss(document: _Document) -> Iterator[str]:
    (channel,) = document.root
    if document.root.get("version") != "2.0" or set(document.root.attrib) != {"version"}:
        yield "version"
    yield from _check_children(channel, _CHANNEL, once=_CHANNEL - {"item", f"{{{ATOM}}}link"})
    yield from _check_needed(channel, {"title", "link", "description", "language"})
    tags = [child.tag for child in channel]
    if "item" in tags and set(tags[tags.index("item") :]) != {"item"}:
        yield "something stands behind the items"
    for tag in ("title", "description"):
        yield from _check_plain(document, channel.find(tag), may_be_blank=False)
    for tag in ("link", "docs"):
        yield from _check_uri(channel.findtext(tag) or "", tag)
    yield from _check_rfc822(channel.findtext("lastBuildDate"), document.now)
    if channel.findtext("language") not in _LANGUAGES:
        yield "language"
    if int(channel.findtext("ttl") or "0") <= 0:
        yield "ttl"
    yield from _check_links(document, channel.findall(f"{{{ATOM}}}link"))
    items = channel.findall("item")
    for item in items:
        yield from _check_item(document, item)
    yield from _check_unique((item.findtext("guid") for item in items), "guid")


def _check_item(document: _Document, item: etree._Element) -> Iterator[str]:
    yield from _check_children(item, _ITEM, once=_ITEM - {"category"})
    yield from _check_needed(item, {"title", "description", "guid", "pubDate"})
    yield from _check_plain(document, item.find("title"), may_be_blank=False)
    for element in item.findall("category"):
        yield from _check_plain(document, element, may_be_blank=False)
        yield from _check_attributes(element, {"domain"})
    for element in item.findall("source"):
        yield from _check_plain(document, element)
        yield from _check_attributes(element, {"url"})
        yield from _check_uri(element.get("url") or "", "source")
    for element in item.findall("link"):
        yield from _check_uri(element.text or "", "link")
    for tag in ("description", f"{{{CONTENT}}}encoded"):
        yield from _check_html(item.findtext(tag) or "")
    tags = [child.tag for child in item]
    if f"{{{CONTENT}}}encoded" in tags and tags.index("description") > tags.index(f"{{{CONTENT}}}encoded"):
        yield "content before description"
    guid = item.find("guid")
    if guid is None or guid.attrib != {"isPermaLink": "false"} or not (guid.text or "").strip():
        yield "guid"
    elif (guid.text or "").isdigit() and len(guid.text or "") < 9:
        yield "guid is not unique enough"
    yield from _check_rfc822(item.findtext("pubDate"), document.now)
    yield from _check_rfc3339(item.findtext(f"{{{ATOM}}}updated"), document.now)


# ── Atom ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _check_atom(document: _Document) -> Iterator[str]:
    feed = document.root
    if feed.get(f"{{{XML}}}lang") not in _LANGUAGES:
        yield "language"
    own = {_name(tag) for tag in _FEED}
    yield from _check_children(feed, own | {f"{{{HISTORY}}}archive"}, once=own - {_name("link"), _name("entry")})
    yield from _check_needed(feed, {_name(tag) for tag in ("id", "title", "updated", "author")})
    tags = [child.tag for child in feed]
    if _name("entry") in tags and set(tags[tags.index(_name("entry")) :]) != {_name("entry")}:
        yield "something stands behind the entries"
    yield from _check_identity(feed)
    for tag in ("title", "subtitle", "generator"):
        yield from _check_plain(document, feed.find(_name(tag)), may_be_blank=False)
    yield from _check_rfc3339(feed.findtext(_name("updated")), document.now)
    yield from _check_author(document, feed)
    links = feed.findall(_name("link"))
    yield from _check_links(document, links)
    if feed.find(f"{{{HISTORY}}}archive") is not None:
        relations = {link.get("rel") for link in links}
        if "current" not in relations or not relations & {"prev-archive", "next-archive"}:
            yield "an archive without neighbours"
    entries = feed.findall(_name("entry"))
    for entry in entries:
        yield from _check_entry(document, entry)
    yield from _check_unique((entry.findtext(_name("id")) for entry in entries), "id")
    yield from _check_unique((entry.findtext(_name("updated")) for entry in entries), "updated")


def _check_entry(document: _Document, entry: etree._Element) -> Iterator[str]:
    own = {_name(tag) for tag in _ENTRY}
    yield from _check_children(entry, own, once=own - {_name("link"), _name("category")})
    yield from _check_needed(entry, {_name(tag) for tag in ("id", "title", "updated", "summary")})
    if set(entry.attrib) - {f"{{{XML}}}lang"} or entry.get(f"{{{XML}}}lang", "id") not in _LANGUAGES:
        yield "language of an entry"
    yield from _check_identity(entry)
    yield from _check_plain(document, entry.find(_name("title")), may_be_blank=False)
    for tag in ("published", "updated"):
        yield from _check_rfc3339(entry.findtext(_name(tag)), document.now)
    if entry.find(_name("author")) is not None:
        yield from _check_author(document, entry)
    links = entry.findall(_name("link"))
    if [link.get("rel") for link in links] not in (["alternate"], []):
        yield "links of an entry"
    yield from _check_hrefs(links)
    if not links and entry.find(_name("content")) is None:
        yield "neither content nor a link"
    for element in (*entry.findall(_name("summary")), *entry.findall(_name("content"))):
        yield from _check_html(element.text or "")
        if element.attrib != {"type": "html"} or not element.text:
            yield "type of a text"
    for element in entry.findall(_name("category")):
        yield from _check_attributes(element, {"term", "scheme", "label"})
        yield from _check_uri(element.get("scheme") or "", "scheme")
        yield from _check_line(document, element, element.get("label") or "")
        if not (element.get("term") or "").strip():
            yield "a category without term"
    for element in entry.findall(_name("source")):
        yield from _check_needed(element, {_name(tag) for tag in ("id", "title", "updated")})
        yield from _check_identity(element)
        yield from _check_plain(document, element.find(_name("title")), may_be_blank=False)
        yield from _check_rfc3339(element.findtext(_name("updated")), document.now)
        yield from _check_hrefs(element.findall(_name("link")))


def _check_identity(parent: etree._Element) -> Iterator[str]:
    identity = parent.findtext(_name("id")) or ""
    yield from _check_uri(identity, "id")
    scheme, _, rest = identity.partition(":")
    host = rest.removeprefix("//").partition("/")[0] if rest.startswith("//") else ""
    if scheme != scheme.lower() or host != host.lower() or re.search(r":(?:80|443)?$", host) or identity.endswith("."):
        yield "id is not in normal form"
    if rest.startswith("//") and ("/" not in rest[2:] or re.search(r"/\.\.?(?:/|$)", rest)):
        yield "id is not in normal form"
    for escape in re.findall(r"%(..)", identity):
        if escape != escape.upper() or re.fullmatch(r"[A-Za-z0-9._~-]", chr(int(escape, 16))):
            yield "id is not in normal form"


def _check_author(document: _Document, parent: etree._Element) -> Iterator[str]:
    for author in parent.findall(_name("author")):
        yield from _check_children(author, {_name("name"), _name("uri")}, once={_name("name"), _name("uri")})
        yield from _check_plain(document, author.find(_name("name")), may_be_blank=False)
        if _MAIL.search(author.findtext(_name("name")) or ""):
            yield "a mail address in a name"


def _name(tag: str) -> str:
    return f"{{{ATOM}}}{tag}"


# ── OPML ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _check_opml(document: _Document) -> Iterator[str]:
    if document.root.attrib != {"version": "2.0"} or [child.tag for child in document.root] != ["head", "body"]:
        yield "head and body"
        return
    head, body = document.root
    yield from _check_children(
        head, {"title", "dateModified", "ownerName"}, once={"title", "dateModified", "ownerName"}
    )
    yield from _check_rfc822(head.findtext("dateModified"), document.now)
    for tag in ("title", "ownerName"):
        yield from _check_html(head.findtext(tag) or "")
    if not len(body):
        yield "no outline"
    for outline in body.iter("outline"):
        yield from _check_outline(outline)


def _check_outline(outline: etree._Element) -> Iterator[str]:
    if unknown := set(outline.attrib) - _OUTLINE:
        yield f"attributes {unknown} of an outline"
    if (outline.text or "").strip():
        yield "text in an outline"
    if outline.get("type") is None:
        if set(outline.attrib) != {"text"}:
            yield "an outline without type"
    elif outline.get("type") != "rss" or not outline.get("xmlUrl") or not outline.get("title"):
        yield "an outline without address or title"
    if not (outline.get("text") or "").strip():
        yield "an outline without text"
    for name in ("text", "title", "description"):
        yield from _check_html(outline.get(name) or "")
    if outline.get("htmlUrl") is not None:
        yield from _check_uri(outline.get("htmlUrl") or "", "htmlUrl")
    if outline.get("language", "id") not in _LANGUAGES:
        yield "language of an outline"


# ── what they share ────────────────────────────────────────────────────────────────────────────────────────────────


def _check_children(parent: etree._Element, allowed: set[str], *, once: set[str]) -> Iterator[str]:
    counts = Counter(str(child.tag) for child in parent)
    for tag, count in counts.items():
        if tag not in allowed:
            yield f"{tag} in {parent.tag}"
        if tag in once and count > 1:
            yield f"{count} of {tag}"
    if (parent.text or "").strip():
        yield f"text in {parent.tag}"


def _check_needed(parent: etree._Element, needed: set[str]) -> Iterator[str]:
    for tag in sorted(needed - {str(child.tag) for child in parent}):
        yield f"{parent.tag} without {tag}"


def _check_attributes(element: etree._Element, expected: set[str]) -> Iterator[str]:
    if set(element.attrib) != expected:
        yield f"attributes of {element.tag}"


def _check_unique(values: Iterable[str | None], what: str) -> Iterator[str]:
    for value, count in Counter(values).items():
        if count > 1:
            yield f"{count} times {what} {value}"


def _check_plain(document: _Document, element: etree._Element | None, *, may_be_blank: bool = True) -> Iterator[str]:
    if element is None:
        return
    if not may_be_blank and not (element.text or "").strip():
        yield f"{element.tag} is blank"
    yield from _check_line(document, element, element.text or "")


def _check_line(document: _Document, element: etree._Element, text: str) -> Iterator[str]:
    """Plain text that looks like HTML has to be written with hexadecimal references, and closes no tag at all."""
    if re.search(r"</\w+>", text):
        yield f"{element.tag} holds an end tag"
    if "\n" in text or text != text.strip():
        yield f"{element.tag} is more than a line"
    if (_REFERENCE.search(text) or re.search(r"<[/a-zA-Z]", text)) and "&#x" not in document.get_line(element):
        yield f"{element.tag} looks like HTML"


def _check_uri(value: str, what: str) -> Iterator[str]:
    if not _URI.fullmatch(value):
        yield f"{what} is no full address: {value!r}"
    elif value.startswith("tag:") and not _TAG_URI.fullmatch(value):
        yield f"{what} is no tag URI: {value!r}"
    elif value.partition(":")[0] not in {"http", "https", "tag"}:
        yield f"scheme of {what}"


def _check_links(document: _Document, links: list[etree._Element]) -> Iterator[str]:
    yield from _check_hrefs(links)
    selves = [link for link in links if link.get("rel") == "self"]
    if [link.get("href") for link in selves] != [document.url]:
        yield "self is not where it is served"
    if any(link.get("type") not in _FEED_TYPES for link in selves):
        yield "type of self"
    alternates = [link.get("type") for link in links if link.get("rel") == "alternate"]
    yield from _check_unique(alternates, "alternate of type")
    for link in links:
        rel = link.get("rel")
        if rel not in _RELATIONS | _HISTORY_RELATIONS:
            yield f"relation {rel}"
        if link.get("href") == document.url and rel in {"prev-archive", "next-archive", "next", "previous"}:
            yield f"{rel} of itself"


def _check_hrefs(links: list[etree._Element]) -> Iterator[str]:
    for link in links:
        yield from _check_uri(link.get("href") or "", "href")
        if link.get("type") is not None and not _MEDIA_TYPE.fullmatch(link.get("type") or ""):
            yield "media type"
        if set(link.attrib) - {"rel", "href", "type", "title"} or len(link) or link.text:
            yield "attributes of a link"


def _check_rfc822(text: str | None, now: datetime) -> Iterator[str]:
    if text is None:
        return
    if not _RFC_822.fullmatch(text):
        yield f"date {text!r}"
        return
    at = parsedate_to_datetime(text)
    if at.strftime("%a") != text[:3]:
        yield f"day of the week of {text!r}"
    yield from _check_plausible(at, now)


def _check_rfc3339(text: str | None, now: datetime) -> Iterator[str]:
    if not text or not _RFC_3339.fullmatch(text):
        yield f"date {text!r}"
    else:
        yield from _check_plausible(datetime.fromisoformat(text), now)


def _check_plausible(at: datetime, now: datetime) -> Iterator[str]:
    if at.year < 1990 or at > now + timedelta(minutes=10):
        yield f"implausible date {at}"


def _check_html(text: str) -> Iterator[str]:
    reader = _HtmlReader()
    reader.feed(text)
    reader.close()
    yield from reader.faults
    if reader.open_tags:
        yield f"HTML: {reader.open_tags} not closed"
    bare = re.sub(r"&(?:amp|lt|gt|quot|nbsp|#\d+);", "", text)
    if re.search(r"&[\w#]", bare) or re.search(r"<(?![/a-z])", bare):
        yield "HTML: something is not escaped"


class _HtmlReader(HTMLParser):
    """Reads a fragment and notes what a browser would have to guess, and what it would not show."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open_tags: list[str] = []
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _HTML_TAGS:
            self.faults.append(f"HTML: <{tag}>")
        if tag in {"p", "a"} and tag in self.open_tags:
            self.faults.append(f"HTML: <{tag}> in <{tag}>")
        if tag != "br":
            self.open_tags.append(tag)
        for name, value in attrs:
            if name not in _HTML_ATTRIBUTES or (name == "href" and not re.match(r"https?://", value or "")):
                self.faults.append(f"HTML: {name}={value!r}")

    def handle_endtag(self, tag: str) -> None:
        if not self.open_tags or self.open_tags.pop() != tag:
            self.faults.append(f"HTML: </{tag}>")

    def handle_comment(self, data: str) -> None:
        self.faults.append("HTML: a comment")

    def handle_decl(self, decl: str) -> None:
        self.faults.append("HTML: a declaration")

    def handle_pi(self, data: str) -> None:
        self.faults.append("HTML: an instruction")
