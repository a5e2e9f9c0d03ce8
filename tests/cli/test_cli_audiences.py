"""`guestlist audiences`: made, adopted, filled, deleted; what is missing or refused stops before Meta."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_meta import CONSENT, Meta, end
from typer.testing import Result

Command = Callable[..., Result]
Ask = Callable[..., Any]
Refusal = Callable[..., tuple[int, dict[str, Any]]]
NOBODY = "01m7w7anwyac6ndf6dfhcp9t9k"
MESSENGER_LIST = {
    "name": "Shop",
    "subtype": "CUSTOM",
    "customer_file_source": "USER_PROVIDED_ONLY",
    "subscription_info": ["MESSENGER"],
    "use_for_products": ["MARKETING_MESSAGES"],
}


def test_a_created_audience_says_why_nobody_can_be_reached_yet(audience: str, guestlist: Command, ask: Ask) -> None:
    shown = ask("audiences", "show", audience)

    assert (shown["state"], shown["reachability"]["code"]) == ("ready", "waiting")
    assert shown["reachability"]["sentence"] in guestlist("audiences", "show", audience).stdout
    assert audience in guestlist("audiences", "list").stdout


def test_without_waiting_the_row_is_left_to_a_server(page: str, guestlist: Command, meta: Meta, ask: Ask) -> None:
    before = meta.writes()

    result = guestlist("audiences", "create", "--page", page, "--name", "Later", "--no-wait")

    assert "`guestlist serve` will carry it out." in result.stderr
    assert ask("audiences", "list")["data"][0]["state"] == "queued"
    assert meta.writes() == before


def test_dry_runs_change_nothing(page: str, audience: str, customer_list: str, meta: Meta, ask: Ask) -> None:
    before = meta.writes(), ask("audiences", "list"), ask("audiences", "uploads")

    told = [
        ask("audiences", "create", "--page", page, "--name", "New", "--dry-run"),
        ask("audiences", "upload", audience, "--list", customer_list, *CONSENT, "--dry-run"),
        ask("audiences", "delete", audience, "--dry-run"),
    ]

    assert all(each["dry_run"] and each["would"] for each in told)
    assert (told[1]["rows"], told[1]["batches"]) == (400, 1)
    assert (meta.writes(), ask("audiences", "list"), ask("audiences", "uploads")) == before


CHANGES = [
    (("create", "--page", f"pag_{NOBODY}", "--name", "X"), 5),
    (("create", "--page", f"pag_{NOBODY}", "--name", " "), 2),
    (("adopt", "123", "--page", f"pag_{NOBODY}", *CONSENT), 5),
    (("delete", f"aud_{NOBODY}", "--yes"), 5),
    (("upload", f"aud_{NOBODY}", "--list", f"lst_{NOBODY}", *CONSENT), 5),
    (("resume", f"upl_{NOBODY}"), 5),
]


@pytest.mark.parametrize(
    ("words", "exit_code"),
    [
        *CHANGES,
        *(((*words, "--dry-run"), exit_code) for words, exit_code in CHANGES),
        (("show", f"aud_{NOBODY}"), 5),
        (("list", "--remote"), 2),
        (("list", "--page", f"pag_{NOBODY}"), 2),
        (("list", "--remote", "--page", f"pag_{NOBODY}"), 5),
        (("delete", f"aud_{NOBODY}"), 2),
    ],
    ids=lambda value: f"{value[0]}{value[-1][:9]}" if isinstance(value, tuple) else str(value),
)
def test_what_is_not_there_or_not_said_is_refused(words: tuple[str, ...], exit_code: int, refusal: Refusal, meta: Meta) -> None:
    code, problem = refusal("audiences", *words)

    assert code == exit_code
    assert problem["detail"]
    assert meta.writes() == []


@pytest.mark.parametrize("left_out", ["--consent-by", "--consent-words", "--consent-basis"])
@pytest.mark.parametrize("verb", ["upload", "adopt"])
def test_without_the_whole_attestation_nothing_goes_to_meta(
    left_out: str, verb: str, page: str, audience: str, customer_list: str, meta: Meta, refusal: Refusal
) -> None:
    before = meta.control("/calls")["data"]
    given = [word for pair in zip(CONSENT[::2], CONSENT[1::2], strict=True) if pair[0] != left_out for word in pair]
    target = (audience, "--list", customer_list) if verb == "upload" else ("123", "--page", page)

    code, problem = refusal("audiences", verb, *target, *given)

    assert (code, problem["code"], problem["missing"]) == (6, "consent_missing", [left_out.removeprefix("--consent-")])
    assert meta.control("/calls")["data"] == before


def test_an_upload_stands_in_the_ledger_with_its_file(audience: str, customer_list: str, ask: Ask, guestlist: Command) -> None:
    ask("audiences", "upload", audience, "--list", customer_list, *CONSENT)

    (consent,) = ask("audiences", "show", audience)["consents"]
    assert (consent["by"], consent["words"], consent["basis"]) == CONSENT[1::2]
    assert consent["proof"]["file_sha256"] == ask("lists", "show", customer_list)["sha256"]
    assert "Yes, send me offers." in guestlist("audiences", "show", audience).stdout


def test_the_next_version_of_a_list_sends_only_what_changed(
    audience: str, customer_list: str, empty_folder: Path, meta: Meta, ask: Ask, guestlist: Command
) -> None:
    ask("audiences", "upload", audience, "--list", customer_list, *CONSENT)
    lines = (empty_folder / "customers.csv").read_text().splitlines()
    (empty_folder / "june.csv").write_text("\n".join([lines[0], *lines[31:], "new@example.com,,New"]) + "\n")
    june = ask("lists", "import", "june.csv", "--region", "GB")["id"]

    told = ask("audiences", "upload", audience, "--list", june, "--mode", "sync", *CONSENT, "--dry-run")
    done = ask("audiences", "upload", audience, "--list", june, "--mode", "sync", *CONSENT)

    assert (told["added"], told["removed"], told["unchanged"]) == (1, 30, 370)
    assert (done["added"], done["removed"], done["unchanged"], done["rows_sent"]) == (1, 30, 370, 31)
    changes = [(call["method"], call["rows"]) for call in meta.control("/calls")["data"] if call.get("session_id")]
    assert changes == [("POST", 400), ("DELETE", 30), ("POST", 1)]
    again = guestlist("audiences", "upload", audience, "--list", june, "--full", *CONSENT)
    assert "371" in again.stdout


def test_replace_puts_the_list_in_place_of_everybody(audience: str, customer_list: str, meta: Meta, ask: Ask) -> None:
    done = ask("audiences", "upload", audience, "--list", customer_list, "--mode", "replace", *CONSENT)
    assert (done["mode"], done["added"], done["restarts"], done["rows_sent"]) == ("replace", 400, 0, 400)
    calls = [call["path"] for call in meta.control("/calls")["data"] if call.get("session_id")]
    assert [path.rpartition("/")[2] for path in calls] == ["usersreplace"]


def test_a_list_is_deleted_when_it_is_meant(customer_list: str, ask: Ask, refusal: Refusal, guestlist: Command) -> None:
    assert refusal("lists", "delete", customer_list)[1]["code"] == "not_confirmed"
    assert ask("lists", "delete", customer_list, "--dry-run")["dry_run"]
    assert customer_list in guestlist("lists", "list").stdout
    assert ask("lists", "delete", customer_list, "--yes") == {"id": customer_list, "deleted": True}
    assert refusal("lists", "show", customer_list)[0] == 5


def test_a_paused_upload_is_given_up(audience: str, customer_list: str, meta: Meta, ask: Ask, refusal: Refusal) -> None:
    meta.control("/audiences/flag", {"audience_id": ask("audiences", "show", audience)["meta_id"]})
    code, problem = refusal("audiences", "upload", audience, "--list", customer_list, *CONSENT)
    assert (code, problem["code"]) == (7, "upload_paused")
    assert ask("audiences", "cancel", problem["upload"], "--dry-run")["rows"] == 400
    given_up = ask("audiences", "cancel", problem["upload"])
    assert (given_up["state"], given_up["reason"]) == ("failed", "cancelled")
    assert refusal("audiences", "cancel", problem["upload"])[1]["code"] == "not_cancellable"


def test_a_token_that_dies_on_the_way_stops_the_upload_which_goes_on_after_reconnecting(
    audience: str, customer_list: str, meta: Meta, refusal: Refusal, ask: Ask, connect_words: tuple[str, ...]
) -> None:
    # Given a token that dies before the batch arrives
    meta.control("/tokens/kill", {"token": meta.world["system_user_token"]})
    code, problem = refusal("audiences", "upload", audience, "--list", customer_list, *CONSENT)
    assert (code, problem["code"]) == (7, "reconnect_needed")

    # When the Page is connected again
    meta.control("/tokens/kill", {"token": meta.world["system_user_token"], "alive": True})
    ask(*connect_words)
    ask("audiences", "create", "--page", ask("pages", "list")["data"][0]["id"], "--name", "Any work at all")

    # Then the same upload goes on, and no row was sent twice
    (upload,) = ask("audiences", "uploads")["data"]
    assert (upload["state"], upload["rows_sent"]) == ("matching", 400)


def test_an_upload_that_meta_refuses_is_resumed_by_its_id(
    audience: str, customer_list: str, meta: Meta, refusal: Refusal, ask: Ask
) -> None:
    flag = {"audience_id": ask("audiences", "show", audience)["meta_id"]}
    meta.control("/audiences/flag", flag)

    code, problem = refusal("audiences", "upload", audience, "--list", customer_list, *CONSENT)

    assert (code, problem["code"], problem["rows_sent"]) == (7, "upload_paused", 0)
    assert problem["upload"] in problem["detail"]
    meta.control("/audiences/flag", flag | {"flagged": False})
    assert ask("audiences", "resume", problem["upload"], "--dry-run")["batches"] == 1
    assert ask("audiences", "resume", problem["upload"])["state"] == "matching"
    assert refusal("audiences", "resume", problem["upload"])[0] == 6


def test_when_graph_gives_no_sense_it_stops_waiting_and_keeps_the_work(page: str, refusal: Refusal, ask: Ask, meta: Meta) -> None:
    meta.fail(method="POST", path="*/customaudiences", status=502, html=True)

    code, problem = refusal("audiences", "create", "--page", page, "--name", "Later", "--patience", "0.5")

    (left,) = ask("audiences", "list")["data"]
    assert (code, problem["code"]) == (8, "meta_away")
    assert (left["state"], left["reason"], left["name"]) == ("unknown", "answer_lost", "Later")


def test_an_audience_that_meta_refuses_says_why_and_how_to_go_on(page: str, meta: Meta, refusal: Refusal, ask: Ask) -> None:
    meta.control("/terms", {"ad_account_id": meta.world["ad_account_id"], "accepted": False})

    code, problem = refusal("audiences", "create", "--page", page, "--name", "X")

    assert (code, problem["code"]) == (6, "audience_refused")
    assert ask("audiences", "delete", problem["audience"], "--yes")["state"] == "deleted"


def test_one_made_elsewhere_is_listed_and_adopted_once(
    page: str, meta: Meta, ask: Ask, refusal: Refusal, guestlist: Command
) -> None:
    account, page_id = meta.world["ad_account_id"], meta.world["page_id"]
    made = meta.graph(f"/{account}/customaudiences", MESSENGER_LIST | {"marketing_message_channels": {"MESSENGER": page_id}})

    (told,) = ask("audiences", "list", "--remote", "--page", page)["data"]
    rehearsed = ask("audiences", "adopt", made["id"], "--page", page, *CONSENT, "--dry-run")
    adopted = ask("audiences", "adopt", made["id"], "--page", page, *CONSENT)

    assert (told["meta_id"], rehearsed["dry_run"], adopted["origin"]) == (made["id"], True, "adopted")
    assert made["id"] in guestlist("audiences", "list", "--remote", "--page", page).stdout
    assert refusal("audiences", "adopt", made["id"], "--page", page, *CONSENT)[1]["code"] == "already_adopted"
    assert refusal("audiences", "adopt", "99", "--page", page, *CONSENT)[0] == 5


def test_a_deleted_audience_takes_no_upload(audience: str, customer_list: str, ask: Ask, refusal: Refusal, meta: Meta) -> None:
    ask("audiences", "delete", audience, "--yes")

    code, problem = refusal("audiences", "upload", audience, "--list", customer_list, *CONSENT)

    assert (code, problem["code"]) == (6, "audience_closed")
    assert ask("audiences", "show", audience)["reachability"]["code"] == "closed"


def test_ctrl_c_while_waiting_loses_nothing(audience: str, customer_list: str, meta: Meta, start: Any, ask: Ask) -> None:
    meta.fail(method="POST", path="*/users", delay_seconds=30)
    process = start("audiences", "upload", audience, "--list", customer_list, *CONSENT)
    while process.poll() is None and "uploading" not in str(ask("audiences", "uploads")):
        time.sleep(0.05)

    code, out, err = end(process, signal.SIGINT)

    assert (code, out) == (130, b"")
    assert b"nothing is lost. Go on with: guestlist serve" in err
    assert ask("audiences", "uploads")["data"][0]["state"] in ("uploading", "queued")
