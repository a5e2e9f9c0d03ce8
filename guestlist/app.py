"""The wiring: where every contract meets its implementation. Nothing else knows all rooms."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import IO, Any

from pydantic import SecretStr
from starlette.types import ASGIApp

from guestlist.actions import (
    access,
    accounts,
    inbox,
    lanes,
    message_sending,
    message_timers,
    notices,
    profiles,
    sending,
    subscribers,
    tidy,
)
from guestlist.actions.base import MetaApp, Pace, ParsedBody, Services
from guestlist.channels.registry import Ways, build_channels
from guestlist.clocks import SystemClock, TimedIds
from guestlist.domain.identifiers import Clock
from guestlist.engine.base import Bucket, HandOver, LaneHandler, Ownership
from guestlist.engine.bucket import TokenBucket
from guestlist.engine.lanes import Lanes, Timing
from guestlist.engine.pump import pump
from guestlist.engine.wakeups import PgQueuerWakeups
from guestlist.errors import ConfigurationError, DependencyError, RefusedError
from guestlist.graph.client import GraphClients
from guestlist.graph.transport import AiohttpTransport
from guestlist.inbound.accounts import AccountReceiver
from guestlist.inbound.dispatch import Dispatcher
from guestlist.inbound.parsers import parse_body
from guestlist.inbound.receiver import MetaReceiver
from guestlist.lists.engine import FileListEngine
from guestlist.outbound.base import Dialect, Outbound
from guestlist.outbound.dialects import (
    amio_dialect,
    comapi_dialect,
    gupshup_dialect,
    gupshup_reports_dialect,
    native_dialect,
)
from guestlist.outbound.post import GuardedPost, guarded_sockets
from guestlist.settings import Settings, load_key
from guestlist.storage import work
from guestlist.storage.base import Database
from guestlist.storage.database import is_sqlite, open_database
from guestlist.storage.instants import to_ms
from guestlist.storage.leases import Leases
from guestlist.storage.migrate import migrate
from guestlist.storage.webhooks import StoredInbox
from guestlist.vault import SealedVault

LANES: Mapping[str, Callable[[Services, Ownership], Awaitable[float | None]]] = {
    "page": sending.run_page_lane,
    "ads": lanes.run_ads_lane,
    "sync": subscribers.run_sync_lane,
    "inbox": inbox.run_inbox_lane,
    "send": message_sending.run_send_lane,
    "due": message_timers.run_due_lane,
    "profiles": profiles.run_profile_lane,
    "notify": notices.run_notify_lane,
    "tidy": tidy.run_tidy_lane,
}
"""What runs each kind of lane."""


@dataclass(frozen=True, slots=True)
class App:
    """A wired installation: what the doors use, and the engine that does the rest."""

    settings: Settings
    services: Services
    engine: Lanes
    workspace_id: str

    def asgi(self) -> ASGIApp:
        """The HTTP side: webhooks in, then the API."""
        from guestlist.api.app import build_api  # late: most commands serve nothing and need no web framework

        stored = StoredInbox(self.services.db, self.services.clock, stored=_ring(self.engine))
        meta = MetaReceiver(stored, MetaSecrets(self.settings), max_bytes=self.settings.webhook_max_bytes)
        receiver = AccountReceiver(
            stored, StoredSecrets(self.services), otherwise=meta, public_url=self.settings.public_url or ""
        )
        api = build_api(self.services, ready=partial(check_ready, self.services), list_max_bytes=self.settings.list_max_bytes)
        return Dispatcher(api, receiver)


class Buckets:
    """A Page's bucket, kept between runs of its lane so that a halved rate is not forgotten; a new one when its cap changes."""

    def __init__(self, share: float) -> None:
        self._share = share
        self._kept: dict[str, tuple[int, TokenBucket]] = {}

    def __call__(self, page_id: str, cap: int) -> TokenBucket:
        """The bucket of a Page whose cap is so many calls a second."""
        kept = self._kept.get(page_id)
        if kept is None or kept[0] != cap:
            kept = self._kept[page_id] = (cap, TokenBucket.under_cap(cap, share=self._share))
        return kept[1]


class MetaSecrets:
    """Implements inbound.base.Secrets from the settings: one Meta app an installation."""

    def __init__(self, settings: Settings) -> None:
        self._app_id = settings.meta_app_id
        self._secret = _clear(settings.meta_app_secret)
        self._verify_token = _clear(settings.meta_verify_token)

    def signing_secret(self, provider: str, app_id: str | None) -> str | None:
        """The app's secret, or None for an app that is not ours."""
        return self._secret if self._is_ours(provider, app_id) else None

    def verify_token(self, provider: str, app_id: str | None) -> str | None:
        """The token Meta's handshake must show."""
        return self._verify_token if self._is_ours(provider, app_id) else None

    def _is_ours(self, provider: str, app_id: str | None) -> bool:
        return provider == "meta" and app_id in (None, self._app_id)


class StoredSecrets:
    """Implements inbound.accounts.AccountSecrets over the accounts that are connected."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def find_secret(self, provider: str, account_id: str) -> str | None:
        """What the webhooks of an account are proven with."""
        return await accounts.find_webhook_secret(self._services, provider, account_id)


@asynccontextmanager
async def open_app(
    settings: Settings, *, clock: Clock | None = None, kinds: Collection[str] = tuple(LANES)
) -> AsyncIterator[App]:
    """The installation of these settings, migrated and connected; everything is closed on the way out.

    `kinds` are the lanes its engine may run: a command that creates an audience must not begin to send.
    Errors: ConfigurationError, DependencyError. The engine does not run yet: `run_engine`.
    """
    clock = clock or SystemClock()
    _make_folder(settings)
    async with AsyncExitStack() as stack:
        await migrate(settings.database_url)
        database = await open_database(settings.database_url)
        stack.push_async_callback(database.close)
        graph = _graph_clients(settings)
        stack.push_async_callback(graph.close)
        embedded = is_sqlite(settings.database_url)
        wakeups = PgQueuerWakeups.in_memory() if embedded else PgQueuerWakeups.on_postgres(settings.database_url)
        stack.push_async_callback(wakeups.stop)
        timing = Timing(lease=settings.lease_seconds, beat=settings.lease_seconds * 0.3, sweep=settings.sweep_seconds)
        engine = Lanes(Leases(database), wakeups, owner=_owner(), timing=timing)
        post = GuardedPost(settings.allow_networks)
        stack.push_async_callback(post.close)
        outbound = Outbound(post, event_dialects(), settings.allow_networks)
        ways = Ways.through(guarded_sockets(settings.allow_networks), settings.public_url or "")
        stack.push_async_callback(ways.close)
        services = _services(settings, database, graph, engine, clock, outbound, ways)
        for kind in kinds:
            engine.lane(kind, _bound(LANES[kind], services))
        engine.sweep(lambda: _due(services, kinds))
        workspace_id = await access.ensure_default_workspace(services)
        yield App(settings, services, engine, workspace_id)


def _bound(function: Callable[[Services, Ownership], Awaitable[float | None]], services: Services) -> LaneHandler:
    return partial(function, services)


def event_dialects() -> Mapping[str, Dialect]:
    """How endpoints are told of events, by dialect."""
    from guestlist.api.dialects.amio.events import AmioRenderer  # late, as above
    from guestlist.api.dialects.comapi.event_shapes import ComapiRenderer
    from guestlist.api.dialects.gupshup.callback import GupshupRenderer, send_answer
    from guestlist.api.dialects.gupshup.reports import ReportRenderer

    known = (
        native_dialect(),
        comapi_dialect(ComapiRenderer()),
        amio_dialect(AmioRenderer()),
        gupshup_dialect(GupshupRenderer(), send_answer),
        gupshup_reports_dialect(ReportRenderer()),
    )
    return {each.name: each for each in known}


def _services(
    settings: Settings,
    database: Database,
    graph: GraphClients,
    engine: Lanes,
    clock: Clock,
    outbound: Outbound,
    ways: Ways,
) -> Services:
    async def hand_over(
        rows: HandOver[Any, Any], bucket: Bucket, ownership: Ownership, *, in_flight: int = settings.in_flight
    ) -> None:
        await pump(rows, bucket, ownership, in_flight=min(in_flight, settings.in_flight))

    return Services(
        db=database,
        clock=clock,
        ids=TimedIds(clock),
        graph=graph,
        vault=SealedVault(load_key(settings)),
        lists=FileListEngine(workers=settings.list_workers, max_unpacked=settings.list_max_unpacked),
        app=_meta_app(settings),
        pace=_pace(settings),
        wake=engine.wake,
        parse=_parse,
        bucket=Buckets(settings.page_rate_share),
        pump=hand_over,
        channels=build_channels(graph, ways),
        outbound=outbound,
        public_url=settings.public_url or "",
    )


def _pace(settings: Settings) -> Pace:
    return Pace(
        upload_poll=timedelta(seconds=settings.upload_poll_seconds),
        sync=timedelta(hours=settings.sync_hours),
        webhooks_kept=timedelta(days=settings.webhook_days),
        notices_kept=timedelta(days=settings.notice_days),
    )


def _meta_app(settings: Settings) -> MetaApp:
    return MetaApp(
        app_id=settings.meta_app_id or "",
        app_token=f"{settings.meta_app_id}|{_clear(settings.meta_app_secret)}",
        verify_token=_clear(settings.meta_verify_token) or "",
        callback_url=f"{settings.public_url}/webhooks/meta" if settings.public_url else "",
        page_rate=settings.page_rate,
    )


def _clear(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _graph_clients(settings: Settings) -> GraphClients:
    transport = AiohttpTransport(
        connect=settings.graph_connect_timeout, total=settings.graph_timeout, connections=settings.graph_connections
    )
    return GraphClients(
        transport,
        base_url=settings.graph_url,
        version=settings.graph_version,
        app_id=settings.meta_app_id,
        app_secret=_clear(settings.meta_app_secret),
    )


def _parse(provider: str, app_id: str, body: bytes, received_at: datetime) -> ParsedBody:
    parsed = parse_body(provider, body, received_at, app_id=app_id)
    return ParsedBody(parsed.facts, [f"{each.kind}: {each.field} {each.problem}" for each in parsed.refused])


def _owner() -> str:
    """Names this process among the owners of lanes."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


async def _due(services: Services, kinds: Collection[str] = tuple(LANES)) -> list[str]:
    now = to_ms(services.clock.now())
    found = await services.db.read(lambda tx: work.due_lanes(tx, now))
    return [lane for lane in found if lane.partition(":")[0] in kinds]


def _ring(engine: Lanes) -> Callable[[], None]:
    """Wakes the inbox's lane after a webhook is stored; rings that come while one is under way are one."""
    ringing: set[asyncio.Task[None]] = set()

    def ring() -> None:
        if not ringing:
            task = asyncio.create_task(engine.wake(work.INBOX_LANE))
            ringing.add(task)
            task.add_done_callback(ringing.discard)

    return ring


async def check_ready(services: Services) -> dict[str, str]:
    """What must work before requests are sent here, each with "ok" or what is wrong."""
    try:
        await _due(services)
    except DependencyError as error:
        return {"database": error.sentence}
    return {"database": "ok"}


@asynccontextmanager
async def run_engine(app: App) -> AsyncIterator[None]:
    """Runs the lanes in this process; on the way out hand-overs finish and lanes are released."""
    task = asyncio.create_task(app.engine.run())
    await app.engine.wake(tidy.TIDY_LANE)
    try:
        yield
    finally:
        await app.engine.stop()
        await task


def _make_folder(settings: Settings) -> None:
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        kind = DependencyError if error.errno == errno.ENOSPC else ConfigurationError
        raise kind(
            f"The data folder {settings.data} cannot be made: {error.strerror}.",
            code="no_data_folder",
            remedy="Name another one with --data or GUESTLIST_DATA.",
        ) from error


def lock_data_folder(settings: Settings) -> IO[str]:
    """Holds the data folder for this server until the returned file is closed; the system lets go of it when we die.

    Errors: RefusedError `data_folder_in_use` while another server on this machine holds it.
    """
    _make_folder(settings)
    path = settings.data / "server.lock"
    file = path.open("a+", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise RefusedError(
            f"Another server (process {holder}) uses the data folder {settings.data}.",
            code="data_folder_in_use",
            remedy="Stop it, or give this one its own folder with --data. Several workers need PostgreSQL (DATABASE_URL).",
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def find_server(settings: Settings) -> str | None:
    """The process id of the server that holds the data folder; None while none on this machine does."""
    try:
        with (settings.data / "server.lock").open(encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        return (settings.data / "server.lock").read_text(encoding="ascii").strip() or "unknown"
    return None
