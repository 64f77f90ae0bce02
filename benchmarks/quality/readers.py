"""Who reads the pages: our extraction, and well-known tools to compare it with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from importlib.util import find_spec

from benchmarks.quality.labelled import LabelledPage
from benchmarks.quality.measure import Reading
from crawler.extraction import Profile, extract_article

Reader = Callable[[LabelledPage], Reading]
NO_PROFILE = Profile(name="")


def read_page(page: LabelledPage, profile: Profile | None = None) -> Reading:
    """Ours; the profile is chosen by the page's host and theme."""
    article = extract_article(page.html, page.url, zone=page.zone, now=page.now, profile=profile)
    return Reading(
        text=article.text,
        title=article.title,
        authors=article.authors,
        published=article.published,
        image=article.image,
        method=article.method,
    )


def read_page_unprofiled(page: LabelledPage) -> Reading:
    """Ours as on a site that nobody has looked at: how strong it is out of sample."""
    return read_page(page, NO_PROFILE)


def read_with_trafilatura(page: LabelledPage) -> Reading:
    """trafilatura as it comes, with metadata; it gives days, not times."""
    import trafilatura

    found = trafilatura.bare_extraction(page.html, url=page.url or None, include_comments=False, with_metadata=True)
    if found is None or isinstance(found, dict):  # a dict on request only
        return Reading()
    return Reading(
        text=found.text or "",
        title=found.title or "",
        authors=tuple(filter(None, map(str.strip, (found.author or "").split(";")))),
        published=date.fromisoformat(found.date) if found.date else None,
        image=found.image or "",
    )


def read_with_readability(page: LabelledPage) -> Reading:
    """readability-lxml; it gives neither authors nor dates."""
    from lxml import html
    from readability import Document  # type: ignore[import-not-found]

    from crawler.extraction.outline import BLOCK_TAGS

    document = Document(page.html.decode("utf-8", "replace"))
    tree = html.fromstring(document.summary())
    for element in tree.iter("br", *BLOCK_TAGS):  # else the words on both sides of a border would be one
        element.text = "\n" + (element.text or "")
        element.tail = "\n" + (element.tail or "")
    return Reading(text=str(tree.text_content()), title=document.short_title())


OURS: dict[str, Reader] = {"": read_page, "-unprofiled": read_page_unprofiled}  # by what is added to a set's name
PEERS: dict[str, tuple[str, Reader]] = {
    "trafilatura": ("trafilatura", read_with_trafilatura),
    "readability": ("readability", read_with_readability),
}


def find_peer(name: str) -> Reader | None:
    """The reader of that name, if its package is installed. What raises on a page has read nothing of it."""
    package, read = PEERS[name]
    if find_spec(package) is None:
        return None

    def read_surely(page: LabelledPage) -> Reading:
        try:
            return read(page)
        except Exception:  # whatever a third party's code raises on odd pages
            return Reading()

    return read_surely
