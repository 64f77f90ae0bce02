"""What would grow for ever, or twice, does not: boilerplate, pages in quarantine, the index of words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregator.models import LinkState, Source
from aggregator.store import BOILERPLATE_REMEMBERED, Store

NOW = datetime(2026, 11, 23, tzinfo=UTC)
OWN = {1, 2}  # on every page


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open_writer(tmp_path / "news.db") as store:
        store.write_catalogue([Source(id="radar", name="Radar", domain="radar.example")])
        yield store


def test_boilerplate_is_known_and_the_rest_forgotten(store: Store) -> None:
    pages = 3 * BOILERPLATE_REMEMBERED
    with store.transaction():
        for page in range(pages):
            store.count_paragraphs("radar", {*OWN, 3 if page % 5 == 0 else 4, 1_000 + page})
            assert store.get_boilerplate("radar") <= {*OWN, 3, 4}
    assert store.get_boilerplate("radar") == {*OWN, 3, 4}
    assert store.count_pages_read("radar") <= BOILERPLATE_REMEMBERED
    assert store._value("SELECT count(*) FROM boilerplate") < BOILERPLATE_REMEMBERED + len(OWN) + 3


def test_rejected_page_holds_its_text_once(store: Store) -> None:
    article = {"url": "https://radar.example/1", "source_id": "radar", "title": "Slot", "text": "Panjang", "tags": "[]"}
    with store.transaction():
        store.write_link(
            key="k1", url=article["url"], source_id="radar", state=LinkState.OFF_TOPIC, now=NOW, read_at=NOW
        )
        shown = {name: article[name] for name in ("url", "source_id", "title", "text")}
        rest = {"verdict": "off-topic", "scores": "[]", "read_at": "2026-11-23T00:00:00Z", "page_file": ""}
        store.write_rejected({"key": "k1", **shown, **rest, "article": json.dumps(article)})
    assert store._value("SELECT article FROM rejected_pages") == '{"tags": "[]"}'
    (page,) = store.iterate_rejected()
    assert page["article"] == article
    found = store.find_page("k1")
    assert found is not None
    assert json.loads(found["rejected"]["article"]) == article


def test_index_of_words_has_the_texts_first(store: Store) -> None:
    """In the other order each of their words costs two bytes more."""
    assert [row["name"] for row in store._rows("SELECT name FROM pragma_table_info('articles_fts')")] == [
        "text",
        "title",
    ]
