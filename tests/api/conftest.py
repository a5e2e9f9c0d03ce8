"""An API over a real database with a scripted Graph, a frozen clock and seeded ids."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import pytest_asyncio
from api_house import Api, build
from structlog.testing import capture_logs
from structlog.typing import EventDict
from support.asgi import Client

from guestlist.storage.base import Database


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[EventDict]]:
    """What is logged, kept instead of printed."""
    with capture_logs() as entries:
        yield entries


@pytest_asyncio.fixture
async def api(database: Database) -> Api:
    """The API, ready to be called."""
    return await build(database)


@pytest.fixture
def client(api: Api) -> Client:
    """A client with a key."""
    return api.client
