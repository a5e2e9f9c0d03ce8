"""Utility templates: made by a Page, approved after a while, sent at any time (fact page 7.4).

How `message_template_status_update` looks for a Page no source records: it has the shape its namesake has for WhatsApp.
"""

from __future__ import annotations

import re
from typing import Any

from .calls import Call
from .errors import invalid
from .paging import build_page
from .things import Page, Template
from .webhooks import Event

APPROVAL_SECONDS = 60.0  # emulated
NAME = re.compile(r"[a-z0-9_]{1,512}")
SCOPES = ("pages_utility_messaging", "page_utility_messaging")


def create_template(call: Call, page: Page) -> dict[str, Any]:
    """`POST /<PAGE_ID>/message_templates`: PENDING at first, APPROVED a minute later. Errors: 100, 200."""
    call.require_page(page)
    call.require(*SCOPES)
    name, language = call.params.must("name"), call.params.must("language")
    if call.params.must("category") != "UTILITY":
        raise invalid("Param category must be UTILITY")
    if NAME.fullmatch(name) is None:
        raise invalid("Param name must be made of small letters, digits and underscores")
    if _find(page, name, language) is not None:
        raise invalid("There is a template of this name in this language already")
    components = call.params.sequence("components", required=True) or []
    if not components or not all(isinstance(each, dict) and each.get("type") for each in components):
        raise invalid("Param components must be an array of objects with a type")
    template = Template(call.emulator.world.new_id("62"), page, name, language, components)
    page.templates.append(template)

    def approve(at: float) -> None:
        template.status = "APPROVED"
        value = {
            "event": "APPROVED",
            "message_template_id": template.id,
            "message_template_name": name,
            "message_template_language": language,
            "reason": "NONE",
        }
        call.emulator.emit(Event(page.id, "message_template_status_update", value, at))

    call.emulator.later(call.now + APPROVAL_SECONDS, approve)
    return {"id": template.id, "status": template.status, "category": "UTILITY"}


def list_templates(call: Call, page: Page) -> dict[str, Any]:
    """`GET /<PAGE_ID>/message_templates`."""
    call.require_page(page)
    call.require(*SCOPES)
    return build_page(
        call,
        page.templates,
        lambda one: {
            "id": one.id,
            "name": one.name,
            "language": one.language,
            "status": one.status,
            "category": "UTILITY",
            "components": one.components,
        },
    )


def check_use(call: Call, page: Page, used: object) -> None:
    """A template in a message is one of the Page's, approved, in that language. Errors: 100."""
    language = used.get("language") if isinstance(used, dict) else None
    if not isinstance(used, dict) or not isinstance(language, dict):
        raise invalid("Param message[template] must hold a name and a language with a code")
    template = _find(page, str(used.get("name")), str(language.get("code")))
    if template is None or template.status != "APPROVED":
        raise invalid("There is no approved template of this name in this language")
    if not isinstance(used.get("components", []), list):
        raise invalid("Param message[template][components] must be an array")


def _find(page: Page, name: str, language: str) -> Template | None:
    return next((one for one in page.templates if (one.name, one.language) == (name, language)), None)
