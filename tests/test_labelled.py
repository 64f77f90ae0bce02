"""The project's own gate for topics, places and spam: labelled articles, titles and pages, against their floors."""

from __future__ import annotations

import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT))  # the benchmarks are not installed

from aggregator.reference import get_city, load_cities, load_provinces
from benchmarks.classification import (
    FLOORS,
    TOPICS,
    Count,
    classify,
    find_below,
    find_key_words,
    list_texts,
    load_articles,
    load_spam,
    load_titles,
    measure,
    score_topics,
)


@pytest.fixture(scope="module")
def counts() -> dict[str, Count]:
    return measure()


@pytest.mark.parametrize("name", FLOORS)
def test_figure_reaches_its_floor(counts: dict[str, Count], name: str) -> None:
    assert not find_below({**counts, **{other: Count() for other in FLOORS if other != name}}), counts[name].wrong


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("figure", ["precision", "recall"])
def test_topics_of_unseen_articles(counts: dict[str, Count], topic: str, figure: str) -> None:
    count = counts[f"unseen {topic} {figure}"]
    assert count.all >= 20
    assert count.share > 0.95, count.wrong


def test_no_figure_stands_on_a_handful(counts: dict[str, Count]) -> None:
    assert all(counts[name].all >= 45 for name in FLOORS)


def test_key_words_alone_would_not_pass() -> None:
    counts = score_topics(list_texts(load_articles("articles")), find_key_words)
    assert counts["apeksi precision"].share < 0.8
    assert counts["smart-city precision"].share < 0.8
    assert classify("Rakernas APEKSI Dibuka", "", ()) == {"apeksi"}


def test_labels_name_places_that_exist() -> None:
    cities, provinces = {city.name for city in load_cities()}, {province.name for province in load_provinces()}
    for article in (*load_articles("articles"), *load_articles("places"), *load_articles("unseen")):
        assert {article.city, *article.also} - {None} <= cities, article.id
        assert article.province in provinces | {None}, article.id
        assert article.home is None or get_city(article.home), article.id


def test_every_city_is_the_place_of_an_event() -> None:
    named = {article.city for article in (*load_articles("articles"), *load_articles("places"))}
    assert named >= {city.name for city in load_cities()}


def test_material_is_as_large_as_it_is_said_to_be() -> None:
    assert len(load_articles("articles")) >= 260
    assert len(load_articles("places")) >= 190
    assert len(load_articles("unseen")) >= 179
    assert len(load_titles(ROOT / "tests" / "labelled" / "titles.tsv")) >= 290
    cases = [case for name in ("spam", "spam_texts") for case, _ in load_spam(name)]
    assert sum(case["is_spam"] for case in cases) >= 130
    assert sum(not case["is_spam"] for case in cases) >= 150
