"""Reads `alerts.toml`: who is told what, when and how. Secrets come from the environment and from files.

Errors name file and key, and never a value that may hold a secret.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
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
_SECRET_KEYS = ("url", "webhook")
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


def load_alerts(path: Path, environ: Mapping[str, str] | None = None) -> Alerts:
    """What the file says; nothing where there is none. Raises UsageFailure naming file and key."""
    if not path.exists():
        return Alerts()
    content = read_toml(path)
    try:
        file = AlertsFile.model_validate(content)
    except ValidationError as error:
        raise UsageFailure(f"{path}: {_describe(error, content)}") from error
    for section, entries in (("digests", file.digests), ("alerts", file.alerts), ("targets", file.targets)):
        for name in entries:
            _check_name(name, f"{path}: {section}.{name}")
    for section, told in (("digests", file.digests), ("alerts", file.alerts)):
        for name, entry in told.items():
            _check_targets(entry.to, file.targets, f"{path}: {section}.{name}.to")
    if both := sorted(file.digests.keys() & file.alerts.keys()):
        raise UsageFailure(f"{path}: alerts.{both[0]}: a digest has that name, too")
    environ = os.environ if environ is None else environ
    targets = {name: _resolve(name, entry, path, environ) for name, entry in file.targets.items()}
    return Alerts(digests=file.digests, alerts=file.alerts, targets=targets)


def _describe(error: ValidationError, content: Mapping[str, Any]) -> str:
    """The first fault; of addresses only that they are wrong, for they may hold passwords."""
    where = error.errors(include_url=False)[0]["loc"]
    section = str(where[0]) if where else ""
    fields: Mapping[str, Any] = AlertsFile.model_fields
    if len(where) > 2 and section in _ENTRIES:
        fields = _ENTRIES[section].model_fields
    path, problem = describe_fault(error, fields)
    if section == "targets" and str(where[-1]) in _SECRET_KEYS:
        problem = "must be text in quotes"
    elif section == "targets" and len(where) <= 2 and ", not " in problem and not _is_table(content, where):
        problem = "must be a table"
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
            meant = get_close_matches(name, targets, n=1)
            hint = f"; did you mean {meant[0]}?" if meant else f"; write [targets.{name}]"
            raise UsageFailure(f"{where}: there is no target {name:.60}{hint}")


def _resolve(name: str, entry: TargetEntry, path: Path, environ: Mapping[str, str]) -> Target:
    where = f"{path}: targets.{name}"
    url = entry.url or entry.webhook
    if not url:
        url = _read_secret(entry.url_env, entry.url_file, f"{where}.url", path.parent, environ)
    secret = ""
    if entry.webhook:
        secret = _read_secret(entry.secret_env, entry.secret_file, f"{where}.secret", path.parent, environ)
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
        value = environ.get(variable, "").strip()
        if not value:
            raise UsageFailure(f"{where}_env: the variable {variable} is not set")
        return value
    path = folder / Path(file).expanduser()
    try:
        if not path.is_file():
            raise UsageFailure(f"{where}_file: {path}: no such file")
        value = path.read_bytes()[:SECRET_MOST].decode("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        problem = getattr(error, "strerror", None) or "not text in UTF-8"
        raise UsageFailure(f"{where}_file: {path}: {problem}") from error
    if not value:
        raise UsageFailure(f"{where}_file: {path}: is empty")
    return value
