"""The process that plays all hosts. Its address tells which case is meant; every other address is a canary.

stdout: {"port": …} ── once it listens        stdin closes ──▶ {"asked": …, "canary": …} and the end
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import ssl
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable

from battery.case import Case, address_of, load_cases
from battery.certificates import make_authority, make_context
from battery.visitor import Visitor

HEAD_MOST = 64 * 1024
IDLE_SECONDS = 120
_SECRETS = {"cookie", "authorization", "proxy-authorization", "referer", "x-forwarded-for"}


class Origin:
    def __init__(self, cases: dict[str, Case]) -> None:
        self._cases = {address_of(position): case for position, case in enumerate(cases.values())}
        self.asked: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.canary: list[str] = []
        self.faults: list[str] = []
        self._states: defaultdict[str, dict[str, object]] = defaultdict(dict)
        self.ports: dict[str, int] = {}

    def list_cases(self) -> Iterable[tuple[str, Case]]:
        """(address, case)"""
        return self._cases.items()

    async def listen(self, name: str, context: ssl.SSLContext | None) -> None:
        """At every address of this machine, on a port that is free."""
        listening = socket.create_server(
            ("::", 0), family=socket.AF_INET6, dualstack_ipv6=True, reuse_port=True, backlog=1024
        )
        await asyncio.start_server(self.serve, sock=listening, limit=HEAD_MOST, ssl=context)
        self.ports[name] = listening.getsockname()[1]

    async def take_over(self, port: int, family: str) -> None:
        """At the addresses of a family, which are closer than every address."""
        self.ports[""] = port
        for address, case in self._cases.items():
            if case.family == family:
                listening = socket.create_server((address, port), reuse_port=True, backlog=1024)
                await asyncio.start_server(self.serve, sock=listening, limit=HEAD_MOST)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = writer.get_extra_info("sockname")[0].removeprefix("::ffff:")
        case = self._cases.get(address)
        try:
            if case is None:
                self.canary.append(address)
                return
            while await self._answer(case, address, reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            pass  # the crawler has had enough
        except Exception as error:  # a bug of the case, which must not pass for an attack
            self.faults.append(f"{case.name if case else address}: {error!r}")
        finally:
            writer.close()

    async def _answer(
        self, case: Case, address: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Reads one request and answers it; whether another may follow."""
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), IDLE_SECONDS)
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, *_ = [*first.split(" "), "", ""]
        self.asked[case.name][path[:200]] += 1
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        given = _SECRETS & headers.keys()
        if given:
            self.faults.append(f"{case.name}: was sent {', '.join(sorted(given))}")
        await case.play(
            Visitor(
                case=case.name,
                base=self._find_base(address, case),
                canary=f"http://127.0.0.1:{self.ports['']}",
                method=method,
                path=path,
                headers=headers,
                writer=writer,
                count=self.asked[case.name][path[:200]],
                state=self._states[case.name],
                bases={other.name: self._find_base(at, other) for at, other in self._cases.items()},
            )
        )
        return not writer.is_closing()

    def _find_base(self, address: str, case: Case) -> str:
        return f"https://{address}:{self.ports.get(case.name, 0)}" if case.tls else f"http://{address}:{self.ports['']}"

    def report(self) -> dict[str, object]:
        return {
            "asked": {name: dict(paths) for name, paths in self.asked.items()},
            "canary": self.canary,
            "faults": self.faults,
        }


async def main(port: int = 0, family: str = "") -> None:
    origin = Origin(load_cases())
    authority = make_authority("Penerbit Uji")
    if port:
        await origin.take_over(port, family)
    else:
        await origin.listen("", None)
        for address, case in origin.list_cases():
            if case.tls:
                await origin.listen(case.name, make_context(case.tls, address, authority))
    print(json.dumps({"ports": origin.ports, "authority": authority.pem.decode()}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps(origin.report()), flush=True)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(*map(int, sys.argv[1:2]), *sys.argv[2:]))
    sys.stdout.flush()
    os._exit(0)  # cases that hang are not waited for
