"""Pydantic's findings, told in one line to somebody who edits a TOML file."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from typing import TYPE_CHECKING

from pydantic import ValidationError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_PROBLEMS = {  # pydantic's type of error → what to tell; its own words fit Python better than TOML
    "missing": "missing",
    "string_type": "must be text in quotes, not {found}",
    "bool_type": "must be true or false, not {found}",
    "int_type": "must be a whole number, not {found}",
    "float_type": "must be a number, not {found}",
    "finite_number": "must be a number, not {found}",
    "list_type": "must be a list in [ ], not {found}",
    "model_type": "must be a table, not {found}",
    "enum": "must be {expected}, not {found}",
    "greater_than_equal": "must be at least {ge:.12g}, not {found}",
    "less_than_equal": "must be at most {le:.12g}, not {found}",
    "too_short": "must not be empty",
    "value_error": "{found}: {error}",
}


def describe_fault(error: ValidationError, keys: Collection[str]) -> tuple[str, str]:
    """Where the first fault is (".channels[0].url", "" for the entry itself), and what it is.

    A misspelt key often leaves another one missing; it comes first because it is the one to mend. `keys` are those
    that it may have been meant to be.
    """
    faults = error.errors(include_url=False)
    fault = next((fault for fault in faults if fault["type"] == "extra_forbidden"), faults[0])
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in fault["loc"])
    return path, _describe_unknown_key(fault, keys) if fault["type"] == "extra_forbidden" else _describe(fault)


def _describe_unknown_key(fault: ErrorDetails, keys: Collection[str]) -> str:
    meant = get_close_matches(str(fault["loc"][-1]), keys, n=1)
    return f"unknown key; did you mean {meant[0]}?" if meant else "unknown key"


def _describe(fault: ErrorDetails) -> str:
    context = fault.get("ctx", {})
    if fault["type"] == "value_error" and isinstance(fault["input"], dict):
        return str(context["error"])  # a rule about the whole table, which need not be repeated
    template = _PROBLEMS.get(fault["type"])
    return template.format(found=f"{fault['input']!r:.60}", **context) if template else fault["msg"]
