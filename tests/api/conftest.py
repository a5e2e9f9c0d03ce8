"""An API over a real database with a scripted Graph, a frozen clock and seeded ids."""

from __future__ import annotations

import pytest
import pytest_asyncio
from api_house import Api, build
from support.asgi import Client

from guestlist.storage.base import Database


@pytest_asyncio.fixture
async def api(database: Database) -> Api:
    """The API, ready to be called."""
    return await build(database)


@pytest.fixture
def client(api: Api) -> Client:
    """A client with a key."""
    return api.client
