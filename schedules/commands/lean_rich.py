"""How typer writes help, loaded without what it only needs for Markdown and for its own tracebacks.

Ours is plain text, and tracebacks are Python's; `kabarkota --help` would pay a third more for both.
"""

from __future__ import annotations

import sys
from types import ModuleType

_UNUSED = {"rich.markdown": "Markdown", "rich.traceback": "Traceback"}  # module → what typer takes from it


def load_lean_rich() -> None:
    """Loads `typer.rich_utils`, while empty modules stand in for those that are not loaded yet."""
    stand_ins = {name: ModuleType(name) for name in _UNUSED if name not in sys.modules}
    for name, stand_in in stand_ins.items():
        setattr(stand_in, _UNUSED[name], None)
    sys.modules.update(stand_ins)
    try:
        import typer.rich_utils  # noqa: F401
    finally:
        for name in stand_ins:
            del sys.modules[name]
