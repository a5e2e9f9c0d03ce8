"""Checkpoints beside the writer: the WAL ends in the database file, and nobody's commit waits for it."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from guestlist.storage.base import Database
from guestlist.storage.checkpoints import Checkpointer
from guestlist.storage.database import open_database
from guestlist.storage.migrate import migrate
from guestlist.storage.sqlite import connect, driver, sqlite_version
from guestlist.storage.tables import workspaces

ADD = insert(workspaces)

pytestmark = pytest.mark.skipif(sqlite_version().wal_reset_fault, reason="this SQLite checkpoints in the writer")


async def add(database: Database, name: str) -> None:
    await database.write(lambda tx: tx.execute(ADD, {"id": name, "name": "n", "created_at": 1}))


async def test_what_is_written_soon_stands_in_the_file_itself(tmp_path: Path) -> None:
    path = tmp_path / "own.db"
    await migrate(f"sqlite:///{path}")
    database = await open_database(f"sqlite:///{path}")
    await add(database, "a-name-of-its-own")
    async with asyncio.timeout(20):
        while b"a-name-of-its-own" not in path.read_bytes():
            await asyncio.sleep(0.02)
    await database.close()


async def test_closing_leaves_one_whole_file_behind(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'own.db'}"
    await migrate(url)
    database = await open_database(url)
    await asyncio.gather(*(add(database, str(number)) for number in range(100)))
    await database.close()
    assert [each.name for each in tmp_path.iterdir()] == ["own.db"]


class FailsOnce:
    """A connection whose first checkpoint fails; another write follows."""

    def __init__(self, connection: Any) -> None:
        self.connection, self.calls, self.done = connection, 0, threading.Event()
        self.checkpointer = Checkpointer(self, driver.Error)

    def execute(self, text: str) -> Any:
        self.calls += 1
        if self.calls == 1:
            self.checkpointer.wake()
            raise driver.OperationalError("disk I/O error")
        self.done.set()
        return self.connection.execute(text)

    def close(self) -> None:
        self.connection.close()


def test_a_checkpoint_that_fails_is_tried_again_after_the_next_write(tmp_path: Path) -> None:
    failing = FailsOnce(connect(tmp_path / "own.db"))
    failing.checkpointer.wake()
    assert failing.done.wait(20)
    failing.checkpointer.close()


class ClosedAsItIsCleared(threading.Event):
    """The note of a write, at whose clearing the checkpointer is being closed."""

    def __init__(self, checkpointer: Checkpointer) -> None:
        super().__init__()
        self.checkpointer = checkpointer

    def clear(self) -> None:
        self.checkpointer._closing.set()
        self.set()
        super().clear()


def test_a_close_that_meets_a_wake_up_is_not_missed(tmp_path: Path) -> None:
    checkpointer = Checkpointer(connect(tmp_path / "own.db"), driver.Error)
    asleep, checkpointer._written = checkpointer._written, ClosedAsItIsCleared(checkpointer)
    asleep.set()
    checkpointer._thread.join(10)
    assert not checkpointer._thread.is_alive()
    checkpointer.close()
