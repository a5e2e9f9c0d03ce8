"""Connecting a Page: every check has its own refusal, and no token shows anywhere."""

import io

import pytest
from support.scripted import AD_ACCOUNT, DOWN, PAGE_ID

from guestlist.actions import access, lists, pages
from guestlist.errors import (
    DependencyError,
    ListError,
    NotAllowedError,
    NotFoundError,
    RefusedError,
    UnauthenticatedError,
    UsageError,
)
from guestlist.lists.base import ListOptions

GIVEN = pages.Connection(PAGE_ID, f"act_{AD_ACCOUNT}", "EAAB-page", "EAAB-ads")


async def connect(house, given=GIVEN):
    return await pages.connect_page(house.services, house.workspace_id, given)


async def test_a_connected_page_keeps_its_tokens_sealed(house):
    page = await connect(house)
    assert (page["name"], page["ad_account_id"], page["state"]) == ("Northwind Coffee", AD_ACCOUNT, "connected")
    assert b"EAAB" not in page["page_token"] + page["ads_token"]
    assert house.services.vault.open(page["ads_token"], f"pages:{page['id']}:ads_token") == "EAAB-ads"
    assert "EAAB" not in repr(GIVEN)


async def test_connecting_again_changes_the_tokens_of_the_same_page(house):
    first = await connect(house)
    again = await connect(house, pages.Connection(PAGE_ID, AD_ACCOUNT, "EAAB-new", ""))
    assert again["id"] == first["id"]
    assert house.services.vault.open(again["ads_token"], f"pages:{again['id']}:ads_token") == "EAAB-new"
    assert len(await pages.list_pages(house.services, house.workspace_id)) == 1


async def test_a_missing_permission_is_named(house):
    house.graph.scopes = frozenset({"ads_management", "paid_marketing_messages", "pages_manage_metadata"})
    with pytest.raises(NotAllowedError, match="pages_messaging") as refusal:
        await connect(house)
    assert refusal.value.exit_code == 4


async def test_terms_not_accepted_come_with_the_link_for_a_person(house):
    house.graph.terms = False
    with pytest.raises(RefusedError) as refusal:
        await connect(house)
    assert refusal.value.code == "terms_not_accepted"
    assert "https://business.facebook.com" in refusal.value.remedy


async def test_graph_down_keeps_nothing_and_says_so(house):
    house.graph.script["read_page"] = [DOWN]
    with pytest.raises(DependencyError):
        await connect(house)
    assert await pages.list_pages(house.services, house.workspace_id) == []


async def test_ids_must_be_digits(house):
    with pytest.raises(UsageError):
        await connect(house, pages.Connection("northwind", AD_ACCOUNT, "a", "b"))
    assert house.graph.calls == []


async def test_a_key_opens_its_workspace_until_it_is_revoked(house):
    row, key = await access.create_key(house.services, house.workspace_id, "crm")
    assert await access.authenticate(house.services, key) == house.workspace_id
    assert key not in str(await access.list_keys(house.services, house.workspace_id))
    await access.revoke_key(house.services, house.workspace_id, row["id"])
    for wrong in (key, "gl_wrong", "", "Bearer"):
        with pytest.raises(UnauthenticatedError):
            await access.authenticate(house.services, wrong)
    with pytest.raises(NotFoundError):
        await access.revoke_key(house.services, house.workspace_id, row["id"])


@pytest.mark.parametrize("content", [b"", b"email\n", b"\x89PNG\r\n\x1a\n\x00\x00", b"colour,size\nred,5\n", b"email\nnobody\n"])
async def test_a_file_that_is_no_list_leaves_nothing_behind(house, content):
    with pytest.raises(ListError):
        await lists.import_list(
            house.services, house.workspace_id, io.BytesIO(content), ListOptions(region="GB"), name="x", filename="x.csv"
        )
    assert await lists.list_lists(house.services, house.workspace_id) == []


async def test_a_list_keeps_digests_and_masked_rejects_only(house, database_url):
    content = b"email,phone\nana.diaz@example.com,020 7946 0018\nnot-an-address,\nbob@example.com,12\n"
    kept = await lists.import_list(
        house.services, house.workspace_id, io.BytesIO(content), ListOptions(region="GB"), name="x", filename="x.csv"
    )
    assert (kept["rows"], kept["usable"]) == (3, 2)
    rejects = await lists.list_rejects(house.services, house.workspace_id, kept["id"])
    text = str(rejects) + kept["report"]
    assert rejects
    assert "ana.diaz@example.com" not in text
    assert "not-an-address" not in text
