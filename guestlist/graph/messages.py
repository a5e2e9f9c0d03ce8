"""The calls by which a Page speaks to people, and dresses its conversations. Fact page 7.1, 7.2, 7.7."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .base import Persona, SentMessage
from .caller import Caller, build_path
from .paging import parse_page, read_all
from .wire import Document, WireError, as_id, as_object, as_text, parse_new_id, parse_success

PROFILE = build_path("me", "messenger_profile")
PERSONA_FIELDS = "id,name,profile_picture_url"
PAGE_ROWS = 100


class MessageCalls:
    """The calls of the Send API and of what surrounds it."""

    _caller: Caller

    async def send_message(self, page_id: str, body: Mapping[str, Any]) -> SentMessage:
        """Sends one message to one person as the Page. It means accepted, not delivered.

        Shape: `body` is Meta's: recipient, messaging_type, message, tag and what else the fact page names.
        """
        return await self._caller.write(build_path(page_id, "messages"), body, parse_sent)

    async def send_action(self, page_id: str, psid: str, action: str) -> None:
        """Shows the person what goes on: `mark_seen`, `typing_on` or `typing_off`. It opens no window and is no message."""
        body = {"recipient": {"id": psid}, "sender_action": action}
        await self._caller.write(build_path(page_id, "messages"), body, parse_acted)

    async def upload_attachment(self, page_id: str, kind: str, url: str) -> str:
        """The id of a file that Meta fetched and keeps for 90 days. `kind`: image, audio, video or file."""
        attachment = {"type": kind, "payload": {"url": url, "is_reusable": True}}
        body = {"message": {"attachment": attachment}}
        return await self._caller.write(build_path(page_id, "message_attachments"), body, parse_attachment_id)

    async def create_persona(self, page_id: str, name: str, picture_url: str) -> str:
        """The id of a new persona: a name and a face that the Page can write under."""
        body = {"name": name, "profile_picture_url": picture_url}
        return await self._caller.write(build_path(page_id, "personas"), body, parse_new_id)

    async def list_personas(self, page_id: str) -> Sequence[Persona]:
        """Every persona of the Page."""
        path = build_path(page_id, "personas")
        return await read_all(
            lambda page: self._caller.read(path, {"fields": PERSONA_FIELDS, **page}, parse_page(parse_persona)), PAGE_ROWS
        )

    async def delete_persona(self, persona_id: str) -> None:
        """Ends a persona. What was written under it stays."""
        await self._caller.delete(build_path(persona_id), parse_success)

    async def read_messenger_profile(self, fields: Sequence[str]) -> Mapping[str, Any]:
        """These fields of the Page's Messenger profile, as far as they are set. The token says which Page."""
        return await self._caller.read(PROFILE, {"fields": ",".join(fields)}, parse_profile)

    async def set_messenger_profile(self, profile: Mapping[str, Any]) -> None:
        """Sets fields of the Page's Messenger profile; the others stay."""
        await self._caller.write(PROFILE, profile, parse_result)

    async def clear_messenger_profile(self, fields: Sequence[str]) -> None:
        """Empties fields of the Page's Messenger profile."""
        await self._caller.delete(PROFILE, parse_result, {"fields": ",".join(fields)})


def parse_sent(document: Document) -> SentMessage:
    """What the answer tells of a message. Errors: WireError where it names neither person nor message.

    Some answers hold the person as an object, `{"recipient": {"id", "message_id"}}`.
    """
    recipient = as_object(document.get("recipient"))
    person = as_id(document.get("recipient_id")) or as_id(recipient.get("id")) or as_id(document.get("recipient"))
    message_id = as_id(document.get("message_id")) or as_id(recipient.get("message_id"))
    if person is None and message_id is None:
        raise WireError("The answer does not confirm the message.")
    return SentMessage(person, message_id)


def parse_acted(document: Document) -> None:
    """Checks that an action was taken: it names the person, or confirms success. Errors: WireError."""
    if as_id(document.get("recipient_id")) is None and not as_object(document.get("recipient")):
        parse_success(document)


def parse_attachment_id(document: Document) -> str:
    """The id of an upload, at the top or under `data`. Errors: WireError without one."""
    found = as_id(document.get("attachment_id")) or as_id(as_object(document.get("data")).get("attachment_id"))
    if found is None:
        raise WireError("The answer names no attachment.")
    return found


def parse_persona(row: Document) -> Persona:
    """A persona. Errors: WireError where it has no id."""
    persona_id = as_id(row.get("id"))
    if persona_id is None:
        raise WireError("A persona has no id.")
    return Persona(persona_id, as_text(row.get("name")), as_text(row.get("profile_picture_url")))


def parse_profile(document: Document) -> Mapping[str, Any]:
    """The fields of a Messenger profile, told as one object or as several under `data`."""
    data = document.get("data")
    rows = data if isinstance(data, list) else [data]
    return {name: value for row in rows for name, value in as_object(row).items()}


def parse_result(document: Document) -> None:
    """Checks `{"result": "success"}`, or `{"success": true}`. Errors: WireError for anything else."""
    if document.get("result") != "success":
        parse_success(document)
