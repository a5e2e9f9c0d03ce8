"""Typing and seen: what a person sees of us before we write. No message: nothing is kept, no window is asked."""

from __future__ import annotations

from enum import StrEnum

from guestlist.graph.base import GraphError
from guestlist.storage.base import Row

from .base import Services
from .pages import check_connected, graph_refusal


class SenderAction(StrEnum):
    """What can be shown. Source: fact page 7.1."""

    TYPING_ON = "typing_on"
    TYPING_OFF = "typing_off"
    MARK_SEEN = "mark_seen"


async def send_action(services: Services, page: Row, psid: str, action: SenderAction) -> None:
    """Shows it to one person on this Page. Errors: RefusedError `reconnect_needed`, those of `graph_refusal`."""
    check_connected(page)
    try:
        await services.page_graph(page).send_action(page["page_id"], psid, action.value)
    except GraphError as error:
        raise graph_refusal(error, "The person was not shown it") from error
