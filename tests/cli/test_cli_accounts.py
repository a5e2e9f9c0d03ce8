"""`guestlist accounts`: secrets from files and the environment, never from argv; what is shown, and how it is refused."""

from __future__ import annotations

from pathlib import Path

SID = "AC0123456789abcdef0123456789abcdef"
CONNECT = (
    "accounts",
    "connect",
    "--channel",
    "sms",
    "--provider",
    "twilio",
    "--sender",
    "+44 7700 900999",
    "--set",
    f"account_sid={SID}",
)


def test_a_secret_comes_from_a_file_or_the_environment(ask, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "token").write_text("sesame\n", encoding="utf-8")
    monkeypatch.setenv("TWILIO_TOKEN", "sesame")
    by_file = ask(*CONNECT, "--secret-file", f"auth_token={tmp_path / 'token'}")
    by_variable = ask(*CONNECT, "--secret-env", "auth_token=TWILIO_TOKEN")
    assert (by_file["sender"], by_file["provider"], by_variable["state"]) == ("447700900999", "twilio", "connected")
    assert "sesame" not in str((by_file, by_variable))
    listed = ask("accounts", "list")["data"]
    assert [each["id"] for each in listed] == [by_variable["id"], by_file["id"]]
    assert ask("accounts", "show", by_file["id"]) == by_file


def test_without_a_secret_it_is_refused(refusal) -> None:
    code, problem = refusal(*CONNECT)
    assert (code, problem["code"]) == (2, "bad_account")
    assert problem["errors"] == [{"field": "secrets.auth_token", "code": "missing", "message": "is missing"}]
    assert refusal(*CONNECT, "--secret-env", "auth_token=NOT_THERE")[1]["code"] == "no_secret"
    assert refusal(*CONNECT, "--secret-env", "auth_token")[1]["code"] == "bad_pair"
    assert refusal("accounts", "connect", "--channel", "fax", "--provider", "twilio")[1]["code"] == "bad_channel"


def test_an_account_is_changed_tried_and_deleted(ask, guestlist, refusal) -> None:
    made = ask(
        "accounts", "connect", "--channel", "sms", "--provider", "sandbox", "--sender", "Shop", "--set", "help_text=Call us."
    )
    changed = ask("accounts", "update", made["id"], "--name", "Spare", "--unset", "help_text", "--rate", "3")
    assert (changed["name"], changed["config"], changed["rate"]) == ("Spare", {}, 3)
    assert ask("accounts", "check", made["id"])["ok"] is True
    assert refusal("accounts", "delete", made["id"])[1]["code"] == "not_confirmed"
    assert ask("accounts", "delete", made["id"], "--yes") == {"id": made["id"], "deleted": True}
    assert refusal("accounts", "show", made["id"])[0] == 5


def test_a_page_of_facts_for_a_person(guestlist) -> None:
    told = guestlist("accounts", "connect", "--channel", "email", "--provider", "sandbox", "--sender", "shop@example.com")
    assert told.exit_code == 0
    assert "shop@example.com" in told.stdout
    assert "guestlist accounts check acc_" in told.stderr
    assert "There is no account" not in guestlist("accounts", "list").stdout
