"""The benchmark of duplicates makes what it says, and its figures are those of the pipeline."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT))  # the benchmarks are not installed

from benchmarks.duplicates import WORDS, make_articles, measure


@pytest.mark.slow
def test_articles_are_the_same_each_time_and_a_quarter_are_copies() -> None:
    made = list(make_articles(400))
    assert made == list(make_articles(400))
    copies = [article for article in made if article.original != article.number]
    assert 60 <= len(copies) <= 140
    assert all(len(article.text.split()) >= WORDS[0] // 2 for article in made)


@pytest.mark.slow
def test_copies_are_found_and_originals_stay_apart(tmp_path: Path) -> None:
    figures = measure(600, tmp_path)
    assert figures["recall"] >= 0.97
    assert figures["wrongly_joined"] == 0
    assert figures["costs"][-1]["articles"] == 600
    assert 500 < figures["posting_bytes"] < 4_000  # a small file has half-empty pages
