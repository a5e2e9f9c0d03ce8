"""STOP, START, HELP and objections, from the raw webhook to the closed route."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from sqlalchemy import select
from support.messaging import EMAIL, PHONE, open_desk, refused

from guestlist.actions import messages
from guestlist.actions.stops import HELPED_BY
from guestlist.channels.base import Remedy
from guestlist.domain.messages import Channel, Content, Draft, Rule, Target
from guestlist.storage import messaging_tables as tables
from guestlist.storage.ledgers import broken_link, find_consents
from guestlist.storage.webhooks import insert_webhook


@pytest_asyncio.fixture
async def desk(house, page):
    return await open_desk(house, page)


async def bring(desk, provider, body, account=None):
    """A proven webhook, applied."""
    services = desk.house.services
    account_id = (account or desk.sms)["id"]
    await services.db.write(lambda tx: insert_webhook(tx, provider, account_id, body, services.now_ms()))
    await desk.house.run_inbox()


async def text(desk, said, sid="SM1", phone=PHONE):
    await bring(desk, "twilio", urlencode({"MessageSid": sid, "From": f"+{phone}", "To": "+447700900999", "Body": said}).encode())


async def address(desk, value=PHONE):
    query = select(tables.addresses).where(tables.addresses.c.value == value)
    return await desk.house.services.db.read(lambda tx: tx.fetch_one(query))


async def ledger(desk, contact_id):
    found = await desk.house.services.db.read(lambda tx: find_consents(tx, desk.house.workspace_id, f"contact:{contact_id}"))
    return [(each["act"], each["channel"], each["source"]) for each in found], found


async def send_sms(desk, **more):
    draft = Draft(Target(phone=PHONE), (Rule(Channel.SMS),), Content(text="Hello"))
    return await desk.send(draft, **more)


async def test_stop_closes_the_channel_with_proof(desk) -> None:
    await send_sms(desk)
    await desk.run()
    await text(desk, "  Stop! ")
    row = await address(desk)
    assert (row["opted_out_at"], row["opt_out_reason"]) == (desk.house.services.now_ms(), "stop")
    with pytest.raises(messages.NoRouteError) as closed:
        await send_sms(desk)
    assert closed.value.code == "opted_out"
    entries, [entry] = await ledger(desk, row["contact_id"])
    assert entries == [("withdrawn", "sms", "stop")]
    proof = json.loads(entry["proof"])
    assert (proof["word"], proof["reply"][:4], proof["webhook"]) == ("stop", "rep_", 1)
    assert PHONE not in entry["proof"]
    assert await desk.events("contact.opted") == ["contact.opted_out"]
    assert await desk.house.services.db.read(lambda tx: broken_link(tx, desk.house.workspace_id)) is None


async def test_a_stop_between_claim_and_call_stops_what_waits(desk) -> None:
    """What was accepted before the stop and has not left is closed at its claim."""
    sent = await send_sms(desk)
    await text(desk, "STOP")
    await desk.run()
    assert (desk.calls, await desk.state(sent)) == (0, ("failed", "sms"))


async def test_a_second_stop_is_no_news(desk) -> None:
    await text(desk, "stop", "SM1")
    await text(desk, "stop", "SM1")
    await text(desk, "quit", "SM2")
    row = await address(desk)
    assert (await ledger(desk, row["contact_id"]))[0] == [("withdrawn", "sms", "stop")]


async def test_start_reopens_what_was_stopped_with_the_words_as_evidence(desk) -> None:
    await text(desk, "stop", "SM1")
    desk.house.clock.move(minutes=1)
    await text(desk, "START", "SM2")
    row = await address(desk)
    assert row["opted_out_at"] is None
    entries, found = await ledger(desk, row["contact_id"])
    assert entries == [("withdrawn", "sms", "stop"), ("restored", "sms", "start")]
    assert json.loads(found[1]["proof"])["webhook"] == 2
    assert await desk.events("contact.opted") == ["contact.opted_out", "contact.opted_in"]
    await send_sms(desk)
    await desk.run()
    assert desk.calls == 1


async def test_start_without_a_stop_before_it_changes_nothing(desk) -> None:
    await text(desk, "start")
    assert (await ledger(desk, (await address(desk))["contact_id"]))[0] == []


async def test_a_start_said_before_the_stop_opens_nothing_however_late_it_comes(desk) -> None:
    now = desk.house.services.now_ms() // 1000
    for word, at, number in (("stop", now - 60, "1"), ("start", now - 120, "2")):
        query = urlencode({"from": PHONE, "text": word, "at": at, "id": number})
        await bring(desk, "kannel", query.encode())
    assert (await address(desk))["opted_out_at"] == (now - 60) * 1000


async def test_other_words_are_kept_and_close_nothing(desk) -> None:
    await text(desk, "Please stop by tomorrow")
    assert (await address(desk))["opted_out_at"] is None
    assert await desk.events("message.received", "contact.opted") == ["message.received"]


async def test_help_is_answered_once_a_day(desk) -> None:
    config = json.dumps({"help_text": "Northwind. Call 020 7946 0001."})
    change = tables.accounts.update().where(tables.accounts.c.id == desk.sms["id"]).values(config=config)
    await desk.house.services.db.write(lambda tx: tx.execute(change))
    for number, word in enumerate(("help", "INFO", "hilfe")):
        await text(desk, word, f"SM{number}")
        desk.house.clock.move(hours=1)
    await desk.run()
    assert desk.channels[Channel.SMS].said == ["Northwind. Call 020 7946 0001."]
    desk.house.clock.move(hours=24)
    await text(desk, "help", "SM9")
    await desk.run()
    assert len(desk.channels[Channel.SMS].said) == 2
    rows = await messages.list_messages(desk.house.services, desk.house.workspace_id)
    assert {row["by"] for row in rows} == {HELPED_BY}


async def test_help_is_not_answered_without_a_text_or_after_a_stop(desk) -> None:
    await text(desk, "help", "SM0")
    config = json.dumps({"help_text": "Call us."})
    change = tables.accounts.update().where(tables.accounts.c.id == desk.sms["id"]).values(config=config)
    await desk.house.services.db.write(lambda tx: tx.execute(change))
    await text(desk, "stop", "SM1")
    await text(desk, "help", "SM2")
    await desk.run()
    assert desk.calls == 0


async def test_a_stop_told_by_the_provider_closes_the_channel(desk) -> None:
    desk.channels[Channel.SMS].answers = [refused(Remedy.NEXT, "opted_out", ends_consent=True)]
    await send_sms(desk)
    await desk.run()
    row = await address(desk)
    assert row["opt_out_reason"] == "send_refused"
    entries, [entry] = await ledger(desk, row["contact_id"])
    assert (entries, json.loads(entry["proof"])["code"]) == ([("withdrawn", "sms", "send_refused")], "500/1")


async def test_a_complaint_closes_e_mail_and_a_bounce_does_not(desk) -> None:
    draft = Draft(Target(email=EMAIL), (Rule(Channel.EMAIL),), Content(text="Hello"))
    sent = await desk.send(draft)
    await desk.run()
    part = (await desk.story(sent)).parts[0]
    message_id = f"<{part['delivery_id']}.1@example.com>"
    await bring(desk, "mail", json.dumps({"message_id": message_id, "event": "bounced", "code": "5.1.1"}).encode(), desk.email)
    assert (await address(desk, EMAIL))["opted_out_at"] is None
    assert await desk.state(sent) == ("failed", "email")
    assert (await desk.story(sent)).receipts[0]["code"] == "5.1.1"
    await bring(desk, "mail", json.dumps({"message_id": message_id, "event": "complained"}).encode(), desk.email)
    row = await address(desk, EMAIL)
    assert row["opt_out_reason"] == "told_provider"
    assert (await ledger(desk, row["contact_id"]))[0] == [("withdrawn", "email", "told_provider")]


async def test_a_status_callback_raises_what_was_sent_and_settles_what_was_lost(desk) -> None:
    from support.messaging import LOST

    desk.channels[Channel.SMS].answers = [LOST]
    sent = await send_sms(desk)
    await desk.run()
    assert await desk.state(sent) == ("unknown", "sms")
    part = (await desk.story(sent)).parts[0]
    form = {"MessageSid": "SM7", "MessageStatus": "delivered", "part": f"{part['delivery_id']}.1"}
    await bring(desk, "twilio", urlencode(form).encode())
    assert await desk.state(sent) == ("delivered", "sms")
    assert (await desk.story(sent)).parts[0]["provider_id"] == "SM7"


async def test_a_webhook_touches_only_the_accounts_own_workspace(desk) -> None:
    """A webhook of an account that is not there any more is applied to nothing."""
    await bring(
        desk, "twilio", urlencode({"MessageSid": "SM1", "From": f"+{PHONE}", "Body": "stop"}).encode(), {"id": "acc_gone"}
    )
    assert await address(desk) is None
