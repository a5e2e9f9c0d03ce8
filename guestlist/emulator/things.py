"""The things of the world, as plain records: app, Page, ad account, audience, subscriber, campaign."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal

from .crowd import Person

TITLE = "Updates and promotions"
MOST_LINES = 200  # of a conversation, kept for the person's page
NEVER = float("-inf")


@dataclass(slots=True)
class App:
    """The Meta app. `fields` are the app-level webhook fields; empty means every field."""

    id: str
    secret: str
    name: str = "Emulator App"
    callback_url: str | None = None
    verify_token: str = ""
    fields: tuple[str, ...] = ()
    approved: bool = True  # pages_messaging has been reviewed: people without a role in the app may be messaged


@dataclass(slots=True)
class Business:
    id: str
    name: str = "Northwind Trading"


@dataclass(slots=True)
class User:
    """A person or a system user who holds tokens."""

    id: str
    name: str


@dataclass(slots=True)
class Page:
    """A Page. `subscriptions`: app id -> subscribed webhook fields; `profile`: what stands in its Messenger profile."""

    id: str
    name: str
    token: str
    subscriptions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    subscribers: list[Subscriber] = field(default_factory=list)
    by_person: dict[bytes, Subscriber] = field(default_factory=dict)
    published: bool = True
    fee_paid: bool = True  # for matching by phone number
    phone_reviewed: bool = True  # pages_messaging_phone_number has been reviewed
    profile: dict[str, Any] = field(default_factory=dict)
    personas: list[Persona] = field(default_factory=list)
    templates: list[Template] = field(default_factory=list)


@dataclass(slots=True)
class Persona:
    """A name and a picture under which a Page writes."""

    id: str
    page: Page
    name: str
    picture_url: str


@dataclass(slots=True)
class Template:
    """A utility template. `status` is PENDING, then APPROVED."""

    id: str
    page: Page
    name: str
    language: str
    components: list[Any]
    status: str = "PENDING"


@dataclass(slots=True)
class Attachment:
    """A file uploaded to be used again. `expires`: unix seconds, emulated."""

    id: str
    page: Page
    type: str
    url: str
    expires: float


@dataclass(slots=True)
class Comment:
    """What somebody wrote under a post of the Page, or on the Page itself (`post` is then empty)."""

    id: str
    page: Page
    person: Person
    at: float
    post: str = ""
    replied: bool = False


@dataclass(slots=True)
class AdAccount:
    """An ad account. `id` is digits only; on the wire it is written `act_<id>`."""

    id: str
    name: str
    business_id: str
    tos_accepted: bool = True
    currency: str = "USD"
    spent: int = 0
    audiences: list[Audience] = field(default_factory=list)
    campaigns: list[Campaign] = field(default_factory=list)


@dataclass(slots=True)
class Session:
    """One upload session of an audience. `people`: those a replace session has matched so far."""

    id: str
    started: float
    ended: float | None = None
    received: int = 0
    invalid: int = 0
    matched: int = 0
    batches: int = 0
    matching: int = 0
    last_seen: bool = False
    timed_out: bool = False
    people: dict[bytes, Person] = field(default_factory=dict)


@dataclass(slots=True)
class Audience:
    """A custom audience. `members`: matched people now inside; `matched`: people ever matched, which the threshold counts."""

    id: str
    account: AdAccount
    name: str
    created: float
    description: str = ""
    subtype: str = "CUSTOM"
    customer_file_source: str | None = None
    page: Page | None = None
    updated: float = 0.0
    content_updated: float = 0.0
    flagged: bool = False
    deleted: bool = False
    received: int = 0
    invalid: int = 0
    matching: int = 0
    sessions: dict[str, Session] = field(default_factory=dict)
    members: dict[bytes, Person] = field(default_factory=dict)
    matched: set[bytes] = field(default_factory=set)
    replacing: Session | None = None
    replace_failed: bool = False


RequestState = Literal["", "pending", "accepted", "declined"]


@dataclass(slots=True)
class Line:
    """One line of a conversation. `shown` is what stands there beside the text; times are unix seconds, emulated."""

    mid: str
    by: Literal["page", "person"]
    at: float
    text: str = ""
    shown: dict[str, Any] = field(default_factory=dict)
    delivered_at: float | None = None
    read_at: float | None = None
    reaction: str = ""


@dataclass(slots=True)
class Thread:
    """A conversation of a person with a Page; gives them a PSID.

    `asked`: opt-in title -> when it was requested. `silent`: the Page gets no echo and no receipt, for it reached the person by
    phone number or user_ref and they have not answered. `prior`: what their first message says of how they were reached.
    """

    psid: str
    page: Page
    person: Person
    last_inbound: float
    subscriber: Subscriber | None = None
    asked: dict[str, float] = field(default_factory=dict)
    lines: deque[Line] = field(default_factory=lambda: deque(maxlen=MOST_LINES))
    pushes: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=MOST_LINES))
    request: RequestState = ""
    silent: bool = False
    blocked: bool = False
    typing: bool = False
    seen_at: float | None = None
    prior: dict[str, str] | None = None
    referral: dict[str, Any] | None = None  # a link that led here and waits for the first message


@dataclass(slots=True)
class Subscriber:
    """The holder of a subscription token. `origins`: audiences the token was ever born or found in."""

    token: str
    page: Page
    person: Person
    created: float
    source: str | None
    title: str = TITLE
    timezone: str | None = None
    thread: Thread | None = None
    opted_out: bool = False
    received: bool = False
    next_paid: float = 0.0
    next_free: float = 0.0
    origins: list[Audience] = field(default_factory=list)

    def visible(self, threshold: int) -> bool:
        """Whether the token stands in the Page's list: still opted in, and not hidden in a small audience."""
        if self.opted_out:
            return False
        return self.source != "SUBSCRIBER_LIST" or any(len(audience.matched) >= threshold for audience in self.origins)

    def audience_ids(self, threshold: int) -> list[str]:
        """The audiences the person is in now, small ones left out."""
        return [
            audience.id
            for audience in self.origins
            if not audience.deleted and len(audience.matched) >= threshold and self.person.key in audience.members
        ]


@dataclass(slots=True)
class Totals:
    """What happened to the messages of a campaign."""

    accepted: int = 0
    delivered: int = 0
    read: int = 0
    clicked: int = 0
    failed: int = 0
    opted_out: int = 0
    replied: int = 0


@dataclass(slots=True)
class Campaign:
    """A message campaign. Budgets in minor currency units; times unix seconds, emulated."""

    id: str
    account: AdAccount
    page: Page
    name: str
    created: float
    daily_budget: int | None = None
    lifetime_budget: int | None = None
    start: float = 0.0
    end: float | None = None
    bid_amount: int | None = None
    pixel_id: str | None = None
    status: str = "ACTIVE"
    spent: int = 0
    spent_today: int = 0
    today: int = 0
    totals: Totals = field(default_factory=Totals)


KINDS: dict[type, str] = {
    App: "app",
    Business: "business",
    User: "user",
    Page: "page",
    AdAccount: "account",
    Audience: "audience",
    Campaign: "campaign",
    Thread: "thread",
    Persona: "persona",
}
