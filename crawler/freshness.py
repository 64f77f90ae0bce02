"""How long an answer stays fresh (RFC 9111, 4.2): until then asking again would bring what a cache still holds."""

from __future__ import annotations

import re

LONGEST_SECONDS = 24 * 3600

_DIRECTIVE = re.compile(r'\s*([!#$%&\'*+.^_`|~0-9a-z-]+)\s*(?:=\s*"?([^",;]*)"?)?\s*', re.IGNORECASE)


def parse_freshness(cache_control: bytes | None, age: bytes | None) -> int:
    """Seconds that an answer stays fresh by `Cache-Control: max-age` less its `Age`, at most a day; 0 where it does not
    say so, or may not be kept. What cannot be read does not count."""
    directives: dict[str, str] = {}
    for part in (cache_control or b"").decode("latin-1").split(","):
        match = _DIRECTIVE.fullmatch(part)
        if match:
            directives.setdefault(match[1].lower(), match[2] or "")
    if "no-cache" in directives or "no-store" in directives:
        return 0
    lifetime = _read_seconds(directives.get("max-age", ""))
    return max(0, min(lifetime, LONGEST_SECONDS) - _read_seconds((age or b"").decode("latin-1")))


def _read_seconds(text: str) -> int:
    text = text.strip()
    return int(text.lstrip("0")[:9] or 0) if text.isascii() and text.isdigit() else 0
