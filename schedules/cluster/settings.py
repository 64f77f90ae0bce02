"""What an operator can set about crawling on several machines. Nothing of PostgreSQL is imported here."""

from __future__ import annotations

import socket
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

Seconds = Annotated[float, Field(gt=0)]


class ClusterSettings(BaseModel):
    """Section `[cluster]` of the configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dsn: SecretStr | None = Field(
        None,
        description="PostgreSQL between store node and workers, postgresql://user@host/database; without it this"
        " machine crawls itself. KABARKOTA_CLUSTER__DSN_FILE names a file that holds it",
    )

    # the store node
    deadline_seconds: Seconds = Field(1800, description="a poll that no worker has begun by then is asked for anew")
    max_attempts: int = Field(5, ge=1, description="workers that may die of a poll before it counts as failed")

    # a worker
    worker_name: str = Field(
        default_factory=socket.gethostname, max_length=100, description="of a machine, in `cluster status` and logs"
    )
    polls_at_once: int = Field(
        200, ge=1, description="sources that one worker polls side by side; most of the time a poll waits"
    )
    heartbeat_seconds: Seconds = Field(3, description="between two signs of life of a worker")
    stalled_seconds: Seconds = Field(
        12, description="without a sign of life, after which a worker's polls are given to others"
    )
    drain_seconds: Seconds = Field(
        60, description="a worker that is told to end finishes its polls for so long; then it hands them back"
    )
