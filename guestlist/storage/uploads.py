"""Statements about lists, their prepared batches, and uploads of them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import and_, delete, func, insert, select, update

from guestlist.domain.states import Batch, Upload
from guestlist.domain.uploads import Act
from guestlist.lists.base import Payload, Rejected

from .base import Row, Transaction
from .tables import list_batches, list_rejects, lists, upload_batches, uploads

UNFINISHED = (Upload.QUEUED.value, Upload.UPLOADING.value, Upload.PAUSED.value)
"""States of an upload whose calls are not all made: the next one of its audience waits."""

_STANDING = [column for column in upload_batches.c if column.name != "payload"]


def pack_payload(payload: Payload) -> bytes:
    """A payload as it is kept: digests only, compressed."""
    return zlib.compress(orjson.dumps({"schema": payload.schema, "data": payload.data}), 1)


def unpack_payload(body: bytes) -> Payload:
    """A payload that was kept."""
    content = orjson.loads(zlib.decompress(body))
    return Payload(tuple(content["schema"]), tuple(map(tuple, content["data"])))


async def insert_list_batch(tx: Transaction, workspace_id: str, list_id: str, seq: int, payload: Payload) -> None:
    """Keeps one prepared batch: digests only, compressed."""
    body = pack_payload(payload)
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


async def list_size(tx: Transaction, workspace_id: str, list_id: str) -> Row:
    """A list's batches: `n` of them, their `rows`, and the rows of the `largest`."""
    columns = (
        func.count().label("n"),
        func.coalesce(func.sum(list_batches.c.rows), 0).label("rows"),
        func.coalesce(func.max(list_batches.c.rows), 0).label("largest"),
    )
    query = select(*columns).where(list_batches.c.workspace_id == workspace_id, list_batches.c.list_id == list_id)
    row = await tx.fetch_one(query)
    assert row is not None
    return row


async def read_list_batch(tx: Transaction, workspace_id: str, list_id: str, seq: int) -> bytes | None:
    """One prepared batch of a list, packed; None behind the last."""
    query = select(list_batches.c.payload).where(
        list_batches.c.workspace_id == workspace_id, list_batches.c.list_id == list_id, list_batches.c.seq == seq
    )
    row = await tx.fetch_one(query)
    return row["payload"] if row else None


async def find_reader(tx: Transaction, workspace_id: str, list_id: str) -> Row | None:
    """An upload that has yet to read the list's rows, if any."""
    waiting = select(uploads).where(uploads.c.workspace_id == workspace_id, uploads.c.list_id == list_id)
    return await tx.fetch_one(waiting.where(uploads.c.planned_at.is_(None), uploads.c.state.in_(UNFINISHED)).limit(1))


async def next_number(tx: Transaction, workspace_id: str, audience_id: str) -> int:
    """The number of an audience's next upload. The audience's row must be locked."""
    highest = select(func.max(uploads.c.number).label("n"))
    row = await tx.fetch_one(highest.where(uploads.c.workspace_id == workspace_id, uploads.c.audience_id == audience_id))
    return int((row and row["n"]) or 0) + 1


async def find_earlier(tx: Transaction, upload: Row) -> Row | None:
    """An upload into the same audience that must end before this one begins, if any."""
    query = select(uploads).where(*_same_audience(upload), uploads.c.number < upload["number"], uploads.c.state.in_(UNFINISHED))
    return await tx.fetch_one(query.order_by(uploads.c.number).limit(1))


async def wake_later(tx: Transaction, upload: Row, at: int) -> None:
    """Makes due the uploads that waited for this one."""
    later = update(uploads).where(*_same_audience(upload), uploads.c.state == Upload.QUEUED.value)
    await tx.execute(later.where(uploads.c.number > upload["number"]).values(due_at=at))


def _same_audience(upload: Row) -> tuple[Any, ...]:
    return (uploads.c.workspace_id == upload["workspace_id"], uploads.c.audience_id == upload["audience_id"])


def _of(upload: Row) -> Any:
    return and_(upload_batches.c.workspace_id == upload["workspace_id"], upload_batches.c.upload_id == upload["id"])


async def insert_batch(tx: Transaction, upload: Row, batch: Mapping[str, Any]) -> None:
    """Keeps one batch of an upload, to be sent: `seq`, `act`, `session_id`, `session_seq`, `rows`, `bytes` and `payload`."""
    row = {"workspace_id": upload["workspace_id"], "upload_id": upload["id"], "state": Batch.QUEUED.value, **batch}
    await tx.execute(insert(upload_batches), row)


async def rewrite_batch(tx: Transaction, upload: Row, seq: int, **values: Any) -> None:
    """Changes what a batch holds that was never called."""
    mine = update(upload_batches).where(_of(upload), upload_batches.c.seq == seq)
    await tx.execute(mine.where(upload_batches.c.state == Batch.QUEUED.value).values(**values))


async def last_batch(tx: Transaction, upload: Row) -> Row | None:
    """The batch planned last, without its payload."""
    return await tx.fetch_one(select(*_STANDING).where(_of(upload)).order_by(upload_batches.c.seq.desc()).limit(1))


async def next_batch(tx: Transaction, upload: Row) -> Row | None:
    """The first batch that Meta has not acknowledged, without its payload."""
    query = select(*_STANDING).where(_of(upload), upload_batches.c.state != Batch.SENT.value)
    return await tx.fetch_one(query.order_by(upload_batches.c.seq).limit(1))


async def read_batches(tx: Transaction, workspace_id: str, upload_id: str) -> list[Row]:
    """The batches of an upload in order, without their payloads."""
    upload = {"workspace_id": workspace_id, "id": upload_id}
    return await tx.fetch_all(select(*_STANDING).where(_of(upload)).order_by(upload_batches.c.seq))


async def read_payload(tx: Transaction, upload: Row, seq: int) -> bytes:
    """The rows of one batch, packed. It must not be acknowledged yet."""
    row = await tx.fetch_one(select(upload_batches.c.payload).where(_of(upload), upload_batches.c.seq == seq))
    body = row["payload"] if row else None
    assert body is not None, "a batch is kept until Meta has acknowledged it"
    return bytes(body)


async def session_size(tx: Transaction, upload: Row, session_id: int) -> Row:
    """A session's `rows` and its `last` batch_seq."""
    columns = (func.sum(upload_batches.c.rows).label("rows"), func.max(upload_batches.c.session_seq).label("last"))
    row = await tx.fetch_one(select(*columns).where(_of(upload), upload_batches.c.session_id == session_id))
    assert row is not None
    return row


async def rows_before(tx: Transaction, upload: Row, batch: Row) -> int:
    """Rows of the batches that went before this one in its session."""
    mine = select(func.sum(upload_batches.c.rows).label("n")).where(_of(upload))
    earlier = mine.where(upload_batches.c.session_id == batch["session_id"], upload_batches.c.session_seq < batch["session_seq"])
    row = await tx.fetch_one(earlier)
    return int((row and row["n"]) or 0)


async def count_batches(tx: Transaction, upload: Row) -> Row:
    """An upload's batches: `n` of them and their `rows`."""
    columns = (func.count().label("n"), func.coalesce(func.sum(upload_batches.c.rows), 0).label("rows"))
    row = await tx.fetch_one(select(*columns).where(_of(upload)))
    assert row is not None
    return row


async def make_room(tx: Transaction, upload: Row, batch: Row) -> None:
    """Moves the batches behind this one by one place, in the upload and in its session."""
    seq, session_seq = upload_batches.c.seq, upload_batches.c.session_seq
    behind = update(upload_batches).where(_of(upload), seq > batch["seq"])
    await tx.execute(behind.where(upload_batches.c.session_id == batch["session_id"]).values(session_seq=session_seq + 1))
    await tx.execute(behind.values(seq=-seq - 1))  # by way of negative numbers: no two rows may ever share one
    await tx.execute(update(upload_batches).where(_of(upload), seq < 0).values(seq=-seq))


async def renew_session(tx: Transaction, upload: Row, batch: Row, session_id: int) -> None:
    """Moves a session's open batches into a new one, numbered from 1; of a replace session all of them."""
    mine = update(upload_batches).where(_of(upload), upload_batches.c.session_id == batch["session_id"])
    fresh = {"session_id": session_id, "state": Batch.QUEUED.value, "looks": 0, "reason": "", "sent_at": None}
    if batch["act"] == Act.REPLACE.value:
        await tx.execute(mine.values(**fresh))
        return
    started = batch["session_seq"] - 1
    left = mine.where(upload_batches.c.state != Batch.SENT.value)
    await tx.execute(left.values(session_seq=upload_batches.c.session_seq - started, **fresh))


async def drop_payloads(tx: Transaction, upload: Row) -> None:
    """Lets go of all digests of an upload that sends nothing any more."""
    await tx.execute(update(upload_batches).where(_of(upload)).values(payload=None))


async def next_kept(tx: Transaction, upload: Row) -> Row | None:
    """The first acknowledged batch whose digests are still here, as a replace session's are until its end."""
    kept = select(*_STANDING).where(_of(upload), upload_batches.c.payload.is_not(None))
    return await tx.fetch_one(kept.where(upload_batches.c.state == Batch.SENT.value).order_by(upload_batches.c.seq).limit(1))


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
