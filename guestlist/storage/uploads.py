"""Statements about lists, their prepared batches, and uploads of them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import orjson
from sqlalchemy import delete, insert, literal, select, update

from guestlist.domain.states import Batch, Upload
from guestlist.lists.base import Payload, Rejected

from .base import Row, Transaction
from .tables import list_batches, list_rejects, lists, upload_batches, uploads


async def insert_list_batch(tx: Transaction, workspace_id: str, list_id: str, seq: int, payload: Payload) -> None:
    """Keeps one prepared batch: digests only, compressed."""
    body = zlib.compress(orjson.dumps({"schema": payload.schema, "data": payload.data}), 1)
    row = {"workspace_id": workspace_id, "list_id": list_id, "seq": seq, "rows": len(payload.data), "payload": body}
    await tx.execute(insert(list_batches), row)


async def insert_list_rejects(tx: Transaction, workspace_id: str, list_id: str, first: int, rejects: Sequence[Rejected]) -> None:
    """Keeps rejects, values masked, at positions from `first`."""
    rows = [
        {
            "workspace_id": workspace_id,
            "list_id": list_id,
            "position": position,
            "row": reject.row,
            "column_name": reject.column,
            "code": reject.code,
            "value": reject.value,
            "remedy": reject.remedy,
        }
        for position, reject in enumerate(rejects, first)
    ]
    if rows:
        await tx.execute_many(insert(list_rejects), rows)


async def delete_list(tx: Transaction, workspace_id: str, list_id: str) -> None:
    """Removes a list with its batches and rejects."""
    for table in (list_batches, list_rejects):
        await tx.execute(delete(table).where(table.c.workspace_id == workspace_id, table.c.list_id == list_id))
    await tx.execute(delete(lists).where(lists.c.workspace_id == workspace_id, lists.c.id == list_id))


async def cut_off_lists(tx: Transaction, before: int) -> list[Row]:
    """Lists whose import began before an instant and never ended."""
    return await tx.fetch_all(select(lists).where(lists.c.state == "preparing", lists.c.created_at < before))


async def read_rejects(tx: Transaction, workspace_id: str, list_id: str, *, after: int, limit: int) -> list[Row]:
    """Rejects of a list in file order, from behind a position."""
    query = select(list_rejects).where(list_rejects.c.workspace_id == workspace_id, list_rejects.c.list_id == list_id)
    return await tx.fetch_all(query.where(list_rejects.c.position > after).order_by(list_rejects.c.position).limit(limit))


async def read_payload(tx: Transaction, workspace_id: str, list_id: str, seq: int) -> Payload:
    """One prepared batch."""
    query = select(list_batches.c.payload).where(
        list_batches.c.workspace_id == workspace_id, list_batches.c.list_id == list_id, list_batches.c.seq == seq
    )
    row = await tx.fetch_one(query)
    assert row is not None, "a batch of an upload outlives it"
    content = orjson.loads(zlib.decompress(row["payload"]))
    return Payload(tuple(content["schema"]), tuple(tuple(each) for each in content["data"]))


async def plan_batches(tx: Transaction, workspace_id: str, upload_id: str, list_id: str) -> tuple[int, int]:
    """One row per batch of the list, to be sent: (batches, rows)."""
    chosen = select(
        literal(workspace_id), literal(upload_id), list_batches.c.seq, list_batches.c.rows, literal(Batch.QUEUED.value)
    ).where(list_batches.c.workspace_id == workspace_id, list_batches.c.list_id == list_id)
    await tx.execute(insert(upload_batches).from_select(["workspace_id", "upload_id", "seq", "rows", "state"], chosen))
    planned = await read_batches(tx, workspace_id, upload_id)
    return len(planned), sum(row["rows"] for row in planned)


async def read_batches(tx: Transaction, workspace_id: str, upload_id: str) -> list[Row]:
    """The batches of an upload in order."""
    query = select(upload_batches).where(upload_batches.c.workspace_id == workspace_id, upload_batches.c.upload_id == upload_id)
    return await tx.fetch_all(query.order_by(upload_batches.c.seq))


async def change_batch(tx: Transaction, batch: Row, state: Batch, *, while_state: Batch, **values: object) -> bool:
    """Moves one batch on, only while it is in the given state (and under our fence, where one is given); whether it did."""
    query = update(upload_batches).where(
        upload_batches.c.workspace_id == batch["workspace_id"],
        upload_batches.c.upload_id == batch["upload_id"],
        upload_batches.c.seq == batch["seq"],
        upload_batches.c.state == while_state.value,
    )
    if while_state is Batch.SENDING:
        query = query.where(upload_batches.c.fence == batch["fence"])
    return await tx.execute(query.values(state=state.value, **values)) == 1


async def open_uploads(tx: Transaction, workspace_id: str, audience_id: str) -> list[Row]:
    """Uploads of an audience not yet matched, oldest first, locked."""
    unfinished = (Upload.QUEUED.value, Upload.UPLOADING.value, Upload.MATCHING.value)
    query = select(uploads).where(
        uploads.c.workspace_id == workspace_id, uploads.c.audience_id == audience_id, uploads.c.state.in_(unfinished)
    )
    return await tx.fetch_all(query.order_by(uploads.c.id).with_for_update())
