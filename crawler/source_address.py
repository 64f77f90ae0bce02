"""The address of this machine that portals are asked from."""

from __future__ import annotations

import socket

from crawler.settings import CrawlSettings


def find_fault(settings: CrawlSettings) -> str:
    """Why nothing can be asked from `settings.source_address`; "" where it can."""
    address = settings.source_address
    if address is None:
        return ""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family) as plain:
            plain.bind((str(address), 0))
    except OSError as error:
        return f"crawl.source_address: {address} cannot be asked from: {error.strerror or error}"
    return ""
