"""`/v1/pages/{id}/…`: what people see of a Page on Messenger: its profile, personas, typing, a button for the website."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field, JsonValue

from guestlist.actions import messenger_profiles, personas, sender_actions, snippets
from guestlist.api.caller import Acting, Calling
from guestlist.api.models import Given, Instant, MetaId, Name, RowId, Shown, Words, check_storable
from guestlist.api.openapi import WRITING, refusals
from guestlist.graph.base import Persona

router = APIRouter(prefix="/v1/pages/{page_id}", tags=["pages"])

_READING = refusals(400, 403, 404, 409)
_ACTING = refusals(403, 404, *WRITING)


class NewPersona(Given):
    """A name and a face that the Page writes under."""

    name: Annotated[str, Field(min_length=1, max_length=personas.LONGEST_NAME)]
    picture_url: Annotated[str, Field(min_length=1, max_length=2083, examples=["https://example.com/faces/ana.png"])]


class ShownPersona(Shown):
    """A persona of a Page."""

    id: str = Field(description="Meta's id: the `persona_id` of a message.")
    name: str
    picture_url: str

    @classmethod
    def of_persona(cls, persona: Persona) -> ShownPersona:
        """Shapes a persona."""
        return cls(id=persona.id, name=persona.name, picture_url=persona.picture_url)


class Personas(Shown):
    """All personas of a Page."""

    data: list[ShownPersona]


class ProfileGiven(Given):
    """Fields of the Messenger profile, as Meta names them. Those left out stay as they are."""

    get_started: dict[str, JsonValue] | None = Field(None, examples=[{"payload": "START"}])
    greeting: list[JsonValue] | None = Field(None, examples=[[{"locale": "default", "text": "Hello!"}]])
    ice_breakers: list[JsonValue] | None = Field(None, description="At most 4.")
    persistent_menu: list[JsonValue] | None = Field(None, description="At most 20 items a menu, titles of at most 30 characters.")
    whitelisted_domains: list[JsonValue] | None = Field(None, examples=[["https://shop.example.com"]])

    def as_profile(self) -> dict[str, Any]:
        """The fields given."""
        return dict(check_storable(self.model_dump(exclude_none=True)))


class Profile(Shown):
    """The Messenger profile of a Page, as far as it is set."""

    get_started: dict[str, Any] | None = None
    greeting: list[Any] | None = None
    ice_breakers: list[Any] | None = None
    persistent_menu: list[Any] | None = None
    whitelisted_domains: list[Any] | None = None


class ActionGiven(Given):
    """What one person is to see."""

    psid: MetaId = Field(description="The person's id on the Page.")
    action: sender_actions.SenderAction


class ShownSnippet(Shown):
    """A "Message us" button for a website."""

    url: str = Field(description="The link: m.me, with the sealed ref.")
    html: str
    expires_at: Instant = Field(description="Until when the ref opens; the link itself goes on working.")


@router.get("/personas", summary="List personas", responses=_READING)
async def list_personas(caller: Calling, page_id: RowId) -> Personas:
    """The Page's personas, read from Meta."""
    found = await personas.list_personas(caller.services, caller.workspace_id, page_id)
    return Personas(data=[ShownPersona.of_persona(each) for each in found])


@router.post("/personas", summary="Create a persona", status_code=201, responses=_ACTING)
async def create_persona(caller: Acting, page_id: RowId, given: NewPersona) -> ShownPersona:
    """Makes a persona at Meta. Meta fetches the picture."""
    made = await personas.create_persona(
        caller.services, caller.workspace_id, page_id, name=given.name, picture_url=given.picture_url
    )
    return ShownPersona.of_persona(made)


@router.delete("/personas/{persona_id}", summary="Delete a persona", status_code=204, responses=_READING)
async def delete_persona(caller: Calling, page_id: RowId, persona_id: MetaId) -> None:
    """Ends a persona. What was written under it stays."""
    await personas.delete_persona(caller.services, caller.workspace_id, page_id, persona_id)


@router.get("/profile", summary="Read the Messenger profile", response_model_exclude_none=True, responses=_READING)
async def get_profile(caller: Calling, page_id: RowId) -> Profile:
    """The get-started button, greeting, ice breakers, menu and domains that are set, read from Meta."""
    return Profile.model_validate(await messenger_profiles.read_profile(caller.services, caller.workspace_id, page_id))


@router.put("/profile", summary="Set the Messenger profile", response_model_exclude_none=True, responses=_ACTING)
async def set_profile(caller: Calling, page_id: RowId, given: ProfileGiven) -> Profile:
    """Sets the fields given, at Meta; the others stay."""
    profile = await messenger_profiles.set_profile(caller.services, caller.workspace_id, page_id, given.as_profile())
    return Profile.model_validate(profile)


@router.delete("/profile", summary="Clear the Messenger profile", status_code=204, responses=_READING)
async def clear_profile(
    caller: Calling,
    page_id: RowId,
    fields: Annotated[str | None, Query(max_length=200, description="Only these, between commas.", examples=["greeting"])] = None,
) -> None:
    """Empties the profile, or some fields of it."""
    names = [name.strip() for name in (fields or "").split(",") if name.strip()]
    await messenger_profiles.clear_profile(caller.services, caller.workspace_id, page_id, names)


@router.post("/actions", summary="Show typing or seen", status_code=204, responses=_ACTING)
async def send_action(caller: Acting, page_id: RowId, given: ActionGiven) -> None:
    """Shows one person that we are typing, or have seen what they wrote."""
    page = await caller.services.get_page(caller.workspace_id, page_id)
    await sender_actions.send_action(caller.services, page, given.psid, given.action)


@router.get("/snippet", summary="Make a “Message us” button", responses=refusals(400, 404))
async def get_snippet(
    caller: Calling,
    page_id: RowId,
    ref: Annotated[
        Words, Query(description="What to know again of whoever follows the link. Sealed, so nobody can read it.")
    ] = "",
    label: Annotated[Name, Query(description="The words on the button.")] = snippets.LABEL,
    days: Annotated[int, Query(ge=1, le=3650, description="How long the ref opens.")] = 365,
) -> ShownSnippet:
    """A link for a website, a mail or a QR code that opens the conversation with the Page, and its HTML."""
    made = await snippets.make_snippet(caller.services, caller.workspace_id, page_id, {"ref": ref}, days=days, label=label)
    return ShownSnippet(url=made.url, html=made.html, expires_at=made.expires_at)
