"""A kliping as a DOCX file. PURE.

The numbers are those of a numbered list, so that an office can strike out what it does not want; links are real ones.
What things look like is said by styles. Paragraphs are made as XML: the library looks a style up anew for each, which
took a second for 200 pieces of news.
"""

from __future__ import annotations

from datetime import UTC
from io import BytesIO
from typing import Any

from docx import Document
from docx.document import Document as DocumentFile
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.styles.style import ParagraphStyle

from aggregator.cleaning import xml_safe
from aggregator.kliping.model import Clipping, Kliping, KlipingStory
from aggregator.kliping.wording import Wording, entitle, get_public_url, get_words

_LANGUAGES = {"id": "id-ID", "en": "en-GB"}
_INK, _SOFT, _LINK = (RGBColor.from_string(code) for code in ("1D1B18", "5E5A52", "972A1C"))
_PROPERTY_LIMIT = 255  # characters, of the format
_URL_LIMIT = 2_000

# Our names of the styles, which are also their identifiers.
_OFFICE, _SMALL, _TITLE, _SOURCE, _EXTRACT = (
    "KlipingOffice",
    "KlipingSmall",
    "KlipingTitle",
    "KlipingSource",
    "KlipingText",
)
_HEADINGS = {1: "Heading1", 2: "Heading2"}


def render_docx(kliping: Kliping) -> bytes:
    """The bytes of the file."""
    words = get_words(kliping.language)
    document = Document()
    _set_page(document)
    _set_styles(document, _LANGUAGES[kliping.language.value])
    _set_properties(document, kliping)
    writer = _Writer(document)
    _write_head(writer, kliping, words)
    for story in kliping.stories:
        _write_story(writer, story, words)
    _write_foot(writer, kliping, words)
    _write_page_numbers(document, words)
    file = BytesIO()
    document.save(file)
    return file.getvalue()


class _Writer:
    """Adds paragraphs at the end of the document."""

    def __init__(self, document: DocumentFile) -> None:
        self._part = document.part
        self._end = document.element.body.sectPr

    def write(self, style: str, *inside: Any, keep: bool = False) -> None:
        """`inside`: texts, or what `link` made; `keep`: on one page with the next paragraph."""
        marks = [_make("w:pStyle", {"w:val": style}), *([_make("w:keepNext", {})] if keep else [])]
        runs = [_make_run(each) if isinstance(each, str) else each for each in inside]
        self._end.addprevious(_make("w:p", {}, _make("w:pPr", {}, *marks), *runs))

    def link(self, text: str, url: str) -> Any:
        """A link that programs follow."""
        target = self._part.relate_to(_fit(url), RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
        return _make("w:hyperlink", {"r:id": target}, _make_run(text, style="Hyperlink"))


# ── the whole ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _set_page(document: DocumentFile) -> None:
    """A4."""
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = Mm(25)
    section.top_margin = section.bottom_margin = Mm(20)


def _set_styles(document: DocumentFile, language: str) -> None:
    styles = document.styles
    for mark in styles.element.iter(qn("w:lang")):
        mark.set(qn("w:val"), language)
    normal = styles["Normal"]
    assert isinstance(normal, ParagraphStyle)
    normal.font.name, normal.font.size = "Calibri", Pt(11)
    _set_style(normal, space=3)
    for name, size in (("Heading 1", 18), ("Heading 2", 12)):
        heading = styles[name]
        assert isinstance(heading, ParagraphStyle)
        heading.font.size, heading.font.color.rgb = Pt(size), _INK
    for name, base, points, space in (
        (_OFFICE, "Normal", 12.0, 0),
        (_SMALL, "Normal", 9.5, 2),
        (_TITLE, "List Number", 11.5, 1),
        (_SOURCE, "List Continue", 9.5, 1),
        (_EXTRACT, "List Continue", 11.0, 2),
    ):
        style = styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        assert isinstance(style, ParagraphStyle)
        style.base_style, style.font.size = styles[base], Pt(points)
        style.font.bold = name in {_OFFICE, _TITLE} or None
        if name in {_SMALL, _SOURCE}:
            style.font.color.rgb = _SOFT
        _set_style(style, space=space)
        if name == _TITLE:
            style.paragraph_format.space_before = Pt(8)
    hyperlink = styles.add_style("Hyperlink", WD_STYLE_TYPE.CHARACTER)
    hyperlink.font.color.rgb, hyperlink.font.underline = _LINK, True


def _set_style(style: ParagraphStyle, *, space: float) -> None:
    style.paragraph_format.space_after = Pt(space)
    style.paragraph_format.keep_together = True


def _set_properties(document: DocumentFile, kliping: Kliping) -> None:
    cities = dict.fromkeys(_fit(city) for story in kliping.stories for city in story.cities)
    properties = document.core_properties
    properties.title = _fit(entitle(kliping))[:_PROPERTY_LIMIT]
    properties.subject = _fit(kliping.subject)[:_PROPERTY_LIMIT]
    properties.author = properties.last_modified_by = _fit(kliping.office or kliping.publisher)[:_PROPERTY_LIMIT]
    properties.comments = ""
    properties.keywords = ", ".join(cities)[:_PROPERTY_LIMIT]
    properties.language = _LANGUAGES[kliping.language.value]
    properties.created = properties.modified = kliping.until.astimezone(UTC).replace(tzinfo=None, microsecond=0)


def _write_head(writer: _Writer, kliping: Kliping, words: Wording) -> None:
    if kliping.office:
        writer.write(_OFFICE, kliping.office, keep=True)
    writer.write(_HEADINGS[1], kliping.title)
    writer.write(_SMALL, words.tell_period(kliping))
    writer.write(_SMALL, words.tell_counts(kliping) if kliping.news else words["nothing"])


def _write_foot(writer: _Writer, kliping: Kliping, words: Wording) -> None:
    if kliping.left_out:
        writer.write("Normal", words.tell_rest(kliping.left_out))
    for name, url in ((words["in_browser"], kliping.page_url), (words["as_feed"], kliping.feed_url)):
        if public := get_public_url(url, _URL_LIMIT):
            writer.write(_SMALL, writer.link(name, public))
    writer.write(_SMALL, words["made_by"].format(publisher=kliping.publisher))
    writer.write(_SMALL, words["rights"])


def _write_page_numbers(document: DocumentFile, words: Wording) -> None:
    """At the foot of each page, as fields that programs fill in."""
    paragraph = document.sections[0].footer.paragraphs[0]
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    fields = {"{page}": "PAGE", "{pages}": "NUMPAGES"}
    for part in words["page_of"].replace("{", "\0{").replace("}", "}\0").split("\0"):
        field = fields.get(part)
        run = _make_run(part if field is None else "1")
        paragraph._p.append(run if field is None else _make("w:fldSimple", {"w:instr": field}, run))  # noqa: SLF001


# ── the news ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _write_story(writer: _Writer, story: KlipingStory, words: Wording) -> None:
    event = words.tell_event(story) if len(story.clippings) > 1 else ""
    if about := " · ".join(filter(None, (event, words.tell_places(story)))):
        writer.write(_HEADINGS[2], about)
    for clipping in story.clippings:
        _write_clipping(writer, clipping, words)


def _write_clipping(writer: _Writer, clipping: Clipping, words: Wording) -> None:
    lines: list[tuple[str, Any]] = [(_SOURCE, words.tell_source(clipping))]
    lines += [(_EXTRACT, clipping.extract)] if clipping.extract else []
    lines += [(_SOURCE, copies)] if (copies := words.tell_copies(clipping)) else []
    lines += [(_SOURCE, writer.link(clipping.spelled_url, clipping.url))] if clipping.url else []
    writer.write(_TITLE, clipping.title, keep=True)
    for style, line in lines[:-1]:
        writer.write(style, line, keep=True)
    writer.write(*lines[-1])


def _make_run(text: str, style: str = "") -> Any:
    inside = _make("w:t", {"xml:space": "preserve"})
    inside.text = xml_safe(text)
    marks = [_make("w:rPr", {}, _make("w:rStyle", {"w:val": style}))] if style else []
    return _make("w:r", {}, *marks, inside)


def _make(tag: str, attributes: dict[str, str], *children: Any) -> Any:
    element = OxmlElement(tag)
    for name, value in attributes.items():
        element.set(qn(name), value)
    element.extend(children)
    return element


def _fit(text: str) -> str:
    """On one line, without what XML forbids: a document that holds such a character does not open."""
    return " ".join(xml_safe(text).split())
