"""Each noun from outside: what goes in, what is shown, what never is."""

from __future__ import annotations

from typing import Any

import pytest
from api_house import ATTESTATION, CSV_FILE, Api, connection
from support.asgi import Client
from support.scripted import PAGE_ID


async def test_a_page_is_connected_and_shown_without_its_tokens(api: Api) -> None:
    answered = await api.client.post("/v1/pages", connection(ads_token="EAAB-system-user"))
    page = answered.json()
    assert (answered.status, page["page_id"], page["state"], page["name"]) == (201, PAGE_ID, "connected", "Northwind Coffee")
    assert page["created_at"] == "2026-11-20T12:00:00Z"
    assert "EAAB" not in answered.text
    assert not [name for name in page if "token" in name]
    assert (await api.client.get(f"/v1/pages/{page['id']}")).json() == page


async def test_a_sync_is_accepted_and_due(api: Api) -> None:
    page_id = await api.connect()
    api.house.clock.move(hours=1)
    answered = await api.client.post(f"/v1/pages/{page_id}/sync")
    assert (answered.status, answered.json()["sync_at"]) == (202, "2026-11-20T13:00:00Z")


# -- lists ----------------------------------------------------------------------------------------------------------


async def test_a_list_is_imported_from_the_body_and_adds_up(api: Api) -> None:
    answered = await api.client.send_file("/v1/lists", CSV_FILE, {"region": "gb", "filename": "may.csv"})
    row = answered.json()
    report = (await api.client.get(f"/v1/lists/{row['id']}/report")).json()
    assert (answered.status, row["name"], row["region"], row["state"]) == (201, "may.csv", "GB", "ready")
    assert (row["rows"], row["usable"]) == (4, 2)
    assert report["rows"] == report["usable"] + report["duplicates"] + sum(report["rejected"].values())


async def test_nothing_shown_of_a_list_is_in_clear(api: Api) -> None:
    list_id = await api.import_list()
    for path in ("", "/report", "/rejects"):
        text = (await api.client.get(f"/v1/lists/{list_id}{path}")).text
        assert "ann@example.com" not in text
        assert "7911123456" not in text


async def test_rejects_come_as_json_or_as_a_file(api: Api) -> None:
    list_id = await api.import_list()
    rows = (await api.client.get(f"/v1/lists/{list_id}/rejects")).json()["data"]
    file = await api.client.get(f"/v1/lists/{list_id}/rejects", accept="text/csv")
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    assert file.headers["content-disposition"] == f'attachment; filename="{list_id}-rejects.csv"'
    lines = file.text.splitlines()
    assert lines[0] == "row,column,code,value,remedy"
    assert len(lines) == len(rows) + 1
    assert not [line for line in lines if line.split(",")[3].startswith("=")]


async def test_rejects_of_a_large_list_come_whole(api: Api) -> None:
    list_id = await api.import_list(b"email\na@example.com\n" + b"".join(b"bad-%d\n" % n for n in range(1200)))
    file = await api.client.get(f"/v1/lists/{list_id}/rejects", accept="text/csv")
    assert len({line.split(",")[0] for line in file.text.splitlines()[1:]}) == 1200


async def test_a_check_keeps_nothing(api: Api) -> None:
    answered = await api.client.send_file("/v1/lists/check", CSV_FILE, {"region": "GB"})
    assert (answered.status, answered.json()["usable"]) == (200, 2)
    assert answered.json()["expected_match"]["lower"] <= answered.json()["expected_match"]["upper"]
    assert (await api.client.get("/v1/lists")).json()["data"] == []


async def test_a_report_says_what_would_help_and_shows_as_many_rows_as_asked_for(api: Api) -> None:
    file = b"email,phone\n" + b"".join(b"p%d@example.co.uk,020 7946 %04d\n" % (n, n) for n in range(200))
    report = (await api.client.send_file("/v1/lists/check", file, {"region": "US", "preview_rows": "30"})).json()

    assert (report["verdict"]["code"], len(report["preview"])) == ("region", 30)
    assert (report["regions"][0]["region"], report["regions"][0]["net"]) == ("GB", 200)
    assert {"code", "rows", "gain", "text", "action"} == set(report["hints"][0])
    assert report["identifiers_per_row"]["email_only"] == 200


async def test_a_stored_report_tells_the_same_as_a_check(api: Api) -> None:
    list_id = await api.import_list()
    stored = (await api.client.get(f"/v1/lists/{list_id}/report")).json()

    assert stored["verdict"]["text"]
    assert stored["identifiers_per_row"]["average"] >= 1


async def test_a_file_is_read_as_told(api: Api) -> None:
    query = {
        "region": "GB",
        "header": "false",
        "delimiter": "|",
        "encoding": "utf-8",
        "mapping": '{"column 2": "EMAIL", "column 1": "ignore"}',
    }
    report = (await api.client.send_file("/v1/lists/check", b"ann|ann@example.com\n", query)).json()
    assert (report["rows"], report["usable"], report["has_header"], report["delimiter"]) == (1, 1, False, "|")
    assert [column["key"] for column in report["mapping"]] == [None, "EMAIL"]


@pytest.mark.parametrize(
    ("content", "query", "status", "code"),
    [
        (b"", {"region": "GB"}, 422, "empty_file"),
        (b"email\n", {"region": "GB"}, 422, "header_only"),
        (b"%PDF-1.7\n1 0 obj", {"region": "GB"}, 422, "not_text"),
        (b"%PDF-1.7", {"region": "GB"}, 422, "not_text"),
        (b"colour\nred\n", {"region": "GB"}, 422, "no_usable_column"),
        (CSV_FILE, {"region": "UK"}, 422, "unknown_region"),
        (CSV_FILE, {"region": "GB", "encoding": "klingon"}, 422, "unknown_encoding"),
        (CSV_FILE, {"region": "GB", "delimiter": "a"}, 422, "bad_delimiter"),
        (CSV_FILE, {"region": "GB", "mapping": '{"nope": "EMAIL"}'}, 422, "unknown_column"),
        (CSV_FILE, {"region": "GB", "mapping": '{"email": "SHOE"}'}, 422, "unknown_key"),
        (CSV_FILE, {}, 422, "invalid_request"),
        (CSV_FILE, {"region": "GBR"}, 422, "invalid_request"),
        (CSV_FILE, {"region": "GB", "mapping": "email=EMAIL"}, 422, "invalid_request"),
        (CSV_FILE, {"region": "GB", "mapping": '{"email": 1}'}, 422, "invalid_request"),
        (CSV_FILE, {"region": "GB", "header": "perhaps"}, 422, "invalid_request"),
        (b"email\nnobody\n", {"region": "GB"}, 422, "nothing_usable"),
    ],
)
async def test_a_file_that_is_no_list_leaves_nothing(
    client: Client, content: bytes, query: dict[str, Any], status: int, code: str
) -> None:
    answered = await client.send_file("/v1/lists", content, query)
    assert (answered.status, answered.code) == (status, code)
    assert (await client.get("/v1/lists")).json()["data"] == []


async def test_a_form_around_the_file_is_refused(client: Client) -> None:
    form = {"content_type": "multipart/form-data; boundary=x"}
    answered = await client.send_file("/v1/lists", CSV_FILE, {"region": "GB"}, **form)
    assert (answered.status, answered.code) == (415, "unsupported_media_type")


# -- audiences and uploads ------------------------------------------------------------------------------------------


async def reach_of(api: Api, audience_id: str) -> str:
    return str((await api.client.get(f"/v1/audiences/{audience_id}")).json()["reachability"]["code"])


async def test_an_audience_tells_at_every_step_whether_its_people_can_be_reached(api: Api) -> None:
    audience_id = await api.make("audiences", page_id=await api.connect(), name="Loyal")
    upload = {"list_id": await api.import_list(), "attestation": ATTESTATION}
    assert await reach_of(api, audience_id) == "waiting"
    # When it is made at Meta, and a list is uploaded
    await api.make(f"audiences/{audience_id}/uploads", **upload)
    await api.house.run_ads()
    meta_id = (await api.client.get(f"/v1/audiences/{audience_id}")).json()["meta_id"]
    for lower, upper, code in [
        (None, None, "matching"),
        (40, 60, "below_threshold"),
        (90, 140, "below_threshold"),
        (800, 900, "visible"),
    ]:
        # Then each answer of Meta's is told as what it means
        if lower is not None:
            api.house.graph.match(meta_id, lower, upper)
            await api.make(f"audiences/{audience_id}/uploads", **upload)
        api.house.clock.move(minutes=3)
        await api.house.run_ads()
        api.house.clock.move(minutes=3)
        await api.house.run_ads()
        assert await reach_of(api, audience_id) == code
    await api.client.delete(f"/v1/audiences/{audience_id}")
    assert await reach_of(api, audience_id) == "closed"


@pytest.mark.parametrize("attestation", [None, {}, {"by": "Ann"}, {"by": "Ann", "words": " ", "basis": "form"}])
async def test_without_an_attestation_nothing_is_uploaded_or_adopted(api: Api, attestation: Any) -> None:
    page_id = await api.connect()
    audience_id = await api.make("audiences", page_id=page_id, name="Loyal")
    given = {"list_id": await api.import_list(), "attestation": attestation}
    upload = await api.client.post(f"/v1/audiences/{audience_id}/uploads", given)
    adoption = await api.client.post(
        "/v1/audiences/adopt", {"page_id": page_id, "meta_id": "12000000", "attestation": attestation}
    )
    assert [(each.status, each.code) for each in (upload, adoption)] == [(409, "consent_missing")] * 2
    assert (await api.client.get("/v1/uploads")).json()["data"] == []


async def test_an_upload_is_shown_with_its_consent(api: Api) -> None:
    ids = await api.fill()
    upload = (await api.client.get(f"/v1/uploads/{ids['upload_id']}")).json()
    consents = (await api.client.get(f"/v1/audiences/{ids['audience_id']}/consents")).json()["data"]
    assert (upload["state"], upload["rows"], upload["batches"]) == ("queued", 2, 1)
    assert isinstance(upload["session_id"], str)  # 63 bits do not fit a JavaScript number
    assert {name: consents[0][name] for name in ATTESTATION} == ATTESTATION
    assert consents[0]["proof"]["upload"] == ids["upload_id"]


async def test_the_next_version_of_a_list_is_counted_by_what_it_changes(api: Api) -> None:
    ids = await api.fill()
    uploads = f"/v1/audiences/{ids['audience_id']}/uploads"
    unplanned = (await api.client.get(f"/v1/uploads/{ids['upload_id']}")).json()
    assert (unplanned["mode"], unplanned["added"], unplanned["planned_at"]) == ("add", None, None)
    for _ in range(2):  # the audience is made, then filled
        await api.house.run_ads()
        api.house.clock.move(seconds=2)
    list_id = await api.import_list(b"email\nnew@example.com\n")
    started = await api.client.post(uploads, {"list_id": list_id, "attestation": ATTESTATION, "mode": "sync"})
    await api.house.run_ads()
    upload = (await api.client.get(f"/v1/uploads/{started.json()['id']}")).json()
    assert (upload["mode"], upload["full"], upload["added"], upload["removed"], upload["unchanged"]) == ("sync", False, 1, 2, 0)
    refused = await api.client.post(uploads, {"list_id": list_id, "attestation": ATTESTATION, "mode": "mirror"})
    assert (refused.status, refused.code) == (422, "invalid_request")


async def test_an_upload_that_waits_is_given_up_and_its_list_deleted(api: Api) -> None:
    ids = await api.fill()
    in_use = await api.client.delete(f"/v1/lists/{ids['list_id']}")
    assert (in_use.status, in_use.code) == (409, "list_in_use")
    cancelled = (await api.client.post(f"/v1/uploads/{ids['upload_id']}/cancel")).json()
    assert (cancelled["state"], cancelled["reason"]) == ("failed", "cancelled")
    assert (await api.client.post(f"/v1/uploads/{ids['upload_id']}/cancel")).code == "not_cancellable"
    assert (await api.client.delete(f"/v1/lists/{ids['list_id']}")).status == 204
    assert (await api.client.get(f"/v1/lists/{ids['list_id']}")).status == 404


async def test_an_upload_that_is_not_paused_cannot_be_resumed(api: Api) -> None:
    upload_id = (await api.fill())["upload_id"]
    assert (await api.client.post(f"/v1/uploads/{upload_id}/resume")).code == "not_paused"


async def test_an_audience_made_elsewhere_is_found_and_adopted_once(api: Api) -> None:
    page_id = await api.connect()
    meta_id = await api.house.graph.create_audience("1", name="Theirs", description="", page_id=PAGE_ID)
    remote = (await api.client.get("/v1/audiences/remote", {"page_id": page_id})).json()
    given = {"page_id": page_id, "meta_id": meta_id, "attestation": ATTESTATION}
    first, again = [await api.client.post("/v1/audiences/adopt", given) for _ in range(2)]
    assert [(each["meta_id"], each["name"]) for each in remote["data"]] == [(meta_id, "Theirs")]
    assert (first.status, first.json()["origin"]) == (201, "adopted")
    assert (again.status, again.code) == (409, "already_adopted")


# -- subscribers ----------------------------------------------------------------------------------------------------


async def test_a_subscriber_shows_neither_token_nor_psid(api: Api) -> None:
    await api.subscribe(await api.connect(), "tok-secret")
    answered = await api.client.get("/v1/subscribers")
    assert answered.json()["data"][0]["source"] == "unknown"
    assert "secret" not in answered.text
    assert "psid" not in answered.text


async def test_an_opt_out_is_counted_filtered_and_idempotent(api: Api) -> None:
    page_id = await api.connect()
    ids = await api.subscribe(page_id, "tok-1", "tok-2")
    for _ in range(2):
        answered = await api.client.post(f"/v1/subscribers/{ids[0]}/opt-out")
        assert (answered.status, answered.json()["opt_out_reason"]) == (200, "asked")
    counts = (await api.client.get("/v1/subscribers/counts", {"page_id": page_id})).json()
    assert (counts["open"], counts["opted_out"], counts["sources"]) == (1, 1, {"unknown": {"open": 1, "opted_out": 1}})
    for flag, expected in (("true", ids[:1]), ("false", ids[1:])):
        found = (await api.client.get("/v1/subscribers", {"opted_out": flag})).json()["data"]
        assert [each["id"] for each in found] == expected
    assert (await api.client.get("/v1/subscribers", {"opted_out": "1"})).status == 422


# -- campaigns ------------------------------------------------------------------------------------------------------


async def test_a_campaign_runs_from_draft_to_funnel(api: Api) -> None:
    # Given a campaign and three subscribers, one of them opted out
    page_id = await api.connect()
    ids = await api.subscribe(page_id, "tok-1", "tok-2", "tok-3")
    await api.client.post(f"/v1/subscribers/{ids[0]}/opt-out")
    campaign_id = await api.make("campaigns", page_id=page_id, name="Spring", text="Hello")
    # When it is launched
    launched = (await api.client.post(f"/v1/campaigns/{campaign_id}/launch")).json()
    funnel = (await api.client.get(f"/v1/campaigns/{campaign_id}/funnel")).json()
    # Then everybody is accounted for
    assert launched["message"] == {"text": "Hello"}
    assert (launched["recipients"], launched["excluded"]) == (2, {"opted_out": 1})
    assert sum(funnel["subscribers"].values()) == funnel["recipients"] + sum(funnel["excluded"].values())
    assert funnel["recipients"] == funnel["accepted"] + sum(funnel["failed"].values()) + funnel["unknown"] + funnel["pending"]


async def test_a_campaign_is_held_and_ended(api: Api) -> None:
    page_id = await api.connect()
    await api.subscribe(page_id, "tok-1")
    campaign_id = await api.make("campaigns", page_id=page_id, name="Spring", text="Hello")
    await api.client.post(f"/v1/campaigns/{campaign_id}/launch")
    await api.house.run_ads()

    async def do(what: str) -> str:
        answered = await api.client.post(f"/v1/campaigns/{campaign_id}/{what}")
        return str(answered.json()["state"] if answered.status == 200 else answered.code)

    told = [await do(what) for what in ("resume", "pause", "pause", "resume", "stop", "stop", "launch", "pause")]
    assert told == ["not_paused", "paused", "cannot_pause", "warming", "stopped", "stopped", "already_launched", "cannot_pause"]
    closed = (await api.client.get(f"/v1/campaigns/{campaign_id}/recipients", {"state": "failed"})).json()["data"]
    assert [row["reason"] for row in closed] == ["stopped"]


async def test_a_launch_that_reaches_nobody_says_why(api: Api) -> None:
    campaign_id = await api.make("campaigns", page_id=await api.connect(), name="Spring", text="Hello")
    answered = await api.client.post(f"/v1/campaigns/{campaign_id}/launch")
    assert (answered.status, answered.code, answered.json()["excluded"]) == (409, "no_recipients", {})


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({}, 422, "invalid_request"),
        ({"text": "Hello", "message": {"text": "Hello"}}, 422, "invalid_request"),
        ({"text": "x" * 641}, 422, "invalid_request"),
        ({"message": {"text": "\ud800"}}, 422, "invalid_request"),
        ({"message": {"text": "Hello", "n": float("nan")}}, 422, "invalid_request"),
        ({"message": {"text": "Hello", "n": 2**70}}, 422, "invalid_request"),
        ({"text": "Hello", "daily_budget": "500"}, 422, "invalid_request"),
        ({"text": "Hello", "daily_budget": 0}, 422, "invalid_request"),
        ({"text": "Hello", "daily_budget": True}, 422, "invalid_request"),
        ({"text": "Hello", "expires_at": "2026-12-01T00:00:00"}, 422, "invalid_request"),
        ({"text": "Hello", "expires_at": 1796000000}, 422, "invalid_request"),
        ({"text": "Hello", "expires_at": "9999-12-31T23:59:59-14:00"}, 422, "invalid_request"),
        ({"text": "Hello", "audience_ids": ["all"]}, 422, "invalid_request"),
        ({"text": "Hello", "audience_ids": ["aud_01hq3k5y8v7d2w9g4m6n0p1r2s"]}, 404, "not_found"),
        ({"text": "Hello", "daily_budget": 1, "lifetime_budget": 1}, 400, "bad_budget"),
        ({"text": "Hello", "expires_at": "2020-01-01T00:00:00Z"}, 400, "bad_expiry"),
        ({"text": " "}, 400, "bad_message"),
        ({"message": {}}, 400, "bad_message"),
        ({"message": {"attachment": {"type": "image"}}}, 400, "bad_message"),
    ],
)
async def test_a_draft_that_cannot_be_meant_is_refused(api: Api, given: dict[str, Any], status: int, code: str) -> None:
    answered = await api.client.post("/v1/campaigns", {"page_id": await api.connect(), "name": "Spring", **given})
    assert (answered.status, answered.code) == (status, code), answered.text
    assert (await api.client.get("/v1/campaigns")).json()["data"] == []


# -- keys and events ------------------------------------------------------------------------------------------------


async def test_a_key_is_shown_once(client: Client) -> None:
    made = (await client.post("/v1/keys", {"name": " shop "})).json()
    listed = await client.get("/v1/keys")
    assert made["key"].startswith("gl_")
    assert (made["name"], made["prefix"]) == ("shop", made["key"][:8])
    assert made["key"] not in listed.text
    assert "digest" not in listed.text
    assert (await client.delete(f"/v1/keys/{made['id']}")).status == 204
    assert (await client.delete(f"/v1/keys/{made['id']}")).status == 404


async def test_events_tell_what_happened_newest_first(api: Api) -> None:
    ids = await api.fill()
    events = (await api.client.get("/v1/events")).json()["data"]
    assert events[-1]["kind"] == "page.connected"
    assert events[-1]["subject"] == ids["page_id"]
    assert {"list.imported", "upload.started", "campaign.created"} <= {event["kind"] for event in events}
    assert all(isinstance(event["data"], dict) for event in events)
