"""Anything at all in any field: refused or taken, never a fault of ours. Source: vendor-apis.md 2.5."""

from __future__ import annotations

import random
from typing import Any

import pytest
from comapi_desk import Desk

ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        0,
        -1,
        1.5,
        2**63,
        10**30,
        "",
        "x",
        "\x00",
        "{{",
        "}}",
        "{{profile.",
        "{{profile.a.b}}",
        "\ud83d\ude00",
        "x" * 3000,
    ),
    *([], {}, [[]], [None], [1, "x"], {"": ""}, {"x": {"y": [None]}}, {"$gt": 1}, {"type": "text/plain", "data": "x"}),
    *("2026-11-21T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59+14:00", "447700900123", "ada@example.com"),
    *("https://example.com/x", "http://[::1", "fbMessenger", "sms", ["fbMessenger", "sms"], ["sms"], "true", "%", "../.."),
)
TO = ("profileId", "phoneNumber", "mobileNumber", "email", "fbMessengerId", "firstName", "lastName", "other")
MESSAGE = (
    *("to", "rules", "ruleSet", "title", "body", "messageParts", "templateId", "customBody", "channelOptions", "overrides"),
    *("conversationId", "expiresOn", "metadata", "requireOptIn", "messageId", "_x"),
)
WEBHOOK = ("name", "url", "secret", "subscriptions", "batch", "maxBatchSize", "batchTimeout")
REPORT = ("channel", "channelStatus", "timestamp", "failureReason", "from", "title", "body", "messageId", "receivedOn")
SESSION = ("authenticationId", "authenticationToken", "deviceId", "issuer", "audience", "sharedSecret", "idClaim")
DOORS: tuple[tuple[str, str, tuple[str, ...], dict[str, Any]], ...] = (
    ("POST", "/messages", MESSAGE, {"to": {"phoneNumber": "447700900123"}, "rules": ["sms"], "body": "Hi"}),
    ("PATCH", "/messages/{guid}", ("redact", "redactSource"), {"redact": True}),
    ("POST", "/messages/{guid}/statuses/read", REPORT, {"channel": "sms"}),
    ("POST", "/messages/inbounds", REPORT, {"channel": "sms", "from": {"phoneNumber": "447700900123"}}),
    ("POST", "/profiles", (*TO, "id", "facebook", "_x", 'a"b', "$x"), {}),
    ("PUT", "/profiles/ada", (*TO, "id"), {}),
    ("PATCH", "/profiles/ada", (*TO, "id"), {}),
    ("PUT", "/profiles/ada/optin", ("channels",), {}),
    ("POST", "/channels/facebook/state", (*TO, "data", "id"), {}),
    ("POST", "/webhooks", WEBHOOK, {"name": "x", "url": "https://shop.example.com/"}),
    ("POST", "/sessions", SESSION, {"authenticationId": "x", "authenticationToken": "y"}),
    ("PUT", "/sessions/scheme", SESSION, {}),
)


@pytest.mark.parametrize(("method", "path", "names", "sound"), [pytest.param(*door, id=" ".join(door[:2])) for door in DOORS])
async def test_odd_values_are_no_fault_of_ours(
    desk: Desk, method: str, path: str, names: tuple[str, ...], sound: dict[str, Any]
) -> None:
    draw = random.Random(f"{method} {path}")
    await desk.post("/profiles", {"id": "ada"})
    sent = await desk.accepted({"to": {"profileId": "ada", "phoneNumber": "447700900999"}, "rules": ["sms"], "body": "Hi"})
    path = path.replace("{guid}", sent["messageId"])
    given: list[Any] = [{**sound, name: value} for name in names for value in ODD]
    given = draw.sample(given, min(len(given), 120)) + list(ODD)
    inner = [{**sound, "to": {"phoneNumber": "447700900123", name: draw.choice(ODD)}} for name in TO for _ in range(4)]
    for each in given + (inner if "to" in names else []):
        answered = await desk.send(method, path, each)
        assert answered.status < 500, (each, answered.text)
        if answered.status == 400 and not path.endswith("state"):
            failures = answered.json()["validationFailures"]
            assert failures
            assert all(set(failure) == {"paramName", "message"} for failure in failures)


@pytest.mark.parametrize(
    "path", ["/profiles", "/profiles/ada/messages", "/profiles/ada", "/messages/{odd}", "/webhooks/{odd}", "/sessions/{odd}"]
)
async def test_odd_addresses_are_no_fault_of_ours(desk: Desk, path: str) -> None:
    await desk.post("/profiles", {"id": "ada", "age": 3})
    names = (
        "$limit",
        "$skip",
        "$fields",
        "age",
        "age[]",
        "id",
        "phoneNumber",
        "email",
        "a.b",
        "",
        '"',
        "limit",
        "from",
        "channelId",
        "x\x00",
    )
    texts = [str(each) for each in ODD if isinstance(each, str | int | float)]
    for text in [*texts, ">", ">=x", "!", "!!", "^", "$", "~", ">1e999", "nan", "-0"]:
        for name in names if "{odd}" not in path else names[:1]:
            odd = text.encode("utf-8", "replace").hex() if "{odd}" in path else ""
            answered = await desk.get(path.replace("{odd}", odd or "x"), [(name, text.encode("utf-8", "replace").decode())])
            assert answered.status < 500, (name, text, answered.text)
