"""Coverage over time: its chart, figures, query, spikes, and what stands out in it."""

from __future__ import annotations

import csv
import io
import random
import sqlite3
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from feed_room import SITE_URL, FeedRoom, PlainRoom
from lxml import html
from newsdesk import RELEASE
from page_room import Stage
from test_web import WEB

from aggregator.models import Language
from aggregator.periods import Counted, Period, Step
from aggregator.spikes import Spike
from aggregator.trend_rows import Subject, write_trend_query
from aggregator.web.app import create_app
from aggregator.web.selection import Count
from aggregator.web.site import SiteInfo
from aggregator.web.texts import get_texts
from aggregator.web.trend_files import render_csv
from aggregator.web.trend_query import TrendQuery
from aggregator.web.trends_page import Prominence, build_picture, find_all_spikes

TODAY = date(2026, 10, 5)
EVIL = "=1+1<script>alert(1)</script>"


def write_text(number: int) -> list[str]:
    """News of its own: only its lead is like others'."""
    chance = random.Random(number)
    syllables = [a + b for a in "bcdghjklmnprst" for b in "aeiou"]
    words = [" ".join("".join(chance.choices(syllables, k=3)) for _ in range(20)) for _ in range(5)]
    return ["Wali Kota Gorontalo Adhan Dambea meninjau banjir bersama APEKSI.", *(f"{each}." for each in words)]


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeedRoom]:
    """A quiet month, then a day with news of six kinds; two days on which nobody was asked."""
    room = PlainRoom(tmp_path_factory.mktemp("trends"))
    for number in range(6):
        room.publish_at(f"portal-{number}", f"kabar-{number}", write_text(number))
    room.publish_at("salin", "kabar-0", write_text(0))
    answered = "INSERT OR REPLACE INTO source_days (source_id, day_wib, polls, answered) VALUES ('portal-0', ?, 2, 1)"
    days = [TODAY - timedelta(days=back) for back in range(1, 40) if back not in (10, 11)]
    with room.store.transaction():
        room.store._connection.executemany(answered, [(day.isoformat(),) for day in days])
    room.press()
    yield room
    room.store.close()


@pytest.fixture
def app(room: FeedRoom) -> Any:
    return create_app(
        database=room.folder / "news.db", public=room.public, site=SiteInfo(url=SITE_URL), clock=lambda: room.now
    )


def read_page(client: httpx.Client, query: str = "", *, status: int = 200) -> html.HtmlElement:
    answer = client.get(f"/trends?{query}")
    assert answer.status_code == status, answer.text
    return html.fromstring(answer.text)


def tell(element: html.HtmlElement) -> str:
    return " ".join(" ".join(map(str, element.itertext())).split())


def read_csv(client: httpx.Client, query: str) -> list[list[str]]:
    answer = client.get(f"/trends.csv?{query}")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.reader(io.StringIO(answer.text)))


def ask(room: FeedRoom, sql: str) -> list[tuple[Any, ...]]:
    """As an analyst does."""
    with sqlite3.connect(f"{(room.folder / 'news.db').as_uri()}?mode=ro", uri=True) as connection:
        return connection.execute(sql).fetchall()


# ── the page ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_chart_csv_and_sql_say_the_same(room: FeedRoom, client: httpx.Client) -> None:
    query = "city=kota-gorontalo&province=bali&days=30"
    page = read_page(client, query)
    rows = [[cell.text_content() for cell in row] for row in page.cssselect(".chart tbody tr")]
    assert len(rows) == 30
    assert rows[-1] == ["5 Okt 2026", "6", "0", "Kota Gorontalo"]
    assert [row[1] for row in rows].count("tidak ada data") == 2
    (link,) = page.xpath("//main//a[@type='text/csv']/@href")
    table = read_csv(client, link.partition("?")[2])
    assert table[0] == ["start", "Kota Gorontalo", "Provinsi Bali", "source_days"]
    assert table[-1] == ["2026-10-05", "6", "0", "7"]
    assert [row[1:3] for row in table].count(["", ""]) == 2
    (sql,) = page.cssselect("pre")
    found = {(start, region): news for start, region, _, news, *_ in ask(room, sql.text_content())}
    assert found == {
        (row[0], region): int(row[column] or 0)
        for row in table[1:]
        for column, region in ((1, "city/kota-gorontalo"), (2, "province/bali"))
    }


@pytest.mark.parametrize("step", [*Step])
def test_steps_add_up_to_what_days_do(room: FeedRoom, step: Step) -> None:
    period = Period(since=date(2026, 8, 12), until=TODAY)
    subject = Subject(topic="apeksi", region="komwil/6")
    steps = room.store.count_by_step([subject], period, step, articles=True)[subject]
    days = room.store.get_coverage("apeksi", "komwil/6", since=period.since, until=period.until)
    assert sum(each.count for each in steps) == sum(day.articles for day in days) == 7
    assert sum(each.working for each in steps) == sum(day.working or 0 for day in days) > 0
    assert steps == sorted(steps, key=lambda each: each.start)


def test_rates_are_for_each_hundred_sources(client: httpx.Client) -> None:
    table = read_csv(client, "per=sources&days=30")
    assert [row[1] for row in table[-2:]] == ["0.0", "85.7143"]  # 6 pieces of news, 7 sources
    assert [row[1] for row in table].count("") == 2
    page = read_page(client, "per=sources&days=30&count=articles&step=week")
    assert tell(page.cssselect(".unit")[0]) == "artikel per pekan, termasuk salinan, untuk tiap 100 sumber"
    assert "Untuk tiap seratus sumber" in tell(page)


def test_a_spike_is_marked_and_explained(client: httpx.Client) -> None:
    page = read_page(client, "komwil=6")
    assert len(page.cssselect(".drawing .mark")) == 1
    told = tell(page)
    assert "5 Okt 2026: Komwil VI 6 berita; biasanya 0 sehari." in told
    assert page.xpath("//section[2]//li/small/text()")[0] == "2 artikel"
    assert page.xpath("//section[2]//li/a/@href")
    assert "Tidak ada hari yang jauh di atas biasanya." in tell(read_page(client, "province=bali"))
    assert "pilih langkah “hari”" in tell(read_page(client, "komwil=6&step=month"))
    data = client.get("/trends.json?komwil=6").json()
    assert (len(data["starts"]), data["series"][0]["spikes"]) == (30, [29])


def test_what_stands_out_is_told_with_its_base(client: httpx.Client) -> None:
    page = read_page(client, "city=kota-gorontalo")
    sources, words, people = page.cssselect(".tops > div")
    assert (
        tell(people)
        == "Tokoh Yang disebut dengan jabatannya, sebagaimana tertulis di berita. Adhan Dambea wali kota, 6 berita"
    )
    assert people.xpath(".//a/@href") == ["/search?q=%22Adhan+Dambea%22"]
    assert "banjir" in tell(words)
    assert "gorontalo" not in tell(words)
    assert "Portal-0 1 berita, 1 di antaranya pertama" in tell(sources)
    assert "Salin 1 berita, 0 di antaranya pertama" in tell(sources)
    assert "alinea awal 6 berita terbaru" in tell(page)
    assert "alinea awal 0 berita terbaru" in tell(read_page(client, "city=kota-ambon"))


def test_up_to_four_lines_are_compared(client: httpx.Client) -> None:
    page = read_page(client, "city=kota-ambon&city=KOTA-GORONTALO&topic=apeksi&topic=smart-city&lang=en")
    assert [each.text_content().strip() for each in page.cssselect("figcaption span")][1:5] == [
        "Kota Ambon · APEKSI",
        "Kota Ambon · Smart city",
        "Kota Gorontalo · APEKSI",
        "Kota Gorontalo · Smart city",
    ]
    ticked = page.xpath("//input[@type='checkbox' and @checked]/@value")
    assert ticked == ["smart-city", "kota-gorontalo"]
    assert page.xpath("//a[@hreflang='id']/@href")[0].startswith("/trends?city=kota-ambon&city=KOTA-GORONTALO&topic=")
    assert page.xpath("//a[text()='See the cities on the map']/@href") == ["/map?topic=apeksi&topic=smart-city&lang=en"]
    assert "highest" in page.cssselect("desc")[0].text


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("city=kota-x", 404, "Kota: “kota-x” tidak ada dalam daftar."),
        ("komwil=7", 404, "“7” tidak ada dalam daftar"),
        ("topic=%3Cscript%3E", 404, "“<script>” tidak ada"),
        (
            "city=kota-ambon&city=kota-bogor&province=bali&komwil=1&komwil=2",
            400,
            "paling banyak 4 garis; pilihan ini 5",
        ),
        ("step=year", 400, "bukan pilihan"),
        ("per=person", 400, "bukan pilihan"),
        ("since=2026-10-05&until=2026-10-01", 400, "sesudah hari akhir"),
        ("since=0001-01-01&until=0002-01-01", 400, "di luar waktu"),
        ("since=0001-01-01&until=9999-12-31", 200, "5 Okt 2026"),
        ("since=1926-10-05&step=day", 200, "5 Okt 2026"),
        ("x=1&per=&step=&since=&q=%00", 200, "Semua liputan"),
    ],
)
def test_bad_selections_are_refused_in_words(client: httpx.Client, query: str, status: int, words: str) -> None:
    page = read_page(client, query, status=status)
    assert words in tell(page)
    assert len(page.cssselect("script")) == 2  # ours
    for ending in ("csv", "json"):
        answer = client.get(f"/trends.{ending}?{query}")
        assert answer.status_code == status
        assert status == 200 or words in answer.text


@pytest.mark.parametrize("is_empty", [True, False])
def test_without_news_the_page_says_how_to_start(stage: Stage, tmp_path: Path, is_empty: bool) -> None:
    room = PlainRoom(tmp_path) if is_empty else None
    stage.app = create_app(database=tmp_path / "news.db", public=tmp_path, site=SiteInfo(url=""))
    with httpx.Client(base_url=stage.address, trust_env=False, timeout=60) as client:
        assert "kabarkota run" in tell(read_page(client))
        assert client.get("/trends.csv").status_code == (200 if is_empty else 503)
    if room:
        room.store.close()


# ── behind it ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_long_times_are_cut_and_drawn_by_months(room: FeedRoom, client: httpx.Client) -> None:
    with room.store.transaction():
        room.store._connection.execute("INSERT INTO coverage_days VALUES ('1996-01-01', '', '', 1, 1, 0, 1)")
    try:
        table = read_csv(client, "since=1926-01-01&step=day")
        assert (table[1][0], len(table)) == ("2016-09-01", 123)
    finally:
        with room.store.transaction():
            room.store._connection.execute("DELETE FROM coverage_days WHERE day_wib = '1996-01-01'")


def test_news_found_long_after_it_was_published_is_in_the_lists(tmp_path: Path) -> None:
    room = PlainRoom(tmp_path)
    room.minutes = 60 * 24 * 40  # articles of that day; found so much later below
    room.publish_at("satu", "lama", RELEASE)
    with room.store.transaction():
        room.store._connection.execute("UPDATE articles SET published_at = '2026-10-05T06:00:00Z'")
    room.press()
    assert room.ask("SELECT DISTINCT archived FROM feed_items") == [(1,)]
    period = Period(since=TODAY, until=TODAY)
    for subject in (Subject(), Subject(topic="apeksi"), Subject(region="komwil/6", topic="apeksi")):
        assert len(room.store.list_recent_news([subject, Subject()], period, most=9)) == 1
    assert room.store.list_recent_news([Subject(region="city/kota-x")], period, most=9) == []
    later = Period(since=TODAY + timedelta(days=1), until=TODAY + timedelta(days=60))
    assert room.store.list_recent_news([Subject()], later, most=9) == []
    room.store.close()


def count_days(*counts: int) -> list[Counted]:
    return [
        Counted(start=TODAY + timedelta(days=number), count=count, working=3, is_known=True)
        for number, count in enumerate(counts)
    ]


def make_query(*names: str, step: Step = Step.DAY) -> TrendQuery:
    return TrendQuery(
        subjects=tuple((Subject(region=f"city/{number}"), name) for number, name in enumerate(names)),
        period=Period(since=TODAY + timedelta(days=28), until=TODAY + timedelta(days=29)),
        step=step,
        count=Count.NEWS,
        is_rate=False,
    )


def test_the_days_before_the_period_tell_the_usual() -> None:
    query = make_query("Satu", "Dua")
    counted = {
        query.subjects[0][0]: count_days(*[2] * 28, 12, 2),
        query.subjects[1][0]: count_days(*[0] * 20, 30, *[0] * 7, 1, 9),
    }
    spikes = find_all_spikes(query, counted, before=28)
    assert [(each.name, each.spike) for each in spikes] == [("Dua", Spike(1, 9, 0.0)), ("Satu", Spike(0, 12, 2.0))]
    assert find_all_spikes(make_query("Satu", step=Step.WEEK), counted, before=0) == []


def test_hostile_names_are_no_markup_and_no_formula() -> None:
    query = make_query(EVIL)
    counted = {query.subjects[0][0]: count_days(1, 2)}
    assert render_csv(query, counted).splitlines()[0] == f"start,'{EVIL},source_days"
    picture = build_picture(
        query, counted, [], Prominence(read=0), get_texts(Language.INDONESIAN), spikes=[], asked=[("city", EVIL)]
    )
    assert picture.chart.series[0].name == EVIL
    assert "<" not in picture.csv_url
    assert "'a''b'" in write_trend_query([Subject(topic="a'b")], query.period, Step.DAY)


def test_script_asks_for_nothing_but_our_own_files() -> None:
    script = (WEB / "static" / "trends.js").read_text(encoding="utf-8")
    assert "http" not in script
    assert (WEB / "static" / "uplot" / "LICENSE").read_text(encoding="utf-8").startswith("The MIT License")
