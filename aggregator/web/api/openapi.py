"""The OpenAPI 3.1 document: what FastAPI makes of the endpoints, with our words, examples and problems. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from aggregator.models import Language
from aggregator.web.api.models import Problem
from aggregator.web.api.problems import MEDIA_TYPE, STATUSES, ProblemKind
from aggregator.web.site import SiteInfo
from aggregator.web.texts import Texts, get_texts

Document = dict[str, Any]
OPENAPI = "3.1.0"
_ONE = frozenset({"get_article", "get_news", "get_story", "get_source"})  # operations on what may not be there
_LEADING = frozenset({"get_news", "get_story"})  # that may lead to another
_FOLLOWED = frozenset({"list_articles", "list_news"})
_HEADERS = {
    "ETag": {"description": "for If-None-Match", "schema": {"type": "string"}},
    "Cache-Control": {"schema": {"type": "string"}},
}
_LINK = {"Link": {"description": 'rel="next"', "schema": {"type": "string"}}}


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiDocument:
    """The document, and as it is sent."""

    document: Document
    body: bytes


_bare: dict[str, Document] = {}
_documents: dict[tuple[str, SiteInfo, Language], ApiDocument] = {}


def describe_api(
    list_routes: Callable[[], Sequence[BaseRoute]], version: str, site: SiteInfo, language: Language
) -> ApiDocument:
    """All of it in that language; one at a time. What FastAPI makes of the routes is made once."""
    key = (version, site, language)
    if key not in _documents:
        if version not in _bare:
            _bare[version] = get_openapi(
                title="",
                version=version,
                openapi_version=OPENAPI,
                routes=list_routes(),
                separate_input_output_schemas=False,
            )
        _documents[key] = _dress(deepcopy(_bare[version]), site, get_texts(language))
    return _documents[key]


def _dress(document: Document, site: SiteInfo, texts: Texts) -> ApiDocument:
    document["info"] |= {
        "title": f"{site.name}: API",
        "summary": texts["api_summary"],
        "description": "\n\n".join(texts["api_description"]),
        "contact": _make_contact(site),
        "license": {"name": texts["api_licence"], **({"url": site.locate("data#lisensi")} if site.url else {})},
    }
    document["servers"] = [{"url": site.url.rstrip("/") or "/"}]
    schemas = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    for path in document["paths"].values():
        _describe_operation(path["get"], texts, site)
    _drop_titles(schemas)
    return ApiDocument(document=document, body=json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())


@cache
def load_examples() -> Mapping[str, Any]:
    """`parameters` by name, `responses` by operation."""
    found: Mapping[str, Any] = json.loads(files(__package__).joinpath("examples.json").read_text(encoding="utf-8"))
    return found


def _make_contact(site: SiteInfo) -> dict[str, str]:
    contact = {"name": site.operator or site.name}
    if site.contact_url.startswith(("http://", "https://")):
        contact["url"] = site.contact_url
    elif site.contact:
        contact["email"] = site.contact
    return contact


def _describe_operation(operation: Document, texts: Texts, site: SiteInfo) -> None:
    name = operation["operationId"]
    summary, description = texts["api_operations"][name]
    operation["summary"], operation["description"] = summary, description
    for parameter in operation.get("parameters", ()):
        _describe_parameter(parameter, name, texts)
    found = operation["responses"]
    found.pop("422", None)
    answer = found["200"]
    answer["description"] = texts["api_answers"]["200"]
    answer["headers"] = _HEADERS | (_LINK if "cursor" in {each["name"] for each in operation["parameters"]} else {})
    answer["content"]["application/json"]["example"] = load_examples()["responses"].get(name)
    for status, kinds in sorted(_list_problems(name).items()):
        found[str(status)] = _describe_problem(status, kinds, texts, site)
    found["304"] = {"description": texts["api_answers"]["304"]}
    if name in _LEADING:
        headers = {"Location": {"schema": {"type": "string", "format": "uri-reference"}}}
        found["308"] = {"description": texts["api_answers"]["308"], "headers": headers}


def _describe_parameter(parameter: Document, operation: str, texts: Texts) -> None:
    name = parameter["name"]
    words = texts["api_parameters"]
    parameter["description"] = words.get(f"{operation}.{name}") or words[name]
    examples = load_examples()["parameters"]
    parameter["example"] = examples.get(f"{operation}.{name}", examples.get(name))
    schema = parameter["schema"]
    variants = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    if len(variants) == 1:  # what is not given is not null
        schema = {**variants[0], **{key: value for key, value in schema.items() if key == "default"}}
    schema.pop("title", None)
    parameter["schema"] = schema


def _list_problems(operation: str) -> dict[int, list[ProblemKind]]:
    kinds = [ProblemKind.BAD_PARAMETER, ProblemKind.NOT_YET, ProblemKind.CROWDED, ProblemKind.TROUBLE]
    kinds += [ProblemKind.NOT_FOUND] if operation in _ONE else []
    kinds += [ProblemKind.GONE] if operation in _LEADING else []
    kinds += [ProblemKind.STALE_COPY] if operation in _FOLLOWED else []
    found: dict[int, list[ProblemKind]] = {}
    for kind in kinds:
        found.setdefault(STATUSES[kind], []).append(kind)
    return found


def _describe_problem(status: int, kinds: list[ProblemKind], texts: Texts, site: SiteInfo) -> Document:
    example = {
        "type": f"{site.locate('api')}#{kinds[0].value}",
        "title": texts["api_problems"][kinds[0].value],
        "status": status,
        "detail": texts["api_details"][kinds[0].value],
    }
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}}
    answer: Document = {
        "description": "; ".join(texts["api_problems"][kind.value] for kind in kinds),
        "content": content,
    }
    if status == 503:
        answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return answer


def _drop_titles(schemas: Document) -> None:
    """Made of the names, which stand there anyway."""
    for schema in _walk(schemas):
        if isinstance(schema.get("title"), str):
            del schema["title"]


def _walk(node: Any) -> Iterator[Document]:
    if isinstance(node, dict):
        if "type" in node or "anyOf" in node or "$ref" in node or "properties" in node:
            yield node
        for key, child in node.items():
            yield from _walk(child) if key != "properties" else _walk_all(child)
    elif isinstance(node, list):
        for child in node:
            yield from _walk(child)


def _walk_all(properties: Document) -> Iterator[Document]:
    for child in properties.values():
        yield from _walk(child)
