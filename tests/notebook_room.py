"""docs/analysis.ipynb, executed: `python tests/notebook_room.py`, which `make notebook` calls, writes it anew.

The demo's clock stands still, so that the same code gives the same answers; machines and times are not told of.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from demo_week import make_demo_week
from nbclient import NotebookClient
from traitlets.config import Config

NOTEBOOK = Path(__file__).resolve().parent.parent / "docs" / "analysis.ipynb"
SECONDS = 60  # that a cell may take
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def read_notebook() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)


def execute(notebook: Any, database: Path) -> Any:
    """Runs all cells in a kernel of their own over a database. Raises CellExecutionError."""
    with tempfile.TemporaryDirectory() as home:
        folders = dict.fromkeys(("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"), home)
        with _environment({**folders, "KABARKOTA_DB": str(database)}):
            # By files, not by ports that others on the machine could listen to.
            config = Config({"KernelManager": {"transport": "ipc"}})
            NotebookClient(
                notebook, timeout=SECONDS, kernel_name="python3", record_timing=False, config=config
            ).execute()
    notebook.metadata = nbformat.from_dict(METADATA)
    return notebook


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def list_outputs(notebook: Any, kind: str) -> list[str]:
    """What cells gave of a type of content, e.g. text/markdown, in order."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", ()))
    return [output.data[kind] for output in outputs if kind in output.get("data", {})]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        notebook = execute(read_notebook(), make_demo_week(Path(folder)).database)
    text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True)
    NOTEBOOK.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
