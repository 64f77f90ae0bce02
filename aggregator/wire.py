"""Harvests and jobs as one line of JSON: through a pipe on one machine, through a queue between several.

JSON rather than pickle, because the far side may be another version, and because nothing read from a portal may ever
be unpickled in the process that writes the database.
"""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")


class WireError(ValueError):
    """A line that is not what it should be: the other side is another version, or broke off in the middle."""


class Codec(Generic[T]):
    """Encodes and decodes one dataclass type; pydantic's models may be in it.

    >>> codec = Codec(Harvest)
    >>> codec.decode(codec.encode(harvest)) == harvest
    """

    def __init__(self, kind: type[T]) -> None:
        self.kind = kind

    @cached_property
    def _decoder(self) -> msgspec.json.Decoder[T]:
        """Made when it is first needed."""
        return msgspec.json.Decoder(self.kind, dec_hook=_make_model)

    def encode(self, value: T) -> bytes:
        """`value` as JSON without line breaks. Lone surrogates, which portals smuggle in as `\\ud800`, become "?"."""
        try:
            return _ENCODER.encode(value)
        except UnicodeEncodeError:
            return _ENCODER.encode(_without_surrogates(value))

    def decode(self, line: bytes) -> T:
        """The value of one line. Raises WireError."""
        try:
            return self._decoder.decode(line)
        except (ValueError, RecursionError) as error:
            raise WireError(f"not a valid message: {error}") from error


def _make_model(kind: type[Any], said: Any) -> Any:
    return kind.model_validate(said)


def _tell_model(value: Any) -> Any:
    if not hasattr(value, "model_dump"):
        raise TypeError(f"a {type(value).__name__} cannot be sent")
    return value.model_dump(mode="json")


_ENCODER = msgspec.json.Encoder(enc_hook=_tell_model)


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
