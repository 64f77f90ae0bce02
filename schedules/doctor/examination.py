"""All checks, in the order in which one would mend things."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aggregator.models import Source
from crawler.catalogue import CatalogueError, load_catalogue
from crawler.settings import CrawlSettings
from schedules.config import FILE_NAME, Setup, find_file, load_setup
from schedules.doctor import backups, cluster, database, machine, network
from schedules.doctor import setup as folders
from schedules.doctor.check import Check, fault, ok
from schedules.errors import UsageFailure


@dataclass(frozen=True, kw_only=True)
class Patient:
    """What the command line and the surroundings say of the installation."""

    config: Path | None
    flags: Mapping[str, Any]
    environ: Mapping[str, str]
    now: datetime


def examine(patient: Patient, *, offline: bool) -> Iterator[Check]:
    """The checks, one by one as they are made. Without a configuration only the machine and the network are left."""
    setup, check = read_configuration(patient)
    yield check
    if setup is not None:
        yield from examine_installation(setup, patient.now)
    yield from examine_machine(patient)
    if not offline:
        yield from examine_network(setup, patient.now)


def read_configuration(patient: Patient) -> tuple[Setup | None, Check]:
    """The configuration as a command would have it, and what is to be said of it."""
    try:
        file = find_file(patient.config, patient.environ)
        setup = load_setup(config=patient.config, flags=patient.flags, environ=patient.environ)
    except UsageFailure as error:
        return None, fault("configuration", str(error), "mend it; every other command ends with exit code 2 until then")
    if file is None:
        return setup, ok(
            "configuration", "no file; the defaults and the environment hold", f"{FILE_NAME} is where settings go"
        )
    return setup, ok("configuration", str(file.resolve()))


def examine_installation(setup: Setup, now: datetime) -> Iterator[Check]:
    """The operator's part."""
    folder = setup.data_folder
    yield folders.check_contact(setup)
    yield folders.check_site(setup)
    yield folders.check_publisher_contact(setup)
    yield folders.check_protection(setup)
    try:
        yield folders.check_folder(folder)
        yield folders.check_disk(folder, setup.database)
        yield folders.check_file_system(folder)
        yield from folders.check_tables(setup)
        yield from database.check_database(setup.database, now, timedelta(hours=setup.aggregator.late_hours))
        yield backups.check_backups(setup, now)
        yield database.check_writer(folder)
    except OSError as error:  # a folder that may not be entered, a disk that does not answer
        found = f"{error.filename or folder}: {error.strerror or error}"
        yield fault("data folder", found, "look at its permissions and its disk; what lies in it was not looked at")


def examine_machine(patient: Patient) -> Iterator[Check]:
    """What Kabar Kota stands on."""
    yield machine.check_sqlite()
    yield machine.check_libraries()
    yield machine.check_zones()
    yield machine.check_clock(patient.now)
    yield machine.check_certificates(ssl.create_default_context())
    yield machine.check_proxy(patient.environ)


def examine_network(setup: Setup | None, now: datetime) -> Iterator[Check]:
    """Asks PostgreSQL, where workers crawl, and a few portals, without a configuration those of the built-in
    catalogue."""
    if setup is not None:
        yield from cluster.check_cluster(setup.cluster)
    crawl = setup.crawl if setup else CrawlSettings()
    yield from network.check_source_address(crawl)
    portals = network.choose_portals(_list_sources(setup), now)
    yield from network.judge_visits(network.visit_portals(portals, crawl, ssl.create_default_context()))


def _list_sources(setup: Setup | None) -> Sequence[Source]:
    """Those of the built-in catalogue where the operator's cannot be read, which was said before."""
    if setup is not None:
        with suppress(CatalogueError, OSError):
            return load_catalogue(setup.catalogue_path, overlay=setup.data_folder / "sources.toml").sources
    return load_catalogue().sources
