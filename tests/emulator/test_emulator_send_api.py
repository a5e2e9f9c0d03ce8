"""The Send API: recipients, grounds, content, sender actions, files, personas, the profile, utility templates (fact page 7)."""

from __future__ import annotations

from typing import Any

import pytest
from emulator_client import Client

pytestmark = pytest.mark.asyncio(loop_scope="session")  # all share one emulator

GENERIC = {"template_type": "generic", "elements": [{"title": "Cup"}]}


def template(**payload: Any) -> dict[str, Any]:
    return {"attachment": {"type": "template", "payload": payload}}


def media(kind: str = "image", **payload: Any) -> dict[str, Any]:
    return {"attachment": {"type": kind, "payload": payload}}


async def add(graph: Client, **given: Any) -> str:
    """The PSID of somebody played by hand."""
    return (await graph.control("people", {"first_name": "Ana", "last_name": "Diaz", **given}))["psid"]


async def talking(graph: Client, **given: Any) -> str:
    psid = await add(graph, **given)
    await graph.control("people/say", {"psid": psid, "text": "Hello"})
    return psid


async def send(graph: Client, recipient: dict[str, Any], message: dict[str, Any] | None = None, **extra: Any) -> dict[str, Any]:
    body = {"recipient": recipient, **({} if message is None else {"message": message}), **extra}
    return await graph.page("POST", "me/messages", json=body)


def refusal(answer: dict[str, Any]) -> tuple[int, int | None]:
    assert "error" in answer, answer
    return answer["error"]["code"], answer["error"].get("error_subcode")


# -- what a message may hold ----------------------------------------------------------------------------------------

BUTTON = {"type": "postback", "title": "Yes", "payload": "yes"}
QUICK = {"content_type": "text", "title": "Yes", "payload": "yes"}
FEEDBACK = {
    "template_type": "customer_feedback",
    "title": "How was it?",
    "subtitle": "Tell us",
    "button_title": "Rate",
    "feedback_screens": [{"questions": [{"id": "q1", "type": "csat"}]}],
}
RECEIPT = {
    "template_type": "receipt",
    "recipient_name": "Ana",
    "order_number": "7",
    "currency": "USD",
    "payment_method": "Card",
    "summary": {"total_cost": 7.5},
}


@pytest.mark.parametrize(
    "message",
    [
        {"text": "x" * 1999, "quick_replies": [QUICK] * 13, "metadata": "m" * 999},
        {"text": "Your number?", "quick_replies": [{"content_type": "user_phone_number"}]},
        template(template_type="button", text="x" * 640, buttons=[BUTTON] * 3),
        template(template_type="generic", elements=[{"title": "x" * 80, "subtitle": "y" * 80, "buttons": [BUTTON] * 3}] * 10),
        template(template_type="media", elements=[{"media_type": "image", "url": "https://facebook.com/photo/1"}]),
        template(**RECEIPT),
        template(template_type="coupon", title="Ten off", coupon_code="TEN"),
        template(**FEEDBACK),
        template(template_type="product", elements=[{"id": "1"}]),
        template(template_type="image_grid", title="Cups", elements=[{"image_url": "https://shop.test/a.png"}] * 2),
        media("file", url="http://shop.test/menu.pdf"),
    ],
)
async def test_messages_up_to_every_limit_are_taken(graph: Client, message: dict[str, Any]) -> None:
    psid = await talking(graph)
    answer = await send(graph, {"id": psid}, message, messaging_type="RESPONSE")
    assert answer["recipient_id"] == psid
    [line] = [one for one in (await graph.control(f"people/{psid}"))["lines"] if one["by"] == "page"]
    assert line["mid"] == answer["message_id"]


@pytest.mark.parametrize(
    ("message", "subcode"),
    [
        ({"text": "x" * 2000}, None),
        ({"text": "x", "quick_replies": [QUICK] * 14}, None),
        ({"text": "x", "quick_replies": []}, None),
        ({"text": "x", "quick_replies": [{**QUICK, "title": "t" * 21}]}, None),
        ({"text": "x", "quick_replies": [{**QUICK, "payload": "p" * 1001}]}, None),
        ({"text": "x", "quick_replies": [{**QUICK, "content_type": "location"}]}, None),
        ({"text": "x", **media(url="https://shop.test/a.png")}, None),
        (template(template_type="button", text="x" * 641, buttons=[BUTTON]), None),
        (template(template_type="button", text="x", buttons=[]), None),
        (template(template_type="button", text="x", buttons=[BUTTON] * 4), None),
        (template(template_type="button", text="x", buttons=[{**BUTTON, "title": "t" * 21}]), None),
        (
            template(template_type="button", text="x", buttons=[{"type": "web_url", "title": "t", "url": "http://shop.test"}]),
            None,
        ),
        (template(template_type="button", text="x", buttons=[{"type": "phone_number", "title": "t", "payload": "1"}]), None),
        (template(template_type="generic", elements=[{"title": "x" * 81}]), None),
        (template(template_type="generic", elements=[{"title": "x"}] * 11), None),
        (template(template_type="generic", elements=[{"subtitle": "x"}]), None),
        (template(template_type="media", elements=[{"media_type": "image"}]), None),
        (template(template_type="media", elements=[{"media_type": "image", "attachment_id": "1"}]), 2018074),
        (template(**{**RECEIPT, "summary": {}}), None),
        (template(template_type="coupon", title="Ten off", coupon_code="TEN OFF"), None),
        (template(**{**FEEDBACK, "expires_in_days": 8}), None),
        (template(template_type="product", elements=[{"id": "1"}] * 11), None),
        (template(template_type="image_grid", elements=[{"image_url": "https://shop.test/a.png"}]), None),
        (template(template_type="airline"), None),
        (media("image"), None),
        (media("gif", url="https://shop.test/a.gif"), None),
        (media(url="https://nowhere.invalid/a.png"), 2018008),
        (media(attachment_id="1"), 2018074),
    ],
)
async def test_messages_past_a_limit_are_refused(graph: Client, message: dict[str, Any], subcode: int | None) -> None:
    psid = await talking(graph)
    assert refusal(await send(graph, {"id": psid}, message)) == (100, subcode)
    assert not [one for one in (await graph.control(f"people/{psid}"))["lines"] if one["by"] == "page"]


# -- on what grounds ------------------------------------------------------------------------------------------------


async def test_feedback_reaches_people_for_a_week_and_only_as_its_template(graph: Client) -> None:
    psid = await talking(graph)
    await graph.advance(3 * 24 * 3600)
    grounds = {"messaging_type": "MESSAGE_TAG", "tag": "CUSTOMER_FEEDBACK"}
    assert "message_id" in await send(graph, {"id": psid}, template(**FEEDBACK), **grounds)
    assert refusal(await send(graph, {"id": psid}, {"text": "Hi"}, **grounds)) == (100, None)
    await graph.advance(5 * 24 * 3600)
    assert refusal(await send(graph, {"id": psid}, template(**FEEDBACK), **grounds)) == (10, 2018278)


async def test_update_tags_live_until_the_day_meta_withdrew_them(graph: Client) -> None:
    grounds = {"messaging_type": "MESSAGE_TAG", "tag": "ACCOUNT_UPDATE"}
    await graph.control("clock", {"now": "2026-04-26T23:00:00+00:00"})
    psid = (await graph.tokens())[0]["recipient_id"]
    await graph.control("people/say", {"psid": psid})
    assert "message_id" in await send(graph, {"id": psid}, {"text": "Hi"}, **grounds)
    await graph.advance(2 * 3600)
    assert refusal(await send(graph, {"id": psid}, {"text": "Hi"}, **grounds)) == (100, None)


@pytest.mark.parametrize(
    "extra",
    [
        {"messaging_type": "MESSAGE_TAG"},
        {"messaging_type": "RESPONSE", "tag": "HUMAN_AGENT"},
        {"messaging_type": "UTILITY"},
        {"messaging_type": "PROMOTION"},
        {"notification_type": "LOUD"},
        {"persona_id": "1"},
    ],
)
async def test_grounds_that_make_no_sense(graph: Client, extra: dict[str, Any]) -> None:
    assert refusal(await send(graph, {"id": await talking(graph)}, {"text": "Hi"}, **extra)) == (100, None)


async def test_a_utility_template_goes_once_it_is_approved_and_to_anybody(graph: Client) -> None:
    await graph.page("POST", "me/subscribed_apps", json={"subscribed_fields": ["message_template_status_update"]})
    await graph.set_callback()
    psid = await talking(graph)
    await graph.advance(9 * 24 * 3600)
    message = {"template": {"name": "order_shipped", "language": {"code": "en_US"}, "components": []}}
    asked = {
        "name": "order_shipped",
        "language": "en_US",
        "category": "UTILITY",
        "components": [{"type": "BODY", "text": "On its way"}],
    }
    made = await graph.page("POST", "me/message_templates", json=asked)
    assert made["status"] == "PENDING"
    assert refusal(await send(graph, {"id": psid}, message, messaging_type="UTILITY")) == (100, None)
    await graph.advance(61)
    await graph.settled()
    [told] = graph.callback.events("message_template_status_update")
    assert (told["event"], told["message_template_id"]) == ("APPROVED", made["id"])
    assert (await send(graph, {"id": psid}, message, messaging_type="UTILITY"))["recipient_id"] == psid
    assert refusal(await graph.page("POST", "me/message_templates", json=asked)) == (100, None)


# -- to whom --------------------------------------------------------------------------------------------------------


async def test_whoever_blocks_the_page_is_not_available(graph: Client) -> None:
    psid = await talking(graph)
    await graph.control("people/block", {"psid": psid})
    assert refusal(await send(graph, {"id": psid}, {"text": "Hi"})) == (551, 1545041)
    await graph.control("people/block", {"psid": psid, "blocked": False})
    assert "message_id" in await send(graph, {"id": psid}, {"text": "Hi"})


async def test_a_comment_takes_one_private_reply_within_a_week(graph: Client) -> None:
    await graph.page("POST", "me/subscribed_apps", json={"subscribed_fields": ["feed"]})
    await graph.set_callback()
    psid = await add(graph)
    made = await graph.control("people/comment", {"psid": psid, "message": "price?"})
    await graph.settled()
    [told] = graph.callback.events("feed")
    assert (told["item"], told["verb"], told["comment_id"], told["message"]) == ("comment", "add", made["comment_id"], "price?")
    assert told["parent_id"] == told["post_id"] == made["post_id"]
    assert told["from"]["id"] != psid
    assert graph.callback.bodies()[0]["entry"][0]["time"] == told["created_time"]  # seconds
    answer = await send(graph, {"comment_id": made["comment_id"]}, {"text": "Two dollars"})
    assert answer["recipient_id"] == psid
    assert refusal(await send(graph, {"comment_id": made["comment_id"]}, {"text": "Again"})) == (100, None)
    assert refusal(await send(graph, {"id": psid}, {"text": "By PSID"})) == (10, 2018278)
    post = await graph.control("people/post", {"psid": psid})
    await graph.advance(7 * 24 * 3600 + 5)
    assert refusal(await send(graph, {"post_id": post["post_id"]}, {"text": "Late"})) == (100, None)


async def test_a_checkbox_names_nobody_until_the_person_answers(graph: Client) -> None:
    await graph.subscribe()
    psid = await add(graph)
    await graph.control("people/opt_in", {"psid": psid, "ref": "cart", "user_ref": "visitor-7"})
    answer = await send(graph, {"user_ref": "visitor-7"}, {"text": "Thank you"})
    assert set(answer) == {"message_id"}
    await graph.advance(3600)
    await graph.settled()
    [ticked] = graph.callback.messaging("optin")
    assert "sender" not in ticked
    assert ticked["optin"] == {"ref": "cart", "user_ref": "visitor-7"}
    assert not graph.callback.messaging("delivery")
    assert not graph.callback.messaging("message")
    await graph.control("people/say", {"psid": psid, "text": "You are welcome"})
    await graph.settled()
    [said] = graph.callback.messaging("message")
    assert said["prior_message"] == {"source": "checkbox_plugin", "identifier": "visitor-7"}
    assert (await send(graph, {"id": psid}, {"text": "Anything else?"}))["recipient_id"] == psid


async def test_a_link_is_told_at_once_to_whom_knows_the_page_and_with_the_first_message_else(graph: Client) -> None:
    await graph.page("POST", "me/subscribed_apps", json={"subscribed_fields": ["messages", "messaging_referrals"]})
    await graph.set_callback()
    old, new = await talking(graph), await add(graph)
    for psid in (old, new):
        await graph.control("people/refer", {"psid": psid, "ref": "autumn"})
    await graph.control("people/say", {"psid": new})
    await graph.settled()
    referral = {"ref": "autumn", "source": "SHORTLINK", "type": "OPEN_THREAD"}
    [told] = graph.callback.messaging("referral")
    assert (told["sender"]["id"], told["referral"]) == (old, referral)
    [first] = [event for event in graph.callback.messaging("message") if event["sender"]["id"] == new]
    assert first["message"]["referral"] == referral


# -- what the person does -------------------------------------------------------------------------------------------


async def test_taps_and_reactions_reach_the_page(graph: Client) -> None:
    fields = ["messages", "messaging_postbacks", "message_reactions", "message_reads"]
    await graph.page("POST", "me/subscribed_apps", json={"subscribed_fields": fields})
    await graph.set_callback()
    psid = await talking(graph)
    await send(graph, {"id": psid}, template(template_type="button", text="Shall we?", buttons=[{**BUTTON, "title": "Gladly"}]))
    sent = await send(graph, {"id": psid}, {"text": "Sure?", "quick_replies": [{**QUICK, "payload": "sure"}]})
    await graph.control("people/tap", {"psid": psid, "title": "Gladly"})
    await graph.control("people/tap", {"psid": psid, "title": "Yes"})
    await graph.control("people/react", {"psid": psid, "mid": sent["message_id"], "reaction": "love"})
    await graph.control("people/read", {"psid": psid})
    await graph.settled()
    [tapped] = graph.callback.messaging("postback")
    assert (tapped["postback"]["title"], tapped["postback"]["payload"]) == ("Gladly", "yes")
    [quick] = [event["message"] for event in graph.callback.messaging("message") if "quick_reply" in event["message"]]
    assert (quick["text"], quick["quick_reply"]) == ("Yes", {"payload": "sure"})
    [reaction] = graph.callback.messaging("reaction")
    assert (reaction["reaction"]["action"], reaction["reaction"]["mid"]) == ("react", sent["message_id"])
    assert len(graph.callback.messaging("read")) == 1
    assert (await graph.control("people/tap", {"psid": psid, "title": "No such thing"}))["error"]["code"] == 100


@pytest.mark.parametrize("action", ["typing_on", "MARK_SEEN", "react"])
async def test_sender_actions_in_either_case(graph: Client, action: str) -> None:
    psid = await talking(graph)
    sent = await send(graph, {"id": psid}, {"text": "Hi"})
    payload = {"payload": {"message_id": sent["message_id"], "reaction": "love"}}
    answer = await send(graph, {"id": psid}, sender_action=action, **(payload if action == "react" else {}))
    assert answer == {"recipient_id": psid}
    seen = await graph.control(f"people/{psid}")
    assert (seen["typing"], bool(seen["seen_at"]), seen["lines"][-1]["reaction"]) == (
        action == "typing_on",
        action == "MARK_SEEN",
        "love" if action == "react" else "",
    )
    assert refusal(await send(graph, {"id": psid}, {"text": "Hi"}, sender_action=action)) == (100, None)
    assert refusal(await send(graph, {"id": psid}, sender_action="dance")) == (100, None)


# -- files, personas, profile ---------------------------------------------------------------------------------------


async def test_a_file_is_uploaded_once_and_used_until_it_expires(graph: Client) -> None:
    psid = await talking(graph)
    made = await graph.page(
        "POST", "me/message_attachments", json={"message": media(url="https://shop.test/a.png", is_reusable=True)}
    )
    kept = await send(graph, {"id": psid}, media(url="https://shop.test/b.png", is_reusable=True))
    for number in (made["attachment_id"], kept["attachment_id"]):
        assert "message_id" in await send(graph, {"id": psid}, media(attachment_id=number))
    await graph.advance(90 * 24 * 3600 + 1)
    await graph.control("people/say", {"psid": psid})
    assert refusal(await send(graph, {"id": psid}, media(attachment_id=made["attachment_id"]))) == (100, 2018074)
    gone = {"message": media(attachment_id=made["attachment_id"])}
    assert refusal(await graph.page("POST", "me/message_attachments", json=gone)) == (100, 2018047)


async def test_personas_write_in_their_own_name(graph: Client) -> None:
    psid = await talking(graph)
    made = await graph.page(
        "POST", "me/personas", json={"name": "Bo of the bar", "profile_picture_url": "https://shop.test/bo.png"}
    )
    await send(graph, {"id": psid}, {"text": "Hi"}, persona_id=made["id"])
    assert (await graph.control(f"people/{psid}"))["pushes"][-1]["title"] == "Bo of the bar"
    assert [one["name"] for one in (await graph.page("GET", "me/personas"))["data"]] == ["Bo of the bar"]
    assert await graph.page("DELETE", made["id"]) == {"success": True}
    assert refusal(await graph.page("GET", made["id"])) == (100, 33)
    assert refusal(await graph.page("POST", "me/personas", json={"name": "x" * 51, "profile_picture_url": "https://a.test"})) == (
        100,
        None,
    )


async def test_the_messenger_profile_is_kept_bounded_and_paced(graph: Client) -> None:
    menu = [{"locale": "default", "call_to_actions": [{"type": "postback", "title": "Menu", "payload": "menu"}]}]
    alone = await graph.page("POST", "me/messenger_profile", json={"persistent_menu": menu})
    assert refusal(alone) == (100, None)
    both = {"get_started": {"payload": "start"}, "persistent_menu": menu}
    assert await graph.page("POST", "me/messenger_profile", json=both) == {"result": "success"}
    read = await graph.page("GET", "me/messenger_profile", params={"fields": "get_started,greeting"})
    assert read == {"data": [{"get_started": {"payload": "start"}}]}
    breakers = {"ice_breakers": [{"question": "Open?", "payload": "open"}] * 5}
    assert refusal(await graph.page("POST", "me/messenger_profile", json=breakers)) == (100, None)
    psid = await talking(graph)
    assert (await graph.control(f"people/{psid}"))["menu"] == ["Get Started", "Menu"]
    assert "mid" in await graph.control("people/tap", {"psid": psid, "title": "Menu"})
    assert refusal(await graph.page("DELETE", "me/messenger_profile", params={"fields": "get_started"})) == (100, None)
    for _ in range(5):
        await graph.page("DELETE", "me/messenger_profile", json={"fields": ["get_started", "persistent_menu"]})
    assert refusal(await graph.page("GET", "me/messenger_profile", params={"fields": "greeting"})) == (613, None)


async def test_a_persons_profile_opens_when_they_write_and_hides_what_the_token_may_not_see(graph: Client) -> None:
    psid = await add(graph)
    assert refusal(await graph.page("GET", psid)) == (100, 2018218)
    await graph.control("people/say", {"psid": psid})
    fields = {"fields": "first_name,last_name,locale,timezone"}
    whole = await graph.page("GET", psid, params=fields)
    assert (whole["first_name"], whole["last_name"], whole["id"]) == ("Ana", "Diaz", psid)
    assert whole.keys() == {"id", "first_name", "last_name", "locale", "timezone"}
    scoped = {"kind": "PAGE", "page_id": graph.world["page_id"], "scopes": ["pages_messaging"]}
    less = await graph.call("GET", psid, token=(await graph.control("tokens", scoped))["token"], params=fields)
    assert less.keys() == {"id", "first_name", "last_name"}
    assert refusal(await graph.call("GET", psid)) == (210, None)


async def test_texts_have_300_calls_a_second_and_sound_has_10(graph: Client) -> None:
    psid = await talking(graph)
    answers = [await send(graph, {"id": psid}, media("audio", url="https://shop.test/a.mp3")) for _ in range(12)]
    assert refusal(answers[-1]) == (613, 2534040)
    assert "message_id" in await send(graph, {"id": psid}, {"text": "Hi"})
