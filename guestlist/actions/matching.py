"""Matching by phone number as a Page's capability: declared by its owner, checked against Graph as far as Graph can tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from guestlist.domain.matching import (
    PERMISSION,
    Condition,
    Declaration,
    PhoneMatching,
    decode_declaration,
    encode_declaration,
    judge_conditions,
)
from guestlist.graph.base import GraphError
from guestlist.storage import rows, tables
from guestlist.storage.base import Row, Transaction

from .base import Services
from .pages import graph_refusal

AUDIENCE_ROUTE = (
    "Reach these people by an audience: create one for the Page and upload the list (POST /v1/audiences, POST /v1/uploads). "
    "Where Meta has given the Page matching by phone number again, say so: guestlist pages matching PAGE --enable."
)
"""The way out where matching is suspended."""


@dataclass(frozen=True, slots=True)
class Matching:
    """How a Page stands with matching by phone number."""

    state: PhoneMatching
    declaration: Declaration
    conditions: Sequence[Condition]


async def declare_matching(
    services: Services, workspace_id: str, page_id: str, state: PhoneMatching, declaration: Declaration, *, by: str
) -> Row:
    """Notes what the owner says of a Page, replacing what was said before. Errors: NotFoundError."""
    said = {**encode_declaration(declaration), "by": by, "at": services.clock.now().isoformat()}

    async def unit(tx: Transaction) -> Row:
        page = await rows.get(tx, tables.pages, workspace_id, page_id, lock=True)
        capabilities = {**orjson.loads(page["capabilities"]), "phone_matching": state.value, "matching": said}
        await rows.change(tx, tables.pages, workspace_id, page_id, capabilities=orjson.dumps(capabilities).decode())
        return await rows.get(tx, tables.pages, workspace_id, page_id)

    return await services.db.write(unit)


def state_of(page: Row) -> PhoneMatching:
    """Whether a Page may be asked to match phone numbers."""
    return PhoneMatching(orjson.loads(page["capabilities"]).get("phone_matching", PhoneMatching.SUSPENDED))


def declaration_of(page: Row) -> Declaration:
    """What the Page's owner said."""
    said: Mapping[str, Any] = orjson.loads(page["capabilities"]).get("matching", {})
    return decode_declaration(said)


async def check_matching(services: Services, page: Row) -> Matching:
    """Every precondition as it is now, asking Graph. Errors: GraphError."""
    graph = services.page_graph(page)
    info, scopes = await graph.read_page(page["page_id"]), (await graph.debug_token()).scopes
    declaration = declaration_of(page)
    conditions = judge_conditions(
        declaration, published=info.published, permitted=PERMISSION in scopes, today=services.clock.now().date()
    )
    return Matching(state_of(page), declaration, conditions)


async def read_matching(services: Services, workspace_id: str, page_id: str) -> Matching:
    """The same for a person who asks. Errors: NotFoundError; those of `graph_refusal`."""
    page = await services.get_page(workspace_id, page_id)
    try:
        return await check_matching(services, page)
    except GraphError as error:
        raise graph_refusal(error, "The Page could not be checked") from error
