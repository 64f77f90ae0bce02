"""Sources as tables and OPML, for other programs. PURE: text in, text out.

A table (CSV or TSV) has a row for each source and holds all but selectors and pages of listings; search terms are the
source's there, not a channel's. OPML has the feeds alone, which is what feed readers understand. The catalogue's own
form, with everything, is TOML.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Literal

from lxml import etree

from aggregator.models import ChannelKind, Source
from crawler.catalogue.addresses import check_address, make_address_key, read_host
from crawler.catalogue.entries import parse_source
from crawler.catalogue.errors import CatalogueError
from crawler.catalogue.naming import make_slug
from crawler.channels.links import to_plain

Format = Literal["csv", "tsv", "opml"]

SEPARATOR = " ; "  # between several values of one cell
MAX_ENTRIES = 10_000
_TEXTS = (
    "name",
    "domain",
    "kind",
    "province",
    "city",
    "timezone",
    "language",
    "evidence",
    "profile",
    "ca_bundle",
    "note",
)
_FLAGS = ("enabled", "discovery", "full_text", "utc_is_local")
_CHANNELS = tuple(kind.value for kind in ChannelKind)
COLUMNS = ("id", *_TEXTS, *_FLAGS, "blackout", *_CHANNELS, "terms")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,200}\?>")
_FORMULA_SIGNS = ("=", "+", "-", "@")
_YES_NO = {"yes": True, "no": False}


def write_table(sources: Iterable[Source], delimiter: str) -> str:
    """The sources as a table with a header. A cell that a spreadsheet would run as a formula gets an apostrophe before
    it, which reading takes off again."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(_make_row, sources))
    return out.getvalue()


def write_opml(sources: Iterable[Source], *, title: str, now: datetime) -> str:
    """The feeds of the sources as OPML 2.0, grouped by province."""
    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = title
    etree.SubElement(head, "dateCreated").text = format_datetime(now)
    body = etree.SubElement(root, "body")
    groups: dict[str, etree._Element] = {}
    for source in sorted(sources, key=lambda source: (source.province or "Nasional", source.id)):
        for channel in source.channels:
            if channel.kind is ChannelKind.FEED:
                name = source.province or "Nasional"
                if name not in groups:
                    groups[name] = etree.SubElement(body, "outline", text=name)
                home = f"https://{source.domain}/"
                etree.SubElement(
                    groups[name], "outline", type="rss", text=source.name, xmlUrl=channel.url, htmlUrl=home
                )
    return etree.tostring(root, pretty_print=True, xml_declaration=True, encoding="UTF-8").decode()


def read_sources(content: str | bytes, form: Format, *, origin: str, taken: Collection[str] = ()) -> list[Source]:
    """The sources of a table or an OPML file (as bytes, for XML says its encoding itself).

    Ids that are missing are made up, none of `taken`. A separator of semicolons, as spreadsheets in Indonesia write
    them, is recognised.

    Raises CatalogueError naming the file, the row or outline, and the key; then nothing of it should be used.
    """
    if form == "opml":
        entries = _read_outlines(content, origin)
    else:
        text = content if isinstance(content, str) else content.decode("utf-8", "replace")
        text = text.removeprefix("\ufeff")
        header = text.partition("\n")[0]
        comma = ";" if header.count(";") > header.count(",") else ","
        entries = _read_rows(text, origin, "\t" if form == "tsv" else comma)
    used, addresses, sources = set(taken), dict[str, str](), list[Source]()
    own_ids: set[str] = set()
    for place, values in entries:
        source_id = values.pop("id", "") or make_slug(values.get("name", ""), values.get("domain", ""), used)
        source = parse_source(source_id, values, origin=f"{origin}: {place}")
        if source_id in own_ids:
            raise CatalogueError(f"{origin}: {place}: id: {source_id!r} stands in the file twice")
        for channel in source.channels:
            first = addresses.setdefault(make_address_key(channel.url), place)
            if first != place:
                raise CatalogueError(
                    f"{origin}: {place}: {channel.kind}: {channel.url!r} is the address of {first} too"
                )
        used.add(source_id)
        own_ids.add(source_id)
        sources.append(source)
        if len(sources) > MAX_ENTRIES:
            raise CatalogueError(f"{origin}: more than {MAX_ENTRIES} sources")
    if not sources:
        raise CatalogueError(f"{origin}: no source in it")
    return sources


# ── tables ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _make_row(source: Source) -> dict[str, str]:
    row = {name: str(getattr(source, name) or "") for name in ("id", *_TEXTS)}
    row |= {name: "yes" if getattr(source, name) else "no" for name in _FLAGS}
    row["blackout"] = SEPARATOR.join(source.blackout)
    for kind in _CHANNELS:
        row[kind] = SEPARATOR.join(channel.url for channel in source.channels if channel.kind == kind)
    terms = dict.fromkeys(term for channel in source.channels for term in channel.terms)
    row["terms"] = SEPARATOR.join(terms)
    return {name: _disarm(cell.replace("\r\n", "\n").replace("\r", "\n")) for name, cell in row.items()}


def _disarm(cell: str) -> str:
    return f"'{cell}" if cell.removeprefix("'").startswith(_FORMULA_SIGNS) else cell


def _arm(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell.removeprefix("'").startswith((*_FORMULA_SIGNS, "'")) else cell


def _read_rows(text: str, origin: str, delimiter: str) -> Iterator[tuple[str, dict[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = [name.strip() for name in reader.fieldnames or ()]
        reader.fieldnames = columns
        for name in columns:
            if name not in COLUMNS:
                raise CatalogueError(f"{origin}: row 1: {name[:40]!r}: no such column; known are {', '.join(COLUMNS)}")
            if columns.count(name) > 1:
                raise CatalogueError(f"{origin}: row 1: {name!r}: this column appears twice")
        for number, row in enumerate(reader, start=2):
            place = f"row {number}"
            if None in row or None in row.values():
                raise CatalogueError(f"{origin}: {place}: has another number of cells than the header")
            cells = {name: _arm(value.strip()) for name, value in row.items()}
            if any(cells.values()):
                yield place, _read_row(cells, f"{origin}: {place}")
    except csv.Error as error:
        raise CatalogueError(f"{origin}: line {reader.line_num}: {error}") from error


def _read_row(cells: Mapping[str, str], place: str) -> dict[str, Any]:
    values: dict[str, Any] = {name: cells[name] for name in ("id", *_TEXTS) if cells.get(name)}
    for name in _FLAGS:
        if cells.get(name):
            if cells[name].lower() not in _YES_NO:
                raise CatalogueError(f"{place}: {name}: must be yes or no, not {cells[name][:40]!r}")
            values[name] = _YES_NO[cells[name].lower()]
    if cells.get("blackout"):
        values["blackout"] = _split(cells["blackout"])
    terms = _split(cells.get("terms", ""))
    values["channels"] = [
        {"kind": kind, "url": url} | ({"terms": terms} if terms and kind == ChannelKind.WORDPRESS else {})
        for kind in _CHANNELS
        for url in _split(cells.get(kind, ""))
    ]
    return values


def _split(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(SEPARATOR) if part.strip()]


# ── OPML ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _read_outlines(content: str | bytes, origin: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """An entry for each domain; several feeds of one domain are one source's channels."""
    entries: dict[str, tuple[str, dict[str, Any]]] = {}
    seen: set[str] = set()
    for number, outline in enumerate(_parse_opml(content, origin), start=1):
        name = to_plain(outline.get("text") or outline.get("title") or "", 200)
        place = f"outline {number}" + (f" ({name[:60]})" if name else "")
        url = (outline.get("xmlUrl") or outline.get("xmlurl") or "").strip()
        try:
            feed_host = read_host(check_address(url))
        except ValueError as error:
            raise CatalogueError(f"{origin}: {place}: xmlUrl: {url[:60]!r}: {error}") from error
        domain = _read_home(outline.get("htmlUrl") or "") or feed_host.removeprefix("www.")
        if make_address_key(url) in seen:
            continue  # feed readers keep a feed under http and https, and in two folders
        seen.add(make_address_key(url))
        channel = {"kind": ChannelKind.FEED.value, "url": url}
        if domain in entries:
            entries[domain][1]["channels"].append(channel)
        else:
            entries[domain] = place, {"name": name or domain, "domain": domain, "channels": [channel]}
    yield from entries.values()


def _parse_opml(content: str | bytes, origin: str) -> Iterator[etree._Element]:
    """The outlines with an xmlUrl. No entity is resolved and nothing is fetched: the file may be anybody's."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, huge_tree=False)
    if isinstance(content, str):  # its declaration told the encoding of the bytes that it was
        content = _DECLARATION.sub("", content.removeprefix("\ufeff"), count=1).encode("utf-8", "replace")
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise CatalogueError(f"{origin}: not XML: {' '.join(str(error).split())[:150]}") from error
    if etree.QName(root).localname.lower() != "opml":
        raise CatalogueError(f"{origin}: not OPML: its root element is <{etree.QName(root).localname[:40]}>")
    for outline in root.iter("{*}outline"):
        if outline.get("xmlUrl") is not None or outline.get("xmlurl") is not None:
            yield outline


def _read_home(url: str) -> str:
    try:
        return read_host(check_address(url.strip())).removeprefix("www.")
    except ValueError:
        return ""
