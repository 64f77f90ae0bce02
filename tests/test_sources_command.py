"""`kabarkota sources …`, and the guide that shows it."""

from __future__ import annotations

import errno
import json
import os
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import typer
from portals import Answer, LoopbackPortal, make_setup, serve_portal
from typer.testing import CliRunner, Result

from aggregator.models import ChannelKind
from crawler.catalogue import load_catalogue
from schedules.commands import output, sources
from schedules.commands.context import CommandContext, get_context
from schedules.errors import KabarKotaError, NothingReachable, RunFailure, UsageFailure, WriterBusy

ROOT = Path(__file__).resolve().parent.parent
GUIDE = (ROOT / "docs" / "add-a-source.md").read_text(encoding="utf-8")
OVERLAY = Path("data/sources.toml")
SMALL = """\
[sources.harbour-post]
name = "Harbour [Post]"
domain = "harbour.example"
city = "kota-ambon"
channels = [
  { kind = "feed", url = "https://harbour.example/feed/" },
  { kind = "listing", url = "https://harbour.example/tag/apeksi" },
]

[sources.valley-post]
name = "Valley Post"
domain = "valley.example"
kind = "national"
enabled = false
channels = [{ kind = "feed", url = "https://valley.example/feed/" }]
"""
NEW = ["add", "--id", "bay-news", "--name", "Bay News"]
FEED = ["--feed", "https://www.bay.example/feed/"]

Run = Callable[..., Result]


def make_runner(context: CommandContext) -> Run:
    """Runs `kabarkota ARGUMENTS`, the main application reduced to this one part."""
    main = typer.Typer()
    main.add_typer(sources.app, name="sources")

    @main.callback()
    def set_context(ctx: typer.Context) -> None:
        ctx.obj = context

    return lambda *arguments: CliRunner().invoke(main, arguments)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """With the small catalogue, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    catalogue = tmp_path / "catalogue.toml"
    catalogue.write_text(SMALL, encoding="utf-8")
    inner = make_runner(CommandContext(catalogue_path=catalogue, data_folder=Path("data")))
    return lambda *arguments: inner("sources", *arguments)


def read(result: Result) -> str:
    """What a command that succeeded printed."""
    assert result.exception is None, result.output
    assert result.exit_code == 0
    return result.stdout


def read_failure(result: Result) -> str:
    """The message of a command that the operator called, or set up, in a way that is not right."""
    assert isinstance(result.exception, UsageFailure), result.output
    return str(result.exception)


# ── list, show ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_list_is_a_table_for_cut_when_it_goes_into_a_pipe(run: Run) -> None:
    assert [line.split("\t") for line in read(run("list")).splitlines()] == [
        ["id", "name", "kind", "province", "city", "channels", "enabled"],
        ["harbour-post", "Harbour [Post]", "regional", "Maluku", "kota-ambon", "feed, listing", "yes"],
        ["valley-post", "Valley Post", "national", "", "", "feed", "no"],
    ]


def test_table_on_a_terminal_keeps_square_brackets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    output.print_table(["id", "name"], [["a", "[red]A"]])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [["id", "name"], ["a", "[red]A"]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], ["harbour-post", "valley-post"]),
        (["--kind", "national"], ["valley-post"]),
        (["--kind", "ministry"], []),
        (["--province", "maluku"], ["harbour-post"]),
        (["--province", "Bali"], []),
        (["--city", "kota-ambon"], ["harbour-post"]),
        (["--enabled"], ["harbour-post"]),
        (["--disabled"], ["valley-post"]),
        (["--disabled", "--city", "kota-ambon"], []),
    ],
    ids=" ".join,
)
def test_list_shows_what_the_options_ask_for(run: Run, options: list[str], expected: list[str]) -> None:
    assert [source["id"] for source in json.loads(read(run("list", *options, "--json")))] == expected
    assert [line.split("\t")[0] for line in read(run("list", *options)).splitlines()] == ["id", *expected]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--province", "Malaku"], "--province 'Malaku': no province has this name; did you mean Maluku?"),
        (["--city", "ambon"], "--city 'ambon': no member city has this slug; did you mean kota-ambon?"),
    ],
    ids=["province", "city"],
)
def test_list_of_a_place_that_does_not_exist_is_a_fault_of_usage(run: Run, options: list[str], problem: str) -> None:
    assert read_failure(run("list", *options)) == problem


def test_show_prints_all_of_a_source_as_json(run: Run) -> None:
    assert json.loads(read(run("show", "valley-post", "--json"))) == {
        "id": "valley-post",
        "name": "Valley Post",
        "domain": "valley.example",
        "kind": "national",
        "channels": [
            {"kind": "feed", "url": "https://valley.example/feed/", "terms": [], "selectors": None, "max_pages": 1}
        ],
        "province": None,
        "city": None,
        "timezone": "Asia/Jakarta",
        "language": "id",
        "enabled": False,
        "full_text": False,
        "utc_is_local": False,
        "blackout": [],
        "ca_bundle": None,
        "discovery": False,
        "evidence": "given",
        "profile": None,
        "note": "",
    }


def test_show_prints_an_entry_that_can_be_put_into_a_catalogue(run: Run, tmp_path: Path) -> None:
    shown = tmp_path / "shown.toml"
    shown.write_text(read(run("show", "harbour-post")), encoding="utf-8")
    assert load_catalogue(shown).sources == load_catalogue(tmp_path / "catalogue.toml").sources[:1]


@pytest.mark.parametrize("command", ["show", "enable", "disable"])
def test_unknown_source_is_named_with_what_may_be_meant(run: Run, command: str) -> None:
    assert read_failure(run(command, "harbor-post")) == "no source 'harbor-post'; did you mean harbour-post?"
    assert read_failure(run(command, "zzz")) == "no source 'zzz'"
    assert not OVERLAY.exists()


# ── add ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_added_source_is_in_the_catalogue(run: Run, tmp_path: Path) -> None:
    assert read(run(*NEW, *FEED)) == "Added bay-news to data/sources.toml\n"
    source = load_catalogue(tmp_path / "catalogue.toml", overlay=OVERLAY).get("bay-news")
    assert source is not None
    assert (source.name, source.domain, source.enabled) == ("Bay News", "bay.example", True)
    assert json.loads(read(run("show", "bay-news", "--json")))["channels"][0]["url"] == FEED[1]


def test_add_takes_every_kind_of_address_and_more_than_one(run: Run) -> None:
    addresses = [
        *("--feed", "https://bay.example/a", "--feed", "https://bay.example/b"),
        *("--wordpress", "https://bay.example/", "--term", "apeksi", "--term", "kota pintar"),
        *("--sitemap", "https://bay.example/news.xml", "--listing", "https://bay.example/indeks"),
    ]
    read(run(*NEW, *addresses))
    channels = json.loads(read(run("show", "bay-news", "--json")))["channels"]
    assert [channel["kind"] for channel in channels] == ["feed", "feed", "wordpress", "sitemap", "listing"]
    assert {kind.value for kind in ChannelKind} == {channel["kind"] for channel in channels}
    assert [channel["terms"] for channel in channels if channel["terms"]] == [["apeksi", "kota pintar"]]


def test_add_passes_on_every_option(run: Run) -> None:
    options = {
        "domain": "news.bay.example",
        "kind": "city-government",
        "province": "Gorontalo",
        "city": "kota-gorontalo",
        "timezone": "Asia/Jayapura",
        "language": "en",
        "note": 'odd, "very"',
    }
    read(run(*NEW, *FEED, *(word for key, value in options.items() for word in (f"--{key}", value))))
    shown = json.loads(read(run("show", "bay-news", "--json")))
    assert {key: shown[key] for key in options} == options


def test_dry_run_of_add_prints_the_entry_and_writes_nothing(run: Run) -> None:
    entry = read(run(*NEW, *FEED, "--dry-run"))
    assert not OVERLAY.parent.exists()
    read(run(*NEW, *FEED))
    assert OVERLAY.read_text(encoding="utf-8").endswith(entry)


ADD_FAULTS = {
    "no address": (
        [],
        "sources add: give a portal's URL, or an address with --feed, --wordpress, --sitemap or --listing",
    ),
    "bad address": (
        ["--feed", "ftp://bay.example/"],
        "sources add: 'ftp://bay.example/': not an http or https address",
    ),
    "bad second address": (
        [*FEED, "--listing", "bay.example"],
        "sources add: sources.bay-news.channels[1].url: 'bay.example': not an http or https address",
    ),
    "bad id": (
        [*FEED, "--id", "Bay"],
        (
            "sources add: sources.'Bay': "
            "not a slug: up to 64 lowercase letters, digits and single hyphens, such as antara-gorontalo"
        ),
    ),
    "taken id": ([*FEED, "--id", "valley-post"], "sources add: sources.valley-post: there is a source with this id"),
    "taken address": (
        ["--feed", "http://valley.example/feed"],
        (
            "sources add: sources.bay-news.channels[0].url: 'http://valley.example/feed' "
            "is the address of sources.valley-post.channels[0] too"
        ),
    ),
    "unknown city": (
        [*FEED, "--city", "kota-ambom"],
        "--city 'kota-ambom': no member city has this slug; did you mean kota-ambon?",
    ),
}


@pytest.mark.parametrize(("options", "problem"), ADD_FAULTS.values(), ids=ADD_FAULTS)
@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]], ids=["", "dry run"])
def test_source_that_is_not_right_is_not_added(run: Run, options: list[str], problem: str, dry_run: list[str]) -> None:
    assert read_failure(run(*NEW, *options, *dry_run)) == problem
    assert not OVERLAY.exists()


def test_unknown_kind_is_a_fault_of_usage(run: Run) -> None:
    result = run(*NEW, *FEED, "--kind", "local")
    assert result.exit_code == 2
    assert "local" in result.stderr


# ── enable, disable ────────────────────────────────────────────────────────────────────────────────────────────────


def list_enabled(run: Run) -> list[str]:
    return [source["id"] for source in json.loads(read(run("list", "--enabled", "--json")))]


def test_source_is_switched_off_and_on(run: Run) -> None:
    assert read(run("disable", "harbour-post")) == "Disabled harbour-post in data/sources.toml\n"
    assert list_enabled(run) == []
    assert read(run("enable", "valley-post")) == "Enabled valley-post in data/sources.toml\n"
    assert list_enabled(run) == ["valley-post"]
    read(run("enable", "harbour-post"))
    assert list_enabled(run) == ["harbour-post", "valley-post"]


@pytest.mark.parametrize(
    ("command", "source_id", "says"),
    [("enable", "harbour-post", "enabled"), ("disable", "valley-post", "disabled")],
)
def test_switch_that_is_so_already_writes_nothing(run: Run, command: str, source_id: str, says: str) -> None:
    assert read(run(command, source_id)) == f"{source_id} is {says} already\n"
    assert not OVERLAY.exists()


@pytest.mark.parametrize(("command", "source_id"), [("enable", "valley-post"), ("disable", "harbour-post")])
def test_dry_run_of_a_switch_writes_nothing(run: Run, command: str, source_id: str) -> None:
    assert read(run(command, source_id, "--dry-run")) == f"Would {command} {source_id} in data/sources.toml\n"
    assert not OVERLAY.exists()


# ── failures ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "arguments",
    [["list"], ["show", "harbour-post"], [*NEW, *FEED], ["enable", "valley-post"], ["disable", "harbour-post"]],
    ids=lambda arguments: arguments[0],
)
def test_broken_file_of_the_operator_is_a_fault_of_usage(run: Run, arguments: list[str]) -> None:
    OVERLAY.parent.mkdir()
    OVERLAY.write_text("[sources.harbour-post]\ncolour = 1\n", encoding="utf-8")
    problem = "data/sources.toml: sources.harbour-post.colour: unknown key"
    assert read_failure(run(*arguments)).startswith(problem)


@pytest.mark.parametrize("arguments", [[*NEW, *FEED], ["disable", "harbour-post"]], ids=["add", "disable"])
def test_full_disk_is_a_failure(run: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    result = run(*arguments)
    assert isinstance(result.exception, RunFailure), result.output
    assert str(result.exception) == "data/sources.toml: cannot be written: No space left on device"


def test_errors_have_the_exit_codes_that_are_promised() -> None:
    codes = {error: error.exit_code for error in (RunFailure, UsageFailure, WriterBusy, NothingReachable)}
    assert list(codes.values()) == [1, 2, 3, 4]
    assert all(issubclass(error, KabarKotaError) for error in codes)


def test_command_without_a_context_is_a_mistake_of_ours() -> None:
    app = typer.Typer()

    @app.command()
    def probe(ctx: typer.Context) -> None:
        get_context(ctx)

    assert isinstance(CliRunner().invoke(app).exception, RuntimeError)


# ── the guide ──────────────────────────────────────────────────────────────────────────────────────────────────────


def read_blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


def read_steps(block: str) -> list[tuple[list[str], str]]:
    """The commands of a console block, each with the output shown below it."""
    steps = [step.partition("\n") for step in block.replace("\\\n", " ").removeprefix("$ ").split("\n$ ")]
    return [(shlex.split(command), shown.rstrip("\n")) for command, _, shown in steps]


GUIDE_SITE = "https://kabarteluk.example"


def write_guide_portal(portal: LoopbackPortal) -> None:
    """The portal that the guide probes."""
    now = datetime.now(UTC)
    items = "".join(
        f"<item><title>Wali Kota Buka Rakernas APEKSI ({n})</title><link>{portal.base}/{n}/</link>"
        f"<pubDate>{format_datetime(now - timedelta(hours=2 * n + 2, minutes=20))}</pubDate></item>"
        for n in range(6)
    )
    feed = f'<?xml version="1.0"?><rss version="2.0"><channel><title>Kabar Teluk</title>{items}</channel></rss>'
    home = (
        '<html lang="id"><head><title>Kabar Teluk - Berita Teluk Tomini</title><meta name="generator" '
        'content="WordPress 6.7"><link rel="alternate" type="application/rss+xml" href="/feed/"></head></html>'
    )
    portal.answers["/"] = Answer(home.encode())
    for path in ("/feed/", "/?s=apeksi&feed=rss2"):
        portal.answers[path] = Answer(feed.encode(), content_type="application/rss+xml")
    portal.answers["/wp-json/wp/v2/posts?per_page=1&_fields=date,date_gmt"] = Answer(
        b'[{"date": "2026-11-20T16:00:00", "date_gmt": "2026-11-20T08:00:00"}]', content_type="application/json"
    )


@pytest.mark.slow
def test_guide_shows_what_its_commands_print(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    steps = [step for block in read_blocks("console") for step in read_steps(block)]
    assert {command[2] for command, _ in steps} == {
        *("list", "show", "add", "probe", "import", "export", "enable", "disable")
    }
    with serve_portal() as portal:
        write_guide_portal(portal)
        setup = replace(make_setup(tmp_path), data_folder=Path("data"))
        run = make_runner(CommandContext(data_folder=Path("data"), resolved=setup))
        for command, shown in steps:
            assert command[0] == "kabarkota"
            arguments = [argument.replace(GUIDE_SITE, portal.base) for argument in command[1:]]
            printed = read(run(*arguments)).rstrip("\n").replace(portal.base, GUIDE_SITE)
            printed = printed.replace(f"127.0.0.1:{portal.port}", "kabarteluk.example")
            printed = printed.replace("127-0-0-1:", "kabarteluk:")
            assert printed or "export" in command
            assert shown in ("", printed), f"{shlex.join(command)} printed:\n{printed}"


def test_entries_in_the_guide_can_be_laid_over_the_built_in_catalogue(tmp_path: Path) -> None:
    overlay = tmp_path / "sources.toml"
    overlay.write_text("\n".join(read_blocks("toml")), encoding="utf-8")
    changed = {source.id for source in load_catalogue(overlay=overlay).sources} - {
        source.id for source in load_catalogue().sources
    }
    assert changed == {"warta-pesisir"}
