"""Workspaces and API keys. A key is 256 random bits, shown once, kept as its digest."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from typing import Any

from guestlist.errors import NotFoundError, UnauthenticatedError, UsageError
from guestlist.storage import access
from guestlist.storage.base import Row, Transaction

from .base import Services

DEFAULT_WORKSPACE = "wsp_default"
KEY_PREFIX = "gl_"


async def ensure_default_workspace(services: Services) -> str:
    """The id of the workspace an installation starts with."""
    await services.db.write(lambda tx: access.ensure_workspace(tx, DEFAULT_WORKSPACE, "Default", services.now_ms()))
    return DEFAULT_WORKSPACE


async def create_key(services: Services, workspace_id: str, name: str) -> tuple[Row, str]:
    """The key's row and the key itself, which is never shown again."""
    if not name.strip():
        raise UsageError("A key needs a name.", code="bad_name", remedy="Name it after what will use it.")
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    row: dict[str, Any] = {
        "id": services.ids.new("key"),
        "workspace_id": workspace_id,
        "name": name.strip(),
        "prefix": key[:8],
        "digest": _digest(key),
        "created_at": services.now_ms(),
        "last_used_at": None,
        "revoked_at": None,
    }
    await services.db.write(lambda tx: access.insert_key(tx, row))
    return row, key


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


async def authenticate(services: Services, key: str) -> str:
    """The workspace a key opens. Errors: UnauthenticatedError."""
    row = await _find_key(services, _digest(key)) if key.startswith(KEY_PREFIX) else None
    if row is None:
        raise UnauthenticatedError("This API key is unknown or revoked.", remedy="Make one with `guestlist keys create NAME`.")
    now = services.now_ms()
    if row["last_used_at"] is None or now - row["last_used_at"] > 60_000:
        await services.db.write(lambda tx: access.use_key(tx, row["id"], now))
    return str(row["workspace_id"])


async def _find_key(services: Services, digest: str) -> Row | None:
    """The key with this digest. Requests that come together share a look-up, which begins after each of them came."""

    async def find(digests: Sequence[str]) -> list[Row | None]:
        found = await services.db.read(lambda tx: access.find_keys(tx, digests))
        by_digest = {row["digest"]: row for row in found}
        return [by_digest.get(each) for each in digests]

    return await services.gathering.put((id(services), "keys"), digest, find)


async def list_keys(services: Services, workspace_id: str) -> list[Row]:
    """Keys without their digests, oldest first."""
    found = await services.db.read(lambda tx: access.list_keys(tx, workspace_id))
    return [{name: value for name, value in row.items() if name != "digest"} for row in found]


async def revoke_key(services: Services, workspace_id: str, key_id: str) -> None:
    """Makes a key useless from now on. Errors: NotFoundError."""

    async def unit(tx: Transaction) -> bool:
        return await access.revoke_key(tx, workspace_id, key_id, services.now_ms())

    if not await services.db.write(unit):
        raise NotFoundError(f"There is no key {key_id} to revoke.", remedy="See `guestlist keys list`.")
