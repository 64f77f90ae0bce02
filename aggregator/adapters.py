"""Our dataclasses as JSON in the database. Each adapter is made when it is first asked for, once for all who do: a
process that starts would wait for the making of all."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")


def get_adapter(kind: type[T]) -> TypeAdapter[T]:
    """How pydantic reads and writes values of that type."""
    return _make_adapter(kind)  # type: ignore[no-any-return, arg-type] # to mypy a type variable is not hashable


@cache
def _make_adapter(kind: Any) -> Any:
    return TypeAdapter(kind)
