"""What of Datasette is asked over the web: before it answers, and what it answered. An ASGI application around it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote

from aggregator.analysis.csv_cells import disarm

FACETS_MOST = 10  # each is a question of its own
# Below /-/: the others tell of the machine, or are for whoever writes Datasette's pages.
_OPEN = frozenset({"static", "static-plugins", "kabarkota", "databases", "metadata", "settings"})
# Datasette's own pages have scripts and styles in them; nothing comes from elsewhere.
_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = [(b"content-security-policy", _POLICY.encode()), (b"x-content-type-options", b"nosniff")]


def put_gate(app: Any, base: str, fill_in: Callable[[str, bytes], bytes]) -> Any:
    """`base`: the path at which Datasette is shown; `fill_in`: of a path and a query, the query with its defaults."""

    async def answer(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        send = _add_headers(send)
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if refusal := judge(scope["path"].removeprefix(base).lstrip("/"), pairs):
            await _refuse(send, *refusal)
            return
        if scope["path"].endswith(".csv") or ("_format", "csv") in pairs:
            send = _gather(send)
        await app({**scope, "query_string": fill_in(scope["path"], scope["query_string"])}, receive, send)

    return answer


def judge(path: str, pairs: list[tuple[str, str]]) -> tuple[int, str] | None:
    """Status and reason where there is no answer."""
    first, _, rest = unquote(path).partition("/")
    if first == "-" and rest.partition("/")[0].partition(".")[0] not in _OPEN:
        return 404, "There is nothing at this address."
    if any("\0" in text for pair in pairs for text in pair):
        return 400, "A zero byte is in the address."
    if sum(key.startswith("_facet") for key, _ in pairs) > FACETS_MOST:
        return 400, f"At most {FACETS_MOST} facets at once."
    return None


async def _refuse(send: Any, status: int, reason: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": f"{reason}\n".encode()})


def _add_headers(send: Any) -> Any:
    async def send_on(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), *_HEADERS]}
        await send(message)

    return send_on


def _gather(send: Any) -> Any:
    """Sends on a table in CSV when it is whole, without formulas; all else as it is."""
    parts: list[bytes] = []
    is_table = False

    async def send_on(message: dict[str, Any]) -> None:
        nonlocal is_table
        if message["type"] == "http.response.start":
            headers = dict(message["headers"])
            is_table = headers.get(b"content-type", b"").startswith((b"text/plain", b"text/csv"))
            if is_table:
                kept = [pair for pair in message["headers"] if pair[0].lower() != b"content-length"]
                message = {**message, "headers": kept}
        elif is_table:
            parts.append(message.get("body", b""))
            if message.get("more_body"):
                return
            message = {**message, "body": await asyncio.to_thread(disarm, b"".join(parts))}
        await send(message)

    return send_on
