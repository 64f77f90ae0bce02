"""Everything that Apprise sends to: Telegram, WhatsApp, Slack, Matrix and a hundred more."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from aggregator.alerts.letters import Attachment, Format, Letter
from schedules.alerts.attempts import Attempt, again, refused, sent, uncertain

_STATUS = re.compile(r"error=(\d{3})|HTTP (\d{3})|\((\d{3})\)")
_LOST = re.compile(r"read timed out|aborted|reset by peer|without response|remote end closed", re.IGNORECASE)


def notify(service: Any, letter: Letter, *, sender: str) -> Attempt:
    """Sends the messages of a letter one after the other, as long as they get through.

    `service` is Apprise's object; `sender` is told where a service shows who sends.
    """
    from apprise import Apprise, OverflowMode

    service.asset.app_id = sender
    if letter.format in {Format.TEXT, Format.MARKDOWN} and service.overflow_mode == OverflowMode.UPSTREAM:
        service.overflow_mode = OverflowMode.SPLIT  # our own parts are only as short as Telegram and WhatsApp want
    sender_of_one = Apprise(asset=service.asset)
    sender_of_one.add(service)
    for done, body in enumerate(letter.bodies):
        with _listen() as heard:
            is_through = bool(
                sender_of_one.notify(
                    body=body,
                    title="" if letter.format in {Format.TELEGRAM, Format.WHATSAPP} else letter.subject,
                    body_format=_BODY_FORMATS[letter.format],
                    attach=_attach(service, letter.attachment) if not done else None,
                )
            )
        if not is_through:
            return replace(judge(heard), done=done)
    return sent(len(letter.bodies))


_BODY_FORMATS = {
    Format.HTML: "html",
    Format.TELEGRAM: "html",
    Format.TEXT: "text",
    Format.WHATSAPP: "text",
    Format.MARKDOWN: "markdown",
}


def judge(heard: list[tuple[int, str]]) -> Attempt:
    """What Apprise's log says of a failure: (level, message) each. PURE.

    Its details may hold addresses and tokens: they decide, and are not repeated.
    """
    told = [message for level, message in heard if level >= logging.WARNING]
    reason = told[-1] if told else "Apprise says no more than that it failed"
    found = _STATUS.search(" ".join(told))
    status = int(next(filter(None, found.groups()))) if found else 0
    if any(level == logging.INFO and message.startswith("Sent") for level, message in heard):
        return uncertain(f"a part of it was sent: {reason}")
    if 400 <= status < 500 and status not in {408, 425, 429}:
        return refused(reason)
    if any(_LOST.search(message) for _, message in heard):
        return uncertain(reason)
    return again(reason, is_dead=not status)


def _attach(service: Any, file: Attachment | None) -> Any:
    if file is None or not service.attachment_support:
        return None
    from apprise import AppriseAttachment
    from apprise.attachment.memory import AttachMemory

    attachments = AppriseAttachment()
    attachments.add(
        AttachMemory(  # type: ignore[no-untyped-call]
            content=file.content, name=file.name, mimetype=file.media_type
        )
    )
    return attachments


class _Ear(logging.Handler):
    """Hears what Apprise logs in one thread."""

    def __init__(self, thread: int) -> None:
        super().__init__(logging.DEBUG)
        self.heard: list[tuple[int, str]] = []
        self._heeded = thread

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._heeded:
            self.heard.append((record.levelno, record.getMessage()))


@contextmanager
def _listen() -> Iterator[list[tuple[int, str]]]:
    from apprise.logger import logger

    logger.setLevel(logging.DEBUG)
    ear = _Ear(threading.get_ident())
    logger.addHandler(ear)
    try:
        yield ear.heard
    finally:
        logger.removeHandler(ear)
