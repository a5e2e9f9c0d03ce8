"""Importing customer lists: prepared batches and rejects become durable, clear values never do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import orjson

from guestlist.errors import ListError
from guestlist.lists.base import ListOptions, ListReport, Payload, Prepared
from guestlist.storage import rows, tables
from guestlist.storage import uploads as upload_rows
from guestlist.storage.base import Row, Transaction

from .base import Services, next_or_none

Progress = Callable[[ListReport], None]


async def import_list(
    services: Services,
    workspace_id: str,
    source: Path | BinaryIO,
    options: ListOptions,
    *,
    name: str,
    filename: str = "",
    progress: Progress | None = None,
) -> Row:
    """The list, ready to upload: its batches and rejects are durable. Errors: ListError, with nothing kept."""
    prepared = await asyncio.to_thread(services.lists.prepare, source, options, filename=filename)
    list_id = services.ids.new("lst")
    await services.db.write(
        lambda tx: _begin(tx, services, workspace_id, list_id, name=name, options=options, report=prepared.report)
    )
    try:
        await _keep_batches(services, workspace_id, list_id, prepared, progress)
    except BaseException:
        await asyncio.shield(services.db.write(lambda tx: upload_rows.delete_list(tx, workspace_id, list_id)))
        raise
    return await services.db.write(lambda tx: _finish(tx, services, workspace_id, list_id, prepared.report))


async def _begin(
    tx: Transaction, services: Services, workspace_id: str, list_id: str, *, name: str, options: ListOptions, report: ListReport
) -> None:
    row = {
        "workspace_id": workspace_id,
        "id": list_id,
        "name": name or report.filename,
        "filename": report.filename,
        "sha256": report.sha256,
        "region": options.region,
        "state": "preparing",
        "report": "{}",
        "created_at": services.now_ms(),
    }
    await rows.insert(tx, tables.lists, row)


async def _keep_batches(
    services: Services, workspace_id: str, list_id: str, prepared: Prepared, progress: Progress | None
) -> None:
    payloads = prepared.payloads()
    seq = kept = 0
    while True:
        payload: Payload | None = await next_or_none(payloads)
        found = prepared.rejects()
        seq += 1

        async def unit(tx: Transaction, *, seq: int = seq, kept: int = kept, payload: Payload | None = payload) -> None:
            if payload is not None:
                await upload_rows.insert_list_batch(tx, workspace_id, list_id, seq, payload)
            await upload_rows.insert_list_rejects(tx, workspace_id, list_id, kept + 1, found)  # noqa: B023 (awaited below)

        await services.db.write(unit)
        kept += len(found)
        if payload is None:
            break
        if progress:
            progress(prepared.report)
    if not prepared.report.usable:
        raise ListError(
            f"None of the {prepared.report.rows} rows can be used.",
            code="nothing_usable",
            remedy="Run `guestlist lists check` on the file: it says why each row was rejected.",
            rejected=prepared.report.rejected,
        )


async def _finish(tx: Transaction, services: Services, workspace_id: str, list_id: str, report: ListReport) -> Row:
    await rows.change(
        tx,
        tables.lists,
        workspace_id,
        list_id,
        state="ready",
        rows=report.rows,
        usable=report.usable,
        duplicates=report.duplicates,
        sha256=report.sha256,
        report=orjson.dumps(report.as_json(), option=orjson.OPT_NON_STR_KEYS).decode(),
    )
    await services.emit(tx, workspace_id, "list.imported", list_id, rows=report.rows, usable=report.usable)
    return await rows.get(tx, tables.lists, workspace_id, list_id)


async def list_lists(services: Services, workspace_id: str, *, after: str | None = None, limit: int = 50) -> list[Row]:
    """Lists, newest first."""

    async def unit(tx: Transaction) -> list[Row]:
        return await tx.fetch_all(rows.page_of(tables.lists, workspace_id, after=after, limit=limit))

    return await services.db.read(unit)


async def get_list(services: Services, workspace_id: str, list_id: str) -> Row:
    """One list. Errors: NotFoundError."""
    return await services.find_row(tables.lists, workspace_id, list_id)


async def list_rejects(services: Services, workspace_id: str, list_id: str, *, after: int = 0, limit: int = 1000) -> list[Row]:
    """Rejects of a list, in file order. Errors: NotFoundError."""

    async def unit(tx: Transaction) -> list[Row]:
        await rows.get(tx, tables.lists, workspace_id, list_id)
        return await upload_rows.read_rejects(tx, workspace_id, list_id, after=after, limit=limit)

    return await services.db.read(unit)
