"""The error table and how answers are classed: what each asks for, whether a write was applied, the word for it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from graph_mock import answer, raw, refusal

from guestlist.graph.base import Applied, ErrorClass, GraphError, Response, TooMuchDataError
from guestlist.graph.error_table import TABLE
from guestlist.graph.errors import classify, reason_of, render_page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "graph-errors.md"
R, W, F, C, T, P, B = (
    ErrorClass.RETRY,
    ErrorClass.WAIT,
    ErrorClass.FIX,
    ErrorClass.RECONNECT,
    ErrorClass.TERMS,
    ErrorClass.RECIPIENT,
    ErrorClass.BILLING,
)

FACTS: list[tuple[int, int | None, ErrorClass, str]] = [
    # 0.2
    (1, None, R, "graph_1"),
    (2, None, R, "graph_2"),
    (3, None, T, "graph_3"),
    (4, None, W, "throttled"),
    (10, None, C, "graph_10"),
    (17, None, W, "throttled"),
    (32, None, W, "throttled"),
    (100, None, F, "graph_100"),
    (102, None, C, "token_dead"),
    (190, None, C, "token_dead"),
    (200, None, C, "graph_200"),
    (299, None, C, "graph_299"),
    (341, None, W, "throttled"),
    (368, None, T, "graph_368"),
    (506, None, F, "graph_506"),
    (613, None, W, "throttled"),
    (613, 1996, W, "throttled"),
    *((code, sub, C, "token_dead") for code in (102, 190) for sub in (458, 459, 460, 463, 464, 467, 492)),
    (190, 12345, C, "token_dead"),
    # 0.4
    *((code, 2446079, W, "throttled") for code in (80000, 80003, 80004)),
    *((code, None, W, "throttled") for code in (80001, 80002, 80005, 80006, 80007, 80008, 80009, 80014)),
    # 1.1, 1.2, 1.4, 1.5
    (100, 1713098, F, "graph_1713098"),
    (100, 1713230, F, "graph_1713230"),
    (105, None, F, "graph_105"),
    (194, None, F, "graph_194"),
    (200, 1870050, T, "graph_1870050"),
    *((200, sub, T, "terms") for sub in (1870034, 1870090)),
    *((code, None, T, "terms") for code in (2655, 2663, 2664)),
    (2635, None, F, "graph_2635"),
    (2650, None, R, "graph_2650"),
    (2650, 1870145, W, "graph_1870145"),
    *((2650, sub, F, f"graph_{sub}") for sub in (1870144, 1870147, 1870148, 1870158, 1870159)),
    (2654, None, F, "graph_2654"),
    (2654, 1870053, F, "graph_1870053"),
    (2656, None, F, "graph_2656"),
    # 5.10, 6, 7.8, 7.9
    (1, 99, C, "graph_99"),
    (1, 1357046, R, "graph_1357046"),
    (2, 2018344, T, "graph_2018344"),
    (4, 2018022, W, "throttled"),
    (4, 2018354, W, "cool_down"),
    (9, 2018352, W, "graph_2018352"),
    *((10, sub, T, f"graph_{sub}") for sub in (1404170, 1893063)),
    (10, 1893015, P, "opted_out"),
    *((10, sub, W, "window_closed") for sub in (2018065, 2018278, 2534022)),
    (10, 2018108, P, "graph_2018108"),
    (10, 2018336, C, "graph_2018336"),
    (100, 33, F, "graph_33"),
    (100, 2018001, P, "graph_2018001"),
    *((100, sub, F, f"graph_{sub}") for sub in (2018008, 2018014, 2018034, 2018047, 2018074, 2018109, 2018164, 2018294, 2018320)),
    (100, 999999, F, "graph_100"),
    (200, 1545041, P, "graph_1545041"),
    (200, 2018021, B, "graph_2018021"),
    *((200, sub, T, f"graph_{sub}") for sub in (2018027, 2018028)),
    (551, None, P, "graph_551"),
    (551, 1545041, P, "graph_1545041"),
    (613, 1893016, W, "graph_1893016"),
    (613, 2018338, T, "graph_2018338"),
    (613, 2534040, W, "throttled"),
    (1200, None, R, "graph_1200"),
    (2022, None, T, "graph_2022"),
    (10303, None, F, "graph_10303"),
    (2018218, None, P, "graph_2018218"),
    (100, 2018218, P, "graph_2018218"),
    (2018247, None, C, "graph_2018247"),
    (2018300, None, W, "graph_2018300"),
    *((100, sub, F, f"graph_{sub}") for sub in (2018171, 2018173, 2018175, 2018182, 2018183)),
    # 5.9
    (1893047, None, P, "graph_1893047"),
    (100, 1893047, P, "graph_1893047"),
]

MARKETING: list[tuple[ErrorClass, str, tuple[int, ...]]] = [
    (F, "", (0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 14, 16, 18, 20, 21, 22, 23, 24, 25, 26, 27, 46, 47, 48, 64, 65, 70, 71, 72)),
    (F, "", (73, 74, 75, 76, 77)),
    (F, "name_missing", (38,)),
    (P, "token_unknown", (4,)),
    (P, "region", (32,)),
    (P, "cannot_receive", (36,)),
    (P, "token_expired", (37,)),
    (P, "opted_out", (34,)),
    (B, "", (11, 15, 17, 53, 54, 56, 58, 59)),
    (T, "terms", (13, 19, 66, 67, 69)),
    (T, "", (30, 31, 39, 40)),
    (W, "warming", (12, 41)),
    (W, "cool_down", (35,)),
    (W, "throttled", (78, 79, 80)),
    (W, "frequency_cap", (42, 43, 44)),
    (W, "in_conversation", (52,)),
    (W, "", (28, 33, 55, 57, 60, 61, 62, 63, 68)),
    (W, "", (29, 45, 49, 50, 51, 81, 99)),  # unlisted ones wait too, a few times
]


@pytest.mark.parametrize(("code", "subcode", "kind", "reason"), FACTS)
def test_every_code_of_the_fact_page_has_its_class_and_word(
    code: int, subcode: int | None, kind: ErrorClass, reason: str
) -> None:
    error = classify(refusal(code, subcode), write=False)

    assert (error.kind, error.reason) == (kind, reason)
    assert (error.code, error.subcode, error.status, error.fbtrace_id) == (code, subcode, 400, "Abc123")
    assert error.sentence.endswith(".")


@pytest.mark.parametrize(
    ("number", "kind", "reason"), [(2300000 + n, kind, word) for kind, word, numbers in MARKETING for n in numbers]
)
def test_a_marketing_number_counts_wherever_it_stands(number: int, kind: ErrorClass, reason: str) -> None:
    as_code, as_subcode = classify(refusal(number)), classify(refusal(100, number))
    beside_another = classify(refusal(number, 2300999))

    for error in (as_code, as_subcode, beside_another):
        assert (error.kind, error.number, error.applied) == (kind, number, Applied.NO)
        assert error.reason == (reason or f"graph_{number}")


def test_the_subcode_is_looked_at_before_the_code() -> None:
    error = classify(refusal(2300078, 2300034))

    assert (error.number, error.reason) == (2300034, "opted_out")


def test_an_unlisted_marketing_number_waits_but_not_for_ever() -> None:
    unlisted, listed = classify(refusal(2300050)), classify(refusal(2300041))

    assert (unlisted.kind, unlisted.tries) == (ErrorClass.WAIT, 3)
    assert (listed.kind, listed.tries) == (ErrorClass.WAIT, None)


def test_no_number_stands_twice_in_the_table() -> None:
    assert [pair for pair, times in Counter((entry.code, entry.subcode) for entry in TABLE).items() if times > 1] == []


@pytest.mark.parametrize(("code", "subcode"), [("190", "463"), (190, 463), (190.0, "463")])
def test_numbers_may_come_as_strings(code: Any, subcode: Any) -> None:
    error = classify(answer({"error": {"code": code, "error_subcode": subcode}}, 401))

    assert (error.code, error.subcode, error.reason) == (190, 463, "token_dead")


ANSWERS: list[tuple[Response, ErrorClass, Applied, str]] = [
    # a refusal is a refusal at any status
    (refusal(100, status=200), F, Applied.NO, "graph_100"),
    (refusal(100, status=500), F, Applied.NO, "graph_100"),
    (refusal(613, status=503), W, Applied.NO, "throttled"),
    (refusal(80006, status=200), W, Applied.NO, "throttled"),
    (refusal(1200, status=400), R, Applied.NO, "graph_1200"),
    # Graph does not know what happened
    (refusal(1, status=500), R, Applied.UNKNOWN, "answer_lost"),
    (refusal(2, status=503, is_transient=True), R, Applied.UNKNOWN, "answer_lost"),
    (refusal(2, status=400), R, Applied.UNKNOWN, "answer_lost"),
    (refusal(1, 99, status=400), C, Applied.UNKNOWN, "answer_lost"),
    (refusal(2, 2018344, status=400, is_transient=False), T, Applied.NO, "graph_2018344"),
    # numbers nobody documents
    (refusal(4711), F, Applied.NO, "graph_4711"),
    (refusal(4711, 5), F, Applied.NO, "graph_4711"),
    (refusal(4711, status=200), F, Applied.NO, "graph_4711"),
    (refusal(4711, status=500), R, Applied.UNKNOWN, "answer_lost"),
    (refusal(4711, is_transient=True), R, Applied.UNKNOWN, "answer_lost"),
    (refusal(4711, status=401), C, Applied.NO, "graph_4711"),
    (refusal(4711, status=429), W, Applied.NO, "graph_4711"),
    # envelopes without a number
    (answer({"error": {"message": "Maximum batch size is 50", "type": "GraphBatchException"}}, 400), F, Applied.NO, "bad_answer"),
    (answer({"error": "invalid_request"}, 200), R, Applied.UNKNOWN, "answer_lost"),
    (answer({"error": {"code": True, "error_subcode": {}}}, 500), R, Applied.UNKNOWN, "answer_lost"),
    (answer({"error": ["x"]}, 403), C, Applied.NO, "bad_answer"),
    # no answer of Graph's at all
    (raw(b"<html>Sorry, something went wrong.</html>", 200), R, Applied.UNKNOWN, "answer_lost"),
    (raw(b"<html>Bad gateway</html>", 502), R, Applied.UNKNOWN, "answer_lost"),
    (raw(b"<html>Not found</html>", 404), F, Applied.UNKNOWN, "answer_lost"),
    (raw(b"", 302), F, Applied.UNKNOWN, "answer_lost"),
    (raw(b"", 200), R, Applied.UNKNOWN, "answer_lost"),
    (raw(b"", 500), R, Applied.UNKNOWN, "answer_lost"),
    (raw(b'{"success":true,"marketing_mess', 200), R, Applied.UNKNOWN, "answer_lost"),
    (raw(b'{"error":{"code":100,"mess', 400), F, Applied.UNKNOWN, "answer_lost"),
    (raw(b"[1,2]", 200), R, Applied.UNKNOWN, "answer_lost"),
    (raw(b'"ok"', 200), R, Applied.UNKNOWN, "answer_lost"),
    (raw(b"null", 200), R, Applied.UNKNOWN, "answer_lost"),
    (raw(b"\xff\xfe\x00", 200), R, Applied.UNKNOWN, "answer_lost"),
    (raw(b'{"a":' * 100_000, 200), R, Applied.UNKNOWN, "answer_lost"),
    (raw(b'{"a":' * 50_000 + b"1" + b"}" * 50_000, 200), R, Applied.UNKNOWN, "answer_lost"),
    (raw(b"[" * 50_000 + b"123456789012345678901" + b"]" * 50_000, 500), R, Applied.UNKNOWN, "answer_lost"),
    (raw(b'{"a":' + b"9" * 5_000 + b"}", 500), R, Applied.UNKNOWN, "answer_lost"),
    (raw(b"<html>Too many requests</html>", 429), W, Applied.NO, "throttled"),
]


@pytest.mark.parametrize(("response", "kind", "applied", "reason"), ANSWERS)
def test_a_writes_answer_is_classed_and_its_effect_judged(
    response: Response, kind: ErrorClass, applied: Applied, reason: str
) -> None:
    error = classify(response)

    assert (error.kind, error.applied, error.reason, error.status) == (kind, applied, reason, response.status)


@pytest.mark.parametrize("response", [response for response, *_ in ANSWERS])
def test_a_read_never_has_an_effect(response: Response) -> None:
    error = classify(response, write=False)

    assert error.applied is Applied.NO
    assert error.reason != "answer_lost"


@pytest.mark.parametrize("data", [{"remaining_seconds": 90}, '{"remaining_seconds":"90"}'])
def test_pacing_says_in_seconds_when_to_come_back(data: Any) -> None:
    assert classify(refusal(2300068, error_data=data)).retry_after == 90.0


def test_throttling_says_in_minutes_when_access_is_regained() -> None:
    assert classify(refusal(80006, error_data={"estimated_time_to_regain_access": 3})).retry_after == 180.0


def test_throttling_takes_the_minutes_from_the_usage_header() -> None:
    usage = {"11": [{"type": "messenger", "call_count": 120, "estimated_time_to_regain_access": 5}]}
    header = {"X-Business-Use-Case-Usage": orjson.dumps(usage).decode()}
    body = refusal(80006).body

    assert classify(Response(400, header, body)).retry_after == 300.0
    assert classify(Response(400, {"Retry-After": "7"}, body)).retry_after == 7.0
    assert classify(Response(400, header, refusal(2300041).body)).retry_after is None
    assert classify(Response(429, {"retry-after": "9"}, b"")).retry_after == 9.0


@pytest.mark.parametrize(("number", "seconds"), [(2300028, 3600.0), (2300055, 1800.0), (2300061, 1800.0), (2300057, None)])
def test_documented_waits_hold_where_the_answer_names_none(number: int, seconds: float | None) -> None:
    assert classify(refusal(number)).retry_after == seconds


@pytest.mark.parametrize(
    ("data", "seconds"),
    [
        ({"remaining_seconds": -5}, None),
        ({"remaining_seconds": 10**400}, None),
        ({"remaining_seconds": 1e12}, 604_800.0),
        ({"remaining_seconds": "soon"}, None),
        ({"remaining_seconds": True}, None),
        ("not json", None),
        ("[1]", None),
        ([1], None),
        (7, None),
    ],
)
def test_junk_waits_are_no_waits(data: Any, seconds: float | None) -> None:
    document = {"error": {"code": 2300068, "error_data": data}}
    body = orjson.dumps(document) if data != {"remaining_seconds": 10**400} else str(document).replace("'", '"').encode()

    assert classify(raw(body, 400)).retry_after == seconds


def test_only_waiting_errors_name_a_wait() -> None:
    assert classify(refusal(100, error_data={"remaining_seconds": 90})).retry_after is None


@pytest.mark.parametrize("write", [False, True])
def test_too_much_data_is_told_apart(write: bool) -> None:
    message = "Please reduce the amount of data you're asking for, then retry your request"

    assert isinstance(classify(refusal(1, message=message, status=500), write=write), TooMuchDataError)
    assert not isinstance(classify(refusal(1, status=500), write=write), TooMuchDataError)


def test_of_a_write_with_too_much_data_only_the_size_alone_proves_that_it_had_no_effect() -> None:
    message = "Please reduce the amount of data you're asking for, then retry your request"

    assert classify(refusal(1, message=message, status=500), write=True).applied is Applied.UNKNOWN
    assert classify(refusal(1, message=message, status=413), write=True).applied is Applied.NO
    assert classify(Response(413, {}, b"<html>too large</html>"), write=True).applied is Applied.NO
    assert isinstance(classify(Response(413, {}, b"<html>too large</html>"), write=True), TooMuchDataError)


def test_too_many_rows_may_come_as_too_many_parameters() -> None:
    assert isinstance(classify(refusal(105), write=True), TooMuchDataError)
    assert not isinstance(classify(refusal(105), write=False), TooMuchDataError)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (GraphError("x", kind=ErrorClass.RECIPIENT, number=2300034), "opted_out"),
        (GraphError("x", kind=ErrorClass.BILLING, number=2300011), "graph_2300011"),
        (GraphError("x", kind=ErrorClass.RETRY), "unreachable"),
        (GraphError("x", kind=ErrorClass.RETRY, applied=Applied.UNKNOWN), "answer_lost"),
        (GraphError("x", kind=ErrorClass.RETRY, status=502), "bad_answer"),
        (GraphError("x", kind=ErrorClass.FIX), "bad_request"),
    ],
)
def test_errors_made_elsewhere_have_a_word_too(error: GraphError, reason: str) -> None:
    assert reason_of(error) == reason


def test_the_reference_page_is_the_tables() -> None:
    stale = "stale: python -m guestlist.graph.errors > docs/reference/graph-errors.md"

    assert PAGE.read_text(encoding="utf-8") == render_page(), stale
