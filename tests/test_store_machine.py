"""Whatever happens to the store, in whatever order, some things stay true.

Hypothesis draws the order: articles come, are copied, revised, drift off topic, are lost, taken down and let in again;
what is known of duplicates is verified; things are pruned and published; the clock goes on and back; the database is
opened anew.
"""

from __future__ import annotations

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from battery.news import make_news
from feed_room import PlainRoom
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from aggregator.chronicle import Chronicle
from aggregator.grouping import Grouper
from aggregator.pages import PageFolder
from aggregator.pruning import Pruner
from aggregator.store import Store
from aggregator.takedown_log import Action, Order, append_orders
from aggregator.takedowns import apply_takedowns, find_log

OFF_TOPIC = [
    "Panen mangga di lereng gunung tahun ini melimpah, kata para petani yang ditemui di kebun mereka.",
    "Harga di pasar turun sampai separuh, dan sebagian buah dikeringkan untuk dijual pada musim hujan.",
    "Cuaca yang kering membuat buah lebih manis, tetapi ukurannya sedikit lebih kecil daripada biasanya.",
]
SOURCES = st.sampled_from(["kabar-satu", "kabar-dua", "kabar-tiga"])
NUMBERS = st.integers(1, 5)
NOT_TRUE = {
    "rows that refer to nothing": "SELECT * FROM pragma_foreign_key_check",
    "an article without a link that is kept": """
        SELECT a.url FROM articles AS a LEFT JOIN links AS l ON l.key = a.url_key
        WHERE l.state IS NULL OR l.state NOT IN ('kept', 'pending', 'failed')""",
    "an article in a group that was merged away": """
        SELECT a.url FROM articles AS a JOIN duplicate_groups AS g ON g.id = a.group_id WHERE g.merged_into NOT NULL""",
    "an article without a group": "SELECT url FROM articles WHERE group_id IS NULL",
    "a live group whose canonical article is not in it": """
        SELECT g.id FROM duplicate_groups AS g LEFT JOIN articles AS a ON a.id = g.canonical_id
        WHERE g.merged_into IS NULL AND g.withdrawn_at IS NULL AND (a.group_id IS NULL OR a.group_id <> g.id)""",
    "a group merged into one that was merged away itself": """
        SELECT g.id FROM duplicate_groups AS g JOIN duplicate_groups AS t ON t.id = g.merged_into
        WHERE t.merged_into NOT NULL""",
    "a guid without a time of publication": """
        SELECT guid FROM duplicate_groups WHERE guid NOT NULL AND first_published_at IS NULL""",
    "an article that is not in the index of words": """
        SELECT id FROM articles WHERE id NOT IN (SELECT rowid FROM articles_fts)""",
}


class StoreMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="store-machine-"))
        self.room = PlainRoom(self.folder, feed_items=2, feed_hours=1)
        self.guids: dict[int, tuple[str, str]] = {}  # group → its guid and the time of its publication
        self.taken_down: set[str] = set()

    def teardown(self) -> None:
        self.room.store.close()
        shutil.rmtree(self.folder)

    @initialize(texts=st.lists(st.tuples(SOURCES, NUMBERS, NUMBERS), min_size=4, max_size=12))
    def begin(self, texts: list[tuple[str, int, int]]) -> None:
        for source, number, text in texts:
            self.read(source, number, text, "")
            self.publish()

    # ── what happens ───────────────────────────────────────────────────────────────────────────────────────────────

    @rule(
        source=SOURCES, number=NUMBERS, text=NUMBERS, end=st.sampled_from(["", "Ralat: jumlah itu sudah diperbaiki."])
    )
    def read(self, source: str, number: int, text: int, end: str) -> None:
        """The article at an address comes, or comes again: as it was, with an end added, or as another text."""
        news = make_news("mesin", text if text % 2 else number)
        self.room.minutes += 1
        self.room.publish_at(source, f"berita-{number}", [*news.paragraphs, *([end] if end else [])], title=news.title)

    @rule(source=SOURCES, number=NUMBERS, text=NUMBERS)
    def read_and_publish(self, source: str, number: int, text: int) -> None:
        self.read(source, number, text, "")
        self.look()
        self.publish()

    @rule(source=SOURCES, number=NUMBERS)
    def drift(self, source: str, number: int) -> None:
        """It has become an article that is off topic."""
        self.room.minutes += 1
        self.room.publish_at(source, f"berita-{number}", OFF_TOPIC, title="Panen mangga melimpah")

    @rule(source=SOURCES, number=NUMBERS, status=st.sampled_from([404, 410, 500]))
    def lose(self, source: str, number: int, status: int) -> None:
        if source in self.room.sources:
            self.room.minutes += 1
            self.room.lose(source, f"berita-{number}", status=status)

    @rule(source=SOURCES, number=NUMBERS, action=st.sampled_from([Action.TAKEDOWN, Action.TAKEDOWN, Action.UNDO]))
    def order(self, source: str, number: int, action: Action) -> None:
        url = f"https://{source}.example/berita-{number}"
        self.room.minutes += 1
        orders = [Order(asked_at=self.room.now, action=action, url=url, reason="permintaan")]
        append_orders(find_log(self.room.store), orders)
        apply_takedowns(self.room.store, self.room.now)
        if action is Action.TAKEDOWN:
            self.taken_down.add(url)
        else:
            self.taken_down.discard(url)

    @rule()
    def verify(self) -> None:
        with self.room.store.transaction():
            Grouper(self.room.store, self.room.now).verify()

    @rule()
    def look(self) -> None:
        with self.room.store.transaction():
            Chronicle(self.room.store, self.room.now).look()
        with self.room.store.transaction():
            Chronicle(self.room.store, self.room.now).look_again()

    @rule()
    def prune(self) -> None:
        pages = PageFolder(self.folder / "pages")
        list(Pruner(self.room.store, pages, self.room.settings, self.room.now).run())

    @rule()
    def publish(self) -> None:
        self.room.press()
        self._check_feed()

    @rule(hours=st.sampled_from([1, 30, 400, -2, -100]))
    def pass_time(self, hours: int) -> None:
        self.room.minutes += hours * 60

    @rule()
    def open_anew(self) -> None:
        self.room.store.close()
        self.room.store = Store.open_writer(self.folder / "news.db")

    # ── what stays true ────────────────────────────────────────────────────────────────────────────────────────────

    @invariant()
    def rows_agree(self) -> None:
        for fault, sql in NOT_TRUE.items():
            assert not self.room.ask(sql), fault

    @invariant()
    def guids_are_for_life(self) -> None:
        rows = self.room.ask("SELECT id, guid, first_published_at FROM duplicate_groups WHERE guid NOT NULL")
        now = {group: (guid, at) for group, guid, at in rows}
        for group, known in self.guids.items():
            assert now.get(group) == known
        self.guids = now

    @invariant()
    def what_is_taken_down_is_gone(self) -> None:
        assert not {url for (url,) in self.room.ask("SELECT url FROM articles")} & self.taken_down

    def _check_feed(self) -> None:
        shown = self.room.read("feed.xml")
        assert len(set(shown)) == len(shown), "an item stands twice in the feed"
        live = self.room.list_published()
        assert set(shown) <= live, "an item of a group that is none"
        documents = [set(shown), *(set(self.room.read(page)) for page in self.room.follow("feed.atom"))]
        assert live <= set().union(*documents), "an item stands neither in the feed nor in its archive"
        bodies = [path.read_text() for path in self.room.public.rglob("feed*") if path.is_file()]
        for url in self.taken_down:
            assert not any(f">{url}<" in body or f'"{url}"' in body for body in bodies), "taken down, and published"


CHECKS = (HealthCheck.too_slow, HealthCheck.data_too_large)


def run_machine(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        StoreMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=timedelta(seconds=60),
            derandomize=True,
            database=None,
            suppress_health_check=CHECKS,
        ),
    )


def test_store_keeps_its_invariants() -> None:
    run_machine(examples=4, steps=12)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_store_keeps_its_invariants_at_length() -> None:
    run_machine(examples=60, steps=40)
