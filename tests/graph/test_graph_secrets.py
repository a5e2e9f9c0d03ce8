"""No token, secret, hash, phone or message text reaches a log record, an exception or a repr, whatever the call meets."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from graph_mock import MockTransport, answer, make_clients, raw, refusal
from structlog.testing import capture_logs

from guestlist.errors import GuestlistError
from guestlist.graph.base import Applied, GraphError, Request, Response, Session, TokenRow, TransportError
from guestlist.graph.client import GraphClient, GraphClients
from guestlist.graph.transport import AiohttpTransport

TOKEN, SECRET, SUBSCRIBER = "EAAB-page-token", "the-app-secret", "5000000000000001"
DIGEST = "1ef970831d7963307784fa8688e8fce101a15685d62aa765fed23f3a2c576a4e"
TEXT, NAME = "Hello Ana, 20 % off", "Ana Diaz"
SECRETS = (TOKEN, SECRET, SUBSCRIBER, DIGEST, TEXT, NAME, "appsecret_proof", "Bearer")

CALLS: list[Callable[[GraphClient], Awaitable[Any]]] = [
    lambda g: g.debug_token(),
    lambda g: g.read_page("11"),
    lambda g: g.subscribe_page("11", ["messages"]),
    lambda g: g.subscribe_app(callback_url="https://shop.test/", verify_token=SUBSCRIBER, fields=["messages"]),
    lambda g: g.list_tokens("11", after="QQ"),
    lambda g: g.list_audiences("5"),
    lambda g: g.create_audience("5", name=NAME, description=NAME, page_id="11"),
    lambda g: g.delete_audience("77"),
    lambda g: g.add_users("77", schema=("PHONE",), data=((DIGEST,),), session=Session(1, 1, True, 1)),
    lambda g: g.send_marketing_message("5", campaign_id="88", token=SUBSCRIBER, message={"text": TEXT}),
    lambda g: g.read_audience(f"{TOKEN}/{SUBSCRIBER}"),
    lambda g: g.send_message("11", {"recipient": {"id": SUBSCRIBER}, "message": {"text": TEXT}}),
    lambda g: g.send_action("11", SUBSCRIBER, "typing_on"),
    lambda g: g.upload_attachment("11", "image", f"https://a.com/{NAME}"),
    lambda g: g.create_persona("11", NAME, f"https://a.com/{NAME}"),
    lambda g: g.list_personas("11"),
    lambda g: g.delete_persona("55"),
    lambda g: g.read_messenger_profile(["greeting"]),
    lambda g: g.set_messenger_profile({"greeting": [{"locale": "default", "text": TEXT}]}),
    lambda g: g.clear_messenger_profile(["greeting"]),
]
LEAKY = f"{NAME} {TOKEN} {SUBSCRIBER} {DIGEST} {TEXT}"
ANSWERS: list[Response | TransportError] = [
    answer({"id": "11", "name": NAME, "data": [{"id": "1", "notification_messages_token": SUBSCRIBER}], "success": True}),
    answer({"num_received": LEAKY, "data": [LEAKY], "id": None}),
    refusal(190, 460, message=LEAKY, error_user_msg=LEAKY, error_data={"blame": LEAKY}),
    refusal(4711, 4712, message=LEAKY, type=LEAKY),
    answer({"error": LEAKY}),
    raw(LEAKY.encode(), 502),
    TransportError("Graph did not answer in time.", applied=Applied.UNKNOWN),
]


@pytest.fixture(autouse=True)
def _calls_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The line of a call is written at the level debug only."""
    caplog.set_level(logging.DEBUG)


def everything_about(error: BaseException | None) -> str:
    """Text, repr and traceback of an error and of all it drags along."""
    told = []
    while error is not None:
        told.append(f"{error} {error!r} {vars(error)} {''.join(traceback.format_exception_only(error))}")
        error = error.__cause__ or error.__context__
    return " ".join(told)


def assert_no_secret(text: str) -> None:
    assert [secret for secret in SECRETS if secret in text] == []


@pytest.mark.parametrize("answered", ANSWERS)
@pytest.mark.parametrize("call", CALLS)
async def test_nothing_leaks_from_a_call(
    call: Callable[[GraphClient], Awaitable[Any]], answered: Response | TransportError
) -> None:
    clients = make_clients(MockTransport([answered]), app_id="42", app_secret=SECRET)
    graph, told = clients.with_token(TOKEN), ""

    with capture_logs() as records:
        try:
            await call(graph)
        except (GraphError, GuestlistError) as error:
            told = everything_about(error)

    assert_no_secret(told)
    assert_no_secret(repr(records))
    assert_no_secret(f"{graph!r} {clients!r} {vars(graph)!r} {vars(clients)!r}")


async def test_a_log_line_tells_method_path_status_time_and_trace_and_no_more() -> None:
    clients = make_clients(MockTransport([refusal(613)]))

    with capture_logs() as records, pytest.raises(GraphError):
        await clients.with_token(TOKEN).list_tokens("11", after="QQ")

    (record,) = records
    assert record.pop("ms") >= 0
    assert record == {
        "event": "graph call",
        "log_level": "debug",
        "method": "GET",
        "path": "/11/notification_message_tokens",
        "status": 400,
        "number": 613,
        "trace": "Abc123",
    }


def test_what_travels_shows_nothing_of_itself() -> None:
    request = Request("POST", "https://graph.test/v26.0/act_5/messages", {"Authorization": f"Bearer {TOKEN}"}, {}, TEXT.encode())
    row = TokenRow(SUBSCRIBER, SUBSCRIBER, None, None, None, None, "Updates", ())

    assert_no_secret(f"{request!r} {Response(200, {'x': TOKEN}, TEXT.encode())!r} {row!r}")


async def test_a_failure_of_the_real_transport_drags_no_request_along() -> None:
    async def speak_smtp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail.test ESMTP\r\n\r\n")  # aiohttp's error for this shows the request with its headers
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(speak_smtp, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    clients = GraphClients(AiohttpTransport(), base_url=f"http://127.0.0.1:{port}", app_secret=SECRET)
    with pytest.raises(GraphError) as caught:
        await clients.with_token(TOKEN).send_marketing_message("5", campaign_id="88", token=SUBSCRIBER, message={"text": TEXT})
    await clients.close()
    server.close()

    assert caught.value.applied is Applied.UNKNOWN
    assert_no_secret(everything_about(caught.value))
