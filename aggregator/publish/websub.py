"""WebSub: tells hubs which feeds have changed, in the form that they all understand (`hub.mode=publish`)."""

from __future__ import annotations

import http.client
import threading
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from queue import SimpleQueue
from typing import Any
from urllib.parse import urlencode

from aggregator.ping_rows import Ping, PingOutcome

BATCH_MOST = 100  # addresses in one POST
TIMEOUT_SECONDS = 10.0  # of a hub's silence
ANSWER_MOST = 1_000  # bytes of a hub's answer that are read
REASON_MOST = 200
# Of refusals, those that pass: too early, too busy, too many; and a 408, which says that the hub waited in vain.
_PASSING = frozenset({408, 425, 429})
_USER_AGENT = "KabarKota (WebSub publisher)"


def build_bodies(urls: Sequence[str]) -> Iterator[tuple[Sequence[str], bytes]]:
    """The forms that tell a hub of these feeds, each with its share of them. PURE."""
    for start in range(0, len(urls), BATCH_MOST):
        batch = urls[start : start + BATCH_MOST]
        fields = [("hub.mode", "publish"), *(("hub.url", url) for url in batch)]
        yield batch, urlencode(fields).encode("ascii")


def send_pings(hub: str, pings: Sequence[Ping], timeout: float = TIMEOUT_SECONDS) -> Iterator[PingOutcome]:
    """Tells one hub; the outcome of each ping, batch by batch. A hub that does not answer is asked no more."""
    reason, is_refusal = "", False
    by_url = {ping.url: ping for ping in pings}
    for batch, body in build_bodies([*by_url]):
        if not reason or is_refusal:  # what was refused may be an address in the batch
            reason, is_refusal = _post(hub, body, timeout)
        for url in batch:
            yield PingOutcome(ping=by_url[url], reason=reason, is_refusal=is_refusal)


def is_permanent(status: int) -> bool:
    """Whether a hub that answers so will answer so again. PURE.

    It does not take our form or our addresses (4xx), or has moved (3xx): the configuration must change, not the hour.
    A 501 says that it cannot at all; all other 5xx pass.
    """
    return (300 <= status < 500 and status not in _PASSING) or status == 501


class Messenger:
    """Pings many hubs at once, each in a thread of its own, and waits for them no longer than it is told to.

    A hub that is still being waited for from a time before is not asked again.
    """

    def __init__(self) -> None:
        self._threads: dict[str, threading.Thread] = {}

    def send(self, pings: Collection[Ping], seconds: float) -> list[PingOutcome]:
        """The outcomes of all pings after so many seconds at most; what has no answer by then has failed."""
        by_hub: defaultdict[str, list[Ping]] = defaultdict(list)
        for ping in pings:
            by_hub[ping.hub].append(ping)
        done: SimpleQueue[PingOutcome] = SimpleQueue()
        for hub, theirs in by_hub.items():
            self._start(hub, theirs, done)
        deadline = time.monotonic() + seconds
        for hub in by_hub:
            self._threads[hub].join(max(0.0, deadline - time.monotonic()))
        outcomes = {(each.ping.hub, each.ping.url): each for each in (done.get() for _ in range(done.qsize()))}
        late = f"no answer within {seconds:.12g} s"
        return [outcomes.get((ping.hub, ping.url), PingOutcome(ping=ping, reason=late)) for ping in pings]

    def _start(self, hub: str, pings: Sequence[Ping], done: SimpleQueue[PingOutcome]) -> None:
        before = self._threads.get(hub)
        if before is not None and before.is_alive():
            return

        def work() -> None:
            for outcome in send_pings(hub, pings):
                done.put(outcome)

        # a daemon: a hub that drips its answer must not keep the process from ending
        self._threads[hub] = threading.Thread(target=work, name=f"hub {hub}", daemon=True)
        self._threads[hub].start()


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """urllib would make a GET of a POST that is redirected, and tell the hub nothing."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _post(hub: str, body: bytes, timeout: float) -> tuple[str, bool]:
    """(why it failed or "", whether it is of no use to try again)"""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": _USER_AGENT}
    request = urllib.request.Request(hub, data=body, headers=headers, method="POST")  # noqa: S310 - checked in the settings
    try:
        with opener.open(request, timeout=timeout) as answer:
            answer.read(ANSWER_MOST)
        return "", False
    except urllib.error.HTTPError as error:
        with error:
            return _describe(error), is_permanent(error.code)
    except urllib.error.URLError as error:
        return f"{getattr(error.reason, 'strerror', None) or error.reason}"[:REASON_MOST], False
    except (OSError, http.client.HTTPException, ValueError) as error:
        return (str(error) or type(error).__name__)[:REASON_MOST], False


def _describe(error: urllib.error.HTTPError) -> str:
    target = error.headers.get("Location", "") if 300 <= error.code < 400 else ""
    said = f"it has moved to {target}" if target else " ".join(_read(error).split())
    return f"HTTP {error.code}{f': {said}' if said else ''}"[:REASON_MOST]


def _read(error: urllib.error.HTTPError) -> str:
    try:
        text = error.read(ANSWER_MOST).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return ""
    return "" if text.lstrip().startswith("<") else "".join(each for each in text if each.isprintable() or each == " ")
