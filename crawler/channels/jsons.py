"""JSON from portals, read within bounds. PURE; a leaf."""

from __future__ import annotations

import json
from typing import Any

from crawler.channels.errors import ChannelError

MAX_VALUES = 1_000_000  # lists, objects and what is in them: 100 bytes each; a hundred posts have 50,000


def load_json(body: bytes) -> Any:
    """What a body in UTF-8 holds. Raises ChannelError for what is no JSON, or too much of it: values, depth (Python's
    limit), digits of a number (4,300)."""
    if sum(map(body.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise ChannelError(f"broken JSON: more than {MAX_VALUES:,} values")
    try:
        return json.loads(body)
    except json.JSONDecodeError as error:
        raise ChannelError(f"broken JSON: it breaks in line {error.lineno}, at character {error.colno}") from error
    except (ValueError, RecursionError) as error:
        raise ChannelError("broken JSON: nested too deeply, or a number of too many digits") from error
