"""`python -m benchmarks.sample_portals PORTALS FILE`: portals of our own sample pages; their feeds are listed in FILE."""

from __future__ import annotations

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT

PAGES = {path.stem: path.read_bytes() for path in sorted((ROOT / "tests/extraction_pages").glob("*.html"))}


class Handler(BaseHTTPRequestHandler):
    """/<portal>/feed.xml and /<portal>/<page>."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        portal, _, name = self.path.strip("/").partition("/")
        base = f"http://{self.headers['Host']}/{portal}"
        if name == "feed.xml":
            self._answer(200, make_feed(base), "application/rss+xml")
        elif name in PAGES:
            self._answer(200, PAGES[name], "text/html; charset=utf-8")
        else:
            self._answer(404, b"", "text/plain")

    def _answer(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        pass


def make_feed(base: str) -> bytes:
    items = "".join(f"<item><title>{name}</title><link>{base}/{name}</link></item>" for name in PAGES)
    return f'<rss version="2.0"><channel><title>{base}</title>{items}</channel></rss>'.encode()


def main(portals: int, listing: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    feeds = [f"http://127.0.0.1:{server.server_port}/portal-{number}/feed.xml" for number in range(portals)]
    beside = listing.with_suffix(".part")
    beside.write_text(json.dumps(feeds), encoding="utf-8")
    os.replace(beside, listing)  # noqa: PTH105 - atomic: the reader waits for the file
    server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
