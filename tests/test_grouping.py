"""Duplicate groups over time: who stands for a group, and what becomes of guids when groups meet."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from newsdesk import NOW, OTHER, RELEASE, Newsroom

from aggregator.chronicle import Chronicle
from aggregator.grouping import Grouper


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


def test_group_that_was_emptied_stops_no_look_at_stories(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kabar", RELEASE)
    store = newsroom.store
    ((article, before),) = newsroom.ask("SELECT id, group_id FROM articles")
    with store.transaction():
        emptied = store.add_group(article, newsroom.now)
        store.set_group(emptied, article, [article], newsroom.now)
        store.set_group(before, article, [article], newsroom.now)
    with store.transaction():
        Chronicle(store, newsroom.now).look()
        Chronicle(store, newsroom.now).look_again()
    assert newsroom.ask("SELECT count(*) FROM stories WHERE first_seen_at <> ''") == [(1,)]


def test_an_article_read_again_and_again_is_not_taken_for_what_its_source_repeats(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kunjungan", RELEASE, boilerplate=RELEASE)
    newsroom.publish_at("salin", "apeksi-datang", RELEASE, hour=7)
    for _ in range(5):
        newsroom.publish_at("mula", "kunjungan", RELEASE, boilerplate=RELEASE)
    with newsroom.store.transaction():
        assert Grouper(newsroom.store, newsroom.now).verify() == 0
    assert newsroom.store.get_boilerplate("mula") == frozenset()
    assert len(newsroom.list_groups()) == 1


def test_a_copy_under_an_earlier_date_takes_no_item_from_who_was_first(newsroom: Newsroom) -> None:
    newsroom.publish_at("salin", "lain", OTHER[:2])
    newsroom.minutes += 5
    newsroom.publish_at("mula", "kunjungan", RELEASE, hour=7)
    before = {item.guid: item.url for item in newsroom.read_feed()}
    newsroom.minutes += 30
    newsroom.answer("salin")
    newsroom.minutes += 30
    newsroom.publish_at("salin", "apeksi-datang", RELEASE, hour=1)
    assert {item.guid: item.url for item in newsroom.read_feed()} == before
    (told,) = newsroom.ask("SELECT published_at FROM articles WHERE url LIKE '%apeksi-datang'")
    assert told == ("2026-10-05T01:00:00Z",)  # what it claims is shown


def test_what_a_first_poll_brings_takes_no_item_from_who_was_seen_to_be_first(newsroom: Newsroom) -> None:
    """An attacker's portal is added; all that it lists is copied, and dated back."""
    newsroom.publish_at("mula", "lain", OTHER[:2])
    newsroom.minutes += 30
    newsroom.publish_at("mula", "kunjungan", RELEASE, hour=8)
    before = {item.guid: item.url for item in newsroom.read_feed()}
    newsroom.minutes += 30
    newsroom.publish_at("salin", "apeksi-datang", RELEASE, hour=1)
    assert {item.guid: item.url for item in newsroom.read_feed()} == before
    newsroom.minutes += 30
    newsroom.publish_at("salin", "apeksi-datang", [*RELEASE, "Ralat: jumlah ruas jalan sudah diperbaiki."], hour=1)
    newsroom.publish_at("mula", "kunjungan", [*RELEASE, "Acara itu ditutup pada siang hari."], hour=8)
    assert "https://mula.example/kunjungan" in newsroom.list_groups()
    newsroom.publish_at("kutip", "kunjungan", RELEASE, hour=2)  # and they do not become first by being two
    assert {item.guid: item.url for item in newsroom.read_feed()} == before
    (told,) = newsroom.ask("SELECT published_at FROM articles WHERE url LIKE '%apeksi-datang'")
    assert told == ("2026-10-05T01:00:00Z",)


def test_what_a_first_poll_brings_stays_first_before_what_appears_later(newsroom: Newsroom) -> None:
    newsroom.publish_at("salin", "lain", OTHER[:2])
    newsroom.publish_at("mula", "kunjungan", RELEASE, hour=5)
    newsroom.minutes += 30
    newsroom.publish_at("salin", "apeksi-datang", RELEASE, hour=4)
    assert "https://mula.example/kunjungan" in newsroom.list_groups()


def test_a_page_that_waited_counts_from_the_reading_before_it_was_listed(newsroom: Newsroom) -> None:
    newsroom.publish_at("salin", "lain", OTHER[:2])
    newsroom.publish_at("mula", "kunjungan", RELEASE, hour=7)
    newsroom.minutes += 30
    newsroom.lose("salin", "apeksi-datang", status=503)
    newsroom.minutes += 30
    newsroom.publish_at("salin", "apeksi-datang", RELEASE, hour=1)
    assert newsroom.ask("SELECT unseen_at FROM articles WHERE url LIKE '%datang'") == [("2026-10-05T08:00:00Z",)]
    assert "https://mula.example/kunjungan" in newsroom.list_groups()


def test_a_page_that_gets_the_text_of_others_is_not_first_with_it(newsroom: Newsroom) -> None:
    newsroom.publish_at("salin", "apeksi-datang", OTHER, hour=1)
    newsroom.publish_at("mula", "kunjungan", RELEASE, hour=7)
    newsroom.minutes += 30
    newsroom.publish_at("salin", "apeksi-datang", RELEASE, hour=1)
    assert set(newsroom.list_groups()) == {"https://mula.example/kunjungan"}


def test_a_page_has_appeared_with_a_text_only_since_it_has_it(newsroom: Newsroom) -> None:
    """An old page gets the text of what another's first poll brought in between."""
    newsroom.publish_at("salin", "lain", OTHER[2:])
    newsroom.minutes += 30
    newsroom.publish_at("salin", "apeksi-datang", OTHER, hour=1)
    newsroom.minutes += 30
    newsroom.publish_at("mula", "kunjungan", RELEASE, hour=8)
    newsroom.minutes += 30
    newsroom.publish_at("salin", "apeksi-datang", RELEASE, hour=1)
    assert "https://mula.example/kunjungan" in newsroom.list_groups()


def test_a_page_that_is_corrected_stays_first(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kunjungan", RELEASE, hour=6)
    newsroom.publish_at("salin", "apeksi-datang", RELEASE, hour=7)
    newsroom.minutes += 30
    newsroom.publish_at("mula", "kunjungan", [*RELEASE[:5], "Kunjungan ditutup dengan doa bersama."], hour=6)
    assert set(newsroom.list_groups()) == {"https://mula.example/kunjungan"}


def test_a_page_with_the_texts_of_several_items_glues_none_of_them(newsroom: Newsroom) -> None:
    newsroom.publish_at("salin", "lain", ["Warga kota menanam bakau di pesisir bersama APEKSI sejak pagi tadi."])
    newsroom.publish_at("awal", "bagian-satu", RELEASE, hour=7)
    newsroom.publish_at("akhir", "bagian-dua", OTHER, hour=7)
    before = {item.guid: item.url for item in newsroom.read_feed()}
    newsroom.minutes += 30
    newsroom.publish_at("salin", "rangkuman", [*RELEASE, *OTHER], hour=1)
    assert {item.guid: item.url for item in newsroom.read_feed()} == before
