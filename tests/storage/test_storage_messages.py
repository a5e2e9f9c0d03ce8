"""Statements about messages: each finds its rows by an index, on tables that grow to millions."""

import asyncio

import pytest
import pytest_asyncio
from sqlalchemy import text
from support.databases import fresh_url, postgres_only
from support.messaging import Desk, open_desk
from support.scripted import AD_ACCOUNT, PAGE_ID, build_house

from guestlist.actions import pages
from guestlist.actions.message_book import Book
from guestlist.domain.messages import Target
from guestlist.storage import contacts, message_requests, messages, work
from guestlist.storage.database import open_database
from guestlist.storage.sqlite import driver
from guestlist.storage.statements import compile_statement

GROWING = {"messages", "deliveries", "parts", "attempts", "receipts", "contacts", "addresses", "message_requests"}
KEY = ("dlv_1", 1)
PARTS = [{**dict.fromkeys(messages.PART_COLUMNS), "workspace_id": "w", "delivery_id": "d", "number": 1}]


class Planner:
    """A transaction that asks SQLite how it would run each statement, and keeps the plans."""

    dialect = "sqlite"

    def __init__(self, connection):
        self.connection = connection
        self.plans = []

    async def fetch_all(self, statement, parameters=None):
        sql, values = compile_statement(statement, "sqlite", tuple(parameters or {})).render(parameters or {})
        self.plans += [row[-1] for row in self.connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
        return []

    async def fetch_one(self, statement, parameters=None):
        await self.fetch_all(statement, parameters)

    async def execute(self, statement, parameters=None):
        await self.fetch_all(statement, parameters)
        return 0


STATEMENTS = {
    "claim": lambda tx: messages.due_parts(tx, "w", "a", 1, 10),
    "next part": lambda tx: messages.next_due(tx, "w", "a"),
    "last check": lambda tx: messages.mark_called(tx, "w", [KEY], 1, 1),
    "claimed": lambda tx: messages.claimed_parts(tx, "w", [KEY], 1),
    "abandoned": lambda tx: messages.abandoned_parts(tx, "w", "a", 1, 10),
    "timers": lambda tx: messages.due_messages(tx, "w", 1, 10),
    "next timer": lambda tx: messages.next_timer(tx, "w"),
    "messages": lambda tx: messages.lock_messages(tx, "w", ["m"]),
    "deliveries": lambda tx: messages.deliveries_of(tx, "w", ["m"]),
    "parts": lambda tx: messages.parts_of(tx, "w", ["d"]),
    "attempts": lambda tx: messages.attempts_of(tx, "w", ["d"]),
    "receipts": lambda tx: messages.receipts_of(tx, "w", ["m"]),
    "by provider id": lambda tx: messages.find_parts(tx, "w", "a", ["mid"]),
    "by part id": lambda tx: messages.find_parts_by_id(tx, "w", [KEY]),
    "by watermark": lambda tx: messages.find_parts_up_to(tx, "w", "a", "7", 1),
    "change": lambda tx: messages.change_parts(tx, PARTS),
    "of a contact": lambda tx: messages.list_messages(tx, "w", filters={"contact_id": "c"}, after=None, limit=10),
    "of a batch": lambda tx: messages.list_messages(tx, "w", filters={"batch_id": "b"}, after=None, limit=10),
    "contacts": lambda tx: contacts.find_named(tx, "w", [Target(contact_id="c"), Target(external_id="e")]),
    "places": lambda tx: contacts.find_places(tx, "w", contacts.places_of(Target(phone="1", psid="2"), "p")),
    "addresses": lambda tx: contacts.find_addresses(tx, "w", ["c"]),
    "requests": lambda tx: message_requests.find_requests(tx, "w", [("p", "1")]),
    "lanes": lambda tx: work.due_lanes(tx, 1),
}


@pytest.mark.parametrize("name", STATEMENTS)
async def test_no_statement_reads_a_growing_table_from_end_to_end(name, tmp_path, templates):
    async with fresh_url("sqlite", tmp_path, templates) as url:
        planner = Planner(driver.connect(url.removeprefix("sqlite:///")))
        await STATEMENTS[name](planner)
        planner.connection.close()
    plans = [plan for plan in planner.plans if set(plan.split()[1:2]) & GROWING]
    assert plans
    scans = [plan for plan in plans if plan.startswith("SCAN") and not plan.endswith("_due")]  # those hold only what waits
    whole = [plan for plan in plans if plan.endswith("(workspace_id=?)")] + scans
    assert whole == []


@pytest_asyncio.fixture
async def postgres(tmp_path, templates):
    async with fresh_url("postgresql", tmp_path, templates) as url:
        opened = await open_database(url)
        yield opened
        await opened.close()


@postgres_only
async def test_a_cancellation_and_the_last_check_never_both_win(postgres):
    """The check that would let the call go waits for the cancellation that has read the part, and then keeps the call back."""
    house = await build_house(postgres)
    page = await pages.connect_page(house.services, house.workspace_id, pages.Connection(PAGE_ID, AD_ACCOUNT, "EAAB", "EAAB"))
    desk: Desk = await open_desk(house, page)
    message = await desk.send(desk.draft("sms"))
    [part] = (await desk.story(message)).parts
    key = (part["delivery_id"], 1)
    workspace_id, write = house.workspace_id, postgres.write

    async def claim(tx):
        [row] = await messages.due_parts(tx, workspace_id, desk.sms["id"], house.services.now_ms(), 10)
        await messages.change_parts(tx, [{**row, "state": "sending", "fence": 1, "due_at": None}])

    async def cancel_slowly(tx):
        book = await Book.open(tx, house.services, workspace_id, [message["id"]])
        await tx.fetch_one(text("SELECT pg_sleep(0.3)"))
        book.cancel(book.messages[message["id"]])
        await book.close(tx)

    await write(claim)
    cancelling = asyncio.create_task(write(cancel_slowly))
    await asyncio.sleep(0.1)
    called = await write(lambda tx: messages.mark_called(tx, workspace_id, [key], 1, house.services.now_ms()))
    await cancelling
    assert called == set()
