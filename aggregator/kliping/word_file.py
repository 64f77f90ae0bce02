"""A kliping as a DOCX file. PURE.

The numbers are those of a numbered list, so that an office can strike out what it does not want; links are real ones.
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
from docx.text.paragraph import Paragraph

from aggregator.cleaning import xml_safe
from aggregator.kliping.model import Clipping, Kliping, KlipingStory
from aggregator.kliping.wording import Wording, entitle, get_public_url, get_words

_LANGUAGES = {"id": "id-ID", "en": "en-GB"}
_SOFT = RGBColor(0x5E, 0x5A, 0x52)
_LINK = "972A1C"
_LIST, _UNDER_LIST = "List Number", "List Continue"


def render_docx(kliping: Kliping) -> bytes:
    """The bytes of the file."""
    words = get_words(kliping.language)
    document = Document()
    _set_up(document, kliping)
    _add_head(document, kliping, words)
    for story in kliping.stories:
        _add_story(document, story, words)
    _add_foot(document, kliping, words)
    _add_page_numbers(document, words)
    file = BytesIO()
    document.save(file)
    return file.getvalue()


# ── the whole ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _set_up(document: DocumentFile, kliping: Kliping) -> None:
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = Mm(25)
    section.top_margin = section.bottom_margin = Mm(20)
    language = _LANGUAGES[kliping.language.value]
    for mark in document.styles.element.iter(qn("w:lang")):
        mark.set(qn("w:val"), language)
    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = "Calibri", Pt(11)
    normal.paragraph_format.space_after = Pt(3)
    hyperlink = document.styles.add_style("Hyperlink", WD_STYLE_TYPE.CHARACTER)
    hyperlink.font.color.rgb, hyperlink.font.underline = RGBColor.from_string(_LINK), True
    for name in ("Heading 1", "Heading 2"):
        heading = document.styles[name]
        heading.font.color.rgb = RGBColor(0x1D, 0x1B, 0x18)
        heading.font.size = Pt(18 if name == "Heading 1" else 12)
        heading.paragraph_format.space_before = Pt(12)
    properties = document.core_properties
    properties.title = _fit(entitle(kliping))[:255]
    properties.subject = _fit(kliping.subject)[:255]
    properties.author = properties.last_modified_by = _fit(kliping.office or kliping.publisher)[:255]
    properties.comments = ""
    properties.keywords = ", ".join(dict.fromkeys(_fit(city) for story in kliping.stories for city in story.cities))[
        :255
    ]
    properties.language = language
    properties.created = properties.modified = kliping.until.astimezone(UTC).replace(tzinfo=None, microsecond=0)


def _add_head(document: DocumentFile, kliping: Kliping, words: Wording) -> None:
    if kliping.office:
        office = document.add_paragraph()
        office.add_run(_fit(kliping.office)).bold = True
    document.add_heading(_fit(kliping.title), level=1)
    _add_soft(document.add_paragraph(), words.tell_period(kliping))
    _add_soft(document.add_paragraph(), words.tell_counts(kliping) if kliping.news else words["nothing"])


def _add_foot(document: DocumentFile, kliping: Kliping, words: Wording) -> None:
    page, feed = get_public_url(kliping.page_url, 2_000), get_public_url(kliping.feed_url, 2_000)
    if kliping.left_out:
        document.add_paragraph(words.tell_rest(kliping.left_out))
    for name, url in ((words["in_browser"], page), (words["as_feed"], feed)):
        if url:
            _add_link(document.add_paragraph(), name, url)
    _add_soft(document.add_paragraph(), words["made_by"].format(publisher=_fit(kliping.publisher)))
    _add_soft(document.add_paragraph(), words["rights"])


def _add_page_numbers(document: DocumentFile, words: Wording) -> None:
    paragraph = document.sections[0].footer.paragraphs[0]
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    fields = {"page": "PAGE", "pages": "NUMPAGES"}
    for part in words["page_of"].replace("{", "\0{").replace("}", "}\0").split("\0"):
        if part.startswith("{"):
            paragraph._p.append(_make("w:fldSimple", {"w:instr": fields[part[1:-1]]}, _make_run("1")))  # noqa: SLF001
        else:
            _add_soft(paragraph, part)


# ── the news ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _add_story(document: DocumentFile, story: KlipingStory, words: Wording) -> None:
    event = words.tell_event(story) if len(story.clippings) > 1 else ""
    document.add_heading(_fit(" · ".join(filter(None, (event, words.tell_places(story))))), level=2)
    for clipping in story.clippings:
        _add_clipping(document, clipping, words)


def _add_clipping(document: DocumentFile, clipping: Clipping, words: Wording) -> None:
    title = document.add_paragraph(style=_LIST)
    title.add_run(_fit(clipping.title)).bold = True
    lines = [title]
    _add_soft(_add_line(document, lines), words.tell_source(clipping))
    if clipping.extract:
        _add_line(document, lines).add_run(_fit(clipping.extract))
    if copies := words.tell_copies(clipping):
        _add_soft(_add_line(document, lines), copies)
    if clipping.url:
        _add_link(_add_line(document, lines), clipping.url, clipping.url)
    for line in lines[:-1]:
        line.paragraph_format.keep_with_next = True
    lines[-1].paragraph_format.space_after = Pt(9)


def _add_line(document: DocumentFile, lines: list[Paragraph]) -> Paragraph:
    lines.append(document.add_paragraph(style=_UNDER_LIST))
    lines[-1].paragraph_format.space_after = Pt(2)
    return lines[-1]


def _add_soft(paragraph: Paragraph, text: str) -> None:
    run = paragraph.add_run(_fit(text))
    run.font.size, run.font.color.rgb = Pt(9.5), _SOFT


def _add_link(paragraph: Paragraph, text: str, url: str) -> None:
    """A link that programs follow; the library has none of its own."""
    target = paragraph.part.relate_to(_fit(url), RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
    style = _make("w:rPr", {}, _make("w:rStyle", {"w:val": "Hyperlink"}))
    paragraph._p.append(_make("w:hyperlink", {"r:id": target}, _make_run(text, style)))  # noqa: SLF001


def _make_run(text: str, *before: Any) -> Any:
    inside = _make("w:t", {})
    inside.text = _fit(text)
    return _make("w:r", {}, *before, inside)


def _make(tag: str, attributes: dict[str, str], *children: Any) -> Any:
    element = OxmlElement(tag)
    for name, value in attributes.items():
        element.set(qn(name), value)
    element.extend(children)
    return element


def _fit(text: str) -> str:
    """On one line, without what XML forbids: a document that holds such a character does not open."""
    return " ".join(xml_safe(text).split())
