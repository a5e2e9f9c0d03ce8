"""`/v1/uploads`: lists on their way into audiences. They are started at their audience."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BeforeValidator, Field

from guestlist.actions import uploads
from guestlist.api.caller import Acting, Calling
from guestlist.api.models import Instant, RowId, Shown, spell_out
from guestlist.api.openapi import WRITING, refusals
from guestlist.api.paging import ById, Listing
from guestlist.domain import states

router = APIRouter(prefix="/v1/uploads", tags=["uploads"])


class Upload(Shown):
    """One session of batches into one audience."""

    id: str
    audience_id: str
    list_id: str
    session_id: Annotated[str, BeforeValidator(str)] = Field(description="Ours, unique per ad account; digits, as text.")
    state: Annotated[str, spell_out(states.Upload)]
    reason: str = Field(description="Why it waits or stopped; empty otherwise.")
    rows: int
    rows_sent: int
    rows_invalid: int = Field(description="Rows Meta could not read. Not the unmatched ones.")
    batches: int
    batches_sent: int
    batches_matched: int
    created_at: Instant
    sent_at: Instant | None = Field(description="When Meta had received every batch.")
    matched_at: Instant | None


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
