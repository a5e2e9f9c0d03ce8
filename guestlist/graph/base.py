"""The contract of the Graph client: transport, errors, calls and answers. Facts: shared fact page, sections 0-5, 8, 11."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


class ErrorClass(StrEnum):
    """What an error asks for."""

    RETRY = "retry"  # passing fault: try again with back-off
    WAIT = "wait"  # limits, warm-up, cool-down: slow down or come back later
    FIX = "fix"  # the request or content is wrong: never repeat unchanged
    RECONNECT = "reconnect"  # token or permission: a person must reconnect the Page
    TERMS = "terms"  # terms, region, feature access: a person must accept or apply
    RECIPIENT = "recipient"  # this person cannot be reached: go on with the others
    BILLING = "billing"  # payment or budget: a person must act


class Applied(StrEnum):
    """Whether the request may have had its effect."""

    NO = "no"  # it provably had none: never left, or refused with an error envelope
    UNKNOWN = "unknown"  # the answer was lost: look it up, never repeat blindly


class GraphError(Exception):
    """A Graph call failed. `sentence` is for a person and holds no secret and no personal data."""

    def __init__(
        self,
        sentence: str,
        *,
        kind: ErrorClass,
        applied: Applied = Applied.NO,
        code: int | None = None,
        subcode: int | None = None,
        number: int | None = None,
        status: int | None = None,
        retry_after: float | None = None,
        fbtrace_id: str | None = None,
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.kind = kind
        self.applied = applied
        self.code = code
        self.subcode = subcode
        self.number = number  # the number that decided the class: subcode or code (23000xx wherever it stood)
        self.status = status
        self.retry_after = retry_after  # seconds, when Meta says (error_data.remaining_seconds, regain-access header)
        self.fbtrace_id = fbtrace_id

    @property
    def reason(self) -> str:
        """The stable word stored with a row, such as `opted_out`, `cool_down`, `graph_2300011`, `answer_lost`."""
        from .errors import reason_of

        return reason_of(self)

    @property
    def tries(self) -> int | None:
        """How often a waiting call is worth making in all; None where it may wait as long as it matters."""
        from .errors import tries_of

        return tries_of(self)


class TooMuchDataError(GraphError):
    """The call asked for, or held, too much: never repeated unchanged, but it works with fewer rows."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. `url` never holds a token."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response, body capped."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class TransportError(Exception):
    """No whole answer came. `applied` says whether the request may have reached the other side."""

    def __init__(self, sentence: str, *, applied: Applied) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.applied = applied


class Transport(Protocol):
    """The seam: one request in, one response out. Real and mock are implementations of it."""

    async def send(self, request: Request) -> Response:
        """Errors: TransportError."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """What `debug_token` says. `expires_at` None = never."""

    valid: bool
    kind: str
    app_id: str
    profile_id: str | None
    scopes: frozenset[str]
    expires_at: datetime | None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class PageInfo:
    """A Page. `published` None = Graph did not say."""

    id: str
    name: str
    published: bool | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """Custom Audience terms of an ad account. `accept_url` is for a person."""

    accepted: bool
    accept_url: str


@dataclass(frozen=True, slots=True)
class AudienceInfo:
    """An audience as Meta tells it. Bounds are None while unavailable (-1)."""

    id: str
    name: str
    description: str
    page_id: str | None
    page_name: str | None
    lower: int | None
    upper: int | None
    operation_code: int | None
    operation_text: str
    delivery_code: int | None
    delivery_text: str


@dataclass(frozen=True, slots=True)
class Session:
    """Where a batch stands in its upload session."""

    session_id: int
    batch_seq: int
    last: bool
    estimated_total: int


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What Meta knows of a session: rows received so far."""

    session_id: str
    received: int
    invalid: int
    stage: str


@dataclass(frozen=True, slots=True)
class UploadAnswer:
    """Meta's answer to one batch. `received` is cumulative in the session; `invalid` is not the unmatched count."""

    received: int
    invalid: int
    session_id: str | None


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One subscription token. List-born tokens have no `psid` and no row identity."""

    token: str = field(repr=False)
    psid: str | None = field(repr=False)
    created_at: datetime | None
    expires_at: datetime | None
    next_eligible_at: datetime | None
    timezone: str | None
    title: str | None
    audience_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TokenPage:
    """One page of tokens. The list is complete when `after` is None."""

    rows: Sequence[TokenRow]
    after: str | None


@dataclass(frozen=True, slots=True)
class CampaignInfo:
    """A message campaign at Meta."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class SentMessage:
    """What Meta answers to a message it took. A `user_ref` gives no person."""

    person: str | None = field(repr=False)  # the PSID
    message_id: str | None  # the mid


@dataclass(frozen=True, slots=True)
class Persona:
    """A name and a face that a Page can write under."""

    id: str
    name: str
    picture_url: str


@dataclass(frozen=True, slots=True)
class PersonProfile:
    """What Meta tells a Page of somebody who wrote to it; "" for what it keeps to itself. `timezone` is an offset, +02:00."""

    first_name: str = field(default="", repr=False)
    last_name: str = field(default="", repr=False)
    picture_url: str = field(default="", repr=False)
    locale: str = ""
    timezone: str = ""
    gender: str = ""


class Graph(Protocol):
    """Graph calls with one token. Every call raises GraphError; none logs a token or a payload.

    Reads are retried with jitter; writes only where the request surely was not applied.
    """

    async def debug_token(self) -> TokenInfo:
        """Checks this very token with the app's own credentials. Needs app id and secret."""
        ...

    async def read_page(self, page_id: str) -> PageInfo: ...

    async def subscribe_page(self, page_id: str, fields: Sequence[str]) -> None: ...

    async def subscribe_app(self, *, callback_url: str, verify_token: str, fields: Sequence[str]) -> None:
        """Tells Meta where the app's Page webhooks go. Needs a client that speaks as the app."""
        ...

    async def subscribed_fields(self, page_id: str) -> frozenset[str]: ...

    async def read_terms(self, ad_account_id: str) -> Terms: ...

    async def create_audience(self, ad_account_id: str, *, name: str, description: str, page_id: str) -> str:
        """The new audience's id."""
        ...

    async def list_audiences(self, ad_account_id: str) -> Sequence[AudienceInfo]:
        """Messenger lists of the ad account (1010 filter), all pages."""
        ...

    async def read_audience(self, audience_id: str) -> AudienceInfo: ...

    async def delete_audience(self, audience_id: str) -> None: ...

    async def add_users(
        self, audience_id: str, *, schema: Sequence[str], data: Sequence[Sequence[str]], session: Session
    ) -> UploadAnswer: ...

    async def remove_users(
        self, audience_id: str, *, schema: Sequence[str], data: Sequence[Sequence[str]], session: Session
    ) -> UploadAnswer:
        """Takes people out of the audience. This is no opt-out: they stay subscribers."""
        ...

    async def replace_users(
        self, audience_id: str, *, schema: Sequence[str], data: Sequence[Sequence[str]], session: Session
    ) -> UploadAnswer: ...

    async def read_sessions(self, audience_id: str) -> Sequence[SessionInfo]: ...

    async def list_tokens(
        self, page_id: str, *, after: str | None = None, limit: int = 1000, opt_in_source: str | None = None
    ) -> TokenPage:
        """One page of the Page's subscription tokens, one per person. `opt_in_source` filters (SUBSCRIBER_LIST, CTM, …)."""
        ...

    async def create_campaign(
        self,
        ad_account_id: str,
        *,
        name: str,
        page_id: str,
        daily_budget: int | None,
        lifetime_budget: int | None,
        end_time: datetime | None,
    ) -> str:
        """The new campaign's id. Budgets in minor currency units."""
        ...

    async def list_campaigns(self, ad_account_id: str) -> Sequence[CampaignInfo]: ...

    async def send_marketing_message(
        self, ad_account_id: str, *, campaign_id: str, token: str, message: Mapping[str, Any]
    ) -> str:
        """The tracking id. This means accepted, not delivered."""
        ...

    async def send_message(self, page_id: str, body: Mapping[str, Any]) -> SentMessage:
        """One message from the Page to one person. `body` is Meta's. This means accepted, not delivered."""
        ...

    async def send_action(self, page_id: str, psid: str, action: str) -> None:
        """Shows the person `typing_on`, `typing_off` or `mark_seen`."""
        ...

    async def upload_attachment(self, page_id: str, kind: str, url: str) -> str:
        """The id of a file Meta fetched from the URL; it can be sent for 90 days."""
        ...

    async def read_profile(self, psid: str) -> PersonProfile | None:
        """Who is behind a PSID, as far as the Page's token may know; None where Meta tells nothing of this person."""
        ...

    async def create_persona(self, page_id: str, name: str, picture_url: str) -> str:
        """The new persona's id."""
        ...

    async def list_personas(self, page_id: str) -> Sequence[Persona]: ...

    async def delete_persona(self, persona_id: str) -> None: ...

    async def read_messenger_profile(self, fields: Sequence[str]) -> Mapping[str, Any]:
        """Those of the fields that are set, of the Page whose token it is."""
        ...

    async def set_messenger_profile(self, profile: Mapping[str, Any]) -> None:
        """Sets the fields given; the others stay."""
        ...

    async def clear_messenger_profile(self, fields: Sequence[str]) -> None: ...


class GraphFactory(Protocol):
    """Makes clients that share one transport and one rate budget."""

    def with_token(self, token: str) -> Graph: ...

    def usage(self, scope: str) -> float:
        """Highest usage percentage (0-100+) the headers reported lately for this Page or ad account; 0 when none."""
        ...

    def regain(self, scope: str) -> float:
        """Seconds until this Page or ad account regains access, as the headers estimated; 0 while it has it."""
        ...

    async def close(self) -> None: ...
