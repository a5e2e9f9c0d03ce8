"""What is repeated and what never is: reads on passing faults, writes only where they surely had no effect."""

from __future__ import annotations

import random

import pytest
from graph_mock import Pauses, answer, make_client, raw, refusal

from guestlist.graph.base import Applied, ErrorClass, GraphError, Response, TransportError
from guestlist.graph.caller import RetrySettings, pause_before
from guestlist.graph.client import GraphClient

PAGE = answer({"id": "11", "name": "Shop"})
CREATED = answer({"id": "88"})
NEVER_LEFT = TransportError("No connection to Graph could be made.", applied=Applied.NO)
LOST = TransportError("Graph did not answer in time.", applied=Applied.UNKNOWN)


async def create(graph: GraphClient) -> str:
    return await graph.create_audience("5", name="VIP", description="d", page_id="11")


@pytest.mark.parametrize(
    "fault",
    [NEVER_LEFT, LOST, refusal(1, status=500), refusal(2), raw(b"<html>", 502), raw(b"", 200), raw(b'{"id":', 200), answer({})],
)
async def test_a_read_is_repeated_on_a_passing_fault(fault: Response | TransportError) -> None:
    graph, transport = make_client(fault, fault, PAGE)

    assert (await graph.read_page("11")).name == "Shop"
    assert transport.requests == [transport.requests[0]] * 3


@pytest.mark.parametrize(
    "fault",
    [refusal(613), refusal(190, 463), refusal(100), refusal(200), refusal(2300041), refusal(200, 1870090), raw(b"<html>", 404)],
)
async def test_a_read_is_not_repeated_where_repeating_is_of_no_use(fault: Response) -> None:
    graph, transport = make_client(fault, PAGE)

    with pytest.raises(GraphError):
        await graph.read_page("11")

    assert len(transport.requests) == 1


@pytest.mark.parametrize("fault", [NEVER_LEFT, refusal(1200)])
async def test_a_write_is_repeated_where_it_surely_had_no_effect(fault: Response | TransportError) -> None:
    graph, transport = make_client(fault, CREATED)

    assert await create(graph) == "88"
    assert len(transport.requests) == 2


@pytest.mark.parametrize(
    "fault",
    [
        LOST,
        refusal(1, status=500),
        refusal(2, status=503, is_transient=True),
        raw(b"", 500),
        raw(b"<html>", 200),
        answer({"ok": 1}),
    ],
)
async def test_a_write_whose_answer_was_lost_is_never_repeated(fault: Response | TransportError) -> None:
    graph, transport = make_client(fault, CREATED)

    with pytest.raises(GraphError) as caught:
        await create(graph)

    assert (caught.value.applied, caught.value.reason) == (Applied.UNKNOWN, "answer_lost")
    assert len(transport.requests) == 1


@pytest.mark.parametrize("fault", [refusal(613), refusal(2300078), refusal(80003, 2446079), raw(b"", 429)])
async def test_a_throttled_write_is_left_to_its_lane(fault: Response) -> None:
    graph, transport = make_client(fault, CREATED)

    with pytest.raises(GraphError) as caught:
        await create(graph)

    assert (caught.value.kind, caught.value.applied) == (ErrorClass.WAIT, Applied.NO)
    assert len(transport.requests) == 1


@pytest.mark.parametrize("answered", [raw(b"", 500), LOST, answer({"success": False}), answer({})])
async def test_a_delete_whose_answer_was_lost_is_in_doubt(answered: Response | TransportError) -> None:
    graph, transport = make_client(answered)

    with pytest.raises(GraphError) as caught:
        await graph.delete_audience("77")

    assert caught.value.applied is Applied.UNKNOWN
    assert len(transport.requests) == 1


async def test_checking_a_token_is_a_read_though_it_is_posted() -> None:
    graph, transport = make_client(LOST, answer({"data": {"is_valid": True}}), app_id="42", app_secret="s")

    assert (await graph.debug_token()).valid
    assert len(transport.requests) == 2


async def test_it_gives_up_after_the_last_attempt_with_the_last_error() -> None:
    pauses = Pauses()
    graph, transport = make_client(NEVER_LEFT, sleep=pauses, retry=RetrySettings(attempts=3))

    with pytest.raises(GraphError, match="No connection") as caught:
        await graph.read_page("11")

    assert (caught.value.kind, caught.value.applied, caught.value.reason) == (ErrorClass.RETRY, Applied.NO, "unreachable")
    assert len(transport.requests) == 3
    assert len(pauses) == 2


def test_pauses_are_random_below_a_cap_that_doubles_up_to_the_longest() -> None:
    settings, rng = RetrySettings(first_pause=1.0, longest_pause=5.0), random.Random(7)

    for attempt, cap in [(2, 1.0), (3, 2.0), (4, 4.0), (5, 5.0), (40, 5.0)]:
        pauses = [pause_before(attempt, settings, rng) for _ in range(200)]
        assert 0.0 <= min(pauses) < cap / 2 < max(pauses) <= cap
