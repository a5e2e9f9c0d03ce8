"""Every refusal is a problem that names the rule and the way out, and repeats nothing that was sent."""

from __future__ import annotations

import pytest
from api_house import LIST_MAX_BYTES, Api, connection
from support.asgi import Answered, Client
from support.scripted import DEAD_TOKEN, DOWN

from guestlist.api.layers import JSON_MAX_BYTES

MEMBERS = {"type", "title", "status", "detail", "code", "remedy", "instance"}
SECRET = "ann.lee@example.com"


def check_problem(answered: Answered, status: int, code: str) -> None:
    """The answer is a whole problem, and its id is the request's."""
    assert (answered.status, answered.code) == (status, code), answered.text
    problem = answered.json()
    assert set(problem) >= MEMBERS
    assert problem["type"] == f"urn:guestlist:error:{code}"
    assert problem["status"] == status
    assert problem["instance"] == answered.headers["x-request-id"]


BODIES = [
    (b"{", 400, "malformed_json"),
    (b"\xff\xfe", 400, "malformed_json"),
    (b"[" * 100_000, 400, "malformed_json"),
    (b"", 422, "invalid_request"),
    (b"null", 422, "invalid_request"),
    (b"[]", 422, "invalid_request"),
    (b'"text"', 422, "invalid_request"),
    (b'{"name": 7}', 422, "invalid_request"),
    (b'{"name": ""}', 422, "invalid_request"),
    (b'{"name": "  "}', 422, "invalid_request"),
    (b'{"name": "a\\u0000b"}', 422, "invalid_request"),
    (b'{"name": "\\ud800"}', 422, "invalid_request"),
    (b'{"name": "ok", "nmae": "typo"}', 422, "invalid_request"),
]


@pytest.mark.parametrize(("body", "status", "code"), BODIES)
async def test_a_bad_body_is_refused(client: Client, body: bytes, status: int, code: str) -> None:
    answered = await client.call("POST", "/v1/keys", headers={"content_type": "application/json"}, chunks=[body])
    check_problem(answered, status, code)


async def test_each_wrong_field_is_named_with_its_rule_but_not_its_value(client: Client) -> None:
    answered = await client.post("/v1/pages", {"page_id": SECRET, "page_token": ["EAAB-x"], "colour": "red", SECRET: 1})
    errors = {each["field"]: each["code"] for each in answered.json()["errors"]}
    assert errors == {
        "body.page_id": "string_pattern_mismatch",
        "body.ad_account_id": "missing",
        "body.page_token": "string_type",
        "body.colour": "extra_forbidden",
        "body.?": "extra_forbidden",
    }
    assert SECRET not in answered.text
    assert "EAAB" not in answered.text


async def test_a_parameter_nobody_reads_is_refused(client: Client) -> None:
    answered = await client.get("/v1/subscribers", {"opted_oout": "true", SECRET: ""})
    check_problem(answered, 422, "invalid_request")
    assert [each["field"] for each in answered.json()["errors"]] == ["query.opted_oout", "query.?"]
    assert SECRET not in answered.text


async def test_a_body_that_does_not_say_it_is_json_is_refused(client: Client) -> None:
    form = {"content_type": "application/x-www-form-urlencoded"}
    check_problem(await client.call("POST", "/v1/keys", headers=form, chunks=[b"name=x"]), 415, "unsupported_media_type")


@pytest.mark.parametrize("path", ["/nothing", "/v1", "/v1/", "/v1/nothing", "/v1/pages/", "/docs/assets/__init__.py"])
async def test_an_unknown_address_is_a_problem(client: Client, path: str) -> None:
    check_problem(await client.get(path), 404, "unknown_path")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/pages", "GET, POST"),
        ("PATCH", "/v1/audiences/aud_01hq3k5y8v7d2w9g4m6n0p1r2s", "DELETE, GET"),
        ("TRACE", "/v1/campaigns", "GET, POST"),
        ("POST", "/healthz", "GET"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(client: Client, method: str, path: str, allowed: str) -> None:
    answered = await client.call(method, path)
    check_problem(answered, 405, "wrong_method")
    assert answered.headers["allow"] == allowed


@pytest.mark.parametrize("row_id", ["x", SECRET, "aud_1", "AUD_01HQ3K5Y8V7D2W9G4M6N0P1R2S", "%00", "%ED%A0%80", "a" * 5000])
async def test_an_id_that_cannot_be_is_not_found_and_not_repeated(client: Client, row_id: str) -> None:
    answered = await client.get(f"/v1/audiences/{row_id}")
    check_problem(answered, 404, "not_found")
    assert SECRET not in answered.text


async def test_a_declared_size_is_enough_to_refuse_a_body(client: Client) -> None:
    large = {"content_type": "application/json", "content_length": str(JSON_MAX_BYTES + 1)}
    answered = await client.call("POST", "/v1/keys", headers=large, chunks=[None])
    check_problem(answered, 413, "body_too_large")
    assert answered.headers["connection"] == "close"


async def test_a_body_is_counted_as_it_comes(client: Client) -> None:
    chunks = [b"x" * 65_536] * (JSON_MAX_BYTES // 65_536 + 1)
    check_problem(await client.call("POST", "/v1/keys", chunks=chunks), 413, "body_too_large")


async def test_lists_have_their_own_limit(client: Client) -> None:
    note = b"x" * 50_000
    largest = (b"email,note\na@example.com," + note + b"\nb@example.com,").ljust(LIST_MAX_BYTES, b"x")
    assert (await client.send_file("/v1/lists", largest, {"region": "GB"})).status == 201
    check_problem(await client.send_file("/v1/lists", largest + b"\n", {"region": "GB"}), 413, "body_too_large")


async def test_nobody_is_answered_when_the_client_left(client: Client) -> None:
    answered = await client.call("POST", "/v1/keys", chunks=[b'{"na', None])
    assert (answered.status, answered.body) == (0, b"")
    assert len((await client.get("/v1/keys")).json()["data"]) == 1


async def test_graph_being_down_says_when_to_come_back(api: Api) -> None:
    api.house.graph.script["read_page"] = [DOWN]
    answered = await api.client.post("/v1/pages", connection())
    check_problem(answered, 503, "graph_retry")
    assert answered.headers["retry-after"] == "5"


async def test_a_dead_token_is_refused_without_showing_it(api: Api) -> None:
    api.house.graph.script["debug_token"] = [DEAD_TOKEN]
    answered = await api.client.post("/v1/pages", connection())
    check_problem(answered, 403, "graph_reconnect")
    assert "EAAB" not in answered.text


async def test_an_unexpected_fault_tells_nothing_of_itself(api: Api) -> None:
    def break_down(name: str) -> None:
        raise RuntimeError(f"boom: {SECRET}")

    api.house.graph.before_call = break_down
    answered = await api.client.post("/v1/pages", connection())
    check_problem(answered, 500, "internal")
    assert SECRET not in answered.text
    assert "boom" not in answered.text


async def test_every_answer_has_its_own_request_id(api: Api) -> None:
    paths = ["/healthz", "/docs", "/nothing", "/v1/pages", "/metrics", "/"]
    ids = [(await api.client.get(path)).headers["x-request-id"] for path in paths]
    assert len(set(ids)) == len(paths)
    assert all(each.startswith("req_") for each in ids)


async def test_answers_are_not_cached_and_not_guessed_at(client: Client) -> None:
    headers = (await client.get("/v1/pages")).headers
    assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")
