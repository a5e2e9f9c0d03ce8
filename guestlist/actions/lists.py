"""Importing customer lists: prepared batches and rejects become durable, clear values never do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import BinaryIO

import orjson

from guestlist.errors import ListError, RefusedError
from guestlist.lists.base import ListOptions, ListReport, Prepared, Step
from guestlist.storage import rows, tables
from guestlist.storage import uploads as upload_rows
from guestlist.storage.base import Row, Transaction

from .base import Services, in_thread
from .list_mappings import keep_mapping, with_saved

Progress = Callable[[ListReport, Step], None]
"""Told of each step once it is kept."""


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
    """The list, ready to upload: its batches and rejects are durable. Errors: ListError, with nothing kept.

    What `options.mapping` says is saved for the next file with the same header, and what was saved for this one is used.
    """
    options = with_saved(services, workspace_id, options)
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

    async def unit(tx: Transaction) -> Row:
        await keep_mapping(tx, services, workspace_id, options, prepared)
        return await _finish(tx, services, workspace_id, list_id, prepared.report)

    return await services.db.write(unit)


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
    batches = kept = 0
    async with aclosing(in_thread(prepared.steps())) as steps:
        async for step in steps:
            batches += step.payload is not None
            await services.db.write(
                partial(_keep_step, workspace_id=workspace_id, list_id=list_id, batch=batches, kept=kept, step=step)
            )
            kept += len(step.rejects)
            if progress:
                progress(prepared.report, step)
    if not prepared.report.usable:
        raise ListError(
            f"None of the {prepared.report.rows} rows can be used.",
            code="nothing_usable",
            remedy="Run `guestlist lists check` on the file: it says why each row was rejected.",
            rejected=prepared.report.rejected,
        )


async def _keep_step(tx: Transaction, *, workspace_id: str, list_id: str, batch: int, kept: int, step: Step) -> None:
    if step.payload is not None:
        await upload_rows.insert_list_batch(tx, workspace_id, list_id, batch, step.payload)
    await upload_rows.insert_list_rejects(tx, workspace_id, list_id, kept + 1, step.rejects)


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


async def delete_list(services: Services, workspace_id: str, list_id: str) -> None:
    """Deletes a list with its digests and rejects. Planned uploads have their own copy; audiences stay as they are.

    Errors: NotFoundError; RefusedError while it is being imported, or an upload has yet to read it.
    """

    async def unit(tx: Transaction) -> None:
        found = await rows.get(tx, tables.lists, workspace_id, list_id, lock=True)
        if found["state"] != "ready":
            raise RefusedError(
                f"List {list_id} is {found['state']}.", code="list_not_ready", remedy="Wait until its import has ended."
            )
        upload = await upload_rows.find_reader(tx, workspace_id, list_id)
        if upload is not None:
            raise RefusedError(
                f"Upload {upload['id']} has yet to read list {list_id}.",
                code="list_in_use",
                remedy=f"Wait until it is planned, or give it up: guestlist audiences cancel {upload['id']}",
            )
        await upload_rows.delete_list(tx, workspace_id, list_id)
        await services.emit(tx, workspace_id, "list.deleted", list_id)

    await services.db.write(unit)


async def list_rejects(services: Services, workspace_id: str, list_id: str, *, after: int = 0, limit: int = 1000) -> list[Row]:
    """Rejects of a list, in file order. Errors: NotFoundError."""

    async def unit(tx: Transaction) -> list[Row]:
        await rows.get(tx, tables.lists, workspace_id, list_id)
        return await upload_rows.read_rejects(tx, workspace_id, list_id, after=after, limit=limit)

    return await services.db.read(unit)
