"""The pages about events are true: every kind is in the catalogue, its example has its facts, the guide's server works."""

import ast
import asyncio
import json
import re
import threading
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import pytest
from support.messaging import open_desk, refused
from support.scripted import AD_ACCOUNT, PAGE_ID, build_house
from support.telling import add_endpoint, bodies

from guestlist.actions import pages
from guestlist.channels.base import Remedy
from guestlist.domain.events import ALL, KINDS, check_kinds
from guestlist.domain.messages import Channel
from guestlist.outbound.base import Request
from guestlist.outbound.post import GuardedPost
from guestlist.outbound.reference import example, reference_page
from guestlist.outbound.signing import StandardSigner

ROOT = Path(__file__).parents[2]
EVENTS = ROOT / "docs" / "reference" / "events.md"
GUIDE = ROOT / "docs" / "how-to" / "receive-events.md"
EMITTERS = {"emit": 2, "Event": 0, "_event": 0}
"""Calls that name a kind of event, and where."""


def emitted():
    """Every kind that the code names where it emits; a part that is computed is `*`."""
    for path in sorted((ROOT / "guestlist" / "actions").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            place = EMITTERS.get(name)
            given = [node.args[place]] if place is not None and len(node.args) > place else []
            given += [each.value for each in node.keywords if each.arg == "event"]
            for each in given:
                if isinstance(each, ast.Constant) and isinstance(each.value, str):
                    yield path.name, each.value
                elif isinstance(each, ast.JoinedStr):
                    yield path.name, "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in each.values)


def test_every_kind_that_is_emitted_is_in_the_catalogue():
    found = list(emitted())
    assert len(found) > 20
    missing = [(name, kind) for name, kind in found if "*" not in kind and kind not in KINDS]
    assert missing == []
    assert {kind for _, kind in found if "*" in kind} <= {"message.*"}


def test_every_kind_is_listed_once():
    assert len(KINDS) == len(ALL)


def test_the_page_is_what_the_code_says():
    assert EVENTS.read_text(encoding="utf-8").splitlines() == list(reference_page())


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_an_example_shows_what_its_kind_carries(kind):
    data = example(kind)["data"]
    assert set(kind.rows) - {"delivery"} <= set(data)
    assert set(kind.data) <= set(data)
    assert kind.sentence.endswith(".")
    assert check_kinds([kind.name, kind.name]) == (kind.name,)


async def test_the_examples_of_messages_have_the_fields_of_real_ones(database):
    house = await build_house(database)
    page = await pages.connect_page(house.services, house.workspace_id, pages.Connection(PAGE_ID, AD_ACCOUNT, "EAAB-1", "EAAB-2"))
    desk = await open_desk(house, page)
    endpoint = await add_endpoint(house)
    await desk.wrote()
    desk.channels[Channel.MESSENGER].answers = [refused(Remedy.NEXT, "window_closed")]
    desk.channels[Channel.SMS].answers = [refused(Remedy.STOP, "blocked")]
    await desk.send(desk.draft("messenger", "sms"), metadata={"order": 7})
    await desk.send(desk.draft("email"), metadata={"order": 7})
    await desk.run()
    await house.run_notify(endpoint["id"])
    told = {body["type"]: body["data"] for body in bodies(house)}
    assert {"message.accepted", "message.sent", "message.failed", "delivery.refused"} <= set(told)
    for kind in ("message.accepted", "message.sent", "message.failed", "delivery.refused"):
        shown = example(KINDS[kind])["data"]
        assert set(told[kind]) - {"delivery"} == set(shown) - {"delivery"}, kind
        for row in ("message", "contact"):
            assert set(told[kind][row]) == set(shown[row]), (kind, row)
    assert set(told["message.sent"]["delivery"]) == set(example(KINDS["message.sent"])["data"]["delivery"])


@pytest.fixture
def shown_server(monkeypatch):
    """The server of the guide, on a free port; with its secret and what it has handled."""
    secret = StandardSigner().new_secret()
    monkeypatch.setenv("WEBHOOK_SECRET", secret)
    [code] = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    names = {"__name__": "guide"}
    exec(compile(code, str(GUIDE), "exec"), names)
    handled = []
    names["handle"] = handled.append
    names["Hooks"].log_message = lambda *words: None
    server = names["HTTPServer"](("127.0.0.1", 0), names["Hooks"])
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hooks", secret, handled
    server.shutdown()
    thread.join()
    server.server_close()


async def test_the_server_of_the_guide_takes_what_is_signed_once_and_nothing_else(shown_server):
    url, secret, handled = shown_server
    body = json.dumps(example(KINDS["message.received"])).encode()
    post = GuardedPost([ip_network("127.0.0.0/8")])

    async def send(sent, signed_with):
        headers = {"Content-Type": "application/json", **StandardSigner().sign("evt_1", datetime.now(UTC), body, [signed_with])}
        return (await post(Request("POST", url, headers, sent), timeout=5, limit=100)).status

    async with asyncio.timeout(20):
        assert await send(body, secret) == 204
        assert await send(body, secret) == 204
        assert await send(body + b" ", secret) == 401
        assert await send(body, StandardSigner().new_secret()) == 401
    await post.close()
    assert [event["type"] for event in handled] == ["message.received"]


def test_the_guide_names_every_problem():
    from guestlist.outbound.post import PROBLEMS

    text = GUIDE.read_text(encoding="utf-8")
    assert [word for _, word in PROBLEMS if f"`{word}`" not in text] == []
