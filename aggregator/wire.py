"""Harvests and jobs as one line of JSON: through a pipe on one machine, through a queue between several.

JSON rather than pickle, because the far side may be another version, and because nothing read from a portal may ever
be unpickled in the process that writes the database.
"""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import Any, Generic, TypeVar

from pydantic import ConfigDict, RootModel
from pydantic_core import PydanticSerializationError

T = TypeVar("T")


class WireError(ValueError):
    """A line that is not what it should be: the other side is another version, or broke off in the middle."""


class _Wire(RootModel[T], Generic[T]):
    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")


class Codec(Generic[T]):
    """Encodes and decodes one dataclass type.

    >>> codec = Codec(Harvest)
    >>> codec.decode(codec.encode(harvest)) == harvest
    """

    def __init__(self, kind: type[T]) -> None:
        self.kind = kind

    @cached_property
    def _model(self) -> type[_Wire[T]]:
        """Made when it is first needed: it takes pydantic 40 ms for the largest."""
        return _Wire[self.kind]  # type: ignore[name-defined]

    def encode(self, value: T) -> bytes:
        """`value` as JSON without line breaks. Lone surrogates, which portals smuggle in as `\\ud800`, become "?"."""
        try:
            return self._model(value).model_dump_json().encode()
        except (PydanticSerializationError, UnicodeEncodeError):
            return self._model(_without_surrogates(value)).model_dump_json().encode()

    def decode(self, line: bytes) -> T:
        """The value of one line. Raises WireError."""
        try:
            return self._model.model_validate_json(line).root
        except ValueError as error:
            raise WireError(f"not a valid message: {error}") from error


def _without_surrogates(value: Any) -> Any:
    if type(value) is str:  # not a StrEnum, whose members hold no such thing
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, tuple):
        return tuple(map(_without_surrogates, value))
    if isinstance(value, dict):
        return {_without_surrogates(k): _without_surrogates(v) for k, v in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: _without_surrogates(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return dataclasses.replace(value, **fields)
    return value
