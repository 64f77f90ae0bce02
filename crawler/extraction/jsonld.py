"""What a page's JSON-LD says of its article (schema.org NewsArticle, Article, BlogPosting …). Pure.

Portals write it by hand: lists where objects are due, `@graph`, references by `@id`, control characters, trailing
commas, an Organization as author, quotes in a headline. Of what is no JSON, the strings that matter are looked for one
by one; what cannot be read is skipped; nothing raises.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from crawler.characters import unescape

# Bounds: one page of the development sets has 38 scripts, the largest holds 110 kB.
MAX_SCRIPT_CHARS = 500_000
MAX_OBJECTS = 2_000
MAX_VALUE_CHARS = 2_000
MAX_SALVAGED_CHARS = 30_000  # of a text that is no JSON; what matters stands before the body

_ARTICLE_TYPE = re.compile(r"(?:\w*Article|\w*Posting|Report|Review)", re.ASCII)
_PAGE_TYPES = frozenset({"WebPage", "ItemPage"})
_TRAILING_COMMA = re.compile(r",(?=\s*[\]}])")
# A string ends before the next key, or at the end of the object: there may be quotes in it.
_STRING_END = r'"\s{0,9}(?:,\s{0,9}"[@\w]{1,40}"\s{0,9}:|,?\s{0,9}[}\]])'
_SALVAGED_TYPE = re.compile(r'"@type"\s{0,9}:\s{0,9}\[?\s{0,9}"(\w*Article|\w*Posting)"', re.ASCII)
_SALVAGED = re.compile(
    rf'"(headline|datePublished|dateModified|description)"\s{{0,9}}:\s{{0,9}}"(.{{1,2000}}?)(?={_STRING_END})',
    re.DOTALL,
)
_SALVAGED_AUTHOR = re.compile(
    r'"author"\s{0,9}:\s{0,9}\[?\s{0,9}\{\s{0,9}(?:"@type"\s{0,9}:\s{0,9}"(\w{1,30})"\s{0,9},\s{0,9})?'
    r'"name"\s{0,9}:\s{0,9}"([^"]{1,200})"(?:\s{0,9},\s{0,9}"@type"\s{0,9}:\s{0,9}"(\w{1,30})")?'
)
_WRAPPING = re.compile(
    r"^\s*(?:<!--|//\s*<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/)|(?:-->|//\s*\]\]>|/\*\s*\]\]>\s*\*/|;)\s*$"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkedArticle:
    """The article object of a page's JSON-LD, as written; empty where nothing is said."""

    headline: str = ""
    description: str = ""
    published: str = ""
    modified: str = ""
    authors: tuple[str, ...] = ()  # persons and what is not said to be an organization
    persons: frozenset[str] = frozenset()  # of the authors, those that are said to be persons
    publisher: str = ""
    image: str = ""
    language: str = ""
    keywords: tuple[str, ...] = ()
    url: str = ""
    body: str = ""


def read_linked_article(scripts: list[str]) -> LinkedArticle:
    """The article described by the page's `application/ld+json` scripts. Dates come from the page object if need be."""
    objects = [found for script in scripts for found in _list_objects(_parse_script(script))][:MAX_OBJECTS]
    by_id = {name: item for item in objects if isinstance(name := item.get("@id"), str) and len(item) > 1}
    articles = [item for item in objects if any(_ARTICLE_TYPE.fullmatch(kind) for kind in _read_types(item))]
    pages = [item for item in objects if _PAGE_TYPES.intersection(_read_types(item))]
    # The fullest object: pages also list other articles, with little more than their headlines.
    article = max(articles, key=_count_facts, default={})
    page = pages[0] if pages else {}
    authors = tuple(_list_persons(article.get("author") or article.get("creator"), by_id))
    return LinkedArticle(
        headline=_read_text(article.get("headline")) or _read_text(article.get("name")),
        description=_read_text(article.get("description")),
        published=_read_text(article.get("datePublished")) or _read_text(page.get("datePublished")),
        modified=_read_text(article.get("dateModified")) or _read_text(page.get("dateModified")),
        authors=tuple(name for name, _ in authors),
        persons=frozenset(name for name, is_person in authors if is_person),
        publisher=_read_name(_resolve(article.get("publisher"), by_id)),
        image=_read_image(_resolve(article.get("image"), by_id)),
        language=_read_text(article.get("inLanguage")) or _read_text(page.get("inLanguage")),
        keywords=_read_keywords(article.get("keywords")),
        url=_read_text(article.get("url")) or _read_image(article.get("mainEntityOfPage")),
        body=body if isinstance(body := article.get("articleBody"), str) else "",
    )


def _parse_script(script: str) -> object:
    text = _WRAPPING.sub("", script[:MAX_SCRIPT_CHARS]).strip()
    for candidate in (text, _TRAILING_COMMA.sub("", text)):
        try:
            parsed: object = json.loads(candidate, strict=False)
        except (ValueError, RecursionError):  # RecursionError: a hundred thousand open brackets
            continue
        return parsed
    return _salvage(text)


def _salvage(text: str) -> object:
    """The article in a text that is no JSON: a quote or comma is missing, or one too many."""
    text = text[:MAX_SALVAGED_CHARS]
    kind = _SALVAGED_TYPE.search(text)
    if kind is None:
        return None
    item: dict[str, object] = {"@type": kind[1]}
    for name, value in _SALVAGED.findall(text):
        item.setdefault(name, _read_string(value))
    if author := _SALVAGED_AUTHOR.search(text):
        item["author"] = {"@type": author[1] or author[3] or "Person", "name": _read_string(author[2])}
    return item


def _read_string(value: str) -> str:
    """What a JSON string stands for, if it is one."""
    try:
        return str(json.loads(f'"{value}"', strict=False))
    except ValueError:
        return value.replace('\\"', '"').replace("\\/", "/")


def _list_objects(parsed: object) -> Iterator[dict[str, object]]:
    """Every object, however deep, outer ones first; bounded."""
    waiting = [parsed]
    for _ in range(MAX_OBJECTS):
        if not waiting:
            return
        value = waiting.pop(0)
        if isinstance(value, dict):
            yield value
            waiting += [inner for inner in value.values() if isinstance(inner, dict | list)]
        elif isinstance(value, list):
            waiting += value


def _count_facts(item: Mapping[str, object]) -> int:
    return sum(key in item for key in ("headline", "datePublished", "author", "image", "dateModified", "publisher"))


def _read_types(item: Mapping[str, object]) -> list[str]:
    kinds = item.get("@type")
    return [kind for kind in (kinds[:20] if isinstance(kinds, list) else [kinds]) if isinstance(kind, str)]


def _read_text(value: object) -> str:
    """A string, or the first string of a list, with entities read (portals escape them twice) and spaces folded."""
    if isinstance(value, list) and value:
        value = value[0]
    return " ".join(unescape(value[:MAX_VALUE_CHARS]).split()) if isinstance(value, str) else ""


def _resolve(value: object, by_id: Mapping[str, dict[str, object]]) -> object:
    """The object a reference stands for."""
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, dict) and set(value) <= {"@id", "@type"}:
        name = value.get("@id")
        return by_id.get(name, value) if isinstance(name, str) else value
    return value


def _read_name(value: object) -> str:
    return _read_text(value.get("name")) if isinstance(value, dict) else _read_text(value)


def list_names(value: object) -> Iterator[str]:
    """The persons that a string, an object with a name, or a list of these stands for."""
    yield from (name for name, _ in _list_persons(value, {}))


def _list_persons(value: object, by_id: Mapping[str, dict[str, object]]) -> Iterator[tuple[str, bool]]:
    """Names, and whether they are said to be persons'."""
    for entry in (value if isinstance(value, list) else [value])[:20]:
        person = _resolve(entry, by_id)
        kinds = "".join(_read_types(person)) if isinstance(person, dict) else ""
        if "Organization" not in kinds and (name := _read_name(person)):
            yield name, "Person" in kinds


def _read_image(value: object) -> str:
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, dict):
        value = value.get("url") or value.get("contentUrl") or value.get("@id")
    return _read_text(value)


def _read_keywords(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        value = value.split(",")
    return tuple(filter(None, map(_read_text, value[:50]))) if isinstance(value, list) else ()
