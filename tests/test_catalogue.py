"""The catalogue: the built-in sources, reading, laying over, faults, editing."""

from __future__ import annotations

import csv
import dataclasses
import os
import threading
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from aggregator.models import Channel, ChannelKind, Selectors, Source, SourceEvidence, SourceKind
from aggregator.reference import load_cities, load_provinces
from crawler.catalogue import (
    BUILT_IN,
    Catalogue,
    CatalogueError,
    add_source,
    extend_catalogue,
    format_source,
    load_catalogue,
    parse_source,
    set_enabled,
)
from crawler.catalogue.addresses import make_address_key
from crawler.catalogue.entries import ChannelEntry, SelectorsEntry, SourceEntry

HARBOUR = """\
[sources.harbour-post]
name = "Harbour Post"
domain = "harbour.example"
channels = [{ kind = "feed", url = "https://harbour.example/feed/" }]
"""
VALLEY = HARBOUR.replace("harbour", "valley").replace("Harbour", "Valley")


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    return write(tmp_path / "catalogue.toml", HARBOUR + VALLEY)


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    return tmp_path / "data" / "sources.toml"


def write(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def make_source(source_id: str = "bay-news", url: str = "https://bay.example/feed/", **values: Any) -> Source:
    channels = (Channel(kind=ChannelKind.FEED, url=url),)
    given: dict[str, Any] = {
        "id": source_id,
        "name": "Bay News",
        "domain": "bay.example",
        "channels": channels,
    } | values
    return Source(**given)


def get(path: Path | None, source_id: str, overlay: Path | None = None) -> Source:
    source = load_catalogue(path, overlay=overlay).get(source_id)
    assert source is not None
    return source


# ── the built-in sources ───────────────────────────────────────────────────────────────────────────────────────────


def test_built_in_catalogue_covers_the_country() -> None:
    sources = load_catalogue().sources
    assert len(sources) >= 550
    assert len([source for source in sources if source.enabled]) >= 360
    assert {source.province for source in sources} - {None} == {province.name for province in load_provinces()}
    assert {source.city for source in sources} - {None} == {city.slug for city in load_cities()}
    assert {channel.kind for source in sources for channel in source.channels} == set(ChannelKind)


def test_built_in_sources_that_nobody_looked_at_are_off_and_no_others_without_a_reason() -> None:
    off = {source for source in load_catalogue().sources if not source.enabled}
    unprobed = {source for source in load_catalogue().sources if source.evidence is SourceEvidence.UNPROBED}
    assert unprobed <= off
    assert all(source.note for source in off - unprobed)
    assert SourceEvidence.GIVEN not in {source.evidence for source in load_catalogue().sources}


def test_built_in_names_are_told_apart() -> None:
    names = Counter(source.name for source in load_catalogue().sources)
    assert not [name for name, count in names.items() if count > 1]


def test_built_in_source_reads_as_its_entry_says() -> None:
    assert get(None, "antara-gorontalo") == Source(
        id="antara-gorontalo",
        name="ANTARA Gorontalo",
        domain="gorontalo.antaranews.com",
        kind=SourceKind.REGIONAL,
        province="Gorontalo",
        city="kota-gorontalo",
        timezone="Asia/Makassar",
        channels=(
            Channel(kind=ChannelKind.FEED, url="https://gorontalo.antaranews.com/rss/terkini.xml"),
            Channel(kind=ChannelKind.LISTING, url="https://gorontalo.antaranews.com/tag/apeksi"),
        ),
        evidence=SourceEvidence.TRIED,
    )


def test_built_in_file_is_sorted_and_written_as_the_commands_write() -> None:
    lines = BUILT_IN.read_text(encoding="utf-8").splitlines(keepends=True)
    entries = "".join(line for line in lines if not line.startswith("#"))
    assert entries.strip() == "\n".join(map(format_source, load_catalogue().sources)).strip()


def test_built_in_sources_have_the_zone_of_their_province() -> None:
    zones = {province.name: province.timezone for province in load_provinces()}
    assert not [
        (source.id, source.timezone)
        for source in load_catalogue().sources
        if source.timezone != zones.get(source.province or "", source.timezone)
    ]


def test_provinces_have_the_zone_of_their_cities() -> None:
    zones = {province.name: province.timezone for province in load_provinces()}
    assert all(zones[city.province] == city.timezone for city in load_cities())
    assert zones["Sulawesi Barat"] == "Asia/Makassar"
    assert zones["Papua Barat"] == zones["Papua Tengah"] == "Asia/Jayapura"


def test_built_in_addresses_belong_to_the_domain_of_their_source() -> None:
    elsewhere = {
        (source.id, channel.url)
        for source in load_catalogue().sources
        for channel in source.channels
        if source.domain.removeprefix("news.") not in channel.url
    }
    assert elsewhere == {("bbc-indonesia", "https://feeds.bbci.co.uk/indonesia/rss.xml")}


def test_every_source_with_evidence_is_built_in(dev_data: Path) -> None:
    with (dev_data / "sources.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    known = [row for row in rows if row["verification"] in ("V1", "V2")]
    sources = load_catalogue().sources
    have = {make_address_key(channel.url) for source in sources for channel in source.channels}
    feeds = {row["feed_url_or_pattern"] for row in known} - {""}
    assert len(known) > 150
    assert {row["domain"].removeprefix("www.") for row in known} <= {source.domain for source in sources}
    # the page that lists Kompas's feeds, which are gone
    assert {feed for feed in feeds if make_address_key(feed) not in have} == {"https://rss.kompas.com/"}


# ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_sources_are_sorted_by_id_and_found_by_it(tmp_path: Path) -> None:
    catalogue = load_catalogue(write(tmp_path / "c.toml", VALLEY + HARBOUR))
    assert [source.id for source in catalogue.sources] == ["harbour-post", "valley-post"]
    assert catalogue.get("valley-post") is catalogue.sources[1]
    assert catalogue.get("hill-post") is None


def test_every_key_reaches_the_source(tmp_path: Path) -> None:
    path = write(
        tmp_path / "c.toml",
        """
        [sources.bay-news]
        name = "Bay News"
        domain = "bay.example"
        kind = "city-government"
        province = "Maluku"
        city = "kota-ambon"
        timezone = "Asia/Jayapura"
        language = "en"
        enabled = false
        full_text = true
        profile = "newkarma"
        note = "Two\\nlines"

        [[sources.bay-news.channels]]
        kind = "listing"
        url = "https://bay.example/index"
        max_pages = 3
        selectors = { item = "article", link = "h2 a", title = "h2", date = "time", author = ".by", next = "a.next" }

        [[sources.bay-news.channels]]
        kind = "wordpress"
        url = "https://bay.example/"
        terms = ["apeksi", "kota cerdas"]
        """,
    )
    selectors = Selectors(item="article", link="h2 a", title="h2", date="time", author=".by", next="a.next")
    assert get(path, "bay-news") == Source(
        id="bay-news",
        name="Bay News",
        domain="bay.example",
        kind=SourceKind.CITY_GOVERNMENT,
        province="Maluku",
        city="kota-ambon",
        timezone="Asia/Jayapura",
        language="en",
        enabled=False,
        full_text=True,
        profile="newkarma",
        note="Two\nlines",
        channels=(
            Channel(kind=ChannelKind.LISTING, url="https://bay.example/index", selectors=selectors, max_pages=3),
            Channel(kind=ChannelKind.WORDPRESS, url="https://bay.example/", terms=("apeksi", "kota cerdas")),
        ),
    )


def test_what_an_entry_leaves_out_has_the_defaults_of_the_model(catalogue: Path) -> None:
    channels = (Channel(kind=ChannelKind.FEED, url="https://harbour.example/feed/"),)
    assert get(catalogue, "harbour-post") == Source(
        id="harbour-post", name="Harbour Post", domain="harbour.example", channels=channels
    )


def test_home_city_brings_its_province_and_zone(tmp_path: Path) -> None:
    source = get(write(tmp_path / "c.toml", HARBOUR + 'city = "kota-ambon"\n'), "harbour-post")
    assert (source.province, source.timezone) == ("Maluku", "Asia/Jayapura")


def test_file_may_begin_with_a_byte_order_mark_and_have_the_line_ends_of_windows(tmp_path: Path) -> None:
    text = b"\xef\xbb\xbf" + HARBOUR.replace("\n", "\r\n").encode()
    assert get(write(tmp_path / "c.toml", text), "harbour-post").name == "Harbour Post"


@pytest.mark.parametrize(
    ("entry", "model", "besides"),
    [(SourceEntry, Source, {"id"}), (ChannelEntry, Channel, set()), (SelectorsEntry, Selectors, set())],
    ids=["source", "channel", "selectors"],
)
def test_entry_has_every_field_of_its_model(entry: type[BaseModel], model: type, besides: set[str]) -> None:
    assert set(entry.model_fields) | besides == {field.name for field in dataclasses.fields(model)}


@pytest.mark.parametrize("entry", [SourceEntry, ChannelEntry, SelectorsEntry])
def test_readme_explains_every_key(entry: type[BaseModel]) -> None:
    readme = BUILT_IN.with_name("README.md").read_text(encoding="utf-8")
    assert not [key for key in entry.model_fields if f"`{key}`" not in readme]


# ── the operator's file over it ────────────────────────────────────────────────────────────────────────────────────


def test_overlay_switches_a_built_in_source_off(overlay: Path) -> None:
    write(overlay, "[sources.antara-aceh]\nenabled = false\n")
    changed, built_in = load_catalogue(overlay=overlay), load_catalogue()
    before = built_in.get("antara-aceh")
    assert before is not None
    assert changed.get("antara-aceh") == dataclasses.replace(before, enabled=False)
    assert len(changed.sources) == len(built_in.sources)


def test_overlay_adds_a_source_in_its_place(catalogue: Path, overlay: Path) -> None:
    write(overlay, HARBOUR.replace("harbour", "lake").replace("Harbour", "Lake"))
    ids = [source.id for source in load_catalogue(catalogue, overlay=overlay).sources]
    assert ids == ["harbour-post", "lake-post", "valley-post"]


def test_overlay_replaces_all_channels_of_a_source(catalogue: Path, overlay: Path) -> None:
    write(
        overlay, '[sources.harbour-post]\nchannels = [{kind = "sitemap", url = "https://harbour.example/news.xml"}]\n'
    )
    source = get(catalogue, "harbour-post", overlay)
    assert [channel.kind for channel in source.channels] == [ChannelKind.SITEMAP]
    assert source.name == "Harbour Post"


def test_overlay_may_take_an_address_that_it_took_from_another(catalogue: Path, overlay: Path) -> None:
    write(
        overlay,
        '[sources.valley-post]\nchannels = [{kind = "feed", url = "https://harbour.example/feed"}]\n'
        '[sources.harbour-post]\nchannels = [{kind = "feed", url = "https://valley.example/feed"}]\n',
    )
    assert get(catalogue, "valley-post", overlay).channels[0].url == "https://harbour.example/feed"


@pytest.mark.parametrize("text", [None, "", "# nothing yet\n"], ids=["missing", "empty", "comment"])
def test_overlay_without_entries_changes_nothing(catalogue: Path, overlay: Path, text: str | None) -> None:
    if text is not None:
        write(overlay, text)
    assert load_catalogue(catalogue, overlay=overlay) == load_catalogue(catalogue)


# ── faults, each told in one line ──────────────────────────────────────────────────────────────────────────────────


def harbour_with(old: str, new: str) -> str:
    assert old in HARBOUR
    return HARBOUR.replace(old, new)


def harbour_at(url: str) -> str:
    return harbour_with("https://harbour.example/feed/", url)


FEED = 'kind = "feed"'
ADDRESS = "sources.harbour-post.channels[0].url: "
SELECTOR = "sources.harbour-post.channels[0].selectors.item: "
FAULTS = {
    "broken TOML": (HARBOUR + "name =\n", "line 5: Invalid value"),
    "broken at the end": (HARBOUR + "note = [", "line 5: Invalid value"),
    "nested without end": ("sources = " + "[" * 5000, "nested too deeply"),
    "source twice": (HARBOUR + HARBOUR, "line 5: the source harbour-post is declared twice"),
    "key twice": (HARBOUR + 'domain = "b.example"\n', "line 5: Cannot overwrite a value"),
    "not UTF-8": (b'[sources.a]\nname = "\xff"\n', "not UTF-8 text (byte 21)"),
    "no sources": ("# none\n", "no sources"),
    "empty table": ("[sources]\n", "no sources"),
    "table outside sources": ("[source.a]\n", "source: unknown key; an entry begins with [sources.<id>]"),
    "sources no table": ("sources = 5\n", "sources: must be a table, not 5"),
    "source no table": ("sources.a = 5\n", "sources.a: must be a table, not 5"),
    "key without value": ("[sources.harbour-post]\n", "sources.harbour-post.name: missing"),
    "unknown key": (HARBOUR + "colour = 1\n", "sources.harbour-post.colour: unknown key"),
    "misspelt key": (
        harbour_with("domain", "domian"),
        "sources.harbour-post.domian: unknown key; did you mean domain?",
    ),
    "unknown key of a channel": (
        harbour_with(FEED, FEED + ", pages = 2"),
        "sources.harbour-post.channels[0].pages: unknown key; did you mean max_pages?",
    ),
    "wrong type": (HARBOUR + 'enabled = "yes"\n', "sources.harbour-post.enabled: must be true or false, not 'yes'"),
    "number for text": (
        harbour_with('"Harbour Post"', "5"),
        "sources.harbour-post.name: must be text in quotes, not 5",
    ),
    "text for number": (
        harbour_with(FEED, FEED + ', max_pages = "2"'),
        "sources.harbour-post.channels[0].max_pages: must be a whole number, not '2'",
    ),
    "truth for number": (
        harbour_with(FEED, FEED + ", max_pages = true"),
        "sources.harbour-post.channels[0].max_pages: must be a whole number, not True",
    ),
    "no page": (
        harbour_with(FEED, FEED + ", max_pages = 0"),
        "sources.harbour-post.channels[0].max_pages: must be at least 1, not 0",
    ),
    "too many pages": (
        harbour_with(FEED, FEED + ", max_pages = 51"),
        "sources.harbour-post.channels[0].max_pages: must be at most 50, not 51",
    ),
    "channels no list": (
        "[sources.a]\nname = 'A'\ndomain = 'a.example'\nchannels = 'https://a.example/'\n",
        "sources.a.channels: must be a list in [ ], not 'https://a.example/'",
    ),
    "no channels": (
        "[sources.a]\nname = 'A'\ndomain = 'a.example'\nchannels = []\n",
        "sources.a: no channels; only a source that is off and unprobed may have none",
    ),
    "unknown kind": (
        HARBOUR + 'kind = "local"\n',
        (
            "sources.harbour-post.kind: must be 'regional', 'national', 'city-government', 'provincial-government', "
            "'ministry', 'association' or 'other', not 'local'"
        ),
    ),
    "unknown kind of channel": (
        harbour_with('"feed"', '"rss"'),
        "sources.harbour-post.channels[0].kind: must be 'feed', 'sitemap', 'wordpress' or 'listing', not 'rss'",
    ),
    "name of two lines": (
        harbour_with('"Harbour Post"', '"Harbour\\nPost"'),
        "sources.harbour-post.name: 'Harbour\\nPost': must be one line of 1 to 200 characters",
    ),
    "blank name": (
        harbour_with('"Harbour Post"', '" "'),
        "sources.harbour-post.name: ' ': must be one line of 1 to 200 characters",
    ),
    "domain with a scheme": (
        harbour_with('"harbour.example"', '"https://harbour.example"'),
        (
            "sources.harbour-post.domain: 'https://harbour.example': "
            "not a domain: a host name in lower case, such as gorontalo.antaranews.com"
        ),
    ),
    "bad language": (
        HARBOUR + 'language = "Indonesian"\n',
        "sources.harbour-post.language: 'Indonesian': not a language code of ISO 639, such as id or en",
    ),
    "terms of a feed": (
        harbour_with(FEED, FEED + ', terms = ["apeksi"]'),
        "sources.harbour-post.channels[0]: only a wordpress channel takes terms, not a feed channel",
    ),
    "selectors of a feed": (
        harbour_with(FEED, FEED + ', selectors = { item = "li" }'),
        "sources.harbour-post.channels[0]: only a listing channel takes selectors, not a feed channel",
    ),
    "selectors without item": (
        harbour_with(FEED, 'kind = "listing", selectors = { title = "h2" }'),
        SELECTOR + "missing",
    ),
    "bad selector": (
        harbour_with(FEED, 'kind = "listing", selectors = { item = "li[" }'),
        SELECTOR + "'li[': not a CSS selector: Expected ident or '*', got <EOF at 3>",
    ),
    "unknown city": (
        HARBOUR + 'city = "kota-gorontal"\n',
        "sources.harbour-post.city: 'kota-gorontal': no member city has this slug; did you mean kota-gorontalo?",
    ),
    "unknown province": (
        HARBOUR + 'province = "Jawa Barath"\n',
        "sources.harbour-post.province: 'Jawa Barath': no province has this name; did you mean Jawa Barat?",
    ),
    "city of another province": (
        HARBOUR + 'city = "kota-gorontalo"\nprovince = "Bali"\n',
        "sources.harbour-post: kota-gorontalo lies in Gorontalo, not in Bali",
    ),
    "same address twice in a source": (
        harbour_with(
            "[{",
            '[{ kind = "sitemap", url = "HTTP://Harbour.Example:80/feed" }, {',
        ),
        (
            "sources.harbour-post.channels[1].url: 'https://harbour.example/feed/' "
            "is the address of sources.harbour-post.channels[0] too"
        ),
    ),
    "same address in two sources": (
        HARBOUR + VALLEY.replace("valley.example/feed/", "harbour.example/feed"),
        (
            "sources.valley-post.channels[0].url: 'https://harbour.example/feed' "
            "is the address of sources.harbour-post.channels[0] too"
        ),
    ),
}
SLUG = "not a slug: up to 64 lowercase letters, digits and single hyphens, such as antara-gorontalo"
for bad in ("Harbour", "harbour_post", "-harbour", "harbour-", "har--bour", "h" * 65, "", "kota baru", "ä"):
    FAULTS[f"slug {bad[:9]!r}"] = (f'[sources."{bad}"]\n', f"sources.{bad!r}: {SLUG}")
for bad in ("Asia/Gorontalo", "WITA+8", "", "../../etc/passwd", "Asia", "/etc/localtime"):
    FAULTS[f"time zone {bad!r}"] = (
        f'{HARBOUR}timezone = "{bad}"\n',
        (
            f"sources.harbour-post.timezone: {bad!r}: "
            "no such time zone; Indonesia's are Asia/Jakarta, Asia/Makassar and Asia/Jayapura"
        ),
    )
for bad, problem in {
    "": "not an http or https address",
    "harbour.example/feed": "not an http or https address",
    "ftp://harbour.example/": "not an http or https address",
    "file:///etc/passwd": "not an http or https address",
    "javascript:alert(1)": "not an http or https address",
    "http://": "an address needs a host name",
    "https:///feed": "an address needs a host name",
    "https://-/": "an address needs a host name",
    "https://a..example/": "an address needs a host name",
    "https://a.example:port/": "not an address: its host or port is malformed",
    "https://a.example:99999/": "not an address: its host or port is malformed",
    "https://[::1/": "not an address: its host or port is malformed",
    "https://me:secret@a.example/": "an address must not carry a user name or password: addresses are published",
    "https://{zone}.example/rss": "'{' cannot stand in an address",
    "https://a.example/a b": "' ' cannot stand in an address",
}.items():
    FAULTS[f"address {bad!r}"] = (harbour_at(bad), f"{ADDRESS}{bad!r}: {problem}")


@pytest.mark.parametrize(("text", "problem"), FAULTS.values(), ids=FAULTS)
def test_fault_is_told_in_one_line(tmp_path: Path, text: str | bytes, problem: str) -> None:
    path = write(tmp_path / "c.toml", text)
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(path)
    assert str(caught.value) == f"{path}: {problem}"


def test_long_address_is_refused_and_not_repeated_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "c.toml", harbour_at("https://harbour.example/" + "a" * 3000))
    with pytest.raises(CatalogueError, match=r"is longer than 2048 characters$") as caught:
        load_catalogue(path)
    assert len(str(caught.value)) < len(str(path)) + 200


OVERLAY_FAULTS = {
    "change of an unknown source": ("[sources.bay]\nenabled = false\n", "sources.bay.name: missing"),
    "entry no table": ("sources.harbour-post = true\n", "sources.harbour-post: must be a table, not True"),
    "wrong type": (
        "[sources.harbour-post]\nenabled = 0\n",
        "sources.harbour-post.enabled: must be true or false, not 0",
    ),
    "address of a source below": (
        HARBOUR.replace("-post", "-times"),
        (
            "sources.harbour-times.channels[0].url: 'https://harbour.example/feed/' "
            "is the address of sources.harbour-post.channels[0] too"
        ),
    ),
    "address of a source below that comes later": (
        '[sources.harbour-post]\nchannels = [{kind = "feed", url = "http://valley.example/feed"}]\n',
        (
            "sources.harbour-post.channels[0].url: 'http://valley.example/feed' "
            "is the address of sources.valley-post.channels[0] too"
        ),
    ),
    "broken TOML": ("[sources\n", "line 1: Expected ']' at the end of a table declaration"),
}


@pytest.mark.parametrize(("text", "problem"), OVERLAY_FAULTS.values(), ids=OVERLAY_FAULTS)
def test_fault_that_the_overlay_brings_is_the_overlays(catalogue: Path, overlay: Path, text: str, problem: str) -> None:
    write(overlay, text)
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(catalogue, overlay=overlay)
    assert str(caught.value) == f"{overlay}: {problem}"


def test_fault_of_the_catalogue_is_not_blamed_on_the_overlay(tmp_path: Path, overlay: Path) -> None:
    path = write(tmp_path / "c.toml", HARBOUR + "enabled = 0\n")
    write(overlay, "[sources.harbour-post]\nnote = 'x'\n")
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(path, overlay=overlay)
    assert str(caught.value).startswith(f"{path}: sources.harbour-post.enabled: ")


@pytest.mark.parametrize(
    ("name", "problem"),
    [("nowhere.toml", "No such file or directory"), (".", "Is a directory")],
    ids=["missing", "folder"],
)
def test_catalogue_that_cannot_be_read_is_named(tmp_path: Path, name: str, problem: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(tmp_path / name)
    assert str(caught.value) == f"{tmp_path / name}: cannot be read: {problem}"


def test_overlay_that_cannot_be_read_is_not_passed_over(catalogue: Path, tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"cannot be read: Is a directory$"):
        load_catalogue(catalogue, overlay=tmp_path)


# ── addresses ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "spelling",
    [
        "http://a.example/feed",
        "https://A.EXAMPLE/feed",
        "https://a.example:443/feed",
        "http://a.example:80/feed",
        "https://a.example./feed",
        "https://a.example/feed//",
        "https://a.example/feed#top",
        "https://a.example/feed?",
    ],
)
def test_spellings_of_one_address_are_the_same(spelling: str) -> None:
    assert make_address_key(spelling) == make_address_key("https://a.example/feed/")


@pytest.mark.parametrize(
    "other",
    [
        "https://b.example/feed/",
        "https://www.a.example/feed/",
        "https://a.example:8443/feed/",
        "https://a.example:80/feed/",
        "https://a.example/Feed/",
        "https://a.example/feed/?q=1",
        "https://a.example/",
    ],
)
def test_other_addresses_are_not_the_same(other: str) -> None:
    assert make_address_key(other) != make_address_key("https://a.example/feed/")


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8900/feed", "http://[::1]:8900/", "https://köln.example/rss", "https://a.example/?q=%22kota%22"],
)
def test_addresses_of_all_sorts_of_hosts_are_taken(tmp_path: Path, url: str) -> None:
    assert get(write(tmp_path / "c.toml", harbour_at(url)), "harbour-post").channels[0].url == url


# ── editing ────────────────────────────────────────────────────────────────────────────────────────────────────────

COMMENTED = """\
# Our sources. Ask Rina before changing anything.

[sources.lake-post]   # since 2024
name = "Lake Post" # the paper
domain = "lake.example"
channels = [
  # the old address answers no more
  { kind = "feed", url = "https://lake.example/feed" },
]

# Off until they mend their certificate.
[sources.antara-aceh]
enabled = false # 3 May

# the end
"""


def test_added_source_is_read_back(overlay: Path) -> None:
    source = make_source(
        province="Bali",
        timezone="Asia/Makassar",
        note='a "quoted" \\ note\n',
        channels=(
            Channel(
                kind=ChannelKind.LISTING,
                url="https://bay.example/",
                selectors=Selectors(item="li:has(a)", date="time"),
                max_pages=2,
            ),
            Channel(kind=ChannelKind.WORDPRESS, url="https://bay.example/blog/", terms=("apeksi", 'kota "cerdas"')),
        ),
    )
    add_source(overlay, source)
    assert get(None, "bay-news", overlay) == source


def test_added_source_leaves_the_rest_of_the_file_as_it_was(overlay: Path) -> None:
    write(overlay, COMMENTED)
    add_source(overlay, make_source())
    assert overlay.read_text() == f"{COMMENTED}\n{format_source(make_source())}"


def test_source_is_added_after_a_last_line_without_end(overlay: Path) -> None:
    write(overlay, COMMENTED.rstrip("\n"))
    add_source(overlay, make_source())
    assert overlay.read_text() == f"{COMMENTED}\n{format_source(make_source())}"


def test_new_file_says_what_it_is(overlay: Path) -> None:
    add_source(overlay, make_source())
    assert overlay.read_text().startswith("# Sources of this installation")
    assert not [file.name for file in overlay.parent.iterdir() if file != overlay]


def test_source_is_not_added_twice(overlay: Path) -> None:
    add_source(overlay, make_source())
    before = overlay.read_bytes()
    with pytest.raises(CatalogueError, match=r"sources\.bay-news: the file has an entry with this id$"):
        add_source(overlay, make_source(url="https://bay.example/other"))
    assert overlay.read_bytes() == before


@pytest.mark.parametrize(
    "source",
    [make_source("Bad Id"), make_source("a]\n[b"), make_source(url="ftp://bay.example/"), make_source(channels=())],
    ids=["id", "id that breaks out", "address", "no channels"],
)
def test_source_that_could_not_be_read_back_is_not_written(overlay: Path, source: Source) -> None:
    with pytest.raises(CatalogueError):
        add_source(overlay, source)
    assert not overlay.exists()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[sources.a]\nname='A'\n\n# b\n[sources.b]\n", "[sources.a]\nenabled = false\nname='A'\n\n# b\n[sources.b]\n"),
        ("[sources.a] # here\n", "[sources.a] # here\nenabled = false\n"),
        ("[sources.a]", "[sources.a]\nenabled = false"),
        ('[ sources . "a" ]\r\nname = "A"\r\n', '[ sources . "a" ]\r\nenabled = false\r\nname = "A"\r\n'),
        ("[sources.a]\nenabled = true # for now\n", "[sources.a]\nenabled = false # for now\n"),
        ("[sources.a]\nname='A'\nenabled=true\n[sources.b]\n", "[sources.a]\nname='A'\nenabled=false\n[sources.b]\n"),
        ("sources.a.enabled = true\n", "sources.a.enabled = false\n"),
        ("[sources]\na = { enabled = true } # x\n", "[sources]\na = { enabled = false } # x\n"),
        ("[[sources.a.channels]]\nurl = 'u'\n", "[sources.a]\nenabled = false\n[[sources.a.channels]]\nurl = 'u'\n"),
        ("[sources.b]\n", "[sources.b]\n\n[sources.a]\nenabled = false\n"),
        ("[sources.ab]\r\n", "[sources.ab]\r\n\r\n[sources.a]\r\nenabled = false\r\n"),
    ],
    ids=[
        "before the comment of the next", "header with comment", "no line end", "line ends of Windows", "changed",
        "changed in the middle", "dotted", "in braces", "array of tables", "new entry", "new entry on Windows",
    ],
)  # fmt: skip
def test_switch_changes_one_line(overlay: Path, before: str, after: str) -> None:
    write(overlay, before)
    set_enabled(overlay, "a", False)
    assert overlay.read_bytes().decode() == after
    tables = tomllib.loads(before.replace("\r", "")).get("sources", {})
    assert tomllib.loads(after.replace("\r", ""))["sources"] == tables | {"a": tables.get("a", {}) | {"enabled": False}}


def test_switch_keeps_every_comment(overlay: Path) -> None:
    write(overlay, COMMENTED)
    set_enabled(overlay, "antara-aceh", True)
    set_enabled(overlay, "lake-post", False)
    set_enabled(overlay, "antara-bali", False)
    text = overlay.read_text()
    assert [
        line for line in COMMENTED.splitlines() if line.split("#")[0] != "enabled = false " and line not in text
    ] == []
    assert "enabled = true # 3 May" in text
    enabled = [get(None, source_id, overlay).enabled for source_id in ("antara-aceh", "lake-post", "antara-bali")]
    assert enabled == [True, False, False]


def test_switching_to_what_is_already_so_does_not_write(overlay: Path) -> None:
    write(overlay, COMMENTED)
    inode = overlay.stat().st_ino
    set_enabled(overlay, "antara-aceh", False)
    assert overlay.stat().st_ino == inode


@pytest.mark.parametrize(
    "text",
    [
        "sources = { b = { name = 'B' } }\n",
        'note = """\n[sources.a]\n"""\n'.replace("note", "sources.b.note") + "[sources.a]\nname = 'A'\n",
    ],
    ids=["all in braces", "header within a text"],
)
def test_layout_that_an_edit_cannot_follow_is_refused(overlay: Path, text: str) -> None:
    write(overlay, text)
    with pytest.raises(CatalogueError, match=r"edit it by hand$"):
        set_enabled(overlay, "a", False)
    assert overlay.read_text() == text


@pytest.mark.parametrize(
    ("text", "problem"),
    [("[sources\n", "line 1: "), ("sources.a = 1\n", "sources.a: must be a table, not 1"), (b"\xff", "not UTF-8")],
    ids=["broken", "no table", "not UTF-8"],
)
def test_file_that_is_broken_is_not_edited(overlay: Path, text: str | bytes, problem: str) -> None:
    write(overlay, text)
    before = overlay.read_bytes()
    with pytest.raises(CatalogueError) as caught:
        set_enabled(overlay, "a", True)
    assert str(caught.value).startswith(f"{overlay}: {problem}")
    assert overlay.read_bytes() == before


def test_bad_id_is_not_switched(overlay: Path) -> None:
    with pytest.raises(CatalogueError, match="not a slug"):
        set_enabled(overlay, "a]\n[b", True)


def test_failing_write_leaves_the_old_file(overlay: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    write(overlay, COMMENTED)
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        set_enabled(overlay, "antara-bali", False)
    assert overlay.read_text() == COMMENTED
    assert list(overlay.parent.iterdir()) == [overlay]


def test_edited_file_keeps_its_mode_and_stays_a_link(tmp_path: Path) -> None:
    real = write(tmp_path / "etc" / "sources.toml", COMMENTED)
    real.chmod(0o640)
    link = tmp_path / "data.toml"
    link.symlink_to(real)
    set_enabled(link, "antara-aceh", True)
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert "enabled = true # 3 May" in real.read_text()


def test_edits_at_the_same_time_are_all_kept(overlay: Path) -> None:
    names = [f"source-{number}" for number in range(12)]
    threads = [threading.Thread(target=set_enabled, args=(overlay, name, False)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tomllib.loads(overlay.read_text())["sources"] == {name: {"enabled": False} for name in names}


lines = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=40)


notes = st.text(st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(" \n\t"))


@given(name=lines, note=notes, terms=st.lists(lines, max_size=3))
def test_any_source_survives_its_entry(name: str, note: str, terms: list[str]) -> None:
    channels = (Channel(kind=ChannelKind.WORDPRESS, url="https://bay.example/", terms=tuple(terms)),)
    source = make_source(name=name, note=note, channels=channels)
    tables = tomllib.loads(format_source(source))["sources"]
    assert parse_source(source.id, tables[source.id], origin="test") == source


def test_catalogue_is_extended_by_a_new_source_only(catalogue: Path) -> None:
    before = load_catalogue(catalogue)
    after = extend_catalogue(before, make_source(), origin="test")
    assert isinstance(after, Catalogue)
    assert [source.id for source in after.sources] == ["bay-news", "harbour-post", "valley-post"]
    assert len(before.sources) == 2
    with pytest.raises(CatalogueError, match=r"^test: sources\.harbour-post: there is a source with this id$"):
        extend_catalogue(before, make_source("harbour-post"), origin="test")
    with pytest.raises(CatalogueError, match=r"is the address of sources\.valley-post\.channels\[0\] too$"):
        extend_catalogue(before, make_source(url="http://VALLEY.example/feed"), origin="test")
