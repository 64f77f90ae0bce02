"""The command `kabarkota` without a process of its own, which takes a second to start."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import chdir
from pathlib import Path
from unittest.mock import patch

from schedules.cli import main


def run_here(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """As a process would run it in `folder`; what it logs is not on its standard error. What main() raises comes out.

    For what a command says of its arguments and files. Each module has tests with real processes, too.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KABARKOTA_")}
    argv = ["kabarkota", *arguments]
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    code: object = 0
    with (
        patch.dict(os.environ, {**clean, "HOME": str(folder), **environ}, clear=True),
        patch.multiple(sys, argv=argv, stdin=io.TextIOWrapper(io.BytesIO()), stdout=out, stderr=err),
        chdir(folder),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    assert isinstance(code, int), code
    said, failed = (stream.buffer.getvalue().decode() for stream in (out, err))  # type: ignore[attr-defined]
    return subprocess.CompletedProcess(argv, code, said, failed)
