"""From the wire to the facts, over a real database: what was answered 200 is there, once, as it came."""

from __future__ import annotations

import pytest
from inbound_driver import RECEIVED, FakeSecrets, call, fixture, signed, wire

from guestlist.domain.facts import UploadStatus
from guestlist.inbound.parsers import parse_body
from guestlist.inbound.receiver import MetaReceiver
from guestlist.storage.base import Database
from guestlist.storage.webhooks import StoredInbox, StoredWebhook, due_webhooks

BODY = wire(fixture("upload_status_flat"))


class FrozenClock:
    """The moment the fixtures are received."""

    now = staticmethod(lambda: RECEIVED)


@pytest.fixture
def receiver(database: Database) -> MetaReceiver:
    return MetaReceiver(StoredInbox(database, FrozenClock()), FakeSecrets())


async def stored(database: Database) -> list[StoredWebhook]:
    return await database.read(lambda tx: due_webhooks(tx, 100))


async def test_a_signed_webhook_becomes_a_fact_however_often_it_comes(receiver: MetaReceiver, database: Database) -> None:
    answers = [await call(receiver, "POST", "/webhooks/meta", headers=signed(BODY), chunks=[BODY]) for _ in range(3)]
    assert [each.status for each in answers] == [200, 200, 200]

    [webhook] = await stored(database)
    [fact] = parse_body(webhook.provider, webhook.body, RECEIVED).facts
    assert isinstance(fact, UploadStatus)
    assert (fact.audience_id, fact.at) == ("1200000000000000003", None)


async def test_forged_unsigned_and_oversized_webhooks_leave_no_row(receiver: MetaReceiver, database: Database) -> None:
    large = b"x" * (4 * 1024 * 1024 + 1)
    answers = [
        await call(receiver, "POST", "/webhooks/meta", headers=signed(BODY, "guessed"), chunks=[BODY]),
        await call(receiver, "POST", "/webhooks/meta", chunks=[BODY]),
        await call(receiver, "POST", "/webhooks/meta", headers=signed(large), chunks=[large]),
    ]
    assert [each.status for each in answers] == [403, 403, 413]
    assert await stored(database) == []


async def test_a_large_webhook_that_is_replayed_is_kept_once_and_comes_back_as_it_was_signed(
    receiver: MetaReceiver, database: Database
) -> None:
    large = wire({"object": "page", "entry": [fixture("upload_status_flat")] * 200})
    headers = signed(large)
    shouted = {**headers, "x-hub-signature-256": "sha256=" + headers["x-hub-signature-256"][7:].upper()}
    for sent in (headers, headers, shouted):
        assert (await call(receiver, "POST", "/webhooks/meta", headers=sent, chunks=[large])).status == 200
    assert [each.body for each in await stored(database)] == [large]


async def test_a_database_that_is_away_is_answered_503(receiver: MetaReceiver, database: Database) -> None:
    await database.close()
    answered = await call(receiver, "POST", "/webhooks/meta", headers=signed(BODY), chunks=[BODY])
    assert answered.status == 503
