"""Where a list goes on, as a text that tells nothing to whoever has it. Pure.

A cursor belongs to one question: with other filters, of an older version, cut or made up, it is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence

_VERSION = "1"
_DIGEST_BYTES = 6
_LENGTH_MOST = 1_000
_LARGEST = 2**63 - 1  # that SQLite takes

Key = tuple[int | str, ...]


class CursorError(ValueError):
    """A text that is no cursor of this question."""


def write_cursor(question: str, key: Sequence[int | str]) -> str:
    payload = json.dumps([*key], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_seal(question, payload) + payload).decode().rstrip("=")


def read_cursor(question: str, text: str, kinds: tuple[type, ...]) -> Key:
    """The key in it, of values of these kinds. Raises CursorError."""
    try:
        if len(text) > _LENGTH_MOST:
            raise CursorError("too long")
        raw = base64.b64decode((text + "=" * (-len(text) % 4)).encode("ascii"), altchars=b"-_", validate=True)
        digest, payload = raw[:_DIGEST_BYTES], raw[_DIGEST_BYTES:]
        if digest != _seal(question, payload):
            raise CursorError("of another question")
        key = json.loads(payload)
        for each in key if isinstance(key, list) else ():
            if isinstance(each, str):
                each.encode()  # half a character, which SQLite does not take
    except (UnicodeError, binascii.Error, RecursionError, json.JSONDecodeError) as error:
        raise CursorError("cannot be read") from error
    if not isinstance(key, list) or [type(each) for each in key] != [*kinds]:
        raise CursorError("of another list")
    if any(isinstance(each, int) and not -1 <= each <= _LARGEST for each in key):
        raise CursorError("out of bounds")
    return tuple(key)


def _seal(question: str, payload: bytes) -> bytes:
    """Not a secret: it tells mistakes apart from cursors."""
    return hashlib.blake2b(f"{_VERSION}\n{question}\n".encode() + payload, digest_size=_DIGEST_BYTES).digest()
