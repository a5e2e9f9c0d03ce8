"""Accounts of SMS and e-mail: made, changed, tried, deleted; their secrets sealed and never shown."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import pytest_asyncio
from sqlalchemy import select
from support.messaging import open_desk
from support.providers import play_provider, to_this_machine
from support.scripted import PAGE_ID

from guestlist.actions import accounts, messages
from guestlist.actions.accounts import BadAccountError, Change, NewAccount
from guestlist.channels.registry import Ways, build_channels
from guestlist.domain.messages import Channel, Content, Draft, Rule, Target
from guestlist.errors import NotFoundError, RefusedError
from guestlist.storage import messaging_tables as tables

SID = "AC" + "0" * 32
TWILIO = NewAccount(Channel.SMS, "twilio", "Main", "+44 7700 900999", {"account_sid": SID}, {"auth_token": "sesame"})
KANNEL = NewAccount(
    Channel.SMS,
    "kannel",
    "Main",
    "Shop",
    {"url": "https://sms.example.com/cgi-bin/sendsms", "username": "u"},
    {"password": "sesame"},
)
SMTP = NewAccount(Channel.EMAIL, "smtp", "Mail", "shop@example.com", {"host": "mail.example.com"})


@pytest_asyncio.fixture
async def open_house(house):
    house.services = replace(house.services, public_url="https://g.example.com")
    return house


async def make(house, new):
    return await accounts.create_account(house.services, house.workspace_id, new)


async def stored(house, account_id):
    query = select(tables.accounts).where(tables.accounts.c.id == account_id)
    return await house.services.db.read(lambda tx: tx.fetch_one(query))


async def test_secrets_are_sealed_and_not_shown(open_house) -> None:
    made = await make(open_house, TWILIO)
    row = await stored(open_house, made.row["id"])
    assert b"sesame" not in row["secret"]
    assert "secret" not in made.row
    assert (row["sender"], json.loads(row["config"])) == ("447700900999", {"account_sid": SID})
    assert made.webhook_url == f"https://g.example.com/webhooks/twilio/{row['id']}"
    shown = await accounts.get_account(open_house.services, open_house.workspace_id, row["id"])
    assert "sesame" not in repr((made, shown))


async def test_pages_are_listed_beside_them(open_house, page) -> None:
    ids = [(await make(open_house, each)).row["id"] for each in (TWILIO, SMTP)]
    services, workspace = open_house.services, open_house.workspace_id
    found = await accounts.list_accounts(services, workspace)
    assert [(each["id"], each["channel"], each["provider"]) for each in found] == [
        (page["id"], "messenger", "meta"),
        (ids[1], "email", "smtp"),
        (ids[0], "sms", "twilio"),
    ]
    assert found[0]["sender"] == PAGE_ID
    assert [each["id"] for each in await accounts.list_accounts(services, workspace, channel="sms")] == [ids[0]]
    assert [each["id"] for each in await accounts.list_accounts(services, workspace, after=page["id"], limit=1)] == [ids[1]]
    assert (await accounts.get_account(services, workspace, page["id"]))["sender"] == PAGE_ID
    assert await accounts.list_accounts(services, "wsp_other") == []


@pytest.mark.parametrize(
    ("new", "fields"),
    [
        (replace(TWILIO, config={}), ["config.account_sid"]),
        (replace(TWILIO, config={"account_sid": "AC1"}), ["config.account_sid"]),
        (replace(TWILIO, secrets={}), ["secrets.auth_token"]),
        (replace(TWILIO, secrets={"auth_token": "a\nb"}), ["secrets.auth_token"]),
        (replace(TWILIO, sender=""), ["sender"]),
        (replace(TWILIO, sender="a name too long"), ["sender"]),
        (replace(TWILIO, provider="nexmo"), ["provider"]),
        (replace(TWILIO, name=" ", rate=-1), ["name", "rate"]),
        (replace(TWILIO, config={"account_sid": SID, "colour": "red"}), ["config.colour"]),
        (replace(KANNEL, config={"url": "http://10.0.0.1/x", "username": "u"}), ["config.url"]),
        (replace(KANNEL, config={"url": "ftp://sms.example.com", "username": "u"}), ["config.url"]),
        (
            replace(KANNEL, config={"url": "http://u:p@sms.example.com/x", "username": "u\r\nX: y"}),
            ["config.url", "config.username"],
        ),
        (replace(SMTP, sender="Shop <shop@example.com>"), ["sender"]),
        (replace(SMTP, sender="shop@example.com\r\nBcc: x@y"), ["sender"]),
        (
            replace(SMTP, config={"host": "mail.example.com:25", "port": 0, "tls": "ssl"}),
            ["config.host", "config.port", "config.tls"],
        ),
        (replace(SMTP, config={"host": "mail.example.com", "username": "u"}), ["secrets.password"]),
        (replace(SMTP, config={"host": "m.example", "username": "u", "tls": "none"}, secrets={"password": "x"}), ["config.tls"]),
        (replace(SMTP, config={"host": "m.example", "unsubscribe_url": "javascript:x"}), ["config.unsubscribe_url"]),
    ],
)
async def test_wrong_accounts_are_refused_field_by_field(open_house, new, fields) -> None:
    with pytest.raises(BadAccountError) as refused:
        await make(open_house, new)
    assert [each["field"] for each in refused.value.data["errors"]] == fields
    assert "sesame" not in refused.value.sentence
    assert await accounts.list_accounts(open_house.services, open_house.workspace_id) == []


async def test_a_page_is_connected_elsewhere(open_house, page) -> None:
    services, workspace = open_house.services, open_house.workspace_id
    for attempt in (
        make(open_house, replace(TWILIO, channel=Channel.MESSENGER)),
        accounts.update_account(services, workspace, page["id"], Change(name="x")),
        accounts.delete_account(services, workspace, page["id"]),
        accounts.check_account(services, workspace, page["id"]),
    ):
        with pytest.raises(RefusedError) as refused:
            await attempt
        assert refused.value.code == "is_a_page"


async def test_what_is_left_out_of_a_change_stays(open_house) -> None:
    services, workspace = open_house.services, open_house.workspace_id
    account_id = (await make(open_house, replace(TWILIO, config={"account_sid": SID, "help_text": "Call us."}))).row["id"]
    changed = await accounts.update_account(services, workspace, account_id, Change(name="Second", config={"help_text": None}))
    assert (changed.row["name"], json.loads(changed.row["config"])) == ("Second", {"account_sid": SID})
    secret = await accounts.find_webhook_secret(services, "twilio", account_id)
    assert secret == "sesame"
    await accounts.update_account(services, workspace, account_id, Change(secrets={"auth_token": "new"}))
    assert await accounts.find_webhook_secret(services, "twilio", account_id) == "new"
    with pytest.raises(BadAccountError):
        await accounts.update_account(services, workspace, account_id, Change(config={"account_sid": None}))
    with pytest.raises(NotFoundError):
        await accounts.update_account(services, "wsp_other", account_id, Change(name="theirs"))


async def test_a_webhook_token_is_shown_once_and_can_be_made_anew(open_house) -> None:
    services, workspace = open_house.services, open_house.workspace_id
    made = await make(open_house, KANNEL)
    account_id = made.row["id"]
    base, _, token = made.webhook_url.partition("?token=")
    assert (base, len(token)) == (f"https://g.example.com/webhooks/kannel/{account_id}", 32)
    assert await accounts.find_webhook_secret(services, "kannel", account_id) == token
    shown = await accounts.get_account(services, workspace, account_id)
    assert accounts.webhook_url(services, shown) == base
    assert (await accounts.update_account(services, workspace, account_id, Change(name="Same"))).webhook_url == base
    anew = await accounts.update_account(services, workspace, account_id, Change(new_webhook_token=True))
    assert anew.webhook_url not in (base, made.webhook_url)
    assert await accounts.find_webhook_secret(services, "kannel", account_id) == anew.webhook_url.partition("?token=")[2]


async def test_a_webhook_is_proven_by_its_own_provider_alone(open_house) -> None:
    account_id = (await make(open_house, KANNEL)).row["id"]
    assert await accounts.find_webhook_secret(open_house.services, "twilio", account_id) is None
    assert await accounts.find_webhook_secret(open_house.services, "kannel", "acc_none") is None


async def test_an_account_with_something_to_send_is_not_deleted(open_house) -> None:
    services, workspace = open_house.services, open_house.workspace_id
    account_id = (await make(open_house, replace(TWILIO, provider="sandbox", config={}, secrets={}))).row["id"]
    draft = Draft(Target(phone="447700900123"), (Rule(Channel.SMS),), Content(text="Hello"))
    await messages.send_message(services, workspace, messages.Request(draft))
    with pytest.raises(RefusedError) as refused:
        await accounts.delete_account(services, workspace, account_id)
    assert refused.value.code == "account_in_use"
    await open_house.run_send(account_id)
    await accounts.delete_account(services, workspace, account_id)
    with pytest.raises(NotFoundError):
        await accounts.get_account(services, workspace, account_id)


async def test_a_dead_account_waits_for_a_person_and_goes_on_with_new_secrets(open_house) -> None:
    """Twilio refuses the token: the part waits, the account is marked; a new token sends it."""
    yes = (201, {}, b'{"sid": "SM1"}')
    async with play_provider((401, {}, b'{"code": 20003}'), yes) as provider:
        ways = Ways.through(to_this_machine)
        services = replace(open_house.services, channels=build_channels(open_house.graph, ways))
        open_house.services = services
        config = {"account_sid": SID, "base_url": "https://twilio.example"}
        account_id = (await make(open_house, replace(TWILIO, config=config))).row["id"]
        local = json.dumps({**config, "base_url": provider.url})
        change = tables.accounts.update().values(config=local)
        await services.db.write(lambda tx: tx.execute(change))
        draft = Draft(Target(phone="447700900123"), (Rule(Channel.SMS),), Content(text="Hello"))
        sent = await messages.send_message(services, open_house.workspace_id, messages.Request(draft))
        await open_house.run_send(account_id)
        row = await stored(open_house, account_id)
        assert (row["state"], row["reason"]) == ("reconnect", "Twilio does not know these credentials.")
        back = tables.accounts.update().values(state="connected", reason="")
        await services.db.write(lambda tx: tx.execute(back))
        await open_house.run_send(account_id)
        await ways.close()
    story = await messages.get_message(services, open_house.workspace_id, sent["id"])
    assert (story.message["state"], story.parts[0]["provider_id"]) == ("sent", "SM1")
    assert [each["outcome"] for each in story.attempts] == ["refused", "accepted"]


async def test_what_a_text_comes_to_is_explained_and_kept(open_house, page) -> None:
    services, workspace = open_house.services, open_house.workspace_id
    await make(open_house, replace(TWILIO, provider="sandbox", config={}, secrets={}))
    draft = Draft(Target(phone="447700900123"), (Rule(Channel.SMS),), Content(text="ж" * 71))
    explained = await messages.explain_message(services, workspace, draft)
    size = {"encoding": "ucs2", "units": 71, "segments": 2}
    assert explained.routes[0]["measure"] == size
    sent = await messages.send_message(services, workspace, messages.Request(draft))
    story = await messages.get_message(services, workspace, sent["id"])
    assert json.loads(story.deliveries[0]["route"])["measure"] == size


async def test_a_channel_that_counts_nothing_says_nothing(house, page) -> None:
    desk = await open_desk(house, page)
    explained = await messages.explain_message(house.services, house.workspace_id, desk.draft("email"))
    assert explained.routes[0]["measure"] is None
