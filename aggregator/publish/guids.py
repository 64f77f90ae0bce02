"""Guids as tag URIs (RFC 4151) that stand everywhere as they are. Pure.

A guid is for life and is the same text in every format: Atom wants it to be an IRI in its normal form, RSS and JSON
Feed take any text.
"""

from __future__ import annotations

import hashlib
import re

PREFIX = "tag:kabarkota,2026:"
_GOOD = re.compile(r"tag:[a-z0-9][a-z0-9.-]*,\d{4}(?:-\d\d(?:-\d\d)?)?:[A-Za-z0-9\-._~:/@!$&'()*+,;=]+", re.ASCII)


def make_guid(url_key: str) -> str:
    """The guid of the article with that key (`aggregator.urls.make_url_key`: 16 hex digits)."""
    return fit_guid(PREFIX + url_key)


def fit_guid(guid: str) -> str:
    """`guid` where it is a good tag URI, else a tag URI that stands for it and for nothing else."""
    if _GOOD.fullmatch(guid):
        return guid
    return PREFIX + hashlib.blake2b(guid.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
