"""What has served its time goes; what still waits stays."""

from sqlalchemy import func, insert, select
from support.scripted import PAGE_ID

from guestlist.storage import access, tables
from guestlist.storage.webhooks import insert_webhook


async def count(house, table):
    row = await house.services.db.read(lambda tx: tx.fetch_one(select(func.count().label("n")).select_from(table)))
    return row["n"]


async def receive(house, body):
    at = house.services.now_ms()
    await house.services.db.write(lambda tx: insert_webhook(tx, "meta", "", body, at))


async def test_applied_webhooks_go_after_a_week_and_waiting_ones_never(house):
    await receive(house, b'{"object":"page","entry":[{"id":"%s","time":1}]}' % PAGE_ID.encode())
    await house.run_inbox()
    await receive(house, b'{"object":"page","entry":[{"id":"%s","time":2}]}' % PAGE_ID.encode())
    house.clock.move(days=6)
    await house.run_tidy()
    assert await count(house, tables.webhooks) == 2
    house.clock.move(days=2)
    await house.run_tidy()
    assert await count(house, tables.webhooks) == 1
    await house.run_inbox()
    assert await count(house, tables.webhooks) == 1


async def test_idempotency_keys_last_a_day(house):
    at = house.services.now_ms()
    await house.services.db.write(lambda tx: access.begin_request(tx, house.workspace_id, "k", "r", at))
    house.clock.move(hours=23)
    await house.run_tidy()
    assert await count(house, tables.idempotency) == 1
    house.clock.move(hours=2)
    await house.run_tidy()
    assert await count(house, tables.idempotency) == 0


async def test_an_import_cut_off_by_a_kill_is_cleared_after_a_day(house, customer_list):
    cut_off = {**customer_list, "id": "lst_cut", "state": "preparing"}
    await house.services.db.write(lambda tx: tx.execute(insert(tables.lists), cut_off))
    house.clock.move(hours=23)
    await house.run_tidy()
    assert await count(house, tables.lists) == 2
    house.clock.move(hours=2)
    await house.run_tidy()
    assert await count(house, tables.lists) == 1
    assert await count(house, tables.list_batches) == 4
