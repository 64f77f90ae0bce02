"""Copies of articles and news that follow the changes are equal to what is listed, whatever happens."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from api_room import ApiClient, make_app, make_room
from feed_life import ITEMS, live
from feed_room import FeedRoom, PlainRoom
from newsdesk import OTHER, RELEASE
from page_room import Stage
from test_feeds import publish_old, report

from aggregator.chronicle import Chronicle
from aggregator.models import SourceKind
from aggregator.store import Store
from aggregator.takedown_log import Action, Order, append_orders
from aggregator.takedowns import find_log

LISTS = {"news": "/news?archive=yes&limit=200", "articles": "/articles?limit=200"}


class Mirror:
    """A copy of one list, kept as docs/api.md tells."""

    def __init__(self, api: ApiClient, name: str, limit: int) -> None:
        self._api, self._name, self._limit = api, name, limit
        self.token = "start"
        self.items: dict[int, Any] = {}
        self.told = 0  # items in all answers of the last time
        self.gone: list[Any] = []

    def follow(self, pages: int = 10_000) -> None:
        self.told, self.gone = 0, []
        for _ in range(pages):
            page = self._api.read(f"/{self._name}?changed_since={self.token}&limit={self._limit}")
            for item in page["items"]:
                if "gone" in item:
                    self.items.pop(item["id"], None)
                    self.gone.append(item)
                else:
                    self.items[item["id"]] = item
            self.told += len(page["items"])
            self.token = page["changed_since"]
            if page["next"] is None:
                return

    def check_equal(self) -> None:
        listed = {item["id"]: item for item in self._api.walk(LISTS[self._name])}
        assert self.items.keys() == listed.keys()
        assert [(self.items[key], item) for key, item in listed.items() if self.items[key] != item] == []


@pytest.fixture
def room(tmp_path: Path) -> Iterator[PlainRoom]:
    room = make_room(tmp_path)
    yield room
    room.store.close()


@pytest.fixture
def api(room: FeedRoom, stage: Stage) -> Iterator[ApiClient]:
    with watch(room, stage) as api:
        yield api


@contextmanager
def watch(room: FeedRoom, stage: Stage) -> Iterator[ApiClient]:
    """The API over the database of a room."""
    stage.app = make_app(room.store.path)
    with ApiClient.over(stage.address) as api:
        yield api


@pytest.mark.slow
def test_a_copy_is_equal_after_each_step_of_a_feeds_life(tmp_path: Path, stage: Stage) -> None:
    room = PlainRoom(tmp_path, feed_items=ITEMS, site_url="")
    steps = live(room)
    next(steps)
    gone: dict[str, list[Any]] = {}
    with watch(room, stage) as api:
        early = [Mirror(api, name, limit=2) for name in LISTS]
        late: list[Mirror] = []
        for step in steps:
            for mirror in early:
                mirror.follow()
                assert mirror.items
                gone.setdefault(step.name, []).extend(mirror.gone)
                mirror.check_equal()
            late.append(Mirror(api, "news", limit=100))
        for mirror in late[-1:]:
            mirror.follow()
            mirror.check_equal()
    room.store.close()
    merged = next(each for each in gone["a merge"] if "guid" in each)
    assert merged["merged_into"]["guid"] != merged["guid"]
    assert [each["merged_into"] for each in gone["a withdrawal"]] == [None]
    assert {"guid" in each for each in gone["a takedown"]} == {True, False}  # the article, and what it was alone in


class History:
    """A newsroom to which things happen, and copies of it that come by now and then."""

    def __init__(self, room: PlainRoom, api: ApiClient, seed: int) -> None:
        self.room, self.api, self.chance = room, api, random.Random(seed)
        self.reported = 0
        self.mirrors: list[Mirror] = []
        self.events: list[Callable[[], None]] = [
            *([self.come_new] * 3),
            *(self.come_late, self.copy, self.revise, self.lose, self.withdraw, self.come_back, self.take_down),
            *(self.rename, self.tell_stories, self.merge, self.split, self.press, self.judge_anew),
        ]

    def come_new(self) -> None:
        self.reported += 1
        report(self.room, self.reported, source=self.chance.choice(["kabar-satu", "kabar-dua"]))

    def come_late(self) -> None:
        self.reported += 1
        publish_old(self.room, self.reported)

    def copy(self) -> None:
        if self.reported:
            report(self.room, self.chance.randint(1, self.reported), source="kabar-tiga")

    def revise(self) -> None:
        if self.reported:
            number = self.chance.randint(1, self.reported)
            text = [f"Pengurus APEKSI di Bandung mengubah urusan {number}.", f"Ralat ke-{self.chance.random()}."]
            self.room.publish_at("kabar-satu", f"berita-{number}", [*text, *OTHER], title=f"APEKSI urusan {number}")

    def lose(self) -> None:
        if self.reported:
            self.room.lose("kabar-satu", f"berita-{self.chance.randint(1, self.reported)}")

    def withdraw(self) -> None:
        if published := sorted(self.room.list_published()):
            with self.room.store.transaction():
                ((group,),) = self.room.ask(
                    f"SELECT id FROM duplicate_groups WHERE guid = '{self.chance.choice(published)}'"
                )
                self.room.store.withdraw_group(group, self.room.now)

    def come_back(self) -> None:
        rows = self.room.ask("SELECT id, canonical_id FROM duplicate_groups WHERE withdrawn_at NOT NULL")
        rows = [
            row for row in rows if self.room.ask(f"SELECT id FROM articles WHERE id = {row[1]} AND group_id = {row[0]}")
        ]
        if rows:
            with self.room.store.transaction():
                self.room.store.restore_group(*self.chance.choice(rows), self.room.now)

    def take_down(self) -> None:
        """The last article, too, whose number is given away again."""
        rows = self.room.ask("SELECT url FROM articles ORDER BY id DESC LIMIT 3")
        if rows:
            url = self.chance.choice(rows)[0]
            order = Order(asked_at=self.room.now, action=Action.TAKEDOWN, url=url, reason="putusan")
            append_orders(find_log(self.room.store), [order])

    def rename(self) -> None:
        if "kabar-satu" in self.room.sources:
            name, kind = f"Kabar Nomor {self.chance.random()}", self.chance.choice([*SourceKind])
            self.room.sources["kabar-satu"] = replace(self.room.sources["kabar-satu"], name=name, kind=kind)
            self.room.store.write_catalogue(self.room.sources.values())

    def tell_stories(self) -> None:
        with self.room.store.transaction():
            Chronicle(self.room.store, self.room.now).look()

    def merge(self) -> None:
        self.room.publish_at("awal", "bagian-satu", RELEASE[:3], hour=6)
        self.room.publish_at("akhir", "bagian-dua", RELEASE[3:], hour=5)
        self.press()
        self.room.publish_at("utuh", "lengkap", RELEASE, hour=4)

    def split(self) -> None:
        self.room.publish_at("utuh", "lengkap", OTHER, hour=4)

    def judge_anew(self) -> None:
        """As a replay does: topics of an article go and come."""
        rows = self.room.ask("SELECT id FROM articles")
        if rows:
            with self.room.store.transaction():
                self.room.store.write_topics(self.chance.choice(rows)[0], [])

    def press(self) -> None:
        self.room.press(minutes=self.chance.choice([0, 1, 1]))

    def turn(self) -> None:
        """A few things happen, and copies look on in between; at last it is published, and they are equal."""
        for _ in range(self.chance.randint(1, 4)):
            self.chance.choice(self.events)()
            for mirror in self.mirrors:
                if self.chance.random() < 0.3:
                    mirror.follow(pages=self.chance.randint(1, 3))
        if self.chance.random() < 0.4:
            self.mirrors.append(Mirror(self.api, self.chance.choice([*LISTS]), self.chance.choice([1, 2, 5, 200])))
        self.press()

    def check(self) -> None:
        for mirror in self.mirrors:
            if self.chance.random() < 0.5:
                mirror.follow()
                mirror.check_equal()


SEEDS = [pytest.param(seed, marks=pytest.mark.slow) if seed > 2 else seed for seed in range(1, 13)]


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_copies_miss_nothing_whatever_happens(room: PlainRoom, api: ApiClient, seed: int) -> None:
    history = History(room, api, seed)
    for _ in range(15):
        history.turn()
        history.check()
    room.press()
    assert history.mirrors
    for mirror in history.mirrors:
        mirror.follow()
        mirror.check_equal()


def test_only_what_changed_comes_the_next_time(room: PlainRoom, api: ApiClient) -> None:
    for number in range(30):
        report(room, number)
    room.press()
    mirrors = {name: Mirror(api, name, limit=7) for name in LISTS}
    for mirror in mirrors.values():
        mirror.follow()
        assert mirror.told >= 30
        mirror.follow()
        assert mirror.told == 0
    room.lose("kabar-satu", "berita-3")
    for mirror in mirrors.values():
        mirror.follow()
        assert mirror.told == 1
        room.lose("kabar-satu", "berita-3")  # it is still gone
        mirror.follow()
        assert mirror.told == 0
        mirror.check_equal()


@pytest.mark.slow
def test_a_change_can_be_asked_for_by_the_time(room: PlainRoom, api: ApiClient) -> None:
    report(room, 1)
    room.press()
    ((at,),) = room.ask("SELECT max(seq) FROM news_changes")
    for text, count in (
        (f"{datetime.fromtimestamp(at / 1e6, UTC) - timedelta(microseconds=50):%Y-%m-%dT%H:%M:%S.%fZ}", 1),
        (f"{datetime.fromtimestamp(at / 1e6, UTC) + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}", 0),
        ("2999-01-01", 0),
    ):
        page = api.get(f"/news?changed_since={text}")
        assert len(page["items"]) == count, text
        assert api.get(f"/news?changed_since={page['changed_since']}")["items"] == []
    report(room, 2)
    room.press()
    assert len(api.get(f"/news?changed_since={page['changed_since']}")["items"]) == 1  # though it asked ahead of time


@pytest.mark.parametrize(
    ("query", "status", "kind"),
    [
        ("changed_since=2001-01-01", 400, "bad-parameter"),
        ("changed_since=kemarin", 400, "bad-parameter"),
        ("changed_since=", 400, "bad-parameter"),
        ("changed_since=c.", 400, "bad-parameter"),
        ("changed_since=c.abc", 400, "bad-parameter"),
        ("changed_since=start&topic=apeksi", 400, "bad-parameter"),
        ("changed_since=start&cursor=abc", 400, "bad-parameter"),
    ],
)
def test_what_cannot_be_followed_is_refused(
    room: PlainRoom, api: ApiClient, query: str, status: int, kind: str
) -> None:
    report(room, 1)
    room.press()
    for name in LISTS:
        problem = api.get(f"/{name}?{query}", status)
        assert problem["type"].endswith(f"#{kind}")
        assert problem["parameter"] == "changed_since"


def test_a_token_of_one_list_is_none_of_the_other(room: PlainRoom, api: ApiClient) -> None:
    report(room, 1)
    room.press()
    token = api.get("/news?changed_since=start")["changed_since"]
    api.get(f"/articles?changed_since={token}", 400)


def test_copies_begin_anew_after_a_backup_came_back(room: PlainRoom, api: ApiClient, stage: Stage) -> None:
    report(room, 1)
    room.press()
    backup = room.folder / "backup.db"
    room.store.copy_to(backup)
    report(room, 2)
    room.press()
    mirror = Mirror(api, "news", limit=10)
    mirror.follow()
    room.store.close()
    for path in room.folder.glob("news.db*"):
        path.unlink()
    shutil.copy(backup, room.folder / "news.db")
    assert api.get(f"/news?changed_since={mirror.token}", 410)["type"].endswith("#stale-copy")  # it knows more than we
    room.store = Store.open_writer(room.folder / "news.db")
    report(room, 3)
    room.press()  # finds files that are not of this database
    assert api.get(f"/news?changed_since={mirror.token}", 410)["parameter"] == "changed_since"
    mirror.token, mirror.items = "start", {}
    mirror.follow()
    mirror.check_equal()
    room.press(everything=True)  # as the operator does where files came back with the database
    assert api.get(f"/news?changed_since={mirror.token}", 410)["type"].endswith("#stale-copy")
