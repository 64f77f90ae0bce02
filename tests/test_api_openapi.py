"""The OpenAPI document is valid, complete and true: what is made up by it is answered as it says."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from api_room import ROOT, make_app, make_room, make_validator
from fresh_database import open_fresh
from hypothesis import HealthCheck, given, settings
from lxml import html
from newsdesk import OTHER, RELEASE
from page_room import Stage
from page_rules import find_page_faults
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)
from test_feeds import report

from aggregator.chronicle import Chronicle
from aggregator.models import SourceKind
from aggregator.web.api.openapi import load_examples
from aggregator.web.api.problems import ProblemKind

AS_DESCRIBED = [content_type_conformance, response_schema_conformance, status_code_conformance]
SOUND = [*AS_DESCRIBED, not_a_server_error, negative_data_rejection]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    room = make_room(tmp_path_factory.mktemp("openapi"))
    room.publish_at("pemkot", "rilis", RELEASE, hour=3, kind=SourceKind.CITY_GOVERNMENT)
    room.publish_at("kabar-satu", "rilis", RELEASE, hour=4)
    room.publish_at("kabar-dua", "lain", OTHER)
    for number in range(5):
        report(room, number)
    room.press()
    with room.store.transaction():
        Chronicle(room.store, room.now).look()
    yield room.store.path
    room.store.close()


@pytest.fixture(scope="module")
def document(database: Path, stage: Stage) -> Any:
    stage.app = make_app(database, site_url="https://kabarkota.example/")
    return httpx.get(f"{stage.address}{ROOT}/openapi.json", trust_env=False, timeout=60).json()


# ── the document ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_document_is_valid(document: Any) -> None:
    schemathesis.openapi.from_dict(document).validate()
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": "https://kabarkota.example"}]
    assert document["info"]["contact"] == {"name": "Kabar Kota", "email": "redaksi@kabarkota.example"}
    assert document["info"]["license"]["url"].startswith("https://kabarkota.example/")


def test_everything_in_it_is_described_and_has_an_example(document: Any) -> None:
    for path, item in document["paths"].items():
        operation = item["get"]
        assert operation["summary"], path
        assert operation["description"], path
        assert {"200", "304", "400", "503"} <= operation["responses"].keys(), path
        assert "422" not in operation["responses"]
        for parameter in operation["parameters"]:
            assert parameter["description"], (path, parameter["name"])
            assert parameter["example"] is not None, (path, parameter["name"])
            assert "anyOf" not in parameter["schema"]
        for status, answer in operation["responses"].items():
            assert answer["description"]
            for content in answer.get("content", {}).values():
                assert content["example"], (path, status)


def test_examples_are_true_to_their_schemas(document: Any) -> None:
    text = json.dumps(document)
    for path, item in document["paths"].items():
        for status, answer in item["get"]["responses"].items():
            for content in answer.get("content", {}).values():
                schema = content["schema"]["$ref"].rpartition("/")[2]
                faults = [*make_validator(text, schema).iter_errors(content["example"])]
                assert not faults, (path, status, faults[0].message, [*faults[0].absolute_path])
        for parameter in (each for each in item["get"]["parameters"] if each["in"] == "path"):
            answer = item["get"]["responses"]["200"]["content"]["application/json"]["example"]
            assert parameter["example"] in (answer["id"], answer.get("guid")), path
    operations = {item["get"]["operationId"] for item in document["paths"].values()}
    assert load_examples()["responses"].keys() == operations


def test_schemas_are_exact(document: Any) -> None:
    for name, schema in document["components"]["schemas"].items():
        if schema.get("type") == "object":
            assert schema["additionalProperties"] is False, name
            required = set(schema["properties"]) - ({"parameter", "suggestions"} if name == "Problem" else set())
            assert set(schema["required"]) == required, name
    article = document["components"]["schemas"]["Article"]["properties"]
    assert article["published_at"]["format"] == "date-time"
    assert {"type": "string", "format": "uri"} in article["url"]["anyOf"]


def test_both_languages_tell_of_the_same(document: Any, stage: Stage) -> None:
    other = httpx.get(f"{stage.address}{ROOT}/openapi.json?lang=id", trust_env=False, timeout=60).json()
    assert other["paths"].keys() == document["paths"].keys()
    for path, item in other["paths"].items():
        theirs = document["paths"][path]["get"]
        assert item["get"]["summary"] != theirs["summary"] or theirs["summary"] == "Komwil"
        assert [each["name"] for each in item["get"]["parameters"]] == [each["name"] for each in theirs["parameters"]]


# ── what is made up by it ──────────────────────────────────────────────────────────────────────────────────────────


def fire(
    app: Any, checks: list[Any], examples: int, modes: tuple[GenerationMode, ...] = (*GenerationMode,)
) -> Counter[int]:
    """Asks so often at each address, in each mode; returns how often each status came."""
    statuses: Counter[int] = Counter()
    schema = schemathesis.openapi.from_asgi(f"{ROOT}/openapi.json", app)
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in modes:
            _fire_at(operation.as_strategy(generation_mode=mode), checks, examples, statuses)
    return statuses


def _fire_at(strategy: Any, checks: list[Any], examples: int, statuses: Counter[int]) -> None:
    @settings(max_examples=examples, derandomize=True, database=None, suppress_health_check=[*HealthCheck])
    @given(strategy)
    def ask(case: Any) -> None:
        answer = case.call()
        statuses[answer.status_code] += 1
        case.validate_response(answer, checks=checks)

    ask()


@pytest.mark.parametrize("examples", [2, pytest.param(100, marks=pytest.mark.slow)])
def test_nothing_made_up_finds_a_fault(database: Path, examples: int) -> None:
    statuses = fire(make_app(database), SOUND, examples)
    assert statuses[200] > examples
    assert statuses[400] > examples
    assert statuses.keys() <= {200, 400, 404}


@pytest.mark.parametrize(
    ("lay", "checks", "expected"),
    [
        pytest.param(lambda path: open_fresh(path).close(), SOUND, {200, 400, 404, 503}, id="empty"),
        pytest.param(lambda _: None, AS_DESCRIBED, {400, 404, 503}, id="missing"),
    ],
)
def test_nor_where_there_is_nothing(
    tmp_path: Path, lay: Callable[[Path], None], checks: list[Any], expected: set[int]
) -> None:
    lay(tmp_path / "news.db")
    statuses = fire(make_app(tmp_path / "news.db"), checks, 1, (GenerationMode.POSITIVE,))
    assert statuses.keys() <= expected


# ── the page ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
@pytest.mark.parametrize("query", ["", "?lang=en"])
def test_the_page_tells_of_everything(database: Path, document: Any, stage: Stage, query: str) -> None:
    stage.app = make_app(database, site_url="https://kabarkota.example/")
    answer = httpx.get(f"{stage.address}/api{query}", trust_env=False, timeout=60)
    assert find_page_faults(answer.text) == []
    page = html.fromstring(answer.text)
    told = page.text_content()
    for path, item in document["paths"].items():
        assert path in told
        assert page.get_element_by_id(item["get"]["operationId"]).tag == "h3"
    names = {each["name"] for item in document["paths"].values() for each in item["get"]["parameters"]} - {"lang"}
    assert names <= {each.text for each in page.cssselect("tbody th code")}
    assert {kind.value for kind in ProblemKind} <= {each.get("id") for each in page.cssselect("dl div")}
    for link in page.cssselect("main a[href]"):
        target = link.get("href")
        if target.startswith("#"):
            assert page.get_element_by_id(target[1:]) is not None
        else:
            assert httpx.get(stage.address + target, trust_env=False, timeout=60).status_code == 200
    commands = [each.text for each in page.cssselect("h3 ~ pre code") if (each.text or "").startswith("curl")]
    asked = [command.split("'")[1].replace("https://kabarkota.example", stage.address) for command in commands]
    statuses = Counter(httpx.get(each, trust_env=False, timeout=60).status_code for each in asked)
    assert set(statuses) <= {200, 400, 404}  # it names what other databases have
    assert statuses[200] > len(document["paths"]) / 2


def test_the_page_of_data_leads_to_it(database: Path, stage: Stage) -> None:
    stage.app = make_app(database)
    page = html.fromstring(httpx.get(f"{stage.address}/data?lang=en", trust_env=False, timeout=60).text)
    assert "/api?lang=en" in page.xpath("//main//a/@href")
