"""The benchmark of the web server beside nginx measures what it says, or says why it does not."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from lxml import etree

sys.path.insert(0, str(ROOT))  # the benchmarks are not installed

from benchmarks import serving
from benchmarks.contests import BenchmarkError

FIGURES = {"serve-200", "serve-200-gzip", "serve-304"}


def test_the_feed_is_of_the_usual_size_and_the_same_each_time() -> None:
    feed = serving.make_feed()
    assert feed == serving.make_feed()
    assert 40_000 < len(feed) < 52_000
    assert len(etree.fromstring(feed).findall("channel/item")) == 50


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.skipif(serving.find_nginx() is None, reason="nginx is not installed")
def test_a_short_run_gives_all_figures(capsys: pytest.CaptureFixture[str]) -> None:
    assert serving.main(["--times", "1", "--requests", "4000"]) == 0
    *table, last = capsys.readouterr().out.splitlines()
    figures = json.loads(last)
    assert figures.keys() == FIGURES
    assert len(table) == 1 + len(FIGURES)
    for figure in figures.values():
        assert "skipped" in figure or figure["ours_ms"] > 0
        assert figure["target"] == 6


def test_without_nginx_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(serving, "find_nginx", lambda: None)
    assert serving.main([]) == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {each["skipped"] for each in figures.values()} == {"nginx is not installed"}


@pytest.mark.slow
def test_a_server_that_does_other_work_is_not_measured(tmp_path: Path) -> None:
    with serving.serve_ourselves(tmp_path) as ours, pytest.raises(BenchmarkError, match="503"):
        serving.SCENARIOS[0].make_headers(ours)
