"""Bad input at every edge, from outside: each case names what, where and the way out, and loses nothing that was accepted.

One emulator and one server serve all cases, each case with a Page of its own. The last tests read everything that was said,
logged and stored on the way and look for secrets and people in it.
"""

from __future__ import annotations

import json
import os
from collections import Counter

import pytest
from installation import ATTESTATION, install, run_meta, until
from outages import Wire, small_disk

GUESTS = [(f"guest{n}@example.com", f"07911 {123000 + n}") for n in range(60)]
THROTTLED = 2300078


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="module")
def meta(logs):
    with run_meta(logs / "emulator.log", "--organic", "40", "--matching-seconds", "0.1", "--warm-up-seconds", "0") as emulator:
        yield emulator


@pytest.fixture(scope="module")
def wire(meta):
    with Wire(meta.url).strung() as whole:
        yield whole


@pytest.fixture(scope="module")
def houses():
    """All installations of this file, for the last test."""
    return []


@pytest.fixture(scope="module")
def whole_house(meta, wire, logs, houses, tmp_path_factory):
    with install(meta, tmp_path_factory.mktemp("house") / "data", logs, wire.url) as here:
        houses.append(here)
        yield here


@pytest.fixture
def house(whole_house):
    """The installation, with a Meta that has no faults, whatever the case before left."""
    yield whole_house
    whole_house.meta.heal()


@pytest.fixture
def shop(house, request):
    """A Page of this case's own, not connected yet."""
    return house.open_shop(request.node.name[:60])


# -- files ----------------------------------------------------------------------------------------------------------

REFUSED_FILES = {  # file, options, code, what the message names, the way out
    "wrong type": (b"\x89PNG\r\n\x1a\n" + bytes(64), {}, "not_text", "PNG image", "Export the list as CSV"),
    "empty": (b"", {}, "empty_file", "is empty", "Export the list again"),
    "blank lines": (b"\n\n  \n", {}, "empty_file", "is empty", "Export the list again"),
    "header only": (b"email,phone\n", {}, "header_only", "after its header", "with its rows"),
    "no usable column": (b"colour,size\nred,10\nblue,12\n", {}, "no_usable_column", "No column", "--map"),
    "misnamed encoding": (
        b"email\nann@example.com\n",
        {"encoding": "utf-16"},
        "wrong_encoding",
        "not utf-16 text",
        "windows-1252",
    ),
    "no such encoding": (b"email\nann@example.com\n", {"encoding": "klingon"}, "unknown_encoding", "encoding", "utf-8"),
    "unknown region": (b"email\nann@example.com\n", {"region": "UK"}, "unknown_region", "'UK'", "Use GB"),
}


@pytest.mark.parametrize("name", REFUSED_FILES)
def test_a_file_that_is_no_list_is_refused_whole(house, tmp_path, name):
    content, options, code, what, way_out = REFUSED_FILES[name]
    file = tmp_path / "customers.csv"
    file.write_bytes(content)
    wanted = {"region": "GB", **options}
    kept = house.rows("SELECT id FROM lists ORDER BY id")

    told = house.run("lists", "import", str(file), *(word for key, value in wanted.items() for word in (f"--{key}", value)))
    answer = house.call("POST", "/v1/lists?" + "&".join(f"{key}={value}" for key, value in wanted.items()), content)

    assert (told.code, told.out) == (2, "")
    assert what in " ".join(told.err.split())
    assert "What to do:" in told.err
    assert way_out in " ".join(told.err.split())
    assert (answer.status, answer.document["code"]) == (422, code)
    assert what in answer.document["detail"]
    assert way_out in answer.document["remedy"]
    assert house.rows("SELECT id FROM lists ORDER BY id") == kept


DAMAGED_FILES = {  # file, options, rows, usable, where it is damaged: row, column, code
    "unclosed quote": (b'email,first_name\nann@example.com,"Ann\nbob@example.com,Bob\n', {}, (2, 1), (1, "", "unclosed_quote")),
    "short row": (b"email,phone,city\nann@example.com,07911123456,Leeds\nbob@example.com\n", {}, (2, 1), (2, "", "row_short")),
    "long row": (b"email,city\nann@example.com,Leeds\nbob@example.com,York,x,y,z\n", {}, (2, 1), (2, "", "row_long")),
    "wrong encoding": (b"email,fn\nann@example.com,Zo\xe9\n", {"encoding": "utf-8"}, (1, 1), (1, "fn", "bad_encoding")),
}


@pytest.mark.parametrize("name", DAMAGED_FILES)
def test_a_damaged_row_loses_only_itself_and_is_named(house, tmp_path, name):
    content, options, (rows, usable), place = DAMAGED_FILES[name]
    file = tmp_path / "customers.csv"
    file.write_bytes(content)
    flags = [word for key, value in options.items() for word in (f"--{key}", value)]

    told = house.run("lists", "import", str(file), "--region", "GB", "--json", *flags)
    report = house.get(f"/v1/lists/{told.document['id']}/report")
    rejects = house.get(f"/v1/lists/{told.document['id']}/rejects")["data"]

    assert told.code == 0
    assert (report["rows"], report["usable"]) == (rows, usable)
    assert report["rows"] == report["usable"] + report["duplicates"] + sum(report["rejected"].values())
    [found] = [reject for reject in rejects if reject["code"] == place[-1]]
    assert (found["row"], found["column"], found["code"]) == place
    assert found["remedy"]


def test_an_upload_without_a_consent_attestation_is_refused_before_anything_leaves(house, shop):
    house.connect(shop)
    audience = house.post("/v1/audiences", {"page_id": shop.id, "name": "No consent"})["id"]
    kept = house.post("/v1/lists?region=GB", b"email\nann@example.com\n")["id"]

    told = house.run("audiences", "upload", audience, "--list", kept, "--json")
    answer = house.call("POST", f"/v1/audiences/{audience}/uploads", {"list_id": kept})

    assert (told.code, told.problem["code"]) == (6, "consent_missing")
    assert "--consent-by" in told.problem["detail"]
    assert (answer.status, answer.document["code"]) == (409, "consent_missing")
    assert house.rows("SELECT id FROM uploads WHERE audience_id = ?", audience) == []


# -- credentials ----------------------------------------------------------------------------------------------------


def refusal_to_connect(house, shop):
    """How both doors refuse to connect a Page; that nothing is kept, and that the same Page can be connected afterwards."""
    told = house.run(*shop.connect_words(), "--json", **shop.tokens())
    answer = house.call("POST", "/v1/pages", shop.body())
    assert told.out == ""
    assert told.problem["code"] == answer.document["code"]
    assert told.problem["detail"] == answer.document["remedy"] != ""
    assert house.rows("SELECT id FROM pages WHERE page_id = ?", shop.page_id) == []
    return told, answer


def test_a_bad_token_is_refused_by_its_kind_and_never_quoted(house, shop):
    good, shop.page_token = shop.page_token, "EAAnotATokenOfThisWorld"

    told, answer = refusal_to_connect(house, shop)

    assert (told.code, answer.status, told.problem["code"]) == (4, 403, "token_invalid")
    assert "Page token" in told.problem["title"]
    assert "fresh token" in told.problem["detail"]
    assert "EAAnotAToken" not in told.err + answer.text
    shop.page_token = good
    assert house.connect(shop).id


def test_a_missing_permission_is_named(house, shop):
    shop.ads_token = house.meta.token(scopes=["ads_management"])

    told, answer = refusal_to_connect(house, shop)

    assert (told.code, answer.status, told.problem["code"]) == (4, 403, "scope_missing")
    assert "ads token lacks a permission: paid_marketing_messages" in told.problem["title"]
    assert "Grant it" in told.problem["detail"]


def test_terms_that_nobody_accepted_are_refused_with_the_link(house, shop):
    house.meta.control("/terms", {"ad_account_id": shop.ad_account_id, "accepted": False})

    told, answer = refusal_to_connect(house, shop)

    assert (told.code, answer.status, told.problem["code"]) == (6, 409, "terms_not_accepted")
    assert answer.document["accept_url"].startswith("https://")
    assert answer.document["accept_url"] in told.problem["detail"]
    assert shop.ad_account_id.removeprefix("act_") in answer.document["accept_url"]
    house.meta.control("/terms", {"ad_account_id": shop.ad_account_id, "accepted": True})
    assert house.connect(shop).id


def test_a_key_that_opens_nothing_is_refused(house):
    for headers in ({"Authorization": "Bearer gl_wrong"}, {"Authorization": ""}):
        answer = house.call("GET", "/v1/pages", **headers)

        assert (answer.status, answer.document["code"]) == (401, "unauthenticated")
        assert answer.document["remedy"] or answer.document["detail"]
        assert "WWW-Authenticate" in {name.title().replace("Www", "WWW") for name in answer.headers}


# -- tokens that die under way --------------------------------------------------------------------------------------


def test_a_token_that_dies_in_the_middle_of_an_upload_costs_nothing(house, shop):
    house.connect(shop)
    audience = house.post("/v1/audiences", {"page_id": shop.id, "name": "Two batches"})["id"]
    emails = b"email\n" + b"".join(b"mid%d@example.com\n" % n for n in range(10_500))
    customers = house.post("/v1/lists?region=GB", emails)["id"]
    house.meta.fail("/*/users", delay_seconds=0.5)
    upload = house.post(f"/v1/audiences/{audience}/uploads", {"list_id": customers, "attestation": ATTESTATION})

    until(lambda: house.get(f"/v1/uploads/{upload['id']}")["batches_sent"], "the first batch")
    house.meta.kill(shop.ads_token)
    page = until(lambda: (page := house.get(f"/v1/pages/{shop.id}"))["state"] == "reconnect" and page, "the death")
    stopped = house.get(f"/v1/uploads/{upload['id']}")
    told = house.run("audiences", "resume", upload["id"], "--json")
    house.renew(shop)
    done = until(lambda: (row := house.get(f"/v1/uploads/{upload['id']}"))["state"] == "matched" and row, "the match")

    assert "reconnect the Page" in page["reason"]
    assert 0 < stopped["batches_sent"] < stopped["batches"] == 2
    assert told.code == 6  # it goes on by itself once the Page is connected again
    assert (done["batches_sent"], done["rows_sent"]) == (2, 10_500)
    seen = [call for call in house.meta.calls("/*/users") if str(call.get("session_id")) == done["session_id"]]
    assert [call["batch_seq"] for call in seen if call["status"] == 200] == [1, 2]


def test_a_token_that_dies_in_the_middle_of_a_campaign_costs_nobody_the_message(house, shop):
    house.connect(shop, rate=20)
    campaign = house.launch(shop)

    until(lambda: house.funnel(campaign)["accepted"] >= 3, "the first messages")
    house.meta.kill(shop.ads_token)
    page = until(lambda: (page := house.get(f"/v1/pages/{shop.id}"))["state"] == "reconnect" and page, "the death")
    resting, told = house.funnel(campaign), house.run("doctor")
    house.renew(shop)
    funnel = house.finished(campaign)

    assert "reconnect the Page" in page["reason"]
    assert resting["pending"] > 0
    assert told.code != 0
    assert "guestlist pages connect" in " ".join(told.out.split())
    assert (funnel["unknown"], funnel["pending"]) == (0, 0)
    assert not [reason for reason in funnel["failed"] if "token" in reason or "190" in reason]
    assert_nobody_twice(house, campaign, answered_all=True)


def assert_nobody_twice(house, campaign, *, answered_all=False):
    """Meta accepted each recipient at most once; and, where asked, gave each a last word of its own."""
    sends = house.sends(campaign)
    accepted = Counter(call["subscription_token"] for call in sends if call["status"] == 200)
    assert set(accepted.values()) <= {1}
    if answered_all:
        last = {call["subscription_token"]: call["code"] for call in sends}
        assert len(last) == house.get(f"/v1/campaigns/{campaign}")["recipients"]
        assert not {190, THROTTLED} & set(last.values())


def test_what_is_asked_of_a_page_whose_token_died_says_so(house, shop):
    house.connect(shop)
    house.meta.kill(shop.page_token)
    house.meta.kill(shop.ads_token)
    house.post(f"/v1/pages/{shop.id}/sync")
    until(lambda: house.get(f"/v1/pages/{shop.id}")["state"] == "reconnect", "the death")

    told = house.run("campaigns", "create", "--page", shop.id, "--name", "Autumn", "--text", "Two cups.", "--json")

    assert (told.code, told.problem["code"]) == (7, "reconnect_needed")
    assert "guestlist pages connect" in told.problem["detail"]
    assert house.rows("SELECT state FROM campaigns WHERE page_id = ?", shop.id) == [("queued",)]


# -- webhooks -------------------------------------------------------------------------------------------------------


@pytest.fixture
def silence(house):
    """No webhook comes but those of the test: Meta's own are lost, and all that came before are applied."""
    house.meta.control("/faults", {"webhooks": {"drop": 1}})
    until(lambda: house.meta.control("/state")["webhooks"]["queued"] == 0, "the webhooks on their way")
    until(lambda: house.rows("SELECT count(*) FROM webhooks WHERE state = 'stored'") == [(0,)], "the webhooks' effects")


def nested(depth):
    return b'{"object":"page","entry":' + b"[" * depth + b"]" * depth + b"}"


@pytest.mark.parametrize(
    ("body", "signature", "status", "code"),
    [
        (b'{"object":"page","entry":[]}', "sha256=" + "0" * 64, 403, "webhook_forged"),
        (b'{"object":"page","entry":[]}', "sha1=" + "0" * 40, 403, "webhook_forged"),
        (b'{"object":"page","entry":[]}', None, 403, "webhook_unsigned"),
        (nested(50_000), "sha256=" + "0" * 64, 403, "webhook_forged"),
    ],
    ids=["forged", "old signature", "unsigned", "nested and forged"],
)
def test_a_webhook_that_is_not_metas_changes_nothing(house, silence, body, signature, status, code):
    before, stored = house.standing(), house.rows("SELECT count(*) FROM webhooks")

    answer = house.webhook(body, signature)

    assert (answer.status, answer.document["code"]) == (status, code)
    assert answer.document["title"]
    assert answer.document["detail"]
    assert (house.standing(), house.rows("SELECT count(*) FROM webhooks")) == (before, stored)


def test_a_webhook_that_is_too_large_is_refused_before_it_is_read(house, silence):
    before, stored = house.standing(), house.rows("SELECT count(*) FROM webhooks")

    answer = house.announce("/webhooks/meta", length=5 * 1024 * 1024)

    assert (answer.status, answer.document["code"]) == (413, "body_too_large")
    assert "fewer events" in answer.document["remedy"]
    assert (house.standing(), house.rows("SELECT count(*) FROM webhooks")) == (before, stored)


@pytest.mark.parametrize("body", [nested(50_000), b'{"object":"page","entry":', b"\xff\x00"], ids=["nested", "cut", "binary"])
def test_an_authentic_webhook_that_cannot_be_read_is_kept_accepted_and_without_effect(house, silence, body):
    before = house.standing()

    answer = house.webhook(body)

    assert answer.status == 200
    [(state, reason)] = until(
        lambda: house.rows("SELECT state, reason FROM webhooks WHERE state = 'refused' ORDER BY id DESC LIMIT 1"), "its mark"
    )
    assert (state, "not readable JSON" in reason) == ("refused", True)
    assert house.standing() == before


def test_a_webhook_that_comes_again_is_one_webhook(house, shop, silence):
    house.connect(shop)
    campaign = house.launch(shop)
    house.finished(campaign)
    [(token,)] = house.rows(
        "SELECT s.token FROM subscribers s JOIN recipients r ON r.subscriber_id = s.id"
        " WHERE r.campaign_id = ? AND r.state = 'sent' LIMIT 1",
        campaign,
    )
    body = read_receipt(house, shop, campaign, token)

    first = house.webhook(body).status
    read = until(lambda: house.rows(READ_AT, token, campaign), "the receipt's effect")
    before, stored = house.standing(), house.rows("SELECT count(*) FROM webhooks")
    again = [house.webhook(body).status for _ in range(3)]
    late = house.webhook(read_receipt(house, shop, campaign, token, field="marketing_message_deliveries")).status
    until(lambda: house.rows("SELECT count(*) FROM webhooks WHERE state = 'stored'") == [(0,)], "the webhooks' effects")

    assert (first, again, late) == (200, [200] * 3, 200)
    assert house.rows("SELECT count(*) FROM webhooks") == [(stored[0][0] + 1,)]
    assert house.rows(READ_AT, token, campaign) == read
    assert house.funnel(campaign)["read"] == 1
    assert house.standing()["events"] == before["events"]


READ_AT = (
    "SELECT r.read_at FROM recipients r JOIN subscribers s ON s.id = r.subscriber_id"
    " WHERE s.token = ? AND r.campaign_id = ? AND r.state = 'read'"
)


def read_receipt(house, shop, campaign, token, field="marketing_message_reads"):
    """The webhook that Meta sends when this person reads the message, or another receipt of theirs."""
    meta_id = house.get(f"/v1/campaigns/{campaign}")["meta_id"]
    now = int(house.rows("SELECT max(created_at) FROM campaigns")[0][0])
    value = {"page_id": shop.page_id, "messenger_subscription_token": token, "message_id": meta_id, "timestamp": now}
    change = {"field": field, "value": value}
    return json.dumps({"object": "page", "entry": [{"id": shop.page_id, "time": now, "changes": [change]}]}).encode()


# -- a Meta that does not answer as it should -----------------------------------------------------------------------


def test_while_graph_is_down_a_person_is_told_and_nothing_is_kept(house, shop, wire):
    wire.cut()
    try:
        told, answer = refusal_to_connect(house, shop)
    finally:
        wire.mend()

    assert (told.code, answer.status) == (8, 503)
    assert "No connection to Graph" in told.problem["title"]
    assert "Retry-After" in {name.title() for name in answer.headers}
    assert house.connect(shop).id


def test_while_graph_is_down_a_campaign_waits_and_goes_on_by_itself(house, shop, wire):
    house.connect(shop, rate=40)
    campaign = house.launch(shop)
    until(lambda: house.funnel(campaign)["accepted"] >= 2, "the first messages")
    wire.cut()
    try:
        until(lambda: house.rows(WAITING, campaign), "a recipient that waits")
        down = house.funnel(campaign)
    finally:
        wire.mend()
    funnel = house.finished(campaign)

    assert down["pending"] > 0
    assert "unreachable" not in funnel["failed"]
    assert_nobody_twice(house, campaign)
    listed = {call["subscription_token"] for call in house.sends(campaign)}
    assert len(listed) >= funnel["recipients"] - funnel["unknown"]  # who is in doubt was on the wire when it was cut


WAITING = "SELECT reason FROM recipients WHERE campaign_id = ? AND state = 'queued' AND reason <> ''"


@pytest.mark.parametrize(
    ("fault", "is_applied"),
    [
        ({"refuse": True}, False),
        ({"delay_seconds": 2.5}, True),
        ({"html": True, "status": 200}, False),
        ({"html": True, "status": 502}, False),
        ({"truncate": True}, True),
    ],
    ids=["hangs up", "too slow", "HTML", "HTML of a gateway", "half a JSON"],
)
def test_an_answer_that_tells_nothing_leaves_the_recipient_in_doubt_and_is_never_repeated(
    house, shop, silence, fault, is_applied
):
    house.connect(shop)  # no receipt will settle the doubt
    house.meta.fail("/act_*/messages", times=5, **fault)

    campaign = house.launch(shop)
    funnel = house.finished(campaign)
    arrived = funnel["recipients"] - (0 if is_applied else 5)
    until(lambda: len(house.sends(campaign)) >= arrived, "the slow calls in Meta's log")

    assert (funnel["unknown"], funnel["pending"]) == (5, 0)
    unknown = house.get(f"/v1/campaigns/{campaign}/recipients?state=unknown")["data"]
    assert {(row["reason"], row["attempts"]) for row in unknown} == {("answer_lost", 1)}
    assert [rule["struck"] for rule in house.meta.control("/faults")["faults"]] == [5]
    assert Counter(Counter(call["subscription_token"] for call in house.sends(campaign)).values()) == {1: arrived}


def test_a_batch_that_graph_is_slow_with_is_looked_up_and_never_sent_again(house, shop):
    house.connect(shop)
    audience = house.post("/v1/audiences", {"page_id": shop.id, "name": "Slow"})["id"]
    customers = house.post("/v1/lists?region=GB", b"email\n" + b"".join(b"slow%d@example.com\n" % n for n in range(300)))["id"]
    house.meta.fail("/*/users", times=1, delay_seconds=2)

    upload = house.post(f"/v1/audiences/{audience}/uploads", {"list_id": customers, "attestation": ATTESTATION})["id"]
    doubt = until(lambda: house.get(f"/v1/uploads/{upload}")["reason"], "the doubt")
    done = until(lambda: (row := house.get(f"/v1/uploads/{upload}"))["state"] == "matched" and row, "the match")

    assert doubt == "answer_lost"
    assert (done["rows_sent"], done["batches_sent"]) == (300, 1)
    seen = [call for call in house.meta.calls("/*/users") if str(call.get("session_id")) == done["session_id"]]
    assert [(call["batch_seq"], call["status"]) for call in seen] == [(1, 200)]


@pytest.mark.parametrize("fault", [{"html": True, "status": 200}, {"delay_seconds": 2}], ids=["HTML", "too slow"])
def test_a_person_who_connects_meanwhile_is_told_that_graph_is_the_trouble(house, shop, fault):
    house.meta.control("/faults", {"faults": [{"method": "*", "path": "/debug_token", **fault}]})

    told = house.run(*shop.connect_words(), "--json", **shop.tokens(), GUESTLIST_GRAPH_TIMEOUT="0.4")

    assert (told.code, told.out) == (8, "")
    assert "Graph" in told.problem["title"] or "Meta" in told.problem["title"]
    assert told.problem["detail"]
    assert house.rows("SELECT id FROM pages WHERE page_id = ?", shop.page_id) == []


def test_throttling_slows_a_campaign_and_fails_nobody(house, shop):
    house.connect(shop)
    house.meta.control("/limits", {"rate": 8})
    try:
        campaign = house.launch(shop)
        until(lambda: [call for call in house.sends(campaign) if call["code"] == THROTTLED], "a refusal")
        slowed = house.funnel(campaign)
    finally:
        house.meta.control("/limits", {"rate": 300})
    funnel = house.finished(campaign)

    assert slowed["pending"] > 0
    assert "throttled" not in slowed["failed"] | funnel["failed"]
    assert funnel["unknown"] == 0
    assert_nobody_twice(house, campaign, answered_all=True)


# -- the machine ----------------------------------------------------------------------------------------------------


def test_a_second_server_on_one_data_folder_is_refused_and_the_first_goes_on(house):
    told = house.run("serve", "--port", "0", "--json")

    assert (told.code, told.out, told.problem["code"]) == (6, "", "data_folder_in_use")
    assert str(house.process.pid) in told.problem["title"]
    assert str(house.folder) in told.problem["title"]
    assert "--data" in told.problem["detail"]
    assert house.get("/v1/pages")["data"]


@pytest.fixture(scope="module")
def full_house(meta, logs, houses, tmp_path_factory):
    """A second installation, on a disk of its own that can be full."""
    (logs / "full").mkdir()
    with small_disk(tmp_path_factory.mktemp("disk") / "small") as disk:
        with install(meta, disk.folder / "data", logs / "full", meta.url, GUESTLIST_GRAPH_TIMEOUT="20") as here:
            houses.append(here)
            yield here, disk


def choke(here, disk):
    """Fills the disk, then what room the log of the database still had; the webhooks accepted meanwhile, and one refused."""
    disk.fill()
    accepted = []
    for size in (200_000, 20_000, 3_000, 100):
        while (answer := here.webhook(body := noise(size))).status == 200:
            accepted.append(body)
            assert len(accepted) < 200
    assert answer.status == 503, answer.text
    assert answer.document["code"] == "dependency_down"
    assert "send it again" in answer.document["remedy"]
    return accepted, body


def noise(size):
    """A webhook that nothing compresses and nobody sent before."""
    return b'{"object":"page","entry":[{"id":"1","noise":"' + os.urandom(size // 2).hex().encode() + b'"}]}'


def test_a_full_disk_refuses_with_the_way_out_and_takes_all_once_there_is_room(full_house):
    here, disk = full_house
    stored = here.rows("SELECT count(*) FROM webhooks")[0][0]
    accepted, refused = choke(here, disk)
    content = b"email,phone\n" + b"".join(f"{email},{phone}\n".encode() for email, phone in GUESTS)
    answer = here.call("POST", "/v1/lists?region=GB", content)
    (here.logs / "guests.csv").write_bytes(content)
    told = here.run("lists", "import", "guests.csv", "--region", "GB", "--json")
    alive = here.call("GET", "/healthz")
    disk.free()

    assert (answer.status, answer.document["code"]) == (503, "disk_full")
    assert (told.code, told.problem["code"]) == (8, "disk_full")
    assert "guestlist.db is full" in answer.document["detail"]
    assert "Free some space" in told.problem["detail"]
    assert alive.status == 200
    assert here.webhook(refused).status == 200
    assert here.post("/v1/lists?region=GB", content)["usable"] == len(GUESTS)
    assert here.rows("SELECT count(*) FROM webhooks")[0][0] == stored + len(accepted) + 1


def test_outcomes_that_find_the_disk_full_wait_in_memory_and_are_recorded_later(full_house):
    here, disk = full_house
    shop = here.connect(here.open_shop("Full disk"))
    here.meta.control("/faults", {"webhooks": {"drop": 1}})  # outcomes alone must do it
    here.meta.fail("/act_*/messages", delay_seconds=4)
    campaign = here.launch(shop)
    until(lambda: len(here.rows(CALLED, campaign)) == here.funnel(campaign)["recipients"], "all calls on the wire")

    choke(here, disk)
    until(lambda: len(here.sends(campaign)) == 40, "Meta's answers")
    during = here.funnel(campaign)
    until(lambda: "pump.write_waits" in (here.logs / "server.log").read_text(), "a write that waits")
    disk.free()
    funnel = here.finished(campaign)
    here.meta.heal()

    assert (during["accepted"], during["pending"]) == (0, during["recipients"])
    assert (funnel["unknown"], funnel["pending"]) == (0, 0)
    assert funnel["accepted"] == sum(call["status"] == 200 for call in here.sends(campaign)) > 0
    assert_nobody_twice(here, campaign, answered_all=True)


CALLED = "SELECT position FROM recipients WHERE campaign_id = ? AND state = 'sending' AND called_at IS NOT NULL"


# -- after all of it ------------------------------------------------------------------------------------------------


def test_nothing_leaked_on_the_way(house, houses, shop, logs):
    house.connect(shop)
    (logs / "guests.csv").write_text("email,phone\n" + "".join(f"{email},{phone}\n" for email, phone in GUESTS))
    assert house.run("--verbose", "lists", "import", "guests.csv", "--region", "GB").code == 0

    logged = "".join(file.read_text() for file in sorted(logs.rglob("*.log")))
    said = logged + "".join(text for each in houses for text in each.evidence)
    stored = b"".join(file.read_bytes() for each in houses for file in sorted(each.folder.glob("guestlist.db*")))
    keys = [each.key for each in houses]
    secrets = [house.meta.world["app_secret"], house.meta.world["verify_token"], *(t for each in houses for t in each.tokens)]
    people = [*(cell for guest in GUESTS for cell in guest), "447911123000", "ann@example.com", "mid1@example.com"]
    subscribers = [token for (token,) in house.rows("SELECT token FROM subscribers")]

    assert "graph call" in logged
    assert len(subscribers) >= 40
    assert [word for word in secrets + people + subscribers if word in said] == []
    assert [word for word in keys if word in logged] == []
    assert [word for word in secrets + people + keys if word.encode() in stored] == []
