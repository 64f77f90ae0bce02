"""`python -m benchmarks.loops WHAT WHO FILE …`: one parser over files that are already in memory.

The first pass over the files is not measured: it loads and compiles. Prints the CPU seconds of the others.
"""

from __future__ import annotations

import gzip
import io
import sys
import time
from collections.abc import Callable
from pathlib import Path

PASSES = 3


def choose(what: str, who: str) -> Callable[[bytes], object]:
    if (what, who) == ("channel", "ours"):
        from crawler.channels import parse_channel

        return lambda body: parse_channel(body, "https://portal.example/feed/")
    if (what, who) == ("channel", "peer"):
        import feedparser

        return lambda body: feedparser.parse(io.BytesIO(body))
    if (what, who) == ("extract", "ours"):
        from crawler.extraction import extract_article

        return lambda body: extract_article(body, "https://portal.example/berita/1")
    import trafilatura

    return lambda body: trafilatura.bare_extraction(body, url="https://portal.example/berita/1", with_metadata=True)


def main(what: str, who: str, paths: list[str]) -> None:
    parse = choose(what, who)
    bodies = [gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw for raw in map(Path.read_bytes, map(Path, paths))]
    for body in bodies:
        parse(body)
    started = time.process_time()
    for _ in range(PASSES):
        for body in bodies:
            parse(body)
    print(time.process_time() - started)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
