"""`kabarkota datasette`: Datasette over the database or a snapshot of it, read-only. It holds no lock."""

from __future__ import annotations

import ipaddress
import re
import signal
import sys
from pathlib import Path
from typing import Any

from aggregator.analysis.metadata import Withheld, build_metadata, list_withheld
from aggregator.publish.press import make_publisher
from aggregator.questions import load_queries
from aggregator.store import Store
from aggregator.web.downloads import FOLDER, find_download, list_downloads
from schedules.commands.opening import check_database, check_schema
from schedules.commands.output import print_json
from schedules.config import Setup
from schedules.errors import RunFailure, UsageFailure
from schedules.web_server import check_port

LATEST = "latest"
INSTALL = "datasette is not installed; `pip install 'kabarkota[analysis]'` brings it"


def run_datasette(
    setup: Setup, *, host: str, port: int, snapshot: str | None, base_url: str, private: bool, only_metadata: bool
) -> None:
    """Serves until SIGINT or SIGTERM, or prints the metadata. Raises UsageFailure, RunFailure, StoreError."""
    file = find_snapshot(setup.database, setup.public, snapshot) if snapshot else find_database(setup.database)
    is_published = is_download(setup.public, file)
    withheld = Withheld() if private or is_published else list_withheld()  # strangers may have a published file whole
    metadata = read_metadata(file, setup, withheld)
    if only_metadata:
        print_json(metadata)
        return
    if private and not is_loopback(host):
        raise UsageFailure(f"--private: full texts are not to be published; {host} can be reached by other machines")
    if not re.fullmatch(r"/(?:[\w.-]+/)*", base_url):
        raise UsageFailure(f"--base-url {base_url}: must be a path with a slash at both ends, such as /datasette/")
    check_port(host, port)
    try:
        from aggregator.analysis.site import SitePlan, serve_site
    except ModuleNotFoundError as error:
        raise UsageFailure(INSTALL) from error
    plan = SitePlan(
        file=file,
        metadata=metadata,
        withheld=withheld,
        is_snapshot=snapshot is not None,
        may_download=is_published,
        base_url=base_url,
    )
    print(f"kabarkota: serving http://{host}:{port}{base_url} from {file}, read-only", file=sys.stderr)
    if not is_loopback(host):
        print("kabarkota: other machines can reach it, and it asks nobody for a password", file=sys.stderr)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # uvicorn gives it on when it has ended
    if not serve_site(plan, host=host, port=port):
        raise RunFailure(f"could not serve on {host}, port {port}")


def find_database(path: Path) -> Path:
    """Raises RunFailure."""
    check_database(path)
    return path


def find_snapshot(database: Path, public: Path, wanted: str) -> Path:
    """The file itself, or with `latest` the newest of those that are published. Raises UsageFailure, RunFailure."""
    if wanted == LATEST:
        found = [each for each in list_downloads(public) if each.path.suffix == ".db"]
        if not found:
            raise RunFailure(f"{public / FOLDER}: there is no snapshot yet; `serve` makes one each night")
        return max(found, key=lambda each: (each.changed, each.name)).path
    path = Path(wanted)
    if not path.is_file():
        raise UsageFailure(f"--snapshot {wanted}: no such file")
    if (database.exists() and path.samefile(database)) or Path(f"{path}-wal").exists():
        raise UsageFailure(f"--snapshot {wanted}: it is written to, and no snapshot; without --snapshot it can be read")
    return path


def is_download(public: Path, file: Path) -> bool:
    """Whether it is one of the files that anybody can download."""
    found = find_download(public, file.name)
    return found is not None and file.samefile(found.path)


def read_metadata(file: Path, setup: Setup, withheld: Withheld) -> dict[str, Any]:
    """Raises RunFailure for a database of another version, StoreError."""
    with Store.open_reader(file) as store, store.snapshot():
        check_schema(store)
        return build_metadata(
            store.get_schema_docs(),
            load_queries(),
            make_publisher(setup.aggregator),
            articles=store.get_health().articles,
            withheld=withheld,
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
