"""The API over news that was really read and published, and a client that holds every answer against its schema."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from feed_room import SITE_URL, PlainRoom
from jsonschema import Draft202012Validator

from aggregator.web.app import create_app
from aggregator.web.protection import Protection
from aggregator.web.site import SiteInfo

ROOT = "/api/v1"


def make_app(database: Path, *, site_url: str = "", clock: Callable[[], datetime] | None = None, **facts: Any) -> Any:
    site = SiteInfo(url=site_url, name="Kabar Kota", contact="redaksi@kabarkota.example")
    return create_app(
        database=database,
        public=database.parent / "public",
        site=site,
        protection=facts.pop("protection", Protection()),
        **({"clock": clock} if clock else {}),
        **facts,
    )


class ApiClient:
    """Asks, and looks at what comes: by the OpenAPI document of the very server."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.document = client.get(f"{ROOT}/openapi.json").json()

    @classmethod
    @contextmanager
    def over(cls, address: str) -> Iterator[ApiClient]:
        with httpx.Client(base_url=address, trust_env=False, timeout=60) as client:
            yield cls(client)

    def get(self, path: str, status: int = 200, **headers: str) -> Any:
        """The JSON of an answer below the root, once it was looked at."""
        answer = self.client.get(ROOT + path, headers={key.replace("_", "-"): each for key, each in headers.items()})
        assert answer.status_code == status, (path, answer.status_code, answer.text)
        self.check(answer)
        return answer.json()

    def read(self, path: str) -> Any:
        """The same for those who ask very often: it is not looked at."""
        answer = self.client.get(ROOT + path)
        assert answer.status_code == 200, (path, answer.text)
        return answer.json()

    def walk(self, path: str) -> Iterator[Any]:
        """The items of all pages."""
        address: str | None = path
        while address:
            page = self.read(address)
            yield from page["items"]
            address = (page["next"] or "").removeprefix(SITE_URL.rstrip("/")).removeprefix(ROOT)

    def check(self, answer: httpx.Response) -> None:
        """That the answer is what the document says, to the last member."""
        operation = self.find(answer.url.path)
        if operation is None:
            assert answer.status_code in (404, 405)
            schema = "Problem"
        else:
            told = operation["responses"].get(str(answer.status_code))
            assert told is not None, (answer.url, answer.status_code)
            (media_type, content), *_ = told["content"].items()
            assert answer.headers["content-type"] == media_type
            schema = content["schema"]["$ref"].rpartition("/")[2]
        faults = [*make_validator(json.dumps(self.document), schema).iter_errors(answer.json())]
        assert not faults, (str(answer.url), faults[0].message, [*faults[0].absolute_path])
        assert answer.headers["access-control-allow-origin"] == "*"

    def find(self, path: str) -> Any:
        """The operation at a path."""
        for template, item in self.document["paths"].items():
            parts, wanted = path.split("/"), template.split("/")
            if len(parts) == len(wanted) and all(
                a == b or b.startswith("{") for a, b in zip(parts, wanted, strict=True)
            ):
                return item["get"]
        return None


@cache
def make_validator(document: str, schema: str) -> Draft202012Validator:
    """Of a schema of the document, given as JSON."""
    return Draft202012Validator({**json.loads(document), "$ref": f"#/components/schemas/{schema}"})


def make_room(folder: Path) -> PlainRoom:
    return PlainRoom(folder, site_url="")
