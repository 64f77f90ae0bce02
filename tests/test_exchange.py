"""Sources as CSV, TSV and OPML, out and in; and the ids of those that come without one."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from typer.testing import CliRunner, Result

from aggregator.models import Channel, ChannelKind, Source, SourceEvidence, SourceKind
from crawler.catalogue import CatalogueError, load_catalogue
from crawler.catalogue.entries import check_slug
from crawler.catalogue.exchange import COLUMNS, Format, read_sources, write_opml, write_table
from crawler.catalogue.naming import MAX_SLUG, fold_slug, make_slug
from schedules.commands import sources
from schedules.commands.context import CommandContext
from schedules.errors import RunFailure, UsageFailure

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
BUILT_IN = load_catalogue().sources
OVERLAY = Path("data/sources.toml")
HEADER = "id,name,domain,feed\n"
GOOD_ROW = "bay-news,Bay News,bay.example,https://bay.example/feed/\n"
SMALL = """\
[sources.harbour-post]
name = "Harbour Post"
domain = "harbour.example"
city = "kota-ambon"
channels = [{ kind = "feed", url = "https://harbour.example/feed/" }]

[sources.valley-post]
name = "Valley Post"
domain = "valley.example"
enabled = false
channels = [{ kind = "listing", url = "https://valley.example/tag/apeksi" }]
"""

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`kabarkota sources …` with the small catalogue, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    catalogue = tmp_path / "catalogue.toml"
    catalogue.write_text(SMALL, encoding="utf-8")
    context = CommandContext(catalogue_path=catalogue, data_folder=Path("data"))
    main = typer.Typer()
    main.add_typer(sources.app, name="sources")

    @main.callback()
    def set_context(ctx: typer.Context) -> None:
        ctx.obj = context

    return lambda *arguments: CliRunner().invoke(main, ("sources", *arguments))


def read(result: Result) -> str:
    """What a command that succeeded printed."""
    assert result.exception is None, result.output
    assert result.exit_code == 0
    return result.stdout


def make_source(source_id: str = "bay-news", *urls: str, **values: object) -> Source:
    channels = tuple(Channel(kind=ChannelKind.FEED, url=url) for url in urls or ("https://bay.example/feed/",))
    source = Source(id=source_id, name="Bay News", domain="bay.example", channels=channels)
    return replace(source, **values)  # type: ignore[arg-type]


def go_round(source: Source, form: Format = "csv") -> Source:
    """The source after a way through a table."""
    (back,) = read_sources(write_table([source], "," if form == "csv" else "\t"), form, origin="x")
    return back


def write_outlines(*outlines: str) -> str:
    return f'<?xml version="1.0"?>\n<opml version="2.0"><head/><body>{"".join(outlines)}</body></opml>'


def write_outline(url: str, text: str = "Bay News", home: str = "") -> str:
    return f'<outline type="rss" text="{text}" xmlUrl="{url}"' + (f' htmlUrl="{home}"/>' if home else "/>")


def load(tmp_path: Path) -> dict[str, Source]:
    catalogue = load_catalogue(tmp_path / "catalogue.toml", overlay=OVERLAY)
    return {source.id: source for source in catalogue.sources}


# ── tables ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("form", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_nothing_of_the_built_in_catalogue_is_lost_but_what_is_said(form: Format, delimiter: str) -> None:
    text = write_table(BUILT_IN, delimiter)
    assert text.partition("\n")[0].split(delimiter) == list(COLUMNS)
    expected = [
        replace(source, channels=tuple(replace(channel, selectors=None, max_pages=1) for channel in source.channels))
        for source in BUILT_IN
    ]
    assert read_sources(text, form, origin="x") == expected


def test_table_has_a_row_for_each_source() -> None:
    rows = list(csv.DictReader(io.StringIO(write_table(BUILT_IN, ","))))
    assert [row["id"] for row in rows] == [source.id for source in BUILT_IN]


@pytest.mark.parametrize("form", ["csv", "tsv"])
@pytest.mark.parametrize(
    "source",
    [
        make_source(name='Bay "News", the; best'),
        make_source(name="Kabar – Teluk 🐟"),
        make_source(note="one\ttab, one\nline"),
        make_source(kind=SourceKind.MINISTRY, province="Maluku", city="kota-ambon", timezone="Asia/Jayapura"),
        make_source(enabled=False, evidence=SourceEvidence.UNPROBED, channels=()),
        make_source(discovery=True, language="en"),
        make_source("bay-news", "https://bay.example/a", "https://bay.example/b"),
        make_source(
            channels=(
                Channel(kind=ChannelKind.SITEMAP, url="https://bay.example/s.xml"),
                Channel(kind=ChannelKind.WORDPRESS, url="https://bay.example/", terms=("apeksi", "kota pintar")),
                Channel(kind=ChannelKind.LISTING, url="https://bay.example/indeks"),
            )
        ),
        make_source(name="=1+1"),
        make_source(note="@harian"),
        make_source("bay-news", "https://bay.example/feed;type=rss"),
        make_source(utc_is_local=True),
        make_source(full_text=True),
        make_source(profile="promedia"),
    ],
    ids=[
        *("quotes", "letters", "white space", "place", "no channels", "flags", "two feeds", "kinds", "formula as name"),
        *("formula as note", "semicolon", "local clock", "full text", "profile"),
    ],
)
def test_source_comes_back_as_it_was(source: Source, form: Format) -> None:
    assert go_round(source, form) == source


@pytest.mark.parametrize("sign", "=+-@")
def test_no_cell_is_run_by_a_spreadsheet(sign: str) -> None:
    word = f"{sign}cmd|' /C calc'!A0"
    channels = (Channel(kind=ChannelKind.WORDPRESS, url="https://bay.example/", terms=(word,)),)
    rows = csv.reader(io.StringIO(write_table([make_source(name=word, note=word, channels=channels)], ",")))
    assert not [cell for row in rows for cell in row if cell.startswith(sign)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEADER + GOOD_ROW, make_source()),
        ((HEADER + GOOD_ROW).replace("\n", "\r\n"), make_source()),
        ("\ufeff" + HEADER + GOOD_ROW, make_source()),
        (HEADER + "\n,,,\n" + GOOD_ROW, make_source()),
        ("feed, domain ,name\nhttps://bay.example/feed/,bay.example, Bay News \n", make_source()),
        ("name,domain,feed,enabled\nBay News,bay.example,https://bay.example/feed/,NO\n", make_source(enabled=False)),
        (
            "name,domain,feed,city\nBay News,bay.example,https://bay.example/feed/,kota-ambon\n",
            make_source(city="kota-ambon", province="Maluku", timezone="Asia/Jayapura"),
        ),
        ((HEADER + GOOD_ROW).replace(",", ";"), make_source()),
    ],
    ids=["plain", "windows", "byte order mark", "empty rows", "columns in any order", "flag", "city", "semicolons"],
)
def test_table_that_people_write(text: str, expected: Source) -> None:
    assert read_sources(text, "csv", origin="x") == [expected]


# ── OPML ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_opml_has_all_feeds_grouped_by_province() -> None:
    body = etree.fromstring(write_opml(BUILT_IN, title="Sumber & kota", now=NOW).encode()).find("body")
    assert body is not None
    feeds = {outline.get("xmlUrl"): str(group.get("text")) for group in body for outline in group}
    assert feeds == {
        channel.url: source.province or "Nasional"
        for source in BUILT_IN
        for channel in source.channels
        if channel.kind is ChannelKind.FEED
    }
    assert Counter(group.get("text") for group in body).most_common(1)[0][1] == 1
    assert {outline.get("type") for group in body for outline in group} == {"rss"}


def test_opml_says_when_it_was_made() -> None:
    root = etree.fromstring(write_opml([], title="Sumber & <kota>", now=NOW).encode())
    assert (root.tag, root.get("version")) == ("opml", "2.0")
    assert root.findtext("head/title") == "Sumber & <kota>"
    assert root.findtext("head/dateCreated") == "Mon, 23 Nov 2026 08:00:00 +0000"


def test_feeds_come_back_from_opml() -> None:
    written = [make_source("bay", name="A & \"C\" 'D' <3"), make_source("cape", "https://cape.example/f?a=1&b=2")]
    written[1] = replace(written[1], domain="cape.example")
    back = read_sources(write_opml(written, title="x", now=NOW), "opml", origin="x")
    assert [(source.name, source.domain, source.channels) for source in back] == [
        (source.name, source.domain, source.channels) for source in written
    ]


@pytest.mark.parametrize(
    ("outlines", "expected"),
    [
        ([write_outline("https://bay.example/feed/")], [("bay-news", "Bay News", "bay.example", ["feed/"])]),
        (
            [
                '<outline text="Berita"><outline title="Teluk">',
                write_outline("https://bay.example/f"),
                "</outline>" * 2,
            ],
            [("bay-news", "Bay News", "bay.example", ["f"])],
        ),
        (['<outline xmlUrl="https://www.bay.example/f"/>'], [("bay", "bay.example", "bay.example", ["f"])]),
        (
            ['<outline title="Kabar &amp;amp; Teluk" xmlUrl="https://bay.example/f"/>'],
            [("kabar-teluk", "Kabar & Teluk", "bay.example", ["f"])],
        ),
        (['<outline text="T" xmlurl="https://bay.example/f"/>'], [("t", "T", "bay.example", ["f"])]),
        (
            [
                write_outline("https://bay.example/a", "A"),
                write_outline("https://www.bay.example/b", "B", "https://www.bay.example/"),
            ],
            [("a", "A", "bay.example", ["a", "b"])],
        ),
        (
            [write_outline("https://bay.example/a"), write_outline("https://bay.example/a")],
            [("bay-news", "Bay News", "bay.example", ["a"])],
        ),
        (
            [write_outline("https://bay.example/a"), write_outline("http://bay.example/a/")],
            [("bay-news", "Bay News", "bay.example", ["a"])],
        ),
        (
            [write_outline("https://feeds.host.example/bay", home="https://bay.example/")],
            [("bay-news", "Bay News", "bay.example", ["bay"])],
        ),
        ([write_outline("https://bay.example/f", home="entah")], [("bay-news", "Bay News", "bay.example", ["f"])]),
        (
            [write_outline("https://bay.example/a"), write_outline("https://cape.example/a")],
            [("bay-news", "Bay News", "bay.example", ["a"]), ("cape-example", "Bay News", "cape.example", ["a"])],
        ),
        (['<outline text="Catatan"/>', "<!-- x -->", write_outline("https://b.example/")], None),
    ],
    ids=[
        *("one", "nested", "address only", "title", "lower case", "two feeds of a domain", "twice"),
        *("without TLS too", "hosted feed"),
        *("odd home", "two of a name", "notes"),
    ],
)
def test_opml_of_feed_readers(outlines: Sequence[str], expected: list[tuple[str, str, str, list[str]]] | None) -> None:
    found = read_sources(write_outlines(*outlines), "opml", origin="x")
    described = [
        (source.id, source.name, source.domain, [channel.url.partition(".example/")[2] for channel in source.channels])
        for source in found
    ]
    assert described == (expected or [("bay-news", "Bay News", "b.example", [""])])
    assert {channel.kind for source in found for channel in source.channels} == {ChannelKind.FEED}
    assert {source.evidence for source in found} == {SourceEvidence.GIVEN}


def test_declared_encoding_of_opml_is_not_believed_twice() -> None:
    text = write_outlines(write_outline("https://bay.example/f", "Kafé")).replace("?>", ' encoding="ISO-8859-1"?>', 1)
    assert [source.name for source in read_sources(text, "opml", origin="x")] == ["Kafé"]


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "UTF-16", "UTF-8"])
def test_bytes_of_opml_are_read_in_the_encoding_they_declare(encoding: str) -> None:
    text = write_outlines(write_outline("https://bay.example/f", "Kafé"))
    content = text.replace("?>", f' encoding="{encoding}"?>', 1).encode(encoding)
    assert [source.name for source in read_sources(content, "opml", origin="x")] == ["Kafé"]


# ── faults ─────────────────────────────────────────────────────────────────────────────────────────────────────────

BOMB = "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>{}]>".format(
    "".join(f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(9))
)
OUTSIDE = "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>"
FAULTS: dict[str, tuple[str, str | bytes, str]] = {
    "bad city": (
        "a.csv",
        "id,name,domain,city,feed\nbay,B,bay.example,kota-ambom,https://bay.example/\n",
        "row 2: sources.bay.city: 'kota-ambom': no member city has this slug; did you mean kota-ambon?",
    ),
    "bad address": ("a.csv", HEADER + GOOD_ROW + "x,X,x.example,nope\n", "row 3: sources.x.channels[0].url: 'nope'"),
    "no name": ("a.csv", "domain,feed\nbay.example,https://bay.example/\n", "row 2: sources.bay-example.name: missing"),
    "bad id": ("a.csv", HEADER + GOOD_ROW.replace("bay-news", "Bay"), "row 2: sources.'Bay': not a slug"),
    "bad flag": ("a.csv", "id,enabled\nx,ya\n", "row 2: enabled: must be yes or no, not 'ya'"),
    "no channel": ("a.csv", HEADER + "x,X,x.example,\n", "row 2: sources.x: no channels"),
    "unknown column": ("a.csv", "id,colour\nx,red\n", "row 1: 'colour': no such column"),
    "too few cells": ("a.csv", HEADER + GOOD_ROW + "x,X\n", "row 3: has another number of cells than the header"),
    "too many cells": ("a.tsv", "id\tname\nx\tX\ty\n", "row 2: has another number of cells than the header"),
    "open quote": ("a.csv", HEADER + 'x,"X,x.example,https://x.example/\n', "unexpected end of data"),
    "NUL": ("a.csv", HEADER + GOOD_ROW.replace("News", "\0"), "row 2: sources.bay-news.name: "),
    "huge cell": ("a.csv", HEADER + "x," + "x" * 200_000 + ",x.example,https://x.example/\n", "field limit"),
    "empty": ("a.csv", "", "no source in it"),
    "header alone": ("a.tsv", "id\tname\n", "no source in it"),
    "binary": ("a.csv", b"\x89PNG\r\n\x1a\n\x00", "not UTF-8 text (byte 1)"),
    "UTF-16": ("a.csv", HEADER.encode("utf-16"), "not UTF-8 text (byte 1)"),
    "empty OPML": ("a.opml", "", "not XML: Document is empty"),
    "no outlines": ("a.opml", write_outlines(), "no source in it"),
    "not XML": ("a.xml", HEADER, "not XML: "),
    "cut off": ("a.opml", write_outlines(write_outline("https://x.example/"))[:-20], "not XML: "),
    "not OPML": ("a.opml", "<html><body/></html>", "not OPML: its root element is <html>"),
    "bomb as text": ("a.opml", write_outlines("&j;").replace("\n", BOMB, 1), "not XML: "),
    "bomb as name": (
        "a.opml",
        write_outlines(write_outline("https://x.example/", "&j;")).replace("\n", BOMB, 1),
        "not XML: ",
    ),
    "outside entity": (
        "a.opml",
        write_outlines(write_outline("https://x.example/", "&a;")).replace("\n", OUTSIDE, 1),
        "not XML: ",
    ),
    "too deep": ("a.opml", write_outlines("<outline>" * 5_000 + "</outline>" * 5_000), "not XML: "),
    "script": (
        "a.opml",
        write_outlines(write_outline("javascript:alert(1)")),
        "outline 1 (Bay News): xmlUrl: 'javascript",
    ),
    "password": (
        "a.opml",
        write_outlines(write_outline("https://x.example/"), write_outline("https://u:p@y.example/", "Y")),
        "outline 2 (Y): xmlUrl: 'https://u:p@y.example/': an address must not carry",
    ),
    "no address": ("a.opml", write_outlines(write_outline("")), "outline 1 (Bay News): xmlUrl: ''"),
    "address twice": (
        "a.csv",
        HEADER + GOOD_ROW + "x,X,x.example,http://bay.example/feed\n",
        "row 3: feed: 'http://bay.example/feed' is the address of row 2 too",
    ),
    "id twice": (
        "a.csv",
        HEADER + GOOD_ROW + "bay-news,X,x.example,https://x.example/\n",
        "row 3: id: 'bay-news' stands in the file twice",
    ),
    "NUL in OPML": ("a.opml", write_outlines("\0"), "not XML: "),
    "column twice": ("a.csv", "id,name,name,domain,feed\nx,X,Y,x.example,https://x.example/\n", "row 1: 'name'"),
    "neither name nor domain": ("a.csv", "feed\nhttps://x.example/\n", "name: missing"),
    "row of an id twice": ("a.csv", HEADER + GOOD_ROW + "bay-news,X,x.example,https://x.example/\n", "row 3: "),
    "row after a note of two lines": (
        "a.csv",
        'id,name,domain,feed,note\nbay,B,bay.example,https://bay.example/,"one\ntwo"\nx,X,x.example,nope,\n',
        "row 3: sources.x.channels[0].url",
    ),
    "NUL in a note": ("a.csv", "id,name,domain,feed,note\nx,X,x.example,https://x.example/,a\0b\n", "note"),
}


@pytest.mark.parametrize(("name", "content", "problem"), FAULTS.values(), ids=FAULTS)
def test_file_with_a_fault_adds_nothing(run: Run, name: str, content: str | bytes, problem: str) -> None:
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    result = run("import", name)
    assert isinstance(result.exception, UsageFailure), result.output
    message = str(result.exception)
    assert message.startswith(f"{name}: ")
    assert problem in message
    assert "\n" not in message
    assert len(message) < 400
    assert "root:" not in message
    assert not OVERLAY.exists()


@pytest.mark.slow
@pytest.mark.parametrize("form", ["csv", "opml"])
def test_number_of_sources_has_a_limit(form: Format) -> None:
    rows = [make_source(f"s-{n}", f"https://s{n}.example/f", domain=f"s{n}.example") for n in range(10_001)]
    text = write_table(rows, ",") if form == "csv" else write_opml(rows, title="x", now=NOW)
    with pytest.raises(CatalogueError, match="x: more than 10000 sources"):
        read_sources(text, form, origin="x")


# ── `sources import`, `sources export` ─────────────────────────────────────────────────────────────────────────────


def test_import_adds_what_is_new(run: Run, tmp_path: Path) -> None:
    rows = [
        GOOD_ROW,
        "valley-post,Other Name,other.example,https://other.example/\n",  # an id that is there
        "port,Port,port.example,http://harbour.example/feed\n",  # an address that is there
    ]
    Path("a.csv").write_text(HEADER + "".join(rows), encoding="utf-8")
    said = "data/sources.toml; 2 were there already, and are left as they are\n"
    assert read(run("import", "a.csv", "--dry-run")) == f"Would add 1 to {said}"
    assert not OVERLAY.parent.exists()
    assert read(run("import", "a.csv")) == f"Added 1 to {said}"
    found = load(tmp_path)
    assert list(found) == ["bay-news", "harbour-post", "valley-post"]
    assert (found["bay-news"], found["valley-post"].name) == (make_source(), "Valley Post")


@pytest.mark.parametrize("form", ["csv", "tsv", "opml"])
def test_import_of_what_was_imported_changes_nothing(run: Run, form: Format) -> None:
    new = [make_source(), make_source("cape", "https://cape.example/f", name="Cape", domain="cape.example")]
    text = write_opml(new, title="x", now=NOW) if form == "opml" else write_table(new, "," if form == "csv" else "\t")
    Path(f"a.{form}").write_text(text, encoding="utf-8")
    assert read(run("import", f"a.{form}")).startswith("Added 2 to")
    before = OVERLAY.read_bytes()
    assert read(run("import", f"a.{form}")).startswith("Added 0 to data/sources.toml; 2 were there already")
    assert OVERLAY.read_bytes() == before


def test_made_up_ids_leave_those_of_the_catalogue_alone(run: Run, tmp_path: Path) -> None:
    Path("a.opml").write_text(write_outlines(write_outline("https://x.example/f", "Valley Post")), encoding="utf-8")
    read(run("import", "a.opml"))
    assert list(load(tmp_path)) == ["harbour-post", "valley-post", "x-example"]


def test_imported_formulas_are_text(run: Run, tmp_path: Path) -> None:
    Path("a.csv").write_text(write_table([make_source(name="+62 Kabar")], ","), encoding="utf-8")
    read(run("import", "a.csv"))
    assert load(tmp_path)["bay-news"].name == "+62 Kabar"


@pytest.mark.parametrize(
    ("options", "expected"),
    [([], ["harbour-post", "valley-post"]), (["--enabled"], ["harbour-post"]), (["--disabled"], ["valley-post"])],
    ids=["all", "enabled", "disabled"],
)
def test_export_writes_a_table_to_stdout(run: Run, options: list[str], expected: list[str]) -> None:
    rows = csv.DictReader(io.StringIO(read(run("export", *options))))
    assert [row["id"] for row in rows] == expected


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        (["a.csv"], "id,name,"),
        (["a.TSV"], "id\tname\t"),
        (["a.opml"], "<?xml "),
        (["a.xml"], "<?xml "),
        (["a.txt", "--format", "tsv"], "id\tname\t"),
        (["a.csv", "--format", "opml"], "<?xml "),
    ],
    ids=" ".join,
)
def test_export_writes_files_that_import_reads(run: Run, arguments: list[str], start: str) -> None:
    result = run("export", *arguments)
    assert read(result) == ""
    count = 1 if start == "<?xml " else 2  # a reader's list has no use for a source without a feed
    assert result.stderr == f"Wrote {count} sources to {arguments[0]}\n"
    assert Path(arguments[0]).read_text(encoding="utf-8").startswith(start)
    assert "Added 0 to" in read(run("import", *arguments))


@pytest.mark.parametrize("command", ["import", "export"])
def test_form_that_nobody_can_guess_is_asked_for(run: Run, command: str) -> None:
    Path("a.txt").write_text(HEADER + GOOD_ROW, encoding="utf-8")
    result = run(command, "a.txt")
    assert isinstance(result.exception, UsageFailure)
    assert str(result.exception) == "a.txt: say what it is with --format opml, csv or tsv"
    assert run(command, "a.csv", "--format", "ods").exit_code == 2


def test_file_that_is_not_there_is_a_fault_of_usage(run: Run) -> None:
    result = run("import", "a.csv")
    assert isinstance(result.exception, UsageFailure)
    assert str(result.exception) == "a.csv: cannot be read: No such file or directory"


def test_file_that_cannot_be_written_is_a_failure(run: Run) -> None:
    result = run("export", "nowhere/a.csv")
    assert isinstance(result.exception, RunFailure)
    assert str(result.exception) == "nowhere/a.csv: cannot be written: No such file or directory"


# ── naming ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "domain", "taken", "expected"),
    [
        ("Kabar Teluk", "teluk.example", [], "kabar-teluk"),
        ("Café — Ünïcode 24!", "x.example", [], "cafe-unicode-24"),
        ("kabar.co.id", "kabar.co.id", [], "kabar"),
        ("ambon.go.id", "ambon.go.id", [], "ambon"),
        ("Kabar", "kabar.example", ["kabar"], "kabar-example"),
        ("Kabar", "kabar.example", ["kabar", "kabar-example"], "kabar-example-2"),
        ("Kabar", "kabar.example", ["kabar", "kabar-example", "kabar-example-2"], "kabar-example-3"),
        ("新闻", "x.example", [], "x-example"),
        ("x" * 100, "x.example", [], "x" * 64),
        ("a" * 63 + " b", "x.example", [], "a" * 63),
    ],
    ids=[
        *("name", "marks", "co.id", "go.id", "taken", "taken twice", "taken thrice", "no letters", "long"),
        "cut at a hyphen",
    ],
)
def test_slug_of_a_name(name: str, domain: str, taken: list[str], expected: str) -> None:
    assert make_slug(name, domain, taken) == expected


LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,60}[a-z0-9])?", fullmatch=True)
DOMAINS = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
NAMES = st.one_of(st.text(max_size=200), st.sampled_from(["Kabar", "新闻", "", "-", "x" * 64]))


@given(name=NAMES, domain=st.one_of(DOMAINS, st.text(max_size=80)), more=st.integers(0, 12))
def test_slug_is_always_valid_and_free(name: str, domain: str, more: int) -> None:
    taken: set[str] = set()
    for _ in range(more + 1):
        slug = make_slug(name, domain, taken)
        assert check_slug(slug) == slug
        assert slug not in taken
        taken.add(slug)


@given(st.text(max_size=300))
def test_folded_slug_is_valid_or_empty(text: str) -> None:
    slug = fold_slug(text)
    assert not slug or check_slug(slug) == slug
    assert len(slug) <= MAX_SLUG
    assert fold_slug(slug) == slug
