"""The pages of one article made into one text. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from aggregator.dedup import hash_paragraph
from aggregator.models import ExtractedArticle
from aggregator.urls import is_same_site, make_url_key
from crawler.extraction.page_links import is_page_of
from crawler.extraction.sentences import fold_words

# Of 100: "… - Halaman 2" behind a headline of five words still passes, the headline of another article does not.
LEAST_TITLE_LIKENESS = 80
MAX_TITLE_CHARS = 400


def is_further_page(
    page: ExtractedArticle, url: str, *, article: ExtractedArticle, addresses: Collection[str], has_heading: bool
) -> bool:
    """Whether `page`, which came from `url`, goes on with `article`, which has the `addresses` of `list_addresses`.

    Portals redirect what they do not have to their front page, to another article or to another host. So the page must
    be of the same site and name the article as its canonical address; or stand at an address of the article, and bear
    its title or no heading at all (`has_heading`: whether it holds an h1).
    """
    if not any(is_same_site(url, address) for address in addresses):
        return False
    if page.canonical_url and make_url_key(page.canonical_url) in map(make_url_key, addresses):
        return True
    return is_page_of(url, addresses) and (not has_heading or is_same_title(page.title, article.title))


def is_same_title(one: str, other: str) -> bool:
    """Whether two titles differ by little more than the number of a page."""
    from rapidfuzz import fuzz

    return (
        fuzz.ratio(
            fold_words(one[:MAX_TITLE_CHARS]), fold_words(other[:MAX_TITLE_CHARS]), score_cutoff=LEAST_TITLE_LIKENESS
        )
        > 0
    )


def join_page(article: ExtractedArticle, page: ExtractedArticle) -> ExtractedArticle:
    """`article` with the paragraphs of `page` that it does not have yet; `article` itself where there are none."""
    seen = {hash_paragraph(line) for line in (article.title, page.title, *article.text.split("\n"))}
    fresh: list[str] = []
    for line in page.text.split("\n"):
        paragraph = hash_paragraph(line)
        if line and paragraph not in seen:
            seen.add(paragraph)
            fresh.append(line)
    if not fresh:
        return article
    return replace(
        article,
        text="\n".join(filter(None, (article.text, *fresh))),
        boilerplate=tuple(dict.fromkeys((*article.boilerplate, *page.boilerplate))),
    )
