"""`/v1/audiences`: Meta's custom audiences, made here or taken over, and uploads into them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from guestlist.actions import audiences, uploads
from guestlist.api.audience_models import Attestation, Audience, Consent, RemoteAudience
from guestlist.api.caller import Acting, Calling
from guestlist.api.models import Given, GivenId, MetaId, Name, RowId, Words
from guestlist.api.openapi import WRITING, refusals
from guestlist.api.paging import ById, Listing
from guestlist.api.uploads import Upload
from guestlist.domain.uploads import Mode

router = APIRouter(prefix="/v1/audiences", tags=["audiences"])


class NewAudience(Given):
    """An audience to create at Meta."""

    page_id: GivenId = Field(description="The Page its people are to subscribe to; our id.")
    name: Name = Field(examples=["Loyal customers"])
    description: Words = ""


class Adoption(Given):
    """An audience at Meta to take over."""

    page_id: GivenId
    meta_id: MetaId = Field(description="Meta's id of the audience.")
    attestation: Attestation | None = None


class NewUpload(Given):
    """A list to upload into an audience."""

    list_id: GivenId
    attestation: Attestation | None = None
    mode: Mode = Field(
        default=Mode.ADD,
        description="`add` sends the rows that the audience does not have; `sync` also removes those that earlier uploads sent "
        "and the list has no longer; with `replace` the list takes the place of everybody in the audience.",
    )
    full: bool = Field(default=False, strict=True, description="Send rows that the audience has, too.")


@router.get("", summary="List audiences", responses=refusals(400))
async def list_audiences(caller: Calling, window: ById) -> Listing[Audience]:
    """Audiences, newest first."""
    found = await audiences.list_audiences(caller.services, caller.workspace_id, after=window.after, limit=window.wanted)
    return window.cut(found, Audience.of)


@router.post("", summary="Create an audience", status_code=201, responses=refusals(404, *WRITING))
async def create_audience(caller: Acting, given: NewAudience) -> Audience:
    """It is created at Meta soon after; `state` is `ready` then."""
    row = await audiences.create_audience(
        caller.services, caller.workspace_id, page_id=given.page_id, name=given.name, description=given.description
    )
    return Audience.of(row)


@router.get("/remote", summary="List audiences at Meta", responses=refusals(400, 403, 404, 409))
async def list_remote_audiences(
    caller: Calling, page_id: Annotated[RowId, Query(description="Whose ad account to look at; our id.")]
) -> Listing[RemoteAudience]:
    """The Messenger lists of the Page's ad account as Meta has them, those made elsewhere too."""
    found = await audiences.remote_audiences(caller.services, caller.workspace_id, page_id)
    return Listing(data=[RemoteAudience.of_info(info) for info in found], next=None)


@router.post("/adopt", summary="Take over an audience", status_code=201, responses=refusals(403, 404, *WRITING))
async def adopt_audience(caller: Acting, given: Adoption) -> Audience:
    """Takes over an audience made elsewhere. Without an attestation: 409 `consent_missing`."""
    row = await audiences.adopt_audience(
        caller.services,
        caller.workspace_id,
        page_id=given.page_id,
        meta_id=given.meta_id,
        attestation=Attestation.check(given.attestation),
    )
    return Audience.of(row)


@router.get("/{audience_id}", summary="Read an audience", responses=refusals(404))
async def get_audience(caller: Calling, audience_id: RowId) -> Audience:
    """One audience. `reachability` says whether its people can be messaged yet, and why not."""
    return Audience.of(await audiences.get_audience(caller.services, caller.workspace_id, audience_id))


@router.delete("/{audience_id}", summary="Delete an audience", status_code=204, responses=refusals(400, 403, 404, 409))
async def delete_audience(caller: Calling, audience_id: RowId) -> None:
    """Deletes it at Meta, then here. Its people stay subscribers: removal is no opt-out."""
    await audiences.delete_audience(caller.services, caller.workspace_id, audience_id)


@router.get("/{audience_id}/consents", summary="Read an audience's consents", responses=refusals(404))
async def list_consents(caller: Calling, audience_id: RowId) -> Listing[Consent]:
    """What the ledger says of the audience, oldest first: who attested what, when, on which basis, with which proof."""
    await audiences.get_audience(caller.services, caller.workspace_id, audience_id)
    found: list[dict[str, Any]] = await audiences.read_consents(caller.services, caller.workspace_id, audience_id)
    return Listing(data=[Consent.of(row) for row in found], next=None)


@router.post("/{audience_id}/uploads", summary="Upload a list", status_code=201, responses=refusals(404, *WRITING))
async def start_upload(caller: Acting, audience_id: RowId, given: NewUpload) -> Upload:
    """Starts the upload of a list into the audience; which of its rows must be sent is found out soon after.

    Without an attestation, 409 `consent_missing`: nothing goes to Meta.
    """
    row = await uploads.start_upload(
        caller.services,
        caller.workspace_id,
        audience_id=audience_id,
        list_id=given.list_id,
        attestation=Attestation.check(given.attestation),
        mode=given.mode,
        full=given.full,
    )
    return Upload.of(row)
