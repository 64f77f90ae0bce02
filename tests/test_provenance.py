"""What happens to groups and stories over time: late evidence, copies of copies, revisions, deleted articles."""

from __future__ import annotations

import json
import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from newsdesk import NOW, OTHER, RELEASE, Newsroom
from typer.testing import CliRunner

from aggregator.chronicle import Chronicle
from aggregator.dedup import hash_paragraph
from aggregator.grouping import Grouper
from aggregator.models import DatePrecision, SourceKind
from schedules.cli import app
from schedules.config import Setup, load_setup
from schedules.tending import JOB, renew_sketches, tend

OWN = (
    "Ikuti saluran kami, dan dapatkan kabar setiap pagi tanpa biaya, langsung di gawai Anda, dari seluruh pelosok kota."
)
ROUND_UP = [*RELEASE, *OTHER]
FOLLOW_UP = [
    "Pengurus APEKSI menilai lampu jalan pintar Gorontalo patut ditiru, sepekan setelah kunjungan ke aula balai kota.",
    "Empat belas ruas itu kini dipakai warga berjualan sampai malam, kata para camat yang ikut makan siang.",
]


# ── arrival ────────────────────────────────────────────────────────────────────────────────────────────────────────

ARRIVALS = [
    ("mula", "kunjungan", RELEASE, 0),
    ("salin", "apeksi-datang", ["SALIN, GORONTALO – Baca juga.", *RELEASE[:3]], 2),
    ("petik", "tamu", RELEASE[:2], 3),
    ("ekor", "rombongan", RELEASE[2:], 3),
    ("niaga", "obligasi", OTHER, 1),
    ("kutip", "kas-kota", OTHER[:3], 4),
    ("rangkum", "sepekan", ROUND_UP, 5),
    ("ulang", "sepekan-lagi", ["Sepekan terakhir.", *ROUND_UP], 6),
    ("lagi", "rangkuman", [*ROUND_UP, "Sekian."], 7),
    ("kembar", "kunjungan", RELEASE, 0),
]


@pytest.mark.slow
@given(st.permutations(ARRIVALS))
@settings(max_examples=12, deadline=None)
def test_groups_and_items_do_not_depend_on_the_order_of_arrival(
    tmp_path_factory: pytest.TempPathFactory, arrivals: list[tuple[str, str, list[str], int]]
) -> None:
    def run(order: list[tuple[str, str, list[str], int]]) -> tuple[object, ...]:
        newsroom = Newsroom(tmp_path_factory.mktemp("arrival"))
        for source, slug, paragraphs, hour in order:
            newsroom.publish_at(source, slug, paragraphs, hour=hour)
        with newsroom.store.transaction():
            Chronicle(newsroom.store, newsroom.now).look()
        groups, items = newsroom.list_groups(), newsroom.read_feed()
        newsroom.store.close()
        return groups, [(item.guid, item.url, item.title, item.also_at, item.first_published) for item in items]

    groups, items = run(ARRIVALS)
    assert len(items) == len(groups) == 2
    assert run(arrivals) == (groups, items)


def test_round_ups_do_not_glue_releases_together_however_often_they_are_reposted(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kunjungan", RELEASE, hour=3)
    newsroom.publish_at("niaga", "obligasi", OTHER, hour=4)
    for number in range(4):
        newsroom.publish_at(f"rangkum{number}", "sepekan", [f"Pekan {number} berlalu.", *ROUND_UP], hour=8)
    assert {"https://mula.example/kunjungan", "https://niaga.example/obligasi"} <= set(newsroom.list_groups())


def test_the_very_same_text_is_found_after_the_window_and_without_a_sketch(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kunjungan", RELEASE)
    newsroom.minutes += 200 * 24 * 60
    with newsroom.store.transaction():
        assert newsroom.store.prune_sketches(newsroom.now - timedelta(days=90)) == 1
        assert newsroom.store.prune_sketches(newsroom.now - timedelta(days=90)) == 0
    assert newsroom.ask("SELECT count(*) FROM postings") == [(0,)]
    newsroom.publish_at("petik", "bagian", RELEASE[:3])
    assert len(newsroom.list_groups()) == 2  # without postings, nothing leads from a part to the whole …
    newsroom.publish_at("salin", "lama", RELEASE)
    assert [len(members) for members in newsroom.list_groups().values()] == [3]  # … until somebody carries it again


@pytest.mark.slow
def test_a_thousand_copies_of_one_text_are_one_group_and_cost_no_square(
    newsroom: Newsroom, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(1_000):
        newsroom.publish_at(f"portal{number % 70}", f"salinan-{number}", RELEASE, hour=6, title="Kunjungan APEKSI")
    assert [len(members) for members in newsroom.list_groups().values()] == [1_000]
    assert newsroom.ask("SELECT count(*) FROM postings")[0][0] < 200
    assert newsroom.ask("SELECT count(*) FROM duplicate_edges")[0][0] <= 5_000
    assert "has 60 members" in caplog.text
    assert newsroom.store.find_large_groups()[0]["members"] == 1_000


@pytest.mark.parametrize("text", ["Selengkapnya di sini.", "satu dua tiga empat lima", "新闻 城市 智慧"])
def test_the_same_few_words_under_other_titles_are_other_news(newsroom: Newsroom, text: str) -> None:
    newsroom.publish_at("mula", "satu", [text], title="APEKSI Buka Rakernas di Makassar")
    newsroom.publish_at("salin", "dua", [text], title="APEKSI Lantik Pengurus di Jakarta")
    newsroom.publish_at("petik", "tiga", [text], title="APEKSI buka rakernas di Makassar")
    assert sorted(map(len, newsroom.list_groups().values())) == [1, 2]


def test_who_gives_the_hour_was_there_before_who_gives_the_day(newsroom: Newsroom) -> None:
    newsroom.publish_at("harian", "kunjungan", RELEASE, hour=0, precision=DatePrecision.DAY)
    newsroom.publish_at("mula", "kunjungan", RELEASE, hour=9)
    assert list(newsroom.list_groups()) == ["https://mula.example/kunjungan"]


# ── late evidence ──────────────────────────────────────────────────────────────────────────────────────────────────


def publish_short(newsroom: Newsroom) -> None:
    """Two short notes of one portal and its sister, which share what both sites repeat and nothing else."""
    for source, first in (("harian", RELEASE[0]), ("sore", OTHER[0])):
        newsroom.publish_at(source, "kabar", [first, *[f"{OWN} {number}" for number in range(3)]])


def test_what_a_source_repeats_is_learnt_and_parts_what_it_had_joined(newsroom: Newsroom) -> None:
    publish_short(newsroom)
    (before,) = newsroom.read_feed()
    assert len(before.also_at) == 1
    own = [f"{OWN} {number}" for number in range(3)]
    with newsroom.store.transaction():
        for source in ("harian", "sore"):
            for _ in range(5):
                newsroom.store.count_paragraphs(source, [*map(hash_paragraph, own)])
    with newsroom.store.transaction():
        assert Grouper(newsroom.store, newsroom.now).verify() == 1
    assert len(newsroom.list_groups()) == 2
    (moved,) = newsroom.ask("SELECT article_id, from_group, to_group, why FROM regroupings")
    assert moved[1] != moved[2]
    assert "repeats was learnt" in moved[3]
    items = newsroom.read_feed()
    assert len(items) == 2
    assert before.guid in {item.guid for item in items}
    with newsroom.store.transaction():
        assert Grouper(newsroom.store, newsroom.now).verify() == 0


def test_a_guid_that_was_absorbed_comes_back_with_its_article(newsroom: Newsroom) -> None:
    newsroom.publish_at("awal", "bagian-satu", RELEASE[:3], hour=6)
    newsroom.publish_at("akhir", "bagian-dua", RELEASE[3:], hour=7)
    before = {item.url: item.guid for item in newsroom.read_feed()}
    newsroom.publish_at("utuh", "lengkap", RELEASE, hour=4)
    assert len(newsroom.read_feed()) == 1
    newsroom.publish_at("utuh", "lengkap", OTHER, hour=4)  # its portal puts another text in its place
    after = {item.url: item.guid for item in newsroom.read_feed()}
    assert before.items() <= after.items()
    assert len(after) == 3


# ── provenance ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_copy_is_beside_the_one_that_it_most_likely_copies(newsroom: Newsroom) -> None:
    title = "Wali Kota Terima APEKSI"
    newsroom.publish_at("pemkot", "rilis", RELEASE, hour=1, title=title, kind=SourceKind.CITY_GOVERNMENT)
    newsroom.publish_at("harian", "utuh", RELEASE, hour=3, title=title)
    newsroom.publish_at("petik", "potong", RELEASE[:3], hour=5, title="Tamu APEKSI di Balai Kota")
    newsroom.publish_at("tambah", "panjang", [*RELEASE, *OTHER[:2]], hour=6, title="APEKSI Bertamu")
    rows = {
        row[0]: row[1:]
        for row in newsroom.ask(
            "SELECT source_id, original_source_id, minutes_later, has_its_title, kept, added, is_order_sure"
            " FROM provenance"
        )
    }
    assert rows["harian"] == ("pemkot", 120, 1, 1.0, 0.0, 1)
    assert rows["petik"][:3] == ("pemkot", 240, 0)
    assert rows["petik"][3] == pytest.approx(0.5, abs=0.1)
    assert rows["petik"][4] == 0
    assert rows["tambah"][3] == 1
    assert rows["tambah"][4] > 0.15
    picked = newsroom.ask("SELECT outlet_id, minutes_later FROM pickups ORDER BY minutes_later")
    assert picked == [("harian", 120), ("petik", 240), ("tambah", 300)]


def read_origins(newsroom: Newsroom) -> dict[str, tuple[str, int, bool]]:
    """copy → original, minutes later, whether the order is sure, by their sources."""
    sql = "SELECT source_id, original_source_id, minutes_later, is_order_sure FROM provenance"
    return {copy: (original, later, bool(sure)) for copy, original, later, sure in newsroom.ask(sql)}


def test_an_excerpt_that_was_out_before_is_not_where_the_whole_text_came_from(newsroom: Newsroom) -> None:
    newsroom.publish_at("pemkot", "rilis", RELEASE, hour=1)
    newsroom.publish_at("petik", "potong", RELEASE[:3], hour=2)
    newsroom.publish_at("harian", "utuh", [*RELEASE[:-1], OTHER[0]], hour=3)
    assert read_origins(newsroom) == {"petik": ("pemkot", 60, True), "harian": ("pemkot", 120, True)}


def test_of_what_a_copy_added_tells_whom_the_next_one_copied(newsroom: Newsroom) -> None:
    newsroom.publish_at("pemkot", "rilis", RELEASE, hour=1)
    newsroom.publish_at("harian", "tambah", [*RELEASE, *OTHER[:2]], hour=2)
    newsroom.publish_at("salin", "semua", [*RELEASE, *OTHER[:2]], hour=3)
    assert read_origins(newsroom)["salin"] == ("harian", 60, True)


def test_who_gives_the_day_alone_was_not_there_before_who_gives_the_hour(newsroom: Newsroom) -> None:
    newsroom.publish_at("hari", "utuh", RELEASE, hour=0, precision=DatePrecision.DAY)
    newsroom.publish_at("pemkot", "rilis", RELEASE, hour=1)
    newsroom.publish_at("harian", "utuh", RELEASE, hour=3)
    origins = read_origins(newsroom)
    assert origins["harian"] == ("pemkot", 120, True)
    assert origins["hari"][0] == "pemkot"
    assert origins["hari"][1] <= 0
    assert not origins["hari"][2]


def test_refusals_are_kept_as_decisions_with_their_reason(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kunjungan", RELEASE, title="APEKSI: Kabar 20 Juni")
    newsroom.publish_at("mula", "kunjungan-lagi", [*RELEASE, OTHER[0]], title="APEKSI: Kabar 21 Juni")
    assert newsroom.ask("SELECT accepted, rule FROM duplicate_edges") == [(0, "other-title-number")]
    assert len(newsroom.list_groups()) == 2


# ── revisions ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_revision_keeps_both_versions_and_what_differs(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kunjungan", RELEASE, title="APEKSI Datang")
    newsroom.publish_at("mula", "kunjungan", [*RELEASE[:-1], OTHER[0]], title="APEKSI Pulang")
    assert newsroom.ask("SELECT title FROM articles") == [("APEKSI Pulang",)]
    ((title, text, difference),) = newsroom.ask("SELECT title, text, difference FROM article_revisions")
    assert (title, text) == ("APEKSI Datang", "\n".join(RELEASE))
    assert json.loads(difference) == {
        "title": ["APEKSI Datang", "APEKSI Pulang"],
        "removed": [RELEASE[-1]],
        "added": [OTHER[0]],
    }
    newsroom.publish_at("mula", "kunjungan", [*RELEASE[:-1], OTHER[0]], title="APEKSI Pulang")
    assert len(newsroom.ask("SELECT 1 FROM article_revisions")) == 1


def test_a_page_that_was_hacked_or_emptied_takes_nothing_from_its_article(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kunjungan", RELEASE)
    (before,) = newsroom.read_feed()
    newsroom.publish_at("mula", "kunjungan", ["Slot gacor maxwin, daftar sekarang, bonus new member."], title="SLOT88")
    newsroom.publish_at("mula", "kunjungan", ["Halaman sedang dipindahkan, silakan kembali nanti."], title="Pindah")
    assert newsroom.read_feed() == [before]
    assert newsroom.ask("SELECT state FROM links") == [("kept",)]
    assert newsroom.ask("SELECT count(*) FROM rejected_pages") == [(0,)]


def test_a_deleted_article_is_marked_and_stays(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kunjungan", RELEASE)
    newsroom.lose("mula", "kunjungan", status=503)
    assert newsroom.ask("SELECT gone_at FROM articles") == [(None,)]
    newsroom.lose("mula", "kunjungan")
    (first,) = newsroom.ask("SELECT gone_at FROM articles")
    assert first[0]
    newsroom.minutes += 60
    newsroom.lose("mula", "kunjungan", status=410)
    assert newsroom.ask("SELECT gone_at FROM articles") == [first]
    assert newsroom.ask("SELECT state FROM links") == [("kept",)]
    assert len(newsroom.read_feed()) == 1
    newsroom.publish_at("mula", "kunjungan", RELEASE)
    assert newsroom.ask("SELECT gone_at FROM articles") == [(None,)]


def test_articles_are_read_once_more_ever_more_rarely(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kunjungan", RELEASE)
    start, asked = newsroom.now, []
    for hours in range(0, 40 * 24, 12):
        now = start + timedelta(hours=hours)
        if newsroom.store.get_rechecks("mula", now, most=5):
            asked.append(hours / 24)
            with newsroom.store.transaction():
                newsroom.store.mark_checked(1, now, is_gone=False)
    assert asked == [1, 3, 9, 27]
    assert newsroom.store.get_rechecks("lain", start + timedelta(days=2), most=5) == ()


# ── stories ────────────────────────────────────────────────────────────────────────────────────────────────────────


def look(newsroom: Newsroom) -> dict[str, int]:
    """address → story, after a look."""
    with newsroom.store.transaction():
        Chronicle(newsroom.store, newsroom.now).look()
    return dict(
        newsroom.ask(
            "SELECT c.url, g.story_id FROM duplicate_groups AS g JOIN articles AS c ON c.id = g.canonical_id"
            " WHERE g.merged_into IS NULL AND g.withdrawn_at IS NULL"
        )
    )


def test_a_story_grows_for_days_under_one_number(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kunjungan", RELEASE)
    first = look(newsroom)
    newsroom.minutes += 2 * 24 * 60
    newsroom.publish_at("lanjut", "lampu", FOLLOW_UP)
    second = look(newsroom)
    assert second == {**first, "https://lanjut.example/lampu": first["https://mula.example/kunjungan"]}
    ((news, sources, why),) = newsroom.ask("SELECT news, sources, why FROM story_overview")
    assert (news, sources) == (2, 2)
    assert "Gorontalo" in json.loads(why)
    newsroom.publish_at("niaga", "obligasi", OTHER, title="Bendahara Belajar Obligasi")
    assert look(newsroom)["https://niaga.example/obligasi"] not in first.values()


def test_a_story_whose_news_became_one_with_another_leads_there(newsroom: Newsroom) -> None:
    newsroom.publish_at("awal", "bagian-satu", RELEASE[:3], hour=6)
    newsroom.publish_at("akhir", "bagian-dua", OTHER, hour=7, title="Bendahara Belajar Obligasi")
    before = look(newsroom)
    newsroom.publish_at("akhir", "bagian-dua", RELEASE, hour=7)
    after = look(newsroom)
    assert len(after) == 1
    (number,) = after.values()
    assert number == before["https://awal.example/bagian-satu"]
    assert newsroom.ask("SELECT merged_into FROM stories ORDER BY id") == [(None,), (number,)]


def test_numbers_do_not_change_by_looking_again(newsroom: Newsroom) -> None:
    for source, slug, paragraphs, hour in (*ARRIVALS, ("lanjut", "lampu", FOLLOW_UP, 11)):
        newsroom.publish_at(source, slug, paragraphs, hour=hour)
    numbers = look(newsroom)
    for _ in range(2):
        with newsroom.store.transaction():
            Chronicle(newsroom.store, newsroom.now).look_again()
        assert look(newsroom) == numbers


def test_a_backfill_of_years_is_looked_at_in_slices(newsroom: Newsroom) -> None:
    chance = random.Random(3)
    for month in range(30):
        newsroom.minutes = -month * 30 * 24 * 60
        newsroom.publish_at("mula", f"bulan-{month}", chance.sample(ROUND_UP, 5))
    newsroom.minutes = 0
    assert len(look(newsroom)) == len(newsroom.list_groups())
    assert newsroom.ask("SELECT count(*) FROM duplicate_groups WHERE NOT is_told") == [(0,)]
    with newsroom.store.transaction():
        Chronicle(newsroom.store, newsroom.now).look_again()
    assert newsroom.ask("SELECT count(*) FROM story_terms")[0][0] < 5


# ── the commands ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def setup(newsroom: Newsroom) -> Setup:
    return load_setup(flags={"data": str(newsroom.folder)}, environ={})


def test_the_look_back_is_recorded(newsroom: Newsroom, setup: Setup) -> None:
    newsroom.publish_at("mula", "kunjungan", RELEASE)
    done = tend(setup, newsroom.store, newsroom.now)
    assert done == {"articles_moved": 0, "stories": 1, "sketches_pruned": 0}
    assert newsroom.store.get_last_job(JOB) == NOW


def test_sketches_of_an_older_version_are_made_anew_once(newsroom: Newsroom, setup: Setup) -> None:
    for source in ("mula", "salin", "salin-juga", "sama"):  # from the third on, its very own text is known
        newsroom.publish_at(source, "kunjungan", RELEASE)
    newsroom.publish_at("niaga", "obligasi", OTHER)
    postings = newsroom.ask("SELECT * FROM postings ORDER BY 1, 2")
    sketches = newsroom.ask("SELECT article_id, hashes FROM sketches ORDER BY 1")
    assert [bool(hashes) for _, hashes in sketches] == [True, True, False, False, True]
    with newsroom.store.transaction():
        newsroom.store.write_sketch(1, "00" * 16, {1, 2, 3})
        newsroom.store._connection.execute("DELETE FROM sketches WHERE article_id = 5")
        newsroom.store._connection.execute("DELETE FROM postings WHERE article_id = 5")
    renew_sketches(setup, newsroom.store, newsroom.now)
    assert newsroom.ask("SELECT * FROM postings ORDER BY 1, 2") == postings
    assert newsroom.ask("SELECT article_id, hashes FROM sketches ORDER BY 1") == sketches
    with newsroom.store.transaction():
        newsroom.store.write_sketch(1, "00" * 16, {1, 2, 3})
    renew_sketches(setup, newsroom.store, newsroom.now)  # it was done
    assert newsroom.ask("SELECT count(*) FROM postings WHERE article_id = 1") == [(3,)]


def test_explain_shows_what_two_articles_share_and_where_they_differ(newsroom: Newsroom) -> None:
    newsroom.publish_at("mula", "kunjungan", RELEASE)
    newsroom.publish_at("salin", "tamu", ["SALIN, GORONTALO.", *RELEASE[:3], OTHER[0]])
    newsroom.publish_at("niaga", "obligasi", OTHER)
    look(newsroom)
    run = CliRunner().invoke(app, ["--data", str(newsroom.folder), "explain", "1", "https://salin.example/tamu"])
    assert run.exit_code == 0, run.output
    for told in ("the same text", "(containment)", "accepted on", "both in group 1", "= Pemerintah Kota Gorontalo"):
        assert told in run.output
    run = CliRunner().invoke(app, ["--data", str(newsroom.folder), "explain", "1", "3", "--json"])
    told = json.loads(run.output)
    assert told["verdict"]["is_duplicate"] is False
    assert told["decision"] is None
    run = CliRunner().invoke(app, ["--data", str(newsroom.folder), "explain", "1", "99"])
    assert run.exit_code == 1
    assert "no article" in run.output or "no article" in str(run.exception)
