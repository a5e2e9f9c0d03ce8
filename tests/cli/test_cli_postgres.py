"""On PostgreSQL commands leave the work to servers and workers, of which there may be any number."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from cli_meta import end
from support.databases import POSTGRES, on_server, postgres_only
from typer.testing import Result

pytestmark = [postgres_only, pytest.mark.postgres]


@pytest.fixture(autouse=True)
def _own_database(monkeypatch: pytest.MonkeyPatch, empty_folder: Any) -> Iterator[None]:
    """An empty database of the test's own."""
    name = f"guestlist_test_{secrets.token_hex(6)}"
    asyncio.run(on_server(f'CREATE DATABASE "{name}"'))
    monkeypatch.setenv("DATABASE_URL", urlsplit(POSTGRES)._replace(path=f"/{name}").geturl())
    yield
    asyncio.run(on_server(f'DROP DATABASE "{name}" WITH (FORCE)'))


def test_a_worker_carries_out_what_a_command_leaves(
    page: str, guestlist: Callable[..., Result], ask: Callable[..., Any], start: Any
) -> None:
    workers = [start("worker", "--json") for _ in range(2)]
    assert [json.loads(worker.stdout.readline()) for worker in workers] == [{"working": True}] * 2

    left = guestlist("audiences", "create", "--page", page, "--name", "Customers")
    while ask("audiences", "list")["data"][0]["state"] != "ready":
        time.sleep(0.05)

    assert "A server or worker on this database carries it out." in left.stderr
    assert [end(worker)[:2] for worker in workers] == [(0, b"")] * 2


def test_without_a_worker_a_command_that_waits_does_the_work_itself(page: str, ask: Callable[..., Any]) -> None:
    assert ask("audiences", "create", "--page", page, "--name", "Customers", "--wait")["state"] == "ready"


def test_the_doctor_knows_postgresql(page: str, guestlist: Callable[..., Result]) -> None:
    told = guestlist("doctor").stdout

    assert "PostgreSQL answers; its schema is current." in told


def test_a_server_that_is_away_is_a_dependency(guestlist: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://guest:hunter2@127.0.0.1:1/guests")

    result = guestlist("pages", "list")

    assert result.exit_code == 8
    assert "hunter2" not in result.output
