"""The benchmarks run and print what they promise. No figure is held against the clock."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT))  # the benchmarks are not installed

from benchmarks import archive, pages, publishing
from benchmarks.contests import BenchmarkError, Contest, Figure, Result, Run, hold_contest
from benchmarks.crawls import make_fetch_contest
from benchmarks.origin import Portal
from benchmarks.report import render_json, render_table

FIGURE = Figure(id="naps", what="sleeping", peer="an owl", unit="nap", ours="ours", theirs="peer", target=0.5)
PROMISED = {"ratio", "ours_ms", "peer_ms", "unit", "units", "target", "peer", "ratios", "material"}


def run_benchmarks(*options: str) -> dict[str, dict[str, Any]]:
    """The figures on the last line, over the sample pages."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--sample", "--times", "1", *options],
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
        assert set(figure) >= PROMISED
        assert figure["ratio"] > 0
        assert figure["units"] > 0
        assert figure["material"] == "sample"


@pytest.mark.slow
def test_last_line_is_json_keyed_by_id() -> None:
    figures = run_benchmarks("--only", "channel_parse", "dates", "--pages", "3")
    assert list(figures) == ["channel_parse", "dates"]
    check_figures(figures)


@pytest.mark.slow
def test_every_figure_is_measured() -> None:
    figures = run_benchmarks("--portals", "2", "--entries", "4", "--pages", "3")
    assert list(figures) == [
        *("fetch_to_row_all", "fetch_to_row_on_topic", "startup", "cycle_unchanged"),
        *("channel_parse", "extract", "dates"),
    ]
    check_figures(figures)
    assert figures["fetch_to_row_all"]["units"] == 8


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
    with pytest.raises(BenchmarkError, match="95 pages of 100"):
        runs["ours, all"].read_units(json.dumps(summary))
    with pytest.raises(BenchmarkError, match="95 pages of 100"):
        runs["peer"].read_units(json.dumps({"rows": 95}))
    assert runs["ours, all"].read_units(json.dumps({**summary, "off_topic": 45})) == 100


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
