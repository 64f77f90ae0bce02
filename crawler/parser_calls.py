"""Calls of functions in parser workers, as bytes: the names of the function and of its types decide, never the bytes.

Nothing is pickled: what a worker sends was made from a portal's bytes, and may be anything once a parser was broken
into.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import struct
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any, NamedTuple, get_type_hints

from aggregator.wire import Codec

REQUEST = struct.Struct(">QIQIQ")  # its number, CPU seconds, bytes of memory, lengths of name and values, which follow
REPLY = struct.Struct(">QcQ")  # number of the request, what became of it (Outcome), length of what follows
_SIZE = struct.Struct(">Q")  # bytes of an argument that goes as it is
LONGEST_REPLY = 64 << 20  # the links of the largest channel come to a quarter of it


class Outcome(Enum):
    """What became of a call; with it comes the result, or a few words."""

    RESULT = b"R"
    NO_CHANNEL = b"C"  # ChannelError
    NO_MEMORY = b"M"
    TOO_LARGE = b"L"
    ERROR = b"E"  # a bug of ours: the error, and its traceback


class Reply(NamedTuple):
    outcome: Outcome
    body: bytes


class Call:
    """A function with what it takes and gives; made once for each function.

    Arguments that are bytes go as they are, for a page is large; the others, and the result, as a line of JSON.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.name = f"{function.__module__}:{function.__qualname__}"
        self._signature = inspect.signature(function)
        types = get_type_hints(function)
        self._result = Codec(types.pop("return"))
        self._bare = [name for name in self._signature.parameters if types[name] is bytes]
        fields = [(name, types[name]) for name in self._signature.parameters if name not in self._bare]
        self._arguments: Codec[Any] = Codec(dataclasses.make_dataclass("Arguments", fields, frozen=True))

    def encode(self, arguments: Sequence[Any], named: Mapping[str, Any]) -> bytes:
        """The values of its arguments."""
        bound = self._signature.bind(*arguments, **named)
        bound.apply_defaults()
        bare = [bound.arguments.pop(name) for name in self._bare]
        sizes = [_SIZE.pack(len(value)) for value in bare]
        return b"".join((*sizes, *bare, self._arguments.encode(self._arguments.kind(**bound.arguments))))

    def run(self, values: bytes) -> bytes:
        """Calls the function; in the worker. Raises what it raises."""
        sizes = [_SIZE.unpack_from(values, at * _SIZE.size)[0] for at in range(len(self._bare))]
        given, begin = {}, len(sizes) * _SIZE.size
        for name, size in zip(self._bare, sizes, strict=True):
            given[name] = values[begin : begin + size]
            begin += size
        arguments = self._arguments.decode(values[begin:])
        given |= {name: getattr(arguments, name) for name in self._signature.parameters if name not in given}
        bound = inspect.BoundArguments(self._signature, given)
        return self._result.encode(self.function(*bound.args, **bound.kwargs))

    def decode(self, result: bytes) -> Any:
        """Raises WireError where it is no result of this function."""
        return self._result.decode(result)


@cache
def get_call(function: Callable[..., Any]) -> Call:
    return Call(function)


@cache
def find_call(name: str) -> Call:
    """The call of a function by its name; in the worker, which trusts its parent."""
    module, _, function = name.partition(":")
    return get_call(getattr(importlib.import_module(module), function))
