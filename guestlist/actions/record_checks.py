"""What the records of every workspace say of its health: the consent ledger's chain, endpoints, accounts. Reads only."""

from __future__ import annotations

from collections.abc import AsyncIterator

from sqlalchemy import Table

from guestlist.storage import access, ledgers, rows
from guestlist.storage import messaging_tables as tables
from guestlist.storage.base import Row
from guestlist.storage.instants import from_ms

from .base import Services
from .checkups import Finding, Health
from .endpoints import BY_HAND, ENABLED

BLOCK = 500


async def check_records(services: Services) -> list[Finding]:
    """Every finding over all workspaces. Errors: DependencyError."""
    found: list[Finding] = []
    for workspace_id in await services.db.read(access.list_workspace_ids):
        found.append(await _check_ledger(services, workspace_id))
        for table, tell in ((tables.accounts, _tell_account), (tables.endpoints, _tell_endpoint)):
            found += [finding async for row in _read_all(services, table, workspace_id) if (finding := tell(row)) is not None]
    return found


async def _check_ledger(services: Services, workspace_id: str) -> Finding:
    name = f"Consent ledger of {workspace_id}"
    broken = await services.db.read(lambda tx: ledgers.broken_link(tx, workspace_id))
    if broken is None:
        return Finding(name, Health.OK, "every entry follows from the one before.")
    sentence = f"entry {broken} does not follow from the one before: one of the two was changed, or one between them is gone."
    remedy = f"Compare entries {max(1, broken - 1)} and {broken} with a backup, and find out who can write to the database."
    return Finding(name, Health.FAIL, sentence, remedy)


async def _read_all(services: Services, table: Table, workspace_id: str) -> AsyncIterator[Row]:
    after: str | None = None
    while True:
        query = rows.page_of(table, workspace_id, after=after, limit=BLOCK)
        block = await services.db.read(lambda tx: tx.fetch_all(query))  # noqa: B023 (read at once)
        for row in block:
            yield row
        if len(block) < BLOCK:
            return
        after = block[-1]["id"]


def _tell_account(row: Row) -> Finding | None:
    """Numbers and mailboxes; a Page is asked about at Meta."""
    if row["state"] == "connected":
        return None
    account = row["id"]
    remedy = f"Give it fresh credentials: guestlist accounts update {account}; then try it: guestlist accounts check {account}"
    return Finding(f"Account {row['name']}", Health.FAIL, f"its messages wait for a person: {row['reason']}", remedy)


def _tell_endpoint(row: Row) -> Finding | None:
    """One that a person switched off is no fault."""
    name, log = f"Endpoint {row['name']}", f"See why: guestlist endpoints notices {row['id']}"
    if row["state"] != ENABLED and row["reason"] != BY_HAND:
        remedy = f"{log}. When it answers again: guestlist endpoints update {row['id']} --enable, then replay what it missed."
        return Finding(name, Health.WARN, f"is told nothing more: it was disabled ({row['reason']}).", remedy)
    if row["state"] == ENABLED and row["failing_since"] is not None:
        since = from_ms(row["failing_since"])
        return Finding(name, Health.WARN, f"every try has failed since {since:%Y-%m-%d %H:%M} UTC.", f"{log}.")
    return None
