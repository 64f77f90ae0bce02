"""The floors: a table for each set, a value for each figure. The command raises them; only a person can lower one.

Who must lower one edits floors.toml by hand and says why in a comment beside it; comments are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_FLOOR, Decimal
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError

FLOORS = Path(__file__).with_name("floors.toml")
STEP = Decimal("0.001")

Figures = Mapping[str, Mapping[str, float]]  # set → figure → share


class FloorError(Exception):
    """The floors cannot be read, or would be lowered."""


def read_floors(path: Path) -> dict[str, dict[str, float]]:
    """The floors by set and figure; none where there is no file. Raises FloorError."""
    document = _read_document(path)
    for name, table in document.items():
        if not isinstance(table, Mapping):
            raise FloorError(f"{path}: {name} is not a table")
        for figure, floor in table.items():
            if isinstance(floor, bool) or not isinstance(floor, int | float) or not 0 <= floor <= 1:
                raise FloorError(f"{path}: {name}.{figure} is not a share between 0 and 1")
    return {name: {figure: float(floor) for figure, floor in table.items()} for name, table in document.items()}


def raise_floors(path: Path, measured: Figures) -> list[str]:
    """Lifts the floors of the sets that were measured to what they reached, and says which rose.

    Raises FloorError, and writes nothing, when a floor stands above what was measured (or its figure is gone).
    """
    floors = read_floors(path)
    if sunk := [
        f"{name}.{figure} from {floor:.3f} to {_show(measured[name].get(figure))}"
        for name in measured
        for figure, floor in floors.get(name, {}).items()
        if is_below(measured[name].get(figure), floor)
    ]:
        raise FloorError(f"refused to lower {', '.join(sunk)}")
    document = _read_document(path)
    risen = []
    for name, figures in measured.items():
        table = document.setdefault(name, tomlkit.table())
        for figure, share in figures.items():
            floor = cut(share)
            if figure not in table or floor > floors[name][figure]:
                risen.append(f"{name}.{figure} to {floor:.3f}")
                table[figure] = floor
    if risen:
        _replace(path, tomlkit.dumps(document))
    return risen


def is_below(share: float | None, floor: float) -> bool:
    """Whether a figure misses its floor; one that is measured no more does."""
    return share is None or share < floor


def cut(share: float) -> float:
    """Down to three decimals."""
    return float(Decimal(repr(share)).quantize(STEP, rounding=ROUND_FLOOR))


def _show(share: float | None) -> str:
    return "nothing" if share is None else f"{share:.4f}"


def _read_document(path: Path) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return tomlkit.document()
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        raise FloorError(f"{path}: {error}") from error


def _replace(path: Path, text: str) -> None:
    beside = path.with_suffix(".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
