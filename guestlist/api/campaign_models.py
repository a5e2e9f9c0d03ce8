"""What campaigns and their recipients look like from outside."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, Field, model_validator

from guestlist.actions.campaigns import Draft
from guestlist.api.models import Counts, Document, Given, GivenId, Instant, Name, Shown, Texts, check_storable, spell_out
from guestlist.domain import states
from guestlist.domain.campaigns import TEXT_LENGTH, text_message

LATEST = datetime(2100, 1, 1, tzinfo=UTC)


def _check_expiry(value: datetime) -> datetime:
    if value > LATEST:
        raise ValueError("must lie before the year 2100")
    return value


def _check_is_text(value: object) -> object:
    if value is not None and not isinstance(value, str):
        raise ValueError("must be a text in ISO 8601 with an offset")
    return value


Budget = Annotated[int, Field(strict=True, gt=0, le=10**12)]
Expiry = Annotated[AwareDatetime, BeforeValidator(_check_is_text), AfterValidator(_check_expiry)]


class NewCampaign(Given):
    """A campaign: `message` or `text`, at most one budget."""

    page_id: GivenId
    name: Name = Field(examples=["Spring offers"])
    message: Annotated[dict[str, Any], AfterValidator(check_storable)] | None = Field(
        None, description="Meta's message object.", examples=[{"text": "20 % off until Sunday."}]
    )
    text: str | None = Field(None, max_length=TEXT_LENGTH, description="Instead of `message`: plain text.")
    audience_ids: list[GivenId] = Field([], max_length=100, description="Only their people; empty means every subscriber.")
    daily_budget: Budget | None = Field(None, description="In minor units of the ad account's currency.")
    lifetime_budget: Budget | None = Field(None, description="The same, for the whole campaign.")
    expires_at: Expiry | None = Field(None, description="Nobody is sent to after this.")

    @model_validator(mode="after")
    def _check_one_message(self) -> Self:
        if (self.message is None) == (self.text is None):
            raise ValueError("give exactly one of `message` and `text`")
        return self

    def as_draft(self) -> Draft:
        """What the action takes."""
        return Draft(
            page_id=self.page_id,
            name=self.name,
            message=text_message(self.text) if self.message is None and self.text is not None else self.message or {},
            audience_ids=tuple(dict.fromkeys(self.audience_ids)),
            daily_budget=self.daily_budget,
            lifetime_budget=self.lifetime_budget,
            expires_at=self.expires_at,
        )


class Campaign(Shown):
    """A campaign."""

    id: str
    page_id: str
    name: str
    message: Document = Field(description="Meta's message object.")
    audience_ids: Texts
    daily_budget: int | None
    lifetime_budget: int | None
    meta_id: str | None = Field(description="Meta's id, once it exists there.")
    state: Annotated[str, spell_out(states.Campaign)]
    reason: str = Field(description="Why it is paused or failed; empty otherwise.")
    action: str = Field(description="What kind of act of a person it waits for; empty when none.")
    ready_at: Instant | None = Field(description="When its warm-up ends.")
    not_before: Instant | None = Field(description="Meta asked to wait until then.")
    expires_at: Instant | None
    subscribers: int = Field(description="Of the Page, at launch.")
    recipients: int = Field(description="Fixed at launch.")
    sources: Counts = Field(description="Subscribers at launch, by source.")
    excluded: Counts = Field(description="Left out at launch, by reason.")
    created_at: Instant
    launched_at: Instant | None
    finished_at: Instant | None


class Funnel(BaseModel):
    """How far the message got. Delivered, read and clicked count people, and each implies the one before."""

    subscribers: dict[str, int] = Field(description="Of the Page at launch, by source.")
    excluded: dict[str, int] = Field(description="Left out at launch, by reason.")
    recipients: int
    pending: int
    accepted: int
    delivered: int
    read: int
    clicked: int
    opted_out: int
    failed: dict[str, int] = Field(description="By reason.")
    unknown: int = Field(description="The answer was lost; looked up, never sent again blindly.")


class Recipient(Shown):
    """One subscriber of a campaign."""

    position: int
    subscriber_id: str
    state: Annotated[str, spell_out(states.Delivery)]
    reason: str
    attempts: int
    not_before: Instant | None
    claimed_at: Instant | None
    sent_at: Instant | None
    delivered_at: Instant | None
    read_at: Instant | None
    clicked_at: Instant | None
    opted_out_at: Instant | None
