"""SQLite's own risks: kills, a full disk, a second process, an old library."""

from __future__ import annotations

import asyncio
import random
import signal
import sqlite3
import sys
from pathlib import Path

import pytest
from rows_of_workspaces import ADD, add, count, ids_in
from sqlalchemy import text
from support.databases import Templates, fresh_url

from guestlist.errors import ConfigurationError, DependencyError
from guestlist.storage import sqlite
from guestlist.storage.base import Database, Transaction
from guestlist.storage.database import open_database
from guestlist.storage.sqlite import describe_version, sqlite_version

WRITER = Path(__file__).with_name("keeps_writing.py")


@pytest.fixture
async def url(tmp_path: Path, templates: Templates):
    async with fresh_url("sqlite", tmp_path, templates) as fresh:
        yield fresh


@pytest.fixture
async def embedded(url: str):
    database = await open_database(url)
    yield database
    await database.close()


async def start_writer(url: str, prefix: str, rows: int) -> asyncio.subprocess.Process:
    """A process that writes rows from 16 tasks and prints each id only after `write` returned."""
    command = (sys.executable, str(WRITER), url, prefix, str(rows))
    return await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_what_was_confirmed_survives_kill_9(url: str, seed: int) -> None:
    process = await start_writer(url, "r", 1_000_000)
    assert process.stdout is not None
    confirmed = [await process.stdout.readline() for _ in range(random.Random(seed).randrange(1, 3000))]
    process.send_signal(signal.SIGKILL)
    confirmed += (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()

    database = await open_database(url)
    there = set(await ids_in(database))
    await database.close()
    whole = {line.decode().strip() for line in confirmed if line.endswith(b"\n")}
    assert whole
    assert whole <= there


async def test_two_processes_write_at_once(url: str) -> None:
    writers = [await start_writer(url, prefix, 400) for prefix in ("a", "b")]
    printed = [(await writer.communicate())[0].split() for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    database = await open_database(url)
    assert await database.read(count) == 800 == len(set(printed[0]) | set(printed[1]))
    await database.close()


async def grow_to(database: Database, pages: int) -> None:
    """Lets the file grow to so many pages: a small disk."""
    await database.write(lambda transaction: transaction.fetch_all(text(f"PRAGMA max_page_count = {pages}")))


async def test_a_full_disk_is_named_and_work_goes_on_once_there_is_room(embedded: Database) -> None:
    await embedded.write(add("before"))
    await grow_to(embedded, 1)
    rows = [{"id": str(n), "name": "n" * 1000, "created_at": 1} for n in range(2000)]

    outcomes = await asyncio.gather(
        embedded.write(add("small")),
        embedded.write(lambda transaction: transaction.execute_many(ADD, rows)),
        embedded.write(add("small-too")),
        return_exceptions=True,
    )
    assert [getattr(outcome, "code", outcome) for outcome in outcomes] == [None, "disk_full", None]
    assert "Free some space" in outcomes[1].remedy  # type: ignore[union-attr]

    await grow_to(embedded, 1_000_000)
    await embedded.write(lambda transaction: transaction.execute_many(ADD, rows))
    assert await embedded.read(count) == 2003


async def test_a_lock_held_by_another_program_is_named(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.05)
    database = await open_database(url)
    other = sqlite.driver.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DependencyError) as caught:
        await database.write(add("a"))
    assert caught.value.code == "database_locked"
    assert await database.read(count) == 0
    other.close()
    await database.write(add("a"))
    await database.close()


async def test_units_run_in_the_order_of_the_calls(embedded: Database) -> None:
    await asyncio.gather(*(embedded.write(add(f"{n:04}")) for n in range(2000)))
    assert await ids_in(embedded) == [f"{n:04}" for n in range(2000)]


async def test_a_unit_that_breaks_all_rules_does_not_end_the_writer(embedded: Database) -> None:
    async def unit(transaction: Transaction) -> None:
        await add("never")(transaction)
        raise GeneratorExit

    with pytest.raises(GeneratorExit):
        await embedded.write(unit)
    await embedded.write(add("after"))
    assert await ids_in(embedded) == ["after"]


async def test_the_file_is_kept_as_durability_needs_it(embedded: Database) -> None:
    async def settings(transaction: Transaction) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "fullfsync")
        return [next(iter((await transaction.fetch_all(text(f"PRAGMA {name}")))[0].values())) for name in names]

    assert await embedded.write(settings) == ["wal", 2, 1, 1]


class NoWal:
    """A driver on a file system that cannot share the WAL index."""

    Error = sqlite3.Error

    def connect(self, *_: object, **__: object) -> NoWal:
        return self

    def execute(self, _: str) -> NoWal:
        return self

    def fetchone(self) -> tuple[str]:
        return ("delete",)

    def close(self) -> None: ...


async def test_a_folder_that_cannot_hold_a_wal_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "driver", NoWal())
    with pytest.raises(ConfigurationError) as caught:
        await open_database(url)
    assert caught.value.code == "no_wal"
    assert "journal_mode is delete" in str(caught.value)


@pytest.mark.parametrize(
    ("version", "faulty"),
    [("3.40.1", True), ("3.51.2", True), ("3.51.3", False), ("3.53.0", False), ("4.0.0", False)],
)
def test_versions_with_the_wal_reset_fault_are_known(version: str, faulty: bool) -> None:
    assert describe_version(version, "sqlite3").wal_reset_fault is faulty


def test_the_library_in_use_is_told() -> None:
    assert sqlite_version().version == sqlite.driver.sqlite_version
