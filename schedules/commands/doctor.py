"""`kabarkota doctor`: the checks, for people and for programs."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime

import typer

from schedules.commands.context import CommandContext
from schedules.commands.output import print_json
from schedules.doctor.check import Check, Level
from schedules.doctor.examination import Patient, examine

COLOURS = {Level.OK: typer.colors.GREEN, Level.WARNING: typer.colors.YELLOW, Level.FAULT: typer.colors.RED}


def run_doctor(context: CommandContext, *, now: datetime, offline: bool, as_json: bool) -> int:
    """Makes and prints the checks; returns the exit code: 1 when there is a fault."""
    patient = Patient(config=context.config, flags=context.flags, environ=os.environ, now=now)
    checks = examine(patient, offline=offline)
    made = list(checks) if as_json else list(_print_as_they_come(checks))
    counts = Counter(check.level for check in made)
    if as_json:
        print_json(
            {"faults": counts[Level.FAULT], "warnings": counts[Level.WARNING], "checks": list(map(asdict, made))}
        )
    else:
        typer.echo(f"{counts[Level.OK]} ok, {counts[Level.WARNING]} warnings, {counts[Level.FAULT]} faults")
    return 1 if counts[Level.FAULT] else 0


def _print_as_they_come(checks: Iterable[Check]) -> Iterable[Check]:
    """Each at once: reading a large database through takes a while."""
    for check in checks:
        level = typer.style(f"{check.level.value:<8}", fg=COLOURS[check.level])
        typer.echo(f"{level} {check.name}: {check.found}")
        if check.advice:
            typer.echo(f"{'':8} → {check.advice}")
        sys.stdout.flush()
        yield check
