"""Portals on loopback that publish the material's pages: an RSS feed with excerpts, robots.txt, articles in gzip.

A process of its own (`python -m benchmarks.origin MATERIAL --portals N --entries M`), so that its CPU time counts for
nobody. It prints the portals as JSON on one line and serves until its stdin closes. No page is published twice.
"""

from __future__ import annotations

import argparse
import gzip
import html
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zlib import crc32

from benchmarks.material import read_index

ROOT = Path(__file__).resolve().parent.parent
# The pages say that they belong to their first publisher, and must not: they would all be reposts.
_CANONICAL = re.compile(
    rb"<link\b[^>]*\brel=[\"']?canonical\b[^>]*>|<meta\b[^>]*\bproperty=[\"']?og:url\b[^>]*>", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True)
class Portal:
    """A portal that runs."""

    slug: str
    feed: str
    entries: int


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a path answers: a body packed by gzip."""

    packed: bytes
    media_type: str

    @property
    def etag(self) -> str:
        return f'"{crc32(self.packed):x}"'


@contextmanager
def serve_material(folder: Path, *, portals: int, entries: int) -> Iterator[Sequence[Portal]]:
    """Portals for as long as the block lasts; fewer entries than asked for where the material has too few pages."""
    size = ("--portals", str(portals), "--entries", str(entries))
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.origin", str(folder), *size],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield [Portal(**portal) for portal in json.loads(process.stdout.readline())]
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def make_answers(base: str, folder: Path, pages: Sequence[Mapping[str, Any]]) -> dict[str, Answer]:
    """Everything that one portal answers, by path."""
    answers = {"/robots.txt": _pack(b"User-agent: *\nDisallow: /wp-admin/\n", "text/plain")}
    items = []
    for page in pages:
        path = f"/berita/{Path(page['file']).name}.html"
        answers[path] = _pack(_CANONICAL.sub(b"", (folder / page["file"]).read_bytes()), "text/html")
        items.append(_make_item(base + path, page))
    feed = f'<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0"><channel><title>{base}</title>{"".join(items)}'
    answers["/feed/"] = _pack(f"{feed}</channel></rss>".encode(), "application/rss+xml; charset=utf-8")
    return answers


def _make_item(url: str, page: Mapping[str, Any]) -> str:
    return (
        f"<item><title>{html.escape(page['title'])}</title><link>{url}</link>"
        f"<pubDate>{format_datetime(datetime.fromisoformat(page['published']))}</pubDate>"
        f"<description>{html.escape(page['summary'])}</description></item>\n"
    )


def _pack(body: bytes, media_type: str) -> Answer:
    return Answer(packed=gzip.compress(body, 6, mtime=0), media_type=media_type)


class Handler(BaseHTTPRequestHandler):
    """Answers from `server.answers`; 304 to those who have it."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave together

    def do_GET(self) -> None:
        answers: dict[str, Answer] = self.server.answers  # type: ignore[attr-defined]
        answer = answers.get(self.path)
        if answer is None:
            self._send(404, {}, b"tidak ditemukan\n")
        elif self.headers.get("If-None-Match") == answer.etag:
            self._send(304, {"ETag": answer.etag}, b"")
        else:
            headers = {"ETag": answer.etag, "Content-Type": answer.media_type, "Content-Encoding": "gzip"}
            self._send(200, headers, answer.packed)

    def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("material", type=Path)
    parser.add_argument("--portals", type=int, required=True)
    parser.add_argument("--entries", type=int, required=True)
    options = parser.parse_args()
    pages = read_index(options.material)["pages"]
    entries = min(options.entries, len(pages) // options.portals)
    running = []
    for number in range(options.portals):
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        base = f"http://127.0.0.1:{server.server_address[1]}"
        own = pages[number : entries * options.portals : options.portals]
        server.answers = make_answers(base, options.material, own)  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        running.append({"slug": f"portal-{number + 1}", "feed": f"{base}/feed/", "entries": entries})
    print(json.dumps(running), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
