"""Lists are followed to their true end, and a list that cannot be followed is an error, not a short list."""

from __future__ import annotations

from typing import Any

import pytest
from graph_mock import ROOT, answer, make_client, raw, refusal

from guestlist.graph.base import ErrorClass, GraphError, Response

TOO_MUCH = refusal(1, status=500, message="Please reduce the amount of data you're asking for, then retry your request")


def page(rows: list[Any], after: str | None = None, **paging: Any) -> Response:
    cursors = {"cursors": {"after": after}, "next": f"https://elsewhere.test/?after={after}"} if after else {}
    return answer({"data": rows, "paging": {**cursors, **paging}})


async def test_pages_are_followed_until_there_is_no_next() -> None:
    graph, transport = make_client(page([{"id": 1}], "QQ"), page([{"id": 2}, {"id": 3}], "Qg"), page([{"id": 4}]))

    assert [audience.id for audience in await graph.list_audiences("5")] == ["1", "2", "3", "4"]
    assert [request.params.get("after") for request in transport.requests] == [None, "QQ", "Qg"]


async def test_an_empty_page_may_have_a_next_one() -> None:
    graph, _ = make_client(page([], "QQ"), page([], "Qg"), page([{"id": "4"}]))

    assert [audience.id for audience in await graph.list_audiences("5")] == ["4"]


async def test_a_cursor_without_a_next_page_ends_the_list() -> None:
    graph, transport = make_client(answer({"data": [{"id": "1"}], "paging": {"cursors": {"after": "QQ"}}}))

    assert len(await graph.list_audiences("5")) == 1
    assert len(transport.requests) == 1


async def test_the_next_url_is_never_fetched_only_its_cursor_is_used() -> None:
    following = "http://169.254.169.254/latest?access_token=t&after=QUZU%3D"
    graph, transport = make_client(answer({"data": [], "paging": {"next": following}}), page([]))

    await graph.list_audiences("5")

    assert {request.url for request in transport.requests} == {f"{ROOT}/act_5/customaudiences"}
    assert transport.requests[1].params["after"] == "QUZU="


@pytest.mark.parametrize(
    "paging", [{"next": "https://x/"}, {"next": "https://[", "cursors": []}, {"next": 7}, {"next": {"a": 1}}]
)
async def test_a_next_page_without_a_cursor_is_an_error_not_the_end(paging: Any) -> None:
    graph, _ = make_client(answer({"data": [], "paging": paging}))

    with pytest.raises(GraphError) as caught:
        await graph.list_tokens("11")

    assert (caught.value.kind, caught.value.reason) == (ErrorClass.RETRY, "bad_answer")


@pytest.mark.parametrize("paging", [None, [], {}, {"next": None}, {"next": ""}, {"cursors": {}}])
async def test_no_next_page_is_the_end_however_it_is_written(paging: Any) -> None:
    graph, _ = make_client(answer({"data": [], "paging": paging}))

    assert (await graph.list_tokens("11")).after is None


@pytest.mark.parametrize("answers", [[page([], "QQ")], [page([], "QQ"), page([], "Qg"), page([], "QQ")]])
async def test_a_list_that_runs_in_circles_is_an_error(answers: list[Response]) -> None:
    graph, transport = make_client(*answers)

    with pytest.raises(GraphError, match="circles"):
        await graph.list_audiences("5")

    assert len(transport.requests) <= 3


async def test_a_token_page_that_names_itself_as_the_next_is_an_error() -> None:
    graph, _ = make_client(page([], "QQ"))

    with pytest.raises(GraphError, match="circles"):
        await graph.list_tokens("11", after="QQ")


async def test_a_bad_cursor_surfaces() -> None:
    graph, transport = make_client(refusal(100))

    with pytest.raises(GraphError) as caught:
        await graph.list_tokens("11", after="stale")

    assert (caught.value.kind, caught.value.code) == (ErrorClass.FIX, 100)
    assert len(transport.requests) == 1


async def test_a_list_is_whole_or_not_there_at_all() -> None:
    graph, _ = make_client(page([{"id": "1"}], "QQ"), refusal(190, 463))

    with pytest.raises(GraphError) as caught:
        await graph.list_audiences("5")

    assert caught.value.reason == "token_dead"


@pytest.mark.parametrize(
    "document", [{}, {"data": None}, {"data": {"0": {}}}, {"data": [1]}, {"data": [{}]}, {"data": [{"id": ""}]}]
)
async def test_rows_that_are_none_make_the_page_an_error(document: Any) -> None:
    graph, _ = make_client(answer(document))

    with pytest.raises(GraphError) as caught:
        await graph.list_tokens("11")

    assert caught.value.reason == "bad_answer"


async def test_a_page_that_is_too_much_for_graph_is_asked_for_in_halves() -> None:
    graph, transport = make_client(TOO_MUCH, TOO_MUCH, page([{"notification_messages_token": "5"}], "QQ"))

    tokens = await graph.list_tokens("11")

    assert [row.token for row in tokens.rows] == ["5"]
    assert [request.params["limit"] for request in transport.requests] == ["1000", "500", "250"]


async def test_halving_ends() -> None:
    graph, transport = make_client(TOO_MUCH)

    with pytest.raises(GraphError) as caught:
        await graph.list_tokens("11", limit=9)

    assert caught.value.reason == "graph_1"
    assert [request.params["limit"] for request in transport.requests] == ["9", "5"]


@pytest.mark.parametrize(("asked", "sent"), [(0, "1"), (-3, "1"), (5_000, "1000"), (250, "250")])
async def test_the_limit_stays_within_what_graph_takes(asked: int, sent: str) -> None:
    graph, transport = make_client(page([]))

    await graph.list_tokens("11", limit=asked)

    assert transport.request.params["limit"] == sent


async def test_a_full_page_of_a_thousand_tokens_is_read() -> None:
    rows = b",".join(b'{"notification_messages_token":"%d"}' % n for n in range(5 * 10**15, 5 * 10**15 + 1000))
    graph, _ = make_client(raw(b'{"data":[' + rows + b"]}"))

    assert len((await graph.list_tokens("11")).rows) == 1000
