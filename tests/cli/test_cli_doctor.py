"""`guestlist doctor`: each thing that can be wrong is found, named and has a way out."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_meta import Meta
from typer.testing import Result

from guestlist.actions.pages import WEBHOOK_FIELDS

Command = Callable[..., Result]
Examine = Callable[..., tuple[int, dict[str, dict[str, str]]]]


@pytest.fixture
def examine(guestlist: Command) -> Examine:
    """The exit code, and what is not in order by name. Whatever is not in order has a remedy."""

    def run() -> tuple[int, dict[str, dict[str, str]]]:
        result = guestlist("doctor", "--json")
        checks = json.loads(result.stdout)["checks"]
        wrong = {check["name"]: check for check in checks if check["state"] != "ok"}
        assert all(check["remedy"] for check in wrong.values() if check["name"] != "Settings")
        return result.exit_code, wrong

    return run


def test_an_empty_folder_is_examined_without_being_touched(meta: Meta, examine: Examine, empty_folder: Path) -> None:
    code, wrong = examine()

    assert (code, set(wrong)) == (0, {"Public address"})
    assert list(empty_folder.iterdir()) == []


def test_a_connected_page_is_examined_to_the_end(page: str, guestlist: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUESTLIST_PUBLIC_URL", "https://guests.example.com")

    told = guestlist("doctor")

    assert told.exit_code == 0
    subscribed = f"{len(WEBHOOK_FIELDS)} webhook fields"
    for part in ("ads token: Valid", "terms: The ad account has accepted", subscribed, "Meta accepts the app's id"):
        assert part in told.stdout
    assert "warn  Server: none runs" in told.stdout
    assert told.stdout.splitlines()[-1] == "It works; 1 thing to know."


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("/tokens/kill", {"token": "page_token"}, "token"),
        ("/tokens/kill", {"token": "system_user_token"}, "ads token"),
        ("/terms", {"ad_account_id": "ad_account_id", "accepted": False}, "terms"),
    ],
)
def test_what_broke_at_meta_is_found(path: str, body: dict[str, Any], name: str, page: str, meta: Meta, examine: Examine) -> None:
    meta.control(path, {key: meta.world.get(str(value), value) for key, value in body.items()})

    code, wrong = examine()

    assert (code, wrong[f"Northwind Coffee: {name}"]["state"]) == (3, "fail")


def test_a_token_that_ends_soon_is_told_before_it_does(
    connect_words: tuple[str, ...], guestlist: Command, meta: Meta, examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    meta.control("/clock", {"speed": 1})
    ending = meta.control("/tokens", {"kind": "PAGE", "page_id": meta.world["page_id"], "expires_in": 86400})
    monkeypatch.setenv("PAGE_TOKEN", ending["token"])
    guestlist(*connect_words)

    code, wrong = examine()

    assert (code, wrong["Northwind Coffee: token"]["state"]) == (0, "warn")


def test_when_only_graph_is_down_it_is_a_dependency(page: str, examine: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUESTLIST_GRAPH_URL", "http://127.0.0.1:1")

    code, wrong = examine()

    assert (code, wrong["Graph API"]["state"]) == (8, "fail")


@pytest.mark.parametrize(
    ("name", "value", "found", "exit_code"),
    [
        ("GUESTLIST_META_APP_SECRET", "", "Meta app", 3),
        ("GUESTLIST_META_APP_SECRET", "another", "App credentials", 3),
        ("GUESTLIST_ALLOW_NETWORKS", "10.0.0.0/8", "Settings", 0),
        ("GUESTLIST_SECRET_KEY", "c2hvcnQ=", "Key", 3),
        ("GUESTLIST_SECRET_KEY", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0NTY=", "Northwind Coffee: token", 3),
        ("GUESTLIST_DATA", "guestlist.toml", "Data folder", 3),
        ("DATABASE_URL", "sqlite:///guestlist.toml", "Database", 3),
    ],
)
def test_settings_that_do_not_fit_are_found(
    name: str, value: str, found: str, exit_code: int, page: str, examine: Examine, monkeypatch: Any, empty_folder: Path
) -> None:
    (empty_folder / "guestlist.toml").write_text("# no settings, and neither a folder nor a database\n" * 100)
    monkeypatch.setenv(name, value)

    code, wrong = examine()

    assert found in wrong
    assert code == exit_code


def test_a_public_address_without_tls_fails_on_the_real_graph(
    guestlist: Command, monkeypatch: pytest.MonkeyPatch, meta: Meta
) -> None:
    from guestlist.cli.doctor_checks import META, check_address
    from guestlist.settings import load_settings

    monkeypatch.setenv("GUESTLIST_PUBLIC_URL", "http://guests.example.com")

    assert check_address(load_settings(graph_url=META)).health == "fail"
    assert check_address(load_settings()).health == "ok"


def test_a_key_that_others_can_read_fails(page: str, examine: Examine, empty_folder: Path) -> None:
    (empty_folder / "guestlist-data" / "secret.key").chmod(0o644)

    code, wrong = examine()

    assert (code, wrong["Key"]["state"]) == (3, "fail")


def test_a_database_of_another_version_fails(page: str, examine: Examine, empty_folder: Path) -> None:
    change(empty_folder, "UPDATE alembic_version SET version_num = '9999'")

    code, wrong = examine()

    assert (code, wrong["Database"]["state"]) == (3, "fail")


def test_what_waits_or_is_in_doubt_is_told(page: str, examine: Examine, empty_folder: Path) -> None:
    body = "('meta', '1', x'{:02x}', x'7b7d', '{}', 1)"
    columns = "(provider, app_id, digest, body, state, received_at)"
    change(empty_folder, f"INSERT INTO webhooks {columns} VALUES {body.format(1, 'stored')}, {body.format(2, 'refused')}")
    change(empty_folder, "INSERT INTO campaign_counts VALUES ('wsp_default', 'cmp_1', 'unknown', 'answer_lost', 3)")

    code, wrong = examine()

    assert code == 0
    assert "3 recipients" in wrong["Recipients"]["sentence"]
    assert wrong["Webhooks"]["state"] == "warn"


def test_a_broken_consent_ledger_fails(page: str, guestlist: Command, examine: Examine, empty_folder: Path) -> None:
    guestlist("pages", "sync", page)
    [first, second] = json.loads(guestlist("subscribers", "list", "--limit", "2", "--json").stdout)["data"]
    for each in (first, second):
        guestlist("subscribers", "opt-out", each["id"])
    assert "Consent ledger of wsp_default" not in examine()[1]
    change(empty_folder, "UPDATE consents SET act = 'granted' WHERE number = 2")

    code, wrong = examine()

    assert (code, wrong["Consent ledger of wsp_default"]["state"]) == (3, "fail")
    assert wrong["Consent ledger of wsp_default"]["sentence"].startswith("entry 2 ")


def change(folder: Path, statement: str) -> None:
    """Changes the installation's database behind its back."""
    database = sqlite3.connect(folder / "guestlist-data" / "guestlist.db")
    with database:
        database.execute(statement)
    database.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_without_rights_fails(examine: Examine, empty_folder: Path, meta: Meta) -> None:
    (empty_folder / "guestlist-data").mkdir(mode=0o500)

    assert examine()[1]["Data folder"]["state"] == "fail"
