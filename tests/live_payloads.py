"""What of a hostile portal is still alive in what we publish or print: a walk over every file, page, table and line.

`find_live_payloads` takes a folder of published files, or the bytes of one document whatever it is, and says what a
browser, a feed reader, a program of tables or a terminal would run, load, obey or choke on; nothing where all is sound.
It knows nothing of any attack: it reads documents as those who are attacked would.
"""

from __future__ import annotations

import csv
import gzip
import html
import io
import json
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

from lxml import etree
from lxml import html as lxml_html
from markdown_it import MarkdownIt

# Elements that a portal's words may stand in.
_FRAGMENT_TAGS = frozenset(
    {
        "a",
        "b",
        "blockquote",
        "br",
        "div",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "hr",
        "i",
        "li",
        "ol",
        "p",
        "span",
        "strong",
        "ul",
    }
)
# What none of our pages has either. `script` is judged by where it comes from.
_NEVER = frozenset(
    {"applet", "base", "bgsound", "embed", "frame", "frameset", "iframe", "isindex", "marquee", "math", "noembed"}
    | {"foreignobject", "noframes", "object", "plaintext", "portal", "style", "template", "xmp", "animate", "set"}
)
_ADDRESSES = frozenset(
    {"action", "background", "cite", "codebase", "data", "formaction", "href", "icon", "longdesc", "manifest", "ping"}
    | {"poster", "profile", "src", "usemap", "xlink:href", "from", "to"}
)
_LOADING = frozenset({"stylesheet", "import", "preload", "modulepreload"})
_SCHEMES = frozenset({"", "http", "https", "mailto"})
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
_DROPPED_BY_BROWSERS = re.compile("[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_STYLE = re.compile(r"url\(|expression|javascript|@import|behavior|binding", re.IGNORECASE)
_INNER = re.compile(r"url\(\s*['\"]?(?!#)", re.IGNORECASE)
# C0 but tab, line feed and carriage return; DEL; C1; lone surrogates; what turns a line around, or hides.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20\t\r]")
_NUMBER = re.compile(r"[+-]?\d[\d.,]*(?:[eE][+-]?\d+)?%?")
_FILE_NAME = re.compile(r"\.?[A-Za-z0-9][A-Za-z0-9._-]*")
_LINK_KEYS = re.compile(r"(?:url|link|href|image|icon|favicon|avatar|banner_image)s?$|_url$")
_FEED_HTML = frozenset({"description", "encoded", "summary", "content"})
_FEED_LINES = frozenset({"title", "creator", "name", "author", "category", "guid", "id"})


def find_live_payloads(published: Path | bytes, *, suffix: str = "", styles: int = 0) -> list[str]:
    """Each fault as "where: what"; `published` is a folder, or the bytes of a document.

    `suffix`: of what kind it is where its first characters do not tell, such as ".txt"; `styles`: how many `<style>`
    are our own, as letters have one.
    """
    if isinstance(published, bytes):
        faults = [*_check_document(published, suffix, "document")]
        is_ours = published.lower().count(b"<style") == styles
        return [fault for fault in faults if not (is_ours and fault == "document: <style>")]
    faults: list[str] = []
    for path in sorted(published.rglob("*")):
        name = str(path.relative_to(published))
        faults += [f"{name!r}: the name" for part in path.relative_to(published).parts if not _is_plain_name(part)]
        if path.is_symlink():
            faults.append(f"{name}: a link")
        elif path.is_file():
            faults += _check_file(path, name)
    return faults


def find_unprintable(text: str) -> list[str]:
    """What of lines a terminal would obey: controls, and marks that turn a line around."""
    return [f"line {number}: {line[:120]!r}" for number, line in enumerate(text.split("\n"), 1) if _is_obeyed(line)]


def find_formulas(table: bytes, delimiter: str = ",") -> list[str]:
    """Cells of a CSV that a program of tables runs."""
    rows = csv.reader(io.StringIO(table.decode("utf-8-sig"), newline=""), delimiter=delimiter)
    return [
        f"cell {cell[:60]!r} in row {number}"
        for number, row in enumerate(rows)
        for cell in row
        if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell)
    ]


def find_live_html(page: str, *, is_fragment: bool = True) -> list[str]:
    """What a browser would run or load of HTML: a fragment with a portal's words in it, or a whole page of ours."""
    faults = list(_walk_tags(page, is_fragment=is_fragment))
    reader = _Reader(is_fragment=is_fragment)
    reader.feed(page)
    reader.close()
    return list(dict.fromkeys((*faults, *reader.faults)))


# ── files ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _is_plain_name(name: str) -> bool:
    return _FILE_NAME.fullmatch(name) is not None and ".." not in name


def _check_file(path: Path, name: str) -> Iterator[str]:
    if path.suffix in {".db", ".sqlite"}:
        yield from _check_database(path, name)
    elif path.suffix in {".br", ".zst", ".parquet"}:  # the same as the file beside it
        return
    elif path.suffix == ".gz":
        if not name.endswith(".db.gz"):
            yield from _check_document(gzip.decompress(path.read_bytes()), Path(path.stem).suffix, name)
    else:
        yield from _check_document(path.read_bytes(), path.suffix, name)


def _check_database(path: Path, name: str) -> Iterator[str]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        tables = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%'")
        for (table,) in tables.fetchall():
            for row in database.execute(f'SELECT * FROM "{table}"'):
                for value in row:
                    if isinstance(value, str) and _CONTROLS.search(value):
                        yield f"{name}: {table}: controls in {value[:80]!r}"


def _check_document(body: bytes, suffix: str, name: str) -> Iterator[str]:
    if body.startswith(b"PK\x03\x04"):
        yield from _check_package(body, name)
        return
    if body.startswith((b"\x89PNG", b"\x00\x00\x01\x00", b"wOF2")):
        return
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        yield f"{name}: not UTF-8 ({error})"
        return
    if found := _CONTROLS.search(text) or (_TURNING.search(text) if suffix != ".js" else None):
        yield f"{name}: the character {found[0]!r}"
    head = text[:300].lstrip().lower()
    if suffix in {".js", ".css", ".txt", ".md", ".sql", ".toml"}:
        return
    if suffix == ".csv":
        faults: list[str] = find_formulas(body)
    elif head.startswith(("<!doctype html", "<html")):
        faults = find_live_html(text, is_fragment=False)
    elif head.startswith("<"):
        faults = list(_check_xml(body))
    elif head.startswith(("{", "[")):
        faults = list(_check_json(text))
    else:
        faults = []
    yield from (f"{name}: {fault}" for fault in faults)


def _check_package(body: bytes, name: str) -> Iterator[str]:
    """A DOCX: every part is XML, and what it refers to is on the web or in it."""
    with zipfile.ZipFile(io.BytesIO(body)) as package:
        for part in package.namelist():
            if ".." in part or part.startswith("/"):
                yield f"{name}: {part!r}: the name"
            if re.search(r"vba|\.bin$|activeX|embeddings|attachedTemplate", part, re.IGNORECASE):
                yield f"{name}: {part}: runs or holds something"
            if not part.endswith((".xml", ".rels")):
                continue
            root = _parse_xml(package.read(part))
            for text in root.itertext():
                if _CONTROLS.search(text) or _TURNING.search(text):
                    yield f"{name}: {part}: controls in {text[:80]!r}"
            for target in root.xpath("//@Target[../@TargetMode='External']"):
                if urlsplit(str(target)).scheme not in {"http", "https", "mailto"}:
                    yield f"{name}: {part}: leads to {target!r}"
            for field in root.xpath("//*[local-name()='instrText']/text() | //@*[local-name()='instr']"):
                if not re.fullmatch(r"\s*(?:PAGE|NUMPAGES)\s*(?:\\\* \w+)?\s*", str(field)):
                    yield f"{name}: {part}: the field {field!r}"


# ── XML and JSON ───────────────────────────────────────────────────────────────────────────────────────────────────


def _parse_xml(body: bytes) -> etree._Element:
    return etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True))


def _check_xml(body: bytes) -> Iterator[str]:
    try:
        root = _parse_xml(body)
    except etree.XMLSyntaxError as error:
        yield f"ill-formed: {error}"
        return
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        yield "a document type"
    is_picture = etree.QName(root).localname == "svg"
    for element in root.iter("*"):
        local = etree.QName(element).localname
        if local == "script" or (not is_picture and etree.QName(element).namespace == "http://www.w3.org/1999/xhtml"):
            yield f"<{local}> in it"
        for key, value in element.attrib.items():
            attribute = etree.QName(key).localname
            if attribute in _ADDRESSES | {"url", "xmlUrl", "htmlUrl"} and not is_picture:
                yield from _check_address(str(value))
            if attribute.startswith("on"):
                yield f"the handler {attribute}"
        text = element.text or ""
        if local in {"link", "url", "icon", "logo", "uri", "comments", "docs"}:
            yield from _check_address(text)
        is_html = element.get("type", "html" if local in _FEED_HTML else "") in {"html", "text/html"}
        if is_html and local in _FEED_HTML | _FEED_LINES:
            yield from (f"<{local}>: {fault}" for fault in find_live_html(text))
        if local in _FEED_LINES and "\n" in text.strip():
            yield f"<{local}>: several lines"
    for node in root.xpath("//processing-instruction()"):
        if node.target != "xml-stylesheet":
            yield f"the instruction {node.target}"


def _check_json(text: str) -> Iterator[str]:
    try:
        yield from _walk_json(json.loads(text, parse_constant=_refuse), "")
    except ValueError as error:
        yield f"no JSON: {error}"


def _refuse(constant: str) -> object:
    raise ValueError(constant)


def _walk_json(value: object, key: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _walk_json(each, str(name))
    elif isinstance(value, list):
        for each in value:
            yield from _walk_json(each, key)
    elif isinstance(value, str):
        if _CONTROLS.search(value) or _TURNING.search(value):
            yield f"{key}: controls in {value[:80]!r}"
        if key.endswith("_html"):
            yield from (f"{key}: {fault}" for fault in find_live_html(value))
        elif _LINK_KEYS.search(key):
            yield from (f"{key}: {fault}" for fault in _check_address(value))


# ── HTML ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _check_address(value: str) -> Iterator[str]:
    """By the scheme that a browser sees once it has dropped what it drops."""
    plain = _DROPPED_BY_BROWSERS.sub("", html.unescape(value))
    found = _SCHEME.match(plain)
    if found and found[1].lower() not in _SCHEMES:
        yield f"the address {value[:80]!r}"
    if "\n" in value.strip() or "\r" in value:
        yield f"several lines in the address {value[:80]!r}"


def _check_tag(tag: str, attributes: list[tuple[str, str]], *, is_fragment: bool) -> Iterator[str]:
    names = dict(attributes)
    if tag in _NEVER or (is_fragment and tag not in _FRAGMENT_TAGS) or (tag == "meta" and "http-equiv" in names):
        yield f"<{tag}>"
    source = names.get("src" if tag == "script" else "href", "")
    if (tag == "script" or (tag == "link" and names.get("rel") in _LOADING)) and not source.startswith("/static/"):
        yield f"<{tag}> of {source!r}"
    yield from _check_attributes(tag, attributes)


def _check_attributes(tag: str, attributes: list[tuple[str, str]]) -> Iterator[str]:
    for name, value in attributes:
        if name.startswith("on") or name in {"srcdoc", "is"}:
            yield f"the attribute {name}={value[:60]!r} of <{tag}>"
        elif name in _ADDRESSES:
            yield from _check_address(value)
        elif name == "srcset":
            for part in value.split(","):
                yield from _check_address(part.strip())
        elif name == "style" and _STYLE.search(value):
            yield f"the style {value[:60]!r} of <{tag}>"
        elif _INNER.search(value) and name in {"fill", "filter", "mask", "clip-path", "stroke"}:
            yield f"{name}={value[:60]!r} of <{tag}>"


def _walk_tags(page: str, *, is_fragment: bool) -> Iterator[str]:
    """As libxml2 reads it."""
    if not page.strip():
        return
    root = lxml_html.fragment_fromstring(page, create_parent="div") if is_fragment else lxml_html.fromstring(page)
    for element in root.iter():
        if isinstance(element.tag, str) and element is not root:
            attributes = [(str(name).lower(), str(value)) for name, value in element.attrib.items()]
            yield from _check_tag(element.tag.lower(), attributes, is_fragment=is_fragment)
        elif element is not root and is_fragment:
            yield "a comment or an instruction"


class _Reader(HTMLParser):
    """As Python's own parser reads it, which sees tags elsewhere than libxml2 does."""

    def __init__(self, *, is_fragment: bool) -> None:
        super().__init__(convert_charrefs=True)
        self._is_fragment = is_fragment
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = [(name.lower(), value or "") for name, value in attrs]
        self.faults += _check_tag(tag.lower(), attributes, is_fragment=self._is_fragment)

    def handle_pi(self, data: str) -> None:
        self.faults.append(f"an instruction {data[:40]!r}")


# ── lines ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _is_obeyed(line: str) -> bool:
    return bool(_CONTROLS.search(line) or _TURNING.search(line) or "\r" in line)


def find_live_markdown(text: str) -> list[str]:
    """As a program shows it that lets HTML and any address pass."""
    reader = MarkdownIt("commonmark", {"html": True})
    reader.validateLink = lambda url: True  # type: ignore[method-assign]
    return find_live_html(reader.render(text))
