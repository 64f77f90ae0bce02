"""A publisher that changes its mind: a page that was kept and asks since then to be in no index leaves."""

from __future__ import annotations

from dataclasses import replace

import pytest
from newsdesk import NOW, RELEASE, Newsroom

from aggregator.models import ArticleLink, DatePrecision, ExtractedArticle, FetchedPage
from aggregator.store import Store

URL = "https://radar.example/a"
ARTICLE = ExtractedArticle(
    title="APEKSI di Gorontalo, hubungi 0812-3456-7890",
    text="\n".join(RELEASE),
    published=NOW,
    published_precision=DatePrecision.MINUTE,
)


def read(article: ExtractedArticle) -> FetchedPage:
    return FetchedPage(url=URL, link=ArticleLink(url=URL), article=article, fetched_at=NOW)


@pytest.mark.parametrize("has_copy", [False, True])
def test_it_leaves_the_feed_and_the_search_and_its_copies_stay(newsroom: Newsroom, has_copy: bool) -> None:
    newsroom.bring("radar", read(ARTICLE))
    if has_copy:
        newsroom.publish_at("warta", "b", RELEASE)
    (item,) = newsroom.read_feed()
    newsroom.bring("radar", read(replace(ARTICLE, noindex=True)))
    left = newsroom.read_feed()
    assert [each.guid for each in left] == ([item.guid] if has_copy else [])
    assert URL not in [each.url for each in left]
    assert newsroom.ask("SELECT state FROM links WHERE url = 'https://radar.example/a'") == [("refused",)]
    newsroom.bring("radar", read(replace(ARTICLE, noindex=True)))  # nothing is left to do
    with Store.open_reader(newsroom.folder / "news.db") as reader:
        assert reader.check_search() == reader.check_references() == []


@pytest.mark.parametrize(
    "instead",
    [
        ExtractedArticle(refusal="a challenge page", title="Just a moment...", noindex=True),
        replace(ARTICLE, title="Situs dalam perbaikan", noindex=True),
    ],
)
def test_another_page_in_its_place_does_not_speak_for_it(newsroom: Newsroom, instead: ExtractedArticle) -> None:
    newsroom.bring("radar", read(ARTICLE))
    newsroom.bring("radar", read(instead))
    assert [item.url for item in newsroom.read_feed()] == [URL]
