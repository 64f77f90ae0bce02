"""A page into an article. Pure: bytes and an address in, an ExtractedArticle out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo
from itertools import islice

from aggregator.dedup import hash_paragraph
from aggregator.models import ExtractedArticle
from crawler.challenges import is_challenge
from crawler.characters import drop_unsafe
from crawler.extraction.authors import find_byline
from crawler.extraction.body import Body, find_body
from crawler.extraction.furniture import is_beside_article
from crawler.extraction.headline import Headline
from crawler.extraction.metadata import join_url
from crawler.extraction.outline import Outline
from crawler.extraction.page import Page, read_element, read_page
from crawler.extraction.profiles import Profile
from crawler.extraction.publication import DateReader, find_modification, find_publication
from crawler.extraction.refusals import find_refusal
from crawler.extraction.sentences import MAX_LINK_SHARE
from crawler.extraction.titles import find_title

MAX_BOILERPLATE = 400
BOILERPLATE_WORDS = 3  # shorter lines ("Beranda", "Bagikan") are on every page of every site
MAX_TAGS = 30
MAX_BYLINE_CHARS = 200
MAX_IMAGES = 50


def extract_article(
    html: bytes,
    url: str,
    *,
    zone: tzinfo | None = None,
    now: datetime | None = None,
    profile: Profile | None = None,
    utc_is_local: bool = False,
    profiles: Iterable[Profile] | None = None,
) -> ExtractedArticle:
    """The article of the page `html`, fetched from `url`; fields that the page does not give stay empty.

    `zone` is the source's, for dates that name none (WIB without it); `now` (aware) is when the page was read, and
    without it relative dates ("2 jam lalu") are not read; `utc_is_local` as for `parse_date`. `profile` overrides the
    choice among `profiles` (the built-in ones where not given). Never raises on what a page holds. What is surely no
    article (a list, a login, an error or challenge page, no page at all) comes with its `refusal`; a page
    in which no text was found comes with what was, and an empty text.

        bytes ─▶ one tree ─▶ head: metadata ─────────────────┐
                         └─▶ outline ─▶ body: paragraphs ────┴─▶ title, authors, dates ─▶ ExtractedArticle
    """
    page = read_page(html, url, profile, profiles=profiles)
    if page is None:
        return ExtractedArticle(refusal="no markup")
    return extract_page(page, zone=zone, now=now, utc_is_local=utc_is_local)


def extract_page(
    page: Page, *, zone: tzinfo | None = None, now: datetime | None = None, utc_is_local: bool = False
) -> ExtractedArticle:
    """The article of a page that was parsed already; what goes in and out is as for `extract_article`."""
    meta, reader = page.meta, DateReader(zone=zone, now=now, utc_is_local=utc_is_local)
    title_method, title = find_title(page)
    body = find_body(page, title)
    text = "\n".join(body.paragraphs)
    headline = Headline(page, title)
    publication = find_publication(page, headline, text, reader, body.data.published if body.data else "")
    byline = find_byline(page, headline, body.data.authors if body.data else ())
    refusal = body.refusal or find_refusal(page, (title, meta.document_title), len(text))
    refusal = refusal or ("a challenge page" if is_challenge(page.data) else "")
    return ExtractedArticle(
        title=drop_unsafe(title),
        title_method=title_method,
        authors=tuple(filter(None, map(drop_unsafe, byline.names))),
        author_method=byline.way,
        byline=drop_unsafe(byline.said[:MAX_BYLINE_CHARS]),
        published=publication.at if publication else None,
        published_precision=publication.precision if publication else None,
        published_raw=drop_unsafe(publication.raw) if publication else "",
        published_method=publication.method if publication else "",
        modified=find_modification(page, reader),
        text="" if refusal else drop_unsafe(text),
        summary=drop_unsafe(meta.description),
        image=drop_unsafe(meta.image or _find_image(page)) if meta.robots.has_image else "",
        canonical_url=drop_unsafe(meta.canonical_url),
        amp_url=drop_unsafe(meta.amp_url),
        site_name=drop_unsafe(meta.site_name),
        language=meta.language,
        tags=tuple(map(drop_unsafe, _find_tags(page))),
        method=body.method,
        profile=page.profile.name,
        noindex=meta.robots.forbids_showing(now),
        snippet_limit=meta.robots.snippet_limit,
        boilerplate=_hash_blocks(page.outline, body),
        refusal=refusal or None,
    )


def _find_tags(page: Page) -> tuple[str, ...]:
    """The tags readers see, else those of the head."""
    links = (link for link in page.index.list_relation("tag") if "category" not in link.get("rel", ""))
    tags = (read_element(link).lstrip("#") for link in islice(links, 2 * MAX_TAGS))
    return tuple(dict.fromkeys(filter(None, tags)))[:MAX_TAGS] or page.meta.tags


def _find_image(page: Page) -> str:
    """The first picture in the article; read only where the head names none."""
    for image in islice(page.root.iter("img"), MAX_IMAGES):
        if next(image.iterancestors("article", "figure", "main"), None) is not None and not is_beside_article(image):
            return join_url(page.url, image.get("src", ""))
    return ""


def _hash_blocks(outline: Outline, body: Body) -> tuple[int, ...]:
    """Hashes of the page's paragraphs that are not links, the article's first, each once."""
    return tuple(dict.fromkeys(map(hash_paragraph, _list_lines(outline, body))))


def _list_lines(outline: Outline, body: Body) -> Iterator[str]:
    others = (block.text for block in outline.blocks if block.link_share <= MAX_LINK_SHARE)
    lines = dict.fromkeys((*body.paragraphs, *others))
    long_enough = (line for line in lines if len(line.split(None, BOILERPLATE_WORDS)) >= BOILERPLATE_WORDS)
    return islice(long_enough, MAX_BOILERPLATE)
