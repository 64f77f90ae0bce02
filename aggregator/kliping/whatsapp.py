"""A kliping for WhatsApp: its own marks for bold and italics, numbered, with bare links. PURE."""

from __future__ import annotations

import re

from aggregator.kliping.model import Clipping, Kliping, KlipingStory
from aggregator.kliping.parting import Head, choose_text, part_blocks
from aggregator.kliping.wording import Wording, get_public_url, get_words

MESSAGE_LIMIT = 4_000
ABOUT_LIMIT = 500
CLIPPING_LIMIT = 2_600
URL_LIMIT = 1_000  # longer ones would fill a screen

# WhatsApp has no way to write its marks as themselves: a sign that looks the same stands in.
_LOOKALIKES = str.maketrans({"*": "∗", "_": "ˍ", "~": "∼", "`": "ˋ"})
_LINE_MARKS = {">": "›", "-": "–", "*": "∗"}  # make a quotation or a list of the line that they begin
_MARK_IN_URL = re.compile(r"[*~`]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")


def render_whatsapp(kliping: Kliping) -> tuple[str, ...]:
    """Messages of at most 4,000 characters, parted between stories."""
    words = get_words(kliping.language)

    told = neutralise(words.tell_counts(kliping) if kliping.news else words["nothing"])
    head = Head(
        title=mark_text(kliping.title, "*"),
        above=mark_text(kliping.office, "*"),
        below=f"{mark_text(words.tell_period(kliping), '_')}\n{told}",
    )
    blocks = [_render_story(story, words) for story in kliping.stories]
    return part_blocks(head, blocks, _render_foot(kliping, words), limit=MESSAGE_LIMIT)


def neutralise(text: str) -> str:
    """The text with nothing in it that WhatsApp takes for a mark of its own."""
    text = text.translate(_LOOKALIKES)
    return _LINE_MARKS.get(text[:1], text[:1]) + text[1:]


def _render_story(story: KlipingStory, words: Wording) -> list[str]:
    texts = [_render_clipping(clipping, words) for clipping in story.clippings]
    if len(texts) > 1:
        head, about = f"▪ {mark_text(words.tell_event(story), '*')}", neutralise(words.tell_places(story))
        texts[0] = choose_text((f"{head}\n{about}".strip(), head), ABOUT_LIMIT) + f"\n\n{texts[0]}"
    return texts


def _render_clipping(clipping: Clipping, words: Wording) -> str:
    number = f"{clipping.number}. {mark_text(clipping.title, '*')}"
    source = mark_text(words.tell_source(clipping), "_")
    link = fit_url(clipping.url)
    extract, copies = neutralise(clipping.extract), neutralise(words.tell_copies(clipping))
    variants = [(number, source, extract, copies, link), (number, source, link)]
    return choose_text(["\n".join(filter(None, each)) for each in variants], CLIPPING_LIMIT)


def _render_foot(kliping: Kliping, words: Wording) -> str:
    page = fit_url(get_public_url(kliping.page_url))
    lines = [words.tell_rest(kliping.left_out)] if kliping.left_out else []
    lines += [words["in_browser"] + ":", page] if page else []
    return "\n".join(lines)


def fit_url(url: str) -> str:
    """The same address without what WhatsApp would take for a mark; "" for one that is too long."""
    url = _MARK_IN_URL.sub(lambda mark: f"%{ord(mark[0]):02X}", url)
    return url if len(url) <= URL_LIMIT else ""


def mark_text(text: str, sign: str) -> str:
    """Bold (`*`) or italics (`_`); WhatsApp heeds them only around what begins and ends with no space."""
    text = neutralise(text.strip())
    return f"{sign}{text}{sign}" if text else ""
