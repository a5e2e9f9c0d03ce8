"""Who is behind a PSID. Fact page 9: needs the person to have written to the Page, and a permission for each extra field."""

from __future__ import annotations

from .base import GraphError, PersonProfile
from .caller import Caller, build_path
from .wire import Document, as_number, as_text

BASIC = "first_name,last_name,profile_pic"
EXTRAS = "locale,timezone,gender"
NOT_TOLD = (33, 2018218)
"""Numbers of refusals that are about this person: there is no profile, or this token may not see it."""
NOT_PERMITTED = (10, 200)
"""Codes of refusals for want of a permission, as the extra fields need one each."""
MINUTES = 60
FURTHEST = 14


class PeopleCalls:
    """The call for a person's profile."""

    _caller: Caller

    async def read_profile(self, psid: str) -> PersonProfile | None:
        """What the Page may know of a person; without the extra fields where the token lacks their permissions.

        None where Meta answers with nothing, or that there is no profile to see.
        """
        try:
            return await self._read(psid, f"{BASIC},{EXTRAS}")
        except GraphError as error:
            if error.subcode in NOT_TOLD or error.code in NOT_TOLD:
                return None
            if error.code not in NOT_PERMITTED:
                raise
        try:
            return await self._read(psid, BASIC)
        except GraphError as error:
            if error.subcode in NOT_TOLD or error.code in (*NOT_TOLD, *NOT_PERMITTED):
                return None
            raise

    async def _read(self, psid: str, fields: str) -> PersonProfile | None:
        return await self._caller.read(build_path(psid), {"fields": fields}, parse_profile)


def parse_profile(document: Document) -> PersonProfile | None:
    """A profile with what there is; None for an empty answer. Shape: `timezone` is a number of hours from GMT."""
    profile = PersonProfile(
        first_name=as_text(document.get("first_name")),
        last_name=as_text(document.get("last_name")),
        picture_url=as_text(document.get("profile_pic")),
        locale=as_text(document.get("locale")),
        timezone=format_offset(as_number(document.get("timezone"))),
        gender=as_text(document.get("gender")),
    )
    return None if profile == PersonProfile() else profile


def format_offset(hours: float | None) -> str:
    """`+05:30` for 5.5; "" for none, and for what is no offset on Earth."""
    if hours is None or abs(hours) > FURTHEST:
        return ""
    minutes = round(abs(hours) * MINUTES)
    return f"{'-' if hours < 0 else '+'}{minutes // MINUTES:02}:{minutes % MINUTES:02}"
