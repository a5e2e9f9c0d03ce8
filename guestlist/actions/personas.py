"""Personas: names and faces a Page writes under. They live at Meta alone; nothing is kept here."""

from __future__ import annotations

from collections.abc import Sequence

from guestlist.domain.urls import refuse_url
from guestlist.errors import UsageError
from guestlist.graph.base import GraphError, Persona

from .base import Services
from .pages import graph_refusal

LONGEST_NAME = 50
"""Characters (fact page 7.7)."""


async def list_personas(services: Services, workspace_id: str, page_id: str) -> Sequence[Persona]:
    """The Page's personas. Errors: NotFoundError, those of `graph_refusal`."""
    page = await services.get_page(workspace_id, page_id)
    try:
        return await services.page_graph(page).list_personas(page["page_id"])
    except GraphError as error:
        raise graph_refusal(error, "The personas cannot be read") from error


async def create_persona(services: Services, workspace_id: str, page_id: str, *, name: str, picture_url: str) -> Persona:
    """A new persona. Errors: NotFoundError, UsageError `bad_name`, `bad_url` or `private_host`, those of `graph_refusal`."""
    page = await services.get_page(workspace_id, page_id)
    if not 0 < len(name) <= LONGEST_NAME:
        raise UsageError(f"A persona's name has 1 to {LONGEST_NAME} characters.", code="bad_name", remedy="Give a shorter one.")
    if bad := refuse_url(picture_url):
        raise UsageError(bad.sentence, code=bad.code, remedy="Give the URL of a picture that Meta can fetch.")
    try:
        persona_id = await services.page_graph(page).create_persona(page["page_id"], name, picture_url)
    except GraphError as error:
        raise graph_refusal(error, "The persona was not created") from error
    return Persona(persona_id, name, picture_url)


async def delete_persona(services: Services, workspace_id: str, page_id: str, persona_id: str) -> None:
    """Ends a persona; what was written under it stays. Errors: NotFoundError, those of `graph_refusal`."""
    page = await services.get_page(workspace_id, page_id)
    try:
        await services.page_graph(page).delete_persona(persona_id)
    except GraphError as error:
        raise graph_refusal(error, "The persona was not deleted") from error
