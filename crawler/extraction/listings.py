"""Tells lists of articles (front, category, tag, author and search pages) from articles. Pure.

Theory: a list holds several teasers of one make beside each other, and most of the page's prose in them. The error to
avoid is an article taken for a list; so a page whose body class says "single" is never one.
"""

from __future__ import annotations

from collections import defaultdict

from crawler.extraction.prose import ProseMap

LEAST_TEASERS = 4
TEASER_SHARE = 0.6  # of the page's prose, in all teasers
LARGEST_TEASER = 0.5  # of the teasers' prose; an article among teasers of others holds more

# What WordPress writes into <body class>.
_LIST_CLASSES = (frozenset(("archive",)), frozenset(("search-results",)), frozenset(("blog", "home")))
_ARTICLE_CLASSES = frozenset(("attachment", "page", "single", "single-post", "singular"))


def is_listing(prose: ProseMap) -> bool:
    """Whether a page lists articles and holds none itself."""
    classes = _read_body_classes(prose)
    if classes & _ARTICLE_CLASSES:
        return False
    return any(classes >= names for names in _LIST_CLASSES) or _is_made_of_teasers(prose)


def _read_body_classes(prose: ProseMap) -> frozenset[str]:
    outline = prose.outline
    for node, element in zip(outline.nodes[:3], outline.elements, strict=False):
        if node.tag == "body":
            return frozenset((element.get("class") or "").split())
    return frozenset()


def _is_made_of_teasers(prose: ProseMap) -> bool:
    teasers: dict[int, list[float]] = defaultdict(list)
    for index, node in enumerate(prose.outline.nodes):
        if node.tag == "article" and prose.prose[index]:
            teasers[node.parent].append(prose.prose[index])
    return any(
        len(sizes) >= LEAST_TEASERS
        and sum(sizes) >= TEASER_SHARE * prose.total
        and max(sizes) <= LARGEST_TEASER * sum(sizes)
        for sizes in teasers.values()
    )
