"""Uploads: a list's rows into one audience. Planned first, then called batch by batch, then followed until Meta has matched them.

Uploads of one audience go one after the other, each under its own attestation: no call mixes the rows of two.
"""

from __future__ import annotations

from datetime import timedelta

from guestlist.domain.audiences import AT_WORK, BROKEN
from guestlist.domain.consent import Attestation
from guestlist.domain.policy import is_hidden
from guestlist.domain.states import Audience, Upload
from guestlist.domain.uploads import MOST_ROWS, Mode
from guestlist.errors import RefusedError
from guestlist.graph.base import AudienceInfo, ErrorClass, GraphError
from guestlist.storage import rows, tables
from guestlist.storage import uploads as upload_rows
from guestlist.storage.base import Row, Transaction
from guestlist.storage.instants import to_ms

from . import audiences
from .base import Services
from .pages import check_connected, mark_dead
from .upload_calls import pause, send_next, set_upload
from .upload_plans import plan_next

BATCH_FAILED = "batch_"
"""How the reason of an upload begins of which Meta could not take a batch. It stays until the end."""

AUDIENCE_POLL = timedelta(seconds=1)
"""Between two looks at an audience that is still being created."""

CANCELLABLE = (Upload.QUEUED.value, Upload.PAUSED.value)
"""States in which no call is on the wire."""

ENDED = (Upload.MATCHED.value, Upload.FAILED.value)


async def start_upload(
    services: Services,
    workspace_id: str,
    *,
    audience_id: str,
    list_id: str,
    attestation: Attestation,
    mode: Mode = Mode.ADD,
    full: bool = False,
) -> Row:
    """The upload, durable with its attestation; the ad account's lane plans it and makes its calls.

    `full` sends rows that the audience has, too. Until it is planned, `rows` and `batches` are those of the list.
    """
    now, upload_id, session_id = services.now_ms(), services.ids.new("upl"), services.ids.integer63()

    async def unit(tx: Transaction) -> tuple[Row, Row]:
        audience = await rows.get(tx, tables.audiences, workspace_id, audience_id, lock=True)
        customer_list = await rows.get(tx, tables.lists, workspace_id, list_id, lock=True)  # it must not go meanwhile
        _check_ready(audience, customer_list)
        size = await upload_rows.list_size(tx, workspace_id, list_id)
        row = {
            "workspace_id": workspace_id,
            "id": upload_id,
            "audience_id": audience_id,
            "list_id": list_id,
            "number": await upload_rows.next_number(tx, workspace_id, audience_id),
            "mode": mode.value,
            "full": int(full),
            "session_id": session_id,
            "state": Upload.QUEUED.value,
            "most_rows": max(1, min(MOST_ROWS, size["largest"])),
            "rows": int(size["rows"]),
            "batches": size["n"],
            "due_at": now,
            "created_at": now,
        }
        await rows.insert(tx, tables.uploads, row)
        await _try_again(tx, services, audience)
        proof = {"upload": upload_id, "list": list_id, "file_sha256": customer_list["sha256"], "rows": int(size["rows"])}
        await audiences.attest(tx, services, workspace_id, audience_id, attestation, proof)
        await services.emit(tx, workspace_id, "upload.started", upload_id, rows=int(size["rows"]), mode=mode.value)
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
    """One step of an upload that is due: plan on, make the next call, settle one in doubt, or ask how far matching is."""
    audience = await services.find_row(tables.audiences, upload["workspace_id"], upload["audience_id"])
    if audience["state"] != Audience.READY.value:
        await _wait_for_audience(services, upload, audience)
    elif upload["state"] == Upload.QUEUED.value:
        await _plan(services, upload)
    elif upload["state"] == Upload.UPLOADING.value:
        if not await send_next(services, page, audience, upload, fence):
            await _all_sent(services, upload)
    elif upload["state"] == Upload.MATCHING.value:
        await _poll(services, page, audience, upload)


async def _plan(services: Services, upload: Row) -> None:
    """Plans on, once the uploads before it are done: what they leave in the audience decides what is new."""

    async def unit(tx: Transaction) -> Row | None:
        earlier = await upload_rows.find_earlier(tx, upload)
        if earlier is not None:  # its end makes this one due again
            waiting = {"reason": f"waits_for_{earlier['id']}", "due_at": None}
            await rows.change_if(tx, tables.uploads, upload, {"state": upload["state"]}, **waiting)
        return earlier

    if await services.db.write(unit) is None:
        await plan_next(services, upload)


async def _wait_for_audience(services: Services, upload: Row, audience: Row) -> None:
    if audience["state"] in (Audience.PAUSED.value, Audience.FAILED.value, Audience.DELETED.value):
        await pause(services, upload, f"audience_{audience['state']}")
    else:
        later = to_ms(services.clock.now() + AUDIENCE_POLL)
        await set_upload(services, upload, reason="waiting_for_audience", due_at=later)


async def _all_sent(services: Services, upload: Row) -> None:
    """Every batch is acknowledged: Meta matches, and the next upload of the audience may begin."""
    now = services.clock.now()
    sent = {"state": Upload.MATCHING.value, "reason": "", "sent_at": to_ms(now), "attempts": 0}

    async def unit(tx: Transaction) -> None:
        polled = to_ms(now + services.pace.upload_poll)
        if await rows.change_if(tx, tables.uploads, upload, {"state": upload["state"]}, due_at=polled, **sent):
            await upload_rows.wake_later(tx, upload, to_ms(now))

    await services.db.write(unit)


async def _poll(services: Services, page: Row, audience: Row, upload: Row) -> None:
    try:
        info = await services.ads_graph(page).read_audience(audience["meta_id"])
    except GraphError as error:
        if error.kind is ErrorClass.RECONNECT:
            await mark_dead(services, page, error.sentence)
        await set_upload(services, upload, reason=error.reason, due_at=to_ms(services.clock.now() + services.pace.upload_poll))
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


async def resume_upload(services: Services, workspace_id: str, upload_id: str) -> Row:
    """Goes on with a paused upload at its first unacknowledged batch, in the same session.

    Errors: NotFoundError, RefusedError `reconnect_needed`, `not_paused`.
    """

    async def unit(tx: Transaction) -> tuple[Row, Row]:
        upload = await rows.get(tx, tables.uploads, workspace_id, upload_id, lock=True)
        audience = await rows.get(tx, tables.audiences, workspace_id, upload["audience_id"], lock=True)
        page = await rows.get(tx, tables.pages, workspace_id, audience["page_id"])
        if upload["state"] not in ENDED:
            check_connected(page)
        if upload["state"] != Upload.PAUSED.value:
            raise RefusedError(
                f"Upload {upload_id} is {upload['state']}, not paused.", code="not_paused", remedy="Nothing needs doing."
            )
        state = Upload.QUEUED if upload["planned_at"] is None else Upload.UPLOADING
        back = {"state": state.value, "reason": "", "restarts": 0, "due_at": services.now_ms()}
        await rows.change(tx, tables.uploads, workspace_id, upload_id, **back)
        await _try_again(tx, services, audience)
        return await rows.get(tx, tables.uploads, workspace_id, upload_id), page

    upload, page = await services.db.write(unit)
    await services.wake(f"ads:{workspace_id}:{page['ad_account_id']}")
    return upload


async def cancel_upload(services: Services, workspace_id: str, upload_id: str) -> Row:
    """Gives up an upload that waits or is paused. What Meta has acknowledged stays there, the rest is dropped.

    Errors: RefusedError while it is under way or at its end.
    """

    async def unit(tx: Transaction) -> Row:
        upload = await rows.get(tx, tables.uploads, workspace_id, upload_id, lock=True)
        if upload["state"] not in CANCELLABLE:
            raise RefusedError(
                f"Upload {upload_id} is {upload['state']}; only one that waits or is paused can be cancelled.",
                code="not_cancellable",
                remedy="Let it end.",
            )
        over = {"state": Upload.FAILED.value, "reason": "cancelled", "due_at": None}
        await rows.change(tx, tables.uploads, workspace_id, upload_id, **over)
        await upload_rows.drop_payloads(tx, upload)
        await upload_rows.wake_later(tx, upload, services.now_ms())
        await services.emit(tx, workspace_id, "upload.cancelled", upload_id, rows_sent=upload["rows_sent"])
        return await rows.get(tx, tables.uploads, workspace_id, upload_id)

    upload = await services.db.write(unit)
    page_id = (await audiences.get_audience(services, workspace_id, upload["audience_id"]))["page_id"]
    page = await services.get_page(workspace_id, page_id)
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
