"""Matching people by phone number: what Meta asks of a Page before it may, and who vouches for each. Fact page 6.

Meta has suspended it, so a Page cannot until its owner says it has it again. Graph can tell whether the Page is published and
whether the token has the permission; for the rest there is only the owner's word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

PERMISSION = "pages_messaging_phone_number"
YEAR = timedelta(days=365)


class PhoneMatching(StrEnum):
    """Whether a Page may be asked to match phone numbers."""

    SUSPENDED = "suspended"
    ENABLED = "enabled"


class FeePeriod(StrEnum):
    """How often the fee of 99 USD is due: sources differ, so its payer says."""

    ONCE = "once"
    YEARLY = "yearly"


class Voucher(StrEnum):
    """Who says so."""

    GRAPH = "graph"  # verified just now
    OWNER = "owner"  # declared


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a Page's owner says. None = nothing was said."""

    fee_paid_on: date | None = None
    fee_period: FeePeriod | None = None
    us_admin: bool | None = None
    non_promotional: bool | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """One precondition. `met` None = not known."""

    name: str  # published | permission | fee | us_admin | non_promotional
    met: bool | None
    by: Voucher
    sentence: str
    remedy: str = ""


def encode_declaration(declaration: Declaration) -> dict[str, Any]:
    """As the Page's capabilities keep it: only what was said."""
    said = {
        "fee_paid_on": declaration.fee_paid_on.isoformat() if declaration.fee_paid_on else None,
        "fee_period": declaration.fee_period.value if declaration.fee_period else None,
        "us_admin": declaration.us_admin,
        "non_promotional": declaration.non_promotional,
    }
    return {name: value for name, value in said.items() if value is not None}


def decode_declaration(document: Mapping[str, Any]) -> Declaration:
    """The declaration out of a Page's capabilities."""
    paid, period = document.get("fee_paid_on"), document.get("fee_period")
    return Declaration(
        fee_paid_on=date.fromisoformat(paid) if paid else None,
        fee_period=FeePeriod(period) if period else None,
        us_admin=document.get("us_admin"),
        non_promotional=document.get("non_promotional"),
    )


def judge_conditions(declaration: Declaration, *, published: bool | None, permitted: bool | None, today: date) -> list[Condition]:
    """Every precondition, those first that Graph can tell. `published` and `permitted` are None where Graph did not say."""
    return [
        Condition(
            "published",
            published,
            Voucher.GRAPH,
            _tell(published, "The Page is published.", "The Page is not published: only its admins are matched."),
            "" if published else "Publish the Page at Meta.",
        ),
        Condition(
            "permission",
            permitted,
            Voucher.GRAPH,
            _tell(permitted, f"The token has {PERMISSION}.", f"The token lacks {PERMISSION}."),
            "" if permitted else "Apply for it at Meta's App Review, then connect the Page with a fresh token.",
        ),
        _judge_fee(declaration, today),
        _judge_word(
            "us_admin",
            declaration.us_admin,
            "The Page has an admin in the United States.",
            "The Page has no admin in the United States.",
        ),
        _judge_word(
            "non_promotional",
            declaration.non_promotional,
            "What is sent before somebody accepts is not promotional.",
            "What is sent before somebody accepts may be promotional, which Meta forbids.",
        ),
    ]


def _judge_fee(declaration: Declaration, today: date) -> Condition:
    paid, period = declaration.fee_paid_on, declaration.fee_period
    if paid is None or period is None:
        sentence, remedy = (
            "Nobody has said that the fee of 99 USD was paid.",
            "Declare its date, and whether it is due once or yearly.",
        )
        return Condition("fee", None, Voucher.OWNER, sentence, remedy)
    if paid > today:
        return Condition(
            "fee", False, Voucher.OWNER, f"The fee is said to be paid on {paid}, which is to come.", "Correct the date."
        )
    if period is FeePeriod.YEARLY and paid + YEAR <= today:
        sentence = f"The yearly fee was last paid on {paid}, more than a year ago."
        return Condition("fee", False, Voucher.OWNER, sentence, "Pay it at Meta and declare the new date.")
    how = "once and for all" if period is FeePeriod.ONCE else f"for a year, until {paid + YEAR}"
    return Condition("fee", True, Voucher.OWNER, f"The fee was paid on {paid}, {how}.")


def _judge_word(name: str, said: bool | None, yes: str, no: str) -> Condition:
    return Condition(name, said, Voucher.OWNER, _tell(said, yes, no), "" if said else f"Declare {name} once it holds.")


def _tell(known: bool | None, yes: str, no: str) -> str:
    return "Not known." if known is None else yes if known else no
