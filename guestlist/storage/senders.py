"""What messages go out from, as one: Pages on Messenger, and the accounts of SMS and e-mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import BindParameter, bindparam, literal_column, select, union_all, update

from guestlist.domain.identifiers import check_cursor
from guestlist.domain.messages import Channel, Rule

from . import rows
from .base import Row, Transaction
from .messaging_tables import accounts
from .tables import pages


@dataclass(frozen=True, slots=True)
class Account:
    """An account without its secrets. `row` is the table's, where it was read whole."""

    id: str
    channel: Channel
    provider: str
    state: str  # connected | reconnect
    phone_matching: str = "suspended"
    row: Row | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """The account that a rule means, or why there is none: `missing`, `several` (with their ids)."""

    account: Account | None
    state: str
    candidates: tuple[str, ...] = ()


_workspace: BindParameter[str] = bindparam("b_workspace")
_ALL = union_all(
    select(
        pages.c.id,
        literal_column(f"'{Channel.MESSENGER.value}'").label("channel"),
        literal_column("'meta'").label("provider"),
        pages.c.state,
        pages.c.capabilities,
    ).where(pages.c.workspace_id == _workspace),
    select(accounts.c.id, accounts.c.channel, accounts.c.provider, accounts.c.state, literal_column("''")).where(
        accounts.c.workspace_id == _workspace
    ),
)


async def read_accounts(tx: Transaction, workspace_id: str) -> list[Account]:
    """Every account of the workspace, oldest first."""
    found = await tx.fetch_all(_ALL, {"b_workspace": workspace_id})
    return sorted(map(_account, found), key=lambda account: account.id)


async def find_account(tx: Transaction, workspace_id: str, account_id: str) -> Account | None:
    """One account with its whole row, by our id."""
    page = await rows.find(tx, pages, workspace_id, account_id)
    if page is not None:
        return Account(page["id"], Channel.MESSENGER, "meta", page["state"], _phone_matching(page), page)
    row = await rows.find(tx, accounts, workspace_id, account_id)
    return None if row is None else Account(row["id"], Channel(row["channel"]), row["provider"], row["state"], row=row)


async def find_anywhere(tx: Transaction, account_id: str) -> Row | None:
    """An account of SMS or e-mail by our id, whoever's it is: for webhooks, which that account's secret has proven."""
    return await tx.fetch_one(select(accounts).where(accounts.c.id == account_id))


SHOWN = ("workspace_id", "id", "channel", "provider", "name", "sender", "config", "rate", "state", "reason", "created_at")
"""What may be seen of an account."""


async def list_senders(tx: Transaction, workspace_id: str, *, channel: str | None, after: str | None, limit: int) -> list[Row]:
    """Pages and accounts alike, without secrets, from below the cursor. Shape: `SHOWN`, and a Page's `capabilities`."""
    of_page = {
        "channel": literal_column(f"'{Channel.MESSENGER.value}'"),
        "provider": literal_column("'meta'"),
        "sender": pages.c.page_id,
        "config": literal_column("'{}'"),
    }
    page_columns: list[Any] = [of_page.get(name, pages.c.get(name)) for name in SHOWN]
    listed = union_all(
        select(*(accounts.c[name] for name in SHOWN), literal_column("'{}'").label("capabilities")).where(
            accounts.c.workspace_id == workspace_id
        ),
        select(*page_columns, pages.c.capabilities).where(pages.c.workspace_id == workspace_id),
    ).subquery()
    query = select(listed).order_by(listed.c.id.desc()).limit(limit)
    if channel is not None:
        query = query.where(listed.c.channel == channel)
    return await tx.fetch_all(query if after is None else query.where(listed.c.id < check_cursor(after, "pag", "acc")))


async def find_sender(tx: Transaction, workspace_id: str, account_id: str) -> Row | None:
    """One of them, in the same shape."""
    account = await find_account(tx, workspace_id, account_id)
    if account is None or account.row is None:
        return None
    row = account.row
    if account.channel is not Channel.MESSENGER:
        return {**{name: row[name] for name in SHOWN}, "capabilities": "{}"}
    page = {name: row[name] for name in (*SHOWN, "capabilities") if name in row}
    return {**page, "channel": account.channel.value, "provider": account.provider, "sender": row["page_id"], "config": "{}"}


async def mark_for_reconnection(tx: Transaction, row: Row, reason: str) -> bool:
    """Notes that an account of SMS or e-mail must be connected again; False when its secret was renewed since `row` was read."""
    same = (accounts.c.workspace_id == row["workspace_id"], accounts.c.id == row["id"], accounts.c.secret == row["secret"])
    statement = update(accounts).where(*same, accounts.c.state == "connected").values(state="reconnect", reason=reason)
    return await tx.execute(statement) == 1


def choose_account(rule: Rule, all_accounts: Sequence[Account]) -> Choice:
    """The account of a rule: the one it names, else the only one of its channel."""
    of_channel = [each for each in all_accounts if each.channel is rule.channel]
    if rule.account_id:
        of_channel = [each for each in of_channel if each.id == rule.account_id]
    if len(of_channel) > 1:
        return Choice(None, "several", tuple(each.id for each in of_channel))
    if not of_channel:
        return Choice(None, "missing")
    return Choice(of_channel[0], of_channel[0].state)


def _account(row: Row) -> Account:
    return Account(row["id"], Channel(row["channel"]), row["provider"], row["state"], _phone_matching(row))


def _phone_matching(row: Row) -> str:
    if not row["capabilities"]:
        return "suspended"
    capabilities: Mapping[str, Any] = orjson.loads(row["capabilities"])
    return str(capabilities.get("phone_matching", "suspended"))
