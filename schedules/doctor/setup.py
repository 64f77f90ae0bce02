"""The configuration, the data folder, and the operator's files in it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from aggregator.backups import FOLDER as BACKUPS
from aggregator.processes import find_writer, read_command
from aggregator.publish.files import try_to_write
from aggregator.reference import TableError
from aggregator.settings import PrivatePages
from aggregator.store import StoreError
from aggregator.topic_tables import load_topics
from crawler.answer_errors import TlsError
from crawler.catalogue import CatalogueError, load_catalogue
from crawler.downloading import check_ca_bundle
from crawler.extraction.profiles import ProfileError, load_profiles
from schedules.alerts.configuration import find_alerts_file, load_alerts
from schedules.alerts.filters import check_filters
from schedules.commands.figures import format_bytes
from schedules.config import Setup
from schedules.doctor.check import Check, fault, ok, warn
from schedules.errors import UsageFailure
from schedules.quarantines import FOLDER as LIFTED
from schedules.timetable import load_timetable

FLOOR = 500_000_000  # bytes that should be free beside twice the database: a backup, a replay, the write-ahead log
LEAST = 50_000_000  # below that writing fails any moment
INODES = 10_000  # kept pages are files
FEW_INODES = 100  # below that publishing fails any moment
_WRITE_HINT = "look at the disk: is it full, has it gone read-only after errors (dmesg), is there a quota?"
NETWORK_FILE_SYSTEMS = ("9p", "afs", "ceph", "cifs", "fuse.glusterfs", "fuse.sshfs", "lustre", "nfs", "smb")
_FILE_HINT = "name a file that holds it by KABARKOTA_AGGREGATOR__OPERATOR_PASSWORD_FILE (docs/operation.md)"
_HOST = re.compile(r"\bserve\b.*?--host[ =](\S+)")
MOUNTS = Path("/proc/self/mountinfo")


def check_contact(setup: Setup) -> Check:
    if setup.contact_hint:
        return warn("contact", "none", setup.contact_hint)
    return ok("contact", setup.crawl.contact)


def check_site(setup: Setup) -> Check:
    if setup.site_hint:
        return warn("site", "no address", setup.site_hint)
    return ok("site", setup.aggregator.site_url)


def check_publisher_contact(setup: Setup) -> Check:
    """Whether publishers and readers of a public site know whom to write to."""
    settings = setup.aggregator
    if is_public(settings.site_url) and not settings.contact:
        return warn(
            "takedown contact",
            "none: the page /data cannot say whom to write to",
            'put contact = "you@example.org" into [aggregator] of kabarkota.toml',
        )
    return ok("takedown contact", settings.contact or "none, and none is needed before the site is public")


def check_protection(setup: Setup) -> Check:
    """Whether everybody can read how this installation is doing."""
    name, settings = "operator's pages", setup.aggregator
    public = [page.value for page in PrivatePages if page not in settings.private_pages]
    if settings.private_pages and not settings.has_operator:
        found = "private pages, and neither password nor header: `serve` does not start so"
        return warn(name, found, f"{_FILE_HINT}; where only the service's own environment has it, all is well")
    place = _find_public_place(setup)
    if PrivatePages.STATUS not in settings.private_pages and place:
        return warn(
            name,
            f"everybody can read {', '.join(public)} at {place}",
            'set aggregator.private_pages = ["status", "sources", "metrics"] and a password (docs/operation.md), '
            "unless that is meant",
        )
    if settings.private_pages and settings.operator_password and settings.site_url.startswith("http:") and place:
        return warn(name, "the password goes over http://", "serve the site over https://")
    told = ", ".join(page.value for page in settings.private_pages)
    return ok(name, f"private: {told}" if told else "public, on this machine only")


def is_public(site_url: str) -> bool:
    """Whether others than this machine are meant to read it."""
    host = urlsplit(site_url).hostname or ""
    return bool(host) and not _is_loopback(host)


def _find_public_place(setup: Setup) -> str:
    """Where others can reach the pages: the site's address, or what a running `serve` listens on; "" for nowhere."""
    if is_public(setup.aggregator.site_url):
        return setup.aggregator.site_url
    writer = find_writer(setup.data_folder)
    found = _HOST.search(read_command(writer)) if writer is not None else None
    return found[1] if found and not _is_loopback(found[1]) else ""


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def check_folder(folder: Path) -> Check:
    """Whether the data folder and what is in it can be written by whoever asks, who should be who runs cycles."""
    name, who = "data folder", f"chown it, or run kabarkota as its owner (you are user {os.geteuid()})"
    if not folder.exists():
        parent = _find_existing(folder)
        if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
            return fault(name, f"{folder}: does not exist, and cannot be made in {parent}", f"make it, and {who}")
        return ok(name, f"{folder}: not there yet; the first cycle makes it")
    if not folder.is_dir():
        return fault(name, f"{folder}: is not a folder", "move the file away, or set another `data`")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return fault(name, f"{folder}: cannot be read and written", who)
    parts = ("public", "pages", BACKUPS, LIFTED, "news.db", "news.db-wal", "writer.lock")
    inside = [folder / part for part in parts]
    misplaced = [part for part in inside[:4] if part.exists() and not part.is_dir()]
    if misplaced:
        return fault(name, f"{misplaced[0]}: is not a folder", "move it away: the folder is made when it is needed")
    closed = [part for part in inside if part.exists() and not os.access(part, _need(part))]
    if closed:
        return fault(name, f"{closed[0]}: cannot be written", who)
    try:
        try_to_write(folder)
    except OSError as error:
        return fault(name, f"{folder}: nothing can be written there: {error.strerror}", _WRITE_HINT)
    strange = [part for part in (folder, *inside) if part.exists() and part.stat().st_uid != os.geteuid()]
    if strange:
        owner = strange[0].stat().st_uid
        return warn(name, f"{strange[0]}: belongs to user {owner}", f"{who}, or cycles may fail as another user")
    return ok(name, f"{folder.resolve()}, writable")


def check_disk(folder: Path, database: Path) -> Check:
    """Whether there is room for the database to be copied, and for more pages."""
    place = _find_existing(folder)
    free = shutil.disk_usage(place).free
    wanted = 2 * (database.stat().st_size if database.exists() else 0) + FLOOR
    status = os.statvfs(place)
    more = status.f_favail if status.f_files else INODES  # some file systems have no such limit, and tell 0
    found, advice = f"{format_bytes(free)} free", []
    if free < max(wanted, LEAST):
        advice.append(f"make room on the disk of {place}: {format_bytes(wanted)} should be free")
    if more < INODES:
        found += f", {'and' if advice else 'but'} only {more} more files"
        advice.append("remove small files, or use another disk")
    if not advice:
        return ok("disk", found)
    judge = fault if free < LEAST or more <= FEW_INODES else warn
    return judge("disk", found, "; ".join(advice))


def check_file_system(folder: Path, mounts: Path = MOUNTS) -> Check:
    """SQLite's write-ahead log needs memory that all processes share: network file systems have none."""
    name, kind = "file system", find_file_system(folder, mounts)
    if not kind:
        return ok(name, "unknown on this machine")
    if kind.startswith(NETWORK_FILE_SYSTEMS):
        return warn(name, f"{kind}: a database can be damaged on a network file system", "set `data` to a local disk")
    return ok(name, kind)


def find_file_system(folder: Path, mounts: Path = MOUNTS) -> str:
    """The type of the file system that the folder is or would be on; "": cannot be told."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    place = _find_existing(folder).resolve()
    best, found = -1, ""
    for line in lines:
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) < 5 or not after:
            continue
        point = Path(fields[4].replace("\\040", " "))
        if place.is_relative_to(point) and len(point.parts) >= best:  # of two at one place the later lies on top
            best, found = len(point.parts), after.split(" ")[0]
    return found


def check_tables(setup: Setup) -> Iterator[Check]:
    """The catalogue and the operator's files, each read as a cycle would read it."""
    for name, read in TABLES:
        try:
            yield read(setup)
        except (CatalogueError, TableError, ProfileError, UsageFailure) as error:
            until = "nothing is told, and `serve` does not start," if name == "alerts" else "nothing is polled"
            yield fault(name, str(error), f"mend the file; {until} until then")


def _check_catalogue(setup: Setup) -> Check:
    overlay = setup.data_folder / "sources.toml"
    sources = load_catalogue(setup.catalogue_path, overlay=overlay).sources
    on = sum(source.enabled for source in sources)
    found = f"{len(sources)} sources, {on} on{_name_overlay(overlay)}"
    for source in sources:
        try:
            if source.enabled and source.ca_bundle:
                check_ca_bundle(setup.data_folder / source.ca_bundle)
        except TlsError as error:
            return warn("catalogue", f"{overlay}: sources.{source.id}: {error}", "mend the path or the file")
    return ok("catalogue", found) if on else warn("catalogue", found, "`kabarkota sources enable ID` switches one on")


def _check_topics(setup: Setup) -> Check:
    topics = load_topics(setup.topics_overlay).topics
    return ok("topics", ", ".join(topic.id for topic in topics) + _name_overlay(setup.topics_overlay))


def _check_profiles(setup: Setup) -> Check:
    return ok("profiles", f"{len(load_profiles(setup.profiles_overlay))}{_name_overlay(setup.profiles_overlay)}")


def _check_timetable(setup: Setup) -> Check:
    timetable = load_timetable(setup.timetable_overlay)
    on = ", ".join(name for name, times in timetable.items() if times.enabled)
    return ok("timetable", on + _name_overlay(setup.timetable_overlay))


def _check_alerts(setup: Setup) -> Check:
    path = find_alerts_file(setup)
    if not path.exists():
        return ok("alerts", "none; `kabarkota alerts example` shows what there can be")
    alerts = load_alerts(path)
    with suppress(StoreError):  # the checks of the database tell of it
        check_filters(setup, alerts)
    return ok("alerts", f"{alerts.describe()}{_name_overlay(path)}")


# A table of the operator's is looked at by one line here; what its reader raises stands in `check_tables`.
TABLES: tuple[tuple[str, Callable[[Setup], Check]], ...] = (
    ("catalogue", _check_catalogue),
    ("topics", _check_topics),
    ("profiles", _check_profiles),
    ("timetable", _check_timetable),
    ("alerts", _check_alerts),
)


def _name_overlay(path: Path | None) -> str:
    return f", with {path}" if path and path.is_file() else ""


def _need(path: Path) -> int:
    return os.W_OK | os.X_OK if path.is_dir() else os.W_OK


def _find_existing(path: Path) -> Path:
    """The path, or the nearest folder above it that exists."""
    return next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())
