"""A desk for each dialect's tests."""

import pytest_asyncio
from comapi_desk import Desk, open_desk
from vendor_desk import VendorDesk, open_vendor_desk


@pytest_asyncio.fixture
async def desk(api) -> Desk:
    """A Comapi client on an API with a Page and a sandbox for SMS."""
    return await open_desk(api)


@pytest_asyncio.fixture
async def vendor(database) -> VendorDesk:
    """A client on an API whose sends leave while it waits."""
    return await open_vendor_desk(database)
