"""Reads `alerts.toml`: who is told what, when and how. Secrets come from the environment and from files.

Errors name file and key, and never a value that may hold a secret.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from crawler.catalogue.entries import check_slug
from crawler.catalogue.faults import describe_fault
from schedules.alerts.models import AlertEntry, AlertsFile, DigestEntry, TargetEntry
from schedules.alerts.targets import Target, TargetError, make_target
from schedules.config import Setup, read_toml
from schedules.errors import UsageFailure

FILE_NAME = "alerts.toml"
SECRET_MOST = 64_000
_SHOWN = re.compile(r"[A-Za-z0-9_-]{1,64}")  # what is something else may be an address in the wrong place
_SHOWN_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_SHOWN_FILE = re.compile(r"(?!.*//)[A-Za-z0-9_./~-]{1,200}")
_ENTRIES: Mapping[str, type[BaseModel]] = {"digests": DigestEntry, "alerts": AlertEntry, "targets": TargetEntry}


@dataclass(frozen=True, kw_only=True)
class Alerts:
    """The file, resolved."""

    digests: Mapping[str, DigestEntry] = field(default_factory=dict)
    alerts: Mapping[str, AlertEntry] = field(default_factory=dict)
    targets: Mapping[str, Target] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.digests or self.alerts or self.targets)

    def describe(self) -> str:
        """How much of what there is."""
        return f"{len(self.digests)} digests, {len(self.alerts)} alerts, {len(self.targets)} targets"


def find_alerts_file(setup: Setup) -> Path:
    """Where the operator's file is; it need not exist."""
    return setup.data_folder / FILE_NAME


def load_alerts(
    path: Path, environ: Mapping[str, str] | None = None, *, needed: Collection[str] | None = None
) -> Alerts:
    """What the file says; nothing where there is none. Raises UsageFailure naming file and key.

    `needed` are the targets whose addresses and secrets must be there, by default all; others only say what is missing.
    """
    if not path.exists():
        return Alerts()
    file = _read(path)
    environ = os.environ if environ is None else environ
    targets, faults = {}, []
    for name, entry in file.targets.items():
        try:
            targets[name] = _resolve(name, entry, path.parent, environ)
        except _SecretMissing as error:
            if needed is None or name in needed:
                faults.append(str(error))
            targets[name] = Target(name=name, url="", shown=str(error).partition(": ")[2])
        except UsageFailure as error:
            faults.append(str(error))
    if faults:
        raise UsageFailure(f"{path}: {'; '.join(faults)}")
    return Alerts(digests=file.digests, alerts=file.alerts, targets=targets)


class _SecretMissing(UsageFailure):
    """A variable is not set, or there is no such file."""


def _read(path: Path) -> AlertsFile:
    content = read_toml(path)
    try:
        file = AlertsFile.model_validate(content)
    except ValidationError as error:
        raise UsageFailure(f"{path}: {_describe(error, content)}") from error
    for section, entries in (("digests", file.digests), ("alerts", file.alerts), ("targets", file.targets)):
        for name in entries:
            _check_name(name, f"{path}: {section}.{_show(name)}")
    for section, told in (("digests", file.digests), ("alerts", file.alerts)):
        for name, entry in told.items():
            _check_targets(entry.to, file.targets, f"{path}: {section}.{name}.to")
    if both := sorted(file.digests.keys() & file.alerts.keys()):
        raise UsageFailure(f"{path}: alerts.{both[0]}: a digest has that name, too")
    return file


def _show(name: object) -> str:
    return str(name) if _SHOWN.fullmatch(str(name)) else "…"


def _describe(error: ValidationError, content: Mapping[str, Any]) -> str:
    """The first fault; of addresses only that they are wrong, for they may hold passwords."""
    faults = error.errors(include_url=False)
    where = next((each for each in faults if each["type"] == "extra_forbidden"), faults[0])["loc"]
    section = str(where[0]) if where else ""
    fields: Mapping[str, Any] = AlertsFile.model_fields
    if len(where) > 2 and section in _ENTRIES:
        fields = _ENTRIES[section].model_fields
    path, problem = describe_fault(error, fields)
    if not all(_SHOWN.fullmatch(str(step)) for step in where):
        path = ".".join(map(_show, where))
    is_value = ", not " in problem
    if section == "targets" and len(where) > 2 and is_value and where[-1] != "attach_docx":
        problem = "must be text in quotes"
    elif section == "targets" and len(where) <= 2 and is_value and not _is_table(content, where):
        problem = "must be a table"
    elif "to" in where and is_value:
        problem = "must be names of targets, in quotes"
    return f"{path.removeprefix('.')}: {problem}" if path else problem


def _is_table(content: Mapping[str, Any], where: tuple[int | str, ...]) -> bool:
    found: Any = content
    for step in where:
        found = found.get(step) if isinstance(found, Mapping) else None
    return isinstance(found, Mapping)


def _check_name(name: str, where: str) -> None:
    try:
        check_slug(name)
    except ValueError as error:
        raise UsageFailure(f"{where}: {error}") from error


def _check_targets(names: tuple[str, ...], targets: Mapping[str, Any], where: str) -> None:
    for name in names:
        if name not in targets:
            if not _SHOWN.fullmatch(name):
                raise UsageFailure(f"{where}: must be names of targets: NAME of [targets.NAME]")
            meant = get_close_matches(name, targets, n=1)
            hint = f"; did you mean {meant[0]}?" if meant else f"; write [targets.{name}]"
            raise UsageFailure(f"{where}: there is no target {name}{hint}")


def _resolve(name: str, entry: TargetEntry, folder: Path, environ: Mapping[str, str]) -> Target:
    where = f"targets.{name}"
    url = entry.url or entry.webhook
    if not url:
        url = _read_secret(entry.url_env, entry.url_file, f"{where}.url", folder, environ)
    secret = ""
    if entry.webhook:
        secret = _read_secret(entry.secret_env, entry.secret_file, f"{where}.secret", folder, environ)
    try:
        return make_target(
            name,
            url,
            secret=secret,
            is_webhook=bool(entry.webhook),
            chosen=entry.chosen_format,
            attach_docx=entry.attach_docx,
        )
    except TargetError as error:
        raise UsageFailure(f"{where}: {error}") from error


def _read_secret(variable: str, file: str, where: str, folder: Path, environ: Mapping[str, str]) -> str:
    """What the variable or the file holds; a relative file is beside alerts.toml. Raises UsageFailure."""
    if variable:
        if not _SHOWN_VARIABLE.fullmatch(variable):
            raise UsageFailure(f"{where}_env: is not the name of a variable")
        value = environ.get(variable, "").strip()
        if not value:
            raise _SecretMissing(f"{where}_env: the variable {variable} is not set")
        return value
    where = f"{where}_file"
    try:
        path = folder / Path(file).expanduser()
        where += f": {path}" if _SHOWN_FILE.fullmatch(file) else ""
        if not path.is_file():
            raise _SecretMissing(f"{where}: no such file")
        value = path.read_bytes()[:SECRET_MOST].decode("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        problem = getattr(error, "strerror", None) or "not text in UTF-8"
        raise UsageFailure(f"{where}: {problem}") from error
    except RuntimeError as error:  # ~name of nobody
        raise _SecretMissing(f"{where}: there is no such user") from error
    if not value:
        raise UsageFailure(f"{where}: is empty")
    return value
