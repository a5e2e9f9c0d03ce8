"""`/v1/keys`: API keys. A key opens its workspace, is shown once and kept as a digest."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import Field

from guestlist.actions import access
from guestlist.api.caller import Acting, Calling
from guestlist.api.models import Given, Instant, Name, RowId, Shown
from guestlist.api.openapi import WRITING, refusals
from guestlist.api.paging import ById, Listing
from guestlist.domain.identifiers import check_cursor

router = APIRouter(prefix="/v1/keys", tags=["keys"])


class KeyRequest(Given):
    """A key to make."""

    name: Name = Field(description="What will use it.", examples=["web shop"])


class Key(Shown):
    """An API key, without its secret part."""

    id: str
    name: str
    prefix: str = Field(description="Its first characters, to tell keys apart.")
    created_at: Instant
    last_used_at: Instant | None = Field(description="To the minute.")
    revoked_at: Instant | None


class NewKey(Key):
    """A key just made: the one time it is shown whole."""

    key: str = Field(description="Keep it: it is never shown again.")


@router.get("", summary="List keys", responses=refusals(400))
async def list_keys(caller: Calling, window: ById) -> Listing[Key]:
    """Keys, oldest first, revoked ones too."""
    found = await access.list_keys(caller.services, caller.workspace_id)
    after = "" if window.after is None else check_cursor(window.after, "key")
    behind = [row for row in found if row["id"] > after]
    return window.cut(behind[: window.wanted], Key.of)


@router.post("", summary="Make a key", status_code=201, responses=refusals(*WRITING))
async def create_key(caller: Acting, given: KeyRequest) -> NewKey:
    """The answer holds the key, once."""
    row, key = await access.create_key(caller.services, caller.workspace_id, given.name)
    return NewKey.of({**row, "key": key})


@router.delete("/{key_id}", summary="Revoke a key", status_code=204, responses=refusals(404))
async def revoke_key(caller: Calling, key_id: RowId) -> None:
    """From now on it opens nothing."""
    await access.revoke_key(caller.services, caller.workspace_id, key_id)
