"""E-mail: Apprise reads the address, we speak to the server, since Apprise says only whether it went well.

What matters is when it went wrong. Until the last line of a message is sent, no server can have it; after that, a
server that falls silent may have it or not, and nobody is sent it twice.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from typing import Any

from aggregator.alerts.letters import Format, Letter
from schedules.alerts.attempts import Attempt, again, refused, sent, uncertain
from schedules.alerts.deadline import limit_time

TIMEOUT_MOST = 30.0  # of a server's silence
_DOT = re.compile(rb"(?m)^\.")


class _Failure(Exception):  # noqa: N818 - it ends an attempt
    """A server's answer that ends the attempt."""

    def __init__(self, stage: str, code: int, answer: bytes) -> None:
        said = " ".join(answer.decode("utf-8", "replace").split())
        super().__init__(f"{stage}: {code} {said}")
        self.code = code


def send_mail(service: Any, letter: Letter, uid: str, now: datetime) -> Attempt:
    """Sends one message to the recipient of `service`, Apprise's object of an e-mail address."""
    try:
        content = write_message(service, letter, uid, now)
    except Exception as error:  # whatever the e-mail package makes of a text: nothing was sent
        return refused(f"the message cannot be written: {type(error).__name__}")
    try:
        with _connect(service) as server:
            return _hand_over(server, service, content)
    except _Failure as failure:
        return again(str(failure)) if failure.code < 500 else refused(str(failure))
    except smtplib.SMTPAuthenticationError as error:
        said = f"login: {error.smtp_code}"  # its answer may repeat what we said: the password
        return again(said) if error.smtp_code < 500 else refused(said)
    except smtplib.SMTPNotSupportedError as error:  # no STARTTLS, no login: for today, perhaps
        return again(str(error), is_dead=True)
    except smtplib.SMTPResponseException as error:  # at the greeting
        return again(str(_Failure("greeting", error.smtp_code, _to_bytes(error.smtp_error))), is_dead=True)
    except UnicodeError as error:
        return refused(f"an address cannot be written: {type(error).__name__}")
    except (OSError, smtplib.SMTPException) as error:
        return again(_describe(error), is_dead=True)


def write_message(service: Any, letter: Letter, uid: str, now: datetime) -> bytes:
    """The message as it goes over the line; its id is the same on each attempt."""
    content = _DOT.sub(b"..", make_message(service, letter, uid, now).as_bytes())
    return content if content.endswith(b"\r\n") else content + b"\r\n"


def make_message(service: Any, letter: Letter, uid: str, now: datetime) -> EmailMessage:
    """The message with all its parts."""
    name, sender = service.from_addr
    message = EmailMessage(policy=policy.SMTP.clone(cte_type="7bit"))
    message["From"] = formataddr((tame(name or ""), sender))
    message["To"] = ", ".join(formataddr((tame(to or ""), address)) for to, address in service.targets)
    if service.reply_to:
        message["Reply-To"] = ", ".join(sorted(service.reply_to))
    message["Subject"] = tame(letter.subject)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{uid}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    for header, value in service.headers.items():
        message[header] = tame(value)
    body = "\n\n".join(letter.bodies)
    message.set_content(letter.plain if letter.format is Format.HTML else body)
    if letter.format is Format.HTML:
        message.add_alternative(body, subtype="html")
    if letter.attachment is not None:
        main, _, sub = letter.attachment.media_type.partition("/")
        message.add_attachment(
            letter.attachment.content, maintype=main, subtype=sub, filename=tame(letter.attachment.name)
        )
    return message


def tame(text: str) -> str:
    """A text for a header, on one line. PURE.

    Python decodes the encoded words of RFC 2047 that are in it, line breaks and all, and writes these as they are: a
    headline could add headers. An invisible mark makes such a word plain text.
    """
    return " ".join(text.split()).replace("=?", "=\u2060?")


@contextmanager
def _connect(service: Any) -> Iterator[smtplib.SMTP]:
    timeout = min(float(service.socket_connect_timeout), TIMEOUT_MOST)
    context = ssl.create_default_context()
    if not service.verify_certificate:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if service.secure_mode == "ssl":
        server: smtplib.SMTP = smtplib.SMTP_SSL(timeout=timeout, context=context)
    else:
        server = smtplib.SMTP(timeout=timeout)
    with limit_time(lambda: server.sock), closing(server):
        server._host = service.smtp_host  # type: ignore[attr-defined]  # noqa: SLF001 - else no certificate fits
        code, said = server.connect(service.smtp_host, service.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, said)
        server.ehlo_or_helo_if_needed()
        if service.secure_mode == "starttls":
            server.starttls(context=context)
            server.ehlo_or_helo_if_needed()
        if service.user and service.password:
            server.login(service.user, service.password)
        yield server
        with suppress(OSError, smtplib.SMTPException):
            server.quit()


def _hand_over(server: smtplib.SMTP, service: Any, content: bytes) -> Attempt:
    _expect(server.mail(service.from_addr[1]), "sender")
    for _, recipient in service.targets:
        _expect(server.rcpt(recipient), "recipient")
    _expect(server.docmd("DATA"), "data", 354)
    server.send(content)
    try:
        server.send(b".\r\n")
        answer = server.getreply()
    except (OSError, smtplib.SMTPException) as error:
        return uncertain(f"the message was sent, and not acknowledged: {_describe(error)}")
    _expect(answer, "message")
    return sent()


def _expect(answer: tuple[int, bytes], stage: str, *codes: int) -> None:
    """Raises _Failure unless the server agrees."""
    if answer[0] not in (codes or (250, 251)):
        raise _Failure(stage, *answer)


def _describe(error: Exception) -> str:
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):  # smtplib wraps one of the two
        return "the mail server does not answer"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _to_bytes(said: bytes | str | Sequence[int]) -> bytes:
    return said.encode() if isinstance(said, str) else bytes(said)
