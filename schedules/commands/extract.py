"""`kabarkota extract`: what the pipeline would read from a page."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from aggregator.models import ExtractedArticle
from aggregator.printable import make_printable
from crawler.extraction import Finding, ProfileError, explain_page, extract_article, load_profiles, read_page
from schedules.config import Setup
from schedules.errors import UsageFailure


def extract_file(
    file: str,
    setup: Setup,
    *,
    url: str,
    zone: str,
    now: datetime | None,
    utc_is_local: bool,
    as_json: bool,
    explain: bool,
) -> None:
    """Prints the article of `file` ("-": stdin); with `explain` also how each field was found. Raises UsageFailure."""
    try:
        html = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        place = ZoneInfo(zone)
        profiles = tuple(load_profiles(setup.profiles_overlay).values())
    except OSError as error:
        raise UsageFailure(f"{file}: {error.strerror}") from error
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UsageFailure(
            str(error) if isinstance(error, ProfileError) else f"--zone {zone}: no such time zone"
        ) from error
    article = extract_article(html, url, zone=place, now=now, utc_is_local=utc_is_local, profiles=profiles)
    page = read_page(html, url, profiles=profiles) if explain else None
    findings = explain_page(page, zone=place, now=now, utc_is_local=utc_is_local) if page else ()
    if as_json:
        told = _list_fields(article) | _list_findings(findings, explain)
        typer.echo(make_printable(json.dumps(told, ensure_ascii=False)))
        return
    _print_article(article)
    _print_findings(findings)


def _list_fields(article: ExtractedArticle) -> dict[str, Any]:
    fields: dict[str, Any] = asdict(article)
    fields.pop("boilerplate")
    refusal = fields.pop("refusal")
    if refusal is not None:
        fields["reason"] = refusal
    for name in ("published", "modified"):
        fields[name] = fields[name].isoformat() if fields[name] else None
    return fields


def _list_findings(findings: tuple[Finding, ...], explain: bool) -> dict[str, Any]:
    return {"explain": [asdict(finding) for finding in findings]} if explain else {}


def _print_article(article: ExtractedArticle) -> None:
    if article.refusal is not None:
        typer.echo(f"not an article: {make_printable(article.refusal)}")
    head = f"{article.title}\n{', '.join(article.authors)}\n{article.published or ''}"
    typer.echo(make_printable(f"{head}\n\n{article.text}"))


def _print_findings(findings: tuple[Finding, ...]) -> None:
    for field, group in groupby(findings, key=lambda finding: finding.field):
        typer.echo(f"\n{field}")
        for finding in group:
            typer.echo(f"  {'✓' if finding.won else ' '} {finding.way}: {make_printable(finding.value)}")
