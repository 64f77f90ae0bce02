"""Our own words in a kliping, and how it tells days and hours. PURE."""

from __future__ import annotations

from aggregator.kliping.model import Kliping


def entitle(kliping: Kliping) -> str:
    """For the subject of an e-mail: "Kliping berita Kota Gorontalo: Jumat, 27 November 2026 (12 berita)"."""
    raise NotImplementedError
