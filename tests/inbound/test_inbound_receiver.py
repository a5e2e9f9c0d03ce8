"""The door for Meta's webhooks: durable before yes, and only for the authentic."""

from __future__ import annotations

import asyncio
import hmac
import json

import pytest
from inbound_driver import SECRET, VERIFY_TOKEN, Answered, FakeInbox, FakeSecrets, call, signed, wire
from structlog.testing import capture_logs

from guestlist.api.problems import Problem
from guestlist.errors import DependencyError
from guestlist.inbound.receiver import MetaReceiver

PERSON = "Ana Diaz +44 7700 900123 ana@shop.test"
BODY = wire({"object": "page", "entry": [{"id": "1", "messaging": [{"message": {"text": PERSON}}]}]})
PATH = "/webhooks/meta"


@pytest.fixture
def inbox() -> FakeInbox:
    return FakeInbox()


@pytest.fixture
def receiver(inbox: FakeInbox) -> MetaReceiver:
    return MetaReceiver(inbox, FakeSecrets(), max_bytes=1000)


def check_problem(answered: Answered, status: int, code: str) -> None:
    """An RFC 9457 problem that repeats nothing of the request."""
    problem = json.loads(answered.body)
    assert (answered.status, problem["status"], problem["code"]) == (status, status, code)
    assert answered.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"urn:guestlist:error:{code}"
    assert all(problem[name] for name in ("title", "detail", "remedy"))
    assert problem.keys() == Problem.model_fields.keys() - {"instance", "errors"}
    assert PERSON.encode() not in answered.body


# --- events ---


async def test_an_authentic_body_is_stored_once_as_it_came_and_before_the_answer(
    receiver: MetaReceiver, inbox: FakeInbox
) -> None:
    answered = await call(receiver, "POST", PATH, headers=signed(BODY), chunks=[BODY], story=inbox.story)

    assert answered.status == 200
    assert inbox.bodies == [("meta", "", BODY)]
    assert inbox.story == ["stored", "answered 200"]


async def test_the_proven_mac_goes_with_the_body(receiver: MetaReceiver, inbox: FakeInbox) -> None:
    await call(receiver, "POST", PATH, headers=signed(BODY), chunks=[BODY[:9], BODY[9:]])
    await call(receiver, "POST", f"{PATH}/42", headers=signed(BODY, "other-secret"), chunks=[BODY])
    assert inbox.macs == [hmac.digest(secret.encode(), BODY, "sha256") for secret in (SECRET, "other-secret")]


async def test_the_answer_waits_until_the_body_is_durable(receiver: MetaReceiver, inbox: FakeInbox) -> None:
    durable = asyncio.Event()
    inbox.store = lambda *_: durable.wait()  # type: ignore[method-assign, assignment, return-value]
    delivery = asyncio.create_task(call(receiver, "POST", PATH, headers=signed(BODY), chunks=[BODY], story=inbox.story))
    for _ in range(20):
        await asyncio.sleep(0)
    assert inbox.story == []

    durable.set()
    assert (await delivery).status == 200


async def test_a_body_in_pieces_is_verified_and_stored_whole(receiver: MetaReceiver, inbox: FakeInbox) -> None:
    answered = await call(receiver, "POST", PATH, headers=signed(BODY), chunks=[BODY[:10], b"", BODY[10:50], BODY[50:]])
    assert answered.status == 200
    assert inbox.bodies == [("meta", "", BODY)]


@pytest.mark.parametrize("body", [b"", b"not json", b'{"object":"page","ent', b"[" * 900, b"\x00\xff\xfe", b"null"])
async def test_what_is_authentic_is_kept_even_if_no_parser_will_understand_it(
    receiver: MetaReceiver, inbox: FakeInbox, body: bytes
) -> None:
    answered = await call(receiver, "POST", PATH, headers=signed(body), chunks=[body])
    assert answered.status == 200
    assert inbox.bodies == [("meta", "", body)]


async def test_a_repeated_webhook_is_answered_like_the_first(receiver: MetaReceiver, inbox: FakeInbox) -> None:
    answers = [await call(receiver, "POST", PATH, headers=signed(BODY), chunks=[BODY]) for _ in range(3)]
    assert [each.status for each in answers] == [200, 200, 200]


async def test_a_further_app_has_its_own_secret(receiver: MetaReceiver, inbox: FakeInbox) -> None:
    own = await call(receiver, "POST", f"{PATH}/42", headers=signed(BODY, "other-secret"), chunks=[BODY])
    strange = await call(receiver, "POST", f"{PATH}/42", headers=signed(BODY, SECRET), chunks=[BODY])

    assert own.status == 200
    check_problem(strange, 403, "webhook_forged")
    assert inbox.bodies == [("meta", "42", BODY)]


# --- refusals ---


async def test_an_unsigned_body_changes_nothing(receiver: MetaReceiver, inbox: FakeInbox) -> None:
    check_problem(await call(receiver, "POST", PATH, chunks=[BODY]), 403, "webhook_unsigned")
    assert inbox.bodies == []


async def test_the_old_signature_alone_counts_as_none(receiver: MetaReceiver, inbox: FakeInbox) -> None:
    old = {"x-hub-signature": "sha1=" + hmac.new(SECRET.encode(), BODY, "sha1").hexdigest()}
    check_problem(await call(receiver, "POST", PATH, headers=old, chunks=[BODY]), 403, "webhook_unsigned")
    assert inbox.bodies == []


async def test_a_forged_body_changes_nothing(receiver: MetaReceiver, inbox: FakeInbox) -> None:
    forged = BODY.replace(b"Ana", b"Eve")
    check_problem(await call(receiver, "POST", PATH, headers=signed(BODY), chunks=[forged]), 403, "webhook_forged")
    assert inbox.bodies == inbox.macs == []  # no forged MAC ever reaches the store


async def test_two_signatures_are_none(receiver: MetaReceiver, inbox: FakeInbox) -> None:
    good = signed(BODY)["x-hub-signature-256"]
    headers = [("x-hub-signature-256", good), ("x-hub-signature-256", good)]
    check_problem(await call(receiver, "POST", PATH, headers=headers, chunks=[BODY]), 403, "webhook_forged")
    assert inbox.bodies == []


async def test_a_body_that_says_it_is_too_large_is_refused_unread(receiver: MetaReceiver, inbox: FakeInbox) -> None:
    answered = await call(receiver, "POST", PATH, headers={"content-length": "1001"}, chunks=[])
    check_problem(answered, 413, "body_too_large")
    assert answered.headers["connection"] == "close"


@pytest.mark.parametrize("declared", [{}, {"content-length": "10"}, {"content-length": "ten"}])
async def test_a_body_that_grows_too_large_is_refused_on_the_way(
    receiver: MetaReceiver, inbox: FakeInbox, declared: dict[str, str]
) -> None:
    large = b"x" * 1001
    answered = await call(
        receiver, "POST", PATH, headers=signed(large) | declared, chunks=[large[:600], large[600:], b"never read"]
    )
    check_problem(answered, 413, "body_too_large")
    assert inbox.bodies == []


async def test_a_body_of_exactly_the_limit_passes(receiver: MetaReceiver, inbox: FakeInbox) -> None:
    body = b"x" * 1000
    answered = await call(receiver, "POST", PATH, headers=signed(body) | {"content-length": "1000"}, chunks=[body])
    assert answered.status == 200


async def test_a_client_that_leaves_in_the_middle_leaves_nothing(receiver: MetaReceiver, inbox: FakeInbox) -> None:
    answered = await call(receiver, "POST", PATH, headers=signed(BODY), chunks=[BODY[:20], None])
    assert answered.status == 0
    assert inbox.bodies == []


async def test_a_body_that_never_ends_is_given_up(inbox: FakeInbox) -> None:
    receiver = MetaReceiver(inbox, FakeSecrets(), seconds=0.01)
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    await receiver({"type": "http", "method": "POST", "path": PATH, "headers": []}, receive, send)  # type: ignore[arg-type]
    assert sent[0]["status"] == 408


@pytest.mark.parametrize(
    "failure",
    [
        DependencyError("The disk is full."),
        OSError(28, "No space left on device"),
        RuntimeError(f"INSERT … parameters {PERSON}"),
        TimeoutError(),
    ],
)
async def test_what_could_not_be_stored_is_not_accepted(receiver: MetaReceiver, inbox: FakeInbox, failure: Exception) -> None:
    inbox.failure = failure
    answered = await call(receiver, "POST", PATH, headers=signed(BODY), chunks=[BODY], story=inbox.story)
    check_problem(answered, 503, "dependency_down")
    assert answered.headers["retry-after"] == "5"
    assert inbox.story == ["answered 503"]


async def test_no_log_line_holds_anything_of_a_body_or_a_secret(receiver: MetaReceiver, inbox: FakeInbox) -> None:
    with capture_logs() as lines:
        await call(receiver, "POST", PATH, chunks=[BODY])
        await call(receiver, "POST", PATH, headers=signed(b"other"), chunks=[BODY])
        await call(receiver, "POST", PATH, headers=signed(BODY), chunks=[BODY * 20])
        await call(receiver, "POST", PATH, headers=signed(BODY), chunks=[BODY[:20], None])
        await call(receiver, "GET", PATH, query="hub.mode=subscribe&hub.verify_token=guess-ana&hub.challenge=1")
        inbox.failure = RuntimeError(PERSON)
        await call(receiver, "POST", PATH, headers=signed(BODY), chunks=[BODY])

    assert len(lines) == 6
    told = repr(lines)
    assert not any(word in told for word in ("Ana", "7700", "ana@", "guess", SECRET, VERIFY_TOKEN, "sha256="))


# --- addresses and methods ---


@pytest.mark.parametrize(
    "path",
    ["/webhooks/", "/webhooks/meta/", "/webhooks/meta/42/x", "/webhooks/metal", "/webhooks/twilio", "/webhooks/meta/abc"]
    + ["/webhooks/meta/" + "1" * 33, "/webhooks/meta/٤٢", "/webhooks/meta\n"],
)
async def test_an_unknown_address_is_not_found(receiver: MetaReceiver, inbox: FakeInbox, path: str) -> None:
    check_problem(await call(receiver, "POST", path, headers=signed(BODY), chunks=[BODY]), 404, "not_found")
    assert inbox.bodies == []


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_unknown_app_is_not_found(receiver: MetaReceiver, inbox: FakeInbox, method: str) -> None:
    check_problem(await call(receiver, method, f"{PATH}/43", headers=signed(BODY), chunks=[BODY]), 404, "unknown_app")
    assert inbox.bodies == []


@pytest.mark.parametrize("unset", [{}, {None: ""}])
async def test_an_app_without_a_secret_takes_nothing_not_even_signed_with_nothing(
    inbox: FakeInbox, unset: dict[str | None, str]
) -> None:
    receiver = MetaReceiver(inbox, FakeSecrets(unset, unset))
    posted = await call(receiver, "POST", PATH, headers=signed(BODY, ""), chunks=[BODY])
    asked = await call(receiver, "GET", PATH, query="hub.mode=subscribe&hub.verify_token=&hub.challenge=1")
    check_problem(posted, 404, "unknown_app")
    check_problem(asked, 404, "unknown_app")
    assert inbox.bodies == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
async def test_another_method_is_refused(receiver: MetaReceiver, method: str) -> None:
    answered = await call(receiver, method, PATH)
    check_problem(answered, 405, "wrong_method")
    assert answered.headers["allow"] == "GET, POST"


# --- the handshake ---


async def test_the_handshake_is_answered_with_the_challenge_alone(receiver: MetaReceiver) -> None:
    answered = await call(
        receiver, "GET", PATH, query=f"hub.mode=subscribe&hub.verify_token={VERIFY_TOKEN}&hub.challenge=1158201444"
    )
    assert (answered.status, answered.body) == (200, b"1158201444")
    assert answered.headers["content-type"] == "text/plain"


async def test_a_further_app_shakes_hands_with_its_own_token(receiver: MetaReceiver) -> None:
    query = "hub.mode=subscribe&hub.challenge=7&hub.verify_token="
    assert (await call(receiver, "GET", f"{PATH}/42", query=query + "other-token")).body == b"7"
    check_problem(await call(receiver, "GET", f"{PATH}/42", query=query + VERIFY_TOKEN), 403, "webhook_handshake")


@pytest.mark.parametrize(
    "query",
    [
        "",
        "&&&",
        "hub.mode=subscribe&hub.challenge=1",
        f"hub.verify_token={VERIFY_TOKEN}&hub.challenge=1",
        f"hub.mode=unsubscribe&hub.verify_token={VERIFY_TOKEN}&hub.challenge=1",
        "hub.mode=subscribe&hub.verify_token=wrong&hub.challenge=1",
        "hub.mode=subscribe&hub.verify_token=%FF%C3%BC&hub.challenge=1",
        f"hub.mode=subscribe&hub.verify_token={VERIFY_TOKEN}&hub.verify_token={VERIFY_TOKEN}&hub.challenge=1",
        f"hub.mode=subscribe&hub.verify_token={VERIFY_TOKEN}",
        f"hub.mode=subscribe&hub.verify_token={VERIFY_TOKEN}&hub.challenge=<script>",
        f"hub.mode=subscribe&hub.verify_token={VERIFY_TOKEN}&hub.challenge=-1",
        f"hub.mode=subscribe&hub.verify_token={VERIFY_TOKEN}&hub.challenge=%D9%A1",  # an Arabic digit
        f"hub.mode=subscribe&hub.verify_token={VERIFY_TOKEN}&hub.challenge={'1' * 65}",
        f"hub.mode=subscribe&hub.verify_token={VERIFY_TOKEN}&hub.challenge=1" + "&a=1" * 20,
        f"hub.mode=subscribe&hub.verify_token={VERIFY_TOKEN}&hub.challenge=1&pad={'1' * 2048}",
        f"hub.mode=subscribe&hub.verify_token={VERIFY_TOKEN}&hub.challenge=1&ü=1",
    ],
)
async def test_any_other_handshake_is_refused_and_repeats_nothing(receiver: MetaReceiver, query: str) -> None:
    answered = await call(receiver, "GET", PATH, query=query)
    check_problem(answered, 403, "webhook_handshake")
    assert b"script" not in answered.body
