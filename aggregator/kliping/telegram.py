"""A kliping for Telegram, in the HTML that its bots may send. PURE."""

from __future__ import annotations

from html import escape

from aggregator.kliping.model import Clipping, Kliping, KlipingStory
from aggregator.kliping.parting import Head, choose_text, part_blocks
from aggregator.kliping.wording import Wording, get_public_url, get_words

MESSAGE_LIMIT = 4_096  # Telegram counts what is shown, we the tags as well
ABOUT_LIMIT = 500
CLIPPING_LIMIT = 2_600
URL_LIMIT = 1_000


def render_telegram(kliping: Kliping) -> tuple[str, ...]:
    """Messages in Telegram's HTML of at most 4,096 characters, parted between stories."""
    words = get_words(kliping.language)

    told = escape(words.tell_counts(kliping) if kliping.news else words["nothing"])
    head = Head(
        title=_bold(kliping.title),
        above=_bold(kliping.office),
        below=f"<i>{escape(words.tell_period(kliping))}</i>\n{told}",
    )
    blocks = [_render_story(story, words) for story in kliping.stories]
    return part_blocks(head, blocks, _render_foot(kliping, words), limit=MESSAGE_LIMIT)


def _render_story(story: KlipingStory, words: Wording) -> list[str]:
    texts = [_render_clipping(clipping, words) for clipping in story.clippings]
    if len(texts) > 1:
        about = escape(words.tell_places(story))
        head = f"▪ {_bold(words.tell_event(story))}"
        texts[0] = choose_text((f"{head}\n{about}".strip(), head), ABOUT_LIMIT) + f"\n\n{texts[0]}"
    return texts


def _render_clipping(clipping: Clipping, words: Wording) -> str:
    title = f"<b>{clipping.number}.</b> {_link(clipping.title, clipping.url)}"
    source = f"<i>{escape(words.tell_source(clipping))}</i>"
    variants = [(title, source, escape(clipping.extract), escape(words.tell_copies(clipping))), (title, source)]
    return choose_text(["\n".join(filter(None, each)) for each in variants], CLIPPING_LIMIT)


def _render_foot(kliping: Kliping, words: Wording) -> str:
    page = get_public_url(kliping.page_url, URL_LIMIT)
    rest = escape(words.tell_rest(kliping.left_out)) if kliping.left_out else ""
    return "\n".join(filter(None, (rest, _link(words["in_browser"], page) if page else "")))


def _link(text: str, url: str) -> str:
    url = escape(url)
    return f'<a href="{url}">{escape(text)}</a>' if url and len(url) <= URL_LIMIT else escape(text)


def _bold(text: str) -> str:
    return f"<b>{escape(text)}</b>" if text else ""
