"""Failures in plain words, and what an operator can try. The words are data: `diagnosis.toml`. PURE."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from aggregator.reference import read_toml

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_STATUS = re.compile(r"\bHTTP (\d{3})\b")


class Diagnosis(NamedTuple):
    """What is wrong, in a sentence or two and in one word, and what to try."""

    says: str
    advice: str
    code: str = "unknown"


def diagnose(reason: str, status: int = 0, *, indonesian: bool = False) -> Diagnosis:
    """The diagnosis of a failure from the crawler's own reason and the HTTP status (0: read from the reason)."""
    says, advice = ("kata", "coba") if indonesian else ("says", "try")
    own = _QUOTED.sub("", reason)  # what the portal said is no word of ours
    said = _STATUS.search(own)
    if status // 100 == 2 and own.strip() and not said:
        status = 0  # there was an answer: what is wrong is in it
    status = status or (int(said[1]) if said else 0)
    low = own.lower()
    for fault in _read_faults():
        statuses = fault.get("status", ())
        is_known = bool(status) and (status in statuses or f"{status // 100}xx" in statuses)
        if is_known or any(piece in low for piece in fault.get("has", ())):
            return Diagnosis(fault[says], fault[advice], fault["code"])
    if indonesian:
        return Diagnosis("Tidak terbaca karena sebab yang belum kami kenal.", "Lihat alamatnya di peramban.")
    return Diagnosis(f"It could not be read: {reason or 'no reason is known'}.", "Look at the address in a browser.")


def explain_code(code: str, *, indonesian: bool = False) -> Diagnosis:
    """The diagnosis that a code stands for."""
    says, advice = ("kata", "coba") if indonesian else ("says", "try")
    for fault in _read_faults():
        if fault["code"] == code:
            return Diagnosis(fault[says], fault[advice], code)
    return diagnose(code, indonesian=indonesian)


def explain(code: str, reason: str, status: int = 0, *, indonesian: bool = False) -> Diagnosis:
    """A failure or an alarm in plain words, by its code where it has one."""
    return explain_code(code, indonesian=indonesian) if code else diagnose(reason, status, indonesian=indonesian)


def list_codes() -> dict[str, tuple[str, str]]:
    """code → what it stands for, in Indonesian and in English."""
    return {fault["code"]: (fault["kata"], fault["says"]) for fault in reversed(_read_faults())}  # the first counts


def _read_faults() -> list[dict[str, Any]]:
    faults: list[dict[str, Any]] = read_toml("diagnosis.toml")["faults"]
    return faults
