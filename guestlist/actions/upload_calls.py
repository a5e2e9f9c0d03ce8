"""The calls of a planned upload: one batch after the other, each acknowledged, looked up, halved or moved to a new session.

    queued ──► sending ──► sent                 acknowledged: its rows stand in the ledger, its digests are dropped
                  │
                  └─ no answer ──► unknown ──► found in the session: sent; looked up twice in vain: queued, or halved

A replace session counts as a whole: its digests stay until its last batch is acknowledged, for it may have to begin anew.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from guestlist.domain.audiences import BROKEN
from guestlist.domain.policy import backoff
from guestlist.domain.states import Batch, Upload
from guestlist.domain.uploads import (
    MOST_RESTARTS,
    REPLACE_LASTS,
    Act,
    Mode,
    ReplaceClock,
    decide_pause,
    decide_replace,
    member_key,
    row_bytes,
)
from guestlist.graph.base import Applied, ErrorClass, GraphError, Session, TooMuchDataError, UploadAnswer
from guestlist.lists.base import Payload
from guestlist.storage import members, rows, tables
from guestlist.storage import uploads as upload_rows
from guestlist.storage.base import Row, Transaction
from guestlist.storage.instants import from_ms, to_ms

from .base import Services
from .pages import mark_dead
from .upload_plans import PIECE, book_of, identifiers_of, in_pieces

LOOK_UP_AFTER = timedelta(seconds=5)
"""How long Meta gets to count a batch whose answer was lost, before each of two looks."""

LOOKS = 2
"""How often a batch is looked for in vain before it is called again."""

UPDATING = frozenset({414, 441, 442})
"""Meta's operation codes of an audience that is being worked on: a replace session must not begin."""

REPLACE_FAILED = 415
"""Meta's operation code of an audience whose last replace session did not end: another one mends that."""

FINISHED = 1870159
"""The session is finished already."""

SESSION_OVER = frozenset({1870147, 1870148, 1870158, FINISHED})
"""Error numbers that mean: this session takes no more batches, begin a new one (fact page 1.4)."""


async def send_next(services: Services, page: Row, audience: Row, upload: Row, fence: int) -> bool:
    """One step on the first batch that is not acknowledged. False when all are, and nothing is left to do."""
    batch = await services.db.read(lambda tx: upload_rows.next_batch(tx, upload))
    if batch is None:
        return upload["mode"] == Mode.REPLACE and await _enter_replaced(services, upload)
    if batch["state"] == Batch.SENDING.value:  # one step at a time: its call never came back
        await _settle_lost(services, upload, batch, while_state=Batch.SENDING)
    elif batch["state"] == Batch.UNKNOWN.value:
        return await _look_up(services, page, audience, upload, batch)
    elif batch["rows"] > upload["most_rows"]:
        await _halve(services, upload, batch)
    elif await _may_call(services, page, audience, upload, batch):
        return await _call(services, page, audience, upload, batch, fence)
    return True


# -- before a call --------------------------------------------------------------------------------------------------


async def _may_call(services: Services, page: Row, audience: Row, upload: Row, batch: Row) -> bool:
    """Whether the batch may go now; where not, the upload says why and until when."""
    now = services.clock.now()
    regain = services.graph.regain(page["ad_account_id"])
    if regain > 0:
        await set_upload(services, upload, reason="throttled", due_at=to_ms(now + timedelta(seconds=regain)))
        return False
    if batch["act"] != Act.REPLACE.value:
        return True
    if batch["session_seq"] == 1:
        return await _is_settled(services, page, audience, upload)
    started = from_ms(upload["session_started_at"])
    clock = decide_replace(now - started, upload["batches_sent"], upload["batches"] - upload["batches_sent"])
    if clock is ReplaceClock.RUNNING:
        return True
    if clock is ReplaceClock.OVER:
        await _renew(services, upload, batch, "replace_expired")
    else:  # Meta lets no other session begin before it has given up this one
        await set_upload(services, upload, reason="replace_too_slow", due_at=to_ms(started + REPLACE_LASTS))
    return False


async def _is_settled(services: Services, page: Row, audience: Row, upload: Row) -> bool:
    """Whether Meta has worked through what came before, as a replace session asks for."""
    if upload["number"] == 1 and audience["origin"] == "created" and not upload["restarts"]:
        return True  # nothing came before
    try:
        info = await services.ads_graph(page).read_audience(audience["meta_id"])
    except GraphError as error:
        await note_unread(services, page, upload, error)
        return False
    if info.operation_code in BROKEN - {REPLACE_FAILED}:
        await pause(services, upload, f"audience_{info.operation_code}")
        return False
    if info.operation_code in UPDATING:
        await set_upload(services, upload, reason="audience_busy", due_at=to_ms(services.clock.now() + services.pace.upload_poll))
        return False
    return True


# -- the call -------------------------------------------------------------------------------------------------------


async def _call(services: Services, page: Row, audience: Row, upload: Row, batch: Row, fence: int) -> bool:
    """Claims the batch and makes its call; whether something is left to do."""
    waiting, now = batch, services.now_ms()
    batch = {**batch, "state": Batch.SENDING.value, "fence": fence, "attempts": batch["attempts"] + 1}

    async def claim(tx: Transaction) -> Row | None:
        claimed = {"fence": fence, "attempts": batch["attempts"]}
        if not await upload_rows.change_batch(tx, waiting, Batch.SENDING, while_state=Batch.QUEUED, **claimed):
            return None
        if batch["session_seq"] == 1 and batch["act"] == Act.REPLACE.value:
            await rows.change(tx, tables.uploads, upload["workspace_id"], upload["id"], session_started_at=now)
        return await upload_rows.session_size(tx, upload, batch["session_id"])

    size = await services.db.write(claim)
    if size is None:
        return True
    payload = await _read_payload(services, upload, batch)
    session = Session(batch["session_id"], batch["session_seq"], batch["session_seq"] == size["last"], int(size["rows"]))
    graph = services.ads_graph(page)
    call = {Act.ADD: graph.add_users, Act.REMOVE: graph.remove_users, Act.REPLACE: graph.replace_users}[Act(batch["act"])]
    try:
        answer = await call(audience["meta_id"], schema=payload.schema, data=payload.data, session=session)
    except GraphError as error:
        if error.number == FINISHED and session.last and batch["looks"]:  # it had arrived, and its count came late
            return await _note_sent(services, page, upload, batch, payload, answer=None)
        await _note_failure(services, page, upload, batch, error)
        return True
    return await _note_sent(services, page, upload, batch, payload, answer=answer)


async def _read_payload(services: Services, upload: Row, batch: Row) -> Payload:
    body = await services.db.read(lambda tx: upload_rows.read_payload(tx, upload, batch["seq"]))
    return await asyncio.to_thread(upload_rows.unpack_payload, body)


async def _note_sent(
    services: Services, page: Row, upload: Row, batch: Row, payload: Payload, *, answer: UploadAnswer | None
) -> bool:
    """The batch is at Meta: first its rows in the ledger, piece by piece, then its mark. A kill in between looks it up again.

    `answer` is None where that was learned by looking the session up. Gives whether something is left to do.
    """
    if batch["act"] != Act.REPLACE.value:
        await _enter(services, upload, payload, Act(batch["act"]))
    now = services.clock.now()
    graph = services.graph
    seconds, reason = decide_pause(graph.usage(page["ad_account_id"]), graph.regain(page["ad_account_id"]))
    kept = {} if batch["act"] == Act.REPLACE.value else {"payload": None}

    async def unit(tx: Transaction) -> bool:
        state = Batch(batch["state"])
        if not await upload_rows.change_batch(tx, batch, Batch.SENT, while_state=state, sent_at=to_ms(now), reason="", **kept):
            return True
        upload_now = await rows.get(tx, tables.uploads, upload["workspace_id"], upload["id"], lock=True)
        values: dict[str, Any] = {
            "rows_sent": upload_now["rows_sent"] + batch["rows"],
            "batches_sent": upload_now["batches_sent"] + 1,
            "reason": reason,
            "attempts": 0,
            "due_at": to_ms(now + timedelta(seconds=seconds)),
        }
        if answer:
            values["rows_invalid"] = upload_now["rows_invalid"] + answer.invalid
        await rows.change(tx, tables.uploads, upload["workspace_id"], upload["id"], **values)
        return bool(values["batches_sent"] < upload_now["batches"]) or batch["act"] == Act.REPLACE.value

    return await services.db.write(unit)


async def _enter(services: Services, upload: Row, payload: Payload, act: Act) -> None:
    """Brings the ledger up to what Meta acknowledged. Doing it twice changes nothing."""
    book = book_of(upload)
    for piece in in_pieces(identifiers_of(payload)):
        if act is Act.REMOVE:
            keys = [member_key(*pair) for pair in piece]
            await services.db.write(lambda tx, keys=keys: members.remove(tx, book, keys))  # type: ignore[misc]
        else:
            await services.db.write(lambda tx, piece=piece: members.add(tx, book, piece))  # type: ignore[misc]


async def _enter_replaced(services: Services, upload: Row) -> bool:
    """One step after the last batch of a replace session: its rows take the place of all others in the ledger too."""
    batch = await services.db.read(lambda tx: upload_rows.next_kept(tx, upload))
    if batch is not None:
        await _enter(services, upload, await _read_payload(services, upload, batch), Act.REPLACE)
        await services.db.write(lambda tx: upload_rows.change_batch(tx, batch, Batch.SENT, while_state=Batch.SENT, payload=None))
        return True
    book = book_of(upload)

    async def unit(tx: Transaction) -> bool:
        gone = await members.gone_rows(tx, book, after=b"", limit=PIECE)
        await members.remove(tx, book, [row["key"] for row in gone])
        upload_now = await rows.get(tx, tables.uploads, upload["workspace_id"], upload["id"], lock=True)
        removed = upload_now["removed"] + len(gone)
        await rows.change(tx, tables.uploads, upload["workspace_id"], upload["id"], removed=removed)
        return bool(gone)

    return await services.db.write(unit)


# -- what a failed call means ---------------------------------------------------------------------------------------


async def _note_failure(services: Services, page: Row, upload: Row, batch: Row, error: GraphError) -> None:
    too_much = isinstance(error, TooMuchDataError)
    if error.applied is Applied.UNKNOWN:
        reason = "too_much_data" if too_much else "answer_lost"
        await _settle_lost(services, upload, batch, while_state=Batch.SENDING, reason=reason)
    elif error.number in SESSION_OVER:
        await _renew(services, upload, batch, error.reason)
    elif too_much and batch["rows"] > 1:
        await _put_back(services, upload, batch, reason="too_much_data", due_at=services.now_ms(), most_rows=batch["rows"] // 2)
    else:
        await _refused(services, page, upload, batch, error)


async def _refused(services: Services, page: Row, upload: Row, batch: Row, error: GraphError) -> None:
    """Meta took nothing: again later, after a reconnect, or when a person has acted."""
    now = services.clock.now()
    if error.kind is ErrorClass.RECONNECT:
        await _put_back(services, upload, batch, reason=error.reason, due_at=to_ms(now))
        await mark_dead(services, page, error.sentence)
    elif error.kind in (ErrorClass.RETRY, ErrorClass.WAIT):
        wait = timedelta(seconds=error.retry_after) if error.retry_after else backoff(batch["attempts"])
        await _put_back(services, upload, batch, reason=error.reason, due_at=to_ms(now + wait))
    else:
        await _put_back(services, upload, batch, reason=error.reason, due_at=None)
        await pause(services, upload, error.sentence, word=error.reason)


async def _put_back(services: Services, upload: Row, batch: Row, *, reason: str, **values: Any) -> None:
    async def unit(tx: Transaction) -> None:
        if await upload_rows.change_batch(tx, batch, Batch.QUEUED, while_state=Batch.SENDING, reason=reason):
            await rows.change(tx, tables.uploads, upload["workspace_id"], upload["id"], reason=reason, **values)

    await services.db.write(unit)


async def _settle_lost(services: Services, upload: Row, batch: Row, *, while_state: Batch, reason: str = "answer_lost") -> None:
    """The answer was lost: the batch is in doubt until its session is looked up."""
    at = to_ms(services.clock.now() + LOOK_UP_AFTER)

    async def unit(tx: Transaction) -> None:
        if await upload_rows.change_batch(tx, batch, Batch.UNKNOWN, while_state=while_state, looks=0, reason=reason):
            await rows.change(tx, tables.uploads, upload["workspace_id"], upload["id"], reason=reason, due_at=at)

    await services.db.write(unit)


async def _look_up(services: Services, page: Row, audience: Row, upload: Row, batch: Row) -> bool:
    """Asks Meta how many rows of the session it has: batches go one at a time, so the sum tells whether this one arrived.

    Gives whether something is left to do.
    """
    before = await services.db.read(lambda tx: upload_rows.rows_before(tx, upload, batch))
    try:
        sessions = await services.ads_graph(page).read_sessions(audience["meta_id"])
    except GraphError as error:
        await note_unread(services, page, upload, error)
        return True
    received = sum(session.received for session in sessions if session.session_id == str(batch["session_id"]))
    if received >= before + batch["rows"]:
        return await _note_sent(services, page, upload, batch, await _read_payload(services, upload, batch), answer=None)
    looks = batch["looks"] + 1
    again = looks < LOOKS  # Meta's count may lag: a second look before anything is repeated
    state = Batch.UNKNOWN if again else Batch.QUEUED
    at = to_ms(services.clock.now() + (LOOK_UP_AFTER if again else timedelta()))
    smaller = {} if again or batch["reason"] != "too_much_data" else {"most_rows": max(1, batch["rows"] // 2)}

    async def unit(tx: Transaction) -> None:
        if await upload_rows.change_batch(tx, batch, state, while_state=Batch.UNKNOWN, looks=looks):
            await rows.change(tx, tables.uploads, upload["workspace_id"], upload["id"], due_at=at, **smaller)

    await services.db.write(unit)
    return True


async def _halve(services: Services, upload: Row, batch: Row) -> None:
    """Cuts a batch that is too large in two, and moves those behind it by one place. The session's rows stay the same."""
    payload = await _read_payload(services, upload, batch)
    middle = (len(payload.data) + 1) // 2
    halves = [Payload(payload.schema, payload.data[:middle]), Payload(payload.schema, payload.data[middle:])]
    first, second = [
        {"rows": len(half.data), "bytes": sum(map(row_bytes, half.data)), "payload": upload_rows.pack_payload(half)}
        for half in halves
    ]
    place = {"act": batch["act"], "seq": batch["seq"] + 1, "session_seq": batch["session_seq"] + 1}

    async def unit(tx: Transaction) -> None:
        if not await upload_rows.change_batch(tx, batch, Batch.QUEUED, while_state=Batch.QUEUED, looks=0, **first):
            return
        await upload_rows.make_room(tx, upload, batch)
        await upload_rows.insert_batch(tx, upload, {**second, **place, "session_id": batch["session_id"]})
        await rows.change(
            tx, tables.uploads, upload["workspace_id"], upload["id"], batches=upload["batches"] + 1, due_at=services.now_ms()
        )

    await services.db.write(unit)


async def _renew(services: Services, upload: Row, batch: Row, reason: str) -> None:
    """The session takes no more batches: those that count for nothing yet go into a new one."""
    workspace_id, upload_id = upload["workspace_id"], upload["id"]
    session_id, restarts = services.ids.integer63(), upload["restarts"] + 1
    values: dict[str, Any] = {"restarts": restarts, "reason": reason, "due_at": services.now_ms(), "session_started_at": None}
    if batch["act"] == Act.REPLACE.value:
        values |= {"rows_sent": 0, "batches_sent": 0, "rows_invalid": 0}
    if batch["act"] != Act.REMOVE.value:
        values["session_id"] = session_id

    async def unit(tx: Transaction) -> None:
        standing = await upload_rows.next_batch(tx, upload)
        if standing is None or standing["session_id"] != batch["session_id"]:
            return
        await upload_rows.renew_session(tx, upload, batch, session_id)
        await rows.change(tx, tables.uploads, workspace_id, upload_id, **values)
        await services.emit(tx, workspace_id, "upload.restarted", upload_id, reason=reason, restarts=restarts)

    await services.db.write(unit)
    if restarts > MOST_RESTARTS:
        await pause(services, upload, f"{reason}: {restarts} sessions were begun in vain")


# -- the upload itself ----------------------------------------------------------------------------------------------


async def note_unread(services: Services, page: Row, upload: Row, error: GraphError) -> None:
    """Meta could not be asked: later again, or after a reconnect."""
    if error.kind is ErrorClass.RECONNECT:
        await mark_dead(services, page, error.sentence)
    wait = timedelta(seconds=error.retry_after) if error.retry_after else backoff(upload["attempts"])
    later = to_ms(services.clock.now() + wait)
    await set_upload(services, upload, reason=error.reason, attempts=upload["attempts"] + 1, due_at=later)


async def pause(services: Services, upload: Row, reason: str, *, word: str = "") -> None:
    """Stops the upload until a person has acted and resumes it."""

    async def unit(tx: Transaction) -> None:
        stopped = {"state": Upload.PAUSED.value, "reason": reason, "due_at": None}
        if await rows.change_if(tx, tables.uploads, upload, {"state": upload["state"]}, **stopped):
            await services.emit(tx, upload["workspace_id"], "upload.paused", upload["id"], reason=word or reason)

    await services.db.write(unit)


async def set_upload(services: Services, upload: Row, **values: Any) -> None:
    """Changes the upload, only while nobody moved it on."""

    async def unit(tx: Transaction) -> None:
        await rows.change_if(tx, tables.uploads, upload, {"state": upload["state"]}, **values)

    await services.db.write(unit)
