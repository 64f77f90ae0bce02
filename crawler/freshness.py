"""How long an answer stays fresh (RFC 9111, 4.2): until then asking again would bring what a cache still holds."""

from __future__ import annotations

LONGEST_SECONDS = 24 * 3600

LONGEST_HEADER = 2_000  # bytes: what is said beyond that is not meant


def parse_freshness(cache_control: bytes | None, age: bytes | None) -> int:
    """Seconds that an answer stays fresh by `Cache-Control: max-age` less its `Age`, at most a day; 0 where it does not
    say so, or may not be kept. What cannot be read does not count."""
    directives: dict[str, str] = {}
    for part in (cache_control or b"")[:LONGEST_HEADER].decode("latin-1").split(","):
        name, _, value = part.partition("=")
        directives.setdefault(name.strip().lower(), value.strip().strip('"'))
    if "no-cache" in directives or "no-store" in directives:
        return 0
    lifetime = _read_seconds(directives.get("max-age", ""))
    return max(0, min(lifetime, LONGEST_SECONDS) - _read_seconds((age or b"")[:LONGEST_HEADER].decode("latin-1")))


def _read_seconds(text: str) -> int:
    text = text.strip()
    return int(text.lstrip("0")[:9] or 0) if text.isascii() and text.isdigit() else 0
