"""`/v1/endpoints`: your URLs that receive events, what each was told and what it answered."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Query
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints, model_validator

from guestlist.actions import endpoints
from guestlist.api.caller import Acting, Calling
from guestlist.api.models import Given, GivenId, Instant, Name, RowId, Shown
from guestlist.api.openapi import WRITING, refusals
from guestlist.api.paging import ById, Listing
from guestlist.domain.events import check_kinds, parse_kinds
from guestlist.domain.networks import LONGEST_URL
from guestlist.storage.base import Row

router = APIRouter(prefix="/v1/endpoints", tags=["endpoints"])

_ACTING = refusals(404, *WRITING)
LONGEST_HOURS = endpoints.LONGEST_OVERLAP // timedelta(hours=1)


def _check_kind(kind: str) -> str:
    return check_kinds([kind])[0]


def _is_text(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("must be an instant as text, such as 2026-11-20T12:00:00Z")
    return value


Url = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_URL), Field(examples=["https://example.com/hooks"])]
KindName = Annotated[str, StringConstraints(max_length=100), AfterValidator(_check_kind)]
Kinds = Annotated[list[KindName], Field(max_length=100, examples=[["message.*", "opt_in.received"]])]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=200)]
GivenInstant = Annotated[AwareDatetime, BeforeValidator(_is_text)]
State = Literal["pending", "delivered", "failed"]
DialectName = Literal["", "comapi", "amio", "gupshup", "gupshup-v2"]


class NewEndpoint(Given):
    """A URL that is to receive events."""

    name: Name = Field(examples=["web shop"])
    url: Url
    kinds: Kinds = Field([], description="Names of events, or `message.*` for all of a noun. Empty means all.")
    account_id: GivenId | None = Field(None, description="Only events of this Page or account.")
    dialect: DialectName = Field("", description="Empty for our own shape; else the vendor's whose shape and signature it gets.")
    secret: Secret | None = Field(None, description="Yours, `whsec_` and 24 to 64 bytes in base64. Without it one is made.")


class EndpointChange(Given):
    """What to change of an endpoint; what is left out stays."""

    name: Name | None = None
    url: Url | None = None
    kinds: Kinds | None = None
    account_id: GivenId | Literal[""] | None = Field(None, description="Empty text: all accounts.")
    enabled: bool | None = Field(None, strict=True, description="Enabled again, it hears what happens from then on.")


class Rotation(Given):
    """How a secret is replaced."""

    overlap_hours: int = Field(24, strict=True, ge=0, le=LONGEST_HOURS, description="So long the old one signs, too.")
    secret: Secret | None = Field(None, description="The new one. Without it one is made.")


class Replay(Given):
    """What to tell again: everything that failed, or everything that happened in a range."""

    failed: Literal[True] | None = None
    since: GivenInstant | None = None
    until: GivenInstant | None = Field(None, description="Without it: now.")

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if (self.failed is None) == (self.since is None) or (self.until is not None and self.since is None):
            raise ValueError("give either `failed`, or `since` with or without `until`")
        return self


class Replayed(Shown):
    """What is told again."""

    replayed: int = Field(description="So many events are on their way again.")


class Endpoint(Shown):
    """A URL that receives events, without its secret."""

    id: str
    name: str
    url: str
    dialect: str = Field(description="Empty for our own shape, Standard Webhooks; else the vendor's whose shape it gets.")
    kinds: Annotated[list[str], BeforeValidator(lambda value: parse_kinds(value) if isinstance(value, str) else value)]
    account_id: str = Field(description="Only events of this account; empty for all.")
    state: Literal["enabled", "disabled"]
    reason: str = Field(description="Why it is disabled: `by_hand`, `gone` (it answered 410) or `failing` (for five days).")
    failing_since: Instant | None = Field(description="Since then every try has failed.")
    old_secret_until: Instant | None = Field(description="Until then requests are signed with the old secret, too.")
    created_at: Instant

    @classmethod
    def of(cls, row: Row) -> Self:
        """Shapes a row."""
        return super().of({**row, "account_id": row["scope"]})


class EndpointWithSecret(Endpoint):
    """An endpoint with its secret: the one time it is shown."""

    secret: str = Field(description="Keep it: requests are verified with it, and it is never shown again.")


class Notice(Shown):
    """One event on its way to one endpoint."""

    id: str
    event_id: str = Field(description="Also the `webhook-id` of every try.")
    kind: str
    subject: str
    state: State
    attempts: int
    status: int = Field(description="Of the last answer; 0 = none came.")
    problem: str = Field(description="Why the last try was no success; empty otherwise.")
    due_at: Instant | None = Field(description="When it is tried next.")
    created_at: Instant
    delivered_at: Instant | None


class NoticeTry(Shown):
    """One request and its answer."""

    number: int
    status: int
    problem: str
    answer: str = Field(description="The first kilobyte.")
    milliseconds: int
    at: Instant


class NoticeRequest(Shown):
    """The request, rendered as it would be now: no copy is kept of what it said."""

    method: str
    url: str
    headers: dict[str, str] = Field(description="Without those of the signature.")
    body: str


class NoticeStory(Notice):
    """A notice with its request and every try."""

    request: NoticeRequest | None
    tries: list[NoticeTry]


@router.get("", summary="List endpoints", responses=refusals(400))
async def list_endpoints(caller: Calling, window: ById) -> Listing[Endpoint]:
    """Endpoints, newest first."""
    found = await endpoints.list_endpoints(caller.services, caller.workspace_id, after=window.after, limit=window.wanted)
    return window.cut(found, Endpoint.of)


@router.post("", summary="Make an endpoint", status_code=201, responses=_ACTING)
async def create_endpoint(caller: Acting, given: NewEndpoint) -> EndpointWithSecret:
    """It receives what happens from now on. The answer holds its secret, once. A private address: 400."""
    new = endpoints.NewEndpoint(
        given.name,
        given.url,
        kinds=tuple(given.kinds),
        dialect=given.dialect,
        scope=given.account_id or "",
        secret=given.secret,
    )
    return tell_created(await endpoints.create_endpoint(caller.services, caller.workspace_id, new))


def tell_created(created: endpoints.Created) -> EndpointWithSecret:
    """An endpoint with its secret."""
    return EndpointWithSecret.of({**created.row, "secret": created.secret})


@router.get("/{endpoint_id}", summary="Read an endpoint", responses=refusals(404))
async def get_endpoint(caller: Calling, endpoint_id: RowId) -> Endpoint:
    """One endpoint."""
    return Endpoint.of(await endpoints.get_endpoint(caller.services, caller.workspace_id, endpoint_id))


@router.patch("/{endpoint_id}", summary="Change an endpoint", responses=_ACTING)
async def update_endpoint(caller: Calling, endpoint_id: RowId, given: EndpointChange) -> Endpoint:
    """What is left out stays. Disabling ends what still waits: it fails, and can be replayed."""
    row = await endpoints.update_endpoint(
        caller.services,
        caller.workspace_id,
        endpoint_id,
        name=given.name,
        url=given.url,
        kinds=None if given.kinds is None else tuple(given.kinds),
        scope=given.account_id,
        enabled=given.enabled,
    )
    return Endpoint.of(row)


@router.delete("/{endpoint_id}", summary="Delete an endpoint", status_code=204, responses=refusals(404))
async def delete_endpoint(caller: Calling, endpoint_id: RowId) -> None:
    """Removes it with its log. Nothing more goes there."""
    await endpoints.delete_endpoint(caller.services, caller.workspace_id, endpoint_id)


@router.post("/{endpoint_id}/rotate", summary="Replace an endpoint's secret", responses=_ACTING)
async def rotate_secret(caller: Acting, endpoint_id: RowId, given: Rotation) -> EndpointWithSecret:
    """For the time of the overlap every request carries two signatures, one for each secret."""
    overlap = timedelta(hours=given.overlap_hours)
    return tell_created(
        await endpoints.rotate_secret(caller.services, caller.workspace_id, endpoint_id, overlap=overlap, secret=given.secret)
    )


@router.post("/{endpoint_id}/test", summary="Send a test event", status_code=202, responses=_ACTING)
async def send_test_event(caller: Acting, endpoint_id: RowId) -> Notice:
    """An `endpoint.test` goes to this endpoint alone. Read the notice to see its answer."""
    return Notice.of(await endpoints.send_test_event(caller.services, caller.workspace_id, endpoint_id))


@router.post("/{endpoint_id}/replay", summary="Replay events", status_code=202, responses=_ACTING)
async def replay_notices(caller: Acting, endpoint_id: RowId, given: Replay) -> Replayed:
    """Tells again what failed, or what happened in a range and is asked for, told before or not. Each keeps its id."""
    services, workspace_id = caller.services, caller.workspace_id
    if given.since is None:
        return Replayed(replayed=await endpoints.replay_failed(services, workspace_id, endpoint_id))
    return Replayed(replayed=await endpoints.replay_range(services, workspace_id, endpoint_id, given.since, given.until))


@router.get("/{endpoint_id}/notices", summary="List an endpoint's notices", responses=refusals(400, 404))
async def list_notices(
    caller: Calling,
    endpoint_id: RowId,
    window: ById,
    state: Annotated[State | None, Query(description="Only those in this state.")] = None,
) -> Listing[Notice]:
    """What it was told and is to be told, newest first."""
    found = await endpoints.list_notices(
        caller.services, caller.workspace_id, endpoint_id, state=state, after=window.after, limit=window.wanted
    )
    return window.cut(found, Notice.of)


@router.get("/{endpoint_id}/notices/{notice_id}", summary="Read a notice", responses=refusals(404))
async def get_notice(caller: Calling, endpoint_id: RowId, notice_id: RowId) -> NoticeStory:
    """A notice with its request, and every try with the first kilobyte of its answer."""
    return tell_notice(await endpoints.get_notice(caller.services, caller.workspace_id, endpoint_id, notice_id))


def tell_notice(story: endpoints.NoticeStory) -> NoticeStory:
    """A notice with its request and tries."""
    request: dict[str, Any] | None = None
    if story.request is not None:
        made = story.request
        request = {
            "method": made.method,
            "url": made.url,
            "headers": dict(made.headers),
            "body": made.body.decode(errors="replace"),
        }
    return NoticeStory.of({**story.notice, "request": request, "tries": story.tries})


@router.post("/{endpoint_id}/notices/{notice_id}/replay", summary="Replay a notice", status_code=202, responses=_ACTING)
async def replay_notice(caller: Acting, endpoint_id: RowId, notice_id: RowId) -> Notice:
    """Tells one event again, now, under the same id, from the beginning of the schedule."""
    return Notice.of(await endpoints.replay_notice(caller.services, caller.workspace_id, endpoint_id, notice_id))
