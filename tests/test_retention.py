"""What is no longer kept goes, in small steps; what it is needed for, and what was published of it, stays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from command_line import run_here
from conftest import ROOT
from feed_room import PlainRoom
from newsdesk import NOW, OTHER, RELEASE, Newsroom
from page_room import Stage
from portals import make_setup

from aggregator.chronicle import Chronicle
from aggregator.excerpt import EXCERPT_READ
from aggregator.group_rows import make_edge
from aggregator.models import Source, SourceKind
from aggregator.pages import PageFolder
from aggregator.policy_rows import KEPT_FOR_EVER, POLICIES, Way
from aggregator.pruning import Pruned, Pruner
from aggregator.retention import OPENING, RetentionSettings, cut_opening, get_least
from aggregator.settings import AggregatorSettings
from aggregator.store import KNOWN_DAYS, Store, StoreError
from aggregator.trend_rows import LEAD_READ
from aggregator.web.app import create_app
from aggregator.web.site import SiteInfo
from schedules.lock import hold_writer_lock
from schedules.tending import prune

DAY = timedelta(days=1)
LONG = [*RELEASE, *(f"Kelurahan ke-{n} memasang papan informasi hijau bagi seluruh warganya." for n in range(12))]
OTHER_LONG = [*OTHER, *(f"Peserta nomor {n} menyusun rencana pasar ikan bagi kotanya." for n in range(12))]
FREE_LONG = [f"Kota cerdas nomor {n} menambah sensor banjir di jembatan gantung Sungai {n}." for n in range(20)]
REWRITTEN = [*LONG[:3], "Tiga ruas lagi menyusul bulan depan, kata kepala dinas perhubungan.", *LONG[3:]]


# ── settings ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("polls_days = 3", ("kabarkota.toml: aggregator.retention.polls_days: ", "0 (for ever) or at least 7 days")),
        ("polls_days = -1", ("aggregator.retention.polls_days",)),
        ("links_days = 99999999", ("aggregator.retention.links_days",)),
        ("colour = 3", ("aggregator.retention.colour: unknown key",)),
        (
            "text_days = 60",
            ("kabarkota.toml: aggregator.retention.text_days: 60 days are fewer than candidate_days (90)",),
        ),
    ],
)
def test_faulty_days_are_named(tmp_path: Path, content: str, words: tuple[str, ...]) -> None:
    (tmp_path / "kabarkota.toml").write_text(f"[aggregator.retention]\n{content}\n", encoding="utf-8")
    result = run_here(tmp_path, "--data", "d", "prune")
    assert result.returncode == 2
    assert all(word in result.stderr for word in words), result.stderr


def test_days_of_several_layers_are_judged_together(tmp_path: Path) -> None:
    (tmp_path / "kabarkota.toml").write_text("[aggregator]\ncandidate_days = 200\n", encoding="utf-8")
    environ = {"KABARKOTA_AGGREGATOR__RETENTION__TEXT_DAYS": "120"}
    result = run_here(tmp_path, "--data", "d", "status", **environ)
    assert result.returncode == 2
    assert "KABARKOTA_AGGREGATOR__RETENTION__TEXT_DAYS: 120 days are fewer" in result.stderr
    assert (
        run_here(
            tmp_path, "--data", "d", "status", **{**environ, "KABARKOTA_AGGREGATOR__CANDIDATE_DAYS": "120"}
        ).returncode
        == 0
    )


def test_no_setting_is_below_what_others_need() -> None:
    assert get_least("links_days") > 1.5 * KNOWN_DAYS
    assert max(EXCERPT_READ, LEAD_READ) <= OPENING


def test_an_opening_ends_between_words() -> None:
    text = "kata " * 200
    assert cut_opening(text) == text[:599].rstrip()
    assert cut_opening("x" * 700) == "x" * OPENING
    assert cut_opening("pendek") == "pendek"


def test_the_guide_has_the_policies_as_they_are() -> None:
    guide = (ROOT / "docs/operation.md").read_text(encoding="utf-8")
    assert {policy.setting for policy in POLICIES} == set(RetentionSettings.model_fields)
    for policy in POLICIES:
        default = RetentionSettings.model_fields[policy.setting].default
        days = f"{default}" if default else "for ever"
        cells = (f"`{policy.setting}`", days, f"{get_least(policy.setting)}", f"`{policy.table}`", policy.goes)
        assert f"| {' | '.join(cells)} | {policy.stays} |" in guide
    assert KEPT_FOR_EVER in " ".join(guide.split())


# ── rows ───────────────────────────────────────────────────────────────────────────────────────────────────────────

OLD, YOUNG = "2020-01-01T00:00:00Z", "2026-10-05T07:00:00Z"
ROWS = f"""
    INSERT INTO sources (id, name, domain, kind, timezone, language)
        VALUES ('u', 'U', 'u.example', 'regional', 'UTC', 'id');
    INSERT INTO channels (id, source_id, kind, url) VALUES (1, 'u', 'feed', 'a'), (2, 'u', 'feed', 'b');
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100)
        INSERT INTO cycles (id, started_at) SELECT i, '{OLD}' FROM n;
    INSERT INTO polls (id, cycle_id, channel_id, started_at, finished_at, outcome, http_status, reason, links,
            requests, articles)
        SELECT i.value, i.value, c.value, '{OLD}', '{OLD}', 'changed', 200, '', 0, 1, 0
        FROM json_each('[1, 2, 3]') AS i JOIN json_each('[1, 2, 1]') AS c ON c.key = i.key;
    INSERT INTO links (key, url, source_id, state, reason, first_seen_at, read_at) VALUES
        ('k1', '1', 'u', 'off-topic', '', '{OLD}', NULL), ('k2', '2', 'u', 'off-topic', '', '{OLD}', '{YOUNG}'),
        ('k3', '3', 'u', 'kept', '', '{OLD}', NULL), ('k4', '4', 'u', 'refused', 'taken down', '{OLD}', NULL),
        ('k5', '5', 'u', 'spam', '', '{OLD}', NULL), ('k6', '6', 'u', 'off-topic', '', '{OLD}', NULL),
        ('k7', '7', 'u', 'failed', 'HTTP 404', '{OLD}', NULL), ('k8', '8', 'u', 'pending', '', '{OLD}', NULL);
    INSERT INTO rejected_pages (key, source_id, url, title, text, verdict, scores, read_at, article) VALUES
        ('k5', 'u', '5', 'J', 'T', 'spam', '[]', '{OLD}', '{{}}'),
        ('k6', 'u', '6', 'J', 'T', 'off-topic', '[]', '{OLD}', '{{"group_id": 7}}');
    INSERT INTO jobs (name, done_at, summary) VALUES ('tend', '{OLD}', ''), ('tend', '2020-01-02T00:00:00Z', ''),
        ('sketches-2', '{OLD}', '');
    INSERT INTO probes (source_id, probed_at, succeeded, problem, report)
        VALUES ('u', '{OLD}', 1, '', ''), ('u', '{OLD}', 1, '', '');
    INSERT INTO alarms (source_id, code, since, until, detail)
        VALUES ('u', 'dns', '{OLD}', '{OLD}', ''), ('u', 'tls', '{OLD}', NULL, '');
    INSERT INTO deliveries (uid, kind, name, target, part, key, message, created_at, due_at, state) VALUES
        ('1', 'news', 'n', 't', '', '1', '', '{OLD}', '', 'sent'),
        ('2', 'news', 'n', 't', '', '2', '', '{OLD}', '', 'waiting');
    INSERT INTO digest_runs VALUES ('pagi', '{OLD}', '', '', 'queued'),
        ('pagi', '2020-01-02T00:00:00Z', '', '', 'queued');
    INSERT INTO alert_stories VALUES ('a', 1, '{OLD}', 0), ('a', 2, '{YOUNG}', 0);
    INSERT INTO alert_groups VALUES ('a', 1, '{OLD}'), ('a', 2, '{YOUNG}');
    INSERT INTO backfills (id, source_id, since, started_at, finished_at)
        VALUES (1, 'u', '', '', '{OLD}'), (2, 'u', '', '', NULL);
    INSERT INTO backfill_steps (backfill_id, place, way, term, url, state, position) VALUES
        (1, 1, '', '', '', '', ''), (2, 1, '', '', '', '', '');
    INSERT INTO host_days VALUES ('h', '2020-01-01', 1, 1, ''), ('h', '2026-10-05', 1, 1, '');
    INSERT INTO source_days (source_id, day_wib) VALUES ('u', '2020-01-01'), ('u', '2026-10-05');
"""
GONE = {
    "polls": 1,
    "cycles": 98,
    "links": 3,
    "rejected_pages": 1,
    "jobs": 1,
    "probes": 1,
    "alarms": 1,
    "deliveries": 1,
    "digest_runs": 1,
    "alert_stories": 1,
    "alert_groups": 1,
    "backfill_steps": 1,
    "host_days": 1,
    "source_days": 1,
}
EVERYTHING = RetentionSettings(**dict.fromkeys(RetentionSettings.model_fields, 365))


def make_pruner(newsroom: Newsroom, retention: RetentionSettings = EVERYTHING) -> Pruner:
    settings = AggregatorSettings(retention=retention)
    return Pruner(newsroom.store, PageFolder(newsroom.folder / "pages"), settings, newsroom.now)


def count(found: Iterator[Pruned]) -> dict[str, int]:
    rows: dict[str, int] = {}
    for each in found:
        rows[each.policy.name] = rows.get(each.policy.name, 0) + each.due.rows
    return {name: number for name, number in rows.items() if number}


@pytest.fixture
def full(newsroom: Newsroom) -> Newsroom:
    """One of each that goes, and of each that stays."""
    newsroom.store._connection.executescript(ROWS)
    return newsroom


@pytest.mark.parametrize("at_once", [1, 2, 20_000])
def test_what_is_old_goes_and_what_is_needed_stays(
    full: Newsroom, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    few = tuple(
        replace(policy, at_once=min(policy.at_once, at_once if policy.table != "cycles" else 500))
        for policy in POLICIES
    )
    monkeypatch.setattr("aggregator.pruning.POLICIES", few)
    assert count(make_pruner(full).run()) == GONE
    assert full.ask("SELECT id FROM polls ORDER BY id") == [(2,), (3,)]  # the last of each channel, and their cycles
    assert full.ask("SELECT min(id), count(*) FROM cycles") == [(2, 1_002)]
    assert full.ask("SELECT group_concat(key) FROM (SELECT key FROM links ORDER BY key)") == [("k2,k3,k4,k6,k8",)]
    assert full.ask("PRAGMA foreign_key_check") == []
    assert full.ask("PRAGMA foreign_keys") == [(1,)]
    assert count(make_pruner(full).run()) == {}


def test_a_dry_run_tells_what_would_go(full: Newsroom) -> None:
    full.store._connection.execute("PRAGMA query_only = ON")
    found = list(make_pruner(full).measure())
    told = count(iter(found))
    assert told == {**GONE, "links": 2, "cycles": 97}  # one more of each, when what points to it has gone
    (polls,) = [each for each in found if each.policy.table == "polls"]
    assert (polls.days, polls.due.oldest) == (365, OLD)
    assert 50 < polls.due.bytes < 200


def test_nothing_goes_that_is_kept_for_ever(full: Newsroom) -> None:
    for_ever = RetentionSettings(**dict.fromkeys(RetentionSettings.model_fields, 0))
    assert count(make_pruner(full, for_ever).run()) == count(make_pruner(full, for_ever).measure()) == {}


def test_every_policy_looks_at_a_large_table_by_its_key(newsroom: Newsroom) -> None:
    """Otherwise each step would read what the steps before it have read."""
    for policy in POLICIES:
        if policy.way in (Way.FILES, Way.TEXTS) or policy.table in ("alarms", "alert_stories", "alert_groups"):
            continue
        after = tuple("x" for _ in policy.key)
        statements: list[str] = []
        newsroom.store._connection.set_trace_callback(statements.append)
        newsroom.store._find_end(policy, after)
        newsroom.store._prune_between(policy, "2020", after, (*after, "2020"))
        newsroom.store._connection.set_trace_callback(None)
        for statement in statements:
            if statement.startswith(("SELECT", "DELETE", "UPDATE")):
                plan = [row[3] for row in newsroom.ask(f"EXPLAIN QUERY PLAN {statement}")]
                assert plan[0].startswith("SEARCH t USING"), (policy.table, plan)


def test_pages_go_by_the_day(newsroom: Newsroom) -> None:
    folder = newsroom.folder / "pages"
    for day in ("2026-08-01", "2026-09-20", "lost+found"):
        (folder / day).mkdir(parents=True)
        (folder / day / "00.html.zst").write_bytes(b"1234")
    (folder / "2026-08-01/catatan.txt").touch()
    retention = RetentionSettings(text_days=0)
    assert [each.due[:3] for each in make_pruner(newsroom, retention).measure() if each.due.rows] == [
        (1, "2026-08-01", 4)
    ]
    assert count(make_pruner(newsroom, retention).run()) == {"pages": 1}
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*")) == [
        *("2026-08-01/catatan.txt", "2026-09-20/00.html.zst", "lost+found/00.html.zst"),
    ]


# ── full texts ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def room(tmp_path: Path) -> Iterator[PlainRoom]:
    """A release with a copy of it, news that was revised, and an article whose publisher allows all of it."""
    room = PlainRoom(tmp_path)
    room.publish_at("pemkot", "rilis", LONG, hour=1, title="Rilis APEKSI", kind=SourceKind.CITY_GOVERNMENT)
    room.publish_at("kabar", "salinan", REWRITTEN, hour=2)
    room.publish_at("lain", "rapat", [*OTHER_LONG, "Paragraf yang dicabut kemudian."], hour=3)
    room.minutes += 60
    room.publish_at("lain", "rapat", OTHER_LONG, hour=3, title="Rapat APEKSI")
    room.publish_at("bebas", "terbuka", FREE_LONG, hour=4)
    free = Source(**{**_fields(room.sources["bebas"]), "full_text": True})
    room.sources["bebas"] = free
    room.store.write_catalogue(room.sources.values())
    with room.store.transaction():
        Chronicle(room.store, room.now).look()
    room.press()
    yield room
    room.store.close()


def _fields(source: Source) -> dict[str, Any]:
    return {name: getattr(source, name) for name in source.__dataclass_fields__}


def drop(room: Newsroom, days: int = 400) -> list[Pruned]:
    """So many days later."""
    room.minutes += days * 24 * 60
    return list(make_pruner(room, RetentionSettings(text_days=365, pages_days=0)).run())


def dump(room: Newsroom) -> dict[str, list[tuple[Any, ...]]]:
    """All that an article is in, but its text."""
    tables = (
        "duplicate_groups",
        "duplicate_edges",
        "article_topics",
        "article_regions",
        "stories",
        "feed_items",
        "feeds",
    )
    rows = {table: room.ask(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables}
    columns = [
        name for (_, name, *_) in room.ask("PRAGMA table_info(articles)") if name not in ("text", "text_dropped_at")
    ]
    rows["articles"] = room.ask(f"SELECT {', '.join(columns)} FROM articles ORDER BY id")
    rows["sketches"] = room.ask("SELECT article_id, text_hash FROM sketches ORDER BY 1")
    return rows


def check_index(room: Newsroom) -> None:
    with room.store.transaction():
        room.store._connection.execute("INSERT INTO articles_fts (articles_fts, rank) VALUES ('integrity-check', 1)")


def search(room: Newsroom, words: str) -> list[int]:
    return [row[0] for row in room.ask(f"SELECT rowid FROM articles_fts WHERE articles_fts MATCH '{words}' ORDER BY 1")]


def test_the_full_text_goes_and_everything_else_stays(room: PlainRoom) -> None:
    before, files = dump(room), room.list_files()
    found = {each.policy.setting: each.due for each in drop(room) if each.policy.way is Way.TEXTS}
    assert found["text_days"].rows == 3
    assert dump(room) == before
    for number, text, dropped in room.ask("SELECT id, text, text_dropped_at FROM articles"):
        assert (len(text) <= OPENING, dropped is not None) == ((True, True) if number != 4 else (False, False))
    assert room.ask("SELECT text, difference FROM article_revisions") == [
        ("", '{"title":["APEKSI: rapat menurut lain","Rapat APEKSI"],"removed":[""],"added":[]}')
    ]
    assert room.ask("SELECT paragraphs_removed, paragraphs_added FROM revisions") == [(1, 0)]
    assert b"papan informasi hijau" not in (room.folder / "news.db").read_bytes()
    check_index(room)
    assert search(room, "rilis") == [1]
    assert search(room, "papan") == []
    assert search(room, "gantung") == [4]
    # nothing is to be published again, and if all of it is, it comes out as it was
    assert room.ask("SELECT count(*) FROM changed_groups") == [(0,)]
    room.press()
    assert room.list_files() == files
    room.minutes -= 400 * 24 * 60
    room.press(everything=True)
    now = {path: body for path, (_, body) in room.list_files().items()}
    assert now == {path: body for path, (_, body) in files.items()}
    assert count(iter(drop(room))) == {}


def test_the_pages_of_a_dropped_text_go_along(room: PlainRoom) -> None:
    """Also those of a later reading, under whatever address."""
    with room.store.transaction():
        room.store._connection.execute("UPDATE articles SET page_file = '2026-10-05/kunci.html.zst' WHERE id = 1")
    keys = ["kunci", *(key for (key,) in room.ask("SELECT url_key FROM articles ORDER BY id"))]
    for day in ("2026-10-05", "2027-11-01"):
        (room.folder / "pages" / day).mkdir(parents=True)
        for key in keys:
            (room.folder / f"pages/{day}/{key}.html.zst").touch()
    drop(room)
    left = [str(path.relative_to(room.folder / "pages")) for path in (room.folder / "pages").rglob("*.zst")]
    assert left == [f"2027-11-01/{keys[4]}.html.zst"]


def test_what_waits_to_be_published_still_does(room: PlainRoom) -> None:
    with room.store.transaction():
        room.store._connection.execute("UPDATE articles SET title = 'Judul baru APEKSI' WHERE id = 1")
    drop(room)
    assert room.ask("SELECT group_id FROM changed_groups") == room.ask("SELECT group_id FROM articles WHERE id = 1")


def test_a_permission_that_ends_and_comes_back_brings_no_opening_as_the_whole(room: PlainRoom) -> None:
    (room.sources["bebas"],) = [replace(room.sources["bebas"], full_text=False)]
    room.store.write_catalogue(room.sources.values())
    assert count(iter(drop(room)))["texts"] == 4
    room.sources["bebas"] = replace(room.sources["bebas"], full_text=True)
    room.store.write_catalogue(room.sources.values())
    ((group,),) = room.ask("SELECT group_id FROM articles WHERE id = 4")
    assert room.store.get_items([group])[group].full_text == ""
    detail = room.store.get_article_detail(4)
    assert detail is not None
    assert (detail.full_text, room.store.get_full_text(4)) == ("", "")


def test_reading_the_page_again_brings_nothing_back(room: PlainRoom) -> None:
    drop(room)
    texts, revisions = room.ask("SELECT text, title FROM articles"), room.ask("SELECT * FROM article_revisions")
    room.publish_at("pemkot", "rilis", [*LONG, "Ditambah belakangan."], hour=1, title="Rilis APEKSI, diralat")
    assert room.ask("SELECT text, title FROM articles") == texts
    assert room.ask("SELECT * FROM article_revisions") == revisions
    assert room.ask("SELECT checked_at, revised_at FROM articles WHERE id = 1")[0][0] is not None
    assert room.ask("SELECT count(*) FROM articles") == [(4,)]


def test_copies_that_come_late_join_and_part_nobody(room: PlainRoom) -> None:
    """The very same text is known for ever; what came out before all others is shown for them then."""
    assert room.ask("SELECT group_id FROM articles WHERE id IN (1, 2)") == [(1,), (1,)]
    drop(room)
    room.publish_at("telat", "sama", LONG, hour=5)
    assert room.ask("SELECT group_id FROM articles WHERE id = 5") == [(1,)]
    assert room.ask("SELECT canonical_id FROM duplicate_groups WHERE id = 1") == [(1,)]
    room.minutes -= 500 * 24 * 60
    room.publish_at("mula", "kunjungan", REWRITTEN, hour=0)
    room.minutes += 500 * 24 * 60
    assert room.ask("SELECT DISTINCT group_id FROM articles WHERE id IN (1, 2, 5, 6)") == [(1,)]
    assert room.ask("SELECT canonical_id FROM duplicate_groups WHERE id = 1") == [(6,)]
    assert room.ask("SELECT rule FROM duplicate_edges WHERE 6 IN (a, b) AND 2 IN (a, b)") == [("exact",)]


def test_a_decision_is_recalled_for_texts_that_are_gone(room: PlainRoom) -> None:
    (row,) = room.store._rows("SELECT * FROM duplicate_edges WHERE a = 2")
    known = make_edge(row)
    drop(room)
    room.publish_at("telat", "sama", LONG, hour=5)
    recalled = room.store.recall_decision(5, 2)
    assert recalled is not None
    assert (recalled.verdict.is_duplicate, recalled.verdict.rule) == (True, known.verdict.rule)
    assert room.store.recall_decision(5, 3) is None


def test_stories_of_long_ago_stay_as_they_were(room: PlainRoom) -> None:
    """Also where a backfill brings news of the same days, and nothing is left by which they could be told anew."""
    with room.store.transaction():
        room.store._connection.execute("UPDATE duplicate_groups SET story_id = 1")
        room.store._connection.execute("DELETE FROM story_terms")
        room.store._connection.execute("DELETE FROM story_likeness")
    drop(room)
    room.publish_at("telat", "sama", LONG, hour=5)
    room.minutes -= 400 * 24 * 60
    room.publish_at("arsip", "baru", [f"Bertahun-tahun kemudian {line}" for line in OTHER[::-1]], hour=9)
    with room.store.transaction():
        Chronicle(room.store, room.now).look()
    assert room.ask("SELECT id, story_id FROM duplicate_groups WHERE id < 3") == [(1, 1), (2, 1)]
    assert room.ask("SELECT count(*) FROM duplicate_groups WHERE NOT is_told") == [(0,)]


@pytest.mark.slow
def test_rules_that_change_leave_what_has_no_text_alone(room: PlainRoom, tmp_path: Path) -> None:
    drop(room)
    before = dump(room)
    data = ["--data", str(room.folder)]
    (room.folder / "topics.toml").write_text("[topics.apeksi]\nenabled = false\n", encoding="utf-8")
    tried = run_here(tmp_path, *data, "topics", "test")
    assert "3 articles stay as they were judged" in tried.stdout
    done = run_here(tmp_path, *data, "replay", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["without_text"] == 3
    assert {change["url"] for change in json.loads(done.stdout)["changes"]} == {"https://bebas.example/terbuka"}
    kept = [row for row in before["article_topics"] if row[0] != 4]
    assert [row for row in dump(room)["article_topics"] if row[0] != 4] == kept


def test_explain_tells_how_it_was_judged(room: PlainRoom, tmp_path: Path) -> None:
    drop(room)
    told = run_here(tmp_path, "--data", str(room.folder), "explain", "1").stdout
    assert "its full text is no longer kept since 2027-11-09; as it was judged before:" in told
    assert "topic apeksi:" in told
    assert "reaches" in told
    pair = run_here(tmp_path, "--data", str(room.folder), "explain", "1", "2").stdout
    assert "cannot be compared any more; while they were:\n   accepted on 2026-10-05" in pair


@pytest.mark.parametrize(
    ("language", "story", "diff"),
    [
        ("id", "tidak lagi disimpan di sini", "tidak dapat dibandingkan lagi"),
        ("en", "is no longer kept here", "cannot be compared any more"),
    ],
)
def test_pages_say_that_the_text_is_gone(room: PlainRoom, stage: Stage, language: str, story: str, diff: str) -> None:
    stage.app = create_app(
        database=room.folder / "news.db", public=room.public, site=SiteInfo(url="https://k.example/")
    )
    with httpx.Client(base_url=stage.address, trust_env=False, timeout=60) as client:
        number = room.ask("SELECT story_id FROM duplicate_groups WHERE id = 1")[0][0]
        before = client.get(f"/story/{number}", params={"lang": language}).text
        assert story not in before
        assert "/diff/2" in before
        drop(room)
        after = client.get(f"/story/{number}", params={"lang": language}).text
        assert story in after
        assert "/diff/2" not in after
        page = client.get(f"/story/{number}/diff/2", params={"lang": language})
        assert page.status_code == 200
        assert diff in page.text


# ── the command and the nightly job ────────────────────────────────────────────────────────────────────────────────


def test_the_command(full: Newsroom, tmp_path: Path) -> None:
    data = ["--data", str(full.folder)]
    with hold_writer_lock(full.folder):
        dry = run_here(tmp_path, *data, "prune", "--dry-run")
        busy = run_here(tmp_path, *data, "prune")
    assert busy.returncode == 3
    assert "another kabarkota process" in busy.stderr
    assert dry.returncode == 0
    assert "polls_days\t90\tpolls\t1\t2020-01-01\t" in dry.stdout
    assert "text_days\tfor ever\ttexts\t0\t\t" in dry.stdout
    assert "Nothing was changed" in dry.stdout
    assert full.ask("SELECT count(*) FROM polls") == [(3,)]
    doubtful = run_here(tmp_path, *data, "prune")
    assert doubtful.returncode == 1
    assert "prune: the last cycle before this week was on 2020-01-01" in doubtful.stderr
    assert full.ask("SELECT count(*) FROM polls") == [(3,)]
    full.store.start_cycle(datetime.now(UTC) - timedelta(days=20))
    done = run_here(tmp_path, *data, "prune", "--vacuum", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {each["table"]: each["rows"] for each in told["policies"] if each["rows"]}["polls"] == 1
    assert (told["free_bytes"], told["dry_run"]) == (0, False)
    ((summary,),) = full.ask("SELECT summary FROM jobs WHERE name = 'prune'")
    assert json.loads(summary)["cycles"] == 99
    assert run_here(tmp_path, *data, "prune", "--dry-run", "--vacuum").returncode == 2
    assert run_here(tmp_path, "--data", "nothing", "prune").returncode == 1


def test_no_room_to_write_the_file_anew(full: Newsroom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schedules.commands.prune.VACUUM_ROOM", 10**12)
    full.store.start_cycle(datetime.now(UTC) - timedelta(days=20))
    result = run_here(tmp_path, "--data", str(full.folder), "prune", "--vacuum")
    assert result.returncode == 1
    assert "Nothing was changed" in result.stderr
    assert full.ask("SELECT count(*) FROM polls") == [(3,)]


def test_a_vacuum_takes_dropped_words_out_of_the_index(room: PlainRoom) -> None:
    drop(room)
    before = room.ask("SELECT sum(length(block)) FROM articles_fts_data")[0][0]
    room.store.vacuum()
    assert room.ask("SELECT sum(length(block)) FROM articles_fts_data")[0][0] < before / 2
    assert room.store.count_free_bytes() == 0
    check_index(room)


def test_a_run_that_is_broken_off_is_made_up_by_the_next(room: PlainRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the service does with a job at its deadline: what was not done is still to be done, nothing is half done."""
    monkeypatch.setattr("aggregator.pruning.TEXTS_AT_ONCE", 1)
    dropped = room.store.drop_texts

    def drop_and_cut(ids: list[int], now: datetime) -> int:
        if ids == [2]:
            room.store.cut_short()
        return dropped(ids, now)

    monkeypatch.setattr(room.store, "drop_texts", drop_and_cut)
    with pytest.raises(StoreError, match="interrupted"):
        drop(room)
    room.store.close()
    room.store = Store.open_writer(room.folder / "news.db")
    assert room.ask("SELECT id FROM articles WHERE text_dropped_at NOT NULL") == [(1,)]
    check_index(room)
    assert count(iter(drop(room, days=0)))["texts"] == 2


@pytest.mark.slow
def test_a_takedown_keeps_out_a_text_that_was_let_go(room: PlainRoom, tmp_path: Path) -> None:
    drop(room)
    done = run_here(tmp_path, "--data", str(room.folder), "takedown", "1", "--reason", "diminta")
    assert done.returncode == 0, done.stderr
    room.publish_at("pemkot", "lagi", LONG, hour=1, title="Rilis APEKSI")
    assert room.ask("SELECT state, reason FROM links WHERE url LIKE '%/lagi'") == [
        ("refused", "taken down: the text of https://pemkot.example/rilis")
    ]
    assert room.ask("SELECT id FROM articles ORDER BY id") == [(2,), (3,), (4,)]


def test_the_nightly_job_says_what_went(full: Newsroom, tmp_path: Path) -> None:
    setup = make_setup(tmp_path)
    assert prune(setup, full.store, NOW) == []
    full.store.start_cycle(NOW - timedelta(days=20))
    done = prune(setup, full.store, NOW)
    assert count(iter(done))["polls"] == 1
    assert full.store.get_last_job("prune") == NOW
