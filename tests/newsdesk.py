"""A database, and portals that publish into it: for tests of what happens over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fresh_database import open_fresh

from aggregator.dedup import hash_paragraph
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
    LinkFailure,
    Poll,
    PollOutcome,
    Source,
    SourceKind,
)
from aggregator.pages import PageFolder
from aggregator.settings import AggregatorSettings
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
        self.store = open_fresh(folder / "news.db")
        self.folder = folder
        self.sources: dict[str, Source] = {}
        self.minutes = 0

    @property
    def now(self) -> datetime:
        return NOW + timedelta(minutes=self.minutes)

    def publish_at(
        self,
        source_id: str,
        slug: str,
        paragraphs: Sequence[str],
        *,
        hour: int = 6,
        title: str = "",
        kind: SourceKind = SourceKind.REGIONAL,
        precision: DatePrecision = DatePrecision.MINUTE,
        boilerplate: Sequence[str] = (),
        raw: bytes = b"",
    ) -> None:
        """`source_id` publishes an article at that hour, and it is read and ingested."""
        url = f"https://{source_id}.example/{slug}"
        text = "\n".join(paragraphs)
        article = ExtractedArticle(
            title=title or f"APEKSI: {slug} menurut {source_id}",
            text=text,
            published=self.now.replace(hour=hour, minute=0),
            published_precision=precision,
            boilerplate=tuple(map(hash_paragraph, boilerplate)),
        )
        page = FetchedPage(url=url, link=ArticleLink(url=url), article=article, fetched_at=self.now, raw=raw)
        self._ingest(source_id, kind, pages=(page,))

    def bring(self, source_id: str, page: FetchedPage) -> None:
        """A page of `source_id` that was read is ingested."""
        self._ingest(source_id, SourceKind.REGIONAL, pages=(page,))

    def lose(self, source_id: str, slug: str, *, status: int = 404) -> None:
        """The article's page is asked for again, and the portal answers so."""
        url = f"https://{source_id}.example/{slug}"
        gone = status in (404, 410)
        failure = LinkFailure(url=url, link=ArticleLink(url=url), reason=f"HTTP {status}", permanent=gone, gone=gone)
        self._ingest(source_id, SourceKind.REGIONAL, failures=(failure,))

    def fail(self, source_id: str, *, status: int, **facts: Any) -> None:
        """The channel of a source that published before is asked, and fails."""
        self._ingest(source_id, SourceKind.REGIONAL, {"outcome": PollOutcome.FAILED, "http_status": status, **facts})

    def answer(self, source_id: str, **facts: Any) -> None:
        """The channel of a source that published before is asked, and there is nothing new."""
        self._ingest(source_id, SourceKind.REGIONAL, {"outcome": PollOutcome.UNCHANGED, **facts})

    def _ingest(
        self, source_id: str, kind: SourceKind, polled: Mapping[str, Any] = MappingProxyType({}), **brought: Any
    ) -> None:
        feed = f"https://{source_id}.example/feed"
        self._enlist(source_id, kind)
        (channel,) = [row for row in self.store.get_due_channels(None) if row.url == feed]
        facts: dict[str, Any] = {"outcome": PollOutcome.CHANGED, "host": f"{source_id}.example", **polled}
        poll = Poll(channel_id=channel.id, started_at=self.now, finished_at=self.now, **facts)
        harvest = Harvest(source_id=source_id, poll=poll, **brought)
        self._make_ingest().write(harvest, self.store.start_cycle(self.now), channel)

    def _enlist(self, source_id: str, kind: SourceKind) -> None:
        if source_id not in self.sources:
            self.sources[source_id] = Source(
                id=source_id,
                name=source_id.title(),
                domain=f"{source_id}.example",
                kind=kind,
                channels=(Channel(kind=ChannelKind.FEED, url=f"https://{source_id}.example/feed"),),
            )
            self.store.write_catalogue(self.sources.values())

    def _make_ingest(self, *, is_backfill: bool = False) -> Ingest:
        return Ingest(
            self.store,
            sources=self.sources,
            settings=AggregatorSettings(),
            topics=load_topics(None),
            pages=PageFolder(self.folder / "pages"),
            keep_all=False,
            now=self.now,
            is_backfill=is_backfill,
        )

    def read_feed(self) -> list[FeedItem]:
        """Publishes what is new, a minute after the last time, and reads the feed."""
        self.minutes += 1
        self.store.publish_groups(self.now, archive_older_than=timedelta(days=7))
        return self.store.get_feed_items()

    def list_groups(self) -> dict[str, set[str]]:
        """canonical address → addresses of the members, of the groups that are in the feeds or will be."""
        rows = self.ask(
            "SELECT c.url, a.url FROM duplicate_groups AS g JOIN articles AS a ON a.group_id = g.id"
            " JOIN articles AS c ON c.id = g.canonical_id WHERE g.merged_into IS NULL AND g.withdrawn_at IS NULL"
        )
        groups: dict[str, set[str]] = {}
        for canonical, member in rows:
            groups.setdefault(canonical, set()).add(member)
        return groups

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of any question."""
        return [tuple(row) for row in self.store._connection.execute(sql)]
