"""Feeds as files: what is in which, archives that lose nothing, and nothing written without a reason."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from feed_room import FeedRoom
from newsdesk import OTHER, RELEASE

from aggregator import feed_rows
from aggregator.feeds import GroupFacts, list_feeds, make_archive_path, make_feed_path, name_feeds
from aggregator.models import ArticleLink, DatePrecision, ExtractedArticle, FetchedPage, RegionMatch, SourceKind
from aggregator.publish import publishing
from aggregator.publish.files import PublishError
from aggregator.store import Store


@pytest.fixture
def room(tmp_path: Path) -> Iterator[FeedRoom]:
    room = FeedRoom(tmp_path)
    yield room
    room.store.close()


def report(room: FeedRoom, number: int, *, source: str = "kabar-satu") -> None:
    """A piece of news that is unlike all others."""
    words = [f"Kata{number}x{place} membahas agenda nomor {number * 37 + place}" for place in range(12)]
    text = [f"Pengurus APEKSI bertemu di Gorontalo untuk urusan {number}.", *words]
    room.publish_at(source, f"berita-{number}", text, title=f"APEKSI urusan {number}")


# ── which there are ────────────────────────────────────────────────────────────────────────────────────────────────


def test_everybody_has_a_feed_before_there_is_news() -> None:
    feeds = list_feeds({"apeksi": "APEKSI"}, {"kabar-satu": "Kabar Satu"})
    kinds = [name.partition("/")[0] for name in feeds]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "all": 1,
        "topic": 1,
        "city": 98,
        "province": 38,
        "komwil": 6,
        "kind": len(SourceKind),
        "source": 1,
    }
    assert feeds["city/kota-gorontalo"] == "Kota Gorontalo"


@pytest.mark.parametrize("slug", ["../../etc", "A", "", "a b", "a/b", ".hidden", "a" + "\n"])
def test_what_cannot_be_a_file_name_has_no_feed(slug: str) -> None:
    assert not [name for name in list_feeds({slug: "x"}, {slug: "x"}) if name.startswith(("topic", "source"))]


def test_a_city_brings_its_province_and_komwil_along() -> None:
    facts = GroupFacts(topics=["apeksi"], regions=["75.71"], sources=[("antara", "national"), ("a", "regional")])
    assert name_feeds(facts) == {
        *("all", "topic/apeksi", "city/kota-gorontalo", "province/gorontalo", "komwil/6"),
        *("source/antara", "source/a", "kind/national", "kind/regional"),
    }


def test_paths() -> None:
    assert make_feed_path("all", "xml") == "feed.xml"
    assert make_feed_path("city/kota-batu", "json") == "feeds/city/kota-batu.json"
    assert make_archive_path("city/kota-batu", "3", "atom") == "feeds/archive/city/kota-batu/3.atom"


# ── what is in which ───────────────────────────────────────────────────────────────────────────────────────────────


def test_news_is_in_the_feeds_of_its_topic_place_and_sources(tmp_path: Path) -> None:
    room = FeedRoom(tmp_path, empty_feeds=True)
    room.publish_at("kabar-satu", "rilis", RELEASE)
    room.publish_at("kabar-dua", "rilis", RELEASE, hour=7)
    room.publish_at("pemkot", "lain", OTHER, kind=SourceKind.CITY_GOVERNMENT)
    room.press()
    release, other = room.read("feed.xml")[::-1]
    if room.read("feeds/source/pemkot.xml") != [other]:
        release, other = other, release
    assert room.read("feeds/source/pemkot.xml") == [other]
    assert room.read("feeds/kind/city-government.atom") == [other]
    for path in ("source/kabar-satu", "source/kabar-dua", "city/kota-gorontalo", "province/gorontalo", "komwil/6"):
        assert room.read(f"feeds/{path}.json") == [release], path
    assert set(room.read("feeds/topic/apeksi.xml")) == {release, other}
    assert room.read("feeds/city/kota-bandung.xml") == []


@pytest.mark.parametrize("ending", ["xml", "atom", "json"])
def test_every_format_holds_the_same_in_the_same_order(room: FeedRoom, ending: str) -> None:
    for number in range(6):
        report(room, number)
    room.press()
    assert room.read(f"feed.{ending}") == [item.guid for item in room.store.get_feed_items()]


def test_a_copy_updates_the_item_and_does_not_bring_it_up(room: FeedRoom) -> None:
    room.publish_at("kabar-satu", "rilis", RELEASE)
    room.press()
    report(room, 1)
    room.press()
    before = room.read("feed.xml")
    room.publish_at("kabar-dua", "rilis", RELEASE, hour=7)
    changed = room.press()
    assert room.read("feed.xml") == before
    assert "https://kabarkota.example/feed.xml" in changed.changed
    assert "https://kabarkota.example/feeds/source/kabar-dua.xml" in changed.changed
    assert "Kabar-Dua" in (room.public / "feed.xml").read_text()


def test_a_place_found_later_moves_the_item_to_its_feeds(room: FeedRoom) -> None:
    room.publish_at("kabar-satu", "rilis", RELEASE)
    room.press()
    guid = room.read("feeds/city/kota-gorontalo.xml")[0]
    with room.store.transaction():
        room.store.write_regions(
            1, [RegionMatch(code="73.71", name="Kota Makassar", kind="city", role="event", score=1)]
        )
    room.press()
    assert room.read("feeds/city/kota-gorontalo.xml") == room.read("feeds/province/gorontalo.xml") == []
    assert room.read("feeds/city/kota-makassar.xml") == room.read("feeds/province/sulawesi-selatan.xml") == [guid]
    assert room.ask("SELECT name, items FROM feeds WHERE name LIKE 'city/%' AND items") == [("city/kota-makassar", 1)]


def test_a_source_that_is_renamed_is_renamed_in_its_items(room: FeedRoom) -> None:
    room.publish_at("kabar-satu", "rilis", RELEASE)
    room.press()
    with room.store.transaction():
        room.store._connection.execute("UPDATE sources SET name = 'Kabar Pertama'")
    room.press()
    assert "Kabar Pertama" in (room.public / "feed.xml").read_text()
    assert "Kabar Pertama" in (room.public / "feeds/source/kabar-satu.xml").read_text().partition("<item>")[0]


# ── nothing without a reason ───────────────────────────────────────────────────────────────────────────────────────


def test_nothing_new_writes_nothing(room: FeedRoom) -> None:
    report(room, 1)
    room.press()
    before = room.list_files()
    again = room.press(minutes=600)
    assert (again.files, again.changed, again.new_items, again.feed_items) == (0, (), 0, 1)
    assert room.list_files() == before


def test_only_what_changed_is_rendered(room: FeedRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        report(room, number, source=f"kabar-{number}")
    room.press()
    rendered: list[str] = []
    from aggregator.publish import press

    render = press.render_feed
    monkeypatch.setattr(
        press,
        "render_feed",
        lambda items, info, ending: rendered.append(info.self_url) or render(items, info, ending),
    )
    report(room, 9, source="kabar-0")
    room.press()
    names = {url.removeprefix("https://kabarkota.example/").rpartition(".")[0] for url in rendered}
    places = {"feeds/city/kota-gorontalo", "feeds/province/gorontalo", "feeds/komwil/6"}
    assert names == {"feed", "feeds/topic/apeksi", "feeds/kind/regional", "feeds/source/kabar-0"} | (names & places)
    assert len(rendered) == 3 * len(names)


@pytest.mark.slow
def test_everything_is_written_anew_when_asked_or_when_settings_change(tmp_path: Path) -> None:
    room = FeedRoom(tmp_path, empty_feeds=True)
    report(room, 1)
    room.press()
    (room.public / "feeds/topic/apeksi.xml").write_bytes(b"damaged")
    assert room.press().files == 0
    assert room.press(everything=True).files == 1
    shutil.rmtree(room.public)
    assert room.press().files > 400
    room.settings = room.settings.model_copy(update={"site_name": "Kabar Lain"})
    assert room.press().files > 400


def test_what_was_due_when_the_process_died_is_written_by_the_next(
    room: FeedRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    report(room, 1)
    room.press()
    report(room, 2)
    from aggregator.publish import press

    write = press.write_public

    def die(path: Path, body: bytes, *, sync: bool) -> bool:
        if "topic" in str(path):
            raise KeyboardInterrupt
        return write(path, body, sync=sync)

    monkeypatch.setattr(press, "write_public", die)
    with pytest.raises(KeyboardInterrupt):
        room.press()
    monkeypatch.setattr(press, "write_public", write)
    room.press()
    assert len(room.read("feeds/topic/apeksi.json")) == len(room.read("feed.xml")) == 2


def test_a_missing_base_url_gives_relative_addresses(tmp_path: Path) -> None:
    room = FeedRoom(tmp_path, site_url="", websub_hubs=("https://hub.example/",))
    report(room, 1)
    room.press()
    body = (room.public / "feed.xml").read_text()
    assert 'href="/feed.xml"' in body
    assert "hub.example" not in body


# ── the window ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_feed_holds_fifty_items_or_three_days(tmp_path: Path) -> None:
    room = FeedRoom(tmp_path, feed_items=5)
    for number in range(8):
        report(room, number)
    room.press()
    assert len(room.read("feed.xml")) == len(room.read("feeds/topic/apeksi.xml")) == 8
    room.press(minutes=73 * 60)
    assert len(room.read("feed.xml")) == len(room.read("feeds/topic/apeksi.xml")) == 5
    report(room, 9)
    room.press()
    assert len(room.read("feed.xml")) == 5
    assert room.read_titles("feed.json")[0] == "APEKSI urusan 9"


@pytest.mark.slow
def test_a_flood_makes_no_feed_larger_than_is_allowed_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_rows, "FEED_MOST", 6)
    room = FeedRoom(tmp_path, feed_items=3)
    for number in range(20):
        report(room, number)
        if number % 7 == 0:
            room.press()
            assert set(read_all(room, "feed.atom")) == room.list_published()
    room.press()
    assert len(room.read("feed.xml")) == len(room.read("feeds/topic/apeksi.xml")) == 6
    assert {f"APEKSI urusan {number}" for number in range(15, 20)} < set(room.read_titles("feed.json"))
    assert set(read_all(room, "feed.atom")) == room.list_published()
    assert room.press().files == 0  # it is not written over and over
    room.store.close()


def test_an_item_that_leaves_makes_room_for_an_older_one(tmp_path: Path) -> None:
    room = FeedRoom(tmp_path, feed_items=3)
    for number in range(5):
        report(room, number)
        room.press()
    room.press(minutes=73 * 60)
    before = room.read("feed.xml")
    assert len(before) == 3
    withdraw(room, before[1])
    room.press()
    after = room.read("feed.xml")
    assert (after[0], after[1], len(after)) == (before[0], before[2], 3)


@pytest.mark.slow
def test_a_clock_that_is_set_back_hides_nothing(tmp_path: Path) -> None:
    room = FeedRoom(tmp_path, feed_items=3)
    for number in range(4):
        report(room, number)
        room.press()
    known = room.read("feed.xml")
    report(room, 4)
    room.press(minutes=-90)
    assert room.read_titles("feed.json")[0] == "APEKSI urusan 4"
    assert room.read("feed.xml")[1:] == known[: len(room.read("feed.xml")) - 1]
    report(room, 5)
    room.press(minutes=0)
    assert room.read_titles("feed.json")[:2] == ["APEKSI urusan 5", "APEKSI urusan 4"]
    assert set(read_all(room, "feed.atom")) == room.list_published()


# ── archives ───────────────────────────────────────────────────────────────────────────────────────────────────────


def read_all(room: FeedRoom, path: str) -> list[str]:
    """What a reader finds that follows a feed's archive to its end."""
    found = room.read(path)
    for page in room.follow(path):
        found += room.read(page)
    return found


@pytest.mark.slow
def test_archives_lead_back_to_the_first_article(tmp_path: Path) -> None:
    room = FeedRoom(tmp_path, feed_items=50)
    for number in range(130):
        report(room, number)
        if number % 20 == 0:
            room.press()
    room.press(minutes=100 * 60)
    assert len(room.read("feed.atom")) == 50
    assert room.follow("feed.atom") == ["feeds/archive/all/2.atom", "feeds/archive/all/1.atom"]
    assert set(read_all(room, "feed.atom")) == room.list_published()
    assert set(read_all(room, "feeds/topic/apeksi.atom")) == room.list_published()
    first = (room.public / "feeds/archive/all/1.xml").read_text()
    assert "archive" in first
    assert "https://kabarkota.example/feed.xml" in first  # the current document


@pytest.mark.slow
def test_what_a_small_feed_does_not_hold_any_more_is_in_its_archive(tmp_path: Path) -> None:
    room = FeedRoom(tmp_path, feed_items=4)
    for number in range(12):
        report(room, number)
        room.press(minutes=80 * 60)
        assert set(read_all(room, "feed.atom")) == room.list_published()
    assert len(room.read("feed.json")) == 4
    assert room.follow("feed.atom") == [f"feeds/archive/all/{number}.atom" for number in (3, 2, 1)]


def test_a_feed_that_shall_hold_less_leaves_the_rest_to_its_archive(tmp_path: Path) -> None:
    room = FeedRoom(tmp_path, feed_items=20)
    for number in range(17):
        report(room, number)
    room.press()
    room.press(minutes=80 * 60)
    assert room.follow("feed.atom") == []
    room.settings = room.settings.model_copy(update={"feed_items": 5})
    room.press()
    assert len(room.read("feed.json")) == 5
    assert len(room.follow("feed.atom")) == 3
    for feed in ("feed.atom", "feeds/topic/apeksi.atom", "feeds/city/kota-gorontalo.atom"):
        assert set(read_all(room, feed)) == room.list_published()


def withdraw(room: FeedRoom, *guids: str) -> None:
    with room.store.transaction():
        for guid in guids:
            room.store._connection.execute("UPDATE duplicate_groups SET withdrawn_at = 'x' WHERE guid = ?", (guid,))


def publish_old(room: FeedRoom, *numbers: int) -> None:
    """News that was older than a week when it was found."""
    for number in numbers:
        report(room, number)
        room.store._connection.execute(
            "UPDATE articles SET published_at = ? WHERE title = ?", ("2026-09-01T00:00:00Z", f"APEKSI urusan {number}")
        )
        room.store._connection.commit()


def follow_short(room: FeedRoom) -> str:
    """The short document that the main feed's archive ends with."""
    path = room.follow("feed.atom")[0]
    assert re.fullmatch(r"feeds/archive/all/\d+-[0-9a-f]+\.atom", path)
    return path


def test_what_was_old_when_found_is_in_the_archive_at_once(room: FeedRoom) -> None:
    report(room, 1)
    room.press()
    publish_old(room, 2)
    room.press()
    assert len(room.read("feed.xml")) == 1
    assert set(room.read(follow_short(room))) == room.list_published()
    assert set(room.read(room.follow("feeds/topic/apeksi.atom")[0])) == room.list_published()


@pytest.mark.parametrize("is_published", [True, False])
def test_a_copy_under_an_old_date_keeps_no_fresh_news_out_of_the_feed(room: FeedRoom, *, is_published: bool) -> None:
    now = room.minutes
    room.minutes -= 12 * 24 * 60
    old = room.now
    room.minutes = now
    url = "https://salin.example/tiru"
    article = ExtractedArticle(
        title="APEKSI tiru", text="\n".join(RELEASE), published=old, published_precision=DatePrecision.MINUTE
    )
    report(room, 1, source="salin")
    room.bring("salin", FetchedPage(url=url, link=ArticleLink(url=url), article=article, fetched_at=room.now))
    if is_published:
        room.press()
        assert len(room.read("feed.xml")) == 1
    room.publish_at("mula", "kunjungan", RELEASE)
    room.press()
    assert len(room.read("feed.xml")) == 2
    assert set(read_all(room, "feed.atom")) == room.list_published()


@pytest.mark.slow
def test_a_short_document_is_superseded_and_stays_for_a_day(room: FeedRoom) -> None:
    publish_old(room, 1)
    room.press()
    first = follow_short(room)
    body = (room.public / first).read_bytes()
    publish_old(room, 2, 3)
    room.press()
    assert follow_short(room) != first
    assert room.follow("feed.atom") == [follow_short(room)]
    assert (room.public / first).read_bytes() == body
    room.press(minutes=25 * 60)
    assert not (room.public / first).exists()
    publish_old(room, *range(10, 60))
    room.press()
    assert room.follow("feed.atom") == [follow_short(room), "feeds/archive/all/1.atom"]
    assert len(room.read("feeds/archive/all/1.atom")) == 50
    assert set(read_all(room, "feed.atom")) == room.list_published()


def test_an_address_of_a_short_document_never_comes_again(room: FeedRoom) -> None:
    publish_old(room, 1)
    room.press()
    first = follow_short(room)
    withdraw(room, *room.read(first))
    publish_old(room, 2)
    room.press()
    assert follow_short(room) != first
    assert len(room.read(follow_short(room))) == 1


@pytest.mark.parametrize("dies", ["remove_public", "drop_superseded_pages"])
def test_a_superseded_document_goes_even_if_the_process_dies_meanwhile(
    room: FeedRoom, monkeypatch: pytest.MonkeyPatch, dies: str
) -> None:
    publish_old(room, 1)
    room.press()
    first = follow_short(room)
    publish_old(room, 2)
    room.press()

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(publishing if dies == "remove_public" else type(room.store), dies, die)
        with pytest.raises(KeyboardInterrupt):
            room.press(minutes=25 * 60)
    room.press()
    assert not (room.public / first).exists()
    assert room.follow("feed.atom") == [follow_short(room)]


def test_the_first_document_tells_of_the_second(tmp_path: Path) -> None:
    room = FeedRoom(tmp_path, feed_items=5)
    for number in range(12):
        report(room, number)
    room.press()
    first = (room.public / "feeds/archive/all/1.xml").read_text()
    assert 'href="https://kabarkota.example/feeds/archive/all/2.xml" rel="next-archive"' in first


# ── files and tables ───────────────────────────────────────────────────────────────────────────────────────────────


def test_files_that_are_gone_come_back_by_themselves(tmp_path: Path) -> None:
    room = FeedRoom(tmp_path, feed_items=5)
    for number in range(7):
        report(room, number)
    room.press()
    before = {path: body for path, (_, body) in room.list_files().items()}
    shutil.rmtree(room.public / "feeds/archive")
    for name in ("feed.json", "feed.xsl", "opml.xml", "feeds/topic/apeksi.atom"):
        (room.public / name).unlink()
    room.press()
    after = {path: body for path, (_, body) in room.list_files().items()}
    assert after == before


def test_what_no_table_knows_is_removed(room: FeedRoom) -> None:
    report(room, 1)
    room.press()
    for name in ("feeds/city/atlantis.xml", "feeds/archive/all/7.atom.gz", "data/snapshot.db"):
        (room.public / name).parent.mkdir(parents=True, exist_ok=True)
        (room.public / name).write_bytes(b"lama")
    room.press()
    assert not (room.public / "feeds/city/atlantis.xml").exists()
    assert not (room.public / "feeds/archive/all/7.atom.gz").exists()
    assert (room.public / "data/snapshot.db").exists()


def test_an_older_database_makes_the_files_its_own(tmp_path: Path) -> None:
    room = FeedRoom(tmp_path, feed_items=5)
    for number in range(4):
        report(room, number)
    room.press()
    room.store.copy_to(tmp_path / "backup.db")
    for number in range(4, 12):
        report(room, number)
    room.press()
    assert len(room.follow("feed.atom")) == 2
    room.store.close()
    for old in tmp_path.glob("news.db*"):
        old.unlink()
    shutil.copy(tmp_path / "backup.db", tmp_path / "news.db")
    room.store = Store.open_writer(tmp_path / "news.db")
    room.press()
    assert len(room.read("feed.xml")) == len(room.read("feeds/topic/apeksi.json")) == 4
    assert not list(room.public.rglob("feeds/archive/**/*.*"))


def test_a_document_that_cannot_be_written_keeps_no_other_back(room: FeedRoom) -> None:
    report(room, 1)
    room.press()
    blocked = room.public / "feeds/topic/apeksi.xml"
    blocked.unlink()
    blocked.mkdir()
    report(room, 2)
    with pytest.raises(PublishError, match=r"feeds/topic/apeksi\.xml"):
        room.press()
    assert len(room.read("feed.xml")) == len(room.read("feeds/source/kabar-satu.json")) == 2
    blocked.rmdir()
    room.press()
    assert len(room.read("feeds/topic/apeksi.xml")) == 2


@pytest.mark.slow
def test_an_archive_does_not_change_while_news_comes(tmp_path: Path) -> None:
    room = FeedRoom(tmp_path, feed_items=10)
    for number in range(60):
        report(room, number)
    room.press()
    before = {path: body for path, (_, body) in room.list_files().items() if "/archive/all/" in path}
    assert before
    for number in range(60, 66):
        report(room, number)
        room.press(minutes=1_500)
    after = room.list_files()
    assert {path: after[path][1] for path in before} == before


@pytest.mark.slow
def test_what_is_withdrawn_leaves_archives_too(room: FeedRoom) -> None:
    for number in range(60):
        report(room, number)
    room.press()
    gone = room.read("feeds/archive/all/1.xml")[20]
    withdraw(room, gone)
    room.press()
    assert gone not in "".join(
        body.decode("latin-1") for path, (_, body) in room.list_files().items() if path[-2:] != "br"
    )
    assert len(room.read("feeds/archive/all/1.json")) == 49


@pytest.mark.slow
def test_a_backfill_does_not_flood_the_feed(room: FeedRoom) -> None:
    report(room, 1)
    room.press()
    before = room.read("feed.xml")
    publish_old(room, *range(2, 60))
    room.press()
    assert room.read("feed.xml") == before
    assert set(read_all(room, "feed.atom")) == room.list_published()


@pytest.mark.slow
def test_feeds_without_news_are_no_files_where_nobody_wants_them(room: FeedRoom) -> None:
    room.press()
    assert room.read("feed.xml") == []
    assert not list(room.public.glob("feeds/city/*"))
    report(room, 1)
    room.press()
    assert len(room.read("feeds/source/kabar-satu.xml")) == 1
    assert not list(room.public.glob("feeds/source/kabar-dua.*"))
    room.settings = room.settings.model_copy(update={"empty_feeds": True})
    assert room.press().files > 400
    assert room.read("feeds/city/kota-batu.xml") == []


def test_the_lists_of_feeds_are_opml(room: FeedRoom) -> None:
    report(room, 1)
    room.press()
    ours = (room.public / "opml.xml").read_text()
    assert "https://kabarkota.example/feeds/city/kota-gorontalo.xml" in ours
    assert "https://kabarkota.example/feeds/source/kabar-satu.xml" in ours
    theirs = (room.public / "opml-sources.xml").read_text()
    assert "https://kabar-satu.example/feed" in theirs


def test_the_source_of_an_item_is_the_portals_own_feed(room: FeedRoom) -> None:
    report(room, 1)
    room.press()
    assert '<source url="https://kabar-satu.example/feed">Kabar-Satu</source>' in (room.public / "feed.xml").read_text()
