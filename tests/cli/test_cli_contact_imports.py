"""`guestlist contacts import`: a file whose owner chose to keep it becomes contacts, under an attestation, and adds up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_meta import CONSENT

Ask = Callable[..., Any]
Refusal = Callable[..., tuple[int, dict[str, Any]]]
FILE = (
    "customer id,first name,last name,phone,mobile,email\n"
    "7,Ana,Díaz,020 7946 0018,07911 123456,ana@example.com\n"
    "8,Ben,,not a phone,,\n"
    ",,,,,\n"
    "9,Cy,Low,,,cy@example.com\n"
    "9,Cy,Low,,07911 123457,cy@example.com\n"
)
OPTIONS = ("customers.csv", "--region", "GB", "--map", "customer id=EXTERN_ID", *CONSENT)


@pytest.fixture
def customers(empty_folder: Path) -> None:
    (empty_folder / "customers.csv").write_text(FILE, encoding="utf-8")


def test_every_phone_and_email_is_kept_and_the_rows_add_up(customers: None, ask: Ask) -> None:
    imported = ask("contacts", "import", *OPTIONS)
    assert (imported["rows"], imported["created"], imported["updated"], imported["unchanged"]) == (5, 3, 0, 1)
    assert (imported["rejected"], imported["dropped_cells"]) == ({"blank_row": 1}, {"phone_letters": 1})
    [ana] = ask("contacts", "list", "--external-id", "7")["data"]
    assert (ana["first_name"], ana["last_name"], ana["source"]) == ("Ana", "Díaz", "list")
    assert sorted(each["value"] for each in ana["addresses"]) == ["442079460018", "447911123456", "ana@example.com"]
    [cy] = ask("contacts", "list", "--email", "cy@example.com")["data"]
    assert len(cy["addresses"]) == 2
    assert len(ask("contacts", "list", "--field", f"import={imported['id']}")["data"]) == 3


def test_the_same_file_again_changes_nobody_and_a_better_one_adds_what_is_new(
    customers: None, ask: Ask, empty_folder: Path
) -> None:
    ask("contacts", "import", *OPTIONS)
    again = ask("contacts", "import", *OPTIONS)
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 4)
    (empty_folder / "customers.csv").write_text("customer id,phone\n8,07911 123458\n", encoding="utf-8")
    assert ask("contacts", "import", *OPTIONS)["updated"] == 1
    [ben] = ask("contacts", "list", "--phone", "+447911123458")["data"]
    assert (ben["external_id"], ben["first_name"]) == ("8", "Ben")


def test_addresses_of_two_people_in_one_row_are_a_conflict_and_change_nobody(
    customers: None, ask: Ask, empty_folder: Path
) -> None:
    ask("contacts", "import", *OPTIONS)
    (empty_folder / "customers.csv").write_text("phone,email\n07911 123456,cy@example.com\n", encoding="utf-8")
    imported = ask("contacts", "import", "customers.csv", "--region", "GB", *CONSENT)
    assert (imported["conflicts"], imported["conflicting_rows"], imported["created"]) == (1, [1], 0)


def test_nothing_is_kept_without_an_attestation(customers: None, ask: Ask, refusal: Refusal) -> None:
    code, problem = refusal("contacts", "import", "customers.csv", "--region", "GB")
    assert (code, problem["code"]) == (6, "consent_missing")
    assert ask("contacts", "list")["data"] == []
