"""What goes through PostgreSQL: kits and polls to workers, harvests back. JSON, compressed, with a version. PURE.

Workers may be of another version, so each message says of which it is, and is refused where it is not ours.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from typing import Generic, TypeVar

import zstandard

from aggregator.models import CrawlJob, Harvest
from aggregator.wire import Codec, WireError
from crawler.settings import CrawlSettings

T = TypeVar("T")

WIRE_VERSION = 1  # of all messages: another as soon as any of them, or what it is made of, takes another form
MOST_BYTES = 64 << 20  # of a message when it is unpacked: the largest harvest is half of it
_LEVEL = 3
PROGRAM = f"{version('kabarkota')}/{WIRE_VERSION}"  # what workers and store node must have in common
QUEUE = f"polls-{WIRE_VERSION}"
POLL_TASK = "poll"


@dataclass(frozen=True, kw_only=True, slots=True)
class Kit:
    """What many polls have in common."""

    settings: CrawlSettings
    requests_per_day: int
    topics: str | None = None  # the operator's table of topics, TOML; None: there is none
    profiles: str | None = None
    certificates: tuple[tuple[str, str], ...] = ()  # CA bundles: path within the data folder, content


@dataclass(frozen=True, kw_only=True, slots=True)
class PollOrder:
    """One source to poll, with all that is remembered of it: a worker sees no database."""

    kit: str  # id
    cycle: int
    deadline: datetime  # it is not begun after that
    job: CrawlJob
    held: tuple[tuple[str, datetime], ...] = ()  # hosts that may be asked only from then on
    left: tuple[tuple[str, int], ...] = ()  # of requests to hosts, today


@dataclass(frozen=True, kw_only=True, slots=True)
class _Envelope(Generic[T]):
    version: int
    content: T


@dataclass(frozen=True, kw_only=True, slots=True)
class _Label:
    """What can be read of any version."""

    version: int = field(default=0)


class Packer(Generic[T]):
    """Packs and unpacks messages of one type."""

    def __init__(self, codec: Codec[_Envelope[T]], name: str) -> None:
        self._codec, self._name = codec, name

    def pack(self, content: T) -> bytes:
        return zstandard.compress(self._codec.encode(_Envelope(version=WIRE_VERSION, content=content)), _LEVEL)

    def unpack(self, packed: bytes) -> T:
        """Raises WireError."""
        try:
            with zstandard.ZstdDecompressor().stream_reader(packed) as reader:
                body = reader.read(MOST_BYTES + 1)
        except zstandard.ZstdError as error:
            raise WireError(f"{self._name}: not compressed as it should be: {error}") from error
        if len(body) > MOST_BYTES:
            raise WireError(f"{self._name}: larger than {MOST_BYTES} bytes")
        said = _LABEL.decode(body).version
        if said != WIRE_VERSION:
            raise WireError(f"{self._name}: of version {said}; this program reads version {WIRE_VERSION}")
        return self._codec.decode(body).content


_LABEL = Codec(_Label)
KIT: Packer[Kit] = Packer(Codec(_Envelope[Kit]), "kit")
ORDER: Packer[PollOrder] = Packer(Codec(_Envelope[PollOrder]), "poll")
HARVEST: Packer[Harvest] = Packer(Codec(_Envelope[Harvest]), "harvest")


def name_kit(body: bytes) -> str:
    """The id of a packed kit."""
    return hashlib.blake2b(body, digest_size=16).hexdigest()
