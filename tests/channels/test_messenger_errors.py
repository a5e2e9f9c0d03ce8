"""Every refusal of Meta's asks for one thing. The tables below are those of the fact page, 7.8 and 7.9, row by row."""

from __future__ import annotations

import logging

import pytest
from meta_transport import PSID, TOKEN, answer, build, draft, refusal, send
from structlog.testing import capture_logs

from guestlist.channels.base import Refused, Remedy
from guestlist.channels.messenger.errors import BY_CLASS, SEND_ERRORS, find_send_error
from guestlist.domain.messages import Content
from guestlist.graph.base import Applied, ErrorClass, Response, TransportError

RETRY, WAIT, NEXT, STOP = Remedy.RETRY, Remedy.WAIT, Remedy.NEXT, Remedy.STOP
RECONNECT, LOST = Remedy.RECONNECT, Remedy.LOST

CASES = {
    # 7.8: retry with back-off. 1 and 2 do not say what became of the message: it is never repeated.
    (1, None): (LOST, "answer_lost"),
    (2, None): (LOST, "answer_lost"),
    (4, None): (WAIT, "throttled"),
    (17, None): (WAIT, "throttled"),
    (32, None): (WAIT, "throttled"),
    (341, None): (WAIT, "throttled"),
    (613, None): (WAIT, "throttled"),
    **{(number, None): (WAIT, "throttled") for number in range(80000, 80015)},
    (1200, None): (RETRY, "send_failed"),
    # 7.9, in its order
    (1, 99): (LOST, "answer_lost"),
    (1, 1357046): (LOST, "answer_lost"),
    (2, 2018344): (STOP, "terms"),
    (4, 2018022): (WAIT, "throttled"),
    (4, 2018354): (NEXT, "cool_down"),
    (9, 2018352): (WAIT, "throttled"),
    (10, 1404170): (STOP, "page_restricted"),
    (10, 1893015): (NEXT, "opted_out"),
    (10, 1893063): (STOP, "page_restricted"),
    (10, 2018065): (NEXT, "window_closed"),
    (10, 2018108): (NEXT, "cannot_receive"),
    (10, 2018278): (NEXT, "window_closed"),
    (10, 2018336): (STOP, "denied"),
    (10, 2534022): (NEXT, "window_closed"),
    (100, None): (STOP, "bad_request"),
    (100, 33): (STOP, "bad_request"),
    (100, 2018001): (NEXT, "no_match"),
    (100, 2018008): (STOP, "media_not_fetched"),
    (100, 2018014): (STOP, "bad_request"),
    (100, 2018034): (STOP, "empty_message"),
    (100, 2018047): (STOP, "upload_failed"),
    (100, 2018074): (STOP, "attachment_unknown"),
    (100, 2018109): (STOP, "media_too_large"),
    (100, 2018164): (STOP, "wrong_app"),
    (100, 2018294): (STOP, "bad_media"),
    (100, 2018320): (STOP, "bad_product"),
    (190, None): (RECONNECT, "token_dead"),
    **{(190, subcode): (RECONNECT, "token_dead") for subcode in (458, 459, 460, 463, 464, 467, 492)},
    (200, None): (RECONNECT, "permission_missing"),
    (200, 1545041): (NEXT, "not_available"),
    (200, 2018021): (STOP, "phone_fee_unpaid"),
    (200, 2018027): (STOP, "phone_not_reviewed"),
    (200, 2018028): (STOP, "role_needed"),
    (551, None): (NEXT, "not_available"),
    (551, 1545041): (NEXT, "not_available"),
    (613, 1893016): (NEXT, "already_asked"),
    (613, 2018338): (STOP, "tag_misused"),
    (613, 2534040): (WAIT, "throttled"),
    (2022, None): (STOP, "commerce_off"),
    (10303, None): (STOP, "linking_failed"),
    (2018218, None): (NEXT, "no_profile"),
    (100, 2018218): (NEXT, "no_profile"),
    (2018247, None): (RECONNECT, "permission_missing"),
    (2018300, None): (NEXT, "thread_taken"),
    (100, 2018300): (NEXT, "thread_taken"),
    **{(number, None): (STOP, "bad_media") for number in (2018171, 2018173, 2018175, 2018182, 2018183)},
    # 7.8: reconnect, stop
    (10, None): (RECONNECT, "permission_missing"),
    (102, None): (RECONNECT, "token_dead"),
    (368, None): (STOP, "page_blocked"),
    # 0.2
    (3, None): (STOP, "capability_missing"),
    (210, None): (RECONNECT, "permission_missing"),
    (506, None): (STOP, "repeated"),
    (613, 1996): (WAIT, "throttled"),
    # no row: by class
    (10, 4711): (STOP, "denied"),
    (200, 4711): (STOP, "denied"),
    (100, 4711): (STOP, "bad_request"),
    (4711, None): (STOP, "graph_4711"),
}


@pytest.mark.parametrize(("numbers", "expected"), CASES.items(), ids=lambda each: str(each))
async def test_a_refusal_asks_for_one_thing(numbers, expected):
    [body] = build()
    refused, _ = await send(body, refusal(*numbers))
    assert (refused.remedy, refused.code) == expected
    assert refused.provider_code == "/".join(str(number) for number in numbers if number is not None)
    assert refused.sentence.endswith(".")


def test_every_row_of_the_table_is_met_by_a_case():
    met = {id(find_send_error(*numbers)) for numbers in CASES}
    assert [numbers for numbers, row in SEND_ERRORS.items() if id(row) not in met and numbers != (None, 1893047)] == []


def test_every_class_of_the_graph_client_has_a_remedy():
    assert BY_CLASS.keys() == set(ErrorClass)


@pytest.mark.parametrize("numbers", [numbers for numbers, row in SEND_ERRORS.items() if row.remedy in (NEXT, STOP)])
async def test_what_is_refused_for_good_is_called_once(numbers):
    [body] = build()
    _, transport = await send(body, refusal(numbers[0] or 100, numbers[1]))
    assert len(transport.requests) == 1


async def test_only_the_persons_own_no_ends_consent():
    [body] = build()
    ending = {numbers for numbers in CASES if (await send(body, refusal(*numbers)))[0].ends_consent}
    assert ending == {(10, 1893015)}


LOST_ANSWERS = [
    TransportError("Graph did not answer in time.", applied=Applied.UNKNOWN),
    Response(200, {}, b""),
    Response(200, {}, b"<html>"),
    Response(502, {}, b"bad gateway"),
    answer({}),
    answer({"success": True}),
    answer([1]),
    refusal(4711, status=500),
    refusal(4711, is_transient=True),
]


@pytest.mark.parametrize("given", LOST_ANSWERS, ids=lambda given: str(given)[:40])
async def test_an_answer_that_says_nothing_is_lost_and_the_call_not_repeated(given):
    [body] = build()
    refused, transport = await send(body, given)
    assert (refused.remedy, refused.code) == (LOST, "answer_lost")
    assert len(transport.requests) == 1


async def test_what_provably_never_left_is_tried_again():
    [body] = build()
    never_left = TransportError("No connection to Graph could be made.", applied=Applied.NO)
    refused, _ = await send(body, never_left)
    assert (refused.remedy, refused.code) == (RETRY, "unreachable")


async def test_a_limit_says_how_long_to_wait():
    [body] = build()
    refused, _ = await send(body, refusal(80006, error_data={"estimated_time_to_regain_access": 5}))
    assert (refused.remedy, refused.retry_after) == (WAIT, 300.0)
    turned_away, _ = await send(body, Response(429, {"Retry-After": "7"}, b"slow down"))
    assert (turned_away.remedy, turned_away.code, turned_away.retry_after) == (WAIT, "throttled", 7.0)


TEXT, PHONE = "Hello Ana, 20 % off", "12125552368"
LEAKY = f"{TEXT} {TOKEN} {PSID} {PHONE}"
LEAKS = [
    answer({"recipient_id": PSID, "message_id": "m_1", "text": LEAKY}),
    answer({"note": LEAKY}),
    refusal(190, 460, message=LEAKY, error_user_msg=LEAKY),
    refusal(10, 2018278, message=LEAKY),
    refusal(4711, message=LEAKY, type=LEAKY, error_data={"blame": LEAKY}),
    Response(502, {}, LEAKY.encode()),
]


@pytest.mark.parametrize("given", LEAKS, ids=range(len(LEAKS)))
async def test_neither_secrets_nor_texts_nor_people_reach_logs_or_sentences(given, caplog):
    caplog.set_level(logging.DEBUG)
    [body] = build(Content(text=TEXT))
    with capture_logs() as records:
        sent, _ = await send(body, given)
    said = f"{records!r} {sent!r} {sent.sentence if isinstance(sent, Refused) else ''} {draft(Content(text='x'))!r}"
    assert len(records) == 1
    assert [secret for secret in (TEXT, TOKEN, PSID, PHONE) if secret in said] == []
