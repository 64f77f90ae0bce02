"""The page of a story: who published first, who copied whom, how late, and what they made of it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from lxml import html
from newsdesk import OTHER, RELEASE, Newsroom
from newsroom import make_item
from test_web import FEED, check_security_headers
from typer.testing import CliRunner

from aggregator.chronicle import Chronicle
from aggregator.instants import to_text
from aggregator.models import DatePrecision, LinkState, SourceKind
from aggregator.publish.rss import render_rss
from aggregator.store import Store
from aggregator.story_page_rows import COPIES_MOST, REVISIONS_MOST, Origin, StoryRecord
from aggregator.web import timeline
from aggregator.web.app import create_app
from aggregator.web.site import SiteInfo
from aggregator.web.story_page import COPIES_OPEN, NEWS_MOST, NEWS_OPEN, build_story_page, tell_delay
from aggregator.web.texts import Language, get_texts
from schedules.cli import app as command

TITLE = "Wali Kota Terima APEKSI"
FOLLOW_UP = [
    "Pengurus APEKSI menilai lampu jalan pintar Gorontalo patut ditiru, sepekan setelah kunjungan ke aula balai kota.",
    "Empat belas ruas itu kini dipakai warga berjualan sampai malam, kata para camat yang ikut makan siang.",
]
EVIL = "\"><script>alert(1)</script>\x00\x07 &amp; <img src=x onerror=alert(2)> '"


@pytest.fixture
def app(newsroom: Newsroom) -> Any:
    site = SiteInfo(url="https://kabarkota.example/")
    return create_app(database=newsroom.folder / "news.db", public=newsroom.folder / "public", site=site)


def look(newsroom: Newsroom) -> None:
    with newsroom.store.transaction():
        Chronicle(newsroom.store, newsroom.now).look()
    newsroom.read_feed()


def write(newsroom: Newsroom, sql: str, *values: Any) -> None:
    """Writes past all that would stop it."""
    with newsroom.store.transaction():
        newsroom.store._connection.execute(sql, values)


def read_page(client: httpx.Client, path: str = "/story/1") -> html.HtmlElement:
    answer = client.get(path)
    assert answer.status_code == 200
    return html.fromstring(answer.text)


def tell(element: html.HtmlElement) -> str:
    return " ".join(str(element.text_content()).split())


def read(client: httpx.Client, path: str = "/story/1") -> str:
    return tell(read_page(client, path))


def get_record(newsroom: Newsroom, story: int = 1, *, news: int = NEWS_MOST, articles: int = 1_000) -> StoryRecord:
    record = newsroom.store.get_story_page(story, news=news, articles=articles)
    assert record is not None
    return record


def release(newsroom: Newsroom) -> None:
    """A city's release, and three outlets that carry it in their ways."""
    newsroom.publish_at("pemkot", "rilis", RELEASE, hour=1, title=TITLE, kind=SourceKind.CITY_GOVERNMENT)
    newsroom.publish_at("harian", "utuh", RELEASE, hour=3, title=TITLE)
    newsroom.publish_at("petik", "potong", RELEASE[:3], hour=5, title="Tamu APEKSI di Balai Kota")
    newsroom.publish_at("tambah", "panjang", [*RELEASE, *OTHER[:2]], hour=6, title=TITLE.upper())
    look(newsroom)


# ── provenance ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_page_tells_who_was_first_and_who_copied(newsroom: Newsroom, client: httpx.Client) -> None:
    release(newsroom)
    page = read_page(client)
    (section,) = page.cssselect(".trace section")
    assert tell(section.cssselect(".byline")[0]) == (
        "Pertama terbit di Pemkot · Senin, 5 Oktober 2026, 08.00 WIB (09.00 WITA) rilis pemerintah kota"
    )
    assert section.cssselect("h2")[0].text == "Portal lain yang memuat rilis ini: 3"
    harian, petik, tambah = section.cssselect(".copies > li")
    assert [*harian.xpath(".//a/@href"), *petik.xpath(".//a/@href")] == [
        "https://harian.example/utuh",  # word for word: there is nothing to compare
        "https://petik.example/potong",
        "/story/1/diff/3",
    ]
    assert tell(harian) == (
        "Harian · 5 Okt, 10.00 WIB (11.00 WITA)"
        " 2 jam kemudian, kemungkinan besar menyalin Pemkot: 100% teksnya dipertahankan, 0% tambahan."
    )
    assert "Judul sendiri: Tamu APEKSI di Balai Kota" in tell(petik)
    assert re.search(r"4 jam kemudian, .* Pemkot: [456]\d% teksnya dipertahankan, 0% tambahan", tell(petik))
    assert re.search(r"100% teksnya dipertahankan, [23]\d% tambahan", tell(tambah))
    assert "Judul sendiri" not in tell(tambah)  # the same one, shouted


def test_the_same_is_told_in_english(newsroom: Newsroom, client: httpx.Client) -> None:
    release(newsroom)
    page = read_page(client, "/story/1?lang=en")
    assert page.get("lang") == "en"
    assert page.cssselect("h1")[0].get("lang") == "id"
    told = tell(page)
    for words in (
        "First published by Pemkot · Monday, 5 October 2026, 08:00 WIB (09:00 WITA) city government’s release",
        "Other portals that carry this release: 3",
        "2 h later, most likely copied from Pemkot: 100% of that text kept, 0% added.",
        "Its own headline: Tamu APEKSI di Balai Kota",
    ):
        assert words in told
    (back,) = page.cssselect("nav a[hreflang=id]")
    assert back.get("href") == "/story/1"
    assert read_page(client, back.get("href")).cssselect("nav a[hreflang=en]")[0].get("href") == "/story/1?lang=en"


def test_only_an_excerpt_is_shown(newsroom: Newsroom, client: httpx.Client) -> None:
    release(newsroom)
    assert tell(read_page(client).cssselect(".excerpt")[0]) == " ".join(RELEASE[:2])
    assert RELEASE[-1] not in read(client)


def test_the_origins_are_those_of_the_view(newsroom: Newsroom) -> None:
    release(newsroom)
    for number in range(40):
        cut = slice(number % 3, 4 + number % 4)
        newsroom.publish_at(f"p{number}", "salin", RELEASE[cut], hour=2 + number % 9, title=f"{TITLE} {number % 3}")
    newsroom.publish_at("harian-pagi", "hari", RELEASE, hour=0, title=TITLE, precision=DatePrecision.DAY)
    look(newsroom)
    names = dict(newsroom.ask("SELECT id, name FROM sources"))
    expected = {
        row[0]: (names[row[1]], *row[2:])
        for row in newsroom.ask(
            "SELECT article_id, original_source_id, minutes_later, is_order_sure, has_its_title, kept, added"
            " FROM provenance"
        )
    }
    told = {copy.id: copy.origin for news in get_record(newsroom).news for copy in news.copies}
    assert len(expected) > 30
    for article, row in expected.items():
        origin = told[article]
        assert origin is not None
        assert row == (
            origin.source_name,
            origin.minutes_later,
            origin.is_order_sure,
            origin.has_its_title,
            pytest.approx(origin.kept, abs=0.001),
            pytest.approx(origin.added, abs=0.001),
        )


def test_order_is_not_certain_where_a_portal_gives_no_hour(newsroom: Newsroom, client: httpx.Client) -> None:
    newsroom.publish_at("mula", "rilis", RELEASE, hour=1, title=TITLE)
    newsroom.publish_at("harian", "hari", RELEASE, hour=0, title=TITLE, precision=DatePrecision.DAY)
    look(newsroom)
    (section,) = read_page(client).cssselect(".trace section")
    assert tell(section).startswith("Pertama terbit di Mula")
    assert tell(section.cssselect(".copies > li")[0]) == (
        "Harian · 5 Okt Urutan tidak pasti, paling mirip dengan Mula: 100% teksnya dipertahankan, 0% tambahan."
    )
    assert "Order not certain, most like Mula" in read(client, "/story/1?lang=en")


def test_who_was_first_is_not_certain_where_nobody_gives_an_hour(newsroom: Newsroom, client: httpx.Client) -> None:
    for portal in ("mula", "harian"):
        newsroom.publish_at(portal, "hari", RELEASE, hour=0, title=TITLE, precision=DatePrecision.DAY)
    look(newsroom)
    assert "Mungkin pertama terbit di" in read(client)


def test_a_day_without_hour_is_the_day_at_its_source(newsroom: Newsroom, client: httpx.Client) -> None:
    newsroom.publish_at("timur", "hari", RELEASE, precision=DatePrecision.DAY)
    write(newsroom, "UPDATE articles SET published_at = '2026-10-04T15:00:00Z', published_offset = 540")
    look(newsroom)
    times = read_page(client).cssselect("time")
    assert {(time.get("datetime"), time.text) for time in times} == {("2026-10-05", "Senin, 5 Oktober 2026")}


def test_a_date_that_nobody_gave_is_told_as_first_seen(newsroom: Newsroom, client: httpx.Client) -> None:
    newsroom.publish_at("mula", "kabar", RELEASE, hour=2)
    write(newsroom, "UPDATE articles SET published_precision = 'none'")
    look(newsroom)
    assert "Mula · pertama terlihat Senin, 5 Oktober 2026, 09.00 WIB (10.00 WITA)" in read(client)


def test_a_copy_that_was_held_against_none_is_shown_without_an_origin(newsroom: Newsroom, client: httpx.Client) -> None:
    release(newsroom)
    write(newsroom, "DELETE FROM duplicate_edges")
    assert "Harian · 5 Okt, 10.00 WIB (11.00 WITA) Urutan tidak pasti, tidak diketahui menyalin siapa." in read(client)


@pytest.mark.parametrize(
    ("minutes", "told"),
    [
        (0, "pada menit yang sama"),
        (5, "5 menit kemudian"),
        (125, "2 jam 5 menit kemudian"),
        (1_500, "1 hari 1 jam kemudian"),
        (2_883, "2 hari 3 menit kemudian"),
    ],
)
def test_delays_are_told_in_words(minutes: int, told: str) -> None:
    assert tell_delay(minutes, get_texts(Language.INDONESIAN)) == told


def test_in_the_same_minute_nobody_is_said_to_copy(newsroom: Newsroom) -> None:
    release(newsroom)
    record = get_record(newsroom)
    (news,) = record.news
    origin = Origin(
        source_name="Pemkot", minutes_later=0, is_order_sure=True, has_its_title=True, kept=0.996, added=0.004
    )
    news = replace(news, copies=(replace(news.copies[0], origin=origin),))
    page = build_story_page(replace(record, news=(news,)), get_texts(Language.INDONESIAN))
    (copy,) = page.news[0].copies
    assert (copy.when, copy.relation) == ("pada menit yang sama", "paling mirip dengan")
    assert copy.shares == "100% teksnya dipertahankan, 0% tambahan"


# ── the story ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_story_tells_its_span_its_cities_and_why_it_is_one(newsroom: Newsroom, client: httpx.Client) -> None:
    release(newsroom)
    newsroom.minutes += 2 * 24 * 60
    newsroom.publish_at("lanjut", "lampu", FOLLOW_UP)
    look(newsroom)
    page = read_page(client)
    facts = {tell(each[0]): tell(each[1]) for each in page.cssselect(".facts div")}
    why = facts.pop("Mengapa satu peristiwa")
    assert facts == {
        "Kabar": "2",
        "Artikel": "5",
        "Portal": "5",
        "Pertama muncul": "Senin, 5 Oktober 2026, 08.00 WIB (09.00 WITA)",
        "Terakhir muncul": "Rabu, 7 Oktober 2026, 13.00 WIB (14.00 WITA)",
        "Kota": "Kota Gorontalo",
        "Peta": "Gorontalo Gorontalo",  # a name for those who point, and one for all
    }
    assert why.startswith("Kebanyakan kabar di sini memakai kata yang jarang ada di kabar lain:")
    assert "Gorontalo" in why
    assert why.endswith("Semuanya terbit dalam 2 hari 5 jam.")
    assert [tell(each) for each in page.cssselect("h1, .trace h2")] == [TITLE, TITLE, "APEKSI: lampu menurut lanjut"]
    assert "Yang terbit lebih dulu di atas." in tell(page)


def test_a_story_of_one_piece_of_news_does_not_say_its_title_twice(newsroom: Newsroom, client: httpx.Client) -> None:
    newsroom.publish_at("mula", "kabar", RELEASE, title=TITLE)
    look(newsroom)
    page = read_page(client)
    assert [tell(each) for each in page.cssselect("h1, h2, h3")] == [TITLE]
    assert page.cssselect("h1 a")[0].get("href") == "https://mula.example/kabar"
    assert "Baru satu kabar tentang peristiwa ini." in tell(page)
    assert "Terakhir muncul" not in tell(page)
    assert "Pertama terbit di" not in tell(page)  # where nobody else carries it


@pytest.mark.slow
def test_three_hundred_copies_fold_away_and_are_bounded(newsroom: Newsroom, client: httpx.Client) -> None:
    for number in range(301):
        newsroom.publish_at(f"portal{number}", "salinan", RELEASE, title="Kunjungan APEKSI")
    look(newsroom)
    page = read_page(client)
    assert len(page.cssselect("section > .copies > li")) == COPIES_OPEN
    (fold,) = page.cssselect(".trace section > details:not(.why)")
    assert fold.cssselect("summary")[0].text == f"dan {COPIES_MOST - COPIES_OPEN} salinan lain"
    assert len(fold.cssselect("li")) == COPIES_MOST - COPIES_OPEN
    assert f"{300 - COPIES_MOST} salinan yang terbit sesudahnya tidak ditampilkan." in tell(page)
    assert "Salinan: 300" in tell(page)
    assert f"not shown: {300 - COPIES_MOST}." in read(client, "/story/1?lang=en")


def test_one_copy_more_than_fits_is_shown(newsroom: Newsroom, client: httpx.Client) -> None:
    for number in range(COPIES_OPEN + 2):
        newsroom.publish_at(f"portal{number}", "salinan", RELEASE, title="Kunjungan APEKSI")
    look(newsroom)
    assert not read_page(client).cssselect("details:not(.why)")


def gather(newsroom: Newsroom, count: int) -> None:
    """Makes story 1, of one piece of news, a story of so many."""
    store = newsroom.store
    row = dict(store._connection.execute("SELECT * FROM articles").fetchone())
    del row["id"]
    with store.transaction():
        for number in range(1, count):
            url, at = f"https://mula.example/{number}", newsroom.now + timedelta(minutes=number)
            store.write_link(key=url, url=url, source_id=row["source_id"], state=LinkState.KEPT, now=at)
            changes = {"url": url, "url_key": url, "title": f"Kabar {number}", "published_at": to_text(at)}
            article = store.add_article(row | changes)
            group = store.add_group(article, at)
            store.set_group(group, article, [article], at)
            store.move_groups([group], 1)


def test_hundreds_of_news_fold_away_and_are_bounded(newsroom: Newsroom, client: httpx.Client) -> None:
    newsroom.publish_at("mula", "kabar", RELEASE, title="Kabar 0")
    look(newsroom)
    gather(newsroom, 400)
    page = read_page(client)
    titles = [tell(each) for each in page.cssselect(".trace h2")]
    assert titles == [f"Kabar {number}" for number in range(NEWS_MOST)]
    assert len(page.cssselect(".trace > section")) == NEWS_OPEN
    assert page.cssselect("details.folded > summary")[0].text == f"dan {NEWS_MOST - NEWS_OPEN} kabar lain"
    assert f"{400 - NEWS_MOST} kabar yang terbit sesudahnya tidak ditampilkan" in tell(page)
    assert tell(page.cssselect(".figure dd")[0]) == "400"
    assert "Mengapa satu peristiwa" not in tell(page)  # no look has told why
    assert len(client.get("/story/1").content) < 250_000


def test_many_copies_of_many_news_share_the_room(newsroom: Newsroom) -> None:
    for number in range(30):
        newsroom.publish_at(f"portal{number}", "salinan", RELEASE, title="Kunjungan APEKSI")
    look(newsroom)
    (news,) = get_record(newsroom, articles=20).news
    assert (len(news.copies), news.articles, news.portals) == (20, 30, 30)
    (news,) = get_record(newsroom, articles=1).news
    assert len(news.copies) == 10
    published = [copy.published.at for copy in news.copies]
    assert published == sorted(published)


def test_many_cities_are_cut_short(newsroom: Newsroom, client: httpx.Client) -> None:
    newsroom.publish_at("mula", "kabar", RELEASE)
    look(newsroom)
    write(
        newsroom,
        "INSERT OR IGNORE INTO article_regions"
        " SELECT 1, code, 'event', 1, '[]' FROM regions WHERE kind = 'city' ORDER BY code LIMIT 40",
    )
    assert re.search(r"Kota Banda Aceh, .* dan \d\d kota lain", read(client))


# ── the timeline ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_timeline_tells_who_published_when(newsroom: Newsroom, client: httpx.Client) -> None:
    release(newsroom)
    newsroom.minutes += 2 * 24 * 60
    newsroom.publish_at("lanjut", "lampu", FOLLOW_UP)
    look(newsroom)
    page = read_page(client)
    assert [tell(each) for each in page.cssselect("ol.timeline > li")] == [
        f"5 Okt, 08.00 WIB (09.00 WITA) Pemkot · rilis pemerintah kota {TITLE}",
        "5 Okt, 10.00 WIB (11.00 WITA) · 2 jam kemudian Harian · salinan",
        "5 Okt, 12.00 WIB (13.00 WITA) · 4 jam kemudian Petik · salinan",
        "5 Okt, 13.00 WIB (14.00 WITA) · 5 jam kemudian Tambah · salinan",
        "7 Okt, 13.00 WIB (14.00 WITA) · 2 hari 5 jam kemudian Lanjut · kabar APEKSI: lampu menurut lanjut",
    ]
    assert [tell(each).partition(" · kata")[0] for each in page.cssselect(".trace .kind")] == [
        "Kabar pertama",
        "Kabar lanjutan · 2 hari 5 jam kemudian",
    ]
    assert re.search(r"kata-katanya \d+% mirip dengan kabar sebelumnya", tell(page))
    assert "Follow-up · 2 d 5 h later" in read(client, "/story/1?lang=en")


def test_news_of_the_same_day_is_no_follow_up(newsroom: Newsroom, client: httpx.Client) -> None:
    release(newsroom)
    newsroom.publish_at("lanjut", "lampu", FOLLOW_UP, hour=7)
    look(newsroom)
    assert "Kabar lain · 6 jam kemudian" in read(client)
    write(newsroom, "UPDATE articles SET published_precision = 'day' WHERE source_id = 'lanjut'")
    page = read_page(client)
    assert tell(page.cssselect(".trace .kind")[1]).startswith("Kabar lain · kata-katanya")
    assert "kemudian" not in tell(page.cssselect("ol.timeline > li")[-1])


def test_times_stay_wib_where_the_cities_have_several_zones(newsroom: Newsroom, client: httpx.Client) -> None:
    release(newsroom)
    write(newsroom, "INSERT INTO article_regions VALUES (1, '81.71', 'event', 1, '[]')")
    page = read_page(client)
    assert "WITA" not in tell(page)
    assert page.cssselect("svg.map")[0].get("aria-label") == "Peta: Gorontalo, Ambon"
    assert [link.get("href") for link in page.cssselect(".facts a")] == ["/city/kota-ambon", "/city/kota-gorontalo"]


def test_a_long_timeline_folds_away_and_is_bounded(newsroom: Newsroom, client: httpx.Client) -> None:
    newsroom.publish_at("mula", "kabar", RELEASE, title="Kabar 0")
    look(newsroom)
    gather(newsroom, 100)
    page = read_page(client)
    line, more = page.cssselect("ol.timeline")
    assert (len(line), len(more), more.get("start")) == (timeline.OPEN, timeline.MOST - timeline.OPEN, "13")
    assert f"{100 - timeline.MOST} artikel yang terbit sesudahnya tidak ada di garis waktu ini." in tell(page)


def test_each_news_tells_why_it_is_here(newsroom: Newsroom, client: httpx.Client) -> None:
    release(newsroom)
    (why,) = read_page(client).cssselect(".trace details.why")
    assert re.match(r"Mengapa dimuat APEKSI: “APEKSI” \(judul\)", tell(why))


# ── what a copy changed ────────────────────────────────────────────────────────────────────────────────────────────


def change(newsroom: Newsroom) -> None:
    """A release, and a portal that carries it with other words in two places."""
    changed = "\n".join(RELEASE).replace("Senin pagi", "awal pekan").replace("puskesmas.", "puskesmas. Warga pun ikut.")
    newsroom.publish_at("pemkot", "rilis", RELEASE, hour=1, title=TITLE, kind=SourceKind.CITY_GOVERNMENT)
    newsroom.publish_at("petik", "ubah", changed.split("\n"), hour=3, title="Wali Kota Sambut APEKSI")
    look(newsroom)


def test_what_a_copy_changed_is_shown_with_a_few_words_around_it(newsroom: Newsroom, client: httpx.Client) -> None:
    change(newsroom)
    (link,) = read_page(client).xpath("//a[contains(@href, '/diff/')]")
    assert (tell(link), link.get("href")) == ("Apa yang diubah Petik", "/story/1/diff/2")
    page = read_page(client, link.get("href"))
    assert tell(page.cssselect("h1")[0]) == "Apa yang diubah Petik"
    assert [tell(each) for each in page.cssselect(".change del")] == ["dihapus: Terima", "dihapus: Senin pagi"]
    assert [tell(each) for each in page.cssselect(".change ins")] == [
        "ditambahkan: Sambut",
        "ditambahkan: awal pekan",
        "ditambahkan: Warga pun ikut.",
    ]
    assert [tell(each) for each in page.cssselect(".figure dd")] == [*map(str, count_words(RELEASE, 2)), "2", "5"]
    told = tell(page)
    assert "menerima kunjungan pengurus APEKSI pada dihapus: Senin pagi ditambahkan: awal pekan lalu: di aula" in told
    assert RELEASE[1] not in told
    assert "Petik Senin, 5 Oktober 2026, 10.00 WIB (11.00 WITA) · 2 jam kemudian" in told
    assert page.cssselect(".kicker a")[0].get("href") == "/story/1"
    english = read(client, "/story/1/diff/2?lang=en")
    assert "What Petik changed" in english
    assert "removed: Senin pagi added: awal pekan then: di aula" in english


def count_words(paragraphs: list[str], less: int) -> list[int]:
    return [len(" ".join(paragraphs).split()) - less]


def test_no_more_is_quoted_than_a_portal_allows(newsroom: Newsroom, client: httpx.Client) -> None:
    change(newsroom)
    for article, limit, shown in ((1, 0, 0), (2, 0, 0), (2, 90, 0), (1, 120, 1), (2, 1_000, 2)):
        write(newsroom, "UPDATE articles SET snippet_limit = NULL")
        write(newsroom, "UPDATE articles SET snippet_limit = ? WHERE id = ?", limit, article)
        page = read_page(client, "/story/1/diff/2")
        changes = page.cssselect("ol.changes .change")
        assert len(changes) == shown, limit
        told = "" if shown == 2 else f"{2 - shown} perubahan tidak ditampilkan: portalnya membatasi kutipan."
        assert told in tell(page)
        assert ("awal pekan" in tell(page)) == bool(shown)


def test_a_text_that_is_not_kept_is_not_compared(newsroom: Newsroom, client: httpx.Client) -> None:
    change(newsroom)
    write(newsroom, "UPDATE articles SET text = '' WHERE id = 1")
    page = read_page(client, "/story/1/diff/2")
    assert "tidak dapat dibandingkan" in tell(page)
    assert not page.cssselect("ol.changes")
    write(newsroom, "UPDATE articles SET text = 'sama', title = 'sama'")
    assert "Tidak ada kata yang berubah." in read(client, "/story/1/diff/2")


def test_only_copies_have_edits(newsroom: Newsroom, client: httpx.Client) -> None:
    change(newsroom)
    newsroom.publish_at("lain", "kabar", OTHER, title="Bendahara Belajar Obligasi")
    look(newsroom)
    add_stories(newsroom, {12: 1})
    answer = client.get("/story/12/diff/2?lang=en&next=https://evil.example/")
    assert (answer.status_code, answer.headers["location"]) == (308, "/story/1/diff/2?lang=en")
    for story, article in ((1, 1), (1, 3), (2, 2), (9, 2), (1, 0), (1, "x"), (1, "9" * 30), ("x", 2), (1, "%00")):
        assert client.get(f"/story/{story}/diff/{article}").status_code == 404, article
    with newsroom.store.transaction():
        newsroom.store.withdraw_group(1, newsroom.now)
    assert client.get("/story/1/diff/2").status_code == 404


def test_hostile_texts_stay_in_their_excerpts(newsroom: Newsroom, client: httpx.Client) -> None:
    change(newsroom)
    write(newsroom, "UPDATE articles SET text = text || ' ' || ?, title = ? || id, language = ?", EVIL, EVIL, EVIL)
    write(newsroom, "UPDATE articles SET text = ? WHERE id = 2", "<b>" + " kata" * 300_000)
    write(newsroom, "UPDATE sources SET name = ?", EVIL)
    page = read_page(client, "/story/1/diff/2")
    assert not page.cssselect("script, style, main img, [onerror], [style]")
    assert not re.search(r"[\x00-\x08\x0b-\x1f]", page.text_content())
    assert "Teksnya sangat panjang" in tell(page)
    assert len(client.get("/story/1/diff/2").content) < 20_000


# ── revisions, deletions ───────────────────────────────────────────────────────────────────────────────────────────


def test_revisions_tell_what_changed_and_when_it_was_found(newsroom: Newsroom, client: httpx.Client) -> None:
    release(newsroom)
    newsroom.minutes += 60
    newsroom.publish_at("harian", "utuh", [*RELEASE[:-1], OTHER[0], OTHER[1]], hour=3, title="Ralat: APEKSI <b>")
    newsroom.minutes += 60
    newsroom.publish_at("harian", "utuh", [*RELEASE[:-1], OTHER[0]], hour=3, title="Ralat: APEKSI <b>")
    page = read_page(client)
    (revisions,) = page.cssselect("ul.revisions")
    found = "Diubah portalnya, diketahui Senin, 5 Oktober 2026"
    assert [tell(each) for each in revisions] == [
        f"{found}, 16.01 WIB: judul semula {TITLE} menjadi Ralat: APEKSI; paragraf dihapus: 1, ditambahkan: 2",
        f"{found}, 17.01 WIB: paragraf dihapus: 1, ditambahkan: 0",
    ]
    assert f"headline was {TITLE} is now Ralat: APEKSI; paragraphs removed: 1, added: 2" in read(
        client, "/story/1?lang=en"
    )


def test_a_change_of_the_headline_alone_says_nothing_of_paragraphs(newsroom: Newsroom, client: httpx.Client) -> None:
    newsroom.publish_at("mula", "kabar", RELEASE, title="Lama")
    newsroom.publish_at("mula", "kabar", RELEASE, title="Baru")
    look(newsroom)
    (revision,) = read_page(client).cssselect("ul.revisions li")
    assert tell(revision).endswith("WIB: judul semula Lama menjadi Baru")


def test_a_headline_that_was_missing_is_told_as_a_change(newsroom: Newsroom, client: httpx.Client) -> None:
    newsroom.publish_at("mula", "kabar", RELEASE, title="Lama")
    newsroom.publish_at("mula", "kabar", RELEASE, title="Baru")
    write(newsroom, "UPDATE article_revisions SET difference = ?", json.dumps({"title": ["", "Baru"]}))
    look(newsroom)
    (revision,) = read_page(client).cssselect("ul.revisions li")
    assert tell(revision).endswith("WIB: judul semula menjadi Baru")


def test_of_many_revisions_the_last_are_told(newsroom: Newsroom, client: httpx.Client) -> None:
    for number in range(REVISIONS_MOST + 3):
        newsroom.publish_at("mula", "kabar", RELEASE, title=f"Judul {number}")
        newsroom.minutes += 1
    look(newsroom)
    told = [tell(each) for each in read_page(client).cssselect("ul.revisions li")]
    assert told[0] == "Perubahan sebelumnya: 2"
    assert [line[-18:] for line in told[1:]] == [
        f"Judul {number} menjadi Judul {number + 1}"[-18:] for number in range(2, 2 + REVISIONS_MOST)
    ]


def test_a_deleted_article_is_marked(newsroom: Newsroom, client: httpx.Client) -> None:
    release(newsroom)
    newsroom.lose("petik", "potong")
    marks = read_page(client).cssselect(".mark.gone")
    assert [mark.text for mark in marks] == ["dihapus portal (diketahui 5 Okt)"]
    assert "Petik" in tell(marks[0].getparent())
    assert "deleted by its portal (found 5 Oct)" in read(client, "/story/1?lang=en")


# ── addresses ──────────────────────────────────────────────────────────────────────────────────────────────────────


def add_stories(newsroom: Newsroom, merged: dict[int, int | None]) -> None:
    for story, into in merged.items():
        write(newsroom, "INSERT INTO stories VALUES (?, '', '', '', '[]', '', ?)", story, into)


def test_a_merged_story_leads_on_for_good(newsroom: Newsroom, client: httpx.Client) -> None:
    newsroom.publish_at("awal", "satu", RELEASE[:3], hour=6)
    newsroom.publish_at("akhir", "dua", OTHER, hour=7, title="Bendahara Belajar Obligasi")
    look(newsroom)
    newsroom.publish_at("akhir", "dua", RELEASE, hour=7, title="Bendahara Belajar Obligasi")
    look(newsroom)
    answer = client.get("/story/2?lang=en&next=https://evil.example/")
    assert (answer.status_code, answer.headers["location"]) == (308, "/story/1?lang=en")
    assert client.get("/story/2").headers["location"] == "/story/1"
    check_security_headers(answer)


def test_merges_are_followed_to_their_end_at_once(newsroom: Newsroom, client: httpx.Client) -> None:
    release(newsroom)
    add_stories(newsroom, {12: 1, 13: 12, 14: 13})
    assert client.get("/story/14").headers["location"] == "/story/1"


def test_merges_in_a_circle_lead_nowhere(newsroom: Newsroom, client: httpx.Client) -> None:
    add_stories(newsroom, {1: None})
    add_stories(newsroom, {12: 1, 13: 12})
    write(newsroom, "UPDATE stories SET merged_into = 13 WHERE id IN (1, 12)")
    for number in (12, 13):
        assert client.get(f"/story/{number}").status_code == 404


def test_a_story_whose_news_was_all_withdrawn_is_gone(newsroom: Newsroom, client: httpx.Client) -> None:
    release(newsroom)
    with newsroom.store.transaction():
        newsroom.store.withdraw_group(1, newsroom.now)
    for path, heading in (("/story/1", "Berita ditarik"), ("/story/1?lang=en", "News withdrawn")):
        answer = client.get(path)
        assert answer.status_code == 410
        assert html.fromstring(answer.text).cssselect("h1")[0].text == heading
        assert answer.headers["cache-control"] == "no-store"
        assert "Harian" not in answer.text
        check_security_headers(answer)


def test_withdrawn_news_is_missing_from_its_story(newsroom: Newsroom, client: httpx.Client) -> None:
    newsroom.publish_at("mula", "kabar", RELEASE, title="Kabar 0")
    look(newsroom)
    gather(newsroom, 3)
    with newsroom.store.transaction():
        newsroom.store.withdraw_group(2, newsroom.now)
    assert "Kabar 1" not in read(client)
    assert get_record(newsroom).news_count == 2


@pytest.mark.parametrize(
    "number",
    [
        "7",
        "0",
        "01",
        "9" * 18,
        "9" * 20,
        "9" * 5_000,
        "x",
        "-1",
        "1.0",
        "1e3",
        "%D9%A1",
        "%00",
        "1%2F..",
        "' OR 1=1",
        "",
    ],
)
def test_what_is_no_story_is_not_found(newsroom: Newsroom, client: httpx.Client, number: str) -> None:
    release(newsroom)
    answer = client.get(f"/story/{number}")
    assert answer.status_code == 404
    assert "Halaman tidak ditemukan" in answer.text


def test_without_a_database_there_is_no_story(newsroom: Newsroom, client: httpx.Client) -> None:
    for file in newsroom.folder.glob("news.db*"):
        file.unlink()
    assert client.get("/story/1").status_code == 404


def test_page_is_revalidated_and_compressed(newsroom: Newsroom, client: httpx.Client) -> None:
    release(newsroom)
    first = client.get("/story/1", headers={"accept-encoding": "gzip"})
    assert first.headers["content-encoding"] == "gzip"
    assert first.headers["cache-control"] == "public, max-age=60"
    check_security_headers(first)
    unchanged = client.get("/story/1", headers={"if-none-match": first.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    head = client.head("/story/1")
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", first.headers["etag"])
    assert client.post("/story/1").status_code == 405
    newsroom.lose("petik", "potong")
    assert client.get("/story/1", headers={"if-none-match": first.headers["etag"]}).status_code == 200


# ── hostile portals ────────────────────────────────────────────────────────────────────────────────────────────────


def test_hostile_texts_cannot_leave_their_place(newsroom: Newsroom, client: httpx.Client) -> None:
    release(newsroom)
    newsroom.publish_at("harian", "utuh", [*RELEASE, OTHER[0]], hour=3, title="Ralat")
    write(newsroom, "UPDATE articles SET title = ?, text = ?, summary = ?, language = ?", *[EVIL] * 4)
    write(newsroom, "UPDATE articles SET title = ? WHERE id = 2", "x" * 10_000)
    write(newsroom, "UPDATE articles SET url = 'javascript:alert(' || id || ')'")
    write(newsroom, "UPDATE sources SET name = ?", EVIL)
    write(newsroom, "UPDATE regions SET name = ?", EVIL)
    write(newsroom, "UPDATE stories SET title = ?, why = ?", EVIL, json.dumps([EVIL * 9, "<b>"]))
    write(
        newsroom, "UPDATE article_revisions SET difference = ?", json.dumps({"title": [EVIL, EVIL], "removed": [EVIL]})
    )
    for path in ("/story/1", "/story/1?lang=en"):
        page = read_page(client, path)
        assert not page.cssselect("script, style, section img, main b b, [onerror]")
        assert not page.xpath("//@href[starts-with(., 'javascript')]")
        assert page.cssselect("h1")[0].text.startswith('"><script>alert(1)</script> &amp; <img src=x')
        assert page.cssselect(".own q")[0].text_content() == "x" * 299 + "…"
        assert not re.search(r"[\x00-\x08\x0b-\x1f]", page.text_content())


def test_page_needs_no_script_and_nothing_from_elsewhere(newsroom: Newsroom, client: httpx.Client) -> None:
    release(newsroom)
    page = read_page(client)
    assert not page.cssselect("script, style, [style], [onclick]")
    assert all(path.startswith("/static/") for path in page.xpath("//link[@rel='stylesheet']/@href | //@src"))


# ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_no_table_of_articles_is_read_from_end_to_end(newsroom: Newsroom) -> None:
    release(newsroom)
    connection, asked = newsroom.store._connection, list[str]()
    connection.set_trace_callback(asked.append)
    get_record(newsroom)
    newsroom.store.get_items([1])
    newsroom.store.get_suspects(1)
    newsroom.store.get_reasons([1])
    newsroom.store.get_copy(1, 2, most=1_000)
    connection.set_trace_callback(None)
    queries = [sql for sql in asked if sql.split()[0] in ("SELECT", "WITH")]
    assert len(queries) > 8
    tables = "g|a|c|o|e|m|r|s|ar|articles|duplicate_groups|stories"  # by the names that the queries give them
    for sql in queries:
        plan = [row["detail"] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
        assert any(step.startswith("SEARCH") for step in plan)
        assert not [step for step in plan if re.match(rf"SCAN (TABLE \w+ AS )?({tables})\b", step)]


def test_a_page_is_read_at_one_moment(newsroom: Newsroom) -> None:
    release(newsroom)
    with Store.open_reader(newsroom.folder / "news.db") as reader:
        with reader.snapshot():
            before = reader.find_story(1)
            write(newsroom, "UPDATE stories SET merged_into = 1")
            assert reader.find_story(1) == before == 1
        assert reader.find_story(1) is None


# ── the other pages ────────────────────────────────────────────────────────────────────────────────────────────────


def test_front_page_leads_to_the_story_and_counts_its_other_news(newsroom: Newsroom, client: httpx.Client) -> None:
    newsroom.publish_at("mula", "kabar", RELEASE, title="Kabar 0")

    def find_link(path: str) -> list[tuple[str, str]]:
        newsroom.read_feed()
        with newsroom.store.transaction():
            newsroom.store.place_groups(newsroom.store.take_changed_groups(most=100), newsroom.now)
        cards = read_page(client, path).cssselect("article")
        return [(card.cssselect("h3 a")[0].get("href"), tell(card)) for card in cards]

    assert find_link("/")[0][0] == "https://mula.example/kabar"  # before a look at stories
    look(newsroom)
    ((link, _),) = find_link("/")
    assert link == "/story/1"
    gather(newsroom, 4)
    ((link, said),) = find_link("/")
    assert link == "/story/1"
    assert "4 kabar tentang peristiwa ini" in said
    ((link, said),) = find_link("/?lang=en")
    assert link == "/story/1?lang=en"
    assert "Pieces of news on this event: 4" in said


def test_feed_knows_no_stories() -> None:
    item = make_item()
    assert render_rss([replace(item, story_id=7, story_news=3)], FEED) == render_rss([item], FEED)


@pytest.mark.slow
def test_status_raises_an_alarm_for_groups_that_are_too_large(newsroom: Newsroom, client: httpx.Client) -> None:
    newsroom.publish_at("mula", "kabar", RELEASE, title="Kunjungan APEKSI")
    newsroom.publish_at("petik", "kabar", [*RELEASE[:3], *OTHER[:1]], title="Kunjungan APEKSI")
    look(newsroom)
    assert not read_page(client, "/status").cssselect(".alarm")
    for number in range(60):
        newsroom.publish_at(f"portal{number}", "salinan", RELEASE, title="Kunjungan APEKSI")
    write(newsroom, "UPDATE articles SET title = ? WHERE id = 1", "Kunjungan <b>")
    look(newsroom)
    (alarm,) = read_page(client, "/status").cssselect(".alarm")
    assert tell(alarm.cssselect("li")[0]) == "Kunjungan <b> Salinan: 62 · kabarkota explain 2 1"
    assert alarm.cssselect("li a")[0].get("href") == "/story/1"
    assert "pemeriksaan malam biasanya memisahkannya" in tell(alarm)
    assert "Alarm: news with unusually many copies" in read(client, "/status?lang=en")
    suspects = alarm.cssselect("code")[0].text.split()[1:]
    run = CliRunner().invoke(command, ["--data", str(newsroom.folder), *suspects])
    assert run.exit_code == 0, run.output
    assert "both in group 1" in run.output


def test_an_alarm_without_decisions_points_at_the_article_shown(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kabar", RELEASE)
    assert newsroom.store.get_suspects(1) == {"story_id": None, "suspects": (1,)}
