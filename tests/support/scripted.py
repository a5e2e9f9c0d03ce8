"""Services over a real database, a frozen clock, seeded ids and a Graph that does what the test says. Lanes are run by hand."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from guestlist.actions import inbox, lanes, message_sending, message_timers, notices, profiles, sending, subscribers, tidy
from guestlist.actions.access import DEFAULT_WORKSPACE, ensure_default_workspace
from guestlist.actions.base import MetaApp, Pace, ParsedBody, Services
from guestlist.actions.pages import ADS_SCOPES, MARKETING_SCOPES, PAGE_SCOPES
from guestlist.app import event_dialects
from guestlist.channels.registry import Ways, build_channels
from guestlist.clocks import TimedIds
from guestlist.domain.consent import check_attestation
from guestlist.domain.lanes import Lease
from guestlist.engine.bucket import TokenBucket
from guestlist.engine.pump import pump
from guestlist.graph.base import (
    Applied,
    AudienceInfo,
    CampaignInfo,
    ErrorClass,
    GraphError,
    PageInfo,
    Persona,
    PersonProfile,
    SentMessage,
    Session,
    SessionInfo,
    Terms,
    TokenInfo,
    TokenPage,
    TokenRow,
    UploadAnswer,
)
from guestlist.inbound.parsers import parse_body
from guestlist.lists.engine import FileListEngine
from guestlist.outbound.base import Answer, Outbound, Request
from guestlist.outbound.post import guarded_sockets
from guestlist.storage.base import Database
from guestlist.vault import SealedVault

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
ATTESTATION = check_attestation("Ana, CRM", "Yes, send me offers.", "checkout checkbox")
PAGE_ID, AD_ACCOUNT = "10500000000000021", "30400000000000041"

LOST = GraphError("The answer was lost.", kind=ErrorClass.RETRY, applied=Applied.UNKNOWN)
DEAD_TOKEN = GraphError("The token is no longer valid.", kind=ErrorClass.RECONNECT, code=190, number=190)
DOWN = GraphError("Graph is down.", kind=ErrorClass.RETRY)
NO_PAYMENT = GraphError("A payment method is missing.", kind=ErrorClass.BILLING, code=2300011, number=2300011)
THROTTLED = GraphError("Too many calls.", kind=ErrorClass.WAIT, code=2300078, number=2300078)
OPTED_OUT = GraphError("The person stopped messages.", kind=ErrorClass.RECIPIENT, code=2300034, number=2300034)
WARMING = GraphError("The campaign is warming up.", kind=ErrorClass.WAIT, code=2300041, number=2300041)
BAD_TERMS = GraphError("Terms are not accepted.", kind=ErrorClass.TERMS, code=2300013, number=2300013)


class FrozenClock:
    """Stands until moved."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def move(self, **by: float) -> None:
        """Moves on by hours, minutes, seconds."""
        self.at += timedelta(**by)


@dataclass
class ScriptedGraph:
    """Graph with one Page and one ad account. `script[call]` holds errors to raise, one a call; None lets one through.

    A `LOST` answer has its effect all the same where `lost_has_effect` is set.
    """

    script: dict[str, list[GraphError | None]] = field(default_factory=lambda: defaultdict(list))
    lost_has_effect: bool = True
    calls: list[tuple[str, Any]] = field(default_factory=list)
    audiences: dict[str, AudienceInfo] = field(default_factory=dict)
    campaigns: dict[str, str] = field(default_factory=dict)
    received: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    added: list[tuple[Session, list[tuple[str, ...]]]] = field(default_factory=list)
    taken_out: list[tuple[Session, list[tuple[str, ...]]]] = field(default_factory=list)
    replaced: list[tuple[Session, list[tuple[str, ...]]]] = field(default_factory=list)
    tokens: list[TokenRow] = field(default_factory=list)
    origins: dict[str, list[str]] = field(default_factory=dict)
    sent: list[tuple[str, str]] = field(default_factory=list)
    messages: list[Any] = field(default_factory=list)
    attachments: list[tuple[str, str]] = field(default_factory=list)
    personas: dict[str, Persona] = field(default_factory=dict)
    profile: dict[str, Any] = field(default_factory=dict)
    profiles: dict[str, dict[str, str]] = field(default_factory=dict)
    percent: float = 0.0
    regains: float = 0.0
    terms: bool = True
    scopes: frozenset[str] = PAGE_SCOPES | ADS_SCOPES | MARKETING_SCOPES
    page_size: int = 1000
    before_call: Callable[[str], None] = lambda name: None

    def with_token(self, token: str) -> ScriptedGraph:
        return self

    def usage(self, scope: str) -> float:
        return self.percent

    def regain(self, scope: str) -> float:
        return self.regains

    async def close(self) -> None:
        """Nothing to close."""

    def _enter(self, name: str, what: Any, effect: Callable[[], Any] = lambda: None) -> Any:
        self.before_call(name)
        self.calls.append((name, what))
        error = self.script[name].pop(0) if self.script[name] else None
        if error is None:
            return effect()
        if error.applied is Applied.UNKNOWN and self.lost_has_effect:
            effect()
        raise error

    async def debug_token(self) -> TokenInfo:
        def effect() -> TokenInfo:
            return TokenInfo(True, "PAGE", "1", None, self.scopes, None)

        return self._enter("debug_token", None, effect)

    async def read_page(self, page_id: str) -> PageInfo:
        return self._enter("read_page", page_id, lambda: PageInfo(page_id, "Northwind Coffee"))

    async def read_terms(self, ad_account_id: str) -> Terms:
        return self._enter("read_terms", ad_account_id, lambda: Terms(self.terms, "https://business.facebook.com/terms"))

    async def subscribe_page(self, page_id: str, fields: Sequence[str]) -> None:
        self._enter("subscribe_page", page_id)

    async def subscribe_app(self, *, callback_url: str, verify_token: str, fields: Sequence[str]) -> None:
        self._enter("subscribe_app", callback_url)

    async def subscribed_fields(self, page_id: str) -> frozenset[str]:
        from guestlist.actions.pages import WEBHOOK_FIELDS

        return self._enter("subscribed_fields", page_id, lambda: frozenset(WEBHOOK_FIELDS))

    async def create_audience(self, ad_account_id: str, *, name: str, description: str, page_id: str) -> str:
        def effect() -> str:
            meta_id = str(12000000 + len(self.audiences))
            self.audiences[meta_id] = AudienceInfo(meta_id, name, description, page_id, "", None, None, 441, "", 200, "")
            return meta_id

        return self._enter("create_audience", name, effect)

    def match(self, meta_id: str, lower: int, upper: int) -> None:
        """Meta has matched the audience."""
        old = self.audiences[meta_id]
        self.audiences[meta_id] = AudienceInfo(
            meta_id, old.name, old.description, old.page_id, "", lower, upper, 200, "Normal", 200, ""
        )

    async def list_audiences(self, ad_account_id: str) -> Sequence[AudienceInfo]:
        return self._enter("list_audiences", None, lambda: list(self.audiences.values()))

    async def read_audience(self, audience_id: str) -> AudienceInfo:
        return self._enter("read_audience", audience_id, lambda: self.audiences[audience_id])

    async def delete_audience(self, audience_id: str) -> None:
        self._enter("delete_audience", audience_id, lambda: self.audiences.pop(audience_id))

    async def add_users(
        self, audience_id: str, *, schema: Sequence[str], data: Sequence[Sequence[str]], session: Session
    ) -> UploadAnswer:
        def effect() -> UploadAnswer:
            return self._take(self.added, data, session)

        return self._enter("add_users", session.batch_seq, effect)

    async def remove_users(
        self, audience_id: str, *, schema: Sequence[str], data: Sequence[Sequence[str]], session: Session
    ) -> UploadAnswer:
        return self._enter("remove_users", session.batch_seq, lambda: self._take(self.taken_out, data, session))

    async def replace_users(
        self, audience_id: str, *, schema: Sequence[str], data: Sequence[Sequence[str]], session: Session
    ) -> UploadAnswer:
        return self._enter("replace_users", session.batch_seq, lambda: self._take(self.replaced, data, session))

    def _take(self, book: list[Any], data: Sequence[Sequence[str]], session: Session) -> UploadAnswer:
        book.append((session, [tuple(row) for row in data]))
        self.received[str(session.session_id)] += len(data)
        return UploadAnswer(self.received[str(session.session_id)], 0, str(session.session_id))

    async def read_sessions(self, audience_id: str) -> Sequence[SessionInfo]:
        return self._enter("read_sessions", None, lambda: [SessionInfo(key, n, 0, "") for key, n in self.received.items()])

    async def list_tokens(
        self, page_id: str, *, after: str | None = None, limit: int = 1000, opt_in_source: str | None = None
    ) -> TokenPage:
        def effect() -> TokenPage:
            rows = self.tokens
            if opt_in_source is not None:
                rows = [row for row in rows if row.token in self.origins.get(opt_in_source, [])]
            start = int(after or 0)
            end = start + min(limit, self.page_size)
            return TokenPage(rows[start:end], str(end) if end < len(rows) else None)

        return self._enter("list_tokens", opt_in_source, effect)

    async def create_campaign(self, ad_account_id: str, *, name: str, **rest: Any) -> str:
        def effect() -> str:
            meta_id = str(77000000 + len(self.campaigns))
            self.campaigns[meta_id] = name
            return meta_id

        return self._enter("create_campaign", name, effect)

    async def list_campaigns(self, ad_account_id: str) -> Sequence[CampaignInfo]:
        return self._enter("list_campaigns", None, lambda: [CampaignInfo(*item) for item in self.campaigns.items()])

    async def send_marketing_message(self, ad_account_id: str, *, campaign_id: str, token: str, message: Any) -> str:
        def effect() -> str:
            self.sent.append((campaign_id, token))
            return f"track-{campaign_id}-{token}"

        return self._enter("send", token, effect)

    async def read_profile(self, psid: str) -> PersonProfile | None:
        """Who is in `profiles`; nobody else may be seen."""
        known = self.profiles.get(psid)
        return self._enter("read_profile", psid, lambda: PersonProfile(**known) if known else None)

    async def send_message(self, page_id: str, body: Any) -> SentMessage:
        """Takes every message; `messages` holds them in order."""

        def effect() -> SentMessage:
            self.messages.append(body)
            return SentMessage(body["recipient"].get("id"), f"m_{len(self.messages)}")

        return self._enter("send_message", body["message"]["metadata"], effect)

    async def send_action(self, page_id: str, psid: str, action: str) -> None:
        self._enter("send_action", (psid, action))

    async def upload_attachment(self, page_id: str, kind: str, url: str) -> str:
        def effect() -> str:
            self.attachments.append((kind, url))
            return str(66000000 + len(self.attachments))

        return self._enter("upload_attachment", (kind, url), effect)

    async def create_persona(self, page_id: str, name: str, picture_url: str) -> str:
        def effect() -> str:
            persona_id = str(55000000 + len(self.personas))
            self.personas[persona_id] = Persona(persona_id, name, picture_url)
            return persona_id

        return self._enter("create_persona", name, effect)

    async def list_personas(self, page_id: str) -> Sequence[Persona]:
        return self._enter("list_personas", None, lambda: list(self.personas.values()))

    async def delete_persona(self, persona_id: str) -> None:
        self._enter("delete_persona", persona_id, lambda: self.personas.pop(persona_id, None))

    async def read_messenger_profile(self, fields: Sequence[str]) -> dict[str, Any]:
        def effect() -> dict[str, Any]:
            return {name: value for name, value in self.profile.items() if name in fields}

        return self._enter("read_messenger_profile", None, effect)

    async def set_messenger_profile(self, profile: Any) -> None:
        self._enter("set_messenger_profile", sorted(profile), lambda: self.profile.update(profile))

    async def clear_messenger_profile(self, fields: Sequence[str]) -> None:
        def effect() -> None:
            self.profile = {name: value for name, value in self.profile.items() if name not in fields}

        self._enter("clear_messenger_profile", list(fields), effect)


@dataclass
class ScriptedPost:
    """Customers' servers: each URL answers as scripted, 204 otherwise. `requests` holds what was posted, in order."""

    answers: dict[str, list[Answer]] = field(default_factory=lambda: defaultdict(list))
    requests: list[Request] = field(default_factory=list)
    before: Callable[[Request], Any] = lambda request: None

    async def __call__(self, request: Request, *, timeout: float, limit: int) -> Answer:
        self.before(request)
        self.requests.append(request)
        script = self.answers[request.url]
        return script.pop(0) if script else Answer(204, milliseconds=12)


def token_row(token: str, *audience_ids: str, psid: str | None = None) -> TokenRow:
    """A token as Meta lists it."""
    return TokenRow(token, psid, None, None, None, None, None, audience_ids)


@dataclass
class Owned:
    """A lane, owned by the test."""

    lease: Lease
    gone: bool = False

    def lost(self) -> bool:
        return self.gone


@dataclass
class House:
    """An installation whose lanes run when the test says so."""

    services: Services
    graph: ScriptedGraph
    clock: FrozenClock
    workspace_id: str = DEFAULT_WORKSPACE
    fence: int = 0

    def own(self, lane: str) -> Owned:
        """A fresh ownership of a lane, as after a takeover."""
        self.fence += 1
        return Owned(Lease(lane, "test", self.fence))

    async def run_ads(self) -> None:
        await lanes.run_ads_lane(self.services, self.own(f"ads:{self.workspace_id}:{AD_ACCOUNT}"))

    async def run_page(self, page_id: str) -> None:
        await sending.run_page_lane(self.services, self.own(f"page:{self.workspace_id}:{page_id}"))

    async def run_sync(self, page_id: str) -> None:
        await subscribers.request_sync(self.services, self.workspace_id, page_id)
        await subscribers.run_sync_lane(self.services, self.own(f"sync:{self.workspace_id}:{page_id}"))

    async def run_send(self, account_id: str) -> float | None:
        return await message_sending.run_send_lane(self.services, self.own(f"send:{self.workspace_id}:{account_id}"))

    async def run_profiles(self, page_id: str) -> float | None:
        return await profiles.run_profile_lane(self.services, self.own(f"profiles:{self.workspace_id}:{page_id}"))

    async def run_due(self) -> float | None:
        return await message_timers.run_due_lane(self.services, self.own(f"due:{self.workspace_id}"))

    async def run_notify(self, endpoint_id: str, *, draw: float = 0.0) -> float | None:
        lane = self.own(f"notify:{self.workspace_id}:{endpoint_id}")
        return await notices.run_notify_lane(self.services, lane, draw=lambda: draw)

    async def run_tidy(self) -> None:
        await tidy.run_tidy_lane(self.services, self.own("tidy:all"))

    async def run_inbox(self) -> None:
        await inbox.run_inbox_lane(self.services, self.own("inbox:meta"))


async def build_house(database: Database, graph: ScriptedGraph | None = None) -> House:
    """Services on a migrated database, with the default workspace."""
    clock = FrozenClock()
    graph = graph or ScriptedGraph()

    async def wake(lane: str) -> None:
        """Lanes are run by hand."""

    services = Services(
        db=database,
        clock=clock,
        ids=TimedIds(clock, random.Random(7).getrandbits),
        graph=graph,
        vault=SealedVault(bytes(32)),
        lists=FileListEngine(),
        app=MetaApp(app_id="", app_token="1|s", verify_token="v", callback_url="", page_rate=0),
        pace=Pace(
            upload_poll=timedelta(minutes=2),
            sync=timedelta(hours=1),
            webhooks_kept=timedelta(days=7),
            notices_kept=timedelta(days=30),
        ),
        wake=wake,
        parse=_parse,
        bucket=lambda page_id, rate: TokenBucket(0),
        pump=pump,
        channels=build_channels(graph, Ways.through(guarded_sockets())),
        outbound=Outbound(ScriptedPost(), event_dialects()),
    )
    await ensure_default_workspace(services)
    return House(services, graph, clock)


def _parse(provider: str, app_id: str, body: bytes, received_at: datetime) -> ParsedBody:
    parsed = parse_body(provider, body, received_at, app_id=app_id)
    return ParsedBody(parsed.facts, [f"{each.kind}: {each.field} {each.problem}" for each in parsed.refused])
