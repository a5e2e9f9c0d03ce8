"""Uploads: one session of batches into one audience. Batches are durable and numbered before the first call."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from guestlist.domain.audiences import AT_WORK, BROKEN
from guestlist.domain.consent import Attestation
from guestlist.domain.policy import backoff, is_hidden
from guestlist.domain.states import Audience, Batch, Upload
from guestlist.errors import RefusedError
from guestlist.graph.base import Applied, AudienceInfo, ErrorClass, GraphError, Session, UploadAnswer
from guestlist.storage import rows, tables
from guestlist.storage import uploads as upload_rows
from guestlist.storage.base import Row, Transaction
from guestlist.storage.instants import to_ms

from . import audiences
from .base import Services
from .pages import mark_dead

LOOK_UP_AFTER = timedelta(seconds=5)
"""How long Meta gets to count a batch whose answer was lost, before each of two looks."""

BATCH_FAILED = "batch_"
"""How the reason of an upload begins of which Meta could not take a batch. It stays until the end."""


async def start_upload(services: Services, workspace_id: str, *, audience_id: str, list_id: str, attestation: Attestation) -> Row:
    """The upload, durable with its batches and its attestation; the ad account's lane does the rest."""
    now = services.now_ms()

    async def unit(tx: Transaction) -> tuple[Row, Row]:
        audience = await rows.get(tx, tables.audiences, workspace_id, audience_id, lock=True)
        customer_list = await rows.get(tx, tables.lists, workspace_id, list_id)
        _check_ready(audience, customer_list)
        upload_id = services.ids.new("upl")
        batches, total = await upload_rows.plan_batches(tx, workspace_id, upload_id, list_id)
        row = {
            "workspace_id": workspace_id,
            "id": upload_id,
            "audience_id": audience_id,
            "list_id": list_id,
            "session_id": services.ids.integer63(),
            "state": Upload.QUEUED.value,
            "rows": total,
            "batches": batches,
            "due_at": now,
            "created_at": now,
        }
        await rows.insert(tx, tables.uploads, row)
        await _try_again(tx, services, audience)
        proof = {"upload": upload_id, "list": list_id, "file_sha256": customer_list["sha256"], "rows": total}
        await audiences.attest(tx, services, workspace_id, audience_id, attestation, proof)
        await services.emit(tx, workspace_id, "upload.started", upload_id, rows=total)
        page = await rows.get(tx, tables.pages, workspace_id, audience["page_id"])
        return await rows.get(tx, tables.uploads, workspace_id, upload_id), page

    upload, page = await services.db.write(unit)
    await services.wake(f"ads:{workspace_id}:{page['ad_account_id']}")
    return upload


def _check_ready(audience: Row, customer_list: Row) -> None:
    if audience["state"] in (Audience.DELETED.value, Audience.FAILED.value):
        raise RefusedError(
            f"Audience {audience['id']} is {audience['state']}.", code="audience_closed", remedy="Create another one."
        )
    if customer_list["state"] != "ready":
        raise RefusedError(f"List {customer_list['id']} is not ready.", code="list_not_ready", remedy="Import the file again.")


async def _try_again(tx: Transaction, services: Services, audience: Row) -> None:
    """An audience that waited for a person is created anew when the person acts."""
    if audience["state"] == Audience.PAUSED.value:
        again = {"state": Audience.QUEUED.value, "reason": "", "due_at": services.now_ms()}
        await rows.change(tx, tables.audiences, audience["workspace_id"], audience["id"], **again)


async def advance_upload(services: Services, page: Row, upload: Row, fence: int) -> None:
    """One step of an upload that is due: send the next batch, settle one in doubt, or ask how far matching is."""
    audience = await services.find_row(tables.audiences, upload["workspace_id"], upload["audience_id"])
    if audience["state"] != Audience.READY.value:
        await _wait_for_audience(services, upload, audience)
    elif upload["state"] in (Upload.QUEUED.value, Upload.UPLOADING.value):
        await _send_next(services, page, audience, upload, fence)
    elif upload["state"] == Upload.MATCHING.value:
        await _poll(services, page, audience, upload)


async def _wait_for_audience(services: Services, upload: Row, audience: Row) -> None:
    if audience["state"] in (Audience.PAUSED.value, Audience.FAILED.value, Audience.DELETED.value):
        await _set(services, upload, state=Upload.PAUSED.value, reason=f"audience_{audience['state']}", due_at=None)
    else:
        await _set(services, upload, reason="waiting_for_audience", due_at=to_ms(services.clock.now() + timedelta(seconds=1)))


async def _send_next(services: Services, page: Row, audience: Row, upload: Row, fence: int) -> None:
    workspace_id, upload_id = upload["workspace_id"], upload["id"]
    batches = await services.db.read(lambda tx: upload_rows.read_batches(tx, workspace_id, upload_id))
    waiting = next((batch for batch in batches if batch["state"] != Batch.SENT.value), None)
    if waiting is None:
        await _all_sent(services, upload)
    elif waiting["state"] == Batch.SENDING.value:  # one step at a time: its call never came back
        await _settle_lost(services, upload, waiting, while_state=Batch.SENDING)
    elif waiting["state"] == Batch.UNKNOWN.value:
        await _look_up(services, page, audience, upload, batches, waiting)
    elif waiting["state"] == Batch.QUEUED.value:
        await _send(services, page, audience, upload, waiting, fence)


async def _send(services: Services, page: Row, audience: Row, upload: Row, batch: Row, fence: int) -> None:
    batch = {**batch, "fence": fence, "attempts": batch["attempts"] + 1}

    async def claim(tx: Transaction) -> bool:
        held = await upload_rows.change_batch(
            tx, batch, Batch.SENDING, while_state=Batch.QUEUED, fence=fence, attempts=batch["attempts"]
        )
        if held:
            await rows.change(tx, tables.uploads, upload["workspace_id"], upload["id"], state=Upload.UPLOADING.value)
        return held

    if not await services.db.write(claim):
        return
    payload = await services.db.read(
        lambda tx: upload_rows.read_payload(tx, upload["workspace_id"], upload["list_id"], batch["seq"])
    )
    session = Session(upload["session_id"], batch["seq"], batch["seq"] == upload["batches"], upload["rows"])
    try:
        answer = await services.ads_graph(page).add_users(
            audience["meta_id"], schema=payload.schema, data=payload.data, session=session
        )
    except GraphError as error:
        await _note_failure(services, page, upload, batch, error)
        return
    await _note_sent(services, upload, batch, answer=answer)


async def _note_sent(services: Services, upload: Row, batch: Row, *, answer: UploadAnswer | None) -> None:
    """The batch is at Meta. `answer` is None where that was learned by looking the session up."""
    now = services.now_ms()
    state = Batch.SENDING if answer else Batch.UNKNOWN

    async def unit(tx: Transaction) -> None:
        if not await upload_rows.change_batch(tx, batch, Batch.SENT, while_state=state, sent_at=now, reason=""):
            return
        upload_now = await rows.get(tx, tables.uploads, upload["workspace_id"], upload["id"], lock=True)
        values: dict[str, Any] = {
            "rows_sent": upload_now["rows_sent"] + batch["rows"],
            "batches_sent": upload_now["batches_sent"] + 1,
            "reason": "",
            "attempts": 0,
            "due_at": now,
        }
        if answer:
            values["rows_invalid"] = upload_now["rows_invalid"] + answer.invalid
        await rows.change(tx, tables.uploads, upload["workspace_id"], upload["id"], **values)

    await services.db.write(unit)


async def _note_failure(services: Services, page: Row, upload: Row, batch: Row, error: GraphError) -> None:
    now = services.clock.now()
    if error.applied is Applied.UNKNOWN:
        await _settle_lost(services, upload, batch, while_state=Batch.SENDING)
        return
    passing = error.kind in (ErrorClass.RETRY, ErrorClass.WAIT)
    again = now + timedelta(seconds=error.retry_after) if error.retry_after else now + backoff(batch["attempts"])
    stopped = not passing and error.kind is not ErrorClass.RECONNECT

    async def unit(tx: Transaction) -> None:
        await upload_rows.change_batch(tx, batch, Batch.QUEUED, while_state=Batch.SENDING, reason=error.reason)
        values: dict[str, Any] = {"reason": error.reason, "due_at": to_ms(again if passing else now)}
        if stopped:
            values = {"state": Upload.PAUSED.value, "reason": error.sentence, "due_at": None}
            await services.emit(tx, upload["workspace_id"], "upload.paused", upload["id"], reason=error.reason)
        await rows.change(tx, tables.uploads, upload["workspace_id"], upload["id"], **values)

    await services.db.write(unit)
    if error.kind is ErrorClass.RECONNECT:
        await mark_dead(services, page, error.sentence)


async def _settle_lost(services: Services, upload: Row, batch: Row, *, while_state: Batch) -> None:
    """The answer was lost: the batch is in doubt until its session is looked up."""
    at = to_ms(services.clock.now() + LOOK_UP_AFTER)

    async def unit(tx: Transaction) -> None:
        if await upload_rows.change_batch(tx, batch, Batch.UNKNOWN, while_state=while_state, reason="answer_lost"):
            await rows.change(tx, tables.uploads, upload["workspace_id"], upload["id"], reason="answer_lost", due_at=at)

    await services.db.write(unit)


async def _look_up(services: Services, page: Row, audience: Row, upload: Row, batches: list[Row], batch: Row) -> None:
    """Asks Meta how many rows of the session it has: batches go one at a time, so the sum tells whether this one arrived."""
    before = sum(each["rows"] for each in batches if each["seq"] < batch["seq"])
    try:
        sessions = await services.ads_graph(page).read_sessions(audience["meta_id"])
    except GraphError as error:
        if error.kind is ErrorClass.RECONNECT:
            await mark_dead(services, page, error.sentence)
        later = to_ms(services.clock.now() + backoff(upload["attempts"]))
        await _set(services, upload, reason=error.reason, attempts=upload["attempts"] + 1, due_at=later)
        return
    received = sum(session.received for session in sessions if session.session_id == str(upload["session_id"]))
    if received >= before + batch["rows"]:
        await _note_sent(services, upload, batch, answer=None)
        return
    again = batch["reason"] == "answer_lost"  # Meta's count may lag: a second look before anything is repeated
    state, reason = (Batch.UNKNOWN, "not_found_once") if again else (Batch.QUEUED, "")
    at = to_ms(services.clock.now() + (LOOK_UP_AFTER if again else timedelta()))

    async def unit(tx: Transaction) -> None:
        await upload_rows.change_batch(tx, batch, state, while_state=Batch.UNKNOWN, reason=reason)
        await rows.change(tx, tables.uploads, upload["workspace_id"], upload["id"], reason=reason, due_at=at)

    await services.db.write(unit)


async def _all_sent(services: Services, upload: Row) -> None:
    now = services.clock.now()
    await _set(
        services,
        upload,
        state=Upload.MATCHING.value,
        reason="",
        sent_at=to_ms(now),
        due_at=to_ms(now + services.pace.upload_poll),
    )


async def _poll(services: Services, page: Row, audience: Row, upload: Row) -> None:
    try:
        info = await services.ads_graph(page).read_audience(audience["meta_id"])
    except GraphError as error:
        if error.kind is ErrorClass.RECONNECT:
            await mark_dead(services, page, error.sentence)
        await _set(services, upload, reason=error.reason, due_at=to_ms(services.clock.now() + services.pace.upload_poll))
        return
    await services.db.write(lambda tx: _note_matching(tx, services, audience, upload, info))
    await services.wake(f"sync:{page['workspace_id']}:{page['id']}")


async def _note_matching(tx: Transaction, services: Services, audience: Row, upload: Row, info: AudienceInfo) -> None:
    now = services.now_ms()
    operation = {"operation_code": info.operation_code, "operation_text": info.operation_text}
    await audiences.note_bounds(tx, audience, lower=info.lower, upper=info.upper, at=now, **operation)
    workspace_id = upload["workspace_id"]
    current = await rows.get(tx, tables.uploads, workspace_id, upload["id"], lock=True)
    failed = current["reason"] if current["reason"].startswith(BATCH_FAILED) else ""
    if info.operation_code in BROKEN:
        broken = {"state": Upload.PAUSED.value, "reason": f"audience_{info.operation_code}", "due_at": None}
        await rows.change(tx, tables.uploads, workspace_id, upload["id"], **broken)
        await services.emit(tx, workspace_id, "upload.paused", upload["id"], reason=broken["reason"])
        return
    if info.operation_code is None or info.operation_code in AT_WORK or info.lower is None:
        next_poll = to_ms(services.clock.now() + services.pace.upload_poll)
        waiting = {"reason": failed or "meta_is_matching", "due_at": next_poll}
        await rows.change(tx, tables.uploads, workspace_id, upload["id"], **waiting)
        return
    reason = failed or ("below_threshold" if is_hidden(info.lower, info.upper) else "")
    done = {"state": Upload.MATCHED.value, "reason": reason, "matched_at": now, "due_at": None}
    await rows.change(tx, tables.uploads, workspace_id, upload["id"], **done)
    await rows.change(tx, tables.pages, workspace_id, audience["page_id"], sync_at=now)
    await services.emit(tx, workspace_id, "upload.matched", upload["id"], lower=info.lower, upper=info.upper, reason=reason)


async def _set(services: Services, upload: Row, **values: Any) -> None:
    async def unit(tx: Transaction) -> None:
        await rows.change_if(tx, tables.uploads, upload, {"state": upload["state"]}, **values)

    await services.db.write(unit)


async def resume_upload(services: Services, workspace_id: str, upload_id: str) -> Row:
    """Goes on with a paused upload at its first unacknowledged batch, in the same session. Errors: RefusedError."""

    async def unit(tx: Transaction) -> tuple[Row, Row]:
        upload = await rows.get(tx, tables.uploads, workspace_id, upload_id, lock=True)
        if upload["state"] != Upload.PAUSED.value:
            raise RefusedError(
                f"Upload {upload_id} is {upload['state']}, not paused.", code="not_paused", remedy="Nothing needs doing."
            )
        back = {"state": Upload.UPLOADING.value, "reason": "", "due_at": services.now_ms()}
        await rows.change(tx, tables.uploads, workspace_id, upload_id, **back)
        audience = await rows.get(tx, tables.audiences, workspace_id, upload["audience_id"], lock=True)
        await _try_again(tx, services, audience)
        page = await rows.get(tx, tables.pages, workspace_id, audience["page_id"])
        return await rows.get(tx, tables.uploads, workspace_id, upload_id), page

    upload, page = await services.db.write(unit)
    await services.wake(f"ads:{workspace_id}:{page['ad_account_id']}")
    return upload


async def get_upload(services: Services, workspace_id: str, upload_id: str) -> Row:
    """One upload. Errors: NotFoundError."""
    return await services.find_row(tables.uploads, workspace_id, upload_id)


async def list_uploads(services: Services, workspace_id: str, *, after: str | None = None, limit: int = 50) -> list[Row]:
    """Uploads, newest first."""

    async def unit(tx: Transaction) -> list[Row]:
        return await tx.fetch_all(rows.page_of(tables.uploads, workspace_id, after=after, limit=limit))

    return await services.db.read(unit)
