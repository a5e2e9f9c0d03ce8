"""An endpoint is told of events: signed, tried again by the schedule, given up, disabled, told again."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError
from structlog.testing import capture_logs
from support.messaging import open_desk
from support.scripted import START, ScriptedPost
from support.telling import URL, add_endpoint, bodies, emit, posted, scripted_post

from guestlist.actions import endpoints
from guestlist.errors import NotFoundError, RefusedError, UsageError
from guestlist.outbound.base import Answer, Batching, Dialect, Outbound, Rendered, Schedule
from guestlist.outbound.dialects import comapi_batching, native_dialect
from guestlist.outbound.signing import HmacSigner

REFUSED = Answer(500, b"try later", problem="refused", milliseconds=3)
SILENT = Answer(0, problem="timed_out", milliseconds=15_000)
OTHER = "https://other.example.net/in"


async def notices(house, endpoint, **more):
    return await endpoints.list_notices(house.services, house.workspace_id, endpoint["id"], **more)


async def story(house, endpoint):
    [notice] = await notices(house, endpoint)
    return await endpoints.get_notice(house.services, house.workspace_id, endpoint["id"], notice["id"])


async def look(house, endpoint):
    return await endpoints.get_endpoint(house.services, house.workspace_id, endpoint["id"])


async def run_out(house, endpoint, *, most=50):
    """Runs the lane whenever it asks to be, until nothing waits; the pauses, in seconds."""
    pauses = []
    while (pause := await house.run_notify(endpoint["id"])) is not None and len(pauses) < most:
        pauses.append(round(pause))
        house.clock.move(seconds=pause)
    return pauses


async def test_an_event_reaches_those_who_want_it(house):
    everything = await add_endpoint(house)
    some = await add_endpoint(house, OTHER, kinds=("message.*", "list.imported"))
    await emit(house, "campaign.finished", "cmp_1")
    await emit(house, "list.imported", "lst_1", rows=3)
    await emit(house, "message.sent", "msg_1", state="sent")
    for each in (everything, some):
        await house.run_notify(each["id"])
    assert [body["type"] for body in bodies(house)] == ["campaign.finished", "list.imported", "message.sent"]
    assert [body["type"] for body in bodies(house, OTHER)] == ["list.imported", "message.sent"]
    first = bodies(house)[1]
    assert first["timestamp"] == "2026-11-20T12:00:00.000Z"
    assert first["data"] == {"event_id": first["data"]["event_id"], "subject": "lst_1", "rows": 3}
    assert {row["state"] for row in await notices(house, everything)} == {"delivered"}


async def test_a_scope_lets_one_account_through(house, page):
    scoped = await add_endpoint(house, scope=page["id"])
    await emit(house, "message.received", "rep_1", account_id=page["id"])
    await emit(house, "message.received", "rep_2", account_id="pag_other")
    await emit(house, "contact.created", "con_1")
    await house.run_notify(scoped["id"])
    assert [body["data"]["subject"] for body in bodies(house)] == ["rep_1"]


async def test_a_disabled_endpoint_and_a_workspace_without_any_cost_no_notice(house):
    await emit(house)
    shut = await add_endpoint(house)
    await endpoints.update_endpoint(house.services, house.workspace_id, shut["id"], enabled=False)
    await emit(house)
    assert await notices(house, shut) == []


async def test_the_signature_satisfies_the_standards_own_library(house):
    created = await endpoints.create_endpoint(house.services, house.workspace_id, endpoints.NewEndpoint("Shop", URL))
    await emit(house)
    await house.run_notify(created.row["id"])
    [request] = posted(house)
    assert created.secret.startswith("whsec_")
    assert Webhook(created.secret).verify(request.body, dict(request.headers))["type"] == "campaign.finished"
    with pytest.raises(WebhookVerificationError):
        Webhook(created.secret).verify(request.body + b" ", dict(request.headers))
    [notice] = await notices(house, created.row)
    assert request.headers["webhook-id"] == notice["event_id"]


async def test_two_secrets_sign_while_a_rotation_overlaps(house):
    created = await endpoints.create_endpoint(house.services, house.workspace_id, endpoints.NewEndpoint("Shop", URL))
    endpoint_id = created.row["id"]
    rotated = await endpoints.rotate_secret(house.services, house.workspace_id, endpoint_id, overlap=timedelta(hours=2))
    await emit(house)
    await house.run_notify(endpoint_id)
    house.clock.move(hours=2, seconds=1)
    await emit(house)
    await house.run_notify(endpoint_id)
    during, after = posted(house)
    for secret in (created.secret, rotated.secret):
        assert Webhook(secret).verify(during.body, dict(during.headers))
    assert Webhook(rotated.secret).verify(after.body, dict(after.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(created.secret).verify(after.body, dict(after.headers))


async def test_ten_tries_over_seventy_five_hours_then_no_more(house):
    endpoint = await add_endpoint(house)
    scripted_post(house).answers[URL] = [REFUSED, SILENT] * 10
    await emit(house)
    pauses = await run_out(house, endpoint)
    assert pauses == [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]
    assert house.clock.now() - START >= timedelta(hours=75)
    told = await story(house, endpoint)
    assert (told.notice["state"], told.notice["attempts"], told.notice["problem"]) == ("failed", 10, "timed_out")
    assert [(each["number"], each["status"], each["answer"]) for each in told.tries[:2]] == [(1, 500, "try later"), (2, 0, "")]
    assert len({request.headers["webhook-id"] for request in posted(house)}) == 1
    assert len(posted(house)) == 10


async def test_chance_only_makes_pauses_longer(house):
    endpoint = await add_endpoint(house)
    scripted_post(house).answers[URL] = [REFUSED]
    await emit(house)
    assert await house.run_notify(endpoint["id"], draw=1.0) == pytest.approx(5.5)


async def test_a_success_ends_the_tries_and_the_failing(house):
    endpoint = await add_endpoint(house)
    scripted_post(house).answers[URL] = [REFUSED, REFUSED]
    await emit(house)
    await house.run_notify(endpoint["id"])
    assert (await look(house, endpoint))["failing_since"] == house.services.now_ms()
    await run_out(house, endpoint)
    assert (await look(house, endpoint))["failing_since"] is None
    told = await story(house, endpoint)
    assert (told.notice["state"], told.notice["status"], told.notice["attempts"]) == ("delivered", 204, 3)


async def test_gone_disables_at_once_and_tells_the_others(house):
    gone, other = await add_endpoint(house), await add_endpoint(house, OTHER)
    scripted_post(house).answers[URL] = [Answer(410, problem="refused")]
    await emit(house)
    await house.run_notify(gone["id"])
    await house.run_notify(other["id"])
    row = await look(house, gone)
    assert (row["state"], row["reason"]) == ("disabled", "gone")
    assert [(body["type"], body["data"].get("reason")) for body in bodies(house, OTHER)] == [
        ("campaign.finished", None),
        ("endpoint.disabled", "gone"),
    ]
    assert [row["problem"] for row in await notices(house, gone)] == ["endpoint_disabled"]
    assert await house.run_notify(gone["id"]) is None
    assert len(posted(house)) == 1


async def test_five_days_of_failing_disable_and_four_do_not(house):
    endpoint = await add_endpoint(house)
    scripted_post(house).answers[URL] = [REFUSED] * 100
    for _ in range(5):
        await emit(house)
        await house.run_notify(endpoint["id"])
        house.clock.move(hours=23, minutes=59)
    assert (await look(house, endpoint))["state"] == "enabled"
    house.clock.move(minutes=5)
    await house.run_notify(endpoint["id"])
    row = await look(house, endpoint)
    assert (row["state"], row["reason"]) == ("disabled", "failing")
    assert {each["state"] for each in await notices(house, endpoint)} == {"failed"}


async def test_an_owner_that_dies_before_it_could_record_leaves_the_notice_due_under_its_id(house):
    endpoint = await add_endpoint(house)
    await emit(house)

    def die(request):
        raise SystemError("killed")

    scripted_post(house).before = die
    with pytest.raises(SystemError):
        await house.run_notify(endpoint["id"])
    scripted_post(house).before = scripted_post(house).requests.append  # what the dead one had posted counts, too
    await house.run_notify(endpoint["id"])
    told = await story(house, endpoint)
    assert (told.notice["state"], told.notice["attempts"]) == ("delivered", 1)
    assert posted(house)[0].headers["webhook-id"] == told.notice["event_id"]


async def test_an_owner_without_its_lane_cannot_undo_what_the_next_one_recorded(house):
    endpoint = await add_endpoint(house)
    await emit(house)
    post, called, turn = scripted_post(house), asyncio.Event(), asyncio.Event()

    class Slow(ScriptedPost):
        async def __call__(self, request, *, timeout, limit):
            called.set()
            await turn.wait()
            return REFUSED

    new = house.services
    house.services = replace(new, outbound=replace(new.outbound, post=Slow()))
    zombie = asyncio.create_task(house.run_notify(endpoint["id"]))
    await asyncio.wait_for(called.wait(), 10)
    house.services = new
    await house.run_notify(endpoint["id"])
    turn.set()
    await zombie
    told = await story(house, endpoint)
    assert (told.notice["state"], told.notice["attempts"], told.notice["status"]) == ("delivered", 1, 204)
    assert len(post.requests) == 1


async def test_a_slow_endpoint_holds_up_no_other(house):
    slow, quick = await add_endpoint(house), await add_endpoint(house, OTHER)
    turn = asyncio.Event()

    class Uneven(ScriptedPost):
        async def __call__(self, request, *, timeout, limit):
            if request.url == URL:
                await turn.wait()
            return await super().__call__(request, timeout=timeout, limit=limit)

    house.services = replace(house.services, outbound=replace(house.services.outbound, post=Uneven()))
    for _ in range(40):
        await emit(house)
    waiting = asyncio.create_task(house.run_notify(slow["id"]))
    await asyncio.sleep(0.05)
    await asyncio.wait_for(house.run_notify(quick["id"]), 10)
    assert len(posted(house, OTHER)) == 40
    assert not waiting.done()
    turn.set()
    await waiting
    assert len(posted(house)) == 40


async def test_many_go_at_once_and_few_while_it_fails(house):
    endpoint = await add_endpoint(house)
    now = most = 0

    class Counting(ScriptedPost):
        async def __call__(self, request, *, timeout, limit):
            nonlocal now, most
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.01)
            now -= 1
            return await super().__call__(request, timeout=timeout, limit=limit)

    post = Counting()
    house.services = replace(house.services, outbound=replace(house.services.outbound, post=post))
    for _ in range(60):
        await emit(house)
    post.answers[URL] = [REFUSED] * 60
    await house.run_notify(endpoint["id"])
    assert most == 16
    most = 0
    post.answers[URL] = [REFUSED] * 1000
    house.clock.move(seconds=6)
    await house.run_notify(endpoint["id"])
    assert most == 2


async def test_one_failed_event_is_told_again(house):
    endpoint = await add_endpoint(house)
    scripted_post(house).answers[URL] = [Answer(410, problem="refused")]
    await emit(house)
    await house.run_notify(endpoint["id"])
    [notice] = await notices(house, endpoint)
    with pytest.raises(RefusedError) as refused:
        await endpoints.replay_notice(house.services, house.workspace_id, endpoint["id"], notice["id"])
    assert refused.value.code == "endpoint_disabled"
    await endpoints.update_endpoint(house.services, house.workspace_id, endpoint["id"], enabled=True)
    await endpoints.replay_notice(house.services, house.workspace_id, endpoint["id"], notice["id"])
    await house.run_notify(endpoint["id"])
    told = await story(house, endpoint)
    assert (told.notice["state"], told.notice["attempts"], len(told.tries)) == ("delivered", 2, 2)


async def test_all_that_failed_is_told_again_and_what_was_delivered_is_not(house):
    endpoint = await add_endpoint(house)
    await emit(house, "list.imported", "lst_1")
    await house.run_notify(endpoint["id"])
    await emit(house, "list.deleted", "lst_1")
    scripted_post(house).answers[URL] = [REFUSED] * 10
    await run_out(house, endpoint)
    assert await endpoints.replay_failed(house.services, house.workspace_id, endpoint["id"]) == 1
    await house.run_notify(endpoint["id"])
    assert [body["type"] for body in bodies(house)][-1] == "list.deleted"
    assert {row["state"] for row in await notices(house, endpoint)} == {"delivered"}


async def test_a_range_is_told_again_with_what_was_missed_before_it_existed(house):
    await emit(house, "list.imported", "lst_1")
    house.clock.move(hours=1)
    await emit(house, "list.imported", "lst_2")
    await emit(house, "campaign.created", "cmp_1")
    endpoint = await add_endpoint(house, kinds=("list.*",))
    await emit(house, "list.deleted", "lst_2")
    await house.run_notify(endpoint["id"])
    since = START + timedelta(minutes=30)
    assert await endpoints.replay_range(house.services, house.workspace_id, endpoint["id"], since) == 2
    await house.run_notify(endpoint["id"])
    assert [(body["type"], body["data"]["subject"]) for body in bodies(house)] == [
        ("list.deleted", "lst_2"),
        ("list.imported", "lst_2"),
        ("list.deleted", "lst_2"),
    ]
    with pytest.raises(UsageError) as refused:
        await endpoints.replay_range(house.services, house.workspace_id, endpoint["id"], since, START)
    assert refused.value.code == "bad_range"


async def test_a_test_event_goes_to_the_one_alone_whatever_it_asks_for(house):
    endpoint = await add_endpoint(house, kinds=("list.*",))
    other = await add_endpoint(house, OTHER)
    notice = await endpoints.send_test_event(house.services, house.workspace_id, endpoint["id"])
    for each in (endpoint, other):
        await house.run_notify(each["id"])
    assert [body["type"] for body in bodies(house)] == ["endpoint.test"]
    assert posted(house, OTHER) == []
    assert notice["kind"] == "endpoint.test"


async def test_what_an_event_says_is_what_the_rows_say_when_it_is_told(house, page):
    desk = await open_desk(house, page)
    endpoint = await add_endpoint(house, kinds=("message.delivered", "message.accepted"))
    message = await desk.send(desk.draft("sms", text="Your code is 7"), metadata={"order": 7})
    await house.run_notify(endpoint["id"])
    [body] = bodies(house)
    told = body["data"]["message"]
    assert (told["text"], told["metadata"], told["redacted"]) == ("Your code is 7", {"order": 7}, False)
    assert body["data"]["delivery"]["address"] == "447700900123"
    assert {each["value"] for each in body["data"]["contact"]["addresses"]} >= {"447700900123", "ana@example.com"}
    await desk.run()
    from guestlist.actions import messages

    await messages.redact_message(house.services, house.workspace_id, message["id"])
    [notice] = await notices(house, endpoint)
    await endpoints.replay_notice(house.services, house.workspace_id, endpoint["id"], notice["id"])
    await house.run_notify(endpoint["id"])
    again = bodies(house)[-1]["data"]
    assert (again["message"]["text"], again["message"]["redacted"], again["delivery"]["address"]) == ("", True, "")
    assert "Your code" not in posted(house)[-1].body.decode()


async def test_a_deleted_endpoint_leaves_nothing_and_is_told_nothing(house):
    endpoint = await add_endpoint(house)
    await emit(house)
    await endpoints.delete_endpoint(house.services, house.workspace_id, endpoint["id"])
    assert await house.run_notify(endpoint["id"]) is None
    assert posted(house) == []
    with pytest.raises(NotFoundError):
        await notices(house, endpoint)


async def test_old_notices_are_dropped_and_waiting_ones_kept(house):
    endpoint = await add_endpoint(house)
    await emit(house, "list.imported", "lst_1")
    await house.run_notify(endpoint["id"])
    scripted_post(house).answers[URL] = [REFUSED]
    await emit(house, "list.deleted", "lst_1")
    await house.run_notify(endpoint["id"])
    house.clock.move(hours=24 * 31)
    await house.run_tidy()
    assert [row["kind"] for row in await notices(house, endpoint)] == ["list.deleted"]
    assert len((await story(house, endpoint)).tries) == 1


async def test_neither_secret_nor_url_nor_text_reaches_the_log(house, page):
    desk = await open_desk(house, page)
    created = await endpoints.create_endpoint(
        house.services, house.workspace_id, endpoints.NewEndpoint("Shop", URL + "?k=sesame")
    )
    scripted_post(house).answers[URL + "?k=sesame"] = [REFUSED, Answer(410, problem="refused")]
    with capture_logs() as logged:
        await desk.send(desk.draft("sms", text="Your code is 7"))
        await house.run_notify(created.row["id"])
        house.clock.move(seconds=5)
        await house.run_notify(created.row["id"])
    assert [entry["event"] for entry in logged if entry["log_level"] == "warning"] == ["endpoint.disabled"]
    for secret in (created.secret, "sesame", "hooks.example.net", "Your code", "447700900123"):
        assert secret not in str(logged)
        assert secret not in repr(created)


# -- dialects ---------------------------------------------------------------------------------------------------------


class Plain:
    """A dialect that knows campaigns only."""

    def render(self, told, endpoint):
        return Rendered(f'{{"name":"{told.kind}"}}'.encode()) if told.kind.startswith("campaign") else None


def speaking(house, **more):
    """A house whose endpoints may speak a vendor's dialect."""
    vendor = Dialect(
        "comapi", Plain(), HmacSigner("X-Comapi-Signature"), Schedule((5, 5), never_again=frozenset({400})), 10, **more
    )
    dialects = {"": native_dialect(), "comapi": vendor}
    house.services = replace(house.services, outbound=Outbound(scripted_post(house), dialects))


async def test_a_dialect_has_its_own_shape_and_drops_what_it_does_not_have(house):
    speaking(house)
    endpoint = await add_endpoint(house, dialect="comapi", secret="0123456789abcdef")
    await emit(house, "campaign.finished")
    await emit(house, "list.imported", "lst_1")
    await house.run_notify(endpoint["id"])
    [request] = posted(house)
    assert request.body == b'{"name":"campaign.finished"}'
    assert list(request.headers) == ["Content-Type", "X-Comapi-Signature"]
    assert [row["kind"] for row in await notices(house, endpoint)] == ["campaign.finished"]


async def test_a_status_that_a_dialect_never_repeats_ends_it(house):
    speaking(house)
    endpoint = await add_endpoint(house, dialect="comapi", secret="0123456789abcdef")
    scripted_post(house).answers[URL] = [Answer(400, problem="refused")]
    await emit(house)
    assert await house.run_notify(endpoint["id"]) is None
    assert (await notices(house, endpoint))[0]["state"] == "failed"


async def test_a_batch_waits_for_more_but_not_for_long(house):
    speaking(house, batching=comapi_batching)
    config = {"batch": True, "maxBatchSize": 3, "batchTimeout": 10}
    endpoint = await add_endpoint(house, dialect="comapi", secret="0123456789abcdef", config=config)
    for _ in range(4):
        await emit(house)
    assert await house.run_notify(endpoint["id"]) == pytest.approx(10)
    assert [len(body) for body in bodies(house)] == [3]
    house.clock.move(seconds=10)
    assert await house.run_notify(endpoint["id"]) is None
    assert [len(body) for body in bodies(house)] == [3, 1]
    assert {row["state"] for row in await notices(house, endpoint)} == {"delivered"}


async def test_the_answer_of_a_bot_acts_once_and_one_it_cannot_mean_is_noted(house):
    said = []

    async def on_answer(tx, services, workspace_id, told, body):
        if body == b"?":
            raise UsageError("That is no reply.", code="bad_reply")
        said.append((told.kind, body))
        return set()

    speaking(house, on_answer=on_answer, answer_limit=4096)
    endpoint = await add_endpoint(house, dialect="comapi", secret="0123456789abcdef")
    scripted_post(house).answers[URL] = [Answer(200, b"Hi there"), Answer(200, b"?")]
    await emit(house)
    await house.run_notify(endpoint["id"])
    await emit(house)
    await house.run_notify(endpoint["id"])
    assert said == [("campaign.finished", b"Hi there")]
    assert [(row["state"], row["problem"]) for row in await notices(house, endpoint)] == [
        ("delivered", "answer_refused: bad_reply"),
        ("delivered", ""),
    ]


async def test_an_event_that_cannot_be_shaped_fails_alone(house):
    class Clumsy(Plain):
        def render(self, told, endpoint):
            if told.subject == "cmp_bad":
                raise KeyError("missing")
            return super().render(told, endpoint)

    speaking(house)
    dialects = house.services.outbound.dialects
    dialects["comapi"] = replace(dialects["comapi"], renderer=Clumsy())
    endpoint = await add_endpoint(house, dialect="comapi", secret="0123456789abcdef")
    await emit(house, "campaign.created", "cmp_bad")
    await emit(house, "campaign.created", "cmp_good")
    await house.run_notify(endpoint["id"])
    assert [(row["subject"], row["state"], row["problem"]) for row in await notices(house, endpoint)] == [
        ("cmp_good", "delivered", ""),
        ("cmp_bad", "pending", "not_rendered"),
    ]


def test_comapis_batches_stay_within_what_it_documents():
    from guestlist.outbound.base import Endpoint

    def batching(**config):
        return comapi_batching(Endpoint("end_1", "wsp_1", URL, "comapi", "", config))

    assert batching() is None
    assert batching(batch=True, maxBatchSize=9999, batchTimeout=9999) == Batching(500, 60)
    assert batching(batch=True) == Batching(1, 1)
