"""Run as a process: writes rows from 16 tasks and prints each id only after `write` returned. Arguments: url, prefix, rows."""

from __future__ import annotations

import asyncio
import itertools
import sys

from rows_of_workspaces import add

from guestlist.storage.database import open_database


async def main(url: str, prefix: str, rows: int) -> None:
    """Writes until `rows` are there, or until killed."""
    database = await open_database(url)
    numbers = itertools.islice(itertools.count(), rows)

    async def write_some() -> None:
        for number in numbers:
            row_id = f"{prefix}{number}"
            await database.write(add(row_id))
            sys.stdout.write(row_id + "\n")
            sys.stdout.flush()

    await asyncio.gather(*(write_some() for _ in range(16)))
    await database.close()


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
