"""Columns of digests: SHA-256 goes up as it is, whatever its case; other digests are named and of no use."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from guestlist.errors import ListError

Read = Callable[..., Any]
PEOPLE = [f"guest{number}@example.com" for number in range(20)]


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def in_base64(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@pytest.mark.parametrize("header", ["email", "email_sha256", "hashed e-mail"])
def test_sha256_goes_up_as_it_is_in_lower_case(read: Read, header: str) -> None:
    digests = [sha256(person).upper() if number % 2 else sha256(person) for number, person in enumerate(PEOPLE)]
    outcome = read("\n".join([header, *digests]))
    assert outcome.report.mapping[0].hashed
    assert [row[0] for row in outcome.rows] == [sha256(person) for person in PEOPLE]
    assert outcome.adds_up()


USELESS: list[tuple[str, Callable[[str], str]]] = [("MD5", md5), ("Base64", in_base64)]


@pytest.mark.parametrize(("kind", "hash_of"), USELESS)
def test_a_column_of_other_digests_is_ignored_and_says_why(read: Read, kind: str, hash_of: Callable[[str], str]) -> None:
    lines = [f"{hash_of(person)},020 7946 {1000 + number}" for number, person in enumerate(PEOPLE)]
    outcome = read("\n".join(["email,phone", *lines]))
    email, phone = outcome.report.mapping
    assert (email.key, email.certainty) == (None, "ignored")
    assert kind in email.reason
    assert phone.key == "PHONE"
    assert outcome.report.usable == len(PEOPLE)


def test_a_list_of_nothing_but_md5_is_refused_with_the_way_out(read: Read) -> None:
    with pytest.raises(ListError) as refused:
        read("\n".join(["email", *map(md5, PEOPLE)]))
    assert refused.value.code == "no_usable_column"
    assert "MD5" in refused.value.remedy
    assert "SHA-256" in refused.value.remedy


def test_one_digest_among_clear_addresses_costs_its_cell_only(read: Read) -> None:
    outcome = read("\n".join(["email,phone", *(f"{person}," for person in PEOPLE), f"{md5('a@b.example')},020 7946 0958"]))
    assert outcome.report.dropped_cells == {"looks_hashed": 1}
    assert "MD5" in outcome.rejects[0].remedy
    assert outcome.report.usable == len(PEOPLE) + 1


def test_own_ids_that_look_like_digests_are_left_out_as_own_ids(read: Read) -> None:
    outcome = read("\n".join(["email,extern_id", *(f"{person},{md5(person)}" for person in PEOPLE)]))
    assert outcome.report.mapping[1].key is None
    assert "EXTERN_ID" in outcome.report.mapping[1].reason
    assert outcome.report.usable == len(PEOPLE)
