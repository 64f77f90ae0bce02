"""What every application, client or process of a test would do anew, done once for all of them."""

from __future__ import annotations

from functools import cache, partial
from types import CodeType

from httpx._transports import default as http_transport
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket

from aggregator.web import templating


class CompiledOnce(BytecodeCache):
    """Templates that one application compiled, for the next one."""

    def __init__(self) -> None:
        self._compiled: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._compiled.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        self._compiled[bucket.key, bucket.checksum] = bucket.code


def share_work() -> None:
    """Compiling the templates of a page takes 40 ms for each application, and reading the certificates of all
    authorities 20 ms for each client: those of tests ask plain HTTP of loopback."""
    templating.Environment = partial(Environment, bytecode_cache=CompiledOnce())  # type: ignore[misc, assignment]
    http_transport.create_ssl_context = cache(http_transport.create_ssl_context)
