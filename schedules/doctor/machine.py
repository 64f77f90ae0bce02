"""The machine: SQLite, Python and libraries, time zones, the clock by itself, certificates, a proxy."""

from __future__ import annotations

import platform
import re
import ssl
import zoneinfo
from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib import metadata
from pathlib import Path

from aggregator.integrity_rows import examine_sqlite
from schedules.doctor.check import Check, fault, ok, warn

OLDEST_SQLITE = (3, 37, 0)  # STRICT tables
MENDED_SQLITE = (3, 51, 3)  # before it, two connections that write and checkpoint can damage a WAL database
YEARS = range(2026, 2100)
ZONES = {"Asia/Jakarta": 7, "Asia/Makassar": 8, "Asia/Jayapura": 9}
PROXIES = ("http_proxy", "https_proxy", "all_proxy")
MEND_LIBRARIES = "install again: pip install --force-reinstall kabarkota"


def check_sqlite(version: tuple[int, int, int] | None = None, *, has_search: bool | None = None) -> Check:
    """The arguments are what to judge instead of this machine's SQLite."""
    own_version, own_search = examine_sqlite()
    version, has_search = version or own_version, own_search if has_search is None else has_search
    name = ".".join(map(str, version))
    if version < OLDEST_SQLITE:
        return fault("SQLite", f"{name} is too old", "use a Python with SQLite 3.37 or later")
    if not has_search:
        return fault("SQLite", f"{name} was built without FTS5, the full-text search", "use another build of Python")
    if version < MENDED_SQLITE:
        advice = "open the database read-only while kabarkota runs (sqlite3 'file:…?mode=ro'): it has one writer"
        return ok("SQLite", f"{name}, with FTS5", advice)
    return ok("SQLite", f"{name}, with FTS5")


def check_libraries() -> Check:
    """Whether all that the package says it needs is installed."""
    python = f"Python {platform.python_version()}, kabarkota {metadata.version('kabarkota')}"
    missing = []
    for requirement in metadata.requires("kabarkota") or ():
        library = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
        try:
            metadata.version(library)
        except metadata.PackageNotFoundError:
            if "extra ==" not in requirement:
                missing.append(library)
    if missing:
        return fault("libraries", f"{python}; missing: {', '.join(missing)}", MEND_LIBRARIES)
    return ok("libraries", f"{python}, Scrapy {metadata.version('scrapy')}, lxml {metadata.version('lxml')}")


def check_zones() -> Check:
    """Dates without a zone are read in the portal's."""
    for name, hours in ZONES.items():
        try:
            zone = zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            return fault("time zones", f"{name} is not known here", "install tzdata (pip, or the system's package)")
        if datetime(2026, 1, 1, tzinfo=zone).utcoffset() != timedelta(hours=hours):
            return fault("time zones", f"{name} has a wrong offset", "install tzdata anew")
    return ok("time zones", ", ".join(ZONES))


def check_clock(now: datetime) -> Check:
    if now.year not in YEARS:
        return fault("clock", f"shows {now:%Y-%m-%d %H:%M} UTC", "set the clock, and keep it with NTP")
    return ok("clock", f"{now:%Y-%m-%d %H:%M:%S} UTC")


def check_certificates(context: ssl.SSLContext) -> Check:
    """Whether there are certificates to check portals against; those in a folder are only read when needed."""
    paths = ssl.get_default_verify_paths()
    count = context.cert_store_stats()["x509_ca"]
    folder = Path(paths.capath) if paths.capath else None
    if count:
        return ok("certificates", f"{count} authorities in {paths.cafile or 'the system store'}")
    if folder and any(folder.iterdir()):
        return ok("certificates", f"authorities in {folder}")
    return fault(
        "certificates",
        "no authorities are known, so that no portal can be read over https",
        "install the system's ca-certificates",
    )


def check_proxy(environ: Mapping[str, str]) -> Check:
    """A proxy would get round the guard against private addresses, so none is used. Its address may hold a password."""
    named = [name for name in environ if name.lower() in PROXIES and environ[name]]
    if named:
        return warn(
            "proxy",
            f"{', '.join(sorted(named))} is set, and is not used: portals are asked directly",
            "let this machine reach ports 80 and 443 itself",
        )
    return ok("proxy", "none is set; none would be used")
