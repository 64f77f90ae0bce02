"""A newsroom whose feeds are served on loopback, by the parts that `serve` serves them with; it notes the answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from feed_room import FeedRoom, skip_disk

from aggregator.publish.publishing import Published
from aggregator.web.app import create_app
from aggregator.web.protocol import PublicFilesProtocol
from aggregator.web.public_file import PublicFile, PublicFiles
from aggregator.web.site import SiteInfo


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """A request, and how it was answered."""

    path: str  # with its query
    status: int
    coding: str  # of the body


class Stage:
    """One server for all tests of a module (a tenth of a second to stop), which plays one site after the other."""

    address: str

    def __init__(self) -> None:
        self.answered: list[Answered] = []
        self._app: Any = None
        stage = self

        class NotingProtocol(PublicFilesProtocol):
            head_seconds = 60.0

            def _answer(self, found: PublicFile) -> None:
                answer = found.choose(self.headers)
                stage._note(self.url.decode(), answer.status, answer.headers)
                super()._answer(found)

        self.protocol = NotingProtocol

    def play(self, app: Any, files: PublicFiles) -> None:
        self.answered.clear()
        self._app, self.protocol.files = app, files

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def note(message: Any) -> None:
            if message["type"] == "http.response.start":
                query = scope["query_string"].decode("latin-1")
                path = scope["path"] + (f"?{query}" if query else "")
                self._note(path, message["status"], message["headers"])
            await send(message)

        await self._app(scope, receive, note)

    def _note(self, path: str, status: int, headers: Any) -> None:
        coding = dict(headers).get(b"content-encoding", b"").decode()
        self.answered.append(Answered(path=path, status=status, coding=coding))


@contextmanager
def run_stage() -> Iterator[Stage]:
    stage = Stage()
    config = uvicorn.Config(stage, port=0, http=stage.protocol, log_level="critical", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.005)
    stage.address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield stage
    finally:
        server.should_exit = True
        thread.join(timeout=10)


class FeedSite(FeedRoom):
    """`press()` publishes; what is published is served at `address`, which the feeds name as theirs."""

    def __init__(self, folder: Path, stage: Stage, **settings: Any) -> None:
        super().__init__(folder, **{"site_url": f"{stage.address}/", **settings})
        self.address = stage.address
        self._stage = stage
        self._files = PublicFiles(self.public)
        self._app = create_app(
            database=folder / "news.db",
            public=self.public,
            site=SiteInfo(
                url=self.settings.site_url,
                name=self.settings.site_name,
                feed_items=self.settings.feed_items,
                feed_hours=self.settings.feed_hours,
                hubs=self.settings.websub_hubs,
            ),
            files=self._files,
            clock=lambda: self.now,
        )
        self.appear()

    def press(self, *, minutes: int = 1, everything: bool = False) -> Published:
        with skip_disk():
            return super().press(minutes=minutes, everything=everything)

    def appear(self) -> None:
        """From now on the stage plays this site."""
        self._stage.play(self._app, self._files)

    def locate(self, path: str) -> str:
        return f"{self.address}/{path}"

    def take_answered(self) -> list[Answered]:
        """What was asked and answered since the last time."""
        answered, self._stage.answered[:] = [*self._stage.answered], []
        return answered

    def take_statuses(self, path: str) -> list[int]:
        """The same of one path."""
        return [each.status for each in self.take_answered() if each.path.partition("?")[0] == f"/{path}"]
