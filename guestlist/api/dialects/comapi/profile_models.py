"""Profiles as Comapi's clients send them (2.6): names, addresses, and fields of the business's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict

from guestlist.api.addresses import Email, Phone
from guestlist.api.dialects.base import check_model
from guestlist.api.models import check_storable
from guestlist.domain.contacts import check_fields as check_names

from .errors import Failure, ValidationError, fail
from .message_models import Text, Word

READ_ONLY = ("facebook",)
"""Fields that are told and never taken: Meta's own profile."""

SYSTEM = frozenset({"_createdOn", "_createdBy", "_updatedOn", "_updatedBy", "_lastActivityOn", "_systemProfile", "_deletedOn"})
"""Fields of the system: told, and left alone when a client sends them back."""


class ProfileGiven(BaseModel):
    """The fields that mean something here; everything else is the business's own."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    id: Word | None = None
    firstName: Text | None = None
    lastName: Text | None = None
    phoneNumber: Phone | None = None
    email: Email | None = None
    fbMessengerId: Word | None = None


@dataclass(frozen=True, slots=True)
class ProfileRead:
    """A profile, understood. `named` holds what was given of names and addresses: None means to clear it."""

    id: str
    named: Mapping[str, str | None] = field(repr=False)
    fields: Mapping[str, Any] = field(repr=False)


def check_fields(given: Any) -> dict[str, Any]:
    """Fields of a profile without the system's own. Errors: ValidationError for names that begin with `_`, and no JSON object."""
    if not isinstance(given, dict):
        raise ValidationError([fail("body", "must be an object")])
    failures: list[Failure] = [
        fail(name[:100], "a field's own name may not begin with _")
        for name in given
        if name.startswith("_") and name not in SYSTEM
    ]
    if failures:
        raise ValidationError(failures)
    try:
        check_storable(given)
        check_names({name: value for name, value in given.items() if name not in SYSTEM})
        if rb"\u0000" in orjson.dumps(given):
            raise ValueError("must not hold NUL")
    except ValueError as error:
        raise ValidationError([fail("body", str(error))]) from None
    return {name: value for name, value in given.items() if not name.startswith("_") and name not in READ_ONLY}


def read_profile(asked: Any) -> ProfileRead:
    """A profile of a client. System fields and Facebook's are left alone, as clients send back what they read.

    Errors: ValidationError, InvalidRequestError.
    """
    fields = check_fields(asked)
    given = check_model(ProfileGiven, fields)
    named = {name: getattr(given, name) for name in ProfileGiven.model_fields if name in fields and name != "id"}
    own = {name: value for name, value in fields.items() if name not in ProfileGiven.model_fields}
    return ProfileRead(given.id or "", named, own)
