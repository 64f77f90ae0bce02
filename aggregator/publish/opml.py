"""Lists of feeds as OPML 2.0, for readers to subscribe to in one go. Pure: the same lists give the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from lxml import etree

from aggregator.models import Language
from aggregator.publish.characters import fit_name, fit_url
from aggregator.publish.times import format_rfc822
from aggregator.publish.wording import get_wording
from aggregator.publish.xml_document import add_element, render_xml


@dataclass(frozen=True, kw_only=True, slots=True)
class Outline:
    """A feed that can be subscribed to."""

    title: str
    xml_url: str
    html_url: str = ""
    group: str = ""  # title of the group that it stands in: Kota, Provinsi Gorontalo, Kementerian …
    description: str = ""
    language: str = "id"


@dataclass(frozen=True, kw_only=True, slots=True)
class OutlineInfo:
    """What a list says of itself."""

    title: str
    owner: str  # name of the installation
    modified: datetime | None = None  # aware
    language: Language = Language.INDONESIAN
    style_url: str = ""


def render_feeds_opml(feeds: Sequence[Outline], info: OutlineInfo) -> bytes:
    """Our own feeds: groups in the order in which each first appears, feeds within them in the order given."""
    order = {group: place for place, group in enumerate(dict.fromkeys(feed.group for feed in feeds))}
    return _render(sorted(feeds, key=lambda feed: order[feed.group]), info)


def render_sources_opml(sources: Sequence[Outline], info: OutlineInfo) -> bytes:
    """The feeds of our sources: groups and sources by name, each address once, only addresses of the web."""
    known: dict[str, Outline] = {}
    for source in sorted(sources, key=lambda each: (each.group.casefold(), each.title.casefold(), each.xml_url)):
        if fit_url(source.xml_url):
            known.setdefault(fit_url(source.xml_url), source)
    return _render(list(known.values()), info)


def _render(outlines: Sequence[Outline], info: OutlineInfo) -> bytes:
    root = etree.Element("opml", version="2.0")
    head = add_element(root, "head")
    add_element(head, "title", _fit_html(info.title) or _fit_html(info.owner))
    if info.modified:
        add_element(head, "dateModified", format_rfc822(info.modified.astimezone(UTC)))
    add_element(head, "ownerName", _fit_html(info.owner))
    body = add_element(root, "body")
    for group, members in groupby(outlines, key=lambda outline: outline.group):
        name = _fit_html(group)
        parent = add_element(body, "outline", text=name) if name else body
        for member in members:
            _add_outline(parent, member)
    if not outlines:
        add_element(body, "outline", text=get_wording(info.language)["no_feeds"])
    return render_xml(root, info.style_url)


def _add_outline(parent: etree._Element, outline: Outline) -> None:
    xml_url = fit_url(outline.xml_url) or outline.xml_url  # ours begin with "/" while the site has no address
    html_url = fit_url(outline.html_url) or (outline.html_url if outline.html_url.startswith("/") else "")
    title = _fit_html(outline.title) or xml_url
    more = {"htmlUrl": html_url, "description": _fit_html(outline.description), "language": outline.language}
    attributes = {name: value for name, value in more.items() if value}
    add_element(parent, "outline", text=title, title=title, type="rss", xmlUrl=xml_url, **attributes)


def _fit_html(text: str) -> str:
    """A line that reads the same as plain text and as HTML: OPML leaves open which of them it holds."""
    line = fit_name(text).replace("<", "‹").replace(">", "›")
    return line.replace("&", " & ").replace("  ", " ").strip() if "&" in line else line
