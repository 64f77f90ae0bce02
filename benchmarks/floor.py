"""What the work costs at the least: `python floor.py KIND ORDER.json`. curl fetches, lxml parses, `executemany` writes.

    fetch     every page, thrown away                                           {"hosts": [[url, …], …]}
    pages     pages parsed, their text written                                  {"hosts": […]}
    polls     feeds that have not changed, asked conditionally                  {"feeds": [url, …], "times"}
    changes   feeds with a new entry: parsed, the new entries written           {"feeds", "times", "publish"}
    cycle     feeds asked conditionally, those with new entries, their pages    {"feeds", "publish"}

"control": address of the portals' orders, "publish": the order before each time.

No robots.txt, no limits, no guard, no killable parsers, no topics, no duplicates, no search: whatever stands above
these milliseconds is what that costs. Prints {"cpu_seconds", "done"}, without start and imports.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pycurl  # type: ignore[import-not-found]
from lxml import etree, html

AT_ONCE = 32
TABLE = "CREATE TABLE news (url TEXT PRIMARY KEY, etag TEXT, title TEXT, date TEXT, text TEXT) WITHOUT ROWID"


class Fetcher:
    """curl, many requests at once; a handle keeps to its host, and with it its connection, where it can."""

    def __init__(self) -> None:
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAX_TOTAL_CONNECTIONS, AT_ONCE)
        self._handles = [pycurl.Curl() for _ in range(AT_ONCE)]
        for handle in self._handles:
            handle.setopt(pycurl.ACCEPT_ENCODING, "gzip")
            handle.setopt(pycurl.USERAGENT, "benchmark")

    def fetch(self, asked: Iterable[tuple[str, str]]) -> Iterator[tuple[str, int, str, bytes]]:
        """(URL, ETag or "") in; (URL, status, ETag, body) out, as they come."""
        waiting = iter(asked)
        free = list(self._handles)
        running = 0
        while True:
            while free and (job := next(waiting, None)):
                self._start(free.pop(), *job)
                running += 1
            if not running:
                return
            while self._multi.perform()[0] == pycurl.E_CALL_MULTI_PERFORM:
                pass
            _, done, failed = self._multi.info_read()
            for handle, code, reason in failed:
                raise SystemExit(f"{handle.url}: {code} {reason}")
            for handle in done:
                self._multi.remove_handle(handle)
                running -= 1
                free.append(handle)
                yield handle.url, handle.getinfo(pycurl.RESPONSE_CODE), handle.etag, handle.body.getvalue()
            if not done:
                self._multi.select(1.0)

    def _start(self, handle: Any, url: str, etag: str) -> None:
        handle.url, handle.etag, handle.body = url, "", BytesIO()

        def read_head(line: bytes) -> None:
            if line[:5].lower() == b"etag:":
                handle.etag = line[5:].strip().decode("latin-1")

        handle.setopt(pycurl.URL, url)
        handle.setopt(pycurl.HTTPHEADER, [f"If-None-Match: {etag}"] if etag else [])
        handle.setopt(pycurl.HEADERFUNCTION, read_head)
        handle.setopt(pycurl.WRITEDATA, handle.body)
        self._multi.add_handle(handle)


def list_pages(order: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(url, "") for urls in order["hosts"] for url in urls]


def fetch(order: Mapping[str, Any], database: sqlite3.Connection) -> Callable[[], int]:
    return lambda: sum(status == 200 and bool(body) for _, status, _, body in Fetcher().fetch(list_pages(order)))


def read_pages(order: Mapping[str, Any], database: sqlite3.Connection) -> Callable[[], int]:
    def work() -> int:
        return write(database, [read_page(url, body) for url, _, _, body in Fetcher().fetch(list_pages(order))])

    return work


def poll(order: Mapping[str, Any], database: sqlite3.Connection) -> Callable[[], int]:
    """The first answers are not measured."""
    fetcher = Fetcher()
    known = {url: etag for url, _, etag, _ in fetcher.fetch((url, "") for url in order["feeds"])}

    def work() -> int:
        unchanged = 0
        for _ in range(order["times"]):
            answers = [(url, status) for url, status, _, _ in fetcher.fetch(known.items())]
            unchanged += sum(status == 304 for _, status in answers)
            with database:
                database.executemany("UPDATE news SET date = ? WHERE url = ?", [("now", url) for url, _ in answers])
        return unchanged

    return work


def read_changes(order: Mapping[str, Any], database: sqlite3.Connection) -> Callable[[], int]:
    """The first answers, and publishing, are not measured (`PAUSED`)."""
    fetcher, known = Fetcher(), set[str]()

    def read() -> list[tuple[str, ...]]:
        rows = []
        for _, _, _, body in fetcher.fetch((url, "") for url in order["feeds"]):
            for item in etree.fromstring(body).iter("item"):
                url = item.findtext("link") or ""
                if url not in known:
                    known.add(url)
                    found = (item.findtext(name) or "" for name in ("title", "pubDate", f"{{{CONTENT}}}encoded"))
                    rows.append((url, "", *found))
        return rows

    read()

    def work() -> int:
        changed = 0
        for _ in range(order["times"]):
            began = time.process_time()
            publish(order)
            paused[0] += time.process_time() - began
            changed += write(database, read())
        return changed

    return work


def read_cycle(order: Mapping[str, Any], database: sqlite3.Connection) -> Callable[[], int]:
    """What is out at the start is not measured."""
    fetcher, known = Fetcher(), set[str]()
    tags = {}
    for url, _, etag, body in fetcher.fetch((url, "") for url in order["feeds"]):
        tags[url] = etag
        known.update(list_links(body))
    publish(order)

    def work() -> int:
        answers = [body for _, status, _, body in fetcher.fetch(tags.items()) if status == 200]
        fresh = [url for body in answers for url in list_links(body) if url not in known]
        return write(database, [read_page(url, body) for url, _, _, body in fetcher.fetch((url, "") for url in fresh)])

    return work


def list_links(feed: bytes) -> list[str]:
    return [item.findtext("link") or "" for item in etree.fromstring(feed).iter("item")]


def read_page(url: str, body: bytes) -> tuple[str, ...]:
    root = html.document_fromstring(body)
    return (url, "", root.findtext(".//title") or "", "", root.text_content())


CONTENT = "http://purl.org/rss/1.0/modules/content/"
paused = [0.0]  # CPU seconds that are not the floor's
KINDS = {"fetch": fetch, "pages": read_pages, "polls": poll, "changes": read_changes, "cycle": read_cycle}


def publish(order: Mapping[str, Any]) -> None:
    with urlopen(f"{order['control']}{order['publish']}", timeout=30) as answer:
        answer.read()


def write(database: sqlite3.Connection, rows: list[Any]) -> int:
    with database:
        database.executemany("INSERT INTO news VALUES (?, ?, ?, ?, ?)", rows)
    return len(rows)


def main(kind: str, file: str) -> None:
    order = json.loads(Path(file).read_text(encoding="utf-8"))
    path = Path(file).with_name("floor.db")
    path.unlink(missing_ok=True)
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute(TABLE)
    if "control" in order:
        with urlopen(f"{order['control']}reset", timeout=30) as answer:
            answer.read()
    work = KINDS[kind](order, database)
    began = time.process_time()
    done = work()
    print(json.dumps({"cpu_seconds": time.process_time() - began - paused[0], "done": done}))


if __name__ == "__main__":
    main(*sys.argv[1:])
