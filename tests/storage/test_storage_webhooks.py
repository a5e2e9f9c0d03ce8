"""The raw inbox: a body is kept once, waits in the order it came, and is marked for good."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random

import lz4.frame
import pytest
from sqlalchemy import select

from guestlist.errors import DependencyError
from guestlist.storage.base import Database, Transaction
from guestlist.storage.tables import webhooks
from guestlist.storage.webhooks import (
    StoredInbox,
    StoredWebhook,
    WebhookMark,
    WebhookState,
    due_webhooks,
    insert_webhook,
    mark_webhooks,
    webhook_digest,
)

NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
NOON_MS = 1782907200000
LZ4_MAGIC = bytes.fromhex("04224d18")


class FrozenClock:
    """Always noon, until moved."""

    def __init__(self) -> None:
        self.instant = NOON

    def now(self) -> datetime:
        return self.instant


async def keep(database: Database, *bodies: bytes) -> list[bool]:
    async def unit(tx: Transaction) -> list[bool]:
        return [await insert_webhook(tx, "meta", "", body, NOON_MS) for body in bodies]

    return await database.write(unit)


async def due(database: Database, limit: int = 100, after: int = 0) -> list[StoredWebhook]:
    return await database.read(lambda tx: due_webhooks(tx, limit, after=after))


async def mark(database: Database, *marks: WebhookMark) -> None:
    await database.write(lambda tx: mark_webhooks(tx, marks))


async def test_a_body_is_kept_as_it_came_and_only_once(database: Database) -> None:
    body = b'\x00\xff{"text":"f\\u00fcr"}'
    assert await keep(database, body, body) == [True, False]
    assert await keep(database, body) == [False]
    [kept] = await due(database)
    assert kept == StoredWebhook(kept.id, "meta", "", body, NOON_MS, 0)


async def test_the_same_body_from_another_app_is_another_webhook(database: Database) -> None:
    async def unit(tx: Transaction) -> list[bool]:
        return [
            await insert_webhook(tx, provider, app, b"{}", 1) for provider, app in [("meta", ""), ("meta", "42"), ("other", "")]
        ]

    assert await database.write(unit) == [True, True, True]


def test_provider_app_and_body_cannot_run_into_one_another() -> None:
    assert (
        len({webhook_digest("meta", "4", b"2{}"), webhook_digest("meta", "42", b"{}"), webhook_digest("meta4", "2", b"{}")}) == 3
    )


async def test_bodies_wait_in_the_order_they_came_and_a_marked_one_no_longer(database: Database) -> None:
    await keep(database, b"1", b"2", b"3", b"4")
    first, second, third, fourth = await due(database)
    assert [each.body for each in (first, second, third, fourth)] == [b"1", b"2", b"3", b"4"]
    assert [each.body for each in await due(database, 2)] == [b"1", b"2"]
    assert [each.body for each in await due(database, after=second.id)] == [b"3", b"4"]

    applied = WebhookMark(first.id, WebhookState.APPLIED, applied_at=NOON_MS)
    refused = WebhookMark(third.id, WebhookState.REFUSED, "body: body is not readable JSON.", NOON_MS)
    await mark(database, refused, applied, WebhookMark(second.id, WebhookState.STORED, "tried, to be tried again"))
    assert [(each.body, each.attempts) for each in await due(database)] == [(b"2", 1), (b"4", 0)]


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"{}" * 5000, Random(7).randbytes(5000), b"x" * 2048, b"x" * 2049]
    + [LZ4_MAGIC, LZ4_MAGIC + b"no frame", lz4.frame.compress(b"a frame of its own")],
    ids=lambda body: f"{body[:4].hex()}-{len(body)}",
)
async def test_the_signed_bytes_come_back_however_they_are_stored(database: Database, body: bytes) -> None:
    await keep(database, body)
    assert [each.body for each in await due(database)] == [body]


async def test_a_large_body_takes_little_room(database: Database) -> None:
    await keep(database, b'{"field":"marketing_message_deliveries"}' * 1000)
    row = await database.read(lambda tx: tx.fetch_one(select(webhooks.c.body)))
    assert row is not None
    assert len(row["body"]) < 1000


async def test_a_mark_says_what_became_of_the_body(database: Database) -> None:
    await keep(database, b"1")
    [kept] = await due(database)
    await mark(database, WebhookMark(kept.id, WebhookState.REFUSED, "why", NOON_MS + 5))
    row = await database.read(lambda tx: tx.fetch_one(select(webhooks)))
    assert row is not None
    assert (row["state"], row["reason"], row["attempts"], row["received_at"], row["applied_at"]) == (
        "refused",
        "why",
        1,
        NOON_MS,
        NOON_MS + 5,
    )


async def test_a_repeated_webhook_stays_applied(database: Database) -> None:
    await keep(database, b"1")
    [kept] = await due(database)
    await mark(database, WebhookMark(kept.id, WebhookState.APPLIED, applied_at=NOON_MS))
    assert await keep(database, b"1") == [False]
    assert await due(database) == []


async def test_marking_nothing_is_fine(database: Database) -> None:
    await mark(database)


async def test_the_inbox_returns_when_the_body_is_there_and_wakes_the_lane(database: Database) -> None:
    clock, wakes = FrozenClock(), []
    inbox = StoredInbox(database, clock, stored=lambda: wakes.append(1))
    await inbox.store("meta", "42", b"{}")
    assert [(each.app_id, each.received_at) for each in await due(database)] == [("42", NOON_MS)]
    assert wakes == [1]

    clock.instant += timedelta(seconds=9)
    await inbox.store("meta", "42", b"{}")
    assert [each.received_at for each in await due(database)] == [NOON_MS]


async def test_a_body_is_known_by_its_mac_on_the_app_it_came_for(database: Database) -> None:
    inbox = StoredInbox(database, FrozenClock())
    old, new = b"o" * 32, b"n" * 32
    for app_id, mac in [("", old), ("", old), ("42", old), ("", new)]:  # the last: signed under a new secret
        await inbox.store("meta", app_id, b"{}", mac)
    assert [(each.app_id, each.body) for each in await due(database)] == [("", b"{}"), ("42", b"{}"), ("", b"{}")]


async def test_a_batch_is_what_waits_when_the_writer_comes_to_it() -> None:
    class LateWriter:
        """Runs a unit only when told to, and counts the rows of each."""

        def __init__(self) -> None:
            self.free, self.batches = asyncio.Semaphore(0), []

        async def write(self, unit: object) -> None:
            await self.free.acquire()
            await unit(self)  # type: ignore[operator]

        dialect = "sqlite"

        async def execute(self, statement: object, parameters: dict[str, object]) -> int:
            self.batches.append([value for name, value in parameters.items() if name.startswith("body")])
            return 1

    writer = LateWriter()
    inbox = StoredInbox(writer, FrozenClock())  # type: ignore[arg-type]
    deliveries = [asyncio.create_task(inbox.store("meta", "", b"1"))]
    for _ in range(3):
        await asyncio.sleep(0)
    deliveries.append(asyncio.create_task(inbox.store("meta", "", b"2")))
    await asyncio.sleep(0)
    writer.free.release()
    await asyncio.gather(*deliveries)
    assert writer.batches == [[b"1", b"2"]]


async def test_a_batch_that_is_written_again_holds_the_same_bodies(database: Database) -> None:
    class Twice:
        """As the group-commit writer does when another unit of the group fails."""

        async def write(self, unit: object) -> None:
            await database.write(unit)  # type: ignore[arg-type]
            await database.write(unit)  # type: ignore[arg-type]

    inbox = StoredInbox(Twice(), FrozenClock())  # type: ignore[arg-type]
    await asyncio.gather(*(inbox.store("meta", "", b"%d" % n) for n in range(5)))
    assert [each.body for each in await due(database)] == [b"0", b"1", b"2", b"3", b"4"]


@pytest.mark.parametrize("bodies", [1, 2, 63, 64, 65, 127, 300])
async def test_any_number_of_bodies_is_written_in_order(database: Database, bodies: int) -> None:
    inbox = StoredInbox(database, FrozenClock())
    await asyncio.gather(*(inbox.store("meta", "", b"%04d" % number) for number in range(bodies)))
    assert [each.body for each in await due(database, 1000)] == [b"%04d" % number for number in range(bodies)]


async def test_many_deliveries_at_once_are_all_kept_each_once_in_order(database: Database) -> None:
    inbox = StoredInbox(database, FrozenClock())
    bodies = [b"%03d" % (number % 400) for number in range(900)]
    await asyncio.gather(*(inbox.store("meta", "", body) for body in bodies))
    assert [each.body for each in await due(database, 1000)] == sorted(set(bodies))


async def test_large_bodies_are_written_a_few_at_a_time(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guestlist.storage.webhooks.LARGEST_BATCH_BYTES", 1000)
    wakes: list[int] = []
    inbox = StoredInbox(database, FrozenClock(), stored=lambda: wakes.append(1))
    await asyncio.gather(
        *(inbox.store("meta", "", Random(number).randbytes(600)) for number in range(4)),
        inbox.store("meta", "", Random(9).randbytes(5000)),
    )
    assert len(await due(database)) == len(wakes) == 5


async def test_a_closed_database_fails_every_waiting_delivery_and_the_inbox_goes_on(database: Database) -> None:
    inbox = StoredInbox(database, FrozenClock())
    await inbox.store("meta", "", b"{}")
    await database.close()
    for _ in range(2):
        outcomes = await asyncio.gather(*(inbox.store("meta", "", b"%d" % n) for n in range(3)), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [DependencyError] * 3


async def test_a_delivery_whose_request_is_cancelled_does_not_disturb_the_others(database: Database) -> None:
    inbox = StoredInbox(database, FrozenClock())
    first, second = (asyncio.create_task(inbox.store("meta", "", body)) for body in (b"1", b"2"))
    await asyncio.sleep(0)
    first.cancel()
    await second
    assert first.cancelled()
    assert [each.body for each in await due(database)] == [b"1", b"2"]


async def test_nobody_waits_for_ever_when_the_writing_itself_is_cancelled() -> None:
    class NeverDone:
        async def write(self, unit: object) -> None:
            await asyncio.Event().wait()

    inbox = StoredInbox(NeverDone(), FrozenClock())  # type: ignore[arg-type]
    before = asyncio.all_tasks()
    deliveries = [asyncio.create_task(inbox.store("meta", "", b"1"))]
    await asyncio.sleep(0)
    deliveries.append(asyncio.create_task(inbox.store("meta", "", b"2")))
    await asyncio.sleep(0)
    for writing in asyncio.all_tasks() - before - set(deliveries):
        writing.cancel()
    outcomes = await asyncio.gather(*deliveries, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [DependencyError] * 2
