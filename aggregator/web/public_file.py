"""Published files for the web server: from memory, revalidated by `stat`, plain, gzip or Brotli.

    path of a URL ─▶ PublicFiles.find ─▶ PublicFile ─▶ choose(headers of the request) ─▶ Answer: status, headers, body

Not Starlette's FileResponse, which derives the ETag from the file's time (a restored backup would cost every subscriber
a download), knows no compressed twin, and reads the disk each time. No file is listed beforehand: what an address may
look like is one strict pattern, and it leaves no room for `..`, hidden files or twins. Symbolic links are not followed.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import stat
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from aggregator.publish.feed_info import Format
from aggregator.publish.twins import CODINGS, TWIN_FROM_BYTES, read_twin
from aggregator.web.conditional import format_http_date, is_browser, is_not_modified, rank_codings
from aggregator.web.headers import SECURITY_HEADERS

logger = logging.getLogger(__name__)

_Stamp = tuple[int, int, int]
Headers = list[tuple[bytes, bytes]]

CAPACITY_BYTES = 64 * 2**20  # a thousand feeds with their twins
MAX_AGE_SECONDS = 300
# What an archive's document holds does not change, but what is taken down has to leave it.
ARCHIVE_MAX_AGE_SECONDS = 3_600

_FORMAT = "|".join(Format)
_WORD = "[a-z0-9]+(?:-[a-z0-9]+)*"  # as identifiers of sources, topics and places
_FEED = re.compile(rf"/feed\.({_FORMAT})|/feeds/(?!archive/){_WORD}/{_WORD}\.({_FORMAT})")
_ARCHIVE = re.compile(rf"/feeds/archive/{_WORD}(?:/{_WORD}){{1,2}}\.({_FORMAT})")
_OTHERS = {
    "/opml.xml": "text/x-opml",
    "/opml-sources.xml": "text/x-opml",
    "/feed.xsl": "application/xslt+xml",
    "/feed.css": "text/css",
}
# What a browser is told that a feed is: under its own name Chromium shows the source, and Firefox saves it to a file.
# Under this one they apply the style sheet.
_SHOWN_AS = {each.media_type: "application/xml" for each in (Format.RSS, Format.ATOM)}
OTHER_PATHS = tuple(_OTHERS)
_WANTED = frozenset({b"accept", b"accept-encoding", b"if-none-match", b"if-modified-since"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An answer, ready to send. `head` is `headers` as they are on the wire."""

    status: int
    headers: Headers
    head: bytes
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class _Variant:
    """One representation of a file, with the answers that it can give."""

    etag: str
    whole: Answer
    shown: Answer  # the same for a browser
    unchanged: Answer


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicFile:
    """A published file as it was when it was read."""

    stamp: _Stamp
    twin_stamps: tuple[_Stamp | None, ...] | None  # None: it has all its twins, nothing better can come
    modified: int
    variants: Mapping[str, _Variant]  # by content coding; the plain one by ""
    size: int  # of all bodies

    def choose(self, headers: Headers) -> Answer:
        """The answer to a GET with these headers; to a HEAD, too, which gets it without the body."""
        wanted = _collect(headers)
        codings = rank_codings(wanted.get(b"accept-encoding", ""))
        variant = next((self.variants[each] for each in codings if each in self.variants), self.variants[""])
        is_unchanged = is_not_modified(
            etag=variant.etag,
            modified=self.modified,
            if_none_match=wanted.get(b"if-none-match"),
            if_modified_since=wanted.get(b"if-modified-since"),
        )
        if is_unchanged:
            return variant.unchanged
        return variant.shown if is_browser(wanted.get(b"accept", "")) else variant.whole


class PublicFiles:
    """The files that `publish.files.write_public` writes below `folder`, by the path of their URL.

    Those asked for last stay in memory, `capacity` bytes of them. `stat` and the rare reload happen on the event loop:
    both are local, and handing them to a thread costs more.
    """

    def __init__(self, folder: Path, capacity: int = CAPACITY_BYTES) -> None:
        self._folder = folder
        self._capacity = capacity
        self._kept: OrderedDict[str, PublicFile] = OrderedDict()
        self.size = 0  # of what is in memory

    def find(self, path: str, query: bytes = b"") -> PublicFile | None:
        """The file as it is now, read again only when it was replaced.

        None: there is no such file, it cannot be read (the log has it), or the query asks for something that is
        rendered (`group=story`). That there is none is not remembered, it costs a `stat`.
        """
        kept = self._kept.get(path)
        if b"group=" in query or (kept is None and not is_public(path)):
            return None
        file = f"{self._folder}{path}"
        stamp = _read_stamp(file)
        if kept is not None and kept.stamp == stamp and kept.twin_stamps in (None, _read_twin_stamps(file)):
            self._kept.move_to_end(path)
            return kept
        self._forget(path)
        return self._read(path, Path(file)) if stamp is not None else None

    def _read(self, path: str, file: Path) -> PublicFile | None:
        try:
            read = read_public_file(file, _describe(path))
        except FileNotFoundError:
            return None
        except OSError as error:
            logger.error("cannot read %s: %s", file, error.strerror)
            return None
        if read.size <= self._capacity:
            self._kept[path] = read
            self.size += read.size
            while self.size > self._capacity:
                self._forget(next(iter(self._kept)))
        return read

    def _forget(self, path: str) -> None:
        gone = self._kept.pop(path, None)
        self.size -= gone.size if gone else 0


def is_public(path: str) -> bool:
    """Whether a published file may have this path, decoded, in its URL. PURE."""
    return path in _OTHERS or bool(_FEED.fullmatch(path) or _ARCHIVE.fullmatch(path))


def read_public_file(file: Path, shared: Mapping[str, str]) -> PublicFile:
    """The file with those of its twins that hold the same, every answer with the headers `shared`. Raises OSError."""
    twin_stamps = _read_twin_stamps(str(file))
    with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW), "rb") as opened:
        status, body = os.fstat(opened.fileno()), opened.read()
    if len(body) >= TWIN_FROM_BYTES:
        twins = {coding.name: twin for coding in CODINGS if (twin := read_twin(file, coding, body)) is not None}
    else:  # compressed all the same: the feed validator complains of what is not
        twins = {coding.name: coding.compress(body) for coding in CODINGS}
    modified = int(status.st_mtime)
    variants = {
        coding: _make_variant(content, coding, {"last-modified": format_http_date(modified), **shared})
        for coding, content in {"": body, **twins}.items()
    }
    is_final = len(twins) == len(CODINGS) or len(body) < TWIN_FROM_BYTES
    return PublicFile(
        stamp=_make_stamp(status),
        twin_stamps=None if is_final else twin_stamps,
        modified=modified,
        variants=variants,
        size=len(body) + sum(map(len, twins.values())),
    )


def _make_variant(content: bytes, coding: str, shared: Mapping[str, str]) -> _Variant:
    """The tag is made of the very bytes: the same after a restart and on every machine that has them."""
    digest = hashlib.sha256(content).hexdigest()[:32]
    etag = f'"{digest}-{coding}"' if coding else f'"{digest}"'
    told = {"etag": etag, **shared}
    unchanged = {name: value for name, value in told.items() if name != "content-type"}
    whole = told | {"content-length": str(len(content))} | ({"content-encoding": coding} if coding else {})
    media_type, _, parameter = told["content-type"].partition(";")
    shown = whole | {"content-type": f"{_SHOWN_AS.get(media_type, media_type)};{parameter}"}
    return _Variant(
        etag=etag,
        whole=_make_answer(200, whole, content),
        shown=_make_answer(200, shown, content),
        unchanged=_make_answer(304, unchanged, content=b""),
    )


def _make_answer(status: int, headers: Mapping[str, str], content: bytes) -> Answer:
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    head = b"".join(b"%b: %b\r\n" % pair for pair in encoded)
    return Answer(status=status, headers=encoded, head=head, body=content)


def _describe(path: str) -> dict[str, str]:
    """What all answers with the file at `path` say."""
    form = path.rpartition(".")[2]
    media_type = _OTHERS.get(path) or Format(form).media_type
    age = ARCHIVE_MAX_AGE_SECONDS if _ARCHIVE.fullmatch(path) else MAX_AGE_SECONDS
    return {
        "content-type": f"{media_type}; charset=utf-8",
        "cache-control": f"public, max-age={age}",
        "vary": "Accept, Accept-Encoding" if media_type in _SHOWN_AS else "Accept-Encoding",
        "access-control-allow-origin": "*",  # readers that run in a browser; there is nothing here that is not public
        **SECURITY_HEADERS,
    }


def _read_stamp(file: str) -> _Stamp | None:
    """None: there is no such file."""
    try:
        status = os.lstat(file)  # at each request: Path.lstat costs half as much again
    except OSError:
        return None
    return _make_stamp(status) if stat.S_ISREG(status.st_mode) else None


def _read_twin_stamps(file: str) -> tuple[_Stamp | None, ...]:
    return tuple(_read_stamp(file + coding.suffix) for coding in CODINGS)


def _make_stamp(status: os.stat_result) -> _Stamp:
    return status.st_mtime_ns, status.st_size, status.st_ino


def _collect(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, str]:
    """The conditional and negotiating headers of a request; those sent twice are one list."""
    collected: dict[bytes, str] = {}
    for name, value in headers:
        if name in _WANTED:
            text = value.decode("latin-1")
            collected[name] = f"{collected[name]}, {text}" if name in collected else text
    return collected


class PublicFilesMiddleware:
    """Answers GET and HEAD for published files before anything else of the application runs.

    The server answers most of these requests itself (`protocol`); here come those that are sent in odd ways, and those
    to a server that is another one.
    """

    def __init__(self, app: ASGIApp, *, files: PublicFiles) -> None:
        self._app = app
        self._files = files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = None
        if scope["type"] == "http" and scope["method"] in {"GET", "HEAD"}:
            found = self._files.find(scope["path"], scope["query_string"])
        if found is None:
            await self._app(scope, receive, send)
            return
        answer = found.choose(scope["headers"])
        await send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
        await send({"type": "http.response.body", "body": answer.body})  # the server leaves it out of a HEAD
