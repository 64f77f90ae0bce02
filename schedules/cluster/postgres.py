"""PostgreSQL: connections, the schema, and what is said when it cannot be used."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Any

import psycopg
from procrastinate.exceptions import ConnectorException
from procrastinate.schema import SchemaManager
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import SecretStr

from crawler.clock import system_clock
from schedules.cluster.messages import PROGRAM
from schedules.errors import KabarKotaError, RunFailure, UsageFailure

SCHEMA = "kabarkota"
SCHEMA_VERSION = 2  # of schema.sql
MOST_SKEW_SECONDS = 120.0  # between clocks
INIT = "`kabarkota cluster init` makes it"
INIT_LOCK, STORE_LOCK = 1262570307, 1262570308  # of `pg_advisory_lock`: any numbers of our own

Connection = psycopg.Connection[tuple[Any, ...]]


class ClusterUnreachable(RunFailure):
    """PostgreSQL does not answer, or breaks off; it may be back in a moment."""


@dataclass(frozen=True, kw_only=True)
class ClusterRow:
    """What the database says of itself."""

    id: str
    schema_version: int
    procrastinate: str
    program: str


def make_dsn(dsn: SecretStr) -> str:
    """The connection string with what we add to it: our schema, and that a dead connection is noticed on both sides.

    Raises UsageFailure, which does not tell the string: it may hold a password.
    """
    try:
        parts = conninfo_to_dict(dsn.get_secret_value())
    except psycopg.ProgrammingError as error:
        raise UsageFailure(
            "cluster.dsn: is no connection string of PostgreSQL (postgresql://user@host/database)"
        ) from error
    ours = {
        "connect_timeout": "10",
        "keepalives_idle": "5",
        "keepalives_interval": "5",
        "keepalives_count": "3",
        "tcp_user_timeout": "15000",
        "application_name": "kabarkota",
    }
    alive = "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 -c tcp_user_timeout=15000"
    options = f"{parts.pop('options', None) or ''} -c search_path={SCHEMA} {alive}".strip()
    return make_conninfo("", **{**ours, **parts, "options": options})


def connect(dsn: SecretStr) -> Connection:
    """A connection that commits each statement by itself. Raises UsageFailure, ClusterUnreachable."""
    with tell_errors():
        return psycopg.connect(make_dsn(dsn), autocommit=True)


@contextmanager
def tell_errors() -> Iterator[None]:
    """Raises ClusterUnreachable or RunFailure for what PostgreSQL says."""
    try:
        yield
    except psycopg.Error as error:
        raise explain(error) from error
    except ConnectorException as error:
        raise explain(find_cause(error)) from error


def find_cause(error: ConnectorException) -> psycopg.Error:
    """What PostgreSQL said that made Procrastinate fail."""
    cause = error.__cause__ or error.__context__
    return cause if isinstance(cause, psycopg.Error) else psycopg.OperationalError(str(cause or error))


def explain(error: psycopg.Error) -> KabarKotaError:
    """What to raise for an error of PostgreSQL, in one line."""
    said = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedFunction):
        return RunFailure(f"cluster.dsn: the database has no schema of Kabar Kota ({said}); {INIT}")
    if isinstance(error, psycopg.OperationalError):
        return ClusterUnreachable(f"cluster.dsn: PostgreSQL cannot be reached: {said}")
    return RunFailure(f"cluster.dsn: PostgreSQL refuses: {said}")


def init_schema(connection: Connection) -> bool:
    """Makes the schema where it is missing; whether it was. Raises RunFailure where another version's is there."""
    with tell_errors(), connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [INIT_LOCK])
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        if _has_schema(connection):
            check_schema(connection)
            return False
        connection.execute(SchemaManager.get_schema())
        ours = resources.files("schedules.cluster").joinpath("schema.sql").read_text(encoding="utf-8")
        connection.execute(ours)
        connection.execute(
            "INSERT INTO cluster (schema_version, procrastinate) VALUES (%s, %s)", [SCHEMA_VERSION, _get_release()]
        )
    return True


def check_schema(connection: Connection) -> ClusterRow:
    """Raises RunFailure where there is none, or another version's; ClusterUnreachable."""
    with tell_errors():
        if not _has_schema(connection):
            raise RunFailure(f"cluster.dsn: the database has no schema of Kabar Kota; {INIT}")
        row = connection.execute("SELECT id::text, schema_version, procrastinate, program FROM cluster").fetchone()
    if row is None:
        raise RunFailure(f"cluster.dsn: the schema {SCHEMA!r} is not whole; drop it, and {INIT}")
    cluster = ClusterRow(id=row[0], schema_version=row[1], procrastinate=row[2], program=row[3])
    if cluster.schema_version != SCHEMA_VERSION:
        raise RunFailure(
            f"cluster.dsn: the schema is of version {cluster.schema_version}, this program needs {SCHEMA_VERSION}: "
            + _advise(newer=cluster.schema_version > SCHEMA_VERSION)
        )
    if cluster.procrastinate != _get_release():
        raise RunFailure(
            f"cluster.dsn: the schema is of Procrastinate {cluster.procrastinate}, {_get_release()} is installed here: "
            "install that version, or drop the schema when nothing waits and make it anew with `kabarkota cluster init`"
        )
    return cluster


def check_clock(connection: Connection) -> None:
    """Raises RunFailure where this machine's clock is not PostgreSQL's; ClusterUnreachable."""
    asked_at = system_clock()
    with tell_errors():
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    if row is not None and (refusal := refuse_clock(row[0], asked_at)):
        raise RunFailure(refusal)


def refuse_program(store_program: str) -> str:
    """Why a worker does not work for a store node of that version; "" where it does."""
    if store_program in ("", PROGRAM):
        return ""
    return (
        f"this worker is Kabar Kota {PROGRAM} (version/messages), the store node is {store_program}: "
        "all machines of a cluster need the same version"
    )


def refuse_clock(theirs: datetime, asked_at: datetime) -> str:
    """Why this machine does not work with a PostgreSQL whose clock showed `theirs` when it was asked at `asked_at`, and
    has answered just now; "" where it does."""
    ahead, behind = (asked_at - theirs).total_seconds(), (theirs - system_clock()).total_seconds()
    if max(ahead, behind) <= MOST_SKEW_SECONDS:
        return ""
    said = f"{max(ahead, behind):.0f} s {'ahead of' if ahead > behind else 'behind'} PostgreSQL's"
    return f"cluster.dsn: this machine's clock is {said}: all machines of a cluster need the same time (NTP)"


def _advise(*, newer: bool) -> str:
    if newer:
        return "bring Kabar Kota on this machine up to date"
    return f"drop the schema {SCHEMA!r} when nothing waits in it, and make it anew with `kabarkota cluster init`"


def _has_schema(connection: Connection) -> bool:
    row = connection.execute("SELECT to_regclass(%s)", [f"{SCHEMA}.cluster"]).fetchone()
    return row is not None and row[0] is not None


def _get_release() -> str:
    """Procrastinate's version, as far as its tables may change with it."""
    return ".".join(importlib.metadata.version("procrastinate").split(".")[:2])
