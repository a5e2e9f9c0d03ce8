"""Connecting Pages: check the tokens against Graph, keep them sealed, subscribe the webhooks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from guestlist.errors import ConfigurationError, DependencyError, GuestlistError, NotAllowedError, RefusedError, UsageError
from guestlist.graph.base import ErrorClass, Graph, GraphError, Terms, TokenInfo
from guestlist.storage import pages as page_rows
from guestlist.storage import rows, tables
from guestlist.storage.base import Row, Transaction

from .base import Services

PAGE_SCOPES = frozenset({"pages_messaging", "pages_manage_metadata"})
ADS_SCOPES = frozenset({"ads_management"})
MARKETING_SCOPES = frozenset({"paid_marketing_messages", "marketing_messages_messenger"})  # one of them
HANDSHAKE_FAILED = 2200
"""Meta's code when the webhook address does not answer its handshake."""
WEBHOOK_FIELDS = (
    "messages",
    "messaging_postbacks",
    "messaging_optins",
    "messaging_optouts",
    "messaging_referrals",
    "message_deliveries",
    "message_reads",
    "message_echoes",
    "message_reactions",
    "feed",
    "marketing_message_echoes",
    "marketing_message_deliveries",
    "marketing_message_delivery_failed",
    "marketing_message_reads",
    "marketing_message_clicks",
    "marketing_messages_subscriber_upload_status",
)


@dataclass(frozen=True, slots=True)
class Connection:
    """What a person gives to connect a Page. Tokens never come from argv, and are never shown again."""

    page_id: str
    ad_account_id: str
    page_token: str
    ads_token: str  # the system user's; the Page's own is used where this is empty
    rate: int | None = None

    def __repr__(self) -> str:
        return f"Connection(page_id={self.page_id!r}, ad_account_id={self.ad_account_id!r})"


def graph_refusal(error: GraphError, doing: str) -> GuestlistError:
    """The error a person meets when a Graph call they asked for failed."""
    sentence = f"{doing}: {error.sentence}"
    data = {"reason": error.reason, "fbtrace_id": error.fbtrace_id}
    kinds: dict[ErrorClass, tuple[type[GuestlistError], str]] = {
        ErrorClass.RETRY: (DependencyError, "Try again in a moment."),
        ErrorClass.WAIT: (DependencyError, "Try again later; Meta is limiting calls."),
        ErrorClass.RECONNECT: (NotAllowedError, "Connect the Page again with a fresh token."),
        ErrorClass.TERMS: (RefusedError, "A person must accept the terms or apply for the feature at Meta."),
        ErrorClass.BILLING: (RefusedError, "Settle the ad account's billing at Meta."),
        ErrorClass.FIX: (UsageError, "Check the ids given."),
        ErrorClass.RECIPIENT: (RefusedError, ""),
    }
    kind, remedy = kinds[error.kind]
    return kind(sentence, code=f"graph_{error.kind.value}", remedy=remedy, **data)


async def connect_page(services: Services, workspace_id: str, connection: Connection) -> Row:
    """The connected Page. A Page connected before gets the new tokens; its lanes, which rested meanwhile, go on.

    Errors: NotAllowedError (token invalid, scope missing), RefusedError `terms_not_accepted` (with the link for a person),
    UsageError, DependencyError. Nothing is kept when a check fails.
    """
    ad_account_id = connection.ad_account_id.removeprefix("act_")
    if not (connection.page_id.isdigit() and ad_account_id.isdigit()):
        raise UsageError("A Page id and an ad account id are digits.", code="bad_id", remedy="Copy them from Business Settings.")
    page_graph = services.graph.with_token(connection.page_token)
    ads_graph = services.graph.with_token(connection.ads_token or connection.page_token)
    try:
        name = await _check_access(services, connection, ad_account_id, page_graph, ads_graph)
        await _subscribe_app(services)
        await page_graph.subscribe_page(connection.page_id, WEBHOOK_FIELDS)
        missing = set(WEBHOOK_FIELDS) - await page_graph.subscribed_fields(connection.page_id)
    except GraphError as error:
        raise graph_refusal(error, "The Page was not connected") from error
    if missing:
        raise RefusedError(
            f"Meta did not subscribe the app to: {', '.join(sorted(missing))}.",
            code="webhooks_not_subscribed",
            remedy="Check the app's webhook set-up and the token's pages_manage_metadata permission.",
        )

    async def unit(tx: Transaction) -> Row:
        return await _keep(tx, services, workspace_id, connection, ad_account_id=ad_account_id, name=name)

    page = await services.db.write(unit)
    await services.wake(f"sync:{workspace_id}:{page['id']}")
    await services.wake(f"ads:{workspace_id}:{ad_account_id}")
    return page


async def _subscribe_app(services: Services) -> None:
    """Tells Meta where our webhooks go, where this installation has an address that Meta can reach."""
    app = services.app
    if app.callback_url and app.verify_token:
        as_app = services.graph.with_token(app.app_token)
        try:
            await as_app.subscribe_app(callback_url=app.callback_url, verify_token=app.verify_token, fields=WEBHOOK_FIELDS)
        except GraphError as error:
            if error.code != HANDSHAKE_FAILED:
                raise
            raise RefusedError(
                f"Meta shook hands with {app.callback_url} and got no answer it accepts.",
                code="callback_not_confirmed",
                remedy="Start `guestlist serve`, see that this address leads to it from outside, then connect again.",
            ) from error


async def _check_access(services: Services, given: Connection, ad_account_id: str, page_graph: Graph, ads_graph: Graph) -> str:
    check_page_token(services, await page_graph.debug_token(), given.page_id)
    check_ads_token(services, await ads_graph.debug_token())
    page = await page_graph.read_page(given.page_id)
    check_terms(await ads_graph.read_terms(ad_account_id))
    return page.name


def check_page_token(services: Services, info: TokenInfo, page_id: str) -> None:
    """Whether a token may do a Page's work. Errors: NotAllowedError, ConfigurationError."""
    _check_token(services, info, "Page token", PAGE_SCOPES)
    if info.profile_id not in (None, page_id):
        raise NotAllowedError(
            "The Page token belongs to another Page.", code="token_of_other_page", remedy="Give this Page's token."
        )


def check_ads_token(services: Services, info: TokenInfo) -> None:
    """Whether a token may do an ad account's work. Errors: NotAllowedError, ConfigurationError."""
    _check_token(services, info, "ads token", ADS_SCOPES)
    if not MARKETING_SCOPES & info.scopes:
        raise _scope_missing("ads token", "paid_marketing_messages or marketing_messages_messenger")


def check_terms(terms: Terms) -> None:
    """Errors: RefusedError `terms_not_accepted`, with the link for a person."""
    if not terms.accepted:
        raise RefusedError(
            "The ad account has not accepted Meta's Custom Audience terms.",
            code="terms_not_accepted",
            remedy=f"An admin of the ad account (not a system user) must accept them: {terms.accept_url}",
            accept_url=terms.accept_url,
        )


def _check_token(services: Services, info: TokenInfo, what: str, scopes: frozenset[str]) -> None:
    if not info.valid:
        raise NotAllowedError(
            f"Meta says the {what} is not valid{': ' + info.error.rstrip('.') if info.error else ''}.",
            code="token_invalid",
            remedy="Get a fresh token from Business Settings (system user) or Graph API Explorer.",
        )
    if services.app.app_id and info.app_id != services.app.app_id:
        raise ConfigurationError(
            f"The {what} was issued for app {info.app_id}, but this installation is app {services.app.app_id}.",
            code="token_of_other_app",
            remedy="Set GUESTLIST_META_APP_ID and GUESTLIST_META_APP_SECRET to that app's, or use a token of this app.",
        )
    missing = scopes - info.scopes
    if missing:
        raise _scope_missing(what, ", ".join(sorted(missing)))


def _scope_missing(what: str, scopes: str) -> NotAllowedError:
    return NotAllowedError(
        f"The {what} lacks a permission: {scopes}.",
        code="scope_missing",
        remedy="Grant it at Meta, make a new token, connect again.",
    )


async def _keep(
    tx: Transaction, services: Services, workspace_id: str, given: Connection, *, ad_account_id: str, name: str
) -> Row:
    now = services.now_ms()
    known = await page_rows.find_connected(tx, workspace_id, given.page_id)
    page_id = known["id"] if known else services.ids.new("pag")
    ads_token = given.ads_token or given.page_token
    values: dict[str, Any] = {
        "name": name,
        "ad_account_id": ad_account_id,
        "page_token": services.vault.seal(given.page_token, f"pages:{page_id}:page_token"),
        "ads_token": services.vault.seal(ads_token, f"pages:{page_id}:ads_token"),
        "state": "connected",
        "reason": "",
        "rate": given.rate or (known["rate"] if known else services.app.page_rate),
        "terms_at": now,
        "checked_at": now,
        "sync_at": now,
    }
    if known:
        await rows.change(tx, tables.pages, workspace_id, page_id, **values)
    else:
        fresh = {"workspace_id": workspace_id, "id": page_id, "page_id": given.page_id, "created_at": now, **values}
        await rows.insert(tx, tables.pages, fresh)
    await services.emit(tx, workspace_id, "page.connected", page_id)
    return await rows.get(tx, tables.pages, workspace_id, page_id)


async def list_pages(services: Services, workspace_id: str, *, after: str | None = None, limit: int = 50) -> list[Row]:
    """Connected Pages, newest first."""

    async def unit(tx: Transaction) -> list[Row]:
        return await tx.fetch_all(rows.page_of(tables.pages, workspace_id, after=after, limit=limit))

    return await services.db.read(unit)


def check_connected(page: Row) -> None:
    """Errors: RefusedError `reconnect_needed`, as nothing goes on there before a person has connected the Page again."""
    if page["state"] != "connected":
        raise RefusedError(
            f"The Page {page['id']} must be connected again by a person: Meta no longer takes its tokens.",
            code="reconnect_needed",
            remedy="Connect it with fresh tokens: guestlist pages connect",
        )


async def mark_dead(services: Services, page: Row, sentence: str) -> None:
    """Notes that a Page's token died: its lanes rest, every row is kept, the owner is told.

    `page` is the row whose token was used: a Page that was connected anew since is not dead.
    """
    workspace_id, page_id = page["workspace_id"], page["id"]

    async def unit(tx: Transaction) -> None:
        current = await rows.get(tx, tables.pages, workspace_id, page_id, lock=True)
        anew = any(current[name] != page[name] for name in ("page_token", "ads_token"))
        if anew or current["state"] == "reconnect":
            return
        await rows.change(tx, tables.pages, workspace_id, page_id, state="reconnect", reason=sentence)
        await services.emit(tx, workspace_id, "page.reconnect_needed", page_id, reason=sentence)

    await services.db.write(unit)
