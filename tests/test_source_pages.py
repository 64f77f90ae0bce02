"""The pages of sources: their states, filters and histories; unknown names, and no database."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fresh_database import open_fresh
from lxml import html
from newsdesk import NOW, RELEASE, Newsroom
from newsroom import add_alarm, add_channel, add_poll
from page_room import Stage

from aggregator.health import USUAL_DAYS
from aggregator.instants import to_text
from aggregator.source_rows import RECENT_DAYS, SourceDays, SourceFacts, Trouble
from aggregator.store import Store
from aggregator.web.app import create_app
from aggregator.web.site import SiteInfo
from aggregator.web.source_history import DAYS, build_history
from aggregator.web.source_states import (
    SourceState,
    judge_source,
    tell_delay,
    tell_fields,
    tell_rate,
    tell_wait,
    tell_why,
)
from aggregator.web.sources_page import PAGE_SIZE, AskedSources, build_sources_page
from aggregator.web.texts import Language, get_texts
from crawler.catalogue import load_catalogue

INDONESIAN, ENGLISH = get_texts(Language.INDONESIAN), get_texts(Language.ENGLISH)
HOSTILE = "Kabar <script>alert(1)</script> & \x0bKota"


def make_facts(**changes: Any) -> SourceFacts:
    """A source that is well."""
    facts: dict[str, Any] = {
        "id": "kabar",
        "name": "Kabar",
        "domain": "kabar.example",
        "kind": "regional",
        "province": "Gorontalo",
        "city": "kota-gorontalo",
        "enabled": True,
        "is_unprobed": False,
        "channels": 2,
        "asked": 2,
        "failing": 0,
        "retired": 0,
        "last_success_at": NOW,
        "due_at": None,
        "recent": SourceDays(days=7, posts=70, pages=20, bodied=20, dated=19, authored=10),
        "usual": SourceDays(days=28, posts=280, pages=80, bodied=80, dated=80, authored=40),
    }
    return SourceFacts(**facts | changes)


QUIET, MISSING = Trouble(code="quiet", detail=""), Trouble(code="missing", detail="HTTP 404", http_status=404)


@pytest.mark.parametrize(
    ("changes", "state", "why"),
    [
        pytest.param({}, "good", "", id="well"),
        pytest.param({"failing": 2, "troubles": (MISSING,)}, "trouble", "Tidak ada apa-apa", id="down"),
        pytest.param({"failing": 1, "troubles": (MISSING,)}, "trouble", "(1 dari 2 saluran)", id="half down"),
        pytest.param({"troubles": (QUIET, MISSING)}, "trouble", "Jauh lebih sepi", id="an alarm beside silence"),
        pytest.param({"troubles": (QUIET,)}, "silent", "Jauh lebih sepi", id="quiet"),
        pytest.param({"recent": SourceDays(days=7)}, "silent", "tidak ada kiriman baru", id="a week of nothing"),
        pytest.param(
            {"recent": SourceDays(days=7), "usual": SourceDays(days=28, posts=20)}, "good", "", id="never posts much"
        ),
        pytest.param({"recent": SourceDays(days=7), "usual": SourceDays(days=6, posts=99)}, "good", "", id="new"),
        pytest.param({"retired": 2, "troubles": (MISSING,)}, "retired", "Tidak ada apa-apa", id="all retired"),
        pytest.param({"asked": 0, "recent": SourceDays(), "usual": SourceDays()}, "waiting", "", id="never asked"),
        pytest.param({"enabled": False, "is_unprobed": True}, "waiting", "", id="never looked at"),
        pytest.param({"enabled": False}, "off", "", id="switched off"),
        pytest.param({"channels": 0, "asked": 0}, "off", "", id="without channels"),
    ],
)
def test_state_of_a_source_and_why(changes: dict[str, Any], state: str, why: str) -> None:
    facts = make_facts(**changes)
    assert judge_source(facts) == state
    assert why in tell_why(facts, INDONESIAN)
    assert bool(why) == bool(tell_why(facts, INDONESIAN))


def test_figures_are_told_in_words() -> None:
    facts = make_facts(due_at=NOW - timedelta(hours=30))
    assert tell_rate(facts, INDONESIAN) == "70 kiriman; biasanya 70"
    assert tell_rate(make_facts(usual=SourceDays()), ENGLISH) == "70 posts"
    assert tell_rate(make_facts(recent=SourceDays(), usual=SourceDays()), ENGLISH) == ""
    assert tell_fields(facts, ENGLISH) == "text 100%, date 99%, author 50%"
    assert tell_fields(make_facts(recent=SourceDays(), usual=SourceDays(pages=4)), ENGLISH) == ""
    assert tell_delay(facts, NOW, INDONESIAN) == "1 hari 6 jam"
    assert tell_delay(make_facts(due_at=NOW - timedelta(minutes=50)), NOW, INDONESIAN) == ""
    assert tell_wait(timedelta(seconds=-5), INDONESIAN) == "0 menit"


def test_history_has_a_bar_for_each_day_and_a_row_for_each_that_was_asked() -> None:
    rows = [
        {"day_wib": day, "polls": polls, "answered": answered, "posts": posts, "articles": 1}
        for day, polls, answered, posts in (
            ("2026-10-05", 4, 4, 8),
            ("2026-10-04", 4, 1, 1),
            ("2026-10-03", 4, 0, 0),
            ("2026-01-01", 4, 4, 999),
        )
    ]
    history = build_history(rows, NOW, ENGLISH)
    assert history is not None
    assert len(history.bars) == DAYS
    assert [(bar.height, bar.answers) for bar in history.bars[-4:]] == [
        (0, "unasked"),
        (0, "none"),
        (9, "some"),
        (72, "all"),
    ]
    assert [day.iso for day in history.days] == ["2026-10-05", "2026-10-04", "2026-10-03"]
    assert "asked 12 times and answered 5 times; 9 new posts" in history.told
    assert build_history(rows[3:], NOW, ENGLISH) is None


def test_figures_of_days_are_split_into_the_last_week_and_the_weeks_before(tmp_path: Path) -> None:
    add_channel(tmp_path / "news.db", 11, due=NOW)
    with open_fresh(tmp_path / "news.db") as store:
        for age in (0, RECENT_DAYS - 1, RECENT_DAYS, RECENT_DAYS + USUAL_DAYS - 1, RECENT_DAYS + USUAL_DAYS):
            day = to_text(NOW - timedelta(days=age))[:10]
            store._connection.execute(
                "INSERT INTO source_days (source_id, day_wib, polls, posts) VALUES ('sumber-11', ?, 1, ?)",
                (day, age + 1),
            )
        (facts,) = store.list_sources(NOW)
    assert (facts.recent.days, facts.recent.posts) == (2, 1 + RECENT_DAYS)
    assert (facts.usual.days, facts.usual.posts) == (2, RECENT_DAYS + 1 + RECENT_DAYS + USUAL_DAYS)


# ── over HTTP ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sources that are well, failing, retired, silent, off; one of them hostile in all its words."""
    folder = tmp_path_factory.mktemp("sources")
    room = Newsroom(folder)
    room.publish_at("teluk-tomini", "rilis", RELEASE, title="Rapat APEKSI di Gorontalo")
    room.fail("teluk-tomini", status=404, reason="HTTP 404")
    room.publish_at("bale-warta", "salinan", RELEASE)
    room.read_feed()
    room.store.close()
    database = folder / "news.db"
    success = {"last_success_at": to_text(NOW)}
    add_channel(database, 11, due=NOW + timedelta(hours=1), **success)
    add_channel(database, 12, due=NOW - timedelta(hours=5), retired_at=to_text(NOW), failures=1, **success)
    add_channel(database, 13, due=NOW + timedelta(hours=1), **success)
    add_channel(database, 14, due=None)
    add_poll(database, 12, NOW, reason="HTTP 410 <script>", http_status=410, code="gone")
    add_alarm(database, "sumber-13", "quiet", NOW - timedelta(days=1), detail="0 posts <b>")
    add_alarm(database, "sumber-11", "dns", NOW - timedelta(days=9), until=to_text(NOW - timedelta(days=8)))
    with Store.open_writer(database) as store, store.transaction():
        store._connection.execute(
            "UPDATE sources SET name = ?, province = 'Gorontalo' WHERE id = 'sumber-13'", (HOSTILE,)
        )
        store._connection.execute("UPDATE sources SET enabled = 0, evidence = 'unprobed' WHERE id = 'sumber-14'")
    return folder


@pytest.fixture
def app(world: Path) -> Any:
    return create_app(database=world / "news.db", public=world / "public", site=SiteInfo(url=""), clock=lambda: NOW)


def read(client: httpx.Client, path: str, status: int = 200) -> html.HtmlElement:
    answer = client.get(path)
    assert answer.status_code == status
    assert "<script>alert" not in answer.text
    page = html.fromstring(answer.text)
    assert len(page.cssselect("h1")) == 1
    return page


def list_names(page: html.HtmlElement) -> list[str]:
    return [link.text_content() for link in page.cssselect("tbody th a")]


def test_sources_in_trouble_come_first(client: httpx.Client) -> None:
    page = read(client, "/sources")
    states = [cell.text for cell in page.cssselect("tbody .state")]
    assert states == ["Bermasalah", "Diam", "Pensiun", "Belum diperiksa", "Baik", "Baik"]
    assert list_names(page)[:2] == ["Teluk-Tomini", "Kabar <script>alert(1)</script> &  Kota"]
    assert [chip.text_content().split()[-1] for chip in page.cssselect(".counts a")] == ["1", "1", "1", "1", "2"]
    assert "Jauh lebih sepi dari biasanya" in page.text_content()


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("state=good", ["Bale-Warta", "Sumber 11"]),
        ("state=retired&lang=en", ["Sumber 12"]),
        ("q=TOMINI", ["Teluk-Tomini"]),
        ("q=sumber12.example", ["Sumber 12"]),
        ("q=sumber&kind=regional&state=waiting", ["Sumber 14"]),
        ("province=Gorontalo", ["Kabar <script>alert(1)</script> &  Kota"]),
        ("kind=ministry", []),
        ("q=%3Cscript%3Ex&page=1", []),
        ("page=1&lain=apa&state=", None),
    ],
)
def test_sources_are_filtered(client: httpx.Client, query: str, names: list[str] | None) -> None:
    page = read(client, f"/sources?{query}")
    assert names is None or list_names(page) == names
    assert names != [] or page.cssselect(".note")


@pytest.mark.parametrize(
    "query",
    [
        *("state=sehat", "kind=%3Cscript%3Ealert", "province=Atlantis", "page=0", "page=-1", "page=x", "page=%00%ff"),
        *("page=2", "page=99999", f"page={'9' * 5_000}", "page=%D9%A1", "state=" + "x" * 5_000),
    ],
)
def test_what_is_not_there_is_told_and_all_sources_are_a_click_away(client: httpx.Client, query: str) -> None:
    page = read(client, f"/sources?{query}", status=404)
    (problem,) = page.cssselect("[role=alert]")
    assert problem.cssselect("a")[0].get("href") == "/sources"
    assert not list_names(page)


def test_page_of_a_source_tells_why_and_shows_what_it_brought(client: httpx.Client) -> None:
    page = read(client, "/source/teluk-tomini")
    text = page.text_content()
    assert "Tidak ada apa-apa (lagi) di alamat ini." in text
    assert [code.text for code in page.cssselect(".alarm code")] == ["kabarkota sources probe teluk-tomini"]
    assert "diperiksa 2 kali dan menjawab 1 kali" in text
    assert "Rapat APEKSI di Gorontalo" in text
    assert page.cssselect("svg[role=img] rect.some")
    assert len(page.cssselect("details tbody tr")) == 1
    assert {"https://teluk-tomini.example/", "https://teluk-tomini.example/rilis"} <= set(page.xpath("//a/@href"))
    assert not page.xpath("//*[@style]")


def test_alarms_that_ended_are_part_of_the_history(client: httpx.Client) -> None:
    page = read(client, "/source/sumber-11?lang=en")
    assert "26 Sep 2026, 15:00 WIB – 27 Sep 2026, 15:00 WIB" in page.text_content()
    assert not page.cssselect(".alarm")
    retired = read(client, "/source/sumber-12").text_content()
    assert "masih diperiksa sebulan sekali" in retired
    assert "HTTP 410 <script>" in retired


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("/source/tomini", ["teluk-tomini"]),
        ("/source/Bale-Wrata", ["bale-warta"]),
        ("/source/sumber", ["sumber-11", "sumber-12", "sumber-13"]),
        ("/source/%3Cscript%3Ealert", []),
        ("/source/%00%ED%A0%80%FF", []),
        ("/source/" + "x" * 5_000, []),
    ],
)
def test_an_unknown_source_is_404_with_those_that_may_be_meant(
    client: httpx.Client, path: str, near: list[str]
) -> None:
    page = read(client, path, status=404)
    assert [link.text for link in page.cssselect("main a")[: len(near)]] == near
    assert "Semua sumber" in page.text_content()


@pytest.mark.parametrize("path", ["/sources", "/source/kabar", "/status"])
def test_without_a_database_the_pages_say_how_to_start(tmp_path: Path, stage: Stage, path: str) -> None:
    stage.app = create_app(database=tmp_path / "news.db", public=tmp_path, site=SiteInfo(url=""))
    with httpx.Client(base_url=stage.address, trust_env=False, timeout=60) as client:
        assert "kabarkota run" in read(client, path).text_content()
        Store.open_writer(tmp_path / "news.db").close()
        assert client.get(path).status_code == (404 if path == "/source/kabar" else 200)
        assert path != "/sources" or "kabarkota run" in client.get(path).text


def test_all_sources_of_the_catalogue_are_shown_page_by_page(tmp_path: Path, stage: Stage) -> None:
    with open_fresh(tmp_path / "news.db") as store:
        store.write_catalogue(load_catalogue().sources)
        sources = store.list_sources(datetime.now(UTC))
        count = len(store.list_source_ids())
    pages = -(-count // PAGE_SIZE)
    assert pages > 5
    shown = [
        line.url
        for number in range(1, pages + 1)
        for line in build_sources_page(sources, AskedSources(page=str(number)), NOW, INDONESIAN).lines
    ]
    assert len(shown) == len(set(shown)) == count
    stage.app = create_app(database=tmp_path / "news.db", public=tmp_path, site=SiteInfo(url=""))
    answer = httpx.get(f"{stage.address}/sources?page={pages}", trust_env=False, timeout=60)
    assert answer.status_code == 200
    assert html.fromstring(answer.text).cssselect(".paging [rel=prev]")
    assert len(gzip.compress(answer.content, 5)) < 30_000


def test_status_tells_of_backups_and_jobs(tmp_path: Path, stage: Stage) -> None:
    with open_fresh(tmp_path / "news.db") as store:
        store.write_job("backup", NOW - timedelta(days=1), {"file": "news.db", "bytes": 1})
        store.write_job("backup", NOW, {"file": "news.db", "bytes": 12_345_678})
        store.write_job("health", NOW, {})
        store.write_job("<b>lain", NOW, {})
        assert [job["name"] for job in store.list_last_jobs()] == ["<b>lain", "backup", "health"]
    stage.app = create_app(database=tmp_path / "news.db", public=tmp_path, site=SiteInfo(url=""))
    text = httpx.get(f"{stage.address}/status", trust_env=False, timeout=60).text
    assert "Senin, 5 Oktober 2026, 15.00 WIB (12 MB)" in text
    assert "Pemeriksaan sumber" in text
    assert 'href="/sources"' in text
    assert "lain" not in html.fromstring(text).cssselect(".facts")[0].text_content()


def test_states_are_named_in_both_languages() -> None:
    for texts in (INDONESIAN, ENGLISH):
        assert texts["states"].keys() == texts["state_notes"].keys() == set(SourceState)
