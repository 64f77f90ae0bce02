"""Messages as they are sent: a kliping or a notice, set in the format that its receiver takes. PURE."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from html import escape
from typing import Any

from aggregator.alerts.notices import Notice
from aggregator.kliping.frame import PAGE_END, open_page, set_head, set_item, set_line, set_link, set_soft
from aggregator.kliping.mail import render_email_html
from aggregator.kliping.markdown import escape_markdown, link_markdown, render_markdown
from aggregator.kliping.model import DOCX_TYPE, Clipping, Kliping
from aggregator.kliping.telegram import render_telegram
from aggregator.kliping.text import render_text
from aggregator.kliping.whatsapp import fit_url, mark_text, neutralise, render_whatsapp
from aggregator.kliping.wording import entitle


class Format(StrEnum):
    """What a receiver takes."""

    HTML = "html"
    TEXT = "text"
    WHATSAPP = "whatsapp"
    TELEGRAM = "telegram"
    MARKDOWN = "markdown"


_LIMITS = {Format.WHATSAPP: 4_000, Format.TELEGRAM: 4_000}  # characters of a message


@dataclass(frozen=True, kw_only=True, slots=True)
class Attachment:
    """A file that goes with a message."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """A message, ready to be sent."""

    kind: str  # digest, news, spike, silence, test
    subject: str
    bodies: tuple[str, ...]  # one after the other, where one would be too long
    plain: str  # the same as plain text, for e-mail
    format: Format
    data: Mapping[str, Any]  # the same for programs
    attachment: Attachment | None = None


def write_kliping(kliping: Kliping, form: Format, *, name: str, with_file: bool = False) -> Letter:
    """A digest; `name` is its own in alerts.toml."""
    plain = render_text(kliping)
    file = None
    if with_file:
        from aggregator.kliping.word_file import render_docx

        file = Attachment(name=f"{kliping.file_name}.docx", media_type=DOCX_TYPE, content=render_docx(kliping))
    return Letter(
        kind="digest",
        subject=entitle(kliping),
        bodies=_KLIPINGS[form](kliping) if form in _KLIPINGS else (plain,),
        plain=plain,
        format=form,
        data={"digest": name, **tell_kliping(kliping)},
        attachment=file,
    )


def write_notice(notice: Notice, form: Format, *, kind: str, name: str) -> Letter:
    """An alert; `name` is its own in alerts.toml."""
    plain = set_text(notice)
    return Letter(
        kind=kind,
        subject=notice.subject,
        bodies=pack(_NOTICES[form](notice), _LIMITS.get(form, 0)),
        plain=plain,
        format=form,
        data={"alert": name, **notice.data},
    )


def pack(text: str, limit: int) -> tuple[str, ...]:
    """The paragraphs of a text in messages of at most `limit` characters each; 0: one message."""
    bodies = [""]
    for block in text.split("\n\n"):
        if limit and bodies[-1] and len(bodies[-1]) + 2 + len(block) > limit:
            bodies.append("")
        bodies[-1] += f"\n\n{block}" if bodies[-1] else block
    return tuple(bodies)


def skip_bodies(letter: Letter, done: int) -> Letter:
    """Without the messages that are through; the file goes with the first."""
    return replace(letter, bodies=letter.bodies[done:], attachment=None) if 0 < done < len(letter.bodies) else letter


# ── notices ────────────────────────────────────────────────────────────────────────────────────────────────────────


def set_text(notice: Notice) -> str:
    """Plain text."""
    parts = [notice.subject, notice.intro]
    parts += [
        "\n   ".join(filter(None, (f"{number}. {entry.title}", entry.detail, entry.url)))
        for number, entry in enumerate(notice.entries, start=1)
    ]
    parts += [notice.more, ": ".join(notice.link) if notice.link else ""]
    return "\n\n".join(filter(None, parts)) + "\n"


def set_html(notice: Notice) -> str:
    """A document of its own, for e-mail."""
    rows = [set_head(notice.subject, "", escape(notice.intro))]
    rows += [
        set_item(entry.title, entry.url, set_soft(escape(entry.detail)), number)
        for number, entry in enumerate(notice.entries, start=1)
    ]
    rows += [set_line(escape(notice.more))] if notice.more else []
    rows += [set_line(set_link(*notice.link, name="k-link"))] if notice.link else []
    return "".join((open_page(notice.subject, notice.language), *rows, PAGE_END))


def set_whatsapp(notice: Notice) -> str:
    """WhatsApp's own marks; those in titles would break them."""
    parts = [mark_text(notice.subject, "*"), neutralise(notice.intro)]
    parts += [
        "\n".join(
            filter(None, (f"{number}. {mark_text(entry.title, '*')}", neutralise(entry.detail), fit_url(entry.url)))
        )
        for number, entry in enumerate(notice.entries, start=1)
    ]
    link = f"{notice.link[0]}: {fit_url(notice.link[1])}" if notice.link else ""
    return "\n\n".join(filter(None, [*parts, neutralise(notice.more), link]))


def set_telegram(notice: Notice) -> str:
    """Telegram's HTML."""
    parts = [f"<b>{_escape(notice.subject)}</b>", _escape(notice.intro)]
    for number, entry in enumerate(notice.entries, start=1):
        linked = f'<a href="{escape(entry.url)}">{_escape(entry.title)}</a>' if entry.url else _escape(entry.title)
        parts.append(f"{number}. {linked}\n<i>{_escape(entry.detail)}</i>")
    link = f'<a href="{escape(notice.link[1])}">{_escape(notice.link[0])}</a>' if notice.link else ""
    return "\n\n".join(filter(None, [*parts, _escape(notice.more), link]))


def _escape(text: str) -> str:
    return escape(text, quote=False)


def set_markdown(notice: Notice) -> str:
    """Markdown as Slack, Discord and Matrix take it."""
    parts = [f"**{escape_markdown(notice.subject)}**", escape_markdown(notice.intro)]
    parts += [
        f"{number}. {link_markdown(entry.title, entry.url)}  \n{escape_markdown(entry.detail)}"
        for number, entry in enumerate(notice.entries, start=1)
    ]
    link = link_markdown(*notice.link) if notice.link else ""
    return "\n\n".join(filter(None, [*parts, escape_markdown(notice.more), link]))


_NOTICES: dict[Format, Callable[[Notice], str]] = {
    Format.TEXT: set_text,
    Format.HTML: set_html,
    Format.WHATSAPP: set_whatsapp,
    Format.TELEGRAM: set_telegram,
    Format.MARKDOWN: set_markdown,
}


# ── klipings ───────────────────────────────────────────────────────────────────────────────────────────────────────


_KLIPINGS: dict[Format, Callable[[Kliping], tuple[str, ...]]] = {
    Format.HTML: lambda kliping: (render_email_html(kliping),),
    Format.WHATSAPP: render_whatsapp,
    Format.TELEGRAM: render_telegram,
    Format.MARKDOWN: lambda kliping: (render_markdown(kliping),),
}


def tell_kliping(kliping: Kliping) -> dict[str, Any]:
    """A kliping for programs."""
    facts = ("title", "office", "subject", "news", "articles", "portals", "left_out", "page_url", "feed_url")
    return {
        **{name: getattr(kliping, name) for name in facts},
        "since": _tell_moment(kliping, kliping.since),
        "until": _tell_moment(kliping, kliping.until),
        "stories": [
            {
                "title": story.title,
                "url": story.url,
                "cities": [*story.cities],
                "topics": [*story.topics],
                "news": [_tell_clipping(each) for each in story.clippings],
            }
            for story in kliping.stories
        ],
    }


def _tell_clipping(clipping: Clipping) -> dict[str, Any]:
    facts = ("number", "title", "medium", "url", "has_hour", "extract")
    return {
        **{name: getattr(clipping, name) for name in facts},
        "published": clipping.published.isoformat(),
        "copies": [{"medium": medium, "url": url} for medium, url in clipping.copies],
        "more_copies": clipping.more_copies,
    }


def _tell_moment(kliping: Kliping, moment: datetime) -> str:
    return moment.astimezone(kliping.zone).isoformat()
