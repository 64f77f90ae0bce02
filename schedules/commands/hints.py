"""What the operator is told before something is gathered and published."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schedules.config import Setup


def warn_without_contact(setup: Setup) -> None:
    if setup.contact_hint:
        print(f"kabarkota: {setup.contact_hint}", file=sys.stderr)


def warn_of_gaps(setup: Setup) -> None:
    """Says what is not configured and should be, before something is gathered and published."""
    warn_without_contact(setup)
    if setup.site_hint:
        print(f"kabarkota: {setup.site_hint}", file=sys.stderr)
