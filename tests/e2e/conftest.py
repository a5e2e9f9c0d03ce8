"""A stage for whole stories: an emulator in its own process and a server, with everything between them real."""

import pytest
import pytest_asyncio

from guestlist.cli.demo_run import set_stage
from guestlist.logging import configure_logging


@pytest.fixture(autouse=True)
def quiet_logs():
    configure_logging("warning")


@pytest_asyncio.fixture
async def stage(tmp_path):
    async with set_stage(tmp_path) as ready:
        yield ready
