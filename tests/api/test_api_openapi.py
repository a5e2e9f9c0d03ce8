"""The description is true: what it allows is answered as it says, what it forbids is refused, by requests nobody here wrote."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import uvicorn
from api_house import Api, build
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode, checks
from schemathesis.specs.openapi import checks as openapi_checks
from support.asgi import Client

from guestlist.api.handbook import write_page
from guestlist.storage.database import open_database
from guestlist.storage.migrate import migrate

EXAMPLES = 10
CHECKS = [
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.response_schema_conformance,
    openapi_checks.negative_data_rejection,
]


@dataclass
class Served:
    """A running API: its address, the header that opens it, ids of what is in it, its description."""

    url: str
    headers: dict[str, str]
    ids: dict[str, str]
    schema: dict[str, Any]


@asynccontextmanager
async def serve(path: Path) -> AsyncIterator[Served]:
    """The API on a free port of this machine."""
    await migrate(f"sqlite:///{path}")
    database = await open_database(f"sqlite:///{path}")
    api: Api = await build(database)
    ids = await api.fill()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(api.app, log_config=None, lifespan="off"))
        running = asyncio.create_task(server.serve([listening]))
        try:
            port = listening.getsockname()[1]
            yield Served(f"http://127.0.0.1:{port}", dict(api.client.headers), ids, api.app.openapi())
        finally:
            server.should_exit = True
            await running
            await database.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The API in a thread of its own: schemathesis calls it as any client does."""
    path = tmp_path_factory.mktemp("api") / "api.db"
    ready, done = threading.Event(), threading.Event()
    found: list[Served] = []

    async def run() -> None:
        async with serve(path) as one:
            found.append(one)
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert ready.wait(20)
    yield found[0]
    done.set()
    thread.join()


def aim(case: Any, ids: dict[str, str]) -> None:
    """Points a made-up request at things that are there, so that it does not end at 404."""
    for place in (case.path_parameters, case.query, case.body):
        if isinstance(place, dict):
            place.update({name: ids[name] for name in place if name in ids})


def operations(served: Served) -> Iterator[Any]:
    """Every operation that takes something."""
    schema = schemathesis.openapi.from_dict(served.schema)
    for result in schema.include(path_regex="^/v1").get_all_operations():
        yield result.ok()


async def test_every_operation_is_described_in_words_and_has_its_own_id(api: Api) -> None:
    document = api.app.openapi()
    operations = {(path, method): each for path, methods in document["paths"].items() for method, each in methods.items()}
    assert document["openapi"].startswith("3.1")
    assert len({each["operationId"] for each in operations.values()}) == len(operations)
    for (path, method), each in operations.items():
        assert each["summary"], path
        assert each["description"], path
        assert ("apiKey" in str(each.get("security"))) == path.startswith("/v1"), path
        problems = [
            status for status, answer in each["responses"].items() if "application/problem+json" in answer.get("content", {})
        ]
        assert problems == [status for status in each["responses"] if status >= "400"], path
        names = {parameter["name"] for parameter in each.get("parameters", ())}
        assert ("Idempotency-Key" in names) == (method == "post"), path


async def test_the_description_is_served(client: Client) -> None:
    answered = await client.get("/openapi.json")
    assert answered.json()["info"]["title"] == "Guestlist"


def test_the_page_of_the_handbook_is_up_to_date() -> None:
    page = Path("docs/reference/http-api.md").read_text(encoding="utf-8")
    assert page == "\n".join(write_page()) + "\n", "run: python -m guestlist.api.handbook > docs/reference/http-api.md"


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_the_description_is_true(served: Served, mode: GenerationMode) -> None:
    called = 0
    for operation in operations(served):

        @seed(7)
        @settings(
            max_examples=EXAMPLES,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def conforms(case: Any) -> None:
            nonlocal called
            if mode is GenerationMode.POSITIVE:
                aim(case, served.ids)
            case.headers.pop("Idempotency-Key", None)  # one key for all would only ever be refused
            response = case.call(base_url=served.url, headers=served.headers)
            case.validate_response(response, checks=CHECKS)
            called += 1

        conforms()
    assert called > 100
