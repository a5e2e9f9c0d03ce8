"""Idempotent requests: the same key with the same request has one effect in 24 hours, and the same answer.

A key is reserved durably before the work, its answer kept after it. A crash in between leaves a reservation without an answer:
whether the work was done is not known, so it is never done again under that key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import orjson

from guestlist.errors import RefusedError, UsageError
from guestlist.storage import access
from guestlist.storage.base import Row, Transaction
from guestlist.storage.instants import to_ms

from .base import Services

KEPT_FOR = timedelta(hours=24)
WORKED_ON_FOR = timedelta(seconds=60)
"""A request without an answer after so long is taken for one whose process died."""


class MismatchError(UsageError):
    """This Idempotency-Key was used with another request."""

    code = "idempotency_mismatch"
    status = 422


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered. It may hold a secret shown once, so it is sealed at rest."""

    status: int
    headers: Mapping[str, str]
    body: str


async def begin(services: Services, workspace_id: str, key: str, request: str) -> Answer | None:
    """None when the request is ours to work on, now reserved under its key; else the answer an earlier one got.

    `request` is a digest of everything that makes two requests the same.
    Errors: MismatchError; RefusedError `idempotency_in_progress` (with `retry_after`, seconds) or `idempotency_unfinished`.
    """
    now = services.clock.now()

    async def unit(tx: Transaction) -> Row | None:
        earlier = await access.begin_request(tx, workspace_id, key, request, to_ms(now))
        if earlier is None or earlier["created_at"] > to_ms(now - KEPT_FOR):
            return earlier
        await access.forget_request(tx, workspace_id, key)
        return await access.begin_request(tx, workspace_id, key, request, to_ms(now))

    earlier = await services.db.write(unit)
    if earlier is None:
        return None
    if earlier["request"] != request:
        raise MismatchError(remedy="Use a fresh key for every new request, and the same one only to repeat it unchanged.")
    if earlier["status"] is None:
        raise _without_answer(died=earlier["created_at"] <= to_ms(now - WORKED_ON_FOR))
    content = orjson.loads(services.vault.open(earlier["answer"], _place(workspace_id, key)))
    return Answer(earlier["status"], content["headers"], content["body"])


def _without_answer(*, died: bool) -> RefusedError:
    if died:
        return RefusedError(
            "The first request under this Idempotency-Key never got its answer; it may have had its effect.",
            code="idempotency_unfinished",
            remedy="Read the resource to see what was done. If nothing was, repeat the request under a fresh key.",
        )
    return RefusedError(
        "The first request under this Idempotency-Key is still being worked on.",
        code="idempotency_in_progress",
        remedy="Repeat it in a moment, under the same key.",
        retry_after=1,
    )


async def finish(services: Services, workspace_id: str, key: str, answer: Answer) -> None:
    """Keeps the answer for repeats."""
    content = orjson.dumps({"headers": dict(answer.headers), "body": answer.body}).decode()
    sealed = services.vault.seal(content, _place(workspace_id, key))
    await services.db.write(lambda tx: access.finish_request(tx, workspace_id, key, answer.status, sealed))


async def forget(services: Services, workspace_id: str, key: str) -> None:
    """Frees the key of a request that failed without an effect, so that it can be repeated."""
    await services.db.write(lambda tx: access.forget_request(tx, workspace_id, key))


def _place(workspace_id: str, key: str) -> str:
    return f"idempotency:{workspace_id}:{key}"
