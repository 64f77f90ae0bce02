"""`kabarkota extract`: what the pipeline would read from a page."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from crawler.extraction import extract_article
from schedules.errors import UsageFailure


def extract_file(file: str, *, url: str, zone: str, now: datetime | None, as_json: bool) -> None:
    """Prints the article of `file` ("-": stdin). Raises UsageFailure."""
    try:
        html = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        place = ZoneInfo(zone)
    except OSError as error:
        raise UsageFailure(f"{file}: {error.strerror}") from error
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UsageFailure(f"--zone {zone}: no such time zone") from error
    article = extract_article(html, url, zone=place, now=now)
    if not as_json:
        typer.echo(f"{article.title}\n{', '.join(article.authors)}\n{article.published or ''}\n\n{article.text}")
        return
    fields: dict[str, Any] = asdict(article)
    fields.pop("boilerplate")
    for name in ("published", "modified"):
        fields[name] = fields[name].isoformat() if fields[name] else None
    typer.echo(json.dumps(fields, ensure_ascii=False))
