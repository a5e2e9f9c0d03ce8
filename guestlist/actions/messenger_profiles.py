"""A Page's Messenger profile: get-started button, greeting, ice breakers, menu, domains. It lives at Meta alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from guestlist.errors import UsageError
from guestlist.graph.base import GraphError

from .base import Services
from .pages import graph_refusal
from .profile_rules import PROFILE_CHECKS, check_profile

FIELDS = tuple(PROFILE_CHECKS)


async def read_profile(services: Services, workspace_id: str, page_id: str) -> Mapping[str, Any]:
    """The fields that are set. Errors: NotFoundError, those of `graph_refusal`."""
    page = await services.get_page(workspace_id, page_id)
    try:
        return await services.page_graph(page).read_messenger_profile(FIELDS)
    except GraphError as error:
        raise graph_refusal(error, "The profile cannot be read") from error


async def set_profile(services: Services, workspace_id: str, page_id: str, profile: Mapping[str, Any]) -> Mapping[str, Any]:
    """The profile after these fields were set; those not given stay as they are.

    Errors: NotFoundError, UsageError `bad_profile` (`errors` by field), those of `graph_refusal`.
    """
    page = await services.get_page(workspace_id, page_id)
    if problems := check_profile(profile):
        errors = [{"field": each.field, "code": each.code, "message": each.sentence} for each in problems]
        raise UsageError(problems[0].sentence, code="bad_profile", remedy="See `errors` for each field.", errors=errors)
    graph = services.page_graph(page)
    try:
        await graph.set_messenger_profile(profile)
        return await graph.read_messenger_profile(FIELDS)
    except GraphError as error:
        raise graph_refusal(error, "The profile was not set") from error


async def clear_profile(services: Services, workspace_id: str, page_id: str, fields: Sequence[str] = ()) -> None:
    """Empties these fields of the profile, or all of them. Errors: NotFoundError, UsageError `bad_profile`, `graph_refusal`."""
    page = await services.get_page(workspace_id, page_id)
    if unknown := [name for name in fields if name not in FIELDS]:
        raise UsageError(
            f"A Messenger profile has no field {unknown[0][:40]!r}.", code="bad_profile", remedy=f"Use {', '.join(FIELDS)}."
        )
    try:
        await services.page_graph(page).clear_messenger_profile(tuple(fields) or FIELDS)
    except GraphError as error:
        raise graph_refusal(error, "The profile was not cleared") from error
