"""Targets: whom messages go to. An address of Apprise's, or a webhook of our own kind.

An address with several recipients is several deliveries, so that one that is refused does not have the others told
again.
"""

from __future__ import annotations

import hashlib
import logging
from copy import copy
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from aggregator.alert_rows import Address
from aggregator.alerts.letters import Format

_LISTS = ("targets", "topics", "channels", "users", "phones")  # what Apprise's plugins call their recipients
SECRET_LEAST = 16  # characters of a webhook's secret
_FORMATS = {
    "mailto": Format.HTML,
    "mailtos": Format.HTML,
    "tgram": Format.TELEGRAM,
    "whatsapp": Format.WHATSAPP,
}


class TargetError(ValueError):
    """An address that nothing can be sent to; the message does not tell it."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A target of alerts.toml. Its address and secret are never shown."""

    name: str
    url: str = field(repr=False)
    secret: str = field(default="", repr=False)  # of a webhook
    is_webhook: bool = False
    format: Format = Format.TEXT
    attach_docx: bool | None = None  # None: as the digest says
    shown: str = ""  # whom it reaches, without secrets
    parts: tuple[str, ...] = ("",)  # its recipients, as hashes

    @property
    def addresses(self) -> list[Address]:
        """One for each delivery that a message takes."""
        return [Address(target=self.name, part=part) for part in self.parts]


def make_target(
    name: str,
    url: str,
    *,
    secret: str,
    is_webhook: bool,
    chosen: Format | None,
    attach_docx: bool | None,
) -> Target:
    """A target whose address is looked at, and not connected to. Raises TargetError."""
    facts: dict[str, Any] = {"name": name, "url": url, "secret": secret, "attach_docx": attach_docx}
    if is_webhook:
        return Target(**facts, is_webhook=True, shown=f"webhook {_check_webhook(url, secret)}")
    service = make_service(url)
    scheme = url.partition(":")[0].lower()
    recipients = list_recipients(service)
    return Target(
        **facts,
        format=chosen or _FORMATS.get(scheme, Format.TEXT),
        shown=_show(service, scheme, recipients),
        parts=tuple(_hash(each) for each in recipients) if len(recipients) > 1 else ("",),
    )


def make_service(url: str) -> Any:
    """Apprise's object for an address. Raises TargetError."""
    from apprise import Apprise, AppriseAsset
    from apprise.logger import logger

    logger.propagate = False  # what it logs may hold addresses; what is to be said of them, we say
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # for debugging, it logs the token of a Telegram bot
    asset = AppriseAsset(async_mode=False, service_timeout=0, secure_logging=True)
    service = Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    if service is None:
        scheme = url.partition(":")[0]
        known = f"{scheme}://…" if scheme.isalnum() and "://" in url else "what it holds"
        raise TargetError(f"{known} is not an address that Apprise understands; see its list of services")
    service.redirects = False  # else a password could follow one to anywhere
    return service


def is_mail(service: Any) -> bool:
    """Whether we speak to its mail server ourselves: Apprise alone can sign and encrypt."""
    from apprise.plugins.email.base import NotifyEmail

    return type(service) is NotifyEmail and service.pgp_mode == "no"


def list_recipients(service: Any) -> list[str]:
    """Those of mail, whom it names as copies, too; the chats, topics or numbers of most others. Each once."""
    return [*_find_recipients(service)[1]]


def narrow(service: Any, part: str) -> Any:
    """The same for that recipient alone. Raises TargetError where there is none."""
    if not part:
        return service
    key, recipients = _find_recipients(service)
    for name, recipient in recipients.items():
        if _hash(name) == part:
            alone = copy(service)
            setattr(alone, key, [recipient])
            if is_mail(service):
                alone.cc, alone.bcc = set(), set()
            return alone
    raise TargetError("that recipient is not in alerts.toml any more")


def _find_recipients(service: Any) -> tuple[str, dict[str, Any]]:
    """The attribute that holds them, and by what tells them apart, each. Where Apprise tells of no list it is empty."""
    if is_mail(service):
        copies = [(False, address) for address in sorted({*service.cc, *service.bcc})]
        named: dict[str, Any] = {}
        for name, address in [*service.targets, *copies]:
            named.setdefault(address.lower(), (name, address))
        return "targets", named
    for key in _LISTS:
        found = getattr(service, key, None)
        if isinstance(found, list) and len(found) > 1 and len(found) == len(service):
            return key, {repr(each): each for each in found}
    return "", {}


def _hash(recipient: str) -> str:
    """Tells recipients apart in the database, which many may read, without naming them."""
    return hashlib.sha256(recipient.lower().encode()).hexdigest()[:12]


def _show(service: Any, scheme: str, recipients: list[str]) -> str:
    """Of mail the recipients. Paths, topics and numbers may be secrets; a host is none where it can only be one."""
    if is_mail(service):
        return f"{', '.join(recipients)} via {service.smtp_host}"
    has_host = all("{host}" in template for template in service.templates)
    return f"{service.service_name}: {scheme}://{service.host if has_host else '…'}"


def _check_webhook(url: str, secret: str) -> str:
    """Its host. Raises TargetError."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise TargetError("webhook is not an http(s) address") from error
    if parts.scheme not in {"http", "https"} or not host or not url.isascii() or any(each.isspace() for each in url):
        raise TargetError("webhook is not an http(s) address")
    if parts.username or parts.password:
        raise TargetError("webhook holds a name or password; what it says is signed instead")
    if len(secret) < SECRET_LEAST:
        raise TargetError(f"the secret is shorter than {SECRET_LEAST} characters")
    return host
