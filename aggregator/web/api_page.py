"""What the page of the API shows: its OpenAPI document in words. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from aggregator.web.api.openapi import Document
from aggregator.web.api.problems import STATUSES, ProblemKind
from aggregator.web.links import make_link
from aggregator.web.site import SiteInfo
from aggregator.web.texts import Language, Texts

VALUES_MOST = 8  # of a choice that are named
_TRIED = {
    "list_articles": ("topic", "limit"),
    "list_news": ("q", "since", "limit"),
}
_NOT_TRIED = frozenset({"cursor", "changed_since", "lang", "source", "province", "komwil", "kind", "group", "archive"})


Pieces = tuple[tuple[str, bool], ...]  # of a text: each with whether it is code


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownParameter:
    name: str
    kind: str  # what values it takes
    description: str
    example: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownOperation:
    anchor: str
    path: str
    summary: str
    description: Pieces
    parameters: tuple[ShownParameter, ...]
    command: str
    example: str  # of an answer, as JSON


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownProblem:
    anchor: str
    title: str
    status: int
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiPage:
    document_url: str
    data_url: str
    root: str
    about: tuple[Pieces, ...]
    operations: tuple[ShownOperation, ...]
    copying: tuple[Pieces, ...]
    follow_start: str
    follow_on: str
    problems: tuple[ShownProblem, ...]


def build_api_page(document: Document, site: SiteInfo, texts: Texts) -> ApiPage:
    """`document`: in the language of the page."""
    paths = document["paths"]
    root, schemas = next(iter(paths)), document["components"]["schemas"]
    address = site.locate(f"{root[1:]}/news?changed_since=")
    return ApiPage(
        document_url=make_link(f"{root}/openapi.json", texts.language)
        if texts.language is Language.ENGLISH
        else f"{root}/openapi.json?lang=id",
        data_url=make_link("/data", texts.language),
        root=site.locate(root[1:]),
        about=tuple(map(_split_code, texts["api_description"])),
        operations=tuple(_show_operation(path, item["get"], schemas, site, texts) for path, item in paths.items()),
        copying=tuple(map(_split_code, texts["api_copies_text"])),
        follow_start=_write_command(f"{address}start&limit=200", site),
        follow_on=_write_command(f"{address}c.…&limit=200", site),
        problems=tuple(
            ShownProblem(
                anchor=kind.value,
                title=texts["api_problems"][kind.value],
                status=STATUSES[kind],
                detail=texts["api_details"][kind.value],
            )
            for kind in ProblemKind
        ),
    )


def _show_operation(path: str, operation: Document, schemas: Document, site: SiteInfo, texts: Texts) -> ShownOperation:
    parameters = operation["parameters"]
    answer = operation["responses"]["200"]["content"]["application/json"]["example"]
    return ShownOperation(
        anchor=operation["operationId"],
        path=path,
        summary=operation["summary"],
        description=_split_code(operation["description"]),
        parameters=tuple(_show_parameter(each, schemas, texts) for each in parameters if each["name"] != "lang"),
        command=_write_command(_make_address(path, operation["operationId"], parameters, site), site),
        example=json.dumps(answer, ensure_ascii=False, indent=2),
    )


def _split_code(text: str) -> Pieces:
    """What stands between backticks is code."""
    return tuple((piece, place % 2 == 1) for place, piece in enumerate(text.split("`")) if piece)


def _write_command(address: str, site: SiteInfo) -> str:
    """For a terminal; where our own address is not known, the line of the request."""
    return f"curl '{address}'" if site.url else f"GET {address}"


def _make_address(path: str, operation: str, parameters: list[Document], site: SiteInfo) -> str:
    """An address that asks for something."""
    examples = {each["name"]: each for each in parameters}
    for name, each in examples.items():
        if each["in"] == "path":
            path = path.replace(f"{{{name}}}", quote(str(each["example"]), safe=":,"))
    wanted = _TRIED.get(operation, [name for name in examples if name not in _NOT_TRIED])
    pairs = list(_list_pairs([examples[name] for name in wanted if examples[name]["in"] == "query"]))
    return site.locate(path[1:] + (f"?{urlencode(pairs)}" if pairs else ""))


def _list_pairs(parameters: list[Document]) -> Iterator[tuple[str, str]]:
    for each in parameters:
        example = each["example"]
        for value in example if isinstance(example, list) else [example]:
            yield each["name"], str(value)


def _show_parameter(parameter: Document, schemas: Document, texts: Texts) -> ShownParameter:
    example = parameter["example"]
    return ShownParameter(
        name=parameter["name"],
        kind=_tell_kind(parameter["schema"], schemas, texts),
        description=parameter["description"],
        example=", ".join(map(str, example)) if isinstance(example, list) else str(example),
    )


def _tell_kind(schema: Document, schemas: Document, texts: Texts) -> str:
    """E.g. "number from 1 to 200, default: 50"."""
    usual = texts["api_usual"].format(value=schema["default"]) if "default" in schema else ""
    return ", ".join(filter(None, (_tell_values(schema, schemas, texts), usual)))


def _tell_values(schema: Document, schemas: Document, texts: Texts) -> str:
    if "$ref" in schema:
        return _tell_values(schemas[schema["$ref"].rpartition("/")[2]], schemas, texts)
    if schema.get("type") == "array":
        return str(texts["api_several"].format(kind=_tell_values(schema["items"], schemas, texts)))
    values: list[Any] = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    if values:
        return " / ".join(map(str, values[:VALUES_MOST]))
    if schema.get("type") == "integer":
        bounded = schema.get("maximum", 2**63) < 2**32
        key = "api_number_between" if bounded else "api_number"
        return str(texts[key].format(least=schema.get("minimum"), most=schema.get("maximum")))
    return str(texts["api_text"])
