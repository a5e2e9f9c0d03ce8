"""`/v1/attachments`: media uploaded to Meta once and sent by id."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from guestlist.actions import attachments
from guestlist.api.caller import Acting
from guestlist.api.models import Given, GivenId, Instant, Shown
from guestlist.api.openapi import WRITING, refusals

router = APIRouter(prefix="/v1/attachments", tags=["messages"])


class NewAttachment(Given):
    """A file for Meta to fetch."""

    page: GivenId = Field(description="The Page that will send it, by our id.")
    type: Literal["image", "audio", "video", "file"]
    url: Annotated[str, Field(min_length=1, max_length=2083, examples=["https://example.com/menu.pdf"])]


class Attachment(Shown):
    """A file that the Page can send."""

    attachment_id: str = Field(description="Meta's id: the `attachment_id` of a message's part.")
    page: str
    expires_at: Instant = Field(description="Until when Meta keeps it: 90 days from its upload.")


@router.post("", summary="Upload an attachment", status_code=201, responses=refusals(403, 404, *WRITING))
async def upload_attachment(caller: Acting, given: NewAttachment) -> Attachment:
    """Has Meta fetch the file and keep it. The same URL again gives the same id while it is good."""
    row = await attachments.upload_attachment(
        caller.services, caller.workspace_id, page_id=given.page, kind=given.type, url=given.url
    )
    return Attachment.model_validate({**row, "page": row["account_id"]})
