"""The configuration: one file, the environment over it, the command line over all.

The file is the first of: `--config`, KABARKOTA_CONFIG, ./kabarkota.toml, the XDG configuration folder,
/etc/kabarkota/kabarkota.toml. The data folder: `--data` or KABARKOTA_DATA, the configuration's `data`, ./data where it
exists, else the XDG data folder, for cron starts in HOME. An unknown key is an error.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, ValidationError

from aggregator.retention import find_conflict
from aggregator.settings import AggregatorSettings
from crawler.settings import CrawlSettings
from schedules.cluster.settings import ClusterSettings
from schedules.errors import UsageFailure

PREFIX = "KABARKOTA_"
FILE_NAME = "kabarkota.toml"
DATABASE = "news.db"  # in the data folder
# Variables of the environment that hold several values, with commas between.
LISTS = ("allow_networks", "websub_hubs", "private_pages", "trusted_proxies")
NameKey = Callable[[list[str]], str]  # how a key of one layer is named to the operator
SITE_HINT = (
    "no site_url is set; the feeds' links to themselves are relative, and hubs cannot be told of changes. "
    'Put site_url = "https://kabar.example.org/" into [aggregator] of kabarkota.toml, or set '
    "KABARKOTA_AGGREGATOR__SITE_URL."
)
CONTACT_HINT = (
    "no contact is set; portals should be able to reach whoever reads them. "
    'Put contact = "you@example.org" into kabarkota.toml, or set KABARKOTA_CONTACT.'
)


class Configuration(BaseModel):
    """The configuration file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: Path | None = None
    catalogue: Path | None = None
    contact: str = Field("", description="goes into the user agent, so that portals can turn to somebody")
    allow_networks: tuple[IPvAnyNetwork, ...] = ()
    crawl: CrawlSettings = CrawlSettings()
    aggregator: AggregatorSettings = AggregatorSettings()
    cluster: ClusterSettings = ClusterSettings()


@dataclass(frozen=True, kw_only=True)
class Setup:
    """The configuration, resolved: where things are, and the settings of the packages."""

    data_folder: Path
    catalogue_path: Path | None
    crawl: CrawlSettings
    aggregator: AggregatorSettings
    cluster: ClusterSettings = field(default_factory=ClusterSettings)

    @property
    def database(self) -> Path:
        return self.data_folder / DATABASE

    @property
    def public(self) -> Path:
        return self.data_folder / "public"

    @property
    def contact_hint(self) -> str:
        """What to tell an operator whom portals could not reach; "" when a contact is set."""
        return "" if self.crawl.contact else CONTACT_HINT

    @property
    def site_hint(self) -> str:
        """What to tell an operator whose feeds cannot say where they are; "" when they can."""
        return "" if self.aggregator.site_url else SITE_HINT

    @property
    def topics_overlay(self) -> Path | None:
        return self._find_overlay("topics.toml")

    @property
    def profiles_overlay(self) -> Path | None:
        return self._find_overlay("profiles.toml")

    @property
    def timetable_overlay(self) -> Path:
        """Need not exist."""
        return self.data_folder / "timetable.toml"

    @property
    def backups(self) -> Path:
        return self.data_folder / "backups"

    def _find_overlay(self, name: str) -> Path | None:
        path = self.data_folder / name
        return path if path.is_file() else None


def load_setup(
    *,
    config: Path | None = None,
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Setup:
    """Reads and resolves the configuration. `flags`: what the command line sets, in the file's structure.

    Raises UsageFailure naming the file (or variable) and the key.
    """
    environ = os.environ if environ is None else environ
    path = find_file(config, environ)
    content = read_toml(path) if path else {}
    layers: list[tuple[dict[str, Any], NameKey]] = [
        (content, lambda keys: f"{path}: {'.'.join(keys)}"),
        (read_environment(environ), lambda keys: PREFIX + "__".join(keys).upper()),
        (dict(flags or {}), lambda keys: f"command line: {'.'.join(keys)}"),
    ]
    merged: dict[str, Any] = {}
    for layer, name_key in layers:
        _validate(layer, name_key)
        merged = _merge(merged, layer)
    configuration = _validate(merged, ".".join)
    _check_retention(configuration.aggregator, layers)
    crawl = configuration.crawl.model_copy(
        update={
            "contact": configuration.contact or configuration.crawl.contact,
            "allow_networks": configuration.allow_networks or configuration.crawl.allow_networks,
        }
    )
    return Setup(
        data_folder=_find_data_folder(configuration.data, environ),
        catalogue_path=configuration.catalogue,
        crawl=crawl,
        aggregator=configuration.aggregator,
        cluster=configuration.cluster,
    )


def find_file(config: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The configuration file to read, or None. Raises UsageFailure when a named one is missing."""
    named = config or (Path(environ["KABARKOTA_CONFIG"]) if environ.get("KABARKOTA_CONFIG") else None)
    if named is not None:
        if not named.is_file():
            raise UsageFailure(f"{named}: no such configuration file")
        return named
    home = environ.get("XDG_CONFIG_HOME") or str(Path("~/.config").expanduser())
    places = (Path(FILE_NAME), Path(home) / "kabarkota" / FILE_NAME, Path("/etc/kabarkota") / FILE_NAME)
    return next((place for place in places if place.is_file()), None)


def read_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """KABARKOTA_CONTACT=…, KABARKOTA_CRAWL__DELAY_SECONDS=…; `…_FILE` names a file that holds the value."""
    layer: dict[str, Any] = {}
    for name, value in sorted(environ.items()):
        if not name.startswith(PREFIX) or name in ("KABARKOTA_CONFIG", "KABARKOTA_DEV_DATA"):
            continue
        keys = name.removeprefix(PREFIX).lower()
        if keys.endswith("_file"):
            keys, value = keys.removesuffix("_file"), _read_secret(name, Path(value))  # noqa: PLW2901 - the same variable, read
        *sections, key = keys.split("__")
        target = layer
        for section in sections:
            target = target.setdefault(section, {})
            if not isinstance(target, dict):
                raise UsageFailure(f"{name}: {PREFIX}{section.upper()} is set, too, and is no section")
        target[key] = [part.strip() for part in value.split(",")] if key in LISTS else value
    return layer


def _read_secret(name: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UsageFailure(f"{name}: {path}: {error.strerror}") from error


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file. Raises UsageFailure naming it."""
    try:
        if path.exists() and not path.is_file():
            raise UsageFailure(f"{path}: is not a file")  # to read a pipe would wait for ever
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))  # some editors write a byte order mark
    except OSError as error:
        raise UsageFailure(f"{path}: {error.strerror}") from error
    except RecursionError as error:
        raise UsageFailure(f"{path}: nested too deeply") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageFailure(f"{path}: not valid TOML: {error}") from error


def _validate(layer: Mapping[str, Any], name_key: NameKey) -> Configuration:
    try:
        return Configuration.model_validate(layer)
    except ValidationError as error:
        fault = error.errors()[0]
        problem = "unknown key" if fault["type"] == "extra_forbidden" else fault["msg"]
        raise UsageFailure(f"{name_key([str(key) for key in fault['loc']])}: {problem}") from error


def _check_retention(settings: AggregatorSettings, layers: list[tuple[dict[str, Any], NameKey]]) -> None:
    """What no layer can be judged by alone. Raises UsageFailure naming where the text's days are set."""
    problem = find_conflict(settings.retention, settings.candidate_days)
    if not problem:
        return
    key = ["aggregator", "retention", "text_days"]
    (name_key,) = [name for layer, name in layers if "text_days" in _get(layer, key[:-1])][-1:]
    raise UsageFailure(f"{name_key(key)}: {problem}")


def _get(layer: Mapping[str, Any], keys: list[str]) -> Mapping[str, Any]:
    for key in keys:
        layer = layer.get(key, {})
    return layer


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def _find_data_folder(named: Path | None, environ: Mapping[str, str]) -> Path:
    if named is not None:
        return named.expanduser()
    if Path("data").is_dir():
        return Path("data")
    home = environ.get("XDG_DATA_HOME") or str(Path("~/.local/share").expanduser())
    return Path(home) / "kabarkota"
