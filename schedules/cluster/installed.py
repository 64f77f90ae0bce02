"""Whether this machine has what a cluster needs. Nothing of it is imported before cluster.dsn is set."""

from __future__ import annotations

from importlib.util import find_spec

from pydantic import SecretStr

from schedules.cluster.settings import ClusterSettings
from schedules.errors import UsageFailure

INSTALL = "procrastinate is not installed; `pip install 'kabarkota[cluster]'` brings it"
NO_DSN = (
    "cluster.dsn: is not set; it names the PostgreSQL between store node and workers"
    ' (dsn = "postgresql://user@host/database" in [cluster], or KABARKOTA_CLUSTER__DSN)'
)


def require_dsn(settings: ClusterSettings) -> SecretStr:
    """The connection string. Raises UsageFailure where there is none, or the extra `cluster` is missing."""
    if settings.dsn is None:
        raise UsageFailure(NO_DSN)
    if not (find_spec("procrastinate") and find_spec("psycopg")):
        raise UsageFailure(INSTALL)
    return settings.dsn
