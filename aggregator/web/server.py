"""The server under the application: uvicorn, with bounds for many connections and for clients that do not read."""

from __future__ import annotations

import contextlib
import resource
import socket
import sys

import uvicorn
from anyio import to_thread
from starlette.types import ASGIApp

from aggregator.heap import end_loading
from aggregator.web.crowd import CONNECTIONS_MOST, Crowd
from aggregator.web.protocol import make_protocol
from aggregator.web.public_file import PublicFiles

FILES_MOST = 65_536  # connections, that is; what a process is usually given at first is 1,024
UNREAD_SECONDS = 60  # for so long a client may leave what it was sent unread
RECEIVED_BYTES = 64 * 1024  # that the kernel takes of a client, and hands over at once; it makes twice as much of it
UNSENT_BYTES = 64 * 1024  # beyond what a client's window has room for; else the kernel takes 4 MB for each
# That work on pages at once. They share one interpreter: more of them make no page sooner, and all feeds later.
THREADS = 4
_START_FAILED = 3  # uvicorn's exit code


class Server(uvicorn.Server):
    """uvicorn's server. Connections inherit from the listening socket that the kernel ends those whose peer takes
    nothing any more, else each of them would hold its memory for ever; and that it takes little of each at a time."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        to_thread.current_default_thread_limiter().total_tokens = THREADS
        await super().startup(sockets)
        for server in self.servers:
            for listening in server.sockets:
                listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_SECONDS * 1000)
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED_BYTES)
                if sys.platform == "linux":
                    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)


def run_server(app: ASGIApp, *, host: str, port: int, files: PublicFiles) -> int:
    """Serves until it is told to stop; returns the exit code. The published `files` are those of `app`, too."""
    files_most = raise_file_limit()
    crowd = Crowd(min(CONNECTIONS_MOST, files_most * 3 // 4))  # the rest is for files
    end_loading()
    server = Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=make_protocol(files, crowd=crowd),
            ws="none",
            log_level="error",  # of each request that makes no sense it would warn
            access_log=False,
            proxy_headers=False,
            server_header=False,
        )
    )
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    return 0 if server.started else _START_FAILED


def raise_file_limit(most: int = FILES_MOST) -> int:
    """Lets this process hold as many files open as it is allowed to, up to `most`; returns how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return most if soft == resource.RLIM_INFINITY else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted
