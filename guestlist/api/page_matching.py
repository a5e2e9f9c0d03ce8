"""`/v1/pages/{id}/matching`: whether a Page may be asked to match phone numbers, and what Meta asks for before."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from guestlist.actions import matching
from guestlist.api.caller import Calling
from guestlist.api.models import Given, RowId, Shown, spell_out
from guestlist.api.openapi import WRITING, refusals
from guestlist.domain.matching import Declaration, FeePeriod, PhoneMatching, Voucher

router = APIRouter(prefix="/v1/pages/{page_id}/matching", tags=["pages"])

_READING = refusals(400, 403, 404, 409, 503)
_ACTING = refusals(403, 404, *WRITING)


class DeclaredMatching(Given):
    """What the Page's owner says; it replaces what was said before. Meta has suspended matching: nothing enables it by itself."""

    phone_matching: Literal["suspended", "enabled"]
    fee_paid_on: date | None = Field(None, description="When the fee of 99 USD was paid.", examples=["2026-03-01"])
    fee_period: Literal["once", "yearly"] | None = Field(None, description="Sources differ: say what you were told.")
    us_admin: Annotated[bool, Field(strict=True)] | None = Field(None, description="The Page has an admin in the United States.")
    non_promotional: Annotated[bool, Field(strict=True)] | None = Field(
        None, description="Nothing promotional is sent before somebody accepts."
    )


class ShownCondition(Shown):
    """One precondition."""

    name: str
    met: bool | None = Field(description="null: nobody has said.")
    by: Annotated[str, spell_out(Voucher)] = Field(description="`graph` was verified just now; `owner` is the owner's word.")
    sentence: str
    remedy: str


class PageMatching(Shown):
    """How a Page stands with matching by phone number."""

    phone_matching: Annotated[str, spell_out(PhoneMatching)]
    fee_paid_on: date | None
    fee_period: str | None
    us_admin: bool | None
    non_promotional: bool | None
    conditions: list[ShownCondition]

    @classmethod
    def of_matching(cls, found: matching.Matching) -> PageMatching:
        """Shapes it."""
        said = found.declaration
        return cls(
            phone_matching=found.state.value,
            fee_paid_on=said.fee_paid_on,
            fee_period=said.fee_period.value if said.fee_period else None,
            us_admin=said.us_admin,
            non_promotional=said.non_promotional,
            conditions=[
                ShownCondition(name=each.name, met=each.met, by=each.by.value, sentence=each.sentence, remedy=each.remedy)
                for each in found.conditions
            ],
        )


@router.get("", summary="Read phone matching", responses=_READING)
async def read_matching(caller: Calling, page_id: RowId) -> PageMatching:
    """The preconditions as they are now: asked from Graph where it can tell, else as declared."""
    return PageMatching.of_matching(await matching.read_matching(caller.services, caller.workspace_id, page_id))


@router.put("", summary="Declare phone matching", responses=_ACTING)
async def declare_matching(caller: Calling, page_id: RowId, given: DeclaredMatching) -> PageMatching:
    """Enables or suspends matching by phone number for a Page, and keeps what its owner vouches for."""
    declaration = Declaration(
        fee_paid_on=given.fee_paid_on,
        fee_period=FeePeriod(given.fee_period) if given.fee_period else None,
        us_admin=given.us_admin,
        non_promotional=given.non_promotional,
    )
    state = PhoneMatching(given.phone_matching)
    await matching.declare_matching(caller.services, caller.workspace_id, page_id, state, declaration, by="api")
    return PageMatching.of_matching(await matching.read_matching(caller.services, caller.workspace_id, page_id))
