"""Duplicate groups over time: who stands for a group, and what becomes of guids when groups meet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aggregator.ingest import Ingest
from aggregator.models import (
    ArticleLink,
    Channel,
    ChannelKind,
    DatePrecision,
    ExtractedArticle,
    FeedItem,
    FetchedPage,
    Harvest,
    Poll,
    PollOutcome,
    Source,
)
from aggregator.pages import PageFolder
from aggregator.settings import AggregatorSettings
from aggregator.store import Store
from aggregator.topics import load_topics

NOW = datetime(2026, 10, 5, 8, 0, tzinfo=UTC)
RELEASE = [
    "Pemerintah Kota Gorontalo menerima kunjungan pengurus APEKSI pada Senin pagi di aula balai kota.",
    "Wali kota menyampaikan bahwa lampu jalan pintar sudah terpasang di empat belas ruas sejak bulan Juli.",
    "Tagihan listrik penerangan turun seperempat, dan sisa anggaran dipakai memperbaiki trotoar di tiga kelurahan.",
    "Rombongan kemudian meninjau ruang kendali yang memantau genangan, sampah, dan antrean di puskesmas.",
    "Dinas komunikasi membuka data itu bagi warga melalui laman yang dapat dipakai tanpa mendaftar.",
    "Kunjungan ditutup dengan makan siang bersama para camat dan lurah se-kota.",
]
OTHER = [
    "Bursa efek mencatat kenaikan nilai transaksi pada pekan pertama, kata pengurus APEKSI yang hadir di Jakarta.",
    "Para bendahara kota mempelajari cara menerbitkan obligasi daerah untuk membiayai terminal dan pasar.",
    "Pelatihan berlangsung dua hari dan diikuti enam puluh peserta dari dua puluh kota di Jawa dan Bali.",
    "Setiap peserta menyusun rencana pembiayaan yang dinilai oleh penguji dari kementerian keuangan.",
]


class Newsroom:
    """A database, and portals that publish into it."""

    def __init__(self, folder: Path) -> None:
        self.store = Store.open_writer(folder / "news.db")
        self.folder = folder
        self.sources: dict[str, Source] = {}
        self.minutes = 0

    def publish_at(self, source_id: str, slug: str, paragraphs: list[str], *, hour: int = 6, title: str = "") -> None:
        """`source_id` publishes an article at that hour, and it is read and ingested."""
        url = f"https://{source_id}.example/{slug}"
        feed = f"https://{source_id}.example/feed"
        self.sources[source_id] = Source(
            id=source_id,
            name=source_id.title(),
            domain=f"{source_id}.example",
            channels=(Channel(kind=ChannelKind.FEED, url=feed),),
        )
        self.store.write_catalogue(self.sources.values())
        (channel,) = [row for row in self.store.get_due_channels(None) if row.url == feed]
        article = ExtractedArticle(
            title=title or f"APEKSI: {slug} menurut {source_id}",
            text="\n".join(paragraphs),
            published=NOW.replace(hour=hour),
            published_precision=DatePrecision.MINUTE,
        )
        page = FetchedPage(url=url, link=ArticleLink(url=url), article=article, fetched_at=NOW)
        poll = Poll(channel_id=channel.id, outcome=PollOutcome.CHANGED, started_at=NOW, finished_at=NOW)
        ingest = Ingest(
            self.store,
            sources=self.sources,
            settings=AggregatorSettings(),
            topics=load_topics(None),
            pages=PageFolder(self.folder / "pages"),
            keep_all=False,
            now=NOW + timedelta(minutes=self.minutes),
        )
        harvest = Harvest(source_id=source_id, poll=poll, pages=(page,))
        ingest.write(harvest, self.store.start_cycle(NOW), failures_before=0)

    def read_feed(self) -> list[FeedItem]:
        """Publishes what is new, a minute after the last time, and reads the feed."""
        self.minutes += 1
        self.store.publish_groups(NOW + timedelta(minutes=self.minutes), archive_older_than=timedelta(days=7))
        return self.store.get_feed_items()


@pytest.fixture
def newsroom(tmp_path: Path) -> Iterator[Newsroom]:
    newsroom = Newsroom(tmp_path)
    yield newsroom
    newsroom.store.close()


def test_a_repost_adds_a_portal_to_the_item_and_no_item(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kunjungan", RELEASE)
    (before,) = newsroom.read_feed()
    newsroom.publish_at("salin", "apeksi-datang", ["SALIN, GORONTALO – Baca juga.", *RELEASE[:3]], hour=7)
    (after,) = newsroom.read_feed()
    assert after.guid == before.guid
    assert after.first_published == before.first_published
    assert after.also_at == (("Salin", "https://salin.example/apeksi-datang"),)
    assert after.updated > before.updated


def test_an_earlier_publication_found_later_stands_for_the_group_under_the_same_guid(newsroom: Newsroom) -> None:
    newsroom.publish_at("salin", "apeksi-datang", RELEASE, hour=7)
    (before,) = newsroom.read_feed()
    newsroom.publish_at("mula", "kunjungan", RELEASE, hour=5)
    (after,) = newsroom.read_feed()
    assert after.guid == before.guid
    assert after.url == "https://mula.example/kunjungan"


def test_other_news_is_another_item(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kunjungan", RELEASE)
    newsroom.publish_at("salin", "obligasi", OTHER)
    assert len({item.guid for item in newsroom.read_feed()}) == 2


def test_when_two_published_groups_turn_out_to_be_one_the_older_guid_stays(newsroom: Newsroom) -> None:
    newsroom.publish_at("awal", "bagian-satu", RELEASE[:3], hour=6)
    (first,) = newsroom.read_feed()
    newsroom.publish_at("akhir", "bagian-dua", RELEASE[3:], hour=5)
    assert len(newsroom.read_feed()) == 2
    newsroom.publish_at("utuh", "lengkap", RELEASE, hour=4)
    (item,) = newsroom.read_feed()
    assert item.guid == first.guid
    assert len(item.also_at) == 2


def test_a_round_up_does_not_glue_two_releases_together(newsroom: Newsroom) -> None:
    """It quotes both; each was there before it, and it agrees with one canonical article only."""
    newsroom.publish_at("mula", "kunjungan", RELEASE, hour=5)
    newsroom.publish_at("niaga", "obligasi", OTHER, hour=5)
    assert len(newsroom.read_feed()) == 2
    newsroom.publish_at("rangkum", "sepekan", [*RELEASE, *OTHER], hour=7)
    items = newsroom.read_feed()
    assert {"https://mula.example/kunjungan", "https://niaga.example/obligasi"} <= {item.url for item in items}


def test_an_article_that_comes_in_again_unchanged_leaves_the_item_alone(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kunjungan", RELEASE)
    before = newsroom.read_feed()
    newsroom.publish_at("mula", "kunjungan", RELEASE)
    assert newsroom.read_feed() == before


def test_a_revised_text_updates_the_item_without_a_new_guid(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kunjungan", RELEASE)
    (before,) = newsroom.read_feed()
    newsroom.publish_at("mula", "kunjungan", [*RELEASE, "Ralat: jumlah ruas jalan sudah diperbaiki."])
    (after,) = newsroom.read_feed()
    assert replace(after, updated=before.updated, excerpt=before.excerpt) == before
    assert after.updated > before.updated


def test_what_was_old_when_found_never_enters_the_main_feed(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kunjungan", RELEASE)
    newsroom.store.publish_groups(NOW + timedelta(days=30), archive_older_than=timedelta(days=7))
    assert newsroom.read_feed() == []
