"""`/v1/invitations`: people known by phone, asked over Messenger whether the Page may write to them."""

from __future__ import annotations

from typing import Annotated, Self

from fastapi import APIRouter
from pydantic import Field, model_validator

from guestlist.actions import invitations
from guestlist.api.caller import Acting, Calling
from guestlist.api.campaign_models import Expiry
from guestlist.api.message_models import ButtonGiven, QuickReplyGiven, Text
from guestlist.api.models import Given, GivenId, Instant, Name, RowId, Shown
from guestlist.api.openapi import WRITING, refusals
from guestlist.api.paging import ById, Listing
from guestlist.domain.messages import Button, Content, QuickReply
from guestlist.storage.instants import maybe_ms

router = APIRouter(prefix="/v1/invitations", tags=["invitations"])

_ACTING = refusals(404, *WRITING)


class NewInvitation(Given):
    """Whom to ask, with what, over which Page. Nothing promotional: nobody has agreed to anything yet."""

    page_id: GivenId
    name: Name = Field(examples=["Regulars of the bar"])
    contact_ids: list[GivenId] = Field([], max_length=5000)
    list_id: Annotated[str, Field(pattern="^imp_[0-9a-hjkmnp-tv-z]{26}$")] | None = Field(
        None, description="Instead of `contact_ids`: everybody an import of a list brought or found, by the import's id."
    )
    source: Annotated[str, Field(pattern="^(api|list|inbound|opt_in|send)$")] | None = Field(
        None, description="Instead of `contact_ids`: every contact that came this way."
    )
    title: Text = ""
    text: Text = Field("", examples=["Hello {{ contact.first_name }}, may we tell you here when your table is ready?"])
    quick_replies: list[QuickReplyGiven] = Field([], max_length=100)
    buttons: list[ButtonGiven] = Field([], max_length=100)
    expires_at: Expiry | None = Field(None, description="Who has not accepted by then counts as declined. Default: in 7 days.")

    @model_validator(mode="after")
    def _check_people(self) -> Self:
        if sum((bool(self.contact_ids), self.list_id is not None, self.source is not None)) != 1:
            raise ValueError("give exactly one of `contact_ids`, `list_id` and `source`")
        return self

    def as_asking(self, by: str) -> invitations.Asking:
        """What the action takes."""
        content = Content(
            title=self.title,
            text=self.text,
            quick_replies=tuple(QuickReply(each.type, each.title, each.payload, each.image_url) for each in self.quick_replies),
            buttons=tuple(
                Button(each.type, each.title, each.url, each.payload, each.webview_height_ratio) for each in self.buttons
            ),
        )
        return invitations.Asking(self.page_id, self.name, content, expires_at=maybe_ms(self.expires_at), by=by)


class InvitationCounts(Shown):
    """People by how far their request is. Meta tells of a match and of an acceptance; a decline is what ran out."""

    queued: int = Field(description="Not asked of Meta yet.")
    matched: int = Field(description="Pending, accepted and declined.")
    no_match: int
    pending: int = Field(description="The request waits for the person.")
    accepted: int
    declined: int = Field(description="Not accepted in time.")
    refused: int = Field(description="By a rule of ours or Meta's.")


class ShownInvitation(Shown):
    """An invitation."""

    id: str
    page_id: str
    name: str
    people: int = Field(description="Those it asks; the sum of the counts, `matched` apart.")
    complete: bool = Field(description="Everybody named is in it. False where it was cut off: invite the same people again.")
    counts: InvitationCounts
    created_at: Instant

    @classmethod
    def of_invited(cls, invited: invitations.Invited) -> ShownInvitation:
        """Shapes it."""
        return cls.model_validate(show(invited))


class Created(ShownInvitation):
    """An invitation just made."""

    skipped: dict[str, int] = Field(
        description="Named, but not asked: `unknown`, `no_phone`, `reachable` (their PSID is known), `asked_before`, `opted_out`."
    )

    @classmethod
    def of_invited(cls, invited: invitations.Invited) -> Created:
        """Shapes it."""
        return cls.model_validate({**show(invited), "skipped": dict(invited.skipped)})


def show(invited: invitations.Invited) -> dict[str, object]:
    """An invitation's public form, as a document."""
    row = invited.row
    return {
        "id": row["id"],
        "page_id": row["account_id"],
        "name": row["name"],
        "people": row["people"],
        "complete": row["state"] == "finished",
        "counts": dict(invited.counts),
        "created_at": row["created_at"],
    }


@router.post("", summary="Invite people", status_code=201, responses=_ACTING)
async def create_invitation(caller: Acting, given: NewInvitation) -> Created:
    """Sends each contact with a phone one message request, ever. A Page whose matching is suspended asks nobody (409)."""
    services, workspace_id = caller.services, caller.workspace_id
    await invitations.check_page(services, workspace_id, given.page_id)
    contact_ids = given.contact_ids or await invitations.find_people(
        services, workspace_id, list_id=given.list_id or "", source=given.source or ""
    )
    invited = await invitations.create_invitation(services, workspace_id, given.as_asking("api"), contact_ids)
    return Created.of_invited(invited)


@router.get("", summary="List invitations", responses=refusals(400))
async def list_invitations(caller: Calling, window: ById) -> Listing[ShownInvitation]:
    """Invitations, newest first."""
    found = await invitations.list_invitations(caller.services, caller.workspace_id, after=window.after, limit=window.wanted)
    by_id = {each.row["id"]: each for each in found}
    return window.cut([each.row for each in found], lambda row: ShownInvitation.of_invited(by_id[row["id"]]))


@router.get("/{invitation_id}", summary="Read an invitation", responses=refusals(404))
async def get_invitation(caller: Calling, invitation_id: RowId) -> ShownInvitation:
    """An invitation with its people by how far their request is."""
    return ShownInvitation.of_invited(await invitations.get_invitation(caller.services, caller.workspace_id, invitation_id))
