"""Random parameters on every route: always a Graph answer, never a crash."""

from __future__ import annotations

import random
from typing import Any

import pytest
from emulator_client import Client

from guestlist.emulator.control import CONTROLS
from guestlist.emulator.routes import ROUTES

pytestmark = pytest.mark.asyncio(loop_scope="session")  # all share one emulator

NAMES = """fields limit after before summary filtering payload session name description subtype customer_file_source
    subscription_info use_for_products marketing_message_channels page_id daily_budget lifetime_budget start_time end_time
    bid_amount pixel_id status message_id messenger_delivery_data message min_conversation_gap_seconds recipient tag
    messaging_type sender_action subscribed_fields object callback_url verify_token input_token opt_in_source since until
    custom_audience_ids do_not_return_duplicates data promoted_object time_range session_id tos_id batch""".split()  # noqa: SIM905
VALUES: list[Any] = [
    "",
    "x",
    "-1",
    "0",
    "99999999999999999999",
    "\u0000",
    "é" * 50,
    "{",
    "[]",
    "{}",
    '{"a":[1]}',
    '[{"field":1,"operator":2,"value":3}]',
    "id,name",
    "1e309",
    "true",
    0,
    -5,
    2**63,
    1.5,
    1e300,
    None,
    True,
    [],
    [None],
    [[]],
    {},
    {"id": {}},
    {"schema": ["EMAIL", {}], "data": [[1, 2]]},
    {"schema": ["EMAIL"], "data": [[{}]]},
    {"session_id": 2**62, "batch_seq": 2**62},
    {"subscription_token": "1"},
    {"text": {}},
    {"attachment": {"type": "template", "payload": {"template_type": "generic", "elements": [{"title": "x", "buttons": {}}]}}},
    {"page_id": []},
    ["MESSENGER", {}],
]


@pytest.mark.parametrize("seed", range(6))
async def test_no_parameters_can_crash_a_route(graph: Client, seed: int) -> None:
    chance = random.Random(seed)
    audience, campaign = await graph.create_audience(), await graph.campaign()
    token = (await graph.tokens())[0]["notification_messages_token"]
    nodes = {
        "account": graph.world["ad_account_id"],
        "page": graph.world["page_id"],
        "app": graph.world["app_id"],
        "user": "40500000000000051",
        "audience": audience,
        "campaign": campaign,
        "token": f"notification_messages_{token}",
    }
    app_token = f"{graph.world['app_id']}|{graph.world['app_secret']}"
    for kind, edge, method in sorted(ROUTES, key=lambda route: route[2] == "DELETE"):
        bearer = {"page": "page_token", "token": "page_token", "app": app_token}.get(kind, "user_token")
        for _ in range(6):
            body = {name: chance.choice(VALUES) for name in chance.sample(NAMES, 25)}
            path = f"{nodes.get(kind, kind)}/{edge}".rstrip("/")
            answer = await graph.call(method, path, token=bearer, json=body)
            assert isinstance(answer, dict)
            assert answer.get("error", {}).get("message") != "(#1) An unknown error occurred", (kind, edge, method, body)


CONTROL_NAMES = """speed advance_seconds now faults webhooks name kind scopes page_id expires_in token alive ad_account_id
    accepted audience_id flagged envelope rate custom_audience psid text opted_out path since limit""".split()  # noqa: SIM905
RULES: list[Any] = [
    [{"error": {"code": 1, "status": 2}}],
    [{"error": {"code": {}}}],
    [{"path": {}}],
    [{"method": 5, "times": "x"}],
    [{"error": {"message": {}, "type": [], "error_data": {}}, "times": 1, "path": "/nowhere"}],
    {"drop": "x"},
    {"drop": 1e400},
    {"delay_seconds": -1},
]


@pytest.mark.parametrize("seed", range(4))
async def test_no_parameters_can_crash_the_control_surface(graph: Client, seed: int) -> None:
    chance = random.Random(seed)
    for path, handlers in CONTROLS.items():
        for method in handlers:
            for _ in range(20):
                body = {name: chance.choice(VALUES + RULES) for name in chance.sample(CONTROL_NAMES, 6)}
                status, _, _ = await graph.raw(method, f"/_emulator{path}", json=body)
                assert status in (200, 400), (path, method, body)


@pytest.mark.parametrize("body", [b"{", b"5", b'"x"', b"[1]", b"[" * 100_000, b"\xff"])
async def test_garbage_bodies_on_the_control_surface(graph: Client, body: bytes) -> None:
    status, _, _ = await graph.raw("POST", "/_emulator/faults", data=body)
    assert status == 400
