"""`kabarkota serve` over a folder with its configuration, catalogue and data: for the battery and the soak."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ports import find_port

LOG = "serve.log"


class Started(NamedTuple):
    process: subprocess.Popen[bytes]
    port: int


def start_serve(folder: Path, environ: Mapping[str, str] | None = None) -> Started:
    """Starts it on a free port of loopback, with these variables besides ours. What it says is in LOG."""
    port = find_port()
    paths = {"--config": "kabarkota.toml", "--data": "data", "--catalogue": "catalogue.toml"}
    options = [word for option, name in paths.items() for word in (option, str(folder / name))]
    with (folder / LOG).open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "schedules", *options, "serve", "--port", str(port)],
            stderr=log,
            env={**os.environ, **(environ or {})},
        )
    return Started(process, port)
