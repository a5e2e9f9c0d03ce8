"""What `doctor` finds in the records of every workspace, and the way out of it."""

import pytest
from sqlalchemy import delete, update
from support.messaging import add_account

from guestlist.actions import endpoints
from guestlist.actions.checkups import Health
from guestlist.actions.record_checks import check_records
from guestlist.domain.messages import Channel
from guestlist.storage import access, ledgers, messaging_tables, tables


async def write(house, statement):
    await house.services.db.write(lambda tx: tx.execute(statement))


async def keep_consents(house, workspace_id, number):
    entries = [ledgers.Consent(f"contact:con_{n}", "granted", source="test") for n in range(number)]
    await house.services.db.write(lambda tx: ledgers.append_consents(tx, workspace_id, 1, entries))


async def wrong(house):
    return {each.name: each for each in await check_records(house.services) if each.health is not Health.OK}


async def test_sound_records_say_so_for_every_workspace(house):
    await house.services.db.write(lambda tx: access.ensure_workspace(tx, "wsp_other", "Other", 1))
    await keep_consents(house, house.workspace_id, 3)
    found = await check_records(house.services)
    assert {(each.name, each.health) for each in found} == {
        (f"Consent ledger of {house.workspace_id}", Health.OK),
        ("Consent ledger of wsp_other", Health.OK),
    }


@pytest.mark.parametrize("block", [1, 2, 100])
@pytest.mark.parametrize(
    ("harm", "entry"),
    [
        (lambda mine: update(tables.consents).where(*mine, tables.consents.c.number == 3).values(words="I agree"), 3),
        (lambda mine: delete(tables.consents).where(*mine, tables.consents.c.number == 2), 3),
        (lambda mine: delete(tables.consents).where(*mine, tables.consents.c.number == 1), 2),
    ],
)
async def test_a_broken_ledger_is_told_with_its_entry_and_its_workspace(house, monkeypatch, harm, entry, block):
    monkeypatch.setattr(ledgers, "BLOCK", block)
    await house.services.db.write(lambda tx: access.ensure_workspace(tx, "wsp_other", "Other", 1))
    for workspace_id in (house.workspace_id, "wsp_other"):
        await keep_consents(house, workspace_id, 5)
    await write(house, harm((tables.consents.c.workspace_id == "wsp_other",)))
    [(name, found)] = (await wrong(house)).items()
    assert (name, found.health) == ("Consent ledger of wsp_other", Health.FAIL)
    assert found.sentence.startswith(f"entry {entry} ")
    assert f"entries {entry - 1} and {entry} " in found.remedy


async def test_an_account_that_waits_for_a_person_is_told_with_the_way_out(house, page):
    account = await add_account(house, Channel.SMS, name="Shop")
    assert await wrong(house) == {}
    same = messaging_tables.accounts.c.id == account["id"]
    await write(house, update(messaging_tables.accounts).where(same).values(state="reconnect", reason="The key was revoked."))
    found = (await wrong(house))["Account Shop"]
    assert (found.health, "The key was revoked." in found.sentence) == (Health.FAIL, True)
    assert f"guestlist accounts update {account['id']}" in found.remedy


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, None),
        ({"state": "disabled", "reason": "by_hand"}, None),
        ({"state": "disabled", "reason": "gone"}, "disabled (gone)"),
        ({"failing_since": 0}, "since 1970-01-01 00:00 UTC"),
    ],
)
async def test_an_endpoint_that_hears_nothing_is_told_unless_a_person_wanted_it(house, values, told):
    new = endpoints.NewEndpoint("shop", "https://example.com/hooks")
    row = (await endpoints.create_endpoint(house.services, house.workspace_id, new)).row
    same = messaging_tables.endpoints.c.id == row["id"]
    await write(house, update(messaging_tables.endpoints).where(same).values(name="Shop", **values))
    found = (await wrong(house)).get("Endpoint Shop")
    if told is None:
        assert found is None
        return
    assert (found.health, told in found.sentence) == (Health.WARN, True)
    assert f"guestlist endpoints notices {row['id']}" in found.remedy
