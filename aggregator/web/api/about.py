"""What the API and the database say of themselves."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from aggregator.instants import to_text
from aggregator.web.api import parameters as given
from aggregator.web.api.about_models import Column, Counts, DatabaseSchema, Index, Label, Labels, Relation
from aggregator.web.api.desk import ROOT, ApiDesk

VERSION = "1.0"  # the second number grows with each new member or parameter; the first is in the address
LISTS = (
    *("articles", "news", "stories", "topics", "cities", "provinces", "komwil", "sources"),
    *("coverage", "pickups", "schema", "labels"),
)
_SCHEMA_VERSION = "schema_version"


class IndexEndpoints:
    def __init__(self, desk: ApiDesk) -> None:
        self._desk = desk

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("", self.get_index, response_model=Index, operation_id="get_index")

    def get_index(self, request: Request, lang: given.Lang = "id") -> Response:
        """Where to begin."""
        context = self._desk.context
        with self._desk.read() as store:
            news, articles, sources = store.count_everything()
            finished = store.get_pulse(context.clock()).last_cycle_finished_at
        locate, root = context.site.locate, ROOT[1:]
        index = Index(
            name=context.site.name,
            version=VERSION,
            openapi=locate(f"{root}/openapi.json"),
            documentation=locate("api"),
            links={name: locate(f"{root}/{name}") for name in LISTS},
            counts=Counts(news=news, articles=articles, sources=sources),
            last_cycle_finished_at=to_text(finished) if finished else None,
            licence=context.get_texts(request)["api_licence"],
        )
        return self._desk.answer(request, index)


class SchemaEndpoints:
    def __init__(self, desk: ApiDesk) -> None:
        self._desk = desk

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/schema", self.get_schema, response_model=DatabaseSchema, operation_id="get_schema")
        router.add_api_route("/labels", self.list_labels, response_model=Labels, operation_id="list_labels")

    def get_schema(self, request: Request, lang: given.Lang = "id") -> Response:
        """Every table and view of the database, and what its columns mean."""
        with self._desk.read() as store:
            version = store.get_info().get(_SCHEMA_VERSION)
            relations = store.get_schema_docs()
        schema = DatabaseSchema(
            version=version,
            relations=[
                Relation(
                    name=each.name,
                    kind=each.kind,
                    description=each.comment,
                    columns=[
                        Column(name=column.name, type=column.type, description=column.comment)
                        for column in each.columns
                    ],
                )
                for each in relations
            ],
        )
        return self._desk.answer(request, schema)

    def list_labels(self, request: Request, kind: given.LabelKind = None, lang: given.Lang = "id") -> Response:
        """What values are called, in Indonesian and in English."""
        with self._desk.read() as store:
            rows = store.list_labels(kind or "")
        return self._desk.answer(request, Labels(items=[Label(**row) for row in rows]))
