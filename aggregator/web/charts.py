"""Charts of counts over time, worked out before any SVG is written; `chart.html` shows them. Pure.

Words in an SVG that is scaled to a phone cannot be read. So a chart has two layers: columns and lines are stretched to
whatever width there is, while words and marks stand over them at percentages of it, in the page's own sizes.

One series is drawn as columns, two to four as lines, told apart by their strokes as well as their colours. Where
no source could tell there is neither a column nor a line, but a hatched field; a day without news is a plain gap.
Where an answer has nothing on a step the field is dotted: that says nothing of the sources.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from math import ceil, floor, log10

from aggregator.cleaning import cut_text, xml_safe
from aggregator.periods import Step
from aggregator.web.texts import Texts

SERIES_MOST = 4
NAME_LIMIT = 80
TOP, PLOT, HEIGHT = 26, 190, 244  # px: where the plot begins, its height, and that of all with the words below
WIDE, TALL = 10, 1000  # units of the stretched layer: a step, and the plot's height
GRID_MOST = 4
TICKS_MOST = 4  # that a phone has room for
GAPLESS_FROM = 90  # columns: more of them touch each other


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """What is counted of one subject; a value for each step, None where nobody could tell."""

    name: str
    values: tuple[float | None, ...]
    spikes: frozenset[int] = frozenset()  # steps that are marked


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """Over a step; x in percent of the width, y in px."""

    x: float
    y: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """Words on an axis: `x` in percent for a day, `y` in px for a number."""

    text: str
    x: float = 0
    y: float = 0
    anchor: str = "start"


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownSeries:
    """`path` and `spike_path` are in units of the stretched layer; `style` is s1 to s4."""

    name: str
    style: str
    path: str
    spike_path: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A step in the table; `spikes` names the series in which it is one."""

    iso: str
    label: str
    cells: tuple[str, ...]
    spikes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """Every text is safe to encode, none is escaped yet. `gaps` and `blanks`: (x, width) in percent."""

    id: str
    title: str
    description: str
    unit: str
    is_lines: bool
    view_box: str
    series: tuple[ShownSeries, ...]
    gaps: tuple[tuple[float, float], ...]
    blanks: tuple[tuple[float, float], ...]
    grid: tuple[Label, ...]
    ticks: tuple[Label, ...]
    rows: tuple[Row, ...]
    step_name: str  # what the rows are: day, week, month
    blank_name: str  # what is said of blanks
    has_spikes: bool
    source: str  # address of its figures as JSON, for the script; "" for none
    top: int = TOP
    plot: int = PLOT
    height: int = HEIGHT


def draw_chart(
    series: Sequence[Series],
    starts: Sequence[date],
    texts: Texts,
    *,
    step: Step,
    title: str,
    unit: str,
    id: str = "chart",  # noqa: A002 - it is what becomes the id of the element
    source: str = "",
    blanks: frozenset[int] = frozenset(),
) -> Chart:
    """The chart of one to four series with a value for each of `starts` (the first days of successive steps).

    `unit`: what is counted, e.g. "news"; `id`: unlike that of any other chart on the page; `blanks`: steps that lack
    values for other reasons than that no source could tell.
    """
    assert 1 <= len(series) <= SERIES_MOST
    count = len(starts)
    assert all(len(each.values) == count for each in series)
    known = [value for each in series for value in each.values if value is not None]
    ceiling, lines = choose_scale(max(known, default=0), is_whole=all(float(value).is_integer() for value in known))
    return Chart(
        id=id,
        title=xml_safe(title),
        description=_describe(series, starts, texts, step),
        unit=unit,
        is_lines=len(series) > 1,
        view_box=f"0 0 {max(count, 1) * WIDE} {TALL}",
        series=tuple(_show(each, number, ceiling, is_line=len(series) > 1) for number, each in enumerate(series, 1)),
        gaps=tuple(_find_gaps(series, [index not in blanks for index in range(count)])),
        blanks=tuple(_find_gaps(series, [index in blanks for index in range(count)])),
        grid=tuple(Label(text=tell_number(line, texts), y=_to_px(line, ceiling)) for line in lines),
        ticks=tuple(_choose_ticks(starts, texts, step)),
        rows=tuple(_list_rows(series, starts, texts, step)),
        step_name=texts["chart_steps"][step],
        blank_name=texts["chart_blanks"][step],
        has_spikes=any(each.spikes for each in series),
        source=source,
    )


def choose_scale(highest: float, *, is_whole: bool = True) -> tuple[float, list[float]]:
    """The value at the upper edge, and those at which lines are drawn: 0, and at most four above it."""
    if highest <= 0:
        return 1, [0, 1]
    rough = highest / GRID_MOST
    power = 10.0 ** floor(log10(rough))
    width = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    width = max(width, 1) if is_whole else width
    lines = [round(width * number, 10) for number in range(ceil(highest / width - 1e-9) + 1)]
    return lines[-1], lines


def tell_number(value: float, texts: Texts) -> str:
    """As people write it: 1.234 or 0,25 in Indonesian; no more digits than say anything."""
    digits = 0 if float(value).is_integer() or value >= 100 else 1 if value >= 1 else 2
    text = f"{value:,.{digits}f}"
    return text.translate({ord(","): texts["thousands_mark"], ord("."): texts["decimal_mark"]})


def name_start(start: date, texts: Texts, step: Step = Step.DAY, *, with_year: bool = True) -> str:
    """E.g. "5 Okt 2026", "Okt 2026" for a month."""
    month = texts["short_months"][start.month - 1]
    name = month if step is Step.MONTH else texts["short_day"].format(day=start.day, short_month=month)
    return f"{name} {start.year}" if with_year else str(name)


# ── what is drawn ──────────────────────────────────────────────────────────────────────────────────────────────────


def _show(series: Series, number: int, ceiling: float, *, is_line: bool) -> ShownSeries:
    heights = [None if value is None else round(TALL * value / ceiling) for value in series.values]
    marked = [(index, series.values[index]) for index in sorted(series.spikes)]
    return ShownSeries(
        name=cut_text(xml_safe(series.name), NAME_LIMIT),
        style=f"s{number}",
        path=_draw_line(heights) if is_line else _draw_columns(heights, range(len(heights))),
        spike_path="" if is_line else _draw_columns(heights, sorted(series.spikes)),
        marks=tuple(
            Mark(x=_to_percent(index + 0.5, len(heights)), y=_to_px(value, ceiling) - 5)
            for index, value in marked
            if value is not None
        ),
    )


def _draw_columns(heights: Sequence[int | None], indexes: Sequence[int]) -> str:
    margin = 1 if len(heights) < GAPLESS_FROM else 0
    shown = ((index, height) for index in indexes if (height := heights[index]))
    return "".join(
        f"M{index * WIDE + margin} {TALL}v-{height}h{WIDE - 2 * margin}v{height}z" for index, height in shown
    )


def _draw_line(heights: Sequence[int | None]) -> str:
    """A piece for each stretch without gaps; one of a single step is a dot (its ends are round)."""
    pieces = []
    stretches = groupby(enumerate(heights), key=lambda each: each[1] is None)
    for is_gap, stretch in stretches:
        if not is_gap:
            points = [f"{index * WIDE + WIDE // 2} {TALL - (height or 0)}" for index, height in stretch]
            pieces.append(f"M{points[0]}" + (f"L{' '.join(points[1:])}" if points[1:] else "h0"))
    return "".join(pieces)


def _find_gaps(series: Sequence[Series], wanted: Sequence[bool]) -> Iterator[tuple[float, float]]:
    """Where no series has a value, of the steps that are wanted."""
    count = len(wanted)
    unknown = [wanted[index] and all(each.values[index] is None for each in series) for index in range(count)]
    for is_gap, stretch in groupby(range(count), key=unknown.__getitem__):
        if is_gap:
            indexes = list(stretch)
            yield _to_percent(indexes[0], count), _to_percent(len(indexes), count)


def _choose_ticks(starts: Sequence[date], texts: Texts, step: Step) -> Iterator[Label]:
    """The first and the last step, and some between them; the year where it is another than that before."""
    count = min(TICKS_MOST, len(starts))
    indexes = [round(place * (len(starts) - 1) / (count - 1)) for place in range(count)] if count > 1 else [0][:count]
    year = None
    for index in indexes:
        at = _to_percent(index + 0.5, len(starts))
        anchor = "middle" if count == 1 or 10 < at < 90 else "start" if at <= 10 else "end"
        x = at if anchor == "middle" else 0 if anchor == "start" else 100
        label = name_start(starts[index], texts, step, with_year=starts[index].year != year)
        yield Label(text=label, x=x, anchor=anchor)
        year = starts[index].year


def _to_percent(place: float, count: int) -> float:
    return round(100 * place / count, 3)


def _to_px(value: float, ceiling: float) -> float:
    return round(TOP + PLOT * (1 - value / ceiling), 1)


# ── what is told ───────────────────────────────────────────────────────────────────────────────────────────────────


def _describe(series: Sequence[Series], starts: Sequence[date], texts: Texts, step: Step) -> str:
    """The span, and of each series its highest value and when that was."""
    if not starts:
        return str(texts["chart_nothing"])
    first, last = name_start(starts[0], texts, step), name_start(starts[-1], texts, step)
    told = [texts["chart_span"].format(first=first, last=last)]
    for each in series[:SERIES_MOST]:
        known = [(value, -index) for index, value in enumerate(each.values) if value is not None]
        highest, index = max(known, default=(0, 0))
        key = "chart_highest" if highest else "chart_all_zero" if known else "chart_unknown"
        told.append(
            texts[key].format(
                name=cut_text(xml_safe(each.name), NAME_LIMIT),
                value=tell_number(highest, texts),
                when=name_start(starts[-index], texts, step),
            )
        )
    return " ".join(told)


def _list_rows(series: Sequence[Series], starts: Sequence[date], texts: Texts, step: Step) -> Iterator[Row]:
    names = [cut_text(xml_safe(each.name), NAME_LIMIT) for each in series]
    for index, start in enumerate(starts):
        values = [each.values[index] for each in series]
        yield Row(
            iso=start.isoformat(),
            label=name_start(start, texts, step),
            cells=tuple(texts["chart_no_data"] if value is None else tell_number(value, texts) for value in values),
            spikes=tuple(name for name, each in zip(names, series, strict=True) if index in each.spikes),
        )
