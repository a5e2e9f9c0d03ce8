"""`guestlist pages matching` and `guestlist contacts invite`: what is declared, who is asked, and nobody while suspended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import Result

Command = Callable[..., Result]
Ask = Callable[..., Any]
Refusal = Callable[..., tuple[int, dict[str, Any]]]
DECLARE = ("--enable", "--fee-paid-on", "2026-03-01", "--fee-period", "yearly", "--us-admin", "--non-promotional")


@pytest.fixture
def contact(page: str, ask: Ask) -> str:
    """Somebody with a phone."""
    return str(ask("contacts", "create", "--phone", "+44 7700 900123", "--first-name", "Ana")["id"])


def test_what_is_declared_stays_and_the_table_says_who_vouches(page: str, ask: Ask, guestlist: Command) -> None:
    assert ask("pages", "matching", page)["phone_matching"] == "suspended"
    declared = ask("pages", "matching", page, *DECLARE)
    later = ask("pages", "matching", page, "--suspend")
    told = guestlist("pages", "matching", page).stdout
    assert (declared["phone_matching"], declared["fee_period"], declared["us_admin"]) == ("enabled", "yearly", True)
    assert later | {"phone_matching": "enabled"} == declared
    for word in ("suspended", "published", "graph", "owner", "2026-03-01"):
        assert word in told


def test_the_doctor_examines_matching_only_where_it_is_enabled(page: str, guestlist: Command) -> None:
    assert "phone matching" not in guestlist("doctor").stdout
    guestlist("pages", "matching", page, "--enable")
    told = guestlist("doctor").stdout
    assert "phone matching" in told
    assert "fee: Nobody has said" in told


def test_a_suspended_page_invites_nobody(page: str, contact: str, refusal: Refusal) -> None:
    exit_code, problem = refusal("contacts", "invite", "--page", page, "--contact", contact, "--text", "May we?")
    assert (exit_code, problem["code"]) == (6, "phone_matching_suspended")
    assert "/v1/uploads" in problem["detail"]


def test_an_invitation_is_made_once_and_counted(page: str, contact: str, ask: Ask, guestlist: Command) -> None:
    guestlist("pages", "matching", page, *DECLARE)
    made = ask("contacts", "invite", "--page", page, "--source", "api", "--text", "May we write to you here?")
    again = ask("contacts", "invite", "--page", page, "--contact", contact, "--text", "May we write to you here?")
    assert (made["people"], again["people"], again["skipped"]) == (1, 0, {"asked_before": 1})
    assert ask("contacts", "invitation", made["id"])["people"] == 1
    assert "Matched" in guestlist("contacts", "invitation", made["id"]).stdout


def test_nobody_named_is_a_usage_error(page: str, refusal: Refusal) -> None:
    exit_code, problem = refusal("contacts", "invite", "--page", page, "--text", "May we?")
    assert (exit_code, problem["code"]) == (2, "nobody_named")
