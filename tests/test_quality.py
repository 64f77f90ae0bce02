"""The gate of quality: it measures what it says, holds floors, lifts them, and lowers none."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT))  # the benchmarks are not installed

from benchmarks.quality.__main__ import main
from benchmarks.quality.floors import FLOORS, FloorError, cut, raise_floors, read_floors
from benchmarks.quality.gate import Row, Verdict, score_pages
from benchmarks.quality.labelled import DEVELOPMENT_SETS, OWN, LabelledPage, load_set
from benchmarks.quality.measure import (
    PageScore,
    Reading,
    combine,
    compare_texts,
    count_runs,
    judge_date,
    score_page,
    sum_up,
)
from benchmarks.quality.readers import find_peer, read_page, read_page_unprofiled
from benchmarks.quality.report import render_worst
from benchmarks.quality.speed import Speed, measure_speed

WIB_MORNING = datetime.fromisoformat("2026-08-05T06:30:00+07:00")


def make_page(**label: Any) -> LabelledPage:
    facts: dict[str, Any] = {"name": "halaman", "html": b"", "url": "https://portal.example/1", "body": "satu dua tiga"}
    return LabelledPage(**{**facts, **label})


def run_own(*options: str) -> int:
    return main(["--sets", OWN, "--turns", "0", *options])


def write_floors(folder: Path, floors: Mapping[str, Mapping[str, object]], comment: str = "") -> Path:
    path = folder / "floors.toml"
    tables = (
        f"[{name}]\n" + "".join(f"{figure} = {floor}{comment}\n" for figure, floor in table.items())
        for name, table in floors.items()
    )
    path.write_text("\n".join(tables), encoding="utf-8")
    return path


# ── the gate ──


def test_extraction_reaches_its_floors_on_our_own_pages(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_own() == 0, capsys.readouterr().out
    assert "BELOW" not in capsys.readouterr().out


def test_every_figure_of_our_own_pages_has_a_floor(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_own("--json") == 0
    sets = json.loads(capsys.readouterr().out)["sets"]
    assert list(sets) == ["own", "own-unprofiled"]
    assert [figure for table in sets.values() for figure, facts in table.items() if facts["floor"] is None] == []


@pytest.mark.slow
def test_extraction_reaches_its_floors_on_development_pages(dev_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--turns", "0", "--dev-data", str(dev_data), "--sets", *DEVELOPMENT_SETS)
    assert main(options) == 0, capsys.readouterr().out


def test_figure_below_its_floor_fails_the_gate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    floors = write_floors(tmp_path, {"own-unprofiled": {"body_f1": 1.0, "body_recall": 0.5}})
    assert run_own("--floors", str(floors)) == 1
    table = capsys.readouterr().out
    assert [line.split()[0] for line in table.splitlines() if line.endswith("BELOW")] == ["body_f1"]


def test_figure_that_is_measured_no_more_fails_the_gate(tmp_path: Path) -> None:
    assert run_own("--floors", str(write_floors(tmp_path, {"own": {"charm": 0.1}}))) == 1


def test_missing_development_data_are_skipped_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KABARKOTA_DEV_DATA", str(tmp_path / "nowhere"))
    assert main(["--turns", "0"]) == 0
    out = capsys.readouterr().out
    assert [line.partition(":")[0] for line in out.splitlines() if line.startswith("skipped")] == [
        f"skipped, {name}" for name in DEVELOPMENT_SETS
    ]
    assert "KABARKOTA_DEV_DATA" in out


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("[own]\ntitle = 1.5\n", "own.title is not a share", id="above-one"),
        pytest.param('[own]\ntitle = "high"\n', "own.title is not a share", id="string"),
        pytest.param("own = 1\n", "own is not a table", id="no-table"),
        pytest.param("[own\n", "floors.toml", id="no-toml"),
        pytest.param("[onw]\ntitle = 1.0\n", "'onw', which is no set", id="misspelt-set"),
    ],
)
def test_unusable_floors_are_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, complaint: str
) -> None:
    path = tmp_path / "floors.toml"
    path.write_text(text, encoding="utf-8")
    assert run_own("--floors", str(path)) == 2
    assert complaint in capsys.readouterr().err


# ── floors rise and do not sink ──


@pytest.mark.slow
def test_floors_are_written_where_there_are_none(tmp_path: Path) -> None:
    path = tmp_path / "floors.toml"
    assert run_own("--floors", str(path), "--raise") == 0
    floors = read_floors(path)
    assert list(floors) == ["own", "own-unprofiled"]
    assert floors["own"]["body_f1"] > 0.9
    assert run_own("--floors", str(path)) == 0


def test_floor_rises_to_what_was_measured_and_others_stay(tmp_path: Path) -> None:
    path = write_floors(tmp_path, {"own": {"title": 0.9, "day": 0.8}, "id-dev": {"title": 0.7}}, comment="  # why")
    assert raise_floors(path, {"own": {"title": 0.95678, "day": 0.8, "image": 0.5}}) == [
        "own.title to 0.956",
        "own.image to 0.500",
    ]
    assert read_floors(path) == {"own": {"title": 0.956, "day": 0.8, "image": 0.5}, "id-dev": {"title": 0.7}}
    assert path.read_text(encoding="utf-8").count("# why") == 3
    assert [*tmp_path.iterdir()] == [path]


def test_command_refuses_to_lower_a_floor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_floors(tmp_path, {"own": {"body_recall": 0.1}, "own-unprofiled": {"body_f1": 0.9999}})
    before = path.read_bytes()
    assert run_own("--floors", str(path), "--raise") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("quality: refused to lower own-unprofiled.body_f1 from 1.000 to 0.9")
    assert path.read_bytes() == before


def test_floor_of_a_figure_that_is_gone_cannot_be_raised_around(tmp_path: Path) -> None:
    path = write_floors(tmp_path, {"own": {"charm": 0.5}})
    with pytest.raises(FloorError, match=r"own\.charm from 0\.500 to nothing"):
        raise_floors(path, {"own": {"title": 1.0}})


@pytest.mark.parametrize(
    ("share", "floor"),
    [
        pytest.param(0.97857, 0.978, id="down"),
        pytest.param(0.9789999, 0.978, id="never-up"),
        pytest.param(0.29, 0.29, id="not-below-itself"),
        pytest.param(1.0, 1.0, id="whole"),
    ],
)
def test_floor_has_three_decimals(share: float, floor: float) -> None:
    assert cut(share) == floor


@pytest.mark.parametrize(
    ("floor", "measured", "verdict"),
    [
        pytest.param(0.9, 0.9, Verdict.OK, id="reached"),
        pytest.param(0.9, 0.8999, Verdict.BELOW, id="missed"),
        pytest.param(0.9, None, Verdict.BELOW, id="gone"),
        pytest.param(None, 0.9, Verdict.NO_FLOOR, id="new"),
    ],
)
def test_verdict(floor: float | None, measured: float | None, verdict: Verdict) -> None:
    assert Row(table="own", figure="title", floor=floor, measured=measured).verdict is verdict


def test_pinned_floors_are_readable_and_name_both_measures_of_each_set() -> None:
    floors = read_floors(FLOORS)
    assert list(floors) == [name + suffix for name in (OWN, *DEVELOPMENT_SETS) for suffix in ("", "-unprofiled")]


# ── the measure ──


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        pytest.param("", {}, id="nothing"),
        pytest.param("… – !", {}, id="no-words"),
        pytest.param("Wali kota, hadir", {("Wali", "kota", "hadir"): 1}, id="shorter-than-a-run"),
        pytest.param("a b c d", {("a", "b", "c", "d"): 1}, id="one-run"),
        pytest.param("a a a a a", {("a", "a", "a", "a"): 2}, id="repetition-counts"),
        pytest.param("a b\nc-d e", {("a", "b", "c", "d"): 1, ("b", "c", "d", "e"): 1}, id="signs-and-lines-do-not"),
    ],
)
def test_runs_of_four_words(text: str, runs: dict[tuple[str, ...], int]) -> None:
    assert dict(count_runs(text)) == runs


@pytest.mark.parametrize(
    ("wanted", "read", "precision", "recall"),
    [
        pytest.param("a b c d e", "a b c d e", 1.0, 1.0, id="same"),
        pytest.param("a b c d e", "a b c d", 1.0, 0.5, id="half"),
        pytest.param("a b c d", "a b c d e", 0.5, 1.0, id="twice-as-much"),
        pytest.param("a b c d", "A b c d", 0.0, 0.0, id="case-is-kept"),
        pytest.param("a b c d", "", None, 0.0, id="nothing-read"),
        pytest.param("", "a b c d", 0.0, None, id="nothing-to-read"),
        pytest.param("a a a a", "a a a a a a", 1 / 3, 1.0, id="said-too-often"),
    ],
)
def test_overlap_of_texts(wanted: str, read: str, precision: float | None, recall: float | None) -> None:
    overlap = compare_texts(wanted, read)
    assert (overlap.precision, overlap.recall) == (precision, recall)


def test_f1_is_that_of_the_averages_and_empty_sides_do_not_count() -> None:
    texts = [("a b c d e", "a b c d"), ("a b c d", ""), ("", "a b c d"), ("", "")]
    scores = [score_page(make_page(body=wanted), Reading(text=read)) for wanted, read in texts]
    figures = sum_up(scores)
    assert figures["body_precision"] == 0.5  # of 1 and 0
    assert figures["body_recall"] == 0.25  # of 1/2 and 0
    assert figures["body_f1"] == round(combine(0.5, 0.25), 6) == 0.333333
    assert [score.f1 for score in scores] == [combine(1, 0.5), 0, 0, 1]


@pytest.mark.parametrize(
    ("label", "reading", "right"),
    [
        pytest.param({"title": "Kota Pintar!"}, {"title": "kota  pintar"}, {"title": True}, id="title-but-for-signs"),
        pytest.param({"title": "Kota Pintar"}, {"title": "Kota"}, {"title": False}, id="part-of-the-title"),
        pytest.param({"authors": ("Ani",)}, {"authors": ("Budi", "ANI")}, {"author": True}, id="author-among-others"),
        pytest.param({"authors": ("Ani",)}, {"authors": ("Ani dan Budi",)}, {"author": False}, id="author-not-alone"),
        pytest.param({"authors": ("Ani", "Budi")}, {"authors": ("Ani",)}, {"author": False}, id="one-author-missing"),
        pytest.param({"authors": ()}, {"authors": ("Admin",)}, {"no_invented_author": False}, id="author-invented"),
        pytest.param({"is_undated": True}, {}, {"no_invented_date": True}, id="no-date"),
        pytest.param({"is_undated": True}, {"published": WIB_MORNING}, {"no_invented_date": False}, id="date-invented"),
        pytest.param({"has_image": True}, {"image": "x.jpg"}, {"image": True}, id="image"),
        pytest.param({"absent": ("Baca juga:",)}, {"text": "… BACA JUGA …"}, {"no_leak": False}, id="leak"),
        pytest.param(
            {"absent": ("Sumber",), "is_absent_as_written": True},
            {"text": "dari sumber itu"},
            {"no_leak": True},
            id="leak-as-written-only",
        ),
        pytest.param({"absent": ()}, {"text": "apa saja"}, {"no_leak": True}, id="no-furniture-known"),
        pytest.param({}, {"title": "x", "authors": ("y",), "published": WIB_MORNING}, {}, id="nothing-labelled"),
    ],
)
def test_facts_are_judged_where_a_label_tells_them(
    label: dict[str, Any], reading: dict[str, Any], right: dict[str, bool]
) -> None:
    assert score_page(make_page(**label), Reading(**reading)).right == right


@pytest.mark.parametrize(
    ("given", "wanted", "right"),
    [
        pytest.param(WIB_MORNING, WIB_MORNING, {"day": True, "minute": True}, id="same"),
        pytest.param(
            datetime.fromisoformat("2026-08-04T23:30:59+00:00"), WIB_MORNING, {"day": True, "minute": True}, id="in-utc"
        ),
        pytest.param(WIB_MORNING.replace(minute=31), WIB_MORNING, {"day": True, "minute": False}, id="other-minute"),
        pytest.param(WIB_MORNING.replace(day=6), WIB_MORNING, {"day": False, "minute": False}, id="other-day"),
        pytest.param(date(2026, 8, 5), WIB_MORNING, {"day": True, "minute": False}, id="only-the-day"),
        pytest.param(WIB_MORNING, date(2026, 8, 5), {"day": True}, id="label-without-clock"),
        pytest.param(None, WIB_MORNING, {"day": False, "minute": False}, id="nothing"),
        pytest.param(None, date(2026, 8, 5), {"day": False}, id="nothing-and-no-clock"),
    ],
)
def test_date_is_judged_by_day_and_minute(
    given: datetime | date | None, wanted: datetime | date, right: dict[str, bool]
) -> None:
    assert judge_date(given, wanted) == right


def test_facts_without_a_label_have_no_figure() -> None:
    scores = [
        score_page(make_page(title="Kota"), Reading(title="Kota")),
        score_page(make_page(title="Kota"), Reading()),
        score_page(make_page(), Reading()),
    ]
    assert sum_up(scores).keys() == {"body_f1", "body_precision", "body_recall", "title"}
    assert sum_up(scores)["title"] == 0.5


# ── pages, readers, lists ──


def load_own() -> tuple[LabelledPage, ...]:
    pages = load_set(OWN, None)
    assert not isinstance(pages, str)
    return pages


def test_every_page_of_ours_is_in_the_set() -> None:
    names = sorted(path.stem for path in (ROOT / "tests" / "extraction_pages").glob("*.html"))
    assert [page.name for page in load_own()] == names


def test_labels_of_our_pages_are_read() -> None:
    pages = {page.name: page for page in load_own()}
    assert pages["idtheme"].published == date(2026, 8, 5)  # a day, in the zone of Ambon
    assert isinstance(pages["jnews"].published, datetime)
    assert pages["empty"].is_undated
    assert pages["empty"].body == ""
    assert pages["idtheme"].authors == ()
    assert pages["idtheme"].absent


def test_reading_without_profiles_uses_none() -> None:
    methods = {score.method for score in score_pages(load_own(), read_page_unprofiled)}
    assert "profile" not in methods
    assert "profile" in {score.method for score in score_pages(load_own(), read_page)}


@pytest.mark.slow
def test_trafilatura_is_read_on_the_same_pages(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_own("--against", "trafilatura", "--json") == 0
    sets = json.loads(capsys.readouterr().out)["sets"]
    assert 0.5 < sets["own"]["body_f1"]["trafilatura"] <= 1
    assert sets["own"]["minute"]["trafilatura"] == 0  # it gives days
    assert "trafilatura" not in sets["own-unprofiled"]["body_f1"]


@pytest.mark.skipif(importlib.util.find_spec("readability") is not None, reason="readability is installed")
def test_peer_that_is_not_installed_is_told_and_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert find_peer("readability") is None
    assert run_own("--against", "readability") == 0
    assert "skipped, readability: not installed" in capsys.readouterr().out


def test_worst_page_stands_first_with_what_is_wrong() -> None:
    good = score_page(make_page(name="baik"), Reading(text="satu dua tiga", method="profile"))
    bad = score_page(
        make_page(name="buruk", title="Kota", absent=("Iklan",)), Reading(text="Iklan satu dua tiga", method="open")
    )
    _, first, second = render_worst([good, bad]).splitlines()
    assert first.split() == ["buruk", "0.000", "0.000", "0.000", "open", "title,", "no_leak,", "'Iklan'"]
    assert second.split() == ["baik", "1.000", "1.000", "1.000", "profile"]


def test_pages_of_a_set_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--pages", OWN]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(load_own())


def test_speed_compares_and_tells_the_tail() -> None:
    speed = measure_speed(load_own()[:6], read_page, read_page_unprofiled, 1)
    assert speed.ratio > 0
    assert speed.p99_ms >= speed.median_ms > 0
    assert Speed(ratio=0.3, median_ms=2.0, p99_ms=9.0).tail == 4.5


# ── the same as the script beside the development data ──


def load_script(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_figures_are_those_of_the_development_script(dev_data: Path) -> None:
    script = dev_data.parent / "bench" / "score_extraction.py"
    if not script.is_file():
        pytest.skip(f"no script at {script}")
    pages = load_set("id-dev", dev_data)
    assert not isinstance(pages, str)
    theirs_of = load_script(script)
    rows = {}
    scores: list[PageScore] = []
    for page, (name, _, _, gold) in zip(pages, theirs_of.load_set(dev_data / "extraction" / "id-dev"), strict=True):
        reading = read_page(page)
        assert page.name == name
        scores.append(score_page(page, reading))
        rows[name] = theirs_of.score_page(reading, gold)
    ours = sum_up(scores)
    precision, recall, f1 = theirs_of.body_scores([row["counts"] for row in rows.values()])
    assert [ours["body_precision"], ours["body_recall"], ours["body_f1"]] == pytest.approx([precision, recall, f1])
    for mine, their in (
        ("title", "title"),
        ("author", "author"),
        ("day", "day"),
        ("minute", "time"),
        ("image", "image"),
    ):
        assert ours[mine] == pytest.approx(theirs_of.mean(float(row[their]) for row in rows.values() if their in row))
    assert [list(score.leaks) for score in scores] == [row["leaks"] for row in rows.values()]
