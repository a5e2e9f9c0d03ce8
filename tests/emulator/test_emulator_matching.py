"""Matching by phone number: the request, what the person makes of it, and everything Meta asks for before (fact page 6)."""

from __future__ import annotations

from typing import Any

import pytest
from emulator_client import Client, digest, list_rows

pytestmark = pytest.mark.asyncio(loop_scope="session")  # all share one emulator

PHONE = "+1(212)555-2368"


async def send(graph: Client, phone: str = PHONE, text: str = "Your table is ready", **name: str) -> dict[str, Any]:
    recipient: dict[str, Any] = {"phone_number": phone, **({"name": name} if name else {})}
    body = {"recipient": recipient, "message": {"text": text}, "messaging_type": "UPDATE"}
    return await graph.page("POST", "me/messages", json=body)


async def add(graph: Client, **given: Any) -> str:
    return (await graph.control("people", {"first_name": "Ana", "phone": PHONE, **given}))["psid"]


def refusal(answer: dict[str, Any]) -> tuple[int, int | None]:
    assert "error" in answer, answer
    return answer["error"]["code"], answer["error"].get("error_subcode")


async def test_a_match_waits_silently_until_the_person_accepts_and_then_tells_everything(graph: Client) -> None:
    await graph.subscribe()
    psid = await add(graph)
    answer = await send(graph, first_name="Ana", last_name="Diaz")
    assert set(answer) == {"message_id"}
    seen = await graph.control(f"people/{psid}")
    assert (seen["request"], seen["lines"][0]["text"], seen["pushes"][0]["text"]) == (
        "pending",
        "Your table is ready",
        "Your table is ready",
    )
    await graph.advance(3600)
    await graph.settled()
    assert graph.callback.posts == []
    assert refusal(await graph.page("POST", "me/messages", json={"recipient": {"id": psid}, "message": {"text": "x"}})) == (
        100,
        2018001,
    )

    await graph.control("people/accept", {"psid": psid})
    later = await send(graph, text="Still free at eight")
    await graph.advance(60)
    await graph.control("people/read", {"psid": psid})
    await graph.settled()
    [accepted] = graph.callback.messaging("optin")
    assert (accepted["optin"], accepted["sender"]["id"]) == ({"message_request": "accept"}, psid)
    assert set(later) == {"message_id"}
    [echo] = graph.callback.messaging("message")
    assert (echo["message"]["mid"], echo["recipient"]["id"]) == (later["message_id"], psid)
    assert graph.callback.messaging("delivery")[0]["delivery"]["mids"] == [later["message_id"]]
    assert len(graph.callback.messaging("read")) == 1
    assert "error" in await graph.control("people/accept", {"psid": psid})  # once


@pytest.mark.parametrize(
    ("form", "prior"), [("present", {"source": "customer_matching", "identifier": "12125552368"}), ("absent", None)]
)
async def test_the_first_answer_accepts_and_may_say_by_which_number_they_were_reached(
    graph: Client, form: str, prior: dict[str, str] | None
) -> None:
    await graph.subscribe()
    await graph.control("switches", {"matching_prior": form})
    psid = await add(graph)
    await send(graph)
    for text in ("Thanks", "See you"):
        await graph.control("people/say", {"psid": psid, "text": text})
    await graph.settled()
    assert [event["optin"] for event in graph.callback.messaging("optin")] == [{"message_request": "accept"}]
    first, second = graph.callback.messaging("message")
    assert first.get("prior_message") == prior
    assert "prior_message" not in second


async def test_a_decline_is_silent_and_later_sends_reach_nobody(graph: Client) -> None:
    await graph.subscribe()
    psid = await add(graph)
    await send(graph)
    await graph.control("people/decline", {"psid": psid})
    assert set(await send(graph, text="Are you there?")) == {"message_id"}
    await graph.advance(3600)
    await graph.settled()
    assert graph.callback.posts == []
    seen = await graph.control(f"people/{psid}")
    assert (seen["request"], len(seen["pushes"])) == ("declined", 1)


async def test_who_is_behind_a_number_follows_from_the_seed_and_the_crowd_answers_by_itself(graph: Client) -> None:
    await graph.subscribe()
    phones = [f"+1212555{number:04d}" for number in range(60)]
    first = [refusal(answer) if "error" in answer else None for answer in [await send(graph, phone) for phone in phones]]
    assert set(first) == {None, (100, 2018001)}
    await graph.advance(600)
    await graph.settled()
    accepted = len(graph.callback.messaging("optin"))
    requests = [one["request"] for one in (await graph.control("people?limit=200"))["data"] if one["request"]]
    assert (requests.count("accepted"), requests.count("pending")) == (accepted, 0)
    assert 0 < accepted < first.count(None)
    await graph.control("reset", {})
    again = [refusal(answer) if "error" in answer else None for answer in [await send(graph, phone) for phone in phones]]
    assert again == first


async def test_the_person_behind_a_number_is_the_one_an_upload_finds(graph: Client) -> None:
    """The digest of a number in a list and the number itself lead to one person, with one token."""
    psid = await add(graph)
    rows = [*list_rows(300), ["", digest("12125552368")]]
    await graph.upload(await graph.create_audience(), rows)
    await graph.advance(200)
    await graph.until(lambda state: state["audiences"][-1]["operation_status"]["code"] == 200)
    said = await graph.control("people/say", {"phone": PHONE})
    listed = await graph.tokens(opt_in_source="SUBSCRIBER_LIST")
    assert said["psid"] == psid
    assert said["token"] in {row["notification_messages_token"] for row in listed}


@pytest.mark.parametrize(
    ("lacking", "refused"),
    [
        ({"fee_paid": False}, (200, 2018021)),
        ({"phone_reviewed": False}, (200, 2018027)),
        ({"app_approved": False}, (200, 2018028)),
        ({"published": False}, (100, 2018001)),
    ],
)
async def test_each_precondition_is_enforced(graph: Client, lacking: dict[str, bool], refused: tuple[int, int]) -> None:
    await add(graph)
    await graph.control("pages/matching", lacking)
    assert refusal(await send(graph)) == refused
    await graph.control("pages/matching", dict.fromkeys(lacking, True))
    assert set(await send(graph)) == {"message_id"}


@pytest.mark.parametrize("lacking", [{"app_approved": False}, {"published": False}])
async def test_people_with_a_role_are_matched_before_app_and_page_are_public(graph: Client, lacking: dict[str, bool]) -> None:
    await add(graph, role=True)
    await graph.control("pages/matching", lacking)
    assert set(await send(graph)) == {"message_id"}


async def test_a_token_without_the_permission_a_suspended_page_and_too_many_sends(graph: Client) -> None:
    await add(graph)
    body = {"recipient": {"phone_number": PHONE}, "message": {"text": "Hi"}}
    scoped = {"kind": "PAGE", "page_id": graph.world["page_id"], "scopes": ["pages_messaging"]}
    token = (await graph.control("tokens", scoped))["token"]
    assert await graph.error("POST", "me/messages", token=token, json=body) == (200, 2018027)
    await graph.control("limits", {"phone_sends": 0})
    assert refusal(await send(graph)) == (4, 2018022)
    await graph.control("switches", {"phone_matching": "suspended"})
    assert refusal(await send(graph)) == (100, None)


async def test_a_send_that_is_refused_asks_nobody(graph: Client) -> None:
    psid = await add(graph)
    body = {"recipient": {"phone_number": PHONE}, "message": {"text": "Hi"}, "messaging_type": "MESSAGE_TAG"}
    assert await graph.error("POST", "me/messages", token="page_token", json={**body, "tag": "ACCOUNT_UPDATE"}) == (100, None)
    assert (await graph.control(f"people/{psid}"))["request"] == ""


@pytest.mark.parametrize("phone", ["", "+12", "call me", "1" * 16])
async def test_what_is_no_phone_number(graph: Client, phone: str) -> None:
    assert refusal(await send(graph, phone)) == (100, None)


async def test_the_page_says_whether_it_is_published(graph: Client) -> None:
    await graph.control("pages/matching", {"published": False})
    assert (await graph.page("GET", "me", params={"fields": "id"}))["id"] == graph.world["page_id"]
    answer = await graph.page("GET", graph.world["page_id"], params={"fields": "is_published"})
    assert answer == {"id": graph.world["page_id"], "is_published": False}
