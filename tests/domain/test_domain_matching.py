"""What matching by phone number asks of a Page: verified by Graph, or declared by its owner with date and period."""

from __future__ import annotations

from datetime import date

import pytest

from guestlist.domain.matching import (
    Condition,
    Declaration,
    FeePeriod,
    Voucher,
    decode_declaration,
    encode_declaration,
    judge_conditions,
)

TODAY = date(2026, 11, 20)
WHOLE = Declaration(date(2026, 3, 1), FeePeriod.ONCE, us_admin=True, non_promotional=True)


def judge(declaration: Declaration, published: bool | None = True, permitted: bool | None = True) -> dict[str, Condition]:
    found = judge_conditions(declaration, published=published, permitted=permitted, today=TODAY)
    return {each.name: each for each in found}


def test_a_whole_declaration_meets_everything_and_says_who_vouches() -> None:
    found = judge(WHOLE)
    assert all(each.met for each in found.values())
    assert {name for name, each in found.items() if each.by is Voucher.GRAPH} == {"published", "permission"}
    assert not any(each.remedy for each in found.values())


@pytest.mark.parametrize(
    ("paid", "period", "met"),
    [
        (None, None, None),
        (date(2026, 3, 1), None, None),
        (date(2020, 3, 1), FeePeriod.ONCE, True),
        (date(2025, 11, 21), FeePeriod.YEARLY, True),
        (date(2025, 11, 20), FeePeriod.YEARLY, False),
        (date(2026, 11, 21), FeePeriod.ONCE, False),
    ],
)
def test_the_fee_holds_for_its_period(paid: date | None, period: FeePeriod | None, met: bool | None) -> None:
    fee = judge(Declaration(paid, period))["fee"]
    assert (fee.met, bool(fee.remedy)) == (met, met is not True)


@pytest.mark.parametrize("known", [False, None])
def test_what_graph_denies_or_does_not_tell_is_not_met(known: bool | None) -> None:
    found = judge(WHOLE, published=known, permitted=known)
    assert [(found[name].met, bool(found[name].remedy)) for name in ("published", "permission")] == [(known, True)] * 2


def test_a_declaration_is_kept_as_it_was_said() -> None:
    for declaration in (WHOLE, Declaration(), Declaration(us_admin=False)):
        assert decode_declaration(encode_declaration(declaration)) == declaration
