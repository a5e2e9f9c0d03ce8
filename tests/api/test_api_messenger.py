"""What people see of a Page on Messenger, from outside; and what the messages' door says of Messenger's rules."""

from __future__ import annotations

from typing import Any

import pytest
from api_house import Api
from support.asgi import Client
from support.messaging import PSID, add_account, write_to_page

from guestlist.actions.refs import open_ref
from guestlist.domain.messages import Channel

URL = "https://cdn.acme.com/cup.png"


async def test_a_file_is_uploaded_once_and_its_id_can_be_sent(api: Api) -> None:
    page_id = await api.connect()
    given = {"page": page_id, "type": "image", "url": URL}
    made, again = [(await api.client.post("/v1/attachments", given)).json() for _ in range(2)]
    assert made == again == {"attachment_id": "66000001", "page": page_id, "expires_at": "2027-02-18T12:00:00Z"}


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({"url": "http://192.168.0.7/cup.png"}, 400, "private_host"),
        ({"url": "cup.png"}, 400, "bad_url"),
        ({"type": "template"}, 422, "invalid_request"),
        ({"page": "pag_01hq3k5y8v7d2w9g4m6n0p1r2s"}, 404, "not_found"),
    ],
)
async def test_an_upload_that_cannot_be_is_refused(api: Api, given: dict[str, Any], status: int, code: str) -> None:
    page_id = await api.connect()
    answered = await api.client.post("/v1/attachments", {"page": page_id, "type": "image", "url": URL, **given})
    assert (answered.status, answered.json()["code"]) == (status, code)


async def test_personas_are_made_listed_and_ended(api: Api) -> None:
    page_id = await api.connect()
    given = {"name": "Ana", "picture_url": URL}
    made = await api.client.post(f"/v1/pages/{page_id}/personas", given)
    assert (made.status, made.json()) == (201, {"id": "55000000", **given})
    assert (await api.client.get(f"/v1/pages/{page_id}/personas")).json() == {"data": [{"id": "55000000", **given}]}
    assert (await api.client.delete(f"/v1/pages/{page_id}/personas/55000000")).status == 204
    assert (await api.client.get(f"/v1/pages/{page_id}/personas")).json() == {"data": []}


async def test_the_profile_is_put_read_and_deleted(api: Api) -> None:
    path = f"/v1/pages/{await api.connect()}/profile"
    greeting = [{"locale": "default", "text": "Hello!"}]
    put = await api.client.put(path, {"greeting": greeting})
    await api.client.put(path, {"get_started": {"payload": "START"}})
    assert (put.status, put.json()) == (200, {"greeting": greeting})
    assert (await api.client.get(path)).json() == {"greeting": greeting, "get_started": {"payload": "START"}}
    assert (await api.client.call("DELETE", path, query={"fields": "greeting"})).status == 204
    assert (await api.client.get(path)).json() == {"get_started": {"payload": "START"}}
    assert (await api.client.delete(path)).status == 204
    assert (await api.client.get(path)).json() == {}


async def test_a_profile_beyond_a_limit_is_refused_by_field(api: Api) -> None:
    path = f"/v1/pages/{await api.connect()}/profile"
    breakers = [{"question": "When?", "payload": "WHEN"}] * 5
    answered = await api.client.put(path, {"ice_breakers": breakers})
    problem = answered.json()
    assert (answered.status, problem["code"], problem["errors"][0]["field"]) == (400, "bad_profile", "ice_breakers.4")


async def test_typing_is_shown(api: Api) -> None:
    path = f"/v1/pages/{await api.connect()}/actions"
    assert (await api.client.post(path, {"psid": PSID, "action": "typing_on"})).status == 204
    assert api.house.graph.calls[-1] == ("send_action", (PSID, "typing_on"))
    assert (await api.client.post(path, {"psid": PSID, "action": "dance"})).status == 422


async def test_a_button_for_the_website_brings_its_ref_back(api: Api) -> None:
    page_id = await api.connect()
    made = (await api.client.get(f"/v1/pages/{page_id}/snippet", {"ref": "spring", "days": "30"})).json()
    ref = made["url"].partition("?ref=")[2]
    assert open_ref(api.house.services, api.house.workspace_id, ref) == {"ref": "spring"}
    assert made["html"].endswith(">Message us</a>")
    assert made["expires_at"] == "2026-12-20T12:00:00Z"


async def test_another_workspace_reaches_nothing_of_the_page(api: Api) -> None:
    page_id = await api.connect()
    stranger: Client = await api.stranger()
    for path in ("personas", "profile", "snippet"):
        assert (await stranger.get(f"/v1/pages/{page_id}/{path}")).status == 404
    assert (await stranger.post(f"/v1/pages/{page_id}/actions", {"psid": PSID, "action": "mark_seen"})).status == 404


# -- the messages' door ---------------------------------------------------------------------------------------------

REFUSED = [
    ({"options": {"messenger": {"type": "MESSAGE_TAG"}}}, 400, "tag_missing"),
    ({"options": {"messenger": {"tag": "NO_SUCH"}}}, 400, "unknown_tag"),
    ({"options": {"messenger": {"type": "UTILITY"}}}, 400, "template_missing"),
    ({"quick_replies": [{"title": "x"}] * 14}, 400, "too_many"),
    ({"text": "x" * 2001}, 400, "too_long"),
    ({"buttons": [{"type": "web_url", "title": "x", "url": "http://a.com"}]}, 400, "not_https"),
    ({"parts": [{"type": "image", "url": "http://10.0.0.1/x.png"}]}, 400, "private_host"),
    ({"raw": {"messenger": {"message": {}, "recipient": {"id": "9"}}}}, 400, "not_supported"),
]


@pytest.mark.parametrize(("more", "status", "code"), REFUSED, ids=[row[2] for row in REFUSED])
async def test_what_messenger_cannot_carry_is_refused_inside_the_window(
    api: Api, more: dict[str, Any], status: int, code: str
) -> None:
    await write_to_page(api.house, await api.connect())
    answered = await api.client.post("/v1/messages", {"to": {"psid": PSID}, "rules": ["messenger"], "text": "Hi", **more})
    assert (answered.status, answered.json()["code"]) == (status, code)


async def test_a_closed_window_names_what_to_add(api: Api) -> None:
    await api.connect()
    problem = (await api.client.post("/v1/messages", {"to": {"psid": PSID}, "rules": ["messenger"], "text": "Hi"})).json()
    assert (problem["status"], problem["code"]) == (409, "window_closed")
    assert "options.messenger.utility" in problem["remedy"]


async def test_a_withdrawn_tag_goes_on_to_the_next_rule_with_its_date(api: Api) -> None:
    await api.connect()
    await add_account(api.house, Channel.SMS)
    given = {
        "to": {"psid": PSID, "phone": "+447911123456"},
        "rules": ["messenger", "sms"],
        "text": "Shipped.",
        "options": {"messenger": {"tag": "SHIPPING_UPDATE"}},
    }
    made = await api.client.post("/v1/messages", given)
    story = (await api.client.get(f"/v1/messages/{made.json()['id']}")).json()
    assert (made.status, [each["reason"] for each in story["deliveries"]]) == (201, ["tag_withdrawn", ""])
    explained = (await api.client.post("/v1/messages/explain", given)).json()
    assert [(each["code"], each["since"]) for each in explained["routes"][:1]] == [("tag_withdrawn", "2020-03-04")]
