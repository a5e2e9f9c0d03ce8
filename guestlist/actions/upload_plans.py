"""Planning an upload: which rows of its list go into the audience, and which rows of the audience go out.

The list and the ledger are read piece by piece, so memory stays flat however long they are. Each step ends in one transaction
that keeps its batches together with how far planning is: a kill costs one step. Nothing is called before all is planned.

    mark ──► remove ──► add ──► uploading        sync
                        add ──► uploading        add, replace
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any

import orjson

from guestlist.domain.states import Upload
from guestlist.domain.uploads import IDENTIFIERS, Act, Mode, count_fitting, member_key, row_bytes
from guestlist.lists.base import Payload
from guestlist.storage import members, rows, tables
from guestlist.storage import uploads as upload_rows
from guestlist.storage.base import Row, Transaction
from guestlist.storage.members import Book

from .base import Services

PIECE = 1000
"""Rows of the ledger that one statement asks for or changes."""

SHORT = 16
"""Bytes of a digest that tell a removed e-mail or phone from all others."""

Cells = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far planning is: the next batch of the list, or the key of the ledger behind which to go on."""

    phase: str  # mark | remove | add
    seq: int = 1
    key: str = ""  # hex
    removals: int = 0  # the session of the removals
    before: int = 0  # batches of removals, which go first

    @staticmethod
    def of(upload: Row) -> Cursor:
        """Where an upload's planning stands; a new one begins."""
        kept = orjson.loads(upload["plan"])
        return Cursor(**kept) if kept else Cursor("mark" if upload["mode"] == Mode.SYNC else "add")

    def as_text(self) -> str:
        """The form that is kept."""
        return orjson.dumps(asdict(self)).decode()


@dataclass(frozen=True, slots=True)
class Forecast:
    """What an upload would send, as far as the ledger tells now."""

    added: int
    removed: int
    unchanged: int
    batches: int


async def plan_next(services: Services, upload: Row) -> None:
    """One step of planning. A step of another owner that came first makes this one void."""
    cursor = Cursor.of(upload)
    if cursor.phase == "mark":
        await _mark(services, upload, cursor)
    elif cursor.phase == "remove":
        await _plan_removals(services, upload, cursor)
    else:
        await _plan_additions(services, upload, cursor)


def book_of(upload: Row) -> Book:
    """The ledger of the upload's audience."""
    return Book(upload["workspace_id"], upload["audience_id"], upload["number"])


def identifiers_of(payload: Payload) -> list[tuple[str, str]]:
    """E-mail and phone digest of each row, "" where it has none."""
    places = [payload.schema.index(key) if key in payload.schema else None for key in IDENTIFIERS]
    email, phone = places
    return [("" if email is None else row[email], "" if phone is None else row[phone]) for row in payload.data]


def in_pieces(items: Sequence[Any], size: int = PIECE) -> Iterator[Sequence[Any]]:
    """The items, so many at a time."""
    return (items[start : start + size] for start in range(0, len(items), size))


async def _read_list(services: Services, upload: Row, seq: int) -> Payload | None:
    workspace_id, list_id = upload["workspace_id"], upload["list_id"]
    body = await services.db.read(lambda tx: upload_rows.read_list_batch(tx, workspace_id, list_id, seq))
    return None if body is None else await asyncio.to_thread(upload_rows.unpack_payload, body)


async def _move_on(tx: Transaction, upload: Row, cursor: Cursor, **values: Any) -> bool:
    """Keeps how far planning is, unless somebody else moved on meanwhile; whether it did."""
    guard = {"state": Upload.QUEUED.value, "plan": upload["plan"]}
    return await rows.change_if(tx, tables.uploads, upload, guard, plan=cursor.as_text(), **values)


async def _mark(services: Services, upload: Row, cursor: Cursor) -> None:
    """Notes in the ledger which of its rows the list holds: those left over are to go."""
    payload = await _read_list(services, upload, cursor.seq)
    if payload is None:
        removals = replace(cursor, phase="remove", removals=services.ids.integer63())
        await services.db.write(lambda tx: _move_on(tx, upload, removals))
        return
    book, keys = book_of(upload), await asyncio.to_thread(_keys_of, payload)
    for piece in in_pieces(keys):
        await services.db.write(lambda tx, piece=piece: members.hold(tx, book, piece))  # type: ignore[misc]
    await services.db.write(lambda tx: _move_on(tx, upload, replace(cursor, seq=cursor.seq + 1)))


def _keys_of(payload: Payload) -> list[bytes]:
    return [member_key(*pair) for pair in identifiers_of(payload)]


async def _plan_removals(services: Services, upload: Row, cursor: Cursor) -> None:
    """One batch of rows that the audience has and the list has no longer. They go first.

    Meta removes people, not rows: somebody who stays under another row of the list may be taken out with the one that goes.
    So the rows that stay and share an identifier with it are sent again afterwards: its identifiers are noted.
    """
    book, after = book_of(upload), bytes.fromhex(cursor.key)
    gone = await services.db.read(lambda tx: members.gone_rows(tx, book, after=after, limit=upload["most_rows"]))
    if not gone:
        await services.db.write(lambda tx: _move_on(tx, upload, replace(cursor, phase="add", seq=1)))
        return
    digests = [digest[:SHORT] for row in gone for digest in (row["email"], row["phone"]) if digest is not None]
    for piece in in_pieces(digests):
        await services.db.write(lambda tx, piece=piece: members.note_removed(tx, upload, piece))  # type: ignore[misc]
    payload = Payload(IDENTIFIERS, tuple((_hex(row["email"]), _hex(row["phone"])) for row in gone))
    batch = await asyncio.to_thread(_build_batch, payload, Act.REMOVE)
    number = cursor.before + 1
    batch |= {"seq": number, "session_id": cursor.removals, "session_seq": number}
    moved = replace(cursor, key=bytes(gone[-1]["key"]).hex(), before=number)

    async def unit(tx: Transaction) -> None:
        if await _move_on(tx, upload, moved, removed=upload["removed"] + len(gone)):
            await upload_rows.insert_batch(tx, upload, batch)

    await services.db.write(unit)


def _hex(digest: bytes | None) -> str:
    return digest.hex() if digest else ""


def _build_batch(payload: Payload, act: Act) -> dict[str, Any]:
    return {
        "act": act.value,
        "rows": len(payload.data),
        "bytes": sum(map(row_bytes, payload.data)),
        "payload": upload_rows.pack_payload(payload),
    }


async def _plan_additions(services: Services, upload: Row, cursor: Cursor) -> None:
    """The rows of one batch of the list that the audience does not have: they fill up the batch planned last, then new ones."""
    payload = await _read_list(services, upload, cursor.seq)
    if payload is None:
        workspace_id, upload_id = upload["workspace_id"], upload["id"]
        if not await services.db.write(lambda tx: members.forget_removed(tx, workspace_id, upload_id, PIECE)):
            await services.db.write(lambda tx: _finish(tx, services, upload))
        return
    fresh = await _choose(services, upload, cursor, payload)
    act = Act.REPLACE if upload["mode"] == Mode.REPLACE else Act.ADD
    last = await services.db.read(lambda tx: upload_rows.last_batch(tx, upload))
    filled = await _fill(services, upload, last, payload.schema, fresh, act)
    cut = await asyncio.to_thread(lambda: list(_cut(payload.schema, fresh[filled.taken :], upload["most_rows"], act)))
    first = (last["seq"] if last else 0) + 1
    counts = {"added": upload["added"] + len(fresh), "unchanged": upload["unchanged"] + len(payload.data) - len(fresh)}

    async def unit(tx: Transaction) -> None:
        if not await _move_on(tx, upload, replace(cursor, seq=cursor.seq + 1), **counts):
            return
        if last is not None and filled.taken:
            await upload_rows.rewrite_batch(tx, upload, last["seq"], **filled.batch)
        for seq, batch in enumerate(cut, first):
            placed = {"seq": seq, "session_id": upload["session_id"], "session_seq": seq - cursor.before}
            await upload_rows.insert_batch(tx, upload, batch | placed)

    await services.db.write(unit)


async def _choose(services: Services, upload: Row, cursor: Cursor, payload: Payload) -> list[Cells]:
    """The rows to send. Those the audience has stay out, but not where a removal may take their person out."""
    if upload["mode"] == Mode.REPLACE or upload["full"]:
        return list(payload.data)
    book, keys = book_of(upload), await asyncio.to_thread(_keys_of, payload)
    known = set[bytes]()
    for piece in in_pieces(keys):
        known |= await services.db.read(lambda tx, piece=piece: members.known_keys(tx, book, piece))  # type: ignore[misc]
    if cursor.before and known:
        unsure = [key for key in await _sharing(services, upload, payload, keys) if key in known]
        for piece in in_pieces(unsure):  # from here on the ledger is not sure of them, even if the upload is given up
            await services.db.write(lambda tx, piece=piece: members.remove(tx, book, piece))  # type: ignore[misc]
        known.difference_update(unsure)
    return [row for row, key in zip(payload.data, keys, strict=True) if key not in known]


async def _sharing(services: Services, upload: Row, payload: Payload, keys: Sequence[bytes]) -> list[bytes]:
    """Keys of the rows that share an e-mail or phone with one that is removed."""
    pairs = [tuple(bytes.fromhex(digest)[:SHORT] for digest in pair if digest) for pair in identifiers_of(payload)]
    removed = set[bytes]()
    for piece in in_pieces(list({digest for pair in pairs for digest in pair})):
        removed |= await services.db.read(lambda tx, piece=piece: members.find_removed(tx, upload, piece))  # type: ignore[misc]
    return [key for key, pair in zip(keys, pairs, strict=True) if not removed.isdisjoint(pair)]


@dataclass(frozen=True, slots=True)
class _Filled:
    """How many rows went into the batch planned last, and what it holds now."""

    taken: int
    batch: dict[str, Any]


async def _fill(
    services: Services, upload: Row, last: Row | None, schema: tuple[str, ...], fresh: Sequence[Cells], act: Act
) -> _Filled:
    if last is None or last["act"] != act.value or not fresh or last["rows"] >= upload["most_rows"]:
        return _Filled(0, {})
    room = fresh[: upload["most_rows"] - last["rows"]]
    taken = count_fitting([row_bytes(row) for row in room], taken=last["bytes"])
    if not taken:
        return _Filled(0, {})
    body = await services.db.read(lambda tx: upload_rows.read_payload(tx, upload, last["seq"]))

    def extend() -> _Filled:
        kept = upload_rows.unpack_payload(body)
        return _Filled(taken, _build_batch(Payload(schema, (*kept.data, *room[:taken])), act))

    return await asyncio.to_thread(extend)


def _cut(schema: tuple[str, ...], data: Sequence[Cells], most_rows: int, act: Act) -> Iterator[dict[str, Any]]:
    """The rows in batches within both limits, that of rows and that of bytes."""
    left = iter(data)
    waiting: list[Cells] = []
    while True:
        waiting += islice(left, most_rows - len(waiting))
        if not waiting:
            return
        fits = count_fitting([row_bytes(row) for row in waiting])
        yield _build_batch(Payload(schema, tuple(waiting[:fits])), act)
        waiting = waiting[fits:]


async def _finish(tx: Transaction, services: Services, upload: Row) -> None:
    """All batches are durable and numbered: calls may begin."""
    size = await upload_rows.count_batches(tx, upload)
    planned = {"planned_at": services.now_ms(), "rows": size["rows"], "batches": size["n"]}
    guard = {"state": Upload.QUEUED.value, "plan": upload["plan"]}
    if await rows.change_if(tx, tables.uploads, upload, guard, state=Upload.UPLOADING.value, reason="", **planned):
        counts = {name: upload[name] for name in ("added", "removed", "unchanged")}
        await services.emit(tx, upload["workspace_id"], "upload.planned", upload["id"], **counts)


async def forecast_upload(services: Services, upload: Row) -> Forecast:
    """What an upload would send if it were planned now; for dry runs. Nothing is kept."""
    book, workspace_id, list_id = book_of(upload), upload["workspace_id"], upload["list_id"]
    size = await services.db.read(lambda tx: upload_rows.list_size(tx, workspace_id, list_id))
    held = await services.db.read(lambda tx: members.count_members(tx, workspace_id, upload["audience_id"]))
    found = 0
    for seq in range(1, size["n"] + 1):
        payload = await _read_list(services, upload, seq)
        for piece in in_pieces(_keys_of(payload) if payload else []):
            known = await services.db.read(lambda tx, piece=piece: members.known_keys(tx, book, piece))  # type: ignore[misc]
            found += sum(key in known for key in piece)
    sends_all = upload["full"] or upload["mode"] == Mode.REPLACE
    added = size["rows"] if sends_all else size["rows"] - found
    removed = 0 if upload["mode"] == Mode.ADD else max(0, held - found)
    calls = (removed if upload["mode"] == Mode.SYNC else 0, added)
    batches = sum(-(-rows_of // upload["most_rows"]) for rows_of in calls)
    return Forecast(added, removed, size["rows"] - added, batches)
