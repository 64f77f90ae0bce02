"""Fixtures that several test modules share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from feed_room import FeedRoom, PlainRoom
from hypothesis import settings
from newsdesk import Newsroom
from page_room import Stage, serve
from shared_work import share_work

if TYPE_CHECKING:  # loaded by the tests with a browser alone
    from browser_room import Demo
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent

# How long an example takes says more of the machine than of the code.
settings.register_profile("default", deadline=None)
settings.load_profile("default")

# Hundreds of files for each database would take a fifth of the time of all tests; tests of feeds have them.
os.environ.setdefault("KABARKOTA_AGGREGATOR__EMPTY_FEEDS", "false")

share_work()


@pytest.fixture(scope="session")
def dev_data() -> Path:
    """The folder of development data (real pages, labelled sets), which is not part of the project."""
    folder = Path(os.environ.get("KABARKOTA_DEV_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no development data at {folder} (set KABARKOTA_DEV_DATA)")
    return folder


@pytest.fixture
def newsroom(tmp_path: Path) -> Iterator[Newsroom]:
    newsroom = Newsroom(tmp_path)
    yield newsroom
    newsroom.store.close()


@pytest.fixture
def room(tmp_path: Path) -> Iterator[FeedRoom]:
    room = PlainRoom(tmp_path)
    yield room
    room.store.close()


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    stage = Stage()
    with serve(stage) as stage.address:
        yield stage


@pytest.fixture
def client(app: Any, stage: Stage) -> Iterator[httpx.Client]:
    """Asks the application that the module's fixture `app` makes."""
    stage.app = app
    with httpx.Client(base_url=stage.address, trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def demo_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo's pages on loopback, for all tests with a browser."""
    from browser_room import serve_demo

    with serve_demo(tmp_path_factory.mktemp("demo-site")) as demo:
        yield demo


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Of a module, not of the session: while it is open, other tests could not run an event loop of their own."""
    from browser_room import NO_CHROMIUM, find_chromium, open_browser

    if find_chromium() is None:
        pytest.skip(NO_CHROMIUM)
    with open_browser() as browser:
        yield browser
