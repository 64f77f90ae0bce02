"""XML documents that every reader takes. Pure."""

from __future__ import annotations

from html import escape

from lxml import etree

from aggregator.publish.characters import fit_text


def add_element(parent: etree._Element, tag: str, text: str = "", /, **attributes: str) -> etree._Element:
    """A child of `parent`. Texts come fitted (`aggregator.publish.characters`); one that was forgotten is fitted here,
    so that it cannot break the whole document."""
    try:
        child = etree.SubElement(parent, tag, attributes)
    except ValueError:
        child = etree.SubElement(parent, tag, {name: fit_text(value) for name, value in attributes.items()})
    try:
        child.text = text or None
    except ValueError:
        child.text = fit_text(text)
    return child


def render_xml(root: etree._Element, style_url: str = "") -> bytes:
    """The document as UTF-8, with its style sheets where `style_url` names one.

    "&" and "<" leave as `&#x26;` and `&#x3C;`, as the RSS profile asks for: some readers take plain text for HTML, and
    this they understand either way. (No other markup holds lxml's own two escapes: there is neither CDATA nor comment.)
    """
    for kind, url in _name_styles(style_url):
        root.addprevious(etree.ProcessingInstruction("xml-stylesheet", f'type="{kind}" href="{escape(url)}"'))
    body = etree.tostring(root.getroottree(), encoding="utf-8", xml_declaration=True, pretty_print=True)
    return body.replace(b"&lt;", b"&#x3C;").replace(b"&amp;", b"&#x26;")


def _name_styles(style_url: str) -> list[tuple[str, str]]:
    """The style sheets as (media type, address): XSL, and its twin in CSS for browsers that know no XSLT any more."""
    if not style_url:
        return []
    url = fit_text(style_url)
    if not url.endswith(".xsl"):
        return [("text/css", url)]
    return [("text/xsl", url), ("text/css", f"{url.removesuffix('.xsl')}.css")]
