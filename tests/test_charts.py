"""Charts, and the outline of Indonesia."""

from __future__ import annotations

import re
from datetime import date, timedelta
from importlib.resources import files

import pytest
from lxml import html

from aggregator.models import Language
from aggregator.periods import Counted, Period, Step, choose_step, sum_by_step
from aggregator.reference import get_city, load_cities
from aggregator.web.charts import HEIGHT, Chart, Series, choose_scale, draw_chart, tell_number
from aggregator.web.outline import COUNTRY, SmallMap, draw_outline, draw_small_map, project
from aggregator.web.site import SiteInfo
from aggregator.web.templating import PageRenderer
from aggregator.web.texts import get_texts

ID, EN = get_texts(Language.INDONESIAN), get_texts(Language.ENGLISH)
MONDAY = date(2026, 10, 5)
EVIL = '"><script>alert(1)</script>\x00'


def list_days(count: int, first: date = MONDAY) -> list[date]:
    return [first + timedelta(days=number) for number in range(count)]


def draw(*series: Series, step: Step = Step.DAY, title: str = "Liputan") -> Chart:
    return draw_chart(series, list_days(len(series[0].values)), ID, step=step, title=title, unit="berita")


def render(macro: str, *values: object) -> html.HtmlElement:
    templates = PageRenderer(SiteInfo(url=""))._templates
    source = f"{{% from '{macro}.html' import {values[0]} with context %}}{{{{ {values[0]}(*values) }}}}"
    return html.fromstring(templates.from_string(source).render(texts=ID, values=values[1:]))


# ── steps ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("since", "until", "step", "starts"),
    [
        ("2026-10-07", "2026-10-09", Step.DAY, ["2026-10-07", "2026-10-08", "2026-10-09"]),
        ("2026-10-07", "2026-10-19", Step.WEEK, ["2026-10-05", "2026-10-12", "2026-10-19"]),
        ("2026-11-30", "2027-01-01", Step.MONTH, ["2026-11-01", "2026-12-01", "2027-01-01"]),
        ("2026-10-07", "2026-10-07", Step.MONTH, ["2026-10-01"]),
    ],
)
def test_steps_of_a_period(since: str, until: str, step: Step, starts: list[str]) -> None:
    first = date.fromisoformat(since)
    days = [first + timedelta(days=each) for each in range((date.fromisoformat(until) - first).days + 1)]
    assert [each.start.isoformat() for each in sum_by_step([(day, 0, None) for day in days], step)] == starts


@pytest.mark.parametrize(
    ("days", "wanted", "step"),
    [
        (30, None, Step.DAY),
        (365, None, Step.WEEK),
        (365, Step.DAY, Step.DAY),
        (3_000, None, Step.MONTH),
        (3_000, Step.DAY, Step.MONTH),
        (2_000, Step.DAY, Step.WEEK),
        (30, Step.MONTH, Step.MONTH),
    ],
)
def test_no_step_is_too_short_for_its_period(days: int, wanted: Step | None, step: Step) -> None:
    assert choose_step(Period(since=MONDAY, until=MONDAY + timedelta(days=days - 1)), wanted) is step


def test_many_lines_have_fewer_days() -> None:
    period = Period(since=MONDAY, until=MONDAY + timedelta(days=199))
    assert [choose_step(period, Step.DAY, lines=lines) for lines in (3, 4)] == [Step.DAY, Step.WEEK]


def test_what_is_known_is_added_up() -> None:
    counts, working = [1, 0, 4, 0, 0, 2, 0, 0], [None, None, 10, 5, 5, 10, 10, None]
    first, second = sum_by_step(list(zip(list_days(8), counts, working, strict=True)), Step.WEEK)
    assert first == Counted(start=MONDAY, count=7, working=40, is_known=True)
    assert (first.value, first.rate) == (7, 17.5)
    assert (second.start, second.value, second.rate) == (MONDAY + timedelta(days=7), None, None)


# ── charts ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("highest", "lines"),
    [
        (0, [0, 1]),
        (1, [0, 1]),
        (4, [0, 1, 2, 3, 4]),
        (5, [0, 2, 4, 6]),
        (7, [0, 2, 4, 6, 8]),
        (99, [0, 50, 100]),
        (1234, [0, 500, 1000, 1500]),
    ],
)
def test_scale_has_round_numbers(highest: float, lines: list[float]) -> None:
    assert choose_scale(highest) == (lines[-1], lines)


def test_scale_of_rates_goes_below_one() -> None:
    assert choose_scale(0.7, is_whole=False) == (0.8, [0, 0.2, 0.4, 0.6, 0.8])


def test_numbers_are_written_as_people_do() -> None:
    assert [tell_number(each, ID) for each in (0, 12, 1234567, 0.253, 1.25, 123.4)] == [
        "0", "12", "1.234.567", "0,25", "1,2", "123",
    ]  # fmt: skip
    assert tell_number(1234.5, EN) == "1,234"


def test_a_day_without_news_is_no_day_without_data() -> None:
    chart = draw(Series(name="Semua", values=(2, 0, None, None, 4), spikes=frozenset({4})))
    assert chart.gaps == ((40.0, 40.0),)
    (series,) = chart.series
    assert re.findall(r"M(\d+) 1000v-(\d+)", series.path) == [("1", "500"), ("41", "1000")]
    assert series.spike_path == "M41 1000v-1000h8v1000z"
    assert [mark.x for mark in series.marks] == [90.0]
    assert [row.cells for row in chart.rows] == [("2",), ("0",), ("tidak ada data",), ("tidak ada data",), ("4",)]
    assert [row.spikes for row in chart.rows] == [(), (), (), (), ("Semua",)]
    assert chart.description == "Dari 5 Okt 2026 sampai 9 Okt 2026. Semua: paling tinggi 4, 9 Okt 2026."


def test_lines_break_where_nothing_is_known() -> None:
    one = Series(name="Satu", values=(1, 2, None, 2))
    two = Series(name="Dua", values=(None, None, None, None))
    chart = draw(one, two)
    assert chart.is_lines
    assert chart.series[0].path == "M5 500L15 0M35 0h0"
    assert chart.series[1].path == ""
    assert chart.gaps == ((50.0, 25.0),)
    assert chart.description.endswith("Dua: tidak ada data.")


@pytest.mark.parametrize("count", [0, 1, 2, 400])
def test_any_number_of_days_is_drawn(count: int) -> None:
    chart = draw(Series(name="Semua", values=(0,) * count))
    labels = [tick.text for tick in chart.ticks]
    assert len(labels) == min(count, 4)
    assert "2026" in "".join(labels) if count else chart.description == "Belum ada data."
    (svg,) = render("chart", "chart", chart).cssselect(".drawing > svg")
    assert int(svg.get("height")) == HEIGHT


def test_chart_is_named_described_and_repeated_in_a_table() -> None:
    chart = draw(*(Series(name=name, values=(1, 5, 2), spikes=frozenset({1})) for name in ("Satu", "Dua")))
    page = render("chart", "chart", chart)
    (svg,) = page.cssselect("[role=img]")
    told = " ".join(page.get_element_by_id(each).text for each in svg.get("aria-labelledby").split())
    assert told.startswith("Liputan Dari 5 Okt 2026 sampai 7 Okt 2026. Satu: paling tinggi 5, 6 Okt 2026.")
    rows = [[cell.text_content() for cell in row] for row in page.cssselect("tr")]
    assert rows == [
        ["Hari", "Satu", "Dua", "Lonjakan"],
        ["5 Okt 2026", "1", "1", ""],
        ["6 Okt 2026", "5", "5", "Satu, Dua"],
        ["7 Okt 2026", "2", "2", ""],
    ]
    assert len(page.cssselect(".drawing .mark")) == 2
    assert not page.xpath("//@style")


def test_hostile_names_stay_words() -> None:
    page = render("chart", "chart", draw(Series(name=EVIL, values=(1,)), Series(name=EVIL, values=(2,)), title=EVIL))
    assert not page.cssselect("script")
    assert page.cssselect("th")[1].text == EVIL.rstrip("\x00")


# ── the outline ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_cities_lie_in_the_frame_and_the_path_is_small() -> None:
    x, y, width, height = map(int, COUNTRY.view_box.split())
    for city in load_cities():
        at_x, at_y = project(city.longitude, city.latitude)
        assert x < at_x < x + width, city.name
        assert y < at_y < y + height, city.name
    assert len(draw_outline()) < 20_000
    assert files("aggregator.reference").joinpath("indonesia.geojson").stat().st_size < 40 * 1024
    assert re.fullmatch(r"(M\d+ \d+l[\d -]+z)+", draw_outline())


def build_map(*slugs: str) -> SmallMap:
    small = draw_small_map(city for slug in slugs if (city := get_city(slug)))
    assert small is not None
    return small


def test_small_map_names_its_cities() -> None:
    small = build_map("kota-ambon", "kota-gorontalo", "kota-manado")
    assert small.names == "Manado, Gorontalo, Ambon"
    assert all(spot.is_named for spot in small.spots)
    page = render("map", "small_map", small, "Kota")
    assert page.get("aria-label") == "Kota: Manado, Gorontalo, Ambon"
    assert [text.text for text in page.cssselect("text")] == ["Manado", "Gorontalo", "Ambon"]


def test_names_on_a_small_map_cover_no_other() -> None:
    small = draw_small_map(load_cities())
    assert small is not None
    named = [spot for spot in small.spots if spot.is_named]
    assert 1 <= len(named) < len(small.spots) == 98
    assert draw_small_map([]) is None
    assert build_map("kota-sabang", "kota-jayapura").view_box == COUNTRY.view_box
