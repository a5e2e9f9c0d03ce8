"""Saved mappings: what a user said of the columns of one file serves the next file with the same header."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import orjson

from guestlist.errors import NotFoundError, UsageError
from guestlist.lists.base import ListOptions, Prepared, SavedMapping
from guestlist.storage import list_mappings as mapping_rows
from guestlist.storage.base import Database, Row, Transaction
from guestlist.storage.instants import from_ms

from .base import Services

FINGERPRINT = re.compile(r"[0-9a-f]{32}", re.ASCII)


def with_saved(services: Services, workspace_id: str, options: ListOptions) -> ListOptions:
    """The options, with a way for the list engine, which reads in a thread, to ask for what is saved. Call it on the loop."""
    loop = asyncio.get_running_loop()

    def find(fingerprint: str) -> SavedMapping | None:
        return asyncio.run_coroutine_threadsafe(find_saved(services.db, workspace_id, fingerprint), loop).result()

    return replace(options, saved=find)


async def find_saved(db: Database, workspace_id: str, fingerprint: str) -> SavedMapping | None:
    """What was said of the columns under a header, if anything."""

    async def unit(tx: Transaction) -> Row | None:
        return await mapping_rows.find_mapping(tx, workspace_id, fingerprint)

    row = await db.read(unit)
    if row is None:
        return None
    columns = {column["index"]: column["key"] for column in orjson.loads(row["columns"])}
    return SavedMapping(columns, from_ms(row["updated_at"]).date().isoformat())


async def keep_mapping(tx: Transaction, services: Services, workspace_id: str, options: ListOptions, prepared: Prepared) -> None:
    """Saves what was said of this file's columns, if anything was and the file has a header to know it by."""
    fingerprint = prepared.report.fingerprint
    if not (options.mapping and fingerprint):
        return
    columns = [
        {"index": index, "name": prepared.report.mapping[index].name, "key": key}
        for index, key in sorted(prepared.chosen.items())
    ]
    await mapping_rows.save_mapping(tx, workspace_id, fingerprint, orjson.dumps(columns).decode(), services.now_ms())


async def list_mappings(services: Services, workspace_id: str, *, after: str | None = None, limit: int = 50) -> list[Row]:
    """Saved mappings, in the order of their fingerprints. Errors: UsageError `bad_cursor`."""
    if after is not None and not FINGERPRINT.fullmatch(after):
        raise UsageError("`after` is no fingerprint.", code="bad_cursor", remedy="Give the `next` of the slice before.")

    async def unit(tx: Transaction) -> list[Row]:
        return await mapping_rows.read_mappings(tx, workspace_id, after=after or "", limit=limit)

    return await services.db.read(unit)


async def forget_mapping(services: Services, workspace_id: str, fingerprint: str) -> None:
    """Forgets a saved mapping: the next such file is mapped anew. Errors: NotFoundError."""

    async def unit(tx: Transaction) -> bool:
        return await mapping_rows.delete_mapping(tx, workspace_id, fingerprint)

    if not await services.db.write(unit):
        raise NotFoundError("No mapping is saved under this fingerprint.", remedy="See `guestlist lists mappings`.")
