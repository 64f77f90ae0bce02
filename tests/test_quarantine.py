"""A source whose pages end our parsers is left alone for a while, and everybody is told why."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from lxml import html
from newsroom import add_channel
from page_room import Stage
from portals import Answer, LoopbackPortal, make_setup, serve_portal
from test_cycle import catalogue, fill, query, write_feed
from typer.testing import CliRunner

from aggregator.quarantine import LASTS, MOST_KILLS, Quarantine, is_forgiven, note_kills
from aggregator.store import Store
from aggregator.web.app import create_app
from aggregator.web.site import SiteInfo
from aggregator.web.source_states import tell_moment
from aggregator.web.texts import Language, get_texts
from crawler.process import CrawlProcess
from schedules.cli import app
from schedules.commands.run import report_cycle, run_once
from schedules.config import Setup
from schedules.cycle import refresh_catalogue
from schedules.doctor.database import check_quarantines
from schedules.health import check_health

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
COMMAND = (sys.executable, str(Path(__file__).parent / "odd_crawler.py"))


def hold(kills: int, *, days_ago: float = 0, until: float | None = None) -> Quarantine:
    return Quarantine(
        source_id="uji",
        kills=kills,
        counted_from=NOW - days_ago * DAY,
        last_kill_at=NOW - days_ago * DAY,
        reason="lama",
        until=None if until is None else NOW + until * DAY,
    )


@pytest.mark.parametrize(
    ("known", "kills", "total", "lasts"),
    [
        (None, 1, 1, False),
        (None, 3, 3, True),
        (hold(2, days_ago=6), 1, 3, True),
        (hold(2, days_ago=8), 1, 1, False),
        (hold(2, days_ago=-30), 1, 1, False),  # a clock that ran ahead
        (hold(3, days_ago=8, until=-1), 1, 4, True),  # the careful try
        (hold(3, days_ago=1, until=6), 1, 4, True),  # a backfill meanwhile
    ],
    ids=["first", "three at once", "third", "of a week before", "of the future", "try", "again"],
)
def test_kills_are_counted_for_a_week(known: Quarantine | None, kills: int, total: int, lasts: bool) -> None:
    held = note_kills(known, "uji", kills, "baru", NOW)
    assert (held.kills, held.lasts(NOW), held.reason) == (total, lasts, "baru")
    assert not held.lasts(NOW + LASTS)


@pytest.mark.parametrize(
    ("known", "expected"),
    [(hold(2), False), (hold(3, until=1), False), (hold(3, until=-1), True), (hold(3, until=300), True)],
)
def test_answer_after_a_quarantine_ends_it(known: Quarantine, expected: bool) -> None:
    assert is_forgiven(known, NOW) is expected


@pytest.fixture
def portal() -> Iterator[LoopbackPortal]:
    with serve_portal() as served:
        yield served


@pytest.fixture(scope="module")
def odd() -> Iterator[CrawlProcess]:
    """A process for all cycles here, whose parsers leave over some pages. It begins anew by itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        process = CrawlProcess(log_level="CRITICAL", command=COMMAND)
        yield process
        process.close()


def run_odd(process: CrawlProcess, setup: Setup, now: datetime, *, due_only: bool = False) -> dict[str, int]:
    return run_once(setup, now=now, quiet=True, process=process, due_only=due_only).polls


@pytest.fixture
def hostile(tmp_path: Path, portal: LoopbackPortal) -> Setup:
    """Its source has pages that end parsers, and one that does not."""
    fill(portal, ["rakernas"])
    bad = ["parah1", "parah2", "parah3", "parah4"]
    portal.answers["/feed.xml"] = Answer(write_feed(portal, [*bad, "rakernas"]), content_type="application/rss+xml")
    for name in bad:
        portal.answers[f"/{name}/"] = Answer(b"<p>smart city")
    return make_setup(tmp_path, catalogue(portal))


@pytest.mark.slow
def test_source_whose_pages_end_three_parsers_is_quarantined(
    tmp_path: Path, portal: LoopbackPortal, hostile: Setup, odd: CrawlProcess, caplog: pytest.LogCaptureFixture
) -> None:
    summary = run_once(hostile, now=NOW, quiet=True, process=odd)
    assert summary.polls == {"changed": 1}
    (line,) = [each.getMessage() for each in caplog.records if "quarantine" in each.getMessage()]
    assert line.startswith(
        f"uji: quarantined until 2026-11-30 15:00 WIB; 3 parsers died, the last of {portal.base}/par"
    )
    assert line.endswith("; `kabarkota sources enable uji` lifts it")
    assert [f"{each['source']}: {each['why']}" for each in summary.quarantined] == [line]
    with Store.open_writer(hostile.database) as store:
        (held,) = store.list_quarantined(NOW)
        assert (held.source_id, held.kills, held.until) == ("uji", 3, NOW + LASTS)
        assert "the parser left with exit code 0" in held.reason
        assert check_quarantines(store, NOW).found.startswith("uji: until 2026-11-30")
        check_health(store, NOW + timedelta(hours=1))
        assert store.get_status(NOW, NOW - DAY).failing == []
        assert store.get_status(NOW, NOW - DAY).quarantined == [("Portal Uji", held)]
        status = store.get_source_operation("uji", NOW)
        assert status is not None
        assert status.quarantine == held
        assert [(alarm.code, alarm.until) for alarm in status.alarms] == [("quarantined", None)]
    # its article is kept, its pages are not asked for again, and what was not read waits
    assert query(tmp_path, "SELECT count(*) FROM articles") == [(1,)]
    states = dict(query(tmp_path, "SELECT state, count(*) FROM links GROUP BY state"))
    assert states == {"kept": 1, "failed": 3, "pending": 1}
    asked = portal.asked["/feed.xml"]
    assert run_odd(odd, hostile, NOW + DAY) == {}
    assert portal.asked["/feed.xml"] == asked
    # a week later it is tried; nothing dies, and all is forgotten
    portal.answers["/feed.xml"] = Answer(write_feed(portal, ["rakernas"]), content_type="application/rss+xml")
    for (url,) in query(tmp_path, "SELECT url FROM links WHERE state = 'pending'"):
        portal.answers.pop(url.removeprefix(portal.base))
    assert run_odd(odd, hostile, NOW + LASTS + DAY, due_only=True) == {"changed": 1}
    assert "uji: its quarantine is over: it was tried, and nothing died of it" in caplog.messages
    assert query(tmp_path, "SELECT count(*) FROM quarantines") == [(0,)]
    assert query(tmp_path, "SELECT count(*) FROM alarms WHERE code = 'quarantined' AND until IS NULL") == [(0,)]


def test_run_tells_who_is_quarantined(hostile: Setup, capsys: pytest.CaptureFixture[str]) -> None:
    with Store.open_writer(hostile.database) as store:
        refresh_catalogue(hostile, store)
        with store.transaction():
            store.write_kills("uji", MOST_KILLS, "the parser left", NOW)
    summary = run_once(hostile, now=NOW, quiet=True)
    why = "quarantined until 2026-11-30 15:00 WIB; 3 parsers died, the last of the parser left; "
    report_cycle(summary, as_json=False)
    assert f"  uji: {why}`kabarkota sources enable uji` lifts it\n" in capsys.readouterr().err
    report_cycle(summary, as_json=True)
    (told,) = json.loads(capsys.readouterr().out)["quarantined"]
    assert (told["source"], told["until"]) == ("uji", "2026-11-30T08:00:00+00:00")
    assert told["why"].startswith(why)


@pytest.mark.slow
def test_operator_lifts_a_quarantine_beside_the_service(
    portal: LoopbackPortal, hostile: Setup, odd: CrawlProcess
) -> None:
    fill(portal, ["rakernas"])
    assert run_odd(odd, hostile, NOW) == {"changed": 1}
    arguments = ["--data", str(hostile.data_folder), "--catalogue", str(hostile.catalogue_path), "sources"]
    with Store.open_writer(hostile.database) as store, store.transaction():  # the clock of commands is not set
        store.write_kills("uji", MOST_KILLS, "the parser left with exit code 0", datetime.now(UTC))
    shown = CliRunner().invoke(app, [*arguments, "show", "uji", "--json"])
    assert json.loads(shown.stdout)["id"] == "uji"
    assert "uji is quarantined until" in shown.stderr
    assert "was quarantined" in CliRunner().invoke(app, [*arguments, "enable", "uji"]).stdout
    (hostile.data_folder / "lifted" / "a-folder").mkdir()  # which is no reason not to heed the others
    assert run_odd(odd, hostile, datetime.now(UTC), due_only=True) == {"unchanged": 1}
    assert "quarantined" not in CliRunner().invoke(app, [*arguments, "show", "uji"]).stderr


@pytest.fixture
def quarantined(tmp_path: Path) -> datetime:
    """A database with a source that works but is quarantined, and one that fails; until when."""
    now = datetime.now(UTC).replace(microsecond=0)
    add_channel(tmp_path / "news.db", 1, due=now + timedelta(hours=1))
    add_channel(tmp_path / "news.db", 2, due=now + timedelta(hours=1), failures=3)
    with Store.open_writer(tmp_path / "news.db") as store, store.transaction():
        store.write_kills("sumber-1", MOST_KILLS, "https://a.example/x/: the parser left with exit code 0", now)
    return now + LASTS


def test_status_counts_a_quarantined_source_as_such(tmp_path: Path, quarantined: datetime) -> None:
    arguments = ["--data", str(tmp_path), "status"]
    told = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    assert {name: told[name] for name in ("quarantined", "working", "failing")} == {
        "quarantined": 1,
        "working": 0,
        "failing": 1,
    }
    (held,) = told["quarantined_sources"]
    assert (held["source_id"], held["until"]) == ("sumber-1", quarantined.isoformat())
    shown = CliRunner().invoke(app, arguments).stdout
    assert "Channels: 0 working, 1 failing, 0 retired, 1 quarantined, 0 never asked" in shown
    assert "Quarantined (1):" in shown
    (channel,) = json.loads(CliRunner().invoke(app, [*arguments, "--source", "sumber-1", "--json"]).stdout)["channels"]
    assert (channel["state"], channel["quarantined_until"]) == ("quarantined", quarantined.isoformat())
    assert (
        "`kabarkota sources enable sumber-1` lifts it"
        in CliRunner().invoke(app, [*arguments, "--source", "sumber-1"]).stdout
    )


@pytest.mark.parametrize("language", list(Language))
def test_pages_show_a_quarantine_and_its_end(
    tmp_path: Path, stage: Stage, quarantined: datetime, language: Language
) -> None:
    texts = get_texts(language)
    stage.app = create_app(database=tmp_path / "news.db", public=tmp_path, site=SiteInfo(url=""))
    until = tell_moment(quarantined, texts)
    says = {"id": "Kiriman portal tidak terbaca", "en": "What the portal sent could not be read"}[language]
    for path, how in (("/status", says), ("/sources", ""), ("/source/sumber-1", says)):
        page = html.fromstring(httpx.get(f"{stage.address}{path}?lang={language}", trust_env=False, timeout=60).text)
        (main,) = page.cssselect("main")
        text = main.text_content()
        assert until in text
        assert how in text
        assert "UTC" not in text
        assert "the parser left" not in text
        assert path == "/status" or main.cssselect(".state.quarantined")
        assert not main.cssselect(".state.working")
        assert language != "id" or not main.cssselect("[lang=en]")
    assert (
        "1"
        in html.fromstring(
            httpx.get(f"{stage.address}/sources?state=quarantined&lang={language}", trust_env=False, timeout=60).text
        )
        .cssselect("nav.counts [aria-current]")[0]
        .text_content()
    )
    told = httpx.get(f"{stage.address}/api/v1/sources/sumber-1", trust_env=False, timeout=60).json()["health"]
    assert (told["state"], told["quarantined_until"]) == ("quarantined", f"{quarantined:%Y-%m-%dT%H:%M:%SZ}")


def test_only_a_source_that_is_left_alone_is_called_quarantined() -> None:
    for language in Language:
        texts = get_texts(language)
        assert not any("arantin" in texts[name] for name in ("hijacked_text", "column_pages"))


@pytest.mark.slow
def test_channel_at_which_the_crawl_dies_has_failed_and_others_are_ingested(
    tmp_path: Path, portal: LoopbackPortal, odd: CrawlProcess
) -> None:
    fill(portal, ["rakernas"])
    portal.answers["/left.xml"] = portal.answers["/feed.xml"]
    bad = catalogue(portal).replace("[sources.uji]", "[sources.buruk]").replace("/feed.xml", "/left.xml")
    setup = make_setup(tmp_path, bad + catalogue(portal))
    assert run_odd(odd, setup, NOW) == {"changed": 1, "failed": 1}
    assert query(tmp_path, "SELECT source_id FROM articles") == [("uji",)]
    assert query(tmp_path, "SELECT code FROM polls WHERE outcome = 'failed'") == [("crawler-killed",)]
    assert query(tmp_path, "SELECT source_id, strikes FROM channels WHERE failures") == [("buruk", 0.5)]
    assert query(tmp_path, "SELECT source_id, kills, until FROM quarantines") == [("buruk", 1, None)]
