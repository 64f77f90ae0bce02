"""What is said where there is no answer: problem details (RFC 9457), in Indonesian or English. Pure but for the log."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from aggregator.publish.wording import get_wording
from aggregator.store import StoreError
from aggregator.web.api.models import Problem
from aggregator.web.api.problems import MEDIA_TYPE, RETRY_SECONDS, SAID, STATUSES, ProblemError, ProblemKind, show_part
from aggregator.web.feed_desk import read_language
from aggregator.web.finding import BadQueryError, RefusalError, UnknownNameError
from aggregator.web.site import SiteInfo
from aggregator.web.texts import Texts, get_texts
from aggregator.web.turnstile import CrowdedError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Said:
    """What is said of a problem."""

    kind: ProblemKind
    detail: str
    parameter: str | None = None
    suggestions: Sequence[str] = ()


class ProblemDesk:
    """Answers in place of what went wrong. FastAPI calls it."""

    def __init__(self, site: SiteInfo) -> None:
        self._site = site

    def list_handlers(self) -> dict[type[Exception] | int, Any]:
        return {
            RequestValidationError: self.show_invalid,
            HTTPException: self.show_refused,
            ProblemError: self.show_problem,
            RefusalError: self.show_refusal,
            CrowdedError: self.show_crowded,
            StoreError: self.show_trouble,
            500: self.show_failure,
        }

    def show_problem(self, request: Request, error: ProblemError) -> Response:
        texts = _get_texts(request)
        values = dict(error.values)
        if error.detail == "unknown":  # it takes the name of a kind of feeds
            values["key"] = get_wording(texts.language)["nouns"].get(values["key"], values["key"])
        detail = texts["api_details"][error.detail or error.kind.value].format(**values)
        said = _Said(kind=error.kind, detail=detail, parameter=error.parameter, suggestions=error.suggestions)
        return self._answer(said, texts)

    def show_invalid(self, request: Request, error: RequestValidationError) -> Response:
        """The first parameter that FastAPI could not read."""
        texts, fault = _get_texts(request), error.errors()[0]
        place, name = fault["loc"][0], str(fault["loc"][1])
        if place == "path":
            return self.show_problem(request, ProblemError(ProblemKind.NOT_FOUND))
        return self._answer(_Said(kind=ProblemKind.BAD_PARAMETER, detail=_explain(fault, texts), parameter=name), texts)

    def show_refused(self, request: Request, error: HTTPException) -> Response:
        kind = next((kind for kind, status in STATUSES.items() if status == error.status_code), ProblemKind.NOT_FOUND)
        texts = _get_texts(request)
        said = _Said(kind=kind, detail=texts["api_details"][kind.value])
        return self._answer(said, texts, headers=error.headers or {})

    def show_refusal(self, request: Request, error: RefusalError) -> Response:
        """What a search cannot be made of: the words are those of feeds."""
        texts = _get_texts(request)
        if isinstance(error, UnknownNameError):
            noun = get_wording(texts.language)["nouns"].get(error.kind, error.kind)
            detail = texts["api_details"]["unknown"].format(value=show_part(error.slug), key=noun)
            said = _Said(kind=ProblemKind.UNKNOWN_NAME, detail=detail, parameter=error.kind, suggestions=error.near)
            return self._answer(said, texts)
        if isinstance(error, BadQueryError):
            parameter = error.key if error.key in request.query_params else None  # none: all of them together
            detail = show_part(f"{error.key}: {error.problem}" if parameter else error.problem, SAID)
            return self._answer(_Said(kind=ProblemKind.BAD_PARAMETER, detail=detail, parameter=parameter), texts)
        return self.show_problem(request, ProblemError(ProblemKind.NOT_YET))

    def show_crowded(self, request: Request, _error: CrowdedError) -> Response:
        return self.show_problem(request, ProblemError(ProblemKind.CROWDED))

    def show_trouble(self, request: Request, error: StoreError) -> Response:
        """The database cannot be read: for a moment, or until the operator sees the log."""
        logger.error("%s", error)
        return self.show_problem(request, ProblemError(ProblemKind.TROUBLE))

    def show_failure(self, request: Request, _error: Exception) -> Response:
        """A fault of ours; the server logs it."""
        return self.show_problem(request, ProblemError(ProblemKind.FAILURE))

    def _answer(self, said: _Said, texts: Texts, *, headers: Mapping[str, str] = {}) -> Response:
        status = STATUSES[said.kind]
        problem = Problem(
            type=f"{self._site.locate('api')}#{said.kind.value}",
            title=texts["api_problems"][said.kind.value],
            status=status,
            detail=said.detail,
            parameter=said.parameter,
            suggestions=[*said.suggestions] or None,
        )
        retry = {"retry-after": str(RETRY_SECONDS)} if status == 503 else {}
        body = problem.model_dump_json(exclude_none=True).encode()
        return Response(body, status, {**headers, **retry, "cache-control": "no-store"}, MEDIA_TYPE)


def _explain(fault: Mapping[str, Any], texts: Texts) -> str:
    """What is wrong with a value, by pydantic's name of the fault."""
    words, context = texts["api_faults"], fault.get("ctx", {})
    told = {name: show_part(str(value).replace("' or '", f"' {words['or']} '")) for name, value in context.items()}
    template = words.get(fault["type"], words["other"])
    return str(template).format_map({"expected": "", "ge": "", "le": "", "max_length": "", **told})


def _get_texts(request: Request) -> Texts:
    return get_texts(read_language(request))
