"""Endpoints: customers' URLs that receive events. Made, changed, given a new secret, tested; what they were told, told again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from guestlist.domain.events import TEST, check_kinds, encode_kinds
from guestlist.domain.identifiers import encode_id
from guestlist.domain.networks import PrivateAddressError, check_url
from guestlist.errors import NotFoundError, RefusedError, UsageError
from guestlist.outbound.base import Dialect, Endpoint, Request
from guestlist.storage import endpoints as endpoint_rows
from guestlist.storage import messaging_tables as tables
from guestlist.storage import notices as notice_rows
from guestlist.storage import rows
from guestlist.storage.base import Row, Transaction, Unit
from guestlist.storage.event_rows import read_event_rows
from guestlist.storage.instants import from_ms, to_ms
from guestlist.storage.tables import pages

from .base import Services
from .telling import build_told, render_request

OVERLAP = timedelta(hours=24)
LONGEST_OVERLAP = timedelta(days=30)
BLOCK = 2000
"""Past events put on their way again in one transaction."""

ENABLED, DISABLED = "enabled", "disabled"

BY_HAND = "by_hand"
"""Why an endpoint is disabled that a person switched off."""


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """An endpoint to make. `secret` None = make one; "" = unsigned, where the dialect permits it."""

    name: str
    url: str = field(repr=False)
    kinds: tuple[str, ...] = ()  # of domain.events, or `noun.*`; none = all
    dialect: str = ""
    scope: str = ""  # only events of this account
    config: Mapping[str, Any] = field(default_factory=dict)
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Created:
    """An endpoint with its secret: the one time it is shown."""

    row: Row = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NoticeStory:
    """A notice with its event, the request as it would be made now, and every try with its answer."""

    notice: Row
    request: Request | None = field(repr=False)
    tries: list[Row] = field(repr=False)


# -- make and change ------------------------------------------------------------------------------------------------


async def create_endpoint(services: Services, workspace_id: str, new: NewEndpoint) -> Created:
    """Makes an endpoint; events from now on are told.

    Errors: UsageError `bad_name`, `bad_url`, `private_address`, `unknown_kind`, `bad_secret`, `unknown_dialect`; NotFoundError
    for a scope that is no account.
    """
    dialect = _dialect(services, new.dialect)
    _check_url(services, new.url)
    secret = _check_secret(dialect, new.secret)
    endpoint_id = services.ids.new("end")
    row: dict[str, Any] = {
        "workspace_id": workspace_id,
        "id": endpoint_id,
        "name": _check_name(new.name),
        "url": new.url,
        "dialect": dialect.name,
        "scope": new.scope,
        "kinds": _encode_kinds(new.kinds),
        "config": orjson.dumps(dict(new.config)).decode(),
        "secret": services.vault.seal(secret, f"endpoints:{endpoint_id}:secret"),
        **dict.fromkeys(("old_secret", "old_secret_until", "failing_since")),
        "state": ENABLED,
        "reason": "",
        "created_at": services.now_ms(),
    }

    async def unit(tx: Transaction) -> None:
        await _check_scope(tx, workspace_id, new.scope)
        await rows.insert(tx, tables.endpoints, row)

    await services.db.write(unit)
    return Created(row, secret)


async def update_endpoint(
    services: Services,
    workspace_id: str,
    endpoint_id: str,
    *,
    name: str | None = None,
    url: str | None = None,
    kinds: tuple[str, ...] | None = None,
    scope: str | None = None,
    config: Mapping[str, Any] | None = None,
    enabled: bool | None = None,
    secret: str | None = None,
) -> Row:
    """Changes what is given. Enabled again, it is told what happens from then on: replay what it missed.

    A `secret` given takes the place of the old one at once; `rotate_secret` lets the two overlap.
    Errors: NotFoundError, and those of `create_endpoint`.
    """
    values: dict[str, Any] = {}
    if name is not None:
        values["name"] = _check_name(name)
    if url is not None:
        _check_url(services, url)
        values["url"] = url
    if kinds is not None:
        values["kinds"] = _encode_kinds(kinds)
    if scope is not None:
        values["scope"] = scope
    if config is not None:
        values["config"] = orjson.dumps(dict(config)).decode()
    if enabled is not None:
        values |= {"state": ENABLED if enabled else DISABLED, "reason": "" if enabled else BY_HAND, "failing_since": None}

    async def unit(tx: Transaction) -> Row:
        await _check_scope(tx, workspace_id, scope or "")
        row = await rows.get(tx, tables.endpoints, workspace_id, endpoint_id, lock=True)
        if secret is not None:
            checked = _check_secret(_dialect(services, row["dialect"]), secret)
            sealed = services.vault.seal(checked, f"endpoints:{endpoint_id}:secret")
            values.update(secret=sealed, old_secret=None, old_secret_until=None)
        if enabled is False:
            await notice_rows.fail_pending(tx, workspace_id, endpoint_id, "endpoint_disabled")
        return await endpoint_rows.change_endpoint(tx, workspace_id, endpoint_id, **values)

    return await services.db.write(unit)


async def rotate_secret(
    services: Services, workspace_id: str, endpoint_id: str, *, overlap: timedelta = OVERLAP, secret: str | None = None
) -> Created:
    """Gives an endpoint a new secret. For the time of the overlap requests are signed with both.

    Errors: NotFoundError, UsageError `bad_overlap`, `bad_secret`, RefusedError `unsigned`.
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise UsageError("The overlap is longer than 30 days, or negative.", code="bad_overlap", remedy="Give 0 to 720 hours.")

    async def unit(tx: Transaction) -> tuple[Row, str]:
        row = await rows.get(tx, tables.endpoints, workspace_id, endpoint_id, lock=True)
        fresh = _check_secret(_dialect(services, row["dialect"]), secret)
        if not fresh:
            sentence = "Requests to this endpoint are not signed: its dialect has no signature."
            raise RefusedError(sentence, code="unsigned", remedy="Put what is secret into the URL.")
        old = services.vault.open(row["secret"], f"endpoints:{endpoint_id}:secret")
        values = {
            "secret": services.vault.seal(fresh, f"endpoints:{endpoint_id}:secret"),
            "old_secret": services.vault.seal(old, f"endpoints:{endpoint_id}:old_secret") if overlap and old else None,
            "old_secret_until": to_ms(services.clock.now() + overlap) if overlap and old else None,
        }
        return await endpoint_rows.change_endpoint(tx, workspace_id, endpoint_id, **values), fresh

    return Created(*await services.db.write(unit))


async def delete_endpoint(services: Services, workspace_id: str, endpoint_id: str) -> None:
    """Removes an endpoint and its log; nothing more goes there. Errors: NotFoundError."""

    async def unit(tx: Transaction) -> None:
        await rows.get(tx, tables.endpoints, workspace_id, endpoint_id, lock=True)
        await endpoint_rows.delete_endpoint(tx, workspace_id, endpoint_id)

    await services.db.write(unit)


async def get_endpoint(services: Services, workspace_id: str, endpoint_id: str) -> Row:
    """One endpoint. Errors: NotFoundError."""
    return await services.find_row(tables.endpoints, workspace_id, endpoint_id)


async def list_endpoints(
    services: Services,
    workspace_id: str,
    *,
    dialect: str | None = None,
    scope: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[Row]:
    """Endpoints, newest first; of one dialect or one account where asked for."""
    return await services.db.read(
        lambda tx: endpoint_rows.list_endpoints(tx, workspace_id, dialect=dialect, scope=scope, after=after, limit=limit)
    )


# -- notices --------------------------------------------------------------------------------------------------------


async def send_test_event(services: Services, workspace_id: str, endpoint_id: str) -> Row:
    """Tells this endpoint, and no other, an `endpoint.test`; the notice.

    Errors: NotFoundError, RefusedError `endpoint_disabled`.
    """

    async def unit(tx: Transaction) -> tuple[set[str], Row]:
        row = await _get_enabled(tx, workspace_id, endpoint_id)
        lanes = await services.emit(tx, workspace_id, TEST, endpoint_id, name=row["name"])
        [notice] = await notice_rows.list_notices(tx, workspace_id, endpoint_id, state=None, after=None, limit=1)
        return lanes, notice

    lanes, notice = await services.db.write(unit)
    await _wake(services, lanes)
    return notice


async def list_notices(
    services: Services,
    workspace_id: str,
    endpoint_id: str,
    *,
    state: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[Row]:
    """What an endpoint was, or is to be, told, newest first, each with its event. Errors: NotFoundError."""

    async def unit(tx: Transaction) -> list[Row]:
        await rows.get(tx, tables.endpoints, workspace_id, endpoint_id)
        return await notice_rows.list_notices(tx, workspace_id, endpoint_id, state=state, after=after, limit=limit)

    return await services.db.read(unit)


async def get_notice(services: Services, workspace_id: str, endpoint_id: str, notice_id: str) -> NoticeStory:
    """A notice with its tries. The request is rendered anew, as no copy of it is kept. Errors: NotFoundError."""

    async def unit(tx: Transaction) -> tuple[Row, Row, list[Row], Any]:
        row = await rows.get(tx, tables.endpoints, workspace_id, endpoint_id)
        notice = await _get_notice(tx, workspace_id, endpoint_id, notice_id)
        tries = await notice_rows.tries_of(tx, workspace_id, endpoint_id, notice_id)
        return row, notice, tries, await read_event_rows(tx, workspace_id, [notice])

    row, notice, tries, found = await services.db.read(unit)
    told = build_told(notice, found)
    request = render_request(_dialect(services, row["dialect"]), open_endpoint(services, row), [told])
    return NoticeStory(notice, request, tries)


async def replay_notice(services: Services, workspace_id: str, endpoint_id: str, notice_id: str) -> Row:
    """Tells one event again, now, under the same id. Errors: NotFoundError, RefusedError `endpoint_disabled`."""

    async def unit(tx: Transaction) -> Row:
        await _get_enabled(tx, workspace_id, endpoint_id)
        await notice_rows.begin_again(tx, workspace_id, endpoint_id, services.now_ms(), notice_id=notice_id)
        return await _get_notice(tx, workspace_id, endpoint_id, notice_id)

    notice = await services.db.write(unit)
    await _wake(services, {notice_rows.notify_lane(workspace_id, endpoint_id)})
    return notice


async def replay_failed(services: Services, workspace_id: str, endpoint_id: str) -> int:
    """Tells everything again that was given up; how many. Errors: NotFoundError, RefusedError `endpoint_disabled`."""

    async def unit(tx: Transaction) -> int:
        await _get_enabled(tx, workspace_id, endpoint_id)
        return await notice_rows.begin_again(tx, workspace_id, endpoint_id, services.now_ms())

    begun = await services.db.write(unit)
    await _wake(services, {notice_rows.notify_lane(workspace_id, endpoint_id)})
    return begun


async def replay_range(
    services: Services, workspace_id: str, endpoint_id: str, since: datetime, until: datetime | None = None
) -> int:
    """Tells everything again that happened from `since` until before `until` and that the endpoint asks for, told before or not.

    How many events. Errors: NotFoundError, RefusedError `endpoint_disabled`, UsageError `bad_range`.
    """
    end = until or services.clock.now() + timedelta(milliseconds=1)
    if not from_ms(0) <= since < end:
        raise UsageError("The range ends before it begins.", code="bad_range", remedy="Give a `since` that lies before `until`.")
    after, before = encode_id("evt", to_ms(since), 0), encode_id("evt", to_ms(end), 0)
    total = 0
    while True:
        told, after, lasts = await services.db.write(_again(services, workspace_id, endpoint_id, after, before))
        total += told
        if not lasts:
            break
    await _wake(services, {notice_rows.notify_lane(workspace_id, endpoint_id)})
    return total


def _again(services: Services, workspace_id: str, endpoint_id: str, after: str, before: str) -> Unit[tuple[int, str, bool]]:
    async def unit(tx: Transaction) -> tuple[int, str, bool]:
        await _get_enabled(tx, workspace_id, endpoint_id)
        found = await notice_rows.events_between(tx, workspace_id, after=after, before=before, limit=BLOCK)
        told = await notice_rows.send_again(tx, workspace_id, endpoint_id, services.now_ms(), found)
        return told, found[-1][0] if found else after, len(found) == BLOCK

    return unit


# -- what they share ------------------------------------------------------------------------------------------------


def open_endpoint(services: Services, row: Row) -> Endpoint:
    """An endpoint as its dialect sees it, with the secrets in force opened."""
    places = ["secret"]
    if row["old_secret"] is not None and row["old_secret_until"] > services.now_ms():
        places.append("old_secret")
    opened = [services.vault.open(row[place], f"endpoints:{row['id']}:{place}") for place in places]
    secrets = tuple(secret for secret in opened if secret)
    config = orjson.loads(row["config"])
    return Endpoint(row["id"], row["workspace_id"], row["url"], row["dialect"], row["scope"], config, secrets)


async def _get_enabled(tx: Transaction, workspace_id: str, endpoint_id: str) -> Row:
    row = await rows.get(tx, tables.endpoints, workspace_id, endpoint_id, lock=True)
    if row["state"] != ENABLED:
        raise RefusedError("The endpoint is disabled.", code="endpoint_disabled", remedy="Enable it first.", reason=row["reason"])
    return row


async def _get_notice(tx: Transaction, workspace_id: str, endpoint_id: str, notice_id: str) -> Row:
    notice = await notice_rows.find_notice(tx, workspace_id, endpoint_id, notice_id)
    if notice is None:
        raise NotFoundError(f"There is no notice {notice_id} of this endpoint.", remedy="List its notices.")
    return notice


async def _check_scope(tx: Transaction, workspace_id: str, scope: str) -> None:
    if scope and await rows.find(tx, tables.accounts, workspace_id, scope) is None:
        await rows.get(tx, pages, workspace_id, scope)


async def _wake(services: Services, lanes: set[str]) -> None:
    for lane in sorted(lanes):
        await services.wake(lane)


def _dialect(services: Services, name: str) -> Dialect:
    dialect = services.outbound.dialects.get(name)
    if dialect is None:
        raise UsageError("There is no such dialect of events.", code="unknown_dialect", remedy="Leave it out for our own.")
    return dialect


def _check_name(name: str) -> str:
    if not name.strip():
        raise UsageError("An endpoint needs a name.", code="bad_name", remedy="Name it after what listens there.")
    return name.strip()


def _check_url(services: Services, url: str) -> None:
    try:
        check_url(url, services.outbound.allowed)
    except PrivateAddressError as error:
        remedy = "Use a public address, or let the operator list the network in GUESTLIST_ALLOW_NETWORKS."
        raise UsageError(f"The URL {error}.", code="private_address", remedy=remedy) from None
    except ValueError as error:
        raise UsageError(f"The URL {error}.", code="bad_url", remedy="Write it like https://example.com/hooks.") from None


def _encode_kinds(kinds: tuple[str, ...]) -> str:
    try:
        return encode_kinds(check_kinds(kinds))
    except ValueError as error:
        sentence = f"The kinds cannot be meant: {error}."
        raise UsageError(
            sentence, code="unknown_kind", remedy="See docs/reference/events.md; `message.*` means all of a noun."
        ) from None


def _check_secret(dialect: Dialect, secret: str | None) -> str:
    if secret is None:
        return dialect.signer.new_secret()
    try:
        dialect.signer.check_secret(secret)
    except ValueError as error:
        raise UsageError(f"The secret {error}.", code="bad_secret", remedy="Leave it out and one is made.") from None
    return secret
