"""What would grow for ever, or twice, does not: boilerplate, pages set aside, the index of words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregator.migrations import MIGRATIONS
from aggregator.models import Evidence, LinkState, RegionMatch, Source, TopicMatch
from aggregator.store import BOILERPLATE_REMEMBERED, Store

NOW = datetime(2026, 11, 23, tzinfo=UTC)
OWN = {1, 2}  # on every page


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open_writer(tmp_path / "news.db") as store:
        store.write_catalogue([Source(id="radar", name="Radar", domain="radar.example")])
        yield store


@pytest.mark.slow
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


SAID = Evidence(term='Wali "Kota"', place="title", offset=7, weight=0.5)
NAMED = {"term": 'Wali "Kota"', "place": "title", "offset": 7, "weight": 0.5}


@pytest.fixture
def judged(store: Store) -> Store:
    """With an article that has a topic and a place."""
    row = dict.fromkeys(("author", "published_raw", "summary", "image", "declared_url", "extraction_method"), "")
    row |= {"url": "https://radar.example/1", "url_key": "k1", "source_id": "radar", "title": "Kota", "text": "Kota."}
    row |= {"published_at": "2026-11-23T00:00:00Z", "first_seen_at": "2026-11-23T00:00:00Z", "language": "id"}
    row |= {"published_precision": "minute", "published_method": "meta", "tags": "[]"}
    with store.transaction():
        store.write_link(key="k1", url=row["url"], source_id="radar", state=LinkState.KEPT, now=NOW)
        article_id = store.add_article({**row, "published_offset": 420})
        place = RegionMatch(code="75.71", name="Gorontalo", kind="city", role="event", score=1, evidence=(SAID,))
        store.write_matches(article_id, [TopicMatch(topic="apeksi", score=1, evidence=(SAID,))], [place])
    return store


@pytest.mark.parametrize("table", ["article_topics", "article_regions"])
def test_evidence_is_stored_without_names_and_told_with_them(judged: Store, table: str) -> None:
    packed = '[["Wali \\"Kota\\"","title",7,0.5]]'
    assert judged._value(f"SELECT evidence FROM {table}") == packed
    view = {"article_topics": "article_subjects", "article_regions": "article_places"}[table]
    assert json.loads(judged._value(f"SELECT evidence FROM {view}")) == [NAMED]
    assert [json.loads(match["evidence"]) for (match,) in judged.get_matches(1)] == [[NAMED], [NAMED]]
    raw = judged._rows("SELECT raw FROM field_provenance WHERE field IN ('topic', 'place')")
    assert [json.loads(row["raw"]) for row in raw] == [[NAMED], [NAMED]]
    with judged.transaction():  # as older versions wrote it
        judged._connection.execute(f"UPDATE {table} SET evidence = ?", (json.dumps([NAMED], separators=(",", ":")),))
    (migration,) = [each for each in MIGRATIONS._migrations if each.name == "m016_evidence"]
    migration.fn(judged._db)
    assert judged._value(f"SELECT evidence FROM {table}") == packed
