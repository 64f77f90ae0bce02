"""The server under the application: uvicorn, with bounds for many connections and for clients that do not read."""

from __future__ import annotations

import contextlib
import gc
import resource
import socket

import uvicorn
from starlette.types import ASGIApp

from aggregator.web.protocol import make_protocol
from aggregator.web.public_file import PublicFiles

FILES_MOST = 65_536  # connections, that is; what a process is usually given at first is 1,024
UNREAD_SECONDS = 60  # for so long a client may leave what it was sent unread
_START_FAILED = 3  # uvicorn's exit code


class Server(uvicorn.Server):
    """uvicorn's server. Connections inherit from the listening socket that the kernel ends those whose peer takes
    nothing any more: else each of them would hold its memory for ever."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for server in self.servers:
            for listening in server.sockets:
                listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_SECONDS * 1000)


def run_server(app: ASGIApp, *, host: str, port: int, files: PublicFiles) -> int:
    """Serves until it is told to stop; returns the exit code. The published `files` are those of `app`, too."""
    raise_file_limit()
    gc.freeze()  # what is loaded stays: full collections need not walk it, which takes longer than most pages
    server = Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=make_protocol(files),
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
        )
    )
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    return 0 if server.started else _START_FAILED


def raise_file_limit(most: int = FILES_MOST) -> None:
    """Lets this process hold as many files open as it is allowed to, up to `most`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
