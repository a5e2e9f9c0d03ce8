"""`/v1/uploads`: lists on their way into audiences. They are started at their audience."""

from __future__ import annotations

from typing import Annotated, Self

from fastapi import APIRouter
from pydantic import BeforeValidator, Field

from guestlist.actions import uploads
from guestlist.api.caller import Acting, Calling
from guestlist.api.models import Instant, RowId, Shown, spell_out
from guestlist.api.openapi import WRITING, refusals
from guestlist.api.paging import ById, Listing
from guestlist.domain import states
from guestlist.domain.uploads import Mode
from guestlist.storage.base import Row

router = APIRouter(prefix="/v1/uploads", tags=["uploads"])


class Upload(Shown):
    """One list on its way into one audience, in numbered batches."""

    id: str
    audience_id: str
    list_id: str
    session_id: Annotated[str, BeforeValidator(str)] = Field(description="Ours, unique per ad account; digits, as text.")
    state: Annotated[str, spell_out(states.Upload)]
    reason: str = Field(description="Why it waits or stopped; empty otherwise.")
    mode: Mode = Field(description="`add`, `sync` or `replace`.")
    full: bool = Field(description="Whether rows that the audience has are sent too.")
    added: int | None = Field(description="Rows to send into the audience; null until planned.")
    removed: int | None = Field(
        description="Rows to take out of the audience, which is no opt-out; null until planned. In mode `replace`: once sent."
    )
    unchanged: int | None = Field(description="Rows of the list that the audience has, not sent; null until planned.")
    rows: int = Field(description="Rows to send in all, added and removed; until planned, the rows of the list.")
    rows_sent: int
    rows_invalid: int = Field(description="Rows Meta could not read. Not the unmatched ones.")
    batches: int
    batches_sent: int
    batches_matched: int
    restarts: int = Field(description="Sessions begun anew since the upload began or was resumed.")
    created_at: Instant
    planned_at: Instant | None = Field(description="When every batch was durable and numbered.")
    sent_at: Instant | None = Field(description="When Meta had received every batch.")
    matched_at: Instant | None

    @classmethod
    def of(cls, row: Row) -> Self:
        """Shapes a row. Counts that planning has not come to yet are left out."""
        unplanned = dict.fromkeys(("added", "removed", "unchanged")) if row["planned_at"] is None else {}
        return cls.model_validate({**row, **unplanned})


@router.get("", summary="List uploads", responses=refusals(400))
async def list_uploads(caller: Calling, window: ById) -> Listing[Upload]:
    """Uploads, newest first."""
    found = await uploads.list_uploads(caller.services, caller.workspace_id, after=window.after, limit=window.wanted)
    return window.cut(found, Upload.of)


@router.get("/{upload_id}", summary="Read an upload", responses=refusals(404))
async def get_upload(caller: Calling, upload_id: RowId) -> Upload:
    """One upload."""
    return Upload.of(await uploads.get_upload(caller.services, caller.workspace_id, upload_id))


@router.post("/{upload_id}/resume", summary="Resume an upload", responses=refusals(404, *WRITING))
async def resume_upload(caller: Acting, upload_id: RowId) -> Upload:
    """Goes on with a paused upload at its first batch that Meta has not acknowledged."""
    return Upload.of(await uploads.resume_upload(caller.services, caller.workspace_id, upload_id))


@router.post("/{upload_id}/cancel", summary="Cancel an upload", responses=refusals(404, *WRITING))
async def cancel_upload(caller: Acting, upload_id: RowId) -> Upload:
    """Gives up an upload that waits or is paused. What Meta has acknowledged stays in the audience; the rest is dropped."""
    return Upload.of(await uploads.cancel_upload(caller.services, caller.workspace_id, upload_id))
