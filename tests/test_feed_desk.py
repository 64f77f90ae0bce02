"""Feeds that are not files, over HTTP: questions in three formats, what is refused and how, and hostile requests."""

from __future__ import annotations

import gzip
import json
import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
from feed_room import FeedRoom
from feed_rules import JSON_SCHEMA, find_all_faults, find_faults
from feed_site import FeedSite, Stage, run_stage
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from newsdesk import RELEASE
from portals import make_setup
from ports import find_port
from test_feeds import report
from test_serve import wait_for

from aggregator.chronicle import Chronicle
from aggregator.feeds import make_feed_path
from aggregator.models import SourceKind
from aggregator.publish.feed_info import Format
from aggregator.search import KEYS
from schedules.web_server import WebServer

ATOM = "{http://www.w3.org/2005/Atom}"
HUB = "https://hub.example/"
ITEMS = 60
# Two pieces of news on one event, in other words.
OPENING = [
    "Rapat kerja nasional APEKSI dibuka di Lapangan Karebosi, Makassar, Jumat (19/6). Sebanyak 98 wali kota hadir.",
    "Pembukaan di Karebosi dimeriahkan pawai budaya, dan Wali Kota Makassar menyambut tamu rakernas APEKSI.",
]
ANGLE = [
    "Hotel di sekitar Karebosi penuh sejak rakernas APEKSI dimulai. Pedagang Makassar melayani tamu 98 kota (19/6).",
    "Pelaku usaha di Lapangan Karebosi berharap rapat kerja nasional APEKSI di Makassar digelar lagi.",
]

every_format = pytest.mark.parametrize("ending", list(Format))


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with run_stage() as stage:
        yield stage


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeedSite]:
    """Four days after its news: sixty items, a release at two portals, a story of two items."""
    with run_stage() as stage:
        site = FeedSite(tmp_path_factory.mktemp("desk"), stage, websub_hubs=(HUB,), empty_feeds=True)
        for number in range(ITEMS):
            report(site, number, source=f"kabar-{number % 3}")
        site.press()
        site.publish_at("pemkot", "rilis", RELEASE, kind=SourceKind.CITY_GOVERNMENT)
        site.publish_at("kabar-0", "rilis", RELEASE, hour=7)
        site.publish_at("kabar-1", "pembukaan", OPENING)
        site.publish_at("kabar-2", "hotel", ANGLE)
        with site.store.transaction():
            Chronicle(site.store, site.now).look()
        site.press()
        site.press(minutes=96 * 60)
        yield site
        site.store.close()


def ask(site: FeedSite, path: str, *, method: str = "GET", **headers: str) -> httpx.Response:
    """A request that sends only the headers named."""
    sent = {"Accept-Encoding": "identity"} | {name.replace("_", "-"): value for name, value in headers.items()}
    with httpx.Client(trust_env=False, timeout=60) as client:
        return client.request(method, f"{site.address}{path}", headers=sent)


def check(site: FeedSite, answer: httpx.Response) -> list[str]:
    """That the answer is a valid document of its format, at its own address; its guids."""
    url = str(answer.request.url)
    ending = Format(url.partition("?")[0].rpartition(".")[2])
    assert answer.headers["content-type"] == f"{ending.media_type}; charset=utf-8", answer.text
    assert find_all_faults(answer.content, url=url, now=site.now) == []
    if ending is Format.JSON:
        return [item["id"] for item in answer.json()["items"]]
    root = etree.fromstring(answer.content)
    if ending is Format.ATOM:
        return [entry.text or "" for entry in root.findall(f"{ATOM}entry/{ATOM}id")]
    return [guid.text or "" for guid in root.findall("channel/item/guid")]


def read_words(answer: httpx.Response) -> str:
    """All that the document says of itself, as one text."""
    if answer.headers["content-type"].startswith(Format.JSON.media_type):
        document = answer.json()
        return f"{document['title']} {document['description']}"
    return " ".join("".join(etree.fromstring(answer.content).itertext()).split())


def find_next(answer: httpx.Response) -> str:
    """The address of the next page, without the host; "" on the last."""
    if answer.headers["content-type"].startswith(Format.JSON.media_type):
        url = answer.json().get("next_url", "")
    else:
        link = etree.fromstring(answer.content).find(f".//{ATOM}link[@rel='next']")
        url = "" if link is None else link.get("href", "")
    return re.sub(r"https?://[^/]+", "", url)


# ── questions ──────────────────────────────────────────────────────────────────────────────────────────────────────


@every_format
@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 50),
        ("q=apeksi", 50),
        ("q=kunjungan+pengurus", 1),
        ("q=%22pawai+budaya%22", 1),
        ("q=karebosi+-pawai", 1),
        ("q=karebo*", 2),
        ("q=apeksi&topic=apeksi&city=kota-gorontalo&source=kabar-0&lang=en", 21),
        ("source=kabar-0&q=apeksi&city=kota-gorontalo&topic=apeksi", 21),
        ("city=Kota-Gorontalo&city=kota-bandung", 50),
        ("kind=city-government", 1),
        ("province=sulawesi-selatan", 2),
        ("komwil=6&source=pemkot", 1),
        ("q=karebosi&group=story", 1),
        ("q=tidakadakataini", 0),
        ("since=2026-10-05", 50),
        ("since=2026-10-05T06:30:00%2B00:00&q=rilis", 0),
        ("since=1d", 0),
        ("since=3000d&utm_source=surat", 50),
        ("q=smart%20city", 0),
    ],
)
def test_questions_are_answered_in_every_format(site: FeedSite, ending: str, query: str, count: int) -> None:
    answer = ask(site, f"/feeds/search.{ending}" + (f"?{query}" if query else ""))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=300"
    guids = check(site, answer)
    assert (len(guids), len(set(guids))) == (count, count)
    assert HUB not in answer.text  # nobody tells a hub of searches
    assert bool(find_next(answer)) == (count == 50)


@every_format
@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("id", ["Komisariat Wilayah II atau Komisariat Wilayah VI", "7 hari terakhir"]),
        ("en", ["Regional commissariat II or Regional commissariat VI", "last 7 days", "one item for each release"]),
    ],
)
def test_labels_are_in_the_language_that_was_asked_for(
    site: FeedSite, ending: str, lang: str, words: list[str]
) -> None:
    answer = ask(site, f"/feeds/search.{ending}?q=rapat&komwil=6&komwil=2&since=7d&lang={lang}")
    check(site, answer)
    said = read_words(answer)
    assert [each for each in words if each.lower() not in said.lower()] == []
    assert "“rapat”" in said


@every_format
def test_copies_are_told_in_the_language_that_was_asked_for(site: FeedSite, ending: str) -> None:
    assert "Juga diberitakan" in ask(site, f"/feeds/search.{ending}?kind=city-government").text
    assert "Also reported by" in ask(site, f"/feeds/search.{ending}?kind=city-government&lang=en").text


@every_format
@pytest.mark.parametrize("path", ["/feed", "/feeds/topic/apeksi", "/feeds/city/kota-makassar", "/feeds/search"])
def test_a_story_is_one_item_with_all_that_carry_it(site: FeedSite, ending: str, path: str) -> None:
    answer = ask(site, f"{path}.{ending}?group=story")
    guids = check(site, answer)
    stories = [guid for guid in guids if guid.startswith("tag:kabarkota,2026:story/")]
    assert stories
    assert len(set(guids)) == len(guids)
    assert "/pembukaan" in answer.text
    assert "/hotel" in answer.text
    if path != "/feeds/city/kota-makassar":
        return
    assert len(guids) == 1
    assert len(check(site, ask(site, f"{path}.{ending}"))) == 2  # the file


@every_format
def test_pages_lead_to_the_last_item_and_no_further(site: FeedSite, ending: str) -> None:
    found: list[str] = []
    path = f"/feeds/search.{ending}?topic=apeksi&lang=en"
    while path:
        answer = ask(site, path)
        found += check(site, answer)
        path = find_next(answer)
    assert len(found) == len(set(found))
    assert set(found) == site.list_published()
    beyond = ask(site, f"/feeds/search.{ending}?{urlencode({'before': found[-1]})}")
    assert (beyond.status_code, check(site, beyond)) == (200, [])


@every_format
def test_an_unchanged_answer_is_not_sent_again(site: FeedSite, ending: str) -> None:
    path = f"/feeds/search.{ending}?q=apeksi"
    first = ask(site, path)
    again = ask(site, path, If_None_Match=first.headers["etag"])
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert ask(site, path, If_None_Match='"another"').status_code == 200
    head = ask(site, path, method="HEAD")
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", first.headers["etag"])
    assert int(head.headers["content-length"]) == len(first.content)
    with httpx.Client(trust_env=False, timeout=60) as client, client.stream("GET", site.address + path) as compressed:
        assert compressed.headers["content-encoding"] == "gzip"
        assert compressed.headers["vary"] == "Accept-Encoding"
        assert gzip.decompress(b"".join(compressed.iter_raw())) == first.content


@every_format
@pytest.mark.parametrize("name", ["all", "topic/apeksi", "city/kota-gorontalo", "city/kota-bandung", "source/kabar-1"])
def test_a_feed_without_its_file_is_what_publishing_writes(site: FeedSite, ending: str, name: str) -> None:
    path = make_feed_path(name, ending)
    file = site.public / path
    published = file.read_bytes()
    hidden = file.rename(file.with_name("hidden"))
    try:
        answer = ask(site, f"/{path}")
    finally:
        hidden.rename(file)
    assert (answer.status_code, answer.content) == (200, published)
    assert HUB in answer.text
    check(site, answer)


@pytest.mark.slow
def test_the_window_of_the_configuration_holds_without_a_file(tmp_path: Path) -> None:
    with run_stage() as stage:
        site = FeedSite(tmp_path, stage, feed_items=3, feed_hours=1)
        for number in range(8):
            report(site, number)
            site.press(minutes=20)
        site.press()
        for ending in Format:
            file = site.public / f"feed.{ending}"
            published = file.read_bytes()
            file.unlink()
            answer = ask(site, f"/feed.{ending}")
            assert answer.content == published
            assert len(check(site, answer)) == 3
        site.store.close()


@pytest.mark.slow
def test_the_process_is_told_the_window_and_the_hubs(tmp_path: Path) -> None:
    room = FeedRoom(tmp_path, feed_items=3, feed_hours=1, websub_hubs=(HUB,))
    for number in range(5):
        report(room, number)
    room.press()
    room.press(minutes=120)
    file = room.public / "feed.atom"
    published = file.read_bytes()
    file.unlink()
    setup = replace(make_setup(tmp_path), data_folder=tmp_path, aggregator=room.settings)
    with WebServer(setup, host="127.0.0.1", port=find_port()) as server:
        url = f"http://127.0.0.1:{server._port}/feed.atom"
        wait_for(lambda: server.watch() and server.has_answered)
        assert httpx.get(url, trust_env=False, timeout=60).content == published
    room.store.close()


# ── refusals ───────────────────────────────────────────────────────────────────────────────────────────────────────


@every_format
@pytest.mark.parametrize(
    ("path", "query", "says"),
    [
        ("/feeds/city/gorontalo", "", "kota-gorontalo"),
        ("/feeds/city/kota-bandng", "lang=en", "Perhaps kota-bandung, kota-"),
        ("/feeds/province/sulsel", "", "Tidak ada provinsi “sulsel”."),
        ("/feeds/topic/apexi", "lang=EN", "Perhaps apeksi was meant."),
        ("/feeds/source/kabar", "", "kabar-0, kabar-1, kabar-2"),
        ("/feeds/planet/kota-batu", "", "city/kota-batu"),
        ("/feeds/kota-gorontalo", "lang=en", "Perhaps city/kota-gorontalo was meant."),
        ("/feeds/city/jawa/kota-bogor", "", "city/kota-bogor"),
        ("/feeds/city/%3Cb%3E%22", "", 'Tidak ada kota “< b>"”.'),
        ("/feeds/city/%00%ED%A0%80%FF", "", "Tidak ada kota"),
        ("/feeds/city/" + "x" * 5_000, "", "x" * 64 + "”"),
        ("/feeds/search", "city=gorontalo", "kota-gorontalo"),
        ("/feeds/search", "topic=apeksi&topic=apexi&lang=en", "There is no topic “apexi”. Perhaps apeksi was meant."),
        ("/feeds/search", "source=%3Cscript%3E&lang=en", "There is no source “< script>”."),
        ("/feeds/search", "before=tag:nobody", "Tidak ada berita dengan guid ini"),
        ("/feed", "group=story&before=x&lang=en", "There is no news with this guid"),
        ("/feeds/archive/all/99", "", "/feed."),
        ("/feeds/archive/topic/apeksi/99-1", "lang=en", "begin again at"),
        ("/feeds/archive/%3Cb%3E/1", "lang=en", "begin again at"),
        ("/feeds/archive/1", "", "Tidak ada archive “1”"),
    ],
)
def test_what_is_not_there_is_told_in_the_format_with_a_hint(
    site: FeedSite, ending: str, path: str, query: str, says: str
) -> None:
    answer = ask(site, f"{path}.{ending}" + (f"?{query}" if query else ""))
    assert answer.status_code == 404
    assert answer.headers["cache-control"] == "no-store"
    assert check(site, answer) == []
    assert says in read_words(answer)
    assert HUB not in answer.text


@every_format
@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("q=" + "x" * 10_240, "q: lebih panjang dari 300 karakter"),
        ("q=***", "q: tidak ada kata"),
        ("q=%00", "q: tidak ada kata"),
        ("q=-jakarta", "q: hanya menyebut yang tidak dicari"),
        ("since=kemarin", "since: harus tanggal seperti"),
        ("q=apeksi&order=relevance", "order: feed selalu berurutan dari yang terbaru"),
        ("q=judul:&lang=en", "q: judul: needs a word right behind it"),
        ("group=portal&lang=en", "The search cannot be read: group: can be story only"),
        ("kota=gorontalo", "kota: bukan kunci pencarian; yang ada: q, topic, city"),
        ("%3Cscript%3E=1", "< script>: bukan kunci"),
        ("&".join(f"a{number}=1" for number in range(1_000)), "a0: bukan kunci"),
        ("&".join(f"city=kota-{number}" for number in range(1_000)), "lebih dari 50 nilai"),
    ],
)
def test_a_bad_question_is_told_in_the_format(site: FeedSite, ending: str, query: str, says: str) -> None:
    answer = ask(site, f"/feeds/search.{ending}?{query}")
    assert answer.status_code == 400
    assert check(site, answer) == []
    assert says in read_words(answer)


@every_format
@pytest.mark.parametrize("path", ["/feed", "/feeds/search", "/feeds/city/kota-batu", "/feeds/nonsense"])
@pytest.mark.parametrize("has_database", [False, True], ids=["no database", "nothing published"])
def test_before_the_first_publish_a_reader_is_asked_to_wait(
    tmp_path: Path, stage: Stage, ending: str, path: str, has_database: bool
) -> None:
    site = FeedSite(tmp_path, stage)
    site.store.close()
    if not has_database:
        for file in tmp_path.glob("news.db*"):
            file.unlink()
    answer = ask(site, f"{path}.{ending}")
    if has_database and path == "/feeds/search":
        assert (answer.status_code, check(site, answer)) == (200, [])
        return
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert check(site, answer) == []
    assert "belum" in read_words(answer)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", ["/feeds/search.xml?q=apeksi", "/feed.xml", "/feeds/city/none.json", "/feeds/x.atom"])
def test_only_reading_is_allowed(site: FeedSite, method: str, path: str) -> None:
    answer = ask(site, path, method=method)
    assert answer.status_code == 405
    assert {each.strip() for each in answer.headers["allow"].split(",")} == {"GET", "HEAD"}


# ── hostile requests ───────────────────────────────────────────────────────────────────────────────────────────────


def send(site: FeedSite, request_line: bytes, host: bytes = b"evil.example") -> tuple[int, bytes]:
    """(status, the whole answer) to a request that no well-behaved client would send."""
    address = site.address.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1])), timeout=30) as connection:
        connection.sendall(request_line + b" HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    return int(answer.split(b" ", 2)[1]), answer


@pytest.mark.parametrize("host", [b"evil.example", b"evil.example:80/evil.example", b"evil.example\x00", b""])
@pytest.mark.parametrize(
    "target",
    [
        b"/",
        b"/feed.xml",
        b"/feed.xml?group=story",
        b"/feed.xml/",
        b"/status/",
        b"/static",
        b"/feeds/",
        b"/feeds/search.xml/",
        b"/feeds/search.json?q=apeksi",
        b"/feeds/search.atom?q=apeksi&q=-",
        b"/feeds/city/gorontalo.xml",
        b"/feeds/archive/all/99.atom",
        b"//evil.example/feeds/x.xml",
        b"http://evil.example/feeds/search.xml?q=apeksi",
    ],
)
def test_the_host_that_was_asked_for_is_never_told(site: FeedSite, target: bytes, host: bytes) -> None:
    status, answer = send(site, b"GET " + target, host)
    assert status in {200, 400, 404}
    assert b"location:" not in answer.lower()
    if not target.startswith(b"//"):  # that is a path, and told as one
        assert b"evil.example" not in answer


@pytest.mark.parametrize(
    ("query", "statuses"),
    [
        (b"q=%ED%A0%80%ED%B0%80+apeksi", {200}),  # lone surrogates
        (b"q=apeksi%FF%FE%C0%80", {200}),  # no UTF-8
        (b"q=apeksi\xff\xfe", {200, 400}),
        (b"q=a%00b+apeksi", {200}),
        (b"q=%F0%9F%98%80+apeksi%E2%80%AE", {200}),
        (b"q=%EF%BF%BE+%EF%BF%BF+apeksi", {200}),
        (b"q=%zz+apeksi%", {200}),
        (b"q=apeksi;DROP+TABLE+articles", {200}),
        (b"q=%22apeksi%22+OR+title:xyz*+NEAR(a,b)+%5E+%7Ba%7D", {200}),
        (b"q=a+AND+NOT+%22", {200}),
        (b"q=%5D%5D%3E%3C/title%3E%3C!--apeksi", {200}),
        (b"since=2026-10-05%E2%80%9C08:00&q=apeksi", {200}),
        (b"since=99999999d", {400}),
        (b"since=0001-01-01T00:00:00%2B23:59", {200}),
        (b"since=9999-12-31T23:59:59-23:59", {200}),
        (b"before=%00%FF%ED%A0%80", {404}),
        (b"before=" + b"x" * 20_000, {404}),
        (b"city=..%2F..%2Fetc", {404}),
        (b"city=%00", {404}),
        (b"lang=%FF", {400}),
    ],
)
def test_nothing_that_is_asked_breaks_anything(site: FeedSite, query: bytes, statuses: set[int]) -> None:
    for ending in Format:
        status, answer = send(site, b"GET /feeds/search." + ending.encode() + b"?" + query)
        body = answer.partition(b"\r\n\r\n")[2]
        assert status in statuses
        if status == 400 and not body:  # the parser of HTTP refused it
            continue
        if ending is Format.JSON:
            JSON_SCHEMA.validate(json.loads(body))
        else:
            asked = query.decode("latin-1")
            faults = find_faults(body, url=f"{site.address}/feeds/search.{ending}?{asked}", now=site.now)
            assert [fault for fault in faults if "%zz" not in query.decode("latin-1")] == []


def test_a_head_too_long_is_refused(site: FeedSite) -> None:
    status, _ = send(site, b"GET /feeds/search.xml?q=" + b"x" * 70_000)
    assert status in {400, 414, 431}


_VALUES = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["apeksi", "kota-gorontalo", "kabar-1", "6", "story", "en", "id", "7d", "yes", '"', "-x", "ape*"]),
)
_QUERIES = st.lists(st.tuples(st.one_of(st.sampled_from(KEYS), st.text(max_size=8)), _VALUES), max_size=6)


@pytest.mark.slow
@settings(max_examples=60)
@given(_QUERIES, st.sampled_from(list(Format)), st.sampled_from(["/feeds/search", "/feed", "/feeds/city/kota-batu"]))
def test_any_question_has_an_answer_in_the_format(
    site: FeedSite, query: list[tuple[str, str]], ending: Format, path: str
) -> None:
    asked = urlencode(query, errors="replace", quote_via=quote)
    answer = ask(site, f"{path}.{ending}" + (f"?{asked}" if asked else ""))
    assert answer.status_code in {200, 400, 404}
    is_file = path != "/feeds/search" and not any(key == "group" and value.strip() for key, value in query)
    if not is_file:
        check(site, answer)


def test_queries_of_a_feed_say_nothing_of_its_file(site: FeedSite) -> None:
    body: Any = (site.public / "feed.xml").read_bytes()
    assert ask(site, "/feed.xml?utm_source=surat&q=apeksi").content == body
