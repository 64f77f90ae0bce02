"""Which published files the web server has, how it keeps them, and what it answers with them."""

from __future__ import annotations

import gzip
import os
from email.utils import formatdate
from pathlib import Path

import brotli
import pytest

from aggregator.publish.files import remove_public, write_public
from aggregator.web.public_file import Answer, PublicFiles, is_public

BODY = b"<rss>kabar kota</rss>" * 100
LATER = b"<rss>kabar kemudian</rss>" * 100


@pytest.fixture
def public(tmp_path: Path) -> Path:
    return tmp_path / "public"


def get(files: PublicFiles, path: str, **headers: str) -> Answer:
    found = files.find(path)
    assert found is not None
    sent = [(name.replace("_", "-").lower().encode(), value.encode()) for name, value in headers.items()]
    return found.choose(sent)


def read_header(answer: Answer, name: str) -> str:
    return dict(answer.headers).get(name.encode(), b"").decode()


@pytest.mark.parametrize(
    "path",
    [
        "/feed.xml",
        "/feed.atom",
        "/feed.json",
        "/feed.xsl",
        "/opml.xml",
        "/opml-sources.xml",
        "/feeds/topic/apeksi.xml",
        "/feeds/city/kota-gorontalo.atom",
        "/feeds/komwil/6.json",
        "/feeds/kind/city-government.xml",
        "/feeds/source/dua-belas-12.xml",
        "/feeds/archive/all/1.xml",
        "/feeds/archive/topic/apeksi/12-37.json",
    ],
)
def test_published_files_are_found_by_their_paths(public: Path, path: str) -> None:
    files = PublicFiles(public)
    assert files.find(path) is None
    write_public(public / path[1:], BODY)
    assert get(files, path).body == BODY


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/feed",
        "/feed.xml/",
        "//feed.xml",
        "/feed.xml.gz",
        "/feed.xml.br",
        "/.feed.xml.tmp",
        "/feed.rss",
        "/FEED.XML",
        "/feed.xml\n",
        "/feed.xml\0",
        "/feedxxml",
        "/opml.json",
        "/opmlxxml",
        "/news.db",
        "/../news.db",
        "/feeds/../feed.xml",
        "/feeds/../../news.xml",
        "/feeds/..%2f/feed.xml",
        "/feeds/./feed.xml",
        "/feeds/topic/.xml",
        "/feeds/topic/-.xml",
        "/feeds/topic/.apeksi.xml",
        "/feeds/topic/a.b.xml",
        "/feeds/topic/apeksi.xml.gz",
        "/feeds/topic/apeksi",
        "/feeds/topic.xml",
        "/feeds/search.xml",
        "/feeds/a/b/c.xml",
        "/feeds/archive/1.xml",
        "/feeds/archive/a/b/c/1.xml",
        "/feeds/archive/../topic/1.xml",
        "/feeds/archive/all/../1.xml",
        "/feeds/topic/kota-cerdas²3.xml",
        "/feeds\\topic\\apeksi.xml",
        "C:/feeds/topic/apeksi.xml",
        "/" + "a" * 5_000,
    ],
)
def test_no_other_path_leads_to_a_file(path: str) -> None:
    assert not is_public(path)


@pytest.mark.parametrize("path", ["/feeds/topic/" + "a" * 5_000 + ".xml", "/feeds/archive/" + "a-" * 9_999 + "a/1.xml"])
def test_a_name_longer_than_any_file_is_no_file(public: Path, path: str) -> None:
    public.mkdir()
    assert is_public(path)
    assert PublicFiles(public).find(path) is None


def test_a_folder_of_that_name_is_no_file(public: Path) -> None:
    (public / "feed.xml").mkdir(parents=True)
    assert PublicFiles(public).find("/feed.xml") is None


def test_a_link_is_no_file(public: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    public.mkdir()
    (public / "feed.xml").symlink_to(tmp_path / "secret")
    assert PublicFiles(public).find("/feed.xml") is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_logged_and_not_there(public: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_public(public / "feed.xml", BODY)
    (public / "feed.xml").chmod(0)
    assert PublicFiles(public).find("/feed.xml") is None
    assert "feed.xml: Permission denied" in caplog.text


def test_a_query_for_something_rendered_finds_no_file(public: Path) -> None:
    write_public(public / "feed.xml", BODY)
    files = PublicFiles(public)
    for query, found in ((b"group=story", False), (b"a=1&group=", False), (b"utm_source=x", True), (b"", True)):
        assert (files.find("/feed.xml", query) is not None) is found
    assert files.find("/feed.xml", b"group=story") is None  # nor when it is in memory


@pytest.mark.parametrize(
    ("path", "media_type", "age"),
    [
        ("/feed.xml", "application/rss+xml", 300),
        ("/feed.atom", "application/atom+xml", 300),
        ("/feeds/topic/apeksi.json", "application/feed+json", 300),
        ("/feeds/archive/all/1.xml", "application/rss+xml", 3_600),
        ("/opml.xml", "text/x-opml", 300),
        ("/opml-sources.xml", "text/x-opml", 300),
        ("/feed.xsl", "application/xslt+xml", 300),
    ],
)
def test_answers_say_what_the_file_is(public: Path, path: str, media_type: str, age: int) -> None:
    write_public(public / path[1:], BODY)
    files = PublicFiles(public)
    whole = get(files, path)
    again = get(files, path, If_None_Match=read_header(whole, "etag"))
    assert (whole.status, again.status, again.body) == (200, 304, b"")
    assert read_header(whole, "content-type") == f"{media_type}; charset=utf-8"
    assert read_header(whole, "content-length") == str(len(BODY))
    for answer in (whole, again):
        assert read_header(answer, "cache-control") == f"public, max-age={age}"
        assert "Accept-Encoding" in read_header(answer, "vary")
        assert read_header(answer, "access-control-allow-origin") == "*"
        assert read_header(answer, "x-content-type-options") == "nosniff"
        assert answer.head == b"".join(name + b": " + value + b"\r\n" for name, value in answer.headers)
    assert not read_header(again, "content-type")
    assert not read_header(again, "content-length")


@pytest.mark.parametrize(
    ("path", "shown_as"),
    [
        ("/feed.xml", "application/xml"),
        ("/feed.atom", "application/xml"),
        ("/feed.json", "application/feed+json"),
        ("/opml.xml", "text/x-opml"),
        ("/feed.xsl", "application/xslt+xml"),
    ],
)
def test_browsers_are_told_a_type_under_which_they_apply_the_style_sheet(
    public: Path, path: str, shown_as: str
) -> None:
    write_public(public / path[1:], BODY)
    files = PublicFiles(public)
    of_reader = get(files, path, Accept="application/rss+xml, application/xml;q=0.9, */*;q=0.1")
    of_browser = get(files, path, Accept="text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
    assert read_header(of_browser, "content-type") == f"{shown_as}; charset=utf-8"
    is_same = of_reader.headers == of_browser.headers
    assert is_same is (shown_as != "application/xml")
    assert (read_header(of_browser, "vary") == "Accept, Accept-Encoding") is not is_same
    assert (of_browser.body, read_header(of_browser, "etag")) == (of_reader.body, read_header(of_reader, "etag"))


def test_each_representation_has_a_tag_of_its_own_that_its_bytes_make(public: Path, tmp_path: Path) -> None:
    tags = []
    for folder in (public, tmp_path / "another-machine"):
        write_public(folder / "feed.xml", BODY)
        os.utime(folder / "feed.xml", (len(tags), len(tags)))
        files = PublicFiles(folder)
        answers = {coding: get(files, "/feed.xml", Accept_Encoding=coding) for coding in ("identity", "gzip", "br")}
        tags.append([read_header(answer, "etag") for answer in answers.values()])
        assert gzip.decompress(answers["gzip"].body) == brotli.decompress(answers["br"].body) == BODY
        assert [read_header(answer, "content-encoding") for answer in answers.values()] == ["", "gzip", "br"]
        assert all(read_header(answer, "content-length") == str(len(answer.body)) for answer in answers.values())
    assert tags[0] == tags[1]
    assert len(set(tags[0])) == 3
    assert all(tag.startswith('"') for tag in tags[0])
    (public / "feed.xml.gz").write_bytes(gzip.compress(BODY, compresslevel=1, mtime=0))  # by another zlib
    other = get(PublicFiles(public), "/feed.xml", Accept_Encoding="gzip")
    assert gzip.decompress(other.body) == BODY
    assert read_header(other, "etag") not in tags[0]


def test_what_the_client_would_rather_have_is_sent_where_it_is_there(public: Path) -> None:
    write_public(public / "feed.xml", BODY)
    (public / "feed.xml.br").unlink()
    files = PublicFiles(public)
    assert read_header(get(files, "/feed.xml", Accept_Encoding="br, gzip"), "content-encoding") == "gzip"
    assert get(files, "/feed.xml", Accept_Encoding="br").body == BODY
    assert get(files, "/feed.xml").body == BODY
    write_public(public / "feed.xml", BODY)  # makes the twin good
    assert read_header(get(files, "/feed.xml", Accept_Encoding="br, gzip"), "content-encoding") == "br"


@pytest.mark.parametrize("suffix", [".gz", ".br"])
def test_a_twin_of_another_body_is_never_sent(public: Path, suffix: str) -> None:
    write_public(public / "feed.xml", BODY)
    files = PublicFiles(public)
    get(files, "/feed.xml")
    write_public(public / "other.xml", LATER)
    (public / f"other.xml{suffix}").replace(public / f"feed.xml{suffix}")  # as between two renames
    os.utime(public / "feed.xml", (1, 1))
    coding = {".gz": "gzip", ".br": "br"}[suffix]
    for known in (files, PublicFiles(public)):
        answer = get(known, "/feed.xml", Accept_Encoding=coding)
        assert (answer.body, read_header(answer, "content-encoding")) == (BODY, "")
    write_public(public / "feed.xml", LATER)
    assert read_header(get(files, "/feed.xml", Accept_Encoding=coding), "content-encoding") == coding


def test_conditions_are_those_of_the_representation(public: Path) -> None:
    write_public(public / "feed.xml", BODY)
    files = PublicFiles(public)
    plain, packed = (read_header(get(files, "/feed.xml", Accept_Encoding=each), "etag") for each in ("", "gzip"))
    date = formatdate((public / "feed.xml").stat().st_mtime, usegmt=True)
    assert read_header(get(files, "/feed.xml"), "last-modified") == date
    cases = (
        ({"If_None_Match": plain}, 304),
        ({"If_None_Match": f"W/{plain}"}, 304),
        ({"If_None_Match": f'"a", {plain}, "b"'}, 304),
        ({"If_None_Match": "*"}, 304),
        ({"If_None_Match": packed}, 200),
        ({"If_None_Match": packed, "Accept_Encoding": "gzip"}, 304),
        ({"If_None_Match": plain, "Accept_Encoding": "gzip"}, 200),
        ({"If_Modified_Since": date}, 304),
        ({"If_Modified_Since": date, "If_None_Match": '"other"'}, 200),
        ({"If_Modified_Since": "Mon, 05 Oct 1998 06:05:00 GMT"}, 200),
    )
    for headers, status in cases:
        assert get(files, "/feed.xml", **headers).status == status, headers


def test_a_file_is_read_again_when_it_was_replaced_and_gone_when_it_was_removed(public: Path) -> None:
    files = PublicFiles(public)
    for body in (BODY, LATER, b"short", BODY):
        write_public(public / "feed.xml", body)
        assert get(files, "/feed.xml").body == body
    remove_public(public / "feed.xml")
    assert files.find("/feed.xml") is None
    write_public(public / "feed.xml", LATER)
    assert get(files, "/feed.xml").body == LATER


def test_an_unchanged_file_is_not_read_again(public: Path) -> None:
    write_public(public / "feed.xml", BODY)
    files = PublicFiles(public)
    first = files.find("/feed.xml")
    assert files.find("/feed.xml") is first


def test_no_more_is_kept_in_memory_than_was_allowed(public: Path) -> None:
    bodies = {f"/feeds/source/s{number}.xml": os.urandom(1_000) for number in range(12)}
    for path, body in bodies.items():
        write_public(public / path[1:], body)
    write_public(public / "feed.xml", os.urandom(20_000))
    files = PublicFiles(public, capacity=10_000)
    kept = "/feeds/source/s0.xml"
    first = files.find(kept)
    for path, body in bodies.items():
        assert get(files, path).body == body
        assert files.find(kept) is first  # asked for all the time
        assert files.size <= 10_000
    assert files.find("/feeds/source/s1.xml") is not None
    before = files.size
    assert len(get(files, "/feed.xml").body) == 20_000  # too long to be kept, and served all the same
    assert files.size == before
    for path in bodies:
        remove_public(public / path[1:])
        assert files.find(path) is None
    assert files.size == 0


def test_asking_for_what_is_not_there_fills_no_memory(public: Path) -> None:
    public.mkdir()
    files = PublicFiles(public)
    for number in range(1_000):
        assert files.find(f"/feeds/source/s{number}.xml") is None
    assert files.size == 0
    assert not files._kept
