"""The process that plays all hosts. Its address tells which case is meant; every other address is a canary.

stdout: {"port": …} ── once it listens        stdin closes ──▶ {"asked": …, "canary": …} and the end
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
from collections import Counter, defaultdict

from battery.case import Case, address_of, load_cases
from battery.visitor import Visitor

HEAD_MOST = 64 * 1024
IDLE_SECONDS = 120


class Origin:
    def __init__(self, cases: dict[str, Case]) -> None:
        self._cases = {address_of(position): case for position, case in enumerate(cases.values())}
        self.asked: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.canary: list[str] = []
        self.faults: list[str] = []
        self._states: defaultdict[str, dict[str, object]] = defaultdict(dict)
        self.port = 0

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
        base = f"http://{address}:{self.port}"
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        await case.play(
            Visitor(
                case=case.name,
                base=base,
                canary=f"http://127.0.0.1:{self.port}",
                method=method,
                path=path,
                headers=headers,
                writer=writer,
                count=self.asked[case.name][path[:200]],
                state=self._states[case.name],
                bases={other.name: f"http://{at}:{self.port}" for at, other in self._cases.items()},
            )
        )
        return not writer.is_closing()

    def report(self) -> dict[str, object]:
        return {
            "asked": {name: dict(paths) for name, paths in self.asked.items()},
            "canary": self.canary,
            "faults": self.faults,
        }


async def main() -> None:
    origin = Origin(load_cases())
    listening = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True, backlog=1024)
    server = await asyncio.start_server(origin.serve, sock=listening, limit=HEAD_MOST)
    origin.port = listening.getsockname()[1]
    print(json.dumps({"port": origin.port}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()
    print(json.dumps(origin.report()), flush=True)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
    sys.stdout.flush()
    # cases that hang are not waited for
    import os

    os._exit(0)
