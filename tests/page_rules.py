"""What holds for the HTML of every page, whatever it shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from lxml import html

_CONTROLS = "input:not([type=hidden]):not([type=submit]), select, textarea"
_POINTERS = ("for", "aria-labelledby", "aria-describedby", "aria-controls", "list", "headers")


def find_page_faults(body: str) -> list[str]:
    """The rules that a page breaks; none where it is sound."""
    page = html.document_fromstring(body)
    if not body.lower().startswith("<!doctype html>"):
        return ["no doctype"]
    return [
        *_find_faults_of_head(page),
        *_find_faults_of_headings(page),
        *_find_faults_of_landmarks(page),
        *_find_faults_of_names(page),
        *_find_faults_of_ids(page),
        *_find_what_the_policy_forbids(page),
    ]


def _find_faults_of_head(page: html.HtmlElement) -> Iterator[str]:
    if page.get("lang") not in {"id", "en"}:
        yield f"language {page.get('lang')!r}"
    titles = page.xpath("//head/title")
    if [bool(title.text_content().strip()) for title in titles] != [True]:
        yield f"{len(titles)} titles, or an empty one"
    for name in ("description", "viewport"):
        if [bool(value.strip()) for value in page.xpath(f"//meta[@name='{name}']/@content")] != [True]:
            yield f"no <meta name={name}>, several, or an empty one"


def _find_faults_of_headings(page: html.HtmlElement) -> Iterator[str]:
    levels = [(int(each.tag[1]), _read(each)) for each in page.cssselect("h1, h2, h3, h4, h5, h6")]
    if [level for level, _ in levels].count(1) != 1:
        yield f"{[level for level, _ in levels].count(1)} h1"
    if levels and levels[0][0] != 1:
        yield f"the first heading is not the h1 but {levels[0][1]!r}"
    for (above, _), (level, words) in pairwise(levels):
        if level > above + 1:
            yield f"h{above} is followed by h{level} {words!r}"
    yield from (f"an empty h{level}" for level, words in levels if not words)


def _find_faults_of_landmarks(page: html.HtmlElement) -> Iterator[str]:
    for selector in ("main", "body > header", "body > footer", "body > header nav"):
        if len(page.cssselect(selector)) != 1:
            yield f"{len(page.cssselect(selector))} × {selector}"
    if page.cssselect("main") and page.cssselect("main")[0].get("id") != "berita":
        yield "main is not where the skip link leads"
    if page.cssselect("a")[0].get("href") != "#berita":
        yield "the first link does not skip to the content"
    labels = [each.get("aria-label") or each.get("aria-labelledby") for each in page.cssselect("nav")]
    if None in labels or len(set(labels)) != len(labels):
        yield f"navigations cannot be told apart: {labels}"


def _find_faults_of_names(page: html.HtmlElement) -> Iterator[str]:
    for link in page.cssselect("a[href], button, summary"):
        if not (_read(link) or link.get("aria-label") or any(image.get("alt") for image in link.cssselect("img"))):
            yield f"without a name: {_show(link)}"
    yield from (f"without alt: {_show(image)}" for image in page.cssselect("img:not([alt])"))
    labelled = {each.get("for") for each in page.cssselect("label[for]")}
    for control in page.cssselect(_CONTROLS):
        has_label = control.get("id") in labelled or control.get("aria-label") or control.get("aria-labelledby")
        if not (has_label or next(control.iterancestors("label"), None) is not None):
            yield f"without a label: {_show(control)}"
    for table in page.cssselect("table"):
        if not table.cssselect("th"):
            yield f"a table without headings: {_show(table)}"
    for picture in page.xpath("//svg[not(ancestor::svg)][not(ancestor::*[@aria-hidden='true'])]"):
        is_link_map = picture.cssselect("a[href]")  # its links have the names
        if not (
            is_link_map
            or picture.get("aria-hidden") == "true"
            or picture.get("aria-label")
            or picture.get("aria-labelledby")
        ):
            yield f"a picture without a name: {_show(picture)}"


def _find_faults_of_ids(page: html.HtmlElement) -> Iterator[str]:
    ids = Counter(page.xpath("//@id"))
    yield from (f"the id {each!r} {count} times" for each, count in ids.items() if count > 1)
    for pointer in _POINTERS:
        for value in page.xpath(f"//@{pointer}"):
            yield from (f"{pointer} points at {each!r}" for each in value.split() if each not in ids)
    for fragment in page.xpath("//a[starts-with(@href, '#')]/@href"):
        if fragment[1:] not in ids:
            yield f"a link to {fragment}"


def _find_what_the_policy_forbids(page: html.HtmlElement) -> Iterator[str]:
    """What browsers refuse under our content security policy, some of it without a word."""
    yield from (f"a style of its own: {_show(each)}" for each in page.cssselect("[style], style"))
    yield from (f"a script in the page: {_show(each)}" for each in page.cssselect("script:not([src])"))
    yield from (f"the handler {name}" for name in page.xpath("//@*[starts-with(name(), 'on')]"))
    yield from (f"the address {url[:40]}" for url in page.xpath("//@href | //@src") if url.startswith("javascript:"))


def _read(element: html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


def _show(element: html.HtmlElement) -> str:
    return html.tostring(element, encoding="unicode", with_tail=False)[:120]
