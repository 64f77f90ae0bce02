"""Ids and names for sources that come without one. PURE."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from itertools import chain, count, islice

MAX_SLUG = 64
_ENDINGS = re.compile(r"(?:\.(?:co|go|or|web|ac|my))?\.[a-z]{2,12}$")


def make_slug(name: str, domain: str, taken: Collection[str]) -> str:
    """An id that is not among `taken`: from the name ("kabar-teluk"), else from the domain, else with a number."""
    base = fold_slug(_ENDINGS.sub("", name.lower()) if name.lower() == domain else name)
    of_domain = fold_slug(domain)
    stem = of_domain[: MAX_SLUG - 8].strip("-") or "source"
    numbered = (f"{stem}-{number}" for number in count(2))
    tried = chain((base, of_domain), numbered)
    return next(slug for slug in islice(tried, len(taken) + 3) if slug and slug not in taken)


def fold_slug(text: str) -> str:
    """Lower-case letters, digits and single hyphens; "" where nothing of the kind is in `text`."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:MAX_SLUG].strip("-")
