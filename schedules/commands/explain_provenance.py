"""`kabarkota explain`: where each field of an article comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from aggregator.pages import PageFolder
from aggregator.store import Store

SHOWN = 60  # characters of what was written
_KEPT = {
    "same": "its bytes are kept",
    "other": "what is kept of it is another reading",
    "unknown": "its bytes are kept, their hash was not",
    "no": "its bytes are not kept (any more)",
}


def tell_provenance(store: Store, row: Mapping[str, Any], page_file: str, pages: PageFolder) -> dict[str, Any]:
    """`provenance`: each field with its value, the method that gave it, a detail and what was written, as in the view
    field_provenance; `page`: the bytes it was read from, and what is kept of them. '' and None: not known.

    `row` is an article's, or a rejected page's, of which there is less.
    """
    fields = [_name(*entry) for entry in _list_fields(row)]
    if "id" in row:
        fields += [_name(*entry) for entry in (*_list_topics(store, row["id"]), *_list_group(store, row))]
    return {"provenance": fields, "page": _tell_page(row, page_file, pages)}


def describe_provenance(told: Mapping[str, Any]) -> Iterator[str]:
    """The same for people."""
    yield "  where it comes from:"
    for entry in told["provenance"]:
        if entry["value"]:
            yield f"    {entry['field']:<10} {_describe(entry)}"
    page = told["page"]
    digest = f"sha256 {page['sha256']}, " if page["sha256"] else ""
    yield f"    {'page':<10} {digest}{_KEPT[page['kept']]}" + (f": {page['file']}" if page["file"] else "")


def _list_fields(row: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str, str]]:
    """Field, value, method, detail, raw."""
    profile = row.get("profile", "")
    author = row["author"] or row.get("byline", "")
    yield "title", row["title"], row.get("title_method", ""), profile, ""
    yield "author", author, row.get("author_method", ""), profile, row.get("byline", "")
    yield "published", row["published_at"], row["published_method"], row["published_precision"], row["published_raw"]
    yield "body", f"{len(row['text'])} characters", row["extraction_method"], profile, ""


def _list_topics(store: Store, article_id: int) -> Iterator[tuple[str, str, str, str, str]]:
    for match in store.get_matches(article_id)[0]:
        terms = dict.fromkeys(item["term"] for item in json.loads(match["evidence"]))
        yield "topic", match["topic"], ", ".join(terms), match.get("table_version", ""), match["evidence"]


def _list_group(store: Store, row: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str, str]]:
    if row["group_id"] is None:
        return
    group, canonical = str(row["group_id"]), store.get_canonical(row["group_id"])
    if canonical is not None and canonical["id"] == row["id"]:
        yield "group", group, "canonical", "", ""
    elif edge := store.find_joining(row["id"]):
        yield "group", group, edge["rule"], f"article {edge['other']}, score {edge['score']:g}", edge["url"]
    else:
        yield "group", group, "", "", ""


def _name(field: str, value: str, method: str, detail: str, raw: str) -> dict[str, str]:
    return {"field": field, "value": value, "method": method, "detail": detail, "raw": raw}


def _tell_page(row: Mapping[str, Any], page_file: str, pages: PageFolder) -> dict[str, Any]:
    known, kept = row.get("page_hash"), pages.read(page_file)
    if kept is None:
        state = "no"
    elif known is None:
        state = "unknown"
    else:
        state = "same" if sha256(kept).digest() == known else "other"
    return {"sha256": known.hex() if known else None, "file": page_file if kept is not None else "", "kept": state}


def _describe(entry: Mapping[str, str]) -> str:
    field, method, detail = entry["field"], entry["method"], entry["detail"]
    if field == "topic":
        return f"{entry['value']}: {method}" + (f" (table {detail})" if detail else "")
    if field == "group":
        return f"{entry['value']}, " + (
            f"by {method} with {detail}: {entry['raw']}" if detail else "for which it stands"
        )
    said = " ".join(entry["raw"].split())
    raw = f" from {said[:SHOWN]!r}" if said else ""
    more = f" ({detail})" if detail and (field == "published" or method == "profile") else ""
    return f"by {method}{more}{raw}" if method else f"not known: it was read by an earlier version{raw}"
