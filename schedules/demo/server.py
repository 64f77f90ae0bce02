"""Runs the sample portals on loopback for as long as a `with` block lasts."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Thread

import uvicorn
from starlette.types import Receive, Scope, Send

from schedules.demo.app import create_portals_app
from schedules.demo.portals import CLOSED_PORT, PORT, read_catalogue
from schedules.demo.posts import Post, publish_posts

LOOPBACK = "127.0.0.1"
GOODBYE_SECONDS = 1  # for answers under way when the block ends; the slow portal's are cut off


@dataclass(frozen=True, kw_only=True, slots=True)
class PortalServer:
    """The portals while they run."""

    port: int
    closed_port: int  # nothing listens there: the portal that is down
    expectations: tuple[Post, ...]  # every article with its address, its date, and what should be made of it
    stand_at: Callable[[datetime], None]  # from now on they are as at that moment, which is not after the demo's

    def write_catalogue(self, path: Path) -> None:
        """Writes the catalogue (TOML) that lists these portals at their ports."""
        text = read_catalogue().replace(CLOSED_PORT, str(self.closed_port)).replace(PORT, str(self.port))
        path.write_text(text, encoding="utf-8")


class _Portals:
    """The application of the portals at a moment, which changes while they are served."""

    def __init__(self, now: datetime, port: int) -> None:
        self._now, self._port = now, port
        self.stand_at(now)

    def stand_at(self, moment: datetime) -> None:
        self._app = create_portals_app(self._now, self._port, moment)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


@contextmanager
def serve_portals(now: datetime, port: int = 0) -> Iterator[PortalServer]:
    """Serves the portals as they stand at `now` (aware) on 127.0.0.1; port 0 takes any that is free.

    Raises OSError when the port is taken. The socket listens before the thread starts, so that early requests wait
    instead of failing.
    """
    with socket.create_server((LOOPBACK, port)) as listening, socket.socket() as silent:
        silent.bind((LOOPBACK, 0))  # bound but not listening: connections are refused, and nobody else gets the port
        port = listening.getsockname()[1]
        portals = _Portals(now, port)
        server = uvicorn.Server(_configure(portals))
        thread = Thread(target=server.run, kwargs={"sockets": [listening]}, name="sample portals", daemon=True)
        thread.start()
        try:
            yield PortalServer(
                port=port,
                closed_port=silent.getsockname()[1],
                expectations=publish_posts(now, port),
                stand_at=portals.stand_at,
            )
        finally:
            server.should_exit = True
            thread.join()


def _configure(portals: _Portals) -> uvicorn.Config:
    return uvicorn.Config(
        portals,
        log_config=None,  # logging belongs to the program that runs the demo
        access_log=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=GOODBYE_SECONDS,
    )
