"""The web server as a process of its own, and the watch over it."""

from __future__ import annotations

import http.client
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from types import TracebackType
from typing import Self

from aggregator.bulletin import Bulletin
from aggregator.settings import PrivatePages
from aggregator.web.order import WebOrder
from aggregator.web.protection import Protection
from aggregator.web.site import SiteInfo
from schedules.config import Setup
from schedules.early_web import start_web_process, take_begun
from schedules.errors import UsageFailure

LOCKED_OUT = (
    "nobody could read them: set aggregator.operator_password (KABARKOTA_AGGREGATOR__OPERATOR_PASSWORD_FILE names a "
    "file that holds it) or aggregator.operator_header"
)
logger = logging.getLogger(__name__)

REVIVE_SECONDS = 5.0  # between two starts: what cannot start shall not spin …
AGAIN_SECONDS = 1.0  # … and what has answered, and then died, shall be back soon
LOOK_SECONDS = 15.0  # between two questions to a server that answered …
FIRST_LOOK_SECONDS = 0.1  # … and to one that has not answered yet
ANSWER_SECONDS = 2.0  # so long one question may take
SILENCE_SECONDS = 60.0  # a server that answered nothing for so long hangs
END_SECONDS = 2.0  # for answers under way when it is ended


class WebServer:
    """The web server in a process of its own, so that rendering and ingest never share an interpreter.

    Making it raises UsageFailure when nobody could read its private pages, or when the port is taken. Entering it
    starts the process, leaving it ends it. All by one thread, but within `watch_beside`.
    """

    def __init__(self, setup: Setup, *, host: str, port: int) -> None:
        self._host, self._port = host, port
        self.on_end: Callable[[], object] = bool  # called, in a thread, when the process has ended
        check_protection(setup)
        check_port(host, port)
        self._begun = take_begun()
        # what keeps the service from its work: for /healthz and pages
        self.bulletin = Bulletin(self._begun.bulletin if self._begun else None)
        self._order = self._make_order(setup)
        self._process: subprocess.Popen[bytes] | None = None
        self._started = self._looked = self._answered = 0.0
        self.has_answered = False  # since it was started
        self._closed = threading.Event()

    def __enter__(self) -> Self:
        self._start()
        return self

    def announce(self) -> None:
        """Says where it is, and who can read what."""
        print(f"kabarkota: serving http://{self._host}:{self._port}/", file=sys.stderr)
        if hint := find_exposed(self._host, self._order.protection):
            print(f"kabarkota: {hint}", file=sys.stderr)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def is_sound(self) -> bool:
        """Whether it answers, or is new."""
        return time.monotonic() - self._answered < 2 * SILENCE_SECONDS

    def watch(self) -> float:
        """Starts the server again when it has died or hangs. Returns the seconds until the next look."""
        now = time.monotonic()
        if self._process is None or self._process.poll() is not None:
            pause = AGAIN_SECONDS if self.has_answered else REVIVE_SECONDS
            if now - self._started < pause:
                return pause - (now - self._started)
            code = self._process.returncode if self._process else None
            logger.error("the web server ended (exit code %s); starting it again", code)
            self._start()
        elif now - self._looked >= self._pause:
            self._look()
            if time.monotonic() - max(self._answered, self._started) > SILENCE_SECONDS:
                logger.error("the web server has answered nothing for %.0f s; starting it again", SILENCE_SECONDS)
                self._end()
                self._start()
        return max(self._pause - (time.monotonic() - self._looked), 0.01)

    @contextmanager
    def watch_beside(self) -> Iterator[None]:
        """Watches while the caller does what may take minutes. Nothing else may be asked of the server meanwhile."""
        over, rested = threading.Event(), threading.Event()

        def watch() -> None:
            try:
                while not over.wait(self.watch()):
                    pass
            except OSError as error:  # the next look, by the caller, raises it again
                logger.error("the web server cannot be started: %s", error)
            finally:
                rested.set()
            self._closed.wait()  # what a thread has started dies with it: `aggregator.lifeline`

        threading.Thread(target=watch, name="web", daemon=True).start()
        try:
            yield
        finally:
            over.set()
            rested.wait()

    def apply(self, setup: Setup) -> bool:
        """Starts it anew where the configuration gives it something else to serve; says whether it does."""
        order = self._make_order(setup)
        if order == self._order:
            return False
        self._order = order
        self._end()
        self._start()
        return True

    def ask_to_end(self) -> None:
        """Begins its end; `close` waits for it."""
        if self._process is not None:
            self._process.terminate()

    def close(self) -> None:
        self._end()
        self._process = None
        self._closed.set()

    @property
    def _pause(self) -> float:
        return LOOK_SECONDS if self.has_answered else FIRST_LOOK_SECONDS

    def _look(self) -> None:
        """Asks for the head of the feed, which is answered from memory: any answer will do.

        While something is wrong it asks how things are, so that the server looks at the database, and lets go of it.
        """
        host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(self._host, self._host)  # noqa: S104 - asked, not bound
        connection = http.client.HTTPConnection(host, self._port, timeout=ANSWER_SECONDS)
        try:
            connection.request("HEAD", "/healthz" if self.bulletin.has_notices else "/feed.xml")
            connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            logger.debug("the web server does not answer: %s", error)
        else:
            self.has_answered = True
            self._answered = time.monotonic()
        finally:
            connection.close()
            self._looked = time.monotonic()

    def _start(self) -> None:
        begun, self._begun = self._begun or start_web_process(self.bulletin.descriptor), None
        self._process = begun.process
        assert self._process.stdin is not None
        with suppress(BrokenPipeError), self._process.stdin as told:  # one that ended is seen at the next look
            told.write(self._order.to_json())
        threading.Thread(target=self._wait_for_end, args=[begun.process.pid], name="web server", daemon=True).start()
        if not self._answered:
            self._answered = time.monotonic()
        self.has_answered = False
        self._started = time.monotonic()

    def _wait_for_end(self, pid: int) -> None:
        """Its exit code is left for whoever started it: until it is taken, nobody else gets its number."""
        with suppress(ChildProcessError):  # taken meanwhile
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        self.on_end()

    def _end(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _make_order(self, setup: Setup) -> WebOrder:
        settings = setup.aggregator
        return WebOrder(
            database=setup.database,
            public=setup.public,
            host=self._host,
            port=self._port,
            site=SiteInfo(
                url=settings.site_url,
                name=settings.site_name,
                operator=settings.operator,
                contact=settings.contact,
                late_after=timedelta(hours=settings.late_hours),
                feed_items=settings.feed_items,
                feed_hours=settings.feed_hours,
                hubs=settings.told_hubs,
            ),
            protection=Protection.from_settings(settings),
            bulletin=self.bulletin.descriptor,
        )


def check_protection(setup: Setup) -> None:
    """Raises UsageFailure where pages would be closed to everybody.

    Asked by who serves them, not with the configuration: other commands need no password, and often are not given it.
    """
    if setup.aggregator.private_pages and not setup.aggregator.has_operator:
        raise UsageFailure(f"aggregator.private_pages: {LOCKED_OUT}")


def find_exposed(host: str, protection: Protection) -> str:
    """What to tell who opens the operator's pages to other machines; "" where none is open to them. PURE."""
    is_here = host == "localhost" or host.startswith("127.") or host == "::1"
    exposed = [f"/{page.value}" for page in PrivatePages if page not in protection.private]
    if is_here or not exposed:
        return ""
    return (
        f"whoever reaches this machine can read {', '.join(exposed)}; unless that is meant, set "
        "aggregator.private_pages and a password (docs/operation.md, Who may see what)"
    )


def check_port(host: str, port: int) -> None:
    """Raises UsageFailure unless the port can be listened on."""
    try:
        socket.create_server((host, port)).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageFailure(f"--port {port}: cannot listen on {host}: {reason}") from error
