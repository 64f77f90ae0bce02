"""What each way found on a page, and which won: for whoever repairs a profile. Pure.

It asks the very functions that `extract_page` asks, so it shows what the pipeline does, at several times its cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from crawler.extraction.authors import list_bylines
from crawler.extraction.body import Body, ask_data, ask_second, find_body, list_preferred, read_body
from crawler.extraction.containers import choose_container, list_containers
from crawler.extraction.furniture import Strength
from crawler.extraction.headline import Headline
from crawler.extraction.outline import Block, Outline
from crawler.extraction.page import Page
from crawler.extraction.prose import ProseMap
from crawler.extraction.publication import DateReader, find_publication, list_dates
from crawler.extraction.sentences import MAX_LINK_SHARE
from crawler.extraction.titles import list_titles

MAX_SHOWN = 120  # characters of a text
MAX_DROPPED = 60  # blocks


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one way found for one field; `won`: that is what the article has."""

    field: str  # profile, title, authors, published, body, dropped
    way: str
    value: str
    won: bool = False


def explain_page(
    page: Page, *, zone: tzinfo | None = None, now: datetime | None = None, utc_is_local: bool = False
) -> tuple[Finding, ...]:
    """Everything found for each field, in the order in which the ways are asked; then what the body left out, and why.

    `zone`, `now` and `utc_is_local` are as for `extract_article`.
    """
    reader = DateReader(zone=zone, now=now, utc_is_local=utc_is_local)
    titles = list(dict.fromkeys(list_titles(page)))
    title = titles[0][1] if titles else ""
    body = find_body(page, title)
    headline = Headline(page, title)
    return (
        Finding(
            field="profile", way=_tell_choice(page), value=page.profile.name or "none", won=bool(page.profile.name)
        ),
        *(Finding(field="title", way=way, value=said, won=not place) for place, (way, said) in enumerate(titles)),
        *_explain_authors(page, headline, body),
        *_explain_dates(page, headline, body, reader),
        *_explain_body(page, title, body),
    )


def _tell_choice(page: Page) -> str:
    return "host" if page.profile.hosts else "signs" if page.profile.signs else "-"


def _explain_authors(page: Page, headline: Headline, body: Body) -> Iterator[Finding]:
    open_ = True
    for byline in list_bylines(page, headline, body.data.authors if body.data else ()):
        said = byline.said[:MAX_SHOWN]
        value = f"{', '.join(byline.names)} (from {said!r})" if byline.names else f"no person in {said!r}"
        yield Finding(field="authors", way=byline.way, value=value, won=open_ and bool(byline.names))
        open_ = open_ and not byline.names


def _explain_dates(page: Page, headline: Headline, body: Body, reader: DateReader) -> Iterator[Finding]:
    text = "\n".join(body.paragraphs)
    in_data = body.data.published if body.data else ""
    best = find_publication(page, headline, text, reader, in_data)
    seen = set()
    for method, raw, found in list_dates(page, headline, text, reader, in_data):
        if (method, raw) not in seen:
            seen.add((method, raw))
            read = f"{found.at.isoformat()} ({found.precision})" if found else "no date"
            is_best = best is not None and (best.method, best.raw) == (method, raw.strip()[: len(best.raw)])
            yield Finding(field="published", way=method, value=f"{read} from {raw[:MAX_SHOWN]!r}", won=is_best)


def _explain_body(page: Page, title: str, body: Body) -> Iterator[Finding]:
    if body.refusal:
        yield Finding(field="body", way=body.method, value=body.refusal, won=True)
        return
    preferred = list_preferred(page)
    for trusting in (False, True):
        prose = ProseMap(page.outline, trusting=trusting)
        for way, container in list_containers(prose, title, preferred):
            found = read_body(prose, "open" if trusting else way, container, title)
            where = f"{_name_node(page.outline, container)}: {prose.prose[container]:.0f} of {prose.total:.0f} prose"
            won = found == body and bool(body.paragraphs)
            yield Finding(field="body", way=found.method or way, value=f"{where}, {_sum_up(found)}", won=won)
            if won:
                yield from _explain_dropped(prose, choose_container(prose, title, preferred)[1], found)
                return
    found = ask_data(page)
    yield Finding(field="body", way="data", value=_sum_up(found), won=found == body)
    found = ask_second(page)
    yield Finding(field="body", way="trafilatura", value=_sum_up(found), won=found == body and bool(found.paragraphs))


def _sum_up(body: Body) -> str:
    start = body.paragraphs[0][:MAX_SHOWN] if body.paragraphs else ""
    return f"{len(body.paragraphs)} paragraphs of {body.size} characters: {start!r}"


def _explain_dropped(prose: ProseMap, container: int, body: Body) -> Iterator[Finding]:
    outline, kept = prose.outline, set(body.paragraphs)
    node = outline.nodes[container]
    dropped = [block for block in outline.blocks[node.first : node.end] if block.text not in kept]
    for block in dropped[:MAX_DROPPED]:
        yield Finding(field="dropped", way=_tell_reason(prose, container, block), value=block.text[:MAX_SHOWN])


def _tell_reason(prose: ProseMap, container: int, block: Block) -> str:
    furniture = _list_furniture(prose, container, block.node)
    if furniture:
        return f"in {_name_node(prose.outline, furniture[-1])}"
    return "a link" if block.link_share > MAX_LINK_SHARE else "a line that is no text"


def _list_furniture(prose: ProseMap, container: int, index: int) -> Sequence[int]:
    """The furniture around a node, inside the container, innermost first."""
    found = []
    while index > container:
        parent = prose.outline.nodes[index].parent
        if prose.outline.nodes[index].strength is not Strength.NONE and prose.layers[index] > prose.layers[parent]:
            found.append(index)
        index = parent
    return found


def _name_node(outline: Outline, index: int) -> str:
    """An element as a CSS selector would name it."""
    element = outline.elements[index]
    names = "".join(f".{name}" for name in (element.get("class") or "").split()[:4])
    identity = f"#{element.get('id')}" if element.get("id") else ""
    return f"{outline.nodes[index].tag}{identity}{names}"[:MAX_SHOWN]
