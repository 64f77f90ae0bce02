"""The benchmarks run and print what they promise. No figure is held against the clock."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT))  # the benchmarks are not installed

from benchmarks import archive, ingesting, pages, publishing, warm_cycles
from benchmarks.agreement import compare_feeds, list_entries
from benchmarks.contests import BenchmarkError, Contest, Figure, Limit, Result, Run, hold_contest
from benchmarks.crawls import make_fetch_contest
from benchmarks.material import load_material, read_index, write_material
from benchmarks.origin import Item, Portal, serve_plan, tell
from benchmarks.report import render_json, render_table
from benchmarks.rows import FURTHER_IDS, IDS
from benchmarks.topical import choose_plain, choose_topical
from crawler.channels import parse_channel

FIGURE = Figure(id="naps", what="sleeping", peer="an owl", unit="nap", ours="ours", theirs="peer", target=0.5)
PROMISED = {"ratio", "ours_ms", "peer_ms", "floor_ms", "unit", "units", "target", "met", "peer", "ratios", "material"}


def run_benchmarks(*options: str) -> dict[str, dict[str, Any]]:
    """The figures on the last line, over the sample pages."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--sample", "--size", "smallest", *options],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *table, last = done.stdout.splitlines()
    figures: dict[str, dict[str, Any]] = json.loads(last)
    assert [line.split()[0] for line in table[1:]] == list(figures)
    return figures


def check_figures(figures: dict[str, dict[str, Any]]) -> None:
    for figure in figures.values():
        assert figure["material"] == "sample"
        if figure.get("skipped"):  # a peer that is not installed
            continue
        assert set(figure) >= PROMISED
        assert figure["ratio"] > 0
        assert figure["units"] > 0


@pytest.mark.slow
@pytest.mark.alone
def test_last_line_is_json_keyed_by_id() -> None:
    figures = run_benchmarks("--only", "B4", "dates")
    assert list(figures) == ["B4", "dates"]
    check_figures(figures)
    assert figures["B4"]["feeds"] > 3
    assert figures["B4"]["unequal"] == 0


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(900)
def test_every_figure_is_measured() -> None:
    figures = run_benchmarks("--only", *IDS, *FURTHER_IDS)
    assert list(figures)[:12] == [f"B{number}" for number in range(1, 13)]
    assert list(figures)[12:] == list(FURTHER_IDS)
    check_figures(figures)
    assert figures["fetch_to_row_all"]["units"] == 8
    assert figures["B10"]["skipped"]


def test_by_default_there_is_a_row_for_each_id_of_the_design() -> None:
    assert tuple(f"B{number}" for number in range(1, 13)) == IDS


def make_run(seconds: float, units: str = "4") -> Run:
    """A run that says how long it took."""
    script = f"import json; print(json.dumps({{'cpu_seconds': {seconds}, 'units': {units}}}))"
    return Run(
        command=(sys.executable, "-S", "-c", script),
        read_units=lambda printed: int(json.loads(printed)["units"]),
        is_self_timed=True,
    )


def test_figure_is_the_ratio_of_cost_per_unit(tmp_path: Path) -> None:
    contest = Contest(runs={"ours": make_run(2, units="4"), "peer": make_run(8, units="2")}, figures=(FIGURE,))
    (result,) = hold_contest(contest, turns=2, folder=tmp_path)
    assert (result.ours_ms, result.peer_ms, result.ratios) == (500, 4000, (0.125, 0.125))
    assert result.ratio == 0.125


def test_ratio_is_the_median_of_the_turns() -> None:
    assert Result(figure=FIGURE, ratios=(0.2, 9.0, 0.3)).ratio == 0.3


def test_run_of_several_kinds_of_work_gives_a_figure_for_each(tmp_path: Path) -> None:
    def make(idle: float, busy: float) -> Run:
        costs = {"idle": {"cpu_seconds": idle, "units": 2}, "busy": {"cpu_seconds": busy, "units": 1}}
        script = f"import json; print(json.dumps({{'costs': {costs}}}))"
        return Run(command=(sys.executable, "-S", "-c", script), read_units=lambda printed: 1, is_self_timed=True)

    figure = replace(FIGURE, ours="ours.busy", theirs="ours.idle", floor="peer.idle")
    contest = Contest(runs={"ours": make(1, 3), "peer": make(0.5, 1)}, figures=(figure,))
    (result,) = hold_contest(contest, turns=1, folder=tmp_path)
    assert (result.ratio, result.ours_ms, result.floor_ms) == (6, 3000, 250)


def test_side_that_cost_nothing_was_not_measured(tmp_path: Path) -> None:
    contest = Contest(runs={"ours": make_run(0), "peer": make_run(1)}, figures=(FIGURE,))
    with pytest.raises(BenchmarkError, match="too little work"):
        hold_contest(contest, turns=1, folder=tmp_path)


def test_values_beside_the_ratio_are_held_against_their_limits() -> None:
    figure = replace(FIGURE, limits={"dreams": Limit(3, "a nap")})
    good = Result(figure=figure, ratios=(0.4,), values={"dreams": 3})
    assert good.is_met
    assert not replace(good, values={"dreams": 3.1}).is_met
    assert not replace(good, ratios=(0.6,)).is_met
    assert not replace(good, is_wrong=True).is_met
    assert Result(figure=figure, skipped="no owl").is_met is None
    assert good.to_json()["dreams"] == 3
    assert good.to_json()["limits"] == {"dreams": 3}


def test_failing_command_is_told_with_its_words(tmp_path: Path) -> None:
    broken = Run(command=(sys.executable, "-S", "-c", "raise SystemExit('no bed')"), read_units=int)
    with pytest.raises(BenchmarkError, match="no bed"):
        hold_contest(Contest(runs={"ours": broken, "peer": broken}, figures=(FIGURE,)), turns=1, folder=tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux adopts orphans")
def test_meter_counts_processes_that_were_left_behind(tmp_path: Path) -> None:
    burn = "import time\nwhile time.process_time() < .3: pass"
    leave = f"import subprocess, sys; subprocess.Popen([sys.executable, '-S', '-c', {burn!r}])"
    meter = ROOT / "benchmarks" / "meter.py"
    subprocess.run([sys.executable, "-I", meter, tmp_path / "out", sys.executable, "-c", leave], check=True)
    assert json.loads((tmp_path / "out").read_text())["cpu_seconds"] >= 0.3


def test_crawl_that_read_fewer_pages_does_not_count(tmp_path: Path) -> None:
    portal = Portal(slug="portal-1", feed="http://127.0.0.1:1/feed/", entries=100)
    runs = make_fetch_contest(tmp_path, [portal]).runs
    summary = {"articles": 50, "off_topic": 40, "spam": 0, "failed_pages": 5, "requests": 102}
    with pytest.raises(BenchmarkError, match="95 of 100"):
        runs["ours, all"].read_units(json.dumps(summary))
    with pytest.raises(BenchmarkError, match="95 of 100"):
        runs["peer"].read_units(json.dumps({"rows": 95}))
    assert runs["ours, all"].read_units(json.dumps({**summary, "off_topic": 45})) == 100


def test_cycle_that_did_less_does_not_count() -> None:
    step = {"name": "changed", "expect": {"articles": 100, "polls_changed": 2}}
    warm_cycles.check(step, {"articles": 98, "polls": {"changed": 2}})
    with pytest.raises(SystemExit, match="articles is 97, not 100"):
        warm_cycles.check(step, {"articles": 97, "polls": {"changed": 2}})
    with pytest.raises(SystemExit, match="polls_changed is 1, not 2"):
        warm_cycles.check(step, {"articles": 100, "polls": {"changed": 1, "failed": 1}})


# ── what is measured on ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench") / "material"
    write_material(load_material(None), folder)
    return folder


@pytest.mark.slow
def test_portals_publish_what_they_are_told(material: Path) -> None:
    items = [
        Item(path=f"/{number}.html", title=f"Kabar {number}", summary="", published="2026-11-23T12:00:00+00:00")
        for number in range(6)
    ]

    def read(portal: Portal) -> list[str]:
        with urlopen(portal.feed, timeout=10) as answer:
            page = parse_channel(gzip.decompress(answer.read()), portal.feed)
        return [link.title.removeprefix("Kabar ") for link in page.links]

    with serve_plan(material, [items, items], shown=2, window=3) as (first, second):
        assert read(first) == ["1", "0"]
        assert tell(first, "publish?count=2&step=2") == {"portals": 1, "items": 2}
        assert (read(first), read(second)) == (["3", "2", "1"], ["1", "0"])
        assert tell(second, "publish?count=9&step=2") == {"portals": 1, "items": 4}
        assert (read(first), read(second)) == (["3", "2", "1"], ["5", "4", "3"])
        tell(first, "reset")
        assert read(first) == read(second) == ["1", "0"]


def test_pages_are_chosen_by_topic(material: Path) -> None:
    pages = read_index(material)["pages"]
    topical, plain = choose_topical(material, pages, 5), choose_plain(material, pages, 5)
    assert len(topical) == len(plain) == 5
    assert all(b"peksi" in (material / page["file"]).read_bytes() for page in topical)
    assert not any(b"peksi" in (material / page["file"]).read_bytes() for page in plain)


def test_feeds_agree_with_feedparser(material: Path) -> None:
    channels = read_index(material)["channels"]
    assert compare_feeds(material, channels) == {"feeds": len(channels), "unequal": 0}
    assert list_entries(b"<rss><channel><item><title>x</channel></rss>") is None


@pytest.mark.parametrize("side", ingesting.SIDES)
def test_both_sides_write_every_article(material: Path, tmp_path: Path, side: str) -> None:
    pages = choose_topical(material, read_index(material)["pages"], 6)
    ingesting.prepare(material, tmp_path / "ingest", pages)
    seconds, done = ingesting.time_last(ingesting.SIDES[side](tmp_path / "ingest"), len(pages))
    assert seconds > 0
    assert done >= len(pages) - len(pages) // 3
    run = ingesting.make_contest(tmp_path / "ingest", len(pages)).runs[side]
    with pytest.raises(BenchmarkError, match="has done 3 of 4"):
        run.read_units(json.dumps({"done": 3}))


def test_skipped_figure_gives_its_reason() -> None:
    skipped = Result(figure=FIGURE, skipped="no owl")
    assert json.loads(render_json([skipped], "sample"))["naps"]["skipped"] == "no owl"
    assert "no owl" in render_table([skipped])


@pytest.mark.parametrize(
    ("ratio", "word"), [pytest.param(0.4, "met", id="below"), pytest.param(0.6, "missed", id="above")]
)
def test_table_says_whether_a_target_is_met(ratio: float, word: str) -> None:
    assert render_table([Result(figure=FIGURE, ratios=(ratio,))]).endswith(word)


@pytest.mark.slow
def test_feeds_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert publishing.main(["--articles", "400", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["feeds"] > 400
    assert {"unchanged_publish_ms", "changed_publish_ms"} <= figures.keys()
    assert {"render_xml_ms", "render_atom_ms", "render_json_ms", "search_p95_ms"} <= figures.keys()


@pytest.mark.slow
def test_pages_are_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "DAYS", 30)
    monkeypatch.setattr(archive, "POLL_DAYS", 3)
    arguments = ["--articles", "400", "--json", "--keep", str(tmp_path)]
    for _ in range(2):  # makes the database, and uses it again
        assert pages.main(arguments) in {0, 1}  # the time of a busy machine is not judged
        figures = json.loads(capsys.readouterr().out)
        assert figures.pop("articles") == 400
        assert {"front", "story", "largest stories", "feeds, found", "status"} <= figures.keys()
        assert all(found["kb"] <= pages.KILOBYTES_MOST and found["p50_ms"] < 1_000 for found in figures.values())
