"""The style sheets, scripts and pictures of the pages, /static/…: from memory, compressed once.

The address on a page names the content (`templating.name_static_file`), so browsers keep what it gave for a year.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from aggregator.publish.twins import CODINGS, TWIN_FROM_BYTES
from aggregator.web.conditional import answer_unchanged, make_etag, rank_codings
from aggregator.web.templating import STATIC_FOLDER, name_static_file

YEAR_SECONDS = 365 * 86_400


@dataclass(frozen=True, kw_only=True, slots=True)
class _StaticFile:
    media_type: str
    address: str  # with the mark of its content
    bodies: Mapping[str, bytes]  # by coding; "" is the file itself


def show_static_file(request: Request) -> Response:
    """The file, or 304. Raises HTTPException 404 for one that is none of ours."""
    name = request.path_params["name"]
    if name not in _list_names():
        raise HTTPException(404)
    file = _read(name)
    coding = next(
        (each for each in rank_codings(request.headers.get("accept-encoding", "")) if each in file.bodies), ""
    )
    body = file.bodies[coding]
    is_marked = request.url.query == file.address.partition("?")[2]
    headers = {
        "etag": make_etag(body),
        "cache-control": f"public, max-age={YEAR_SECONDS}, immutable" if is_marked else "no-cache",
        "vary": "Accept-Encoding",
    }
    encoding = {"content-encoding": coding} if coding else {}
    return answer_unchanged(request, headers) or Response(body, headers=headers | encoding, media_type=file.media_type)


@cache
def _list_names() -> frozenset[str]:
    """Paths below the folder: what is not listed here is not looked for."""
    return frozenset(each.relative_to(STATIC_FOLDER).as_posix() for each in STATIC_FOLDER.rglob("*") if each.is_file())


@cache
def _read(name: str) -> _StaticFile:
    body = (STATIC_FOLDER / name).read_bytes()
    twins = {coding.name: coding.compress(body) for coding in CODINGS} if len(body) >= TWIN_FROM_BYTES else {}
    return _StaticFile(
        media_type=mimetypes.guess_type(name)[0] or "application/octet-stream",
        address=name_static_file(name),
        bodies={"": body, **{coding: twin for coding, twin in twins.items() if len(twin) < len(body)}},
    )
