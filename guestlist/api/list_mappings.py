"""`/v1/lists/mappings`: what was said of columns, saved for the next file with the same header."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from guestlist.actions import list_mappings
from guestlist.api.caller import Calling
from guestlist.api.models import Instant, Shown, read_document
from guestlist.api.openapi import refusals
from guestlist.api.paging import After, Limit, Listing, Window, parse_cursor
from guestlist.errors import NotFoundError

router = APIRouter(prefix="/v1/lists/mappings", tags=["lists"])

_SHAPE = {"pattern": f"^{list_mappings.FINGERPRINT.pattern}$"}


class SavedColumn(BaseModel):
    """What was said of one column."""

    index: int
    name: str
    key: str = Field(description="A key of Meta's, `FULL_NAME`, `DOB`, or `ignore`.")


class SavedMapping(Shown):
    """A mapping that serves every file with the same header, until it is forgotten or something else is said."""

    fingerprint: str = Field(description="Of the header's names, in their order.")
    columns: Annotated[list[SavedColumn], BeforeValidator(read_document)]
    created_at: Instant
    updated_at: Instant


def check_fingerprint(value: str) -> str:
    """The fingerprint, if it can be one. Errors: NotFoundError."""
    if not list_mappings.FINGERPRINT.fullmatch(value):
        raise NotFoundError("No mapping is saved under this fingerprint.", remedy="Copy the `fingerprint` from the listing.")
    return value


Fingerprint = Annotated[str, AfterValidator(check_fingerprint), Field(json_schema_extra=_SHAPE)]


async def find_window(limit: Limit = 50, after: After = None) -> Window[str]:
    """The window over a listing kept by fingerprints."""
    return Window(limit, None if after is None else parse_cursor(after, list_mappings.FINGERPRINT))


@router.get("", summary="List saved mappings", responses=refusals(400))
async def list_list_mappings(caller: Calling, window: Annotated[Window[str], Depends(find_window)]) -> Listing[SavedMapping]:
    """Saved mappings, in the order of their fingerprints. An import saves what its `mapping` says."""
    found = await list_mappings.list_mappings(caller.services, caller.workspace_id, after=window.after, limit=window.wanted)
    return window.cut(found, SavedMapping.of, place="fingerprint")


@router.delete("/{fingerprint}", summary="Forget a saved mapping", status_code=204, responses=refusals(404))
async def forget_list_mapping(caller: Calling, fingerprint: Fingerprint) -> None:
    """The next file with this header is mapped anew. Lists that were imported stay as they are."""
    await list_mappings.forget_mapping(caller.services, caller.workspace_id, fingerprint)
