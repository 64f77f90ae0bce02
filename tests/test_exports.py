"""Exports: every view in every format, as it is in the database; and files that are there whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from analyst_room import FORMULAS, STRANGE, ask, change, fill, read
from command_line import run_here
from conftest import ROOT

from aggregator.bounds import read_since, read_until
from aggregator.exports import parquet_file
from aggregator.exports.cells import make_cell
from aggregator.exports.choices import Format
from aggregator.exports.exporting import Order, describe_export, export_to_stream
from aggregator.exports.table import Export, Kind, find_export, load_exports
from aggregator.exports.values import read_list, read_text
from aggregator.store import Store
from schedules.commands.export import show_progress

NOW = datetime(2026, 10, 8, tzinfo=UTC)
KABARKOTA = Path(sys.executable).with_name("kabarkota")
TYPES = {Kind.TEXT: str, Kind.INTEGER: int, Kind.REAL: float, Kind.BOOLEAN: bool, Kind.LIST: list}
ONLY_TEXT = {Kind.INSTANT: str, Kind.LOCAL: str, Kind.DATE: str}
PARQUET_TYPES = {
    Kind.TEXT: "string",
    Kind.INTEGER: "int64",
    Kind.REAL: "double",
    Kind.BOOLEAN: "bool",
    Kind.INSTANT: "timestamp[us, tz=UTC]",
    Kind.LOCAL: "timestamp[us]",
    Kind.DATE: "date32[day]",
    Kind.LIST: "list<element: string>",
}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With titles that are formulas, and one that is anything."""
    path = fill(tmp_path_factory.mktemp("exports") / "data")
    titles = "UPDATE articles SET title = ?, tags = ? WHERE id = ?"
    change(
        path,
        (titles, (FORMULAS[0], json.dumps(["satu, dua", "tiga", "\ud800"]), 1)),
        (titles, (STRANGE, "[]", 2)),
        "UPDATE articles SET author = CAST(x'41EDA08042' AS TEXT), tags = 'bukan json' WHERE id = 4",
        "UPDATE articles SET image = hex(randomblob(60000)) WHERE id = 3",  # 60 kB also when compressed
        "UPDATE sources SET hijacked_at = '2026-10-01T00:00:00Z' WHERE id = 'bursa'",
    )
    return path


@pytest.fixture
def here(database: Path, tmp_path: Path) -> Path:
    """A folder whose `data` is the database's."""
    (tmp_path / "data").symlink_to(database.parent)
    return tmp_path


def export_as(database: Path, name: str, kind: Format) -> tuple[list[str], list[dict[str, Any]], bytes]:
    """(the lines as they are, read as JSON where it is that, the bytes) of an export to a stream."""
    file = io.BytesIO()
    with Store.open_current_reader(database) as store:
        export_to_stream(store, Order(export=find_export(name), format=kind), file, NOW)
    lines = file.getvalue().decode().splitlines() if kind is Format.JSONL else []
    return lines, [json.loads(line) for line in lines], file.getvalue()


def read_view(database: Path, export: Export, columns: list[str]) -> list[tuple[Any, ...]]:
    with read(database) as connection:
        connection.text_factory = lambda text: text.decode("utf-8", "replace")
        chosen, order = ", ".join(columns), ", ".join(export.key)
        return connection.execute(f"SELECT {chosen} FROM {export.relation} ORDER BY {order}").fetchall()


def normalize(value: Any, kind: Kind) -> Any:
    """As JSON lines have it."""
    if kind is Kind.LIST:
        return list(read_list(value))
    if kind is Kind.BOOLEAN:
        return None if value is None else bool(value)
    if kind is Kind.INSTANT:
        return value or None
    return read_text(value) if kind is Kind.TEXT else value


def read_time(value: Any, kind: Kind) -> Any:
    """A value of JSON lines as Parquet has it."""
    if value is None or kind not in ONLY_TEXT:
        return value
    return date.fromisoformat(value) if kind is Kind.DATE else datetime.fromisoformat(value)


@pytest.mark.parametrize("export", load_exports().values(), ids=lambda each: each.name)
def test_every_format_holds_what_the_view_holds(database: Path, here: Path, export: Export) -> None:
    with Store.open_current_reader(database) as store:
        layout = describe_export(store, export)
    columns = [column.name for column in layout.columns]
    wanted = [
        {column.name: normalize(value, column.kind) for column, value in zip(layout.columns, row, strict=True)}
        for row in read_view(database, export, columns)
    ]
    assert wanted or export.name in {"pickups", "provenance"}
    _, rows, _ = export_as(database, export.name, Format.JSONL)
    assert rows == wanted
    for column in layout.columns:
        expected = (TYPES | ONLY_TEXT)[column.kind]
        assert {type(row[column.name]) for row in rows} <= {expected, type(None)}, column.name

    _, _, body = export_as(database, export.name, Format.CSV)
    table = list(csv.reader(io.StringIO(body.decode(), newline="")))
    assert table[0] == columns
    assert len(table) == len(wanted) + 1

    for kind in ("parquet", "sqlite"):
        result = run_here(here, "export", export.name, "-o", f"x.{kind}", "--format", kind)
        assert result.returncode == 0, result.stderr
    found = pq.read_table(here / "x.parquet")
    assert {f.name: str(f.type) for f in found.schema} == {c.name: PARQUET_TYPES[c.kind] for c in layout.columns}
    kinds = {column.name: column.kind for column in layout.columns}
    assert found.to_pylist() == [{k: read_time(v, kinds[k]) for k, v in row.items()} for row in wanted]
    assert found.schema.field(0).metadata == {b"description": layout.columns[0].about.encode()}
    assert found.schema.metadata[b"schema_version"]

    name = export.name.replace("-", "_")
    lists = {column.name for column in layout.columns if column.kind is Kind.LIST}
    with read(here / "x.sqlite") as connection:
        cursor = connection.execute(f"SELECT * FROM {name} ORDER BY rowid")
        assert [each[0] for each in cursor.description] == columns
        kept = [dict(zip(columns, row, strict=True)) for row in cursor]
        docs = connection.execute("SELECT name, description FROM schema_docs ORDER BY place").fetchall()
        (ddl,) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (name,)).fetchone()
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert [{k: json.loads(v) if k in lists else v for k, v in row.items()} for row in kept] == wanted
    assert [each[0] for each in docs] == ["", *columns]
    assert all(described for _, described in docs)
    assert ddl.endswith("STRICT")
    assert ("PRIMARY KEY" in ddl) == export.keyed


def test_every_view_can_be_exported(database: Path) -> None:
    views = {name for (name,) in ask(database, "SELECT name FROM sqlite_schema WHERE type = 'view'")}
    assert views <= {export.relation for export in load_exports().values()}
    assert find_export("coverage_by_city").name == "coverage-by-city"


# ── cells ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_no_cell_is_a_formula() -> None:
    assert [make_cell(text) for text in FORMULAS] == [f"'{text}" for text in FORMULAS]
    for text in ("Kota", "", " Kota", "1-2", "a=b", "'=1"):
        assert make_cell(text) == text


def test_csv_is_harmless_and_keeps_lines_within_cells(database: Path) -> None:
    _, _, body = export_as(database, "articles", Format.CSV)
    rows = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
    assert rows[0]["title"] == f"'{FORMULAS[0]}"
    assert rows[0]["tags"] == "satu, dua; tiga; ?"
    assert rows[1]["title"] == STRANGE.replace("\x00", "")
    assert rows[3]["author"] == "A\ufffd\ufffd\ufffdB"
    assert body.split(b"\r\n")[0].startswith(b"article_id,url,title,")
    assert (rows[0]["is_canonical"], rows[0]["days_late"], rows[0]["gone_at"]) == ("true", "0", "")


@pytest.mark.parametrize(
    ("options", "head", "number"),
    [
        (["--excel"], "\ufeffarticle_id;role;", "4,0"),
        (["--excel", "--delimiter", ","], "\ufeffarticle_id,role,", "4.0"),
        (["--delimiter", "tab"], "article_id\trole\t", "4.0"),
        (["--delimiter", ";"], "article_id;role;", "4.0"),
    ],
)
def test_csv_for_programs_of_tables(here: Path, database: Path, options: list[str], head: str, number: str) -> None:
    change(database, "UPDATE article_regions SET score = 4.0")
    result = run_here(here, "export", "article-places", *options)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.split("\r\n")
    assert lines[0].startswith(head)
    assert head[-1] + number + head[-1] in lines[1]


def test_pandas_reads_times_and_lists(here: Path) -> None:
    pandas = pytest.importorskip("pandas")
    assert run_here(here, "export", "articles", "-o", "a.parquet").returncode == 0
    frame = pandas.read_parquet(here / "a.parquet")
    assert str(frame["published_at"].dtype).endswith("UTC]")
    assert frame["published_wib"][0] == pandas.Timestamp("2026-10-05 13:00:00")
    assert list(frame["city_slugs"][2]) == ["kota-bandung"]
    assert frame["is_canonical"].dtype == bool
    text = run_here(here, "export", "coverage-by-day").stdout
    days = pandas.read_csv(io.StringIO(text), parse_dates=["day_wib"])
    assert days["articles"].sum() == 4


# ── which rows ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        ("articles", [1, 2, 3, 4]),
        ("articles --since 2026-10-06", [4]),
        ("articles --until 2026-10-05", [1, 2, 3]),
        ("articles --since 2026-10-05 --until 2026-10-05", [1, 2, 3]),
        ("articles --since 2026-10-05T14:00:00+07:00", [2, 4]),
        ("articles --until 2026-10-05T14:00:00+07:00", [1, 3]),
        ("articles --by found --since 2026-10-07", [4]),
        ("articles --topic smart-city", [3]),
        ("articles --topic smart-city --topic apeksi", [1, 2, 3, 4]),
        ("articles --city kota-gorontalo", [1, 2, 4]),
        ("articles --city KOTA-BANDUNG", [3]),
        ("articles --province jawa-barat", [3]),
        ("articles --komwil 6", [1, 2, 4]),
        ("articles --source portal", [2]),
        ("articles --city kota-gorontalo --since 2026-10-06", [4]),
        ("articles --city kota-gorontalo --topic smart-city", []),
        ("duplicates --city kota-gorontalo", [2]),
        ("field-provenance --source portal --topic apeksi", [2]),
        ("article-topics --topic smart-city", [3]),
        ("article-places --city kota-bandung", [3]),
        ("revisions --since 2026-10-07", [2]),
        ("revisions --since 2026-10-08", []),
        ("revisions --source bursa", []),
        ("pickups --city kota-gorontalo", [2]),
    ],
)
def test_filters(here: Path, arguments: str, ids: list[int]) -> None:
    result = run_here(here, "export", *arguments.split(), "--format", "jsonl")
    assert result.returncode == 0, result.stderr
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert list(dict.fromkeys(row["article_id"] for row in rows)) == ids


@pytest.mark.parametrize(
    ("arguments", "column", "values"),
    [
        ("news --city kota-gorontalo", "article_id", [1, 4]),
        ("stories --topic smart-city", "cities", [["Kota Bandung"]]),
        ("stories --city kota-gorontalo --since 2026-10-06", "news", [2]),
        ("coverage --city kota-bandung --komwil 6 --topic smart-city", "place", ["kota-bandung"]),
        ("coverage-by-day --since 2026-10-07", "day_wib", ["2026-10-07"]),
        ("coverage-by-topic --until 2026-10-05 --topic smart-city", "articles", [1]),
        ("coverage-by-city --province gorontalo --since 2026-10-06", "city", ["kota-gorontalo"]),
        ("coverage-by-province --province gorontalo --since 2026-10-06", "articles", [1]),
        ("coverage-by-komwil --komwil 6 --since 2026-10-06", "komwil", [6]),
        ("coverage-by-source --source bursa", "source_id", ["bursa"]),
        ("sources-down --source bandung", "polls", [1]),
        ("source-health --source bandung", "last_status", [500]),
        ("sources --source portal", "name", ["Portal"]),
        ("regions --komwil 6 --city kota-gorontalo", "slug", ["kota-gorontalo"]),
    ],
)
def test_filters_of_other_exports(here: Path, arguments: str, column: str, values: list[Any]) -> None:
    result = run_here(here, "export", *arguments.split(), "--format", "jsonl")
    assert result.returncode == 0, result.stderr
    assert [json.loads(line)[column] for line in result.stdout.splitlines()] == values


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("", "name what; `kabarkota export --list`"),
        ("artikel", "'artikel' is nothing that can be exported; did you mean articles?"),
        ("xyz", "there are articles, news, stories"),
        ("labels --topic apeksi", "--topic does not apply to labels; it takes no filter"),
        ("polls --city kota-bandung", "--city does not apply to polls; it takes --since, --until"),
        ("polls --since 2026-10-05T00:00:00+07:00", "polls is counted by day (WIB); give a day"),
        ("stories --by found --since 2026-10-05", "--by found does not apply to stories"),
        ("articles --city gorontlo", "--city 'gorontlo': no such city; did you mean kota-gorontalo?"),
        ("articles --topic x", "--topic 'x': no such topic"),
        ("articles --komwil 7", "--komwil '7': no such komwil"),
        ("articles --source '", "no such source"),
        ("articles --since kemarin", "--since 'kemarin': not a day such as"),
        ("articles --since 9999-12-31 --until 9999-12-31", "not a day such as"),
        ("articles --since 2026-10-06 --until 2026-10-05", "--until 2026-10-05 is before --since 2026-10-06"),
        ("duplicates --full-text", "--full-text does not apply to duplicates, but to articles and news"),
        ("articles --delimiter x", "--delimiter 'x': one of , ; and tab"),
        ("articles --excel --format jsonl", "--excel and --delimiter are of csv, not of jsonl"),
        ("articles --format parquet", "--format parquet needs a file: --output NAME"),
        ("articles --json", "--json tells of a file: --output NAME"),
        ("articles -o missing/a.csv", "missing/a.csv: there is no folder"),
        ("articles -o .", ": is a folder; name a file"),
        ("articles -o there.csv", "there.csv: is there already; --force replaces it"),
        ("articles -o data/news.db --force", "data/news.db: is the database itself"),
        ("articles -o data/news.db-wal", "is the database itself"),
        ("articles -o link.db --force", "link.db: is the database itself"),
        ("articles -o data/writer.lock --force", "writer.lock is kept by Kabar Kota itself"),
        ("articles -o data/takedowns.jsonl", "takedowns.jsonl is kept by Kabar Kota itself"),
        ("articles -o data/topics.toml", "topics.toml is kept by Kabar Kota itself"),
        ("articles -o data/public/feed.csv", "public is kept by Kabar Kota itself"),
        ("articles -o data/public/data/news.db --force", "is of the nightly snapshot"),
        ("articles --full-text -o data/public/data/semua.csv", "full texts may not be served"),
    ],
)
def test_what_cannot_be_given_is_refused_in_words(here: Path, arguments: str, said: str) -> None:
    (here / "there.csv").write_text("mine", encoding="utf-8")
    (here / "link.db").symlink_to(here / "data/news.db")
    result = run_here(here, "export", *arguments.split())
    assert result.returncode == 2
    assert said in result.stderr
    assert result.stderr.startswith("kabarkota: ")
    assert result.stderr.count("\n") == 1
    assert (here / "there.csv").read_text(encoding="utf-8") == "mine"
    assert {path.name for path in here.iterdir()} == {"data", "there.csv", "link.db"}


def test_days_can_be_told_from_now() -> None:
    late = datetime(2026, 10, 8, 20, tzinfo=UTC)  # the 9th in Jakarta
    assert [read_since(text, late).at.isoformat() for text in ("today", "2d", "2026-10-09T08:00")] == [
        "2026-10-08T17:00:00+00:00",
        "2026-10-06T20:00:00+00:00",
        "2026-10-09T01:00:00+00:00",
    ]
    assert str(read_since("2d", late).day) == "2026-10-07"  # of what is counted by day
    assert read_until("today", late).at == datetime(2026, 10, 9, 17, tzinfo=UTC)
    assert read_since("999999d", late).at == datetime(1970, 1, 1, tzinfo=UTC)


def test_commands_of_the_guide_work(here: Path) -> None:
    guide = (ROOT / "docs/exports.md").read_text(encoding="utf-8")
    commands = [
        line.split("#")[0].split("|")[0].split()[1:] for line in guide.splitlines() if line[:10] == "kabarkota "
    ]
    assert len(commands) == 5
    for command in commands:
        result = run_here(here, *command)
        assert result.returncode == 0, result.stderr
    assert all(f"`{name}`" in guide or f"`-{name.partition('-')[2]}`" in guide for name in load_exports())


def test_full_text_comes_only_when_asked_for(here: Path) -> None:
    usual = run_here(here, "export", "articles", "--format", "jsonl")
    assert ("text" in json.loads(usual.stdout.splitlines()[0]), usual.stderr) == (False, "")
    whole = run_here(here, "export", "articles", "--format", "jsonl", "--full-text")
    assert "lampu jalan pintar" in json.loads(whole.stdout.splitlines()[0])["text"]
    assert whole.stderr.startswith("kabarkota: the texts belong to their publishers")
    assert whole.stderr.count("\n") == 1


def test_list_tells_exports_and_their_columns(here: Path) -> None:
    told = json.loads(run_here(here, "export", "--list", "--json").stdout)
    assert [each["name"] for each in told] == [*load_exports()]
    assert told[0]["filters"] == [
        "--since",
        "--until",
        "--topic",
        "--city",
        "--province",
        "--komwil",
        "--source",
        "--by",
    ]
    columns = json.loads(run_here(here, "export", "articles", "--list", "--json").stdout)["columns"]
    assert columns[0] == {"name": "article_id", "type": "integer", "about": "articles.id"}
    assert "topics\tlist\t" in run_here(here, "export", "news", "--list").stdout


# ── files ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_summary_tells_rows_bytes_and_digest(here: Path) -> None:
    said = json.loads(run_here(here, "export", "articles", "-o", "a.jsonl", "--topic", "smart-city", "--json").stdout)
    body = (here / "a.jsonl").read_bytes()
    assert said.pop("seconds") >= 0
    assert said == {
        "export": "articles",
        "format": "jsonl",
        "filters": {"topic": "smart-city"},
        "file": "a.jsonl",
        "rows": 1,
        "bytes": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    again = run_here(here, "export", "articles", "-o", "a.jsonl", "--force")
    assert again.stdout.startswith("a.jsonl: 4 rows, ")


@contextmanager
def limit_files(size: int) -> Iterator[None]:
    """No file can grow further, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "sqlite"])
def test_full_disk_leaves_no_half_file(here: Path, kind: str) -> None:
    (here / f"old.{kind}").write_text("the one before", encoding="utf-8")
    for name in (f"new.{kind}", f"old.{kind}"):
        with limit_files(40_000):  # the file that readers of SQLite share has 32 kB
            result = run_here(here, "export", "articles", "-o", name, "--force", "--format", kind)
        assert (result.returncode, result.stderr.count("\n")) == (1, 1), result.stderr
        assert result.stderr.startswith(f"kabarkota: {name}: ")
    assert {path.name for path in here.iterdir()} == {"data", f"old.{kind}"}
    assert (here / f"old.{kind}").read_text(encoding="utf-8") == "the one before"


@pytest.mark.slow
def test_pipes_that_are_full_or_closed_are_one_line_or_none(here: Path) -> None:
    command = f"{KABARKOTA} export field-provenance --format jsonl"
    full = subprocess.run(f"{command} > /dev/full", shell=True, cwd=here, capture_output=True, text=True, check=False)
    assert (full.returncode, full.stderr) == (1, "kabarkota: standard output: No space left on device\n")
    script = f"{command} | true; echo ${{PIPESTATUS[0]}}"
    head = subprocess.run(["bash", "-c", script], cwd=here, capture_output=True, check=False)
    assert (head.stdout, head.stderr) in ((b"141\n", b""), (b"0\n", b""))  # it may all have fitted into the pipe
    device = run_here(here, "export", "articles", "-o", "/dev/full")
    assert (device.returncode, device.stderr) == (1, "kabarkota: /dev/full: No space left on device\n")
    assert run_here(here, "export", "articles", "-o", "/dev/null").returncode == 0
    assert Path("/dev/null").is_char_device()


_SLOW = """
import sys, time
from contextlib import contextmanager
from schedules.commands import export
@contextmanager
def show(name, path):
    def wait(done, total):
        print("half", flush=True)
        time.sleep(60)
    yield wait
export.show_progress = show
sys.argv = ["kabarkota", "export", "articles", "-o", sys.argv[1]]
from schedules.cli import main
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code", "kind"),
    [(signal.SIGINT, 130, "csv"), (signal.SIGTERM, 143, "sqlite"), (signal.SIGKILL, -signal.SIGKILL, "sqlite")],
)
def test_interrupted_leaves_nothing_that_stays(here: Path, number: signal.Signals, code: int, kind: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _SLOW, f"a.{kind}"], cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "half\n"
    busy = run_here(here, "export", "articles", "-o", f"a.{kind}")
    assert (busy.returncode, "another export is writing it" in busy.stderr) == (2, True)
    process.send_signal(number)
    _, said = process.communicate()
    assert process.returncode == code
    left = {path.name for path in here.iterdir()} - {"data"}
    if number is signal.SIGKILL:
        assert left == {f".a.{kind}.part"}
        assert run_here(here, "export", "articles", "-o", f"a.{kind}").returncode == 0
        left = {path.name for path in here.iterdir()} - {"data", f"a.{kind}"}
    assert left == set()
    assert "Traceback" not in said


def test_progress_is_shown_on_a_terminal_only(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_here(here, "export", "articles", "-o", "quiet.csv").stderr == ""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    with show_progress("articles", Path("a.csv")) as show:
        assert show is not None
        show(1_500, None)
        show(2_000, 4_000)
    assert "2,000 rows" in sys.stderr.getvalue()  # type: ignore[attr-defined]


def test_parquet_without_its_library_says_how_to_get_it(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_file, "pa", None)
    result = run_here(here, "export", "articles", "-o", "a.parquet")
    assert result.returncode == 2
    assert "pip install 'kabarkota[analysis]'" in result.stderr
    assert {path.name for path in here.iterdir()} == {"data"}


# ── the database meanwhile, and others ─────────────────────────────────────────────────────────────────────────────


def test_export_sees_the_database_as_it_was_when_it_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aggregator.export_rows.ROWS_AT_ONCE", 1)
    database = fill(tmp_path)
    script = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
        "c.execute('DELETE FROM articles WHERE id = 4');"
        "c.execute('UPDATE articles SET title = ?', ['later']); c.commit()"
    )
    file = io.BytesIO()

    def write(done: int, _: int | None) -> None:
        if done == 1:
            subprocess.run([sys.executable, "-c", script, database], check=True)

    with Store.open_current_reader(database) as store:
        order = Order(export=find_export("articles"), format=Format.JSONL)
        assert export_to_stream(store, order, file, NOW, progress=write) == 4
    assert b"later" not in file.getvalue()
    assert ask(database, "SELECT count(*), min(title) FROM articles") == [(3, "later")]


@pytest.mark.parametrize(
    ("statement", "code", "said"),
    [
        ("DELETE FROM _sqlite_migrations WHERE name LIKE 'm013%'", 1, "of an older version of Kabar Kota; the next"),
        ("UPDATE database_info SET value = '0.9' WHERE key = 'schema_version'", 1, "views of version 0.9, not"),
        (
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('kabarkota', 'm999_x', '')",
            2,
            "written by a newer version of Kabar Kota (m999_x)",
        ),
    ],
)
def test_databases_of_other_versions_are_left_alone(tmp_path: Path, statement: str, code: int, said: str) -> None:
    database = fill(tmp_path / "data")
    change(database, statement)
    before = database.read_bytes()
    result = run_here(tmp_path, "export", "articles", "-o", "a.csv")
    assert (result.returncode, said in result.stderr) == (code, True), result.stderr
    assert database.read_bytes() == before
    assert not (tmp_path / "a.csv").exists()


def test_without_a_database_it_is_said_how_to_begin(tmp_path: Path) -> None:
    result = run_here(tmp_path, "--data", "x", "export", "articles")
    assert (result.returncode, "there is no database yet" in result.stderr) == (1, True)
    assert run_here(tmp_path, "export", "--list").returncode == 0


def test_damaged_database_is_named(tmp_path: Path) -> None:
    database = fill(tmp_path / "data")
    change(database, "PRAGMA wal_checkpoint(TRUNCATE)")
    root, size = ask(database, "SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_schema"
                               " WHERE name = 'articles'")[0]  # fmt: skip
    with database.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\x99" * 64)
    result = run_here(tmp_path, "export", "articles", "-o", "a.csv")
    assert result.returncode == 1
    assert result.stderr.startswith("kabarkota: data/news.db: ")
    assert not (tmp_path / "a.csv").exists()
