"""What trafilatura makes of a page, asked only where our own reading looks poor. Pure.

It costs five to ten times what our own reading costs, so it is imported when first asked.
"""

from __future__ import annotations

import logging

from crawler.extraction.furniture import is_furniture_line
from crawler.extraction.outline import Outline
from crawler.extraction.sentences import is_prose_text

# Beyond these, trafilatura needs seconds: 17 s for 2,000 elements inside one another.
MAX_BYTES = 1_500_000
MAX_NODES = 5_000
MAX_ELEMENTS = 15_000
MAX_DEPTH = 200
PROSE_SHARE = 0.5  # less is a list of titles

logger = logging.getLogger(__name__)


def ask_trafilatura(outline: Outline, data: bytes, elements: int) -> tuple[str, ...]:
    """The paragraphs that trafilatura finds in a page in UTF-8, favouring precision; none where it fails.

    `outline` is that of the page, `elements` how many it has: monstrous ones are not given away.
    """
    if len(data) > MAX_BYTES or len(outline.nodes) > MAX_NODES or outline.depth > MAX_DEPTH or elements > MAX_ELEMENTS:
        return ()
    import trafilatura

    try:
        text = trafilatura.extract(
            data.decode("utf-8", "replace"), favor_precision=True, include_comments=False, include_tables=True
        )
    except Exception as error:  # hostile bytes in a third party's code; the page keeps our own reading
        logger.info("trafilatura failed: %r", error)
        return ()
    lines = (" ".join(line.split()) for line in (text or "").split("\n"))
    kept = tuple(line for line in lines if line and not is_furniture_line(line))
    prose = sum(len(line) for line in kept if is_prose_text(line))
    return kept if prose >= PROSE_SHARE * sum(map(len, kept)) else ()
