"""`/v1/pages`: Pages, connected with their tokens. Tokens go in and never come out."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field, SecretStr, StringConstraints

from guestlist.actions import pages, subscribers
from guestlist.api.caller import Acting, Calling
from guestlist.api.models import Document, Given, Instant, MetaId, RowId, Shown
from guestlist.api.openapi import WRITING, refusals
from guestlist.api.paging import ById, Listing

router = APIRouter(prefix="/v1/pages", tags=["pages"])

Token = Annotated[SecretStr, Field(max_length=4096)]


class Connect(Given):
    """A Page to connect. A Page connected before gets the new tokens."""

    page_id: MetaId = Field(description="Meta's id of the Page.")
    ad_account_id: Annotated[str, StringConstraints(pattern=r"^(act_)?[0-9]{1,32}$")] = Field(
        description="The ad account that pays, with or without `act_`.", examples=["act_4021187309914"]
    )
    page_token: Token = Field(description="A long-lived Page token. Kept sealed, never shown.", min_length=1)
    ads_token: Token = Field(SecretStr(""), description="The system user's token; without it the Page's own is used.")
    rate: Annotated[int, Field(strict=True, ge=1, le=100_000)] | None = Field(None, description="Calls a second, if not usual.")


class ConnectedPage(Shown):
    """A Page of this workspace."""

    id: str
    page_id: str = Field(description="Meta's id.")
    name: str
    ad_account_id: str = Field(description="Digits, without `act_`.")
    state: Literal["connected", "reconnect"]
    reason: str = Field(description="Why it must be connected again; empty while it need not.")
    rate: int = Field(description="Calls a second that Meta allows it.")
    capabilities: Document
    terms_at: Instant | None = Field(description="When the Custom Audience terms were last seen accepted.")
    checked_at: Instant | None = Field(description="When its tokens were last checked.")
    sync_at: Instant | None = Field(description="When its subscribers are read from Meta next.")
    synced_at: Instant | None = Field(description="When they were last read to the end.")
    created_at: Instant


@router.get("", summary="List Pages", responses=refusals(400))
async def list_pages(caller: Calling, window: ById) -> Listing[ConnectedPage]:
    """Connected Pages, newest first."""
    found = await pages.list_pages(caller.services, caller.workspace_id, after=window.after, limit=window.wanted)
    return window.cut(found, ConnectedPage.of)


@router.post("", summary="Connect a Page", status_code=201, responses=refusals(403, *WRITING))
async def connect_page(caller: Acting, given: Connect) -> ConnectedPage:
    """Checks the tokens with Meta, subscribes the webhooks, and keeps the tokens sealed. Nothing is kept when a check fails."""
    connection = pages.Connection(
        page_id=given.page_id,
        ad_account_id=given.ad_account_id,
        page_token=given.page_token.get_secret_value().strip(),
        ads_token=given.ads_token.get_secret_value().strip(),
        rate=given.rate,
    )
    return ConnectedPage.of(await pages.connect_page(caller.services, caller.workspace_id, connection))


@router.get("/{page_id}", summary="Read a Page", responses=refusals(404))
async def get_page(caller: Calling, page_id: RowId) -> ConnectedPage:
    """One connected Page."""
    return ConnectedPage.of(await caller.services.get_page(caller.workspace_id, page_id))


@router.post("/{page_id}/sync", summary="Read subscribers now", status_code=202, responses=refusals(404, *WRITING))
async def sync_page(caller: Acting, page_id: RowId) -> ConnectedPage:
    """Makes reading the Page's subscribers from Meta due now. It happens soon after; `synced_at` tells when it is done."""
    await subscribers.request_sync(caller.services, caller.workspace_id, page_id)
    return ConnectedPage.of(await caller.services.get_page(caller.workspace_id, page_id))
