"""The sample portals as one web application: the Host header says which portal is asked."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Host, Route, Router

from aggregator.web.conditional import format_http_date, is_not_modified
from schedules.demo.channels import CHANNELS, GZIP, HTML, Channel, Content, Query, answer_home
from schedules.demo.pages import render, render_post
from schedules.demo.posts import Edition, Post, make_editions

Endpoint = Callable[[Request], Awaitable[Response]]


def create_portals_app(now: datetime, port: int, moment: datetime | None = None) -> Starlette:
    """The portals as they stand at `now` (aware), each at `http://<slug>.localhost:<port>/`; other hosts are 404.

    `moment`: some time before it, at which they are shown instead.
    """
    editions = make_editions(now, port, moment)
    hosts = [Host(edition.portal.host, app=Router(routes=_route(edition))) for edition in editions.values()]
    return Starlette(routes=hosts, middleware=[Middleware(GZipMiddleware)])


def _route(edition: Edition) -> list[Route]:
    portal = edition.portal
    if edition.is_down:
        return [Route("/{path:path}", _serve_outage)]
    named = {path: CHANNELS[name] for path, name in portal.routes.items()}
    feed_of_home = named.pop("/?feed", answer_home)

    def answer_root(edition: Edition, query: Query) -> Content:
        return (feed_of_home if "feed" in query else answer_home)(edition, query)

    channels = {"/": answer_root, **named}
    return [
        *(Route(path, _serve_channel(edition, channel)) for path, channel in channels.items()),
        *(Route(post.path, _serve_post(edition, post)) for post in edition.posts),
        Route("/robots.txt", _serve_text(portal.robots, "text/plain")),
        Route("/gaya.css", _serve_text(render("style.css.j2", edition).decode(portal.charset), "text/css")),
        Route(
            "/gambar/{number}.svg",
            _serve_text(render("picture.svg.j2", edition).decode(portal.charset), "image/svg+xml"),
        ),
    ]


async def _serve_outage(request: Request) -> Response:
    return Response("Sedang dalam perbaikan.", status_code=503, media_type="text/plain")


def _serve_channel(edition: Edition, channel: Channel) -> Endpoint:
    async def serve(request: Request) -> Response:
        if edition.delay_seconds and request.url.path != "/":
            await asyncio.sleep(edition.delay_seconds)
        newest = max((post.changed for post in edition.posts), default=edition.now)
        return _answer(request, edition, channel(edition, request.query_params), newest)

    return serve


def _serve_post(edition: Edition, post: Post) -> Endpoint:
    async def serve(request: Request) -> Response:
        asked = request.query_params.get("page", "1")
        number = int(asked) if asked in map(str, range(1, post.page_count + 1)) else 1
        body = render_post(edition, post, number)
        return _answer(request, edition, Content(body=body, media_type=HTML), post.changed)

    return serve


def _serve_text(text: str, media_type: str) -> Endpoint:
    async def serve(request: Request) -> Response:
        return Response(text, media_type=media_type)

    return serve


def _answer(request: Request, edition: Edition, content: Content, modified: datetime) -> Response:
    """`content`, or 304 to whoever has it already."""
    charset = "" if content.media_type == GZIP else f"; charset={edition.portal.charset}"
    headers = {"Content-Type": content.media_type + charset, **content.headers}
    if content.status != 200:
        return Response(content.body, status_code=content.status, headers=headers)
    etag = f'"{hashlib.blake2b(content.body, digest_size=8).hexdigest()}"'
    changed = int(modified.timestamp())
    validators = {"ETag": etag, "Last-Modified": format_http_date(changed)}
    if is_not_modified(
        etag=etag,
        modified=changed,
        if_none_match=request.headers.get("if-none-match"),
        if_modified_since=request.headers.get("if-modified-since"),
    ):
        return Response(status_code=304, headers=validators)
    return Response(content.body, headers=headers | validators)
