"""A house to act in, and what most stories begin with."""

import io

import pytest_asyncio
from support.scripted import AD_ACCOUNT, ATTESTATION, PAGE_ID, ScriptedGraph, build_house, token_row

from guestlist.actions import audiences, campaigns, lists, pages, uploads
from guestlist.domain.campaigns import text_message
from guestlist.lists.base import ListOptions

SECRETS = ("EAAB-page", "EAAB-ads")


@pytest_asyncio.fixture
async def house(database):
    return await build_house(database, ScriptedGraph())


@pytest_asyncio.fixture
async def page(house):
    return await pages.connect_page(house.services, house.workspace_id, pages.Connection(PAGE_ID, AD_ACCOUNT, *SECRETS))


def customers(count):
    lines = ["email"] + [f"customer{n}@example.com" for n in range(count)]
    return io.BytesIO("\n".join(lines).encode())


@pytest_asyncio.fixture
async def customer_list(house):
    options = ListOptions(region="GB", batch_rows=10)
    return await lists.import_list(house.services, house.workspace_id, customers(35), options, name="c", filename="c.csv")


@pytest_asyncio.fixture
async def audience(house, page):
    created = await audiences.create_audience(house.services, house.workspace_id, page_id=page["id"], name="Customers")
    await house.run_ads()
    return await audiences.get_audience(house.services, house.workspace_id, created["id"])


@pytest_asyncio.fixture
async def upload(house, audience, customer_list):
    return await uploads.start_upload(
        house.services, house.workspace_id, audience_id=audience["id"], list_id=customer_list["id"], attestation=ATTESTATION
    )


@pytest_asyncio.fixture
async def subscribed(house, page, audience, upload):
    """A hundred and twenty list-born subscribers, known to us."""
    house.graph.tokens = [token_row(f"5{n:06}", audience["meta_id"]) for n in range(120)]
    house.graph.match(audience["meta_id"], 120, 120)
    await house.run_ads()
    house.clock.move(minutes=3)
    await house.run_ads()
    await house.run_sync(page["id"])
    return house.graph.tokens


@pytest_asyncio.fixture
async def campaign(house, page, subscribed):
    """A warm campaign, launched to all of them, nothing sent yet."""
    draft = campaigns.Draft(page["id"], "Autumn", text_message("Two cups for one."))
    created = await campaigns.create_campaign(house.services, house.workspace_id, draft)
    await house.run_ads()
    house.clock.move(hours=1, minutes=1)
    await house.run_ads()
    return await campaigns.launch_campaign(house.services, house.workspace_id, created["id"])
